"""What an operator can set of servers, and what it opens."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from traitlets import TraitError
from traitlets.config import Config

from csirtlab.cohorts.folders import Home
from csirtlab.hub.spawner import BoxSpawner
from csirtlab.settings import content_root
from csirtlab.sockets import Sockets


def spawner(name: str, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> Any:
    """Return the spawner of an account, as an operator's lines set it."""
    monkeypatch.setattr(BoxSpawner, "home", Home(Path("/home-of-all")), raising=False)
    monkeypatch.setattr(BoxSpawner, "content", content_root(), raising=False)
    monkeypatch.setattr(BoxSpawner, "sockets", Sockets(Path("/run/x")), raising=False)
    made: Any = BoxSpawner(config=Config({"BoxSpawner": settings}))
    made.user = SimpleNamespace(name=name)
    return made


def test_servers_have_a_network_of_their_own_unless_somebody_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not spawner("ana", monkeypatch)._walls().has_network
    assert spawner("ana", monkeypatch, network="host")._walls().has_network


def test_a_network_that_there_is_not_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TraitError, match="own"):
        spawner("ana", monkeypatch, network="none")


def test_folders_for_cohorts_are_seen_by_cohorts_servers_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"cohort_folders": ["/run/postgresql"]}

    assert Path("/run/postgresql") in spawner("grade-demo", monkeypatch, **settings)._walls().readable
    assert Path("/run/postgresql") not in spawner("ana", monkeypatch, **settings)._walls().readable


def test_walls_can_be_built_within_a_cohorts_walls_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert spawner("grade-demo", monkeypatch)._walls().may_nest
    assert not spawner("ana", monkeypatch)._walls().may_nest
