"""What can't be drawn is refused, and it is said what can be."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.draw.elements import LIMIT
from autograd_lite.draw.theme import LIGHT

from ..each import each

ONE, LEAF = ag.Tensor(1.0, name="x"), ag.Tensor(1.0, requires_grad=True)
Y = (ag.Tensor([1.0], requires_grad=True, name="x") * ag.Tensor([1.0], name="c")).named("y")
MANY = ag.sum(ag.Tensor(np.ones((LIMIT, 1)), requires_grad=True, name="x"))
OTHER = ag.Tensor(np.ones(3), name="other")
THEMES = r"'light', 'dark', 'print' or an ag\.Theme"


@each([
    (Y, {"backward": "s_9"}, ValueError, "'s_9' is not in the graph; there are 'x', 'c', 'y'"),
    (Y, {"backward": [OTHER]}, ValueError, r"other of shape \(3,\) is not in the graph"),
    (Y, {"backward": ["x", "c"]}, ValueError,
     r"'c' gets no gradient from y of shape \(1,\); there are 'x', 'y'"),
    (ag.exp(LEAF), {"backward": "x"}, ValueError, "no tensor there has a name"),
    (Y, {"backward": [3]}, TypeError, "names and Tensors, and not int"),
    ([1.0], {}, TypeError, "a Tensor is drawn, and not list"),
    (Y, {"detail": "op"}, ValueError, "'named', 'ops', 'elements', not 'op'"),
    (MANY, {"detail": "elements"}, ValueError, f"at most {LIMIT} numbers, .* has {LIMIT + 1};"),
    (ONE, {"collapse": "layers"}, ValueError, "'layers'"),
    (ONE, {"collapse": 0}, ValueError, "a number of steps .* and not 0"),
    *((ONE, {"collapse": wrong}, TypeError, "a number of steps .* and not")
      for wrong in (True, 1.5, ["blocks"])),
    (ONE, {"detail": "elements", "collapse": "blocks"}, ValueError, "draws every number"),
    *((ONE, {"limit": wrong}, ValueError, "limit is a number of nodes, at least 1")
      for wrong in (0, -1, True, 2.5, "400")),
    (ONE, {"links": "page.html"}, TypeError,
     "links is a mapping from Tensors to URLs, .* not str"),
    (ONE, {"links": lambda t: 3}, TypeError,
     r"gives x of shape \(\) a int; a URL is a string"),
    (ONE, {"theme": "pink"}, ValueError, f"theme is one of {THEMES}, not 'pink'"),
    (ONE, {"theme": {}}, TypeError, r"or an ag\.Theme, not {}"),
])  # fmt: skip
def test_what_is_refused(output, settings, error, said):
    with pytest.raises(error, match=said):
        ag.draw(output, **settings)


@each([
    *(("backward", wrong, "Theme: backward is a colour such as")
      for wrong in ("#12", "rgb(1,2,3)", 3, None, 'red"; x="', "")),
    *(("line_width", wrong, "line_width is a positive number of points")
      for wrong in (0, -1.0, True, "2", float("nan"))),
])  # fmt: skip
def test_what_is_no_theme(setting, wrong, said):
    with pytest.raises(ValueError, match=said):
        ag.Theme(**{setting: wrong})


def test_themes_do_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        LIGHT.text = "red"
