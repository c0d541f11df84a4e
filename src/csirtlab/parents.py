"""What a process does first that another one started: give up rights, and end with its parent."""

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def end_with(parent: int, blow: signal.Signals = signal.SIGKILL) -> None:
    """Let ``blow`` end this process when its parent ends, of which ``parent`` is the process id.

    Call it after a change of uid, which clears it. It is the parent's thread that counts: the one that
    started this process must outlive it.

    Source: prctl(2), PR_SET_PDEATHSIG.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, blow, 0, 0, 0)
    if os.getppid() != parent:  # it ended before the line above
        os._exit(1)


def drop_rights(uid: int, group: int) -> None:
    """Become ``uid`` for good, with ``group`` beside its own, if there is one to become (not negative)."""
    if uid >= 0:
        os.setgroups([group])
        os.setgid(uid)
        os.setuid(uid)
    os.umask(0o077)
