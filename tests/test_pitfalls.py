"""Code that users write and that is easily taken wrong: each is right, or refused with a remedy."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite import Tensor

from .each import each


def V(data: Any, **kwargs: Any) -> Tensor:  # noqa: N802  (a variable)
    return Tensor(data, requires_grad=True, **kwargs)


def test_gradients_takes_one_tensor_and_an_iterator():
    x = V([1.0, 2.0])
    y = (x * x).sum()
    for xs in (x, [x], iter([x])):
        (g,) = ag.gradients(y, xs)
        np.testing.assert_array_equal(g.data, [2.0, 4.0])


def test_real_numbers_on_a_complex_way():
    t = V([1.0, 2.0])
    abs(t * 1j + 1).sum().backward()
    np.testing.assert_allclose(t.grad, [1 / np.sqrt(2), 2 / np.sqrt(5)])
    assert t.grad.dtype == float
    assert t.astype(complex).dtype == complex


def test_sigmoid_of_small_integers():
    for dtype in (np.uint8, np.int8, np.int64, bool):
        value = np.array([1, 0]).astype(dtype)
        np.testing.assert_allclose(ag.sigmoid(value), [1 / (1 + np.exp(-1)), 0.5])
    np.testing.assert_allclose(ag.sigmoid(np.array([-128], np.int8)), 0, atol=1e-50)


def test_params_and_nested_indices_are_copied():
    scale = ag.Op("scale", lambda x, k: x * k, lambda g, out, x, k: g * k)
    t, k = V([1.0, 2.0]), np.array([3.0, 4.0])
    y = scale(t, k=k).sum()
    k[:] = 0
    y.backward()
    np.testing.assert_array_equal(t.grad, [3.0, 4.0])
    m, rows = V([[1.0, 2.0], [3.0, 4.0]]), [0, 0]
    y = m[(rows,), 0].sum()
    rows[0] = 1
    y.backward()
    np.testing.assert_array_equal(m.grad, [[2.0, 0.0], [0.0, 0.0]])


def test_an_op_of_one_s_own_that_is_incomplete_says_so():
    a, b = V([1.0]), V([2.0])
    with pytest.raises(TypeError, match="half: 2 inputs were given, and the op has 1 vjps"):
        ag.Op("half", lambda x, y: x * y, lambda g, out, x, y: g * y)(a, b)
    for rule in (lambda g, x: g * 2, lambda g, out: g * 2, 2.0):
        with pytest.raises(TypeError, match=r"Op twice: a vjp is called as vjp\(g, out, \*inputs"):
            ag.Op("twice", lambda x: 2 * x, rule)
    for unnamed in ((np.sin, lambda g, out, x: g), ("f", "g")):
        with pytest.raises(TypeError, match="Op: a name, a forward and its vjps are needed, not "):
            ag.Op(*unnamed)  # type: ignore[arg-type]
    whole = ag.Op("whole", lambda x: x.astype(int), lambda g, out, x: g)
    with pytest.raises(TypeError, match="whole: its result has dtype int64"):
        whole(a)
    assert ag.Op("steps", np.floor, None)(a).dtype == float
    assert ag.Op("sign", lambda x: np.sign(x).astype(int), None)(a).dtype == int
    with pytest.raises(TypeError, match="nothing: a number, an array or a Tensor is needed"):
        ag.Op("nothing", lambda x: None, lambda g, out, x: g)(a)
    for wrong, said in ((1.0, "float"), (None, "NoneType"), ([1.0], "list")):
        odd = ag.Op("odd", np.exp, lambda g, out, x, wrong=wrong: wrong)
        with pytest.raises(ValueError, match=f"odd: a vjp returned a cotangent that is a {said}"):
            odd(a).sum().backward()


def test_updates_in_the_manner_of_other_libraries():
    w = V([1.0, 2.0], name="w")
    (w * w).sum().backward()
    for update in (
        lambda w: w.__isub__(0.1), lambda w: w.__iadd__(0.1), lambda w: w.__imul__(0.1),
        lambda w: w.__itruediv__(2.0), lambda w: w.__ipow__(2), lambda w: w.__ifloordiv__(2),
        lambda w: w.__imod__(2.0), lambda w: w.__imatmul__(np.eye(2)),
    ):  # fmt: skip
        with ag.no_grad(), pytest.raises(TypeError, match=r"write w.data -= … instead"):
            update(w)
    with ag.no_grad():
        total = Tensor([0.0, 0.0])
        total += w
    np.testing.assert_array_equal(total.data, [1.0, 2.0])
    t = w
    t *= 3.0
    t += 1.0
    t -= 2.0
    t /= 2.0
    t **= 2
    t %= 100.0
    t @= np.eye(2)
    w.grad = None
    t.sum().backward()
    np.testing.assert_array_equal(w.grad, [3.0, 7.5])
    t //= 2.0
    assert t.tolist() == [0.0, 3.0]


@each([1.0, [1.0, 2.0]])
def test_the_step_that_everybody_writes_first_is_told_once(start):
    w, x = V(start, name="w"), V(start)
    x += np.ones(x.shape)  # no gradient yet, so no step
    ((w * w).sum() + x.sum()).backward()
    stepped = other = w
    with pytest.warns(UserWarning, match=r"no leaf: .* Write w\.data -= lr \* w\.grad") as said:
        stepped -= 0.1 * w.grad
    with pytest.warns(UserWarning, match="isn't trained"):
        other += -0.1 * w.grad
    assert len(said) == 1
    assert said[0].filename == __file__
    assert stepped.requires_grad
    for usual in (1, 1.0, V(start), np.ones((1, 1, 2))):
        t = w
        t += usual
        t -= usual


def test_subclasses_are_refused():
    with pytest.raises(TypeError, match="Tensor can't be subclassed"):
        type("P", (Tensor,), {})


def test_numpy_s_own_signatures():
    a = np.arange(6.0).reshape(2, 3)
    t = V(a)
    for ours, expected in (
        (np.clip(t, a_min=1, a_max=4), np.clip(a, 1, 4)),
        (np.clip(t, min=1), np.clip(a, 1, None)),
        (np.sum(a=t, axis=0), a.sum(0)),
        (np.sum(t, 0, None, None, True), a.sum(0, keepdims=True)),
        (np.max(t, 0, None, True), a.max(0, keepdims=True)),
        (np.var(t, 0, None, None, 1), a.var(0, ddof=1)),
        (np.mean(t, 0, np.float64), a.mean(0)),
        (np.sum(t, dtype=np.float32), a.sum(dtype=np.float32)),
        (t.sum(0, None), a.sum(0)),
        (t.max(0, None, True), a.max(0, keepdims=True)),
        (t.var(0, ddof=1), a.var(0, ddof=1)),
        (np.dot(a=t, b=a.T), a @ a.T),
        (np.transpose(a=t), a.T),
        (np.reshape(t, (3, 2), order="C"), a.reshape(3, 2)),
        (np.reshape(t, (3, -1), order="F"), a.reshape((3, -1), order="F")),
        (t.ravel("F"), a.ravel("F")),
        (np.copy(t, order="C"), a),
        (np.copy(t, "K"), a),
        (t.flatten("C"), a.ravel()),
        (t.astype(np.float32, copy=False), a.astype(np.float32)),
        (np.concatenate([t, a], 0, dtype=np.float32), np.concatenate([a, a], 0, dtype=np.float32)),
        (np.dot(V(np.ones((2, 0))), np.ones((3, 0, 4))), np.zeros((2, 3, 4))),
    ):
        np.testing.assert_allclose(ours.data, expected, strict=True)
        ours.sum().backward()
    np.testing.assert_array_equal(np.where(t > 2)[0], np.where(a > 2)[0])
    for refuse in (
        lambda: np.dot(t, a.T, out=np.zeros((2, 2))),
        lambda: ag.sum(t, out=np.zeros(())),
        lambda: ag.dot(t, a.T, np.zeros((2, 2))),
        lambda: ag.concatenate([t], out=np.zeros((2, 3))),
    ):
        with pytest.raises(TypeError, match="lose its gradient"):
            refuse()
    for order in ("A", "K"):
        with pytest.raises(ValueError, match="how an array lies in memory"):
            t.reshape(3, 2, order=order)


def test_variance_of_too_few():
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        assert np.var(V([1.0, 2.0]), ddof=3).item() == np.inf
    for dtype in (np.float16, np.float32):
        assert V([1.0, 2.0], dtype=dtype).var().dtype == dtype


def test_functions_of_numbers_and_lists():
    assert ag.sigmoid(0.0) == 0.5
    np.testing.assert_allclose(ag.sigmoid([0.0]), [0.5])
    np.testing.assert_array_equal(ag.reshape([1, 2], (2, 1)), [[1], [2]])
    np.testing.assert_array_equal(ag.broadcast_to(1.0, (2,)), [1.0, 1.0])
    np.testing.assert_array_equal(ag.power([2], 3), [8])
    np.testing.assert_allclose(nn.softmax([0.0, 0.0]), [0.5, 0.5])


def test_an_empty_list_picks_nothing():
    t = V([1.0, 2.0])
    t[[]].sum().backward()
    np.testing.assert_array_equal(t.grad, [0.0, 0.0])
    assert nn.CrossEntropyLoss("sum")(np.ones((0, 3)), []).item() == 0.0


def test_many_tensors_are_stacked_in_linear_time():
    xs = [V(float(k)) for k in range(3000)]
    ag.stack(xs).sum().backward()
    assert all(x.grad == 1.0 for x in xs)


def test_masked_logits_have_a_loss():
    z = V([[1.0, 2.0, -np.inf]])
    loss = nn.CrossEntropyLoss()(z, [0])
    loss.backward()
    assert loss.item() == pytest.approx(np.log(1 + np.e))
    np.testing.assert_allclose(z.grad, [[1 / (1 + np.e) - 1, np.e / (1 + np.e), 0.0]])


def test_adam_counts_the_steps_of_each_parameter():
    early, late = V([1.0]), V([1.0])
    optimizer = nn.Adam([early, late], lr=0.1)
    for k in range(10):
        early.grad = np.ones(1)
        late.grad = np.ones(1) if k == 9 else None
        optimizer.step()
    assert late.item() == pytest.approx(0.9)


def test_frozen_parameters_and_cached_results():
    net = nn.MLP([2, 2, 1], rng=0)
    net["W_01"].requires_grad = False
    before = net["W_01"].numpy()
    optimizer = nn.SGD(net.parameters(), lr=0.1)
    nn.BCELoss()(net(np.ones((1, 2))), [[1.0]]).backward()
    optimizer.step()
    np.testing.assert_array_equal(net["W_01"].data, before)

    class Caching(nn.Linear):
        def forward(self, x: Any) -> Any:
            self.last = super().forward(x)
            return self.last

    layer = Caching(1, 1)
    layer(np.ones((1, 1)))
    assert list(layer.state_dict()) == ["weight", "bias"]


def test_an_op_of_one_s_own_is_not_pickled():
    with pytest.raises(TypeError, match="not in the table of ops"):
        pickle.dumps(ag.Op("own", np.exp, lambda g, out, x: g))


P, X1, NET = V(np.ones((1, 3))), np.ones((2, 1)), nn.MLP([1, 1])
SGD = nn.SGD(NET.parameters(), 0.1)


@each([
    (lambda: nn.SGD([V([1j])], 0.1), TypeError, "SGD: parameter 0 is complex"),
    (lambda: nn.SGD([P, P], 0.1), ValueError, "a parameter is given twice"),
    (lambda: nn.SGD(NET, 0.1), TypeError, r"such as net.parameters\(\)"),
    (lambda: nn.SGD(NET.parameters, 0.1), TypeError, r"such as net.parameters\(\)"),
    (lambda: setattr(SGD, "lr", -1), ValueError, "lr must be a number"),
    (lambda: nn.Sequential(nn.Linear(1, 1), nn.Tanh), TypeError, "give instances"),
    (lambda: nn.Sequential([nn.Linear(1, 1)]), TypeError, "each as an argument of its own"),
    *[(lambda f=f: nn.MLP([1, 1], [f]), TypeError,
       "an activation must be a name, a function or a module") for f in (nn.Tanh, 5)],
    (lambda: nn.MLP(2), ValueError, "an input and an output width, not 2"),
    (lambda: iter(nn.Linear(1, 1)), TypeError, "not iterable"),
    *[(lambda f=f: nn.fit(NET, X1, X1, f, SGD, 1), TypeError, "the loss must be a loss of nn")
      for f in (nn.BCELoss, lambda p, y: p)],
])  # fmt: skip
def test_what_makes_no_sense_is_refused(f: Any, kind: Any, said: str):
    with pytest.raises(kind, match=said):
        f()


def test_a_state_that_is_not_numeric_changes_nothing():
    net = nn.MLP([1, 1, 1], rng=0)
    state, before = net.state_dict(), net["W_01"].numpy()
    state = {k: np.full_like(v, 9.0) for k, v in state.items()}
    with pytest.raises(ValueError, match=r"b_12 has shape"):
        net.load_state_dict({**state, "b_12": np.array([["a"]])})
    np.testing.assert_array_equal(net["W_01"].data, before)


def test_accuracy_of_class_numbers_in_a_column():
    scores = np.array([[0.1, 0.9], [0.8, 0.2]])
    assert nn.accuracy(scores, np.array([[1], [0]])) == 1.0
    assert nn.accuracy(scores.tolist(), [1, 0]) == 1.0
