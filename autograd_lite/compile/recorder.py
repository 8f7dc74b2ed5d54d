"""Recording: the function is called on stand-ins that write down what NumPy is asked to do.

The engine runs on them as it does on arrays, so a program holds what the forward pass *and* the
backward pass compute, of whatever transform; nothing here knows of derivatives.
"""

from __future__ import annotations

import logging
import math
import operator
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

import numpy as np

from ..arrays import STAND_INS, array_of, refuse_kinds
from ..containers import settled
from ..engine.modes import Mode, Run, modes
from ..engine.op import Op
from ..engine.tensor import Tensor, _leaf
from ..lines import user_frame
from ..show.notation import symbol_of
from . import graph
from .draws import Draw, Draws
from .graph import MADE, CompileError, Constant, EndlessError, Node, called, mapped, values
from .memory import shares_memory
from .traced import Traced

_LARGE = 65_536  # entries, from which a constant isn't copied
_MANY = 20_000  # calls, after which there is a word on what takes long
_log = logging.getLogger(__name__)


def recording() -> Recorder | None:
    """What writes down, in this thread, what is computed."""
    return next((mode for mode in modes() if type(mode) is Recorder), None)


class Recorder(Mode):
    """Within it, in this thread, what ops and rules ask NumPy for is written down: a program.

    An op is given stand-ins for the arrays of leaves from outside, such as parameters.

    Attributes:
        nodes: the calls so far.
        captured: Tensors from outside, and what else is read at each call (of which ``_array`` is
            the value, and ``name`` the name), each with its stand-in.
        updated: of these, those to which the last results are written.
        state: Tensors from outside that may be given new data, which who records takes over.
        own: leaves that the function has made.
        tensors: results of ops.
    """

    innermost = True

    def __init__(self, most: float = math.inf) -> None:
        self._most = most  # calls
        self.nodes: list[Node] = []
        self.captured: dict[Any, Any] = {}
        self.updated: list[Any] = []
        self.state: set[Tensor] = set()
        self.own: set[Tensor] = set()
        self.born = self.own.add
        self.tensors: list[Tensor] = []
        self._closed = self._told = False
        self._refused: CompileError | None = None  # by what may have been caught on its way
        self._odd = ""  # what is refused unless the function raises an error by itself
        self._copies: dict[Any, tuple[Any, Any]] = {}  # of arrays that f may write to later
        self._cotangents: list[tuple[Tensor, Node]] = []
        self._draws = Draws()
        self._errors: Any = np.geterr()
        self._filters = list(warnings.filters)
        self._line: Any = None

    def given(self, value: Any, name: str | None = None) -> Traced:
        """A stand-in for what the program is given."""
        return Traced(self, Node(None, value=value, name=name))

    def call(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call ``function`` on the values, and write that down; returned is what stands for it."""
        if self._closed:
            raise CompileError("compile: a value of a compiled function is used after its end")
        args, kwargs = settled((args, kwargs))
        node = Node(function, mapped(args, self._node), kwargs and mapped(kwargs, self._node))
        self._note_settings(node)
        with np.errstate(all="ignore"):  # the call that is to come warns
            try:
                value = function(*values(node.args), **(kwargs and values(node.kwargs)))
            except Exception as error:
                self._odd = f"the function catches (try … except) what {called(function)} raised, "
                self._odd += f"{error!r}; compile the parts\n  at {user_frame()[1]}"
                raise
        if isinstance(value, str):
            self.made_text(node)
            return "…"
        if type(function) is not np.ufunc:
            self._refuse_odd(node, value, args)
        if not node.operands and function not in MADE and function is not np.broadcast_to:
            return mapped(value, self.lifted)
        frame, place = user_frame()
        node.value, node.line = value, place
        self.nodes.append(node)
        if graph.varies(node) and (node.is_several or hasattr(value, "dtype")):
            asked = graph.kind_of
            self.nodes.append(graph.Guard(asked, (node,), value=asked(value), line=place))
        if len(self.nodes) > _MANY and not self._told:
            self._told = True
            said = "compile: %d calls of NumPy so far, the last at %s. Python's loops are written "
            _log.warning(said + "down call by call: compile a step of them", _MANY, place)
        if len(self.nodes) > self._most:
            self._refused = EndlessError("compile: too many calls")
            raise self._refused
        if (id(frame), place.number) != self._line:
            self._line = id(frame), place.number
            self._take_names(frame)
        traced = Traced(self, node)
        if shares_memory(node):
            mapped((args, kwargs), traced.shows)
        if node.is_several:
            parts = [self.call(operator.getitem, (node, i), {}) for i in range(len(value))]
            for part in parts:
                part.of = traced.of
            return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
        return traced

    def _refuse_odd(self, node: Node, value: Any, args: tuple[Any, ...]) -> None:
        settings = (*node.args, *node.kwargs.values())
        if node.function in (np.ravel, np.reshape) and any(
            type(x) is str and x in "KA" for x in settings
        ) and any(y.function for x in args if type(x) is Traced for y in x.roots()):  # fmt: skip
            self.refuse("order='K' or 'A' of what is computed, which may lie otherwise in memory")
        given = [x for x in settings if type(x) is np.ndarray] if node.operands else []
        if value is None or any(value is x for x in given):
            said = f"{called(node.function)} works in place, or is a side effect; leave out= away, "
            self.refuse(f"{said}use ag.index_update, or do it outside")

    def _note_settings(self, node: Node) -> None:
        """What is set for warnings, where that isn't as outside."""
        new = [f for f in warnings.filters if f not in self._filters]
        now: Any = np.geterr()
        if any(f[0] == "error" for f in new):
            self.refuse("warnings are made errors; compile the parts")
        if any(f[0] == "ignore" and issubclass(RuntimeWarning, f[2]) for f in new):
            now = {k: "ignore" if v == "warn" else v for k, v in now.items()}
        if now != self._errors:
            node.errors = tuple((k, v) for k, v in sorted(now.items()) if v != self._errors[k])
            if {"call", "log"} & {v for _, v in node.errors}:
                self.refuse("np.errstate with call= or log= is a side effect; use warn or raise")

    def _node(self, x: Any) -> Any:
        if type(x) is Traced:
            if x.is_constant:
                return self._node(x.node.value)
            if x.recorder is not self:
                raise CompileError("compile: a value of another compiled function is used here")
            return x.node
        if isinstance(x, np.ndarray) and type(x) is not np.ndarray:
            refuse_kinds(x, "compile")
        if type(x) is np.ndarray and x.size <= _LARGE and x.flags.writeable:
            return self._copies.setdefault((id(x), x.tobytes()), (x, x.copy()))[1]
        return x

    def lifted(self, x: Any) -> Any:
        """A constant beside stand-ins as one, since NumPy's own methods would ask for values."""
        array = array_of(x)
        if type(array) is Traced or not isinstance(array, (np.ndarray, np.generic)):
            return x
        constant = Traced(self, Constant(None, value=array))
        return constant if array is x else leaf_like(x, constant)

    def decided(self, function: Callable[[Any], Any], x: Any) -> Any:
        """``int`` or ``bool`` of a value, which is to stay so."""
        answer = function(x.node.value)
        if not x.is_constant:
            self.nodes.append(graph.Guard(function, (x.node,), value=answer, line=user_frame()[1]))
        return answer

    # ------------------------------------------------------------------ what it is told

    def forward(self, run: Run, op: Op, inputs: tuple[Any, ...], params: dict[str, Any]) -> Any:
        # As the engine takes a copy of an array, which may be written to later.
        inputs = tuple([Traced(self, x.node) if type(x) is Traced else x for x in inputs])
        operands = tuple(map(self.operand, inputs))
        if Traced in map(type, map(array_of, operands)):
            operands = tuple(map(self.lifted, operands))
        result = run(op, operands, params)
        if type(result) is Tensor:
            if result._op is op:
                result._inputs = inputs
            self.tensors.append(result)
        return result

    def backward(self, tensor: Tensor, g: Any, vjps: Any) -> Any:
        array = getattr(g, "_array", g)
        if type(array) is Traced and tensor.name is not None:
            self._cotangents.append((tensor, array.node))
        pairs = zip(tensor._inputs, vjps) if vjps else ()  # noqa: B905  (they may be endless)
        return [vjp and self.lifting(vjp) for _, vjp in pairs]

    def read(self, tensor: Tensor) -> None:
        if type(tensor._grad) not in STAND_INS and self._is_outside(tensor):
            self.refuse("t.grad of a Tensor that isn't an argument; pass t.grad as one")

    def write(self, tensor: Tensor, what: str) -> None:
        if what == "data" and tensor in self.state:
            return
        self.refuse(
            "t.backward() stores gradients, a side effect; compile ag.value_and_grad(f) instead"
            if what == "grad"
            else f"{tensor.name or 'a Tensor'} is given new data, a side effect; return it, or "
            "call the function as it is"
        )

    def operand(self, x: Any) -> Any:
        """An op's operand; in place of a leaf from outside one with a stand-in for its value."""
        array: Any = getattr(x, "_array", None)
        if type(x) is not Tensor or type(array) is Traced or not self._is_outside(x):
            return x
        return leaf_like(x, self.value(x))

    def _is_outside(self, x: Tensor) -> bool:
        """Whether ``x`` is a leaf whose value may be another one at another call."""
        return x.is_leaf and x not in self.own

    def value(self, x: Tensor) -> Any:
        """``x.data``."""
        array: Any = x._array
        if type(array) is Traced:
            return array.own() if array.node.is_scalar else array  # an op's result is an array
        return self.taken(x) if self._is_outside(x) else array

    def taken(self, x: Any) -> Any:
        """What stands for ``x._array``, which may be another one at another call."""
        if x not in self.captured:
            self.captured[x] = self.given(x._array, x.name)
        return self.captured[x]

    def uniform(self, rng: Any, shape: tuple[int, ...]) -> Any:
        """What stands for numbers that are drawn at each call."""
        draw = Draw(rng, shape)
        self.captured[draw] = self.given(self._draws.uniform(rng, shape), draw.name)
        return self.captured[draw]

    def made(self, x: Any) -> Any:
        """What stands for a new array, to be written to."""
        return self.call(np.array, (x,), {})

    def lifting(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """One of an op's vjps, which calls methods of constants, too."""

        def run(*args: Any, **kwargs: Any) -> Any:
            if Traced in map(type, (*args, *kwargs.values())):
                args = tuple(map(self.lifted, args))
            return function(*args, **kwargs)

        return run

    def output(self, x: Any) -> Any:
        """A result of the function, as the program's: a node, or a constant."""
        array = self.value(x) if type(x) is Tensor else x
        return array.copy() if type(array) is np.ndarray else self._node(array)

    def refuse(self, what: str) -> NoReturn:
        self._refused = CompileError(f"compile: {what}\n  at {user_frame()[1]}")
        raise self._refused

    def made_text(self, node: Node) -> None:
        """Refuse it in the end, unless the function has raised an error by then."""
        said = f"text is made of {node.described()}; do it outside\n  at {user_frame()[1]}"
        self._odd = self._odd or said

    # ------------------------------------------------------------------ afterwards

    @contextmanager
    def recording(self) -> Iterator[None]:
        """A block within which, in this thread, is written down what ops and rules ask for.

        Raises:
            CompileError: what was refused, or failed, though the function may have caught it.
        """
        error: Exception | None = None
        try:
            with self:
                yield
        except Exception as raised:
            error = raised.with_traceback(None)
        refused, self._refused, self._closed, self._line = self._refused, None, True, None
        self._name()
        for held in (self.tensors, self.own, self._cotangents, self._copies):
            held.clear()
        if refused is not None:  # NumPy puts others in place of a refusal
            raise refused.with_traceback(None) from None
        if error is not None:
            raise error
        if self._odd:
            raise CompileError(f"compile: {self._odd}")

    def _name(self) -> None:
        """Give nodes the names of their Tensors."""
        for x, traced in self.captured.items():
            traced.node.name = traced.node.name or x.name
        for tensor in self.tensors:
            array: Any = tensor._array
            if type(array) is Traced and tensor.name is not None:
                array.node.name = tensor.name
        for tensor, node in self._cotangents:
            if node.function is not None and node.name is None:
                node.name = symbol_of(str(tensor.name), tensor.is_leaf, "L")

    def _take_names(self, frame: FrameType | None) -> None:
        """Let nodes be called as the user's variables are that hold them."""
        for name, value in frame.f_locals.items() if frame else ():
            array = array_of(value)
            if type(array) is Traced and array.node.name is None and array.node.function:
                array.node.name = name


def leaf_like(x: Tensor, array: Any) -> Tensor:
    """A leaf that takes the place of ``x``."""
    leaf = _leaf(array)
    leaf._tracked, leaf.name = x._tracked, x.name
    return leaf
