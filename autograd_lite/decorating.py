"""Functions whose calls are within a block: what a mode is as a decorator."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

from .engine.later import later


def within(block: Any, function: Any) -> Any:
    """``function`` with each of its calls, or steps where it has several, within ``block``.

    Raises:
        TypeError: it is no function, but a class, say.
    """
    if isinstance(function, (staticmethod, classmethod)):
        return type(function)(within(block, function.__func__))
    if isinstance(function, type) or not callable(function):
        name = type(block).__name__
        said = f"{name}: it takes nothing, and decorates functions and methods, not {function!r}"
        raise TypeError(f"{said}; write with {name}():")
    return functools.wraps(function)(_around(block, function))


def _around(block: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    async def streaming(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        inner = function(*args, **kwargs)
        step, sent = inner.asend, None
        while True:
            try:
                value = await _awaited(block, step(sent))
            except StopAsyncIteration:
                return
            try:
                step, sent = inner.asend, (yield value)
            except BaseException as error:  # thrown in, or it is closed
                step, sent = inner.athrow, error

    async def awaited(*args: Any, **kwargs: Any) -> Any:
        return await _awaited(block, function(*args, **kwargs))

    def generating(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        return (yield from _stepped(block, function(*args, **kwargs)))

    def called(*args: Any, **kwargs: Any) -> Any:
        with block:
            return function(*args, **kwargs)

    if inspect.isasyncgenfunction(function):
        return streaming
    if inspect.iscoroutinefunction(function):
        return awaited
    return generating if inspect.isgeneratorfunction(function) else called


def _stepped(block: Any, inner: Any) -> Generator[Any, Any, Any]:
    """What the generator ``inner`` does, each of its steps within ``block``."""
    step, sent = inner.send, None
    while True:
        try:
            with block:
                value = step(sent)
        except StopIteration as end:
            return end.value
        try:
            step, sent = inner.send, (yield value)
        except BaseException as error:
            step, sent = inner.throw, error


_awaited = types.coroutine(_stepped)
later.within = within
