"""Functions of functions: grad, value_and_grad, vjp, jvp, jacobian, hessian, hvp.

Each calls the function on Tensors and pulls cotangents through the graph that it records. They
take and give arrays in nested `containers`. Called with arrays they give arrays; called with
Tensors, or within another transform where a result depends on what that traces, Tensors, which
record how they came about: so they nest to any order.

Complex numbers: the gradient of a real ``L`` at ``z = x + iy`` is ``∂L/∂x − i ∂L/∂y``, for which
the chain rule of the reals holds as it is written (``dL = Re(Σ gradient · dz)``); its conjugate is
the direction of steepest ascent. The same convention as JAX and HIPS autograd have.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from . import containers, errors, ops
from .arrays import array_of, as_array, beside, own_array, zeros
from .containers import is_container, is_numeric, leaves, matched, rebuilt
from .engine.backward import dependent
from .engine.modes import Mode, no_grad, recorded
from .engine.op import _next_number
from .engine.tensor import Tensor, _leaf, is_tracked
from .gradients import _as_tensor, as_variable, cast_seed, cotangents
from .graph import made_since
from .lines import hint
from .seen import left_since, look

__all__ = ["grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"]

Function = Callable[..., Any]
Argnums = int | Sequence[int]


class transforming(Mode):  # noqa: N801  (used like a function)
    """A transform calls the function that it differentiates within this."""

    asks = False
    suspends = no_grad


class _Call(NamedTuple):
    """A function, called on variables.

    Attributes:
        name: the transform that called it.
        argument: what is differentiated by.
        variables: a Tensor for each of its leaves.
        first: what the call made has numbers greater than this.
        output: what the function returned.
        tensors: whether it was given Tensors, so that the results are Tensors too.
        has_aux: whether the output holds something else besides, such as text.
    """

    name: str
    argument: Any
    variables: list[Tensor]
    first: int
    output: Any
    tensors: bool
    has_aux: bool = False

    def outputs(self) -> list[Any]:
        """What the containers hold that the function returned."""
        return containers.results(self.name, self.output, self.has_aux)

    def record(self) -> bool:
        """Whether results may be Tensors, so that what gives them is recorded."""
        return self.tensors or bool(self._outer(leaves(self.output)))

    def with_tensors(self, found: Iterable[Any]) -> _Call:
        """The same, given these besides."""
        return self._replace(tensors=self.tensors or any(type(x) is Tensor for x in found))

    def _outer(self, found: list[Any]) -> set[Tensor]:
        """Within another transform, those of results and before that depend on Tensors of it."""
        if not transforming.active():
            return set()
        made, outside = made_since(self.first, found, self.variables)
        return dependent(made, outside) if outside else set()

    def given(self, found: list[Any]) -> list[Any]:
        """Results as they are handed out: arrays, and Tensors where the call or they ask for it."""
        outer = set() if self.tensors else self._outer(found)
        return [_given(x, self.tensors or (type(x) is Tensor and x in outer)) for x in found]

    def like_argument(self, found: Iterable[Any]) -> Any:
        """Results, one for each variable, in the containers of the argument."""
        return rebuilt(self.argument, iter(found))

    def value(self) -> Any:
        return rebuilt(self.output, iter(self.given(self.outputs())))


def _given(result: Any, is_tensor: bool) -> Any:
    """A result as it is handed out: the caller's own array, or a Tensor.

    Within `no_grad` that is one without a history.
    """
    if is_tensor and type(result) is Tensor and (recorded(True) or not result._tracked):
        return result
    look(result)
    array = array_of(result)
    if not hasattr(array, "dtype"):
        return result
    return _leaf(own_array(array)) if is_tensor else own_array(array)


def _call(name: str, f: Function, argument: Any, *others: Any) -> _Call:
    """Call ``f`` on an argument, beside others that are not differentiated."""
    argument = containers.settled(argument)
    tensors = any(type(x) is Tensor for _, x in containers.walk([argument, *others]))
    given = leaves(argument)
    containers.refuse_bound(
        name, [argument],
        lambda x: type(x) is not int and is_numeric(x) and any(x is y for y in given),
    )  # fmt: skip
    first = _next_number()
    with transforming():
        variables = [_variable(name, x) for x in given]
        inner = rebuilt(argument, iter(variables))
        lost = containers.computed(inner)
        output = containers.settled(f(inner))
    outputs = leaves(output)
    if not any(map(is_tracked, outputs)) and left_since(first):
        hint(errors.left_by_name(name))
    for part, held in lost:
        made, _ = made_since(first, outputs, variables)
        if not dependent(made, leaves(held)).isdisjoint(filter(is_tracked, outputs)):
            raise TypeError(
                f"{name}: the function uses {part}, which the constructor makes of another part: "
                "a derivative is lost; make it a property, or give plain tuples, lists and dicts"
            )
    return _Call(name, argument, variables, first, output, tensors)


def chosen(
    name: str, f: Function, argnums: Any, args: Sequence[Any], kwargs: dict[str, Any]
) -> tuple[Function, Any]:
    """``f`` as a function of one argument, and that: the chosen one, or the tuple of several."""
    several = isinstance(argnums, (tuple, list, range))
    numbers = []  # of positions; negative ones count from the last
    for i in argnums if several else [argnums]:
        if not -len(args) <= operator.index(i) < len(args):
            said = f"argument {i} is to be differentiated, of {len(args)} positional arguments"
            raise ValueError(f"{name}: {said}")
        numbers.append(i % len(args))
    if len(set(numbers)) < len(numbers):
        raise ValueError(f"{name}: argnums={argnums} names an argument twice")

    def alone(x: Any) -> Any:
        full = dict(enumerate(args)) | dict(zip(numbers, x if several else [x], strict=True))
        return f(*full.values(), **kwargs)

    found = tuple(args[i] for i in numbers)
    return alone, found if several else found[0]


def _spelled(name: str, argnums: Any, argnum: Any) -> Any:
    """Which arguments are meant, in either spelling."""
    if argnums is not None and argnum is not None:
        raise TypeError(f"{name}: argnums and argnum are one argument, and both were given")
    numbers = argnum if argnums is None else argnums
    return 0 if numbers is None else numbers


def _variable(name: str, x: Any) -> Tensor:
    """A Tensor of its own for an argument, so that it's told apart from others of that value."""
    if type(x) is Tensor and recorded(x._tracked):
        return ops.positive(x)
    array = x.numpy() if type(x) is Tensor else own_array(x, where=name)
    if array.dtype.kind not in "biufc":
        errors.refuse_constant(f"{name}: an argument to differentiate", array, x)
    variable = as_variable(Tensor(array, requires_grad=True))
    variable._number = _next_number()  # nothing older can depend on it
    return variable


def _pulled(
    variables: Sequence[Tensor], seeds: dict[Tensor, Any], record: bool, stack: tuple[int, ...] = ()
) -> list[Any]:
    """The variables' cotangents."""
    if record:
        seeds = {y: _as_tensor(g) for y, g in seeds.items()}
    with transforming():
        return cotangents(seeds, variables, record, stack)


def _seeds(outputs: Sequence[Any], cotangents: Sequence[Any], what: str) -> dict[Tensor, Any]:
    """Which cotangent each output that is differentiated starts with."""
    seeds: dict[Tensor, Any] = {}
    with transforming():
        for y, g in zip(outputs, cotangents, strict=True):
            if not is_tracked(y):
                continue
            g = cast_seed(y, g, what)
            seeds[y] = seeds[y] + g if y in seeds else g
    return seeds


def value_and_grad(
    f: Function, argnums: Argnums | None = None, *, argnum: Argnums | None = None,
    has_aux: bool = False,
) -> Function:  # fmt: skip
    """A function that gives ``(f(*args), gradient)``; see `grad`.

    With ``has_aux`` ``f`` gives a pair, and the first of it is differentiated: the result is
    ``((number, auxiliary), gradient)``.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.value_and_grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
        (array(5.), array([2., 4.]))
    """

    numbers = _spelled("grad", argnums, argnum)

    @functools.wraps(f, updated=())
    def differentiated(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        call = _call("grad", *chosen("grad", f, numbers, args, kwargs), args, kwargs)
        y = call.output
        if has_aux:
            if type(y) is not tuple or len(y) != 2:
                raise TypeError("value_and_grad: with has_aux the function must return a pair")
            call = call._replace(has_aux=True)
            y = y[0]
        _check_scalar(y)
        seeds = {y: beside(np.ones(y.shape, y.dtype), [y])} if is_tracked(y) else {}
        found = _pulled(call.variables, seeds, call.record())
        return call.value(), call.like_argument(call.given(found))

    return differentiated


def grad(f: Function, argnums: Argnums | None = None, *, argnum: Argnums | None = None) -> Function:
    """A function that gives the gradient of ``f``, whose output is a real number.

    Args:
        f: of arrays, or nested containers of them; it is called on Tensors.
        argnums: which positional arguments to differentiate, by default the first; a tuple gives
            a tuple. ``argnum`` is another spelling of it.

    Returns:
        A function of the arguments of ``f``. The gradient has the containers, shapes and dtypes
        of the argument (float64 for integers), and is 0 where the output doesn't depend on it.

    Raises:
        TypeError: an output that is no number: boolean, complex, or of several elements (for
            which there is `jacobian`), or a container. An argument that can't be made anew with
            Tensors in place of its numbers, such as a dict with a function that is bound to it.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.grad(np.tanh)(0.0)
        array(1.)
        >>> ag.grad(ag.grad(lambda x: x**3))(2.0)
        array(12.)
        >>> ag.grad(lambda p: np.sum(p["w"] * 3.0))({"w": np.ones(2)})
        {'w': array([3., 3.])}
    """
    both = value_and_grad(f, argnums, argnum=argnum)

    @functools.wraps(f, updated=())
    def gradient(*args: Any, **kwargs: Any) -> Any:
        return both(*args, **kwargs)[1]

    return gradient


def _check_scalar(y: Any) -> None:
    """Raise where the output of a function whose gradient is asked for is no real number."""
    remedy = "; for the derivatives of several numbers: jacobian"
    if is_container(y):
        kind = type(y).__name__
        raise TypeError(f"grad: the function returned a {kind}, and no single number{remedy}")
    if not is_numeric(y):
        raise TypeError(f"grad: the function's output is a {type(y).__name__}, not a number")
    value = y._array if type(y) is Tensor else as_array(y)
    if value.size != 1:
        said = f"grad: the function's output has shape {value.shape}, and a gradient is that of"
        raise TypeError(f"{said} one number; reduce it (np.sum){remedy}")
    if value.dtype.kind == "b":
        raise TypeError("grad: the function's output is boolean, which is constant in pieces")
    if value.dtype.kind == "c":
        raise TypeError("grad: the function's output is complex; take its real part or abs")


def vjp(f: Function, /, *primals: Any, **kwargs: Any) -> tuple[Any, Function]:
    """The value of ``f``, and the function that pulls a cotangent of it back.

    Args:
        f: of arrays or nested containers of them, and returns such.
        primals: its arguments, all of which are differentiated; keyword arguments are not.

    Returns:
        ``(value, vjp_fn)``: ``vjp_fn(g)``, for ``g`` with the containers and shapes of the value,
        returns a tuple, one gradient per primal. It can be called again.

    Raises:
        TypeError: the function returns what is no container of arrays, Tensors and numbers.
        ValueError: a cotangent with other containers or shapes than the value.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> y, vjp_fn = ag.vjp(np.multiply, np.array([1.0, 2.0]), np.array([3.0, 4.0]))
        >>> vjp_fn(np.array([1.0, 10.0]))
        (array([ 3., 40.]), array([ 1., 20.]))
    """
    call = _call("vjp", lambda xs: f(*xs, **kwargs), primals, kwargs)

    def vjp_fn(g: Any) -> Any:
        cotangents = matched(call.output, g, "vjp: the cotangent")
        this = call.with_tensors(cotangents)
        seeds = _seeds(leaves(call.output), cotangents, "vjp")
        return this.like_argument(this.given(_pulled(this.variables, seeds, this.record())))

    return call.value(), vjp_fn


def jvp(
    f: Function, primals: Sequence[Any], tangents: Sequence[Any], /, **kwargs: Any
) -> tuple[Any, Any]:
    """The value of ``f``, and its derivative along ``tangents``.

    From the vjps alone: a vjp is linear in the cotangent, and the adjoint of a linear function's
    adjoint is itself (J. Townsend, "A new trick for calculating Jacobian vector products", 2017).

    Args:
        f: of arrays or containers of them.
        primals: its arguments, a tuple.
        tangents: of the same containers and shapes.
        kwargs: its keyword arguments, which are not differentiated.

    Raises:
        TypeError: the function returns what is no container of arrays, Tensors and numbers.
        ValueError: tangents of other containers or shapes than the primals.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.jvp(np.multiply, (2.0, 3.0), (1.0, 0.0))
        (array(6.), array(3.))
    """
    for name, given in ("primals", primals), ("tangents", tangents):
        if not isinstance(given, (tuple, list)):
            raise TypeError(f"jvp: the {name} must be a tuple, not a {type(given).__name__}")
    primals = tuple(primals)
    directions = matched(primals, tuple(tangents), "jvp: the tangents")
    call = _call("jvp", lambda xs: f(*xs, **kwargs), primals, kwargs).with_tensors(directions)
    outputs = call.outputs()
    duals, back = _transposed(call.variables, outputs)
    found = _pulled(list(duals.values()), _seeds(back, directions, "jvp"), call.record())
    along = dict(zip(duals, found, strict=True))
    slopes = [along[y] if is_tracked(y) else _zeros(y) for y in outputs]
    return call.value(), rebuilt(call.output, iter(call.given(slopes)))


def _transposed(
    variables: Sequence[Tensor], outputs: Sequence[Any]
) -> tuple[dict[Any, Tensor], list[Any]]:
    """A recorded backward pass: the outputs' cotangents, and the variables' that depend on them.

    The pass is linear in them. They are irregular, so that what a rule sees of them doesn't cancel.
    """
    duals = {}
    for y in filter(is_tracked, outputs):
        dual = np.cos(np.arange(1.0, 1 + y.size)).reshape(y.shape)
        duals[y] = _variable("jvp", beside(dual.astype(y.dtype), [y]))
    return duals, _pulled(variables, dict(duals), record=True)


def _zeros(y: Any) -> Any:
    """The derivative of an output that is constant."""
    value = as_array(y)
    return zeros(value.shape, value if value.dtype.kind in "fc" else value.astype(float))


def jacobian(
    f: Function, argnums: Argnums | None = None, *, argnum: Argnums | None = None
) -> Function:
    """A function that gives all derivatives of the entries of ``f`` by those of an argument.

    One pass takes the cotangents of all entries at once; where the output has more entries than
    the argument, all tangents at once.

    Args:
        f: of arrays or nested containers of them, and returns such, of real numbers.
        argnums: which positional arguments to differentiate, by default the first; a tuple gives
            a tuple. ``argnum`` is another spelling of it.

    Returns:
        A function of the arguments of ``f``. Its result has the output's shape followed by the
        argument's; containers of the output hold those of the argument.

    Raises:
        TypeError: a complex argument or output, which has a derivative by either of its parts;
            an output that is no container of arrays, Tensors and numbers.
        ValueError: there is no such argument.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.jacobian(lambda x: np.array([[1.0, 2.0], [3.0, 4.0]]) @ x)(np.ones(2))
        array([[1., 2.],
               [3., 4.]])
    """

    numbers = _spelled("jacobian", argnums, argnum)

    @functools.wraps(f, updated=())
    def differentiated(*args: Any, **kwargs: Any) -> Any:
        call = _call("jacobian", *chosen("jacobian", f, numbers, args, kwargs), args, kwargs)
        outputs, record = call.outputs(), call.record()
        if any(t.dtype.kind == "c" for t in (*call.variables, *filter(is_tracked, outputs))):
            said = "jacobian: complex inputs or outputs have a derivative by each part"
            raise TypeError(f"{said}; take real and imaginary parts apart, or use vjp and jvp")
        found = [d for y in outputs for d in _derivatives(y, call.variables, record)]
        given = iter(call.given(found))
        return rebuilt(call.output, iter([call.like_argument(given) for _ in outputs]))

    return differentiated


def _derivatives(y: Any, variables: Sequence[Tensor], record: bool) -> list[Any]:
    """The derivatives of ``y`` by each variable, of shape ``y.shape + x.shape``."""
    shapes = [np.shape(y) + x.shape for x in variables]
    if not is_tracked(y):
        return [zeros(shape, x) for x, shape in zip(variables, shapes, strict=True)]
    with transforming():
        if y.size <= sum(x.size for x in variables):
            found = _entry_by_entry(y, variables, record)
        else:
            duals, back = _transposed(variables, [y])
            columns = [_entry_by_entry(g, [duals[y]], record)[0] for g in back]
            found = [ops.transpose(c, (*range(1, c.ndim), 0)) for c in columns]
        return [ops.astype(ops.reshape(d, shape), x.dtype)
                for d, shape, x in zip(found, shapes, variables, strict=True)]  # fmt: skip


_MOST = 2**24  # entries of a stack of cotangents


def _entry_by_entry(y: Any, variables: Sequence[Tensor], record: bool) -> list[Any]:
    """The variables' cotangents for each entry of ``y``, along a further axis in front."""
    if not (is_tracked(y) and y.size):
        return [zeros((y.size, *x.shape), x) for x in variables]
    at_once = max(1, _MOST // (y.size + sum(x.size for x in variables)))
    parts = []
    for first in range(0, y.size, at_once):
        rows = min(at_once, y.size - first)
        ones = np.eye(rows, y.size, first, dtype=y.dtype).reshape(rows, *y.shape)
        seed = beside(ones, [y])
        parts.append(_pulled(variables, {y: seed}, record, stack=(rows,)))
    return [ops.concatenate(part) for part in zip(*parts, strict=True)]


def hessian(
    f: Function, argnums: Argnums | None = None, *, argnum: Argnums | None = None
) -> Function:
    """A function that gives the second derivatives of ``f``, whose output is a real number.

    Args:
        f: as for `grad`.
        argnums: as for `jacobian`.

    Returns:
        A function of the arguments of ``f``; its result has the argument's shape twice.

    Raises:
        TypeError: an output that is no number, or a complex argument.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
        array([[4., 2.],
               [2., 0.]])
    """
    numbers = _spelled("hessian", argnums, argnum)
    return jacobian(grad(f, numbers), numbers)


def hvp(f: Function) -> Function:
    """A function ``(x, v, *further arguments)`` that gives the Hessian of ``f`` at ``x`` times v.

    Without the Hessian: it costs a few times what ``f`` does.

    Returns:
        A function whose result has the containers and shapes of ``x``.

    Raises:
        ValueError: a ``v`` with other containers or shapes than ``x``.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.hvp(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]), np.array([1.0, 0.0]))
        array([4., 2.])
    """

    def product(x: Any, v: Any, /, *args: Any, **kwargs: Any) -> Any:
        matched(x, v, "hvp: the vector")
        slope = lambda x, /, *, more: grad(f)(x, *more[0], **more[1])  # noqa: E731
        return vjp(slope, x, more=(args, kwargs))[1](v)[0]  # the Hessian is symmetric

    return product
