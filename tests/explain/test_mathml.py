"""Formulas as MathML: well-formed, with the parentheses that are needed, and names as text."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np

import autograd_lite as ag
from autograd_lite.show import mathml
from autograd_lite.show.expression import Expression, applied
from autograd_lite.show.mathml import LONGEST, bold, expression, symbol
from autograd_lite.show.source import source
from autograd_lite.show.text import text
from autograd_lite.table import OPS

from ..each import each

A, B, C = (Expression(np.ones((2, 2)), name) for name in ("a_1", "B", "c"))
TWO, EYE = Expression(2.0), Expression(np.eye(2), "I")


def read(markup: str) -> str:
    """The text of MathML, which must be well-formed; a fraction as a / b, a power as a ^ b."""

    def text(node: ET.Element) -> str:
        parts = [text(child) for child in node]
        if node.tag == "mfrac":
            above, below = parts
            return f"{{{above}}}/{{{below}}}"
        if node.tag in ("msup", "msub"):
            base, small = parts
            return f"{base}{'^' if node.tag == 'msup' else '_'}{small}"
        if node.tag in ("mi", "mn", "mo"):
            assert not parts
            return node.text or ""
        if node.tag == "msqrt":
            return f"√{{{''.join(parts)}}}"
        assert node.tag in ("mrow", "math", "mspace"), node.tag
        assert not (node.text or "").strip(), "text outside of a token"
        assert all(not (child.tail or "").strip() for child in node), "text outside of a token"
        return "".join(parts)

    return text(ET.fromstring(f"<math>{markup}</math>"))


def op(name: str, *operands: Expression, **params: object) -> Expression:
    return applied(OPS[name], *operands, **params)


@each([
    (op("add", A, B), "a_1+B"),
    (op("subtract", A, op("add", B, C)), "a_1−(B+c)"),
    (op("multiply", A, op("subtract", TWO, B)), "a_1∘(2−B)"),
    (op("multiply", op("matmul", A, B), C), "(a_1B)∘c"),
    (op("matmul", A, op("add", B, C)), "a_1(B+c)"),
    (op("divide", op("add", A, B), C), "{a_1+B}/{c}"),
    (op("multiply", op("divide", A, B), C), "{a_1}/{B}∘c"),
    (op("transpose", A, axes=(1, 0)), "a_1^T"),
    (op("transpose", op("add", A, B), axes=(1, 0)), "(a_1+B)^T"),
    (op("square", op("add", A, B)), "(a_1+B)^2"),
    (op("power", op("negative", A), TWO), "(−a_1)^2"),
    (op("sigmoid", op("linear", A, B, C)), "σ(a_1B+c)"),
    (op("inv", EYE), "I^−1"),
    (op("absolute", A), "|a_1|"),
    (op("multiply", TWO, A), "2·a_1"),
    (op("multiply", Expression(-0.5), A), "−0.5·a_1"),
    (op("sum", A, axis=0, keepdims=True), "1^Ta_1"),
    (op("exp", A), "exp(a_1)"),
    (op("index_update", A, TWO, index=(0, slice(1, None))), "a_1[0,1:←2]"),
    (op("square", op("sqrt", op("add", A, B))), "√{a_1+B}^2"),
])
def test_expressions(root: Expression, expected: str) -> None:
    assert read(expression(root, {})) == expected


def test_all_axes_of_a_sum_are_its_subscript() -> None:
    total = op("sum", Expression(np.ones((2, 3, 4)), "D"), axis=(0, 1), keepdims=False)
    assert "<mi>Σ</mi><mi>i,j</mi></msub>" in expression(total, {})


@each(sorted(OPS))
def test_every_op_is_written_well_formed(name: str) -> None:
    one = OPS[name]
    operands = (A, B, C)[: len(one.vjps) if hasattr(one.vjps, "__len__") else 2] or (A,)
    params = {"exponent": 3, "index": (0, slice(1)), "axis": None, "keepdims": False,
              "subscripts": "ij,jk->ik"}  # fmt: skip
    root = Expression(np.ones((2, 2)), op=one, inputs=operands, params=params)
    assert read(expression(root, {}))


def test_symbols_with_a_matrix_carry_its_key() -> None:
    markup = expression(op("matmul", A, B), {"a_1": "v1", "B": "g2"})
    keyed = ET.fromstring(f"<math>{markup}</math>").findall(".//*[@data-key]")
    assert [x.get("data-key") for x in keyed] == ["v1", "g2"]


@each([
    ("W_01", "W_01"), ("W_0_1", "W_0,1"), ("δ_2", "δ_2"), ("∇W_12", "∇W_12"),
    ("∂L/∂h_1", "{∂L}/{∂h_1}"), ("x", "x"), ("loss", "loss"), ("∇", "∇"), ("_", "_"),
    ("", "·"), ("a b", "a b"),
])  # fmt: skip
def test_symbols(name: str, expected: str) -> None:
    assert read(symbol(name)) == expected


def test_bold_symbols_are_bold_within_gradients_too() -> None:
    for name in ("W_01", "∇W_01", "∂L/∂W_01"):
        assert "bold" in symbol(name, looks={"W_01": bold("W_01")})
    assert "bold" not in symbol("b_01", looks={"W_01": bold("W_01")})
    assert mathml.text("a\nb\u2028c\r\nd") == "a b c d"  # a newline is a space


@each(["<script>", "a&b", 'q"', "]]>", "∂<b>/∂</b>", "∇<i>", "x_<sub>", "\ud800", "\x00\x0b"])
def test_names_are_text(name: str) -> None:
    shown = read(symbol(name))
    assert shown
    if name.isprintable() and name[0] not in "∂":
        assert shown == name
    assert "<script" not in symbol(name)


def test_a_long_expression_is_a_function_of_its_symbols_however_deep() -> None:
    root = deep = A
    while root.size <= LONGEST:
        root = op("add", root, B)
    assert read(expression(root, {})) == "f(a_1,B)"
    for _ in range(5000):
        deep = Expression(A.value, op=ag.OPS["exp"], inputs=(deep,))
    assert read(expression(deep, {})) == "f(a_1)"


@each([
    ([[("L", "l_2"), ("l_2", "s_2")], [("L", "k"), ("k", "s_2")]],
     "{∂L}/{∂l_2}·{∂l_2}/{∂s_2}+{∂L}/{∂k}·{∂k}/{∂s_2}"),
    # A direct path beside others holds what they go through.
    ([[("L", "h")], [("L", "k"), ("k", "h")]], "({∂L}/{∂h})_k+{∂L}/{∂k}·{∂k}/{∂h}"),
    ([[("L", "h")]], "{∂L}/{∂h}"),
])  # fmt: skip
def test_the_chain_rule(paths: list[list[tuple[str, str]]], written: str) -> None:
    assert read(mathml.chain(paths)) == written


def test_a_long_formula_is_broken_before_signs_also_within_long_parentheses():
    factors = op("negative", A), op("exp", A)
    first, last = (op("multiply", x, op("log", op("add", B, C))) for x in factors)
    long = op("mean", op("subtract", first, last), axis=None, keepdims=False)
    parts = mathml.broken(mathml.equation("<mi>L</mi>", [expression(long, {})]))
    assert [read(part) for part in parts] == ["L", "=mean(−a_1∘log(B+c)", "−exp(a_1)∘log(B+c))"]
    short = mathml.equation("<mi>L</mi>", [expression(op("exp", op("subtract", A, B)), {})])
    assert [read(part) for part in mathml.broken(short)] == ["L=exp(a_1−B)"]


def test_a_root_of_a_whole_number_is_written_as_one():
    root, near, whole = (Expression(x) for x in (np.sqrt(3.0), 1.7320508, 2.0))
    assert read(expression(op("divide", A, root), {})) == "{a_1}/{√{3}}"
    assert read(expression(op("divide", A, near), {})) == "{a_1}/{1.732}"
    assert read(expression(op("divide", A, whole), {})) == "{a_1}/{2}"
    assert text(op("divide", A, root)) == "a_1 / √3"
    assert text(op("divide", A, Expression(np.sqrt(2 / np.pi)))) == "a_1 / √(2 / π)"
    assert source(op("divide", A, root), str) == f"a_1 / {float(root.value)!r}"
    x = ag.Tensor(np.sqrt(2.0), requires_grad=True)
    y = (x * 3.0).named("y")  # x is a symbol, whatever its value
    z = (x * np.sqrt(2.0)).named("z")
    assert "√" not in ag.draw(y).source
    assert "<I>v</I>₁ · √2" in ag.draw(z).source
    assert "<I>v</I>₁ · √(2 / π)" in ag.draw((x * np.sqrt(2 / np.pi)).named("z")).source
