"""A proxy in front of an engine that answers for it, or changes what it is asked, as a test says."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_PASSED_ON = ("content-type", "authorization", "content-encoding")


@dataclass(frozen=True)
class Request:
    """What a client asked: `path` with its parameters."""

    method: str
    path: str
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What the proxy answers by itself."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


Meddle = Callable[[Request], Answer | str | None]
"""What is done with a request: answered, sent on with another path, or (None) sent on as it is."""


@dataclass
class Proxy:
    """A running proxy; `meddle` is None where it passes everything on, `meddled` counts what it did not."""

    url: str
    meddle: Meddle | None = None
    meddled: int = 0


@contextmanager
def proxy_to(target: str) -> Iterator[Proxy]:
    """A proxy to the engine at `target`, until the end."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # headers and body leave together

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = self.path
            done = proxy.meddle(Request(self.command, path, body)) if proxy.meddle is not None else None
            if done is not None:
                proxy.meddled += 1
            if isinstance(done, Answer):
                self.reply(done)
                return
            headers = {name: value for name, value in self.headers.items() if name.lower() in _PASSED_ON}
            request = urllib.request.Request(target + (done or path), body or None, headers, method=self.command)
            try:
                with urllib.request.urlopen(request) as found:
                    self.reply(Answer(found.status, found.read(), found.headers["Content-Type"] or ""))
            except urllib.error.HTTPError as exc:
                with exc:
                    self.reply(Answer(exc.code, exc.read(), exc.headers["Content-Type"] or ""))

        def reply(self, answer: Answer) -> None:
            self.send_response(answer.status)
            headers = {"Content-Type": answer.content_type, "Content-Length": str(len(answer.body))} | answer.headers
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

    for method in ("GET", "POST", "PATCH", "PUT", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.answer)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    proxy = Proxy(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
