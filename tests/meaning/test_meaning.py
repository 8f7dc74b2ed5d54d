"""Normal forms are worth what they stand for: each spelling, and random programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.engine.backward import pull
from autograd_lite.engine.modes import trace
from autograd_lite.graph import walk
from autograd_lite.meaning import Meaning, evaluate
from autograd_lite.meaning.table import TABLE
from autograd_lite.meaning.terms import ONE, Off, leaf, shaped
from autograd_lite.meaning.write import Writer
from autograd_lite.show.expression import evaluate as worked_out

from ..each import each, examples

SPELLINGS = [
    (i, j, meaning, spelling)
    for i, (meaning, *spellings) in enumerate(TABLE)
    for j, spelling in enumerate(spellings)
]


@each(SPELLINGS)
def test_each_spelling_is_worth_what_it_means(i: int, j: int, meaning: Any, spelling: Any):
    import autograd_lite.ops.special  # erf and Φ  # noqa: F401
    value = np.random.default_rng(0).normal(size=(4, 4)) + 0.1
    if "cholesky" in spelling.__code__.co_consts:
        value = value @ value.T
    x = leaf(("spelled", i, j), value.shape, "leaf", "x", value)
    given = {"x": x, "axis": frozenset([1]), "eps": 0.01}
    takes = spelling.__code__.co_varnames[: spelling.__code__.co_argcount]
    args = [given[name] for name in takes]
    with Off():
        spelled, meant = spelling(*args), meaning(*args)
    np.testing.assert_allclose(evaluate(spelled), evaluate(meant), rtol=1e-9)
    found = spelling(*args)
    assert found.size <= meant.size + 1e-9, "it isn't recognised"


def rows(x: Any) -> Any:
    return np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)


UNARY: list[Callable[[Any], Any]] = [
    lambda a: 1 / (1 + np.exp(-a)), lambda a: np.log(1 + np.exp(a)), np.tanh, np.exp,
    lambda a: np.maximum(a, 0), lambda a: np.where(a > 0, a, 0.1 * a), np.abs, lambda a: a**2,
    lambda a: a * (a.data > 0), lambda a: np.sqrt(1 + a**2), lambda a: -a / 3, lambda a: 1 - a,
    lambda a: a.T, lambda a: a.T.reshape(a.shape), lambda a: a.sum(), lambda a: a.mean(axis=0),
    lambda a: a - a.mean(),
    lambda a: a.reshape(-1), lambda a: a[..., None], lambda a: a[None], lambda a: np.log(2 + a * a),
    lambda a: np.clip(a, -0.5, 0.5), lambda a: a / np.linalg.norm(a), lambda a: np.minimum(a, 0.2),
]  # fmt: skip
OF_ROWS: list[Callable[[Any], Any]] = [
    rows, lambda a: a.sum(axis=1), lambda a: a.sum(axis=0, keepdims=True), lambda a: a.max(axis=1),
    lambda a: a - a.max(axis=1, keepdims=True), lambda a: np.log(np.exp(a).sum(axis=1)),
    lambda a: (a - a.mean(0)) / np.sqrt(a.var(0) + 1e-3), lambda a: np.log(rows(a)),
    lambda a: a[np.arange(len(a)), np.arange(len(a)) % a.shape[1]], lambda a: a[:, ::-1],
    lambda a: a[np.array([0, 1, 0])], lambda a: np.trace(a @ a.T), lambda a: a[1, 0],
    lambda a: (a - a.mean(1)[:, None]) / a.std(axis=1, keepdims=True), lambda a: a[:, 0],
]  # fmt: skip
BINARY: list[Callable[[Any, Any], Any]] = [
    lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a / (1 + b * b),
    lambda a, b: a @ b, lambda a, b: a @ b.T, lambda a, b: np.dot(a.T, b),
    lambda a, b: np.outer(a, b), lambda a, b: (a * b).sum(axis=-1), lambda a, b: b * a[..., None],
    lambda a, b: np.maximum(a, b), lambda a, b: np.where(a.data > 0, a, b),
]  # fmt: skip


@st.composite
def programs(draw: Any) -> list[tuple[int, int, int, int]]:
    numbers = st.integers(0, 10**4)
    return draw(st.lists(st.tuples(st.integers(0, 2), *[numbers] * 3), min_size=1, max_size=9))


def run(program: list[tuple[int, int, int, int]], named: bool) -> Tensor:
    """A number, of values of several shapes: what doesn't fit is left out."""
    rng = np.random.default_rng(7)
    shapes = {"A": (4, 3), "B": (3, 3), "u": (4,), "v": (3,), "c": (1, 3), "s": ()}
    values: list[Any] = [
        Tensor(rng.normal(size=shape), requires_grad=name != "u", name=name)
        for name, shape in shapes.items()
    ]
    for k, (kind, which, i, j) in enumerate(program):
        a, b = values[i % len(values)], values[j % len(values)]
        ops: Any = (UNARY, OF_ROWS, BINARY)[kind]
        f = ops[which % len(ops)]
        if kind == 1 and (a.ndim != 2 or a.shape[0] < 2 or a.shape[1] < 2):
            continue
        try:
            with np.errstate(all="ignore"):
                new = f(a) if kind < 2 else f(a, b)
        except (ValueError, TypeError, IndexError):
            continue
        if isinstance(new, Tensor) and new.size < 100 and np.all(np.abs(new.data) < 1e3):
            values.append(new.named(f"t_{k}") if named and k % 3 == 0 else new)
    total: Any = Tensor(0.0)
    for value in values:
        total = total + np.sum(np.tanh(value / 3))
    return total


@each([False, True])
def test_random_programs_are_worth_their_normal_form(named: bool):
    @settings(deadline=None, max_examples=examples(60))
    @given(programs())
    @example([(0, 12, 0, 0), (2, 7, 6, 2)])  # np.outer(A.T, u)
    @example([(0, 0, 0, 0), (2, 43, 0, 3502), *[(0, 0, 0, 0)] * 3, (1, 326, 150, 0)])  # its trace
    def check(program: Any) -> None:
        loss = run(program, named)
        with trace():
            meaning = Meaning(loss)
            targets = [t for t in meaning.tensors if t is not loss and t._tracked]
            seed = Tensor(np.ones(()))
            meaning.terms[seed] = shaped(ONE, ())
            own = {meaning.tensors[t] for t in targets}
            back = pull({meaning.output: seed}, own, record=True)
        np.testing.assert_allclose(evaluate(meaning.terms[loss]), loss.data, rtol=1e-8)
        true = pull({loss: np.ones(())}, set(targets))
        for t in targets:
            g = back.get(meaning.tensors[t])
            if g is not None and t in true and not meaning.has_ties():
                term = meaning.read(g, {})
                found = evaluate(term)
                written, parts = Writer({}).expression(term)
                if not parts:  # whose symbols would be looked up in vain
                    np.testing.assert_allclose(worked_out(written), found, rtol=1e-9, atol=1e-12)
                scale = max(1.0, float(np.abs(true[t]).max(initial=0)))
                np.testing.assert_allclose(
                    np.broadcast_to(found, t.shape), true[t], rtol=1e-6, atol=1e-8 * scale
                )

    check()


def test_work_grows_as_the_graph_does():
    def size(n: int, named: bool) -> int:
        x = Tensor([0.1, 0.2], requires_grad=True, name="x")
        y = x
        for k in range(n):
            y = np.tanh(y * 0.9 + 0.1)
            y = y.named(f"h_{k}") if named else y
        meaning = Meaning(np.sum(y))
        return len({id(e) for t in walk(meaning.output) if (e := meaning.terms.get(t))})

    for named in (False, True):
        assert size(400, named) <= 2.2 * size(200, named)
    assert ag.derive is not None
