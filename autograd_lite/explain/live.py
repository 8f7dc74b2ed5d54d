"""The recorded graph as a program that the page's script runs, so that its numbers can be changed.

The backward pass is recorded, and so but more results: no rule is written twice. A line of a
program is ``[what, operands, shape, setting]``, the operands being lines before it:

- ``leaf``: its numbers;
- an op of `ENTRYWISE`, of operands that are broadcast;
- ``move``: which entry of the operands stands where, from 1, and 0 for a zero; ``put``, its
  adjoint: to which entry each is added. Both are found by moving the numbers of the entries;
- ``sum``, ``prod``, ``max``, ``min`` of what the operands' entries give if multiplied: the sizes of
  the axes that stay and that go, and each operand's strides along them. So is a matrix product;
- ``cumsum`` and ``cumprod``: along which axis.

What is none of these is taken apart: its own forward is run on Tensors.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np

from ..engine import op as engine
from ..engine.backward import pull
from ..engine.modes import trace
from ..engine.notes import noted
from ..engine.tensor import Array, Tensor
from ..graph import walk
from ..masks import comparison, is_known
from ..meaning.read import VALUES
from ..ops.elementwise import as_it_was
from ..ops.moving import places
from ..seen import LOOKS, seen
from ..show.words import Words
from ..show.writer import axes_of
from ..table import OPS
from ..unread import Unread, cleared
from .backward import Contribution, Taps
from .story import Story

MOST_NUMBERS = 60_000
SCRIPT = (Path(__file__).parent / "assets" / "live.js").read_text(encoding="utf-8")
ENTRYWISE = frozenset(re.findall(r"\b(\w+): ", SCRIPT.split("ENTRYWISE = {")[1].split("};")[0]))

_SAME = {"conj", "real", "broadcast_to", "=", "as_it_was", "astype"}
_NOT_APART = {
    "fft", "ifft", "inv", "solve", "pinv", "det", "logdet", "cholesky", "eigh", "eig", "svd", "qr",
    "collect", "scatter",
}  # fmt: skip


class Fixed(Exception):  # noqa: N818  (no error: what it says is put on the page)
    """What a program can't do, as the page says it."""


class Program:
    """What tensors are computed by.

    Attributes:
        lines: see above.
        at: of each tensor, its line.
        single: those of float32, which the script rounds as NumPy does.
    """

    def __init__(self, words: Words) -> None:
        self.lines: list[list[Any]] = []
        self.at: dict[Tensor, int] = {}
        self.single: set[int] = set()
        self._words = words
        self._numbers = 0
        self._apart: list[Any] = []

    def of(self, *tensors: Tensor) -> list[int]:
        """The lines of these tensors; what is needed for them is added."""
        for t in walk(*tensors):
            if t not in self.at:
                self.at[t] = self._leaf(t) if t.op is None else self._result(t)
                if t.dtype == np.float32:
                    self.single.add(self.at[t])
        return [self.at[t] for t in tensors]

    def add(self, what: str, operands: list[int], shape: Any, setting: Any = None) -> int:
        self.lines.append([what, operands, list(shape)] + [setting] * (setting is not None))
        self._numbers += int(np.prod(shape)) + (len(setting) if what in ("move", "put") else 0)
        if self._numbers > MOST_NUMBERS:
            raise Fixed(self._words("fixed_large", n=MOST_NUMBERS))
        return len(self.lines) - 1

    def number(self, x: Any) -> int:
        return self.add("leaf", [], (), [_plain(x)])

    def _leaf(self, t: Tensor) -> int:
        origin, detached = comparison(noted(t, "given")), noted(t, "detached")
        if origin is None and is_known(noted(t, "given")):
            raise Fixed(self._words("fixed_detached"))
        if origin is not None:
            with trace():
                return self.of(VALUES[origin.name](*origin.operands))[0]
        if detached is not None:
            source = detached()
            if source is None or source._array is not t._array:
                raise Fixed(self._words("fixed_detached"))
            return self.of(source)[0]
        self._check(t)
        return self.add("leaf", [], t.shape, [_plain(x) for x in t._array.ravel()])

    def _check(self, t: Tensor) -> None:
        if t.dtype.kind not in "biu" and t.dtype not in (np.float32, np.float64):
            raise Fixed(self._words("fixed_dtype", dtype=t.dtype))
        mask = noted(t, "taken") if t.op is OPS["pick"] else None
        if is_known(mask):  # where entries were put stays
            made = comparison(mask)
            names = [x.name for x in made.operands if getattr(x, "name", None)] if made else []
            raise Fixed(self._words("fixed_lost", name=(*names, self._words("a_result"))[0]))

    def _result(self, t: Tensor) -> int:
        self._check(t)
        name, params, shape = t.op.name, t.params, t.shape
        xs, arrays = [self.at[x] for x in t.inputs], [x._array for x in t.inputs]
        if t.op not in (OPS.get(name), VALUES.get(name), as_it_was, cleared):
            return self._taken_apart(t)
        if name in _SAME and (t.dtype.kind == "f" or np.can_cast(arrays[0].dtype, t.dtype)):
            return self.add("positive", xs, shape)
        if name in ENTRYWISE and not any(params.values()) and (t.dtype != bool or name != "add"):
            return self.add(name, xs, shape)
        if name == "fixed_power":
            return self.add("power", [*xs, self.number(params["exponent"])], shape)
        if name in ("sum", "mean", "max", "min", "prod"):
            return self._reduced(t, name, xs)
        if name == "matmul":
            x, y = map(_strided, arrays)
            x, y = x if x.ndim > 1 else x[None], y if y.ndim > 1 else y[:, None]
            return self._summed("sum", xs, shape, 1, x[..., :, None, :], y.mT[..., None, :, :])
        if name == "einsum":
            return self._einsum(t, xs, params["subscripts"])
        if name == "convolve":
            (n,), (m,), k = arrays[0].shape, arrays[1].shape, np.arange(t.size)
            first = min(n, m) - 1 if params["mode"] == "valid" else 0
            of = first + k[:, None] - np.arange(n)
            index = np.where((of >= 0) & (of < m), of + 1, 0)
            xs[1] = self.add("move", xs[1:], index.shape, index.ravel().tolist())
            return self._summed("sum", xs, shape, 1, _strided(arrays[0]), _strided(index))
        if name in ("cumsum", "cumprod"):
            return self.add(name, xs, shape, params["axis"] % len(shape))
        if name == "collect" and params["shape"] == shape:
            return self.add("put", xs, shape, params["index"].ravel().tolist())
        if name == "scatter":
            index = places(shape, lambda numbers: numbers[params["index"]])
            return self.add("put", xs, shape, index.ravel().tolist())
        if t.op.reads and not t.op.entrywise and name not in _NOT_APART:
            return self._moved(t, xs)
        return self._taken_apart(t)

    def _moved(self, t: Tensor, xs: list[int]) -> int:
        """By where the op puts the numbers of the entries."""
        ends = np.cumsum([0, *(x.size for x in t.inputs)])
        numbers = [
            np.arange(1 + n, 1 + n + x.size).reshape(x.shape)
            for n, x in zip(ends, t.inputs, strict=False)
        ]
        index = np.ravel(t.op.forward(*numbers, **t.params)).astype(np.intp)
        values = np.concatenate([[0.0], *(x._array.ravel() for x in t.inputs)])
        moved = values[np.minimum(index, ends[-1])].reshape(t.shape)
        if not np.array_equal(moved, t._array, equal_nan=True):  # it does more
            return self._taken_apart(t)
        is_same = np.array_equal(index, np.arange(1, 1 + ends[-1]))
        return self.add("move", xs, t.shape, [] if is_same else index.tolist())

    def _summed(self, what: str, xs: list[int], shape: Any, gone: int, *views: Array) -> int:
        """Over the last ``gone`` axes of the views of the operands."""
        sizes = np.broadcast_shapes(*(view.shape for view in views))
        kept = len(sizes) - gone
        strides = [np.broadcast_to(view, sizes).strides for view in views]
        setting = [sizes[:kept], sizes[kept:], *([s[:kept], s[kept:]] for s in strides)]
        return self.add(what, xs, shape, setting)

    def _reduced(self, t: Tensor, name: str, xs: list[int]) -> int:
        x, initial = t.inputs[0], t.params.get("initial")
        axes = sorted(axes_of(t.params, x.ndim))
        view = np.moveaxis(_strided(x._array), axes, range(-len(axes), 0))
        line = self._summed(name.replace("mean", "sum"), xs, t.shape, len(axes), view)
        if name == "mean":
            return self.add("divide", [line, self.number(x.size / max(t.size, 1))], t.shape)
        if initial is not None:
            return self.add(f"{name}imum", [line, self.number(initial)], t.shape)
        return line

    def _einsum(self, t: Tensor, xs: list[int], subscripts: str) -> int:
        inputs, result = subscripts.split("->")
        letters = result + "".join(sorted(set(inputs) - {",", *result}))
        views = []
        for x, own in zip(t.inputs, inputs.split(","), strict=True):
            there = [a in own for a in letters]
            ordered = "".join(compress(letters, there))
            view = np.einsum(f"{own}->{ordered}", _strided(x._array))
            views.append(view[tuple(slice(None) if is_there else None for is_there in there)])
        return self._summed("sum", xs, t.shape, len(letters) - len(result), *views)

    def _taken_apart(self, t: Tensor) -> int:
        fixed = Fixed(self._words("fixed_op", op=t.op.name))
        if t.op in self._apart or t.op in map(OPS.get, _NOT_APART):
            raise fixed
        start = engine._next_number()
        try:
            with trace(), np.errstate(all="ignore"):
                anew = t.op.forward(*t.inputs, **t.params)
        except Exception:  # whatever a forward that is made for arrays says of Tensors
            raise fixed from None
        if type(anew) is not Tensor or anew.op in (None, t.op) or _looked_since(start):
            raise fixed
        self._apart.append(t.op)
        line = self.of(anew)[0]
        self._apart.pop()
        return line


def _plain(x: Any) -> float | str:
    """A number for JSON, which has no infinity."""
    x = float(x)
    return x if np.isfinite(x) else str(x).replace("inf", "Infinity").replace("nan", "NaN")


def _strided(x: Array) -> Any:
    """An array of the same shape whose strides count entries."""
    return np.empty(x.shape, np.int8)


def backward(
    output: Tensor, targets: Sequence[Tensor], words: Words, parts: Sequence[Contribution] = ()
) -> list[Tensor]:
    """The recorded gradients of the sum of an output's entries, whatever the values are.

    After them, these contributions to them.
    """
    if not targets:
        return []
    seed, start = Tensor(np.ones(output.shape)), engine._next_number()
    taps = Taps({part.x for part in parts})
    with trace(), np.errstate(all="ignore"):
        layers = [Unread([output], True).layer, taps.layer]
        found = pull({output: seed}, set(targets), True, layers)
        added = [part.carried(taps, True) for part in parts]
    if _looked_since(start):
        raise Fixed(words("fixed_rule"))
    return [*(found[t] for t in targets), *added]


def program(story: Story, words: Words) -> dict[str, Any]:
    """What the page's script is told: the program, and where the page's arrays are in it.

    Raises:
        Fixed: there is none.
    """
    output, found = story.output, Program(words)
    tensors = walk(output)
    for t, is_lost, _ in seen(tensors):
        if is_lost:
            raise Fixed(words("fixed_lost", name=_called(t, story, words)))
    shown = {f"v{n}": t for t, n in story.numbers.items()}
    parts = {part_key(story.numbers[g.target], i): part for g in story.backward.gradients
             for i, part in enumerate(g.contributions)}  # fmt: skip
    back = backward(output, story.targets, words, list(parts.values()))
    shown |= zip([*(f"g{story.numbers[t]}" for t in story.targets), *parts], back, strict=True)
    keys = dict(zip(shown, found.of(*shown.values()), strict=True))
    rate = found.number(0.1 if story.lr is None else story.lr)
    for t in story.trained:
        n = story.numbers[t]
        change = found.add("multiply", [rate, keys[f"g{n}"]], t.shape)
        keys[f"u{n}"] = found.add("subtract", [keys[f"v{n}"], change], t.shape)
    leaves = [f"v{story.numbers[t]}" for t in story.targets if t.is_leaf]
    return {
        "program": found.lines, "single": sorted(found.single), "keys": keys,
        "leaves": leaves, "rate": rate,
        "output": f"v{story.numbers[output]}",
    }  # fmt: skip


def part_key(number: int, i: int) -> str:
    """The key of the i-th contribution to the gradient of the tensor of this number."""
    return f"c{number}-{i}"


def looks(story: Story, words: Words) -> list[str]:
    """What is said of values that code outside of the graph has seen."""
    kinds = ("writes", "compares", "looks")  # of a tensor the last that holds is said
    found = {_called(t, story, words): how
             for t, _, how in sorted(seen(walk(story.output)), key=lambda x: kinds.index(x.how))}
    names = {kind: words("and").join(x for x in found if found[x] == kind)
             for kind in reversed(kinds)}
    return [words(kind, names=those) for kind, those in names.items() if those]


def _called(t: Tensor | None, story: Story, words: Words) -> str:
    if t is not None and t in story.names:
        return story.names[t]
    return words("a_result") if t is None or t.op is None else words("result_of", op=t.op.name)


def _looked_since(start: int) -> bool:
    return bool(LOOKS) and LOOKS[-1][0] > start
