"""Both layout engines: a test that takes ``engine`` runs once with each."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without a layout engine. Returns a directory that is the whole PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path / name))
    return tmp_path


@pytest.fixture(params=["dot", "graphviz-pure"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    name: str = request.param
    if name == "dot":
        if shutil.which("dot") is None:
            pytest.skip("there is no system Graphviz (dot) on the PATH")
    else:
        path = os.environ["PATH"].split(os.pathsep)
        elsewhere = [folder for folder in path if not (Path(folder) / "dot").exists()]
        monkeypatch.setenv("PATH", os.pathsep.join([*elsewhere, str(tmp_path)]))
    return name
