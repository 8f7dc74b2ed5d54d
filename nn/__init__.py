"""nn: networks, losses, optimizers and training on autograd_lite, in the chapter's notation.

Rows are observations: ``s_1 = l_0 W_01 + b_01``, ``l_1 = σ(s_1)``, ``δ_k = ∂L/∂s_k``.
"""

from .activations import (
    Identity,
    LeakyReLU,
    LogSoftmax,
    ReLU,
    Sigmoid,
    Softmax,
    Softplus,
    Tanh,
    identity,
    leaky_relu,
    log_softmax,
    softmax,
)
from .data import batches, standardize
from .derivation import NetworkDerivation, derive
from .diagram import draw
from .layers import MLP, Linear, Sequential
from .losses import BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, MSELoss, SquaredErrorLoss
from .module import Module
from .optimizers import SGD, AdaGrad, Adam, AdamW, Momentum, Optimizer, RMSprop
from .recording import Recording
from .train_step import TrainStep
from .training import CompileWarning, History, accuracy, fit

__all__ = [
    "MLP", "SGD", "AdaGrad", "Adam", "AdamW", "BCELoss", "BCEWithLogitsLoss", "CompileWarning",
    "CrossEntropyLoss", "History", "Identity", "LeakyReLU", "Linear", "LogSoftmax", "MSELoss",
    "Module", "Momentum", "NetworkDerivation", "Optimizer", "RMSprop", "ReLU", "Recording",
    "Sequential", "Sigmoid", "Softmax", "Softplus", "SquaredErrorLoss", "Tanh", "TrainStep",
    "accuracy", "batches", "derive", "draw", "fit", "identity", "leaky_relu", "log_softmax",
    "softmax", "standardize",
]  # fmt: skip
