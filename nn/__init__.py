"""nn: networks, losses, optimizers and training on autograd_lite, in the chapter's notation.

Rows are observations: ``s_1 = l_0 W_01 + b_01``, ``l_1 = σ(s_1)``, ``δ_k = ∂L/∂s_k``.
"""

from typing import TYPE_CHECKING, Any

from .activations import *
from .convolution import *
from .data import *
from .derivation import *
from .layers import *
from .losses import *
from .module import *
from .normalization import *
from .optimizers import *
from .recording import *
from .sequences import *
from .train_step import *
from .training import *

if TYPE_CHECKING:
    from .diagram import draw as draw
else:  # type checkers don't see through it, and take what is imported as it is here
    _ours = [n for n, x in vars().items() if getattr(x, "__module__", "").startswith(__name__)]
    __all__ = ["draw", *_ours]


def __getattr__(name: str) -> Any:
    if name != "draw":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .diagram import draw  # only now, so that those who draw nothing needn't wait for it

    globals()[name] = draw
    return draw


def __dir__() -> list[str]:
    return sorted({*globals(), "draw"})
