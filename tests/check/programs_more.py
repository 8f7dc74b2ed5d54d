"""More programs of learners, measured before the check had seen them.

At first sight 205 of 234 mistakes were named as was expected; 11 more causes were true, in other
words.
"""

from __future__ import annotations

from .planted import (
    ALL,
    AXIS,
    EVERYWHERE,
    EXPONENT,
    FLIPPED,
    NO_LABEL,
    OF_SIGMA,
    PLUS,
    RELU,
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
    swapped,
    twice,
)  # fmt: skip

STANDARDISED = Program(
    "softmax regression, features standardised, decay",
    """
    m, k, lam = 6, 3, 0.01
    X, y = 3 + 2 * r.normal(size=(m, 4)), r.integers(0, 3, m)
    W, b = r.normal(size=(4, k)), r.normal(size=k)
    """,
    "X W b",
    """
    mu = X.mean(axis=0)
    sd = X.std(axis=0)
    Z = (X - mu) / sd
    s = Z @ W + b
    e = np.exp(s - s.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(m), y]).mean() + 0.5 * lam * (W ** 2).sum()
    """,
    """
    ds = p.copy()
    ds[np.arange(m), y] -= 1
    ds /= m
    dW = Z.T @ ds + lam * W
    db = ds.sum(axis=0)
    dZ = ds @ W.T
    dsd = -(dZ * (X - mu)).sum(axis=0) / sd ** 2
    """,
    [
        ("ds =", "p * (1 - p)", NO_LABEL + "|diagonal|" + extra("1 - p") + "|softmax"),
        ("ds[", "pass", NO_LABEL),
        ("ds[", "ds[np.arange(m), y] += 1", SIGN + "|" + NO_LABEL),
        ("ds[", "ds[:, y] -= 1", EVERYWHERE),
        ("ds /=", "pass", large("6")),
        ("ds /=", "ds /= k", r"\b2 times too large|1/m|divi"),
        ("dW", "Z.T @ ds", lost("W|decay|0.01") + "|only"),
        ("dW", "X.T @ ds + lam * W", swapped("X", "Z")),
        ("dW", "Z.T @ ds + lam * np.abs(W)", swapped(r"\|W\||abs\(W\)", "W")),
        ("dW", "Z.T @ ds + lam * W ** 2", EXPONENT + r"|W² stands"),
        ("dW", "Z.T @ (ds * p) + lam * W", extra("p")),
        ("dW", "Z.T @ ds - lam * W", SIGN),
        ("db", "ds.sum(axis=0) + lam * b", extra("b")),
        ("db", "ds.sum(axis=0) + lam * W.sum(axis=0)", extra("W|Σ W")),
        ("db", "ds.mean(axis=0)", mean("6")),
        ("dZ", "ds @ W.T * Z", extra("Z")),
        ("dsd", "-(dZ * Z).sum(axis=0) / sd ** 2", twice("1 / sd") + "|" + EXPONENT),
        ("dsd", "(dZ * (X - mu)).sum(axis=0) / sd ** 2", SIGN),
        ("dsd", "-(dZ * (X - mu)).sum(axis=0) / sd", EXPONENT + "|" + lost("sd|division")),
        ("dsd", "-(dZ * X).sum(axis=0) / sd ** 2", lost("mu|-mu|X̄|mean")),
    ],
    only="s W b Z sd",
)  # fmt: skip

TRIPLET = Program(
    "triplet loss",
    """
    n, margin = 6, 1.0
    A, P, N = r.normal(size=(n, 4)), r.normal(size=(n, 4)), r.normal(size=(n, 4))
    W = r.normal(size=(4, 3))
    """,
    "W",
    """
    a, p, q = A @ W, P @ W, N @ W
    dist_p = np.sum((a - p) ** 2, axis=1)
    dist_n = np.sum((a - q) ** 2, axis=1)
    gap = dist_p - dist_n + margin
    loss = np.mean(np.maximum(0, gap))
    """,
    """
    dgap = (gap > 0) / n
    ddist_p = dgap
    ddist_n = -dgap
    da = 2 * ddist_p[:, None] * (a - p) + 2 * ddist_n[:, None] * (a - q)
    dp = -2 * ddist_p[:, None] * (a - p)
    dq = -2 * ddist_n[:, None] * (a - q)
    dW = A.T @ da + P.T @ dp + N.T @ dq
    """,
    [
        ("dgap", "gap > 0", large("6")),
        ("dgap", "np.ones(n) / n", RELU),
        ("dgap", "gap / n", swapped("gap", "> ?0|gap|relu'") + "|" + RELU),
        ("dgap", "np.maximum(0, gap) / n", swapped(r"max\S*|relu\S*|gap", "> ?0|gap|relu'")),
        ("ddist_n", "dgap", SIGN),
        ("da", "2 * ddist_p[:, None] * (a - p)", path(r"∇dist_n", r"∇dist_p")),
        ("da", "2 * ddist_p[:, None] * (a - p) - 2 * ddist_n[:, None] * (a - q)", SIGN),
        ("da", "ddist_p[:, None] * (a - p) + ddist_n[:, None] * (a - q)",
         r"\b2 times too small|" + lost("2")),
        ("da", "2 * ddist_p[:, None] * (p - a) + 2 * ddist_n[:, None] * (a - q)", SIGN),
        ("dp", "2 * ddist_p[:, None] * (a - p)", SIGN),
        ("dp", "-2 * ddist_p[:, None] * (a - q)", swapped("q", "p")),
        ("dp", "-2 * ddist_p[:, None] * np.abs(a - p)", r"\|"),
        ("dq", "-2 * ddist_p[:, None] * (a - q)", swapped("∇dist_p", "∇dist_n") + "|" + SIGN),
        ("dq", "-2 * dist_n[:, None] * (a - q)", swapped("dist_n", "∇dist_n")),
        ("dW", "A.T @ da", path(r"∇p|∇q|P|N", r"∇a")),
        ("dW", "A.T @ (da + dp) + N.T @ dq", swapped("x", "x_1")),
        ("dW", "A.T @ da + P.T @ dp", path(r"∇q", r"∇a, ∇p")),
    ],
)  # fmt: skip

MIXTURE = Program(
    "Gaussian mixture, negative log likelihood",
    """
    n, k = 7, 3
    x = r.normal(size=(n, 1))
    mu, rho, w = r.normal(size=k), 0.3 * r.normal(size=k), r.normal(size=k)
    """,
    "mu rho w",
    """
    sigma = np.exp(rho)
    pi = np.exp(w) / np.sum(np.exp(w))
    z = (x - mu) / sigma
    dens = np.exp(-0.5 * z ** 2) / (np.sqrt(2 * np.pi) * sigma)
    mix = pi * dens
    lik = mix.sum(axis=1, keepdims=True)
    loss = -np.sum(np.log(lik))
    """,
    """
    gamma = mix / lik
    dmix = -np.ones((n, k)) / lik
    dpi = (dmix * dens).sum(axis=0)
    ddens = dmix * pi
    dz = -ddens * dens * z
    dmu = -(dz / sigma).sum(axis=0)
    dsigma = -(dz * z / sigma).sum(axis=0) - (ddens * dens / sigma).sum(axis=0)
    drho = dsigma * sigma
    dw = n * pi - gamma.sum(axis=0)
    """,
    [
        ("dmix", "np.ones((n, k)) / lik", SIGN),
        ("dmix", "-np.ones((n, k)) / mix", swapped("mix", "lik")),
        ("dpi", "dmix * dens", UNSUMMED),
        ("dpi", "(dmix * dens).sum(axis=1)", AXIS),
        ("dpi", "dmix.sum(axis=0)", lost("dens")),
        ("dpi", "(dmix * mix).sum(axis=0)", swapped("mix", "dens") + "|∇dens stands"),
        ("ddens", "dmix", lost("pi") + "|" + STEP),
        ("dz", "ddens * dens * z", SIGN),
        ("dz", "-ddens * z", lost("dens")),
        ("dz", "-ddens * dens * z / 2", r"\b2 times too small|½|0\.5"),
        ("dmu", "(dz / sigma).sum(axis=0)", SIGN),
        ("dmu", "-dz.sum(axis=0)", lost("sigma|division")),
        ("dmu", "-(dz / sigma ** 2).sum(axis=0)", twice("sigma|1/sigma") + "|" + EXPONENT
         + "|" + extra("1/sigma")),
        ("dsigma", "-(dz * z / sigma).sum(axis=0)", path("∇dens", "∇z")),
        ("dsigma", "-(ddens * dens / sigma).sum(axis=0)", path("∇z", "∇dens")),
        ("dsigma", "-(dz * z / sigma).sum(axis=0) + (ddens * dens / sigma).sum(axis=0)", SIGN),
        ("drho", "dsigma", lost("sigma|exp'|exp") + "|" + STEP),
        ("drho", "dsigma / sigma", EXPONENT + "|divi|1/sigma"),
        ("drho", "dsigma * rho", swapped("rho", "sigma")),
        ("dw", "pi - gamma.sum(axis=0)", r"\b7\b|n\b|sum"),
        ("dw", "dpi * pi * (1 - pi)", "diagonal|softmax|Jacobian"),
        ("dw", "gamma.sum(axis=0) - n * pi", SIGN),
    ],
)  # fmt: skip

POLICY = Program(
    "policy gradient with a baseline and entropy",
    """
    T, beta = 6, 0.05
    S, a, R = r.normal(size=(T, 4)), r.integers(0, 3, T), r.normal(size=T)
    W1, W2, v = r.normal(size=(4, 5)), r.normal(size=(5, 3)), r.normal(size=5)
    """,
    "W1 W2 v",
    """
    u = S @ W1
    h = np.tanh(u)
    logits = h @ W2
    ex = np.exp(logits)
    pi = ex / ex.sum(axis=1, keepdims=True)
    V = h @ v
    adv = R - V.detach()
    logp = np.log(pi)
    actor = -np.mean(adv * logp[np.arange(T), a])
    critic = 0.5 * np.mean((V - R) ** 2)
    loss = actor + critic
    """,
    """
    onehot = np.eye(3)[a]
    dlogits = adv[:, None] * (pi - onehot) / T
    dV = (V - R) / T
    dW2 = h.T @ dlogits
    dv = h.T @ dV
    dh = dlogits @ W2.T + np.outer(dV, v)
    du = dh * (1 - h ** 2)
    dW1 = S.T @ du
    """,
    [
        ("dlogits", "(pi - onehot) / T", lost("adv")),
        ("dlogits", "adv[:, None] * (onehot - pi) / T", SIGN),
        ("dlogits", "R[:, None] * (pi - onehot) / T", swapped("R|y", "adv")),
        ("dlogits", "adv[:, None] * (pi - onehot)", large("6")),
        ("dlogits", "adv[:, None] * pi / T", NO_LABEL + "|onehot"),
        ("dlogits", "np.abs(adv)[:, None] * (pi - onehot) / T", r"\|adv\|"),
        ("dV", "(R - V) / T", SIGN),
        ("dV", "V / T", NO_LABEL),
        ("dV", "2 * (V - R) / T", r"\b2 times too large"),
        ("dV", "(V - R) / T + (pi * dlogits).sum(axis=1)", extra("pi|∇logits") + "|term"),
        ("dW2", "u.T @ dlogits", swapped("u", "h")),
        ("dW2", "(dlogits.T @ h)", FLIPPED),
        ("dv", "h.T @ V", swapped("V", "∇V")),
        ("dh", "dlogits @ W2.T", path("∇V", "∇logits")),
        ("dh", "np.outer(dV, v)", path("∇logits", "∇V")),
        ("dh", "dlogits @ W2.T - np.outer(dV, v)", SIGN),
        ("du", "dh * (1 - h) ** 2", EXPONENT + "|outside"),
        ("du", "dh * (1 - u ** 2)", swapped("u", "h") + "|computed from u"),
        ("dW1", "S.T @ dh", swapped("∇h", "∇u") + "|" + TANH),
    ],
)  # fmt: skip

IM2COL = Program(
    "convolution by im2col, relu, global average, cross-entropy",
    """
    n, F = 3, 2
    x, y = r.normal(size=(n, 2, 4, 4)), r.integers(0, 3, n)
    K, c, W = r.normal(size=(F, 2, 3, 3)), r.normal(size=F), r.normal(size=(F, 3))
    i0, j0 = np.repeat(np.arange(3), 3), np.tile(np.arange(3), 3)
    i1, j1 = np.repeat(np.arange(2), 2), np.tile(np.arange(2), 2)
    I, J = i0[:, None] + i1[None], j0[:, None] + j1[None]
    """,
    "x K c W",
    """
    _cols = x[:, :, I, J]
    cols = _cols.reshape(n, 18, 4)
    _k = K.reshape(F, 18)
    conv = _k @ cols + c[:, None]
    act = np.maximum(conv, 0)
    feat = act.mean(axis=2)
    z = feat @ W
    e = np.exp(z)
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.mean(np.log(p[np.arange(n), y]))
    """,
    """
    dz = (p - np.eye(3)[y]) / n
    dW = feat.T @ dz
    dfeat = dz @ W.T
    dact = np.repeat(dfeat[:, :, None], 4, axis=2) / 4
    dconv = dact * (conv > 0)
    dc = dconv.sum(axis=(0, 2))
    dK = np.zeros((F, 18))
    for m in range(n):
        dK += dconv[m] @ cols[m].T
    dK = dK.reshape(K.shape)
    dcols = K.reshape(F, 18).T @ dconv
    dx = np.zeros(x.shape)
    np.add.at(dx, (slice(None), slice(None), I, J), dcols.reshape(n, 2, 9, 4))
    """,
    [
        ("dz", "p - np.eye(3)[y]", large("3")),
        ("dz", "p / n", NO_LABEL),
        ("dW", "dz.T @ feat", FLIPPED),
        ("dact", "np.repeat(dfeat[:, :, None], 4, axis=2)", large("4")),
        ("dact", "np.repeat(dfeat[:, :, None], 4, axis=2) / 2", r"\b2 times too large"),
        ("dconv", "dact", RELU),
        ("dconv", "dact * (conv < 0)", "invert|opposite|<"),
        ("dconv", "dact * act", swapped("act", "relu'|> ?0") + "|" + extra("act") + "|" + RELU),
        ("dc", "dconv.sum(axis=2)", AXIS + "|not summed|shape"),
        ("dc", "dconv.mean(axis=(0, 2))", mean("12")),
        ("dc", "dconv.sum(axis=0).mean(axis=1)", mean("4")),
        ("dK +=", "dK = dconv[m] @ cols[m].T", PLUS),
        ("dK +=", "dact[m] @ cols[m].T", swapped("∇act", "∇conv") + "|" + RELU),
        ("dcols", "K.reshape(F, 18).T @ dact", swapped("∇act", "∇conv") + "|" + RELU),
        ("np.add.at", "dx[:, :, I, J] += dcols.reshape(n, 2, 9, 4)", PLUS, "x"),
        ("np.add.at", "np.add.at(dx, (slice(None), slice(None), J, I), dcols.reshape(n, 2, 9, 4))",
         "transpos|order|axes|turned", "x"),
    ],
)  # fmt: skip

RANKNET = Program(
    "learning to rank by pairs",
    """
    n = 6
    Xi, Xj, t = r.normal(size=(n, 4)), r.normal(size=(n, 4)), r.integers(0, 2, n).astype(float)
    W, u = r.normal(size=(4, 5)), r.normal(size=5)
    """,
    "W u",
    """
    ai, aj = Xi @ W, Xj @ W
    hi, hj = np.maximum(ai, 0.1 * ai), np.maximum(aj, 0.1 * aj)
    si, sj = hi @ u, hj @ u
    o = si - sj
    loss = np.sum(np.log(1 + np.exp(-o)) + (1 - t) * o) / n
    """,
    """
    do = (1 / (1 + np.exp(-o)) - t) / n
    dsi, dsj = do, -do
    du = hi.T @ dsi + hj.T @ dsj
    dhi, dhj = np.outer(dsi, u), np.outer(dsj, u)
    dai = dhi * np.where(ai > 0, 1, 0.1)
    daj = dhj * np.where(aj > 0, 1, 0.1)
    dW = Xi.T @ dai + Xj.T @ daj
    """,
    [
        ("do", "1 / (1 + np.exp(-o)) - t", large("6")),
        ("do", "(t - 1 / (1 + np.exp(-o))) / n", SIGN),
        ("do", "1 / (1 + np.exp(-o)) / n", lost("t") + "|" + NO_LABEL + "|t belongs"),
        ("do", "(1 / (1 + np.exp(o)) - t) / n", SIGN + r"|σ\(o\)|1 - σ"),
        ("do", "(o - t) / n", swapped("o", r"σ\(o\)") + "|sigmoid|σ"),
        ("do", "np.abs(1 / (1 + np.exp(-o)) - t) / n", r"\|"),
        ("dsi, dsj", "dsi, dsj = do, do", SIGN, "sj"),
        ("du", "hi.T @ dsi", path("∇sj", "∇si")),
        ("du", "(hi + hj).T @ dsi", SIGN),
        ("du", "ai.T @ dsi + aj.T @ dsj", swapped("ai|aj", "hi|hj")),
        ("dai", "dhi * (ai > 0)", "leaky|slope|relu'|0.1"),
        ("dai", "dhi", "leaky|slope|relu'|" + STEP),
        ("dai", "dhi * np.where(ai > 0, 0.1, 1)", "invert|exchang|opposite|leaky|1 \\+|0\\.1"),
        ("daj", "dhj * np.where(ai > 0, 1, 0.1)", swapped("ai", "aj") + r"|ai"),
        ("dW", "Xi.T @ dai", path("∇aj", "∇ai")),
        ("dW", "(Xi - Xj).T @ dai", r"Xj|∇aj"),
        ("dW", "Xi.T @ dai - Xj.T @ daj", SIGN),
        ("dW", "Xi.T @ daj + Xj.T @ dai", "exchanged"),
    ],
)  # fmt: skip

RMS_SWIGLU = Program(
    "RMS normalisation and a gated unit",
    """
    n, eps = 4, 1e-5
    x, y = r.normal(size=(n, 5)), r.normal(size=(n, 5))
    g = 1 + 0.3 * r.normal(size=5)
    W1, W3, W2 = r.normal(size=(5, 6)), r.normal(size=(5, 6)), r.normal(size=(6, 5))
    """,
    "x g W1 W3 W2",
    """
    ms = np.mean(x ** 2, axis=-1, keepdims=True)
    inv = 1 / np.sqrt(ms + eps)
    xn = x * inv
    o = xn * g
    gate = o @ W1
    up = o @ W3
    sg = 1 / (1 + np.exp(-gate))
    act = gate * sg
    h = act * up
    out = x + h @ W2
    loss = np.mean((out - y) ** 2)
    """,
    """
    dout = 2 * (out - y) / out.size
    dW2 = h.T @ dout
    dh = dout @ W2.T
    dact = dh * up
    dup = dh * act
    dsg = dact * gate
    dgate = dact * sg + dsg * sg * (1 - sg)
    dW1 = o.T @ dgate
    dW3 = o.T @ dup
    do = dgate @ W1.T + dup @ W3.T
    dg = (do * xn).sum(axis=0)
    dxn = do * g
    dinv = (dxn * x).sum(axis=-1, keepdims=True)
    dms = -0.5 * dinv * inv ** 3
    dx = dout + dxn * inv + 2 * x * dms / 5
    """,
    [
        ("dout", "2 * (out - y) / n", r"\b5 times too large|divide"),
        ("dout", "2 * np.abs(out - y) / out.size", r"\|"),
        ("dact", "dh", lost("up") + "|" + STEP),
        ("dact", "dh * act", swapped("act", "up")),
        ("dup", "dh * gate", swapped("gate", "act") + "|" + lost("sg")),
        ("dgate", "dact * sg * (1 - sg)", path("∇act", "∇sg") + "|" + lost("gate|1")
         + "|" + OF_SIGMA),
        ("dgate", "dact * sg", path("∇sg|1 - sg", "∇act")),
        ("dgate", "dact * sg + dsg", SIGMA),
        ("dW1", "xn.T @ dgate", swapped("xn", "o") + "|" + lost("g")),
        ("dW3", "o.T @ dgate", swapped("∇gate", "∇up")),
        ("do", "dgate @ W1.T", path("∇up", "∇gate")),
        ("do", "dup @ W1.T + dgate @ W3.T", "exchanged"),
        ("dg", "do.sum(axis=0)", lost("xn")),
        ("dg", "(do * x).sum(axis=0)", swapped("x", "xn") + "|" + lost("inv")),
        ("dxn", "do", lost("g") + "|" + STEP),
        ("dinv", "dxn * x", UNSUMMED + "|" + SHAPE),
        ("dinv", "(dxn * x).sum(axis=0)", AXIS + "|shape"),
        ("dms", "0.5 * dinv * inv ** 3", SIGN),
        ("dms", "-0.5 * dinv * inv", EXPONENT + r"|division by ms \+"),
        ("dms", "-dinv * inv ** 2", EXPONENT + r"|\b2 times|½"),
        ("dx", "dxn * inv + 2 * x * dms / 5", path("∇out", "∇xn")),
        ("dx", "dout + dxn * inv", path("∇ms", "∇out|∇xn")),
        ("dx", "dout + dxn * inv + 2 * x * dms", r"\b5\b"),
        ("dx", "dout + dxn * g + 2 * x * dms / 5", swapped("g", "inv")),
    ],
)  # fmt: skip

FACTORISATION = Program(
    "factorisation machine",
    """
    n = 7
    X, y = r.normal(size=(n, 4)), r.normal(size=n)
    w0, w, V = r.normal(), r.normal(size=4), r.normal(size=(4, 3))
    """,
    "w0 w V",
    """
    XV = X @ V
    X2V2 = (X ** 2) @ (V ** 2)
    inter = 0.5 * np.sum(XV ** 2 - X2V2, axis=1)
    yhat = w0 + X @ w + inter
    err = yhat - y
    loss = np.mean(err ** 2)
    """,
    """
    derr = 2 * err / n
    dyhat = derr
    dw0 = dyhat.sum()
    dw = X.T @ dyhat
    dinter = dyhat
    dXV = XV * dinter[:, None]
    dX2V2 = -0.5 * np.repeat(dinter[:, None], 3, axis=1)
    dV = X.T @ dXV + 2 * V * ((X ** 2).T @ dX2V2)
    """,
    [
        ("derr", "2 * np.abs(err) / n", r"\|err\|"),
        ("derr", "2 * err ** 2 / n", r"err² stands|squared|" + EXPONENT),
        ("derr", "np.sign(err) / n", "sign"),
        ("derr", "err / n", r"\b2 times too small|loss|" + lost("2")),
        ("dw0", "dyhat.mean()", mean("7")),
        ("dw", "X.T * dyhat", UNSUMMED + "|entrywise|" + SHAPE),
        ("dw", "X.T @ dyhat + 2 * w0 * w", extra("w")),
        ("dw", "X.T @ (dyhat * yhat)", extra("yhat")),
        ("dXV", "0.5 * XV * dinter[:, None]", r"\b2 times too small"),
        ("dXV", "dinter[:, None] * np.ones((1, 3))", lost("XV")),
        ("dXV", "XV ** 2 * dinter[:, None]", EXPONENT + "|XV² stands|twice"),
        ("dX2V2", "0.5 * np.repeat(dinter[:, None], 3, axis=1)", SIGN),
        ("dX2V2", "-np.repeat(dinter[:, None], 3, axis=1)", r"\b2 times too large"),
        ("dV", "X.T @ dXV", path("∇X2V2", "∇XV")),
        ("dV", "X.T @ dXV + 2 * V * (X.T @ dX2V2)", swapped("X", "X²") + "|" + EXPONENT),
        ("dV", "X.T @ dXV + V * ((X ** 2).T @ dX2V2)", r"\b2 times too small"),
        ("dV", "X.T @ dXV - 2 * V * ((X ** 2).T @ dX2V2)", SIGN),
        ("dV", "X.T @ dXV + 2 * ((X ** 2).T @ dX2V2)", lost("V")),
    ],
)  # fmt: skip

RBF = Program(
    "radial basis functions",
    """
    n, k = 7, 3
    x, y = r.normal(size=(n, 2)), r.normal(size=n)
    C, s, w, b = r.normal(size=(k, 2)), 1 + r.uniform(size=k), r.normal(size=k), r.normal()
    """,
    "C s w b",
    """
    diff = x[:, None, :] - C[None, :, :]
    d2 = np.sum(diff ** 2, axis=2)
    arg = -d2 / (2 * s ** 2)
    phi = np.exp(arg)
    f = phi @ w + b
    e = f - y
    loss = 0.5 * np.sum(e ** 2) / n
    """,
    """
    de = e / n
    df = de
    dw = phi.T @ df
    db = df.sum()
    dphi = np.outer(df, w)
    darg = dphi * phi
    dd2 = -darg / (2 * s ** 2)
    ds = np.sum(darg * d2 / s ** 3, axis=0)
    ddiff = 2 * dd2[:, :, None] * diff
    dC = -ddiff.sum(axis=0)
    """,
    [
        ("de", "e", large("7")),
        ("de", "np.abs(e) / n", r"\|e\|"),
        ("de", "-e / n", SIGN),
        ("dw", "d2.T @ df", swapped("d2", "phi")),
        ("dw", "phi.T @ (df * f)", extra("f")),
        ("dw", "phi.T @ df + w", extra("w")),
        ("dphi", "df[:, None] * phi", swapped("phi", "w")),
        ("darg", "dphi", lost("phi|exp'") + "|" + STEP),
        ("darg", "dphi * phi * (1 - phi)", OF_SIGMA + "|" + extra("1 - phi")),
        ("darg", "dphi * arg", swapped("arg", "phi")),
        ("dd2", "darg / (2 * s ** 2)", SIGN),
        ("dd2", "-darg / s ** 2", r"\b2 times too large"),
        ("dd2", "-darg / (2 * s)", EXPONENT),
        ("ds", "np.sum(darg * d2 / s ** 2, axis=0)", EXPONENT),
        ("ds", "np.sum(darg * d2 / s ** 3, axis=1)", AXIS),
        ("ds", "darg * d2 / s ** 3", UNSUMMED),
        ("ds", "-np.sum(darg * d2 / s ** 3, axis=0)", SIGN),
        ("ds", "np.sum(darg / s ** 3, axis=0)", lost("d2")),
        ("ddiff", "dd2[:, :, None] * diff", r"\b2 times too small|" + lost("2")),
        ("ddiff", "2 * dd2[:, :, None] * np.abs(diff)", r"\|diff\|"),
        ("ddiff", "2 * dd2[:, :, None]", lost("diff") + "|" + SHAPE),
        ("dC", "ddiff.sum(axis=0)", SIGN),
        ("dC", "-ddiff.sum(axis=1)", AXIS),
        ("dC", "-ddiff.mean(axis=0)", mean("7")),
    ],
)  # fmt: skip

HUBER = Program(
    "Huber loss, softplus layer, examples as columns",
    """
    m, delta = 8, 0.5
    X, Y = r.normal(size=(3, m)), r.normal(size=(2, m))
    W1, b1 = r.normal(size=(4, 3)), r.normal(size=(4, 1))
    W2, b2 = r.normal(size=(2, 4)), r.normal(size=(2, 1))
    """,
    "W1 b1 W2 b2",
    """
    Z1 = W1 @ X + b1
    A1 = np.log(1 + np.exp(Z1))
    Z2 = W2 @ A1 + b2
    E = Z2 - Y
    small = np.abs(E) <= delta
    L = np.where(small, 0.5 * E ** 2, delta * (np.abs(E) - 0.5 * delta))
    loss = np.sum(L) / m
    """,
    """
    dE = np.where(small, E, delta * np.sign(E)) / m
    dZ2 = dE
    dW2 = dZ2 @ A1.T
    db2 = dZ2.sum(axis=1, keepdims=True)
    dA1 = W2.T @ dZ2
    dZ1 = dA1 / (1 + np.exp(-Z1))
    dW1 = dZ1 @ X.T
    db1 = dZ1.sum(axis=1, keepdims=True)
    """,
    [
        ("dE", "np.where(small, E, delta * np.sign(E))", large("8")),
        ("dE", "E / m", "where|≤|delta|sign|mask|c_|0.5"),
        ("dE", "np.where(small, E, delta) / m", lost("sign")),
        ("dE", "np.where(small, E, np.sign(E)) / m", lost(r"0\.5|delta") + r"|\b2 times"),
        ("dE", "np.where(small, E, delta * np.abs(E)) / m", r"\|E\||abs"),
        ("dE", "np.where(small, E ** 2, delta * np.sign(E)) / m", EXPONENT + "|" + twice("E")),
        ("dE", "np.where(small, np.abs(E), delta * np.sign(E)) / m", r"\|(c_1 ∘ )?E\|"),
        ("dE", "np.clip(E, -delta, delta)", large("8")),
        ("dW2", "A1 @ dZ2.T", FLIPPED),
        ("dW2", "dZ2 @ Z1.T", swapped("Z1", "A1")),
        ("db2", "dZ2.sum(axis=1)", SHAPE),
        ("db2", "dZ2.sum(axis=0, keepdims=True)", AXIS + "|" + SHAPE),
        ("db2", "np.sum(dZ2)", ALL + "|all|axis|axes"),
        ("db2", "dZ2.mean(axis=1, keepdims=True)", mean("8")),
        ("dA1", "W2.T @ E", swapped("E", "∇Z2|∇E")),
        ("dZ1", "dA1", STEP + r"|softplus'|σ\(Z1\)"),
        ("dZ1", "dA1 / (1 + np.exp(Z1))", SIGN + r"|1 - σ|σ\(Z1\)"),
        ("dZ1", "dA1 / (1 + np.exp(-A1))", swapped("A1", "Z1") + "|taken at|computed from A1"),
        ("dZ1", "dA1 * A1 * (1 - A1)", OF_SIGMA),
        ("dZ1", "dA1 * (Z1 > 0)", "relu"),
        ("dW1", "dZ1 @ X.T + 0.1 * W1", extra("W1")),
        ("db1", "dZ1", UNSUMMED),
    ],
)  # fmt: skip

DISTILLATION = Program(
    "distillation at a temperature, label smoothing",
    """
    n, K, tau, alpha, eps = 5, 3, 2.0, 0.7, 0.1
    X, y, T = r.normal(size=(n, 4)), r.integers(0, 3, n), r.normal(size=(n, 3))
    t = np.exp(T / tau) / np.exp(T / tau).sum(axis=1, keepdims=True)
    q = (1 - eps) * np.eye(3)[y] + eps / K
    W, b = r.normal(size=(4, 3)), r.normal(size=3)
    """,
    "W b",
    """
    z = X @ W + b
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    zt = z / tau
    pt = np.exp(zt) / np.exp(zt).sum(axis=1, keepdims=True)
    hard = -np.sum(q * np.log(p)) / n
    soft = -np.sum(t * np.log(pt)) / n
    loss = (1 - alpha) * hard + alpha * tau ** 2 * soft
    """,
    """
    dhard = 1 - alpha
    dsoft = alpha * tau ** 2
    dzt = dsoft * (pt - t) / n
    dz = dhard * (p - q) / n + dzt / tau
    dW = X.T @ dz
    db = dz.sum(axis=0)
    """,
    [
        ("dhard", "alpha", swapped("0.7", "0.3") + "|0.3|0.7|2.333|7/3"),
        ("dsoft", "alpha * tau", r"\b2 times too small"),
        ("dsoft", "alpha", r"\b4 times too small"),
        ("dzt", "dsoft * (pt - t)", large("5")),
        ("dzt", "dsoft * (p - t) / n", swapped("p", "pt")),
        ("dzt", "dsoft * (pt - q) / n", swapped("y", "y_1")),
        ("dzt", "dsoft * pt / n", lost("y_1")),
        ("dzt", "dsoft * (t - pt) / n", SIGN),
        ("dz", "dhard * (p - q) / n + dzt", r"\b2 times too large"),
        ("dz", "dhard * (p - q) / n", path("∇zt|∇soft", "∇hard")),
        ("dz", "dzt / tau", path("∇hard", "∇zt")),
        ("dz", "dhard * (p - np.eye(3)[y]) / n + dzt / tau", "q|c_|0\\.9|smooth|onehot"),
        ("dz", "(p - q) / n + dzt / tau", r"0\.3|∇hard|10/3|3\.333"),
        ("dW", "X.T @ (dz * p)", extra("p")),
        ("db", "dz.mean(axis=0)", mean("5")),
    ],
)  # fmt: skip

GRAPH = Program(
    "graph convolutions, some nodes labelled",
    """
    n = 6
    A = (r.uniform(size=(n, n)) > 0.5) * 1.0
    A = np.maximum(A, A.T); np.fill_diagonal(A, 1)
    deg = A.sum(axis=1)
    S = A / np.sqrt(np.outer(deg, deg))
    X, y, known = r.normal(size=(n, 4)), r.integers(0, 3, n), np.array([1, 1, 0, 1, 0, 1.0])
    Y = np.eye(3)[y]
    W1, W2 = r.normal(size=(4, 5)), r.normal(size=(5, 3))
    """,
    "W1 W2",
    """
    SX = S @ X
    U = SX @ W1
    H = np.maximum(U, 0)
    SH = S @ H
    Z = SH @ W2
    P = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
    nll = -np.sum(Y * np.log(P), axis=1)
    loss = np.sum(known * nll) / known.sum()
    """,
    """
    dnll = known / known.sum()
    dZ = (P - Y) * dnll[:, None]
    dW2 = SH.T @ dZ
    dSH = dZ @ W2.T
    dH = S.T @ dSH
    dU = dH * (U > 0)
    dW1 = SX.T @ dU
    """,
    [
        ("dnll", "known", r"\b4\b|divi"),
        ("dnll", "known / n", r"1\.5|2/3|\b4\b|divi"),
        ("dnll", "np.ones(n) / known.sum()", lost("known|mask|c_1|c_2|c_3|given")),
        ("dZ", "(P - Y) / n", lost("∇nll|known|mask") + "|known|∇nll"),
        ("dZ", "(Y - P) * dnll[:, None]", SIGN),
        ("dZ", "P * dnll[:, None]", NO_LABEL),
        ("dZ", "np.abs(P - Y) * dnll[:, None]", r"\|"),
        ("dZ", "P * (1 - P) * (P - Y) * dnll[:, None]", extra("P|1 - P|slope")),
        ("dW2", "H.T @ dZ", swapped("H", "SH") + "|" + lost("S")),
        ("dW2", "SH.T @ (dZ * P)", extra("P")),
        ("dW2", "(S @ SH).T @ dZ", extra("S")),
        ("dSH", "P @ W2.T", swapped("P", "∇Z")),
        ("dH", "dSH", lost("S|the matrix") + "|" + STEP),
        ("dU", "dH", RELU),
        ("dU", "dH * H", swapped("H", "> ?0|relu'") + "|" + extra("H") + "|" + RELU),
        ("dU", "dH * (H >= 0)", RELU),
        ("dW1", "X.T @ dU", swapped("X|x", "SX") + "|" + lost("S|c_1")),
        ("dW1", "SX.T @ dH", swapped("∇H", "∇U") + "|" + RELU),
        ("dW1", "SX.T @ dU + 0.01 * W1", extra("W1")),
    ],
)  # fmt: skip

MORE = (
    STANDARDISED, TRIPLET, MIXTURE, POLICY, IM2COL, RANKNET, RMS_SWIGLU, FACTORISATION, RBF, HUBER,
    DISTILLATION, GRAPH,
)  # fmt: skip
