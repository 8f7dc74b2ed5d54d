"""Feedforward programs, and what goes wrong in them."""

from __future__ import annotations

from .planted import (
    ALL,
    AXIS,
    EARLY,
    EVERYWHERE,
    EXPONENT,
    FLIPPED,
    LABEL,
    LOSS,
    NO_LABEL,
    OF_SIGMA,
    OF_TANH,
    PLUS,
    RELU,
    ROWS,
    SHAPE,
    SIGMA,
    SIGN,
    STEP,
    TANH,
    UNSUMMED,
    ZEROS,
    Program,
    extra,
    large,
    lost,
    mean,
    path,
    small,
    swapped,
    twice,
)  # fmt: skip

_MAKEMORE = """
    n, V, D, T, H = 8, 5, 2, 3, 4
    Xb, Yb = r.integers(0, V, (n, T)), r.integers(0, V, n)
    C, W1, b1 = r.normal(size=(V, D)), r.normal(size=(T * D, H)), r.normal(size=H)
    W2, b2 = r.normal(size=(H, V)), r.normal(size=V)
    bngain, bnbias = 1 + 0.3 * r.normal(size=(1, H)), r.normal(size=(1, H))
"""

MAKEMORE = Program(
    "embedding, batch normalisation, tanh, cross-entropy: one operation a line",
    _MAKEMORE,
    "C W1 b1 W2 b2 bngain bnbias",
    """
    emb = C[Xb]
    embcat = emb.reshape(n, -1)
    hprebn = embcat @ W1 + b1
    bnmeani = 1 / n * hprebn.sum(0, keepdims=True)
    bndiff = hprebn - bnmeani
    bndiff2 = bndiff ** 2
    bnvar = 1 / (n - 1) * bndiff2.sum(0, keepdims=True)
    bnvar_inv = (bnvar + 1e-5) ** -0.5
    bnraw = bndiff * bnvar_inv
    hpreact = bngain * bnraw + bnbias
    h = np.tanh(hpreact)
    logits = h @ W2 + b2
    logit_maxes = logits.max(1, keepdims=True)
    norm_logits = logits - logit_maxes
    counts = np.exp(norm_logits)
    counts_sum = counts.sum(1, keepdims=True)
    counts_sum_inv = counts_sum ** -1
    probs = counts * counts_sum_inv
    logprobs = np.log(probs)
    loss = -logprobs[np.arange(n), Yb].mean()
    """,
    """
    dlogprobs = np.zeros_like(logprobs)
    dlogprobs[np.arange(n), Yb] = -1 / n
    dprobs = dlogprobs / probs
    dcounts_sum_inv = (counts * dprobs).sum(1, keepdims=True)
    dcounts_sum = -counts_sum ** -2 * dcounts_sum_inv
    dcounts = counts_sum_inv * dprobs + dcounts_sum
    dnorm_logits = counts * dcounts
    dlogit_maxes = -dnorm_logits.sum(1, keepdims=True)
    dlogits = dnorm_logits + np.eye(V)[logits.argmax(1)] * dlogit_maxes
    dh = dlogits @ W2.T
    dW2 = h.T @ dlogits
    db2 = dlogits.sum(0)
    dhpreact = (1 - h ** 2) * dh
    dbngain = (bnraw * dhpreact).sum(0, keepdims=True)
    dbnbias = dhpreact.sum(0, keepdims=True)
    dbnraw = bngain * dhpreact
    dbnvar_inv = (bndiff * dbnraw).sum(0, keepdims=True)
    dbnvar = -0.5 * (bnvar + 1e-5) ** -1.5 * dbnvar_inv
    dbndiff2 = 1 / (n - 1) * np.ones_like(bndiff2) * dbnvar
    dbndiff = bnvar_inv * dbnraw + 2 * bndiff * dbndiff2
    dbnmeani = -dbndiff.sum(0, keepdims=True)
    dhprebn = dbndiff + 1 / n * dbnmeani
    dembcat = dhprebn @ W1.T
    dW1 = embcat.T @ dhprebn
    db1 = dhprebn.sum(0)
    demb = dembcat.reshape(emb.shape)
    dC = np.zeros_like(C)
    np.add.at(dC, Xb, demb)
    """,
    [
        ("dlogprobs[", "-1", large("8")),
        ("dlogprobs[", "1 / n", SIGN),
        ("dlogprobs[", "-1 / V", r"8/5|8 / 5|1\.6|" + swapped("5", "8")),
        ("dlogprobs = ", "-np.ones_like(logprobs) / n", EVERYWHERE),
        ("dprobs", "dlogprobs * probs", r"reciprocal|1 ?/ ?probs|divi|" + EXPONENT),
        ("dprobs", "1 / probs", lost("∇logprobs|∂L/∂logprobs|incoming|upstream|chain")),
        ("dprobs", "dlogprobs / counts", swapped("counts", "probs")),
        ("dcounts_sum_inv", "(counts * dprobs).sum(0, keepdims=True)", AXIS),
        ("dcounts_sum_inv", "counts * dprobs", UNSUMMED),
        ("dcounts_sum_inv", "(counts * dprobs).sum(1)", SHAPE),
        ("dcounts_sum_inv", "dprobs.sum(1, keepdims=True)", lost("counts")),
        ("dcounts_sum", "counts_sum ** -2 * dcounts_sum_inv", SIGN),
        ("dcounts_sum", "-counts_sum ** -1 * dcounts_sum_inv",
         EXPONENT + "|" + lost("counts_sum|counts_sum_inv|1/counts_sum")),
        ("dcounts_sum", "-dcounts_sum_inv", lost("counts_sum|factor|slope|derivative")),
        ("dcounts", "counts_sum_inv * dprobs", path("counts_sum|∇counts_sum", "probs")),
        ("dcounts", "dcounts_sum * np.ones_like(counts)", path("probs", "counts_sum")),
        ("dcounts", "counts_sum_inv * dprobs - dcounts_sum", SIGN),
        ("dcounts", "counts_sum * dprobs + dcounts_sum", swapped("counts_sum", "counts_sum_inv")
         + r"|reciprocal|" + EXPONENT),
        ("dnorm_logits", "dcounts", lost("counts|exp'|slope|derivative|factor") + "|" + STEP),
        ("dnorm_logits", "norm_logits * dcounts", swapped("norm_logits", "counts|exp")),
        ("dnorm_logits", "probs * dcounts", swapped("probs", "counts|exp")),
        ("dh", "dlogits @ (W2 - 0.1 * h.T @ dlogits).T", EARLY),
        ("dW2", "hpreact.T @ dlogits", swapped("hpreact", "h")),
        ("dW2", "(dlogits.T @ h)", FLIPPED),
        ("dW2", "h.T @ dlogits / n", small("8")),
        ("db2", "dlogits.sum(1)", AXIS),
        ("db2", "dlogits.mean(0)", mean("8")),
        ("db2", "dlogits", UNSUMMED),
        ("db2", "dlogits.sum()", ALL),
        ("dhpreact", "dh", TANH),
        ("dhpreact", "(1 - h) * dh", swapped("1 - h", "1 - h") + "|" + EXPONENT),
        ("dhpreact", "(1 - hpreact ** 2) * dh", swapped("hpreact", "h") + "|computed from hpreact"),
        ("dhpreact", "(1 + h ** 2) * dh", SIGN + r"|1 \+"),
        ("dhpreact", "h * (1 - h) * dh", OF_SIGMA),
        ("dbngain", "(bndiff * dhpreact).sum(0, keepdims=True)", swapped("bndiff", "bnraw")),
        ("dbngain", "(bnraw * dhpreact).sum(1, keepdims=True)", AXIS),
        ("dbngain", "bnraw * dhpreact", UNSUMMED),
        ("dbngain", "(bnraw * dh).sum(0, keepdims=True)", swapped("∇h", "∇hpreact") + "|" + TANH),
        ("dbnbias", "dhpreact.mean(0, keepdims=True)", mean("8")),
        ("dbnbias", "dh.sum(0, keepdims=True)", swapped("∇h", "∇hpreact") + "|" + TANH),
        ("dbnbias", "np.zeros_like(bnbias)", ZEROS),
        ("dbnraw", "dhpreact", lost("bngain") + "|" + STEP),
        ("dbnraw", "bnraw * dhpreact", swapped("bnraw", "bngain")),
        ("dbnraw", "dhpreact / bngain", r"reciprocal|1 ?/ ?bngain|divi|" + EXPONENT),
        ("dbnvar_inv", "(hprebn * dbnraw).sum(0, keepdims=True)", swapped("hprebn", "bndiff")),
        ("dbnvar_inv", "bndiff * dbnraw", UNSUMMED),
        ("dbnvar_inv", "(bndiff * dbnraw).mean(0, keepdims=True)", mean("8")),
        ("dbnvar", "-0.5 * (bnvar + 1e-5) ** -0.5 * dbnvar_inv", EXPONENT + "|" + lost("bnvar")),
        ("dbnvar", "0.5 * (bnvar + 1e-5) ** -1.5 * dbnvar_inv", SIGN),
        ("dbnvar", "-(bnvar + 1e-5) ** -1.5 * dbnvar_inv",
         r"\b2 times too large|" + lost("0.5|1/2|½")),
        ("dbndiff2", "1 / n * np.ones_like(bndiff2) * dbnvar", r"8/7|7/8|7 / 8|1/8|n - 1|\b7\b"),
        ("dbndiff2", "np.ones_like(bndiff2) * dbnvar", r"\b7 times too large|" + lost("1/7|n - 1")),
        ("dbndiff", "bnvar_inv * dbnraw", path("bndiff2", "bnraw")),
        ("dbndiff", "2 * bndiff * dbndiff2", path("bnraw", "bndiff2")),
        ("dbndiff", "bnvar_inv * dbnraw + bndiff * dbndiff2", r"\b2 times too small|half|"
         + lost(r"\b2\b")),
        ("dbnmeani", "dbndiff.sum(0, keepdims=True)", SIGN),
        ("dhprebn", "dbndiff", path("bnmeani", "bndiff")),
        ("dhprebn", "dbndiff + dbnmeani", r"\b8 times too large|" + lost("1/8|1/n|mean")),
        ("dhprebn", "dbndiff - 1 / n * dbnmeani", SIGN),
        ("dembcat", "dhprebn @ W1.T * embcat", extra("embcat")),
        ("dW1", "embcat.T @ dhpreact", swapped("∇hpreact", "∇hprebn")),
        ("dW1", "embcat.T @ dbndiff", swapped("∇bndiff", "∇hprebn") + "|" + path("bnmeani")),
        ("np.add.at", "dC[Xb] += demb", PLUS, "C"),
        ("np.add.at", "dC[Xb] = demb", PLUS, "C"),
    ],
)  # fmt: skip

ONE_LINE = Program(
    "the same, cross-entropy and batch normalisation in one line each",
    _MAKEMORE,
    "C W1 b1 W2 b2 bngain bnbias",
    """
    emb = C[Xb]
    embcat = emb.reshape(n, -1)
    hprebn = embcat @ W1 + b1
    bnmean = hprebn.mean(0, keepdims=True)
    bnvar = hprebn.var(0, keepdims=True, ddof=1)
    bnvar_inv = (bnvar + 1e-5) ** -0.5
    bnraw = (hprebn - bnmean) * bnvar_inv
    hpreact = bngain * bnraw + bnbias
    h = np.tanh(hpreact)
    logits = h @ W2 + b2
    _s = logits - logits.max(1, keepdims=True)
    loss = (np.log(np.exp(_s).sum(1)) - _s[np.arange(n), Yb]).mean()
    """,
    """
    p = np.exp(logits - logits.max(1, keepdims=True))
    p = p / p.sum(1, keepdims=True)
    k = n / (n - 1)
    dlogits = (p - np.eye(V)[Yb]) / n
    dh = dlogits @ W2.T
    dW2 = h.T @ dlogits
    db2 = dlogits.sum(0)
    dhpreact = (1 - h ** 2) * dh
    dbngain = (bnraw * dhpreact).sum(0, keepdims=True)
    dbnbias = dhpreact.sum(0, keepdims=True)
    d = dhpreact
    dhprebn = bngain * bnvar_inv / n * (n * d - d.sum(0) - k * bnraw * (d * bnraw).sum(0))
    dW1 = embcat.T @ dhprebn
    demb = (dhprebn @ W1.T).reshape(emb.shape)
    dC = np.zeros_like(C)
    for k in range(n): np.add.at(dC, Xb[k], demb[k])
    """,
    [
        ("dlogits", "p - np.eye(V)[Yb]", large("8")),
        ("dlogits", "p / n", NO_LABEL),
        ("dlogits", "(np.eye(V)[Yb] - p) / n", SIGN),
        ("dlogits", "(p - 1) / n", EVERYWHERE),
        ("dlogits", "p - np.eye(V)[Yb] / n", r"\b8 times too large|1/8|1/n"),
        ("dlogits", "(logits - np.eye(V)[Yb]) / n",
         LOSS + "|" + swapped("logits", "softmax|p|exp")),
        ("dlogits", "(p - np.eye(V)[Yb]) / n ** 2", small("8")),
        ("dlogits", "(p - np.eye(V)[Yb]) / (n * V)",
         r"\b5 times too small|1/40|40|" + twice("1/5|mean")),
        ("dlogits", "2 * (p - np.eye(V)[Yb]) / n", r"\b2 times too large|" + LOSS),
        ("dlogits", "p * (1 - p) * (p - np.eye(V)[Yb]) / n",
         extra(r"p|softmax|slope|1 - p|σ'|probs") + "|" + LOSS),
        ("dhprebn", "bngain * bnvar_inv * d",
         path("bnmean|bnvar|mean|variance|sum", "bnraw|hpreact|direct") + "|constant"),
        ("dhprebn", "bngain * bnvar_inv / n * (n * d - d.sum(0))",
         path("bnvar|var|bnraw") + "|constant"),
        ("dhprebn", "bngain * bnvar_inv / n * (n * d - k * bnraw * (d * bnraw).sum(0))",
         path("mean|sum") + "|constant"),
        ("dhprebn", "bngain * bnvar_inv / n * (n * d - d.sum(0) - bnraw * (d * bnraw).sum(0))",
         r"8/7|7/8|n - 1|ddof|\b7\b|1/8"),
        ("dhprebn", "bnvar_inv / n * (n * d - d.sum(0) - k * bnraw * (d * bnraw).sum(0))",
         lost("bngain")),
        ("dhprebn", "bngain / n * (n * d - d.sum(0) - k * bnraw * (d * bnraw).sum(0))",
         lost("bnvar|sqrt|√|std|factor")),
        ("dhprebn", "bngain * bnvar_inv * (n * d - d.sum(0) - k * bnraw * (d * bnraw).sum(0))",
         large("8")),
        ("dhprebn", "bngain * bnvar_inv / n * (n * d - d.sum(0) + k * bnraw * (d * bnraw).sum(0))",
         SIGN),
        ("dhprebn", "bngain * bnvar_inv / n * (n * d - d.sum(0) - k * (d * bnraw).sum(0))",
         lost("bnraw|hprebn")),
        ("dhprebn", "bngain * bnvar / n * (n * d - d.sum(0) - k * bnraw * (d * bnraw).sum(0))",
         "bnvar|expon|power|√|sqrt"),
        ("dhpreact", "(1 - np.tanh(h) ** 2) * dh",
         r"tanh\(h\)|twice|" + swapped(r"\bh\b", "hpreact")
         + "|taken at h|computed from h"),
        ("dW2", "hpreact.T @ dlogits", swapped("hpreact", "h")),
        ("dbngain", "dhpreact.sum(0, keepdims=True)",
         lost("bnraw") + "|" + swapped("∇bnbias", "∇bngain")
         + "|is ∇bnbias"),
        ("demb", "(dhprebn @ W1.T).reshape(n, D, 3).transpose(0, 2, 1)",
         "order|transpos|reshape|arrange"),
        ("for k", "for k in range(n): dC[Xb[k]] += demb[k]", PLUS, "C"),
        ("for k", "for k in range(n): dC[Xb[k]] = demb[k]", PLUS, "C"),
        ("for k", "np.add.at(dC, Xb, emb)", swapped("emb", "∇emb|demb") + r"|emb itself", "C"),
    ],
)  # fmt: skip

TWO_LAYERS = Program(
    "affine, relu, softmax, L2",
    """
    N, D, H, C, reg = 7, 4, 6, 3, 0.15
    X, y = r.normal(size=(N, D)), r.integers(0, C, N)
    W1, b1 = r.normal(size=(D, H)), r.normal(size=H)
    W2, b2 = r.normal(size=(H, C)), r.normal(size=C)
    """,
    "W1 b1 W2 b2",
    """
    z1 = np.dot(X, W1) + b1
    h1 = np.maximum(0, z1)
    scores = h1.dot(W2) + b2
    shifted = scores - np.max(scores, axis=1)[:, None]
    exp_scores = np.exp(shifted)
    probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
    data_loss = np.sum(-np.log(probs[np.arange(N), y])) / N
    loss = data_loss + reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
    """,
    """
    dscores = probs.copy()
    dscores[np.arange(N), y] -= 1
    dscores /= N
    dW2 = h1.T.dot(dscores) + 2 * reg * W2
    db2 = np.sum(dscores, axis=0)
    dh1 = dscores.dot(W2.T)
    dz1 = dh1 * (z1 > 0)
    dW1 = X.T.dot(dz1) + 2 * reg * W1
    db1 = np.sum(dz1, axis=0)
    """,
    [
        ("dscores /=", "pass", large("7")),
        ("dscores[", "pass", NO_LABEL),
        ("dscores[", "dscores[np.arange(N), y] += 1", SIGN + "|" + LABEL),
        ("dscores[", "dscores -= 1", EVERYWHERE),
        ("dscores /=", "N ** 2", small("7")),
        ("dscores /=", "C", r"7/3|2\.333|divided by 3|" + swapped("1/3", "1/7")),
        ("dscores = ", "exp_scores.copy()",
         swapped("exp|exp_scores", "probs|softmax") + "|" + lost("sum|Σ|normalisation")),
        ("dscores = ", "scores.copy()", swapped("scores", "probs|softmax|p") + "|" + LOSS),
        ("dscores = ", "-probs", SIGN),
        ("dW2", "h1.T.dot(dscores)", lost("W2|decay|penalty|0.3") + "|only"),
        ("dW2", "h1.T.dot(dscores) + reg * W2", r"\b2 times too small|half|" + lost(r"\b2\b")),
        ("dW2", "h1.T.dot(dscores) + 2 * reg", lost("W2")),
        ("dW2", "h1.T.dot(dscores) - 2 * reg * W2", SIGN),
        ("dW2", "h1.T.dot(dscores) + 2 * reg * W2 / N", r"\b7 times too small|1/7|1/N|divi"),
        ("dW2", "h1.T.dot(dscores) + 2 * reg * W2 ** 2", EXPONENT + "|" + twice("W2")),
        ("dW2", "(h1.T.dot(dscores) + 2 * reg * W2) / N", small("7")),
        ("dW2", "z1.T.dot(dscores) + 2 * reg * W2", swapped("z1", "h1")),
        ("dW2", "h1.T.dot(probs) + 2 * reg * W2", swapped("probs", "∇scores") + "|" + NO_LABEL),
        ("db2", "np.sum(dscores, axis=1)", AXIS),
        ("db2", "np.sum(dscores)", ALL),
        ("db2", "np.mean(dscores, axis=0)", mean("7")),
        ("db2", "dscores", UNSUMMED),
        ("db2", "np.sum(dscores, axis=0) + 2 * reg * b2",
         extra(r"b2|decay|penalty|0\.3") + "|decayed"),
        ("dh1", "dscores.dot(W2.T) * h1", extra("h1")),
        ("dh1", "dscores.dot((W2 - 0.5 * dW2).T)", EARLY),
        ("dz1", "dh1", RELU),
        ("dz1", "dh1 * (dh1 > 0)", "relu is taken of the gradient itself"),
        ("dz1", "dh1 * (z1 < 0)", swapped("<", ">") + r"|wrong side|< ?0|opposite|negative"),
        ("dz1", "dh1 * z1 * (z1 > 0)",
         swapped("z1|h1|relu", "relu'|z1 >|1") + "|" + extra("z1|h1")),
        ("dz1", "dh1 * (1 - h1 ** 2)", OF_TANH),
        ("dz1", "dh1 * h1 * (1 - h1)", OF_SIGMA),
        ("dW1", "X.T.dot(dz1)", lost("W1|decay|penalty|0.3") + "|only"),
        ("dW1", "X.T.dot(dz1) + 2 * reg * W2.sum()", swapped("W2", "W1") + "|W2"),
        ("dW1", "X.T.dot(dh1) + 2 * reg * W1", swapped("∇h1", "∇z1") + "|" + RELU),
        ("dW1", "dz1.T.dot(X) + 2 * reg * W1.T", FLIPPED),
        ("db1", "dz1[0]", r"first|only|one|row"),
    ],
)  # fmt: skip

LOGISTIC = Program(
    "logistic regression, rows",
    """
    m = 9
    X, y = r.normal(size=(m, 4)), r.integers(0, 2, (m, 1)) * 1.0
    w, b = r.normal(size=(4, 1)), r.normal()
    """,
    "w b",
    """
    z = X @ w + b
    a = 1 / (1 + np.exp(-z))
    loss = -(1 / m) * np.sum(y * np.log(a) + (1 - y) * np.log(1 - a))
    """,
    """
    da = -(y / a - (1 - y) / (1 - a)) / m
    dz = da * a * (1 - a)
    dw = X.T @ dz
    db = np.sum(dz)
    """,
    [
        ("da", "(y / a - (1 - y) / (1 - a)) / m", SIGN),
        ("da", "-(y / a + (1 - y) / (1 - a)) / m", SIGN),
        ("da", "-(y / a) / m", path(r"1 - y|1 - a", r"\by ?/ ?a") + r"|-y (log|ln)"),
        ("da", "-(y / a - (1 - y) / (1 - a))", large("9")),
        ("da", "(a - y) / m", LOSS + "|" + lost("a|1 - a|1/") + "|is ∇z"),
        ("dz", "a - y", large("9")),
        ("dz", "(y - a) / m", SIGN),
        ("dz", "da", SIGMA),
        ("dz", "da * (1 - a)", lost("a")),
        ("dz", "da * a", lost("1 - a")),
        ("dz", "da * z * (1 - z)", swapped("z", "a") + "|computed from z"),
        ("dz", "da * (1 - a ** 2)", OF_TANH),
        ("dz", "(a - y) * a * (1 - a) / m",
         LOSS + "|" + twice(r"a|σ'") + "|" + extra(r"a|σ'|slope|1 - a")),
        ("dw", "X.T @ (a - y) / m ** 2", small("9")),
        ("dw", "X.T @ dz / m", small("9")),
        ("dw", "X * dz", UNSUMMED + r"|matrix product|∘[^;]*stands where|elementwise"),
        ("dw", "(dz.T @ X)", FLIPPED),
        ("dw", "X.T @ a", swapped("a", "∇z") + "|" + NO_LABEL),
        ("db", "np.mean(dz)", mean("9")),
        ("db", "dz", UNSUMMED),
        ("db", "np.sum(dz) / m", small("9")),
        ("db", "np.sum(a)", swapped("a", "∇z") + "|" + NO_LABEL),
    ],
)  # fmt: skip

COURSE = Program(
    "two layers in columns, a course's convention: 1/m in the lines of the parameters only",
    """
    m = 7
    X, Y = r.normal(size=(2, m)), r.integers(0, 2, (1, m)) * 1.0
    W1, b1 = r.normal(size=(4, 2)), r.normal(size=(4, 1))
    W2, b2 = r.normal(size=(1, 4)), r.normal(size=(1, 1))
    """,
    "W1 b1 W2 b2",
    """
    Z1 = np.dot(W1, X) + b1
    A1 = np.tanh(Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = 1 / (1 + np.exp(-Z2))
    logprobs = np.multiply(np.log(A2), Y) + np.multiply(np.log(1 - A2), 1 - Y)
    loss = -np.sum(logprobs) / m
    """,
    """
    dZ2 = A2 - Y
    dW2 = np.dot(dZ2, A1.T) / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = np.dot(W2.T, dZ2) * (1 - np.power(A1, 2))
    dW1 = np.dot(dZ1, X.T) / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    """,
    [
        ("dW2", "np.dot(dZ2, A1.T)", large("7")),
        ("dW2", "np.dot(dZ2, Z1.T) / m", swapped("Z1", "A1")),
        ("db2", "np.sum(dZ2) / m * np.ones((1, 2))", SHAPE),
        ("db2", "np.sum(dZ2, axis=0, keepdims=True) / m", AXIS + "|" + UNSUMMED),
        ("db2", "np.sum(dZ2, axis=1, keepdims=True)", large("7")),
        ("dZ1", "np.dot(W2.T, dZ2)", TANH),
        ("dZ1", "np.dot(W2.T, dZ2) * (1 - np.power(A1, 2)) / m", small("7"), "Z1 W1"),
        ("dZ1", "np.dot(W2.T, dZ2) * A1 * (1 - A1)", OF_SIGMA),
        ("dZ1", "np.dot(W2.T, dZ2) * (1 - np.power(Z1, 2))",
         swapped("Z1", "A1") + "|computed from Z1"),
        ("dZ1", "np.dot(W2.T, dZ2) * (1 - A1)", swapped("1 - A1", "1 - A1")
         + "|" + EXPONENT),
        ("dZ1", "np.dot(W2.T, A2) * (1 - np.power(A1, 2))", swapped("A2", "∇Z2") + "|" + NO_LABEL),
        ("dZ1", "np.dot(W2.T, Y - A2) * (1 - np.power(A1, 2))", SIGN),
        ("dW1", "np.dot(dZ1, X.T)", large("7")),
        ("dW1", "np.dot(dZ1, X.T) / m ** 2", small("7")),
        ("dW1", "np.dot(W2.T, np.dot(dZ2, X.T)) / m", TANH),
        ("db1", "np.sum(dZ1, axis=1) / m", SHAPE),
        ("db1", "dZ1 / m", UNSUMMED),
        ("db1", "np.sum(dZ1, keepdims=True) / m * np.ones_like(b1)", ALL),
        ("db1", "np.sum(dZ1, axis=1, keepdims=True)", large("7")),
    ],
    convention="Z1 Z2",
    never=ROWS,
)  # fmt: skip

TEXTBOOK = Program(
    "2-2-1 of a textbook, binary cross-entropy",
    """
    q = 5
    l_0, y = r.normal(size=(q, 2)), r.integers(0, 2, (q, 1)) * 1.0
    W_01, b_01 = r.normal(size=(2, 2)), r.normal(size=(1, 2))
    W_12, b_12 = r.normal(size=(2, 1)), r.normal(size=(1, 1))
    """,
    "W_01 b_01 W_12 b_12",
    """
    s_1 = l_0 @ W_01 + b_01
    l_1 = 1 / (1 + np.exp(-s_1))
    s_2 = l_1 @ W_12 + b_12
    l_2 = 1 / (1 + np.exp(-s_2))
    loss = np.mean(-(y * np.log(l_2) + (1 - y) * np.log(1 - l_2)))
    """,
    """
    ds_2 = (l_2 - y) / q
    dW_12 = l_1.T @ ds_2
    db_12 = np.sum(ds_2, axis=0, keepdims=True)
    dl_1 = ds_2 @ W_12.T
    ds_1 = dl_1 * l_1 * (1 - l_1)
    dW_01 = l_0.T @ ds_1
    db_01 = np.sum(ds_1, axis=0, keepdims=True)
    """,
    [
        ("ds_2", "l_2 - y", large("5")),
        ("ds_2", "(y - l_2) / q", SIGN),
        ("ds_2", "l_2 / q", NO_LABEL),
        ("ds_2", "(l_2 - y) * l_2 * (1 - l_2) / q",
         LOSS + "|" + twice("σ'|l_2") + "|" + extra("σ'|l_2|slope")),
        ("ds_2", "(s_2 - y) / q", swapped("s_2", "l_2") + "|" + LOSS),
        ("dW_12", "s_1.T @ ds_2", swapped("s_1", "l_1")),
        ("dW_12", "l_1.T @ ds_2 / q", small("5")),
        ("dW_12", "l_1.T @ (l_2 - y)", large("5")),
        ("dW_12", "W_12 - 0.5 * l_1.T @ ds_2",
         r"updated|already|after the (step|update)|- 0\.5|" + extra("W_12")),
        ("db_12", "np.zeros((1, 1))", ZEROS),
        ("dl_1", "ds_2 @ (W_12 - 0.5 * dW_12).T", EARLY),
        ("dl_1", "ds_2 * l_1", swapped("l_1", "W_12")),
        ("ds_1", "dl_1", SIGMA),
        ("ds_1", "dl_1 * s_1 * (1 - s_1)", swapped("s_1", "l_1") + "|computed from s_1"),
        ("ds_1", "dl_1 * (1 - l_1)", lost("l_1")),
        ("ds_1", "dl_1 * l_1", lost("1 - l_1")),
        ("ds_1", "dl_1 * l_1 * (1 + l_1)", SIGN + r"|1 \+"),
        ("ds_1", "dl_1 * l_2 * (1 - l_2)", swapped(r"l_2|s_2|σ'\(s_2\)", r"l_1|s_1|σ'\(s_1\)")),
        ("ds_1", "dl_1 * (l_1 * (1 - l_1)) ** 2", twice(r"σ'|l_1|slope")),
        ("ds_1", "(ds_2 @ W_12.T) * (1 - l_1 ** 2)", OF_TANH),
        ("dW_01", "ds_1.T @ l_0", FLIPPED + "|order"),
        ("dW_01", "l_0.T @ dl_1", swapped("∇l_1", "δ_1|∇s_1") + "|" + SIGMA),
        ("dW_01", "-l_0.T @ ds_1", SIGN),
        ("db_01", "np.sum(ds_1, axis=1, keepdims=True)", AXIS),
        ("db_01", "np.sum(ds_1, axis=0)[None] / q", small("5")),
    ],
)  # fmt: skip

DROPOUT = Program(
    "dropout, leaky relu, log-softmax",
    """
    n, keep = 6, 0.75
    X, y = r.normal(size=(n, 3)), np.eye(4)[r.integers(0, 4, n)]
    W1, b1 = r.normal(size=(3, 5)), r.normal(size=5)
    W2, b2 = r.normal(size=(5, 4)), r.normal(size=4)
    mask = r.random((n, 5)) < keep
    """,
    "W1 b1 W2 b2",
    """
    s = X @ W1 + b1
    h = np.where(s > 0, s, 0.1 * s)
    drop = h * mask / keep
    o = drop @ W2 + b2
    logp = o - np.log(np.exp(o).sum(axis=1, keepdims=True))
    loss = -(y * logp).sum() / n
    """,
    """
    dlogp = -y / n
    do = dlogp - np.exp(logp) * dlogp.sum(axis=1, keepdims=True)
    dW2 = drop.T @ do
    db2 = do.sum(axis=0)
    ddrop = do @ W2.T
    dh = ddrop * mask / keep
    ds = dh * np.where(s > 0, 1, 0.1)
    dW1 = X.T @ ds
    db1 = ds.sum(axis=0)
    """,
    [
        ("dlogp", "y / n", SIGN),
        ("dlogp", "-y", large("6")),
        ("do", "dlogp", path("exp|softmax|sum|log|Σ|logsumexp|normalisation", "logp")),
        ("do", "dlogp + np.exp(logp) * dlogp.sum(axis=1, keepdims=True)", SIGN),
        ("do", "dlogp - np.exp(logp)", lost("sum|Σ|1/6|1/n|∇logp|-1/6|1ᵀ") + r"|6 times|\bsum"),
        ("do", "dlogp - logp * dlogp.sum(axis=1, keepdims=True)",
         swapped("logp", r"exp|softmax") + "|" + lost("exp")),
        ("do", "dlogp - np.exp(logp) * dlogp.sum(axis=0, keepdims=True)", AXIS),
        ("dW2", "h.T @ do", swapped("h", "drop") + "|" + lost("mask")),
        ("dh", "ddrop", lost("mask|dropout|4/3|keep") + "|" + STEP),
        ("dh", "ddrop * mask", r"4/3|1\.33|3/4|keep|" + lost(r"0\.75")),
        ("dh", "ddrop / keep", lost("mask|True") + "|dropped entries"),
        ("dh", "ddrop * mask * keep", r"16/9|9/16|divi|reciprocal|" + EXPONENT),
        ("dh", "ddrop * mask / (1 - keep)", r"\b3 times too large|0\.25|1 - keep"),
        ("ds", "dh", lost("leaky|slope|0.1|derivative|where|leaky_relu'|'") + "|" + STEP),
        ("ds", "dh * (s > 0)",
         r"(slope|derivative) of (the )?relu|relu'|leak|" + swapped("0", r"0\.1") + "|"
         + lost(r"0\.1")),
        ("ds", "dh * np.where(s > 0, 0.1, 1)",
         "swapped|wrong side|other way|exchang|opposite|stands where"),
        ("ds", "dh * np.where(s > 0, s, 0.1 * s)",
         swapped("h|leaky", "slope|derivative|'|1") + "|" + extra("h|s")),
        ("ds", "dh * np.where(dh > 0, 1, 0.1)", swapped("∇h", "s") + "|sign of ∇|taken at ∇"),
        ("db1", "ds.sum()", ALL),
    ],
)  # fmt: skip

CONVOLUTION = Program(
    "convolution by windows, relu, max pooling, affine",
    """
    x, y = r.normal(size=(3, 5, 5)), r.normal(size=(3, 2))
    K, c = r.normal(size=(2, 2)), -1.5
    W, b = r.normal(size=(4, 2)), r.normal(size=2)
    """,
    "K c W b",
    """
    conv = c + sum(K[i, j] * x[:, i : i + 4, j : j + 4] for i in range(2) for j in range(2))
    act = np.maximum(conv, 0)
    pool = act.reshape(3, 2, 2, 2, 2).max(axis=(2, 4))
    flat = pool.reshape(3, -1)
    out = flat @ W + b
    loss = 0.5 * np.sum((out - y) ** 2)
    """,
    """
    dout = out - y
    dW = flat.T @ dout
    db = dout.sum(0)
    dflat = dout @ W.T
    dpool = dflat.reshape(pool.shape)
    big = pool.repeat(2, axis=1).repeat(2, axis=2)
    chosen = act == big
    chosen = chosen / chosen.reshape(3, 2, 2, 2, 2).sum((2, 4)).repeat(2, axis=1).repeat(2, axis=2)
    dact = dpool.repeat(2, axis=1).repeat(2, axis=2) * chosen
    dconv = dact * (conv > 0)
    dK = np.zeros_like(K)
    for i in range(2):
        for j in range(2):
            dK[i, j] = (x[:, i : i + 4, j : j + 4] * dconv).sum()
    dc = dconv.sum()
    """,
    [
        ("dout", "2 * (out - y)", r"\b2 times too large|another loss"),
        ("dout", "y - out", SIGN),
        ("dout", "(out - y) / 2", r"\b2 times too small"),
        ("dW", "pool.reshape(3, -1).T @ out", swapped("out", "∇out") + "|" + NO_LABEL),
        ("dflat", "dout @ W.reshape(2, 4)", FLIPPED + "|reshape|order"),
        ("dpool", "dflat.reshape(pool.shape).swapaxes(1, 2)", "transpos|axes|order|swap"),
        ("dact", "dpool.repeat(2, axis=1).repeat(2, axis=2)",
         lost("mask|max|max'|chosen|=") + "|largest|maxim"),
        ("dact", "dpool.repeat(2, axis=1).repeat(2, axis=2) / 4", "mean|average|largest|maxim"),
        ("dact", "dpool.repeat(2, axis=1).repeat(2, axis=2) * big * chosen", extra("pool|act|max")),
        ("dact", "dpool.repeat(2, axis=1).repeat(2, axis=2) * (act > 0)",
         "relu'|> ?0|largest|maxim"),
        ("dconv", "dact", RELU),
        ("dconv", "dact * conv", swapped("conv", "relu'|> 0|1") + "|" + extra("conv")),
        ("dK[", "(x[:, i : i + 4, j : j + 4] * dact).sum()", swapped("∇act", "∇conv") + "|" + RELU),
        ("dK[", "(x[:, i : i + 4, j : j + 4] * dconv).mean()", small("48")),
        ("dK[", "(x[:, 1 - i : 5 - i, 1 - j : 5 - j] * dconv).sum()",
         "flip|revers|turned|order|index|window|shift"),
        ("dK[", "(x[:, j : j + 4, i : i + 4] * dconv).sum()", "transpos|order|axes|window"),
        ("dK[", "(x[:1, i : i + 4, j : j + 4] * dconv[:1]).sum()", "first|only|example"),
        ("dK[", "dconv.sum()", lost("x|input|window")),
        ("dc", "dconv.mean()", small("48")),
        ("dc", "dconv.sum((1, 2))", "axis|not summed"),
        ("dc", "dact.sum()", swapped("∇act", "∇conv") + "|" + RELU),
    ],
)  # fmt: skip

RIDGE = Program(
    "ridge and lasso",
    """
    n, lam, mu = 8, 0.4, 0.25
    X, y = r.normal(size=(n, 3)), r.normal(size=n)
    w, b = np.array([0.8, -1.2, 0.3]), r.normal()
    """,
    "w b",
    """
    pred = X @ w + b
    res = pred - y
    mse = np.mean(res ** 2)
    loss = mse + 0.5 * lam * np.sum(w ** 2) + mu * np.sum(np.abs(w))
    """,
    """
    dres = 2 * res / n
    dpred = dres
    dw = X.T @ dpred + lam * w + mu * np.sign(w)
    db = dpred.sum()
    """,
    [
        ("dres", "res / n", r"\b2 times too small|another loss|" + lost(r"\b2\b")),
        ("dres", "2 * res", large("8")),
        ("dres", "-2 * res / n", SIGN),
        ("dres", "2 * pred / n", swapped("pred", "res") + "|" + NO_LABEL),
        ("dres", "2 * res.mean()", "mean|average"),
        ("dres", "2 * np.abs(res) / n", r"\|res\||absolute|abs\("),
        ("dres", "2 * res ** 2 / n", EXPONENT + "|" + twice("res") + "|taken at"),
        ("dw", "X.T @ dpred", lost("w|decay|penalty|0.4|sign") + "|only"),
        ("dw", "X.T @ dpred + lam * w", lost("sign|0.25|abs|absolute|lasso|abs'|absolute'")),
        ("dw", "X.T @ dpred + mu * np.sign(w)", lost("0.4|w|decay|square")),
        ("dw", "X.T @ dpred + 2 * lam * w + mu * np.sign(w)", r"\b2 times too large"),
        ("dw", "X.T @ dpred + lam * w + mu * np.abs(w)",
         swapped(r"\|w\||abs\(w\)|absolute\(w\)", "sign|'") + r"|\|w\| stands"),
        ("dw", "X.T @ dpred + lam * w + mu", lost("sign|abs'|absolute'")),
        ("dw", "X.T @ dpred - lam * w + mu * np.sign(w)", SIGN),
        ("dw", "X.T @ dpred + (lam * w + mu * np.sign(w)) / n", r"\b8 times too small|1/8|divi"),
        ("dw", "X.T @ y / n + lam * w + mu * np.sign(w)", swapped("y", "∇pred|∇res")),
        ("db", "dpred.sum() + lam * b", extra(r"b|0\.4|penalty|decay") + "|decayed"),
        ("db", "dpred.mean()", mean("8")),
        ("db", "dpred", UNSUMMED),
    ],
)  # fmt: skip

SVM = Program(
    "hinge loss of several classes",
    """
    N, delta, lam = 7, 1.0, 0.2
    X, y = r.normal(size=(N, 4)), r.integers(0, 3, N)
    W = r.normal(size=(4, 3))
    one = np.zeros((N, 3)); one[np.arange(N), y] = 1
    """,
    "W",
    """
    scores = X @ W
    correct = scores[np.arange(N), y][:, np.newaxis]
    margins = np.maximum(0, scores - correct + delta) * (1 - one)
    loss = margins.sum() / N + 0.5 * lam * np.sum(W * W)
    """,
    """
    dmargins = np.ones_like(margins) / N
    dscores = (margins > 0) / N
    dscores[np.arange(N), y] -= (margins > 0).sum(axis=1) / N
    dW = X.T.dot(dscores) + lam * W
    """,
    [
        ("dmargins", "np.ones_like(margins)", large("7")),
        ("dmargins", "-np.ones_like(margins) / N", SIGN),
        ("dmargins", "np.ones_like(margins) / N ** 2", small("7")),
        ("dscores = ", "(margins > 0) * 1.0", "7 times|1/7|1/N|divi"),
        ("dscores = ", "margins / N",
         swapped("margins|relu.*", ".*relu'|.* > .*") + "|" + RELU + "|" + extra("margins")),
        ("dscores[", "pass", path("correct", "margins") + "|" + lost(LABEL)),
        ("dscores[", "dscores[np.arange(N), y] -= 1 / N", "count|how many|each|1 stands|sum"),
        ("dscores[", "dscores[np.arange(N), y] += (margins > 0).sum(axis=1) / N", SIGN),
        ("dscores[", "dscores[np.arange(N), y] -= margins.sum(axis=1) / N",
         swapped("margins|relu.*", ".*relu'|.* > .*") + "|" + RELU + "|" + extra("margins")),
        ("dscores = ", "-1 * (margins > 0) / N", SIGN),
        ("dW", "X.T.dot(dscores)", lost("W|decay|penalty|0.2") + "|only"),
        ("dW", "X.T.dot(dscores) + 2 * lam * W", r"\b2 times too large"),
        ("dW", "X.T.dot(dscores) + 0.5 * lam * W", r"\b2 times too small"),
        ("dW", "X.T.dot(margins) + lam * W", swapped("margins", "∇scores")),
        ("dW", "X.T.dot(dscores) / N + lam * W", small("7")),
        ("dW", "dscores.T.dot(X) + lam * W.T", FLIPPED),
        ("dW", "X.T.dot(scores) + lam * W", swapped("scores", "∇scores")),
    ],
)  # fmt: skip

RESIDUAL = Program(
    "residual blocks",
    """
    n = 6
    x, y = r.normal(size=(n, 4)), r.normal(size=(n, 4))
    W1, W2, W3 = r.normal(size=(4, 4)), r.normal(size=(4, 4)), r.normal(size=(4, 4))
    b1, alpha = r.normal(size=4), r.normal(size=(1, 1))
    """,
    "W1 W2 W3 b1 alpha",
    """
    a1 = x @ W1 + b1
    h1 = x + np.tanh(a1)
    a2 = h1 @ W2
    u2 = a2 / (1 + np.exp(-a2))
    h2 = h1 + alpha * u2
    out = h2 @ W3
    loss = ((out - y) ** 2).mean()
    """,
    """
    dout = 2 * (out - y) / out.size
    dW3 = h2.T @ dout
    dh2 = dout @ W3.T
    dalpha = (dh2 * u2).sum(keepdims=True)
    du2 = dh2 * alpha
    sig = 1 / (1 + np.exp(-a2))
    da2 = du2 * (sig + a2 * sig * (1 - sig))
    dW2 = h1.T @ da2
    dh1 = dh2 + da2 @ W2.T
    da1 = dh1 * (1 - np.tanh(a1) ** 2)
    dW1 = x.T @ da1
    db1 = da1.sum(axis=0)
    """,
    [
        ("dout", "2 * (out - y) / n", r"\b4 times too large"),
        ("dout", "2 * (out - y)", r"\b24 times too large"),
        ("dout", "(out - y) / out.size", r"\b2 times too small|" + lost(r"\b2\b")),
        ("dW3", "h1.T @ dout", swapped("h1", "h2")),
        ("dW3", "dout.T @ h2", FLIPPED + "|order"),
        ("dh2", "dout @ W3", FLIPPED),
        ("dh2", "dout @ W2.T", swapped("W2", "W3")),
        ("dh2", "W3.T @ dout.T", FLIPPED + "|order"),
        ("dalpha", "dh2 * u2", UNSUMMED),
        ("dalpha", "(dh2 * h2).sum(keepdims=True)", swapped("h2", "u2")),
        ("dalpha", "(dh2 * u2).mean(keepdims=True)", "mean|24 times too small"),
        ("du2", "dh2", lost("alpha") + "|" + STEP),
        ("da2", "du2", lost("silu|swish|slope|derivative|'|σ") + "|" + STEP),
        ("da2", "du2 * sig", lost("a2|1 - |term|second") + "|product rule|only"),
        ("da2", "du2 * sig * (1 - sig)", OF_SIGMA + "|" + lost("a2|σ")),
        ("da2", "du2 * (sig + sig * (1 - sig))", lost("a2")),
        ("dh1", "da2 @ W2.T", path("h2", "a2")),
        ("dh1", "dh2", path("a2", "h2") + "|" + STEP),
        ("dh1", "dh2 * (da2 @ W2.T)", r"product|∘[^;:]*stands where|multipl"),
        ("dh1", "dh2 - da2 @ W2.T", SIGN),
        ("da1", "dh1 * (1 - h1 ** 2)", swapped("h1", "tanh|a1")),
        ("da1", "dh2 * (1 - np.tanh(a1) ** 2)", swapped("∇h2", "∇h1") + "|" + path("a2", "h2")),
        ("dW1", "x.T @ dh1", swapped("∇h1", "∇a1") + "|" + TANH),
        ("dW1", "np.clip(x.T @ da1, -0.05, 0.05)", "clip"),
        ("db1", "da1.mean(axis=0)", mean("6")),
    ],
)  # fmt: skip

NETS = (
    MAKEMORE, ONE_LINE, TWO_LAYERS, LOGISTIC, COURSE, TEXTBOOK, DROPOUT, CONVOLUTION, RIDGE, SVM,
    RESIDUAL,
)  # fmt: skip
