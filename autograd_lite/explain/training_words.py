"""The words of the section on a recorded training, in each language."""

from __future__ import annotations

from collections.abc import Mapping

ENGLISH = {
    "training": "The training",
    "about": "The steps are those of iteration {step} of {last}.",
    "see_training": "The whole training",
    "iteration": "Iteration",
    "loss": "Loss",
    "play": "Play the training",
    "pause": "Pause",
    "state": "Iteration {step} of {last}: loss {loss}",
    "losses": "The loss of the batch after each number of iterations, up to {last}",
    "boundary": "What is predicted where, and the boundary between the classes.",
    "points": "Of {all} observations {n} are drawn.",
    "class": "class {label}",
    "nodes": "where a node of the first layer is 0",
    "parameters": "Parameters",
    "thinned": "The slider goes through {n} of the {all} iterations that were recorded, evenly.",
    "no_boundary": "There is no decision boundary to draw: that takes two features, and targets "
    "that are classes, at most six.",
    "parameters_left_out": "{n} further parameters are left out.",
}

CHINESE = {
    "training": "训练过程",
    "about": "这里的步骤属于第 {step} 次迭代（共 {last} 次）。",
    "see_training": "整个训练过程",
    "iteration": "迭代次数",
    "loss": "损失",
    "play": "播放训练过程",
    "pause": "暂停",
    "state": "第 {step} 次迭代（共 {last} 次）：损失 {loss}",
    "losses": "每次迭代后该批数据的损失，直到第 {last} 次",
    "boundary": "各处的预测，以及类别之间的决策边界。",
    "points": "共 {all} 个观测值，画出 {n} 个。",
    "class": "类别 {label}",
    "nodes": "第一层的节点等于 0 之处",
    "parameters": "参数",
    "thinned": "共记录了 {all} 次迭代，滑块均匀地取其中 {n} 次。",
    "no_boundary": "没有可画的决策边界：需要恰好两个特征，且目标是类别（最多六类）。",
    "parameters_left_out": "另有 {n} 个参数未显示。",
}

WORDS: Mapping[str, Mapping[str, str]] = {"en": ENGLISH, "zh": CHINESE}
