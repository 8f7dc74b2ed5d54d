"""CuPy's arrays, where there is a device: the cases of the strict array, which has its rules."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn

from ..each import each
from ..sampling import Sample, samples
from .same import Library, assert_same, of_op

cupy = pytest.importorskip("cupy")

CUPY = Library(cupy.ndarray, cupy.asarray, lambda xs: [x.get() for x in xs], lambda: 0)
LACKS = {"eig"}


@each(samples(), by=lambda sample: sample.op.name)
def test_every_case_of_every_op(sample: Sample) -> None:
    if sample.op.name not in LACKS:
        assert_same(CUPY, of_op(sample, np.array), of_op(sample, cupy.asarray))


def test_a_net_is_moved_and_trained() -> None:
    def trained(put: Any) -> list[Any]:
        net = nn.MLP([3, 4, 1], "tanh", output="sigmoid", rng=0)
        for p in net.parameters():
            p.data = put(p.data)
        rng = np.random.default_rng(0)
        x, y = put(rng.normal(size=(8, 3))), put(rng.integers(0, 2, (8, 1)).astype(float))
        optimizer = nn.Adam(net.parameters())
        for _ in range(3):
            optimizer.zero_grad()
            nn.BCELoss()(net(x), y).backward()
            optimizer.step()
        return [p.data for p in net.parameters()]

    assert_same(CUPY, trained(np.array), trained(cupy.asarray))
    assert type(ag.grad(np.linalg.norm)(cupy.ones(3))) is cupy.ndarray
