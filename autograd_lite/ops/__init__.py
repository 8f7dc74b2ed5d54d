"""The op tables, one file a family: rules, and what NumPy composes of them, composed here.

An entry is a forward and one vjp per input. A function that NumPy has, too, bears its name, and is
what ``np.f`` of a Tensor calls.
"""

from .elementwise import *
from .elementwise import __all__ as _elementwise
from .elementwise import as_it_was as as_it_was
from .elementwise import root as root
from .elementwise import value_of as value_of
from .indexing import *
from .indexing import __all__ as _indexing
from .indexing import getitem as getitem
from .products import *
from .products import __all__ as _products
from .reductions import *
from .reductions import __all__ as _reductions
from .shaping import *
from .shaping import __all__ as _shaping
from .shaping import transpose_op as transpose_op

__all__ = [  # pyright: ignore
    *_elementwise, *_indexing, *_products, *_reductions, *_shaping,
]  # fmt: skip
