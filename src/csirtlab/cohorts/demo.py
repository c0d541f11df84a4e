"""The demo cohort: an instructor and three trainees, one lab released."""

import os
from pathlib import Path

from csirtlab.cohorts.create import cohort_account, create_cohort
from csirtlab.cohorts.folders import Home, give_tree
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
    with ExchangeStore(exchange_root(home.root)) as exchange:
        if not exchange.index.labs(NAME):
            folder = home.cohort(NAME)
            generate(folder, LAB)
            account = store.account(cohort_account(NAME))
            if account is None:
                raise CohortError(f'the account of "{NAME}" is missing. Use another --home, or restore a backup.')
            give_tree(folder, account.uid)
            packed = pack_release(folder / "release" / LAB)
            with exchange.receive(limit=RELEASE_LIMIT, too_large="the demo's lab is too large") as incoming:
                incoming.write(packed)
                exchange.release(NAME, LAB, cohort_account(NAME), incoming)
    if os.geteuid() == 0:
        give_tree(exchange_root(home.root), SERVICE_UID)
    return is_new
