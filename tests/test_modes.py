"""Blocks: what an interrupt leaves of them, and functions that are within one."""

from __future__ import annotations

import asyncio
import gc
import inspect
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.engine.modes import modes
from autograd_lite.modes import Mode, capture, no_grad, trace
from autograd_lite.transforms import transforming

W = Tensor([1.0, 2.0], requires_grad=True)
BLOCKS: dict[str, Callable[[], Mode]] = {
    "no_grad": no_grad,
    "trace": trace,
    "capture": capture,
    "transforming": transforming,
    "detect_anomaly": ag.detect_anomaly,
    "source_lines": ag.source_lines,
    "suspended": no_grad.suspended,
}


def state() -> list[Any]:
    return [Mode.open, modes(), no_grad.depth.value, capture.depth.value]


def once(block: Mode) -> None:
    with block:
        pass


def returning(block: Mode) -> int:
    with block:
        return 1


def raising(block: Mode) -> None:
    try:
        with block:
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass


def nested(block: Mode) -> None:
    with block, no_grad(), block:
        pass


def decorated(block: Mode) -> None:
    block(abs)(0.0)


def steps_of(block: Mode) -> None:
    def values() -> Any:
        yield 1

    list(block(values)())


def interrupted(run: Callable[[], Any], at: int) -> KeyboardInterrupt | None:
    """The interrupt that came before the instruction of that number, of any frame within."""
    count, before = 0, sys.gettrace()

    def step(frame: Any, event: str, _: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes = True
        count += event == "opcode"
        if count > at:
            sys.settrace(None)
            raise KeyboardInterrupt
        return step

    gc.disable()  # what others do in a collection is none of ours
    sys.settrace(step)
    try:
        run()
    except KeyboardInterrupt as interrupt:
        return interrupt
    finally:
        sys.settrace(before)
        gc.enable()
    return None


@pytest.mark.parametrize("use", [once, returning, raising, nested, decorated, steps_of])
def test_no_interrupt_leaves_a_mode_on(use: Any):
    for name, kind in BLOCKS.items():
        for outer in (None, no_grad()):
            with ExitStack() as stack:
                if outer is not None:
                    stack.enter_context(outer)
                before, block, at = state(), kind(), 0
                use(block)
                while (interrupt := interrupted(lambda: use(block), at)) is not None:  # noqa: B023
                    # Its traceback is alive here, as in a notebook.
                    assert state() == before, (name, at, interrupt.__traceback__)
                    assert (W * 2).requires_grad is (outer is None), (name, at)
                    at += 1
                assert at > 50
    assert not Mode.entered


def test_blocks_that_are_entered_and_left_out_of_order_or_by_hand():
    first, second = no_grad(), ag.source_lines()
    first.__enter__()
    second.__enter__()
    no_grad().__enter__()
    assert list(map(type, modes())) == [no_grad, ag.source_lines, no_grad]
    first.__exit__(None, None, None)
    first.__exit__(None, None, None)
    assert (no_grad.active(), ag.source_lines.active()) == (False, True)
    second.__exit__(None, None, None)
    first.__exit__(None, None, None)  # once too often
    assert not Mode.entered

    def held() -> Any:
        with first:
            yield (W * 2).requires_grad

    inner = held()
    assert next(inner) is False
    with no_grad.suspended():
        inner.close()
        assert (W * 2).requires_grad
    assert (modes(), (W * 2).requires_grad) == ([], True)


def wanted() -> bool:
    return (W * 2).requires_grad


def test_a_task_within_a_block_disturbs_no_other_and_hands_it_to_its_own():
    async def infers() -> list[bool]:
        with no_grad():
            await asyncio.sleep(0)
            return [wanted(), await asyncio.create_task(trains()), await asyncio.to_thread(wanted)]

    async def trains() -> bool:
        await asyncio.sleep(0)
        return wanted()

    async def both() -> Any:
        return await asyncio.gather(infers(), trains())

    assert asyncio.run(both()) == [[False] * 3, True]
    assert (modes(), wanted()) == ([], True)


def test_a_block_decorates_whatever_is_called():
    for decorator in (no_grad, no_grad()):

        class Net:
            @decorator
            def method(self, x: Any = 1) -> Any:
                """Doc."""
                return wanted(), x

            @decorator
            @classmethod
            def of_class(cls) -> Any:
                return wanted(), cls

            @staticmethod
            @decorator
            def static() -> Any:
                return wanted()

        assert Net().method(x=3) == (False, 3)
        assert Net.of_class() == (False, Net)
        assert Net.static() is False
        assert (Net.method.__name__, Net.method.__doc__) == ("method", "Doc.")
    for wrong in (5, None, Net):
        with pytest.raises(TypeError, match=r"no_grad: .* write with no_grad\(\):"):
            no_grad(wrong)


def test_only_the_steps_of_a_generator_are_within_the_block():
    @no_grad
    def steps(n: int) -> Any:
        """Gives what it is sent, and what it is thrown."""
        sent = None
        try:
            while n:
                try:
                    sent = yield wanted(), sent
                except KeyError as error:
                    sent = error
                n -= 1
            return wanted()
        finally:
            left.append(wanted())

    left: list[bool] = []
    assert inspect.isgeneratorfunction(steps)
    inner, error = steps(3), KeyError()
    assert next(inner) == (False, None)
    assert wanted()
    assert inner.send(5) == (False, 5)
    assert inner.throw(error) == (False, error)
    with pytest.raises(StopIteration) as end:
        next(inner)
    assert end.value.value is False
    assert len(list(steps(2))) == 2
    abandoned = steps(2)
    next(abandoned)
    abandoned.close()
    assert left == [False] * 3
    assert (modes(), wanted()) == ([], True)


def test_only_the_steps_of_what_is_awaited_are_within_the_block():
    seen: list[bool] = []

    @no_grad
    async def slowly(n: int) -> Any:
        await asyncio.sleep(0)
        if n < 0:
            raise KeyError(n)
        return wanted(), n

    @no_grad
    async def several(n: int) -> Any:
        try:
            for i in range(n):
                await asyncio.sleep(0)
                got = yield wanted(), i
                assert got is None or not wanted()
        finally:
            seen.append(wanted())

    async def beside() -> None:
        for _ in range(5):
            assert wanted()
            await asyncio.sleep(0)

    async def main() -> None:
        found = await asyncio.gather(slowly(1), beside(), slowly(2))
        assert found == [(False, 1), None, (False, 2)]
        with pytest.raises(KeyError):
            await slowly(-1)
        assert [x async for x in several(2)] == [(False, 0), (False, 1)]
        inner = several(3)
        await anext(inner)
        assert await inner.asend("sent") == (False, 1)
        await inner.aclose()

    assert inspect.iscoroutinefunction(slowly)
    assert inspect.isasyncgenfunction(several)
    asyncio.run(main())
    assert seen == [False, False]
    assert (modes(), wanted()) == ([], True)
