"""``csirtlab learn`` as a learner starts it."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from csirtlab.content.courses import course_names, read_course
from csirtlab.settings import content_root

FIRST_LAB = read_course(content_root(), course_names(content_root())[0]).labs[0].name

pytestmark = pytest.mark.slow


def learn(*arguments: str, home: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", "from csirtlab.cli import main; main()", "learn", "--no-browser", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "HOME": str(home), "LANG": "es_UY"},
    )


def test_it_serves_the_first_lab_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    process = learn(home=tmp_path)
    try:
        assert process.stdout
        address = process.stdout.readline().strip()
        base, _, token = address.partition("?token=")
        root, _, notebook = base.partition("/lab/tree/")
        with urllib.request.urlopen(f"{root}/api/contents/{notebook}?token={token}", timeout=20) as answer:
            content = json.load(answer)["content"]
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)

    assert content["metadata"]["csirtlab"] == {"lab": FIRST_LAB, "language": "es"}
    assert process.returncode == 0, errors
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"{root}/api", timeout=5)


def test_an_unknown_lab_names_the_known_ones(tmp_path: Path) -> None:
    process = learn("c2-bacon", home=tmp_path)

    _, errors = process.communicate(timeout=20)

    assert process.returncode == 2
    assert "Labs here: c2-beacon" in errors


def test_a_taken_port_is_told_with_the_way_out(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = learn("--port", str(taken.getsockname()[1]), home=tmp_path)
        _, errors = process.communicate(timeout=20)

    assert process.returncode == 2
    assert "--port N" in errors
