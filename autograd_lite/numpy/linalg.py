"""``numpy.linalg``, under this name."""

from numpy.linalg import *
