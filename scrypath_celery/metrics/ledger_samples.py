"""The samples of a look into the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from ..ledger import gauges, totals
from ..operator.comparison import Kind
from ..rebuild.report import RebuildStatus
from ..runtime import Runtime
from ..totals import Total
from ..work import ReasonClass
from .ledger_look import IndexLook, LedgerLook, name_of
from .samples import Samples


def add_ledger(samples: Samples, runtime: Runtime, look: LedgerLook) -> None:
    """Add what was found in the ledger."""
    found: dict[str, dict[tuple[str, str], Total]] = {}
    for (uid, *key), total in look.totals.items():
        found.setdefault(uid, {})[key[0], key[1]] = total
    for uid, one in look.indexes.items():
        name = name_of(runtime, uid)
        _add_index(samples, name, one)
        _add_claims(samples, name, look.claims.get(uid, gauges.ClaimCounts()))
        _add_totals(samples, name, found.get(uid, {}))
    if look.relay is not None:
        samples.add("scrypath_relay_age_seconds", look.relay.age)
        samples.add("scrypath_publishing_fails", look.relay.publishing_fails)
    for rebuild in look.rebuilds:
        _add_rebuild(samples, rebuild, look.at)


def _add_index(samples: Samples, name: str, one: IndexLook) -> None:
    for state, count in one.counts.open.items():
        samples.add("scrypath_works", count, name, state)
    for reason_class, count in one.counts.dead_letters.items():
        samples.add("scrypath_dead_letters", count, name, reason_class)
    samples.add("scrypath_oldest_due_seconds", one.oldest_due or 0.0, name)
    samples.add("scrypath_last_success_timestamp_seconds", one.last_succeeded, name)
    row = one.row
    samples.add("scrypath_paused", row is not None and row.pause is not None, name, "automatic")
    samples.add("scrypath_paused", row is not None and row.pause_by_hand is not None, name, "by_hand")
    samples.add("scrypath_engine_lost", row is not None and row.lost_since is not None, name)
    for kind in Kind if one.verified is not None else ():
        samples.add("scrypath_verified_differences", (one.verified or {}).get(kind.value), name, kind)


def _add_claims(samples: Samples, name: str, found: gauges.ClaimCounts) -> None:
    samples.add("scrypath_claims_over_lease", found.over_lease, name)
    samples.add("scrypath_claims_hanging", found.hanging, name)
    samples.add("scrypath_unresolved_sends", found.unresolved, name)


def _add_rebuild(samples: Samples, one: RebuildStatus, at: float) -> None:
    labels = (one.schema, one.operation.value, one.phase.value)
    ratio = None if one.total is None else min(one.filled / one.total, 1.0) if one.total else 1.0
    samples.add("scrypath_rebuild_progress_ratio", ratio, *labels)
    samples.add("scrypath_rebuild_age_seconds", _since(one.created_at, at), *labels)
    samples.add("scrypath_rebuild_idle_seconds", _since(one.updated_at, at), *labels)


def _since(date: datetime, at: float) -> float:
    return max(at - date.timestamp(), 0.0)


def _add_totals(samples: Samples, name: str, found: Mapping[tuple[str, str], Total]) -> None:
    """Add the cumulative figures of an index: none of them is left out, so that each grows from zero."""
    zero = Total(0, 0.0)
    succeeded = found.get((totals.SUCCEEDED, ""), zero)
    samples.add("scrypath_works_settled_total", succeeded.times, name, "succeeded")
    samples.add("scrypath_works_settled_total", found.get((totals.CANCELLED, ""), zero).times, name, "cancelled")
    samples.add("scrypath_documents_settled_total", succeeded.amount, name)
    samples.add("scrypath_documents_superseded_total", found.get((totals.SUPERSEDED, ""), zero).times, name)
    for one in ReasonClass:
        dead, retried = (found.get((kind, one.value), zero) for kind in (totals.DEAD_LETTER, totals.RETRIED))
        samples.add("scrypath_works_dead_lettered_total", dead.times, name, one)
        samples.add("scrypath_works_retried_total", retried.times, name, one)
    durations: dict[str, dict[str, Total]] = {totals.SEARCHABLE: {}}
    for (kind, label), total in found.items():
        if kind == totals.SEARCHABLE or "." in kind:
            durations.setdefault(kind, {})[label] = total
    samples.observe("scrypath_searchable_seconds", durations.pop(totals.SEARCHABLE), name)
    for kind, buckets in sorted(durations.items()):
        which, _, phase = kind.partition(".")
        told = "bulk" if which == totals.BULK else "change"
        samples.observe("scrypath_claim_phase_seconds", buckets, name, told, phase)
