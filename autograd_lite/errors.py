"""What is said when something can't be done: the op, the operands, and the remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from .arrays import as_array

if TYPE_CHECKING:
    from .engine.tensor import Tensor


def imported(module: str, what: str, extra: str) -> Any:
    """A module that comes with an extra; ``what`` needs it."""
    library = module.partition(".")[0]
    try:
        import_module(library)
        return import_module(module)
    except ImportError as error:
        said = f'{what} {library}: pip install "autograd_lite[{extra}]"'
        raise ImportError(said) from error


def describe(x: Any, otherwise: str = "a tensor") -> str:
    """An operand by its name and shape: ``W_01 of shape (2, 2)``."""
    name = getattr(x, "name", None) or otherwise
    return f"{name} of shape {np.shape(getattr(x, '_array', x))}"


def explain(
    op: str, inputs: Sequence[Any], arrays: Sequence[Any], params: dict[str, Any], error: Exception
) -> Exception:
    """The error for an op whose forward raised ``error``: the operands, what differs, a remedy."""
    arrays = [getattr(a, "_array", a) for a in arrays]
    labels = [getattr(x, "name", None) or f"operand {i}" for i, x in enumerate(inputs)]
    shapes = [np.shape(a) for a in arrays]
    lines = [f"{op}: {error}"]
    if isinstance(error, ValueError) and op in ("matmul", "linear", "dot"):
        lines = [f"{op}: {_product_mismatch(labels, shapes)}"]
    elif isinstance(error, ValueError) and "broadcast" in str(error) and len(shapes) > 1:
        difference = _broadcast_mismatch(labels, shapes)
        if difference:
            lines = [f"{op}: {difference}"]
    lines += [
        f"  {label}: shape {shape}, dtype {as_array(a).dtype}"
        for label, shape, a in zip(labels, shapes, arrays, strict=True)
    ]
    if params:
        lines.append("  " + ", ".join(f"{key}={value!r}" for key, value in params.items()))
    remedies = list(_remedies(op, labels, shapes)) if isinstance(error, ValueError) else []
    if remedies:
        lines.append(f"Did you mean {' or '.join(remedies)}?")
    kinds = (np.linalg.LinAlgError, ValueError, IndexError, TypeError)
    kind = next(k for k in kinds if isinstance(error, k))
    return kind("\n".join(lines))


def _product_mismatch(labels: Sequence[str], shapes: Sequence[tuple[int, ...]]) -> str | None:
    """Which sizes of ``x @ y``, or of ``x @ y + bias``, don't fit."""
    x, y = shapes[:2]
    if not x or not y:
        return "an operand has no axes; multiply numbers with *"
    inner = y[-2] if len(y) > 1 else y[0]
    if x[-1] != inner:
        last = f"the last axis of {labels[0]} has {x[-1]} entries"
        first = "first" if len(y) < 3 else "second to last"
        return f"{last}, the {first} axis of {labels[1]} has {inner}; they must be the same"
    if len(shapes) == 3:
        product = (*x[:-1], *y[1:])
        return _broadcast_mismatch([f"{labels[0]} @ {labels[1]}", labels[2]], [product, shapes[2]])
    return f"the stacks of matrices {x[:-2]} and {y[:-2]} can't be broadcast together"


def _broadcast_mismatch(labels: Sequence[str], shapes: Sequence[tuple[int, ...]]) -> str | None:
    """The axis, counted from the end, whose sizes can't be broadcast together."""
    for axis in range(1, max(map(len, shapes)) + 1):
        sizes = {
            label: shape[-axis]
            for label, shape in zip(labels, shapes, strict=True)
            if len(shape) >= axis and shape[-axis] != 1
        }
        if len(set(sizes.values())) > 1:
            said = ", ".join(f"{size} in {label}" for label, size in sizes.items())
            return f"the shapes can't be broadcast together: axis {-axis} has {said}"
    return None


def _remedies(op: str, labels: Sequence[str], shapes: Sequence[tuple[int, ...]]) -> Iterator[str]:
    """What would have worked instead, found by trying it on arrays of these shapes."""
    if op not in _SIGNS:
        return
    sign = _SIGNS[op]
    (a, b), (x, y) = labels[:2], (np.broadcast_to(0.0, shape) for shape in shapes[:2])
    candidates = [
        (f"{a} {sign} {b}.T", x, y.T, y.ndim > 1),
        (f"{a}.T {sign} {b}", x.T, y, x.ndim > 1),
        (f"{b} {sign} {a}", y, x, sign == "@"),
        (f"{a}.reshape(-1, 1) {sign} {b}", x.reshape(-1, 1), y, x.ndim == 1),
        (f"{a} {sign} {b}.reshape(-1, 1)", x, y.reshape(-1, 1), y.ndim == 1),
        (f"{a} * {b}", x, y, op == "matmul"),
    ]
    for text, left, right, sensible in candidates:
        if not sensible:
            continue
        try:
            compute = np.matmul if " @ " in text else np.add
            compute(left, right)
        except ValueError:
            continue
        yield text


_SIGNS = {
    "matmul": "@", "linear": "@", "add": "+", "subtract": "-", "multiply": "*", "divide": "/",
}  # fmt: skip


def refuse_constant(where: str, array: np.ndarray[Any, Any], given: Any = None) -> NoReturn:
    """An operand that isn't numeric: an object array, strings, None."""
    if (array.dtype == object and array.ndim == 0) or isinstance(given, Mapping):
        kind = type(array.item() if given is None else given).__name__
        said = f"{where}: a number, an array or a Tensor is needed, not a {kind}"
        raise TypeError(f"{said}; for the value of a Tensor alone: t.item()")
    if array.dtype == object:
        said = f"{where}: an object array of shape {array.shape} would lose gradients silently"
        raise TypeError(f"{said}; build one Tensor by ag.array([...]) or ag.stack([...])")
    raise TypeError(f"{where}: numbers are needed, and {array.dtype} is not a numeric dtype")


def constant_param(op: str, name: str, tensor: Tensor) -> Any:
    """The array of a Tensor given as a setting; refused where it requires a gradient."""
    if tensor.requires_grad:
        said = f"{op}: {describe(tensor)} requires a gradient, and {name}= is a setting, which has"
        raise TypeError(f"{said} none; give its value: {name}=t.detach()")
    return tensor.numpy()


class _Operand:
    """A Tensor in a message: by its name and shape, or an attribute."""

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor

    def __str__(self) -> str:
        return describe(self._tensor)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tensor, name)


def _said(kind: type[Exception] | type[str], text: str) -> Callable[..., Any]:
    """A function of Tensors and others that gives an error, or text, which says so of them."""

    def error(*about: Any) -> Any:
        return kind(text.format(*(_Operand(x) if hasattr(x, "_tracked") else x for x in about)))

    return error


too_few_vjps = _said(
    TypeError, "{}: {} inputs were given, and the op has {} vjps; give one for each, or None")
no_gradient_through = _said(
    TypeError, "{}: its result has dtype {.dtype}, which can't be differentiated; let the forward "
    "return floats, or give None for each vjp")
complex_to_real = _said(
    TypeError, "astype: {} is complex, and {} would drop its imaginary part; take t.real or abs(t)")
complex_output = _said(
    TypeError, "{1}: {0} is complex, and a gradient is real; take t.real or abs(t), or give a seed")
seed_dtype = _said(
    TypeError, "{2}: the seed has dtype {1.dtype}, and must be of the kind of {0}, {0.dtype}")
in_place_under_no_grad = _said(
    TypeError, "{} is a leaf that requires a gradient: under no_grad, w -= … would replace it by a "
    "tensor that requires none; write w.data -= … instead")
not_a_name = _said(TypeError, "a tensor's name must be a string or None, not {!r}")
# A plain number or array was asked for, by the user or by what the tensor was given to.
leaves_the_graph = _said(
    TypeError, "{1}: {0} requires a gradient, which a plain number or array would lose silently. "
    "NumPy's functions keep it, and SciPy's of autograd_lite.scipy: write np.sin(t) for "
    "math.sin(t), np.dot(a, t) or a @ t for a.dot(t). To build one Tensor from several: "
    "ag.array([...]) or ag.stack([...]). To write into an array: ag.index_update(a, i, t), or "
    "ag.where(mask, new, old); or fill one that autograd_lite.numpy makes, within its filling(). "
    "For the value alone: t.item() or t.data")
of_arrays_alone = _said(
    AttributeError, "{0} has no .flags: what asks for them, as scipy.fftpack, takes arrays alone, "
    "and would lose the gradient; np.fft and NumPy's other functions keep it. For the value: t.data"
)
not_one_element = _said(
    ValueError, "{1}: {0} has {0.size} elements, not 1; use .numpy() or .tolist()")
not_an_index = _said(
    TypeError, "an index must be an integer, and {0} has dtype {0.dtype}; give int(t.item())")
no_gradient_for = _said(
    TypeError, "requires_grad: {0} has dtype {0.dtype}, which can't be differentiated; make it a "
    "float: Tensor(data, requires_grad=True, dtype=float)")
not_a_leaf = _said(
    RuntimeError, "{0} is the result of {0.op.name}, not a leaf: {1}. For a new leaf: t.detach()")
pickled_variable = _said(
    RuntimeError, "{} is what is being differentiated by: in bytes its gradient would be lost "
    "silently. Pickle its value: t.detach()")
rebinding = _said(
    ValueError, "data: {} can't be rebound to an array of shape {.shape}; make a new Tensor")
item_assignment = _said(
    TypeError, "{} can't be assigned to by index: a graph may need its old entries. For a new "
    "tensor: t = ag.index_update(t, index, new), or ag.where(mask, new, t); a result within `with "
    "autograd_lite.numpy.filling():` can be. For a leaf's value: t.data[index] = new")
view_assignment = _said(
    TypeError, "{} can't be assigned to by index: it is a view of {}, which isn't written to "
    "through it, or isn't computed in this block; assign to a copy: t = t.copy()")
in_place = _said(
    TypeError, "{} writes into an array, and a graph may need a Tensor's old entries (a plain "
    "array would lose its gradient); make a new Tensor instead: t = {}")
ufunc_where = _said(
    TypeError, "{0}: where= leaves entries undefined; write ag.where(mask, np.{0}(…), other)")
no_derivative = _said(
    TypeError, "{0}: it has no rule here by which a Tensor could be differentiated; write it as "
    "functions that have one (docs/coverage.md), or give it one: ag.Op(…). For the value alone: "
    "{0}(t.numpy())")
rule_not_recorded = _said(
    TypeError, "{}: its rule computes under no_grad, or on plain arrays (t.numpy()), so that there "
    "is no second derivative of it; write the rule as NumPy's functions of what it is given")
not_an_operand = _said(
    TypeError, "{}: of {}: one wants to handle Tensors itself; give its numbers")
ufunc_settings = _said(
    TypeError, "{}: {} can't be differentiated through; leave it out, and use t.astype(dtype) or "
    "np.moveaxis before")
no_gradient_kept = _said(
    str, "grad: {} is a result without a name, which keeps no gradient. Name it before backward: "
    't.named("h"); or ask for its gradient: ag.gradients(loss, [t])')
nothing_requires_grad = _said(
    RuntimeError, "{1}: nothing that {0} was computed from requires a gradient (or it was computed "
    "under no_grad). Make a leaf with Tensor(data, requires_grad=True)")
wrong_seed = _said(
    ValueError, "backward: the seed has shape {1.shape}, and {0} needs one of its own shape")


def left_by_name(function: str) -> str:
    return (
        f"{function}: the function returned what has no gradient, so that its derivative is 0, but "
        "took values by t.item(), t.data, t.tolist() or t.numpy(), through which none flows. Where "
        "it is made of those, use the Tensor as it is: t for t.item(), list(t) for t.tolist()"
    )


def no_view(tensor: Tensor) -> str:
    return (
        f"{describe(tensor)} is a part of another, t[i]: += and the like change the part alone, "
        "where NumPy would change the whole. Within autograd_lite.numpy.filling() both change; "
        "where the part alone is meant, part = part + … says so"
    )


def no_leaf_any_more(tensor: Tensor) -> str:
    name = tensor.name or "w"
    return (
        f"{describe(tensor)} is a leaf that has its gradient, and after w -= …, or w += …, the "
        f"name holds the result, which is no leaf: it gets no gradient, and isn't trained. Write "
        f"{name}.data -= lr * {name}.grad for a step, and {name} = {name} - … where it is no step"
    )


def another_grad(tensor: Tensor, array: np.ndarray[Any, Any], kind: type[Exception]) -> Exception:
    return kind(
        f"grad: {describe(tensor)}, {tensor.dtype}, can't have a gradient of shape {array.shape}, "
        f"{array.dtype}; give an array of its shape and kind, or None"
    )


def out_argument(function: str) -> TypeError:
    operands = "a, t" if getattr(getattr(np, function, None), "nin", 1) == 2 else "…"
    return TypeError(
        f"{function}: out= (and +=, *=, … on an array) would write a Tensor's value into a plain "
        f"array and lose its gradient; write a = np.{function}({operands}), or a = a + t, instead"
    )


def no_seed(tensor: Tensor, function: str) -> ValueError:
    return ValueError(
        f"{function}: {describe(tensor)} has {tensor.size} elements, and a gradient is that of one "
        "number. Reduce it first (t.sum()), or give a seed of its shape: "
        + (f"t.backward(np.ones({tensor.shape}))" if function == "backward" else "seed=…")
    )


def not_differentiable(x: Any, i: int) -> TypeError:
    if not hasattr(x, "_tracked"):
        return TypeError(f"gradients: xs[{i}] is a {type(x).__name__}, not a Tensor")
    return TypeError(
        f"gradients: {describe(x, f'xs[{i}]')} requires no gradient; "
        "make it a leaf with Tensor(data, requires_grad=True), before y is computed"
    )


def wrong_cotangent(op: str, got: Any, wanted: Any) -> ValueError:
    shown = f"of shape {got.shape}" if hasattr(got, "shape") else f"that is a {type(got).__name__}"
    return ValueError(
        f"{op}: a vjp returned a cotangent {shown}, and the input has shape {wanted.shape}; it "
        "must return the input's shape, or one that broadcasting made of it"
    )
