"""Results belong to the caller: no later call, argument, parameter or other result shares them."""

from __future__ import annotations

import re
import tracemalloc
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_lite as ag
import nn
from autograd_lite import Tensor

from ..each import each, examples
from .comparing import assert_same, memory

CONSTANT = np.arange(9.0).reshape(3, 3)
PARAMETER = Tensor(np.arange(9.0).reshape(3, 3), requires_grad=True)
OTHER = Tensor(np.arange(9.0).reshape(3, 3))
NET = nn.MLP([3, 5, 5, 1], "tanh", output="identity", rng=0)


def held() -> list[Any]:
    return [CONSTANT, PARAMETER.data, OTHER.data, *(p.data for p in NET.parameters())]


def gradients(loss: Any) -> Any:
    return lambda x: [g.data for g in ag.gradients(loss(NET(x), x[:, :1]), NET.parameters())]

FUNCTIONS = {
    "itself": lambda x: x,
    "itself twice": lambda x: (x, x),
    "a result twice": lambda x: (lambda e: (e, e, e.T, e[0], e))(np.exp(x)),
    "its parts": lambda x: (lambda e: (e[0], e, e.ravel()))(np.exp(x) + 1),
    "a constant": lambda x: (CONSTANT, CONSTANT, CONSTANT.T, x),
    "a parameter": lambda x: (
        PARAMETER.data, PARAMETER.detach(), PARAMETER.T.data, (PARAMETER * 1).data, OTHER, x
    ),
    "a new tensor": lambda x: (Tensor(x), Tensor(x).data),
    "x.T": lambda x: x.T,
    "x[0]": lambda x: x[0],
    "x[::-1]": lambda x: x[::-1],
    "x[...]": lambda x: x[...],
    "x.real": lambda x: x.real,
    "+x": lambda x: +x,
    "x * 1": lambda x: (x * 1, x + 0, x / 1, x**1, x - 0, np.negative(-x)),
    "x.astype": lambda x: (x.astype(float), x.astype(float, copy=False), x.copy()),
    "einsum": lambda x: (np.einsum("ii->i", x), np.einsum("ij->ji", x), np.einsum("ij->ij", x)),
    "linalg": lambda x: (np.linalg.diagonal(x), np.linalg.matrix_transpose(x)),
    "matrix_power": lambda x: np.linalg.matrix_power(x, 1),
    "multi_dot": lambda x: np.linalg.multi_dot([x, x]),
    **{f.__name__: f for f in (
        np.real, np.ravel, np.positive, np.conj, np.diagonal, np.squeeze, np.transpose, np.copy,
        np.sort, np.nan_to_num, np.atleast_2d, np.matrix_transpose, np.fliplr, np.rot90, np.unstack,
        np.cumsum, np.tril,
    )},
    "split": lambda x: np.split(x, 3),
    "reshape": lambda x: x.reshape(-1),
    "broadcast_to": lambda x: np.broadcast_to(x, (2, 3, 3)),
    "broadcast_arrays": lambda x: np.broadcast_arrays(x, x),
    "meshgrid": lambda x: np.meshgrid(x[0], x[1], copy=False, sparse=True),
    "expand_dims": lambda x: np.expand_dims(x, 0),
    "where": lambda x: (np.where(True, x, x), np.select([True], [x], 0.0)),
    "copies that may be none": lambda x: (
        np.nan_to_num(x, copy=False), np.diff(x, n=0), np.roll(x, 0), np.tile(x, 1), np.pad(x, 0),
        np.repeat(x, 1), np.resize(x, (3, 3)), np.round(x, 9), np.clip(x, None, 99.0),
        np.concatenate([x]), np.take(x, [0, 1, 2], 0), np.sum(x, axis=()), np.delete(x, [], 0),
    ),
    "a gradient": ag.value_and_grad(lambda x: np.sum(x * CONSTANT)),
    "a network's gradients": gradients(nn.MSELoss()),
    "a network's gradients by logits": gradients(nn.BCEWithLogitsLoss()),
    "a gradient that is another": ag.grad(lambda x, y: np.sum(x) + np.sum(y * x), (0, 1)),
}  # fmt: skip


@each(FUNCTIONS)
def test_results_are_the_caller_s(f: Any):
    takes_two = f is FUNCTIONS["a gradient that is another"]
    kept = [a.copy() for a in held()]
    x = np.random.default_rng(0).uniform(1, 2, (3, 3))
    given = (x, x.copy()) if takes_two else (x,)
    before = [a.copy() for a in given]
    compiled = ag.compile(f)
    earlier: list[Any] = []
    for _ in range(3):  # the first call compiles
        results = memory(compiled(*given))
        assert results
        for i, result in enumerate(results):
            assert result.flags.writeable
            for other in (*given, *results[:i], *earlier, *held()):
                assert not np.shares_memory(result, other)
        values = [r.copy() for r in results]
        compiled(*(a + 1 for a in given))
        for result, value in zip(results, values, strict=True):
            np.testing.assert_array_equal(result, value)
        for result, expected in zip(results, memory(f(*given)), strict=True):
            np.testing.assert_allclose(result, expected)
            result[...] = 77.0  # theirs to write to
        earlier += results
        for a, b in zip(given, before, strict=True):
            np.testing.assert_array_equal(a, b)
        for a, b in zip(held(), kept, strict=True):
            np.testing.assert_array_equal(a, b)


def test_arguments_may_be_the_same_array_or_a_result():
    compiled = ag.compile(lambda a, b, c: (a * b, b - c, a))
    for found, expected in zip(
        compiled(CONSTANT, CONSTANT, CONSTANT), (CONSTANT**2, 0 * CONSTANT, CONSTANT), strict=True
    ):
        np.testing.assert_array_equal(found, expected)
    again = ag.compile(lambda x: np.exp(-np.tanh(x) * 0.5) + x)
    ours = theirs = np.linspace(-1, 1, 5)
    for _ in range(5):
        ours, theirs = again(ours), np.exp(-np.tanh(theirs) * 0.5) + theirs
    np.testing.assert_allclose(ours, theirs, rtol=1e-13)


def test_arrays_that_are_closed_over_are_seen_to_change():
    for shape in ((2, 3), (3,), (), (40, 3), (40_000, 3)):
        array = np.full(shape, 2.0)
        x = np.ones(np.broadcast_shapes(shape, (2, 3) if len(shape) < 2 else shape))
        compiled = ag.compile(lambda x, array=array: (x * array, np.maximum(x, array * 2)))
        for _ in range(3):
            for a, b in zip(compiled(x), (x * array, np.maximum(x, array * 2)), strict=True):
                np.testing.assert_array_equal(a, b)
            array *= -1.5


def test_results_lie_where_values_were_that_are_dead_and_are_new_at_each_call():
    x, ws = np.ones((64, 64)), [np.full((64, 64), 0.5 + i / 9) for i in range(9)]

    def f(ws: list[Any]) -> Any:
        h = x
        for w in ws:
            h = np.tanh(h * w)
        return np.sum(h)

    def held() -> int:
        tracemalloc.start()
        try:
            kept.append(compiled(ws))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    compiled, expected = ag.compile(ag.grad(f)), ag.grad(f)(ws)
    kept = [compiled(ws), compiled([-w for w in ws])]
    assert held() < (len(ws) + 0.5) * x.nbytes
    for a, b, c, e in zip(*kept, expected, strict=True):
        assert not any(np.shares_memory(*pair) for pair in ((a, b), (b, c), (a, c)))
        np.testing.assert_allclose(a, e, rtol=1e-12)
        np.testing.assert_array_equal(a, c)
    assert compiled.source.count("np.empty") <= 2


# ---------------------------------------------------------------------- arrays that are written to

MADE = [
    "{n} = {a} * 2.0", "{n} = np.sin({a})", "{n} = {a}.copy()", "{n} = np.zeros_like({a})",
    "{n} = +{a}", "{n} = {a}[[1, 0, 2]]", "{n} = {a}.astype(float)", "{n} = np.cumsum({a}, axis=0)",
    "{n} = np.where({a} > 0, {a}, {b})", "{n} = np.concatenate([{a}[:1], {b}[1:]])",
    "{n} = np.clip({a}, -1.0, 1.0)", "{n} = np.sort({a}, axis=0)", "{n} = Tensor({a}).data",
]  # fmt: skip
SHOWN = [
    "{n} = {a}[..., ::-1]", "{n} = [*{a}[None]][0]", "{n} = {a}[None][0, ::-1]",
    "{n} = {a}", "{n} = {a}[:]", "{n} = {a}.T", "{n} = {a}[::-1]", "{n} = np.real({a})",
    "{n} = {a}.ravel().reshape(3, 3)", "{n} = {a}.conj()", "{n} = np.atleast_2d({a})",
    "{n} = np.nan_to_num({a}, copy=False)", "{n} = np.moveaxis({a}, 0, 1)", "{n} = np.flip({a})",
]  # fmt: skip
WRITTEN = [
    "{a}[{i}] = {b}[{j}] * 1.5", "{a}[:, {i}] = 7.0", "{a} += {b}", "{a} *= 0.5",
    "{a} -= {a}.mean()", "{a}[{a} > 0.5] = 0.0", "{a}[[0, {i}]] -= 1.0", "{a}[...] = {b} * 2.0",
    "np.add.at({a}, [0, {i}], 1.0)", "{a}[{i}] = {a}[{j}] - {b}[{i}]", "del {a}",
    "{a}[{i}] += {b}[{j}]", "{a}[1:][:, {i}] = {b}[{j}, {i}]", "{a}[{i}, {j}] *= 2.0",
    "for row in {a}: row -= {b}[{i}]", "np.subtract({a}, {b}, out={a})", "{a}[:, 1:] /= 3.0",
    "np.maximum({b}[{i}], 0.1, out={a}[{j}])", "{a}.sort(axis=0)", "{a}[{i}].fill(0.25)",
    "np.clip({a}, -0.5, 0.5, out={a})", "np.cumsum({b}, axis=0, out={a})",
    "np.fill_diagonal({a}, {b}[{i}])", "np.copyto({a}, {b}, where={b} > 0)",
]  # fmt: skip


@st.composite
def writing(draw: Any) -> str:
    """A function that makes arrays, views of them, and writes to them."""
    lines, names = list[str](), ["x"]
    for k in range(draw(st.integers(4, 9))):
        own = names[-3:] if names[1:] else names
        kinds = [MADE, SHOWN, WRITTEN, WRITTEN] if names[1:] else [MADE]
        line = draw(st.sampled_from(draw(st.sampled_from(kinds))))
        a = draw(st.sampled_from([name for name in own if name != "x"] or own))
        i, j, b = draw(st.integers(0, 2)), draw(st.integers(0, 2)), draw(st.sampled_from(names))
        lines.append(line.format(n=f"v{k}", a=a, b=b, i=i, j=j))
        names += [f"v{k}"] if "{n}" in line else []
        names = [name for name in names if lines[-1] != f"del {name}"]
    return "\n    ".join(["def f(x):", *lines, f"return [{', '.join(names[1:])}]"])


@settings(deadline=None, max_examples=examples(150))
@given(writing(), st.integers(0, 99))
def test_arrays_that_are_written_to_show_it_or_are_refused(code: str, seed: int):
    held: dict[str, Any] = {"np": np, "Tensor": Tensor}
    exec(code, held)
    compiled, (x, y, z) = ag.compile(held["f"]), np.random.default_rng(seed).normal(size=(3, 3, 3))
    try:
        for array in (x, y, np.where(z > 0, z, 0.0)):
            assert_same(compiled(array), held["f"](array.copy()))
    except (ValueError, ag.CompileError) as error:
        if not re.search("in place|read-only", str(error)):
            raise
