"""What leaves in DNS questions, found in the resolver's log and in the capture."""

import base64
import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import NamedTuple

from csirtlab.evidence.model import FactValue
from csirtlab.proofs.capture_view import CaptureView
from csirtlab.proofs.tshark import at_ns, instant

_LINE = re.compile(r".* client @\S+ (?P<client>[\d.]+)#\d+ \(\S+\): query: (?P<name>\S+) IN (?P<kind>\w+) ")
_HEX = re.compile(r"[0-9a-f]+")


class _Question(NamedTuple):
    client: str
    name: str
    kind: str

    @property
    def domain(self) -> str:
        return ".".join(self.name.split(".")[-2:])


def _questions(view: CaptureView) -> list[_Question]:
    matches = (_LINE.match(line) for line in view.lines("queries.log"))
    return [_Question(line["client"], line["name"].lower(), line["kind"]) for line in matches if line]


def _clients(view: CaptureView) -> dict[str, set[str]]:
    clients: defaultdict[str, set[str]] = defaultdict(set)
    for question in _questions(view):
        clients[question.domain].add(question.client)
    return clients


def _tunnel(view: CaptureView) -> tuple[str, list[_Question]]:
    """Return the domain that one host alone asks the most names under, and these questions."""
    clients = _clients(view)
    names: defaultdict[str, set[str]] = defaultdict(set)
    for question in _questions(view):
        if len(clients[question.domain]) == 1:
            names[question.domain].add(question.name)
    domain = max(names, key=lambda domain: len(names[domain]))
    return domain, [question for question in _questions(view) if question.domain == domain]


def _parts(view: CaptureView) -> list[str]:
    """Return the data of each part in the order of their numbers, those sent twice once."""
    parts: dict[int, str] = {}
    domain, questions = _tunnel(view)
    for question in questions:
        head, _, data = question.name.removesuffix(f".{domain}").partition(".")
        if data:
            parts[int(head[5:9], 16)] = data.replace(".", "")
    return [data for _, data in sorted(parts.items())]


def _encoding(view: CaptureView) -> str:
    return "hex" if all(_HEX.fullmatch(part) for part in _parts(view)) else "base32"


def _file(view: CaptureView) -> bytes:
    text = "".join(_parts(view))
    if _encoding(view) == "hex":
        return bytes.fromhex(text)
    return base64.b32decode(text.upper() + "=" * (-len(text) % 8))


def _first_query(view: CaptureView) -> FactValue:
    domain = _tunnel(view)[0]
    return instant(next(at_ns(frame) for frame in view.frames if frame["dns.qry.name"].lower().endswith(f".{domain}")))


def _reputation(view: CaptureView) -> str:
    askers: defaultdict[str, set[str]] = defaultdict(set)
    for question in _questions(view):
        if len(question.name.split(".")[0]) >= 16 and _HEX.fullmatch(question.name.split(".")[0]):
            askers[question.domain].add(question.client)
    return max(askers, key=lambda domain: len(askers[domain]))


SOLVERS: Mapping[str, Callable[[CaptureView], FactValue]] = {
    "tunnel.client": lambda view: _tunnel(view)[1][0].client,
    "tunnel.domain": lambda view: _tunnel(view)[0],
    "tunnel.kinds": lambda view: frozenset(question.kind for question in _tunnel(view)[1]),
    "tunnel.encoding": _encoding,
    "tunnel.file_bytes": lambda view: len(_file(view)),
    "tunnel.file_hash": lambda view: hashlib.sha256(_file(view)).hexdigest(),
    "tunnel.first_query": _first_query,
    "tunnel.queries": lambda view: len(_tunnel(view)[1]),
    "reputation.domain": _reputation,
}

GUESSES: Mapping[str, Callable[[CaptureView], FactValue]] = {
    "most-asked.domain": lambda view: Counter(question.domain for question in _questions(view)).most_common(1)[0][0],
    "longest-name.domain": lambda view: max(_questions(view), key=lambda question: len(question.name)).domain,
    "most-questions.client": lambda view: Counter(question.client for question in _questions(view)).most_common(1)[0][
        0
    ],
}
