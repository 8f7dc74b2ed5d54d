"""Loops, rolled up: a sum over examples means one over the rows of an array.

    loss = 0.0
    for i in range(m):
        loss = loss + (X[i] @ w - y[i]) ** 2

records m parts of the same ops. Where what differs between them are given arrays, or entries that
are taken at other places, one part stands for all: it is read as it is, of variables, and then
made of all of these at once, along further axes in front.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, cast

import numpy as np

from ..engine.notes import noted
from ..engine.tensor import Tensor
from ..graph import inner_first
from ..masks import comparison
from .moves import part, placed, ranges_of, slices_of, summed, windows
from .terms import (
    ENTRYWISE,
    Shape,
    Term,
    broadcast,
    frozen,
    leaf,
    make,
    operands_of,
    padded,
    product,
    remade,
    shaped,
    subterms,
)

_FEWEST = 4  # parts whose entries follow no rule


class UnevenError(Exception):
    """Rounds that one of them can't stand for."""


_Cut = tuple[tuple[int, int], ...]  # along which axes there are parts, each of so many entries
_At = tuple[tuple[int, range], ...]  # and where each begins


class Loop(NamedTuple):
    """Parts of a sum, or what is put side by side, that differ only in what they are made of.

    Attributes:
        parts: the results of its rounds.
        shared: what all of them are made of.
        places: where they differ: of each round the given array, or the entries that are taken.
        filled: the axes along which an array was filled with them, and where each began.
    """

    parts: Sequence[Tensor]
    shared: list[Tensor]
    places: list[Sequence[Tensor]]
    filled: _At = ()


Rolled = list[tuple[float, Loop | Tensor]]
"""A sum of loops and other tensors, each times 1 or −1."""
_Signed = list[tuple[float, Tensor]]


def loops(nodes: Sequence[Tensor], instead: Mapping[Tensor, Tensor]) -> dict[Tensor, Rolled]:
    """The results that loops gave: by each what is added up, or put side by side.

    Args:
        instead: what stands for which input.
    """
    return _Finder(nodes, instead).found


def just_written(nodes: Iterable[Tensor]) -> dict[Tensor, Tensor]:
    """What is read of an array that is being filled: ``s[i]``, of ``s[i] = x``, is x.

    Args:
        nodes: in the order in which they were made.
    """
    found: dict[Tensor, Tensor] = {}
    filled: dict[Tensor, tuple[_Cut, dict[Shape, Tensor], Tensor]] = {}  # with what was before
    for t in nodes:
        is_filled = _is_filled(t)
        place = _place(t) if is_filled or (t._op is not None and t._op.name == "getitem") else None
        if place is None:
            continue
        (cut, start), x = place, t.inputs[0]
        if is_filled:
            state = filled.pop(x, None) or (cut, {}, x)
            state[1][start] = t.inputs[1]
            if state[0] == cut and not _is_filled(state[2]):
                filled[t] = state
        elif x in filled and filled[x][0] == cut and t.name is None:
            value = filled[x][1].get(start)
            if value is not None and value.shape == t.shape:
                found[t] = found.get(value, value)
            elif value is None and not filled[x][2]._tracked and not t._array.any():
                found[t] = ZERO
    return found


ZERO = Tensor(0.0)
"""What a sum begins with."""


def inputs_of(t: Tensor, instead: Mapping[Tensor, Tensor]) -> list[Tensor]:
    """What a result was computed of; zeros that something is added to are 0."""
    inputs = [instead.get(x, x) for x in t.inputs]
    if t._op is None or t._op.name != "add":
        return inputs
    zeros = (x.is_leaf and not (x._tracked or x.name or x._array.any()) for x in inputs)
    return [ZERO if is_zero else x for x, is_zero in zip(inputs, zeros, strict=True)]


class _Finder:
    def __init__(self, nodes: Sequence[Tensor], instead: Mapping[Tensor, Tensor]) -> None:
        self.found: dict[Tensor, Rolled] = {}
        self._instead = instead
        self._kinds: dict[Tensor, int] = {}
        self._numbers: dict[Any, int] = {}
        self._compared: dict[Tensor, tuple[str, list[Tensor]]] = {}
        read = [t for t in nodes if t not in instead]
        uses = Counter(x for t in read for x in self._inputs(t)[: 1 if _is_filled(t) else None])
        self._within = {x for t in nodes for x in self._inputs(t)
                        if x.name is None and uses[x] == 1
                        and any(of(t) and of(x) for of in (_is_added, _is_joined))}  # fmt: skip
        self._within |= {t.inputs[0] for t in nodes if _is_filled(t)}
        for t in nodes:
            axes, signed = self._parts(t, uses)
            parts = self._grouped(signed) if len(signed) > 1 else []
            one = len(parts) == 1 or _is_added(t)
            if one and any(isinstance(x, Loop) for _, x in parts):
                self.found[t] = [(c, x._replace(filled=axes) if isinstance(x, Loop) else x)
                                 for c, x in parts]  # fmt: skip

    def _parts(self, t: Tensor, uses: Mapping[Tensor, int]) -> tuple[_At, _Signed]:
        """What is added up, put side by side, or filled in, and then along which axes."""
        if t in self._within or not (_is_added(t) or _is_filled(t) or _is_joined(t)):
            return (), []
        if _is_joined(t):
            axis = t.params["axis"] % t.ndim
            parts = self._side_by_side(t, axis)
            starts = range(0, t.shape[axis], parts[0].shape[axis]) if parts else range(1)
            return ((axis, starts),), [(1.0, x) for x in parts]
        return ((), self._signed(t)) if _is_added(t) else self._filled(t, uses)

    def _side_by_side(self, end: Tensor, axis: int) -> list[Tensor]:
        """What is put together, also of what was put together before, as by np.append."""
        found, i = [end], 0
        while i < len(found):
            t = found[i]
            is_within = t in self._within and _is_joined(t) and t.params["axis"] % t.ndim == axis
            if t is end or is_within:
                found[i : i + 1] = [x for x in t.inputs if x.shape[axis]]
            else:
                i += 1
        return found

    def _inputs(self, t: Tensor) -> list[Tensor]:
        return inputs_of(t, self._instead)

    def _filled(self, end: Tensor, uses: Mapping[Tensor, int]) -> tuple[_At, _Signed]:
        """What an array was filled with, part by part, along which axes, and where; 0 elsewhere."""
        found: dict[Shape, Tensor] = {}
        cuts, t = set[_Cut | None](), end
        while _is_filled(t) and (t is end or (uses[t] == 1 and t.name is None)):
            cut, start = _place(t) or (None, ())
            t, value = self._inputs(t)
            cuts.add(cut)
            found.setdefault(start, value)
        cut = cuts.pop()
        if cut is None or cuts:
            return (), []
        starts = [sorted({*own}) for own in zip(*found, strict=True)]
        at = [(i, range(own[0], own[-1] + 1, n)) for (i, n), own in zip(cut, starts, strict=True)]
        if sorted(found) != [*itertools.product(*(r for _, r in at))]:
            return (), []
        is_whole = all(len(r) * r.step == end.shape[i] for i, r in at)
        if not is_whole and (t._op is not None or t._tracked or t._array.any()):
            return (), []
        return tuple(at), [(1.0, found[start]) for start in sorted(found)]

    def _signed(self, end: Tensor) -> _Signed:
        """The parts of a sum in the order in which they were made, with their signs."""
        found: _Signed = []
        stack = [(1.0, end)]
        while stack:
            c, t = stack.pop()
            if t is end or (t in self._within and _is_added(t)):
                x, y = self._inputs(t)
                stack += [(-c if t._op.name == "subtract" else c, y), (c, x)]  # type: ignore[union-attr]
            else:
                found.append((c, t))
        return sorted(found, key=lambda part: getattr(part[1], "_number", -1))

    def _grouped(self, signed: _Signed) -> Rolled:
        groups: dict[Any, list[Tensor]] = {}
        for c, t in signed:
            groups.setdefault((c, t.shape, self._kind(t)), []).append(t)
        parts: Rolled = []
        for (c, *_), own in groups.items():
            loop = self._loop(own) if len(own) > 1 and own[0]._op is not None else None
            parts += [(c, loop)] if loop else [(c, t) for t in own]
        return parts

    def _kind(self, root: Tensor) -> int:
        """A number that is the same for what was computed in the same way."""
        kinds = self._kinds
        for t in inner_first(root, lambda t: () if is_target(t) else self._made_of(t)[1], kinds):
            name, inputs = self._made_of(t)
            params = None if name == "getitem" or t._op is None else frozen(t.params)
            own: Any = t
            if not is_target(t):
                own = name, t.shape, params, tuple(kinds[x] for x in inputs)
            kinds[t] = self._numbers.setdefault(own, len(kinds))
        return kinds[root]

    def _made_of(self, t: Tensor) -> tuple[str, Sequence[Tensor]]:
        """The op that made a tensor, and its inputs; of a mask what was compared."""
        if t._op is not None or is_target(t):
            return (t._op.name if t._op is not None else ""), self._inputs(t)
        if t not in self._compared:
            found = comparison(noted(t, "given"))
            operands = [x for x in found.operands if isinstance(x, Tensor)] if found else []
            self._compared[t] = found.name if found else str(t.dtype), operands
        return self._compared[t]

    def _loop(self, parts: Sequence[Tensor]) -> Loop | None:
        """What these have in common, and where they differ, inner places first."""
        shared: dict[Tensor, None] = {}
        places: dict[Tensor, Sequence[Tensor]] = {}
        rows = {parts[0]: parts}

        def below(t: Tensor) -> Sequence[Tensor]:
            if all(x is t for x in rows[t]):
                return ()
            found = list(zip(*(self._made_of(x)[1] for x in rows[t]), strict=False))
            rows.update({x[0]: x for x in found})
            return [x[0] for x in found]

        for t in inner_first(parts[0], below):
            own = rows[t]
            name, inputs = self._made_of(t)
            if all(x is t for x in own) or (not inputs and _is_constant(own)):
                shared[t] = None
            elif not inputs or (name == "getitem" and len({repr(x.params) for x in own}) > 1):
                places[t] = own
        return Loop(parts, list(shared), list(places.values())) if places else None


def _is_added(t: Tensor) -> bool:
    return t._op is not None and t._op.name in ("add", "subtract") and t.dtype.kind == "f"


def _is_joined(t: Tensor) -> bool:
    return t._op is not None and t._op.name == "concatenate" and len(t.inputs) > 1


def _is_filled(t: Tensor) -> bool:
    return t._op is not None and t._op.name == "index_update"


def _place(t: Tensor) -> tuple[_Cut, Shape] | None:
    """Along which axes an index says a part, each of so many entries, and where that begins."""
    shape = t.inputs[0].shape
    ranges = ranges_of(t.params["index"], shape)
    if ranges is None or any(r.step > 1 for r in ranges):
        return None
    cut = [i for i, r in enumerate(ranges) if len(r) < shape[i]]
    return tuple((i, len(ranges[i])) for i in cut), tuple(ranges[i].start for i in cut)


def is_target(t: Tensor) -> bool:
    """Whether its gradient may be asked for, so that it stands for itself."""
    return t.name is not None or bool(t._op is None and t._tracked)


def _is_constant(own: Sequence[Tensor]) -> bool:
    """Whether it is the same number in each round."""
    return own[0].ndim == 0 and all(x._array == own[0]._array for x in own)


# ---------------------------------------------------------------------- all rounds at once


class Rounds:
    """The first round of a loop, read of variables, and what these are in all rounds.

    Args:
        loop: what is rolled up.
        reader: what reads it, a `Meaning`.
        known: the terms of what all rounds share; those of the first one are added.
        outer: the rounds of the loop that this one is in.

    Attributes:
        shape: how the rounds count: of 0 0 1 1 and 0 1 0 1 (2, 2).
        known: the terms of what stands in the first round.
        stacked: the variables in all rounds, along so many axes more.
    """

    def __init__(
        self, loop: Loop, reader: Any, known: Mapping[Tensor, Term], outer: Rounds | None
    ) -> None:
        self.rows = {own[0]: own for own in loop.places}
        self.count, self.outer, self._reader = len(loop.parts), outer, reader
        # What else is known of the first round, used elsewhere, says nothing of the others.
        self.known = {x: known[x] for x in loop.shared}
        self.stacked: dict[Term, Term] = {}
        taken = [_ranges(own) for own in loop.places if not (own[0].is_leaf or _is_rows(own[0]))]
        parts = filter(None, map(self._parts, loop.places))
        taken += [even([p.ranges for p in own]) for own in parts]
        starts = [[r.start for p in taken for r in p[i]] for i in range(self.count)]
        shape = _counted(np.array(starts, int).reshape(self.count, -1 if taken else 0))
        self.shape = (self.count,) if shape is None else shape

    def variable(self, first: Tensor) -> Term:
        """What stands for an array, or for entries that are taken, in each round."""
        levels = [self]
        while (outer := levels[-1].outer) is not None:
            levels.append(outer)
        outermost = max(
            i for i, level in enumerate(levels)
            if any(x in level.rows for x in (self.rows[first] if i else [first]))
        )
        levels = levels[: outermost + 1]
        own = _all_rounds(first, levels)
        shape = tuple(n for level in reversed(levels) for n in level.shape)
        e = self._taken(own, shape, levels)
        for level in reversed(levels):
            key, inner = (self._reader.token, id(level), id(first)), e.shape[len(level.shape) :]
            v = leaf(key, inner, "variable", None, np.zeros(inner, first.dtype))
            level.stacked[v] = e
            e = v
        return e

    def _taken(self, own: Sequence[Tensor], shape: Shape, levels: Sequence[Rounds]) -> Term:
        first = own[0]
        lead = len(shape)
        if first.is_leaf:
            parts = self._parts(own)
            if not parts:
                if first.ndim and len(own) < _FEWEST:
                    raise UnevenError
                values = np.stack([x._array for x in own]).reshape(shape + first.shape)
                return cast(Term, self._reader.constant(values))
            e = taken(self._reader.whole(parts[0]), [p.ranges for p in parts], shape)
        elif (x := _whole(own)) is not None and _is_rows(first):
            if len({np.shape(t.params["index"]) for t in own}) > 1:
                raise UnevenError
            rows = np.stack([t.params["index"] for t in own])
            index = {"index": rows.reshape(shape + rows.shape[1:])}
            e = make("getitem", [self.known[x]], index, shape + first.shape)
        elif x is not None:
            e = taken(self.known[x], _ranges(own), shape)
        elif len(levels) == 1:
            inner = lifted(self.known[first.inputs[0]], self.stacked, lead)
            inner = shaped(inner, padded(inner, lead + first.inputs[0].ndim))
            sizes = inner.shape[:lead]
            rounds = [[range(i % n, i % n + 1) for i, n in zip(at, sizes, strict=True)]
                      for at in np.ndindex(shape)]  # fmt: skip
            e = taken(inner, [a + b for a, b in zip(rounds, _ranges(own), strict=True)], shape)
        else:
            raise UnevenError
        return shaped(e, e.shape[:lead] + first.shape)

    def _parts(self, own: Sequence[Tensor]) -> list[Any]:
        """Which parts of one given array these are, if they are."""
        parts = [p for x in own if x.is_leaf and (p := self._reader.part_of(x))]
        alike = len(parts) == len(own) and len({(id(p.whole), p.turned) for p in parts}) == 1
        return parts if alike and not parts[0].turned else []

    def rolled(self, first: Tensor, filled: _At, shape: Shape) -> Term:
        """All rounds of what the first one gives: added up, or put into an array."""
        e = self.known[first]
        lead = len(self.shape)
        found = shaped(lifted(e, self.stacked, lead), self.shape + e.shape)
        if filled:
            return self._put(found, dict(filled), shape)
        if any(x.op == "sliding_window_view" for x in subterms(self.stacked.get(e, e))):
            raise UnevenError  # u[:-2] + u[2:] is that
        return shaped(summed(found, range(lead)), shape)

    def _put(self, rounds: Term, at: Mapping[int, range], shape: Shape) -> Term:
        """The array that was filled with them, part by part, along some axes."""
        parts = [at[i].step if i in at else n for i, n in enumerate(shape)]
        lead = [len(r) for r in at.values()]
        if math.prod(rounds.shape) != math.prod([*lead, *parts]):
            raise UnevenError
        number = {i: k for k, i in enumerate(at)}
        pairs = ((number.get(i), len(at) + i) for i in range(len(shape)))
        order = [axis for pair in pairs for axis in pair if axis is not None]
        e = make("transpose", [shaped(rounds, (*lead, *parts))], {"axes": tuple(order)})
        ends = {i: range(r[0], r[-1] + r.step) for i, r in at.items()}
        whole = [ends.get(i, range(n)) for i, n in enumerate(shape)]
        e = shaped(e, tuple(map(len, whole)))
        return e if e.shape == shape else placed(e, whole, shape)


def _all_rounds(first: Tensor, levels: Sequence[Rounds]) -> list[Tensor]:
    """What it is in all rounds of loops in loops, that of the outermost one changing last."""
    found = [first]
    for level in levels:
        rows = [level.rows.get(x, [x] * level.count) for x in found]
        found = [own[i] for i in range(level.count) for own in rows]
    return found


def _whole(own: Sequence[Tensor]) -> Tensor | None:
    """What all rounds take a part of, if that is the same."""
    if own[0].is_leaf:
        return None
    x: Tensor = own[0].inputs[0]
    return x if all(t.inputs[0] is x for t in own) else None


def _is_rows(t: Tensor) -> bool:
    """Whether it is rows of a table that are looked up."""
    index = t.params["index"]
    return isinstance(index, np.ndarray) and index.dtype.kind in "iu"


def _ranges(own: Sequence[Tensor]) -> list[list[range]]:
    return even([ranges_of(t.params["index"], t.inputs[0].shape) for t in own])


def _counted(starts: Any) -> Shape | None:
    shape: Shape = ()
    while len(starts) > 1:
        steps = np.diff(starts, axis=0)
        same = (steps == steps[0]).all(1)
        n = 1 + (len(steps) if same.all() else int(same.argmin()))
        if len(starts) % n:
            return None
        blocks = starts.reshape(len(starts) // n, n, starts.shape[1])
        if (blocks - blocks[:, :1] != blocks[0] - blocks[0, :1]).any():
            return None
        shape, starts = (n, *shape), blocks[:, 0]
    return shape


def _moves(starts: Any, shape: Shape) -> list[tuple[int, int]] | None:
    """Along which axes of the rounds starts move, and how far; None where by no rule."""
    grid = np.reshape(starts, shape)
    at = np.indices(shape)
    first = [tuple(int(i == j) for j in range(len(shape))) for i in range(len(shape))]
    steps = [int(grid[p] - grid.flat[0]) for p in first]
    by_rule = grid.flat[0] + sum(step * i for step, i in zip(steps, at, strict=True))
    return [(i, step) for i, step in enumerate(steps) if step] if (by_rule == grid).all() else None


def even(ranges: Sequence[list[range] | None]) -> list[list[range]]:
    """What each round takes of an array, if it is as much, and in the same steps."""
    found = [r for r in ranges if r is not None]
    alike = {tuple((len(r), r.step if len(r) > 1 else 1) for r in own) for own in found}
    if len(alike) != 1 or len(found) < len(ranges):
        raise UnevenError
    return found


def taken(x: Term, ranges: Sequence[list[range]], shape: Shape) -> Term:
    """What all rounds take of an array, each its own part: entries, blocks, steps or windows."""
    starts = np.array([[r.start for r in own] for own in ranges])
    moving = [_moves(own, shape) for own in starts.T]
    if None in moving:
        return _looked_up(x, ranges, shape)
    places: list[tuple[bool, int]] = []  # what the axes are: of the grid which, or of a part which
    slid: list[tuple[int, int, int, int, tuple[bool, int]]] = []  # axis, size, steps, what's within
    for axis, (first, moves) in enumerate(zip(ranges[0], moving, strict=True)):
        here, n = len(places), len(first)
        if not moves:
            x = cut(x, here, first)
            places.append((False, axis))
            continue
        (along, step), *more = moves
        start, by, within = first.start, first.step, (False, axis)
        if more and n == 1:  # x[i + m]: entries of windows
            by, n, within = more[0][1], shape[more[0][0]], (True, more[0][0])
            more = more[1:]
        rounds = shape[along]
        if min(step, by) < 0 or more or {(True, along), within} & {*places}:
            raise UnevenError
        if n == 1 or (by == 1 and step == n and not within[0]):
            steps = range(start, start + (rounds - 1) * step + n, step if n == 1 else 1)
            x = split(cut(x, here, steps), here, (rounds, n)[: min(n, 2)])
            places += [(True, along), (False, axis)][: min(n, 2)]
        elif step == 1 and not start and rounds <= by and x.shape[here] == n * by:
            x = cut(split(x, here, (n, by)), here + 1, range(rounds))
            places += [(False, axis), (True, along)]
        else:
            size = (n - 1) * by + 1
            x = cut(x, here, range(start, start + (rounds - 1) * step + size))
            slid.append((here, size, step, by, within))
            places.append((True, along))
    if slid:
        x = windows(x, [axis for axis, *_ in slid], [n for _, n, *_ in slid])
        for here, size, step, by, within in slid:
            x = cut(x, here, range(0, x.shape[here], step))
            x = cut(x, len(places), range(0, size, by))
            places.append(within)
    order = sorted(range(len(places)), key=lambda i: (not places[i][0], places[i][1]))
    lead = tuple(n if (True, i) in places else 1 for i, n in enumerate(shape))
    x = make("transpose", [x], {"axes": tuple(order)})
    return shaped(x, lead + x.shape[sum(moves for moves, _ in places) :])


def _looked_up(x: Term, ranges: Sequence[list[range]], shape: Shape) -> Term:
    """Entries, or rows of a table, in any order."""
    starts = np.array([[r.start for r in own] for own in ranges]).T.reshape(-1, *shape)
    if len(ranges) < _FEWEST:
        raise UnevenError
    if all(len(r) == 1 for r in ranges[0]):
        return make("getitem", [x], {"index": tuple(starts)}, shape)
    if len(ranges[0][0]) > 1 or any(r[1:] != ranges[0][1:] for r in ranges):
        raise UnevenError
    for axis, r in enumerate(ranges[0][1:], 1):
        x = cut(x, axis, r)
    return make("getitem", [x], {"index": starts[0]}, (*shape, *x.shape[1:]))


def cut(x: Term, axis: int, r: range) -> Term:
    """What a range takes along an axis."""
    ranges = [range(n) for n in x.shape]
    ranges[axis] = r
    return part(x, ranges)


def split(x: Term, axis: int, sizes: Shape) -> Term:
    return shaped(x, (*x.shape[:axis], *sizes, *x.shape[axis + 1 :]))


def lifted(root: Term, stacked: Mapping[Term, Term], lead: int) -> Term:
    """A term of variables, made of all that these are in the rounds, along as many axes more."""
    done = dict(stacked)
    for e in inner_first(root, operands_of, stacked):
        operands = [done[x] for x in e.operands]
        done[e] = e if operands == e.operands else _lifted(e, operands, lead)
    return done[root]


def _lifted(e: Term, operands: list[Term], lead: int) -> Term:
    varies = [x is not own for x, own in zip(operands, e.operands, strict=True)]
    front = broadcast(x.shape[:lead] for x, v in zip(operands, varies, strict=True) if v)
    shape = front + e.shape
    everywhere = [
        x if v else shaped(x, (1,) * lead + x.shape) for x, v in zip(operands, varies, strict=True)
    ]
    if e.op in ("+", "*", "broadcast_to", "where", *ENTRYWISE):
        parts = [
            _padded(x, e.ndim + lead, lead) if v else x
            for x, v in zip(operands, varies, strict=True)
        ]
        return shaped(parts[0], shape) if e.op == "broadcast_to" else remade(e, parts, shape)
    if e.op == "reshape":
        return shaped(operands[0], shape)
    if e.op == "transpose":
        axes = (*range(lead), *(a + lead for a in e.params["axes"]))
        return make("transpose", operands, {"axes": axes})
    if e.op == "pad":
        widths = ((0, 0),) * lead + tuple(e.params["pad_width"])
        return make("pad", operands, {**e.params, "pad_width": widths}, shape)
    if e.op == "getitem" and (ranges := ranges_of(e.params["index"], e.args[0].shape)):
        index = (slice(None),) * lead + slices_of(ranges, e.args[0].shape)
        part = front + tuple(map(len, ranges))
        return shaped(make("getitem", operands, {"index": index}, part), shape)
    if e.op == "sliding_window_view":
        slid = [a + lead for a in e.params["axis"]]
        return windows(operands[0], slid, e.params["window_shape"])
    if e.op == "matmul":
        return _product(e, everywhere, lead, shape)
    if isinstance(e.params.get("axes"), frozenset) and e.op != "trace":
        over = frozenset(a + lead for a in e.params["axes"])
        return make(e.op, operands, {**e.params, "axes": over}, shape)
    raise UnevenError


def _padded(x: Term, ndim: int, lead: int) -> Term:
    """With as many axes, those in front in their place."""
    return shaped(x, x.shape[:lead] + (1,) * (ndim - x.ndim) + x.shape[lead:])


def _product(e: Term, operands: list[Term], lead: int, shape: Shape) -> Term:
    """A product of matrices, or of a matrix and a vector, or of stacks of them, in each round."""
    at = lead + max(0, *(own.ndim - 2 for own in e.args))
    a, b = (_padded(x, at + min(own.ndim, 2), lead)
            for x, own in zip(operands, e.args, strict=True))  # fmt: skip
    rows, columns = ((1,) * (own.ndim > 1) for own in e.args)
    a = shaped(a, a.shape + columns)
    b = shaped(b, b.shape[:at] + rows + b.shape[at:])
    return shaped(summed(product([(a, 1), (b, 1)]), [at + len(rows)]), shape)
