"""Derivatives, checked: hand-written ones, of which it says which line is wrong, and why, and ours.

To read, in this order: `backward` (the gradients, and what rounding does to them), `readings` (what
a line should be, as terms), `formula` (a term with its values), `edits` and `whole` (what can be
wrong in it), `causes` (trying them), `places` (what is wrong at each pass of a loop, by `passes`,
`local`, `pulls` and `short`), `words` (saying them), `gradients` (the check of a loss),
`functions` (of a learner's function, on drawn inputs), `report`. Of the engine's own derivatives:
`numeric` (by numbers), `directional` (ours beside them), `rules` (the op at fault), `derivatives`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, overload

from ..arrays import to_numpy
from ..engine.tensor import FOREIGN, Tensor
from ..loading import loaded
from ..seen import look
from .functions import Backprop, Draw, Subject, check_function
from .gradients import RTOL, check
from .report import Entry, Report


@overload
def check_backprop(
    loss: Tensor, gradients: Mapping[str, Any], /, *, rtol: float = RTOL
) -> Report: ...
@overload
def check_backprop(
    backprop: Backprop, net: Any, loss: Callable[[Any, Any], Tensor] | None = None, /, *,
    params: Mapping[str, Any] | None = None, draw: Draw | None = None, trials: int = 50,
    seed: int = 0, rtol: float = RTOL,
) -> Report: ...  # fmt: skip
def check_backprop(
    what: Any, against: Any, loss: Any = None, /, *,
    params: Mapping[str, Any] | None = None, draw: Draw | None = None, trials: int = 50,
    seed: int = 0, rtol: float = RTOL,
) -> Report:  # fmt: skip
    """Compare hand-written gradients with the engine's, and say what is wrong with them.

    ``check_backprop(loss, {"s_2": delta_2, "W_12": dW_12})`` checks arrays: the gradients of a
    recorded loss with respect to named tensors of its graph, as many as one likes. ``delta_2`` and
    ``δ_2`` stand for ``s_2``, ``dW_12`` and ``∇W_12`` for ``W_12``, where no tensor is called so.
    A gradient has its tensor's shape; leading axes of size 1 may be missing.

    ``check_backprop(backprop, net, nn.BCELoss())`` checks a function ``backprop(x, y, params)``
    that returns such a dict, with every parameter in it, on inputs and parameters that are drawn,
    and reports on the smallest that it fails on. The net's own parameters stay as they are. In
    place of the net, and without a loss, a function ``(x, y, params) → loss`` of Tensors will do,
    with ``params`` giving an array of each parameter's shape.

    A mistake is one edit of the formula that was derived for a line: the edit is named that gives
    the learner's own numbers, with the learner's own gradients in place of those that the line is
    computed from. What agrees with any legitimate choice, as at a kink, and up to what rounding
    can do, is right.

    Args:
        what: the loss, a Tensor with one element; or the function.
        against: the gradients by name; or the net, or function, that is differentiated.
        loss: for a net, ``loss(prediction, y)``.
        params: for a function, an array of its shape for each parameter.
        draw: ``draw(rng, q)`` → ``(x, y)``, a batch of q rows. By default x is normal, and y has
            one 1 a row (a single output: 0 or 1), of the widths of the first and last matrix.
        trials: how many inputs are drawn.
        seed: for what is drawn.
        rtol: the error allowed, relative to a gradient's largest entry. What rounding may have
            done, also in float32, is allowed besides.

    Raises:
        KeyError: an entry that no tensor of the graph has the name of, or a second one for a
            tensor. Anything else that is wrong with the gradients is reported.
        TypeError: what is checked is neither a Tensor nor a function.
        ValueError: a loss with several elements; a name that several tensors have.

    Example:
        >>> import autograd_lite as ag, nn, numpy as np
        >>> net = nn.MLP([2, 2, 1], rng=0)
        >>> y = np.array([[1.0], [0.0]])
        >>> loss = nn.BCELoss()(net([[0.0, 1.0], [1.0, 0.0]]), y)
        >>> t = ag.named_tensors(loss)
        >>> delta_2 = t["l_2"].data - y
        >>> dW_12 = t["l_1"].data.T @ delta_2
        >>> check_backprop(loss, {"s_2": delta_2, "W_12": dW_12})
        2 of 2 gradients are wrong
          ✗  δ_2 = (l_2 − y) / q  error 3.1e-01  wrong
          ✗  ∇W_12 = l_1ᵀ δ_2     error 9.9e-02  wrong, follows from δ_2
        <BLANKLINE>
        δ_2 is 2 times too large: divide it by the batch size q = 2
    """
    if isinstance(what, Tensor) or not callable(what):
        if FOREIGN and isinstance(against, Mapping):
            against = dict(zip(against, to_numpy(*against.values()), strict=True))
        look(what, how="writes")
        with loaded(what):
            report = check(what, against, rtol)
            if FOREIGN:
                str(report)  # which looks for causes, by the numbers
        return report
    if trials < 1:
        raise ValueError(f"check_backprop: trials must be at least 1, and is {trials}")
    return check_function(what, Subject(against, loss, params), draw, trials, seed, rtol)


__all__ = ["Entry", "Report", "check_backprop"]
