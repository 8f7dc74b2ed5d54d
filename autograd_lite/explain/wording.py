"""Names, numbers and formulas as the messages write them: ``δ_2``, ``∇W_12``, ``l_1ᵀ δ_2``."""

from __future__ import annotations

import re
from fractions import Fraction

import numpy as np

from ..engine.tensor import Array, Tensor
from ..show.notation import number
from .recorded import PRODUCTS, Recorded, Step

_SUM_OF = re.compile(r"s_(\w[\w,]*)")


def symbol(name: str) -> str:
    """How the chapter writes the gradient of a tensor: ``δ_2`` of ``s_2``, ``∇W_12`` of ``W_12``.
    """
    of_sum = _SUM_OF.fullmatch(name)
    return f"δ_{of_sum[1]}" if of_sum else f"∇{name}"


def name(tensor: Tensor) -> str:
    """A tensor by its name, or by the op that made it."""
    if tensor.name is not None:
        return tensor.name
    return f"({tensor.op.name})" if tensor.op is not None else f"({written(tensor._array)})"


def gradient(tensor: Tensor) -> str:
    """A tensor's gradient: ``δ_2``, ``∇W_12``, or ``∂L/∂(exp)`` where it has no name."""
    return symbol(tensor.name) if tensor.name is not None else f"∂L/∂{name(tensor)}"


def ratio(value: float) -> str:
    """A ratio as a small fraction where decimals don't end: ``2``, ``0.5``, ``4/3``, ``0.1234``."""
    simple = Fraction(value).limit_denominator(100)
    if 100 % simple.denominator and abs(float(simple) - value) <= 1e-8 * abs(value):
        return str(simple).replace("-", "−")
    return number(value)


def times(value: float) -> str:
    """How an array differs from the right one by a factor: ``10 times too large``."""
    if value == -1:
        return "has the wrong sign"
    sign = "has the wrong sign and " if value < 0 else ""
    value = abs(value)
    if value > 1:
        return f"{sign}is {ratio(value)} times too large"
    return f"{sign}is {ratio(1 / value)} times too small"


# σ' as one would write it, by s and l = σ(s).
_SLOPES = {
    "sigmoid": "{l} ∘ (1 − {l})",
    "tanh": "1 − {l} ∘ {l}",
    "relu": "[{s} > 0]",
    "softplus": "σ({s})",
}


def slope(step: Step) -> str:
    """The derivative of an elementwise op, written out: ``l_1 ∘ (1 − l_1)``."""
    template = _SLOPES.get(step.op.name)
    if template is None or step.tensor.name is None:
        return slope_name(step)
    return template.format(s=name(step.inputs[0]), l=step.tensor.name)


def slope_name(step: Step) -> str:
    """The derivative of an elementwise op, by its name: ``σ'(s_1)``."""
    sign = {"sigmoid": "σ"}.get(step.op.name, step.op.name)
    s = name(step.inputs[0])
    return f"{sign}'{s}" if s.startswith("(") else f"{sign}'({s})"


def formula(graph: Recorded, tensor: Tensor) -> str | None:
    """The chain rule for a tensor, from the nearest named tensors after it; None if it is long.

    >>> import autograd_lite as ag, nn
    >>> loss = nn.SquaredErrorLoss()(nn.MLP([2, 3, 1], "tanh")([[1.0, 2.0]]), [[1.0]])
    >>> graph = Recorded.of(loss)
    >>> formula(graph, graph.named["s_1"])
    '(δ_2 W_12ᵀ) ∘ (1 − l_1 ∘ l_1)'
    >>> formula(graph, graph.named["W_01"])
    'l_0ᵀ δ_1'
    """
    factors: list[str] = []
    start: str
    while True:
        uses = graph.uses.get(tensor, [])
        if len(uses) != 1:
            return None if factors or not uses else _sum_of_paths(graph, tensor)
        step, i = graph.steps[uses[0].tensor], uses[0].i
        onward = step.tensor
        if step.op.name in PRODUCTS:
            if onward.name is None:
                return None
            start = _through_product(step, i)
            break
        if step.is_elementwise:
            factors.append(slope(step))
            if onward.name is not None and _is_sum(graph, onward):
                return None
            tensor = onward
            continue
        if onward is graph.loss or onward.name is not None:
            start = f"∂{onward.name or 'L'}/∂{name(tensor)}"
            if onward is not graph.loss:
                start = f"{symbol(onward.name or '')} {start}"
            break
        return None
    if not factors:
        return start
    if " " in start:
        start = f"({start})"
    return " ∘ ".join([start, *(f"({f})" if " " in f else f for f in reversed(factors))])


def _is_sum(graph: Recorded, tensor: Tensor) -> bool:
    return len(graph.uses.get(tensor, ())) != 1


def _sum_of_paths(graph: Recorded, tensor: Tensor) -> str | None:
    onward = [edge.tensor.name for edge in graph.uses[tensor]]
    if any(n is None for n in onward):
        return None
    return " + ".join(f"{symbol(n or '')} ∂{n}/∂{name(tensor)}" for n in onward)


def _through_product(step: Step, i: int) -> str:
    left, right = (name(x) for x in step.inputs[:2])
    g = symbol(step.tensor.name or "")
    if i == 0:
        return f"{g} {right}ᵀ"
    if i == 1:
        return f"{left}ᵀ {g}"
    return f"1ᵀ {g}" if step.out.shape != np.shape(step.arrays[2]) else g


def abridged(array: Array | None, value: object = None) -> str:
    """An array on one line, with its shape; or what was given in its place."""
    if array is None:
        text = repr(value)
        return text if len(text) <= 60 else text[:57] + "…"
    return f"{written(array)} of shape {array.shape}"


def written(array: Array) -> str:
    """An array on one line, a large one abridged."""
    text = np.array2string(array, precision=4, threshold=16, edgeitems=2, separator=", ")
    return re.sub(r"\s+", " ", text)
