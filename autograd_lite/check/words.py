"""Mistakes in words: one table, by kind.

``{0}``, ``{1}``, … are an edit's values, written: terms as formulas, axes, numbers. Of a slope
there are ``{slope}``, ``{written}``, ``{f}``, ``{s}`` and ``{l}``; ``{line}`` is the line itself,
``{contribution}`` a term of a sum with where it comes from.
"""

from __future__ import annotations

from typing import Any

from .readings import Readings, Slope, Term
from .wording import ratio, times

KINDS: dict[str, str] = {
    "zeros": "not written yet: all zeros",
    "q_missing": "{line} is {0} times too large: divide it by the {1} q = {0}",
    "q_twice": "{line} is {0} times too small: 1/q is there twice; divide by the {1} q = {0} once",
    "convention":
        "{line} is {0} times too large: 1/q stands in the lines of the parameters only, "
        "which is the convention of some courses (∂L/∂ has it from here on)",
    "transposed": "{line} is transposed",
    "turned": "{line} has its axes in another order, or turned round",
    "clipped": "{line} is clipped to ±{0}",
    "all_of_it": "it is summed over all entries (or averaged), where nothing is to be summed",
    "term_too_many": "the term {0} · {1} is one too many: it doesn't belong there",
    "factor_too_many": "the factor {0} is one too many: it doesn't belong there",
    "own_slope_too_many":
        "the factor x (1 − x) of x = {0} is one too many: such a slope doesn't belong there",
    "slope_too_many": "{slope} is there once too often: the factor {written} is one too many",
    "slope_too_many_at_loss":
        "{slope} is there once too often: the factor {written} is one too many; that is "
        "right for another loss, or for ∂L/∂{s}",
    "as_it_stands": "it is {0} as it stands: the step from there is missing",
    "at_each_step": "{0} stands where {1} belongs, and so at each step",
    "updated":
        "{0} was updated before it was used: this has {0} − {1} ∇{0} where {0} belongs; "
        "compute all gradients first, and then update",
    "updated_itself": "this is {0} after the update, {0} − {1} ∇{0}, and not its gradient",
    "besides": "{0}; besides, {1}",
    "target_missing": "the term {0} is missing: the target {0} belongs to {1}: {2}",
    "term_missing": "{contribution} is missing: add it up (+=), {1}",
    "only_term": "only {contribution} is there: add up the contributions (+=), {1}",
    "term_times": "{contribution} {times}: {2}",
    "product_for_sum": "a product stands where the sum {0} belongs",
    "power_outside": "the power {1} of {0} stands outside of the sum",
    "factor_missing": "the factor {0} is missing",
    "mask_missing": "the mask {0} is missing",
    "division_missing": "the division by {0} is missing",
    "twice": "{0} is there twice",
    "exponent": "{0} stands with the exponent {1} where {2} belongs",
    "slope_missing":
        "{slope} is missing: multiply by {slope} = {written}; the factor {written} is "
        "missing",
    "slope_of_s": "{slope} is computed from {s} where {l} belongs: {slope} = {written}",
    "slope_at_l": "the derivative is taken at {l} where {s} belongs: {slope} = {written}",
    "value_for_slope": "{l} stands where its slope {slope} = {written} belongs",
    "slope_for_value": "the slope {slope} = {written} stands where {l} itself belongs",
    "other_slope":
        "the derivative of {0} stands where {slope} = {written} belongs: this is the slope "
        "of {0}, and {l} is {f}({s})",
    "not_summed": "{line} is not summed: the sum of {0} over {1} is missing",
    "mean_for_sum": "a mean where a sum belongs: of {0} over {1}",
    "sum_for_mean": "a sum where a mean belongs: of {0} over {1}",
    "one_only": "only the {2} of {0} is there: sum over {1}",
    "axis": "summed over {1} where {2} belongs, which is the wrong axis: {0}",
    "entrywise": "an entrywise product stands where the matrix product {0} belongs",
    "not_transposed": "{0} is not transposed",
    "other_order": "{0} is reshaped in another order, or where it should be transposed",
    "last_wins": "= where += belongs: of equal ids the last wins (np.add.at adds them up)",
    "inverted": "{0} is inverted: its opposite stands where it belongs",
    "stands": "{0} stands where {1} belongs",
    "without": "{0} stands where {1} belongs",
    "without_at_loss": "{0} stands where {1} belongs: that is the gradient of another loss",
    "missing": "{0} is missing",
    "squared": "{0} stands with the power 2 where 1 belongs: it is squared",
    "factors": "the factors of {0} stand in another order, or transposed otherwise",
}  # fmt: skip
"""What is said of each kind of edit."""

_SIGNS = {"sigmoid": "σ"}


def say(
    kind: str, values: tuple[Any, ...], line: str, readings: Readings | None = None
) -> str:
    """An edit in words.

    Args:
        kind: of the edit.
        values: what it is about.
        line: how the line's gradient is written.
        readings: writes terms.
    """
    if kind == "times":
        return f"{line} {times(values[0])}"
    named = {"line": line}
    for value in values:
        if isinstance(value, Slope):
            named |= _of_slope(value, readings)
        elif isinstance(value, Term):
            named.setdefault("contribution", _contribution(value, readings))
    if kind == "term_times":
        named["times"] = times(values[1])
    return KINDS[kind].format(*(_written(value, readings) for value in values), **named)


def _of_slope(slope: Slope, readings: Readings | None) -> dict[str, str]:
    f = _SIGNS.get(slope.op.name, slope.op.name)
    s, l, unit = (_written(e, readings) for e in (slope.of, slope.result, slope.unit))  # noqa: E741
    return {"f": f, "s": s, "l": l, "slope": f"{f}'({s})", "written": unit}


def _contribution(e: Term, readings: Readings | None) -> str:
    """A term of a sum, and which tensors it comes from."""
    names = ", ".join(readings.sources(e)) if readings is not None else ""
    text = _written(e, readings)
    return f"what comes from {names} (the term {text})" if names else f"the term {text}"


def _written(value: Any, readings: Readings | None) -> str:
    """One of an edit's values: a term, axes, a name, or a number."""
    if isinstance(value, frozenset):
        return f"{'axis' if len(value) == 1 else 'axes'} {', '.join(map(str, sorted(value)))}"
    if isinstance(value, Term) and readings is not None:
        return readings.text(value)
    return ratio(value) if isinstance(value, int | float) else value if type(value) is str else ""
