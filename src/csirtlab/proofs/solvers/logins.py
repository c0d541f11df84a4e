"""Who guesses passwords, found in the server's log."""

import datetime as dt
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import NamedTuple

from csirtlab.evidence.model import FactValue
from csirtlab.proofs.capture_view import CaptureView

_JUDGED = re.compile(
    r"(?P<at>\S+) \S+ sshd\[\d+\]: (?P<verdict>Accepted|Failed) \w+ for (?:invalid user )?(?P<account>\S+)"
    r" from (?P<source>\S+) port \d+ ssh2"
)


class _Judged(NamedTuple):
    at: dt.datetime
    is_accepted: bool
    account: str
    source: str


def _judged(view: CaptureView) -> list[_Judged]:
    return [
        _Judged(
            dt.datetime.fromisoformat(verdict["at"]),
            verdict["verdict"] == "Accepted",
            verdict["account"],
            verdict["source"],
        )
        for verdict in map(_JUDGED.match, view.lines("auth.log"))
        if verdict
    ]


def _failed_accounts(view: CaptureView) -> dict[str, set[str]]:
    accounts: defaultdict[str, set[str]] = defaultdict(set)
    for login in _judged(view):
        if not login.is_accepted:
            accounts[login.source].add(login.account)
    return accounts


def _sprayer(view: CaptureView) -> str:
    accounts = _failed_accounts(view)
    return max(accounts, key=lambda source: len(accounts[source]))


def _fall(view: CaptureView) -> _Judged:
    source = _sprayer(view)
    (fall,) = (login for login in _judged(view) if login.is_accepted and login.source == source)
    return fall


def _accounts(view: CaptureView) -> frozenset[str]:
    source = _sprayer(view)
    return frozenset(login.account for login in _judged(view) if login.source == source)


def _mistyped(view: CaptureView) -> str:
    """Return who got in after the longest row of wrong passwords for one account."""
    row: Counter[tuple[str, str]] = Counter()
    longest: dict[str, int] = {}
    sprayer = _sprayer(view)
    for login in _judged(view):
        if login.is_accepted:
            longest[login.source] = max(longest.get(login.source, 0), row.pop((login.source, login.account), 0))
        elif login.source != sprayer:
            row[login.source, login.account] += 1
    return max(longest, key=lambda source: longest[source])


def _most_accepted(view: CaptureView) -> str:
    return Counter(login.account for login in _judged(view) if login.is_accepted).most_common(1)[0][0]


SOLVERS: Mapping[str, Callable[[CaptureView], FactValue]] = {
    "spray.source": _sprayer,
    "spray.accounts": _accounts,
    "spray.fallen": lambda view: _fall(view).account,
    "spray.fall_time": lambda view: _fall(view).at,
    "mistyped.source": _mistyped,
}

GUESSES: Mapping[str, Callable[[CaptureView], FactValue]] = {
    "most-accepted.account": _most_accepted,
    "first-failed.source": lambda view: next(login.source for login in _judged(view) if not login.is_accepted),
}
