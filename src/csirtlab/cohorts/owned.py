"""Work in folders whose owners run programs there: done under their uid, in a child, and never as root.

A cohort's folder belongs to its server, where instructors do as they like: what is a file today can be a link to
``/etc/shadow`` tomorrow, ``nbgrader_config.py`` can be any program, and a named pipe can wait for ever.
"""

import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from csirtlab.cohorts.store import SERVICE_UID
from csirtlab.cohorts.terminals import refuse_typing
from csirtlab.errors import CohortError, CsirtlabError
from csirtlab.parents import end_with

T = TypeVar("T")

SECONDS = 300.0
MOST_ANSWER_B = 256 << 20
KEPT_VARIABLES = ("CSIRTLAB_CONTENT", "LANG", "LC_ALL", "PATH", "PYTHONWARNINGS", "TMPDIR", "TZ")
"""Of root's environment: the others may hold a database's password."""
SECRET_VARIABLES = ("CSIRTLAB_DATABASE_URL", "CSIRTLAB_HUB_DATABASE_URL")


def as_owner(folder: Path, uid: int, work: Callable[[], T], *, seconds: float = SECONDS) -> T:
    """Return what ``work`` returns, run in ``folder`` as its owner's ``uid``; bytes, or what JSON can say.

    Without root's rights there is nothing to give up, and it is simply called. As root it runs in a child that
    has no terminal, no open file and no secret of this process; what it changes in memory is lost.

    Raises:
        CohortError: It failed, did not end, or the owner may not do this there.
    """
    if os.geteuid() != 0:
        return work()
    if uid < SERVICE_UID:
        raise CohortError(f"{folder}: uid {uid} is no account's, which begin at {SERVICE_UID}. Restore a backup.")
    parent, (reading, writing) = os.getpid(), os.pipe()
    child = os.fork()
    if child == 0:
        _be_owner_and_end(folder, uid, work, writing, parent)
    os.close(writing)
    try:
        answer = _read_all(reading, seconds)
    finally:
        os.close(reading)
        _end(child)
    return _unpacked(folder, answer)  # type: ignore[no-any-return]  # what ``work`` returned, by way of the pipe


def become_owner(folder: Path) -> None:
    """As root, go on for good as the account that owns a folder, so that its server can change all that is made.

    The terminal stays, for progress and questions; into its input nobody can type, and of root's environment no
    secret is left for what runs there.
    """
    owner = folder.stat()
    if os.geteuid() != 0 or owner.st_uid == 0:
        return
    refuse_typing()
    os.setgroups([])
    os.setresgid(owner.st_gid, owner.st_gid, owner.st_gid)
    os.setresuid(owner.st_uid, owner.st_uid, owner.st_uid)
    for secret in SECRET_VARIABLES:
        os.environ.pop(secret, None)
    os.environ["HOME"] = str(folder)
    os.environ["JUPYTER_CONFIG_DIR"] = str(folder / ".jupyter")
    os.chdir(folder)


def _be_owner_and_end(folder: Path, uid: int, work: Callable[[], Any], writing: int, parent: int) -> NoReturn:
    """Be the child: nothing in here returns to the parent's code."""
    code = 1
    try:
        os.setsid()  # no terminal: characters could be typed into root's
        _close_all_but(writing)
        os.umask(0o077)
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        end_with(parent)
        kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        os.environ.clear()
        programs = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', os.defpath)}"  # nbgrader calls alembic
        os.environ.update(kept, PATH=programs, HOME=str(folder), JUPYTER_CONFIG_DIR=str(folder / ".jupyter"))
        _write_all(writing, _packed(folder, work))
        code = 0
    finally:
        os._exit(code)


def _close_all_but(kept: int) -> None:
    """Close everything that root has open; the three standard streams become nothing."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nothing, number)
    for number in [int(path.name) for path in Path("/proc/self/fd").iterdir()]:
        if number > 2 and number != kept:
            try:
                os.close(number)
            except OSError:
                continue  # the one that listed them


def _packed(folder: Path, work: Callable[[], Any]) -> bytes:
    try:
        os.chdir(folder)
        done = work()
        return b"b" + done if isinstance(done, bytes) else b"j" + json.dumps(done).encode()
    except (CsirtlabError, OSError) as error:
        return b"e" + str(error).encode(errors="replace")
    except BaseException as error:
        return b"e" + repr(error).encode(errors="replace")


def _unpacked(folder: Path, answer: bytes) -> Any:
    kind, said = answer[:1], answer[1:]
    if kind == b"b":
        return said
    if kind == b"j":
        return json.loads(said)
    reason = said.decode(errors="replace")[:2000] if kind == b"e" else "it ended without an answer"
    raise CohortError(
        f"{folder}: this is done as the folder's owner, who may not, or something else stands in the way: {reason}. "
        "Look at what is there (ls -la), move it aside, and try again."
    )


def _read_all(reading: int, seconds: float) -> bytes:
    answer, deadline = bytearray(), time.monotonic() + seconds
    while select.select([reading], [], [], max(0.0, deadline - time.monotonic()))[0]:
        piece = os.read(reading, 1 << 20)
        if not piece:
            return bytes(answer)
        answer += piece
        if len(answer) > MOST_ANSWER_B:
            return b"e" + f"it answered with more than {MOST_ANSWER_B >> 20} MiB".encode()
    return b"e" + f"it did not end within {seconds:.0f} s".encode()


def _write_all(writing: int, answer: bytes) -> None:
    left = memoryview(answer)
    while left:
        left = left[os.write(writing, left) :]


def _end(child: int) -> None:
    """Kill the child, and what it started in its session, and wait for it."""
    for kill in (os.killpg, os.kill):
        try:
            kill(child, signal.SIGKILL)
        except ProcessLookupError:  # it ended; or it has no session of its own yet
            continue
    os.waitpid(child, 0)
