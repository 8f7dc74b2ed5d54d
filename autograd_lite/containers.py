"""What functions take and give: arrays, and containers of them, taken apart and put together anew.

A container is a tuple, a list, a dict or a subclass of these, a dataclass or a SimpleNamespace. It
holds its items and its attributes. Attributes that are no numbers (text, None, booleans, functions)
are its settings; like keys they belong to the container, and are kept.

A container is made anew without its constructor, which may take other arguments than it holds, or
refuse gradients. What can't be made anew, or would go on using old numbers, is refused.
"""

from __future__ import annotations

import enum
import gc
import inspect
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from functools import cached_property, lru_cache, partial
from types import FunctionType, MemberDescriptorType, ModuleType, SimpleNamespace
from typing import Any, NamedTuple
from weakref import ref

import numpy as np

from .arrays import HOLDERS, content

_PLAIN = (tuple, list, dict)
_BUILT_IN = (OrderedDict, defaultdict, dict, list, tuple, SimpleNamespace)
_REMEDY = "give plain tuples, lists and dicts"


class Attribute(NamedTuple):
    """The key of an attribute among the parts of a container."""

    name: str


@lru_cache(maxsize=1024)
def _base(kind: Any) -> Any:
    """Whose instances containers of that type are, as Python makes them; None: no container."""
    of_dataclass = object if hasattr(kind, "__dataclass_fields__") else None
    return next((base for base in kind.__mro__ if base in _BUILT_IN), of_dataclass)


def is_container(tree: Any) -> bool:
    kind: Any = type(tree)
    return _base(kind) is not None


def _attributes(tree: Any) -> dict[str, Any]:
    """What an instance has besides items. What is cached is computed again, and is none of it."""
    kind = type(tree)
    if kind in _PLAIN:
        return {}
    state: Any = object.__getstate__(tree)
    own, slots = state if type(state) is tuple else (state, None)
    found = {**({} if own is None or own is tree else own), **(slots or {})}
    if isinstance(tree, defaultdict):
        found["default_factory"] = tree.default_factory
    return {k: x for k, x in found.items() if not isinstance(getattr(kind, k, 0), cached_property)}


def _is_setting(x: Any) -> bool:
    kinds = (str, bytes, bool, enum.Enum, np.dtype)
    return x is None or isinstance(x, kinds) or (callable(x) and not is_container(x))


def is_numeric(x: Any) -> bool:
    """Whether it's a number, or a Tensor or array of numbers."""
    kind = getattr(getattr(x, "dtype", None), "kind", "")
    return isinstance(x, (int, float, complex)) or kind in (*"biufc",)


def settings(tree: Any) -> dict[str, Any]:
    """The attributes of a container that are no numbers."""
    return {name: x for name, x in _attributes(tree).items() if _is_setting(x)}


def parts(tree: Any) -> dict[Any, Any]:
    """What a container holds, by index, key or `Attribute`."""
    kind: Any = type(tree)
    base = _base(kind)
    found = dict(base.items(tree)) if issubclass(base, dict) else {}
    if base is tuple or base is list:
        found = dict(enumerate(base.__iter__(tree)))
    for name, x in _attributes(tree).items():
        if not _is_setting(x):
            found[Attribute(name)] = x
    return found


def leaves(tree: Any) -> list[Any]:
    """What the containers hold, in order; of something else, itself."""
    kind: Any = type(tree)
    if kind is tuple or kind is list:
        inner = tree
    elif _base(kind) is None:
        return [tree]
    else:
        inner = (tree if kind is dict else parts(tree)).values()
    try:
        return [leaf for child in inner for leaf in leaves(child)]
    except RecursionError:
        raise TypeError(f"a {kind.__name__} holds itself, in the end; {_REMEDY}") from None


def paths(tree: Any) -> list[str]:
    """How each leaf is reached: ``['w'][0]``, ``.position``."""
    if not is_container(tree):
        return [""]
    return [
        (f".{key.name}" if type(key) is Attribute else f"[{key!r}]") + rest
        for key, child in parts(tree).items() for rest in paths(child)
    ]  # fmt: skip


def rebuilt(tree: Any, new: Iterator[Any]) -> Any:
    """The containers of ``tree`` around new leaves, taken in order.

    Raises:
        TypeError: a type that only its own constructor can make, such as that of `time.gmtime`.
    """
    kind: Any = type(tree)
    base = _base(kind)
    if base is None:
        return next(new)
    if kind is dict:
        return {key: rebuilt(child, new) for key, child in tree.items()}
    if kind is tuple or kind is list:
        return kind([rebuilt(child, new) for child in tree])
    held = {key: rebuilt(child, new) for key, child in parts(tree).items()}
    attributes = {name: held.pop(Attribute(name), x) for name, x in _attributes(tree).items()}
    try:
        same = base.__new__(kind, *([held.values()] if base is tuple else []))
    except TypeError as error:
        raise TypeError(f"a {kind.__name__} can't be made anew ({error}); {_REMEDY}") from error
    if base is list:
        list.extend(same, held.values())
    elif issubclass(base, dict):
        for key, x in held.items():
            base.__setitem__(same, key, x)
    if getattr(tree, "__dict__", None) is tree:  # its keys are its attributes
        object.__setattr__(same, "__dict__", same)
    for name, x in attributes.items():
        if isinstance(getattr(kind, name, None), MemberDescriptorType):
            object.__setattr__(same, name, x)  # a slot, of a frozen dataclass too
        else:
            vars(same)[name] = x
    return same


def settled(tree: Any) -> Any:
    """The same, with what variables (`arrays.HOLDERS`) hold in place of them."""
    found = leaves(tree) if HOLDERS else []
    return tree if HOLDERS.isdisjoint(map(type, found)) else rebuilt(tree, map(content, found))


def matched(tree: Any, other: Any, what: str) -> list[Any]:
    """The leaves of ``other`` in the order of those of ``tree``, whose containers it must have.

    Raises:
        ValueError: it hasn't, or a leaf has another shape; ``what`` names ``other``.
    """
    if not is_container(tree):
        if _shape(other) != np.shape(tree):
            given = type(other).__name__ if _shape(other) is None else _shape(other)
            raise ValueError(f"{what} must have the shape {np.shape(tree)}, and has {given}")
        return [content(other)]
    held, theirs = parts(tree), parts(other) if is_container(other) else None
    if theirs is None or held.keys() != theirs.keys():
        names = ", ".join(k.name if type(k) is Attribute else str(k) for k in held)
        raise ValueError(
            f"{what} must be a {type(tree).__name__} "
            + (f"of {len(held)}, as is what it belongs to" if isinstance(tree, (tuple, list))
               else f"with the {'keys' if isinstance(tree, dict) else 'attributes'} {names}")
        )  # fmt: skip
    return [leaf for key, child in held.items() for leaf in matched(child, theirs[key], what)]


def _shape(x: Any) -> tuple[int, ...] | None:
    try:
        return np.shape(x)
    except ValueError:  # nested sequences that are no array
        return None


# -------------------------------------------------------------------------- what is refused


def results(what: str, output: Any, constants: bool = False) -> list[Any]:
    """The leaves of what a function returned, each an array, a Tensor or a number.

    Args:
        what: who called the function, for errors.
        constants: whether containers may hold text, None and functions besides.

    Raises:
        TypeError: there is something else, which could hide a result from differentiation.
    """
    found = leaves(output)
    for i, y in enumerate(found):
        if is_numeric(y) or (constants and y is not output and _is_setting(y)):
            continue
        name = y.__class__.__name__ + (f" of dtype {y.dtype}" if hasattr(y, "dtype") else "")
        place = f", in a {type(output).__name__} as {paths(output)[i]}" if y is not output else ""
        raise TypeError(
            f"{what}: the function returned a {name}{place}; it may return arrays, Tensors and "
            "numbers, and tuples, lists, dicts and dataclasses of them, whose derivatives are found"
        )
    # What has a number is a result, or a variable of a transform.
    refuse_bound(what, output, lambda x: getattr(x, "_tracked", False) and hasattr(x, "_number"))
    return found


def refuse_bound(what: str, tree: Any, held: Callable[[Any], bool] = lambda x: False) -> None:
    """Raise where a function in a container would go on using what isn't made anew with it.

    Args:
        what: who is about to make it anew, for errors.
        tree: the containers; no function in them may reach one of them,
        held: nor what this is true of.
    """
    walked = list(walk(tree)) if is_container(tree) else []
    functions = [(owner, x) for owner, x in walked if callable(x) and not is_container(x)]
    containers = {id(x) for _, x in walked if functions and is_container(x) and parts(x)}
    for owner, f in functions:
        for x in reached(f):
            if id(x) in containers or held(x):
                raise TypeError(
                    f"{what}: {getattr(f, '__name__', f)}, in a {owner.__name__}, is bound to a "
                    f"{type(x).__name__} that it would go on using where the containers are made "
                    f"anew around other numbers; make it a method of the class, or {_REMEDY}"
                )


def walk(tree: Any) -> Iterator[tuple[type, Any]]:
    """Containers, what they hold, and their settings, each with the type of what it is in."""
    seen = set()
    todo = [(type(tree), tree)]
    while todo:
        owner, x = todo.pop()
        yield owner, x
        if not is_container(x) or id(x) in seen:
            continue
        seen.add(id(x))
        kind = type(x)
        if kind in _PLAIN:
            todo += [(kind, y) for y in (x.values() if kind is dict else x)]
        else:
            todo += [(kind, y) for y in (*parts(x).values(), *settings(x).values())]


def computed(tree: Any) -> list[tuple[str, Any]]:
    """Which parts of containers a constructor computes of others: their names, and the parts.

    To make a container anew without its constructor loses what derivatives go through these. So
    the constructor is tried on what ``tree``, a container of tracked Tensors, was given.
    """
    own = (x for _, x in walk(tree) if type(x) not in _PLAIN and is_container(x))
    return [pair for x in own for pair in _computed(x)]


def _computed(tree: Any) -> Iterator[tuple[str, Any]]:
    kind: Any = type(tree)
    base, held = _base(kind), parts(tree)
    names: dict[str, Any] = {key.name: key for key in held if type(key) is Attribute}
    own = kind.__init__ is not base.__init__ or kind.__new__ is not base.__new__
    if not own or not (names or hasattr(kind, "_fields")):
        return
    names.update((name, i) for i, name in enumerate(getattr(kind, "_fields", ())))
    taken = inspect.signature(kind).parameters
    later = {names[name] for name in names.keys() - taken.keys()}
    if base is object and not later:  # the fields of a dataclass are its arguments
        return
    try:
        made = parts(kind(**{name: getattr(tree, name) for name in taken}))
    except Exception:  # whatever a constructor, which may be anybody's, says of Tensors
        made = held
    given = {id(x): key for key, x in held.items()}
    for key in held.keys() & made.keys():
        twin = given.get(id(made[key]), key)  # one argument, held twice
        is_made = any(getattr(x, "_tracked", False) for x in leaves(made[key]))
        if is_made and (key in later or twin != key):
            yield f"{kind.__name__}: {getattr(key, 'name', key)}", [held[key], held[twin]]


def reached(*roots: Any) -> Iterator[Any]:
    """What code can reach: by what it closes over, globals, attributes and containers."""
    seen: dict[int, Any] = {}
    todo = list(roots)
    while todo and len(seen) < _REACHED:
        x = todo.pop()
        if id(x) in seen or isinstance(x, (type, ModuleType)):
            continue
        seen[id(x)] = x
        yield x
        if isinstance(x, FunctionType):
            todo += [x.__globals__[n] for n in x.__code__.co_names if n in x.__globals__]
            todo += gc.get_referents(*(x.__closure__ or ())) + list(x.__defaults__ or ())
        elif isinstance(x, ref):
            todo.append(x())
        elif is_container(x):
            todo += [*parts(x).values(), *settings(x).values()]
        elif isinstance(x, partial) or hasattr(x, "__self__"):
            todo += gc.get_referents(x)
        else:
            todo += getattr(x, "__dict__", {}).values()


_REACHED = 2000  # objects that are looked at
