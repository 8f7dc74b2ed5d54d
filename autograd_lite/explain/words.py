"""Every word of the page, in each of its languages."""

from __future__ import annotations

from collections.abc import Mapping

from . import mistakes_zh

ENGLISH = {
    "title": "{name}, step by step",
    "steps": "Steps",
    "back": "Back",
    "next": "Next",
    "play": "Play",
    "pause": "Pause",
    "step": "Step",
    "predict": "Predict",
    "forward": "Forward",
    "loss": "Loss",
    "output": "Output",
    "backward": "Backward",
    "update": "Update",
    "figure": "The graph of {name}: circles are tensors, ellipses are computations, "
    "dashed red arrows are the backward pass",
    "chain": "Chain rule",
    "given": "By the rules",
    "result": "Simplified",
    "formula": "Formula",
    "with": "With",
    "shapes": "Shapes: {shapes}",
    "line": "Line",
    "operands": "From",
    "value": "Result",
    "contributions": "{name} is used {n} times: the contributions add up",
    "through": "through {name}",
    "rest": "{n} more together",
    "sum": "Sum: {name}",
    "empty": "no entries",
    "matrix": "{name}, {shape}",
    "entries": "{n} entries",
    "min": "min",
    "max": "max",
    "mean": "mean",
    "norm": "norm",
    "no_lines": "The page can show the line of code of each step: compute the output within",
    "no_engine": "There is no figure: {error}",
    "no_figure": "There is no figure of a graph of {n} tensors; give the tensors that matter "
    "names, and explain the output of a smaller part.",
    "no_formula": "The formula that the rules give isn't worth the gradient here, so it is not "
    "shown; the numbers are the engine's.",
    "too_long": "The formula is too long to be written here: name results on the way, and it is "
    "derived from one to the next.",
    "seed": "The output has {n} entries: the backward pass starts from ones, and so the gradients "
    "are those of their sum, {name}.",
    "no_backward": "No gradient is required of anything here, so there is no backward pass.",
    "abridged": "The graph has {n} results. The named ones are shown as steps, and of large arrays "
    "a corner.",
    "left_out": "{n} steps are left out here.",
    "remark_rows": "{said}, the rows of the batch.",
    "remark_given": "Given: {said}.",
    "remark_ties": "Where entries tie, this is one of the gradients that there are.",
    "remark_left_out": "Left out of the gradients' formulas: {said} in a logarithm.",
    "ask_shape": "What shape does {name} have?",
    "ask_entry": "What is {name}?",
    "check": "Check",
    "show": "Show",
    "right": "Right.",
    "wrong": "Not yet: try again, or have it shown.",
    "wrong_shape": "{name} has another shape.",
    "unreadable": "Write a number, such as 0.25, or a shape, such as 2×3.",
    "shape_hint": "rows×columns",
    "number_hint": "a number",
    "gradient_shape": "A gradient has the shape of what it is the gradient of: {shape}.",
    "transposed": "The axes are exchanged: {shape}.",
    "sign": "The sign is wrong.",
    "no_bias": "The bias is missing: add {b}.",
    "no_activation": "{op} is missing: this is {x} itself.",
    "not_mean": "This is the sum: divide it by q = {q}.",
    "plus": "The gradient points upwards: subtract η ∇, and don't add it.",
    "no_rate": "The gradient is subtracted without the learning rate η = {lr}.",
    "other_entry": "That is another entry: {entry}.",
    "light": "Hover over a number, or go to it with the Tab key, to see which numbers it comes "
    "from.",
}

CHINESE = {
    "title": "逐步讲解 {name}",
    "steps": "步骤",
    "back": "上一步",
    "next": "下一步",
    "play": "播放",
    "pause": "暂停",
    "step": "步骤",
    "predict": "先猜一猜",
    "forward": "前向传播",
    "loss": "损失",
    "output": "输出",
    "backward": "反向传播",
    "update": "更新",
    "figure": "{name} 的计算图：圆圈表示张量，椭圆表示计算，红色虚线箭头表示反向传播",
    "chain": "链式法则",
    "given": "按求导规则",
    "result": "化简后",
    "formula": "公式",
    "with": "其中",
    "shapes": "形状：{shapes}",
    "line": "代码行",
    "operands": "来自",
    "value": "结果",
    "contributions": "{name} 被使用了 {n} 次：各条路径的贡献相加",
    "through": "经由 {name}",
    "rest": "其余 {n} 项之和",
    "sum": "总和：{name}",
    "empty": "没有元素",
    "matrix": "{name},{shape}",
    "entries": "{n} 个元素",
    "min": "最小值",
    "max": "最大值",
    "mean": "平均值",
    "norm": "范数",
    "no_lines": "本页可以显示每一步对应的代码行：请在下面的语句块中计算输出",
    "no_engine": "没有图：缺少图的布局引擎。{error}",
    "no_figure": "计算图有 {n} 个张量，太大了，没有画出。"
    "请给重要的张量命名，并讲解较小部分的输出。",
    "no_formula": "按规则得到的公式在此处与梯度的数值不符，因此不显示；数值由反向传播算出。",
    "too_long": "公式太长，这里写不下：请给中间结果命名，这样就可以一步一步地推导。",
    "seed": "输出有 {n} 个元素：反向传播从全 1 开始，所以这里的梯度是各元素之和 {name} 的梯度。",
    "no_backward": "这里没有需要梯度的张量，因此没有反向传播。",
    "abridged": "计算图有 {n} 个结果。只把有名字的作为步骤显示，大数组只显示一角。",
    "left_out": "此处省略了 {n} 步。",
    "remark_rows": "{said}，即批量的行数。",
    "remark_given": "已知：{said}。",
    "remark_ties": "元素相等时，梯度不唯一，这是其中之一。",
    "remark_left_out": "梯度公式中省略了对数里的 {said}。",
    "ask_shape": "{name} 的形状是什么？",
    "ask_entry": "{name} 等于多少？",
    "check": "检查",
    "show": "显示答案",
    "right": "正确。",
    "wrong": "还不对：再试一次，或显示答案。",
    "wrong_shape": "{name} 的形状不是这样。",
    "unreadable": "请写一个数（如 0.25）或一个形状（如 2×3）。",
    "shape_hint": "行数×列数",
    "number_hint": "一个数",
    "gradient_shape": "梯度与它所对应的张量形状相同：{shape}。",
    "transposed": "行和列颠倒了：{shape}。",
    "sign": "符号反了。",
    "no_bias": "漏了偏置：要加上 {b}。",
    "no_activation": "漏了 {op}：这是 {x} 本身。",
    "not_mean": "这是总和：还要除以 q = {q}。",
    "plus": "梯度指向增大的方向：应当减去 η ∇，而不是加上。",
    "no_rate": "减去梯度时漏了学习率 η = {lr}。",
    "other_entry": "这是另一个元素：{entry}。",
    "light": "把鼠标移到某个数上，或用 Tab 键移到它，可以看到它由哪些数算出。",
}

LANGUAGES: Mapping[str, Mapping[str, str]] = {"en": ENGLISH, "zh": CHINESE}


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
        return LANGUAGES[self.lang][key].format_map(values)

    def mistake(self, english: str) -> str | None:
        """What is wrong in a derivative, in this language; None where it can't be said in it."""
        return english if self.lang == "en" else mistakes_zh.translated(english)
