"""``csirtlab bench hub`` as an operator runs it. No figure is judged: machines differ."""

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from csirtlab.bench.hub import KEYS

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [str(ROOT / "csirtlab"), "bench", "hub", "--quick", "--json"]


@pytest.fixture
def temporary() -> Iterator[Path]:
    """Where the benchmark makes its own folders; passable, as ``/tmp`` is."""
    with tempfile.TemporaryDirectory(prefix="csirtlab-bench-test-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


def processes_of(folder: Path) -> list[str]:
    """Return the command lines of the processes that a benchmark in ``folder`` started."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command, environment = (process / "cmdline").read_bytes(), (process / "environ").read_bytes()
        except OSError:
            continue
        if f"{folder}/csirtlab-bench-".encode() in command + environment:
            found.append(command.replace(b"\0", b" ").decode(errors="replace"))
    return found


@pytest.mark.slow
def test_a_quick_run_prints_every_figure_of_both_sides_as_one_json_object(temporary: Path) -> None:
    done = subprocess.run(
        COMMAND, cwd=ROOT, env=os.environ | {"TMPDIR": str(temporary)}, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert all(told[key]["ours"] > 0 for key in KEYS)
    assert all(told[key]["stock"] > 0 and told[key]["ratio"] > 0 for key in KEYS if key != "service_mib")
    assert set(told) - set(KEYS) == {"repeats", "versions", "cores", "load_before", "conditions", "samples"}
    assert set(told["samples"]) == set(KEYS)
    assert "10 servers at once" in done.stderr
    assert processes_of(temporary) == [] and list(temporary.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_running_when_it_is_ended_half_way(temporary: Path, number: signal.Signals) -> None:
    log = temporary / "told"
    with log.open("w") as err:
        process = subprocess.Popen(
            COMMAND, cwd=ROOT, env=os.environ | {"TMPDIR": str(temporary)}, stdout=subprocess.DEVNULL, stderr=err
        )
    deadline = time.monotonic() + 600  # it may have to install first
    while "one server" not in log.read_text():
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
    while not any("start_server" in command for command in processes_of(temporary)):
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)

    process.send_signal(number)

    assert process.wait(60) != 0
    assert processes_of(temporary) == []
    assert [path.name for path in temporary.iterdir()] == ["told"]
