"""The mistakes that are made with the derivative of the loss, from which all others start."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ..engine.tensor import Array
from ..table import OPS
from .mistakes import LOSS, OTHER_LOSS, scaled
from .recognised import SLOPES, Loss
from .recorded import Edge, Mistake, Recorded
from .wording import gradient, name, ratio, slope_name

SQUARES = ("½(y − p)²", "(y − p)²")
_TWICE = {
    SQUARES: "is 2 times too small, and that of another loss",
    SQUARES[::-1]: "is 2 times too large, and that of another loss",
}


def at_loss(graph: Recorded, loss: Loss) -> Iterator[Mistake]:
    """What can be wrong with ∂L/∂p: 1/q, the shape of y, the derivative of another loss."""
    yield from _of_scale(graph, loss)
    yield from _of_shape(graph, loss)
    yield from _of_another_after_sigma(graph, loss)
    yield from _of_another(graph, loss)


def _of_scale(graph: Recorded, loss: Loss) -> Iterator[Mistake]:
    """1/q missing, or there twice, or with another q."""
    p, y, scale = loss.p, loss.y, loss.scale
    delta = _delta(graph, loss)
    q = ratio(1 / scale)
    by_q = f"the batch size q = {q}" if 1 / scale == len(y) else f"the number of entries q = {q}"
    formula = _formula(graph, loss, "")
    if scale != 1:
        text = f"{delta} is {q} times too large: divide it by {by_q}{formula}"
        yield scaled(p, 1 / scale, text, LOSS)
        text = f"{delta} is {q} times too small: divide it by {by_q} once, not twice{formula}"
        yield scaled(p, scale, text, LOSS)
    for wrong in (1 / len(y), 1 / y.size):
        if wrong not in (1.0, scale):
            belongs = f"{by_q} belongs" if scale != 1 else "nothing is to be divided"
            text = f"{delta} is divided by {ratio(1 / wrong)} where {belongs}{formula}"
            yield scaled(p, wrong / scale, text, LOSS)


def _of_shape(graph: Recorded, loss: Loss) -> Iterator[Mistake]:
    """Targets of shape (q,) beside predictions of shape (q, 1), in ∂L/∂p, or in δ = p − y."""
    value, y = graph.values[loss.p], loss.y
    if y.ndim != 2 or y.shape[1] != 1:
        return
    text = (
        f"{loss.y_name} has the shape {(len(y),)} where it should have {y.shape}, and so each "
        f"prediction meets each target: {loss.y_name}.reshape(-1, 1){_formula(graph, loss)}"
    )
    with np.errstate(all="ignore"):
        every = loss.scale * SLOPES[loss.name](value, y[:, 0])
    yield Mistake(text, LOSS, tensors={loss.p: _instead(every)})
    for edge in _before(graph, loss):
        yield Mistake(text, LOSS, {edge: lambda g, step: loss.scale * (value - y[:, 0])})


def _of_another(graph: Recorded, loss: Loss) -> Iterator[Mistake]:
    """The derivative of another loss of the same predictions."""
    for other, rule in SLOPES.items():
        if other != loss.name:
            with np.errstate(all="ignore"):
                slope = loss.scale * rule(graph.values[loss.p], loss.y)
            differs = _TWICE.get((other, loss.name), "is that of another loss")
            yield Mistake(
                f"{_delta(graph, loss)} {differs}: of {other}, and the loss is "
                f"{loss.name}{_formula(graph, loss)}",
                LOSS if (other, loss.name) in _TWICE else OTHER_LOSS,
                tensors={loss.p: _instead(slope)},
                aside=f"it is what {other} would give",
            )


def _of_another_after_sigma(graph: Recorded, loss: Loss) -> Iterator[Mistake]:
    """What δ is for another loss and its own σ: p − y; or ``(σ(z) − y) ∘ σ'(z)`` of logits z."""
    value, y = graph.values[loss.p], loss.y
    delta, formula = _delta(graph, loss), _formula(graph, loss)
    for edge in _before(graph, loss):
        difference, sigma = f"{name(loss.p)} − {loss.y_name}", graph.steps[loss.p].op.name
        entropy = {"sigmoid": "binary cross-entropy", "softmax": "cross-entropy"}.get(sigma)
        is_that = f"right for {entropy} after {sigma}" if entropy else f"{SQUARES[0]} without σ'"
        yield Mistake(
            f"{delta} = {difference} is {is_that}, and the loss is {loss.name}{formula}",
            OTHER_LOSS,
            {edge: lambda g, step: loss.scale * (value - y)},
            aside=f"{difference} is {is_that}" if entropy else "",
        )
    if loss.name == "binary cross-entropy of logits":
        p = OPS["sigmoid"].forward(value)
        for squares in SQUARES:
            yield Mistake(
                f"{delta} is that of {squares} after a sigmoid, and the loss is "
                f"{loss.name}{formula}",
                OTHER_LOSS,
                tensors={loss.p: _instead(loss.scale * SLOPES[squares](p, y) * p * (1 - p))},
            )


def _instead(value: Array) -> Callable[[Sequence[Array]], Array]:
    return lambda parts: value


def _before(graph: Recorded, loss: Loss) -> list[Edge]:
    """The edge from p to what it is the σ of, if it is that."""
    step = graph.steps.get(loss.p)
    return [Edge(loss.p, 0)] if step is not None and step.is_elementwise else []


def _delta(graph: Recorded, loss: Loss) -> str:
    """What the loss's derivative is first seen in, by name: δ where p is the σ of a sum."""
    tensor = graph.steps[loss.p].inputs[0] if _before(graph, loss) else loss.p
    return gradient(tensor) if tensor.name is not None else "∂L/∂p"


def _formula(graph: Recorded, loss: Loss, q: str = ", q = {}") -> str:
    """The right δ in parentheses, `` (δ_3 = (l_3 − y)/q, q = 10)``; nothing for unnamed p."""
    if loss.p.name is None:
        return ""
    p, y = loss.p.name, loss.y_name
    sigma = graph.steps[loss.p] if _before(graph, loss) else None
    text = {
        "½(y − p)²": f"({p} − {y})",
        "(y − p)²": f"2({p} − {y})",
        "binary cross-entropy": f"({p} − {y})/({p} ∘ (1 − {p}))",
        "binary cross-entropy of logits": f"(σ({p}) − {y})",
        "cross-entropy of logits": f"(softmax({p}) − {y})",
    }[loss.name]
    if sigma is not None:
        cancels = loss.name == "binary cross-entropy" and sigma.op.name == "sigmoid"
        text = f"({p} − {y})" if cancels else f"{text} ∘ {slope_name(sigma)}"
    by_q = "" if loss.scale == 1 else "/q" + q.format(ratio(1 / loss.scale))
    return f" ({_delta(graph, loss)} = {text}{by_q})"
