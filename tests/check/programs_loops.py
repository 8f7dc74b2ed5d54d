"""Programs with loops, whose results have no names; and mistakes that are made at each pass.

At first sight 143 of 235 mistakes of twelve such programs were named truly; these are a part of
them.
"""

from __future__ import annotations

from .planted import EXPONENT, FLIPPED, OF_SIGMA, PLUS, RELU, SIGN, TANH, Program, large, lost

BEFORE, AFTER = "of the pass before stands", "of the pass after stands"

CHAR = Program(
    "character RNN, states without names",
    """
    H, V, T = 4, 5, 4
    chars = [1, 3, 0, 4, 2]
    inputs, targets = chars[:-1], chars[1:]
    Wxh, Whh, Why = r.normal(size=(H, V)) / 2, r.normal(size=(H, H)) / 2, r.normal(size=(V, H))
    bh, by = r.normal(size=(H, 1)) / 2, r.normal(size=(V, 1)) / 2
    """,
    "Wxh Whh Why bh by",
    """
    _x, _h, _y, _p = {}, {-1: np.zeros((H, 1))}, {}, {}
    loss = 0.0
    for t in range(T):
        _x[t] = np.zeros((V, 1))
        _x[t][inputs[t]] = 1
        _h[t] = np.tanh(Wxh @ _x[t] + Whh @ _h[t - 1] + bh)
        _y[t] = Why @ _h[t] + by
        _p[t] = np.exp(_y[t]) / np.sum(np.exp(_y[t]))
        loss = loss - np.log(_p[t][targets[t], 0])
    """,
    """
    dWxh, dWhh, dWhy = np.zeros_like(Wxh), np.zeros_like(Whh), np.zeros_like(Why)
    dbh, dby = np.zeros_like(bh), np.zeros_like(by)
    dhnext = np.zeros((H, 1))
    for t in reversed(range(T)):
        dy = np.copy(_p[t])
        dy[targets[t]] -= 1
        dWhy += dy @ _h[t].T
        dby += dy
        dh = Why.T @ dy + dhnext
        draw = (1 - _h[t] ** 2) * dh
        dbh += draw
        dWxh += draw @ _x[t].T
        dWhh += draw @ _h[t - 1].T
        dhnext = Whh.T @ draw
    """,
    [
        ("    dy[", "dy[inputs[t]] -= 1", "by the ids of x", "Whh Why Wxh bh by"),
        ("    dWhy", "dWhy += dy @ _h[t - 1].T", BEFORE, "Why"),
        ("    dWhy", "dWhy = dy @ _h[t].T", PLUS, "Why"),
        ("    dh =", "Why.T @ dy", "by way of Whh .* missing", "Whh Why Wxh bh by"),
        ("    draw", "(1 - _h[t]) * dh", EXPONENT, "Whh Why Wxh bh by"),
        ("    draw", "(1 - _h[t - 1] ** 2) * dh", BEFORE, "Whh Why Wxh bh by"),
        ("    draw", "(1 - _h[t] * _h[t]) * (Why.T @ dy) + dhnext", "by way of Whh", "Wxh Whh bh"),
        ("    draw", "(1 - _h[t] * _h[t]) * dhnext + Why.T @ dy", "by way of Why", "Wxh Whh bh"),
        ("    dWxh", "dWxh += dh @ _x[t].T", TANH, "Wxh"),
        ("    dWhh", "dWhh += draw @ _h[t].T", AFTER, "Whh"),
        ("    dhnext", "dhnext = Whh @ draw", FLIPPED, "Whh Why Wxh bh by"),
        ("    dhnext", "dhnext = Whh.T @ dh", TANH, "Whh Why Wxh bh by"),
        ("    dhnext", "dhnext += Whh.T @ draw", PLUS, "Whh Why Wxh bh by"),
        ("for t in rev", "for t in reversed(range(1, T)):", "the first of the 4 passes", "by"),
        ("for t in rev", "for t in reversed(range(T - 1)):", "the last of the 4 passes", "by"),
    ],
)  # fmt: skip

HEUN = Program(
    "neural ODE by Heun's method",
    """
    T, D, H, dt = 4, 2, 3, 0.2
    u0 = r.normal(size=D)
    obs = r.normal(size=(T, D))
    A, a = r.normal(size=(H, D)), r.normal(size=H)
    B, b = r.normal(size=(D, H)), r.normal(size=D)
    """,
    "A a B b u0",
    """
    _u, _s1, _s2, _m = {0: u0}, {}, {}, {}
    loss = 0.0
    for t in range(T):
        _s1[t] = np.tanh(A @ _u[t] + a)
        _k1 = B @ _s1[t] + b
        _m[t] = _u[t] + dt * _k1
        _s2[t] = np.tanh(A @ _m[t] + a)
        _k2 = B @ _s2[t] + b
        _u[t + 1] = _u[t] + dt / 2 * (_k1 + _k2)
        loss = loss + 0.5 * np.sum((_u[t + 1] - obs[t]) ** 2)
    """,
    """
    dA, da, dB, db = np.zeros(A.shape), np.zeros(H), np.zeros(B.shape), np.zeros(D)
    du = np.zeros(D)
    for t in reversed(range(T)):
        du = du + _u[t + 1] - obs[t]
        dk1 = dt / 2 * du
        dk2 = dt / 2 * du
        dB += np.outer(dk2, _s2[t])
        db += dk2
        dp2 = (B.T @ dk2) * (1 - _s2[t] ** 2)
        dA += np.outer(dp2, _m[t])
        da += dp2
        dm = A.T @ dp2
        dk1 = dk1 + dt * dm
        dB += np.outer(dk1, _s1[t])
        db += dk1
        dp1 = (B.T @ dk1) * (1 - _s1[t] ** 2)
        dA += np.outer(dp1, _u[t])
        da += dp1
        du = du + dm + A.T @ dp1
    du0 = du
    """,
    [
        ("    du = du + _u", "du = _u[t + 1] - obs[t]", "only that by way of .* y", "A B a b u0"),
        ("    du = du + _u", "du = du + _u[t] - obs[t]", BEFORE, "A B a b u0"),
        ("    dk2", "dt * du", "2 times too large", "A B a b u0"),
        ("    dk2", "du / 2", "5 times too large", "A B a b u0"),
        ("    dk1 = dk1", "pass", "missing", "A B a b u0"),
        ("    dk1 = dk1", "dk1 = dk1 + dm", r"0\.2 is missing", "A B a b u0"),
        ("    dB += np.outer(dk2", "dB += np.outer(dk2, _s1[t])", "tanh.* stands where", "B"),
        ("    dA += np.outer(dp2", "dA += np.outer(dp2, _u[t])", "stands where", "A"),
        ("    dp2", "B.T @ dk2", TANH, "A B a b u0"),
        ("    dp1", "(B.T @ dk1) * (1 - _s2[t] ** 2)", "stands where", "A B a b u0"),
        ("    du = du + dm", "du = dm + A.T @ dp1", "missing", "A B a b u0"),
        ("    du = du + dm", "du = du + A.T @ dp1", r"by way of 0\.2 .* missing", "A B a b u0"),
        ("    db += dk1", "db = dk1", PLUS, "b"),
        ("    da += dp2", "da = dp2", PLUS, "a"),
        ("for t", "for t in reversed(range(1, T)):", "the first of the 4 passes", "A B a b u0"),
    ],
)  # fmt: skip

STRIDED = Program(
    "convolution with a stride by loops, mean pooling",
    """
    N, C, H, W, F, S = 2, 2, 7, 7, 3, 2
    OH = OW = 4
    X = r.normal(size=(N, C, H, W))
    K, b = r.normal(size=(F, C, 3, 3)) / 2, r.normal(size=F)
    A, a = r.normal(size=(F * 4, 3)), r.normal(size=3)
    y = np.array([2, 0])
    """,
    "X K b A a",
    """
    _Xp = np.pad(X, ((0, 0), (0, 0), (1, 1), (1, 1)))
    Z = np.stack([np.stack([np.stack([
        (_Xp[:, :, i*S:i*S+3, j*S:j*S+3] * K[f]).sum(axis=(1, 2, 3)) + b[f]
        for j in range(OW)], axis=1) for i in range(OH)], axis=1) for f in range(F)], axis=1)
    R = np.maximum(Z, 0)
    P = np.stack([np.stack([R[:, :, 2*i:2*i+2, 2*j:2*j+2].mean(axis=(2, 3))
        for j in range(2)], axis=2) for i in range(2)], axis=2)
    _o = P.reshape(N, -1) @ A + a
    _e = np.exp(_o - _o.max(axis=1, keepdims=True))
    prob = _e / _e.sum(axis=1, keepdims=True)
    loss = -np.log(prob[np.arange(N), y]).sum() / N
    """,
    """
    do = (prob - np.eye(3)[y]) / N
    dA = P.reshape(N, -1).T @ do
    da = do.sum(axis=0)
    dP = (do @ A.T).reshape(P.shape)
    dR = np.zeros(R.shape)
    for i in range(2):
        for j in range(2):
            dR[:, :, 2*i:2*i+2, 2*j:2*j+2] += dP[:, :, i:i+1, j:j+1] / 4
    dZ = dR * (Z > 0)
    dK, db, dXp = np.zeros(K.shape), np.zeros(F), np.zeros(_Xp.shape)
    for n in range(N):
        for f in range(F):
            for i in range(OH):
                for j in range(OW):
                    dK[f] += dZ[n, f, i, j] * _Xp[n, :, i*S:i*S+3, j*S:j*S+3]
                    db[f] += dZ[n, f, i, j]
                    dXp[n, :, i*S:i*S+3, j*S:j*S+3] += dZ[n, f, i, j] * K[f]
    dX = dXp[:, :, 1:-1, 1:-1]
    """,
    [
        ("        dR", "dR[:, :, 2*i:2*i+2, 2*j:2*j+2] += dP[:, :, i:i+1, j:j+1]", "4 times", "R"),
        ("        dR", "dR[:, :, i:i+2, j:j+2] += dP[:, :, i:i+1, j:j+1] / 4", "stride", "R"),
        ("        dR", "dR[:, :, 2*i, 2*j] += dP[:, :, i, j] / 4", "first of its window", "R"),
        ("dK[f", "dK[f] += dZ[n, f, i, j] * _Xp[n, :, i:i+3, j:j+3]", "stride", "K"),
        ("dXp[n", "dXp[n, :, i*S:i*S+3, j*S:j*S+3] = dZ[n, f, i, j] * K[f]", PLUS, "X"),
        ("dXp[n", "dXp[n, :, i:i+3, j:j+3] += dZ[n, f, i, j] * K[f]", "stride", "X"),
        ("dX = ", "dXp[:, :, :-2, :-2]", "another block", "X"),
        ("dX = ", "dXp[:, :, 2:, 2:]", "another block", "X"),
        ("            for j", "for j in range(OW - 1):", "last of .* left out", "K b X"),
        ("        for i in range(OH", "for i in range(1, OH):", "first of .* left out", "K b X"),
    ],
)  # fmt: skip

CAUSAL = Program(
    "causal attention by loops over queries",
    """
    T, D = 4, 3
    X = r.normal(size=(T, D))
    Y = r.normal(size=(T, D))
    Wq, Wk, Wv, Wo = (r.normal(size=(D, D)) for _ in range(4))
    """,
    "X Wq Wk Wv Wo",
    """
    Q, K, V = X @ Wq, X @ Wk, X @ Wv
    _a, _c = {}, {}
    for i in range(T):
        _s = K[:i + 1] @ Q[i] / np.sqrt(D)
        _e = np.exp(_s - _s.max())
        _a[i] = _e / _e.sum()
        _c[i] = _a[i] @ V[:i + 1]
    ctx = np.stack([_c[i] for i in range(T)])
    out = X + ctx @ Wo
    loss = 0.5 * np.sum((out - Y) ** 2) / T
    """,
    """
    dout = (out - Y) / T
    dX = dout.copy()
    dWo = ctx.T @ dout
    dctx = dout @ Wo.T
    dQ, dK, dV = np.zeros((T, D)), np.zeros((T, D)), np.zeros((T, D))
    for i in range(T):
        da = V[:i + 1] @ dctx[i]
        dV[:i + 1] += np.outer(_a[i], dctx[i])
        ds = _a[i] * (da - np.sum(da * _a[i]))
        ds = ds / np.sqrt(D)
        dQ[i] = ds @ K[:i + 1]
        dK[:i + 1] += np.outer(ds, Q[i])
    dWq = X.T @ dQ
    dWk = X.T @ dK
    dWv = X.T @ dV
    dX += dQ @ Wq.T + dK @ Wk.T + dV @ Wv.T
    """,
    [
        ("    dV", "dV[:i + 1] += np.outer(_a[i], V[i])", "V stands where ∇ctx", "V"),
        ("    ds = _a", "_a[i] * (1 - _a[i]) * da", "only the diagonal", "Q K"),
        ("    dQ", "dQ[i] = ds @ V[:i + 1]", "V stands where K", "Q"),
        ("    dQ", "dQ[i] = ds @ Q[:i + 1]", "Q stands where K", "Q"),
        ("    dK", "dK[:i + 1] += np.outer(ds, K[i])", "K stands where Q", "K"),
    ],
)  # fmt: skip

TEACHER = Program(
    "sequence to sequence with teacher forcing",
    """
    S, T, D, H, V = 3, 3, 3, 4, 5
    src, dst = [2, 4, 1], [0, 3, 3, 1]
    E = r.normal(size=(V, D))
    We, Ue, be = r.normal(size=(H, D)), r.normal(size=(H, H)) / 2, r.normal(size=H)
    Wd, Ud, bd = r.normal(size=(H, D)), r.normal(size=(H, H)) / 2, r.normal(size=H)
    O, o = r.normal(size=(V, H)), r.normal(size=V)
    """,
    "E We Ue be Wd Ud bd O o",
    """
    _h = {0: np.zeros(H)}
    for t in range(S):
        _h[t + 1] = np.tanh(We @ E[src[t]] + Ue @ _h[t] + be)
    _g, _p = {0: _h[S]}, {}
    loss = 0.0
    for t in range(T):
        _g[t + 1] = np.tanh(Wd @ E[dst[t]] + Ud @ _g[t] + bd)
        _z = O @ _g[t + 1] + o
        _p[t] = np.exp(_z) / np.exp(_z).sum()
        loss = loss - np.log(_p[t][dst[t + 1]])
    loss = loss / T
    """,
    """
    dE = np.zeros(E.shape)
    dWe, dUe, dbe = np.zeros(We.shape), np.zeros(Ue.shape), np.zeros(H)
    dWd, dUd, dbd = np.zeros(Wd.shape), np.zeros(Ud.shape), np.zeros(H)
    dO, do = np.zeros(O.shape), np.zeros(V)
    dg = np.zeros(H)
    for t in reversed(range(T)):
        dz = _p[t].copy()
        dz[dst[t + 1]] -= 1
        dz /= T
        dO += np.outer(dz, _g[t + 1])
        do += dz
        dg += O.T @ dz
        da = dg * (1 - _g[t + 1] ** 2)
        dWd += np.outer(da, E[dst[t]])
        dUd += np.outer(da, _g[t])
        dbd += da
        dE[dst[t]] += Wd.T @ da
        dg = Ud.T @ da
    dh = dg
    for t in reversed(range(S)):
        dae = dh * (1 - _h[t + 1] ** 2)
        dWe += np.outer(dae, E[src[t]])
        dUe += np.outer(dae, _h[t])
        dbe += dae
        dE[src[t]] += We.T @ dae
        dh = Ue.T @ dae
    """,
    [
        ("    dz[", "dz[dst[t]] -= 1", "by the ids of E", "E O Ud Ue Wd We bd be o"),
        ("    dO", "dO += np.outer(dz, _g[t])", BEFORE, "O"),
        ("    dg = ", "dg += Ud.T @ da", PLUS, "E O Ud Ue Wd We bd be o"),
        ("    dWd", "dWd += np.outer(da, E[dst[t + 1]])", "by the ids", "Wd"),
        ("    dE[dst", "dE[dst[t + 1]] += Wd.T @ da", "by the ids", "E"),
        ("dh = dg", "dh = da", "Ud is missing", "E O Ud Ue Wd We bd be o"),
    ],
)  # fmt: skip

GATES = Program(
    "LSTM, peepholes, gates apart, parameters alone",
    """
    T, D, H = 5, 3, 4
    _x = [r.normal(size=D) for t in range(T)]
    _y = r.normal(size=T)
    Wi, Wf, Wo, Wg = r.normal(size=(4, H, D + H)) / 2
    bi, bf, bo, bg = r.normal(size=(4, H)) / 2
    v = r.normal(size=H)
    """,
    "Wi Wf Wo Wg bi bf bo bg v",
    """
    sig = lambda z: 1 / (1 + np.exp(-z))
    _h, _c, _z, _i, _f, _o, _g = {-1: np.zeros(H)}, {-1: np.zeros(H)}, {}, {}, {}, {}, {}
    loss = 0
    for t in range(T):
        _z[t] = np.concatenate([_x[t], _h[t - 1]])
        _i[t] = sig(Wi @ _z[t] + bi)
        _f[t] = sig(Wf @ _z[t] + bf)
        _o[t] = sig(Wo @ _z[t] + bo)
        _g[t] = np.tanh(Wg @ _z[t] + bg)
        _c[t] = _f[t] * _c[t - 1] + _i[t] * _g[t]
        _h[t] = _o[t] * np.tanh(_c[t])
        loss = loss + (v @ _h[t] - _y[t]) ** 2 / 2
    """,
    """
    dWi, dWf, dWo, dWg = (np.zeros_like(w) for w in (Wi, Wf, Wo, Wg))
    dbi, dbf, dbo, dbg = (np.zeros_like(w) for w in (bi, bf, bo, bg))
    dv = np.zeros_like(v)
    dhn, dcn = np.zeros(H), np.zeros(H)
    for t in reversed(range(T)):
        e = v @ _h[t] - _y[t]
        dv += e * _h[t]
        dh = e * v + dhn
        do = dh * np.tanh(_c[t])
        dc = dh * _o[t] * (1 - np.tanh(_c[t]) ** 2) + dcn
        di = dc * _g[t]
        dg = dc * _i[t]
        df = dc * _c[t - 1]
        dcn = dc * _f[t]
        ai = di * _i[t] * (1 - _i[t])
        af = df * _f[t] * (1 - _f[t])
        ao = do * _o[t] * (1 - _o[t])
        ag_ = dg * (1 - _g[t] ** 2)
        dWi += np.outer(ai, _z[t])
        dWf += np.outer(af, _z[t])
        dWo += np.outer(ao, _z[t])
        dWg += np.outer(ag_, _z[t])
        dbi += ai
        dbf += af
        dbo += ao
        dbg += ag_
        dz = Wi.T @ ai + Wf.T @ af + Wo.T @ ao + Wg.T @ ag_
        dhn = dz[D:]
    """,
    [
        ("    dh = e", "dh = e * v", "by way of .* missing", "Wf Wg Wi Wo bf bg bi bo"),
        ("    dc = ", "dc = dh * _o[t] * (1 - np.tanh(_c[t]) ** 2)",
         "by way of .* missing", "Wf Wg Wi Wo bf bg bi bo"),
        ("    dc = ", "dc = dh * _o[t] + dcn", TANH, "Wf Wg Wi Wo bf bg bi bo"),
        ("    dc = ", "dc = dh * (1 - np.tanh(_c[t]) ** 2) + dcn",
         lost(r"σ.*"), "Wf Wg Wi Wo bf bg bi bo"),
        ("    dc = ", "dc = dh * _o[t] * (1 - _c[t] ** 2) + dcn",
         "stands where tanh", "Wf Wg Wi Wo bf bg bi bo"),
        ("    df = ", "df = dc * _c[t]", AFTER, "Wf Wg Wi Wo bf bg bi bo"),
        ("    di = ", "di = dc * _i[t]", "stands where tanh", "Wf Wg Wi Wo bf bg bi bo"),
        ("    dg = ", "dg = dc", lost(r"σ.*"), "Wf Wg Wi Wo bf bg bi bo"),
        ("    dcn = ", "dcn = dc", lost(r"σ.*"), "Wf Wg Wi Wo bf bg bi bo"),
        ("    dcn = ", "dcn = dc * _i[t]", "σ.* stands where σ", "Wf Wg Wi Wo bf bg bi bo"),
        ("    ai = ", "ai = di * _i[t]", lost("1 - .*"), "Wf Wg Wi Wo bf bg bi bo"),
        ("    af = ", "af = df * (1 - _f[t])", lost(r"σ.*"), "Wf Wg Wi Wo bf bg bi bo"),
        ("    ao = ", "ao = do * _o[t] * (1 - _o[t] ** 2)", EXPONENT, "Wf Wg Wi Wo bf bg bi bo"),
        ("    ag_ = ", "ag_ = dg * (1 - _g[t])", EXPONENT, "Wf Wg Wi Wo bf bg bi bo"),
        ("    ag_ = ", "ag_ = dg * _g[t] * (1 - _g[t])", OF_SIGMA, "Wf Wg Wi Wo bf bg bi bo"),
        ("    dz = ", "dz = Wi.T @ ai + Wf.T @ af + Wg.T @ ag_",
         "by way of Wo .* is missing", "Wf Wg Wi Wo bf bg bi bo"),
        ("    dhn = ", "dhn = dz[:H]", "another block", "Wf Wg Wi Wo bf bg bi bo"),
        ("    dWo ", "dWo += np.outer(ao, _z[t - 1] if t else 0 * _z[t])", BEFORE, "Wo"),
        ("    dbf ", "dbf = af", PLUS, "bf"),
        ("    e = ", "e = 2 * (v @ _h[t] - _y[t])", large("2"), "Wf Wg Wi Wo bf bg bi bo v"),
        ("    do = ", "do = dh * _c[t]", "stands where tanh", "Wf Wg Wi Wo bf bg bi bo"),
    ],
)  # fmt: skip

PREDATORS = Program(
    "Lotka-Volterra by the midpoint rule, plain numbers, parameters alone",
    """
    T, dt = 6, 0.1
    a, b = np.array(1.1), np.array(0.4)
    c, d = np.array(0.3), np.array(0.8)
    seen = r.normal(size=(T, 2)) + 3
    """,
    "a b c d",
    """
    _u, _v, _mu, _mv = {0: 2.0 + 0 * a}, {0: 1.0 + 0 * a}, {}, {}
    loss = 0.0
    for t in range(T):
        _mu[t] = _u[t] + dt / 2 * (a * _u[t] - b * _u[t] * _v[t])
        _mv[t] = _v[t] + dt / 2 * (c * _u[t] * _v[t] - d * _v[t])
        _u[t + 1] = _u[t] + dt * (a * _mu[t] - b * _mu[t] * _mv[t])
        _v[t + 1] = _v[t] + dt * (c * _mu[t] * _mv[t] - d * _mv[t])
        loss = loss + (_u[t + 1] - seen[t, 0]) ** 2 + (_v[t + 1] - seen[t, 1]) ** 2
    """,
    """
    da = db = dc = dd = 0.0
    gu = gv = 0.0
    for t in reversed(range(T)):
        gu = gu + 2 * (_u[t + 1] - seen[t, 0])
        gv = gv + 2 * (_v[t + 1] - seen[t, 1])
        da += gu * dt * _mu[t]
        db -= gu * dt * _mu[t] * _mv[t]
        dc += gv * dt * _mu[t] * _mv[t]
        dd -= gv * dt * _mv[t]
        gmu = gu * dt * (a - b * _mv[t]) + gv * dt * c * _mv[t]
        gmv = -gu * dt * b * _mu[t] + gv * dt * (c * _mu[t] - d)
        da += gmu * dt / 2 * _u[t]
        db -= gmu * dt / 2 * _u[t] * _v[t]
        dc += gmv * dt / 2 * _u[t] * _v[t]
        dd -= gmv * dt / 2 * _v[t]
        gu = gu + gmu * (1 + dt / 2 * (a - b * _v[t])) + gmv * dt / 2 * c * _v[t]
        gv = gv - gmu * dt / 2 * b * _u[t] + gmv * (1 + dt / 2 * (c * _u[t] - d))
    """,
    [
        ("    gu = gu + 2", "gu = 2 * (_u[t + 1] - seen[t, 0])", "only that by way", "a b c d"),
        ("    gu = gu + 2", "gu = gu + (_u[t + 1] - seen[t, 0])", "2 times too small", "a b c d"),
        ("    gv = gv + 2", "gv = gv + 2 * (_v[t] - seen[t, 1])",
         "stands where its own", "a b c d"),
        ("    da += gu", "da += gu * dt * _u[t]", r"0\.1.* stands where 0\.05", "a"),
        ("    da += gu", "da += gu * _mu[t]", large("10"), "a"),
        ("    db -= gu", "db += gu * dt * _mu[t] * _mv[t]", SIGN, "b"),
        ("    db -= gu", "db -= gu * dt * _mu[t]", r"factor .* is missing", "b"),
        ("    gmu", "gmu = gu * dt * (a - b * _mv[t])", "by way of c .* missing", "a b c d"),
        ("    gmu", "gmu = gu * dt * a + gv * dt * c * _mv[t]",
         "by way of b .* missing", "a b c d"),
        ("    gmv", "gmv = gu * dt * b * _mu[t] + gv * dt * (c * _mu[t] - d)", SIGN, "a b c d"),
        ("    gmv", "gmv = -gu * dt * b * _mu[t] + gv * dt * (c * _mu[t] + d)", SIGN, "a b c d"),
        ("    da += gmu", "pass", "by way of a .* missing", "a"),
        ("    dd -= gmv", "dd -= gmv * dt * _v[t]", "2 times too large", "d"),
        ("    gu = gu + gmu",
         "gu = gu + gmu * (dt / 2 * (a - b * _v[t])) + gmv * dt / 2 * c * _v[t]",
         "by way of .* missing", "a b c d"),
        ("    gu = gu + gmu", "gu = gu + gmu * (1 + dt / 2 * (a - b * _v[t]))",
         "by way of c .* missing", "a b c d"),
        ("    gv = gv - gmu", "gv = gv + gmv * (1 + dt / 2 * (c * _u[t] - d))",
         "by way of b .* missing", "a b c d"),
    ],
)  # fmt: skip

IM2COL = Program(
    "convolution by im2col, its entries by their numbers, relu, softmax",
    """
    n = 3
    x, y = r.normal(size=(n, 2, 5, 5)), np.eye(4)[r.integers(0, 4, n)]
    K, b, W = r.normal(size=(3, 2, 3, 3)), r.normal(size=3), r.normal(size=(27, 4))
    _k, _i, _j = np.indices((2, 3, 3)).reshape(3, -1, 1)
    _i, _j = _i + np.repeat(np.arange(3), 3), _j + np.tile(np.arange(3), 3)
    """,
    "x K b W",
    """
    cols = x[:, _k, _i, _j].transpose(1, 2, 0).reshape(18, -1)
    _rows = K.reshape(3, -1) @ cols + b.reshape(-1, 1)
    h = _rows.reshape(3, 3, 3, n).transpose(3, 0, 1, 2)
    a = np.maximum(h, 0)
    z = a.reshape(n, -1) @ W
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.sum(y * np.log(p)) / n
    """,
    """
    dz = (p - y) / n
    dW = a.reshape(n, -1).T @ dz
    da = (dz @ W.T).reshape(a.shape)
    dh = da * (h > 0)
    db = dh.sum(axis=(0, 2, 3))
    rows = dh.transpose(1, 2, 3, 0).reshape(3, -1)
    dK = (rows @ cols.T).reshape(K.shape)
    dcols = K.reshape(3, -1).T @ rows
    dx = np.zeros(x.shape)
    np.add.at(dx, (slice(None), _k, _i, _j), dcols.reshape(18, -1, n).transpose(2, 0, 1))
    """,
    [
        ("db", "dh.sum(axis=(0, 1, 2))", "over axes 0, 1, 2 instead of axes 0, 2, 3"),
        ("db", "dh.mean(axis=(0, 2, 3))", "a mean where a sum"),
        ("rows", "dh.reshape(3, -1)", "not transposed", "K cols"),
        ("rows", "dh.transpose(1, 0, 2, 3).reshape(3, -1)", "another order", "K cols"),
        ("dK", "(cols @ rows.T).reshape(K.shape)", "another order"),
        ("dK", "(rows @ cols.T).reshape(K.shape)[:, :, ::-1, ::-1]", "turned round"),
        ("dK", "(rows @ cols.T).reshape(K.shape) / n", "3 times too small"),
        ("dcols", "K[:, :, ::-1, ::-1].reshape(3, -1).T @ rows", "turned round"),
        ("dcols", "K.reshape(-1, 3) @ rows", "another order"),
        ("np.add.at", "dx[:, _k, _i, _j] += dcols.reshape(18, -1, n).transpose(2, 0, 1)",
         "the last wins", "x"),
        ("np.add.at", "np.add.at(dx, (slice(None), _k, _i, _j), "
         "dcols.reshape(18, n, -1).transpose(1, 0, 2))", "another order", "x"),
    ],
)  # fmt: skip

ROWS = Program(
    "windows in rows, average pooling, squared error",
    """
    n = 3
    x, y = r.normal(size=(n, 2, 6, 6)), r.normal(size=(n, 3))
    K, b, W = r.normal(size=(3, 2, 3, 3)), r.normal(size=3), r.normal(size=(12, 3))
    """,
    "x K b W",
    """
    _seen = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(2, 3))
    _rows = _seen.transpose(0, 2, 3, 1, 4, 5).reshape(n * 16, -1)
    h = (_rows @ K.reshape(3, -1).T + b).reshape(n, 4, 4, 3).transpose(0, 3, 1, 2)
    t = np.tanh(h)
    q = t.reshape(n, 3, 2, 2, 2, 2).mean(axis=(3, 5))
    z = q.reshape(n, -1) @ W
    loss = np.mean((z - y) ** 2)
    """,
    """
    dz = 2 * (z - y) / y.size
    dW = q.reshape(n, -1).T @ dz
    dq = (dz @ W.T).reshape(q.shape)
    dt = np.repeat(np.repeat(dq, 2, axis=2), 2, axis=3) / 4
    dh = dt * (1 - t ** 2)
    g = dh.transpose(0, 2, 3, 1).reshape(-1, 3)
    db = g.sum(axis=0)
    dK = (_rows.T @ g).T.reshape(K.shape)
    g = (g @ K.reshape(3, -1)).reshape(n, 4, 4, 2, 3, 3).transpose(0, 3, 1, 2, 4, 5)
    dx = np.zeros(x.shape)
    for i in range(3):
        for j in range(3):
            dx[:, :, i : i + 4, j : j + 4] += g[..., i, j]
    """,
    [
        ("dt", "np.tile(dq, (1, 1, 2, 2)) / 4", "repeated as a whole"),
        ("dt", "np.repeat(np.repeat(dq, 2, axis=2), 2, axis=3)", large("4")),
        ("dh", "dt * (1 - h ** 2)", "from h where t belongs"),
        ("dK", "(_rows.T @ g).reshape(K.shape)", "another order"),
        ("        dx[", "dx[:, :, i : i + 4, j : j + 4] = g[..., i, j]", "the last wins", "x"),
        ("        dx[", "dx[:, :, i : i + 4, j : j + 4] += g[..., j, i]", "another order", "x"),
        ("        dx[", "dx[:, :, i : i + 4, j : j + 4] += g[..., 2 - i, 2 - j]", "turned round",
         "x"),
    ],
)  # fmt: skip

CHANNELS_LAST = Program(
    "convolution with channels last, relu; backwards window by window",
    """
    m, pad, f = 2, 1, 3
    A, W, b = r.normal(size=(m, 4, 4, 2)), r.normal(size=(f, f, 2, 3)), r.normal(size=(1, 1, 1, 3))
    T = r.normal(size=(m, 4, 4, 3))
    """,
    "A W b",
    """
    _A = np.pad(A, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    Z = b + sum(_A[:, i : i + 4, j : j + 4] @ W[i, j] for i in range(3) for j in range(3))
    R = np.maximum(Z, 0)
    loss = np.sum((R - T) ** 2)
    """,
    """
    dR = 2 * (R - T)
    dZ = dR * (Z > 0)
    dA, dW, db = np.zeros(_A.shape), np.zeros(W.shape), np.zeros(b.shape)
    for i in range(m):
        for h in range(4):
            for w in range(4):
                for c in range(3):
                    dA[i, h : h + f, w : w + f] += W[:, :, :, c] * dZ[i, h, w, c]
                    dW[..., c] += _A[i, h : h + f, w : w + f] * dZ[i, h, w, c]
                    db[..., c] += dZ[i, h, w, c]
    dA = dA[:, pad:-pad, pad:-pad]
    """,
    [
        ("dR", "R - T", "2 times too small"),
        ("dZ", "dR", RELU),
        ("for i in", "for i in range(m - 1):", "only the first|the last of axis 0 is 0", "A W b"),
        ("dA[i, h : h + f, w : w + f]",
         "dA[i, h : h + f, w : w + f] = W[:, :, :, c] * dZ[i, h, w, c]", "the last wins"),
        ("dA[i, h : h + f, w : w + f]", "W[::-1, ::-1, :, c] * dZ[i, h, w, c]", "turned round"),
        ("dA[i, h : h + f, w : w + f]", "W[:, :, :, c] * dZ[i, w, h, c]", "another order"),
        ("dW[..., c]", "dW[..., c] = _A[i, h : h + f, w : w + f] * dZ[i, h, w, c]", PLUS),
        ("dW[..., c]", "_A[i, h : h + f, w : w + f] * R[i, h, w, c]", "R stands where"),
        ("db[..., c]", "dZ[i, h, w, c] / m", "a mean where a sum|2 times too small"),
        ("dA =", "dA[:, : -2 * pad, : -2 * pad]", "another block"),
    ],
)  # fmt: skip

LOOPS = (CHAR, HEUN, STRIDED, CAUSAL, TEACHER, GATES, PREDATORS, IM2COL, ROWS, CHANNELS_LAST)
