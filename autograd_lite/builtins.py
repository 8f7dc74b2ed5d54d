"""The types that HIPS autograd has its own of: transforms take Python's here."""

from builtins import tuple, type

__all__ = ["dict", "isinstance", "list", "tuple", "type"]
