"""The matcher agrees with a naive evaluator about every rule and post, made up or real; and what is broken is noticed.

`naive.py` decides on the raw JSON, the matcher on what the adapter decodes of it, so both are held to X's facts.
Figures are printed with `-s`. Real posts stand beside this repository, where `CONNECTOR_SHARED` says.
"""

from __future__ import annotations

import importlib
import itertools
import json
import random
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from connector import rules as sound
from connector import sources
from connector.errors import RuleError
from connector.incoming import Incoming
from connector.rules import OPERATORS, evaluated, sieve, tokens
from connector.rules.tree import And, Node, Not, Or, operator_of, walk
from connector.sources.x.payload import LineError, decode
from tests.conftest import SHARED
from tests.rules import naive, worlds
from tests.rules.asked import LEAVES, OF_TEXTS, Asker

SURFACES = ("stream", "search", "local")
WORLDS = 56
POSITIVES = 200
TOLD_BY_DETAIL = [
    "keyword", "phrase", "~", "#", "lang:", "is:retweet", "is:quote", "conversation_id:", "in_reply_to_tweet_id:",
    "retweets_of_tweet_id:", "quotes_of_tweet_id:", "has:links", "has:media", "has:images", "has:video_link",
    "has:hashtags", "has:mentions",
]  # fmt: skip
CIVIC = SHARED / "data" / "posts" / "civic_dev.jsonl"
RECORDED = SHARED / "data" / "x"
EVERY = {one.name for one in OPERATORS}
EVALUATED = [one.name for one in OPERATORS if evaluated(one, sources.capabilities("x").tells)]


class Case(NamedTuple):
    """Rules, lines, and which rules meet each post by the naive evaluator."""

    surface: str
    lines: Sequence[bytes]
    rules: Sequence[tuple[str, Node]]
    posts: Sequence[tuple[int, naive.Post]]
    """With the number of their line."""
    met: Sequence[set[int]]
    of_words: bool = False
    """Whether each rule needs a word, so that lines are passed over."""


def a_case(surface: str, lines: Sequence[bytes], rules: Iterable[str], count: int, only: Collection[str] = ()) -> Case:
    """`only`: names of operators, others do not occur."""
    chosen = list(itertools.islice(readable(rules, only or EVERY), count))
    posts = [(at, post) for at, line in enumerate(lines) for post in naive.posts(json.loads(line), surface)]
    met = [{number for number, (_, tree) in enumerate(chosen) if naive.meets(tree, post)} for _, post in posts]
    return Case(surface, lines, chosen, posts, met)


def readable(rules: Iterable[str], only: Collection[str]) -> Iterator[tuple[str, Node]]:
    for rule in rules:
        try:
            tree = sound.parse(rule)
        except RuleError:
            continue
        if all(operator_of(node).name in only for node in walk(tree) if not isinstance(node, And | Or | Not)):
            yield rule, tree


def about(lines: Sequence[bytes], seed: int, common: float = 0.5, names: Sequence[str] = ()) -> Case:
    """Rules of all kinds, or with these operators; `common` as in `Asker`."""
    return a_case(SURFACES[seed % 3], lines, Asker(random.Random(seed), lines, common).rules(names), 60)


def about_words(lines: Sequence[bytes], seed: int, common: float = 0.5) -> Iterator[Case]:
    """Small sets of rules of which each needs a word, so that lines are passed over."""
    rules = Asker(random.Random(seed), lines, common).rules_of_words()
    for _ in range(4):
        yield a_case(SURFACES[seed % 3], lines, rules, 3)._replace(of_words=True)


def a_world(seed: int) -> list[Case]:
    chance = random.Random(seed)
    return [about(worlds.lines(chance, 30), seed, 0.65), *about_words(worlds.short_lines(chance, 50), seed, 0.8)]


world = cache(a_world)
"""The same, kept for the many broken matchers."""


class Decided(NamedTuple):
    """What a package of rules says of a case."""

    met: list[set[int]]
    kept: set[int]
    """Lines that it does not pass over."""


def decided(package: ModuleType, case: Case, read: Callable[[bytes], list[Incoming]] = decode) -> Decided:
    compiled = package.compile((number, 1, rule) for number, (rule, _) in enumerate(case.rules))
    found = compiled.match([post for line in case.lines for post in read(line)], case.surface)
    met = [{one.rule_id for one in each} for each in found]
    return Decided(met, set(compiled.survivors(case.lines, case.surface)))


def disagreement(case: Case, said: Decided) -> str:
    """The first of what is decided otherwise or passed over, in words; empty: nothing."""
    for (at, post), met, wanted in zip(case.posts, said.met, case.met, strict=True):
        missed = set() if at in said.kept else wanted
        for number in sorted((met ^ wanted) | missed):
            what = "passed over" if number in missed else "met" if number in met else "not met"
            return f"{what} on {case.surface}: {case.rules[number][0]}\n{case.lines[at].decode()}\npost {post.id}"
    return ""


class Tally:
    """What was compared so far."""

    def __init__(self) -> None:
        self.pairs = self.matching = self.lines = self.kept = 0
        self.positives: Counter[str] = Counter()

    def add(self, case: Case, said: Decided) -> None:
        self.pairs += len(case.rules) * len(case.posts)
        self.matching += sum(map(len, case.met))
        for (_, post), met in zip(case.posts, case.met, strict=True):
            for number in met:
                self.positives.update(set(true_operators(case.rules[number][1], post)))
        if case.of_words:
            self.lines += len(case.lines)
            self.kept += len(said.kept)

    def __str__(self) -> str:
        passed = f", {1 - self.kept / self.lines:.1%} of lines passed over" if self.lines else ""
        each = ", ".join(f"{name} {self.positives[name]}" for name in EVALUATED if self.positives[name])
        return f"\n{self.pairs:,} pairs, {self.matching / self.pairs:.1%} matching{passed}; positives: {each}\n"


def true_operators(node: Node, post: naive.Post) -> Iterator[str]:
    """The operators that made it true, not those behind a minus."""
    if isinstance(node, And | Or):
        for child in node.children:
            yield from true_operators(child, post)
    elif not isinstance(node, Not) and naive.truth(node, post) and (operator := operator_of(node)):
        yield operator.name


def compared(cases: Iterable[Case]) -> Tally:
    tally = Tally()
    for case in cases:
        said = decided(sound, case)
        assert disagreement(case, said) == ""
        tally.add(case, said)
    sys.stdout.write(str(tally))
    return tally


# -- made up, and real -------------------------------------------------------------------------------------------------


def test_matcher_agrees_with_the_naive_evaluator_on_posts_made_up() -> None:
    tally = compared(case for seed in range(WORLDS) for case in world(seed))
    assert tally.pairs >= 100_000
    assert tally.matching >= tally.pairs / 5
    assert {name: tally.positives[name] for name in EVALUATED if tally.positives[name] < POSITIVES} == {}
    assert not sieve.available() or tally.kept < tally.lines * 0.8
    assert LEAVES.keys() == set(EVALUATED)


@pytest.mark.long
def test_matcher_agrees_with_the_naive_evaluator_on_a_million_pairs_made_up() -> None:
    tally = compared(case for seed in range(1000, 1350) for case in a_world(seed))
    assert tally.pairs >= 1_000_000


@pytest.mark.skipif(not CIVIC.exists(), reason="no real posts beside this repository")
def test_matcher_agrees_with_the_naive_evaluator_on_real_texts() -> None:
    tally = compared(
        case
        for seed, lines in enumerate(real_texts())
        for case in (about(lines, seed, 0.8, OF_TEXTS), *about_words(lines, seed, 0.8))
    )
    assert tally.pairs >= 30_000
    assert tally.matching >= tally.pairs / 5


@pytest.mark.skipif(not RECORDED.exists(), reason="no recorded payloads beside this repository")
def test_matcher_agrees_with_the_naive_evaluator_on_recorded_payloads() -> None:
    tally = compared(about(lines, seed, 0.8) for seed, lines in enumerate(recorded_lines()))
    assert tally.pairs >= 30_000


def real_texts() -> Iterator[list[bytes]]:
    """Texts that share a word, so that rules about one meet others too."""
    chance = random.Random(311)
    texts = [json.loads(line)["text"] for line in CIVIC.read_bytes().splitlines()]
    holding: dict[str, list[str]] = defaultdict(list)
    for text in texts:
        for word in set(text.lower().split()):
            holding[word].append(text)
    shared = sorted(word for word, those in holding.items() if len(those) >= 60)
    for word in chance.sample(shared, 11):
        chosen = chance.sample(holding[word], 36) + chance.sample(texts, 4)
        yield [
            json.dumps({"data": {"id": str(at), "text": text, "lang": "en"}}, ensure_ascii=at % 5 == 0).encode()
            for at, text in enumerate(chosen)
        ]


def recorded_lines() -> Iterator[list[bytes]]:
    """Posts as X sent them, with what stood beside them, a few a page."""
    pages = []
    for file in sorted(RECORDED.glob("*.jsonl")):
        for line in file.read_bytes().splitlines():
            try:
                value = json.loads(line)
                value = value.get("json", value)
                if isinstance(value, dict) and decode(json.dumps(value).encode()):
                    pages += list(cut(value))
            except (LineError, ValueError):
                continue
    random.Random(311).shuffle(pages)
    for start in range(0, min(len(pages), 135), 3):
        yield pages[start : start + 3]


def cut(value: dict[str, Any]) -> Iterator[bytes]:
    """A page as several, each with what belongs to it."""
    data = value.get("data")
    if not isinstance(data, list):
        yield json.dumps(value, ensure_ascii=False).encode()
        return
    for start in range(0, len(data), 5):
        posts = data[start : start + 5]
        around = value.get("includes") or {}
        kept: dict[str, list[Any]] = {}
        for name in ("tweets", "users", "places", "media"):
            said = json.dumps([posts, kept])
            kept[name] = [one for one in around.get(name, ()) if f'"{one.get("id") or one.get("media_key")}"' in said]
        yield json.dumps({"data": posts, "includes": kept}, ensure_ascii=start % 2 == 0).encode()


@pytest.mark.parametrize("surface", SURFACES)
def test_matcher_agrees_where_a_source_tells_no_more_than_the_common_detail(surface: str) -> None:
    """As others than X hand posts over, without the JSON that the naive evaluator reads."""

    def read(line: bytes) -> list[Incoming]:
        return [Incoming(post.source_id, post.text, post.lang, detail=post.detail) for post in decode(line)]

    for seed in range(5):
        lines = worlds.lines(random.Random(seed), 30)
        case = a_case(surface, lines, Asker(random.Random(seed), lines).rules(TOLD_BY_DETAIL), 40, TOLD_BY_DETAIL)
        assert disagreement(case, decided(sound, case, read)._replace(kept=set(range(30)))) == ""
        assert sum(map(len, case.met)) > 200


def test_words_near_each_other_agree_in_every_short_text() -> None:
    letters, counts = "abc", (2, 3)
    texts = [" ".join(text) for length in range(1, 6) for text in itertools.product(letters, repeat=length)]
    wanted = [" ".join(words) for length in counts for words in itertools.product(letters, repeat=length)]
    rules = [f'"{words}"~{distance}' for words in wanted for distance in range(1, 5)]
    lines = [json.dumps({"id": str(number), "text": text}).encode() for number, text in enumerate(texts)]
    case = a_case("local", lines, rules, len(rules))
    assert disagreement(case, decided(sound, case)) == ""


def test_words_part_at_every_character_as_in_the_naive_evaluator() -> None:
    """At a sample of them: each between two letters."""
    codes = random.Random(311).sample(range(0x30000), 30_000)
    chars = [char for char in map(chr, codes) if unicodedata.category(char) not in ("Cs", "Cn", "Co")]
    for char in chars:
        for accents in (True, False):
            text = f"a{char}b"
            assert naive.tokens(text, accents) == tokens.split(text, accents), f"{ord(char):x}"
    assert len(chars) > 10_000


# -- a broken matcher is noticed ---------------------------------------------------------------------------------------


class Change(NamedTuple):
    """A piece of a module, and what breaks it."""

    module: str
    before: str
    after: str


BROKEN: dict[str, tuple[Change, ...]] = {
    "a part of a word is enough": (
        Change("matcher", "met = self.anchors & words\n",
               "met = {a for a in self.anchors if any(a in w for w in words)}\n"),
        Change("truth", "lambda post: first in post.present\n", "lambda post: any(first in w for w in post.present)\n"),
    ),
    "words of a phrase stand anywhere": (
        Change("truth", "needed <= post.present and bool(post.forms(written, wanted))", "needed <= post.present"),
    ),
    "case counts": (
        Change("tokens", "char.casefold() if self._accents else _strip(_strip(char).casefold())", "char"),
    ),
    "case is only lowered": (Change("tokens", "char.casefold() if", "char.lower() if"),),
    "accents are folded on the stream": (Change("matcher", 'if surface == "stream" else', "if False else"),),
    "accents count everywhere": (Change("matcher", 'if surface == "stream" else', "if True else"),),
    "variants of emoji count": (Change("tokens", "0xFE00 <= code <= 0xFE0F", "False"),),
    "soft hyphens part words": (Change("tokens", "code != 0x200B", "code not in (0x200B, 0xAD)"),),
    "an underscore joins words": (Change("tokens", '[0] not in "LMN":', '[0] not in "LMNP":'),),
    "an emoji belongs to the word beside it": (Change("tokens", 'return f" {char} "', "return char"),),
    "Han is written in words": (Change("tokens", 'return f" {folded} " if _is_one_each(ord(char)) else', "return"),),
    "hashtags are words": (
        Change("truth", "post.more_tags) and key in post.tags()", "post.more_tags)"),
        Change("truth", "lambda post: [post.tags()[key]]", "lambda post: []"),
    ),
    "the quoted text is ignored": (Change("matcher", 'surface != "search"\n', "False\n"),),
    "the quoted text counts on search": (Change("matcher", 'surface != "search"\n', "True\n"),),
    "OR binds tighter than a space": (
        Change(
            "parser",
            "                parts.append(part)\n        return _joined(And, parts)",
            '                parts.append(part)\n            if self.kind() == "or":\n                self.at += 1\n'
            "                parts[-1:] = [_joined(Or, [parts[-1], self.item()])]\n        return _joined(And, parts)",
        ),
    ),
    "unknown is false behind a minus": (
        Change("truth", "return None if truth is None else not truth", "return not truth"),
    ),
    "an excluded word is not looked at": (Change("truth", "forbidden |= unwanted", "pass"),),
    "a rule is found by what it excludes": (
        Change("matcher", "        case And(children):\n            choices", "        case Not(child):\n"
               "            return _anchors(child, accents, common)\n        case And(children):\n            choices"),
    ),
    "only one alternative leads to a rule": (
        Change("matcher", "in anchors.items():", "in ({} if union else anchors).items():"),
    ),
    "only some candidates are decided": (
        Change("matcher", "for number in sorted(numbers):", "for number in sorted(numbers)[:20]:"),
    ),
    "only rules of one word are decided": (
        Change("matcher", "if not beside or not beside.isdisjoint(words)", "if not beside"),
    ),
    "rules without words are forgotten": (Change("matcher", "self.always.add(number)", "pass"),),
    "an upper limit is not included": (Change("operands", "least <= number <= most", "least <= number < most"),),
    "an answer inside counts nowhere": (Change("operands", 'if accents and str(leaf) == "is:reply"', "if False"),),
    "words near each other may stand further apart": (
        Change("near", "least + number + distance", "least + number + distance + 1"),
    ),
    "a place may reach out of the circle": (Change("geo", "return all(", "return any("),),
    "a repeated post has its place": (Change("places", "if detail.kind is Kind.REPOST:", "if False:"),),
    "escaped lines are passed over": (Change("sieve", "(_ESCAPE, _IGNORED,", "(_IGNORED,"),),
    "lines with signs without weight are passed over": (Change("sieve", "(_ESCAPE, _IGNORED,", "(_ESCAPE,"),),
    "lines with accents are passed over": (Change("sieve", "_FOLDING if accents else _ACCENTED", "_FOLDING"),),
    "lines with HTML are passed over": (Change("sieve", "_ENTITY.match(block, at)", "False"),),
    "lines that hold only what one alternative needs are passed over": (
        Change("matcher", "held | beside if held and beside else frozenset()", "held | beside"),
    ),
    "lines that hold an anchor beside a word with accents are passed over": (
        Change("sieve", "beside if all(other.isascii() for other in beside) else frozenset()",
               "frozenset(filter(str.isascii, beside))"),
    ),
    "words behind a line break are passed over": (Change("sieve", 'in b"bfnrt")', 'in b"")'),),
}  # fmt: skip


def broken(name: str, changes: Sequence[Change], folder: Path) -> ModuleType:
    """The package of rules under another name, with these changes."""
    assert sound.__file__
    for file in Path(sound.__file__).parent.glob("*.py"):
        source = file.read_text("utf-8")
        for change in changes:
            if change.module == file.stem:
                assert change.before in source, f"{change.before!r} stands in {file.name} no longer: mend this test"
                source = source.replace(change.before, change.after)
        target = folder / name / file.name
        target.parent.mkdir(exist_ok=True)
        target.write_text(source.replace("connector.rules", name), "utf-8")
    return importlib.import_module(name)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if at % 4 == 0 else [pytest.mark.long]) for at, name in enumerate(BROKEN)]
)
def test_a_broken_matcher_is_noticed(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not sieve.available() and any(change.module == "sieve" for change in BROKEN[name]):
        pytest.skip("hyperscan has no wheel for this platform")
    monkeypatch.syspath_prepend(tmp_path)
    package = broken(f"broken_{list(BROKEN).index(name)}", BROKEN[name], tmp_path)
    cases = (case for seed in range(WORLDS) for case in world(seed))
    assert any(disagreement(case, decided(package, case)) for case in cases)


def test_an_unbroken_copy_is_not_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    package = broken("broken_not", (), tmp_path)
    assert not any(disagreement(case, decided(package, case)) for seed in range(3) for case in world(seed))
