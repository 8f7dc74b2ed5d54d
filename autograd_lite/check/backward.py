"""The engine's backward pass, with layers: roundings, other choices, arrays that were given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from itertools import product
from typing import Any

import numpy as np

from ..engine.backward import Layer
from ..engine.notes import noted
from ..engine.tensor import Array, Tensor
from ..gradients import pulled
from ..graph import walk
from ..masks import comparison
from ..meaning.guards import guards
from .given import size

_SHIFT = 1e-10  # of each number, relatively; more in narrow dtypes
_ROUNDINGS = 50  # that one number may have gone through
_KINKED = {"relu", "leaky_relu", "absolute", "maximum", "minimum"}
_EXTREME = {"max", "min"}

Wrap = Callable[[Tensor, int, Any], Any]
"""``(tensor, i, vjp)`` → what to call in the place of the rule of operand i."""


class Backward:
    """A recorded loss, and its gradients by the tensors that are asked for.

    Args:
        loss: recorded; it is recorded anew, as gradients are asked for that it may not track.
        names: of the tensors.
        eps: the coarsest spacing of the numbers, in the graph and in what is given.
        guard: what is added within a logarithm, up to this, is left out.
    """

    def __init__(
        self, loss: Tensor, tensors: Mapping[str, Tensor], eps: float, guard: float = 0.0
    ) -> None:
        self.loss, self.tensors = _recorded_anew(loss, tensors, guard)
        self.nodes = walk(self.loss)
        spacings = (np.finfo(t.dtype).eps for t in self.nodes if t.dtype.kind in "fc")
        self.eps = max([eps, *map(float, spacings)])
        self.uses: dict[Tensor, list[Tensor]] = {}
        for t in self.nodes:
            for x in t.inputs:
                self.uses.setdefault(x, []).append(t)
        self.right = self.gradients()

    def gradients(self, layers: Sequence[Layer] = ()) -> dict[str, Array]:
        """By name; zeros where nothing leads."""
        seeds = {self.loss: np.ones(self.loss.shape, self.loss.dtype)} if self.loss._tracked else {}
        found = pulled(seeds, set(self.tensors.values()), False, layers)
        return {
            name: _wide(found[t]) if t in found else np.zeros(t.shape)
            for name, t in self.tensors.items()
        }

    def order(self, name: str) -> tuple[float, int]:
        """Sorts names in the order in which the backward pass has finished with them."""
        tensor = self.tensors[name]
        if tensor._op is not None:
            return -tensor._number, -1
        uses = self.uses.get(tensor)
        if not uses:
            return 1.0, 0
        first = uses[0]
        return -first._number, next(i for i, x in enumerate(first.inputs) if x is tensor)

    def before(self, name: str, given: set[str]) -> set[str]:
        """The names among these that a gradient is computed from, and no others between."""
        names = {t: n for n, t in self.tensors.items() if n in given and n != name}
        found, seen, todo = set(), set(), [self.tensors[name]]
        while todo:
            for t in self.uses.get(todo.pop(), ()):
                if t in names:
                    found.add(names[t])
                elif t not in seen:
                    seen.add(t)
                    todo.append(t)
        return found

    def noise(self) -> dict[str, float]:
        """How far off each gradient may be by rounding.

        Where every number of the backward pass is off a little: so a sum that is 0, or nearly, by
        nature is known up to the size of what is summed.
        """
        rng = np.random.default_rng(0)
        shift = max(_SHIFT, 1e3 * self.eps) if self.eps > 1e-15 else _SHIFT
        noise = dict.fromkeys(self.tensors, 0.0)

        def off(x: Any) -> Any:
            if not isinstance(x, np.ndarray | np.floating) or x.dtype.kind not in "fc":
                return x
            return _wide(x) * (1 + shift * rng.uniform(-1, 1, x.shape))

        def moved(tensor: Tensor, i: int, vjp: Any) -> Any:
            def rule(g: Any, out: Any, *xs: Any, **params: Any) -> Any:
                if tensor._op is not None and tensor._op.reads:  # its rule asks which entry it was
                    return vjp(off(g), out, *xs, **params)
                try:
                    return vjp(off(g), off(out), *map(off, xs), **params)
                except Exception:  # a rule that refuses numbers that no forward pass gave
                    return vjp(g, out, *xs, **params)

            return rule

        for _ in range(3):
            for name, g in self.gradients([wrapped(moved)]).items():
                change = size(g - self.right[name]) * _ROUNDINGS * self.eps / shift
                noise[name] = max(noise[name], change)
        return noise

    def choices(self) -> Iterator[dict[str, Array]]:
        """The gradients by other choices of the derivative where it isn't unique."""
        names = {t.op.name for t in self.nodes if t.op is not None}
        kinked, extreme = ((0, 1, -1) if names & some else (0,) for some in (_KINKED, _EXTREME))
        for sides in product(kinked, extreme):
            if any(sides):
                yield self.gradients([wrapped(partial(_beside, *sides))])

    def carried(self, given: Mapping[str, Array]) -> dict[str, Array]:
        """The gradients computed from those that were given, instead of from the right ones."""
        try:
            return self.gradients([put_in({self.tensors[name]: g for name, g in given.items()})])
        except Exception:  # a rule that refuses such a cotangent
            return {}

    @cached_property
    def elsewhere(self) -> list[tuple[Tensor, Array]]:
        """The gradients of all results that none were given of."""
        given = set(self.tensors.values())
        nodes = {t for t in self.nodes if t._op is not None and t._tracked} - given - {self.loss}
        seeds = {self.loss: np.ones(self.loss.shape, self.loss.dtype)}
        return [(t, _wide(g)) for t, g in pulled(seeds, nodes).items()]


def put_in(known: Mapping[Tensor, Array]) -> Layer:
    """The layer by which a pass goes on with these cotangents."""

    def from_known(tensor: Tensor, i: int, vjp: Any) -> Any:
        g = known.get(tensor)
        return vjp if g is None else lambda _, *xs, **params: vjp(g, *xs, **params)

    return wrapped(from_known)


def wrapped(wrap: Wrap) -> Layer:
    """The layer that wraps each rule."""

    def layer(tensor: Tensor, g: Any, vjps: Any) -> Any:
        if tensor._op is None:
            return vjps
        some = enumerate(zip(vjps, tensor._inputs))  # noqa: B905  (the vjps may be endless)
        return [vjp and wrap(tensor, i, vjp) for i, (vjp, _) in some]

    return layer


def _beside(kink: int, tie: int, tensor: Tensor, i: int, vjp: Any) -> Any:
    """The rule a little beside a kink, where no two entries are equal, either: on which side."""
    op: Any = tensor.op
    side = kink if op.name in _KINKED else tie if op.name in _EXTREME else 0

    def rule(g: Any, out: Any, x: Any, *others: Any, **params: Any) -> Any:
        dtype = np.result_type(np.asarray(x), np.float16)  # the 0 of a hinge is an integer
        wide = np.asarray(x, dtype)
        steps = side * np.arange(1, wide.size + 1).reshape(wide.shape)
        moved = np.where(np.isfinite(wide), wide + np.spacing(np.abs(wide)) * steps, wide)
        moved = moved.astype(dtype)
        return vjp(g, op.forward(moved, *others, **params), moved, *others, **params)

    return rule if side and tensor.dtype.kind == "f" else vjp


def _recorded_anew(
    loss: Tensor, tensors: Mapping[str, Tensor], guard: float
) -> tuple[Tensor, dict[str, Tensor]]:
    """The same, of leaves of our own, with the values that they had, and that track what is asked.
    """
    nodes = walk(loss)
    values: dict[Tensor, Any] = {loss: loss._array}
    for t in nodes:
        if t._op is not None:
            values.update(zip(t.inputs, t._arrays, strict=True))
    wanted = set(tensors.values())
    new: dict[Tensor, Tensor] = {}
    instead, _ = guards(nodes, guard)

    def operand(x: Tensor) -> Any:
        made = None if x.requires_grad else comparison(noted(x, "given"))
        if made is None or any(isinstance(y, Tensor) and y not in new for y in made.operands):
            return new[x]
        operands = (new[y] if isinstance(y, Tensor) else y for y in made.operands)
        return getattr(np, made.name)(*operands)

    for t in nodes:
        if t in instead:
            new[t] = new.get(instead[t], instead[t])
        elif t._op is None:
            tracked = t._tracked > 0 or (t in wanted and t.dtype.kind in "fc")
            new[t] = Tensor(values[t], requires_grad=tracked, name=t.name)
        else:
            op: Any = t._op
            new[t] = op(*map(operand, t.inputs), **t._params)
            new[t].name = t.name
    return new[loss], {name: new[t] for name, t in tensors.items()}


def _wide(array: Any) -> Array:
    wide = np.complex128 if np.asarray(array).dtype.kind == "c" else np.float64
    return np.asarray(array, wide)
