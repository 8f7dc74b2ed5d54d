"""What programs around gradients need: containers as one vector, and optimizers of functions."""

from .flatten import flatten as flatten
