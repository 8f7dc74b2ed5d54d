"""values=True and grads=True: small arrays in full, of large ones shape, range and norm."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import autograd_lite as ag
from autograd_lite.show import labels

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


def test_a_large_array_is_told_by_shape_range_and_norm():
    assert lines(np.arange(10_000.0).reshape(100, 100)) == [
        "100×100", "0 … 9999", "‖·‖ = 5.773e+05"
    ]  # fmt: skip
    assert lines(np.full(20, -2.5)) == ["20", "all −2.5", "‖·‖ = 11.18"]
    assert lines(np.zeros((4, 5))) == ["4×5", "all 0", "‖·‖ = 0"]


def test_the_largest_array_in_full_has_twelve_numbers():
    assert lines(np.arange(12)) == ["12", "[0 1 2 3 4 5 6 7 8 9 10 11]"]
    assert lines(np.arange(13)) == ["13", "0 … 12", "‖·‖ = 25.5"]


def test_the_shape_is_said_once_also_without_shapes():
    x = ag.Tensor(np.arange(20.0), requires_grad=True, name="x")
    np.sum(x * x).backward()
    for shapes in (True, False):
        source = ag.draw(x, values=True, grads=True, shapes=shapes).source
        assert plain(read_dot(source).nodes["x"]["label"]) == (
            "x|20|0 … 19|‖·‖ = 49.7|∇ 20|0 … 38|‖·‖ = 99.4"
        )


def test_what_is_not_finite_is_counted():
    x = np.arange(20.0)
    x[[3, 4]], x[5] = np.nan, -np.inf
    assert lines(x) == ["20", "0 … 19", "2 nan", "1 inf"]
    assert lines(np.full(20, np.nan)) == ["20", "20 nan"]


def test_of_complex_numbers_the_moduli():
    assert labels.abridged(np.full(16, 3 + 4j)) == "16\n|·| all 5\n‖·‖ = 20"


def test_booleans_integers_and_empty_arrays():
    assert lines(np.arange(20) % 2 == 0) == ["20", "0 … 1", "‖·‖ = 3.162"]
    assert lines(np.full(20, np.iinfo(np.int64).min))[1] == "all −9.223e+18"
    assert lines(np.zeros((0, 3))) == ["0×3", "[]"]


@pytest.mark.parametrize("size", [1e200, 1e-200])
def test_the_norm_neither_overflows_nor_vanishes(size):
    assert lines(np.full(25, size))[-1] == f"‖·‖ = {5 * size:.4g}".replace("-", "−")


@given(hnp.arrays(np.float64, st.integers(13, 40), elements=st.floats(-1e100, 1e100)))
def test_range_and_norm_are_numpys(array):
    said = labels.abridged(array).split("\n")
    number = labels.number
    assert said[0] == str(array.size)
    low, high = array.min(), array.max()
    assert said[1] == (f"all {number(low)}" if low == high else f"{number(low)} … {number(high)}")
    norm = float(said[2].removeprefix("‖·‖ = ").replace("−", "-"))
    assert np.isclose(norm, np.linalg.norm(array), rtol=1e-3, atol=1e-150)
