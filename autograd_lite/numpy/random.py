"""``numpy.random``, under this name."""

from typing import Any

import numpy.random as _own
from numpy.random import *


def __getattr__(name: str) -> Any:
    return getattr(_own, name)
