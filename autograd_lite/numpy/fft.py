"""``numpy.fft``, under this name."""

from numpy.fft import *
