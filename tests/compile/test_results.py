"""Results: of the same types, dtypes and containers as the function's own, whatever is given."""

from __future__ import annotations

import functools
from collections import OrderedDict
from typing import Any, NamedTuple

import numpy as np
import pytest

import autograd_lite as ag
import autograd_lite.numpy as anp
from autograd_lite import Tensor

from ..each import each
from .comparing import agree

RNG = np.random.default_rng(3)
X, Y = RNG.normal(size=(2, 3)), RNG.normal(size=(2, 3))
Z = X + 1j * Y


class Both(NamedTuple):
    a: Any
    b: Any


# ---------------------------------------------------------------------- kinds of arguments


@each(["e", "f", "d", "g", "F", "D", ">f8", ">c8"])
def test_dtypes_are_kept(dtype: str):
    def f(x: Any) -> Any:
        return (
            x * 2, 0.5 * x, 1 / (x + 3), x**2, x**3, -x, abs(x), x - x.mean(), x.sum(), x.sum(0),
            x.sum(axis=1, keepdims=True), x.mean(0), x.std(), x @ x.T, np.exp(x), x.real,
            np.where(x == 0, 1.0, x), x * np.float64(0.1), np.where(x == 0, np.float64(0.1), x),
            x.astype(np.complex128).T,
        )  # fmt: skip

    x, y = (X, Y) if np.dtype(dtype).kind == "f" else (Z, Z.conj() + 1)
    agree(f, x.astype(dtype), y.astype(dtype))


@pytest.mark.parametrize("dtype", ["b", "B", "i", "q", "Q"])
def test_integers_wrap_and_divide_as_ever(dtype: str):
    def f(n: Any, x: Any) -> Any:
        return (
            n * 2, n / 2, n // 2, n % 3, -n, n**2, n - 3, abs(n), n.sum(), n.mean(), n.sum(0),
            n @ n, -n * 0.5, -n / 2.5, x + -n, x - -n, -n - x, x * n, n & 1, n | 1, n ^ 1, ~n,
            n < 2, n.max(), n << 1, n >> 1, n.argmax(), n.astype(float), divmod(n, 2), 7 // (n + 1),
            np.add.reduce(n),
        )  # fmt: skip

    small, large = np.arange(4).astype(dtype), np.arange(100, 104).astype(dtype)
    agree(f, (small, np.ones(4)), (large, np.arange(4.0)), (small * 0, np.ones(4)))


FEW: dict[str, tuple[Any, list[Any]]] = {
    "booleans": (
        lambda b: (~b, b & True, b | b, b ^ b, b.sum(), b.mean(), b.all(), b.any(0), b * 2, b @ b),
        [np.array([True, False]), np.array([True, True])],
    ),
    "a complex number": (lambda x, s: (x * s, s * 2, abs(s)), [(X, 2.5j), (Y, 1 - 1j)]),
    "no axes": (
        lambda x: (x * 2, np.exp(x), x.sum(), x.T, x[...], x[()], x.reshape(1)),
        [np.array(2.0), np.array(3.0)],
    ),
    "no entries": (
        lambda x: (
            x * 2, x.sum(), x.sum(0), x.sum(1), x @ x.T, x.T @ x, np.exp(x).T, x.reshape(3, 0)),
        [np.ones((0, 3))],
    ),
    "a gradient of nothing": (ag.value_and_grad(lambda x: np.sum(x * x)), [np.ones((0, 3))]),
    **{kind.__name__: (
        lambda x: (
            x + x, x * 2.5, np.exp(x), x.sum(), x.reshape(1), x.astype(np.float64), x.T, x[()]),
        [kind(1), kind(0)],
    ) for kind in (np.float64, np.float32, np.int32, np.bool_)},
}  # fmt: skip


@each(FEW)
def test_few_and_no_entries(f: Any, calls: list[Any]):
    agree(f, *calls)


def test_a_python_float_widens_nothing_and_stays_one():
    def f(x: Any, s: float) -> Any:
        return (
            x * s, s * 2, s + 1, 1 - s, s**2, 2**s, -s, abs(s), s / 3, 1 / s, s // 1, s % 2, s < 1,
            s >= x, np.exp(s), np.maximum(s, 0.3), divmod(s, 0.3),
        )  # fmt: skip

    compiled = agree(f, (X.astype(np.float32), 2.5), (Y.astype(np.float32), 0.5))
    assert type(compiled(X.astype(np.float32), 1.5)[1]) is float


def test_a_number_has_the_dtype_that_is_asked_for():
    agree(lambda x: (np.add(x, 0.7, dtype=float), np.power(0.7, x, signature="dd->d")),
          X.astype(np.float32), Y.astype(np.float32))  # fmt: skip


@each({
    "fortran": np.asfortranarray,
    "backwards": lambda x: x[::-1, ::-1],
    "strided": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "broadcast": lambda x: np.broadcast_to(x[:1], (2, 3)),
    "read-only": lambda x: np.frombuffer(x.tobytes()).reshape(2, 3),
})
def test_memory_layouts(laid: Any):
    def f(x: Any) -> Any:
        return (
            np.exp(x) @ x.T, x.ravel(), x.reshape(3, 2), (x * 2).reshape(-1), x.T.ravel(),
            np.exp(np.reshape(x, (3, 2), order="F")), np.ravel(x * 2, order="F"), np.sum(x * x),
            np.reshape(np.reshape(x, 6, order="F"), (3, 2)), x.sum(0), x,
        )  # fmt: skip

    agree(f, laid(X), Y, laid(Y))


# ---------------------------------------------------------------------- containers


def test_nested_containers():
    def f(p: Any, q: Any) -> Any:
        return {"u": [p["a"] * q.a, (p["b"], Both(q.b, q.a))], "v": {}, "w": (), "z": [(p["a"],)]}

    agree(f, ({"a": X, "b": 2.0}, Both(Y, X)), ({"a": Y, "b": 3.0}, Both(X, 1.5)))


@each([
    lambda x: (x * 2, [x * 3]),
    lambda x: (x * 2, (x * 3,)),
    lambda x: ((x * 2,),),
    lambda x: [x * 2],
    lambda x: {"a": x},
    lambda x: ((), x),
    lambda x: ([], {}),
    lambda x: Both(x, x + 1),
    lambda x: (x, None, "text", 3, True, 1.5, np.float32(2), 1j, np.arange(3), float("nan")),
    lambda x: 3,
])  # fmt: skip
def test_containers_of_results(f: Any):
    agree(f, X, Y)


def test_lists_and_dicts_of_other_lengths_and_orders():
    agree(lambda xs: (sum(x * x for x in xs), len(xs)), ([X, Y],), ([Y],), ([],), ([2.0, 3.0],))
    agree(lambda d: next(iter(d.values())) * 2, ({"a": X, "b": Y},), ({"b": Y, "a": X},))
    agree(lambda d: d["a"] - d["b"], ({"a": X, "b": Y},), ({"b": Y, "a": X},))
    agree(lambda d: OrderedDict(b=d["a"]), (OrderedDict(a=X),), (OrderedDict(a=Y),))


def test_keyword_arguments():
    def f(x: Any, *rest: Any, y: Any = 2.0, kind: str = "times") -> Any:
        return x * y + sum(rest) if kind == "times" else x - y

    compiled = ag.compile(f)
    for _ in range(2):
        args: Any
        kwargs: Any
        for args, kwargs in [
            ((X,), {}), ((X,), {"y": 3.0}), ((Y,), {"y": 4.0, "kind": "minus"}), ((X, Y), {"y": Y}),
            ((Y,), {"kind": "minus", "y": 5.0}), ((X, 1.0, Y), {"kind": "times"}), ((), {"x": Y}),
        ]:  # fmt: skip
            np.testing.assert_array_equal(compiled(*args, **kwargs), f(*args, **kwargs))


@each([
    lambda x: np.broadcast_to(array=x, shape=(4, 2, 3)) * 2,
    lambda x: np.transpose(a=x) + np.squeeze(a=x[None]).T,
    lambda x: np.sum(a=x) + np.max(a=x, axis=0),
    lambda x: (np.zeros_like(x), np.zeros_like(a=x), np.where(x > 1, np.zeros_like(x), x)),
])  # fmt: skip
def test_operands_by_their_names_and_zeros(f: Any):
    agree(f, np.arange(6.0).reshape(2, 3), np.ones((2, 3)))


def test_what_isn_t_a_float_or_an_array_is_known():
    agree(lambda x, n: (x**n, n), (X, 2), (X, 3), (Y, 2), (Y, True), (Y, 1), (Y, 1.0))
    agree(lambda x, keep: x.sum(axis=0, keepdims=keep), (X, True), (X, False))
    agree(lambda x, name: getattr(np, name)(x), (X, "sin"), (Y, "cos"), (Y, "sin"))
    agree(lambda x, f: f(x) if f else x, (X, np.exp), (Y, None), (Y, np.sin))


# ---------------------------------------------------------------------- Tensors


def test_tensors_as_arguments_and_results():
    def f(t: Tensor) -> Any:
        return t * 2, (t * 2).data, t, t.T, t.sum(), (t + 1).named("next"), {"a": [t]}

    agree(f, Tensor(X), Tensor(Y))
    agree(f, Tensor(X, name="x"), Tensor(Y, name="y"))


def test_called_with_what_requires_a_gradient_it_is_the_function_itself():
    def f(x: Any) -> Any:
        return x * 2 if np.sum(x) > 0 else x * 3  # which couldn't be compiled

    compiled = ag.compile(f)
    for number, slope in ((1.0, 2.0), (-1.0, 3.0)):
        t = Tensor([number], requires_grad=True)
        compiled(t).sum().backward()
        ag.compile(lambda tensors: f(tensors[0]))([t]).sum().backward()
        assert t.grad is not None
        assert t.grad.item() == 2 * slope
    assert ag.grad(lambda x: np.sum(compiled(x)))(np.array([-2.0])) == 3
    np.testing.assert_array_equal(ag.jacobian(compiled)(np.array([2.0])), [[2.0]])
    assert ag.jvp(compiled, (np.array([2.0]),), (np.array([1.0]),))[1] == 2


def test_within_another_compiled_function():
    inner = ag.compile(ag.grad(lambda x: np.sum(np.sin(x) * x)))
    agree(lambda x: inner(x) * x, X, Y)
    agree(ag.compile(lambda x: np.exp(x)), X, Y)


# ---------------------------------------------------------------------- transforms


def curve(x: Any) -> Any:
    return np.sum(np.tanh(x) ** 2 * x)


@each([
    ag.grad(curve),
    ag.value_and_grad(curve),
    ag.jacobian(lambda x: np.tanh(x) * x.sum()),
    ag.jacobian(ag.jacobian(lambda x: x[0] ** 3)),
    ag.hessian(curve),
    ag.grad(lambda x: np.sum(ag.grad(curve)(x) ** 2)),
    ag.grad(lambda x: np.sum(ag.checkpoint(lambda z: np.tanh(z) * z)(x))),
    lambda x: ag.hvp(curve)(x, x + 1),
    lambda x: ag.jvp(curve, (x,), (x * 2,)),
    lambda x: ag.jvp(ag.grad(curve), (x,), (x,)),
    ag.grad(lambda x: ag.jvp(curve, (x,), (x,))[1]),
    lambda x: ag.vjp(np.tanh, x)[1](x * 3),
    lambda x: ag.vjp(lambda x: {"a": np.sin(x), "b": [x]}, x)[1]({"a": x, "b": [x * 2]}),
    lambda x: ag.grad(lambda p: np.sum(p["w"] ** 3 * p["b"][0]))({"w": x, "b": [x * 2]}),
    lambda x: x * ag.grad(lambda y: np.sum(x * y * y))(x),
    lambda x: ag.value_and_grad(lambda a, b: np.sum(a * b), (0, 1))(x, x + 1),
    lambda x: ag.value_and_grad(curve, (0,))(x),
])  # fmt: skip
def test_transforms(f: Any):
    agree(f, X, Y, X[:, :2].copy(), Y.astype(np.float32)[:1])


def test_a_cotangent_that_happens_to_be_0_has_derivatives():
    compiled = agree(ag.hessian(lambda x: np.sum(np.cumprod(x) ** 2)), np.array([-1.0, 0.0, 2.0]))
    np.testing.assert_allclose(compiled(np.array([-1.0, 0.0, 2.0])), np.diag([2.0, 10.0, 0.0]))


def test_what_values_decide_of_a_matrix_is_asked():
    a = np.array([[2.0, 1.0, 0.5], [1.0, 3.0, 1.0], [0.5, 1.0, 4.0]])
    compiled = agree(ag.grad(np.linalg.det), a, np.ones((3, 3)), np.eye(3))
    compiled(a)
    assert sum(map(len, compiled._variants.values())) == 2
    fit = ag.grad(lambda a: np.sum(np.linalg.lstsq(a, np.arange(3.0), rcond=None)[0] ** 2))
    assert "inv(" in agree(ag.grad(np.linalg.det), a).source
    agree(fit, np.eye(3), a, a + 1)


def test_what_a_graph_has_taken_isn_t_what_is_written_to_later():
    def f(x: Any) -> Any:
        a, b = x * 1.0, x + 1.0
        w = Tensor(x * 2, requires_grad=True)
        loss = np.sum(w * a) + np.sum(w[0] * b[0])
        a[0] = b[0] = 99.0
        b[1].sort()
        return ag.gradients(loss, [w])[0].data, a, b

    agree(f, X, Y, -X)


def _cut(h: Any) -> None:
    h[h < 0] = 0


def _from_labels(h: Any) -> None:
    h[np.arange(2), [0, 2]] -= 1


def _rows(h: Any) -> None:
    for i in range(2):
        h[i] = h[i] * np.mean(h[i - 1])
    h /= 2


@each([_cut, _from_labels, _rows])
def test_results_that_are_written_to(write: Any):
    def f(x: Any) -> Any:
        with anp.filling():
            h = np.tanh(x)
            write(h)
            return np.sum(h**2)

    agree(ag.value_and_grad(f), X, Y, -X)


def _factors(a: Any) -> Any:
    upper, lower = a.copy(), anp.eye(len(a))
    for k in range(len(a) - 1):
        for i in range(k + 1, len(a)):
            lower[i, k] = upper[i, k] / upper[k, k]
            upper[i, k:] -= lower[i, k] * upper[k, k:]
    return lower, upper


def _counts(a: Any) -> Any:
    found = anp.zeros(3, int)
    for row in a:
        found[np.argmax(row)] += 1
    return found


def _in_a_block(a: Any) -> Any:
    with anp.filling():
        out, kept = anp.zeros((3, 3)), anp.ones(3)
        for i in range(3):
            for j in range(i + 1):
                out[i][j] = a[i, j] * a[j, 0]
        x, _, z = anp.array(a[0])
        kept[:2] = [x, z]
        out += kept * a
        anp.fill_diagonal(out, kept)
        return np.sum(out * out * kept)


def _turned(a: Any) -> Any:
    with anp.filling():
        h = np.copy(a)
        h *= a
        for i in range(18):
            h[:, i % 3] = np.roll(h[:, i % 3], 1)
        return np.sum(h * a)


@each([
    _factors, _counts, _in_a_block, ag.value_and_grad(_in_a_block), ag.value_and_grad(_turned),
    lambda a: anp.array([[a[0, 0], 1.0], [a[1, 1], a.sum()]]),
    lambda a: (anp.asarray(a).T, anp.array(a, np.float32), anp.array(a.sum(), ndmin=1)),
    lambda a: anp.r_[a[0, 0], a[1], 3.0],
    lambda a: (anp.zeros(2), anp.full_like(a, 2.0) * a, a == "text", "b" in [a[0, 0]]),
])  # fmt: skip
def test_arrays_that_are_made_of_what_is_computed(f: Any):
    a = np.array([[2.0, 1.0, 0.5], [1.0, 3.0, 1.0], [0.5, 1.0, 4.0]])
    agree(f, a, a.T + np.eye(3), a[::-1])


def of_softmax(x: Any) -> Any:
    p = np.exp(x)
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(2), [0, 2]] -= 1
    return p / 2


def a_recurrence(x: Any) -> Any:
    h, total, seen = np.zeros_like(x), 0.0, 0
    for t in range(1, len(x)):
        h[t] = np.tanh(h[t - 1] + x[t])
        total += h[t].sum()
        seen += np.argmax(h[t])
    return h, total, seen


def in_place(x: Any) -> Any:
    y = x * 2
    z, copied = y, +y
    y += 1
    y -= x.mean(axis=0)
    y **= 2
    y @= np.eye(3)
    n = x.argmax(axis=1)
    n += 1
    n //= 2
    single = x.astype(np.float32)
    single *= x
    row = y[0] * 1
    y[0] = 7.0
    y[0], y[1] = y[1] * 1, y[0] * 1
    picked = y[:, [0, 1]]
    picked[:] = 0
    return y, z, copied, n, single, row, picked


def joined(x: Any) -> Any:
    y, there = np.hstack([x, x]), x > 0
    y += 1
    y[:, range(2)] -= x[:, range(1, 3)]
    q = np.full_like(x, 7.0)
    z = np.divide(1.0, x, out=q, where=there) * 2
    return y, q, z, np.less(x, 0.3, out=there)


@each([of_softmax, a_recurrence, in_place, joined])
def test_own_arrays_are_written_to(f: Any):
    agree(f, X, Y, -X)


def test_gradients_take_the_other_branch():
    def f(x: Any) -> Any:
        kinked = np.maximum(x, 0) * x + np.where(x > 0.5, x * x, -x) + np.clip(x, -0.3, 0.3)
        kinked = kinked + abs(x) + np.minimum(x, x[::-1])
        return np.sum(kinked) + np.max(x) * np.min(x) + np.sum(np.sort(x)[..., 0])

    agree(ag.value_and_grad(f), X, Y, -X, np.zeros((2, 3)), np.ones((2, 3)), X[::-1])


def test_a_complex_gradient():
    agree(ag.value_and_grad(lambda z: np.sum(np.abs(z * z + 1j) ** 2)), Z, Z[::-1] * 2)


# ---------------------------------------------------------------------- what is compiled


class Scaled:
    def __init__(self) -> None:
        self.scale = Tensor([1.0, 2.0, 3.0], requires_grad=True)

    def __call__(self, x: Any) -> Any:
        return self.method(x) + 1

    def method(self, x: Any) -> Any:
        return x * self.scale.data


@each([np.exp, np.sum, Scaled(), Scaled().method, functools.partial(np.multiply, 2.0), abs])
def test_any_callable(f: Any):
    compiled = agree(f, X, Y)
    assert "compiled" in repr(compiled)


def test_what_isn_t_callable_is_refused():
    with pytest.raises(TypeError, match="give a function, not a ndarray"):
        ag.compile(X)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="MaskedArray"):
        ag.compile(np.exp)(np.ma.masked_array([1.0]))
    with pytest.raises(TypeError, match="not a ndarray of object"):
        ag.compile(len)(np.array([None]))


def test_it_knows_the_time_it_took_and_compiles_anew_for_other_shapes_and_dtypes():
    compiled = ag.compile(lambda x: x * 2)
    assert compiled.compile_time == 0.0
    with pytest.raises(RuntimeError, match="call it once"):
        _ = compiled.source
    seen = []
    for x in (X, Y, X[:1], X.astype(np.float32), X[0], 2.0, np.float64(2.0)):
        compiled(x)
        seen.append(compiled.compile_time)
    assert 0 < seen[0] == seen[1] < seen[2] < seen[3] < seen[4] < seen[5] < seen[6]
    for s in (2.0, -0.0, float("inf"), 1e300):  # but not for other numbers
        assert compiled(s) == s * 2
    assert compiled.compile_time == seen[6]


@each(["x", "exp", "np", "list", "lambda", "σ", "x²", "1 \n\"'\\", ""])
def test_names(name: str):
    def f(x: Any) -> Any:
        a, b = Tensor(x).named(name), (Tensor(x) * 2).named(f"ℓ{name}")
        return (np.exp(a) * b + (b * 3).named(f"l{name}") * (a + 1).named(name) + b).data

    assert "prepare" in agree(f, X, Y).source
    f.__name__ = name
    agree(f, X, Y)


def test_variables_may_be_called_as_functions_are():
    def square(exp: Any, multiply: Any) -> Any:
        log = np.exp(exp) * multiply
        min, abs, list = np.minimum(log, 1.0), np.abs(log), np.log(np.abs(log))  # noqa: A001
        add = np.multiply(min, abs) + list
        sum = np.sum(add) + np.square(add)  # noqa: A001
        return sum * log + min, abs, list, sum

    agree(square, (X, Y), (Y, X), (np.repeat(X, 20000, 0), np.repeat(Y, 20000, 0)))


@each([(64, 10), (13, 13), (5, 33)], [0.1, 0.3, -0.7])
def test_rounding_may_decide_between_ties(shape: tuple[int, int], value: float):
    """Sums in another order are other sums, by their last digit."""
    def f(x: Any) -> Any:
        sums = np.sum(x, axis=0)
        return np.argmax(sums), sums >= sums[0], np.sign(sums - sums[::-1])

    ag.compile(f)(np.full(shape, value))
