"""`.source` in a file of its own, run with NumPy alone, gives the same results."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite import Op
from autograd_lite.containers import leaves
from nn.activations import ACTIVATIONS

from ..coverage.calls import CALLS
from ..each import some
from .comparing import agree, function_of_call, gradient_of_call

RNG = np.random.default_rng(2)
X, Y = RNG.normal(size=(2, 4, 3))
ISOLATED = f"""
import sys
sys.path.insert(0, {str(Path(np.__file__).parents[1])!r})
sys.modules["autograd_lite"] = sys.modules["nn"] = None  # can't be imported
import warnings
warnings.simplefilter("ignore")
import importlib.util, pickle
for path in sys.argv[1:]:
    spec = importlib.util.spec_from_file_location("written", path + ".py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    name, calls = pickle.load(open(path + ".in", "rb"))
    function = getattr(module, name)
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    results = [function(*args, *(getattr(module, n) for n in names[len(args) :])) for args in calls]
    pickle.dump(results, open(path + ".out", "wb"))
"""


def flat(results: Any) -> list[Any]:
    return [np.asarray(x.data if isinstance(x, ag.Tensor) else x) for x in leaves(results)]


def run_alone(folder: Path, functions: dict[str, tuple[Any, list[tuple[Any, ...]]]]) -> None:
    """Write out each function, run all in one process without this package, and compare."""
    paths = []
    for i, (f, calls) in enumerate(functions.values()):
        compiled = ag.compile(f)
        for args in calls:
            compiled(*args)
        path = folder / f"written_{i}"
        paths.append(str(path))
        path.with_suffix(".py").write_text(compiled.source, encoding="utf-8")
        name = compiled.source.rstrip().splitlines()[-1].split(" = ")[0]
        path.with_suffix(".in").write_bytes(pickle.dumps((name, [_arrays(c) for c in calls])))
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COV"))}
    done = subprocess.run([sys.executable, "-I", "-S", "-c", ISOLATED, *paths], cwd=folder,
                          capture_output=True, text=True, env=environment, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    for path, (name, (f, calls)) in zip(paths, functions.items(), strict=True):
        found = pickle.loads(Path(f"{path}.out").read_bytes())
        for ours, args in zip(found, calls, strict=True):
            expected = flat(f(*args))
            ours = ours if isinstance(ours, tuple) else (ours,)
            assert len(ours) == len(expected), name
            for a, b in zip(map(np.asarray, ours), expected, strict=True):
                assert (a.shape, a.dtype) == (b.shape, b.dtype), name
                if b.dtype.kind in "fc":
                    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11, err_msg=name)
                else:
                    np.testing.assert_array_equal(a, b, err_msg=name)


def _arrays(args: Any) -> Any:
    return tuple(x.data if isinstance(x, ag.Tensor) else x for x in leaves(args))


def trained(net: Any, loss: Any) -> Any:
    parameters = list(net.parameters())

    def step(x: Any, y: Any) -> Any:
        value = loss(net(x), y)
        return value.data, [g.data for g in ag.gradients(value, parameters)]

    return step


def test_networks_with_each_activation_and_loss(tmp_path: Path):
    y = (Y[:, :1] > 0) * 1.0
    classes = np.eye(3)[[0, 2, 1, 0]]
    functions = {}
    for name in ACTIVATIONS:
        net = nn.MLP([3, 5, 1], name, output="identity", rng=0)
        functions[name] = trained(net, nn.BCEWithLogitsLoss()), [(X, y), (Y, 1 - y)]
    for reduction in ("mean", "sum"):
        for loss in (nn.SquaredErrorLoss, nn.MSELoss, nn.BCELoss):
            functions[f"{loss.__name__} {reduction}"] = (
                trained(nn.MLP([3, 5, 1], rng=0), loss(reduction)), [(X, y), (Y, 1 - y)],
            )  # fmt: skip
        net = nn.MLP([3, 5, 3], "tanh", output="identity", rng=0)
        functions[f"cross entropy {reduction}"] = (
            trained(net, nn.CrossEntropyLoss(reduction)), [(X, classes), (Y, classes[::-1])],
        )  # fmt: skip
    run_alone(tmp_path, functions)


CUBE = Op("cube", lambda x: x**3, lambda g, out, x: g * 3 * x**2)
BRANCHING = Op(
    "branching",
    lambda x, slope=0.1: np.where(x > 0, x, slope * x),
    lambda g, out, x, slope=0.1: g * np.where(x > 0, 1.0, slope),
)
SCALE = 2.5
TABLE = {"a": 3.0, "b": np.arange(3.0)}


def _helped(v: Any) -> Any:
    return v * SCALE + TABLE["b"]


def _forward(x: Any) -> Any:
    if x.sum() > 1e9:
        raise ValueError(f"too large: {x.sum():.2g}")
    return _helped(x)


OWN = Op("own", _forward, lambda g, out, x: g * SCALE)


def _scaled(c: float, one: float) -> Op:
    """Its rules close over names that the program uses itself."""

    def forward(x: Any) -> Any:
        return x * c + one if x.sum() > -1e9 else x

    return Op("scaled", forward, lambda g, out, x: g * c)


TWICE, THRICE = _scaled(2.0, 10.0), _scaled(3.0, 20.0)


def own_ops(x: Any) -> Any:
    other = THRICE(x) * np.arange(3.0) * 1.5
    return np.sum(CUBE(x) * BRANCHING(x, slope=0.3) + OWN(x) * TWICE(x) - other)


CONSTANTS = [
    np.array([np.nan, -np.inf, -0.0]), np.zeros((0, 3)), np.zeros((3, 0)), np.array(1.5),
    np.array([1 + 2j, np.nan, complex(0, np.inf)]), np.arange(3, dtype=np.int8),
    np.array([True, False]), np.arange(3, dtype=">f8"), np.float32(0.1), np.float64("nan"),
    np.float64("inf"), np.complex64(1j), np.arange(2000.0) / 3, np.float16(0.1), np.True_,
    np.uint8(3), 0.1, float("nan"), 1j, 5, True, np.array([1e-300, 1e300, 0.1 + 0.2]),
    np.full((2, 3), 0.5)[:, ::2], np.longdouble(0.1),
    np.where(np.arange(2000) % 7, np.nan, -np.inf), np.geomspace(1, 9, 2000, dtype=np.longdouble),
    np.geomspace(1, 9, 2000, dtype=np.float32),
]  # fmt: skip


def a_spread() -> dict[str, Any]:
    """What the table doesn't have."""
    weights = np.arange(12.0).reshape(4, 3)
    return {
        "elementwise": lambda x: np.sum(np.tanh(x) * np.exp(-x) / (1 + x * x)),
        "indexing": lambda x: (
            np.sum(x[1:, ::-1] * x[:-1]) + np.sum(x[np.array([0, 0, 2])] ** 2) + x[-1, 0]
            + np.sum(x[(0, 2), :] * x[(1, 1),]) * np.sum(np.sin(x)[(2, 1), (0, 0)])
        ),
        "linalg": lambda x: np.sum(np.linalg.inv(x.T @ x + 3 * np.eye(3)) * np.eye(3)),
        "einsum": lambda x: np.einsum("ij,kj,ik->", x, x, x @ x.T) + np.sum(np.kron(x, x)),
        "constants": lambda x: np.sum(x * weights + np.float32(0.1) * x),
        "an op of one's own": own_ops,
        "checkpoint": lambda x: np.sum(ag.checkpoint(lambda z: np.sin(z) * z)(x)),
        "errstate": lambda x: _quiet(x),
    }


def test_a_spread_of_functions_with_gradients_and_second_derivatives(tmp_path: Path):
    functions: dict[str, Any] = {}
    with np.errstate(invalid="ignore"):
        for name, f in a_spread().items():
            functions[name] = f, [(X,), (Y,)]
            functions[f"{name}, gradient"] = ag.value_and_grad(f), [(X,), (Y,), (abs(X),)]
            if name in ("elementwise", "indexing", "linalg", "einsum"):
                functions[f"{name}, hvp"] = lambda x, f=f: ag.hvp(f)(x, x), [(X,), (Y,)]
        run_alone(tmp_path, functions)


def _quiet(x: Any) -> Any:
    with np.errstate(all="ignore"):
        y = np.log(x)
    return np.sum(np.where(x > 0, y, 0.0))


def test_arguments_of_all_kinds(tmp_path: Path):
    z, single = X + 1j * Y, (X.astype(np.float32), Y.astype(np.float32))
    modulus = ag.value_and_grad(lambda z: np.sum(np.abs(z) ** 2 * 2.0))
    functions: dict[str, Any] = {
        "complex": (modulus, [(z,), (z[::-1],)]),
        "float32": (
            lambda x, s: (x * s, np.float64(0.1) * x),
            [(single[0], 2.0), (single[1], 0.5)],
        ),
        "strided": (lambda x: (x.T @ x, x.ravel()), [(X[::2, ::-1],), (Y[1::2],)]),
        "a Tensor": (lambda t: (t * 2).sum(), [(ag.Tensor(X),), (ag.Tensor(Y),)]),
        "large": (ag.value_and_grad(lambda x: np.sum(np.tanh(x) * x)), [(np.repeat(X, 9000, 0),)]),
    }
    run_alone(tmp_path, functions)


def executed(source: str) -> Any:
    namespace: dict[str, Any] = {}
    exec(compile(source, "written.py", "exec"), namespace)
    return namespace


def test_constants_are_written_exactly():
    def f(x: Any) -> Any:
        return (x, *CONSTANTS, x[0] * CONSTANTS[0], x * np.float64("nan"), x * np.float32(0.1))

    compiled = ag.compile(f)
    compiled(X)
    for options in ({}, {"precision": 2, "suppress": True}, {"threshold": 3}):
        with np.printoptions(**options):  # type: ignore[arg-type]
            source = compiled.source
        for a, b in zip(executed(source)["f"](Y), f(Y), strict=True):
            assert type(a) is type(b)
            assert np.asarray(a).dtype == np.asarray(b).dtype
            assert np.shape(a) == np.shape(b)
            np.testing.assert_array_equal(a, b)


def test_parameters_are_written_as_they_were_and_may_be_given():
    net = nn.MLP([3, 2, 1], rng=0)
    compiled = ag.compile(lambda x: net(x).data)
    before = compiled(X)
    namespace = executed(compiled.source)
    values = [namespace[str(p.name)] for p in net.parameters()]
    np.testing.assert_allclose(namespace["f"](X, *values), before, rtol=1e-14)
    first = compiled.source.splitlines()[0]
    assert first.startswith('"""f as NumPy code, for x of shape (4, 3) (float64)')
    assert "autograd_lite" not in compiled.source


FIRST = {call.function: call for call in reversed(CALLS)}


@pytest.mark.parametrize("part", range(4))
def test_each_function_of_the_table(part: int, tmp_path: Path):
    """Of those where other values decide nothing otherwise."""
    functions: dict[str, Any] = {}
    chosen = some(list(FIRST.values())[part::4], 4)
    for call in chosen:
        calls = [tuple(call.drawn(seed)) for seed in (7, 8)]
        for what, f in (("", function_of_call(call)), ("gradient ", gradient_of_call(call))):
            source = agree(f, *calls).source
            functions[f"{what}{call}"] = f, calls[-1:] if "raise Changed" in source else calls
    assert len(functions) == 2 * len(chosen)
    run_alone(tmp_path, functions)
