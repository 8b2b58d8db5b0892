"""In which language a post is written: what its platform says, else what its words say, out of ten languages.

The platform is believed, for it knows more than one text. Where it says nothing, lingua looks at the words; its models
take some 150 MB and a second, so they are loaded when first needed and cost a post with a language nothing. A text of
few letters, or one that could be of two languages, has none: a wrong language hides a post from those who read it.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lingua import LanguageDetector

LANGUAGES = ("en", "es", "zh", "tl", "vi", "ar", "fr", "ko", "ru", "pt")
"""The most spoken in the cities of the United States."""
_UNTOLD = frozenset(["", "und", "mul", "mis", "zxx"])
_SAME = {"fil": "tl", "iw": "he", "in": "id", "cmn": "zh", "yue": "zh"}
_NO_WORDS = re.compile(r"https?://\S+|www\.\S+|[@#]\w+|…|\ufdd0\d+\ufdd1")
_DENSE = re.compile("[\u3400-\u9fff\uac00-\ud7af]")
_FEWEST, _FEWEST_DENSE = 12, 3
"""Letters; of Chinese and Korean, where one says more."""
_SURE = 0.5


def of(text: str, told: str = "") -> str:
    """ISO 639-1 code, or "" where nobody can say; `told` is what the platform says of it."""
    return as_told(told) or by_words(text)


def as_told(told: str) -> str:
    """The platform's word as ISO 639-1; "" for "undetermined", and for X's own `qme`, `qht` and so on."""
    code = told.lower().replace("_", "-").partition("-")[0]
    if code in _UNTOLD or (len(code) == 3 and code[0] == "q"):
        return ""
    return _SAME.get(code, code)


def by_words(text: str) -> str:
    """What the words say; links, tags and handles say nothing."""
    words = _NO_WORDS.sub(" ", text)
    if sum(map(str.isalpha, words)) < _FEWEST and len(_DENSE.findall(words)) < _FEWEST_DENSE:
        return ""
    best = _detector().compute_language_confidence_values(words)[0]
    return best.language.iso_code_639_1.name.lower() if best.value >= _SURE else ""


@cache
def _detector() -> LanguageDetector:
    from lingua import IsoCode639_1, LanguageDetectorBuilder

    codes = [getattr(IsoCode639_1, code.upper()) for code in LANGUAGES]
    return LanguageDetectorBuilder.from_iso_codes_639_1(*codes).build()
