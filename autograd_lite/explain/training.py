"""Recorded training on the page: a slider over the iterations, the loss, and the boundary.

The page of a recording is the page of one of its iterations, with a section more. As the rest of
the page it is complete without script, and shows that iteration; with it, the numbers of the
steps follow, too, as far as they can be changed.
"""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np

from ..engine.tensor import Array
from ..gradients import pulled
from ..show import mathml
from ..show.notation import number
from ..show.words import Words
from . import plots
from .live import MOST_NUMBERS
from .page import Part, asset, filled, note, script, write
from .story import Story

MOST_FRAMES = 101
MOST_POINTS = 400
MOST_LINES = 12
"""How many hidden nodes' boundaries are drawn."""

_TRIED = 12  # batches, of which that is shown where the fewest gradients are zero


Recorded = Any
"""An `nn.Recording`, or what has its attributes and methods: ``nn`` stands above this package."""


def write_recorded(
    recorded: Recorded,
    path: str | os.PathLike[str],
    lang: str = "en",
    lr: float | None = None,
    iteration: int | None = None,
) -> None:
    """What `explain` does with a recorded training."""
    words = Words(lang)
    i = _place(recorded, iteration)
    rows = _telling(recorded) if iteration is None else None
    if lr is None and recorded.lrs is not None:
        lr = recorded.lrs[i]

    def extra(story: Story, follows: bool) -> Part:
        return _extra(recorded, i, rows, story, follows, words)

    with recorded.replayed(i, rows) as loss:
        write(loss, path, lang, lr, extra, recorded.trained)


def _place(recorded: Recorded, iteration: int | None) -> int:
    steps: list[int] = recorded.steps
    if not steps:
        raise ValueError("explain: the training took no step, so there is nothing to explain")
    if iteration is None:
        return 0
    if iteration not in steps:
        some = steps if len(steps) <= 12 else [*steps[:6], "…", *steps[-3:]]
        known = ", ".join(map(str, some))
        raise ValueError(f"explain: iteration {iteration!r} wasn't recorded; recorded are {known}")
    return steps.index(iteration)


def _telling(recorded: Recorded) -> slice | None:
    """The rows to start with where the gradients of the first batch have more zeros than of others:
    (0, 0) teaches little."""
    n, trained = len(recorded.batch(0)[0]), set(recorded.trained)
    others = [slice(k, k + n) for k in range(0, len(recorded.x) - n + 1, max(n, 1))]
    fewest: float = np.inf
    best = None
    for rows in [None, *others[:_TRIED]]:
        with warnings.catch_warnings(action="ignore"), recorded.replayed(0, rows) as loss:
            found = pulled({loss: np.ones(loss.shape)}, trained) if loss._tracked else {}
        zeros = sum(int(np.count_nonzero(found[t] == 0)) if t in found else t.size for t in trained)
        if zeros < fewest:
            fewest, best = zeros, rows
        if not zeros:
            break
    return best


def thinned(n: int, most: int, also: int = 0) -> list[int]:
    """At most ``most`` of n places, evenly, with the first, the last, and one more."""
    if n <= most:
        return list(range(n))
    found = [round(i * (n - 1) / (most - 1)) for i in range(most)]
    if also not in found:
        found[min(range(1, most - 1), key=lambda i: abs(found[i] - also))] = also
    return found


def _extra(
    recorded: Recorded, i: int, rows: slice | None, story: Story, follows: bool, words: Words
) -> Part:
    """What the page of state ``i`` has besides the steps."""
    steps, x = recorded.steps, recorded.x
    keys = {f"v{story.numbers[t]}": name for name, t in recorded.tensors.items()
            if t in story.numbers}  # fmt: skip
    size = sum(recorded.parameters[name][0].size for name in keys.values())
    shown = thinned(len(steps), max(min(MOST_FRAMES, MOST_NUMBERS // max(size, 1)), 3), i)
    now = shown.index(i)
    whole = [recorded.loss_of_all(k) for k in shown]
    pictures = [plots.losses(steps, recorded.losses, whole, shown, now, words)]
    about = words("about" if follows else "about_fixed", step=steps[i], last=steps[-1])
    notes = []
    if rows is not None:
        counted = map(str, sorted({rows.start + 1, rows.stop}))
        notes.append(words("other_rows", rows="-".join(counted)))
    notes += [words("thinned", n=len(shown), all=len(steps))] * (len(shown) < len(steps))
    found = _boundary(recorded, shown)
    if found is None:
        notes.append(words("no_boundary"))
    else:
        some = thinned(len(x), MOST_POINTS)
        classes, limits, margins = found
        classes = classes._replace(of=classes.of[some])
        points = x[some].astype(np.float64)
        lines = [line for k in shown if (line := _nodes(recorded, k)) is not None]
        pictures.append(plots.plane(points, classes, limits, margins, lines, now, words))
        notes += [words("points", n=len(some), all=len(x))] * (len(some) < len(x))
    states = [_spoken(recorded, k, loss, words) for k, loss in zip(shown, whole, strict=True)]
    section = filled(
        "training.html", words, last=len(shown) - 1, now=now, state=mathml.text(states[now]),
        about=note(about), notes="".join(map(note, notes)),
        pictures="".join(f"<figure>{picture}</figure>\n" for picture in pictures),
    )  # fmt: skip
    data = {
        "states": states, "steps": [steps[k] for k in shown],
        "rates": [recorded.lrs[k] for k in shown] if recorded.lrs is not None else [],
        "leaves": {key: [_plain(recorded.parameters[name][k]) for k in shown]
                   for key, name in keys.items()},
    }  # fmt: skip
    told = script({"training-data": data}, asset("training.js"))
    return Part(section, asset("training.css"), told)


def _plain(values: Array) -> list[Any]:
    """For JSON, as accurately as anything is shown by far; none where some aren't finite."""
    if not np.isfinite(values).all():
        return []
    return [float(f"{x:.9g}") for x in values.ravel()]


def _spoken(recorded: Recorded, k: int, loss: float, words: Words) -> str:
    """``Iteration 20 of 100: loss 0.31``."""
    shown = number(loss if np.isfinite(loss) else recorded.losses[k])
    return words("state", step=recorded.steps[k], last=recorded.steps[-1], loss=shown)


def _boundary(
    recorded: Recorded, shown: list[int]
) -> tuple[plots.Classes, tuple[Array, Array], list[Array]] | None:
    """Where there are two features, and classes: these, the limits of the plane, and what is
    predicted there in each state that is shown.
    """
    x = recorded.x
    if x.ndim != 2 or x.shape[1] != 2 or not np.isfinite(x).all() or x.dtype.kind not in "biuf":
        return None
    low, high = x.min(axis=0).astype(np.float64), x.max(axis=0).astype(np.float64)
    margin = np.where(high > low, 0.08 * (high - low), 1.0)
    limits = low - margin, high + margin
    try:
        last = recorded.predict(shown[-1], x)
        recorded.predict(shown[-1], plots.grid(limits, 3))
    except (ValueError, TypeError, IndexError):  # a net for batches of its own size only
        return None
    classes = plots.classes_of(recorded.y, last, recorded.level)
    if classes is None:
        return None
    with np.errstate(all="ignore"):
        margins = [classes.margins(recorded.predict(k, plots.grid(limits))) for k in shown]
    return classes, limits, margins


def _nodes(recorded: Recorded, k: int) -> tuple[Array, Array] | None:
    """Weight and bias of the first layer, whose nodes are lines; None where there are too many."""
    if recorded.first_layer is None:
        return None
    name, bias = recorded.first_layer
    weight = recorded.parameters[name][k].astype(np.float64)
    if weight.shape[1] > MOST_LINES:
        return None
    b = np.zeros(weight.shape[1]) if bias is None else recorded.parameters[bias][k]
    return weight, np.asarray(b, np.float64).ravel()
