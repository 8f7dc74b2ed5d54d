"""Python's types, for code that asks what it is given: a Tensor answers as its value.

Where HIPS autograd has its own `dict`, `list` and `tuple`, transforms take Python's.
"""

import builtins
from builtins import dict, list, tuple  # noqa: UP029  (they are exported)
from typing import Any

from .arrays import array_of, content

__all__ = [
    "DictBox", "ListBox", "SequenceBox", "TupleBox", "dict", "isinstance", "list", "tuple", "type",
]  # fmt: skip

DictBox, ListBox, TupleBox, SequenceBox = dict, list, tuple, (tuple, list)


def _value(x: Any) -> Any:
    array = array_of(content(x))
    return array if array is x or array.ndim else array[()]


def isinstance(x: Any, kinds: Any) -> bool:
    """Python's, also of what the Tensor holds: an array, or a number."""
    return builtins.isinstance(x, kinds) or builtins.isinstance(_value(x), kinds)


def type(x: Any, *bases: Any, **settings: Any) -> Any:
    """Python's, of what the Tensor holds."""
    return builtins.type(_value(x), *bases, **settings)
