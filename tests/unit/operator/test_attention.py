"""What in a status needs attention: one table of situations and codes."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scrypath_celery.convergence.destinations import Elsewhere
from scrypath_celery.declaration.changes import Remedy
from scrypath_celery.ledger.overview import Stuck
from scrypath_celery.ledger.triggers.trigger import TableStatus, TriggerState
from scrypath_celery.operator.attention import Check, Code, Health, judge
from scrypath_celery.operator.broker import AnsweringWorker, Broker
from scrypath_celery.operator.engine_health import EngineHealth
from scrypath_celery.operator.index_counts import EngineCounts, QueueCounts
from scrypath_celery.operator.pause import Paused, PausedByHand
from scrypath_celery.operator.status import Contract, IndexStatus, KnownWorker, Status
from scrypath_celery.rebuild.phases import Phase
from scrypath_celery.rebuild.report import RebuildStatus
from scrypath_celery.work import Operation, ReasonClass
from tests.imports import ROOT

NOW = datetime.now(UTC)
QUEUE = QueueCounts(pending=0, running=0, submitted=0, retrying=0, failed=0)
INDEX = IndexStatus(
    schema="Post",
    index="posts",
    mode="celery",
    engine=EngineCounts(pending=0, failed=0),
    queue=QUEUE,
    contract=Contract.MATCH,
    known_to_workers=True,
)
WORKER = AnsweringWorker(name="w1@here", queues=("search_sync",), declares=("posts",))
BROKER = Broker(url="redis://here", queue="search_sync", depth=0, workers=(WORKER,))
ENGINE = EngineHealth(version="1.50.0", new_enough=True, tested=True, backlog=0)
STATUS = Status(indexes=(INDEX,), engine=ENGINE, broker=BROKER)
MISSING_TRIGGERS = TableStatus(schema="Post", table="posts", state=TriggerState.MISSING)
OPEN = replace(QUEUE, pending=1, oldest_due_age=1.0)
REBUILD = RebuildStatus(
    id=3,
    schema="Post",
    index="posts",
    operation=Operation.REINDEX,
    phase=Phase.CUT_OVER,
    mode="celery",
    target="posts_1",
    filled=0,
    total=None,
    caught_up=0,
    requeued=0,
    ranges=0,
    ranges_over=0,
    rate=None,
    eta=None,
    owner=None,
    asked_by=None,
    created_at=NOW,
    updated_at=NOW,
    finished_at=None,
    kept_until=None,
    blocked_by={"shrunk": "fewer"},
    reason=None,
)
PAUSE = Paused(reason_class=ReasonClass.AUTH, reason="key refused", since=NOW, next_probe=NOW)
ELSEWHERE = Elsewhere(
    indexes=("posts",), url="http://a:7700", prefix="", here_url="http://b:7700", here_prefix="", names=("w1@here",)
)
OF_INDEX: list[tuple[Code, dict[str, Any]]] = [
    (Code.TRIGGERS_INCOMPLETE, {"triggers": (MISSING_TRIGGERS,)}),
    (Code.PAUSED, {"pause": PAUSE}),
    (Code.PAUSED_BY_HAND, {"pause_by_hand": PausedByHand(by="ann@desk", reason="moving", since=NOW)}),
    (Code.DEAD_LETTERS, {"queue": replace(QUEUE, failed=2)}),
    (Code.INDEX_MISSING, {"contract": Contract.MISSING, "made": True}),
    (Code.ENGINE_RESTORED, {"engine_lost_since": NOW}),
    (Code.REBUILD_UNFINISHED, {"rebuild": REBUILD}),
    (Code.SETTINGS_DRIFT, {"contract": Contract.DRIFT, "remedies": (Remedy.SETTINGS_APPLY,), "drifting": ("ranking",)}),
    (Code.CONTRACT_DRIFT, {"contract": Contract.DRIFT, "remedies": (Remedy.REINDEX,), "drifting": ("primary_key",)}),
    (Code.WORK_OVERDUE, {"queue": replace(OPEN, oldest_due_age=301.0)}),
    (Code.WORKS_HANG, {"hanging": (Stuck(work_id=7, document_id="1", seconds=20.0, worker="w"),)}),
    (Code.SCHEMA_UNKNOWN_TO_WORKERS, {"known_to_workers": False, "queue": OPEN}),
]
OF_ALL: list[tuple[Code, dict[str, Any]]] = [
    (Code.NO_WORKER, {"broker": replace(BROKER, workers=())}),
    (Code.WORKERS_UNKNOWN, {"broker": replace(BROKER, workers=None, unknown="it broke")}),
    (Code.WORKER_SILENT, {"workers": (KnownWorker(name="w2@here", seen_ago=5.0, claims=1, answers=False),)}),
    (Code.INDEX_UNDECLARED, {"undeclared": {"forgotten": 3}}),
    (Code.PUBLISHING_FAILS, {"publishing": "refused"}),
    (Code.SENT_ELSEWHERE, {"elsewhere": (ELSEWHERE,)}),
    (Code.ENGINE_TOO_OLD, {"engine": replace(ENGINE, version="1.20.0", new_enough=False, tested=False)}),
    (Code.ENGINE_UNTESTED, {"engine": replace(ENGINE, version="9.9.0", tested=False)}),
    (Code.ENGINE_BACKLOG, {"engine": replace(ENGINE, backlog=9, oldest_age=301.0, unmoved=1.0)}),
    (Code.ENGINE_STUCK, {"engine": replace(ENGINE, backlog=9, oldest_age=400.0, unmoved=301.0)}),
    (Code.TASK_DATABASE_FULL, {"engine": replace(ENGINE, task_database_fill=0.8)}),
]
SITUATIONS = [(code, Status(**{**vars(STATUS), "indexes": (replace(INDEX, **changed),)})) for code, changed in OF_INDEX]
SITUATIONS += [(code, replace(STATUS, **changed)) for code, changed in OF_ALL]


def check(found: Status, **options: Any) -> Check:
    return judge(found, program="scrypath-celery -A shop", **options)


def test_a_quiet_status_is_healthy() -> None:
    assert check(STATUS) == Check(health=Health.HEALTHY, reasons=(), unknown=())


@pytest.mark.parametrize(("code", "found"), SITUATIONS, ids=[code.value for code, _ in SITUATIONS])
def test_each_trouble_has_its_code_a_text_and_a_remedy(code: Code, found: Status) -> None:
    [reason] = check(found).reasons
    assert (reason.code, check(found).health) == (code, Health.ATTENTION)
    assert reason.text
    assert reason.remedy
    assert "\n" not in reason.text + reason.remedy
    assert check(found, ignore=[code.value]).health is Health.HEALTHY


def test_a_rebuild_that_brings_back_what_the_engine_lost_is_gone_on_with() -> None:
    began = {"before": NOW - timedelta(seconds=1), "since": NOW}
    told = {}
    for when, created_at in began.items():
        backfill = replace(REBUILD, created_at=created_at, target=None, operation=Operation.BACKFILL)
        lost = replace(STATUS, indexes=(replace(INDEX, engine_lost_since=NOW, rebuild=backfill),))
        told[when] = next(one.remedy for one in check(lost).reasons if one.code is Code.ENGINE_RESTORED)
    assert told["before"] == "scrypath-celery -A shop reindex Post"
    assert told["since"] == "wait, or go on with it: scrypath-celery -A shop backfill Post"


def test_the_table_knows_every_code() -> None:
    assert {code for code, _ in SITUATIONS} == set(Code)


def test_the_operators_reference_explains_every_code() -> None:
    page = (ROOT.parent / "docs" / "operating.md").read_text()
    explained = set(re.findall(r"^\| `(\w+)` \|", page.partition("## The health check")[2].partition("\n## ")[0], re.M))
    assert explained == {code.value for code in Code}


def test_a_part_that_is_unknown_comes_before_attention_and_hides_no_reason() -> None:
    trouble = replace(INDEX, queue=replace(QUEUE, failed=1), engine=EngineCounts(unknown="the engine is gone"))
    judged = check(replace(STATUS, indexes=(trouble,)))
    assert (judged.health, judged.unknown) == (Health.UNKNOWN, ("the engine is gone",))
    assert [reason.code for reason in judged.reasons] == [Code.DEAD_LETTERS]


def test_an_index_that_was_never_made_is_not_missing() -> None:
    assert check(replace(STATUS, indexes=(replace(INDEX, contract=Contract.MISSING),))).health is Health.HEALTHY


def test_work_of_a_paused_index_is_not_overdue_too() -> None:
    late = replace(INDEX, pause=PAUSE, queue=replace(OPEN, oldest_due_age=9e9))
    assert [reason.code for reason in check(replace(STATUS, indexes=(late,))).reasons] == [Code.PAUSED]


def test_the_greatest_age_can_be_chosen() -> None:
    late = replace(STATUS, indexes=(replace(INDEX, queue=replace(OPEN, oldest_due_age=20.0)),))
    assert check(late, max_age=10.0).health is Health.ATTENTION
    assert check(late, max_age=30.0).health is Health.HEALTHY
