"""The system calls that no submission and no server may make, as a filter for bubblewrap, compiled by libseccomp.

Everything else is allowed: the walls are namespaces, and this is the second line behind them. What is
refused either reaches far into the kernel, or leaves something behind after all processes are gone.
"""

import ctypes
import errno
import os
from typing import BinaryIO

from csirtlab.errors import SetupError

_LIBRARY = "libseccomp.so.2"
_ALLOW = 0x7FFF0000  # linux/seccomp.h: SECCOMP_RET_ALLOW
_ERRNO = 0x00050000  # SECCOMP_RET_ERRNO
_UNKNOWN_CALL = -1  # libseccomp: __NR_SCMP_ERROR
_NEW_USER = 0x10000000  # linux/sched.h: CLONE_NEWUSER
_MASKED_EQUAL = 7  # libseccomp: SCMP_CMP_MASKED_EQ
_GREATER = 6  # libseccomp: SCMP_CMP_GT
_EQUAL = 4  # libseccomp: SCMP_CMP_EQ
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C  # asm-generic/ioctls.h
_AF_NETLINK, _AF_INET6 = 16, 10

REFUSED = (
    # Other processes' memory and descriptors.
    "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp", "process_madvise",
    # New namespaces and mounts, beside those of ``NESTING``.
    "setns", "open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr",
    # The kernel itself.
    "bpf", "perf_event_open", "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module",
    "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register", "open_by_handle_at", "name_to_handle_at",
    "iopl", "ioperm", "swapon", "swapoff", "reboot", "acct", "quotactl", "syslog", "personality", "vhangup",
    "fanotify_init", "lookup_dcookie", "modify_ldt", "vmsplice",
    # What would outlive a submission: keys, System V and POSIX queues, segments, semaphores.
    "add_key", "request_key", "keyctl", "shmget", "shmat", "msgget", "semget", "mq_open",
    # Memory that no limit counts.
    "memfd_create", "memfd_secret",
)  # fmt: skip


NESTING = ("unshare", "mount", "umount2", "pivot_root", "chroot")
"""What bubblewrap itself needs to build walls within walls."""


class _Comparison(ctypes.Structure):
    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    )


def write_filter(file: BinaryIO, *, may_nest: bool = False) -> None:
    """Write the filter for this machine's processor into ``file``, as bubblewrap reads it.

    ``may_nest`` leaves what is needed to build walls inside: a cohort's server starts the box.

    Raises:
        SetupError: libseccomp is missing or refuses a rule.
    """
    try:
        library = ctypes.CDLL(_LIBRARY)
    except OSError:
        raise SetupError(f"{_LIBRARY} is missing. Install it: apt-get install libseccomp2.") from None
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = [ctypes.c_uint32]
    library.seccomp_syscall_resolve_name.argtypes = [ctypes.c_char_p]
    library.seccomp_rule_add_array.argtypes = [
        ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.POINTER(_Comparison),
    ]  # fmt: skip
    library.seccomp_export_bpf.argtypes = [ctypes.c_void_p, ctypes.c_int]
    library.seccomp_release.argtypes = [ctypes.c_void_p]
    rules = library.seccomp_init(_ALLOW)
    if not rules:
        raise SetupError(f"{_LIBRARY} cannot start a filter. Is it damaged? Reinstall libseccomp2.")
    try:
        for name in REFUSED if may_nest else (*REFUSED, *NESTING):
            _refuse(library, rules, name, errno.EPERM)
        if not may_nest:
            # glibc falls back to clone, whose flags a filter can read, when clone3 does not exist.
            _refuse(library, rules, "clone3", errno.ENOSYS)
            _refuse(library, rules, "clone", errno.EPERM, _Comparison(0, _MASKED_EQUAL, _NEW_USER, _NEW_USER))
        for request in (_TIOCSTI, _TIOCLINUX):
            _refuse(library, rules, "ioctl", errno.EPERM, _Comparison(1, _MASKED_EQUAL, 0xFFFFFFFF, request))
        # Only the families that Python, tshark and scapy's tables use: unix, inet, inet6, netlink.
        _refuse(library, rules, "socket", errno.EAFNOSUPPORT, _Comparison(0, _GREATER, _AF_NETLINK, 0))
        for family in {*range(3, _AF_NETLINK)} - {_AF_INET6}:
            _refuse(library, rules, "socket", errno.EAFNOSUPPORT, _Comparison(0, _EQUAL, family, 0))
        file.flush()
        if library.seccomp_export_bpf(rules, file.fileno()) != 0:
            raise SetupError(f"{_LIBRARY} cannot write the filter. Is the disk full?")
        file.seek(0, os.SEEK_SET)
    finally:
        library.seccomp_release(rules)


def _refuse(library: ctypes.CDLL, rules: int, name: str, error: int, *when: _Comparison) -> None:
    number = library.seccomp_syscall_resolve_name(name.encode())
    if number == _UNKNOWN_CALL:
        return  # this libseccomp is older than the call
    comparisons = (_Comparison * len(when))(*when)
    if library.seccomp_rule_add_array(rules, _ERRNO | error, number, len(when), comparisons) != 0:
        raise SetupError(f"{_LIBRARY} refuses the rule for {name}. Install a newer libseccomp2.")
