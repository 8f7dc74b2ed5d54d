"""``numpy.fft``, under this name."""

from typing import Any

import numpy.fft as _own
from numpy.fft import *


def __getattr__(name: str) -> Any:
    return getattr(_own, name)
