"""The two hubs: how they are configured, and which process counts as what."""

import ast
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config, PyFileConfigLoader

from csirtlab.bench.hub import QUICK, measure_hub
from csirtlab.bench.hub_client import execute_request, is_answer
from csirtlab.bench.subjects import ours_config, split_parts, stock_config
from csirtlab.errors import SetupError

PRODUCT = """\
c = get_config()
c.JupyterHub.services = [{"name": "workshop"}]
c.JupyterHub.load_roles = [{"name": "user", "scopes": ["self"]}]
c.Spawner.default_url = "/lab"
"""


def loaded(path: Path) -> Config:
    """Return a configuration as JupyterHub reads it."""
    return PyFileConfigLoader(path.name, path=str(path.parent)).load_config()


@pytest.fixture
def ours(tmp_path: Path) -> Config:
    product = tmp_path / "product" / "jupyterhub_config.py"
    product.parent.mkdir()
    product.write_text(PRODUCT)
    added = tmp_path / "bench_config.py"
    added.write_text(ours_config(product, "a-token"))
    return loaded(added)


@pytest.fixture
def stock(tmp_path: Path) -> Config:
    path = tmp_path / "jupyterhub_config.py"
    path.write_text(stock_config("http://127.0.0.1:8123", tmp_path / "homes", "a-token", is_root=True))
    return loaded(path)


def test_our_hub_is_measured_with_the_products_own_configuration(ours: Config) -> None:
    assert ours.Spawner.default_url == "/lab"
    assert [service["name"] for service in ours.JupyterHub.services] == ["workshop", "bench"]
    assert [role["name"] for role in ours.JupyterHub.load_roles] == ["user", "bench"]


def test_the_stock_hub_has_stock_spawner_and_sign_in_and_no_settings_for_its_servers(stock: Config) -> None:
    assert stock.JupyterHub.spawner_class == "simple"
    assert stock.JupyterHub.authenticator_class == "dummy"
    assert dict(stock.Spawner) == {"args": ["--allow-root"]}


def test_both_hubs_grant_the_benchmark_the_same(ours: Config, stock: Config) -> None:
    assert ours.JupyterHub.load_roles[-1] == stock.JupyterHub.load_roles[-1]


def test_a_folder_with_quotation_marks_stays_a_folder() -> None:
    ast.parse(stock_config("http://127.0.0.1:8123", Path('/tmp/it\'s "here"'), "a-token", is_root=False))


def test_what_is_neither_hub_nor_proxy_nor_server_counts_as_service() -> None:
    parts = split_parts([1, 2, 3, 4, 5, 6], proxy=[2], servers=[[3, 4]])

    assert (parts.hub, parts.proxy, parts.servers, parts.service) == ([1], [2], [[3, 4]], [5, 6])


@pytest.mark.parametrize(
    ("change", "is_the_answer"),
    [({}, True), ({"msg_type": "execute_input"}, False), ({"parent_header": {"msg_id": "another"}}, False)],
)
def test_only_the_reply_to_a_request_is_its_answer(change: dict[str, Any], is_the_answer: bool) -> None:
    request = execute_request("1 + 1")
    message = {"msg_type": "execute_reply", "parent_header": {"msg_id": request["header"]["msg_id"]}} | change

    assert is_answer(message, request) is is_the_answer


@pytest.fixture
def closed_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary folder that other users cannot pass."""
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only as root do servers run under other uids")
def test_a_temporary_folder_out_of_trainees_reach_is_refused_with_the_way_out(closed_folder: Path) -> None:
    with pytest.raises(SetupError, match="TMPDIR=/tmp"):
        measure_hub(QUICK, say=lambda _text: None)

    assert list(closed_folder.iterdir()) == []
