"""The section on a recorded training in a browser: slider, keyboard, playing, widths."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.explain.boundary import line, plane_of
from autograd_lite.show.notation import number

from ..draw.test_theme import contrast
from .browser import NARROW, WIDE, Opened, opened


@pytest.fixture(scope="module")
def record() -> nn.Recording:
    x = np.random.default_rng(0).normal(size=(40, 2))
    y = (x[:, :1] * x[:, 1:] > 0).astype(float)
    net = nn.MLP([2, 5, 1], activation="tanh", output="sigmoid", rng=1)
    optimizer = nn.Adam(net.parameters(), lr=0.05)
    history = nn.fit(net, x, y, nn.BCELoss(), optimizer, 1000, batch_size=40, record=100)
    assert history.record is not None
    return history.record


@pytest.fixture(scope="module")
def path(record: nn.Recording, tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("training") / "page.html"
    ag.explain(record, found, iteration=200)
    return found


def move(shown: Opened, place: int) -> None:
    shown.page.evaluate(
        """place => { const slider = document.querySelector('#iteration');
            slider.value = place; slider.dispatchEvent(new Event('input')); }""",
        place,
    )


def place(shown: Opened) -> int:
    return int(shown.page.input_value("#iteration"))


def state(shown: Opened) -> str:
    return str(shown.page.inner_text("#state"))


def boundary(shown: Opened) -> str:
    return str(shown.page.get_attribute("#regions path", "d"))


def test_it_starts_at_the_end_as_the_page_without_script_and_on_paper_do(shown, browser, path):
    assert place(shown) == 10
    assert state(shown).startswith("Iteration 1000 of 1000: loss ")
    assert shown.page.is_visible("#iteration")
    for script in (False, True):
        with opened(browser, path, script=script) as plain:
            if script:
                plain.page.emulate_media(media="print")
            assert state(plain) == state(shown)
            assert boundary(plain) == boundary(shown)
            assert not plain.page.is_visible("#iteration")
            assert not plain.page.is_visible("#train")
            for part in ("#losses", "#boundary", '#training [data-key="p3"]', "#state"):
                assert plain.page.is_visible(part)


def test_the_slider_moves_the_boundary_the_place_and_the_numbers(shown, record):
    boundaries, places = set(), set()
    for i, step in enumerate(record.steps):
        move(shown, i)
        assert state(shown) == f"Iteration {step} of 1000: loss {number(record.losses[i])}"
        assert shown.page.get_attribute("#iteration", "aria-valuetext") == state(shown)
        boundaries.add(boundary(shown))
        places.add(shown.page.get_attribute("#losses .now", "transform"))
        for k, values in enumerate(record.parameters.values(), 1):
            cells = shown.page.locator(f'#training [data-key="p{k}"] td')
            assert cells.all_inner_texts() == [number(v) for v in values[i].reshape(-1)]
    assert len(boundaries) == len(places) == len(record.steps)
    move(shown, 4)
    name = "W_01[2,3] = " + number(record.parameters["W_01"][4][1, 2])
    assert shown.page.locator(f'#training td[aria-label="{name}"]').count() == 1


def test_the_slider_moves_the_lines_of_the_first_layer_colours_and_the_place(shown, record):
    plane, w = plane_of(record.x), np.array(record.parameters["W_01"])
    for i in (0, 4, 10):
        move(shown, i)
        paths = [p.get_attribute("d") for p in shown.page.locator("#lines path").all()]
        b = record.parameters["b_01"][i]
        assert paths == [line(plane, w[i, :, k], b[0, k]) for k in range(5)]
        level = shown.page.locator('#training [data-key="p1"] td').first.evaluate(
            "cell => cell.style.getPropertyValue('--level')"
        )
        assert float(level) == pytest.approx(w[i, 0, 0] / np.abs(w).max(), abs=1e-3)
        on_curve, marked = shown.page.evaluate(
            """i => { const at = document.querySelector('#losses polyline').points[i];
                const now = document.querySelector('#losses .now');
                const x = Number(/translate\\(([-.\\d]+)/.exec(now.getAttribute('transform'))[1]);
                const y = Number(now.querySelector('circle').getAttribute('cy'));
                return [[at.x, at.y], [x, y]]; }""",
            i,
        )
        assert marked == pytest.approx(on_curve, abs=0.11)


def test_what_is_predicted_is_seen_where_it_is_predicted(shown, record):
    """Asked of the browser: which observations lie in the region that is drawn."""
    for i in (2, 10):
        move(shown, i)
        x = record.x
        margin = 0.08 * (x.max(axis=0) - x.min(axis=0))
        part = (x - x.min(axis=0) + margin) / (x.max(axis=0) - x.min(axis=0) + 2 * margin)
        inside = shown.page.evaluate(
            """points => { const path = document.querySelector('#regions path');
                return points.map(([x, y]) => path.isPointInFill(new DOMPoint(x, y))); }""",
            [[480 * a, 480 * (1 - b)] for a, b in part.tolist()],
        )
        predicted = record.predict(i, x)[:, 0]
        clear = np.abs(predicted - 0.5) > 0.02
        np.testing.assert_array_equal(np.array(inside)[clear], (predicted > 0.5)[clear])


def test_the_keyboard_moves_the_iterations_within_the_section_and_steps_elsewhere(shown):
    page = shown.page
    page.focus("#iteration")
    page.keyboard.press("ArrowLeft")
    assert (place(shown), shown.step) == (9, 1)
    page.keyboard.press("Home")
    assert place(shown) == 0
    assert state(shown).startswith("Iteration 0 of")
    page.focus("#train")
    page.keyboard.press("ArrowRight")
    assert (place(shown), shown.step) == (1, 1)
    page.locator('#training [data-key="p1"] td').first.focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")
    assert (place(shown), shown.step) == (10, 1)
    page.focus("#next")
    page.keyboard.press("ArrowRight")
    assert (place(shown), shown.step) == (10, 2)


def test_it_plays_from_the_start_to_the_end_and_pauses(timed):
    page = timed.page
    page.click("#train")
    assert page.get_attribute("#train", "aria-pressed") == "true"
    assert page.inner_text("#train") == "Pause"
    assert place(timed) < 5
    page.clock.run_for(2000)
    page.click("#train")
    paused = place(timed)
    assert 0 < paused < 10
    page.clock.run_for(2000)
    assert place(timed) == paused
    move(timed, 9)
    page.click("#train")
    page.clock.run_for(2000)
    assert place(timed) == 10
    assert page.get_attribute("#train", "aria-pressed") == "false"
    assert page.inner_text("#train") == "Play the training"


def test_the_steps_go_on_working_beside_it(shown):
    shown.show(4)
    shown.page.click('a[href="#training"]')
    assert shown.step == 4
    assert "iteration 200 of 1000" in shown.page.inner_text("#story .notes >> nth=0")


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_or_overlaps_and_pictures_can_be_read(browser, path, width, scheme):
    with opened(browser, path, width, scheme) as found:
        for at in (10, 0):
            move(found, at)
            found.is_clear(at)
        assert found.errors == []
        for picture in ("losses", "boundary"):
            sizes, outside = found.page.evaluate(
                """id => { const svg = document.getElementById(id);
                    const box = svg.getBoundingClientRect();
                    const scale = box.width / svg.viewBox.baseVal.width;
                    const texts = [...svg.querySelectorAll('text')];
                    return [texts.map(t => scale * parseFloat(getComputedStyle(t).fontSize)),
                        texts.filter(t => { const r = t.getBoundingClientRect();
                            return r.left < box.left || r.right > box.right || r.top < box.top ||
                                r.bottom > box.bottom; }).map(t => t.textContent)]; }""",
                picture,
            )
            assert min(sizes) >= 10
            assert outside == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_points_and_boundary_stand_out_from_the_regions(browser, path, scheme):
    with opened(browser, path, scheme=scheme) as found:
        colours = found.page.evaluate(
            """() => { const of = (selector, name) => getComputedStyle(
                    document.querySelector(`#boundary ${selector}`))[name];
                return [['rect.class-0', '.points.class-0'], ['#regions .class-1',
                    '.points.class-1'], ['#regions .class-1', '#regions .class-1'],
                    ['rect.class-0', '#regions .class-1'], ['rect.class-0', '.node-line'],
                    ['#regions .class-1', '.node-line']].map(
                    ([area, ink]) => [of(area, 'fill'), of(ink, 'stroke')]); }"""
        )
        for area, ink in colours:
            assert contrast(hexadecimal(area), hexadecimal(ink)) >= 4.5, (area, ink)


def hexadecimal(colour: str) -> str:
    return "#" + "".join(f"{int(x):02x}" for x in colour[4:-1].split(","))
