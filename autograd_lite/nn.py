"""`nn` under a name that no ``nn.py`` of one's own can hide: ``from autograd_lite import nn``."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nn import *

_place = Path(__file__).parents[1] / "nn"
_found = importlib.util.find_spec("nn")
if _found is not None and _found.origin == str(_place / "__init__.py"):
    _module = importlib.import_module("nn")
else:
    _spec: Any = importlib.util.spec_from_file_location(
        __name__, _place / "__init__.py", submodule_search_locations=[str(_place)]
    )
    _module = sys.modules[__name__] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(_module)
sys.modules[__name__] = _module
