"""What X says when it refuses: status, problem body and headers, after recorded answers and X's pages on errors.

Where a body is not recorded anywhere that we know of (402, `RulesInvalidIssue`, the texts of the rarer disconnects), it
follows the pattern of its neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

PROBLEMS = "https://api.twitter.com/2/problems/"
PAGE = "<!DOCTYPE html>\n<html><head><title>Over capacity</title></head><body><h1>Back soon</h1></body></html>"
ONE_OR_MORE = "One or more parameters to your request was invalid."


@dataclass(frozen=True)
class Answer:
    """What goes out. A `body` that is text is sent as it is, None sends nothing, everything else is JSON."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


def problem(status: int, title: str, detail: str, kind: str = "about:blank", **more: Any) -> Answer:
    """A problem in X's writing; `kind` is the last part of its type."""
    type_ = kind if kind == "about:blank" else PROBLEMS + kind
    known = {"status": status} if kind == "about:blank" else {}
    return Answer(status, {**more, "title": title, "detail": detail, "type": type_, **known})


def invalid(*faults: tuple[str, Any, str]) -> Answer:
    """400 for parameters: their name, what was given, what is wrong."""
    errors = [
        {"parameters": {name: [str(given)]} if name else {}, "message": message} for name, given, message in faults
    ]
    return problem(400, "Invalid Request", ONE_OR_MORE, "invalid-request", errors=errors)


def server_error(status: int) -> Answer:
    titles = {500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}
    return problem(status, titles[status], titles[status])


_ISSUES = {
    "TooManyConnections": (429, "This stream is currently at the maximum allowed connection limit."),
    "ProvisioningSubscription": (
        409,
        "Your subscription change is currently being provisioned, please try again in a minute.",
    ),
    "RuleConfigurationIssue": (
        409,
        "You must define rules using the POST /2/tweets/search/stream/rules endpoint before connecting to filtered "
        "stream.",
    ),
    "RulesInvalidIssue": (409, "One or more of your rules is no longer valid."),
}


def connection_issue(kind: str) -> Answer:
    status, detail = _ISSUES[kind]
    return problem(status, "ConnectionException", detail, "streaming-connection", connection_issue=kind)


_REASONS = {
    "OperationalDisconnect": "This stream has been disconnected for operational reasons.",
    "UpstreamOperationalDisconnect": "This stream has been disconnected upstream for operational reasons.",
    "ForceDisconnect": "This stream has been disconnected because another connection took its place.",
    "UpstreamUncleanDisconnect": "This stream has been disconnected upstream without notice.",
    "SlowReader": "This stream has been disconnected because it was read too slowly.",
    "InternalError": "This stream has been disconnected because of an internal error.",
    "ClientApplicationStateDegraded": "This stream has been disconnected because its application is degraded.",
    "InvalidRules": "This stream has been disconnected because its rules are invalid.",
}


def disconnect(kind: str) -> dict[str, Any]:
    """The last message of a stream."""
    return {
        "errors": [
            {
                "title": "operational-disconnect",
                "disconnect_type": kind,
                "detail": _REASONS[kind],
                "type": PROBLEMS + "operational-disconnect",
            }
        ]
    }


def not_found(resource: str, parameter: str, value: str) -> dict[str, Any]:
    """An entry of `errors` beside `data`: no longer there."""
    return {
        "value": value,
        "detail": f"Could not find {resource} with {parameter}: [{value}].",
        "title": "Not Found Error",
        "resource_type": resource,
        "parameter": parameter,
        "resource_id": value,
        "type": PROBLEMS + "resource-not-found",
    }


def not_authorized(resource: str, parameter: str, value: str) -> dict[str, Any]:
    """An entry of `errors` beside `data`: there, but not for us."""
    return {
        "resource_id": value,
        "parameter": parameter,
        "resource_type": resource,
        "section": "data",
        "title": "Authorization Error",
        "value": value,
        "detail": f"Sorry, you are not authorized to see the {resource} with {parameter}: [{value}].",
        "type": PROBLEMS + "not-authorized-for-resource",
    }


ACCOUNT = "1580000000000000001"
UNAUTHORIZED = problem(401, "Unauthorized", "Unauthorized")
TOO_MANY_REQUESTS = problem(429, "Too Many Requests", "Too Many Requests")
NOT_FOUND = problem(404, "Not Found", "Not Found")
CREDITS_DEPLETED = problem(
    402,
    "CreditsDepleted",
    f"Your enrolled account [{ACCOUNT}] does not have any credits to fulfill this request.",
    "credits",
    account_id=int(ACCOUNT),
)
CLIENT_FORBIDDEN = problem(
    403,
    "Client Forbidden",
    "When authenticating requests to the Twitter API v2 endpoints, you must use keys and tokens from a Twitter "
    "developer App that is attached to a Project. You can create a project via the developer portal.",
    "client-forbidden",
    client_id="33000001",
    required_enrollment="Appropriate Level of API Access",
    reason="client-not-enrolled",
    registration_url="https://developer.twitter.com/en/docs/projects/overview",
)
USAGE_CAPPED = problem(
    429,
    "UsageCapExceeded",
    "Usage cap exceeded: Monthly product cap",
    "usage-capped",
    account_id=int(ACCOUNT),
    period="Monthly",
    scope="Product",
)
UNSUPPORTED_AUTHENTICATION = problem(
    403,
    "Unsupported Authentication",
    "Authenticating with OAuth 2.0 Application-Only is forbidden for this endpoint.  Supported authentication types "
    "are [OAuth 1.0a User Context, OAuth 2.0 User Context].",
    "unsupported-authentication",
)
NOT_SUMMONED = problem(
    403, "Forbidden", "You can only reply to or quote posts where you are mentioned or are the author"
)
SAME_TEXT = problem(403, "Forbidden", "You are not allowed to create a Tweet with duplicate content.")
REPLY_TO_NOTHING = problem(403, "Forbidden", "You attempted to reply to a Tweet that is deleted or not visible to you.")
