"""Programs that are kept apart: the check was written without a look at them, and measured here.

Of the mistakes of the last five and of seven like them 173 of 201 were named at first sight.
"""

from __future__ import annotations

from .planted import (
    ALL,
    AXIS,
    EARLY,
    EVERYWHERE,
    EXPONENT,
    FLIPPED,
    LOSS,
    NO_LABEL,
    OF_SIGMA,
    PLUS,
    RELU,
    ROWS,
    SHAPE,
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
    twice,
)  # fmt: skip

GRU = Program(
    "GRU",
    """
    n, D, H, T = 3, 5, 4, 2
    X, Y = r.normal(size=(n, T, D)), r.normal(size=(n, 2))
    Wz, Wq, Wc = r.normal(size=(D, H)), r.normal(size=(D, H)), r.normal(size=(D, H))
    Uz, Uq, Uc = r.normal(size=(H, H)), r.normal(size=(H, H)), r.normal(size=(H, H))
    bz, V, h0 = r.normal(size=H), r.normal(size=(H, 2)), r.normal(size=(n, H))
    def sigmoid(x): return 1 / (1 + np.exp(-x))
    """,
    "Wz Wq Wc Uz Uq Uc bz V",
    """
    az, aq, ac, z, q, c, rh, h = {}, {}, {}, {}, {}, {}, {}, {0: h0}
    for t in range(1, T + 1):
        x = X[:, t - 1]
        az[t] = x @ Wz + h[t - 1] @ Uz + bz
        z[t] = sigmoid(az[t])
        aq[t] = x @ Wq + h[t - 1] @ Uq
        q[t] = sigmoid(aq[t])
        rh[t] = q[t] * h[t - 1]
        ac[t] = x @ Wc + rh[t] @ Uc
        c[t] = np.tanh(ac[t])
        h[t] = (1 - z[t]) * h[t - 1] + z[t] * c[t]
    y = h[T] @ V
    loss = 0.5 * np.sum((y - Y) ** 2) / n
    """,
    """
    dWz, dWq, dWc = np.zeros_like(Wz), np.zeros_like(Wq), np.zeros_like(Wc)
    dUz, dUq, dUc = np.zeros_like(Uz), np.zeros_like(Uq), np.zeros_like(Uc)
    dbz = np.zeros_like(bz)
    daz, daq, dac, dz, dq, dc, drh, dh = {}, {}, {}, {}, {}, {}, {}, {}
    dy = (y - Y) / n
    dV = h[T].T @ dy
    dnext = dy @ V.T
    for t in reversed(range(1, T + 1)):
        dh[t] = dnext
        dz[t] = dh[t] * (c[t] - h[t - 1])
        dc[t] = dh[t] * z[t]
        dac[t] = dc[t] * (1 - c[t] ** 2)
        drh[t] = dac[t] @ Uc.T
        dq[t] = drh[t] * h[t - 1]
        daq[t] = dq[t] * q[t] * (1 - q[t])
        daz[t] = dz[t] * z[t] * (1 - z[t])
        dWz += X[:, t - 1].T @ daz[t]
        dWq += X[:, t - 1].T @ daq[t]
        dWc += X[:, t - 1].T @ dac[t]
        dUz += h[t - 1].T @ daz[t]
        dUq += h[t - 1].T @ daq[t]
        dUc += rh[t].T @ dac[t]
        dbz += daz[t].sum(axis=0)
        dnext = dh[t] * (1 - z[t]) + daz[t] @ Uz.T + daq[t] @ Uq.T + drh[t] * q[t]
    """,
    [
        ("dy", "y - Y", large("3")),
        ("dz[t]", "dh[t] * c[t]", path(r"h_\S+|h0|-|1 - z_\S+", r"c_\S+")),
        ("dz[t]", "dh[t] * (c[t] + h[t - 1])", SIGN),
        ("dz[t]", "dh[t] * (h[t - 1] - c[t])", SIGN),
        ("dc[t]", "dh[t] * (1 - z[t])", swapped(r"1 - z_\S+", r"z_\S+")),
        ("dc[t]", "dh[t]", lost(r"z_\S+") + "|" + STEP),
        ("dac[t]", "dc[t]", TANH),
        ("dac[t]", "dc[t] * c[t] * (1 - c[t])", OF_SIGMA),
        ("drh[t]", "dac[t] @ Uc", FLIPPED),
        ("dq[t]", "drh[t] * h[t]", swapped(r"h_\S+", r"h_\S+|h0") + r"|h_\S+ stands"),
        ("daq[t]", "dq[t]", SIGMA),
        ("daz[t]", "dz[t] * az[t] * (1 - az[t])",
         swapped(r"az_\S+", r"z_\S+") + "|computed from az"),
        ("dUc +=", "h[t - 1].T @ dac[t]",
         swapped(r"h_\S+|h0", r"rh_\S+") + "|" + lost(r"q_\S+") + r"|rh_\S+ belongs"),
        ("dUz +=", "dUz = h[t - 1].T @ daz[t]", PLUS),
        ("dbz +=", "daz[t].mean(axis=0)", mean("3")),
        ("    dnext", "dh[t] * (1 - z[t])",
         path(r"a[zq]_\S+|U[zq]|rh_\S+", r"comes from h_\S+|1 - z_\S+"), "h"),
        ("    dnext", "daz[t] @ Uz.T + daq[t] @ Uq.T + drh[t] * q[t]",
         path(r"comes from h_\S+|1 - z_\S+"), "h"),
        ("    dnext", "dh[t] * (1 - z[t]) + daz[t] @ Uz.T + daq[t] @ Uq.T",
         path(r"rh_\S+|ac_\S+|q_\S+"), "h"),
        ("    dnext", "dh[t] * z[t] + daz[t] @ Uz.T + daq[t] @ Uq.T + drh[t] * q[t]",
         swapped(r"z_\S+", r"1 - z_\S+"), "h"),
    ],
)  # fmt: skip

COSINE = Program(
    "siamese net, cosine similarity",
    """
    n = 5
    x1, x2, y = r.normal(size=(n, 3)), r.normal(size=(n, 3)), r.integers(0, 2, n) * 1.0
    W = r.normal(size=(3, 4))
    """,
    "W",
    """
    s1, s2 = x1 @ W, x2 @ W
    a, b = np.tanh(s1), np.tanh(s2)
    dot = np.sum(a * b, axis=1)
    na, nb = np.sqrt(np.sum(a ** 2, axis=1)), np.sqrt(np.sum(b ** 2, axis=1))
    cos = dot / (na * nb)
    loss = np.mean((cos - y) ** 2)
    """,
    """
    dcos = 2 * (cos - y) / n
    ddot = dcos / (na * nb)
    dna = -dcos * dot / (na ** 2 * nb)
    dnb = -dcos * dot / (na * nb ** 2)
    da = ddot[:, None] * b + (dna / na)[:, None] * a
    db = ddot[:, None] * a + (dnb / nb)[:, None] * b
    ds1 = da * (1 - a ** 2)
    ds2 = db * (1 - b ** 2)
    dW = x1.T @ ds1 + x2.T @ ds2
    """,
    [
        ("dcos", "(cos - y) / n", r"\b2 times too small|\b2 is missing|" + LOSS),
        ("dcos", "2 * (cos - y)", large("5")),
        ("ddot", "dcos", lost(r"na|nb|1/|norms") + "|" + STEP),
        ("ddot", "dcos / na", lost("nb|1/nb")),
        ("dna", "dcos * dot / (na ** 2 * nb)", SIGN),
        ("dna", "-dcos * dot / (na * nb)", EXPONENT + "|" + lost("na|1/na")),
        ("da", "ddot[:, None] * b", path("na|∇na|norm", "dot")),
        ("da", "ddot[:, None] * a + (dna / na)[:, None] * a", swapped("a", "b")),
        ("da", "ddot[:, None] * b + dna[:, None] * a", lost("na|1/na|√|sqrt")),
        ("da", "ddot[:, None] * b + (2 * dna / na)[:, None] * a", r"\b2 times too large"),
        ("ds1", "da", TANH),
        ("ds2", "db * (1 - a ** 2)", swapped(r"a|s1|tanh'\(s1\)", r"b|s2|tanh'\(s2\)")),
        ("dW", "x1.T @ ds1", path("s2|∇s2|x2", "s1")),
        ("dW", "x1.T @ ds1 - x2.T @ ds2", SIGN),
        ("dW", "x1.T @ (ds1 + ds2)", swapped("x1|input", "x2|input") + "|stands where"),
        ("dW", "(x1.T @ ds1 + x2.T @ ds2) / 2", r"\b2 times too small|mean|average"),
    ],
)  # fmt: skip

GAUSSIAN = Program(
    "Gaussian log-likelihood, mean and deviation learned",
    """
    n = 7
    X, y = r.normal(size=(n, 3)), r.normal(size=n)
    wm, ws, bm, bs = r.normal(size=3), r.normal(size=3), r.normal(), r.normal()
    """,
    "wm ws bm bs",
    """
    m = X @ wm + bm
    ls = X @ ws + bs
    s = np.exp(ls)
    u = (y - m) / s
    loss = np.mean(0.5 * u ** 2 + ls + 0.5 * np.log(2 * np.pi))
    """,
    """
    du = u / n
    dm = -du / s
    ds = -du * u / s
    dls = ds * s + 1 / n
    dwm = X.T @ dm
    dbm = dm.sum()
    dws = X.T @ dls
    dbs = dls.sum()
    """,
    [
        ("du", "u", large("7")),
        ("du", "2 * u / n", r"\b2 times too large|" + LOSS),
        ("dm", "du / s", SIGN),
        ("dm", "-du", lost(r"s|1/s")),
        ("dm", "-du / s ** 2", EXPONENT + "|" + twice("s|1/s")),
        ("dm", "(m - y) / n", LOSS + "|" + lost("s|1/s") + "|" + EXPONENT),
        ("ds", "-du / s", lost("u")),
        ("ds", "du * u / s", SIGN),
        ("dls", "ds * s", path("loss|1/7|1/n|mean|direct|term|log", "s")),
        ("dls", "ds + 1 / n", lost("s|exp|exp'")),
        ("dls", "ds * s + 1", r"\b7 times too large|" + lost("1/7|1/n")),
        ("dls", "ds * s - 1 / n", SIGN),
        ("dwm", "X.T @ dls", swapped("∇ls", "∇m")),
        ("dbm", "dm", UNSUMMED),
        ("dbs", "dls.mean()", mean("7")),
    ],
)  # fmt: skip

FACTORS = Program(
    "matrix factorization with biases",
    """
    lam = 0.3
    R, M = r.normal(size=(6, 5)), (r.random((6, 5)) < 0.6) * 1.0
    P, Q = r.normal(size=(6, 3)), r.normal(size=(5, 3))
    bu, bi = r.normal(size=(6, 1)), r.normal(size=(1, 5))
    """,
    "P Q bu bi",
    """
    pred = P @ Q.T + bu + bi
    e = pred - R
    loss = 0.5 * np.sum(M * e ** 2) + 0.5 * lam * (np.sum(P ** 2) + np.sum(Q ** 2))
    """,
    """
    de = M * e
    dpred = de
    dP = dpred @ Q + lam * P
    dQ = dpred.T @ P + lam * Q
    dbu = dpred.sum(axis=1, keepdims=True)
    dbi = dpred.sum(axis=0, keepdims=True)
    """,
    [
        ("de", "e", lost("M|mask|factor")),
        ("de", "2 * M * e", r"\b2 times too large|" + LOSS),
        ("de", "-M * e", SIGN),
        ("de", "M * pred", swapped("pred", "e") + "|" + lost("R")),
        ("de", "M * e / M.sum()", r"times too small|1/\d+"),
        ("dP", "dpred @ Q", lost("P|decay|penalty|0.3") + "|only"),
        ("dP", "dpred @ Q + 2 * lam * P", r"\b2 times too large"),
        ("dP", "dpred @ Q - lam * P", SIGN),
        ("dQ", "dpred.T @ (P - 0.1 * dP) + lam * Q", r"updated|- 0\.1"),
        ("dQ", "dpred.T @ P + lam * Q * Q", EXPONENT + "|" + twice("Q") + "|square"),
        ("dbu", "dpred.sum(axis=0, keepdims=True).T", AXIS),
        ("dbu", "dpred.sum(axis=1)", SHAPE),
        ("dbi", "dpred.mean(axis=0, keepdims=True)", mean("6")),
        ("dbi", "dpred", UNSUMMED),
        ("dbi", "dbu", "is ∇bu|" + swapped("∇bu", "∇bi") + "|" + AXIS),
    ],
)  # fmt: skip

COLUMNS = Program(
    "two layers in columns, quadratic cost",
    """
    n = 6
    x, y = r.normal(size=(3, n)), r.random((2, n))
    w1, b1 = r.normal(size=(4, 3)), r.normal(size=(4, 1))
    w2, b2 = r.normal(size=(2, 4)), r.normal(size=(2, 1))
    """,
    "w1 b1 w2 b2",
    """
    z1 = w1 @ x + b1
    a1 = 1 / (1 + np.exp(-z1))
    z2 = w2 @ a1 + b2
    a2 = 1 / (1 + np.exp(-z2))
    loss = np.sum((a2 - y) ** 2) / (2 * n)
    """,
    """
    da2 = (a2 - y) / n
    dz2 = da2 * a2 * (1 - a2)
    dw2 = dz2 @ a1.T
    db2 = dz2.sum(axis=1, keepdims=True)
    da1 = w2.T @ dz2
    dz1 = da1 * a1 * (1 - a1)
    dw1 = dz1 @ x.T
    db1 = dz1.sum(axis=1, keepdims=True)
    """,
    [
        ("da2", "a2 - y", large("6")),
        ("da2", "(a2 - y) / (2 * n)", r"\b2 times too small"),
        ("da2", "a2 / n", NO_LABEL),
        ("dz2", "da2", SIGMA),
        ("dz2", "da2 * z2 * (1 - z2)", swapped("z2", "a2") + "|computed from z2"),
        ("dz2", "da2 * (a2 - y) * (1 - (a2 - y))", r"a2 - y[^;]*where|" + SIGMA),
        ("dw2", "a1 @ dz2.T", FLIPPED),
        ("dw2", "dz2 @ z1.T", swapped("z1", "a1")),
        ("dw2", "(dz2[:, :1] @ a1[:, :1].T)", "first|only|example|column"),
        ("db2", "dz2.sum(axis=0, keepdims=True)", AXIS),
        ("db2", "dz2.mean(axis=1, keepdims=True)", mean("6")),
        ("db2", "dz2", UNSUMMED),
        ("da1", "w2.T @ da2", swapped("∇a2", "∇z2") + "|" + SIGMA),
        ("da1", "(w2 - dw2).T @ dz2", EARLY),
        ("dz1", "da1 * a1", lost("1 - ")),
        ("dz1", "w2.T @ da2 * a1 * (1 - a1)", swapped("∇a2", "∇z2") + "|" + SIGMA),
        ("db1", "dz1.sum()", ALL),
        ("db1", "da1.sum(axis=1, keepdims=True)", swapped("∇a1", "∇z1") + "|" + SIGMA),
    ],
    never=ROWS,
)  # fmt: skip

CONVOLUTION_1D = Program(
    "convolution in one dimension, average pooling, softmax",
    """
    n = 4
    x, y = r.normal(size=(n, 8)), np.eye(5)[r.integers(0, 5, n)]
    K, c, W = r.normal(size=3), r.normal(), r.normal(size=(3, 5))
    """,
    "x K c W",
    """
    conv = np.stack([x[:, i : i + 3] @ K for i in range(6)], axis=1) + c
    act = np.tanh(conv)
    pool = act.reshape(n, 3, 2).mean(axis=2)
    z = pool @ W
    p = np.exp(z) / np.sum(np.exp(z), axis=1)[:, None]
    loss = -np.sum(y * np.log(p)) / n
    """,
    """
    dz = (p - y) / n
    dW = pool.T @ dz
    dpool = dz @ W.T
    dact = np.repeat(dpool, 2, axis=1) / 2
    dconv = dact * (1 - act ** 2)
    dK = np.zeros(3)
    dx = np.zeros_like(x)
    for i in range(6):
        dK += x[:, i : i + 3].T @ dconv[:, i]
        dx[:, i : i + 3] += np.outer(dconv[:, i], K)
    dc = dconv.sum()
    """,
    [
        ("dz", "p - y", large("4")),
        ("dz", "p * (1 - p) * (p - y) / n", extra(r"p|softmax|slope|1 - p|σ'") + "|" + LOSS),
        ("dW", "dz.T @ pool", FLIPPED),
        ("dact", "np.repeat(dpool, 2, axis=1)", r"\b2 times too large|" + lost("1/2|mean|½")),
        ("dact", "np.tile(dpool, 2) / 2", "order|tile|repeat|arrange|entr"),
        ("dconv", "dact", TANH),
        ("dconv", "dact * (act > 0)", "relu'|(slope|derivative) of relu|> 0"),
        ("dK +=", "dK = x[:, i : i + 3].T @ dconv[:, i]", PLUS),
        ("dK +=", "x[:, i : i + 3][:, ::-1].T @ dconv[:, i]", "flip|revers|turned|order|index"),
        ("dK +=", "x[:, i : i + 3].T @ dact[:, i]", swapped("∇act", "∇conv") + "|" + TANH),
        ("dx[", "dx[:, i : i + 3] = np.outer(dconv[:, i], K)", PLUS),
        ("dx[", "np.outer(dconv[:, i], K[::-1])", "flip|revers|turned|order|index"),
        ("dc", "dconv.sum(axis=0)", "axis|not summed"),
        ("dc", "dconv.mean()", small("24")),
    ],
)  # fmt: skip

POISSON = Program(
    "Poisson regression",
    """
    n, alpha = 9, 0.2
    X, y, offset = r.normal(size=(n, 3)), r.integers(0, 4, n) * 1.0, r.normal(size=n)
    w, b = r.normal(size=3), r.normal()
    """,
    "w b",
    """
    eta = X @ w + b + offset
    rate = np.exp(eta)
    loss = np.mean(rate - y * eta) + 0.5 * alpha * w @ w
    """,
    """
    drate = np.ones(n) / n
    deta = drate * rate - y / n
    dw = X.T @ deta + alpha * w
    db = deta.sum()
    """,
    [
        ("drate", "np.ones(n)", large("9")),
        ("deta", "drate * rate", path(r"y|1/9 y|y/9|y / 9|direct", "rate") + "|" + NO_LABEL),
        ("deta", "drate * rate - y", r"\b9 times too large|" + lost("1/9|1/n|∇rate")),
        ("deta", "drate * rate + y / n", SIGN),
        ("deta", "drate - y / n", lost("rate|exp|exp'")),
        ("deta", "drate * eta - y / n", swapped("eta", "rate|exp")),
        ("dw", "X.T @ deta", lost("w|decay|penalty|0.2") + "|only"),
        ("dw", "X.T @ deta + 0.5 * alpha * w", r"\b2 times too small|half"),
        ("dw", "X.T @ deta + alpha * w / n", r"\b9 times too small|1/9"),
        ("dw", "X.T @ (rate - y) + alpha * w", r"\b9 times too large|" + lost("1/9|1/n")),
        ("dw", "X.T @ rate / n + alpha * w", swapped("rate", "∇eta") + "|" + NO_LABEL),
        ("db", "deta.mean()", mean("9")),
        ("db", "deta", UNSUMMED),
        ("db", "deta.sum() + alpha * b", extra(r"b|0\.2|penalty|decay") + "|decayed"),
    ],
)  # fmt: skip

SOFTMAX_COLUMNS = Program(
    "softmax regression in columns, integer labels",
    """
    m = 7
    X, y = r.normal(size=(4, m)), r.integers(0, 3, m)
    W, b = r.normal(size=(3, 4)), r.normal(size=(3, 1))
    """,
    "W b",
    """
    Z = np.dot(W, X) + b
    E = np.exp(Z - np.max(Z, axis=0))
    P = E / np.sum(E, axis=0, keepdims=True)
    loss = np.sum(-np.log(P[y, np.arange(m)])) / m
    """,
    """
    dP = np.zeros_like(P)
    dP[y, np.arange(m)] = -1 / (m * P[y, np.arange(m)])
    dZ = P.copy()
    dZ[y, np.arange(m)] -= 1
    dZ = dZ / m
    dW = np.dot(dZ, X.T)
    db = np.sum(dZ, axis=1, keepdims=True)
    """,
    [
        ("dP[", "1 / (m * P[y, np.arange(m)])", SIGN),
        ("dP[", "-1 / m", lost("P|1/P")),
        ("dP[", "-1 / P[y, np.arange(m)]", large("7")),
        ("dP = ", "-1 / (m * P)", EVERYWHERE),
        ("dZ = dZ", "dZ", large("7")),
        ("dZ[", "pass", NO_LABEL),
        ("dZ = P", "E.copy()", swapped("E|exp", "P|softmax") + "|" + lost("sum|Σ|normal")),
        ("dZ = P", "-P", SIGN),
        ("dW", "np.dot(X, dZ.T)", FLIPPED),
        ("dW", "np.dot(P, X.T) / m", swapped("P", "∇Z") + "|" + NO_LABEL),
        ("dW", "np.dot(dZ, X.T) / m", small("7")),
        ("db", "np.sum(dZ, axis=0, keepdims=True)", AXIS),
        ("db", "np.sum(dZ, axis=1)", SHAPE),
        ("db", "dZ", UNSUMMED),
        ("db", "np.sum(P, axis=1, keepdims=True)", swapped("P", "∇Z") + "|" + NO_LABEL),
    ],
    never=ROWS,
)  # fmt: skip

TIED = Program(
    "autoencoder with tied weights",
    """
    n = 6
    x = r.normal(size=(n, 4))
    W, b, c = r.normal(size=(4, 3)), r.normal(size=3), r.normal(size=4)
    """,
    "W b c",
    """
    s = x @ W + b
    h = np.log(1 + np.exp(s))
    xr = h @ W.T + c
    loss = 0.5 * np.mean(np.sum((xr - x) ** 2, axis=1))
    """,
    """
    dxr = (xr - x) / n
    dc = dxr.sum(axis=0)
    dh = dxr @ W
    ds = dh / (1 + np.exp(-s))
    db = ds.sum(axis=0)
    dW = x.T @ ds + dxr.T @ h
    """,
    [
        ("dxr", "xr - x", large("6")),
        ("dxr", "(xr - x) / x.size", r"\b4 times too small|1/24|24"),
        ("dxr", "(x - xr) / n", SIGN),
        ("dc", "dxr.sum(axis=1)", AXIS),
        ("dh", "dxr", lost("W")),
        ("ds", "dh", lost(r"softplus'|σ|slope|derivative|'") + "|" + STEP),
        ("ds", "dh * h * (1 - h)", OF_SIGMA + "|" + swapped("h", r"σ|softplus'|s")),
        ("ds", "dh / (1 + np.exp(s))", SIGN + r"|σ\(-s\)|1 - σ|" + swapped("s", "-s")),
        ("db", "ds", UNSUMMED),
        ("dW", "x.T @ ds", path("xr|∇xr|decod", "s")),
        ("dW", "dxr.T @ h", path("s|∇s|encod", "xr")),
        ("dW", "x.T @ ds + (dxr.T @ h) / 2", r"\b2 times too small"),
        ("dW", "x.T @ ds + dxr.T @ s", swapped("s", "h")),
        ("dW", "x.T @ dh + dxr.T @ h", swapped("∇h", "∇s") + "|" + lost(r"softplus'|σ|slope|'")),
    ],
)  # fmt: skip

POOLED = Program(
    "attention without a mask, mean over the positions, logistic loss",
    """
    L, D, K, y = 5, 4, 3, -1.0
    x = r.normal(size=(L, D))
    Wq, Wk, Wv = r.normal(size=(D, K)), r.normal(size=(D, K)), r.normal(size=(D, K))
    u = r.normal(size=K)
    """,
    "Wq Wk Wv u",
    """
    q, k, v = x @ Wq, x @ Wk, x @ Wv
    S = q @ k.T / K ** 0.5
    A = np.exp(S - S.max(axis=1, keepdims=True))
    A = A / A.sum(axis=1, keepdims=True)
    out = A @ v
    pooled = out.mean(axis=0)
    score = pooled @ u
    loss = np.log(1 + np.exp(-y * score))
    """,
    """
    dscore = -y / (1 + np.exp(y * score))
    du = dscore * pooled
    dpooled = dscore * u
    dout = np.ones((L, 1)) * dpooled / L
    dA = dout @ v.T
    dv = A.T @ dout
    dS = A * (dA - (dA * A).sum(axis=1, keepdims=True))
    dq = dS @ k / K ** 0.5
    dk = dS.T @ q / K ** 0.5
    dWq = x.T @ dq
    dWk = x.T @ dk
    dWv = x.T @ dv
    """,
    [
        ("dscore", "y / (1 + np.exp(y * score))", SIGN),
        ("dscore", "-y", lost(r"σ|1/\(1|exp|slope|derivative|'")),
        ("dscore", "-y / (1 + np.exp(-y * score))", SIGN + r"|1 - σ|" + swapped("-|σ", "σ|-")),
        ("du", "dscore * out.sum(axis=0)", r"\b5 times too large|sum[^;]*mean|" + lost("1/5")),
        ("dpooled", "dscore * pooled", swapped("pooled", "u")),
        ("dout", "np.ones((L, 1)) * dpooled", large("5")),
        ("dA", "dout @ k.T", swapped("k", "v")),
        ("dS", "A * dA", lost("sum|Σ|second|term|1 - ") + "|only|sum"),
        ("dS", "A * (dA - (dA * A).sum(axis=0, keepdims=True))", AXIS),
        ("dS", "A * (1 - A) * dA", "σ'|diagonal|sigmoid|" + swapped("1 - A", "sum|Σ|softmax")),
        ("dS", "dA", lost("softmax|A|'|slope") + "|" + STEP),
        ("dq", "dS @ k", lost(r"√|sqrt|1/|1.732|0.577") + r"|√3|1\.732|sqrt"),
        ("dk", "dS @ q / K ** 0.5", FLIPPED),
        ("dWk", "x.T @ dq", swapped("∇q", "∇k")),
        ("dWv", "x.T @ dout", swapped("∇out", "∇v")),
    ],
)  # fmt: skip

DROPOUT_COLUMNS = Program(
    "L-layer in columns, 1/m in the parameters' lines, inverted dropout, L2",
    """
    m, lam, keep = 7, 0.7, 0.8
    X, Y = r.normal(size=(4, m)), r.integers(0, 2, (1, m)) * 1.0
    W1, b1 = r.normal(size=(5, 4)), r.normal(size=(5, 1))
    W2, b2 = r.normal(size=(3, 5)), r.normal(size=(3, 1))
    W3, b3 = r.normal(size=(1, 3)), r.normal(size=(1, 1))
    D1 = (r.random((5, m)) < keep).astype(float)
    """,
    "W1 b1 W2 b2 W3 b3",
    """
    Z1 = W1 @ X + b1
    A1 = np.maximum(0, Z1) * D1 / keep
    Z2 = W2 @ A1 + b2
    A2 = np.maximum(0, Z2)
    Z3 = W3 @ A2 + b3
    A3 = 1 / (1 + np.exp(-Z3))
    squares = np.sum(W1 ** 2) + np.sum(W2 ** 2) + np.sum(W3 ** 2)
    cost = -np.sum(Y * np.log(A3) + (1 - Y) * np.log(1 - A3)) / m
    loss = cost + lam / (2 * m) * squares
    """,
    """
    dZ3 = A3 - Y
    dW3 = dZ3 @ A2.T / m + lam / m * W3
    db3 = np.sum(dZ3, axis=1, keepdims=True) / m
    dA2 = W3.T @ dZ3
    dZ2 = dA2 * (A2 > 0)
    dW2 = dZ2 @ A1.T / m + lam / m * W2
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dA1 = W2.T @ dZ2
    dZ1 = dA1 * D1 / keep * (Z1 > 0)
    dW1 = dZ1 @ X.T / m + lam / m * W1
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    """,
    [
        ("dZ3", "A3 - 1", lost("y") + "|1 stands"),
        ("dZ3", "Y - A3", SIGN),
        ("dW3", "dZ3 @ A2.T / m", lost("W3|decay|penalty")),
        ("dW3", "dZ3 @ A2.T / m + lam * W3", "7 times too large"),
        ("dW3", "dZ3 @ A2.T + lam / m * W3", "7 times too large|1/7|1/m"),
        ("dA2", "W3.T @ (A3 - Y) * A3 * (1 - A3)", OF_SIGMA),
        ("dZ2", "dA2 * (A3 > 0)", RELU),
        ("dZ2", "dA2", RELU),
        ("db2", "np.sum(dZ2, axis=0, keepdims=True) / m", AXIS),
        ("db2", "np.mean(dZ2, axis=1, keepdims=True) / m", small("7") + "|twice"),
        ("dZ1", "dA1 * (Z1 > 0)", lost("mask|factor")),
        ("dZ1", "dA1 * D1 * (Z1 > 0)", r"0\.8|1\.25"),
        ("dZ1", "dA1 * D1 / keep", RELU),
    ],
    convention="Z3 A2 Z2 A1 Z1",
    never=ROWS,
)  # fmt: skip

NORMALISED = Program(
    "batch normalisation with learned scale, its variance by hand, squared error",
    """
    n, eps = 8, 1e-5
    x, t = r.normal(size=(n, 3)), r.normal(size=(n, 3))
    gamma, beta = r.normal(size=3), r.normal(size=3)
    """,
    "x gamma beta",
    """
    mu = x.mean(axis=0)
    xmu = x - mu
    var = np.mean(xmu ** 2, axis=0)
    std = np.sqrt(var + eps)
    ivar = 1 / std
    xhat = xmu * ivar
    out = gamma * xhat + beta
    loss = np.sum((out - t) ** 2) / n
    """,
    """
    dout = 2 * (out - t) / n
    dbeta = dout.sum(axis=0)
    dgamma = (dout * xhat).sum(axis=0)
    dxhat = dout * gamma
    divar = (dxhat * xmu).sum(axis=0)
    dstd = -divar / std ** 2
    dvar = 0.5 / np.sqrt(var + eps) * dstd
    dxmu = dxhat * ivar + 2 / n * xmu * dvar
    dmu = -dxmu.sum(axis=0)
    dx = dxmu + dmu / n
    """,
    [
        ("dout", "(out - t) / n", "2 times too small"),
        ("dbeta", "dout.sum(axis=1)", AXIS + "|shape"),
        ("dgamma", "(dout * x).sum(axis=0)", swapped("x", "xhat")),
        ("dgamma", "(dout * xhat).mean(axis=0)", mean("8")),
        ("dgamma", "dout.sum(axis=0)", lost("xhat")),
        ("dxhat", "dout", lost("gamma")),
        ("divar", "(dxhat * xhat).sum(axis=0)", swapped("xhat", "xmu")),
        ("dstd", "divar / std ** 2", SIGN),
        ("dstd", "-divar / std", EXPONENT + "|" + lost("std")),
        ("dvar", "dstd / np.sqrt(var + eps)", "2 times too large"),
        ("dvar", "0.5 * np.sqrt(var + eps) * dstd", EXPONENT + "|" + swapped("ivar", "std")),
        ("dxmu", "dxhat * ivar", path("var|∇var", "xhat|∇xhat")),
        ("dxmu", "dxhat * ivar + 2 * xmu * dvar", "8 times too large"),
        ("dxmu", "dxhat * ivar + xmu * dvar / n", "2 times too small"),
        ("dmu", "-dxmu.mean(axis=0)", mean("8")),
        ("dmu", "dxmu.sum(axis=0)", SIGN),
        ("dx", "dxmu", path("mu|∇mu", "xmu")),
        ("dx", "dxmu + dmu", "8 times too large"),
    ],
)  # fmt: skip

BAG_OF_WORDS = Program(
    "bag of words: mean of embeddings, hidden relu, sigmoid, weights by class",
    """
    B, T, V, D = 5, 4, 6, 3
    ids = r.integers(0, V, (B, T))
    mask = (np.arange(T) < r.integers(1, T + 1, (B, 1))) * 1.0
    y, cw = r.integers(0, 2, B) * 1.0, np.array([0.5, 2.0, 1.0, 0.7, 1.3])
    E, W, b, u = r.normal(size=(V, D)), r.normal(size=(D, 4)), r.normal(size=4), r.normal(size=4)
    """,
    "E W b u",
    """
    emb = E[ids]
    cnt = mask.sum(axis=1, keepdims=True)
    avg = (emb * mask[:, :, None]).sum(axis=1) / cnt
    s = avg @ W + b
    h = np.maximum(s, 0)
    z = h @ u
    p = 1 / (1 + np.exp(-z))
    loss = -np.mean(cw * (y * np.log(p) + (1 - y) * np.log(1 - p)))
    """,
    """
    dz = cw * (p - y) / B
    du = h.T @ dz
    dh = np.outer(dz, u)
    ds = dh * (s > 0)
    db = ds.sum(axis=0)
    dW = avg.T @ ds
    davg = ds @ W.T
    demb = davg[:, None, :] * mask[:, :, None] / cnt[:, :, None]
    dE = np.zeros_like(E)
    np.add.at(dE, ids, demb)
    """,
    [
        ("dz", "(p - y) / B", lost("factor")),
        ("dz", "cw * (p - y)", large("5")),
        ("dz", "cw * p / B", NO_LABEL),
        ("du", "dz @ s", swapped("s", "h")),
        ("dh", "np.outer(dz, u) * u", extra("u") + "|twice|squared"),
        ("ds", "dh * (h >= 0)", RELU),
        ("ds", "dh * h", swapped("h", r".*slope|relu'")),
        ("db", "ds.sum()", ALL + "|shape"),
        ("davg", "dh @ W.T", swapped("∇h", "∇s") + "|" + RELU),
        ("demb", "davg[:, None] / cnt[:, :, None] * np.ones((B, T, 1))", lost("factor")),
        ("demb", "davg[:, None, :] * mask[:, :, None]", lost("division")),
        ("demb", "davg[:, None, :] * mask[:, :, None] / T", lost("division") + ".*4"),
        ("np.add.at", "dE[ids] += demb", PLUS, "E"),
        ("np.add.at", "dE[ids] = demb", PLUS, "E"),
    ],
)  # fmt: skip

ADDITIVE = Program(
    "additive attention over a memory, square shapes",
    """
    L, D = 4, 4
    M, q, t = r.normal(size=(L, D)), r.normal(size=D), r.normal(size=D)
    Wm, Wq = r.normal(size=(D, D)), r.normal(size=(D, D))
    v, Wo = r.normal(size=D), r.normal(size=(D, D))
    """,
    "Wm Wq v Wo",
    """
    u = M @ Wm + q @ Wq
    k = np.tanh(u)
    e = k @ v
    a = np.exp(e) / np.sum(np.exp(e))
    c = a @ M
    o = c @ Wo
    loss = 0.5 * np.sum((o - t) ** 2)
    """,
    """
    do = o - t
    dWo = np.outer(c, do)
    dc = do @ Wo.T
    da = M @ dc
    de = a * (da - np.sum(a * da))
    dv = k.T @ de
    dk = np.outer(de, v)
    du = dk * (1 - k ** 2)
    dWm = M.T @ du
    dWq = np.outer(q, du.sum(axis=0))
    """,
    [
        ("do", "t - o", SIGN),
        ("dWo", "np.outer(do, c)", FLIPPED),
        ("dc", "do @ Wo", FLIPPED),
        ("da", "dc @ M", FLIPPED),
        ("de", "a * da", lost("sum|term|Σ.*") + "|only|diag"),
        ("de", "da * a * (1 - a)", "diagonal|own"),
        ("de", "a * (da - np.sum(da))", lost("a")),
        ("de", "a * (da - np.mean(a * da))", "mean"),
        ("de", "da - np.sum(a * da)", lost("a|softmax.*")),
        ("dv", "k @ de", FLIPPED),
        ("dv", "u.T @ de", swapped("u", "k")),
        ("dk", "np.outer(v, de)", FLIPPED),
        ("du", "dk * (1 - u ** 2)", "computed from u|"+swapped("u", "k")),
        ("du", "dk * (1 - k)", "exponent|square|power"),
        ("dWm", "M @ du", FLIPPED),
        ("dWm", "M.T @ dk", swapped("∇k", "∇u") + "|" + TANH),
        ("dWq", "np.outer(q, du[0])", "sum|first|one"),
        ("dWq", "np.outer(du.sum(axis=0), q)", FLIPPED),
        ("dWq", "np.outer(q, du.sum(axis=1))", AXIS),
        ("dWq", "np.outer(q, du.mean(axis=0))", mean("4")),
    ],
)  # fmt: skip

CONTRASTIVE = Program(
    "contrastive loss in a batch, temperature, cosine",
    """
    n, tau = 5, 0.5
    xa, xb = r.normal(size=(n, 3)), r.normal(size=(n, 3))
    Wa, Wb = r.normal(size=(3, 4)), r.normal(size=(3, 4))
    """,
    "Wa Wb",
    """
    za, zb = xa @ Wa, xb @ Wb
    na, nb = np.linalg.norm(za, axis=1, keepdims=True), np.linalg.norm(zb, axis=1, keepdims=True)
    a, b = za / na, zb / nb
    S = a @ b.T / tau
    P = np.exp(S) / np.exp(S).sum(axis=1, keepdims=True)
    loss = -np.mean(np.log(np.diag(P)))
    """,
    """
    dS = (P - np.eye(n)) / n
    da = dS @ b / tau
    db = dS.T @ a / tau
    dza = (da - (da * a).sum(axis=1, keepdims=True) * a) / na
    dzb = (db - (db * b).sum(axis=1, keepdims=True) * b) / nb
    dWa = xa.T @ dza
    dWb = xb.T @ dzb
    """,
    [
        ("dS", "P / n", lost("I")),
        ("dS", "(P - 1) / n", lost("I")),
        ("dS", "P - np.eye(n)", large("5")),
        ("da", "dS @ b", "2 times too small"),
        ("da", "dS @ b * tau", "4 times too small"),
        ("da", "dS @ zb / tau", swapped("zb", "b")),
        ("db", "dS @ a / tau", FLIPPED),
        ("db", "dS.T @ b / tau", swapped("b", "a")),
        ("dza", "da / na", lost("term|sum|.*a.*") + "|only"),
        ("dza", "(da - (da * a).sum(axis=0, keepdims=True) * a) / na", AXIS),
        ("dza", "(da - (da * za).sum(axis=1, keepdims=True) * za) / na",
         EXPONENT + "|" + swapped("za", "a")),
        ("dzb", "(db - (db * b).sum(axis=1, keepdims=True) * b) / na", swapped("na", "nb")),
        ("dzb", "db", STEP),
        ("dWa", "xa.T @ da", swapped("∇a", "∇za")),
        ("dWb", "xa.T @ dzb", swapped("x", "x_1")),
    ],
)  # fmt: skip

APART = (
    GRU, COSINE, GAUSSIAN, FACTORS, COLUMNS, CONVOLUTION_1D, POISSON, SOFTMAX_COLUMNS, TIED, POOLED,
    DROPOUT_COLUMNS, NORMALISED, BAG_OF_WORDS, ADDITIVE, CONTRASTIVE,
)  # fmt: skip
