"""Whether all that a deployment needs is there: ledger, engine, key, workers, and indexes as they are declared."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from ..declaration.changes import Remedy
from ..declaration.schema import Schema
from ..engine.versions import NEEDED_TEXT, is_new_enough, is_tested
from ..errors import EngineUnreachable, KeyRefused, LedgerMissing, LedgerOutdated, ScrypathError
from ..ledger import indexes
from ..runtime import Runtime
from .attention import Health, remedy_elsewhere
from .broker import Broker
from .contract_drift import contract_drift
from .display_name import display_name
from .probe import Look
from .status import seen_elsewhere


class Part(StrEnum):
    """What is looked at."""

    LEDGER = "ledger"
    ENGINE = "engine"
    KEY = "key"
    WORKERS = "workers"
    CONTRACT = "contract"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was found of one part (of one schema, for the contract), and what to do where it is not healthy."""

    part: Part
    health: Health
    text: str
    schema: str | None = None
    remedy: str | None = None


@dataclass(frozen=True, kw_only=True)
class Preflight:
    """All findings, and what they come to: unknown where a part could not be looked at."""

    health: Health
    findings: tuple[Finding, ...]


def preflight(
    runtime: Runtime,
    schemas: Sequence[Schema],
    *,
    broker: Callable[[], Broker] | None = None,
    seconds: float,
    skip: Collection[str] = (),
    program: str = "scrypath-celery",
    worker: str = "celery worker",
) -> Preflight:
    """Look at every part but those of `skip`, beside each other, for `seconds` in all; nothing is changed.

    `broker` looks at the broker and the workers, `program` is how recommended commands begin, `worker` how a
    worker is started.
    """
    end = time.monotonic() + seconds
    groups: list[tuple[Part, Callable[[], list[Finding]]]] = [
        (Part.LEDGER, lambda: [_ledger(runtime)]),
        (Part.ENGINE, lambda: [_engine(runtime)]),
        (Part.ENGINE, lambda: list(_elsewhere(runtime, program))),
        (Part.KEY, lambda: [_key(runtime, schemas)]),
        (Part.CONTRACT, lambda: [_contract(runtime, schema, program) for schema in schemas]),
    ]
    if broker is not None:
        groups.append((Part.WORKERS, lambda: list(_workers(runtime, schemas, broker(), worker))))
    looks = [(part, Look(partial(_answered, part, look))) for part, look in groups if part not in skip]
    findings: list[Finding] = []
    for part, look in looks:
        try:
            findings += look.answer(end - time.monotonic())
        except TimeoutError:
            findings.append(_unknown(part, f"did not answer within {seconds:.1f} s"))
    found = {one.health for one in findings}
    worst = next((health for health in (Health.UNKNOWN, Health.ATTENTION) if health in found), Health.HEALTHY)
    return Preflight(health=worst, findings=tuple(findings))


def _answered(part: Part, look: Callable[[], list[Finding]]) -> list[Finding]:
    try:
        return look()
    except ScrypathError as exc:
        return [_unknown(part, str(exc))]


def _unknown(part: Part, why: str) -> Finding:
    return Finding(part=part, health=Health.UNKNOWN, text=why)


def _fine(part: Part, text: str, schema: str | None = None) -> Finding:
    return Finding(part=part, health=Health.HEALTHY, text=text, schema=schema)


def _ledger(runtime: Runtime) -> Finding:
    try:
        runtime.ledger.read(lambda connection: None)
    except (LedgerMissing, LedgerOutdated) as exc:
        missing = isinstance(exc, LedgerMissing)
        text = "the database has no ledger yet" if missing else "its tables are older than this release"
        remedy = "`scrypath-celery ledger upgrade`"
        return Finding(part=Part.LEDGER, health=Health.ATTENTION, text=text, remedy=remedy)
    return _fine(Part.LEDGER, "its tables are those of this release")


def _engine(runtime: Runtime) -> Finding:
    try:
        version = runtime.engine.version()
    except KeyRefused:
        return _fine(Part.ENGINE, f"{runtime.engine.url} answers; the key may not ask for its version")
    told = f"{runtime.engine.url} is version {version}"
    if not is_new_enough(version):
        text = f"{told}; version {NEEDED_TEXT} or newer is needed"
        return Finding(part=Part.ENGINE, health=Health.ATTENTION, text=text, remedy="upgrade the engine")
    return _fine(Part.ENGINE, told if is_tested(version) else f"{told}, which this release was not tested with")


def _elsewhere(runtime: Runtime, program: str) -> Iterator[Finding]:
    """Other processes of this ledger that send the same indexes to another engine or prefix."""
    for one in seen_elsewhere(runtime):
        text, remedy = one.text, remedy_elsewhere(one, program)
        yield Finding(part=Part.ENGINE, health=Health.ATTENTION, text=text, remedy=remedy)


def _key(runtime: Runtime, schemas: Sequence[Schema]) -> Finding:
    missing: dict[str, list[str]] = {}
    for schema in schemas:
        for right in runtime.engine.lacking(runtime.uid_of(schema)):
            missing.setdefault(right, []).append(runtime.uid_of(schema))
    if not missing:
        return _fine(Part.KEY, "it has every right that is needed")
    everywhere = [right for right, names in missing.items() if len(names) == len(schemas)]
    some = [f"{right} on {', '.join(names)}" for right, names in missing.items() if right not in everywhere]
    text = f"the key is wrong, or lacks {', '.join([*everywhere, *some])}"
    remedy = "set the option 'meilisearch_api_key' to a key with these actions"
    return Finding(part=Part.KEY, health=Health.ATTENTION, text=text, remedy=remedy)


def _workers(runtime: Runtime, schemas: Sequence[Schema], broker: Broker, worker: str) -> Iterator[Finding]:
    if broker.unknown is not None:
        yield _unknown(Part.WORKERS, broker.unknown)
        return
    on_queue = [one.name for one in broker.workers or () if broker.queue in one.queues]
    if not on_queue:
        text, remedy = f"none consumes the queue {broker.queue}", f"start one: {worker} -Q {broker.queue}"
        yield Finding(part=Part.WORKERS, health=Health.ATTENTION, text=text, remedy=remedy)
        return
    yield _fine(Part.WORKERS, f"{len(on_queue)} on the queue {broker.queue}")
    for schema in schemas:
        if not broker.knows(schema.uid):
            name, text = display_name(runtime.schemas, schema), "no worker on the queue declares it"
            remedy = "deploy the workers with this schema"
            yield Finding(part=Part.WORKERS, health=Health.ATTENTION, schema=name, text=text, remedy=remedy)


def _contract(runtime: Runtime, schema: Schema, program: str) -> Finding:
    name = display_name(runtime.schemas, schema)
    one = partial(Finding, part=Part.CONTRACT, schema=name)
    try:
        found = contract_drift(runtime, schema)
    except EngineUnreachable:
        raise
    except ScrypathError as exc:
        return one(health=Health.UNKNOWN, text=str(exc))
    if not found.index_exists:
        return _missing(runtime, schema, name, program)
    if found.match:
        return _fine(Part.CONTRACT, f"index {found.index} is as declared", name)
    first = found.remedies[0]
    command = "settings apply" if first is Remedy.SETTINGS_APPLY else str(first)
    text = f"index {found.index} differs from the declaration: {', '.join(found.names[:8])}"
    return one(health=Health.ATTENTION, text=text, remedy=f"{program} {command} {name}")


def _missing(runtime: Runtime, schema: Schema, name: str, program: str) -> Finding:
    """An index that is not there: fine before the first write, which makes it."""
    try:
        row = runtime.ledger.read(lambda connection: indexes.get(connection, schema.uid))
    except (LedgerMissing, LedgerOutdated):
        row = None  # the ledger says so for itself
    if row is None or (row.high_uid is None and row.lost_since is None):
        return _fine(Part.CONTRACT, f"index {runtime.uid_of(schema)} is made with the first write", name)
    text = f"index {runtime.uid_of(schema)} was made and is gone"
    remedy = f"{program} backfill {name}"
    return Finding(part=Part.CONTRACT, health=Health.ATTENTION, schema=name, text=text, remedy=remedy)
