"""Where a hub says that it is."""

import socket

import pytest

from csirtlab.hub.run_settings import RunSettings


@pytest.mark.parametrize("every", ["0.0.0.0", "::"])
def test_on_every_network_people_are_told_the_machines_name(every: str) -> None:
    settings = RunSettings(bind=every, port=8443, certificate="chain.pem", key="key.pem")

    assert settings.public_url == f"https://{socket.getfqdn()}:8443"


def test_on_one_address_people_are_told_that_address() -> None:
    assert RunSettings(bind="192.0.2.7", port=8000).public_url == "http://192.0.2.7:8000"


def test_this_machine_reaches_a_hub_on_every_network_by_loopback() -> None:
    assert RunSettings(bind="0.0.0.0", port=8000).local_url == "http://127.0.0.1:8000"
