"""How much is done, counted and not timed: calls, memory, imports.

What is counted is the same on every machine, but for a few bytes; the limits leave some room.
"""

from __future__ import annotations

import gc
import operator
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite import Tensor
from autograd_lite.engine.tensor import FOREIGN
from autograd_lite.graph import walk

from .each import each

# ---------------------------------------------------------------------- calls


class Counted(np.ndarray):
    """An array that counts what NumPy is asked to compute with it."""

    calls = 0

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        Counted.calls += 1
        plain = [x.view(np.ndarray) if isinstance(x, Counted) else x for x in inputs]
        return counted(getattr(ufunc, method)(*plain, **kwargs))

    def dot(self, other: Any, out: None = None) -> Any:
        Counted.calls += 1
        return counted(self.view(np.ndarray).dot(np.asarray(other)))


def counted(x: Any) -> Any:
    """An array to count with; a number is computed with in no time."""
    return x.view(Counted) if np.ndim(x) else x


def numpy_calls(f: Callable[..., Any], *args: Any, **kwargs: Any) -> int:
    before = Counted.calls
    f(*[counted(np.asarray(a)[()]) for a in args], **kwargs)
    return Counted.calls - before


def python_calls(f: Callable[[], Any]) -> int:
    """The calls of Python functions within ``f``, its own among them; none of what others left."""
    calls = 0

    def count(frame: Any, event: str, _: Any) -> None:
        nonlocal calls
        calls += event == "call"

    gc.collect()
    gc.disable()
    sys.setprofile(count)
    try:
        f()
    finally:
        sys.setprofile(None)
        gc.enable()
    return calls


def training(sizes: list[int], batch: int) -> tuple[Callable[[], Tensor], nn.SGD]:
    rng = np.random.default_rng(0)
    net = nn.MLP(sizes, rng=0)
    optimizer, loss = nn.SGD(net.parameters(), lr=0.1), nn.BCELoss()
    x, y = Tensor(rng.normal(size=(batch, sizes[0]))), Tensor(np.ones((batch, 1)))

    def step() -> Tensor:
        optimizer.zero_grad()
        value = loss(net(x), y)
        value.backward()
        optimizer.step()
        return value

    step()
    return step, optimizer


NETWORKS = pytest.mark.parametrize(
    ("sizes", "batch", "most_numpy", "most_python"),
    [([2, 2, 1], 1, 47, 46), ([2, 5, 5, 1], 10, 62, 59)],
    ids=["2-2-1", "2-5-5-1"],
)


@NETWORKS
def test_a_training_step_asks_numpy_for_little(sizes, batch, most_numpy, most_python):
    step, optimizer = training(sizes, batch)
    found = 0
    for tensor in walk(step()):
        if tensor._op is not None:
            found += numpy_calls(tensor._op.forward, *tensor._arrays, **tensor._params)
            for x, vjp in zip(tensor._inputs, tensor._op.vjps, strict=True):
                if x._tracked:
                    g = np.ones(tensor.shape)
                    args = (g, tensor._array, *tensor._arrays)
                    found += numpy_calls(vjp, *args, **tensor._params)
    assert found + 2 * len(optimizer.parameters) <= most_numpy  # α g, and its subtraction


@NETWORKS
def test_a_training_step_calls_few_functions(sizes, batch, most_numpy, most_python):
    met = set(FOREIGN)  # where another library's arrays were met, more is asked
    FOREIGN.clear()
    try:
        step, _ = training(sizes, batch)
        assert python_calls(step) <= most_python
    finally:
        FOREIGN.update(met)


@pytest.mark.parametrize(
    ("op", "args", "forward", "backward"),
    [
        (ag.sigmoid, (np.ones((2, 3)),), 4, 3),
        (ag.tanh, (np.ones((2, 3)),), 1, 3),
        (nn.BCELoss.op, (np.full((4, 1), 0.5), np.ones((4, 1))), 9, 9),
        (ag.linear, (np.ones((4, 2)), np.ones((2, 3)), np.ones((1, 3))), 2, 1),
    ],
    ids=lambda x: getattr(x, "name", None),
)
def test_the_calls_of_an_op(op: Any, args: Any, forward: int, backward: int):
    params = {"reduction": "mean"} if op is nn.BCELoss.op else {}
    out = op.forward(*args, **params)
    assert numpy_calls(op.forward, *args, **params) == forward
    assert numpy_calls(op.vjps[0], np.ones(np.shape(out)), out, *args, **params) == backward


def test_a_compiled_call_asks_no_more_of_more_given_entries():
    def calls(n: int) -> int:
        compiled = ag.compile(partial(operator.mul, np.ones(n)))
        compiled(np.ones(n))
        return python_calls(lambda: compiled(np.ones(n)))

    assert calls(2) == calls(500)


def test_an_unwanted_graph_costs_next_to_nothing():
    x, constant = Tensor([1.0, 2.0], requires_grad=True), Tensor([1.0, 2.0])
    results: list[Any] = []
    with ag.no_grad():
        assert python_calls(lambda: results.append(x + x)) == 7  # two of modes
        assert python_calls(lambda: results.append(ag.tanh(x))) == 7
    assert python_calls(lambda: results.append(constant + constant)) == 4
    assert all(y.is_leaf and not hasattr(y, "_inputs") for y in results)


# ---------------------------------------------------------------------- memory


def traced(f: Callable[[], Any]) -> tuple[Any, int, int]:
    """What ``f`` returns, the bytes that it left allocated, and their peak."""
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        result = f()
        after, peak = tracemalloc.get_traced_memory()
        return result, after - before, peak - before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("shape", [(), (3,)], ids=["a number", "a vector"])
def test_the_bytes_of_a_recorded_op(shape: tuple[int, ...]):
    n = 1000
    a, b = (Tensor(np.full(shape, value), requires_grad=True) for value in (0.9, 0.1))

    def chain(y: Any) -> Any:
        for _ in range(n):
            y = y * a + b
        return y

    def arrays_only() -> list[Any]:
        return [np.array(a._array * 1.0) for _ in range(2 * n)]

    chain(a)
    graph, held, _ = traced(lambda: chain(a))
    arrays, in_arrays, _ = traced(arrays_only)
    assert len(arrays) == 2 * n
    assert graph.requires_grad
    assert (held - in_arrays) / (2 * n) <= 300
    with ag.no_grad():
        _, held, _ = traced(lambda: chain(a))
    assert held < 2000


ROWS, WIDTH, LAYERS = 64, 64, 50
BYTES = ROWS * WIDTH * 8


def network(step: Callable[[Any, Tensor], Any]) -> tuple[Tensor, list[Tensor]]:
    """A number that is computed in steps, and what each of them is given."""
    rng = np.random.default_rng(0)
    ws = [Tensor(rng.normal(size=(WIDTH, WIDTH)) / 8, requires_grad=True) for _ in range(LAYERS)]
    y: Any = Tensor(np.ones((ROWS, WIDTH)), requires_grad=True)
    for w in ws:
        y = step(y, w)
    return y.sum(), ws


@each({
    # Alive at once: the cotangent of a result and of its input, and where a result is used twice
    # that of the first use, too.
    "tanh(x w)": (lambda y, w: ag.tanh(y * w), 2),
    "relu(x w)": (lambda y, w: ag.relu(y * w), 2),
    "layers": (lambda y, w: y @ w, 2),
    "residual layers": (lambda y, w: y + ag.tanh(y @ w), 3),
})
def test_the_peak_of_a_backward_pass(step: Any, alive: int):
    (loss, ws), graph, _ = traced(lambda: network(step))
    _, _, peak = traced(loss.backward)
    gradients = sum(w.grad.nbytes for w in ws) + BYTES
    assert peak <= gradients + (alive + 0.5) * BYTES
    assert graph + peak <= 1.1 * (graph + gradients)


def test_a_second_backward_pass_keeps_no_more_than_the_sums():
    loss, ws = network(operator.matmul)

    def second() -> tuple[int, int]:
        loss.backward()
        first = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        loss.backward()
        after, peak = tracemalloc.get_traced_memory()
        return after - first, peak - first

    (held, peak), _, _ = traced(second)
    assert held <= BYTES / 4  # the sums take the place of the first gradients
    assert peak <= sum(w.grad.nbytes for w in ws) + 4 * BYTES


# ---------------------------------------------------------------------- imports


def test_a_bare_import_leaves_out_what_most_programs_never_use():
    code = (
        "import sys, numpy; before = set(sys.modules); import autograd_lite as ag; "
        "print(*(set(sys.modules) - before)); "
        "ag.Figure, ag.Derivation, ag.check_grads, ag.testing; print(*dir(ag)); "
        "assert callable(ag.draw) and callable(ag.derive) and callable(ag.check_backprop)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    imported, offered = map(str.split, done.stdout.splitlines())
    late = {"graphviz", "hypothesis", "sympy", "dataclasses", "subprocess", "xml", "html",
            "random", "numpy.random", "autograd_lite.testing", "nn"}  # fmt: skip
    assert not late.intersection(imported)
    ours = [name for name in imported if name.startswith("autograd_lite.")]
    for part in ("draw", "derive", "check"):
        assert not [name for name in ours if name.startswith(f"autograd_lite.{part}.")]
    assert set(ag.__all__) | {"tanh", "testing"} <= set(offered)
