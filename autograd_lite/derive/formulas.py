"""From a recorded backward pass to a `Derivation`, each formula of it tried."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .. import errors
from ..engine.backward import pull
from ..engine.modes import trace
from ..engine.tensor import Array, Tensor
from ..graph import walk
from ..show.expression import Expression
from ..show.notation import symbol_of
from .algebra import agree, simplified
from .build import Builder
from .chain import Plan
from .derivation import Derivation, Step, rows_of_batch


class DerivationError(ArithmeticError):
    """A formula that is not worth what the gradient is: it is not shown."""


def derived(output: Tensor, wrt: Sequence[Tensor | str] | Tensor | str | None) -> Derivation:
    """What `derive` gives."""
    if not output._tracked:
        raise errors.nothing_requires_grad(output, "derive")
    if output.size != 1:
        raise ValueError(
            f"derive: {errors.describe(output)} has {output.size} elements, and a gradient is that "
            "of one number; reduce it first: t.sum()"
        )
    refuse_changed(output)
    plan = Plan(output, _asked(output, wrt))
    gradients = pull({output: np.ones(output.shape, output.dtype)}, set(plan.targets))
    seed = Tensor(np.ones(output.shape, output.dtype))
    with trace():
        cotangents = pull({output: seed}, set(plan.targets), record=True)
    try:
        return _derivation(plan, seed, gradients, cotangents, keep_guards=False)
    except DerivationError:
        return _derivation(plan, seed, gradients, cotangents, keep_guards=True)


def _derivation(
    plan: Plan,
    seed: Tensor,
    gradients: dict[Tensor, Array],
    cotangents: dict[Tensor, Tensor],
    keep_guards: bool,
) -> Derivation:
    output = plan.output
    tensors = walk(output)
    rows = rows_of_batch([t.shape for t in plan.names if not t.is_leaf])
    leaves = [t for t in tensors if t.is_leaf]
    builder = Builder(seed, plan.names, leaves, rows, keep_guards)
    whole = plan.names[output]
    steps = []
    for target in plan.targets:
        name = plan.names[target]
        symbol = symbol_of(name, target.is_leaf, whole)
        given, definitions = builder.expression(cotangents[target])
        value = np.asarray(gradients[target])
        _check(given, value, symbol)
        simple = simplified(given)
        steps.append(
            Step(symbol, name, value, whole, plan.paths(target), given, simple, definitions)
        )
        builder.name(cotangents[target], symbol)
    return Derivation(steps, *_forward(builder, plan, tensors, rows))


def _forward(
    builder: Builder, plan: Plan, tensors: list[Tensor], rows: int | None
) -> tuple[list[tuple[str, Expression]], list[tuple[str, Array]], str]:
    """How the named results are computed, what was given, and what q is."""
    lines = []
    for t in tensors:
        if not t.is_leaf and t in plan.names and t is not plan.output:
            lines.append((plan.names[t], builder.definition(t)))
    given = builder.given(tensors)
    remark = f"q = {rows}, the rows of the batch" if rows and builder.wrote_q else ""
    if builder.wrote_q and rows:
        given.append(("q", np.asarray(rows)))
    return lines, given, remark


def _check(formula: Expression, value: Array, symbol: str) -> None:
    if not agree(formula, value):
        raise DerivationError(
            f"derive: the formula for {symbol} is not worth the gradient here, so it is not shown; "
            "does an op's vjp change its arguments, or depend on more than them?"
        )


def refuse_changed(output: Tensor, function: str = "derive") -> None:
    """Raise where a leaf was given other data since: its symbol would stand for both."""
    for t in walk(output):
        if t._op is not None:
            for x, array in zip(t.inputs, t._arrays, strict=True):
                if x._array is not array and not np.array_equal(x._array, array, equal_nan=True):
                    raise ValueError(
                        f"{function}: the data of {errors.describe(x)} were changed since the "
                        "output was computed; compute it again"
                    )


def _asked(
    output: Tensor, wrt: Sequence[Tensor | str] | Tensor | str | None
) -> list[Tensor] | None:
    if wrt is None:
        return None
    known = {t.name: t for t in walk(output) if t._tracked and t.name is not None}
    chosen = []
    for x in [wrt] if isinstance(wrt, (str, Tensor)) else wrt:
        if isinstance(x, str) and x not in known:
            raise KeyError(
                f"derive: no tensor with a gradient is called {x!r}; there are {', '.join(known)}"
            )
        chosen.append(known[x] if isinstance(x, str) else x)
    return chosen
