"""The op tables, one file a family. Each entry: a forward and one vjp per input."""

from .elementwise import (
    absolute,
    add,
    as_it_was,
    astype,
    clip,
    copy,
    cos,
    divide,
    exp,
    expm1,
    log,
    log1p,
    maximum,
    minimum,
    multiply,
    negative,
    positive,
    power,
    reciprocal,
    relu,
    remainder,
    sigmoid,
    sin,
    softplus,
    sqrt,
    square,
    subtract,
    tanh,
    value_of,
    where,
)
from .indexing import getitem, scatter
from .linalg import dot, linear, matmul
from .reductions import max, mean, min, sum, var
from .shaping import (
    array,
    broadcast_to,
    concatenate,
    expand_dims,
    matrix_transpose,
    ravel,
    reshape,
    squeeze,
    stack,
    swapaxes,
    transpose,
    transpose_op,
)

__all__ = [
    "absolute", "add", "array", "as_it_was", "astype", "broadcast_to", "clip", "concatenate",
    "copy", "cos", "divide", "dot", "exp", "expand_dims", "expm1", "getitem", "linear", "log",
    "log1p", "matmul", "matrix_transpose", "max", "maximum", "mean", "min", "minimum", "multiply",
    "negative", "positive", "power", "ravel", "reciprocal", "relu", "remainder", "reshape",
    "scatter", "sigmoid", "sin", "softplus", "sqrt", "square", "squeeze", "stack", "subtract",
    "sum", "swapaxes", "tanh", "transpose", "transpose_op", "value_of", "var", "where",
]  # fmt: skip
