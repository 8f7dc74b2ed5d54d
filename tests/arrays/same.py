"""The same computed on NumPy's arrays and on another library's; and no number asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.containers import leaves

from ..coverage.call import Call
from ..sampling import Sample
from .duck import SYNCS, Duck


class Library(NamedTuple):
    """Another library.

    Attributes:
        kind: the type of its arrays.
        put: an array of NumPy as one of it.
        numpy: arrays of it as NumPy's, all at once.
        asked: how often numbers were asked for, since it was called last.
    """

    kind: type
    put: Callable[[Any], Any]
    numpy: Callable[[Sequence[Any]], list[Any]]
    asked: Callable[[], int]


def _syncs() -> int:
    asked = SYNCS.total()
    SYNCS.clear()
    return asked


DUCK = Library(Duck, Duck, lambda xs: [x._inner for x in xs], _syncs)
Put = Callable[[Any], Any]


def total(outputs: Sequence[Any], put: Put) -> Any:
    """A number that depends on every entry of what has a gradient; None where nothing has one."""
    rng, found = np.random.default_rng(3), None
    for y in outputs:
        if type(y) is Tensor and y.requires_grad:
            part = np.sum(y * put(rng.normal(size=y.shape)))
            part = part.real if part.dtype.kind == "c" else part
            found = part if found is None else found + part
    return found


def derivatives(outputs: Sequence[Any], xs: list[Tensor], put: Put) -> list[Any]:
    """The outputs' arrays, and derivatives: stored, recorded, and of those once more."""
    found = [y._array for y in outputs if type(y) is Tensor and y.requires_grad]
    number = total(outputs, put)
    if number is None:
        return [*found, *(getattr(y, "_array", y) for y in outputs)]
    number.backward()
    recorded = ag.gradients(number, xs, create_graph=True)
    found += [x.grad for x in xs if x.grad is not None] + [g._array for g in recorded]
    second = total(recorded, put)
    return found if second is None else found + [g._array for g in ag.gradients(second, xs)]


def of_op(sample: Sample, put: Put) -> list[Any]:
    given = [*zip(sample.inputs(np.random.default_rng(7)), sample.op.vjps, strict=False)]
    inputs = [Tensor(put(x), requires_grad=True) if vjp else put(x) for x, vjp in given]
    y = sample.op(*inputs, **sample.case.params)
    return derivatives([y], [x for x in inputs if type(x) is Tensor], put)


def of_call(call: Call, put: Put, put_constant: Put) -> list[Any]:
    """The constants in NumPy's or the other library's arrays."""
    xs = [Tensor(put(x), requires_grad=True) for x in call.drawn()]
    constants = {
        key: put_constant(x) if type(x) is np.ndarray else x for key, x in call.constants.items()
    }
    with np.errstate(all="ignore"):
        outputs = leaves(call._replace(constants=constants).of(np)(*xs))
        outputs = [y for y in outputs if type(y) is not np.ndarray] or outputs
        return derivatives(outputs, xs, put)


def assert_same(library: Library, expected: list[Any], found: list[Any]) -> None:
    """The same numbers, shapes and dtypes, all in the library's arrays; none was asked for."""
    assert library.asked() == 0, "numbers were asked for"
    assert {type(x) for x in found} <= {library.kind}
    numbers = library.numpy(found)
    for x, y in zip(numbers, expected, strict=False):
        np.testing.assert_allclose(x, y, rtol=1e-10, atol=1e-11, strict=True)
    assert len(expected) <= len(numbers)
    for x in numbers[len(expected) :]:  # by what no entry was chosen of, as only NumPy's knows
        np.testing.assert_array_equal(x, 0)


def call_as(library: Library, call: Call) -> list[Any]:
    """What a call gives of a library's arrays; its constants are that library's, or NumPy's."""
    try:
        return of_call(call, library.put, library.put)
    except (TypeError, ValueError, NotImplementedError, IndexError):  # a setting is an array
        library.asked()
        return of_call(call, library.put, lambda x: x)
