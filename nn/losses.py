"""Losses: each one op, with the derivative that one would write by hand.

``ℓ(p, y)`` is taken entry by entry (cross-entropy: row by row) and then reduced: ``"mean"`` divides
by the number of entries (rows) q, ``"sum"`` adds up, ``"none"`` does neither.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.arrays import beside, given, guard, numbers_for, refuse
from autograd_lite.engine.leaves import array_of
from autograd_lite.engine.op import apply
from autograd_lite.engine.tensor import FOREIGN
from autograd_lite.errors import describe
from autograd_lite.lines import hint
from autograd_lite.ops.reductions import sum_op
from autograd_lite.ops.rows import log_softmax_op, softmax_op
from autograd_lite.show.notation import function
from autograd_lite.table import Case, Op, op

from .activations import log_softmax, softmax
from .module import as_input, check_numbers, named, positive

__all__ = [
    "BCELoss", "BCEWithLogitsLoss", "CrossEntropyLoss", "HuberLoss", "MSELoss",
    "SquaredErrorLoss",
]  # fmt: skip

REDUCTIONS = ("mean", "sum", "none")
_ELL = function("ℓ")


def _loss(
    name: str, code: str, value: Callable[[Any, Any], Any], *slopes: Callable[[Any, Any], Any],
    count: Callable[[Any], float] = lambda p: p.size,
    total: Callable[[Any, Any], Any] | None = None, **kwargs: Any,
) -> Op:  # fmt: skip
    """A loss as an op: its value (as NumPy code, too), and its derivative by the prediction and by
    the target.

    ``count`` gives the number q of values that a mean is taken of; ``total`` their sum, where that
    is found sooner than value by value.
    """

    def forward(p: Any, y: Any, reduction: str) -> Any:
        if p.shape != y.shape:
            raise ValueError(_shapes_differ(p.shape, y.shape))
        if reduction == "none":
            return value(p, y)
        summed = sum_op.forward(value(p, y), None) if total is None else total(p, y)
        return summed / count(p) if reduction == "mean" else summed

    def vjp(slope: Callable[[Any, Any], Any]) -> Callable[..., Any]:
        def rule(g: Any, out: Any, p: Any, y: Any, reduction: str) -> Any:
            if reduction == "mean":
                g = g / count(p)
            return slope(p, y) * g

        return rule

    def source(xs: Sequence[str], params: dict[str, Any]) -> str:
        reduced = {"mean": "np.mean", "sum": "np.sum", "none": ""}[params["reduction"]]
        return f"{reduced}({code.format(*xs)})"

    cases = [Case(((4, 3), (4, 3)), {"reduction": reduction}) for reduction in REDUCTIONS]
    return op(name, forward, *map(vjp, slopes), cases=cases, notation=_ELL, source=source, **kwargs)


def _shapes_differ(p: tuple[int, ...], y: tuple[int, ...]) -> str:
    remedy = f"; y.reshape{p}?" if np.prod(p) == np.prod(y) else ""
    return f"prediction and target must have the same shape, and have {p} and {y}{remedy}"


squared_error = _loss(
    "squared_error", "0.5 * ({0} - {1}) ** 2", lambda p, y: 0.5 * (p - y) ** 2,
    lambda p, y: p - y, lambda p, y: y - p,
)  # fmt: skip
mean_squared_error = _loss(
    "mean_squared_error", "({0} - {1}) ** 2", lambda p, y: (p - y) ** 2,
    lambda p, y: 2 * (p - y), lambda p, y: 2 * (y - p),
)  # fmt: skip
huber = _loss(
    "huber",
    "(lambda d: np.where(abs(d) < 1, 0.5 * d ** 2, abs(d) - 0.5))({0} - {1})",
    lambda p, y: np.where(np.abs(p - y) < 1, 0.5 * (p - y) ** 2, np.abs(p - y) - 0.5),
    lambda p, y: np.clip(p - y, -1, 1), lambda p, y: np.clip(y - p, -1, 1),
)  # fmt: skip


# For each dtype 1, and its least normal number: added to a p in [0, 1] that changes none but 0.
# As arrays, since NumPy takes longer to convert a number than to add it.
_CONSTANTS = {
    np.dtype(t).char: (np.ones((), t), np.array(np.finfo(t).tiny))
    for t in (np.float16, np.float32, np.float64)
}


def _one_and_tiny(p: Any) -> Any:
    """Those of any kind of p, where they aren't simply there."""
    return numbers_for(p, _CONSTANTS.get(p.dtype.char) or _CONSTANTS["d"])


def _logarithms(p: Any, y: Any) -> tuple[Any, Any, Any]:
    """``log p``, ``log(1 − p)``, and what that is multiplied with: ``1 − y``."""
    one, tiny = (not FOREIGN and _CONSTANTS.get(p.dtype.char)) or _one_and_tiny(p)
    try:
        return np.log(p + tiny), np.log(one - p + tiny), one - y
    except RuntimeWarning:  # a p outside [0, 1], where warnings are errors
        nan = np.full(p.shape, np.nan)
        return nan, nan, nan


def _binary_cross_entropy(p: Any, y: Any) -> Any:
    log_p, log_q, not_y = _logarithms(p, y)
    values = -(not_y * log_q + y * log_p)
    guard(_refuse_no_probability, sum_op.forward(values, None), p, y)
    return values


def _total_binary_cross_entropy(p: Any, y: Any) -> Any:
    row = (beside(y, [p]) if FOREIGN else y).ravel()  # an array's dot would load another library's
    log_p, log_q, not_y = _logarithms(p.ravel(), row)
    total = -(not_y.dot(log_q) + row.dot(log_p))  # a reduction takes twice as long
    guard(_refuse_no_probability, total, p, y)
    return total


def _refuse_no_probability(total: Any, p: Any, y: Any) -> None:
    """Refuse what lies outside [0, 1]: such a p made a nan of the total, such a y may not have."""
    binary = (y * y).tobytes() == y.tobytes()  # 0 and 1 are their own squares: soon seen
    if not (total >= 0 and (binary or np.minimum.reduce(y * (1.0 - y), None, initial=0) >= 0)):
        raise ValueError(
            f"predictions and targets must lie in [0, 1], and reach from {p.min():.4g} to "
            f"{p.max():.4g} and from {y.min():.4g} to {y.max():.4g}; "
            "for predictions that are logits use BCEWithLogitsLoss"
        )


def _slope(p: Any, y: Any) -> Any:
    one, tiny = (not FOREIGN and _CONSTANTS.get(p.dtype.char)) or _one_and_tiny(p)
    return -(y / (p + tiny)) + (one - y) / (one - p + tiny)


def _slope_by_target(p: Any, y: Any) -> Any:
    one, tiny = _one_and_tiny(p)
    return np.log(one - p + tiny) - np.log(p + tiny)


binary_cross_entropy = _loss(
    "binary_cross_entropy",
    "-{1} * np.log({0}) - (1 - {1}) * np.log(1 - {0})",
    _binary_cross_entropy, _slope, _slope_by_target,
    total=_total_binary_cross_entropy, domain=(0.1, 0.9),
)  # fmt: skip
binary_cross_entropy_with_logits = _loss(
    "binary_cross_entropy_with_logits",
    "np.logaddexp({0}, 0) - {1} * {0}",
    lambda z, y: np.logaddexp(z, 0) - z * y,
    lambda z, y: ag.sigmoid(z) - y, lambda z, y: -z,
)  # fmt: skip


def _cross_entropy(z: Any, y: Any) -> Any:
    asked = np.where(y == 0, 0.0, log_softmax_op.forward(z, -1))  # a masked logit is −∞
    return -(asked * y).sum(axis=-1, keepdims=True)


cross_entropy = _loss(
    "cross_entropy",
    "-np.sum({1} * ({0} - np.log(np.sum(np.exp({0}), axis=-1, keepdims=True))), axis=-1, "
    "keepdims=True)",
    _cross_entropy,
    lambda z, y: softmax(z) * y.sum(axis=-1, keepdims=True) - y,
    lambda z, y: -log_softmax(z),
    count=lambda z: z.size / z.shape[-1],
)


class _Loss:
    """A loss: called with prediction and target, it gives a Tensor named ``L``.

    Args:
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Raises:
        ValueError: an unknown reduction; prediction and target of different shapes, which would
            silently pair every prediction with every target.

    Warns:
        UserWarning: a loss of logits is given probabilities, the result of softmax or σ.
    """

    op: Op
    _of_logits = False
    _told = False  # that its predictions are no logits

    def __init__(self, reduction: str = "mean") -> None:
        if reduction not in REDUCTIONS:
            known, name = ", ".join(REDUCTIONS), type(self).__name__
            raise ValueError(f"{name}: reduction must be one of {known}, not {reduction!r}")
        self.reduction = reduction

    def __call__(self, prediction: Any, target: Any) -> Tensor:
        inputs = as_input(prediction, "p"), as_input(target, "y")
        if self._of_logits and inputs[0].op in _SQUASHED and not self._told:
            self._told = True
            _tell_no_logits(type(self).__name__, inputs[0])
        loss = apply(self.op, inputs, {"reduction": self.reduction})
        loss.name = "L"
        return loss

    def __repr__(self) -> str:
        return f"{type(self).__name__}(reduction={self.reduction!r})"


_SQUASHED = (ag.sigmoid, softmax_op)


def _tell_no_logits(loss: str, prediction: Tensor) -> None:
    name = prediction.op and prediction.op.name
    other = ", or use nn.BCELoss" if name == "sigmoid" else ""
    hint(
        f"{loss}: it takes logits, of which it computes the probabilities itself, and "
        f"{describe(prediction)} is the result of {name}: squashed twice, a net learns badly. Let "
        f'the net end without it, nn.MLP(…, output="identity"){other}'
    )


class SquaredErrorLoss(_Loss):
    """The chapter's ``½ (y − ŷ)²``; its derivative is ``ŷ − y``.

    Example:
        >>> import nn
        >>> nn.SquaredErrorLoss()([[3.0]], [[1.0]]).item()
        2.0
    """

    op = squared_error


class MSELoss(_Loss):
    """``(y − ŷ)²``, without the chapter's ½.

    Example:
        >>> import nn
        >>> nn.MSELoss()([[3.0]], [[1.0]]).item()
        4.0
    """

    op = mean_squared_error


class HuberLoss(_Loss):
    """``½ d²`` of an error ``d = ŷ − y`` up to δ, and beyond it ``δ (|d| − ½ δ)``. Huber (1964).

    Its derivative is d, clipped to ``[−δ, δ]``.

    Args:
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        delta: δ.

    Raises:
        ValueError: a δ that isn't positive and finite.

    Example:
        >>> import nn
        >>> nn.HuberLoss(reduction="none")([[1.5, 4.0]], [[1.0, 1.0]]).data
        array([[0.125, 2.5  ]])
    """

    op = huber

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        self.delta = positive("HuberLoss: delta", delta)

    def __call__(self, prediction: Any, target: Any) -> Tensor:
        if self.delta == 1:
            return super().__call__(prediction, target)
        p, y = as_input(prediction, "p"), as_input(target, "y")
        return _times(super().__call__(p / self.delta, y / self.delta), self.delta**2)


def _times(loss: Tensor, c: Any) -> Tensor:
    """``c · L``, which is then called L."""
    loss.name = None
    return named(loss * c, "L")


class BCELoss(_Loss):
    """Binary cross-entropy of probabilities: ``−y log p − (1 − y) log(1 − p)``.

    Finite also at a prediction of exactly 0 or 1: the logarithm there is that of the least normal
    number. A saturated σ has no gradient left, though; `BCEWithLogitsLoss` keeps it.

    Raises:
        ValueError: predictions or targets outside ``[0, 1]``, or not a number.

    Example:
        >>> import nn
        >>> round(nn.BCELoss()([[0.54417993]], [[0.0]]).item(), 6)
        0.785657
    """

    op = binary_cross_entropy


class BCEWithLogitsLoss(_Loss):
    """`BCELoss` of ``σ(z)``, exact for any logit z: ``log(1 + exp(z)) − z y``.

    Example:
        >>> import nn
        >>> nn.BCEWithLogitsLoss()([[1000.0]], [[0.0]]).item()
        1000.0
    """

    op = binary_cross_entropy_with_logits
    _of_logits = True


class CrossEntropyLoss(_Loss):
    """Cross-entropy of logits: ``−Σ_j y_j log softmax(z)_j`` of each row.

    Args:
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        weight: one number a class, by which its rows are multiplied; a mean is then divided by
            their sum, as PyTorch does.
        ignore_index: a class number; rows that have it count for nothing.

    Shapes:
        logits ``(…, k)``; targets ``(…)`` integers below k, or probabilities ``(…, k)``; weight
        ``(k,)``. With ``reduction="none"`` the result is ``(…, 1)``.

    Raises:
        ValueError: a class number outside ``0 … k−1``; a weight of another shape, or below 0;
            nothing left to take a mean of; ``ignore_index`` beside probabilities.
        TypeError: class numbers that are not integers.

    Example:
        >>> import nn
        >>> round(nn.CrossEntropyLoss()([[0.0, 0.0]], [1]).item(), 6)
        0.693147
        >>> z, y = [[0.0, 0.0], [2.0, 0.0], [0.0, 0.0]], np.array([1, 0, -1])
        >>> round(nn.CrossEntropyLoss(weight=[1.0, 3.0], ignore_index=-1)(z, y).item(), 6)
        0.551592
    """

    op = cross_entropy
    _of_logits = True

    def __init__(
        self, reduction: str = "mean", weight: Any = None, ignore_index: int | None = None
    ) -> None:
        super().__init__(reduction)
        self.weight = None if weight is None else given(weight, "CrossEntropyLoss").astype(float)
        if self.weight is not None and not (self.weight >= 0).all():
            raise ValueError(f"CrossEntropyLoss: weights must not be negative: {self.weight}")
        self.ignore_index = ignore_index

    def __call__(self, prediction: Any, target: Any) -> Tensor:
        prediction = as_input(prediction, "z")
        known = isinstance(target, Tensor)
        classes = array_of(target) if known else given(target, "CrossEntropyLoss")
        labels = classes.ndim == prediction.ndim - 1
        if labels:
            target = _one_hot(classes, prediction, self.ignore_index)
        elif self.ignore_index is not None:
            said = f"ignore_index={self.ignore_index} is of classes, the targets are probabilities"
            raise ValueError(f"CrossEntropyLoss: {said}; a row of zeros counts for nothing")
        if self.weight is not None:
            if self.weight.shape != prediction.shape[-1:]:
                shape = prediction.shape[-1:]  # one number a class
                said = f"weight must have shape {shape}, and has {self.weight.shape}"
                raise ValueError(f"CrossEntropyLoss: {said}")
            target = target * self.weight.astype(prediction.dtype)
        target = as_input(target, "y")
        if self.reduction != "mean" or not labels or self.weight is self.ignore_index is None:
            return super().__call__(prediction, target)
        counted = array_of(target).sum()
        refuse(lambda n: not n > 0, ValueError, _NOTHING, counted)
        return _times(CrossEntropyLoss("sum")(prediction, target), 1 / counted)


_NOTHING = (
    "CrossEntropyLoss: each row is ignored, or of a class with weight 0, so that there is nothing "
    "to take a mean of"
)


def _one_hot(classes: Any, prediction: Tensor, ignored: int | None) -> Any:
    k = prediction.shape[-1]
    if not classes.size:
        classes = classes.astype(np.intp)
    kept = classes if ignored is None else np.where(classes == ignored, 0, classes)
    remedy = "; probabilities need the logits' shape"
    check_numbers("CrossEntropyLoss: class numbers", kept, k, remedy)
    marks = classes[..., None] == beside(np.arange(k), [classes])
    if ignored is not None:
        marks = marks & (classes != ignored)[..., None]
    return marks.astype(prediction.dtype)
