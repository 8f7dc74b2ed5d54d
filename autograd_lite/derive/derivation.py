"""A derivation: its steps, and the forms in which they are written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape

import numpy as np

from ..engine.tensor import Array, Tensor
from ..numpy_code import Names, literal
from ..seen import look
from ..show.expression import Definition, Expression, needed
from ..show.latex import aligned, latex, latex_name, over_shape
from ..show.notation import dimensions
from ..show.source import source
from ..show.text import shapes, text
from .chain import Path

_MOST_PARTS = 8  # of a gradient as the rules give it


class _Shown:
    """What is written step by step; a symbol of a part is said once."""

    _remarks: Callable[[], list[str]] = list

    def _steps(self) -> list[Step]:
        raise NotImplementedError

    def _written(self, form: Callable[[Step, set[str]], str]) -> list[str]:
        known = set[str]()
        return [form(step, known) for step in self._steps()]

    @property
    def text(self) -> str:
        """As plain text, on a few lines a step."""
        return "\n\n".join(self._written(Step._text) + self._remarks())

    @property
    def latex(self) -> str:
        """As LaTeX: an ``aligned`` environment a step."""
        return "\n\n".join(self._written(Step._latex))

    @property
    def markdown(self) -> str:
        """As Markdown: symbols, and LaTeX between double dollars."""
        return "\n\n".join(self._written(Step._markdown) + self._remarks())

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        return self.markdown

    def _repr_latex_(self) -> str:
        return "\n\n".join(map(displayed, self._written(Step._latex)))


@dataclass(frozen=True, repr=False)
class Step(_Shown):
    """The gradient with respect to one tensor.

    Attributes:
        symbol: what it is called: ``δ_2``, ``∇W_12``, ``∂L/∂h``.
        target: the tensor's name.
        value: the gradient, of the tensor's shape.
        parts: what has a symbol of its own in the result.
    """

    symbol: str
    target: str
    _value: Array
    _of: Tensor
    output: str
    paths: list[Path]
    simple: Expression
    parts: list[Definition]
    _spelled: Callable[[], tuple[Expression | None, list[Definition]]]

    @property
    def value(self) -> Array:
        look(self._of)
        return self._value

    @property
    def given(self) -> Expression:
        """The gradient as the ops' rules give it."""
        return self._spelled()[0] or self.simple

    @property
    def definitions(self) -> list[Definition]:
        """Parts of the formula that have a symbol of their own."""
        return self._spelled()[1]

    @property
    def chain(self) -> str:
        """The chain rule: ``∂L/∂s_2 = ∂L/∂l_2 · ∂l_2/∂s_2``; several paths are summed."""
        return " = ".join(self._equals())

    def _equals(self, name: Callable[[str], str] = str, sign: str = " · ") -> list[str]:
        """What the chain rule says that the gradient is, written in some markup."""
        products = dict.fromkeys(
            sign.join(name(f"∂{of}/∂{by}") for of, by in path) for path in self.paths
        )
        found = name(f"∂{self.output}/∂{self.target}"), " + ".join(products)
        return [part for part in dict.fromkeys(found) if part]

    @property
    def formula(self) -> str:
        """The gradient as the ops' rules give it."""
        return text(self.given)

    @property
    def result(self) -> str:
        """The formula, simplified."""
        return text(self.simple)

    @property
    def shapes(self) -> str:
        """The result with each factor's shape in its place: ``1×2 = (1×1 1×2) ∘ …``."""
        return f"{dimensions(self._value.shape)} = {shapes(self.simple)}"

    def _text(self, known: set[str]) -> str:
        """The step, with the symbols that aren't known; they are from here on."""
        indent = " " * len(self.symbol)
        first = [part for part in self._equals() if part != self.symbol]
        lines = [f"{self.symbol} = {' = '.join(first)}" if first else self.symbol]
        given = [] if self._is_tangled else [self.formula]
        further = dict.fromkeys((*given, self.result))
        lines += [f"{indent} = {formula}" for formula in further]
        lines += [f"{indent}   with {name} = {text(x)}" for name, x in self._defined(known)]
        lines.append(f"{indent}   shapes: {self.shapes}")
        lines.append(f"{indent}   value:  {_numbers(self._value, indent)}")
        return "\n".join(lines)

    def _latex(self, known: set[str]) -> str:
        symbol = latex_name(self.symbol)
        first = [part for part in self._equals(latex_name, r" \cdot ") if part != symbol]
        equal = [" = ".join(first)] * bool(first)
        equal += [] if self._is_tangled else [latex(self.given)]
        lines = [f"{symbol * (i == 0)} &= {part}".lstrip() for i, part in enumerate(equal)]
        left_shaped = over_shape(symbol, self._value.shape)
        lines += [f"{left_shaped} &= {latex(self.simple, True)}"]
        lines += [
            rf"&\text{{with }} {latex_name(name)} = {latex(x)}" for name, x in self._defined(known)
        ]
        return aligned(lines)

    @property
    def _is_tangled(self) -> bool:
        """Whether the gradient as the rules give it takes too many parts to be read."""
        return len(self.definitions) > _MOST_PARTS

    def _defined(self, known: set[str]) -> list[tuple[str, Expression]]:
        found = dict(self.definitions * (not self._is_tangled) + self.parts)
        new = [(name, x) for name, x in found.items() if name not in known]
        known.update(found)
        return new

    def _markdown(self, known: set[str]) -> str:
        return f"**{plain_markdown(self.symbol)}**\n\n{displayed(self._latex(known))}"

    def _steps(self) -> list[Step]:
        return [self]


def displayed(formula: str) -> str:
    """A formula on lines of its own, in Markdown and in Jupyter's LaTeX."""
    return f"$$\n{formula}\n$$"


def plain_markdown(text: str) -> str:
    """Text that holds no markup of Markdown's, nor of HTML's, which Markdown lets in."""
    # A _ within a word is none.
    return re.sub(r"([\\`*\[\]~|])", r"\\\1", escape(text)).replace("$", "&#36;")


def _numbers(value: Array, indent: str) -> str:
    return np.array2string(
        value, precision=8, threshold=20, edgeitems=2, prefix=f"{indent}   value:  "
    )


@dataclass(frozen=True, repr=False)
class Derivation(_Shown):
    """The gradients of one number, each derived from the ones before it.

    Attributes:
        steps: from the output back.
    """

    steps: list[Step]
    _forward: Callable[[], tuple[list[Definition], list[tuple[str, Array]]]]
    _remarks: Callable[[], list[str]]

    def _steps(self) -> list[Step]:
        return self.steps

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, which: str | int) -> Step:
        """The step of that symbol, target or number.

        Raises:
            KeyError: there is none; it lists those there are.
        """
        if isinstance(which, int):
            return self.steps[which]
        for step in self.steps:
            if which in (step.symbol, step.target):
                return step
        known = ", ".join(step.symbol for step in self.steps)
        raise KeyError(f"the derivation has no step {which!r}; it has {known}")

    @property
    def numpy_source(self) -> str:
        """The derivation as NumPy code that runs by itself, and gives the same gradients.

        What was given stands on top, the forward pass follows, and then a line a step.
        """
        name = cache(Names().new)  # the same for the same
        forward, given = self._forward()
        lines = [f"{name(symbol)} = {literal(value)}" for symbol, value in given]
        lines += [f"{name(target)} = {source(x, name)}" for target, x in forward]
        defined = dict(d for step in self.steps for d in step.parts)
        for step in self.steps:
            for part, x in needed(step.simple, defined):
                lines.append(f"{name(part)} = {source(x, name)}")
                del defined[part]
            lines.append(f"{name(step.symbol)} = {source(step.simple, name)}")
        modules = ["import scipy.special"] if any("scipy." in line for line in lines) else []
        return "\n".join(["import numpy as np", *modules, "", *lines]) + "\n"


def rows_of_batch(shapes_seen: Sequence[tuple[int, ...]]) -> int | None:
    """How many rows a batch has: the one most frequent number of rows, where it is more than one.

    None where examples are columns.
    """
    rows, columns = ([s[i] for s in shapes_seen if len(s) == 2] for i in (0, 1))
    if len(set(columns)) == 1 < len(set(rows)):
        return None
    most = max(set(rows), key=rows.count) if rows else 1
    is_told = len({n for n in rows if rows.count(n) == rows.count(most)}) == 1
    return most if most > 1 and is_told else None
