"""From a recorded graph to terms, and from terms to a graph of canonical ops.

    recorded graph → terms → canonical Tensors → the engine's own pull → terms

Named tensors and leaves stand for themselves. All else is read by structure: an op and its
operands. Numbers are looked at only in what was *given* as an array: whether it is one number, 0
and 1 where something beside it is positive, or 1 − y of another.
"""

from __future__ import annotations

import itertools
from collections import ChainMap
from collections.abc import Callable, Collection, Iterable, Mapping, MutableMapping, Sequence
from contextlib import suppress
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np

from .. import ops as _ops
from ..engine.notes import noted
from ..engine.tensor import Array, Tensor
from ..graph import inner_first, walk
from ..masks import comparison, name_of, origin
from ..ops.elementwise import VALUE_OPS
from ..table import OPS
from .guards import guards
from .loops import ZERO, Loop, Rounds, UnevenError, inputs_of, is_target, just_written, loops
from .moves import is_mask_of, is_symmetric, slices_of, taken
from .table import CANONICAL, deviation, opposite, where_known, without_choice
from .terms import (
    COMPARISONS,
    ONE,
    Off,
    Term,
    as_number,
    bare,
    coefficient,
    intern,
    is_eye,
    is_mask,
    is_quotient,
    leaf,
    make,
    number,
    onehot,
    operands_of,
    product,
    remade,
    scaled,
    shaped,
    total,
)

_readings = itertools.count()


class Meaning:
    """A recorded computation in normal form.

    Args:
        output: the last result.
        keep: the names that stand for themselves; by default all.
        guard: what is added within a logarithm, up to this size, is left out.

    Attributes:
        output: the same number, computed by canonical ops.
        terms: of each tensor, recorded or canonical, its term.
        tensors: the canonical tensor of each recorded one that stands for itself.
        definitions: the term of each named result that stands for itself.
        guarded: the numbers that were left out.
        token: what tells its leaves from those of others.
    """

    def __init__(
        self, output: Tensor, keep: Collection[str] | None = None, guard: float = 0.0
    ) -> None:
        self.token = next(_readings)
        self.terms: dict[Tensor, Term] = {}
        self.tensors: dict[Tensor, Tensor] = {}
        self.definitions: dict[Term, Term] = {}
        self.values: dict[Term, Array] = {}
        self._built: dict[Term, Tensor] = {}
        self._given: list[Term] = []
        self._taken: dict[Any, Term] = {}  # what made masks by which entries were taken
        self._by_names: dict[Term, Term] | None = None
        self._whole: dict[Term, tuple[Term, float]] = {}  # what is named, but for a number
        self._named_products: dict[Term, list[Term]] = {}  # the same, by a factor
        nodes = walk(output)
        instead, self.guarded = guards(nodes, guard)
        written = just_written(nodes)
        self._instead = {t: instead.get(x, x) for t, x in written.items()} | instead
        nodes = list(dict.fromkeys([*(x for x in self._instead.values() if x.is_leaf), *nodes]))
        leaves = [t for t in nodes if t.is_leaf]
        self._parts = _parts(leaves)
        for part in self._parts.values():
            self.whole(part)
        self._states = {
            x for t in nodes if t._op is not None and t._op.name == "matmul"
            and any(y._op is None and y._tracked for y in t.inputs)
            for x in t.inputs if x._op is None and not x._array.any()
        }  # fmt: skip
        self._loops = loops(nodes, self._instead)
        self._round: Rounds | None = None
        self._leaf(ZERO)
        needed = set[Tensor]() if self._loops else set(nodes)
        for root in (output, *filter(is_target, nodes)):  # some was overwritten
            needed.update(inner_first(root, self._below, needed))
        for t in sorted(leaves, key=lambda t: (t.name is None, t.ndim == 0, not _tells(t._array))):
            if t in needed:
                self._leaf(t)
        for t in nodes:
            if t in needed and not t.is_leaf:
                e = self._result(t, self.terms)
                if t.name is not None and t is not output and (keep is None or t.name in keep):
                    e = self._kept(t, e)
                self.terms[t] = e
        self.output = self.tensors[output] = self.build(self.terms[output])
        for kept, e in self.definitions.items():  # from here on: a gradient knows nothing of it
            kept.means = e

    def _leaf(self, t: Tensor, made: bool = False) -> Term:
        if t._tracked:
            e = leaf((self.token, id(t)), t.shape, "leaf", t.name, t._array)
            self._built[e] = self.tensors[t] = t
        else:
            part, again = self.part_of(t), origin(t) if t.name is None else None
            if again is not None:
                self._loops |= loops(walk(again), {})
                self._read_into(self.terms, [again])
                e = self.terms[again]
            elif part is None:
                e = self.constant(t._array, t.name, made or t in self._states)
                if e.op == "leaf":
                    self._built.setdefault(e, t)
            else:
                shape = t.shape[::-1] if part.turned else t.shape
                index = slices_of(part.ranges, part.whole.shape)
                e = make("getitem", [self.whole(part)], {"index": index}, shape)
                e = make("transpose", [e]) if part.turned else e
        self.terms[t] = e
        return e

    def constant(self, array: Any, name: str | None = None, made: bool = False) -> Term:
        """A given array: a number where it is one, or what it is of another.

        Whole numbers, such as labels, are data, however alike they are; ``made`` by a rule they
        aren't.
        """
        array = np.asarray(array)
        if name is None and array.dtype.kind in "biuf":
            if array.ndim == 0 and np.isfinite(array):
                return number(float(array))
            if is_eye(array):
                return onehot(array)
            for other in self._given if array.dtype.kind != "b" else ():
                found = _related(array, other)
                if found is not None:
                    return found
            size = array.max(initial=0) if array.dtype.kind == "f" and not array.all() else 0
            if 0 < size != 1 and np.isin(array, (0, size)).all():
                return scaled(self.constant(array / size), float(size))
            first = array.flat[0] if array.size and array.dtype.kind != "b" else np.nan
            identity = _identity(array)
            if identity is not None:
                return identity
            is_data = array.dtype.kind != "f" or (first in (0, 1) and array.size > 1)
            if (made or not is_data) and np.isfinite(first) and (array == first).all():
                return shaped(number(float(first)), array.shape)
        digest = blake2b(array.tobytes(), digest_size=16).digest()
        key = self.token, array.shape, array.dtype.str, digest, name
        e = leaf(key, array.shape, "given", name, array)
        if e not in self._given and array.dtype.kind in "biuf":
            self._given.append(e)
        return e

    def _kept(self, t: Tensor, e: Term) -> Term:
        """A named result: from here on it stands for itself, and an equal one without a name
        doesn't."""
        operands = [self.build(x) for x in e.operands]
        new = applied(e, operands) if e.op != "leaf" else self.build(e)
        if e.op == "leaf" or any(new is x for x in operands):
            new = OPS["positive"](new)
        new = new if isinstance(new, Tensor) else Tensor(new)
        new = new if new.shape == t.shape else _ops.broadcast_to(new, t.shape)
        if t._tracked and not new._tracked:  # constant, but its gradient may be asked for
            new = Tensor(t._array, requires_grad=True)
        new.name = t.name
        kept = leaf((self.token, id(t)), t.shape, "kept", t.name, new._array)
        self.definitions[kept] = e
        self._built[kept] = self.tensors[t] = new
        self.terms[new] = kept
        return kept

    def _below(self, t: Tensor) -> Sequence[Tensor]:
        """What must be read before a tensor: where loops gave it, what these share."""
        if t not in self._loops:
            return self._inputs(t)
        parts = [p for _, p in self._loops[t]]
        return [x for p in parts for x in (p.shared if isinstance(p, Loop) else [p])]

    def _inputs(self, t: Tensor) -> list[Tensor]:
        """What a result was computed of, without guards."""
        return inputs_of(t, self._instead)

    def _result(self, t: Tensor, known: MutableMapping[Tensor, Term]) -> Term:
        """The term of a result, from those of what is below it; of loops, rolled up."""
        if t in self._loops:
            with suppress(UnevenError):
                pairs = [
                    (self._rolled(p, t, known) if isinstance(p, Loop) else known[p], c)
                    for c, p in self._loops[t]
                ]
                return shaped(total(pairs), t.shape)
            del self._loops[t]
            self._read_into(known, self._inputs(t))
        return self._read(t, known)

    def _read_into(self, known: MutableMapping[Tensor, Term], roots: Iterable[Tensor]) -> None:
        """Read these, too, and what is below them."""
        for root in roots:
            for t in inner_first(root, self._below, known):
                level = self._round
                while level is not None and t not in level.rows:
                    level = level.outer
                if level is not None:
                    known[t] = level.variable(t)
                else:
                    known[t] = self._leaf(t) if t.is_leaf else self._result(t, known)

    def _rolled(self, loop: Loop, t: Tensor, known: Mapping[Tensor, Term]) -> Term:
        """All rounds of a loop: one is read, of variables, and made of what these are in all."""
        outer, self._round = self._round, Rounds(loop, self, known, self._round)
        try:
            self._read_into(self._round.known, loop.parts[:1])
            return self._round.rolled(loop.parts[0], loop.filled, t.shape)
        finally:
            self._round = outer

    def read_loops(
        self, t: Tensor, nodes: Sequence[Tensor], known: MutableMapping[Tensor, Term]
    ) -> None:
        """A result of loops, from the terms of all that ``nodes`` were computed of.

        Raises:
            UnevenError: none was rolled up.
        """
        self._instead = just_written(nodes)
        self._loops = loops(nodes, self._instead)
        known[ZERO] = self.terms[ZERO]
        self._read_into(known, [t])
        if t not in self._loops:
            raise UnevenError

    def part_of(self, t: Tensor) -> Part | None:
        """Which part of a given array a given one is, if one is known."""
        return self._parts.get(t)

    def whole(self, part: Part) -> Term:
        """The array that a part is of."""
        return self.constant(part.whole, name_of(part.whole))

    def _read(self, t: Tensor, known: Mapping[Tensor, Term]) -> Term:
        """The term of a result, from those of its inputs."""
        assert t.op is not None
        if not t.size and not self._is_of_mask(t, known):  # nothing is there to be read
            return shaped(number(0.0), t.shape)
        args = [(x._op is None and self.compared(x, known)) or known[x] for x in self._inputs(t)]
        is_complex = t.dtype.kind == "c" or any(x.dtype.kind == "c" for x in t.inputs)
        if is_complex and t.op.name not in _OF_COMPLEX:
            # The normal form is that of real numbers.
            return intern(f"complex {_named(t)}", tuple(args), t.params, t.shape)
        if t.op.name in ("multiply", "where"):
            given, args = args[0], [self._mask(a, args) for a in args]
            if t.op.name == "where" and args[0] is not given:  # in whose words the others may be
                args[1:] = [where_known(shaped(x, t.shape), given, holds)
                            for x, holds in zip(args[1:], (True, False), strict=True)]  # fmt: skip
        op = _named(t)
        found = shaped(make(op, args, t.params, t.shape), t.shape)
        if op in ("getitem", "pick", "scatter"):
            found = self._by_mask(t, found, known)
        return without_choice(found) if found.op in "+*" else found

    def _by_mask(self, t: Tensor, found: Term, known: Mapping[Tensor, Term]) -> Term:
        """With the comparison that made a mask in its place, by which entries were taken."""
        index = t._params["index"]
        mask = self.compared(t, known, "taken")
        if mask is not None:
            index = noted(t, "taken")
            self._taken[index.shape, index.tobytes()] = mask
        elif isinstance(index, np.ndarray):
            mask = self._taken.get((index.shape, index.tobytes()))
        if mask is None or index.ndim > t.ndim:
            return found
        given, (_, core) = taken(index, t.ndim), coefficient(found)
        there = core is given or given in core.operands
        mask = shaped(mask, given.shape)
        return product([(found, 1), (given, -1), (mask, 1)], t.shape) if there else found

    def _is_of_mask(self, t: Tensor, known: Mapping[Tensor, Term]) -> bool:
        """Whether it is what a mask takes, which may be nothing, or computed of that."""
        whole = t.inputs[0].shape if t.op is OPS["getitem"] else ()
        is_mask = bool(whole) and is_mask_of(t._params["index"], whole)
        return is_mask or any(not x.size and known[x].op == "getitem" for x in self._inputs(t))

    def compared(
        self, t: Tensor, known: Mapping[Tensor, Term], noted_as: str = "given"
    ) -> Term | None:
        """What a mask was made by, or that by which entries were taken: a comparison of tensors
        that are read already.
        """
        mask = noted(t, noted_as)
        found = comparison(mask)
        if found is None:
            return None
        terms = [
            self.read(x, known) if isinstance(x, Tensor) else self.constant(x)
            for x in found.operands
        ]
        return make(found.name, terms, {}, mask.shape)

    def _mask(self, mask: Term, beside: Sequence[Term]) -> Term:
        """A given mask as the opposite of another, or the comparison with 0 of a factor beside it.
        """
        given = bare(mask)
        if given.kind != "given" or given.name or not _is_01(given.value):
            return mask
        for e in beside:
            parts = [f for f, _ in e.args] if e.op == "*" else [coefficient(e)[1]]
            for x in e.args[:1] if e.op == "where" else parts:
                if x.shape == given.shape and not x.given:
                    with np.errstate(all="ignore"):
                        value = np.asarray(self.value(x))
                    if is_mask(x):
                        telling = e.op == "where" or value.any()
                        if telling and np.array_equal(value == 0, given.value):
                            return opposite(x)
                        continue
                    # What is nowhere below 0 has no use for it: A, and the mask that made it so.
                    # Of what is nowhere above 0 a mask without a 1 tells nothing.
                    has_both = (value < 0).any() and (value > 0).any()
                    if has_both and np.array_equal(value > 0, given.value):
                        return make("greater", [x, number(0)])
        return mask

    def has_ties(self) -> bool:
        """Whether something is chosen: one of two equal operands, or the kink of a function."""
        return any(_ties(e, self.value) for e in (*self._built, *self.definitions.values()))

    def value(self, e: Term) -> Array:
        """What a term is worth."""
        return evaluate(e, self.values)

    def read(
        self, g: Tensor, known: Mapping[Tensor, Term], but: Collection[Term] = (),
        done: dict[Tensor, Term] | None = None,
    ) -> Term:  # fmt: skip
        """The term of a tensor of the backward pass; ``known`` stand for themselves, not ``but``.

        ``done``: what was read before with the same known ones, or fewer; it is added to.
        """
        local: dict[Tensor, Term] = {} if done is None else done

        def is_known(t: Tensor) -> bool:
            return t in known and known[t] not in but

        def below(t: Tensor) -> Sequence[Tensor]:
            return () if is_known(t) else t.inputs[::-1]

        for t in inner_first(g, below, ChainMap(self.terms, local)):
            if is_known(t):
                local[t] = known[t]
            elif t.is_leaf:
                self._leaf(t, True)
            else:
                local[t] = self._read(t, ChainMap(local, self.terms))
        return local[g] if g in local else self.terms[g]

    def by_names(self, root: Term) -> Term:
        """With named results for what they are, where that is shorter: b of A / ‖A‖."""
        if self._by_names is None:
            for kept, e in self.definitions.items():
                c, core = coefficient(self._with_names(e, {}))
                if core.op == "reshape":
                    k, core = coefficient(core.args[0])
                    c, kept = c * k, shaped(kept, core.shape)
                if core.op == "picked":  # as its gradient has it
                    axes = frozenset(core.params["axes"])
                    core = product([(x, 1) for x in core.args]).sum(axes)
                    kept = shaped(kept, core.shape)
                powers = {p for _, p in core.args} if core.op == "*" else set()
                if core.op != "leaf" and core is not ONE and (powers != {-1} or len(core.args) > 1):
                    self._whole.setdefault(core, (kept, c))
                    if core.op in _SIGNS and c > 0 and core.args[0].size > 2:
                        for sign in _SIGNS[core.op]:
                            mask, own = (make(sign, [x, number(0)]) for x in (core.args[0], kept))
                            self._whole.setdefault(mask, (own, 1.0))
                    is_own_slope = any(f.op == "exp" for f in core.operands)
                    if powers - {1} or (core.op == "*" and is_own_slope):
                        self._named_products.setdefault(core.args[0][0], []).append(core)
            self._by_names = {}
        ways = root, self._written_out(root)
        return min((self._with_names(e, self._by_names) for e in ways), key=lambda e: e.size)

    def _written_out(self, root: Term) -> Term:
        """With named quotients as what they are: 1 − l ∘ sign(s) of l = s / (1 + |s|)."""
        known = {k: shaped(e, k.shape) for k, e in self.definitions.items() if is_quotient(e)}
        for e in inner_first(root, operands_of, known) if known else ():
            known[e] = remade(e, [known[x] for x in e.operands])
        return known.get(root, root)

    def _with_names(self, root: Term, done: dict[Term, Term]) -> Term:
        for e in inner_first(root, operands_of, done):
            new = remade(e, [done[x] for x in e.operands])
            if e.op == "normalised":  # whose deviation may have a name of its own
                spelling, (x,) = deviation(e.params["ddof"]), e.args
                with Off():
                    spelled = spelling(x, e.params["axes"], e.params["eps"])
                new = min(new, self._with_names(spelled, done), key=lambda x: x.size)
            c, core = coefficient(new)
            if core in self._whole:
                kept, k = self._whole[core]
                new = shaped(scaled(kept, c / k), e.shape)
            if new.op == "transpose" and is_symmetric(new.args[0], new.params["axes"], True):
                new = new.args[0]
            new = _as_given(new) if new.op in COMPARISONS else new
            before = None
            while new is not before:
                before, (_, core) = new, coefficient(new)
                for f in core.operands if core.op == "*" else ():
                    for named in self._named_products.get(f, ()):
                        new = self._with_name(new, named)
            done[e] = new
        return done[root]

    def _with_name(self, e: Term, named: Term) -> Term:
        """A product with a named one in it, or in its denominator, as often as it is there."""
        _, core = coefficient(e)
        there = dict(core.args) if core.op == "*" else {}
        times = [int(there.get(f, 0.0) / p) for f, p in named.args]
        n = min(times, key=abs)
        if not n or any(k * n < 0 for k in times):
            return e
        kept, c = self._whole[named]
        other = product([(e, 1), (named, -n), (kept, n), (number(c), -n)], e.shape)
        return other if other.size < e.size - 1e-9 else e

    def build(self, root: Term) -> Tensor:
        """The canonical graph of a term."""
        for e in inner_first(root, operands_of, self._built):
            t = applied(e, [self._built[x] for x in e.operands])
            self._built[e] = t = t if isinstance(t, Tensor) else Tensor(t)
            self.terms.setdefault(t, e)
        return self._built[root]


class Part(NamedTuple):
    """A given array that is a part of another one.

    Attributes:
        whole: the other one.
        ranges: what is taken of each of its axes.
        turned: whether it is transposed.
    """

    whole: Array
    ranges: list[range]
    turned: bool


def _parts(leaves: Sequence[Tensor]) -> dict[Tensor, Part]:
    """The given arrays that are parts of one with a name, or which has several parts."""
    found: dict[int, dict[Tensor, Part]] = {}
    for t in leaves:
        given = noted(t, "given")
        view = t._array if given is None else given
        if not t._tracked and t.name is None and isinstance(view.base, np.ndarray):
            part = _part_of(view.base, view)
            if part is not None and np.array_equal(view, t._array):
                found.setdefault(id(view.base), {})[t] = part
    return {
        t: part
        for parts in found.values()
        for t, part in parts.items()
        if name_of(part.whole) or len({str(p.ranges) for p in parts.values()}) > 1
    }


def _part_of(base: Array, view: Array) -> Part | None:
    """Which part of an array a view of it is."""
    plain = base.ndim and base.flags.c_contiguous and base.dtype == view.dtype
    if not plain or not view.size:
        return None
    start = view.__array_interface__["data"][0] - base.__array_interface__["data"][0]
    steps = zip(view.strides, np.ogrid[tuple(map(slice, view.shape))], strict=True)
    places = sum((step * i for step, i in steps), np.array(start)) // base.itemsize
    if places.min() < 0 or places.max() >= base.size:
        return None
    found = [np.unique(i) for i in np.unravel_index(places, base.shape)]
    ranges = [range(i[0], i[-1] + 1, int(np.diff(i)[0]) if len(i) > 1 else 1) for i in found]
    flat = np.ravel_multi_index(np.ix_(*ranges), base.shape).ravel()
    turned = not np.array_equal(flat, places.ravel())
    same = not turned or np.array_equal(flat, places.T.ravel())
    return Part(base, ranges, turned) if same else None


_SIGNS = {"relu": ["greater"], "leaky_relu": ["greater", "less_equal"]}
"""How such a function of x compares with 0 where x does: h > 0 is x > 0."""
VALUES = {op.name: op for op in VALUE_OPS.values()}
"""The functions without a gradient, such as comparisons, by name."""

_OF_COMPLEX = {"add", "subtract", "multiply", "negative", "divide", "matmul", "dot", "sum", "mean",
               "reshape", "transpose", "astype", "getitem", "broadcast_to", "positive"}  # fmt: skip
_OWN: dict[str, Any] = {}


def _named(t: Tensor) -> str:
    """The name of its op, of one that isn't in the table one of its own."""
    assert t.op is not None
    name = t.op.name
    if OPS.get(name) is t.op or name in VALUES or t.op is _ops.as_it_was:
        return name
    _OWN[key := f"{name}#{id(t.op)}"] = t.op
    return key


def _is_01(value: Any) -> bool:
    if value.dtype == bool:
        return True
    return value.dtype.kind in "fiu" and bool(((value == 0) | (value == 1)).all())


def _tells(value: Any) -> bool:
    """Whether it is marks, but for a factor, in whose words others are said."""
    most = value.max(initial=0) if value.dtype.kind == "f" and not value.all() else 0
    return bool(most > 0 and np.isin(value, (0, most)).all())


def _as_given(mask: Term) -> Term:
    """Of given 0s and 1s ``y = 1`` is y, and ``y = 0`` is 1 − y."""
    y = mask.args[0]
    if y.kind == "given" and _is_01(y.value) and as_number(mask.args[1]) is not None:
        for rest in (y, total([(ONE, 1), (y, -1)])):
            if np.array_equal(evaluate(rest), evaluate(mask)):
                return rest
    return mask


def _identity(array: Array) -> Term | None:
    """I, or what has two values, and one of them once a row: onehot(y), 0.9 · onehot(y) + 0.05."""
    if array.ndim != 2 or min(array.shape) < 2 or array.dtype == bool:
        return None
    eye, ends = np.eye(len(array)), (array.min(), array.max())
    for c, d in (ends, ends[::-1]) if np.isin(array, ends).all() else ():
        marks = 1.0 * (array == c)
        is_long = array.shape[1] > 2 or np.array_equal(marks, eye)
        if is_long and (marks.sum(1) == 1).all():
            return total([(ONE, float(d)), (onehot(marks), float(f"{c - d:.15g}"))])
    return None


def _related(array: Array, other: Term) -> Term | None:
    """A given array as c y + d of another: as 1 − y; its axes of one entry may differ."""
    y = other.value
    if y.dtype.kind == "b" or not y.size or _sizes(y) != _sizes(array):
        return None
    y = y.reshape(array.shape)
    few = len(np.unique(np.abs(y[y != 0]))) <= 2  # then many arrays are a multiple of it
    for c, d in [(1.0, 0.0), (-1.0, 0.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0), *_line(y, array)]:
        near = np.array_equal if c in (1, -1) else np.allclose
        likely = not few or c in (1, -1) or (d and y.size > 3)
        if c == 1 and d and y.size <= 3:  # counting, 1 2 3 and 2 3 4, is no relation
            continue
        if likely and near(c * y + d, array):
            return total([(ONE, d), (shaped(other, array.shape), c)], array.shape)
    return None


def _sizes(array: Array) -> list[int]:
    return [n for n in array.shape if n != 1]


def _line(y: Array, array: Array) -> list[tuple[float, float]]:
    """The c and d of ``c y + d`` by the ends of y, if they are short numbers."""
    low, high = y.argmin(), y.argmax()
    with np.errstate(all="ignore"):
        c = np.divide(array.flat[high] - array.flat[low], float(y.flat[high]) - y.flat[low])
        found = [float(f"{x:.12g}") for x in (c, array.flat[low] - c * y.flat[low])]
        if y.flat[low] and np.array_equal(y / y.flat[low] * array.flat[low], array):
            found = [float(array.flat[low] / y.flat[low]), 0.0]
    return [(found[0], found[1])] if (np.isfinite(c) and c and not found[1]) or all(
        len(f"{x:g}") < 6 and float(f"{x:g}") == x for x in found) else []


def _ties(e: Term, value: Callable[[Term], Array]) -> bool:
    if e.op in ("relu", "absolute", "leaky_relu"):
        return bool((value(e.args[0]) == 0).any())
    if e.op in ("maximum", "minimum"):
        return bool((value(e.args[0]) == value(e.args[1])).any())
    return False


def applied(e: Term, xs: Sequence[Any]) -> Any:
    """A term's op applied to its operands: Tensors, or arrays."""
    if e.op == "leaf":
        return Tensor(e.value, name=e.name)
    if e.op == "+":
        return _sum(e, xs)
    if e.op == "*":
        return _product(e, xs)
    if e.op in ("reshape", "broadcast_to"):
        module = _ops if isinstance(xs[0], Tensor) else np
        return getattr(module, e.op)(xs[0], e.shape)
    if e.op in CANONICAL:
        return CANONICAL[e.op](*xs, **e.params)
    op = op_of(e.op)
    return op(*xs, **e.params) if op is not None else getattr(np, e.op)(*xs, **e.params)


def op_of(name: str) -> Any:
    """The op of that name, or None."""
    name = name.removeprefix("complex ")
    return _OWN[name] if "#" in name else OPS.get(name)


def _sum(e: Term, xs: Sequence[Any]) -> Any:
    found: Any = None
    parts = sorted(zip(xs, e.args, strict=True), key=lambda part: part[1][1] < 0)
    for x, (f, c) in parts:
        x = x * 1.0 if is_mask(f) else x
        part = abs(c) if f is ONE else _times(x, abs(c))
        if found is None:
            found = part if c > 0 else -part
        else:
            found = found + part if c > 0 else found - part
    return np.float64(0.0) if found is None else found


def _times(x: Any, c: float) -> Any:
    n = float(np.rint(1 / c)) if c else 0.0
    return x if c == 1 else x / n if n > 1 and 1 / n == c else x * c


def _product(e: Term, xs: Sequence[Any]) -> Any:
    above = below = mask = None
    for x, (f, p) in zip(xs, e.args, strict=True):
        if p == 1 and is_mask(f) and f.op != "leaf":
            mask = x if mask is None else np.logical_and(mask, x)
            continue
        q = abs(p)
        x = x if q == 1 else np.sqrt(x) if q == 0.5 else x ** (int(q) if q == int(q) else q)
        if p > 0:
            above = x if above is None else above * x
        else:
            below = x if below is None else below * x
    found = np.float64(1.0) if above is None else above
    found = found if below is None else found / below
    if mask is None:
        return found
    tensors = any(isinstance(x, Tensor) for x in xs)
    where: Callable[..., Any] = OPS["where"] if tensors else np.where
    return where(mask, found, 0.0)


def evaluate(root: Term, values: dict[Term, Array] | None = None) -> Array:
    """A term's value from those of its leaves; ``values``: those known, and found here."""
    values = {} if values is None else values
    with np.errstate(all="ignore"):
        for e in inner_first(root, operands_of, values):
            if e.op == "leaf":
                values[e] = np.asarray(e.value)
            else:
                found = applied(e, [values[x] for x in e.operands])
                values[e] = found._array if isinstance(found, Tensor) else np.asarray(found)
    return values[root]


__all__ = ["Meaning", "applied", "evaluate"]
