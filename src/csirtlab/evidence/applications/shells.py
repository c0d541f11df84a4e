"""What a web server prints when somebody runs orders on it: invented, of the shape that the real programs give it."""

from random import Random

from csirtlab.evidence.model import Host
from csirtlab.evidence.sampling import pick, whole

_PROGRAMS = ("chfn", "chsh", "gpasswd", "mount", "newgrp", "passwd", "su", "sudo", "umount")
_USERS = ("admin", "web", "soporte", "respaldo", "deploy", "informatica")
_ACCOUNTS = (
    "root:x:0:0:root:/root:/bin/bash", "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin",
    "bin:x:2:2:bin:/bin:/usr/sbin/nologin", "sys:x:3:3:sys:/dev:/usr/sbin/nologin",
    "sync:x:4:65534:sync:/bin:/bin/sync", "man:x:6:12:man:/var/cache/man:/usr/sbin/nologin",
    "mail:x:8:8:mail:/var/mail:/usr/sbin/nologin", "www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin",
    "backup:x:34:34:backup:/var/backups:/usr/sbin/nologin",
    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin",
    "sshd:x:101:65534::/run/sshd:/usr/sbin/nologin",
)  # fmt: skip


def output_of(rng: Random, order: str, server: Host) -> bytes:
    """Return what ``order`` prints on ``server`` for www-data."""
    name = server.name.lower()
    program = order.split(maxsplit=1)[0]
    if order in ("id", "whoami", "hostname", "pwd"):
        text = {
            "id": "uid=33(www-data) gid=33(www-data) groups=33(www-data)",
            "whoami": "www-data", "hostname": name, "pwd": "/var/www/html/uploads",
        }[order]  # fmt: skip
        return f"{text}\n".encode()
    if order.endswith("config.php"):
        return _configuration(rng).encode()
    writers = {
        "uname": _system, "ls": _listing, "cat": _accounts, "ps": _processes, "ip": _interfaces, "netstat": _listening,
        "df": _disks, "crontab": lambda *_: "no crontab for www-data\n", "env": _environment, "find": _found,
    }  # fmt: skip
    if program not in writers:
        return f"sh: 1: {program}: not found\n".encode()
    return writers[program](rng, server).encode()


def _system(rng: Random, server: Host) -> str:
    release = f"6.1.0-{whole(rng, 21, 40)}-amd64"
    built = f"(2025-{whole(rng, 1, 9):02}-{whole(rng, 1, 28):02})"
    build = f"#1 SMP PREEMPT_DYNAMIC Debian 6.1.{whole(rng, 90, 150)}-1 {built}"
    return f"Linux {server.name.lower()} {release} {build} x86_64 GNU/Linux\n"


def _listing(rng: Random, _: Host) -> str:
    names = [
        pick(rng, ("html", "datos", "sitio", "old")),
        *(f"{pick(rng, _USERS)}{whole(rng, 1, 9)}" for _ in range(3)),
    ]
    owner = pick(rng, ("root", "www-data"))
    lines = [
        f"drwxr-xr-x  {whole(rng, 2, 9)} {owner} {owner} 4096 {_day(rng)} {entry}" for entry in (".", "..", *names)
    ]
    return "\n".join((f"total {4 * len(lines)}", *lines, ""))


def _day(rng: Random) -> str:
    day = f"{pick(rng, ('Jan', 'Mar', 'Jun', 'Aug', 'Nov'))} {whole(rng, 1, 28):2}"
    return f"{day} {whole(rng, 6, 20):02}:{whole(rng, 0, 59):02}"


def _accounts(rng: Random, _: Host) -> str:
    people = [f"{pick(rng, _USERS)}{number}:x:{1000 + number}:{1000 + number}::/home/{number}:/bin/bash"
              for number in range(whole(rng, 1, 4))]  # fmt: skip
    return "\n".join((*_ACCOUNTS, *people, ""))


def _configuration(rng: Random) -> str:
    return (
        f"<?php\n$base = 'sitio';\n$servidor = '127.0.0.1';\n$usuario = 'sitio{whole(rng, 1, 99)}';\n"
        f"$clave = 'ejemplo-{whole(rng, 1000, 9999)}';\n"
    )


def _processes(rng: Random, _: Host) -> str:
    lines = ["USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND"]
    number = 1
    for user, command in (
        ("root", "/sbin/init"), ("root", "/usr/sbin/cron -f"), ("root", "sshd: /usr/sbin/sshd -D"),
        ("root", "nginx: master process /usr/sbin/nginx"), ("www-data", "nginx: worker process"),
        ("root", "php-fpm: master process (/etc/php/8.2/fpm/php-fpm.conf)"), ("www-data", "php-fpm: pool www"),
        ("mysql", "/usr/sbin/mariadbd"), ("www-data", "ps aux"),
    ):  # fmt: skip
        size = whole(rng, 4000, 240_000)
        lines.append(
            f"{user:<8} {number:>7}  0.{whole(rng, 0, 9)}  {whole(rng, 0, 4)}.{whole(rng, 0, 9)} "
            f"{size:>6} {size // 4:>5} "
            f"?        Ss   {whole(rng, 6, 12):02}:{whole(rng, 0, 59):02}   0:{whole(rng, 0, 59):02} {command}"
        )
        number += whole(rng, 80, 400)
    return "\n".join((*lines, ""))


def _interfaces(_: Random, server: Host) -> str:
    mac = server.mac.hex(":")
    broadcast = server.address.rsplit(".", 1)[0] + ".255"
    return (
        "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000\n"
        "    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n    inet 127.0.0.1/8 scope host lo\n"
        "       valid_lft forever preferred_lft forever\n"
        "2: ens192: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq state UP group default qlen 1000\n"
        f"    link/ether {mac} brd ff:ff:ff:ff:ff:ff\n"
        f"    inet {server.address}/24 brd {broadcast} scope global ens192\n"
        "       valid_lft forever preferred_lft forever\n"
    )


def _listening(rng: Random, _: Host) -> str:
    lines = [
        "Active Internet connections (only servers)",
        "Proto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name    ",
    ]
    for place in ("0.0.0.0:80", "0.0.0.0:22", "127.0.0.1:3306", f"127.0.0.1:{whole(rng, 8001, 8999)}"):
        lines.append(f"tcp        0      0 {place:<23} 0.0.0.0:*               LISTEN      -                   ")
    return "\n".join((*lines, ""))


def _disks(rng: Random, _: Host) -> str:
    lines = ["Filesystem      Size  Used Avail Use% Mounted on"]
    for device, place in (("udev", "/dev"), ("/dev/sda1", "/"), ("/dev/sda2", "/var"), ("tmpfs", "/tmp")):  # noqa: S108  # a listing
        size = whole(rng, 20, 90)
        used = whole(rng, 1, size - 2)
        lines.append(f"{device:<15} {size:>3}G  {used:>3}G  {size - used:>3}G {100 * used // size:>3}% {place}")
    return "\n".join((*lines, ""))


def _environment(rng: Random, _: Host) -> str:
    return (
        "USER=www-data\nHOME=/var/www\nPWD=/var/www/html/uploads\nSHLVL=0\n"
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
        f"SITIO_VERSION={whole(rng, 2, 9)}.{whole(rng, 0, 30)}\n"
    )


def _found(rng: Random, _: Host) -> str:
    lines = [f"/usr/bin/{program}" for program in _PROGRAMS[: whole(rng, 5, len(_PROGRAMS))]]
    return "\n".join((*lines, "/usr/lib/dbus-1.0/dbus-daemon-launch-helper", "/usr/lib/openssh/ssh-keysign", ""))
