"""The gradients of a recorded output as formulas: as the rules give them, and what they mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .. import errors
from ..engine.backward import pull
from ..engine.modes import trace
from ..engine.tensor import Array, Tensor
from ..gradients import pulled
from ..graph import leaves_of, walk
from ..meaning.read import Meaning
from ..meaning.terms import ONE, Term, bare, is_quotient, leaf, number, shaped, subterms
from ..meaning.write import Writer
from ..show.expression import Definition, Expression, agree, needed, nodes
from ..show.notation import dimensions, symbol_of
from ..show.notation import number as number_text
from ..show.words import ENGLISH, Words
from ..unread import Unread
from .build import Builder, Leaves
from .chain import Plan
from .derivation import Derivation, Step, rows_of_batch

GUARD = 1e-6  # what is added within a logarithm, up to this, keeps it finite, and means nothing


class DerivationError(ArithmeticError):
    """A formula that is not worth what the gradient is: it is not shown."""


def derived(output: Tensor, wrt: Sequence[Tensor | str] | Tensor | str | None) -> Derivation:
    """What `derive` gives."""
    if not isinstance(output, Tensor):
        said = f"derive: a Tensor is derived, mostly a loss, and not {type(output).__name__}"
        raise TypeError(f"{said}; nn.derive: a net")
    if not output._tracked:
        raise errors.nothing_requires_grad(output, "derive")
    if output.size != 1:
        raise ValueError(
            f"derive: {errors.describe(output)} has {output.size} elements, and a gradient is that "
            "of one number; reduce it first: t.sum()"
        )
    refuse_changed(output)
    found = Formulas(Plan(output, _asked(output, wrt)))
    whole = found.plan.names[output]
    steps = []
    for g in found.gradients:
        if g.simple is None:
            raise DerivationError(
                f"derive: the formula for {g.symbol} is not worth the gradient here, so it is not "
                "shown; does an op's vjp change its arguments, or depend on more than them?"
            )
        paths = found.plan.paths(g.target)
        spelled = partial(found.spelled_out, g)
        steps.append(Step(
            g.symbol, g.name, g.value, output, whole, paths, g.simple, g.parts, spelled
        ))  # fmt: skip

    def remarks() -> list[str]:
        return [remark.text(ENGLISH).removesuffix(".") for remark in found.remarks]

    return Derivation(steps, found.forward, remarks)


class Remark(NamedTuple):
    """What is to be said of formulas: its kind, and the symbols that it explains."""

    kind: str
    symbols: dict[str, str]

    def text(self, words: Words) -> str:
        symbols = (f"{x} = {what}" if x else what for x, what in self.symbols.items())
        return words(f"remark_{self.kind}", said=", ".join(symbols))


@dataclass
class Gradient:
    """The gradient with respect to one tensor.

    Attributes:
        target: the tensor.
        name: what it is called.
        symbol: what the gradient is called.
        value: the gradient.
        cotangent: the recorded Tensor.
        given: its formula by the ops' rules; None where it isn't worth the gradient.
        simple: what it means; None where neither is worth the gradient.
        definitions: what has a symbol of its own in ``given``.
        parts: and in ``simple``.
    """

    target: Tensor
    name: str
    symbol: str
    value: Array
    cotangent: Tensor
    given: Expression | None = None
    simple: Expression | None = None
    definitions: list[Definition] = field(default_factory=list)
    parts: list[Definition] = field(default_factory=list)


class Formulas:
    """The gradients of a plan's output, or of the sum of its entries, in the plan's order.

    Attributes:
        gradients: with their formulas.
        rows: how many rows a batch has, or None.
        leaves: how leaves are written: by name, or what they are, such as ``1 − y``.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        output, targets = plan.output, set(plan.targets)
        ones = np.ones(output.shape, output.dtype)
        values = pulled({output: ones}, set(targets)) if targets else {}
        seed = Tensor(ones)
        recorded: dict[Tensor, Tensor] = {}
        if targets:
            with trace():
                recorded = pulled({output: seed}, set(targets), record=True)
        whole = plan.names[output]
        self.gradients = [
            Gradient(t, plan.names[t], symbol_of(plan.names[t], t.is_leaf, whole),
                     np.asarray(values[t]), recorded[t])
            for t in plan.targets
        ]  # fmt: skip
        named = [t.shape for t in plan.names if not t.is_leaf]
        self.rows = None if "q" in plan.names.values() else rows_of_batch(named)
        self._tensors = walk(output)
        spacings = [np.finfo(t.dtype).eps for t in self._tensors if t.dtype.kind in "fc"]
        self._eps = float(max(spacings))
        self._seed = seed
        self._reading: Reading
        self.leaves: Leaves
        ways = [(GUARD, False), (GUARD, True), (0.0, True), (0.0, False)]
        for guard, chooses in ways:
            if chooses and not self._reading.meaning.has_ties():
                continue
            self._taken: set[str] = set(plan.names.values())
            self._spelled: bool = False
            with trace(), np.errstate(all="ignore"):
                self._reading = Reading(plan, self.rows, guard, self._taken, chooses)
            self._call_arrays()
            if self._write_simple((guard, chooses) == ways[-1]):
                break
        if not self._spelled:
            self._builder = self._new_builder(False)
        for t in leaves_of(self._tensors):
            self.leaves[t]

    def _call_arrays(self) -> None:
        """Arrays without a name are called as in a figure."""
        terms, writer = self._reading.meaning.terms, self._reading.writer
        read = [t for t in leaves_of(self._tensors) if t in terms]
        self.leaves = Leaves(read, self.plan.names, self._taken)
        for t in read:
            x, e = self.leaves[t], bare(terms[t])
            if x.name is None or t.name is not None or t._tracked:
                continue
            if e.op == "getitem":
                writer.parts[e] = x
            elif e.op == "leaf":
                writer.symbols[e] = x.name

    def spelled_out(self, g: Gradient) -> tuple[Expression | None, list[Definition]]:
        """A gradient as the rules give it, and what has a symbol of its own in it."""
        keep_guards = False  # what keeps a division from 0 may matter here
        while not self._spelled:
            self._builder = self._new_builder(keep_guards)
            self._defined: dict[str, Expression] = {}
            for each in self.gradients:
                given, each.definitions = self._builder.expression(each.cotangent)
                self._defined.update(each.definitions)
                parts = self._defined.items()
                holds = agree(given, each.value, eps=self._eps, parts=parts)
                each.given = given if holds else None
                self._builder.name(each.cotangent, each.symbol)
            self._spelled = keep_guards or all(each.given for each in self.gradients)
            keep_guards = True
        return g.given, g.definitions

    def _write_simple(self, last: bool) -> bool:
        """Whether each formula is worth the gradient; one that isn't, in the ``last`` way, is that
        of the rules.
        """
        terms = [self._reading.step(g) for g in self.gradients]
        writer = self._reading.writer
        writer.prepare(terms)
        for g, term in zip(self.gradients, terms, strict=True):
            g.simple, g.parts = simple, _ = writer.expression(term)
            cancels = None if simple.value.any() else self.spelled_out(g)[0]
            parts = [*(self._defined.items() if cancels else ()), *g.parts]
            worth, nearly = self._reading.worth(g), bool(self._reading.meaning.guarded)
            if not agree(simple, worth, nearly, cancels, self._eps, parts):
                if not last:
                    return False
                g.simple, _ = self.spelled_out(g)
                g.parts = needed(g.simple, self._defined) if g.simple else []
        return True

    @property
    def remarks(self) -> list[Remark]:
        """What is to be said of the formulas."""
        writer, remarks = self._reading.writer, []
        if self.rows and (self._builder.wrote_q or writer.wrote_q):
            remarks.append(Remark("rows", {"q": str(self.rows)}))
        if writer.given:
            remarks.append(Remark("given", {name: _array(x) for name, x in writer.given.items()}))
        if self._reading.chooses:
            remarks.append(Remark("ties", {}))
        if self._reading.meaning.guarded:
            small = dict.fromkeys(map(number_text, sorted(self._reading.meaning.guarded)))
            remarks.append(Remark("left_out", {"": ", ".join(small)}))
        return remarks

    def forward(self) -> tuple[list[Definition], list[tuple[str, Array]]]:
        """How the named results are computed, and what was given."""
        names, output = self.plan.names, self.plan.output
        builder = self._new_builder(False)
        parts = [d for g in self.gradients for d in g.parts]
        formulas = [d.expression for d in parts] + [g.simple for g in self.gradients if g.simple]
        used = _symbols(formulas)
        named = [
            t for t in self._tensors
            if not t.is_leaf and t in names and (t is not output or names[t] in used)
        ]  # fmt: skip
        lines = [line for t in named for line in builder.definition(t)]
        made = {d.name for d in (*lines, *parts)} | {g.symbol for g in self.gradients}
        leaves = [self.leaves[t] for t in self._tensors if t.is_leaf]
        given = _symbols(leaves) | used
        given |= {"q": np.asarray(self.rows)} if self.rows else {}
        return lines, [(name, value) for name, value in given.items() if name not in made]

    def _new_builder(self, keep_guards: bool) -> Builder:
        args = self._seed, self.plan.names, self.leaves, self.rows, self._taken
        return Builder(*args, keep_guards)


class Reading:
    """What the gradients of a plan's targets mean, one after the other.

    Where something ties a formula has to choose, and then all do: by the same of the gradients.
    """

    def __init__(
        self, plan: Plan, rows: int | None, guard: float, taken: set[str], chooses: bool
    ) -> None:
        keep = {t.name for t in plan.names if t.name} - _within_softmax(plan)
        self.meaning = meaning = Meaning(plan.output, keep, guard)
        seed = Tensor(np.ones(meaning.output.shape, meaning.output.dtype))
        meaning.terms[seed] = shaped(ONE, seed.shape)
        targets = {meaning.tensors[t] for t in plan.targets}
        found: dict[Tensor, Any] = {}
        try:
            found = pull({meaning.output: seed}, targets, record=True) if targets else {}
        except np.linalg.LinAlgError:  # of what is undetermined, and seems to be used
            found = pull({meaning.output: seed}, targets, True, [Unread([meaning.output]).layer])
        self._cotangents = {t: g if isinstance(g, Tensor) else Tensor(g) for t, g in found.items()}
        self._known: dict[Tensor, Term] = {}
        self._read: dict[Tensor, Term] = {}
        self._may_cancel: set[Term] = set()  # the gradients without which others may be shorter
        names = {meaning.terms[t]: name for t, name in plan.names.items() if t is not plan.output}
        taken.update(e.name for e in meaning.terms.values() if e.op == "leaf" and e.name)
        self.writer = Writer(names, rows, taken)
        self.chooses = chooses

    def worth(self, g: Gradient) -> Array:
        """What its formula should be worth: the gradient, or that one which was chosen."""
        chosen = self._cotangents.get(self.meaning.tensors[g.target]) if self.chooses else None
        return g.value if chosen is None else np.asarray(chosen._array)

    def step(self, g: Gradient) -> Term:
        """The gradient by those before it, or by ones further back where that is shorter."""
        cotangent = self._cotangents.get(self.meaning.tensors[g.target])
        if cotangent is None:
            return shaped(number(0.0), g.value.shape)
        found = self.meaning.read(cotangent, self._known, done=self._read)
        used = self._may_cancel.intersection(subterms(found, 12, 400))
        other = self.meaning.read(cotangent, self._known, used) if used else found
        found = other if other.size < found.size else found
        found = self.meaning.by_names(found)
        if cotangent not in self._known:
            key = id(self), g.symbol
            e = leaf(key, g.value.shape, "gradient", g.symbol, self.worth(g))
            self._known[cotangent] = self._read[cotangent] = e
            self.writer.names.setdefault(e, g.symbol)
            if found.size <= 1 or any(map(is_quotient, subterms(found))):
                self._may_cancel.add(e)
        return shaped(found, g.value.shape)


def _symbols(formulas: Iterable[Expression]) -> dict[str, Array]:
    """The symbols in formulas, and what they are worth."""
    return {e.name: e.value for x in formulas for e in nodes(x) if e.name is not None}


def _within_softmax(plan: Plan) -> set[str | None]:
    """The names of x − max(x), and of what it is computed by and for, that get no step.

    What is shifted has its gradient by what the shift cancels in.
    """
    found: set[Tensor] = set()
    for t in walk(plan.output):
        x = t.inputs[0] if t._op is not None and t._op.name == "exp" else t
        if x._op is not None and x._op.name == "subtract":
            most = x.inputs[1]
            while most._op is not None and most._op.name in ("reshape", "getitem"):
                most = most.inputs[0]
            if most._op is not None and most._op.name == "max" and most.inputs[0] is x.inputs[0]:
                found |= {t, x, most}
    return {t.name for t in found - {*plan.targets}}


def _array(x: Array) -> str:
    shown = np.array2string(x, precision=4, threshold=12, edgeitems=2, separator=" ")
    text = " ".join(shown.split())
    return text if len(text) < 200 else f"an array of {dimensions(x.shape)}"


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
