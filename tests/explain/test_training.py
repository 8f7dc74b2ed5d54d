"""The page of a recorded training: what it says of the losses, the boundary and the parameters."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.explain import boundary, curves, training
from autograd_lite.explain.words import WORDS
from autograd_lite.show.notation import number

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


def seen(paths: list[str]) -> list[list[Any]]:
    """The closed lines of each path, as points."""
    return [
        [np.array([p.split(",") for p in loop[1:-1].split("L")], float)
         for loop in re.findall(r"M[^Z]*Z", path)]
        for path in paths
    ]  # fmt: skip


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


def undrawn(plane: boundary.Plane, drawn: Any) -> Any:
    part = np.array(drawn) / boundary.SIZE
    part[:, 1] = 1 - part[:, 1]
    return plane.low + part * (plane.high - plane.low)


def test_it_says_the_losses_of_the_training(record: nn.Recording, tmp_path: Path):
    page = Page(tmp_path, record)
    assert record.steps == [0, 20, 40, 60, 80, 100]
    assert page.data["states"] == [
        f"Iteration {step} of 100: loss {number(loss)}"
        for step, loss in zip(record.steps, record.losses, strict=True)
    ]
    (points,) = re.findall(r'<polyline class="curve" points="(.*?)"', page.section)
    drawn = np.array([p.split(",") for p in points.split()], float)
    np.testing.assert_array_equal(drawn, page.data["places"])
    up = curves.HEIGHT - curves.BOTTOM - drawn[:, 1]
    np.testing.assert_allclose(up / up[0], np.array(record.losses) / record.losses[0], atol=1e-3)
    np.testing.assert_allclose(np.diff(drawn[:, 0]), np.diff(drawn[:, 0])[0], atol=0.11)
    assert page.data["states"][-1] in page.section  # without script the last is shown


def test_it_steps_through_one_recorded_iteration(record: nn.Recording, tmp_path: Path):
    before = {p.name: p.numpy() for p in record.net.parameters()}
    for iteration in (None, 60):
        page = Page(tmp_path, record, iteration=iteration)
        i = record.steps.index(iteration or 0)
        assert f"The steps are those of iteration {iteration or 0} of 100." in page.text
        assert f'aria-label="L = {number(record.losses[i])}"' in page.text
        for name in ("b_01", "W_12"):
            shown = number(record.parameters[name][i].reshape(-1)[0])
            assert f"= {shown}" in page.text
    for name, value in before.items():
        np.testing.assert_array_equal(record.net[name].data, value)


def is_at(found: nn.Recording, i: int, plane: boundary.Plane, drawn: Any, level: float) -> Any:
    """Whether the prediction is ``level`` within a pixel of these points, or as good as there."""

    def predict(right: float, down: float) -> Any:
        at = undrawn(plane, drawn + np.array([right, down]))
        return found.predict(i, at)[:, 0].astype(float)

    slope = np.hypot(predict(0.5, 0) - predict(-0.5, 0), predict(0, 0.5) - predict(0, -0.5))
    return np.abs(predict(0, 0) - level) < np.maximum(slope, 0.03)


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
    found = trained(sizes, x, y, loss, **options)
    page = Page(tmp_path, found)
    plane = boundary.plane_of(x.astype(float))
    points = np.random.default_rng(1).uniform(plane.low, plane.high, size=(1500, 2))
    some_boundary = False
    for i, paths in enumerate(page.data["regions"]):
        (loops,) = seen(paths)
        predicted = found.predict(i, points)[:, 0] - level
        clear = np.abs(predicted) > 0.02
        inside = within(loops, plane.drawn(points))
        np.testing.assert_array_equal(inside[clear], (predicted > 0)[clear])
        for loop in loops:
            along = np.concatenate(
                [loop + t * (np.roll(loop, -1, axis=0) - loop) for t in np.linspace(0, 0.9, 10)]
            )
            visible = along[((along > 0.1) & (along < boundary.SIZE - 0.1)).all(axis=1)]
            if len(visible):
                some_boundary = True
                assert is_at(found, i, plane, visible, level).all()
    assert some_boundary
    assert f'class-1" d="{page.data["regions"][-1][0]}"' in page.section


@pytest.mark.parametrize("target", ["numbers", "one-hot"])
def test_of_several_classes_each_has_its_region(target: str, tmp_path: Path):
    y: Any = CORNERS if target == "numbers" else np.eye(3)[CORNERS]
    loss: Any = nn.MSELoss() if target == "one-hot" else nn.CrossEntropyLoss()
    found = trained([2, 4, 3], X, y, loss, output="identity")
    page = Page(tmp_path, found)
    plane = boundary.plane_of(X)
    points = np.random.default_rng(1).uniform(plane.low, plane.high, size=(1500, 2))
    for i, paths in enumerate(page.data["regions"]):
        scores = np.sort(found.predict(i, points), axis=1)
        clear = scores[:, -1] - scores[:, -2] > 0.15
        classes = found.predict(i, points).argmax(axis=1)
        for c, loops in enumerate(seen(paths), 1):
            inside = within(loops, plane.drawn(points))
            np.testing.assert_array_equal(inside[clear], (classes == c)[clear])
    marks = re.findall(r'class="points class-(\d)" d="(.*?)"/>', page.section.split("<ul")[0])
    assert [(int(c), d.count("M")) for c, d in marks] == [
        (c, np.count_nonzero(c == CORNERS)) for c in range(3)
    ]
    assert all(f"class {c}<" in page.section for c in range(3))


def test_integers_are_observations_too_and_of_many_parameters_some_are_left_out(tmp_path: Path):
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    found = trained([2, 4, 1], x, np.array([[0.0], [1.0], [1.0], [0.0]]), steps=200)
    (loops,) = seen(Page(tmp_path, found).data["regions"][-1])
    plane = boundary.plane_of(x.astype(float))
    assert within(loops, plane.drawn(x.astype(float))).tolist() == [False, True, True, False]
    page = Page(tmp_path, trained([2, *[2] * 13, 1], X, INSIDE, steps=2, record=1))
    assert len(page.data["parameters"]) == training.MOST_PARAMETERS
    assert "4 further parameters are left out." in page.section


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
    assert page.data["regions"] == page.data["lines"] == []
    assert 'id="losses"' in page.section


def test_the_nodes_of_the_first_layer_are_lines(record: nn.Recording, tmp_path: Path):
    page = Page(tmp_path, record)
    plane = boundary.plane_of(X)
    for i, lines in enumerate(page.data["lines"]):
        w, b = record.parameters["W_01"][i], record.parameters["b_01"][i]
        assert len(lines) == 5
        for k, path in enumerate(lines):
            if path:
                ends = np.array([p.split(",") for p in path[1:].split("L")], float)
                s = undrawn(plane, ends) @ w[:, k] + b[0, k]
                np.testing.assert_allclose(s / np.abs(w[:, k]).sum(), 0, atol=1e-3)
    assert "where a node of the first layer is 0" in page.section


def test_the_tables_hold_the_parameters_of_every_state(record: nn.Recording, tmp_path: Path):
    page = Page(tmp_path, record)
    assert [p["key"] for p in page.data["parameters"]] == ["p1", "p2", "p3", "p4"]
    for values, shown in zip(record.parameters.values(), page.data["parameters"], strict=True):
        assert shown["texts"] == [[number(v) for v in value.ravel()] for value in values]
        assert shown["greatest"] == pytest.approx(np.abs(values).max(), rel=1e-3)
        table = page.section.split(f'data-key="{shown["key"]}"')[1].split("</table>")[0]
        assert re.findall(r"<td[^>]*>(.*?)</td>", table) == shown["texts"][-1]


def test_a_long_training_of_a_large_net_stays_small(tmp_path: Path):
    x = RNG.normal(size=(1000, 2))
    found = trained([2, 30, 30, 1], x, (x[:, :1] > 0) * 1.0, record=1, steps=150)
    page = Page(tmp_path, found)
    assert len(found.steps) == 151
    assert len(page.text.encode()) < 2_000_000
    n = len(page.data["states"])
    assert n == training.MOST_FRAMES
    assert page.data["states"][0].startswith("Iteration 0 of 150")
    assert page.data["states"][-1].startswith("Iteration 150 of 150")
    assert f"The slider goes through {n} of the 151 iterations" in page.section
    assert "Of 1000 observations 400 are drawn." in page.section
    assert page.section.count("<td tabindex") < 150
    (statistics,) = (p["statistics"] for p in page.data["parameters"] if p["key"] == "p3")
    w = found.parameters["W_12"][0]
    assert statistics[0].startswith("900 entries: ")
    assert f"max {number(w.max())}" in statistics[0]


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
    assert "&lt;img src=x" in found.section
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
    assert [place is None for place in page.data["places"]] == [False, True, False, True]
    assert re.search(r'class="now" visibility="hidden"', page.section)
    assert "nan" not in re.findall(r'points="(.*?)"', page.section)[0]
    assert page.data["regions"][3] == [""]
    assert page.data["lines"][3] == page.data["lines"][2] == [""] * 3
    assert page.data["parameters"][0]["texts"][3] == ["nan"] * 6
    assert np.isfinite(page.data["parameters"][0]["greatest"])


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


# ---------------------------------------------------------------- marching squares, lines, ticks


SQUARE = boundary.Plane(np.array([-1.0, -1.0]), np.array([1.0, 1.0]))


@each({
    "nothing": (lambda x, y: -1 + 0 * x, 0.0),
    "all of it": (lambda x, y: 1 + 0 * x, 1.0),
    "a disc": (lambda x, y: 0.25 - x * x - y * y, np.pi / 16),
    "two corners": (lambda x, y: x * y, 0.5),
    "a hole": (lambda x, y: x * x + y * y - 0.25, 1 - np.pi / 16),
    "nan": (lambda x, y: np.where(x < 0, np.nan, y), 0.25),
    "infinite": (lambda x, y: np.where(x < 0, -np.inf, np.inf), 0.5),
}.values())
def test_regions_are_where_a_margin_is_positive(margin: Any, share: float):
    (path,) = boundary.regions(SQUARE, lambda points: margin(*points.T)[:, None])
    (loops,) = seen([path])
    points = SQUARE.drawn(np.random.default_rng(0).uniform(-1, 1, size=(4000, 2)))
    assert abs(within(loops, points).mean() - share) < 0.03


@each([
    ([1.0, 0.0], 0.0, (240, 0), (240, 480)),
    ([0.0, 1.0], 0.5, (0, 360), (480, 360)),
    ([1.0, -1.0], 0.0, (0, 480), (480, 0)),
])
def test_a_node_is_a_line_through_the_square(w: list[float], b: float, start: Any, end: Any):
    path = boundary.line(SQUARE, np.array(w), b)
    one, other = (np.array(p.split(","), float) for p in path[1:].split("L"))
    along = (other - one) / np.linalg.norm(other - one)
    for point in (start, end):
        assert abs(np.cross([*along, 0], [*(np.array(point) - one), 0])[2]) < 0.1
    assert boundary.line(SQUARE, np.array([1.0, 0.0]), 9.0) == ""
    assert boundary.line(SQUARE, np.array([0.0, 0.0]), 0.0) == ""


def test_ticks_are_round():
    assert curves.ticks(0, 1) == [0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert curves.ticks(-0.32, 0.32) == [-0.2, 0, 0.2]
    assert curves.ticks(0, 730) == [0, 200, 400, 600]
    assert curves.ticks(2, 2) == [2]
    assert curves.ticks(float("nan"), 1) == []
    for _ in range(50):
        low, high = sorted(RNG.normal(size=2) * 10.0 ** RNG.integers(-8, 8))
        found = curves.ticks(low, high)
        assert 2 <= len(found) <= 7
        assert np.allclose(np.diff(found), np.diff(found)[0])


def test_a_curve_of_very_many_steps_is_drawn_by_some_with_the_first_and_the_last():
    n = 30_000
    svg = curves.Curve(range(n), np.linspace(1, 0, n).tolist()).svg(None, "steps", "loss", "")
    (points,) = re.findall(r'points="(.*?)"', svg)
    assert len(points.split()) == curves.MOST_DRAWN
    assert points.split()[-1] == f"{curves.WIDTH - curves.RIGHT},{curves.HEIGHT - curves.BOTTOM}"
    assert curves.thinned(4, 10) == [0, 1, 2, 3]
    for n, most in ((61, 60), (1000, 7), (3, 2)):
        found = curves.thinned(n, most)
        assert (found[0], found[-1], len(found)) == (0, n - 1, most)
        assert max(np.diff(found)) - min(np.diff(found)) <= 1
