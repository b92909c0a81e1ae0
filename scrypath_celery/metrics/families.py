"""Every metric: its name, what it says, and its labels, none of which takes more values than there are names for."""

from __future__ import annotations

from collections.abc import Iterator
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


def _of_ledger() -> Iterator[Family]:
    gauge = GaugeMetricFamily
    yield Family(gauge, "scrypath_up", "1 where this part answered the scrape in time, else 0", ("part",))
    yield Family(gauge, "scrypath_scrape_seconds", "How long this part took to answer the scrape", ("part",))

    schema = ("schema",)
    text = "Works that are not settled, counted up to a limit"
    yield Family(gauge, "scrypath_works", text, ("schema", "state"))
    text = "Works that failed for good: of the newest up to a limit"
    yield Family(gauge, "scrypath_dead_letters", text, ("schema", "reason_class"))
    text = "For how long the work that waits longest has been due; 0 where none is"
    yield Family(gauge, "scrypath_oldest_due_seconds", text, schema)
    text = "When the newest success was settled, as long as its work is kept"
    yield Family(gauge, "scrypath_last_success_timestamp_seconds", text, schema)
    text = "1 while nothing of the index is tried: paused by a fault (automatic), or by an operator (by_hand)"
    yield Family(gauge, "scrypath_paused", text, ("schema", "kind"))
    text = "1 from when the engine was found restored, emptied or replaced until the index is rebuilt"
    yield Family(gauge, "scrypath_engine_lost", text, schema)
    text = "Documents that the last verification found to differ"
    yield Family(gauge, "scrypath_verified_differences", text, ("schema", "kind"))

    yield Family(gauge, "scrypath_claims_over_lease", "Claims that are held past their lease", schema)
    yield Family(gauge, "scrypath_claims_hanging", "Claims held while the projection of a document hangs", schema)
    text = "Claims of which a request may still land in the engine after its sender was given up"
    yield Family(gauge, "scrypath_unresolved_sends", text, schema)
    text = "For how long no pass of the relay has begun: no worker is alive"
    yield Family(gauge, "scrypath_relay_age_seconds", text)
    text = "1 while a process cannot hand works to Celery, and for half an hour at most after it last tried"
    yield Family(gauge, "scrypath_publishing_fails", text)

    rebuild = ("schema", "operation", "phase")
    yield Family(gauge, "scrypath_rebuild_progress_ratio", "How much of a rebuild is filled, from 0 to 1", rebuild)
    yield Family(gauge, "scrypath_rebuild_age_seconds", "For how long a rebuild has been under way", rebuild)
    yield Family(gauge, "scrypath_rebuild_idle_seconds", "For how long nothing has moved in a rebuild", rebuild)


def _counted_in_ledger() -> Iterator[Family]:
    counter, histogram, schema = CounterMetricFamily, HistogramMetricFamily, ("schema",)
    text = "Works that were settled: succeeded or cancelled"
    yield Family(counter, "scrypath_works_settled_total", text, ("schema", "outcome"))
    yield Family(counter, "scrypath_documents_settled_total", "Documents of works that succeeded", schema)
    text = "Works that became dead letters"
    yield Family(counter, "scrypath_works_dead_lettered_total", text, ("schema", "reason_class"))
    text = "Attempts at works that failed and are repeated"
    yield Family(counter, "scrypath_works_retried_total", text, ("schema", "reason_class"))
    text = "Documents that were named by several works and sent once"
    yield Family(counter, "scrypath_documents_superseded_total", text, schema)
    text = "From the writing of a single change, in its transaction, until it was known to be searchable"
    yield Family(histogram, "scrypath_searchable_seconds", text, schema)
    text = "How long the phases of a claim took; kind is change, or bulk for backfills and rebuilds"
    yield Family(histogram, "scrypath_claim_phase_seconds", text, ("schema", "kind", "phase"))


def _of_engine_and_process() -> Iterator[Family]:
    gauge, counter, histogram = GaugeMetricFamily, CounterMetricFamily, HistogramMetricFamily
    yield Family(gauge, "scrypath_engine_tasks_waiting", "Tasks that the engine is not done with")
    yield Family(gauge, "scrypath_engine_oldest_task_seconds", "For how long the oldest of them has waited")
    yield Family(
        gauge, "scrypath_engine_unmoved_seconds", "For how long the engine has neither begun nor ended a batch"
    )
    yield Family(gauge, "scrypath_engine_disk_bytes", "What the engine takes on its disk")
    yield Family(gauge, "scrypath_engine_disk_used_bytes", "What of that is in use")
    text = "The share of the task database in use; at 1 the engine refuses all writes"
    yield Family(gauge, "scrypath_engine_task_database_ratio", text)

    text = "Searches of this process: their time, by kind and status (ok, or the code of the error)"
    yield Family(histogram, "scrypath_search_seconds", text, ("schema", "kind", "status"))
    yield Family(counter, "scrypath_hits_hydrated_total", "Hits whose record was found in the database", ("schema",))
    text = "Hits without a record in the database: when they grow, the index is ahead of it"
    yield Family(counter, "scrypath_hits_missing_total", text, ("schema",))
    text = "Requests of this process to the engine: their time, by route and status (ok, a status, or a code)"
    yield Family(histogram, "scrypath_engine_request_seconds", text, ("method", "route", "status"))


FAMILIES = {family.name: family for family in (*_of_ledger(), *_counted_in_ledger(), *_of_engine_and_process())}
"""The metrics by name."""
