"""Independent paths to the same derivative agree: for every op, every function, random programs.

The Jacobian, which takes a stack of cotangents back at once, is compared with vjp, that takes one
back alone, and with jvp, which goes forward; the Hessian with hvp, with its transpose, and with
differences of the gradient. Each operation stands in a context, where a number is broadcast over
a vector, a row over a column, and sums are taken before and after: for in between is where a rule
that is right by itself meets the rest of the engine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import autograd_lite as ag
import nn  # noqa: F401  (its ops are in the table too)
from autograd_lite.containers import leaves

from ..each import examples, some
from ..sampling import directional, samples
from .call import Operand
from .calls import CALLS, UNDISPATCHED

POINT = np.array([0.3, -1.2, 0.7])


class Step(NamedTuple):
    """An operation of the table.

    Attributes:
        name: of the op or the function, by which the tests are grouped.
        text: what is said when it fails.
        f: of the operands.
        operands: what they are drawn from; an array is a constant.
        order: of the derivatives that differences can tell.
    """

    name: str
    text: str
    f: Callable[..., Any]
    operands: list[Any]
    order: int

    def __call__(self, sources: Sequence[Any], origins: Sequence[Any]) -> list[Any]:
        """The real arrays that it makes of any real ones, each fitted to an operand's domain.

        Where an operand has given entries, it has these at ``origins``.
        """
        xs = list(self.operands)
        for i, x in enumerate(xs):
            if isinstance(x, Operand):
                xs[i] = x.fitted(sources[i % len(sources)])
                if x.values is not None:
                    xs[i] = x.values + (xs[i] - x.fitted(origins[i % len(origins)]))
        arrays = [y for y in leaves(self.f(*xs)) if np.result_type(y).kind in "fc" and np.size(y)]
        return [
            np.real(y) + np.sin(np.imag(y)) if np.result_type(y).kind == "c" else y for y in arrays
        ]


def steps() -> Iterator[Step]:
    """The op table in each of its samples, and each call that differences can be compared with."""
    rng = np.random.default_rng(0)
    for sample in samples():
        op, case = sample
        operands = [
            Operand(shape, *op.domain) if vjp else x
            for shape, vjp, x in zip(case.shapes, op.vjps, sample.inputs(rng), strict=False)
        ]
        yield Step(f"op {op.name}", str(sample), partial(op, **case.params), operands, 2)
    for call in CALLS:
        if call.order:
            f = call.of(ag if call.code in UNDISPATCHED else np)
            yield Step(call.function, str(call), f, list(call.operands.values()), call.order)


TABLE: dict[str, list[Step]] = {}
for step in steps():
    TABLE.setdefault(step.name, []).append(step)


# ---------------------------------------------------------------------- contexts


def folded(x: Any, n: int) -> Any:
    """Any array as n numbers of moderate size that depend on all of it."""
    x = np.arcsinh(np.ravel(x))
    return np.cos(np.outer(np.arange(1, n + 1), np.arange(x.size)) + 1.0) @ x / np.sqrt(x.size)


CONTEXTS: dict[str, Callable[[Any], Any]] = {
    "number": lambda v: v * v[0],
    "normed": lambda v: v / np.sqrt(1 + np.sum(v * v)),
    "scaled": lambda v: np.tanh(v - np.mean(v)) * (2 + v[-1]),
    "row and column": lambda v: np.sum(np.cos(v[:, None] - 2 * v) * v, axis=0),
    "matrix": lambda v: np.mean(np.outer(v, v) / (1 + v[:1] ** 2), axis=-1),
}


def sources(z: Any) -> list[Any]:
    """What operands are fitted to: of a vector, three others in contexts."""
    return [CONTEXTS["number"](CONTEXTS["normed"](z)), CONTEXTS["row and column"](z), z]


def in_context(step: Step, n: int) -> Callable[[Any], Any]:
    """A function of a vector that has the step within contexts, and gives n entries."""
    origins = sources(POINT)

    def f(z: Any) -> Any:
        out = sum(folded(y, n) for y in step(sources(z), origins))
        return CONTEXTS["normed"](CONTEXTS["number"](out)) + out * z[0]

    return f


# ---------------------------------------------------------------------- comparisons


def assert_close(got: Any, expected: Any, rtol: float, what: str) -> None:
    scale = np.max(np.abs(expected), initial=1.0)
    np.testing.assert_allclose(got, expected, rtol=rtol, atol=rtol * scale, err_msg=what)


def check_paths(of: Callable[[int], Callable[[Any], Any]], z: Any, order: int = 2) -> bool:
    """Compare all paths for a function with few entries, as many as ``z`` has, and more.

    Returns:
        Whether differences could be compared, too; at a kink they mean nothing.
    """
    rng = np.random.default_rng(3)
    u = rng.normal(size=z.shape)
    for n in (z.size, z.size + 1):  # by rows, and by columns
        f = of(n)
        jacobian = ag.jacobian(f)(z)
        value, vjp_fn = ag.vjp(f, z)
        rows = np.stack([vjp_fn(e)[0] for e in np.eye(n)])
        assert_close(jacobian, rows, 1e-9, f"jacobian of {n} entries, and vjp")
        assert_close(value, f(z), 1e-12, "value")
        tangent = ag.jvp(f, (z,), (u,))[1]
        assert_close(tangent, rows @ u, 1e-8, f"jvp of {n} entries, and vjp")

    def number(z: Any) -> Any:
        v = of(2)(z)
        return v[0] + np.sin(v[1])

    hessian, gradient = ag.hessian(number)(z), ag.grad(number)
    assert_close(hessian @ u, ag.hvp(number)(z, u), 1e-8, "hessian, and hvp")
    assert_close(hessian, hessian.T, 1e-8, "hessian, and its transpose")
    smooth = agree(number, z, u, gradient(z) @ u, "gradient")
    return smooth and (order < 2 or agree(gradient, z, u, hessian @ u, "hessian"))


def agree(f: Callable[[Any], Any], z: Any, u: Any, expected: Any, what: str) -> bool:
    coarse, fine = (directional(f, z, u, h) for h in (1e-5, 2e-6))
    if np.max(np.abs(coarse - fine)) > 1e-6 * (1 + np.max(np.abs(fine))):
        return False
    assert_close(expected, fine, 1e-5, f"{what}, and differences")
    return True


@pytest.mark.parametrize("name", some(TABLE, 2))
def test_every_path_to_a_derivative_agrees(name: str):
    kinks = tried = 0
    for step in some(TABLE[name], 6):
        if step(sources(POINT), sources(POINT)):  # it has entries
            try:
                smooth = check_paths(partial(in_context, step), POINT, step.order)
            except Exception as error:
                error.add_note(step.text)
                raise
            kinks, tried = kinks + (step.order == 2 and not smooth), tried + 1
    assert tried
    assert not kinks


# ---------------------------------------------------------------------- random programs


class Line(NamedTuple):
    """A line of a program: a step, and which earlier values it takes, each in which context."""

    step: Step
    taken: list[tuple[int, str]]


@st.composite
def programs(draw: Any) -> list[Line]:
    lines = []
    for _ in range(draw(st.integers(1, 5))):
        step = draw(st.sampled_from(TABLE[draw(st.sampled_from(sorted(TABLE)))]))
        taken = [
            (draw(st.integers(0, 5)), draw(st.sampled_from(sorted(CONTEXTS))))
            for _ in step.operands
        ]
        lines.append(Line(step, taken))
    return lines


def run(program: list[Line], n: int, z: Any) -> Any:
    """n entries that depend on what all lines give, each of which takes newer or older values."""
    values, origins = [z], [POINT]
    for step, taken in program:
        chosen, at = (
            [CONTEXTS[context](vs[-1 - i % len(vs)]) for i, context in taken]
            for vs in (values, origins)
        )
        for vs, sources in (values, chosen), (origins, at):
            outs = step(sources, at)
            vs.append(sum([folded(y, z.size) for y in outs], 0 * vs[0]))
    return sum(folded(v, n) for v in values[1:])


def test_every_path_agrees_for_random_programs():
    seen: Counter[bool] = Counter()

    @settings(deadline=None, max_examples=examples(150), suppress_health_check=list(HealthCheck))
    @given(programs())
    def check(program: list[Line]) -> None:
        order = min(step.order for step, _ in program)
        seen[check_paths(partial(partial, run, program), POINT, order)] += 1

    check()
    assert seen[True] > 9 * seen[False]
