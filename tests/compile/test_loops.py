"""What a loop of Python's repeats, written once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_lite as ag
import nn
from autograd_lite.compile import loops
from autograd_lite.compile.loops import INSIDE, Folder, Line, marked, repeats
from autograd_lite.containers import leaves
from autograd_lite.numpy_code import Names
from tests.each import each, examples

RNG = np.random.default_rng(0)


def test_repeats_of_any_length_are_found():
    body = [*range(30), 3, 4]
    assert repeats([-1, *body * 5, *body[:7], -2, *[-3] * 20]) == [(1, 32, 5), (169, 1, 20)]
    assert repeats([*body] * 2) == repeats(range(100)) == repeats([]) == []


@st.composite
def unrolled(draw: Any) -> tuple[list[Line], list[Line]]:
    """Lines of a loop with others around it: of buffers, and of what is made at each call."""
    turns, lines, length = draw(st.integers(4, 7)), [], draw(st.integers(6, 9))
    places = st.tuples(st.integers(-2, 2), st.integers(0, 12), st.integers(0, 5))
    body = draw(st.lists(st.tuples(places, places, places, st.booleans()),
                         min_size=length, max_size=length))  # fmt: skip
    made: list[str] = []
    for turn in range(turns):
        for k, (*operands, is_new) in enumerate(body):
            texts = [marked(f"b_{(step * turn + start) % 13}") for step, start, _ in operands]
            back = operands[0][2]
            texts[0] = marked(made[-back]) if 0 < back <= len(made) else texts[0]
            number = marked(operands[1][0] * turn + operands[1][1])
            given = f"{texts[0]} * ({number}), {texts[1]}"
            if is_new:
                made.append(f"t_{len(made)}")
                lines.append(((), f"{marked(made[-1])} = np.add({given})"))
            else:
                lines.append(((("over", "ignore"),)[: k % 2], f"np.subtract({given}, {texts[2]})"))
    ends = draw(st.lists(st.sampled_from(made), max_size=3)) if made else []
    lines.append(((), f"return [{', '.join(map(marked, ends))}]"))
    setup = [((), f"{marked(f'b_{i}')} = np.full(2, {marked(i)}.0)") for i in range(1, 13)]
    return setup, lines


def run(setup: list[Line], lines: list[Line]) -> Any:
    def block(text: list[Line]) -> list[str]:
        return ["    " * (errors[:1] == (INSIDE,)) + line for errors, line in text]

    body = ["def f():", *("    " + line for line in block(lines))]
    held: dict[str, Any] = {"np": np, "b_0": np.ones(2)}
    exec("\n".join([*block(setup), *body]).replace(loops.MARK, ""), held)
    return [np.array(x) for x in (held["f"](), held["f"]())]  # buffers hold what was


@settings(deadline=None, max_examples=examples(150))
@given(unrolled())
def test_folded_lines_give_what_they_gave(program: tuple[list[Line], list[Line]]):
    setup, lines = program
    with np.errstate(all="ignore"):
        taken = (x for _, text in setup + lines for x in text.split(loops.MARK)[1::2])
        folder = Folder(setup, lines, {"b_0"}, Names("i", "b_0", *taken).new)
        ours, theirs = run(folder.setup, folder.lines), run(setup, lines)
    np.testing.assert_array_equal(ours, theirs)


def rnn(w: Any, u: Any, xs: Any) -> Any:
    h = np.zeros(4)
    total = 0.0
    for x in xs:
        h = np.tanh(x @ u + h @ w)
        total = total + np.sum(h**2) / len(xs)
    return total


def kalman(q: Any, zs: Any) -> Any:
    f, x, p, total = np.array([[1.0, 1.0], [0.0, 1.0]]), np.zeros(2), np.eye(2), 0.0
    for z in zs:
        x, p = f @ x, f @ p @ f.T + np.exp(q) * np.eye(2)
        k = p[:, 0] / (p[0, 0] + 1.0)
        e = z - x[0]
        total = total + np.log(p[0, 0] + 1.0) + e * e / (p[0, 0] + 1.0)
        x, p = x + k * e, p - np.outer(k, p[0]) @ np.linalg.inv(np.eye(2))
    return total


def trained(w: Any, x: Any) -> Any:
    for _ in range(20):
        w = w - 0.1 * ag.grad(lambda w: np.mean(np.tanh(x @ w) ** 2))(w)
    return w


W, U = RNG.normal(size=(4, 4)) / 2, RNG.normal(size=(3, 4))
PROGRAMS = {
    "rnn": (ag.value_and_grad(rnn, (0, 1)), lambda n: (W, U, RNG.normal(size=(n, 3)))),
    "kalman": (ag.value_and_grad(kalman), lambda n: (0.3, RNG.normal(size=n))),
    "list": (ag.value_and_grad(lambda xs: rnn(W, U, xs)),
             lambda n: ([RNG.normal(size=3) for _ in range(n)],)),
    "descent": (trained, lambda n: (RNG.normal(size=4), RNG.normal(size=(n, 4)))),
}  # fmt: skip


@each(PROGRAMS)
def test_loops_give_what_their_lines_give(f: Any, arguments: Any):
    given = arguments(9)
    compiled, expected = ag.compile(f), f(*given)
    ours = [leaves(compiled(*given)) for _ in range(2)][-1]
    assert "for i in range(" in compiled.source
    held: dict[str, Any] = {}
    exec(compiled.source, held)
    theirs = held[compiled.source.split()[-3]](*leaves(given))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loops, "repeats", lambda kinds: [])
        plain = ag.compile(f)
        straight = leaves(plain(*given))
    assert "for i in range(" not in plain.source
    for x, y, z, e in zip(ours, straight, leaves(theirs), leaves(expected), strict=True):
        np.testing.assert_array_equal(x, y)
        np.testing.assert_array_equal(x, z)
        np.testing.assert_allclose(x, e, rtol=1e-10)


def test_the_source_of_a_loop_doesn_t_grow():
    f, arguments = PROGRAMS["rnn"]
    lengths = []
    for n in (16, 64):
        compiled = ag.compile(f)
        compiled(*arguments(n))
        lengths.append(len(compiled.source.splitlines()))
    assert lengths[1] <= lengths[0] < 160


def test_a_deep_net_s_step_is_a_loop():
    net, x = nn.MLP([4] * 12 + [1], activation="tanh", rng=0), RNG.normal(size=(5, 4))
    other = nn.MLP([4] * 12 + [1], activation="tanh", rng=0)
    step = nn.TrainStep(net, nn.MSELoss(), nn.Adam(net.parameters()))
    adam = nn.Adam(other.parameters())
    for _ in range(3):
        step(x, x[:, :1])
        loss = nn.MSELoss()(other(x), x[:, :1])
        adam.zero_grad()
        loss.backward()
        adam.step()
    assert "for i in range(" in step.source
    for p, q in zip(net.parameters(), other.parameters(), strict=True):
        np.testing.assert_allclose(p.data, q.data, rtol=1e-9, atol=1e-12)


def test_a_recurrence_s_code_is_as_long_however_many_rounds_it_has():
    def f(w: Any, xs: Any) -> Any:
        h = np.zeros(2)
        for x in xs:
            h = np.tanh(x + h @ w)
        return np.sum(h)

    lengths = set()
    for n in (32, 64):
        step = ag.compile(ag.value_and_grad(f))
        step(np.eye(2), np.ones((n, 2)))
        lengths.add(len(step.source.splitlines()))
    assert len(lengths) == 1
