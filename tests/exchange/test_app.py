"""The exchange over HTTP: who may do what, what is taken, what is told."""

import hashlib
import io
import socket
import stat
import zipfile
from collections.abc import Callable
from typing import Any
from urllib.parse import urlparse

import pytest
from starlette.routing import Route

from csirtlab.exchange.app import exchange_app
from csirtlab.exchange.limits import MIB
from csirtlab.exchange.receipts import read_public_key, verify_receipt
from csirtlab.exchange.refusals import Refusal

Server = Any  # conftest's class; pytest hands conftest's objects over, not its names
Work = Callable[[str], bytes]
SUBMISSIONS = "/cohorts/lima/labs/c2-beacon/submissions"

EVERY_ROUTE = [
    ("GET", "/labs"),
    ("GET", "/cohorts/lima/labs/c2-beacon/folder"),
    ("GET", SUBMISSIONS),
    ("POST", SUBMISSIONS),
    ("GET", "/cohorts/lima/submissions/1"),
    ("PUT", "/cohorts/lima/labs/c2-beacon/release"),
    ("DELETE", "/cohorts/lima/labs/c2-beacon/release"),
    ("GET", "/cohorts/lima/labs/c2-beacon/hints"),
    ("POST", "/cohorts/lima/labs/c2-beacon/hints/host"),
    ("GET", "/cohorts/lima/hint-cost"),
    ("PUT", "/cohorts/lima/hint-cost"),
    ("GET", "/cohorts/lima/labs/c2-beacon/feedback"),
    ("PUT", "/cohorts/lima/labs/c2-beacon/feedback/ana"),
    ("PUT", "/cohorts/lima/people/ana/passphrase"),
]
OF_A_COHORT = EVERY_ROUTE[1:]
FOR_ANYBODY = [("GET", "/key")]
OF_INSTRUCTORS = [route for route in EVERY_ROUTE if route[0] in ("PUT", "DELETE")]


def test_every_route_of_the_application_is_tried_below() -> None:
    """A new one fails here until it is in the list, and so until it was tried by those who may not."""
    nothing: Any = None  # the routes alone are looked at
    untried = []
    for route in exchange_app(nothing, nothing, nothing, nothing).routes:
        assert isinstance(route, Route)
        tried = {method for method, path in [*EVERY_ROUTE, *FOR_ANYBODY] if route.path_regex.match(path)}
        untried += [f"{method} {route.path}" for method in (route.methods or set()) - {"HEAD"} - tried]

    assert untried == []


@pytest.mark.parametrize(("method", "path"), EVERY_ROUTE)
def test_without_a_token_nothing_is_told(released: Server, method: str, path: str) -> None:
    answer = released.ask(method, path)

    assert answer.status_code == 401
    assert "Sign in" in answer.json()["error"]


@pytest.mark.parametrize("header", ["Bearer stolen", "Bearer", "Bearer -token", "Basic ana-token", "ana-token", ""])
def test_a_token_that_the_hub_does_not_know_is_nobody(released: Server, header: str) -> None:
    assert released.ask("GET", "/labs", headers={"Authorization": header}).status_code == 401


@pytest.mark.parametrize("stranger", ["dan", "fred", "nobody"])
@pytest.mark.parametrize(("method", "path"), OF_A_COHORT)
def test_people_of_another_cohort_get_403(released: Server, work: Work, stranger: str, method: str, path: str) -> None:
    released.as_("ana").send("lima", "c2-beacon", work("mine"))

    answer = released.ask(method, path, stranger, content=work("x") if method in ("PUT", "POST") else None)

    assert answer.status_code == 403
    assert "roster" in answer.json()["error"]


@pytest.mark.parametrize(("method", "path"), OF_INSTRUCTORS)
def test_a_trainee_cannot_do_what_instructors_do(released: Server, method: str, path: str) -> None:
    answer = released.ask(method, path, "ana", content=b"x" if method == "PUT" else None)

    assert answer.status_code == 403


@pytest.mark.parametrize(("method", "path"), OF_INSTRUCTORS)
def test_an_instructor_of_another_cohort_changes_nothing(released: Server, work: Work, method: str, path: str) -> None:
    released.as_("ana").send("lima", "c2-beacon", work("mine"))
    before = released.as_("ana").labs()

    released.ask(method, path, "fred", content=work("x") if method == "PUT" else None)

    assert released.as_("ana").labs() == before


def test_a_trainee_cannot_see_anothers_submission_feedback_or_hints(released: Server, work: Work) -> None:
    number = released.as_("ana").send("lima", "c2-beacon", work("mine")).position

    assert released.ask("GET", f"/cohorts/lima/submissions/{number}", "bob").status_code == 403
    assert released.ask("GET", "/cohorts/lima/labs/c2-beacon/feedback", "bob").status_code == 404
    for path in (SUBMISSIONS, "/cohorts/lima/labs/c2-beacon/hints"):
        assert "ana" not in released.ask("GET", path, "bob").text


def test_a_cohort_that_does_not_exist_is_told_like_a_foreign_one(released: Server) -> None:
    assert released.ask("GET", "/cohorts/atlantis/labs/c2-beacon/folder", "ana").status_code == 403


def test_a_submission_is_acknowledged_with_a_receipt_that_verifies(released: Server, work: Work) -> None:
    receipt = released.as_("ana").send("lima", "c2-beacon", work("1"))

    verify_receipt(receipt, read_public_key(released.as_("ana").key()))
    assert (receipt.trainee, receipt.cohort, receipt.lab) == ("ana", "lima", "c2-beacon")
    assert receipt.content == hashlib.sha256(work("1")).hexdigest()


def test_identity_cannot_be_claimed(released: Server, work: Work) -> None:
    claims = {"X-Forwarded-User": "bob", "Remote-User": "bob", "X-Trainee": "bob"}

    answer = released.ask("POST", f"{SUBMISSIONS}?trainee=bob&username=bob", "ana", content=work("1"), headers=claims)

    assert answer.json()["trainee"] == "ana"
    assert released.as_("bob").submissions("lima", "c2-beacon") == []


def test_a_repeated_submission_gets_the_same_receipt(released: Server, work: Work) -> None:
    ana = released.as_("ana")

    assert ana.send("lima", "c2-beacon", work("1")) == ana.send("lima", "c2-beacon", work("1"))


def test_resubmission_keeps_both_in_order(released: Server, work: Work) -> None:
    ana = released.as_("ana")
    ana.send("lima", "c2-beacon", work("1"))
    ana.send("lima", "c2-beacon", work("2"))

    kept = [ana.submission("lima", each) for each in ana.submissions("lima", "c2-beacon")]
    assert kept == [work("1"), work("2")]


def test_a_trainee_sees_their_own_submissions_an_instructor_all(released: Server, work: Work) -> None:
    for name in ("ana", "bob", "eva"):
        released.as_(name).send("lima", "c2-beacon", work(name))

    own = released.as_("ana").submissions("lima", "c2-beacon")
    everybody = released.as_("eva").submissions("lima", "c2-beacon")

    assert [each.trainee for each in own] == ["ana"]
    assert [(each.trainee, each.is_trainee) for each in everybody] == [("ana", True), ("bob", True), ("eva", False)]


def test_a_submission_is_for_its_owner_and_the_instructors_of_its_cohort(released: Server, work: Work) -> None:
    number = released.as_("ana").send("lima", "c2-beacon", work("1")).position
    path = f"/cohorts/lima/submissions/{number}"

    assert released.ask("GET", path, "ana").content == work("1")
    assert released.ask("GET", path, "eva").content == work("1")
    assert released.ask("GET", path, "bob").status_code == 403


def test_a_submission_is_not_found_through_another_cohort(released: Server, work: Work) -> None:
    number = released.as_("carla").send("lima", "c2-beacon", work("1")).position

    assert released.ask("GET", f"/cohorts/quito/submissions/{number}", "fred").status_code == 404


@pytest.mark.parametrize("number", ["0", "99", "99999999999999999999999", "-1", "x"])
def test_what_is_no_submission_is_not_found(released: Server, number: str) -> None:
    answer = released.ask("GET", f"/cohorts/lima/submissions/{number}", "eva")

    assert answer.status_code == 404
    assert answer.json()["error"]


@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH"])
def test_nothing_changes_or_removes_a_submission(released: Server, work: Work, method: str) -> None:
    number = released.as_("ana").send("lima", "c2-beacon", work("1")).position

    for path in (SUBMISSIONS, f"/cohorts/lima/submissions/{number}"):
        assert released.ask(method, path, "eva").status_code == 405


def test_a_lab_that_is_not_released_takes_nothing_and_gives_nothing(released: Server, work: Work) -> None:
    for lab in ("phishing", "No-Such", "..%2f..%2fetc"):
        assert (
            released.ask("POST", f"/cohorts/lima/labs/{lab}/submissions", "ana", content=work("1")).status_code == 404
        )
        assert released.ask("GET", f"/cohorts/lima/labs/{lab}/folder", "ana").status_code == 404


def test_a_withdrawn_lab_takes_nothing_more_and_its_submissions_stay(released: Server, work: Work) -> None:
    ana = released.as_("ana")
    ana.send("lima", "c2-beacon", work("1"))

    released.as_("eva").withdraw("lima", "c2-beacon")

    with pytest.raises(Refusal, match="not released"):
        ana.send("lima", "c2-beacon", work("2"))
    (lab,) = ana.labs().labs
    assert lab.released is None
    assert [each.id for each in lab.submissions] == [1]


def test_everybody_gets_their_own_case(released: Server) -> None:
    def whose(name: str) -> bytes:
        with zipfile.ZipFile(io.BytesIO(released.as_(name).folder("lima", "c2-beacon"))) as folder:
            return folder.read("evidence/whose.txt")

    assert [whose(name) for name in ("ana", "bob", "eva")] == [b"lima ana", b"lima bob", b"lima eva"]


def test_labs_lists_all_cohorts_of_the_caller_and_no_others(
    released: Server, archive: Callable[..., bytes], notebook: Callable[..., bytes]
) -> None:
    released.as_("fred").release("quito", "phishing", archive({"phishing.ipynb": notebook()}))

    def listed(name: str) -> list[tuple[str, str]]:
        return [(lab.cohort, lab.lab) for lab in released.as_(name).labs().labs]

    assert listed("carla") == [("lima", "c2-beacon"), ("quito", "phishing")]
    assert listed("ana") == [("lima", "c2-beacon")]
    assert listed("dan") == [("quito", "phishing")]
    assert listed("nobody") == []


def test_labs_tells_title_release_receipts_and_feedback(
    released: Server, work: Work, archive: Callable[..., bytes]
) -> None:
    receipt = released.as_("ana").send("lima", "c2-beacon", work("1"))
    released.as_("eva").give_feedback("lima", "c2-beacon", "ana", archive({"c2-beacon.html": b"well done"}))

    labs = released.as_("ana").labs()

    (lab,) = labs.labs
    assert (labs.username, lab.title, lab.role, lab.has_feedback) == (
        "ana",
        "c2-beacon for ana in lima",
        "trainee",
        True,
    )
    assert lab.released is not None
    assert [each.receipt for each in lab.submissions] == [receipt]


def test_feedback_is_for_its_trainee_alone(released: Server, work: Work, archive: Callable[..., bytes]) -> None:
    for name in ("ana", "bob"):
        released.as_(name).send("lima", "c2-beacon", work(name))
    feedback = archive({"c2-beacon.html": b"well done"})

    released.as_("eva").give_feedback("lima", "c2-beacon", "ana", feedback)

    assert released.as_("ana").feedback("lima", "c2-beacon") == feedback
    with pytest.raises(Refusal, match="no feedback for you"):
        released.as_("bob").feedback("lima", "c2-beacon")


def test_feedback_belongs_to_the_submission_that_was_graded(
    released: Server, work: Work, archive: Callable[..., bytes]
) -> None:
    first = released.as_("ana").send("lima", "c2-beacon", work("1"))
    second = released.as_("ana").send("lima", "c2-beacon", work("2"))
    page = archive({"c2-beacon.html": b"on the first"})

    released.as_("eva").give_feedback("lima", "c2-beacon", "ana", page, submission=first.position)

    assert released.as_("ana").feedback("lima", "c2-beacon", submission=first.position) == page
    with pytest.raises(Refusal):
        released.as_("ana").feedback("lima", "c2-beacon", submission=second.position)


@pytest.mark.parametrize("submission", ["999", "x", "-1", "1e3"])
def test_feedback_on_no_submission_is_refused(
    released: Server, work: Work, archive: Callable[..., bytes], submission: str
) -> None:
    released.as_("ana").send("lima", "c2-beacon", work("1"))
    path = f"/cohorts/lima/labs/c2-beacon/feedback/ana?submission={submission}"

    answer = released.ask("PUT", path, "eva", content=archive({"c2-beacon.html": b"."}))

    assert answer.status_code in (400, 404)


def test_feedback_on_another_trainees_submission_is_refused(
    released: Server, work: Work, archive: Callable[..., bytes]
) -> None:
    other = released.as_("bob").send("lima", "c2-beacon", work("1"))

    with pytest.raises(Refusal, match="no such submission"):
        released.as_("eva").give_feedback(
            "lima", "c2-beacon", "ana", archive({"c2-beacon.html": b"."}), submission=other.position
        )


def test_a_submission_of_50_mb_is_told_what_to_do(released: Server) -> None:
    answer = released.ask("POST", SUBMISSIONS, "ana", content=b"\0" * (50 * MIB))

    assert answer.status_code == 413
    assert "Clear the notebook's outputs" in answer.json()["error"]


def test_the_size_counts_as_it_comes_whatever_the_headers_say(released: Server) -> None:
    chunks = (b"\0" * MIB for _ in range(21))  # a generator is sent without Content-Length

    assert released.ask("POST", SUBMISSIONS, "ana", content=chunks).status_code == 413


def test_the_client_does_not_even_send_what_is_too_large(released: Server) -> None:
    with pytest.raises(Refusal, match="Clear the notebook's outputs"):
        released.as_("ana").send("lima", "c2-beacon", b"\0" * (21 * MIB))


def test_a_client_that_goes_away_halfway_leaves_nothing(released: Server, tmp_path: Any) -> None:
    address = urlparse(released.url)
    with socket.create_connection((address.hostname, address.port)) as line:
        head = (
            f"POST {SUBMISSIONS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ana-token\r\nContent-Length: 1000\r\n\r\n"
        )
        line.sendall(head.encode() + b"only the beginning")

    assert released.as_("ana").submissions("lima", "c2-beacon") == []
    for _ in range(1000):
        if not list((tmp_path / "exchange/incoming").iterdir()):
            break
    else:
        pytest.fail("the file aside is still there")


def _zip(*members: tuple[zipfile.ZipInfo | str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for member, content in members:
            target.writestr(member, content)
    return packed.getvalue()


def _link(name: str) -> zipfile.ZipInfo:
    link = zipfile.ZipInfo(name)
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    return link


NOTEBOOK = ("c2-beacon.ipynb", b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not a whole zip"),
        (b"not a zip", "not a whole zip"),
        (_zip(NOTEBOOK)[:-10], "not a whole zip"),
        (_zip(), "does not hold c2-beacon.ipynb"),
        (_zip(("phishing.ipynb", NOTEBOOK[1])), "does not hold c2-beacon.ipynb"),
        (_zip(("c2-beacon.ipynb", b"{")), "not JSON"),
        (_zip(("c2-beacon.ipynb", b"\xff\xfe{}")), "not JSON"),
        (_zip(("c2-beacon.ipynb", b"[" * 1_000_000)), "not JSON"),
        (_zip(("c2-beacon.ipynb", b'{"cells": ' + b"9" * 10_000 + b"}")), "not JSON"),
        (_zip(("c2-beacon.ipynb", b"[]")), "no cells"),
        (_zip(NOTEBOOK, ("../outside.txt", b"x")), "leads out of the folder"),
        (_zip(NOTEBOOK, ("a/../../outside.txt", b"x")), "leads out of the folder"),
        (_zip(NOTEBOOK, ("/etc/passwd", b"x")), "absolute name"),
        (_zip(NOTEBOOK, ("C:\\windows", b"x")), "letters in its name"),
        (_zip(NOTEBOOK, ("bad\nname", b"x")), "letters in its name"),
        (_zip(NOTEBOOK, ("x" * 300, b"x")), "no file here may have"),
        (_zip(NOTEBOOK, (_link("evidence"), b"/etc")), "a link"),
        (_zip(NOTEBOOK, (_link("folder/"), b"/etc")), "a link"),
        (_zip(NOTEBOOK, ("a", b"x"), ("a/b", b"x")), "both as a file"),
    ],
)
def test_what_is_no_plain_archive_with_the_notebook_is_refused(released: Server, content: bytes, said: str) -> None:
    answer = released.ask("POST", SUBMISSIONS, "ana", content=content)

    assert answer.status_code == 400
    assert said in answer.json()["error"]
    assert released.as_("ana").submissions("lima", "c2-beacon") == []


def test_a_member_whose_bytes_are_damaged_is_refused(released: Server) -> None:
    content = bytearray(_zip(NOTEBOOK, ("notes.txt", bytes(range(256)) * 9)))
    content[len(content) // 2] ^= 0xFF

    assert released.ask("POST", SUBMISSIONS, "ana", content=bytes(content)).status_code == 400


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_the_same_name_twice_is_refused(released: Server) -> None:
    assert "twice" in released.ask("POST", SUBMISSIONS, "ana", content=_zip(NOTEBOOK, NOTEBOOK)).json()["error"]


@pytest.mark.parametrize(
    "bomb",
    [
        _zip(NOTEBOOK, ("zeros.bin", bytes(201 * MIB))),
        _zip(("c2-beacon.ipynb", bytes(21 * MIB))),
        _zip(NOTEBOOK, *[(f"{number}.txt", b"") for number in range(500)]),
    ],
    ids=["unpacks to 201 MiB", "a notebook of 21 MiB", "501 files"],
)
def test_a_zip_bomb_is_refused(released: Server, bomb: bytes) -> None:
    answer = released.ask("POST", SUBMISSIONS, "ana", content=bomb)

    assert answer.status_code == 413
    assert len(bomb) < MIB


def test_a_bomb_that_lies_about_its_size_is_refused(released: Server) -> None:
    honest = _zip(NOTEBOOK, ("zeros.bin", bytes(10 * MIB)))
    lying = honest.replace((10 * MIB).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lying != honest

    answer = released.ask("POST", SUBMISSIONS, "ana", content=lying)

    assert answer.status_code == 400
    assert "damaged" in answer.json()["error"]


def test_a_release_without_the_labs_notebook_is_refused(server: Server, archive: Callable[..., bytes]) -> None:
    with pytest.raises(Refusal, match=r"does not hold c2-beacon\.ipynb"):
        server.as_("eva").release("lima", "c2-beacon", archive({"readme.txt": b"x"}))


def test_an_instructor_renews_a_trainees_passphrase_which_nobody_keeps_on_the_way(server: Server) -> None:
    answer = server.ask("PUT", "/cohorts/lima/people/ana/passphrase", "eva")

    assert answer.json() == {"username": "ana", "passphrase": "new-for-ana"}
    assert answer.headers["cache-control"] == "no-store"
    assert server.as_("eva").renew_passphrase("lima", "ana") == "new-for-ana"


def test_a_passphrase_that_is_not_theirs_to_renew_is_refused_with_the_reason(server: Server) -> None:
    with pytest.raises(Refusal, match='"dan" is no trainee of "lima"'):
        server.as_("eva").renew_passphrase("lima", "dan")
    assert server.ask("PUT", "/cohorts/lima/people/..%2Fana/passphrase", "eva").status_code in (403, 404)


def test_an_unknown_address_is_told_in_json(released: Server) -> None:
    answer = released.ask("GET", "/nothing/here", "ana")

    assert answer.status_code == 404
    assert "GET /labs" in answer.json()["error"]


def test_a_full_disk_refuses_the_new_one_with_the_way_out(
    released: Server, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    receipt = released.as_("ana").send("lima", "c2-beacon", work("1"))
    monkeypatch.setattr("os.fsync", full)
    answer = released.ask("POST", SUBMISSIONS, "ana", content=work("2"))
    monkeypatch.undo()

    assert answer.status_code == 507
    assert "free space" in answer.json()["error"]
    assert [each.receipt for each in released.as_("ana").submissions("lima", "c2-beacon")] == [receipt]
