"""The HTTP side: reads requests, lets faults strike, finds the route, answers. Runs on an event loop."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from scrypath_celery.embedded.call import Answer, Call, refused
from scrypath_celery.embedded.core import Core, ids_in
from scrypath_celery.embedded.encoding import plain, too_large
from scrypath_celery.embedded.faults import REQUEST_KINDS, Circumstance, Fault
from scrypath_celery.embedded.refusal import Refusal
from scrypath_celery.embedded.routes.route import Route
from scrypath_celery.embedded.routes.service import FAULT_PATH, FAULT_ROUTES
from scrypath_celery.embedded.routes.table import ROUTES, Table

_LOG = logging.getLogger(__name__)
_SMALL = 128 * 1024
_DRAIN = 8 * 1024 * 1024
_FULL = (
    "Meilisearch cannot receive write operations because the limit of the task database has been reached. Please delete"
    " tasks to continue performing write operations."
)
_BUSY = "Too many search requests running at the same time: 1000. Retry after 10s."
_PROXY = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><h1>502 Bad Gateway</h1></body>\r\n</html>\r\n"
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Max-Age": "86400",
}


class Server:
    """Answers requests to one engine; `faults_route` opens the local route by which faults are set from outside."""

    def __init__(self, core: Core, *, faults_route: bool = False) -> None:
        self._core = core
        self._table = Table((*ROUTES, *FAULT_ROUTES) if faults_route else ROUTES)
        self._pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="embedded-engine")
        self._late: set[asyncio.Task[Any]] = set()
        self._http: web.Server | None = None
        self._listener: asyncio.Server | None = None

    async def open(self, host: str, port: int) -> int:
        """Listen, and return the port; OSError where it cannot be had."""
        loop = asyncio.get_running_loop()
        self._http = _Http(self._handle, auto_decompress=False, access_log=None, keepalive_timeout=3600.0)
        self._listener = await loop.create_server(self._http, host, port, backlog=1024)
        return int(self._listener.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening, and cut what is still open."""
        if self._listener is not None:
            self._listener.close()
        for late in self._late:
            late.cancel()
        if self._http is not None:
            await self._http.shutdown(0.0)
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        raw_path, _, raw_query = request.raw_path.partition("?")
        route, places, known = self._table.find(request.method, raw_path)
        if request.method == "OPTIONS" and request.headers.get("Origin"):
            return web.Response(status=200, headers=_CORS)
        body = await self._body(request)
        if isinstance(body, Refusal) and body.status == 413 and route is not None:
            return await self._too_large(request, body)
        fault = None
        if not raw_path.startswith(FAULT_PATH):
            fault = self._core.faults.take(REQUEST_KINDS, self._circumstance(request, raw_path, places, body))
        if fault is not None:
            return await self._faulty(fault, request, route, places, known, raw_query, body)
        return _response(request, await self._answer(request, route, places, known, raw_query, body))

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
            return await self._off_loop(lambda: plain(raw, encoding, limit))
        except Refusal as refusal:
            return refusal

    async def _too_large(self, request: web.BaseRequest, refusal: Refusal) -> web.StreamResponse:
        """Answer, and close: of a body that is much too large the rest is not even read, as the engine does it."""
        left = _DRAIN
        async for piece in request.content.iter_any():
            left -= len(piece)
            if left < 0:
                break
        response = _response(request, refused(refusal))
        response.force_close()
        if left < 0 and request.transport is not None:
            await response.prepare(request)
            await response.write_eof()
            request.transport.abort()
        return response

    async def _answer(
        self,
        request: web.BaseRequest,
        route: Route | None,
        places: dict[str, str],
        known: bool,
        raw_query: str,
        body: bytes | Refusal,
    ) -> Answer:
        if route is None:
            return Answer(405 if known else 404, None)
        large = isinstance(body, bytes) and len(body) > _SMALL

        def run() -> Answer:
            return self._run(request, route, places, raw_query, body)

        # What is quick is done here and now, unless somebody holds the database; then it waits off the loop.
        if not route.slow and not large and self._core.database.lock.acquire(blocking=False):
            try:
                return run()
            finally:
                self._core.database.lock.release()
        return await self._off_loop(run)

    async def _off_loop(self, act: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._pool, act)

    def _run(
        self, request: web.BaseRequest, route: Route, places: dict[str, str], raw_query: str, body: bytes | Refusal
    ) -> Answer:
        try:
            access = self._core.gate.check(request.headers.get("Authorization"), route.action)
            query = dict(parse_qsl(raw_query, keep_blank_values=True))
            call = Call(request.method, route.path, places, query, raw_query, request.headers, body, access)
            return route.handler(self._core, call)
        except Refusal as refusal:
            return refused(refusal)
        except Exception as exc:
            _LOG.exception("%s %s crashed", request.method, request.raw_path)
            return refused(Refusal("internal", f"An internal error has occurred. `{type(exc).__name__}`."))

    def _circumstance(
        self, request: web.BaseRequest, path: str, places: dict[str, str], body: bytes | Refusal
    ) -> Circumstance:
        def ids() -> list[str]:
            if "document" in places:
                return [places["document"]]
            index = self._core.catalogue.find(places.get("index", ""))
            return ids_in(body, index.primary_key if index else None) if isinstance(body, bytes) else []

        return Circumstance(ids, places.get("index"), request.method, path)

    async def _faulty(self, fault: Fault, request: web.BaseRequest, *rest: Any) -> web.StreamResponse:
        """Answer, or don't, as a fault wants it."""
        options, transport = fault.options, request.transport
        match fault.kind:
            case "refuse":
                full = options["status"] == 422
                refusal = Refusal("no_space_left_on_device", _FULL) if full else Refusal("too_many_search_requests", _BUSY)
                return _response(request, refused(refusal, options["retry_after"]))
            case "err" if options["status"] == 502:
                return _response(request, Answer(502, _PROXY, content_type="text/html"))
            case "err":
                return _response(request, refused(Refusal("internal", "An internal error has occurred.", status=options["status"])))
            case "slow":
                await asyncio.sleep(options["seconds"])
            case "hang":
                while not fault.removed:
                    await asyncio.sleep(0.02)
            case "register_later":
                late = asyncio.ensure_future(self._later(options["seconds"], request, *rest))
                self._late.add(late)
                late.add_done_callback(self._late.discard)
            case "cut_after":
                await self._answer(request, *rest)
        if fault.kind in ("cut_before", "cut_after", "register_later"):
            if transport is not None:
                transport.abort()
            return web.Response(status=500)
        answer = await self._answer(request, *rest)
        if fault.kind == "truncate":
            return await _truncated(request, answer, options["keep"])
        return _response(request, answer)

    async def _later(self, seconds: float, request: web.BaseRequest, *rest: Any) -> None:
        await asyncio.sleep(seconds)
        await self._answer(request, *rest)


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
        refusal = Refusal("bad_request", f"The request is no valid HTTP: {(message or '').strip()[:200]}", status=status)
        response = web.Response(status=status, body=refused(refusal).body, content_type="application/json")
        response.force_close()
        return response


class _Http(web.Server):
    """aiohttp's server, with our protocol."""

    def __call__(self) -> RequestHandler:
        """A protocol for a new connection."""
        return _Protocol(self, loop=self._loop, **self._kwargs)
