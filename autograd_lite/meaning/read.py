"""From a recorded graph to terms, and back to a graph of canonical ops."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .. import ops as _ops
from ..graph import walk
from ..table import OPS
from ..engine.tensor import Tensor
from . import table, terms
from .terms import Term, leaf, make, number

terms.ENTRYWISE |= {name for name, op in OPS.items() if op.entrywise} | {"greater", "less", "greater_equal", "less_equal", "equal"}


class Canonical:
    """A recorded computation in normal form.

    Attributes:
        output: the same number, computed by canonical ops.
        tensors: the tensors that were kept, by name.
    """

    def __init__(self, output: Tensor, keep: set[str] | None = None) -> None:
        table.begin()
        self.terms: dict[Tensor, Term] = {}
        self.built: dict[Term, Tensor] = {}
        self.tensors: dict[str, Tensor] = {}
        self.definitions: dict[str, Term] = {}
        self.back: dict[Tensor, Term] = {}
        self.values: dict[Term, Any] = {}
        self.names: dict[Term, str] = {}  # what is named, and not kept
        nodes = walk(output)
        for t in sorted((t for t in nodes if t.is_leaf), key=lambda t: (t.name is None, t.ndim == 0)):
            self.of_leaf(t)
        for t in nodes:
            if not t.is_leaf:
                e = self.of_result(t)
                if t.name is not None and t is not output and (keep is None or t.name in keep):
                    new = self.build(e)
                    new = OPS["positive"](new) if new.name is not None else new
                    if t._tracked and not new._tracked:  # constant, but its gradient may be asked for
                        new = Tensor(t._array, requires_grad=True)
                    new.name = t.name
                    self.tensors[t.name] = new
                    self.definitions[t.name] = e
                    e = leaf(("kept", t.name), t.shape, t.name, new._array)
                    self.built[e] = new
                    self.terms[new] = e
                elif t.name is not None and e.op != "leaf":
                    self.names.setdefault(e, t.name)
                self.terms[t] = e
        built = self.build(self.terms[output])
        self.output = built if isinstance(built, Tensor) else Tensor(built)

    def of_leaf(self, t: Tensor) -> Term:
        if t in self.terms:
            return self.terms[t]
        if t._tracked:
            e = leaf(("leaf", id(t)), t.shape, t.name or "w", t._array)
            self.built[e] = t
            self.tensors[t.name or "w"] = t
        else:
            e = table.constant(t._array, t.name)
            if e.op == "leaf":
                self.built.setdefault(e, t)
        self.terms[t] = e
        return e

    def of_result(self, t: Tensor) -> Term:
        args = [self.terms[x] if x in self.terms else self.of_leaf(x) for x in t.inputs]
        params = {k: v for k, v in t.params.items() if v is not None or k in ("axis", "axes")}
        if "axis" in params and t.op.name not in table.NORMAL:
            pass
        e = make(t.op.name, args, params, t.shape)
        return terms.shaped(e, t.shape) if e.shape != t.shape else e

    def read(self, g: Tensor, known: dict[Tensor, Term] | None = None, memo: bool = False) -> Term:
        """The term of a tensor of the backward pass; ``known`` stand for themselves."""
        local = self.back if memo else {}
        local.update(known or {})
        for t in walk_from(g, lambda t: t in local or t in self.terms):
            if t not in local and t not in self.terms:
                if t.is_leaf:
                    self.of_leaf(t)
                else:
                    args = [local.get(x) or self.terms.get(x) or self.of_leaf(x) for x in t.inputs]
                    params = {k: v for k, v in t.params.items() if v is not None or k in ("axis", "axes")}
                    e = make(t.op.name, args, params, t.shape)
                    local[t] = terms.shaped(e, t.shape)
        return local.get(g) or self.terms[g]

    def build(self, root: Term) -> Tensor:
        """The canonical graph of a term."""
        stack = [(root, False)]
        while stack:
            e, ready = stack.pop()
            if e in self.built:
                continue
            if not ready:
                stack.append((e, True))
                stack += [(x, False) for x in operands(e)]
                continue
            t = applied(e, [self.built[x] for x in operands(e)])
            self.built[e] = t = t if isinstance(t, Tensor) else Tensor(t)
            self.terms.setdefault(t, e)
        return self.built[root]


def walk_from(g: Tensor, stop: Callable[[Tensor], bool]) -> list[Tensor]:
    seen, order, stack = {g}, [], [g]
    while stack:
        t = stack.pop()
        order.append(t)
        if not stop(t):
            for x in t.inputs:
                if x not in seen:
                    seen.add(x)
                    stack.append(x)
    return sorted(order, key=lambda t: -1 if t.is_leaf else t._number)


def operands(e: Term) -> list[Term]:
    return [] if e.op == "leaf" else [f for f, _ in e.args] if e.op in "+*" else list(e.args)


def applied(e: Term, xs: list[Any]) -> Any:
    """A term's op applied to its operands: Tensors, or arrays."""
    if e.op == "leaf":
        return Tensor(e.value, name=e.name)
    if e.op == "+":
        xs = [x * 1.0 if getattr(x, "dtype", None) == bool else x for x in xs]
        found: Any = 0.0 if not xs else None
        for x, (f, c) in sorted(zip(xs, e.args, strict=True), key=lambda z: z[1][1] < 0):
            part = abs(c) if f is terms.one() else x if abs(c) == 1 else x * abs(c) if abs(1 / c) != round(abs(1 / c)) else x / round(abs(1 / c))
            found = (part if c > 0 else -part) if found is None else found + part if c > 0 else found - part
        return found if isinstance(found, (Tensor, np.ndarray)) else (Tensor(found) if xs == [] else found)
    if e.op == "*":
        above = below = None
        for x, (_, p) in zip(xs, e.args, strict=True):
            q = abs(p)
            x = x if q == 1 else np.sqrt(x) if q == 0.5 else x ** (int(q) if q == int(q) else q)
            if p > 0:
                above = x if above is None else above * x
            else:
                below = x if below is None else below * x
        above = 1.0 if above is None else above
        return Tensor(1.0) if below is None and not e.args else above if below is None else above / below
    if e.op in ("reshape", "broadcast_to"):
        return getattr(_ops, e.op)(xs[0], e.shape) if isinstance(xs[0], Tensor) else getattr(np, e.op)(xs[0], e.shape)
    if e.op in table.CANONICAL:
        return table.CANONICAL[e.op](*xs, **e.params)
    if e.op in OPS:
        return OPS[e.op](*xs, **e.params)
    return getattr(np, e.op)(*xs, **e.params)


def evaluate(root: Term, over: dict[Term, Any] | None = None) -> Any:
    """A term's value from those of its leaves; ``over``: other values for some terms."""
    values: dict[Term, Any] = over if over is not None else {}
    stack = [(root, False)]
    with np.errstate(all="ignore"):
        while stack:
            e, ready = stack.pop()
            if e in values:
                continue
            if e.op == "leaf":
                values[e] = np.asarray(e.value)
            elif not ready:
                stack.append((e, True))
                stack += [(x, False) for x in operands(e)]
            else:
                found = applied(e, [values[x] for x in operands(e)])
                values[e] = found._array if isinstance(found, Tensor) else np.asarray(found)
    return values[root]
