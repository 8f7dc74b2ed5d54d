"""What a user finds by ``help``, ``dir`` and ``?``, and `nn` beside a file of that name."""

from __future__ import annotations

import ast
import inspect
import os
import pydoc
import subprocess
import sys
from pathlib import Path

import autograd_lite as ag
import nn
from autograd_lite.engine.op import Each, Op

ROOT = Path(__file__).parents[1]


def test_help_begins_with_first_steps_and_lists_all():
    shown = pydoc.render_doc(ag, renderer=pydoc.plaintext)
    assert shown.index("First steps") < shown.index("loss.backward()") < 1000
    for name in ("grad(", "derive(", "einsum(", "Tensor("):
        assert name in shown


def test_all_is_what_there_is():
    namespace: dict[str, object] = {}
    exec("from autograd_lite import *", namespace)
    modules = {name for name in dir(ag) if inspect.ismodule(getattr(ag, name))}
    public = {name for name in dir(ag) if name[0] != "_"} - modules
    assert public - set(ag.__all__) == {"Any", "TYPE_CHECKING"}
    assert {"exp", "einsum", "grad", "sum"} <= set(namespace)
    assert len(ag.__all__) == len(set(ag.__all__))


def test_type_checkers_take_what_is_imported_for_public():
    """Without an ``__all__`` that they'd have to run: by ``*``, or under its own name."""
    for module in (ag, nn):
        tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
        checked = [x for x in tree.body if isinstance(x, ast.If)]
        assert not any(isinstance(x, ast.Assign | ast.AugAssign) and "__all__" in ast.unparse(x)
                       for x in tree.body)  # fmt: skip
        seen = [*tree.body, *(x for one in checked for x in one.body)]
        names = [a for x in seen if isinstance(x, ast.ImportFrom) and x.level for a in x.names]
        assert len(names) > 10
        for a in names:
            assert a.name == "*" or a.asname is not None, a.name
    (tree,) = (x for x in ast.parse(Path(ag.__path__[0], "nn.py").read_text("utf-8")).body
               if isinstance(x, ast.If) and ast.unparse(x.test) == "TYPE_CHECKING")  # fmt: skip
    assert ast.unparse(tree.body[0]) == "from nn import *"


def test_each_op_says_its_name_its_signature_and_what_it_does():
    for name in ag.__all__:
        op = getattr(ag, name)
        if isinstance(op, Op):
            assert op.__name__ == op.name
            assert op.__doc__.startswith(f"{op.name}{inspect.signature(op)}\n\n"), name
            assert "A differentiable operation" not in op.__doc__, name
    assert str(inspect.signature(ag.add)) == "(x1, x2, /)"
    assert str(inspect.signature(ag.linear)) == "(x, weight, bias)"
    assert "exponential of all elements" in pydoc.render_doc(ag.exp)
    assert ag.exp.__doc__.endswith("\n\nEntry by entry.")
    assert ag.add.__doc__.endswith("\n\nEntry by entry; operands broadcast.")
    assert "Entry by entry" not in ag.matmul.__doc__
    assert ag.Op.__name__ == "Op"
    assert ag.Op.__doc__.startswith("A differentiable operation.")
    assert "forward" in inspect.signature(ag.Op).parameters
    own = ag.Op("cube", lambda x: x**3, lambda g, out, x: g * 3 * x**2, doc="``x³``.")
    assert own.__doc__ == "cube(x)\n\n``x³``."
    unsaid = ag.Op("largest", max, None, None, doc="The larger one.")  # as Python's own is in C
    assert unsaid.__doc__ == "largest(x1, x2, /)\n\nThe larger one."
    several = ag.Op("largest", max, Each(lambda i, g, out, *xs: g), doc="The largest one.")
    assert several.__doc__ == "largest(*xs)\n\nThe largest one."


def test_nn_is_there_beside_a_file_of_that_name(tmp_path: Path):
    from autograd_lite import nn as same

    assert same is nn is ag.nn
    code = (
        "from autograd_lite import nn; import autograd_lite as ag, nn as own, numpy as np\n"
        "net = nn.MLP([2, 1], rng=0); x = np.eye(2)\n"
        "h = nn.fit(net, x, x[:, :1], nn.BCELoss(), nn.SGD(net.parameters(), lr=1.0), 3)\n"
        "assert own.MINE and nn is ag.nn and h.loss[2] < h.loss[0]\n"
        "print(nn.draw(net).source[:7], nn.LSTM(1, 1)(np.ones((1, 1, 1)))[0].shape)"
    )
    (tmp_path / "nn.py").write_text("MINE = True\n")
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60,
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    assert (done.stdout.strip(), done.stderr) == ("digraph (1, 1, 1)", "")


def test_signs_that_an_encoding_lacks_are_spelled_out(tmp_path: Path):
    code = (
        "import numpy as np, autograd_lite as ag, nn\n"
        "loss = nn.BCELoss()(nn.MLP([2, 2, 1], rng=0)(np.eye(4, 2)), np.ones((4, 1)))\n"
        "print(ag.derive(loss)); print(ag.check_backprop(loss, {'s_2': np.ones((4, 1))}))"
    )
    for encoding in ("cp1252", "ascii", "utf-8"):
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, check=False, timeout=60,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding},
        )  # fmt: skip
        assert done.stderr == b""
        shown = done.stdout.decode(encoding)
        assert ("delta_1 = " if encoding != "utf-8" else "δ_1 = ") in shown
        assert "?" not in shown
