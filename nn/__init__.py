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
from .files import load, save
from .layers import MLP, Linear, Sequential
from .losses import (
    BCELoss,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    HuberLoss,
    MSELoss,
    SquaredErrorLoss,
)
from .module import Module
from .normalization import BatchNorm1d, Dropout, LayerNorm
from .optimizers import (
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    Momentum,
    Optimizer,
    RMSprop,
    clip_grad_norm_,
)
from .recording import Recording
from .schedules import CosineAnnealingLR, ExponentialLR, LambdaLR, StepLR
from .sequences import LSTM, RNN, Embedding, MultiHeadAttention
from .train_step import TrainStep
from .training import CompileWarning, History, accuracy, evaluate, fit

if TYPE_CHECKING:
    from .diagram import draw

__all__ = [
    "GELU", "LSTM", "MLP", "RNN", "SGD", "AdaGrad", "Adam", "AdamW", "AvgPool2d", "BCELoss",
    "BCEWithLogitsLoss", "BatchNorm1d", "CompileWarning", "Conv2d", "CosineAnnealingLR",
    "CrossEntropyLoss", "Dropout", "Embedding", "ExponentialLR", "Flatten", "History", "HuberLoss",
    "Identity", "LambdaLR", "LayerNorm", "LeakyReLU", "Linear", "LogSoftmax", "MSELoss",
    "MaxPool2d", "Module", "Momentum", "MultiHeadAttention", "NetworkDerivation", "Optimizer",
    "RMSprop", "ReLU", "Recording", "Sequential", "SiLU", "Sigmoid", "Softmax", "Softplus",
    "SquaredErrorLoss", "StepLR", "Tanh", "TrainStep", "accuracy", "batches", "clip_grad_norm_",
    "derive", "draw", "evaluate", "fit", "gelu", "identity", "leaky_relu", "load", "log_softmax",
    "save", "silu", "softmax", "standardize",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name != "draw":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .diagram import draw  # only now, so that those who draw nothing needn't wait for it

    globals()[name] = draw
    return draw


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
