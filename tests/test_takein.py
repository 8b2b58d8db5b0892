"""An uploaded file: what is seen of it first, and what stands in the database after it was taken in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlmodel import select

from connector import takein
from connector.config import Adapter, Config
from connector.models import AuditEntry, Match, Post, ReadCount, SourceState, Suspect
from connector.sealing import Sealer
from connector.store import Database, catalogue
from connector.store import sources as questions
from connector.takein import Choice, FileError, Result
from connector.triage import Gazetteer
from tests.builders import a_rule

HEAD = "Ticket #,Description,Opened,User\n"
Take = Callable[..., Result]


@pytest.fixture
def take(database: Database, config: Config, sealer: Sealer, gazetteer: Gazetteer) -> Take:
    with database.writing() as session:
        a_rule(session, expression="pothole")

    def taken(text: str, source: str = "upload", settings: Config = config, **told: takein.Progress) -> Result:
        raw = text.encode()
        choice = takein.look(settings, source, raw).choice
        return takein.take_in(database, settings, sealer, gazetteer, raw, source, choice, "dana", **told)

    return taken


def posts(database: Database) -> list[Post]:
    with database.reading() as session:
        return list(session.exec(select(Post).order_by(Post.id)))  # type: ignore[arg-type]


def test_what_meets_a_rule_is_stored_and_every_row_is_accounted_for(take: Take, database: Database) -> None:
    result = take(
        HEAD + "1,a pothole,2026-03-01,@ann_example\n2,a nice day,2026-03-01,x\n3,,2026-03-01,x\n"
        "4,pothole again,2026-03-02,x\n4,pothole again,2026-03-02,x\n5,pothole,soon,x\n"
    )
    assert result.in_words() == (
        "6 read, 3 met a rule, 2 new, 1 known, 2 rows refused: line 4 no text; line 7 a date that cannot be read"
    )
    first, second = posts(database)
    assert (first.source, first.source_id, first.text, f"{first.posted_at:%d %H:%M}") == (
        "upload", "1", "a pothole", "01 08:00"
    )  # fmt: skip
    assert second.source_id == "4"
    with database.reading() as session:
        assert len(session.exec(select(Suspect)).all()) == 2
        counted = {row.outcome: row.count for row in session.exec(select(ReadCount))}
        (entry,) = session.exec(select(AuditEntry).where(AuditEntry.what == "file taken in")).all()
        state = session.get_one(SourceState, "upload")
    assert counted == {
        "new": 2, "duplicate": 1, "unmatched": 1, "refused: no text": 1, "refused: a date that cannot be read": 1
    }  # fmt: skip
    assert (entry.by, entry.detail) == ("dana", {"source": "upload", "read": 6, "new": 2, "refused": 2})
    assert (state.kind, state.state, state.last_post_at is None) == ("file", "stopped", False)


def test_a_second_time_all_is_known_and_a_rewording_is_told(take: Take, database: Database) -> None:
    take(HEAD + "1,a pothole,2026-03-01,x\n2,a pothole too,2026-03-01,x\n")
    again = take(HEAD + "1,a pothole,2026-03-01,x\n2,a pothole and worse,2026-03-01,x\n")
    assert again.in_words() == "2 read, 2 met a rule, 0 new, 1 known, 1 reworded"
    assert [post.text for post in posts(database)] == ["a pothole", "a pothole and worse"]


def test_handles_are_hidden_wherever_they_stand(take: Take, database: Database, sealer: Sealer) -> None:
    take(HEAD + '1,"pothole, says ann_example, ask @bob_example",2026-03-01,@ann_example\n')
    (post,) = posts(database)
    assert post.author_sealed is not None
    assert "_example" not in post.text
    assert post.author_key == sealer.pseudonym("ann_example")
    assert "bob_example" in sealer.unseal(post.author_sealed, "upload", "1")


def test_many_rows_go_in_batches_and_say_how_far_they_are(take: Take, database: Database) -> None:
    far: list[int] = []
    rows = "".join(f"{n},pothole {n},2026-03-01,x\n" for n in range(1200))
    assert take(HEAD + rows, progress=far.append).new == 1200
    assert far == [500, 1000, 1200]
    with database.reading() as session:
        assert len(session.exec(select(Match)).all()) == 1200


def test_a_rule_that_is_made_meanwhile_meets_the_rest(take: Take, database: Database) -> None:
    def made(rows: int) -> None:
        if rows == 500:
            with database.writing() as session:
                a_rule(session, expression="graffiti")
                catalogue.touch(session)

    assert take(HEAD + "".join(f"{n},graffiti {n},2026-03-01,x\n" for n in range(700)), progress=made).new == 200


def test_the_cursor_of_the_folder_stays(take: Take, database: Database, config: Config, tmp_path: Path) -> None:
    with database.writing() as session:
        questions.state(session, "inbox", "file").cursor = "as it was"
    watched = config.model_copy(update={"sources": {"inbox": Adapter(kind="file", folder=str(tmp_path))}})
    take(HEAD + "1,a pothole,2026-03-01,x\n", "inbox", watched)
    with database.reading() as session:
        state = session.get_one(SourceState, "inbox")
    assert (state.cursor, state.state) == ("as it was", "new")


def test_a_watched_folders_columns_zone_and_dates_hold_for_an_upload(
    take: Take, database: Database, config: Config, tmp_path: Path
) -> None:
    inbox = Adapter(
        kind="file", folder=str(tmp_path), columns={"text": "Note", "id": "", "author": "Gone"}, dates="day first",
        timezone="Europe/Berlin",
    )  # fmt: skip
    watched = config.model_copy(update={"sources": {"inbox": inbox}})
    take("id,Description,Note,Opened\n1,nothing,a pothole,03/04/2026 10:00\n", "inbox", watched)
    (post,) = posts(database)
    assert (post.text, f"{post.posted_at:%m-%d %H:%M}") == ("a pothole", "04-03 08:00")
    assert post.source_id.startswith("row-")


# -- looking -------------------------------------------------------------------------------------------------------


def test_a_look_counts_and_guesses(config: Config) -> None:
    look = takein.look(config, "upload", (HEAD + "1,a,03/04/2026,x\n2,b,03/25/2026,x\n").encode())
    assert (look.rows, look.is_unclear, look.choice.order) == (2, True, "month first")
    assert look.choice.columns == {"text": "Description", "id": "Ticket #", "posted_at": "Opened", "author": "User"}


def test_a_date_that_could_be_two_days_is_seen_however_late_it_comes(config: Config) -> None:
    early = "".join(f"{n},a,2026-03-{n % 28 + 1:02},x\n" for n in range(2000))
    assert takein.look(config, "upload", (HEAD + early).encode()).is_unclear is False
    assert takein.look(config, "upload", (HEAD + early + "n,a,03/04/2026,x\n").encode()).is_unclear is True


def test_the_first_rows_are_shown_without_a_handle_and_with_what_is_wrong(config: Config) -> None:
    raw = (HEAD + '1,"ann_x says hi, @bob_y and @testville",2026-03-01,ann_x\n2,,,\n' + "3,c,,\n" * 9).encode()
    shown = takein.preview(config, "upload", raw, takein.look(config, "upload", raw).choice)
    assert [(row.line, row.text) for row in shown[:2]] == [(2, "… says hi, @… and @testville"), (3, "no text")]
    assert len(shown) == 5
    assert shown[1].post is None


def test_a_correction_of_the_columns_counts(config: Config) -> None:
    raw = b"id,description,comment\n1,first,second\n"
    (row,) = takein.preview(config, "upload", raw, Choice({"text": "comment"}))
    assert row.text == "second"
    assert row.post is not None
    assert row.post.source_id.startswith("row-"), "the number was taken away"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "cannot be read: it is empty"),
        (b"[{}]", "one object a line"),
        (b"when\n1\n", "choose the one that is"),
        (b"not json\n", "It holds no row"),
        (b"text,when\n", "It holds no row"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_a_sentence(config: Config, raw: bytes, why: str) -> None:
    with pytest.raises(FileError, match=why):
        takein.preview(config, "upload", raw, takein.look(config, "upload", raw).choice)


def test_the_words_name_three_refusals_and_count_the_others() -> None:
    named = [(line, "no text") for line in range(2, 5)]
    result = Result(read=1234, met=57, new=40, known=17, refused=9, named=named)
    assert result.in_words() == (
        "1,234 read, 57 met a rule, 40 new, 17 known, 9 rows refused: line 2 no text; line 3 no text; line 4 no text "
        "and 6 more"
    )
