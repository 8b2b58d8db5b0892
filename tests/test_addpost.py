"""A post that a person adds by hand: what is guessed of it, and what stands in the database afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from sqlmodel import select

from connector import privacy, sealing, workflow
from connector.addpost import Added, Guess, Guesser, Pasted
from connector.config import DEMO, Adapter, Config
from connector.errors import AlreadyDecidedError
from connector.models import AuditEntry, Dispatch, Match, Post, ReadCount, SourceState, Suspect, SuspectPost
from connector.sealing import Sealer
from connector.store import Database, catalogue
from connector.store import queue as questions
from connector.triage import Gazetteer
from tests.builders import a_post, a_rule, a_type

HOLE = "huge pothole on Quarry Road at Elm Street"


@pytest.fixture
def map() -> Gazetteer:
    return Gazetteer.load(DEMO / "streets.geojson", DEMO / "landmarks.geojson", DEMO / "districts.geojson")


Add = Callable[..., Added]


@pytest.fixture
def add(database: Database, config: Config, sealer: Sealer, map: Gazetteer) -> Add:
    """With two types: one with a rule, one urgent without."""
    with database.writing() as session:
        a_rule(session, name="Pothole: street words", expression="pothole")
        a_type(session, "gas_smell", urgent=True)

    def added(text: str = HOLE, **values: str) -> Added:
        return workflow.add_post(database, config, sealer, map, Pasted(text, **values), "dana")

    return added


def the_suspect(database: Database, added: Added) -> Suspect:
    with database.reading() as session:
        return session.get_one(Suspect, added.suspect_id)


def the_post(database: Database) -> Post:
    with database.reading() as session:
        return session.exec(select(Post)).one()


def test_a_rule_that_meets_it_is_matched_as_usual(add: Add, database: Database) -> None:
    added = add(came_from="Nextdoor")
    suspect = the_suspect(database, added)
    assert added.is_new
    with database.reading() as session:
        card = questions.card(session, added.suspect_id)
        (match,) = session.exec(select(Match)).all()
    assert card is not None
    assert (card.type.code, card.posts[0].kind, card.posts[0].words) == ("pothole", "manual", ("pothole",))
    assert (match.words, suspect.status, suspect.people, suspect.score) == (["pothole"], "waiting", 1, 0.5)
    assert (suspect.place, suspect.place_words, suspect.place_method) == ("Quarry Road", "Quarry Road", "street")
    assert suspect.why == [
        {"rule_id": match.rule_id, "rule": "Pothole: street words", "words": ["pothole"]},
        {"by_hand": "dana", "came_from": "Nextdoor"},
    ]


def test_without_a_rule_a_person_says_the_type(add: Add, database: Database) -> None:
    suspect = the_suspect(database, added := add("it stinks on Elm Street", type_code="gas_smell"))
    with database.reading() as session:
        assert session.exec(select(Match)).all() == []
        card = questions.card(session, added.suspect_id)
    assert card is not None
    assert (card.type.code, suspect.urgent, suspect.score) == ("gas_smell", 1, None)
    assert (suspect.place, suspect.place_words) == ("Elm Street", "Elm Street")
    assert suspect.why == [{"by_hand": "dana", "came_from": "Other"}]


def test_a_person_knows_better_than_a_rule(add: Add, database: Database) -> None:
    suspect = the_suspect(database, add(type_code="gas_smell"))
    assert suspect.urgent == 1
    assert suspect.why is not None
    assert suspect.why[0]["rule"] == "Pothole: street words"


@pytest.mark.parametrize(
    ("typed", "name", "known"),
    [("birch st", "Birch Street", True), ("behind the  shed of @ann_example", "behind the shed of @…", False)],
)
def test_a_place_that_is_typed_counts(add: Add, database: Database, typed: str, name: str, known: bool) -> None:
    suspect = the_suspect(database, add(place=typed))
    assert (suspect.place, suspect.place_method, suspect.place_words) == (name, "by hand", "")
    assert (suspect.lat is not None, bool(suspect.district)) == (known, known)


def test_text_and_link_hold_no_handle_but_the_card_can_show_them(add: Add, database: Database, sealer: Sealer) -> None:
    add("pothole, says ann_example, ask @bob_b or @testville", link="https://nextdoor.com/profile/ann_example/9")
    post = the_post(database)
    assert post.author_sealed is not None
    entities = post.entities or {}
    assert "ann_example" not in f"{post.text}{entities}"
    assert sealing.mask(post.text) == "pothole, says …, ask @… or @testville"
    assert sealing.mask(entities["link"]) == "https://nextdoor.com/profile/…/9"
    opened = sealer.unseal(post.author_sealed, "manual", post.source_id)
    assert "ann_example" in opened


def test_it_is_added_in_one_commit_and_written_down(add: Add, database: Database) -> None:
    added = add(came_from="Phone")
    with database.reading() as session:
        (entry,) = session.exec(select(AuditEntry).where(AuditEntry.what == "post added by hand")).all()
        (count,) = session.exec(select(ReadCount)).all()
        state = session.get_one(SourceState, "manual")
    assert (entry.by, entry.detail) == (
        "dana", {"suspect": added.suspect_id, "source": "manual", "came_from": "Phone"}
    )  # fmt: skip
    assert (count.source, count.outcome, count.count) == ("manual", "new", 1)
    assert (state.state, state.last_post_at is None) == ("stopped", False)


@pytest.mark.parametrize(
    ("text", "values", "why"),
    [
        ("  ", {}, "no text"), ("a nice day", {}, "No rule meets it: choose a type"), (HOLE, {"link": "x"}, "https://"),
        ("a nice day", {"type_code": "gone"}, "'gone' is off"),
    ],
)  # fmt: skip
def test_what_is_missing_is_said_and_nothing_is_stored(
    add: Add, database: Database, text: str, values: dict[str, str], why: str
) -> None:
    with pytest.raises((ValueError, LookupError), match=why):
        add(text, **values)
    with database.reading() as session:
        assert session.exec(select(Post)).all() == []
        assert session.exec(select(AuditEntry).where(AuditEntry.what == "post added by hand")).all() == []


def test_the_same_text_and_link_are_here_already(add: Add, database: Database) -> None:
    first = add(link="https://example.org/7")
    again = add(f" {HOLE}\n", link="https://example.org/7 ", type_code="gas_smell")
    assert again == Added(first.suspect_id, is_new=False)
    elsewhere = add(link="https://example.org/8")
    assert elsewhere == Added(first.suspect_id, is_new=True), "another post, which joins the first"


def test_two_clicks_at_once_add_one(add: Add, database: Database) -> None:
    done: list[Added] = []
    clicks = [threading.Thread(target=lambda: done.append(add())) for _ in range(4)]
    for click in clicks:
        click.start()
    for click in clicks:
        click.join()
    assert sorted(added.is_new for added in done) == [False, False, False, True]
    assert len({added.suspect_id for added in done}) == 1
    with database.reading() as session:
        assert len(session.exec(select(SuspectPost)).all()) == 1


def test_what_was_erased_is_not_taken_in_again(add: Add, database: Database) -> None:
    add()
    with database.writing() as session:
        privacy.erase(session, "manual", [the_post(database).source_id], "asked for")
    with pytest.raises(AlreadyDecidedError, match="was erased"):
        add()


def test_a_configured_source_of_this_kind_holds_it(
    add: Add, database: Database, config: Config, sealer: Sealer, map: Gazetteer
) -> None:
    named = config.model_copy(update={"sources": {"front desk": Adapter(kind="manual")}})
    workflow.add_post(database, named, sealer, map, Pasted(HOLE), "dana")
    assert the_post(database).source == "front desk"


def test_accepted_it_goes_out_with_its_link_unless_a_handle_stands_in_it(
    add: Add, database: Database, config: Config
) -> None:
    links = []
    for link, text in (
        ("https://example.org/7", HOLE),
        ("https://nextdoor.com/profile/ann_example/9", "A pothole ate my bicycle behind the school"),
    ):
        reference = workflow.accept(database, config, add(text, link=link).suspect_id, "dana")
        with database.reading() as session:
            sent = session.exec(select(Dispatch).where(Dispatch.reference == reference)).one()
        links.append((sent.content or {})["links"])
    assert links == [["https://example.org/7"], []]


def test_a_text_that_is_too_long_is_refused_and_not_cut(add: Add, database: Database) -> None:
    with pytest.raises(ValueError, match="A post holds 10,000 characters, this has 10,007"):
        add("pothole" + "x" * 10_000)
    with database.reading() as session:
        assert session.exec(select(Post)).all() == []


def test_a_place_that_a_person_typed_stays_with_both_parts_of_a_split(add: Add, database: Database) -> None:
    one = add(HOLE, place="Elm Street").suspect_id
    with database.writing() as session:
        other = a_post(session, "and another hole")
        session.add(SuspectPost(suspect_id=one, post_id=other.id))
        first = session.exec(select(SuspectPost.post_id).where(SuspectPost.suspect_id == one)).first() or 0
    new = workflow.split(database, one, [first], "Dana")
    with database.reading() as session:
        assert [session.get_one(Suspect, id_).place for id_ in (one, new)] == ["Elm Street", "Elm Street"]


# -- guessing ------------------------------------------------------------------------------------------------------


def test_the_guess_is_what_would_be_stored(
    add: Add, database: Database, config: Config, sealer: Sealer, map: Gazetteer
) -> None:
    guesser = Guesser(config, sealer, map)
    with database.reading() as session:
        assert guesser.guess(session, HOLE) == Guess("pothole", "Pothole: street words", ("pothole",), "Quarry Road")
        assert guesser.guess(session, "it stinks on Elm Street") == Guess(place="Elm Street")
        assert guesser.guess(session, " ") == Guess()


def test_a_new_rule_guesses_at_once(
    add: Add, database: Database, config: Config, sealer: Sealer, map: Gazetteer
) -> None:
    guesser = Guesser(config, sealer, map)
    with database.reading() as session:
        assert guesser.guess(session, "it stinks").type_code == ""
    with database.writing() as session:
        a_rule(session, "gas_smell", name="Smell", expression="stinks")
        catalogue.touch(session)
    with database.reading() as session:
        assert guesser.guess(session, "it stinks").rule == "Smell"
