"""Sequences, of shape (batch, time, width): an embedding, recurrent nets, attention."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.arrays import given
from autograd_lite.engine.leaves import array_of

from .activations import softmax
from .layers import Linear, Rng, drawn
from .module import Module, as_data, check_numbers, named, whole

__all__ = ["LSTM", "RNN", "Embedding", "MultiHeadAttention"]


class Embedding(Module):
    """A row of numbers for each of ``n`` symbols, looked up by its number.

    Args:
        n: how many symbols there are.
        width: of a row.
        rng: a generator, or a seed for one; entries are drawn from N(0, 1).
        dtype: of the parameter.

    Shapes:
        weight ``(n, width)``; ``(…)`` integers below n → ``(…, width)``.

    Raises:
        TypeError: numbers that aren't integers.
        ValueError: numbers outside ``0 … n−1``.

    Example:
        >>> import nn
        >>> nn.Embedding(10, 3, rng=0)(np.array([[1, 2, 1]])).shape
        (1, 3, 3)
    """

    def __init__(self, n: int, width: int, rng: Rng = None, dtype: DTypeLike = np.float64) -> None:
        shape = whole("Embedding: n", n, 1), whole("Embedding: width", width, 1)
        rows = np.random.default_rng(rng).standard_normal(shape)
        self.weight = Tensor(rows, True, "E", dtype)

    def forward(self, symbols: Any) -> Tensor:
        k = array_of(symbols) if isinstance(symbols, Tensor) else given(symbols, "Embedding")
        check_numbers("Embedding: the symbols' numbers", k, len(self.weight))
        return self.weight[k]


class _Recurrent(Module):
    gates = 1
    states: tuple[str, ...] = ("h",)

    def __init__(
        self, n_in: int, width: int, rng: Rng = None, dtype: DTypeLike = np.float64
    ) -> None:
        name = type(self).__name__
        n_in, width = whole(f"{name}: n_in", n_in, 1), whole(f"{name}: width", width, 1)
        rng, n = np.random.default_rng(rng), self.gates * width
        self.weight_ih = drawn("W_x", (n_in, n), width, rng, dtype)
        self.weight_hh = drawn("W_h", (width, n), width, rng, dtype)
        self.bias = Tensor(np.zeros((1, n)), True, "b", dtype)

    def forward(self, x: Any, state: Any = None) -> tuple[Tensor, Any]:
        x = as_data(x, "x")
        n_in, width = len(self.weight_ih), len(self.weight_hh)
        if x.ndim != 3 or x.shape[2] != n_in or not x.shape[1]:
            said = f"x must be of shape (q, t, {n_in}), t at least 1, and has {x.shape}"
            raise ValueError(f"{type(self).__name__}: {said}")
        start = (len(x), width)
        if state is None:
            state = [np.zeros(start, self.bias.dtype) for _ in self.states]
        state = state if isinstance(state, (tuple, list)) else (state,)
        if [np.shape(part) for part in state] != [start] * len(self.states):
            raise ValueError(
                f"{type(self).__name__}: a state must be {', '.join(self.states)} of shape {start}"
                f", and has {', '.join(str(np.shape(part)) for part in state)}"
            )
        state = [as_data(part, f"{name}_0") for part, name in zip(state, self.states, strict=True)]
        outputs = []
        for t in range(x.shape[1]):
            s = x[:, t] @ self.weight_ih + state[0] @ self.weight_hh + self.bias
            state = self.step(named(s, f"s_{t + 1}"), f"_{t + 1}", *state[1:])
            outputs.append(state[0])
        return ag.stack(outputs, axis=1), state if len(state) > 1 else state[0]

    def step(self, s: Any, t: str, *memory: Any) -> tuple[Any, ...]:
        """The state after the sums ``s``: h, and what else there is; ``t`` is for names."""
        raise NotImplementedError


class RNN(_Recurrent):
    """``s_t = x_t W_x + h_{t−1} W_h + b`` and ``h_t = tanh(s_t)``. Elman (1990).

    All weights are drawn uniformly from ``±1/√width``; the bias starts at zero.

    Args:
        n_in: width of the input.
        width: of the state h.
        rng: a generator, or a seed for one.
        dtype: of the parameters.

    Shapes:
        weight_ih W_x ``(n_in, width)``, weight_hh W_h ``(width, width)``, bias ``(1, width)``.
        Called with x ``(q, t, n_in)``, and a state ``(q, width)`` if it isn't to be zeros, it gives
        all states ``(q, t, width)``, and the last one.

    Raises:
        ValueError: a width that isn't an int of at least 1; x or a state of another shape.

    Example:
        >>> import nn
        >>> outputs, h = nn.RNN(3, 5, rng=0)(np.ones((2, 7, 3)))
        >>> outputs.shape, h.shape
        ((2, 7, 5), (2, 5))
    """

    def step(self, s: Any, t: str, *memory: Any) -> tuple[Any, ...]:
        return (named(ag.tanh(s), "h" + t),)


class LSTM(_Recurrent):
    """``c_t = f ∘ c_{t−1} + i ∘ g`` and ``h_t = o ∘ tanh(c_t)``. Hochreiter, Schmidhuber (1997).

    ``i, f, g, o`` are the four parts of ``s_t = x_t W_x + h_{t−1} W_h + b``, after σ, σ, tanh and
    σ. All weights are drawn uniformly from ``±1/√width``; the bias starts at zero.

    Args:
        n_in: width of the input.
        width: of the states h and c.
        rng: a generator, or a seed for one.
        dtype: of the parameters.

    Shapes:
        weight_ih W_x ``(n_in, 4·width)``, weight_hh W_h ``(width, 4·width)``, bias
        ``(1, 4·width)``. Called with x ``(q, t, n_in)``, and a state (h, c) of two ``(q, width)``
        if it isn't to be zeros, it gives all h ``(q, t, width)``, and the last state (h, c).

    Raises:
        ValueError: a width that isn't an int of at least 1; x or a state of another shape.

    Example:
        >>> import nn
        >>> outputs, (h, c) = nn.LSTM(3, 5, rng=0)(np.ones((2, 7, 3)))
        >>> outputs.shape, h.shape, c.shape
        ((2, 7, 5), (2, 5), (2, 5))
    """

    gates, states = 4, ("h", "c")

    def step(self, s: Any, t: str, *memory: Any) -> tuple[Any, ...]:
        squashes = (ag.sigmoid, ag.sigmoid, ag.tanh, ag.sigmoid)
        parts = zip(squashes, np.split(s, 4, axis=1), "ifgo", strict=True)
        i, f, g, o = (named(squash(part), letter + t) for squash, part, letter in parts)
        c = named(f * memory[0] + i * g, "c" + t)
        return named(o * ag.tanh(c), "h" + t), c


class MultiHeadAttention(Module):
    """``softmax(Q Kᵀ / √d) V`` in several heads side by side. Vaswani et al. (2017).

    Args:
        width: of the input and the output; each head has ``d = width / heads`` of it.
        heads: how many there are.
        causal: whether a place may attend only to itself and those before it.
        bias: whether the four linear layers have biases.
        rng: a generator, or a seed for one.
        dtype: of the parameters.

    Shapes:
        Each of the layers ``query``, ``key``, ``value`` and ``out`` has a weight W_Q, W_K, W_V, W_O
        ``(width, width)`` and a bias ``(1, width)``. Called with one ``(q, t, width)``, or with
        query ``(q, t, width)``, key and value ``(q, u, width)``, it gives ``(q, t, width)``. A
        mask that broadcasts to ``(q, heads, t, u)`` is True where one may *not* attend.

    Raises:
        ValueError: a width that heads don't divide; other shapes; a place that may attend to none.
        TypeError: a mask of other than booleans.

    Example:
        >>> import nn
        >>> nn.MultiHeadAttention(8, 2, causal=True, rng=0)(np.ones((3, 5, 8))).shape
        (3, 5, 8)
    """

    def __init__(
        self, width: int, heads: int, causal: bool = False, bias: bool = True, rng: Rng = None,
        dtype: DTypeLike = np.float64,
    ) -> None:  # fmt: skip
        width, heads = (whole(f"MultiHeadAttention: {what}", n, 1)
                        for what, n in (("width", width), ("heads", heads)))
        if width % heads:
            raise ValueError(f"MultiHeadAttention: {heads} heads don't divide a width of {width}")
        self.heads, self.causal, rng = heads, causal, np.random.default_rng(rng)
        self.query, self.key, self.value, self.out = (
            Linear(width, width, bias, rng, dtype) for _ in range(4)
        )
        for letter, layer in zip("QKVO", (self.query, self.key, self.value, self.out), strict=True):
            layer.called(letter)

    def forward(self, query: Any, key: Any = None, value: Any = None, mask: Any = None) -> Tensor:
        query = as_data(query, "x")
        key = query if key is None else as_data(key, "k")
        value = key if value is None else as_data(value, "v")
        width, shapes = len(self.query.weight), [x.shape for x in (query, key, value)]
        if query.shape[2:] != (width,) or any(
            shape != (*query.shape[:1], *key.shape[1:2], width) for shape in shapes[1:]
        ):
            raise ValueError(
                f"MultiHeadAttention: query must be of shape (q, t, {width}), key and value "
                f"(q, u, {width}), and they have {', '.join(map(str, shapes))}"
            )
        q = self.parted(self.query(query), "Q")
        k, v = self.parted(self.key(key), "K"), self.parted(self.value(value), "V")
        scores = named(q @ k.swapaxes(-1, -2) / math.sqrt(q.shape[-1]), "S")
        hidden = given(False if mask is None else mask, "MultiHeadAttention")
        if hidden.dtype != bool:
            said = f"a mask must be of booleans, True where not to attend, not of {hidden.dtype}"
            raise TypeError(f"MultiHeadAttention: {said}; where one is added to scores: mask < 0")
        if self.causal:
            hidden = hidden | (np.tri(*scores.shape[-2:]) == 0)
        if hidden.ndim:
            if hidden.all(axis=-1).any():
                raise ValueError("MultiHeadAttention: the mask lets a place attend to none")
            scores = np.where(hidden, -np.inf, scores)
        together = (named(softmax(scores), "A") @ v).swapaxes(1, 2)
        return self.out(named(together.reshape(query.shape), "H"))

    def parted(self, x: Any, name: str) -> Any:
        """``(q, t, width)`` → ``(q, heads, t, d)``."""
        q, t, width = x.shape
        return named(x.reshape(q, t, self.heads, width // self.heads).swapaxes(1, 2), name)
