"""The people of a site and their mailboxes: the same in every action of a case."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from csirtlab.evidence.model import Host
from csirtlab.evidence.sampling import pick, shuffled
from csirtlab.evidence.seeds import stream
from csirtlab.evidence.topology import Topology

_PORTUGUESE = ("fazenda", "saude", "educacao", "obras", "portos", "meioambiente", "agricultura", "previdencia")
_ENGLISH = ("tourism", "fisheries", "publicworks", "customs", "landregistry", "postoffice")
_GIVEN = {
    "es": """
        Ana Andrés Beatriz Camila Carlos Carmen Daniela Diego Elena Esteban Fernando Gabriela Hugo Inés Iván Javier
        Julia Laura Lucía Luis Marcela Mariana Martín Mateo Natalia Nicolás Pablo Patricia Raúl Rosa Santiago Silvia
        Sofía Tomás Valeria Verónica
    """,
    "pt": """
        Adriana Aline Antônio Bruno Camila Carla Clara Cláudio Débora Eduardo Fábio Fernanda Gustavo Helena Igor João
        Juliana Larissa Leandro Letícia Luana Marcelo Mariana Mônica Patrícia Paulo Rafael Regina Renata Ricardo
        Rodrigo Sandra Sérgio Simone Tatiana Vinícius
    """,
    "en": """
        Aaron Abigail Alicia Andre Bernice Brandon Camille Carlton Chantal Clive Denise Desmond Errol Faith Gail
        Gregory Hazel Ingrid Jerome Joanne Keisha Kenrick Leroy Lisa Marcus Marlene Nadia Neville Odette Patrick
        Renee Rohan Sherry Trevor Vanessa Winston
    """,
}
_FAMILY = {
    "es": """
        Aguirre Alvarado Benítez Cáceres Cabrera Castro Chávez Delgado Espinoza Figueroa Fuentes Guzmán Herrera
        Jiménez Lozano Maldonado Medina Méndez Montoya Navarro Núñez Ortega Pacheco Paredes Peralta Quispe Ramos
        Rojas Salazar Soto Tapia Valdez Vargas Vega Zamora Zúñiga
    """,
    "pt": """
        Almeida Andrade Araújo Azevedo Barbosa Barros Batista Borges Campos Cardoso Carvalho Correia Dias Duarte
        Farias Fernandes Ferreira Freitas Gomes Lima Lopes Machado Martins Melo Monteiro Moreira Nogueira Pereira
        Pinto Ramos Ribeiro Rocha Santana Teixeira Vieira Xavier
    """,
    "en": """
        Alleyne Baptiste Barrow Bennett Blackman Boyce Browne Campbell Clarke Cumberbatch Daniel Edwards Forde Francis
        Gibbs Grant Greenidge Griffith Henry Hinds Holder James Joseph Lewis Marshall Mitchell Morris Phillips Pierre
        Reid Roberts Samuel Stewart Thompson Walcott Williams
    """,
}
_SHARED = {
    "es": ("informacion", "compras", "mesadepartes", "prensa", "archivo", "rrhh"),
    "pt": ("contato", "compras", "protocolo", "imprensa", "arquivo", "rh"),
    "en": ("info", "procurement", "registry", "press", "records", "hr"),
}
_ABSENT = 9  # people with a mailbox and no workstation here


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Who gets mail at the site."""

    name: str  # as a person is called; of a shared mailbox: empty
    address: str
    host: Host | None  # the workstation of the person, if there is one


def language_of(domain: str) -> str:
    """Return the language in which a site writes: es, pt or en."""
    label = domain.split(".", maxsplit=1)[0]
    return "pt" if label in _PORTUGUESE else "en" if label in _ENGLISH else "es"


def mailboxes(topology: Topology, hosts: Iterable[Host]) -> tuple[Mailbox, ...]:
    """Return the mailboxes of the site: of the people at ``hosts``, of people elsewhere, and shared ones."""
    language = language_of(topology.site_domain)
    by_address: dict[str, Mailbox] = {}
    places: list[Host | None] = [*hosts, *[None] * _ABSENT]
    for number, host in enumerate(places):
        rng = stream(host.mac if host else topology.router.mac, "person", str(number))
        while (address := f"{account(name := draw_name(rng, language))}@{topology.site_domain}") in by_address:
            pass
        by_address[address] = Mailbox(name, address, host)
    rng = stream(topology.router.mac, "shared mailboxes")
    shared = (f"{label}@{topology.site_domain}" for label in shuffled(rng, _SHARED[language])[:3])
    return (*by_address.values(), *(Mailbox("", address, None) for address in shared))


def draw_name(rng: Random, language: str) -> str:
    """Return a given name and a family name."""
    return f"{pick(rng, _GIVEN[language].split())} {pick(rng, _FAMILY[language].split())}"


def account(name: str) -> str:
    """Return the account of a person as organisations name them: a letter of the given name, the family name."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    given, family = plain.split()
    return given[0] + family
