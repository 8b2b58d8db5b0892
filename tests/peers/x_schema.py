"""Answers held against X's own description of its API (OpenAPI 2.167), more strictly than it asks itself.

The description stands beside the repository, where `CONNECTOR_SHARED` says. A field that it does not list is an error
here, but for those in `BESIDES`; recorded answers say `tweets` where it says `posts`, which counts as the same.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import jsonschema

from tests.conftest import SHARED
from tests.peers.x_endpoints import ENDPOINTS, as_posts

DESCRIPTION = SHARED / "data" / "x" / "openapi-2.167.json"
BESIDES: dict[str, frozenset[str]] = {
    "GetRulesResponse": frozenset({"sent"}),
    "Problem": frozenset({"errors", "parameters"}),
}
"""Recorded, or in X's own examples, and not in its description: by schema, fields of it or of a part of it."""
RULE_PROBLEMS = ("duplicate-rules", "invalid-rules")
"""Without the detail that other problems have."""


def validate(endpoint: str, status: int, body: Any) -> None:
    """Raises `jsonschema.ValidationError` where the answer is not one that X describes."""
    body = _same_words(body)
    if status >= 400:
        _problem(body)
        return
    method, path = ENDPOINTS[endpoint]
    operation = _description()["paths"][path][method.lower()]
    schema = operation["responses"][str(_described(operation, status))]["content"]["application/json"]["schema"]
    name = schema["$ref"].rsplit("/", 1)[1]
    for one in body.get("errors", ()):
        _problem(one)
    rest = {key: value for key, value in body.items() if key != "errors"}
    jsonschema.Draft202012Validator(_closed(name)).validate(rest)


def problems_described() -> frozenset[str]:
    """The last parts of the types that X describes a schema for."""
    mapping = _description()["components"]["schemas"]["Problem"]["discriminator"]["mapping"]
    return frozenset(type_.rsplit("/", 1)[1] for type_ in mapping)


def _described(operation: Any, status: int) -> int:
    """Added rules are answered with 201 in recordings, which the description does not know."""
    return status if str(status) in operation["responses"] else 200


def _problem(body: Any) -> None:
    """One of X's problems; those that it has no schema for have at least a title, a type and a detail."""
    kind = body["type"].rsplit("/", 1)[-1]
    required = ["title", "type"] if kind in RULE_PROBLEMS else ["title", "type", "detail"]
    strings = dict.fromkeys(("title", "type", "detail"), {"type": "string"})
    jsonschema.validate(body, {"type": "object", "required": required, "properties": strings})
    if kind in problems_described():
        mapping = _description()["components"]["schemas"]["Problem"]["discriminator"]["mapping"]
        name = next(ref for type_, ref in mapping.items() if type_.endswith("/" + kind)).rsplit("/", 1)[1]
        jsonschema.Draft202012Validator(_closed(name)).validate(body)


def _same_words(body: Any) -> Any:
    """As the description writes them, the host of problems included."""
    text = json.dumps(as_posts(body)).replace("https://api.twitter.com/2/problems/", "https://api.x.com/2/problems/")
    return json.loads(text)


@cache
def _description() -> Any:
    return json.loads(DESCRIPTION.read_bytes())


@cache
def _closed(name: str) -> Any:
    """The schema of this name, with everything that it refers to, and no fields beyond those listed."""
    return {"$ref": f"#/components/schemas/{name}", "components": {"schemas": _all_closed()}}


@cache
def _all_closed() -> Any:
    return {
        name: _close(schema, BESIDES.get("Problem" if name.endswith("Problem") else name, frozenset()))
        for name, schema in _description()["components"]["schemas"].items()
    }


def _close(schema: Any, besides: frozenset[str]) -> Any:
    if isinstance(schema, list):
        return [_close(part, besides) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _close(part, besides) for key, part in schema.items() if key != "discriminator"}
    if isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema:
        closed["additionalProperties"] = False
        closed["properties"] |= dict.fromkeys(besides, True)
    if schema.get("nullable"):
        return {"anyOf": [{"type": "null"}, closed]}
    return closed
