"""Gradients that are right although they were computed otherwise, and arrays that mean nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite import Tensor

from .planted import Program
from .programs_nets import CONVOLUTION, MAKEMORE, TEXTBOOK, TWO_LAYERS
from .programs_sequences import ATTENTION, HEADS, PIPELINE

Case = tuple[Tensor, dict[str, Any]]


def _rng() -> np.random.Generator:
    return np.random.default_rng(5)


def _leaf(array: Any, name: str) -> Tensor:
    return Tensor(array, requires_grad=True, name=name)


def _replaced(program: Program, **lines: str) -> Case:
    """A program's right gradients, with what is computed anew from its arrays."""
    loss, given = program.gradients()
    _, space = program.recorded()
    exec(program.written(), space)
    for name, code in lines.items():
        given[name] = eval(code, space)
    return loss, given


def row_maximum_left_out() -> Case:
    return _replaced(MAKEMORE, logits="dnorm_logits", logit_maxes="np.zeros_like(logit_maxes)")


def bias_before_batch_norm_is_zero() -> Case:
    return _replaced(MAKEMORE, b1="np.zeros_like(b1)")


def bias_before_batch_norm_by_another_sum() -> Case:
    return _replaced(MAKEMORE, b1="dhprebn[::-1].sum(0)")


def long_way_beside_the_short() -> Case:
    return _replaced(TEXTBOOK, l_2="(l_2 - y) / (l_2 * (1 - l_2)) / q", s_2="(l_2 - y) / q")


def probabilities_beside_the_short_way() -> Case:
    return _replaced(TWO_LAYERS, probs="-np.eye(C)[y] / probs / N")


def exponentials_without_their_sums_shift() -> Case:
    return _replaced(TWO_LAYERS, shifted="dscores")


def einsum_and_loops() -> Case:
    return _replaced(
        PIPELINE,
        W2="np.einsum('btk,btc->kc', h, dz)",
        W1="sum(x[i].T @ ds[i] for i in range(B))",
        b2="np.ones(B * T) @ dz.reshape(-1, C)",
        E="sum(np.eye(7)[ids[i]].T @ dx[i] for i in range(B))",
    )


def tensordot() -> Case:
    return _replaced(HEADS, Wc="np.tensordot(m, dlogits, axes=([0, 1], [0, 1]))")


def masked_scores() -> Case:
    return _replaced(ATTENTION, S="np.tril(dM)", M="dM * causal")


def lists() -> Case:
    return _replaced(TEXTBOOK, W_12="(l_1.T @ ds_2).tolist()", b_12="db_12.tolist()")


def pooling_takes_the_first_of_equal_ones() -> Case:
    x = _leaf([[0.0, 0.0, -1.0], [2.0, 2.0, 1.0]], "x")
    loss = np.sum(x.max(axis=1).named("m") * np.array([1.0, 3.0]))
    return loss, {"m": np.array([1.0, 3.0]), "x": np.array([[1.0, 0, 0], [3.0, 0, 0]])}


def pooling_gives_all_to_each_of_equal_ones() -> Case:
    x = _leaf([[1.0, 1.0, -1.0], [2.0, 0.0, 1.0]], "x")
    loss = np.sum(x.max(axis=1, keepdims=True).named("m") * np.array([[1.0], [3.0]]))
    return loss, {"x": np.array([[0, 1.0, 0], [3.0, 0, 0]])}


def _saturated(cost: Callable[[Any, Any], Any]) -> Case:
    x = np.array([[1.0, 2.0], [3.0, 4.0], [-50.0, 2.0], [60.0, 3.0], [-900.0, 1.0], [800.0, 2.0]])
    y = np.array([[1.0], [0.0], [1.0], [0.0], [1.0], [1.0]])
    w = _leaf([[1.0], [0.1]], "w")
    s = (x @ w).named("s")
    with np.errstate(all="ignore"):
        p = (1 / (1 + np.exp(-s))).named("p")
        loss = np.mean(cost(p, y))
    return loss, {"s": (p.data - y) / 6, "w": x.T @ (p.data - y) / 6}


def saturated_sigmoid() -> Case:
    return _saturated(lambda p, y: -(y * np.log(p) + (1 - y) * np.log(1 - p)))


def saturated_sigmoid_with_guards() -> Case:
    return _saturated(lambda p, y: -(y * np.log(p + 1e-6) + (1 - y) * np.log(1e-6 + 1 - p)))


def saturated_sigmoid_that_is_clipped() -> Case:
    def cost(p: Any, y: Any) -> Any:
        inner = np.clip(p, 1e-7, 1 - 1e-7)
        return -(y * np.log(inner) + (1 - y) * np.log(1 - inner))

    return _saturated(cost)


def saturated_softmax() -> Case:
    z, y = _leaf(1e3 * _rng().normal(size=(4, 3)), "z"), np.array([0, 2, 1, 1])
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = (e / e.sum(axis=1, keepdims=True)).named("p")
    with np.errstate(all="ignore"):
        return -np.mean(np.log(p[np.arange(4), y])), {"z": (p.data - np.eye(3)[y]) / 4}


def relu_at_zero() -> Case:
    s = _leaf([[0.0, 1.0, -2.0], [3.0, 0.0, 0.0]], "s")
    g = np.array([[2.0, 3.0, 5.0], [7.0, 11.0, 13.0]])
    return np.sum(np.maximum(s, 0).named("h") * g), {"h": g, "s": g * (s.data >= 0)}


def absolute_value_at_zero() -> Case:
    w = _leaf([0.0, -1.5, 2.0], "w")
    return 0.5 * np.sum(np.abs(w)), {"w": np.array([0.5, -0.5, 0.5])}


def hinge_at_its_corner() -> Case:
    z = _leaf([1.0, 0.5, 3.0], "z")
    return np.sum(np.maximum(0, 1 - z)), {"z": np.array([-1.0, -1.0, 0.0])}


def logarithm_where_it_is_read() -> Case:
    x = _leaf([0.5, 0.0, 2.0], "x")
    positive = x.data > 0
    with np.errstate(all="ignore"):
        loss = np.sum(np.where(positive, np.log(x), 0) * np.array([1.0, 2.0, 3.0]))
    return loss, {"x": np.array([2.0, 0.0, 1.5])}


def units_that_are_dead() -> Case:
    r = _rng()
    x = r.normal(size=(5, 3))
    w, b = _leaf(r.normal(size=(3, 4)), "W"), _leaf(np.full(4, -50.0), "b")
    h = np.maximum((x @ w + b).named("s"), 0).named("h")
    zero = np.zeros((5, 4))
    return np.sum(h**2), {"h": zero, "s": zero, "W": np.zeros((3, 4)), "b": np.zeros(4)}


def shift_of_all_logits() -> Case:
    r = _rng()
    z = _leaf(r.normal(size=(6, 4)), "z")
    shift = _leaf(r.normal(size=(6, 1)), "shift")
    s = (z + shift).named("s")
    p = np.exp(s) / np.exp(s).sum(axis=1, keepdims=True)
    d = p.data / 6
    d[:, 2] -= 1 / 6
    return -np.log(p[:, 2]).mean(), {"s": d, "z": d, "shift": d.sum(axis=1, keepdims=True)}


def bias_of_the_keys() -> Case:
    r = _rng()
    q, k, v = r.normal(size=(5, 3)), r.normal(size=(5, 3)), r.normal(size=(5, 2))
    bias = _leaf(r.normal(size=3), "bk")
    s = (q @ (k + bias).named("K").T).named("S")
    e = np.exp(s - s.max(axis=1, keepdims=True))
    a = (e / e.sum(axis=1, keepdims=True)).named("A")
    da = r.normal(size=(5, 2)) @ v.T
    ds = a.data * (da - (da * a.data).sum(axis=1, keepdims=True))
    return np.sum(a * da), {"A": da, "S": ds, "K": ds.T @ q, "bk": (ds.T @ q).sum(0)}


def stack_of_products() -> Case:
    r = _rng()
    a, b = _leaf(r.normal(size=(5, 4)), "a"), r.normal(size=(2, 4, 3))
    z = (a @ b).named("z")
    return np.sum(z**2), {"z": 2 * z.data, "a": np.einsum("bij,bkj->ik", 2 * z.data, b)}


def whole_numbers() -> Case:
    x = _leaf([[1.0, 2.0], [3.0, 4.0]], "x")
    return 0.5 * np.sum(x**2), {"x": np.array([[1, 2], [3, 4]])}


def forward_pass_in_single_precision() -> Case:
    r = _rng()
    x, t = (r.normal(size=s).astype(np.float32) for s in ((16, 4), (16, 3)))
    w, b = (r.normal(size=s).astype(np.float32) for s in ((4, 3), (3,)))
    h = (x @ _leaf(w, "W") + _leaf(b, "b")).named("h")
    z = ((h - h.mean(axis=0)) / np.sqrt(h.var(axis=0) + np.float32(1e-5))).named("z")
    s = np.sqrt(h.data.var(axis=0) + np.float32(1e-5))
    dz = t * (1 - np.tanh(z.data) ** 2)
    dh = (dz - dz.mean(axis=0) - z.data * (dz * z.data).mean(axis=0)) / s
    return np.sum(np.tanh(z) * t), {"z": dz, "h": dh, "W": x.T @ dh, "b": dh[::-1].sum(axis=0)}


def pooling_of_what_relu_left_at_zero() -> Case:
    loss, given = CONVOLUTION.gradients()
    _, space = CONVOLUTION.recorded()
    act = space["act"].reshape(3, 2, 2, 2, 2).transpose(0, 1, 3, 2, 4).reshape(-1, 4)
    pool = given["pool"].reshape(-1, 1) * np.eye(4)[act.argmax(axis=1)]
    given["act"] = pool.reshape(3, 2, 2, 2, 2).transpose(0, 1, 3, 2, 4).reshape(3, 4, 4)
    return loss, given


RIGHT: tuple[Callable[[], Case], ...] = (
    row_maximum_left_out, bias_before_batch_norm_is_zero, bias_before_batch_norm_by_another_sum,
    long_way_beside_the_short, probabilities_beside_the_short_way, einsum_and_loops, tensordot,
    masked_scores, lists, pooling_takes_the_first_of_equal_ones,
    pooling_gives_all_to_each_of_equal_ones, relu_at_zero, absolute_value_at_zero,
    hinge_at_its_corner, logarithm_where_it_is_read, units_that_are_dead, shift_of_all_logits,
    bias_of_the_keys, stack_of_products, whole_numbers, forward_pass_in_single_precision,
    pooling_of_what_relu_left_at_zero,
)  # fmt: skip


def meaningless(program: Program) -> Iterator[tuple[str, Tensor, dict[str, Any]]]:
    """One gradient of a program with noise, with one entry changed, and of random numbers."""
    loss, right = program.gradients()
    skipped = program.convention.split()
    names = [n for n, g in right.items() if np.size(g) >= 6 and n not in skipped and np.any(g)]
    if not names:
        return
    r = np.random.default_rng(len(program.name))
    for name, how in zip(r.choice(names, 3), ("noise", "one entry", "random"), strict=True):
        g = right[name]
        size = np.abs(g).max()
        noise = size * r.normal(size=g.shape)
        one = np.zeros(g.size)
        one[r.integers(g.size)] = 0.37 * size
        wrong = {"noise": g + 0.1 * noise, "one entry": g + one.reshape(g.shape), "random": noise}
        yield str(name), loss, right | {name: wrong[how]}


def explanation(name: str, loss: Tensor, given: dict[str, Any]) -> str:
    """What is said of the gradient of that name, where a cause is given; else nothing."""
    try:
        cause = ag.check_backprop(loss, given)[name].cause or "not called wrong"
    except Exception as error:
        cause = repr(error)
    return "" if "no usual mistake" in cause else f"{name}: {cause}"
