"""collapse=: layers, blocks that repeat, and far steps, each folded into one node."""

from __future__ import annotations

import copy
import functools
import gc
import pickle
from graphlib import TopologicalSorter

import numpy as np
import pytest
from hypothesis import given, settings

import autograd_lite as ag
import nn
from autograd_lite.engine.notes import all_noted

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


def residual_block(h, w, v):
    return h + ag.tanh(h @ w) @ v


class Attention(nn.Module):
    def __init__(self):
        self.q, self.k, self.v = (nn.Linear(4, 4, bias=False, rng=i) for i in range(3))

    def forward(self, x):
        return x + nn.softmax(self.q(x) @ self.k(x).T) @ self.v(x)


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
        x = ag.Tensor(np.ones((1, 2)), name="x")
        h = x
        for i in range(5):
            w = ag.Tensor(np.eye(2), requires_grad=True, name=f"W_{i}")
            h = ag.tanh((h @ w).named(f"s_{i}")).named(f"h_{i}")
        (label,) = boxes(h, collapse="blocks")
        assert label.split("|")[:3] == ["s₀ = x W₀", "h₀ = tanh(s₀)", "×5"]

    def test_one_op_that_repeats(self):
        y = ag.Tensor(1.0, requires_grad=True, name="x")
        for _ in range(30):
            y = ag.sin(y)
        assert boxes(y, detail="ops", collapse="blocks") == ["v₁ = sin(x) ×30"]
        assert boxes(y, collapse="blocks") == ["v₁ = sin(x) ×30"]

    def test_unnamed_results_within_one_step_are_found_too(self):
        net = nn.Sequential(*[m for i in range(9) for m in (nn.Linear(3, 3, rng=i), nn.Tanh())])
        (label,) = boxes(net(ag.Tensor(np.ones((2, 3)), name="x")), collapse="blocks")
        assert label.startswith("Linear + tanh ×9|")

    def test_branches_within_a_block(self):
        h = ag.Tensor(np.ones((2, 4)), name="x")
        for _ in range(6):
            h = Attention()(h)
        (label,) = boxes(h, collapse="blocks")
        assert label.startswith("Linear + Linear + softmax + Linear ×6")
        structure = drawn(h, collapse="blocks")
        assert len(structure.nodes) == 3
        assert len(structure.arrows("forward")) == 2

    def test_a_weight_that_all_blocks_share_stays(self):
        h = ag.Tensor(np.ones((1, 2)), name="x")
        w = ag.Tensor(np.eye(2), requires_grad=True, name="W")
        for i in range(8):
            h = ag.tanh((h @ w).named(f"s_{i}")).named(f"h_{i}")
        structure = drawn(h, collapse="blocks")
        assert structure.of_class("tensor") == {"x", "W", "h_7"}
        assert ("W", "op_h_7") in structure.arrows("forward")

    def test_what_each_block_reads_is_folded_but_not_where_the_first_starts(self):
        """As in a recurrent network: an input a block, and a state to begin with."""
        h = ag.Tensor(np.zeros((1, 2)), name="h_0")
        w = ag.Tensor(np.eye(2), requires_grad=True, name="W")
        for i in range(1, 6):
            h = ag.tanh(h @ w + ag.Tensor(np.ones((1, 2)), name=f"x_{i}")).named(f"h_{i}")
        structure = drawn(h, collapse="blocks")
        assert structure.of_class("tensor") == {"h_0", "W", "h_5"}
        assert "with x₁, x₂, x₃, x₄, x₅" in structure.labels("folded")[0]

    def test_what_differs_is_no_repeat(self):
        x = ag.Tensor([1.0], requires_grad=True, name="x")
        y = x
        for i in range(6):
            y = (y * (i + 2.0)).named(f"y_{i}")  # by other factors
        for k, op in enumerate((ag.sin, ag.cos, ag.exp, ag.tanh)):
            y = op(y).named(f"z_{k}")
        assert not boxes(y, collapse="blocks")

    def test_settings_of_ops_count(self):
        y = ag.Tensor(np.ones((2, 2, 2)), requires_grad=True, name="x")
        for i in range(6):
            y = ag.sum(y, axis=i % 2, keepdims=True) * y
        (label,) = boxes(y, detail="ops", collapse="blocks")
        assert label.endswith("×3")

    def test_several_repeats(self):
        y = ag.Tensor([1.0], requires_grad=True, name="x")
        for _ in range(5):
            y = ag.sin(y)
        for _ in range(7):
            y = ag.tanh(y)
        assert [b.split(" ")[-1] for b in boxes(y, detail="ops", collapse="blocks")] == ["×5", "×7"]

    def test_a_result_that_is_used_later_is_drawn(self):
        x = ag.Tensor([1.0], requires_grad=True, name="x")
        h = [x]
        for i in range(8):
            h.append(ag.sin(h[-1]).named(f"h_{i}"))
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
        net = nn.Sequential(Prepared(3, 4, prepare), nn.Tanh(), Prepared(4, 2, prepare))
        structure = drawn(net(ag.Tensor(np.ones((1, 3)), name="x")).named("y"), collapse="module")
        assert sorted(structure.labels("folded")) == ["Prepared + tanh|with w", "Prepared|with w"]
        arrows = structure.arrows("forward")
        assert len(arrows) == 4
        assert {"x", "y"} <= {end for arrow in arrows for end in arrow}
        assert len(structure.of_class("tensor")) == 3

    def test_a_layer_that_is_used_twice_is_two_nodes_with_its_prepared_weight_in_each(self):
        layer = Prepared(3, 3, lambda w: w.T)
        y = layer(layer(ag.Tensor(np.ones((1, 3)), name="x"))).named("y")
        structure = drawn(y, collapse="module")
        assert structure.labels("folded") == ["Prepared", "Prepared"]
        assert len(structure.of_class("tensor")) == 4  # x, w, y and what is between the two

    def test_a_mask_that_the_layer_owns(self):
        class Masked(nn.Module):
            def __init__(self):
                self.w = ag.Tensor(np.eye(3), requires_grad=True, name="w")
                self.mask = ag.Tensor(np.tri(3), name="mask")

            def forward(self, x):
                return x @ (self.w * self.mask)

        y = Masked()(ag.Tensor(np.ones((1, 3)), name="x")).named("y")
        structure = drawn(y, collapse="module")
        assert structure.labels("folded") == ["Masked|with w, mask"]
        assert len(structure.arrows("forward")) == 2

    def test_a_penalty_on_a_weight_is_no_work_of_the_layer(self):
        layer = nn.Linear(3, 1, bias=False, rng=0)
        y = layer(ag.Tensor(np.ones((1, 3)), name="x")).named("y")
        loss = (ag.sum(y * y).named("E") + 0.1 * ag.sum(layer.weight**2)).named("L")
        assert ("E", "op_L") in drawn(loss, collapse="module").arrows("forward")

    def test_what_an_embedding_hands_on_to_other_layers_is_no_parameter_of_theirs(self):
        class Embedding(nn.Module):
            def __init__(self):
                self.table = ag.Tensor(np.ones((4, 3)), requires_grad=True, name="table")

            def forward(self, rows):
                return self.table[rows]

        h = Embedding()(np.array([0, 2]))
        y = (h + nn.Linear(3, 3, rng=0)(h)).named("y")
        structure = drawn(y, collapse="module")
        assert [x.split("|")[0] for x in reversed(structure.labels("folded"))] == [
            "Embedding", "Linear"
        ]  # fmt: skip
        assert "v₁ + v₂" in structure.labels("computation")

    def test_without_layers_nothing_is_folded(self):
        y = ag.exp(ag.Tensor(1.0, requires_grad=True, name="x")).named("y")
        assert ag.draw(y, collapse="module").source == ag.draw(y).source

    def test_layers_are_known_when_they_are_gone_and_of_copies(self):
        x = ag.Tensor(np.ones((1, 2)), name="x")
        assert boxes(nn.Linear(2, 2, rng=0)(x), collapse="module") == ["Linear|with weight, bias"]
        for again in (copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))):
            net = again(nn.Sequential(nn.Linear(2, 2, rng=0)))
            assert boxes(net(x), collapse="module") == ["Linear|with weight, bias"]

    def test_nothing_is_remembered_of_parameters_that_are_gone(self):
        gc.collect()
        before = len(all_noted("owner")), len(all_noted("owns"))
        net = nn.MLP([2, 2, 1])
        assert (len(all_noted("owner")), len(all_noted("owns"))) == (before[0] + 4, before[1] + 3)
        del net
        gc.collect()
        assert (len(all_noted("owner")), len(all_noted("owns"))) == before


class TestSteps:
    def test_the_last_steps(self):
        structure = drawn(mlp_loss(10), collapse=3)
        (label,) = structure.labels("folded")
        assert label.startswith("18 steps|s₁, l₁ … s₉, l₉ (18 in all)|with W₀₁, b₀₁ … ")
        assert {"l_0", "l_9", "s_10", "l_10", "L"} <= structure.of_class("tensor")

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
        layer = nn.Linear(2, 2, rng=0)
        h = ag.Tensor(np.zeros((1, 2)), name="h_0")
        for i in range(1, 8):
            h = ag.tanh(layer(h) + ag.Tensor(np.ones((1, 2)), name=f"x_{i}")).named(f"h_{i}")
        structure = drawn(h, collapse=1)
        assert {"h_0", "x_7"} <= structure.of_class("tensor")
        assert "with x₁, x₂, x₃, x₄, x₅, x₆" in structure.labels("folded")[0]

    def test_the_first_steps(self):
        structure = drawn(mlp_loss(10), collapse=-2)
        (label,) = structure.labels("folded")
        assert label.startswith("19 steps|s₂, l₂ … ")
        assert structure.of_class("tensor") == {"l_0", "W_01", "b_01", "s_1", "l_1", "y", "L"}

    def test_no_more_than_there_are(self):
        for n in (5, 6, 100, -5, -100):
            assert not boxes(mlp_loss(2), collapse=n)
        assert not boxes(mlp_loss(2), collapse=4)  # one step alone isn't folded

    def test_ops(self):
        y = ag.Tensor(1.0, requires_grad=True, name="x")
        for _ in range(100):
            y = ag.sin(y)
        structure = drawn(y, detail="ops", collapse=4)
        assert structure.labels("folded") == ["96 steps|with x"]
        assert len(structure.nodes) == 7


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
@settings(max_examples=60, deadline=None)
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
        for graph in LONG:
            sizes = (20, 40) if graph is mlp_loss else (600, 1200)  # beyond Python's recursion
            outputs = [graph(n) for n in sizes]
            draw = functools.partial(ag.draw, detail=detail, collapse=collapse, limit=5000)
            small, large = (python_calls(functools.partial(draw, y)) for y in outputs)
            assert large < 2.2 * small, graph.__name__

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
        loss = mlp_loss(100)
        with pytest.raises(
            ValueError,
            match=r'would have 604 nodes, and at most 400 are drawn; fold some by '
            r'collapse="blocks", collapse="module", collapse=20 .*, or allow more by limit=604',
        ):
            ag.draw(loss)
        assert len(drawn(loss, limit=604).nodes) == 604
        with pytest.raises(ValueError, match="would have 604 nodes, and at most 603"):
            ag.draw(loss, limit=603)
        with pytest.raises(ValueError, match=r"at most 3 numbers, and this graph has .* limit="):
            ag.draw(mlp_loss(2), detail="elements", limit=3)

    def test_the_nodes_are_counted_in_any_detail(self):
        y = ag.Tensor(1.0, requires_grad=True, name="x")
        for i in range(10):
            y = ag.sin(ag.exp(y)).named(f"y_{i}")
        for detail in ("named", "ops"):
            n = len(drawn(y, detail=detail).nodes)
            assert len(drawn(y, detail=detail, limit=n).nodes) == n
            with pytest.raises(ValueError, match=f"would have {n} nodes"):
                ag.draw(y, detail=detail, limit=n - 1)


class TestErrors:
    def test_unknown_ways(self):
        y = ag.Tensor(1.0)
        with pytest.raises(ValueError, match="'layers'"):
            ag.draw(y, collapse="layers")
        with pytest.raises(ValueError, match="0 would draw nothing"):
            ag.draw(y, collapse=0)
        for wrong in (True, 1.5, ["blocks"]):
            with pytest.raises(TypeError, match="a number of steps, or None, and not"):
                ag.draw(y, collapse=wrong)

    def test_elements_are_not_folded(self):
        with pytest.raises(ValueError, match="draws every number"):
            ag.draw(ag.Tensor(1.0), detail="elements", collapse="blocks")

    def test_limits(self):
        for wrong in (0, -1, True, 2.5, "400"):
            with pytest.raises(ValueError, match="limit is a number of nodes, at least 1"):
                ag.draw(ag.Tensor(1.0), limit=wrong)
