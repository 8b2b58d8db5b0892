"""A rule against the past, before it is trusted.

On posts that people decided on: what it catches, misses and catches wrongly, as precision and recall *among posts seen*
(only posts that some rule met are stored, so nobody knows what all rules missed together). Beside the wording in force:
which posts it newly catches and which no longer. On everything stored: how many it meets a day, how many of them would
be new suspects, and what reading them from X costs. Asked by the Rules page and the command `backtest`.

A post counts as *right* for a rule when a suspect of the rule's type that holds it was accepted; as *wrong* when one
was dismissed, or accepted as another type: a person looked at it and said that it is something else.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import bindparam, func
from sqlmodel import Session, col, select

from connector import rules, stored
from connector.config import Config
from connector.lookback import Progress, entering, unwatched
from connector.models import Post, SourceState, Suspect, SuspectPost, SuspectStatus
from connector.prepare import asks_for_reposts
from connector.sealing import Sealer
from connector.share import Share
from connector.store import Database, bulk
from connector.stored import Matched, Stored, Words

LISTED = 200
"""So many posts are named one by one; of more only the number is told."""
DOLLARS_A_POST = 0.005
"""What X asks for reading a post, once in 24 hours: its pay-per-use prices (docs.x.com, as of August 2026)."""
_MONTH = 30  # days
_DAY = 86400.0  # seconds
_TESTED, _PRESENT = 1, 2  # as rule ids in the one set that decides both


@dataclass(frozen=True, slots=True)
class Listed:
    """Some posts: how many, and the ids of the newest, newest first."""

    count: int = 0
    ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """How a wording does on the posts that people decided on."""

    caught: Listed
    missed: Listed
    wrong: Listed
    """Wrongly caught."""
    left: int
    """Rightly not caught."""

    @property
    def precision(self) -> Share:
        """Right ones of those caught."""
        return Share(self.caught.count, self.caught.count + self.wrong.count)

    @property
    def recall(self) -> Share:
        """Caught ones of those that are right, among posts seen."""
        return Share(self.caught.count, self.caught.count + self.missed.count)


@dataclass(frozen=True, slots=True)
class Difference:
    """What changes against the wording in force, among all stored posts."""

    present: Judged
    newly: Listed
    no_longer: Listed


@dataclass(frozen=True, slots=True)
class Backtest:
    """What a wording would have done."""

    looked_at: int
    """Stored posts that are not gone."""
    days: float
    """From the oldest to the newest of them; at least one."""
    judged: Judged
    met: Listed
    new_suspects: int
    """Of those met, how many would enter the queue (see `lookback.py`)."""
    difference: Difference | None
    """None where no other wording is in force."""
    dollars_a_month: float | None
    """For reading from X what it meets there, at least: posts that no rule met yet are not stored. None without X."""
    unknown: tuple[str, ...] = ()
    """Operators of the wording that ask for what is not stored: undecided here, though not when posts come."""

    @property
    def a_day(self) -> float:
        return self.met.count / self.days

    @property
    def new_suspects_a_day(self) -> float:
        return self.new_suspects / self.days


def backtest(
    database: Database,
    config: Config,
    sealer: Sealer,
    text: str,
    type_id: int | None = None,
    present: str | None = None,
    progress: Progress = unwatched,
) -> Backtest:
    """What this wording would have done to all that is stored, in constant memory.

    `type_id` is the rule's request type; without one a post is right as soon as a suspect with it was accepted.
    `present` is the wording in force, if there is one. Raises RuleError for a wording that cannot be read.
    """
    testing = _Testing(text, type_id, present)
    with stored.reading(database) as session:
        total, surfaces = stored.count(session), stored.surfaces(session)
        paid = _paid(session, config)
        for page in stored.pages(session):
            testing.take(session, page, stored.matching(session, sealer, testing.compiled, page, surfaces), paid)
            progress(testing.looked_at, max(testing.looked_at, total))
        return testing.result(_days(session), _days(session, paid) if paid else None)


def _paid(session: Session, config: Config) -> frozenset[str]:
    """The sources that are X."""
    states = session.exec(select(SourceState.name).where(SourceState.kind == "x"))
    return frozenset(states) | {name for name, source in config.sources.items() if source.kind == "x"}


def _days(session: Session, names: Collection[str] = ()) -> float:
    """From the oldest post of these sources, or of all, to the newest; at least one."""
    at = col(Post.posted_at)
    query = select(Post.posted_at).where(col(Post.gone_at).is_(None)).limit(1)
    if names:
        query = query.where(col(Post.source).in_(names))
    first, last = session.exec(query.order_by(at)).first(), session.exec(query.order_by(at.desc())).first()
    return max(1.0, (last - first).total_seconds() / _DAY) if first and last else 1.0


@dataclass
class _Posts:
    """Counts posts and keeps the last ids."""

    count: int = 0
    ids: deque[int] = field(default_factory=lambda: deque(maxlen=LISTED))

    def add(self, post_id: int) -> None:
        self.count += 1
        self.ids.append(post_id)

    def listed(self) -> Listed:
        return Listed(self.count, tuple(reversed(self.ids)))


class _Judging:
    """Lays what one wording catches beside what people said."""

    def __init__(self) -> None:
        self.caught, self.missed, self.wrong, self.left = _Posts(), _Posts(), _Posts(), 0

    def take(self, verdicts: Iterable[tuple[int, bool]], met: Collection[int]) -> None:
        """`verdicts`: post and whether it is right."""
        for post_id, right in verdicts:
            if post_id in met:
                (self.caught if right else self.wrong).add(post_id)
            elif right:
                self.missed.add(post_id)
            else:
                self.left += 1

    def judged(self) -> Judged:
        return Judged(self.caught.listed(), self.missed.listed(), self.wrong.listed(), self.left)


class _Testing:
    """A wording, and perhaps the one in force, on page after page."""

    def __init__(self, text: str, type_id: int | None, present: str | None) -> None:
        wordings = [(_TESTED, 0, text)] + ([(_PRESENT, 0, present)] if present is not None else [])
        self.compiled = rules.compile(wordings)
        tree = rules.parse(text)
        self._reposts, self._unknown = asks_for_reposts(tree), rules.unknown(tree, stored.TELLS)
        self._type_id, self._compares = type_id, present is not None
        self._tested, self._present = _Judging(), _Judging()
        self._met, self._newly, self._no_longer = _Posts(), _Posts(), _Posts()
        self._new_suspects = self._paid_for = 0
        self.looked_at = 0

    def take(self, session: Session, page: Sequence[Words], found: Matched, paid: Collection[str]) -> None:
        tested, present = _met_by(found, _TESTED), _met_by(found, _PRESENT)
        verdicts = _verdicts(session, self._type_id, page)
        self.looked_at += len(page)
        self._tested.take(verdicts, tested)
        for post_id, post in tested.items():
            self._met.add(post_id)
            self._paid_for += post.source in paid
        if tested:
            self._new_suspects += len(entering(session, self._type_id, list(tested.values()), self._reposts))
        if self._compares:
            self._present.take(verdicts, present)
            for post_id in sorted(tested.keys() ^ present.keys()):
                (self._newly if post_id in tested else self._no_longer).add(post_id)

    def result(self, days: float, paid_days: float | None) -> Backtest:
        difference = Difference(self._present.judged(), self._newly.listed(), self._no_longer.listed())
        return Backtest(
            looked_at=self.looked_at,
            days=days,
            judged=self._tested.judged(),
            met=self._met.listed(),
            new_suspects=self._new_suspects,
            difference=difference if self._compares else None,
            dollars_a_month=self._paid_for / paid_days * _MONTH * DOLLARS_A_POST if paid_days else None,
            unknown=self._unknown,
        )


def _met_by(found: Matched, rule: int) -> dict[int, Stored]:
    return {post.id: post for post, hits in found if any(hit.rule_id == rule for hit in hits)}


_VERDICTS = (
    select(SuspectPost.post_id, Suspect.request_type_id, Suspect.status)
    .join(Suspect, col(Suspect.id) == col(SuspectPost.suspect_id))
    .where(
        col(SuspectPost.post_id).between(bindparam("first"), bindparam("last")),
        # Wrapped, so that no database starts from all suspects of a status instead of these few posts.
        func.coalesce(col(Suspect.status), "").in_((SuspectStatus.ACCEPTED, SuspectStatus.DISMISSED)),
    )
    .order_by(col(SuspectPost.post_id))
)


def _verdicts(session: Session, type_id: int | None, page: Sequence[Words]) -> list[tuple[int, bool]]:
    """Those of the page's posts that people decided on, by id, and whether each is right."""
    there = {row[0] for row in page}
    right: dict[int, bool] = {}
    for post, of_type, status in bulk.tuples(session, _VERDICTS, first=page[0][0], last=page[-1][0]):
        if post in there:
            accepted = status == SuspectStatus.ACCEPTED and type_id in (None, of_type)
            right[post] = right.get(post, False) or accepted
    return list(right.items())


# -- in words and figures ----------------------------------------------------------------------------------------------


def document(found: Backtest) -> dict[str, Any]:
    """What the command prints with `--json`."""
    difference = found.difference
    return {
        "looked_at": found.looked_at,
        "days": round(found.days, 2),
        "met": found.met.count,
        "a_day": round(found.a_day, 3),
        "new_suspects": found.new_suspects,
        "new_suspects_a_day": round(found.new_suspects_a_day, 3),
        "judged": _judged(found.judged),
        "present": _judged(difference.present) if difference else None,
        "newly_caught": asdict(difference.newly) if difference else None,
        "no_longer_caught": asdict(difference.no_longer) if difference else None,
        "dollars_a_month": None if found.dollars_a_month is None else round(found.dollars_a_month, 2),
        "unknown": found.unknown,
    }


def _judged(judged: Judged) -> dict[str, Any]:
    return {
        "among": "posts seen",
        "caught": asdict(judged.caught),
        "missed": asdict(judged.missed),
        "wrongly_caught": asdict(judged.wrong),
        "rightly_left": judged.left,
        "precision": _share(judged.precision),
        "recall": _share(judged.recall),
    }


def _share(share: Share) -> dict[str, Any]:
    return {**asdict(share), "value": share.value, "low": round(share.low, 4), "high": round(share.high, 4)}


def lines(found: Backtest) -> list[str]:
    """What the command prints for people."""
    judged, difference, dollars = found.judged, found.difference, found.dollars_a_month
    told = [
        f"{found.looked_at:,} stored posts of {found.days:,.1f} days",
        f"Meets {found.met.count:,}, {found.a_day:,.1f} a day; "
        f"{found.new_suspects:,} would be new suspects, {found.new_suspects_a_day:,.1f} a day",
        f"Of those decided on: {judged.caught.count:,} caught, {judged.missed.count:,} missed, "
        f"{judged.wrong.count:,} wrongly caught",
        f"Among posts seen: precision {judged.precision}, recall {judged.recall}",
    ]
    if difference:
        told.append(
            f"Instead of the present wording: {difference.newly.count:,} newly caught, "
            f"{difference.no_longer.count:,} no longer"
        )
    if dollars is not None:
        told.append(f"Reading it from X costs ${dollars:,.2f} a month or more")
    if found.unknown:
        told.append(f"Not stored, so unknown here: {', '.join(found.unknown)}")
    return told
