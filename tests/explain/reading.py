"""A written page, read back: its elements, their text, and its data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import autograd_lite as ag
import nn

VOID = {"meta", "input", "br", "link", "img", "polygon", "path", "ellipse"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(x if isinstance(x, str) else x.text for x in self.children)

    @property
    def classes(self) -> list[str]:
        return self.attributes.get("class", "").split()

    def __getitem__(self, attribute: str) -> str:
        return self.attributes[attribute]

    def all(self, tag: str = "", name: str = "") -> list[Element]:
        """The elements within, in order, by tag and by class."""
        return [
            x for x in self._within()
            if (not tag or x.tag == tag) and (not name or name in x.classes)
        ]  # fmt: skip

    def _within(self) -> Iterator[Element]:
        for x in self.children:
            if isinstance(x, Element):
                yield x
                yield from x._within()


class Page(HTMLParser):
    """A page whose elements are all closed in the order in which they were opened."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.root = Element("", {})
        self._open = [self.root]
        self.feed(html)
        self.close()
        assert self._open == [self.root], [x.tag for x in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice"
        element = Element(tag, {name: value or "" for name, value in attrs})
        self._open[-1].children.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open[-1].children.append(Element(tag, {n: v or "" for n, v in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)

    @property
    def steps(self) -> list[Element]:
        return self.root.all("section", "step")

    @property
    def titles(self) -> list[str]:
        return [" ".join(step.all("h2")[0].text.split()) for step in self.steps]

    def data(self, name: str) -> Any:
        (found,) = [x for x in self.root.all("script") if x.attributes.get("id") == name]
        return json.loads(found.text)


def explained(output: ag.Tensor, folder: Path, lang: str = "en", lr: float | None = None) -> Page:
    path = folder / "page.html"
    ag.explain(output, path, lang, lr=lr)
    return Page(path.read_text(encoding="utf-8"))


def chapter(rows: int = 1, sizes: tuple[int, ...] = (2, 2, 1)) -> ag.Tensor:
    """The chapter's loss."""
    x = [[float(i + j) / 3 for j in range(sizes[0])] for i in range(rows)]
    y = [[float(i % 2)] for i in range(rows)]
    with ag.source_lines():
        loss: ag.Tensor = nn.BCELoss()(nn.MLP(sizes, rng=0)(x), y)
    return loss
