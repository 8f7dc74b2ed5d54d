"""What programs written for HIPS autograd call, and ops of one's own."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

import autograd_lite as ag
import autograd_lite.numpy as its_numpy
import autograd_lite.scipy.linalg as its_linalg
from autograd_lite import Op, Tensor, core, differential_operators
from autograd_lite.builtins import isinstance as its_isinstance
from autograd_lite.builtins import tuple as its_tuple
from autograd_lite.builtins import type as its_type
from autograd_lite.extend import defjvp, defvjp, primitive
from autograd_lite.misc.fixed_points import fixed_point
from autograd_lite.misc.flatten import flatten, flatten_func
from autograd_lite.misc.optimizers import adam, rmsprop, sgd
from autograd_lite.numpy.numpy_vjps import unbroadcast_f
from autograd_lite.test_util import check_grads
from autograd_lite.tracer import getval, isbox

from .each import each

V = np.array([0.3, 1.2, -0.7])


def test_transforms_under_their_names():
    f = lambda x, y, scale=1.0: scale * np.sin(x) * y  # noqa: E731
    back, value = ag.make_vjp(f, (0, 1))(V, 2.0, scale=3.0)
    np.testing.assert_allclose(value, 6 * np.sin(V))
    np.testing.assert_allclose(back(V)[0], 6 * np.cos(V) * V)
    np.testing.assert_allclose(back(V)[1], np.sum(3 * np.sin(V) * V))
    np.testing.assert_allclose(ag.make_jvp(f, 1)(V, 2.0)(0.5)[1], 0.5 * np.sin(V))
    np.testing.assert_allclose(ag.elementwise_grad(f)(V, 2.0), 2 * np.cos(V))
    product = ag.hessian_vector_product(lambda y, x: np.sum(x**3 * y), 1)
    np.testing.assert_allclose(product(2.0, V, np.ones(3)), 12 * V)
    np.testing.assert_allclose(ag.hessian_tensor_product(lambda x: np.sum(x**3))(V, V), 6 * V * V)
    hvp, gradient = ag.make_hvp(lambda y, x: np.sum(x**3 * y), 1)(2.0, V)
    np.testing.assert_allclose(hvp(np.ones(3)), 12 * V)
    np.testing.assert_allclose(gradient, 6 * V * V)
    outer = lambda x, y: x[:, None] * y  # noqa: E731
    np.testing.assert_allclose(ag.deriv(outer, 1)(V, 2.0), V[:, None])
    _, (said, kept) = ag.value_and_grad(lambda x: (x**2, ["text", x + 1]), has_aux=True)(2.0)[0]
    assert (said, kept.item()) == ("text", 3.0)
    slope, size = ag.grad_and_aux(lambda x: (np.sum(x**2), x.size))(V)
    np.testing.assert_allclose(slope, 2 * V)
    assert size == 3
    check_grads(f, (0, 1), modes=["rev"], order=2)(V, 2.0)
    assert its_tuple is tuple
    assert differential_operators.make_jvp is ag.make_jvp


def test_products_with_jacobians_and_what_is_asked_by_name():
    a, v = np.array([[1.0, 2.0, 0.5], [0.0, 1.0, -1.0]]), np.array([0.3, -0.2, 1.0])

    def f(scale: Any, x: Any) -> Any:
        return np.tanh(scale * (a @ x))

    jacobian, u = ag.jacobian(f, 1)(2.0, V), np.array([1.0, -2.0])
    np.testing.assert_allclose(ag.make_jvp_reversemode(f, 1)(2.0, V)(v), jacobian @ v)
    np.testing.assert_allclose(ag.vector_jacobian_product(f, 1)(2.0, V, u), u @ jacobian)
    product = ag.make_ggnvp(f, lambda y: np.sum(y**4), 1)(2.0, V)
    weighted = 12 * f(2.0, V)[:, None] ** 2 * jacobian
    np.testing.assert_allclose(product(v), jacobian.T @ (weighted @ v))
    by_name = ag.multigrad_dict(lambda scale, x: np.sum(f(scale, x)))(2.0, x=V)
    np.testing.assert_allclose(by_name["x"], np.ones(2) @ jacobian)
    named = ag.grad_named(lambda scale, x: np.sum(f(scale, x)), "scale")
    np.testing.assert_allclose(named(2.0, V), by_name["scale"])
    np.testing.assert_allclose(ag.holomorphic_grad(np.exp)(1j), np.exp(1j))


def test_code_that_asks_for_types_is_answered_as_of_values():
    def f(x: Any) -> Any:
        assert its_isinstance(x, np.ndarray)
        assert its_isinstance(x, (list, Tensor))
        assert not its_isinstance(x, float)
        assert its_type(x) is np.ndarray
        total = np.sum(x**2)
        assert its_isinstance(total, float)
        assert not its_isinstance(total, np.ndarray)
        return total

    np.testing.assert_allclose(ag.grad(f)(V), 2 * V)
    assert its_isinstance(its_numpy.zeros(2), np.ndarray)
    assert its_isinstance("x", str)
    assert its_type("Sub", (dict,), {"n": 1}).n == 1


def test_an_op_and_its_rule_fill_arrays_where_they_are_given_arrays():
    kinds = set()

    def filled(x: Any) -> Any:
        out = its_numpy.zeros(3)
        kinds.add(type(out))
        out[:] = x
        return out

    copied = primitive(filled)
    defvjp(copied, lambda ans, x: lambda g: copied(g) * filled(x) / x)
    np.testing.assert_allclose(ag.grad(lambda x: np.sum(copied(x) + copied(V)))(V), 1.0)
    assert kinds == {np.ndarray}
    np.testing.assert_allclose(ag.hessian(lambda x: np.sum(copied(x) ** 2))(V), 2 * np.eye(3))
    assert kinds > {np.ndarray}


def test_a_function_of_scipy_s_is_given_a_rule():
    g = np.array([[1.0, 2.0, 3.0], [3.0, 4.0, 0.0], [0.5, -1.0, 2.0]])
    total = lambda x: np.sum(g * its_linalg.toeplitz(x))  # noqa: E731
    with pytest.raises(TypeError, match=r"scipy\.linalg\.toeplitz: "):
        ag.grad(total)(V)

    def rule(g: Any) -> Any:
        return np.stack([np.trace(g), *(np.trace(g, k) + np.trace(g, -k) for k in (1, 2))])

    try:
        defvjp(its_linalg.toeplitz, lambda ans, x: rule)
        ag.check_grads(total, V)
        np.testing.assert_array_equal(ag.grad(total)(V), [7.0, 4.0, 3.5])
    finally:
        its_linalg.toeplitz.makers.clear()


def test_a_rule_that_undoes_broadcasting_itself():
    scaled = primitive(lambda x, y: x * y)
    defvjp(scaled, lambda ans, x, y: unbroadcast_f(x, lambda g: g * y),
           lambda ans, x, y: unbroadcast_f(y, lambda g: g * x))  # fmt: skip
    np.testing.assert_allclose(ag.grad(lambda y: np.sum(scaled(V, y)))(2.0), np.sum(V))
    box = its_numpy.numpy_boxes.ArrayBox
    assert ag.grad(lambda y: y if isinstance(y, box) and isbox(y) else 0 * y)(2.0) == 1.0
    assert ag.grad(lambda y: y * getval(y) * getval(3.0))(2.0) == 6.0


def test_an_auxiliary_result():
    f = ag.value_and_grad(lambda x: (np.sum(x**2), {"size": x * 2, "name": 3}), has_aux=True)
    (value, aux), gradient = f(V)
    assert value == np.sum(V**2)
    np.testing.assert_array_equal(aux["size"], 2 * V)
    assert type(aux["size"]) is np.ndarray
    np.testing.assert_array_equal(gradient, 2 * V)
    with pytest.raises(TypeError, match="must return a pair"):
        ag.value_and_grad(np.sum, has_aux=True)(V)
    with pytest.raises(TypeError, match="jacobian"):
        ag.value_and_grad(lambda x: (x, 1.0), has_aux=True)(V)


def test_flatten_and_back():
    tree = {"w": np.ones((2, 3)), "b": [2.0, (np.zeros(0), V)]}
    vector, unflatten = flatten(tree)
    assert vector.shape == (10,)
    again = unflatten(vector * 2)
    np.testing.assert_array_equal(again["b"][1][1], 2 * V)
    assert again["b"][1][0].shape == (0,)
    f, _, x = flatten_func(lambda p: {"out": p["w"] @ p["b"][1][1]}, tree)
    assert ag.jacobian(f)(x).shape == (2, 10)
    assert flatten([])[0].shape == (0,)


@each([(sgd, {"step_size": 0.1}), (rmsprop, {"step_size": 0.02}), (adam, {"step_size": 0.05})])
def test_optimizers_find_a_minimum_of_containers(optimize: Any, settings: Any):
    def loss(p: Any) -> Any:
        return np.sum((p["w"] - V) ** 2) + (p["b"][0] - 2.0) ** 2

    seen: list[Any] = []
    found = optimize(
        lambda p, i: dict(reversed(ag.grad(loss)(p).items())),  # whatever the order of its keys
        {"w": np.zeros(3), "b": [0.0]},
        lambda p, i, g: seen.append((i, loss(p), g["b"][0])),
        num_iters=400,
        **settings,
    )
    assert [i for i, _, _ in seen] == [*range(400)]
    assert seen[0][1:] == (loss({"w": np.zeros(3), "b": [0.0]}), -4.0)
    np.testing.assert_allclose(found["w"], V, atol=0.02)
    np.testing.assert_allclose(found["b"][0], 2.0, atol=0.02)
    with pytest.raises(ValueError, match="the gradient must have the shape"):
        optimize(lambda p, i: V[:2], V)


def test_the_first_steps_are_those_that_were_published():
    slope = ag.grad(lambda x: 0.5 * x**2)
    for optimize, steps in (
        (sgd, [1 - 0.1 * 0.1, 0.99 - 0.1 * (0.9 * 0.1 + 0.1 * 0.99)]),
        (rmsprop, [1 - 0.1 / (1 + 1e-8)]),
        (adam, [1 - 0.1 / (1 + 1e-8)]),
    ):
        for n, expected in enumerate(steps, 1):
            found = optimize(lambda x, i: slope(x), 1.0, num_iters=n, step_size=0.1)
            np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_gradient_goes_through_an_optimizer():
    def f(start: Any, rate: Any) -> Any:
        slope = ag.grad(lambda x: np.sum(np.cosh(x)))
        return adam(lambda x, i: slope(x), start, None, 5, rate).sum()

    ag.check_grads(f, V, 0.1, order=1)


def test_a_fixed_point_has_derivatives_of_second_order():
    def root(a: Any) -> Any:
        step = lambda given: lambda x: (x + given["a"][0] / x) / 2  # noqa: E731
        return fixed_point(step, {"a": (a,)}, 1.0, lambda x, y: np.abs(x - y), 1e-12)

    assert abs(root(2.0) - np.sqrt(2.0)) < 1e-12
    np.testing.assert_allclose(ag.grad(root)(2.0), 0.5 / np.sqrt(2.0), rtol=1e-10)
    np.testing.assert_allclose(ag.grad(ag.grad(root))(2.0), -0.25 * 2**-1.5, rtol=1e-8)


# ---------------------------------------------------------------------- ops of one's own


def product(x: Any, y: Any, power: int = 1) -> Any:
    assert type(x) is not Tensor
    return x**power * y


def test_a_primitive_is_differentiated_as_is_said():
    f = primitive(product)
    assert (f(2.0, 3.0), f.__name__) == (6.0, "product")
    defvjp(f, lambda ans, x, y, power=1: lambda g: g * y * power * x ** (power - 1), argnums=[0])
    ag.check_grads(lambda x: np.sum(f(x, V, power=3)), V + 2, order=2)
    with pytest.raises(NotImplementedError, match="product: argument 1 has no rule"):
        ag.grad(f, 1)(2.0, 3.0)
    defvjp(f, None, argnums=[1])
    np.testing.assert_array_equal(ag.grad(lambda y: np.sum(f(V, y)))(V), np.zeros(3))


def test_the_core_is_of_one_argument():
    f = ag.primitive(np.sin)
    core.defvjp(f, lambda ans, x: lambda g: g * np.cos(x))
    back, value = core.make_vjp(lambda x: f(x) * V, 0.5)
    np.testing.assert_array_equal(value, np.sin(0.5) * V)
    np.testing.assert_allclose(back(V), np.cos(0.5) * (V @ V))
    value, along = core.make_jvp(np.square, V)(V)
    np.testing.assert_array_equal((value, along), (V**2, 2 * V**2))


def test_a_primitive_with_tangents():
    f = primitive(product)
    defjvp(f, lambda v, ans, x, y, power=1: v * y * power * x ** (power - 1),
           lambda v, ans, x, y, power=1: v * x**power)  # fmt: skip
    ag.check_grads(lambda x, y: np.sum(f(x, y, power=3)), V + 2, V, order=2)
    x = Tensor(2.0, requires_grad=True)
    (slope,) = ag.gradients(f(x, 3.0, power=3), [x], create_graph=True)
    assert ag.gradients(slope, [x])[0].item() == 36.0


def value(x: Any) -> Any:
    return x.numpy() if type(x) is Tensor else x


def under_no_grad(g: Any, out: Any, x: Any) -> Any:
    with ag.no_grad():
        return g * np.cos(x)


LEAVING = {
    "on arrays": lambda g, out, x: value(g) * np.cos(value(x)),
    "x as an array": lambda g, out, x: g * np.cos(value(x)),
    "under no_grad": under_no_grad,
}


@each(LEAVING.items())
def test_a_rule_that_leaves_the_graph_has_no_second_derivative(name: str, rule: Any):
    sine = Op("sine", np.sin, rule)
    np.testing.assert_array_equal(ag.grad(lambda x: np.sum(sine(x)))(V), np.cos(V))
    for second in (
        ag.hessian(lambda x: np.sum(sine(x))),
        ag.hessian(lambda x: np.sum(sine(x) ** 2)),
        lambda x: ag.hvp(lambda x: np.sum(sine(x)))(x, x),
    ):
        with pytest.raises(TypeError, match=r"sine: its rule computes under no_grad, or on plain"):
            second(V)


def test_a_rule_that_needs_no_graph_may_leave_it():
    x = np.array([-1.0, 0.0, 2.0])
    ramp = Op("ramp", lambda x: np.maximum(x, 0), lambda g, out, x: g * (value(x) > 0))
    for op, curvature in (
        (Op("twice", lambda x: 2 * x, lambda g, out, x: 2 * g), 48 * x),
        (ramp, 6 * x * (x > 0)),
        (Op("exp", np.exp, lambda g, out, x: g * out), 9 * np.exp(3 * x)),
    ):
        np.testing.assert_allclose(
            ag.hessian(lambda x, op=op: np.sum(op(x) ** 3))(x), np.diag(curvature), atol=1e-12
        )


# ---------------------------------------------------------------------- NumPy's functions


def test_windows_slide_over_a_tensor():
    windows = np.lib.stride_tricks.sliding_window_view
    x = np.arange(12.0).reshape(3, 4)
    for settings in (((2, 3),), (2, 1), ((2, 2), (0, 0))):
        np.testing.assert_array_equal(
            windows(Tensor(x, requires_grad=True), *settings).data, windows(x, *settings)
        )
    ag.check_grads(lambda x: np.sum(np.sin(windows(x, (2, 2)))), x, order=2)
    with pytest.raises(TypeError, match="writeable"):
        windows(Tensor(x), 2, 0, writeable=True)


TIED = np.array([[2.0, 1.0, 2.0, 3.0, 0.5], [0.1, 0.4, 0.4, -1.0, 0.2]])


def test_the_ufuncs_methods():
    distinct = TIED + 0.01 * np.arange(5)
    for f in (
        lambda x: np.logaddexp.reduce(x),
        lambda x: np.logaddexp.reduce(x, axis=1, keepdims=True),
        lambda x: np.maximum.accumulate(x),
        lambda x: np.minimum.accumulate(x, axis=1),
        lambda x: np.add.reduceat(x, [0, 3, 1, 1], axis=1),
        lambda x: np.add.reduceat(x, [1, 0]),
    ):
        np.testing.assert_allclose(f(Tensor(TIED, requires_grad=True)).data, f(TIED), rtol=1e-14)
        ag.check_grads(lambda x, f=f: np.sum(np.sin(f(x))), distinct, order=2)
    odd = np.array([1.0, np.nan, 2.0])
    np.testing.assert_array_equal(np.maximum.accumulate(Tensor(odd)), np.maximum.accumulate(odd))
    first = ag.grad(lambda x: np.maximum.accumulate(x, axis=1)[0, 2])(TIED)
    np.testing.assert_array_equal(first, [[1, 0, 0, 0, 0], [0] * 5])
    with pytest.raises(IndexError):
        np.add.reduceat(Tensor(TIED), [7])


def test_tensors_are_saved_and_plotted(tmp_path: Any):
    t = Tensor(V, requires_grad=True)
    np.save(tmp_path / "t.npy", t)
    np.savez(tmp_path / "t.npz", t=t)
    np.testing.assert_array_equal(np.load(tmp_path / "t.npy"), V)
    np.testing.assert_array_equal(np.load(tmp_path / "t.npz")["t"], V)
    (line,) = plt.plot(t, t * 2)
    np.testing.assert_array_equal(line.get_xydata(), np.stack([V, 2 * V], 1))
    plt.close("all")
