"""Which rules meet which posts, by which words, and what is decoded for that; `test_exactness.py` tries thousands."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.errors import RuleError
from connector.incoming import Detail, Incoming, Kind, Person, Reference
from connector.rules import Found, compile
from connector.rules.parser import read


def a_post(text: str, lang: str = "en", **detail: object) -> Incoming:
    return Incoming("1", text, lang, b"", Detail(**detail))  # type: ignore[arg-type]


def met(rule: str, post: Incoming, surface: str = "local") -> bool:
    return bool(compile([(1, 1, rule)]).match([post], surface)[0])


def words(rule: str, post: Incoming, surface: str = "local") -> tuple[str, ...]:
    ((found,),) = compile([(1, 1, rule)]).match([post], surface)
    return found.words


@pytest.mark.parametrize(
    ("rule", "text", "expected"),
    [
        ("pothole", "Huge POTHOLE on 5th", True),
        ("pothole", "Huge #pothole on 5th", True),
        ("pothole", "the pothole's edge", True),
        ("pothole", "the pothole’s edge", True),
        ("pothole", "so many potholes", False),
        ('"don\'t walk"', "DON’T WALK is broken", True),
        ('"street light"', "the street light is out", True),
        ('"street light"', "the street-light is out", True),
        ('"street light"', "a street with light", False),
        ('"street light"', "light street light", True),
        ('"a a b"', "a a a b", True),
        ('"light # out"', "light out", True),
        ('"light out"', "light # out", True),
        ("straße", "STRASSE", True),
        ("cafe", "el Café", True),
        ("café", "el cafe", True),
        ("café", "el cafe\u0301", True),
        ("istanbul", "İstanbul", True),
        ("🕳", "a 🕳here", True),
        ('"☃️"', "☃ everywhere", True),
        ('"👍🏽"', "👍 thanks", True),
        ('"👨‍👩‍👧"', "family 👨‍👩‍👧!", True),
        ("🕳", "a hole", False),
        ("道路", "この道路が危ない", True),
        ("道路", "道の路", False),
        ("도로", "도로에 구멍", True),
        ("か", "が", False),
        ("गड्ढा", "सड़क पर गड्ढा है", True),
        ("a OR b c", "b", False),
        ("a OR b c", "a", True),
        ("(a OR b) c", "a", False),
        ("cat -dog", "cat", True),
        ("cat -dog", "cat dog", False),
        ("cat -(dog OR cow)", "cat cow", False),
        ("cat -(dog cow)", "cat cow", True),
        ("cat -(-dog)", "cat dog", True),
        ("-cat", "dog", True),
        ("x", "", False),
        ("#pothole", "a #Pothole!", True),
        ("#pothole", "a #potholes", False),
        ("#pothole", "a pothole", False),
        ("#pothole", "x#pothole", False),
        ("#street_light", "#street_light out", True),
        ("#street_light", "#streetlight out", False),
        ("#311", "call #311", False),
        ("#cafe", "#café", True),
        ("#道路", "#道路 が", True),
    ],
)
def test_words_in_text(rule: str, text: str, expected: bool) -> None:
    assert met(rule, a_post(text)) is expected


@pytest.mark.parametrize(
    ("rule", "text", "surface", "expected"),
    [
        ("café", "un cafe", "stream", False),
        ("cafe", "un café", "stream", False),
        ("café", "un cafe\u0301", "stream", True),
        ("CAFÉ", "un café", "stream", True),
        ("café", "un cafe", "search", True),
        ("#café", "#cafe", "stream", False),
        ("#café", "#cafe", "search", True),
    ],
)
def test_accents_count_on_the_stream_only(rule: str, text: str, surface: str, expected: bool) -> None:
    assert met(rule, a_post(text), surface) is expected


@pytest.mark.parametrize(("surface", "expected"), [("stream", True), ("local", True), ("search", False)])
@pytest.mark.parametrize("rule", ["pothole", '"big pothole"', "this pothole", "#road", "a -this OR pothole"])
def test_quoted_text_counts_except_in_search(rule: str, surface: str, expected: bool) -> None:
    assert met(rule, a_post("look at this", quoted_text="a big pothole #road"), surface) is expected


def test_a_phrase_does_not_reach_over_into_the_quoted_text() -> None:
    assert not met('"big pothole"', a_post("so big", quoted_text="pothole"))


def test_unknown_language_stays_unknown_when_excluded() -> None:
    nameless = a_post("bache", lang="")
    assert not met("bache lang:es", nameless)
    assert not met("bache -lang:es", nameless)
    assert not met("bache (lang:es OR -lang:es)", nameless)
    assert met("bache OR lang:es", nameless)
    assert met("bache (bache OR -lang:es)", nameless)
    assert met("bache -lang:es", a_post("bache", lang="pt"))
    assert met("bache lang:pt", a_post("bache", lang="pt-BR"))
    assert not met("bache lang:pt-pt", a_post("bache", lang="pt-BR"))


def test_hashtags_of_the_source_win_over_the_text() -> None:
    post = a_post("a #pothole", hashtags=["road"])
    assert met("#road", post)
    assert not met("#pothole", post)
    assert met("#pothole", a_post("a #pothole"))


def test_a_hashtag_of_the_post_stays_its_own_when_the_quoted_text_has_it_too() -> None:
    assert met("has:hashtags", a_post("", hashtags=["pot"], quoted_text="#pot"))
    assert met("has:hashtags", a_post("#pot", quoted_text="#pot"))
    assert not met("has:hashtags", a_post("", quoted_text="#pot"))


def test_a_post_that_replies_and_quotes_is_both() -> None:
    post = a_post("pothole", kind=Kind.REPLY, references=[Reference(Kind.REPLY, "7"), Reference(Kind.QUOTE, "8")])
    assert met("pothole is:reply is:quote -is:retweet", post)


def test_from_takes_a_number_too() -> None:
    post = a_post("hi", author=Person("TwitterDev", id="2244994945"))
    assert met("from:2244994945", post)
    assert met("from:twitterdev", post)
    assert not met("from:2244994946", post)


@pytest.mark.parametrize(
    ("rule", "post", "expected"),
    [
        ("pothole", a_post("Pothole, POTHOLE and Pothole"), ("Pothole", "POTHOLE")),
        ("pothole", a_post("#Pothole’s"), ("Pothole",)),
        ("#pothole", a_post("bad #PotHole"), ("#PotHole",)),
        ("#pothole", a_post("bad road", hashtags=["PotHole"]), ("#PotHole",)),
        ('leak OR "street light"', a_post("Street-Light: a leak"), ("Street-Light", "leak")),
        ("leak OR (pothole street)", a_post("a leak in a pothole"), ("leak",)),
        ("leak -roof", a_post("leak"), ("leak",)),
        ("leak has:links lang:en", a_post("leak https://example.com"), ("leak",)),
        ("cafe", a_post("el Cafe\u0301 y el CAFÉ"), ("Café", "CAFÉ")),
        ("道路", a_post("この道路が"), ("道路",)),
        ('"👍🏽"', a_post("ok 👍🏿!"), ("👍🏿",)),
        ("leak", a_post("a Leak", quoted_text="LEAK"), ("Leak", "LEAK")),
        ("@cityhall leak", a_post("leak @CityHall", mentioned=["CityHall"]), ("leak", "@cityhall")),
        ("from:cityhall", a_post("hi", author=Person("CityHall")), ("@cityhall",)),
        ("pothole", a_post("hi @PotHole", mentioned=["PotHole"]), ("pothole",)),
        ('"call pothole"', a_post("Call @PotHole_Joe"), ("call pothole",)),
    ],
)
def test_a_match_keeps_the_words_that_did_it(rule: str, post: Incoming, expected: tuple[str, ...]) -> None:
    assert words(rule, post) == expected


def test_found_rules_come_by_id_with_their_version() -> None:
    rules = compile([(9, 1, "leak"), (2, 4, "pothole OR leak"), (5, 1, "roof")])
    assert rules.match([a_post("leak"), a_post("nothing")]) == [[Found(2, 4, ("leak",)), Found(9, 1, ("leak",))], []]
    assert len(rules) == 3


def test_a_bad_rule_is_named() -> None:
    with pytest.raises(RuleError, match="Rule 7: AND is not written") as caught:
        compile([(1, 1, "leak"), (7, 1, "leak AND roof")])
    assert (caught.value.position, caught.value.length) == (5, 3)


def test_no_rules_meet_nothing_and_an_unknown_surface_is_refused() -> None:
    assert compile([]).match([a_post("a")]) == [[]]
    with pytest.raises(ValueError, match="surface"):
        compile([]).match([], "facebook")


def test_each_of_many_posts_has_its_own_rules() -> None:
    compiled = compile([(1, 1, "leak -is:retweet"), (2, 1, "roof")])
    texts = [("a leak", "a roof", "a leaking hose")[at % 3] for at in range(200)]
    found = compiled.match([a_post(text) for text in texts])
    assert [[one.rule_id for one in each] for each in found] == [[[1], [2], []][at % 3] for at in range(200)]


class Counting:
    """A post whose decoding is counted."""

    def __init__(self, text: str, raw: bytes = b'{"id": "1"}', **detail: object) -> None:
        self.times = 0
        self.answer = Detail(**detail)  # type: ignore[arg-type]
        self.post = Incoming("1", text, "en", raw, self._decode)

    def _decode(self) -> Detail:
        self.times += 1
        return self.answer


@pytest.mark.parametrize(
    ("rule", "text", "raw", "decoded"),
    [
        ("leak has:media", "a pothole", b"{}", 0),
        ("leak lang:en", "a leak", b"{}", 0),
        ("leak roof has:media", "a leak", b"{}", 0),
        ("leak has:media -is:retweet #roof", "a leak", b"{}", 0),
        ("leak OR has:media", "a leak", b"{}", 0),
        ("leak has:media", "a leak", b"{}", 1),
        ("leak #roof", "a leak on the roof", b"{}", 1),
        ("roof", "a leak", b'{"type": "quoted"}', 1),
        ("#roof", "a leak", b'{"tags": ["roof"]}', 1),
        ("roof", "a leak", b"", 1),
        ("from:cityhall", "a leak", b"{}", 1),
    ],
)
def test_the_rest_of_a_post_is_decoded_only_if_a_rule_asks(rule: str, text: str, raw: bytes, decoded: int) -> None:
    counting = Counting(text, raw)
    compile([(1, 1, rule)]).match([counting.post])
    assert counting.times == decoded


def test_hashtags_outside_the_text_are_found() -> None:
    assert met("#street_light", Counting("it is out", b'{"tags": []}', hashtags=["Street_Light"]).post)
    assert met("#roof", a_post("it is out", hashtags=["roof"]))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60), st.text(min_size=1, max_size=3))
def test_any_text_finds_itself(text: str, part: str) -> None:
    """Whatever can be asked for is found in a text that holds it, and shown as it stands there."""
    expression = '"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if read(expression)[1]:
        return
    for surface in ("stream", "local"):
        post = Incoming("1", f"{text} \n{part}\n ", raw=b"{}")
        ((found,),) = compile([(1, 1, expression)]).match([post], surface)
        assert found.words
        assert all(form == part or form in unicodedata.normalize("NFC", post.text) for form in found.words)
