"""Modes: blocks of code, in one thread or asynchronous task, in which ops run otherwise than usual.

A mode may say what is recorded, and may stand at each border of the engine: around an op, around
the rules of a step back, and where a value goes out of the graph. The engine calls whatever stands
there, and knows none by name.

An interrupt (Ctrl-C, a notebook's stop button) may come between any two instructions, also of
`__enter__` and `__exit__`, and then nothing runs that would put right what they had half done. So
a block is on only as long as something is alive that the with statement alone holds: what it calls
to leave. However the statement ends, it drops that, and the block is off.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from functools import partial
from typing import Any, ClassVar, TypeVar
from weakref import ref

from .later import later

F = TypeVar("F")
Run = Callable[..., Any]


class _Block(ref[Any]):
    """A block that is on, as long as what leaves it is alive."""

    __slots__ = ("mode",)
    mode: Mode
    __hash__ = object.__hash__  # a reference's own is unknown where it dies before it is asked for


class _Thread(threading.local):
    """What a thread has been given to leave blocks by."""

    def __init__(self) -> None:
        self.asked: list[ref[Any]] = []  # by with statements that are about to enter
        self.kept: list[tuple[type[Mode], Any]] = []  # where `__enter__` is called by hand


_thread = _Thread()
# Of a thread or a task, the outermost first; an interrupt leaves dead ones.
_blocks: ContextVar[tuple[_Block, ...]] = ContextVar("blocks", default=())


class _Exit:
    """``__exit__``: gives what leaves a block, a new one each time.

    A with statement asks for it before it calls ``__enter__``, and holds it to its end.
    """

    def __get__(self, mode: Mode | None, kind: type[Mode]) -> Callable[..., None]:
        leave = partial(_leave, kind, [])
        _thread.asked.append(ref(leave))
        return leave


def _leave(kind: type[Mode], forget: list[Callable[[], Any]], *exception: object) -> None:
    for step in forget:
        step()
    if not forget:  # it entered nothing: called by hand, as `__enter__` was
        kept = _thread.kept
        for i in [i for i, (entered, _) in enumerate(kept) if entered is kind][-1:]:
            kept.pop(i)[1]()


def _forget(block: _Block) -> None:
    _blocks.set(tuple(other for other in _blocks.get() if other is not block))


class Mode:
    """A kind of block. A thread or task that is within one doesn't disturb another that isn't.

    A block is a decorator, too, without parentheses where it takes nothing. Each step of a
    generator, or of what is awaited, is then within a block, and what runs in between is not.

    Attributes:
        entered: the blocks that are on in any thread: while there are none, `apply` asks no
            further.
        asks: whether blocks of this kind are among them.
        suspends: the kind whose blocks around one of this kind don't count within it.
        records: False where nothing is recorded within it, True where everything is.
        forward: into an op, ``(run, op, inputs, params)`` → the result; ``run`` of the same
            arguments is what stands within this mode.
        backward: through a rule, a layer of `pull`.
        innermost: whether ``backward`` stands next to the rules; else it stands around all layers.
        value: out of the graph, ``(tensor)`` → what is given as its array. The innermost prevails.
        born: told of each leaf that is made.
        read: told of each tensor whose gradient is asked for.
        write: told ``(tensor, what)`` before its data, or its ``"grad"``, is given another value.
        made: ``(array)`` → what code is given for an array that it makes. The innermost prevails.
    """

    entered: ClassVar[set[Any]] = set()
    asks = True
    suspends: type[Mode] | None = None
    records: ClassVar[bool | None] = None
    forward: Any = None
    backward: Any = None
    innermost = False
    value: Any = None
    born: Any = None
    read: Any = None
    write: Any = None
    made: Any = None

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
        return later.within(self, function)  # type: ignore[no-any-return]

    def __enter__(self) -> None:
        # No name may hold what leaves: the traceback of an interrupt would keep it alive.
        asked = _thread.asked
        while asked and asked[-1]() is None:
            asked.pop()
        if not asked:
            _thread.kept.append((type(self), partial(_leave, type(self), [])))
            asked.append(ref(_thread.kept[-1][1]))
        leave = asked.pop()
        block = _Block(leave(), Mode.entered.discard)
        block.mode = self
        if self.asks:
            Mode.entered.add(block)
            leave().args[1].append(partial(Mode.entered.discard, block))  # type: ignore[union-attr]
        _blocks.set((*(other for other in _blocks.get() if other() is not None), block))
        leave().args[1].append(partial(_forget, block))  # type: ignore[union-attr]

    __exit__ = _Exit()

    @classmethod
    def active(cls) -> bool:
        """Whether this thread is within such a block."""
        return any(type(mode) is cls for mode in modes())

    @classmethod
    def suspended(cls) -> Mode:
        """A block within which this thread counts as outside of such blocks."""
        block: Mode = _Suspension()
        block.suspends = cls
        return block


class _Suspension(Mode):
    asks = False


def modes() -> list[Mode]:
    """Those that this thread is within, the innermost first."""
    found: list[Mode] = []
    hidden: tuple[type[Mode], ...] = ()
    for block in reversed(_blocks.get()):
        if block() is not None and not isinstance(block.mode, hidden):
            found.append(block.mode)
            if block.mode.suspends is not None:
                hidden = (*hidden, block.mode.suspends)
    return found


def standing(border: str) -> list[Any]:
    """What this thread's modes do at a border, the innermost first."""
    acts = [getattr(mode, border) for mode in modes()] if Mode.entered else []
    return [act for act in acts if act is not None]


def tell(border: str, *what: Any) -> None:
    """Let the modes that want to know of something know it."""
    for act in standing(border):
        act(*what)


def composed(run: Run) -> tuple[Run, bool | None]:
    """``run(op, inputs, params)`` with this thread's modes around it, and what they record."""
    records = None
    for mode in modes():
        if mode.forward is not None:
            run = partial(mode.forward, run)
        if mode.records is not None:
            records = records or mode.records
    return run, records


def layered(layers: Iterable[Any]) -> list[Any]:
    """The layers of a `pull`, the innermost first, with those of modes beneath and around them."""
    within = [mode for mode in modes() if mode.backward is not None]
    inner = [mode.backward for mode in within if mode.innermost]
    return [*inner, *layers, *(mode.backward for mode in within if not mode.innermost)]


def recorded(asked: Any) -> Any:
    """Whether an op is recorded in this thread's modes; ``asked`` where an input asks for it."""
    return wanted(asked, composed(partial)[1])  # whatever is run


def wanted(asked: Any, records: bool | None) -> Any:
    """Whether an op is recorded: as asked for, where modes say nothing else."""
    return asked if records is None else records and (asked or True)


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

    records = False


class trace(Mode):  # noqa: N801  (used like a function)
    """Within it, in this thread, everything that is computed from a Tensor is recorded.

    Also what needs no gradient, and comparisons, which else give plain arrays: so that it can be
    seen afterwards where each number came from. It prevails over `no_grad`.
    """

    records = True
