"""Attempts are counted by an address that nobody can make up."""

import pytest
from tornado.httputil import HTTPHeaders

from csirtlab.hub.authenticator import sent_from


def test_an_address_that_the_browser_claims_does_not_count() -> None:
    headers = HTTPHeaders({"X-Real-Ip": "203.0.113.9", "X-Forwarded-For": "198.51.100.1, 192.0.2.7"})

    assert sent_from(headers, "203.0.113.9") == "192.0.2.7"


def test_a_trusted_proxy_before_ours_is_looked_through() -> None:
    headers = HTTPHeaders({"X-Real-Ip": "192.0.2.7", "X-Forwarded-For": "198.51.100.1, 192.0.2.7, 10.0.0.1"})

    assert sent_from(headers, "192.0.2.7", ["10.0.0.1"]) == "192.0.2.7"


@pytest.mark.parametrize("forwarded", [{}, {"X-Forwarded-For": "10.0.0.1"}])
def test_made_up_addresses_alone_are_all_the_same(forwarded: dict[str, str]) -> None:
    keys = {
        sent_from(HTTPHeaders({"X-Real-Ip": ip, **forwarded}), ip, ["10.0.0.1"]) for ip in ("192.0.2.1", "192.0.2.2")
    }

    assert len(keys) == 1


def test_without_such_a_header_it_is_what_tornado_says() -> None:
    assert sent_from(HTTPHeaders(), "192.0.2.7") == "192.0.2.7"
