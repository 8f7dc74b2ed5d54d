"""What a call is, and how the table of `calls` is entered.

A call is NumPy code on named operands, and the code is its name in the tests. It is run with
``np`` standing for NumPy, and for `autograd_lite`. Operands given by a shape or an `Operand` are
differentiated; all others are constants.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

DEEP = "lib.stride_tricks."
"""Where NumPy keeps a function that `autograd_lite` has with its others."""


class Operand(NamedTuple):
    """An operand that is differentiated: the shape, the domain of its entries, or their values."""

    shape: tuple[int, ...]
    low: float = -2.0
    high: float = 2.0
    is_complex: bool = False
    values: Any = None

    def drawn(self, rng: np.random.Generator) -> Any:
        if self.values is not None:
            return np.array(self.values)
        drawn = rng.uniform(self.low, self.high, self.shape)
        if self.is_complex:
            drawn = drawn + 1j * rng.uniform(self.low, self.high, self.shape)
        return np.asarray(drawn)

    def fitted(self, x: Any) -> Any:
        """An array or Tensor of any real numbers, brought smoothly into this shape and domain."""
        count = int(np.prod(self.shape))
        x = np.ravel(x)[:count] if x.size > count else x
        angles = np.arange(1.0, count + 1).reshape(self.shape) ** 2  # no ties, no singular matrices
        wave = np.sin(np.arcsinh(np.resize(x, self.shape)) + angles)
        x = (self.low + self.high) / 2 + (self.high - self.low) / 2 * wave
        return x + 1j * np.cos(x + angles) if self.is_complex else x

    @property
    def domain(self) -> str:
        """As the page says it."""
        if self.values is not None:
            entries = np.ravel(self.values)
            special = {
                "nan": not np.isfinite(entries).all(),
                "zeros": (entries == 0).any(),
                "ties": len(np.unique(entries[entries != 0])) < (entries != 0).sum(),
            }
            return ", ".join(k for k, holds in special.items() if holds) or "given numbers"
        if self.is_complex:
            return "complex"
        return "real" if (self.low, self.high) == (-2.0, 2.0) else f"{self.low:g} to {self.high:g}"

    def __str__(self) -> str:
        return f"{self.domain} {'x'.join(map(str, self.shape)) or '0-d'}"


def positive(*shape: int) -> Operand:
    return Operand(shape, 0.3, 3.0)


def within_1(*shape: int) -> Operand:
    return Operand(shape, -0.8, 0.8)


def between(low: float, high: float, *shape: int) -> Operand:
    return Operand(shape, low, high)


def cplx(*shape: int) -> Operand:
    return Operand(shape, is_complex=True)


def exactly(values: Any) -> Operand:
    """Given entries: ties, zeros, nan."""
    return Operand(np.shape(values), is_complex=np.iscomplexobj(values), values=values)


class Call(NamedTuple):
    """One way of calling a function.

    Attributes:
        function: its name below ``np``.
        code: of the call.
        operands: what is differentiated, by name.
        constants: further names in the code.
        order: of the derivatives that are compared with differences. 0 where there is none to
            compare with: at a tie, in a narrower dtype, for what is determined up to a phase.
    """

    function: str
    code: str
    operands: dict[str, Operand]
    constants: dict[str, Any]
    order: int

    def __str__(self) -> str:
        return " | ".join([self.code, *(f"{k} {x}" for k, x in self.operands.items())])

    def of(self, namespace: Any, tree: ast.Expression | None = None) -> Callable[..., Any]:
        """A function of the operands, with ``np`` in the code standing for ``namespace``."""
        code = ast.unparse(tree) if tree else self.code
        code = code if namespace is np else code.replace(DEEP, "")
        function = f"lambda {', '.join(self.operands)}: {code}"  # which reaches nothing but this:
        fixed = {"np": namespace, "nan": np.nan, "inf": np.inf, **self.constants}
        found: Callable[..., Any] = eval(compile(function, f"<{self.code}>", "eval"), fixed)
        return found

    def drawn(self, seed: int = 7) -> list[Any]:
        rng = np.random.default_rng(seed)
        return [x.drawn(rng) for x in self.operands.values()]

    def inner(self) -> tuple[ast.Expression, ast.Call]:
        """The code parsed, and within it the call of the function itself."""
        tree = ast.parse(self.code, mode="eval")
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == f"np.{self.function}":
                return tree, node
        raise LookupError(f"{self.code} doesn't call np.{self.function}")


def function_of(namespace: Any, name: str) -> Any:
    """``linalg.inv`` of NumPy or of `autograd_lite`; None where it isn't there."""
    name = name if namespace is np else name.removeprefix(DEEP)
    for part in name.split("."):
        namespace = getattr(namespace, part, None)
    return namespace


CALLS: list[Call] = []
GROUPS: dict[str, list[str]] = {}
"""The functions' names under the headings of the page."""


def add(group: str, functions: str, *codes: str, order: int = 2, **operands: Any) -> None:
    """Enter calls of functions, given by what stands between their parentheses, or whole."""
    listed = GROUPS.setdefault(group, [])
    given = {k: Operand(x) if type(x) is tuple else x for k, x in operands.items()}
    for function in functions.split():
        if function not in listed:
            listed.append(function)
        for code in codes:
            code = code if f"np.{function}(" in code else f"np.{function}({code})"
            used = {n.id for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Name)}
            mine = {k: x for k, x in given.items() if k in used}
            drawn = {k: x for k, x in mine.items() if isinstance(x, Operand)}
            fixed = {k: x for k, x in mine.items() if k not in drawn}
            CALLS.append(Call(function, code, drawn, fixed, order))
