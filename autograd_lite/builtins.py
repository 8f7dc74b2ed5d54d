"""The types that HIPS autograd has its own of: transforms take Python's here."""

from builtins import dict, isinstance, list, tuple, type  # noqa: UP029  (they are exported)

DictBox, ListBox, TupleBox, SequenceBox = dict, list, tuple, (tuple, list)

__all__ = [
    "DictBox", "ListBox", "SequenceBox", "TupleBox", "dict", "isinstance", "list", "tuple", "type",
]  # fmt: skip
