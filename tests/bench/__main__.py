"""`python -m tests.bench`: prints each ratio as soon as it is measured."""

from __future__ import annotations

import argparse
import sys

from tests.bench.lab import lab


def main() -> int:
    """Measure what was asked for; always 0, since targets are no gates."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("what", nargs="*", default=["bulk", "single", "commits"], help="bulk, single, commits")
    parser.add_argument("--batch-cost", type=float, default=0.43, help="seconds that the engine charges a batch")
    parser.add_argument("--rows", type=int, default=30_000, help="rows of the backfill")
    parser.add_argument("--records", type=int, default=3_000, help="single-record commits")
    parser.add_argument("--waited", type=int, default=40, help="records of the task that waits")
    parser.add_argument("--commits", type=int, default=500, help="commits of each kind")
    options = parser.parse_args()
    with lab(options.batch_cost) as worker:
        from tests.bench import measure

        measure.prepare()
        runs = {
            "bulk": lambda: measure.bulk(worker, options.rows),
            "single": lambda: measure.single(worker, options.records, options.waited),
            "commits": lambda: measure.commits(worker, options.commits),
        }
        for name in options.what:
            for line in runs[name]():
                figures = f"{line.ours} against {line.theirs}"
                sys.stdout.write(f"{line.name}: {line.ratio:.2f} (target {line.target}; {figures})\n")
                sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
