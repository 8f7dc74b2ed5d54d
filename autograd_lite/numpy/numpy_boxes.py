"""The type of what is differentiated, under the name that HIPS autograd has for it."""

from ..engine.tensor import Tensor as ArrayBox

__all__ = ["ArrayBox"]
