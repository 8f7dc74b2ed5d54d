"""The page of a recorded training: what it says of the losses, the boundary and the parameters."""

from __future__ import annotations

import importlib
import json
import re
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.explain import plots, training
from autograd_lite.show.notation import number
from autograd_lite.show.words import WORDS, Words

from ..each import each

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 2))
INSIDE = ((X**2).sum(axis=1, keepdims=True) < 1.2).astype(float)
CORNERS = np.argmin(((X[:, None] - [[-1, 0], [1, 0.3], [0, 1]]) ** 2).sum(axis=2), axis=1)


def trained(
    sizes: list[int], x: Any, y: Any, loss: Any = None, record: int = 20, **options: Any
) -> nn.Recording:
    options = {"activation": "tanh", "output": "sigmoid", "rng": 1, **options}
    steps, make = options.pop("steps", 100), options.pop("make", nn.Adam)
    net = nn.MLP(sizes, **options)
    optimizer, loss = make(net.parameters(), lr=0.05), loss or nn.BCELoss()
    found = nn.fit(net, x, y, loss, optimizer, epochs=steps, batch_size=len(x), record=record)
    assert found.record is not None
    return found.record


@pytest.fixture(scope="module")
def record() -> nn.Recording:
    return trained([2, 5, 1], X, INSIDE)


class Page:
    """A page that was written, and what its script reads."""

    def __init__(self, folder: Path, explained: Any, *args: Any, **options: Any) -> None:
        path = folder / "page.html"
        ag.explain(explained, path, *args, **options)
        self.text = path.read_text(encoding="utf-8")
        (section,) = re.findall(r'<section id="training".*?</section>', self.text, re.DOTALL)
        self.section: str = section
        (data,) = re.findall(r'id="training-data">(.*?)</script>', self.text, re.DOTALL)
        self.data = json.loads(data)

    def drawn(self, picture: str, part: str) -> list[Any]:
        """The lines of a group of a picture, each as points, as they are drawn."""
        (svg,) = re.findall(rf'<svg id="{picture}".*?</svg>', self.section, re.DOTALL)
        root = ET.fromstring(svg)
        group = next((g for g in root.iter(f"{SVG}g") if g.get("id") == part), None)
        if group is None:
            return []
        uses = list(group.iter(f"{SVG}use"))
        offset = [float(uses[0].get(a, "0")) for a in "xy"] if uses else [0.0, 0.0]
        if uses and not list(group.iter(f"{SVG}path")):
            return [np.array([offset])]
        return [
            np.array(re.findall(r"([-.\d]+) ([-.\d]+)", line), float) + offset
            for path in group.iter(f"{SVG}path") for line in path.get("d", "").split("M")[1:]
        ]  # fmt: skip

    def data_of(self, points: Any, x: Any) -> Any:
        """What features points of the plane have: by its frame, which is drawn first."""
        (frame,) = re.findall(r'd="([^"]*)" style="fill: var\(--class-0\)"', self.section)
        corners = np.array(re.findall(r"([-.\d]+) ([-.\d]+)", frame), float)
        (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
        low, high = limits(x)
        part = (points - [left, bottom]) / [right - left, top - bottom]
        return low + part * (high - low)


SVG = "{http://www.w3.org/2000/svg}"


def limits(x: Any) -> Any:
    margin = 0.08 * (x.max(axis=0) - x.min(axis=0))
    return x.min(axis=0) - margin, x.max(axis=0) + margin


def within(loops: list[Any], points: Any) -> Any:
    """Which points are inside, counted by how often a ray to the right crosses the lines."""
    inside = np.zeros(len(points), bool)
    px, py = points[:, :1], points[:, 1:]
    for loop in loops:
        (x1, y1), (x2, y2) = loop.T, np.roll(loop, -1, axis=0).T
        spans = (y1 > py) != (y2 > py)
        with np.errstate(all="ignore"):
            x = x1 + (py - y1) / (y2 - y1) * (x2 - x1)
        inside ^= (spans & (px < x)).sum(axis=1) % 2 == 1
    return inside


def test_it_says_the_losses_of_all_data_and_draws_them_beside_those_of_the_batch(tmp_path: Path):
    net = nn.MLP([2, 3, 1], rng=0)
    sgd, loss = nn.SGD(net.parameters(), lr=4.0), nn.BCELoss()
    record = nn.fit(net, X, INSIDE, loss, sgd, 6, batch_size=20, record=3).record
    page = Page(tmp_path, record)
    assert record.steps == page.data["steps"] == [0, 3, 6, 9, 12, 15, 18]
    whole = [record.loss_of_all(i) for i in range(7)]
    for i in (0, 6):
        with record.at(i):
            assert whole[i] == loss(net(X), INSIDE).item()
    assert page.data["states"] == [
        f"Iteration {step} of 18: loss {number(of_all)}"
        for step, of_all in zip(record.steps, whole, strict=True)
    ]
    assert np.abs(np.subtract(whole, record.losses)).max() > 0.01
    dots = [page.drawn("losses", f"dot-at-{i}") for i in range(7)]
    at = np.array([dot.mean(axis=0) for (dot,) in dots])
    for along, what in ((at[:, 0], record.steps), (at[:, 1], whole)):  # on one scale
        np.testing.assert_allclose(np.polyval(np.polyfit(what, along, 1), what), along, atol=0.15)
    assert at[0, 1] + 1 < at[6, 1]
    assert {"all data", "the batch"} <= set(re.findall(r">([^<]*)</text>", page.section))
    small = plots.losses([0, 1], [0.03, 0.04], [0.03, 0.04], [0, 1], 0, Words("en"))
    assert {"0.01", "0.02"} <= set(re.findall(r">([^<]*)</text>", small))


def test_it_steps_through_one_recorded_iteration(record: nn.Recording, tmp_path: Path):
    before = {p.name: p.numpy() for p in record.net.parameters()}
    for iteration in (None, 60):
        page = Page(tmp_path, record, iteration=iteration)
        i = record.steps.index(iteration or 0)
        assert f"Iteration {iteration or 0} of 100: loss" in page.text
        assert "looked at the values" not in page.text  # which fit and explain do, not the code
        assert f'aria-label="L = {number(record.losses[i])}"' in page.text
        assert page.data["states"][i] in page.section  # without script, too
        assert re.findall(r'id="([\w-]+)" class="now"', page.section) == [
            f"line-at-{i}", f"dot-at-{i}", f"class-1-at-{i}", f"nodes-at-{i}"
        ]  # fmt: skip
        for name in ("b_01", "W_12"):
            shown = number(record.parameters[name][i].reshape(-1)[0])
            assert f"= {shown}" in page.text
    for name, value in before.items():
        np.testing.assert_array_equal(record.net[name].data, value)


def test_it_says_what_the_slider_does_to_the_steps(
    record: nn.Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    assert "The steps have the parameters of the iteration" in Page(tmp_path, record).section
    live = importlib.import_module("autograd_lite.explain.live")
    monkeypatch.setattr(live, "MOST_NUMBERS", 10)
    fixed = Page(tmp_path, record)
    assert "The numbers of this page can&#x27;t be changed: with its gradients" in fixed.text
    assert "The steps are those of iteration 0 of 100, whichever" in fixed.section


def test_it_starts_with_an_observation_that_teaches_something(tmp_path: Path):
    x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    net = nn.MLP([2, 2, 1], rng=0)
    sgd = nn.SGD(net.parameters(), lr=0.5)
    record = nn.fit(net, x, x[:, :1], nn.BCELoss(), sgd, 1, batch_size=1, record=1).record
    page = Page(tmp_path, record)
    assert "Shown is observation 3, which tells more than the first." in page.text
    assert 'aria-label="(l_0)_1 = 1"' in page.text
    asked = Page(tmp_path, record, iteration=0)
    assert "Shown is" not in asked.text
    assert 'aria-label="(l_0)_1 = 0"' in asked.text


CASES = {
    "probabilities": ([2, 5, 1], INSIDE, nn.BCELoss(), {}, 0.5),
    "logits": ([2, 5, 1], INSIDE, nn.BCEWithLogitsLoss(), {"output": "identity"}, 0.0),
    "plus and minus one": ([2, 5, 1], 2 * INSIDE - 1, nn.MSELoss(), {"output": "tanh"}, 0.0),
    "a line": ([2, 1], (X[:, :1] > X[:, 1:]) * 1.0, nn.MSELoss(), {"output": "identity"}, 0.5),
    "float32": ([2, 5, 1], INSIDE.astype(np.float32), nn.BCELoss(), {"dtype": np.float32}, 0.5),
}


@pytest.mark.parametrize("case", CASES)
def test_the_boundary_is_where_the_prediction_changes_its_class(case: str, tmp_path: Path):
    sizes, y, loss, options, level = CASES[case]
    x = X.astype(options.get("dtype", float))
    found = trained(sizes, x, y, loss, record=100, **options)
    page = Page(tmp_path, found)
    points = np.random.default_rng(1).uniform(*limits(x), size=(1500, 2))
    for i in range(len(found.steps)):
        loops = [page.data_of(loop, x) for loop in page.drawn("boundary", f"class-1-at-{i}")]
        predicted = found.predict(i, points)[:, 0] - level
        clear = np.abs(predicted) > 0.02
        np.testing.assert_array_equal(within(loops, points)[clear], (predicted > 0)[clear])


@pytest.mark.parametrize("target", ["numbers", "one-hot"])
def test_of_several_classes_each_has_its_region(target: str, tmp_path: Path):
    y: Any = CORNERS if target == "numbers" else np.eye(3)[CORNERS]
    loss: Any = nn.MSELoss() if target == "one-hot" else nn.CrossEntropyLoss()
    found = trained([2, 4, 3], X, y, loss, output="identity", record=100)
    page = Page(tmp_path, found)
    points = np.random.default_rng(1).uniform(*limits(X), size=(1500, 2))
    for i in range(len(found.steps)):
        scores = np.sort(found.predict(i, points), axis=1)
        clear = scores[:, -1] - scores[:, -2] > 0.15
        classes = found.predict(i, points).argmax(axis=1)
        for c in (1, 2):
            loops = [page.data_of(loop, X) for loop in page.drawn("boundary", f"class-{c}-at-{i}")]
            np.testing.assert_array_equal(within(loops, points)[clear], (classes == c)[clear])
    marks = [page.section.count(f"stroke: var(--mark-{c})") for c in range(3)]
    each_of = [np.count_nonzero(c == CORNERS) for c in range(3)]
    assert np.subtract(marks, each_of).tolist() == [2, 2, 2]  # its form, and that in the legend
    assert all(f">class {c}<" in page.section for c in range(3))


def test_integers_are_observations_too():
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    found = trained([2, 4, 1], x, np.array([[0.0], [1.0], [1.0], [0.0]]), steps=200, record=200)
    with tempfile.TemporaryDirectory() as folder:
        page = Page(Path(folder), found)
    loops = [page.data_of(loop, x) for loop in page.drawn("boundary", "class-1-at-1")]
    assert within(loops, x.astype(float)).tolist() == [False, True, True, False]


class OfSixty(nn.Module):
    """A net for sixty rows, and no other number."""

    def __init__(self) -> None:
        self.linear = nn.Linear(2, 1, rng=0)

    def forward(self, x: Any) -> Any:
        return ag.sigmoid(self.linear(x) + np.zeros((60, 1)))


def regression(*sizes: int) -> nn.MLP:
    return nn.MLP(sizes, output="identity", rng=0)


@each({
    "three inputs": (nn.MLP([3, 1], rng=0), X[:, [0, 1, 0]], INSIDE, nn.BCELoss()),
    "one input": (nn.MLP([1, 1], rng=0), X[:, :1], INSIDE, nn.BCELoss()),
    "a regression": (regression(2, 1), X, X[:, :1], nn.MSELoss()),
    "several numbers": (regression(2, 3, 2), X, 2 * X, nn.MSELoss()),
    "two classes at once": (regression(2, 3, 2), X, (X > 0) * 1.0, nn.MSELoss()),
    "too many classes": (regression(2, 7), X, CORNERS, nn.CrossEntropyLoss()),
    "a net for its batches": (OfSixty(), X, INSIDE, nn.BCELoss()),
}, by=lambda net, x, y, loss: "all")  # fmt: skip
def test_where_there_is_no_boundary_it_is_said(net: Any, x: Any, y: Any, loss: Any):
    sgd = nn.SGD(net.parameters(), lr=0.05)
    record = nn.fit(net, x, y, loss, sgd, epochs=2, batch_size=60, record=1).record
    with tempfile.TemporaryDirectory() as folder:
        page = Page(Path(folder), record)
    assert 'id="boundary"' not in page.section
    assert WORDS["no_boundary"][0] in page.section
    assert 'id="losses"' in page.section


def test_the_nodes_of_the_first_layer_are_lines(record: nn.Recording, tmp_path: Path):
    page = Page(tmp_path, record)
    for i in range(len(record.steps)):
        w, b = record.parameters["W_01"][i], record.parameters["b_01"][i]
        lines = page.drawn("boundary", f"nodes-at-{i}")
        for line in lines:
            s = page.data_of(line, X) @ w + b
            assert np.abs(s / np.abs(w).sum(axis=0)).max(axis=0).min() < 5e-3
        assert 1 <= len(lines) <= 5
    assert "a node is 0" in page.section
    one, none = np.array([[1.0], [-1.0]]), np.zeros((2, 1))
    square = np.array([-1.0, -1.0]), np.array([1.0, 1.0])
    (x, y) = plots.through(one, np.array([0.5]), square)[:, :2]
    np.testing.assert_allclose(x - y, -0.5)
    assert np.isnan(plots.through(none, np.array([0.5]), square)).all()


def test_the_steps_can_have_the_parameters_of_every_state(record: nn.Recording, tmp_path: Path):
    page = Page(tmp_path, record)
    assert len(page.data["leaves"]) == 4
    shown = dict(re.findall(r'data-key="(v\d+)" role="group" aria-label="(\w+),', page.text))
    for key, states in page.data["leaves"].items():
        values = record.parameters[shown[key]]
        for state, value in zip(states, values, strict=True):
            np.testing.assert_allclose(state, value.ravel(), rtol=1e-8)


def test_a_long_training_of_a_large_net_stays_small(tmp_path: Path):
    x = RNG.normal(size=(500, 2))
    found = trained([2, 12, 12, 1], x, (x[:, :1] > 0) * 1.0, record=1, steps=105)
    page = Page(tmp_path, found)
    assert len(found.steps) == 106
    assert len(page.text.encode()) < 1_500_000
    n = len(page.data["states"])
    assert n == training.MOST_FRAMES
    assert page.data["states"][0].startswith("Iteration 0 of 105")
    assert page.data["states"][-1].startswith("Iteration 105 of 105")
    assert f"The slider goes through {n} of the 106 iterations" in page.section
    assert "Of 500 observations 400 are drawn." in page.section


def test_only_what_the_optimizer_has_is_updated_by_its_rate(tmp_path: Path):
    def page(net: nn.MLP, parameters: Any) -> tuple[Page, nn.Recording]:
        sgd = nn.SGD(parameters, lr=0.25)
        record = nn.fit(net, X, INSIDE, nn.BCELoss(), sgd, 2, batch_size=60, record=1).record
        return Page(tmp_path, record), record

    net = nn.MLP([2, 1], rng=0)
    net["W_01"].name = evil = "</script><img src=x onerror=alert(1)>"
    found, record = page(net, net.parameters())
    after = record.parameters[evil][1]
    assert f">{number(after[0, 0])}</td>" in found.text.split('data-kind="update"')[1]
    assert "<img" not in found.text  # names are text
    assert "&lt;img src=x" in found.text
    net = nn.MLP([2, 3, 1], rng=0)
    for parameter in net.parameters():
        parameter.requires_grad = parameter is net["W_01"]
    assert page(net, [net["W_01"]])[0].text.count('data-kind="update"') == 1


def test_it_speaks_chinese_and_of_a_history_as_of_its_record(record: nn.Recording, tmp_path: Path):
    page = Page(tmp_path, record, "zh")
    assert Page(tmp_path, nn.History(record=record), "zh").text == page.text
    assert "训练过程" in page.section
    assert page.data["states"][1].startswith("第 20 次迭代")


def test_a_training_that_diverged_is_shown_as_far_as_there_are_numbers(tmp_path: Path):
    found = trained([2, 3, 1], X, INSIDE, steps=3, record=1)
    found.losses[1] = float("nan")
    found.losses[3] = float("inf")
    for values in found.parameters.values():
        values[3] = np.full_like(values[3], np.nan)
        values[2] = np.full_like(values[2], np.inf)
    page = Page(tmp_path, found)
    assert page.data["states"][2:] == [f"Iteration {i} of 3: loss {x}" for i, x in
                                       ((2, number(found.losses[2])), (3, "inf"))]  # fmt: skip
    assert "nan" not in "".join(re.findall(r' d="(.*?)"', page.section, re.DOTALL))
    assert page.drawn("boundary", "class-1-at-3") == page.drawn("boundary", "nodes-at-3") == []
    assert all(states[2:] == [[], []] for states in page.data["leaves"].values())


def test_what_cannot_be_explained_is_refused(record: nn.Recording, tmp_path: Path):
    path = tmp_path / "page.html"
    with record.replayed(0) as loss:
        for explained, settings, error, said in (
            (record, {"iteration": 30}, ValueError, "30 wasn't recorded; recorded are 0, 20, 40"),
            (record, {"lang": "fr"}, ValueError, "lang is one of"),
            (record, {"path": tmp_path / "page.txt"}, ValueError, r"doesn't end in \.html"),
            (trained([2, 1], X, INSIDE, steps=0), {}, ValueError, "took no step"),
            (nn.History(), {}, ValueError, r"wasn't recorded: train with nn.fit\(…, record=10\)"),
            (loss, {"iteration": 0}, TypeError, "iteration is for a recorded"),
        ):
            given: dict[str, Any] = {"path": path, **settings}
            with pytest.raises(error, match=said):
                ag.explain(explained, **given)
    assert not path.exists()
    found = trained([2, 2, 1], X, INSIDE, steps=3, record=1)
    found.net.activations[0] = ag.relu
    with pytest.warns(UserWarning, match="after 0 steps the loss is .* the net or the loss was"):
        ag.explain(found, path)


def test_without_matplotlib_it_says_what_to_install(record, tmp_path, monkeypatch):
    for name in ("plots", "training"):
        monkeypatch.delitem(sys.modules, f"autograd_lite.explain.{name}")
        monkeypatch.delattr(sys.modules["autograd_lite.explain"], name)
    for name in ("matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r'pip install "autograd_lite\[plots\]"'):
        ag.explain(record, tmp_path / "page.html")
    shown = nn.History(loss=[2.0, 1.0])._repr_html_()
    assert shown == "<div>2 epochs, loss 2 → 1</div>"


def test_few_of_many_are_even_with_the_first_and_the_last():
    assert training.thinned(4, 10) == [0, 1, 2, 3]
    for n, most in ((61, 60), (1000, 8), (4, 3)):
        found = training.thinned(n, most, 2)
        assert (found[0], found[-1]) == (0, n - 1)
        assert 2 in found
        assert len(set(found)) == most
