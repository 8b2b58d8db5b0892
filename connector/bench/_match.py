"""`bench match`: from raw lines to the rules that they meet, against a lean decode of the same bytes.

Beside it, over a few posts only, what somebody would write first: a regular expression a word of every rule, and
SQLite's FTS5 asked every rule about a batch. Both are told in times the same floor; the first is also a check, since
it must agree.
"""

from __future__ import annotations

import gc
import random
import re
import sqlite3
import time
import tracemalloc
from collections.abc import Callable, Sequence
from statistics import quantiles
from typing import Any

import msgspec

from connector import rules
from connector.bench._house import us
from connector.bench._posts import SEED, posts, rule_texts
from connector.config import DEMO
from connector.rules.tree import And, Field, Hashtag, Node, Not, Or, Phrase, Word
from connector.sources.sample import read_posts
from connector.sources.x.payload import decode

_BATCH = 500
_SIZES = (100, 1_000, 10_000)
_POSTS = {100: 40_000, 1_000: 10_000, 10_000: 4_000}
_PEER_POSTS = {100: 1_000, 1_000: 200, 10_000: 0}
"""The naive ones take too long for more; 0: not measured."""
_PROTOTYPES = {100: 1.4, 1_000: 5.8, 10_000: 10.6}
"""The same ratio of the quickest designs that were tried before this one was built, on another, thinner corpus."""
_SURFACE = "stream"
_RARE = 5  # letters: shorter words stand in every post


class _Lean(msgspec.Struct, gc=False):
    id: str
    text: str
    author_id: str = ""
    lang: str = ""


class _LeanLine(msgspec.Struct, gc=False):
    data: _Lean


LEAN = msgspec.json.Decoder(_LeanLine)


def match(share: float, turns: int = 5) -> dict[str, Any]:
    """CPU time of one core; floor and measured take turns, and the fastest of each counts.

    `decode_and_match` is what the command `match` does with a line: a look at the raw bytes, then decoding and deciding
    what is left. `every_line_decoded` is what the worker does, which has to count every post.
    """
    result: dict[str, Any] = {
        "corpus": "generated posts in X's v2 stream shape", "seed": SEED, "share": share, "turns": turns,
    }  # fmt: skip
    for size in _SIZES:
        lines = [line.rstrip() for line in posts(_POSTS[size], share)]
        measured = _measured(_rules(size), lines, turns, _PEER_POSTS[size])
        result[f"rules_{size}"] = measured | {"prototype_ratio": _PROTOTYPES[size]}
    return result


def _measured(texts: Sequence[str], lines: Sequence[bytes], turns: int, peer_posts: int) -> dict[str, Any]:
    numbered = [(at, 1, text) for at, text in enumerate(texts)]
    began = time.process_time()
    compiled = rules.compile(numbered)
    compiled.match(decode(lines[0]), _SURFACE)
    compiled.survivors(lines[:1], _SURFACE)
    compile_seconds = time.process_time() - began
    spent = _fastest(
        turns,
        {
            "lean_decode": lambda: [LEAN.decode(line) for line in lines],
            "decode_and_match": lambda: _sieved(compiled, lines),
            "every_line_decoded": lambda: _decoded(compiled, lines),
        },
    )
    floor = spent.pop("lean_decode")
    met = _decoded(compiled, lines)
    kept = sum(len(compiled.survivors(batch, _SURFACE)) for batch in _batches(lines))
    result: dict[str, Any] = {
        "posts": len(lines), "bytes_a_post": round(sum(map(len, lines)) / len(lines)),
        "matched": round(sum(map(bool, met)) / len(lines), 4), "survived_the_sieve": round(kept / len(lines), 4),
        "lean_decode_us": us(floor, len(lines)),
    }  # fmt: skip
    for name, seconds in spent.items():
        result |= {f"{name}_us": us(seconds, len(lines)), f"{name}_ratio": round(seconds / floor, 2)}
    for name, seconds in _peers(compiled, texts, lines[:peer_posts]).items() if peer_posts else ():
        result[f"{name}_ratio"] = round(seconds / peer_posts / (floor / len(lines)), 1)
    result |= _one_by_one(compiled, lines[:5_000])
    return result | {"compile_s": round(compile_seconds, 3), "memory_mb": round(_memory(numbered, lines[0]), 1)}


def _sieved(compiled: rules.RuleSet, lines: Sequence[bytes]) -> int:
    """How many posts meet a rule."""
    met = 0
    for batch in _batches(lines):
        found = [post for at in compiled.survivors(batch, _SURFACE) for post in decode(batch[at])]
        met += sum(map(bool, compiled.match(found, _SURFACE)))
    return met


def _decoded(compiled: rules.RuleSet, lines: Sequence[bytes]) -> list[list[rules.Found]]:
    found: list[list[rules.Found]] = []
    for batch in _batches(lines):
        found += compiled.match([post for line in batch for post in decode(line)], _SURFACE)
    return found


def _one_by_one(compiled: rules.RuleSet, lines: Sequence[bytes]) -> dict[str, float]:
    """Microseconds of a post that comes alone."""
    took = []
    for line in lines:
        began = time.perf_counter_ns()
        if compiled.survivors([line], _SURFACE):
            compiled.match(decode(line), _SURFACE)
        took.append((time.perf_counter_ns() - began) / 1000)
    cuts = quantiles(took, n=100)
    return {"one_post_p50_us": round(cuts[49], 1), "one_post_p99_us": round(cuts[98], 1)}


def _memory(numbered: Sequence[tuple[int, int, str]], line: bytes) -> float:
    """Megabytes that Python holds for the compiled rules; the sieve's database in C is not counted."""
    gc.collect()
    tracemalloc.start()
    compiled = rules.compile(numbered)
    compiled.match(decode(line), _SURFACE)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held / 2**20


def _fastest(turns: int, doing: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Seconds of CPU time."""
    spent = dict.fromkeys(doing, float("inf"))
    for _ in range(turns):
        for name, do in doing.items():
            gc.collect()
            began = time.process_time()
            do()
            spent[name] = min(spent[name], time.process_time() - began)
    return spent


def _batches(lines: Sequence[bytes]) -> list[Sequence[bytes]]:
    return [lines[at : at + _BATCH] for at in range(0, len(lines), _BATCH)]


# -- rules ---------------------------------------------------------------------------------------------------------


def _rules(count: int) -> list[str]:
    """A city's hundred, then more of the same shapes with words of the demo city's posts."""
    texts, chance = rule_texts()[:count], random.Random(SEED)
    told = re.findall(r"[a-z]+", " ".join(post.text.lower() for post in read_posts(DEMO / "posts.jsonl")))
    words = sorted({word for word in told if len(word) >= _RARE})
    while len(texts) < count:
        shape = chance.choice(('"{0} {1}"', "({0} OR {1}) {2} -is:retweet", "(#{0} OR {0}) {1} -{2}", "{0} {1} {2}"))
        texts.append(shape.format(*chance.sample(words, 3)))
    return texts


# -- peers ---------------------------------------------------------------------------------------------------------


def _peers(compiled: rules.RuleSet, texts: Sequence[str], lines: Sequence[bytes]) -> dict[str, float]:
    """Seconds for these lines. Raises AssertionError if regular expressions find something else than we do."""
    trees = [rules.parse(text) for text in texts]
    tests = [_regex_test(tree) for tree in trees]
    found: list[list[int]] = []

    def by_regex() -> None:
        found.clear()
        for line in lines:
            (post,) = decode(line)
            found.append([number for number, test in enumerate(tests) if test(post)])

    spent = _fastest(1, {"naive_regex": by_regex, "sqlite_fts5": lambda: _by_fts5(trees, lines)})
    assert found == [[one.rule_id for one in each] for each in _decoded(compiled, lines)]
    return spent


def _regex_test(node: Node) -> Callable[[Any], bool]:
    match node:
        case Word(text) | Phrase(text) | Hashtag(text):
            sign = "[#＃]" if isinstance(node, Hashtag) else r"(?<![^\W_])"
            found = re.compile(sign + r"[\W_]+".join(map(re.escape, text.split())) + r"(?![^\W_])", re.IGNORECASE)
            return lambda post: found.search(post.text) is not None
        case Field("lang", value):
            return lambda post: bool(post.lang == value)
        case Field(_, value):
            kind = {"retweet": "repost"}.get(value, value)
            return lambda post: any(str(reference.kind) == kind for reference in post.detail.references)
        case Not(child):
            test = _regex_test(child)
            return lambda post: not test(post)
        case And(children):
            every = [_regex_test(child) for child in children]
            return lambda post: all(test(post) for test in every)
        case Or(children):
            some = [_regex_test(child) for child in children]
            return lambda post: any(test(post) for test in some)
    raise AssertionError(node)


def _by_fts5(trees: Sequence[Node], lines: Sequence[bytes]) -> int:
    """How many pairs a full-text index finds; fields count as met."""
    queries = [_fts5_query(tree) for tree in trees]
    database = sqlite3.connect(":memory:")
    database.execute("CREATE VIRTUAL TABLE post USING fts5(text, content='', tokenize='unicode61')")
    database.executemany(
        "INSERT INTO post (rowid, text) VALUES (?, ?)",
        ((at, decode(line)[0].text) for at, line in enumerate(lines)),
    )
    found = sum(
        len(database.execute("SELECT rowid FROM post WHERE post MATCH ?", (query,)).fetchall()) for query in queries
    )
    database.close()
    return found


def _fts5_query(node: Node) -> str:
    match node:
        case Word(text) | Phrase(text) | Hashtag(text):
            return '"' + text.replace('"', "") + '"'
        case And(children):
            wanted = [_fts5_query(child) for child in children if not isinstance(child, Not | Field)]
            without = [_fts5_query(c.child) for c in children if isinstance(c, Not) and not isinstance(c.child, Field)]
            query = " AND ".join(wanted)
            return f"({query})" + "".join(f" NOT {each}" for each in without)
        case Or(children):
            return "(" + " OR ".join(map(_fts5_query, children)) + ")"
    raise AssertionError(node)
