"""An origin for each server, for who has a wildcard name: over TLS, in a browser, with cookies of one host alone."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser
from tests.certificates import make_certificate
from tests.integration.hubs import Hub, Visitor, free_port, start_hub, stop_hub
from tests.integration.workshop import open_lab, run_code

from csirtlab.errors import SetupError
from csirtlab.origins import check_origin, host_of, label_of, origin_of

slow = pytest.mark.slow
in_browser = pytest.mark.browser


def test_each_account_has_a_label_of_its_own() -> None:
    names = ["ana", "ana.b", "ana_b", "ana-b", "ana--b", "grade-demo", "a.", "u--1", "x-"]

    labels = [label_of(name) for name in names]

    assert len(set(labels)) == len(names)
    assert all(re.fullmatch(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?", label) for label in labels)
    assert (labels[0], labels[5]) == ("ana", "grade-demo")


def test_an_origin_keeps_scheme_and_port() -> None:
    assert origin_of("ana", "https://labs.example.org:8443") == "https://ana.labs.example.org:8443"
    assert host_of("ana", "https://labs.example.org") == "ana.labs.example.org"


@pytest.mark.parametrize(
    "text",
    ["labs.example.org", "https://192.0.2.1", "https://localhost", "ftp://labs.example.org", "https://a.b/x", ""],
)
def test_what_names_no_wildcard_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(SetupError, match=r"https://labs\.example\.org, where \*\.labs\.example\.org"):
        check_origin(text)


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    """A hub at ``https://lab.localhost``: browsers take every name below localhost for this machine (RFC 6761)."""
    with tempfile.TemporaryDirectory(prefix="csirtlab-names-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        certificate, key = make_certificate(folder)
        port = free_port()
        origin = f"https://lab.localhost:{port}"
        options = ("--tls-cert", str(certificate), "--tls-key", str(key), "--subdomains", origin)
        started = start_hub(folder / "state", port, *options)
        started.origin = origin
        yield started
        stop_hub(started)


def own(hub: Hub, name: str) -> str:
    return hub.origin.replace("https://", f"https://{name}.")


@pytest.fixture(scope="module")
def ana(browser: Browser, hub: Hub) -> Iterator[Visitor]:
    """Ana, who has opened the lab."""
    visitor = Visitor(browser, hub)
    visitor.sign_in("ana")
    open_lab(visitor.page, "Abrir el laboratorio")
    yield visitor
    visitor.close()


@slow
@in_browser
def test_a_server_is_at_a_host_of_its_own_and_works(hub: Hub, ana: Visitor) -> None:
    assert ana.page.url.startswith(f"{own(hub, 'ana')}/user/ana/lab/tree/")
    assert run_code(ana.page, "ana", "print(6 * 7)") == "42\n"


@slow
@in_browser
def test_no_cookie_of_the_hub_is_any_other_hosts(hub: Hub, ana: Visitor) -> None:
    cookies: list[Any] = ana.page.context.cookies()
    secrets = [c for c in cookies if c["name"] != "jupyterhub-session-id" and "_xsrf" not in c["name"]]

    assert {c["domain"] for c in secrets} == {"lab.localhost", "ana.lab.localhost"}
    assert all(c["secure"] and c["httpOnly"] for c in secrets)
    assert "__Host-jupyterhub-hub-login" in {c["name"] for c in secrets if c["domain"] == "lab.localhost"}


@slow
@in_browser
def test_a_page_left_open_reads_nothing_of_the_next_person_in_this_browser(hub: Hub, ana: Visitor) -> None:
    """On one origin for all it does: the browser sends the next person's cookies for it."""
    left_open = ana.page
    context = left_open.context
    next_one = context.new_page()
    next_one.goto(f"{hub.origin}/hub/logout")
    next_one.goto(f"{hub.origin}/hub/login")
    next_one.fill("#username_input", "irene")
    next_one.fill("#password_input", hub.passphrase("irene"))
    next_one.click("#login_submit")
    next_one.wait_for_url("**/services/workshop/")
    assert "Irene" in next_one.inner_text("body")

    read = left_open.evaluate(
        """async (hub) => {
            const told = [];
            for (const place of ['/services/workshop/', '/hub/home', '/hub/api/user', '/user/grade-demo/api']) {
                try {
                    told.push(await (await fetch(hub + place, {credentials: 'include'})).text());
                } catch (error) {
                    told.push('refused');
                }
            }
            const frame = document.createElement('iframe');
            frame.src = hub + '/services/workshop/';
            document.body.append(frame);
            await new Promise((resolve) => { frame.onload = resolve; });
            try {
                told.push(frame.contentWindow.document.body.innerText);
            } catch (error) {
                told.push('refused');
            }
            return told;
        }""",
        hub.origin,
    )

    assert read == ["refused"] * 5
    next_one.close()


@slow
@in_browser
def test_an_instructor_finds_the_formgrader_at_the_cohorts_host_and_nothing_of_a_trainee(
    browser: Browser, hub: Hub, ana: Visitor
) -> None:
    irene = Visitor(browser, hub)
    irene.sign_in("irene")
    irene.page.goto(f"{hub.origin}/services/workshop/formgrader/demo")
    irene.page.wait_for_url(f"{own(hub, 'grade-demo')}/user/grade-demo/formgrader/**")

    for place in ("/user/ana/lab", "/user/ana/api/contents"):
        for host in (own(hub, "ana"), own(hub, "grade-demo"), hub.origin):
            answer = irene.page.goto(f"{host}{place}")
            assert answer and answer.status == 403, (host, place)
    irene.close()


@slow
def test_a_host_leads_to_its_own_server_alone(hub: Hub) -> None:
    """Whatever host and path say together, asked without a name server."""
    with httpx.Client(base_url=f"https://127.0.0.1:{hub.port}", verify=False, trust_env=False) as client:

        def asked(host: str, place: str) -> tuple[int, str]:
            answer = client.get(place, headers={"Host": host})
            return answer.status_code, answer.headers.get("location", "")

        domain = hub.origin.removeprefix("https://")
        assert asked(f"ben.{domain}", "/user/ana/lab")[0] == 403
        assert asked(domain, "/user/ana/lab") == (302, f"{own(hub, 'ana')}/user/ana/lab")
        assert asked(f"ana.{domain}", "/hub/login") == (302, f"{hub.origin}/hub/login")
        assert asked(f"ana.{domain}", "/services/workshop/") == (302, f"{hub.origin}/services/workshop/")
        assert asked(f"ana.{domain}", "/_enter?ticket=made-up&next=/user/ana/lab")[0] == 403
        assert asked(f"ana.{domain}", "/_enter?ticket=x&next=https://evil.example/")[0] == 403
