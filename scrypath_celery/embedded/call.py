"""One request as the routes see it, and one answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from .access import Access
from .refusal import Refusal

_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, body and further headers; a body of None is sent as nothing at all."""

    status: int
    body: bytes | None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = _JSON


def answer(value: Any, status: int = 200) -> Answer:
    """A JSON answer."""
    return Answer(status, orjson.dumps(value))


def refused(refusal: Refusal, retry_after: int = 10) -> Answer:
    """The answer to what is refused; every 503 says when to come back, in seconds."""
    headers = {"Retry-After": str(retry_after)} if refusal.status == 503 else {}
    return Answer(refusal.status, orjson.dumps(refusal.body()), headers)


@dataclass(slots=True)
class Call:
    """One request: `places` are the variable parts of the path, `body` is plain or the reason why it is not."""

    method: str
    path: str
    places: Mapping[str, str]
    query: Mapping[str, str]
    raw_query: str
    headers: Mapping[str, str]
    body: bytes | Refusal
    access: Access

    def only(self, *names: str) -> None:
        """Refuse query parameters other than `names`."""
        for name in self.query:
            if name not in names:
                if not names:
                    raise Refusal("bad_request", f"Unknown parameter `{name}`")
                listed = ", ".join(f"`{one}`" for one in names)
                raise Refusal("bad_request", f"Unknown parameter `{name}`: expected one of {listed}")

    def content_type(self, *accepted: str) -> str:
        """The content type, one of `accepted`; Refusal `missing_content_type` or `invalid_content_type`."""
        found = self.headers.get("Content-Type")
        listed = ", ".join(f"`{one}`" for one in accepted)
        tail = f"Accepted values for the Content-Type header are: {listed}"
        if found is None:
            raise Refusal("missing_content_type", f"A Content-Type header is missing. {tail}")
        kind = found.split(";")[0].strip().lower()
        if kind not in accepted:
            raise Refusal("invalid_content_type", f"The Content-Type `{found}` is invalid. {tail}")
        return kind

    def plain_body(self) -> bytes:
        """The body; Refusal where it was too large or could not be decompressed."""
        if isinstance(self.body, Refusal):
            raise self.body
        return self.body

    def json(self) -> Any:
        """The JSON body of a route that takes nothing else; Refusal."""
        self.content_type(_JSON)
        body = self.plain_body()
        if not body:
            raise Refusal("missing_payload", "A json payload is missing.")
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as exc:
            raise Refusal("malformed_payload", f"The json payload provided is malformed. `{exc}`.") from exc
