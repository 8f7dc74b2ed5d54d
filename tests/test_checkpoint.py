"""`checkpoint`: the same values and gradients, less memory, and an error where it can't be."""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.checkpoint import checkpoint

from .each import each

RNG = np.random.default_rng(0)
X, W, B = RNG.normal(size=(4, 3)), RNG.normal(size=(3, 3)), RNG.normal(size=3)


def layer(x: Any, w: Any, b: Any = 0.0) -> Any:
    return np.tanh(x @ w + b)


def both(f: Any) -> list[Any]:
    """What ``f`` makes of `layer`, and of the same with a checkpoint."""
    return [f(layer), f(checkpoint(layer))]


def assert_same(results: list[Any]) -> None:
    plain, checkpointed = results
    assert len(plain) == len(checkpointed)
    for a, b in zip(plain, checkpointed, strict=True):
        np.testing.assert_allclose(np.asarray(b), np.asarray(a), rtol=1e-12, strict=True)


def tracked(*data: Any) -> list[Tensor]:
    return [Tensor(d, requires_grad=True) for d in data]


def test_backward_through_arguments_keywords_and_closure():
    def grads(layer: Any) -> list[Any]:
        x, w, b = tracked(X, W, B)
        h = layer(x, w, b=b)
        y = (layer(h * 2.0, w) * layer(X, w, b=b)).sum()
        y.backward()
        return [h.detach(), x.grad, w.grad, b.grad]

    assert_same(both(grads))

    def closed(wrap: Any) -> list[Any]:
        x, w, b = tracked(X, W, B)
        early = w * 2.0  # a result from before the call
        y = wrap(lambda t: np.sin(t @ early + b) @ w)(x)
        y.sum().backward()
        return [x.grad, w.grad, b.grad]

    assert_same([closed(lambda f: f), closed(checkpoint)])


def test_the_graph_holds_one_op_for_the_call():
    (x,) = tracked(X)
    y = checkpoint(lambda t: layer(layer(t, W), W))(x)
    assert y.op.name == "checkpoint"
    assert y.inputs == (x,)
    assert "checkpoint" in ag.draw(y, detail="ops").source


@each([
    lambda f: ag.grad(lambda x: np.sum(f(x) ** 2))(X),
    lambda f: ag.vjp(f, X)[1](np.ones((4, 3)))[0],
    lambda f: ag.jvp(f, (X,), (np.ones((4, 3)),))[1],
    lambda f: ag.jacobian(f)(X),
    lambda f: ag.jacobian(lambda x: f(x).sum(0))(X),
    lambda f: ag.jacobian(lambda t: f(t * X))(1.5),
    lambda f: ag.hessian(lambda x: np.sum(f(x) ** 2))(X[:1]),
    lambda f: ag.hvp(lambda x: np.sum(f(x) ** 2))(X, np.ones((4, 3))),
    lambda f: ag.grad(lambda t: t * ag.grad(lambda s: np.sum(f(X * s * t)))(2.0))(0.5),
    lambda f: ag.grad(ag.grad(ag.grad(lambda t: np.sum(f(X * t)))))(0.5),
])
def test_every_transform_and_higher_orders(transform: Any):
    w = Tensor(W, requires_grad=True)

    def f(x: Any) -> Any:
        return layer(x, w, B) * x

    assert_same([[transform(f)], [transform(checkpoint(f))]])
    assert_same([[transform(f)], [transform(checkpoint(lambda x: checkpoint(f)(x)))]])


def test_arguments_that_depend_on_what_is_captured():
    def grads(wrap: Any) -> list[Any]:
        x, w = tracked(X, W)
        step = wrap(lambda x: layer(x, w) + early)
        early = np.sin(w).sum(0)
        y = (step(step(x * w[0])) ** 2).sum()
        first = ag.gradients(y, [x, w, early], create_graph=True)
        second = ag.gradients(sum((g * g).sum() for g in first), [x, w, early], create_graph=True)
        third = ag.gradients(second[1].sum(), [x, w])
        return [g.detach() for g in (*first, *second, *third)]

    expected = grads(lambda f: f)
    assert_same([expected, grads(checkpoint)])
    assert_same([expected, grads(lambda f: checkpoint(lambda x: checkpoint(f)(x)))])


def test_containers_and_several_results():
    def parts(p: Any, scale: float) -> Any:
        s = p["x"] * scale
        return {"a": (s, s, np.float32(2.0) * s.astype(np.float32)), "n": 3, "b": [s.sum(), s * 1j],
                "x": p["x"], "c": np.arange(2), "none": None}  # fmt: skip

    def grads(wrap: Any) -> list[Any]:
        (x,) = tracked([1.0, 2.0])
        out = wrap(parts)({"x": x, "unused": 1.0}, scale=3.0)
        assert out["n"] == 3
        assert out["none"] is None
        a, again, narrow = out["a"]
        total, imaginary = out["b"]
        assert (narrow.dtype, imaginary.dtype) == (np.float32, complex)
        y = (a * again).sum() + narrow.sum() + total * 5.0 + abs(imaginary).sum() + out["x"][0]
        y.backward()
        return [x.grad, a.detach(), narrow.detach(), total.detach(), imaginary.detach()]

    assert_same([grads(lambda f: f), grads(checkpoint)])


def test_what_is_returned_without_a_history():
    f = checkpoint(lambda x: np.exp(x))
    np.testing.assert_array_equal(f(np.zeros(2)), [1.0, 1.0])
    (x,) = tracked(X)
    with ag.no_grad():
        assert not f(x).requires_grad
    assert f(Tensor(X)).requires_grad is False
    y = checkpoint(lambda t: t)(x)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, np.ones_like(X))


def test_what_is_stored_outside_is_refused_where_its_gradient_would_be_cut_off():
    (w,) = tracked(W)
    kept: dict[str, Any] = {}

    def attribute(x: Any) -> Any:
        attribute.last = x @ w  # type: ignore[attr-defined]
        return x * 3.0

    def recursive(x: Any) -> Any:
        def power(n: int) -> Any:
            return x if n == 0 else power(n - 1) * w[0]

        return power(2)  # a cycle, which holds x until it is collected, and nobody else

    storing = {
        "a result": lambda x: kept.update(a=np.sum(x**2)) or x * 3.0,
        "the argument": lambda x: kept.update(a=x) or x * 3.0,
        "what is returned too": lambda x: kept.update(a=x * 3.0) or kept["a"],
        "what the result was computed from": lambda x: kept.update(a=x * 3.0) or kept["a"] * 2,
        "a function": lambda x: kept.update(a=lambda: x) or x * 3.0,
        "an attribute": attribute,
        "where nothing is returned": lambda x: kept.update(a=np.sum(x**2)) or 1.0,
    }
    for f in storing.values():
        with pytest.raises(RuntimeError, match=r"checkpoint: .* stores a Tensor .* \.detach\(\)"):
            checkpoint(f)(tracked(X)[0])
        kept.clear()
    changing: Any = (lambda x, to: to.append(x) or x, []), (lambda x, to: to.update(h=x) or x, {})
    for g, given in changing:
        with pytest.raises(RuntimeError, match=r"checkpoint: .* changes a list, dict or object"):
            checkpoint(g)(tracked(X)[0], given)
    fine = {
        "a detached one": lambda x: kept.update(a=(x * 2).detach()) or x @ w,
        "its value": lambda x: kept.update(a=(x * 2).data) or x @ w,
        "what doesn't depend on the arguments": lambda x: kept.update(a=w * 2) or x @ w,
        "in a cycle": recursive,
    }
    for name, f in fine.items():
        (x,) = tracked(X)
        checkpoint(f)(x).sum().backward()
        assert x.grad is not None, name
    w.grad = None
    checkpoint(fine["what doesn't depend on the arguments"])(X)
    kept["a"].sum().backward()
    np.testing.assert_array_equal(w.grad, 2 * np.ones_like(W))


def test_what_is_captured_may_be_the_result():
    (w,) = tracked(2.0)
    early = w * w
    product, same = checkpoint(lambda x: (x * w * early, early))(3.0)
    (product + 5.0 * same).backward()
    assert w.grad == 3.0 * 3.0 * 2.0**2 + 5.0 * 2 * 2.0


def test_backward_within_no_grad():
    (x,) = tracked(X)
    y = checkpoint(lambda t: layer(t, W))(x).sum()
    with ag.no_grad():
        y.backward()
    np.testing.assert_allclose(x.grad, ag.grad(lambda t: layer(t, W).sum())(X))


def test_a_transform_within():
    """Its variable is a leaf that the function makes for itself each time."""
    f = checkpoint(lambda x: ag.grad(lambda y: y**3 * x)(x))
    x = Tensor(2.0, requires_grad=True)
    f(x).backward()
    assert x.grad == 3 * 3 * 2.0**2
    x.grad = None
    checkpoint(lambda x: ag.grad(lambda y: y**3 * x)(Tensor(2.0)))(x).backward()
    assert x.grad == 3 * 2.0**2


def test_intermediate_results_are_not_kept():
    n, depth = 100_000, 16

    def deep(x: Any) -> Any:
        for _ in range(depth):
            x = np.tanh(x)
        return x

    def held(f: Any) -> float:
        (x,) = tracked(np.ones(n))
        gc.disable()  # nothing waits for the collector of cycles
        tracemalloc.start()
        try:
            y = f(x)
            now, _ = tracemalloc.get_traced_memory()
            y.sum().backward()
            del y
            x.grad = None
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
            gc.enable()
        assert after < 0.5 * 8 * n
        return now / (8 * n)

    assert held(deep) > depth - 1
    assert held(checkpoint(deep)) < 1.5


def test_it_is_computed_again_once_a_pass():
    calls = []

    def f(x: Any, w: Any) -> Any:
        calls.append(1)
        return layer(x, w, b) + b

    x, w, b = tracked(X, W, B)
    y = checkpoint(f)(x, w).sum()
    assert len(calls) == 1
    for k in (2, 3):
        y.backward()
        assert len(calls) == k
    ag.gradients(y, [b])
    assert len(calls) == 4
    calls.clear()
    ag.jacobian(checkpoint(f), (0, 1))(X, W)
    assert len(calls) == 2


def test_random_numbers_are_refused():
    rng = np.random.default_rng(0)
    (x,) = tracked(X)

    def dropout(x: Any) -> Any:
        return x * (rng.random(x.shape) < 0.5)

    y = checkpoint(dropout)(x).sum()
    with pytest.raises(RuntimeError, match=r"checkpoint: dropout, computed again .* pass them in"):
        y.backward()


def test_changed_parameters_and_arrays():
    x, w = tracked(X, W)
    offset = np.ones(3)
    y = checkpoint(lambda t, c: layer(t, w) + c)(x, offset).sum()
    offset[:], x.data[...] = 7.0, 0.0  # arguments: the graph has a copy of them
    y.backward()
    np.testing.assert_allclose(x.grad, ag.grad(lambda t: layer(t, W).sum())(X))
    w.data -= 0.1
    with pytest.raises(RuntimeError, match="gave another result than at first"):
        y.backward()
    x, w = tracked(X, W)
    y = checkpoint(lambda t: layer(t, w))(x).sum()
    w = Tensor(w.numpy(), requires_grad=True)  # the same value, but not the same tensor
    with pytest.raises(RuntimeError, match="gave another result than at first"):
        y.backward()


def test_errors_within_leave_no_state():
    (x,) = tracked(X)
    with pytest.raises(ZeroDivisionError):
        checkpoint(lambda t: 1 / 0)(x)
    fail = False

    def f(t: Any) -> Any:
        if fail:
            raise KeyError("now")
        return layer(t, W)

    y = checkpoint(f)(x).sum()
    fail = True
    with ag.no_grad():
        with pytest.raises(KeyError):
            y.backward()
        assert ag.no_grad.active()
    assert (x * 2.0).requires_grad
    fail = False
    y.backward()
    assert x.grad is not None
