"""``numpy.fft``, under this name."""

import sys

import numpy.fft
from numpy.fft import *

sys.modules[__name__] = numpy.fft
