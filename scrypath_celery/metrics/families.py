"""Every metric: its name, what it says, and its labels, none of which takes more values than there are names for."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

AnyFamily = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily


@dataclass(frozen=True)
class Family:
    """One metric; `kind` is the class of the family that is given to Prometheus' client."""

    kind: type[AnyFamily]
    name: str
    text: str
    labels: tuple[str, ...] = ()

    def new(self) -> AnyFamily:
        """The family without a sample."""
        return self.kind(self.name, self.text, labels=self.labels)

    @property
    def series(self) -> tuple[str, ...]:
        """The names under which its samples are found."""
        if self.kind is HistogramMetricFamily:
            return tuple(f"{self.name}_{part}" for part in ("bucket", "count", "sum"))
        return (self.name,)


Row = tuple[str, str, tuple[str, ...]]
"""The name of a metric, what it says, and its labels."""

_SCHEMA = ("schema",)
_REBUILD = ("schema", "operation", "phase")

GAUGES: tuple[Row, ...] = (
    ("scrypath_up", "1 where this part answered the scrape in time, else 0", ("part",)),
    ("scrypath_scrape_seconds", "How long this part took to answer the scrape", ("part",)),
    ("scrypath_works", "Works that are not settled, counted up to a limit", ("schema", "state")),
    ("scrypath_dead_letters", "Works that failed for good: of the newest up to a limit", ("schema", "reason_class")),
    ("scrypath_oldest_due_seconds", "For how long the work that waits longest has been due; 0 where none is", _SCHEMA),
    (
        "scrypath_last_success_timestamp_seconds",
        "When the newest success was settled, as long as its work is kept",
        _SCHEMA,
    ),
    (
        "scrypath_paused",
        "1 while nothing of the index is tried: paused by a fault (automatic), or by an operator (by_hand)",
        ("schema", "kind"),
    ),
    (
        "scrypath_engine_lost",
        "1 from when the engine was found restored, emptied or replaced until the index is rebuilt",
        _SCHEMA,
    ),
    ("scrypath_verified_differences", "Documents that the last verification found to differ", ("schema", "kind")),
    ("scrypath_claims_over_lease", "Claims that are held past their lease", _SCHEMA),
    ("scrypath_claims_hanging", "Claims held while the projection of a document hangs", _SCHEMA),
    (
        "scrypath_unresolved_sends",
        "Claims of which a request may still land in the engine after its sender was given up",
        _SCHEMA,
    ),
    ("scrypath_relay_age_seconds", "For how long no pass of the relay has begun: no worker is alive", ()),
    (
        "scrypath_publishing_fails",
        "1 while a process cannot hand works to Celery, and for half an hour at most after it last tried",
        (),
    ),
    ("scrypath_rebuild_progress_ratio", "How much of a rebuild is filled, from 0 to 1", _REBUILD),
    ("scrypath_rebuild_age_seconds", "For how long a rebuild has been under way", _REBUILD),
    ("scrypath_rebuild_idle_seconds", "For how long nothing has moved in a rebuild", _REBUILD),
    ("scrypath_engine_tasks_waiting", "Tasks that the engine is not done with", ()),
    ("scrypath_engine_oldest_task_seconds", "For how long the oldest of them has waited", ()),
    ("scrypath_engine_unmoved_seconds", "For how long the engine has neither begun nor ended a batch", ()),
    ("scrypath_engine_disk_bytes", "What the engine takes on its disk", ()),
    ("scrypath_engine_disk_used_bytes", "What of that is in use", ()),
    (
        "scrypath_engine_task_database_ratio",
        "The share of the task database in use; at 1 the engine refuses all writes",
        (),
    ),
)
COUNTERS: tuple[Row, ...] = (
    ("scrypath_works_settled_total", "Works that were settled: succeeded or cancelled", ("schema", "outcome")),
    ("scrypath_documents_settled_total", "Documents of works that succeeded", _SCHEMA),
    ("scrypath_works_dead_lettered_total", "Works that became dead letters", ("schema", "reason_class")),
    ("scrypath_works_retried_total", "Attempts at works that failed and are repeated", ("schema", "reason_class")),
    ("scrypath_documents_superseded_total", "Documents that were named by several works and sent once", _SCHEMA),
    ("scrypath_hits_hydrated_total", "Hits whose record was found in the database", _SCHEMA),
    (
        "scrypath_hits_missing_total",
        "Hits without a record in the database: when they grow, the index is ahead of it",
        _SCHEMA,
    ),
)
HISTOGRAMS: tuple[Row, ...] = (
    (
        "scrypath_searchable_seconds",
        "From the writing of a single change, in its transaction, until it was known to be searchable",
        _SCHEMA,
    ),
    (
        "scrypath_claim_phase_seconds",
        "How long the phases of a claim took; kind is change, or bulk for backfills and rebuilds",
        ("schema", "kind", "phase"),
    ),
    (
        "scrypath_search_seconds",
        "Searches of this process: their time, by kind and status (ok, or the code of the error)",
        ("schema", "kind", "status"),
    ),
    (
        "scrypath_engine_request_seconds",
        "Requests of this process to the engine: their time, by route and status (ok, a status, or a code)",
        ("method", "route", "status"),
    ),
)

FAMILIES = {
    name: Family(kind, name, text, labels)
    for kind, rows in (
        (GaugeMetricFamily, GAUGES),
        (CounterMetricFamily, COUNTERS),
        (HistogramMetricFamily, HISTOGRAMS),
    )
    for name, text, labels in rows
}
"""The metrics by name."""

OF_PROCESS = (
    "scrypath_hits_hydrated_total",
    "scrypath_hits_missing_total",
    "scrypath_search_seconds",
    "scrypath_engine_request_seconds",
)
"""Those that each process counts for itself; the others are shared by all."""
