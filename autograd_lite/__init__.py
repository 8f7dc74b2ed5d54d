"""autograd_lite: reverse-mode automatic differentiation on NumPy that shows its work.

To read the engine, in this order: `tensor` (what a graph is made of), `op` (how it is recorded),
`modes` (when it is), `ops` (the rules), `backward` (the one backward pass), `numpy_protocol`
(``np.f`` of a Tensor). `steps` and `notation` serve `draw` (figures) and `derive` (formulas);
`checking` looks over hand-written gradients.
"""

from .tensor import Tensor  # isort: skip  (first: the op tables are built on it)
from .backward import gradients
from .checking import check_backprop
from .derive import Derivation, derive
from .draw import Figure, draw
from .graph import named_tensors
from .modes import no_grad
from .op import OPS, Op
from .ops import (
    absolute,
    add,
    array,
    broadcast_to,
    clip,
    concatenate,
    cos,
    divide,
    dot,
    exp,
    expand_dims,
    expm1,
    linear,
    log,
    log1p,
    matmul,
    matrix_transpose,
    max,
    maximum,
    mean,
    min,
    minimum,
    multiply,
    negative,
    positive,
    power,
    ravel,
    reciprocal,
    relu,
    remainder,
    reshape,
    sigmoid,
    sin,
    softplus,
    sqrt,
    square,
    squeeze,
    stack,
    subtract,
    sum,
    swapaxes,
    tanh,
    transpose,
    var,
    where,
)

abs = absolute
true_divide = divide
mod = remainder
amax, amin = max, min

__version__ = "0.1.0"

__all__ = [
    "OPS", "Derivation", "Figure", "Op", "Tensor", "abs", "absolute", "add", "amax", "amin",
    "array", "broadcast_to", "check_backprop", "clip", "concatenate", "cos", "derive", "divide",
    "dot", "draw", "exp", "expand_dims", "expm1", "gradients", "linear", "log", "log1p", "matmul",
    "matrix_transpose", "max", "maximum", "mean", "min", "minimum", "mod", "multiply",
    "named_tensors", "negative", "no_grad", "positive", "power", "ravel", "reciprocal", "relu",
    "remainder", "reshape", "sigmoid", "sin", "softplus", "sqrt", "square", "squeeze", "stack",
    "subtract", "sum", "swapaxes", "tanh", "transpose", "true_divide", "var", "where",
]  # fmt: skip
