"""Chains on large arrays, whose rows several threads share."""

import os
import pickle
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.compile.blocks import PER_THREAD
from autograd_lite.compile.threads import available, sharing

from ..each import each
from .comparing import assert_same

ENTRIES = 2 * PER_THREAD


def f(x: Any, row: Any) -> Any:
    a = np.tanh(x) * row + 1
    return np.sum(a * x), np.max(a), np.min(a * a), a


def given(rows: int, columns: int = 1) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(rows, columns)), rng.normal(size=columns)


@each([1, 2, 3, 7], [(ENTRIES, 1), (ENTRIES + 13, 1), (70_001, 11), (1_000_003, 2)])
def test_the_number_of_threads_changes_nothing(threads: int, shape: tuple[int, int]):
    x, row = given(*shape)
    compiled = ag.compile(f, threads=threads)
    for ours, theirs in zip(compiled(x, row), f(x, row), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    assert ("in_threads" in compiled.source) == (threads > 1)


def test_sums_are_the_same_to_the_last_digit_on_two_and_on_five_threads():
    x, row = given(2_000_000)
    assert ag.compile(f, threads=2)(x, row)[0] == ag.compile(f, threads=5)(x, row)[0]
    small = ag.compile(f, threads=8)
    small(*given(ENTRIES - 1))
    assert "in_threads" not in small.source  # small arrays take one


def test_a_gradient_on_threads():
    g, point = ag.value_and_grad(lambda x, row: f(x, row)[0], (0, 1)), given(ENTRIES)
    assert_same(ag.compile(g, threads=2)(*point), g(*point), 1e-9)


@pytest.mark.parametrize("place", [0, ENTRIES - 1], ids=["own thread", "other thread"])
def test_settings_for_warnings_hold_on_each_thread(place: int):
    x = np.ones(ENTRIES)
    compiled = ag.compile(lambda x: np.sum(np.log(x) * 2), threads=2)
    compiled(x)
    x[place] = -1.0
    with np.errstate(invalid="raise"), pytest.raises(FloatingPointError):
        compiled(x)
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        warnings.simplefilter("error")
        assert np.isnan(compiled(x))
    with pytest.warns(RuntimeWarning, match="invalid"):
        compiled(x)
    x[place] = 1.0
    assert compiled(x) == 0.0


def test_calls_from_several_threads_at_once():
    compiled = ag.compile(f, threads=2)
    calls = [(x + i, row) for i in range(8) for x, row in [given(ENTRIES)]]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda call: compiled(*call)[0], calls))
    np.testing.assert_allclose(found, [f(*call)[0] for call in calls], rtol=1e-9)


def run_alone(code: str) -> str:
    """What a process prints that has ``compiled`` and an array ``x`` for two threads."""
    start = f"""
import os, threading, time
import numpy as np, autograd_lite as ag
x = np.ones({ENTRIES})
compiled = ag.compile(lambda x: np.sum(np.exp(x) * 0 + 1), threads=2)
compiled(x)
"""
    command = [sys.executable, "-W", "ignore", "-c", start + code]
    done = subprocess.run(command, timeout=60, check=True, capture_output=True, text=True)
    return done.stdout


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_process_has_threads_of_its_own():
    run_alone("""
child = os.fork()
if child == 0:
    os._exit(0 if compiled(x) == x.size else 1)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
""")


def test_the_source_runs_by_itself_on_threads():
    x, row = given(ENTRIES)
    compiled = ag.compile(f, threads=2)
    expected = compiled(x, row)
    namespace: dict[str, Any] = {}
    exec(compiled.source, namespace)
    for ours, theirs in zip(namespace["f"](x, row), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert "autograd_lite" not in compiled.source
    assert "Any" not in compiled.source


@each([0, 1], [KeyboardInterrupt, ValueError])
def test_an_interrupted_call_waits_for_the_others(place: int, error: type[BaseException]):
    ended = []

    def call(start: int, stop: int, buffer: Any) -> tuple[list[int]]:
        if start == place:
            raise error("the first rows")
        time.sleep(0.05)
        ended.append(start)
        return ([start],)

    with pytest.raises(error, match="first rows"):
        sharing([(None,), (None,), (None,)])(call, 3, 1)
    assert sorted(ended) == [i for i in range(3) if i != place]


def test_how_many_there_are(monkeypatch: pytest.MonkeyPatch):
    assert pickle.loads(pickle.dumps(ag.compile(f, threads=3))).threads == 3
    for threads in (0, -1, 1.5, True, "2"):
        with pytest.raises(ValueError, match="compile: threads is a positive int or None"):
            ag.compile(f, threads=threads)  # type: ignore[arg-type]
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert available() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "0")
    assert available() >= 1
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert available() >= 1


def test_threads_that_outlive_the_main_one_compute_all_the_same():
    printed = run_alone("""
def work():
    threading.main_thread().join()
    time.sleep(0.1)
    print(compiled(x) == x.size)
threading.Thread(target=work).start()
""")
    assert printed == "True\n"


def test_all_functions_share_their_threads():
    x = np.ones(ENTRIES)
    functions = [ag.compile(lambda x, i=i: np.sum(np.exp(x) * i + 1), threads=3) for i in range(4)]
    before = set(threading.enumerate())
    for compiled in functions:
        compiled(x)
    assert len(set(threading.enumerate()) - before) <= 2
