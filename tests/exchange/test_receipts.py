"""Receipts: proof that needs no server, worthless once changed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from csirtlab.cli import exchange as exchange_cli
from csirtlab.cli import receipt as receipt_cli
from csirtlab.exchange.receipts import Receipt, key_name, public_pem, read_public_key, verify_receipt
from csirtlab.exchange.refusals import ReceiptError
from csirtlab.exchange.store import ExchangeStore

Hand = Callable[..., Receipt]


@pytest.fixture
def receipt(hand_in: Hand) -> Receipt:
    return hand_in(b"my work")


def test_a_receipt_survives_being_a_file(receipt: Receipt, store: ExchangeStore) -> None:
    read = Receipt.from_json(receipt.to_json())

    verify_receipt(read, read_public_key(public_pem(store.public_key).encode()))
    assert read == receipt


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("trainee", "bob"),
        ("cohort", "quito"),
        ("lab", "phishing"),
        ("time", "2026-03-01T00:00:00.000000Z"),
        ("content", "00" * 32),
        ("position", 7),
        ("entry", "00" * 32),
        ("signature", "AAAA"),
        ("signature", "not base64!"),
    ],
)
def test_a_changed_receipt_is_not_genuine(receipt: Receipt, store: ExchangeStore, name: str, value: object) -> None:
    changed = Receipt.from_json(json.dumps(receipt.plain() | {name: value}))

    with pytest.raises(ReceiptError, match="was changed"):
        verify_receipt(changed, store.public_key)


def test_a_receipt_signed_with_another_key_is_not_genuine(receipt: Receipt) -> None:
    other = Ed25519PrivateKey.generate().public_key()

    with pytest.raises(ReceiptError, match="Use the public key of the exchange"):
        verify_receipt(receipt, other)
    with pytest.raises(ReceiptError, match="was changed"):
        verify_receipt(Receipt.from_plain(receipt.plain() | {"key": key_name(other)}), other)


@pytest.mark.parametrize("text", ["", "{}", "[]", "nothing", '{"format": 1}', "[" * 100_000])
def test_what_is_no_receipt_is_told_so(text: str) -> None:
    with pytest.raises(ReceiptError, match="not a receipt"):
        Receipt.from_json(text)


@pytest.mark.parametrize(
    ("name", "value"), [("position", "0"), ("position", True), ("trainee", None), ("time", "noon")]
)
def test_a_field_of_another_kind_is_damage(receipt: Receipt, name: str, value: object) -> None:
    with pytest.raises(ReceiptError, match="damaged"):
        Receipt.from_plain(receipt.plain() | {name: value})


def test_the_command_checks_a_receipt_without_a_server(receipt: Receipt, tmp_path: Path) -> None:
    file = tmp_path / "receipt.json"
    file.write_text(receipt.to_json())

    done = CliRunner().invoke(
        receipt_cli.commands, ["verify", str(file), "--key", str(tmp_path / "exchange/key.pub.pem")]
    )

    assert done.exit_code == 0
    assert "Genuine: ana submitted c2-beacon in lima" in done.stdout


def test_the_command_refuses_a_forged_receipt_with_exit_code_1(receipt: Receipt, tmp_path: Path) -> None:
    file = tmp_path / "receipt.json"
    file.write_text(receipt.to_json().replace('"ana"', '"bob"'))

    done = CliRunner().invoke(
        receipt_cli.commands, ["verify", str(file), "--key", str(tmp_path / "exchange/key.pub.pem")]
    )

    assert isinstance(done.exception, ReceiptError)
    assert done.exception.exit_code == 1


@pytest.mark.usefixtures("receipt")
def test_the_exchange_command_says_that_all_is_there(tmp_path: Path) -> None:
    done = CliRunner().invoke(exchange_cli.commands, ["verify", "--home", str(tmp_path)])

    assert done.exit_code == 0
    assert "1 entries, 1 submissions: all of it is there" in done.stdout


@pytest.mark.usefixtures("receipt")
def test_the_exchange_command_exits_1_with_what_is_wrong(tmp_path: Path) -> None:
    log = tmp_path / "exchange/log.jsonl"
    log.write_text(log.read_text().replace('"trainee":"ana"', '"trainee":"bob"'))

    done = CliRunner().invoke(exchange_cli.commands, ["verify", "--home", str(tmp_path)])

    assert done.exit_code == 1
    assert f"{log}:1" in done.stdout
