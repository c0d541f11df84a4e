"""Names of hosts and servers, made from patterns; none belongs to anybody."""

from collections.abc import Container
from random import Random

from csirtlab.errors import EvidenceError
from csirtlab.evidence.sampling import pick, whole

_WORDS = tuple(
    """
    able alto amber andes aqua arco ardent atlas aurora austral azul bahia balsa blue boreal brisa calma campo
    canto caribe central cierto claro clear condor costa crystal cumbre delta dorado early east eco elm estrella
    fair faro firme fresco glade global gran green grey gulf habil haven high horizon inca indigo isla jade jaguar
    joven junto justo kite lago large late libre light lima lince lively llano luna lynx maple mar marea meridian
    mesa miro mist monte nativo north novo nube oak ocelot olmo open orion oro pacific palma pampa paso perla pine
    plata polar prado prime puente puma quick quinto rapid real red rio roble rumbo sabana sage selva sereno
    sierra silver sol south stone sur swift tango terra tidal torre tropic true tucan urban valle vega verde
    viento vista vivo west white wide wild winter yunque zafiro zenith zorro
    """.split()  # noqa: SIM905 - so many quoted words would hide the list
)
_NOUNS = tuple(
    """
    academy agora almanac analytics anchor archive arena art assets atelier atlas audio bazaar beacon board books
    bridge broker cargo cast catalog center chart circle clinic cloud club code commons content corner credit data
    deck depot desk diario digest direct dock drive edge exchange express factory feed field files finder flow
    forum frame gallery garden gate grid group guide harbor health hosting hub images index journal kit lab ledger
    library line link list loft logic mail map market media mercado mesh metrics mirror module monitor mundo net
    news noticias office orbit outlet pages panel paper park path pay photo pilot planet play plaza point portal
    post press pulse quest radio ranch record relay report river room route salon school search sensor serve shelf
    shop signal site space spark spot stack stage station storage store stream street studio suite supply sync
    system table tag team terminal tienda tools track trade travel trend tribune valley vault video view voice
    wave web wiki works world yard zone
    """.split()  # noqa: SIM905 - so many quoted words would hide the list
)
_DEPARTMENTS = (
    "FIN", "RRHH", "LEG", "COMPRAS", "DIR", "ARCH", "PRENSA", "TES", "CONT", "PLAN", "AUD", "SEC", "REG", "TI",
)  # fmt: skip
_TLDS = ("example", "example", "test")


def make_name(rng: Random, patterns: tuple[str, ...], taken: Container[str]) -> str:
    """Return a name after one of ``patterns`` that is not ``taken``.

    Placeholders: ``{word}``, ``{noun}``, ``{tld}``, ``{department}``, ``{number}``.
    """
    for _ in range(1000):
        pattern = pick(rng, patterns)
        while "{" in pattern:
            # One placeholder at a time: a pattern may hold the same one twice, with other words.
            start, end = pattern.index("{"), pattern.index("}")
            pattern = pattern[:start] + _fill(rng, pattern[start + 1 : end]) + pattern[end + 1 :]
        if pattern not in taken:
            return pattern
    raise EvidenceError(f"the patterns {', '.join(patterns)} give too few names. Add patterns or placeholders to them.")


def _fill(rng: Random, placeholder: str) -> str:
    if placeholder == "number":
        return f"{whole(rng, 1, 48):02}"
    words = {"word": _WORDS, "noun": _NOUNS, "tld": _TLDS, "department": _DEPARTMENTS}.get(placeholder)
    if words is None:
        raise EvidenceError(f"placeholder {{{placeholder}}} is unknown. Use word, noun, tld, department or number.")
    return pick(rng, words)
