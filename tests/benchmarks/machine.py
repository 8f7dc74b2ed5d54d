"""What the numbers were measured on."""

from __future__ import annotations

import os
import platform
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from .peers import MODULES, NO_CONTROL, missing, threadpoolctl


def described() -> str:
    """Versions, processor and threads as a Markdown list."""
    versions = [f"Python {platform.python_version()}", f"NumPy {version('numpy')}"]
    for name, module in MODULES.items():
        if name not in missing() and not name.startswith("autograd_lite"):
            versions.append(f"{name.removesuffix(' jit')} {version(module)}")
    return "\n".join((
        f"- {', '.join(versions)}",
        f"- {_processor()}, {os.cpu_count()} cores; {platform.system()}",
        f"- default threads: {_threads()}",
    ))  # fmt: skip


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def _threads() -> str:
    control = threadpoolctl()
    counts = [
        f"{pool['num_threads']} of NumPy's {pool['internal_api']}"
        for pool in (control.threadpool_info() if control else ())
        if "numpy" in pool["filepath"]
    ] or [NO_CONTROL]
    if "PyTorch" not in missing():
        counts.append(f"{import_module('torch').get_num_threads()} of PyTorch")
    return ", ".join(counts)
