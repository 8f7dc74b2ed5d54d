"""fit(…, record=n): which steps are kept, and that training is the same as without."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.graph import walk

from ..each import each

ALL = [nn.SGD, nn.Momentum, nn.AdaGrad, nn.RMSprop, nn.Adam, nn.AdamW]
X = np.random.default_rng(0).normal(size=(10, 2))
Y = (X[:, :1] * X[:, 1:] > 0).astype(float)


def trained(
    optimizer: Any = nn.SGD, net: Any = None, **options: Any
) -> tuple[Any, nn.History]:
    net = net or nn.MLP([2, 3, 1], rng=0)
    options = {"epochs": 7, "batch_size": 10, **options}
    history = nn.fit(net, X, Y, nn.BCELoss(), optimizer(net.parameters(), lr=0.3), **options)
    return net, history


def by_hand(optimizer: Any, steps: int) -> list[dict[str, Any]]:
    """The parameters before each step and after the last, trained with the loop written out."""
    net = nn.MLP([2, 3, 1], rng=0)
    rule = optimizer(net.parameters(), lr=0.3)
    states = []
    for _ in range(steps):
        states.append({p.name: p.numpy() for p in net.parameters()})
        rule.zero_grad()
        nn.BCELoss()(net(X), Y).backward()
        rule.step()
    return [*states, {p.name: p.numpy() for p in net.parameters()}]


@each([
    (7, 10, 3, [0, 3, 6, 7]),  # one batch an epoch
    (6, 10, 3, [0, 3, 6]),  # the end is one of them
    (2, 4, 2, [0, 2, 4, 6]),  # three batches an epoch: steps are counted, not epochs
    (2, 10, 1, [0, 1, 2]),
    (3, 10, 100, [0, 3]),  # the first and the last whatever n is
    (1, 10, np.int64(1), [0, 1]),
    (0, 10, 1, []),
])
def test_every_nth_step_is_kept_and_the_end(
    epochs: int, batch_size: int, every: int, steps: list[int]
):
    record = trained(epochs=epochs, batch_size=batch_size, record=every)[1].record
    assert record.steps == steps
    assert len(record) == len(record.losses) == len(steps)
    assert all(len(values) == len(steps) for values in record.parameters.values())


@each(ALL, [True, False], by=lambda optimizer, _: optimizer.__name__)
def test_it_keeps_what_training_by_hand_goes_through(optimizer: Any, compiled: bool):
    net, history = trained(optimizer, compiled=compiled, record=2)
    record = history.record
    states = by_hand(optimizer, 7)
    assert record.steps == [0, 2, 4, 6, 7]
    assert list(record.parameters) == ["W_01", "b_01", "W_12", "b_12"]
    for name, values in record.parameters.items():
        for step, value in zip(record.steps, values, strict=True):
            np.testing.assert_allclose(value, states[step][name], rtol=0, atol=1e-12)
        np.testing.assert_array_equal(values[-1], net[name].data)
    np.testing.assert_allclose(record.losses[:-1], [history.loss[t] for t in record.steps[:-1]])
    np.testing.assert_allclose(record.losses[-1], nn.BCELoss()(net(X), Y).item())
    options = {"compiled": compiled, "batch_size": 4, "shuffle": True, "rng": 5}
    net, history = trained(optimizer, record=2, **options)
    plain, without = trained(optimizer, **options)  # the same numbers
    assert without.record is None
    assert history.loss == without.loss
    for ours, theirs in zip(net.parameters(), plain.parameters(), strict=True):
        np.testing.assert_array_equal(ours.data, theirs.data)
        assert (ours.grad is None) == (theirs.grad is None)


def test_any_module_is_recorded_by_paths_where_names_are_shared():
    net = nn.Sequential(nn.Linear(2, 3, rng=0), nn.Linear(3, 1, rng=1), nn.Sigmoid())
    record = trained(net=net, record=1)[1].record
    assert list(record.parameters) == [f"modules.{i}.{w}" for i in (0, 1)
                                       for w in ("weight", "bias")]  # fmt: skip


def test_what_modules_of_ones_own_compute_has_its_line():
    class Shift(nn.Module):
        def forward(self, x):
            return x + 1.0

    net = nn.Sequential(nn.Linear(2, 1, rng=0), Shift(), nn.Sigmoid())
    with trained(net=net, record=1)[1].record.replayed(0) as loss:
        lines = {t.op.name: ag.line_of(t) for t in walk(loss) if t.op is not None}
    assert lines.pop("add").text == "return x + 1.0"
    assert set(lines.values()) == {None}


def test_a_kept_step_can_be_computed_again_with_its_batch():
    net, history = trained(batch_size=4, shuffle=True, rng=1, record=2)
    record = history.record
    now = {p.name: p.numpy() for p in net.parameters()}
    assert [len(record.batch(i)[0]) for i in range(4)] == [4, 2, 4, 4]
    for i, loss in enumerate(record.losses):
        with record.replayed(i) as again:
            assert again.item() == pytest.approx(loss, rel=1e-12)
            assert again.requires_grad
            assert ag.line_of(again) is None  # nobody's own line computed it
        np.testing.assert_array_equal(
            record.predict(i, X), predicted({n: v[i] for n, v in record.parameters.items()})
        )
    for name, value in now.items():
        np.testing.assert_array_equal(net[name].data, value)


def predicted(parameters: dict[str, Any]) -> Any:
    net = nn.MLP([2, 3, 1])
    for name, value in parameters.items():
        net[name].data = value
    return net(X).numpy()


def test_the_net_is_as_it_was_afterwards_even_after_an_error():
    net, history = trained(record=2)
    arrays = [p.data for p in net.parameters()]
    graph = nn.BCELoss()(net(X), Y)
    with history.record.at(0) as then:
        assert then is net
        np.testing.assert_array_equal(net["W_01"].data, nn.MLP([2, 3, 1], rng=0)["W_01"].data)
    with pytest.raises(ValueError, match="linear: "), history.record.at(0):
        net(np.ones((1, 3)))
    assert all(p.data is array for p, array in zip(net.parameters(), arrays, strict=True))
    graph.backward()  # of the trained net still
    twin = nn.BCELoss()(net(X), Y)
    (gradient,) = ag.gradients(twin, [net["W_01"]])
    np.testing.assert_array_equal(net["W_01"].grad, gradient)


def test_what_is_kept_is_not_written_to_by_what_comes_later():
    x, y = X.copy(), Y.copy()
    net = nn.MLP([2, 3, 1], rng=0)
    optimizer = nn.SGD(net.parameters(), lr=0.3)
    record = nn.fit(net, x, y, nn.BCELoss(), optimizer, epochs=3, batch_size=10, record=1).record
    last = record.parameters["W_01"][-1].copy()
    x[:] = y[:] = 0.0
    net["W_01"].data[:] = 0.0
    np.testing.assert_array_equal(record.x, X)
    np.testing.assert_array_equal(record.parameters["W_01"][-1], last)
    with record.at(-1), pytest.raises(ValueError, match="read-only"):
        record.parameters["W_01"][-1][:] = 1.0
    with record.at(-1):
        net["W_01"].data[:] = 1.0  # the net's own array
    np.testing.assert_array_equal(record.parameters["W_01"][-1], last)


def test_a_training_that_ends_in_a_loss_that_is_refused_is_recorded(monkeypatch: Any):
    net = nn.MLP([2, 1], output="identity", rng=0)
    net["W_01"].data, net["b_01"].data = np.zeros((2, 1)), np.full((1, 1), 0.5)
    monkeypatch.setitem(globals(), "X", np.full_like(X, 0.1))
    record = trained(lambda p, lr: nn.SGD(p, lr=100.0), net, epochs=1, record=1)[1].record
    assert np.isfinite(record.losses[0])
    assert np.isnan(record.losses[1])


def test_the_learning_rate_is_known_where_a_step_is_plain_gradient_descent():
    record = trained(nn.SGD, record=2)[1].record
    assert record.lrs == [0.3] * len(record.steps)
    assert trained(nn.Adam, record=2)[1].record.lrs is None

    class Other(nn.SGD):
        def step(self):
            super().step()

    assert trained(Other, record=2, compiled=False)[1].record.lrs is None


def test_a_bad_interval_is_refused(monkeypatch: Any):
    for record in (0, -1, True, 2.5, "10", [1]):
        with pytest.raises(ValueError, match=r"fit: record must be a positive int n.*not "):
            trained(record=record)
    monkeypatch.setattr("nn.recording._MOST_BYTES", 1000)  # of 13 parameters of 8 bytes
    with pytest.raises(ValueError, match=r"keep 21 copies of 104 bytes.*; try record=3$"):
        trained(epochs=20, record=1)
    assert len(trained(epochs=20, record=3)[1].record) == 8
    with pytest.raises(ValueError, match=r"explain: this training wasn't recorded.*record=10"):
        trained()[1].explained()


class Remembering(nn.Module):
    """Counts its calls, remembers a running sum, and draws numbers that it doesn't use."""

    def __init__(self):
        self.linear = nn.Linear(2, 1, rng=0)
        self.count, self.calls, self.sums, self.rng = 0, [0], np.zeros(1), np.random.default_rng(0)
        self.by_name = {"w": self.linear.weight}

    def forward(self, x):
        self.count += 1
        self.calls[0] += 1
        self.sums += np.asarray(x.data if isinstance(x, ag.Tensor) else x).sum()
        self.rng.normal()
        return ag.sigmoid(self.linear(x))


def test_what_modules_write_to_is_left_as_it_was():
    (plain, _), (recorded, history) = (
        trained(net=Remembering(), epochs=2, record=record, compiled=False) for record in (None, 1)
    )
    sums, draws = plain.sums.copy(), plain.rng.bit_generator.state
    assert history.record.first_layer is None
    for _ in range(2):
        assert recorded.calls == plain.calls
        assert recorded.count == plain.count == 2
        np.testing.assert_array_equal(recorded.sums, sums)
        assert recorded.rng.bit_generator.state == draws
        history.record.predict(0, X)
        with history.record.replayed(1), history.record.at(0):
            assert recorded.by_name["w"] is recorded.linear.weight
    assert recorded.sums is vars(recorded)["sums"]
