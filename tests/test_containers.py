"""What functions take and give: containers of any kind, made anew faithfully, or refused."""

from __future__ import annotations

import collections
import functools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.containers import leaves, paths

X, V = np.array([0.3, 0.7]), np.array([1.0, -2.0])
B = 3.0


class Keys(dict[str, Any]):
    """Whose keys are its attributes, in the way that is found everywhere."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.__dict__ = self


class Forwards(dict[str, Any]):
    """The other way."""

    __getattr__ = dict.__getitem__
    __setattr__: Any = dict.__setitem__  # type: ignore[assignment]


class Scaled(dict[str, Any]):
    def __init__(self, b: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.b, self.kind = b, "scaled"

    def __setitem__(self, key: str, x: Any) -> None:
        raise RuntimeError("it can't be changed")

    @property
    def w(self) -> Any:
        return self["w"]


class Named(list[Any]):
    @property
    def w(self) -> Any:
        return self[0]

    @property
    def b(self) -> Any:
        return self[1]

    def append(self, x: Any) -> None:
        raise RuntimeError("it can't be changed")


class Two(NamedTuple):
    w: Any
    b: Any = B


class Pair(collections.namedtuple("Pair", "w b")):
    def __new__(cls, w: Any) -> Pair:
        return super().__new__(cls, w, B)


class Slots(tuple[Any, ...]):
    w = property(lambda self: self[0])

    def __new__(cls, w: Any, b: Any) -> Slots:
        self = super().__new__(cls, (w,))
        self.b = b
        return self


@dataclass
class Record:
    w: Any
    b: Any = B
    name: str | None = None
    model: Callable[..., Any] = np.sum

    def __post_init__(self) -> None:
        assert self.b == B, "derivatives aren't asked for that"


@dataclass(frozen=True, slots=True)
class Frozen:
    w: Any
    b: float = field(default=B, init=False)


@dataclass
class Late:
    w: Any
    b: Any = field(init=False)

    def __post_init__(self) -> None:
        self.b = B


@dataclass
class Deep:
    inner: Any

    @cached_property
    def w(self) -> Any:
        return self.inner["w"][0]

    @cached_property
    def b(self) -> Any:
        return self.inner["rest"].b


def deep(w: Any) -> Deep:
    made = Deep({"w": (w,), "rest": Record(w=1.0)})
    assert made.w is w  # and now it is cached
    return made


def default(w: Any) -> Any:
    made: Any = collections.defaultdict(list, w=w, b=B)
    return made


def items(p: Any) -> Any:
    return p["w"], p["b"]


def attributes(p: Any) -> Any:
    return p.w, p.b


KINDS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "tuple": (lambda w: (w, B), tuple),
    "list": (lambda w: [w, B], tuple),
    "dict": (lambda w: {"w": w, "b": B}, items),
    "OrderedDict": (lambda w: collections.OrderedDict(w=w, b=B), items),
    "defaultdict": (default, items),
    "Counter": (lambda w: collections.Counter({"w": w, "b": B}), items),
    "keys are attributes": (lambda w: Keys(w=w, b=B), attributes),
    "keys are forwarded": (lambda w: Forwards(w=w, b=B), attributes),
    "dict with an attribute": (lambda w: Scaled(B, w=w), attributes),
    "list with properties": (lambda w: Named([w, B]), attributes),
    "tuple with an attribute": (lambda w: Slots(w, B), attributes),
    "NamedTuple": (Two, attributes),
    "namedtuple with a constructor": (Pair, attributes),
    "SimpleNamespace": (lambda w: SimpleNamespace(w=w, b=B, name="n"), attributes),
    "dataclass": (Record, attributes),
    "frozen dataclass with slots": (Frozen, attributes),
    "dataclass with a late field": (Late, attributes),
    "nested": (deep, attributes),
}


def loss(w: Any, b: Any) -> Any:
    return np.sum(w**3) * b


def checkpointed(p: Any, of: Any) -> Any:
    """The gradients that get back through a checkpoint which takes and gives such containers."""
    w = Tensor(X, requires_grad=True)
    f = ag.checkpoint(lambda p, q: (of(q)[0] * of(p)[0], p))
    product, same = f(p(w), p(w))
    assert type(same) is type(p(X))
    np.sum(product * of(same)[0]).backward()
    return w.grad


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_taken_and_given_everywhere(kind: str):
    make, of = KINDS[kind]
    p, slope, curve = make(X), 3 * X**2 * B, 6 * X * B

    def f(p: Any) -> Any:
        return loss(*of(p))

    def doubled(p: Any) -> Any:
        return make(of(p)[0] * 2)

    def back(v: Any) -> Any:
        return ag.vjp(doubled, p)[1](ag.grad(f)(make(v)))[0]

    found = {
        "grad": of(ag.grad(f)(p)),
        "value_and_grad": of(ag.value_and_grad(f)(p)[1]),
        "vjp": of(ag.vjp(f, p)[1](1.0)[0]),
        "jacobian": of(ag.jacobian(f)(p)),
        "compile": of(ag.compile(ag.grad(f))(p)),
    }
    for name, (w, b) in found.items():
        np.testing.assert_allclose(w, slope, err_msg=name)
        np.testing.assert_allclose(b, np.sum(X**3), err_msg=name)
    assert type(ag.grad(f)(p)) is type(p)
    np.testing.assert_allclose(of(of(ag.hessian(f)(p))[0])[0], np.diag(curve))
    along = curve * slope + 3 * X**2 * np.sum(X**3)
    np.testing.assert_allclose(of(ag.hvp(f)(p, ag.grad(f)(p)))[0], along)
    value, tangent = ag.jvp(doubled, (p,), (ag.grad(f)(p),))
    np.testing.assert_allclose(of(value)[0], 2 * X)
    np.testing.assert_allclose(of(tangent)[0], 2 * slope)
    assert of(tangent)[1] == 0, "a constant has no derivative"
    np.testing.assert_allclose(of(back(V))[0], 2 * 3 * V**2 * B)
    np.testing.assert_allclose(of(of(ag.jacobian(doubled)(p))[0])[0], 2 * np.eye(2))
    np.testing.assert_allclose(checkpointed(make, of), 3 * X**2)
    compiled = ag.compile(doubled)
    for x in (X, V):
        assert type(compiled(make(x))) is type(p)
        np.testing.assert_array_equal(of(compiled(make(x)))[0], 2 * x)
    np.testing.assert_array_equal(of(p)[0], X)


def test_settings_stay_as_they_are():
    p = Record(X, name="first", model=np.mean)
    for found in (ag.grad(lambda p: p.model(p.w))(p), ag.vjp(lambda p: p, p)[0]):
        assert (found.name, found.model) == ("first", np.mean)
    assert Scaled(B, w=X).kind == ag.grad(lambda p: np.sum(p.w))(Scaled(B, w=X)).kind
    compiled = ag.compile(lambda p: p.w * 2 if p.name == "first" else p.w * 3)
    for name, factor in (("first", 2), ("second", 3), ("first", 2)):
        np.testing.assert_array_equal(compiled(Record(X, name=name)), factor * X)
    # Not differentiated, whatever is in them: they pass through untouched.
    around: Any = {"set": {1}, "none": None, "object": object()}
    around["around"] = around
    seen = []
    ag.grad(lambda x, y, z: seen.append((y, z)) or x)(1.0, around, None)
    assert seen[0][0] is around


def test_paths_say_how_a_leaf_is_reached():
    tree = {"w": [X, Record(B)], "p": Two((), 1.0)}
    assert paths(tree) == ["['w'][0]", "['w'][1].w", "['w'][1].b", "['p'][1]"]
    assert len(leaves(tree)) == 4
    compiled = ag.compile(lambda tree: tree["w"][1].b * X)
    np.testing.assert_array_equal(compiled(tree), B * X)
    assert "tree_w_1_b" in compiled.source


# ---------------------------------------------------------------------- what can't be made anew


class Bound(dict[str, Any]):
    def __init__(self, w: Any) -> None:
        super().__init__(w=w)
        self.model = lambda x: np.sum(x * self["w"])


class Closing(dict[str, Any]):
    def __init__(self, w: Any) -> None:
        super().__init__(w=w)
        self.model = lambda x: np.sum(x * w)


class Twice(dict[str, Any]):
    def __init__(self, w: Any) -> None:
        super().__init__(w=w)
        self.w = w


class Mirror(dict[str, Any]):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for key, x in kwargs.items():
            setattr(self, key, x)


@dataclass
class Computed:
    w: Any
    norm: Any = field(init=False)

    def __post_init__(self) -> None:
        self.norm = np.sum(self.w**2)


class Squared(collections.namedtuple("Squared", "w norm")):
    def __new__(cls, w: Any) -> Squared:
        return super().__new__(cls, w, np.sum(w**2))


def holding_itself(hold: Callable[[Any], Any]) -> Any:
    p = SimpleNamespace(w=[X])
    p.held = hold(p.w)
    return p


def with_method(w: Any) -> Any:
    p = SimpleNamespace(w=w)
    p.model = lambda x: np.sum(x * p.w)
    return p


REFUSED: dict[str, tuple[Any, Any, str]] = {
    "bound to itself": (Bound(X), lambda p: p.model(V), "in a Bound, is bound to a Bound"),
    "bound namespace": (with_method(X), lambda p: p.model(V), "bound to a SimpleNamespace"),
    "a method of Python's": (holding_itself(lambda w: w.count), lambda p: p.held(1) + 0.0,
                             "in a SimpleNamespace, is bound to a list"),
    "a partial of one": (holding_itself(lambda w: functools.partial(w.__getitem__, 0)),
                         lambda p: np.sum(p.held()), "in a SimpleNamespace, is bound to a list"),
    "closes over": (Closing(X), lambda p: p.model(V), "in a Closing, is bound to a ndarray"),
    "an argument held twice": (Twice(X), lambda p: np.sum(p.w), "Twice: w, .* plain tuples"),
    "the same, the other": (Twice(X), lambda p: np.sum(p["w"]), "Twice: w, .* plain tuples"),
    "items as attributes": (Mirror(w=X), lambda p: np.sum(p.w), "Mirror: w, .* plain tuples"),
    "computed field": (Computed(X), lambda p: p.norm, "Computed: norm, .* a property"),
    "computed item": (Squared(X), lambda p: p.norm, "Squared: 1, .* a property"),
    "another's constructor": (time.gmtime(0), lambda p: p[0] * 1.0, "a struct_time can't be made"),
    "object": (object(), lambda p: 1.0, "not a object"),
    "text in a dict": ({"a": "text"}, lambda p: 1.0, "numbers are needed"),
    "set": ({1.0}, lambda p: 1.0, "not a set"),
    "a mapping": (collections.UserDict(w=X), lambda p: p["w"][0], "not a UserDict"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_can_t_be_made_anew_is_refused(name: str):
    p, f, said = REFUSED[name]
    for transform in (ag.grad, ag.jacobian, ag.hessian, lambda f: lambda p: ag.vjp(f, p)):
        with pytest.raises(TypeError, match=said):
            transform(f)(p)


def test_what_is_bound_is_refused_where_all_arguments_are_made_anew():
    bound: Any = {"k": 2.0}
    bound["f"] = lambda x: x * bound["k"]
    for wrong in (Bound(X), with_method(X), bound):
        with pytest.raises(TypeError, match=r"compile: <lambda>, .* is bound to"):
            ag.compile(lambda x, p: x * 2)(X, wrong)
        with pytest.raises(TypeError, match=r"checkpoint: .* is bound to"):
            ag.checkpoint(lambda x, p: x * 2)(Tensor(X, requires_grad=True), wrong)


# ---------------------------------------------------------------------- what is returned


class Holder:
    def __init__(self, held: Any) -> None:
        self.held = held


RETURNED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "generator": (lambda x: (y for y in x), "generator"),
    "map": (lambda x: map(np.sin, x), "map"),
    "nothing": (lambda x: None, "NoneType"),
    "text": (lambda x: "text", "str"),
    "set": (lambda x: {1.0}, "set"),
    "object": (Holder, "Holder"),
    "object in a list": (lambda x: [x, {"a": Holder(x)}], r"Holder, in a list as \[1\]\['a'\]"),
    "object in a dataclass": (lambda x: Record(x, b=B, name=Holder(x)),  # type: ignore[arg-type]
                              r"Holder, in a Record as \.name"),
    "set in a tuple": (lambda x: (x, {2.0}), r"set, in a tuple as \[1\]"),
    "values of a dict": (lambda x: {"a": x}.values(), "dict_values"),
    "deque": (lambda x: collections.deque([x]), "deque"),
    "function": (lambda x: lambda: x, "function"),
    "words": (lambda x: (x, np.array(["a"])), "ndarray of dtype <U1"),
    "module": (lambda x: np, "module"),
}  # fmt: skip

CALLS: dict[str, Callable[[Any], Any]] = {
    "vjp": lambda f: ag.vjp(f, X),
    "jvp": lambda f: ag.jvp(f, (X,), (V,)),
    "jacobian": lambda f: ag.jacobian(f)(X),
    "checkpoint": lambda f: ag.checkpoint(f)(Tensor(X, requires_grad=True)),
    "compile": lambda f: ag.compile(f)(X),
}
OF_NUMBERS: list[Callable[[Any], Any]] = [
    lambda f: ag.grad(f)(X),
    lambda f: ag.value_and_grad(f)(X),
    lambda f: ag.hessian(f)(X),
    lambda f: ag.hvp(f)(X, V),
]


@pytest.mark.parametrize("name", RETURNED)
def test_what_would_hide_a_result_is_refused(name: str):
    f, said = RETURNED[name]
    for caller, call in CALLS.items():
        with pytest.raises(TypeError, match=rf"{caller}: .*returned a {said}.* dataclasses"):
            call(f)
    for call in OF_NUMBERS:
        with pytest.raises(TypeError, match=r"^grad: |lose silently"):
            call(f)


def test_a_function_that_is_returned_with_a_result_in_it_is_refused():
    hide: list[Callable[[Any], Any]] = [
        lambda x: SimpleNamespace(f=lambda: x), lambda x: SimpleNamespace(f=partial(np.add, 2 * x)),
        lambda x: Bound(x * 2),
    ]  # fmt: skip
    for hidden in hide:
        for name, call in CALLS.items():
            with pytest.raises((TypeError, RuntimeError), match=f"{name}: "):
                call(hidden)


def test_constants_may_stand_beside_results_where_nothing_is_differentiated():
    def f(x: Any) -> Any:
        return x * 2, None, "text", {"f": np.sin, "b": True}

    found = ag.checkpoint(f)(Tensor(X, requires_grad=True))
    assert found[1:] == ag.compile(f)(X)[1:] == (None, "text", {"f": np.sin, "b": True})


def test_generators_are_no_arguments_to_differentiate():
    def numbers() -> Iterator[float]:
        yield 1.0

    with pytest.raises(TypeError, match=r"grad: an argument to differentiate: .* a generator"):
        ag.grad(lambda x: 1.0)(numbers())
