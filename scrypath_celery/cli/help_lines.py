"""The first sentence of each command's help, so that the list of commands is shown without importing them."""

from __future__ import annotations

LINES = {
    "status": "Show where each index stands, the engine, the broker's queue, and which workers answer.",
    "failed": "Show failed work: dead letters, and what is being retried.",
    "retry": "Retry failed work: the one of --id, or all that a filter leaves.",
    "cancel": "Cancel failed work: the one of --id, or all that a filter leaves.",
    "pause": "Keep the workers off an index until it is resumed; writes are captured all the same.",
    "resume": "End the pause of an index that `pause` began; what waits goes on within seconds.",
    "check": "Check ledger, engine, key, workers and indexes before a deployment; nothing is changed.",
    "reconcile": "Report what differs between database and index, and what to do about it.",
    "verify": "Compare database and index document by document.",
    "settings": "Compare, apply and hot-apply the settings of an index.",
    "index": "Look at an index as a whole.",
    "backfill": "Re-sync every record of a live index, and remove documents without a record.",
    "reindex": "Build the index anew beside the live one, catch up with what is written meanwhile, and swap.",
    "work": "Look at single works of the ledger.",
    "trace": "Show the document that the record gives now, the one in the index, and its newest works.",
    "playbooks": "Check, list, show and run saved searches.",
    "ledger": "Make, upgrade and check the ledger's tables, and the triggers that write into them.",
    "exporter": "Serve the metrics of ledger and engine to Prometheus, at /metrics, until Ctrl-C or SIGTERM.",
    "engine": (
        "Run the embedded engine: it speaks Meilisearch's protocol, for tests and first steps, not for production."
    ),
    "dev": (
        "Run the embedded engine and a broker, and print their URLs, until Ctrl-C. Both are for first steps and tests."
    ),
    "demo": "Sync 34,006 cities, break things, repair them, and check the result document by document.",
}
"""A command that is missing here is imported for its line."""
