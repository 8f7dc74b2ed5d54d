"""On which line of the user's code a Tensor was computed."""

import gc
import inspect
import threading

import numpy as np

import autograd_lite as ag
from autograd_lite import lines
from autograd_lite.engine.notes import all_noted

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


def test_outside_of_the_block_nothing_is_remembered():
    t = x()
    with ag.source_lines():
        pass
    assert ag.line_of(t * 2) is None
    assert ag.line_of(t) is None


def test_naming_remembers_the_line():
    y = (x() * 2).named("y"); line = here()  # fmt: skip  # noqa: E702
    found = ag.line_of(y)
    assert found is not None
    assert (found.number, found.function) == (line, "test_naming_remembers_the_line")
    assert ag.line_of(x().named("x")) is None  # a leaf wasn't computed


def test_where_it_was_computed_goes_before_where_it_was_named():
    with ag.source_lines():
        y = x() * 2; line = here()  # fmt: skip  # noqa: E702
    y.named("y")
    found = ag.line_of(y)
    assert found is not None
    assert found.number == line


def test_constants_and_what_no_grad_computes_have_none():
    with ag.source_lines():
        assert ag.line_of(ag.Tensor([1.0]) * 2) is None
        with ag.no_grad():
            assert ag.line_of(x() * 2) is None


def test_other_threads_are_not_meant():
    found = []
    with ag.source_lines():
        other = threading.Thread(target=lambda: found.append(ag.line_of(x() * 2)))
        other.start()
        other.join()
    assert found == [None]


def test_lines_go_with_their_tensors():
    gc.collect()
    before = len(all_noted("line"))
    with ag.source_lines():
        y = x() * 2
        assert len(all_noted("line")) == before + 1
    del y
    assert len(all_noted("line")) == before


def test_code_without_a_file():
    scope = {"t": x()}
    with ag.source_lines():
        exec("y = t * 2", scope)
    line = ag.line_of(scope["y"])
    assert line is not None
    assert (line.file, line.number, line.text) == ("<string>", 1, "")
    assert str(lines.Line("", 0, "")) == "an unknown line"
