"""What the page asks before it shows a step, and what is wrong with the usual wrong answers.

Those in derivatives are what `check` tries on a learner's gradients; those in the forward pass
and in the update are few, and stand here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from ..check.edits import Edit, at
from ..check.formula import Formula
from ..check.readings import ONE, Readings
from ..check.words import say
from ..derive.derivation import rows_of_batch
from ..derive.formulas import GUARD
from ..engine.backward import pull
from ..engine.tensor import Array
from ..show.expression import nodes
from ..show.notation import dimensions, op_notation
from ..show.words import LANGUAGES, Words
from .entries import knowable
from .matrices import entry_name, layout
from .story import Step, Story

MOST_MISTAKES = 10
MOST_ASKED = 3  # numbers of a step: another one each time
_MOST_TERMS = 60  # of a formula that is edited
_MOST_TRIED = 80  # edits

Wrong = tuple[Array, Callable[[], str]]
"""A wrong result, and what is wrong with it, which is written where it is wanted."""


class Predictions:
    """The questions of a story's steps."""

    def __init__(self, story: Story, words: Words) -> None:
        self._story = story
        self._words = words
        self._readings: Readings | None = None
        if not story.is_large:
            with suppress(Exception):  # what meaning can't read is asked for all the same
                self._readings = _readings(story)

    def of(self, step: Step) -> dict[str, Any] | None:
        """The question of a step: its shape or one of its numbers; None where there is neither.

        Only numbers are asked for that can be known: those that come of what the page shows. Of
        several, ``more`` has the others. ``mistakes`` hold the wrong numbers and shapes that are
        known, each with what is wrong with it.
        """
        words = self._words
        is_of_leaf = step.kind == "backward" and step.tensor.is_leaf
        asks_shape = step.value is None or (is_of_leaf and min(step.shape, default=1) > 1)
        entries = [] if asks_shape else self._entries(step)
        is_number = step.value is None or step.value.dtype.kind in "fiuc"
        if not entries and (step.tensor.size == 1 or not is_number):
            return None
        asked: dict[str, Any] = {"shape": list(step.shape)}
        asked |= {key: words(key) for key in ("right", "wrong", "unreadable")}
        if entries:
            asks: list[dict[str, Any]] = [
                {"entry": i, "value": float(step.value.flat[i]), "mistakes": mistakes}
                for i, mistakes in zip(entries, self._mistakes(step, entries), strict=True)
            ]
            return asked | asks[0] | {"more": asks[1:]}
        if step.kind in ("backward", "update"):
            says = words("gradient_shape", shape=dimensions(step.shape))
            asked["right"] = f"{words('right')} {says}"
        return asked | {"mistakes": self._wrong_shapes(step)}

    def _entries(self, step: Step) -> list[int]:
        """Which numbers are asked for, the largest first."""
        if step.value is None or step.value.dtype.kind not in "fiu":
            return []
        if {"no_formula", "too_long"} & set(step.notes):
            return []
        size = np.abs(step.value.ravel())
        known = [i for i in knowable(step, self._story.is_large) if np.isfinite(size[i])]
        return sorted(known, key=lambda i: -size[i])[:MOST_ASKED]

    def _wrong_shapes(self, step: Step) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        seen = {step.shape}
        turned = partial(self._words, "transposed", shape=dimensions(step.shape))
        first: Wrong = np.empty(step.shape[::-1]), turned
        for wrong, says in chain([first], self._wrong(step)):
            shape = wrong.shape
            if shape not in seen and len(found) < MOST_MISTAKES:
                seen.add(shape)
                found.append({"shape": list(shape), "says": says()})
        return found

    def _mistakes(self, step: Step, entries: list[int]) -> list[list[dict[str, Any]]]:
        """Of each of these entries the wrong answers that are known, each once."""
        found: list[list[dict[str, Any]]] = [[] for _ in entries]
        known = [[float(step.value.flat[i])] for i in entries]
        for wrong, says in self._wrong(step):
            if wrong.shape != step.shape or wrong.dtype.kind not in "fiu":
                continue
            for i, mistakes, values in zip(entries, found, known, strict=True):
                value = float(wrong.flat[i])
                apart = all(abs(value - x) > 0.011 * max(abs(value), abs(x)) for x in values)
                if np.isfinite(value) and apart and len(mistakes) < MOST_MISTAKES:
                    values.append(value)
                    mistakes.append({"value": float(f"{value:.8g}"), "says": says()})
            if all(len(mistakes) == MOST_MISTAKES for mistakes in found):
                break
        return found

    def _wrong(self, step: Step) -> Iterator[Wrong]:
        ways = {"backward": self._of_gradient, "update": self._of_update}
        yield from ways.get(step.kind, self._of_forward)(step)
        if step.value is not None and step.value.size > 1:
            yield from self._other_entries(step, step.value)

    def _of_gradient(self, step: Step) -> Iterator[Wrong]:
        """The edits of the formula that the checks look for, the likeliest first."""
        g, readings = step.gradient, self._readings
        language = LANGUAGES.index(self._words.lang)

        def said(kind: str, *values: Any) -> Callable[[], str]:
            return partial(say, kind, values, step.name, readings, language)

        yield -step.value, said("sign")
        if readings is None:
            return
        means_rows = any(remark.kind == "rows" for remark in self._story.backward.remarks)
        for q in nodes(g.simple) if means_rows and g.simple is not None else ():
            if q.name == "q":
                yield step.value * q.value, said("q_missing", int(q.value), "batch size")
        for result in self._story.backward.onward.get(step.tensor, ()):
            if result.shape == step.shape and result is not self._story.output:
                ones = np.ones(self._story.output.shape, self._story.output.dtype)
                with np.errstate(all="ignore"):
                    array = pull({self._story.output: ones}, {result})[result]
                yield array, said("skipped", self._story.names[result])
        for edit, array in _edited(readings, g.name):
            yield array, said(edit.kind, *edit.values)

    def _of_forward(self, step: Step) -> Iterator[Wrong]:
        words = partial(partial, self._words)
        region = step.region
        op = step.tensor.op
        arrays = [x._array for x in step.tensor.inputs]
        names = self._story.names
        if len(region) == 1 and op.name == "linear":
            yield step.value - arrays[2], words("no_bias", b=names.get(step.tensor.inputs[2], "b"))
        if len(region) == 1 and len(arrays) == 1 and arrays[0].shape == step.shape:
            (x,) = step.inputs
            yield arrays[0], words("no_activation", op=op_notation(op).symbol, x=names[x])
        if step.tensor.params.get("reduction") == "mean":
            total = op.forward(*arrays, **{**step.tensor.params, "reduction": "sum"})
            with np.errstate(all="ignore"):
                q = float(total / step.value)
            if np.isfinite(q) and q > 1:
                yield np.asarray(total), words("not_mean", q=f"{q:.6g}")
        if step.value.dtype != bool:
            yield -step.value, words("sign")

    def _of_update(self, step: Step) -> Iterator[Wrong]:
        if step.value is None:
            return
        w, gradient = (operand.array for operand in step.operands)
        with np.errstate(all="ignore"):
            wrong = 2 * w - step.value, w - gradient
        yield wrong[0], partial(self._words, "plus")
        yield wrong[1], partial(self._words, "no_rate", lr=f"{self._story.lr:.4g}")

    def _other_entries(self, step: Step, value: Array) -> Iterator[Wrong]:
        """Another entry of the same array."""
        for i in layout(step.shape, self._story.is_large).entries[:6]:
            name = entry_name(step.name, step.shape, i)
            said = partial(self._words, "other_entry", entry=name)
            yield np.full(step.shape, value.flat[i]), said


def _readings(story: Story) -> Readings:
    found = {g.name: g for g in story.backward.gradients}
    targets = {name: g.target for name, g in found.items()}
    symbols = {name: g.symbol for name, g in found.items()}
    values = {name: g.value for name, g in found.items()}
    rows = rows_of_batch([t.shape for t in story.names if t.name is not None and not t.is_leaf])
    return Readings(story.output, targets, values, symbols, rows, GUARD)


def _edited(readings: Readings, name: str) -> Iterator[tuple[Edit, Array]]:
    """The simplest edits of the readings of a line, each with what the line then gives."""
    found: list[tuple[Edit, Callable[[], Array | None]]] = []
    for i, term in enumerate(readings.of(name) if readings.is_read(name) else ()):
        f = Formula.of(term, {})
        if f is None or len(f.order) > _MOST_TERMS:
            continue
        for e in reversed([e for e in f.order if e is not ONE]):
            with np.errstate(all="ignore"):
                found += [
                    (edit._replace(cost=edit.cost + i), partial(f.but, edit.made))
                    for edit in at(e, readings) if not edit.free
                ]
    for edit, make in sorted(found, key=lambda x: x[0].cost)[:_MOST_TRIED]:
        with np.errstate(all="ignore"):
            array = make()
        if array is not None:
            yield edit, array
