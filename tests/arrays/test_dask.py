"""Dask's arrays: all is lazy, until numbers are asked for by name; what Dask lacks is said."""

from __future__ import annotations

import copy
import pickle
import warnings
from typing import Any

import dask
import dask.array as da
import numpy as np
import pytest
import sparse

import autograd_lite as ag
import nn
from autograd_lite import Tensor

from ..coverage.call import Call
from ..coverage.calls import CALLS
from ..each import each, some
from ..sampling import Sample, samples
from .lazy import COMPUTES, DASK, asked, by_numpy, put
from .same import assert_same, call_as, of_call, of_op

ONE_EACH = {s.op.name: s for s in samples() if all(map(np.prod, s.case.shapes))}
UP_TO_SIGN = {"svd", "qr"}
NOT_THEIRS = {"pad"}  # by more than there is to reflect: Dask gives fewer entries


@pytest.fixture(autouse=True)
def _on_this_thread() -> Any:
    COMPUTES.clear()
    with dask.config.set(scheduler="sync"):
        yield


@each(some(ONE_EACH.values(), 4), by=lambda sample: sample.op.name)
def test_what_numpy_does_on_dask_is_done_lazily_and_else_refused(sample: Sample) -> None:
    if sample.op.name in NOT_THEIRS:
        return
    if not by_numpy(sample):
        with pytest.raises((TypeError, ValueError, NotImplementedError, IndexError)):
            of_op(sample, put)
        assert not asked()
    elif sample.op.name in UP_TO_SIGN:
        assert {type(x) for x in of_op(sample, put)} == {da.Array}
        assert not asked()
    else:
        assert_same(DASK, of_op(sample, np.array), of_op(sample, put))


def test_what_dask_lacks_raises_and_loads_nothing() -> None:
    t = Tensor(put(np.ones((4, 4))), requires_grad=True)
    for call, name in {
        "np.sort(t, axis=0)": "argsort", "ag.sort(t)": "argsort",
        "np.linalg.det(t)": "det", "ag.linalg.cond(t)": "cond", "np.unwrap(t)": "unwrap",
        "np.linalg.slogdet(t)": "slogdet", "ag.linalg.det(t.data)": "det",
    }.items():  # fmt: skip
        with pytest.raises(TypeError, match=f"{name}` function is not implemented by Dask"):
            eval(call, {"np": np, "ag": ag, "t": t})
    with pytest.raises(IndexError, match=r"getitem: how many .* np.where\(mask, t, 0\)"):
        t[t > 0]
    assert not asked()


X = np.random.default_rng(0).normal(size=(6, 3))


def recorded() -> tuple[Tensor, Tensor, Tensor]:
    """Data, a parameter of NumPy, and a loss of them after a backward pass."""
    data = Tensor(da.from_array(X, chunks=(2, 3)), requires_grad=True, name="X")
    w = Tensor(np.ones((3, 1)), requires_grad=True, name="w")
    loss = np.mean((data @ w) ** 2).named("L")
    loss.backward()
    return data, w, loss


def test_numbers_are_computed_where_they_are_asked_for_by_name() -> None:
    data, w, loss = recorded()
    for lazy in (repr(data), str(loss), data.shape, len(data), data.ndim, data.dtype, data.data,
                 pickle.loads(pickle.dumps(data)), copy.deepcopy(data), data._repr_html_(),
                 loss > 0, data == data, ag.named_tensors(loss), f"{data}"):  # fmt: skip
        assert not asked(), lazy
    assert type(data.grad) is type(w.grad) is da.Array
    expected = np.mean((X @ np.ones((3, 1))) ** 2)
    for number in (loss.item(), float(f"{loss:.17}"), loss.numpy(), loss.tolist()):
        assert number == pytest.approx(expected)
    assert type(data.numpy()) is type(np.array(data.detach())) is type(loss.numpy()) is np.ndarray
    assert asked() == 7


def test_what_would_lose_the_gradient_in_dask_is_refused() -> None:
    data, w, _ = recorded()
    mask = da.from_array(X, chunks=(2, 3)) > 0
    for call in (da.sum, da.from_array, da.asarray, lambda t: da.where(mask, t, 0)):
        with pytest.raises(TypeError, match=r"of shape \(6, 3\) requires a gradient"):
            call(data)
    assert da.sum(data.detach()).compute() == pytest.approx(X.sum())
    for kept in (da.exp(data), data.data @ w, data.data * data, mask * data):
        assert type(kept) is Tensor
        assert kept.requires_grad


def loss_of(data: Any) -> Any:
    return lambda w: np.mean(np.tanh(data @ w) ** 2)


@each({
    "grad": lambda data, w: ag.grad(loss_of(data))(w),
    "value and grad": lambda data, w: ag.value_and_grad(loss_of(data))(w),
    "hvp": lambda data, w: ag.hvp(loss_of(data))(w, w + 1),
    "jacobian": lambda data, w: ag.jacobian(lambda w: np.tanh(data @ w))(w),
    "hessian": lambda data, w: ag.hessian(loss_of(data))(w),
    "jvp": lambda data, w: ag.jvp(lambda w: np.tanh(data @ w), (w,), (w,)),
    "by the data": lambda data, w: ag.grad(lambda x: np.sum(x[1:3, 0] ** 2))(data),
    "every other": lambda data, w: ag.grad(lambda x: np.sum(x[::-2, 1:] ** 2))(data),
    "some rows": lambda data, w: ag.grad(lambda x: np.sum(x[np.array([0, 0, 3])] ** 2))(data),
    "of masked": lambda data, w: ag.grad(lambda x: np.sum(np.where(x > 0, np.log(x), 0)))(data),
    "checkpoint": lambda data, w: ag.grad(lambda w: ag.checkpoint(loss_of(data))(w) * 2)(w),
    "compile": lambda data, w: ag.compile(ag.grad(loss_of(data)))(w),
    "compile of data": lambda data, w: ag.compile(lambda x: np.sum(x * x))(data),
}, {"parameters of NumPy": np.array, "all of Dask": put})  # fmt: skip
def test_transforms_are_lazy(transform: Any, put_w: Any) -> None:
    w = np.array([0.5, -1.0, 2.0])
    with np.errstate(invalid="ignore"):
        expected, found = transform(X, w), transform(put(X), put_w(w))
        both = zip(*((x if isinstance(x, tuple) else (x,)) for x in (expected, found)), strict=True)
        pairs = [(np.asarray(x), y) for x, y in both]
        assert_same(DASK, *map(list, zip(*pairs, strict=True)))


def test_nothing_is_loaded_beside_numpy_s_arrays() -> None:
    w, y = np.ones((3, 1)), (X[:, :1] > 0).astype(float)
    for f in (lambda w: np.sum(np.tanh(X @ w)), lambda w: np.inner([1.0, 2.0, 3.0], w.T).sum(),
              lambda w: nn.BCELoss()(ag.sigmoid(X @ w), y),
              lambda w: nn.CrossEntropyLoss()(ag.concatenate([X @ w, -X @ w], 1),
                                              np.concatenate([y, 1 - y], 1))):  # fmt: skip
        expected = ag.grad(f)(w)
        assert_same(DASK, [expected], [ag.grad(f)(put(w))])


FULL = [call for call in CALLS if all(x.size for x in call.drawn())]


@each(some(FULL[5::10], 10), by=lambda call: call.function)
def test_functions_that_numpy_composes(call: Call) -> None:
    """The same numbers, lazily, or an error that names what is lacking; nothing is loaded."""
    name, found, said = call.function.split(".")[-1], None, [""]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", np.exceptions.ComplexWarning)  # Dask's own, of complex svd
        try:
            found = call_as(DASK, call)
        except (TypeError, ValueError, NotImplementedError, IndexError) as error:
            said = [str(error), *getattr(error, "__notes__", ())]
    if found is None:
        assert not asked()
        is_said = any(word in line for line in said for word in (name, "Dask"))
        assert is_said or name in NOT_THEIRS
    elif name not in UP_TO_SIGN | NOT_THEIRS:
        assert_same(DASK, of_call(call, np.array, np.array), found)


def test_readers_compute_once() -> None:
    _, w, loss = recorded()
    readers = {
        "draw": lambda: ag.draw(loss, values=True, grads=True).svg(),
        "derive": lambda: str(ag.derive(loss, wrt="w")),
        "check_backprop": lambda: str(ag.check_backprop(loss, {"w": np.zeros((3, 1))})),
        "check_grads": lambda: ag.check_grads(
            lambda x, y: np.sum(x * y) ** 2, put(X), Tensor(put(X))),
    }  # fmt: skip
    for name, read in readers.items():
        asked()
        read()
        assert asked() == 1, name
    assert type(loss._array) is type(w.grad) is da.Array


def test_a_step_keeps_parameters_what_they_are() -> None:
    data, w, _ = recorded()
    with pytest.raises(TypeError, match=r"SGD: w of shape .* is NumPy's, and its gradient dask's"):
        nn.SGD([w], lr=0.1).step()
    with pytest.raises(TypeError, match="Adam: w of shape"):
        nn.Adam([w], lr=0.1).step()
    before = w.data.copy()
    (w.grad,) = DASK.numpy([w.grad])
    gradient = w.grad
    nn.SGD([w], lr=0.1).step()
    np.testing.assert_allclose(w.data, before - 0.1 * gradient)
    lazy = Tensor(put(before), requires_grad=True)
    np.mean((data.detach() @ lazy) ** 2).backward()
    nn.SGD([lazy], lr=0.1).step()
    assert type(lazy.data) is da.Array
    np.testing.assert_allclose(lazy.numpy(), w.data)


def test_a_sparse_matrix_as_data_of_a_regression() -> None:
    rng = np.random.default_rng(0)
    dense = rng.normal(size=(20, 5)) * (rng.random((20, 5)) < 0.3)
    y = rng.normal(size=20)

    def fitted(x: Any) -> Any:
        w = Tensor(np.zeros(5), requires_grad=True)
        for _ in range(3):
            loss = np.mean((x @ w - y) ** 2)
            loss.backward()
            w.data -= 0.1 * w.grad
            w.zero_grad()
        return loss.item(), w.data

    matrix = sparse.COO.from_numpy(dense)
    np.testing.assert_allclose(fitted(matrix)[1], fitted(dense)[1])
    assert fitted(Tensor(matrix))[0] == pytest.approx(fitted(dense)[0])
    hvps = [ag.hvp(lambda w, x: np.sum(np.tanh(x @ w)))(np.ones(5), np.ones(5), x)
            for x in (matrix, dense)]  # fmt: skip
    np.testing.assert_allclose(*hvps)
