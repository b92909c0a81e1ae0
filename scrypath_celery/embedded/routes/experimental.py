"""What needs an experimental feature: the engine knows the routes and says that the feature is off."""

from __future__ import annotations

from ..call import Answer, Call, answer
from ..core import Core
from ..refusal import Refusal
from .indexes import uid_of
from .route import Route

_FEATURES = (
    "metrics",
    "logsRoute",
    "editDocumentsByFunction",
    "containsFilter",
    "dynamicSearchRules",
    "network",
    "getTaskDocumentsRoute",
    "taskQueueCompactionRoute",
    "compositeEmbedders",
    "chatCompletions",
    "multimodal",
    "foreignKeys",
    "disableDocumentsFetchQueue",
    "legacySearch",
    "renderRoute",
)


def _features(_core: Core, _call: Call) -> Answer:
    return answer(dict.fromkeys(_FEATURES, False))


def _off(_core: Core, call: Call) -> Answer:
    text = f"Using `{call.path}` requires enabling an experimental feature, and the embedded engine has none."
    raise Refusal("feature_not_enabled", text)


def _foreign_keys(core: Core, call: Call) -> Answer:
    core.catalogue.get(uid_of(call))
    return answer([])


def _chat(core: Core, call: Call) -> Answer:
    core.catalogue.get(uid_of(call))
    return answer(
        {
            "description": "",
            "documentTemplate": "{% for field in fields %}{% if field.is_searchable and field.value != nil %}"
            "{{ field.name }}: {{ field.value }}\n{% endif %}{% endfor %}",
            "documentTemplateMaxBytes": 400,
            "searchParameters": {},
        }
    )


ROUTES = (
    Route("GET", "/experimental-features", _features, "experimental.get"),
    Route("GET", "/metrics", _off, "metrics.get"),
    Route("GET", "/tasks/{task}/documents", _off, "tasks.get"),
    Route("POST", "/indexes/{index}/documents/edit", _off, "documents.*"),
    Route("GET", "/indexes/{index}/settings/foreign-keys", _foreign_keys, "settings.get"),
    Route("GET", "/indexes/{index}/settings/chat", _chat, "settings.get"),
)
