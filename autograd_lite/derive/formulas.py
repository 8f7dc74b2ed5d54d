"""From a recorded backward pass to a `Derivation`, each formula of it tried."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .. import errors
from ..engine.backward import pull
from ..engine.modes import trace
from ..engine.tensor import Array, Tensor
from ..graph import walk
from ..show.expression import Expression, nodes
from ..show.notation import symbol_of
from ..meaning import terms as _terms
from ..meaning.read import Canonical
from .algebra import agree
from .terms_to_expressions import expression
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
    with trace():
        canonical = Canonical(output)
        own = {t: canonical.tensors.get(t.name, t) if not t.is_leaf else t for t in plan.names}
        own[output] = canonical.output
        seed = Tensor(np.ones(canonical.output.shape, output.dtype))
        cotangents = pull({canonical.output: seed}, {own[t] for t in plan.targets}, record=True)
    canonical.terms[seed] = _terms.shaped(_terms.one(), seed.shape)
    return _derivation(plan, seed, gradients, cotangents, canonical, own)


def _derivation(
    plan: Plan,
    seed: Tensor,
    gradients: dict[Tensor, Array],
    cotangents: dict[Tensor, Tensor],
    canonical: Canonical,
    own: dict[Tensor, Tensor],
) -> Derivation:
    tensors = walk(canonical.output)
    rows = rows_of_batch([t.shape for t in plan.names if not t.is_leaf])
    leaves = [t for t in tensors if t.is_leaf]
    names = {own[t]: name for t, name in plan.names.items()}
    builder = Builder(seed, names, leaves, rows, True)
    whole = plan.names[plan.output]
    steps = []
    known: dict[Tensor, _terms.Term] = {}
    for target in plan.targets:
        name = plan.names[target]
        symbol = symbol_of(name, target.is_leaf, whole)
        g = cotangents.get(own[target])
        value = np.asarray(gradients[target])
        if g is None:
            g = Tensor(np.zeros(value.shape))
        given, definitions = builder.expression(g)
        best = _best(canonical, g, known)
        simple = expression(best, canonical.names | _leaf_names(canonical, builder, best), rows)
        builder.wrote_q = builder.wrote_q or any(x.name == "q" for x in nodes(simple))
        _check(simple, value, symbol)
        steps.append(
            Step(symbol, name, value, whole, plan.paths(target), given, simple, definitions)
        )
        builder.name(g, symbol)
        known.setdefault(g, _terms.leaf(("cot", symbol), value.shape, symbol, value))
    return Derivation(steps, *_forward(builder, plan, tensors, rows, own))


def _leaf_names(canonical: Canonical, builder: Builder, root: _terms.Term) -> dict:
    """What unnamed arrays are called, as the builder calls them."""
    found = {}
    for e in _terms.subterms(root, 1000, 10**6):
        if e.op == "leaf" and e.name is None:
            t = canonical.built.get(e)
            if t is None:
                t = canonical.built[e] = Tensor(e.value)
            written, _ = builder.expression(t)
            found[e] = e.name = written.name or "c"
    return found


def _best(canonical: Canonical, g: Tensor, known: dict[Tensor, _terms.Term]) -> _terms.Term:
    """The gradient by those before it, or further back where that is shorter."""
    found = canonical.read(g, known)
    used = set(_terms.subterms(found, 12, 400))
    further = {t: e for t, e in known.items() if e not in used}
    if len(further) < len(known):
        other = canonical.read(g, further)
        found = other if other.size < found.size else found
    return found


def _forward(
    builder: Builder, plan: Plan, tensors: list[Tensor], rows: int | None, own: dict[Tensor, Tensor]
) -> tuple[list[tuple[str, Expression]], list[tuple[str, Array]], str]:
    """How the named results are computed, what was given, and what q is."""
    lines = []
    for t in plan.names:
        if not t.is_leaf and t is not plan.output:
            lines.append((plan.names[t], builder.definition(own[t])))
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
