"""What is made beside the pages: ``live/*.html`` by `ag.explain`, and pages as notebooks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
from myst_nb.core.read import read_myst_markdown_notebook
from sphinx.application import Sphinx
from sphinx.config import Config

import autograd_lite as ag
import nn

LANGUAGES = ("en", "zh")
NOTEBOOKS = ("tutorial", "zh/tutorial")


def step() -> ag.Tensor:
    """The chapter's network 2-2-1, on one observation, as one writes it."""
    l_0 = ag.Tensor([[0.0, 1.0]], name="l_0")
    y = ag.Tensor([[1.0]], name="y")
    w_01 = ag.Tensor([[0.1, 0.2], [0.3, 0.4]], requires_grad=True, name="W_01")
    b_01 = ag.Tensor([[0.0, 0.0]], requires_grad=True, name="b_01")
    w_12 = ag.Tensor([[0.1], [0.2]], requires_grad=True, name="W_12")
    b_12 = ag.Tensor([[0.0]], requires_grad=True, name="b_12")

    def sigmoid(s: ag.Tensor) -> ag.Tensor:
        return 1 / (1 + np.exp(-s))

    s_1 = (l_0 @ w_01 + b_01).named("s_1")
    l_1 = sigmoid(s_1).named("l_1")
    s_2 = (l_1 @ w_12 + b_12).named("s_2")
    l_2 = sigmoid(s_2).named("l_2")
    return np.sum((y - l_2) ** 2 / 2).named("L")


def training() -> nn.History:
    """Two rings, and a network that learns where one ends."""
    rng = np.random.default_rng(3)
    x = rng.uniform(-1, 1, size=(80, 2))
    y = (np.hypot(*x.T) < 0.65)[:, None].astype(float)
    net = nn.MLP([2, 6, 1], ["tanh", "sigmoid"], rng=0)
    optimizer = nn.Adam(net.parameters(), lr=0.05)
    return nn.fit(net, x, y, nn.BCELoss(), optimizer, 300, 80, record=10)


def notebook(source: str) -> nbformat.NotebookNode:
    """A page with its cells, without what only the site can show."""
    source = re.sub(r"```\{raw\}.*?```\n", "", source, flags=re.DOTALL)
    source = re.sub(r"\[([^\]]*)\]\([^)]*\.md[^)]*\)", r"\1", source)
    return read_myst_markdown_notebook(source)


def write(app: Sphinx, config: Config) -> None:
    root = Path(app.outdir).parent / "made"
    (root / "live").mkdir(parents=True, exist_ok=True)
    loss, history = step(), training()
    for lang in LANGUAGES:
        ag.explain(loss, root / f"live/step-{lang}.html", lr=0.1, lang=lang)
        ag.explain(history, root / f"live/training-{lang}.html", lang=lang)
    for page in NOTEBOOKS:
        path = root / f"notebooks/{page}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        source = Path(app.srcdir, f"{page}.md").read_text(encoding="utf-8")
        nbformat.write(notebook(source), path)
    config.html_extra_path = [str(root)]


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("config-inited", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
