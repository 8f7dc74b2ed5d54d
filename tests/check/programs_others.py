"""Programs of further kinds: mistakes at marked places, in what is used twice, in loops of pairs.

At first sight 191 of 224 mistakes of thirteen such programs were named truly; after what these
taught 70 of 83 of four others, 87 of 98 of five, and 76 of 86 of four. These are a part of them.
"""

from __future__ import annotations

from .planted import (
    ALL,
    AXIS,
    EXPONENT,
    FLIPPED,
    NO_LABEL,
    ORDER,
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
)  # fmt: skip

HINGE = Program(
    "linear SVM, structured hinge by loops, W[:, y[i]], bias trick, decay",
    """
    N, D, C = 5, 4, 3
    X = np.hstack([r.normal(size=(N, D - 1)), np.ones((N, 1))])
    y = np.array([0, 2, 1, 1, 0])
    W = r.normal(size=(D, C)) / 2
    reg, delta = 0.05, 1.0
    """,
    "W",
    """
    loss = 0.0
    for i in range(N):
        _s = X[i] @ W
        for j in range(C):
            if j == y[i]:
                continue
            loss = loss + np.maximum(0, _s[j] - _s[y[i]] + delta)
    loss = loss / N + 0.5 * reg * np.sum(W * W)
    """,
    """
    dW = np.zeros(W.shape)
    for i in range(N):
        scores = X[i].dot(W)
        correct = scores[y[i]]
        for j in range(C):
            if j == y[i]:
                continue
            margin = scores[j] - correct + delta
            if margin > 0:
                dW[:, j] += X[i]
                dW[:, y[i]] -= X[i]
    dW /= N
    dW += reg * W
    """,
    [
        ("            dW[:, j]", "dW[:, j] = X[i]", PLUS, "W"),
        ("            dW[:, j]", "pass", "missing", "W"),
        ("            dW[:, y[i]]", "pass", "missing", "W"),
        ("            dW[:, y[i]]", "dW[:, y[i]] += X[i]", SIGN, "W"),
        ("            dW[:, y[i]]", "dW[:, y[i]] = -X[i]", PLUS, "W"),
        ("            dW[:, j]", "dW[:, j] -= X[i]", SIGN, "W"),
        ("        if margin", "if margin > delta:", "margin|mask|delta|0 stands where -1", "W"),
        ("        if margin", "if True:", RELU, "W"),
        ("        margin", "margin = scores[j] - correct", "0 stands where -1", "W"),
        ("        margin", "margin = correct - scores[j] + delta", "exchanged", "W"),
        ("dW /=", "pass", large("5"), "W"),
        ("dW += reg", "pass", lost("W"), "W"),
        ("dW += reg", "dW += 2 * reg * W", "2 times", "W"),
        ("dW += reg", "dW = (dW + reg * W) / N", small("5") + "|5 times", "W"),
        ("dW += reg", "dW += reg * np.sum(W)", "Σ|sum", "W"),
    ],
)  # fmt: skip

SPARSE = Program(
    "sparse autoencoder in columns: KL penalty of mean activations, weight decay",
    """
    n, h, m = 5, 3, 6
    data = r.uniform(0.1, 0.9, size=(n, m))
    W1, W2 = r.normal(size=(h, n)) / 2, r.normal(size=(n, h)) / 2
    b1, b2 = r.normal(size=(h, 1)) / 2, r.normal(size=(n, 1)) / 2
    lam, rho, beta = 0.01, 0.1, 3.0
    """,
    "W1 W2 b1 b2",
    """
    z2 = W1 @ data + b1
    a2 = 1 / (1 + np.exp(-z2))
    z3 = W2 @ a2 + b2
    a3 = 1 / (1 + np.exp(-z3))
    rhohat = a2.mean(axis=1, keepdims=True)
    _kl = np.sum(rho * np.log(rho / rhohat) + (1 - rho) * np.log((1 - rho) / (1 - rhohat)))
    _decay = lam / 2 * (np.sum(W1 ** 2) + np.sum(W2 ** 2))
    loss = np.sum((a3 - data) ** 2) / (2 * m) + _decay + beta * _kl
    """,
    """
    da3 = (a3 - data) / m
    dz3 = da3 * a3 * (1 - a3)
    sparsity = beta * (-rho / rhohat + (1 - rho) / (1 - rhohat))
    drhohat = sparsity
    da2 = W2.T @ dz3 + sparsity / m
    dz2 = da2 * a2 * (1 - a2)
    dW2 = dz3 @ a2.T + lam * W2
    dW1 = dz2 @ data.T + lam * W1
    db2 = np.sum(dz3, axis=1, keepdims=True)
    db1 = np.sum(dz2, axis=1, keepdims=True)
    """,
    [
        ("da3", "-(data - a3)", large("6")),
        ("da3", "(data - a3) / m", SIGN),
        ("dz3", "da3 * z3 * (1 - z3)", "z3[^;]*where[^;]*a3|stands where|computed from z3"),
        ("sparsity", "beta * (rho / rhohat + (1 - rho) / (1 - rhohat))", SIGN, "rhohat"),
        ("sparsity", "beta * (-rho / rhohat - (1 - rho) / (1 - rhohat))", SIGN, "rhohat"),
        ("sparsity", "(-rho / rhohat + (1 - rho) / (1 - rhohat))", "3 times too small$", "rhohat"),
        ("sparsity", "beta * (-rho / rhohat)", path(".*rhohat.*"), "rhohat"),
        ("da2", "W2.T @ dz3 + sparsity", "∇rhohat[^;]*6 times|6 times|" + lost("1/6|6")),
        ("da2", "W2.T @ dz3", path("∇rhohat")),
        ("da2", "(W2.T @ dz3) * sparsity / m", "product"),
        ("da2", "W2 .T @ da3 + sparsity / m", "σ'|∇a3[^;]*where|slope"),
        ("dz2", "W2.T @ dz3 * a2 * (1 - a2) + sparsity / m", "σ'|slope|a2"),
        ("dz2", "da2 * a2 * (1 + a2)", SIGN),
        ("dW2", "dz3 @ a2.T + lam * W1.T", swapped("W1.*", "W2.*")),
        ("dW2", "dz3 @ a2.T", path("W2")),
        ("dW2", "(dz3 @ a2.T + lam * W2) / m", small("6")),
        ("dW1", "dz2 @ data.T + lam * W1 ** 2", EXPONENT),
        ("db1", "np.mean(dz2, axis=1, keepdims=True)", mean("6")),
        ("db1", "np.sum(dz2, axis=1, keepdims=True) + lam * b1", extra(".*b1.*")),
        ("db2", "np.sum(dz3, axis=0, keepdims=True)", SHAPE + "|" + AXIS),
    ],
)  # fmt: skip

CRF = Program(
    "linear-chain CRF: forward algorithm in logarithms, emissions from features",
    """
    T, D, K = 4, 3, 3
    X = r.normal(size=(T, D))
    tags = [1, 0, 2, 2]
    W, A, start = r.normal(size=(D, K)), r.normal(size=(K, K)), r.normal(size=K)
    """,
    "W A start",
    """
    E = X @ W
    alpha = {0: start + E[0]}
    for t in range(1, T):
        alpha[t] = E[t] + np.log(np.exp(alpha[t - 1][:, None] + A).sum(axis=0))
    logZ = np.log(np.exp(alpha[T - 1]).sum())
    _score = start[tags[0]] + E[0, tags[0]]
    for t in range(1, T):
        _score = _score + A[tags[t - 1], tags[t]] + E[t, tags[t]]
    loss = logZ - _score
    """,
    """
    dlogZ = 1.0
    dalpha = {T - 1: np.exp(alpha[T - 1] - logZ)}
    dA = np.zeros_like(A)
    dE = np.zeros_like(E)
    for t in range(T - 1, 0, -1):
        M = alpha[t - 1][:, None] + A
        P = np.exp(M) / np.exp(M).sum(axis=0)
        dA += P * dalpha[t]
        dE[t] += dalpha[t]
        dalpha[t - 1] = P @ dalpha[t]
    dE[0] += dalpha[0]
    dstart = dalpha[0].copy()
    dstart[tags[0]] -= 1
    for t in range(T):
        dE[t, tags[t]] -= 1
        if t > 0:
            dA[tags[t - 1], tags[t]] -= 1
    dW = X.T @ dE
    """,
    [
        ("dalpha", "dalpha = {T - 1: np.exp(alpha[T - 1])}", lost(".*logZ.*|Σ.*|exp.*"), "alpha"),
        ("dalpha", "dalpha = {T - 1: alpha[T - 1] / alpha[T - 1].sum()}", "exp|stands", "alpha"),
        ("    P =", "P = np.exp(M) / np.exp(M).sum(axis=1, keepdims=True)", AXIS, "alpha A"),
        ("    P =", "P = np.exp(M) / np.exp(M).sum()", AXIS, "alpha A"),
        ("    P =", "P = np.exp(A) / np.exp(A).sum(axis=0)", "alpha", "alpha A"),
        ("    dA +=", "dA = P * dalpha[t]", PLUS, "A"),
        ("    dA +=", "dA += P * dalpha[t][:, None]", "ᵀ|axis|transposed|stands", "A"),
        ("    dA +=", "dA += P", lost("∇alpha.*"), "A"),
        ("    dalpha[", "dalpha[t - 1] = P.T @ dalpha[t]", FLIPPED, "alpha"),
        ("    dalpha[", "dalpha[t - 1] = dalpha[t]", STEP + "|" + lost(".*"), "alpha"),
        ("dE[0]", "pass", lost(r"∇alpha_0|alpha_0|E\[0\]"), "E"),
        ("dstart[", "pass", NO_LABEL + "|onehot|missing", "start"),
        ("    dE[t, tags", "dE[t, tags[t]] = -1", "missing|=|last", "E"),
        ("    dE[t, tags", "dE[t, tags[t]] += 1", SIGN, "E"),
        ("    dE[t, tags", "pass", NO_LABEL + "|onehot|missing", "E"),
        ("        dA[", "dA[tags[t], tags[t - 1]] -= 1", "transpos|ᵀ|exchanged|order", "A"),
        ("        dA[", "dA[tags[t - 1], tags[t]] = -1", "=|last", "A"),
        ("        dA[", "pass", "missing", "A"),
    ],
)  # fmt: skip

BIRNN = Program(
    "bidirectional RNN, last states concatenated, logistic loss",
    """
    B, T, D, H = 3, 4, 2, 3
    x = r.normal(size=(B, T, D))
    y = np.array([[1.0], [0.0], [1.0]])
    Wxf, Whf, bf = r.normal(size=(D, H)), r.normal(size=(H, H)) / 2, r.normal(size=H)
    Wxb, Whb, bb = r.normal(size=(D, H)), r.normal(size=(H, H)) / 2, r.normal(size=H)
    Wy, by = r.normal(size=(2 * H, 1)), r.normal(size=1)
    """,
    "Wxf Whf bf Wxb Whb bb Wy by",
    """
    hf = {-1: np.zeros((B, H))}
    for t in range(T):
        hf[t] = np.tanh(x[:, t] @ Wxf + hf[t - 1] @ Whf + bf)
    hb = {T: np.zeros((B, H))}
    for t in reversed(range(T)):
        hb[t] = np.tanh(x[:, t] @ Wxb + hb[t + 1] @ Whb + bb)
    h = np.concatenate([hf[T - 1], hb[0]], axis=1)
    o = h @ Wy + by
    p = 1 / (1 + np.exp(-o))
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    """,
    """
    do = (p - y) / B
    dWy = h.T @ do
    dby = do.sum(axis=0)
    dh = do @ Wy.T
    dhf, dhb = {}, {}
    dWxf, dWhf, dbf = np.zeros_like(Wxf), np.zeros_like(Whf), np.zeros_like(bf)
    dWxb, dWhb, dbb = np.zeros_like(Wxb), np.zeros_like(Whb), np.zeros_like(bb)
    dhf[T - 1] = dh[:, :H]
    for t in reversed(range(T)):
        da = dhf[t] * (1 - hf[t] ** 2)
        dWxf += x[:, t].T @ da
        dWhf += hf[t - 1].T @ da
        dbf += da.sum(axis=0)
        dhf[t - 1] = da @ Whf.T
    dhb[0] = dh[:, H:]
    for t in range(T):
        dab = dhb[t] * (1 - hb[t] ** 2)
        dWxb += x[:, t].T @ dab
        dWhb += hb[t + 1].T @ dab
        dbb += dab.sum(axis=0)
        dhb[t + 1] = dab @ Whb.T
    """,
    [
        ("do", "p - y", large("3")),
        ("do", "(p - y) * p * (1 - p) / B", extra(".*p.*|σ.*")),
        ("dhf[T", "dhf[T - 1] = dh[:, H:]", "another block|exchanged", "hf"),
        ("dhb[0]", "dhb[0] = dh[:, :H]", "another block|exchanged", "hb"),
        ("    da =", "da = dhf[t] * (1 - hf[t])", EXPONENT, "hf Wxf Whf bf"),
        ("    da =", "da = dhf[t]", TANH, "hf Wxf Whf bf"),
        ("    dWhf", "dWhf += hf[t].T @ da", swapped(r"hf_\d.*", r"hf_\d.*"), "Whf"),
        ("    dWxf", "dWxf = x[:, t].T @ da", PLUS, "Wxf"),
        ("    dbf", "dbf += da.mean(axis=0)", mean("3"), "bf"),
        ("    dhf[", "dhf[t - 1] = da @ Whf", FLIPPED, "hf"),
        ("    dhf[", "dhf[t - 1] = da @ Whf.T + dh[:, :H]", extra(".*h.*"), "hf"),
        ("    dWhb", "dWhb += hb[t - 1].T @ dab if t else 0", swapped(r"hb_.*", r"hb_.*"), "Whb"),
        ("    dWxb", "dWxb += x[:, T - 1 - t].T @ dab", "x|order|reversed|turned", "Wxb"),
        ("    dhb[", "dhb[t + 1] = dab @ Whf.T", swapped("Whf.*", "Whb.*"), "hb"),
        ("    dhb[", "dhb[t + 1] = dhb[t] @ Whb.T", TANH, "hb"),
        ("dWy", "h.T @ do / B", small("3")),
        ("dh", "do @ Wy.T * (1 - h ** 2)", extra(".*h.*|.*tanh.*")),
    ],
)  # fmt: skip

STAGED = Program(
    "cs231n batchnorm in stages, relu, dropout, softmax with smoothed labels",
    """
    N, D, H, C = 6, 4, 5, 3
    x = r.normal(size=(N, D))
    y = np.array([0, 2, 1, 1, 0, 2])
    T = np.eye(C)[y] * 0.9 + 0.1 / C
    W1, W2 = r.normal(size=(D, H)), r.normal(size=(H, C))
    b2 = r.normal(size=C)
    gamma, beta = r.normal(size=H), r.normal(size=H)
    eps = 1e-5
    drop = (r.random((N, H)) < 0.7) / 0.7
    """,
    "W1 W2 b2 gamma beta",
    """
    a = x @ W1
    mu = 1.0 / N * np.sum(a, axis=0)
    xmu = a - mu
    sq = xmu ** 2
    var = 1.0 / N * np.sum(sq, axis=0)
    sqrtvar = np.sqrt(var + eps)
    ivar = 1.0 / sqrtvar
    xhat = xmu * ivar
    gammax = gamma * xhat
    out = gammax + beta
    h = np.maximum(out, 0)
    hd = h * drop
    z = hd @ W2 + b2
    _ls = z - z.max(axis=1, keepdims=True)
    logp = _ls - np.log(np.exp(_ls).sum(axis=1, keepdims=True))
    loss = -(T * logp).sum() / N
    """,
    """
    dz = (np.exp(logp) - T) / N
    dW2 = hd.T @ dz
    db2 = dz.sum(0)
    dhd = dz @ W2.T
    dh = dhd * drop
    dout = dh * (out > 0)
    dbeta = np.sum(dout, axis=0)
    dgammax = dout
    dgamma = np.sum(dgammax * xhat, axis=0)
    dxhat = dgammax * gamma
    divar = np.sum(dxhat * xmu, axis=0)
    dxmu1 = dxhat * ivar
    dsqrtvar = -1.0 / (sqrtvar ** 2) * divar
    dvar = 0.5 * 1.0 / np.sqrt(var + eps) * dsqrtvar
    dsq = 1.0 / N * np.ones((N, H)) * dvar
    dxmu2 = 2 * xmu * dsq
    dxmu = dxmu1 + dxmu2
    da1 = dxmu
    dmu = -1 * np.sum(dxmu, axis=0)
    da2 = 1.0 / N * np.ones((N, H)) * dmu
    da = da1 + da2
    dW1 = x.T @ da
    """,
    [
        ("dz", "(np.exp(logp) - np.eye(C)[y]) / N", "onehot.y. stands"),
        ("dz", "(logp - T) / N", swapped("logp", "exp.*")),
        ("dz", "T * (np.exp(logp) - 1) / N", "diagonal|.*"),
        ("dhd", "dz @ W2.T * (hd > 0)", extra(".*hd.*")),
        ("dh", "dhd", lost("1.429.*|.* / 0.7")),
        ("dh", "dhd * (drop > 0)", "0.7|1.4|times"),
        ("dout", "dh * out", swapped("out", ".*0.*")),
        ("dbeta", "np.sum(dout)", SHAPE + "|" + ALL + "|all"),
        ("dgamma", "np.sum(dgammax * gammax, axis=0)", swapped("gammax", "xhat")),
        ("dgamma", "np.sum(dgammax, axis=0) * xhat", SHAPE),
        ("dxhat", "dgammax", lost("gamma")),
        ("divar", "np.sum(dxhat * xhat, axis=0)", swapped("xhat", "xmu")),
        ("divar", "dxhat * xmu", UNSUMMED + "|" + SHAPE),
        ("dsqrtvar", "-1.0 / sqrtvar * divar", "the division by sqrtvar"),
        ("dsqrtvar", "1.0 / (sqrtvar ** 2) * divar", SIGN),
        ("dvar", "0.5 * np.sqrt(var + eps) * dsqrtvar", EXPONENT),
        ("dvar", "1.0 / np.sqrt(var + eps) * dsqrtvar", large("2")),
        ("dsq", "np.ones((N, H)) * dvar", large("6")),
        ("dxmu2", "2 * dsq", lost("xmu"), "xmu"),
        ("dxmu2", "xmu * dsq", "2 times", "xmu"),
        ("dxmu =", "dxmu1", path("∇sq"), "xmu"),
        ("dmu", "np.sum(dxmu, axis=0)", SIGN),
        ("da2", "1.0 / N * dmu * xmu", extra("xmu"), "a"),
        ("da =", "da1", path("∇mu"), "a"),
        ("da =", "da1 - da2", SIGN, "a"),
    ],
    only="z W2 b2 hd h out beta gammax gamma xhat ivar sqrtvar var sq xmu mu a W1",
)  # fmt: skip

REALNVP = Program(
    "RealNVP: two coupling layers, log determinant, standard normal",
    """
    B, D, H = 5, 2, 4
    x1, x2 = r.normal(size=(B, D)), r.normal(size=(B, D))
    A1, s1, t1 = r.normal(size=(D, H)), r.normal(size=(H, D)) / 2, r.normal(size=(H, D)) / 2
    A2, s2, t2 = r.normal(size=(D, H)), r.normal(size=(H, D)) / 2, r.normal(size=(H, D)) / 2
    """,
    "A1 s1 t1 A2 s2 t2",
    """
    h1 = np.tanh(x1 @ A1)
    ls1 = h1 @ s1
    y2 = x2 * np.exp(ls1) + h1 @ t1
    h2 = np.tanh(y2 @ A2)
    ls2 = h2 @ s2
    y1 = x1 * np.exp(ls2) + h2 @ t2
    _normal = 0.5 * (y1 ** 2).sum(axis=1) + 0.5 * (y2 ** 2).sum(axis=1)
    nll = _normal - ls1.sum(axis=1) - ls2.sum(axis=1)
    loss = nll.mean()
    """,
    """
    dnll = np.ones(B) / B
    dy1 = y1 / B
    dls2 = dy1 * x1 * np.exp(ls2) - 1 / B
    ds2 = h2.T @ dls2
    dt2 = h2.T @ dy1
    dh2 = dls2 @ s2.T + dy1 @ t2.T
    dA2 = y2.T @ (dh2 * (1 - h2 ** 2))
    dy2 = y2 / B + (dh2 * (1 - h2 ** 2)) @ A2.T
    dls1 = dy2 * x2 * np.exp(ls1) - 1 / B
    ds1 = h1.T @ dls1
    dt1 = h1.T @ dy2
    dh1 = dls1 @ s1.T + dy2 @ t1.T
    dA1 = x1.T @ (dh1 * (1 - h1 ** 2))
    """,
    [
        ("dnll", "np.ones(B)", large("5")),
        ("dy1", "y1", large("5")),
        ("dy1", "2 * y1 / B", large("2")),
        ("dls2", "dy1 * x1 * np.exp(ls2)", path("-?0.2.*|.*1.*")),
        ("dls2", "dy1 * x1 - 1 / B", lost("exp.*")),
        ("dls2", "dy1 * x1 * np.exp(ls2) + 1 / B", SIGN),
        ("dls2", "dy1 * y1 * np.exp(ls2) - 1 / B", swapped("y1", "x.*")),
        ("dls2", "dy1 * x1 * np.exp(ls2) - 1", large("5")),
        ("dt2", "h2.T @ dls2", swapped("∇ls2", "∇y1")),
        ("dh2", "dls2 @ s2.T", path("∇y1")),
        ("dh2", "dy1 @ t2.T", path("∇ls2")),
        ("dA2", "y2.T @ dh2", TANH),
        ("dA2", "x2.T @ (dh2 * (1 - h2 ** 2))", "c_1 stands where y2"),
        ("dy2", "(dh2 * (1 - h2 ** 2)) @ A2.T", path("y2|∇nll")),
        ("dy2", "y2 / B", path("∇h2")),
        ("dy2", "y2 / B + (dh2 * (1 - h2)) @ A2.T", EXPONENT),
        ("dy2", "y2 / B + dh2 @ A2.T", TANH),
        ("dls1", "dy2 * (y2 - h1 @ t1) - 1", large("5")),
        ("dh1", "dls1 @ s1.T + dy2 @ t2.T", swapped("t2", "t1")),
        ("dA1", "x1.T @ (dh1 * (1 - h2 ** 2))", swapped("h2", "h1")),
    ],
)  # fmt: skip

BLOCK = Program(
    "Karpathy's GPT block: layer norm, attention by reshape of heads, GELU-free MLP, weights tied",
    """
    T, C, nh, V = 3, 4, 2, 5
    hs = C // nh
    ids, nxt = np.array([1, 4, 0]), np.array([4, 0, 2])
    E, P = r.normal(size=(V, C)), r.normal(size=(T, C))
    Wqkv, Wo = r.normal(size=(C, 3 * C)) / 2, r.normal(size=(C, C)) / 2
    Wf, Wp = r.normal(size=(C, 2 * C)), r.normal(size=(2 * C, C))
    ga = r.normal(size=C)
    """,
    "E P Wqkv Wo Wf Wp ga",
    """
    x = E[ids] + P
    xm = x - x.mean(axis=1, keepdims=True)
    sd = np.sqrt((xm ** 2).mean(axis=1, keepdims=True) + 1e-5)
    xn = xm / sd
    ln = xn * ga
    qkv = ln @ Wqkv
    _q, _k, _v = qkv[:, :C], qkv[:, C:2 * C], qkv[:, 2 * C:]
    q = _q.reshape(T, nh, hs).transpose(1, 0, 2)
    k = _k.reshape(T, nh, hs).transpose(1, 0, 2)
    v = _v.reshape(T, nh, hs).transpose(1, 0, 2)
    _s = q @ k.transpose(0, 2, 1) / np.sqrt(hs)
    _s = np.where(np.tril(np.ones((T, T))) > 0, _s, -1e9)
    _e = np.exp(_s - _s.max(axis=-1, keepdims=True))
    A = _e / _e.sum(axis=-1, keepdims=True)
    y = A @ v
    ym = y.transpose(1, 0, 2).reshape(T, C)
    x2 = x + ym @ Wo
    f = np.maximum(x2 @ Wf, 0)
    x3 = x2 + f @ Wp
    logits = x3 @ E.T
    _lse = np.log(np.exp(logits).sum(axis=1))
    loss = (_lse - logits[np.arange(T), nxt]).mean()
    """,
    """
    p = np.exp(logits)
    p /= p.sum(1, keepdims=True)
    dlogits = (p - np.eye(V)[nxt]) / T
    dx3 = dlogits @ E
    df = dx3 @ Wp.T
    dpre = df * (f > 0)
    dWp = f.T @ dx3
    dWf = x2.T @ dpre
    dx2 = dx3 + dpre @ Wf.T
    dWo = ym.T @ dx2
    dym = dx2 @ Wo.T
    dy = dym.reshape(T, nh, hs).transpose(1, 0, 2)
    dA = dy @ v.transpose(0, 2, 1)
    dv = A.transpose(0, 2, 1) @ dy
    dS = A * (dA - (dA * A).sum(-1, keepdims=True)) / np.sqrt(hs)
    dq = dS @ k
    dk = dS.transpose(0, 2, 1) @ q
    rows = [t.transpose(1, 0, 2).reshape(T, C) for t in (dq, dk, dv)]
    dqkv = np.concatenate(rows, axis=1)
    dWqkv = ln.T @ dqkv
    dln = dqkv @ Wqkv.T
    dga = (dln * xn).sum(0)
    dxn = dln * ga
    dsd = -(dxn * xm).sum(1, keepdims=True) / sd ** 2
    dxm = dxn / sd + dsd * xm / (C * sd)
    dx = dx2 + dxm - dxm.mean(1, keepdims=True)
    dP = dx
    dE = np.zeros_like(E)
    np.add.at(dE, ids, dx)
    dE += dlogits.T @ x3
    """,
    [
        ("dWf", "x.T @ dpre", swapped("x", "x2")),
        ("dWf", "x2.T @ df", RELU + "|mask"),
        ("dx2", "dpre @ Wf.T", path("∇x3")),
        ("dx2", "dx3", path("∇f|f")),
        ("dx2", "dx3 + df @ Wf.T", RELU + "|mask"),
        ("dym", "dx2 @ Wo", FLIPPED),
        ("dy", "dym.reshape(nh, T, hs)", ORDER + "|reshape"),
        ("dv", "A @ dy", FLIPPED),
        ("dS", "A * (dA - (dA * A).sum(-1, keepdims=True))", "1.41|√", "q k"),
        ("dS", "A * (dA - dA.sum(-1, keepdims=True)) / np.sqrt(hs)", lost("A.*"), "q k"),
        ("dS", "A * dA / np.sqrt(hs)", lost("Σ.*"), "q k"),
        ("dS", "A * (dA - (dA * A).sum()) / np.sqrt(hs)", AXIS, "q k"),
        ("dk", "dS @ q", FLIPPED),
        ("dq", "dS @ v", swapped("v", "k")),
        ("dqkv", "np.concatenate([rows[0], rows[2], rows[1]], axis=1)", "exchanged"),
        ("rows", "[t.reshape(T, C) for t in (dq, dk, dv)]", ORDER + "|reshape", "qkv"),
        ("dln", "dqkv @ Wqkv.T * ga", extra("ga")),
        ("dsd", "-(dxn * xn).sum(1, keepdims=True) / sd ** 2", "1 / sd is there twice"),
        ("dxm", "dxn / sd", path("∇sd")),
        ("dxm", "dxn / sd + dsd * xm / sd", large("4")),
        ("dx", "dx2 + dxm", path(".*mean.*|.*Σ.*|.*∇xm.*") + "|" + lost(".*"), "x"),
        ("dx", "dxm - dxm.mean(1, keepdims=True)", path("∇x2"), "x"),
        ("np.add", "pass", path("∇x"), "E"),
        ("dE +=", "pass", path("∇logits"), "E"),
        ("dE +=", "dE += (x3.T @ dlogits).T / T", small("3") + "|3 times", "E"),
    ],
    only="logits x3 f x2 ym y A q k v qkv ln xn sd xm x E P Wqkv Wo Wf Wp ga",
)  # fmt: skip

MOMENTUM = Program(
    "deep linear with momentum unrolled two steps, then a validation loss",
    """
    n, d = 5, 3
    X, y = r.normal(size=(n, d)), r.normal(size=n)
    Xv, yv = r.normal(size=(4, d)), r.normal(size=4)
    w0 = r.normal(size=d)
    lr, mom = np.array(0.1), np.array(0.9)
    """,
    "w0 lr mom",
    """
    w, g, m = {0: w0}, {}, {}
    for k in range(2):
        g[k] = X.T @ (X @ w[k] - y) / n
        m[k] = g[k] if k == 0 else mom * m[k - 1] + g[k]
        w[k + 1] = w[k] - lr * m[k]
    ev = Xv @ w[2] - yv
    loss = 0.5 * np.mean(ev ** 2)
    """,
    """
    dev = ev / 4
    dw, dg, dm = {}, {}, {}
    dw[2] = Xv.T @ dev
    dlr, dmom = 0.0, 0.0
    dmnext = np.zeros(d)
    for k in (1, 0):
        dm[k] = -lr * dw[k + 1] + dmnext
        dlr += -(dw[k + 1] * m[k]).sum()
        dg[k] = dm[k]
        if k > 0:
            dmom += (dm[k] * m[k - 1]).sum()
            dmnext = mom * dm[k]
        dw[k] = dw[k + 1] + X.T @ (X @ dg[k]) / n
    dw0 = dw[0]
    """,
    [
        ("dev", "ev", large("4")),
        ("dev", "2 * ev / 4", large("2")),
        ("dw[2]", "Xv.T @ ev", "4 times too large|" + swapped("ev", "∇ev"), "w"),
        ("    dm[", "dm[k] = lr * dw[k + 1] + dmnext", SIGN, "m"),
        ("    dm[", "dm[k] = -lr * dw[k + 1]", path("∇m_1|m_1"), "m g"),
        ("    dm[", "dm[k] = -dw[k + 1] + dmnext", lost("lr"), "m"),
        ("    dlr", "dlr += (dw[k + 1] * m[k]).sum()", SIGN, "lr"),
        ("    dlr", "dlr = -(dw[k + 1] * m[k]).sum()", PLUS, "lr"),
        ("    dlr", "dlr += -(dw[k + 1] * g[k]).sum()", swapped(r"g_\d", r"m_\d"), "lr"),
        ("        dmom", "dmom += (dm[k] * m[k]).sum()", swapped("m_1", "m_0"), "mom"),
        ("        dmnext", "dmnext = dm[k]", lost("mom"), "m g"),
        ("        dmnext", "dmnext = (1 - mom) * dm[k]", "1 - mom", "m g"),
        ("    dw[k]", "dw[k] = X.T @ (X @ dg[k]) / n", path(r"∇w_\d|w_\d"), "w"),
        ("    dw[k]", "dw[k] = dw[k + 1] + X.T @ (X @ dg[k])", large("5"), "w"),
        ("    dw[k]", "dw[k] = dw[k + 1] - X.T @ (X @ dg[k]) / n", SIGN, "w"),
    ],
)  # fmt: skip

OTHERS = (HINGE, SPARSE, CRF, BIRNN, STAGED, REALNVP, BLOCK, MOMENTUM)
