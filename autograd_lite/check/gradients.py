"""The learner's gradients against those of a recorded loss."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any

import numpy as np

from .. import errors
from ..derive.derivation import rows_of_batch
from ..engine.tensor import Array, Tensor
from ..graph import walk
from ..meaning.guards import guards
from ..show.notation import symbol_of
from .backward import Backward
from .causes import find, find_two, follows, follows_beside, is_rounded
from .edits import Edit, at
from .given import Given, agrees, beside, distance, read, same, size, squeezed
from .line import Edits, Line
from .places import Search, is_recurrent
from .readings import Readings
from .report import Entry, Report, two_arrays
from .unexplained import nothing_fits
from .words import say

RTOL = 1e-7
_MOST_NODES = 400  # of a graph that formulas are derived for
_WIDEST = 60  # characters of one
_GUARD = 1e-9  # what is added within a logarithm
_LEFT_OUT = 1e-4  # the same, where a line was written as if it weren't there
_OF_MANY = 0.15  # what a mistake may cost more that stands for several
_USUAL = 2.3  # what a mistake costs at most that is looked for in loops first
_FIT = 1e-7  # how well an edit must fit, relative to the largest entry


def check(loss: Tensor, gradients: Mapping[str, Any], rtol: float) -> Report:
    """`check_backprop` of a recorded loss."""
    if not isinstance(loss, Tensor):
        raise TypeError(f"check_backprop: loss is a {type(loss).__name__}, not a Tensor")
    if loss.size != 1:
        raise ValueError(
            f"check_backprop: {errors.describe(loss)} has {loss.size} elements, and gradients are "
            "those of one number; reduce it first (loss.sum())"
        )
    if not isinstance(gradients, Mapping):
        raise TypeError(
            f"check_backprop: gradients are a {type(gradients).__name__}, not a dict by name"
        )
    tensors, values = _by_name(loss, gradients)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # edits compute what nobody would
        given = {name: read(value, tensors[name]) for name, value in values.items()}
        judged = Checked(loss, tensors, given, rtol)
        small = sorted(guards(walk(loss), _LEFT_OUT)[1]) if judged.wrong else []
        if small:  # it may be p − y, of log p
            other = Checked(loss, tensors, given, rtol, _LEFT_OUT)
            more = len(other.correct) - len(judged.correct)
            if more > 0 or (more == 0 and other.understood > judged.understood):
                remark = f"leaving out {', '.join(map(str, small))} within a logarithm"
                return Report(tuple(
                    replace(e, remark=e.remark or remark) if e.name in judged.wrong else e
                    for e in other.entries
                ))
        return Report(judged.entries)


def _by_name(
    loss: Tensor, gradients: Mapping[str, Any]
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors, and the entries by their names: ``delta_2`` is that of ``s_2``."""
    named: dict[str, list[Tensor]] = {}
    for tensor in walk(loss):
        if tensor.name is not None:
            named.setdefault(tensor.name, []).append(tensor)
    found: dict[str, Any] = {}
    for key, value in gradients.items():
        name = _name_of(key, named)
        if name is None and not loss._tracked:
            raise errors.nothing_requires_grad(loss, "check_backprop")
        if name is None:
            raise KeyError(
                f"check_backprop: no tensor is called {key!r}; there are {', '.join(named)}"
            )
        if name in found:
            raise KeyError(f"check_backprop: {key!r} is a second gradient of {name}")
        if len(named[name]) > 1:
            raise ValueError(
                f"check_backprop: {len(named[name])} tensors are called {name!r}; give each a "
                "name of its own, so that it is known whose gradient this is"
            )
        found[name] = value
    return {name: named[name][0] for name in found}, found


def _name_of(key: Any, names: Mapping[str, Any]) -> str | None:
    if key in names:
        return str(key)
    for sign, prefix in (("δ_", "s_"), ("delta_", "s_"), ("∇", ""), ("grad_", ""), ("d", "")):
        if isinstance(key, str) and key.startswith(sign):
            name = prefix + key.removeprefix(sign)
            if name in names:
                return name
    return None


@dataclass
class Checked:
    """The learner's gradients of one loss, judged line by line."""

    loss: Tensor
    tensors: dict[str, Tensor]
    given: dict[str, Given]
    rtol: float
    guard: float = 0.0  # what is added within a logarithm, up to this, is left out
    causes: dict[str, str] = field(default_factory=dict)
    follows_from: dict[str, str] = field(default_factory=dict)
    made: dict[str, Edit] = field(default_factory=dict)
    unexplained: bool = False
    searches: dict[Any, Search | None] = field(default_factory=dict)
    placed: float = -1.0  # what mistakes at one place cost at most that were tried

    def __post_init__(self) -> None:
        eps = max((g.eps for g in self.given.values()), default=0.0)
        self.backward = Backward(self.loss, self.tensors, eps, self.guard)
        if self.backward.eps > np.finfo(np.float64).eps:
            self.rtol = max(self.rtol, 50 * self.backward.eps)
        self.fit = max(_FIT, 50 * self.backward.eps)
        nodes = self.backward.nodes
        self.symbols = {n: self._symbol(t) for n, t in self.tensors.items()}
        self.rows = rows_of_batch([t.shape for t in nodes if t.name and t._op])
        self.right, self.noise = self.backward.right, self.backward.noise()
        self.guarded = cache(self._guarded)
        order = sorted(self.given, key=self.backward.order)
        self.right |= {n: self._limit(n, g) for n, g in self.right.items()}
        self.given = {n: beside(self.given[n], self.right[n]) for n in order}
        self.remarks: dict[str, str] = {}
        shapes = [t.shape for t in nodes if t.name is not None]
        sizes = {n for shape in shapes for n in (*shape, math.prod(shape))} - {0, 1}
        self.sizes = sorted(sizes)[:12]
        self.correct = {n for n in order if self._agrees(n, self.right[n])}
        if len(self.correct) < len(order):
            self._other_choices()
        self.wrong = [n for n in order if n not in self.correct]

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """The lines, the wrong ones explained."""
        if self.wrong:
            self._explain(self.wrong)
        written = cache(self._formulas)  # only when somebody reads it
        return tuple(self._entry(name, written) for name in self.given)

    def _entry(self, name: str, formulas: Callable[[], dict[str, str]]) -> Entry:
        given, right = self.given[name], self.right[name]
        off = float("nan") if given.fitted is None else distance(given.fitted, right)
        source = self.follows_from.get(name)
        return Entry(
            name, self.symbols[name], name in self.correct, off, right, given.array,
            self.causes.get(name), source, self.symbols.get(source or "", ""),
            given.remark or self.remarks.get(name), lambda: formulas().get(name),
        )  # fmt: skip

    def _formulas(self) -> dict[str, str]:
        """The short formulas of `derive` by name, without their left side; none where it can't."""
        loss = self.backward.loss
        if len(walk(loss)) > _MOST_NODES:
            return {}
        if self.made:  # arrays are called what the causes call them; the graph is our own
            for array, name in self.guarded(_GUARD)[0].arrays.items():
                array.name = name
        try:
            from ..derive import derive

            steps = derive(loss).steps
        except Exception:  # an op has no written form: do without
            return {}
        return {s.target: s.result for s in steps if not s.parts and len(s.result) <= _WIDEST}

    def _symbol(self, tensor: Tensor) -> str:
        return symbol_of(str(tensor.name), tensor.is_leaf, self.loss.name or "L")

    def _limit(self, name: str, right: Array) -> Array:
        """Where 0 times infinity is nan, as at a saturated σ, what the formula gives there."""
        fitted = self.given[name].fitted
        odd = ~np.isfinite(right) & (False if fitted is None else np.isfinite(fitted))
        limit = self.guarded(_GUARD)[0].limit(name) if odd.any() else right
        return np.where(odd & np.isfinite(limit), limit, right)

    def _agrees(self, name: str, right: Array) -> bool:
        fitted = self.given[name].fitted
        return fitted is not None and agrees(fitted, right, self.rtol, self.noise[name])

    def _other_choices(self) -> None:
        """What is right with another choice of the derivative at a kink, or of equal maxima."""
        for other in self.backward.choices():
            for name in self.given.keys() - self.correct:
                if self._agrees(name, other[name]):
                    self.correct.add(name)
                    self.right[name] = other[name]
                    self.remarks[name] = (
                        "with another choice of the derivative at a kink, such as relu'(0), "
                        "or among equal maxima"
                    )

    @property
    def understood(self) -> tuple[float, ...]:
        """How well the lines are understood: how many are right, and how the others are."""
        right = sum(entry.ok for entry in self.entries)
        unexplained = self.causes.keys() - self.made.keys()
        costs = sum(cause.cost + (cause.factor != 1) for cause in self.made.values())
        return right, -len(unexplained), -costs

    # ------------------------------------------------------------------ why lines are wrong

    def _explain(self, wrong: list[str]) -> None:
        self.arrays = {n: g.array for n, g in self.given.items()
                       if g.array is not None and np.isfinite(g.array).all()}  # fmt: skip
        results = {n for n in wrong if n in self.arrays and self._is_result(n)}
        q = self._left_out(results) if results else 1.0
        after = {n: self._before(n) for n in self.given.keys() - self.correct}
        for name in self.arrays if q != 1 else ():
            is_after = self._is_result(name) and not results.isdisjoint(self._before(name))
            if is_after and any(name in before for before in after.values()):
                results.add(name)  # also what has the 1/q again, unless all that follows is right
                self.correct.discard(name)
        self.arrays = self._over(q, results)
        self.carried = self._carried(self.arrays)
        if q == 1 and is_recurrent(self.guarded(_GUARD)[0]) and self._at_one_place(0, _USUAL):
            return
        for name in self.given:
            if not {name} <= self.correct | self.follows_from.keys() | self.causes.keys():
                said = say("convention", (q,), self.symbols[name])
                self._explain_line(name, said if q != 1 and name in results else "")
        if len(self.causes) > 1 and q == 1:
            most = min((x.cost for x in self.made.values()), default=0)
            self._at_one_place(0, most + _OF_MANY * (len(self.causes) - 1))

    def _at_one_place(self, least: float = 0, most: float = math.inf) -> bool:
        """Whether there is one mistake on the way to all that is wrong, which is then its cause.
        """
        wrong = [n for n in self.given if n not in self.correct]
        if self.placed >= most:
            return False
        least, self.placed = max(least, self.placed), most
        edit = self._at_place(wrong, {}, (least, most))
        if edit is not None:
            self.made, self.causes, self.follows_from = {}, {}, {}
            self._blame(edit, wrong)
        return edit is not None

    def _at_place(
        self, wrong: Sequence[str], given: Mapping[str, Array], costs: tuple[float, float]
    ) -> Edit | None:
        """The mistake at one place by which these lines are computed, from such gradients."""
        key = (*wrong,), (*given,)
        if key not in self.searches:
            self.searches[key] = self._search(wrong, given)
        search = self.searches[key]
        cause = None if search is None else search(costs)
        return None if cause is None else Edit(*cause, {})

    def _search(self, wrong: Sequence[str], given: Mapping[str, Array]) -> Search | None:
        arrays = {n: self.arrays[n] for n in wrong if n in self.arrays}
        if any(n not in arrays or arrays[n].shape != self.right[n].shape for n in wrong):
            return None
        right = {n for n in self.correct if self.right[n].any()}

        def fits(found: Mapping[str, Array]) -> bool:
            return all(self._agrees(n, found[n]) for n in self.correct - right) and all(
                agrees(found[n], a, self.fit, max(self.noise[n], 1e-12 * size(self.right[n])))
                for n, a in arrays.items()
            )

        return Search(self.guarded(_GUARD)[0], arrays, right, given, fits)

    def _blame(self, edit: Edit, wrong: Sequence[str]) -> None:
        """A mistake in the first of these lines, of which it follows that the others are wrong."""
        first = wrong[0]
        self.made[first] = edit
        self.causes[first] = self._said(first, self.guarded(_GUARD)[0], edit)
        self.follows_from |= dict.fromkeys(wrong[1:], first)

    def _is_result(self, name: str) -> bool:
        return self.tensors[name]._op is not None

    def _before(self, name: str) -> set[str]:
        return self.backward.before(name, set(self.given))

    def _over(self, q: float, results: set[str]) -> dict[str, Array]:
        return {n: a / q if n in results else a for n, a in self.arrays.items()}

    def _carried(self, arrays: dict[str, Array]) -> dict[str, Array]:
        """The gradients computed from the learner's."""
        whole = {n: a for n, a in arrays.items() if a.shape == self.right[n].shape}
        return self.backward.carried(whole)

    def _left_out(self, results: set[str]) -> float:
        """The q by which some courses divide in the lines of parameters only; or 1.

        There it is a mean of as many as are summed up, and more of these lines are right by it.
        """
        readings, _ = self.guarded(_GUARD)
        lines = {n: readings.summed(n) for n in self.arrays
                 if not self._is_result(n) and not results.isdisjoint(self._before(n))
                 and np.abs(self.right[n]).max(initial=0) > self.noise[n]}  # fmt: skip

        def right_lines(q: float) -> int:
            carried = self._carried(self._over(q, results))
            return sum(
                same(carried[n], self.arrays[n], self.fit, self.noise[n])
                for n in lines if n in carried and q in {1, *lines[n]}
            )  # fmt: skip

        sizes: set[float] = set().union(*lines.values())
        return max((1.0, *sorted(sizes - {0, 1})), key=right_lines)

    def _guarded(self, guard: float) -> tuple[Readings, Edits]:
        """The lines' formulas, without what keeps a logarithm finite, and the edits of terms."""
        b = self.backward
        tensors = {n: b.tensors[n] for n in self.given}
        readings = Readings(
            b.loss, tensors, b.right, self.symbols, self.rows, guard, self.fit, self.noise
        )
        return readings, cache(lambda e: list(at(e, readings)))

    def _explain_line(self, name: str, convention: str) -> None:
        before = self._before(name)
        bad = [n for n in self.given if n in before - self.correct]
        first = self.follows_from.get(bad[0], bad[0]) if bad else None
        if name not in self.arrays:
            odd = [n for n in bad if n not in self.arrays]
            if odd and self.given[name].array is not None:
                self.follows_from[name] = self.follows_from.get(odd[0], odd[0])
            else:
                self._unexplained(name)
            return
        line = self._line(name)
        problem, fits = self.given[name].problem, line.fits(self.carried.get(name))
        if problem and fits:
            self.causes[name] = problem
        elif first is not None and fits:
            self.follows_from[name] = first
        elif convention and fits:
            self.causes[name] = convention
        elif (source := self._source(line, first, before)) is not None:
            self.follows_from[name] = source
        elif not bad and is_rounded(line, self.rtol, self.backward.eps):
            self.correct.add(name)
        else:
            cause = find(line, usual=self.unexplained)
            if cause is None and not self.unexplained:
                if self._at_one_place() or self._at_next_place(name):
                    return
                cause = find_two(line)
            if cause is None:
                self._unexplained(name)
                return
            self.made[name] = cause
            said = (f"{problem}; " if problem else "") + self._said(name, line.readings, cause)
            if convention and not bad:
                said = say("besides", (said, convention), self.symbols[name])
            self.causes[name] = said

    def _source(self, line: Line, first: str | None, before: set[str]) -> str | None:
        """What a line follows from by its formulas: leading there, or beside it."""
        if (first or (line.made and not before)) and follows(line):
            return first or next(reversed(self.made))
        leads, some = self.backward.before, self.causes.keys() | self.follows_from
        apart = [n for n in some if n in self.arrays and not leads(n, {line.name})]
        other = follows_beside(line, [n for n in apart if not leads(line.name, {n})])
        return self.follows_from.get(other, other) if other is not None else None

    def _at_next_place(self, name: str) -> bool:
        """Whether one mistake at a place gives this line, of the learner's gradients before it.

        Rather all that isn't what these give.
        """
        known = {n: a for n, a in self.arrays.items()
                 if a.shape == self.right[n].shape and self._is_result(n)}  # fmt: skip
        rest = [n for n in self.given if n not in self.correct and n not in self.follows_from
                and not (n in self.arrays and n in self.carried
                         and same(self.carried[n], self.arrays[n], self.fit, self.noise[n]))]
        if rest == [name] and known.keys() - {name} <= self.correct:  # the same as from the loss
            return False
        for wrong in dict.fromkeys(((*rest[rest.index(name) :],), (name,))) if known else ():
            edit = self._at_place(wrong, known, (0, math.inf))
            if edit is not None:
                self._blame(edit, wrong)
                return True
        return False

    def _line(self, name: str) -> Line:
        """What is known when the cause of a wrong line is looked for."""
        readings, edits = self.guarded(_GUARD)
        if not readings.is_read(name) and guards(self.backward.nodes, _GUARD)[1]:
            readings, edits = self.guarded(0.0)  # where that matters, with it
        array = self.arrays[name]
        of = {e: n for n, e in readings.cotangents.items()}
        given = {e: self.arrays[n] for e, n in of.items() if n in self.arrays}
        base = {e: a.reshape(e.shape) if squeezed(a.shape) == squeezed(e.shape) else a
                for e, a in given.items()}  # fmt: skip
        are_other = any(base[e].shape != a.shape for e, a in given.items())
        gradients = {n: s for n, s in self.symbols.items() if n != name}
        return Line(
            name, array, self.right[name], readings, edits,
            bases=[base, given] if are_other else [base],
            others=self._others(name, gradients, readings), gradients=gradients,
            elsewhere=lambda: {self._symbol(t): g for t, g in self.backward.elsewhere if t.name},
            sizes=self.sizes, rtol=self.fit,
            noise=self.noise[name], made=list(self.made.values()),
        )  # fmt: skip

    def _others(
        self, name: str, gradients: Mapping[str, str], readings: Readings
    ) -> dict[str, Array]:
        """What may stand in the place of anything: arrays by name."""
        nodes = [t for t in self.backward.nodes if t.name is not None]
        arrays = readings.given | {str(t.name): np.asarray(t._array) for t in nodes}
        done = self.backward.order(name)
        for n, text in gradients.items():  # what is computed from it can't have gone into it
            if self.backward.order(n) < done and n in self.arrays:
                arrays[text] = self.arrays[n]
            elif not self.backward.before(n, {name}):
                arrays[text] = self.right[n]
        return {n: a if a.dtype == bool else a * 1.0 for n, a in arrays.items()
                if a.dtype.kind in "fiub" and a.any()}  # fmt: skip

    def _said(self, name: str, readings: Readings, cause: Edit) -> str:
        """A cause in words."""
        own = self.symbols[name]
        kind, values = cause.kind, cause.values
        if kind == "times":
            kind, values = self._of_factor(values[0])
        given = {n for n, s in self.symbols.items() if kind == "as_it_stands" and s == values[0]}
        if given and not self.backward.before(name, given):
            kind = "of_another"
        said = say(kind, values, own, readings)
        if kind in ("without", "slope_too_many") and not self._before(name):
            said = say("at_loss", (said,), own)
        if cause.factor != 1 and cause.kind != "times":
            besides = say(*self._of_factor(cause.factor), own, readings)
            said = say("besides", (said, besides), own)
        for unnamed, shape in {c: e.shape for e, c in readings.unnamed.items()}.items():
            if re.search(rf"\b{unnamed}\b", said):
                said = say("given", (said, unnamed, f"{shape}"), own)
        return said

    def _of_factor(self, k: float) -> tuple[str, tuple[object, ...]]:
        """A factor as a 1/q of the loss that is missing, or there twice; or as it is."""
        q = {self.rows: "batch size"} if self.rows else {}
        for t in self.backward.nodes:
            if t.name and t._op and t.size > 2:
                q.setdefault(t.size, "number of entries")
        readings, _ = self.guarded(_GUARD)
        for n, what in q.items():
            is_missing, is_twice = abs(k - n) <= 1e-6 * n, n > 2 and abs(k * n - 1) <= 1e-6
            if n > 1 and (is_missing or is_twice) and readings.divide_by(n):
                return ("q_missing" if is_missing else "q_twice"), (n, what)
        return "times", (k,)

    def _unexplained(self, name: str) -> None:
        self.unexplained = True
        given, right = self.given[name], self.right[name]
        said = given.problem or nothing_fits(given, right, self.symbols[name])
        self.causes[name] = f"{said}\n{two_arrays(given, right)}"
