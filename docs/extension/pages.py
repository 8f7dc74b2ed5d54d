"""What is told of pages: their language; and that a doctest's last blank line isn't shown."""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx


def without_last_blank_line(app: Sphinx, name: str, source: list[str]) -> None:
    """Which doctest needs to see where the output ends."""
    source[0] = source[0].replace("\n\n```\n", "\n```\n")


def in_its_language(
    app: Sphinx, name: str, template: str, context: dict[str, Any], tree: Any
) -> None:
    if name.startswith("zh/"):
        context["language"] = "zh"


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("source-read", without_last_blank_line)
    app.connect("html-page-context", in_its_language)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
