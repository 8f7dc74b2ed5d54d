"""The benchmark runs, its contenders agree, and it counts memory rightly. No time is asserted."""

from __future__ import annotations

import functools
import gc
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from autograd_lite import Tensor

from . import __main__ as program
from . import cluster, functions, importing, machine, memory, nets, peers, report
from .nets import CONTENDERS, EAGER, GROWING, HAND, PROBLEMS
from .timing import Effort, ratios, threads, time_in_turns

TINY = Effort(
    rounds=1, turn=0.0, seconds=0.0, processes=1, entries=20_000, ops=100, layers=3, steps=2,
    shape=(64, 64), nodes=(10, 20), widths=(2, 3), depths=(1, 3), blocks=(4, 10), cluster_rounds=1,
)  # fmt: skip


@pytest.fixture
def no_peers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As where only NumPy and this package are installed."""
    for module in peers.MODULES.values():
        monkeypatch.setitem(sys.modules, module, None)
    peers.missing.cache_clear()
    yield
    peers.missing.cache_clear()


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "QUICK", TINY)
    small = PROBLEMS[0], replace(PROBLEMS[2], sizes=(20, 8, 6, 3))
    monkeypatch.setattr(nets, "PROBLEMS", small)
    threads = functools.partial(cluster.workers, processes=False, memory_limit="8GB")
    monkeypatch.setattr(cluster, "workers", threads)


@pytest.mark.usefixtures("tiny", "no_peers")
def test_all_parts_print_their_tables_and_write_them_with_plots(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    program.main(["--quick", "--out", str(tmp_path)])
    printed = capsys.readouterr().out
    for title, _ in program.PARTS.values():
        assert f"\n### {title}\n\n| " in printed
    for problem in nets.PROBLEMS:
        assert f"| {problem.name}, " in printed
    assert printed.count("| autograd_lite compiled |") == len(nets.PROBLEMS) + 4 + 3 + 1
    assert (tmp_path / "results.md").read_text(encoding="utf-8").strip() == printed.strip()
    assert sorted(path.name for path in tmp_path.glob("*.svg")) == [
        "depth.svg", "elementwise.svg", "nodes.svg", "steps.svg", "width.svg",
    ]  # fmt: skip
    assert "<svg" in (tmp_path / "steps.svg").read_text(encoding="utf-8")


@pytest.mark.usefixtures("tiny", "no_peers")
def test_only_the_parts_that_are_asked_for_run(capsys: pytest.CaptureFixture[str]) -> None:
    program.main(["--quick", "--only", "memory", "chain"])
    printed = capsys.readouterr().out
    assert "### Memory" in printed
    assert "### Import" not in printed
    assert "ratio to autograd_lite (" in printed  # for want of PyTorch


@pytest.mark.usefixtures("tiny", "no_peers")
def test_results_are_put_between_the_marks_of_a_file(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{program.BEGIN}\nold\n{program.END}\nafter\n", encoding="utf-8")
    program.main(["--quick", "--only", "memory", "--into", str(page)])
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"before\n{program.BEGIN}\n- Python")
    assert text.endswith(f"{program.END}\nafter\n")
    assert "old" not in text
    page.write_text("nothing", encoding="utf-8")
    with pytest.raises(SystemExit, match="has no <!-- results -->"):
        program.replace_results(page, text)


@pytest.mark.usefixtures("no_peers")
def test_a_contender_that_computes_otherwise_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for makers in (CONTENDERS, GROWING):
        def trains(problem: Any, makers: Any = makers) -> Any:
            step, weights = makers[HAND](problem)
            return step, lambda: [w + 1e-6 for w in weights()]

        monkeypatch.setitem(makers, EAGER, trains)
        with pytest.raises(AssertionError, match="autograd_lite"):
            nets.contenders(PROBLEMS[0], makers)

    def wrong(x: Any) -> Any:
        value, both = functions._by_hand(x)
        return value, lambda: (both()[0], both()[1] + 1e-6)

    monkeypatch.setitem(functions.ELEMENTWISE, EAGER, wrong)
    with pytest.raises(AssertionError, match="autograd_lite"):
        functions.elementwise(TINY)


def test_hand_written_code_computes_what_the_engine_does() -> None:
    """Otherwise it would be refused, as the first, only together with all others."""
    for problem in PROBLEMS[:3]:
        for make in CONTENDERS[HAND], CONTENDERS[EAGER]:
            step, weights = make(problem)
            losses = [step().item() for _ in range(3)]
            if make is CONTENDERS[HAND]:
                expected = losses, [w.copy() for w in weights()]
        np.testing.assert_allclose(losses, expected[0])
        assert losses[-1] < losses[0]


@pytest.mark.usefixtures("no_peers")
def test_a_library_that_is_not_installed_is_left_out_and_said_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert list(nets.contenders(PROBLEMS[0])) == list(GROWING)
    nets.contenders(PROBLEMS[1])
    said = capsys.readouterr().err
    for name in peers.MODULES:
        assert said.count(f"{name} is left out: ") == 1
    assert '".[bench]"' in said


def test_results_say_so_where_threads_can_not_be_set(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    peers.threadpoolctl.cache_clear()
    try:
        times = time_in_turns({"a": lambda: None}, TINY)
        assert peers.NO_CONTROL in machine.described()
    finally:
        peers.threadpoolctl.cache_clear()
    assert len(times["a"]) == 1
    assert capsys.readouterr().err.count(peers.NO_CONTROL) == 1


def test_a_plot_without_matplotlib_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(SystemExit, match=r'\.\[plots\]'):
        program.write(tmp_path, "the tables", [report.Bars("bars", "", "")])
    assert (tmp_path / "results.md").read_text(encoding="utf-8") == "the tables"


def test_ratios_are_of_the_same_round() -> None:
    times = {"a": [1.0, 10.0, 2.0], "b": [2.0, 20.0, 40.0]}
    assert ratios(times, "a")["b"].tolist() == [2.0, 2.0, 20.0]
    table = report.compared("what", times, "ms", "a").markdown().splitlines()
    assert table[0] == "| what | ms | ratio to a (quartiles) |"
    assert table[3] == "| b | 20,000 | 2.00 (2.00 to 11.00) |"


def test_contenders_take_turns_and_the_collector_is_as_it_was() -> None:
    called = []
    contenders = {name: lambda name=name: called.append(name) for name in "ab"}
    times = time_in_turns(contenders, Effort(rounds=3, turn=0.0))
    assert "".join(called) == "aabb" + "ab" + "ba" + "ab"
    assert [len(taken) for taken in times.values()] == [3, 3]
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_threads_are_set_and_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    torch = SimpleNamespace(get_num_threads=lambda: 7, set_num_threads=asked.append)
    monkeypatch.setitem(sys.modules, "torch", torch)
    info = pytest.importorskip("threadpoolctl").threadpool_info

    def counts() -> list[int]:
        return [pool["num_threads"] for pool in info()]

    before = counts()
    with threads(1):
        assert set(counts()) == {1}
    assert counts() == before
    assert asked == [1, 7]


def test_memory_is_counted_in_arrays() -> None:
    shape, n = (128, 128), 4
    found = memory.peaks(n, shape)
    assert found[HAND] == pytest.approx(memory.needed(n), abs=0.1)
    assert all(arrays > n for arrays in found.values())
    held, peak = memory.held(lambda: np.ones(1000) + np.ones(1000))
    assert 8000 <= held < 9000
    assert 24000 <= peak < 26000


def test_an_operations_bytes_are_those_above_its_array() -> None:
    all_bytes, array = memory.bytes_an_op(1000)
    assert sys.getsizeof(np.array(0.5)) - 8 <= array <= sys.getsizeof(np.array(0.5)) + 16
    assert array + object.__sizeof__(Tensor(0.5)) < all_bytes


def test_gradients_by_hand_are_right() -> None:
    rng = np.random.default_rng(0)
    x, weights = rng.normal(size=(2, 3)), [rng.normal(size=(2, 3)) for _ in range(3)]
    tensors = [Tensor(w, requires_grad=True) for w in weights]
    layer: Any = x
    for w in tensors:
        layer = np.tanh(layer * w)
    layer.sum().backward()
    total, gradients = memory.layers_by_hand(x, weights)
    np.testing.assert_allclose(total, layer.sum().item())
    for tensor, gradient in zip(tensors, gradients, strict=True):
        np.testing.assert_allclose(np.asarray(tensor.grad), gradient)


def test_an_import_that_fails_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "STATEMENTS", ("import numpy", "raise SystemExit(3)"))
    with pytest.raises(Exception, match="exit status 3"):
        importing.measured(TINY)
