"""Where it is, on the card: the place with its evidence and how sure it is, on a map of the city's own streets.

Without a place the author can be asked: the question stands there in the post's language, to be copied, and the
suspect is parked until they may have answered.
"""

from __future__ import annotations

from functools import partial

import streamlit as st

from connector import screen
from connector.models import Suspect
from connector.screen import desk, maps, verbs
from connector.screen.desk import Shown
from connector.store import queue

EVIDENCE = {
    "geotag": "from the post's own geotag",
    "place tag": "from the post's place tag",
    "reply": "from the author's later reply",
    "intersection": "from the underlined words: two streets that meet",
    "address": "from the underlined words: a house number",
    "street": "from the underlined words: a street, its middle",
    "landmark": "from the underlined words: a landmark",
    "by hand": "set by hand",
}
_SURE = ((0.85, "sure"), (0.6, "likely"), (0.0, "a guess"))
QUESTIONS = {
    "en": "Thank you for telling us. Where exactly is it? A street and number or the nearest corner is enough.",
    "es": "Gracias por avisarnos. ¿Dónde está exactamente? Basta con la calle y el número o la esquina más cercana.",
    "fr": "Merci de nous prévenir. Où est-ce exactement ? La rue et le numéro ou le carrefour voisin suffisent.",
    "de": "Danke für den Hinweis. Wo genau ist das? Straße und Hausnummer oder die nächste Kreuzung genügen.",
    "pt": "Obrigado por nos avisar. Onde fica exatamente? A rua e o número ou a esquina mais próxima bastam.",
    "it": "Grazie per la segnalazione. Dove si trova esattamente? Bastano la via e il numero o l'incrocio più vicino.",
    "ru": "Спасибо, что сообщили. Где именно это находится? Достаточно улицы и дома или ближайшего перекрёстка.",
    "vi": "Cảm ơn bạn đã báo tin. Chính xác là ở đâu? Chỉ cần tên đường và số nhà hoặc ngã tư gần nhất.",
    "tl": "Salamat sa pagsabi sa amin. Saan ba ito mismo? Sapat na ang kalye at numero o ang pinakamalapit na kanto.",
    "zh": "感谢您告诉我们。请问具体位置在哪里？只需街道和门牌号，或最近的路口。",
    "ar": "شكرًا لإبلاغنا. أين يقع المكان بالتحديد؟ يكفي اسم الشارع والرقم أو أقرب تقاطع.",
    "ko": "알려 주셔서 감사합니다. 정확한 위치가 어디인가요? 도로명과 번지 또는 가장 가까운 교차로면 충분합니다.",
}
"""What an author is asked, by the language of the post."""


def where(found: queue.Card, shown: Shown) -> None:
    """The place and what speaks for it, beside a map; or that nobody knows it, and what to do."""
    suspect = found.suspect
    if not suspect.place:
        _nowhere(suspect, shown)
        return
    left, right = st.columns([1, 1], gap="medium", vertical_alignment="center")
    with left:
        st.markdown(f":material/location_on: **{screen.escaped(suspect.place)}**  \n:gray[{_evidence(suspect)}]")
    with right:
        place = st.container(height=124, border=False)  # a fixed place: nothing jumps when the map is drawn
    if suspect.lat is not None and suspect.lon is not None:
        desk.follows(place, partial(maps.small_map, suspect.lat, suspect.lon, suspect.place))


def _evidence(suspect: Suspect) -> str:
    told = (_inside(suspect), EVIDENCE.get(suspect.place_method, ""), how_sure(suspect.place_sure))
    return " · ".join(screen.escaped(text) for text in told if text)


def _inside(suspect: Suspect) -> str:
    """The district; or that the point lies outside the city, if the city told us where it ends."""
    if suspect.district or not screen.house().gazetteer.districts or suspect.lat is None:
        return suspect.district
    return "outside the city"


def how_sure(sure: float | None) -> str:
    """In a word; nothing where a person said it."""
    return "" if sure is None else next(word for least, word in _SURE if sure >= least)


def _nowhere(suspect: Suspect, shown: Shown) -> None:
    by_hand = suspect.place_method == "by hand"
    why = "a colleague found none" if by_hand else "neither the text nor a geotag says where"
    st.markdown(f":material/wrong_location: **No place yet** :gray[· {why}]")
    if not shown.open or shown.parked:
        return
    letter = None if desk.chosen_for(shown) else screen.key("w")  # the types' letters are in the bottom row then
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Ask where, and park", key=f"ask_where_{shown.id}", shortcut=letter, on_click=verbs.ask_where,
            args=(shown,),
        )  # fmt: skip
        st.markdown(f":gray[until {verbs.day(verbs.answered_by())}]", width="content")
    with st.container(border=True):  # not `st.code`: what it needs holds up the first card for 0.3 s
        st.text(QUESTIONS.get(suspect.language, QUESTIONS["en"]))
