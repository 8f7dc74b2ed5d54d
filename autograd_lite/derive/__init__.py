"""The chapter's derivation, for any graph: each gradient as a formula.

The formulas are read off the recorded backward pass: the rules of the op table, run on Tensors.
There are no rules of derivation here. Each formula, as given and simplified, is worked out again
from its symbols and compared with the gradient, so that none is shown that doesn't hold.

The work is in `formulas`; it is imported by the first call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..engine.tensor import FOREIGN, Tensor
from ..loading import loaded

if TYPE_CHECKING:
    from .derivation import Derivation, Step
    from .formulas import DerivationError

__all__ = ["Derivation", "DerivationError", "Step", "derive"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import formulas

    return getattr(formulas, name)


def derive(output: Tensor, wrt: Sequence[Tensor | str] | Tensor | str | None = None) -> Derivation:
    """The gradients of ``output`` as formulas, from the output back: one step a named tensor.

    ``δ_2`` is the gradient with respect to ``s_2``, ``∇W_12`` that of a leaf, and ``∂L/∂h`` any
    other. Activations (``l_1`` of ``s_1``) get no step: the chain rule passes through them.

    Args:
        output: a recorded tensor with one element.
        wrt: tensors or names: only these, and the steps that lead to them.

    Raises:
        TypeError: ``output`` is no Tensor.
        RuntimeError: nothing in its history requires a gradient.
        ValueError: it has several elements, or a leaf was given other data since.
        KeyError: a name in ``wrt`` that no tensor with a gradient has; it lists those there are.
        DerivationError: a formula isn't worth the gradient.

    Example:
        >>> import autograd_lite as ag, nn
        >>> net = nn.MLP([2, 2, 1], rng=0)
        >>> loss = nn.BCELoss()(net([[0.0, 1.0]]), [[0.0]])
        >>> derivation = ag.derive(loss)
        >>> [step.symbol for step in derivation.steps]
        ['δ_2', '∇W_12', '∇b_12', 'δ_1', '∇W_01', '∇b_01']
        >>> derivation["δ_2"].chain
        '∂L/∂s_2 = ∂L/∂l_2 · ∂l_2/∂s_2'
        >>> derivation["δ_2"].result
        'l_2 − y'
        >>> derivation["δ_1"].result
        '(δ_2 W_12ᵀ) ∘ (l_1 ∘ (1 − l_1))'
    """
    from .formulas import derived

    with loaded(output):
        found = derived(output, wrt)
        if FOREIGN:
            str(found)  # by the numbers, which are at hand now
    return found
