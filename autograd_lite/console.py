"""Formulas where standard output lacks their signs: spelled out, instead of an error.

Redirected to a file, Windows' Python writes cp1252, which has no δ.
"""

from __future__ import annotations

import codecs
import io
import sys

_SPELLED = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "eps", "η": "eta", "σ": "sigma",
    "Σ": "sum", "∇": "grad ", "∂": "d", "∘": "o", "·": "*", "×": "x", "−": "-", "ᵀ": "'",
    "⋆": "*", "√": "sqrt",
    "ℓ": "loss", "‖": "||", "✓": "ok", "✗": "x ", "→": "->", "≥": ">=", "≤": "<=", "≠": "!=",
    "ᵢ": "_i", "ⱼ": "_j", "ₖ": "_k", "ₗ": "_l", "₁": "_1", "₂": "_2", "∞": "inf", "…": "...",
}  # fmt: skip


def _spelled(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    return "".join(_SPELLED.get(sign, "?") for sign in signs), error.end


def print_what_can_be_shown() -> None:
    """Let standard output spell out a sign that its encoding lacks, where it would raise."""
    stream = sys.stdout
    if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
        codecs.register_error("autograd_lite.spelled", _spelled)
        stream.reconfigure(errors="autograd_lite.spelled")
