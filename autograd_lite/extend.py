"""Ops of one's own, also in the words of HIPS autograd: `primitive`, `defvjp`, `defjvp`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from functools import partial, update_wrapper
from inspect import signature
from typing import Any, NoReturn

import numpy as np

from . import table
from .arrays import array_of
from .containers import settled
from .engine import op as engine
from .engine.op import Each
from .engine.tensor import Tensor, is_tracked
from .errors import rule_not_recorded
from .graph import made_since
from .transforms import transforming, vjp

__all__ = ["Op", "defjvp", "defvjp", "primitive"]


class Op(table.Op):
    __doc__ = table.Op.__doc__
    __slots__ = ()

    def __init__(self, name: str, forward: Callable[..., Any], *vjps: Any, **traits: Any) -> None:
        if not isinstance(name, str) or not callable(forward):
            said = f"Op: a name, a forward and its vjps are needed, not {name!r}, {forward!r}"
            raise TypeError(said)
        for rule in vjps:
            if rule is not None and not isinstance(rule, Each) and not _takes(rule, 2 + len(vjps)):
                raise TypeError(f"Op {name}: a vjp is called as vjp(g, out, *inputs, **params)")
        if not isinstance(forward, np.ufunc):
            forward = update_wrapper(partial(_of_locked, name, forward), forward)
        super().__init__(name, forward, *vjps, **traits)
        if type(self.vjps) is tuple:
            self.vjps = tuple(rule and partial(self._followed, rule) for rule in vjps)
        else:
            rule = self.vjps.rule
            self.vjps = Each(lambda i, *args, **kw: self._followed(partial(rule, i), *args, **kw))

    def _followed(self, rule: engine.Vjp, g: Any, out: Any, *xs: Any, **params: Any) -> Any:
        """What a rule gives; by what it left out of the graph it has no derivative."""
        first, given = engine._next_number(), (g, *xs)
        found = settled(_of_locked(self.name, rule, g, out, *xs, **params))
        used = {*made_since(first, [found])[1]}
        lost = [is_tracked(x) and x not in used for x in given]
        if not any(lost) or (type(out) is Tensor and out in used):
            return found
        arrays = [array_of(x) for x in given]

        def changed(sign: int) -> Any:
            """Whether it gives something else for other numbers of what it lost."""
            moved = [
                x + sign * 1e-3 * (1 + np.abs(x)) if missed else x
                for x, missed in zip(arrays, lost, strict=True)
            ]
            out = np.asarray(self.forward(*moved[1:], **params))
            return np.asarray(rule(moved[0], out, *moved[1:], **params)) != now

        now = found._array if type(found) is Tensor else np.asarray(found)
        try:
            with np.errstate(all="ignore"):
                is_constant = not np.any(changed(1) & changed(-1))  # but for one side of a step
        except Exception:  # whatever a forward, which may be anybody's, says of other numbers
            is_constant = True
        if is_constant:
            return found
        parts = [x for x, missed in zip(given, lost, strict=True) if missed]
        return found + _LEFT(np.zeros_like(now), *parts, name=self.name)


def _takes(rule: Any, n: int) -> bool:
    """Whether it can be called on n arguments, as far as it says."""
    try:
        signature(rule).bind_partial(*range(n))
    except (TypeError, ValueError) as error:
        return isinstance(error, ValueError)  # a function in C, which doesn't say
    return True


def _of_locked(name: str, f: Callable[..., Any], *args: Any, **params: Any) -> Any:
    """``f`` of arrays for reading only, for others compute with them, too; of copies where it
    takes no such ones, as compiled code doesn't.
    """
    given = [*map(_locked, args)]
    try:
        found = f(*given, **params)
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        given = [np.array(x) if type(x) is np.ndarray else x for x in args]
        found = f(*given, **params)
        pairs = zip(args, given, strict=True)
        if any(x.tobytes() != y.tobytes() for x, y in pairs if type(x) is np.ndarray):
            error.add_note(f"{name}: it may write into none of its arguments; let it copy them")
            raise
    if isinstance(found, tuple) and len({*map(np.shape, found)}) > 1:
        raise TypeError(f"it gives {len(found)} arrays, and an op gives one; make an op of each")
    return next((x for x, locked in zip(args, given, strict=True) if found is locked), found)


def _locked(x: Any) -> Any:
    if type(x) is np.ndarray:
        x = x[...]
        x.flags.writeable = False
    return x


def _refuse(*args: Any, name: str) -> NoReturn:
    raise rule_not_recorded(name)


_LEFT = table.Op("a rule", lambda zero, *lost, name: zero, Each(_refuse))


class primitive:  # noqa: N801  (used like a function)
    """A function that isn't looked into: `defvjp` or `defjvp` say how it is differentiated.

    Its Tensors come to it as arrays; it returns one array.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> from autograd_lite.extend import defvjp, primitive
        >>> cube = primitive(lambda x: x**3)
        >>> defvjp(cube, lambda ans, x: lambda g: g * 3 * x**2)
        >>> ag.grad(ag.grad(cube))(2.0)
        array(12.)
    """

    def __init__(self, f: Callable[..., Any]) -> None:
        self.f, self.makers = f, {}  # type: tuple[Any, dict[int, Any]]
        update_wrapper(self, f)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        args = settled(args)
        places = [i for i, x in enumerate(args) if type(x) is Tensor]
        name = self.f.__name__

        def value(*xs: Any) -> Any:
            with transforming.suspended():  # so that what is made to be filled is an array
                return self.f(*among(xs), **kwargs)

        def among(xs: Iterable[Any]) -> list[Any]:
            found = dict(zip(places, xs, strict=True))
            return [found.get(i, x) for i, x in enumerate(args)]

        def rule(k: int, g: Any, out: Any, *xs: Any) -> Any:
            if places[k] not in self.makers:
                raise NotImplementedError(f"{name}: argument {places[k]} has no rule; see defvjp")
            maker = self.makers[places[k]]
            with nullcontext() if Tensor in map(type, (g, out, *xs)) else transforming.suspended():
                return maker(out, *among(xs), **kwargs)(g) if maker else np.zeros_like(xs[k])

        return Op(name, value, Each(rule))(*(args[i] for i in places)) if places else value()


def defvjp(f: primitive, *makers: Any, argnums: Iterable[int] | None = None) -> None:
    """Give a `primitive` its rules: ``maker(ans, *args)`` → a function of the cotangent.

    One for each argument, or of ``argnums``; None where no gradient flows.
    """
    if not isinstance(f, primitive):
        name = getattr(f, "__name__", repr(f))
        said = f"defvjp, defjvp: {name} is no primitive, and keeps its own derivative"
        raise TypeError(f"{said}; give rules to a function of yours: f = primitive({name})")
    f.makers.update(zip(range(len(makers)) if argnums is None else argnums, makers, strict=True))


def defjvp(f: primitive, *rules: Any, argnums: Iterable[int] | None = None) -> None:
    """The same by ``rule(v, ans, *args)``, the derivative along v, of which it is linear.

    So its own vjp gives that of ``f``. Where there is a rule of `defvjp`, too, that is taken.
    """

    def maker(i: int, rule: Any, ans: Any, *args: Any, **kwargs: Any) -> Any:
        along = lambda v: rule(v, ans, *args, **kwargs)  # noqa: E731
        return lambda g: vjp(along, np.zeros_like(args[i]))[1](g)[0]

    chosen = range(len(rules)) if argnums is None else argnums
    made = {i: rule and partial(maker, i, rule) for i, rule in zip(chosen, rules, strict=True)}
    own = getattr(f, "makers", {})
    defvjp(f, *{**made, **own}.values(), argnums={**made, **own})
