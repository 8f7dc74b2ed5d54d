# %% [markdown]
# # Write this backward pass yourself
#
# The forward pass is there: the chapter's network 2-2-1, on two observations. Write the backward
# pass, one line at a time, in place of each `todo`, and run it: each line is judged by itself,
# and of a wrong one it is said why.
#
# It is recorded with names, so that the check knows what `s_2` is; `.data` are plain arrays.

# %%
import numpy as np

import autograd_lite as ag

rng = np.random.default_rng(0)


def sigmoid(s):
    return 1 / (1 + np.exp(-s))


l_0 = ag.Tensor([[0.0, 1.0], [1.0, 1.0]], name="l_0")
y = ag.Tensor([[0.0], [1.0]], name="y")
w_01 = ag.Tensor(rng.normal(size=(2, 2)), requires_grad=True, name="W_01")
b_01 = ag.Tensor(np.zeros((1, 2)), requires_grad=True, name="b_01")
w_12 = ag.Tensor(rng.normal(size=(2, 1)), requires_grad=True, name="W_12")
b_12 = ag.Tensor(np.zeros((1, 1)), requires_grad=True, name="b_12")

s_1 = (l_0 @ w_01 + b_01).named("s_1")
l_1 = sigmoid(s_1).named("l_1")
s_2 = (l_1 @ w_12 + b_12).named("s_2")
l_2 = sigmoid(s_2).named("l_2")
loss = -np.sum(y * np.log(l_2) + (1 - y) * np.log(1 - l_2))


# %% [markdown]
# Now back. Each line may use the arrays of the forward pass, and the lines above it.

# %%
def backward(l_0, l_1, l_2, y, w_12):
    todo = np.zeros_like
    delta_2 = todo(l_2)  # ∂L/∂s_2
    dw_12 = todo(w_12)  # ∂L/∂W_12
    db_12 = todo(l_2[:1])  # ∂L/∂b_12
    delta_1 = todo(l_1)  # ∂L/∂s_1
    dw_01 = todo(l_0.T @ l_1)  # ∂L/∂W_01
    db_01 = todo(l_1[:1])  # ∂L/∂b_01
    return {
        "s_2": delta_2, "W_12": dw_12, "b_12": db_12,
        "s_1": delta_1, "W_01": dw_01, "b_01": db_01,
    }  # fmt: skip


# %%
report = ag.check_backprop(loss, backward(*(t.numpy() for t in (l_0, l_1, l_2, y, w_12))))
for entry in report.entries:
    follows = f"follows from {entry.follows_from}" if entry.follows_from else ""
    print("✓" if entry.ok else "✗", f"∂L/∂{entry.name}:", entry.cause or follows or "right")

# %% [markdown]
# Stuck? `print(report)` says what each line should be, and `print(ag.derive(loss))` how one gets
# there.
