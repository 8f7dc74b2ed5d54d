"""What a compiled function reads besides its arguments may change, and is then read anew."""

from __future__ import annotations

import argparse
import builtins
import collections
import configparser
import copy
import ctypes
import functools
import gc
import importlib
import io
import itertools
import logging
import math
import mmap
import operator
import os
import sys
import threading
import unittest
import warnings
import weakref
from abc import ABCMeta
from collections.abc import Callable
from contextvars import ContextVar
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite import CompileError, Tensor

from ..each import each
from .comparing import agree, assert_same

V = np.array([0.5, -1.0, 2.0])
X = np.random.default_rng(0).normal(size=(4, 3))
GLOBAL = {"k": 1.0, "array": np.ones(3)}
LATE_TOO = 1.0
CONTEXT: ContextVar[float] = ContextVar("CONTEXT", default=1.0)
CONTEXT_OF: ContextVar[Any] = ContextVar("CONTEXT_OF")


class Kind:
    k: Any = 1.0

    def times(self, x: Any) -> Any:
        return x * self.k

    @property
    def twice(self) -> Any:
        return 2 * self.k


class Twice(Kind):
    def times(self, x: Any) -> Any:
        return 2 * x * self.k


class Asked(Kind):
    def __getattribute__(self, name: str) -> Any:
        return object.__getattribute__(self, name)


class Words(str):
    k: Any


class Slots:
    __slots__ = ("k",)


class Both:
    __slots__ = ("__dict__", "k")


class Halved(nn.Module):
    def forward(self, x: Any) -> Any:
        return x * 0.5 if self.training else x


def of_global(x: Any) -> Any:
    return (lambda y: y * GLOBAL["k"])(x)


def with_default(x: Any, c: Any = {"k": 1.0}) -> Any:  # noqa: B006
    return x * c["k"]


def importing(x: Any) -> Any:
    from of_the_test import k  # type: ignore[import-not-found]

    return x * k


def with_late(x: Any) -> Any:
    try:
        return x * LATE  # type: ignore[name-defined]
    except NameError:
        return x


def with_built_in(x: Any) -> Any:
    try:
        return x * LATE_BUILT_IN  # type: ignore[name-defined]
    except NameError:
        return x


def made() -> dict[str, tuple[Callable[..., Any], Callable[[float], Any], Any]]:
    """A function of an array, how what it reads is given another value, and further arguments."""
    thing, slots, deque = Kind(), Slots(), collections.deque([1.0, 2.0])
    many = {f"k{i}": 1.0 for i in range(99)}
    crowd, counts = SimpleNamespace(**many, k=3.0), collections.Counter(k=3)
    own_class, own_dict, asked, listed = Kind(), Kind(), Asked(), [1.0] * 99
    slots.k = 1.0
    box = SimpleNamespace(k=np.ones(3), t=Tensor(V), inner=[{"k": 1.0}], f=np.sin)
    part = functools.partial(lambda x, c: x * c["k"], c={"k": 1.0})
    net = nn.Sequential(nn.Linear(3, 3, rng=0), Halved())
    order = np.arange(100_000.0)
    large, strided = np.ones(100_000), np.ones((300, 600))[:, ::2]
    view, objects = np.ones(3), np.array([thing, None])
    data, keyed, inside = bytearray([1]), {"sin": 1.0}, weakref.ref(thing)
    sys.modules["of_the_test"] = module = ModuleType("of_the_test")
    module.k = 1.0  # type: ignore[attr-defined]
    words, key, proxy = Words("text"), "k", weakref.proxy(thing)
    words.k = 1.0
    both = Both()
    masked = np.ma.masked_array(np.ones(3), mask=[True, False, False])
    power = np.polynomial.Polynomial([1.0, 1.0])
    fixed = view[:]
    fixed.flags.writeable = False
    held = SimpleNamespace(inner=module)
    options, event = argparse.Namespace(k=1.0), threading.Event()
    users, logger = collections.UserList([1.0]), logging.getLogger("of_the_test")
    config, stream, items = configparser.ConfigParser(), io.StringIO("1.0"), iter([1, 2, 3, 4, 5])
    config["of"] = {"k": "1.0"}
    number, memory = ctypes.c_double(1.0), mmap.mmap(-1, 1)
    optimizer = nn.SGD(net.parameters(), lr=1.0)
    step = nn.TrainStep(net, nn.MSELoss(), optimizer)
    by_function = np.frompyfunc(lambda y: y * thing.k, 1, 1)
    flags: Any = type("Of", (ModuleType,), {"what": 1.0})
    builtins.OF_THE_TEST = 1.0  # type: ignore[attr-defined]
    module.K_1 = 1.0  # type: ignore[attr-defined]
    looking = ModuleType("looking")
    looking.__getattr__ = lambda name: thing.k  # type: ignore[method-assign]
    with_property, op = flags("of_the_test_too"), ag.Op("of", lambda a: a, lambda g, out, a: g)
    own = threading.local()
    own.k = count = 1.0
    CONTEXT_OF.set(thing)

    def rebind(value: float) -> None:
        nonlocal count
        count = value

    def renamed(v: float) -> None:
        names = vars(crowd)
        last = names.popitem()[1]  # as many values, and the same
        names["k" if v > 2 else "j"] = last

    def renamed_key(v: float) -> None:
        last = counts.popitem()[1]
        counts["k" if v > 2 else "j"] = last

    def reshape(v: float) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of NumPy 2.5
            box.k.shape = (3, 1) if v > 2 else (1, 3)

    return {
        "attribute": (lambda x: x * thing.k, lambda v: setattr(thing, "k", v), ()),
        "attribute of an argument": (lambda x, s: x * s.k, lambda v: setattr(thing, "k", v),
                                     (thing,)),
        "by name": (lambda x: x * getattr(thing, "k"), lambda v: setattr(thing, "k", v), ()),  # noqa: B009
        "method": (thing.times, lambda v: setattr(thing, "k", v), ()),
        "property": (lambda x: x * thing.twice, lambda v: setattr(thing, "k", v), ()),
        "class": (lambda x: x * Kind.k, lambda v: setattr(Kind, "k", v), ()),
        "an object's class": (lambda x: own_class.times(x),
                              lambda v: setattr(own_class, "__class__", Twice if v > 2 else Kind),
                              ()),
        "all attributes": (lambda x: x * own_dict.k,
                           lambda v: setattr(own_dict, "__dict__", {"k": v}), ()),
        "asked otherwise": (lambda x: x * asked.k, lambda v: setattr(asked, "k", v), ()),
        "a name of many": (lambda x: x * getattr(crowd, "k", 2.0), renamed, ()),
        "a key of a subclass": (lambda x: x * counts.get("k", 2), renamed_key, ()),
        "through a step of training": (lambda x: step.net(x).data,
                                       lambda v: setattr(net.modules[1], "training", v > 2), ()),  # type: ignore[attr-defined]
        "many keys": (lambda x: x * many["k50"], lambda v: many.update(k50=v), ()),
        "a long list": (lambda x: x * listed[30], lambda v: listed.__setitem__(30, v), ()),
        "a list's length": (lambda x: x * len(box.inner),
                            lambda v: box.inner.append({"k": 1.0}), ()),
        "slot": (lambda x, s: x * s.k, lambda v: setattr(slots, "k", v), (slots,)),
        "a slot beside attributes": (lambda x: x * getattr(both, "k", 1.0),
                                     lambda v: setattr(both, "k", v), ()),
        "written to": (lambda x: x * (box.k + 1), lambda v: box.k.fill(v), ()),
        "large": (lambda x: x * large.sum(), lambda v: large.fill(v), ()),
        "an entry of a large one": (lambda x: x * large.sum(),
                                    lambda v: large.__setitem__(777, v), ()),
        "two entries of a large one, of one sum": (
            lambda x: x * order[5], lambda v: order.__setitem__([5, 6], order[[6, 5]]), ()),
        "an entry of a strided one": (lambda x: x * strided.sum(),
                                      lambda v: strided.__setitem__((7, 9), v), ()),
        "a view that can't be written to": (lambda x: x * fixed.sum(), lambda v: view.fill(v), ()),
        "an array's shape": (lambda x: x * box.k.shape[0], reshape, ()),
        "an array of objects": (lambda x: x * objects[0].k, lambda v: setattr(thing, "k", v), ()),
        "bytes": (lambda x: x * data[0], lambda v: data.__setitem__(0, int(v)), ()),
        "a weak reference": (lambda x: x * inside().k, lambda v: setattr(thing, "k", v), ()),  # type: ignore[union-attr]
        "a proxy": (lambda x: x * proxy.k, lambda v: setattr(thing, "k", v), ()),
        "an attribute of a text": (lambda x: x * words.k, lambda v: setattr(words, "k", v), ()),
        "a text with an attribute": (lambda x, s: x * s.k, lambda v: setattr(words, "k", v),
                                     (words,)),
        "a mask": (lambda x: x * masked.filled(0.0).sum(),
                   lambda v: setattr(masked, "mask", [v < 1, v > 2, False]), ()),
        "a polynomial": (lambda x, p: x * p.coef[0], lambda v: setattr(power, "coef", [v, 1.0]),
                         (power,)),
        "a key": (lambda x: getattr(np, next(iter(keyed)))(x),
                  lambda v: (keyed.clear(), keyed.update({"cos" if v > 2 else "tan": 1.0})), ()),
        "a module closed over": (lambda x: x * module.k, lambda v: setattr(module, "k", v), ()),
        "a module by name": (lambda x: x * getattr(module, key), lambda v: setattr(module, key, v),
                             ()),
        "a module's names": (lambda x: x * vars(module)["k"], lambda v: setattr(module, "k", v),
                             ()),
        "what comes to a module": (lambda x: x * getattr(module, "late", 1.0),
                                   lambda v: setattr(module, "late", v), ()),
        "a module that something holds": (lambda x: x * held.inner.k,
                                          lambda v: setattr(module, "k", v), ()),
        "of a type of Python's": (lambda x: x * options.k, lambda v: setattr(options, "k", v), ()),
        "a parser's": (lambda x: x * float(config["of"]["k"]),
                       lambda v: config["of"].update(k=str(v)), ()),
        "an event": (lambda x: x * (2 if event.is_set() else 3),
                     lambda v: event.set() if v > 2 else event.clear(), ()),
        "an argument of such a type": (lambda x, s: x * s[0],
                                       lambda v: users.__setitem__(0, v), (users,)),
        "a logger's level": (lambda x: x * (2 if logger.isEnabledFor(20) else 3),
                             lambda v: logger.setLevel(40 if v > 2 else 10), ()),
        "a stream": (lambda x: x * float(stream.getvalue()),
                     lambda v: (stream.seek(0), stream.write(str(v))), ()),
        "an iterator's place": (lambda x: x * items.__length_hint__(),  # type: ignore[attr-defined]
                                lambda v: next(items), ()),
        "memory of C's": (lambda x: x * number.value, lambda v: setattr(number, "value", v), ()),
        "mapped memory": (lambda x: x * memory[0],
                          lambda v: memory.__setitem__(0, int(v)), ()),
        "a built-in name": (lambda x: x * OF_THE_TEST,  # type: ignore[name-defined]  # noqa: F821
                            lambda v: setattr(builtins, "OF_THE_TEST", v), ()),
        "a learning rate": (lambda x: x * optimizer.lr, lambda v: setattr(optimizer, "lr", v), ()),
        "a function within a ufunc": (lambda x: x * by_function(V).astype(float),
                                      lambda v: setattr(thing, "k", v), ()),
        "an op's code": (lambda x: op(x), lambda v: setattr(op, "forward", lambda a: a * v), ()),
        "another module": (importing, lambda v: sys.modules.update(
            of_the_test=SimpleNamespace(k=v)), ()),  # type: ignore[call-overload]
        "what a module looks up": (lambda x: x * looking.what,
                                   lambda v: setattr(thing, "k", v), ()),
        "a property of a module": (lambda x: x * with_property.what, lambda v: setattr(
            flags, "what", property(lambda self: v)), ()),
        "by a name that is made": (lambda x: x * getattr(module, f"{'k'.upper()}_{len(box.inner)}"),
                                   lambda v: setattr(module, "K_1", v), ()),
        "imported within": (importing, lambda v: setattr(module, "k", v), ()),
        "imported by name": (lambda x: x * importlib.import_module("of_the_test").k,
                             lambda v: setattr(module, "k", v), ()),
        "a built-in that comes": (with_built_in, lambda v: setattr(builtins, "LATE_BUILT_IN", v),
                                  ()),
        "a name that comes": (with_late, lambda v: globals().update(LATE=v), ()),
        "the environment": (lambda x: x * float(os.environ.get("OF_THE_TEST", "1")),
                            lambda v: os.environ.update(OF_THE_TEST=str(v)), ()),
        "by getenv": (lambda x: x * float(os.getenv("OF_THE_TEST", "1")),
                      lambda v: os.environ.update(OF_THE_TEST=str(v)), ()),
        "a Tensor's name": (lambda x: x * (2 if box.t.name == "w" else 3),
                            lambda v: setattr(box.t, "name", "w" if v > 2 else None), ()),
        "nested": (lambda x: x * box.inner[0]["k"], lambda v: box.inner[0].update(k=v), ()),
        "deque": (lambda x: x * deque[0], lambda v: deque.appendleft(v), ()),
        "global": (of_global, lambda v: GLOBAL.update(k=v), ()),
        "its own module": (lambda x: x * sys.modules[__name__].LATE_TOO,
                           lambda v: globals().update(LATE_TOO=v), ()),
        "its globals": (lambda x: x * of_global.__globals__["LATE_TOO"],
                        lambda v: globals().update(LATE_TOO=v), ()),
        "a context variable": (lambda x: x * CONTEXT.get(), CONTEXT.set, ()),
        "its attribute": (lambda x: x * CONTEXT_OF.get().k, lambda v: setattr(thing, "k", v), ()),
        "a thread's own": (lambda x: x * own.k, lambda v: setattr(own, "k", v), ()),
        "nonlocal": (lambda x: x * count, rebind, ()),
        "default": (with_default, lambda v: with_default.__defaults__[0].update(k=v), ()),
        "partial": (part, lambda v: part.keywords["c"].update(k=v), ()),
        "function": (lambda x: box.f(x),
                     lambda v: setattr(box, "f", functools.partial(np.multiply, v)), ()),
        "a Tensor replaced": (lambda x: (x * box.t).data,
                              lambda v: setattr(box, "t", Tensor(V * v)), ()),
        "a Tensor's order": (lambda x: x[np.argsort(box.t)] * box.t.argmax(),
                             lambda v: setattr(box.t, "data", box.t.data[::-1] * v), ()),
        "requires_grad": (lambda x: x * (2 if box.t.requires_grad else 3),
                          lambda v: setattr(box.t, "requires_grad", v > 2), ()),
        "mode": (lambda x: net(x).data, lambda v: net.modules[1].train(v > 2), ()),  # type: ignore[attr-defined]
        "layer": (lambda x: net(x).data,
                  lambda v: net.modules.__setitem__(0, nn.Linear(3, 3, rng=int(v))), ()),  # type: ignore[attr-defined]
        "another's": (ag.compile(lambda x: x * thing.k), lambda v: setattr(thing, "k", v), ()),
    }  # fmt: skip


@each(list(made()))
def test_what_it_reads_may_change(name: str):
    f, change, further = made()[name]
    values = itertools.cycle((2.0, 3.0, 0.5))
    agree(f, (V, *further), (V + 1, *further), (V * 2, *further),
          between=lambda: change(next(values)))  # fmt: skip


CODE = """
K = 1.0
class Settings:
    k = 1.0
class Box:
    k = 1.0
box = Box()
def helped(x):
    return x * K * Settings.k * box.k
def f(x):
    return helped(x) + K
"""


@pytest.mark.parametrize("name", ["exec", "statistics", "test", "site-packages/own"])
def test_code_of_no_module_of_an_installed_one_and_of_one_named_as_python_s_is_the_user_s(
    name: str, monkeypatch: pytest.MonkeyPatch
):
    module = ModuleType(Path(name).name)
    module.__file__ = f"/home/me/{name}.py"
    if name == "exec":
        del module.__name__
    else:
        monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(CODE, vars(module))
    compiled, slope = ag.compile(module.f), ag.compile(ag.jacobian(module.f))
    part = ag.compile(functools.partial(module.f))
    for where in (None, module, module.Settings, module.box):
        if where is not None:
            setattr(where, "K" if where is module else "k", 3.0)
        np.testing.assert_array_equal(compiled(V), module.f(V))
        np.testing.assert_array_equal(part(V), module.f(V))
        np.testing.assert_allclose(slope(V) @ V, module.f(V) - module.f(0 * V))


def test_an_array_that_it_holds_may_be_given():
    held = V.copy()
    compiled = ag.compile(lambda x: x * 2 if x is held else x * 3)
    np.testing.assert_array_equal(compiled(V), V * 3)
    with pytest.raises(CompileError, match="gives something else than recorded"):
        compiled(held)
    compiled = ag.compile(lambda x: x * held)
    for x in (V, held, V + 1, held):
        np.testing.assert_array_equal(compiled(x), x * held)


def test_what_runs_a_test_isn_t_watched():
    class Case(unittest.TestCase):
        k = 2.0

        def runTest(self) -> None:  # noqa: N802
            agree(lambda x: x * self.k, (V,), (V + 1,))

    result = unittest.TestResult()
    result.held = [[] for _ in range(30_000)]  # type: ignore[attr-defined]
    Case().run(result)
    assert result.wasSuccessful(), result.errors


def test_a_global_that_is_called_as_an_attribute_is_isn_t_watched():
    namespace = {"np": np, "thing": Kind(), "k": 1.0}
    exec("def f(x): return x * thing.k", namespace)
    compiled = ag.compile(namespace["f"])  # type: ignore[arg-type]
    for i in range(3):
        namespace["k"] = compiled(V * i)
    assert sum(map(len, compiled._variants.values())) == 1


class Lazy:
    mean: Any = None
    shape: Any = None
    is_used = False

    def __init__(self) -> None:
        self.known: dict[int, Any] = {}
        self.nodes = functools.lru_cache(lambda n: np.arange(1.0, n + 1))

    @functools.cached_property
    def points(self) -> Any:
        return np.linspace(0, 1, 3)

    def centred(self, x: Any) -> Any:
        if self.mean is None:
            self.mean = x.mean(axis=0)
        return x - self.mean

    def cached(self, x: Any) -> Any:
        return x * self.nodes(x.shape[-1]) + self.points

    def flagged(self, x: Any) -> Any:
        self.is_used, self.shape = True, x.shape
        return x * 2

    def memoised(self, x: Any) -> Any:
        return x * self.known.setdefault(x.ndim, np.arange(3.0))


@each(["centred", "cached", "flagged", "memoised"])
def test_what_is_kept_since_the_first_call(name: str):
    ours, theirs = Lazy(), Lazy()
    compiled = ag.compile(getattr(ours, name))
    for x in (X, X + 1, V, X):
        assert_same(compiled(x), getattr(theirs, name)(x))
        assert [*vars(ours)] == [*vars(theirs)]
    assert sum(map(len, compiled._variants.values())) <= 3


def test_an_equal_value_is_no_other_one():
    thing = Kind()
    thing.k = 2.5
    compiled = ag.compile(lambda x: x * thing.k)
    for text in ("2.5", "2.5", "3.5", "3.5"):  # each a number of its own
        thing.k = float(text)
        np.testing.assert_array_equal(compiled(V), V * thing.k)
    assert sum(map(len, compiled._variants.values())) == 2


@each([
    (lambda i: X[i, 1] + X[int(float(i[0]))][0], np.array([0, 2]), np.array([1, 1])),
    (lambda i: np.eye(4)[i], np.array([0, 2]), np.array([3, 1])),
    (lambda m: V[m], V > 0, V < 0),
    (lambda n: np.arange(int(n)) * float(n), np.int64(3), np.int64(5)),
    (lambda n: V * float(n), Fraction(2), Fraction(3)),
    (lambda n: V * len(n), range(2), range(3)),
    (lambda n: V * n.stop, range(0, 3, 2), range(0, 4, 2)),
    (lambda n: V * len(str(n)), Decimal("1.0"), Decimal("1.00")),
    (lambda d: sum(key * x for key, x in d.items()), {1: np.arange(3)}, {1.0: np.arange(3)}),
    (lambda s: np.ones(3, np.complex64) * s.conjugate(), 1 + 2j, 2 - 1j),
    (lambda x: x.ravel(order="K"), X, np.asfortranarray(X)),
    (lambda x: np.round(x, 1), V.astype(">f8"), (V * 3).astype(">f8")),
])  # fmt: skip
def test_other_values_of_what_it_takes_are_seen(f: Any, first: Any, second: Any):
    agree(f, first, second)
    compiled = ag.compile(f)
    for make in (copy.deepcopy, copy.copy):
        for x in (first, second):
            assert_same(compiled(make(x)), f(x))


class Model:
    k = 3.0

    @ag.compile
    def predict(self, x: Any) -> Any:
        return x * self.k

    @ag.compile
    @classmethod
    def of_class(cls, x: Any) -> Any:
        return x * cls.k

    @ag.compile
    @staticmethod
    def of_none(x: Any) -> Any:
        return x * 2

    by_place = ag.compile(operator.itemgetter(1))  # no method


class Further(Model):
    k = 7.0


def test_a_method_is_bound_and_recursion_ends():
    one, other = Model(), Model()
    other.k = 5.0
    for model in (one, other, one):
        np.testing.assert_array_equal(model.predict(V), V * model.k)
        np.testing.assert_array_equal(model.of_class(V), V * 3)
        np.testing.assert_array_equal(model.of_none(V), V * 2)
        assert model.by_place(V) == V[1]
    np.testing.assert_array_equal(Further.of_class(V), V * 7)
    again = ag.compile(lambda x, n: x if n == 0 else again(x * 2, n - 1))
    np.testing.assert_array_equal(again(V, 3), V * 8)


def guarded(x: Any) -> Any:
    try:
        return np.linalg.cholesky(x)
    except np.linalg.LinAlgError:
        return np.linalg.cholesky(x + 10 * np.eye(2))


@each({
    "cholesky": (guarded, 4 * np.eye(2), -np.eye(2)),
    "division": (lambda s: 1.0 if s == 0 else math.copysign(1, 1) / s, 4.0, 0.0),
    "power": (lambda s: np.power(s, 0.5), 4.0, -4.0),
    "divide": (lambda s: np.divide(1.0, s), 4.0, 0.0),
    "eigvals": (lambda a: np.max(np.real(np.linalg.eigvals(a))), np.diag([1.0, 2.0]),
                np.array([[0.15, -0.99], [0.99, 0.15]])),
    "emath": (np.emath.sqrt, V**2, V),
    "isinstance": (lambda a: V * a if isinstance(a, float) else V * abs(a), 2.0, -2.0),
    "type": (lambda a: V * a if type(a) is float else V * abs(a), 2.0, -2.0),
    "isscalar": (lambda a: V / a if np.isscalar(a) else V / np.maximum(a, 0.5), 2.0, 0.1),
    "hasattr": (lambda a: V / np.maximum(a, 0.5) if hasattr(a, "shape") else V / a, 2.0, 0.1),
    "dispatch": (lambda a: V * len(a) if np.iterable(a) else V * abs(a), 2.0, -2.0),
    "flags": (lambda a: a * 2 if a.flags.c_contiguous else a * 3, X, np.asfortranarray(X)),
})  # fmt: skip
def test_other_numbers_may_take_another_way(f: Any, first: Any, second: Any):
    for start, then in ((first, second), (second, first)):
        compiled = ag.compile(f)
        with np.errstate(all="ignore"):
            for x in (start, then, start):
                try:
                    found = compiled(x)
                except CompileError:
                    break
                assert_same(found, f(x))


def doubled(x: Any) -> Any:
    while x.sum() < 20:
        x = x * 2
    return x


def collatz(x: Any) -> Any:
    while x[0] != 1:
        x = np.where(x % 2 == 0, x // 2, 3 * x + 1)
    return x


def counted(s: float) -> Any:
    n = 0
    while not s > 100:
        s, n = s * 2, n + 1
    return s, n


@each([(doubled, X**2), (collatz, np.array([6.0, 1.0])), (counted, 1.5)])
def test_a_loop_need_not_end_with_other_numbers(f: Any, x: Any):
    compiled = ag.compile(f)
    for given in (x, x * 2, x):
        assert_same(compiled(given), f(given))


def test_other_numbers_that_would_end_the_program_don_t():
    def f(x: Any) -> Any:
        if np.any(x < 0):
            sys.exit("negative")
        return np.sqrt(x)

    compiled = ag.compile(f)
    np.testing.assert_array_equal(compiled(V**2), abs(V))
    with pytest.raises(SystemExit, match="negative"):
        compiled(V)


def test_what_is_written_is_no_code_of_anybody_s(tmp_path: Any):
    path = tmp_path / "made"
    evil = f"open({os.fspath(path)!r}, 'w')"

    class Text(str):
        def __repr__(self) -> str:
            return evil

    class Number(int):
        __repr__ = Text.__repr__

    def named(x: Any) -> Any:
        return x * 2

    op = ag.Op("own", lambda x, **params: x * 2, lambda g, out, x, **params: g * 2)
    named.__name__ = f'"""\n{evil}\n"""'
    for f, given in (
        (lambda x: op(x, **{f"p={evil}, r": 1}).data, (V,)),
        (lambda x: np.reshape(x, (3, 1), order=Text("F")), (V,)),
        (lambda x: np.sum(x, axis=Number(0)), (V,)),
        (lambda x: (x * Tensor(V, name=evil)).data, (V,)),
        (lambda p: p[f'"+{evil}+"'] * 2, ({f'"+{evil}+"': V},)),
        (named, (V,)),
    ):
        compiled = ag.compile(f)
        try:
            compiled(*given)
            exec(compiled.source, {})
        except CompileError:
            continue
    net = nn.Linear(3, 1, rng=0)
    net.weight.name = f'w"""{evil}"""'
    step = nn.TrainStep(net, nn.MSELoss(), nn.SGD(net.parameters(), lr=0.1))
    step(X, X[:, :1])
    exec(step.source, {})
    assert not path.exists()


def test_nothing_stays_behind_in_cycles():
    compiled = ag.compile(ag.value_and_grad(lambda w: np.sum(np.tanh(w * V) ** 2)))
    copy.copy(compiled)(V)  # what is made once is there
    gc.collect()
    gc.disable()
    try:
        compiled(V)
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        left = [x for x in gc.garbage if "autograd_lite" in type(x).__module__]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert not left


@pytest.mark.parametrize("first", [True, False])
def test_a_gradient_isn_t_lost_that_was_none_within_no_grad(first: bool):
    w = Tensor(V, requires_grad=True)
    compiled = ag.compile(lambda x: w * x)
    if first:
        with ag.no_grad():
            assert not compiled(V).requires_grad
    with pytest.raises(CompileError, match="requires a gradient"):
        compiled(V)
    with ag.no_grad():
        np.testing.assert_array_equal(compiled(V).data, V * V)


def test_true_is_no_other_truth():
    thing = Kind()
    thing.k = True
    compiled = ag.compile(lambda x: x * thing.k)
    for value in (True, 3.0, True, 2.0):
        thing.k = value
        assert_same(compiled(V), V * value)


def test_a_matrix_that_is_only_tested_is_tested_each_time():
    def logdet(a: Any) -> Any:
        np.linalg.cholesky(a)  # raises where it isn't positive definite
        return np.linalg.slogdet(a)[1]

    for f in (logdet, ag.grad(logdet)):
        compiled = ag.compile(f)
        assert_same(compiled(4 * np.eye(2)), f(4 * np.eye(2)))
        for function in (f, compiled):
            with pytest.raises(np.linalg.LinAlgError, match="definite"):
                function(-np.eye(2))


def test_what_is_registered_as_an_instance_is_seen_and_stays_registered():
    class Plain:
        pass

    x, doubled = Plain(), ABCMeta("doubled", (), {})
    f = ag.compile(lambda a: np.sin(a) * (2 if isinstance(x, doubled) else 1))
    a = np.ones(2)
    np.testing.assert_array_equal(f(a), np.sin(a))
    doubled.register(Plain)
    np.testing.assert_array_equal(f(a), 2 * np.sin(a))
    assert isinstance(x, doubled)


def test_what_threads_wait_for_is_seen():
    stop, places = threading.Event(), threading.Semaphore(2)
    f = ag.compile(lambda a: np.sin(a) * places._value if stop.is_set() else np.cos(a))
    a = np.ones(2)
    np.testing.assert_array_equal(f(a), np.cos(a))
    stop.set()
    np.testing.assert_array_equal(f(a), 2 * np.sin(a))
    places.acquire()
    np.testing.assert_array_equal(f(a), np.sin(a))
