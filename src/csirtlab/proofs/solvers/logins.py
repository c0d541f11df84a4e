"""Who guesses passwords, found in the server's log."""

import datetime as dt
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import NamedTuple

from csirtlab.evidence.model import FactValue
from csirtlab.proofs.sensor import Sight

_JUDGED = re.compile(
    r"(?P<at>\S+) \S+ sshd\[\d+\]: (?P<verdict>Accepted|Failed) \w+ for (?:invalid user )?(?P<account>\S+)"
    r" from (?P<source>\S+) port \d+ ssh2"
)


class _Judged(NamedTuple):
    at: dt.datetime
    is_accepted: bool
    account: str
    source: str


def _judged(sight: Sight) -> list[_Judged]:
    return [
        _Judged(
            dt.datetime.fromisoformat(found["at"]), found["verdict"] == "Accepted", found["account"], found["source"]
        )
        for found in map(_JUDGED.match, sight.lines("auth.log"))
        if found
    ]


def _failed_accounts(sight: Sight) -> dict[str, set[str]]:
    accounts: defaultdict[str, set[str]] = defaultdict(set)
    for login in _judged(sight):
        if not login.is_accepted:
            accounts[login.source].add(login.account)
    return accounts


def _sprayer(sight: Sight) -> str:
    accounts = _failed_accounts(sight)
    return max(accounts, key=lambda source: len(accounts[source]))


def _fall(sight: Sight) -> _Judged:
    source = _sprayer(sight)
    (fall,) = (login for login in _judged(sight) if login.is_accepted and login.source == source)
    return fall


def _accounts(sight: Sight) -> frozenset[str]:
    source = _sprayer(sight)
    return frozenset(login.account for login in _judged(sight) if login.source == source)


def _mistyped(sight: Sight) -> str:
    """Return who got in after the longest row of wrong passwords for one account."""
    row: Counter[tuple[str, str]] = Counter()
    longest: dict[str, int] = {}
    sprayer = _sprayer(sight)
    for login in _judged(sight):
        if login.is_accepted:
            longest[login.source] = max(longest.get(login.source, 0), row.pop((login.source, login.account), 0))
        elif login.source != sprayer:
            row[login.source, login.account] += 1
    return max(longest, key=lambda source: longest[source])


def _most_accepted(sight: Sight) -> str:
    return Counter(login.account for login in _judged(sight) if login.is_accepted).most_common(1)[0][0]


SOLVERS: Mapping[str, Callable[[Sight], FactValue]] = {
    "spray.source": _sprayer,
    "spray.accounts": _accounts,
    "spray.fallen": lambda sight: _fall(sight).account,
    "spray.fall_time": lambda sight: _fall(sight).at,
    "mistyped.source": _mistyped,
}

GUESSES: Mapping[str, Callable[[Sight], FactValue]] = {
    "most-accepted.account": _most_accepted,
    "first-failed.source": lambda sight: next(login.source for login in _judged(sight) if not login.is_accepted),
}
