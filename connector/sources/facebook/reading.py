"""One reading of a Facebook Page: look after look, from a cursor on.

Nothing is told without asking, so each look goes through the posts of the last days: new and reworded ones are handed
over, and where the number of comments or the time of the last change moved, the comments are read, newest first, back
to those that are known. Called by `__init__.py`; read on in `graph.py` and `post.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from connector.incoming import Arrived, Batch, Edited, Event, Refused
from connector.models import now
from connector.sources import Budget, Stopping
from connector.sources._http import Fields
from connector.sources.facebook.graph import GoneError, Graph, Page, TooMuchError
from connector.sources.facebook.post import COMMENT_FIELDS, POST_FIELDS, Post, incoming, moment

_OVERLAP = timedelta(minutes=5)
"""Facebook shows posts a little after the time that they bear."""
_PAGE, _SMALLEST_PAGE = 100, 5
"""Posts asked for at once: the most that it gives, and the least that we ask for when that is too much for it."""
_REMEMBERED = 100_000


class Reading:
    """The cursor is the newest time of each edge, as JSON; it moves when a look is complete, for the newest come first.

    What was handed over is remembered for this reading alone: of an earlier one it may never have been stored.
    """

    def __init__(
        self, page_id: str, us: str, edges: Sequence[str], budget: Budget, cursor: str, stopping: Stopping
    ) -> None:
        self._page_id, self._us, self._edges = page_id, us, edges
        self._budget, self._stopping = budget, stopping
        self._newest = _decoded(cursor)
        self.cursor = cursor
        self._limit = _PAGE
        self._complete = False
        """Whether there was a complete look: from then on whatever is unknown is new, however old it is."""
        self._words: dict[str, int] = {}
        """Hashes, by post."""
        self._looked: dict[str, tuple[int, str]] = {}
        """By post: the number of its comments and the time of its last change, when its comments were read."""

    def look(self, graph: Graph, days: float, comments: bool) -> Iterator[Batch]:
        """Everything new of the last days, and the cursor after it."""
        window = now() - timedelta(days=days)
        newest = dict(self._newest)
        spoken: list[Post] = []
        for edge in self._edges:
            counted = comments and edge == "feed"
            summary = ",comments.filter(stream).limit(0).summary(true)" if counted else ""
            asked = [("fields", POST_FIELDS + summary), ("since", str(int(window.timestamp())))]
            after = self._after(edge, window)
            for posts, events in self._parts(graph, f"{self._page_id}/{edge}", asked, after, not self._complete):
                yield from self._batch(events)
                newest[edge] = max([newest.get(edge, after), *(post.changed_at for post in posts)])
                spoken += [post for post in posts if counted and self._has_more(post)]
        # Comments have a cursor of their own: what else came need not come again because reading them failed.
        if self._stopping(0):
            return
        yield self._at(newest)
        after = self._after("comments", window)
        for post in spoken:
            for replies, events in self._comments(graph, post, after):
                yield from self._batch(events)
                newest["comments"] = max([newest.get("comments", after), *(one.created_at for one in replies)])
        if self._stopping(0):
            return
        self._complete = True
        yield self._at(newest)

    def _at(self, newest: dict[str, datetime]) -> Batch:
        """The cursor moves here."""
        self._newest = dict(newest)
        told = {edge: at.isoformat() for edge, at in newest.items()}
        self.cursor = msgspec.json.encode(told, order="sorted").decode()
        return Batch([], self.cursor)

    def _after(self, edge: str, window: datetime) -> datetime:
        known = self._newest.get(edge)
        return max(window, known - _OVERLAP) if known else window

    def _comments(self, graph: Graph, post: Post, after: datetime) -> Iterator[tuple[list[Post], list[Event]]]:
        """Until a part brings nothing new; at the first look at this post, comments from before are known to be."""
        asked = [("fields", COMMENT_FIELDS), ("filter", "stream"), ("order", "reverse_chronological")]
        skips = not self._complete and post.id not in self._looked
        try:
            for comments, events in self._parts(graph, f"{post.id}/comments", asked, after, skips, post.id):
                yield comments, events
                if not events and all(one.created_at < after for one in comments):
                    break
        except GoneError:
            return  # deleted since it was listed
        self._looked[post.id] = _stand(post)

    def _has_more(self, post: Post) -> bool:
        number, _ = stand = _stand(post)
        return number > 0 and self._looked.get(post.id) != stand

    def _parts(
        self, graph: Graph, path: str, asked: Fields, after: datetime, skips: bool, of: str = ""
    ) -> Iterator[tuple[list[Post], list[Event]]]:
        """Part by part: the posts, and what they bring; with `skips`, those unchanged since `after` bring nothing."""
        onwards: Fields = []
        while not self._stopping(0):
            room = self._budget.take(self._limit, graph.name)
            posts: list[Post] = []
            events: list[Event] = []
            try:
                part = graph.get(path, _joined(asked, onwards, room), Page)
                for raw in part.data:
                    post, event = self._told(bytes(raw), after, of, skips)
                    posts += [post] if post else []
                    events += [event] if event else []
            except TooMuchError:
                if self._limit <= _SMALLEST_PAGE:
                    raise
                self._limit = max(_SMALLEST_PAGE, self._limit // 2)
                continue
            finally:
                self._budget.give_back(max(0, room - sum(isinstance(event, Arrived | Edited) for event in events)))
            yield posts, events
            if not part.onwards or part.onwards == onwards:
                return
            onwards = part.onwards

    def _told(self, raw: bytes, after: datetime, of: str, skips: bool) -> tuple[Post | None, Event | None]:
        try:
            post = msgspec.json.decode(raw, type=Post)
            created, changed = post.created_at, post.changed_at
        except (msgspec.DecodeError, ValueError, RecursionError):
            again = self._remember(f"? {hash(raw)}", "") is not None
            return None, None if again else Refused("a post that cannot be read")
        known = self._remember(post.id, post.message)
        if known == hash(post.message) or (known is None and skips and changed < after):
            return post, None
        is_new = known is None and (created >= after or of)
        made = incoming(post, self._page_id, self._us, of)
        return post, Arrived(made) if is_new else Edited(made)

    def _remember(self, id: str, message: str) -> int | None:
        """The hash of the words that it had, if it is known."""
        known = self._words.get(id)
        self._words[id] = hash(message)
        if len(self._words) > _REMEMBERED:
            del self._words[next(iter(self._words))]
        return known

    def _batch(self, events: list[Event]) -> Iterator[Batch]:
        if events:
            yield Batch(events[::-1], self.cursor)


def _stand(post: Post) -> tuple[int, str]:
    return post.comments.summary.total_count if post.comments else 0, post.updated_time


def _joined(asked: Fields, onwards: Fields, room: int) -> Fields:
    """What they say goes before what we said; the number of posts is ours."""
    return list({**dict(asked), **dict(onwards), "limit": str(room)}.items())


def _decoded(cursor: str) -> dict[str, datetime]:
    """The newest time of each edge; nothing of a cursor that is none."""
    try:
        told: dict[str, Any] = msgspec.json.decode(cursor or "{}", type=dict[str, str])
        return {edge: moment(at) for edge, at in told.items()}
    except (msgspec.DecodeError, ValueError):
        return {}
