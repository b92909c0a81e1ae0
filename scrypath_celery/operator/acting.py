"""Who acts: the user and the host that the ledger keeps beside what an operator did."""

from __future__ import annotations

import getpass
import socket


def somebody() -> str:
    """Who runs this process, and on which host."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "unknown"
    return f"{name}@{socket.gethostname()}"[:200]
