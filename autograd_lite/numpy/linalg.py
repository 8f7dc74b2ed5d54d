"""``numpy.linalg``, under this name."""

from numpy.linalg import *
from numpy.linalg import norm as _norm

from .buffer import of_lists

norm = of_lists(_norm)
