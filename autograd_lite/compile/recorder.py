"""Recording: the function is called on stand-ins that write down what NumPy is asked to do.

The engine runs on them as it does on arrays, so a program holds what the forward pass *and* the
backward pass compute, of whatever transform; nothing here knows of derivatives.
"""

from __future__ import annotations

import gc
import operator
import weakref
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from ..engine.modes import Mode, Run
from ..engine.op import Op
from ..engine.tensor import Tensor, _leaf
from ..lines import user_frame, user_line
from ..show.notation import symbol_of
from .graph import CompileError, Guard, Node, UntraceableError, called, mapped
from .traced import Traced, value_of


class Capture(Mode):
    """Within it, in this thread, a recorder writes down what ops and rules ask NumPy for.

    An op is given stand-ins for the arrays of leaves from outside, such as parameters.
    """

    innermost = True

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.value, self.born = recorder.value, recorder.born

    def forward(self, run: Run, op: Op, inputs: tuple[Any, ...], params: dict[str, Any]) -> Any:
        written = _computed_by(self.recorder.running(op), op)
        result = run(written, tuple(map(self.recorder.operand, inputs)), params)
        if type(result) is Tensor:
            if result._op is written:
                result._op, result._inputs = op, inputs
            self.recorder.made(result)
        return result

    def backward(self, tensor: Tensor, g: Any, vjps: Any) -> Any:
        self.recorder.cotangent(tensor, g)
        pairs = zip(tensor._inputs, vjps) if vjps else ()  # noqa: B905  (they may be endless)
        return [vjp and self.recorder.rule(tensor._op, vjp) for _, vjp in pairs]

    def write(self, tensor: Tensor, what: str) -> NoReturn:
        self.recorder.refuse(
            "t.backward() stores gradients on Tensors, which is a side effect; compile what "
            "ag.grad, ag.value_and_grad or ag.gradients gives instead"
            if what == "grad"
            else "a Tensor is given new data, which is a side effect; return the new data, or use "
            "nn.TrainStep"
        )


def _computed_by(forward: Callable[..., Any], op: Op) -> Op:
    """The same op, computed otherwise."""
    other = Op.__new__(Op)
    for slot in Op.__slots__:
        setattr(other, slot, getattr(op, slot))
    other.forward = forward
    return other


class Recorder:
    """Writes down a program; `Capture` tells it of ops and rules.

    Attributes:
        nodes: the calls so far.
        captured: Tensors from outside, each with its stand-in.
    """

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.captured: dict[Tensor, Traced] = {}
        self.closed = False
        self.refused: UntraceableError | None = None  # by what may have been caught on its way
        self.prefix = ""  # of the names of cotangents, where they are multiples of what they say
        self._tensors: list[Tensor] = []
        self._born: set[Tensor] = set()
        self._copies: dict[int, tuple[Any, Any]] = {}  # of arrays that f closes over, by their id
        self._cotangents: list[tuple[Tensor, Node]] = []
        self._alive: list[weakref.ref[Traced]] = []
        self._ops: list[str] = []
        self._errors: dict[str, Any] = dict(np.geterr())

    def writing(self) -> Mode:
        """A block within which, in this thread, it writes down what ops and rules ask for."""
        return Capture(self)

    # ------------------------------------------------------------------ stand-ins

    def stand_in(self, node: Node) -> Traced:
        traced = Traced(self, node)
        self._alive.append(weakref.ref(traced))
        return traced

    def given(self, value: Any, name: str | None) -> Traced:
        """A stand-in for what the program is given."""
        return self.stand_in(Node(None, value=value, name=name))

    def call(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call ``function`` on the values, and write that down; returned is what stands for it."""
        if self.closed:
            raise CompileError(
                "compile: a value of a function that was compiled is used after its end; it was "
                "stored outside, which is a side effect. Return it instead"
            )
        errors = self._changed_errors()
        with np.errstate(all="ignore"):  # the call that is to come warns
            value = function(*mapped(args, value_of), **mapped(kwargs, value_of))
        if value is None or isinstance(value, (str, bytes)):
            self.refuse(f"{called(function)} gives no numbers")
        frame, place = user_frame()
        node = Node(
            function, mapped(args, self._node), mapped(kwargs, self._node), value,
            op=self._ops[-1] if self._ops else called(function), line=str(place),
        )  # fmt: skip
        node.errors = errors
        self.nodes.append(node)
        if frame is not None:
            _take_names(frame.f_locals)
        if isinstance(value, (tuple, list)):
            parts = [self.call(operator.getitem, (node, i), {}) for i in range(len(value))]
            return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
        return self.stand_in(node)

    def _node(self, x: Any) -> Any:
        if type(x) is Traced:
            if x.node.op == "constant":
                return x.node.value
            if x.recorder is not self:
                raise CompileError(
                    "compile: a value of another function that is being compiled is used here; "
                    "pass it as an argument"
                )
            return x.node
        if type(x) is np.ndarray:  # its owner may change it later
            return self._copies.setdefault(id(x), (x, x.copy()))[1]
        return x

    def _changed_errors(self) -> tuple[tuple[str, str], ...]:
        now = dict(np.geterr())
        return tuple(
            (key, str(v)) for key, v in sorted(now.items()) if v != self._errors[key]
        )

    def guard(self, check: Callable[..., Any], arrays: tuple[Any, ...]) -> None:
        with np.errstate(all="ignore"):
            check(*map(value_of, arrays))
        op = self._ops[-1] if self._ops else called(check)
        self.nodes.append(Guard(check, mapped(arrays, self._node), op=op, line=str(user_line())))

    # ------------------------------------------------------------------ what it is told

    def operand(self, x: Any) -> Any:
        """An op's operand; in place of a leaf from outside one with a stand-in for its value."""
        if type(x) is not Tensor or isinstance(x._array, Traced) or not self._is_outside(x):
            return x
        leaf = _leaf(self._capture(x))  # type: ignore[arg-type]
        leaf._tracked, leaf.name = x._tracked, x.name
        return leaf

    def _is_outside(self, x: Tensor) -> bool:
        """Whether ``x`` is a leaf whose value may be another one at another call."""
        return x.is_leaf and x not in self._born

    def born(self, leaf: Tensor) -> None:
        self._born.add(leaf)

    def _capture(self, x: Tensor) -> Traced:
        if x not in self.captured:
            self.captured[x] = self.given(x._array, x.name)
        return self.captured[x]

    def value(self, x: Tensor) -> Any:
        """``x.data``."""
        array: Any = x._array
        if type(array) is not Traced:
            array = self._capture(x) if self._is_outside(x) else array
        elif array.node.is_scalar:
            return array.own()  # as an op's result is an array, also of one number
        return array

    def running(self, op: Any) -> Callable[..., Any]:
        """The op's forward, written down step by step, or where that can't be as one call."""
        return self._stepwise(op.name, op.forward)

    def rule(self, op: Any, vjp: Any) -> Callable[..., Any]:
        """One of the op's vjps, likewise."""
        return self._stepwise(f"backward of {op.name}", vjp)

    def _stepwise(self, op: str, function: Any) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            before = len(self.nodes)
            self._ops.append(op)
            try:
                return function(*map(self._lifted, args) if Traced in map(type, args) else args,
                                **kwargs)
            except Exception:  # NumPy puts others in place of a refusal
                if self.refused is None:
                    raise
                if any(type(x) is Tensor for x in args):
                    raise self.refused from None
                self.refused = None
                del self.nodes[before:]
                return self.call(function, args, kwargs)
            finally:
                self._ops.pop()

        return run

    def _lifted(self, x: Any) -> Any:
        """A constant beside stand-ins as one, since NumPy's own methods would ask for values."""
        if type(x) is not np.ndarray:
            return x
        return Traced(self, Node(None, value=x, op="constant"))

    def made(self, tensor: Tensor) -> None:
        self._tensors.append(tensor)

    def cotangent(self, tensor: Tensor, g: Any) -> None:
        array = getattr(g, "_array", g)
        if type(array) is Traced and tensor.name is not None:
            self._cotangents.append((tensor, array.node))

    def output(self, x: Any) -> Any:
        """A result of the function, as the program's: a node, or a constant."""
        array = self.value(x) if type(x) is Tensor else x
        if type(array) is np.ndarray:
            return array.copy()
        return self._node(array)

    def refuse(self, what: str) -> NoReturn:
        self.refused = UntraceableError(f"compile: {what}\n  at {user_frame()[1]}")
        raise self.refused

    # ------------------------------------------------------------------ afterwards

    def finish(self) -> None:
        """Give nodes the names of their Tensors; refuse values that were stored elsewhere."""
        if self.refused is not None:
            raise self.refused
        self._name()
        self.closed = True
        if self._stored():
            gc.collect()  # they may be in a cycle that nobody holds
            for node in self._stored():
                self._taken_back()
                raise CompileError(
                    f"compile: the function stores {node.described()} outside of itself (in an "
                    "attribute, a list, a global), which is a side effect that a compiled call "
                    "wouldn't repeat; return it instead"
                )

    def _taken_back(self) -> None:
        """Leave no stand-ins as gradients of Tensors from outside."""
        alive = [x for x in (ref() for ref in self._alive) if x is not None]
        for owner in gc.get_referrers(*alive):  # one look at all objects for all of them
            if type(owner) is Tensor and isinstance(owner._grad, Traced):
                owner._grad = None

    def _name(self) -> None:
        for tensor in self._tensors:
            array: Any = tensor._array
            if type(array) is Traced and tensor.name is not None:
                array.node.name = tensor.name
        for tensor, node in self._cotangents:
            if node.function is not None and node.name is None:
                node.name = self.prefix + symbol_of(str(tensor.name), tensor.is_leaf, "L")
        self._tensors.clear()
        self._born.clear()
        self._cotangents.clear()

    def _stored(self) -> list[Node]:
        """The values that somebody still holds, who shouldn't."""
        mine = {id(x) for x in self.captured.values()}
        alive = [x for x in (ref() for ref in self._alive) if x is not None]
        return [x.node for x in alive if id(x) not in mine]


def _take_names(names: dict[str, Any]) -> None:
    """Let nodes be called as the user's variables are that hold them."""
    for name, value in names.items():
        array = value._array if type(value) is Tensor else value
        if type(array) is Traced and array.node.name is None and array.node.function is not None:
            array.node.name = name
