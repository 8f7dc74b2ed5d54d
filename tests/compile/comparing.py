"""Compiled functions beside the functions themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.compile.compiled import Compiled
from autograd_lite.containers import is_container, leaves
from autograd_lite.engine.op import apply
from tests.coverage.call import Call
from tests.coverage.calls import UNDISPATCHED
from tests.sampling import samples


def assert_same(got: Any, expected: Any, rtol: float = 1e-10) -> None:
    """The same containers, types, dtypes, shapes and numbers."""
    assert type(got) is type(expected), f"{type(got)} instead of {type(expected)}"
    if is_container(expected):
        assert len(got) == len(expected)
        if isinstance(expected, dict):
            assert list(got) == list(expected)
            got, expected = got.values(), expected.values()
        for a, b in zip(got, expected, strict=True):
            assert_same(a, b, rtol)
        return
    if type(expected) is Tensor:
        assert got.name == expected.name
        got, expected = got.data, expected.data
    a, b = np.asarray(got), np.asarray(expected)
    assert (a.dtype, a.shape) == (b.dtype, b.shape)
    if b.dtype.kind in "fc":
        rtol = max(rtol, 20 * float(np.finfo(b.dtype).eps))
        finite = np.abs(b[np.isfinite(b)])
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * finite.max(initial=1.0))
    else:
        np.testing.assert_array_equal(a, b)


def arguments(call: Any) -> tuple[Any, ...]:
    return call if type(call) is tuple else (call,)


def agree(
    f: Callable[..., Any],
    *calls: Any,
    rtol: float = 1e-10,
    between: Callable[[], Any] = lambda: None,
) -> Compiled:
    """Compile ``f`` and compare it at each call with ``f``; a call is an argument, or a tuple.

    The first comes once more in the end: what the others left behind mustn't show.
    """
    compiled = ag.compile(f)
    for call in (*calls, calls[0]):
        expected = f(*arguments(call))
        assert_same(compiled(*arguments(call)), expected, rtol)
        between()
    return compiled


def memory(tree: Any) -> list[Any]:
    """The arrays in results."""
    found = (x.data if type(x) is Tensor else x for x in leaves(tree))
    return [x for x in found if isinstance(x, np.ndarray)]


def function_of_call(call: Call) -> Callable[..., Any]:
    return call.of(ag if call.code in UNDISPATCHED else np)


def weighted_sum(f: Callable[..., Any]) -> Callable[..., Any]:
    """A number that depends on all that ``f`` gives."""

    def total(*arrays: Any) -> Any:
        summed = 0.0
        for k, out in enumerate(leaves(f(*arrays))):
            weights = np.cos(np.arange(np.size(out)) + k).reshape(np.shape(out))
            kind = np.result_type(out).kind
            if kind in "fc":
                summed = summed + np.sum(np.real(out) * weights)
            if kind == "c":
                summed = summed + np.sum(np.imag(out) * weights)
        return summed

    return total


def gradient_of_call(call: Call) -> Callable[..., Any]:
    places = tuple(range(len(call.operands)))
    return ag.value_and_grad(weighted_sum(function_of_call(call)), places)


def gradients_of(name: str) -> tuple[Any, list[Any]]:
    """A function of an op's first sample in the table: all of its gradients."""
    sample = FIRST[name]
    given = sample.inputs(np.random.default_rng(1))
    places = [i for i, (_, vjp) in enumerate(zip(given, sample.op.vjps, strict=False)) if vjp]

    def f(*some: Any) -> Any:
        every = list(given)
        for i, x in zip(places, some, strict=True):
            every[i] = x
        return apply(sample.op, tuple(every), sample.case.params)

    return weighted_sum(f), [given[i] for i in places]


FIRST = {sample.op.name: sample for sample in reversed(list(samples()))}
