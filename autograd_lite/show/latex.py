"""Formulas as LaTeX, for MathJax and KaTeX."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .expression import Expression, nodes
from .notation import Written, dimensions
from .writer import PLACE, Markup, is_transposed_leaf, leaf, write


def latex(root: Expression, shaped: bool = False) -> str:
    r"""``(\delta_{2} \mathbf{W}_{12}^{\top}) \circ \ldots``.

    With ``shaped`` the shape of each factor stands under it, as the chapter has it.
    """
    return write(nodes(root), SHAPED if shaped else LATEX).text


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


_LETTERS = (
    "alpha beta gamma delta varepsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega"
)
_GREEK = {
    letter: rf"\{name}"
    for letter, name in zip("αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩ", _LETTERS.split(), strict=True)
}
_SPECIAL = {c: rf"\{c}" for c in "#$%&_{}"} | {
    "\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "\n": " ",
    "<": "< ",  # within a page, no tag begins with it
}  # fmt: skip


def _escaped(words: str) -> str:
    return "".join(_SPECIAL.get(c, c) for c in words)


_SIGNS = {
    "∘": r"\circ ", "·": r"\cdot ", "−": "-", "Σ": r"\sum ", "Π": r"\prod ", "√": r"\sqrt ",
    "σ": r"\sigma ", "ᵀ": r"^{\top}", "≥": r"\ge ", "≤": r"\le ", "≠": r"\ne ", "ℓ": r"\ell ",
    "λ": r"\lambda ", "…": r"\ldots ", "←": r"\leftarrow ", "×": r"\times ", "Φ": r"\Phi ",
}  # fmt: skip
_RAISED, _LOWERED = "⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "ᵢⱼₖₗₘₙₚᵣ₊₀₁₂₃₄₅₆₇₈₉"
_PLAIN = str.maketrans(_RAISED + _LOWERED, "-0123456789ijklmnpr+0123456789")


def _latex_signs(template: str) -> str:
    """An op's own signs: words upright, superscripts and subscripts together."""
    shown = re.sub("([ΣΠ])_([≤≥]?[a-z,]+)", r"\1_{\2}", template)
    shown = re.sub(r"[A-Za-z_]{2,}", lambda m: rf"\operatorname{{{_escaped(m[0])}}}", shown)
    shown = re.sub(f"({PLACE})(?=[{_LOWERED}])", r"{\1}", shown)  # u_1 has a subscript of its own
    for letters, sign in (_RAISED, "^"), (_LOWERED, "_"):
        shown = re.sub(f"[{letters}]+", rf"{sign}{{\g<0>}}", shown)
    return "".join(_SIGNS.get(c, c) for c in shown.translate(_PLAIN))


def aligned(lines: Iterable[str]) -> str:
    """Lines that stand beneath each other, their & in one place."""
    joined = " \\\\\n".join(lines)
    return f"\\begin{{aligned}}\n{joined}\n\\end{{aligned}}"


def over_shape(shown: str, shape: tuple[int, ...]) -> str:
    """A factor with its shape under it; spaces keep it apart from the next factor's."""
    below = dimensions(shape).replace("×", r" \times ")
    return rf"\underset{{\,{below}\,}}{{{shown}}}"


def _leaf(node: Expression) -> Written:
    return leaf(node, latex_name(node.name or ""), lambda digits: digits.replace("π", r"\pi "))


def _shaped_leaf(node: Expression) -> Written:
    if node.is_number:
        return _leaf(node)
    is_transposed = is_transposed_leaf(node)
    name = latex_name((node.inputs[0] if is_transposed else node).name or "")
    return leaf(node, over_shape(name + r"^{\top}" * is_transposed, node.shape))


LATEX = Markup(
    _leaf,
    _latex_signs,
    forms={
        "divide": r"\frac{{{0}}}{{{1}}}", "power": "{0}^{{{1}}}",
        "sqrt": r"\sqrt{{{0}}}", "root": r"\sqrt{{{0}}}",
    },
    ones=lambda _: r"\mathbf{1}^{\top}",
    fractions_apart=True,
)
SHAPED = LATEX._replace(leaf=_shaped_leaf, shaped=True)
