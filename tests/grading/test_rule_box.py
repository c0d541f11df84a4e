"""The walls round a rule, climbed by a program in the runner's place."""

import ast
import json
import socket
import sys
from pathlib import Path

import pytest

from csirtlab.errors import SetupError
from csirtlab.grading import walls
from csirtlab.grading.rule_box import RUNNER, run_in_rule_box

PROBE = """
import json, os, sys
def tried(code):
    try:
        return repr(eval(code))
    except BaseException as error:
        return type(error).__name__
json.dump([tried(code) for code in json.load(sys.stdin)], sys.stdout)
"""


@pytest.fixture
def probe(reachable: Path) -> Path:
    path = reachable / "probe.py"
    path.write_text(PROBE)
    path.chmod(0o644)
    return path


def tried(probe: Path, *codes: str) -> list[str]:
    answer = run_in_rule_box(json.dumps(codes).encode(), b'["evidence"]', runner=probe)
    assert answer is not None
    found: list[str] = json.loads(answer)
    return found


def test_the_runner_imports_the_engines_and_nothing_of_ours() -> None:
    tree = ast.walk(ast.parse(RUNNER.read_text()))
    names = {
        name.split(".")[0]
        for node in tree
        for name in (
            [alias.name for alias in node.names] if isinstance(node, ast.Import)
            else [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        )
    }  # fmt: skip

    assert names - set(sys.stdlib_module_names) == {"sigma", "yara_x"}


def test_nothing_of_ours_can_be_imported(probe: Path) -> None:
    ours = ("csirtlab.errors", "csirtlab.kit", "csirtlab_grader.frames")

    assert tried(probe, *(f"__import__({name!r})" for name in ours)) == ["ModuleNotFoundError"] * len(ours)


def test_files_outside_do_not_exist(probe: Path) -> None:
    secret = probe.with_name("secret")
    secret.write_text("x")
    places = [str(secret), "/etc/passwd", "/root", "/home", "/var", f"{sys.prefix}/share/csirtlab/labs"]

    assert tried(probe, *(f"os.listdir({place!r}) if os.path.isdir({place!r}) else open({place!r})"
                          for place in places)) == ["FileNotFoundError"] * len(places)  # fmt: skip


def test_the_evidence_can_be_read_and_not_written(probe: Path) -> None:
    assert tried(probe, "open(sys.argv[1]).read()", "open(sys.argv[1], 'w')", "open('/x', 'w')", "open('/tmp/x', 'w')",
                 "os.remove(sys.argv[1])") == ["'[\"evidence\"]'", "OSError", "OSError", "FileNotFoundError",
                                               "OSError"]  # fmt: skip


def test_there_is_no_network(probe: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        got = tried(probe, f"__import__('socket').create_connection(('127.0.0.1', {port}), 1)")

    assert got in (["ConnectionRefusedError"], ["OSError"])


def test_nothing_of_the_graders_environment_is_there(probe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "a-token-of-ours")

    assert tried(probe, "sorted(os.environ)") == ["['LANG', 'PWD', 'PYTHONDONTWRITEBYTECODE', 'PYTHONHASHSEED']"]


def test_no_other_process_is_to_be_seen(probe: Path) -> None:
    assert tried(probe, "[pid for pid in os.listdir('/proc') if pid.isdigit()]") == ["['1']"]


def test_a_box_that_cannot_be_built_is_no_fault_of_the_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walls, "rule_arguments", lambda *_: ["--no-such-option"])

    with pytest.raises(SetupError, match="No box can be built"):
        run_in_rule_box(b"{}", b"[]")
