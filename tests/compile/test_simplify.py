"""What programs are made into: the same values from fewer calls, whatever lies in the buffers."""

from __future__ import annotations

import contextlib
import gc
import re
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

import autograd_lite as ag
import nn

from ..each import each, examples, some
from .comparing import agree, assert_same

# ---------------------------------------------------------------------- random expressions

CONSTANTS: list[Any] = [
    0, 1, -1, 2, 3, 0.5, -2.0, True, np.float64(1.0), np.float64(-1.0), np.float32(2.0),
    np.uint8(3), np.True_, np.array(1.0), np.array(-1.0), np.ones(3), -np.ones((2, 3)),
    np.array([0.0, -0.0, 0.0]), np.zeros((2, 1)), np.arange(3.0), np.array([[1.0], [2.0]]),
    np.full((2, 3), 2.0), np.arange(3), np.float64("nan"), np.inf,
]  # fmt: skip
UNARY: dict[str, Callable[[Any], Any]] = {
    "negative": np.negative,
    "minus": lambda a: -a,
    "positive": np.positive,
    "square": lambda a: a**2,
    "cube": lambda a: a**3,
    "fourth": lambda a: np.power(a, 4),
    "first": lambda a: a**1,
    "zeroth": lambda a: a**0,
    "root": lambda a: abs(a) ** 0.5,
    "inverse": lambda a: a**-1.0,
    "exp": np.exp,
    "abs": np.absolute,
    "maximum": lambda a: np.maximum(a, 0.0),
    "copysign": lambda a: np.copysign(a, np.array([0.0, -0.0, 0.0])),
    "sum": np.sum,
    "sum0": lambda a: np.sum(a, axis=0),
    "sum1": lambda a: a.sum(axis=-1, keepdims=True),
    "sum01": lambda a: np.sum(a, axis=(0, 1), keepdims=True),
    "sumpos": lambda a: np.sum(a, 0),
    "mean": np.mean,
    "mean0": lambda a: np.mean(a, axis=0, keepdims=True),
    "mean1": lambda a: np.mean(a, 1),
    "max": lambda a: a.max(axis=0),
    "min": lambda a: np.min(a, keepdims=True),
    "prod": lambda a: np.prod(a, axis=1),
    "any": lambda a: np.any(a > 0, axis=0),
    "T": lambda a: a.T.T,
    "turned": lambda a: a.T.reshape(np.shape(a)),
    "transposed": lambda a: np.transpose(np.transpose(a, (1, 0)), (1, 0)),
    "mT": lambda a: np.matrix_transpose(np.matrix_transpose(a)),
    "flat": lambda a: (a.reshape(-1) * 2).reshape(np.shape(a)),
    "F": lambda a: np.reshape(np.reshape(a, -1, order="F"), np.shape(a)),
    "F2": lambda a: np.exp(np.reshape(a, np.shape(a)[::-1], order="F")).T,
    "F3": lambda a: np.reshape(np.reshape(a, -1), np.shape(a), order="F"),
    "real": np.real,
    "float": lambda a: a.astype(float),
    "float32": lambda a: a.astype(np.float32),
    "integer": lambda a: np.clip(np.nan_to_num(a), 0, 250).astype(np.uint8),
    "broadcast": lambda a: np.broadcast_to(a, (2, 2, 3))[1],
    "first row": lambda a: a[:1],
    "all of it": lambda a: a[...],
    "picked": lambda a: a[np.array([1, 0])],
    "joined": lambda a: np.concatenate([a.reshape(-1), (a * 2).reshape(-1)])[-6:].reshape(2, 3),
}
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "add": np.add,
    "subtract": np.subtract,
    "both": lambda a, b: (a - b) * (b - a),
    "negated": lambda a, b: (-a) * (-b),
    "-(a-b)": lambda a, b: -(a - b),
    "-a-b": lambda a, b: -a - b,
    "a+(-b)": lambda a, b: a + np.negative(b),
    "(-a)/b": lambda a, b: np.negative(a) / b,
    "power": lambda a, b: np.power(abs(a) + 0.1, b),
    "float_power": lambda a, b: np.float_power(abs(a) + 0.1, b),
    "dtype": lambda a, b: np.multiply(a, b, dtype=np.float64),
    "dot": lambda a, b: np.sum(a * b),
    "dots": lambda a, b: np.sum(a * b - b * a * 2),
    "squares": lambda a, b: np.add.reduce(np.square(a + b), None),
    "minimum": np.minimum,
    "where": lambda a, b: np.where(a > b, a, b),
    "less": lambda a, b: (a < b) * 1.5,
}
Steps = list[tuple[str, int, int]]


@st.composite
def expressions(draw: Any) -> Steps:
    names = sorted(UNARY | BINARY)
    return [
        (draw(st.sampled_from(names)), draw(st.integers(0, 40)), draw(st.integers(0, 40)))
        for _ in range(draw(st.integers(1, 14)))
    ]


def evaluated(steps: Steps, *given: Any) -> list[Any]:
    """All values of the right kind; a step that doesn't fit its operands isn't taken.

    Constants are among the operands; the shapes of values, and so the steps, depend on nothing.
    """
    values = list(given)
    for name, i, j in steps:
        operands = [*values, *CONSTANTS]
        a, b = values[i % len(values)], operands[j % len(operands)]
        try:
            value = UNARY[name](a) if name in UNARY else BINARY[name](a, b)
        except (ValueError, TypeError, IndexError, AttributeError, OverflowError):
            continue
        if np.ndim(value) <= 3:
            values.append(value)
    return values[len(given) :]


ENTRIES = [0.0, -0.0, 1.0, -1.0, 0.5, 3.0, -7.25, 255.0]
entries = st.lists(st.one_of(st.sampled_from(ENTRIES), st.floats(-9, 9)), min_size=9, max_size=9)


def points(*numbers: list[float]) -> list[Any]:
    return [(np.array(p[:6]).reshape(2, 3), np.array(p[6:])) for p in numbers]


def close(found: Any, expected: Any, single: bool = False) -> None:
    """As NumPy's own sums differ by their order: up to rounding, which large terms have more of."""
    a, b = np.asarray(found), np.asarray(expected)
    assert type(found) is type(expected)
    assert (a.shape, a.dtype) == (b.shape, b.dtype)
    if b.dtype.kind != "f":
        np.testing.assert_array_equal(a, b)
        return
    finite = np.abs(b[np.isfinite(b)])
    rtol = 1e-4 if single or b.dtype == np.float32 else 1e-9
    np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * finite.max(initial=1.0))


@settings(deadline=None, max_examples=examples(100), suppress_health_check=list(HealthCheck))
@given(expressions(), entries, entries)
@example([("integer", 0, 0), ("(-a)/b", 2, 3)], [0.0] * 9, [5.0] * 9)
@example([("integer", 0, 0), ("a+(-b)", 0, 2)], [0.0] * 9, [5.0] * 9)
@example([("integer", 0, 0), ("+", 2, 5)], [0.0] * 9, [5.0] * 9)  # NumPy: -1 is no uint8
@example([("negative", 0, 0), ("*", 2, 14)], [1.0] * 9, [5.0] * 9)
@example([("negative", 0, 0), ("*", 2, 15)], [1.0] * 9, [5.0] * 9)
@example([("float32", 0, 0), ("float_power", 2, 8)], [1.0] * 9, [0.3] * 9)
@example([("float32", 0, 0), ("dtype", 2, 8)], [1.0] * 9, [0.3] * 9)
def test_values_are_kept(steps: Steps, first: list[float], second: list[float]):
    def f(x: Any, y: Any) -> Any:
        return evaluated(steps, x, y)

    with np.errstate(all="ignore"), contextlib.suppress(ag.CompileError):  # what f catches
        compiled = ag.compile(f)
        compiled(*points(first)[0])
        for x, y in points(first, second, first):
            expected = f(x, y)
            assume(all(_tame(b) for b in expected))  # signed zeros make infinities of either sign
            for found, value in zip(compiled(x, y), expected, strict=True):
                close(
                    found,
                    value,
                    single={"float32", "integer"} & {name for name, *_ in steps} != set(),
                )


def _tame(b: Any) -> bool:
    b = np.asarray(b).astype(float)
    return bool(np.isfinite(b).all() and np.abs(b).max(initial=0) < 1e12)


@each(some(sorted((UNARY | BINARY).keys() - {"integer"}), 2), [np.inf, -np.inf, np.nan, 0.0, -0.0])
def test_infinities_and_nan_are_kept(name: str, special: float):
    def f(x: Any, y: Any) -> Any:
        found = []
        for c in (y, *CONSTANTS):
            try:
                found.append(UNARY[name](x) if name in UNARY else BINARY[name](x, c))
            except (TypeError, ValueError):
                continue
            if name in UNARY:
                break
        return found

    x = np.arange(6.0).reshape(2, 3)
    y = np.array([1.0, special, -2.0])
    with np.errstate(all="ignore"):
        compiled = ag.compile(f)
        for i in (1, 4, 2):
            for found, value in zip(compiled(x, y), f(x, y), strict=True):
                close(found, value)
            x = x.copy()
            x.flat[i] = special


REWRITTEN = {
    "a sum of products": (lambda x: np.sum(x * x[::-1]), "dot", "multiply"),
    "a mean of squares": (lambda x: np.mean((x - 1) ** 2), "dot", "square"),
    "a constant less a square": (lambda x: np.sum(np.ones((2, 3)) - x * x), "reduce", "dot"),
    "a sum over rows": (lambda x: np.sum(np.exp(x), axis=0), "dot", "reduce"),
    "twice the same": (lambda x: np.exp(x) * np.exp(x), "square|multiply", "exp.*exp.*exp"),
    "times 1": (lambda x: np.exp(x) * 1, "exp", "multiply"),
    "a negative added": (lambda x: np.exp(x) + -np.sin(x), "subtract", "negative"),
    "a cube": (lambda x: np.exp(x) ** 3, r"square(.|\n)*multiply", "power"),
    "a square": (lambda x: np.exp(x) ** 2, "square", "power"),
    "a broadcast": (lambda x: x + np.broadcast_to(x[:1], (2, 3)), "add", "broadcast_to"),
    "unused": (lambda x: (np.sin(x), np.cos(x))[1], "cos", "sin"),
}  # fmt: skip


@each(REWRITTEN)
def test_what_is_written_shorter(f: Any, there: str, gone: str):
    x = np.random.default_rng(0).normal(size=(2, 3))
    source = agree(f, x, -x, x * 2).source
    body = source[source.index("def prepare") :]
    assert re.search(there, body)
    assert not re.search(gone, body.replace("\n", ";"))


# ---------------------------------------------------------------------- buffers


def poisoned(monkeypatch: Any) -> None:
    """Whatever is allocated is full of nan (or of 77), and so is what a call leaves behind."""
    empty = np.empty

    def full(shape: Any, dtype: Any = float, **settings: Any) -> Any:
        array = empty(shape, dtype, **settings)
        array[...] = np.nan if array.dtype.kind in "fc" else True if array.dtype == bool else 77
        return array

    monkeypatch.setattr(np, "empty", full)


def buffers(function: Any) -> list[Any]:
    """The arrays that a prepared function keeps, but for constants."""
    cells = [c.cell_contents for c in function.__closure__ or ()]
    arrays = [x for x in cells if isinstance(x, np.ndarray)]
    for inner in cells:
        if callable(inner) and getattr(inner, "__closure__", None):
            arrays += buffers(inner)
    return arrays


@settings(deadline=None, max_examples=examples(60), suppress_health_check=list(HealthCheck))
@given(expressions(), entries, entries)
def test_buffers_hold_nothing_that_is_read_before_it_is_written(
    steps: Steps, first: list[float], second: list[float]
):
    def f(x: Any, y: Any) -> Any:
        return evaluated(steps, x, y)

    caught = contextlib.suppress(ag.CompileError)  # by f
    with np.errstate(all="ignore"), pytest.MonkeyPatch.context() as patch, caught:
        poisoned(patch)
        compiled = ag.compile(f)
        results = [compiled(*p) for p in points(first, second)]
        kept = [[np.array(r) for r in found] for found in results]
        again = [compiled(*p) for p in reversed(points(first, second))][::-1]
        for one, other, copies in zip(results, again, kept, strict=True):
            for a, b, c in zip(one, other, copies, strict=True):
                np.testing.assert_array_equal(a, b)
                np.testing.assert_array_equal(a, c)


def networks() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    made = {}
    for name, sizes, rows, activation in [
        ("A", [2, 2, 1], 1, "sigmoid"), ("B", [2, 5, 5, 1], 10, "sigmoid"),
        ("C", [3, 4, 4, 4, 2], 6, "relu"), ("large", [40, 60, 30, 1], 2000, "tanh"),
    ]:  # fmt: skip
        net = nn.MLP(sizes, activation, output="identity", rng=0)
        x, y = rng.normal(size=(rows, sizes[0])), (rng.normal(size=(rows, sizes[-1])) > 0) * 1.0
        made[name] = net, x, y
    return made


def gradients(net: Any) -> Any:
    parameters = list(net.parameters())

    def f(x: Any, y: Any) -> Any:
        value = nn.BCEWithLogitsLoss()(net(x), y)
        return value.data, [g.data for g in ag.gradients(value, parameters)]

    return f


@pytest.mark.parametrize("name", networks())
def test_buffers_may_be_poisoned_between_calls(name: str):
    net, x, y = networks()[name]
    f = gradients(net)
    compiled = agree(f, (x, y), (x * 2, 1 - y), rtol=1e-9)
    ((variant,),) = compiled._variants.values()
    function = variant._threads.function
    held = [a for a in buffers(function) if a.flags.writeable and a.dtype.kind == "f"]
    assert held
    first = compiled(x, y)
    for array in held:
        if not (array == 1).all():  # a column of ones stays
            array[...] = np.nan
    assert_same(compiled(x, y), first)


def test_a_view_of_what_lies_backwards_is_no_copy():
    def f(x: Any) -> Any:
        return np.sum(np.square((x * 2.0)[::-1]))

    agree(f, (np.array([[1.0], [2.0]]),), (np.array([[3.0], [5.0]]),))


# ---------------------------------------------------------------------- how much work it is

def test_a_part_of_a_concatenation_in_fortran_order_is_not_computed_in_its_place():
    def f(x: Any, y: Any) -> Any:
        parts = [np.reshape(x @ y, -1, order="F"), np.reshape(x * 2, -1)]
        return np.sum(np.concatenate(parts) * np.arange(8.0))

    ones = np.ones((2, 2))  # with which the order can't be seen
    agree(f, (ones, ones), (np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 5.0], [7.0, 2.0]])))


def test_a_compiled_function_keeps_no_values_of_its_recording():
    products = [np.full((64, 64), 1.0 + i / 100) for i in range(20)]

    def f(x: Any) -> Any:
        for w in products:
            x = np.tanh(x @ w)
        return np.sum(x)

    compiled, x = ag.compile(f), np.ones((64, 64))
    ag.compile(np.tanh)(x)  # what is imported by the first call, and kept, is there
    gc.collect()
    tracemalloc.start()
    try:
        compiled(x)
        gc.collect()
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    # A copy of each constant, to see that it's the same, one that is the function's own, buffers.
    assert held < (2 * len(products) + 6) * x.nbytes
