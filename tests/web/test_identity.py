"""Whose token it is: asked of the hub, by many at once, and also when the hub is away."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from csirtlab.bench.stand_in_hub import StandInHub, token_of
from csirtlab.exchange.refusals import Refusal
from csirtlab.web.identity import Identity


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInHub]:
    with StandInHub() as running:
        monkeypatch.setenv("JUPYTERHUB_API_URL", running.api_url)
        monkeypatch.setenv("JUPYTERHUB_API_TOKEN", token_of("workshop"))
        monkeypatch.setenv("JUPYTERHUB_SERVICE_NAME", "workshop")
        yield running


@pytest.fixture(autouse=True)
async def no_session_left() -> AsyncIterator[None]:
    yield
    from jupyterhub.httpclient import JupyterHubHTTPClient

    await JupyterHubHTTPClient.loop_instance().close()


@pytest.mark.usefixtures("hub")
async def test_many_who_come_first_are_all_known() -> None:
    identity = Identity()

    found = await asyncio.gather(*(identity.of(token_of(f"person{number}")) for number in range(30)))

    assert found == [f"person{number}" for number in range(30)]


@pytest.mark.usefixtures("hub")
async def test_a_token_that_the_hub_does_not_know_is_nobodys() -> None:
    assert await Identity().of("stolen") is None


@pytest.mark.usefixtures("hub")
async def test_a_token_that_may_not_use_this_service_is_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_SERVICE_NAME", "another")

    assert await Identity().of(token_of("ana")) is None


async def test_while_the_hub_is_away_people_are_told_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_API_URL", "http://127.0.0.1:9/hub/api")
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "x")

    with pytest.raises(Refusal, match="try again in a minute") as refused:
        await Identity().of("a-token")

    assert refused.value.status == 503
