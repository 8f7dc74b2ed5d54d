"""``numpy.random``, under this name."""

import numpy.random as _own
from numpy.random import *

__getattr__ = _own.__getattribute__
