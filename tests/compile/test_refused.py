"""What can't be compiled is refused, with the op and the line; nothing is frozen instead."""

from __future__ import annotations

import array
import collections
import cProfile
import functools
import inspect
import json
import logging
import math
import sys
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite import CompileError, Tensor

from ..each import each
from .comparing import agree, assert_same

X = np.random.default_rng(0).normal(size=(2, 3))
STORE: list[Any] = []
SCALE = 2.0
KEPT: dict[str, Any] = {}


def refused(f: Callable[..., Any], *words: str, args: tuple[Any, ...] = (X,)) -> str:
    """The message, which names this file's line and the words."""
    given = [x.copy() if isinstance(x, np.ndarray) else x for x in args]
    with pytest.raises(CompileError) as raised:
        ag.compile(f)(*given)
    message = str(raised.value)
    for word in (*words, f"test_refused.py:{f.__code__.co_firstlineno}"):
        assert word in message
    for x, before in zip(given, args, strict=True):
        np.testing.assert_array_equal(x, before)
    return message


ASKED_FOR: dict[str, Callable[[Any], Any]] = {
    "float": lambda x: x * float(x.sum()),
    "int": lambda x: x * int(x.sum()),
    "complex": lambda x: x * complex(x.sum()),
    "round": lambda x: x * round(x.sum()),
    "item": lambda x: x * x.sum().item(),
    "tolist": lambda x: x.tolist(),
    "math.sin": lambda x: x * math.sin(x.sum()),
    "math.floor": lambda x: x * math.floor(x.sum()),
    "math.fsum": lambda x: math.fsum(x[0]),
    "a key": lambda x: x * {0.0: 1.0}.get(x[0, 0], 2.0),
    "np.array": lambda x: np.array([x, x]),
    "np.asarray": lambda x: np.asarray(x),
    "np.float64": lambda x: np.float64(x.sum()),
    "vectorize": lambda x: np.vectorize(math.sin)(x),
    "fromiter": lambda x: np.fromiter(x[0], float),
    "ndenumerate": lambda x: sum(v for _, v in np.ndenumerate(x)),
    "print": lambda x: (print(x), x)[1],
    "str": lambda x: x * len(str(x)),
    "repr": lambda x: x * len(repr(x)),
    "f-string": lambda x: x * len(f"{x.sum():.3f}"),
    "!r": lambda x: x * len(f"{x!r}"),
    "%": lambda x: x * len("%s" % x),  # noqa: UP031
    "logging": lambda x: x if logging.getLogger("quiet").critical("%s" % x) else -x,  # noqa: UP031
    "json": lambda x: json.dumps(x.tolist()),
    "strides": lambda x: x * x.strides[0],
    "order in memory": lambda x: (x * 2).ravel("K"),
    "a copy's order": lambda x: np.reshape(x.copy(), 6, order="A"),
    "of a number": lambda x: x[0] * np.array(2.0 * x[0, 0]),
    "ctypes": lambda x: x * x.ctypes.data,
    "bytes": lambda x: x * x.data[0, 0],
    "is_integer": lambda x: x * x.sum().is_integer(),
    "np.random": lambda x: np.random.default_rng(0).normal(x),
    "choice": lambda x: np.random.default_rng(0).choice(x[0]),
    "assert": lambda x: np.testing.assert_allclose(x, x),
}  # fmt: skip
"""Values that are asked for while the function runs."""


@each(ASKED_FOR)
def test_values_that_are_asked_for(f: Any):
    logging.getLogger("quiet").propagate = False
    refused(f)


DECIDED: dict[str, Callable[[Any], Any]] = {
    "if": lambda x: x if x.sum() > 0 else -x,
    "and": lambda x: x.sum() and x,
    "not": lambda x: x * (not x.sum()),
    "while": lambda x: next(iter(lambda: bool(x.sum() > 0), False)),
    "in": lambda x: x if 0.0 in x else -x,
    "max": lambda x: max(x.sum(), 0.0),
    "sorted": lambda x: sorted(x[0]),
    "any": lambda x: any(v > 0 for v in x[0]),
    "range": lambda x: sum(x[0] for _ in range(x.argmax())),
    "an index": lambda x: [10, 20, 30, 40, 50, 60][x.argmax()],
    "np.zeros": lambda x: np.zeros(x.argmax()),
    "array_equal": lambda x: x if np.array_equal(x, x) else -x,
    "allclose": lambda x: x if np.allclose(x, 1.0) else -x,
    "x[mask]": lambda x: x[x > 0],
    "x[i, mask]": lambda x: x[:, x[0] > 0],
    "nonzero": lambda x: np.nonzero(x),
    "x.nonzero": lambda x: x.nonzero(),
    "where": lambda x: np.where(x > 0),
    "unique": lambda x: np.unique(x),
    "flatnonzero": lambda x: np.flatnonzero(x),
    "argwhere": lambda x: np.argwhere(x),
    "extract": lambda x: np.extract(x > 0, x),
    "compress": lambda x: np.compress(x[0] > 0, x, axis=1),
    "x.compress": lambda x: x.compress(x[0] > 0, axis=1),
    "slice": lambda x: x[0, : x.argmax()],
    "repeat": lambda x: np.repeat(x[0], x[0].argsort()),
}  # fmt: skip
"""Values that decide which way it goes, or what shape there is."""


@each(DECIDED)
def test_what_values_decide_is_right_for_others_too(f: Any):
    compiled = ag.compile(f)
    for x in (X, -X, X * 0.01, np.abs(X), X.round(), X):
        try:
            expected = f(x)
        except Exception as error:
            with pytest.raises(type(error)):
                compiled(x)
        else:
            assert_same(compiled(x), expected)


@each({
    "file": lambda x: x * len(Path(__file__).read_text()),
    "file of NumPy's": lambda x: x * np.loadtxt(__file__, str, max_rows=1).size,
    "folder": lambda x: x * Path(__file__).exists(),
    "clock": lambda x: x * int(time.time()),
    "date": lambda x: x * datetime.now().day,
    "print": lambda x: (print("here"), x)[1],
    "log": lambda x: (logging.getLogger("of_the_test").warning("here"), x)[1],
    "warning": lambda x: (warnings.warn("here", stacklevel=1), x)[1],
    "globals()": lambda x: x * globals()["SCA" + "LE"],
    "eval": lambda x: x * eval("SCALE"),
    "caller": lambda x: x * inspect.currentframe().f_back.f_lineno,  # type: ignore[union-attr]
})  # fmt: skip
def test_what_is_asked_of_the_system(f: Any):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        refused(f, "files, the clock and what is printed or warned of")


def test_what_a_library_asks_for_itself_is_none_of_it():
    """Imports, and what is asked while it is compiled that a first call has kept."""

    @functools.cache
    def loaded() -> Any:
        return np.frombuffer(Path(__file__).read_bytes()[:24])

    def f(x: Any) -> Any:
        import colorsys

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.log(x) * loaded()[0] * len(colorsys.__name__)

    sys.modules.pop("colorsys", None)
    agree(f, X, X + 1)
    compiled = ag.compile(f)
    compiled(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compiled(X)  # whose logarithms of negative numbers are no news


def test_a_profile_is_none_of_its_business():
    profile = cProfile.Profile()
    with profile:
        agree(lambda x: np.tanh(x) * 2, X, X + 1)
    assert profile.getstats()
    assert sys.getprofile() is None
    refused(lambda x: (print("here"), x)[1], "print")
    assert sys.getprofile() is None


def test_what_changes_again_and_again_runs_as_it_is_with_a_warning():
    compiled = ag.compile(lambda x, n: x[: int(n)] * 2)
    x = np.arange(30.0)
    for n in range(8):
        np.testing.assert_array_equal(compiled(x, np.int64(n)), x[:n] * 2)
    with pytest.warns(UserWarning, match="changes again and again"):
        np.testing.assert_array_equal(compiled(x, np.int64(9)), x[:9] * 2)


WRITTEN: dict[str, Callable[[Any, Any], Any]] = {
    "x[0] =": lambda x, buf: x.__setitem__(0, 1.0),
    "+=": lambda x, buf: x.__iadd__(1.0),
    "@=": lambda x, buf: x.__imatmul__(np.eye(3)),
    "add.at": lambda x, buf: np.add.at(x, [0], 1.0),
    "fill": lambda x, buf: x.fill(0.0),
    "sort": lambda x, buf: x.sort(),
    "put": lambda x, buf: np.put(x, [0], 1.0),
    "copyto": lambda x, buf: np.copyto(x, 1.0),
    "fill_diagonal": lambda x, buf: np.fill_diagonal(x, 1.0),
    "setflags": lambda x, buf: x.setflags(write=False),
    "buf[0] =": lambda x, buf: buf.__setitem__(0, x[0]),
    "buf[:] =": lambda x, buf: buf.__setitem__(slice(None), x),
    "buf[0, 0] =": lambda x, buf: buf.__setitem__((0, 0), x.sum()),
    "buf += x": lambda x, buf: buf.__iadd__(x),
    "buf.fill": lambda x, buf: buf.fill(x.sum()),
    "buf.flat": lambda x, buf: buf.flat.__setitem__(0, x.sum()),
    "buf.put": lambda x, buf: buf.put([0], x.sum()),
    "copyto buf": lambda x, buf: np.copyto(buf, x),
    "add.at buf": lambda x, buf: np.add.at(buf, [0], x),
    "out of a ufunc": lambda x, buf: np.exp(x, out=buf),
    "out by place": lambda x, buf: np.add(x, x, buf),
    "out of a function": lambda x, buf: np.cumsum(x, axis=0, out=buf),
    "out of a function by place": lambda x, buf: np.cumsum(x, 0, None, buf),
    "out of a sum by place": lambda x, buf: np.sum(x, 0, None, buf[0]),
    "out of a method": lambda x, buf: x.clip(0, 1, out=buf),
    "out of a method by place": lambda x, buf: x.clip(0, 1, buf),
    "out of a product": lambda x, buf: np.matmul(x, np.eye(3), out=buf),
    "out of a product by place": lambda x, buf: np.dot(x, np.eye(3), buf),
    "out of a reduction": lambda x, buf: np.add.reduce(x, 0, None, buf[0]),
    "out of one's own": lambda x, buf: np.cumsum(x, 0, None, np.zeros((2, 3))),
}  # fmt: skip
"""In place, in what is given and in what is at hand."""


@each(WRITTEN)
def test_writing_in_place(f: Any):
    buffer = np.full((2, 3), 7.0)

    def here(x: Any) -> Any:
        return f(x, buffer), buffer

    with pytest.raises(CompileError, match=r"(?s)place|out=|test_refused.py:\d+|buffer's entries"):
        ag.compile(here)(X.copy())
    assert (buffer == 7).all()


@dataclass
class State:
    n: int
    h: Any

    def take(self, x: Any) -> None:
        self.h = x


@each([
    (lambda x, s: s.update(h=x), lambda: {"h": X}),
    (lambda x, s: s.update(n=s["n"] + 1), lambda: {"n": 1}),
    (lambda x, s: s.update(k=x), lambda: {"h": X}),
    (lambda x, s: s.pop("h"), lambda: {"h": X}),
    (lambda x, s: s.append(x), list),
    (lambda x, s: s.pop(), lambda: [X, X]),
    (lambda x, s: s.reverse(), lambda: [X, -X]),
    (lambda x, s: s[0].update(h=x), lambda: [{"h": X}]),
    (lambda x, s: s.take(x), lambda: State(1, -X)),
    (lambda x, s: setattr(s, "n", 2), lambda: State(1, X)),
])  # fmt: skip
def test_what_is_written_into_containers_that_are_given(change: Any, made: Any):
    state = made()
    with pytest.raises(CompileError, match="changes a list, dict or object that it is given"):
        ag.compile(lambda x, s: (change(x, s), x * 2)[1])(X, state)
    assert str(state) == str(made())


VIEWED: dict[str, Callable[[Any], Any]] = {
    "a row of its transpose": lambda y: y.T[0],
    "flat": lambda y: y.reshape(-1),
    "split": lambda y: np.split(y, 2)[0],
}
FOLLOWED: dict[str, Callable[[Any], Any]] = {
    "a row": lambda y: y[0],
    "a row in a list": lambda y: [y[0]],
    "a part of a row": lambda y: y[0][:2],
    "a column": lambda y: y[..., 1],
    "an iterator": lambda y: next(iter(y)),
}


@each(VIEWED)
def test_an_array_isn_t_written_to_that_something_else_shows(of: Any):
    def f(x: Any) -> Any:
        y = np.exp(x)
        view = of(y)
        y[0] = 5.0
        return y, view

    with pytest.raises(CompileError, match="may share memory"):
        ag.compile(f)(X.copy())


@each(FOLLOWED)
def test_what_an_index_shows_of_an_array_follows_it(of: Any):
    def f(x: Any) -> Any:
        y = np.exp(x)
        view, copy = of(y), y[[0]]
        y[0] = 5.0
        for row in y:
            row *= x[0]
        part = of(y)[0]
        part += 1.0
        return y, view, copy, part

    agree(f, X, X + 1)


class Model:
    last: Any = None

    def attribute(self, x: Any) -> Any:
        self.last = x * 2
        return x

    def tensor(self, x: Any) -> Any:
        self.last = Tensor(x) * 2
        return x

    def data(self, x: Any) -> Any:
        PARAMETER.data = x[0] * 2
        return x

    def grad(self, x: Any) -> Any:
        PARAMETER.grad = x[0] * 2
        return x

    def listed(self, x: Any) -> Any:
        STORE.append({"a": [x.sum()]})
        return x

    def in_a_dict(self, x: Any) -> Any:
        KEPT["x"] = np.exp(x)
        return x

    def in_a_closure(self, x: Any) -> Any:
        STORE.append(lambda: x + 1)
        return x

    def in_a_default(self, x: Any, cache: Any = []) -> Any:  # noqa: B006
        cache.append(x * 2)
        return x

    def in_a_cycle(self, x: Any) -> Any:
        cycle = [x * 2]
        cycle.append(cycle)
        STORE.append(cycle)
        return x

    def parameter_s_grad(self, x: Any) -> Any:
        return x if PARAMETER.grad is None else x * PARAMETER.grad

    def parameter_s_data(self, x: Any) -> Any:
        STORE.append(PARAMETER.data * 2)
        return x

    def generator(self, x: Any) -> Any:
        return (v * 2 for v in x)

    def function(self, x: Any) -> Any:
        return lambda: x * 2


COUNTED = [0]
PARAMETER = Tensor([1.0, 2.0, 3.0], requires_grad=True, name="p")


@each([n for n in vars(Model) if n[0] != "_" and n != "last"])
def test_values_that_are_stored(name: str):
    model = Model()
    before = PARAMETER.data.copy()
    try:
        with pytest.raises(CompileError, match=r"side effect|\.data|stand-in|compile: "):
            ag.compile(getattr(model, name))(X)
        assert type(PARAMETER.data) is np.ndarray
        np.testing.assert_array_equal(PARAMETER.data, before)
        assert PARAMETER.grad is None
        assert (STORE, KEPT, vars(model)) == ([], {}, {})
        assert Model.in_a_default.__defaults__ == ([],)
    finally:
        STORE.clear()
        KEPT.clear()
        PARAMETER.data, PARAMETER.grad = before, None


class Slotted:
    __slots__ = ("n",)
    n: int

    def __init__(self) -> None:
        self.n = 0


def test_a_function_that_is_refused_leaves_what_it_reaches_as_it_was():
    model, total, seen, names = Model(), 0.0, {1}, {"a": 1, "b": [2]}
    slotted, latest = Slotted(), collections.deque([1], maxlen=2)
    deep = functools.lru_cache(lambda: STORE)

    def f(x: Any) -> Any:
        nonlocal total
        total = total + x.sum()
        model.last, COUNTED[0] = (x,), COUNTED[0] + 1  # type: ignore[has-type]
        seen.add(len(seen) + 1)
        slotted.n += 1
        latest.append(slotted.n)
        names["b"].append(names.pop("a", 3))  # type: ignore[attr-defined]
        return x * 2

    compiled = ag.compile(f)
    for _ in range(2):
        with pytest.raises(CompileError, match="a side effect"):
            compiled(X)
        assert (total, seen, [*names.items()]) == (0.0, {1}, [("a", 1), ("b", [2])])
        assert (vars(model), COUNTED, deep()) == ({}, [0], [])
        assert (slotted.n, [*latest]) == (0, [1])
    def interrupted(x: Any) -> Any:
        model.last = x * 2
        raise KeyboardInterrupt

    def failing(x: Any) -> Any:
        seen.add(len(seen) + 1)
        raise KeyError(x.shape)

    with pytest.raises(KeyboardInterrupt):
        ag.compile(interrupted)(X)
    assert not vars(model)
    with pytest.raises(KeyError):
        ag.compile(failing)(X)
    assert seen == {1, 2}
    f(X)
    assert total == X.sum()
    assert model.last[0] is X


class Listed(list[int]):
    pass


class Queue(collections.deque[int]):
    pass


class Noted:
    n: Any = 0


def _count(x: Any) -> None:
    x.n += 1


@each([
    (Listed([1]), lambda x: x.append(2)),
    (Queue([1], maxlen=1), lambda x: x.append(len(x) + x[0])),
    (collections.Counter("a"), lambda x: x.update("a")),
    (collections.defaultdict(int), lambda x: x.__setitem__("n", x["n"] + 1)),
    (collections.OrderedDict(a=1, b=2), lambda x: x.move_to_end(next(iter(x)))),
    (np.array([[1], None], object), lambda x: x.__setitem__(1, [x[1]])),
    (bytearray(b"a"), lambda x: x.append(2)),
    (array.array("d", [1.0]), lambda x: x.append(2.0)),
    (SimpleNamespace(n=0), _count), (Noted, _count), (Noted(), _count),
    (np.random.PCG64(0), lambda x: x.random_raw()),
])  # fmt: skip
def test_whatever_is_changed_is_as_it_was(kept: Any, change: Any):
    def state() -> Any:
        return repr(kept), getattr(kept, "n", None), getattr(kept, "state", None)

    before = state()

    def f(x: Any) -> Any:
        change(kept)
        return x * 2

    with pytest.raises(CompileError, match="a side effect"):
        ag.compile(f)(X)
    assert state() == before


def test_a_value_stored_by_a_local_cycle_that_nobody_holds_is_none():
    def f(x: Any) -> Any:
        cycle = [x * 2]
        cycle.append(cycle)
        return x + 1

    np.testing.assert_array_equal(ag.compile(f)(X), X + 1)


def test_backward_and_an_optimizer_s_step():
    def f(x: Any) -> Any:
        loss = (Tensor(x) * PARAMETER).sum()
        loss.backward()
        return loss.data

    with pytest.raises(CompileError, match=r"t\.backward\(\).*side effect.*ag\.value_and_grad"):
        ag.compile(f)(X)
    assert PARAMETER.grad is None
    net = nn.MLP([3, 1], rng=0)
    optimizer = nn.SGD(net.parameters(), lr=0.1)
    for p in net.parameters():
        p.grad = np.ones(p.shape)
    before = [p.data.copy() for p in net.parameters()]
    with pytest.raises(CompileError):
        ag.compile(lambda x: (optimizer.step(), net(x).data)[1])(X)
    for p, value in zip(net.parameters(), before, strict=True):
        np.testing.assert_array_equal(p.data, value)


def test_a_refusal_that_is_caught_is_refused_all_the_same():
    def f(x: Any) -> Any:
        try:
            scale = float(x.sum())
        except Exception:
            scale = 0.0
        return x * scale

    with pytest.raises(CompileError, match=r"float\(\) of .*\n.*test_refused"):
        ag.compile(f)(X)


@each([
    (lambda x: {}["mine"], KeyError, "mine"),
    (lambda x: x @ x, ValueError, "matmul"),
    (lambda x: np.sinus(x), AttributeError, "sinus"),  # type: ignore[attr-defined]
])
def test_an_error_of_the_function_s_own_stays_what_it_is(f: Any, error: Any, said: str):
    with pytest.raises(error, match=said):
        ag.compile(f)(X)


def test_an_error_leaves_nothing_behind():
    compiled = ag.compile(lambda x: x * 2 if len(x) == 2 else x * float(x[0, 0]))
    for _ in range(2):
        with pytest.raises(CompileError):
            compiled(X[:1])
        np.testing.assert_array_equal(compiled(X), X * 2)
    t = Tensor([1.0], requires_grad=True)  # nothing records any more
    (t * 2).sum().backward()
    assert t.grad is not None


def test_values_used_after_the_end():
    kept = threading.local()
    kept.x = None

    def f(x: Any) -> Any:
        kept.x = [x]
        return x

    with pytest.raises(CompileError, match=r"changes f.*kept"):
        ag.compile(f)(X)
    with pytest.raises(CompileError, match="after its end"):
        kept.x[0] + 1


def test_what_tells_how_arguments_lie_in_memory():
    v = np.ones(3)
    for f in (np.shares_memory, np.may_share_memory):
        for g in (lambda a, b, f=f: a * f(a, b[1:]), lambda a, b, f=f: a * f(a, v) + b):
            with pytest.raises(CompileError, match=f.__name__):
                ag.compile(g)(v, v + 1)
    compiled = ag.compile(lambda a, b, c: a * (2 if a is b else 3) + c)
    np.testing.assert_array_equal(compiled(v, v + 1, v + 2), v * 3 + v + 2)
    with pytest.raises(CompileError, match="ask of which type"):
        compiled(v, v, v + 2)


def test_what_a_call_uses_up():
    for make in (lambda: (x for x in X), lambda: iter([X]), lambda: zip(X, X, strict=True)):
        given = make()
        with pytest.raises(CompileError, match="is used up by a call; give a list"):
            ag.compile(lambda x: sum(np.sum(y) for y in x))(given)
        assert len(list(given)) == len(list(make()))


def test_object_arrays_and_text():
    for given in (np.array(["a", "b"]), np.array([1, None], object)):
        try:
            found = ag.compile(lambda x: x)(given)
        except (TypeError, CompileError):
            continue
        np.testing.assert_array_equal(found, given)


def test_a_function_that_numpy_calls_on_parts():
    x = np.array([[1.0, 2.0], [3.0, -4.0]])

    def f(x: Any) -> Any:
        return np.apply_along_axis(lambda row: np.sum(row**2) * row[0], 1, x)

    compiled = ag.compile(f)
    for y in (x, -x, x[::-1] + 1):
        np.testing.assert_allclose(compiled(y), f(y))
    with pytest.raises(CompileError, match="in place"):
        ag.compile(lambda x: np.copyto(x, 2 * x))(x)
