"""`python -m tests.docs.walk PAGE FOLDER`: runs the blocks of one page in their order."""

from __future__ import annotations

import importlib
import json
import sys
import time
import tomllib
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml
from sqlalchemy import Engine, select

from scrypath_celery.ledger.tables import work
from tests.docs import python_blocks, shell_blocks
from tests.docs.page import FILES, PYTHON, SHELL, Block, blocks, settings
from tests.docs.stage import Stage
from tests.zygote import Zygote

WORKER = "celery -A shop worker -Q search_sync -P threads -c 2 --without-mingle --without-gossip"
FIRST_DEAD = 601
READERS: dict[str, Callable[[str], object]] = {"toml": tomllib.loads, "json": json.loads, "yaml": yaml.safe_load}


def walk(page: Path, folder: Path) -> None:
    """Run a page in an empty folder."""
    with Stage(folder) as stage:
        module = ModuleType("page")  # where SQLAlchemy looks for the names in annotations
        sys.modules["page"] = module
        names = vars(module)
        names |= begin(stage, settings(page))
        for block in blocks(page):
            if block.left_out is None:
                try:
                    if str(FIRST_DEAD) in block.text and (stage.folder / "shop.db").exists():
                        leave_dead_letters(importlib.import_module("shop").engine)
                    run(block, stage, names)
                    end_transaction(names)
                except BaseException as exc:
                    exc.add_note(f"{page}:{block.line}")
                    raise


def run(block: Block, stage: Stage, names: dict[str, Any]) -> None:
    """Run one block by its language."""
    if block.language == PYTHON:
        python_blocks.run(block, stage, names)
    elif block.language == SHELL:
        shell_blocks.run(block, stage)
    elif block.language in FILES:
        found = python_blocks.FILE.match(block.text)
        reader = READERS.get(block.language)
        if reader is not None:
            reader(block.text)
        if found is not None:
            stage.write(found.group(1), block.text)


def begin(stage: Stage, wanted: set[str]) -> dict[str, Any]:
    """Set up what a page asks for; the names that its first block of Python knows."""
    if "nothing" in wanted:
        return {}
    stage.put_shop()
    base: Any = importlib.import_module("shop_base")
    base.search.ledger.create_all()
    if "no classes" in wanted:
        return {**public(base), "session": base.Session()}
    shop: Any = importlib.import_module("shop")
    shop.Base.metadata.create_all(shop.engine)
    shop.fill()
    for model in (shop.Post, shop.Page, shop.Product):
        shop.search.backfill(model, sync_mode="inline")
    if "a worker" in wanted:
        stage.programs.start(WORKER, r" ready\.")
    session = shop.Session()
    names = {**public(shop), "session": session, "post": session.get_one(shop.Post, 1)}
    end_transaction(names)
    return names


def public(module: ModuleType) -> dict[str, Any]:
    """The names of a module that pages may use."""
    return {name: value for name, value in vars(module).items() if not name.startswith("_")}


def end_transaction(names: dict[str, Any]) -> None:
    """Make the tables of what a block declared, and commit what it wrote: the next one may be another process."""
    if "session" in names:
        names["session"].commit()
    if "Base" in names and "engine" in names:
        names["Base"].metadata.create_all(names["engine"])


def leave_dead_letters(engine: Engine) -> None:
    """The works that pages speak of: 601 and those after it have failed."""
    row = {"index_uid": "posts", "operation": "upsert", "documents": 1, "mode": "celery", "state": "failed"}
    row |= {
        "attempts": 1,
        "reason_class": "source",
        "error_code": "projection_raised",
        "reason": "its projection raised",
    }
    now = time.time()
    row |= {"created_at": now, "publish_after": now, "available_at": now, "finished_at": now}
    with engine.begin() as connection:
        if connection.scalar(select(work.c.id).where(work.c.id == FIRST_DEAD)) is None:
            for number in range(4):
                connection.execute(work.insert().values(**row, id=FIRST_DEAD + number, ids=[str(number + 1)]))


def main() -> None:
    """Run a page; the programs on it are forked from what this process is at first."""
    Zygote.hatch()
    warnings.simplefilter("error")
    walk(Path(sys.argv[1]), Path(sys.argv[2]))


if __name__ == "__main__":
    main()
