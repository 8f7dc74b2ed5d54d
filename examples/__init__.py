"""Examples: run each with ``python -m examples.<name>``."""
