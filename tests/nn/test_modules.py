"""Modules, layers, activations: parameters, names, shapes, errors."""

from __future__ import annotations

import copy
import pickle
from collections import ChainMap, OrderedDict, UserDict, UserList, deque, namedtuple
from dataclasses import dataclass, make_dataclass
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite import Tensor
from nn.activations import ACTIVATIONS


def test_linear_computes_x_w_plus_b():
    layer = nn.Linear(3, 2, rng=0)
    x = np.arange(12.0).reshape(4, 3)
    np.testing.assert_allclose(layer(x).data, x @ layer.weight.data + layer.bias.data)
    assert (layer.weight.shape, layer.bias.shape) == ((3, 2), (1, 2))
    bare = nn.Linear(3, 2, bias=False, rng=0)
    assert bare.bias is None
    np.testing.assert_allclose(bare(x).data, x @ bare.weight.data)
    assert repr(layer) == "Linear(weight(3, 2), bias(1, 2))"
    with pytest.raises(ValueError, match="Linear: n_in must be an int of at least 1, not 0"):
        nn.Linear(0, 2)


def test_seeds_and_dtypes():
    a, b = nn.MLP([2, 3, 1], rng=5), nn.MLP([2, 3, 1], rng=np.random.default_rng(5))
    for p, q in zip(a.parameters(), b.parameters(), strict=True):
        np.testing.assert_array_equal(p.data, q.data)
    assert np.abs(a["W_01"].data).max() <= 1 / np.sqrt(2)
    narrow = nn.MLP([2, 3, 1], dtype=np.float32, rng=0)
    out = narrow(np.ones((4, 2), np.float32))
    out.sum().backward()
    assert {p.grad.dtype for p in narrow.parameters()} == {np.dtype(np.float32)}
    assert out.dtype == np.float32


def test_mlp_names_every_tensor_as_the_chapter_does():
    net = nn.MLP([2, 5, 5, 1], rng=0)
    loss = nn.BCELoss()(net(np.ones((10, 2))), np.ones((10, 1)))
    loss.backward()
    tensors = ag.named_tensors(loss)
    expected = "l_0 W_01 b_01 W_12 b_12 W_23 b_23 y s_1 l_1 s_2 l_2 s_3 l_3 L"
    assert set(tensors) == set(expected.split())
    assert list(tensors)[-7:] == expected.split()[-7:]
    assert [tensors[f"s_{k}"].grad.shape for k in (1, 2, 3)] == [(10, 5), (10, 5), (10, 1)]
    np.testing.assert_allclose(tensors["s_3"].grad, (tensors["l_3"].data - 1) / 10, rtol=1e-12)


def test_mlp_of_eleven_layers_tells_its_names_apart():
    names = [p.name for p in nn.MLP([1] * 12).parameters()]
    assert names[16:20] == ["W_89", "b_89", "W_9,10", "b_9,10"]
    assert len(set(names)) == 22


def test_mlp_keeps_names_that_the_user_gave():
    net = nn.MLP([2, 1], rng=0)
    x = Tensor(np.ones((1, 2)), name="age")
    assert "age" in ag.named_tensors(net(x))
    unnamed = Tensor(np.ones((1, 2)))
    net(unnamed)
    assert unnamed.name == "l_0"


def test_mlp_activations():
    assert nn.MLP([1, 2, 1], "relu", output="identity").activations == [ag.relu, nn.identity]
    assert nn.MLP([1, 2, 1], ["tanh", np.sin]).activations == [ag.tanh, np.sin]
    out = nn.MLP([1, 2, 1], ["tanh", np.sin], rng=0)(np.ones((1, 1)))
    assert out.op.name == "sin"
    linear = nn.MLP([1, 2], output="identity", bias=False, rng=0)
    assert linear(np.ones((1, 1))).name == "s_1"
    assert len(linear.parameters()) == 1
    with pytest.raises(
        ValueError, match="no activation is called 'sigmoyd'; there are sigmoid, tanh"
    ):
        nn.MLP([1, 1], "sigmoyd")
    with pytest.raises(ValueError, match="2 layers need 2 activations, and 1 are given"):
        nn.MLP([1, 2, 1], ["tanh"])
    with pytest.raises(ValueError, match="an input and an output width"):
        nn.MLP([3])


def test_a_wrong_width_names_the_layer_s_tensors():
    with pytest.raises(
        ValueError, match=r"the last axis of l_0 has 3 entries, the first axis of W_01 has 2"
    ):
        nn.MLP([2, 1])(np.ones((4, 3)))


def test_modules_find_their_parameters_once_and_in_order():
    class Shared(nn.Module):
        def __init__(self) -> None:
            self.first = nn.Linear(2, 2, rng=0)
            self.blocks = [nn.Linear(2, 2, rng=1), (self.first, nn.Linear(2, 1, rng=2))]
            self.scale = Tensor(1.0, requires_grad=True)
            self.again = self.scale
            self.note = "not a parameter"

        def forward(self, x: Any) -> Any:
            return self.scale * x

    net = Shared()
    assert [name for name, _ in net.named_parameters()] == [
        "scale",
        "first.weight",
        "first.bias",
        "blocks.0.weight",
        "blocks.0.bias",
        "blocks.1.1.weight",
        "blocks.1.1.bias",
    ]
    assert len(net.parameters()) == 7
    assert net["scale"] is net.scale
    assert net["blocks.0.weight"] is net.blocks[0].weight
    with pytest.raises(KeyError, match="Shared has no parameter 'W'; it has scale, weight"):
        net["W"]
    (net(2.0) * net(3.0)).backward()
    assert net.scale.grad == 12.0
    net.zero_grad()
    assert net.scale.grad is None


class Named(dict):
    """A dict of one's own."""


Pair = namedtuple("Pair", "first second")


def leaf(*shape: int) -> Tensor:
    return Tensor(np.random.default_rng(len(shape)).normal(size=shape), requires_grad=True)


class Holding(nn.Module):
    """Holds what it trains wherever one may put it; and itself."""

    def __init__(self) -> None:
        self.weights = [leaf(2, 3)]
        self.weights.append(leaf(3, 1))
        self.by_name = Named(a={"b": leaf(1, 3)}, c=OrderedDict(d=(leaf(1, 1), "no Tensor")))
        self.layers = {"out": nn.Linear(1, 1, rng=0), 5: Pair(nn.Tanh(), [nn.Linear(1, 1, rng=1)])}
        self.twice = [self.weights, self.weights[0], self.layers["out"]]
        self.log: list[Any] = [self]
        self.log.append(self.log)
        self.me = {"me": self}

    def forward(self, x: Any) -> Any:
        s = np.tanh(x @ self.weights[0] + self.by_name["a"]["b"])
        s = self.layers["out"](s @ self.weights[1] + self.by_name["c"]["d"][0])
        return self.layers[5].second[0](self.layers[5].first(s))


def test_tensors_and_modules_are_found_wherever_a_module_holds_them():
    paths = [
        "weights.0", "weights.1", "by_name.a.b", "by_name.c.d.0", "layers.out.weight",
        "layers.out.bias", "layers.5.1.0.weight", "layers.5.1.0.bias",
    ]  # fmt: skip
    x = np.random.default_rng(0).normal(size=(6, 2))
    y = x[:, :1] * x[:, 1:]
    trained = []
    for compiled in (False, True):
        for again in (Holding, lambda: copy.deepcopy(Holding()),
                      lambda: pickle.loads(pickle.dumps(Holding()))):  # fmt: skip
            net = again()
            assert [path for path, _ in net.named_parameters()] == list(net.state_dict()) == paths
            assert net["by_name.a.b"] is net.by_name["a"]["b"]
            modules = [m for _, m in net.named_modules()]
            assert len(modules) == 4
            net.eval()
            assert not any(m.training for m in modules)
            net.train()
            before = net.state_dict()
            nn.fit(net, x, y, nn.MSELoss(), nn.SGD(net.parameters(), lr=0.1), 3, compiled=compiled)
            after = net.state_dict()
            assert all((after[path] != before[path]).all() for path in paths)
            net.load_state_dict(before)
            loss = nn.MSELoss()(net(x), y)
            loss.backward()
            owners = [type(net.tensor_owners()[p]).__name__ for p in net.parameters()]
            assert owners == ["Holding"] * 4 + ["Linear"] * 4
            assert "Holding" in ag.draw(loss, collapse="module").source
            net.zero_grad()
            assert all(p.grad is None for p in net.parameters())
            assert repr(net).startswith("Holding(weights.0(2, 3), weights.1(3, 1), by_name.a.b(")
            trained.append(after)
    for state in trained[1:]:
        for path in paths:
            np.testing.assert_allclose(state[path], trained[0][path], rtol=1e-12)


def test_parameters_in_what_is_like_a_list_or_a_dict():
    class Slotted(nn.Module):
        __slots__ = ("own",)

    pair = make_dataclass("Pair", ["a", "b"])
    for make in (
        deque, UserList, lambda xs: UserDict(enumerate(xs)), lambda xs: ChainMap({"a": xs}),
        lambda xs: MappingProxyType({"a": xs}), lambda xs: pair(*xs),
        lambda xs: SimpleNamespace(a=xs),
    ):  # fmt: skip
        net = Slotted()
        net.own, net.held = leaf(1), make([leaf(2), nn.Linear(1, 1, bias=False)])
        assert len(net.parameters()) == 3, make
    net.held = {leaf(2)}
    with pytest.raises(TypeError, match="in a set have no order; keep them in a list"):
        net.parameters()
    net.held = {1, "a"}
    assert len(net.parameters()) == 1


def test_one_path_for_two_parameters_is_refused():
    net = nn.Module()
    net.weights = {1: leaf(1), "1": leaf(1)}
    with pytest.raises(ValueError, match=r"two parameters have the path 'weights\.1'"):
        net.parameters()


def test_a_tensor_that_cannot_be_trained_is_told_with_its_path_and_the_remedy():
    for place in (lambda t: t, lambda t: [t], lambda t: {"a": (t,)}):
        net = nn.Sequential(nn.Linear(2, 2, rng=0))
        net.modules[0].scale = place(leaf(2) * 0.1)
        with pytest.warns(UserWarning, match=r"modules\.0\.scale.* multiply.*Tensor\(0\.1") as said:
            assert len(net.parameters()) == 2
        assert said[0].filename == __file__
        net.modules[0].scale = place(net.modules[0].weight * 2)  # kept from a call, say
        net.parameters()


def test_state_dict_and_its_errors():
    a, b = nn.MLP([2, 3, 1], rng=0), nn.MLP([2, 3, 1], rng=1)
    state = a.state_dict()
    b.load_state_dict(state)
    x = np.ones((1, 2))
    assert a(x).item() == b(x).item()
    assert list(state) == ["W_01", "b_01", "W_12", "b_12"]
    state["W_01"][:] = 0
    assert a["W_01"].data.any()
    paths = {path: p.numpy() for path, p in a.named_parameters()}
    b.load_state_dict({"b_12": paths.pop("layers.1.bias"), **paths})
    with pytest.raises(KeyError, match=r"missing \['b_01'\], unknown \['c'\]"):
        b.load_state_dict({**{k: v for k, v in state.items() if k != "b_01"}, "c": 1})
    with pytest.raises(KeyError, match=r"parameter is given twice, as W_01 and as layers.0.weight"):
        b.load_state_dict({**state, "layers.0.weight": state["W_01"]})
    before = b["W_01"].numpy()
    with pytest.raises(ValueError, match=r"b_12 has shape \(1, 1\), and was given \(2,\)"):
        b.load_state_dict({**state, "b_12": np.ones(2)})
    np.testing.assert_array_equal(b["W_01"].data, before)
    twice = nn.Sequential(nn.MLP([1, 1], rng=0), nn.MLP([1, 1], rng=1), nn.LayerNorm(1))
    assert list(twice.state_dict()) == [
        *(f"modules.{i}.layers.0.{name}" for i in (0, 1) for name in ("weight", "bias")), "γ", "β"
    ]  # fmt: skip
    twice.load_state_dict(twice.state_dict())


def test_what_a_subclass_forgot_is_said():
    with pytest.raises(NotImplementedError, match="Module has no forward"):
        nn.Module()(1)


def test_sequential_takes_modules_and_functions():
    net = nn.Sequential(nn.Linear(2, 3, rng=0), np.tanh, nn.Linear(3, 1, rng=1), nn.Sigmoid())
    assert net(np.ones((5, 2))).shape == (5, 1)
    assert [name for name, _ in net.named_parameters()] == [
        "modules.0.weight",
        "modules.0.bias",
        "modules.2.weight",
        "modules.2.bias",
    ]
    assert repr(net).startswith("Sequential(Linear(weight(2, 3), bias(1, 3)), Linear(")


MODULES = {
    nn.Sigmoid(): "sigmoid",
    nn.Tanh(): "tanh",
    nn.ReLU(): "relu",
    nn.Softplus(): "softplus",
    nn.Identity(): "identity",
    nn.LeakyReLU(): "leaky_relu",
    nn.Softmax(): "softmax",
    nn.LogSoftmax(): "log_softmax",
    nn.GELU(): "gelu",
    nn.SiLU(): "silu",
}


@pytest.mark.parametrize("module", MODULES, ids=lambda m: type(m).__name__)
def test_each_activation_has_a_module(module: nn.Module):
    assert set(MODULES.values()) == set(ACTIVATIONS)
    x = Tensor([[-1.0, 0.5, 2.0]], requires_grad=True)
    np.testing.assert_array_equal(module(x).data, ACTIVATIONS[MODULES[module]](x).data)
    assert module.parameters() == []


def test_softmax_does_not_overflow_and_log_softmax_is_exact():
    z = Tensor([[1e4, 0.0], [-1e4, -1e4]], requires_grad=True)
    np.testing.assert_array_equal(nn.softmax(z).data, [[1.0, 0.0], [0.5, 0.5]])
    np.testing.assert_allclose(nn.log_softmax(z).data, [[0.0, -1e4], [-np.log(2)] * 2])
    (nn.log_softmax(z)[0, 1]).backward()
    np.testing.assert_array_equal(z.grad, [[-1.0, 1.0], [0.0, 0.0]])


class Slotted(nn.Module):
    __slots__ = ("scale",)

    def __init__(self):
        self.scale = 2.0
        self.w = ag.Tensor([1.0, 2.0], requires_grad=True)


class Computed(nn.Module):
    """Has a property over a value of the same name."""

    def __init__(self):
        self.__dict__["weight"] = ag.Tensor([1.0], requires_grad=True)

    @property
    def weight(self):
        return self.__dict__["weight"]


@dataclass(frozen=True, eq=False)
class Frozen(nn.Module):
    w: ag.Tensor


@pytest.mark.parametrize("again", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
@pytest.mark.parametrize(
    "net", [Slotted(), Computed(), Frozen(ag.Tensor([3.0], requires_grad=True))]
)
def test_modules_are_copied_and_pickled_as_any_object(net, again):
    other = again(net)
    assert [p.tolist() for p in other.parameters()] == [p.tolist() for p in net.parameters()]
    assert getattr(other, "scale", 2.0) == 2.0
