"""Transforms of one's own, in the words of HIPS autograd."""

from functools import wraps

from .differential_operators import unary_to_nary

__all__ = ["unary_to_nary", "wraps"]
