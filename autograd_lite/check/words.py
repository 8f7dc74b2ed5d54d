"""Mistakes in words: one table, by kind, in English and in Chinese.

``{0}``, ``{1}``, … are an edit's values, written: terms as formulas, axes, numbers. Of a slope
there are ``{slope}``, ``{written}``, ``{f}``, ``{s}`` and ``{l}``; ``{line}`` is the line itself,
``{contribution}`` a term of a sum with where it comes from.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from ..show.notation import number
from .readings import Readings, Slope, Term, abridged

_TABLE = """
zeros: not written yet: all zeros (or it cancels to 0, or = for += leaves a loop's last, a 0) |
    还没有写：全是零（或者互相抵消了，或者循环里写成了 = 而最后一项是零，应当用 +=）
skipped: it is ∂L/∂({0}) as it stands: what leads on from there is missing |
    它就是 ∂L/∂({0})：漏了从那里往回的步骤
sign: {line} has the wrong sign | {line} 的符号反了
large: {line} is {0} times too large | {line} 是正确值的 {0} 倍
small: {line} is {0} times too small | {line} 只有正确值的 1/{0}
q_missing: {line} is {0} times too large: divide it by the {1} q = {0} |
    {line} 是正确值的 {0} 倍：还要除以 q = {0}
q_twice: {line} is {0} times too small: 1/q is there twice; divide by the {1} q = {0} once |
    {line} 只有正确值的 1/{0}：只应除以 q = {0} 一次，而不是两次
convention: {line} is {0} times too large: 1/q stands in the lines of the parameters only, which is
    the convention of some courses (∂L/∂ has it from here on) |
    {line} 是正确值的 {0} 倍：1/q 只写在参数的梯度里，有些课程这样约定
transposed: {line} is transposed | {line} 被转置了
turned: {0} has its axes in another order, or turned round | {0} 的轴次序不对，或被翻转了
clipped: {line} is clipped to ±{0} | {line} 被裁剪到 ±{0}
summed: it is summed over {0} (or averaged), where each entry has its own: index it, d[i] += … |
    沿{0}求和（或平均）了，而这里每个元素各有自己的值：要取下标，如 d[i] += …
term_too_many: the term {1} · {0} is one too many: it doesn't belong there | 多了一项：{1} · {0}
factor_too_many: the factor {0} is one too many: it doesn't belong there | 多了因子 {0}
slope_too_many: {slope} is there once too often: the factor {written} is one too many |
    多乘了一次 {slope} = {written}
as_it_stands: it is {0} as it stands: the step from there is missing |
    它就是 {0}：漏了从那里往回的一步
of_another: it is {0}, which belongs to another tensor | 它就是 {0}，那是另一个张量的梯度
at_each: {0} stands where {1} belongs, and so each time | 每次都把 {0} 写在了 {1} 的位置
at_pass: {0} of {1} stands where its own belongs | 写成了别的一次循环（{1}）中的 {0}，而应当用本次的
updated: {0} was updated before it was used: this has {0} − {1} ∇{0} where {0} belongs; compute all
    gradients first, and then update |
    {0} 在使用之前就更新了：这里是 {0} − {1} ∇{0}；应先算出所有梯度，再更新
updated_itself: this is {0} after the update, {0} − {1} ∇{0}, and not its gradient |
    这是更新之后的 {0}，即 {0} − {1} ∇{0}，而不是它的梯度
conjugated: {line} is the complex conjugate of what it should be | {line} 被取了共轭
two: {0}; and {1} | {0}；并且 {1}
besides: {0}; besides, {1} | {0}；此外 {1}
each_time: {0}; so each of the {1} times that it is computed | {0}；计算它的 {1} 次都如此
of_g: {0}, where g is what comes back to {1} | {0}，其中 g 是传回 {1} 的梯度
through_missing: of what comes back to {0}, that by way of {1} is missing: add it up (+=) |
    传回 {0} 的梯度里漏了经过 {1} 的部分：要相加（用 +=）
only_through: of what comes back to {0}, only that by way of {1} is there: add it up (+=) |
    传回 {0} 的梯度里只有经过 {1} 的部分：要把各部分相加（用 +=）
through_times: what comes back to {0} by way of {1} {times} | 经过 {1} 传回 {0} 的部分{times}
slope_missing_to: {slope} = {written} is missing in what comes back to {1}: multiply by it |
    传回 {1} 的梯度里漏了 {slope} = {written}：要乘上它
gradient_stands: what comes back to {0} stands where what comes back to {1} belongs |
    写成了传回 {0} 的梯度，而应当是传回 {1} 的
cross_entropy: {0} − {1} stands where what comes back to {2} belongs: that is the gradient of a
    cross-entropy, and this is another loss |
    写成了 {0} − {1}，而应当是传回 {2} 的梯度：那是交叉熵的梯度，而这里是另一种损失
pass_missing: the {0} of the {1} passes of the loop is left out: its bounds are wrong |
    {1} 次循环中漏了一次（{0}）：循环的边界不对
slope_missing_through: {slope} = {written} is missing for what comes back to {l} by way of {1} |
    经过 {1} 传回 {l} 的部分漏了 {slope} = {written}
loss_missing: what comes from the loss to {0} is missing: 1 stands where it belongs |
    漏了从损失传到 {0} 的梯度：写成了 1
given: {0}; {1} is a given array of shape {2} | {0}；{1} 是给定的数组，形状为 {2}
target_missing: the term {0} is missing: the target {0} belongs to {1}: {2} | 漏了 {0}：应为 {2}
term_missing: {contribution} is missing: add it up (+=), {1} |
    漏了{contribution}：要相加（用 +=），{1}
only_term: only {contribution} is there: add up the contributions (+=), {1} |
    只有{contribution}：要把各部分相加（用 +=），{1}
block_missing: the block {0} is missing, zeros stand where it belongs: {1} |
    漏了 {0} 这一块，那里写成了零：{1}
diagonal: only the diagonal of softmax's Jacobian is there, {0} ∘ (1 − {0}), as if each entry
    depended on its own alone: {1} |
    只有 softmax 雅可比矩阵的对角线 {0} ∘ (1 − {0})，好像每一项只依赖自己：{1}
term_times: {contribution} {times}: {1} | {contribution} {times}：{1}
part_turned: {contribution} is transposed: {1} | {contribution} 被转置了：{1}
product_for_sum: a product stands where the sum {0} belongs | 写成了乘积，而应当是和 {0}
power_outside: the power {1} of {0} stands outside of the sum | {0} 的 {1} 次方写在了括号外面
factor_missing: the factor {0} is missing | 漏了因子 {0}
mask_missing: the mask {0} is missing | 漏了掩码 {0}
division_missing: the division by {0} is missing | 没有除以 {0}
twice: {0} is there twice | {0} 乘了两次
exponent: {0} stands with the exponent {1} where {2} belongs | {0} 的指数是 {1}，而应为 {2}
slope_missing: {slope} is missing: multiply by {slope} = {written}; the factor {written} is missing
    |
    漏了 {slope}：要乘以 {slope} = {written}
slope_of_s: {slope} is computed from {s} where {l} belongs: {slope} = {written} |
    计算 {slope} 时用了 {s}，而应当用 {l}：{slope} = {written}
slope_at_l: the derivative is taken at {l} where {s} belongs: {slope} = {written} |
    导数取在了 {l} 处，而应取在 {s} 处：{slope} = {written}
value_for_slope: {l} stands where its slope {slope} = {written} belongs |
    写成了 {l}，而应当是它的导数 {slope} = {written}
slope_for_value: the slope {slope} = {written} stands where {l} itself belongs |
    写成了导数 {slope} = {written}，而应当是 {l} 本身
other_slope: the derivative of {0} stands where {slope} = {written} belongs: this is the slope of
    {0}, and {l} is {f}({s}) |
    用了 {0} 的导数，而 {l} 是 {f}({s})：应为 {slope} = {written}
not_summed: {line} is not summed: the sum of {0} over {1} is missing |
    {line} 没有求和：要对 {0} 沿{1}求和
mean_for_sum: a mean where a sum belongs: of {0} over {1} | 用了平均值，而应当对 {0} 沿{1}求和
one_only: only {2} of {0} is there: sum over {1} (+=) | 只有 {0} 的一部分：要沿{1}求和（用 +=）
left_out: {1} of {0} along {2} is left out: the loop over it is one short |
    {0} 沿{2}漏了一个（{1}）：循环少了一次
step_missing: {0} stands one beside the other where the windows are {1} apart: the stride is
    missing |
    {0} 逐格排列了，而窗口的步长是 {1}：漏了步长
first_of_each: {0} goes to the first of its window only: each entry of the window has its part |
    {0} 只传给了窗口的第一个元素，而应当传给窗口中的每一个
places_for_ids: {0} is added up by the place along {1} where the ids belong |
    {0} 按沿{1}的位置相加了，而应当按编号
one_for_all: {1} of {0} along {2} stands where each belongs | {0} 沿{2}只取了一个，而应当逐个取
axis: summed over {1} instead of {2}, which is the wrong axis: {0} | {0} 沿{1}求和了，而应沿{2}
entrywise: an entrywise product stands where the matrix product {0} belongs |
    写成了逐元素的乘积，而应当是矩阵乘积 {0}
factors: the factors of {0} stand in another order, or transposed otherwise |
    {0} 的因子次序不对，或转置不对
other_block: another block of {0} is taken | 取了 {0} 的另一块
exchanged: {0} and {1} are exchanged, each stands where the other belongs | {0} 与 {1} 互换了位置
not_transposed: {0} is not transposed | {0} 没有转置
other_order: {0} is reshaped in another order, or where it should be transposed |
    {0} 按别的次序 reshape 了，或应当转置
last_wins: = where += belongs, or −=: of what comes to one place the last wins (where ids are equal,
    np.add.at adds it up) |
    写成了 =，而应当用 +=：同一位置只剩最后一个（下标相同时用 np.add.at）
end_missing: the {0} of {1} is 0: the loop over it is one short | {1}的一端（{0}）是零：循环少了一次
accumulated: what comes back to {0} is added up over the passes (+=): each has its own, = belongs |
    传回 {0} 的梯度在各步之间累加了（写成了 +=）：每一步各有自己的值，应当用 =
relu_of_it: relu is taken of the gradient itself, where the mask {0} belongs |
    对梯度本身取了 relu，而应当乘以掩码 {0}
times_where: {line} {times} where {0} is {1} | 在 {0} 为 {1} 处，{line} {times}
ids: the ids themselves stand where {0} belongs: make them one-hot |
    写成了类别编号本身，而应当是 {0}（独热编码）
other_ids: {0} is taken by the ids of {1}, in the place of its own |
    {0} 用了 {1} 的下标，而应当用它自己的
all_rows: what {0} marks in any row is marked in all of them: index each row by its own id, as in
    [np.arange(len(y)), y] |
    {0} 在各行标记的位置，每一行都标记了：要逐行取下标，如 [np.arange(len(y)), y]
inverted: {0} is inverted: its opposite stands where it belongs | {0} 取反了
stands, without, around: {0} stands where {1} belongs | 写成了 {0}，而应当是 {1}
one_for: {0} is missing: 1 stands where it belongs | 漏了 {0}：写成了 1
tiled: {0} is repeated as a whole (tile) where each of its entries is to be repeated (repeat) |
    {0} 被整体重复了（tile），而应当逐元素重复（repeat）
at_loss: {0}: that is the gradient of another loss | {0}：那是另一个损失的导数
"""
"""What is said of each kind of edit, in English and in Chinese; a line that is indented goes on."""

KINDS: dict[str, Sequence[str]] = {
    kind: said.split(" | ")
    for entry in _TABLE.replace("\n    ", " ").strip().splitlines()
    for kinds, said in [entry.split(": ", 1)] for kind in kinds.split(", ")
}

ENGLISH, CHINESE = 0, 1
_MOST = 300  # characters of what symbols of parts stand for
_SIGNS = {"sigmoid": "σ"}


def say(
    kind: str, values: tuple[Any, ...], line: str, readings: Readings | None = None,
    language: int = ENGLISH,
) -> str:  # fmt: skip
    """An edit in words.

    Args:
        kind: of the edit.
        values: what it is about.
        line: how the line's gradient is written.
        readings: writes terms.
        language: ENGLISH or CHINESE.
    """
    terms = _Terms(readings)
    said = _said(kind, values, line, terms, language)
    where = abridged(", ".join(dict.fromkeys(terms.parts)), _MOST)
    return said + (", where ", "，其中 ")[language] + where if where else said


class _Terms:
    """The terms of one sentence, written; what their parts are is said once, in the end."""

    def __init__(self, readings: Readings | None) -> None:
        self._readings, self.parts = readings, list[str]()

    def text(self, e: Term) -> str:
        if self._readings is None:
            return ""
        said, parts = self._readings.written(e)
        self.parts += parts
        return abridged(said)

    def sources(self, e: Term) -> str:
        return ", ".join(self._readings.sources(e)) if self._readings is not None else ""


def _said(kind: str, values: tuple[Any, ...], line: str, terms: _Terms, language: int) -> str:
    if kind == "times":
        return _times(values[0], line, language)
    template = KINDS[kind][language]
    named = {"line": line}
    for value in values:
        if isinstance(value, Slope):
            named |= _of_slope(value, terms)
        elif isinstance(value, Term) and "{contribution}" in template:
            named.setdefault("contribution", _contribution(value, terms, language))
    if kind in ("term_times", "times_where", "through_times"):
        named["times"] = _times(values[-1], "", language).strip()
    written = [
        _said(value[0], value[1], line, terms, language) if type(value) is tuple
        else _written(value, terms, language) if f"{{{i}}}" in template else ""
        for i, value in enumerate(values)
    ]  # fmt: skip
    return template.format(*written, **named)


def _times(k: float, line: str, language: int) -> str:
    """How an array differs from the right one by a factor: ``10 times too large``."""
    sign = KINDS["sign"][language].format(line=line)
    if k == -1:
        return sign
    size = abs(k)
    said = KINDS["large" if size > 1 else "small"][language]
    said = said.format(ratio(max(size, 1 / size)), line=line)
    joined = (" and ", "；")[language]
    return said if k > 0 else sign + joined + said.removeprefix(line).strip()


def _of_slope(slope: Slope, terms: _Terms) -> dict[str, str]:
    f = _SIGNS.get(slope.op.name, slope.op.name)
    s, l, unit = map(terms.text, (slope.of, slope.result, slope.unit))  # noqa: E741
    return {"f": f, "s": s, "l": l, "slope": f"{f}'({s})", "written": unit}


def _contribution(e: Term, terms: _Terms, language: int) -> str:
    """A term of a sum, and which tensors it comes from."""
    names, text = terms.sources(e), terms.text(e)
    if language == CHINESE:
        return f"来自 {names} 的项 {text}" if names else f"项 {text}"
    return f"what comes from {names} (the term {text})" if names else f"the term {text}"


def _written(value: Any, terms: _Terms, language: int) -> str:
    """One of an edit's values: a term, axes, a name, or a number."""
    if isinstance(value, frozenset):
        axes = ", ".join(map(str, sorted(value)))
        if not axes:
            return "所有元素" if language else "all entries"
        return f"轴 {axes} " if language else f"{'axis' if len(value) == 1 else 'axes'} {axes}"
    if isinstance(value, Term):
        return terms.text(value)
    return ratio(value) if isinstance(value, int | float) else value if type(value) is str else ""


def ratio(value: float) -> str:
    """A ratio as a small fraction where decimals don't end: ``2``, ``0.5``, ``4/3``, ``0.1234``."""
    simple = Fraction(value).limit_denominator(100)
    if 100 % simple.denominator and abs(float(simple) - value) <= 1e-8 * abs(value):
        return str(simple).replace("-", "−")
    return number(value)
