"""What is in the sdist and the wheel of a folder, and what they say about themselves."""

from __future__ import annotations

import sys
import tarfile
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

PACKAGE = "scrypath_celery"
METADATA = ("Name", "Version", "Summary", "License-File", "Requires-Python", "Description-Content-Type")
URLS = {"Homepage", "Source", "Documentation", "Changelog", "Issues"}
NEVER = (".git", "__pycache__", ".venv", ".env", ".nox", "node_modules")
ENTRY_POINTS = ("scrypath-celery = scrypath_celery.cli:main", "scrypath = scrypath_celery.cli.plugin:scrypath")


def check(holds: bool, what: str) -> None:
    """Go on where it holds, else end with what does not.

    Raises:
        SystemExit: it does not hold.
    """
    if not holds:
        raise SystemExit(f"the distribution: {what}")


def sources(root: Path) -> set[str]:
    """The files of the package in a checkout."""
    files = (path for path in (root / PACKAGE).rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {str(path.relative_to(root)) for path in files if not any(part.startswith(".") for part in path.parts)}


def check_wheel(file: Path, root: Path) -> None:
    """The wheel holds the package and nothing else, and its metadata are whole."""
    with ZipFile(file) as archive:
        names = archive.namelist()
        metadata = Parser().parsestr(archive.read(next(name for name in names if name.endswith("/METADATA"))).decode())
        points = archive.read(next(name for name in names if name.endswith("/entry_points.txt"))).decode()
    missing = sources(root) - set(names)
    check(not missing, f"the wheel lacks {sorted(missing)[:5]}")
    strange = [name for name in names if not name.startswith((f"{PACKAGE}/", f"{PACKAGE}-"))]
    check(not strange, f"the wheel holds {strange[:5]}")
    lacking = [name for name in METADATA if not metadata.get(name)]
    check(not lacking, f"the metadata lack {lacking}")
    check_urls(metadata.get_all("Project-URL", []))
    check(all(point in points for point in ENTRY_POINTS), f"the entry points are {points!r}")
    check(f"{PACKAGE}/py.typed" in names, "the wheel says nothing about types")


def check_urls(lines: list[str]) -> None:
    """Each of the project's addresses is named."""
    named = {name.strip(): url.strip() for name, _, url in (line.partition(",") for line in lines)}
    lacking = sorted(name for name in URLS if not named.get(name, "").startswith("https://"))
    check(not lacking, f"the metadata lack the addresses {lacking}")


def check_sdist(file: Path, root: Path) -> None:
    """The sdist holds what a wheel is built of, and nothing that belongs to a machine."""
    with tarfile.open(file) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    wanted = sources(root) | {"setup.cfg", "pyproject.toml", "README.md", "LICENSE", "PKG-INFO"}
    missing = wanted - set(names)
    check(not missing, f"the sdist lacks {sorted(missing)[:5]}")
    strange = [name for name in names if any(part in NEVER or part.endswith(".db") for part in Path(name).parts)]
    check(not strange, f"the sdist holds {strange[:5]}")


def main(folder: Path, root: Path) -> None:
    """Check the one wheel and the one sdist of a folder."""
    wheels, sdists = list(folder.glob("*.whl")), list(folder.glob("*.tar.gz"))
    check(len(wheels) == len(sdists) == 1, f"there are {len(wheels)} wheels and {len(sdists)} sdists")
    check_wheel(wheels[0], root)
    check_sdist(sdists[0], root)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
