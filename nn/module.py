"""Module: what has parameters, and computes."""

from __future__ import annotations

import copyreg
import math
import operator
from collections import Counter, UserList, deque
from collections.abc import Iterable, Iterator, Mapping, Set
from functools import partial
from os import PathLike, fspath
from reprlib import recursive_repr
from typing import Any

import numpy as np

from autograd_lite import Tensor
from autograd_lite.arrays import HOLDERS, content, given, guard
from autograd_lite.containers import is_container
from autograd_lite.engine.tensor import Array
from autograd_lite.errors import imported
from autograd_lite.graph import walk
from autograd_lite.layers import entered, left
from autograd_lite.lines import hint

__all__ = ["Module", "load", "save"]


class Module:
    """The base of layers and networks.

    A leaf Tensor that is an attribute is a parameter, a Module that is one is a submodule; and so
    are those in lists, tuples, dicts, dataclasses and what is like one of them that are attributes,
    or within such. Both count in the order in which the attributes were set.

    Example:
        >>> import autograd_lite as ag, nn
        >>> class Scale(nn.Module):
        ...     def __init__(self):
        ...         self.factor = ag.Tensor(2.0, requires_grad=True)
        ...     def forward(self, x):
        ...         return self.factor * x
        >>> [name for name, _ in nn.Sequential(Scale(), Scale()).named_parameters()]
        ['modules.0.factor', 'modules.1.factor']
    """

    training = True

    def forward(self, *inputs: Any, **settings: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no forward: define it")

    def __call__(self, *inputs: Any, **settings: Any) -> Any:
        if HOLDERS and not HOLDERS.isdisjoint(map(type, inputs)):
            inputs = tuple(map(content, inputs))
        start = entered()
        result = self.forward(*inputs, **settings)
        left(self, start, result)  # so that figures know what it computed
        return result

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Each parameter once, with the path to it: ``layers.0.weight``, ``weights.out``.

        Raises:
            ValueError: two have one path, such as those of the keys 1 and "1".
        """
        found: dict[str, Tensor] = {}
        seen: set[Tensor] = set()
        for path, value in self.named_tensors():
            if value.is_leaf and value not in seen:
                if path in found:
                    said = f"{type(self).__name__}: two parameters have the path {path!r}"
                    raise ValueError(f"{said}; give one of them another key or attribute")
                seen.add(value)
                found[path] = value
        yield from found.items()

    def parameters(self) -> list[Tensor]:
        """Each parameter once, in the order in which they were made.

        Warns:
            UserWarning: a Tensor that requires a gradient is no parameter, since it was computed.
        """
        parameters = [parameter for _, parameter in self.named_parameters()]
        trained = {parameter for parameter in parameters if parameter.requires_grad}
        for path, tensor in self.named_tensors():
            cut_off = tensor.requires_grad and not tensor.is_leaf
            if cut_off and trained.isdisjoint(walk(tensor)):
                hint(
                    f"{path} of shape {tensor.shape} requires a gradient and isn't trained: no "
                    f"leaf, but the result of {tensor.op and tensor.op.name}. Make a parameter of "
                    "its value: Tensor(0.1 * a, requires_grad=True), not Tensor(a, True) * 0.1"
                )
        return parameters

    def named_tensors(self) -> Iterator[tuple[str, Tensor]]:
        """The Tensors of all modules, each with the path to it, also those that were computed."""
        for path, module in self.named_modules():
            for key, value in _held(module):
                if isinstance(value, Tensor):
                    yield f"{path}.{key}" if path else key, value

    def tensor_owners(self) -> dict[Tensor, Module]:
        """Of the Tensors of all modules, whose each is; of two that have it, the outer's."""
        modules = reversed([module for _, module in self.named_modules()])
        return {x: m for m in modules for _, x in _held(m) if isinstance(x, Tensor)}

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """This module under the empty path, and each one in it once, the outer first."""
        seen: set[int] = set()
        todo: list[tuple[str, Module]] = [("", self)]
        while todo:
            path, module = todo.pop()
            if id(module) in seen:
                continue
            seen.add(id(module))
            yield path, module
            inner = [(key, x) for key, x in _held(module) if isinstance(x, Module)]
            todo += [(f"{path}.{key}" if path else key, x) for key, x in reversed(inner)]

    def __getitem__(self, name: str) -> Tensor:
        """The parameter of that name, such as ``net["W_01"]``, or of that path.

        Raises:
            KeyError: there is none; it lists those there are.
        """
        paths = dict(self.named_parameters())
        found = paths | {p.name: p for p in paths.values() if p.name}
        if name in found:
            return found[name]
        known = ", ".join(parameter.name or path for path, parameter in paths.items())
        raise KeyError(f"{type(self).__name__} has no parameter {name!r}; it has {known}")

    __iter__ = None  # a module is no sequence, though it has __getitem__
    __contains__ = None

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for _, parameter in self.named_parameters():
            parameter.zero_grad()

    def train(self, mode: bool = True) -> Module:
        """Set ``training`` of this module and all in it; returns the module."""
        for _, module in self.named_modules():
            module.training = mode
        return self

    def eval(self) -> Module:
        """``train(False)``."""
        return self.train(False)

    def state_dict(self) -> dict[str, Array]:
        """A copy of each parameter's value by its name, such as ``W_01``, where it has one of its
        own; else by its path.
        """
        return {key: parameter.numpy() for key, parameter in self._keyed().items()}

    def _keyed(self) -> dict[str, Tensor]:
        paths = dict(self.named_parameters())
        names = Counter(parameter.name for parameter in paths.values())
        keyed = {}
        for path, parameter in paths.items():
            name = parameter.name
            own = name and names[name] == 1 and name not in paths and path.split(".")[-1] != name
            keyed[name if name and own else path] = parameter
        return keyed

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Set the parameters to values such as `state_dict` gave, by their names or paths.

        Raises:
            KeyError: a parameter is missing, or unknown; nothing is set then.
            ValueError: a value has another shape, or isn't real numbers; nothing is set then.
        """
        named = self._keyed()
        known = {**dict(self.named_parameters()), **named}
        said: dict[Tensor, str] = {}
        for key in state:
            first = said.setdefault(known[key], key) if key in known else key
            if first != key:
                twice = f"one parameter is given twice, as {first} and as {key}"
                raise KeyError(f"load_state_dict: {twice}")
        missing = sorted(key for key, parameter in named.items() if parameter not in said)
        unknown = sorted(state.keys() - known)
        if missing or unknown:
            raise KeyError(f"load_state_dict: missing {missing}, unknown {unknown}")
        values = {p: given(state[key], "load_state_dict") for p, key in said.items()}
        for p, value in values.items():
            if value.shape != p.shape or value.dtype.kind not in "biuf":
                told = f"{said[p]} has shape {p.shape}, and was given {value.shape}, {value.dtype}"
                raise ValueError(f"load_state_dict: {told}")
        for p, value in values.items():
            p.data = value

    @recursive_repr("…")
    def __repr__(self) -> str:
        held = list(_held(self))
        inner = [repr(x) for _, x in held if isinstance(x, Module)]
        parameters = [f"{key}{x.shape}" for key, x in held if isinstance(x, Tensor)]
        return f"{type(self).__name__}({', '.join(parameters + inner)})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """For Jupyter: what `nn.draw` draws, where it can; and the text."""
        from .diagram import bundle

        return bundle(self)


def _held(module: Module) -> Iterator[tuple[str, Any]]:
    """The Tensors and modules that are attributes, or in containers that are, with their keys."""
    seen: set[int] = set()
    slots = copyreg._slotnames(type(module))  # type: ignore[attr-defined]
    own = {name: getattr(module, name) for name in slots if hasattr(module, name)}
    todo: list[tuple[str, Any]] = [("", own | vars(module))]
    while todo:
        path, value = todo.pop()
        if isinstance(value, (Tensor, Module)):
            yield path, value
        elif id(value) not in seen:
            seen.add(id(value))
            inner = [(f"{path}.{k}" if path else str(k), x) for k, x in _items(value)]
            todo += reversed(inner)


def _items(value: Any) -> Iterable[tuple[Any, Any]]:
    """What a container holds, each with its key or its place."""
    if isinstance(value, Mapping):
        return value.items()
    if isinstance(value, (list, tuple, deque, UserList)):
        return enumerate(value)
    if isinstance(value, Set) and any(isinstance(x, (Tensor, Module)) for x in value):
        raise TypeError("parameters and modules in a set have no order; keep them in a list")
    return vars(value).items() if is_container(value) and hasattr(value, "__dict__") else ()


def as_input(x: Any, name: str) -> Tensor:
    """``x`` as a Tensor that has a name: its own, or else ``name``."""
    x = x if type(x) is Tensor else content(x)
    if not isinstance(x, Tensor):
        return Tensor(x, name=name)
    if x.name is None:
        x.name = name
    return x


def as_data(x: Any, name: str) -> Tensor:
    """As `as_input`, but what was computed and has no name is left without one."""
    return x if isinstance(x, Tensor) and not x.is_leaf else as_input(x, name)


def named(x: Any, name: str) -> Any:
    """``x``, which gets a name, without looking for the line that gives it."""
    x.name = name
    return x


def whole(what: str, value: Any, least: int, meant: str = "") -> int:
    """``value`` as an int, of at least that.

    Raises:
        ValueError: it isn't one; it says ``what``, and what is ``meant``.
    """
    try:
        n = least - 1 if isinstance(value, (bool, np.bool_)) else operator.index(value)
    except TypeError:
        n = least - 1
    if n < least:
        raise ValueError(f"{what} must be {meant or f'an int of at least {least}'}, not {value!r}")
    return n


def within(what: str, value: float, below: float = 1) -> float:
    """``value``, a number from 0 to less than ``below``.

    Raises:
        ValueError: it isn't one.
    """
    number: Any = value
    if not (isinstance(number, (int, float, np.floating, np.integer)) and 0 <= number < below):
        raise ValueError(f"{what} must be a number in [0, {below}), not {value!r}")
    return value


def positive(what: str, value: float) -> float:
    """``value``, a number above 0 that is finite.

    Raises:
        ValueError: it isn't one.
    """
    if not within(what, value, math.inf):
        raise ValueError(f"{what} must be positive, not {value!r}")
    return value


def check_numbers(what: str, k: Any, n: int, remedy: str = "") -> None:
    """Numbers of n things, from 0 on.

    Raises:
        TypeError: they aren't integers; it says ``what``, and the remedy.
        ValueError: there is another among them.
    """
    if k.dtype.kind not in "iu":
        raise TypeError(f"{what} must be integers, not {k.dtype}{remedy}")

    def check(k: Any) -> None:
        if k.size and (k.min() < 0 or k.max() >= n):
            reach = f"and reach from {k.min()} to {k.max()}"
            raise ValueError(f"{what} must lie in 0 … {n - 1}, {reach}")

    guard(check, k)


# ---------------------------------------------------------------------- files
# In the format safetensors, which holds arrays and no code.


def save(net: Module, path: str | PathLike[str]) -> None:
    """Write ``net.state_dict()`` to a file.

    Raises:
        ImportError: the library safetensors isn't there (extra ``safetensors``).

    Example:
        >>> import nn, pathlib, tempfile
        >>> a, b = nn.MLP([2, 3, 1], rng=0), nn.MLP([2, 3, 1], rng=1)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "net.safetensors")
        ...     nn.save(a, path)
        ...     nn.load(b, path)
        >>> bool((a["W_01"].data == b["W_01"].data).all())
        True
    """
    state = {name: np.ascontiguousarray(value) for name, value in net.state_dict().items()}
    _safetensors().save_file(state, fspath(path))


def load(net: Module, path: str | PathLike[str]) -> None:
    """Read a file that `save` wrote, or another library, into the net's parameters.

    Raises:
        ImportError: the library safetensors isn't there (extra ``safetensors``).
        KeyError: a parameter is missing in the file, or unknown; nothing is set then.
        ValueError: one has another shape; nothing is set then.

    Example:
        >>> import nn, pathlib, tempfile
        >>> net = nn.MLP([2, 3, 1], rng=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "net.safetensors")
        ...     nn.save(net, path)
        ...     net["W_01"].data = [[0.0] * 3] * 2
        ...     nn.load(net, path)
        >>> bool(net["W_01"].data.any())
        True
    """
    net.load_state_dict(_safetensors().load_file(fspath(path)))


_safetensors = partial(imported, "safetensors.numpy", "nn.save and nn.load need", "safetensors")
