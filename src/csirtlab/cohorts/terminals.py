"""A terminal that is shared with others' programs: they may write to it, and not type into it."""

import ctypes
import errno

from csirtlab.errors import SetupError

_LIBRARY = "libseccomp.so.2"
_ALLOW = 0x7FFF0000  # linux/seccomp.h: SECCOMP_RET_ALLOW
_REFUSE = 0x00050000 | errno.EPERM  # SECCOMP_RET_ERRNO
_NO_NEW_PRIVILEGES = 3  # libseccomp: SCMP_FLTATR_CTL_NNP
_MASKED_EQUAL = 7  # libseccomp: SCMP_CMP_MASKED_EQ
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C  # asm-generic/ioctls.h


class _Comparison(ctypes.Structure):
    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    )


def refuse_typing() -> None:
    """Let neither this process nor any that it starts put characters into a terminal's input; for good.

    Whoever started it would find them at their prompt: a program of an instructor's that root runs, even under
    another uid, could so give root's shell commands. For root: without its rights, others could no longer be gained.

    Raises:
        SetupError: libseccomp is missing, or the kernel takes no filter.

    Source: ioctl_tty(2), TIOCSTI; Linux 6.2 and later can forbid it for all (dev.tty.legacy_tiocsti).
    """
    try:
        library = ctypes.CDLL(_LIBRARY)
    except OSError:
        raise SetupError(f"{_LIBRARY} is missing. Install it: apt-get install libseccomp2.") from None
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = [ctypes.c_uint32]
    library.seccomp_attr_set.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32]
    library.seccomp_syscall_resolve_name.argtypes = [ctypes.c_char_p]
    library.seccomp_rule_add_array.argtypes = [
        ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.POINTER(_Comparison),
    ]  # fmt: skip
    library.seccomp_load.argtypes = library.seccomp_release.argtypes = [ctypes.c_void_p]
    rules = library.seccomp_init(_ALLOW)
    if not rules:
        raise SetupError(f"{_LIBRARY} cannot start a filter. Is it damaged? Reinstall libseccomp2.")
    try:
        number = library.seccomp_syscall_resolve_name(b"ioctl")
        failed = library.seccomp_attr_set(rules, _NO_NEW_PRIVILEGES, 0)
        for request in (_TIOCSTI, _TIOCLINUX):
            when = _Comparison(1, _MASKED_EQUAL, 0xFFFFFFFF, request)
            failed = failed or library.seccomp_rule_add_array(rules, _REFUSE, number, 1, ctypes.byref(when))
        if failed or library.seccomp_load(rules) != 0:
            raise SetupError("the kernel takes no filter of system calls. Run this as the cohort's own user instead.")
    finally:
        library.seccomp_release(rules)
