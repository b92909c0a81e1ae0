"""Options: what they are, what they may be, and where they come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from typing import Any, get_type_hints

from .declaration.generation import FIRST, name_in
from .environment import variables
from .errors import ConfigError
from .work import Mode


@dataclass(frozen=True, kw_only=True)
class Options:
    """Every option, with its default. Times are in seconds, sizes in bytes.

    A command's flag beats an argument of `Scrypath(...)`, which beats a `SCRYPATH_*` environment variable, which
    beats the Celery app's configuration (`scrypath_*`, under any namespace that the app uses).
    """

    meilisearch_url: str = field(default="http://127.0.0.1:7700", repr=False)
    """Where Meilisearch is."""
    meilisearch_api_key: str | None = field(default=None, repr=False)
    """The key that it asks for; never shown."""
    backend: str = "meilisearch"
    """The kind of engine; there is one."""
    index_prefix: str = ""
    """What the engine's names of indexes begin with, followed by `_`: several applications may share an engine."""
    generation: int = FIRST
    """The generation of the indexes that this process works with: another one than the first is in another engine."""
    generations: tuple[int, ...] = ()
    """All generations that writes are captured for, while an application moves to another engine."""
    sync_mode: str = Mode.CELERY.value
    """What a call promises that names no mode: `celery`, `inline`, `manual` or `off`."""
    queue: str = "search_sync"
    """The Celery queue of our tasks; that of a second generation is called `search_sync-g2`."""
    bulk_queue: str | None = None
    """The Celery queue of backfills and rebuilds; the same as of all others where it is not named."""
    include: tuple[str, ...] = ()
    """Modules that declare schemas, to be imported by workers and commands."""
    log_exception_text: bool = False
    """Whether the ledger keeps what an exception of a projection says, which may be what a record holds."""
    playbooks: str = "playbooks"
    """The directory of saved searches."""

    engine_connect_timeout: float = 3.0
    """How long a connection to the engine may take."""
    engine_timeout: float = 30.0
    """How long the engine may take to answer one request."""
    payload_bytes: int = 8_000_000
    """The size at which a payload of documents is closed (the engine's own limit is 100 MB by default)."""
    claim_documents: int = 5_000
    """The most documents that one claim takes."""
    bulk_documents: int = 20_000
    """The most documents that one claim of a backfill or rebuild takes."""
    bulk_bytes: int = 256_000_000
    """What of backfills and rebuilds may be on its way to the engine at once."""
    bulk_seconds: float = 10.0
    """The same while single changes come in, as the time that the engine takes to index it."""
    read_documents: int = 1_000
    """The most records that are read and projected at a time."""
    lease: float = 60.0
    """How long a claim is held without a sign of progress."""
    task_seconds: float = 30.0
    """How long one Celery task goes on claiming."""
    hang_seconds: float = 10.0
    """How long one record may be projected before its work is shown as hanging."""
    time_limit: float = 150.0
    """How long a Celery task may take before its process is killed; four fifths of it before it is interrupted."""
    await_seconds: float = 20.0
    """How long a claim waits for the engine before its works are left `submitted`."""
    max_attempts: int = 8
    """Verdicts after which a work becomes a dead letter."""
    mass_delete_count: int = 100
    """Deletions that nobody asked for by name, beyond which they wait for a word of an operator."""
    mass_delete_share: float = 0.01
    """The same as a share of the documents of the index; the larger one counts."""
    max_claims: int = 5
    """Claims that ended without a settlement after which a work fails as `source`."""
    backoff: float = 2.0
    """The first wait before a retry; doubled with each attempt, with full jitter."""
    backoff_max: float = 600.0
    """The longest wait before a retry."""
    pause_max: float = 60.0
    """The longest wait between two probes of a paused index."""
    relay_period: float = 5.0
    """How often the relay looks for unclaimed work."""
    ledger_notify: bool = False
    """Whether triggers on PostgreSQL notify workers of what they write, so that none waits for the relay."""
    publish_grace: float = 10.0
    """How long after its creation or last publication a work is published again."""
    watch_seconds: float = 86_400.0
    """How long the engine's tasks are watched for unresolved sends."""
    keep_succeeded: float = 86_400.0
    """How long works that succeeded are kept."""
    keep_cancelled: float = 604_800.0
    """How long works that were given up are kept."""
    report_dead_letters: bool = True
    """Whether dead letters are reported to error trackers: by tasks that fail unexpectedly, and log lines at ERROR."""
    rebuild_ranges: int = 8
    """Ranges of the key that a rebuild is filled by at the same time."""
    rebuild_expires: float = 604_800.0
    """How long a rebuild in which nothing moves, or that waits for its cut-over, is kept."""
    broker_seconds: float = 2.0
    """How long the publisher waits for a broker, and an operator's command for an answer of one."""
    poll_first: float = 0.02
    """The first wait between two looks at the engine's tasks; it grows."""
    poll_max: float = 0.5
    """The longest wait between two looks at the engine's tasks."""

    @property
    def other_generations(self) -> tuple[int, ...]:
        """The generations that writes are captured for and that processes of other options work with."""
        if not self.generations:  # nearly always, and every write asks
            return ()
        return tuple(one for one in dict.fromkeys(self.generations) if one != self.generation)


NAMES: tuple[str, ...] = tuple(option.name for option in fields(Options))
_TYPES: Mapping[str, Any] = get_type_hints(Options)


def resolve(*sources: Mapping[str, Any]) -> Options:
    """The options of several sources, the first one winning; a value of None counts as not given.

    Raises:
        ConfigError: an option is unknown (the nearest known one is named), or cannot be what it is given as.
    """
    merged: dict[str, Any] = {}
    for source in sources:
        for name, value in source.items():
            if name not in NAMES:
                raise ConfigError(f"unknown option {name!r}{_suggest(name)}")
            if value is not None:
                merged.setdefault(name, value)
    if not merged:
        return Options()
    from .option_checks import check  # loads pydantic

    found = Options(**{name: check(name, _TYPES[name], value) for name, value in merged.items()})
    return found if found.generation == FIRST else _apart(found)


def _apart(options: Options) -> Options:
    """The options of another generation than the first, whose workers have queues of their own."""
    bulk = options.bulk_queue and name_in(options.bulk_queue, options.generation)
    return replace(options, queue=name_in(options.queue, options.generation), bulk_queue=bulk)


def from_environment(environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The options that `SCRYPATH_*` variables give; `SCRYPATH_APP` and `SCRYPATH_TEST_*` are not options.

    Raises:
        ConfigError: a variable names no option.
    """
    found: dict[str, Any] = {}
    for variable, text in (variables() if environ is None else environ).items():
        if not variable.upper().startswith("SCRYPATH_") or variable == "SCRYPATH_APP" or "_TEST_" in variable:
            continue
        name = variable[len("SCRYPATH_") :].lower()
        if variable != variable.upper():
            raise ConfigError(f"environment variable {variable!r} must be upper case: {variable.upper()!r}")
        if name not in NAMES:
            raise ConfigError(f"unknown environment variable {variable!r}{_suggest(name, 'SCRYPATH_')}")
        found[name] = text
    return found


def from_celery(conf: Iterable[tuple[str, Any]], namespace: str | None = None) -> dict[str, Any]:
    """The options in a Celery app's configuration: keys `scrypath_*`, or `SCRYPATH_*` with an upper-case namespace.

    Raises:
        ConfigError: a key names no option, or has the wrong case.
    """
    found: dict[str, Any] = {}
    prefix = f"{namespace}_" if namespace else ""
    for key, value in conf:
        bare = key[len(prefix) :] if prefix and key.startswith(prefix) else key
        if not bare.lower().startswith("scrypath_"):
            continue
        name = bare[len("scrypath_") :]
        if name.lower() not in NAMES:
            raise ConfigError(
                f"unknown setting {key!r} in the Celery configuration{_suggest(name.lower(), 'scrypath_')}"
            )
        if bare not in (bare.lower(), bare.upper()):
            raise ConfigError(f"setting {key!r} in the Celery configuration must be all lower or all upper case")
        found[name.lower()] = value
    return found


def _suggest(name: str, prefix: str = "") -> str:
    near = get_close_matches(name.lower(), NAMES, n=1)
    if not near:
        return ""
    return f"; did you mean {prefix + (near[0].upper() if prefix.isupper() else near[0])!r}?"
