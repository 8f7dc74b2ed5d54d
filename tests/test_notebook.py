"""What Jupyter shows: a notebook is built here, run by a kernel, and its outputs are read."""

from __future__ import annotations

import html
import json
import os
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.display import tensor_html

SVG = "{http://www.w3.org/2000/svg}"
KERNEL = "this-interpreter"

CELLS = {
    "setup": "import numpy as np\nimport autograd_lite as ag, nn\nnet = nn.MLP([2, 2, 1], rng=0)",
    "tensor": "x = ag.Tensor([[0.25, -1.0]], name='<x>'); x",
    "line": "with ag.source_lines():\n    y = net(x)\ny",
    "loss": "loss = nn.BCELoss()(y, np.ones((1, 1))).named('L'); loss",
    "figure": "ag.draw(loss, backward='W_01')",
    "net": "net",
    "values": "nn.draw(net, weights=True, values=x)",
    "function": "nn.Tanh()",
    "derivation": "derivation = ag.derive(loss); derivation",
    "step": "derivation['δ_1']",
    "rules": "nn.derive(net)",
    "report": "ag.check_backprop(loss, {'s_2': np.zeros((1, 1))})",
    "right": "loss.backward(); ag.check_backprop(loss, {'W_12': net['W_12'].grad})",
    "leaf": "net['W_12']",
    "page": "import tempfile; folder = tempfile.mkdtemp()\nag.explain(loss, folder + '/a.html')",
    "fit": (
        "rows = np.random.default_rng(0).normal(size=(60, 2)); y = (rows[:, :1] > 0) * 1.0\n"
        "history = nn.fit(net, rows[:40], y[:40], nn.BCELoss(), nn.Adam(net.parameters(), 0.1), 20,"
        " progress=True, validation=(rows[40:], y[40:]), patience=5)"
    ),
    "history": "history",
}


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """What each cell ends in, by the cell's name: its mime types and what they hold."""
    nbclient = pytest.importorskip("nbclient", reason="needs nbclient: pip install -e '.[test]'")
    nbformat = pytest.importorskip("nbformat", reason="needs nbformat: pip install -e '.[test]'")
    pytest.importorskip("ipykernel", reason="needs ipykernel: pip install -e '.[test]'")
    home = tmp_path_factory.mktemp("jupyter")
    spec = home / "kernels" / KERNEL
    spec.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec.joinpath("kernel.json").write_text(
        json.dumps({"argv": argv, "display_name": KERNEL, "language": "python"}), "utf-8"
    )
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in CELLS.values()]
    )
    root = str(Path(__file__).parents[1])
    with pytest.MonkeyPatch.context() as patch:
        # Whoever runs the tests has settings and caches of Jupyter's, which nothing here touches.
        for variable in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
            patch.setenv(variable, str(home / variable.lower()))
        patch.setenv("IPYTHONDIR", str(home / "ipython"))
        patch.setenv("PYTHONPATH", os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]))
        patch.setenv("JUPYTER_PATH", str(home))
        nbclient.NotebookClient(notebook, kernel_name=KERNEL, timeout=120).execute()
    nbformat.validate(notebook)
    return {
        name: cell.outputs[-1].get("data") or "".join(part.text for part in cell.outputs)
        for name, cell in zip(CELLS, notebook.cells, strict=True)
        if cell.outputs
    }


def text_of(svg):
    return ["".join(text.itertext()) for text in ET.fromstring(svg).iter(f"{SVG}text")]


def test_a_tensor_is_its_numbers_and_its_text(outputs):
    shown = outputs["tensor"]
    assert shown.keys() == {"text/plain", "text/html"}
    assert shown["text/plain"] == "Tensor([[ 0.25, -1.  ]], name='<x>')"
    assert "&lt;x&gt;" in shown["text/html"]
    assert "<x>" not in shown["text/html"]
    assert "<pre>[[ 0.25 -1.  ]]</pre>" in shown["text/html"]


def test_a_tensor_names_the_op_and_the_cell_s_line(outputs):
    assert "requires_grad, op sigmoid" in outputs["line"]["text/html"]
    assert "in line 2: <code>y = net(x)</code>" in outputs["line"]["text/html"]


def test_a_figure_is_its_picture(outputs):
    shown = outputs["figure"]
    assert shown.keys() == {"text/plain", "image/svg+xml"}
    assert shown["text/plain"].startswith("<Figure of")
    titles = {title.text for title in ET.fromstring(shown["image/svg+xml"]).iter(f"{SVG}title")}
    assert "W_01" in titles


def test_a_network_is_its_diagram(outputs):
    shown = outputs["net"]
    assert shown.keys() == {"text/plain", "image/svg+xml"}
    assert shown["text/plain"].startswith("MLP(Linear(weight(2, 2), bias(1, 2))")
    assert text_of(shown["image/svg+xml"]) == ["1", "x₁", "x₂", "1", "h₁", "h₂", "y"]


def test_a_diagram_with_values(outputs):
    assert {"0.25", "−1"} <= {text.strip() for text in text_of(outputs["values"]["image/svg+xml"])}


def test_another_module_is_its_text(outputs):
    assert outputs["function"] == {"text/plain": "Tanh()"}


def test_a_derivation_is_formulas(outputs):
    for name, formulas in (("derivation", 6), ("step", 1), ("rules", 4)):
        shown = outputs[name]
        assert shown.keys() == {"text/plain", "text/markdown", "text/latex"}
        for text in (shown["text/markdown"], shown["text/latex"]):
            assert text.count("$$") == 2 * formulas
            assert text.count(r"\begin{aligned}") == formulas
    assert r"\delta_{2} \mathbf{W}_{12}^{\top}" in outputs["rules"]["text/latex"]
    assert outputs["step"]["text/markdown"].startswith("**δ_1**")


def test_a_report_is_a_table(outputs):
    shown = outputs["report"]["text/html"]
    assert "1 of 1 gradients is wrong" in shown
    assert "#c0392b'>✗<" in shown
    assert ">δ_2 = l_2 − y<" in shown
    assert "#15803d'>✓<" in outputs["right"]["text/html"]
    assert ">∇W_12 = l_1ᵀ δ_2<" in outputs["right"]["text/html"]


def test_a_leaf_shows_its_gradient(outputs):
    shown = outputs["leaf"]["text/html"]
    assert shown.count("<pre>") == 2
    assert "<div>∇W_12</div>" in shown


def test_a_page_shows_itself_in_a_frame(outputs):
    shown = outputs["page"]
    assert shown["text/plain"] == "<Page a.html>"
    (frame,) = re.findall('srcdoc="([^"]*)"', shown["text/html"])
    page = html.unescape(frame)
    assert page.startswith("<!doctype html>")
    assert page.count('data-kind="backward"') == 6
    assert "<script>" in page


def test_a_training_has_a_bar_and_its_history_is_a_plot(outputs):
    assert re.search(r"20/20 .*epoch.*loss=0\.", outputs["fit"])
    assert "Warning" not in outputs["fit"]
    shown = outputs["history"]
    assert re.fullmatch(r"<History of 20 epochs, loss 0\.\d+ → 0\.\d+, validation .*>",
                        shown["text/plain"])  # fmt: skip
    svg = ET.fromstring(shown["text/html"].partition("</div>")[2])
    assert sum(path.get("d").count("L") > 5 for path in svg.iter(f"{SVG}path")) == 2
    assert {"epoch", "loss", "validation", "20"} <= {t.text for t in svg.iter(f"{SVG}text")}


class TestTensors:
    """The same in this process: any kind of array."""

    def numbers(self, tensor):
        shown = re.findall("<pre>(.*?)</pre>", tensor_html(tensor), re.DOTALL)
        return re.findall(r"[^][\s]+", "".join(shown))

    def test_what_it_is(self):
        w = ag.Tensor(2.0, requires_grad=True, name="w")
        (w * w).backward()
        assert "<b>w</b> shape (), float64, requires_grad<" in tensor_html(w)
        assert "<b>Tensor</b> shape (), float64<" in tensor_html(ag.Tensor(2.0))
        assert self.numbers(w) == ["2.4."]

    def test_the_op_and_the_line(self):
        w = ag.Tensor(2.0, requires_grad=True)
        with ag.source_lines():
            y = np.exp(w)  # <>
        assert "requires_grad, op exp in line" in tensor_html(y)
        assert "<code>y = np.exp(w)  # &lt;&gt;</code>" in tensor_html(y)
        assert "<code>" not in tensor_html(np.exp(w))

    def test_small_ones_are_written_in_full(self):
        numbers = np.arange(100).reshape(10, 10)
        assert self.numbers(ag.Tensor(numbers)) == [str(i) for i in range(100)]
        assert "‖" not in tensor_html(ag.Tensor(numbers))
        assert self.numbers(ag.Tensor([True, False])) == ["True", "False"]
        assert self.numbers(ag.Tensor([1 + 2j])) == ["1.+2.j"]
        assert self.numbers(ag.Tensor([123456789, 1])) == ["123456789", "1"]

    def test_large_ones_by_their_corners(self):
        shown = tensor_html(ag.Tensor(np.arange(60000.0).reshape(200, 300)))
        assert self.numbers(ag.Tensor(np.arange(200)))[2:5] == ["2", "...", "197"]
        assert ">0 … 6e+04, ‖·‖ = 8.485e+06<" in shown
        assert len(shown) < 1000

    def test_what_is_not_finite_is_counted(self):
        x = np.ones(200)
        x[:3], x[3:5] = np.nan, [np.inf, -np.inf]
        assert ">all 1, 3 nan, 2 inf<" in tensor_html(ag.Tensor(x))
        assert ">200 nan<" in tensor_html(ag.Tensor(np.full(200, np.nan)))
        assert tensor_html(ag.Tensor(np.zeros((0, 2, 3)))).endswith("<div>no entries</div>")

    def test_other_kinds_are_summed_up(self):
        assert ">0 … 1, ‖·‖ = 14.11<" in tensor_html(ag.Tensor(np.arange(200) > 0))
        assert ">0 … 199, ‖·‖ = 1627<" in tensor_html(ag.Tensor(np.arange(200)))
        assert ">|·| all 5, ‖·‖ = 70.71<" in tensor_html(ag.Tensor(np.full(200, 3 + 4j)))
        huge = ag.Tensor(np.full(200, 1e308))
        assert ">all 1e+308, ‖·‖ = inf<" in tensor_html(huge)

    def test_nothing_holds_the_array_afterwards(self):
        w = ag.Tensor([1.0], requires_grad=True)
        tensor_html(w)
        assert w._only_reference()  # else each op would take a copy of it

    def test_names_are_text(self):
        for name in ("<script>alert(1)</script>", "a&b", "'\""):
            assert f"<b>{html.escape(name)}</b>" in tensor_html(ag.Tensor(1.0, name=name))


def test_markdown_shows_any_name_as_it_is():
    x = ag.Tensor([1.0, 2.0], requires_grad=True, name="<img src=x> *a* $b$ `c` [d](e)")
    derivation = ag.derive(np.sum(x * x))
    step = derivation[0]
    assert derivation._repr_markdown_() == step._repr_markdown_() == step.markdown
    assert derivation._repr_latex_() == step._repr_latex_() == f"$$\n{step.latex}\n$$"
    heading, _, formula = step.markdown.partition("\n\n")
    assert heading == r"**∇&lt;img src=x&gt; \*a\* &#36;b&#36; \`c\` \[d\](e)**"
    assert not re.search(r"<[\w/!]", formula)
