"""Each link from page to page leads somewhere: file and fragment, in what was built."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from sphinx.application import Sphinx
from sphinx.util import logging

log = logging.getLogger(__name__)


class Page(HTMLParser):
    """What a page links to, and the fragments that it has."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.fragments = {""}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.fragments.add(given.get("id") or "")
        self.links.add((given.get("href") if tag in {"a", "link"} else given.get("src")) or "")


def check(app: Sphinx, exception: Exception | None) -> None:
    if exception or app.builder.name != "html":
        return
    root = Path(app.outdir).resolve()
    own = {(root / app.builder.get_target_uri(name)).resolve() for name in app.env.found_docs}
    pages = {path: Page(path) for path in own}
    for path, page in pages.items():
        for link in sorted(page.links):
            url = urlsplit(link)
            if url.scheme or url.netloc:
                continue
            there = (path.parent / unquote(url.path)).resolve() if url.path else path
            fragment = unquote(url.fragment)
            if not there.is_file() or (there in pages and fragment not in pages[there].fragments):
                log.warning("%s: no such page or place: %s", path.relative_to(root), link)


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("build-finished", check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
