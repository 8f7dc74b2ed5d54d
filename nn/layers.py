"""Linear, Sequential, and MLP, the chapter's network."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from autograd_lite import Tensor, linear, matmul
from autograd_lite.engine.op import apply
from autograd_lite.table import Op

from . import activations
from .activations import Activation
from .module import Module, as_input, whole

__all__ = ["MLP", "Linear", "Sequential"]

Rng = np.random.Generator | int | None


def drawn(name: str, shape: tuple[int, ...], n_in: int, rng: Rng, dtype: DTypeLike) -> Tensor:
    """A parameter drawn uniformly from ``±1/√n_in``, where n_in entries are added up by it."""
    reach = 1 / np.sqrt(n_in)
    return Tensor(np.random.default_rng(rng).uniform(-reach, reach, shape), True, name, dtype)


class Linear(Module):
    """``x @ weight + bias``: rows are observations.

    Weights are drawn uniformly from ``±1/√n_in``; biases start at zero, as in the chapter.

    Args:
        n_in: width of the input.
        n_out: width of the output.
        bias: whether there is a bias.
        rng: a generator, or a seed for one.
        dtype: of the parameters.

    Shapes:
        weight ``(n_in, n_out)``, bias ``(1, n_out)``; ``(…, q, n_in)`` → ``(…, q, n_out)``.

    Raises:
        ValueError: a width that isn't an int of at least 1; called with another width.

    Example:
        >>> import nn
        >>> nn.Linear(2, 3, rng=0)(np.ones((10, 2))).shape
        (10, 3)
    """

    def __init__(
        self, n_in: int, n_out: int, bias: bool = True, rng: Rng = None,
        dtype: DTypeLike = np.float64,
    ) -> None:  # fmt: skip
        n_in, n_out = whole("Linear: n_in", n_in, 1), whole("Linear: n_out", n_out, 1)
        self.weight = drawn("weight", (n_in, n_out), n_in, rng, dtype)
        self.bias = Tensor(np.zeros((1, n_out)), True, "bias", dtype) if bias else None

    def forward(self, x: Any) -> Tensor:
        if self.bias is None:
            return apply(matmul, (x, self.weight))
        return apply(linear, (x, self.weight, self.bias))


    def called(self, letters: str) -> None:
        """Name weight and bias ``W_…`` and ``b_…``."""
        self.weight.name = f"W_{letters}"
        if self.bias is not None:
            self.bias.name = f"b_{letters}"


def edge_name(i: int) -> str:
    """What the edge from layer i is called: ``01``, and from the tenth on ``9,10``."""
    return f"{i}{i + 1}" if i < 9 else f"{i},{i + 1}"


class Sequential(Module):
    """Modules (or functions) applied one after the other.

    Raises:
        TypeError: what is neither, such as a class or a list of modules; called, one that takes no
            tuple after one that gives one, such as `RNN`.

    Example:
        >>> import nn
        >>> net = nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 1))
        >>> net(np.zeros((4, 2))).shape
        (4, 1)
    """

    def __init__(self, *modules: Activation) -> None:
        for module in modules:
            if isinstance(module, type) or not callable(module):
                said = f"Sequential: {module!r} is neither a module nor a function"
                raise TypeError(f"{said}; give instances, each as an argument of its own")
        self.modules = list(modules)

    def forward(self, x: Any) -> Any:
        for i, module in enumerate(self.modules):
            try:
                x = module(x)
            except (TypeError, ValueError) as error:
                if type(x) is tuple and i:
                    raise TypeError(_takes_no_tuple(self.modules[i - 1], module)) from error
                raise
        return x


def _takes_no_tuple(before: Any, module: Any) -> str:
    names = [getattr(f, "__name__", type(f).__name__) for f in (before, module)]
    return (
        f"Sequential: {names[0]} gives a tuple, which {names[1]} doesn't take; put a function "
        "between them that gives what is to go on. Of nn.RNN and nn.LSTM, whose results are the "
        "states of all times and the last one: lambda out: out[0], or lambda out: out[0][:, -1]"
    )


class MLP(Module):
    """A network of fully connected layers, named as the chapter names it.

    ``s_k = l_{k−1} W_{k−1,k} + b_{k−1,k}`` and ``l_k = σ(s_k)`` for ``k = 1 … n``. The tensors are
    named ``l_0``, ``W_01``, ``b_01``, ``s_1``, ``l_1``, … (from the tenth layer on
    ``W_9,10``). After
    ``loss.backward()`` the gradient of ``s_k`` is the chapter's ``δ_k``:
    ``ag.named_tensors(loss)["s_1"].grad``.

    Args:
        sizes: the layers' widths, from input to output.
        activation: σ of every layer, by name or as a function; or a list, one a layer.
        output: σ of the last layer, if another: ``"identity"`` where the loss takes logits.
        bias: whether there are biases.
        rng: a generator, or a seed for one.
        dtype: of the parameters.

    Shapes:
        ``(q, sizes[0])`` → ``(q, sizes[-1])``; ``W`` is ``(sizes[k−1], sizes[k])``, ``b`` is
        ``(1, sizes[k])``.

    Raises:
        ValueError: fewer than two sizes, one below 1, an unknown activation, or not one a layer.

    Example:
        >>> import autograd_lite as ag, nn
        >>> net = nn.MLP([2, 5, 5, 1], rng=0)
        >>> loss = nn.BCELoss()(net(np.zeros((10, 2))), np.ones((10, 1)))
        >>> loss.backward()
        >>> ag.named_tensors(loss)["s_2"].grad.shape
        (10, 5)
    """

    def __init__(
        self, sizes: Sequence[int],
        activation: str | Activation | Sequence[str | Activation] = "sigmoid",
        output: str | Activation | None = None, bias: bool = True, rng: Rng = None,
        dtype: DTypeLike = np.float64,
    ) -> None:  # fmt: skip
        depth = len(sizes) - 1 if isinstance(sizes, Sequence) else 0
        if depth < 1:
            raise ValueError(f"MLP: sizes must hold an input and an output width, not {sizes!r}")
        rng = np.random.default_rng(rng)
        self.layers = [Linear(n_in, n_out, bias, rng, dtype) for n_in, n_out in pairwise(sizes)]
        for i, layer in enumerate(self.layers):
            layer.called(edge_name(i))
        self.activations = _one_a_layer(activation, output, depth)
        self._names = [(f"s_{k}", f"l_{k}") for k in range(1, depth + 1)]

    def forward(self, x: Any) -> Tensor:
        l = as_input(x, "l_0")
        for layer, sigma, names in zip(self.layers, self.activations, self._names, strict=True):
            s = layer.forward(l)
            s.name, l_name = names
            l = apply(sigma, (s,)) if type(sigma) is Op else sigma(s)
            if l is not s:
                l.name = l_name
        return l


def _one_a_layer(
    given: str | Activation | Sequence[str | Activation],
    output: str | Activation | None,
    depth: int,
) -> list[Activation]:
    alike = isinstance(given, str) or callable(given)
    each: list[Any] = [given] * depth if alike else list(given)  # type: ignore[arg-type]
    if len(each) != depth:
        raise ValueError(f"MLP: {depth} layers need {depth} activations, and {len(each)} are given")
    if output is not None:
        each[-1] = output
    return [activations.activation(a) for a in each]
