"""Programs and planted mistakes: how many of them are named truly.

``python -m tests.check.programs [--only part of a name] [--show]
[--apart | --more | --fresh | --styles | --others | --loops | --unseen]`` prints it, with what was
said of those that weren't; with ``--show`` of all.
"""

from __future__ import annotations

import argparse
import time

from .planted import Program, judge
from .programs_apart import APART
from .programs_fresh import FRESH
from .programs_loops import LOOPS
from .programs_more import MORE
from .programs_nets import NETS
from .programs_others import OTHERS
from .programs_sequences import SEQUENCES
from .programs_styles import STYLES
from .programs_unseen import UNSEEN

PROGRAMS = (*NETS, *SEQUENCES)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--only", default="", help="part of a program's name")
    options.add_argument("--show", action="store_true", help="what is said of each mistake")
    options.add_argument("--apart", action="store_true", help="the programs that are kept apart")
    options.add_argument("--more", action="store_true", help="more of them")
    options.add_argument("--fresh", action="store_true", help="programs in other words")
    options.add_argument("--styles", action="store_true", help="programs in the styles of courses")
    options.add_argument("--others", action="store_true", help="programs of further kinds")
    options.add_argument("--loops", action="store_true", help="programs with loops, without names")
    options.add_argument("--unseen", action="store_true", help="programs of still other kinds")
    args = options.parse_args()
    chosen = [(args.more, MORE), (args.apart, APART), (args.fresh, FRESH), (args.styles, STYLES),
              (args.others, OTHERS), (args.loops, LOOPS), (args.unseen, UNSEEN),
              (True, PROGRAMS)]  # fmt: skip
    every = next(some for asked, some in chosen if asked)
    programs = [p for p in every if args.only in p.name]
    named = sum(_printed(program, args.show) for program in programs)
    print(f"{named} of {sum(len(p.planted) for p in programs)} named truly")


def _printed(program: Program, show: bool) -> int:
    start = time.process_time()
    verdicts = [(mistake, judge(program, mistake)) for mistake in program.mistakes]
    took = time.process_time() - start
    named = sum(verdict.kind == "named" for _, verdict in verdicts)
    print(f"{named:3} of {len(verdicts):3}  {program.name}  ({took:.1f} s)")
    for mistake, verdict in verdicts:
        if show or verdict.kind != "named":
            print(f"      {verdict.kind:14} {mistake.line} ← {mistake.wrong}")
            print(f"      {'':14} {verdict.said[:300]}")
    return named


if __name__ == "__main__":
    main()
