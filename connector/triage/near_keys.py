"""The hashed addresses under which `grouping.py` finds the few suspects that `near.py` weighs: by words, by ground.

Pure and the same in every process and version of Python, for they are stored. Two texts alike meet in one of their
`bands` (MinHash); two places within `FAR` metres, in one of the four squares `around` either.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from math import cos, floor, radians
from struct import Struct

from rensa import RMinHash

from connector.triage.geometry import METRES_A_DEGREE
from connector.triage.near import FAR
from connector.triage.wording import LONG_ENOUGH, Wording, cut, made_of

_SIDE = 2.02 * FAR / METRES_A_DEGREE
"""Degrees of latitude; a hair more than twice as far, so that four squares around a point hold all that is near."""
_BANDS, _ROWS, _SEED = 4, 3, 311
"""Two texts that share J of their words and pairs of words meet in a band with 1 - (1 - J³)⁴: 0.94 for J = 0.8."""
_CELLS = -1
_BASIS, _PRIME, _MASK = 0xCBF29CE484222325, 0x9E3779B97F4A7C15, 2**64 - 1
_DIGEST, _KEYS = Struct("<" + f"{_ROWS}I4x" * _BANDS), Struct("<" + "q8x" * _BANDS)
"""The rows of each band, and the key of each band, in 128 bits: a key needs so many while it is mixed."""


def bands(texts: Iterable[tuple[int, str]]) -> list[tuple[int, ...]]:
    """For each type and text the keys of its bands; none for a text that is too short to be known again."""
    return [keys for keys, _ in bands_and_wordings(texts)]


def bands_and_wordings(texts: Iterable[tuple[int, str]]) -> list[tuple[tuple[int, ...], Wording]]:
    """For each type and text the keys of its bands, as `bands`, and its wording."""
    found = [(type_id, *cut(text)) for type_id, text in texts]
    keys = _keys([(type_id, _digest(words, telling)) for type_id, words, telling in found if _is_long(words)])
    return [(next(keys) if _is_long(words) else (), made_of(words, telling)) for _, words, telling in found]


def _is_long(words: Sequence[str]) -> bool:
    return len(words) >= LONG_ENOUGH


def _digest(words: Sequence[str], telling: Iterable[str]) -> list[int]:
    # Both words and pairs: word order tells a copy from a likeness.
    tokens = [*map(" ".join, zip(words, words[1:], strict=False)), *telling]
    # Not by rensa's call for many: it makes threads, which a process that `pool.py` forks off waits for in vain.
    made = RMinHash(_BANDS * _ROWS, _SEED)
    made.update(tokens)
    digest: list[int] = made.digest()
    return digest


def _keys(digests: Sequence[tuple[int, Sequence[int]]]) -> Iterator[tuple[int, ...]]:
    """What `_key` makes of the bands of each type and digest, all mixed as one number, 128 bits a key."""
    size = len(digests) * _DIGEST.size
    parts = int.from_bytes(b"".join([_DIGEST.pack(*digest) for _, digest in digests]), "little")
    mixed = int.from_bytes(b"".join([_begun_bands(type_id) for type_id, _ in digests]), "little")
    part, product, shifted = (_lowest(bits, size) for bits in (32, 64, 64 - 29))
    for _ in range(_ROWS):
        mixed = (mixed ^ parts & part) * _PRIME & product
        mixed ^= mixed >> 29 & shifted
        parts >>= 32
    return _KEYS.iter_unpack(mixed.to_bytes(size, "little"))


def _lowest(bits: int, size: int) -> int:
    """Ones for the lowest bits of each key in so many bytes."""
    return int.from_bytes((2**bits - 1).to_bytes(16, "little") * (size // 16), "little")


@lru_cache(maxsize=10_000)
def _begun_bands(type_id: int) -> bytes:
    return _KEYS.pack(*[_begun(type_id, at) for at in range(_BANDS)])


@lru_cache(maxsize=10_000)
def _begun(type_id: int, at: int) -> int:
    """With what the keys of one type begin, in one band or of all squares of ground."""
    return _key(_BASIS, type_id, at)


def cell(type_id: int, lat: float, lon: float) -> int:
    """The key of the square of ground in which something stands."""
    row = floor(lat / _SIDE)
    return _square(type_id, row, floor(lon / _width(row)))


def around(type_id: int, lat: float, lon: float) -> tuple[int, ...]:
    """The keys of the four squares that hold all within `FAR` metres."""
    south = floor(lat / _SIDE - 0.5)
    return _four(type_id, south, floor(lon / _width(south) - 0.5), floor(lon / _width(south + 1) - 0.5))


@lru_cache(maxsize=20_000)
def _four(type_id: int, south: int, west: int, west_in_the_north: int) -> tuple[int, ...]:
    """Of the squares whose western ones are these, in two rows."""
    squares = [(south, west), (south + 1, west_in_the_north)]
    return tuple([_square(type_id, row, at + east) for row, at in squares for east in (0, 1)])


@lru_cache(maxsize=20_000)
def _square(type_id: int, row: int, at: int) -> int:
    """Remembered: a city has a few thousand squares, and four of them mixed anew take 9 us instead of 1.5."""
    return _key(_begun(type_id, _CELLS), row, at)


@lru_cache(maxsize=10_000)
def _width(row: int) -> float:
    """Degrees of longitude; a row of squares has one width, wherever the city lies."""
    return _SIDE / max(0.01, cos(radians((row + 0.5) * _SIDE)))


def _key(begun: int, *parts: int) -> int:
    """64 bits, signed as a database keeps them; the same in every process and version of Python.

    `begun`: the key of the parts before these.
    """
    mixed = begun
    for part in parts:
        mixed = (mixed ^ part) * _PRIME & _MASK
        mixed ^= mixed >> 29
    return mixed - (mixed >> 63 << 64)
