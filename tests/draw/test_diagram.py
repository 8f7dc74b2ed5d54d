"""nn.draw: Figs 4-1, 4-3, 4-9, 4-12, 4-13, 4-14 and 4-22, and any network of such layers."""

from __future__ import annotations

import re
import warnings
import xml.etree.ElementTree as ET
from itertools import pairwise, product

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.show.notation import number
from nn.diagram import draw

from ..each import each
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


BIASED = ["1", "x₁", "x₂"]
X, H = ["bias_0", "x_1", "x_2"], ["bias_1", "h_1", "h_2"]
SIGMOID, ENDS = "σ(Σ wixi + b)", {("op_h_1", "h_1"), ("op_h_2", "h_2"), ("op_y", "y")}
FIGURES = {
    "4-1": (nn.Linear(2, 1), [BIASED, ["y"]], ["Σ wixi + b"],
            full((X, ["op_y"]), (["op_y"], ["y"]))),
    "4-3": (nn.MLP([2, 1]), [BIASED, ["y"]], [SIGMOID], full((X, ["op_y"]), (["op_y"], ["y"]))),
    "4-9": (nn.MLP([2, 2, 1]), [BIASED, ["1", "h₁", "h₂"], ["y"]],
            [SIGMOID, SIGMOID, "σ(Σ wihi + b)"],
            full((X, ["op_h_1", "op_h_2"]), (H, ["op_y"])) | ENDS),
    "4-12": (nn.MLP([2, 2, 1]), [BIASED, ["1", "h₁", "h₂"], ["y"]], [],
             full((X, ["h_1", "h_2"]), (H, ["y"]))),
}  # fmt: skip


@pytest.mark.parametrize("name", FIGURES)
def test_figs_4_1_to_4_12(name, engine):
    net, labels, computations, arrows = FIGURES[name]
    figure = draw(net, computations=bool(computations))
    drawn = read_dot(figure.source)
    assert columns(drawn) == labels
    assert drawn.labels("computation") == computations
    for structure in (drawn, read_svg(figure.svg())):
        assert set(structure.arrows("forward")) == arrows
        assert len(structure.of_class("computation")) == len(computations)


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


def test_names_are_the_users_and_one_may_be_dashed():
    drawn = read_dot(draw(nn.MLP([2, 2, 1]), bias=False, names=("输入", "<", "ŷ")).source)
    assert columns(drawn) == [["输入₁", "输入₂"], ["<₁", "<₂"], ["ŷ"]]
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
    assert drawn.labels("computation") == [
        *["swish(tanh(Σ wixi))"] * 2,
        *(f"softmax(s){i}|s{i} = Σ wi{j}hi + b{i}" for i, j in ("₁1", "₂2")),
    ]  # fmt: skip
    assert drawn.labels("caption")[3:] == ["W₀₁", "W₁₂, b₁₂"]


def test_the_value_of_an_activation_of_the_whole_layer_is_no_function_of_one_sum():
    first, last = nn.Linear(1, 2, rng=0), nn.Linear(2, 2, rng=0)
    net = nn.Sequential(first, nn.Sigmoid(), last, nn.softmax)
    drawn = read_dot(draw(net, computations=True, values=[1.0]).source)
    s_1, s_2 = first(np.ones((1, 1))), last(ag.sigmoid(first(np.ones((1, 1)))))
    assert drawn.labels("computation") == [
        *(f"σ(Σ wixi + b)|= σ({number(s)})" for s in s_1.data[0]),
        *(f"softmax(s){i}|s{i} = Σ wi{j}hi + b{i} = {number(s)}"
          for i, j, s in zip("₁₂", "12", s_2.data[0], strict=True)),
    ]  # fmt: skip


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
    assert columns(drawn)[0][-1] == "x₇₈₄"
    assert drawn.labels("caption") == ["•|•|•|784 in all", "•|•|•|30 in all"]
    assert len(read_svg(figure.svg()).arrows("forward")) == 9 * 9 + 9 * 10
    narrow = read_dot(draw(nn.Linear(4, 4), bias=False, widest=3).source)
    assert columns(narrow) == [["x₁", "x₄"], ["y₁", "y₄"]]


def test_columns_are_straight(engine):
    places: dict[str, set[float]] = {}
    for group in ET.fromstring(draw(nn.MLP([3, 2, 1])).svg()).iter(f"{SVG}g"):
        ellipse = group.find(f"{SVG}ellipse")
        if ellipse is not None:
            column = {"x": "0", "h": "1", "y": "2"}.get(group.findtext(f"{SVG}title", "")[0])
            column = column or group.findtext(f"{SVG}title", "")[-1]
            places.setdefault(column, set()).add(round(float(ellipse.attrib["cx"]), 1))
    assert sorted(map(len, places.values())) == [1, 1, 1]


def arrow_looks(figure):
    """Each arrow's attributes, by its ends."""
    edges = read_dot(figure.source).edges
    return {(t, h): a for t, h, a in edges if a["class"] == "forward"}


def node_lines(figure):
    """The lines on each circle, by its key."""
    nodes = read_dot(figure.source).nodes.items()
    return {
        key: plain(a["label"]).replace(" ", "").split("|")
        for key, a in nodes
        if "tensor" in a["class"]
    }


class TestWeights:
    def net(self):
        net = nn.Linear(3, 2)
        net.weight.data = np.array([[2.0, -1.0], [0.0, 0.5], [-0.0, np.nan]])
        net.bias.data = np.array([[-4.0, 0.0]])
        return net

    def test_width_colour_and_dashes(self, engine):
        figure = draw(self.net(), weights=True)
        looks = arrow_looks(figure)
        width = {ends: float(a["penwidth"]) for ends, a in looks.items()}
        style = {ends: a["style"] for ends, a in looks.items()}
        color = {ends: a["color"] for ends, a in looks.items()}
        # The largest of the layer is the bias −4; others are as much narrower.
        assert width["bias_0", "y_1"] == 4.5
        assert width["x_1", "y_1"] == 0.5 + 4 * 2 / 4
        assert width["x_1", "y_2"] == 0.5 + 4 * 1 / 4
        assert width["x_2", "y_2"] == 0.5 + 4 * 0.5 / 4
        negative = {("bias_0", "y_1"), ("x_1", "y_2")}
        positive = {("x_1", "y_1"), ("x_2", "y_2")}
        zero = {("bias_0", "y_2"), ("x_2", "y_1"), ("x_3", "y_1")}
        assert {ends for ends, s in style.items() if s == "dashed"} == negative
        assert {ends for ends, s in style.items() if s == "dotted"} == {("x_3", "y_2")}
        assert len({color[ends] for ends in negative}) == 1
        assert len({color[ends] for ends in positive}) == 1
        assert {color[ends] for ends in negative}.isdisjoint(color[ends] for ends in positive)
        assert {width[ends] for ends in zero} == {0.5}
        drawn = {(t, h): a["style"] for t, h, a in read_svg(figure.svg()).edges}
        assert drawn["x_1", "y_1"] == "solid"
        assert {ends for ends in negative if drawn[ends] == "dashed"} == negative

    def test_each_layer_has_its_own_scale(self):
        def of(*weights):
            net = nn.Linear(len(weights), 1, bias=False)
            net.weight.data[...] = np.reshape(weights, (-1, 1))
            return net

        def widths(net):
            return {ends: a["penwidth"] for ends, a in arrow_looks(draw(net, weights=True)).items()}

        def captions(net):
            return read_dot(draw(net, weights=True).source).labels("caption")

        def legend(net):
            drawn = read_dot(draw(net, weights=True).source)
            samples = [h for _, h, a in drawn.edges if "legend" in a["class"].split()]
            return [drawn.nodes[h]["text"] for h in samples]

        net = nn.Sequential(of(100.0), nn.Sigmoid(), of(0.01))
        assert set(widths(net).values()) == {"4.5"}
        assert captions(net)[:2] == ["widest: |w| = 100", "widest: |w| = 0.01"]
        assert captions(of(0.0, 0.0))[0] == "all w = 0"
        found = widths(of(np.inf, 2.0, 1.0))
        assert [found[f"x_{i}", "y"] for i in (1, 2, 3)] == ["4.5", "4.5", "2.5"]
        assert legend(self.net()) == ["w > 0", "w < 0", "w = 0", "nan"]
        assert legend(of(-1.0, -1.0)) == ["w < 0"]

    def test_larger_ones_are_drawn_above_smaller_ones_by_the_scale_of_all(self):
        looks = arrow_looks(draw(nn.MLP([5, 5], rng=0), weights=True))
        widths = [float(a["penwidth"]) for a in looks.values()]
        assert widths == sorted(widths)
        net = nn.Linear(20, 1)
        net.weight.data[...] = 1.0
        net.weight.data[15] = -8.0  # which isn't drawn
        assert arrow_looks(draw(net, weights=True))["x_1", "y"]["penwidth"] == "1"
        net = nn.Linear(1, 1, bias=False)
        net.weight.data[...] = -2.0
        looks = arrow_looks(draw(net, weights=True, computations=True))
        assert looks["x_1", "op_y"]["style"] == "dashed"
        assert looks["op_y", "y"]["style"] == "solid"

class TestValues:
    def test_values_of_every_node(self, engine):
        net = nn.MLP([2, 3, 1], rng=0)
        x = np.array([[0.25, -1.0]])
        y = net(x)
        hidden = y.inputs[0].inputs[0].data[0]
        figure = draw(net, values=x)
        shown = node_lines(figure)
        assert shown["x_1"] == ["x₁", "0.25"]
        assert shown["x_2"] == ["x₂", "−1"]
        assert [shown[f"h_{i}"][1] for i in (1, 2, 3)] == [number(h) for h in hidden]
        assert shown["y"] == ["y", number(y.item())]
        assert shown["bias_0"] == shown["bias_1"] == ["1"]
        texts = read_svg(figure.svg()).labels("tensor")
        assert any("0.25" in text for text in texts)

    def test_one_observation_in_any_form(self):
        for values in ([0.5, 2], (0.5, 2), np.array([0.5, 2.0], np.float32), [[0.5, 2]],
                       ag.Tensor([0.5, 2.0], requires_grad=True)):  # fmt: skip
            shown = node_lines(draw(nn.Linear(2, 1), values=values))
            assert shown["x_1"] == ["x₁", "0.5"], values
        shown = node_lines(draw(nn.Linear(1000, 1), values=np.arange(1000)))
        assert shown["x_8"] == ["x₈", "7"]
        assert shown["x_1000"] == ["x₁₀₀₀", "999"]

    def test_computations_show_what_the_activation_is_applied_to(self):
        net = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Tanh(), nn.Linear(1, 1, bias=False))
        net.modules[0].weight.data[...] = 0.5
        net.modules[2].weight.data[...] = 3.0
        drawn = read_dot(draw(net, values=[2.0], computations=True).source)
        assert [label.strip() for label in drawn.labels("computation")] == [
            "tanh(Σ wixi)|= tanh(1)", f"Σ wihi|= {number(3 * np.tanh(1.0))}"
        ]  # fmt: skip

    def test_nan_and_infinity_are_shown(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            shown = node_lines(draw(nn.MLP([3, 2, 1]), values=[np.nan, np.inf, -np.inf]))
            net = nn.Linear(1, 1)
            net.weight.data[...] = 1e308
            assert node_lines(draw(net, values=[100.0]))["y"] == ["y", "inf"]
        assert [shown[f"x_{i}"][1] for i in (1, 2, 3)] == ["nan", "inf", "−inf"]
        assert shown["y"] == ["y", "nan"]

    def test_circles_are_alike_and_hold_their_text(self):
        # Ten characters of 9 points, half as wide as high; twelve letters of 16 points.
        for settings, low, high in (
            ({"values": [-1.2345e-12, 1.0], "bias": False}, 45, 1000),
            ({"names": ("temperature", "h", "y")}, 12 * 7, 12 * 12),
        ):
            drawn = read_dot(draw(nn.Linear(2, 1), **settings).source)
            (size,) = {drawn.nodes[key]["width"] for key in drawn.of_class("tensor")}
            assert low < float(size) * 72 < high

    def test_the_net_is_left_as_it_is_also_by_an_error(self):
        class Noise(nn.Module):
            def forward(self, x):
                assert not self.training
                return x

        def broken(x):
            raise ValueError("broken")

        net = nn.Sequential(nn.Linear(2, 2), Noise(), nn.Linear(2, 1))
        net.modules[2].training = False
        w = net.modules[0].weight
        x = ag.Tensor([0.5, 2.0])
        before = [dict(vars(module)) for _, module in net.named_modules()]
        draw(net, values=x, weights=True)
        assert [dict(vars(module)) for _, module in net.named_modules()] == before
        assert (w.grad, x.name) == (None, None)
        assert w._only_reference()
        assert net.modules[1].training
        assert net.modules[0](x).requires_grad
        net = nn.Sequential(nn.Linear(2, 2), broken)
        with pytest.raises(ValueError, match="broken"):
            draw(net, values=[1, 2])
        assert "training" not in vars(net)

    def test_shade(self):
        net = nn.Linear(4, 1)
        fill = read_dot(draw(net, values=[1.0, -2.0, 0.0, np.nan], shade=True).source).nodes
        colors = [fill[f"x_{i}"]["fillcolor"] for i in (1, 2, 3, 4)]
        assert len(set(colors)) == 4
        assert colors[2] == "#ffffff"
        assert fill["bias_0"]["fillcolor"] == "white"
        blue, orange = (tuple(bytes.fromhex(color[1:])) for color in colors[:2])
        assert blue[2] > blue[0]
        assert orange[0] > orange[2]


@pytest.mark.parametrize("width", [1, 10, 1000, 100_000])
def test_layers_of_any_width_are_small_figures(width):
    net = nn.MLP([width, 3, width], rng=0)
    figure = draw(net, weights=True, values=np.ones(width), computations=True, captions=True)
    drawn = read_dot(figure.source)
    assert len(drawn.nodes) < 75
    count = [label for label in drawn.labels("caption") if "in all" in label]
    assert count == ([f"•|•|•|{width} in all"] * 2 if width > 10 else [])
    assert figure.svg()


class TestInJupyter:
    def test_a_picture_and_the_text(self):
        net = nn.MLP([2, 1])
        shown = net._repr_mimebundle_()
        assert shown["text/plain"] == repr(net)
        assert read_svg(shown["image/svg+xml"]).of_class("tensor") == {"bias_0", "x_1", "x_2", "y"}
        assert "10 in all" in nn.MLP([10] * 20)._repr_mimebundle_()["image/svg+xml"]  # abridged
        layers = nn.Sequential(nn.Linear(1, 2), nn.Linear(1, 1))
        for net in (Own(), nn.Tanh(), layers, nn.MLP([10] * 200)):
            assert net._repr_mimebundle_() == {"text/plain": repr(net)}

    def test_without_a_layout_engine_it_is_text(self, no_engine):
        net = nn.MLP([2, 1])
        assert net._repr_mimebundle_() == {"text/plain": repr(net)}

class Own(nn.Module):
    def __init__(self):
        self.w = ag.Tensor(1.0, requires_grad=True)


class Residual(nn.MLP):
    def forward(self, x):
        return super().forward(x) + x


NARROWING = nn.Sequential(nn.Linear(2, 2), lambda s: s.sum(axis=1))
COMPLEX = nn.Linear(1, 1, dtype=complex)
ROW = r"n_in = 3, .* \(3,\) or \(1, 3\), and not "


@each([
    *(([3, 2], {"values": values}, ValueError, f"{ROW}{shape}$") for values, shape in (
        ([1.0, 2.0], r"\(2,\)"), (np.ones((1, 4)), r"\(1, 4\)"), (1.0, r"\(\)"),
        (np.ones((3, 1)), r"\(3, 1\)"), ([], r"\(0,\)"))),
    ([3, 2], {"values": np.ones((5, 3))}, ValueError, r"not \(5, 3\); give one row of it$"),
    ([3, 2], {"values": np.ma.array(np.ones(3), mask=[1, 0, 0])}, TypeError, "mask would be ign"),
    ([3, 2], {"values": True}, TypeError, r"such as values=x\[0\], and not True"),
    *(([3, 2], {"values": odd}, TypeError, "draw: values takes real numbers, and not")
      for odd in (["a", "b", "c"], [1j, 2, 3], {"x": 1})),
    ([3, 2], {"values": [[1, 2], [3]]}, ValueError, "draw: values is no array"),
    (Residual([2, 2]), {"values": [1, 2]}, TypeError,
     "Residual computes something else .*values=True"),
    (NARROWING, {"values": [1, 2]}, ValueError, r"of layer 1 gives shape \(1,\) of \(1, 2\)"),
    ([2, 1], {"shade": True}, ValueError, "give values=x"),
    ([2, 2, 1], {"weights": True, "dashed": "h_1"}, ValueError, "leave dashed= out"),
    (COMPLEX, {"weights": True}, TypeError, "weights=True shows signs, .* complex128"),
    (COMPLEX, {"values": [1.0], "shade": True}, TypeError, "shade=True shows signs, .* complex128"),
    *((net, {}, TypeError, r"ag\.draw\(net\(x\)\) draws any")
      for net in (Own(), nn.Sequential(nn.Linear(1, 1), Own()), nn.Sequential(nn.Tanh()), 3)),
    (nn.Sequential(), {}, TypeError, "there is no Linear in the network"),
    (nn.Sequential(nn.Linear(2, 3), nn.Linear(2, 1)), {}, ValueError,
     "layer 1 has 3 outputs, and the next takes 2"),
    ([2, 2, 1], {"dashed": ["h_3"]}, ValueError, "'h_3'; there are x_1, x_2, h_1, h_2, y"),
    ([2, 1], {"names": ("x", "y")}, ValueError, "inputs, hidden nodes, outputs"),
    ([2, 1], {"widest": 2}, ValueError, "widest must be at least 3, not 2"),
    ([2, 1], {"theme": "gray"}, ValueError, "theme is one of 'light', 'dark', 'print'"),
])  # fmt: skip
def test_what_is_refused(net, settings, error, said):
    with pytest.raises(error, match=said):
        draw(nn.MLP(net) if type(net) is list else net, **settings)


def test_complex_numbers_have_values():
    net = nn.Linear(1, 1, dtype=complex)
    net.weight.data[...] = 1 + 2j
    assert node_lines(draw(net, values=[1.0]))["y"] == ["y", "1+2j"]


def test_themes():
    net = nn.MLP([2, 2, 1], rng=0)
    dark = draw(net, values=[1.0, -1.0], shade=True, captions=True, weights=True, theme="dark")
    assert 'bgcolor="#111827"' in dark.source
    assert "#5b6270" not in dark.source  # the light theme's grey
    blue = ag.Theme(line="#1d4ed8")
    assert "#1d4ed8" in draw(net, theme=blue).source
    assert draw(net, theme="light").source == draw(net).source
