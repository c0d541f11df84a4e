"""The box of a rule: bubblewrap round one run of the rule engines, with nothing of ours in it."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from csirtlab.errors import SetupError
from csirtlab.grading import walls
from csirtlab.grading.box import BOX_UID, is_unsafe
from csirtlab.grading.probing import explain_failure
from csirtlab.grading.seccomp import write_filter

RUNNER = Path(__file__).with_name("rule_runner.py")
PATIENCE_S = 60.0  # on a busy machine; the processor time is limited inside
_MOST_ANSWER = 4 * 2**20


def run_in_rule_box(request: bytes, material: bytes, *, is_own: bool = False, runner: Path = RUNNER) -> bytes | None:
    """Return what ``runner`` answers; None when it had to be stopped, or ended without an answer.

    ``is_own`` and ``CSIRTLAB_UNSAFE_NO_BOX=1`` leave the walls out; limits stay.

    Raises:
        SetupError: No box can be built here; the message says which setting to change.
    """
    with tempfile.TemporaryFile() as file, tempfile.TemporaryFile() as filter_file:
        file.write(material)
        file.flush()
        file.seek(0)
        if is_own or is_unsafe():
            if os.geteuid() == 0:
                os.fchown(file.fileno(), BOX_UID, BOX_UID)  # it is opened again by its name
            command = [sys.executable, "-I", str(runner), f"/dev/fd/{file.fileno()}"]
        else:
            write_filter(filter_file)
            command = [
                "bwrap", *walls.rule_arguments(runner, file.fileno(), filter_file.fileno()), "--",
                sys.executable, "-I", str(walls.RUNNER), str(walls.MATERIAL),
            ]  # fmt: skip
        return _answer(command, request, (file.fileno(), filter_file.fileno()))


def _answer(command: list[str], request: bytes, descriptors: tuple[int, ...]) -> bytes | None:
    uid = BOX_UID if os.geteuid() == 0 else None
    try:
        done = subprocess.run(
            command, input=request, capture_output=True, timeout=PATIENCE_S, check=False, cwd="/",
            pass_fds=descriptors, env={"PATH": os.environ.get("PATH", os.defpath), **walls.RULE_ENVIRONMENT},
            user=uid, group=uid, extra_groups=None if uid is None else [],
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return None
    except FileNotFoundError:
        raise SetupError(explain_failure("bwrap is not installed")) from None
    if done.returncode and done.stderr.startswith(b"bwrap:"):
        raise SetupError(explain_failure(done.stderr.decode("utf-8", "replace").strip()))
    if done.returncode or len(done.stdout) > _MOST_ANSWER:
        return None
    return done.stdout
