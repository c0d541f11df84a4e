"""What processes cost, read from ``/proc``: parsed texts, and real processes."""

import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from csirtlab.bench.processes import command_line, end_tree, parse_pss_kib, parse_ticks, pss_mib, tree, until_at_rest

ROLLUP = """\
55d0c4c00000-7ffd3b9f2000 ---p 00000000 00:00 0                          [rollup]
Rss:               12000 kB
Pss:                8421 kB
Pss_Dirty:          4000 kB
Pss_Anon:           3900 kB
SwapPss:               7 kB
"""


@pytest.fixture
def family() -> Iterator["subprocess.Popen[bytes]"]:
    """A process with a child that has a child, the last out of its parent's session."""
    line = ["sh", "-c", "sh -c 'setsid sleep 600 & sleep 601; true'; true"]
    process = subprocess.Popen(line, start_new_session=True)
    deadline = time.monotonic() + 20
    # Both have become what they are to be: until then a command line is the shell's, setsid's or empty.
    while not {"sleep 600 ", "sleep 601 "} <= {command_line(pid) for pid in tree(process.pid)}:
        assert time.monotonic() < deadline
    yield process
    end_tree(process)


def test_memory_is_the_proportional_set_size_and_not_one_of_its_parts() -> None:
    assert parse_pss_kib(ROLLUP) == 8421


def test_a_process_that_has_ended_uses_nothing() -> None:
    assert parse_pss_kib("") == 0


def test_processor_time_is_found_behind_any_programs_name() -> None:
    stat = "77 (a) b (c) S 1 77 77 0 -1 4194560 500 0 0 0 120 34 5 6 20 0 1 0 1000 0 0"

    assert parse_ticks(stat) == 154


def test_the_memory_of_a_real_process_agrees_with_its_mappings() -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin and process.stdout
        process.stdin.write(b"at rest\n")
        process.stdin.flush()
        process.stdout.readline()  # it has loaded all that it will
        mapped = re.findall(r"^Pss: +(\d+) kB", Path(f"/proc/{process.pid}/smaps").read_text(), re.MULTILINE)
        told = pss_mib([process.pid])

    # Each mapping is rounded down to whole KiB there.
    assert told == pytest.approx(sum(map(int, mapped)) / 1024, abs=0.2)


def test_a_tree_reaches_children_in_sessions_of_their_own(family: "subprocess.Popen[bytes]") -> None:
    assert {"sleep 600 ", "sleep 601 "} <= {command_line(pid) for pid in tree(family.pid)}


def test_ending_a_tree_ends_every_process_of_it(family: "subprocess.Popen[bytes]") -> None:
    pids = tree(family.pid)

    end_tree(family)

    deadline = time.monotonic() + 20
    while any(command_line(pid) for pid in pids):  # empty for a zombie too
        assert time.monotonic() < deadline


async def test_a_tree_at_work_is_waited_for_no_longer_than_asked() -> None:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        await asyncio.wait_for(until_at_rest(lambda: [process.pid], at_most_s=0.5, interval_s=0.1), 20)
        process.kill()


async def test_a_tree_at_rest_is_noticed_soon() -> None:
    with subprocess.Popen(["sleep", "600"]) as process:
        await asyncio.wait_for(until_at_rest(lambda: [process.pid], at_most_s=600, interval_s=0.05), 20)
        process.kill()


def test_this_process_is_in_its_own_tree() -> None:
    assert os.getpid() in tree(os.getpid())
