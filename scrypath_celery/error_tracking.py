"""Error trackers: how Sentry, where an application has loaded it, groups what this package reports.

A dead letter is reported once. The Celery task that ran its work ends in `DeadLettered`, which Sentry's integration of
Celery captures; where no task can say it, the log line `dead_letter` is at ERROR, and its integration of `logging`
captures that. Both are grouped by schema, reason class and code.
"""

from __future__ import annotations

import sys
from typing import Any

from .errors import DeadLettered, DeadLetteredElsewhere

GROUP = "scrypath-dead-letter"
"""What the fingerprints of dead letters begin with."""


def group_dead_letters() -> None:
    """Let Sentry group dead letters, where it is loaded; again in the same process it changes nothing."""
    scope = sys.modules.get("sentry_sdk.scope")
    if scope is not None and grouped not in scope.global_event_processors:
        scope.add_global_event_processor(grouped)


def grouped(event: dict[str, Any], hint: dict[str, Any]) -> dict[str, Any]:
    """The event of Sentry's, with a fingerprint and tags where it is a dead letter's."""
    schema, kinds = _about(hint)
    if kinds:
        event["fingerprint"] = [GROUP, schema, *(part for kind in kinds for part in kind)]
        tags = {"schema": schema, "reason_class": kinds[0][0], "code": kinds[0][1]}
        event["tags"] = {**(event.get("tags") or {}), **{f"scrypath.{name}": value for name, value in tags.items()}}
    return event


def _about(hint: dict[str, Any]) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The schema of a dead letter, and its pairs of reason class and code; none where the event is another's."""
    error, record = (hint.get("exc_info") or (None, None, None))[1], hint.get("log_record")
    if isinstance(error, DeadLettered) and not isinstance(error, DeadLetteredElsewhere):
        return error.schema, error.kinds
    if getattr(record, "event", None) == "dead_letter":
        return getattr(record, "schema", ""), ((getattr(record, "reason_class", ""), getattr(record, "code", "")),)
    return "", ()
