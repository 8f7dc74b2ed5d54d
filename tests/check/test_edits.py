"""Each edit of a line's formula, planted, is found again, and said in two languages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.check import Report, check_backprop
from autograd_lite.check import gradients as judged
from autograd_lite.check.edits import at, of_others
from autograd_lite.check.formula import Formula
from autograd_lite.check.line import Line
from autograd_lite.check.readings import ONE
from autograd_lite.check.words import CHINESE, KINDS, say

from ..each import each, some
from .by_hand import Problem

Loss = Callable[[np.random.Generator], ag.Tensor]


def leaf(array: Any, name: str) -> ag.Tensor:
    return ag.Tensor(array, requires_grad=True, name=name)


def layers(r: np.random.Generator) -> ag.Tensor:
    """Two layers with examples as rows, a penalty, and softmax with cross-entropy in NumPy."""
    x, y = r.normal(size=(6, 3)), np.eye(4)[r.integers(0, 4, 6)]
    w_1, w_2 = leaf(r.normal(size=(3, 5)), "W_1"), leaf(r.normal(size=(5, 4)), "W_2")
    h = np.tanh((x @ w_1 + leaf(r.normal(size=(1, 5)), "b")).named("s")).named("h")
    z = (h @ w_2).named("z")
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return -np.mean((y * np.log(p)).sum(axis=1)) + 0.3 * np.sum(w_2**2)


def columns(r: np.random.Generator) -> ag.Tensor:
    """Examples as columns; relu as a comparison, and squares."""
    x, w = r.normal(size=(3, 7)), leaf(r.normal(size=(4, 3)), "W")
    s = (w @ x + leaf(r.normal(size=(4, 1)), "b")).named("s")
    return np.sum((s * (s > 0) - r.normal(size=(4, 7))) ** 2) / 7


def normalised(r: np.random.Generator) -> ag.Tensor:
    """A lookup, normalised, with a gain."""
    c = leaf(r.normal(size=(5, 4)), "C")
    e = c[np.array([[0, 2], [2, 2], [1, 4]])].named("e")
    d = (e - e.mean(axis=-1, keepdims=True)).named("d")
    n = (d / np.sqrt((d**2).mean(axis=-1, keepdims=True) + 1e-3)).named("n")
    return np.sum(np.tanh(n * leaf(r.normal(size=4), "gain")) * r.normal(size=(3, 2, 4)))


def recurrent(r: np.random.Generator) -> ag.Tensor:
    """A recurrent net of three steps."""
    u, w = leaf(r.normal(size=(3, 3)), "U"), leaf(r.normal(size=(2, 3)), "W")
    h = ag.Tensor(r.normal(size=(4, 3)), name="h_0")
    for k in (1, 2, 3):
        h = np.tanh(h @ u + r.normal(size=(4, 2)) @ w).named(f"h_{k}")
    return np.sum((h - r.normal(size=(4, 3))) ** 2)


LOSSES: list[Loss] = [layers, columns, normalised, recurrent]


def right(loss: ag.Tensor) -> dict[str, np.ndarray]:
    tensors = {n: t for n, t in ag.named_tensors(loss).items() if t.requires_grad}
    return {n: g.data for n, g in zip(tensors, ag.gradients(loss, tensors.values()), strict=True)}


def planted(loss: ag.Tensor, given: dict[str, Any], name: str) -> Iterator[tuple[Any, Any]]:
    """Every edit of a line's readings that changes it, with the array that it gives."""
    lines: list[Line] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judged, "find", lambda line, usual: lines.append(line))
        patch.setattr(judged, "find_two", lambda line: None)
        check_backprop(loss, given | {name: given[name] + 1.0})
    (line,) = lines
    readings = line.readings
    for term in readings.of(name):
        f = Formula(term, line.bases[0])
        for e in f.order:
            others = of_others(f, readings, line.others, e)
            for edit in chain(at(e, readings), others) if e is not ONE else ():
                with np.errstate(all="ignore"):
                    out = f.but(edit.made)
                is_array = out is not None and np.isfinite(out).all() and out.any()
                if is_array and edit.kind == "one_for" and np.ptp(out) == 0:
                    continue  # of an array of ones nothing is said
                if is_array and not edit.free and not same(out, given[name]):
                    yield edit, out


def same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-5, atol=1e-8)


@each(some(LOSSES, 2))
def test_each_edit_is_found_again(make: Loss):
    loss = make(np.random.default_rng(0))
    given, unnamed = right(loss), []
    chosen = {  # one of each kind
        edit.kind: (name, edit, array)
        for name in given for edit, array in planted(loss, given, name)
    }  # fmt: skip
    for kind, (name, edit, array) in chosen.items():
        assert "{" not in say(kind, edit.values, name, language=CHINESE)
        report = check_backprop(loss, given | {name: array})
        assert not report[name].ok
        if "no usual mistake" in (report[name].cause or ""):
            unnamed.append((name, kind))
    assert len(chosen) > 8
    assert len(unnamed) <= 0.04 * len(chosen), unnamed


def test_every_kind_is_said_in_both_languages_with_the_same_values():
    for kind, (english, chinese) in KINDS.items():
        fields = {text.split("}")[0] for text in chinese.split("{")[1:]}
        assert fields <= {text.split("}")[0] for text in english.split("{")[1:]} | {"times"}, kind


# ---------------------------------------------------------------------- in words


def said(loss: ag.Tensor, changed: dict[str, Any], name: str) -> str:
    return check_backprop(loss, right(loss) | changed)[name].cause or ""


def test_what_is_said_of_usual_mistakes():
    loss = layers(np.random.default_rng(1))
    t = {n: x.data for n, x in ag.named_tensors(loss).items()}
    g = right(loss)
    p = np.exp(t["z"]) / np.exp(t["z"]).sum(1, keepdims=True)
    data = g["W_2"] - 0.6 * t["W_2"]
    told = {
        "not written yet: all zeros": ("W_1", 0 * g["W_1"]),
        "∂L/∂z has the wrong sign": ("z", -g["z"]),
        "∇W_1 is 6 times too large: divide it by the batch size q = 6": ("W_1", 6 * g["W_1"]),
        "1/q is there twice": ("z", g["z"] / 6),
        "the term y is missing: the target y belongs to softmax(z)": ("z", p / 6),
        "z stands where softmax(z) belongs: that is the gradient of another loss":
            ("z", (t["z"] - p) / 6 + g["z"]),  # z − y
        "tanh'(s) is missing": ("s", g["h"]),
        "the factor 1 − h² is missing": ("s", g["h"]),
        "this is the slope of sigmoid, and h is tanh(s)": ("s", g["h"] * t["h"] * (1 - t["h"])),
        "the factor 1 − z² is one too many": ("z", g["z"] * (1 - t["z"] ** 2)),
        "the factor z is one too many": ("W_2", t["h"].T @ (g["z"] * t["z"]) + 0.6 * t["W_2"]),
        "|h| stands where h belongs": ("W_2", np.abs(t["h"]).T @ g["z"] + 0.6 * t["W_2"]),
        "the term 0.6 · Σ W_1 is one too many": ("b", g["b"] + 0.6 * t["W_1"].sum(0)),
        "W_2 has its axes in another order, or turned round": ("h", g["z"] @ t["W_2"][:, ::-1].T),
        "tanh'(s) is computed from s where h belongs": ("s", g["h"] * (1 - t["s"] ** 2)),
        "the power 2 of 1 − h² stands outside of the sum": ("s", g["h"] * (1 - t["h"]) ** 2),
        "h stands with": ("s", g["h"] * (1 - t["h"] ** 3)),
        "summed over axis 1 instead of axis 0": ("b", g["s"].sum(1)),
        "∇b is not summed": ("b", g["s"]),
        "a mean where a sum belongs": ("b", g["s"].mean(0, keepdims=True)),
        "2 times too small": ("W_2", data + 0.3 * t["W_2"]),
        "the term 0.6 · W_2 has the wrong sign": ("W_2", data - 0.6 * t["W_2"]),
        "s stands where h belongs": ("W_2", t["s"].T @ g["z"] + 0.6 * t["W_2"]),
        "W_2 was updated before it was used: this has W_2 − 0.1 ∇W_2":
            ("h", g["z"] @ (t["W_2"] - 0.1 * g["W_2"]).T),
        "clipped to ±": ("W_1", np.clip(g["W_1"], -0.05, 0.05)),
    }  # fmt: skip
    for words, (name, array) in told.items():
        assert words in said(loss, {name: array}, name), words


def test_another_gate():
    r = np.random.default_rng(0)
    z = (r.normal(size=(5, 3)) @ leaf(r.normal(size=(3, 8)), "W")).named("z")
    i, o = z[:, :4], z[:, 4:]
    c = np.tanh(i).named("c")
    loss = np.sum(((c / (1 + np.exp(-o))).named("h") - 1) ** 2)
    given = right(loss)
    gate = 1 / (1 + np.exp(-z.data[:, :4]))
    wrong = given["z"].copy()
    wrong[:, 4:] = given["h"] * c.data * gate * (1 - gate)
    assert "another block of z is taken" in said(loss, {"z": wrong}, "z")


def test_sums_from_one_end():
    u = leaf(np.random.default_rng(0).normal(size=5), "u")
    s = (np.cumsum(np.exp(u)) * 1.0).named("s")
    loss = np.sum(np.sin(s) * np.arange(2.0, 7.0))
    g, slope = right(loss)["s"], np.exp(u.data)
    told = {
        "∇u is not summed: the sum of ∂L/∂s over axis 0 is missing": g,
        "Σ_≤i(∂L/∂s) stands where Σ_≥i(∂L/∂s) belongs": np.cumsum(g),
        "Σ_≥i(∂L/∂s) − ∂L/∂s stands where Σ_≥i(∂L/∂s) belongs": np.cumsum(g[::-1])[::-1] - g,
    }
    for words, wrong in told.items():
        assert said(loss, {"u": slope * wrong}, "u") == words


def test_what_is_the_largest_in_any_row():
    r = np.random.default_rng(0)
    a = leaf(r.normal(size=(4, 5)), "a")
    loss = np.sum(np.sin(a.max(axis=1).named("m")))
    wrong = np.zeros((4, 5))
    wrong[:, a.data.argmax(1)] = right(loss)["m"][:, None]
    assert "marks in any row is marked in all" in said(loss, {"a": wrong}, "a")


def test_relu_is_taken_of_what_comes_back_only():
    r = np.random.default_rng(0)
    s, u = leaf(r.uniform(1, 2, size=(4, 1)), "s"), leaf(r.normal(size=(4, 6)), "u")
    loss = np.sum(np.maximum(r.normal(size=(4, 6)) + s * u, 0))
    wrong = np.maximum(u.data, 0).sum(1, keepdims=True)
    assert "of the gradient itself" not in said(loss, {"s": wrong}, "s")


def test_what_becomes_one_in_a_quotient_explains_nothing():
    r = np.random.default_rng(0)
    m, y = leaf(r.uniform(1, 2, size=6), "m"), r.uniform(1, 2, size=6)
    k = leaf(np.array(0.7), "k")
    loss = np.sum((y + k.data) * np.log(k + m) - y * np.log(m))
    assert said(loss, {"m": 1 - y / m.data}, "m").endswith("is missing: 1 stands where it belongs")


def test_another_array_at_one_of_its_uses():
    r = np.random.default_rng(0)
    h, g = leaf(r.normal(size=(4, 3)), "h"), leaf(r.normal(size=(4, 3)), "g")
    s = (h * (h @ leaf(r.normal(size=(3, 3)), "U"))).named("s")
    loss = np.sum(s * g)
    given = right(loss)
    given["U"] = h.data.T @ (given["s"] * g.data)
    assert said(loss, given, "U") == "g stands where h belongs"


def test_what_is_written_where_it_is_added_up_or_taken_off():
    r = np.random.default_rng(0)
    x, y = r.normal(size=(6, 3)), np.array([0, 2, 1, 1, 0, 2])
    s = (x @ leaf(r.normal(size=(3, 3)), "W")).named("s")
    p = np.exp(s.data) / np.exp(s.data).sum(1, keepdims=True)
    loss = np.mean(np.log(np.exp(s).sum(axis=1)) - s[np.arange(6), y])
    for written in (-1, 1):
        wrong = p.copy()
        wrong[np.arange(6), y] = written
        assert "= where += belongs" in said(loss, {"s": wrong / 6}, "s")


def test_a_number_alone_in_the_place_of_one_term():
    r = np.random.default_rng(0)
    x, w = r.normal(size=(6, 3)), leaf(r.normal(size=(3, 3)), "W")
    loss = np.mean(np.tanh(x @ w)) + 0.1 * np.sum(w * w)
    wrong = right(loss)["W"] - 0.2 * w.data + 0.2
    assert said(loss, {"W": wrong}, "W") == "W is missing: 1 stands where it belongs"


@pytest.mark.parametrize("written", ["j", "y[i]"])
def test_what_is_written_into_columns_in_a_loop_loses_what_was_there(written: str):
    r = np.random.default_rng(0)
    x, y, w = r.normal(size=(6, 3)), np.array([0, 2, 1, 1, 0, 2]), leaf(r.normal(size=(3, 3)), "W")
    wrong, loss = np.zeros((3, 3)), ag.Tensor(0.0)
    for i, j in np.argwhere(np.arange(3) != y[:, None]):
        margin = (x[i] @ w)[j] - (x[i] @ w)[y[i]] + 1
        loss = loss + np.maximum(0, margin)
        if margin.data > 0:
            wrong[:, j] = x[i] + (0 if written == "j" else wrong[:, j])
            wrong[:, y[i]] = -x[i] + (0 if written == "y[i]" else wrong[:, y[i]])
    assert "= where += belongs" in said(loss, {"W": wrong}, "W")


def test_the_slope_alone_of_one_block():
    r = np.random.default_rng(0)
    z = (r.normal(size=(5, 3)) @ leaf(r.normal(size=(3, 8)), "W")).named("z")
    i, g = 1 / (1 + np.exp(-z[:, :4])), np.tanh(z[:, 4:])
    loss = np.sum(((i * g).named("c") - 1) ** 3)
    wrong = right(loss)["z"].copy()
    wrong[:, :4] = i.data * (1 - i.data)
    assert "the factor ∂L/∂c ∘ tanh(z[:, 4:]) is missing" in said(loss, {"z": wrong}, "z")


def test_a_part_of_what_is_normalised_at_one_of_its_uses():
    r = np.random.default_rng(0)
    x, d = leaf(r.normal(size=(6, 4)), "x"), leaf(r.normal(size=(6, 4)), "d")
    loss = np.sum((x - x.mean(0)) / np.sqrt(x.var(0) + 1e-3) * d)
    g, sd = d.data, np.sqrt(x.data.var(0) + 1e-3)
    centred = x.data - x.data.mean(0)

    def of(inner: Any, outer: Any) -> Any:
        return (g - g.mean(0) - outer * (g * inner).mean(0)) / sd

    z, told = centred / sd, "the term −meanᵢ(x) is missing"
    assert told in said(loss, {"x": of(x.data / sd, z)}, "x")
    assert told in said(loss, {"x": of(z, x.data / sd)}, "x")
    assert "the factor x − meanᵢ(x) is missing" in said(loss, {"x": of(z, 1 / sd)}, "x")
    divided = said(loss, {"x": of(centred, z)}, "x")
    assert divided.startswith("the division by √(")
    assert "varᵢ(x) + 0.001" in divided
    no_eps, other = centred / x.data.std(0), x.data - x.data.mean(1, keepdims=True)
    other /= np.sqrt(x.data.var(1, keepdims=True) + 1e-3)
    assert "the term 0.001 is missing" in said(loss, {"x": of(no_eps, no_eps)}, "x")
    assert "summed over axis 1 instead of axis 0" in said(loss, {"x": of(other, z)}, "x")


def test_rows_of_ones_own_table_and_other_ids_in_a_loop_over_pairs():
    r = np.random.default_rng(0)
    u, v = leaf(r.normal(size=(4, 3)), "U"), leaf(r.normal(size=(4, 3)), "V")
    pairs, loss = [(0, 1), (0, 2), (3, 1), (2, 0)], ag.Tensor(0.0)
    for i, j in pairs:
        loss = loss + ((u[i] * v[j]).sum() - 1) ** 2
    own, other, elsewhere = np.zeros((3, 4, 3))
    for i, j in pairs:
        g = 2 * (u.data[i] @ v.data[j] - 1)
        own[i] += g * u.data[i]
        other[i] += g * v.data[i]
        elsewhere[j] += g * v.data[j]
    assert said(loss, {"U": own}, "U") == "U stands where V belongs"
    assert said(loss, {"U": other}, "U").startswith("V is taken by the ids of U")
    assert " is taken by the ids of V, in the place of" in said(loss, {"U": elsewhere}, "U")


def test_a_vector_along_the_other_axis_and_a_part_that_is_transposed():
    r = np.random.default_rng(0)
    a, b = leaf(r.normal(size=(4, 4)), "a"), r.normal(size=4)
    h = (a * b).named("h")
    loss = np.sum(np.sin(h)) - np.sum(a[[1, 0, 2], [0, 2, 2]])
    g, marks = right(loss)["h"], np.zeros((4, 4))
    marks[[1, 0, 2], [0, 2, 2]] = 1
    told = {"[:, None] stands where": g * b[:, None] - marks,
            "the term −m_1 is transposed": g * b - marks.T}  # fmt: skip
    for words, wrong in told.items():
        assert words in said(loss, {"a": wrong}, "a")


def test_the_first_of_all_what_comes_before_a_function_and_another_array_transposed():
    r = np.random.default_rng(0)
    x, v, w = r.normal(size=(5, 3)), leaf(r.normal(size=(4, 3)), "V"), leaf(np.eye(3, 4), "W")
    h = np.tanh(x @ w)
    z = (h @ v).named("z")
    loss = np.mean(np.abs(z - 1) ** 3) + np.sum(v**2)
    g = right(loss)["z"]
    told = {"the first of x along axis 0": x[[0] * 5].T @ ((g @ v.data.T) * (1 - h.data**2)),
            "x W stands where tanh(x W) belongs": (x @ w.data).T @ g + 2 * v.data,
            "Wᵀ stands where V belongs": h.data.T @ g + 2 * w.data.T}  # fmt: skip
    for (words, wrong), name in zip(told.items(), "WVV", strict=True):
        assert words in said(loss, {name: wrong}, name)


def test_a_mask_too_many_another_threshold_and_several_terms_times_a_number():
    r = np.random.default_rng(0)
    s, seen = leaf(r.normal(size=(6, 6)), "s"), np.tri(6) == 1
    a, b = (s * 2).named("a"), np.sin(s).named("b")
    loss = np.sum(np.where(seen, np.maximum(0, a + 1), 0)) + np.sum(b**3) + np.sum(s**2)
    g, t = right(loss), s.data
    parts = 2 * g["a"], np.cos(t) * g["b"], 2 * t
    assert "0 stands where" in said(loss, {"a": seen * (2 * t > 0)}, "a")
    assert "is one too many" in said(loss, {"b": g["b"] * seen}, "b")
    assert "is 3 times too large" in said(loss, {"s": parts[0] + 3 * (parts[1] + parts[2])}, "s")


def test_a_quadratic_form_of_columns_is_read():
    r = np.random.default_rng(0)
    x, w, lr = r.normal(size=(4, 3)), leaf(r.normal(size=(3, 1)), "w"), leaf(0.1, "lr")
    g = np.sin(w).named("g")
    loss = np.mean((x @ (w - lr * g).named("v")) ** 2)
    wrong = {"lr": -np.sum(right(loss)["v"] * w.data)}
    assert said(loss, wrong, "lr") == "w stands where g belongs"


def test_what_is_used_twice_is_read_by_each_use():
    r = np.random.default_rng(0)
    c, p = leaf(r.normal(size=(5, 3)), "c"), r.normal(size=3)
    t, o = np.tanh(c).named("t"), (1 / (1 + np.exp(-p * c))).named("o")
    h = (o * t).named("h")
    g, x = right(loss := np.sum(h**3)), {"o": o.data, "t": t.data}
    by_t, by_o = g["h"] * x["o"], p * g["h"] * x["t"] * x["o"] * (1 - x["o"])
    assert "tanh'(c) is missing" in said(loss, {"c": by_t + by_o}, "c")
    by_t = by_t * (1 - x["t"] ** 2)
    assert "is missing: add it up" in said(loss, {"c": by_t}, "c")
    assert "the factor h is one too many" in said(loss, {"c": by_t + by_o * h.data}, "c")


def test_rows_in_a_loop_have_the_wrong_sign_and_what_belongs_to_another_tensor():
    r = np.random.default_rng(0)
    e, a, b = (leaf(r.normal(size=s), n) for n, s in (("E", (5, 3)), ("a", 3), ("b", 3)))
    loss, wrong = np.sum(np.sin(a) * b), np.zeros((5, 3))
    for n, (i, j) in enumerate([(0, 1), (2, 1), (1, 4), (0, 3)]):
        d = (e[i] - e[j]).named(f"d_{n}")
        loss = loss + np.sum(d**2)
        wrong[[i, j]] += 2 * d.data
    assert "wrong sign" in said(loss, {"E": wrong}, "E")
    b_for_a = {"a": np.sin(a.data)}
    assert said(loss, b_for_a, "a") == "it is ∇b, which belongs to another tensor"


def test_one_of_two_and_what_stands_for_its_mask():
    r = np.random.default_rng(0)
    p, c = leaf(r.normal(size=(4, 3)), "p"), leaf(r.normal(size=(4, 3)), "c")
    z = (np.sin(p * c) * c).named("z")
    h = np.maximum(z, 0).named("h")
    g = right(loss := np.sum(np.exp(h)))
    assert "z stands where z > 0 belongs" in said(loss, {"z": g["h"] * z.data}, "z")
    wrong = g["z"] * c.data * np.cos(p.data * c.data) * p.data
    assert "p stands where c belongs" in said(loss, {"p": wrong}, "p")


def test_n_is_blamed_only_where_something_is_divided_by_it():
    r = np.random.default_rng(0)
    h = np.tanh(leaf(r.normal(size=(3, 2)), "W") @ r.normal(size=(2, 6))).named("h")
    m = h.mean(axis=1, keepdims=True).named("m")
    g = right(loss := np.sum(3.0 * np.exp(m)))
    assert said(loss, {"m": g["m"] / 3}, "m") == "∂L/∂m is 3 times too small"


def test_states_that_begin_with_zeros_and_another_step_in_a_product():
    r = np.random.default_rng(0)
    u, w = leaf(r.normal(size=(3, 3)), "U"), leaf(r.normal(size=(2, 3)), "W")
    x, h = r.normal(size=(4, 5, 2)), {-1: ag.Tensor(np.zeros((5, 3)))}
    for t in range(4):
        h[t] = np.tanh(x[t] @ w + h[t - 1] @ u).named(f"h_{t}")
    g = right(loss := np.sum(h[3] ** 3))
    wrong = sum(h[t].data.T @ (g[f"h_{t}"] * (1 - h[t].data ** 2)) for t in range(4))
    assert said(loss, {"U": wrong}, "U").startswith("h_3 stands where h_2 belongs")


def test_what_is_all_zeros_may_cancel():
    x = leaf(np.arange(3.0), "x")
    cause = said(np.sum((x - x.mean()) ** 2), {"x": np.zeros(3)}, "x")
    assert cause.startswith("not written yet: all zeros (or it cancels")


def test_what_follows_and_what_does_not():
    problem = Problem(3, 10, "tanh", 3)
    given = problem.gradients("half")
    given["W_12"] = given["W_12"].T
    report = check_backprop(problem.recorded(), given)
    assert causes(report) == {"s_3": "δ_3 is 2 times too small", "W_12": "∇W_12 is transposed"}
    problem = Problem(4, 10, "tanh", 2)
    report = check_backprop(problem.recorded(), problem.gradients("no σ'"))
    assert set(causes(report)) == {"s_2"}
    assert report["W_01"].follows_from == "s_2"


def causes(report: Report) -> dict[str, str]:
    return {e.name: e.cause.split(":")[0] for e in report.entries if e.cause is not None}


@pytest.mark.parametrize(
    ("mistake", "name", "words"),
    [("no 1/q", "W_34", "is 30 times too large"), ("no σ'", "W_12", "tanh'(s_2) is missing"),
     ("updated", "W_23", "W_34 was updated before"), ("sign", "W_12", "has the wrong sign"),
     ("no transpose", "W_01", "W_12 is not transposed")],
)  # fmt: skip
def test_weights_alone_are_enough(mistake: str, name: str, words: str):
    problem = Problem(4, 10, "tanh", 2)
    weights = {n: g for n, g in problem.gradients(mistake).items() if n[0] == "W"}
    first = check_backprop(problem.recorded(), weights).first_wrong
    assert first is not None
    assert first.name == name
    assert words in (first.cause or "")


def test_nothing_fits_and_what_differs_is_shown():
    problem = Problem(2, 10, "tanh", 1)
    given = problem.gradients()
    noise = np.random.default_rng(1).normal(size=(4, 3))
    cause = check_backprop(problem.recorded(), given | {"W_12": noise})["W_12"].cause or ""
    assert cause.startswith("no usual mistake gives this ∇W_12 (differs by ")
    assert "given:    [[ 0.3456, 0.8216, 0.3304]," in cause
    one = given["W_12"].copy()
    one[1, 2] += 0.3
    assert "it differs at [1, 2] only" in said(problem.recorded(), {"W_12": one}, "W_12")
    rows = given["s_2"] * np.arange(1.1, 11)[:, None]
    assert "along axis 0" in (check_backprop(problem.recorded(), {"s_2": rows})["s_2"].cause or "")


def test_two_tensors_of_one_name_are_refused():
    x = leaf(np.ones(2), "x")
    loss = np.sum((x * 2).named("y") + (x * 3).named("y"))
    with pytest.raises(ValueError, match="2 tensors are called 'y'"):
        check_backprop(loss, {"y": np.ones(2)})


def test_q_in_the_lines_of_the_parameters_only_is_a_convention():
    net = nn.MLP([2, 3, 1], rng=0)
    x, y = np.random.default_rng(0).normal(size=(5, 2)), np.ones((5, 1))
    loss = nn.BCELoss()(net(x), y)
    g = right(loss)
    report = check_backprop(loss, g | {n: 5 * g[n] for n in ("s_2", "l_1", "s_1")})
    assert "the convention of some courses" in (report["s_2"].cause or "")
    assert report["s_1"].follows_from == "s_2"
    assert report["W_01"].ok


def test_terms_that_share_a_part_and_one_that_is_written_over_the_others():
    r = np.random.default_rng(0)
    x, c = leaf(r.normal(size=(3, 5)), "x"), r.normal(size=(3, 5))
    loss = np.sum(c * x**3) + np.sum((x[1:] - x[:-1]) ** 2) + np.sum((x[:, 1:] - x[:, :-1]) ** 2)
    g, d = right(loss)["x"], 2 * (x.data[1:] - x.data[:-1])
    half, over = g.copy(), 3 * c * x.data**2
    half[1:] -= d / 2
    half[:-1] += d / 2
    over[1:] = d
    over[:-1] -= d
    over += g - 3 * c * x.data**2 - np.pad(d, ((1, 0), (0, 0))) + np.pad(d, ((0, 1), (0, 0)))
    assert "is 2 times too small" in said(loss, {"x": half}, "x")
    assert "= where += belongs" in said(loss, {"x": over}, "x")


def test_ids_of_another_lookup_and_rows_without_an_index():
    r = np.random.default_rng(0)
    ids, y = np.array([0, 3, 1, 3]), np.array([2, 0, 3, 2])
    e, w = leaf(r.normal(size=(4, 3)), "E"), leaf(r.normal(size=(3, 4)), "W")
    h = e[ids].named("h")
    s = (h @ w).named("s")
    loss = -np.sum((s - np.log(np.sum(np.exp(s), axis=1, keepdims=True)))[np.arange(4), y])
    g, p = right(loss), np.exp(s.data) / np.exp(s.data).sum(1, keepdims=True)
    assert "is taken by the ids of E" in said(loss, {"s": p - np.eye(4)[ids]}, "s")
    assert "summed over axis 0" in said(loss, {"E": np.zeros((4, 3)) + g["h"].sum(0)}, "E")


def test_the_last_pass_of_a_loop_and_a_threshold_that_is_left_out():
    r = np.random.default_rng(0)
    u, v, words = leaf(r.normal(size=(5, 3)), "U"), leaf(r.normal(size=3), "v"), [1, 4, 1, 2]
    s = (u @ v).named("s")
    loss = ag.Tensor(0.0)
    for o in words:
        scores = u @ v
        loss = loss + np.log(np.sum(np.exp(scores))) - scores[o]
    last = np.exp(s.data) / np.exp(s.data).sum() - np.eye(5)[2]
    assert "= where += belongs" in said(loss, {"U": np.outer(last, v.data)}, "U")
    signs = np.sign(s.data) * [1, 1, 1, 1, -1]
    hinge = np.sum(np.maximum(0, 1 - signs * s))
    assert "0 stands where 1" in said(hinge, {"s": -signs * (signs * s.data < 0)}, "s")


def test_blocks_that_are_exchanged_and_what_is_computed_without_its_logarithm():
    r = np.random.default_rng(0)
    z, counts = leaf(r.normal(size=(5, 4)), "z"), r.integers(1, 9, size=(5, 2)) * 1.0
    loss = np.sum((np.sin(z[:, :2]) - np.log(counts)) ** 2) + np.sum(np.exp(z[:, 2:]))
    g, t = right(loss)["z"], z.data
    assert "are exchanged" in said(loss, {"z": np.hstack([g[:, 2:], g[:, :2]])}, "z")
    plain = 2 * (np.sin(t[:, :2]) - counts) * np.cos(t[:, :2])
    assert "exp(y) stands where y" in said(loss, {"z": np.hstack([plain, g[:, 2:]])}, "z")


def test_inputs_in_the_reversed_order_at_each_step_and_one_too_many_beside_a_gradient():
    r = np.random.default_rng(0)
    w, u = leaf(r.normal(size=(2, 3)), "W"), leaf(r.normal(size=(3, 3)), "U")
    xs, h, a = r.normal(size=(4, 5, 2)), ag.Tensor(np.zeros((5, 3))), []
    for t in range(4):
        a.append((xs[t] @ w + h @ u).named(f"a_{t}"))
        h = np.tanh(a[t]).named(f"h_{t}")
    loss = np.sum((h - 1) ** 2)
    g = right(loss)
    wrong = sum(xs[3 - t].T @ g[f"a_{t}"] for t in range(4))
    lines = {f"a_{t}": g[f"a_{t}"] for t in range(4)}
    assert "so each of the 4 times" in said(loss, lines | {"W": wrong}, "W")
    more = (g["a_1"] + g["a_3"]) @ u.data.T
    assert "is one too many" in said(loss, lines | {"h_0": more}, "h_0")


@pytest.mark.parametrize("shape", [(5, 3), (5,)])
def test_of_equal_ids_the_last_wins(shape: Any):
    r = np.random.default_rng(0)
    table, ids = leaf(r.normal(size=shape), "E"), np.array([0, 2, 2, 4, 0])
    looked_up = table[ids].named("h")
    g = right(np.sum(looked_up**3))
    wrong = np.zeros(shape)
    wrong[ids] = g["h"]
    assert "the last wins" in said(np.sum(looked_up**3), {"h": g["h"], "E": wrong}, "E")


def test_no_update_is_read_into_rows_that_are_all_alike():
    s = leaf(np.ones((4, 1)), "s")
    assert "update" not in said(np.sum(np.tanh(s)), {"s": np.full((4, 1), -1.23456)}, "s")
