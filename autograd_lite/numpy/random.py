"""``numpy.random``, under this name."""

from numpy.random import *
