"""``numpy.random``, under this name."""

import sys

import numpy.random
from numpy.random import *

sys.modules[__name__] = numpy.random
