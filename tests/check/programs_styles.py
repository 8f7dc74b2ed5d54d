"""Programs of learners in the styles of courses and threads that are much read.

At first sight 188 of 221 mistakes of eleven such programs were named truly; after what these
taught, 205 of 229 of eleven others; and then 70 of 85 of four. These are a part of them.
"""

from __future__ import annotations

from .planted import (
    AXIS,
    EVERYWHERE,
    FLIPPED,
    NO_LABEL,
    OF_SIGMA,
    PLUS,
    RELU,
    SHAPE,
    SIGN,
    TANH,
    ZEROS,
    Program,
    extra,
    large,
    lost,
    mean,
    path,
    small,
    swapped,
)  # fmt: skip

CS = Program(
    "cs231n two-layer net, dropout, decay, grads dict, parameters alone",
    """
    N, D, H, C = 4, 5, 6, 3
    X, y = r.normal(size=(N, D)), np.array([0, 2, 1, 2])
    W1, b1 = r.normal(size=(D, H)), r.normal(size=H)
    W2, b2 = r.normal(size=(H, C)), r.normal(size=C)
    reg, keep = 0.1, 0.8
    mask = (r.random((N, H)) < keep) / keep
    """,
    "W1 b1 W2 b2",
    """
    a1 = X @ W1 + b1
    h1 = np.maximum(0, a1)
    hd = h1 * mask
    scores = hd @ W2 + b2
    _shift = scores - np.max(scores, axis=1, keepdims=True)
    _logp = _shift - np.log(np.sum(np.exp(_shift), axis=1, keepdims=True))
    loss = -np.sum(_logp[np.arange(N), y]) / N + 0.5 * reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
    """,
    """
    def affine_backward(dout, cache):
        x, w, b = cache
        dx = dout.dot(w.T)
        dw = x.T.dot(dout)
        db = np.sum(dout, axis=0)
        return dx, dw, db
    def relu_backward(dout, x):
        dx = dout * (x > 0)
        return dx
    probs = np.exp(scores - np.max(scores, axis=1, keepdims=True))
    probs /= np.sum(probs, axis=1, keepdims=True)
    ds = probs.copy()
    ds[np.arange(N), y] -= 1
    ds /= N
    grads = {}
    cache1, cache2 = (X, W1, b1), (hd, W2, b2)
    dh, grads['W2'], grads['b2'] = affine_backward(ds, cache2)
    dh = dh * mask
    da = relu_backward(dh, a1)
    _, grads['W1'], grads['b1'] = affine_backward(da, cache1)
    grads['W2'] += reg * W2
    grads['W1'] += reg * W1
    dW1, db1, dW2, db2 = grads['W1'], grads['b1'], grads['W2'], grads['b2']
    """,
    [
        ("ds[", "pass", NO_LABEL, "W1 b1 W2 b2"),
        ("ds[", "ds[np.arange(N), y] += 1", SIGN, "W1 b1 W2 b2"),
        ("ds /=", "pass", large("4"), "W1 b1 W2 b2"),
        ("ds /=", "ds /= N * C", small("3"), "W1 b1 W2 b2"),
        ("probs /=", "probs /= np.sum(probs, axis=0, keepdims=True)", AXIS, "W1 b1 W2 b2"),
        ("probs /=", "probs /= np.sum(probs)", AXIS, "W1 b1 W2 b2"),
        ("dh =", "pass", lost(r".*c_\d"), "W1 b1"),
        ("dh =", "dh = dh * (mask > 0)", "1.25 times too small", "W1 b1"),
        ("da", "dh", RELU, "W1 b1"),
        ("da", "relu_backward(dh, h1) * h1", "h1 stands where its slope", "W1 b1"),
        ("da", "np.maximum(dh, 0)", "relu is taken of the gradient", "W1 b1"),
        ("    db", "np.mean(dout, axis=0)", mean("4"), "b1 b2"),
        ("cache1", "cache1, cache2 = (X, W1, b1), (h1, W2, b2)", swapped("h1", "hd"), "W2"),
        ("grads['W2'] +=", "grads['W2'] += 2 * reg * W2", "2 times", "W2"),
        ("grads['W2'] +=", "pass", lost("W2"), "W2"),
        ("grads['W1'] +=", "grads['W1'] += reg * W1 / N", "4 times", "W1"),
        ("grads['W1'] +=", "grads['W1'] = reg * W1", path("∇|onehot|X"), "W1"),
        ("grads['W1'] +=", "grads['W1'] += reg", lost("W1"), "W1"),
        ("    dw", "x.T.dot(dout) / N", small("4"), "W1 W2"),
    ],
    only="W1 b1 W2 b2",
)  # fmt: skip

SENTI = Program(
    "many-to-one RNN for sentiment, column vectors, one example",
    """
    V, H, C, T = 4, 5, 2, 4
    ids, target = [2, 0, 3, 0], 1
    inputs = [np.eye(V)[:, [i]] for i in ids]
    Whh, Wxh, Why = r.normal(size=(H, H)) / 2, r.normal(size=(H, V)) / 2, r.normal(size=(C, H))
    bh, by = r.normal(size=(H, 1)) / 2, r.normal(size=(C, 1))
    """,
    "Whh Wxh Why bh by",
    """
    hs = {0: np.zeros((H, 1))}
    for t, x in enumerate(inputs):
        hs[t + 1] = np.tanh(Wxh @ x + Whh @ hs[t] + bh)
    out = Why @ hs[T] + by
    probs = np.exp(out) / np.sum(np.exp(out))
    loss = -np.log(probs[target, 0])
    """,
    """
    dout = probs.copy()
    dout[target] -= 1
    n = len(inputs)
    dWhy = dout @ hs[n].T
    dby = dout
    dWhh = np.zeros(Whh.shape)
    dWxh = np.zeros(Wxh.shape)
    dbh = np.zeros(bh.shape)
    d_h = Why.T @ dout
    for t in reversed(range(n)):
        temp = (1 - hs[t + 1] ** 2) * d_h
        dbh += temp
        dWhh += temp @ hs[t].T
        dWxh += temp @ inputs[t].T
        d_h = Whh.T @ temp
    """,
    [
        ("dout[target]", "pass", NO_LABEL),
        ("dout[target]", "dout[0] -= 1", "stands where onehot"),
        ("dWhy", "dout @ hs[n - 1].T", swapped("hs_3", "hs_4")),
        ("dWhy", "hs[n] @ dout.T", FLIPPED),
        ("dby", "dout.sum(1)", SHAPE),
        ("    temp", "d_h", TANH, "Whh Wxh bh"),
        ("    temp", "(1 - hs[t] ** 2) * d_h", swapped(r"hs_\d", r"hs_\d"), "Whh Wxh bh"),
        ("    temp", "(1 - hs[t + 1]) * d_h", "exponent|square", "Whh Wxh bh"),
        ("    temp", "hs[t + 1] * (1 - hs[t + 1]) * d_h", OF_SIGMA, "Whh Wxh bh"),
        ("    temp", "(1 + hs[t + 1] ** 2) * d_h", SIGN, "Whh Wxh bh"),
        ("    dbh", "dbh = temp", PLUS, "bh"),
        ("    dWhh", "dWhh += d_h @ hs[t].T", TANH, "Whh"),
        ("    dWhh", "dWhh = temp @ hs[t].T", PLUS + "|" + ZEROS, "Whh"),
        ("    dWxh", "dWxh += inputs[t].sum() * temp", lost(r"xᵀ|x_\d"), "Wxh"),
        ("    d_h", "d_h = Whh @ temp", FLIPPED, "Whh Wxh bh"),
        ("    d_h", "d_h = Whh.T @ d_h", TANH, "Whh Wxh bh"),
        ("d_h = Why", "d_h = Why.T @ probs", swapped("probs", "∇out"), "Whh Wxh bh"),
    ],
    only="Whh Wxh Why bh by out",
)  # fmt: skip

LOOPSM = Program(
    "softmax regression, loops over examples and classes",
    """
    N, D, C = 5, 4, 3
    X, y = r.normal(size=(N, D)), np.array([1, 0, 2, 2, 0])
    W, b, reg = r.normal(size=(D, C)), r.normal(size=C), 0.05
    """,
    "W b",
    """
    loss = 0.0
    for i in range(N):
        _f = X[i] @ W + b
        _f = _f - np.max(_f)
        loss = loss - _f[y[i]] + np.log(np.sum(np.exp(_f)))
    loss = loss / N + reg * np.sum(W * W)
    """,
    """
    dW = np.zeros_like(W)
    db = np.zeros_like(b)
    for i in range(N):
        f = X[i].dot(W) + b
        f -= np.max(f)
        q = np.exp(f) / np.sum(np.exp(f))
        for j in range(C):
            g = q[j] - (j == y[i])
            dW[:, j] += g * X[i]
            db[j] += g
    dW /= N
    db /= N
    dW += 2 * reg * W
    """,
    [
        ("        g =", "g = q[j]", NO_LABEL, "W b"),
        ("        g =", "g = q[j] + (j == y[i])", SIGN, "W b"),
        ("        g =", "g = (j == y[i]) - q[j]", SIGN, "W b"),
        ("        g =", "g = np.exp(f[j]) - (j == y[i])", lost(r"Σ.*|.*exp.*"), "W b"),
        ("        g =", "g = f[j] - (j == y[i])", swapped(".*W.*", "softmax.*"), "W b"),
        ("        dW", "dW[:, j] = g * X[i]", PLUS, "W"),
        ("        db", "db[j] = g", PLUS, "b"),
        ("        dW", "dW[:, j] += g", lost(r"c_\d.*"), "W"),
        ("dW /=", "pass", large("5"), "W"),
        ("db /=", "pass", large("5"), "b"),
        ("dW += 2", "pass", lost("W"), "W"),
        ("dW += 2", "dW += reg * W", "2 times too small", "W"),
        ("dW += 2", "dW += 2 * reg * W / N", small("5"), "W"),
        ("dW += 2", "dW -= 2 * reg * W", SIGN, "W"),
        ("dW /=", "dW /= N * C", small("3"), "W"),
    ],
)  # fmt: skip

PPO = Program(
    "actor-critic with PPO's clipped ratio, shared trunk",
    """
    B, S, H, A = 6, 3, 5, 3
    s, act = r.normal(size=(B, S)), np.array([0, 2, 1, 1, 0, 2])
    adv, ret = r.normal(size=B), r.normal(size=B)
    oldlogp = np.log(r.uniform(0.2, 0.5, B))
    eps, cv, ce = 0.2, 0.5, 0.01
    W, b = r.normal(size=(S, H)) / 2, r.normal(size=H)
    Wp, bp = r.normal(size=(H, A)) / 2, r.normal(size=A) / 2
    Wv, bv = r.normal(size=(H, 1)), r.normal(size=1)
    """,
    "W b Wp bp Wv bv",
    """
    h = np.tanh(s @ W + b)
    logits = h @ Wp + bp
    v = (h @ Wv + bv)[:, 0]
    _z = logits - logits.max(axis=1, keepdims=True)
    logp = _z - np.log(np.exp(_z).sum(axis=1, keepdims=True))
    pi = np.exp(logp)
    _lpa = logp[np.arange(B), act]
    ratio = np.exp(_lpa - oldlogp)
    _surr = np.minimum(ratio * adv, np.clip(ratio, 1 - eps, 1 + eps) * adv)
    _ent = -(pi * logp).sum(axis=1)
    loss = -_surr.mean() + cv * ((v - ret) ** 2).mean() - ce * _ent.mean()
    """,
    """
    inside = (ratio * adv <= np.clip(ratio, 1 - eps, 1 + eps) * adv)
    dratio = -1.0 * inside * adv / B
    onehot = np.eye(A)[act]
    dlpa = dratio * ratio
    dlogits = dlpa[:, None] * (onehot - pi)
    ent = -(pi * logp).sum(axis=1, keepdims=True)
    dlogits += ce / B * pi * (logp + ent)
    dv = 2 * cv * (v - ret) / B
    dWp = h.T @ dlogits
    dbp = dlogits.sum(axis=0)
    dWv = h.T @ dv[:, None]
    dbv = dv.sum(keepdims=True)
    dh = dlogits @ Wp.T + dv[:, None] @ Wv.T
    da = dh * (1 - h ** 2)
    dW = s.T @ da
    db = da.sum(axis=0)
    """,
    [
        ("dratio", "inside * adv / B", SIGN),
        ("dlpa", "dratio", lost("ratio"), "logits"),
        ("dlogits =", "dlpa[:, None] * (pi - onehot)", SIGN, "logits"),
        ("dlogits =", "dlpa[:, None] * onehot", lost(".*∇ratio.*"), "logits"),
        ("dlogits =", "dlpa[:, None] * -pi", NO_LABEL+"|onehot", "logits"),
        ("dlogits +=", "pass", path("logp|pi.*"), "logits"),
        ("dlogits +=", "dlogits -= ce / B * pi * (logp + ent)", SIGN, "logits"),
        ("dlogits +=", "dlogits += ce * pi * (logp + ent)", large("6"), "logits"),
        ("dlogits +=", "dlogits += ce / B * pi * logp", lost("Σ.*|.*pi.*logp.*"), "logits"),
        ("dlogits +=", "dlogits += ce / B * (logp + 1)", lost("pi"), "logits"),
        ("dv", "cv * (v - ret) / B", "2 times too small"),
        ("dv", "2 * (v - ret) / B", large("2")),
        ("dv", "2 * cv * (ret - v) / B", SIGN),
        ("dh", "dlogits @ Wp.T", path("∇v")),
        ("dh", "dv[:, None] @ Wv.T", path("∇logits")),
        ("da", "dh", TANH, "W b"),
        ("dWv", "h.T @ dv", SHAPE),
        ("dbv", "dv", SHAPE),
    ],
    only="ratio logits v h Wp bp Wv bv W b",
)  # fmt: skip

MOE = Program(
    "mixture of experts: softmax gate, experts in a list",
    """
    B, D, K, O = 5, 3, 3, 2
    x, y = r.normal(size=(B, D)), r.normal(size=(B, O))
    G, W = r.normal(size=(D, K)), r.normal(size=(K, D, O))
    b = r.normal(size=(K, O))
    """,
    "G W b",
    """
    s = x @ G
    g = np.exp(s) / np.exp(s).sum(1, keepdims=True)
    e = {k: np.tanh(x @ W[k] + b[k]) for k in range(K)}
    out = sum(g[:, [k]] * e[k] for k in range(K))
    loss = ((out - y) ** 2).sum(axis=1).mean()
    """,
    """
    dout = 2 * (out - y) / B
    dW, db, dg, de = np.zeros_like(W), np.zeros_like(b), np.zeros_like(g), {}
    for k in range(K):
        de[k] = g[:, [k]] * dout
        dg[:, k] = (dout * e[k]).sum(axis=1)
        pre = de[k] * (1 - e[k] ** 2)
        dW[k] = x.T @ pre
        db[k] = pre.sum(axis=0)
    ds = g * (dg - (g * dg).sum(axis=1, keepdims=True))
    dG = x.T @ ds
    """,
    [
        ("dout", "2 * (out - y) / y.size", small("2")),
        ("dout", "2 * (out - y)", large("5")),
        ("dout", "(out - y) / B", "2 times too small"),
        ("    de", "de[k] = dout", lost("g.*"), "e"),
        ("    de", "de[k] = g[:, [0]] * dout", "it is ∇e_0", "e"),
        ("    dg", "dg[:, k] = (dout * e[k]).mean(axis=1)", mean("2"), "g"),
        ("    dg", "dg[:, k] = (dout * out).sum(axis=1)", swapped("out", "e.*"), "g"),
        ("    dg", "dg[:, k] = dout.sum(axis=1)", lost("e.*"), "g"),
        ("    pre", "pre = de[k]", TANH, "W b"),
        ("    pre", "pre = de[k] * (1 - e[k])", "exponent", "W b"),
        ("    pre", "pre = de[k] * g[:, [k]] * (1 - e[k] ** 2)", swapped("g²", "g"), "W b"),
        ("    dW", "dW[k] = x.T @ pre / B", small("5"), "W"),
        ("    db", "db[k] = pre.mean(axis=0)", mean("5"), "b"),
        ("ds", "g * dg", lost("Σ.*")),
        ("ds", "g * (1 - g) * dg", "diagonal"),
        ("ds", "g * (dg - (g * dg).sum())", AXIS),
        ("ds", "dg - (g * dg).sum(axis=1, keepdims=True)", lost("g")),
        ("ds", "dg * (1 - g)", "diagonal"),
        ("dG", "x.T @ (ds * g)", extra("g")),
    ],
)  # fmt: skip

CBOW = Program(
    "CBOW in columns, 1/m in the gradients of the parameters",
    """
    V, N, m = 5, 3, 4
    x = r.random((V, m))
    y = np.eye(V)[:, [1, 0, 4, 4]]
    W1, W2 = r.random((N, V)) - 0.3, r.random((V, N))
    b1, b2 = r.random((N, 1)) - 0.3, r.random((V, 1))
    """,
    "W1 W2 b1 b2",
    """
    z1 = W1 @ x + b1
    h = np.maximum(0, z1)
    z = W2 @ h + b2
    _e = np.exp(z)
    yhat = _e / np.sum(_e, axis=0)
    loss = -np.sum(np.log(yhat) * y) / m
    """,
    """
    dz = (yhat - y) / m
    l1 = W2.T @ (yhat - y)
    l1[z1 < 0] = 0
    dz1 = l1 / m
    dW1 = (1 / m) * (l1 @ x.T)
    dW2 = (1 / m) * (yhat - y) @ h.T
    db1 = (1 / m) * np.sum(l1, axis=1, keepdims=True)
    db2 = (1 / m) * np.sum(yhat - y, axis=1, keepdims=True)
    """,
    [
        ("dz =", "(yhat - y)", "convention", "z"),
        ("dz =", "(y - yhat) / m", SIGN, "z"),
        ("dz =", "(yhat - y) * yhat * (1 - yhat) / m", extra(".*yhat.*"), "z"),
        ("dz =", "-y / yhat / m", "it is ∇yhat as it stands", "z"),
        ("l1 =", "l1 = W2.T @ (y - yhat)", SIGN, "z1 W1 b1"),
        ("l1 =", "l1 = W2.T @ yhat", NO_LABEL, "z1 W1 b1"),
        ("l1 =", "l1 = W2.T @ y", swapped("y", "∇z"), "z1 W1 b1"),
        ("l1[", "l1 = np.maximum(0, l1)", "relu is taken of the gradient", "z1 W1 b1"),
        ("l1[", "l1 = l1 * h", "h stands where its slope", "z1 W1 b1"),
        ("dW1", "(1 / m) * (x @ l1.T)", FLIPPED),
        ("dW1", "(1 / m) * (l1 @ x.T) / m", small("4")),
        ("dW2", "(1 / m) * yhat @ h.T", NO_LABEL),
        ("dW2", "(yhat - y) @ h.T", large("4")),
        ("db1", "(1 / m) * np.sum(l1)", SHAPE),
        ("db1", "(1 / m) * np.sum(l1, axis=1)", SHAPE),
        ("db2", "(1 / m) * np.sum(yhat - y, axis=0, keepdims=True)", SHAPE),
        ("db2", "np.mean(yhat - y, axis=1, keepdims=True) / m", small("4")),
        ("db2", "np.mean(yhat - y, axis=0, keepdims=True).T", SHAPE + "|" + AXIS),
    ],
)  # fmt: skip

DQN = Program(
    "DQN: Huber loss of the chosen actions' values, target network",
    """
    B, S, H, A, gamma = 5, 3, 4, 3, 0.9
    s, s2 = r.normal(size=(B, S)), r.normal(size=(B, S))
    a, rew, done = np.array([0, 2, 1, 1, 0]), 2 * r.normal(size=B), np.array([0, 0, 1, 0, 0])
    W1, b1 = r.normal(size=(S, H)), r.normal(size=H)
    W2, b2 = r.normal(size=(H, A)), r.normal(size=A)
    """,
    "W1 b1 W2 b2",
    """
    _W1t, _W2t = W1.numpy() * 0.9, W2.numpy() * 0.9
    target = rew + gamma * (1 - done) * (np.maximum(s2 @ _W1t, 0) @ _W2t).max(axis=1)
    z = s @ W1 + b1
    h = np.maximum(z, 0)
    q = h @ W2 + b2
    qa = q[np.arange(B), a]
    td = qa - target
    loss = np.where(np.abs(td) <= 1, 0.5 * td ** 2, np.abs(td) - 0.5).mean()
    """,
    """
    dtd = np.clip(td, -1, 1) / B
    dqa = dtd
    dq = np.zeros_like(q)
    dq[np.arange(B), a] = dqa
    dW2 = h.T @ dq
    db2 = dq.sum(axis=0)
    dh = dq @ W2.T
    dz = dh * (z > 0)
    dW1 = s.T @ dz
    db1 = dz.sum(axis=0)
    """,
    [
        ("dtd", "td / B", swapped("td", "sign.*")),
        ("dtd", "np.clip(td, -1, 1)", large("5")),
        ("dtd", "np.sign(td) / B", swapped("sign.*", "td")),
        ("dtd", "-np.clip(td, -1, 1) / B", SIGN),
        ("dtd", "2 * np.clip(td, -1, 1) / B", large("2")),
        ("dtd", "np.where(np.abs(td) <= 1, td, 1) / B", lost("sign.*")),
        ("dtd", "np.where(np.abs(td) <= 1, td, 0) / B", lost(".*sign.*")),
        ("dq[", "dq += dqa[:, None]", EVERYWHERE),
        ("dq[", "dq[np.arange(B), a] = qa", swapped("qa", "∇td")),
        ("dW2", "h.T @ q", swapped("q", "∇q")),
        ("dW2", "z.T @ dq", swapped("z", "h")),
        ("db2", "dq.mean(axis=0)", mean("5")),
        ("dh", "dq @ W2.T * h", extra("h")),
        ("dz", "dh", RELU),
        ("dz", "dh * (dh > 0)", "relu is taken of the gradient itself"),
        ("dW1", "s.T @ dh", RELU),
    ],
)  # fmt: skip

PEND = Program(
    "pendulum by semi-implicit Euler, adjoint by hand, numbers",
    """
    T, dt = 4, 0.1
    seen = r.normal(size=T + 1)
    k, c = np.array(4.0), np.array(0.3)
    th0, om0 = np.array(0.7), np.array(-0.2)
    """,
    "k c th0 om0",
    """
    th, om = {0: th0 * 1.0}, {0: om0 * 1.0}
    loss = 0.0
    for t in range(T):
        om[t + 1] = om[t] + dt * (-k * np.sin(th[t]) - c * om[t])
        th[t + 1] = th[t] + dt * om[t + 1]
        loss = loss + 0.5 * (th[t + 1] - seen[t + 1]) ** 2
    """,
    """
    dk = dc = 0.0
    dth, dom = {T: th[T] - seen[T]}, {}
    gom = 0.0
    for t in reversed(range(T)):
        gom = gom + dt * dth[t + 1]
        dom[t + 1] = gom
        dk += -dt * np.sin(th[t]) * gom
        dc += -dt * om[t] * gom
        gth = dth[t + 1] - dt * k * np.cos(th[t]) * gom
        if t > 0:
            gth = gth + th[t] - seen[t]
        dth[t] = gth
        gom = gom * (1 - dt * c)
    dom[0] = gom
    dth0, dom0 = dth[0], dom[0]
    """,
    [
        ("dth, dom", "dth, dom = {T: seen[T] - th[T]}, {}", SIGN, "th"),
        ("    gom = gom + dt", "gom = gom + dth[t + 1]", large("10"), "om"),
        ("    gom = gom + dt", "gom = dt * dth[t + 1]", path("∇om.*"), "om"),
        ("    dk", "dk += dt * np.sin(th[t]) * gom", SIGN, "k"),
        ("    dk", "dk += -dt * np.cos(th[t]) * gom", "the slope sin.* stands where", "k"),
        ("    dk", "dk = -dt * np.sin(th[t]) * gom", PLUS, "k"),
        ("    dk", "dk += -dt * np.sin(th[t + 1]) * gom", swapped(r"th_\d", r"th_\d"), "k"),
        ("    dk", "dk += -dt * th[t] * gom", swapped("th_0", "sin.*"), "k"),
        ("    dk", "dk += -np.sin(th[t]) * gom", large("10"), "k"),
        ("    dc", "dc += -dt * om[t + 1] * gom", swapped(r"om_\d", r"om_\d"), "c"),
        ("    dc", "dc += -dt * gom", lost("om_.*"), "c"),
        ("    gth = dth", "gth = dth[t + 1] - dt * np.cos(th[t]) * gom", lost("k"), "th"),
        ("    gth = dth", "gth = dth[t + 1] - dt * k * np.sin(th[t]) * gom", "its slope", "th"),
        ("    gth = dth", "gth = dth[t + 1] - dt * k * gom", lost("cos.*"), "th"),
        ("    gth = dth", "gth = -dt * k * np.cos(th[t]) * gom", path("∇th_.*"), "th"),
        ("        gth = gth", "pass", lost(".*"), "th"),
        ("    gom = gom * ", "gom = gom", lost(".*"), "om"),
        ("    gom = gom * ", "gom = gom * (1 + dt * c)", SIGN, "om"),
        ("    gom = gom * ", "gom = -gom * dt * c", lost("1"), "om"),
    ],
)  # fmt: skip

MULTI = Program(
    "multi-label, weighted binary cross-entropy from logits, columns",
    """
    D, H, L, m = 3, 4, 2, 6
    X, Y = r.normal(size=(D, m)), r.integers(0, 2, (L, m)).astype(float)
    pw, lam = 3.0, 0.2
    W1, b1 = r.normal(size=(H, D)), r.normal(size=(H, 1))
    W2, b2 = r.normal(size=(L, H)), r.normal(size=(L, 1))
    """,
    "W1 b1 W2 b2",
    """
    Z1 = W1 @ X + b1
    A1 = np.tanh(Z1)
    Z2 = W2 @ A1 + b2
    A2 = 1 / (1 + np.exp(-Z2))
    _cost = -(pw * Y * np.log(A2) + (1 - Y) * np.log(1 - A2)).sum() / m
    loss = _cost + lam / (2 * m) * (np.sum(W1 ** 2) + np.sum(W2 ** 2))
    """,
    """
    dZ2 = (A2 * (1 + (pw - 1) * Y) - pw * Y) / m
    dW2 = dZ2 @ A1.T + lam / m * W2
    db2 = np.sum(dZ2, axis=1, keepdims=True)
    dA1 = W2.T @ dZ2
    dZ1 = dA1 * (1 - A1 ** 2)
    dW1 = dZ1 @ X.T + lam / m * W1
    db1 = np.sum(dZ1, axis=1, keepdims=True)
    """,
    [
        ("dZ2", "(A2 - Y) / m", "3 times too small where"),
        ("dZ2", "pw * (A2 - Y) / m", "3 times too large where"),
        ("dZ2", "(A2 - pw * Y) / m", lost(".*c_.*")),
        ("dZ2", "A2 * (1 + (pw - 1) * Y) - pw * Y", large("6")),
        ("dZ2", "(A2 * (1 + pw * Y) - pw * Y) / m", "1.5 times too large"),
        ("dZ2", "(pw * Y - A2 * (1 + (pw - 1) * Y)) / m", SIGN),
        ("dZ2", "(A2 * (1 + (pw - 1) * Y) - Y) / m", "3 times too small"),
        ("dW2", "dZ2 @ A1.T", lost("W2")),
        ("dW2", "dZ2 @ A1.T + lam * W2", large("6")),
        ("dW2", "dZ2 @ A1.T + lam / (2 * m) * W2", "2 times too small"),
        ("dW2", "dZ2 @ A1.T + lam / m * W2 ** 2", swapped("W2²", "W2")),
        ("dW2", "dZ2 @ A1.T - lam / m * W2", SIGN),
        ("dW2", "dZ2 @ Z1.T + lam / m * W2", swapped("Z1", "A1")),
        ("db2", "np.sum(dZ2, axis=1, keepdims=True) / m", small("6")),
        ("db2", "np.sum(dZ2, axis=1, keepdims=True) + lam / m * b2", extra(".*b2.*")),
        ("dZ1", "dA1 * (1 - Z1 ** 2)", "computed from Z1"),
        ("dZ1", "dA1 * (1 - np.tanh(A1) ** 2)", "derivative is taken at A1"),
        ("dZ1", "dA1 * A1 * (1 - A1)", OF_SIGMA),
        ("dW1", "dA1 @ X.T + lam / m * W1", TANH),
        ("dW1", "(dZ1 @ X.T + lam * W1) / m", small("6")),
    ],
)  # fmt: skip

TBLOCK = Program(
    "transformer block, one sequence: two heads by slices, residuals, relu MLP",
    """
    T, D, h, F = 4, 4, 2, 5
    x, y = r.normal(size=(T, D)), r.normal(size=(T, D))
    Wqkv, Wo = 0.6 * r.normal(size=(D, 3 * D)), 0.6 * r.normal(size=(D, D))
    W1, b1, W2, b2 = (r.normal(size=n) for n in ((D, F), F, (F, D), D))
    mask = np.triu(np.ones((T, T)), 1) * -1e9
    """,
    "x Wqkv Wo W1 b1 W2 b2",
    """
    qkv = x @ Wqkv
    dk = D // h
    A, O = {}, {}
    for n in range(h):
        _q, _k, _v = (qkv[:, j * D + n * dk : j * D + (n + 1) * dk] for j in range(3))
        _s = _q @ _k.T / np.sqrt(dk) + mask
        _e = np.exp(_s - _s.max(axis=-1, keepdims=True))
        A[n] = _e / _e.sum(axis=-1, keepdims=True)
        O[n] = A[n] @ _v
    cat = np.concatenate([O[0], O[1]], axis=1)
    res = x + cat @ Wo
    z = res @ W1 + b1
    m = np.maximum(z, 0)
    out = res + m @ W2 + b2
    loss = 0.5 * np.sum((out - y) ** 2) / T
    """,
    """
    dout = (out - y) / T
    dW2 = m.T @ dout
    db2 = dout.sum(axis=0)
    dm = dout @ W2.T
    dz = dm * (z > 0)
    dW1 = res.T @ dz
    db1 = dz.sum(axis=0)
    dres = dout + dz @ W1.T
    dWo = cat.T @ dres
    dcat = dres @ Wo.T
    dqkv = np.zeros_like(qkv)
    for n in range(h):
        q, k, v = (qkv[:, j * D + n * dk : j * D + (n + 1) * dk] for j in range(3))
        gO = dcat[:, n * dk : (n + 1) * dk]
        gA = gO @ v.T
        gv = A[n].T @ gO
        gs = A[n] * (gA - (gA * A[n]).sum(axis=-1, keepdims=True)) / np.sqrt(dk)
        gq = gs @ k
        gk = gs.T @ q
        for j, part in enumerate([gq, gk, gv]):
            dqkv[:, j * D + n * dk : j * D + (n + 1) * dk] = part
    dWqkv = x.T @ dqkv
    dx = dres + dqkv @ Wqkv.T
    """,
    [
        ("dres", "dz @ W1.T", path("∇out")),
        ("dres", "dout", path("∇z")),
        ("dz", "dm * (m > 1)", swapped("1", "0")),
        ("dW1", "x.T @ dz", swapped("x", "res")),
        ("dWo", "cat.T @ dout", path("∇z.*")),
        ("dcat", "dres @ Wo", FLIPPED),
        ("    gA", "gA = gO @ k.T", "another block|qkv.* stands where qkv", "qkv"),
        ("    gv", "gv = A[n] @ gO", FLIPPED, "qkv"),
        ("    gs", "gs = A[n] * (gA - (gA * A[n]).sum(axis=-1, keepdims=True))", "1.414", "qkv"),
        ("    gs", "gs = A[n] * gA / np.sqrt(dk)", lost(".*") + "|only what", "qkv"),
        ("    gs", "gs = A[n] * (gA - (gA * A[n]).sum(axis=0)) / np.sqrt(dk)", AXIS, "qkv"),
        ("    gs", "gs = A[n] * (1 - A[n]) * gA / np.sqrt(dk)", "diagonal", "qkv"),
        ("    gq", "gq = gs.T @ k", "factors|" + FLIPPED, "qkv"),
        ("    gk", "gk = gs @ q", FLIPPED, "qkv"),
        ("dx =", "dqkv @ Wqkv.T", path("∇res")),
        ("dx =", "dres + dout + dqkv @ Wqkv.T", extra(".*∇out")),
        ("dWqkv", "x.T @ dqkv / T", small("4")),
    ],
    only="out m z res cat qkv W2 b2 W1 b1 Wo Wqkv x",
)  # fmt: skip

STYLES = (CS, SENTI, LOOPSM, PPO, MOE, CBOW, DQN, PEND, MULTI, TBLOCK)
