"""collapse=: layers, blocks that repeat, and far steps, each folded into one node."""

from __future__ import annotations

import copy
import functools
import pickle
from concurrent.futures import ThreadPoolExecutor
from graphlib import TopologicalSorter
from threading import Barrier

import numpy as np
import pytest
from hypothesis import given, settings

import autograd_lite as ag
import nn
from autograd_lite.engine.notes import notes_of

from ..each import examples, some
from ..test_work import python_calls
from .reading import read_dot, read_svg
from .test_graphs import graphs


def drawn(output, **kwargs):
    return read_dot(ag.draw(output, **kwargs).source)


def boxes(output, **kwargs):
    """The folded nodes' labels, from the start of the graph."""
    return list(reversed(drawn(output, **kwargs).labels("folded")))


def mlp_loss(depth: int, width: int = 4) -> ag.Tensor:
    net = nn.MLP([3] + [width] * (depth - 1) + [1], rng=0)
    return nn.BCELoss()(net(np.ones((5, 3))), np.ones((5, 1))).named("L")


def row(name: str, n: int = 2) -> ag.Tensor:
    return ag.Tensor(np.ones((1, n)), name=name)


def eye(name: str) -> ag.Tensor:
    return ag.Tensor(np.eye(2), requires_grad=True, name=name)


class Attention(nn.Module):
    def __init__(self):
        self.q, self.k, self.v = (nn.Linear(4, 4, bias=False, rng=i) for i in range(3))

    def forward(self, x):
        return x + nn.softmax(self.q(x) @ self.k(x).T) @ self.v(x)


class Twofold(nn.Module):
    """Its ops: two on its parameter, and two on its input, all of which are its own."""

    def __init__(self):
        self.w = ag.Tensor(np.eye(3), requires_grad=True, name="w")

    def forward(self, x):
        return (x - ag.mean(x)) @ (2 * self.w.T)


class Deep(nn.Module):
    """A layer with a parameter of its own that gives a container, and has a layer in it."""

    def __init__(self, layer):
        self.layer, self.gain = layer, ag.Tensor(np.ones(3), requires_grad=True, name="gain")

    def forward(self, x):
        y = ag.sin(self.layer(x)) * self.gain
        return {"y": ag.cos(y), "parts": [y, y * 2]}


class Turning(Twofold):
    """Between its ops others may be computed."""

    def __init__(self, turn):
        super().__init__()
        self.turn = turn

    def forward(self, x):
        return self.turn(self.turn(self.turn(x) @ self.w))


class Wrapping(nn.Module):
    """A layer without parameters that calls a function."""

    def __init__(self, function):
        self.function = function

    def forward(self, x):
        return self.function(x)


class Prepared(nn.Module):
    """A layer whose weight is worked on before it is used, as the transpose is."""

    def __init__(self, n_in, n_out, prepare):
        self.w = ag.Tensor(np.ones((n_out, n_in)), requires_grad=True, name="w")
        self.prepare = prepare

    def forward(self, x):
        return x @ self.prepare(self.w)


class TestBlocks:
    def test_layers_are_drawn_once_with_their_count(self, engine):
        figure = ag.draw(mlp_loss(12), collapse="blocks")
        for structure in (read_dot(figure.source), read_svg(figure.svg())):
            (label,) = structure.labels("folded")
            assert label.replace("\xa0", " ").split("|") == [
                "Linear + σ ×12", "s₁, l₁ … s12, l12 (24 in all)".replace("12", "₁₂"),
                "with W₀₁, b₀₁ … W11,12, b11,12 (24 in all)",
            ]  # fmt: skip
            assert structure.of_class("tensor") == {"l_0", "l_12", "y", "L"}
            assert set(structure.arrows("forward")) == {
                ("l_0", "op_l_12"), ("op_l_12", "l_12"), ("l_12", "op_L"), ("y", "op_L"),
                ("op_L", "L"),
            }  # fmt: skip

    def test_without_layers_the_formulas_stand_there(self):
        h = row("x")
        for i in range(5):
            h = ag.tanh((h @ eye(f"W_{i}")).named(f"s_{i}")).named(f"h_{i}")
        (label,) = boxes(h, collapse="blocks")
        assert label.split("|")[:3] == ["s₀ = x W₀", "h₀ = tanh(s₀)", "×5"]

    def test_what_each_block_reads_is_folded_but_not_what_all_share_or_the_first_starts_from(self):
        """As in a recurrent network: an input a block, and a state to begin with."""
        w = eye("W")
        h = state = row("h_0")
        for i in range(1, 6):
            h = ag.tanh((h @ w).named(f"s_{i}")).named(f"h_{i}")
            state = ag.tanh(state @ w + row(f"x_{i}")).named(f"h_{i}")
        for output in (h, state):
            structure = drawn(output, collapse="blocks")
            assert structure.of_class("tensor") == {"h_0", "W", "h_5"}
            assert ("W", "op_h_5") in structure.arrows("forward")
        assert "with x₁, x₂, x₃, x₄, x₅" in structure.labels("folded")[0]

    def test_ops_that_repeat(self):
        x = y = ag.Tensor(np.ones((2, 2, 2)), requires_grad=True, name="x")
        for _ in range(30):
            y = ag.sin(y)
        assert boxes(y, detail="ops", collapse="blocks") == ["v₁ = sin(x) ×30"]
        assert boxes(y, collapse="blocks") == ["v₁ = sin(x) ×30"]
        for _ in range(7):
            y = ag.tanh(y)
        ends = [b.split(" ")[-1] for b in boxes(y, detail="ops", collapse="blocks")]
        assert ends == ["×30", "×7"]
        for i in range(6):  # settings count
            x = ag.sum(x, axis=i % 2, keepdims=True) * x
        (label,) = boxes(x, detail="ops", collapse="blocks")
        assert label.endswith("×3")
        net = nn.Sequential(*[m for i in range(9) for m in (nn.Linear(3, 3, rng=i), nn.Tanh())])
        (label,) = boxes(net(ag.Tensor(np.ones((2, 3)), name="x")), collapse="blocks")
        assert label.startswith("Linear + tanh ×9|")  # unnamed results within one step, too

    def test_branches_within_a_block(self):
        h = ag.Tensor(np.ones((2, 4)), name="x")
        for _ in range(6):
            h = Attention()(h)
        (label,) = boxes(h, collapse="blocks")
        assert label.startswith("Linear + Linear + softmax + Linear ×6")
        structure = drawn(h, collapse="blocks")
        assert len(structure.nodes) == 3
        assert len(structure.arrows("forward")) == 2

    def test_what_differs_is_no_repeat_and_a_result_that_is_used_later_is_drawn(self):
        x = y = ag.Tensor([1.0], requires_grad=True, name="x")
        h = [x]
        for i in range(8):
            h.append(ag.sin(h[-1]).named(f"h_{i}"))
            y = (y * (i + 2.0)).named(f"y_{i}")  # by other factors
        for k, op in enumerate((ag.sin, ag.cos, ag.exp, ag.tanh)):
            y = op(y).named(f"z_{k}")
        assert not boxes(y, collapse="blocks")
        structure = drawn((h[4] * h[8]).named("y"), collapse="blocks")
        assert structure.of_class("tensor") == {"x", "h_3", "h_7", "y"}
        folded = next(iter(structure.of_class("folded")))
        assert {(folded, "h_3"), (folded, "h_7")} <= set(structure.arrows("forward"))

class TestModule:
    def test_a_layer_and_its_activation_are_one_node(self, engine):
        figure = ag.draw(mlp_loss(2), collapse="module")
        for structure in (read_dot(figure.source), read_svg(figure.svg())):
            labels = [x.replace("\xa0", " ") for x in structure.labels("folded")]
            assert sorted(labels) == [
                "Linear + σ|s₁, l₁|with W₀₁, b₀₁", "Linear + σ|s₂, l₂|with W₁₂, b₁₂"
            ]  # fmt: skip
            assert structure.of_class("tensor") == {"l_0", "l_1", "l_2", "y", "L"}

    def test_layers_of_a_sequential_whose_results_have_no_names(self):
        net = nn.Sequential(nn.Linear(2, 3, rng=0), nn.Tanh(), nn.Linear(3, 1, rng=0))
        y = net(ag.Tensor(np.ones((1, 2)), name="x"))
        assert [b.split("|")[0] for b in boxes(y, collapse="module")] == ["Linear + tanh", "Linear"]
        y = net(np.ones((1, 2)))  # from what has no name either
        structure = drawn(y, collapse="module")
        assert len(structure.arrows("forward")) == 4
        assert not any("unnamed" in label for label in structure.labels("folded"))

    def test_ones_own_layer_from_its_first_parameter_to_its_last(self):
        class Affine(nn.Module):
            def __init__(self):
                self.gain = ag.Tensor([2.0, 2.0], requires_grad=True, name="γ")
                self.shift = ag.Tensor([1.0, 1.0], requires_grad=True, name="β")

            def forward(self, x):
                return ag.exp(x * self.gain) + self.shift

        layer = Affine()
        y = layer(ag.Tensor([1.0, 2.0], name="x")).named("y")
        (label,) = boxes(y, collapse="module")
        assert label == "Affine|with γ, β"
        twice = layer(layer(ag.Tensor([1.0, 2.0], name="x")))
        assert [b.split("|")[0] for b in boxes(twice, collapse="module")] == ["Affine"] * 2
        assert {"γ", "β"} <= {
            x.split("|")[0] for x in drawn(twice, collapse="module").labels("tensor")
        }

    @pytest.mark.parametrize("name", ["x", None])
    @pytest.mark.parametrize("requires_grad", [True, False])
    def test_the_networks_input_is_no_parameter_of_its_first_layer(self, name, requires_grad):
        """Neither where its gradient is wanted, as for a saliency map, nor where it has no name."""
        x = ag.Tensor(np.ones((1, 3)), requires_grad=requires_grad, name=name)
        structure = drawn(nn.MLP([3, 4, 1], rng=0)(x).named("y"), collapse="module")
        node = name or "l_0"  # as an MLP names it
        assert node in structure.of_class("tensor")
        assert {head for tail, head in structure.arrows("forward") if tail == node} == {"op_l_1"}
        assert [x.split("|")[-1] for x in reversed(structure.labels("folded"))] == [
            "with W₀₁, b₀₁", "with W₁₂, b₁₂"
        ]  # fmt: skip

    @pytest.mark.parametrize(
        "prepare",
        [
            lambda w: w.T,
            lambda w: (w * 0.5).T,
            lambda w: (w / ag.sum(w * w) ** 0.5).T,
            lambda w: ag.tanh(w).T * 2,
        ],
    )  # fmt: skip
    def test_work_on_parameters_alone_belongs_to_the_layer(self, prepare):
        x = ag.Tensor(np.ones((1, 3)), name="x")
        net = nn.Sequential(Prepared(3, 4, prepare), nn.Tanh(), Prepared(4, 2, prepare))
        structure = drawn(net(x).named("y"), collapse="module")
        assert sorted(structure.labels("folded")) == ["Prepared + tanh|with w", "Prepared|with w"]
        arrows = structure.arrows("forward")
        assert len(arrows) == 4
        assert {"x", "y"} <= {end for arrow in arrows for end in arrow}
        assert len(structure.of_class("tensor")) == 3
        layer = Prepared(3, 3, prepare)  # used twice it is two nodes, with its weight in each
        structure = drawn(layer(layer(x)).named("y"), collapse="module")
        assert structure.labels("folded") == ["Prepared", "Prepared"]
        assert len(structure.of_class("tensor")) == 4  # x, w, y and what is between the two

    def test_a_mask_that_the_layer_owns(self):
        class Masked(nn.Module):
            def __init__(self):
                self.w = eye("w")
                self.mask = ag.Tensor(np.tri(2), name="mask")

            def forward(self, x):
                return x @ (self.w * self.mask)

        structure = drawn(Masked()(row("x")).named("y"), collapse="module")
        assert structure.labels("folded") == ["Masked|with w, mask"]
        assert len(structure.arrows("forward")) == 2

    def test_what_is_no_work_of_a_layer_nor_its_parameter(self):
        class Embedding(nn.Module):
            def __init__(self):
                self.table = ag.Tensor(np.ones((4, 3)), requires_grad=True, name="table")

            def forward(self, rows):
                return self.table[rows]

        layer = nn.Linear(3, 1, bias=False, rng=0)
        y = layer(row("x", 3)).named("y")
        loss = (ag.sum(y * y).named("E") + 0.1 * ag.sum(layer.weight**2)).named("L")
        assert ("E", "op_L") in drawn(loss, collapse="module").arrows("forward")  # a penalty
        h = Embedding()(np.array([0, 2]))
        structure = drawn((h + nn.Linear(3, 3, rng=0)(h)).named("y"), collapse="module")
        folded = [x.split("|")[0] for x in reversed(structure.labels("folded"))]
        assert folded == ["Embedding", "Linear"]
        assert "v₁ + v₂" in structure.labels("computation")
        y = ag.exp(row("x")).named("y")  # without layers nothing is folded
        assert ag.draw(y, collapse="module").source == ag.draw(y).source

    def test_layers_are_known_when_they_are_gone_and_of_copies(self):
        x = ag.Tensor(np.ones((1, 2)), name="x")
        assert boxes(nn.Linear(2, 2, rng=0)(x), collapse="module") == ["Linear|with weight, bias"]
        for again in (copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))):
            net = again(nn.Sequential(nn.Linear(2, 2, rng=0)))
            assert boxes(net(x), collapse="module") == ["Linear|with weight, bias"]

    def test_each_way_to_call_layers(self):
        """What a layer computes is its own, however it is called and whatever it gives."""
        x = ag.Tensor(np.ones((2, 3)), name="x")

        def threads(layer):
            """Two, which take turns op by op."""
            meet = Barrier(2)

            def turn(x):
                meet.wait()
                return ag.sin(x)

            def half(_):
                return Turning(turn)(Turning(turn)(x))

            with ThreadPoolExecutor(2) as pool:
                return np.multiply(*pool.map(half, range(2))), ["Turning"] * 4

        ways = [
            lambda layer: (layer(layer(x)), ["Twofold"] * 2),  # each call a node of its own
            lambda layer: (nn.Sequential(nn.Sequential(layer), nn.Tanh())(x), ["Twofold + tanh"]),
            lambda layer: (ag.checkpoint(layer)(x), ["Twofold"]),
            lambda layer: (ag.checkpoint(lambda x: nn.Sequential(layer)(x))(x), ["Twofold"]),
            lambda layer: (Wrapping(lambda x: ag.exp(layer(x)))(x), ["Twofold + exp"]),
            lambda layer: (Wrapping(lambda x: Deep(layer)(x)["y"])(x), ["Twofold", "Deep"]),
            lambda layer: (sum(Deep(layer)(x)["parts"]), ["Twofold", "Deep"]),
            lambda layer: (layer.forward(x), []),
            lambda layer: (Wrapping(lambda x: layer(layer.forward(x)))(x), ["Twofold"]),
            threads,
        ]
        for i, way in enumerate(ways):
            y, expected = way(Twofold())
            found = [b.split("|")[0] for b in boxes(y, collapse="module", limit=900)]
            assert found == expected, f"way {i}"

    def test_a_layer_that_computes_nothing_leaves_nothing_behind(self):
        h, w = ag.exp(eye("W")), eye("W")
        for layer in (nn.Identity(), Wrapping(lambda x: w)):
            for _ in range(3):
                layer(h)
        assert not notes_of(h)
        assert not notes_of(w)


class TestSteps:
    def test_the_first_and_the_last_steps(self):
        structure = drawn(mlp_loss(10), collapse=3)
        (label,) = structure.labels("folded")
        assert label.startswith("18 steps|s₁, l₁ … s₉, l₉ (18 in all)|with W₀₁, b₀₁ … ")
        assert {"l_0", "l_9", "s_10", "l_10", "L"} <= structure.of_class("tensor")
        structure = drawn(mlp_loss(10), collapse=-2)
        (label,) = structure.labels("folded")
        assert label.startswith("19 steps|s₂, l₂ … ")
        assert structure.of_class("tensor") == {"l_0", "W_01", "b_01", "s_1", "l_1", "y", "L"}
        structure = drawn(chain(100), detail="ops", collapse=4)
        assert structure.labels("folded") == ["96 steps|with x"]
        assert len(structure.nodes) == 7
        for n in (4, 5, 6, 100, -5, -100):  # no more than there are; one alone isn't folded
            assert not boxes(mlp_loss(2), collapse=n)

    @pytest.mark.parametrize("name", ["x", None])
    def test_what_the_far_steps_start_from_is_drawn(self, name):
        x = ag.Tensor(np.ones((1, 3)), requires_grad=True, name=name)
        for n in (1, -1):
            structure = drawn(nn.MLP([3, 4, 1], rng=0)(x).named("y"), collapse=n)
            node = name or "l_0"  # as an MLP names it
            assert node in structure.of_class("tensor")
            assert [tail for tail, _ in structure.arrows("forward")].count(node) == 1
            assert "W₀₁" not in structure.of_class("tensor") or n < 0

    def test_of_much_data_only_the_first_is_drawn(self):
        layer, h = nn.Linear(2, 2, rng=0), row("h_0")
        for i in range(1, 8):
            h = ag.tanh(layer(h) + row(f"x_{i}")).named(f"h_{i}")
        structure = drawn(h, collapse=1)
        assert {"h_0", "x_7"} <= structure.of_class("tensor")
        assert "with x₁, x₂, x₃, x₄, x₅, x₆" in structure.labels("folded")[0]

class TestBackward:
    def test_targets_are_not_folded_and_arrows_lead_over_what_is(self):
        structure = drawn(mlp_loss(20), collapse="blocks", backward=["W_34", "b_34"])
        assert structure.of_class("target") == {"W_34", "b_34"}
        assert structure.arrows("backward") == {
            ("L", "l_20"): "∂L/∂l₂₀", ("l_20", "l_4"): "∂l₂₀/∂l₄", ("l_4", "s_4"): "∂l₄/∂s₄",
            ("s_4", "W_34"): "∂s₄/∂W₃₄", ("s_4", "b_34"): "∂s₄/∂b₃₄",
        }  # fmt: skip
        assert [b.split("|")[0] for b in reversed(structure.labels("folded"))] == [
            "Linear + σ ×3", "Linear + σ ×16"
        ]  # fmt: skip

    @pytest.mark.parametrize("collapse", ["module", "blocks", 2, -2])
    def test_each_way_of_folding_leads_to_the_target(self, collapse):
        structure = drawn(mlp_loss(6), collapse=collapse, backward="W_01")
        assert structure.of_class("target") == {"W_01"}
        steps_back = dict(structure.arrows("backward"))
        at = "L"
        while at != "W_01":
            (at,) = {head for tail, head in steps_back if tail == at}


@given(graphs())
@settings(max_examples=examples(60), deadline=None)
def test_any_graph_folds_into_one_without_circles(output):
    for collapse in ("blocks", "module", 1, 2, -1, -3):
        for detail in ("named", "ops"):
            structure = drawn(output, detail=detail, collapse=collapse)
            inputs: dict[str, set[str]] = {}
            for tail, head in structure.arrows("forward"):
                inputs.setdefault(head, set()).add(tail)
            list(TopologicalSorter(inputs).static_order())  # raises where there is a circle
            assert len(structure.nodes) <= len(drawn(output, detail="ops").nodes) * 2


def chain(n):
    y = ag.Tensor(1.0, requires_grad=True, name="x")
    for _ in range(n):
        y = ag.sin(y)
    return y


def chain_of_blocks(n):
    y = ag.Tensor(np.ones(3), requires_grad=True, name="x")
    for _ in range(n // 4):
        y = ag.tanh(y) * 0.5 + ag.sin(y)
    return y


def chain_without_repeats(n):
    y = ag.Tensor(1.0, requires_grad=True, name="x")
    for k in np.random.default_rng(0).integers(0, 3, n):
        y = (ag.sin, ag.cos, ag.tanh)[k](y)
    return y


def chain_on_a_parameter_alone(n):
    h = nn.Linear(2, 2, bias=False, rng=0).weight
    for i in range(n // 2):
        h = ag.sum(h, axis=0, keepdims=True) + h if i % 2 else ag.sin(h)
    return h


LONG = chain, chain_of_blocks, chain_without_repeats, chain_on_a_parameter_alone, mlp_loss


class TestSize:
    @pytest.mark.parametrize("collapse", ["blocks", "module", 5, -5])
    def test_the_work_grows_as_the_graph_does(self, collapse):
        detail = "named" if collapse == "module" else "ops"
        for graph in some(LONG, 4):
            sizes = (10, 30) if graph is mlp_loss else (400, 1200)  # beyond Python's recursion
            outputs = [graph(n) for n in sizes]
            draw = functools.partial(ag.draw, detail=detail, collapse=collapse, limit=5000)
            small, large = (python_calls(functools.partial(draw, y)) for y in outputs)
            assert large < 3.3 * small, graph.__name__

    def test_long_chains_become_few_nodes(self, engine):
        for collapse in ("blocks", "module", 5, -5):
            detail = "named" if collapse == "module" else "ops"
            structure = drawn(chain(3000), detail=detail, collapse=collapse, backward="x")
            assert len(structure.nodes) < 12
            assert structure.arrows("backward")
        figure = ag.draw(chain_of_blocks(1000), detail="ops", collapse="blocks")
        assert read_dot(figure.source).labels("folded")[0].split("|")[-1] == "×250"
        assert figure.svg()
        assert len(boxes(chain_without_repeats(300), detail="ops", collapse="blocks")) > 20

    def test_beyond_the_limit_the_error_says_what_to_do(self):
        loss, y = mlp_loss(100), ag.Tensor(1.0, requires_grad=True, name="x")
        for i in range(10):
            y = ag.sin(ag.exp(y)).named(f"y_{i}")
        said = (r'would have 604 nodes, and at most 400 are drawn; fold some by '
                r'collapse="blocks", collapse="module", collapse=20 .*, or allow more by limit=604')
        with pytest.raises(ValueError, match=said):
            ag.draw(loss)
        with pytest.raises(ValueError, match=r"at most 3 numbers, and this graph has .* limit="):
            ag.draw(mlp_loss(2), detail="elements", limit=3)
        for output, detail in ((loss, "named"), (y, "named"), (y, "ops")):
            n = len(drawn(output, detail=detail, limit=604).nodes)
            assert len(drawn(output, detail=detail, limit=n).nodes) == n
            with pytest.raises(ValueError, match=f"would have {n} nodes, and at most {n - 1}"):
                ag.draw(output, detail=detail, limit=n - 1)
