"""NumPy's namespace, for code that makes arrays of Tensors and fills arrays with them.

With ``import autograd_lite.numpy as np`` a program is NumPy's as before, and

- ``np.array([a, b])``, ``np.dot([[a, b], [c, d]], v)``: functions take lists that hold Tensors;
- within a transform, or ``with np.filling():``, what `array`, `zeros`, `ones`, `full`, `empty`,
  `eye` and the ``_like`` make of floats can be filled with Tensors: ``out[i] = t``,
  ``out[1:] += t``, ``np.exp(t, out=out)``. It is a `Buffer`, which says what can't be.

All else is NumPy's own, which takes Tensors anyway.

Example:
    >>> import autograd_lite as ag, autograd_lite.numpy as np
    >>> def powers(x):
    ...     out = np.zeros(4)
    ...     out[0] = 1.0
    ...     for i in range(1, 4):
    ...         out[i] = x * out[i - 1]
    ...     return out
    >>> ag.jacobian(powers)(2.0)
    array([ 0.,  1.,  4., 12.])
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as _np

from ..numpy_api.filling import filling as filling

if TYPE_CHECKING:
    from numpy import *
else:
    from . import fft as fft
    from . import linalg as linalg
    from . import numpy_boxes as numpy_boxes
    from . import random as random
    from .buffer import of_name

    __getattr__ = of_name  # `from numpy import *` would hide Python's own any, sum, … here


__all__ = _np.__all__


def __dir__() -> list[str]:
    return dir(_np)
