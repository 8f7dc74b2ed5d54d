"""``numpy.linalg``, under this name."""

import numpy.linalg as _own
from numpy.linalg import *

from .buffer import of_lists as _of_lists

globals().update({_name: _of_lists(getattr(_own, _name)) for _name in _own.__all__})
