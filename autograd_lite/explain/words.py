"""Every word of the page, in each of its languages."""

from __future__ import annotations

LANGUAGES = ("en", "zh")
WORDS: dict[str, tuple[str, str]] = {
    "title": ("{name}, step by step", "逐步讲解 {name}"),
    "steps": ("Steps", "步骤"),
    "back": ("Back", "上一步"),
    "next": ("Next", "下一步"),
    "play": ("Play", "播放"),
    "pause": ("Pause", "暂停"),
    "step": ("Step", "步骤"),
    "predict": ("Predict", "先猜一猜"),
    "forward": ("Forward", "前向传播"),
    "loss": ("Loss", "损失"),
    "output": ("Output", "输出"),
    "backward": ("Backward", "反向传播"),
    "update": ("Update", "更新"),
    "figure": (
        "The graph of {name}: circles are tensors, ellipses are computations, dashed red arrows "
        "are the backward pass",
        "{name} 的计算图：圆圈表示张量，椭圆表示计算，红色虚线箭头表示反向传播",
    ),
    "chain": ("Chain rule", "链式法则"),
    "given": ("By the rules", "按求导规则"),
    "result": ("Simplified", "化简后"),
    "formula": ("Formula", "公式"),
    "with": ("With", "其中"),
    "shapes": ("Shapes: {shapes}", "形状：{shapes}"),
    "line": ("Line", "代码行"),
    "operands": ("From", "来自"),
    "value": ("Result", "结果"),
    "contributions": ("{name} is used {n} times: the contributions add up",
        "{name} 被使用了 {n} 次：各条路径的贡献相加"),
    "through": ("through {name}", "经由 {name}"),
    "rest": ("{n} more together", "其余 {n} 项之和"),
    "sum": ("Sum: {name}", "总和：{name}"),
    "empty": ("no entries", "没有元素"),
    "matrix": ("{name}, {shape}", "{name},{shape}"),
    "entries": ("{n} entries", "{n} 个元素"),
    "min": ("min", "最小值"),
    "max": ("max", "最大值"),
    "mean": ("mean", "平均值"),
    "norm": ("norm", "范数"),
    "no_lines": ("The page can show the line of code of each step: compute the output within",
        "本页可以显示每一步对应的代码行：请在下面的语句块中计算输出"),
    "no_engine": ("There is no figure: {error}", "没有图：缺少图的布局引擎。{error}"),
    "no_figure": (
        "There is no figure of a graph of {n} tensors; give the tensors that matter names, and "
        "explain the output of a smaller part.",
        "计算图有 {n} 个张量，太大了，没有画出。请给重要的张量命名，并讲解较小部分的输出。",
    ),
    "no_formula": (
        "The formula that the rules give isn't worth the gradient here, so it is not shown; the "
        "numbers are the engine's.",
        "按规则得到的公式在此处与梯度的数值不符，因此不显示；数值由反向传播算出。",
    ),
    "too_long": (
        "The formula is too long to be written here: name results on the way, and it is derived "
        "from one to the next.",
        "公式太长，这里写不下：请给中间结果命名，这样就可以一步一步地推导。",
    ),
    "seed": (
        "The output has {n} entries: the backward pass starts from ones, and so the gradients are "
        "those of their sum, {name}.",
        "输出有 {n} 个元素：反向传播从全 1 开始，所以这里的梯度是各元素之和 {name} 的梯度。",
    ),
    "no_backward": ("No gradient is required of anything here, so there is no backward pass.",
        "这里没有需要梯度的张量，因此没有反向传播。"),
    "abridged": (
        "The graph has {n} results. The named ones are shown as steps, and of large arrays a "
        "corner.",
        "计算图有 {n} 个结果。只把有名字的作为步骤显示，大数组只显示一角。",
    ),
    "left_out": ("{n} steps are left out here.", "此处省略了 {n} 步。"),
    "remark_rows": ("{said}, the rows of the batch.", "{said}，即批量的行数。"),
    "remark_given": ("Given: {said}.", "已知：{said}。"),
    "remark_ties": ("Where entries tie, this is one of the gradients that there are.",
        "元素相等时，梯度不唯一，这是其中之一。"),
    "remark_left_out": ("Left out of the gradients' formulas: {said} in a logarithm.",
        "梯度公式中省略了对数里的 {said}。"),
    "ask_shape": ("What shape does {name} have?", "{name} 的形状是什么？"),
    "ask_entry": ("What is {name}?", "{name} 等于多少？"),
    "check": ("Check", "检查"),
    "show": ("Show", "显示答案"),
    "right": ("Right.", "正确。"),
    "wrong": ("Not yet: try again, or have it shown.", "还不对：再试一次，或显示答案。"),
    "unreadable": ("Write a number, such as 0.25, or a shape, such as 2×3.",
        "请写一个数（如 0.25）或一个形状（如 2×3）。"),
    "shape_hint": ("rows×columns", "行数×列数"),
    "number_hint": ("a number", "一个数"),
    "gradient_shape": ("A gradient has the shape of what it is the gradient of: {shape}.",
        "梯度与它所对应的张量形状相同：{shape}。"),
    "transposed": ("The axes are exchanged: {shape}.", "行和列颠倒了：{shape}。"),
    "sign": ("The sign is wrong.", "符号反了。"),
    "no_bias": ("The bias is missing: add {b}.", "漏了偏置：要加上 {b}。"),
    "no_activation": ("{op} is missing: this is {x} itself.", "漏了 {op}：这是 {x} 本身。"),
    "not_mean": ("This is the sum: divide it by q = {q}.", "这是总和：还要除以 q = {q}。"),
    "plus": ("The gradient points upwards: subtract η ∇, and don't add it.",
        "梯度指向增大的方向：应当减去 η ∇，而不是加上。"),
    "no_rate": ("The gradient is subtracted without the learning rate η = {lr}.",
        "减去梯度时漏了学习率 η = {lr}。"),
    "other_entry": ("That is another entry: {entry}.", "这是另一个元素：{entry}。"),
    # numbers that can be changed
    "live": ("Change a number", "改动数字"),
    "live_hint": (
        "Drag a dashed number, or press Enter on it: all others follow, but for what the code "
        "computed outside of the graph.",
        "拖动带虚线的数，或选中后按回车键：其他数随之改变，只有代码在计算图之外算出的数不变。",
    ),
    "gradient_step": ("Step", "下降一步"),
    "gradient_steps": ("×10", "×10"),
    "rate": ("Learning rate", "学习率"),
    "reset": ("Reset", "复原"),
    "differs": (
        "The numbers of this page can't be changed: its script finds other ones in this browser.",
        "本页的数不能改动：在此浏览器中，脚本算出的数与页面上的不同。",
    ),
    "fixed": ("The numbers of this page can't be changed: {why}", "本页的数不能改动：{why}"),
    "fixed_large": ("with its gradients the graph has more than {n} numbers.",
        "计算图连同梯度超过 {n} 个数。"),
    "fixed_dtype": ("there are some of dtype {dtype}, and the script computes with float64.",
        "其中有 {dtype} 类型的数，而脚本只用 float64 计算。"),
    "fixed_op": ("the script can't compute the op {op}.", "脚本不能计算运算 {op}。"),
    "fixed_rule": ("a derivative depends on values in a way that isn't recorded.",
        "有一个导数以未记录的方式依赖数值。"),
    "a_result": ("a result", "某个结果"),
    "fixed_detached": ("something was compared with, or detached from, a tensor that is gone.",
        "其中有由已不存在的张量比较或分离（detach）得到的数。"),
    "fixed_lost": (
        "the code compared {name}, rounded or detached it, and what it made of that isn't in the "
        "graph. Used by itself, as in {name} * ({name} > 0) or np.where({name} > 0, …), it is.",
        "代码比较、取整或分离（detach）了 {name}，而由此得到的结果不在计算图中。请直接使用，例如写成 "
        "{name} * ({name} > 0) 或 np.where({name} > 0, …)。",
    ),
    "looks": (
        "The code looked at the values of {names} before this was computed. What it made of them, "
        "or chose by them, isn't in the graph: it stays as it is when numbers are changed.",
        "得到结果之前，代码读取了 {names} 的值。由此算出的数或作出的选择不在计算图中，改动数字时保持不变。",
    ),
    # the section on a recorded training
    "training": ("The training", "训练过程"),
    "about": ("The steps are those of iteration {step} of {last}.",
        "这里的步骤属于第 {step} 次迭代（共 {last} 次）。"),
    "see_training": ("The whole training", "整个训练过程"),
    "iteration": ("Iteration", "迭代次数"),
    "play_training": ("Play the training", "播放训练过程"),
    "state": ("Iteration {step} of {last}: loss {loss}",
        "第 {step} 次迭代（共 {last} 次）：损失 {loss}"),
    "losses": ("The loss of the batch after each number of iterations, up to {last}",
        "每次迭代后该批数据的损失，直到第 {last} 次"),
    "boundary": ("What is predicted where, and the boundary between the classes.",
        "各处的预测，以及类别之间的决策边界。"),
    "points": ("Of {all} observations {n} are drawn.", "共 {all} 个观测值，画出 {n} 个。"),
    "class": ("class {label}", "类别 {label}"),
    "nodes": ("where a node of the first layer is 0", "第一层的节点等于 0 之处"),
    "parameters": ("Parameters", "参数"),
    "thinned": ("The slider goes through {n} of the {all} iterations that were recorded, evenly.",
        "共记录了 {all} 次迭代，滑块均匀地取其中 {n} 次。"),
    "no_boundary": (
        "There is no decision boundary to draw: that takes two features, and targets that are "
        "classes, at most six.",
        "没有可画的决策边界：需要恰好两个特征，且目标是类别（最多六类）。",
    ),
    "parameters_left_out": ("{n} further parameters are left out.", "另有 {n} 个参数未显示。"),
}  # fmt: skip
"""In English and in Chinese, by what they are for."""


class Words:
    """The words of one language: ``words("next")``, ``words("entries", n=3)``.

    Raises:
        ValueError: there is no such language; it lists those there are.
    """

    def __init__(self, lang: str) -> None:
        if not isinstance(lang, str) or lang not in LANGUAGES:
            known = " and ".join(map(repr, LANGUAGES))
            raise ValueError(f"explain: lang is one of {known}, and not {lang!r}")
        self.lang = lang

    def __call__(self, key: str, **values: object) -> str:
        return WORDS[key][LANGUAGES.index(self.lang)].format_map(values)
