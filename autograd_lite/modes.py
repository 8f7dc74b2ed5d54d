"""Modes: blocks of code in which ops are recorded otherwise than usual, in one thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ContextDecorator, contextmanager
from typing import Any

_lock = threading.Lock()


class _Depth(threading.local):
    value = 0  # blocks that this thread is within


class Mode(ContextDecorator):
    """A kind of block. A thread that is within one doesn't disturb another that isn't.

    Attributes:
        open: blocks of any kind in any thread: while it is 0, `apply` asks no further.
        entered: those of this kind in any thread.
        depth: those of this kind in this thread.
    """

    open = 0
    entered = 0
    depth: _Depth

    def __init_subclass__(cls) -> None:
        cls.depth = _Depth()

    def __enter__(self) -> None:
        self._count(+1)

    def __exit__(self, *exception: object) -> None:
        self._count(-1)

    @classmethod
    def _count(cls, step: int) -> None:
        with _lock:
            Mode.open += step
            cls.entered += step
        cls.depth.value += step

    @classmethod
    @contextmanager
    def suspended(cls) -> Iterator[None]:
        """Within it this thread counts as outside of such blocks."""
        depth, cls.depth.value = cls.depth.value, 0
        try:
            yield
        finally:
            cls.depth.value = depth

    @classmethod
    def active(cls) -> bool:
        """Whether this thread is within such a block."""
        return cls.entered > 0 and cls.depth.value > 0


class no_grad(Mode):  # noqa: N801  (used like a function)
    """Within it, in this thread, nothing is recorded: results require no gradient.

    A transform such as `grad` that is called within it differentiates all the same.

    Example:
        >>> import autograd_lite as ag
        >>> w = ag.Tensor(2.0, requires_grad=True)
        >>> with ag.no_grad():
        ...     (w * 3).requires_grad
        False
    """


class trace(Mode):  # noqa: N801  (used like a function)
    """Within it, in this thread, everything that is computed from a Tensor is recorded.

    Also what needs no gradient, and comparisons, which else give plain arrays: so that it can be
    seen afterwards where each number came from. It prevails over `no_grad`.
    """


class capture(Mode):  # noqa: N801  (used like a function)
    """Within it, in this thread, a recorder is told of each op, and may put stand-ins for arrays.

    Args:
        recorder: what is told; see `autograd_lite.compile.recorder`.
    """

    def __init__(self, recorder: Any) -> None:
        self._recorder = recorder

    def __enter__(self) -> None:
        super().__enter__()
        _recorders.stack.append(self._recorder)

    def __exit__(self, *exception: object) -> None:
        _recorders.stack.pop()
        super().__exit__(*exception)

    @staticmethod
    def recorder() -> Any:
        """The one of this thread, or None."""
        return _recorders.stack[-1] if capture.active() else None

    @staticmethod
    def refuse_update() -> None:
        """Raise where Tensors are about to be given new data while that is recorded."""
        if capture.active():
            _recorders.stack[-1].refuse_update()

    @staticmethod
    def born(leaf: Any) -> None:
        """Tell the recorder of a leaf that was made meanwhile, and so isn't from outside."""
        if capture.active():
            _recorders.stack[-1].born(leaf)


class _Recorders(threading.local):
    def __init__(self) -> None:
        self.stack: list[Any] = []


_recorders = _Recorders()


def recorded(wanted: bool) -> bool:
    """Whether an op is recorded in this thread's modes; ``wanted`` where an input asks for it."""
    if trace.entered and trace.depth.value:
        return True
    return wanted and not (no_grad.entered and no_grad.depth.value)


_transforms = _Depth()


@contextmanager
def transforming() -> Iterator[None]:
    """A transform calls the function that it differentiates within this."""
    with no_grad.suspended():
        _transforms.value += 1
        try:
            yield
        finally:
            _transforms.value -= 1


def in_transform() -> bool:
    """Whether this thread is within a transform, so that one called now is nested in it."""
    return _transforms.value > 0
