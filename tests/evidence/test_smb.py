"""File shares: the recorded sign-in byte for byte, and what tshark makes of a session."""

import datetime as dt
from pathlib import Path

import pytest
from tests.evidence.tshark import see

from csirtlab.content.scenarios import read_scenario
from csirtlab.evidence.cases import make_evidence
from csirtlab.evidence.protocols import smb
from csirtlab.evidence.protocols.recordings import recording
from csirtlab.evidence.seeds import seed_of_text
from csirtlab.settings import content_root

SCENARIO = read_scenario(content_root(), "first-look")
ACCOUNTS = next(action for action in SCENARIO.background if action.id == "file-shares").lists["accounts"]

RECORDED = [turn.parts[0].content for turn in recording("smb-share").turns if turn.mark == "sign-in/"]
_SALT = bytes.fromhex("20000100")  # how long it is, and SHA-512
_FILETIME = slice(4 + 64 + 40, 4 + 64 + 48)


def recorded_time_ns(filetime: bytes) -> int:
    return (int.from_bytes(filetime, "little") - 11_644_473_600 * 10_000_000) * 100


def recorded_host(challenge: bytes) -> str:
    """The recording machine's own name: the attribute with number 3."""
    place = challenge.index(bytes.fromhex("040000000300")) + 6
    length = int.from_bytes(challenge[place : place + 2], "little")
    return challenge[place + 2 : place + 2 + length].decode("utf-16-le")


@pytest.fixture
def recorded_sign_in() -> smb.SignIn:
    """The sign-in that was recorded: its names, and its numbers read from their places."""
    offer, choice, _, asked, answered, welcome = RECORDED
    given = asked.index(b"NTLMSSP\0")
    taken = answered.index(b"NTLMSSP\0")
    machine = answered.index(bytes.fromhex("0800300030000000")) + 20
    return smb.SignIn(
        "SRVFILES",
        recorded_host(asked),
        "127.0.0.1",
        "OFICINA",
        "maria",
        "SRVFILES",
        {
            "client_guid": offer[80:96],
            "client_salt": offer[offer.index(_SALT) + 4 :][:32],
            "server_salt": choice[choice.index(_SALT) + 4 :][:32],
            "session": asked[44:48],
            "challenge": asked[given + 24 : given + 32],
            "mic": answered[taken + 72 : taken + 88],
            "proof": answered[taken + 112 : taken + 128],
            "client_challenge": answered[taken + 144 : taken + 152],
            "machine": answered[machine : machine + 32],
            "session_key": answered[taken + 0x178 : taken + 0x188],
            "client_check": answered[-12:-4],
            "server_check": welcome[-12:-4],
            "signature": welcome[52:68],
            "client_nonce": bytes(4),
            "server_nonce": bytes(4),
        },
    )


def test_the_sign_in_is_what_samba_says_byte_for_byte(recorded_sign_in: smb.SignIn) -> None:
    who, time_ns = recorded_sign_in, recorded_time_ns(RECORDED[1][_FILETIME])
    place = RECORDED[3].index(bytes.fromhex("07000800")) + 4
    later_ns = recorded_time_ns(RECORDED[3][place : place + 8])

    built = [
        smb.negotiate(who),
        smb.negotiated(who, time_ns),
        smb.set_up(who),
        smb.challenge(who, later_ns),
        smb.authenticate(who, later_ns),
        smb.signed_in(who),
    ]

    assert [message.hex() for message in built] == [message.hex() for message in RECORDED]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The capture of a case in which people share files."""
    folder = tmp_path_factory.mktemp("shared") / "case"
    make_evidence(SCENARIO, seed_of_text("shares"), folder)
    return folder / "capture.pcap"


def test_a_session_can_be_followed_up_to_where_it_is_encrypted(shared: Path) -> None:
    rows = see(shared, ["tcp.stream", "ntlmssp.auth.username"], "ntlmssp.auth.username")

    assert len({row["tcp.stream"] for row in rows}) >= 3
    assert {row["ntlmssp.auth.username"] for row in rows} <= set(ACCOUNTS)
    assert see(shared, ["frame.number"], "smb2.header.transform.msg_size > 4000") != []
    assert see(shared, ["frame.number"], "smb2 && _ws.malformed") == []


def test_what_a_file_server_says_of_its_clock_agrees_with_the_frame(shared: Path) -> None:
    rows = see(shared, ["frame.time_epoch", "smb2.current_time"], "smb2.current_time")

    assert rows
    for row in rows:
        said, _, fraction = row["smb2.current_time"].removesuffix(" UTC").partition(".")
        spoken = dt.datetime.strptime(said, "%b %d, %Y %H:%M:%S").replace(tzinfo=dt.UTC).timestamp()
        assert abs(spoken + float(f"0.{fraction}") - float(row["frame.time_epoch"])) < 2
