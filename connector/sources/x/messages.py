"""One message of X's stream: a post with the rules that X says it meets, a reason for the end, or something unknown.

`payload.py` reads the post; whatever else comes, nothing here ends the reading. Called by `live.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from connector.errors import AdapterError, AuthError, TemporaryError
from connector.incoming import Incoming, Refused
from connector.models import GapCause
from connector.sources.x import tags
from connector.sources.x.governor import SOON, Failure
from connector.sources.x.payload import LineError, decode
from connector.sources.x.shapes import Id, read

NAME = re.compile(r"[A-Za-z]{1,60}")
NO_POST = "a message of X without a post"
Names = Mapping[str, Sequence[tuple[int, int]]]
"""Our rules, each with its version, by X's id of the rule that stands for them, which may be somebody else's."""


@dataclass(frozen=True, slots=True)
class End:
    """Why the stream is over, and what that means for the next try."""

    error: AdapterError
    failure: Failure = Failure.NETWORK
    at_least: float = 0.0
    """Seconds until the next try, if X named any."""
    rules_doubtful: bool = False
    """What stands in X's list of rules may not be what we left there."""


class _Matching(msgspec.Struct, gc=False):
    id: Id = None
    tag: str | None = None


class _Something(msgspec.Struct, gc=False):
    """Read by others."""


class _Message(msgspec.Struct, gc=False):
    data: _Something | None = None
    matching_rules: list[_Matching] | None = None
    errors: list[Any] | None = None
    connection_issue: str | None = None
    disconnect_type: str | None = None


def message(line: bytes, name: str, installation: str, names: Names) -> Incoming | Refused | End:
    """What one line of the stream says; `name` is the source's, `names` tells rules whose tag is missing."""
    try:
        found = read(line, _Message)
    except LineError as error:
        return Refused(str(error).partition(":")[0])
    if found.data is None:
        return _end(found, name) or Refused(NO_POST)
    try:
        posts = decode(line)
    except LineError as error:
        return Refused(str(error).partition(":")[0])
    if len(posts) != 1:
        return Refused(NO_POST)
    posts[0].named = _named(found.matching_rules or (), installation, names)
    return posts[0]


def _named(matching: Sequence[_Matching], installation: str, names: Names) -> tuple[tuple[int, int], ...]:
    """The rules of ours among them, each once."""
    found: dict[tuple[int, int], None] = {}
    for one in matching:
        tag = tags.read(one.tag or "")
        ours = tag.rules if tag and tag.installation == installation else names.get(str(one.id), ())
        found.update(dict.fromkeys(ours))
    return tuple(found)


def _end(message: _Message, name: str) -> End | None:
    """The end that this message announces; None if it announces none."""
    told = [error for error in message.errors or () if isinstance(error, dict)]
    told.append({"connection_issue": message.connection_issue, "disconnect_type": message.disconnect_type})
    for one in told:
        if isinstance(kind := one.get("disconnect_type"), str):
            return ended(kind, name)
        if isinstance(issue := one.get("connection_issue"), str):
            return not_opened(issue, name)
    return None


ISSUES = {
    "TooManyConnections": "as many streams are open as this account's plan allows. End the other one; one that broke "
    "off counts for a while",
    "ProvisioningSubscription": "a change of the plan is being provisioned",
    "RuleConfigurationIssue": "it says that there is no rule. The rules are compared again",
    "RulesInvalidIssue": "a rule is not valid any more. The rules are compared again; those that X refuses are named",
}
"""Why X does not open a stream, in our words."""
OURS_TO_MEND = {
    "SlowReader": "because it was not read fast enough. If this comes again, look at the load of this computer and of "
    "the database",
    "ForceDisconnect": "because another connection took its place. Look whether a second installation uses the same "
    "token",
    "InvalidRules": "because a rule is not valid. The rules are compared again; those that X refuses are named here",
    "ClientApplicationStateDegraded": "because the app is suspended or may not use the stream. Look at it in X's "
    "developer console",
}
THEIRS = {
    "OperationalDisconnect": "for reasons of its own",
    "UpstreamOperationalDisconnect": "for reasons of its own, upstream",
    "UpstreamUncleanDisconnect": "upstream, without notice",
    "InternalError": "because of an error of its own",
}


def ended(kind: str, name: str) -> End:
    """For X's word for why it ends an open stream."""
    if why := OURS_TO_MEND.get(kind):
        sentence = f"X ended the stream {why}."
    else:
        sentence = f"X ended the stream {THEIRS.get(kind) or _unknown(kind)}; it is opened again."
    if kind == "ClientApplicationStateDegraded":
        return End(AuthError(sentence, name), Failure.SERVER)
    cause = GapCause.BACK_PRESSURE if kind == "SlowReader" else GapCause.DISCONNECT
    # Opened at once again, two installations would throw each other out many times a second.
    failure = Failure.SERVER if kind in ("ForceDisconnect", "InvalidRules") else Failure.NETWORK
    return End(TemporaryError(sentence, name, cause=cause), failure, rules_doubtful=kind == "InvalidRules")


def _unknown(word: str) -> str:
    return f"for a reason that is not known here, {word}" if NAME.fullmatch(word) else "without a known reason"


def not_opened(issue: str, name: str) -> End:
    """For X's word for why it opens no stream."""
    why = ISSUES.get(issue) or _unknown(issue)
    error = TemporaryError(f"X does not open the stream: {why}.", name, cause=GapCause.DISCONNECT)
    if issue == "TooManyConnections":
        error.cause = GapCause.RATE_LIMIT
        return End(error, Failure.RATE)
    at_least = SOON if issue == "ProvisioningSubscription" else 0.0
    doubtful = issue in ("RuleConfigurationIssue", "RulesInvalidIssue")
    return End(error, Failure.SERVER, at_least, rules_doubtful=doubtful)
