"""values=True and grads=True: small arrays in full, of large ones shape, range and norm."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import autograd_lite as ag
from autograd_lite.show import labels

from ..each import each
from .reading import plain, read_dot


def lines(array: object) -> list[str]:
    label = read_dot(ag.draw(ag.Tensor(array, name="x"), values=True).source).nodes["x"]["label"]
    return plain(label).split("|")[1:]


def test_values_gradients_and_shapes_are_lines_of_the_label():
    x = ag.Tensor([[1.0, -0.25], [3.0, 4.0]], requires_grad=True, name="x")
    y = ag.sum(x * x).named("y")
    y.backward()
    nodes = read_dot(ag.draw(y, values=True, grads=True).source).nodes
    assert plain(nodes["x"]["label"]) == "x|2×2|[1 −0.25]|[3 4]|∇ [2 −0.5]|[6 8]"
    assert plain(nodes["y"]["label"]) == "y|26.06|∇ 1"
    assert plain(read_dot(ag.draw(y, shapes=False).source).nodes["x"]["label"]) == "x"
    one = ag.Tensor([[0.5]], name="b")
    assert read_dot(ag.draw(one, values=True).source).labels("tensor") == ["b|1×1|0.5"]


N = np.arange(20.0)


@each([
    (np.arange(10_000.0).reshape(100, 100), ["100×100", "0 … 9999", "‖·‖ = 5.773e+05"]),
    (np.full(20, -2.5), ["20", "all −2.5", "‖·‖ = 11.18"]),
    (np.zeros((4, 5)), ["4×5", "all 0", "‖·‖ = 0"]),
    (np.arange(12), ["12", "[0 1 2 3 4 5 6 7 8 9 10 11]"]),  # the largest in full
    (np.arange(13), ["13", "0 … 12", "‖·‖ = 25.5"]),
    (np.where(N == 5, -np.inf, np.where((N == 3) | (N == 4), np.nan, N)),
     ["20", "0 … 19", "2 nan", "1 inf"]),
    (np.full(20, np.nan), ["20", "20 nan"]),
    (N % 2 == 0, ["20", "0 … 1", "‖·‖ = 3.162"]),
    (np.full(20, np.iinfo(np.int64).min), ["20", "all −9.223e+18", "‖·‖ = 4.125e+19"]),
    (np.zeros((0, 3)), ["0×3", "[]"]),
    (np.full(25, 1e200), ["25", "all 1e+200", "‖·‖ = 5e+200"]),  # neither overflows
    (np.full(25, 1e-200), ["25", "all 1e−200", "‖·‖ = 5e−200"]),  # nor vanishes
])  # fmt: skip
def test_arrays_in_full_or_by_shape_range_and_norm(array, said):
    assert lines(array) == said


def test_of_complex_numbers_the_moduli():
    assert labels.abridged(np.full(16, 3 + 4j)) == "16\n|·| all 5\n‖·‖ = 20"


def test_the_shape_is_said_once_also_without_shapes():
    x = ag.Tensor(np.arange(20.0), requires_grad=True, name="x")
    np.sum(x * x).backward()
    for shapes in (True, False):
        source = ag.draw(x, values=True, grads=True, shapes=shapes).source
        assert plain(read_dot(source).nodes["x"]["label"]) == (
            "x|20|0 … 19|‖·‖ = 49.7|∇ 20|0 … 38|‖·‖ = 99.4"
        )


@given(hnp.arrays(np.float64, st.integers(13, 40), elements=st.floats(-1e100, 1e100)))
def test_range_and_norm_are_numpys(array):
    said = labels.abridged(array).split("\n")
    number = labels.number
    assert said[0] == str(array.size)
    low, high = array.min(), array.max()
    assert said[1] == (f"all {number(low)}" if low == high else f"{number(low)} … {number(high)}")
    norm = float(said[2].removeprefix("‖·‖ = ").replace("−", "-"))
    assert np.isclose(norm, np.linalg.norm(array), rtol=1e-3, atol=1e-150)
