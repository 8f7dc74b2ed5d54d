"""``jit=True``: the same program, run by JAX."""

from __future__ import annotations

import pickle
import sys
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.ops.special import NAMES as SCIPYS

from ..each import each
from .comparing import FIRST, assert_same, gradients_of

REFUSED = {"eig": "complex128", "eigh": "another way"}  # of real arrays; another phase
if np.iscomplexobj(np.linalg.eigvals(np.eye(1))):  # NumPy's, too, since 2.5
    del REFUSED["eig"]


def agree(f: Any, *calls: Any) -> Any:
    compiled = ag.compile(f, jit=True)
    for call in (*calls, calls[0]):
        assert_same(compiled(*call), f(*call), 1e-9)
    return compiled


OPS = FIRST.keys() - SCIPYS  # of which JAX has some, and refuses the others by name
OPS -= {"sliding_window_view", "fold"}  # likewise
NAMES = sorted(name for name in OPS if any(FIRST[name].op.vjps))


@each([NAMES[i::12] for i in range(4)])  # a third of them, since JAX takes long to compile
def test_the_op_table_s_gradients(names: list[str]):
    functions = [gradients_of(name) for name in names if name not in REFUSED]

    def f(given: list[Any]) -> Any:
        return sum(g(*xs) for (g, _), xs in zip(functions, given, strict=True))

    agree(ag.value_and_grad(f), ([xs for _, xs in functions],))


@each(list(REFUSED))
def test_what_jax_does_otherwise_is_refused(name: str):
    f, given = gradients_of(name)
    with pytest.raises(ag.CompileError, match=f"{REFUSED[name]}.*leave jit away"):
        ag.compile(ag.grad(f), jit=True)(*given)


def test_what_numpy_raises_is_raised():
    pick = ag.compile(lambda v, i: v[i] * 2, jit=True)
    np.testing.assert_array_equal(pick(np.arange(3.0), np.array([0, -1])), [0.0, 4.0])
    with pytest.raises(IndexError, match="out of bounds"):
        pick(np.arange(3.0), np.array([0, 3]))
    with pytest.raises(IndexError, match="out of bounds"):
        pick(np.arange(3.0), np.array([0, -4]))
    root = ag.compile(np.linalg.cholesky, jit=True)
    assert_same(root(np.eye(2) * 4), np.eye(2) * 2)
    with pytest.raises(np.linalg.LinAlgError):
        root(-np.eye(2))


def test_values_that_decide():
    agree(lambda x: x * 2 if x.sum() > 0 else -x, (np.ones(2),), (-np.ones(2),))


@pytest.mark.parametrize(("f", "first", "second"), [
    (lambda s: 1 / s, 2.0, 0.0), (lambda n: np.arange(1, 4) ** n, np.int64(2), np.int64(-1)),
    (lambda x: x.astype(np.int32), np.array([1.5, -2.5]), np.array([np.nan, 1e12])),
])  # fmt: skip
def test_values_of_which_python_or_numpy_makes_something_else(f: Any, first: Any, second: Any):
    compiled = ag.compile(f, jit=True)
    with np.errstate(invalid="ignore"):
        for x in (first, second, first):
            try:
                expected = f(x)
            except (ArithmeticError, ValueError) as error:
                with pytest.raises(type(error)):
                    compiled(x)
            else:
                assert_same(compiled(x), expected)


def test_errors_that_are_asked_for_and_types_of_numbers():
    log = ag.compile(np.log, jit=True)
    assert_same(log(np.ones(2)), np.zeros(2))
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        log(-np.ones(2))
    agree(lambda x, s: x * s, (np.ones(2, np.float32), 2.5), (np.ones(2, np.float32), 0.1))
    agree(lambda x: np.float_power(x, 0.7), (np.full(3, 0.3, np.float32),))
    with pytest.raises(ag.CompileError, match=r"^compile: np.nonzero can't be had with jit=True"):
        ag.compile(np.nonzero, jit=True)(np.ones(2))


def test_types_of_results_and_float32():
    agree(
        lambda x, n: (x.sum(), x * 0.1, {"n": n * x, "mean": np.mean(n)}, [x @ x.T, n // 2]),
        (np.ones((2, 3), np.float32), np.arange(3)),
        (np.full((2, 3), 1e-3, np.float32), np.arange(3) - 7),
    )


def test_a_loop_and_what_else_compile_promises():
    w = ag.Tensor(np.eye(2) * 0.5, requires_grad=True)

    class Loop:
        @ag.compile
        def plain(self, x: Any) -> Any:
            return x

        def run(self, x: Any) -> Any:
            for _ in range(5):
                x = np.tanh(x @ w.data)
            return x

    step = agree(Loop().run, (np.ones((3, 2)),))
    w.data = np.eye(2)
    assert_same(step(np.ones((3, 2))), Loop().run(np.ones((3, 2))))
    assert "tanh(" in step.source
    again = pickle.loads(pickle.dumps(ag.compile(np.tanh, jit=True)))
    assert_same(again(np.ones(2)), np.tanh(np.ones(2)))


def test_without_jax_the_extra_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    monkeypatch.delitem(sys.modules, "autograd_lite.compile.jit", raising=False)
    with pytest.raises(ImportError, match=r"^compile: jit=True needs jax: .*autograd_lite\[jit\]"):
        ag.compile(np.tanh, jit=True)


@pytest.mark.parametrize("lacking", [np.nonzero, lambda x: x[x > 0], np.trim_zeros])
def test_what_jax_lacks_is_named(lacking: Any):
    with pytest.raises(ag.CompileError):
        ag.compile(lacking, jit=True)(np.array([1.0, -1.0, 0.0]))


def test_orders_places_and_truths():
    x = np.array([[1.0, 2.0, 0.3], [0.5, -1.0, 2.5]])
    agree(ag.value_and_grad(lambda x: (np.sort(x) ** 2 * np.arange(3.0)).sum()), (x,))
    agree(ag.value_and_grad(lambda x: np.median(x, axis=0).sum() ** 2), (x,))
    agree(ag.value_and_grad(lambda x: np.interp(x, [0.0, 1.0, 2.0], [1.0, 3.0, 2.0]).sum()), (x,))
    agree(lambda x: np.multiply(True, x > 1), (x,))


def test_results_are_the_callers():
    """They are what JAX computed, uncopied: written to, they change nothing else."""
    fixed = np.arange(1000.0)
    f = lambda x: (y := x * 2, y, x, x.reshape(10, 100), fixed, np.full(1000, 3.0))  # noqa: E731
    compiled, x = ag.compile(f, jit=True), np.arange(1000.0)
    for _ in range(3):
        results = compiled(x)
        assert_same(results, f(np.arange(1000.0)))
        for i, result in enumerate(results):
            result[...] = i
    assert_same(x, np.arange(1000.0))
