"""What Jupyter shows of a Tensor: what it is, and its numbers, of a large one the corners.

No figure is laid out for it: that would take longer than most cells run.
"""

from __future__ import annotations

from html import escape

import numpy as np

from .arrays import is_foreign
from .engine.tensor import Array, Tensor
from .lines import line_of
from .show.notation import measured, symbol_of

FULL = 100
"""How many numbers are shown at most; of more the corners are."""


def tensor_html(tensor: Tensor) -> str:
    """A line on what the tensor is, and its numbers. Names are text, whatever they hold."""
    array = tensor._seen()
    heading = f"<div>{_heading(tensor)}</div>"
    if is_foreign(array):  # whose numbers aren't asked for
        return f"{heading}<pre>{escape(repr(array))}</pre>"
    parts = [heading, _numbers(array)]
    if array.size > FULL:
        parts.append(f"<div style='opacity:.7'>{escape(', '.join(measured(array)))}</div>")
    if tensor._grad is not None and array.size:
        known = tensor.name is not None and (tensor.is_leaf or tensor.name.startswith("s_"))
        symbol = symbol_of(tensor.name or "", tensor.is_leaf, "") if known else "gradient"
        parts += [f"<div>{escape(symbol)}</div>", _numbers(tensor._grad)]
    return "".join(parts)


def _heading(tensor: Tensor) -> str:
    what = [f"shape {tensor.shape}", str(tensor.dtype)]
    if tensor.requires_grad:
        what.append("requires_grad")
    if tensor.op is not None:
        what.append(f"op {tensor.op.name}")
    name = "Tensor" if tensor.name is None else tensor.name
    line = line_of(tensor)
    code = f" in line {line.number}: <code>{escape(line.text)}</code>" if line and line.text else ""
    return f"<b>{escape(name)}</b> {escape(', '.join(what))}{code}"


def _numbers(array: Array) -> str:
    if array.size == 0:
        return "<div>no entries</div>"
    return f"<pre>{escape(np.array2string(array, precision=6, threshold=FULL))}</pre>"
