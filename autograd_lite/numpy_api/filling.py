"""A block within which code writes into results, as NumPy code does."""

from __future__ import annotations

import itertools
from typing import Any
from weakref import ref

import numpy as np

from .. import errors, masks
from ..arrays import is_foreign
from ..containers import settled
from ..engine.modes import Mode, Run
from ..engine.notes import noted
from ..engine.op import _next_number, apply
from ..engine.tensor import Tensor, _leaf
from ..ops.indexing import getitem_op, parts_of
from .indexing import index_update

_How = tuple[Any, tuple[Any, ...], dict[str, Any]]  # an op, its inputs, and its params
_FIELDS = ("_array", "_arrays", "_inputs", "_notes", "_number", "_op", "_params", "_tracked")


class filling(Mode):  # noqa: N801  (used like a function)
    """A block within which ``t[index] = value`` writes into a result that was computed in it.

    What was computed from ``t`` before keeps the entries that there were, and so do gradients:
    ``t`` becomes what `index_update` gives, and what it was is a Tensor of its own. So do its
    views, such as ``row = t[0]``, and what it is a view of; ``row += 1`` writes into that, too.
    Within it, what `autograd_lite.numpy` makes can be filled.

    Example:
        >>> import autograd_lite as ag, autograd_lite.numpy as np
        >>> x = ag.Tensor([-1.0, 2.0], requires_grad=True, name="x")
        >>> with np.filling():
        ...     h = x.copy()
        ...     h[x <= 0] = 0
        ...     powers = np.ones(3)
        ...     for i in range(1, 3):
        ...         powers[i] = np.sum(h) * powers[i - 1]
        ...     y = np.sum(powers)
        >>> print(ag.derive(y)[0].result)
        (1 + 2 · Σ(relu(x))) · (x > 0)
    """

    def __init__(self) -> None:
        self._first = _next_number()
        self._users: dict[int, list[ref[Tensor]]] = {}  # by the id of what they are computed from
        self._unrecorded: dict[int, tuple[ref[Tensor], _How]] = {}  # by the id of the result

    def forward(self, run: Run, op: Any, inputs: tuple[Any, ...], params: dict[str, Any]) -> Any:
        result = run(op, inputs, params)
        if type(result) is Tensor:
            if result._op is None:
                self._keep(result, (op, inputs, params))
            self._use(result)
        return result

    def _keep(self, t: Tensor, how: _How) -> None:
        key = id(t)
        self._unrecorded[key] = ref(t, lambda _: self._unrecorded.pop(key, None)), how

    def _how(self, t: Tensor) -> _How | None:
        """By what a result was computed in this block, also where it isn't recorded."""
        if t._op is not None:
            return (t._op, t._inputs, t._params) if t._number >= self._first else None
        kept, how = self._unrecorded.get(id(t), (None, None))
        return how if kept is not None and kept() is t else None

    def _use(self, result: Tensor) -> None:
        _, inputs, _ = self._how(result) or (None, (), {})
        for x in inputs:
            if type(x) is Tensor:
                self._users.setdefault(id(x), []).append(ref(result))

    def assign(self, t: Any, index: Any, value: Any) -> Any:
        """Let ``t``, what it is a view of, and other views, be what NumPy would show then: ``t``.

        Raises:
            TypeError: it is a view of what wasn't computed in this block, or of other numbers than
                the entries of that.

        Returns:
            The value, where it wasn't computed in this block itself.
        """
        index, value = settled((index, value))
        path = [t]  # to what it is a view of
        while (base := self._shown(view := path[-1])) is not None:
            moved = (view.size, view.dtype) == (base.size, base.dtype)
            if not moved and self._how(view)[0] is not getitem_op:  # type: ignore[index]
                raise errors.view_assignment(view, base)
            path.append(base)
        whole = path[-1]
        how = self._how(whole)
        if how is None:
            if whole is not t:
                raise errors.view_assignment(t, whole)
            return value
        if whole is t and noted(t, "flat"):  # of what doesn't lie in a row, and was copied
            raise errors.view_assignment(t, how[1][0])
        views: list[tuple[Any, Any]] = [(whole, None)]  # each with what it is a view of
        for base, _ in views:
            views += [(x, base) for x in self._users_of(base) if self._shown(x) is base]
        new = index_update(t, index, value)  # and then of what they were
        hows = {x: self._how(x) for x, _ in views}
        was: dict[Any, Any] = {x: self._left(x) for x, _ in views}
        for view, base in itertools.pairwise(path):
            new = _put_back(new, was[view], was[base], hows[view])
        self._become(whole, new)
        if not is_foreign(new._array):  # lies as NumPy's does, with its views
            whole._array = np.empty_like(was[whole]._array)
            whole._array[...] = new._array
        for view, base in views[1:]:
            op, _, params = hows[view]  # type: ignore[misc]
            self._become(view, apply(op, (base,), params))
        return t

    def _shown(self, x: Any) -> Any:
        """Of what it is a view: the input in whose memory it lies; else None."""
        how = self._how(x)
        if how is None or is_foreign(x._array):
            return None
        _, inputs, params = how
        index = parts_of(params.get("index", ...))
        if not (x.ndim or any(part is ... for part in index)):  # t[0] is a number of its own
            return None
        return next((y for y in inputs if type(y) is Tensor
                     and np.may_share_memory(x._array, y._array)), None)  # fmt: skip

    def _left(self, t: Tensor) -> Tensor:
        """What ``t`` is until now, as a Tensor of its own, from which all was computed."""
        old = _leaf(t._array)
        _copy(t, old)
        for user in self._users_of(t):
            op, inputs, params = self._how(user)  # type: ignore[misc]
            inputs = tuple(old if x is t else x for x in inputs)
            if user._op is None:
                self._keep(user, (op, inputs, params))
            else:
                user._inputs = inputs
        self._users[id(old)] = self._users.pop(id(t), [])
        self._use(old)
        masks.replace(t, old)
        return old

    def _become(self, t: Tensor, new: Tensor) -> None:
        how = self._how(new)
        for x in how[1] if how else ():  # of which t is a user now
            if type(x) is Tensor:
                self._users[id(x)] = [made for made in self._users[id(x)] if made() is not new]
        _copy(new, t)
        t._number = _next_number()
        if t._op is None and how is not None:
            self._keep(t, how)
        self._use(t)

    def _users_of(self, x: Tensor) -> list[Tensor]:
        return [user for made in self._users.get(id(x), ()) if (user := made()) is not None]


def _copy(t: Tensor, to: Tensor) -> None:
    for field in _FIELDS:
        setattr(to, field, getattr(t, field, None))


def _put_back(new: Tensor, view: Any, base: Any, how: Any) -> Any:
    """``base`` with ``new`` in place of a view of it."""
    op, _, params = how
    if op is getitem_op:
        return index_update(base, params["index"], new)
    rule = next(iter(op.vjps))  # which puts all entries back
    return rule(new, view, base, **params)
