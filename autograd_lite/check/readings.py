"""What each line of a backward pass should be: a term, in several readings.

The one file of the checks that knows how meaning reads a graph.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, partial
from itertools import count
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from ..engine.backward import pull
from ..engine.modes import trace
from ..engine.tensor import Array, Tensor
from ..graph import inner_first, walk
from ..meaning.read import Meaning, applied, evaluate
from ..meaning.table import CANONICAL, TABLE, deviation
from ..meaning.terms import (
    ONE,
    Off,
    Term,
    as_number,
    coefficient,
    fits,
    leaf,
    make,
    product,
    remade,
    scaled,
    shaped,
    sum_of,
    total,
)  # fmt: skip
from ..meaning.write import Writer
from ..ops.indexing import parts_of
from ..show.text import text
from ..table import OPS, Op
from .given import agrees

_DEEPEST = 3  # readings of one line
_MOST = 600  # terms of a reading
_MOST_NODES = 2500  # of the backward pass that it is read of
_MOST_USES = 30  # of a leaf
_WIDEST = 160  # characters of a formula


def _activations() -> Iterator[Op]:
    """The functions of one tensor, entry by entry, that the table knows."""
    for entry in TABLE:
        try:
            op = OPS.get(entry[0](leaf("any", (2,), "variable", "x")).op)
        except TypeError:  # of rows
            continue
        if op is not None and op.entrywise and len(op.vjps) == 1:
            yield op


ACTIVATIONS = tuple(dict.fromkeys(_activations()))


_CALLED = {"matmul": "x", "linear": "x", "dot": "x", "subtract": "y", "multiply": "y"}


class Slope(NamedTuple):
    """f'(s), as one factor, or several that belong together.

    Attributes:
        result: f(s), a term; ``l`` is its value.
        of: s, a term; ``s`` is its value.
        op: f, with its params.
        factors: those of f'(s), with their exponents.
    """

    result: Term
    of: Term
    op: Op
    params: dict[str, Any]
    factors: dict[Term, float]
    s: Array
    l: Array  # noqa: E741  (the chapter's letter)

    @property
    def unit(self) -> Term:
        """f'(s) as one term."""
        return product(list(self.factors.items()))

    def at(self, s: Array, l: Array | None = None) -> Array:  # noqa: E741
        """The slope at another tensor, by the op's own rule."""
        out = self.op.forward(s, **self.params) if l is None else l
        rule: Any = self.op.vjps[0]
        return np.asarray(rule(np.ones(s.shape), out, s, **self.params))


class _Way:
    """One way to read a loss, with these names kept, and its backward pass as terms."""

    def __init__(
        self, loss: Tensor, keep: Collection[str] | None, guard: float,
        tensors: Mapping[str, Tensor], cotangents: dict[str, Term],
    ) -> None:  # fmt: skip
        with trace():
            self.meaning = Meaning(loss, keep, guard)
            output = self.meaning.output
            kept = {
                n: self.meaning.tensors[t] for n, t in tensors.items()
                if t is not loss and t in self.meaning.tensors
            }  # fmt: skip
            pulled = pull({output: seed(self.meaning, output)}, set(kept.values()), record=True)
        self.by_uses, self.multiplied_out = set[Term](), set[Term]()
        self.kept = kept
        named = {self.meaning.tensors.get(t) for t in walk(loss) if t.name is not None}
        self._named_above: dict[Tensor, set[Tensor]] = {}  # the next ones that are named
        for t in walk(output)[::-1]:
            above = {t} if t in named else self._named_above.get(t, set())
            for x in t.inputs:
                self._named_above.setdefault(x, set()).update(above)
        self.lines = {name: pulled[t] for name, t in kept.items() if t in pulled}
        self.known: dict[Tensor, Term] = {}
        for name, g in self.lines.items():
            self.known.setdefault(g, cotangents[name])

    def of(self, name: str, own: Term) -> list[Term]:
        """A line by the nearest cotangents that were given, and by farther ones."""
        g = self.lines.get(name)
        if g is None:
            return []
        known = {k: e for k, e in self.known.items() if e is not own}
        found: list[Term] = [shaped(e, own.shape) for e in self._by_uses(name, known)]
        self.by_uses.update(found)
        for _ in range(_DEEPEST):
            below = inner_first(g, partial(_inputs, known))
            if len([*itertools.islice(below, _MOST_NODES)]) == _MOST_NODES:
                break
            e = self.meaning.read(g, known)
            named = shaped(self.meaning.by_names(e), own.shape)
            found += [named, shaped(e, own.shape)]
            used = set(subterms(named))
            near = {k: e for k, e in known.items() if e in used}
            if not near:
                break
            known = {k: e for k, e in known.items() if k not in near}
        found += [_but_by_maxima(e) for e in found if e.op == "+"]
        out = [shaped(e, own.shape) for f in found for e in _multiplied_out(f)]
        self.multiplied_out.update(out)
        return [e for e in dict.fromkeys(found + out) if len(subterms(e)) <= _MOST]

    def _by_uses(self, name: str, known: Mapping[Tensor, Term]) -> Iterator[Term]:
        """The sum of what comes from each of several named results, as it stands.

        Of a leaf, from each place where it is used.
        """
        parts: list[Tensor] = []
        x, todo = self.kept[name], [self.lines[name]]
        while todo:
            t = todo.pop()
            is_sum = t._op is not None and t._op.name == "add" and t not in known
            (todo if is_sum else parts).extend(t.inputs if is_sum else [t])
        if 1 < len(parts) <= (_MOST_USES if x._op is None else len(self._named_above.get(x, ()))):
            terms, done = dict[Term, float](), dict[Tensor, Term]()
            for t in parts:
                e = self.meaning.by_names(self.meaning.read(t, known, done=done))
                for f, c in _terms(e) if x._op is None else [coefficient(e)[::-1]]:
                    terms[f] = terms.get(f, 0.0) + c
            yield sum_of(terms)

    def written_out(self, name: str) -> Term | None:
        """A line by no other."""
        g = self.lines.get(name)
        return None if g is None else self.meaning.read(g, {})


def _inputs(known: Container[Tensor], t: Tensor) -> Sequence[Tensor]:
    return () if t in known else t.inputs


def slopes(meaning: Meaning) -> Iterator[Slope]:
    """The slopes of all functions of one tensor, entry by entry, that there are."""
    terms, seen = meaning.terms, set()
    for tensor, result in list(terms.items()):
        e = meaning.definitions.get(result, result)
        op: Any = tensor._op
        if op is None or not op.entrywise or len(e.operands) != 1 or e.op != op.name:
            continue
        (x,) = tensor.inputs
        if tensor._tracked and x in terms and result not in seen:
            seen.add(result)
            with trace():
                found = pull({tensor: seed(meaning, tensor)}, {x}, record=True)
            if x in found:
                unit = meaning.read(found[x], {})
                factors = dict(unit.args) if unit.op == "*" else {unit: 1.0}
                params = dict(tensor._params)
                yield Slope(result, terms[x], op, params, factors, x._array, tensor._array)


def seed(meaning: Meaning, tensor: Tensor) -> Tensor:
    """A cotangent of ones."""
    ones = Tensor(np.ones(tensor.shape))
    meaning.terms[ones] = shaped(ONE, ones.shape)
    return ones


def _terms(e: Term) -> Iterator[tuple[Term, float]]:
    """The terms of a sum that is put into one place."""
    c, e = coefficient(e)
    x = e.operands[0] if e.op in ("scatter", "reshape") else None
    for f, k in _terms(x) if x is not None else e.args if e.op == "+" else [(e, 1.0)]:
        yield (f if x is None else remade(e, [shaped(f, x.shape)])), c * k


def _but_by_maxima(e: Term) -> Term:
    """A sum without what comes by a maximum, which is 0 where that is but taken off, as in softmax.
    """
    return sum_of({f: c for f, c in e.args if all(x.op != "equal" for x in f.operands)})


def _multiplied_out(e: Term) -> Iterator[Term]:
    """With a sum, of what comes from several places, multiplied by the factors beside it."""
    c, e = coefficient(e)
    for g, p in e.args if e.op == "*" else ():
        if g.op == "+" and p == 1 and len(g.args) > 1 and ONE not in g.operands:  # no 1 − x²
            beside = [(x, q) for x, q in e.args if x is not g]
            each = (coefficient(product([*beside, (f, 1)])) for f in g.operands)
            yield sum_of({f: c * k * j for (j, f), (_, k) in zip(each, g.args, strict=True)})


class Readings:
    """A recorded loss as meaning reads it: with all names kept, and with those that were given.

    So the short way is there too: a line that goes from the loss to the logits at once.

    Args:
        loss: recorded.
        tensors: what gradients were given of, by name.
        right: these gradients.
        symbols: how they are written.
        rows: of a batch.
        guard: what is added within a logarithm, up to this, is left out.
        rtol, noise: how far off a formula's worth may be.

    Attributes:
        nodes, tensors: as they were recorded.
        cotangents: the leaves that stand for the gradients, by name.
        forward: the terms of the forward pass, which are no more than atoms here.
        definitions: of those that stand for themselves.
        slopes: those that there are.
        inputs: what is beside a matrix, and so no target.
        numbers: the coefficients of sums, and what slopes make of them.
        unnamed: what given arrays without a name are called.
        arrays: what such leaves of the graph are called.
    """

    def __init__(
        self, loss: Tensor, tensors: Mapping[str, Tensor], right: Mapping[str, Array],
        symbols: Mapping[str, str], rows: int | None, guard: float, rtol: float = 1e-7,
        noise: Mapping[str, float] = MappingProxyType({}),
    ) -> None:  # fmt: skip
        self.cotangents = {
            n: leaf((id(self), n), t.shape, "gradient", symbols[n], right[n])
            for n, t in tensors.items()
        }  # fmt: skip
        self._rtol, self._noise, self.tensors = rtol, noise, tensors
        self._opaque = {
            n: leaf((id(self), n, "right"), t.shape, "gradient", symbols[n], right[n])
            for n, t in tensors.items()
        }  # fmt: skip
        nodes = walk(loss)
        named = {t.name for t in nodes if t.name is not None and t is not loss and t._op}
        keeps: list[Collection[str] | None] = [None]
        if named - set(tensors):
            keeps.append(set(tensors))
        self._ways = []
        for keep in keeps:
            with suppress(Exception):  # what meaning can't read
                self._ways.append(_Way(loss, keep, guard, tensors, self.cotangents))
        terms = [w.meaning.terms for w in self._ways]
        self.forward = {e for way in terms for e in way.values() if as_number(e) is None}
        self.nodes = nodes
        self.numbers = {abs(k * c) for e in self.forward if e.op == "+" for _, c in e.args
                        for k in (1, 2)}  # fmt: skip
        self.slopes = [slope for way in self._ways for slope in slopes(way.meaning)]
        self.inputs = {way.get(x) for way in terms for t in nodes for x in t.inputs
                       if t.op is not None and _CALLED.get(t.op.name) == "x"}  # fmt: skip
        self._read: dict[str, list[Term]] = {}
        self.unnamed: dict[Term, str] = {}
        names = self._names(nodes, terms)
        self._writer = Writer(names, rows, {*names.values(), *symbols.values()})

    def _names(
        self, nodes: Sequence[Tensor], terms: Sequence[Mapping[Tensor, Term]]
    ) -> dict[Term, str]:
        """The names of leaves, which all arrays that were given get."""
        leaves = {e for e in self.forward if e.op == "leaf"}
        names = {e: e.name for e in leaves if e.name is not None}
        names |= _of_given(nodes, terms, set(names.values()))
        rest = {e for e in leaves if e.given and e.shape and e.kind != "marks"} - names.keys()
        arrays = [t for t in nodes if t.is_leaf and t.name is None and t.ndim]
        of = {e: t for way in terms for t in arrays if (e := way.get(t)) is not None}
        taken = {t.name for t in nodes} | set(names.values())
        free = [c for i in range(1, len(taken | rest) + len(arrays) + 1)
                if (c := f"c_{i}") not in taken]  # fmt: skip
        called: dict[Any, str] = {}  # equal ones alike
        for some, new in ((rest & of.keys(), free), (rest - of.keys(), free[len(arrays) :])):
            numbered = iter(new)
            for e in sorted(some, key=lambda e: e.id):
                value = e.shape, np.asarray(e.value).tobytes()
                self.unnamed[e] = called[value] = called.get(value) or next(numbered)
        names |= self.unnamed
        self.arrays = {t: names[e] for e, t in of.items() if e in names}
        return names

    def of(self, name: str) -> list[Term]:
        """The readings of a line that are worth its gradient; if none is, that gradient alone."""
        if name not in self._read:
            found: dict[str, Term] = {}
            for way in self._ways[::-1]:
                with suppress(Exception):  # what meaning can't read: there may be another way
                    some = way.of(name, self.cotangents[name])
                    found |= {self.text(e): e for e in some if self._is_worth(name, e)}
            self._read[name] = sorted(found.values(), key=lambda e: -len(self.sources(e)))
        return self._read[name] or [self._opaque[name]]

    @property
    def graphs(self) -> Iterator[tuple[Meaning, Tensor, Mapping[str, Tensor]]]:
        """The loss as canonical ops, and what gradients were given of, by name."""
        for way in self._ways:
            yield way.meaning, way.meaning.output, way.kept

    def limit(self, name: str) -> Array:
        """A line's gradient by its formula, in which what cancels has gone."""
        opaque = self._opaque[name]
        found = (way.written_out(name) for way in self._ways)
        return evaluate(shaped(next((e for e in found if e is not None), opaque), opaque.shape))

    def is_by_uses(self, e: Term) -> bool:
        """Whether this is a reading that has a term for each use of what it is the gradient of."""
        return any(e in way.by_uses for way in self._ways)

    def is_multiplied_out(self, e: Term) -> bool:
        return any(e in way.multiplied_out for way in self._ways)

    def is_read(self, name: str) -> bool:
        return self.of(name) != [self._opaque[name]]

    def _is_worth(self, name: str, e: Term) -> bool:
        right = self._opaque[name].value
        return agrees(evaluate(e), right, self._rtol, self._noise.get(name, 0))

    @cached_property
    def definitions(self) -> dict[Term, Term]:
        """Of the named terms of the forward pass, which stand for themselves."""
        return {e: d for way in self._ways for e, d in way.meaning.definitions.items()}

    @cached_property
    def _ids(self) -> dict[Any, tuple[str, Array]]:
        """Those by which rows are looked up, and in what."""
        terms = (e for e in subterms(*self.forward) if e.op == "getitem")
        looked = [(self.text(e.args[0]), e.params["index"]) for e in terms]
        looked += [(t.inputs[0].name or "y", t._params["index"]) for t in self.nodes
                   if t.inputs and "index" in t._params]  # fmt: skip
        every = ((of, np.asarray(x)) for of, index in looked[::-1] for x in parts_of(index)
                 if type(x) in (int, np.ndarray))  # fmt: skip
        return {(i.shape, i.tobytes()): (of, i) for of, i in every if i.dtype.kind in "iu"}

    def other_ids(self, own: Array | None, rows: int) -> list[tuple[str, Array]]:
        """As many other ids, of so many rows at most, and in what they are looked up."""
        if own is None or not own.size:
            return []
        return [(of, i) for of, i in self._ids.values() if i.shape == own.shape and i.max() < rows]

    @cached_property
    def given(self) -> dict[str, Array]:
        """The given arrays that the formulas hold, as they are written."""
        leaves = [x for x in subterms(*self.forward) if x.op == "leaf" and x.given and x.shape]
        made = {
            e: mask
            for way in self._ways
            for t, e in way.meaning.terms.items()
            if e in leaves and (mask := way.meaning.compared(t, way.meaning.terms))
        }
        return {self.text(made.get(e, e)): np.asarray(e.value) for e in leaves}

    def summed(self, name: str) -> set[float]:
        """How many are summed up in a line: entries of an axis, or of products."""
        terms = [e for term in self.of(name)[:1] for e in subterms(term)]
        found = {math.prod(e.args[0].shape[a] for a in e.params["axes"])
                 for e in terms if e.op == "sum"}  # fmt: skip
        return found | {e.args[0].shape[-1] for e in terms if e.op == "matmul"}

    def divide_by(self, n: int) -> bool:
        """Whether n is what the loss, or a line, is divided by."""
        lines = subterms(*(e for name in self.cotangents for e in self.of(name)))
        numbers = self.numbers | {abs(c) for e in lines if e.op == "+" for _, c in e.args}
        return any(abs(n * c - k) <= 1e-9 for c in numbers for k in (1, 2))

    def sources(self, e: Term) -> list[str]:
        """The tensors whose gradients a term is computed from."""
        used = set(subterms(e))
        return [name for name, x in self.cotangents.items() if x in used]

    def text(self, e: Term) -> str:
        """A term, written; on the right its parts that got a symbol."""
        said, parts = self.written(e)
        return abridged(" with ".join([said, *filter(None, [", ".join(parts)])]))

    def written(self, e: Term) -> tuple[str, list[str]]:
        """A term, written, and what its parts are that got a symbol: ``u_1 = …``."""
        written, parts = self._writer.expression(e)
        return text(written), [f"{name} = {text(part)}" for name, part in parts]


def abridged(said: str, most: int = _WIDEST) -> str:
    return said if len(said) <= most else said[: most - 1] + "…"


def _of_given(
    nodes: Sequence[Tensor], ways: Sequence[Mapping[Tensor, Term]], taken: set[str]
) -> dict[Term, str]:
    """Names for given arrays without one: x beside a matrix, y what is subtracted or has a log."""
    found: dict[Term, str] = {}
    for t in nodes:
        base = _CALLED.get(t.op.name) if t.op is not None else None
        for x in t.inputs if base is not None else ():
            logs = {y._op.name for y in t.inputs if y._op is not None} & {"log", "log1p"}
            if base == "y" and t._op is not None and t._op.name == "multiply" and not logs:
                continue
            if x.is_leaf and x.name is None and not x._tracked and x.ndim:
                name = next(n for i in count() if (n := f"{base}_{i}" if i else base) not in taken)
                for way in ways:
                    e = way.get(x)
                    if e is not None and e.op == "leaf" and e not in found and e.name is None:
                        found[e] = str(name)
                        taken.add(str(name))
    return found


def over_axes(e: Term, xs: Sequence[Array], axes: frozenset[int]) -> Array:
    """A term's op of these arrays, over other axes than its own."""
    found: Any = CANONICAL[e.op](*map(Tensor, xs), **{**e.params, "axes": axes})
    return np.asarray(found._array)


def spellings(e: Term) -> Iterator[Term]:
    """How a softmax, or what is normalised, is computed; of a softmax also with the largest off."""
    with Off():
        if e.op == "softmax":
            (x,), axes = e.args, e.params["axes"]
            value = evaluate(x)
            less = value - value.max(tuple(axes), keepdims=True)
            for z in (x, leaf(("less", x), x.shape, "kept", f"{x.name or 's'} − max", less)):
                yield np.exp(z) / np.exp(z).sum(axes)
        elif e.op == "normalised":
            yield deviation(e.params["ddof"])(*e.args, e.params["axes"], e.params["eps"])


def core(e: Term) -> Term:
    """A term without the moves of its entries, and its factor, around it."""
    while e.op in ("reshape", "transpose", "broadcast_to") or (e.op == "+" and len(e.args) == 1):
        e = e.operands[0]
    return e


def ids_of(e: Term) -> Array | None:
    """The rows that are looked up, or added to, where these are several."""
    index = e.params["index"]
    parts = [np.asarray(x) for x in (index if isinstance(index, tuple) else (index,))]
    return parts[0] if len(parts) == 1 and parts[0].dtype.kind in "iu" and parts[0].ndim else None


def subterms(*roots: Term) -> list[Term]:
    """All that terms consist of, operands first, and themselves."""
    order: dict[Term, None] = {}
    for root in roots[::-1]:
        for e in inner_first(root, lambda e: e.operands[::-1], order):
            order[e] = None
    return list(order)


__all__ = [
    "ACTIVATIONS", "ONE", "Readings", "Slope", "Term", "applied", "as_number", "coefficient",
    "core", "evaluate", "fits", "ids_of", "make", "over_axes", "product", "scaled", "spellings",
    "subterms", "total",
]  # fmt: skip
