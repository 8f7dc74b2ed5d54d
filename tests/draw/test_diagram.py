"""nn.draw: Figs 4-1, 4-3, 4-9, 4-12, 4-13, 4-14 and 4-22, and any network of such layers."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import pairwise, product

import pytest

import autograd_lite as ag
import nn
from nn.diagram import draw

from .reading import SVG, plain, read_dot, read_svg


def columns(drawn):
    """The nodes' labels column by column, from left to right and from top to bottom."""
    by_x: dict[float, list[tuple[float, str]]] = {}
    for key, a in drawn.nodes.items():
        if "tensor" in a["class"]:
            x, y = map(float, re.findall(r"-?[\d.]+", a["pos"]))
            by_x.setdefault(x, []).append((-y, plain(drawn.nodes[key]["label"])))
    return [[label for _, label in sorted(by_x[x])] for x in sorted(by_x)]


def full(*layers):
    return {(t, h) for left, right in layers for t, h in product(left, right)}


def test_fig_4_1_linear_regression(engine):
    figure = draw(nn.Linear(2, 1), computations=True)
    drawn = read_dot(figure.source)
    assert columns(drawn) == [["1", "x₁", "x₂"], ["y"]]
    assert drawn.labels("computation") == ["Σ wixi + b"]
    for structure in (drawn, read_svg(figure.svg())):
        assert set(structure.arrows("forward")) == full(
            (["bias_0", "x_1", "x_2"], ["op_y"]), (["op_y"], ["y"])
        )


def test_fig_4_3_logistic_regression():
    drawn = read_dot(draw(nn.MLP([2, 1]), computations=True).source)
    assert columns(drawn) == [["1", "x₁", "x₂"], ["y"]]
    assert drawn.labels("computation") == ["σ(Σ wixi + b)"]


def test_fig_4_9_has_computations():
    drawn = read_dot(draw(nn.MLP([2, 2, 1]), computations=True).source)
    assert columns(drawn) == [["1", "x₁", "x₂"], ["1", "h₁", "h₂"], ["y"]]
    assert drawn.labels("computation") == ["σ(Σ wixi + b)"] * 2 + ["σ(Σ wihi + b)"]
    assert set(drawn.arrows("forward")) == full(
        (["bias_0", "x_1", "x_2"], ["op_h_1", "op_h_2"]), (["bias_1", "h_1", "h_2"], ["op_y"])
    ) | {("op_h_1", "h_1"), ("op_h_2", "h_2"), ("op_y", "y")}


def test_fig_4_12_has_none(engine):
    figure = draw(nn.MLP([2, 2, 1]))
    for drawn in (read_dot(figure.source), read_svg(figure.svg())):
        assert set(drawn.arrows("forward")) == full(
            (["bias_0", "x_1", "x_2"], ["h_1", "h_2"]), (["bias_1", "h_1", "h_2"], ["y"])
        )
        assert not drawn.of_class("computation")


@pytest.mark.parametrize("sizes", [[4, 5, 4, 1], [2, 5, 5, 1]], ids=["4-13", "4-22"])
def test_figs_4_13_and_4_22_leave_the_biases_out(sizes, engine):
    figure = draw(nn.MLP(sizes), bias=False)
    drawn = read_dot(figure.source)
    assert [len(column) for column in columns(drawn)] == sizes
    assert columns(drawn)[1][:2] == ["(l₁)₁", "(l₁)₂"]
    arrows = sum(a * b for a, b in pairwise(sizes))
    assert len(drawn.arrows("forward")) == arrows
    assert len(read_svg(figure.svg()).arrows("forward")) == arrows


def test_fig_4_14_names_layers_and_parameters(engine):
    figure = draw(nn.MLP([2, 2, 1]), bias=False, captions=True, dashed=["h_1"])
    for drawn in (read_dot(figure.source), read_svg(figure.svg())):
        labels = [label.replace("\xa0", " ") for label in drawn.labels("caption")]
        assert labels == ["l₀", "l₁", "l₂", "W₀₁, b₀₁", "W₁₂, b₁₂"]
        style = {(t, h): a["style"] for t, h, a in drawn.edges}
        assert style == {
            ("x_1", "h_1"): "dashed", ("x_2", "h_1"): "dashed", ("x_1", "h_2"): "solid",
            ("x_2", "h_2"): "solid", ("h_1", "y"): "solid", ("h_2", "y"): "solid",
        }  # fmt: skip


def test_one_name_may_be_dashed():
    net = nn.MLP([2, 2, 1])
    assert draw(net, dashed="h_1").source == draw(net, dashed={"h_1"}).source


def test_sequential_and_its_activations():
    class Swish(nn.Module):
        def forward(self, x):
            return x * ag.sigmoid(x)

    net = nn.Sequential(
        nn.Linear(3, 2, bias=False), nn.Tanh(), Swish(),
        nn.Sequential(nn.Linear(2, 2), nn.Identity(), nn.softmax),
    )  # fmt: skip
    drawn = read_dot(draw(net, computations=True, captions=True).source)
    assert columns(drawn) == [["x₁", "x₂", "x₃"], ["1", "h₁", "h₂"], ["y₁", "y₂"]]
    assert drawn.labels("computation") == (
        ["swish(tanh(Σ wixi))"] * 2 + ["softmax(Σ wihi + b)"] * 2
    )
    assert drawn.labels("caption")[3:] == ["W₀₁", "W₁₂, b₁₂"]


def test_deep_networks_write_the_layer_in_the_sum():
    drawn = read_dot(draw(nn.MLP([1, 1, 1, 1]), computations=True).source)
    assert drawn.labels("computation") == [
        "σ(Σ wixi + b)", "σ(Σ wi(l1)i + b)".replace("l1", "l₁"), "σ(Σ wi(l₂)i + b)",
    ]  # fmt: skip
    many = read_dot(draw(nn.MLP([1] * 12), captions=True).source)
    assert "W9,10, b9,10" in many.labels("caption")


def test_wide_layers_are_abridged(engine):
    figure = draw(nn.MLP([784, 30, 10]), bias=False)
    drawn = read_dot(figure.source)
    assert [len(column) for column in columns(drawn)] == [9, 9, 10]
    assert columns(drawn)[0][-1] == "x784"  # with a subscript in small digits
    assert drawn.labels("caption") == ["•|•|•|784 in all", "•|•|•|30 in all"]
    assert len(read_svg(figure.svg()).arrows("forward")) == 9 * 9 + 9 * 10
    narrow = read_dot(draw(nn.Linear(4, 4), bias=False, widest=3).source)
    assert columns(narrow) == [["x₁", "x₄"], ["y₁", "y₄"]]


def test_names_are_the_users():
    drawn = read_dot(draw(nn.MLP([2, 2, 1]), bias=False, names=("输入", "<", "ŷ")).source)
    assert columns(drawn) == [["输入₁", "输入₂"], ["<₁", "<₂"], ["ŷ"]]


def test_columns_are_straight(engine):
    places: dict[str, set[float]] = {}
    for group in ET.fromstring(draw(nn.MLP([3, 2, 1])).svg()).iter(f"{SVG}g"):
        ellipse = group.find(f"{SVG}ellipse")
        if ellipse is not None:
            column = {"x": "0", "h": "1", "y": "2"}.get(group.findtext(f"{SVG}title", "")[0])
            column = column or group.findtext(f"{SVG}title", "")[-1]
            places.setdefault(column, set()).add(round(float(ellipse.attrib["cx"]), 1))
    assert sorted(map(len, places.values())) == [1, 1, 1]


class TestErrors:
    def test_another_kind_of_network(self):
        class Own(nn.Module):
            def __init__(self):
                self.w = ag.Tensor(1.0, requires_grad=True)

        for net in (Own(), nn.Sequential(nn.Linear(1, 1), Own()), nn.Sequential(nn.Tanh()), 3):
            with pytest.raises(TypeError, match=r"ag\.draw\(net\(x\)\) draws any"):
                draw(net)
        with pytest.raises(TypeError, match="there is no Linear in the network"):
            draw(nn.Sequential())

    def test_layers_that_do_not_fit(self):
        with pytest.raises(ValueError, match="layer 1 has 3 outputs, and the next takes 2"):
            draw(nn.Sequential(nn.Linear(2, 3), nn.Linear(2, 1)))

    def test_an_unknown_node(self):
        with pytest.raises(ValueError, match="'h_3'; there are x_1, x_2, h_1, h_2, y"):
            draw(nn.MLP([2, 2, 1]), dashed=["h_3"])

    def test_names_and_widest(self):
        with pytest.raises(ValueError, match="inputs, hidden nodes, outputs"):
            draw(nn.MLP([2, 1]), names=("x", "y"))
        with pytest.raises(ValueError, match="widest must be at least 3, not 2"):
            draw(nn.MLP([2, 1]), widest=2)
