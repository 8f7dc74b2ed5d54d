"""Values that differ from call to call are read at each call; what would be frozen is refused."""

from __future__ import annotations

import copy
import functools
import itertools
import pickle
import random
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite import CompileError, Tensor

from ..each import each
from .comparing import agree, arguments, assert_same

X, Y = np.random.default_rng(5).normal(size=(2, 2, 3))


def agree_or_refused(f: Any, *calls: Any, between: Callable[[], Any] = lambda: None) -> bool:
    """Compiled, ``f`` gives what it gives at each call, or it is refused from the first one on."""
    compiled = ag.compile(f)
    try:
        compiled(*arguments(calls[0]))
    except CompileError:
        return False
    for call in (*calls, calls[0]):
        expected = f(*arguments(call))
        assert_same(compiled(*arguments(call)), expected)
        between()
    return True


# ---------------------------------------------------------------------- Tensors closed over

READ = {
    "p": lambda x, p: x * p,
    "p.data": lambda x, p: x * p.data,
    "p.T": lambda x, p: x * p.T,
    "p[0]": lambda x, p: x * p[..., :1],
    "max": lambda x, p: x * p.max(),
    "iter": lambda x, p: sum([x * q for q in p]),
    "iter data": lambda x, p: sum([x * q for q in p.data]),
    "returned": lambda x, p: p,
    "data returned": lambda x, p: (p.data, x),
    "np.sin": lambda x, p: np.sin(p),
    "np.isnan": lambda x, p: x * np.isnan(p).sum() + p.data,
    "argmax": lambda x, p: x * np.argmin(p),
    "p > 2.5": lambda x, p: x * (p > 2.5),
    "p.data > 2.5": lambda x, p: np.where(p.data > 2.5, x, -x),
    "copy": lambda x, p: x * p.copy(),
    "astype": lambda x, p: x * p.data.astype(np.float32),
    "initial": lambda x, p: np.sum(x, initial=p.data[0]),
    "dot": lambda x, p: x.dot(p.data),
    "no_grad": lambda x, p: ag.no_grad()(lambda: x * p)(),
    "where": lambda x, p: ag.where(p > 2, x, p),
    "grad by p": lambda x, p: ag.grad(lambda q: np.sum(q * q * x))(p.data),
    "jvp": lambda x, p: ag.jvp(lambda z: z * z, (x,), (x * p.data,)),
    "value_and_grad": lambda x, p: ag.value_and_grad(lambda z: np.sum(z * z * p))(x),
}
"""Ways of reading a Tensor that can be compiled."""
READ_OR_REFUSED = {
    "detach": lambda x, p: x * p.detach(),
    "detach data": lambda x, p: x * p.detach().data,
    "numpy": lambda x, p: x * p.numpy(),
    "float": lambda x, p: x * float(p.sum()),
    "item": lambda x, p: x * p.sum().item(),
    "item of entry": lambda x, p: x * p[1].item(),
    "int": lambda x, p: x * int(p.max()),
    "if": lambda x, p: x if p[0] > 1.5 else -x,
    "any": lambda x, p: x if (p > 6).any() else -x,
    "while": lambda x, p: next(x * n for n in itertools.count() if n > p.data[0]),
    "tolist": lambda x, p: x * np.array(p.tolist()),
    "asarray": lambda x, p: x * np.asarray(p),
    "np.array": lambda x, p: x * np.array(p.data),
    "Tensor(p)": lambda x, p: x * Tensor(p),
    "deepcopy": lambda x, p: x * copy.deepcopy(p),
    "pickle": lambda x, p: x * pickle.loads(pickle.dumps(p)),
    "repr": lambda x, p: x * len(repr(p)),
    "format": lambda x, p: x * len(f"{p}"),
    "round": lambda x, p: x * round(p[0]),
    "in": lambda x, p: x * (3.0 in p),
    "np.savetxt": lambda x, p: x * len(np.array2string(p.data)),
    "grad by p": lambda x, p: ag.grad(lambda q: np.sum(q * q * x))(p),
}  # fmt: skip
KINDS = {
    "with a gradient": lambda: Tensor([1.0, 2.0, 3.0], requires_grad=True),
    "named": lambda: Tensor([1.0, 2.0, 3.0], name="p"),
    "plain": lambda: Tensor([1.0, 2.0, 3.0]),
    "data handed out": lambda: (lambda t: (t.data, t)[1])(Tensor([1.0, 2.0, 3.0])),
}


def changes(p: Tensor) -> Callable[[], None]:
    """Ways of giving a Tensor another value, in turns."""

    def rebind() -> None:
        p.data = p.data * 2 + 1

    def write() -> None:
        p.data[...] = p.data - 0.7

    def augment() -> None:
        p.data *= -1.5

    turns = itertools.cycle((rebind, write, augment))
    return lambda: next(turns)()


@each(READ, KINDS)
def test_a_tensor_that_is_closed_over_is_read_at_each_call(f: Any, kind: Any):
    p = kind()

    def values(x: Any) -> Any:  # of Tensors, whose graphs and names aren't the matter here
        found = f(x, p)
        return found.data if type(found) is Tensor else found

    agree(values, X, Y, X + 1, between=changes(p))


@each(READ_OR_REFUSED, KINDS)
def test_or_it_is_refused(f: Any, kind: Any):
    p = kind()

    def values(x: Any) -> Any:
        try:
            found = f(x, p)
        except (TypeError, ValueError) as error:  # not with a gradient, say
            if isinstance(error.__cause__ or error.__context__, CompileError):
                raise
            return x
        return found.data if type(found) is Tensor else found

    agree_or_refused(values, X, Y, X + 1, between=changes(p))


@pytest.mark.parametrize("optimizer", [nn.SGD, nn.Momentum, nn.Adam])
def test_parameters_are_read_after_an_optimizer_s_step(optimizer: Any):
    net = nn.MLP([3, 4, 1], rng=0)
    parameters = list(net.parameters())

    def gradients(x: Any) -> Any:
        loss = nn.MSELoss()(net(x), np.ones((2, 1)))
        return loss.data, [g.data for g in ag.gradients(loss, parameters)]

    steps = optimizer(parameters, lr=0.3)

    def step() -> None:
        for p, g in zip(parameters, gradients(X)[1], strict=True):
            p.grad = g
        steps.step()

    agree(gradients, X, Y, X, Y, between=step)


def test_what_was_recorded_before_stays_and_a_tensor_made_within_is_a_constant():
    w = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    before = w * w
    for f in (
        lambda x: ag.gradients((before * x).sum(), [w])[0].data + before.data,
        lambda x: (Tensor(x, name="x") * Tensor([1.0, 2.0, 3.0], requires_grad=True)).data,
        lambda x: ag.grad(lambda w: np.sum(w * w * x))(np.arange(3.0)),
    ):
        agree(f, X, Y)


# ---------------------------------------------------------------------- chance, counters, time


class Times:
    def __init__(self, factor: Any) -> None:
        self.factor = factor

    def __call__(self, v: Any) -> Any:
        return v * self.factor


def with_a_closure(x: Any, factor: float) -> Any:
    def forward(a: Any) -> Any:
        return a * factor if a.sum() > 0 else a * factor * 2

    return ag.Op("own", forward, lambda g, out, a: g * factor)(x)


GENERATOR = np.random.default_rng(0)
COUNTER = itertools.count()
CHANGING: dict[str, Callable[[Any], Any]] = {
    "np.random.normal": lambda x: x + np.random.normal(size=x.shape),  # noqa: NPY002
    "np.random.rand": lambda x: x * np.random.rand(),  # noqa: NPY002
    "random": lambda x: x * random.random(),
    "a generator": lambda x: x + GENERATOR.normal(size=x.shape),
    "permutation": lambda x: x[:, GENERATOR.permutation(1000) % 3],
    "counter": lambda x: x + next(COUNTER),
    "time": lambda x: x + time.perf_counter(),
    "returned": lambda x: (x, GENERATOR.normal()),
    "a named tensor": lambda x: (x * Tensor(GENERATOR.normal(size=3), name="w")).data,
    "a tensor with a gradient": lambda x: (x * Tensor(GENERATOR.normal(size=3), True)).data,
    "a gradient's point": lambda x: ag.grad(lambda w: np.sum(w * w * x))(GENERATOR.normal(size=3)),
    "a param": lambda x: np.sum(x, initial=GENERATOR.normal()),
    "an index": lambda x: x[:, int(GENERATOR.integers(2**60)) % 3],
    "a lambda": lambda x: (
        lambda c: np.apply_along_axis(lambda v: v * c, 0, x))(GENERATOR.normal()),
    "a default": lambda x: np.apply_along_axis(
        lambda v, c=GENERATOR.normal(): v * c, 0, x),  # noqa: B008
    "a partial": lambda x: np.apply_along_axis(
        functools.partial(np.multiply, GENERATOR.normal()), 0, x),
    "an object": lambda x: np.apply_along_axis(Times(GENERATOR.normal()), 0, x),
    "an op of one's own": lambda x: with_a_closure(x, GENERATOR.normal()),
    "within an op": lambda x: ag.Op("own", lambda a: a + GENERATOR.normal(), lambda g, *_: g)(x),
    "a coin": lambda x: x if GENERATOR.random() < 0.5 else -x,
    "a coin of NumPy's": lambda x: x if np.random.rand() < 0.5 else -x,  # noqa: NPY002
    "a coin of Python's": lambda x: x if random.random() < 0.5 else -x,
    "one entry's mask": lambda x: x * (GENERATOR.random(1) < 0.5),
}  # fmt: skip


@each(CHANGING)
def test_what_isn_t_computed_from_the_arguments_is_refused_or_not_frozen(f: Any):
    for _ in range(8):  # by chance it may be the same twice
        compiled = ag.compile(f)
        try:
            found = [str(compiled(X)) for _ in range(40)]
        except CompileError:
            continue
        assert len(set(found)) > 1


def test_chance_that_is_the_same_at_each_call_is_a_constant_and_other_is_refused():
    agree(lambda x: x + np.random.default_rng(0).normal(size=3), X, Y)
    with pytest.raises(CompileError, match=r"Random numbers.*pass them as arg"):
        ag.compile(lambda x: x + GENERATOR.normal())(X)


@each({
    "NumPy's": lambda x: (np.random.rand(), x * 2)[1],  # noqa: NPY002
    "Python's": lambda x: (random.gauss(0, 1), x * 2)[1],
    "imported": lambda x: (drawn(), x * 2)[1],
})  # fmt: skip
def test_a_draw_that_no_result_shows_is_refused(f: Any):
    with pytest.raises(CompileError, match="Random numbers"):
        ag.compile(f)(X)


def drawn() -> float:
    from numpy.random import rand

    return rand()  # noqa: NPY002


def test_what_other_threads_draw_is_no_effect_of_the_function():
    done = threading.Event()

    def draw() -> None:
        while not done.is_set():
            np.random.rand(), random.random()  # noqa: NPY002

    thread = threading.Thread(target=draw)
    thread.start()
    try:
        for n in range(10):  # each compiled anew
            agree(lambda x, n=n: np.tanh(x) * n, X, Y)
    finally:
        done.set()
        thread.join()


# ---------------------------------------------------------------------- what stand-ins are

ASKED = {
    "isinstance ndarray": lambda x, s: x * (2 if isinstance(x, np.ndarray) else 3),
    "isinstance float": lambda x, s: x * (2 if isinstance(s, float) else 3),
    "isinstance number": lambda x, s: x * (2 if isinstance(s, (int, float, np.generic)) else 3),
    "isinstance Tensor": lambda x, s: x * (2 if isinstance(x, Tensor) else 3),
    "type": lambda x, s: x * (2 if type(x) is np.ndarray else 3),
    "isscalar": lambda x, s: x * (2 if np.isscalar(s) else 3),
    "isscalar of a sum": lambda x, s: x * (2 if np.isscalar(x.sum()) else 3),
    "shape of a float": lambda x, s: x * (2 if hasattr(s, "shape") else 3),
    "len of a float": lambda x, s: x * (2 if hasattr(s, "__len__") else 3),
    "callable": lambda x, s: x * (2 if callable(x) else 3),
    "iterable": lambda x, s: x * (2 if np.iterable(s) else 3),
    "is None": lambda x, s: x * (2 if x is None else 3),
    "repr": lambda x, s: x * len(repr(s)),
    "!r": lambda x, s: x * len(f"{x!r}"),
    "flags": lambda x, s: x * (2 if x.flags.writeable else 3),
    "base": lambda x, s: x * (2 if x.base is None else 3),
    "nbytes": lambda x, s: x * x.nbytes * x.itemsize * x.size * x.ndim * len(x),
    "dtype": lambda x, s: x * (2 if x.dtype == float else 3),
    "try float": lambda x, s: x * _tried(lambda: float(x.sum())),
    "try if": lambda x, s: x * _tried(lambda: 1.0 if x.sum() > 0 else -1.0),
    "try setitem": lambda x, s: x * _tried(lambda: x.__setitem__(0, 1.0) or 3.0),
    "try asarray": lambda x, s: x * _tried(lambda: np.asarray(x).sum()),
    "try print": lambda x, s: x * _tried(lambda: len(str(x))),
    "try item": lambda x, s: x * _tried(lambda: x.max().item()),
}


def _tried(f: Any) -> Any:
    try:
        return f()
    except Exception:
        return 0.25


@each(ASKED)
def test_code_that_asks_what_it_is_given_is_answered_right_or_refused(f: Any):
    for x in (X, Y, X[:1]):
        agree_or_refused(f, (x.copy(), 2.5), (x + 1, 0.5), (-x, 11.25))


# ---------------------------------------------------------------------- shapes by values

N, M = np.int64(1), np.int64(2)
BY_VALUES: dict[str, tuple[Callable[[Any, Any], Any], Any, Any]] = {
    "x[:n]": (lambda x, n: np.mean(x[:n]), N, M),
    "x[n:]": (lambda x, n: np.exp(x[0, n:]) * 2, N, M),
    "x[::n]": (lambda x, n: x[0, ::n].mean(), N, M),
    "x[:argmax]": (lambda x, n: np.exp(x[0, : np.argmax(x[0] * n)]).sum(), np.array([1, 2, 3]),
                   np.array([0, 5, 0])),
    "x[None, :n]": (lambda x, n: x[None, :n].mean(), N, M),
    "repeat": (lambda x, n: np.repeat(x[0], n).mean(), np.array([1, 2, 1]), np.array([1, 0, 2])),
    "x.repeat": (lambda x, n: x[0].repeat(n).mean(), np.array([1, 2, 1]), np.array([1, 0, 2])),
    "delete": (lambda x, n: np.delete(x[0], n).mean(), np.array([1, 2]), np.array([1, 1])),
    "split": (lambda x, n: np.split(x[0], n)[0].mean(), np.array([1]), np.array([2])),
    "insert": (lambda x, n: np.insert(x[0], n, 1.0).mean(), np.array([True, False, True]),
               np.array([True, False, False])),
    "roots": (lambda x, n: np.roots(n).real.mean(), np.array([1.0, 3, 2]), np.array([0.0, 3, 2])),
    "lstsq": (lambda x, n: np.linalg.lstsq(n, np.ones(3), rcond=None)[1].sum(),
              np.array([[1.0, 2.0], [3, 4], [5, 7]]), np.array([[1.0, 2.0], [2, 4], [3, 6]])),
    "tile": (lambda x, n: np.tile(x, n).mean(), N, M),
    "resize": (lambda x, n: np.resize(x, n).mean(), N, M),
    "pad": (lambda x, n: np.pad(x, n).mean(), N, M),
    "reshape": (lambda x, n: np.reshape(x, (n, -1))[0].mean(), N, M),
    "x.reshape": (lambda x, n: x.reshape(n, -1)[0].mean(), N, M),
    "broadcast_to": (lambda x, n: np.broadcast_to(x[0], (n, 3)).sum(), N, M),
    "zeros": (lambda x, n: np.zeros(n).sum() + x, N, M),
    "full": (lambda x, n: np.full(n, 2.0).sum() + x, N, M),
    "linspace": (lambda x, n: np.linspace(0.0, 1.0, n).mean() + x, N, M),
    "arange": (lambda x, n: np.arange(n).sum() + x, N, M),
    "diag": (lambda x, n: np.diag(x, n).mean(), N, M),
    "diff": (lambda x, n: np.diff(x, n).mean(), N, M),
    "fft": (lambda x, n: np.fft.rfft(x, n).real.mean(), N, M),
    "axis": (lambda x, n: np.sum(x, axis=n - 1).mean(), N, M),
    "sum axis": (lambda x, n: np.sum(x[:, :2], axis=n - 1), N, M),
    "take axis": (lambda x, n: np.take(x, 0, axis=n - 1).mean(), N, M),
    "expand_dims": (lambda x, n: np.expand_dims(x, n).sum(1).mean(), N, M),
    "moveaxis": (lambda x, n: np.moveaxis(x[None], 0, n)[0].mean(), N, M),
    "range": (lambda x, n: sum(x[0, i] for i in range(n)), N, M),
    "x[n]": (lambda x, n: x[n - 1], N, M),
    "x[[n, 0]]": (lambda x, n: x[[n - 1, 0]], N, M),
    "take": (lambda x, n: np.take(x, n), np.array([1, 2]), np.array([0, 0])),
    "x[:, mask]": (lambda x, n: x[:, n].mean(), X[0] == X[0, 0], X[0] < 9),
    "x[i, mask]": (lambda x, n: x[0][n > 0].mean(), abs(X[0]), np.array([1.0, -1, 1])),
    "bincount": (lambda x, n: np.bincount(n).mean() + x, np.array([1, 2]), np.array([0, 5])),
    "trim_zeros": (lambda x, n: np.trim_zeros(n).mean() + x, np.array([1, 0]), np.array([1, 2])),
    "histogram": (lambda x, n: np.histogram(n)[1] + 0 * x.sum(), X, Y),
}  # fmt: skip


@each(BY_VALUES)
def test_a_shape_that_depends_on_values_is_refused_or_right(f: Any, n: Any, m: Any):
    compiled = ag.compile(f)
    for x, k in ((X, n), (Y, m), (X, n)):
        try:
            found = compiled(x, k)
        except CompileError:
            continue
        assert_same(found, f(x, k))
