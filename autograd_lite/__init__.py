"""autograd_lite: reverse-mode automatic differentiation on NumPy that shows its work.

`engine` records and walks back, and says in which order to read it. `ops` are the rules,
`numpy_api` what NumPy composes of them, `members` what users see of a Tensor, `transforms` grad,
jvp, jacobian, …. `show` serves `draw` (figures) and `derive` (formulas); `check` looks over
hand-written gradients, and over the engine's own.
"""

from typing import TYPE_CHECKING, Any

from . import decorating as decorating  # which lets modes be decorators
from . import fft, linalg
from . import members as members  # which puts on Tensor what users see of it
from .anomaly import detect_anomaly
from .checkpoint import checkpoint
from .compile import compile
from .derive import derive
from .draw import draw
from .engine.modes import no_grad
from .engine.tensor import Tensor
from .explain import explain
from .extend import Op
from .gradients import gradients
from .graph import named_tensors
from .hips import elementwise_grad, hessian_vector_product, make_jvp, make_vjp
from .lines import line_of, source_lines
from .numpy_api.calculus import *
from .numpy_api.einstein import *
from .numpy_api.elementwise import *
from .numpy_api.groups import *
from .numpy_api.indexing import *
from .numpy_api.joining import *
from .numpy_api.moving import *
from .numpy_api.order import *
from .numpy_api.products import *
from .numpy_api.scans import *
from .numpy_api.spread import *
from .numpy_api.statistics import *
from .ops.elementwise import *
from .ops.joining import *
from .ops.moving import *
from .ops.products import *
from .ops.reductions import *
from .ops.scans import *
from .ops.shaping import *
from .table import OPS
from .transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

if TYPE_CHECKING:
    from .check import check_backprop
    from .check.derivatives import GradientError, check_grads
    from .compile import CompileError
    from .derive import Derivation
    from .draw.figure import Figure
    from .draw.theme import Theme

__version__ = "0.1.0"

# What else is imported above, the functions of the families, would hide Python's own sum, abs, …
__all__ = [
    "OPS", "CompileError", "Derivation", "Figure", "GradientError", "Op", "Tensor", "Theme",
    "check_backprop", "check_grads", "checkpoint", "compile", "derive", "detect_anomaly",
    "draw", "elementwise_grad", "explain", "fft", "grad", "gradients", "hessian",
    "hessian_vector_product", "hvp", "jacobian", "jvp", "linalg", "line_of", "make_jvp",
    "make_vjp", "named_tensors", "no_grad", "source_lines", "value_and_grad", "vjp",
]  # fmt: skip

# What is imported when it is first asked for, and from where.
_LATER = {
    "CompileError": "compile.graph",
    "Derivation": "derive",
    "Figure": "draw.figure",
    "GradientError": "check.derivatives",
    "Theme": "draw.theme",
    "check_backprop": "check",
    "check_grads": "check.derivatives",
    "testing": "testing",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module = import_module(f".{_LATER[name]}", __name__)
    found = globals()[name] = getattr(module, name, module)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
