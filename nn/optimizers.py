"""Optimizers, in order of increasing complexity, each `step` a formula; schedules of their rates.

A parameter whose gradient is None is left alone. A step gives each parameter a new array, so that
a graph that was recorded before it stays as it was.
"""

from __future__ import annotations

import copyreg
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from autograd_lite import Tensor
from autograd_lite.arrays import is_foreign
from autograd_lite.engine.leaves import array_of, descend, forget_gradients, grad_of
from autograd_lite.engine.modes import Mode, tell
from autograd_lite.engine.tensor import FOREIGN, Array
from autograd_lite.errors import describe
from autograd_lite.graph import walk
from autograd_lite.lines import hint

from .module import Module, positive, whole, within

__all__ = [
    "SGD", "AdaGrad", "Adam", "AdamW", "CosineAnnealingLR", "ExponentialLR", "LambdaLR",
    "Momentum", "Optimizer", "RMSprop", "StepLR", "clip_grad_norm_",
]  # fmt: skip

Update = Callable[[Any, int, Array, Array], Array]
ENTRYWISE: set[Any] = set()
"""The updates that treat each entry by itself, so that all parameters can be taken as one array."""


def entrywise(update: Update) -> Update:
    """Mark an `Optimizer.update` as one of `ENTRYWISE`."""
    ENTRYWISE.add(update)
    return update


class Optimizer:
    """The base: holds the parameters; a subclass says by what each is changed.

    Args:
        parameters: leaf Tensors; those that get no gradient are left alone.
        lr: the learning rate α.
        max_norm: the norm of all gradients together, to which a step scales them down where they
            are longer; they are stored as they were. By default they are taken as they are.

    Raises:
        ValueError: none that requires a gradient, one twice, or a learning rate that isn't positive
            and finite; a norm that isn't positive.
        TypeError: something among them that isn't a leaf Tensor of real numbers.
    """

    __slots__ = ("__dict__", "__weakref__", "_lr", "_memory", "_steps")

    @property
    def _watched(self) -> set[str]:
        """Watched by compiled steps, which read the rest at each call."""
        return {"__dict__", *copyreg._slotnames(type(self))} - {*Optimizer.__slots__[2:]}  # type: ignore[attr-defined]

    def __init__(
        self, parameters: Iterable[Tensor], lr: float, max_norm: float | None = None
    ) -> None:
        name = type(self).__name__
        self.parameters = _listed(name, parameters)
        for i, p in enumerate(self.parameters):
            if not (isinstance(p, Tensor) and p.is_leaf):
                said = f"{name}: parameter {i} is no leaf Tensor, but {p!r}"
                raise TypeError(f"{said}; make one: Tensor(value, requires_grad=True)")
            if p.dtype.kind == "c":
                said = f"{name}: parameter {i} is complex, and the steps are those of real numbers"
                raise TypeError(f"{said}; keep its real and imaginary parts as two parameters")
        if not any(p.requires_grad for p in self.parameters):
            raise ValueError(f"{name}: there are no parameters to train")
        if len(set(self.parameters)) < len(self.parameters):
            raise ValueError(f"{name}: a parameter is given twice, and would take each step twice")
        self.lr = positive(f"{name}: lr", lr)
        self.max_norm = None if max_norm is None else _norm(name, max_norm)
        self._memory: dict[str, list[Array]] = {}
        self._steps = [0] * len(self.parameters)  # of each, since its first gradient

    @property
    def lr(self) -> float:
        """The learning rate α; it may be changed between steps, also to 0."""
        return self._lr

    @lr.setter
    def lr(self, value: float) -> None:
        self._lr = float(within(f"{type(self).__name__}: lr", value, math.inf))

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        forget_gradients(self.parameters)

    def step(self) -> None:
        """Change each parameter by what its gradient asks for."""
        update = self.update
        all_grads = enumerate((p, p.grad) for p in self.parameters)
        found = [(i, p, grad) for i, (p, grad) in all_grads if grad is not None]
        for _, parameter, grad in found:
            _refuse_mixed(self, parameter, grad)
        grads = self.clipped([grad for *_, grad in found])
        for (i, parameter, _), grad in zip(found, grads, strict=True):
            self._steps[i] += 1
            parameter._replace(update(i, array_of(parameter), grad))

    def clipped(self, grads: list[Any]) -> list[Any]:
        """The gradients of all parameters, no longer together than ``max_norm``."""
        return grads if self.max_norm is None else _clipped(grads, self.max_norm)[1]

    def update(self, i: int, value: Array, grad: Array) -> Array:
        """The new value of parameter ``i``, of the shape of ``value`` and ``grad``."""
        raise NotImplementedError(f"{type(self).__name__} has no update: define it")

    def remembered(self, what: str) -> list[Array]:
        """One array a parameter, zeros at first, that lives from step to step."""
        try:
            return self._memory[what]
        except KeyError:
            self._memory[what] = [np.zeros_like(array_of(p)) for p in self.parameters]
            return self._memory[what]


def _refuse_mixed(optimizer: Optimizer, parameter: Tensor, grad: Any) -> None:
    """Refuse a step by which a parameter of NumPy would become another library's array."""
    if is_foreign(grad) and not is_foreign(array_of(parameter)):
        raise TypeError(
            f"{type(optimizer).__name__}: {describe(parameter, 'a parameter')} is NumPy's, and its "
            f"gradient {type(grad).__module__.partition('.')[0]}'s, whose graph grows. Load all "
            "gradients, such as by dask.compute, and set p.grad; or set p.data, of that library"
        )


def _listed(where: str, parameters: Iterable[Tensor]) -> list[Tensor]:
    if isinstance(parameters, Tensor) or callable(parameters):
        raise TypeError(f"{where}: give a list of parameters, such as net.parameters()")
    return list(parameters)


def _norm(where: str, max_norm: float) -> float:
    if not max_norm > 0:
        raise ValueError(f"{where}: max_norm must be positive, not {max_norm!r}")
    return max_norm


def _clipped(grads: list[Any], max_norm: float) -> tuple[Any, list[Any]]:
    norm: Any = np.sqrt(sum(np.sum(g * g) for g in grads))
    scale = np.minimum(max_norm / (norm + 1e-6), 1.0)
    return norm, [g * scale.astype(g.dtype) for g in grads]


def clip_grad_norm_(parameters: Iterable[Tensor], max_norm: float) -> float:
    """Scale stored gradients so that all together are no longer than ``max_norm``.

    For loops of one's own; optimizers take ``max_norm=``. Returned is the norm that they had.

    Raises:
        ValueError: a norm that isn't positive.
        TypeError: a net; its parameters are meant.

    Example:
        >>> import autograd_lite as ag, nn
        >>> w = ag.Tensor([0.0, 0.0], requires_grad=True)
        >>> w.grad = np.array([3.0, 4.0])
        >>> nn.clip_grad_norm_([w], 1.0), w.grad.round(3)
        (5.0, array([0.6, 0.8]))
    """
    where = "clip_grad_norm_"
    found = [p for p in _listed(where, parameters) if p.grad is not None]
    norm, grads = _clipped([p.grad for p in found], _norm(where, max_norm))
    for p, grad in zip(found, grads, strict=True):
        p.grad = grad
    return float(norm)


class SGD(Optimizer):
    """``w ← w − α g``.

    Example:
        >>> import autograd_lite as ag, nn
        >>> w = ag.Tensor([1.0], requires_grad=True)
        >>> optimizer = nn.SGD([w], lr=0.1)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w.data
        array([0.8])
    """

    def step(self) -> None:
        met = FOREIGN and not FOREIGN.isdisjoint(map(type, map(grad_of, self.parameters)))
        if met or not is_descent(self):
            return super().step()
        if Mode.entered:
            tell("write", self.parameters[0], "data")
        return descend(self.parameters, self._lr)

    @entrywise
    def update(self, i: int, value: Array, grad: Array) -> Array:
        return value - self.lr * grad


_descent = SGD.step, SGD.update, SGD.lr


def check_trained(where: str, net: Any, loss: Tensor, optimizer: Optimizer) -> None:
    """Say what requires a gradient, is used in the loss, and isn't trained.

    Raises:
        ValueError: nothing of it is.

    Warns:
        UserWarning: some of it isn't; its names, and those in ``net``.
    """
    used = [t for t in walk(loss) if t.is_leaf and t.requires_grad]
    idle = [t for t in used if t not in set(optimizer.parameters)]
    if len(idle) == len(used):
        raise ValueError(
            f"{where}: the loss depends on none of the optimizer's parameters, so that nothing "
            "would be trained; give it those of this net: net.parameters()"
        )
    if idle:
        held = list(net.named_tensors()) if isinstance(net, Module) else []
        paths = {x: f"in {path}, which is no leaf" for path, t in held for x in walk(t)}
        paths |= {t: f"in the net {path}" for path, t in held if t.is_leaf}
        said = [describe(t) + (f" ({paths[t]})" if t in paths else "") for t in idle]
        hint(
            f"{where}: {', '.join(said)}: used in the loss, requiring a gradient, but not trained: "
            "the optimizer hasn't got it; give it that, as a leaf, or set its requires_grad = False"
        )


def is_descent(optimizer: Optimizer) -> bool:
    """Whether a step is ``w − α ∇w``, as `SGD` has it: nothing of it was replaced, in a subclass
    or on the object.
    """
    kind, own = type(optimizer), vars(optimizer)
    as_sgd = (kind.step, kind.update, kind.lr) == _descent
    return as_sgd and optimizer.max_norm is None and "step" not in own and "update" not in own


class Momentum(Optimizer):
    """``v ← μ v + g``, ``w ← w − α v``; with ``nesterov``, ``w ← w − α (g + μ v)``.

    As in PyTorch's ``SGD(momentum=μ)``.

    Example:
        >>> import autograd_lite as ag, nn
        >>> w = ag.Tensor([1.0, -2.0], requires_grad=True)
        >>> optimizer = nn.Momentum([w], lr=0.1)
        >>> for _ in range(2):
        ...     optimizer.zero_grad()
        ...     (w * w).sum().backward()
        ...     optimizer.step()
        >>> w.data.round(4)
        array([ 0.46, -0.92])
    """

    def __init__(
        self, parameters: Iterable[Tensor], lr: float, momentum: float = 0.9,
        nesterov: bool = False, max_norm: float | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parameters, lr, max_norm)
        self.momentum, self.nesterov = within("Momentum: momentum", momentum), nesterov

    @entrywise
    def update(self, i: int, value: Array, grad: Array) -> Array:
        v = self.remembered("v")
        v[i] = self.momentum * v[i] + grad
        return value - self.lr * (grad + self.momentum * v[i] if self.nesterov else v[i])


class AdaGrad(Optimizer):
    """``r ← r + g²``, ``w ← w − α g / (√r + ε)``. Duchi et al. (2011).

    Example:
        >>> import autograd_lite as ag, nn
        >>> w = ag.Tensor([1.0, -2.0], requires_grad=True)
        >>> optimizer = nn.AdaGrad([w], lr=0.1)
        >>> for _ in range(2):
        ...     optimizer.zero_grad()
        ...     (w * w).sum().backward()
        ...     optimizer.step()
        >>> w.data.round(4)
        array([ 0.8331, -1.8311])
    """

    def __init__(
        self, parameters: Iterable[Tensor], lr: float = 0.01, eps: float = 1e-10,
        max_norm: float | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parameters, lr, max_norm)
        self.eps = within("AdaGrad: eps", eps, math.inf)

    @entrywise
    def update(self, i: int, value: Array, grad: Array) -> Array:
        r = self.remembered("r")
        r[i] = r[i] + grad * grad
        return value - self.lr * grad / (np.sqrt(r[i]) + self.eps)


class RMSprop(Optimizer):
    """``r ← ρ r + (1 − ρ) g²``, ``w ← w − α g / (√r + ε)``. Tieleman and Hinton (2012).

    Example:
        >>> import autograd_lite as ag, nn
        >>> w = ag.Tensor([1.0, -2.0], requires_grad=True)
        >>> optimizer = nn.RMSprop([w], lr=0.1)
        >>> for _ in range(2):
        ...     optimizer.zero_grad()
        ...     (w * w).sum().backward()
        ...     optimizer.step()
        >>> w.data.round(4)
        array([-0.   , -0.551])
    """

    def __init__(
        self, parameters: Iterable[Tensor], lr: float = 0.01, rho: float = 0.99,
        eps: float = 1e-8, max_norm: float | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parameters, lr, max_norm)
        self.rho, self.eps = within("RMSprop: rho", rho), within("RMSprop: eps", eps, math.inf)

    @entrywise
    def update(self, i: int, value: Array, grad: Array) -> Array:
        r = self.remembered("r")
        r[i] = self.rho * r[i] + (1 - self.rho) * grad * grad
        return value - self.lr * grad / (np.sqrt(r[i]) + self.eps)


class Adam(Optimizer):
    """``m ← β₁ m + (1 − β₁) g``, ``r ← β₂ r + (1 − β₂) g²``, both divided by ``1 − β^t``, and
    ``w ← w − α m / (√r + ε)``. Kingma and Ba (2015).

    Example:
        >>> import autograd_lite as ag, nn
        >>> w = ag.Tensor([1.0, -2.0], requires_grad=True)
        >>> optimizer = nn.Adam([w], lr=0.1)
        >>> for _ in range(2):
        ...     optimizer.zero_grad()
        ...     (w * w).sum().backward()
        ...     optimizer.step()
        >>> w.data.round(4)
        array([ 0.8004, -1.8002])
    """

    def __init__(
        self, parameters: Iterable[Tensor], lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        max_norm: float | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parameters, lr, max_norm)
        name, (beta1, beta2) = type(self).__name__, betas
        self.betas = within(f"{name}: betas[0]", beta1), within(f"{name}: betas[1]", beta2)
        self.eps = within(f"{name}: eps", eps, math.inf)

    @entrywise
    def update(self, i: int, value: Array, grad: Array) -> Array:
        m, r = self.remembered("m"), self.remembered("r")
        beta1, beta2 = self.betas
        m[i] = beta1 * m[i] + (1 - beta1) * grad
        r[i] = beta2 * r[i] + (1 - beta2) * grad * grad
        t = self._steps[i]
        unbiased_m = m[i] / (1 - beta1**t)
        unbiased_r = r[i] / (1 - beta2**t)
        return value - self.lr * unbiased_m / (np.sqrt(unbiased_r) + self.eps)


class AdamW(Adam):
    """`Adam` of ``(1 − α λ) w``: weight decay apart from the gradient.

    Loshchilov and Hutter (2019).

    Example:
        >>> import autograd_lite as ag, nn
        >>> w = ag.Tensor([1.0, -2.0], requires_grad=True)
        >>> optimizer = nn.AdamW([w], lr=0.1, weight_decay=0.1)
        >>> for _ in range(2):
        ...     optimizer.zero_grad()
        ...     (w * w).sum().backward()
        ...     optimizer.step()
        >>> w.data.round(4)
        array([ 0.7816, -1.7614])
    """

    def __init__(
        self, parameters: Iterable[Tensor], lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0.01, max_norm: float | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parameters, lr, betas, eps, max_norm)
        self.weight_decay = within("AdamW: weight_decay", weight_decay, math.inf)

    @entrywise
    def update(self, i: int, value: Array, grad: Array) -> Array:
        return super().update(i, (1 - self.lr * self.weight_decay) * value, grad)


# ---------------------------------------------------------------------- schedules

# Of the learning rate: after t calls of `step` it is a function of t.


class LambdaLR:
    """``α_t = α_0 · f(t)``: the base, and for a schedule of one's own.

    Args:
        optimizer: whose learning rate is changed; what it is now is α_0.
        factor: f, of the number of calls of `step` so far.

    Raises:
        TypeError: no optimizer of nn's.
        ValueError: a rate, when its turn comes, that is negative or not finite.

    Example:
        >>> import autograd_lite as ag, nn
        >>> optimizer = nn.SGD([ag.Tensor(1.0, requires_grad=True)], lr=0.5)
        >>> warmup = nn.LambdaLR(optimizer, lambda t: min(1, (t + 1) / 5))
        >>> optimizer.lr
        0.1
        >>> warmup.step()
        >>> optimizer.lr
        0.2
    """

    def __init__(self, optimizer: Optimizer, factor: Callable[[int], float]) -> None:
        if not isinstance(optimizer, Optimizer):
            name = type(self).__name__
            raise TypeError(f"{name}: give one of nn's optimizers, not {optimizer!r}")
        self.optimizer, self.factor = optimizer, factor
        self.base, self.t = optimizer.lr, 0
        self._set()

    def step(self) -> None:
        """The next learning rate: called after each epoch, or after each step, as you like."""
        self.t += 1
        self._set()

    def _set(self) -> None:
        self.optimizer.lr = self.base * self.factor(self.t)


class StepLR(LambdaLR):
    """``α_0 · γ^⌊t / n⌋``: every ``step_size`` n calls it is multiplied with ``gamma`` γ.

    Raises:
        ValueError: a step size that isn't an int of at least 1; else as `LambdaLR`.

    Example:
        >>> import autograd_lite as ag, nn
        >>> optimizer = nn.SGD([ag.Tensor(1.0, requires_grad=True)], lr=1.0)
        >>> schedule = nn.StepLR(optimizer, step_size=2)
        >>> rates = []
        >>> for _ in range(4):
        ...     rates.append(round(optimizer.lr, 4))
        ...     schedule.step()
        >>> rates
        [1.0, 1.0, 0.1, 0.1]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        n = whole("StepLR: step_size", step_size, 1)
        super().__init__(optimizer, lambda t: gamma ** (t // n))


class ExponentialLR(LambdaLR):
    """``α_0 · γ^t``, with the errors of `LambdaLR`.

    Example:
        >>> import autograd_lite as ag, nn
        >>> optimizer = nn.SGD([ag.Tensor(1.0, requires_grad=True)], lr=1.0)
        >>> schedule = nn.ExponentialLR(optimizer, gamma=0.5)
        >>> rates = []
        >>> for _ in range(4):
        ...     rates.append(round(optimizer.lr, 4))
        ...     schedule.step()
        >>> rates
        [1.0, 0.5, 0.25, 0.125]
    """

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        super().__init__(optimizer, lambda t: gamma**t)


class CosineAnnealingLR(LambdaLR):
    """``α_min + (α_0 − α_min) · ½ (1 + cos(π t / T))``. Loshchilov and Hutter (2017).

    Args:
        optimizer: whose learning rate is changed.
        t_max: T, the calls after which it is α_min.
        eta_min: α_min.

    Raises:
        ValueError: a ``t_max`` that isn't an int of at least 1; else as `LambdaLR`.

    Example:
        >>> import autograd_lite as ag, nn
        >>> optimizer = nn.SGD([ag.Tensor(1.0, requires_grad=True)], lr=1.0)
        >>> schedule = nn.CosineAnnealingLR(optimizer, t_max=4)
        >>> rates = []
        >>> for _ in range(4):
        ...     rates.append(round(optimizer.lr, 4))
        ...     schedule.step()
        >>> rates
        [1.0, 0.8536, 0.5, 0.1464]
    """

    def __init__(self, optimizer: Optimizer, t_max: int, eta_min: float = 0.0) -> None:
        n, least = whole("CosineAnnealingLR: t_max", t_max, 1), eta_min / optimizer.lr
        super().__init__(
            optimizer, lambda t: least + (1 - least) * (1 + math.cos(math.pi * t / n)) / 2
        )
