"""Compile every call of the table; ``python -m tests.compile`` says which can't be, and why."""

from __future__ import annotations

from collections import defaultdict

import autograd_lite as ag

from ..coverage.calls import CALLS
from .comparing import agree, function_of_call, gradient_of_call


def main() -> None:
    reasons = defaultdict(list)
    for call in CALLS:
        calls = [tuple(call.drawn(seed)) for seed in (7, 8, 9)]
        for what, f in (("", function_of_call(call)), ("grad ", gradient_of_call(call))):
            try:
                _ = agree(f, *calls).source
            except ag.CompileError as error:
                reasons[str(error).splitlines()[0].partition(" of shape")[0]].append(
                    f"{what}{call}"
                )
    for reason, refused in sorted(reasons.items()):
        print(f"{len(refused)}: {reason}", *(f"    {x}" for x in refused), sep="\n")
    print(f"{2 * len(CALLS) - sum(map(len, reasons.values()))} of {2 * len(CALLS)} compiled")


if __name__ == "__main__":
    main()
