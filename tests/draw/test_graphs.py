"""Any recorded graph: random, deep, of very many paths; and the same text each time."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_lite as ag
import nn

from ..each import examples
from .reading import read_dot

STEPS = [
    lambda a, b: a + b,
    lambda a, b: a * b,
    lambda a, b: a - 2 * b,
    lambda a, b: a @ b.T @ b,
    lambda a, b: ag.tanh(a),
    lambda a, b: ag.sum(a, axis=0, keepdims=True) + b,
    lambda a, b: ag.concatenate([a, b])[:2],
    lambda a, b: ag.where(a > 0, a, b),
    lambda a, b: nn.softmax(a),
    lambda a, b: a.reshape(-1)[[3, 2, 1, 0]].reshape(2, 2),
]


@st.composite
def graphs(draw: st.DrawFn) -> ag.Tensor:
    """Graphs of 2×2 arrays, some of them named, some names given twice."""
    names = st.none() | st.sampled_from(["x", "W_01", "s_1", "<", "损失"])
    pool = [
        ag.Tensor(np.arange(4.0).reshape(2, 2), requires_grad=i == 0 or draw(st.booleans()),
                  name=draw(names))
        for i in range(draw(st.integers(1, 3)))
    ]  # fmt: skip
    for _ in range(draw(st.integers(0, 8))):
        step = draw(st.sampled_from(STEPS))
        result = step(draw(st.sampled_from(pool)), draw(st.sampled_from(pool)))
        name = draw(names)
        if name is not None and result.name is None:
            result.name = name
        pool.append(result)
    return pool[-1]


@given(graphs(), st.sampled_from(["named", "ops", "elements"]), st.booleans())
@settings(max_examples=examples(150), deadline=None)
def test_random_graphs_are_drawn(output, detail, details):
    figure = ag.draw(output, detail=detail, values=details, grads=details)
    drawn = read_dot(figure.source)
    assert drawn.of_class("tensor")
    reads = {head for _, head, _ in drawn.edges}
    assert drawn.of_class("computation") <= reads


@given(graphs(), st.sampled_from(["named", "ops", "elements"]))
@settings(max_examples=15, deadline=None)
def test_random_graphs_are_laid_out(output, detail):
    ET.fromstring(ag.draw(output, detail=detail).svg())


@given(graphs())
@settings(max_examples=examples(100), deadline=None)
def test_backward_arrows_are_the_gradient_flow(output):
    """An arrow x ← y exists just where the gradient with respect to y contributes to that of x."""
    if not output.requires_grad:
        return
    drawn = read_dot(ag.draw(output, detail="ops", backward=output).source)
    assert not drawn.arrows("backward")
    reachable = {output}
    todo = [output]
    while todo:
        tensor = todo.pop()
        for x in tensor.inputs:
            if x.requires_grad and x not in reachable:
                reachable.add(x)
                todo.append(x)
    targets = [t for t in reachable if t.is_leaf]
    drawn = read_dot(ag.draw(output, detail="ops", backward=targets).source)
    assert len(drawn.of_class("target")) == len(targets)
    if not output.is_leaf:
        tails = {tail for tail, _ in drawn.arrows("backward")}
        heads = {head for _, head in drawn.arrows("backward")}
        assert drawn.of_class("target") <= heads
        assert tails - heads == {next(iter(tails - heads))}  # all arrows lead back from the output


def test_a_deep_graph_is_drawn_without_recursion():
    x = ag.Tensor(1.0, requires_grad=True, name="x")
    y = x
    for _ in range(2000):  # twice as deep as Python's recursion
        y = y * 1.0
    drawn = read_dot(ag.draw(y, detail="ops", backward="x", limit=3000).source)
    assert len(drawn.arrows("forward")) == 2001
    assert read_dot(ag.draw(y, backward="x").source).labels("computation") == ["f₁"]
    for i in range(1200):
        y = ag.sin(y).named(f"y_{i}")
    assert len(read_dot(ag.draw(y, backward="x", limit=3000).source).arrows("backward")) == 1200


@pytest.mark.parametrize("detail", ["named", "ops", "elements"])
def test_a_graph_of_very_many_paths_is_linear(detail):
    x = ag.Tensor(1.0, requires_grad=True, name="x")
    y = x
    for _ in range(60):
        y = y + y
    drawn = read_dot(ag.draw(y, detail=detail, backward="x").source)
    assert len(drawn.arrows("backward")) == 60


PROGRAM = """
import numpy as np, autograd_lite as ag, nn
net = nn.MLP([2, 3, 1], rng=0)
loss = nn.BCELoss()(net(np.ones((1, 2))), np.ones((1, 1)))
for detail in ("named", "ops", "elements"):
    print(ag.draw(loss, detail=detail, backward=["W_01", "b_12"], values=True).source)
    for collapse in ("blocks", "module", 2) if detail != "elements" else ():
        print(ag.draw(loss, detail, collapse=collapse, theme="dark", links=lambda t: "#a").source)
(dw,) = ag.gradients(loss, [net["W_01"]], create_graph=True)
print(ag.draw(dw).source, ag.draw(dw, "ops", collapse="blocks").source)
print(nn.draw(net, captions=True).source)
"""


def test_the_same_graph_gives_the_same_text_in_every_run():
    texts = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM], env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True, check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(texts) == 1
    assert b"0x" not in texts.pop()
