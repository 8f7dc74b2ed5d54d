"""Optimizers against their formulas; data; fit."""

from __future__ import annotations

import io
import re
import sys
import warnings
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite import CompileError, Tensor


def trained(make: Any, steps: int = 5) -> list[float]:
    """The path of w under the gradient of ½ w², which is w itself."""
    w = Tensor([1.0], requires_grad=True)
    optimizer = make([w])
    path = []
    for _ in range(steps):
        optimizer.zero_grad()
        (0.5 * w * w).sum().backward()
        optimizer.step()
        path.append(w.item())
    return path


def test_sgd_and_momentum():
    np.testing.assert_allclose(trained(lambda p: nn.SGD(p, lr=0.1)), 0.9 ** np.arange(1, 6))
    w, v, plain, nesterov = 1.0, 0.0, [], []
    for _ in range(5):
        v = 0.5 * v + w
        w -= 0.1 * v
        plain.append(w)
    np.testing.assert_allclose(trained(lambda p: nn.Momentum(p, 0.1, momentum=0.5)), plain)
    w, v = 1.0, 0.0
    for _ in range(5):
        v = 0.5 * v + w
        w -= 0.1 * (w + 0.5 * v)
        nesterov.append(w)
    ours = trained(lambda p: nn.Momentum(p, 0.1, momentum=0.5, nesterov=True))
    np.testing.assert_allclose(ours, nesterov)


def test_adagrad_rmsprop_adam_adamw():
    w, r, path = 1.0, 0.0, []
    for _ in range(5):
        r += w * w
        w -= 0.1 * w / (np.sqrt(r) + 1e-10)
        path.append(w)
    np.testing.assert_allclose(trained(lambda p: nn.AdaGrad(p, 0.1)), path)
    w, r, path = 1.0, 0.0, []
    for _ in range(5):
        r = 0.9 * r + 0.1 * w * w
        w -= 0.1 * w / (np.sqrt(r) + 1e-8)
        path.append(w)
    np.testing.assert_allclose(trained(lambda p: nn.RMSprop(p, 0.1, rho=0.9)), path)
    for decay in (0.0, 0.2):
        w, m, r, path = 1.0, 0.0, 0.0, []
        for t in range(1, 6):
            g = w
            w *= 1 - 0.1 * decay
            m, r = 0.9 * m + 0.1 * g, 0.999 * r + 0.001 * g * g
            w -= 0.1 * (m / (1 - 0.9**t)) / (np.sqrt(r / (1 - 0.999**t)) + 1e-8)
            path.append(w)
        ours = trained(lambda p, d=decay: nn.AdamW(p, 0.1, weight_decay=d))
        np.testing.assert_allclose(ours, path)
        if not decay:
            np.testing.assert_allclose(trained(lambda p: nn.Adam(p, 0.1)), path)


ALL = [nn.SGD, nn.Momentum, nn.AdaGrad, nn.RMSprop, nn.Adam, nn.AdamW]


@pytest.mark.parametrize("kind", ALL)
def test_a_step_leaves_what_has_no_gradient_and_what_a_graph_holds(kind: Any):
    w, idle = Tensor([1.0, 2.0], requires_grad=True), Tensor(5.0, requires_grad=True)
    optimizer = kind([w, idle], lr=0.1)
    loss = (w * w).sum()
    loss.backward()
    first = w.grad
    optimizer.step()
    assert idle.item() == 5.0
    assert (w.data != [1.0, 2.0]).all()
    w.grad = None
    loss.backward()
    np.testing.assert_array_equal(w.grad, first)


@pytest.mark.parametrize("kind", ALL)
def test_optimizers_keep_dtype_and_shape_of_any_parameter(kind: Any):
    ps = [
        Tensor(np.ones(shape), requires_grad=True, dtype=dtype)
        for shape in ((), (2,), (0, 2))
        for dtype in (np.float32, np.float64)
    ]
    optimizer = kind(ps, lr=0.1)
    for _ in range(2):
        for p in ps:
            p.grad = np.ones(p.shape, p.dtype)
        optimizer.step()
    assert [(p.shape, p.dtype) for p in ps] == [
        (shape, np.dtype(dtype))
        for shape in ((), (2,), (0, 2))
        for dtype in (np.float32, np.float64)
    ]
    assert all(type(p.data) is np.ndarray for p in ps)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_learning_rate_may_change_in_any_dtype(dtype: Any):
    w = Tensor([1.0, 2.0], requires_grad=True, dtype=dtype)
    optimizer = nn.SGD([w], lr=0.5)
    w.requires_grad = False  # frozen for a while
    optimizer.lr = 0.25
    w.requires_grad = True
    for grad in (np.ones(2, dtype), np.ones(2)):  # one's own may have another dtype
        w.grad = grad
        optimizer.step()
    assert w.tolist() == [0.5, 1.5]
    assert w.dtype == dtype


def test_optimizer_errors():
    w = Tensor(1.0, requires_grad=True)
    with pytest.raises(ValueError, match="SGD: there are no parameters to train"):
        nn.SGD([], lr=0.1)
    with pytest.raises(TypeError, match="Adam: parameter 1 is no leaf Tensor, but Tensor"):
        nn.Adam([w, w * 2])
    for lr in (0.0, -1.0, np.nan, np.inf, None, "0.1"):
        with pytest.raises(ValueError, match="lr must be"):
            nn.SGD([w], lr=lr)
    w.grad = np.ones(())
    with pytest.raises(NotImplementedError, match="Optimizer has no update"):
        nn.Optimizer([w], 0.1).step()


def test_batches():
    x, y = np.arange(7).reshape(7, 1), np.arange(7)
    assert [b.tolist() for _, b in nn.batches(x, y, 3)] == [[0, 1, 2], [3, 4, 5], [6]]
    assert [len(b) for b, _ in nn.batches(x, y, 3, drop_last=True)] == [3, 3]
    assert [len(b) for b, _ in nn.batches(x[:6], y[:6], 3, drop_last=True)] == [3, 3]
    shuffled = [list(nn.batches(x, y, 7, shuffle=True, rng=3)) for _ in range(2)]
    ((a, b),) = shuffled[0]
    np.testing.assert_array_equal(a[:, 0], b)
    np.testing.assert_array_equal(a, shuffled[1][0][0])
    assert b.tolist() != y.tolist()
    assert sorted(b) == y.tolist()
    with pytest.raises(ValueError, match="x has 7 rows and y has 3"):
        nn.batches(x, y[:3], 2)
    with pytest.raises(ValueError, match="batch_size must be an int of at least 1, not 0"):
        nn.batches(x, y, 0)


def test_standardize():
    x = np.random.default_rng(0).normal(5, 3, (50, 2))
    z = nn.standardize(x)
    np.testing.assert_allclose([z.mean(0), z.std(0)], [[0, 0], [1, 1]], atol=1e-14)
    with pytest.raises(ValueError, match="feature 2 has no variation"):
        nn.standardize(np.column_stack([x[:, 0], np.full(50, 0.1)]))
    with pytest.raises(ValueError, match="nan or infinite"):
        nn.standardize([[1.0], [np.nan]])


def xor() -> tuple[Any, Any, nn.MLP]:
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    y = np.array([[1], [0], [0], [1]])
    return x, y, nn.MLP([2, 4, 1], "tanh", output="sigmoid", rng=1)


def test_fit_trains_and_tells_loss_and_metrics():
    x, y, net = xor()
    history = nn.fit(
        net,
        x,
        y,
        nn.BCELoss(),
        nn.Adam(net.parameters(), lr=0.05),
        epochs=200,
        batch_size=2,
        shuffle=True,
        rng=0,
        metrics={"accuracy": nn.accuracy},
    )
    assert len(history.loss) == len(history.metrics["accuracy"]) == 200
    assert history.loss[-1] < 0.1 < history.loss[0]
    assert history.metrics["accuracy"][-1] == 1.0


def test_metrics_go_by_names_that_are_given_or_by_their_own():
    x, y, net = xor()
    for metrics in (nn.accuracy, [nn.accuracy], {"accuracy": nn.accuracy}):
        optimizer = nn.SGD(net.parameters(), lr=0.1)
        history = nn.fit(net, x, y, nn.BCELoss(), optimizer, 1, metrics=metrics)
        assert [*history.metrics] == ["accuracy"]
        assert [*nn.evaluate(net, x, y, nn.BCELoss(), metrics=metrics)[1]] == ["accuracy"]


def test_fit_s_loss_is_the_mean_of_all_rows_also_with_a_smaller_last_batch():
    x, y, _ = xor()
    for reduction, expected in (("mean", np.log(2)), ("sum", 4 * np.log(2))):
        net = nn.MLP([2, 1], rng=0)
        net["W_01"].data = np.zeros((2, 1))
        loss, optimizer = nn.BCELoss(reduction), nn.SGD(net.parameters(), lr=1e-12)
        history = nn.fit(net, x, y, loss, optimizer, epochs=1, batch_size=3)
        assert history.loss[0] == pytest.approx(expected)


def test_fit_is_the_loop_that_one_would_write():
    x, y, net = xor()
    _, _, other = xor()
    nn.fit(
        net,
        x,
        y,
        nn.BCELoss(),
        nn.SGD(net.parameters(), lr=0.5),
        epochs=10,
        batch_size=1,
        compiled=False,
    )
    optimizer, criterion = nn.SGD(other.parameters(), lr=0.5), nn.BCELoss()
    for _ in range(10):
        for i in range(4):
            optimizer.zero_grad()
            criterion(other(x[i : i + 1]), y[i : i + 1]).backward()
            optimizer.step()
    for p, q in zip(net.parameters(), other.parameters(), strict=True):
        np.testing.assert_array_equal(p.data, q.data)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_compiled_training_gives_the_numbers_of_eager_training(kind: Any, reduction: str):
    """Shuffled, with a smaller last batch and metrics, twice, and an eager step afterwards."""
    found = []
    for compiled in (False, True, None):
        x, y, net = xor()
        optimizer = kind(net.parameters(), lr=0.01)
        numbers: list[Any] = []
        for seed in (0, 1):
            history = nn.fit(
                net, x, y, nn.BCELoss(reduction), optimizer, epochs=25, batch_size=3, shuffle=True,
                rng=seed, metrics={"accuracy": nn.accuracy, "mean": lambda p, y: p.mean()},
                compiled=compiled,
            )  # fmt: skip
            numbers += [history.loss, *history.metrics.values()]
            optimizer.zero_grad()
            nn.MSELoss()(net(x), y).backward()
            optimizer.step()
        assert all(type(value) is float for value in history.loss)
        numbers += [p.data for p in net.parameters()]
        assert all(p.data.base is None for p in net.parameters())
        assert all(a.base is None for arrays in optimizer._memory.values() for a in arrays)
        found.append(numbers)
    for numbers in found[1:]:
        for ours, theirs in zip(numbers, found[0], strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("compiled", [False, True])
def test_no_gradient_of_before_is_left_on_a_parameter(compiled: bool):
    """After compiled training there is none; after eager training it is the last batch's."""
    x, y, net = xor()
    parameters = net.parameters()
    for p in parameters:
        p.grad = np.full(p.shape, 7.0)
    optimizer = nn.SGD(parameters, lr=0.1)
    nn.fit(net, x, y, nn.BCELoss(), optimizer, epochs=1, compiled=compiled)
    if compiled:
        assert all(p.grad is None for p in parameters)
        before = net.state_dict()
        optimizer.step()
        assert all((net.state_dict()[k] == v).all() for k, v in before.items())
    else:
        assert all(p.grad is not None and (p.grad != 7.0).all() for p in parameters)


class Dropout(nn.Module):
    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)

    def forward(self, x: Any) -> Any:
        return x * (self.rng.random(x.shape) < 0.5)


class RunningMean(nn.Module):
    def __init__(self) -> None:
        self.mean = np.zeros((1, 4))

    def forward(self, x: Any) -> Any:
        self.mean = 0.9 * self.mean + 0.1 * np.mean(x, axis=0, keepdims=True).data
        return x - self.mean


class Pairs(nn.Module):
    """Can be compiled for batches of three rows only."""

    def forward(self, x: Any) -> Any:
        return x if len(x) == 3 or float(x.data.sum()) > -1e9 else -x


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (Dropout, "Random numbers"),
        (RunningMean, "RunningMean|stores"),
        (Pairs, r"float\(\) of"),
    ],
)
def test_what_can_t_be_compiled_is_trained_eagerly_and_said(make: Any, reason: str):
    x, y, _ = xor()

    def trained(compiled: bool | None) -> tuple[Any, ...]:
        layers = nn.Linear(2, 4, rng=0), make(), nn.Tanh(), nn.Linear(4, 1, rng=1), nn.Sigmoid()
        net = nn.Sequential(*layers)
        optimizer = nn.Adam(net.parameters(), lr=0.1)
        history = nn.fit(
            net, x, y, nn.BCELoss(), optimizer, epochs=5, batch_size=3, compiled=compiled
        )
        return history.loss, *(p.data for p in net.parameters())

    with pytest.raises(CompileError, match=reason):
        trained(True)
    said = rf"(?s)training eagerly \(compiled=False\).*{reason}"
    with pytest.warns(nn.CompileWarning, match=said) as seen:
        ours = trained(None)
    assert len(seen) == 1
    assert seen[0].filename == __file__
    theirs = trained(False)
    if make is not Dropout:  # which has drawn other numbers
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("compiled", [False, True, None])
def test_an_exception_in_training_leaves_parameters_with_arrays_of_their_own(compiled: Any):
    def stop(prediction: Any, target: Any) -> float:
        raise KeyboardInterrupt

    x, y, net = xor()
    optimizer = nn.Adam(net.parameters(), lr=0.1)
    before = net.state_dict()
    with pytest.raises(KeyboardInterrupt):
        nn.fit(
            net, x, y, nn.BCELoss(), optimizer, epochs=1, metrics={"m": stop}, compiled=compiled
        )
    assert all(p._array.base is None for p in net.parameters())
    assert all(a.base is None for arrays in optimizer._memory.values() for a in arrays)
    assert all((net.state_dict()[k] != v).any() for k, v in before.items())
    with pytest.raises(ValueError, match="from 0 to 2; for predictions that are logits"):
        nn.fit(net, x, 2 * y, nn.BCELoss(), optimizer, epochs=1, compiled=compiled)
    assert all(p._array.base is None for p in net.parameters())


class Scaled(nn.Module):
    """One weight is no leaf, one is where no module looks."""

    def __init__(self) -> None:
        self.weight = Tensor(np.ones((2, 1)), requires_grad=True) * 0.1
        self.bias = Tensor(np.zeros((1, 1)), requires_grad=True)
        gain = Tensor(1.0, requires_grad=True, name="gain")
        self.hidden = lambda x: gain * x

    def forward(self, x: Any) -> Any:
        return ag.sigmoid(self.hidden(x @ self.weight + self.bias))


@pytest.mark.parametrize("compiled", [False, True, None])
def test_what_the_loss_uses_and_is_not_trained_is_told_once(compiled: bool | None):
    x, y, _ = xor()
    net = Scaled()
    with pytest.warns(UserWarning, match="weight of shape"):
        optimizer = nn.SGD(net.parameters(), lr=0.1)
    with pytest.warns(UserWarning, match="not trained") as said:
        nn.fit(net, x, y, nn.BCELoss(), optimizer, epochs=3, batch_size=2, compiled=compiled)
    (text,) = (str(w.message) for w in said)
    assert "(in weight, which is no leaf)" in text
    assert "gain of shape ()" in text
    assert "bias" not in text
    assert said[0].filename == __file__

    net, other = (nn.MLP([2, 3, 1], rng=k) for k in range(2))
    before = other.state_dict()
    with pytest.raises(ValueError, match=r"none of the optimizer's parameters.*net\.parameters"):
        nn.fit(net, x, y, nn.BCELoss(), nn.SGD(other.parameters(), 0.1), 3, compiled=compiled)
    assert all((other.state_dict()[k] == v).all() for k, v in before.items())
    net["W_01"].requires_grad = False  # said by the user
    optimizer = nn.SGD([p for p in net.parameters() if p.requires_grad], lr=0.1)
    nn.fit(net, x, y, nn.BCELoss(), optimizer, epochs=2, compiled=compiled)


@pytest.mark.parametrize("compiled", [False, True, None])
def test_a_loss_of_logits_that_is_given_probabilities_says_so_once(compiled: bool | None):
    x, _, _ = xor()
    y = x.astype(int)
    linear = nn.Linear(2, 2, rng=0)
    nets = {
        "softmax": [nn.MLP([2, 2], output="softmax"), nn.Sequential(linear, nn.Softmax()),
                    nn.Sequential(linear, nn.softmax)],
        "sigmoid": [nn.MLP([2, 2]), nn.Sequential(linear, nn.Sigmoid()),
                    nn.Sequential(linear, ag.sigmoid)],
    }  # fmt: skip
    for squashed, several in nets.items():
        for net in several:
            for kind in (nn.CrossEntropyLoss, nn.BCEWithLogitsLoss):
                said = rf"{kind.__name__}: it takes logits.*the result of {squashed}.*identity"
                loss = kind()
                with warnings.catch_warnings(record=True) as seen:
                    warnings.simplefilter("always")
                    optimizer = nn.SGD(net.parameters(), lr=0.1)
                    nn.fit(net, x, y, loss, optimizer, 3, batch_size=2, compiled=compiled)
                    loss(net(x), y)
                assert [bool(re.search(said, str(w.message))) for w in seen] == [True], (net, kind)
                assert seen[0].filename == __file__
                with pytest.warns(UserWarning, match=said):
                    kind()(net(x), y)
    for net in (nn.MLP([2, 2], output="identity"), nn.MLP([2, 2], output="tanh")):
        nn.CrossEntropyLoss()(net(x), y)
    nn.CrossEntropyLoss()(nn.softmax(x), y)  # where it comes from isn't known
    nn.BCELoss()(nets["softmax"][0](x), y)


@pytest.mark.parametrize("compiled", [False, True])
def test_fit_errors(compiled: bool):
    x, y, net = xor()
    optimizer = nn.SGD(net.parameters(), lr=0.1)
    with pytest.raises(ValueError, match="there are no rows to train on"):
        nn.fit(net, x[:0], y[:0], nn.BCELoss(), optimizer, epochs=1)
    with pytest.raises(ValueError, match="use mean or sum"):
        nn.fit(net, x, y, nn.BCELoss("none"), optimizer, epochs=1)
    with pytest.raises(TypeError, match="the optimizer must be one of nn's, not 'adam'"):
        nn.fit(net, x, y, nn.BCELoss(), "adam", epochs=1)  # type: ignore[arg-type]
    for metrics in ("accuracy", [nn.accuracy, 1], {"right": 1}):
        with pytest.raises(TypeError, match="metrics must be functions of"):
            nn.fit(net, x, y, nn.BCELoss(), optimizer, 1, metrics=metrics)  # type: ignore[arg-type]
    linear = nn.MLP([2, 1], output="identity", rng=0)
    with pytest.warns(RuntimeWarning), pytest.raises(FloatingPointError, match="the loss became"):
        nn.fit(
            linear, x * 1e3, y, nn.MSELoss(), nn.SGD(linear.parameters(), lr=1e3), epochs=200,
            compiled=compiled,
        )  # fmt: skip


def test_the_progress_bar_shows_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    x, y, net = xor()
    shown = {}
    for stream in (Terminal(), io.StringIO()):
        monkeypatch.setattr(sys, "stderr", stream)
        optimizer = nn.SGD(net.parameters(), lr=0.1)
        nn.fit(net, x, y, nn.BCELoss(), optimizer, epochs=2, progress=True)
        shown[stream.isatty()] = stream.getvalue()
    assert "epoch" in shown[True]
    assert shown[False] == ""
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with pytest.raises(ImportError, match=r'pip install "autograd_lite\[progress\]"'):
        nn.fit(net, x, y, nn.BCELoss(), optimizer, epochs=1, progress=True)


def test_accuracy():
    p = np.array([[0.5], [0.49], [0.9]])
    assert nn.accuracy(p, np.array([[1], [0], [0]])) == pytest.approx(2 / 3)
    assert nn.accuracy(p, np.array([1, 0, 1])) == 1.0
    scores = np.array([[0.1, 0.9], [0.8, 0.2]])
    assert nn.accuracy(scores, np.array([1, 1])) == 0.5
    assert nn.accuracy(scores, np.eye(2)[[1, 0]]) == 1.0
    for wrong in (p[:, 0], p[:2]):
        with pytest.raises(ValueError, match=r"predictions must be of shape \(q, 1\) or \(q, k\)"):
            nn.accuracy(wrong, np.array([1, 0, 1]))
    assert nn.accuracy(ag.Tensor(scores, True), ag.Tensor([[0.0, 1.0], [0.0, 1.0]])) == 0.5


# ---------------------------------------------------------------------- validation


class Moded(nn.Module):
    """Says in which mode it was called; its second layer stays in its own."""

    def __init__(self) -> None:
        self.first, self.second = nn.Linear(2, 3, rng=0), nn.Linear(3, 1, rng=1).eval()
        self.modes: list[tuple[bool, int]] = []

    def forward(self, x: Any) -> Any:
        self.modes.append((self.training, len(x)))
        return self.second(self.first(x))


def test_validation_is_the_loss_after_each_epoch_of_rows_that_are_not_trained_on():
    rng = np.random.default_rng(0)
    x, y, apart, y_apart = (rng.normal(size=(n, k)) for n in (12, 7) for k in (2, 1))
    net, loss = Moded(), nn.MSELoss()
    optimizer = nn.Adam(net.parameters(), lr=0.1)
    expected = []
    for _ in range(3):
        nn.fit(net, x, y, loss, optimizer, 1, batch_size=4, compiled=False)
        expected.append(loss(net(apart), y_apart).item())
    net, errors = Moded(), {"largest": lambda p, y: float(np.abs(p - y).mean())}
    optimizer = nn.Adam(net.parameters(), lr=0.1)
    history = nn.fit(net, x, y, loss, optimizer, 3, batch_size=4, compiled=False, metrics=errors,
                     validation=(apart, y_apart))  # fmt: skip
    assert history.validation is not None
    np.testing.assert_allclose(history.validation.loss, expected, rtol=1e-12)
    error = np.abs(net(apart).numpy() - y_apart).mean()
    np.testing.assert_allclose(history.validation.metrics["largest"][-1], error)
    assert net.modes[:-1] == ([(True, 4)] * 3 + [(False, 7)]) * 3
    assert (net.training, net.first.training, net.second.training) == (True, True, False)
    assert nn.fit(net, x, y, loss, optimizer, 1, compiled=False).validation is None


def test_validation_between_compiled_steps_changes_nothing():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, 2)), rng.normal(size=(12, 1))
    found = []
    for validation in (None, (x, y)):
        net = nn.MLP([2, 3, 1], output="identity", rng=0)
        optimizer = nn.Momentum(net.parameters(), lr=0.1)
        history = nn.fit(net, x, y, nn.MSELoss(), optimizer, 5, 4, compiled=True,
                         validation=validation)  # fmt: skip
        found.append((history.loss, [p.data.tolist() for p in net.parameters()]))
    assert found[0] == found[1]
