"""A block within which code writes into results, as NumPy code does."""

from __future__ import annotations

from sys import getrefcount
from typing import Any
from weakref import ref

import numpy as np

from .. import errors, masks
from ..containers import settled
from ..engine.modes import Mode, Run
from ..engine.notes import note, noted
from ..engine.op import _next_number
from ..engine.tensor import Tensor, _leaf
from ..ops.indexing import _is_basic, _parts
from .indexing import index_update

_FIELDS = ("_array", "_arrays", "_inputs", "_notes", "_number", "_op", "_params", "_tracked")


class filling(Mode):  # noqa: N801  (used like a function)
    """A block within which ``t[index] = value`` writes into a result that was computed in it.

    What was computed from ``t`` before keeps the entries that there were, and so do gradients:
    ``t`` becomes what `index_update` gives, and what it was is a Tensor of its own. What NumPy
    would show through a view, such as ``row = t[0]``, is refused. Within it, what
    `autograd_lite.numpy` makes can be filled, too.

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

    def forward(self, run: Run, op: Any, inputs: tuple[Any, ...], params: dict[str, Any]) -> Any:
        result = run(op, inputs, params)
        if type(result) is Tensor and result._op is not None:
            self._use(result)
        return result

    def _use(self, result: Tensor) -> None:
        for x in result._inputs:
            if type(x) is Tensor:
                self._users.setdefault(id(x), []).append(ref(result))

    def assign(self, t: Any, index: Any, value: Any) -> None:
        """Let ``t`` be itself with other entries at an index.

        Raises:
            TypeError: it wasn't computed in this block, or NumPy would show the new entries
                elsewhere, too.
        """
        index, value = settled((index, value))
        if t._op is None or t._number < self._first:
            raise errors.item_assignment(t)
        before = [x for was in noted(t, "before") or () if (x := was()) is not None]
        for x in (t, *before):
            self._refuse_seen(t, x, index)
        old = _leaf(t._array)
        for field in _FIELDS:
            setattr(old, field, getattr(t, field))
        for user in self._users_of(t):
            user._inputs = tuple(old if x is t else x for x in user._inputs)
        self._users[id(old)] = self._users.pop(id(t), [])
        masks.replace(t, old)
        new = index_update(old, index, value)
        for field in _FIELDS:
            setattr(t, field, getattr(new, field))
        self._use(old)
        self._use(t)
        note(old, "now", ref(t))
        note(t, "before", [*map(ref, before), ref(old)])

    def _users_of(self, x: Tensor) -> list[Tensor]:
        return [user for made in self._users.get(id(x), ()) if (user := made()) is not None]

    def _sharing(self, t: Tensor) -> list[Tensor]:
        """The Tensors in whose memory ``t`` lies, or that lie in its own."""
        seen, todo = {t}, [t]
        for x in todo:
            for y in (*self._users_of(x), *(x._inputs if x._op is not None else ())):
                is_new = type(y) is Tensor and y not in seen
                if is_new and np.may_share_memory(x._array, y._array):
                    seen.add(y)
                    todo.append(y)
        return todo[1:]

    def _refuse_seen(self, t: Tensor, was: Tensor, index: Any) -> None:
        """Raise where something else than the graph holds what shows the entries at an index.

        ``was`` is ``t``, or what it was before.
        """
        parts = _parts(index)
        rest = () if any(part is ... for part in parts) else (...,)  # so that it is a view
        part = was._array[*parts, *rest] if _is_basic(index) else was._array
        others = [*self._sharing(was), _leaf(np.empty(0))]  # of which nothing holds the last
        *held, least = (
            getrefcount(x) - sum(y is x for user in self._users_of(x) for y in user._inputs)
            for x in others
        )
        for x, n in zip(others, held, strict=False):
            now = noted(x, "now")  # whose former entries it has
            is_held = n > least if now is None else now() is not None and now() is not t
            if is_held and np.shares_memory(part, x._array):
                raise errors.view_assignment(t)
