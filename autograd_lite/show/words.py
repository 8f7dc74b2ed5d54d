"""Every word of the pages, of the figures on them and of derivations, in each of its languages."""

from __future__ import annotations

import tomllib
from pathlib import Path

LANGUAGES = ("en", "zh")
WORDS: dict[str, list[str]] = tomllib.loads(
    Path(__file__).with_name("words.toml").read_text(encoding="utf-8")
)
"""In English and in Chinese, by what they are for."""


class Words:
    """The words of one language: ``words("next")``, ``words("entries", n=3)``.

    Raises:
        ValueError: there is no such language; it lists those there are.
    """

    def __init__(self, lang: str) -> None:
        if not isinstance(lang, str) or lang not in LANGUAGES:
            known = " and ".join(map(repr, LANGUAGES))
            raise ValueError(f"explain: lang is one of {known}, and not {lang!r}")
        self.lang = lang

    def __call__(self, key: str, **values: object) -> str:
        return WORDS[key][LANGUAGES.index(self.lang)].format_map(values)


ENGLISH = Words("en")
