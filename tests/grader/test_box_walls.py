"""The box's walls, climbed from inside by notebook code."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.grader.test_box_runs import run, shown

from csirtlab.grading.box import BOX_UID, Box
from csirtlab.grading.runs import Cell, Ending, Limits

pytestmark = pytest.mark.slow


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def attempt(code: str) -> str:
    """Return a cell that prints what came of ``code``, whose last name is ``got``."""
    body = "\n".join(f"    {line}" for line in code.splitlines())
    refused = "except BaseException as error:\n    print('refused', type(error).__name__, error)"
    return f"try:\n{body}\n    print('GOT', got)\n{refused}"


@pytest.mark.parametrize(
    "code",
    [
        "import socket\ngot = socket.create_connection(('127.0.0.1', {port}), 1)",
        "import socket\ngot = socket.create_connection(('10.0.2.2', {port}), 1)",
        "import socket\ngot = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
        "import socket\ngot = socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)",
        "import socket\ngot = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)",
        "import socket\ngot = socket.getaddrinfo('www.example.org', 80)",
    ],
)
def test_there_is_no_network_not_even_the_hosts_loopback(box: Box, case: Path, listener: int, code: str) -> None:
    assert shown(run(box, case, attempt(code.format(port=listener)))).startswith("refused")


def test_files_outside_do_not_exist_not_even_for_their_owner(box: Box, case: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("cohort secret")
    if os.geteuid() == 0:
        os.chown(secret, BOX_UID, BOX_UID)

    result = shown(run(box, case, attempt(f"got = open({str(secret)!r}).read()")))

    assert result.startswith("refused FileNotFoundError")


@pytest.mark.parametrize("place", ["/root", "/home", "/var", "/srv", "/etc/shadow", "/run", "/sys", "/boot", "/mnt"])
def test_the_hosts_folders_are_not_there(box: Box, case: Path, place: str) -> None:
    assert shown(run(box, case, f"import os\nprint(os.path.exists({place!r}))")) == "False\n"


def test_of_our_own_code_only_the_kit_and_the_worker_can_be_read(box: Box, case: Path) -> None:
    code = "import csirtlab, os\nprint(sorted(os.listdir(os.path.dirname(csirtlab.__file__))))"

    names = shown(run(box, case, code))

    assert names == "['__init__.py', 'errors.py', 'kit', 'languages.py', 'translations']\n"


@pytest.mark.parametrize("place", ["/", "/usr", "/etc", "/case", "/case/evidence", "/dev", "/proc", sys.prefix])
def test_nothing_can_be_written_outside_the_scratch_folders(box: Box, case: Path, place: str) -> None:
    result = shown(run(box, case, attempt(f"got = open({place + '/planted'!r}, 'w').write('x')")))

    assert result.startswith("refused")


def test_evidence_cannot_be_changed(box: Box, case: Path) -> None:
    assert "refused" in shown(run(box, case, attempt("got = open('evidence/case.json', 'a')")))


def test_only_the_boxs_own_processes_are_seen(box: Box, case: Path) -> None:
    code = "import os\nprint(sorted(int(n) for n in os.listdir('/proc') if n.isdigit()) == [1, os.getpid()])"

    assert shown(run(box, case, code)) == "True\n"


def test_the_callers_environment_stays_outside(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "t0ken")
    with Box(unsafe=False) as fresh:
        result = shown(run(fresh, case, "import os\nprint(dict(os.environ), open('/proc/self/cmdline').read())"))

    assert "t0ken" not in result
    assert "JUPYTER" not in result


@pytest.mark.parametrize("name", ["environ", "mem", "fd", "maps", "cwd", "root", "ns/net", "stack", "syscall"])
def test_the_worker_cannot_be_looked_into(box: Box, case: Path, name: str) -> None:
    code = (
        f"import os\np = '/proc/1/{name}'\n"
        "got = os.listdir(p) if os.path.isdir(p) and p.endswith('fd') else "
        "os.readlink(p) if os.path.islink(p) else open(p, 'rb').read(1)"
    )

    assert shown(run(box, case, attempt(code))).startswith("refused")


@pytest.mark.parametrize(
    "call",
    [
        "ptrace(16, 1, 0, 0)",
        "unshare(0x10000000)",
        "syscall(425, 1, 0)",  # io_uring_setup; the same number on every processor
        "memfd_create(b'x', 0)",
        "shmget(0x1234, 4096, 0o1666)",
        "msgget(0x1234, 0o1666)",
        "semget(0x1234, 1, 0o1666)",
        "mount(b'/', b'/tmp', b'none', 4096, 0)",
        "syscall(250 if platform.machine() == 'x86_64' else 219, 0, -3, 0)",  # keyctl
    ],
)
def test_calls_that_reach_into_the_kernel_are_refused(box: Box, case: Path, call: str) -> None:
    code = f"import ctypes, platform\nlibc = ctypes.CDLL(None, use_errno=True)\nprint(libc.{call}, ctypes.get_errno())"

    assert shown(run(box, case, code)).startswith("-1 1\n")


def test_no_descriptor_of_the_worker_reaches_a_submission(box: Box, case: Path) -> None:
    code = """
import os, stat
kinds = []
for fd in range(256):
    try:
        kinds.append(stat.filemode(os.fstat(fd).st_mode)[0])
    except OSError:
        pass
print(''.join(sorted(kinds)))
"""

    # One pipe to the worker, null as standard input, the files behind standard output and error.
    assert shown(run(box, case, code)).count("p") == 1


def test_killing_everyone_harms_nobody_else(box: Box, case: Path) -> None:
    result = run(
        box,
        case,
        "import os\nfor s in (2, 9, 15, 19):\n    os.kill(1, s)\ntry:\n    os.kill(-1, 9)\nexcept OSError: pass",
    )

    assert result.ended is Ending.FINISHED
    assert shown(run(box, case, "print('alive')")) == "alive\n"


@pytest.mark.parametrize(
    "code", ["import os\nos._exit(0)", "import os\nos.kill(os.getpid(), 9)", "import ctypes\nctypes.string_at(0)"]
)
def test_a_notebook_that_ends_itself_loses_only_what_it_had_not_reported(box: Box, case: Path, code: str) -> None:
    reported = "from csirtlab.kit import open_case\nopen_case().answer('infected_host', '10.0.0.1')"

    result = run(box, case, reported, code, "print('never')")

    assert result.ended is Ending.DIED
    assert result.findings == {"infected_host": "10.0.0.1"}


def test_a_fork_bomb_is_cut(box: Box, case: Path) -> None:
    started = time.monotonic()

    result = run(box, case, "import os\nwhile True:\n    os.fork()", total_s=2, cell_s=1, processes=20)

    assert result.ended is not Ending.FINISHED or "error" in str(result.outputs)
    assert time.monotonic() - started < 10
    assert shown(run(box, case, "print('alive')")) == "alive\n"


def test_a_process_that_takes_too_much_memory_gets_an_error(box: Box, case: Path) -> None:
    result = run(box, case, "x = bytearray(3 * 2**30)", "print('next')", memory_mib=1536)

    assert result.outputs[0][0]["ename"] == "MemoryError"
    assert shown(result, 1) == "next\n"


def test_processes_that_take_too_much_memory_together_are_stopped(box: Box, case: Path) -> None:
    code = """
import os, time
for _ in range(6):
    if os.fork() == 0:
        x = bytearray(300 * 2**20)
        x[::4096] = b'x' * len(x[::4096])
        time.sleep(20)
        os._exit(0)
time.sleep(20)
"""

    assert run(box, case, code, memory_mib=1536).ended is Ending.MEMORY


def test_a_full_scratch_folder_is_an_error_of_that_submission_alone(box: Box, case: Path) -> None:
    code = "for n in range(100):\n    open(f'/tmp/f{n}', 'wb').write(bytes(60 * 2**20))"

    result = run(box, case, code)

    assert "No space left" in shown(result)
    assert shown(run(box, case, "open('/tmp/x', 'w').write('fits')\nprint('alive')")) == "alive\n"


def test_an_endless_loop_that_catches_everything_is_cut(box: Box, case: Path) -> None:
    code = "while True:\n    try:\n        while True: sum(range(9))\n    except BaseException: pass"

    result = run(box, case, "print('first')", code, cell_s=0.3, total_s=1)

    assert result.ended is Ending.TIME
    assert shown(result, 0) == "first\n"


def test_endless_printing_is_cut_and_findings_still_count(box: Box, case: Path) -> None:
    chatter = "for _ in range(20_000):\n    print('x' * 1000)"
    answer = "from csirtlab.kit import open_case\nopen_case().answer('infected_host', '10.0.0.1')"

    result = run(box, case, chatter, answer, output_mib=1)

    assert len(shown(result)) < 1.2 * 2**20
    assert result.findings == {"infected_host": "10.0.0.1"}


def test_a_flood_on_the_channel_itself_is_cut(box: Box, case: Path) -> None:
    code = """
import os, stat
for fd in range(3, 256):
    try:
        if stat.S_ISFIFO(os.fstat(fd).st_mode):
            while True:
                os.write(fd, bytes([0, 0, 4, 0]) + b'x' * 1024)
    except OSError:
        pass
"""

    assert run(box, case, code, output_mib=1).ended is Ending.OUTPUT


@pytest.mark.parametrize("noise", [b"\xff\xff\xff\xff", b"\x00\x00\x00\x02{]", b"\x00\x00\x00\x04null", b"\x00"])
def test_nonsense_on_the_channel_harms_only_its_sender(box: Box, case: Path, noise: bytes) -> None:
    code = f"""
import os, stat
for fd in range(3, 256):
    try:
        if stat.S_ISFIFO(os.fstat(fd).st_mode):
            os.write(fd, {noise!r})
    except OSError:
        pass
"""

    run(box, case, code)

    assert shown(run(box, case, "print('alive')")) == "alive\n"


@pytest.mark.parametrize("place", ["/tmp/left", "/dev/shm/left", "/tmp/home/left", "/tmp/work/left"])
def test_a_file_of_one_submission_is_not_there_for_the_next(box: Box, case: Path, place: str) -> None:
    run(box, case, f"open({place!r}, 'w').write('for you')")

    assert shown(run(box, case, f"import os\nprint(os.path.exists({place!r}))")) == "False\n"


def test_what_ipython_and_python_read_at_the_start_cannot_be_poisoned(box: Box, case: Path) -> None:
    code = """
import os, pathlib, builtins, sys
for name in ('.ipython/profile_default/startup/a.py', 'sitecustomize.py', '.local/lib/python3.11/site-packages/x.pth'):
    path = pathlib.Path.home() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("print('poisoned')")
builtins.print = sys.exit
import csirtlab.kit; csirtlab.kit.open_case = None
"""
    run(box, case, code)

    assert shown(run(box, case, "from csirtlab.kit import open_case\nprint(open_case().trainee)")) == "ana\n"


def test_folders_too_deep_to_be_removed_cost_the_box_but_not_the_next_submission(box: Box, case: Path) -> None:
    code = "import os\nfor _ in range(3000):\n    os.mkdir('d')\n    os.chdir('d')"

    run(box, case, code)

    assert shown(run(box, case, "import os\nprint(sorted(os.listdir('.')))")) == "['evidence']\n"


def test_a_daemon_is_gone_before_the_next_submission_runs(box: Box, case: Path) -> None:
    code = """
import os, signal, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in range(1, 32):
            try: signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError): pass
        while True:
            try: open('/tmp/work/daemon', 'w').write('here')
            except OSError: pass
            time.sleep(0.01)
    os._exit(0)
"""
    run(box, case, code)

    result = run(
        box,
        case,
        "import os, time\ntime.sleep(0.2)\n"
        "print(os.path.exists('daemon'), len([n for n in os.listdir('/proc') if n.isdigit()]))",
    )

    assert shown(result) == "False 2\n"


def test_a_forged_message_can_be_an_answer_but_nothing_more(box: Box, case: Path) -> None:
    code = """
import json, os, stat
def send(message):
    octets = json.dumps(message).encode()
    for fd in range(3, 256):
        try:
            if stat.S_ISFIFO(os.fstat(fd).st_mode):
                os.write(fd, len(octets).to_bytes(4, 'big') + octets)
        except OSError:
            pass
send({"ended": "finished", "ready": True, "worth": 1, "score": 100})
send({"cell": 99, "outputs": []})
send({"method": "detector", "sibling": 7, "value": "10.0.0.1"})
"""

    result = run(box, case, code)

    assert sorted(result.outputs) == [0]
    assert result.methods == {}


def test_a_worker_that_is_lost_is_replaced(box: Box, case: Path) -> None:
    assert box._process is not None
    box._process.kill()
    box._process.wait()

    assert shown(run(box, case, "print('alive')")) == "alive\n"


def test_the_box_never_runs_as_root(box: Box) -> None:
    assert box._process is not None
    status = Path(f"/proc/{box._process.pid}/status").read_text()

    uid = next(line.split()[1] for line in status.splitlines() if line.startswith("Uid:"))

    assert uid != "0"


NESTED = """
import sys, logging
from pathlib import Path
from csirtlab.grading.box import Box
from csirtlab.grading.runs import Cell
with Box(unsafe=False) as box:
    result = box.run([Cell(0, "import os; print(os.getuid(), os.listdir('evidence'))")], Path(sys.argv[1]))
    print(result.outputs[0][0]["text"])
"""


def test_a_box_stands_inside_another_bubblewrap_of_an_ordinary_user() -> None:
    """As in an instructor's server, which is itself a bubblewrap with its own /proc."""
    if os.geteuid() != 0:
        pytest.skip("needs root to become another user")
    import csirtlab

    source = Path(csirtlab.__file__).parents[2]
    command = [
        *("bwrap", "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent"),
        *("--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib"),
        *("--symlink", "usr/lib64", "/lib64", "--ro-bind", "/etc", "/etc", "--proc", "/proc", "--dev", "/dev"),
        *("--tmpfs", "/tmp", "--dir", "/tmp/case/evidence", "--ro-bind", sys.prefix, sys.prefix),
        *("--ro-bind", str(source), str(source)),
        *(sys.executable, "-c", NESTED, "/tmp/case"),
    ]  # fmt: skip

    done = subprocess.run(
        command, user=200_001, group=200_001, extra_groups=[], capture_output=True, text=True, check=False, cwd="/"
    )

    assert "1000 []" in done.stdout, done.stderr


LOOK_FOR_HIDDEN_CASES = "import glob\nprint(glob.glob('/case/siblings/*/*/evidence/*'))"
SHOW_HIDDEN_CASES = """
import json, os, stat
from csirtlab.kit import open_case
case = open_case()
def detect(hidden):
    shown = {"output_type": "stream", "name": "stdout", "text": hidden.path("assets.csv").read_text()}
    octets = json.dumps({"cell": 0, "outputs": [shown], "count": 1}).encode()
    for fd in range(3, 64):
        try:
            if stat.S_ISFIFO(os.fstat(fd).st_mode): os.write(fd, len(octets).to_bytes(4, "big") + octets)
        except OSError: pass
    return "10.9.9.9"
case.method("detector", detect)
"""


def test_hidden_cases_are_not_there_while_cells_run(box: Box, case: Path, siblings: list[Path]) -> None:
    result = box.run([Cell(0, LOOK_FOR_HIDDEN_CASES)], case, {"detector": siblings})

    assert shown(result) == "[]\n"


def test_what_a_method_sees_is_not_shown_as_an_earlier_cells_output(box: Box, case: Path, siblings: list[Path]) -> None:
    result = box.run([Cell(0, SHOW_HIDDEN_CASES)], case, {"detector": siblings})

    assert result.methods["detector"] == ["10.9.9.9"] * 3
    assert "workstation" not in str(result.outputs)


DRIP = """
import os, signal, stat, time
signal.setitimer(signal.ITIMER_REAL, 0)
pipes = [fd for fd in range(3, 64) if os.path.exists(f"/proc/self/fd/{fd}") and stat.S_ISFIFO(os.fstat(fd).st_mode)]
while True:
    for fd in pipes: os.write(fd, b"\\0")
    time.sleep(0.01)
"""


def test_a_submission_that_always_has_news_is_cut_as_well(box: Box, case: Path) -> None:
    started = time.monotonic()

    result = run(box, case, "print('before')", DRIP, total_s=1)

    assert result.ended is Ending.TIME
    assert shown(result) == "before\n"
    assert time.monotonic() - started < 15


def test_too_many_messages_are_cut(box: Box, case: Path) -> None:
    flood = DRIP.replace(r'b"\0"', '((4).to_bytes(4, "big") + b"null") * 5000').replace("time.sleep(0.01)", "pass")

    assert run(box, case, flood).ended is Ending.OUTPUT


def test_empty_files_without_end_are_cut(box: Box, case: Path) -> None:
    bomb = "import os\nfor n in range(10**6): os.close(os.open(f'{n}', os.O_CREAT))"

    assert run(box, case, bomb).ended is Ending.FILES


def test_without_walls_the_log_says_so_on_every_line(case: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    with Box(unsafe=True) as box:
        result = box.run([Cell(0, "print('ran')")], case, limits=Limits(processes=4096))

    assert shown(result) == "ran\n"
    assert caplog.messages
    assert all(message.startswith("[UNSAFE: NO BOX]") for message in caplog.messages)


SEARCH = """
import ctypes, re
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
found = set()
for line in open("/proc/self/maps"):
    span, mode, *_ = line.split()
    start, end = (int(part, 16) for part in span.split("-"))
    if "rw" not in mode or "[v" in line or end - start > 2**29:
        continue
    try:
        with open("/proc/self/mem", "rb") as memory:
            memory.seek(start)
            found |= set(re.findall(b"prose-of-" + b"another-[0-9]+", memory.read(end - start)))
    except (OSError, ValueError):
        continue
print("searched", len(found), sorted(found)[:3])
"""


def test_what_a_submission_said_is_not_in_the_memory_of_the_next(box: Box, case: Path) -> None:
    # Many texts of many lengths: a few would be overwritten by chance.
    texts = [f"prose-of-another-{number} " * (1 + number % 40) for number in range(300)]
    cells = [Cell(number, f"print({text!r})") for number, text in enumerate(texts)]
    assert "prose-of-another-299" in str(box.run(cells, case).outputs[299])

    assert shown(run(box, case, SEARCH)) == "searched 0 []\n"
