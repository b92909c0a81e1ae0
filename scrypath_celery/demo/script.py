"""The play: what an application and its operators do, step by step, each with the call or command that does it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session, sessionmaker

from ..ledger import works
from ..work import OPEN, State
from .check import compare
from .cities import Base, City, load, search
from .stage import WORKER, Stage, wait_for
from .voice import Voice

UID = "cities"


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What every step needs: the stage, the application's sessions, a voice, and the figures measured so far."""

    stage: Stage
    session: sessionmaker[Session]
    voice: Voice
    figures: dict[str, str] = field(default_factory=dict)

    def command(self, *words: str, expect: int = 0) -> str:
        """Run one of the operators' commands, show what it says, and check its exit code."""
        code, answer = self.stage.command(*words)
        line = " ".join(("scrypath-celery", *words))
        self.voice.command(line, answer)
        self.voice.hold(code == expect, f"`{line}` ended with exit code {expect}")
        return answer

    def found(self, query: str) -> list[str]:
        """The names of the cities that a search finds, by population."""
        with self.session() as session:
            records = search.search(City, query, session=session, sort="-population", per_page=5).records
            return [f"{city.name} ({city.country_name})" for city in records]

    def counts(self) -> dict[State, int]:
        """How many works of the ledger are in each state but `succeeded`."""
        return search.ledger.run(lambda tx: works.counts(tx, UID)).get(UID, {})

    def settled(self) -> float:
        """Wait until no work is open; the seconds that it took."""
        return wait_for(lambda: not any(self.counts().get(state) for state in OPEN), "no work is open any more")


def build(scene: Scene) -> None:
    """The database, the ledger, the worker."""
    stage, voice = scene.stage, scene.voice
    voice.step("A stage: real cities in SQLite, an engine, a broker, and a Celery worker")
    voice.say("The engine and the broker are embedded; elsewhere they are Meilisearch, and Redis or RabbitMQ.")
    voice.call("Base.metadata.create_all(engine)")
    with scene.session() as session:
        Base.metadata.create_all(session.get_bind())
    voice.say("The ledger, where every change waits that has to reach the index, lies in the same database:")
    scene.command("ledger", "upgrade")
    stage.start_worker()
    with scene.session.begin() as session:
        cities, countries = load(session)
    voice.hold(cities == 34_006, f"{cities:,} cities of {countries} countries are in the database, none in the index")
    voice.command(" ".join(WORKER))
    wait_for(stage.worker_is_ready, "the worker is ready")
    voice.hold(True, "the worker is ready")
    scene.figures["cities"] = f"{cities:,}"


def backfill(scene: Scene) -> None:
    """From an empty index to a full one."""
    voice = scene.voice
    voice.step("Backfill: what was there before the search")
    voice.say("City is declared with @search.schema(fields=['name', 'country_name'], filterable=['country_code'],")
    voice.say("sortable=['population'], select=...). A declaration hooks nothing; a backfill brings in the past.")
    voice.call("search.backfill(City)")
    start = time.monotonic()
    done = search.backfill(City, progress=voice.progress)
    seconds = time.monotonic() - start
    scene.figures["backfill"] = f"{done.documents:,} documents in {seconds:.1f} s ({done.documents / seconds:,.0f}/s)"
    voice.hold(done.documents == 34_006 and done.failed == 0, f"{done.documents:,} documents, none failed")
    count = search.meilisearch.index(City).get_stats().number_of_documents
    voice.hold(count == 34_006, f"the engine counts {count:,} documents")


def write(scene: Scene) -> None:
    """A transaction that is committed, and one that is not."""
    voice = scene.voice
    voice.step("Write: a change and the note that the index has to follow are one transaction")
    before = scene.found("constantinople")
    voice.say(f'search "constantinople" before: {_listed(before)}')
    voice.call(
        "with Session.begin() as session:",
        "    city = session.get_one(City, 745044)      # Istanbul",
        '    city.name = "Constantinople"',
        "    search.sync_record(city, session=session)",
    )
    start = time.monotonic()
    with scene.session.begin() as session:
        city = session.get_one(City, 745044)
        city.name = "Constantinople"
        result = search.sync_record(city, session=session)
        voice.hold(result.state == "deferred", "before the commit the result says `deferred`")
    voice.hold(result.state == "accepted", "after the commit it says `accepted`: not yet visible, but not to be lost")
    scene.settled()
    scene.figures["one change"] = f"searchable {1000 * (time.monotonic() - start):.0f} ms after its commit"
    after = scene.found("constantinople")
    voice.say(f'search "constantinople" after:  {_listed(after)}')
    voice.hold("Constantinople (Turkey)" in after and "Constantinople (Turkey)" not in before, "the new name is found")
    _insert_and_delete(scene)
    _roll_back(scene)


def _insert_and_delete(scene: Scene) -> None:
    voice = scene.voice
    voice.call(
        "with Session.begin() as session:",
        "    session.add(atlantis)",
        "    search.sync_record(atlantis, session=session)",
        "    session.delete(pompei)",
        "    search.delete_record(pompei, session=session)",
    )
    with scene.session.begin() as session:
        atlantis = City(id=1, name="Atlantis", country_code="GR", population=0)
        session.add(atlantis)
        search.sync_record(atlantis, session=session)
        pompei = session.get_one(City, 3170335)
        session.delete(pompei)
        search.delete_record(pompei, session=session)
    scene.settled()
    voice.hold("Atlantis (Greece)" in scene.found("atlantis"), "a new city is found")
    voice.hold("Pompei (Italy)" not in scene.found("pompei"), "a deleted one is not")


def _roll_back(scene: Scene) -> None:
    voice = scene.voice
    voice.call(
        "with Session() as session:",
        '    city.name = "Nowhere"',
        "    search.sync_record(city, session=session)",
        "    session.flush()",
        "    session.rollback()",
    )
    with scene.session() as session:
        city = session.get_one(City, 745044)
        city.name = "Nowhere"
        result = search.sync_record(city, session=session)
        session.flush()
        session.rollback()
    left = scene.counts()
    voice.hold(result.state == "discarded" and not left, "a rolled-back change leaves no work and no document")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"


def verify(scene: Scene) -> None:
    """Whether all that happened has left database and index equal."""
    voice = scene.voice
    voice.step("The end: is the index what the database says?")
    scene.settled()
    scene.command("status")
    scene.command("reconcile")
    start = time.monotonic()
    with scene.session() as session:
        found = compare(session)
    scene.figures["comparison"] = f"{found.rows:,} rows with {found.documents:,} documents, all equal"
    voice.say(
        f"compared every row with its document in {time.monotonic() - start:.1f} s: {len(found.missing)} missing,"
        f" {len(found.orphans)} without a row, {len(found.different)} different"
    )
    voice.hold(found.rows == found.documents == 34_006, f"{found.rows:,} rows and {found.documents:,} documents")
    voice.hold(found.equal, "index and database are equal, document by document")
