"""A training step as one writes it in NumPy, layer by layer, without a framework.

The three networks of the benchmark are written out; the loop is for those that grow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def sigmoid(s: Any) -> Any:
    return 1.0 / (1 + np.exp(-s))


def two_sigmoid_layers(weights: Any, biases: Any, x: Any, y: Any, lr: float) -> Callable[[], Any]:
    (w_01, w_12), (b_01, b_12), q = weights, biases, len(x)

    def step() -> Any:
        nonlocal w_01, w_12, b_01, b_12
        l_1 = sigmoid(np.dot(x, w_01) + b_01)
        l_2 = sigmoid(np.dot(l_1, w_12) + b_12)
        loss = -np.sum(y * np.log(l_2) + (1 - y) * np.log(1 - l_2)) / q
        delta_2 = (l_2 - y) / q
        delta_1 = delta_2.dot(w_12.T) * (l_1 * (1 - l_1))
        b_12 -= lr * np.sum(delta_2, axis=0, keepdims=True)
        b_01 -= lr * np.sum(delta_1, axis=0, keepdims=True)
        w_12 -= lr * l_1.T.dot(delta_2)
        w_01 -= lr * x.T.dot(delta_1)
        return loss

    return step


def three_sigmoid_layers(weights: Any, biases: Any, x: Any, y: Any, lr: float) -> Callable[[], Any]:
    (w_01, w_12, w_23), (b_01, b_12, b_23), q = weights, biases, len(x)

    def step() -> Any:
        nonlocal w_01, w_12, w_23, b_01, b_12, b_23
        l_1 = sigmoid(np.dot(x, w_01) + b_01)
        l_2 = sigmoid(np.dot(l_1, w_12) + b_12)
        l_3 = sigmoid(np.dot(l_2, w_23) + b_23)
        loss = -np.sum(y * np.log(l_3) + (1 - y) * np.log(1 - l_3)) / q
        delta_3 = (l_3 - y) / q
        delta_2 = delta_3.dot(w_23.T) * (l_2 * (1 - l_2))
        delta_1 = delta_2.dot(w_12.T) * (l_1 * (1 - l_1))
        b_23 -= lr * np.sum(delta_3, axis=0, keepdims=True)
        b_12 -= lr * np.sum(delta_2, axis=0, keepdims=True)
        b_01 -= lr * np.sum(delta_1, axis=0, keepdims=True)
        w_23 -= lr * l_2.T.dot(delta_3)
        w_12 -= lr * l_1.T.dot(delta_2)
        w_01 -= lr * x.T.dot(delta_1)
        return loss

    return step


def three_relu_layers(weights: Any, biases: Any, x: Any, y: Any, lr: float) -> Callable[[], Any]:
    (w_01, w_12, w_23), (b_01, b_12, b_23), q = weights, biases, len(x)

    def step() -> Any:
        nonlocal w_01, w_12, w_23, b_01, b_12, b_23
        l_1 = x @ w_01
        l_1 += b_01
        np.maximum(l_1, 0, out=l_1)
        l_2 = l_1 @ w_12
        l_2 += b_12
        np.maximum(l_2, 0, out=l_2)
        z = l_2 @ w_23 + b_23
        z -= z.max(axis=1, keepdims=True)
        e = np.exp(z)
        total = e.sum(axis=1, keepdims=True)
        loss = np.sum(y * (np.log(total) - z)) / q
        delta_3 = (e / total - y) / q
        delta_2 = delta_3 @ w_23.T
        delta_2 *= l_2 > 0
        delta_1 = delta_2 @ w_12.T
        delta_1 *= l_1 > 0
        b_23 -= lr * delta_3.sum(axis=0, keepdims=True)
        b_12 -= lr * delta_2.sum(axis=0, keepdims=True)
        b_01 -= lr * delta_1.sum(axis=0, keepdims=True)
        w_23 -= lr * (l_2.T @ delta_3)
        w_12 -= lr * (l_1.T @ delta_2)
        w_01 -= lr * (x.T @ delta_1)
        return loss

    return step


def sigmoid_layers(weights: Any, biases: Any, x: Any, y: Any, lr: float) -> Callable[[], Any]:
    q = len(x)

    def step() -> Any:
        layers = [x]
        for w, b in zip(weights, biases, strict=True):
            layers.append(sigmoid(np.dot(layers[-1], w) + b))
        prediction = layers.pop()
        loss = -np.sum(y * np.log(prediction) + (1 - y) * np.log(1 - prediction)) / q
        delta = (prediction - y) / q
        for k in reversed(range(len(weights))):
            l_k = layers[k]
            dw, db = l_k.T.dot(delta), np.sum(delta, axis=0, keepdims=True)
            if k:
                delta = delta.dot(weights[k].T) * (l_k * (1 - l_k))
            weights[k] -= lr * dw
            biases[k] -= lr * db
        return loss

    return step
