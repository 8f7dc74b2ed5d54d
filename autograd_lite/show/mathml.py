"""Formulas as MathML.

A symbol that has a matrix on the page carries that matrix's key, so that it can be lit. Names are
user text: whatever they hold is shown, and none of it is markup.
"""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence

from .expression import Expression, nodes
from .notation import POWER, Written
from .writer import PLACE, Markup, leaf, write

LONGEST = 90
"""The size from which an expression isn't written out."""

LINE = 30
"""How many characters of a formula stand on one line, about."""

_BREAKS = {f"<mo>{sign}</mo>" for sign in "=←+−"}
_BEFORE_A_SIGN = tuple(f"{x}</mo>" for x in "(=←")
_TOKEN = re.compile(
    rf"(?P<raised>(?:{PLACE}|\))[ᵀ⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)|(?P<place>{PLACE})|(?P<word>[ΣΠ]_[≤≥]?\w+(?:,\w+)*|[^\W\d_]\w*)"
    rf"|(?P<number>\d[\d.]*)|(?P<factor>(?<={PLACE}) (?={PLACE}))|(?P<space>\s+)|(?P<sign>.)",
    re.DOTALL,
)
_MARKED = {
    "place": "{}", "word": "<mi>{}</mi>", "number": "<mn>{}</mn>", "space": "",
    "factor": '<mspace width="0.15em"></mspace>',
}  # fmt: skip
_TRANSPOSED = '<mi mathvariant="normal">T</mi>'
_RAISED = str.maketrans("⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "+−0123456789")
_OPEN, _CLOSE = (f'<mo stretchy="false">{sign}</mo>' for sign in "()")
_PARENTHESES = "<mrow><mo>(</mo>{}<mo>)</mo></mrow>"
_NAME = re.compile(r"(.+?)_([≤≥]?\w[\w,]*)", re.DOTALL)


def text(shown: str, spaces: str = r"\s+") -> str:
    """User text as markup that shows it, on one line: what HTML can't hold is shown by a sign.

    Args:
        shown: any text.
        spaces: what is shown as one space.
    """
    shown = re.sub(spaces, " ", shown.encode("utf-8", "replace").decode())
    return html.escape(re.sub(r"[\x00-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]", "�", shown))


def math(inner: str, block: bool = False) -> str:
    """A formula of its own."""
    display = ' display="block"' if block else ""
    return f"<math{display}>{inner}</math>"


def symbol(name: str, keys: Mapping[str, str] = {}, looks: Mapping[str, str] = {}) -> str:
    """``W_01``, ``δ_2``, ``∇W_01`` or ``∂L/∂h``, with its matrix's key where it has one.

    Args:
        name: what it is called.
        keys: of the matrices on the page, by their names.
        looks: what symbols are written as, where that isn't just the name.
    """
    key = keys.get(name)
    inner = _symbol(name, looks)
    return f'<mrow data-key="{key}">{inner}</mrow>' if key else inner


def _symbol(name: str, looks: Mapping[str, str]) -> str:
    if name in looks:
        return looks[name]
    if name.startswith("∂") and "/∂" in name:
        of, by = name[1:].split("/∂", 1)
        return partial(of, by, looks)
    if name.startswith("∇") and len(name) > 1:
        return f"<mrow><mo>∇</mo>{_symbol(name[1:], looks)}</mrow>"
    if name.startswith("(") and ")_" in name:  # an entry, (W_01)_12
        whole, _, index = name[1:].rpartition(")_")
        inner = _PARENTHESES.format(_symbol(whole, looks))
        return f"<msub>{inner}<mn>{text(index)}</mn></msub>"
    return _marked(name, "<mi>{}</mi>")


def bold(name: str) -> str:
    """A name in bold, as of a matrix."""
    return _marked(name, '<mi mathvariant="normal" style="font-weight:bold">{}</mi>')


def _marked(name: str, mark: str) -> str:
    """A name with its subscript."""
    found = _NAME.fullmatch(name)
    base, below = found.groups() if found else (name, "")
    shown = mark.format(text(base) or "·")
    if not below:
        return shown
    tag = "mn" if below[0].isdigit() else "mi"
    below = text(below.replace("_", ",") if tag == "mn" else below)
    return f"<msub>{shown}<{tag}>{below}</{tag}></msub>"


def partial(of: str, by: str, looks: Mapping[str, str] = {}) -> str:
    """``∂of/∂by`` as a fraction."""
    above, under = (f"<mrow><mo>∂</mo>{_symbol(name, looks)}</mrow>" for name in (of, by))
    return f"<mfrac>{above}{under}</mfrac>"


def equation(
    left: str, right: Sequence[str], sign: str = "="
) -> str:
    """``left = right = …`` of parts that are written already; what comes twice stands once."""
    parts = list(dict.fromkeys([left, *right]))
    return "<mrow>" + f"<mo>{sign}</mo>".join(parts) + "</mrow>"


def broken(formula: str) -> list[str]:
    """A long formula in parts that may stand on lines of their own: before each =, + and −.

    Not before the − of a number's sign.
    """
    parts = [""]
    is_long = len(re.sub("<[^>]*>", "", formula)) > LINE
    for piece in _flat(ET.fromstring(formula)):
        if is_long and piece in _BREAKS and parts[-1] and not parts[-1].endswith(_BEFORE_A_SIGN):
            parts.append("")
        parts[-1] += piece
    return [f"<mrow>{part}</mrow>" for part in parts]


def _flat(row: ET.Element) -> list[str]:
    """A row's parts, and in their places those of the sums in it, also above a fraction's line."""
    if row.tag == "mfrac" and len("".join(row[0].itertext())) > 2 * LINE:
        below = ET.tostring(row[1], encoding="unicode", short_empty_elements=False)
        return [_OPEN, *_flat(row[0]), f"{_CLOSE}<mo>/</mo>{below}"]
    signs = {x.text for x in row if x.tag == "mo"}
    is_long = len("".join(row.itertext())) > LINE  # only then broken within parentheses
    is_broken = is_long if "(" in signs else signs & {"=", "←", "+", "−"}
    if row.tag != "mrow" or row.attrib or not is_broken:
        return [ET.tostring(row, encoding="unicode", short_empty_elements=False)]
    return [piece for x in row for piece in _flat(x)]


def chain(paths: Sequence[Sequence[tuple[str, str]]], looks: Mapping[str, str] = {}) -> str:
    """The chain rule along each path, summed: ``∂L/∂l_2 · ∂l_2/∂s_2 + …``.

    Beside other paths, a direct one is written with what these go through as a subscript, which
    is held fixed in it: ``(∂L/∂h)_k + ∂L/∂k · ∂k/∂h``.
    """
    others = dict.fromkeys(path[-1][0] for path in paths if len(path) > 1)
    held = "<mo>,</mo>".join(_symbol(name, looks) for name in others)
    products = []
    for path in paths:
        product = "<mo>·</mo>".join(partial(of, by, looks) for of, by in path)
        if len(path) == 1 and held:
            product = f"<msub>{_PARENTHESES.format(product)}<mrow>{held}</mrow></msub>"
        products.append(product)
    return "<mo>+</mo>".join(dict.fromkeys(products))


def expression(root: Expression, keys: Mapping[str, str], looks: Mapping[str, str] = {}) -> str:
    """An expression; one that is very long as a function of its symbols, ``f(x, y)``."""
    if root.size > LONGEST:
        names = list(dict.fromkeys(node.name for node in nodes(root) if node.name is not None))
        shown = [symbol(name, keys, looks) for name in names[:12]]
        shown += ["<mo>…</mo>"] * (len(names) > 12)
        listed = "<mo>,</mo>".join(shown)
        return f"<mrow><mi>f</mi><mo>(</mo>{listed}<mo>)</mo></mrow>"
    markup = Markup(
        lambda node: _leaf(node, keys, looks),
        _tokens,
        _PARENTHESES,
        forms={
            "divide": "<mfrac>{0}{1}</mfrac>", "power": "<msup>{0}{1}</msup>",
            "sqrt": "<msqrt>{0}</msqrt>", "root": "<msqrt>{0}</msqrt>",
        },
        ones=lambda _: f"<msup><mn>1</mn>{_TRANSPOSED}</msup>",
        fractions_apart=False,
    )
    return write(nodes(root), markup).text


def _leaf(node: Expression, keys: Mapping[str, str], looks: Mapping[str, str]) -> Written:
    """A symbol or number; a fraction such as ∂L/∂S needs parentheses where it is transposed."""
    found = leaf(node, symbol(node.name or "", keys, looks), _number)
    return found._replace(level=POWER) if (node.name or "").startswith("∂") else found


def _number(digits: str) -> str:
    shown = f"<mn>{html.escape(digits.removeprefix('−'))}</mn>"
    return f"<mrow><mo>−</mo>{shown}</mrow>" if digits.startswith("−") else shown


def _tokens(template: str) -> str:
    """A notation's own text: words, numbers and signs, around the places of its operands."""
    return f"<mrow>{_TOKEN.sub(_token, template)}</mrow>"


def _token(found: re.Match[str]) -> str:
    kind, token = found.lastgroup or "", found[0]
    if kind == "raised":
        base, above = token[0].replace(")", "<mo>)</mo>"), token[1:]
        sign = _TRANSPOSED if above == "ᵀ" else f"<mn>{above.translate(_RAISED)}</mn>"
        return f"<msup>{base}{sign}</msup>"
    if kind == "word" and token[:2] in ("Σ_", "Π_"):
        return _symbol(token, {})
    if kind == "sign":
        stretchy = ' stretchy="false"' if token in "()[]|" else ""
        return f"<mo{stretchy}>{text(token)}</mo>"
    return _MARKED[kind].format(text(token))
