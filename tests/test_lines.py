"""On which line of the user's code a Tensor was computed."""

import inspect
import threading

import numpy as np

import autograd_lite as ag
from autograd_lite import lines

from .each import each


def here() -> int:
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


def x() -> ag.Tensor:
    return ag.Tensor([1.0, 2.0], requires_grad=True)


@each([
    lambda t: t * 2, lambda t: 2 - t, lambda t: ag.sigmoid(t), lambda t: np.tanh(t),
    lambda t: t.sum(), lambda t: np.mean(t), lambda t: t[0], lambda t: np.std(t),
])  # fmt: skip
def test_each_recorded_tensor_remembers_the_line(compute):
    with ag.source_lines():
        y = compute(x())
    line = ag.line_of(y)
    assert line is not None
    assert line.file == __file__
    assert line.number == compute.__code__.co_firstlineno
    assert line.function == "<lambda>"
    assert "lambda t:" in line.text
    assert str(line) == f"{__file__}:{line.number}, in <lambda>"


def test_nothing_is_remembered_of_what_is_not_computed_here_and_recorded():
    """Outside of the block, of leaves and constants, in `no_grad`, and in other threads."""
    t, found = x(), []
    with ag.source_lines():
        other = threading.Thread(target=lambda: found.append(ag.line_of(x() * 2)))
        other.start()
        other.join()
        found += [ag.line_of(t), ag.line_of(ag.Tensor([1.0]) * 2), ag.line_of(x().named("x"))]
        with ag.no_grad():
            found.append(ag.line_of(t * 2))
    assert [*found, ag.line_of(t * 2)] == [None] * 6


def test_naming_remembers_the_line():
    y = (x() * 2).named("y"); line = here()  # fmt: skip  # noqa: E702
    found = ag.line_of(y)
    assert found is not None
    assert (found.number, found.function) == (line, "test_naming_remembers_the_line")


def test_where_it_was_computed_goes_before_where_it_was_named():
    with ag.source_lines():
        y = x() * 2; line = here()  # fmt: skip  # noqa: E702
    y.named("y")
    found = ag.line_of(y)
    assert found is not None
    assert found.number == line


def test_code_without_a_file():
    scope = {"t": x()}
    with ag.source_lines():
        exec(compile("y = t * 2", "<made>", "exec"), scope)
    line = ag.line_of(scope["y"])
    assert line is not None
    assert (line.file, line.number, line.text) == ("<made>", 1, "")
    assert str(lines.Line("", 0, "")) == "an unknown line"
