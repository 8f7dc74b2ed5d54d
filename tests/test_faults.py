"""What goes wrong, and what is large: anomalies, threads, exceptions, long graphs."""

from __future__ import annotations

import gc
import inspect
import sys
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import Op, Tensor
from autograd_lite.engine.modes import Mode
from autograd_lite.transforms import transforming

from .coverage.calls import CALLS
from .each import examples


def V(data: Any, **kwargs: Any) -> Tensor:  # noqa: N802  (a variable)
    return Tensor(data, requires_grad=True, **kwargs)


@pytest.fixture(autouse=True)
def _no_state_is_left() -> Iterator[None]:
    before, settings = len(Mode.entered), np.geterr()
    yield
    assert (len(Mode.entered), np.geterr()) == (before, settings)
    assert not any((transforming.active(), ag.no_grad.active(), ag.detect_anomaly.active()))


# ---------------------------------------------------------------------- detect_anomaly


def test_the_forward_pass_names_op_line_and_entries():
    x = V([1.0, -4.0, 0.0, 9.0], name="x")
    with ag.detect_anomaly():
        y = x * 2.0
        line = inspect.currentframe().f_lineno + 2
        with pytest.raises(FloatingPointError) as caught:
            np.sqrt(y)
    assert str(caught.value).splitlines() == [
        "sqrt: its result has 1 entry that is not finite: [1] = nan",
        f"  at {__file__}:{line}, in test_the_forward_pass_names_op_line_and_entries",
        "  operand 0 of shape (4,), [1] = -8",
    ]
    with ag.detect_anomaly(), pytest.raises(FloatingPointError) as caught:
        np.log(V(np.zeros((3, 2)), name="p"))
    said = str(caught.value)
    assert "log: its result has 6 entries that are not finite: [0, 0] = -inf, [0, 1] = -inf" in said
    assert "[1, 0] = -inf, …" in said
    assert "p of shape (3, 2), [0, 0] = 0" in said
    with ag.detect_anomaly(), pytest.raises(FloatingPointError, match=r"\[2\] = -inf\n"):
        np.log(V(np.zeros(3)))


def test_what_was_not_finite_before():
    bad = V([1.0, np.nan], name="bad")
    with ag.detect_anomaly():
        with pytest.raises(FloatingPointError, match=r"exp: its operand bad of shape .* = nan"):
            np.exp(bad)
        far = V([0.0, -np.inf])  # inf goes in on purpose: masked logits
        assert np.exp(far).data.tolist() == [1.0, 0.0]
        with pytest.raises(FloatingPointError, match="subtract: its result has 1 entry"):
            far - far
        assert (V([1, 2], dtype=complex) * 1j).requires_grad
        assert ag.where(np.array([True, False]), V(1.0), 2.0).requires_grad


def square_root_of(x: Any) -> Any:
    return np.sqrt(x)


def test_the_backward_pass_names_the_line_of_the_forward_pass():
    x = V([1.0, 0.0], name="x")
    line = inspect.getsourcelines(square_root_of)[1] + 1
    with ag.detect_anomaly():
        y = square_root_of(x).sum()
        for call in (
            lambda: y.backward(),
            lambda: ag.gradients(y, [x], create_graph=True),
            lambda: ag.grad(lambda x: square_root_of(x).sum())(x.data),
            lambda: ag.jvp(square_root_of, (x.data,), (np.ones(2),)),
            lambda: ag.jacobian(square_root_of)(x.data),
        ):
            with pytest.raises(FloatingPointError) as caught:
                call()
            said = str(caught.value)
            assert "divide" in said or "backward of sqrt: the cotangent of" in said
            assert f"{__file__}:" in said
        with pytest.raises(FloatingPointError) as caught:
            y.backward()
    assert str(caught.value).splitlines() == [
        "backward of sqrt: the cotangent of x of shape (2,) has 1 entry that is not finite: "
        "[1] = inf",
        f"  at {__file__}:{line}, in square_root_of",
        "  x of shape (2,), [1] = 0",
    ]
    assert x.grad is None


def test_a_graph_from_before_the_block_has_no_line():
    y = np.sqrt(V(0.0))
    with ag.detect_anomaly(), pytest.raises(FloatingPointError, match="at a line before detect_"):
        y.backward()


def test_the_hint_where_a_cotangent_is_0():
    x = V([0.0, 4.0])
    with ag.detect_anomaly():
        y = (np.sqrt(x) * np.array([0.0, 1.0])).sum()
        with pytest.raises(FloatingPointError, match=r"ag\.where\(mask, f\(ag\.where\(mask, x, 1"):
            y.backward()
        with pytest.raises(FloatingPointError) as caught:
            np.sqrt(x).sum().backward()
    assert "ag.where" not in str(caught.value)


def test_entries_that_nothing_reads_are_no_anomaly():
    x = V([0.0, 4.0])
    with ag.detect_anomaly():
        np.where(x > 0, np.sqrt(x), 0.0).sum().backward()
    np.testing.assert_array_equal(x.grad, [0.0, 0.25])


def test_a_wrong_vjp_is_told_as_without():
    for wrong in ([1.0], None):
        odd = Op("odd", np.exp, lambda g, out, x, wrong=wrong: wrong)
        with ag.detect_anomaly(), pytest.raises(ValueError, match="odd: a vjp returned a cotan"):
            odd(V(1.0)).backward()


def test_blocks_nest_decorate_and_leave_nothing():
    block = ag.detect_anomaly()

    @ag.detect_anomaly()
    def recursive(n: int) -> Any:
        return np.exp(V(1.0)) if n == 0 else recursive(n - 1)

    with block, block:
        recursive(3)
        with ag.detect_anomaly():
            pass
        with pytest.raises(FloatingPointError):
            np.log(V(-1.0))
        assert np.geterr()["invalid"] == "warn"  # nothing that an interrupt could leave
    gc.collect()
    with pytest.warns(RuntimeWarning, match="invalid value"):
        np.log(V(-1.0))


# ---------------------------------------------------------------------- threads and exceptions


def test_threads_build_and_differentiate_at_once():
    """Each on its own graph, and all on one set of parameters; each in modes of its own."""
    w = V(np.linspace(0.5, 1.5, 20), name="w")
    shared = np.sin(w) * w
    expected = ag.grad(lambda w: np.sum(np.tanh(np.sin(w) * w) ** 2))(w.numpy())
    start, faults = threading.Barrier(4), []

    def work(k: int) -> None:
        try:
            start.wait(10)
            for _ in range(60):
                if k == 0:
                    with ag.no_grad():
                        assert not (w * 2.0).requires_grad
                assert not ag.detect_anomaly.active()  # that of another thread
                if k == 1:
                    with ag.detect_anomaly():
                        (g,) = ag.gradients(np.sum(np.tanh(shared) ** 2), [w])
                elif k == 2:
                    g = ag.vjp(lambda w: np.sum(np.tanh(np.sin(w) * w) ** 2), w)[1](1.0)[0]
                else:
                    y = np.sum(np.tanh(np.sin(w) * w) ** 2)
                    assert y.requires_grad
                    (g,) = ag.gradients(y, [w], create_graph=k == 3)
                np.testing.assert_allclose(g.numpy(), expected)
                assert ag.jvp(lambda x: x**3, (2.0,), (1.0,))[1] == 12.0
        except BaseException as error:
            faults.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert faults == []


def test_exceptions_leave_graph_and_modes_as_they_were():
    x = V([1.0, 2.0])
    state = {"fail": True}

    def rule(g: Any, out: Any, x: Any) -> Any:
        if state["fail"]:
            raise KeyError("rule")
        return g * 3.0

    squares = (x * x).named("squares")
    y = (Op("flaky", lambda x: x * 3.0, rule)(squares).sum() + squares.sum()).named("y")
    for call in (
        lambda: y.backward(),
        lambda: ag.gradients(y, [x]),
        lambda: ag.gradients(y, [x], create_graph=True),
    ):
        for mode in (ag.no_grad, ag.detect_anomaly):
            with pytest.raises(KeyError), mode():
                call()
    assert (x.grad, squares.grad, y.grad) == (None, None, None)
    state["fail"] = False
    y.backward()
    np.testing.assert_array_equal(x.grad, [8.0, 16.0])


# ---------------------------------------------------------------------- large graphs

MANY = examples(100_000)


def counted() -> tuple[Op, Op, list[int]]:
    """A unary and a binary op, and how often their rules were called."""
    calls = [0]

    def rule(g: Any, *_: Any) -> Any:
        calls[0] += 1
        return g

    return Op("pass", lambda x: x, rule), Op("plus", np.add, rule, rule), calls


def test_a_long_chain_calls_each_rule_once():
    step, _, calls = counted()
    x = V(1.0)
    y = x
    for _ in range(MANY):
        y = step(y)
    y.backward()
    assert (x.grad, calls) == (1.0, [MANY])
    assert ag.gradients(y, [x])[0].item() == 1.0
    assert ag.named_tensors(y) == {}


def test_pairwise_sums_of_many_leaves():
    _, plus, calls = counted()
    leaves = [V(1.0) for _ in range(MANY)]
    level = leaves
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        level = [plus(a, b) for a, b in pairs] + level[len(level) & ~1 :]
    (total,) = level
    total.backward()
    assert total.item() == MANY
    assert calls == [2 * (MANY - 1)]
    assert all(x.grad == 1.0 for x in leaves)


def test_a_long_chain_in_every_transform():
    """Without recursion, in the forward pass, the backward pass, and when it is freed."""
    n = 4 * sys.getrecursionlimit()

    def chain(x: Any) -> Any:
        for _ in range(n):
            x = x * 1.0
        return x

    assert ag.grad(chain)(2.0) == 1.0
    assert ag.jvp(chain, (2.0,), (3.0,))[1] == 3.0
    assert ag.jacobian(chain)(2.0) == 1.0
    assert ag.hvp(chain)(2.0, 1.0) == 0.0
    assert ag.grad(ag.grad(chain))(2.0) == 0.0
    with ag.detect_anomaly():
        assert ag.grad(chain)(2.0) == 1.0


def test_a_graph_in_which_every_node_is_used_twice():
    """2⁶⁰ paths, and 60 nodes."""
    _, plus, calls = counted()
    x = V(1.0)
    y = x
    for _ in range(60):
        y = plus(y, y)
    y.backward()
    assert (x.grad, calls) == (2.0**60, [120])
    (again,) = ag.gradients(y, [x], create_graph=True)
    assert again.item() == 2.0**60


def test_a_deep_graph_is_freed_at_once():
    _, plus, _ = counted()
    gc.collect()
    gc.disable()
    try:
        before = sum(type(o) is Tensor for o in gc.get_objects())
        x = V(1.0)
        y = x
        for _ in range(20_000):
            y = plus(y, x)
        y.backward()
        del y
        after = sum(type(o) is Tensor for o in gc.get_objects())
    finally:
        gc.enable()
    assert after == before + 1


def test_no_function_leaves_a_cycle():
    """What a call computed is freed when its last name goes, without the collector."""
    first = {call.function: call for call in reversed(CALLS)}
    gc.collect()
    gc.disable()
    try:
        for name, call in first.items():
            operands = [V(x) for x in call.drawn()]
            alive = [weakref.ref(x) for x in operands]
            with np.errstate(all="ignore"):
                y = call.of(np)(*operands)
                if isinstance(y, Tensor) and y.requires_grad and call.order:
                    seed = np.ones(y.shape, y.dtype)
                    ag.gradients(y, operands, seed=seed, create_graph=True)
            del operands, y
            assert all(ref() is None for ref in alive), f"np.{name}: its operands are still held"
    finally:
        gc.enable()
