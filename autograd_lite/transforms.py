"""Functions of functions: grad, value_and_grad, vjp, jvp, jacobian, hessian, hvp.

Each calls the function on Tensors and pulls cotangents through the graph that it records. They
take and give nested tuples, lists and dicts of arrays. Called with arrays they give arrays. Within
another transform, or called with Tensors, they record what they do and give Tensors: so they nest
to any order.

Complex numbers: the gradient of a real ``L`` at ``z = x + iy`` is ``∂L/∂x − i ∂L/∂y``, for which
the chain rule of the reals holds as it is written (``dL = Re(Σ gradient · dz)``); its conjugate is
the direction of steepest ascent. The same convention as JAX and HIPS autograd have.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from . import errors, ops
from .backward import pull
from .containers import leaves, matched, rebuilt
from .modes import in_transform, transforming
from .tensor import Tensor, _leaf

Function = Callable[..., Any]


class _Call(NamedTuple):
    """A function, called on variables.

    Attributes:
        chosen: the arguments that are differentiated.
        variables: a Tensor for each of their leaves.
        output: what the function returned.
        nested: whether the results are Tensors.
    """

    chosen: tuple[Any, ...]
    variables: list[Tensor]
    output: Any
    nested: bool

    def given(self, results: Iterable[Any]) -> tuple[Any, ...]:
        """Results, one for each variable, in the containers of the arguments."""
        inner = iter([_given(r, self.nested) for r in results])
        return tuple(rebuilt(tree, inner) for tree in self.chosen)

    def value(self) -> Any:
        found = iter([_given(y, self.nested) for y in leaves(self.output)])
        return rebuilt(self.output, found)

    def tensors(self) -> list[Tensor]:
        """The outputs that depend on a variable."""
        return [y for y in leaves(self.output) if type(y) is Tensor and y._tracked]


def _given(result: Any, nested: bool) -> Any:
    """A result as it is handed out: the caller's own array, or within a transform a Tensor."""
    if nested:
        return _leaf(result) if type(result) is np.ndarray else result
    return np.array(result._array if type(result) is Tensor else result) if hasattr(
        result, "dtype"
    ) else result


def _call(
    name: str, f: Function, argnums: int | Sequence[int], args: Sequence[Any], kwargs: Any = None
) -> _Call:
    numbers = [argnums] if isinstance(argnums, int) else list(argnums)
    args = list(args)
    for i in numbers:
        if not -len(args) <= i < len(args):
            raise ValueError(
                f"{name}: argument {i} is to be differentiated, and {len(args)} positional "
                "arguments were given"
            )
    nested = in_transform() or any(
        type(x) is Tensor for x in leaves([args, kwargs or {}])
    )
    chosen = tuple(args[i] for i in numbers)
    with transforming():
        variables = [_variable(name, x) for x in leaves(chosen)]
        inner = iter(variables)
        for i, tree in zip(numbers, chosen, strict=True):
            args[i] = rebuilt(tree, inner)
        return _Call(chosen, variables, f(*args, **(kwargs or {})), nested)


def _variable(name: str, x: Any) -> Tensor:
    """A Tensor of its own for an argument, so that it's told apart from others of that value."""
    if type(x) is Tensor and x._tracked:
        return ops.positive(x)
    array = x.numpy() if type(x) is Tensor else np.array(x)
    if array.dtype.kind not in "biufc":
        errors.refuse_constant(f"{name}: an argument to differentiate", array, x)
    variable = Tensor(array.astype(float) if array.dtype.kind in "biu" else array)
    variable.requires_grad = True
    return variable


def _pulled(call: _Call, seeds: dict[Tensor, Any], **how: Any) -> list[Any]:
    """The variables' cotangents."""
    stack = how.get("stack", ())
    with transforming():
        found = dict(pull(seeds, set(call.variables), **how))
    return [
        found[x] if x in found else np.zeros(stack + x.shape, x.dtype) for x in call.variables
    ]


def _seeds(outputs: Sequence[Any], cotangents: Sequence[Any], what: str) -> dict[Tensor, Any]:
    """Which cotangent each output that is differentiated starts with."""
    seeds: dict[Tensor, Any] = {}
    for y, g in zip(outputs, cotangents, strict=True):
        if type(y) is not Tensor or not y._tracked:
            continue
        if type(g) is not Tensor:
            g = np.array(g)
        if g.dtype.kind not in "biufc" or (g.dtype.kind == "c" != y.dtype.kind):
            raise errors.seed_dtype(y, g, what)
        g = g if g.dtype == y.dtype else g.astype(y.dtype)
        seeds[y] = seeds[y] + g if y in seeds else g
    return seeds


def value_and_grad(f: Function, argnums: int | tuple[int, ...] = 0) -> Function:
    """A function that gives ``(f(*args), gradient)``; see `grad`.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.value_and_grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
        (array(5.), array([2., 4.]))
    """
    name = "grad"

    @functools.wraps(f, updated=())
    def differentiated(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        call = _call(name, f, argnums, args, kwargs)
        y = call.output
        _check_scalar(name, y)
        seeds = {y: np.ones(y.shape, y.dtype)} if call.tensors() else {}
        if call.nested:
            seeds = {y: _leaf(one) for y, one in seeds.items()}
        gradients = call.given(_pulled(call, seeds, record=call.nested))
        return call.value(), gradients[0] if isinstance(argnums, int) else gradients

    return differentiated


def grad(f: Function, argnums: int | tuple[int, ...] = 0) -> Function:
    """A function that gives the gradient of ``f``, whose output is a real number.

    Args:
        f: of arrays, or nested containers of them; it is called on Tensors.
        argnums: which positional arguments to differentiate; a tuple gives a tuple.

    Returns:
        A function of the arguments of ``f``. The gradient has the containers, shapes and dtypes
        of the argument (float64 for integers), and is 0 where the output doesn't depend on it.

    Raises:
        TypeError: an output that is no number: boolean, complex, or of several elements (for
            which there is `jacobian`), or a container.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.grad(np.tanh)(0.0)
        array(1.)
        >>> ag.grad(ag.grad(lambda x: x**3))(2.0)
        array(12.)
        >>> ag.grad(lambda p: np.sum(p["w"] * 3.0))({"w": np.ones(2)})
        {'w': array([3., 3.])}
    """
    both = value_and_grad(f, argnums)

    @functools.wraps(f, updated=())
    def gradient(*args: Any, **kwargs: Any) -> Any:
        return both(*args, **kwargs)[1]

    return gradient


def _check_scalar(name: str, y: Any) -> None:
    remedy = "; for the derivatives of several numbers: jacobian"
    if isinstance(y, (tuple, list, dict)):
        raise TypeError(
            f"{name}: the function returned a {type(y).__name__}, and a gradient is that of one "
            f"number{remedy}"
        )
    value = y._array if type(y) is Tensor else np.asarray(y)
    if value.size != 1:
        raise TypeError(
            f"{name}: the function's output has shape {value.shape}, and a gradient is that of "
            f"one number; reduce it (np.sum){remedy}"
        )
    if value.dtype.kind not in "iuf":
        kind = {"b": "boolean, which is constant in pieces", "c": "complex; take its real part or "
                "abs"}.get(value.dtype.kind, f"a {type(y).__name__}, not a number")  # fmt: skip
        raise TypeError(f"{name}: the function's output is {kind}")


def vjp(f: Function, *primals: Any) -> tuple[Any, Function]:
    """The value of ``f``, and the function that pulls a cotangent of it back.

    Returns:
        ``(value, vjp_fn)``: ``vjp_fn(g)``, for ``g`` with the containers and shapes of the value,
        returns a tuple, one gradient per primal. It can be called again.

    Raises:
        ValueError: a cotangent with other containers or shapes than the value.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> y, vjp_fn = ag.vjp(np.multiply, np.array([1.0, 2.0]), np.array([3.0, 4.0]))
        >>> vjp_fn(np.array([1.0, 10.0]))
        (array([ 3., 40.]), array([ 1., 20.]))
    """
    call = _call("vjp", f, range(len(primals)), primals)

    def vjp_fn(g: Any) -> tuple[Any, ...]:
        cotangents = matched(call.output, g, "vjp: the cotangent")
        nested = call.nested or in_transform() or any(type(x) is Tensor for x in cotangents)
        with transforming():
            seeds = _seeds(leaves(call.output), cotangents, "vjp")
        if nested:
            seeds = {y: s if type(s) is Tensor else _leaf(s) for y, s in seeds.items()}
        found = _pulled(call, seeds, record=nested)
        return call._replace(nested=nested).given(found)

    return call.value(), vjp_fn


def jvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """The value of ``f``, and its derivative along ``tangents``.

    From the vjps alone: a vjp is linear in the cotangent, and the adjoint of a linear function's
    adjoint is itself (J. Townsend, "A new trick for calculating Jacobian vector products", 2017).

    Args:
        f: of arrays or containers of them.
        primals: its arguments, a tuple.
        tangents: of the same containers and shapes.

    Raises:
        ValueError: tangents of other containers or shapes than the primals.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.jvp(np.multiply, (2.0, 3.0), (1.0, 0.0))
        (array(6.), array(3.))
    """
    if not isinstance(primals, (tuple, list)):
        raise TypeError(f"jvp: the primals must be a tuple, not a {type(primals).__name__}")
    directions = matched(tuple(primals), tuple(tangents), "jvp: the tangents")
    call = _call("jvp", f, range(len(primals)), primals)
    nested = call.nested or any(type(v) is Tensor for v in directions)
    call = call._replace(nested=nested)
    duals, back = _transposed(call)
    along = _seeds(back, directions, "jvp")
    if nested:
        along = {x: v if type(v) is Tensor else _leaf(v) for x, v in along.items()}
    with transforming():
        found = dict(pull(along, set(duals.values()), record=nested)) if along else {}
    result = [
        _given(_tangent(y, duals, found), nested) for y in leaves(call.output)
    ]
    return call.value(), rebuilt(call.output, iter(result))


def _transposed(call: _Call) -> tuple[dict[Tensor, Tensor], list[Any]]:
    """A recorded backward pass: the outputs' cotangents, and the variables' that depend on them."""
    duals = {}
    for y in call.tensors():
        dual = _leaf(np.ones(y.shape, y.dtype))
        dual._tracked = True
        duals[y] = dual
    return duals, _pulled(call, dict(duals), record=True)


def _tangent(y: Any, duals: dict[Tensor, Tensor], found: dict[Tensor, Any]) -> Any:
    dual = duals.get(y) if type(y) is Tensor else None
    if dual is not None and dual in found:
        return found[dual]
    value = y._array if type(y) is Tensor else np.asarray(y)
    return np.zeros(value.shape, value.dtype if value.dtype.kind in "fc" else float)


def jacobian(f: Function, argnum: int | tuple[int, ...] = 0) -> Function:
    """A function that gives all derivatives of the entries of ``f`` by those of an argument.

    One pass takes the cotangents of all entries at once; where the output has more entries than
    the argument, all tangents at once.

    Returns:
        A function of the arguments of ``f``. Its result has the output's shape followed by the
        argument's; containers of the output hold those of the argument.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.jacobian(lambda x: np.array([[1.0, 2.0], [3.0, 4.0]]) @ x)(np.ones(2))
        array([[1., 2.],
               [3., 4.]])
    """

    @functools.wraps(f, updated=())
    def differentiated(*args: Any, **kwargs: Any) -> Any:
        call = _call("jacobian", f, argnum, args, kwargs)
        results = []
        for y in leaves(call.output):
            if (type(y) is Tensor and y.dtype.kind == "c") or any(
                x.dtype.kind == "c" for x in call.variables
            ):
                raise TypeError(
                    "jacobian: complex inputs or outputs have a derivative by the real and one by "
                    "the imaginary part; take them apart, or use vjp and jvp"
                )
            if type(y) is Tensor and y._tracked:
                rows = _rows(call, y)
            else:
                rows = [np.zeros(np.shape(y) + x.shape, x.dtype) for x in call.variables]
            blocks = call.given(rows)
            results.append(blocks[0] if isinstance(argnum, int) else blocks)
        return rebuilt(call.output, iter(results))

    return differentiated


_MOST = 2**24  # entries of a stack of cotangents


def _rows(call: _Call, y: Tensor) -> list[Any]:
    """The derivatives of ``y`` by each variable, of shape ``y.shape + x.shape``."""
    entries = sum(x.size for x in call.variables)
    if y.size > entries:
        return _columns(call, y)
    at_once = max(1, min(y.size, _MOST // max(1, y.size, entries)))
    parts = []
    for first in range(0, y.size, at_once):
        seeds = np.eye(min(at_once, y.size - first), y.size, first, y.dtype)
        found = _stacked(call.variables, {y: seeds}, call.nested)
        parts.append([found.get(x, np.zeros((len(seeds), *x.shape), x.dtype))
                      for x in call.variables])  # fmt: skip
    return [ops.reshape(ops.concatenate(part), y.shape + x.shape) if part else
            np.zeros(y.shape + x.shape, x.dtype)
            for x, part in zip(call.variables, zip(*parts, strict=True) if parts else
                               [()] * len(call.variables), strict=True)]  # fmt: skip


def _columns(call: _Call, y: Tensor) -> list[Any]:
    """`_rows` for few inputs: the transposed backward pass, along each entry of them."""
    duals, back = _transposed(call._replace(output=y))
    columns = []
    for x, g in zip(call.variables, back, strict=True):
        column: Any = np.zeros((x.size, *y.shape), y.dtype)
        if type(g) is Tensor and g._tracked:
            seeds = np.eye(x.size, dtype=x.dtype)
            column = _stacked([duals[y]], {g: seeds}, call.nested).get(duals[y], column)
        column = ops.transpose(column, (*range(1, y.ndim + 1), 0))
        columns.append(ops.reshape(ops.astype(column, x.dtype), y.shape + x.shape))
    return columns


def _stacked(
    variables: Sequence[Tensor], seeds: dict[Tensor, Any], nested: bool
) -> dict[Tensor, Any]:
    (y, rows), = seeds.items()
    rows = rows.reshape(len(rows), *y.shape)
    with transforming():
        seed = _leaf(rows) if nested else rows
        return dict(pull({y: seed}, set(variables), record=nested, stack=(len(rows),)))


def hessian(f: Function, argnum: int | tuple[int, ...] = 0) -> Function:
    """A function that gives the second derivatives of ``f``, whose output is a real number.

    Returns:
        A function of the arguments of ``f``; its result has the argument's shape twice.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
        array([[4., 2.],
               [2., 0.]])
    """
    return jacobian(grad(f, argnum), argnum)


def hvp(f: Function) -> Function:
    """A function ``(x, v, *further arguments)`` that gives the Hessian of ``f`` at ``x`` times v.

    Without the Hessian: it costs a few times what ``f`` does.

    Raises:
        ValueError: a ``v`` with other containers or shapes than ``x``.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.hvp(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]), np.array([1.0, 0.0]))
        array([4., 2.])
    """

    def product(x: Any, v: Any, *args: Any, **kwargs: Any) -> Any:
        directions = matched(x, v, "hvp: the vector")

        def slope(x: Any) -> Any:
            gradients = leaves(grad(f)(x, *args, **kwargs))
            terms = [ops.sum(g * u) for g, u in zip(gradients, directions, strict=True)]
            return functools.reduce(ops.add, terms, 0.0)

        return grad(slope)(x)

    return product
