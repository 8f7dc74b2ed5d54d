"""autograd_lite: reverse-mode automatic differentiation on NumPy that shows its work.

First steps
-----------
NumPy's own functions take Tensors, and what is computed from one that requires a gradient can be
differentiated:

    >>> import numpy as np
    >>> import autograd_lite as ag
    >>> w = ag.Tensor([1.0, 2.0], requires_grad=True, name="w")
    >>> loss = np.sum(np.tanh(w) ** 2)
    >>> loss.backward()
    >>> w.grad.round(4)
    array([0.6397, 0.1362])

Or a function is:

    >>> ag.grad(lambda w: np.sum(np.tanh(w) ** 2))(np.array([1.0, 2.0])).round(4)
    array([0.6397, 0.1362])

What was recorded is shown, and checked:

    >>> print(ag.derive(loss)["w"].result)
    2 · (1 − tanh(w)²) ∘ tanh(w)
    >>> ag.draw(loss)
    <Figure of 3 nodes; .svg(), .save(path), .source>
    >>> ag.check_backprop(loss, {"w": 2 * np.tanh(w.data)}).ok
    False

- differentiate: `grad`, `value_and_grad`, `jacobian`, `hessian`, `vjp`, `jvp`, `hvp`, `gradients`
- see: `draw` (figures), `derive` (formulas), `explain` (a page, step by step), `named_tensors`
- check: `check_backprop` (gradients of one's own), `check_grads`, `detect_anomaly`
- faster: `compile`; without a graph: `no_grad`; with less memory: `checkpoint`
- `nn` (also `autograd_lite.nn`): layers, losses, optimizers, training
- NumPy's functions by their own names: `exp`, `sum`, …, `linalg`, `fft`

To read the code: docs/architecture.md.
"""

from typing import TYPE_CHECKING, Any

from . import decorating as decorating  # which lets modes be decorators
from . import fft, linalg
from . import members as members  # which puts on Tensor what users see of it
from .anomaly import detect_anomaly
from .checkpoint import checkpoint
from .compile import compile
from .console import print_what_can_be_shown as _print_what_can_be_shown
from .derive import derive
from .differential_operators import *
from .draw import draw
from .engine.modes import no_grad
from .engine.tensor import Tensor
from .explain import explain
from .extend import Op
from .extend import primitive as primitive
from .gradients import gradients
from .graph import named_tensors
from .lines import line_of, source_lines
from .numpy_api.calculus import *
from .numpy_api.elementwise import *
from .numpy_api.indexing import *
from .numpy_api.moving import *
from .numpy_api.order import *
from .numpy_api.products import *
from .numpy_api.statistics import *
from .ops.elementwise import *
from .ops.moving import *
from .ops.products import *
from .ops.reductions import *
from .ops.shaping import *
from .table import OPS
from .transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

if TYPE_CHECKING:
    from .check import check_backprop
    from .check.derivatives import GradientError, check_grads
    from .compile.graph import CompileError
    from .derive import Derivation
    from .draw.figure import Figure
    from .draw.theme import Theme

__version__ = "0.1.0"

__all__ = [
    "OPS", "CompileError", "Derivation", "Figure", "GradientError", "Op", "Tensor", "Theme",
    "check_backprop", "check_grads", "checkpoint", "compile", "derive", "detect_anomaly",
    "draw", "explain", "fft", "grad", "gradients", "hessian", "hvp", "jacobian", "jvp", "linalg",
    "line_of", "named_tensors", "no_grad", "source_lines", "value_and_grad", "vjp",
]  # fmt: skip

__all__ += [
    name for name, f in vars().items() if name[0] != "_" and name not in __all__
    and callable(f) and f.__module__.startswith(__name__)
]  # fmt: skip  # the functions of the families

# What is imported when it is first asked for, and from where.
_LATER = {
    "CompileError": "compile.graph",
    "Derivation": "derive",
    "Figure": "draw.figure",
    "GradientError": "check.derivatives",
    "Theme": "draw.theme",
    "check_backprop": "check",
    "check_grads": "check.derivatives",
    "nn": "nn",
    "testing": "testing",
}


_print_what_can_be_shown()


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module = import_module(f".{_LATER[name]}", __name__)
    found = globals()[name] = getattr(module, name, module)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
