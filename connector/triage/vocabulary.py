"""The words that speak for or against a place, in English and Spanish; nothing here knows a city.

`mentions.py` weighs one name by the words beside it, `place.py` two names by the words between. All are folded as
`names.folded` does: no capitals, accents or apostrophes.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STRONG = _words("on along off at near behind outside across onto en por sobre cerca")
"""Prepositions of place."""
WEAK = _words(
    """
    by from to past up down through between around toward towards under above below of and para desde hasta con
    de entre
    """
)
"""Prepositions of place and of much else."""
AFTER = STRONG | WEAK
"""The place stands after them."""
OF = _words(
    """
    corner block blk end top bottom side part half stretch intersection middle foot length esquina cuadra
    """
)
"""In "corner of", "block of", "end of": then "of" is one of place."""
THE = _words("the la el del al")
"""One of these stands before a place that wants its article: "the Cut", "del faro"."""
ARTICLES = _words(
    """
    the this that these my our your his her their its a an another any every some no old new
    """
)
"""Before a common noun, not before a street."""
COMMON = _words(
    """
    alder anchor apple ash aspen bank bay beach beacon beech birch bridge brook canal canary castle cedar center
    central chandler cherry chestnut church clay cliff coast commerce copper coral court cotton creek crescent
    cross crystal dale depot dock dogwood eagle elm farm ferry fern field fir flint forest forge fort foundry
    fountain fox foxglove front garden gate grand granite grant green grove guild gull harbor harbour hawk
    hawthorn hazel heather heron high hill holly iron island ivy jasmine juniper kestrel kiln king lake larch
    lark laurel liberty light lighthouse lilac lime linden lincoln loom lookout magnolia main maple market
    marina mason meadow meridian mill mint mission mountain myrtle north oak ocean olive orange orchard palm
    park peach peak pear pearl pecan pier pilot pine plum pond poplar port prairie primrose prospect quarry
    queen railroad river robin rock rope rose rowan school shore silver skylark south spindle spring spruce
    stable station stone summer summit sun sunset sunrise swan sycamore tallow temple thistle tower union valley
    view vine vineyard violet walnut water weaver wharf willow winter wood yarrow mirador sol mar luna hermitage
    bell dyer cannery capstan mercy peace hope granary brickyard shuttle bobbin drydock
    """
)
"""Street names of many cities that are ordinary words as well: as names they need more evidence."""
NOT_A_STREET = _words(
    """
    tree trees town towns wood wooden nut nuts needle needles leaf leaves branch branches cone cones scented oil
    cream jar hall week weeks time times day days grade grader graders floor place month months year years
    inning quarter one thing person try half night morning amendment birthday anniversary season date shift
    party class world of kid child friday monday tuesday wednesday thursday saturday sunday ticket round
    generation degree gear base wave january february march april may june july august september october
    november december
    """
)
"""After a name or an ordinal, these make it something else: "pine tree", "third week", "5th grade"."""
LIGHTS = _words("light lights lamp lamps sign signs")
"""In "street light", "street" is no suffix."""
GOES_ON = _words(
    """
    and at in on is was has are were be been by near again this that these for to since where when with from up
    down into but or so it its the a an just not now still today tonight yesterday because cause cuz who which
    toward towards past before after between until right left here there had have needs need looks look never
    hasnt isnt if as i we our my please pls y con en de la el los las que por no se esta hay desde hasta para
    casi frente esq block side corner all every full both also too doing going below above across x esquina
    lleva cerca junto
    """
)
"""May follow a place; another word makes a name before it part of a longer one."""
STREET_WORDS = _words(
    """
    street streets road roads rd block blk corner sidewalk sidewalks curb kerb pothole potholes intersection
    lane lanes alley traffic signal light lights streetlight streetlights lamp crosswalk hydrant drain sewer
    manhole pavement asphalt neighborhood driveway parked car cars truck trash garbage recycling bins dumped
    flooded flooding plow plowed graffiti leak leaking gutter calle calles bache baches semaforo basura esquina
    cuadra fuga agua banqueta acera
    """
)
"""A text with one of these is about a street."""
JOINTS = _words("and at y con x e esquina corner near by off cerca casi")
"""Join two streets to a crossing: "5th and Main", "Luna esquina Linden"."""
FILLERS = _words("the la el of de that with almost a right just on en del")
"""May stand beside a joint."""
LOOSE = _words(
    """
    meets meet hits hit crosses cross past from where toward towards before below above between until turns into
    in to up down on off through behind across desde hasta entre comes heading just junto frente intersection
    outside
    """
)
"""Between two streets that meet: "9th just before it meets Quarry"."""
VAGUE = _words("everywhere citywide city all whole toda todas todos")
"""A text with none of these does not speak of everywhere."""
