"""nn: networks, losses, optimizers and training on autograd_lite, in the chapter's notation.

Rows are observations: ``s_1 = l_0 W_01 + b_01``, ``l_1 = σ(s_1)``, ``δ_k = ∂L/∂s_k``.
"""

from typing import TYPE_CHECKING, Any

from .activations import (
    GELU,
    Identity,
    LeakyReLU,
    LogSoftmax,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
    gelu,
    identity,
    leaky_relu,
    log_softmax,
    silu,
    softmax,
)
from .convolution import AvgPool2d, Conv2d, Flatten, MaxPool2d
from .data import batches, standardize
from .derivation import NetworkDerivation, derive
from .layers import MLP, Linear, Sequential
from .losses import BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, MSELoss, SquaredErrorLoss
from .module import Module
from .normalization import BatchNorm1d, Dropout, LayerNorm
from .optimizers import SGD, AdaGrad, Adam, AdamW, Momentum, Optimizer, RMSprop
from .recording import Recording
from .sequences import LSTM, RNN, Embedding, MultiHeadAttention
from .train_step import TrainStep
from .training import CompileWarning, History, accuracy, fit

if TYPE_CHECKING:
    from .diagram import draw

__all__ = [
    "MLP", "SGD", "AdaGrad", "Adam", "AdamW", "BCELoss", "BCEWithLogitsLoss", "CompileWarning",
    "CrossEntropyLoss", "History", "Identity", "LeakyReLU", "Linear", "LogSoftmax", "MSELoss",
    "Module", "Momentum", "NetworkDerivation", "Optimizer", "RMSprop", "ReLU", "Recording",
    "Sequential", "Sigmoid", "Softmax", "Softplus", "SquaredErrorLoss", "Tanh", "TrainStep",
    "accuracy", "batches", "derive", "draw", "fit", "identity", "leaky_relu", "log_softmax",
    "softmax", "standardize",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name != "draw":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .diagram import draw  # only now, so that those who draw nothing needn't wait for it

    globals()[name] = draw
    return draw


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
