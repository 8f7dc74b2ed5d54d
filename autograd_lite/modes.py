"""Modes: blocks of code in which ops are recorded otherwise than usual, in one thread.

An interrupt (Ctrl-C, a notebook's stop button) may come between any two instructions, also of
`__enter__` and `__exit__`, and then nothing runs that would put right what they had half done. So
a block is on only as long as something is alive that the with statement alone holds: what it calls
to leave. However the statement ends, it drops that, and the block is off.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, TypeVar
from weakref import ref

F = TypeVar("F")


class _Block(ref[Any]):
    """A block that is on, as long as what leaves it is alive.

    Attributes:
        mode: whose block it is; None where it suspends the blocks around it.
    """

    __slots__ = ("mode",)
    mode: Mode | None
    __hash__ = object.__hash__  # a reference's own is unknown where it dies before it is asked for


class _Depth(threading.local):
    """The blocks of one kind that this thread is within, and what suspends them, in order."""

    def __init__(self) -> None:
        self.blocks: list[_Block] = []  # an interrupt leaves dead ones

    @property
    def value(self) -> int:
        """How many there are."""
        return sum(block() is not None for block in self.blocks)


class _Leaving(threading.local):
    """What this thread has been given to leave blocks by."""

    def __init__(self) -> None:
        self.asked: list[ref[Any]] = []  # by with statements that are about to enter
        self.kept: list[tuple[type[Mode], Any]] = []  # where `__enter__` is called by hand


_leaving = _Leaving()


class _Exit:
    """``__exit__``: gives what leaves a block, a new one each time.

    A with statement asks for it before it calls ``__enter__``, and holds it to its end.
    """

    def __get__(self, mode: Mode | None, kind: type[Mode]) -> Callable[..., None]:
        leave = partial(_leave, kind, [])
        _leaving.asked.append(ref(leave))
        return leave


def _leave(kind: type[Mode], forget: list[Callable[[], Any]], *exception: object) -> None:
    for step in forget:
        step()
    if not forget:  # it entered nothing: called by hand, as `__enter__` was
        kept = _leaving.kept
        latest = [i for i, (entered, _) in enumerate(kept) if entered is kind][-1:]
        for i in latest:
            kept.pop(i)[1]()


class _Kind(type):
    entered: set[Any]

    @property
    def open(cls) -> int:
        """How many of its blocks are on, in any thread."""
        return len(cls.entered)


class Mode(metaclass=_Kind):
    """A kind of block. A thread that is within one doesn't disturb another that isn't.

    A block is a decorator, too, without parentheses where it takes nothing. Each step of a
    generator, or of what is awaited, is then within a block, and what runs in between is not.

    Attributes:
        entered: the blocks of any kind that are on in any thread, in a subclass those of its kind:
            while there are none, `apply` asks no further.
        depth: those of its kind in this thread.
        asks: whether its blocks are among those that `apply` asks for.
        suspends: the kind whose blocks around one of this kind don't count within it.
    """

    entered: ClassVar[set[Any]] = set()
    depth: _Depth
    asks = True
    suspends: type[Mode] | None = None

    def __init_subclass__(cls) -> None:
        cls.entered, cls.depth = set(), _Depth()

    def __new__(cls, *args: Any) -> Any:
        mode = super().__new__(cls)
        if args and cls.__init__ is object.__init__:
            return mode(*args)
        return mode

    def __call__(self, function: F) -> F:
        """The function, each call of which is within such a block.

        Raises:
            TypeError: it is no function.
        """
        from .decorating import within  # what it imports takes long

        decorated: F = within(self, function)
        return decorated

    def __enter__(self) -> None:
        # No name may hold what leaves: the traceback of an interrupt would keep it alive.
        asked = _leaving.asked
        while asked and asked[-1]() is None:
            asked.pop()
        if not asked:
            _leaving.kept.append((type(self), partial(_leave, type(self), [])))
            asked.append(ref(_leaving.kept[-1][1]))
        leave = asked.pop()
        self._enter(leave, type(self), self)
        if self.suspends is not None:
            self._enter(leave, self.suspends, None)

    @staticmethod
    def _enter(leave: Any, kind: type[Mode], mode: Mode | None) -> None:
        blocks = kind.depth.blocks
        blocks[:] = [block for block in blocks if block() is not None]
        for others in (kind.entered, Mode.entered) if mode and mode.asks else ():
            block = _Block(leave(), others.discard)
            others.add(block)
            leave().args[1].append(partial(others.discard, block))
        block = _Block(leave())
        block.mode = mode
        blocks.append(block)
        leave().args[1].append(partial(blocks.remove, block))

    __exit__ = _Exit()

    @classmethod
    def latest(cls) -> Any:
        """The one of its kind that this thread has entered last and is within; else None."""
        for block in reversed(cls.depth.blocks):
            if block() is not None:
                return block.mode
        return None

    @classmethod
    def active(cls) -> bool:
        """Whether this thread is within such a block."""
        return cls.latest() is not None

    @classmethod
    def suspended(cls) -> Mode:
        """A block within which this thread counts as outside of such blocks."""
        block: Mode = _Suspension()
        block.suspends = cls
        return block


class _Suspension(Mode):
    asks = False


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

    @staticmethod
    def recorder() -> Any:
        """The one of this thread, or None."""
        block = capture.latest()
        return None if block is None else block._recorder

    @staticmethod
    def refuse_update() -> None:
        """Raise where Tensors are about to be given new data while that is recorded."""
        if (recorder := capture.recorder()) is not None:
            recorder.refuse_update()

    @staticmethod
    def born(leaf: Any) -> None:
        """Tell the recorder of a leaf that was made meanwhile, and so isn't from outside."""
        if (recorder := capture.recorder()) is not None:
            recorder.born(leaf)


class transforming(Mode):  # noqa: N801  (used like a function)
    """A transform calls the function that it differentiates within this."""

    asks = False
    suspends = no_grad


def in_transform() -> bool:
    """Whether this thread is within a transform, so that one called now is nested in it."""
    return transforming.active()


def recorded(wanted: bool) -> bool:
    """Whether an op is recorded in this thread's modes; ``wanted`` where an input asks for it."""
    if trace.entered and trace.latest() is not None:
        return True
    return wanted and not (no_grad.entered and no_grad.latest() is not None)
