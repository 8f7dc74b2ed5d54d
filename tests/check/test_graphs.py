"""Any recorded graph: plain NumPy code, shared weights, residual connections, other layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.check import check_backprop

from ..each import examples
from ..test_work import python_calls


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def parameter(name: str, *shape: int, seed: int = 0) -> ag.Tensor:
    return ag.Tensor(rng(seed).normal(size=shape), requires_grad=True, name=name)


# ---------------------------------------------------------------------- the chapter's own code


class Plain:
    """The chapter's network in NumPy, of which some tensors are named."""

    def __init__(self, named: tuple[str, ...], sigmoid: Any, squash: Any, loss: str) -> None:
        self.x, self.y = rng(1).normal(size=(10, 2)), rng(2).integers(0, 2, (10, 1)).astype(float)
        self.w_01, self.w_12 = parameter("W_01", 2, 4), parameter("W_12", 4, 1, seed=3)
        self.b_01, self.b_12 = parameter("b_01", 1, 4, seed=4), parameter("b_12", 1, 1, seed=5)
        s_1 = np.dot(self.x, self.w_01) + self.b_01
        l_1 = sigmoid(s_1)
        s_2 = np.dot(l_1, self.w_12) + self.b_12
        l_2 = squash(s_2)
        y = self.y
        self.loss = {
            "bce": lambda: -np.sum(y * np.log(l_2) + (1 - y) * np.log(1 - l_2)) / len(y),
            "squares": lambda: np.sum((l_2 - y) ** 2) / 2,
            "mse": lambda: np.mean((y - l_2) ** 2),
        }[loss]()
        self.values = {"s_1": s_1, "l_1": l_1, "s_2": s_2, "l_2": l_2}
        for name in named:
            self.values[name].name = name

    def value(self, name: str) -> Any:
        return self.values[name].data


def sigmoid(s: Any) -> Any:
    return 1.0 / (1 + np.exp(-s))


def tanh(s: Any) -> Any:
    e = np.exp(-2 * s)
    return (1 - e) / (1 + e)


def test_activation_in_four_ops_is_one():
    plain = Plain(("s_1", "l_1", "s_2", "l_2"), sigmoid, sigmoid, "bce")
    l_1, l_2, w_12 = plain.value("l_1"), plain.value("l_2"), plain.w_12.data
    delta_2 = (l_2 - plain.y) / 10
    back = delta_2 @ w_12.T
    s_1 = plain.value("s_1")
    assert check_backprop(plain.loss, {"s_2": delta_2, "s_1": back * l_1 * (1 - l_1)}).ok
    told = {
        "σ'(s_1) is missing: multiply by σ'(s_1) = l_1 ∘ (1 − l_1)": back,
        "σ'(s_1) is there once too often": back * (l_1 * (1 - l_1)) ** 2,
        "σ'(s_1) is computed from s_1 where l_1 belongs": back * s_1 * (1 - s_1),
        "the derivative of tanh stands where σ'(s_1)": back * (1 - l_1**2),
    }
    for words, delta_1 in told.items():
        report = check_backprop(plain.loss, {"s_2": delta_2, "s_1": delta_1})
        assert report["s_2"].ok
        assert (report["s_1"].cause or "").startswith(words)


def test_tanh_that_is_used_twice_within():
    plain = Plain(("s_1", "l_1"), tanh, lambda s: s, "squares")
    l_1 = plain.value("l_1")
    back = (plain.value("s_2") - plain.y) @ plain.w_12.data.T
    assert check_backprop(plain.loss, {"s_1": back * (1 - l_1**2)}).ok
    report = check_backprop(plain.loss, {"s_1": back})
    assert (report["s_1"].cause or "").startswith("tanh'(s_1) is missing")


@pytest.mark.parametrize("loss", ["bce", "mse"])
def test_loss_in_plain_numpy_is_known_by_its_derivative(loss: str):
    plain = Plain(("s_2", "l_2"), sigmoid, sigmoid, loss)
    l_1, l_2 = plain.value("l_1"), plain.value("l_2")
    delta_2 = l_2 - plain.y if loss == "bce" else 2 * (l_2 - plain.y) * l_2 * (1 - l_2)
    report = check_backprop(plain.loss, {"s_2": delta_2, "W_12": l_1.T @ delta_2})
    assert report["s_2"].cause == (
        "δ_2 is 10 times too large: divide it by the batch size q = 10"
    )
    assert report["W_12"].follows_from == "s_2"


def test_cross_entropy_taken_for_squares_and_the_other_way_round():
    plain = Plain(("s_2", "l_2"), sigmoid, sigmoid, "squares")
    difference = plain.value("l_2") - plain.y
    cause = check_backprop(plain.loss, {"s_2": difference})["s_2"].cause
    assert (cause or "").startswith("σ'(s_2) is missing: multiply by σ'(s_2) = l_2 ∘ (1 − l_2)")
    plain = Plain(("s_2", "l_2"), sigmoid, sigmoid, "bce")
    l_2 = plain.value("l_2")
    cause = check_backprop(plain.loss, {"s_2": difference * l_2 * (1 - l_2) / 10})["s_2"].cause
    assert (cause or "").startswith("σ'(s_2) is there once too often")
    assert "another loss" in (cause or "")


def test_cross_entropy_taken_for_another_loss():
    s, y = parameter("s", 6), np.array([0, 1, 1, 0, 1, 0.0])
    p = (1 / (1 + np.exp(-s))).named("p")
    loss = 1 - 2 * np.sum(p * y) / (np.sum(p) + np.sum(y))
    for q in (1, 6):
        said = check_backprop(loss, {"s": (p.data - y) / q})["s"].cause or ""
        assert said.startswith("p − c_1 stands where what comes back to s belongs: that is the")


def test_what_takes_a_gradient_from_beside_follows_from_it():
    z, gamma = parameter("z", 5, 2), parameter("gamma", 2)
    d, n = z - z.mean(axis=0), (z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + 1e-5)
    out = (gamma * n.named("n")).named("out")
    loss = np.sum((out - rng(1).normal(size=(5, 2))) ** 2) / 2
    (g,) = ag.gradients(loss, [out])
    g, n, sd = g.data, n.data, d.data / n.data
    scale = (g * n).sum(axis=0) + np.array([0.37, -1.2])
    given = {"out": g, "gamma": scale}
    given["z"] = gamma.data / sd * (g - g.mean(axis=0) - n * scale / 5)
    report = check_backprop(loss, given)
    assert not report["gamma"].ok
    assert report["z"].follows_from == "gamma"


def test_the_largest_that_softmax_takes_off_may_be_left_out():
    s, y = parameter("s", 5, 3), np.array([0, 2, 1, 1, 0])
    z = (s - s.max(axis=1, keepdims=True)).named("z")
    logp = (z - np.log(np.exp(z).sum(axis=1, keepdims=True))).named("logp")
    loss = -logp[np.arange(5), y].mean()
    wrong, given = np.exp(logp.data), {"logp": (np.arange(3) == y[:, None]) / -5}
    assert check_backprop(loss, {**given, "z": wrong, "s": wrong})["s"].follows_from == "z"


def test_only_the_parameters_are_named():
    plain = Plain((), sigmoid, sigmoid, "bce")
    l_1, l_2, w_12 = plain.value("l_1"), plain.value("l_2"), plain.w_12.data
    delta_2 = (l_2 - plain.y) / 10
    delta_1 = delta_2 @ w_12.T * l_1 * (1 - l_1)
    right = {"W_12": l_1.T @ delta_2, "b_12": delta_2.sum(0), "W_01": plain.x.T @ delta_1}
    assert check_backprop(plain.loss, right | {"b_01": delta_1.sum(0)}).ok
    report = check_backprop(plain.loss, right | {"b_01": delta_1.mean(0)})
    assert "a mean where a sum belongs" in (report["b_01"].cause or "")
    no_slope = plain.x.T @ (delta_2 @ w_12.T)
    report = check_backprop(plain.loss, right | {"W_01": no_slope})
    assert "σ'(x W_01 + b_01) is missing" in (report["W_01"].cause or "")


# ---------------------------------------------------------------------- several uses


def test_shared_weights_need_both_contributions():
    w = parameter("W", 3, 3)
    x = rng(1).normal(size=(5, 3))
    h = np.tanh(x @ w).named("h")
    loss = np.sum(np.tanh(h @ w))
    out = np.tanh(h.data @ w.data)
    d_2 = 1 - out**2
    d_1 = d_2 @ w.data.T * (1 - h.data**2)
    first, second = h.data.T @ d_2, x.T @ d_1
    assert check_backprop(loss, {"W": first + second}).ok
    for part in (first, second):
        cause = check_backprop(loss, {"W": part})["W"].cause
        assert "is missing: add it up (+=)" in (cause or "")


def test_one_of_three_uses_is_missing():
    w = parameter("w", 2)
    loss = np.sum(np.sin(w).named("a")) + np.sum(np.exp(w).named("b")) + np.sum(w**3)
    cause = check_backprop(loss, {"w": np.cos(w.data) + 3 * w.data**2})["w"].cause
    assert (cause or "").startswith("the term b is missing: add it up (+=)")


def residual() -> tuple[ag.Tensor, dict[str, Any]]:
    w = parameter("W", 3, 3)
    x = parameter("x", 4, 3, seed=1)
    h = np.tanh(x).named("h")
    s = (h @ w).named("s")
    loss = np.sum((h + np.tanh(s)) ** 2)
    g = 2 * (h.data + np.tanh(s.data))
    ds = g * (1 - np.tanh(s.data) ** 2)
    dh = g + ds @ w.data.T
    return loss, {"s": ds, "W": h.data.T @ ds, "h": dh, "x": dh * (1 - h.data**2), "skip": g}


def test_residual_connection():
    loss, g = residual()
    skip = g.pop("skip")
    assert check_backprop(loss, g).ok
    through_layer = g["h"] - skip
    told = {
        "what comes from s (the term ∂L/∂s Wᵀ) is missing": skip,
        "the term 2 · (h + tanh(s)) is missing": through_layer,
    }
    for said, part in told.items():
        wrong = g | {"h": part, "x": part * g["x"] / g["h"]}
        report = check_backprop(loss, wrong)
        assert (report["h"].cause or "").startswith(said)
        assert report["x"].follows_from == "h"
        assert report["W"].ok


def test_a_term_under_a_negative_factor_has_its_sign():
    w = parameter("w", 5)
    loss = -(np.sum(np.sin(w).named("a")) + np.sum(w**2) - np.sum(np.exp(w).named("b")))
    sine, square, b = np.cos(w.data), 2 * w.data, np.exp(w.data)
    for wrong, said in (
        (b - sine, "the term −2 · w is missing"), (b - square, "the term −cos(w) is missing"),
        (b + sine - square, "the term −cos(w) has the wrong sign"),
    ):  # fmt: skip
        assert (check_backprop(loss, {"w": wrong})["w"].cause or "").startswith(said)


# ---------------------------------------------------------------------- recurrent nets


def recurrence(slope: Any, turned: Any, steps: int = 3) -> Any:
    """A recurrent net of which the parameters alone are given, by a step back that is made up."""
    r = rng()
    names = {"W": (3, 4), "U": (4, 4), "b": (4,), "V": (4, 3)}
    p = {n: ag.Tensor(r.normal(size=s), requires_grad=True, name=n) for n, s in names.items()}
    xs, ys = r.normal(size=(2, steps, 2, 3))
    h, loss, kept = np.zeros((2, 4)), 0.0, []
    for x, y in zip(xs, ys, strict=True):
        before, h = h, np.tanh(x @ p["W"] + h @ p["U"] + p["b"])
        out = h @ p["V"]
        loss = loss + np.sum((out - y) ** 2)
        kept.append((x, np.asarray(getattr(before, "data", before)), h.data, 2 * (out.data - y)))
    found = {n: np.zeros(s) for n, s in names.items()}
    dh = np.zeros((2, 4))
    for x, before, h, dy in reversed(kept):
        dz = (dy @ p["V"].data.T + dh) * slope(h)
        parts = {"V": h.T @ dy, "W": x.T @ dz, "U": before.T @ dz, "b": dz.sum(0)}
        found = {n: g + parts[n] for n, g in found.items()}
        dh = turned(dz, p["U"].data)
    return loss, found


def test_two_changes_in_a_recurrence_with_the_parameters_alone():
    def right(h: Any) -> Any:
        return 1 - h**2

    assert check_backprop(*recurrence(right, lambda dz, u: dz @ u.T)).ok
    for slope, turned, *said in (
        (lambda h: 1, lambda dz, u: dz @ u, "U is not transposed", "is missing: multiply by tanh'"),
        (lambda h: 1 - h, lambda dz, u: dz @ u, "U is not transposed", "with the exponent 1"),
        (lambda h: 1 - h, lambda dz, u: -dz @ u.T, "has the wrong sign", "with the exponent 1"),
    ):
        report = check_backprop(*recurrence(slope, turned))
        assert report.first_wrong is not None
        assert all(words in (report.first_wrong.cause or "") for words in said), report


def test_twenty_steps_are_searched_with_bounded_work():
    loss, found = recurrence(lambda h: 1 - h**2, lambda dz, u: dz @ u, 20)
    said = []
    assert python_calls(lambda: said.append(str(check_backprop(loss, found)))) < 2_000_000
    assert "U is not transposed" in said[0]


# ---------------------------------------------------------------------- other graphs


def test_complex_lines_have_causes():
    r = rng()
    z, v = r.normal(size=(2, 4)) + 1j * r.normal(size=(2, 4))
    loss = np.sum(np.abs(ag.Tensor(z, requires_grad=True, name="z") * v) ** 2)
    (right,) = ag.gradients(loss, [ag.named_tensors(loss)["z"]])
    assert check_backprop(loss, {"z": right}).ok
    for wrong, said in (
        (-right, "∇z has the wrong sign"), (2 * right, "∇z is 2 times too large"),
        (np.conj(right), "∇z is the complex conjugate"),
        (right + r.normal(size=4), "no usual mistake"),
    ):  # fmt: skip
        assert (check_backprop(loss, {"z": wrong})["z"].cause or "").startswith(said)


def test_a_factor_of_the_number_of_columns_is_no_convention():
    w = parameter("W", 3, 4)
    x, y = rng(1).normal(size=(6, 3)), rng(2).normal(size=(6, 4))
    s = (x @ w).named("s")
    loss = np.mean((s - y) ** 2) / 2
    delta = (s.data - y) / 24
    for k, is_course in ((4, False), (6, True)):
        cause = check_backprop(loss, {"s": k * delta, "W": x.T @ delta})["s"].cause or ""
        assert ("convention" in cause) == is_course


def test_single_numbers_and_leaves():
    x = ag.Tensor(3.0, requires_grad=True, name="x")
    y = (x * x).named("y")
    loss = np.sin(y)
    assert check_backprop(loss, {"y": np.cos(9.0), "x": 6 * np.cos(9.0)}).ok
    report = check_backprop(loss, {"y": -np.cos(9.0), "x": -6 * np.cos(9.0)})
    assert report["y"].cause == "∂L/∂y has the wrong sign"
    assert report["x"].follows_from == "y"
    assert check_backprop(x, {"x": 1.0}).ok  # a loss that is a leaf
    assert not check_backprop(x, {"x": 2.0}).ok
    x.data = 7.0
    assert check_backprop(loss, {"x": 6 * np.cos(9.0)}).ok  # one that was rebound since


def test_softmax_and_cross_entropy():
    net = nn.MLP([2, 4, 3], "tanh", output="identity", rng=0)
    x, classes = rng(1).normal(size=(10, 2)), rng(2).integers(0, 3, 10)
    loss = nn.CrossEntropyLoss()(net(x), classes)
    z = ag.named_tensors(loss)["s_2"].data
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    y = np.eye(3)[classes]
    assert check_backprop(loss, {"s_2": (p - y) / 10}).ok
    told = {
        "δ_2 is 10 times too large: divide it by the batch size q = 10": p - y,
        "δ_2 is 3 times too small": (p - y) / 30,
        "s_2 stands where softmax(s_2) belongs: that is the gradient of another loss":
            (z - y) / 10,
    }  # fmt: skip
    for words, delta in told.items():
        assert (check_backprop(loss, {"s_2": delta})["s_2"].cause or "").startswith(words)


def test_softmax_as_an_activation():
    net = nn.MLP([2, 3], "softmax", rng=0)
    x, y = rng(1).normal(size=(10, 2)), np.eye(3)[rng(2).integers(0, 3, 10)]
    loss = nn.SquaredErrorLoss("sum")(net(x), y)
    p = ag.named_tensors(loss)["l_1"].data
    g = p - y
    assert check_backprop(loss, {"s_1": p * (g - (g * p).sum(1, keepdims=True))}).ok
    cause = check_backprop(loss, {"s_1": g})["s_1"].cause
    assert cause == "it is ∂L/∂l_1 as it stands: the step from there is missing"


def test_logits_taken_for_squares_after_a_sigmoid():
    net = nn.MLP([2, 1], "identity", rng=0)
    x, y = rng(1).normal(size=(10, 2)), rng(2).integers(0, 2, (10, 1)).astype(float)
    loss = nn.BCEWithLogitsLoss("sum")(net(x), y)
    p = sigmoid(ag.named_tensors(loss)["s_1"].data)
    report = check_backprop(loss, {"s_1": (p - y) * p * (1 - p)})
    assert "the factor σ(s_1) ∘ (1 − σ(s_1)) is one too many" in (report["s_1"].cause or "")
    report = check_backprop(loss, {"s_1": (p - y) / 10})
    assert "δ_1 is 10 times too small" in (report["s_1"].cause or "")


def test_vectors_indices_and_stacks():
    w, x = parameter("w", 3), parameter("x", 4, 3, seed=1)
    s = (x @ w).named("s")
    loss = np.sum(s[np.array([0, 0, 2])] * np.concatenate([s, s])[2:5])
    loss.backward()
    for name in ("w", "x", "s"):
        tensor = ag.named_tensors(loss)[name]
        assert check_backprop(loss, {name: tensor.grad}).ok
        report = check_backprop(loss, {name: 2 * tensor.grad})  # type: ignore[operator]
        assert "too large" in (report[name].cause or "")
        assert not check_backprop(loss, {name: np.ones(tensor.shape)}).ok


def test_no_gradient_flows_to_a_condition_or_through_an_op_without_one():
    """No mistake is found behind it, and none of those that are tried there raises."""
    x = parameter("x", 5)
    mask = ag.Tensor([True, False, True, True, False], name="mask")
    loss = np.sum(ag.ops.elementwise.where_op(mask, x, 2 * x))
    assert check_backprop(loss, {"x": [1, 2, 1, 1, 2]}).ok
    report = check_backprop(loss, {"x": [2, 1, 2, 2, 1], "mask": [0] * 5})
    assert not report["x"].ok
    assert report["mask"].ok
    sign = ag.Op("sign", np.sign, None)
    h = (2 * x).named("h")
    loss = np.sum(np.sin(h)) + np.sum(sign(h).named("s"))
    right = 2 * np.cos(h.data)
    assert check_backprop(loss, {"x": right, "s": np.ones(5)}).ok
    told = check_backprop(loss, {"h": [7.0, 8.0, 9.0, 7.5, 8.5]})["h"].cause
    assert (told or "").startswith("no usual mistake gives this ∂L/∂h (differs by ")
    blocked = np.sum(sign(np.exp(x)))
    assert check_backprop(blocked, {"x": np.zeros(5)}).ok
    assert not check_backprop(blocked, {"x": [1.0, 2.0, 4.0, 3.0, 5.0]}).ok


def test_long_graph_is_searched_within_bounds():
    x = parameter("x", 3)
    value = x
    for _ in range(examples(3000)):
        value = np.sin(value + 0.1)
    report = check_backprop(np.sum(value), {"x": [1.0, 2.0, 3.0]})
    assert "no usual mistake" in (report["x"].cause or "")
    assert report["x"].formula is None


# ---------------------------------------------------------------------- rules that refuse numbers


def test_what_is_computed_again_in_the_backward_pass_is_checked() -> None:
    for dtype in ("float64", "float32", "float16"):
        x = ag.Tensor(np.array([1.0, 2.0], dtype), requires_grad=True, name="x")
        loss = np.sum(ag.checkpoint(np.sin)(x) ** 2)
        (right,) = ag.gradients(loss, [x])
        assert check_backprop(loss, {"x": right}).ok
        assert "2 times too large" in str(check_backprop(loss, {"x": 2 * right}))
        assert "no usual mistake" in str(check_backprop(loss, {"x": right**2 + 7}))


def test_a_mistake_that_a_rule_refuses_is_no_candidate() -> None:
    def rule(g: Any, out: Any, x: Any) -> Any:
        if not np.allclose(out, np.sin(x)):
            raise RuntimeError("this is no sine")
        return g * np.cos(x)

    x = ag.Tensor([1.0, 2.0], requires_grad=True, name="x")
    loss = np.sum(ag.Op("own", np.sin, rule)(x))
    assert "wrong sign" in str(check_backprop(loss, {"x": -np.cos(x.data)}))


def test_an_array_of_ones_has_no_cause() -> None:
    x, y = rng(1).normal(size=(5, 3)), rng(2).normal(size=(5, 2))
    h = np.tanh((x @ parameter("W", 3, 4)).named("s")).named("h")
    loss = np.mean((h @ parameter("V", 4, 2, seed=1) - y) ** 2)
    tensors = {n: t for n, t in ag.named_tensors(loss).items() if t is not loss}
    gradients = ag.gradients(loss, [*tensors.values()])
    right = {n: g.data for n, g in zip(tensors, gradients, strict=True)}
    for name, g in right.items():
        for given in (right | {name: np.ones(g.shape)}, {name: np.ones(g.shape)}):
            cause = check_backprop(loss, given)[name].cause
            assert cause is not None
            assert "no usual mistake" in cause, cause


def cause(loss: ag.Tensor, given: dict[str, Any]) -> str:
    first = check_backprop(loss, given).first_wrong
    assert first is not None
    return first.cause or ""


def test_ids_in_the_place_of_one_hot_rows_and_the_ids_of_all_rows():
    z = parameter("z", 3, 4)  # examples as columns
    y, q = np.array([0, 2, 0, 2]), np.arange(4)
    p = (np.exp(z) / np.exp(z).sum(axis=0)).named("p")
    loss = -np.log(p[y, q]).sum()
    every = p.numpy()
    every[y] -= 1
    assert "the ids themselves" in cause(loss, {"z": p.data - y})
    assert "marks in any row is marked in all" in cause(loss, {"z": every})


@pytest.mark.parametrize("index", [(), (None,)])  # written in one, and one by one
def test_windows_that_overlap_are_added_up_not_written_over(index: tuple[None, ...]):
    x, w = parameter("x", 6), parameter("w", 2, 3, seed=1)
    s = np.stack([(w * x[*index, i : i + 3]).sum(axis=1) for i in range(4)]).named("s")
    given = {"s": s.numpy(), "x": np.zeros(6)}
    for i in range(4):
        for f in range(2):
            given["x"][i : i + 3] = given["s"][i, f] * w.data[f]
    assert "= where += belongs" in cause(0.5 * (s**2).sum(), given)


def test_a_part_of_what_a_named_result_is():
    s, x, v = parameter("s", 5, 3), rng(1).normal(size=(5, 3)), parameter("v", 3, seed=2)
    h = (s / (1 + np.exp(-s)) + x).named("h")
    out = (h @ v).named("out")
    wrong = {"out": out.numpy(), "v": (h.data - x).T @ out.data}
    assert "the term c_1 is missing" in cause(0.5 * (out**2).sum(), wrong)


def test_ids_of_another_lookup():
    p, q = parameter("P", 3, 2), parameter("Q", 4, 2, seed=1)
    u, i = np.array([0, 2, 2, 1]), np.array([3, 1, 0, 3])
    s = (p[u] * q[i]).sum(axis=1).named("s")
    wrong = np.zeros((4, 2))
    np.add.at(wrong, u, s.data[:, None] * p.data[u])
    assert "by the ids of P" in cause(0.5 * (s**2).sum(), {"s": s.numpy(), "Q": wrong})


def test_a_slope_alone_and_what_says_nothing_of_a_column():
    x, y = rng().normal(size=(6, 3)), np.array([[1.0, 0, 1, 1, 0, 0]]).T
    z = (x @ parameter("w", 3, 1)).named("z")
    p = 1 / (1 + np.exp(-z))
    loss = -np.sum(y * np.log(p) + (1 - y) * np.log(1 - p))
    assert "(1 − σ(z)) stands where" in cause(loss, {"z": p.data * (1 - p.data)})
    unnamed = cause(loss, {"z": (p.data - y) * np.sin(9 * p.data)})
    assert unnamed.startswith("no usual mistake")
    assert "the right one times" not in unnamed
