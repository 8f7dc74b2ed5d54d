"""Recurrent nets, attention and other programs, and what goes wrong in them."""

from __future__ import annotations

from .planted import (
    ALL,
    AXIS,
    EARLY,
    EXPONENT,
    FLIPPED,
    LABEL,
    LOSS,
    NO_LABEL,
    OF_SIGMA,
    OF_TANH,
    PLUS,
    SIGMA,
    SIGN,
    STEP,
    TANH,
    UNSUMMED,
    Program,
    extra,
    large,
    lost,
    mean,
    path,
    small,
    swapped,
)  # fmt: skip

_CHARACTERS = """
    T, V, H = 3, 5, 4
    inputs, targets = np.array([1, 3, 1]), np.array([3, 1, 4])
    Wxh, Whh = r.normal(size=(H, V)), r.normal(size=(H, H))
    Why, bh, by = r.normal(size=(V, H)), r.normal(size=(H, 1)), r.normal(size=(V, 1))
    h0 = r.normal(size=(H, 1))
"""
_RNN_FORWARD = """
    xs, a, h, y, p, loss = {}, {}, {0: h0}, {}, {}, 0
    for t in range(1, T + 1):
        xs[t] = np.zeros((V, 1))
        xs[t][inputs[t - 1]] = 1
        a[t] = Wxh @ xs[t] + Whh @ h[t - 1] + bh
        h[t] = np.tanh(a[t])
        y[t] = Why @ h[t] + by
        p[t] = np.exp(y[t]) / np.sum(np.exp(y[t]))
        loss += -np.log(p[t][targets[t - 1], 0])
"""
_RNN_BACKWARD = """
    dWxh = np.zeros_like(Wxh)
    dWhh = np.zeros_like(Whh)
    dWhy = np.zeros_like(Why)
    dbh = np.zeros_like(bh)
    dby = np.zeros_like(by)
    dy, dh, da = {}, {}, {}
    dhnext = np.zeros_like(h[0])
    for t in reversed(range(1, T + 1)):
        dy[t] = np.copy(p[t])
        dy[t][targets[t - 1]] -= 1
        dWhy += dy[t] @ h[t].T
        dby += dy[t]
        dh[t] = Why.T @ dy[t] + dhnext
        da[t] = (1 - h[t] * h[t]) * dh[t]
        dbh += da[t]
        dWxh += da[t] @ xs[t].T
        dWhh += da[t] @ h[t - 1].T
        dhnext = Whh.T @ da[t]
    done = True
"""
_STEPS = r"a_\S+|Whh|next|later|following|steps?|recurrent|carried"

RNN = Program(
    "character RNN, all steps",
    _CHARACTERS,
    "Wxh Whh Why bh by",
    _RNN_FORWARD,
    _RNN_BACKWARD,
    [
        ("dy[t][", "pass", NO_LABEL + r"|1 at"),
        ("dy[t][", "dy[t][targets[t - 1]] += 1", SIGN + "|" + LABEL),
        ("dy[t][", "dy[t][inputs[t - 1]] -= 1",
         "index|label|target|one-?hot|another (entry|class)"),
        ("dy[t]", "y[t].copy()", swapped(r"y_\S+", r"p_\S+|softmax") + "|" + LOSS),
        ("dWhy +=", "dy[t] @ h[t - 1].T", swapped(r"h_\S+", r"h_\S+")),
        ("dWhy +=", "dWhy = dy[t] @ h[t].T", PLUS),
        ("dWhy +=", "dy[t] @ a[t].T", swapped(r"a_\S+", r"h_\S+")),
        ("dby +=", "dby = dy[t]", PLUS),
        ("dby +=", "dy[t] / T", small("3")),
        ("dby +=", "p[t]", swapped(r"p_\S+", r"∇y_\S+") + "|" + NO_LABEL),
        ("dh[t]", "Why.T @ dy[t]", path(_STEPS, r"y_\S+")),
        ("dh[t]", "Why.T @ dy[t] * (t == T) + dhnext", path(r"y_\S+", r"a_\S+")),
        ("dh[t]", "Why.T @ p[t] + dhnext", swapped(r"p_\S+", r"∇y_\S+") + "|" + NO_LABEL),
        ("dh[t]", "Why.T @ dy[t] - dhnext", SIGN),
        ("da[t]", "dh[t]", TANH),
        ("da[t]", "(1 - h[t]) * dh[t]", swapped("1 - h", "1 - h") + "|" + EXPONENT),
        ("da[t]", "(1 - a[t] ** 2) * dh[t]", swapped(r"a_\S+", r"(h_|tanh).*")),
        ("da[t]", "h[t] * (1 - h[t]) * dh[t]", OF_SIGMA),
        ("da[t]", "(1 - h[t - 1] ** 2) * dh[t]", swapped(r"[ha]_\S+|tanh'\(a_\S+\)",
                                                        r"[ha]_\S+|tanh'\(a_\S+\)")),
        ("dbh +=", "dh[t]", swapped(r"∇h_\S+", r"∇a_\S+") + "|" + TANH),
        ("dbh +=", "dbh = da[t]", PLUS),
        ("dWxh +=", "dWxh = da[t] @ xs[t].T", PLUS),
        ("dWxh +=", "dh[t] @ xs[t].T", swapped(r"∇h_\S+", r"∇a_\S+") + "|" + TANH),
        ("dWxh +=", "da[t] @ xs[max(t - 1, 1)].T", "stands where|shift|another step|index"),
        ("dWhh +=", "da[t] @ h[t].T", swapped(r"h_\S+", r"h_\S+")),
        ("dWhh +=", "h[t - 1] @ da[t].T", FLIPPED + "|order"),
        ("dWhh +=", "dWhh = da[t] @ h[t - 1].T", PLUS),
        ("    dhnext", "np.zeros_like(dhnext)", path(_STEPS, r"y_\S+"), "h"),
        ("    dhnext", "Whh @ da[t]", FLIPPED, "h"),
        ("    dhnext", "Whh.T @ dh[t]", swapped(r"∇h_\S+", r"∇a_\S+") + "|" + TANH, "h"),
        ("    dhnext", "dhnext = dhnext + Whh.T @ da[t]", extra(r"Whh|a_\S+|steps?|contribution")
         + r"|twice|\+= (stands )?where", "h"),
        ("done", "dWhh = np.clip(dWhh, -0.3, 0.3)", "clip", "Whh"),
    ],
)  # fmt: skip

RNN_ALONE = Program(
    "character RNN, parameters alone",
    _CHARACTERS,
    "Wxh Whh Why bh by",
    _RNN_FORWARD,
    _RNN_BACKWARD,
    [
        ("dy[t][", "pass", NO_LABEL + r"|1 at", "by Why"),
        ("dWhy +=", "dWhy = dy[t] @ h[t].T", PLUS),
        ("dby +=", "dby = dy[t]", PLUS),
        ("dh[t]", "Why.T @ dy[t]", path(_STEPS, r"y_\S+"), "bh Wxh Whh"),
        ("da[t]", "dh[t]", TANH, "bh Wxh Whh"),
        ("da[t]", "h[t] * (1 - h[t]) * dh[t]", OF_SIGMA, "bh Wxh Whh"),
        ("dbh +=", "dbh = da[t]", PLUS),
        ("dWhh +=", "da[t] @ h[t].T", swapped(r"h_\S+", r"h_\S+")),
        ("dWhh +=", "dWhh = da[t] @ h[t - 1].T", PLUS),
        ("    dhnext", "Whh @ da[t]", FLIPPED, "bh Wxh Whh"),
        ("    dhnext", "Whh.T @ dh[t]",
         swapped(r"∇h_\S+|∂L/∂h_\S+", r"∇a_\S+|∂L/∂a_\S+") + "|" + TANH,
         "bh Wxh Whh"),
        ("done", "dWxh = np.clip(dWxh, -0.1, 0.1)", "clip", "Wxh"),
    ],
    only="Wxh Whh Why bh by",
)  # fmt: skip

LSTM = Program(
    "LSTM",
    """
    n, D, H, T = 3, 5, 4, 2
    X, Y = r.normal(size=(n, T, D)), r.normal(size=(n, T, H))
    Wx, Wh, b = r.normal(size=(D, 4 * H)), r.normal(size=(H, 4 * H)), r.normal(size=4 * H)
    h0, c0 = r.normal(size=(n, H)), r.normal(size=(n, H))
    def sigmoid(z): return 1 / (1 + np.exp(-z))
    """,
    "Wx Wh b",
    """
    a, ai, af, ao, ag, i, f, o, g = {}, {}, {}, {}, {}, {}, {}, {}, {}
    h, c, loss = {0: h0}, {0: c0}, 0
    for t in range(1, T + 1):
        a[t] = X[:, t - 1] @ Wx + h[t - 1] @ Wh + b
        ai[t], af[t], ao[t], ag[t] = [a[t][:, k * H : (k + 1) * H] for k in range(4)]
        i[t], f[t], o[t], g[t] = sigmoid(ai[t]), sigmoid(af[t]), sigmoid(ao[t]), np.tanh(ag[t])
        c[t] = f[t] * c[t - 1] + i[t] * g[t]
        h[t] = o[t] * np.tanh(c[t])
        loss = loss + 0.5 * np.sum((h[t] - Y[:, t - 1]) ** 2)
    """,
    """
    dWx = np.zeros_like(Wx)
    dWh = np.zeros_like(Wh)
    db = np.zeros_like(b)
    da, dai, daf, dao, dag, di, df, do, dg, dh, dc = {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}
    dhnext = np.zeros((n, H))
    dcnext = np.zeros((n, H))
    for t in reversed(range(1, T + 1)):
        dh[t] = h[t] - Y[:, t - 1] + dhnext
        do[t] = dh[t] * np.tanh(c[t])
        dc[t] = dh[t] * o[t] * (1 - np.tanh(c[t]) ** 2) + dcnext
        df[t] = dc[t] * c[t - 1]
        di[t] = dc[t] * g[t]
        dg[t] = dc[t] * i[t]
        dai[t] = di[t] * i[t] * (1 - i[t])
        daf[t] = df[t] * f[t] * (1 - f[t])
        dao[t] = do[t] * o[t] * (1 - o[t])
        dag[t] = dg[t] * (1 - g[t] ** 2)
        da[t] = np.hstack((dai[t], daf[t], dao[t], dag[t]))
        dWx += X[:, t - 1].T @ da[t]
        dWh += h[t - 1].T @ da[t]
        db += da[t].sum(axis=0)
        dhnext = da[t] @ Wh.T
        dcnext = dc[t] * f[t]
    """,
    [
        ("dh[t]", "h[t] - Y[:, t - 1]",
         path(r"a_\S+|Wh|next|later|steps?|carried", r"loss|\(subtract\)")),
        ("dh[t]", "dhnext + (t == T) * (h[t] - Y[:, t - 1])",
         path(r"loss|h_\S+ - |Y|square|error", r"a_\S+|\(matmul\)")),
        ("dh[t]", "2 * (h[t] - Y[:, t - 1]) + dhnext", r"\b2 times too large|" + LOSS),
        ("do[t]", "dh[t] * c[t]", swapped(r"c_\S+", r"tanh\(c_\S+") + "|" + lost("tanh")),
        ("do[t]", "dh[t] * (1 - np.tanh(c[t]) ** 2)", "tanh'|slope|1 - |derivative"),
        ("dc[t]", "dh[t] * o[t] + dcnext", TANH),
        ("dc[t]", "dh[t] * (1 - np.tanh(c[t]) ** 2) + dcnext", lost(r"o_\S+")),
        ("dc[t]", "dh[t] * o[t] * (1 - c[t] ** 2) + dcnext", swapped(r"c_\S+", r"tanh\(c_\S+|tanh")
         + r"|computed from c_"),
        ("dc[t]", "dh[t] * o[t] * (1 - np.tanh(c[t]) ** 2)",
         path(r"from c_\S+|f_\S+|next|later|steps?|carried|cell", r"h_\S+")),
        ("dc[t]", "dh[t] * o[t] * np.tanh(c[t]) + dcnext",
         swapped("tanh|h", "tanh'|1 - ") + "|slope"),
        ("df[t]", "dc[t] * c[t]", swapped(r"c_\S+", r"c_\S+|c0") + r"|c_\S+ (stands|is there)"),
        ("df[t]", "dc[t] * f[t]", swapped(r"f_\S+", r"c_\S+") + r"|f_\S+ stands"),
        ("di[t]", "dc[t] * i[t]", swapped(r"i_\S+", r"g_\S+")),
        ("di[t]", "dc[t]", lost(r"g_\S+") + "|" + STEP),
        ("dg[t]", "dc[t] * g[t]", swapped(r"g_\S+", r"i_\S+")),
        ("dai[t]", "di[t]", SIGMA),
        ("dai[t]", "di[t] * (1 - i[t] ** 2)", OF_TANH),
        ("dai[t]", "di[t] * ai[t] * (1 - ai[t])",
         swapped(r"ai_\S+", r"i_\S+") + "|computed from ai_"),
        ("daf[t]", "df[t] * f[t]", lost(r"1 - ")),
        ("daf[t]", "df[t] * sigmoid(f[t])", r"σ\(|" + SIGMA),
        ("dao[t]", "do[t] * (1 - o[t])", lost(r"o_\S+")),
        ("dao[t]", "do[t] * i[t] * (1 - i[t])", swapped(r"i_\S+|ai_\S+|σ'\(ai_\S+\)",
                                                       r"o_\S+|ao_\S+|σ'\(ao_\S+\)")),
        ("dag[t]", "dg[t] * g[t] * (1 - g[t])", OF_SIGMA),
        ("dag[t]", "dg[t]", TANH),
        ("da[t]", "np.hstack((dai[t], daf[t], dag[t], dao[t]))",
         "order|stands where|swapp|exchang"),
        ("dWx +=", "dWx = X[:, t - 1].T @ da[t]", PLUS),
        ("dWh +=", "h[t].T @ da[t]", swapped(r"h_\S+", r"h_\S+|h0") + r"|h_\S+ stands"),
        ("dWh +=", "dWh = h[t - 1].T @ da[t]", PLUS),
        ("db +=", "da[t].mean(axis=0)", mean("3")),
        ("db +=", "da[t][0]", "first|only"),
        ("    dhnext", "np.zeros((n, H))",
         path(r"a_\S+|Wh|next|later|steps?|carried", r"loss|\(subtract\)"), "h"),
        ("    dcnext", "dc[t]", lost(r"f_\S+"), "c"),
        ("    dcnext", "dc[t] * i[t]", swapped(r"i_\S+", r"f_\S+"), "c"),
        ("    dcnext", "np.zeros((n, H))",
         path(r"from c_\S+|f_\S+|next|later|steps?|carried|cell", r"h_\S+"), "c"),
    ],
)  # fmt: skip

ATTENTION = Program(
    "attention with a causal mask",
    """
    L, D, K = 5, 4, 3
    X, Y = r.normal(size=(L, D)), r.normal(size=(L, D))
    Wq, Wk, Wv = r.normal(size=(D, K)), r.normal(size=(D, K)), r.normal(size=(D, K))
    Wo = r.normal(size=(K, D))
    causal = np.tril(np.ones((L, L))) == 1
    """,
    "X Wq Wk Wv Wo",
    """
    q = X @ Wq
    k = X @ Wk
    v = X @ Wv
    S = q @ k.T / np.sqrt(K)
    M = np.where(causal, S, -np.inf)
    _E = np.exp(M - M.max(axis=-1, keepdims=True))
    A = _E / _E.sum(axis=-1, keepdims=True)
    O = A @ v
    out = O @ Wo
    loss = np.mean((out - Y) ** 2)
    """,
    """
    dout = 2 * (out - Y) / out.size
    dWo = O.T @ dout
    dO = dout @ Wo.T
    dA = dO @ v.T
    dv = A.T @ dO
    dM = A * (dA - (dA * A).sum(axis=-1, keepdims=True))
    dS = np.where(causal, dM, 0)
    dq = dS @ k / np.sqrt(K)
    dk = dS.T @ q / np.sqrt(K)
    dWq = X.T @ dq
    dWk = X.T @ dk
    dWv = X.T @ dv
    dX = dq @ Wq.T + dk @ Wk.T + dv @ Wv.T
    """,
    [
        ("dout", "2 * (out - Y)", large("20")),
        ("dout", "2 * (out - Y) / L", r"\b4 times too large|1/20|20|1/5"),
        ("dout", "(out - Y) / out.size", r"\b2 times too small|\b2 is missing|" + LOSS),
        ("dWo", "A.T @ dout", swapped("A", "O")),
        ("dWo", "(A @ q).T @ dout", swapped("q|A q", "v|O")),
        ("dO", "dout", lost("Wo") + "|" + STEP + "|" + swapped("∇out", "Wo")),
        ("dA", "dO @ q.T", swapped("q", "v")),
        ("dA", "v @ dO.T", FLIPPED + "|order"),
        ("dv", "A @ dO", FLIPPED),
        ("dv", "A.T @ out[:, :3]", swapped("out", "∇O") + "|out"),
        ("dM", "dA", lost("softmax|A|'|slope") + "|" + STEP),
        ("dM", "A * dA", lost("sum|Σ|mean|second|term|1 - ") + "|only|sum"),
        ("dM", "A * (1 - A) * dA", "σ'|diagonal|sigmoid|" + swapped("1 - A", "sum|Σ|softmax")),
        ("dM", "A * (dA - (dA * A).sum(axis=0, keepdims=True))", AXIS),
        ("dM", "A * (dA - dA.sum(axis=-1, keepdims=True))", lost("A")),
        ("dM", "A * (dA + (dA * A).sum(axis=-1, keepdims=True))", SIGN),
        ("dM", "A * (dA - (dA * A).sum(axis=-1))", AXIS + "|shape|keepdims|broadcast|transpos"),
        ("dM", "dA - (dA * A).sum(axis=-1, keepdims=True)", lost("A")),
        ("dM", "S * (dA - (dA * S).sum(axis=-1, keepdims=True))", swapped("S", "A")),
        ("dS", "dA", swapped("∇A", "∇M") + "|" + lost("softmax|mask|causal|where") + "|is ∇A"),
        ("dq", "dS @ k", lost(r"√|sqrt|1/|1.732|0.577") + r"|√3|1\.732|sqrt"),
        ("dq", "dS @ k / K", r"1\.732|√|sqrt|3"),
        ("dq", "dS @ q / np.sqrt(K)", swapped("q", "k")),
        ("dq", "dS.T @ k / np.sqrt(K)", FLIPPED),
        ("dk", "dS @ q / np.sqrt(K)", FLIPPED),
        ("dk", "dS.T @ k / np.sqrt(K)", swapped("k", "q")),
        ("dk", "dS.T @ q * np.sqrt(K)", r"\b3 times too large|reciprocal|√|sqrt|" + EXPONENT),
        ("dWk", "X.T @ dq", swapped("∇q", "∇k")),
        ("dWv", "X.T @ dO", swapped("∇O", "∇v")),
        ("dWq", "dq.T @ X", FLIPPED),
        ("dX", "dq @ Wq.T + dk @ Wk.T", path("v|Wv|∇v", "q|k")),
        ("dX", "dv @ Wv.T", path("q|k|Wq|Wk", "v")),
        ("dX", "dq @ Wq.T + dk @ Wq.T + dv @ Wv.T", swapped("Wq", "Wk")),
        ("dX", "dq @ Wq.T - dk @ Wk.T + dv @ Wv.T", SIGN),
    ],
)  # fmt: skip

HEADS = Program(
    "attention of two heads, (B, T, D), cross-entropy of integer labels",
    """
    B, T, D, N, C = 2, 4, 6, 2, 3
    X, Y = r.normal(size=(B, T, D)), r.integers(0, C, (B, T))
    Wq, Wk, Wv = r.normal(size=(D, D)), r.normal(size=(D, D)), r.normal(size=(D, D))
    Wc, bc = r.normal(size=(D, C)), r.normal(size=C)
    def split(z): return z.reshape(B, T, N, D // N).transpose(0, 2, 1, 3)
    def merge(z): return z.transpose(0, 2, 1, 3).reshape(B, T, D)
    """,
    "Wq Wk Wv Wc bc",
    """
    q, k, v = split(X @ Wq), split(X @ Wk), split(X @ Wv)
    S = q @ k.transpose(0, 1, 3, 2) / np.sqrt(D // N)
    _E = np.exp(S)
    A = _E / _E.sum(-1, keepdims=True)
    O = A @ v
    m = merge(O)
    logits = m @ Wc + bc
    _p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    loss = -np.log(np.take_along_axis(_p, Y[:, :, None], axis=2)).mean()
    """,
    """
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    dlogits = (p - np.eye(C)[Y]) / (B * T)
    dWc = np.einsum("btd,btc->dc", m, dlogits)
    dbc = dlogits.sum((0, 1))
    dm = dlogits @ Wc.T
    dO = split(dm)
    dA = dO @ v.swapaxes(-1, -2)
    dv = A.swapaxes(-1, -2) @ dO
    dS = A * (dA - (dA * A).sum(-1, keepdims=True))
    dq = dS @ k / np.sqrt(D // N)
    dk = dS.swapaxes(-1, -2) @ q / np.sqrt(D // N)
    dWq = (X.swapaxes(1, 2) @ merge(dq)).sum(0)
    dWk = (X.swapaxes(1, 2) @ merge(dk)).sum(0)
    dWv = (X.swapaxes(1, 2) @ merge(dv)).sum(0)
    """,
    [
        ("dlogits", "p - np.eye(C)[Y]", large("8")),
        ("dlogits", "(p - np.eye(C)[Y]) / B", r"\b4 times too large|1/8|1/4"),
        ("dlogits", "p / (B * T)", NO_LABEL),
        ("dWc", "(m.swapaxes(1, 2) @ dlogits)[0]", "first|only|not summed|batch|axis"),
        ("dWc", "m.swapaxes(1, 2) @ dlogits", UNSUMMED),
        ("dWc", "(m.swapaxes(1, 2) @ dlogits).mean(0)", mean("2")),
        ("dbc", "dlogits.sum(0)", UNSUMMED + "|axis"),
        ("dbc", "dlogits.sum()", ALL),
        ("dbc", "dlogits.mean((0, 1))", mean("8")),
        ("dO", "dm.reshape(B, N, T, D // N)", "transpos|reshape|order|arrange"),
        ("dA", "dO @ k.swapaxes(-1, -2)", swapped("k", "v")),
        ("dv", "A @ dO", FLIPPED),
        ("dS", "A * dA", lost("sum|Σ|second|term|1 - ") + "|only|sum"),
        ("dS", "A * (dA - (dA * A).sum(-2, keepdims=True))", AXIS),
        ("dq", "dS @ k", lost(r"√|sqrt|1/|1.732|0.577") + r"|√3|1\.732|sqrt"),
        ("dk", "dS @ q / np.sqrt(D // N)", FLIPPED),
        ("dWq", "X.swapaxes(1, 2) @ merge(dq)", UNSUMMED),
        ("dWk", "(X.swapaxes(1, 2) @ merge(dq)).sum(0)", swapped("∇q", "∇k")),
        ("dWv", "(X.swapaxes(1, 2) @ merge(dO)).sum(0)", swapped("∇O", "∇v")),
    ],
)  # fmt: skip

LAYER_NORM = Program(
    "layer normalisation and gelu",
    """
    n, D = 6, 5
    x, t = r.normal(size=(n, 3)), r.normal(size=(n, 4))
    W, gamma, beta = r.normal(size=(3, D)), 1 + 0.4 * r.normal(size=D), r.normal(size=D)
    V = r.normal(size=(D, 4))
    c = np.sqrt(2 / np.pi)
    """,
    "W gamma beta V",
    """
    h = x @ W
    mu = h.mean(axis=1)
    var = h.var(axis=1)
    istd = 1 / np.sqrt(var + 1e-5)
    xhat = (h - mu[:, None]) * istd[:, None]
    ln = gamma * xhat + beta
    u = c * (ln + 0.044715 * ln ** 3)
    act = 0.5 * ln * (1 + np.tanh(u))
    out = act @ V
    loss = 0.5 * np.mean(np.sum((out - t) ** 2, axis=1))
    """,
    """
    dout = (out - t) / n
    dV = act.T @ dout
    dact = dout @ V.T
    du = dact * 0.5 * ln * (1 - np.tanh(u) ** 2)
    dln = dact * 0.5 * (1 + np.tanh(u)) + du * c * (1 + 3 * 0.044715 * ln ** 2)
    dgamma = np.sum(dln * xhat, axis=0)
    dbeta = np.sum(dln, axis=0)
    dxhat = dln * gamma
    g1 = dxhat.mean(axis=1)[:, None]
    g2 = (dxhat * xhat).mean(axis=1)[:, None]
    dh = (dxhat - g1 - xhat * g2) * istd[:, None]
    dW = x.T @ dh
    """,
    [
        ("dout", "out - t", large("6")),
        ("dout", "(out - t) / out.size", r"\b4 times too small|1/24|24"),
        ("dout", "2 * (out - t) / n", r"\b2 times too large|" + LOSS),
        ("du", "dact * 0.5 * ln", TANH),
        ("du", "dact * ln * (1 - np.tanh(u) ** 2)", r"\b2 times too large|" + lost(r"0\.5|1/2|½")),
        ("du", "dact * 0.5 * ln * (1 - u ** 2)", swapped("u", "tanh") + r"|computed from u"),
        ("dln", "dact * 0.5 * (1 + np.tanh(u))", path(r"u|c|∇u|0\.7979|tanh'", r"act|tanh")),
        ("dln", "du * c * (1 + 3 * 0.044715 * ln ** 2)", path(r"act|tanh|1 \+", "u")),
        ("dln", "dact * 0.5 * (1 + np.tanh(u)) + du * c * (1 + 0.044715 * ln ** 2)",
         r"\b3 times too small|" + lost(r"3") + r"|factor 3|0\.1341|0\.0447"),
        ("dgamma", "np.sum(dln * xhat, axis=1)", AXIS),
        ("dgamma", "dln * xhat", UNSUMMED),
        ("dgamma", "np.sum(dln * h, axis=0)", swapped("h", "xhat")),
        ("dgamma", "np.sum(dln, axis=0)",
         lost("xhat") + "|is ∇beta|∇beta is|" + swapped("∇beta", "∇gamma")),
        ("dbeta", "np.mean(dln, axis=0)", mean("6")),
        ("dbeta", "np.sum(dln * xhat, axis=0)",
         extra("xhat") + "|is ∇gamma|" + swapped("∇gamma", "∇beta|∇ln")),
        ("dxhat", "dln", lost("gamma") + "|" + STEP),
        ("g1", "dxhat.mean(axis=0)", AXIS + "|axis|mean|rows", "h"),
        ("g1", "0", path("mu|mean|μ", "xhat") + "|constant", "h"),
        ("g1", "dxhat.sum(axis=1)[:, None]", r"\b5 times too large|" + lost("1/5|mean|1/D")
         + "|sum[^;]*mean", "h"),
        ("g2", "0", path("var|variance|istd|xhat", "direct") + "|constant", "h"),
        ("g2", "(dxhat * xhat).sum(axis=1)[:, None]", r"\b5 times too large|" + lost("1/5|mean|1/D")
         + "|sum[^;]*mean", "h"),
        ("g2", "(dxhat * h).mean(axis=1)[:, None]", swapped("h", "xhat"), "h"),
        ("dh", "dxhat * istd[:, None]", path("mu|var|mean|istd", "direct|xhat") + "|constant"),
        ("dh", "dxhat - g1 - xhat * g2", lost("istd|1/√|√|sqrt|var")),
        ("dh", "(dxhat - g1 + xhat * g2) * istd[:, None]", SIGN),
        ("dh", "(dxhat - g1 - xhat * g2) * gamma * istd[:, None]", extra("gamma")),
        ("dh", "(dxhat - g1 - xhat * g2) / istd[:, None]", "reciprocal|divi|istd|" + EXPONENT),
        ("dW", "x.T @ dxhat", swapped("∇xhat", "∇h")),
    ],
)  # fmt: skip

PIPELINE = Program(
    "arrays (B, T, D) @ (D, K)",
    """
    B, T, D, K, C = 2, 5, 3, 4, 6
    ids, Y = r.integers(0, 7, (B, T)), r.integers(0, C, (B, T))
    E, P = r.normal(size=(7, D)), r.normal(size=(T, D))
    W1, b1 = r.normal(size=(D, K)), r.normal(size=K)
    W2, b2 = r.normal(size=(K, C)), r.normal(size=C)
    """,
    "E P W1 b1 W2 b2",
    """
    x = E[ids] + P
    s = x @ W1 + b1
    h = 1 / (1 + np.exp(-s))
    z = h @ W2 + b2
    zz = z - z.max(axis=2)[:, :, None]
    logp = zz - np.log(np.exp(zz).sum(axis=2))[:, :, None]
    loss = -logp[np.arange(B)[:, None], np.arange(T), Y].sum() / (B * T)
    """,
    """
    dz = np.exp(logp)
    dz[np.arange(B)[:, None], np.arange(T), Y] -= 1
    dz /= B * T
    dW2 = h.reshape(-1, K).T @ dz.reshape(-1, C)
    db2 = dz.sum(axis=(0, 1))
    dh = dz @ W2.T
    ds = dh * h * (1 - h)
    dW1 = x.reshape(-1, D).T @ ds.reshape(-1, K)
    db1 = ds.reshape(-1, K).sum(axis=0)
    dx = ds @ W1.T
    dP = dx.sum(axis=0)
    dE = np.zeros_like(E)
    np.add.at(dE, ids, dx)
    """,
    [
        ("dz /=", "pass", large("10")),
        ("dz /=", "T", r"\b2 times too large|1/10|1/5"),
        ("dz[", "pass", NO_LABEL),
        ("dz = ", "logp.copy()", swapped("logp", "exp|softmax|p") + "|" + lost("exp")),
        ("dW2", "h.swapaxes(1, 2) @ dz", UNSUMMED),
        ("dW2", "h[0].T @ dz[0]", "first|only"),
        ("dW2", "s.reshape(-1, K).T @ dz.reshape(-1, C)", swapped("s", "h")),
        ("dW2", "np.einsum('btc,btk->ck', dz, h)", FLIPPED),
        ("db2", "dz", UNSUMMED),
        ("db2", "dz.sum(axis=0)", UNSUMMED + "|axis"),
        ("db2", "dz.mean(axis=(0, 1))", mean("10")),
        ("db2", "dz.sum(axis=1).mean(axis=0)", r"\b2 times too small|mean"),
        ("dh", "dz @ (W2 - dW2).T", EARLY),
        ("ds", "dh", SIGMA),
        ("ds", "dh * (1 - h ** 2)", OF_TANH),
        ("ds", "dh * h - (1 - h)", r"product|-|parenthes|" + lost("∇h")),
        ("dW1", "x.reshape(-1, D).T @ dh.reshape(-1, K)", swapped("∇h", "∇s") + "|" + SIGMA),
        ("db1", "ds.sum(axis=2)", AXIS),
        ("dP", "dx", UNSUMMED),
        ("dP", "dx.mean(axis=0)", mean("2")),
        ("dP", "dx[-1]", "last|only|summed"),
        ("np.add.at", "dE[ids] += dx", PLUS, "E"),
        ("np.add.at", "np.add.at(dE, ids, x)", swapped("x", "∇x"), "E"),
        ("np.add.at", "np.add.at(dE, Y, dx)", "Y|index|ids|label", "E"),
    ],
)  # fmt: skip

VAE = Program(
    "variational autoencoder",
    """
    n, D, H, Z = 5, 4, 3, 2
    x, eps = r.random((n, D)), r.normal(size=(n, Z))
    W1, Wm, Wv, Wd = (r.normal(size=s) for s in ((D, H), (H, Z), (H, Z), (Z, D)))
    bm, bd = r.normal(size=Z), r.normal(size=D)
    """,
    "W1 Wm Wv Wd bm bd",
    """
    a = x @ W1
    h = np.tanh(a)
    mu = h @ Wm + bm
    logvar = h @ Wv
    std = np.exp(0.5 * logvar)
    z = mu + std * eps
    s = z @ Wd + bd
    xr = 1 / (1 + np.exp(-s))
    rec = -np.sum(x * np.log(xr) + (1 - x) * np.log(1 - xr)) / n
    kl = -0.5 * np.sum(1 + logvar - mu ** 2 - np.exp(logvar)) / n
    loss = rec + kl
    """,
    """
    ds = (xr - x) / n
    dWd = z.T @ ds
    dbd = ds.sum(axis=0)
    dz = ds @ Wd.T
    dmu = dz + mu / n
    dstd = dz * eps
    dlogvar = dstd * 0.5 * std + 0.5 * (np.exp(logvar) - 1) / n
    dWm = h.T @ dmu
    dWv = h.T @ dlogvar
    dbm = dmu.sum(axis=0)
    dh = dmu @ Wm.T + dlogvar @ Wv.T
    da = dh * (1 - h ** 2)
    dW1 = x.T @ da
    """,
    [
        ("ds", "xr - x", large("5")),
        ("ds", "(xr - x) * xr * (1 - xr) / n", LOSS + "|" + extra("xr|σ'|slope")),
        ("ds", "(x - xr) / n", SIGN),
        ("dWd", "mu.T @ ds", swapped("mu", "z")),
        ("dmu", "dz", path(r"kl|square|mu|1/5 mu|mu/5|mu / 5|penalty", "z")),
        ("dmu", "dz + mu", r"\b5 times too large|" + lost("1/5|1/n")),
        ("dmu", "dz - mu / n", SIGN),
        ("dmu", "dz + 2 * mu / n", r"\b2 times too large"),
        ("dmu", "dz * eps + mu / n", extra("eps") + "|" + swapped("∇std", "∇z")),
        ("dmu", "mu / n", path("z|∇z", "kl|square|mu")),
        ("dstd", "dz", lost("eps") + "|" + STEP + "|" + r"factor[^;]*missing"),
        ("dlogvar", "dstd * std + 0.5 * (np.exp(logvar) - 1) / n", r"\b2 times too large|"
         + lost(r"0\.5|1/2|½")),
        ("dlogvar", "dstd * 0.5 * std", path(r"kl|exp\(logvar\)|penalty|- 1/|term", "std")),
        ("dlogvar", "dstd * 0.5 * std + 0.5 * (1 - np.exp(logvar)) / n", SIGN),
        ("dlogvar", "dstd * 0.5 * std + 0.5 * np.exp(logvar) / n",
         lost(r"1|- 1|-1|1/10|term|-1/10|\(add\)")),
        ("dlogvar", "dstd * 0.5 * std + 0.5 * (np.exp(logvar) - 1)", r"\b5 times too large|"
         + lost("1/5|1/n")),
        ("dlogvar", "dstd * 0.5 + 0.5 * (np.exp(logvar) - 1) / n", lost(r"std|exp'\((?!logvar\))")),
        ("dlogvar", "dstd * 0.5 * np.exp(logvar) + 0.5 * (np.exp(logvar) - 1) / n",
         swapped(r"exp\(logvar\)", "std|exp") + "|" + EXPONENT + r"|0\.5 is missing"),
        ("dWv", "h.T @ dmu", swapped("∇mu", "∇logvar")),
        ("dh", "dmu @ Wm.T", path("logvar|Wv", "mu")),
        ("dh", "dmu @ Wm.T + dlogvar @ Wm.T", swapped("Wm", "Wv")),
        ("da", "dh", TANH),
        ("dW1", "x.T @ dh", swapped("∇h", "∇a") + "|" + TANH),
    ],
)  # fmt: skip

WORD2VEC = Program(
    "word2vec with negative samples",
    """
    n, V, D, K = 4, 7, 3, 5
    center, samples = r.integers(0, V, n), r.integers(0, V, (n, K))
    label = np.zeros((n, K)); label[:, 0] = 1
    Win, Wout = r.normal(size=(V, D)), r.normal(size=(V, D))
    """,
    "Win Wout",
    """
    v = Win[center]
    u = Wout[samples]
    score = (u * v[:, None, :]).sum(axis=2)
    sig = 1 / (1 + np.exp(-score))
    loss = -np.sum(label * np.log(sig) + (1 - label) * np.log(1 - sig)) / n
    """,
    """
    dscore = (sig - label) / n
    du = dscore[:, :, None] * v[:, None, :]
    dv = (dscore[:, :, None] * u).sum(axis=1)
    dWin = np.zeros_like(Win)
    np.add.at(dWin, center, dv)
    dWout = np.zeros_like(Wout)
    np.add.at(dWout, samples, du)
    """,
    [
        ("dscore", "sig - label", large("4")),
        ("dscore", "sig / n", NO_LABEL),
        ("dscore", "(label - sig) / n", SIGN),
        ("dscore", "(sig - label) / (n * K)", small("5")),
        ("dscore", "(score - label) / n", swapped("score", "sig") + "|" + LOSS),
        ("du", "dscore[:, :, None] * u", swapped("u", "v")),
        ("du", "sig[:, :, None] * v[:, None, :] / n", NO_LABEL + "|" + swapped("sig", "∇score")),
        ("dv", "dscore[:, :, None] * u", UNSUMMED),
        ("dv", "dscore[:, :1] * u[:, 0]", "first|only|positive|0"),
        ("dv", "(dscore[:, 1:, None] * u[:, 1:]).sum(axis=1)", "first|only|entr|missing|0|not all"),
        ("dv", "(dscore[:, :, None] * u).mean(axis=1)", mean("5")),
        ("dv", "(dscore[:, :, None] * v[:, None]).sum(axis=1)", swapped("v", "u")),
        ("np.add.at(dWin", "dWin[center] += dv", PLUS, "Win"),
        ("np.add.at(dWout", "dWout[samples] += du", PLUS, "Wout"),
        ("np.add.at(dWout", "dWout[samples] = du", PLUS, "Wout"),
        ("np.add.at(dWout", "np.add.at(dWout, samples[:, 0], du[:, 0])",
         "first|only|positive|0", "Wout"),
        ("np.add.at(dWout", "np.add.at(dWout, samples, u)", swapped("u", "∇u"), "Wout"),
    ],
)  # fmt: skip

SEQUENCES = (RNN, RNN_ALONE, LSTM, ATTENTION, HEADS, LAYER_NORM, PIPELINE, VAE, WORD2VEC)
