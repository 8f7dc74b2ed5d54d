"""grad, value_and_grad, vjp, jvp, jacobian, hessian, hvp: what they take, give and promise."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import Op, Tensor
from autograd_lite.engine.modes import Mode
from autograd_lite.transforms import transforming

from .each import each

Pair = namedtuple("Pair", "left right")
RNG = np.random.default_rng(3)
A = RNG.normal(size=(3, 3))
X, V = RNG.normal(size=3), RNG.normal(size=3)


def f(x: Any) -> Any:
    """From three numbers to three, every second derivative of which is there."""
    return np.sin(A @ x) * x[::-1]


def total(x: Any) -> Any:
    return np.sum(f(x) * np.array([1.0, 2.0, -1.0]))


def assert_arrays(tree: Any, *shapes: tuple[int, ...], dtype: Any = float) -> None:
    found = [tree] if isinstance(tree, np.ndarray) else list(tree)
    assert [type(x) for x in found] == [np.ndarray] * len(shapes)
    assert [x.shape for x in found] == list(shapes)
    assert {x.dtype for x in found} == {np.dtype(dtype)}
    assert all(x.flags.writeable for x in found)


# ---------------------------------------------------------------------- arrays in, arrays out


def test_arrays_give_arrays():
    assert_arrays(ag.grad(total)(X), (3,))
    assert_arrays(ag.value_and_grad(total)(X), (), (3,))
    y, vjp_fn = ag.vjp(f, X)
    assert_arrays([y, *vjp_fn(V)], (3,), (3,))
    assert_arrays(ag.jvp(f, (X,), (V,)), (3,), (3,))
    assert_arrays(ag.jacobian(f)(X), (3, 3))
    assert_arrays(ag.hessian(total)(X), (3, 3))
    assert_arrays(ag.hvp(total)(X, V), (3,))
    assert_arrays(ag.grad(lambda x: x * x)(3.0), ())
    assert_arrays(ag.jacobian(lambda x: x * x)(3), ())


def test_results_are_the_caller_s_own():
    """Written to, they change neither each other nor what was given, nor what is computed later."""
    x, g = X.copy(), V.copy()
    y, vjp_fn = ag.vjp(lambda a, b: (a, b, a), x, x)
    first = vjp_fn((g, g, g))
    for array in (*y, *first):
        array[:] = 7.0
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(g, V)
    again = vjp_fn((g, g, g))
    np.testing.assert_array_equal(again[0], 2 * V)
    np.testing.assert_array_equal(again[1], V)
    value, tangent = ag.jvp(lambda a: a, (x,), (g,))
    assert not any(np.shares_memory(p, q) for p in (value, tangent) for q in (x, g))
    constant = np.ones(3)
    value, _ = ag.vjp(lambda a: constant, x)
    assert not np.shares_memory(value, constant)
    value, _ = ag.jvp(lambda a: a.T.T, (x,), (g,))
    assert not np.shares_memory(value, x)


def test_the_value_is_that_of_the_arguments_at_the_time():
    x = X.copy()
    _, vjp_fn = ag.vjp(lambda a: a * a, x)
    x[:] = 0.0
    np.testing.assert_array_equal(vjp_fn(np.ones(3))[0], 2 * X)


@each([np.float16, np.float32, np.float64, np.longdouble])
def test_dtypes_are_kept(dtype: Any):
    x, v = X.astype(dtype), V.astype(dtype)

    def g(x: Any) -> Any:
        return x * x * 0.5

    def h(x: Any) -> Any:
        return g(x).sum()

    assert_arrays(ag.value_and_grad(h)(x), (), (3,), dtype=dtype)
    assert_arrays(ag.jvp(g, (x,), (v,)), (3,), (3,), dtype=dtype)
    assert_arrays(ag.jvp(g, (x,), ([1, 2, 3],)), (3,), (3,), dtype=dtype)
    assert_arrays(ag.vjp(g, x)[1](v), (3,), dtype=dtype)
    assert_arrays(ag.vjp(g, x)[1](np.ones(3)), (3,), dtype=dtype)
    assert_arrays(ag.jacobian(g)(x), (3, 3), dtype=dtype)
    assert_arrays(ag.jacobian(lambda t: g(t * np.ones(3, dtype)))(dtype(2)), (3,), dtype=dtype)
    assert_arrays(ag.hessian(h)(x), (3, 3), dtype=dtype)
    assert_arrays(ag.hvp(h)(x, v), (3,), dtype=dtype)


def test_a_gradient_s_dtype_is_the_argument_s_and_not_the_output_s():
    x, wide = X.astype(np.float32), np.ones(3)
    assert ag.vjp(lambda x: x, x)[1](wide)[0].dtype == np.float32
    assert ag.vjp(lambda x: x * wide, x)[1](wide)[0].dtype == np.float32
    assert ag.jvp(lambda x: x * wide, (x,), (wide,))[1].dtype == np.float64
    assert ag.jvp(lambda x: x, (x,), (wide,))[1].dtype == np.float32
    assert ag.jacobian(lambda x: x * wide)(x).dtype == np.float32
    assert ag.jacobian(lambda x: x[0] * wide)(x[:1]).dtype == np.float32


def test_integers_and_booleans_become_float64():
    for x in (2, True, np.int8(2), np.array([1, 2])):
        g = ag.grad(lambda x: np.sum(x * x))(x)
        assert_arrays(g, np.shape(x))
        np.testing.assert_array_equal(g, 2.0 * np.asarray(x))
    assert_arrays(ag.jvp(lambda n: n * 1.5, (2,), (1,)), (), ())


def test_complex_arguments():
    """The gradient of a real L at x + iy is ∂L/∂x − i ∂L/∂y, and dL = Re(gradient · dz)."""
    z, dz = X + 1j * V, V - 0.5j * X

    def size(z: Any) -> Any:
        return np.sum(abs(z * z + 1.0))

    gradient = ag.grad(size)(z)
    assert_arrays(gradient, (3,), dtype=complex)
    numeric = (size(z + 1e-6 * dz) - size(z - 1e-6 * dz)) / 2e-6
    assert np.real(np.sum(gradient * dz)) == pytest.approx(numeric, 1e-7)
    value, tangent = ag.jvp(size, (z,), (dz,))
    assert value.dtype == tangent.dtype == float
    assert tangent == pytest.approx(numeric, 1e-7)
    _, tangent = ag.jvp(lambda z: z**3, (z,), (dz,))
    np.testing.assert_allclose(tangent, 3 * z**2 * dz)
    second = ag.hvp(size)(z, dz)
    moved = (ag.grad(size)(z + 1e-6 * dz) - ag.grad(size)(z - 1e-6 * dz)) / 2e-6
    np.testing.assert_allclose(second, moved, rtol=1e-6)


# ---------------------------------------------------------------------- arguments and containers


def test_argnums():
    def g(a: Any, b: Any, c: Any) -> Any:
        return np.sum(a * b**2 * c**3)

    expected = (2.0**2 * 2.0**3, 3.0 * 2 * 2.0 * 2.0**3, 3.0 * 2.0**2 * 3 * 2.0**2)
    args = (3.0, 2.0, 2.0)
    for i in range(3):
        assert ag.grad(g, i)(*args) == expected[i]
        assert ag.grad(g, i - 3)(*args) == expected[i]
        assert ag.grad(g, np.int64(i))(*args) == expected[i]
        assert ag.jacobian(g, i - 3)(*args) == expected[i]
        assert ag.grad(g, (i,))(*args) == (expected[i],)
    for several in ((2, 0), [2, 0], (-1, 0)):
        assert ag.grad(g, several)(*args) == (expected[2], expected[0])
        assert ag.value_and_grad(g, several)(*args) == (g(*args), (expected[2], expected[0]))
        assert ag.jacobian(g, several)(*args) == (expected[2], expected[0])
    assert ag.grad(g, ())(*args) == ()
    assert ag.grad(lambda x, y: 2 * y, (0, 1))(1.0, 1.0) == (0.0, 2.0)
    (aa, ab), (ba, bb) = ag.hessian(g, (0, 1))(*args)
    assert (aa, ab, ba, bb) == (0.0, 32.0, 32.0, 48.0)
    for wrong, said in (
        (3, "argument 3"), (-4, "argument -4"), ((0, 0), "names an argument twice"),
        ((0, -3), "names an argument twice"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=f"grad: .*{said}"):
            ag.grad(g, wrong)(*args)
    with pytest.raises(TypeError, match="integer"):
        ag.grad(g, "a")(*args)
    for transform in (ag.grad, ag.value_and_grad, ag.jacobian, ag.hessian):
        for chosen in (1, (2, 0)):
            by_place = transform(g, chosen)(*args)
            assert transform(g, argnum=chosen)(*args) == by_place
            assert transform(g, argnums=chosen)(*args) == by_place
        with pytest.raises(TypeError, match="argnums and argnum are one argument"):
            transform(g, 0, argnum=0)


def test_keyword_arguments_pass_through():
    def g(x: Any, *, power: int, scale: Any = 1.0) -> Any:
        return scale * np.sum(x**power)

    assert ag.value_and_grad(g)(2.0, power=3, scale=2.0)[1] == 24.0
    assert ag.jvp(g, (2.0,), (1.0,), power=3) == (8.0, 12.0)
    s = Tensor(2.0, requires_grad=True)
    ag.hvp(g)(2.0, 1.0, power=3, scale=s).backward()
    assert s.grad == 12.0
    for name in ("x", "v", "g", "f", "self", "args", "kwargs", "argnum", "argnums", "primals",
                 "tangents", "directions", "name", "call", "np", "out"):  # fmt: skip
        own = {name: 3.0}

        def h(p: Any, /, **kwargs: Any) -> Any:
            return p**3 * kwargs[name]  # noqa: B023

        for found in (
            ag.grad(h)(2.0, **own), ag.value_and_grad(h)(2.0, **own)[1], ag.jacobian(h)(2.0, **own),
            ag.vjp(h, 2.0, **own)[1](1.0)[0], ag.jvp(h, (2.0,), (1.0,), **own)[1],
            ag.hessian(h)(2.0, **own), ag.hvp(h)(2.0, 1.0, **own),
            ag.grad(ag.checkpoint(h))(2.0, **own), ag.compile(ag.grad(h))(2.0, **own),
        ):  # fmt: skip
            assert found == 36.0, name


@each([[()], [[]], [{}], [Pair((), [])], [{"a": []}]])
def test_empty_containers(given: Any):
    (empty,) = given
    assert ag.grad(lambda x: 1.5)(empty) == empty
    assert ag.value_and_grad(lambda x: 1.5)(empty) == (1.5, empty)
    y, vjp_fn = ag.vjp(lambda x: x, empty)
    assert y == empty
    assert vjp_fn(empty) == (empty,)
    assert ag.jvp(lambda x: x, (empty,), (empty,)) == (empty, empty)
    assert ag.jacobian(lambda x: x)(empty) == empty
    assert ag.jacobian(lambda x: np.ones(2))(empty) == empty
    assert ag.hvp(lambda x: 2.0)(empty, empty) == empty
    y, vjp_fn = ag.vjp(lambda x: empty, X)
    np.testing.assert_array_equal(vjp_fn(empty)[0], np.zeros(3))
    y, vjp_fn = ag.vjp(lambda: empty)
    assert vjp_fn(empty) == ()


def test_several_outputs_in_containers():
    def g(x: Any, y: Any) -> Any:
        return {"s": x * y, "rest": [x.sum(), (y,), 5, np.arange(2)]}

    value, vjp_fn = ag.vjp(g, X, V)
    assert value["rest"][2] == 5
    assert_arrays([value["s"], value["rest"][0], value["rest"][1][0]], (3,), (), (3,))
    dx, dy = vjp_fn({"s": np.ones(3), "rest": [2.0, (X,), 1.0, np.ones(2)]})
    np.testing.assert_allclose(dx, V + 2.0)
    np.testing.assert_allclose(dy, 2 * X)
    _, along = ag.jvp(g, (X, V), (V, X))
    np.testing.assert_allclose(along["s"], V * V + X * X)
    np.testing.assert_allclose(along["rest"][0], V.sum())
    np.testing.assert_allclose(along["rest"][1][0], X)
    np.testing.assert_array_equal(along["rest"][3], np.zeros(2))
    blocks = ag.jacobian(g, (0, 1))(X, V)
    np.testing.assert_allclose(blocks["s"][0], np.diag(V))
    np.testing.assert_allclose(blocks["rest"][0][0], np.ones(3))
    np.testing.assert_allclose(blocks["rest"][1][0][1], np.eye(3))
    np.testing.assert_array_equal(blocks["rest"][2][0], np.zeros(3))
    np.testing.assert_array_equal(blocks["rest"][3][1], np.zeros((2, 3)))
    blocks = ag.jacobian(lambda p: [p["a"] * p["b"]])({"a": X, "b": 2.0})
    np.testing.assert_allclose(blocks[0]["a"], 2 * np.eye(3))
    np.testing.assert_allclose(blocks[0]["b"], X)


@each([
    (lambda: ag.vjp(f, X)[1](np.ones(2)), r"vjp: the cotangent must have the shape \(3,\), and has "
     r"\(2,\)"),
    (lambda: ag.vjp(f, X)[1]([[1], [2, 3]]), r"the shape \(3,\), and has list"),
    (lambda: ag.vjp(f, X)[1]((V, V)), r"the shape \(3,\), and has \(2, 3\)"),
    (lambda: ag.vjp(lambda x: (x, x), X)[1](V), "must be a tuple of 2"),
    (lambda: ag.vjp(lambda x: [x], X)[1]([]), "must be a list of 1"),
    (lambda: ag.vjp(lambda x: {"a": x, "b": x}, X)[1]({"a": V}), "a dict with the keys a, b"),
    (lambda: ag.jvp(f, (X,), (1.0,)), r"jvp: the tangents must have the shape \(3,\)"),
    (lambda: ag.jvp(f, (X,), (V, V)), "jvp: the tangents must be a tuple of 1"),
    (lambda: ag.jvp(f, X, (V,)), "jvp: the primals must be a tuple, not a ndarray", TypeError),
    (lambda: ag.jvp(f, (X,), V[None]), "the tangents must be a tuple, not a ndarray", TypeError),
    (lambda: ag.hvp(total)(X, np.ones(4)), r"hvp: the vector must have the shape \(3,\)"),
    (lambda: ag.vjp(lambda x: x * x, X)[1](1j * X), "vjp: the seed has dtype complex1", TypeError),
    *[(lambda x=x: ag.grad(lambda x: 1.0)(x), "grad: an argument to differentiate: ", TypeError)
      for x in (None, "text", object())],
    *[(lambda g=g, z=z: ag.jacobian(g)(z), "jacobian: complex inputs or outputs", TypeError)
      for g, z in ((lambda z: z, 1j * X), (abs, 1j * X), (lambda x: x * 1j, X))],
])  # fmt: skip
def test_what_does_not_fit_is_refused(call: Any, said: str, *kind: type[Exception]):
    with pytest.raises(kind or ValueError, match=said):
        call()


# ---------------------------------------------------------------------- outputs


@each([
    (lambda x: x > 0, r"has shape \(3,\).*jacobian"),
    (lambda x: x, r"output has shape \(3,\).*np\.sum.*jacobian"),
    (lambda x: x[:0], r"output has shape \(0,\).*jacobian"),
    (lambda x: (x.sum(), x.sum()), "returned a tuple.*jacobian"),
    (lambda x: [x.sum()], "returned a list.*jacobian"),
    (lambda x: {"a": x.sum()}, "returned a dict.*jacobian"),
    (lambda x: (x > 0).all(), "output is boolean"),
    (lambda x: bool(x[0] > 0), "output is boolean"),
    (lambda x: x.sum() * 1j, "output is complex; take its real part or abs"),
    (lambda x: None, "a NoneType, not a number"),
    (lambda x: "text", "a str, not a number"),
])
def test_outputs_that_have_no_gradient(g: Any, said: str):
    for transform in (ag.grad, ag.value_and_grad, ag.hessian, lambda g: ag.grad(ag.grad(g))):
        with pytest.raises(TypeError, match=f"grad: .*{said}"):
            transform(g)(X)
    assert not transforming.active()


@each([
    lambda x: 3.0, lambda x: 3, lambda x: np.float64(3), lambda x: np.array(3.0),
    lambda x: Tensor(3.0), lambda x: x.shape[0], lambda x: np.floor(x).sum(),
    lambda x: x.detach().sum(), lambda x: Tensor(3.0, requires_grad=True) * 2,
])  # fmt: skip
def test_a_constant_output_has_a_zero_gradient(constant: Any):
    assert_arrays(ag.grad(constant)(X), (3,))
    assert not ag.grad(constant)(X).any()
    assert not ag.jacobian(constant)(X).any()
    assert not ag.jvp(constant, (X,), (V,))[1].any()
    assert not ag.vjp(constant, X)[1](1.0)[0].any()
    assert not ag.hessian(constant)(X).any()
    assert not ag.hvp(constant)(X, V).any()
    assert ag.grad(constant)(X.astype(np.float32)).dtype == np.float32


def test_identity_and_the_same_tensor_twice():
    assert ag.grad(lambda x: x)(2.0) == 1.0
    np.testing.assert_array_equal(ag.jacobian(lambda x: x)(A), np.eye(9).reshape(3, 3, 3, 3))
    np.testing.assert_array_equal(ag.jvp(lambda x: x, (X,), (V,))[1], V)

    def twice(x: Any) -> Any:
        y = x * x
        return y, y, x

    _, vjp_fn = ag.vjp(twice, X)
    np.testing.assert_allclose(vjp_fn((V, X, V))[0], 2 * X * (V + X) + V)
    _, along = ag.jvp(twice, (X,), (V,))
    for a, b in zip(along, (2 * X * V, 2 * X * V, V), strict=True):
        np.testing.assert_allclose(a, b)
    blocks = ag.jacobian(twice)(X)
    np.testing.assert_allclose(blocks[1], np.diag(2 * X))
    # The same array given twice: two arguments all the same.
    assert ag.grad(lambda a, b: np.sum(a - 3 * b), (0, 1))(X, X)[1].tolist() == [-3.0] * 3
    _, along = ag.jvp(lambda a, b: a + b, (X, X), (V, 2 * V))
    np.testing.assert_allclose(along, 3 * V)


def test_a_number_of_one_element_is_a_number_and_settings_stand_beside_it():
    np.testing.assert_array_equal(ag.grad(lambda x: x * x)(np.array([[3.0]])), [[6.0]])
    assert ag.grad(lambda x, mode: np.sum(x) if mode == "sum" else None)(2.0, "sum") == 1.0


# ---------------------------------------------------------------------- nesting


def test_tensors_give_tensors():
    x = Tensor(X, requires_grad=True)
    for result in (
        ag.grad(total)(x),
        ag.value_and_grad(total)(x)[0],
        ag.vjp(f, x)[0],
        ag.vjp(f, x)[1](V)[0],
        ag.jvp(f, (x,), (V,))[1],
        ag.jacobian(f)(x),
        ag.jacobian(lambda x: np.concatenate([f(x), x]))(x),
        ag.hessian(total)(x),
        ag.hvp(total)(x, V),
    ):
        assert type(result) is Tensor
        x.grad = None
        result.sum().backward()
        assert x.grad.shape == (3,)
    assert type(ag.grad(total)(Tensor(X))) is Tensor
    assert type(ag.grad(lambda x, y: np.sum(x))(X, {"y": [Tensor(1.0)]})) is Tensor


@each([
    lambda v: ag.vjp(f, X)[1](v)[0].sum(),
    lambda v: ag.jvp(f, (X,), (v,))[1].sum(),
    lambda v: ag.hvp(total)(X, v).sum(),
])
def test_a_direction_that_is_a_tensor(result: Any):
    """They are linear in it: the gradient doesn't depend on where it is taken."""
    v = Tensor(V, requires_grad=True)
    result(v).backward()
    expected = [result(Tensor(e)).item() for e in np.eye(3)]
    np.testing.assert_allclose(v.grad, expected)


def test_orders_one_to_five():
    transforms = (
        ag.grad, ag.jacobian, lambda g: lambda x: ag.jvp(g, (x,), (1.0,))[1],
        lambda g: lambda x: ag.vjp(g, x)[1](1.0)[0],
    )  # fmt: skip
    for turn in range(4):
        g: Any = np.sin
        for order in range(1, 6):
            g = transforms[(turn * order) % 4](g)
            assert g(0.7) == pytest.approx(np.sin(0.7 + order * np.pi / 2), 1e-13)


def test_every_transform_in_every_other():
    h = 1e-5
    of_jacobian: list[Any] = [  # what a transform gives, and that of the Jacobian
        (lambda f, x: ag.grad(lambda x: np.sum(f(x)))(x), lambda j: j.sum(0)),
        (lambda f, x: ag.vjp(f, x)[1](V)[0], lambda j: V @ j),
        (lambda f, x: ag.jvp(f, (x,), (V,))[1], lambda j: j @ V),
        (lambda f, x: np.sum(ag.jacobian(f)(x), axis=0), lambda j: j.sum(0)),
        (lambda f, x: ag.jacobian(lambda x: np.concatenate([f(x), x]))(x)[0], lambda j: j[0]),
    ]
    second: list[Any] = [
        lambda f, x: ag.hvp(lambda x: np.sum(f(x)))(x, V),
        lambda f, x: ag.hessian(lambda x: np.sum(f(x)))(x)[0],
        lambda f, x: ag.vjp(lambda x: ag.jvp(f, (x,), (V,))[1], x)[1](X)[0],
    ]
    for inner in [transform for transform, _ in of_jacobian] + second:
        first = lambda x, inner=inner: inner(f, x)  # noqa: E731
        jacobian = np.array([(first(X + h * e) - first(X - h * e)) / (2 * h) for e in np.eye(3)]).T
        for outer, expected in of_jacobian:
            np.testing.assert_allclose(outer(first, X), expected(jacobian), rtol=1e-5, atol=1e-8)


def test_only_the_closure_is_traced():
    assert ag.grad(lambda x: x * ag.grad(lambda y: x * y)(2.0))(3.0) == 6.0
    assert ag.grad(lambda x: ag.jvp(lambda y: x * y, (2.0,), (1.0,))[1])(3.0) == 1.0
    assert ag.grad(lambda x: ag.vjp(lambda y: x * y, 2.0)[1](1.0)[0])(3.0) == 1.0
    assert ag.grad(lambda x: np.sum(ag.jacobian(lambda y: x * y)(np.ones(2))))(3.0) == 2.0
    assert ag.grad(lambda x: ag.hvp(lambda y: x * y**2)(1.0, 1.0))(3.0) == 2.0
    assert ag.grad(lambda x: ag.value_and_grad(lambda y: x * y)(2.0)[0])(3.0) == 2.0


INNER: dict[str, Any] = {
    "grad": lambda f: ag.grad(lambda y: np.sum(f(y)))(X),
    "value": lambda f: ag.value_and_grad(lambda y: np.sum(f(y)))(X)[0],
    "vjp": lambda f: ag.vjp(f, X)[1](V)[0],
    "value of vjp": lambda f: ag.vjp(f, X)[0],
    "jvp": lambda f: ag.jvp(f, (X,), (V,))[1],
    "jacobian": lambda f: ag.jacobian(f)(X),
    "wide jacobian": lambda f: ag.jacobian(lambda y: np.concatenate([f(y), 2 * f(y)]))(X),
    "hessian": lambda f: ag.hessian(lambda y: np.sum(f(y)))(X),
    "hvp": lambda f: ag.hvp(lambda y: np.sum(f(y)))(X, V),
}


@each(INNER)
def test_within_a_transform_a_result_is_a_tensor_where_it_depends_on_what_is_traced(inner: Any):
    expected = inner(lambda y: np.sin(y) * y)
    parameter = Tensor(1.0, requires_grad=True)
    seen: dict[str, Any] = {}

    def outer(x: Any) -> Any:
        seen["alone"] = inner(lambda y: np.sin(y) * y)
        seen["beside"] = inner(lambda y: ag.grad(lambda z: np.sum(np.sin(z)))(X) * y)
        seen["detached"] = inner(lambda y: y * y * x.detach())
        seen["traced"] = inner(lambda y: x * np.sin(y) * y)
        seen["tracked"] = inner(lambda y: parameter * np.sin(y) * y)
        seen["deep"] = inner(lambda y: x * y * ag.grad(lambda z: np.sum(np.sin(z) * x))(X) * y)
        return np.sum(seen["traced"] ** 2) / 2

    for call in (ag.grad(outer), ag.grad(lambda x: ag.grad(lambda y: outer(x) * y)(1.0))):
        assert call(2.0) == pytest.approx(2 * np.sum(expected**2))
        kinds = {key: type(found) for key, found in seen.items()}
        arrays = dict.fromkeys(("alone", "beside", "detached"), np.ndarray)
        assert kinds == arrays | dict.fromkeys(("traced", "tracked", "deep"), Tensor)
        np.testing.assert_allclose(seen["alone"], expected)
    # To any order.
    assert ag.grad(ag.grad(outer))(2.0) == pytest.approx(np.sum(expected**2))


def test_each_result_is_told_apart():
    """Of one call some depend on what is traced, and others don't."""
    found = []

    def outer(x: Any) -> Any:
        found.append(ag.value_and_grad(lambda y: x + np.sum(y**2))(X))
        found.append(ag.jvp(lambda y: (x * y, np.sin(y)), (X,), (V,))[1])
        found.append(ag.vjp(lambda a, b: a * x * 2 + b, X, V)[1](V))
        found.append(ag.vjp(lambda y: y * y, X)[1](V * x))
        return found[0][0]

    assert ag.grad(outer)(3.0) == 1.0
    kinds = [[type(r) is Tensor for r in results] for results in found]
    assert kinds == [[True, False], [True, False], [True, False], [True]]


def test_perturbations_are_not_confused():
    """Each level has its own variable, also where the levels' values are the same."""
    assert ag.grad(lambda x: x * ag.grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert ag.grad(lambda x: ag.grad(lambda y: x * y)(x))(3.0) == 1.0
    assert ag.grad(lambda x: x * ag.grad(lambda y: x * y)(x))(3.0) == 6.0
    assert ag.jvp(lambda x: x * ag.jvp(lambda y: x + y, (1.0,), (1.0,))[1], (1.0,), (1.0,))[1] == 1
    assert ag.jvp(lambda x: x * ag.grad(lambda y: x * y)(x), (3.0,), (1.0,))[1] == 6.0
    assert ag.grad(lambda x: x * ag.jvp(lambda y: x * y, (x,), (1.0,))[1])(3.0) == 6.0
    # The tangent is a variable of the outer level.
    assert ag.grad(lambda x: ag.jvp(lambda y: y * y, (x,), (x,))[1])(3.0) == 12.0
    # A function that is made at one level and called at another.
    assert ag.grad(lambda x: ag.grad(lambda y: (lambda z: x * z)(y) * x)(2.0) * x)(3.0) == 27.0

    def shift(x: Any) -> Any:
        return lambda g: lambda y: g(x + y)

    def composed(x: Any) -> Any:
        return shift(x)(shift(x)(np.exp))(1.0)

    assert ag.grad(composed)(0.5) == pytest.approx(2 * np.exp(2.0))


def test_the_closure_may_hold_tensors_that_require_a_gradient():
    w = Tensor(3.0, requires_grad=True)
    g = ag.grad(lambda x: w * x * x)(2.0)
    assert_arrays(g, ())
    assert g == 12.0
    assert w.grad is None
    w2 = w * w
    assert ag.jacobian(lambda x: w2 * x)(2.0) == 9.0
    x = Tensor(2.0, requires_grad=True)
    ag.grad(lambda x: w2 * x * x)(x).backward()
    assert (w.grad, x.grad) == (2 * 3 * 2 * 2, 2 * 9)
    assert ag.grad(lambda x: x * (x.detach() + w.detach()))(2.0) == 5.0


def test_backward_within_a_transform():
    w = Tensor(3.0, requires_grad=True)

    def g(x: Any) -> Any:
        y = x * w
        y.backward()
        return y * y

    assert ag.grad(g)(2.0) == 36.0
    assert w.grad == 2.0


# ---------------------------------------------------------------------- modes and state


def test_no_grad_around():
    with ag.no_grad():
        assert ag.grad(lambda x: x * x)(3.0) == 6.0
        assert ag.grad(ag.grad(lambda x: x**3))(3.0) == 18.0
        assert ag.jvp(lambda x: x * x, (3.0,), (1.0,))[1] == 6.0
        np.testing.assert_allclose(ag.hvp(total)(X, V), ag.hessian(total)(X) @ V)
        assert ag.no_grad.active()
    w = Tensor(3.0, requires_grad=True)
    with ag.no_grad():
        results = [
            ag.grad(lambda x: w * x * x)(w),
            *ag.value_and_grad(lambda x: w * x)(w),
            *ag.jvp(lambda x: w * x, (w,), (w,)),
            *ag.vjp(lambda x: w * x, w)[1](w),
            ag.jacobian(lambda x: w * x)(w),
            ag.hvp(lambda x: w * x * x)(w, w),
        ]
    assert {type(r) for r in results} == {Tensor}
    assert not any(r.requires_grad for r in results)
    assert results[0].item() == 18.0


def test_no_grad_within():
    def g(x: Any) -> Any:
        with ag.no_grad():
            factor = x * x
        return factor * x

    assert ag.grad(g)(3.0) == 9.0
    assert ag.jvp(g, (3.0,), (1.0,))[1] == 9.0

    def outer(x: Any) -> Any:
        with ag.no_grad():
            slope = ag.grad(lambda y: x * y * y)(x)
        return slope * x

    assert ag.grad(outer)(3.0) == 18.0


def test_exceptions_leave_no_state():
    def fail(x: Any) -> Any:
        raise ZeroDivisionError

    broken = Op("broken", np.exp, lambda g, out, x: 1 / 0)
    before = len(Mode.entered)
    with ag.no_grad():
        for call in (
            lambda: ag.grad(fail)(1.0),
            lambda: ag.grad(lambda x: ag.jvp(fail, (x,), (1.0,))[1])(1.0),
            lambda: ag.grad(broken)(1.0),
            lambda: ag.jvp(broken, (1.0,), (1.0,)),
            lambda: ag.jacobian(broken)(X),
            lambda: ag.vjp(broken, X)[1](V),
        ):
            with pytest.raises(ZeroDivisionError):
                call()
            assert not transforming.active()
            assert ag.no_grad.active()
    assert len(Mode.entered) == before
    assert_arrays(ag.grad(np.sin)(1.0), ())


def test_names_and_docstrings_are_the_function_s():
    def loss(x: Any) -> Any:
        """Half the square."""
        return x * x / 2

    for transform in (ag.grad, ag.value_and_grad, ag.jacobian, ag.hessian):
        assert transform(loss).__name__ == "loss"
    assert ag.grad(np.sin)(0.0) == 1.0


# ---------------------------------------------------------------------- jacobian


@each([
    ((3,), (3,)), ((2,), (2, 2, 2)), ((2, 3), (2,)), ((), (4,)), ((4,), ()), ((), ()),
    ((0,), (2,)), ((2,), (0,)), ((0,), ()),
])  # fmt: skip
def test_jacobian_has_the_output_s_shape_and_the_argument_s(inner: Any, outer: Any):
    weights = RNG.normal(size=(*outer, *inner))

    def linear(x: Any) -> Any:
        return (weights * x).sum(axis=tuple(range(len(outer), weights.ndim)))

    found = ag.jacobian(linear)(np.ones(inner))
    np.testing.assert_allclose(found, weights, strict=True)


def test_jacobian_calls_each_rule_once():
    calls = []

    def rule(g: Any, out: Any, x: Any) -> Any:
        calls.append(np.shape(g))
        return g * out

    counted = Op("counted", np.exp, rule, entrywise=True)
    for f, x, shapes in (
        (counted, np.ones(50), [(50, 50)]), (lambda x: np.sum(counted(x)), np.ones(50), [(1, 50)]),
        (lambda x: counted(x * np.ones(50)), 1.0, [(50,)]),  # more outputs: along the one input
    ):  # fmt: skip
        ag.jacobian(f)(x)
        assert calls == shapes
        calls.clear()
    ag.hessian(lambda x: np.sum(counted(x)))(np.ones(50))
    assert len(calls) == 2


def test_jacobian_one_by_one_where_a_rule_does_not_stack():
    calls = []

    def rule(g: Any, out: Any, x: Any, y: Any) -> Any:
        calls.append(g.shape)
        return np.outer(g, y)

    product = Op("product", np.dot, rule, lambda g, out, x, y: np.dot(g, x))
    first, second = ag.jacobian(product, (0, 1))(A, X)
    assert calls == [(3,)] * 3
    np.testing.assert_allclose(second, A)
    np.testing.assert_allclose(first, np.einsum("ij,k->ijk", np.eye(3), X))
    twice = ag.jacobian(lambda x: ag.jacobian(product, 1)(A * x[0], x * x))(X)
    numeric = ag.jacobian(lambda x: ag.jacobian(np.matmul, 1)(A * x[0], x * x))(X)
    np.testing.assert_allclose(twice, numeric)


def test_jacobian_in_parts(monkeypatch: Any):
    """A stack that would be too large is pulled in several."""
    whole = ag.jacobian(f)(X)
    wide = ag.jacobian(lambda x: np.concatenate([f(x), x, x]))(X)
    monkeypatch.setattr("autograd_lite.transforms._MOST", 13)
    np.testing.assert_array_equal(ag.jacobian(f)(X), whole)
    np.testing.assert_array_equal(ag.jacobian(lambda x: np.concatenate([f(x), x, x]))(X), wide)


# ---------------------------------------------------------------------- an op of one's own


def test_an_op_of_one_s_own_everywhere():
    cube = ag.Op("cube", lambda x: x**3, lambda g, out, x: g * 3 * x**2)
    np.testing.assert_allclose(ag.grad(lambda x: np.sum(cube(x)))(X), 3 * X**2)
    np.testing.assert_allclose(ag.vjp(cube, X)[1](V)[0], 3 * X**2 * V)
    np.testing.assert_allclose(ag.jvp(cube, (X,), (V,))[1], 3 * X**2 * V)
    np.testing.assert_allclose(ag.jacobian(cube)(X), np.diag(3 * X**2))
    np.testing.assert_allclose(ag.jacobian(lambda x: cube(x * np.ones(3)))(2.0), 12.0 * np.ones(3))
    np.testing.assert_allclose(ag.hessian(lambda x: np.sum(cube(x)))(X), np.diag(6 * X))
    np.testing.assert_allclose(ag.hvp(lambda x: np.sum(cube(x)))(X, V), 6 * X * V)
    x = Tensor(2.0, requires_grad=True, name="x")
    y = cube(x).named("y")
    assert "cube" in ag.draw(y, detail="ops").source
    assert "∇x = ∂y/∂x\n   = 3 · x²" in ag.derive(y).text
