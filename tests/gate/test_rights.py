"""Who may enter whose server."""

import pytest
from tests.gate.conftest import Clock

from csirtlab.cohorts.store import Membership, Store
from csirtlab.gate.decisions import Gate
from csirtlab.gate.rights import REMEMBERED_S, Rights
from csirtlab.gate.sessions import Sessions


@pytest.mark.parametrize(
    ("username", "owner", "may"),
    [
        ("ana", "ana", True), ("ana", "ben", False), ("irene", "ana", False), ("ana", "", False),
        ("irene", "grade-demo", True), ("ana", "grade-demo", False), ("irene", "grade-lima", False),
        ("grade-demo", "grade-demo", False), ("grade-demo", "ana", False), ("irene", "grade-nowhere", False),
    ],
)  # fmt: skip
async def test_a_server_is_its_owners_and_a_cohorts_its_instructors(
    rights: Rights, username: str, owner: str, may: bool
) -> None:
    assert await rights.may_enter(username, owner) is may


async def test_who_is_no_instructor_any_more_is_out_within_seconds(rights: Rights, store: Store, clock: Clock) -> None:
    assert await rights.may_enter("irene", "grade-demo")
    with store.session() as session:
        membership = session.get(Membership, ("demo", "irene"))
        assert membership
        membership.role = "trainee"

    clock.now += REMEMBERED_S

    assert not await rights.may_enter("irene", "grade-demo")
    assert await rights.may_enter("ian", "grade-demo")


async def test_a_cookie_counts_and_else_a_token(sessions: Sessions, rights: Rights) -> None:
    gate = Gate(sessions, rights)
    cookie = (await gate.open_session("token-of-ana")).body

    statuses = [
        (await gate.decide(*asked)).status
        for asked in (
            ("ana", cookie, ""), ("ana", "", "token token-of-ana"), ("ana", "", "Bearer token-of-ana"),
            ("ana", cookie, "token one-of-the-servers-own"),
            ("ben", cookie, ""), ("ben", "", "token token-of-ana"), ("ben", cookie, "token token-of-ana"),
            ("ana", "", ""), ("ana", "made-up", ""), ("ana", "", "Basic token-of-ana"), ("ana", "", "token "),
            ("", cookie, ""),
        )
    ]  # fmt: skip

    assert statuses == [204, 204, 204, 204, 403, 403, 403, 401, 401, 401, 401, 403]


async def test_who_is_nobody_gets_no_cookie(sessions: Sessions, rights: Rights) -> None:
    gate = Gate(sessions, rights)

    assert [(await gate.open_session(token)).status for token in ("", "stolen")] == [403, 403]
