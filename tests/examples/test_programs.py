"""The shorter examples: what they find, and that they save a figure."""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import autograd_lite as ag

pytest.importorskip("matplotlib")
pytest.importorskip("scipy")
pytest.importorskip("sklearn")

from examples import autoencoder, gaussian_process, kalman, predators, vowels
from examples.running import run

from ..each import each


def test_the_filter_is_the_joint_density_and_finds_the_noises():
    places = np.arange(1.0, 4.0)
    covariance = np.zeros((2 * 3, 2 * 3))
    state = np.eye(2) * 100
    for i in range(3):
        state = kalman.MOVES @ state @ kalman.MOVES.T + 0.09 * np.outer(kalman.PUSH, kalman.PUSH)
        later = state
        for j in range(i, 3):
            covariance[2 * j : 2 * j + 2, 2 * i : 2 * i + 2] = later
            covariance[2 * i : 2 * i + 2, 2 * j : 2 * j + 2] = later.T
            later = kalman.MOVES @ later
    joint = covariance[::2, ::2] + 16 * np.eye(3)
    expected = 0.5 * (places @ np.linalg.solve(joint, places)
                      + np.linalg.slogdet(2 * np.pi * joint)[1])  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kalman, "MEASURED", places)
        found, seen = kalman.filtered(np.log([0.3, 4.0]))
    np.testing.assert_allclose(found, expected)
    assert len(seen) == 3
    text, _ = kalman.main()
    assert "pushes 0.32 ± 23%, and were 0.3; errors of measuring 4.09 ± 7%, and were 4" in text


def test_three_methods_find_one_gaussian_process():
    lines = gaussian_process.main()[0].splitlines()
    assert len({line.partition(":")[2] for line in lines}) == 1
    assert "noise 0.1996" in lines[0]
    mean, deviation = gaussian_process.predicted(np.log([1.9, 2.4, 0.2]), np.array([4.0, 100.0]))
    assert abs(mean[0] - (np.sin(4) + 1.2)) < 2 * deviation[0] < 0.4
    np.testing.assert_allclose((mean[1], deviation[1]), (0, 1.9), atol=1e-6)


def test_an_equation_of_motion_is_found():
    lines = predators.main()[0].splitlines()
    pairs = [[float(x) for x in (line.split()[1].rstrip(","), line.split()[-1])]
             for line in lines[1:]]  # fmt: skip
    assert len(pairs) == 6
    assert all(abs(found / true - 1) < 0.1 for found, true in pairs)
    ends = predators.path(predators.TRUE)  # x^c e^(−dx) y^a e^(−by) stays
    a, c, b, d = np.exp(predators.TRUE[:4])
    kept = c * ends[:, 0] - d * np.exp(ends[:, 0]) + a * ends[:, 1] - b * np.exp(ends[:, 1])
    assert np.ptp(kept) < 0.01


def test_em_never_makes_a_text_less_likely_and_finds_its_vowels():
    (_, _, letters), seen = vowels.fitted(60)
    assert (np.diff(seen) > -1e-12).all()
    share = letters / letters.sum(axis=0)
    found = share[share[:, 0].argmax()] > 0.5
    assert {*"aeio"} <= {chr(ord("a") + i) for i in np.flatnonzero(found)} <= {*"aeiouy"}
    logs = [np.log(p) for p in (np.array([[0.5, 0.5]]), np.full((2, 2), 0.5), letters)]
    counts = ag.grad(vowels.log_likelihood)(logs)
    sizes = [len(vowels.LINES), vowels.LINES.size - len(vowels.LINES), vowels.LINES.size]
    np.testing.assert_allclose([x.sum() for x in counts], sizes)


def test_digits_come_to_cost_less():
    _, decoder, losses = autoencoder.trained(epochs=2)
    assert losses[-1] < losses[0] - 3
    assert decoder(np.zeros((1, 2))).shape == (1, 64)


def test_a_figure_is_saved(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["gaussian_process", "--out", str(tmp_path / "figures")])
        run(gaussian_process.main)
    path = tmp_path / "figures" / "gaussian_process.svg"
    assert capsys.readouterr().out.endswith(f"wrote {path}\n")
    assert ElementTree.parse(path).getroot().tag.endswith("svg")


@each([kalman, gaussian_process, predators, vowels, autoencoder])
def test_each_is_short(module: object):
    assert len(Path(str(module.__file__)).read_text(encoding="utf-8").splitlines()) <= 60
