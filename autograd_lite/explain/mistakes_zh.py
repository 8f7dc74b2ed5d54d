"""What `check` says of mistakes, in Chinese: a sentence a pattern."""

from __future__ import annotations

import re

# What a sentence of the checks says, and how it is said in Chinese; the groups are formulas.
_PATTERNS = [
    (r"(.+) has the wrong sign", "{0} 的符号反了"),
    (r"(.+) is ([^ ]+) times too large", "{0} 是正确值的 {1} 倍"),
    (r"(.+) is ([^ ]+) times too small", "{0} 只有正确值的 1/{1}"),
    (r"(.+) is ([^ ]+) times too large: divide it by the batch size (q = \S+)( \(.+\))?",
     "{0} 是正确值的 {1} 倍：还要除以批量大小 {2}{3}"),
    (r"(.+) is ([^ ]+) times too large: divide it by the number of entries (q = \S+)( \(.+\))?",
     "{0} 是正确值的 {1} 倍：还要除以元素个数 {2}{3}"),
    (r"(.+) is ([^ ]+) times too small: divide it by the (?:batch size|number of entries) "
     r"(q = \S+) once, not twice( \(.+\))?",
     "{0} 只有正确值的 1/{1}：只应除以 {2} 一次，而不是两次{3}"),
    (r"(.+) is divided by (\S+) where nothing is to be divided( \(.+\))?",
     "{0} 除以了 {1}，而这里不应该除{2}"),
    (r"(.+) is divided by (\S+) where the (?:batch size|number of entries) (q = \S+) belongs"
     r"( \(.+\))?", "{0} 除以了 {1}，而应除以 {2}{3}"),
    (r"(.+) has the shape (\(.*?\)) where it should have (\(.*?\)), and so each prediction meets "
     r"each target: (\S+)( \(.+\))?",
     "{0} 的形状是 {1}，而应为 {2}，于是每个预测都与每个目标相配：用 {3}{4}"),
    (r"(.+) is 2 times too small, and that of another loss: of (.+), and the loss is (.+)",
     "{0} 只有正确值的一半，是另一个损失 {1} 的导数，而这里的损失是 {2}"),
    (r"(.+) is 2 times too large, and that of another loss: of (.+), and the loss is (.+)",
     "{0} 是正确值的两倍，是另一个损失 {1} 的导数，而这里的损失是 {2}"),
    (r"(.+) is that of another loss: of (.+), and the loss is (.+)",
     "{0} 是另一个损失 {1} 的导数，而这里的损失是 {2}"),
    (r"(.+) = (.+) is right for (.+) after (.+), and the loss is (.+)",
     "{0} = {1} 适用于 {3} 之后的 {2}，而这里的损失是 {4}"),
    (r"(.+) = (.+) is (.+) without σ', and the loss is (.+)",
     "{0} = {1} 是 {2} 漏了 σ' 的结果，而这里的损失是 {3}"),
    (r"(.+) is that of (.+) after a sigmoid, and the loss is (.+)",
     "{0} 是 sigmoid 之后 {1} 的导数，而这里的损失是 {2}"),
    (r"(.+) is transposed", "{0} 被转置了"),
    (r"(.+) is transposed: it is (.+)", "{0} 被转置了：应为 {1}"),
    (r"(.+) is used (\d+) times, and only what comes from (.+) is in (.+): add up the "
     r"contributions \(\+= where = stands\)",
     "{0} 被使用了 {1} 次，而 {3} 中只有来自 {2} 的部分：要把各部分相加（用 +=，而不是 =）"),
    (r"(.+) is used (\d+) times, and what comes from (.+) is missing in (.+): add up the "
     r"contributions \(\+=\)",
     "{0} 被使用了 {1} 次，而 {3} 中缺少来自 {2} 的部分：要把各部分相加（用 +=）"),
    (r"(.+) is missing: multiply by (.+)", "漏了 {0}：要乘以 {1}"),
    (r"(.+) is there twice: multiply by (.+) once", "{0} 乘了两次：只应乘以 {1} 一次"),
    (r"(.+) is computed from (.+) where (.+) belongs: (.+)",
     "计算 {0} 时用了 {1}，而应当用 {2}：{3}"),
    (r"the derivative is taken at (.+) where (.+) belongs: (.+)",
     "导数取在了 {0} 处，而应取在 {1} 处：{2}"),
    (r"the derivative of (.+) stands where (.+) belongs", "用了 {0} 的导数，而应当用 {1}"),
    (r"(.+) stands where the matrix product (.+) belongs", "写成了 {0}，而应当是矩阵乘积 {1}"),
    (r"(.+) stands where (.+) belongs in (.+)", "{2} 中用了 {0}，而应当用 {1}"),
    (r"(.+) stands where (.+) belongs", "写成了 {0}，而应当是 {1}"),
    (r"(.+) is not summed: .+", "{0} 没有求和：要对各行求和（axis=0）"),
    (r"(.+) is a mean where a sum belongs: .+", "{0} 用了平均值，而应当对各行求和（axis=0）"),
    (r"(.+) is summed over the wrong axis: .+", "{0} 沿错误的轴求和了：要对各行求和（axis=0）"),
    (r"(.+) is a mean over the wrong axis: .+", "{0} 沿错误的轴取了平均：要对各行求和（axis=0）"),
    (r"(.+) is summed over all entries: .+", "{0} 对所有元素求和了：只应对各行求和（axis=0）"),
    (r"(.+) holds the first row of (.+) only: .+", "{0} 只有 {1} 的第一行：要对各行求和（axis=0）"),
]  # fmt: skip
_TRIED = [(re.compile(pattern), template) for pattern, template in _PATTERNS]
_TERMS = {
    "binary cross-entropy of logits": "对 logits 的二元交叉熵",
    "cross-entropy of logits": "对 logits 的交叉熵",
    "binary cross-entropy": "二元交叉熵",
    "cross-entropy": "交叉熵",
}


def translated(english: str) -> str | None:
    """The sentence in Chinese; None for one that isn't known."""
    fitting = [
        (len(found.groups()), template, found)
        for pattern, template in _TRIED
        if (found := pattern.fullmatch(english)) is not None
    ]
    if not fitting:
        return None
    _, template, found = max(fitting, key=lambda item: item[0])
    said = template.format(*(part or "" for part in found.groups()))
    for term, chinese in _TERMS.items():
        said = said.replace(term, chinese)
    return f"{said}。"
