"""Programs as learners write them, and mistakes planted in their backward passes.

A program is text: its data, its forward pass in plain NumPy, and its backward pass by hand. A
mistake is one line of that, replaced: what comes after it is computed from the wrong array, as it
is when a learner's own line is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.check import Report, check_backprop

_ASSIGNED = re.compile(r"^([\w.]+(?:\[[^=]*\])?) ([-+*/]?=) ")
_STATEMENT = re.compile(r"^(pass$|np\.\w+\.at\(|for |if |[\w.]+(\[[^=]*\])? [-+*/]?= )")


class Mistake(NamedTuple):
    """One wrong line.

    Attributes:
        line: which: what is assigned, with the operator where that isn't enough; or its start.
        wrong: what stands there: the right side, or a whole line.
        says: an expression that a true cause matches, with "-" for any minus sign.
        blamed: the tensors that are blamed, where the line's own isn't handed in.
    """

    line: str
    wrong: str
    says: str
    blamed: str = ""


class Verdict(NamedTuple):
    kind: str  # named, named wrongly, not named, called right, another line, crash
    said: str


@dataclass(frozen=True)
class Program:
    """A forward pass of which every Tensor is named as its variable, and its backward pass.

    Attributes:
        data: assigns arrays, with ``r``, a random generator.
        params: the names of those that are parameters.
        forward: ends with ``loss``. An entry of a dict is named ``h_1``; a variable that begins
            with ``_`` isn't named.
        backward: has ``dW`` for each ``W`` that is handed in.
        only: the names that are handed in, where these aren't all.
        convention: the names of those that lack 1/m by a course's convention.
        never: an expression that no true cause matches.
    """

    name: str
    data: str
    params: str
    forward: str
    backward: str
    planted: Sequence[tuple[str, ...]] = field(repr=False)
    only: str = ""
    convention: str = ""
    never: str = "$^"

    @property
    def mistakes(self) -> list[Mistake]:
        return [Mistake(*m) for m in self.planted]

    def computed(self) -> dict[str, Any]:
        """Every variable; of the Tensors only parameters have a name."""
        space: dict[str, Any] = {"np": np, "r": np.random.default_rng(3)}
        exec(_code(self.data), space)
        for name in self.params.split():
            space[name] = Tensor(space[name], requires_grad=True, name=name)
        exec(_code(self.forward), space)
        return space

    def recorded(self) -> tuple[Tensor, dict[str, Any]]:
        """The loss, and every variable as an array."""
        space = self.computed()
        for name, value in space.items():
            for suffix, item in _items(value):
                if isinstance(item, Tensor) and not name.startswith("_"):
                    item.named(name + suffix)
        arrays = {
            name: {k: _array(v) for k, v in value.items()} if type(value) is dict else _array(value)
            for name, value in space.items()
            if name != "__builtins__"
        }
        return space["loss"], arrays

    def gradients(self, mistake: Mistake | None = None) -> tuple[Tensor, dict[str, Any]]:
        """The loss, and what the learner hands in; where a line raises, what was there by then."""
        loss, space = self.recorded()
        names = self.only.split() or list(ag.named_tensors(loss))
        code = self.written(mistake)
        try:
            with np.errstate(all="ignore"):
                exec(code, space)
        except Exception:
            if mistake is None:
                raise
        found = {
            name[1:] + suffix: np.copy(item)
            for name, value in space.items()
            if name.startswith("d")
            for suffix, item in _items(value)
        }
        return loss, {name: found[name] for name in names if name in found}

    def written(self, mistake: Mistake | None = None) -> str:
        """The backward pass, with a mistake in it."""
        lines = list(self._lines)
        if mistake is not None:
            at = self._place(mistake.line)
            text = lines[at].lstrip()
            indent = lines[at][: len(lines[at]) - len(text)]
            assigned = _ASSIGNED.match(text)
            whole = _STATEMENT.match(mistake.wrong) or assigned is None
            lines[at] = indent + (mistake.wrong if whole else assigned[0] + mistake.wrong)
        return "\n".join(lines)

    @cached_property
    def _lines(self) -> list[str]:
        return _code(self.backward).splitlines()

    def _place(self, key: str) -> int:
        texts = [line.strip() for line in self._lines]
        heads = [m[1] if (m := _ASSIGNED.match(text)) else "" for text in texts]
        found = [i for i, head in enumerate(heads) if head == key]
        if len(found) != 1:
            lines = self._lines if key.startswith(" ") else texts
            found = [i for i, line in enumerate(lines) if line.startswith(key)]
        if len(found) != 1:
            raise LookupError(f"{self.name}: {len(found)} lines are {key!r}")
        return found[0]


def judge(program: Program, mistake: Mistake) -> Verdict:
    """What the check says about a program with a mistake in it."""
    loss, given = program.gradients(mistake)
    try:
        report = check_backprop(loss, given)
    except Exception as error:
        return Verdict("crash", f"{type(error).__name__}: {error}")
    if report.ok:
        return Verdict("called right", str(report))
    first = {entry.name: sentence(entry.cause) for entry in blamed(report)}
    for name in program.convention.split():
        if re.search(rf"^[^;]*({CONVENTION})", first.get(name, "")):
            del first[name]
    said = "; ".join(f"{name}: {cause}" for name, cause in first.items())
    own = re.sub(r"\[.*|\..*| .*", "", mistake.line)[1:]
    expected = (mistake.blamed or own).split()
    if not first or any(base(name, program) not in expected for name in first):
        return Verdict("another line", said)
    if any("no usual mistake" in cause for cause in first.values()):
        return Verdict("not named", said)
    true = all(
        re.search(mistake.says, cause, re.IGNORECASE) and not re.search(program.never, cause)
        for cause in first.values()
    )
    return Verdict("named" if true else "named wrongly", said)


def blamed(report: Report) -> list[Any]:
    """The entries that are wrong by themselves."""
    return [e for e in report.entries if not e.ok and e.follows_from is None]


def sentence(cause: str | None) -> str:
    """A cause without the arrays below it and what any cause begins with, with plain signs."""
    said = re.split(r"\n\s*given:", cause or "")[0]
    return re.sub(r"∂\w+/∂", "∇", said).replace("−", "-").replace("\n", " ")


def base(name: str, program: Program) -> str:
    """``h`` for the step ``h_3``."""
    stem = name.rsplit("_", 1)[0]
    return stem if name[len(stem) + 1 :].isdigit() and f"d{stem}[" in program.backward else name


def _code(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    indent = min(len(line) - len(line.lstrip()) for line in lines)
    return "\n".join(line[indent:] for line in lines)


def _items(value: Any) -> list[tuple[str, Any]]:
    """A variable's values, and what is put behind its name for each."""
    if type(value) is dict:
        return [(f"_{k}", v) for k, v in value.items()]
    return [("", value)] if isinstance(value, Tensor | np.ndarray | np.number | float | int) else []


def _array(value: Any) -> Any:
    return value.data if isinstance(value, Tensor) else value


CONVENTION = r"convention|(lines|gradients) of (the )?(parameters|weights)"

# What a true cause may be called. Each is a part of an expression.


def lost(what: str) -> str:
    """A factor, a term, a step that isn't there."""
    gone = "missing|forgotten|lost|dropped|left out|skipped|not there|not applied"
    within = r"(?:[^;:\[]|\[[^\]]*\])*"  # [a; b] is one thing
    return rf"({words(what)}){within}({gone})|({gone}|without|lacks){within}({words(what)})"


def extra(what: str) -> str:
    """A factor or a term that doesn't belong there."""
    many = "too much|extra|not belong|n't belong|one more|should not|is there|too many|twice"
    return rf"({words(what)})[^;:]*({many})|(extra|needless|unneeded)[^;:]*({words(what)})"


def twice(what: str) -> str:
    return rf"({words(what)})[^;:]*(twice|once too often|too often|squared)"


def swapped(wrong: str, right: str) -> str:
    """One stands where the other belongs."""
    instead = "stands|is taken|is used|where|instead|in place"
    return rf"({words(wrong)})[^;:]*({instead})[^;:]*({words(right)})"


def path(missing: str, only: str = "$^") -> str:
    """One of two contributions is missing, or only the other one is there."""
    return rf"{lost(missing)}|only[^;:]*({words(only)})|(add up|\+=)[^;:]*({words(missing)})"


def large(k: str) -> str:
    """k times too large, as where 1/k is missing."""
    n = rf"1/({k}|[nmqNBT]\b)|mean|average"
    return rf"\b({k}) times too large|divide it by|not (divided|averaged)|{lost(n)}"


def small(k: str) -> str:
    """k times too small, as where 1/k is there twice, or k is missing."""
    n = rf"1/({k}|[nmqNBT]\b)"
    return (
        rf"\b({k}) times too small|{twice(n)}|{extra(n)}|divided[^;:]*(twice|once too often)"
        rf"|\b(factor )?({k}) is (missing|forgotten)|mean where a sum"
    )


def mean(k: str) -> str:
    """A mean of k entries where their sum belongs."""
    return rf"mean[^;:]*where[^;:]*sum|average[^;:]*sum|{small(k)}"


def words(alternatives: str) -> str:
    """Names as whole words: h is neither h1 nor ∇h, nor what stands in tanh'(h)."""
    name = re.compile(r"∇?[A-Za-z0-9_]+")
    return "|".join(
        rf"(?<![A-Za-z0-9_∇∂])(?<!'\(){word}(?![A-Za-z0-9_])" if name.fullmatch(word) else word
        for word in alternatives.split("|")
    )


STEP = r"step[^;:]*(skipped|missing)|is ∇\S+ (itself|unchanged)|∇\S+ is (copied|handed on)|itself"
TANH = lost(r"tanh'|1 - |slope|derivative") + "|" + STEP
SIGMA = lost(r"σ'|sigmoid'|1 - |slope|derivative") + "|" + STEP
RELU = lost(r"relu'|> ?0|≥ ?0|slope|mask|derivative") + "|" + STEP
OF_TANH = r"tanh'|(slope|derivative) of (the )?tanh"
OF_SIGMA = r"σ'|(slope|derivative) of (the )?(σ|sigmoid)"
SIGN = (
    r"wrong sign|opposite sign|the sign\b|[-+] (stands )?where|"
    r"(?<!\()subtract\w*[^;:]*(added|plus)|(?<!\()add(ed)?\b[^;:]*(subtract|minus)"
)
UNSUMMED = r"not summed|" + lost("sum|sums|Σ|Σ_.")
ALL = r"summed over (all|both|every|axes|the whole)"
ROWS = r"over its \d+ rows|\(axis=0\)"  # of examples as columns
FLIPPED = r"transpos|ᵀ[^;:]*stands where|stands where[^;:]*ᵀ"
EARLY = r"updated|- ?[\w.]+ ?∇W"
ZEROS = r"zeros?\b|not written"
LOSS = r"another loss|loss is|that of [^;:]*loss"
SHAPE = r"shape|keepdims"
PLUS = r"\+=|add(ed)? up|(last|first|only|one)[^;:]*(step|wins|comes|use|contribution)|" + lost(
    "what comes|contribution|contributions|step|steps"
)
LABEL = r"(?<![A-Za-z0-9_])[yY]b?(?![A-Za-z0-9_])|label|one-?hot|target"
NO_LABEL = lost(LABEL) + rf"|({LABEL})[^;:]*belongs"
EVERYWHERE = rf"everywhere|not only|{LABEL}|" + lost("mask")
AXIS = r"wrong axis|axis ?=? ?-?\d[^;:]*(where|belongs|instead)"
ORDER = r"order|stands where|transpos"
EXPONENT = (
    r"exponent|power\b|[\^²³⁻½]\S* (stands )?where|where[^;:]*[²³⁻½]|\*\*[^;:]*(where|belongs)|"
    r"square[^;:]*(missing|where|forgotten)|not squared|reciprocal"
)
