"""Names of HIPS autograd's core: `make_vjp` and `make_jvp` of one argument, and primitives."""

from . import differential_operators as _of_many
from .extend import defjvp, defvjp, primitive

__all__ = ["defjvp", "defvjp", "make_jvp", "make_vjp", "primitive"]

make_vjp = _of_many.make_vjp.__wrapped__  # type: ignore[attr-defined]
make_jvp = _of_many.make_jvp.__wrapped__  # type: ignore[attr-defined]
