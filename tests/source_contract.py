"""What every source promises, as tests to inherit: an adapter's own test names its kind and builds its other side.

`Peer` is that other side, a real server on loopback (or a folder); `SourceContract` lets it say what platforms say:
2,000 posts, edits, deletions, its own errors, a token that expires. Read on in `sources/test_mastodon.py`.
"""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import SecretStr

from connector import config, sources
from connector.errors import AdapterError, AuthError, ConfigError, TemporaryError
from connector.incoming import Arrived, Batch, Deleted, Edited, Event, Incoming, Kind, Missed
from connector.models import now
from connector.sources import Source, Wanted
from tests.contracts import HANDLE, SECRET, TEXT, assert_tells_nothing

OURS = "portalder311"
"""The city's own account."""


class Peer(ABC):
    """A platform with one account of ours, on loopback. `SECRET` is the credential that it asks for."""

    @property
    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Of the source, as in the TOML file."""

    @abstractmethod
    def post(self, text: str, author: str = HANDLE[1:], repeats: str = "") -> str:
        """A new public post, or a repost; its id as the source will tell it."""

    def edit(self, id: str, text: str) -> None:
        """Another wording of it."""
        raise NotImplementedError

    def delete(self, id: str) -> None:
        raise NotImplementedError

    def refuse(self) -> None:
        """The token has expired: until `admit` every call is refused, and a stream is ended."""
        raise NotImplementedError

    def admit(self) -> None:
        """The token is good again."""
        raise NotImplementedError

    def fail(self, how: str) -> None:
        """The next answer, or the running stream, goes wrong: one of `FAILURES`."""
        raise NotImplementedError


FAILURES = ("rate limit", "unavailable", "error", "broken", "reset")
"""Theirs: the platform's own word for too many calls; 503; 500; an answer that is no JSON; a connection reset."""


class Reading:
    """Reads a source in a thread of its own as the collector does, with every wait made short."""

    def __init__(self, source: Source, cursor: str = "", shrink: float = 0.01) -> None:
        self.source, self.cursor, self.shrink = source, cursor, shrink
        self.batches: list[Batch] = []
        self.errors: list[AdapterError] = []
        self.broke: BaseException | None = None
        self.ended = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Reading:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self.broke:
            raise self.broke

    def stop(self) -> float:
        """Seconds that it took."""
        begin = time.monotonic()
        self._stop.set()
        self._thread.join(10)
        assert not self._thread.is_alive(), "it did not stop"
        return time.monotonic() - begin

    @property
    def events(self) -> list[Event]:
        return [event for batch in list(self.batches) for event in batch.events]

    @property
    def posts(self) -> list[Incoming]:
        return [event.post for event in self.events if isinstance(event, Arrived | Edited)]

    @property
    def ids(self) -> set[str]:
        return {post.source_id for post in self.posts}

    def until(self, done: Callable[[], bool], seconds: float = 20) -> None:
        """Wait until this holds."""
        end = time.monotonic() + seconds
        while not done():
            if self.broke:
                raise self.broke
            assert time.monotonic() < end, f"not within {seconds} s; errors: {[str(error) for error in self.errors]}"
            time.sleep(0.01)

    def _wait(self, seconds: float) -> bool:
        return self._stop.wait(seconds * self.shrink)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                try:
                    for batch in self.source.events(self.cursor, self._wait):
                        self.batches.append(batch)
                        self.cursor = batch.cursor
                        if self._stop.is_set():
                            return
                    self.ended = True
                    return
                except AdapterError as error:
                    self.errors.append(error)
                    told = getattr(error, "retry_after", None)
                    self._wait(5 if told is None else told)
        except BaseException as error:  # noqa: BLE001 - raised again in the test's own thread
            self.broke = error


class SourceContract:
    """Holds for every source. A subclass names `kind` and gives a `peer` that is well."""

    kind: ClassVar[str]
    rules: ClassVar[list[Wanted]] = [Wanted(1, 1, "crater OR pothole")]
    """Texts of this contract hold `crater`, for platforms that look for posts on our behalf."""
    shrink: ClassVar[float] = 0.01
    """Of every wait."""

    @pytest.fixture
    def peer(self) -> Iterator[Peer]:
        raise NotImplementedError

    @pytest.fixture
    def source(self, peer: Peer) -> Source:
        return self.load(peer.settings)

    def load(self, settings: dict[str, Any]) -> Source:
        city = config.City(name="Port Alder", accounts=[OURS])
        adapter = config.Adapter(kind=self.kind, **settings)
        source = sources.load("way-in", adapter, config.Config(city=city, sources={"way-in": adapter}))
        source.installation = "installation-1"
        source.want(self.rules)
        return source

    def reading(self, source: Source, cursor: str = "") -> Reading:
        return Reading(source, cursor, self.shrink)

    def is_ready(self, reading: Reading) -> bool:
        """Whether it is connected, for platforms whose posts of before are not told."""
        return bool(reading.batches) or not reading.source.capabilities.pushes

    # -- what comes --------------------------------------------------------------------------------------------------

    def test_two_thousand_posts_come_each_at_least_once_in_small_batches(self, peer: Peer, source: Source) -> None:
        with self.reading(source) as reading:
            reading.until(lambda: self.is_ready(reading))
            written = {peer.post(f"crater {number} on Elm St") for number in range(2000)}
            reading.until(lambda: written <= reading.ids, 60)
        assert max(len(batch.events) for batch in reading.batches) <= 500
        seen = Counter(event.post.source_id for event in reading.events if isinstance(event, Arrived))
        assert sum(seen.values()) < 2.2 * len(written)

    def test_a_post_comes_whole(self, peer: Peer, source: Source) -> None:
        before = now()
        with self.reading(source) as reading:
            reading.until(lambda: self.is_ready(reading))
            id = peer.post(TEXT)
            reading.until(lambda: id in reading.ids)
        post = next(post for post in reading.posts if post.source_id == id)
        detail = post.detail
        assert post.text == TEXT
        assert detail.author is None or detail.author.handle == HANDLE[1:]
        assert detail.posted_at is not None
        assert detail.posted_at.tzinfo is UTC or detail.posted_at.utcoffset() == datetime.now(UTC).utcoffset()
        assert abs((detail.posted_at - before).total_seconds()) < 120
        assert detail.kind is Kind.POST
        assert not detail.own

    def test_nothing_new_is_no_fault(self, peer: Peer, source: Source) -> None:
        with self.reading(source) as reading:
            time.sleep(0.5)
            assert not reading.errors
            assert not reading.events

    def test_who_waits_for_long_says_meanwhile_that_all_is_well(self, peer: Peer, source: Source) -> None:
        if "every" not in type(source).Settings.model_fields:
            pytest.skip("how long it waits is not for us to set")
        waits: list[float] = []
        end = time.monotonic() + 2

        def stopping(seconds: float) -> bool:
            waits.append(seconds)
            return sum(waits) > 100 or time.monotonic() > end

        batches = list(self.load(peer.settings | {"every": 3600}).events("", stopping))
        assert max(waits) <= 20
        assert len(batches) >= sum(waits) / 20 - 1

    def test_our_own_posts_are_marked(self, peer: Peer, source: Source) -> None:
        with self.reading(source) as reading:
            reading.until(lambda: self.is_ready(reading))
            ours, theirs = peer.post("We fix the crater", author=OURS), peer.post("A crater again")
            reading.until(lambda: theirs in reading.ids)
            time.sleep(0.2)
        found = {post.source_id: post.detail for post in reading.posts}
        assert not found[theirs].own
        if ours in found:
            author = found[ours].author
            assert found[ours].own or (author is not None and author.handle.lower() == OURS)

    def test_reposts_are_told_apart(self, peer: Peer, source: Source) -> None:
        with self.reading(source) as reading:
            reading.until(lambda: self.is_ready(reading))
            first = peer.post("A crater on Elm St")
            again = peer.post("A crater on Elm St", repeats=first)
            last = peer.post("The last crater")
            reading.until(lambda: {first, last} <= reading.ids)
            time.sleep(0.2)
        found = {post.source_id: post for post in reading.posts}
        if again in found:
            assert found[again].detail.kind is Kind.REPOST
            assert [(ref.kind, ref.source_id) for ref in found[again].detail.references] == [(Kind.REPOST, first)]

    def test_an_edit_is_a_new_version_of_the_same_post(self, peer: Peer, source: Source) -> None:
        if type(peer).edit is Peer.edit:
            pytest.skip("posts cannot be edited there")
        with self.reading(source) as reading:
            reading.until(lambda: self.is_ready(reading))
            id = peer.post("A crater on Elm St")
            reading.until(lambda: id in reading.ids)
            peer.edit(id, "A crater on Oak St")
            reading.until(lambda: any(post.text == "A crater on Oak St" for post in reading.posts))
        last = next(
            event for event in reversed(reading.events) if isinstance(event, Arrived | Edited)
        )  # the newest wording comes last
        assert last.post.text == "A crater on Oak St"
        same = last.post.source_id == id and isinstance(last, Edited)
        assert same or last.post.detail.edits[0] == id

    def test_a_deletion_is_told(self, peer: Peer, source: Source) -> None:
        if type(peer).delete is Peer.delete:
            pytest.skip("deletions are not told there")
        with self.reading(source) as reading:
            reading.until(lambda: self.is_ready(reading))
            id = peer.post("A crater on Elm St")
            reading.until(lambda: id in reading.ids)
            peer.delete(id)
            if source.capabilities.checks:
                found = [gone for part in source.vanished(iter([id]), lambda _: False) for gone in part]
                assert Deleted(id) in found
            else:
                reading.until(lambda: Deleted(id) in reading.events)

    # -- going on ----------------------------------------------------------------------------------------------------

    def test_a_cursor_goes_on_or_says_what_it_missed(self, peer: Peer, source: Source) -> None:
        with self.reading(source) as reading:
            reading.until(lambda: self.is_ready(reading))
            early = {peer.post(f"crater {number}") for number in range(20)}
            reading.until(lambda: early <= reading.ids)
        between = {peer.post(f"crater meanwhile {number}") for number in range(20)}
        again = self.load(peer.settings)
        with self.reading(again, reading.cursor) as second:
            second.until(lambda: self.is_ready(second))
            late = {peer.post(f"crater later {number}") for number in range(20)}
            second.until(lambda: late <= second.ids)
        missed = [event for event in second.events if isinstance(event, Missed)]
        if source.capabilities.resumes:
            assert between <= second.ids
            assert not missed
        else:
            (gap,) = missed
            assert gap.from_at < gap.to_at
            assert not gap.lost

    def test_it_stops_within_two_seconds(self, peer: Peer, source: Source) -> None:
        reading = self.reading(source).__enter__()
        time.sleep(0.5)
        assert reading.stop() < 2

    # -- what goes wrong ---------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("how", FAILURES)
    def test_a_failure_passes_and_nothing_is_skipped(self, how: str, peer: Peer, source: Source) -> None:
        if type(peer).fail is Peer.fail:
            pytest.skip("nothing there can fail so")
        with self.reading(source) as reading:
            reading.until(lambda: self.is_ready(reading))
            first = peer.post("An early crater")
            reading.until(lambda: first in reading.ids)
            peer.fail(how)
            during = peer.post("A crater meanwhile")
            deadline = time.monotonic() + 20
            last = ""
            while last not in reading.ids and time.monotonic() < deadline:
                last = last if last and source.capabilities.resumes else peer.post("A late crater")
                time.sleep(0.1)
            assert last in reading.ids
        assert during in reading.ids or any(isinstance(event, Missed) for event in reading.events)
        for error in reading.errors:
            assert isinstance(error, TemporaryError), error
            assert error.adapter == "way-in"
            assert_tells_nothing(error)

    def test_an_expired_token_is_said_and_a_new_one_is_taken(self, peer: Peer, source: Source) -> None:
        if type(peer).refuse is Peer.refuse:
            pytest.skip("there is no token")
        with self.reading(source) as reading:
            reading.until(lambda: self.is_ready(reading))
            peer.refuse()
            reading.until(lambda: any(isinstance(error, AuthError) for error in reading.errors))
            peer.admit()
            last = ""
            deadline = time.monotonic() + 20
            while last not in reading.ids and time.monotonic() < deadline:
                last = last if last and source.capabilities.resumes else peer.post("A crater after all")
                time.sleep(0.1)
            assert last in reading.ids
        for error in reading.errors:
            assert_tells_nothing(error)

    def test_the_test_says_a_sentence_or_why_not(self, peer: Peer, source: Source) -> None:
        said = source.test()
        assert said
        assert "\n" not in said
        assert SECRET not in said
        if type(peer).refuse is not Peer.refuse:
            peer.refuse()
            with pytest.raises(AuthError) as caught:
                source.test()
            assert_tells_nothing(caught.value)

    # -- the house's rules -------------------------------------------------------------------------------------------

    def test_every_setting_is_explained_and_secrets_are_kept(self, source: Source) -> None:
        cls = type(source)
        assert cls.title
        assert cls.__doc__
        for name, field in cls.Settings.model_fields.items():
            assert field.description, f"{self.kind}: {name} has no description"
            if any(word in name for word in ("password", "token", "secret")):
                assert field.annotation in (SecretStr, SecretStr | None), name
        assert SECRET not in repr(source.settings)
        # The settings as configured name the environment variable that holds a secret; here they hold it themselves.
        assert SECRET not in str({name: value for name, value in vars(source).items() if name != "config"})

    def test_an_unknown_setting_is_a_typo(self, peer: Peer) -> None:
        with pytest.raises(ConfigError, match="no_such_setting"):
            self.load(peer.settings | {"no_such_setting": 1})

    def test_abilities_are_as_declared(self, source: Source) -> None:
        can, cls = source.capabilities, type(source)
        assert (cls.fill is not Source.fill) == can.fills
        assert (cls.vanished is not Source.vanished) == can.checks
        assert (cls.decoded is not Source.decoded) == can.pushes
        assert can == sources.capabilities(self.kind)
        assert can.reads
        assert can.terms

    def test_a_spooled_post_is_the_same_post(self, peer: Peer, source: Source) -> None:
        if not source.capabilities.pushes:
            pytest.skip("nothing of it is spooled")
        with self.reading(source) as reading:
            reading.until(lambda: self.is_ready(reading))
            id = peer.post(TEXT)
            reading.until(lambda: id in reading.ids)
        post = next(post for post in reading.posts if post.source_id == id)
        again = self.load(peer.settings).decoded(post.raw)
        assert (again.source_id, again.text, again.lang, again.named) == (id, post.text, post.lang, post.named)
        assert again.detail == post.detail

    def test_nothing_of_a_post_is_logged(
        self, peer: Peer, source: Source, caplog: pytest.LogCaptureFixture, tmp_path: Path
    ) -> None:
        with caplog.at_level(logging.DEBUG), self.reading(source) as reading:
            reading.until(lambda: self.is_ready(reading))
            id = peer.post(TEXT)
            reading.until(lambda: id in reading.ids)
        ours = "\n".join(record.getMessage() for record in caplog.records)
        assert SECRET not in ours
        assert HANDLE not in ours
        assert "swallowed my bicycle" not in ours
