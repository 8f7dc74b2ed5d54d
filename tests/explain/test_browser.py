"""The page of `ag.explain` in a browser, as a reader meets it: offline, wide and narrow, light and
dark, by pointer, keyboard and voice, with script and without, on screen and on paper."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn

from .browser import NARROW, WIDE, Opened, opened

ROWS, INS, HIDDEN = 3, 2, 4
HACK = "<img src=x onerror='window.__hacked=1'><script>window.__hacked=2</script>"


@pytest.fixture(scope="module")
def loss() -> ag.Tensor:
    """Of a net with a batch, so that every matrix has two different sizes."""
    rng = np.random.default_rng(1)
    net = nn.MLP([INS, HIDDEN, 1], rng=0)
    x, y = rng.normal(size=(ROWS, INS)), rng.integers(0, 2, (ROWS, 1))
    with ag.source_lines():
        found: ag.Tensor = nn.BCELoss()(net(x), y)
    return found


@pytest.fixture(scope="module")
def path(loss: ag.Tensor, tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("page") / "page.html"
    ag.explain(loss, found, lr=0.1)
    return found


# ---- Opening -----------------------------------------------------------------------------------


def test_it_opens_offline_with_no_error_and_asks_for_no_other_file(shown, path):
    for _ in shown.each_step():
        pass
    assert shown.errors == []
    assert shown.requests == [path.as_uri()]


def test_in_the_frame_of_a_notebook_it_steps_with_no_error(browser, loss, tmp_path):
    framed = tmp_path / "cell.html"
    framed.write_text(ag.explain(loss, tmp_path / "page.html")._repr_html_(), encoding="utf-8")
    with opened(browser, framed) as cell:
        frame = cell.page.frame_locator("iframe")
        titles = frame.locator("section.step h2").all_text_contents()
        for button, title in (("#next", titles[1]), ("#next", titles[2]), ("#back", titles[1])):
            frame.locator(button).click()
            assert frame.locator("section.step.shown h2").text_content() == title
        assert cell.errors == []


def test_without_script_every_step_is_shown_and_no_control(browser, path):
    with opened(browser, path, script=False) as bare:
        steps = bare.page.locator("section.step")
        assert steps.count() > 10
        assert all(step.is_visible() for step in steps.all())
        assert not bare.page.locator("#controls").is_visible()
        assert all(m.is_visible() for m in bare.page.locator("figure.matrix").all())
        assert not bare.page.locator("form.predict").first.is_visible()


# ---- From step to step -------------------------------------------------------------------------


def test_one_step_is_shown_at_a_time_by_next_and_back_which_stop_at_the_ends(shown):
    assert shown.step == 1
    for button, step in (("#next", 2), ("#next", 3), ("#back", 2)):
        shown.page.click(button)
        assert shown.step == step
    assert shown.page.url.endswith("#step=2")
    for key, button, other, step in (
        ("Home", "#back", "#next", 1), ("End", "#next", "#back", shown.steps),
    ):  # fmt: skip
        shown.page.keyboard.press(key)
        shown.page.dispatch_event(button, "click")
        assert shown.step == step
        assert shown.page.get_attribute(button, "aria-disabled") == "true"
        assert shown.page.get_attribute(other, "aria-disabled") == "false"


def test_arrows_home_and_end_step_but_keys_with_control_are_left_to_the_browser(shown):
    for key, step in (
        ("Control+ArrowRight", 1), ("Meta+ArrowRight", 1), ("Control+End", 1), ("ArrowRight", 2),
        ("ArrowRight", 3), ("ArrowLeft", 2), ("End", shown.steps), ("Home", 1),
    ):  # fmt: skip
        shown.page.keyboard.press(key)
        assert shown.step == step, key


def test_the_slider_steps_and_follows(shown):
    shown.page.fill("#slider", "4")
    assert shown.step == 4
    shown.page.locator("#slider").press("ArrowRight")
    assert shown.step == 5
    shown.page.click("#next")
    assert shown.page.input_value("#slider") == "6"
    assert int(shown.page.get_attribute("#slider", "max")) == shown.steps
    shown.page.click("#predict")
    answer = shown.page.locator(".step.shown form.predict input")
    answer.fill("12")
    for key in ("ArrowLeft", "Home", "3"):  # which move the cursor while an answer is typed
        answer.press(key)
    assert answer.input_value() == "312"
    assert shown.step == 6


def test_a_node_of_the_figure_leads_to_its_step_and_moves_the_focus_there(shown):
    leads = {
        node.locator("title").first.text_content(): node.locator("a").get_attribute("href")
        for node in shown.page.locator("#figure .node:has(a)").all()
    }
    assert leads["s_1"] == "#step=1"
    assert leads["W_01"] == "#step=10"
    assert shown.page.locator("#figure .backward > a[tabindex='-1']").count() == 8
    for link in shown.page.locator("#figure a").all():
        step = re.fullmatch(r"#step=(\d+)", link.get_attribute("href"))
        link.dispatch_event("click")
        shown.page.wait_for_function(f"location.hash === '{step[0]}'")
        shown.page.wait_for_selector(f"#step-{step[1]}.shown")
        assert shown.step == int(step[1])
    shown.show(1)
    shown.page.locator("#figure a").nth(1).click()
    shown.page.wait_for_function("document.activeElement.matches('.step.shown h2')")
    assert shown.step > 1


def test_the_address_says_which_step(browser, path):
    for at, step in (("#step=5", 5), ("#step=9999", None), ("#elsewhere", 1)):
        with opened(browser, path, at=at) as page:
            assert page.step == (step or page.steps)


def test_play_steps_by_itself_until_the_end_or_a_step_by_hand(timed):
    play, label = timed.page.locator("#play"), timed.page.inner_text("#play")
    timed.page.keyboard.press("Space")
    assert play.get_attribute("aria-pressed") == "true"
    timed.page.keyboard.press("ArrowRight")
    assert play.get_attribute("aria-pressed") == "false"
    timed.page.clock.run_for(10_000)
    assert timed.step == 2
    timed.show(timed.steps - 2)
    play.click()
    assert play.get_attribute("aria-pressed") == "true"
    assert play.inner_text() != label
    timed.page.clock.run_for(3000)
    assert timed.step == timed.steps - 1
    timed.page.clock.run_for(10_000)
    assert timed.step == timed.steps
    assert play.get_attribute("aria-pressed") == "false"
    assert play.inner_text() == label


# ---- What is shown -----------------------------------------------------------------------------


def read_matrix(figure: Any) -> tuple[str, np.ndarray]:
    """The symbol and the numbers of a table, as they are read out to those who don't see it."""
    labels = [cell.get_attribute("aria-label") for cell in figure.locator("td[data-entry]").all()]
    names, values = zip(*(label.rsplit(" = ", 1) for label in labels), strict=True)
    texts = figure.locator("td[data-entry]").all_inner_texts()
    assert tuple(texts) == values
    name = re.sub(r"^\((.*)\)_[\d,]+$", r"\1", names[0])
    numbers = [float(value.replace("−", "-").replace("·10^", "e")) for value in values]
    return name, np.array(numbers)


def test_the_numbers_of_each_step_are_the_engine_s(shown, loss):
    expected = {}
    for name, tensor in ag.named_tensors(loss).items():
        expected[name] = tensor.numpy()
        if tensor.requires_grad and tensor is not loss:
            (gradient,) = ag.gradients(loss, tensor)
            expected[f"δ_{name[2:]}" if name[0] == "s" else f"∇{name}"] = gradient.numpy()
    seen = set()
    for step in shown.each_step():
        section = shown.page.locator(f"#step-{step}")
        if section.get_attribute("data-kind") in ("forward", "loss", "backward"):
            name, numbers = read_matrix(section.locator(".result figure.matrix").first)
            if name in expected:
                seen.add(name)
                np.testing.assert_allclose(
                    numbers, expected[name].ravel(), rtol=6e-3, atol=5e-7, err_msg=name
                )
    assert seen >= {
        "s_1", "l_1", "s_2", "l_2", "δ_1", "δ_2", "∇W_01", "∇b_01", "∇W_12", "∇b_12",
    }  # fmt: skip


def step_of(shown: Opened, symbol: str) -> int:
    """The step whose result is called so."""
    found: int = shown.page.evaluate(
        """symbol => [...document.querySelectorAll('section.step')].findIndex(step => {
            const cell = step.querySelector('.result td[data-entry]');
            return cell && cell.getAttribute('aria-label').startsWith(`(${symbol})_`);
        }) + 1""",
        symbol,
    )
    assert found, f"no step's result is {symbol}"
    return found


def key_of(shown: Opened, symbol: str) -> str:
    found: str = shown.page.evaluate(
        """symbol => [...document.querySelectorAll('.step.shown td[data-entry]')].find(
            cell => cell.getAttribute('aria-label').startsWith(`(${symbol})_`)
        ).closest('[data-key]').dataset.key""",
        symbol,
    )
    return found


@pytest.mark.parametrize("way", ["hover", "focus"])
def test_an_entry_of_a_weight_s_gradient_lights_a_column_of_l_and_a_column_of_delta(shown, way):
    # ∇W_01 = l_0ᵀ δ_1: entry (i, j) comes from column i of l_0 and column j of δ_1.
    shown.show(step_of(shown, "∇W_01"))
    layer, delta = key_of(shown, "l_0"), key_of(shown, "δ_1")
    for i in range(INS):
        for j in range(HIDDEN):
            cell = shown.page.locator(f'.step.shown .result td[data-entry="{i * HIDDEN + j}"]')
            getattr(cell, way)()
            assert shown.lit() == {
                layer: {row * INS + i for row in range(ROWS)},
                delta: {row * HIDDEN + j for row in range(ROWS)},
            }
            assert shown.lit("chosen") == {key_of(shown, "∇W_01"): {i * HIDDEN + j}}


def test_an_entry_of_a_sum_and_of_an_operand_light_each_other(shown):
    shown.show(step_of(shown, "s_1"))
    shown.page.locator(f'.step.shown .result td[data-entry="{HIDDEN + 2}"]').hover()
    weight = key_of(shown, "W_01")
    assert shown.lit() == {
        key_of(shown, "l_0"): {INS + k for k in range(INS)},
        weight: {k * HIDDEN + 2 for k in range(INS)},
        key_of(shown, "b_01"): {2},
    }
    shown.page.hover(f'.step.shown [data-key="{weight}"] td[data-entry="1"]')
    assert shown.lit() == {key_of(shown, "s_1"): {row * HIDDEN + 1 for row in range(ROWS)}}


def test_symbols_and_tensors_are_lit_with_their_entries(shown):
    def lit():
        return shown.page.evaluate(
            "[...document.querySelectorAll('#figure g.node.lit')].map(g => [...g.classList])"
        )

    shown.show(step_of(shown, "∇W_01"))
    shown.page.hover('.step.shown .result td[data-entry="0"]')
    keys = {key_of(shown, "l_0"), key_of(shown, "δ_1")}
    symbols = shown.page.locator(".step.shown .formula [data-key].lit")
    assert {part.get_attribute("data-key") for part in symbols.all()} == keys
    expected = {f"t{key[1:]}" for key in keys}
    assert len(lit()) == 2
    assert all(expected.intersection(classes) for classes in lit())
    shown.page.hover("h1")
    assert lit() == []


def test_nothing_stays_lit_when_the_pointer_leaves_or_the_step_changes(shown):
    shown.show(step_of(shown, "s_1"))
    cell = shown.page.locator('.step.shown .result td[data-entry="0"]')
    cell.hover()
    assert shown.lit()
    shown.page.hover("h1")
    assert not shown.lit()
    cell.focus()
    assert shown.lit()
    shown.page.keyboard.press("ArrowRight")
    assert not shown.lit()
    shown.page.keyboard.press("ArrowLeft")
    cell.hover()
    left = shown.step
    assert shown.lit()
    shown.page.keyboard.press("End")
    assert shown.page.locator(f"#step-{left} td.lit").count() == 0


# ---- The figure --------------------------------------------------------------------------------


def test_the_figure_marks_what_the_step_is_about_and_the_edges_that_were_walked(shown):
    edges = shown.page.locator("#figure g.backward")
    assert edges.count()
    assert not any(edge.is_visible() for edge in edges.all())
    counts = []
    for step in shown.each_step():
        named = shown.page.get_attribute(f"#step-{step}", "data-figure").split()
        current = shown.page.evaluate(
            "[...document.querySelectorAll('#figure .current')].map(g => [...g.classList])"
        )
        drawn = [n for n in named if shown.page.locator(f"#figure g.{n}").count()]
        assert drawn
        assert all(set(names) & set(named) for names in current)
        assert {n for names in current for n in names} >= set(drawn)
        walked = shown.page.locator("#figure g.backward.walked").count()
        assert sum(edge.is_visible() for edge in edges.all()) == walked
        if shown.page.get_attribute(f"#step-{step}", "data-kind") in ("forward", "loss"):
            assert walked == 0
        counts.append(walked)
    assert counts == sorted(counts)
    assert counts[-1] == edges.count()
    shown.show(1)
    assert not any(edge.is_visible() for edge in edges.all())


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_the_figure_brings_the_current_node_into_view(browser, path, width):
    with opened(browser, path, width=width) as page:
        for step in page.each_step():
            inside = page.page.evaluate(
                """() => { const target = document.querySelector('.step.shown').dataset.target;
                const node = document.querySelector(`#figure g.node.${target}`);
                if (!node) return true;
                const a = node.getBoundingClientRect();
                const b = document.querySelector('#figure').getBoundingClientRect();
                return a.left >= b.left && a.right <= b.right && a.top >= b.top - 1; }"""
            )
            assert inside, step


# ---- Predict -----------------------------------------------------------------------------------


def asks(shown: Opened, kind: str) -> list[tuple[int, Any]]:
    """The steps that ask for a value or a shape, and what they ask."""
    predictions = json.loads(shown.page.locator("#predictions").text_content())
    found = [
        (int(step.removeprefix("step-")), asked)
        for step, asked in predictions.items()
        if ("value" if asked.get("value") is not None else "shape") == kind
    ]
    assert found, f"no step asks for a {kind}"
    return found


RESULT = ".step.shown div.result:not(.formula)"


def answers(shown: Opened, *texts: str) -> list[tuple[str, str]]:
    """Give each and check: the verdicts and what is said."""
    found = shown.page.locator(".step.shown form.predict").evaluate(
        """(form, texts) => texts.map((text) => {
            form.querySelector("input").value = text;
            form.requestSubmit();
            const said = form.querySelector("[role=status]");
            return [said.dataset.verdict, said.innerText]; })""",
        texts,
    )
    return [(verdict, says) for verdict, says in found]


def answer(shown: Opened, text: str) -> tuple[str, str]:
    """Type and check: the verdict and what is said."""
    form = shown.page.locator(".step.shown form.predict")
    form.locator("input").fill(text)
    form.locator("input").press("Enter")
    said = form.locator("[role=status]").evaluate("x => [x.dataset.verdict, x.innerText]")
    return said[0], said[1]


@pytest.fixture
def predicting(shown: Opened) -> Opened:
    shown.page.click("#predict")
    return shown


def test_predict_hides_the_result_until_the_answer_is_right_or_shown(predicting):
    page, result = predicting.page, predicting.page.locator(RESULT)
    assert page.get_attribute("#predict", "aria-pressed") == "true"
    steps = asks(predicting, "value")
    for step, asked in steps[:3]:
        predicting.show(step)
        assert not result.is_visible()
        assert answer(predicting, str(asked["value"] * 3 + 77))[0] == "wrong"
        assert not result.is_visible()
        assert answer(predicting, f"{asked['value']:.8g}")[0] == "right"
        assert result.is_visible()
    predicting.show(steps[3][0])
    assert not result.is_visible()
    page.click(".step.shown form.predict button[type=button]")
    assert result.is_visible()
    page.click("#predict")
    assert page.locator(".step.shown .result").last.is_visible()
    assert not page.locator(".step.shown form.predict").is_visible()


def test_predict_takes_a_shape_however_it_is_written(predicting):
    for step, asked in asks(predicting, "shape"):
        predicting.show(step)
        verdict, says = answer(predicting, "perhaps")
        assert verdict == "wrong"
        assert says
        if len(asked["shape"]) != 2:
            continue
        a, b = asked["shape"]
        for text in (f"{a}×{b}", f"{a} x {b}", f"({a}, {b})", f"[{a},{b}]", f"{a} * {b}"):
            assert answer(predicting, text)[0] == "right", text
        if a != b:
            verdict, says = answer(predicting, f"{b}x{a}")
            assert verdict == "wrong"
            assert says != asked["wrong"]  # it is told that the axes are exchanged


def test_predict_takes_a_rounded_number_and_says_what_is_wrong_with_others(predicting):
    signs = 0
    for step, asked in asks(predicting, "value"):
        predicting.show(step)
        value, mistakes = asked["value"], asked["mistakes"]
        if value:
            right = f"{value:.3g}", f"{value * 1.004:.8g}".replace("-", "−")
            assert {verdict for verdict, _ in answers(predicting, *right)} == {"right"}
            for verdict, says in answers(predicting, f"{value * 1.02:.8g}", "0", "perhaps"):
                assert verdict == "wrong"
                assert says
        told = answers(predicting, *(f"{mistake['value']:.8g}" for mistake in mistakes))
        for mistake, (verdict, says) in zip(mistakes, told, strict=True):
            same = [m["says"] for m in mistakes if m["value"] == mistake["value"]]
            assert verdict == "wrong"
            assert says
            assert says in same
            signs += mistake["value"] == pytest.approx(-value, rel=1e-6)
    assert signs, "the exchanged sign is a mistake that is known"


def test_predict_asks_for_another_entry_each_time(predicting):
    page = predicting.page
    step, asked = max(asks(predicting, "value"), key=lambda x: len(x[1]["more"]))
    predicting.show(step)
    questions = set()
    for each in [asked, *asked["more"]]:
        questions.add(page.inner_text(".step.shown form.predict label"))
        assert answer(predicting, f"{each['value']:.8g}")[0] == "right"
        page.click("#predict")
        page.click("#predict")
    assert len(questions) == 1 + len(asked["more"]) > 1


def test_predict_hides_nothing_where_it_asks_nothing(browser, tmp_path):
    x = ag.Tensor([[1.0, np.nan]], requires_grad=True, name="x")
    path = tmp_path / "page.html"
    ag.explain(ag.sum((x * np.nan).named("y")).named("L"), path)
    with opened(browser, path) as page:
        page.page.click("#predict")
        silent = 0
        for _ in page.each_step():
            result = page.page.locator(RESULT)
            if result.count() and not page.page.locator(".step.shown form.predict").count():
                silent += 1
                assert result.is_visible()
        assert silent


# ---- Looks: nothing overlaps, is cut, or is faint -----------------------------------------------


def used_twice() -> ag.Tensor:
    """A tensor that is used more than once, and no lines recorded."""
    w = ag.Tensor([[0.5, -1.0], [2.0, 0.1]], requires_grad=True, name="W")
    h = ag.tanh(w @ w).named("h")
    return ag.mean(h * h + h).named("L")


def large() -> ag.Tensor:
    """Arrays of which a corner is shown, and three axes."""
    rng = np.random.default_rng(0)
    x = ag.Tensor(rng.normal(size=(2, 30, 40)), name="x")
    w = ag.Tensor(1e-9 * rng.normal(size=(40, 20)), requires_grad=True, name="W_out")
    return ag.sum(ag.relu(x @ w).named("hidden")).named("L")


def long_names() -> ag.Tensor:
    x = ag.Tensor([1e100, -1e-100, 123456.7], requires_grad=True, name="a_very_long_name " * 6)
    y = ag.sigmoid(ag.sqrt(x * x + 1.0) * x).named("averyveryveryverylongnamewithoutanyspace" * 2)
    return ag.sum(y * x).named(HACK)


VARIED = {"the net": None, "used_twice": used_twice, "large": large, "long_names": long_names}


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("name", VARIED)
def test_nothing_overlaps_or_is_cut_or_faint(browser, loss, tmp_path, name, width):
    path, make = tmp_path / "page.html", VARIED[name]
    ag.explain(make() if make else loss, path, lr=None if make else 0.1)
    with opened(browser, path, width=width) as page:
        for step in page.each_step():
            page.is_clear(step)
        if make is None:
            page.page.click("#predict")
            for step in page.each_step():
                answer(page, "1e9")
                page.is_clear(step)
        assert page.errors == []


def test_the_figure_stands_beside_the_story_where_there_is_room_and_above_it_where_not(
    browser, tmp_path
):
    boxes = {}
    x = ag.Tensor([1.0, 2.0], requires_grad=True, name="x")
    ag.explain(ag.exp(x).named("y"), tmp_path / "compact.html")
    for width in (WIDE, NARROW):
        with opened(browser, tmp_path / "compact.html", width=width) as page:
            boxes[width] = [page.page.locator(x).bounding_box() for x in ("#figure", "#story")]
    figure, story = boxes[WIDE]
    assert figure["x"] + figure["width"] <= story["x"]
    assert abs(figure["y"] - story["y"]) < 50
    figure, story = boxes[NARROW]
    assert figure["y"] + figure["height"] <= story["y"]


def test_a_wide_figure_is_seen_as_a_whole_and_stays_in_view(browser, path):
    with opened(browser, path, width=WIDE, at="#step=3") as page:
        parts = ("#figure", "#figure svg", ".step.shown h2", ".step.shown .numbers")
        figure, drawn, title, numbers = (page.page.locator(x).bounding_box() for x in parts)
        assert figure["x"] <= drawn["x"]
        assert drawn["x"] + drawn["width"] <= figure["x"] + figure["width"]
        assert figure["y"] + figure["height"] <= min(title["y"], numbers["y"])
        assert title["x"] + title["width"] <= numbers["x"]
        assert abs(title["y"] - numbers["y"]) < 20
    with opened(browser, path, width=NARROW, at="#step=10") as page:
        page.page.evaluate("scrollTo(0, 400)")
        assert 0 <= page.page.locator("#figure").bounding_box()["y"] < 20
        assert page.page.evaluate("document.elementFromPoint(200, 60).closest('#figure') !== null")


def test_a_result_of_many_columns_stands_beside_its_operands(browser, tmp_path):
    path = tmp_path / "page.html"
    ag.explain(nn.BCELoss()(nn.MLP([2, 6, 1], rng=0)([[0.0, 1.0]]), [[0.0]]), path, lr=0.1)
    with opened(browser, path, width=WIDE) as page:
        for step in page.each_step():
            boxes = [page.page.locator(f".step.shown {x}").last.bounding_box()
                     for x in (".stack", ".numbers > .result")]  # fmt: skip
            assert abs(boxes[0]["y"] - boxes[1]["y"]) < 5, step


def test_a_result_is_on_the_first_screen_also_without_room_beside_its_operands(browser, tmp_path):
    rng = np.random.default_rng(0)
    z = ag.Tensor(rng.normal(size=(5, 4)), requires_grad=True, name="z")
    w = ag.Tensor(rng.normal(size=(4, 6)), requires_grad=True, name="W")
    path = tmp_path / "page.html"
    ag.explain(np.sum(np.tanh(np.tanh(z) @ w) * rng.normal(size=(5, 6))), path, lr=0.1)
    above = 0
    with opened(browser, path, width=WIDE) as page:
        for step in page.each_step():
            operands, result = (page.page.locator(f".step.shown {x}").last.bounding_box()
                                for x in (".stack", ".numbers > .result"))  # fmt: skip
            assert result["y"] + 40 < page.page.viewport_size["height"], step
            above += result["y"] + 40 < operands["y"]
    assert above


def test_operands_stand_together_in_the_order_of_the_formula(browser, tmp_path):
    rng = np.random.default_rng(0)
    h = ag.Tensor(rng.normal(size=6), name="h_0")
    x, w, u = (ag.Tensor(rng.normal(size=s), len(s) > 1, n) for n, s in
               (("x", (2,)), ("W", (2, 6)), ("U", (6, 6))))  # fmt: skip
    z = (1 / (1 + np.exp(-(x @ w + h @ u)))).named("z")
    g = np.tanh(x @ w + (z * h) @ u).named("g")
    path = tmp_path / "page.html"
    ag.explain((((1 - z) * h + z * g).named("h_1") ** 2).sum(), path, lr=0.1)
    lines = set()
    with opened(browser, path, width=WIDE) as page:
        for step in page.each_step():
            result, *stacks = page.page.locator(
                ".step.shown .numbers > .result, .step.shown .stack"
            ).evaluate_all("""found => found.sort((a, b) => b.matches('.result') -
                a.matches('.result')).map(x => x.getBoundingClientRect().toJSON())""")
            beside = all(x["right"] <= result["left"] for x in stacks)
            beneath = all(x["top"] >= result["bottom"] for x in stacks)
            assert beside or beneath, step
            lines.add(beside)
    assert lines == {True, False}


def shade(page: Opened, element: str, style: str) -> list[int]:
    found = page.page.evaluate(f"getComputedStyle(document.{element}).{style}")
    return [int(x) for x in re.findall(r"\d+", found)[:3]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out_from_what_is_behind_it_on_screen_and_on_paper(browser, path, scheme):
    with opened(browser, path, scheme=scheme) as page:
        behind = shade(page, "documentElement", "backgroundColor")
        assert min(behind) > 200 if scheme == "light" else max(behind) < 60
        for step in page.each_step():
            cell = page.page.locator(".step.shown .result td[data-entry]")
            if cell.count():
                cell.first.hover()  # lit entries and symbols count too
            assert page.measure("faint") == [], step
        page.page.click("#predict")
        answer(page, "1e9")
        assert page.measure("faint") == []
        page.page.emulate_media(media="print", color_scheme=scheme)
        assert page.measure("faint") == []
        assert max(shade(page, "body", "color")) < 60  # dark on white, whatever the screen is


def test_entries_are_coloured_by_sign_and_size(shown):
    shown.show(step_of(shown, "∇W_01"))
    colours = shown.page.evaluate(
        """[...document.querySelectorAll('.step.shown .result td[data-entry]')].map(cell => {
            const c = document.createElement('canvas').getContext('2d');
            c.fillStyle = getComputedStyle(cell).backgroundColor; c.fillRect(0, 0, 1, 1);
            const [r, g, b] = c.getImageData(0, 0, 1, 1).data;
            return [parseFloat(cell.textContent.replace('−', '-')), r - b]; })"""
    )
    assert {np.sign(value) for value, _ in colours} == {-1, 1}
    by_value = [warmth for _, warmth in sorted(colours)]
    assert by_value == sorted(by_value)  # from blue through white to orange
    assert by_value[0] < 0 < by_value[-1]


# ---- Everyone ----------------------------------------------------------------------------------


def test_every_step_is_announced_once_and_every_control_and_entry_has_a_name(shown):
    place = shown.page.locator("#place")
    assert place.get_attribute("aria-live") == "polite"
    for step in shown.each_step():
        said = " ".join(place.text_content().split())
        title = " ".join(shown.page.locator(f"#title-{step}").text_content().split())
        assert said == f"{step} / {shown.steps} {title}"
        nameless = shown.page.evaluate(
            """() => [...document.querySelectorAll(
                '#controls button, #controls input, .step.shown td[data-entry], #figure')]
                .filter(x => !(x.getAttribute('aria-label') || x.textContent.trim() ||
                    x.labels?.[0]?.textContent.trim())).map(x => x.outerHTML)"""
        )
        assert nameless == [], step


def test_the_focus_is_not_lost_with_the_step_that_had_it(shown):
    shown.show(step_of(shown, "s_1"))
    shown.page.locator(".step.shown .result td[data-entry]").first.focus()
    shown.page.keyboard.press("ArrowRight")
    assert shown.page.evaluate("document.activeElement.matches('.step.shown h2')")
    shown.page.locator("#next").focus()
    shown.page.keyboard.press("Enter")
    assert shown.page.evaluate("document.activeElement.id") == "next"


def test_motion_is_for_those_who_like_it(browser, path):
    moving = """[...document.querySelectorAll('*')].filter(x => { const s = getComputedStyle(x);
        return parseFloat(s.transitionDuration) || s.animationName !== 'none'; }).length"""
    with opened(browser, path, calm=True) as still, opened(browser, path, calm=False) as lively:
        assert still.page.evaluate(moving) == 0
        assert lively.page.evaluate(moving) > 0


def test_in_print_every_step_has_its_figure_and_result_and_several_share_a_page(shown):
    shown.page.click("#predict")
    shown.show(4)
    shown.page.emulate_media(media="print")
    steps = shown.page.locator("section.step").all()
    assert all(step.is_visible() for step in steps)
    assert all(m.is_visible() for m in shown.page.locator(".step figure.matrix").all())
    assert all(edge.is_visible() for edge in shown.page.locator("#figure g.backward").all())
    shown.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    for i, step in enumerate(steps):
        current = step.locator(".printed g.current")
        assert 0 < current.count() < step.locator(".printed g").count(), i
    shown.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert shown.page.locator(".printed").count() == 0
    assert not shown.page.locator("#controls").is_visible()
    assert not any(form.is_visible() for form in shown.page.locator("form.predict").all())
    pages = shown.page.pdf().count(b"/Type /Page\n")
    assert len(steps) / 4 < pages < len(steps) / 1.5


def recurrent() -> ag.Tensor:
    rng = np.random.default_rng(2)
    x, h = rng.normal(size=(4, 1, 2)), ag.Tensor(np.zeros((1, 3)), name="h_0")
    w, u = (ag.Tensor(rng.normal(size=(n, 3)), True, name) for n, name in ((2, "W"), (3, "U")))
    for t in range(4):
        h = np.tanh(x[t] @ w + h @ u).named(f"h_{t + 1}")
    return np.mean(h * h).named("L")


PARTS = """() => [...document.querySelectorAll('.step')].map((step) =>
  [...step.querySelectorAll('.printed svg')].map((svg) => {
    const box = svg.getBoundingClientRect();
    const nodes = [...svg.querySelectorAll('g.node')].map((g) => g.getBoundingClientRect());
    const within = ({left, right}) => left > box.left && right < box.right;
    const without = ({left, right}) => right < box.left || left > box.right;
    return [nodes.filter(within).length, nodes.filter(without).length, nodes.length,
      svg.getScreenCTM().a]; }))"""


def test_on_paper_a_wide_figure_is_broken_between_its_nodes(browser, tmp_path):
    path = tmp_path / "page.html"
    ag.explain(recurrent(), path)
    with opened(browser, path) as shown:
        shown.page.emulate_media(media="print")
        shown.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        steps = shown.page.locator("section.step").all()
        found = shown.page.evaluate(PARTS)
        for step, parts in zip(steps, found, strict=True):
            assert bool(parts) == (step.get_attribute("data-kind") != "update")
            assert all(inside + outside == n > outside for inside, outside, n, _ in parts)
            assert all(scale > 0.5 for *_, scale in parts)  # 0.45 points, of 4/3 pixels
        (first, *_) = found
        assert len(first) == 2
        assert sum(inside for inside, *_ in first) == first[0][2]
        assert sum(map(len, found)) < 2 * len(found)  # where something is current


def test_a_page_without_a_figure_steps_all_the_same(browser, tmp_path, monkeypatch):
    monkeypatch.setattr(import_module("autograd_lite.explain.page"), "MOST_DRAWN", 2)
    monkeypatch.setattr(import_module("autograd_lite.draw.computations"), "LIMIT", 2)
    path = tmp_path / "page.html"
    ag.explain(used_twice(), path)
    with opened(browser, path, at="#step=2") as page:
        assert page.page.locator("#figure svg").count() == 0
        page.page.click("#next")
        assert page.step == 3
        assert page.errors == []


def test_chinese(browser, loss, tmp_path):
    path = tmp_path / "zh.html"
    ag.explain(loss, path, lang="zh")
    with opened(browser, path, width=NARROW) as page:
        assert page.page.get_attribute("html", "lang") == "zh"
        for control in ("#back", "#next", "#play", "#predict"):
            assert re.fullmatch(r"[\u4e00-\u9fff]+", page.page.inner_text(control))
        for step in page.each_step():
            title = page.page.inner_text(".step.shown h2 .kind")
            assert re.search(r"[\u4e00-\u9fff]", title), step
            page.is_clear(step)
        page.page.click("#predict")
        page.show(2)
        assert re.search(r"[\u4e00-\u9fff]", answer(page, "1e9")[1])
        assert page.errors == []


def test_names_and_code_with_markup_stay_text(browser, tmp_path):
    x = ag.Tensor([[1.0, 2.0]], name=HACK)
    w = ag.Tensor([[0.5], [0.1]], requires_grad=True, name="</script><b>w</b>")
    hidden = ag.sigmoid(x @ w).named('"onmouseover="window.__hacked=3')
    path = tmp_path / "page.html"
    with ag.source_lines():
        out = (hidden * hidden).named("<svg onload=window.__hacked=4>")  # <b id="code"></b>
    ag.explain(out, path)
    with opened(browser, path) as page:
        for _ in page.each_step():
            pass
        page.page.click("#predict")
        answer(page, "<b>1</b>")
        page.page.wait_for_timeout(100)
        assert page.page.evaluate("window.__hacked") is None
        assert page.page.locator("main b, img, #code, [onmouseover], [onload]").count() == 0
        assert page.errors == []
        assert page.requests == [path.as_uri()]
