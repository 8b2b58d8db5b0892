"""The words by which `forbidden.py` knows protests, politics and elections; folded, English and Spanish.

*Strong* words say enough by themselves. *Weak* ones have a harmless sense too (march is a month, a party is loud, a
strike may be lightning) and count only beside their *company*. A street or a park may bear any name; what lies in the
road may be an election sign. Where a word is common in reports of problems, it is left out: bush, blm, sit in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache

PROTEST, POLITICS, ELECTION = "protest", "politics", "election"
TOPICS = (PROTEST, POLITICS, ELECTION)
PEOPLE_DOMAINS = frozenset({"10", "54", "56", "58", "60", "94"})
POLITICAL_DOMAINS = frozenset({"35", "38", "88"})
"""Of X's annotations: persons; politicians, races for an office, political bodies (docs.x.com, Post annotations)."""

STOP = frozenset(
    re.findall(
        r"\w+",
        """a al an and any are con como de del el ella en era es esta este for from fue has hay have her him his
        how is its la las los mas me mi muy no not nos of off on or out para pero por que sin so sobre son
        su sus that the their them they this to una uno was were what when who why will with you your""",
    )
)
"""Words that describe no problem."""

# A line is a word or a phrase; the parts of a phrase follow each other.
_STRONG: dict[str, str] = {
    PROTEST: """protest; protests; protester; protesters; protestor; protestors; protesting; protested; demonstrators;
        marchers; picketers; picketing; picket line; picket lines; rioters; insurrection; antifa; proud boys;
        black lives matter; civil disobedience; general strike; hunger strike; climate strike; women s march;
        womens march; pride march; protesta; protestas; protestar; protestan; protestando; manifestacion;
        manifestaciones; manifestante; manifestantes; mitin; mitines; cacerolazo; escrache; huelga general;
        huelga de hambre; desobediencia civil""",
    POLITICS: """democrat; democrats; republican; republicans; gop; maga; politician; politicians; congressman;
        congresswoman; congressmen; senator; senators; leftist; leftists; far right; far left; alt right; right wing;
        left wing; democratic party; republican party; green party; labour party; conservative party; political party;
        political parties; fascist; fascists; socialist; socialists; communist; communists; trump; biden; obama;
        kamala harris; desantis; netanyahu; putin; zelensky; hillary clinton; amlo; sheinbaum; lopez obrador;
        pedro sanchez; psoe; partido popular; partido politico; partidos politicos; politicos; ultraderecha;
        extrema derecha; extrema izquierda; comunista; comunistas; socialista; socialistas; fascista; fascistas;
        diputado; diputados; diputada; senador; senadores; senadora""",
    ELECTION: """election; elections; electoral; ballot; ballots; voter; voters; midterm; midterms; referendum;
        polling place; polling places; polling station; polling stations; exit poll; exit polls; early voting;
        get out the vote; eleccion; elecciones; votante; votantes; comicios; electorado; casilla electoral""",
}
GATHERINGS = frozenset({"rally", "demonstration", "riot"})
"""Weak words, by their stem, that mean the crowd when nothing else is looked for."""
# Words of one stem stand together; the first names it.
_WEAK: dict[str, str] = {
    PROTEST: """march marches marching; rally rallies rallying; demonstration demonstrations; strike strikes striking;
        riot riots rioting; vigil vigils; picket pickets; walkout walkouts; blockade blockades; marcha marchas;
        huelga huelgas; bloqueo bloqueos; concentracion concentraciones; planton plantones""",
    f"{PROTEST} company": """\
        activist activists; crowd crowds; chant chants chanting; megaphone; solidarity; justice; rights; general;
        union unions; teachers; students; workers; against; capitol; police; downtown; climate; supporters;
        organizers; sindicato sindicatos; derechos; justicia; contra; policia; trabajadores; maestros; estudiantes;
        activistas""",
    POLITICS: """party parties; mayor; president; governor; candidate candidates; campaign campaigns; congress; senate;
        minister; liberal liberals; conservative conservatives; partido partidos; alcalde alcaldesa; presidente
        presidenta; gobernador gobernadora; candidato candidata""",
    f"{POLITICS} company": """\
        popular; corrupt corruption; resign; impeach impeachment; democratic; scandal; politics political; speech;
        lies; lied; opponent; supporters; corrupto corrupta corrupcion; renuncia; dimision; politica politico;
        discurso""",
    ELECTION: """vote votes voting voted; poll polls; candidate candidates; campaign campaigns; primary primaries; votar
        voto votos; candidato candidatos candidata; campana; urnas""",
    f"{ELECTION} company": """register registration; precinct; turnout; mayor; president; party; governor; senate;
        congress; democratic; alcalde; presidente; partido; gobernador""",
    "civic": """sign signs; poster posters; flyer flyers; banner banners; litter; trash; garbage; debris; graffiti;
        basura; cartel carteles; pintada pintadas; escombros""",
}
_IN_TAGS = {
    PROTEST: re.compile(r"protest|manifestacion|(?:women|climate|people|pride).{0,3}(?:march|strike)|marchfor"),
    POLITICS: re.compile(r"democrat|republican|^(?:trump|biden|obama)(?:$|[^e])|maga$"),
    ELECTION: re.compile(r"election|eleccion|^vote"),
}
_STREETS = frozenset(
    re.findall(
        r"\w+",
        """st street streets rd road ave avenue blvd boulevard dr drive ln lane hwy highway parkway pkwy park bridge
        school library tunnel plaza square tower""",
    )
)
_CALLES = frozenset(
    ("calle", "avenida", "av", "plaza", "parque", "puente", "escuela", "paseo", "calzada", "colonia", "barrio")
)
_SIGNS = frozenset(("sign", "signs", "poster", "posters", "flyer", "flyers", "banner", "banners", "cartel", "carteles"))
_LINKING = frozenset(("de", "del", "la", "los", "las"))


@cache
def weak(topic: str) -> Mapping[str, str]:
    """The weak words of a topic, its company, or the civic words, each with its stem."""
    groups = [line.split() for line in _WEAK[topic].split(";")]
    return {word: group[0] for group in groups for word in group}


@cache
def _strong(topic: str) -> frozenset[tuple[str, ...]]:
    return frozenset(tuple(line.split()) for line in _STRONG[topic].split(";"))


@cache
def _longest(topic: str) -> int:
    return max(map(len, _strong(topic)))


def in_tag(topic: str, words: Sequence[str]) -> bool:
    """Whether a tag, which runs its words together, names the topic."""
    tag = "".join(words)
    return tag in _joined(topic) or bool(_IN_TAGS[topic].search(tag)) or strong(topic, words)


def strong(topic: str, words: Sequence[str]) -> bool:
    """Whether these words, which follow each other, name the topic, and no street or sign is called so."""
    for start in range(len(words)):
        for end in range(start + 1, min(len(words), start + _longest(topic)) + 1):
            if tuple(words[start:end]) in _strong(topic) and not _is_name(topic, words, start, end):
                return True
    return False


def in_company(topic: str, words: Sequence[str]) -> bool:
    """Whether a weak word and its company stand in one phrase, and no street or sign is called so."""
    company = any(word in weak(f"{topic} company") for word in words)
    named = any(_is_name(topic, words, at, at + 1) for at, word in enumerate(words) if word in weak(topic))
    return company and not named and any(word in weak(topic) for word in words)


@cache
def _joined(topic: str) -> frozenset[str]:
    return frozenset("".join(phrase) for phrase in _strong(topic))


def _is_name(topic: str, words: Sequence[str], start: int, end: int) -> bool:
    """Whether a street, a park or, except of protests, a sign is called so."""
    after = words[end] if end < len(words) else ""
    before = [word for word in words[:start] if word not in _LINKING][-1:]
    return after in _STREETS or (bool(before) and before[0] in _CALLES) or (topic != PROTEST and after in _SIGNS)
