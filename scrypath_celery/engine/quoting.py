"""Errors that repeat the engine's own words: for requests that hold no documents.

What the engine says of a refused document may quote the document, so errors of those requests keep to code and id.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import EngineError, KeyRefused


@contextmanager
def quoted(url: str) -> Iterator[None]:
    """Let an error of the request inside say what the engine said, and of a refused key where to look for it."""
    try:
        yield
    except EngineError as exc:
        words = [str(exc)]
        if exc.engine_message:
            words.append(f": {exc.engine_message.rstrip()}")
        if exc.link:
            words.append(f" (see {exc.link})")
        if isinstance(exc, KeyRefused):
            words.append(f"; the key for {url} is the option 'meilisearch_api_key'")
        exc.args = ("".join(words),)
        raise
