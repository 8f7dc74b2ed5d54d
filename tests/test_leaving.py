"""What leaves the graph, and what comes in: right, or refused in words that say what to write."""

from __future__ import annotations

import cmath
import math
import operator
import statistics
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.fftpack
import sympy

import autograd_lite as ag
import nn
from autograd_lite import Tensor


def V(data: Any, **kwargs: Any) -> Tensor:  # noqa: N802  (a variable)
    return Tensor(data, requires_grad=True, **kwargs)


def refusal(name: str, compute: Callable[[], Any], kind: Any = TypeError) -> str:
    """What the error says, with those that it was raised from."""
    try:
        found = compute()
    except kind as error:
        words, cause = [], error
        while cause is not None:
            words.append(str(cause))
            cause = cause.__cause__ or cause.__context__
        return "\n".join(words)
    raise AssertionError(f"{name} gave {found!r}")


def written(write: Callable[[Any, Any], Any], t: Any, dtype: Any = float) -> Any:
    a = np.zeros(2, dtype)
    write(a, t)
    return a.tolist()


def objects(t: Any) -> Any:
    a = np.empty(2, object)
    a[0], a[1] = t, t
    return a


# Ways in which Python and NumPy ask an object for its number, or its array.
WAYS: dict[str, Callable[[Any], Any]] = {
    "float": float, "int": int, "complex": complex, "round": lambda t: round(t, 1),
    "%": lambda t: "%.1f" % t, "complex of two": lambda t: complex(1, t),  # noqa: UP031
    "math": math.sin, "cmath": cmath.sin, "map": lambda t: list(map(math.exp, [t])),
    "isfinite": math.isfinite, "as_integer_ratio": lambda t: t.as_integer_ratio(),
    "sympify": sympy.sympify, "sympy": lambda t: sympy.Symbol("s") * t,
    "fmean": lambda t: statistics.fmean([t, t]),
    "NormalDist": lambda t: statistics.NormalDist(t).mean,
    "float64": np.float64, "float32": np.float32, "complex128": np.complex128, "array": np.array,
    "asarray": lambda t: np.asarray(t, dtype=float), "array of a list": lambda t: np.array([t, 1]),
    "array of objects": lambda t: np.array([t], dtype=object).astype(float),
    "structured": lambda t: np.array([(t, 1)], dtype=[("a", float), ("b", float)])["a"],
    "fromiter": lambda t: np.fromiter((t for _ in range(2)), float),
    "[]": lambda t: written(lambda a, t: operator.setitem(a, 0, t), t),
    "[] of int": lambda t: written(lambda a, t: operator.setitem(a, 0, t), t, int),
    "[:]": lambda t: written(lambda a, t: a.__setitem__(slice(None), t), t),
    "[:] of a list": lambda t: written(lambda a, t: operator.setitem(a, slice(None), [t, t]), t),
    "[] of a field": lambda t: written(
        lambda a, t: operator.setitem(a, 0, (t, t)), t, [("a", float), ("b", float)]
    ),
    "flat": lambda t: written(lambda a, t: setattr(a, "flat", t), t),
    "fill": lambda t: written(lambda a, t: a.fill(t), t),
    "put": lambda t: written(lambda a, t: a.put(0, t), t),
    "copyto": lambda t: written(lambda a, t: np.copyto(a, objects(t), casting="unsafe"), t),
    "add.at": lambda t: written(lambda a, t: np.add.at(a, [0, 1], objects(t)), t),
    "astype": lambda t: np.diag(objects(t)).astype(float),
    "unsafe ufunc": lambda t: np.add(objects(t), 1, dtype=float, casting="unsafe"),
    "initial": lambda t: np.add.reduce(np.ones(3), initial=t),
    "initial of a method": lambda t: np.ones(3).max(initial=t),
    "fill value": lambda t: np.full(2, t), "arange": lambda t: np.arange(0, t, 0.5),
    "vectorize": lambda t: np.vectorize(math.sin)(objects(t)),
    "frompyfunc": lambda t: np.frompyfunc(lambda k: k * t, 1, 1)([1, 2]).astype(float),
    "dot": lambda t: np.ones(1).dot([t]), "random": lambda t: np.random.default_rng(0).normal(t),
    "Tensor": lambda t: Tensor(t).item(), "Tensor of a list": lambda t: Tensor([t, 1]).numpy(),
}  # fmt: skip


@pytest.mark.parametrize("name", WAYS)
def test_a_number_is_given_only_where_no_gradient_is_lost(name: str):
    way, number = WAYS[name], np.float64(0.7)
    for compute in (
        lambda: way(V(0.7)),
        lambda: way(V(0.7) * 1),
        lambda: ag.grad(lambda x: np.sum(way(x)) * x)(0.7),
        lambda: ag.no_grad()(lambda: ag.grad(lambda x: np.sum(way(x)) * x)(0.7))(),
    ):
        # NumPy puts its own on top, and np.add.at goes on after an error.
        said = refusal(name, compute, (TypeError, ValueError, SystemError))
        assert "requires a gradient" in said, said
        assert "np.sin(t) for math.sin(t)" in said, said
        assert "t.item() or t.data" in said, said
    with ag.no_grad():
        np.testing.assert_array_equal(way(V(0.7)), way(number), err_msg=name)
    np.testing.assert_array_equal(way(Tensor(0.7)), way(number), err_msg=name)


def test_what_asks_for_an_array_s_memory_is_told_of_numpy_s_functions():
    assert "shape (2,) has no .flags" in refusal(
        "fft", lambda: scipy.fftpack.fft(V([1.0, 2.0])), AttributeError
    )


def test_what_is_constant_in_pieces_or_text_gives_values():
    t = V(2.5)
    for f in (
        bool, math.floor, math.ceil, math.trunc, lambda t: t > 2, lambda t: sorted([t, 1.0])[0],
        lambda t: t // 2, lambda t: f"{t:.1f}", np.isfinite,
    ):  # fmt: skip
        assert f(t) == f(np.float64(2.5)), f
    assert "has 2 elements" in refusal("floor", lambda: math.floor(V([1.0, 2.0])), ValueError)


def test_a_derivative_of_values_that_were_taken_by_name_is_said_to_be_0():
    x = np.array([1.0, 2.0])
    for f in (
        lambda x: np.sum(x).item(), lambda x: sum((x * x).tolist()), lambda x: x.numpy()[0],
        lambda x: np.sum(x).data,
    ):  # fmt: skip
        with pytest.warns(UserWarning, match=r"grad: .* t\.item\(\), .* list\(t\) for t\.tolist"):
            assert not ag.grad(f)(x).any()

    def told(x):
        assert x[0].item() == 1.0
        return np.sum(x * x)

    np.testing.assert_array_equal(ag.grad(told)(x), [2.0, 4.0])
    assert not ag.grad(lambda x: math.floor(x[0]) * 1.0)(x).any()


def test_arrays_of_objects_that_compute_with_tensors_keep_the_gradient():
    for f in (
        np.sum, lambda a: np.add.reduce(a), lambda a: a @ np.ones(2), lambda a: np.cumsum(a)[1],
        lambda a: sum(a), lambda a: np.frompyfunc(lambda v: v * 1, 1, 1)(a).sum(),
        lambda a: statistics.median(a) * 2, lambda a: math.prod(a) / a[0].item() * 1.0,
    ):  # fmt: skip
        np.testing.assert_allclose(ag.grad(lambda x, f=f: f(objects(x * x)))(0.5), 2.0, rtol=1e-15)


def masked_or_matrix() -> dict[str, Any]:
    with pytest.warns(PendingDeprecationWarning):
        return {"masked": np.ma.array([[1.0, 2.0]], mask=[[0, 1]]), "matrix": np.matrix([[1, 2.0]])}


def fit(x: Any, y: Any) -> Any:
    net = nn.MLP([2, 1], rng=0)
    return nn.fit(net, x, y, nn.BCELoss(), nn.SGD(net.parameters(), 0.1), 1)


A = np.ones((1, 2))
BORDERS: dict[str, Callable[[Any], Any]] = {
    "Tensor": Tensor, "a list": lambda m: Tensor([m, m]),
    "data": lambda m: setattr(V(A), "data", m), "*": lambda m: V(A) * m, "r*": lambda m: m * V(A),
    "@": lambda m: V(A) @ m.T, "<": lambda m: V(A) < m, "allclose": lambda m: np.allclose(V(A), m),
    "ufunc": lambda m: np.add(m, Tensor(A)), "concatenate": lambda m: np.concatenate([V(A), m]),
    "ag": ag.exp, "ag.sum": ag.sum, "op": ag.Op("cube", lambda x: x**3, None),
    "index": lambda m: V(A)[m > 1], "where": lambda m: np.where(m > 1, V(A), 0),
    "grad": ag.grad(np.sum), "grad of a list": lambda m: ag.grad(lambda p: np.sum(p[0]))([m]),
    "jvp": lambda m: ag.jvp(np.sin, (m,), (A,)), "tangent": lambda m: ag.jvp(np.sin, (A,), (m,)),
    "vjp": lambda m: ag.vjp(np.sin, m), "cotangent": lambda m: ag.vjp(np.sin, A)[1](m),
    "jacobian": ag.jacobian(np.sin), "hessian": ag.hessian(np.sum),
    "hvp": lambda m: ag.hvp(np.sum)(m, A),
    "vector": lambda m: ag.hvp(lambda x: np.sum(x**2))(A, m),
    "seed": lambda m: (V(A) * 2).backward(m),
    "seed of gradients": lambda m: ag.gradients(*(2 * [V(A)]), seed=m),
    "compile": ag.compile(np.sin), "check_grads": lambda m: ag.check_grads(np.sin, m),
    "x": lambda m: fit(m, np.ones((1, 1))), "y": lambda m: fit(A, m[:, :1]),
    "batches": lambda m: nn.batches(m, m, 1), "standardize": nn.standardize,
    "accuracy": lambda m: nn.accuracy(m, A), "target": lambda m: nn.accuracy(A, m),
    "prediction": lambda m: nn.MSELoss()(m, A), "target of a loss": lambda m: nn.MSELoss()(A, m),
    "classes": lambda m: nn.CrossEntropyLoss()(A, m), "net": nn.MLP([2, 1], rng=0),
    "state": lambda m: nn.Linear(2, 1, bias=False).load_state_dict({"weight": m.T}),
}  # fmt: skip


def test_masked_arrays_and_matrices_are_refused_at_each_border():
    for kind, m in masked_or_matrix().items():
        for name, give in BORDERS.items():
            said = refusal(f"{name} of a {kind}", lambda give=give, m=m: give(m))
            taken_by_numpy = name == "r*" and kind == "masked"  # which then asks for an array
            assert ("would be ignored" in said) or taken_by_numpy, f"{name} of a {kind}: {said}"
    x = V([1.0, 2.0], name="x")
    given = np.ma.array([2.0, 4.0], mask=[0, 1])
    report = ag.check_backprop(np.sum(x * x).named("L"), {"x": given})
    assert not report.ok
    assert "its mask would be ignored" in str(report)


class Deferring:
    """Another library's operand, which handles operators itself."""

    __array_ufunc__ = None

    def _mine(self, other: Any) -> Any:
        return "mine", other

    __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __rmatmul__ = __rpow__ = __rmod__ = _mine
    __rfloordiv__ = __rdivmod__ = __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _mine
    __hash__ = None  # type: ignore[assignment]


def test_an_operand_that_handles_operators_itself_is_left_to():
    t, other = V([1.0, 2.0]), Deferring()
    for f in (
        operator.add, operator.sub, operator.mul, operator.truediv, operator.matmul, operator.pow,
        operator.mod, operator.floordiv, divmod, operator.lt, operator.le, operator.gt, operator.ge,
        operator.eq, operator.ne, operator.iadd, operator.ipow,
    ):  # fmt: skip
        assert f(t, other) == ("mine", t), f
    for f in (operator.add, operator.pow, operator.matmul):
        assert "unsupported operand" in refusal(f.__name__, lambda f=f: f(other, t))
    for f in (ag.add, ag.power, np.add, np.less):
        said = refusal(repr(f), lambda f=f: f(t, other))
        assert "handle Tensors itself" in said or "does not support ufuncs" in said
    assert Tensor([1.0, 2.0]) == pytest.approx([1.0, 2.0])
    assert V(3.0).item() == pytest.approx(3.0)
    assert "t.item()" in refusal("approx", lambda: V(3.0) == pytest.approx(3.0))


def test_what_is_no_number_is_unequal():
    t = V([1.0, 2.0])
    for text in ("relu", b"relu", np.str_("relu")):
        assert (t == text) is False
        assert (t != text) is True
        assert "not supported" in refusal("<", lambda text=text: t < text)
    assert "relu" in [t, "relu"]
    assert t in [t, "relu"]


def test_tensors_in_sets_and_dicts_of_weak_references():
    t, u = V([1.0, np.nan]), V([1.0, 2.0])
    tensors, sizes = weakref.WeakSet([t]), weakref.WeakKeyDictionary({t: 1})
    assert (t in tensors, u in tensors, sizes[t], sizes.get(u)) == (True, False, 1, None)
    same = t == t
    np.testing.assert_array_equal(same, [True, False])
    assert repr(same) == "array([ True, False])"
    for array in (~same, same & True, same[:], t == t.data):
        assert "ambiguous" in refusal("truth", lambda array=array: bool(array), ValueError)
    assert V(np.nan) != V(np.nan)
    nan = V(np.nan)
    assert not bool(nan == nan)


def test_an_integer_tensor_is_an_index():
    i = Tensor(1)
    assert ([5, 6][i], "ab"[i], list(range(i)), operator.index(i)) == (6, "b", [0], 1)
    a = np.arange(3)
    assert (a[i:].tolist(), a[i], np.zeros(i).shape) == ([1, 2], 1, (1,))
    np.testing.assert_array_equal(a[Tensor([1])], [1])  # an array of indices
    for wrong in (Tensor(1.0), Tensor([1]), Tensor(True), V(1.0)):
        said = refusal(repr(wrong), lambda wrong=wrong: [5, 6][wrong])
        assert "an index must be an integer" in said
        assert "int(t.item())" in said
    t = V([[3.0, 4.0]])
    assert (t.item(1), t.item(0, 1), t.item((0, 1)), t.item(-2)) == (4.0, 4.0, 4.0, 3.0)


def test_methods_of_arrays_given_tensors():
    a = np.array([1.0, 4.0])
    t, mask = V([2.0, 2.0]), Tensor([True, False])
    for f, expected in (
        (lambda t: a.clip(t, 10), [1, 0]), (lambda t: a.clip(max=t), [0, 1]),
        (lambda t: a @ t, [1, 4]), (lambda t: a.__mul__(t), [1, 4]),
    ):  # fmt: skip
        np.testing.assert_array_equal(ag.grad(lambda t, f=f: np.sum(f(t)))(t.data), expected)
    assert (a.sum(where=mask), a.mean(where=mask)) == (1.0, 1.0)
    assert "must be boolean" in refusal("where", lambda: a.sum(where=t))
    for name in ("take", "repeat", "searchsorted", "dot", "choose", "put"):
        said = refusal(name, lambda name=name: getattr(a, name)(*[t] * (1 + (name == "put"))))
        assert "t.item() or t.data" in said, name


def test_dtypes_are_cast_as_numpy_casts_them():
    t, a = V(np.eye(2)), np.eye(2)
    for f in (
        lambda x: np.einsum("ij->i", x, dtype=complex),
        lambda x: np.einsum("ij->i", x, dtype=np.float32, casting="same_kind"),
        lambda x: np.add(x, 1, dtype=np.float32), lambda x: np.exp(x, dtype=np.float32),
        lambda x: np.stack([x, x], dtype=np.float32), lambda x: np.vstack([x, x], dtype=np.float32),
    ):  # fmt: skip
        np.testing.assert_allclose(f(t).data, f(a), strict=True)
        assert f(t).requires_grad
    for f in (
        lambda x: np.einsum("ij->i", x, dtype=np.float32), lambda x: np.add(x, 1, dtype=int),
        lambda x: np.multiply(x, x, dtype=np.float32, casting="safe"),
        lambda x: np.concatenate([x, x], dtype=int), lambda x: np.stack([x], dtype=int),
        lambda x: np.hstack([x, x], dtype=np.float32, casting="no"),
    ):  # fmt: skip
        refusal("numpy", lambda f=f: f(a))
        assert "write t.astype(dtype) instead" in refusal("casting", lambda f=f: f(t))
