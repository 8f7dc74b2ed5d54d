"""Programs of learners in other words: einsum, gates, lookups in loops, recursions of numbers.

At first sight 78 of 102 mistakes of the first eight were named as was expected; 5 more causes were
true, in other words. The last three were taken from twelve, of which 167 of 211 were named.
"""

from __future__ import annotations

from .planted import (
    AXIS,
    FLIPPED,
    LABEL,
    NO_LABEL,
    OF_SIGMA,
    OF_TANH,
    PLUS,
    RELU,
    SHAPE,
    SIGMA,
    SIGN,
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
    "gated recurrent unit",
    """
    B, D, H = 4, 3, 5
    x, h, y = r.normal(size=(B, D)), r.normal(size=(B, H)), r.normal(size=(B, H))
    Wz, Uz, bz = r.normal(size=(D, H)), r.normal(size=(H, H)), r.normal(size=H)
    Wr, Ur, br = r.normal(size=(D, H)), r.normal(size=(H, H)), r.normal(size=H)
    Wn, Un, bn = r.normal(size=(D, H)), r.normal(size=(H, H)), r.normal(size=H)
    """,
    "Wz Uz bz Wr Ur br Wn Un bn h",
    """
    az = x @ Wz + h @ Uz + bz
    ar = x @ Wr + h @ Ur + br
    z = 1 / (1 + np.exp(-az))
    rr = 1 / (1 + np.exp(-ar))
    g = rr * h
    an = x @ Wn + g @ Un + bn
    n = np.tanh(an)
    out = (1 - z) * n + z * h
    loss = 0.5 * np.mean((out - y) ** 2)
    """,
    """
    dout = (out - y) / y.size
    dz = dout * (h - n)
    dn = dout * (1 - z)
    dan = dn * (1 - n ** 2)
    dg = dan @ Un.T
    drr = dg * h
    dar = drr * rr * (1 - rr)
    daz = dz * z * (1 - z)
    dWz, dUz, dbz = x.T @ daz, h.T @ daz, daz.sum(0)
    dWr, dUr, dbr = x.T @ dar, h.T @ dar, dar.sum(0)
    dWn = x.T @ dan
    dUn = g.T @ dan
    dbn = dan.sum(0)
    dh = dout * z + dg * rr
    dh += daz @ Uz.T
    dh += dar @ Ur.T
    """,
    [
        ("dout", "(out - y) / B", r"\b5 times too large|divide|1/\S+"),
        ("dz", "dout * (n - h)", SIGN),
        ("dz", "dout * h", lost("n|-n")),
        ("dn", "dout * z", swapped("z", "1 - z")),
        ("dan", "dn * n * (1 - n)", OF_SIGMA),
        ("dan", "dn", TANH),
        ("dg", "dan @ Un", FLIPPED),
        ("drr", "dg", lost("h")),
        ("dar", "drr * (1 - rr ** 2)", OF_TANH),
        ("daz", "dz * z", lost("1 - z|σ'")),
        ("dUn", "h.T @ dan", swapped("h", "g") + "|" + lost("rr")),
        ("dbn", "dan.mean(0)", mean("4")),
        ("dh =", "dout * z", path(r"∇g|rr")),
        ("dh =", "dout * z + dg", lost("rr")),
        ("dh += daz", "dh = daz @ Uz.T", PLUS),
        ("dh += dar", "pass", path(r"∇ar")),
        ("dh += dar", "dh += dar @ Ur", FLIPPED),
    ],
)  # fmt: skip

GLU = Program(
    "gated linear unit, halves by slices",
    """
    B, D, H = 5, 3, 4
    x, y = r.normal(size=(B, D)), r.normal(size=(B, H))
    W, b = r.normal(size=(D, 2 * H)), r.normal(size=2 * H)
    """,
    "W b",
    """
    u = x @ W + b
    a = u[:, :H]
    s = u[:, H:]
    q = 1 / (1 + np.exp(-s))
    o = a * q
    loss = 0.5 * np.sum((o - y) ** 2) / B
    """,
    """
    do = (o - y) / B
    da = do * q
    dq = do * a
    ds = dq * q * (1 - q)
    du = np.concatenate([da, ds], axis=1)
    dW = x.T @ du
    db = du.sum(axis=0)
    """,
    [
        ("da", "do", lost("q")),
        ("da", "do * a", swapped("a", "q")),
        ("ds", "dq * (1 - q)", lost("q|σ'")),
        ("ds", "dq * s * (1 - s)", r"σ'"),
        ("du", "np.concatenate([ds, da], axis=1)", "exchanged"),
        ("du", "np.concatenate([da, dq], axis=1)", SIGMA),
        ("du", "np.concatenate([da, np.zeros_like(ds)], axis=1)", lost("∇s")),
        ("dW", "x.T @ np.concatenate([da, da], axis=1)", swapped("∇a", "∇s")),
        ("db", "du.sum(axis=1)", SHAPE),
    ],
)  # fmt: skip

EINSUM = Program(
    "attention of heads by einsum",
    """
    T, D, H, K = 5, 6, 2, 3
    x, y = r.normal(size=(T, D)), r.normal(size=(T, D))
    Wq, Wk, Wv, Wo = (r.normal(size=(D, H, K)) for _ in range(4))
    """,
    "x Wq Wk Wv Wo",
    """
    Q = np.einsum("td,dhk->thk", x, Wq)
    K_ = np.einsum("td,dhk->thk", x, Wk)
    V = np.einsum("td,dhk->thk", x, Wv)
    S = np.einsum("thk,shk->hts", Q, K_) / np.sqrt(K)
    A = np.exp(S - S.max(axis=-1, keepdims=True))
    A = A / A.sum(axis=-1, keepdims=True)
    O = np.einsum("hts,shk->thk", A, V)
    out = np.einsum("thk,dhk->td", O, Wo)
    loss = 0.5 * np.sum((out - y) ** 2)
    """,
    """
    dout = out - y
    dWo = np.einsum("td,thk->dhk", dout, O)
    dO = np.einsum("td,dhk->thk", dout, Wo)
    dA = np.einsum("thk,shk->hts", dO, V)
    dV = np.einsum("hts,thk->shk", A, dO)
    dS = A * (dA - (dA * A).sum(-1, keepdims=True))
    dQ = np.einsum("hts,shk->thk", dS, K_) / np.sqrt(K)
    dK_ = np.einsum("hts,thk->shk", dS, Q) / np.sqrt(K)
    dWq = np.einsum("td,thk->dhk", x, dQ)
    dWk = np.einsum("td,thk->dhk", x, dK_)
    dWv = np.einsum("td,thk->dhk", x, dV)
    dx = np.einsum("thk,dhk->td", dQ, Wq) + np.einsum("thk,dhk->td", dK_, Wk)
    dx += np.einsum("thk,dhk->td", dV, Wv)
    """,
    [
        ("dWo", "np.einsum('td,thk->dhk', out, O)", swapped("out", "∇out")),
        ("dA", "np.einsum('thk,shk->hts', V, dO)", "factors|" + FLIPPED),
        ("dA", "np.einsum('thk,shk->hts', dO, K_)", swapped("K_", "V")),
        ("dV", "np.einsum('hts,shk->thk', A, dO)", FLIPPED),
        ("dS", "A * dA", lost("Σ.*")),
        ("dS", "A * (1 - A) * dA", "diagonal"),
        ("dS", "A * (dA - (dA * A).sum(-2, keepdims=True))", AXIS),
        ("dQ", "np.einsum('hts,shk->thk', dS, K_)", large("1.732")),
        ("dQ", "np.einsum('hst,shk->thk', dS, K_) / np.sqrt(K)", "factors|" + FLIPPED),
        ("dK_", "np.einsum('hts,shk->thk', dS, Q) / np.sqrt(K)", "factors|" + FLIPPED),
        ("dWk", "np.einsum('td,thk->dhk', x, dQ)", swapped("∇Q", "∇K_")),
        ("dx +=", "pass", path("∇V")),
    ],
)  # fmt: skip

POWER = Program(
    "power iteration",
    """
    n, d = 4, 0.85
    A, v, c = r.normal(size=(n, n)) / 2, r.random(n), r.normal(size=n)
    """,
    "A d",
    """
    r1 = d * (A @ v) + (1 - d) * v
    r2 = d * (A @ r1) + (1 - d) * v
    r3 = d * (A @ r2) + (1 - d) * v
    u = r3 / np.sqrt(np.sum(r3 ** 2))
    loss = np.sum((u - c) ** 2)
    """,
    """
    du = 2 * (u - c)
    norm = np.sqrt(np.sum(r3 ** 2))
    dr3 = (du - u * np.sum(du * u)) / norm
    dr2 = d * A.T @ dr3
    dr1 = d * A.T @ dr2
    dA = d * (np.outer(dr3, r2) + np.outer(dr2, r1) + np.outer(dr1, v))
    dd = dr3 @ (A @ r2 - v) + dr2 @ (A @ r1 - v) + dr1 @ (A @ v - v)
    """,
    [
        ("dr3", "du / norm", lost("u.*")),
        ("dr3", "(du - u * np.sum(du * u)) / norm ** 2", twice("‖r3‖")),
        ("dr3", "du - u * np.sum(du * u)", lost("‖r3‖")),
        ("dr3", "(du - np.sum(du * u)) / norm", lost("u")),
        ("dr2", "d * A @ dr3", FLIPPED),
        ("dr2", "A.T @ dr3", lost("d")),
        ("dA", "d * (np.outer(r2, dr3) + np.outer(r1, dr2) + np.outer(v, dr1))", FLIPPED),
        ("dA", "d * np.outer(dr3, r2)", path(r"∇r2|∇r1", "∇r3")),
        ("dd", "dr3 @ (A @ r2) + dr2 @ (A @ r1) + dr1 @ (A @ v)", lost(r"-?c_\d|-?x")),
        ("dd", "dr3 @ (A @ r2 - v)", path("r2|r1", "∇r3")),
    ],
)  # fmt: skip

BAG = Program(
    "mean of embeddings, a row of ids in each pass of a loop",
    """
    V, D, m = 6, 3, 4
    ids = np.array([[0, 2, 2], [5, 1, 3], [4, 4, 4], [0, 1, 5]])
    t = np.array([1, 4, 0, 0])
    E, U = r.normal(size=(V, D)), r.normal(size=(V, D))
    """,
    "E U",
    """
    h = np.mean(E[ids], axis=1)
    s = h @ U.T
    p = np.exp(s) / np.exp(s).sum(axis=1, keepdims=True)
    loss = -np.sum(np.log(p[np.arange(m), t]))
    """,
    """
    ds = p - np.eye(V)[t]
    dU = ds.T @ h
    dh = ds @ U
    dE = np.zeros((V, D))
    for j in range(3):
        np.add.at(dE, ids[:, j], dh / 3)
    """,
    [
        ("ds", "p", NO_LABEL),
        ("ds", "(p - np.eye(V)[t]) / m", small("4")),
        ("ds", "np.exp(s) - np.eye(V)[t]", lost("Σ.*|exp.*")),
        ("dh", "ds @ E", swapped("E", "U")),
        ("    np.add", "np.add.at(dE, ids[:, j], dh)", large("3"), "E"),
        ("    np.add", "dE[ids[:, j]] += dh / 3", r"add\.at", "E"),
        ("    np.add", "dE[ids[:, j]] = dh / 3", r"add\.at", "E"),
    ],
    only="s h U E",
)  # fmt: skip

MARKOV = Program(
    "hidden Markov model, forward in logarithms",
    """
    T, S = 3, 2
    o = np.array([0, 1, 1])
    A, B, pi = r.normal(size=(S, S)), r.normal(size=(S, 3)), r.normal(size=S)
    """,
    "A B pi",
    """
    a = {0: pi + B[:, o[0]]}
    for t in range(1, T):
        _m = a[t - 1][:, None] + A
        a[t] = np.log(np.sum(np.exp(_m), axis=0)) + B[:, o[t]]
    loss = -np.log(np.sum(np.exp(a[T - 1])))
    """,
    """
    dA = np.zeros((S, S))
    dB = np.zeros((S, 3))
    da = {T - 1: -np.exp(a[T - 1]) / np.exp(a[T - 1]).sum()}
    for t in reversed(range(1, T)):
        e = np.exp(a[t - 1][:, None] + A)
        w = e / e.sum(axis=0)
        g = w * da[t]
        dA += g
        dB[:, o[t]] += da[t]
        da[t - 1] = g.sum(axis=1)
    dB[:, o[0]] += da[0]
    dpi = da[0]
    """,
    [
        ("da =", "{T - 1: np.exp(a[T - 1]) / np.exp(a[T - 1]).sum()}", SIGN, "a"),
        ("da =", "{T - 1: -np.exp(a[T - 1])}", lost("Σ.*|exp.*"), "a"),
        ("w =", "e / e.sum(axis=1, keepdims=True)", AXIS, "a A"),
        ("w =", "e / e.sum()", AXIS, "a A"),
        ("dA +=", "dA = g", PLUS, "A"),
        ("dB[:, o[t]]", "dB[:, o[t]] = da[t]", PLUS, "B"),
        ("dB[:, o[0]]", "pass", path(r"∇a_0"), "B"),
        ("dpi", "da[0] * pi", extra("pi")),
    ],
    only="a_0 a_1 a_2 A B pi",
)  # fmt: skip

PAIRS = Program(
    "bilinear scores, logistic loss of signs",
    """
    B, D = 5, 3
    q, d, y = r.normal(size=(B, D)), r.normal(size=(B, 4)), 2.0 * r.integers(0, 2, B) - 1
    W, b = r.normal(size=(D, 4)), 0.1
    """,
    "W b q",
    """
    u = q @ W
    s = np.sum(u * d, axis=1) + b
    m = y * s
    loss = np.mean(np.log(1 + np.exp(-m)))
    """,
    """
    dm = -1 / (1 + np.exp(m)) / B
    ds = dm * y
    du = ds[:, None] * d
    dW = q.T @ du
    dq = du @ W.T
    db = ds.sum()
    """,
    [
        ("dm", "1 / (1 + np.exp(m)) / B", SIGN),
        ("dm", "-1 / (1 + np.exp(-m)) / B", swapped(r"σ\(m\)", r"1 - σ\(m\)")),
        ("dm", "-np.exp(-m) / B", lost(r"1 \+ exp\(-m\)")),
        ("dm", "-1 / (1 + np.exp(m))", large("5")),
        ("ds", "dm", lost(r"c_\d|" + LABEL)),
        ("du", "ds[:, None] * u", swapped("u", r"c_\d")),
        ("dW", "q.T @ d", swapped(r"c_\d", "∇u")),
        ("dq", "ds[:, None] * (d @ W.T) / B", small("5")),
        ("db", "dm.sum()", swapped("∇m", "∇s")),
    ],
)  # fmt: skip

TIED = Program(
    "language model, the table of embeddings used twice",
    """
    V, D, m = 5, 3, 6
    c, t = np.array([0, 3, 3, 1, 4, 0]), np.array([2, 0, 4, 4, 1, 3])
    E, W = r.normal(size=(V, D)), r.normal(size=(D, D))
    """,
    "E W",
    """
    x = E[c]
    h = np.tanh(x @ W)
    s = h @ E.T
    p = np.exp(s) / np.exp(s).sum(axis=1, keepdims=True)
    loss = -np.mean(np.log(p[np.arange(m), t]))
    """,
    """
    ds = p.copy()
    ds[np.arange(m), t] -= 1
    ds /= m
    dE = ds.T @ h
    dh = ds @ E
    dpre = dh * (1 - h ** 2)
    dW = x.T @ dpre
    dx = dpre @ W.T
    np.add.at(dE, c, dx)
    """,
    [
        ("ds[", "pass", NO_LABEL),
        ("ds /=", "pass", large("6")),
        ("np.add.at", "pass", path("∇x"), "E"),
        ("np.add.at", "dE[c] += dx", r"add\.at", "E"),
        ("dE =", "np.zeros((V, D))", path("∇s")),
        ("dpre", "dh", TANH, "W x E"),
        ("dW", "h.T @ dpre", swapped("h", "x")),
        ("dx", "dpre @ W", FLIPPED),
    ],
    only="s h x W E",
)  # fmt: skip

MIXTURE = Program(
    "mixture density network, three blocks of one output",
    """
    B, D, H, K = 5, 2, 4, 3
    x, y = r.normal(size=(B, D)), r.normal(size=(B, 1))
    W, b = r.normal(size=(D, H)), r.normal(size=H)
    V, c = r.normal(size=(H, 3 * K)), r.normal(size=3 * K)
    """,
    "W b V c",
    """
    h = np.tanh(x @ W + b)
    o = h @ V + c
    a = o[:, :K]
    mu = o[:, K:2*K]
    ls = o[:, 2*K:]
    sig = np.exp(ls)
    _ea = np.exp(a - a.max(axis=1, keepdims=True))
    pi = _ea / _ea.sum(axis=1, keepdims=True)
    phi = np.exp(-0.5 * ((y - mu) / sig) ** 2) / (sig * np.sqrt(2 * np.pi))
    lik = np.sum(pi * phi, axis=1, keepdims=True)
    loss = -np.mean(np.log(lik))
    """,
    """
    gam = pi * phi / lik
    da = (pi - gam) / B
    dmu = -gam * (y - mu) / sig ** 2 / B
    dls = -gam * (((y - mu) / sig) ** 2 - 1) / B
    do = np.hstack([da, dmu, dls])
    dV = h.T @ do
    dc = do.sum(0)
    dh = do @ V.T
    dW = x.T @ (dh * (1 - h ** 2))
    db = (dh * (1 - h ** 2)).sum(0)
    """,
    [
        ("da", "(gam - pi) / B", SIGN),
        ("da", "-gam / B", lost("pi|-lik")),
        ("dmu", "-gam * (y - mu) / sig / B", r"sig[^;:]*exponent"),
        ("dmu", "-gam * (y - mu) / B", r"division by sig²[^;:]*missing"),
        ("dmu", "-pi * (y - mu) / sig ** 2 / B", lost("phi")),
        ("dmu", "-phi * (y - mu) / sig ** 2 / B", lost("pi")),
        ("dls", "-gam * ((y - mu) / sig) ** 2 / B", lost("1")),
        ("dls", "-gam * (((y - mu) / sig) ** 2 - 1) / sig / B", "step from there is missing"),
        ("dls", "-gam * ((y - mu) ** 2 / sig - 1) / B", r"sig[^;:]*exponent"),
        ("dls", "gam * (1 + ((y - mu) / sig) ** 2) / B", SIGN),
        ("do", "np.hstack([dmu, da, dls])", "exchanged"),
        ("dV", "h.T @ np.hstack([da, dmu, dmu])", swapped("∇mu", "∇ls")),
    ],
    only="a mu ls o V c h W b",
    never=r"exp'",
)  # fmt: skip

CURVE = Program(
    "logistic growth, three numbers fitted",
    """
    t = np.linspace(0, 5, 9)
    seen = 3 / (1 + np.exp(-1.2 * (t - 2))) + 0.1 * r.normal(size=9)
    K, rate, t0 = np.array(2.5), np.array(0.9), np.array(1.5)
    """,
    "K rate t0",
    """
    arg = rate * (t - t0)
    e = np.exp(-arg)
    model = K / (1 + e)
    res = model - seen
    loss = np.sum(res ** 2)
    """,
    """
    dres = 2 * res
    dmodel = dres
    dK = np.sum(dmodel / (1 + e))
    de = -dmodel * K / (1 + e) ** 2
    darg = -de * e
    drate = np.sum(darg * (t - t0))
    dt0 = -np.sum(darg * rate)
    """,
    [
        ("dres", "res", "2 times too small"),
        ("dK", "np.sum(dmodel * model)", extra("K")),
        ("dK", "dmodel / (1 + e)", UNSUMMED),
        ("de", "dmodel * K / (1 + e) ** 2", SIGN),
        ("de", "-dmodel * K / (1 + e)", lost(r"1 \+ e")),
        ("de", "-dmodel / (1 + e) ** 2", lost("K")),
        ("darg", "-de", lost("e")),
        ("drate", "np.sum(darg * t)", lost("t0")),
        ("drate", "np.sum(darg)", lost("y - t0")),
        ("dt0", "-np.sum(darg)", lost("rate")),
    ],
)  # fmt: skip

LOOPS = Program(
    "convolution of stride 2 by loops, overlapping max pooling",
    """
    N, F = 2, 3
    x = r.normal(size=(N, 2, 7, 7))
    y = r.normal(size=(N, F, 2, 2))
    w, b = 0.5 * r.normal(size=(F, 2, 3, 3)), r.normal(size=F) - 2
    """,
    "w b",
    """
    _at = [(i, j) for i in range(3) for j in range(3)]
    _wins = [x[:, :, 2*i:2*i+3, 2*j:2*j+3] for i, j in _at]
    _sums = [[np.sum(win * w[f], axis=(1, 2, 3)) + b[f] for f in range(F)] for win in _wins]
    conv = np.stack([np.stack(s, axis=1) for s in _sums], axis=2).reshape(N, F, 3, 3)
    act = np.maximum(conv, 0)
    _tops = [np.max(act[:, :, i:i+2, j:j+2], axis=(2, 3)) for i in range(2) for j in range(2)]
    pool = np.stack(_tops, axis=2).reshape(N, F, 2, 2)
    loss = 0.5 * np.sum((pool - y) ** 2)
    """,
    """
    dpool = pool - y
    dact = np.zeros_like(act)
    dw, db = np.zeros_like(w), np.zeros_like(b)
    for n in range(N):
        for f in range(F):
            for i in range(2):
                for j in range(2):
                    win = act[n, f, i:i+2, j:j+2]
                    m = (win == win.max()) / np.sum(win == win.max())
                    dact[n, f, i:i+2, j:j+2] += m * dpool[n, f, i, j]
    dconv = dact * (act > 0)
    for n in range(N):
        for f in range(F):
            for i in range(3):
                for j in range(3):
                    dw[f] += x[n, :, 2*i:2*i+3, 2*j:2*j+3] * dconv[n, f, i, j]
                    db[f] += dconv[n, f, i, j]
    """,
    [
        ("dact[n", "dact[n, f, i:i+2, j:j+2] = m * dpool[n, f, i, j]", PLUS),
        ("dact[n", "dact[n, f, i:i+2, j:j+2] += win * dpool[n, f, i, j]", r"act\) stands where"),
        ("dconv", "dact", RELU),
        ("dw[f]", "dw[f] = x[n, :, 2*i:2*i+3, 2*j:2*j+3] * dconv[n, f, i, j]", PLUS),
        ("db[f]", "db[f] = dconv[n, f, i, j]", PLUS),
        ("db[f]", "db[f] += dconv[n, f, i, j] / 9", mean("9")),
        ("db[f]", "db[f] += dconv[n, f, i, j] / 18", mean("18")),
    ],
)  # fmt: skip

FRESH = (GRU, GLU, EINSUM, POWER, BAG, MARKOV, PAIRS, TIED, MIXTURE, CURVE, LOOPS)
