"""What Sentry is sent by processes of a test, written to a file instead."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from tests.shop import Shop

FILE = "SHOP_REPORTS"
"""The variable that names the file."""


class FileTransport(Transport):
    """Writes the events down, one a line: a line is written at once, whichever process writes it."""

    def capture_envelope(self, envelope: Envelope) -> None:
        """Write the events of an envelope."""
        events = [item.payload.get_bytes() for item in envelope.items if item.type == "event"]
        with Path(os.environ[FILE]).open("ab", buffering=0) as file:
            file.write(b"".join(event + b"\n" for event in events))


class Reports:
    """The file of events that processes of `tests.shop_reporting` write."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def env(self, shop: Shop) -> dict[str, str]:
        """The environment of a process that reports here."""
        return {**shop.setup.env(), FILE: str(self.file)}

    def __call__(self) -> list[dict[str, Any]]:
        """The events of dead letters."""
        lines = self.file.read_text().splitlines() if self.file.exists() else []
        return [event for event in map(json.loads, lines) if event.get("fingerprint", [""])[0].startswith("scrypath")]

    def fingerprints(self) -> list[list[str]]:
        """How these events are grouped."""
        return [event["fingerprint"][1:] for event in self()]
