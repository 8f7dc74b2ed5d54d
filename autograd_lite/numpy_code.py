"""NumPy code as text: settings, arrays, functions and identifiers."""

from __future__ import annotations

import keyword
import re
import sys
import unicodedata
from typing import Any

import numpy as np


def code(value: Any) -> str:
    """A setting (an index, a shape, a mode, …) as Python code."""
    if isinstance(value, tuple):
        return f"({', '.join(map(code, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, list):
        return f"[{', '.join(map(code, value))}]"
    if isinstance(value, np.ndarray):
        return f"np.array({code(value.tolist())}, dtype='{value.dtype}')"
    if isinstance(value, np.generic):
        return code(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return repr(value).replace("nan", "np.nan").replace("inf", "np.inf")
    if isinstance(value, complex) and not np.isfinite(value):
        return f"complex({code(value.real)}, {code(value.imag)})"
    if isinstance(value, np.dtype):
        return f"'{value}'"
    return "..." if value is ... else repr(value)


def numpy_name(f: Any) -> str:
    """What users call a function of NumPy's, or a ufunc of SciPy's: ``np.linalg.inv``."""
    module, name = getattr(f, "__module__", ""), f.__name__
    if isinstance(f, np.ufunc):
        homes = [home for home in ("numpy", "scipy.special") if home in sys.modules]
        module = next((home for home in homes if getattr(sys.modules[home], name, None) is f), "")
    return f"{module.replace('numpy', 'np', 1)}.{name}" if module else str(name)


class Names:
    """Identifiers that are all different: ``δ_2`` → ``delta_2``, ``∇W_12`` → ``dW_12``."""

    def __init__(self, *reserved: str) -> None:
        self._taken = dict.fromkeys(("np", *reserved), 2)

    def new(self, name: str) -> str:
        plain = base = _identifier(name)
        while plain in self._taken:
            plain = f"{base}_{self._taken[base]}"
            self._taken[base] += 1
        self._taken[plain] = 2
        return plain


def _identifier(name: str) -> str:
    if name.isascii() and name.isidentifier() and not keyword.iskeyword(name):
        return name
    spelled = re.sub("∂(.+)/∂(.+)", r"d\1_d\2", name).replace("∇", "d")
    for letter, word in {"δ": "delta", "σ": "sigma", "α": "alpha", "β": "beta"}.items():
        spelled = spelled.replace(letter, word)
    spelled = unicodedata.normalize("NFKC", spelled)  # as Python reads it
    spelled = "".join(letter if f"a{letter}".isidentifier() else "_" for letter in spelled)
    if not spelled.isidentifier() or keyword.iskeyword(spelled):
        spelled = f"t_{spelled}"
    return spelled


_MANY = 1000  # entries, which are no longer lined up: that takes 25 times as long


def literal(array: Any) -> str:
    """An array as code that makes it again, exactly.

    Example:
        >>> literal(np.zeros((5, 5))), literal(np.array([0.1, np.inf], np.float32))
        ('np.full((5, 5), 0.0, dtype=np.float64)', 'np.array([0.1, np.inf], dtype=np.float32)')
    """
    if not array.size:
        return f"np.empty({code(array.shape)}, {array.dtype.str!r})"
    if array.dtype.kind == "c":  # whose inf and nan have no form of their own
        parts = np.ascontiguousarray(array).reshape(-1).view(array.real.dtype)
        return f"{literal(parts)}.view('{array.dtype.str}').reshape({code(array.shape)})"
    dtype = f"np.{array.dtype}" if array.dtype.isnative else repr(array.dtype.str)
    flat = array.reshape(-1)
    if array.itemsize > 8:  # more digits than Python's numbers have
        digits = [*map(str, flat)]
        return f"np.array({digits}).astype({dtype}).reshape({code(array.shape)})"
    if array.size > 16 and array.tobytes() == flat[:1].tobytes() * array.size:
        return f"np.full({code(array.shape)}, {code(flat[0])}, dtype={dtype})"
    if array.size > _MANY:
        written = repr(array.tolist())
    else:
        written = np.array2string(
            array, separator=", ", threshold=array.size + 1, floatmode="unique", max_line_width=96
        )
    written = re.sub(r"\b(nan|inf)\b", r"np.\1", written)
    return f"np.array({written}, dtype={dtype})"
