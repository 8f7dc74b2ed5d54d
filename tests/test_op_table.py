"""Every op of the table, every input: values, first derivatives, and good manners."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import autograd_lite.ops.special
import nn  # noqa: F401  (its ops are in the table too)
from autograd_lite import Op, Tensor
from autograd_lite.engine.op import apply
from autograd_lite.table import OPS

from .each import each
from .sampling import Sample, directional, samples

SAMPLES = list(samples())
each_sample = each(SAMPLES, by=lambda sample: sample.op.name)


def weighted(sample: Sample, inputs: list[Any], weights: Any) -> Any:
    """A number that depends on every entry of the op's value: the one that is differentiated."""
    total = (sample.op(*inputs, **sample.case.params) * weights).sum()
    return total.real if total.dtype.kind == "c" else total


def drawn(sample: Sample) -> tuple[list[Any], Any, np.random.Generator]:
    rng = np.random.default_rng(7)
    inputs = sample.inputs(rng)
    out = np.asarray(sample.op.forward(*inputs, **sample.case.params))
    return inputs, rng.normal(size=out.shape), rng


def tensors(sample: Sample, inputs: list[Any]) -> list[Any]:
    """The inputs that have a vjp as Tensors that require a gradient."""
    pairs = zip(inputs, sample.op.vjps, strict=False)
    return [Tensor(x, requires_grad=True) if vjp else x for x, vjp in pairs]


def differentiable(inputs: list[Any]) -> list[int]:
    return [i for i, x in enumerate(inputs) if isinstance(x, Tensor)]


def test_the_table_holds_the_ops_that_are_promised():
    promised = """
        add subtract multiply divide negative positive power exp log log1p expm1 sqrt tanh sigmoid
        softplus relu absolute sin cos maximum minimum where sum mean max min matmul linear reshape
        transpose broadcast_to concatenate getitem scatter
    """
    assert set(promised.split()) <= set(OPS)


def test_a_name_enters_the_table_once():
    from autograd_lite.table import op

    with pytest.raises(ValueError, match="'add' is in the table already"):
        op("add", np.add)


@each_sample
def test_value_is_the_forward_s(sample: Sample):
    inputs, _, _ = drawn(sample)
    expected = np.asarray(sample.op.forward(*inputs, **sample.case.params))
    out = sample.op(*tensors(sample, inputs), **sample.case.params)
    assert out.data.dtype == expected.dtype
    np.testing.assert_array_equal(out.data, expected, strict=True)
    assert out.op is sample.op
    assert out.requires_grad


def check_first_derivative(sample: Sample) -> None:
    """Along a random direction, against differences."""
    inputs, weights, rng = drawn(sample)
    xs = tensors(sample, inputs)
    weighted(sample, xs, weights).backward()
    for i in differentiable(xs):
        direction = rng.normal(size=inputs[i].shape)

        def f(x: Any, i: int = i) -> Any:
            return weighted(sample, [*inputs[:i], x, *inputs[i + 1 :]], weights)

        assert xs[i].grad.shape == inputs[i].shape
        numeric = directional(f, inputs[i], direction)
        np.testing.assert_allclose(np.sum(xs[i].grad * direction), numeric, rtol=1e-6, atol=1e-8)


test_first_derivative_along_a_random_direction = each_sample(check_first_derivative)


@each_sample
def test_rules_change_nothing_that_they_are_given(sample: Sample):
    inputs, weights, _ = drawn(sample)
    before = [x.copy() for x in inputs]
    for x in inputs:
        x.flags.writeable = False
    out = np.asarray(sample.op.forward(*inputs, **sample.case.params))
    out.flags.writeable = False
    weights.flags.writeable = False
    for vjp, _ in zip(sample.op.vjps, inputs, strict=False):
        if vjp:
            vjp(weights, out, *inputs, **sample.case.params)
    for x, old in zip(inputs, before, strict=True):
        np.testing.assert_array_equal(x, old)


@each_sample
def test_narrow_floats_stay_what_they_are(sample: Sample):
    if sample.op.name != "astype":  # which is asked for another dtype
        for dtype in (np.float16, np.float32):
            check_narrow(sample, dtype)


def check_narrow(sample: Sample, dtype: Any) -> None:
    inputs, _, _ = drawn(sample)
    narrow = [x.astype(dtype) if x.dtype.kind == "f" else x for x in inputs]
    xs = tensors(sample, narrow)
    try:
        expected = np.asarray(sample.op.forward(*narrow, **sample.case.params)).dtype
    except TypeError:
        assert dtype is np.float16  # for which NumPy has no linear algebra
        with pytest.raises(TypeError, match=f"{sample.op.name}: array type float16"):
            sample.op(*xs, **sample.case.params)
        return
    out = sample.op(*xs, **sample.case.params)
    assert out.dtype == expected
    if sample.op.name not in autograd_lite.ops.special.NAMES:  # SciPy has its own ways
        assert out.dtype in (dtype, np.complex64)
    out.backward(np.ones(out.shape))
    assert {xs[i].grad.dtype for i in differentiable(xs)} == {np.dtype(dtype)}


@each([sample for sample in SAMPLES if isinstance(sample.op.forward, np.ufunc)])
def test_narrow_whole_numbers_beside_a_tensor_are_as_good_as_floats(sample: Sample):
    """Of them NumPy computes logarithms in half precision, and −x and x² overflow."""
    inputs, weights, _ = drawn(sample)
    for i in differentiable(tensors(sample, inputs)):
        for dtype in (bool, np.int8, np.uint8):
            wide, narrow = list(inputs), list(inputs)
            for j, vjp in enumerate(sample.op.vjps):
                if j != i and vjp is not None:
                    whole = np.resize([1, 100, 2, 1], inputs[j].shape).astype(dtype)
                    narrow[j], wide[j] = whole, whole.astype(float)
            found = []
            for xs in (wide, narrow, [Tensor(x) for x in narrow]):
                xs[i] = x = Tensor(inputs[i], requires_grad=True)
                with np.errstate(all="ignore"):
                    found += ag.gradients(weighted(sample, xs, weights), x)
            for g in found[1:]:
                np.testing.assert_allclose(g.data, found[0].data, rtol=1e-9)


def test_a_wrong_rule_is_seen():
    """The comparison above can fail: each rule scaled by 1.01 is found wrong."""
    missed = []
    constant = ("fixed_power", "imag", "sign")  # x ** 0; the other two on real numbers
    for sample in SAMPLES:
        op = sample.op
        if not all(np.prod(shape) for shape in sample.case.shapes) or op.name in constant:
            continue
        wrong = Op(
            op.name,
            op.forward,
            *[
                vjp and (lambda g, *args, vjp=vjp, **params: vjp(g, *args, **params) * 1.01)
                for vjp, _ in zip(op.vjps, sample.case.shapes, strict=False)
            ],
            domain=op.domain,
        )
        try:
            check_first_derivative(Sample(wrong, sample.case))
        except AssertionError:
            continue
        missed.append(str(sample))
    assert missed == []


def test_a_vjp_of_the_wrong_shape_is_refused():
    for wrong in (lambda g, out, x: g[:1], lambda g, out, x: g.sum(), lambda g, out, x: g[:, None]):
        x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
        broken = ag.Op("broken", np.exp, wrong)
        with pytest.raises(ValueError, match="broken: a vjp returned a cotangent of shape"):
            broken(x).sum().backward()


def test_an_op_without_a_vjp_for_an_input_gives_it_no_gradient():
    step = ag.Op("step", np.multiply, lambda g, out, x, s: g * s, None)
    x, s = Tensor(2.0, requires_grad=True), Tensor(3.0, requires_grad=True)
    apply(step, (x, s)).backward()
    assert x.grad == 3.0
    assert s.grad is None


@each_sample
def test_constant_operands_as_arrays_in_a_recorded_backward_pass(sample: Sample):
    """One input requires a gradient, and the others are arrays: recorded as without recording."""
    inputs, weights, _ = drawn(sample)
    for i in differentiable(tensors(sample, inputs)):
        xs = [*inputs[:i], Tensor(inputs[i], requires_grad=True), *inputs[i + 1 :]]
        y = weighted(sample, xs, weights)
        (plain,) = ag.gradients(y, [xs[i]])
        (recorded,) = ag.gradients(y, [xs[i]], create_graph=True)
        np.testing.assert_allclose(recorded.data, plain.data, rtol=1e-12, atol=1e-14)
