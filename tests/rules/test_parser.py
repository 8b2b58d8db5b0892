"""Text to tree and back, and where a mistake is said to be."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.errors import RuleError
from connector.rules import OPERATORS, canonical, parse
from connector.rules.parser import MAX_DEPTH, MAX_PROBLEMS, read
from connector.rules.tree import And, Cashtag, Field, Hashtag, Mention, Near, Node, Not, Or, Phrase, Word


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("pothole", Word("pothole")),
        ("🕳", Word("🕳")),
        ("道路", Word("道路")),
        ('"street light"', Phrase("street light")),
        (r'"Toys \"R\" Us"', Phrase('Toys "R" Us')),
        (r'"back\\slash"', Phrase("back\\slash")),
        ("#pothole", Hashtag("pothole")),
        ("＃pothole", Hashtag("pothole")),
        ("@City_Hall", Mention("City_Hall")),
        ("@hall@social.example", Mention("hall@social.example")),
        ("from:CityHall", Field("from", "CityHall")),
        ("FROM:CityHall", Field("from", "CityHall")),
        ("$TWTR", Cashtag("TWTR")),
        ('"light out"~3', Near("light out", 3)),
        ('"API"~3', Near("API", 3)),
        ("lang:EN", Field("lang", "en")),
        ('bio:"data engineer"', Field("bio", "data engineer")),
        ('BIO:"developer"', Field("bio", "developer")),
        ("user_bio:developer", Field("bio", "developer")),
        ("has:videos", Field("has", "video_link")),
        ("friends_count:10", Field("following_count", "10")),
        ("place_country:us", Field("place_country", "US")),
        ("point_radius:[ 2.35  48.86 16KM ]", Field("point_radius", "[2.35 48.86 16km]")),
        ("context:47.*", Field("context", "47.*")),
        ("followers_count:007..010", Field("followers_count", "7..10")),
        (r'url:"a \"b\" \\c"', Field("url", 'a "b" \\c')),
        ("-is:nullcast", Not(Field("is", "nullcast"))),
        ("is:Retweet", Field("is", "retweet")),
        ("a b c", And((Word("a"), Word("b"), Word("c")))),
        ("a OR b OR c", Or((Word("a"), Word("b"), Word("c")))),
        ("apple OR iphone ipad", Or((Word("apple"), And((Word("iphone"), Word("ipad")))))),
        ("ipad iphone OR android", Or((And((Word("ipad"), Word("iphone"))), Word("android")))),
        ("(apple OR iphone) ipad", And((Or((Word("apple"), Word("iphone"))), Word("ipad")))),
        ("cats or dogs", And((Word("cats"), Word("or"), Word("dogs")))),
        ("cat -grumpy", And((Word("cat"), Not(Word("grumpy"))))),
        ("cat -(a OR b)", And((Word("cat"), Not(Or((Word("a"), Word("b"))))))),
        ("cat -(-dog)", And((Word("cat"), Not(Not(Word("dog")))))),
        ("(a)(b)", And((Word("a"), Word("b")))),
        ("\n a\t b ", And((Word("a"), Word("b")))),
    ],
)
def test_text_becomes_tree(text: str, tree: Node) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("((a))  b", "a b"),
        ("(a b) c", "a b c"),
        ("(a OR b) OR c", "a OR b OR c"),
        ("a (b OR c)", "a (b OR c)"),
        ("a OR (b c)", "a OR (b c)"),
        ("a OR b c", "a OR (b c)"),
        ("x -(a b)", "x -(a b)"),
        ("x -(a)", "x -a"),
        ("HAS:Links x", "has:links x"),
        ('bio:"developer" has:media_link', "bio:developer has:media"),
        ("geo_bounding_box:[1 2 1.1 2.1]", "bounding_box:[1 2 1.1 2.1]"),
        ('"a  b"~3', '"a  b"~3'),
    ],
)
def test_canonical_is_the_plainest_writing(text: str, plain: str) -> None:
    assert canonical(text) == plain
    assert canonical(plain) == plain


def test_nodes_know_their_place() -> None:
    tree = parse("ab -(c OR #d)")
    assert isinstance(tree, And)
    negated = tree.children[1]
    assert isinstance(negated, Not)
    assert (tree.position, tree.length) == (0, 13)
    assert (negated.position, negated.length) == (3, 10)
    assert (negated.child.position, negated.child.length) == (5, 7)


@pytest.mark.parametrize(
    ("text", "position", "length", "suggestion"),
    [
        ("", 0, 1, ""),
        (" \t", 0, 1, ""),
        ("streaming AND lang:en", 10, 3, " "),
        ("salt and ice", 5, 3, " "),
        ("salt && ice", 5, 2, " "),
        ("salt | ice", 5, 1, "OR"),
        ("OR a", 0, 2, ""),
        ("a OR", 2, 2, ""),
        ("a OR OR b", 2, 2, ""),
        ("(a OR b", 0, 1, ""),
        ("a OR b)", 6, 1, ""),
        ("x ()", 2, 2, ""),
        ('x "a b', 2, 1, ""),
        ('x "!?"', 2, 4, ""),
        ('x"a b"', 1, 5, ""),
        ('x "a b"~7', 2, 7, '"a b"~6'),
        ('x "a b"~0', 2, 7, '"a b"'),
        ('x "a b"~', 2, 6, '"a b"'),
        ('x "a b"~2c', 2, 8, '"a b"'),
        ('x "!"~2', 2, 5, ""),
        ('x"a b"~2', 1, 7, ""),
        ("x 'a b' y", 2, 5, '"a b"'),
        ("x “a b” y", 2, 5, '"a b"'),
        ("don't", 0, 5, '"don\'t"'),
        ("pothole, leak", 0, 8, "pothole"),
        ("10:30", 0, 5, '"10:30"'),
        ("_a", 0, 2, '"_a"'),
        ("☃️", 0, 2, '"☃️"'),
        ("…", 0, 1, ""),
        ("\u0301", 0, 1, ""),
        ("x -", 2, 1, ""),
        ("x - y", 2, 1, ""),
        ("x ---y", 2, 3, "-"),
        ("x -OR y", 2, 1, ""),
        ("#", 0, 1, ""),
        ("#a-b", 0, 4, "#ab"),
        ("@", 0, 1, ""),
        ("x @a!b", 2, 4, ""),
        ("from:", 0, 5, ""),
        ("from:@city", 0, 10, "from:city"),
        ("x lang:english", 2, 12, ""),
        ("x is:retwet", 2, 9, "is:retweet"),
        ("x form:city", 2, 9, "from:city"),
        ("h:m", 0, 3, ""),
        ("salt and, ice", 5, 4, '"and,"'),
        ("#a min_faves:100", 3, 13, "min_likes:100"),
        ("a since:2026-01-01", 2, 16, ""),
        ("a filter:links", 2, 12, "has:links"),
        ("a contains:tele", 2, 13, '"tele"'),
        ("a hashtag:road", 2, 12, "#road"),
        ("a url_contain:x", 2, 13, "url_contains:x"),
        ("a user:@ann", 2, 9, ""),
        ("from:(a OR b)", 0, 5, ""),
        ("from: a", 0, 5, ""),
        ("x $50", 2, 3, '"$50"'),
        ("x $", 2, 1, ""),
        ("url:https://a.example", 0, 21, 'url:"https://a.example"'),
        ("url:a.example/b", 0, 15, 'url:"a.example/b"'),
        ('bio:""', 0, 6, ""),
        ('bio:"a"b', 0, 7, ""),
        ("bio:o'neil", 0, 10, 'bio:"o\'neil"'),
        ("place_country:UK", 0, 16, "place_country:GB"),
        ('place_country:"us"', 0, 18, "place_country:US"),
        ("place_country:ZZ", 0, 16, ""),
        ("conversation_id:12a", 0, 19, ""),
        ("context:47", 0, 10, ""),
        ("context:*.*", 0, 11, ""),
        ("x sample:101", 2, 10, "sample:100"),
        ("x sample:0", 2, 8, "sample:1"),
        ("x sample:5%", 2, 9, "sample:5"),
        ("x sample:a", 2, 8, ""),
        ("x min_likes:1,000", 2, 15, "min_likes:1000"),
        ("x followers_count:>500", 2, 20, "followers_count:500"),
        ("x followers_count:500..10", 2, 23, "followers_count:10..500"),
        ("x followers_count:10..", 2, 20, ""),
        ("x embedding_threshold:1.5", 2, 23, ""),
        ("point_radius:[190 48.861118 16km]", 0, 33, ""),
        ("point_radius:[-41.287336 174.761070 20mi]", 0, 41, "point_radius:[174.761070 -41.287336 20mi]"),
        ("point_radius:[2.3 48.8 16]", 0, 26, ""),
        ("point_radius:[2.3,48.8,16km]", 0, 28, "point_radius:[2.3 48.8 16km]"),
        ("point_radius:[2.3 48.8 25mi]", 0, 28, ""),
        ("point_radius:[2.3 48.8 41km]", 0, 28, ""),
        ("point_radius:[2.3 48.8 0km]", 0, 27, ""),
        ("point_radius:2.3", 0, 16, ""),
        ("(x point_radius:[2.3 48.8 16km)", 3, 27, ""),
        ("bounding_box:[-106.301758 39.964069 -105.178505 40.09455]", 0, 57, ""),
        ("bounding_box:[1.1 2 1 2.1]", 0, 26, "bounding_box:[1 2 1.1 2.1]"),
        ("bounding_box:[1 2 1.1]", 0, 22, ""),
        ("bounding_box:[1 91 1.1 92]", 0, 26, ""),
        ("https://city.example/a", 0, 22, '"https://city.example/a"'),
    ],
)
def test_first_mistake_is_placed(text: str, position: int, length: int, suggestion: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse(text)
    assert (caught.value.position, caught.value.length, caught.value.suggestion) == (position, length, suggestion)


def test_reading_goes_on_after_a_mistake() -> None:
    _, problems = read("a AND is:retwet OR (b")
    assert [problem.position for problem in problems] == [2, 6, 19]


@pytest.mark.parametrize("text", ["(" * 500 + "a" + ")" * 500, "(" * 500, "-(" * 500 + "a", "a (" * 500])
def test_deep_nesting_is_a_clear_problem(text: str) -> None:
    with pytest.raises(RuleError, match=f"more than {MAX_DEPTH} deep"):
        parse(text)


def test_nesting_up_to_the_limit_is_read() -> None:
    deep = "(" * MAX_DEPTH + "a" + ")" * MAX_DEPTH
    assert parse(deep) == Word("a")
    mixed = "a"
    for turn in range(MAX_DEPTH - 1):
        mixed = f"b ({mixed})" if turn % 2 else f"b OR ({mixed})"
    assert parse(str(parse(mixed))) == parse(mixed)


def test_a_long_dash_is_one_problem() -> None:
    assert len(read("-" * 900 + "a")[1]) == 1


def test_no_more_problems_than_anyone_reads() -> None:
    assert len(read("a:b " * 500)[1]) == MAX_PROBLEMS


def test_overlong_text_is_not_read() -> None:
    tree, problems = read("a " * 6000)
    assert tree is None
    assert len(problems) == 1


names = st.from_regex(r"[a-z0-9][a-z0-9_]{0,6}", fullmatch=True)
bare = names.filter(lambda text: text.lower() != "and") | st.sampled_from(["é", "ñandú", "道路", "🕳", "Straße", "or"])
several = (st.text(max_size=8) | st.sampled_from(['"', "\\", 'a\\"', "OR", "-", "]", "~3"])).map(
    lambda text: f"a{text}"
)
numbers = st.integers(0, 10**6)
degrees = st.floats(-80, 80).map(lambda number: round(number, 4))
ARGUMENTS: dict[str, st.SearchStrategy[str]] = {
    "text": bare | several,
    "literal": bare | several | st.sampled_from(["/", " ?", "."]),
    "handle": names,
    "language": st.sampled_from(["en", "es", "zh-tw"]),
    "country": st.sampled_from(["US", "MX"]),
    "id": numbers.map(str),
    "context": st.builds("{}.{}".format, numbers, numbers | st.just("*")),
    "count": numbers.map(str) | st.builds(lambda a, b: f"{min(a, b)}..{max(a, b)}", numbers, numbers),
    "number": numbers.map(str),
    "percent": st.integers(1, 100).map(str),
    "share": st.sampled_from(["0", "0.45", "1"]),
    "point": st.builds("[{:f} {:f} {}{}]".format, degrees, degrees, st.integers(1, 24), st.sampled_from(["mi", "km"])),
    "box": st.builds(lambda lon, lat: f"[{lon:f} {lat:f} {lon + 0.1:f} {lat + 0.1:f}]", degrees, degrees),
}


@st.composite
def fields(draw: st.DrawFn) -> Node:
    operator = draw(st.sampled_from([operator for operator in OPERATORS if ":" in operator.name]))
    name, _, value = operator.name.partition(":")
    return Field(name, draw(ARGUMENTS[operator.argument]) if operator.argument else value)


leaves: st.SearchStrategy[Node] = st.one_of(
    bare.map(Word),
    several.map(Phrase),
    st.builds(Near, several, st.integers(1, 6)),
    bare.filter(lambda text: text != "🕳").map(Hashtag),
    st.from_regex(r"[A-Za-z]{1,6}([._][a-z]{1,2})?", fullmatch=True).map(Cashtag),
    names.map(Mention),
    fields(),
)


def _several(kind: type[And] | type[Or], nodes: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    others = nodes.filter(lambda node: not isinstance(node, kind))
    return st.lists(others, min_size=2, max_size=4).map(lambda children: kind(tuple(children)))


trees = st.recursive(
    leaves, lambda nodes: st.one_of(nodes.map(Not), _several(And, nodes), _several(Or, nodes)), max_leaves=12
)


@settings(max_examples=600, deadline=None)
@given(trees)
def test_trees_survive_their_text(tree: Node) -> None:
    assert parse(str(tree)) == tree
