"""Printing where the terminal can't show every sign."""

from __future__ import annotations

import io
import sys


def print_what_can_be_shown() -> None:
    """Let standard output print a ? for a sign that its encoding lacks, instead of failing."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
