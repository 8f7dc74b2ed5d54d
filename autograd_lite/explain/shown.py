"""A page that was written, which shows itself in a notebook."""

from __future__ import annotations

from pathlib import Path


class Page:
    """What `explain` gives: where it wrote; in Jupyter, the page itself.

    Attributes:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"<Page {self.path.name}>"

    def _repr_html_(self) -> str:
        """The page as it is now, in a frame of its own, so that its script and style stay there."""
        from html import escape  # only where it is shown

        page = escape(self.path.read_text(encoding="utf-8"))
        style = "width:100%;height:680px;border:1px solid #d4d4d8;border-radius:6px"
        return f'<iframe title="{escape(self.path.name)}" srcdoc="{page}" style="{style}"></iframe>'
