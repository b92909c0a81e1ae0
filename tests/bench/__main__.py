"""`python -m tests.bench`: prints each ratio as soon as it is measured."""

from __future__ import annotations

import argparse
import os
import sys
import time

from tests.bench.lab import lab

WHAT = ["start", "bulk", "large", "beside", "single", "commits", "latency", "ledger"]


def main() -> int:
    """Measure what was asked for; always 0, since targets are no gates."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("what", nargs="*", default=WHAT, help=", ".join(WHAT))
    parser.add_argument("--batch-cost", type=float, default=0.9, help="seconds that the engine charges a batch")
    parser.add_argument("--document-cost", type=float, default=0.00015, help="seconds that it charges a document")
    parser.add_argument("--runs", type=int, default=3, help="runs of bulk with 34,006 cities")
    parser.add_argument("--records", type=int, default=5_000, help="single-record commits")
    parser.add_argument("--waited", type=int, default=20, help="records of the task that waits")
    parser.add_argument("--commits", type=int, default=200, help="commits of each kind in a run")
    options = parser.parse_args()
    with lab(options.batch_cost, options.document_cost) as worker:
        from tests.bench import bulk, latency, ledger, measure, operators, proof, start, triggers

        measure.prepare()
        runs = {
            "start": lambda: start.start(5),
            "bulk": lambda: bulk.bulk(worker, 15_000, options.runs),
            "large": lambda: bulk.bulk(worker, 500, 1),
            "beside": lambda: latency.beside(worker),
            "single": lambda: measure.single(worker, options.records, options.waited),
            "commits": lambda: measure.commits(worker, options.commits),
            "latency": lambda: latency.latency(worker, options.commits),
            "ledger": ledger.ledger,
            "operators": operators.operators,
            "proof": lambda: proof.proof(15_000),
            "triggers": triggers.triggers,
        }
        for name in options.what:
            began = time.monotonic()
            for line in runs[name]():
                sys.stdout.write(f"{line.shown()}\n")
                sys.stdout.flush()
            load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
            sys.stdout.write(f"-- {name}: {time.monotonic() - began:.0f} s, load averages {load}\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
