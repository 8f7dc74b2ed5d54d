"""The op tables, one file a family. Each entry: a forward and one vjp per input.

A function that NumPy has, too, bears its name, and is what ``np.f`` of a Tensor calls. Those that
consist of others are in `numpy_api`.
"""

from .elementwise import *
from .elementwise import as_it_was as as_it_was
from .elementwise import cast as cast
from .elementwise import power_op as power_op
from .elementwise import root as root
from .elementwise import value_of as value_of
from .indexing import getitem as getitem
from .moving import *
from .products import *
from .reductions import *
from .rows import *
from .shaping import *
from .shaping import transpose_op as transpose_op
