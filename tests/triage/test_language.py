"""The platform's word counts; without one the words of ten languages do, and too few of them say nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from connector.sealing import CLOSE, OPEN
from connector.triage import language

TEXTS = {
    "en": "There is a huge pothole in front of the school and nobody comes to fix it",
    "es": "Hay un bache enorme delante de la escuela y nadie viene a arreglarlo",
    "zh": "学校门口有一个很大的坑，没有人来修",
    "tl": "May malaking lubak sa harap ng paaralan at walang pumupunta para ayusin ito",
    "vi": "Có một ổ gà rất lớn trước cổng trường mà không ai đến sửa",
    "ar": "هناك حفرة كبيرة أمام المدرسة ولا أحد يأتي لإصلاحها",
    "fr": "Il y a un énorme trou devant l'école et personne ne vient le réparer",
    "ko": "학교 앞에 큰 구덩이가 있는데 아무도 고치러 오지 않아요",
    "ru": "Перед школой огромная яма, и никто не приезжает её чинить",
    "pt": "Há um buraco enorme em frente à escola e ninguém vem consertar",
}


def test_each_of_the_ten_languages_is_told_by_its_words() -> None:
    assert set(TEXTS) == set(language.LANGUAGES)
    assert {code: language.of(text) for code, text in TEXTS.items()} == {code: code for code in TEXTS}


@pytest.mark.parametrize(
    ("told", "code"),
    [("es", "es"), ("EN-us", "en"), ("pt_BR", "pt"), ("fil", "tl"), ("ht", "ht"), ("zh-Hant", "zh"), ("iw", "he")],
)
def test_the_platform_is_believed_whatever_the_words_are(told: str, code: str) -> None:
    assert language.of(TEXTS["ru"], told) == code


@pytest.mark.parametrize("told", ["", "und", "zxx", "qme", "qht", "UND"])
def test_a_platform_that_says_nothing_is_not_believed(told: str) -> None:
    assert language.of(TEXTS["vi"], told) == "vi"


@pytest.mark.parametrize(
    "text",
    [
        "", "ok", "😡😡😡", "lol!!", "311", "https://example.gov/this/is/a/long/english/path",
        "#fixthestreetplease #now",
        f"{OPEN}1{CLOSE} {OPEN}12345{CLOSE} …", "@somebody_with_a_long_name", "道路に穴が開いている",
    ],
)  # fmt: skip
def test_too_few_words_or_an_unknown_language_have_none(text: str) -> None:
    assert language.of(text) == ""


def test_the_models_are_loaded_only_when_words_must_decide() -> None:
    code = (
        "import sys\nfrom connector.triage import language\n"
        "assert language.of('Hay un bache enorme en la calle', 'es') == 'es'\nassert language.of('ok') == ''\n"
        "assert 'lingua' not in sys.modules\nlanguage.of('Hay un bache enorme en la calle')\nassert 'lingua' in "
        "sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
