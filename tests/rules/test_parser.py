"""Text to tree and back, and where a mistake is said to be."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.errors import RuleError
from connector.rules import canonical, parse
from connector.rules.parser import MAX_DEPTH, MAX_PROBLEMS, read
from connector.rules.tree import And, Field, Hashtag, Mention, Node, Not, Or, Phrase, Word


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
        ("lang:EN", Field("lang", "en")),
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
        ('x "a b"~3', 2, 7, '"a b"'),
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
leaves: st.SearchStrategy[Node] = st.one_of(
    bare.map(Word),
    (st.text(max_size=8) | st.sampled_from(['"', "\\", 'a\\"', "OR", "-"])).map(lambda text: Phrase(f"a{text}")),
    bare.filter(lambda text: text != "🕳").map(Hashtag),
    names.map(Mention),
    names.map(lambda name: Field("from", name)),
    st.sampled_from(["en", "es", "zh-tw"]).map(lambda code: Field("lang", code)),
    st.sampled_from(["retweet", "reply", "quote"]).map(lambda value: Field("is", value)),
    st.sampled_from(["links", "media", "images", "hashtags", "mentions"]).map(lambda value: Field("has", value)),
)


def _several(kind: type[And] | type[Or], nodes: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    others = nodes.filter(lambda node: not isinstance(node, kind))
    return st.lists(others, min_size=2, max_size=4).map(lambda children: kind(tuple(children)))


trees = st.recursive(
    leaves, lambda nodes: st.one_of(nodes.map(Not), _several(And, nodes), _several(Or, nodes)), max_leaves=12
)


@settings(max_examples=400, deadline=None)
@given(trees)
def test_trees_survive_their_text(tree: Node) -> None:
    assert parse(str(tree)) == tree


@settings(max_examples=400, deadline=None)
@given(trees, st.randoms(use_true_random=False))
def test_mutated_rules_are_read_or_refused(tree: Node, random) -> None:
    text = list(str(tree))
    for _ in range(3):
        at = random.randrange(len(text) + 1)
        text[at : at + random.randrange(2)] = random.choice(['"', "(", ")", "-", ":", " ", "OR ", "#", "\\", "~", ""])
    started = time.process_time()
    result, problems = read("".join(text))
    assert time.process_time() - started < 1  # milliseconds unless something is quadratic
    if not problems:
        assert result is not None
        assert parse(str(result)) == result
