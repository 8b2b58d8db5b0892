"""The words that speak for or against a place, in English and Spanish; nothing here knows a city.

`mentions.py` weighs one name by the words beside it, `place.py` two names by the words between. All are folded as
`names.folded` does: no capitals, accents or apostrophes.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STRONG = _words(
    """
    on along off at near behind outside across onto opposite beside inside nr northbound southbound eastbound westbound
    nb sb eb wb en por sobre cerca frente
    """
)
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
    corner block blk end top bottom side part half stretch intersection middle foot length front back rear north
    south east west esquina cuadra lado frente detras enfrente atras
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
MONTHS = _words(
    """
    january february march april may june july august september october november december jan feb mar apr jun jul aug
    sep sept oct nov dec
    """
)
NOT_A_STREET = (
    _words(
        """
    tree trees town towns wood wooden nut nuts needle needles leaf leaves branch branches cone cones scented oil
    cream jar hall week weeks time times day days grade grader graders floor place month months year years
    inning quarter one thing person try half night morning amendment birthday anniversary season date shift
    party class world of kid child friday monday tuesday wednesday thursday saturday sunday ticket round
    generation degree gear base wave floor flr graders
    """
    )
    | MONTHS
)
"""After a name or an ordinal, these make it something else: "pine tree", "third week", "5th grade"."""
NAMELESS = _words(
    """
    hey hi dear please fix the our your my this that these those and or but is are was were has have so outside inside
    hello attention also not no yes why how when where el la los las del al su mi frente detras parque mercado edificio
    escuela hospital primaria biblioteca puente plaza park
    """
)
"""May stand before a name, with a capital too, and be no part of it."""
COUNTED = _words("am pm min mins minutes hours hrs days weeks months years times cars people feet ft inch inches of")
"""After a number they make it no house: "Birch Street 214 days without water"."""
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
TROUBLE = STREET_WORDS | _words(
    """
    tree trees limb limbs branch branches wire wires cable cables pole poles power outage dark dead out broken broke
    busted smashed cracked crack cracks hole holes crater sinkhole sinkholes bump ditch stump leaks leaked burst
    pipe main water flood floods puddle puddles lake ice icy snow salt plowed slush mud dirt garbage trash rubbish
    litter dump dumping couch sofa mattress fridge tire tires bag bags bin dumpster overflowing overflow pickup
    needle needles syringe syringes glass poop rat rats roach roaches mosquito mosquitoes dog dogs raccoon raccoons
    coyote animal carcass stray tag tagged tags tagging painted paint vandal vandals vandalism vandalized stink
    stinks smell smells smelly sewage sludge spill oil noise noisy loud music party drill drilling jackhammer
    construction alarm siren speeding racing crash crashed hit blocked blocking blocks double van rv scooter
    scooters bike bikes meter ramp wheelchair bench benches swing swings playground fountain fence railing rail
    stairs step steps grate grates cover missing fallen fell down knocked leaning hanging loose exposed sparking
    smoke fire burning gas unsafe danger dangerous hazard hazards stuck gone repair repaired repairs fix fixed
    report reported complaint ticket crew crews weeds grass overgrown mow mowed bus stop shelter signal red green
    sinking collapsed collapse uneven buckled trip tripped blackout lit unlit flickering flicker abandoned camp tent
    tents encampment squatters arbol arboles rama ramas poste luz luces apagada apagado oscuro oscura agua drenaje
    alcantarilla inundada inundado inundacion charco hoyo hoyos socavon grieta roto rota rotos rotas quebrado vidrio
    vidrios tirado tirada tiraron colchon sillon llantas jeringas rata ratas perro perros ruido musica grafiti
    grafitis pintaron rayaron rayado huele olor peste apesta hielo nieve lodo carro carros camion coche bloqueado
    bloquea abandonado fuego humo incendio peligro peligroso arreglen arreglar reparar arreglaron reportar reporte
    recogen recogieron desborda desbordado zanja obra obras caido caida cayo parquimetro rampa banca senal muerto
    muerta muertos
    """
)
"""A text with one of these may tell of something that a city mends; with none of them "the library" is no place."""
SOFT = _words(
    """
    report reported down stuck bus stop party main noise gone loud music water lake dirt van bike bikes meter crash
    crashed hit red green cover trip stairs step steps camp tent tents oil alarm dead lit burning double power dark
    out light lights lane lanes car cars truck road roads street streets corner block blk traffic sign signal siren
    salt ice glass paint painted crew crews ticket complaint fixed fix repair repaired repairs danger dangerous fire
    smoke dog dogs stray animal fell fallen broke missing carro carros camion coche luz luces agua musica perro
    perros fuego humo reporte reportar banca obra obras calle calles
    """
)
"""Those of them that are also said of a day at the beach."""
CITIES = _words(
    """
    nyc brooklyn manhattan queens bronx chicago houston phoenix philadelphia philly dallas austin jacksonville
    columbus charlotte indianapolis seattle denver washington dc boston nashville detroit oklahoma portland vegas
    memphis louisville baltimore milwaukee albuquerque tucson fresno sacramento kansas mesa atlanta omaha raleigh
    miami oakland minneapolis tulsa tampa arlington wichita cleveland honolulu anaheim stockton cincinnati
    pittsburgh anchorage henderson greensboro plano newark toledo orlando irvine laredo chandler lubbock scottsdale
    reno buffalo gilbert glendale chesapeake norfolk fremont boise spokane tacoma rochester hollywood toronto
    montreal vancouver calgary ottawa edmonton winnipeg london manchester birmingham leeds glasgow dublin edinburgh
    liverpool bristol sydney melbourne brisbane perth auckland paris berlin madrid barcelona rome tokyo delhi mumbai
    bangalore bengaluru chennai hyderabad kolkata pune manila bogota lima quito caracas guadalajara monterrey
    tijuana cdmx mexico alabama alaska arizona arkansas california colorado connecticut delaware florida georgia
    hawaii idaho illinois indiana iowa kentucky louisiana maine maryland massachusetts michigan minnesota
    mississippi missouri montana nebraska nevada ohio oregon pennsylvania tennessee texas utah vermont virginia
    wisconsin wyoming
    """
)
"""Large cities and states: a street that is told to be in one of them is not ours."""
NEW = _words("york orleans jersey mexico hampshire delhi")
SAN = _words("antonio diego jose francisco juan salvador angeles cruz")
"""After "New", and after "San", "Los" or "Santa", they are one too."""
NO_CITY = MONTHS | _words(
    """
    monday tuesday wednesday thursday friday saturday sunday spring summer fall autumn winter english spanish
    espanol ingles front case god jesus christmas i
    """
)
"""May follow "in" with a capital and are no town."""
SPOTS = _words(
    """
    pothole potholes sidewalk sidewalks intersection streetlight streetlights crosswalk hydrant manhole curb drain
    stoplight bache baches banqueta acera semaforo
    """
)
"""Right behind a name they make it a street: "the Birch pothole"."""
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
BETWEEN = _words("between btwn btw betw bet entre")
FROM = _words("from desde")
UNTIL = _words("to thru through til till until hasta a up down")
"""In "Elm from 5th to 7th"."""
VAGUE = _words("everywhere citywide city all whole toda todas todos")
"""A text with none of these does not speak of everywhere."""
