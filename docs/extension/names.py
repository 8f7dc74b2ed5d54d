"""Names in docstrings lead to the reference, and each public name stands there."""

from __future__ import annotations

from importlib import import_module
from inspect import ismodule
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.nodes import make_refnode

log = logging.getLogger(__name__)

PACKAGES = ["autograd_lite", "autograd_lite.linalg", "autograd_lite.fft", "nn"]
MODULES = ["extend", "misc.fixed_points", "scipy.integrate", "scipy.linalg", "scipy.signal",
           "scipy.special", "test_util", "tracer", "wrap_util"]  # fmt: skip
"""All that these hand out is in the reference, but what is others' (``OTHERS``)."""
OTHERS = {"autograd_lite.extend.Op", "autograd_lite.primitive", "autograd_lite.wrap_util.wraps"}


GIVEN = {"Derivation", "Entry", "Figure", "History", "NetworkDerivation", "Page", "Recording",
         "Report", "Step"}  # fmt: skip


def resolved(
    app: Sphinx, env: BuildEnvironment, node: nodes.Element, shown: nodes.Element
) -> nodes.Element:
    """A link where the name is one of ours, as docstrings write it; else the name as code."""
    target = node["reftarget"].removesuffix("()")
    target = target.replace("ag.", "autograd_lite.", target.startswith("ag."))
    objects = env.domains.python_domain.objects
    for name in (target, *(f"{package}.{target}" for package in PACKAGES)):
        if name in objects:
            there = objects[name]
            return make_refnode(
                app.builder, node.get("refdoc", ""), there.docname, there.node_id, shown
            )
    return shown


def complete(app: Sphinx, env: BuildEnvironment) -> None:
    known = env.domains.python_domain.objects
    for package in [*PACKAGES, *(f"autograd_lite.{module}" for module in MODULES)]:
        module = import_module(package)
        public = [name for name in module.__all__ if not ismodule(getattr(module, name))]
        missing = [name for name in public if f"{package}.{name}" not in {*known, *OTHERS}]
        if missing:
            log.warning("the reference lacks %s of %s", ", ".join(missing), package)


def unsigned(
    app: Sphinx, kind: str, name: str, thing: Any, options: Any, signature: str, gives: str
) -> tuple[str, str] | None:
    """What users are given, and don't make, is without the arguments that make it."""
    return ("", "") if kind == "class" and name.rsplit(".")[-1] in GIVEN else None


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("missing-reference", resolved)
    app.connect("autodoc-process-signature", unsigned)
    app.connect("env-check-consistency", complete)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
