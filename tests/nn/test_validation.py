"""fit with validation data, early stopping, schedules and clipping."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

import nn

RNG = np.random.default_rng(4)
X = RNG.normal(size=(60, 3))
Y = (X @ [[1.0], [-2.0], [0.5]] + 0.5 * RNG.normal(size=(60, 1)) > 0).astype(float)
APART = X[30:], Y[30:]


def trained(epochs: int = 12, lr: float = 0.5, **options: Any) -> tuple[nn.MLP, nn.History]:
    net = nn.MLP([3, 12, 1], "tanh", "sigmoid", rng=0)
    optimizer = nn.Adam(net.parameters(), lr)
    return net, nn.fit(net, X[:30], Y[:30], nn.BCELoss(), optimizer, epochs, 10, **options)


def test_fit_has_eight_parameters_and_names_its_options():
    assert len(inspect.signature(nn.fit).parameters) <= 8
    with pytest.raises(TypeError, match="no option 'suffle'; there are shuffle, rng, metrics"):
        trained(suffle=True)
    with pytest.raises(ValueError, match=r"patience needs validation=\(x, y\)"):
        trained(patience=3)
    with pytest.raises(ValueError, match="patience must be an int of at least 1, not 0"):
        trained(patience=0, validation=APART)
    with pytest.raises(ValueError, match=r"validation must be a pair \(x, y\)"):
        trained(validation=(X,))
    with pytest.raises(ValueError, match=r"validation must be a pair \(x, y\)"):
        trained(validation=0.2)


def test_validation_is_what_the_net_gives_after_each_epoch():
    metrics = {"right": nn.accuracy}
    net, history = trained(validation=APART, metrics=metrics)
    seen = history.validation
    assert seen is not None
    assert len(seen.loss) == len(seen.metrics["right"]) == 12
    value, found = nn.evaluate(net, *APART, nn.BCELoss(), metrics=metrics)
    assert (seen.loss[-1], seen.metrics["right"][-1]) == pytest.approx((value, found["right"]))
    assert history.best == int(np.argmin(seen.loss))
    plain, without = trained()
    np.testing.assert_array_equal(history.loss, without.loss)  # it changes nothing
    np.testing.assert_array_equal(net["W_01"].data, plain["W_01"].data)
    total = nn.evaluate(net, *APART, nn.BCELoss("sum"), batch_size=7)[0]
    assert total == pytest.approx(30 * seen.loss[-1])


def test_it_stops_where_nothing_becomes_better_with_the_best_parameters():
    for compiled in (True, False):
        net, history = trained(200, validation=APART, patience=4, compiled=compiled)
        seen = history.validation
        assert seen is not None
        assert history.best is not None
        assert len(seen.loss) == len(history.loss) == history.best + 5 < 200
        assert nn.evaluate(net, *APART, nn.BCELoss())[0] == pytest.approx(min(seen.loss))


def test_a_schedule_steps_after_each_epoch():
    net = nn.MLP([3, 1], rng=0)
    optimizer = nn.SGD(net.parameters(), lr=0.1)
    schedule = nn.CosineAnnealingLR(optimizer, 4)
    history = nn.fit(net, X, Y, nn.BCELoss(), optimizer, 4, schedule=schedule, record=2)
    assert history.record is not None
    assert history.record.lrs == pytest.approx(
        [0.05 * (1 + np.cos(np.pi * t / 4)) for t in (0, 1, 2, 3, 4)]
    )
    with pytest.raises(ValueError, match="lr must be positive, not 0"):
        nn.SGD(net.parameters(), lr=0)


def test_steps_are_no_longer_than_the_norm():
    for compiled in (True, False):
        net = nn.MLP([3, 4, 1], rng=0)
        before = net.state_dict()
        optimizer = nn.SGD(net.parameters(), lr=1.0, max_norm=0.01)
        nn.fit(net, X, Y, nn.BCELoss("sum"), optimizer, 1, 60, compiled=compiled)
        moved = [net.state_dict()[name] - value for name, value in before.items()]
        norm = np.sqrt(sum((m**2).sum() for m in moved))
        assert norm == pytest.approx(0.01, rel=1e-3)


def test_dropout_is_off_while_it_is_evaluated_and_on_in_the_next_epoch():
    drop = nn.Dropout(0.5, rng=0)
    modes = []

    class Seen(nn.Module):
        def forward(self, x: Any) -> Any:
            modes.append(drop.training)
            return x

    net = nn.Sequential(nn.Linear(3, 1, rng=0), drop, Seen(), nn.Sigmoid())
    optimizer = nn.SGD(net.parameters(), lr=0.1)
    nn.fit(net, X, Y, nn.BCELoss(), optimizer, 2, 60, compiled=False, validation=APART)
    assert modes == [True, False, True, False]
    assert drop.training
