"""The chapter's general rule of backpropagation, read off a network's own derivation."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

import autograd_lite as ag

from .layers import MLP, edge_name
from .losses import BCELoss, SquaredErrorLoss

__all__ = ["NetworkDerivation", "derive"]


@dataclass(frozen=True, repr=False)
class Rule:
    """A rule for every layer, and what it is for each.

    Attributes:
        statement: for layer i: ``δ_i = (δ_{i+1} W_{i,i+1}ᵀ) ∘ σ'(s_i)``.
        instances: ``δ_1 = (δ_2 W_12ᵀ) ∘ (l_1 ∘ (1 − l_1))``, …
    """

    statement: str
    instances: list[str]

    def __str__(self) -> str:
        return "\n".join([self.statement, *(f"    {instance}" for instance in self.instances)])

    __repr__ = __str__


@dataclass(frozen=True, repr=False)
class NetworkDerivation:
    """How the gradients of a network follow from those of the layer after.

    Attributes:
        start: the last layer's δ, which the loss decides.
        rules: for hidden layers' δ, for weights and for biases.
        derivation: the whole derivation, on drawn data.
    """

    start: str
    rules: list[Rule]
    derivation: ag.Derivation

    def __str__(self) -> str:
        return "\n\n".join([self.start, *map(str, self.rules)])

    __repr__ = __str__

    @property
    def latex(self) -> str:
        """The same as LaTeX: one ``aligned`` of the start, and one for each rule."""
        # Imported here, so that importing nn doesn't take time for it.
        from autograd_lite.show.latex import aligned

        blocks = [[self._line(self.start)]]
        blocks += [
            [_STATEMENTS[rule.statement], *map(self._line, rule.instances)] for rule in self.rules
        ]
        return "\n\n".join(aligned(lines) for lines in blocks)

    def _line(self, instance: str) -> str:
        from autograd_lite.show.latex import latex, latex_name

        step = self.derivation[instance.partition(" = ")[0]]
        return f"{latex_name(step.symbol)} &= {latex(step.simple)}"

    @property
    def markdown(self) -> str:
        """The LaTeX between double dollars."""
        return "\n\n".join(f"$$\n{block}\n$$" for block in self.latex.split("\n\n"))

    def _repr_markdown_(self) -> str:
        return self.markdown

    _repr_latex_ = _repr_markdown_


_DELTA = "δ_i = (δ_{i+1} W_{i,i+1}ᵀ) ∘ σ'(s_i)"
_NABLA_W = "∇W_{i,i+1} = l_iᵀ δ_{i+1}"
_NABLA_B = "∇b_{i,i+1} = 1ᵀ δ_{i+1}"
_STATEMENTS = {
    _DELTA: r"\delta_{i} &= (\delta_{i+1} \mathbf{W}_{i,i+1}^{\top}) \circ \sigma'(s_{i})",
    _NABLA_W: r"\nabla_{\mathbf{W}_{i,i+1}} &= l_{i}^{\top} \delta_{i+1}",
    _NABLA_B: r"\nabla_{b_{i,i+1}} &= \mathbf{1}^{\top} \delta_{i+1}",
}
"""The rules, as LaTeX."""


def derive(net: MLP, loss: Any = None, rng: np.random.Generator | int = 0) -> NetworkDerivation:
    """The rule of the chapter's 4.4.2 for a network, with each layer's instance beneath.

    A network of its layers, with parameters and a batch that are drawn, is run, and
    `autograd_lite.derive` derives its gradients; a rule is stated only where every layer's formula
    is an instance of it.

    Args:
        net: an `MLP`.
        loss: one of nn's losses; by default `BCELoss` after a sigmoid, else `SquaredErrorLoss`.
        rng: a generator, or a seed for one, for what is drawn.

    Raises:
        TypeError: not an `MLP`.
        ValueError: a layer whose formula is no instance of the rule, such as one with a softmax
            before the last layer.

    Example:
        >>> import nn
        >>> print(nn.derive(nn.MLP([2, 5, 5, 1], rng=0)))
        δ_3 = (l_3 − y) / q
        <BLANKLINE>
        δ_i = (δ_{i+1} W_{i,i+1}ᵀ) ∘ σ'(s_i)
            δ_2 = (δ_3 W_23ᵀ) ∘ (l_2 ∘ (1 − l_2))
            δ_1 = (δ_2 W_12ᵀ) ∘ (l_1 ∘ (1 − l_1))
        <BLANKLINE>
        ∇W_{i,i+1} = l_iᵀ δ_{i+1}
            ∇W_23 = l_2ᵀ δ_3
            ∇W_12 = l_1ᵀ δ_2
            ∇W_01 = l_0ᵀ δ_1
        <BLANKLINE>
        ∇b_{i,i+1} = 1ᵀ δ_{i+1}
            ∇b_23 = 1ᵀ δ_3
            ∇b_12 = 1ᵀ δ_2
            ∇b_01 = 1ᵀ δ_1
    """
    if not isinstance(net, MLP):
        said = f"nn.derive states the rule of an MLP, not of a {type(net).__name__}"
        raise TypeError(f"{said}; for the gradients of any computation: ag.derive(loss)")
    derivation = ag.derive(_loss_on_drawn_data(net, loss, np.random.default_rng(rng)))
    biased = {edge_name(i) for i, layer in enumerate(net.layers) if layer.bias is not None}
    *inner, last = ((edge_name(i), _layer(net, i), f"δ_{i + 1}") for i in range(len(net.layers)))
    layers = [last, *reversed(inner)]
    forms = {
        _DELTA: [(delta, f"{after} W_{edge}ᵀ")
                 for (edge, _, after), (*_, delta) in pairwise(layers)],
        _NABLA_W: [(f"∇W_{edge}", f"{below}ᵀ {delta}") for edge, below, delta in layers],
        _NABLA_B: [(f"∇b_{edge}", f"1ᵀ {delta}") for edge, _, delta in layers if edge in biased],
    }  # fmt: skip
    rules = [
        Rule(statement, [_instance(derivation, *form) for form in each])
        for statement, each in forms.items()
        if each
    ]
    start = derivation[last[2]]
    return NetworkDerivation(f"{start.symbol} = {start.result}", rules, derivation)


def _instance(derivation: ag.Derivation, symbol: str, form: str) -> str:
    """A layer's formula, seen to be of that form, or, of a δ, a product with it."""
    result = derivation[symbol].result
    if result != form and not (symbol[0] == "δ" and result.startswith(f"({form}) ∘ ")):
        said = f"nn.derive: {symbol} = {result} is no instance of the rule: its activation is not"
        raise ValueError(f"{said} elementwise; for the gradients as they are: ag.derive(loss)")
    return f"{symbol} = {result}"


def _layer(net: MLP, i: int) -> str:
    """What layer i's output is called: ``l_i``, or ``s_i`` where nothing is applied to it."""
    probe = ag.Tensor(np.zeros(1), requires_grad=True)
    return f"s_{i}" if i and net.activations[i - 1](probe) is probe else f"l_{i}"


def _loss_on_drawn_data(net: MLP, loss: Any, rng: np.random.Generator) -> Any:
    net = deepcopy(net)
    for p in net.parameters():  # a rule holds where training has led to σ(s) = 1, too
        p.data = (rng.normal(size=p.shape) / np.sqrt(len(p))).astype(p.dtype)
    weight = net.layers[0].weight
    rows = 1 + max(layer.weight.shape[1] for layer in net.layers)  # no width is taken for q
    prediction = net(rng.normal(size=(rows, weight.shape[0])).astype(weight.dtype))
    if loss is None:
        loss = BCELoss() if prediction.op is ag.sigmoid else SquaredErrorLoss()
    classes = prediction.shape[1]  # a row's target is one of them, or 0 or 1
    drawn = rng.integers(0, max(classes, 2), rows)
    return loss(prediction, np.eye(max(classes, 2), dtype=weight.dtype)[drawn, -classes:])
