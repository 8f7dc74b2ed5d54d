"""Random programs of NumPy: each is derived, drawn, explained and checked."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.derive.chain import Plan
from autograd_lite.derive.formulas import Formulas, Reading
from autograd_lite.engine.modes import trace
from autograd_lite.graph import walk
from autograd_lite.meaning.read import evaluate

from ..each import each, examples

Function = Callable[..., Any]


def positive_definite(x: Any) -> Any:
    return x @ x.T + np.diag(np.arange(1.0, 1 + len(x)))


OF_ENTRIES: list[Function] = [
    np.exp, np.tanh, np.sin, np.square, np.abs, np.sign, np.cbrt, np.sinc, np.arctan, np.negative,
    lambda x: np.log(1 + x**2), lambda x: np.sqrt(x**2 + 1), lambda x: 1 / (1 + np.exp(-x)),
    lambda x: np.maximum(x, 0), lambda x: np.where(x > 0, x, 0.1 * x), lambda x: x * (x > 0),
    lambda x: np.clip(x, -1, 1), lambda x: x / (1 + np.abs(x)), lambda x: np.log1p(np.exp(x)),
    lambda x: x**3, lambda x: 2 * x - 1, lambda x: x / 3, lambda x: np.power(2.0, x),
]  # fmt: skip
OF_ARRAYS: list[Function] = [
    np.transpose, np.flip, np.squeeze, np.diag, np.trace, np.median, np.triu,
    lambda x: x @ x.T, lambda x: x - x.mean(0), lambda x: x - x.max(axis=-1, keepdims=True),
    lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True), lambda x: x / np.linalg.norm(x),
    lambda x: x / np.linalg.norm(x, axis=-1, keepdims=True), lambda x: np.cumsum(x, 0),
    lambda x: x[..., ::2], lambda x: x[[0, 0, 1]], lambda x: np.concatenate([x, x], 0),
    lambda x: np.stack([x, 2 * x]), lambda x: x.reshape(-1), lambda x: np.sort(x, -1),
    lambda x: np.roll(x, 1, 0), lambda x: np.diff(x, axis=0), lambda x: np.pad(x, 1),
    lambda x: (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5),
    lambda x: np.einsum("...i,...j->...ij", x, x), lambda x: np.logaddexp.reduce(x, axis=-1),
    lambda x: x.prod(-1), lambda x: x.max(-1), lambda x: x.min(0), lambda x: x.sum(0),
    lambda x: np.vander(x, 3), lambda x: np.convolve(x, x), lambda x: np.percentile(x, 30, axis=-1),
    lambda x: np.linalg.inv(positive_definite(x)), lambda x: np.linalg.det(positive_definite(x)),
    lambda x: np.sum(np.log(np.diag(np.linalg.cholesky(positive_definite(x))))),
    lambda x: np.linalg.slogdet(positive_definite(x))[1],
    lambda x: np.linalg.eigvalsh(positive_definite(x)),
    lambda x: sum(np.tanh(x[j]) * x[j - 1] for j in range(len(x))), lambda x: np.repeat(x, 2, -1),
    lambda x: ((x[:, None] - x[None]) ** 2).sum(-1), lambda x: x[0] ** 2 * (x[1] - x[-1]),
    lambda x: np.einsum("abc,dbc->bad", x, np.sin(x)), lambda x: np.einsum("ab,cb->ac", x, x**3),
    lambda x: np.concatenate([x[..., :1], np.tanh(x[..., 1:])], -1),
]  # fmt: skip
OF_TWO: list[Function] = [
    np.add, np.multiply, np.subtract, np.maximum, np.minimum, np.matmul, np.dot, np.logaddexp,
    lambda a, b: a / (b**2 + 1), lambda a, b: np.where(a > b, a, b * 2),
    lambda a, b: (np.abs(a) + 0.5) ** b,
]  # fmt: skip
KINKED = {"absolute", "maximum", "minimum", "max", "min", "where"}  # of which one may choose
SHAPES: list[tuple[int, ...]] = [(3,), (3, 3), (2, 3), (3, 1)]


def program(seed: int) -> tuple[Tensor, dict[str, Tensor]]:
    """A number computed of x and y, by some named steps; what can't be computed is left out."""
    rng = np.random.default_rng(seed)
    shape = SHAPES[rng.integers(len(SHAPES))]
    leaves = {n: Tensor(rng.normal(size=shape).round(2), requires_grad=True, name=n) for n in "xy"}
    values = list(leaves.values())
    while len(values) < 7:
        kind = (OF_ENTRIES, OF_ARRAYS, OF_TWO)[rng.integers(3)]
        chosen = [values[rng.integers(len(values))] for _ in range(1 + (kind is OF_TWO))]
        try:
            with np.errstate(all="ignore"):
                value = kind[rng.integers(len(kind))](*chosen)
        except (ValueError, IndexError, TypeError, np.linalg.LinAlgError):
            continue
        fine = isinstance(value, Tensor) and 0 < value.size <= 60 and (abs(value.data) < 1e4).all()
        if fine and value._op is not None:
            is_named = value.name is None and rng.random() < 0.4
            values.append(value.named(f"v_{len(values)}") if is_named else value)
    return np.sum(values[-1] ** 2) / 2, leaves


ODD = (1262, 4005, 11001)  # that once failed


@each([*ODD, *range(0, 10_000, 10_000 // examples(240))], by=lambda seed: f"{seed // 1000}")
def test_any_program_has_formulas_figures_a_page_and_a_report(seed: int):
    loss, leaves = program(seed)
    if not loss.requires_grad or not np.isfinite(loss.data):
        return
    ops = {t.op.name for t in walk(loss) if t.op is not None}
    with np.errstate(all="ignore"):
        derivation = ag.derive(loss)
        assert derivation.text
        assert derivation.latex
        scope: dict[str, Any] = {}
        exec(derivation.numpy_source, scope)
        gradients = dict(zip(leaves, ag.gradients(loss, list(leaves.values())), strict=True))
        for step in derivation.steps:
            if step.target in gradients and "entries tie" not in derivation.text:
                found = scope[f"d{step.target}"]
                np.testing.assert_allclose(found, step.value, rtol=1e-6, atol=1e-8)
        given = {step.target: gradients[step.target].data for step in derivation.steps
                 if step.target in gradients}  # fmt: skip
        assert ag.draw(loss).source
        assert ag.draw(loss, detail="ops").source
        if given:
            assert ag.check_backprop(loss, given).ok
            report = ag.check_backprop(loss, {n: -g for n, g in given.items()})
            odd = "nan" in str(report) or (ops & KINKED and report.ok)
            assert odd or report.ok == all(abs(g).max() < 1e-12 for g in given.values())


@each([40645, *range(0, 10_000, 10_000 // examples(150))])
def test_what_any_program_means_is_its_gradient(seed: int):
    """Else the rules' own formula is shown, and nobody sees it."""
    loss, _ = program(seed)
    if not loss.requires_grad or not np.isfinite(loss.data):
        return
    plan = Plan(loss, None)
    with np.errstate(all="ignore"):
        gradients = Formulas(plan).gradients
        with trace():
            reading = Reading(plan, None, 0.0, set(), False)
        for g in gradients if not reading.meaning.has_ties() else ():
            found, size = evaluate(reading.step(g)), abs(g.value).max()
            np.testing.assert_allclose(found, g.value, rtol=1e-6, atol=1e-9 * (1 + size))


@each(range(0, 10_000, 10_000 // examples(24)))
def test_any_program_has_a_page(seed: int):
    loss, _ = program(seed)
    if loss.requires_grad and np.isfinite(loss.data):
        with tempfile.TemporaryDirectory() as folder:
            ag.explain(loss, Path(folder, "page.html"))


@each([21902, *range(0, 10_000, 10_000 // examples(40))])
def test_any_second_derivative_is_derived(seed: int):
    loss, leaves = program(seed)
    with np.errstate(all="ignore"):
        first = ag.gradients(loss, list(leaves.values()), create_graph=True)
        square = np.sum((first[0] if first[0].requires_grad else first[1]) ** 2)
        if not square.requires_grad or not np.isfinite(square.data):
            return
        derivation, scope = ag.derive(square), dict[str, Any]()
        exec(derivation.numpy_source, scope)
    for step in derivation.steps:
        if step.target in leaves and "entries tie" not in derivation.text:
            size = abs(step.value).max()
            np.testing.assert_allclose(
                scope[f"d{step.target}"], step.value, rtol=1e-5, atol=1e-6 * (1 + size)
            )
