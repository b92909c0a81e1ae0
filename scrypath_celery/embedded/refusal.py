"""How the engine says no: one exception, and the table that turns a code into a status and a type."""

from __future__ import annotations

_STATUS: dict[int, tuple[str, ...]] = {
    401: ("missing_authorization_header", "missing_master_key"),
    403: ("invalid_api_key",),
    404: (
        "api_key_not_found",
        "batch_not_found",
        "document_not_found",
        "index_not_found",
        "task_file_not_found",
        "task_not_found",
        "webhook_not_found",
    ),
    409: ("api_key_already_exists", "index_already_exists"),
    413: ("payload_too_large",),
    415: ("invalid_content_type", "missing_content_type", "unsupported_media_type"),
    422: ("io_error", "no_space_left_on_device", "too_many_open_files"),
    500: (
        "database_size_limit_reached",
        "dump_process_failed",
        "index_creation_failed",
        "internal",
        "invalid_state",
        "invalid_store_file",
    ),
    502: ("remote_bad_response", "remote_could_not_send_request", "remote_remote_error", "remote_timeout"),
    503: ("too_many_search_requests",),
}
_BY_CODE = {code: status for status, codes in _STATUS.items() for code in codes}
_AUTH = frozenset({"missing_authorization_header", "missing_master_key", "invalid_api_key"})
_SYSTEM = frozenset(_STATUS[422] + _STATUS[502] + _STATUS[503])
_INTERNAL = frozenset(_STATUS[500] + ("unretrievable_document",))


def status_of(code: str) -> int:
    """The HTTP status that goes with `code`; 400 for every code that has none of its own."""
    return _BY_CODE.get(code, 400)


def type_of(code: str) -> str:
    """The error type that goes with `code`: `invalid_request`, `auth`, `system` or `internal`."""
    if code in _AUTH:
        return "auth"
    if code in _SYSTEM:
        return "system"
    return "internal" if code in _INTERNAL else "invalid_request"


class Refusal(Exception):
    """A refusal in the engine's form.

    `code` is one of the engine's stable codes, `message` a line for people, `status` the HTTP status (by default the
    one that belongs to the code). The same exception carries an error of a task, where the status has no meaning.
    """

    def __init__(self, code: str, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status_of(code) if status is None else status

    @property
    def type(self) -> str:
        """The error type that belongs to the code."""
        return type_of(self.code)

    def body(self) -> dict[str, str]:
        """The error as the engine answers it: `message`, `code`, `type`, `link`."""
        link = f"https://docs.meilisearch.com/errors#{self.code}"
        return {"message": self.message, "code": self.code, "type": self.type, "link": link}
