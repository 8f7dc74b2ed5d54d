"""Pages as they are read: the language, and lines as Chinese and doctest end them."""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

HAN = "[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef“”*]"


def joined(app: Sphinx, name: str, source: list[str]) -> None:
    """Without the blank line by which doctest sees where output ends; Chinese without spaces."""
    text = source[0].replace("\n\n```\n", "\n```\n")
    source[0] = re.sub(f"(?<={HAN})\n(?={HAN})", "", text)


def in_its_language(
    app: Sphinx, name: str, template: str, context: dict[str, Any], tree: Any
) -> None:
    if name.startswith("zh/"):
        context["language"] = "zh"


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("source-read", joined)
    app.connect("html-page-context", in_its_language)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
