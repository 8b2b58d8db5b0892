"""Our rules and those on X's stream: compared, added, removed, without touching what is not ours.

A rule that X does not take is named with X's reason and the others go on; new rules are added before old ones go, so
that nothing is missed in between. Called by `upkeep.py` before the stream is opened and whenever the rules changed;
`tags.py` is what we write on each.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from connector.errors import AuthError, RefusedError
from connector.sources import Stopping, Wanted
from connector.sources.x import tags
from connector.sources.x.client import Client
from connector.sources.x.problems import ProblemError, plain

PATH = "tweets/search/stream/rules"
PAGE = 1000
NAMED = 10
"""So many rules are named one by one in a sentence; of further ones the number is told."""
Rules = tuple[tuple[int, int], ...]
"""Ours, each with its version."""
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Plan:
    """What X's plans allow on the stream, after its pages of August 2026."""

    rules: int
    length: int
    """Characters of a rule."""
    together: int
    """Rules in one request; X names no figure, this is our own."""


PLANS = {"pay-per-use": Plan(1000, 1024, 100), "enterprise": Plan(25_000, 2048, 1000)}


@dataclass(frozen=True, slots=True)
class Listed:
    """A rule as it stands on X's stream."""

    id: str
    value: str
    tag: str = ""


@dataclass
class Standing:
    """What came of comparing."""

    names: dict[str, Rules] = field(default_factory=dict)
    """Our rules by X's id of the rule that stands for them."""
    troubles: list[str] = field(default_factory=list)
    """What a person should look at, a sentence each."""
    added: int = 0
    removed: int = 0


def compared(
    client: Client, installation: str, wanted: Iterable[Wanted], plan: Plan, take_over: bool, stopping: Stopping
) -> Standing:
    """Make X's list that of the rules we want; raises AdapterError, also where another installation has rules there.

    Safe to repeat, and after any failure in between.
    """
    return _Comparison(client, installation, plan, take_over, stopping).run(wanted)


class _Comparison:
    def __init__(self, client: Client, installation: str, plan: Plan, take_over: bool, stopping: Stopping) -> None:
        self._client, self._installation, self._plan = client, installation, plan
        self._take_over, self._stopping = take_over, stopping
        self._found = Standing()

    def run(self, wanted: Iterable[Wanted]) -> Standing:
        groups = self._grouped(wanted)
        ours, foreign, strange = self._sorted(list(self._listed()))
        if foreign and not self._take_over:
            raise RefusedError(
                f"{_count(foreign)} on the stream of this X app, and they belong to another installation of the "
                "connector. Two would cut each other's stream: stop the other one, then set `take_over = true`.",
                self._client.name,
            )
        if strange:
            self._found.troubles.append(
                f"{_count(strange)} on X's stream that the connector did not make; they are left alone, and X counts "
                "their posts."
            )
        kept = [one for one in ours if self._keeps(one, groups)]
        stays = {one.id for one in kept}
        gone = [one for one in [*ours, *foreign] if one.id not in stays]
        standing = {one.value for one in kept}
        new = {value: rules for value, rules in groups.items() if value not in standing}
        self._found.names |= {one.id: groups[one.value] for one in kept}
        self._change(new, gone, len(kept) + len(strange))
        return self._found

    def _grouped(self, wanted: Iterable[Wanted]) -> dict[str, Rules]:
        """Our rules by expression; X takes each expression once."""
        groups: dict[str, Rules] = {}
        too_long = []
        for rule in sorted(wanted, key=lambda rule: rule.id):
            value = rule.expression.strip()
            if len(value) > self._plan.length:
                too_long.append(rule.id)
            elif value:
                groups[value] = (*groups.get(value, ()), (rule.id, rule.version))
        if too_long:
            self._found.troubles.append(
                f"{_rules(too_long)}: longer than the {self._plan.length:,} characters that X's stream takes; their "
                "posts do not come from X. Split them."
            )
        return groups

    def _sorted(self, listed: Sequence[Listed]) -> tuple[list[Listed], list[Listed], list[Listed]]:
        """Ours, those of other installations, and those that are none of the connector's."""
        ours: list[Listed] = []
        foreign: list[Listed] = []
        strange: list[Listed] = []
        for one in listed:
            tag = tags.read(one.tag)
            (strange if tag is None else ours if tag.installation == self._installation else foreign).append(one)
        return ours, foreign, strange

    def _keeps(self, one: Listed, groups: dict[str, Rules]) -> bool:
        """Whether it stands for the right rules. An older version of the same expression does: to write it anew, it
        would have to be taken off first."""
        tag = tags.read(one.tag)
        assert tag is not None
        told = tags.read(tags.write(self._installation, groups.get(one.value, ((0, 0),))))
        assert told is not None
        return {id for id, _ in tag.rules} == {id for id, _ in told.rules}

    # -- changing ----------------------------------------------------------------------------------------------------

    def _change(self, new: dict[str, Rules], gone: Sequence[Listed], staying: int) -> None:
        sound = self._tried(new) if new else {}
        # X takes an expression once: what only changes its tag goes first. So does everything where room is short.
        first = [one for one in gone if one.value in sound]
        then = [one for one in gone if one.value not in sound]
        room = self._cap() - staying - len(gone) if sound else 0
        if len(sound) > room + len(first):
            first, then = list(gone), []
        self._remove(first)
        self._add(self._fitting(sound, room + len(first)))
        self._remove(then)

    def _tried(self, new: dict[str, Rules]) -> dict[str, Rules]:
        """Those that X would take, by its dry run."""
        sound = dict(new)
        for part in self._parts(list(new)):
            try:
                _, errors = self._send({"add": [{"value": value} for value in part]}, dry_run="true")
            except ProblemError:
                continue  # of all of them at once, which tells nothing of one: the list may only be full as it stands
            for error in errors:
                if error.value in sound and not error.duplicate:
                    self._refused(sound.pop(error.value), error.why)
        return sound

    def _fitting(self, sound: dict[str, Rules], room: int) -> dict[str, Rules]:
        """The oldest rules, as many as there is room for."""
        if len(sound) <= room:
            return sound
        left_out = [id for value in list(sound)[max(room, 0) :] for id, _ in sound[value]]
        self._found.troubles.append(
            f"{_rules(left_out)}: no room on X's stream, which is full by its plan; their posts do not come from X."
        )
        return dict(list(sound.items())[: max(room, 0)])

    def _add(self, sound: dict[str, Rules]) -> None:
        for rest in self._parts(list(sound)):
            while rest:
                body = [{"value": value, "tag": tags.write(self._installation, sound[value])} for value in rest]
                made, errors = self._send_added(body)
                for one in made:
                    self._found.names[one.id] = sound.get(one.value, ())
                self._found.added += len(made)
                for error in errors:
                    self._not_added(error, sound)
                done = {one.value for one in made} | {error.value for error in errors}
                if done.isdisjoint(rest):
                    self._refused([rule for value in rest for rule in sound[value]], "without a reason")
                    break
                # One rule that is refused may keep back the others of its request: those are sent again.
                rest = [value for value in rest if value not in done]

    def _not_added(self, error: _Error, sound: dict[str, Rules]) -> None:
        if error.value not in sound:
            return
        if error.duplicate:  # somebody else's rule brings the posts
            self._found.names[error.id] = sound[error.value]
        else:
            self._refused(sound[error.value], error.why)

    def _remove(self, gone: Sequence[Listed]) -> None:
        for part in self._parts(gone):
            try:
                self._send({"delete": {"ids": [one.id for one in part]}})
            except ProblemError as error:
                self._found.troubles.append(f"{_count(part)} on X's stream that we could not take off: {error}")
            else:
                self._found.removed += len(part)

    def _refused(self, rules: Sequence[tuple[int, int]], why: str) -> None:
        self._found.troubles.append(
            f"{_rules([id for id, _ in rules])}: X does not take it ({why}); its posts do not come from X."
        )

    def _parts(self, all_: Sequence[Found]) -> Iterator[list[Found]]:
        """As many as may go into one request."""
        for start in range(0, len(all_), self._plan.together):
            yield list(all_[start : start + self._plan.together])

    # -- talking -----------------------------------------------------------------------------------------------------

    def _send_added(self, rules: list[dict[str, str]]) -> tuple[list[Listed], list[_Error]]:
        """What was made, and what X says against the rest; where it refuses all of them, they are sent in halves."""
        try:
            return self._send({"add": rules})
        except ProblemError as error:
            if len(rules) == 1:
                return [], [_Error(rules[0]["value"], str(error).removesuffix("."), False, "")]
            middle = len(rules) // 2
            halves = [self._send_added(half) for half in (rules[:middle], rules[middle:])]
            return [one for made, _ in halves for one in made], [one for _, errors in halves for one in errors]

    def _send(self, body: dict[str, Any], **params: str) -> tuple[list[Listed], list[_Error]]:
        """X puts what it refuses into answers of success, too."""
        try:
            answer = self._client.post(PATH, body, params, self._stopping)
        except ProblemError as error:
            if error.status == 403:
                raise AuthError(str(error), self._client.name) from None
            raise
        return list(_listed(answer)), [_Error.of(error) for error in _objects(answer.get("errors"))]

    def _listed(self) -> Iterator[Listed]:
        """All pages."""
        token = ""
        while True:
            params: dict[str, str | int] = {"max_results": PAGE} | ({"pagination_token": token} if token else {})
            page = self._client.get(PATH, params, self._stopping)
            yield from _listed(page)
            meta = page.get("meta")
            further = meta.get("next_token") if isinstance(meta, dict) else None
            if not isinstance(further, str) or further in ("", token):
                return
            token = further

    def _cap(self) -> int:
        """How many rules the project may have: as X counts, else by the plan."""
        try:
            return cap_of(counts(self._client, self._stopping)) or self._plan.rules
        except ProblemError:
            return self._plan.rules


@dataclass(frozen=True, slots=True)
class _Error:
    """Why X did not add a rule."""

    value: str
    why: str
    duplicate: bool
    id: str

    @classmethod
    def of(cls, error: dict[str, Any]) -> _Error:
        details = error.get("details")
        said = details[0] if isinstance(details, list) and details else error.get("detail") or error.get("title")
        return cls(
            str(error.get("value", "")),
            f"“{plain(str(said))}”" if said else "without a reason",
            error.get("title") == "DuplicateRule",
            str(error.get("id", "")),
        )


def counts(client: Client, stopping: Stopping | None = None) -> dict[str, Any]:
    """What X says of the number of rules: its caps, and how many there are."""
    data = client.get(f"{PATH}/counts", stopping=stopping).get("data")
    return data if isinstance(data, dict) else {}


def cap_of(counted: dict[str, Any]) -> int:
    """How many rules this app may have, other apps of its project having theirs; 0: not told."""
    app, project = (number(counted.get(name)) for name in ("cap_per_client_app", "cap_per_project"))
    others = number(counted.get("project_rules_count")) - held_of(counted)
    return min(filter(None, (app, project and max(project - max(others, 0), 1))), default=0)


def held_of(counted: dict[str, Any]) -> int:
    """How many rules this app has."""
    mine = counted.get("client_app_rules_count")
    return number(mine.get("rule_count") if isinstance(mine, dict) else mine)


def number(value: Any) -> int:
    """X writes some of its numbers as text; 0: none."""
    return int(value) if isinstance(value, int) or (isinstance(value, str) and re.fullmatch(r"\d{1,9}", value)) else 0


def _listed(page: dict[str, Any]) -> Iterator[Listed]:
    for one in _objects(page.get("data")):
        if one.get("id") and isinstance(one.get("value"), str):
            yield Listed(str(one["id"]), one["value"], str(one.get("tag") or ""))


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _count(listed: Sequence[Listed]) -> str:
    return "There is 1 rule" if len(listed) == 1 else f"There are {len(listed):,} rules"


def _rules(ids: Sequence[int]) -> str:
    shown = ", ".join(map(str, ids[:NAMED])) + (f" and {len(ids) - NAMED:,} more" if len(ids) > NAMED else "")
    return f"Rule {shown}" if len(ids) == 1 else f"Rules {shown}"
