"""Layers: each computes what NumPy and PyTorch do, and is derived, drawn, explained, checked and
compiled like the rest."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite import Tensor
from autograd_lite.engine.leaves import hold

from ..each import each

RNG = np.random.default_rng(19)
ROWS = RNG.normal(size=(4, 3))
TIMES = RNG.normal(size=(2, 2, 4))
IMAGES = RNG.normal(size=(2, 2, 4, 4))
SYMBOLS = np.array([[1, 2, 1], [0, 4, 4]])
CE = nn.CrossEntropyLoss


def sigma(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def conv(x: Any, w: Any, b: Any, stride: int = 1, pad: int = 0) -> Any:
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    k = w.shape[-1]
    h, v = ((n - k) // stride + 1 for n in x.shape[2:])
    out = np.empty((len(x), len(w), h, v))
    for i, j in np.ndindex(h, v):
        seen = x[:, None, :, i * stride : i * stride + k, j * stride : j * stride + k]
        out[:, :, i, j] = (seen * w).sum((2, 3, 4))
    return out + b


def pooled(x: Any, f: Any) -> Any:
    return np.stack([np.stack([f(x[:, :, i : i + 2, j : j + 2], axis=(2, 3)) for j in (0, 2)], -1)
                     for i in (0, 2)], -2)  # fmt: skip


def rnn(x: Any, wx: Any, wh: Any, b: Any) -> Any:
    h, out = np.zeros((len(x), len(wh))), []
    for t in range(x.shape[1]):
        h = np.tanh(x[:, t] @ wx + h @ wh + b)
        out.append(h)
    return np.stack(out, 1)


def lstm(x: Any, wx: Any, wh: Any, b: Any) -> Any:
    n = len(wh)
    h = c = np.zeros((len(x), n))
    out = []
    for t in range(x.shape[1]):
        s = x[:, t] @ wx + h @ wh + b
        i, f, g, o = (s[:, k * n : k * n + n] for k in range(4))
        c = sigma(f) * c + sigma(i) * np.tanh(g)
        h = sigma(o) * np.tanh(c)
        out.append(h)
    return np.stack(out, 1)


def attention(x: Any, *p: Any, causal: bool = False) -> Any:
    wq, bq, wk, bk, wv, bv, wo, bo = p
    rows = []
    for one in x:
        q, k, v = one @ wq + bq, one @ wk + bk, one @ wv + bv
        heads = []
        for at in (slice(0, 2), slice(2, 4)):
            e = np.exp(q[:, at] @ k[:, at].T / math.sqrt(2))
            e = np.tril(e) if causal else e
            heads.append(e / e.sum(1, keepdims=True) @ v[:, at])
        rows.append(np.hstack(heads) @ wo + bo)
    return np.stack(rows)


def normalised(x: Any, axis: int, g: Any, b: Any) -> Any:
    centred = x - x.mean(axis, keepdims=True)
    return g * centred / np.sqrt((centred**2).mean(axis, keepdims=True) + 1e-5) + b


class First(nn.Module):
    """The outputs of a recurrent net, without its last state."""

    def __init__(self, net: nn.Module) -> None:
        self.net = net

    def forward(self, x: Any) -> Any:
        return self.net(x)[0]


class Layer(NamedTuple):
    """A layer, what it is called with, what NumPy makes of that, and some of its formulas."""

    make: Callable[[], nn.Module]
    x: Any
    by_numpy: Callable[..., Any]
    formulas: dict[str, str]


DELTAS = {"h_1": "∂L/∂p[:, 0] + δ_2 W_hᵀ"}
SUMS = {"W_x": "x[:, 0]ᵀ δ_1 + x[:, 1]ᵀ δ_2", "W_h": "h_0ᵀ δ_1 + h_1ᵀ δ_2", "b": "1ᵀ (δ_1 + δ_2)"}
HEADS = {
    "W_O": "Σ_i(Hᵀ ∂L/∂p)", "V": "Aᵀ heads(∂L/∂H)", "Q": "∂L/∂S K / √2",
    "K": "∂L/∂Sᵀ Q / √2", "W_Q": "Σ_i(xᵀ concat(∂L/∂Q))",
}  # fmt: skip
SCORES = "A ∘ (heads(∂L/∂H) Vᵀ − Σ_l(A ∘ (heads(∂L/∂H) Vᵀ)))"

LAYERS = {
    "Dropout": Layer(
        lambda: nn.Dropout(0.5, rng=0), ROWS,
        lambda x: x * 2 * (np.random.default_rng(0).random(x.shape) >= 0.5), {"x": "∂L/∂p ∘ m"},
    ),
    "LayerNorm": Layer(
        lambda: nn.LayerNorm(3), ROWS, lambda x, g, b: normalised(x, 1, g, b),
        {"x": "(∂L/∂p ∘ γ − u_1 ∘ meanⱼ(∂L/∂p ∘ γ ∘ u_1) − meanⱼ(∂L/∂p ∘ γ)) / √(varⱼ(x) + 1e−05)",
         "γ": "1ᵀ (∂L/∂p ∘ u_1)", "β": "1ᵀ ∂L/∂p"},
    ),
    "BatchNorm1d": Layer(
        lambda: nn.BatchNorm1d(3), ROWS, lambda x, g, b, m, v: normalised(x, 0, g, b),
        {"x": "γ ∘ (∂L/∂p − meanᵢ(∂L/∂p) − u_1 ∘ meanᵢ(∂L/∂p ∘ u_1)) / √(varᵢ(x) + 1e−05)"},
    ),
    "Embedding": Layer(
        lambda: nn.Embedding(5, 3, rng=0), SYMBOLS, lambda k, e: e[k],
        {"E": "Σ_i(onehot(k)ᵀ ∂L/∂p)"},
    ),
    "Conv2d": Layer(
        lambda: nn.Conv2d(2, 3, 2, rng=0), IMAGES, conv,
        {"x": "∂L/∂p * W", "W": "x ⋆ ∂L/∂p", "b": "Σ_i,k,l(∂L/∂p)"},
    ),
    "Conv2d, strides, padding": Layer(
        lambda: nn.Conv2d(2, 3, 2, stride=2, padding=1, rng=0), IMAGES,
        lambda x, w, b: conv(x, w, b, 2, 1), {"b": "Σ_i,k,l(∂L/∂p)"},
    ),
    "MaxPool2d": Layer(
        lambda: nn.MaxPool2d(2), IMAGES, lambda x: pooled(x, np.max),
        {"x": "upsample(∂L/∂p) ∘ (x = upsample(p))"},
    ),
    "AvgPool2d": Layer(
        lambda: nn.AvgPool2d(2), IMAGES, lambda x: pooled(x, np.mean),
        {"x": "0.25 · upsample(∂L/∂p)"},
    ),
    "Flatten": Layer(lambda: nn.Flatten(), IMAGES, lambda x: x.reshape(2, -1), {}),
    "RNN": Layer(
        lambda: First(nn.RNN(4, 2, rng=0)), TIMES, rnn,
        {"s_1": "(1 − h_1²) ∘ (∂L/∂p[:, 0] + δ_2 W_hᵀ)", **SUMS},
    ),
    "LSTM": Layer(
        lambda: First(nn.LSTM(4, 2, rng=0)), TIMES, lstm,
        {"c_1": "∂L/∂h_1 ∘ o_1 ∘ (1 − tanh(c_1)²) + ∂L/∂c_2 ∘ f_2", "f_2": "∂L/∂c_2 ∘ c_1",
         "s_1": "[∂L/∂i_1 ∘ i_1 ∘ (1 − i_1), ∂L/∂f_1 ∘ f_1 ∘ (1 − f_1), ∂L/∂g_1 ∘ (1 − g_1²), "
                "∂L/∂o_1 ∘ o_1 ∘ (1 − o_1)]", **DELTAS, **SUMS},
    ),
    "MultiHeadAttention": Layer(
        lambda: nn.MultiHeadAttention(4, 2, rng=0), TIMES, attention, {"S": SCORES, **HEADS},
    ),
    "MultiHeadAttention, causal": Layer(
        lambda: nn.MultiHeadAttention(4, 2, causal=True, rng=0), TIMES,
        lambda *p: attention(*p, causal=True), {"S": SCORES, **HEADS},
    ),
    "GELU": Layer(
        nn.GELU, ROWS,
        lambda x: x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))), {},
    ),
    "SiLU": Layer(
        nn.SiLU, ROWS, lambda x: x * sigma(x), {"x": "∂L/∂p ∘ (1 + x ∘ (1 − σ(x))) ∘ σ(x)"},
    ),
}  # fmt: skip


def of_floats(layer: Layer) -> bool:
    return bool(layer.x.dtype.kind == "f")


def called(net: nn.Module, x: Any) -> Any:
    """The output as a Tensor; an array of floats is made one, for nets that are but a function."""
    return net(Tensor(x) if not isinstance(x, Tensor) and x.dtype.kind == "f" else x)


def weighted(net: nn.Module, x: Any) -> Tensor:
    """A loss by which each entry of the output is asked for with a weight of its own."""
    p = called(net, x).named("p")
    y = Tensor(np.random.default_rng(7).normal(size=p.shape), name="y")
    return nn.SquaredErrorLoss()(p, y)


def recorded(layer: Layer) -> tuple[Tensor, list[Tensor], dict[str, Any]]:
    """A loss, its leaves, and their gradients."""
    x = Tensor(layer.x, True, "x") if of_floats(layer) else layer.x
    loss = weighted(layer.make(), x)
    leaves = [t for t in ag.named_tensors(loss).values() if t.is_leaf and t.requires_grad]
    found = {t.name or "": g.data for t, g in zip(leaves, ag.gradients(loss, leaves), strict=True)}
    return loss, leaves, found


@each(LAYERS)
def test_a_layer_computes_what_numpy_does_and_is_compiled(layer: Layer):
    net = layer.make()
    expected = layer.by_numpy(layer.x, *(p.data for p in net.parameters()))
    np.testing.assert_allclose(called(net, layer.x).data, expected, rtol=1e-12, atol=1e-14)
    if of_floats(layer):
        ag.check_grads(lambda x: weighted(layer.make(), x), layer.x, order=1)
    net.eval()
    compiled = ag.compile(lambda x: called(net, x).data)
    np.testing.assert_allclose(compiled(layer.x), called(net, layer.x).data, rtol=1e-12, atol=1e-14)
    if of_floats(layer):
        slope = ag.grad(lambda x: weighted(net, x))
        compiled = ag.compile(slope)
        for x in (layer.x, layer.x[::-1].copy()):
            np.testing.assert_allclose(compiled(x), slope(x), rtol=1e-10, atol=1e-14)


@each(LAYERS)
def test_a_layer_keeps_single_precision_and_takes_no_rows(layer: Layer):
    net = layer.make()
    for _, tensor in net.named_tensors():
        hold(tensor, tensor.data.astype(np.float32))
    x = layer.x.astype(np.float32) if of_floats(layer) else layer.x
    out = called(net, x)
    assert out.dtype == np.float32
    assert called(net.eval(), x[:0]).shape == (0, *out.shape[1:])


@each(LAYERS)
def test_a_layer_trains_by_compiled_steps_as_it_does_without(layer: Layer):

    class Scaled(nn.Module):
        def __init__(self) -> None:
            self.inner, self.scale = layer.make().eval(), Tensor(1.0, requires_grad=True)

        def forward(self, x: Any) -> Any:
            return self.inner(x) * self.scale

    states = []
    y = np.zeros(layer.make()(layer.x).shape)
    for compiled in (True, False):
        net = Scaled()
        optimizer = nn.Adam(net.parameters(), lr=0.1, max_norm=0.1)
        history = nn.fit(net, layer.x, y, nn.MSELoss(), optimizer, 3, compiled=compiled)
        states.append({"": np.array(history.loss), **net.state_dict()})
    for key, value in states[0].items():
        np.testing.assert_allclose(value, states[1][key], rtol=1e-6, atol=1e-10)
    assert states[0][""][-1] < states[0][""][0]


@each(LAYERS)
def test_the_formulas_of_a_layer_are_those_of_a_textbook(layer: Layer):
    loss, _, gradients = recorded(layer)
    derivation = ag.derive(loss)
    results = {step.target: step.result for step in derivation}
    assert {name: results[name] for name in layer.formulas} == layer.formulas
    space: dict[str, Any] = {}
    exec(derivation.numpy_source, space)
    for name, value in gradients.items():
        np.testing.assert_allclose(derivation[f"∇{name}"].value, value, rtol=1e-9, atol=1e-14)
        found = space["d" + name.replace("β", "beta")]
        np.testing.assert_allclose(found, value, rtol=1e-9, atol=1e-14)


@each(LAYERS)
def test_a_layer_is_drawn_and_its_gradients_are_checked(layer: Layer):
    loss, leaves, gradients = recorded(layer)
    for figure in (ag.draw(loss, backward=leaves), ag.draw(loss, collapse="module")):
        assert figure.source.startswith("digraph")
    assert ag.check_backprop(loss, gradients).ok
    last = list(gradients)[-1]
    report = ag.check_backprop(loss, {last: -gradients[last]})
    assert report[last].cause == f"∇{last} has the wrong sign", report


@pytest.fixture(scope="module")
def torch() -> Any:
    return pytest.importorskip("torch", reason="compares with PyTorch, which tests don't need")


def test_layers_agree_with_pytorch(torch: Any):
    """Values, and gradients of the input and the parameters, in double precision."""
    f = torch.nn.functional

    def norm(x: Any, g: Any, b: Any) -> Any:
        return f.layer_norm(x, (3,), g, b)

    def batch(x: Any, g: Any, b: Any, *_: Any) -> Any:
        return f.batch_norm(x, None, None, g, b, training=True)

    def recurrent(kind: str) -> Any:
        def run(x: Any, wx: Any, wh: Any, b: Any) -> Any:
            net = getattr(torch.nn, kind)(4, 2, batch_first=True, dtype=torch.float64)
            names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
            values = (wx.T, wh.T, b[0], torch.zeros(b.shape[1], dtype=torch.float64))
            parts = dict(zip(names, values, strict=True))
            return torch.func.functional_call(net, parts, (x,))[0]

        return run

    def heads(causal: bool) -> Any:
        def run(x: Any, *p: Any) -> Any:
            net = torch.nn.MultiheadAttention(4, 2, batch_first=True, dtype=torch.float64)
            wq, bq, wk, bk, wv, bv, wo, bo = p
            parts = {
                "in_proj_weight": torch.cat([wq.T, wk.T, wv.T]), "out_proj.weight": wo.T,
                "in_proj_bias": torch.cat([bq, bk, bv], 1)[0], "out_proj.bias": bo[0],
            }  # fmt: skip
            mask = torch.ones(2, 2, dtype=torch.bool).triu(1) if causal else None
            return torch.func.functional_call(net, parts, (x, x, x), {"attn_mask": mask})[0]

        return run

    theirs: dict[str, Any] = {
        "LayerNorm": norm, "BatchNorm1d": batch, "Embedding": lambda k, e: f.embedding(k, e),
        "Conv2d": lambda x, w, b: f.conv2d(x, w, b.ravel()),
        "Conv2d, strides, padding": lambda x, w, b: f.conv2d(x, w, b.ravel(), 2, 1),
        "MaxPool2d": lambda x: f.max_pool2d(x, 2), "AvgPool2d": lambda x: f.avg_pool2d(x, 2),
        "Flatten": lambda x: x.flatten(1), "RNN": recurrent("RNN"), "LSTM": recurrent("LSTM"),
        "MultiHeadAttention": heads(False), "MultiHeadAttention, causal": heads(True),
        "GELU": lambda x: f.gelu(x, approximate="tanh"), "SiLU": f.silu,
    }  # fmt: skip
    assert set(LAYERS) - set(theirs) == {"Dropout"}  # which draws other numbers
    for name, theirs_of in theirs.items():
        net = LAYERS[name].make()
        x = Tensor(LAYERS[name].x, of_floats(LAYERS[name]))
        other = torch.tensor(LAYERS[name].x, requires_grad=x.requires_grad)
        ours = net.parameters()
        parts = [torch.tensor(p.data, requires_grad=True) for p in ours]
        out, expected = net(x if x.requires_grad else x.data), theirs_of(other, *parts)
        np.testing.assert_allclose(out.data, expected.detach().numpy(), rtol=1e-12, err_msg=name)
        seed = np.random.default_rng(3).normal(size=out.shape)
        out.backward(seed)
        expected.backward(torch.tensor(seed))
        for p, q in zip([x, *ours], [other, *parts], strict=True):
            if p.requires_grad:
                error = f"{name}: {p.name}"
                np.testing.assert_allclose(p.grad, q.grad, rtol=1e-9, atol=1e-13, err_msg=error)


def agree(torch: Any, what: Any, ours: Any, theirs: Any, *arrays: Any) -> None:
    """Values, and the gradients of all arrays, in double precision."""
    xs = [Tensor(x, requires_grad=True) for x in arrays]
    others = [torch.tensor(x, requires_grad=True) for x in arrays]
    out, expected = ours(*xs), theirs(*others)
    out.backward(np.cos(np.arange(out.size)).reshape(out.shape))
    expected.backward(torch.arange(expected.numel()).double().cos().reshape(expected.shape))
    found = [(out.data.reshape(expected.shape), expected.detach())]  # ours may keep an axis of 1
    for a, b in found + [(x.grad, other.grad) for x, other in zip(xs, others, strict=True)]:
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12, err_msg=str(what))


def test_windows_of_odd_sizes_and_recurrent_states_agree_with_pytorch(torch: Any):
    f, image = torch.nn.functional, RNG.normal(size=(2, 3, 5, 8))
    for k, s, p in (((1, 3), (2, 1), 0), ((4, 2), (1, 3), (0, 1)), ((5, 8), 1, 2)):
        net = nn.Conv2d(3, 2, k, s, p, bias=False, rng=0)
        w = torch.tensor(net.weight.data)
        agree(torch, (k, s), net, lambda x, w=w, s=s, p=p: f.conv2d(x, w, None, s, p), image)
        for ours, theirs in ((nn.MaxPool2d, f.max_pool2d), (nn.AvgPool2d, f.avg_pool2d)):
            agree(torch, ours, ours(k, s), lambda x, f=theirs, k=k, s=s: f(x, k, s), image)
    x, states = RNG.normal(size=(2, 5, 3)), RNG.normal(size=(2, 2, 3))
    for kind, n in (("RNN", 1), ("LSTM", 2)):
        net = getattr(nn, kind)(3, 3, rng=0)
        net.bias.data = RNG.normal(size=net.bias.shape)
        other = getattr(torch.nn, kind)(3, 3, batch_first=True).double()
        values = net.weight_ih.data.T, net.weight_hh.data.T, net.bias.data[0], 0 * net.bias.data[0]
        for parameter, value in zip(other.parameters(), values, strict=True):
            parameter.data = torch.tensor(value)

        def ours(x: Any, *z: Any, net: Any = net) -> Any:  # forwards, and from there backwards
            h, end = net(x, z if len(z) > 1 else z[0])
            return net(h[:, ::-1], end)[0]

        def theirs(x: Any, *z: Any, net: Any = other) -> Any:
            h, end = net(x, tuple(s[None] for s in z) if len(z) > 1 else z[0][None])
            return net(h.flip(1), end)[0]

        agree(torch, kind, ours, theirs, x, *states[:n])


def test_losses_agree_with_pytorch(torch: Any):
    f, z = torch.nn.functional, RNG.normal(size=(6, 3))
    p, y, weight = RNG.random((6, 3)), RNG.random((6, 3)), np.array([0.5, 0.0, 2.0])
    labels = np.array([0, 2, -7, 1, 1, -7])
    w = torch.tensor(weight)
    losses: list[tuple[type, Any, Any, Any, dict[str, Any], dict[str, Any]]] = [
        (nn.MSELoss, f.mse_loss, z, y, {}, {}),
        (nn.HuberLoss, f.huber_loss, z, y, {"delta": 0.3}, {"delta": 0.3}),
        (nn.BCELoss, f.binary_cross_entropy, p, y, {}, {}),
        (nn.BCEWithLogitsLoss, f.binary_cross_entropy_with_logits, 9 * z, y, {}, {}),
        (CE, f.cross_entropy, z, y, {}, {}),
        (CE, f.cross_entropy, z, y, {"weight": weight}, {"weight": w}),
        (CE, f.cross_entropy, z, labels, {"ignore_index": -7}, {"ignore_index": -7}),
        (CE, f.cross_entropy, z, labels, {"weight": weight, "ignore_index": -7},
         {"weight": w, "ignore_index": -7}),
    ]  # fmt: skip
    for reduction in ("mean", "sum", "none"):
        for kind, theirs, x, target, ours_with, theirs_with in losses:
            loss, t = kind(reduction, **ours_with), torch.tensor(target)
            other = partial(theirs, target=t, reduction=reduction, **theirs_with)
            agree(torch, (loss, ours_with), partial(loss, target=target), other, x)


def test_steps_agree_with_pytorch(torch: Any):
    """With a parameter that gets a gradient in every other step only, and another rate at last."""
    optim = torch.optim
    kinds: list[tuple[Any, Any, tuple[Any, ...], dict[str, Any]]] = [
        (nn.SGD, optim.SGD, (), {}), (nn.Momentum, optim.SGD, (0.7,), {}),
        (nn.Momentum, optim.SGD, (0.7,), {"nesterov": True}),
        (nn.AdaGrad, optim.Adagrad, (), {"eps": 1e-3}),
        (nn.RMSprop, optim.RMSprop, (0.8, 1e-3), {}),
        (nn.Adam, optim.Adam, ((0.5, 0.6), 1e-3), {}),
        (nn.AdamW, optim.AdamW, ((0.0, 0.9), 1e-3, 0.3), {}),
    ]  # fmt: skip
    for kind, other, settings, named in kinds:
        for max_norm in (None, 0.5):
            ours = [Tensor(x, requires_grad=True) for x in (ROWS, TIMES)]
            theirs = [torch.tensor(x.data, requires_grad=True) for x in ours]
            optimizer = kind(ours, 0.1, *settings, **named, max_norm=max_norm)
            peer = other(theirs, 0.1, *settings, **named)
            for t in range(6):
                for i, (x, x_2) in enumerate(zip(ours, theirs, strict=True)):
                    g = np.sin(np.arange(x.size) + t).reshape(x.shape)
                    x.grad, x_2.grad = (None, None) if i > t % 2 else (g, torch.tensor(g))
                if max_norm:
                    torch.nn.utils.clip_grad_norm_(theirs, max_norm)
                if t == 4:
                    optimizer.lr = peer.param_groups[0]["lr"] = 0.01
                optimizer.step(), peer.step()
            for x, x_2 in zip(ours, theirs, strict=True):
                np.testing.assert_allclose(x.data, x_2.detach(), rtol=1e-9, err_msg=str(kind))


def test_schedules_clipping_and_running_means_agree_with_pytorch(torch: Any):
    z, y = RNG.normal(size=(6, 3)) * 2, RNG.normal(size=(6, 3))
    optim = torch.optim.lr_scheduler
    pairs = [
        (lambda o: nn.StepLR(o, 3, 0.5), lambda o: optim.StepLR(o, 3, 0.5)),
        (lambda o: nn.ExponentialLR(o, 0.9), lambda o: optim.ExponentialLR(o, 0.9)),
        (lambda o: nn.CosineAnnealingLR(o, 8, 0.01), lambda o: optim.CosineAnnealingLR(o, 8, 0.01)),
        (lambda o: nn.LambdaLR(o, lambda t: 1 / (t + 1)),
         lambda o: optim.LambdaLR(o, lambda t: 1 / (t + 1))),
    ]  # fmt: skip
    for made, theirs in pairs:
        optimizer = nn.SGD([Tensor(1.0, requires_grad=True)], lr=0.4)
        other = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.4)
        schedule, schedule_2 = made(optimizer), theirs(other)
        for _ in range(8):
            assert math.isclose(optimizer.lr, other.param_groups[0]["lr"], rel_tol=1e-9)
            other.step()
            schedule.step()
            schedule_2.step()

    w = [Tensor(z, requires_grad=True), Tensor(y, requires_grad=True)]
    v = [torch.zeros(6, 3, dtype=torch.float64, requires_grad=True) for _ in w]
    for p, q, g in zip(w, v, (z, y), strict=True):
        p.grad, q.grad = g, torch.tensor(g)
    norm = nn.clip_grad_norm_(w, 0.5)
    assert math.isclose(norm, torch.nn.utils.clip_grad_norm_(v, 0.5).item())
    for p, q in zip(w, v, strict=True):
        np.testing.assert_allclose(p.grad, q.grad, rtol=1e-12)

    layer, other = nn.BatchNorm1d(3), torch.nn.BatchNorm1d(3, dtype=torch.float64)
    for x in (z, y):
        layer(x), other(torch.tensor(x))
    layer.eval(), other.eval()
    for name in ("running_mean", "running_var"):
        np.testing.assert_allclose(layer[name].data, getattr(other, name), rtol=1e-12)
    np.testing.assert_allclose(layer(z).data, other(torch.tensor(z)).detach(), rtol=1e-12)


def test_dropout_keeps_the_mean_and_nothing_in_evaluation():
    layer = nn.Dropout(0.2, rng=0)
    x = np.ones((200, 200))
    dropped = layer(x).data
    assert set(np.unique(dropped)) == {0.0, 1.25}
    assert abs(dropped.mean() - 1) < 0.01
    assert (layer(x).data != dropped).any()
    assert layer.eval()(x).data.tolist() == x.tolist()
    assert nn.Dropout(0.0)(x).data.tolist() == x.tolist()
    assert set(np.unique(nn.Dropout(0.2, rng=0)(np.ones(99, int)).data)) == {0.0, 1.25}


def test_attention_takes_keys_of_another_length_and_a_mask():
    net = nn.MultiHeadAttention(4, 2, rng=0)
    query, key = TIMES, RNG.normal(size=(2, 3, 4))
    mask = np.array([[False, False, True]])
    assert net(query, key, key, mask).shape == (2, 2, 4)
    np.testing.assert_allclose(
        net(query, key, key, mask).data, net(query, key[:, :2]).data, rtol=1e-12
    )


def test_a_recurrent_net_goes_on_from_a_state():
    for net in (nn.RNN(4, 2, rng=0), nn.LSTM(4, 2, rng=0)):
        x = RNG.normal(size=(3, 5, 4))
        whole, last = net(x)
        first, state = net(x[:, :2])
        second, end = net(x[:, 2:], state)
        np.testing.assert_allclose(np.concatenate([first.data, second.data], 1), whole.data)
        for a, b in zip(*(z if type(z) is tuple else (z,) for z in (last, end)), strict=True):
            np.testing.assert_allclose(a.data, b.data)


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: nn.Dropout(1.0), r"p must be a number in \[0, 1\), not 1.0"),
    (lambda: nn.LayerNorm(0), "LayerNorm: n must be an int of at least 1, not 0"),
    (lambda: nn.LayerNorm((2, 3)), r"must be an int of at least 1, not \(2, 3\)"),  # type: ignore[arg-type]
    (lambda: nn.LayerNorm(2)(ROWS), r"last axis must have 2 entries, and x has shape \(4, 3\)"),
    (lambda: nn.BatchNorm1d(3)(ROWS[:1]), "two rows or more"),
    (lambda: nn.Embedding(0, 1), "Embedding: n must be an int of at least 1"),
    (lambda: nn.Embedding(4, 1)(SYMBOLS), "must lie in 0 … 3, and reach from 0 to 4"),
    (lambda: nn.Conv2d(0, 1, 2), "n_in must be an int of at least 1"),
    (lambda: nn.Conv2d(1, 1, 0), "kernel_size must be an int of at least 1, or two, not 0"),
    (lambda: nn.Conv2d(1, 1, 2, stride=(1, 0)), "stride must be"),
    (lambda: nn.Conv2d(3, 1, 2)(IMAGES), r"\(q, 3, h, w\), and x has shape \(2, 2, 4, 4\)"),
    (lambda: nn.Conv2d(2, 1, 5)(IMAGES), "no smaller than a window"),
    (lambda: nn.MaxPool2d(2)(ROWS), "windows of 2×2: images must be of shape"),
    (lambda: nn.RNN(0, 1), "RNN: n_in must be an int of at least 1"),
    (lambda: nn.RNN(4, 3)(TIMES, np.zeros((1, 3))), r"be h of shape \(2, 3\), and has \(1, 3\)"),
    (lambda: nn.LSTM(4, 3)(TIMES, np.zeros((2, 3))), r"h, c of shape \(2, 3\), and has \(2, 3\)"),
    (lambda: nn.LSTM(3, 1)(TIMES), r"LSTM: x must be of shape \(q, t, 3\)"),
    (lambda: nn.MultiHeadAttention(4, 3), "3 heads don't divide a width of 4"),
    (lambda: nn.MultiHeadAttention(4, 2)(TIMES, mask=np.ones((2, 2), bool)), "attend to none"),
    (lambda: nn.MultiHeadAttention(4, 2)(ROWS), r"query must be of shape \(q, t, 4\), key and"),
    (lambda: nn.MultiHeadAttention(4, 2)(TIMES, TIMES[:1]), r"have \(2, 2, 4\), \(1, 2, 4\)"),
    (lambda: nn.MultiHeadAttention(4, 2)(TIMES, mask=np.zeros((3, 3), bool)), "broadcast together"),
    (lambda: nn.HuberLoss(delta=0), "delta must be positive"),
    (lambda: nn.HuberLoss(delta=math.inf), r"delta must be a number in \[0, inf\)"),
    (lambda: CE(ignore_index=1)(ROWS, np.eye(4, 3)), "the targets are probabilities"),
    (lambda: CE(weight=[-1.0, 1.0]), "weights must not be negative"),
    (lambda: CE(weight=[1.0])(ROWS, [0, 1, 2, 0]), r"weight must have shape \(3,\)"),
    (lambda: CE(ignore_index=-1)(ROWS, [-1] * 4), "each row is ignored"),
    (lambda: CE(ignore_index=-1)(ROWS, [-2] * 4), r"must lie in 0 … 2, and reach from -2"),
    (lambda: nn.SGD([Tensor(1.0, True)], lr=0.1, max_norm=0), "max_norm must be positive"),
    (lambda: nn.clip_grad_norm_([], -1.0), "clip_grad_norm_: max_norm must be positive"),
    (lambda: nn.Momentum([Tensor(1.0, True)], 0.1, -0.5), r"in \[0, 1\), not -0.5"),
    (lambda: nn.Adam([Tensor(1.0, True)], betas=(0.9, 1.0)), r"Adam: betas\[1\] must be .*1.0"),
    (lambda: nn.AdamW([Tensor(1.0, True)], weight_decay=-1), r"AdamW: weight_decay must be"),
]  # fmt: skip


@each(REFUSED)
def test_what_makes_no_sense_is_refused(f: Callable[[], Any], said: str):
    with pytest.raises(ValueError, match=said):
        f()


def test_what_is_of_another_type_is_refused():
    with pytest.raises(TypeError, match=r"mask must be of booleans, .* not of float64"):
        nn.MultiHeadAttention(4, 2)(TIMES, mask=np.zeros((2, 2)))
    with pytest.raises(TypeError, match=r"clip_grad_norm_: .* such as net.parameters\(\)"):
        nn.clip_grad_norm_(nn.MLP([1, 1]), 1.0)  # type: ignore[arg-type]
    net = nn.Sequential(nn.RNN(4, 3), nn.Linear(3, 1))
    with pytest.raises(TypeError, match=r"RNN gives a tuple, which Linear .*: out\[0\]\[:, -1\]"):
        net(TIMES)
    net.modules.insert(1, lambda out: out[0][:, -1])
    assert net(TIMES).shape == (len(TIMES), 1)
    with pytest.raises(TypeError, match="numbers must be integers, not float64"):
        nn.Embedding(4, 1)(ROWS)
    with pytest.raises(TypeError, match="StepLR: give one of nn's optimizers"):
        nn.StepLR(0.1, 2)  # type: ignore[arg-type]


def test_a_file_holds_the_names_and_is_read_again(tmp_path: Path):
    safetensors = pytest.importorskip("safetensors.numpy", reason='pip install -e ".[test]"')
    net = nn.Sequential(nn.MLP([2, 3], rng=0), nn.BatchNorm1d(3))
    net(np.array([[0.0, 1.0], [2.0, 0.0]]))
    nn.save(net, tmp_path / "net.safetensors")
    held = safetensors.load_file(str(tmp_path / "net.safetensors"))
    running = {"modules.1.running_mean", "modules.1.running_var"}
    assert set(held) == {"W_01", "b_01", "γ", "β", *running}
    other = nn.Sequential(nn.MLP([2, 3], rng=1), nn.BatchNorm1d(3))
    nn.load(other, tmp_path / "net.safetensors")
    x = np.ones((1, 2))
    np.testing.assert_array_equal(net.eval()(x).data, other.eval()(x).data)
    with pytest.raises(KeyError, match="missing"):
        nn.load(nn.MLP([2, 3]), tmp_path / "net.safetensors")


def test_what_a_net_remembers_is_as_it_was_after_a_record_and_a_replay():
    states = []
    for every in (None, 1):
        net = nn.Sequential(nn.Linear(3, 2, rng=0), nn.BatchNorm1d(2))
        optimizer = nn.SGD(net.parameters(), lr=0.1)
        y = np.zeros((4, 2))
        history = nn.fit(net, ROWS, y, nn.MSELoss(), optimizer, 3, compiled=False, record=every)
        if history.record is not None:
            with history.record.replayed(1) as loss:
                assert math.isfinite(loss.item())
        states.append(net.state_dict())
    for name, value in states[0].items():
        np.testing.assert_array_equal(value, states[1][name])


# Of those with many named tensors a page takes seconds each, and shows nothing else.
@each({name: layer for name, layer in LAYERS.items() if "Attention" not in name and name != "LSTM"})
def test_a_layer_is_explained(layer: Layer):
    loss, _, gradients = recorded(layer)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "page.html")
        ag.explain(loss, path, lr=0.1)
        page = path.read_text("utf-8")
    assert page.count('data-kind="backward"') >= len(gradients)
