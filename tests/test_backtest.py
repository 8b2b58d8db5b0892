"""A rule against the past: what it catches, misses and catches wrongly, and what it would bring, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, delete

from connector.backtest import DOLLARS_A_POST, LISTED, Backtest, backtest, document, lines
from connector.config import Adapter, Config
from connector.errors import RuleError
from connector.models import Match, Post, SourceState, Suspect, SuspectPost, now
from connector.sealing import Sealer
from connector.share import Share
from connector.store import Database
from tests.builders import a_post, a_rule, a_suspect, a_type, added


@pytest.fixture
def run(database: Database, config: Config, sealer: Sealer) -> Any:
    def ran(text: str, type_id: int | None = None, present: str | None = None, **more: Any) -> Backtest:
        return backtest(database, config, sealer, text, type_id, present, **more)

    return ran


def judged(session: Session, text: str, status: str, type_code: str = "pothole") -> int:
    """A post with a suspect on which people decided so; the post's id."""
    return a_suspect(session, text, type_code, status=status, decided_at=now()).lead_post_id or 0


def test_posts_are_caught_missed_and_wrongly_caught(run: Any, database: Database) -> None:
    with database.writing() as session:
        caught = [judged(session, "pothole here", "accepted") for _ in range(3)]
        missed = judged(session, "crater here", "accepted")
        wrong = judged(session, "pothole song", "dismissed")
        judged(session, "crater song", "dismissed")
        a_suspect(session, "pothole that waits")
        a_suspect(session, "pothole that was merged", status="merged")
        type_id = a_type(session).id
    found = run("pothole", type_id)
    assert found.judged.caught.ids == tuple(reversed(caught))
    assert (found.judged.missed.ids, found.judged.wrong.ids, found.judged.left) == ((missed,), (wrong,), 1)
    assert (found.judged.precision, found.judged.recall) == (Share(3, 4), Share(3, 4))
    assert (found.looked_at, found.met.count) == (8, 6)


def test_accepted_as_another_type_is_wrong_for_this_one(run: Any, database: Database) -> None:
    with database.writing() as session:
        post = judged(session, "pothole by the light", "accepted", "streetlight")
        pothole, light = a_type(session).id, a_type(session, "streetlight").id
    assert run("pothole", pothole).judged.wrong.ids == (post,)
    assert run("pothole", light).judged.caught.ids == (post,)
    assert run("pothole").judged.caught.ids == (post,), "without a type any acceptance counts"


def test_filed_as_this_type_and_dismissed_as_another_is_right(run: Any, database: Database) -> None:
    with database.writing() as session:
        post = a_post(session, "pothole by the light")
        a_suspect(session, post=post, status="accepted")
        a_suspect(session, post=post, type_code="streetlight", status="dismissed")
        pothole, light = a_type(session).id, a_type(session, "streetlight").id
        caught = post.id
    assert run("pothole", pothole).judged.caught.ids == (caught,)
    assert run("pothole", light).judged.wrong.ids == (caught,)


def test_what_is_gone_counts_nowhere(run: Any, database: Database) -> None:
    with database.writing() as session:
        first = a_post(session, "pothole")
        gone = a_post(session, "", gone_at=now())
        last = a_post(session, "pothole")
        for post in (first, gone, last):
            a_suspect(session, post=post, status="accepted")
        type_id = a_type(session).id
    found = run("pothole", type_id)
    assert (found.looked_at, found.judged.caught.count, found.judged.missed.count) == (2, 2, 0)


def test_the_difference_names_every_post_that_changes(run: Any, database: Database) -> None:
    with database.writing() as session:
        both = judged(session, "pothole crater", "accepted")
        newly = [judged(session, "crater", "accepted"), a_post(session, "crater again").id]
        no_longer = judged(session, "pothole", "dismissed")
        type_id = a_type(session).id
    found = run("crater", type_id, "pothole")
    assert found.difference.newly.ids == tuple(reversed(newly))
    assert (found.difference.no_longer.ids, found.difference.no_longer.count) == ((no_longer,), 1)
    assert found.difference.present.caught.ids == (both,)
    assert found.difference.present.precision == Share(1, 2)
    assert found.met.ids == (newly[1], newly[0], both)
    assert run("crater", type_id).difference is None


def test_lists_are_cut_and_counts_are_not(run: Any, database: Database) -> None:
    with database.writing() as session:
        for number in range(LISTED + 5):
            a_post(session, f"pothole {number}")
        newest = a_post(session, "pothole").id
    found = run("pothole")
    assert (found.met.count, len(found.met.ids), found.met.ids[0]) == (LISTED + 6, LISTED, newest)


def test_how_many_a_day_and_how_many_of_them_would_be_new(run: Any, database: Database) -> None:
    at = now()
    with database.writing() as session:
        for days in (0, 2, 4, 10):
            a_post(session, "pothole", posted_at=at - timedelta(days=days))
        a_suspect(session, "pothole that waits")
        a_suspect(session, "pothole that is something else", "graffiti")
        a_post(session, "pothole", own=True)
        a_post(session, "pothole", kind="repost")
        type_id = a_type(session).id
    found = run("pothole", type_id)
    assert found.days == pytest.approx(10, abs=0.01)
    assert (found.met.count, found.new_suspects) == (8, 5)
    assert found.a_day == pytest.approx(0.8, abs=0.01)
    assert found.new_suspects_a_day == pytest.approx(0.5, abs=0.01)
    assert run("pothole").new_suspects == 4, "without a type: those that no suspect holds"
    assert run("pothole is:retweet", type_id).new_suspects == 1


def test_less_than_a_day_counts_as_one_and_nothing_as_nothing(run: Any, database: Database) -> None:
    assert (run("pothole").looked_at, run("pothole").a_day, run("pothole").judged.recall.value) == (0, 0, None)
    with database.writing() as session:
        a_post(session, "pothole", posted_at=now() - timedelta(hours=1))
        a_post(session, "pothole")
    assert run("pothole").a_day == 2


def test_reading_from_x_costs_by_the_post(run: Any, database: Database) -> None:
    at = now()
    with database.writing() as session:
        session.add(SourceState(name="tweets", kind="x"))
        for days in (0, 1, 2, 3):
            a_post(session, "pothole", source="tweets", posted_at=at - timedelta(days=days))
        a_post(session, "crater", source="tweets", posted_at=at - timedelta(days=4))
        a_post(session, "pothole", posted_at=at - timedelta(days=40))
    assert run("pothole").dollars_a_month == pytest.approx(4 / 4 * 30 * DOLLARS_A_POST, rel=0.001)
    assert run("nothing").dollars_a_month == 0


def test_without_x_nothing_is_said_of_its_price(run: Any, database: Database, config: Config, sealer: Sealer) -> None:
    with database.writing() as session:
        session.add(SourceState(name="sample", kind="sample"))
        a_post(session, "pothole")
    assert run("pothole").dollars_a_month is None
    with_x = config.model_copy(update={"sources": {"tweets": Adapter(kind="x")}})
    assert backtest(database, with_x, sealer, "pothole").dollars_a_month == 0


def test_an_account_is_met_by_its_pseudonym(run: Any, database: Database, sealer: Sealer) -> None:
    with database.writing() as session:
        post = a_post(session, "pothole", author_key=sealer.pseudonym("ann_example")).id
    assert run("from:Ann_Example pothole").met.ids == (post,)
    assert run("from:bob_example pothole").met.ids == ()


def test_progress_is_told_and_ends_at_all_of_them(run: Any, database: Database) -> None:
    with database.writing() as session:
        for number in range(3):
            a_post(session, f"pothole {number}")
        a_post(session, gone_at=now())
    told: list[tuple[int, int]] = []
    run("pothole", progress=lambda done, total: told.append((done, total)))
    assert told == [(3, 4)]


def test_what_is_not_stored_is_named(run: Any, database: Database) -> None:
    with database.writing() as session:
        a_post(session, "pothole")
    found = run("pothole -is:verified (crater OR followers_count:10)")
    assert (found.unknown, found.met.count) == (("is:verified", "followers_count:"), 0)
    assert document(found)["unknown"] == found.unknown
    assert lines(found)[-1] == "Not stored, so unknown here: is:verified, followers_count:"
    assert run('pothole -is:retweet lang:en place:"elm" has:links').unknown == ()


@pytest.mark.parametrize("text", ["(pothole", ""])
def test_a_wording_that_cannot_be_read_is_refused(text: str, run: Any) -> None:
    with pytest.raises(RuleError):
        run(text)
    with pytest.raises(RuleError):
        run("pothole", present=text or "(")


# -- laws --------------------------------------------------------------------------------------------------------------

WORDS = ("pothole", "crater", "song")
STATUSES = ("waiting", "accepted", "dismissed", "expired")
a_past = st.lists(
    st.tuples(
        st.sets(st.sampled_from(WORDS)),
        st.lists(st.tuples(st.sampled_from(("pothole", "graffiti")), st.sampled_from(STATUSES)), max_size=2),
    ),
    max_size=12,
)
Past = list[tuple[set[str], list[tuple[str, str]]]]


@pytest.fixture
def empty(database: Database) -> Iterator[Database]:
    with database.writing() as session:
        a_rule(session)
        a_rule(session, "graffiti")
    return database


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(past=a_past, word=st.sampled_from(WORDS), present=st.sampled_from(WORDS))
def test_the_counts_are_those_of_a_naive_count(run: Any, empty: Database, past: Past, word: str, present: str) -> None:
    right, wrong, met, was_met = set[int](), set[int](), set[int](), set[int]()
    with empty.writing() as session:
        for table in (Match, SuspectPost, Suspect, Post):
            session.exec(delete(table))
        type_id = a_type(session).id
        for words, suspects in past:
            post = a_post(session, " ".join(sorted(words)) or "nothing")
            id_ = post.id or 0
            for type_code, status in suspects:
                suspect = added(
                    session,
                    Suspect(request_type_id=a_type(session, type_code).id or 0, lead_post_id=id_, status=status),
                )
                added(session, SuspectPost(suspect_id=suspect.id, post_id=id_))
            verdicts = {(t == "pothole") for t, s in suspects if s == "accepted"}
            if True in verdicts:
                right.add(id_)
            elif verdicts or any(s == "dismissed" for _, s in suspects):
                wrong.add(id_)
            met |= {id_} if word in words else set()
            was_met |= {id_} if present in words else set()
    found = run(word, type_id, present)
    judged = found.judged
    assert set(judged.caught.ids) == right & met
    assert set(judged.missed.ids) == right - met
    assert set(judged.wrong.ids) == wrong & met
    assert judged.left == len(wrong - met)
    assert set(found.difference.newly.ids) == met - was_met
    assert set(found.difference.no_longer.ids) == was_met - met
    assert set(found.difference.present.caught.ids) == right & was_met
    assert run(present, type_id).judged == found.difference.present, "alone it is judged as beside another one"
    assert judged.precision.whole + judged.missed.count + judged.left == len(right) + len(wrong)
    assert judged.recall.whole == len(right)


# -- in words and figures ----------------------------------------------------------------------------------------------


def test_the_document_and_the_lines_say_the_same(run: Any, database: Database) -> None:
    with database.writing() as session:
        session.add(SourceState(name="sample", kind="x"))
        post = judged(session, "pothole", "accepted")
        type_id = a_type(session).id
    told = document(run("pothole", type_id, "crater"))
    assert told["judged"]["caught"] == {"count": 1, "ids": (post,)}
    assert told["judged"]["precision"] == {"part": 1, "whole": 1, "value": 1.0, "low": 0.2065, "high": 1.0}
    assert (told["judged"]["among"], told["new_suspects"], told["a_day"]) == ("posts seen", 0, 1)
    assert (told["newly_caught"]["count"], told["no_longer_caught"]["count"]) == (1, 0)
    assert (told["present"]["missed"]["count"], told["dollars_a_month"]) == (1, 0.15)
    words = "\n".join(lines(run("pothole", type_id, "crater")))
    assert "1 caught, 0 missed, 0 wrongly caught" in words
    assert "Among posts seen: precision 100 % (21 %–100 %, 1 of 1)" in words
    assert "1 newly caught, 0 no longer" in words
    assert "$0.15 a month" in words


def test_the_document_leaves_open_what_nobody_knows(run: Any) -> None:
    told = document(run("pothole"))
    assert [told[name] for name in ("present", "newly_caught", "no_longer_caught", "dollars_a_month")] == [None] * 4
    assert told["judged"]["recall"]["value"] is None
    assert len(lines(run("pothole"))) == 4
