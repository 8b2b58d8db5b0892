"""How people tell of a danger, in ten languages: the phrases that `urgency.py` looks for, and the words that unsay one.

A phrase is a regular expression over a folded text (small letters, no accents, no signs but those that end a sentence);
a blank in it stands for any gap between two words, `~` for up to three words between. Those of `SCRIPTS` are looked for
in the text as written. Chosen by what a dispatcher of 911 or of a utility would send somebody for; English and Spanish
are the long lists, the other eight say the plainest forms.
"""

from __future__ import annotations

_BIG = r"(?:(?:big|huge|small|large|massive|another|real|active|strong|bad|serious) )?"
_NOW = r"(?:(?:is|are|was|were|s|has|have|just|still|now|literally|currently|been|all|on) ){0,4}"
_PERSON = (
    r"(?:some(?:one|body)|people|person|m[ae]n|wom[ae]n|kids?|child(?:ren)?|boys?|girls?|lady|guy|neighbou?rs?|driver"
    r"|passengers?|cyclist|biker|bicyclist|motorcyclist|rider|pedestrian|famil(?:y|ies)|baby|workers?|mom|mother|dad"
    r"|father|grand(?:ma|mother|pa|father)|elderly|student|toddler|teenager|resident|son|daughter)"
)
_ANOTHER = rf"(?:{_PERSON}|he|she)"
_ANYONE = rf"(?:{_PERSON}|he|she|they|im|i'm|we're|he's|she's|they're|i|we)"
OPENINGS = (_ANYONE, _ANOTHER, _PERSON)
"""Whom many phrases begin with."""
_RARELY_BURNS = r"(?:house|home|building|apartment|car|truck|bus|van|vehicle|roof|transformer|pole|dumpster|tree)"
_BURNS = (
    r"(?:house|home|building|apartments?|car|truck|bus|van|suv|vehicle|dumpster|trash(?: can| pile)?|bin|garbage|garage"
    r"|roof|trees?|field|grass|brush|bush(?:es)?|store|shop|restaurant|warehouse|pole|fence|shed|kitchen|porch|box"
    r"|transformer|hillside|hill|park|lot|school|church|mattress|couch|train|boat|rv|tents?|encampment|balcony|attic"
    r"|basement|wires?|power lines?|meter|manhole|leaves|woods|trail|tire|tires|engine|bushes|palm tree)"
)
_ON_FIRE = (
    "house apartment building brush grass car vehicle dumpster kitchen structure electrical garage trash forest roof"
    " truck wild"
)
_FIRES = " ".join(f"{what}fire {what}fires" for what in _ON_FIRE.split())
_ENCLOSES = (
    r"(?:elevator|lift|rubble|debris|wreck\w*|cars?|truck|van|basement|house|home|building|apartment|stairwell|garage"
    r"|tree|branch(?:es)?|wall|well|mud|underpass|hole|drain|storm drain|manhole|flood\w*|water|roofs?|fence|"
    r"trench|fire"
    r"|collaps\w+|crash\w*|vehicle|bathroom stall|shaft|pipe|culvert|canal)"
)
_IN_SOMETHING = rf"(?:under|beneath|inside|in|on) (?:the |an? |her |his |their |our |my )?{_ENCLOSES}"
_POWER = (
    r"(?:(?:power|electric|electrical|electricity|utility|high voltage) (?:lines?|wires?|cables?|poles?)|powerlines?"
    r"|live wires?)"
)
_LINE = rf"(?:{_POWER}|wires|telephone poles?)"
_STREET = r"(?:the )?(?:road|street|sidewalk|ground|yard|driveway|lane|alley|path|bike lane|playground|pavement|grass)"

PHRASES: dict[str, list[str]] = {
    "gas": [
        r"smell(?:s|ing|ed)?~ (?:natural )?gas(?! (?:station|prices?|pump|powered|grill|lighting|tax|fumes from))",
        r"gas (?:smell|odou?r|leak(?:s|ing|age)?|fumes (?:in|inside))", r"gas~ (?:hissing|leaking|escaping)",
        r"(?:hit|hits|broke|broken|struck|ruptured|cut|damaged|punctured) ~(?:a|the|our) gas (?:line|main|pipe)",
        r"gas (?:line|main|pipe) ~(?:hit|broke|broken|struck|ruptured|leaking|burst|hissing)",
        r"(?:smell|reek|stink)\w*~ rotten eggs?~~ (?:gas|inside|stairwell|apartment|basement|hallway)",
        r"(?:stairwell|apartment|house|building|basement|hallway|home) ~(?:smell|reek|stink)\w*~ rotten eggs?",
        r"(?:carbon monoxide|co) (?:alarm|detector)s? ~(?:going off|beeping|went off|sounding|screaming)",
        r"carbon monoxide (?:leak|poisoning)",
        r"(?:olor|huele|oliendo|apesta|huelo)~ gas(?! (?:natural vehicular|lacrimogeno))",
        r"(?:fuga|escape|olor) de gas", r"(?:tubo|tuberia|linea) de gas ~(?:rot[oa]|rompi\w+)",
        r"romp\w+~ (?:tubo|tuberia|linea) de gas",
        r"sent~ le gaz", r"(?:odeur|fuite) de gaz", r"cheiro~ gas", r"vazamento de gas", r"cheirando a gas",
        r"ro ri (?:khi )?gas?", r"mui (?:khi )?gas?", r"amoy~ gas", r"(?:tagas|tumatagas)~ gas",
    ],
    "wire": [
        rf"{_POWER} {_NOW}(?:hanging|dangling)", rf"{_LINE} {_NOW}(?:down|fell|fallen|lying|laying|snapped|"
        rf"sparking|arcing|came down"
        r"|broken|touching the (?:ground|sidewalk|road|street|car|house))(?! to the)",
        rf"{_LINE} {_NOW}(?:in|across|over|on) {_STREET}",
        r"(?:downed|fallen|sparking|arcing) (?:(?:power|electric|electrical|utility|live) )?"
        r"(?:lines?|wires?|cables?|poles?)",
        r"(?:took|pulled|knocked|brought|ripped) down~ (?:power ?lines?|wires?|power poles?|electric\w* \w+)",
        r"(?:electric|electrical|power) (?:cable|wire|line)s? (?:is |are )?(?:lying|laying|hanging|dangling|down)",
        rf"(?:cable|wire|line)s? (?:lying|hanging|dangling)~ {_STREET}",
        r"(?:exposed|bare) (?:live |electric\w* )?wires?", r"live (?:electric\w* )?wires?",
        r"transformer ~(?:blew|blown|blows|explod\w+|spark\w*|smoking|burning|caught|popped|throwing|on fire)",
        r"(?:throwing|shooting|spitting) sparks", r"sparks (?:are )?(?:flying|coming|shooting)", r"electrocuted",
        r"cables?(?: de (?:la )?luz| electricos?| de alta tension| de corriente| de electricidad){0,2} (?:esta\w* )?"
        r"(?:caid[oa]s?|tirad[oa]s?|colgando|suelt[oa]s?|rotos?|se cay\w+|en (?:el suelo|la calle|el piso|la "
        r"banqueta))",
        r"se cay(?:o|eron)~ (?:cables?|postes?)", r"(?:echa(?:ndo)?|saca(?:ndo)?|tira(?:ndo)?|soltando) chispas",
        r"transformador ~(?:explot\w+|trono|fuego|humo|chisp\w+|revento)", r"electrocut(?:o|ado|ada)",
        r"cables? electriques? ~(?:tombes?|par terre|arraches?|pend\w*)", r"fios?~ (?:caidos?|caiu|soltos?|no chao)",
        r"poste caiu", r"day dien ~(?:dut|roi|dut roi)", r"(?:nakalaylay|nalaglag|naputol|bumagsak)~ (?:live wire|kable"
        r"|kawad|poste)", r"(?:kable|kawad|poste|live wire)~ (?:nakalaylay|naputol|bumagsak|nalaglag)",
    ],
    "fire": [
        rf"{_BURNS} {_NOW}(?:on fire|ablaze|in flames|up in flames|caught fire|catching fire|engulfed)",
        rf"{_BURNS}~~ (?:is|are|just caught) (?:on )?fire", rf"{_RARELY_BURNS} {_NOW}burning",
        rf"there(?:'?s| is| are| was)~ (?:burning|blazing) {_BURNS}", rf"burning {_RARELY_BURNS}",
        rf"(?:there(?:'?s| is)|see|seeing|started|got) (?:a |an )?{_BIG}fires? "
        r"(?:in|at|on|behind|near|inside|next|under|by|burning|spreading|starting)",
        rf"(?:{'|'.join(_ON_FIRE.split())}) ?fires? (?:is |are |just )?(?:start\w*|spreading|burning|right|near|behind"
        r"|next|on the|at the|on|at|by)",
        r"flames (?:are )?(?:com\w+|shoot\w+|pour\w+|leap\w+|everywhere|from|out|on|inside|in the|at the)",
        r"smoke (?:is )?(?:pouring|billowing|coming out|rising out)",
        r"(?:thick|black|heavy|lots of)(?: black)? smoke (?:is )?(?:coming|from|inside|in the|pouring)",
        r"(?:just|something|there was an?|huge|loud|gas) explo(?:ded|sion)",
        r"fire spreading (?:to|fast)",
        r"incendio (?:en (?:una?|la calle|mi|el lote|este|la casa|el edificio)|junto|cerca|detras|"
        r"atras)", r"se incendian?",
        r"se estan? (?:quemando|incendiando)", r"(?:hay|es) (?:un )?(?:incendio|fuego|quema)",
        r"(?:carro|coche|auto|camion|casa|edificio|techo|arbol|bote|contenedor|tienda|lote|pasto|cerro|"
        r"apartamento|poste"
        r"|vehiculo|autobus) ~(?:en llamas|ardiendo|quemandose|incendiandose)",
        r"(?:sale|salen|saliendo)~ (?:llamas|humo negro)", r"hay llamas", r"prendio fuego~ (?:casa|carro|lote|bote)",
        r"(?:il y a )?le feu (?:dans|a l|au|sur|chez)", r"incendie (?:dans|en cours|au|rue)", r"en feu (?:dans|rue|au)",
        r"(?:voiture|immeuble|maison|poubelle|toit|camion) ~(?:en feu|en flammes|brule|a pris feu)",
        r"pegando fogo", r"(?:tem|ha) (?:um )?incendio", r"(?:carro|casa|predio|onibus|mato) ~em chamas",
        r"(?:nha|xe|can ho|toa nha) ~(?:dang )?(?:bi )?chay", r"chay (?:nha|xe|lon|o)", r"boc chay", r"hoa hoan",
        r"(?:may|nay|dito) sunog", r"sunog (?:sa|dito|ngayon)", r"nasusunog(?: na)? (?:ang|yung|dito|bahay)",
    ],
    "hurt": [
        rf"{_ANYONE}~~ (?:trapped|pinned|buried) {_IN_SOMETHING}", rf"{_PERSON}~~ stuck {_IN_SOMETHING}",
        rf"{_PERSON} (?:is |are |was |were |got |still )?(?:trapped|stranded|pinned)",
        rf"trapped~ {_PERSON}", r"trapped (?:in|inside|under)~ (?:elevator|lift|rubble|debris|wreck|car|"
        r"basement|house)",
        rf"{_ANYONE}~~ (?:unconscious|unresponsive|not moving|not breathing|isn'?t (?:moving|breathing)|bleeding"
        r"|having a (?:seizure|heart attack|stroke)|lying in the (?:road|street))(?! (?:money|cash|heart))",
        rf"{_ANOTHER}~~ (?:can'?t|cannot) (?:get up|breathe)",
        rf"{_PERSON} (?:is |are |just )?(?:choking|drowning|passed out|collapsed|electrocuted)",
        rf"{_PERSON}~ (?:is|are) ~(?:injured|hurt|choking|drowning)",
        rf"{_PERSON}~ (?:hit|struck|run over|knocked down) by (?:a|an|the) (?:car|truck|bus|train|van|driver|suv|tree"
        r"|branch|motorcycle|scooter)",
        rf"(?:hit(?! and run)|struck|ran over)~ {_PERSON} ~(?:and|on|who|lying|bleeding|not moving)",
        r"(?:needs?|call|get|send)(?: us| for)? an "
        r"ambulance", r"(?:head|face|leg) ~bleeding", r"bleeding ~(?:badly|a lot)",
        rf"(?:fell|collapsed) on~ {_PERSON}", r"screaming for help",
        rf"{_PERSON}~ fell (?:in|into|down) (?:an?|the) (?:open )?(?:manhole|hole|drain|canal|river|creek)",
        r"(?:ninos?|ninas?|personas?|gente|alguien|senora?|hombre|mujer|familias?|trabajador(?:es)?|vecin[oa]s?|"
        r"conductor"
        r"|abuel[oa]|mama|papa|bebe|muchach[oa]|ciclista|chico|chica)~~ atrapad[oa]s?",
        r"atrapad[oa]s? (?:en|bajo|debajo|dentro)~ (?:elevador|ascensor|escombros|carro|coche|sotano|casa)",
        r"atropell(?:aron|o|ad[oa])", r"esta ~sangrando", r"sangra(?:ndo)? mucho", r"esta ~inconsciente",
        r"no (?:se )?(?:puede|pueden) (?:levantar|mover|respirar|parar)", r"no (?:se mueve|respira|reacciona)",
        r"(?:necesit\w+|manden|llamen|pidan)(?: a)? (?:una |la )?ambulancia", r"hay~ herid[oa]s?", r"se esta ahogando",
        r"coincee?s? (?:dans|sous)", r"(?:personne|enfant|homme|femme|cycliste)~ (?:inconsciente?|blessee?|saigne)",
        r"renversee? par une (?:voiture|moto)", r"pres[oa]s? (?:no|na|nos|em) (?:elevador|carro|escombros|ferragens)",
        r"foi atropelad[oa]", r"(?:esta|homem|mulher|crianca) ~(?:sangrando|inconsciente|ferid[oa])",
        r"nguoi~ (?:bi thuong|mac ket|bat tinh|chay mau)", r"(?:na ?trap|naipit|nakulong) ~(?:ang|sa|yung)",
        r"(?:nasagasaan|walang malay|duguan|sugatan)",
    ],
    "water": [
        rf"(?:{_PERSON}|car|cars) ~(?:swept|washed|carried) away", rf"{_PERSON} (?:is |are )?drowning",
        r"water (?:is )?(?:up to|at|above|over)~ (?:windows?|waist|chest|neck|roof)",
        r"(?:cars?|bus|van|truck|vehicles?)~~ (?:stuck|trapped|stranded|submerged|floating)~ (?:flood\w*|water|"
        r"underpass)",
        r"(?:underpass|flood\w*|high water)~~~ (?:cars?|bus|van|truck|people|someone|driver)~~ "
        r"(?:stuck|trapped|stranded|submerged)",
        r"(?:se (?:lo|la|los|las) llevo|arrastro)~ (?:agua|corriente|arroyo|rio)",
        r"(?:carro|coche|auto)s?~~ (?:atrapad|varad|hundi)\w+~ (?:agua|inundad\w+)",
    ],
    "hole": [
        r"(?:open|uncovered|missing|exposed) (?:manhole|storm drain)(?: covers?)?(?! (?:thefts?|night|trial))",
        r"manholes?(?: (?:covers?|lids?))? (?:is |are |has been |was )?(?:missing|gone|open|uncovered|removed|"
        r"wide open)",
        r"(?:no|without (?:a|its)|missing) (?:cover|lid) on~ manhole", r"manhole ~(?:no|without (?:a|its|any)) "
        r"(?:cover|lid)",
        r"sinkhole (?:just |has |suddenly )*(?:opened|swallowed|collapsed|opening)",
        r"(?:road|street|sidewalk|bridge) (?:just |has |is )+(?:collapsed|caving in|collapsing)",
        r"(?:alcantarilla|coladera|registro|pozo|boca de tormenta) ~(?:sin (?:su )?tapa|destapad[oa]|abiert[oa])",
        r"(?:falta|robaron|no tiene)~ tapa~ (?:alcantarilla|coladera|registro)", r"se abrio~ socavon",
        r"(?:plaque d'?egout|bouche d'?egout) ~(?:manqu\w+|ouverte|disparu\w*)", r"bueiro ~(?:abert[oa]|sem tampa)",
        r"(?:nap|mieng) cong ~(?:mat|bi mat|ho|mo)", r"(?:bukas|walang takip)~ (?:manhole|imburnal)",
        r"(?:manhole|imburnal)~ (?:bukas|walang takip)",
    ],
}  # fmt: skip
"""Kind → phrases in the languages with Latin letters; the gravest kind first."""

WORDS: dict[str, frozenset[str]] = {
    kind: frozenset(words.split())
    for kind, words in {
        "gas": "gas gaz ga rotten monoxide co",
        "wire": "wire wires cable cables fio fios line lines powerline powerlines pole poles poste postes transformer"
        " transformador sparks sparking arcing chispas electrocuted electrocuto electrocutado electrocutada dien kawad"
        " kable",
        "fire": f"{_FIRES} fire fires ablaze flames burning blazing engulfed smoke exploded explosion incendio"
        " incendia incendian incendiando incendiandose quemando quemandose llamas humo fuego quema ardiendo feu "
        "incendie"
        " flammes brule fogo chamas chay hoa sunog nasusunog",
        "hurt": "trapped pinned buried stuck stranded unconscious unresponsive moving breathing bleeding seizure stroke"
        " attack lying cant cannot choking drowning passed collapsed electrocuted injured hurt hit struck run "
        "knocked ran"
        " ambulance fell screaming atrapado atrapada atrapados atrapadas atropellaron atropello atropellado"
        " atropellada sangrando sangra inconsciente inconscient puede pueden mueve respira reacciona ambulancia herido "
        "herida heridos"
        " heridas ahogando coince coincee coinces coincees renverse renversee blesse blessee saigne preso presa presos"
        " presas atropelado atropelada ferido ferida nguoi trap natrap naipit nakulong nasagasaan malay duguan sugatan",
        "water": "swept washed carried drowning water stuck trapped stranded submerged floating llevo arrastro agua"
        " inundado inundada inundados inundadas",
        "hole": "manhole manholes sinkhole drain cover covers lid caving collapsed collapsing alcantarilla coladera"
        " registro pozo tapa socavon egout degout bueiro cong imburnal tormenta",
    }.items()
}
"""A text without one of these words of a kind is not searched for it."""

_PEOPLE = (
    "someone somebody people person man men woman women kid kids child children boy boys girl girls lady guy neighbor"
    " neighbour neighbors neighbours driver passenger passengers cyclist biker bicyclist motorcyclist rider pedestrian"
    " family families baby worker workers mom mother dad father grandma grandmother grandpa grandfather elderly student"
    " toddler teenager resident son daughter"
)
NEEDED: dict[str, dict[str, str]] = {
    "gas": {"gas gaz ga monoxide": "", "rotten": "egg eggs", "co": "alarm alarms detector detectors"},
    "wire": {
        "line lines wire cable cables pole poles": "power electric electrical electricity utility voltage telephone"
        " live downed fallen sparking arcing exposed bare lying hanging dangling electrique electriques caido caida"
        " caidos caidas tirado tirada tirados tiradas colgando suelto suelta sueltos sueltas roto rotos se en",
        "took pulled knocked brought ripped": "down",
        "wires powerline powerlines transformer sparks electrocuted cayo cayeron chispas transformador electrocuto"
        " electrocutado electrocutada fio fios caiu dien nakalaylay nalaglag naputol bumagsak": "",
    },
    "fire": {
        f"{_FIRES} fire fires ablaze flames burning blazing engulfed smoke exploded explosion incendio incendia"
        " incendian incendiando incendiandose quemando quemandose llamas humo fuego quema ardiendo feu incendie"
        " flammes brule fogo chamas chay hoa sunog nasusunog": "",
    },
    "hurt": {
        "stuck collapsed hit struck run ran knocked fell passed hurt injured": _PEOPLE,
        "cant cannot t": "can cant cannot, get breathe, up breathe",
        "moving": "not isnt isn",
        "lying": "road street",
        "attack": "heart",
        "ambulance": "an",
        "puede pueden": "levantar mover respirar parar",
        "trap": "na",
        "trapped pinned buried stranded unconscious unresponsive breathing bleeding seizure stroke choking drowning"
        " electrocuted screaming atrapado atrapada atrapados atrapadas atropellaron atropello atropellado atropellada"
        " sangrando sangra inconsciente inconscient mueve respira reacciona ambulancia herido herida heridos heridas"
        " ahogando coince coincee coinces coincees renverse renversee blesse blessee saigne preso presa presos presas"
        " atropelado atropelada ferido ferida nguoi natrap naipit nakulong nasagasaan malay duguan sugatan": "",
    },
    "water": {
        "swept washed carried": "away",
        "water": "window windows waist chest neck roof",
        "stuck trapped stranded submerged floating": "car cars bus van truck vehicle vehicles people someone driver",
        "llevo arrastro": "agua corriente arroyo rio",
        "drowning carro carros coche coches auto autos": "",
    },
    "hole": {
        "manhole manholes": "open uncovered missing exposed gone removed no without bukas takip",
        "drain": "storm",
        "sinkhole": "opened swallowed collapsed opening",
        "collapsed caving collapsing": "road street sidewalk bridge",
        "alcantarilla coladera registro pozo tormenta": "tapa destapado destapada abierto abierta",
        "socavon bueiro cong imburnal plaque bouche": "",
    },
}
"""Kind → words, and others beside them: a phrase holds one of the words and, of each list beside, one as well.

They spare most texts the search: a "line" alone is no danger. An apostrophe parts words.
"""

SCRIPTS: dict[str, str] = {
    "gas": r"煤气泄漏|煤气味|燃气泄漏|天然气泄漏|瓦斯外洩|瓦斯味|煤氣味|煤氣洩漏|漏煤气|漏气了"
    r"|가스 ?(?:냄새|누출)|가스가 ?새|запах(?:ом)? газа|пахнет газом|утечка газа|رائحة (?:ال)?غاز|تسرب (?:ال)?غاز",
    "wire": r"(?:电线|電線|电缆|高压线)[^。，！？]{0,6}(?:掉|断|斷|落|垂)|漏电|漏電|"
    r"전(?:깃)?선이?[^.]{0,8}(?:끊|떨어|늘어)"
    r"|(?:оборван\w*|упал\w*|висит|висят|искрит\w*)(?: \w+)? провод\w*|провод\w*(?: \w+)? (?:упал\w*|оборван\w*|"
    r"искр\w*)"
    r"|(?:سقط|وقع|تدلى)[^.]{0,10}(?:سلك|أسلاك|كابل)|(?:سلك|أسلاك|كابل) كهرباء",
    "fire": r"着火了?|著火|起火|失火|正在燃烧|冒浓烟|불이? ?났|불이? ?나고|화재(?:가|입|발생)|불타고"
    r"|гор(?:ит|ят) (?:дом|маши\w+|здани\w+|мусор\w*|балкон\w*|трав\w*|крыш\w*|квартир\w*)|загорел(?:ся|ась|ось|ись)"
    r"|(?:дом|машина|здание|мусор|квартира|крыша) гор(?:ит|ят)|пожар (?:в|на|у|возле)"
    r"|حريق (?:في|كبير|بجانب|قرب)|(?:يحترق|تحترق|النار تشتعل)|اندلع حريق",
    "hurt": r"有人(?:受伤|受傷|昏迷|昏倒|被困|被车撞|被車撞)|流血不止|被困在|갇혔|갇혀 ?있|피를? ?(?:많이 )?흘|"
    r"의식이? ?없"
    r"|사람이 ?(?:쓰러|다쳤)|차에 ?치|застрял\w* в лифте|люди? под завал\w+|без сознания|истекает кровью"
    r"|сбил\w? (?:машина|человек\w*|ребен\w*|ребён\w*)|(?:شخص|طفل|رجل|امرأة|ناس)[^.]{0,12}(?:محاصر|عالق|ينزف|"
    r"مصاب)|فاقد الوعي",
    "water": r"被(?:水|洪水)冲走|车[^。，]{0,4}被淹|떠내려|(?:унес\w*|смыл\w*) (?:вод\w+|течени\w+)|جرفت(?:ه|ها|"
    r"هم)? المياه",
    "hole": r"井盖[^。，！？]{0,4}(?:不见|丢|没了|缺失|被偷|打开)|没有井盖|人孔蓋[^。，]{0,3}不見|맨홀 ?뚜껑이? "
    r"?(?:없|열)"
    r"|(?:открыт\w*|без крышки) люк|люк(?: \w+)? (?:открыт\w*|без крышки)|غطاء [^.]{0,14}(?:مفقود|مفتوح)",
}
"""The same in Chinese, Korean, Russian and Arabic, one expression a kind."""

NEGATED = (
    r"(?:\bno\b|\bnot\b|\bisn'?t\b|\bwasn'?t\b|\baren'?t\b|\bweren'?t\b|\bnever\b|\bwithout\b|\bfake\b|\bstop saying\b"
    r"|\bsin\b|\bninguna?\b|\bno es\b|\bfalsa?\b|\bpas de\b|\bnao ha\b|\bwalang\b|\bkhong\b)(?: \w+){0,3} $"
)
"""Right before a phrase."""
UNREAL = (
    r"\b(?:if|would|might|may|will|could(?! smell)|going to|gonna|before|what to do|in case|until|unless|how to|risk of"
    r"|danger of|can (?:get|be)|so (?:that )?no one|almost|nearly|imagine|someday|one day|when will|si|podria|"
    r"antes de que|va a|van a|puede|por poco"
    r"|learn|feels? like|as if|like i'?m|drive)(?: [\w']+){0,5} $"
)
"""A few words before a phrase, or with a person's name inside it."""
OVER = (
    r"\b(?:false alarm|drill|exercise|simulacro|simulation|rehearsal|training|was removed|were removed|(?:has|"
    r"have|had) "
    r"(?:been )?(?:fixed|repaired|removed|cleared|restored|patched|replaced)|(?:crews?|they) (?:have |just )?(?:fixed|"
    r"repaired|removed)|all clear|extinguished|under control|contained|put (?:it )?out|thanks to|(?:past|last) "
    r"(?:\w+ )?(?:years?|months?|"
    r"weeks?|night|weekend|summer|winter|spring|fall|time)|(?:many|for) years|(?:years?|months?|weeks?|days?|"
    r"summers?|winters?) ago|since (?:19|20)\d\d|"
    r"in (?:19|20)\d\d|anniversary|remember(?:ing)?|moment of silence|replacement|cleared|reopened|lanes open|"
    r"el (?:ano|mes|fin de semana) pasado|la semana pasada|anoche|hace (?:\w+ )?(?:anos?|meses|semanas?)|ya "
    r"(?:\w+ )?(?:revisaron|repararon|arreglaron|apagaron|quitaron)|falsa alarma|aniversario)\b"
)
"""Anywhere in the text: not now."""
STILL = (
    r"\b(?:right now|as we speak|still (?:sparking|burning|leaking|down|hanging|there|on fire|smell\w*|trapped|live|"
    r"open|missing)|ahora mismo|en este momento|todavia (?:huele|arde|hay))\b"
)
"""And yet now."""
NEWS = (
    r"(?<!\w)(?:kill(?:s|ed)|(?:\d+|one|two|three|four|five|many|several|dozens?|found|shot|left) dead|dies|"
    r"died|deaths?|toll|victims?|survivors?|officials?|police say|sheriff|breaking|news|"
    r"reportedly|according to|investigat\w+|injur(?:es|ing)|condolences?|pray(?:ers?|ing|for\w*)?|tragedy|tragic|rip|"
    r"exhibit|documentary|movies?|films?|episode|novel|lyrics|songs?|album|book|article|watch(?! out)|footage|"
    r"headlines?|"
    r"firefighters (?:say|battle|respond)|crews (?:battle|respond)|state of emergency|donat\w+|fundraiser|refugees?|"
    r"rt @\w+|via @\w+|bomb\w*|shoot(?:er|ing at|ing in)|gunman|attack|meteor|derail\w+|airlifted|lawsuit|freed|"
    r"reported|"
    r"rescued|refinery|refineria|suspect\w*|believed|caused by|hospital|update|rescue workers|feelings|earlier "
    r"today|body found|overnight|"
    r"(?:hours|days) (?:after|later)|(?:\d+|several|dozens?|hundreds?|scores) (?:people )?(?:are )?(?:injured|"
    r"hurt|missing|homeless|wounded)|"
    r"presidente?|muert[oa]s?|noticias?|murieron|fallecid[oa]s?|tips|workshop|learn|free class|awareness|"
    r"giveaway)(?!\w)"
)
"""Anywhere in the text: told from afar, or advice."""
JOKING = r"\b(?:lol|lmao|lmfao|rofl|ha(?:ha)+|ja(?:ja)+|jk|metaphor\w*|literally dying|kkk+)\b|[😂🤣💀]"
"""Unsays what is told of people and animals; a joke about a gas leak is still one."""
PRAISE = (
    r"\b(?:tacos?|food|music|dj|band|album|show|game|team|beats?|season|form|scor\w+|goals?|outfit|deals?|party|fiesta"
    r"|mural|vibes?|mixtape|bars|track|playlist|concert|concierto|calories|fat|bridges?|candles?|rubber|cd|cds|dvd|bbq"
    r"|barbecue|grill|fire ?pit|bonfire|crackers?)\b"
)
"""Unsays a fire."""
