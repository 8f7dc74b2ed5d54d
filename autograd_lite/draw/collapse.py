"""Collapsing: which steps of a figure are folded into one node.

What is folded is always consecutive in the order of computation, so that folding makes no circle of
a graph that has none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal, NamedTuple

from ..engine.tensor import Tensor
from ..graph import walk
from ..layers import Layers
from ..meaning.steps import Told, shown_steps
from ..show.expression import Expression
from ..show.notation import op_notation
from ..show.steps import Step, is_number, steps
from .repeats import find_repeats, first_leaves

Collapse = Literal["module", "blocks"] | int | None


@dataclass
class Piece:
    """What a figure draws as one computation: a step, or several that are folded.

    Attributes:
        steps: in order.
        results: the steps' results that are drawn.
        inputs: the drawn tensors that they are computed from.
        title: what a folded piece is called; None where it has no name but its formulas.
        count: how often the block stands there; 1 where it isn't a repeat.
        shown: the steps whose formulas stand for the piece.
        hidden: the leaves that are folded with it.
    """

    steps: list[Step]
    results: list[Tensor]
    inputs: list[Tensor]
    folded: bool = False
    title: str | None = None
    count: int = 1
    shown: list[Step] = field(default_factory=list)
    hidden: list[Tensor] = field(default_factory=list)

    @property
    def first(self) -> Tensor:
        return self.results[0]


@dataclass
class _Fold:
    """Of a fold: how it is called, which steps are in it, and which leaves it doesn't hide."""

    title: str | None
    count: int = 1
    visible: set[Tensor] = field(default_factory=set)
    instance: dict[Tensor, int] = field(default_factory=dict)  # of each result within a repeat


def check_collapse(collapse: object) -> None:
    """Raise where ``collapse`` is none of what there is.

    Raises:
        TypeError: neither a word, nor a whole number, nor None.
        ValueError: another word; zero.
    """
    if collapse is None or collapse in ("module", "blocks"):
        return
    is_number = isinstance(collapse, int) and not isinstance(collapse, bool)
    if not (is_number and collapse):
        kind = ValueError if is_number or isinstance(collapse, str) else TypeError
        raise kind(
            'draw: collapse is "module", "blocks", None, or a number of steps (n draws the last n, '
            f"−n the first n), and not {collapse!r}"
        )


def draw_pieces(
    output: Tensor, every: bool, aims: Set[Tensor], shown: Set[Tensor],
    collapse: Collapse,
) -> tuple[list[Tensor], list[Piece], dict[Tensor, Expression]]:  # fmt: skip
    """The leaves that a figure shows, its pieces, inputs before results, and what steps mean.

    Args:
        output: the last result.
        every: each op is a step.
        aims: targets, which are never folded, nor are the steps around them.
        shown: further results that are drawn where they aren't folded.
        collapse: what is folded.
    """
    def told(drawn: Set[Tensor]) -> Told:
        return Told(*steps(output, True, drawn), {}) if every else shown_steps(output, drawn)

    if collapse is None or isinstance(collapse, int):
        leaves, found, known = told(shown)
        fold_of = {} if collapse is None else _all_but(found, collapse, aims)
    else:
        layers = Layers([t for t in walk(output) if not t.is_leaf])
        fixed = {t for t in layers.results if t in aims or not aims.isdisjoint(t.inputs)}
        ways = {"module": _by_module, "blocks": _by_block}
        fold_of = ways[collapse](layers, roles_of(layers, fixed), fixed)

        def place(t: Tensor) -> object:
            fold = fold_of.get(t)
            return fold and (id(fold), fold.instance.get(t))

        between = {
            x for t in layers.results for x in t.inputs if not x.is_leaf and place(x) != place(t)
        }  # drawn wherever they are used, to keep folds apart
        leaves, found, known = told({*shown, *between})
        order = {t: i for i, t in enumerate(layers.results)}
        found.sort(key=lambda step: order[step.result])
    for fold in fold_of.values():
        fold.visible |= aims
    return *_join(output, leaves, found, fold_of), known


def _all_but(found: list[Step], n: int, aims: Set[Tensor]) -> dict[Tensor, _Fold]:
    """Fold all but the last ``n`` steps, or of a negative one all but the first ``−n``."""
    rest = found[:-n] if n > 0 else found[-n:]
    data = _data([x for step in rest for x in step.inputs if x.is_leaf], found)
    fold_of: dict[Tensor, _Fold] = {}
    for may_be, run in groupby(rest, lambda s: aims.isdisjoint([s.result, *s.inputs])):
        results = [step.result for step in run]
        if may_be and len(results) > 1:
            fold_of |= dict.fromkeys(results, _Fold(f"{len(results)} steps", visible=data))
    return fold_of


def _data(leaves: list[Tensor], found: list[Step]) -> set[Tensor]:
    """The leaves that a fold of far steps starts from, of many only the first.

    Where layers own parameters, what nobody owns is data, be it a gradient that it is to have.
    """
    owned = Layers([t for step in found for t in step.region]).owned
    if owned:
        data = list(dict.fromkeys(x for x in leaves if x not in owned))
        named = [x for x in data if x.name is not None]
        return set(next((some for some in (data, named) if len(some) <= _MOST_DATA), data[:1]))
    data = list(dict.fromkeys(x for x in leaves if x.name is not None and not x.requires_grad))
    return set(data) if len(data) <= _MOST_DATA else set()


_MOST_DATA = 4


# ---------------------------------------------------------------------- the work of layers


class Role(NamedTuple):
    """What an op does in a network.

    Attributes:
        group: number of the layer, and the activations after it, that it belongs to, if any.
        name: the layer's type at its first op; the sign of an activation, or another function.
        begins: whether it is a layer's first op.
    """

    group: int | None
    name: str
    begins: bool = False


def roles_of(layers: Layers, fixed: Set[Tensor]) -> list[Role]:
    """Of each result what its op does; a layer is one that reads parameters of its own.

    What is then computed of a layer's last result alone, entry by entry, is an activation after it.

    Args:
        layers: of the graph, whose results are numbered.
        fixed: results that belong to no layer.
    """
    roles: list[Role] = []
    for work, run in groupby(layers.results, lambda t: None if t in fixed else layers.work.get(t)):
        if work and work.reads:
            group = len(roles)
            roles += [Role(group, "" if k else work.name, not k) for k, _ in enumerate(run)]
            continue
        for t in run:
            sign = op_notation(t.op).symbol
            before = roles[-1].group if roles and t not in fixed else None
            if before is not None and _activates(t, layers.results[len(roles) - 1]):
                roles.append(Role(before, sign))
            else:  # it is called by a name, as softmax is, or written as a sign among operands
                roles.append(Role(None, sign if sign.isalpha() and sign != "ᵀ" else ""))
    return roles


def title(roles: Sequence[Role]) -> str | None:
    """What ops are called together; None where no layer begins there."""
    if not any(role.begins for role in roles):
        return None
    parts = [role.name for role in roles if role.name]
    if len(parts) > _MOST_PARTS:
        parts[_MOST_PARTS - 1 :] = ["…"]
    return " + ".join(parts)


_MOST_PARTS = 7


def _activates(tensor: Tensor, last: Tensor) -> bool:
    operands = [x for x in tensor.inputs if not is_number(x)]
    return len(operands) == 1 and operands[0] is last and tensor.shape == last.shape


def _by_module(layers: Layers, roles: list[Role], fixed: Set[Tensor]) -> dict[Tensor, _Fold]:
    fold_of: dict[Tensor, _Fold] = {}
    pairs = zip(layers.results, roles, strict=True)
    for group, run in groupby(pairs, lambda pair: pair[1].group):
        if group is not None:
            members, does = zip(*run, strict=True)
            leaves = {x for t in members for x in t.inputs if x.is_leaf}
            fold = _Fold(title(does), visible=leaves - layers.owned)
            fold_of |= dict.fromkeys(members, fold)
    return fold_of


def _by_block(layers: Layers, roles: list[Role], fixed: Set[Tensor]) -> dict[Tensor, _Fold]:
    fold_of: dict[Tensor, _Fold] = {}
    for repeat in find_repeats(layers.results, fixed):
        start, period = repeat.start, repeat.period
        members = layers.results[start : repeat.stop]
        fold = _Fold(title(roles[start : start + period]), repeat.times)
        fold.visible = first_leaves(layers.results, repeat)
        fold.instance = {t: i // period for i, t in enumerate(members)}
        fold_of |= dict.fromkeys(members, fold)
    return fold_of


def _join(
    output: Tensor, leaves: list[Tensor], found: list[Step], fold_of: dict[Tensor, _Fold]
) -> tuple[list[Tensor], list[Piece]]:
    """Steps of one fold as one piece, without the leaves that only they use."""
    runs = [list(run) for _, run in groupby(found, lambda s: id(fold_of.get(s.result, s)))]
    users: dict[Tensor, set[tuple[int, int]]] = {output: {(-1, 0)}}  # by run, and block in it
    for k, run in enumerate(runs):
        for step in run:
            fold = fold_of.get(step.result)
            instance = fold.instance.get(step.result, 0) if fold else 0
            for x in step.inputs:
                users.setdefault(x, set()).add((k, instance))
    pieces = []
    for k, run in enumerate(runs):
        fold = fold_of.get(run[0].result)
        if fold is None:
            pieces.append(Piece(run, [run[0].result], run[0].inputs, shown=run))
        else:
            pieces.append(_folded(fold, run, k, users))
    gone = {x for piece in pieces for x in piece.hidden}
    return [x for x in leaves if x not in gone], pieces


def _folded(
    fold: _Fold, run: list[Step], k: int, users: dict[Tensor, set[tuple[int, int]]]
) -> Piece:
    """The piece of the k-th run of steps."""
    results = [step.result for step in run]
    inputs = list(dict.fromkeys(x for step in run for x in step.inputs if x not in set(results)))
    hidden = [x for x in inputs if x.is_leaf and len(users[x]) == 1 and x not in fold.visible]
    drawn = [t for t in results if any(user != k for user, _ in users[t])]
    shown = [step for step in run if fold.instance.get(step.result, 0) == 0]
    rest = [x for x in inputs if x not in set(hidden)]
    return Piece(run, drawn, rest, True, fold.title, fold.count, shown, hidden)


def longest_histories(pieces: list[Piece]) -> dict[Tensor, Tensor]:
    """Of each drawn result, the input with the longest history: the layers' chain runs there."""
    depth: Counter[Tensor] = Counter()
    main: dict[Tensor, Tensor] = {}
    for piece in pieces:
        for result in piece.results if piece.inputs else ():
            main[result] = max(piece.inputs, key=depth.__getitem__)
            depth[result] = 1 + depth[main[result]]
    return main
