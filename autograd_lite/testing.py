"""For a course's own tests: hand-written backpropagation as an assertion, and what to try it on.

The strategies are hypothesis's, and draw networks, of `nn` or a class alike, and batches of data:

    @given(networks(nn.MLP), st.data())
    def test_backprop(net, data):
        x, y = data.draw(batches(net))
        loss = nn.BCELoss()(net(x), y)
        assert_backprop(my_backprop(x, y, net), loss)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from .check import check_backprop
from .engine.tensor import Array
from .errors import imported

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Net = TypeVar("Net")
ACTIVATIONS = ("sigmoid", "tanh", "relu", "leaky_relu", "softplus", "identity")


def assert_backprop(
    manual: Mapping[str, Any] | Callable[..., Any], against: Any, loss: Any = None, **settings: Any
) -> None:
    """Fail with the report as the message where hand-written gradients are wrong.

    Args:
        manual: gradients by name; or a function ``backprop(x, y, params)`` that returns them.
        against: for gradients, the recorded loss; for a function, the net, or a function
            ``(x, y, params) → loss``.
        loss: for a net, ``loss(prediction, y)``.
        **settings: as for `autograd_lite.check_backprop`.

    Raises:
        AssertionError: a gradient is wrong, or a function leaves one out, or there is none.

    Example:
        >>> import autograd_lite as ag
        >>> w = ag.Tensor([1.0, 2.0], requires_grad=True, name="w")
        >>> assert_backprop({"w": [2.0, 4.0]}, (w * w).sum())
        >>> assert_backprop({"w": [1.0, 2.0]}, (w * w).sum())
        Traceback (most recent call last):
            ...
        AssertionError: 1 of 1 gradients is wrong
          ✗  ∇w = 2 · w  error 2.0e+00  wrong
        <BLANKLINE>
        ∇w is 2 times too small
    """
    __tracebackhide__ = True
    if callable(manual):
        report = check_backprop(manual, against, loss, **settings)
    else:
        report = check_backprop(against, manual, **settings)
    if not report.ok or not report.entries:
        raise AssertionError(str(report))


def networks(
    make: Callable[..., Net],
    max_depth: int = 4,
    max_width: int = 6,
    activations: Sequence[str] = ACTIVATIONS,
    output: str | None = "sigmoid",
) -> SearchStrategy[Net]:
    """Networks of any depth, widths and activations, whose parameters are small and large.

    Args:
        make: `nn.MLP`, or what else makes one of widths, activations and ``output=``.
        max_depth: the most layers of weights.
        max_width: the widest layer.
        activations: by name, to draw from.
        output: the last layer's; None to draw it as well.

    Raises:
        ImportError: hypothesis isn't installed.
    """
    st = imported("hypothesis.strategies", "the strategies need", "test")

    def draw_network(draw: Any) -> Any:
        sizes = draw(st.lists(st.integers(1, max_width), min_size=2, max_size=max_depth + 1))
        each = st.sampled_from(list(activations))
        names = [draw(each) for _ in sizes[1:]]
        net: Any = make(sizes, names, output=output)
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        scale = draw(st.sampled_from([0.1, 1.0, 2.0]))
        for parameter in net.parameters():
            parameter.data = rng.normal(scale=scale, size=parameter.shape)
        return net

    return st.composite(draw_network)()


def batches(net: Any, max_rows: int = 12) -> SearchStrategy[tuple[Array, Array]]:
    """Batches ``(x, y)`` for a network: x normal, y one 1 a row (a single output: 0 or 1).

    Shapes:
        x ``(q, n_in)``, y ``(q, n_out)``, with q from 1 to ``max_rows``.

    Raises:
        ImportError: hypothesis isn't installed.
    """
    st = imported("hypothesis.strategies", "the strategies need", "test")
    n_in, n_out = net.layers[0].weight.shape[0], net.layers[-1].weight.shape[1]

    def batch(q: int, seed: int) -> tuple[Array, Array]:
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(q, n_in))
        if n_out == 1:
            return x, rng.integers(0, 2, (q, 1)).astype(np.float64)
        return x, np.eye(n_out)[rng.integers(0, n_out, q)]

    return st.builds(batch, st.integers(1, max_rows), st.integers(0, 2**32 - 1))
