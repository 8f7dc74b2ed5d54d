"""The section on a recorded training in a browser: slider, keyboard, playing, widths."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import autograd_lite as ag
import nn
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


def drawn(shown: Opened) -> list[str]:
    """What is seen of what states have of their own."""
    found: list[str] = shown.page.evaluate(
        """() => [...document.querySelectorAll("#training [id*='-at-']")].filter(
            (part) => getComputedStyle(part).display !== "none").map((part) => part.id)"""
    )
    return found


def texts(shown: Opened) -> dict[str, list[str]]:
    """The numbers that the step shows, by what they are of."""
    found: dict[str, list[str]] = shown.page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll('.step.shown .matrix')].map(
            (matrix) => [matrix.getAttribute('aria-label').split(',')[0],
                [...matrix.querySelectorAll('td[data-entry]')].map((td) => td.textContent)]))"""
    )
    return found


def test_it_shows_the_iteration_of_the_steps_as_the_page_without_script_and_on_paper(
    shown, browser, path
):
    assert place(shown) == 2
    assert state(shown).startswith("Iteration 200 of 1000: loss ")
    assert drawn(shown) == ["line-at-2", "dot-at-2", "class-1-at-2", "nodes-at-2"]
    assert shown.page.is_visible("#iteration")
    for script in (False, True):
        with opened(browser, path, script=script) as plain:
            if script:
                plain.page.emulate_media(media="print")
                assert drawn(plain) == drawn(shown)
            assert state(plain) == state(shown)
            assert not plain.page.is_visible("#iteration")
            assert not plain.page.is_visible("#train")
            for part in ("#losses", "#boundary", "#state", "#class-1-at-2"):
                assert plain.page.is_visible(part)
            assert not plain.page.is_visible("#class-1-at-3")


def test_all_of_it_is_on_one_screen(shown):
    dock = shown.page.locator("#live").bounding_box()
    for step in (1, 6):
        shown.show(step)
        for part in ("#figure svg", "#train", "#losses", "#boundary", ".step.shown h2",
                     ".step.shown .result td >> nth=0"):  # fmt: skip
            box = shown.page.locator(part).first.bounding_box()
            assert 0 <= box["y"] <= dock["y"] - box["height"], (step, part)


def test_the_slider_moves_the_pictures_and_the_numbers_of_the_steps(shown, record):
    for i in (0, 2, 7, 10):
        move(shown, i)
        step, loss = record.steps[i], record.loss_of_all(i)
        assert state(shown) == f"Iteration {step} of 1000: loss {number(loss)}"
        assert shown.page.get_attribute("#iteration", "aria-valuetext") == state(shown)
        assert drawn(shown) == [f"{x}-at-{i}" for x in ("line", "dot", "class-1", "nodes")]
        with record.replayed(2) as output:
            net = record.net
            for name, values in record.parameters.items():
                net[name].data = values[i]
            with record.at(i):
                again = record.loss(net(record.batch(2)[0]), record.batch(2)[1])
            again.backward()
            del output
        shown.show(1)
        found = texts(shown)
        for name in ("W_01", "b_01"):
            assert found[name] == [number(v) for v in record.parameters[name][i].ravel()]
        assert shown.page.locator(".step.shown .statistics").first.inner_text().startswith("80 ent")
        shown.show(5)
        assert texts(shown)["L"] == [number(again.item())]


def test_what_is_predicted_is_seen_where_it_is_predicted(shown, record):
    """Asked of the browser: which observations lie in the region that is drawn."""
    for i in (3, 10):
        move(shown, i)
        inside = shown.page.evaluate(
            """i => { const use = document.querySelector(`#class-1-at-${i} use`);
                const path = document.querySelector(use.getAttribute('xlink:href'));
                const [dx, dy] = ['x', 'y'].map((a) => Number(use.getAttribute(a) || 0));
                const marks = ['0', '1'].flatMap((c) => [...document.querySelectorAll(
                    `#boundary use[style*="mark-${c}"]`)].slice(0, -1));
                return marks.map((mark) => path.isPointInFill(new DOMPoint(
                    mark.getAttribute('x') - dx, mark.getAttribute('y') - dy))); }""",
            i,
        )
        order = np.argsort(record.y[:, 0], kind="stable")
        predicted = record.predict(i, record.x)[order, 0]
        clear = np.abs(predicted - 0.5) > 0.02
        np.testing.assert_array_equal(np.array(inside)[clear], (predicted > 0.5)[clear])


def test_the_address_keeps_the_iteration_and_what_was_changed_there(shown, browser, path, record):
    move(shown, 7)
    cell = shown.page.locator(".step.shown td[data-live]").first
    cell.focus()
    cell.press("ArrowUp")
    changed = texts(shown)
    address = shown.page.url
    assert "&iteration=700&set=" in address
    with opened(browser, path, at=address[address.index("#"):]) as other:
        assert place(other) == 7
        assert texts(other) == changed
        other.page.click("#live .reset")
        other.page.locator(".step.shown td[data-live]").first.focus()
        w = record.parameters["W_01"][7]
        assert texts(other)["W_01"] == [number(v) for v in w.ravel()]


def test_the_keyboard_moves_the_iterations_within_the_section_and_steps_elsewhere(shown):
    page = shown.page
    page.focus("#iteration")
    page.keyboard.press("ArrowLeft")
    assert (place(shown), shown.step) == (1, 1)
    page.keyboard.press("Home")
    assert place(shown) == 0
    assert state(shown).startswith("Iteration 0 of")
    page.focus("#train")
    page.keyboard.press("ArrowRight")
    assert (place(shown), shown.step) == (1, 1)
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")
    assert (place(shown), shown.step) == (10, 1)
    page.focus("#next")
    page.keyboard.press("ArrowRight")
    assert (place(shown), shown.step) == (10, 2)


def test_it_plays_from_the_start_to_the_end_and_pauses(timed):
    page = timed.page
    move(timed, 10)
    page.click("#train")
    assert page.get_attribute("#train", "aria-pressed") == "true"
    assert page.inner_text("#train") == "Pause"
    assert place(timed) == 0
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


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_or_overlaps_and_pictures_can_be_read(browser, path, width, scheme):
    with opened(browser, path, width, scheme) as found:
        for at in (10, 0):
            move(found, at)
            found.is_clear(at)
        assert found.errors == []
        for picture in ("losses", "boundary"):
            sizes = found.page.evaluate(
                """id => { const svg = document.getElementById(id);
                    const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
                    return [...svg.querySelectorAll('text')].map(
                        (text) => scale * parseFloat(getComputedStyle(text).fontSize)); }""",
                picture,
            )
            assert min(sizes) >= 9


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_points_and_boundary_stand_out_from_the_regions(browser, path, scheme):
    with opened(browser, path, scheme=scheme) as found:
        colours = found.page.evaluate(
            """() => { const all = getComputedStyle(document.documentElement);
                return Object.fromEntries(['class-0', 'class-1', 'mark-0', 'mark-1', 'ink', 'muted']
                    .map((name) => [name, all.getPropertyValue(`--${name}`)])); }"""
        )
        for area in ("class-0", "class-1"):
            for ink in (area.replace("class", "mark"), "ink", "muted"):
                assert contrast(colours[area], colours[ink]) >= 4.5, (area, ink)
