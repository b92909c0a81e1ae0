"""Where a page runs: a folder with the shop of the pages in it, an engine, a broker, and ports that are free."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from scrypath_celery.embedded import EmbeddedEngine
from scrypath_celery.testing.broker import FakeBroker
from tests.docs.page import CHECKOUT
from tests.docs.programs import Programs

SHOP = CHECKOUT / "examples" / "pages"


class Stage(ExitStack):
    """The surroundings of one page; what it started ends with it."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.ports = {7700: 0, 6379: 0, 5000: 0, 5555: 0, 8000: 0, 9808: 0}

    def __enter__(self) -> Self:
        super().__enter__()
        self.runner = self.enter_context(asyncio.Runner())
        engine = self.enter_context(EmbeddedEngine())
        broker = self.enter_context(FakeBroker())
        self.ports |= {7700: engine.port, 6379: broker.port}
        for port, ours in self.ports.items():
            self.ports[port] = ours or _free()
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        places = os.pathsep.join([str(self.folder), str(CHECKOUT)])
        os.environ |= {"PATH": path, "PYTHONPATH": places, "PYTHONUNBUFFERED": "1", "C_FORCE_ROOT": "1"}
        os.environ["FLASK_RUN_PORT"] = str(self.ports[5000])
        os.environ["CATALOGUE_DATABASE"] = f"sqlite:///{self.folder / 'catalogue.db'}"
        os.environ["SHOP_DATABASE"] = f"sqlite+aiosqlite:///{self.folder / 'shop.db'}"
        self.enter(self.folder)
        self.name_engine()
        self.programs = self.enter_context(Programs(self.folder))
        return self

    def enter(self, folder: Path) -> None:
        """Make a folder the current one, from where Python imports too."""
        os.chdir(folder)
        sys.path.insert(0, str(folder))

    def renew(self, *ports: int) -> None:
        """Take other ports for these: what listens there is about to be started by the page."""
        self.ports |= {port: _free() for port in ports}
        self.name_engine()

    def name_engine(self) -> None:
        """Name the engine in the environment."""
        os.environ["SCRYPATH_MEILISEARCH_URL"] = f"http://127.0.0.1:{self.ports[7700]}"

    def moved(self, text: str) -> str:
        """The text of a page with the ports that it names replaced by those that are used here, on loopback alone."""
        text = text.replace("0.0.0.0", "127.0.0.1")
        for port, ours in self.ports.items():
            text = re.sub(rf"((?:127\.0\.0\.1|localhost):|-port[ =]){port}\b", rf"\g<1>{ours}", text)
        return text

    def write(self, name: str, text: str) -> Path:
        """Put a file of a page into the folder."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self.moved(text))
        return file

    def put_shop(self) -> None:
        """Put the shop of the pages there."""
        for file in SHOP.glob("*.py"):
            self.write(file.name, file.read_text().replace("sqlite:///shop.db", f"sqlite:///{self.folder / 'shop.db'}"))


def _free() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
