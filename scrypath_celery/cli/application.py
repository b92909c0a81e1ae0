"""Finding the application that a command is about, and loading it as Celery does."""

from __future__ import annotations

import configparser
import os
import shlex
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from ..masking import masked

if TYPE_CHECKING:
    from celery import Celery

    from ..app import Scrypath

HOW = (
    'no application: give -A MODULE, or set SCRYPATH_APP=MODULE, or write app = "MODULE" under'
    " [tool.scrypath-celery] in pyproject.toml (app = MODULE under [scrypath-celery] in setup.cfg)"
)


SECTION = "scrypath-celery"
"""What our part of the project's files is called."""


@dataclass(frozen=True, kw_only=True)
class AppTarget:
    """Which application a command line names, and how it calls our commands; `app` where Celery loaded it already."""

    name: str | None
    program: str
    app: Any = None

    @property
    def worker(self) -> str:
        """How a worker of this application is started; Celery itself knows neither SCRYPATH_APP nor our files.

        Raises:
            ConfigError: no application is named.
        """
        name = self.name if self.app is not None else named(self.name, Path.cwd())
        return f"celery -A {shlex.quote(name or '')} worker"

    def load(self) -> Scrypath:
        """The application's `Scrypath`, its schemas known.

        Raises:
            ConfigError: no application is named, it cannot be imported, or it has no Scrypath.
        """
        if self.app is not None:
            return scrypath_of(self.app, self.name or "")
        name = named(self.name, Path.cwd())
        return scrypath_of(imported(name), name)


def named(given: str | None, folder: Path) -> str:
    """The application's name: given, else from SCRYPATH_APP, else from the project's files in `folder`.

    Raises:
        ConfigError: nothing names one.
    """
    for name in (given, os.environ.get("SCRYPATH_APP"), *_written(folder)):
        if name:
            return name
    raise ConfigError(HOW)


def imported(name: str) -> Celery:
    """The Celery app of a name as Celery's `-A` takes it, or of a factory; the working directory is importable.

    Raises:
        ConfigError: it cannot be imported, or is no Celery app.
    """
    from celery.app.utils import find_app

    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    plain = name.removesuffix("()")
    try:
        return celery_of(find_app(plain), name)
    except ConfigError:
        raise
    except ModuleNotFoundError as exc:
        if exc.name == plain and ":" in plain:  # Celery took a name that its module has not for a module
            raise _missing(name) from exc
        module = plain.partition(":")[0]
        if exc.name and f"{module}.".startswith(f"{exc.name}."):
            raise ConfigError(f"no module {exc.name!r} for the application {name!r} (looked in {here} too)") from exc
        raise ConfigError(f"the application {name!r} needs a module that is not there: {exc.name}") from exc
    except AttributeError as exc:
        if exc.obj is not sys.modules.get(plain.partition(":")[0]):
            raise _broken(name, exc) from exc
        raise ConfigError(
            f"no Celery app in {name!r}: name it, or its factory, after a colon (shop:create_app)"
        ) from exc
    except SystemExit as exc:
        raise _ended(name, exc) from exc
    except Exception as exc:  # the application's own code may raise anything
        raise _broken(name, exc) from exc


def _ended(name: str, exc: SystemExit) -> ConfigError:
    text = masked(" ".join(str(exc.code).split()))[:300]
    return ConfigError(f"the application {name!r} exited while it was imported ({text})")


def _missing(name: str) -> ConfigError:
    return ConfigError(f"no Celery app in {name!r}: name it, or its factory, after a colon (shop:create_app)")


def _broken(name: str, exc: Exception) -> ConfigError:
    text = masked(" ".join(f"{type(exc).__name__}: {exc}".split()))
    return ConfigError(f"the application {name!r} could not be imported ({text[:300]})")


def celery_of(found: Any, name: str) -> Celery:
    """The Celery app in what a name led to: itself, a web application's, a Scrypath's, or what a factory makes.

    Raises:
        ConfigError: there is none.
    """
    from celery import Celery

    for _ in range(2):
        candidates = [found, getattr(found, "celery_app", None)]
        extensions = getattr(found, "extensions", None)
        candidates.append(extensions.get("celery") if isinstance(extensions, dict) else None)
        for candidate in candidates:
            if isinstance(candidate, Celery):
                return candidate
        if not callable(found):
            break
        found = found()
    raise ConfigError(f"{name!r} is no Celery app, and makes none: name the app, or its factory, after a colon")


def scrypath_of(app: Celery, name: str) -> Scrypath:
    """The Scrypath of a Celery app, with the modules imported that declare its schemas.

    Raises:
        ConfigError: it has none, or one of its modules cannot be imported.
    """
    try:
        app.loader.import_default_modules()
        search: Scrypath | None = getattr(app, "scrypath", None)
        if search is not None:
            search.load()
    except ImportError as exc:
        raise ConfigError(
            f"a module that the application {name!r} includes cannot be imported ({masked(str(exc))})"
        ) from exc
    except SystemExit as exc:
        raise _ended(name, exc) from exc
    if search is None:
        raise ConfigError(
            f"the Celery app {name!r} has no Scrypath: attach one with Scrypath(app, ...) or init_app(app)"
        )
    return search


def _written(folder: Path) -> Iterator[str | None]:
    """What the project's files say, in the order in which they are looked at."""
    settings, project = folder / "setup.cfg", folder / "pyproject.toml"
    if settings.is_file():
        parser = configparser.ConfigParser(interpolation=None, default_section="")
        with _readable(settings):
            parser.read_string(settings.read_text(encoding="utf-8"))
        if parser.has_section(SECTION):
            yield _named_in(settings, dict(parser.items(SECTION)))
    if project.is_file():
        with _readable(project):
            tool = tomllib.loads(project.read_text(encoding="utf-8")).get("tool")
        if isinstance(tool, dict) and SECTION in tool:
            yield _named_in(project, tool[SECTION])


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    """Say in one line why a file of the project cannot be read."""
    try:
        yield
    except (OSError, ValueError, configparser.Error) as exc:  # those of TOML and of UTF-8 are ValueErrors
        raise ConfigError(f"{file} cannot be read ({type(exc).__name__}: {' '.join(str(exc).split())[:200]})") from exc


def _named_in(file: Path, found: Any) -> str | None:
    """The application that a file names in our part of it."""
    if not isinstance(found, dict) or found.keys() - {"app"}:
        raise ConfigError(f'{file}: {SECTION} takes one key, app = "MODULE"')
    name = found.get("app")
    if name is not None and not isinstance(name, str):
        raise ConfigError(f"{file}: {SECTION}: app must be the name of a module, not {type(name).__name__}")
    return name
