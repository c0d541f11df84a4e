"""What a word of the vocabulary is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from csirtlab.content.labs import Form

ACCESS, AUTH, PROXY, QUERIES = "access.log", "auth.log", "proxy.log", "queries.log"
CUSTODY, EXHIBITS, FLOWS, LETTERS, TAGS = "custody.csv", "exhibits/", "flows.csv", "mail/", "tags.csv"


@dataclass(frozen=True)
class Parameter:
    """A parameter of an action: a range ``[low, high]`` that must lie within these bounds."""

    low: float
    high: float
    meaning: str


@dataclass(frozen=True)
class Content:
    """What a text of a list may be: all of it matches ``pattern``."""

    pattern: str
    says: str


@dataclass(frozen=True)
class Texts:
    """A list of texts that an action takes, to draw from; none stands there twice."""

    meaning: str
    content: Content
    fewest: int = 1


LINE = Content(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]{1,200}", "one line of at most 200 characters")
PORT = Content(
    r"[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5]", 'a port from 1 to 65535, as "443"'
)
NAME = Content(r"[A-Za-z]{1,24}", "a name of at most 24 letters from A to Z: an account is made of it")
ACCOUNT = Content(r"[A-Za-z][A-Za-z0-9._-]{0,19}", "an account: a letter, then letters, digits and . _ -, at most 20")
TYPED = Content(r"[!-9;-~]{1,32}", "at most 32 letters, digits and signs of ASCII, without blanks and colons")
AGENT = Content(r"[ !#-\[\]-~]{1,200}", "at most 200 characters of ASCII without quotation marks and backslashes")
WORD = Content(r"[A-Za-z][A-Za-z0-9_]{0,31}", "a word: a letter, then letters, digits and _, at most 32")
RECORD_TYPE = Content("A|CNAME|MX|NULL|TXT", "one of A, CNAME, MX, NULL, TXT")
READING = Content("coils|setpoints|values", "one of coils, setpoints, values")


@dataclass(frozen=True)
class Verb:
    """An action that hosts can do."""

    meaning: str
    parameters: Mapping[str, Parameter]
    target: tuple[str, ...] = ("service",)  # what ``to`` may name: service, group, host (an actor); empty: nothing
    source: tuple[str, ...] = ("group", "host")  # what ``from`` may name
    needs_client: bool = False  # it says which software speaks: ``client = "..."``
    lists: Mapping[str, Texts] = field(default_factory=dict)  # lists of texts that it takes besides
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # who else takes part, and what each may name
    facts: Mapping[str, Form] = field(default_factory=dict)  # what only this verb knows: measures of its action
    people: tuple[str, ...] = ()  # parts that only machines of people can play: "from", or one of ``others``
    source_of: str = ""  # the part whose group ``from`` must belong to
    single: tuple[str, ...] = ()  # parts of ``others`` that must be one server
    connects: bool = True  # it opens TCP connections, which can be counted and timed
    is_afterwards: bool = False  # it happens when the recording is over
    writes: tuple[str, ...] = ()  # files beside the capture and the asset list
