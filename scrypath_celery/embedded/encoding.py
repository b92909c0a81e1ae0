"""Bodies as they come over the wire: compressed in one of four ways, and never larger than the limit."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import brotli  # type: ignore[import-untyped]
import zstandard

from .refusal import Refusal

_PIECE = 1 << 16


def too_large(limit: int) -> Refusal:
    """The refusal of a body of more than `limit` bytes."""
    words = f"{limit // 1_000_000} MB" if limit >= 1_000_000 else f"{limit} B"
    return Refusal(
        "payload_too_large",
        f"The provided payload reached the size limit. The maximum accepted payload size is {words}.",
    )


def plain(body: bytes, encoding: str, limit: int) -> bytes:
    """The body without its compression; an unknown `Content-Encoding` is ignored, as the engine does.

    Refusal `payload_too_large` where it holds more than `limit` bytes, `bad_request` where it is corrupt.
    """
    feed = _decoders().get(encoding.strip().lower())
    if feed is None or not body:
        return body
    out = bytearray()
    try:
        for start in range(0, len(body), _PIECE):
            out += feed(body[start : start + _PIECE], limit - len(out) + 1)
            if len(out) > limit:
                raise too_large(limit)
        out += feed(b"", limit - len(out) + 1)
    except (zlib.error, brotli.error, zstandard.ZstdError, EOFError) as exc:
        raise Refusal("bad_request", f"The body cannot be decompressed: {exc}") from exc
    if len(out) > limit:
        raise too_large(limit)
    return bytes(out)


_Feed = Callable[[bytes, int], bytes]


def _decoders() -> dict[str, _Feed]:
    return {
        "gzip": _Zlib(31).feed,
        "x-gzip": _Zlib(31).feed,
        "deflate": _Zlib(15).feed,
        "br": _brotli(),
        "zstd": _zstd(),
    }


class _Zlib:
    """gzip or zlib, piece by piece; an empty piece says that no more comes."""

    def __init__(self, window: int) -> None:
        self._decoder = zlib.decompressobj(window)

    def feed(self, piece: bytes, most: int) -> bytes:
        if not piece:
            if not self._decoder.eof:
                raise EOFError("the stream ends before its end mark")
            return b""
        return self._decoder.decompress(piece, most)


def _brotli() -> _Feed:
    decoder = brotli.Decompressor()

    def feed(piece: bytes, _most: int) -> bytes:
        if piece:
            return bytes(decoder.process(piece))
        if not decoder.is_finished():
            raise EOFError("the stream ends before its end mark")
        return b""

    return feed


def _zstd() -> _Feed:
    decoder = zstandard.ZstdDecompressor().decompressobj()

    def feed(piece: bytes, _most: int) -> bytes:
        if piece:
            return bytes(decoder.decompress(piece))
        if not decoder.eof:
            raise EOFError("the stream ends before its end mark")
        return b""

    return feed
