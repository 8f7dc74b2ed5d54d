"""The HTML of a story: complete as it is, and alive with the script."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from math import inf
from numbers import Real
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

from ..derive.formulas import Remark
from ..draw.collapse import Collapse
from ..draw.computations import Marks, draw_computations
from ..draw.figure import Figure
from ..draw.look import Look
from ..engine.tensor import Tensor
from ..lines import Line
from ..show import mathml
from ..show.notation import dimensions
from ..show.text import shapes as shape_formula
from ..show.words import Words
from .backward import Gradient
from .entries import sources
from .live import SCRIPT, Fixed, looks, part_key, program
from .matrices import entry_name, extent, table
from .predictions import Predictions
from .story import Step, Story, tell

ASSETS = Path(__file__).parent / "assets"
MOST_DRAWN = 60
"""How many tensors a figure has one by one; of more, layers or what repeats are folded."""

WIDE, SLENDER = 560, 2.5
"""A figure stands above the steps, not beside them, from this width on if it is so many times as
wide as high."""

_ROOM, _HIGHEST = 108, 16
"""How many characters stand beside each other, and rows below each other at most for that."""

_LINE_END = r"[\n\r\u2028\u2029]+"
_AXES = r"([ΣΠ])_([a-z,]+)"  # of a sum, in plain text
_PLACE = "\ue000"  # stands for a symbol, in words


class Part(NamedTuple):
    """What a page has besides its steps: HTML, its style, its scripts, and what is said of it."""

    html: str = ""
    style: str = ""
    script: str = ""
    notes: str = ""


def write(
    output: Tensor,
    path: str | os.PathLike[str],
    lang: str = "en",
    lr: float | None = None,
    more: Callable[[Story, bool], Part] | None = None,
    updated: Collection[Tensor] | None = None,
) -> None:
    """What `explain` does; ``more`` is called once the arguments are found to be right.

    It is told whether the numbers of the steps can be changed. ``updated`` are the parameters that
    the update changes; all, if that is None.
    """
    words = Words(lang)
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise ValueError(
            f"explain: a page is written, and {path.name!r} doesn't end in .html; name it "
            f"{path.stem or 'page'}.html, say"
        )
    story = tell(output, None if lr is None else _rate(lr), updated)
    path.write_text(page(story, words, more), encoding="utf-8", newline="\n")


def _rate(lr: Any) -> float:
    """A learning rate that was given, as a float."""
    if not isinstance(lr, Real) or isinstance(lr, bool):
        raise TypeError(f"explain: lr is a number, the learning rate, and not {lr!r}")
    try:
        rate = float(lr)
    except OverflowError:  # of a huge int
        rate = inf
    if not 0 < rate < inf:
        raise ValueError(
            f"explain: lr, the learning rate, must be positive and finite, not {rate!r}; "
            "give one such as lr=0.1, or none to see the update as a formula"
        )
    return rate


def page(
    story: Story, words: Words, more: Callable[[Story, bool], Part] | None = None
) -> str:
    """The whole page."""
    title = mathml.text(words("title" if story.targets else "title_forward", name=story.name))
    predictions = Predictions(story, words)
    steps = {f"step-{i}": step for i, step in enumerate(story.steps, 1)}
    asked = {key: asks for key, step in steps.items() if (asks := predictions.of(step))}
    lit = {key: found for key, step in steps.items() if (found := sources(step, story.is_large))}
    sections = [
        _section(story, i, step, words, asked.get(key))
        for i, (key, step) in enumerate(steps.items(), 1)
    ]
    after, left_out = story.left_out
    if left_out:
        sections.insert(after, note(words("left_out", n=left_out)))
    picture = _figure(story, words)
    live = _live(story, words)
    extra = more(story, bool(live.html)) if more else Part()
    own = script({"sources": lit, "predictions": asked}, asset("page.js"))
    return filled(
        "page.html", words, lang=words.lang, title=title, n=len(story.steps),
        style=asset("page.css") + live.style + extra.style, layout=_layout(picture),
        picture=picture, notes=_notes(story, words, more is None, live.notes),
        body="\n".join(sections), section=extra.html, dock=live.html,
        script=live.script + own + extra.script,
    )  # fmt: skip


def _live(story: Story, words: Words) -> Part:
    """Where numbers are changed."""
    if not story.trained:
        return Part()
    try:
        told = program(story, words) | {"name": story.whole}
    except Fixed as reason:
        return Part(notes=note(words("fixed", why=str(reason))))
    notes = "".join(map(note, looks(story, words)))
    differs = f'<p class="note" id="differs" hidden>{mathml.text(words("differs"))}</p>'
    scripts = script({"live-program": told}, SCRIPT + asset("dock.js"))
    return Part(filled("live.html", words), asset("live.css"), scripts, notes + differs)


def _layout(picture: str) -> str:
    """A class for the page of a wide figure, which has its place above the steps."""
    box = re.search(r'viewBox="\S+ \S+ (\S+) (\S+)"', picture)
    if box is None:
        return ""
    width, height = float(box[1]), float(box[2])
    return ' class="wide"' if width >= max(WIDE, SLENDER * height) else ""


def asset(name: str) -> str:
    """The text of a file beside the page's Python."""
    return (ASSETS / name).read_text(encoding="utf-8")


def filled(name: str, words: Words, **parts: object) -> str:
    """A template with these parts, and with words for what isn't among them."""
    template = Template(asset(name))
    keys = set(template.get_identifiers()) - parts.keys()
    return template.substitute(parts, **{key: mathml.text(words(key)) for key in keys})


def script(data: Mapping[str, Any], code: str) -> str:
    """A script, and what it reads, by the id of its element."""
    read = "\n".join(_data(name, value) for name, value in data.items())
    return f"{read}\n<script>\n{code}</script>\n"


def _data(name: str, value: Any) -> str:
    """JSON in a script element; no ``<`` in it can end the element."""
    written = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for sign in "<>&":
        written = written.replace(sign, f"\\u{ord(sign):04x}")
    return f'<script type="application/json" id="{name}">{written}</script>'


# ---------------------------------------------------------------------- what is said once


def _notes(story: Story, words: Words, lines: bool, live: str) -> str:
    """What to know about the page; where ``lines`` is true, also how it would have lines."""
    notes = [live] if live else []
    if story.is_large:
        notes.append(note(words("abridged", n=story.results)))
    if not story.targets:
        notes.append(note(words("no_backward")))
    elif story.output.size != 1:
        notes.append(note(words("seed", n=story.output.size, name=story.whole)))
    for kind, symbols in story.backward.remarks:
        new = {x: what for x, what in symbols.items() if x not in story.keys}
        if new or not symbols:
            notes.append(note(Remark(kind, new).text(words)))
    forward = [step for step in story.steps if step.kind in ("forward", "loss")]
    if lines and any(step.line is None for step in forward):
        notes.append(note(words("no_lines"), "with ag.source_lines():"))
    if not notes:
        return ""
    return f'<div class="notes">{"".join(notes)}</div>\n'


def note(said: str, code: str = "") -> str:
    """A paragraph beside the steps."""
    shown = f" <code>{mathml.text(code)}</code>" if code else ""
    return f'<p class="note">{mathml.text(said)}{shown}</p>'


# ---------------------------------------------------------------------- the figure


def _figure(story: Story, words: Words) -> str:
    figure = drawn(story, words)
    if figure is None:
        return _no_figure(words("no_figure", n=len(story.numbers)))
    try:
        svg = figure.svg()
    except RuntimeError as error:
        return _no_figure(words("no_engine", error=error))
    label = mathml.text(words("figure", name=story.name))
    legend = f"<figcaption>{mathml.text(words('legend'))}</figcaption>"
    return f'<figure id="figure" tabindex="0" aria-label="{label}">{svg}{legend}</figure>'


def drawn(story: Story, words: Words) -> Figure | None:
    """The graph, what is drawn marked by number; None where it is too large even when folded."""
    marks, look = Marks(story.numbers, story.symbols), Look(words=words)
    ways: list[Collapse] = [None] if len(story.numbers) <= MOST_DRAWN else ["module", "blocks"]
    found = []
    for collapse in ways:
        with suppress(ValueError):  # too many nodes
            found.append(
                draw_computations(story.output, story.targets, look, False, collapse, None, marks)
            )
    return min(found, key=lambda figure: len(figure.source), default=None)


def _no_figure(said: str) -> str:
    return f'<figure id="figure">{note(said)}</figure>'


# ---------------------------------------------------------------------- a step


def _section(
    story: Story, i: int, step: Step, words: Words, asked: dict[str, Any] | None
) -> str:
    kind = "output" if step.kind == "forward" and step.tensor is story.output else step.kind
    target = f"t{story.numbers[step.tensor]}"
    title = mathml.math(mathml.symbol(step.name, {}, story.looks))
    parts = [
        f'<section class="step" id="step-{i}" data-kind="{step.kind}" '
        f'data-figure="{" ".join(step.figure)}" data-target="{target}" '
        f'aria-labelledby="title-{i}">',
        f'<h2 id="title-{i}"><span class="kind">{words(kind)}</span> {title}</h2>',
        *_formulas(story, step, words),
        *(note(words(said)) for said in step.notes),
        _shapes(step, words),
        _line(step.line, words),
        _question(asked, step, story, words),
        _matrices(story, step, words),
        "</section>",
    ]
    return "\n".join(part for part in parts if part)


def _formulas(story: Story, step: Step, words: Words) -> Iterable[str]:
    """Each formula once: one that says what the one before says is left out."""
    keys, looks = story.keys, story.looks
    written: dict[str, tuple[str, str]] = {}
    for formula in step.formulas:
        left = [
            mathml.symbol(x, {}, looks) if isinstance(x, str) else mathml.expression(x, {}, looks)
            for x in formula.left
        ]
        right = mathml.chain(formula.paths, looks) if formula.right is None else (
            mathml.expression(formula.right, keys, looks)
        )
        shown = mathml.equation(left[0], [*left[1:], *([right] if right else [])], formula.sign)
        if shown == mathml.equation(left[0], []):  # ∂L/∂O: all that there is to say of one link
            continue
        label = "formula" if step.kind == "update" else formula.kind
        if written.pop(shown, None) is not None:  # what can't be simplified is the result
            label = "formula"
        written[shown] = formula.kind, words(label)
    for shown, (kind, label) in written.items():
        classes = f"formula {kind}" if kind != "formula" else "formula"
        parts = "".join(mathml.math(part, block=True) for part in mathml.broken(shown))
        yield (
            f'<div class="{classes}" role="group" aria-label="{mathml.text(label)}" tabindex="0">'
            f"{parts}</div>"
        )


def _shapes(step: Step, words: Words) -> str:
    said = dimensions(step.shape)
    last = next((f for f in reversed(step.formulas) if f.kind != "with"), None)
    if last is not None and last.right is not None and last.right.size <= mathml.LONGEST:
        said += f" {last.sign} {shape_formula(last.right)}"
    shown = re.sub(_AXES, r"\1<sub>\2</sub>", mathml.text(words("shapes", shapes=said)))
    return f'<p class="shapes">{shown}</p>'


def _line(line: Line | None, words: Words) -> str:
    if line is None or not line.file:
        return ""
    where = mathml.text(f"{Path(line.file).name}:{line.number}")
    code = f' <code class="code">{mathml.text(line.text, _LINE_END)}</code>' if line.text else ""
    label = mathml.text(words("line"))
    return f'<p class="line"><span>{label}</span> <code>{where}</code>{code}</p>'


def _question(asked: dict[str, Any] | None, step: Step, story: Story, words: Words) -> str:
    """What is asked, of one entry after another."""
    if asked is None:
        return ""
    kind = "number" if "entry" in asked else "shape"
    entries = [ask["entry"] for ask in (asked, *asked.get("more", ())) if "entry" in ask]
    names = [entry_name(step.name, step.shape, i) for i in entries] or [step.name]
    what = "shape" if not entries else "new" if step.kind == "update" else "entry"
    questions = "".join(
        f'<span{" hidden" * (i > 0)}>{_said(f"ask_{what}", name, story, words)[1]}</span>'
        for i, name in enumerate(names)
    )
    hint = mathml.text(words(f"{kind}_hint"))
    return (
        f'<form class="predict" hidden data-asks="{kind}" data-shape="{dimensions(step.shape)}" '
        f'autocomplete="off"><label>{questions} '
        f'<input type="text" inputmode="text" placeholder="{hint}"></label> '
        f'<button type="submit">{mathml.text(words("check"))}</button> '
        f'<button type="button">{mathml.text(words("show"))}</button>'
        '<p role="status"></p></form>'
    )


def _matrices(story: Story, step: Step, words: Words) -> str:
    looks, brief = story.looks, story.is_large
    parts = []
    if step.operands:
        tables = [table(m.array, m.key, m.name, words, looks, brief) for m in step.operands]
        shown = _stacked(step, tables, brief)
        parts.append(_group("operands", words("operands"), shown))
    if step.value is not None:
        name, caption = step.name, ""
        if step.kind == "update":
            name, right = f"{name} − α ∇{name}", step.formulas[0].right
            caption = mathml.math(mathml.expression(right, {}, looks)) if right else ""
        shown = table(step.value, step.key, name, words, looks, brief, caption=caption)
        parts.append(_group("result", words("value"), shown))
    if step.gradient is not None and step.gradient.contributions:
        parts.append(_contributions(story, step, step.gradient, words))
    inner = "\n".join(parts)
    return f'<div class="numbers">\n{inner}\n</div>' if parts else ""


def _stacked(step: Step, tables: Sequence[str], brief: bool) -> str:
    """Tables one below the other: where they aren't the higher for it, or the result has room then.
    """
    shown = [*(m.array for m in step.operands), step.value]
    extents = [extent(x, brief) for x in shown if x is not None]
    lowest = max(height for height, _ in extents)
    stacks: list[list[int]] = []
    for most in (*range(lowest, _HIGHEST + 1), lowest):
        stacks = _packed([height for height, _ in extents[: len(tables)]], most)
        widest = [max(extents[i][1] for i in stack) for stack in (*stacks, [-1])]
        if sum(widest) <= _ROOM:
            break
    inner = ("".join(tables[i] for i in stack) for stack in stacks)
    return "\n".join(f'<div class="stack">{stack}</div>' for stack in inner)


def _packed(heights: Sequence[int], most: int) -> list[list[int]]:
    """Each where it has room first, in stacks that are so high at most."""
    stacks: list[list[int]] = []
    for i, height in enumerate(heights):
        for stack in stacks:
            if sum(heights[j] for j in stack) + height <= most:
                stack.append(i)
                break
        else:
            stacks.append([i])
    return stacks


def _group(name: str, label: str, inner: str) -> str:
    return f'<div class="{name}" role="group" aria-label="{mathml.text(label)}">\n{inner}\n</div>'


def _contributions(story: Story, step: Step, g: Gradient, words: Words) -> str:
    """What each use adds, and the sum."""
    used, n = g.uses
    shown, number = [], story.numbers[g.target]
    for i, part in enumerate(g.contributions):
        through = "" if part.through is None else story.names[part.through]
        key = "through" if through else "rest"
        name, caption = _said(key, through, story, words, n=len(part.uses))
        where = part_key(number, i)
        shown.append(table(part.array, where, name, words, brief=True, caption=caption))
    name, caption = _said("sum", step.name, story, words)
    total = table(step.value, step.key, name, words, brief=True, caption=caption)
    plus, equals = (f'\n<span class="plus" aria-hidden="true">{sign}</span>\n' for sign in "+=")
    said, heading = _said("contributions", used, story, words, n=n)
    return f"<h3>{heading}</h3>\n{_group('contributions', said, plus.join(shown) + equals + total)}"


def _said(
    key: str, name: str, story: Story, words: Words, **values: object
) -> tuple[str, str]:
    """Words with a symbol in them: as text, and as markup."""
    shown = mathml.math(mathml.symbol(name, {}, story.looks)) if name else ""
    marked = mathml.text(words(key, name=_PLACE, **values)).replace(_PLACE, shown)
    return words(key, name=name, **values), marked
