"""The op tables, one file a family. Each entry: a forward and one vjp per input.

A function that NumPy has, too, bears its name, and is what ``np.f`` of a Tensor calls. Those that
consist of others are in `composed`.
"""

from .elementwise import *
from .elementwise import __all__ as _elementwise
from .elementwise import as_it_was as as_it_was
from .elementwise import root as root
from .elementwise import value_of as value_of
from .indexing import *
from .indexing import __all__ as _indexing
from .indexing import getitem as getitem
from .joining import *
from .joining import __all__ as _joining
from .moving import *
from .moving import __all__ as _moving
from .products import *
from .products import __all__ as _products
from .reductions import *
from .reductions import __all__ as _reductions
from .scans import *
from .scans import __all__ as _scans
from .shaping import *
from .shaping import __all__ as _shaping
from .shaping import transpose_op as transpose_op

__all__ = [
    *_elementwise, *_indexing, *_joining, *_moving, *_products, *_reductions, *_scans, *_shaping,
]
