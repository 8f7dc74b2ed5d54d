"""What NumPy composes, composed of ops: no rules here, since the ops' own follow through.

Each function bears NumPy's name, and is what ``np.f`` of a Tensor calls.
"""

from .calculus import *
from .calculus import __all__ as _calculus
from .einsum import *
from .einsum import __all__ as _einsum
from .elementwise import *
from .elementwise import __all__ as _elementwise
from .joining import *
from .joining import __all__ as _joining
from .moving import *
from .moving import __all__ as _moving
from .order import *
from .order import __all__ as _order
from .products import *
from .products import __all__ as _products
from .scans import *
from .scans import __all__ as _scans
from .spread import *
from .spread import __all__ as _spread
from .statistics import *
from .statistics import __all__ as _statistics

__all__ = [
    *_calculus, *_einsum, *_elementwise, *_joining, *_moving, *_order, *_products, *_scans,
    *_spread, *_statistics,
]
