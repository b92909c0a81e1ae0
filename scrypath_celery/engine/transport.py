"""The official client over pooled connections: one a thread and process, always with timeouts; errors translated."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import requests
from meilisearch import Client
from meilisearch._httprequests import HttpRequests  # private: the client takes no session or timeouts of ours
from meilisearch.errors import (
    MeilisearchApiError,
    MeilisearchCommunicationError,
    MeilisearchError,
    MeilisearchTimeoutError,
)
from pydantic import ValidationError
from requests.adapters import HTTPAdapter
from urllib3.exceptions import NewConnectionError

from .. import tracing
from ..errors import EngineError, EngineUnreachable, KeyRefused, UnexpectedAnswer
from ..totals import Totals
from . import rights
from .answers import WRONG_SHAPE

T = TypeVar("T")

REQUEST = "request"
"""The name of the total of requests, by method, route and status."""
_NAMED = re.compile(r"^(indexes|tasks|batches|keys)/[^/]+")

CHECK = "check the option 'meilisearch_url', and what stands between"
"""What to do about an answer that is not Meilisearch's."""


class PooledRequests(HttpRequests):
    """The official client's HTTP layer over a session: kept-alive connections instead of one for each call."""

    def __init__(self, client: Client, session: requests.Session) -> None:
        super().__init__(client.config)
        if client.config.api_key is None:
            del self.headers["Authorization"]
        self._session = session

    def send_request(self, http_method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            return super().send_request(getattr(self._session, http_method.__name__), *args, **kwargs)
        except (json.JSONDecodeError, AttributeError) as exc:
            # Before its release 0.43 the client reads every refusal as one of Meilisearch's: a proxy's is none.
            context = exc.__context__
            while context is not None and not isinstance(context, requests.HTTPError):
                context = context.__context__
            raise context or exc from None

    def text(self, path: str) -> str:
        """The answer to a GET request as it is."""
        answer = self._session.get(f"{self.config.url}/{path}", timeout=self.config.timeout, headers=self.headers)
        answer.raise_for_status()
        return str(answer.text)


class TracedSession(requests.Session):
    """A session each of whose requests has a span, where the application traces."""

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        with tracing.request(str(method), str(url)) as span:
            answer = super().request(method, url, *args, **kwargs)
            span.answered(answer.status_code)
            return answer


class Transport:
    """Requests to one Meilisearch; safe to share between threads and across forks.

    `timeout` is (seconds to connect, seconds to answer). Nothing is opened before the first request. `totals` counts
    the requests by method, route and status.
    """

    def __init__(
        self, url: str, api_key: str | None, *, timeout: tuple[float, float], totals: Totals | None = None
    ) -> None:
        self._url = url.rstrip("/")
        self.url = shown(self._url)
        self._api_key = api_key
        self._timeout = timeout
        self._totals = totals if totals is not None else Totals()
        self._local = threading.local()

    def client(self) -> Client:
        """The calling thread's own client (the official client is not thread-safe)."""
        if getattr(self._local, "pid", None) != os.getpid():
            session = TracedSession()
            # Proxies and .netrc entries could replace the key that was configured.
            session.trust_env = False
            # A redirected POST would become a GET; the URL is wrong, and is named.
            session.max_redirects = 0
            session.mount("http://", HTTPAdapter(pool_connections=1, pool_maxsize=4))
            session.mount("https://", HTTPAdapter(pool_connections=1, pool_maxsize=4))
            client = Client(self._url, self._api_key, timeout=self._timeout)  # type: ignore[arg-type]
            client.http = PooledRequests(client, session)
            self._local.client, self._local.pid = client, os.getpid()
        found: Client = self._local.client
        return found

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        shape: Callable[[Any], T],
        quoted: bool = False,
        seconds: float | None = None,
    ) -> T:
        """Send one request; what `shape` makes of its answer. With `quoted`, an error repeats the engine's words.

        That is for requests that hold no documents: a message may quote what the request held. `seconds` bound the
        wait for this one answer.

        Raises:
            EngineError: Meilisearch refused it. EngineUnreachable: no answer. UnexpectedAnswer: none of Meilisearch's.
        """
        with self._counted(method, path):
            try:
                answer = self._send(method, path, body, seconds)
            except (MeilisearchError, requests.RequestException, ValidationError, OSError) as exc:
                raise translate(exc, self.url, method, path, quoted=quoted) from exc
        try:
            return shape(answer)
        except WRONG_SHAPE as exc:
            asked = _asked(method, path)
            text = f"an answer to {asked} that is not Meilisearch's came from {self.url}: {CHECK}"
            raise UnexpectedAnswer(text, sent=True) from exc

    def text(self, path: str) -> str:
        """What a GET request is answered with, as text.

        Raises:
            EngineError: there is no such text for this key. EngineUnreachable: no answer.
        """
        client = self.client()
        client.config.timeout = self._timeout  # type: ignore[assignment]
        assert isinstance(client.http, PooledRequests)
        with self._counted("get", path):
            try:
                return client.http.text(path)
            except requests.HTTPError as exc:
                status = exc.response.status_code
                raise EngineError(f"Meilisearch refused GET /{path} with status {status}", status=status) from exc
            except (requests.RequestException, OSError) as exc:
                raise translate(exc, self.url, "get", path) from exc

    @contextmanager
    def _counted(self, method: str, path: str) -> Iterator[None]:
        began, status = time.monotonic(), "ok"
        try:
            yield
        except EngineError as exc:
            status = str(exc.status or exc.code)
            raise
        except BaseException:
            status = "error"
            raise
        finally:
            self._totals.observe(REQUEST, method, route(path), status, seconds=time.monotonic() - began)

    def _send(self, method: str, path: str, body: Any, seconds: float | None) -> Any:
        client = self.client()
        http = client.http
        # The client is this thread's own, so that nobody else sees the other timeout.
        client.config.timeout = self._timeout if seconds is None else (min(self._timeout[0], seconds), seconds)  # type: ignore[assignment]
        if method == "get":
            return http.get(path)
        if method == "delete":
            return http.delete(path)
        return getattr(http, method)(path, body)


def route(path: str) -> str:
    """The route of a request: its path without parameters, and without the names and numbers in it."""
    return _NAMED.sub(r"\1/*", path.partition("?")[0])


def shown(url: str) -> str:
    """A URL without the user and password that it may hold: this is what errors, reports and logs say."""
    try:
        parts = urlsplit(url)
    except ValueError:  # what redirects may name anything
        return "another place"
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def translate(exc: Exception, url: str, method: str, path: str, *, quoted: bool = False) -> EngineError:
    """The error of this package for one of the official client's or of requests'; `quoted` as in `Transport.call`."""
    cause = exc.__cause__ or exc
    if isinstance(exc, MeilisearchApiError):
        return _refused(exc, url, method, path, quoted)
    if isinstance(exc, MeilisearchTimeoutError):
        sent = not isinstance(cause, requests.exceptions.ConnectTimeout)
        return EngineUnreachable(f"Meilisearch at {url} did not answer in time", sent=sent)
    if isinstance(exc, MeilisearchCommunicationError):
        sent = not _never_connected(cause)
        what = "broke the connection" if sent else "cannot be reached"
        return EngineUnreachable(f"Meilisearch at {url} {what}", sent=sent, broken=sent)
    if isinstance(exc, requests.HTTPError):
        return _foreign(exc.response.status_code, _retry_after(exc.response), url, _asked(method, path))
    if isinstance(exc, requests.TooManyRedirects):
        place = "" if exc.response is None else shown(exc.response.headers.get("Location", "")).partition("?")[0]
        text = f"{url} redirects {_asked(method, path)} to {place or 'another place'}"
        return UnexpectedAnswer(f"{text}: set the option 'meilisearch_url' to where Meilisearch is", sent=False)
    kind, asked = type(cause).__name__, _asked(method, path)
    if isinstance(cause, requests.JSONDecodeError):
        text = f"an answer to {asked} that is no JSON came from {url}: {CHECK}"
        return UnexpectedAnswer(text, sent=True)
    return EngineUnreachable(f"Meilisearch at {url} gave no intelligible answer to {asked} ({kind})", sent=True)


def _refused(exc: MeilisearchApiError, url: str, method: str, path: str, quoted: bool) -> EngineError:
    retry_after = _retry_after(getattr(exc.__cause__, "response", None))
    status, asked = exc.status_code, _asked(method, path)
    if not isinstance(exc.code, str) or not isinstance(exc.type, str):
        return _foreign(status, retry_after, url, asked)
    text = f"Meilisearch refused {asked} with status {status}, code {exc.code}"
    refused = exc.type == "auth" or status in (401, 403)
    if refused:
        right = rights.needed(method, path)
        text += f": the key for {url} (option 'meilisearch_api_key') is wrong"
        text += "" if right is None else f", or lacks the right {right!r}"
        text += f": {exc.message}"
    elif quoted:
        text += f": {exc.message}"
    return (KeyRefused if refused else EngineError)(
        f"{text} (see {exc.link})" if exc.link and (quoted or refused) else text,
        status=status,
        engine_code=exc.code,
        engine_type=exc.type,
        retry_after=retry_after,
        engine_message=exc.message,
        link=exc.link,
    )


def _foreign(status: int, retry_after: float | None, url: str, asked: str) -> EngineError:
    """The error for a refusal by a proxy, and not by Meilisearch."""
    text = f"an answer to {asked} with status {status} that is not Meilisearch's came from {url}"
    if status >= 500:
        return EngineUnreachable(text, sent=True, status=status, retry_after=retry_after)
    return EngineError(f"{text}: {CHECK}", status=status, retry_after=retry_after)


def _retry_after(response: requests.Response | None) -> float | None:
    """The seconds after which a refused request may come again, where the refusal says so."""
    wait = None if response is None else response.headers.get("Retry-After")
    return float(wait) if wait and wait.isdigit() else None


def _asked(method: str, path: str) -> str:
    """A request as reasons name it: without its parameters."""
    return f"{method.upper()} /{path.partition('?')[0]}"


def _never_connected(cause: BaseException) -> bool:
    reason = getattr(cause.args[0] if cause.args else None, "reason", None)
    return isinstance(cause, requests.exceptions.ConnectTimeout) or isinstance(reason, NewConnectionError)
