"""The steps of a figure or a page, by what they mean: ``1 / (1 + exp(−s))`` is ``σ(s)``.

What was written in NumPy is shown as it was written, but where a table says that it is something:
then that is said, and what has no name on the way to it is no step of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from .. import ops
from ..engine.notes import noted
from ..engine.tensor import Tensor
from ..graph import inner_first, walk
from ..masks import comparison
from ..show.expression import Expression, applied, fold, nodes
from ..show.steps import Step, step_to, steps
from .loops import Loop, UnevenError, just_written, loops
from .read import Meaning
from .terms import Term, coefficient, leaf, make, shaped
from .write import Writer

_MOST = 60  # ops of a step that is looked at
_ROUNDS = 4  # of a loop that is one step
_TERMS = {
    "sigmoid", "tanh", "softplus", "relu", "leaky_relu", "softmax", "log_softmax", "logsumexp",
    "normalised",
}  # fmt: skip
_RECOGNISED = {*_TERMS, "var", "correlate"}


class Told(NamedTuple):
    """What a figure or a page shows.

    Attributes:
        leaves: that are shown.
        steps: inputs before results.
        meant: by a step's result, what `meant` gives.
    """

    leaves: list[Tensor]
    steps: list[Step]
    meant: dict[Tensor, Expression]


def shown_steps(output: Tensor, shown: Collection[Tensor] = ()) -> Told:
    """The leaves and the steps that `steps` gives, by what they mean.

    A result without a name is no step where the one that uses it is shorter without; nor is a
    mask shown that such a step doesn't write.
    """
    shown = set(shown)
    leaves, found, known = _with_loops(output, shown)
    rolled = set(known)
    step_of = {step.result: step for step in found}
    users = Counter(x for step in found for x in step.inputs)
    for result in [step.result for step in reversed(found)]:
        if result not in step_of or result in rolled:  # it went into a later one, or is one
            continue
        whole = meant(step_of[result])
        inner = list(step_of[result].inputs)
        while inner:
            x = inner.pop()
            if x in step_of and users[x] == 1 and x.name is None and x not in shown | rolled:
                step, before = step_of[result], step_of[x]
                region = sorted([*step.region, *before.region], key=lambda t: t._number)
                joint = step_to(result, region)
                together = meant(joint)
                apart = _size(whole or written(step)) + _size(written(before))
                if together is not None and _size(together) < apart:
                    users.subtract(set(before.inputs) & set(step.inputs))
                    step_of[result], whole = joint, together
                    del step_of[x]
                    inner = list(joint.inputs)
        if whole is not None:
            known[result] = whole
    gone: set[Tensor] = set()
    for result, whole in known.items():
        said = {x.name for x in nodes(whole)}
        places = {str(i): x for i, x in enumerate(step_of[result].inputs)}
        gone.update(places.values())
        kept = {name: x for name, x in places.items() if name in said}
        known[result] = with_symbols(whole, {name: str(i) for i, name in enumerate(kept)})
        step_of[result] = step_of[result]._replace(inputs=list(kept.values()))
    gone.difference_update(x for step in step_of.values() for x in step.inputs)
    return Told([x for x in leaves if x not in gone], list(step_of.values()), known)


def _with_loops(
    output: Tensor, shown: Collection[Tensor]
) -> tuple[list[Tensor], list[Step], dict[Tensor, Expression]]:
    """Leaves and steps, where each loop of one's own is one, and what these mean."""
    rolled = dict(_rolled(output, shown))
    leaves, found = steps(output, shown={*shown, *rolled})
    within = {t for step, _ in rolled.values() for t in step.region}
    found = [step for step in found if step.result not in within]
    found = sorted([*found, *(step for step, _ in rolled.values())], key=lambda s: s.result._number)
    return leaves, found, {t: whole for t, (_, whole) in rolled.items()}


def _rolled(
    output: Tensor, shown: Collection[Tensor]
) -> Iterator[tuple[Tensor, tuple[Step, Expression]]]:
    """What loops of the user's own gave, each as one step, by what it means."""
    nodes = walk(output)
    uses = Counter(x for t in nodes for x in t.inputs)
    covered: set[Tensor] = set()
    for t, parts in reversed(loops(nodes, just_written(nodes)).items()):
        rounds = [p for _, p in parts if isinstance(p, Loop)]
        if t in covered or not any(p.filled or len(p.parts) >= _ROUNDS for p in rounds):
            continue

        def inner(x: Tensor, t: Tensor = t) -> Sequence[Tensor]:
            is_shown = x is not t and (x.name is not None or x in shown)
            return () if x.is_leaf or is_shown else x.inputs

        region = sorted((x for x in inner_first(t, inner) if inner(x)), key=lambda x: x._number)
        own = Counter(x for y in region for x in y.inputs)
        covered.update(region)
        with suppress(UnevenError), np.errstate(all="ignore"):
            step = step_to(t, region)
            reading = _Reading(step, rolled=True)
            whole = reading.whole()
            if reading.says_all(whole) and all(own[x] == uses[x] for x in region[:-1]):
                yield t, (step, whole)


def written(step: Step) -> Expression:
    """What a step computes, as it was written. Its symbols are the places of its inputs."""
    found = {x: Expression(x._array, str(i)) for i, x in enumerate(step.inputs)}
    for t in step.region:
        found[t] = _applied(t, found)
    return found[step.result]


def meant(step: Step) -> Expression | None:
    """What a step's result is, where the table says more than what was written, and shorter.

    Its symbols are the places of the step's inputs: ``"0"``, ``"1"``, ….
    """
    if len(step.region) > _MOST or any(t.dtype.kind == "c" for t in step.region):
        return None
    if len(step.region) == 1 and not any(map(_is_data, step.inputs)):
        return None
    with np.errstate(all="ignore"):
        found = _meant(step)
    copies = any(_copied(t) is not None for t in step.region)
    return written(step) if found is None and copies else found


def _meant(step: Step) -> Expression | None:
    reading = _Reading(step)
    raw = {t.op.name for t in step.region if t.op is not None}
    size = _size(written(step))
    for found in (reading.in_places(), reading.whole()):
        ops = {x.op.name for x in nodes(found) if x.op is not None}
        if (ops - raw) & _RECOGNISED and reading.says_all(found) and _size(found) < size:
            return found
    return None


class _Reading:
    """A step as terms of its inputs."""

    def __init__(self, step: Step, rolled: bool = False) -> None:
        self._step = step
        self._symbols = {x: str(i) for i, x in enumerate(step.inputs)}
        reading = Meaning(Tensor(0.0))
        reading.terms |= {x: self._atom(x, reading) for x in step.inputs if not self._is_mask(x)}
        self._terms = dict(reading.terms)
        if rolled:
            reading.read_loops(step.result, step.region, self._terms)
        for t in () if rolled else step.region:
            self._terms[t] = reading.read(t, self._terms)
        self._names = {self._terms[x]: n for x, n in self._symbols.items() if x in self._terms}

    def _atom(self, x: Tensor, reading: Meaning) -> Term:
        # What is 0 and 1 may look like a mask that it isn't: 1 − y, where all y are 1.
        is_mask = x._array.dtype == bool and 0 < x._array.mean() < 1
        kind = "given" if _is_data(x) and is_mask else "leaf"
        return leaf((reading.token, id(x)), x.shape, kind, x.name, x._array)

    def _is_mask(self, x: Tensor) -> bool:
        """Whether it was made by a comparison of the step's other inputs."""
        found = comparison(noted(x, "given")) if _is_data(x) else None
        there = [y for y in found.operands if isinstance(y, Tensor)] if found else []
        return bool(there) and all(y in self._symbols for y in there)

    def whole(self) -> Expression:
        """The result in normal form."""
        return _Whole(self._names).expression(self._terms[self._step.result])[0]

    def in_places(self) -> Expression:
        """The result as it was written, but where a part of it is in the table."""
        found = {x: Expression(x._array, name) for x, name in self._symbols.items()}
        tensor_of: dict[Term, Tensor] = {}
        for t in self._step.region:
            e = self._terms[t]
            found[t] = self._recognised(t, e, tensor_of, found) or _applied(t, found)
            tensor_of.setdefault(e.args[0] if e.op == "reshape" else e, t)
        return found[self._step.result]

    def _recognised(
        self, t: Tensor, e: Term, tensor_of: Mapping[Term, Tensor],
        found: Mapping[Tensor, Expression],
    ) -> Expression | None:  # fmt: skip
        assert t.op is not None
        core = _core(e)
        is_variance = _core(coefficient(core)[1]).op == "sum"
        if not (core.op in _TERMS or is_variance) or t.op.name == core.op:
            return None
        if any(_core(self._terms[x]) is core for x in t.inputs if x in self._terms):
            return None
        inner = None if is_variance else tensor_of.get(core.args[0])
        names = dict(self._names)
        if inner is not None:  # as it was written
            shape = core.args[0].shape
            x = leaf((id(self), id(inner)), shape, "leaf", None, inner._array.reshape(shape))
            e, names[x] = shaped(make(core.op, [x], core.params), e.shape), "@"
        whole, _ = _Whole(names).expression(e)
        if is_variance and not any(x.is_called("var") for x in (whole, *whole.inputs)):
            return None
        return with_symbols(whole, {"@": found[inner]}) if inner is not None else whole

    def says_all(self, found: Expression) -> bool:
        """Whether nothing stands in it but the step's inputs, and all but given arrays do."""
        said = {x.name for x in nodes(found)} - {None}
        unsaid = [x for x, name in self._symbols.items() if name not in said]
        return said <= set(self._symbols.values()) and all(map(_is_data, unsaid))


def _size(root: Expression) -> int:
    """How much there is to read: each op, symbol and number where it stands."""

    def combine(x: Expression, operands: list[int]) -> int:
        return sum(operands) + (x.op is None or x.op.name not in ("reshape", "broadcast_to"))

    return fold(root, combine)


def _core(e: Term) -> Term:
    while e.op in ("reshape", "broadcast_to"):
        e = e.args[0]
    return e


def _is_data(x: Tensor) -> bool:
    return x.is_leaf and x.name is None and not x._tracked


def _copied(t: Tensor) -> Tensor | None:
    """The input that it is a copy of, up to its sign: reshaped to the shape that there was, added
    to 0, or subtracted from it.
    """
    if t.op is None or t.op.name not in ("reshape", "add", "subtract"):
        return None
    rest = [x for x in t.inputs if x.ndim or not _is_data(x) or x._array]
    return rest[0] if len(rest) == 1 and rest[0].shape == t.shape else None


def _applied(t: Tensor, found: Mapping[Tensor, Expression]) -> Expression:
    copied = _copied(t)
    inputs = t.inputs if copied is None else (copied,)
    operands = tuple(found[x] if x in found else Expression(x._array) for x in inputs)
    if copied is not None:
        is_negative = t.op is ops.subtract and copied is t.inputs[1]
        return applied(ops.negative, *operands) if is_negative else operands[0]
    return Expression(t._array, op=t.op, inputs=operands, params=t.params)


def with_symbols(root: Expression, symbols: Mapping[str, Expression | str]) -> Expression:
    """An expression with others for some of its symbols."""

    def combine(x: Expression, operands: list[Expression]) -> Expression:
        if x.op is not None:
            return Expression(x.value, None, x.op, tuple(operands), x.params)
        new = symbols.get(x.name or "", x)
        return Expression(x.value, new) if isinstance(new, str) else new

    return fold(root, combine)


class _Whole(Writer):
    """Writes a term in one piece."""

    def _is_apart(self, e: Term, found: Expression, uses: int) -> bool:
        return False


__all__ = ["Told", "meant", "shown_steps", "with_symbols", "written"]
