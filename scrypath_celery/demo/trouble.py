"""Two bad days: an engine that refuses everything, and one document that it cannot take."""

from __future__ import annotations

import re
import time

from sqlalchemy import select

from ..ledger import indexes
from ..work import OPEN, State
from .cities import City, search
from .script import UID, Scene
from .stage import wait_for

OUTAGE = 200
POISONED = 1_000


def outage(scene: Scene) -> None:
    """The engine answers 503 to every request; nobody who writes notices."""
    engine, voice = scene.stage.engine, scene.voice
    voice.step("An outage: the engine refuses every request, and people go on writing")
    voice.call('fault = engine.faults.add("refuse", status=503, retry_after=1)')
    fault = engine.faults.add("refuse", status=503, retry_after=1)
    seconds = _grow(scene, OUTAGE)
    voice.say(f"In {seconds:.1f} s {OUTAGE} cities changed, each in a transaction of its own with sync_record")
    wait_for(_paused, "the index is paused")
    open_works = sum(scene.counts().get(state, 0) for state in OPEN)
    voice.say("What cannot be seen is `unknown` and never zero, so that the exit code is 1:")
    answer = scene.command("status", expect=1)
    voice.hold("pause: reason_class=transport" in answer, "the status shows the pause, and why")
    voice.hold(open_works == OUTAGE, f"{OUTAGE} works wait; an outage is no verdict on a document, so none has failed")
    voice.call("fault.remove()")
    fault.remove()
    waited = scene.settled()
    voice.hold(not scene.counts(), "once the engine was back all of them were carried out, without intervention")
    scene.figures["outage"] = f"{OUTAGE} commits kept; {waited:.1f} s until the last document followed"


def poison(scene: Scene) -> None:
    """One document that the engine fails, among a thousand changes; the dead letter, and its retry by id."""
    engine, voice = scene.stage.engine, scene.voice
    voice.step("Poison: one document that the engine cannot take, among a thousand")
    with scene.session() as session:
        poisoned = session.scalars(select(City).where(City.name == "Lima").order_by(City.population.desc())).first()
        assert poisoned is not None
    code = "max_fields_limit_exceeded"
    voice.say(f"The engine is told to fail {poisoned.name}, wherever it is:")
    voice.call("fault = engine.faults.add(", f'    "fail_task", document="{poisoned.id}", code="{code}")')
    fault = engine.faults.add("fail_task", document=str(poisoned.id), code=code)
    voice.call("search.sync_records(cities, session=session)  # a thousand of them")
    with scene.session.begin() as session:
        cities = session.scalars(select(City).order_by(City.population.desc()).limit(POISONED)).all()
        voice.hold(poisoned.id in {city.id for city in cities}, f"{poisoned.name} is one of the {POISONED} cities")
        for city in cities:
            city.population += 1
        search.sync_records(cities, session=session)
    took = scene.settled()
    voice.hold(scene.counts() == {State.FAILED: 1}, "one work has failed; it holds nothing but that document")
    scene.figures["poison"] = f"{POISONED - 1} of {POISONED} changes passed, 1 dead letter, found in {took:.1f} s"
    answer = scene.command("failed")
    found = re.search(r"^id=(\d+) .*documents=1 .*$", answer, re.MULTILINE)
    voice.hold(found is not None and str(poisoned.id) in found[0], f"it names the document: {poisoned.id}")
    assert found is not None
    voice.say("The report says what to do, and does nothing by itself; exit code 2 is for differences:")
    scene.command("reconcile", expect=2)
    voice.call("fault.remove()   # somebody fixes the cause, and retries by id")
    fault.remove()
    scene.command("retry", "--id", found[1])
    scene.settled()
    scene.command("failed")
    voice.hold(not scene.counts(), "the retried document is in the index")


def _grow(scene: Scene, count: int) -> float:
    """Change that many cities, one transaction each; the seconds that it took."""
    with scene.session() as session:
        ids = session.scalars(select(City.id).order_by(City.population).limit(count)).all()
    start = time.monotonic()
    for id in ids:
        with scene.session.begin() as session:
            city = session.get_one(City, id)
            city.population += 1
            search.sync_record(city, session=session)
    return time.monotonic() - start


def _paused() -> bool:
    row = search.ledger.run(lambda tx: indexes.get(tx, UID))
    return row is not None and row.pause is not None
