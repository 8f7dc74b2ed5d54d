"""Programs of still other kinds, each true sentence written before the check was looked at.

At first sight 126 of 131 mistakes of eight such programs were named truly, as judged by eye, and
61 of 66 of four others after that; two of those that weren't are of arrays that no graph knows.
"""

from __future__ import annotations

from .planted import (
    ALL,
    AXIS,
    EXPONENT,
    FLIPPED,
    LOSS,
    NO_LABEL,
    OF_SIGMA,
    PLUS,
    RELU,
    SHAPE,
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
    twice,
)  # fmt: skip

NORM = Program(
    "batch norm with examples as columns, relu, a cache's names, softmax, 1/m in the loss",
    """
    n, h, c, m, eps = 3, 4, 3, 6, 1e-3
    X = r.normal(size=(n, m))
    W1, W2 = r.normal(size=(h, n)), r.normal(size=(c, h))
    gamma, beta = r.uniform(0.5, 1.5, size=(h, 1)), r.normal(size=(h, 1)) / 2
    b2 = r.normal(size=(c, 1)) / 2
    Y = np.eye(c)[np.array([0, 2, 1, 1, 0, 2])].T
    """,
    "W1 gamma beta W2 b2",
    """
    Z1 = W1 @ X
    mu = Z1.mean(axis=1, keepdims=True)
    var = ((Z1 - mu) ** 2).mean(axis=1, keepdims=True)
    _istd = 1 / np.sqrt(var + eps)
    Zn = (Z1 - mu) * _istd
    Zt = gamma * Zn + beta
    A1 = np.maximum(0, Zt)
    Z2 = W2 @ A1 + b2
    _t = np.exp(Z2 - Z2.max(axis=0, keepdims=True))
    A2 = _t / _t.sum(axis=0, keepdims=True)
    loss = -(Y * np.log(A2)).sum() / m
    """,
    """
    dZ2 = (A2 - Y) / m
    dW2 = dZ2 @ A1.T
    db2 = dZ2.sum(axis=1, keepdims=True)
    dA1 = W2.T @ dZ2
    dZt = dA1 * (Zt > 0)
    dgamma = (dZt * Zn).sum(axis=1, keepdims=True)
    dbeta = dZt.sum(axis=1, keepdims=True)
    dZn = dZt * gamma
    dvar = (dZn * (Z1 - mu)).sum(axis=1, keepdims=True) * -0.5 * (var + eps) ** -1.5
    dmu = -(dZn * _istd).sum(axis=1, keepdims=True)
    dZ1 = dZn * _istd + dvar * 2 * (Z1 - mu) / m + dmu / m
    dW1 = dZ1 @ X.T
    """,
    [
        ("dgamma", "(dZt * Zt).sum(axis=1, keepdims=True)", swapped("Zt", "Zn")),
        ("dgamma", "(dA1 * Zn).sum(axis=1, keepdims=True)", RELU + "|∇A1 stands where ∇Zt"),
        ("dbeta", "dZt.mean(axis=1, keepdims=True)", mean("6")),
        ("dbeta", "dZt.sum(axis=1)", SHAPE),
        ("dZn", "dZt", lost("gamma|γ") + "|" + STEP),
        ("dvar", "(dZn * (Z1 - mu)).sum(axis=1, keepdims=True) * 0.5 * (var + eps) ** -1.5", SIGN),
        ("dvar", "(dZn * (Z1 - mu)).sum(axis=1, keepdims=True) * -0.5 * (var + eps) ** -0.5",
         EXPONENT + "|division by var"),
        ("dvar", "(dZn * Zn).sum(axis=1, keepdims=True) * -0.5 * (var + eps) ** -1.5",
         swapped("Zn", r"Z1 - mu.*|Z1 - μ.*") + "|" + extra(".*") + "|" + EXPONENT),
        ("dmu", "(dZn * _istd).sum(axis=1, keepdims=True)", SIGN),
        ("dmu", "-dZn.sum(axis=1, keepdims=True)", lost("division by .*|.*var.*")),
        ("dZ1", "dZn * _istd + dvar * 2 * (Z1 - mu) / m", path("mu|μ") + "|" + lost("∇mu.*|∇μ.*")),
        ("dZ1", "dZn * _istd", r"only (there )?.*Zn|only what comes from Zn|∇var"),
        ("dZ1", "dZn * _istd + dvar * 2 * (Z1 - mu) / m + dmu",
         "mu.*6 times too large|" + lost("1/.*")),
        ("dZ1", "dZn * _istd + dvar * (Z1 - mu) / m + dmu / m",
         "var.*2 times too small|2 is missing"),
        ("dZt", "dA1 * (Zn > 0)", swapped("Zn.*", "Zt.*")),
        ("dA1", "W2.T @ A2", swapped("A2", "∇Z2") + "|" + NO_LABEL),
    ],
)  # fmt: skip

HIGHWAY = Program(
    "highway network, the same layer three times, carry gate, logistic loss",
    """
    N, D, L = 4, 3, 3
    X = r.normal(size=(N, D))
    Wh, bh = r.normal(size=(D, D)) / 2, r.normal(size=D) / 2
    Wt, bt = r.normal(size=(D, D)) / 2, r.normal(size=D) / 2
    w = r.normal(size=D)
    y = np.array([1.0, 0.0, 0.0, 1.0])
    """,
    "Wh bh Wt bt w",
    """
    v, q, s = {0: X}, {}, {}
    for l in range(L):
        q[l] = np.maximum(v[l] @ Wh + bh, 0)
        s[l] = 1 / (1 + np.exp(-(v[l] @ Wt + bt)))
        v[l + 1] = s[l] * q[l] + (1 - s[l]) * v[l]
    logit = v[L] @ w
    loss = (np.log(1 + np.exp(logit)) - y * logit).sum() / N
    """,
    """
    dlogit = (1 / (1 + np.exp(-logit)) - y) / N
    dw = v[L].T @ dlogit
    dv, dq, ds = {L: np.outer(dlogit, w)}, {}, {}
    dWh, dbh, dWt, dbt = np.zeros((D, D)), np.zeros(D), np.zeros((D, D)), np.zeros(D)
    for l in reversed(range(L)):
        dq[l] = dv[l + 1] * s[l]
        ds[l] = dv[l + 1] * (q[l] - v[l])
        ah = dq[l] * (q[l] > 0)
        at = ds[l] * s[l] * (1 - s[l])
        dWh += v[l].T @ ah
        dWt += v[l].T @ at
        dbh += ah.sum(axis=0)
        dbt += at.sum(axis=0)
        dv[l] = dv[l + 1] * (1 - s[l]) + ah @ Wh.T + at @ Wt.T
    """,
    [
        ("dlogit", "(logit - y) / N", swapped("logit", "σ.*") + "|" + lost("σ.*") + "|" + LOSS),
        ("dlogit", "1 / (1 + np.exp(-logit)) - y", large("4")),
        ("dq[l]", "dq[l] = dv[l + 1] * (1 - s[l])", swapped("1 - s.*", "s_.*")),
        ("ds[l]", "ds[l] = dv[l + 1] * q[l]", "by way of 1 - s.* missing"),
        ("ds[l]", "ds[l] = dv[l + 1] * (q[l] + v[l])", SIGN),
        ("    ah", "ah = dq[l]", RELU, "Wh bh v"),
        ("    at", "at = ds[l] * s[l]", lost("1 - .*"), "Wt bt v"),
        ("    at", "at = ds[l] * (1 - s[l])", lost("σ.*|s_.*"), "Wt bt v"),
        ("    dWh", "dWh += v[l + 1].T @ ah", swapped("v_.*", "v_.*|X"), "Wh"),
        ("    dWt", "dWt = v[l].T @ at", PLUS, "Wt"),
        ("dv[l]", "dv[l] = ah @ Wh.T + at @ Wt.T", lost(r".*1 - s.*|.*∇v.*"), "v"),
        ("dv[l]", "dv[l] = dv[l + 1] + ah @ Wh.T + at @ Wt.T", lost("1 - s.*"), "v"),
        ("dv[l]", "dv[l] = dv[l + 1] * (1 - s[l]) + ah @ Wh.T", path("Wt.*|s_.*"), "v"),
        ("dv[l]", "dv[l] = dv[l + 1] * (1 - s[l]) + ah @ Wh + at @ Wt.T", FLIPPED, "v"),
        ("    dbt", "dbt += at.sum()", ALL, "bt"),
    ],
)  # fmt: skip

TASKS = Program(
    "two tasks, a shared trunk, each loss weighted by a learned uncertainty",
    """
    m, d, h, k = 5, 4, 3, 3
    X = r.normal(size=(m, d))
    Ws, bs = r.normal(size=(d, h)), r.normal(size=h)
    Wr, br = r.normal(size=(h, 1)), r.normal(size=1)
    Wc, bc = r.normal(size=(h, k)), r.normal(size=k)
    s1, s2 = np.array(0.3), np.array(-0.2)
    t = r.normal(size=(m, 1))
    y = np.array([0, 2, 1, 2, 0])
    """,
    "Ws bs Wr br Wc bc s1 s2",
    """
    H = np.tanh(X @ Ws + bs)
    pred = H @ Wr + br
    L1 = ((pred - t) ** 2).mean()
    logits = H @ Wc + bc
    _e = np.exp(logits)
    P = _e / _e.sum(axis=1, keepdims=True)
    L2 = -np.log(P[np.arange(m), y]).mean()
    loss = 0.5 * np.exp(-s1) * L1 + np.exp(-s2) * L2 + 0.5 * (s1 + s2)
    """,
    """
    dL1 = 0.5 * np.exp(-s1)
    dL2 = np.exp(-s2)
    ds1 = 0.5 - 0.5 * np.exp(-s1) * L1
    ds2 = 0.5 - np.exp(-s2) * L2
    dpred = dL1 * 2 * (pred - t) / m
    dWr = H.T @ dpred
    dbr = dpred.sum(axis=0)
    dlogits = P.copy()
    dlogits[np.arange(m), y] -= 1
    dlogits *= dL2 / m
    dWc = H.T @ dlogits
    dbc = dlogits.sum(axis=0)
    dH = dpred @ Wr.T + dlogits @ Wc.T
    _dA = dH * (1 - H ** 2)
    dWs = X.T @ _dA
    dbs = _dA.sum(axis=0)
    """,
    [
        ("dL1", "np.exp(-s1)", "2 times too large|" + lost("0.5|½|1/2")),
        ("dL2", "np.exp(s2)", swapped("s2", "-s2")),
        ("ds1", "-0.5 * np.exp(-s1) * L1", lost("0.5|½|1/2|the term .*")),
        ("ds1", "0.5 + 0.5 * np.exp(-s1) * L1", SIGN),
        ("ds2", "0.5 - L2", lost("exp.*")),
        ("dpred", "2 * (pred - t) / m", lost("∇L1|L1|exp.*|.*L1.*") + "|1 stands where"),
        ("dpred", "dL1 * (pred - t) / m", small("2")),
        ("dpred", "dL1 * 2 * (t - pred) / m", SIGN),
        ("dlogits *=", "dlogits /= m", lost("∇L2|L2|.*L2.*"), "logits"),
        ("dlogits *=", "dlogits *= dL2", large("5"), "logits"),
        ("dlogits[", "pass", NO_LABEL, "logits"),
        ("dlogits[", "dlogits[:, y] -= 1", "any row|all of them|" + NO_LABEL, "logits"),
        ("dH", "dpred @ Wr.T", path("logits")),
        ("dH", "dlogits @ Wc.T", path("pred")),
        ("_dA", "dH * (1 - H)", EXPONENT, "Ws bs"),
        ("_dA", "dH", TANH, "Ws bs"),
        ("dbr", "dpred.mean(axis=0)", mean("5")),
    ],
)  # fmt: skip

POST = Program(
    "post-norm transformer block, one head, GELU by tanh, positions learned, next token",
    """
    T, D, F, V = 4, 4, 6, 5
    ids = np.array([1, 3, 0, 3])
    targets = np.array([3, 0, 3, 2])
    tok, pos = r.normal(size=(V, D)), r.normal(size=(T, D))
    Wq, Wk, Wv = (r.normal(size=(D, D)) for _ in range(3))
    g1, e1 = r.uniform(0.5, 1.5, size=D), r.normal(size=D)
    A, a, B, b = r.normal(size=(D, F)), r.normal(size=F), r.normal(size=(F, D)), r.normal(size=D)
    U = r.normal(size=(D, V))
    mask = np.triu(np.ones((T, T)), 1) * -1e9
    k = np.sqrt(2 / np.pi)
    """,
    "tok pos Wq Wk Wv g1 e1 A a B b U",
    """
    x = tok[ids] + pos
    Q, K, Z = x @ Wq, x @ Wk, x @ Wv
    S = Q @ K.T / np.sqrt(D) + mask
    _e = np.exp(S - S.max(axis=-1, keepdims=True))
    P = _e / _e.sum(axis=-1, keepdims=True)
    u = x + P @ Z
    _m = u.mean(axis=-1, keepdims=True)
    _v = u.var(axis=-1, keepdims=True)
    n = (u - _m) / np.sqrt(_v + 1e-5)
    l = g1 * n + e1
    f = l @ A + a
    _th = np.tanh(k * (f + 0.044715 * f ** 3))
    ge = 0.5 * f * (1 + _th)
    o = l + ge @ B + b
    logits = o @ U
    _q = np.exp(logits - logits.max(axis=-1, keepdims=True))
    prob = _q / _q.sum(axis=-1, keepdims=True)
    loss = -np.log(prob[np.arange(T), targets]).mean()
    """,
    """
    dlogits = (prob - np.eye(V)[targets]) / T
    dU = o.T @ dlogits
    do = dlogits @ U.T
    dB = ge.T @ do
    db = do.sum(axis=0)
    dge = do @ B.T
    dth = 0.5 * f * dge
    df = 0.5 * (1 + _th) * dge + dth * (1 - _th ** 2) * k * (1 + 3 * 0.044715 * f ** 2)
    dA = l.T @ df
    da = df.sum(axis=0)
    dl = do + df @ A.T
    dg1 = (dl * n).sum(axis=0)
    de1 = dl.sum(axis=0)
    dn = dl * g1
    du = dn - dn.mean(-1, keepdims=True) - n * (dn * n).mean(-1, keepdims=True)
    du = du / np.sqrt(_v + 1e-5)
    dP = du @ Z.T
    dZ = P.T @ du
    dS = P * (dP - (dP * P).sum(axis=-1, keepdims=True))
    dQ = dS @ K / np.sqrt(D)
    dK = dS.T @ Q / np.sqrt(D)
    dWq = x.T @ dQ
    dWk = x.T @ dK
    dWv = x.T @ dZ
    dx = du + dQ @ Wq.T + dK @ Wk.T + dZ @ Wv.T
    dpos = dx
    dtok = np.zeros((V, D))
    np.add.at(dtok, ids, dx)
    """,
    [
        ("df", "0.5 * (1 + _th) * dge", "tanh|missing|only"),
        ("df", "0.5 * (1 + _th) * dge + dth * k * (1 + 3 * 0.044715 * f ** 2)", TANH),
        ("df", "0.5 * (1 + _th) * dge + dth * (1 - _th ** 2) * k * (1 + 0.044715 * f ** 2)",
         r"3( is missing)?|" + small("3")),
        ("df", "dge * (f > 0)", r"∇ge ∘ \(f > 0\) stands where"),
        ("dl", "df @ A.T", path("o")),
        ("dl", "do + 2 * df @ A.T", "2 times too large"),
        ("dn", "dl", lost("g1") + "|" + STEP),
        ("du = dn", "du = dn", "constants|only|missing"),
        ("du = dn", "du = dn - dn.mean(-1, keepdims=True)", "missing|only"),
        ("du = dn", "du = dn - dn.mean(0, keepdims=True) - n * (dn * n).mean(0, keepdims=True)",
         AXIS),
        ("dS", "P * dP", "missing"),
        ("dS", "P * (dP - (dP * P).sum(axis=0, keepdims=True))", AXIS),
        ("dQ", "dS @ K", lost(r".*sqrt.*|√.*|2|½|0\.5|1/2") + "|2 times too large"),
        ("dK", "dS @ Q / np.sqrt(D)", FLIPPED),
        ("dx", "dQ @ Wq.T + dK @ Wk.T + dZ @ Wv.T", path("u")),
        ("dx", "du + dQ @ Wq.T + dK @ Wk.T", path("Z")),
        ("np.add.at", "dtok[ids] = dx", PLUS, "tok"),
        ("np.add.at", "np.add.at(dtok, targets, dx)", "by the ids", "tok"),
    ],
)  # fmt: skip

MAML = Program(
    "meta-learning: one inner step of gradient descent, then the loss of the query set",
    """
    m, d = 5, 3
    Xs, ys = r.normal(size=(m, d)), r.normal(size=m)
    Xq, yq = r.normal(size=(m, d)), r.normal(size=m)
    w, b = r.normal(size=d), np.array(0.4)
    lr = np.array(0.1)
    """,
    "w b lr",
    """
    es = Xs @ w + b - ys
    gw = Xs.T @ es / m
    gb = es.sum() / m
    w1 = w - lr * gw
    b1 = b - lr * gb
    eq = Xq @ w1 + b1 - yq
    loss = (eq ** 2).sum() / (2 * m)
    """,
    """
    deq = eq / m
    dw1 = Xq.T @ deq
    db1 = deq.sum()
    dlr = -gw @ dw1 - gb * db1
    dgw = -lr * dw1
    dgb = -lr * db1
    des = Xs @ dgw / m + dgb / m
    dw = dw1 + Xs.T @ des
    db = db1 + des.sum()
    """,
    [
        ("deq", "2 * eq / m", "2 times too large"),
        ("dw1", "Xs.T @ deq", swapped("x", "x_2")),
        ("dw1", "Xq.T @ es / m", swapped("es", "∇eq|eq")),
        ("db1", "deq.mean()", mean("5")),
        ("dlr", "-gw @ dw1", path("b1|gb.*") + "|" + lost(".*gb.*")),
        ("dlr", "gw @ dw1 + gb * db1", SIGN),
        ("dgw", "lr * dw1", SIGN),
        ("dgw", "-dw1", lost("lr")),
        ("des", "Xs @ dgw / m", path("gb") + "|" + lost(".*gb.*")),
        ("des", "Xs @ dgw + dgb", large("5")),
        ("dw", "dw1", path("es|gw") + "|" + lost(".*es.*") + "|first.order|only"),
        ("dw", "dw1 + Xs.T @ es / m", swapped("es.*|gw", "∇es")),
        ("dw", "Xs.T @ des", path("w1")),
        ("db", "db1 + des", UNSUMMED + "|" + SHAPE),
        ("db", "db1", path("es") + "|only"),
    ],
)  # fmt: skip

PONG = Program(
    "policy gradient from pixels: sigmoid policy, advantages of discounted returns",
    """
    T, D, H = 6, 5, 4
    epx = r.normal(size=(T, D))
    W1, W2 = r.normal(size=(H, D)) / 2, r.normal(size=H) / 2
    act = np.array([1.0, 0.0, 0.0, 1.0, 1.0, 0.0])
    rewards = np.array([0.0, 0.0, 1.0, 0.0, 0.0, -1.0])
    R = np.zeros(T)
    run = 0.0
    for t in reversed(range(T)):
        run = rewards[t] + 0.9 * run
        R[t] = run
    adv = (R - R.mean()) / R.std()
    """,
    "W1 W2",
    """
    pre = epx @ W1.T
    eph = np.maximum(pre, 0)
    logp = eph @ W2
    p = 1 / (1 + np.exp(-logp))
    loss = -(adv * (act * np.log(p) + (1 - act) * np.log(1 - p))).sum()
    """,
    """
    dlogp = (p - act) * adv
    dW2 = eph.T @ dlogp
    deph = np.outer(dlogp, W2)
    dpre = deph * (eph > 0)
    dW1 = dpre.T @ epx
    """,
    [
        ("dlogp", "(act - p) * adv", SIGN),
        ("dlogp", "p - act", lost("c_1")),
        ("dlogp", "(p - act) * adv * p * (1 - p)", "once too often|too many"),
        ("dlogp", "(logp - act) * adv", swapped("logp", "p|σ.*")),
        ("dlogp", "(p - act) * adv / T", small("6")),
        ("dW2", "pre.T @ dlogp", swapped("pre.*", "eph.*")),
        ("dW2", "(eph.T * dlogp).mean(axis=1)", mean("6") + "|" + small("6")),
        ("deph", "np.outer(dlogp, W2 ** 2)", twice("W2")),
        ("dpre", "deph", RELU),
        ("dpre", "np.maximum(deph, 0)", "relu is taken|relu"),
        ("dpre", "deph * eph", swapped("eph.*|pre.*", ".*> 0.*|mask.*")),
        ("dpre", "deph * (deph > 0)", "relu|mask|> 0"),
        ("dpre", "deph * (pre < 0)", "inverted|opposite|<"),
        ("dW1", "dpre.T @ epx / T", small("6")),
        ("dW1", "deph.T @ epx", RELU + "|∇eph stands where ∇pre"),
    ],
)  # fmt: skip

GLOVE = Program(
    "GloVe by loops over pairs of words, weights of counts",
    """
    V, D = 5, 3
    pairs = [(0, 1), (1, 2), (0, 3), (3, 1), (2, 0), (1, 0)]
    cnt = {p: float(n) for p, n in zip(pairs, [3, 8, 20, 2, 15, 6])}
    xmax, alpha = 10.0, 0.75
    W, C = r.normal(size=(V, D)) / 2, r.normal(size=(V, D)) / 2
    bw, bc = r.normal(size=V) / 2, r.normal(size=V) / 2
    """,
    "W C bw bc",
    """
    loss = 0.0
    for _i, _j in pairs:
        _f = min(1.0, (cnt[_i, _j] / xmax) ** alpha)
        _diff = W[_i] @ C[_j] + bw[_i] + bc[_j] - np.log(cnt[_i, _j])
        loss = loss + 0.5 * _f * _diff ** 2
    """,
    """
    dW, dC, dbw, dbc = np.zeros((V, D)), np.zeros((V, D)), np.zeros(V), np.zeros(V)
    for i, j in pairs:
        f = min(1.0, (cnt[i, j] / xmax) ** alpha)
        diff = W[i] @ C[j] + bw[i] + bc[j] - np.log(cnt[i, j])
        g = f * diff
        dW[i] += g * C[j]
        dC[j] += g * W[i]
        dbw[i] += g
        dbc[j] += g
    """,
    [
        ("    g", "g = diff", "missing|weight|given", "W C bw bc"),
        ("    g", "g = 2 * f * diff", "2 times too large", "W C bw bc"),
        ("    g", "g = -f * diff", SIGN, "W C bw bc"),
        ("    diff", "diff = W[i] @ C[j] + bw[i] - np.log(cnt[i, j])", lost("bc.*"), "W C bw bc"),
        ("    diff", "diff = W[i] @ C[j] - np.log(cnt[i, j])", "only the term", "W C bw bc"),
        ("    diff", "diff = W[i] @ C[j] + bw[i] + bc[j]",
         lost("log.*|y.*|c_.*|target.*") + "|target", "W C bw bc"),
        ("    dW[", "dW[i] += g * C[i]", "by the ids|ids of|row", "W"),
        ("    dW[", "dW[i] += g * W[j]", swapped("W.*", "C.*"), "W"),
        ("    dW[", "dW[i] = g * C[j]", PLUS, "W"),
        ("    dC[", "dC[i] += g * W[j]", "by the ids|exchanged|ids", "C"),
        ("    dC[", "dC[j] += g * C[j]", swapped("C.*", "W.*"), "C"),
        ("    dC[", "dC[i] += g * W[i]", "by the ids|ids", "C"),
        ("    dbw", "dbw[i] += diff", "missing|weight", "bw"),
        ("    dbw", "dbw[j] += g", "by the ids|ids", "bw"),
        ("    dbc", "dbc += g", "all|each entry|sum", "bc"),
    ],
)  # fmt: skip

GAN = Program(
    "generator's step of an adversarial net, leaky relu, non-saturating loss, D frozen",
    """
    m, k, h, d = 4, 2, 3, 3
    z = r.normal(size=(m, k))
    G1, c1 = r.normal(size=(k, h)), r.normal(size=h) / 2
    G2, c2 = r.normal(size=(h, d)), r.normal(size=d) / 2
    D1, e1 = r.normal(size=(d, h)), r.normal(size=h) / 2
    D2, e2 = r.normal(size=(h, 1)), r.normal(size=1)
    """,
    "G1 c1 G2 c2 D1 e1 D2 e2",
    """
    u = z @ G1 + c1
    a = np.maximum(u, 0)
    v = a @ G2 + c2
    fake = np.tanh(v)
    s = fake @ D1 + e1
    q = np.where(s > 0, s, 0.2 * s)
    o = q @ D2 + e2
    p = 1 / (1 + np.exp(-o))
    loss = -np.log(p + 1e-8).mean()
    """,
    """
    dp = -1 / (p + 1e-8) / m
    do = dp * p * (1 - p)
    dD2 = q.T @ do
    de2 = do.sum(axis=0)
    dq = do @ D2.T
    ds = dq * np.where(s > 0, 1, 0.2)
    dD1 = fake.T @ ds
    de1 = ds.sum(axis=0)
    dfake = ds @ D1.T
    dv = dfake * (1 - fake ** 2)
    dG2 = a.T @ dv
    dc2 = dv.sum(axis=0)
    da = dv @ G2.T
    du = da * (u > 0)
    dG1 = z.T @ du
    dc1 = du.sum(axis=0)
    """,
    [
        ("dp", "1 / (p + 1e-8) / m", SIGN),
        ("dp", "-1 / (p + 1e-8)", large("4")),
        ("dp", "1 / (1 - p + 1e-8) / m", "1 - p|p[^;]*stands|saturat"),
        ("do", "dp * (1 - p)", lost("p")),
        ("do", "dp * o * (1 - o)", "computed from o|o stands where p"),
        ("do", "p - 1", "divide|1/|4 times"),
        ("ds", "dq * (s > 0)", "relu|0.2|leak|term"),
        ("ds", "dq * np.where(s > 0, 1, 0.2 * s)", "0.2|s |stands|slope"),
        ("ds", "dq", "missing"),
        ("dv", "dfake * (1 - v ** 2)", "computed from v|v stands where fake"),
        ("dv", "dfake * fake * (1 - fake)", OF_SIGMA),
        ("dfake", "ds @ D1", FLIPPED),
        ("du", "da * np.where(u > 0, 1, 0.2)", "leaky|0.2|derivative of"),
        ("dG1", "z.T @ da", RELU),
        ("dG2", "u.T @ dv", swapped("u", "a")),
        ("dc2", "dv.sum()", ALL),
    ],
)  # fmt: skip

WAVE = Program(
    "dilated causal convolutions, gated tanh and sigmoid, residual and skip sums",
    """
    T, D = 6, 2
    x = r.normal(size=(T, D))
    A, B = r.normal(size=(2, D, D)), r.normal(size=(2, D, D))
    A2, B2 = r.normal(size=(2, D, D)), r.normal(size=(2, D, D))
    R, K, K2 = r.normal(size=(D, D)), r.normal(size=(D, 1)), r.normal(size=(D, 1))
    y = r.normal(size=(T, 1))
    """,
    "A B A2 B2 R K K2",
    """
    _x1 = np.concatenate([np.zeros((1, D)), x[:-1]])
    f1 = _x1 @ A[0] + x @ A[1]
    g1 = _x1 @ B[0] + x @ B[1]
    t1 = np.tanh(f1)
    q1 = 1 / (1 + np.exp(-g1))
    u1 = t1 * q1
    h = x + u1 @ R
    _h2 = np.concatenate([np.zeros((2, D)), h[:-2]])
    f2 = _h2 @ A2[0] + h @ A2[1]
    g2 = _h2 @ B2[0] + h @ B2[1]
    t2 = np.tanh(f2)
    q2 = 1 / (1 + np.exp(-g2))
    u2 = t2 * q2
    out = u1 @ K + u2 @ K2
    loss = ((out - y) ** 2).sum() / (2 * T)
    """,
    """
    dout = (out - y) / T
    dK = u1.T @ dout
    dK2 = u2.T @ dout
    du2 = dout @ K2.T
    dt2 = du2 * q2
    dq2 = du2 * t2
    df2 = dt2 * (1 - t2 ** 2)
    dg2 = dq2 * q2 * (1 - q2)
    dA2 = np.stack([_h2.T @ df2, h.T @ df2])
    dB2 = np.stack([_h2.T @ dg2, h.T @ dg2])
    dh = df2 @ A2[1].T + dg2 @ B2[1].T
    _back = df2 @ A2[0].T + dg2 @ B2[0].T
    dh[:-2] += _back[2:]
    dR = u1.T @ dh
    du1 = dout @ K.T + dh @ R.T
    dt1 = du1 * q1
    dq1 = du1 * t1
    df1 = dt1 * (1 - t1 ** 2)
    dg1 = dq1 * q1 * (1 - q1)
    dA = np.stack([_x1.T @ df1, x.T @ df1])
    dB = np.stack([_x1.T @ dg1, x.T @ dg1])
    """,
    [
        ("dh[:-2]", "dh[:-1] += _back[1:]", "another block|block|places|shift"),
        ("dh[:-2]", "dh[:-2] += _back[:-2]", "another block|block"),
        ("dh[:-2]", "pass", "missing"),
        ("dh[:-2]", "dh[:-2] = _back[2:]", PLUS),
        ("dh =", "df2 @ A2[1].T", path("g2"), "h"),
        ("dh =", "df2 @ A2[1] + dg2 @ B2[1].T", FLIPPED, "h"),
        ("dt2", "du2 * t2", swapped("t2", "q2")),
        ("dq2", "du2 * f2", swapped("f2", "t2")),
        ("df2", "dt2 * (1 - f2 ** 2)", "computed from f2|f2 stands"),
        ("dg2", "dq2 * g2 * (1 - g2)", "computed from g2|g2 stands"),
        ("dA2", "np.stack([h.T @ df2, _h2.T @ df2])", "exchanged|order|block|turned"),
        ("dA2", "np.stack([h.T @ df2, h.T @ df2])", "stands where|block"),
        ("dA2", "np.stack([np.zeros((D, D)), h.T @ df2])", "block|missing"),
        ("du1", "dh @ R.T", path("out")),
        ("du1", "dout @ K.T", path("h")),
        ("dR", "u2.T @ dh", swapped("u2", "u1")),
        ("dA", "np.stack([_x1.T @ dt1, x.T @ dt1])", TANH),
        ("dK2", "u1.T @ dout", swapped("u1", "u2")),
    ],
)  # fmt: skip

GROUP = Program(
    "group norm of images, scale and shift by channel, global average pooling, softmax",
    """
    N, C, H, W, G, eps = 2, 4, 2, 3, 2, 1e-3
    X = r.normal(size=(N, C, H, W))
    gamma, beta = r.uniform(0.5, 1.5, size=(1, C, 1, 1)), r.normal(size=(1, C, 1, 1))
    A, b = r.normal(size=(C, 3)), r.normal(size=3)
    y = np.array([2, 0])
    """,
    "X gamma beta A b",
    """
    xg = X.reshape(N, G, C // G, H, W)
    mu = xg.mean(axis=(2, 3, 4), keepdims=True)
    xc = xg - mu
    var = (xc ** 2).mean(axis=(2, 3, 4), keepdims=True)
    std = np.sqrt(var + eps)
    xn = (xc / std).reshape(N, C, H, W)
    out = gamma * xn + beta
    act = np.maximum(out, 0)
    pool = act.mean(axis=(2, 3))
    scores = pool @ A + b
    _e = np.exp(scores - scores.max(axis=1, keepdims=True))
    P = _e / _e.sum(axis=1, keepdims=True)
    loss = -np.log(P[np.arange(N), y]).mean()
    """,
    """
    M = (C // G) * H * W
    dscores = P.copy()
    dscores[np.arange(N), y] -= 1
    dscores /= N
    dA = pool.T @ dscores
    db = dscores.sum(axis=0)
    dpool = dscores @ A.T
    dact = np.ones((1, 1, H, W)) * dpool[:, :, None, None] / (H * W)
    dout = dact * (out > 0)
    dgamma = (dout * xn).sum(axis=(0, 2, 3), keepdims=True)
    dbeta = dout.sum(axis=(0, 2, 3), keepdims=True)
    dxn = dout * gamma
    _g = dxn.reshape(N, G, C // G, H, W)
    dstd = -(_g * xc / std ** 2).sum(axis=(2, 3, 4), keepdims=True)
    dvar = dstd / (2 * std)
    dxc = _g / std + dvar * 2 * xc / M
    dmu = -dxc.sum(axis=(2, 3, 4), keepdims=True)
    dxg = dxc + dmu / M
    dX = dxg.reshape(N, C, H, W)
    """,
    [
        ("dact", "np.ones((1, 1, H, W)) * dpool[:, :, None, None]", "6 times too large|divide"),
        ("dact", "np.ones((1, 1, H, W)) * dpool[:, :, None, None] / H", "3 times too large"),
        ("dscores /=", "pass", large("2"), "scores"),
        ("dgamma", "(dout * xn).sum(axis=(2, 3), keepdims=True)[:1]", "only the first"),
        ("dgamma", "(dout * out).sum(axis=(0, 2, 3), keepdims=True)", swapped("out", "xn")),
        ("dgamma", "(dout * xn).sum(axis=(0, 2, 3))", SHAPE),
        ("dbeta", "dout.mean(axis=(0, 2, 3), keepdims=True)", mean("12")),
        ("dxn", "dout", lost("gamma")),
        ("dstd", "-(_g * xc / std).sum(axis=(2, 3, 4), keepdims=True)",
         EXPONENT + "|" + lost(".*std.*")),
        ("dstd", "(_g * xc / std ** 2).sum(axis=(2, 3, 4), keepdims=True)", SIGN),
        ("dstd", "-(_g * xc / std ** 2).mean(axis=(2, 3, 4), keepdims=True)", mean("12")),
        ("dvar", "dstd / std", "2 times too large"),
        ("dvar", "dstd * 2 * std", EXPONENT + "|std"),
        ("dxc", "_g / std + dvar * xc / M", "2 times too small"),
        ("dxc", "_g / std", path("var")),
        ("dxg", "dxc + dmu", "12 times too large|" + lost("1/12")),
        ("dxg", "dxc", path("mu")),
    ],
)  # fmt: skip

ALL_OF_IT = "alpha beta level trend"

HOLT = Program(
    "Holt's exponential smoothing, level and trend, plain numbers, parameters alone",
    """
    T = 8
    seen = np.cumsum(r.normal(size=T) + 0.5)
    alpha, beta = np.array(0.6), np.array(0.3)
    level, trend = np.array(0.2), np.array(0.4)
    """,
    "alpha beta level trend",
    """
    _l, _b = {0: level}, {0: trend}
    loss = 0.0
    for t in range(T):
        _err = _l[t] + _b[t] - seen[t]
        loss = loss + 0.5 * _err ** 2
        _l[t + 1] = alpha * seen[t] + (1 - alpha) * (_l[t] + _b[t])
        _b[t + 1] = beta * (_l[t + 1] - _l[t]) + (1 - beta) * _b[t]
    """,
    """
    dalpha = dbeta = 0.0
    gl = gb = 0.0
    for t in reversed(range(T)):
        err = _l[t] + _b[t] - seen[t]
        dbeta += gb * (_l[t + 1] - _l[t] - _b[t])
        gl = gl + gb * beta
        dalpha += gl * (seen[t] - _l[t] - _b[t])
        gl, gb = gl * (1 - alpha) - gb * beta + err, gb * (1 - beta) + gl * (1 - alpha) + err
    dlevel, dtrend = gl, gb
    """,
    [
        ("    err", "err = _l[t] - seen[t]", "stands where", ALL_OF_IT),
        ("    err", "err = _l[t + 1] + _b[t + 1] - seen[t]", "pass|stands", ALL_OF_IT),
        ("    dbeta", "dbeta += gb * (_l[t + 1] - _l[t])", "missing|by way", "beta"),
        ("    dbeta", "dbeta += gb * (_l[t + 1] - _b[t])", "stands where", "beta"),
        ("    dbeta", "dbeta = gb * (_l[t + 1] - _l[t] - _b[t])", PLUS, "beta"),
        ("    gl = gl + gb", "pass", "missing", ALL_OF_IT),
        ("    gl = gl + gb", "gl = gl + gb", r"beta.*missing|missing.*beta", ALL_OF_IT),
        ("    dalpha", "dalpha += gl * (seen[t] - _l[t])", "stands where", "alpha"),
        ("    dalpha", "dalpha += gl * (seen[t] + _l[t] + _b[t])", SIGN, "alpha"),
        ("    dalpha", "dalpha += gl * seen[t]", "missing", "alpha"),
        ("    gl, gb", "gl, gb = gl * (1 - alpha) + err, gb * (1 - beta) + gl * (1 - alpha) + err",
         "missing", ALL_OF_IT),
        ("    gl, gb", "gl, gb = gl * (1 - alpha) - gb * beta + err, gb * (1 - beta) + err",
         "missing", ALL_OF_IT),
        ("    gl, gb",
         "gl, gb = gl * alpha - gb * beta + err, gl * (1 - alpha) + gb * (1 - beta) + err",
         "alpha|stands|1 -", ALL_OF_IT),
        ("    gl, gb", "gl, gb = gl * (1 - alpha) - gb * beta + err, gb + gl * (1 - alpha) + err",
         lost("1 - beta"), ALL_OF_IT),
        ("    gl, gb", "gl, gb = gl * (1 - alpha) - gb * beta, gb * (1 - beta) + gl * (1 - alpha)",
         "missing", ALL_OF_IT),
    ],
)  # fmt: skip

UNSEEN = (NORM, HIGHWAY, TASKS, POST, MAML, PONG, GLOVE, GAN, WAVE, GROUP, HOLT)
