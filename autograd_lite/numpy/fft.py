"""``numpy.fft``, under this name."""

import numpy.fft as _own
from numpy.fft import *

__getattr__ = _own.__getattribute__
