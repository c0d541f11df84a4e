"""Links in what was handed in: what they lead to is what they say."""

import pytest

from csirtlab.grading.links import plain_address, shown_links

REL = 'rel="noopener noreferrer nofollow" referrerpolicy="no-referrer" target="_blank"'


@pytest.mark.parametrize(
    ("address", "plain"),
    [
        ("https://attack.mitre.org/T1071", "https://attack.mitre.org/T1071"),
        ("HTTP://Example.org", "http://example.org/"),
        ("https://example.org:8443/a b?q=ü#x", "https://example.org:8443/a%20b?q=%C3%BC#x"),
        ("http://[2001:db8::1]/", "http://[2001:db8::1]/"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("mailto:soc@example.org", "mailto:soc@example.org"),
    ],
)
def test_an_address_is_shown_in_ascii(address: str, plain: str) -> None:
    assert plain_address(address) == plain


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "blob:x", "//evil.example/x",
        "/hub/logout", "#top", "", "https://hub.example@evil.example/", "https:\\\\evil.example", "https://[x]/",
        "https://evil.example/\u202egpj.exe", "https://exa mple/", "https://x:port/", "https://e.example/" + "a" * 400,
    ],
)  # fmt: skip
def test_whatever_else_is_no_address(address: str) -> None:
    assert plain_address(address) is None


def test_what_was_linked_is_text_and_the_address_is_the_link() -> None:
    html = '<p><a href="https://evil.example/">Full <b>credit</b></a></p>'

    assert shown_links(html) == (
        f'<p>Full <b>credit</b> [<a href="https://evil.example/" {REL}>https://evil.example/</a>]</p>'
    )


def test_a_link_that_shows_its_own_address_stays_one() -> None:
    once = shown_links('<a href="https://evil.example/">https://evil.example/</a>')

    assert once == f'<a href="https://evil.example/" {REL}>https://evil.example/</a>'
    assert shown_links(once) == once


def test_a_link_that_shows_another_address_is_told_apart() -> None:
    html = '<a href="https://evil.example/">https://hub.example/</a>'

    assert "https://hub.example/ [<a" in shown_links(html)


def test_an_anchor_that_leads_nowhere_is_its_text() -> None:
    assert shown_links('<a rel="noopener">x</a>') == "x"
    assert shown_links('<a href="/hub/logout">x</a>') == "x [/hub/logout]"
