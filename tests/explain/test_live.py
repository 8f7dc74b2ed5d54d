"""Numbers that can be changed: what the page's script computes is what the engine computes."""

from __future__ import annotations

import copy
import io
import json
import pickle
import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.special

import autograd_lite as ag
import autograd_lite.numpy as anp
import nn
from autograd_lite.explain.live import SCRIPT, Fixed, Program, backward
from autograd_lite.seen import LOOKS
from autograd_lite.show.notation import number
from autograd_lite.show.words import Words

from ..each import each
from ..sampling import samples
from .browser import NARROW, Opened, opened
from .reading import Page, chapter, explained

EN = Words("en")
RUN = """jobs => jobs.map(([lines, changes, wanted]) => {
  const { arrays, run } = live.loaded(lines);
  for (const [line, values] of changes) arrays[line].set(values.map(Number));
  run();
  return wanted.map((line) => Array.from(arrays[line], String));
})"""


def agree(found: Any, expected: Any) -> bool:
    found = np.array([float(x) for x in found])
    return np.allclose(found, np.ravel(expected), rtol=1e-12, atol=1e-12, equal_nan=True)


def given(op: Any, arrays: list[Any]) -> list[ag.Tensor]:
    return [ag.Tensor(x, bool(v)) for x, v in zip(arrays, op.vjps, strict=False)]


def computed(op: Any, case: Any, xs: list[ag.Tensor], weights: Any) -> list[ag.Tensor]:
    """The op's result, and a number that depends on all of it."""
    out = op(*xs, **case.params)
    return [out, (out * weights).sum()]


# ---- Each op -----------------------------------------------------------------------------------


def test_each_op_and_its_gradients_are_computed_as_by_the_engine(tab):
    rng = np.random.default_rng(0)
    jobs, expected, names, fixed = [], [], [], set()
    for sample in samples():
        op, case = sample
        xs = given(op, sample.inputs(rng))
        try:
            with np.errstate(all="ignore"):
                weights = rng.normal(size=op(*xs, **case.params).shape)
                results = computed(op, case, xs, weights)
                program = Program(EN)
                back = backward(results[1], [x for x in xs if x._tracked], EN)
                lines = program.of(*results, *back)
        except (Fixed, TypeError, AttributeError):
            fixed.add(op.name)
            continue
        changed = sample.inputs(rng)
        changes = [
            (program.at[x], new.ravel().tolist()) for x, new in zip(xs, changed, strict=True)
        ]
        jobs.append([program.lines, changes, lines])
        with np.errstate(all="ignore"):
            anew = given(op, changed)
            results = computed(op, case, anew, weights)
            results += ag.gradients(results[1], [x for x in anew if x._tracked])
        expected.append([t.numpy() for t in results])
        names.append(str(sample))
    tab.page.goto("about:blank")
    tab.page.add_script_tag(content=SCRIPT)
    found = tab.page.evaluate(RUN, jobs)
    wrong = [
        (name, i, mine, theirs)
        for name, all_mine, all_theirs in zip(names, found, expected, strict=True)
        for i, (mine, theirs) in enumerate(zip(all_mine, all_theirs, strict=True))
        if not agree(mine, theirs)
    ]
    assert wrong == []
    known = {
        "imag", "fft", "ifft", "inv", "solve", "pinv", "det", "logdet", "cholesky", "eigh", "eig",
        "svd", "qr", "nextafter",
    }  # fmt: skip
    assert {name for name in fixed if not hasattr(scipy.special, name)} <= known
    assert len({name.split("-")[0] for name in names}) >= 104


def test_float32_is_rounded_as_by_numpy(tab):
    rng = np.random.default_rng(1)
    w = ag.Tensor(rng.normal(size=(3, 2)).astype(np.float32), True, "w")
    x = rng.normal(size=(4, 3)).astype(np.float32)
    loss = (np.tanh(x @ w) / 3 + 1e-3).mean()
    program = Program(EN)
    lines = program.of(loss, *backward(loss, [w], EN))
    tab.page.goto("about:blank")
    tab.page.add_script_tag(content=SCRIPT)
    found = tab.page.evaluate(
        """([lines, single, wanted]) => {
            const { arrays, run } = live.loaded(lines, single); run();
            return wanted.map((line) => Array.from(arrays[line])); }""",
        [program.lines, sorted(program.single), lines],
    )
    for mine, theirs in zip(found, [loss, *ag.gradients(loss, [w])], strict=True):
        assert np.array_equal(np.float32(mine), mine)
        np.testing.assert_allclose(mine, theirs.numpy().ravel(), 1e-6, 1e-7)


# ---- Learners' code ----------------------------------------------------------------------------

X = np.array([[0.3, -1.2, 0.8], [1.1, 0.4, -0.6], [-0.7, 0.9, 0.2]])


def sigmoid_written_out(w: Any, b: Any, v: Any) -> Any:
    s = (X @ w + b).named("s_1")
    h = (1 / (1 + np.exp(-s))).named("l_1")
    p = (1 / (1 + np.exp(-(h @ v)))).named("p")
    y = np.array([[1.0], [0.0], [1.0]])
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def softmax_with_integer_labels(w: Any, b: Any, v: Any) -> Any:
    z = (np.tanh(X @ w) @ v @ b).named("z")
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = (e / e.sum(axis=1, keepdims=True)).named("p")
    return -np.log(p[np.arange(3), np.array([2, 0, 1])]).mean()


def layer_normalisation(w: Any, b: Any, v: Any) -> Any:
    s = (X @ w).named("s")
    n = (s - s.mean(axis=1, keepdims=True)) / np.sqrt(s.var(axis=1, keepdims=True) + 1e-5)
    return ((n * b).named("n") @ v).sum()


def masked_attention(w: Any, b: Any, v: Any) -> Any:
    s = (X @ w @ X.T / np.sqrt(3)).named("S")
    a = nn.softmax(np.where(np.tri(3, dtype=bool), s, -np.inf)).named("A")
    return ((a @ X + b) @ v).var()


def kinks(w: Any, b: Any, v: Any) -> Any:
    s = (X @ w + b).named("s")
    h = (s * ((s - 0.1) > 0) + np.where(s < -1, np.sqrt(np.abs(s + 1)), 0)).named("h")
    c = np.where(h > 0.3, np.log(h), np.sign(s)).clip(-2, 1).named("c")
    return (np.maximum(c, 0.1 * c) @ v).max() + np.abs(s).min() - (c.detach() * s).sum()


def a_recurrent_net(w: Any, b: Any, v: Any) -> Any:
    """What each use of the weights contributes follows, too."""
    h, total = np.zeros((1, 3)), 0.0
    for t in range(3):
        h = np.tanh(X[t] @ w + h @ w.T + b).named(f"h_{t}")
        total = total + np.where(h > 0, np.sqrt(np.abs(h)), h).sum()
    return total - (h @ v).sum()


def layers_of_nn(w: Any, b: Any, v: Any) -> Any:
    return nn.BCELoss()(ag.sigmoid(ag.relu(X @ w + b) @ v), [[1.0], [0.0], [1.0]])


SHAPES = {"w": (3, 3), "b": (1, 3), "v": (3, 1)}


def leaves(rng: np.random.Generator) -> dict[str, Any]:
    return {name: rng.normal(size=shape) for name, shape in SHAPES.items()}


def page_of(net: Any, values: dict[str, Any], folder: Path) -> Page:
    tensors = {name: ag.Tensor(x, True, name) for name, x in values.items()}
    with np.errstate(all="ignore"):  # np.where(h > 0, np.log(h), 0)
        output = net(**tensors)
    return explained(output, folder, lr=0.1)


def is_same(text: str, other: str) -> bool:
    """What is left of numbers that cancel may differ."""
    return text == other or all(abs(float(x.replace("−", "-"))) < 1e-15 for x in (text, other))


def numbers(page: Page) -> dict[str, str]:
    return {
        f"{step['id']} {matrix['data-key']} {cell['data-entry']}": cell.text
        for step in page.steps
        for matrix in step.all("figure", "matrix")
        for cell in matrix.all("td") if "data-entry" in cell.attributes
    }  # fmt: skip


def keys(page: Page) -> dict[str, str]:
    """Those of the leaves w, b and v."""
    matrices = page.root.all("figure", "matrix")
    found = {m["aria-label"].split(",")[0]: m["data-key"] for m in matrices}
    return {name: found[name] for name in "wbv"}


SHOWN = """() => Object.fromEntries(
  [...document.querySelectorAll('.step .matrix td[data-entry]')].map((td) => [
    [td.closest('.step').id, td.closest('.matrix').dataset.key, td.dataset.entry].join(' '),
    td.textContent]))"""


def test_what_learners_write_follows_as_python_would_write_it(tab, tmp_path):
    rng = np.random.default_rng(3)
    nets = (sigmoid_written_out, softmax_with_integer_labels, layer_normalisation,
            masked_attention, kinks, a_recurrent_net, layers_of_nn)  # fmt: skip
    for net in nets:
        page = page_of(net, leaves(rng), tmp_path)
        path = tmp_path / f"{net.__name__}.html"
        (tmp_path / "page.html").rename(path)
        tab.errors.clear()
        for changed in [leaves(rng)]:
            sets = [f"{key}.{i}:{x!r}" for name, key in keys(page).items()
                    for i, x in enumerate(changed[name].ravel().tolist())]
            tab.page.goto("about:blank")
            tab.page.goto(f"{path.as_uri()}#step=1&set={','.join(sets)}")
            shown = tab.page.evaluate(SHOWN)
            wanted = numbers(page_of(net, changed, tmp_path))
            other = {k: (v, shown[k]) for k, v in wanted.items() if not is_same(v, shown[k])}
            assert len(wanted) > 50
            assert other == {}, net.__name__
            assert tab.errors == []


# ---- What a page can't know --------------------------------------------------------------------


def counted(s: Any) -> Any:
    held = s > 0
    return s / held.sum()


def control_flow(s: Any) -> Any:
    return s * 2 if s.sum() > 0 else s


def mask_and_count(s: Any) -> Any:
    held = s > 0
    return s * held / held.sum()


def mask_and_choice(s: Any) -> Any:
    held = s > 0
    return s * held if held.any() else s


def mask_and_index(s: Any) -> Any:
    held = s > 0
    return np.where(held, s, 0) + s[held].sum()


def passed_on(s: Any) -> Any:
    with ag.no_grad():
        greatest = s.max()
    return s - greatest


def block_before(s: Any) -> Any:
    w, number = s.inputs[0], 0.0
    with ag.no_grad():
        number = float((w * 2).max())
    return (w * number).sum()


def own_gradient(s: Any) -> Any:
    (s * s).sum().backward()
    return s * s.inputs[0].grad


def of_a_closure(s: Any) -> Any:
    return s * ag.grad(lambda u: (u * s).sum())(np.ones(s.shape))


def of_a_copy(s: Any) -> Any:
    w = s.inputs[0]
    held = w.data
    before = (w * 2).max()  # which takes a copy, as long as others hold the array
    del held
    after = w * 3
    LOOKS.clear()  # of w.data
    return after * before.item()


def saved(s: Any) -> Any:
    file = io.BytesIO()
    np.save(file, s)
    file.seek(0)
    return s * np.load(file)


def data_once_more(s: Any) -> Any:
    w = s.inputs[0]
    w.data -= 0.1 * w.data
    return (w * w.data.sum()).sum()


LOST: dict[str, Any] = {
    "astype": lambda s: s * (s > 0).astype(float),
    "an index": lambda s: s[s > 0],
    "flatnonzero": lambda s: np.take(s, np.flatnonzero(s > 0)),
    "a count": counted,
    "not": lambda s: s * ~(s > 0),
    "detached, and then": lambda s: s - s.detach().sum(),
    "inv": lambda s: np.linalg.inv(s * np.eye(3)),
    "float16": lambda s: s.astype(np.float16) * s,
    "a forward that isn't NumPy": ag.Op(
        "odd", lambda x: np.array(x.tolist()), lambda g, out, x: g
    ),
}  # fmt: skip


def filled(s: Any) -> Any:
    mask, h = s > 0, s * 1.0
    h[mask] = s[mask] * 2
    return h * mask


def test_what_a_mask_fills_makes_a_page_fixed(tmp_path: Path):
    with anp.filling():
        page = said(filled, tmp_path)
    assert "the code compared s" in page.root.all("p", "note")[0].text
    assert '<form id="live"' not in page.html


LOOKED: dict[str, Any] = {
    "data": lambda s: s[s.data > 0],
    "control flow": control_flow,
    "numpy": lambda s: s - s.numpy().max(),
    "sort": lambda s: np.sort(s, axis=1),
    "no_grad": passed_on,
    "no_grad before all": block_before,
    "a gradient": own_gradient,
    "gradients": lambda s: s * ag.gradients((s * s).sum(), [s])[0],
    "a derivation": lambda s: s * ag.derive((s * s).sum())["X"].value,
    "a closure": of_a_closure,
    "a copy": lambda s: s * copy.copy(s.inputs[0]),
    "a deep copy": lambda s: s * copy.deepcopy(s.inputs[0]),
    "a pickle": lambda s: s * pickle.loads(pickle.dumps(s.inputs[0])),
    "a file of JSON": lambda s: s * json.loads(json.dumps(s.tolist()))[0][0],
    "a file of NumPy's": saved,
    "data that was written to": data_once_more,
    "a result of a copy of data": of_a_copy,
}


def said(f: Any, folder: Path) -> Page:
    s = (ag.Tensor(X, True, "X") * 1.0).named("s")
    return explained((f(s) * 1.0).sum().named("L"), folder)


@each(LOST.items())
def test_what_has_left_the_graph_makes_a_page_fixed_and_it_says_so(name, f):
    with tempfile.TemporaryDirectory() as folder:
        page = said(f, Path(folder))
    assert "can't be changed" in page.root.all("p", "note")[0].text
    assert '<form id="live"' not in page.html


@each(LOOKED.items())
def test_a_page_says_that_values_were_looked_at(name, f):
    with tempfile.TemporaryDirectory() as folder:
        page = said(f, Path(folder))
    assert "looked at the values of" in page.root.all("p", "note")[0].text


def in_text(text: str) -> float:
    """The first number with a point in it."""
    return float(re.findall(r"-?\d+\.\d+", text)[0])


def checked(s: Any) -> Any:
    report = ag.check_backprop((s * s).sum(), {"s": np.ones(s.shape)})
    return s * len(str(report))


def drawn_weights(s: Any) -> Any:
    layer = nn.Linear(3, 3, bias=False)
    layer.weight = s.inputs[0]
    return s * len(nn.draw(layer, weights=True).source)


WRITTEN: dict[str, Any] = {
    "repr": lambda s: s * in_text(repr(s)),
    "repr of a list": lambda s: s * in_text(repr([s])),
    "str": lambda s: s * in_text(str(s)),
    "an f-string": lambda s: s * in_text(f"s = {s}"),
    "a format": lambda s: s * float(f"{s.sum():.3f}"),
    "array2string": lambda s: s * in_text(np.array2string(s)),
    "array_repr": lambda s: s * in_text(np.array_repr(s)),
    "array_str": lambda s: s * in_text(np.array_str(s)),
    "of another result": lambda s: s * in_text(str((s.inputs[0] * 2).max())),
    "a figure": lambda s: s * len(ag.draw((s * 2).sum(), values=True).source),
    "a network's figure": drawn_weights,
    "a report": checked,
}


@each(WRITTEN.items())
def test_a_page_says_mildly_that_values_were_written_as_text(name, f):
    with tempfile.TemporaryDirectory() as folder:
        page = said(f, Path(folder))
    notes = [note.text for note in page.root.all("p", "note")]
    assert "as text" in notes[0]
    assert not any("looked at" in note for note in notes)
    assert '<form id="live"' in page.html


def test_what_is_shown_when_all_is_computed_or_before_a_step_of_training_is_no_matter(tmp_path):
    net, x, y = nn.MLP([2, 2, 1], rng=0), [[0.5, 1.0]], [[0.0]]
    optimizer = nn.SGD(net.parameters(), lr=0.1)
    for write in (
        lambda loss: None, str, "{:.3f}".format, ag.Tensor.item, lambda loss: loss.data.sum()
    ):
        loss = nn.BCELoss()(net(x), y)
        loss.backward()
        optimizer.step()
        write(loss)
        with ag.source_lines():
            loss = nn.BCELoss()(net(x), y).named("L")
        write(loss)
        page = explained(loss, tmp_path)
        assert [p["id"] for p in page.root.all("p", "note")] == ["differs"]
        net.parameters()[0].data -= 0.1  # and from here on an array of it is outside


@each([mask_and_count, mask_and_choice, mask_and_index], by=lambda f: f.__name__)
def test_a_page_says_that_a_mask_in_the_graph_may_be_used_outside_of_it(f):
    with tempfile.TemporaryDirectory() as folder:
        page = said(f, Path(folder))
    assert "compared or detached s. Where the result is" in page.root.all("p", "note")[0].text


def test_what_looks_afterwards_or_elsewhere_is_no_matter(tmp_path):
    x, gone = ag.Tensor(X, True, "x"), ag.Tensor(X, True)
    gone.data -= 1
    del gone
    x.data -= 0.1 * x.numpy()  # which is past: it is written to
    other = (x * 3).named("other")
    y = (np.tanh(x) * (x > 0)).sum().named("y")
    assert other.item(0, 0)
    assert y.item() > 0
    page = explained(y, tmp_path)
    assert "looked" not in page.html.split("<section")[0]
    assert page.data("live-program")["leaves"] == ["v1"]
    assert max(y, y + 1) is not y  # by its value the code may have chosen what to return
    assert "looked at the values of y" in explained(y, tmp_path).html.split("<section")[0]


# ---- The dock ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("live")
    page_of(sigmoid_written_out, leaves(np.random.default_rng(0)), folder)
    return folder / "page.html"


def cell(shown: Opened, name: str) -> Any:
    return shown.page.locator(f".step.shown td[aria-label^='{name} =']").first


def loss(shown: Opened) -> float:
    return float(shown.page.inner_text("#live .says").split("= ")[1])


def test_a_number_is_dragged_typed_slid_and_moved_by_keys(shown):
    page, w = shown.page, cell(shown, "(w)_11")
    assert page.locator("#live .hint").is_visible()
    key = w.evaluate("td => td.closest('.matrix').dataset.key")
    before, box = w.inner_text(), w.bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + 85, box["y"] + 5, steps=3)
    page.mouse.up()
    assert float(w.inner_text()) > float(before)
    assert page.url.endswith(f"#step=1&set={key}.0:{w.inner_text()}")
    w.press("ArrowUp")
    w.press("Enter")
    page.keyboard.type("0,5")
    page.keyboard.press("Enter")
    assert w.inner_text() == "0.5"
    assert w.evaluate("td => td === document.activeElement")
    page.fill("#live [type=range]", "1.25")
    assert w.inner_text() == w.get_attribute("aria-label").split("= ")[1] == "1.25"
    assert page.input_value("#live .what input") == "1.25"
    page.fill("#live .what input", "none")
    page.keyboard.press("Enter")
    assert w.inner_text() == "1.25"
    page.click("#live .reset")
    assert w.inner_text() == before
    assert page.url.endswith("#step=1")
    assert page.locator("#live .reset").is_disabled()


def test_the_curve_has_the_gradient_as_its_tangent(shown):
    page = shown.page
    cell(shown, "(w)_11").press("ArrowUp")
    slope = float(page.inner_text("#live .slope").split("= ")[1].replace("−", "-"))
    curve, (x1, y1, x2, y2) = (
        [float(x) for x in re.findall(r"-?[\d.]+", page.get_attribute(f"#live {part}", "d"))]
        for part in (".curve", ".tangent")
    )
    points = np.reshape(curve, (-1, 2))
    at = np.searchsorted(points[:, 0], (x1 + x2) / 2)
    near = np.polyfit(*points[at - 3 : at + 3].T, 1)[0]
    assert np.isclose((y2 - y1) / (x2 - x1), near, rtol=0.05)
    assert (slope > 0) == (y2 < y1)  # y goes down


def test_steps_of_gradient_descent_are_those_of_python(shown):
    values = leaves(np.random.default_rng(0))
    tensors = {name: ag.Tensor(x, True, name) for name, x in values.items()}
    shown.page.fill("#live .rate", "0.5")
    shown.page.keyboard.press("Tab")
    rates = shown.page.locator("[data-kind=update] .formula.with").all_text_contents()
    assert {"".join(text.split()) for text in rates} == {"α=0.5"}
    for button, times in (("1", 1), ("10", 10)):
        shown.page.click(f"#live [data-times='{button}']")
        for _ in range(times):
            out = sigmoid_written_out(**tensors)
            grads = ag.gradients(out, tensors.values())
            for t, g in zip(tensors.values(), grads, strict=True):
                t.data = t.data - 0.5 * g.data
        out = sigmoid_written_out(**tensors)
        assert np.isclose(loss(shown), out.item(), rtol=1e-3)
    new = tensors["w"].numpy() - 0.5 * ag.gradients(out, [tensors["w"]])[0].numpy()
    (text,) = shown.page.locator("td[aria-label^='(w − α ∇w)_23 =']").all_text_contents()
    assert text == f"{new[1, 2]:.4g}".replace("-", "−")


def test_the_address_restores_and_links_keep_what_was_changed(tab, path):
    w, b = (keys(Page(path.read_text(encoding="utf-8")))[name] for name in "wb")
    tab.page.goto("about:blank")
    tab.page.goto(f"{path.as_uri()}#step=2&set={w}.0:0.25,v99.0:1,{w}.900:1,{w}.1:x,{b}.0:-1e-3")
    assert tab.step == 2
    tab.page.evaluate("location.hash = 'step=1'")
    tab.page.wait_for_selector("#step-1.shown")
    assert [cell(tab, name).inner_text() for name in ("(w)_11", "(b)_1")] == ["0.25", "−0.001"]
    assert tab.page.url.endswith(f"#step=1&set={w}.0:0.25,{b}.0:-0.001")


NUMBERS = {"e": np.e, "σ": lambda x: 1 / (1 + np.exp(-x)), "log": np.log}
AS_PYTHON = str.maketrans({"·": "*", "−": "-", "^": "@", "²": "**2"})


def worth(arithmetic: str) -> float:
    text = arithmetic.translate(AS_PYTHON).replace("@", "**").replace("²", "**2")
    return float(eval(text, dict(NUMBERS)))


def test_under_a_number_stands_its_arithmetic_which_follows_too(shown):
    page, found = shown.page, {}
    cell(shown, "(w)_11").press("ArrowUp")
    for step in shown.each_step():
        entry = page.locator(".step.shown .numbers > .result td[data-entry]").first
        entry.focus()
        text = page.inner_text(".step.shown .arithmetic")
        if text:
            arithmetic, value = text.rsplit(" = ", 1)
            assert value == entry.inner_text()
            assert np.isclose(worth(arithmetic), worth(value), rtol=0.01, atol=1e-3), text
            found[step] = arithmetic
    assert len(found) > 8


def test_the_arithmetic_is_that_of_the_book(tab, tmp_path):
    loss = chapter()
    loss.backward()
    named = ag.named_tensors(loss)
    explained(loss, tmp_path)
    tab.page.goto((tmp_path / "page.html").as_uri())
    tab.page.evaluate("location.hash = 'step=9'")
    tab.page.locator(".step.shown .numbers > .result td[aria-label^='(δ_1)_2']").focus()
    error, w = number(named["s_2"].grad[0, 0]), number(named["W_12"].data[1, 0])
    l1 = number(named["l_1"].data[0, 1])
    said = tab.page.inner_text(".step.shown .arithmetic")
    assert said == f"{error} · {w} · {l1} · (1 − {l1}) = {number(named['s_1'].grad[0, 1])}"


def test_what_doesnt_follow_is_hidden_and_nothing_is_changed_while_one_predicts(shown):
    page, w = shown.page, cell(shown, "(w)_11")
    page.click("#predict")
    assert not page.locator("#live").is_visible()
    w.press("ArrowUp")
    assert page.url.endswith("#step=1")
    page.click("#predict")
    w.press("ArrowUp")
    assert not page.locator("#predict").is_visible()


def test_where_the_script_finds_other_numbers_nothing_can_be_changed(browser, path, tmp_path):
    html = path.read_text(encoding="utf-8")
    other = tmp_path / "other.html"
    shown = re.search(r'data-key="v5".*?<td [^>]*>(.*?)</td>', html, re.DOTALL)[1]
    other.write_text(html.replace(f">{shown}</td>", ">0.7071</td>"), encoding="utf-8")
    with opened(browser, other) as page:
        assert page.page.locator("#differs").is_visible()
        assert page.page.locator("td[data-live]").count() == 0
        assert not page.page.locator("#live").is_visible()


def test_on_a_phone_the_dock_is_in_sight_and_nothing_is_cut_or_faint(browser, path):
    for scheme in ("light", "dark"):
        with opened(browser, path, NARROW, scheme) as page:
            for _ in range(2):
                page.is_clear(scheme)
                dock, bar = (page.page.locator(x).bounding_box() for x in ("#live", "#controls"))
                assert dock["y"] + dock["height"] <= bar["y"] + 1
                assert dock["height"] < 150
                cell(page, "(w)_11").press("ArrowUp")
