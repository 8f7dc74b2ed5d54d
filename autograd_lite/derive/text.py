"""Expressions as plain text and as LaTeX, by the notations of the op table."""

from __future__ import annotations

import re

from ..notation import (
    ATOM,
    ENTRYWISE,
    MATMUL,
    POWER,
    PREFIX,
    Notation,
    Written,
    apply_notation,
    number,
)
from ..op import OPS
from .expression import Expression, fold


def text(root: Expression) -> str:
    """``(δ_2 W_12ᵀ) ∘ (l_1 ∘ (1 − l_1))``."""

    def write(node: Expression, operands: list[Written]) -> Written:
        if node.op is None:
            return _symbol(node, node.name or "")
        if is_row_of_ones(node):
            return Written(f"1ᵀ {_within(operands[0], MATMUL)}", MATMUL, 0)
        return apply_notation(notation_of(node), _marked(node, operands), node.params)

    return fold(root, write).text


def dimensions(shape: tuple[int, ...]) -> str:
    """``1×2``; a number without axes is 1."""
    return "×".join(map(str, shape)) or "1"


def shapes(root: Expression) -> str:
    """The text with the shape of each factor in its place: ``(1×1 1×2) ∘ (1×2 ∘ (1 − 1×2))``."""

    def write(node: Expression, operands: list[Written]) -> Written:
        if node.op is None or (node.is_called("transpose") and node.operands[0].op is None):
            return _symbol(node, dimensions(node.shape) if node.shape else node.name or "1")
        if is_row_of_ones(node):
            rows = (1, node.operands[0].shape[0])
            return Written(f"{dimensions(rows)} {_within(operands[0], MATMUL)}", MATMUL, 0)
        return apply_notation(notation_of(node), _marked(node, operands), node.params)

    return fold(root, write).text


def latex(root: Expression, shaped: bool = False) -> str:
    r"""``(\delta_{2} \mathbf{W}_{12}^{\top}) \circ \ldots``, for MathJax and KaTeX.

    With ``shaped`` the shape of each factor stands under it, as the chapter has it.
    """

    def write(node: Expression, operands: list[Written]) -> Written:
        if node.op is None:
            shown = _symbol(node, latex_name(node.name or ""))
            return _over_shape(shown, node) if shaped and not node.is_number else shown
        if shaped and node.is_called("transpose") and node.operands[0].op is None:
            bare = latex_name(node.operands[0].name or "")
            return _over_shape(Written(rf"{bare}^{{\top}}", ATOM, 0), node)
        if is_row_of_ones(node):
            return Written(rf"\mathbf{{1}}^{{\top}} {_within(operands[0], MATMUL)}", MATMUL, 0)
        if node.is_called("divide"):
            return Written(rf"\frac{{{operands[0].text}}}{{{operands[1].text}}}", POWER - 1, 0)
        if node.is_called("power"):
            return Written(
                f"{_within(operands[0], ATOM)}^{{{operands[1].text}}}", POWER, 0
            )
        return apply_notation(
            notation_of(node), _marked(node, operands), node.params, escape=_latex_signs
        )

    return fold(root, write).text


def latex_name(name: str) -> str:
    r"""A name or symbol as LaTeX: ``W_01`` → ``\mathbf{W}_{01}``, ``∂L/∂h`` as a fraction."""
    if name.startswith("∂") and "/∂" in name:
        above, below = (latex_name(part) for part in name[1:].split("/∂", 1))
        return rf"\frac{{\partial {above}}}{{\partial {below}}}"
    if name.startswith("∇"):
        return rf"\nabla_{{{latex_name(name[1:])}}}"
    base, _, below = name.partition("_")
    if base in _GREEK:
        shown = _GREEK[base]
    elif len(base) == 1 and base.isascii() and base.isalpha():
        shown = rf"\mathbf{{{base}}}" if base in "WXAB" else base
    else:
        shown = rf"\text{{{_escaped(base)}}}"
    if not below:
        return shown
    numbered = re.fullmatch(r"[0-9,_]+", below)
    shown_below = below.replace("_", ",") if numbered else rf"\text{{{_escaped(below)}}}"
    return f"{shown}_{{{shown_below}}}"


_GREEK = {
    "δ": r"\delta", "σ": r"\sigma", "α": r"\alpha", "β": r"\beta", "γ": r"\gamma", "θ": r"\theta",
    "λ": r"\lambda", "μ": r"\mu",
}  # fmt: skip
_SPECIAL = {c: rf"\{c}" for c in "#$%&_{}"} | {
    "\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "\n": " ",
    "<": "< ",  # within a page, no tag begins with it
}  # fmt: skip


def _escaped(words: str) -> str:
    return "".join(_SPECIAL.get(c, c) for c in words)


_SIGNS = {
    "∘": r"\circ ", "·": r"\cdot ", "−": "-", "Σ": r"\sum ", "√": r"\sqrt ", "σ": r"\sigma ",
    "ᵀ": r"^{\top}", "≥": r"\ge ", "≤": r"\le ", "≠": r"\ne ", "ℓ": r"\ell ", "…": r"\ldots ",
    "|": "|", "⁻": "^{-}",
} | {digit: f"^{{{i}}}" for i, digit in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")}  # fmt: skip


def _latex_signs(template: str) -> str:
    """An op's own signs: words upright, superscripts together."""
    raised = re.sub(
        "[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda m: f"^{{{m[0].translate(_RAISED)}}}", template
    )
    words = re.sub(r"[A-Za-z_]{2,}", lambda m: rf"\operatorname{{{_escaped(m[0])}}}", raised)
    return "".join(_SIGNS.get(c, c) for c in words)


_RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def _symbol(node: Expression, shown: str) -> Written:
    if not node.is_number:
        return Written(shown, ATOM, 0)
    value = node.value.flat[0] if node.value.size else 0
    shown = number(value)
    return Written(shown, PREFIX if shown.startswith("−") else ATOM, 0)


def notation_of(node: Expression) -> Notation:
    """The op's notation, with · for ∘ where a factor is a number."""
    assert node.op is not None
    if node.is_called("reshape") and node.value.size == 1:  # a number without its axes
        return OPS["broadcast_to"].notation
    notation = node.op.notation
    if notation == ENTRYWISE and any(x.value.ndim == 0 for x in node.operands):
        return notation._replace(template="{0} · {1}")
    return notation


def _marked(node: Expression, operands: list[Written]) -> list[Written]:
    """A matrix product or a fraction in an entrywise product stands in parentheses."""
    if not node.is_called("multiply", "divide"):
        return operands
    fraction = [x.is_called("divide") for x in node.operands]
    return [
        Written(f"({x.text})", ATOM, 0) if x.level == MATMUL or apart else x
        for x, apart in zip(operands, fraction, strict=True)
    ]


def _over_shape(shown: Written, node: Expression) -> Written:
    below = dimensions(node.shape).replace("×", r" \times ")
    return Written(rf"\underset{{{below}}}{{{shown.text}}}", shown.level, 0)


def _within(operand: Written, level: int) -> str:
    return f"({operand.text})" if operand.level < level else operand.text


def is_row_of_ones(node: Expression) -> bool:
    """Whether this is a sum over the rows: ``1ᵀ δ``."""
    return node.is_called("sum") and node.params["axis"] in (0, (0,)) and node.params["keepdims"]
