"""The demo cohort: an instructor and three trainees, one lab released."""

from pathlib import Path

from csirtlab.cohorts.create import cohort_account, create_cohort
from csirtlab.cohorts.folders import Home
from csirtlab.cohorts.owned import as_owner
from csirtlab.cohorts.release import generate, pack_release
from csirtlab.cohorts.roster import Entry, Role
from csirtlab.cohorts.store import SERVICE_UID, Store
from csirtlab.content.courses import read_course
from csirtlab.errors import CohortError
from csirtlab.exchange.limits import RELEASE_LIMIT
from csirtlab.exchange.store import ExchangeStore, exchange_root
from csirtlab.languages import Language

NAME = "demo"
COURSE = "detection"
LAB = "c2-beacon"
PEOPLE = (
    Entry("irene", "Irene Paredes", Language.EN, Role.INSTRUCTOR),
    Entry("ana", "Ana Quispe", Language.ES, Role.TRAINEE),
    Entry("ben", "Ben Charles", Language.EN, Role.TRAINEE),
    Entry("bia", "Bia Nogueira", Language.PT, Role.TRAINEE),
)


def ensure_demo(store: Store, home: Home, content: Path) -> bool:
    """Make the demo cohort and release its lab, unless it is there; return whether it was made now.

    For before the hub starts: the exchange's store must not be held by another process.
    """
    if store.cohort(NAME) is None:
        create_cohort(store, home, name=NAME, course=read_course(content, COURSE), roster=PEOPLE, language=Language.EN)
        is_new = True
    else:
        is_new = False
    root = exchange_root(home.root)
    if not as_owner(root, SERVICE_UID, lambda: _is_released(root)):
        account = store.account(cohort_account(NAME))
        if account is None:
            raise CohortError(f'the account of "{NAME}" is missing. Use another --home, or restore a backup.')
        folder = home.cohort(NAME)
        packed = as_owner(folder, account.uid, lambda: _generated(folder))
        as_owner(root, SERVICE_UID, lambda: _release(root, packed))
    return is_new


def _generated(folder: Path) -> bytes:
    generate(folder, LAB)
    return pack_release(folder / "release" / LAB)


def _is_released(root: Path) -> bool:
    with ExchangeStore(root) as exchange:
        return bool(exchange.index.labs(NAME))


def _release(root: Path, packed: bytes) -> None:
    with (
        ExchangeStore(root) as exchange,
        exchange.receive(limit=RELEASE_LIMIT, too_large="the demo's lab is too large") as incoming,
    ):
        incoming.write(packed)
        exchange.release(NAME, LAB, cohort_account(NAME), incoming)
