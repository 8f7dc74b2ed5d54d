"""A strict array of another library in place of NumPy's: same numbers, and none is asked for.

``python -m tests.arrays`` counts all cases; here are some calls of each function.
"""

from __future__ import annotations

import copy
import pickle
from itertools import groupby
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite import Tensor
from nn.activations import ACTIVATIONS

from ..coverage.call import Call
from ..coverage.calls import CALLS
from ..each import each
from ..sampling import Sample, samples
from .duck import SYNCS, Duck
from .same import DUCK, assert_same, call_as, of_call, of_op

SOME = [
    call
    for _, calls in groupby(sorted(CALLS, key=lambda call: call.function), lambda c: c.function)
    for call in [*calls][::4]
    if call.function != "trim_zeros" and "eigvalsh" not in call.function
]


@pytest.fixture(autouse=True)
def _no_syncs_before() -> None:
    SYNCS.clear()


def ducks(*arrays: Any) -> list[Tensor]:
    return [Tensor(Duck(x), requires_grad=True) for x in arrays]


@each(samples(), by=lambda sample: sample.op.name)
def test_every_case_of_every_op(sample: Sample) -> None:
    assert_same(DUCK, of_op(sample, np.array), of_op(sample, Duck))


@each(SOME, by=lambda call: call.function)
def test_functions_that_numpy_composes(call: Call) -> None:
    assert_same(DUCK, of_call(call, np.array, np.array), call_as(DUCK, call))


def test_what_would_have_to_look_at_values_is_refused_by_name() -> None:
    (x,) = ducks([0.0, 1.0, 2.0, 0.0])
    with pytest.raises(TypeError, match="trim_zeros: where zeros end is seen by the values"):
        np.trim_zeros(x)
    with pytest.raises(TypeError, match=r"Tensor: a list of .* arrays isn't taken.*ag.array"):
        Tensor([Duck(1.0), Duck(2.0)])
    assert not SYNCS


def test_numbers_leave_by_name_alone() -> None:
    (x,) = ducks([1.0, 2.0])
    y = np.sum(x * x).named("y")
    y.backward()
    for _ in (repr(x), x.shape, len(x), x.size, x.dtype, pickle.loads(pickle.dumps(x)),
              copy.deepcopy(x), x._repr_html_(), x.grad, ag.named_tensors(y), str(y)):  # fmt: skip
        assert not SYNCS
    assert type(pickle.loads(pickle.dumps(x)).data) is Duck
    assert y.item() == 5.0
    assert x.tolist() == [1.0, 2.0]
    assert f"{y:.2f}" == "5.00"
    assert type(x.numpy()) is np.ndarray
    assert SYNCS == {"get": 4}


def test_data_is_handed_out_and_may_be_written_to() -> None:
    source = Duck([1.0, 2.0, 3.0])
    w = Tensor(source, requires_grad=True)
    source[0] = 9.0
    y = np.sum(w * w)
    held = w.data
    held[1] = 5.0
    assert w.data is held
    assert w.tolist() == [1.0, 5.0, 3.0]
    y.backward()
    assert w.grad.get().tolist() == [2.0, 4.0, 6.0]  # of what it was then
    again = w * 2
    held[1] = 7.0
    assert again.tolist() == [2.0, 10.0, 6.0]
    (3 * w).data[0] = 0.0  # a copy
    w.data -= 1.0
    assert w.tolist() == [0.0, 6.0, 2.0]
    w.data = np.ones(3)  # back to NumPy
    assert type((w * w).data) is np.ndarray


def test_constants_move_to_it_and_tensors_by_name() -> None:
    (x,) = ducks([[1.0, 2.0], [3.0, 4.0]])
    y = np.sum(np.where(np.array([True, False]), x, 0.0) * [1.0, 2.0] + np.ones(2))
    y.backward()
    assert x.grad.get().tolist() == [[1.0, 0.0], [1.0, 0.0]]
    built = ag.array([[x[0, 0], 1.0], [Tensor(2.0), x[1, 1]]])
    assert built.tolist() == [[1.0, 1.0], [2.0, 4.0]]
    w = Tensor(np.ones((2, 1)), requires_grad=True)
    with pytest.raises(TypeError, match=r"matmul: .*t.data = lib.asarray\(t.data\)"):
        x @ w
    w.data = Duck(w.data)
    np.sum(x @ w).backward()
    assert type(w.grad) is Duck


def test_integers_booleans_and_0_d() -> None:
    (x,) = ducks(np.array([1, 2, 3]))  # made floats
    assert x.dtype == float
    index, mask = Duck(np.array([2, 0, 2])), Tensor(Duck(np.array([True, False, True])))
    (x[index] ** 2).sum().backward()
    assert x.grad.get().tolist() == [2.0, 0.0, 12.0]
    x.zero_grad()
    np.sum(x[mask] * 2.0).backward()
    assert x.grad.get().tolist() == [2.0, 0.0, 2.0]
    (number,) = ducks(3.0)
    (number**3).backward()
    assert type(number.grad) is Duck
    assert number.grad.get() == 27.0
    assert (Tensor(Duck(np.array([5, 6]))) // 2).get().tolist() == [2, 3]


def f(x: Any) -> Any:
    return np.sum(np.tanh(x) ** 3 * np.cumsum(x))


X, V = np.array([0.3, -1.2, 0.8]), np.array([1.0, 0.5, -2.0])


@each({
    "grad": lambda x, v: ag.grad(f)(x),
    "of grad": lambda x, v: ag.grad(lambda x: np.sum(ag.grad(f)(x) ** 2))(x),
    "value and grad": lambda x, v: ag.value_and_grad(f)(x)[1],
    "hvp": lambda x, v: ag.hvp(f)(x, v),
    "jvp": lambda x, v: ag.jvp(np.cumprod, (x,), (v,))[1],
    "vjp": lambda x, v: ag.vjp(np.cumprod, x)[1](v)[0],
    "jacobian": lambda x, v: ag.jacobian(np.cumprod)(x),
    "of more entries": lambda x, v: ag.jacobian(lambda x: np.outer(x, x))(x),
    "hessian": lambda x, v: ag.hessian(f)(x),
    "of constants": lambda x, v: ag.jacobian(lambda x: v)(x),
    "in containers": lambda x, v: ag.grad(lambda p: f(p["x"]) + np.sum(p["v"][0]))(
        {"x": x, "v": [v]})["x"],
    "checkpoint": lambda x, v: ag.grad(lambda x: ag.checkpoint(f)(x) * 2)(x),
    "compile": lambda x, v: ag.compile(ag.grad(f))(x),
    "compile, held": lambda x, v: ag.compile(lambda a: ag.grad(lambda y: f(y * v))(x))(1.0),
    "entries that nothing reads": lambda x, v: ag.grad(
        lambda x: np.sum(np.where(x > 0, np.sqrt(x), x)))(x),
})  # fmt: skip
def test_transforms(transform: Any) -> None:
    with np.errstate(invalid="ignore"):
        assert_same(DUCK, [transform(X, V)], [transform(Duck(X), Duck(V))])


def test_gradients_no_grad_and_detach() -> None:
    (x,) = ducks(X)
    with ag.no_grad():
        assert type(np.exp(x).data) is Duck
    (g,) = ag.gradients(x * x, [x], seed=Duck(V))
    assert g.tolist() == (2 * X * V).tolist()
    (g,) = ag.gradients(np.sum(x.detach() ** 2 * x), [x])
    assert type(g.data) is Duck


def test_readers_load_a_graph_and_leave_it_as_it_was() -> None:
    x, w = ducks(np.ones((4, 3)), np.ones((3, 1)))
    loss = np.mean(np.tanh(x.named("X") @ w.named("w")) ** 2).named("L")
    loss.backward()
    arrays = [loss._array, *loss._arrays, w._grad]
    assert "L" in ag.draw(loss, values=True, grads=True).source
    assert ag.derive(loss, wrt="w").steps[-1].value.shape == (3, 1)
    assert ag.check_backprop(loss, {"w": w.grad}).ok
    assert all(x is y for x, y in zip(arrays, [loss._array, *loss._arrays, w._grad], strict=True))
    assert ag.check_grads(f, Duck(X)).ok


def trained(put: Any, activation: str, loss: Any, optimizer: Any) -> list[Any]:
    rng = np.random.default_rng(0)
    output = "sigmoid" if loss is nn.BCELoss else "identity"
    net = nn.Sequential(nn.Linear(3, 4, rng=1), nn.MLP([4, 2], activation, output=output, rng=2))
    for p in net.parameters():
        p.data = put(p.data)
    x, y = put(rng.normal(size=(5, 3))), put(np.eye(2)[rng.integers(0, 2, 5)])
    values, step = [], optimizer(net.parameters(), lr=0.1)
    for _ in range(3):
        step.zero_grad()
        value = loss()(net(x), y)
        value.backward()
        step.step()
        values.append(value.data)
    return [*values, *(p.data for p in net.parameters())]


LOSSES = nn.SquaredErrorLoss, nn.MSELoss, nn.BCELoss, nn.BCEWithLogitsLoss, nn.CrossEntropyLoss
OPTIMIZERS = nn.SGD, nn.Momentum, nn.AdaGrad, nn.RMSprop, nn.Adam, nn.AdamW


@each([
    *((activation, nn.MSELoss, nn.SGD) for activation in ACTIVATIONS),
    *(("tanh", loss, nn.SGD) for loss in LOSSES),
    *(("tanh", nn.MSELoss, optimizer) for optimizer in OPTIMIZERS),
])  # fmt: skip
def test_training(activation: str, loss: Any, optimizer: Any) -> None:
    settings = activation, loss, optimizer
    assert_same(DUCK, trained(np.array, *settings), trained(Duck, *settings))


def test_classes_as_targets() -> None:
    logits, classes = np.random.default_rng(0).normal(size=(4, 3)), np.array([0, 2, 1, 1])

    gradient = ag.grad(lambda z, y: nn.CrossEntropyLoss()(z, y))
    assert_same(DUCK, [gradient(logits, classes)], [gradient(Duck(logits), Duck(classes))])
