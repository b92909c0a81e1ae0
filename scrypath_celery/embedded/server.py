"""The HTTP side: reads requests, lets faults strike, finds the route, answers. Runs on an event loop."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from .call import Answer, Call, refused
from .core import Core, ids_in
from .encoding import plain, too_large
from .faults import REQUEST_KINDS, Circumstance, Fault
from .refusal import Refusal
from .routes.route import Route
from .routes.service import FAULT_PATH, FAULT_ROUTES
from .routes.table import ROUTES, Table

_T = TypeVar("_T")
_LOG = logging.getLogger(__name__)
_SMALL = 128 * 1024
_LINE = 72_000
_DRAIN = 8 * 1024 * 1024
_ACCEPTING = 3
"""Turns of the loop until what was accepted last is a connection, which can be cut."""
_FULL = (
    "Meilisearch cannot receive write operations because the limit of the task database has been reached. Please delete"
    " tasks to continue performing write operations."
)
_BUSY = "Too many search requests running at the same time: 1000. Retry after 10s."
_PROXY = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><h1>502 Bad Gateway</h1></body>\r\n</html>\r\n"
)
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Max-Age": "86400",
}


@dataclass(frozen=True, slots=True)
class _Incoming:
    """A request that was read, and the route that it goes to (None: there is none)."""

    request: web.BaseRequest
    path: str
    query: str
    route: Route | None
    places: dict[str, str]
    known: bool
    body: bytes | Refusal


class Server:
    """Answers requests to one engine; `faults_route` opens the local route by which faults are set from outside."""

    def __init__(self, core: Core, *, faults_route: bool = False) -> None:
        self._core = core
        self._table = Table((*ROUTES, *FAULT_ROUTES) if faults_route else ROUTES)
        self._pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="embedded-engine")
        self._late: set[asyncio.Task[Any]] = set()
        self._fault_ended = asyncio.Event()
        self._http: web.Server | None = None
        self._listener: asyncio.Server | None = None

    async def open(self, host: str, port: int) -> int:
        """Listen, and return the port; OSError where it cannot be had."""
        loop = asyncio.get_running_loop()
        self._http = _Http(
            self._handle,
            auto_decompress=False,
            access_log=None,
            max_line_size=_LINE,
            max_field_size=_LINE,
            lingering_time=2.0,
        )
        self._listener = await loop.create_server(self._http, host, port, backlog=1024)
        self._core.faults.watch(functools.partial(self._wake_soon, loop))
        return int(self._listener.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening, and cut what is still open."""
        if self._listener is not None:
            # Sockets that are accepted while a listener closes are lost to Python 3.11, which leaves them open.
            with suppress(NotImplementedError):  # not on every platform
                for one in self._listener.sockets:
                    asyncio.get_running_loop().remove_reader(one.fileno())
            for _ in range(_ACCEPTING):
                await asyncio.sleep(0)
            self._listener.close()
        for late in self._late:
            late.cancel()
        if self._http is not None:
            await self._http.shutdown(0.1)  # zero would wait for ever
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _wake_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        """Let those look again who wait for the end of a fault."""
        self._fault_ended.set()
        self._fault_ended = asyncio.Event()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        if request.method == "OPTIONS" and request.headers.get("Origin"):
            return web.Response(status=200, headers=_CORS)
        route, places, known = self._table.find(request.method, path)
        body = await self._body(request)
        if isinstance(body, Refusal) and body.status == 413 and route is not None:
            return await _too_large(request, body)
        incoming = _Incoming(request, path, query, route, places, known, body)
        fault = None
        if not path.startswith(FAULT_PATH):
            fault = self._core.faults.take(REQUEST_KINDS, self._circumstance(incoming))
        if fault is not None:
            return await self._faulty(fault, incoming)
        return _response(request, await self._answer(incoming))

    async def _body(self, request: web.BaseRequest) -> bytes | Refusal:
        """The body without its compression, or why there is none."""
        limit = self._core.payload_limit
        if not request.can_read_body:
            return b""
        if request.headers.get("Expect", "").lower() == "100-continue" and request.transport is not None:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        pieces, size = [], 0
        async for piece in request.content.iter_any():
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                return too_large(limit)
        raw = b"".join(pieces)
        encoding = request.headers.get("Content-Encoding")
        if encoding is None:
            return raw
        try:
            return await self._off_loop(functools.partial(plain, raw, encoding, limit))
        except Refusal as refusal:
            return refusal

    async def _answer(self, incoming: _Incoming) -> Answer:
        route = incoming.route
        if route is None:
            return Answer(405 if incoming.known else 404, None)
        large = isinstance(incoming.body, bytes) and len(incoming.body) > _SMALL
        # What is quick is done here and now, unless somebody holds the database; then it waits off the loop.
        if not route.slow and not large and self._core.database.lock.acquire(blocking=False):
            try:
                return self._run(route, incoming)
            finally:
                self._core.database.lock.release()
        return await self._off_loop(functools.partial(self._run, route, incoming))

    async def _off_loop(self, act: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, act)

    def _run(self, route: Route, incoming: _Incoming) -> Answer:
        request = incoming.request
        try:
            access = self._core.gate.check(request.headers.get("Authorization"), route.action)
            query = dict(parse_qsl(incoming.query, keep_blank_values=True))
            call = Call(
                request.method,
                incoming.path,
                incoming.places,
                query,
                incoming.query,
                request.headers,
                incoming.body,
                access,
            )
            return route.handler(self._core, call)
        except Refusal as refusal:
            return refused(refusal)
        except Exception as exc:  # noqa: BLE001 - a bug is answered as the engine answers its own, and logged
            _LOG.exception("%s %s crashed", request.method, request.raw_path)
            return refused(Refusal("internal", f"An internal error has occurred. `{type(exc).__name__}`."))

    def _circumstance(self, incoming: _Incoming) -> Circumstance:
        def ids() -> list[str]:
            places, body = incoming.places, incoming.body
            if "document" in places:
                return [places["document"]]
            index = self._core.catalogue.find(places.get("index", ""))
            return ids_in(body, index.primary_key if index else None) if isinstance(body, bytes) else []

        return Circumstance(ids, incoming.places.get("index"), incoming.request.method, incoming.path)

    async def _faulty(self, fault: Fault, incoming: _Incoming) -> web.StreamResponse:
        """Answer, or don't, as a fault wants it."""
        request, options = incoming.request, fault.options
        instead = _instead(fault)
        if instead is not None:
            return _response(request, instead)
        match fault.kind:
            case "slow":
                await asyncio.sleep(options["seconds"])
            case "hang":
                while not fault.removed:
                    await self._fault_ended.wait()
            case "register_later":
                late = asyncio.create_task(self._later(options["seconds"], incoming))
                self._late.add(late)
                late.add_done_callback(self._late.discard)
            case "cut_after":
                await self._answer(incoming)
        if fault.kind in ("cut_before", "cut_after", "register_later"):
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        answer = await self._answer(incoming)
        if fault.kind == "truncate":
            return await _truncated(request, answer, options["keep"])
        return _response(request, answer)

    async def _later(self, seconds: float, incoming: _Incoming) -> None:
        await asyncio.sleep(seconds)
        await self._answer(incoming)


def _instead(fault: Fault) -> Answer | None:
    """What a fault answers without that anything is done; None where it does not."""
    options = fault.options
    if fault.kind == "refuse":
        full = options["status"] == 422
        refusal = Refusal("no_space_left_on_device", _FULL) if full else Refusal("too_many_search_requests", _BUSY)
        return refused(refusal, options["retry_after"])
    if fault.kind != "err":
        return None
    if options["status"] == 502:
        return Answer(502, _PROXY, content_type="text/html")
    return refused(Refusal("internal", "An internal error has occurred.", status=options["status"]))


async def _too_large(request: web.BaseRequest, refusal: Refusal) -> web.StreamResponse:
    """Answer and close; where the body is much too large, close without reading it, as the engine does."""
    left = _DRAIN
    async for piece in request.content.iter_any():
        left -= len(piece)
        if left < 0 and request.transport is not None:
            request.transport.abort()
            break
    response = _response(request, refused(refusal))
    response.force_close()
    return response


def _response(request: web.BaseRequest, answer: Answer) -> web.Response:
    headers = dict(answer.headers)
    if "Origin" in request.headers:
        headers["Access-Control-Allow-Origin"] = "*"
    if answer.body is None:
        return web.Response(status=answer.status, headers=headers)
    return web.Response(status=answer.status, body=answer.body, headers=headers, content_type=answer.content_type)


async def _truncated(request: web.BaseRequest, answer: Answer, keep: float) -> web.StreamResponse:
    body = answer.body or b""
    response = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type})
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: int(len(body) * keep)])
    if request.transport is not None:
        request.transport.close()
    return response


class _Protocol(RequestHandler):
    """aiohttp's protocol, with the engine's form for what is no HTTP."""

    def handle_error(
        self, request: Any, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Answer to a request that could not be read."""
        if status >= 500:
            return super().handle_error(request, status, exc, message)
        refusal = Refusal(
            "bad_request", f"The request is no valid HTTP: {(message or '').strip()[:200]}", status=status
        )
        response = web.Response(status=status, body=refused(refusal).body, content_type="application/json")
        response.force_close()
        return response


class _Http(web.Server):
    """aiohttp's server, with our protocol."""

    def __call__(self) -> RequestHandler:
        """A protocol for a new connection."""
        return _Protocol(self, loop=self._loop, **self._kwargs)
