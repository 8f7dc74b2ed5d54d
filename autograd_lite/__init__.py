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
from . import fft as fft
from . import linalg as linalg
from . import members as members  # which puts on Tensor what users see of it
from .anomaly import detect_anomaly as detect_anomaly
from .checkpoint import checkpoint as checkpoint
from .compile import compile as compile
from .console import print_what_can_be_shown as _print_what_can_be_shown
from .derive import derive as derive
from .differential_operators import *
from .draw import draw as draw
from .engine.modes import no_grad as no_grad
from .engine.tensor import Tensor as Tensor
from .explain import explain as explain
from .extend import Op as Op
from .extend import primitive as primitive
from .gradients import gradients as gradients
from .graph import named_tensors as named_tensors
from .lines import line_of as line_of
from .lines import source_lines as source_lines
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
from .table import OPS as OPS
from .transforms import *

if TYPE_CHECKING:
    from .check import check_backprop as check_backprop
    from .check.derivatives import GradientError as GradientError
    from .check.derivatives import check_grads as check_grads
    from .compile.graph import CompileError as CompileError
    from .derive import Derivation as Derivation
    from .draw.figure import Figure as Figure
    from .draw.theme import Theme as Theme

__version__ = "0.1.0"

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

if not TYPE_CHECKING:  # type checkers don't see through it, and take what is imported as it is here
    __all__ = ["OPS", "fft", "linalg", *(name for name in _LATER if name != _LATER[name])]
    __all__ += [
        name for name, f in vars().items()
        if name[0] != "_" and callable(f) and f.__module__.startswith(__name__)
    ]  # fmt: skip

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
