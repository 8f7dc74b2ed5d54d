"""What the lesson says, in English and in Chinese."""

from __future__ import annotations

from dataclasses import dataclass

LANGUAGES = ("en", "zh")


@dataclass(frozen=True)
class Words:
    """The lesson's sentences in one language.

    Attributes:
        lang: one of `LANGUAGES`.
    """

    lang: str = "en"

    def __call__(self, key: str, **values: object) -> str:
        """The sentence of that key, with values put in; one without a key is its own text."""
        texts = TEXTS.get(key, (key, key))
        return texts[LANGUAGES.index(self.lang)].format(**values)


TEXTS: dict[str, tuple[str, str]] = {
    # ------------------------------------------------------------------ the page
    "title": ("Chapter 4: deep neural networks", "第 4 章　深度神经网络"),
    "lead": (
        "A network is a chain of simple functions. To train it one asks how the loss changes with "
        "each of its numbers, and the chain rule answers, one link at a time, from the loss back. "
        "This is the chapter as a lesson: what happens, why, and every number and figure of it "
        "(but 4-2, a nerve cell) computed and drawn by autograd_lite.",
        "神经网络是一串简单函数的复合。训练网络，就是要知道损失随每一个参数怎样变化；"
        "链式法则从损失出发，一环一环往回推，给出答案。"
        "本页按本章的顺序讲解：发生了什么，为什么；"
        "书中的数字和图（图 4-2 神经细胞除外）都由 autograd_lite 算出、画出。",
    ),
    "agree": (
        "{agree} of {compared} numbers and formulas agree",
        "{compared} 个数字与公式中有 {agree} 个一致",
    ),
    "agree_as": ("{agree} as printed.", "{agree}（与书中逐位相同）。"),
    "figures": ("{n} figures: {path}", "{n} 幅图：{path}"),
    "default": ("Default data: {file}.", "Default 数据：{file}。"),
    "contents": ("Sections", "各节"),
    "try": ("Try it first", "先动手试一试"),
    "try_it": (
        "This is the network of section 4.2 with all its numbers. Walk through it with the arrow "
        "keys: forward to the loss, then back to every gradient.",
        "这是 4.2 节的网络和它的全部数字。用方向键逐步走：先正向算到损失，再反向算出每个梯度。",
    ),
    "open": ("Open it on a page of its own", "在单独的页面中打开"),
    "step": ("Step through it, forward and back", "逐步查看正向与反向的计算"),
    "training": ("Watch the training, step by step", "逐步查看训练过程"),
    "compared": ("Beside the book: {agree}", "与书对照：{agree}"),
    "printed": ("printed", "书中"),
    "ours": ("ours", "本页"),
    "source": ("source", "来源"),
    "book": ("book", "书"),
    "by hand": ("by hand", "手写代码"),
    "book, other data": ("book, other data", "书（所用数据不同）"),
    "figure": ("Fig. {number}", "图 {number}"),
    "yours": ("As a learner writes it", "学习者自己的写法"),
    "library": ("With nn", "用 nn"),
    "same": (
        "Two programs, one derivation: in the first σ is spelled out and the loss is written by "
        "hand, in the second both are calls. What is derived from them is the same, line by line.",
        "两段程序，同一个推导：前一段自己写出 σ 和损失，后一段只调用现成的函数；"
        "由它们推导出的公式逐行相同。",
    ),
    # ------------------------------------------------------------------ 4.1.1
    "4.1.1": (
        "Logistic regression by stochastic gradient descent", "logistic 回归与随机梯度下降",
    ),
    "4.1.1.idea": (
        "The smallest network is a weighted sum that goes through σ, which makes a probability of "
        "it. It is trained one observation at a time: predict, measure the loss, move each number "
        "a little against its derivative. Since σ(s) = ½ exactly where s = 0, the boundary between "
        "the classes is a straight line.",
        "最小的网络就是一个加权和，再经过 σ 变成概率。训练时每次只看一个观测点：预测，计算损失，"
        "再让每个参数朝导数的反方向移动一小步。σ(s) = ½ 恰好在 s = 0 处成立，"
        "所以两类之间的边界是一条直线。",
    ),
    "4.1.1.remark": (
        "A straight line separates data 1; of data 2 one point stays on the wrong side.",
        "一条直线能分开数据 1；对数据 2，总有一个点落在错误的一侧。",
    ),
    "loss_of": ("data {data}: loss, epoch {epoch}", "数据 {data}：第 {epoch} 轮的损失"),
    "predictions_of": ("data {data}: predictions", "数据 {data}：预测"),
    # ------------------------------------------------------------------ 4.1.2
    "4.1.2": (
        "A network with a hidden layer, 2-2-1, on data 2", "具有隐藏层的神经网络：2-2-1，数据 2",
    ),
    "4.1.2.idea": (
        "Two lines do what one can't. Let two logistic models each draw a line, and give their "
        "results to a third: in the plane of (h₁, h₂) the four points lie so that one line "
        "separates them. Nobody says where the two lines should be; training finds them together "
        "with the third.",
        "一条直线做不到的事，两条可以。让两个 logistic 模型各画一条线，把它们的结果交给第三个："
        "在 (h₁, h₂) 平面上，四个点的位置变了，一条直线就能分开。没有人指定那两条线在哪里，"
        "它们与第三个模型一起在训练中学到。",
    ),
    "loss": ("loss, epoch {epoch}", "第 {epoch} 轮的损失"),
    "predictions": ("predictions", "预测"),
    "hidden_of": ("Table 4-1: (h₁, h₂) of ({x}, {y})", "表 4-1：点 ({x}, {y}) 的 (h₁, h₂)"),
    # ------------------------------------------------------------------ 4.2
    "4.2": ("Forward propagation, l₀ = (0, 1)", "正向传播算法，l₀ = (0, 1)"),
    "4.2.idea": (
        "Written with matrices, a layer is two lines, whatever its size: a row of values times a "
        "matrix plus a row of biases, then σ of each entry. Every intermediate result gets a name, "
        "because the way back will want it.",
        "用矩阵来写，一层不论多大都只有两行：一行数值乘矩阵，加上一行截距，再对每个元素取 σ。"
        "每个中间结果都起一个名字，因为往回算的时候还要用到它。",
    ),
    "4.2.remark": (
        "Once with nn.MLP and nn.BCELoss; once with a function written for arrays, with its own "
        "sigmoid, called with Tensors.",
        "算了两遍：一遍用 nn.MLP 和 nn.BCELoss；一遍用为数组写的函数（σ 也自己写），"
        "只是传入 Tensor。",
    ),
    "plain": ("{name}, plain NumPy code on Tensors", "{name}，普通 NumPy 代码作用于 Tensor"),
    # ------------------------------------------------------------------ 4.3
    "4.3": ("Backward propagation, y = 0", "反向传播算法，y = 0"),
    "4.3.idea": (
        "Going back, each step needs only what lies beside it. Take δ, the derivative of the loss "
        "by a layer's sum; from it the gradients of that layer's W and b are one product each, and "
        "one more product, with Wᵀ and σ', gives the δ of the layer before. So a network of any "
        "depth takes one pass, and nothing is computed twice.",
        "往回走时，每一步只需要相邻的量。记 δ 为损失对某层加权和的导数："
        "由它各用一次乘法就得到这一层 W 和 b 的梯度；"
        "再乘 Wᵀ 和 σ'，就得到前一层的 δ。所以网络再深也只要走一遍，没有什么需要重复计算。",
    ),
    "4.3.remark": (
        "δ₂, ∇W₁₂ and ∇b₁₂ are those of W₁₂ = (0.1, 0.2). The book's δ₁ takes this δ₂ back through "
        "another W₁₂, the one trained in 4.1.2.\n"
        "Both are here: with the trained W₁₂, as printed in the book; and with (0.1, 0.2) "
        "throughout, beside (δ₂ W₁₂ᵀ) ∘ l₁ ∘ (1 − l₁) by hand.\n"
        "The formulas are derived twice: of nn.MLP with nn.BCELoss, and of the chapter's own code, "
        "in which σ is 1 / (1 + np.exp(-s)) and the loss is written out.",
        "δ₂、∇W₁₂ 和 ∇b₁₂ 取 W₁₂ = (0.1, 0.2)；书中的 δ₁ 却让这个 δ₂ 经过另一个 W₁₂，"
        "即 4.1.2 节训练出来的那个。\n"
        "两种都列在这里：用训练后的 W₁₂，与书中一致；始终用 (0.1, 0.2)，"
        "与手算的 (δ₂ W₁₂ᵀ) ∘ l₁ ∘ (1 − l₁) 对照。\n"
        "公式推导了两遍：一遍来自 nn.MLP 和 nn.BCELoss；一遍来自本章自己的代码，"
        "其中 σ 写作 1 / (1 + np.exp(-s))，损失也逐项写出。",
    ),
    "trained": ("W₁₂ after the training of 4.1.2", "4.1.2 节训练后的 W₁₂"),
    "trained_of": ("{name}, trained W₁₂", "{name}，W₁₂ 为训练后的值"),
    "start_of": ("{name}, W₁₂ = (0.1, 0.2)", "{name}，取 W₁₂ = (0.1, 0.2)"),
    "derived_of": ("{name}, derived", "{name}，推导得到"),
    "numpy_of": ("{name}, of plain NumPy code", "{name}，由普通 NumPy 代码推导"),
    # ------------------------------------------------------------------ 4.4
    "4.4.1": (
        "The whole training loop: stochastic gradient descent", "训练的完整流程：随机梯度下降法",
    ),
    "4.4.1.idea": (
        "Forward, back, a step of size α; the next observation; and round again. That is all of "
        "training. The loss of one observation may rise when another is learned; over the epochs "
        "it falls.",
        "正向，反向，沿梯度走一步 α；换下一个观测点；如此循环。训练就是这些。"
        "学习一个点时，另一个点的损失可能上升；一轮一轮看，总的损失在下降。",
    ),
    "4.4.1.remark": (
        "The loop of 4.1.2 written out, instead of nn.fit.",
        "把 4.1.2 节的循环逐句写出，不用 nn.fit。",
    ),
    "4.4.2": (
        "Batch gradient descent: 2-5-5-1 on Default data",
        "批量随机梯度下降法：2-5-5-1，Default 数据",
    ),
    "4.4.2.idea": (
        "Several observations at once are the rows of l₀, and nothing else changes: the same "
        "formulas hold for q rows. Only what belongs to all rows is summed over them: ∇W = l ᵀ δ "
        "sums by itself, and ∇b = 1ᵀ δ says so. The mean over the batch is a factor 1/q in the "
        "first δ.",
        "同时处理几个观测点，就是让 l₀ 有几行，别的都不变：同样的公式对 q 行也成立。"
        "只有各行共用的量才要对行求和：∇W = lᵀ δ 的乘法本身就求了和，∇b = 1ᵀ δ 则明写出来。"
        "对一批取平均，只是在第一个 δ 里多一个因子 1/q。",
    ),
    "4.4.2.remark": (
        "The data file that the book used is not at hand, so its lines can't be met. They are "
        "shown (·), and the engine is held against the same loop by hand, on the same data.",
        "书中所用的数据文件不在手边，所以那几行数字无法对上。这里仍列出（·），"
        "并用同样的数据、手写的同一个循环来核对。",
    ),
    "4.4.2.dropped": (
        "Of {rows} rows the last {dropped} don't fill a batch of {batch} and are left out, as in "
        "the book.",
        "{rows} 行中的最后 {dropped} 行不够一批（{batch} 行），与书中一样舍去。",
    ),
    "epoch_of": ("epoch {epoch}: loss / accuracy", "第 {epoch} 轮：损失 / 准确率"),
    "apart": ("largest difference of a loss", "各轮损失的最大差"),
    "general_of": ("{name}, in general", "{name}，一般情形"),
    # ------------------------------------------------------------------ figures
    "4-1": (
        "Linear regression as a network: inputs, a weighted sum, an output.",
        "线性回归看作网络：输入、加权和、输出。",
    ),
    "4-3": (
        "The logistic model: the weighted sum goes through σ.", "logistic 模型：加权和再经过 σ。",
    ),
    "4-4": ("Data 1.", "数据 1。"),
    "4-5": (
        "Data 1: the logistic model's boundary puts every point on its side.",
        "数据 1：logistic 模型的决策边界把每个点都分对了。",
    ),
    "4-6": ("Data 2.", "数据 2。"),
    "4-7": (
        "Data 2: no line separates the classes, and one point is on the wrong side.",
        "数据 2：没有直线能分开两类，有一个点在错误的一侧。",
    ),
    "4-8": (
        "Data 2: two lines do it. They are those of the trained hidden layer.",
        "数据 2：两条直线就可以。图中的两条来自训练后的隐藏层。",
    ),
    "4-9": (
        "One hidden layer: three logistic models, of which one takes the others' results.",
        "一个隐藏层：三个 logistic 模型，其中一个以另外两个的结果为输入。",
    ),
    "4-10": (
        "What each hidden node has learned: the boundaries of h₁ and of h₂.",
        "每个隐藏节点学到了什么：h₁ 和 h₂ 的边界。",
    ),
    "4-11": (
        "The four points as the hidden layer sees them, and the output layer's boundary.",
        "隐藏层眼中的四个点，以及输出层的边界。",
    ),
    "4-12": (
        "The same network in short: circles are values, arrows carry the weights.",
        "同一个网络的简图：圆圈是数值，箭头带着权重。",
    ),
    "4-13": (
        "Two hidden layers: 4-5-4-1, without the biases.", "两个隐藏层：4-5-4-1，省略截距。",
    ),
    "4-14": (
        "The layers l₀, l₁ and l₂ of the 2-2-1 network, and what lies between them.",
        "2-2-1 网络的 l₀、l₁、l₂ 三层，以及层与层之间的计算。",
    ),
    "4-15": (
        "The graph recorded in the forward pass, from the input to the prediction.",
        "正向传播时记录下的计算图，从输入到预测。",
    ),
    "4-16": ("The graph with the loss L = ℓ(l₂, y).", "加上损失 L = ℓ(l₂, y) 的计算图。"),
    "4-17": ("Step 1: δ₂, the loss by s₂.", "第 1 步：δ₂，损失对 s₂ 的导数。"),
    "4-18": (
        "Step 2: from δ₂ to the gradients of W₁₂ and b₁₂.",
        "第 2 步：由 δ₂ 得到 W₁₂ 和 b₁₂ 的梯度。",
    ),
    "4-19": ("Step 3: from δ₂ through l₁ to δ₁.", "第 3 步：δ₂ 经过 l₁ 得到 δ₁。"),
    "4-20": (
        "Step 4: from δ₁ to the gradients of W₀₁ and b₀₁.",
        "第 4 步：由 δ₁ 得到 W₀₁ 和 b₀₁ 的梯度。",
    ),
    "4-21": (
        "From l₀ to l₁ number by number: what each element of W₀₁ and b₀₁ acts on.",
        "从 l₀ 到 l₁ 逐个数字地看：W₀₁ 和 b₀₁ 的每个元素作用在哪里。",
    ),
    "4-22": (
        "The network for the Default data, 2-5-5-1.", "用于 Default 数据的网络，2-5-5-1。",
    ),
    # ------------------------------------------------------------------ exercises
    "exercise_1": (
        "∂l₂/∂s₂ = l₂ ∘ (1 − l₂) where l₂ = σ(s₂): derived of 1 / (1 + exp(−s₂)), and at points",
        "l₂ = σ(s₂) 时 ∂l₂/∂s₂ = l₂ ∘ (1 − l₂)：由 1 / (1 + exp(−s₂)) 推导，并在若干点上验证",
    ),
    "exercise_2": (
        "Data 2, network 2-2-1, 600 epochs: several learning rates",
        "数据 2，网络 2-2-1，600 轮：不同的学习步长",
    ),
    "exercise_3": (
        "Data 2, one hidden layer, learning rate 2, 300 epochs: several sizes of it",
        "数据 2，一个隐藏层，学习步长 2，300 轮：不同的隐藏节点数",
    ),
    "exercise_4": (
        "Default data, network 2-2-1, learning rate 0.1: stochastic gradient descent",
        "Default 数据，网络 2-2-1，学习步长 0.1：随机梯度下降法",
    ),
    "exercise_5": (
        "Default data, network 2-2-1, learning rate 0.5, 100 epochs: several batch sizes",
        "Default 数据，网络 2-2-1，学习步长 0.5，100 轮：不同的批量大小",
    ),
    "exercise_6": (
        "Default data, network 2-5-5-1, learning rate 0.5: gradient descent on all the data",
        "Default 数据，网络 2-5-5-1，学习步长 0.5：全数据梯度下降法",
    ),
    "exercise_7": (
        "Advertising, network 3-2-1, squared error, learning rate 0.1: all the data at each step",
        "Advertising，网络 3-2-1，平方误差，学习步长 0.1：每步用全部数据",
    ),
    "derived_from": (
        "Derived from the code 1 / (1 + np.exp(-s)):", "由代码 1 / (1 + np.exp(-s)) 推导：",
    ),
    "since_1": (
        "since ∂L/∂l₂ is 1: L is the sum of all l₂", "因为 L 是所有 l₂ 之和，∂L/∂l₂ 为 1",
    ),
    # "Write this backward pass yourself", whose English stands in its files.
    "yourself_1": (
        "",
        "# 自己写反向传播\n\n"
        "正向传播已经写好：本章的 2-2-1 网络，两个观测点。"
        "请逐行写出反向传播，代替每个 `todo`，再运行：每一行单独评判，写错的会说明原因。\n\n"
        "正向传播记录了各个名字，所以检查时知道 `s_2` 是什么；`.data` 是普通数组。",
    ),
    "yourself_2": ("", "现在往回走。每一行可以使用正向传播的数组，以及它上面各行的结果。"),
    "yourself_3": (
        "",
        "做不出来？`print(report)` 会说明每一行应当是什么，"
        "`print(ag.derive(loss))` 会说明怎样推导。",
    ),
    "points": ("{n} points from {low} to {high}", "{n} 个点，从 {low} 到 {high}"),
    "slope_apart": (
        "largest difference of the engine's derivative from l₂ ∘ (1 − l₂): {apart}",
        "引擎求出的导数与 l₂ ∘ (1 − l₂) 的最大差：{apart}",
    ),
    "slopes": (
        "σ and its slope: steepest in the middle, and next to nothing where σ is nearly 0 or 1.",
        "σ 与它的导数：中间最陡；在 σ 接近 0 或 1 处，导数几乎为 0。",
    ),
    "hidden_nodes": ("{n} hidden", "{n} 个隐藏节点"),
    "batches_of": ("batches of {n}", "每批 {n} 行"),
    "at_epoch": ("epoch {epoch}", "第 {epoch} 轮"),
    "result": (
        "{what}   loss {loss}   accuracy {accuracy}", "{what}   损失 {loss}   准确率 {accuracy}",
    ),
    "loss_curves": ("The loss L at each epoch t.", "每一轮 t 的损失 L。"),
    "boundaries": (
        "What each side of the boundary is taken for, after training.",
        "训练之后，边界两侧各被判为哪一类。",
    ),
    "error_curve": ("The mean squared error E at each epoch t.", "每一轮 t 的均方误差 E。"),
    "synthetic": (
        "The rows are synthetic: drawn here by a formula, with noise of variance 1 in the sales.",
        "数据是人造的：按公式生成，销量中加入了方差为 1 的噪声。",
    ),
    "error_at": (
        "epoch {epoch}   mean squared error {error}   R² {r}",
        "第 {epoch} 轮   均方误差 {error}   R² {r}",
    ),
}  # fmt: skip
