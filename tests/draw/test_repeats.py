"""Repeats: what is found is a repeat, and a planted one is found."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_lite as ag
from autograd_lite.draw.repeats import Repeat, find_repeats, first_leaves
from autograd_lite.show.steps import steps

OPS = (ag.sin, ag.cos, ag.tanh, ag.negative)


def chain(which: list[int]) -> list[ag.Tensor]:
    y = ag.Tensor(0.5, requires_grad=True, name="x")
    for k in which:
        y = OPS[k](y)
    return [step.result for step in steps(y, every=True)[1]]


codes = st.lists(st.integers(0, len(OPS) - 1), min_size=1, max_size=40)


@given(codes)
@settings(max_examples=300)
def test_what_is_found_repeats_and_nothing_is_in_two_of_them(which):
    seen: set[int] = set()
    for repeat in find_repeats(chain(which), set()):
        place = set(range(repeat.start, repeat.stop))
        assert place.isdisjoint(seen)
        assert place <= set(range(len(which)))
        seen |= place
        block = which[repeat.start : repeat.start + repeat.period]
        assert which[repeat.start : repeat.stop] == block * repeat.times
        assert repeat.times > 1


@given(st.lists(st.integers(0, 2), min_size=1, max_size=6), st.integers(4, 9))
def test_a_planted_repeat_is_found(block, times):
    """Between ops that are in no block; a block that repeats within itself is found the shorter."""
    found = find_repeats(chain([3, *block * times, 3]), set())
    inner = next(
        p for p in range(1, len(block) + 1)
        if len(block) % p == 0 and block == block[:p] * (len(block) // p)
    )  # fmt: skip
    assert found == [Repeat(1, inner, times * len(block) // inner)]


def test_fixed_results_are_in_no_repeat():
    results = chain([0] * 20)
    found = find_repeats(results, {results[10]})
    assert sorted(found) == [Repeat(0, 1, 10), Repeat(11, 1, 9)]


def test_two_alike_are_no_repeat_but_two_blocks_of_two_are():
    assert not find_repeats(chain([0, 0]), set())
    assert find_repeats(chain([0, 1, 0, 1]), set()) == [Repeat(0, 2, 2)]


def test_wiring_counts():
    """The same ops, reading now the last result, now the one before."""
    x = y = ag.Tensor(0.5, requires_grad=True, name="x")
    for k in range(12):
        x, y = y, ag.sin((x, y)[k % 3 == 0]) + y
    results = [step.result for step in steps(y, every=True)[1]]
    assert all(r.period % 6 == 0 for r in find_repeats(results, set()))


def test_the_first_block_may_start_from_leaves():
    y = ag.Tensor(np.ones(2), name="x")
    for _ in range(5):
        w = ag.Tensor(np.ones(2), requires_grad=True)
        y = ag.sin(y * w)
    results = [step.result for step in steps(y, every=True)[1]]
    (repeat,) = find_repeats(results, set())
    assert repeat == Repeat(0, 2, 5)
    assert {t.name for t in first_leaves(results, repeat)} == {"x"}


def repeats(y):
    return find_repeats([step.result for step in steps(y, every=True)[1]], set())


def leaf(name=None):
    return ag.Tensor(np.ones(2), requires_grad=True, name=name)


def test_which_leaf_is_read_counts():
    """Each block adds a leaf: another one than it multiplied by, but where it is said."""

    def blocks(y, n, same):
        for i in range(n):
            w = leaf()
            y = ag.sin(y * w + (w if i in same else leaf()))
        return repeats(y)

    assert blocks(leaf("x"), 4, {0}) == [Repeat(3, 3, 3)]
    assert blocks(leaf("x"), 4, {0, 1, 2, 3}) == [Repeat(0, 3, 4)]
    found = blocks(ag.cos(leaf("x")), 7, {3})
    assert [(repeat.period, repeat.times) for repeat in found] == [(3, 3), (3, 3)]
    assert not any(repeat.start <= 11 < repeat.stop for repeat in found)  # where it is added


def test_which_entries_are_read_may_differ():
    """A step's label, or its time; what a setting else says counts."""
    x, w = ag.Tensor(np.ones((5, 3)), requires_grad=True, name="x"), leaf("w")
    ways = {
        "label": lambda y, k: y + ag.log(ag.sum(w) * w)[k % 2],
        "entry": lambda y, k: y + ag.log(ag.sum(w) * x[k, k % 3]),
        "last": lambda y, k: y + ag.log(ag.sum(w) * x[-1 - k, np.int64(k % 3)]),
        "row": lambda y, k: y + ag.sum(ag.sin(y * x[k])),
        "rows": lambda y, k: y + ag.sum(ag.sin(y * x[k : k + 1])),
        "column": lambda y, k: y + ag.sum(ag.sin(y * x[:, k % 3])),
        "listed": lambda y, k: y + ag.sum(ag.sin(y * x[[k, 0]])),
        "taken": lambda y, k: y + ag.sum(ag.sin(y * np.take(x, k % 3, axis=1))),
        "axis": lambda y, k: y + ag.sum(ag.sin(y * ag.sum(x, axis=k % 2))),
        "slices": lambda y, k: y + ag.sum(ag.sin(y * (x[1:] if k % 2 else x[:-1]))),
    }
    for name, way in ways.items():
        y = ag.exp(ag.Tensor(0.5, requires_grad=True, name="y"))
        for k in range(5):
            y = way(y, k)
        times = [repeat.times for repeat in repeats(y)]
        assert times == ([2] if name in ("axis", "slices") else [5]), name


def test_a_total_may_start_from_zero():
    for zero in (0.0, ag.Tensor(0.0), ag.Tensor(0.0, name="zero")):
        total = zero
        for _ in range(5):
            total = total - ag.sum(ag.sin(leaf()))
        assert repeats(total) == [Repeat(0, 3, 5)]


def test_blocks_that_share_leaves_repeat():
    """As in a recurrent network, which reads an input a block and its state twice."""
    y, w, v = leaf("h_0"), leaf("W"), leaf("V")
    for _ in range(5):
        y = ag.sin(y * w + leaf() * v) * y
    assert repeats(y) == [Repeat(0, 5, 5)]


def test_a_first_block_that_reads_as_one_what_the_others_read_as_two_is_apart():
    x = y = leaf("x")
    for _ in range(5):
        y = ag.sin(y * leaf() + x)  # first x * w + x
    assert repeats(y) == [Repeat(3, 3, 4)]
