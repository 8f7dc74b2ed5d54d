"""detail="named" and "ops": the chapter's Figs 4-15 to 4-20, and any other graph."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import autograd_lite as ag
import autograd_lite.numpy as filled
import nn

from ..each import each
from .reading import SVG, read_dot, read_svg

CHAIN = [("W_01", "op_s_1"), ("l_0", "op_s_1"), ("b_01", "op_s_1"), ("op_s_1", "s_1"),
         ("s_1", "op_l_1"), ("op_l_1", "l_1"),
         ("W_12", "op_s_2"), ("l_1", "op_s_2"), ("b_12", "op_s_2"), ("op_s_2", "s_2"),
         ("s_2", "op_l_2"), ("op_l_2", "l_2")]  # fmt: skip
LOSS = [("y", "op_L"), ("l_2", "op_L"), ("op_L", "L")]


@pytest.fixture
def loss() -> ag.Tensor:
    net = nn.MLP([2, 2, 1], rng=0)
    return nn.BCELoss()(net(np.array([[0.0, 1.0]])), np.zeros((1, 1)))


def test_fig_4_15_is_the_forward_pass_and_4_16_has_the_loss(loss, engine):
    figure = ag.draw(ag.named_tensors(loss)["l_2"])
    for drawn in (read_dot(figure.source), read_svg(figure.svg())):
        assert sorted(drawn.arrows("forward")) == sorted(CHAIN)
        assert not drawn.arrows("backward")
        assert drawn.of_class("tensor") == {
            "l_0", "W_01", "b_01", "s_1", "l_1", "W_12", "b_12", "s_2", "l_2",
        }  # fmt: skip
        assert drawn.of_class("computation") == {"op_s_1", "op_l_1", "op_s_2", "op_l_2"}
    drawn = read_dot(figure.source)
    assert sorted(drawn.labels("computation")) == ["l₀ W₀₁ + b₀₁", "l₁ W₁₂ + b₁₂", "σ", "σ"]
    assert sorted(drawn.labels("tensor")) == [
        "W₀₁|2×2", "W₁₂|2×1", "b₀₁|1×2", "b₁₂|1×1", "l₀|1×2", "l₁|1×2", "l₂|1×1", "s₁|1×2",
        "s₂|1×1",
    ]  # fmt: skip
    for attributes in drawn.nodes.values():
        kind = attributes["class"]
        assert attributes["shape"] == {"tensor": "circle", "computation": "ellipse"}[kind]
    assert "<I>l</I>₀\u2009<B>W</B>₀₁ + <B>b</B>₀₁" in figure.source  # factors stand close
    figure = ag.draw(loss)
    for drawn in (read_dot(figure.source), read_svg(figure.svg())):
        assert sorted(drawn.arrows("forward")) == sorted(CHAIN + LOSS)
        assert "ℓ" in drawn.labels("computation")


def test_matrices_and_parameters_are_bold_and_vectors_italic(loss):
    nodes = read_dot(ag.draw(loss, shapes=False).source).nodes
    bold = {key for key, a in nodes.items() if a["label"].startswith("<<B>")}
    assert bold == {"W_01", "b_01", "W_12"}
    assert nodes["b_12"]["label"] == "<<I>b</I>₁₂>"  # one number
    assert nodes["l_0"]["label"] == "<<I>l</I>₀>"


BACK = {("L", "l_2"): "∂L/∂l₂", ("l_2", "s_2"): "∂l₂/∂s₂"}
FURTHER = BACK | {("s_2", "l_1"): "∂s₂/∂l₁", ("l_1", "s_1"): "∂l₁/∂s₁"}


@pytest.mark.parametrize(
    ("figure", "targets", "arrows"),
    [
        ("4-17", "s_2", BACK),
        ("4-18", ["W_12", "b_12"],
         BACK | {("s_2", "W_12"): "∂s₂/∂W₁₂", ("s_2", "b_12"): "∂s₂/∂b₁₂"}),
        ("4-19", "s_1", FURTHER),
        ("4-20", ("W_01", "b_01"),
         FURTHER | {("s_1", "W_01"): "∂s₁/∂W₀₁", ("s_1", "b_01"): "∂s₁/∂b₀₁"}),
    ],
)  # fmt: skip
def test_figs_4_17_to_4_20_lead_back_to_their_targets(loss, engine, figure, targets, arrows):
    drawn = ag.draw(loss, backward=targets)
    from_dot, from_svg = read_dot(drawn.source), read_svg(drawn.svg())
    assert from_dot.arrows("backward") == arrows
    assert from_svg.arrows("backward") == arrows
    for structure in (from_dot, from_svg):
        assert sorted(structure.arrows("forward")) == sorted(CHAIN + LOSS)
        wanted = {targets} if isinstance(targets, str) else set(targets)
        assert structure.of_class("target") == wanted
        for _, _, attributes in structure.edges:
            dashed = attributes["style"] == "dashed"
            assert dashed == (attributes["class"] == "backward")


def node_heights(svg: str) -> dict[str, float]:
    heights = {}
    for group in ET.fromstring(svg).iter(f"{SVG}g"):
        ellipse = group.find(f"{SVG}ellipse")
        if ellipse is not None:
            heights[group.findtext(f"{SVG}title", "")] = float(ellipse.attrib["cy"])
    return heights


def test_the_chain_is_one_straight_line_and_parameters_stand_beside_it(loss, engine):
    h = ag.Tensor(np.ones((1, 2)), name="x")
    w = ag.Tensor(np.eye(2), requires_grad=True, name="W")
    for i in range(3):
        h = ag.tanh(h @ w).named(f"h_{i}")
    for output, target, chain, above, below in (
        (loss, "W_01", ("l_0", "op_s_1", "s_1", "l_1", "op_s_2", "s_2", "op_L", "L"),
         ("W_01", "W_12"), ("b_01", "b_12")),
        (h, "W", ("x", "op_h_0", "h_0", "h_1", "op_h_2", "h_2"), ("W",), ()),
    ):  # fmt: skip
        at = node_heights(ag.draw(output, backward=target).svg())
        heights = [at[k] for k in chain]
        assert max(heights) - min(heights) < 0.5
        assert all(at[k] < heights[0] for k in above)
        assert all(at[k] > heights[0] for k in below)


def test_plain_numpy_code_with_some_names():
    def sigmoid(x):
        return 1.0 / (1 + np.exp(-x))

    w = ag.Tensor([[0.1], [0.2]], requires_grad=True, name="w")
    layer = np.array([[0.0, 1.0]])
    pred = sigmoid(np.dot(layer, w) + 0.5)
    pred.name = "pred"
    y = ag.Tensor([[1.0]], name="y")
    drawn = read_dot(ag.draw(-(y * np.log(pred))).source)
    assert "σ(c₁ w + 0.5)" in drawn.labels("computation")
    assert "−y ∘ log(pred)" in drawn.labels("computation")
    assert drawn.of_class("tensor") == {"c_1", "w", "pred", "y", "v_1"}


def _normalised(h):
    mean = h.mean(0)
    return (h - mean) / np.sqrt(((h - mean) ** 2).mean(0) + 1e-5)


def _softmax(h):
    e = np.exp(h - h.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


MEANT = {
    "σ(x w)": lambda x, w: 1 / (1 + np.exp(-(x @ w))),
    "x ∘ σ(x)": lambda x, w: x / (1 + np.exp(-x)),
    "y ∘ log(σ(x)) − x": lambda x, w: (
        ag.Tensor(np.ones((2, 3)), name="y") * np.log(1 / (1 + np.exp(-x))) - x
    ),
    "tanh": lambda x, w: (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x)),
    "relu": lambda x, w: x * (x.data > 0),
    "leaky_relu": lambda x, w: np.where(x > 0, x, 0.1 * x),
    "softmax": lambda x, w: _softmax(x),
    "softmax(x w wᵀ)[:, :2] x": lambda x, w: _softmax(x @ w @ w.T)[:, :2] @ x,
    "log_softmax": lambda x, w: x - np.log(np.exp(x).sum(1, keepdims=True)),
    "varᵢ(x)": lambda x, w: np.var(x, axis=0),
    "√(var(x w))": lambda x, w: np.std(x @ w),
    "(x − meanᵢ(x)) / √(varᵢ(x) + 1e−05)": lambda x, w: _normalised(x),
    # Nothing is recognised: as it was written.
    "x w + 1 − w[:2] · 2": lambda x, w: x @ w + 1 - w[:2] * 2,
}


@each(MEANT.items())
def test_what_a_step_means_is_written_and_no_step_on_the_way_to_it(label, call):
    x = ag.Tensor([[1.0, -2.0, 0.5], [0.3, 0.8, -1.0]], requires_grad=True, name="x")
    w = ag.Tensor([[1.0, 2.0], [-1.0, 0.5], [0.2, 0.7]], requires_grad=True, name="w")
    drawn = read_dot(ag.draw(call(x, w).named("out")).source)
    assert {*drawn.of_class("tensor")} <= {"x", "w", "y", "out"}
    assert drawn.labels("computation") == [label]


def test_a_variance_op_by_op_has_no_tensor_for_how_many_entries_there_are():
    x = ag.Tensor(np.arange(12.0).reshape(4, 3), requires_grad=True, name="x")
    drawn = read_dot(ag.draw(np.var(x, axis=0).named("y"), detail="ops").source)
    assert drawn.of_class("tensor") == {"x", "y"}
    assert "v₄ / 4" in drawn.labels("computation")
    drawn = read_dot(ag.draw(np.where(x > 0, x, 0).named("y"), detail="ops").source)
    assert drawn.labels("computation") == ["where"]


def test_a_formula_that_is_too_wide_is_written_out_beneath_and_in_a_tooltip(engine):
    h = ag.Tensor(np.arange(24.0).reshape(6, 4), requires_grad=True, name="hidden")
    gain = ag.Tensor(np.ones(4), requires_grad=True, name="gain")
    shift = ag.Tensor(np.zeros(4), requires_grad=True, name="shift")
    svg = ag.draw((gain * _normalised(h) + shift).named("normalised")).svg()
    whole = "f₁ = gain ∘ ((hidden − meanᵢ(hidden)) / √(varᵢ(hidden) + 1e−05)) + shift"
    root = ET.fromstring(svg)
    assert whole in ["".join(t.itertext()).replace("\u2009", " ") for t in root.iter(f"{SVG}text")]
    assert any(whole in (t.text or "") for t in root.iter(f"{SVG}title"))


X = ag.Tensor([1.0, 2.0], requires_grad=True, name="x")
UNNAMED = ag.Tensor([1.0, 2.0], requires_grad=True)


def repeated(op, x, n=40):
    for _ in range(n):
        x = op(x)
    return x


@each({
    "used more than once": (
        (lambda h: h * ag.sin(h))(ag.exp(X) + 1), ["v₁ ∘ sin(v₁)", "exp(x) + 1"],
        ["v₂|2", "v₁|2", "x|2"],
    ),
    "nothing has a name": (
        (UNNAMED - [3.0, 4.0]) / 2, ["(v₁ − c₁) / 2"], ["v₂|2", "c₁|2|[3 4]", "v₁|2"],
    ),
    "a name for the unnamed is taken": (
        ag.exp(ag.Tensor(1.0, requires_grad=True, name="v_1")), ["exp"], ["v₂", "v₁"],
    ),
    "too wide": (
        repeated(ag.cos, repeated(ag.sin, X).named("y")), ["f₂", "f₁"], ["v₁|2", "y|2", "x|2"],
    ),
    "a copy": (+X, ["+"], ["v₁|2", "x|2"]),
    "a sum": (ag.sum(X), ["Σ"], ["v₁", "x|2"]),
    "numbers": ((0.5 * X).named("y") * X, ["y ∘ x", "0.5 · x"], ["v₁|2", "y|2", "x|2"]),
})  # fmt: skip
def test_formulas_and_circles(output, formulas, circles):
    drawn = read_dot(ag.draw(output).source)
    assert drawn.labels("computation") == formulas
    assert drawn.labels("tensor") == circles


def test_what_stands_around_a_computation_is_declared_from_top_to_bottom():
    x, v, w = (ag.Tensor([1.0, 2.0], requires_grad=True, name=name) for name in "xvw")
    b = ag.Tensor(0.5, requires_grad=True, name="b")
    f = (b + np.dot(w, x) + np.dot(v, v)).named("f")
    drawn = read_dot(ag.draw((f - 1) ** 2, backward=["b", "w"]).source)
    declared = [label.split("|")[0] for label in drawn.labels("tensor")]
    assert [name for name in declared if name in "xvwb"] == ["b", "x", "w", "v"]


def test_a_product_of_matrices_among_factors_stands_in_parentheses():
    x, w = (ag.Tensor(np.eye(2) + 1, requires_grad=True, name=name) for name in "xw")
    drawn = read_dot(ag.draw(((x @ w) * x).named("y")).source)
    assert drawn.labels("computation") == ["(x w) ∘ x"]


def test_residual_connections_and_shared_weights():
    x = ag.Tensor(np.ones((1, 2)), name="x")
    w = ag.Tensor(np.eye(2), requires_grad=True, name="W")
    a = ag.tanh(x @ w).named("a")
    b = (a + ag.tanh(a @ w)).named("b")
    drawn = read_dot(ag.draw(b, backward="W").source)
    assert set(drawn.arrows("forward")) == {
        ("x", "op_a"), ("W", "op_a"), ("op_a", "a"), ("a", "op_b"), ("W", "op_b"), ("op_b", "b"),
    }  # fmt: skip
    assert set(drawn.arrows("backward")) == {("b", "a"), ("b", "W"), ("a", "W")}
    assert "a + tanh(a W)" in drawn.labels("computation")


def test_what_many_computations_use_stands_beside_each_of_them():
    h, w = ag.Tensor(np.ones((1, 2)), name="x"), ag.Tensor(np.eye(2), True, name="W")
    for i in range(3):
        h = ag.tanh(h @ w).named(f"h_{i}")
    drawn = read_dot(ag.draw(h, backward="W").source)
    assert drawn.labels("tensor").count("W|2×2") == len(drawn.of_class("target")) == 3
    back = drawn.arrows("backward")
    assert {label for (_, to), label in back.items() if to in drawn.of_class("target")} == {
        "∂h₀/∂W", "∂h₁/∂W", "∂h₂/∂W"
    }  # fmt: skip
    assert len(back) == 5
    assert "the same at each use" in ag.draw(h).source
    assert read_dot(ag.draw(h, detail="ops").source).labels("tensor").count("W|2×2") == 1


def test_no_arrow_goes_around_an_input_of_a_step(engine):
    """Those that arrows lead to stand outermost, in whatever order the code uses them."""
    u, w, b = (ag.Tensor(np.eye(2), True, name=name) for name in "UWb")
    h = ag.Tensor(np.ones((1, 2)), name="x")
    for i in range(3):
        h = ag.tanh(np.ones((1, 2)) @ u + h @ w + b).named(f"h_{i}")
    for targets in (["W"], ["b"], ["U", "W", "b"]):
        svg = ag.draw(h, backward=targets).svg()
        top = min(y - 25 for y in node_heights(svg).values())
        for group in ET.fromstring(svg).iter(f"{SVG}g"):
            if "backward" in group.get("class", ""):
                path = group.find(f"{SVG}path").attrib["d"]
                assert min(float(y) for y in re.findall(r",(-?[\d.]+)", path)) > top


@pytest.mark.parametrize("detail", ["named", "ops", "elements"])
def test_arrays_without_a_name_are_called_as_in_formulas(detail):
    w = ag.Tensor([[1.0, 0.5]], requires_grad=True, name="w")
    c_1, c_2 = np.array([[0.1, 0.2]]), np.array([[2.0, 7.0]])
    output = ((w * w + c_1) * c_2).sum().named("L")
    texts = [a["text"] for a in read_dot(ag.draw(output, detail=detail).source).nodes.values()]
    assert any(text.lstrip("(").startswith("c₁") for text in texts)
    assert any(text.lstrip("(").startswith("c₂") for text in texts)
    (step,) = ag.derive(output)
    assert "c_2" in step.result
    assert "c_1" not in step.result


def test_a_single_leaf(engine):
    for leaf in (ag.Tensor(1.0), ag.Tensor([[1.0, 2.0]], requires_grad=True, name="q")):
        figure = ag.draw(leaf)
        for drawn in (read_dot(figure.source), read_svg(figure.svg())):
            assert len(drawn.nodes) == 1
            assert not drawn.edges


def test_tensors_of_the_same_name_stay_apart():
    x = ag.Tensor(1.0, requires_grad=True, name="x")
    y = ag.exp(x).named("x")
    z = ag.exp(y).named("x_2")
    drawn = read_dot(ag.draw(z, backward="x").source)
    assert len(drawn.of_class("tensor")) == 3
    assert len(drawn.of_class("target")) == 2
    assert set(drawn.arrows("backward")) == {("x_2_2", "x_2"), ("x_2", "x")} or set(
        drawn.arrows("backward")
    ) == {("x_2", "x_3"), ("x_3", "x")}


def test_ops_draws_every_operation():
    x = ag.Tensor([[1.0, 2.0]], requires_grad=True, name="x")
    w = ag.Tensor(np.ones((2, 3)), requires_grad=True, name="W")
    y = ag.sigmoid(x @ w + 1).named("y")
    drawn = read_dot(ag.draw(ag.sum(y), detail="ops", backward="W").source)
    assert drawn.labels("computation") == ["Σ", "σ", "v₂ = v₁ + 1|1×3", "v₁ = x W|1×3"]
    assert drawn.of_class("tensor") == {"x", "W", "y", "v_3"}
    assert drawn.arrows("backward") == {
        ("v_3", "y"): "∂v₃/∂y", ("y", "v_2"): "∂y/∂v₂", ("v_2", "v_1"): "∂v₂/∂v₁",
        ("v_1", "W"): "∂v₁/∂W",
    }  # fmt: skip


def test_a_target_may_have_no_name_or_be_the_output():
    h = ag.exp(X)
    y = ag.sin(h).named("y")
    drawn = read_dot(ag.draw(y, backward=h).source)
    assert drawn.of_class("target") == {"v_1"}
    assert drawn.arrows("backward") == {("y", "v_1"): "∂y/∂v₁"}
    drawn = read_dot(ag.draw(y, detail="ops", backward=[h]).source)
    assert drawn.of_class("target") == drawn.of_class("target") & drawn.of_class("computation")
    assert drawn.of_class("target") == {"v_1"}
    drawn = read_dot(ag.draw(y, backward="y").source)
    assert drawn.of_class("target") == {"y"}
    assert not drawn.arrows("backward")


def test_arrows_go_only_where_a_gradient_flows():
    h = ag.exp(X).named("h")
    c = ag.Tensor([3.0, 4.0], name="c")
    y = (h * c + ag.where(h > 2, X, c)).named("y")
    drawn = read_dot(ag.draw(y, backward=["x"]).source)
    assert set(drawn.arrows("backward")) == {("y", "h"), ("h", "x"), ("y", "x")}
    first = ag.Op("first", lambda a, b: a + 0 * b, lambda g, out, a, b: g, None)
    w = ag.Tensor(1.0, requires_grad=True, name="w")
    y = first(X, w).named("y")  # the op has no rule for w
    assert set(read_dot(ag.draw(y, backward="x").source).arrows("backward")) == {("y", "x")}
    with pytest.raises(ValueError, match="'w' gets no gradient"):
        ag.draw(y, backward="w")


def test_a_part_of_a_given_array_is_called_so_and_a_sum_begun_with_0_is_the_sum():
    x, total = ag.Tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], name="X"), 0
    w = ag.Tensor([0.5, 0.25], requires_grad=True, name="w")
    for row in (x[0], x[2], np.array([1.0, 0.5])):
        total = total + np.tanh(row @ w)
    drawn = read_dot(ag.draw(total, shapes=False).source)
    assert drawn.labels("computation") == ["tanh(X[0] w) + tanh(X[2] w) + tanh(c₁ w)"]
    assert set(drawn.labels("tensor")) == {"w", "X[0]", "X[2]", "c₁|[1 0.5]", "v₁"}
    less = read_dot(ag.draw(0 - x[0] @ w - x[2] @ w, shapes=False).source)
    assert less.labels("computation") == ["−X[0] w − X[2] w"]
    derived = ag.derive(total)
    assert "tanh(X[2] w)" in str(derived)
    values: dict = {}
    exec(derived.numpy_source, values)
    np.testing.assert_allclose(values["dw"], ag.gradients(total, [w])[0])


def test_what_is_called_by_what_it_is_has_its_names_written_as_names():
    a, x = ag.Tensor(np.eye(3)[::-1], name="A"), ag.Tensor(np.ones((3, 2)), name="x_1")
    w = ag.Tensor([[0.5], [0.25]], requires_grad=True, name="w")
    source = ag.draw(np.tanh(a @ x @ w) - (1 - x[1]), shapes=False).source
    labels = read_dot(source).labels("computation")
    assert labels == ["tanh(A x₁ w) − (1 − x₁[1])"]
    assert "<B>A</B>\u2009<B>x</B>₁" in source
    assert "1 − <B>x</B>₁[1&#93;" in source


def test_what_is_computed_of_drawn_data_is_no_node_of_its_own():
    p = ag.Tensor([0.25, 0.5], requires_grad=True, name="p")
    y, z = ag.Tensor([0.0, 1.0], name="y"), ag.Tensor([1.0, 2.0], name="z")
    drawn = read_dot(ag.draw(y * np.log(p) + (1 - y) * np.log(1 - p), shapes=False).source)
    assert sorted(drawn.labels("tensor")) == ["p", "v₁", "y"]
    drawn = read_dot(ag.draw(y * p + (1 - z) * p, shapes=False).source)  # which is drawn nowhere
    assert sorted(drawn.labels("tensor")) == ["1 − z", "p", "v₁", "y"]


def test_rows_that_are_looked_up_by_other_numbers_are_told_apart():
    w, h = (ag.Tensor(np.ones((4, 2)), requires_grad=True, name=n) for n in ("W", "h"))
    i, k = np.array([0, 1, 1, 2]), np.array([3, 1, 0, 2])
    score = np.sum((w[i] + w[k] * w[i]) * h, axis=1)
    source = ag.draw((1 / (1 + np.exp(-score))).named("p"), shapes=False).source
    labels = read_dot(source).labels("computation")
    assert labels == ["σ(Σj((W[k] + W[k'] ∘ W[k]) ∘ h))"]
    formula = ag.derive(np.sum(w[i] * w[k])).steps[0].formula
    assert formula == "scatter(W[k]) + scatter(W[k'])"


def test_a_convolution_that_is_a_product_of_matrices_is_called_one():
    x, w, b = (
        ag.Tensor(np.ones(shape), requires_grad=True, name=name)
        for shape, name in (((5, 5), "x"), ((2, 2, 2), "w"), ((2, 1, 1), "b"))
    )
    i, j = np.indices((2, 2)).reshape(2, -1, 1) + np.indices((4, 4)).reshape(2, 1, -1)
    z = ((w.reshape(2, -1) @ x[i, j]).reshape(2, 4, 4) + b).named("z")
    figure = ag.draw(np.sum(z), shapes=False)
    assert read_dot(figure.source).labels("computation") == ["Σ", "x ⋆ w + b"]


def test_a_loop_of_one_s_own_is_a_step_by_what_it_means():
    x, w, k = (
        ag.Tensor(np.eye(4)[:rows, :columns], requires_grad=True, name=name)
        for rows, columns, name in ((4, 4, "x"), (4, 2, "w"), (3, 3, "k"))
    )
    h = np.stack([np.tanh(x[i] @ w) for i in range(4)]).named("h")
    with filled.filling():
        out = filled.zeros((2, 2))
        for i in range(2):
            for j in range(2):
                out[i, j] = np.sum(x[i : i + 3, j : j + 3] * k)
        total = np.sum(h[:2] * out)
    labels = read_dot(ag.draw(total, shapes=False).source).labels("computation")
    assert labels == ["Σ(h[:2] ∘ v₁)", "tanh(x w)", "x ⋆ k"]


def test_what_is_joined_may_have_parts_without_entries():
    v = ag.Tensor(np.ones((2, 1)), requires_grad=True, name="v")
    joined = np.concatenate([np.ones((0, 1)), v**2, v[:0], np.zeros((2, 1))])
    figure = read_dot(ag.draw(np.sum(joined), shapes=False).source)
    assert figure.labels("computation") == ["Σ([c₁; v²; v[:0]; c₂])"]
