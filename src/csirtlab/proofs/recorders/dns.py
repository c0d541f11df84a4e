"""Records DNS: the C library and dig ask a site's BIND, which asks a provider's BIND, which asks the names' own.

What passes between them is seen by dumpcap. Source: RFC 1035 (messages), RFC 6891 (EDNS), RFC 7873 (cookies).
"""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from csirtlab.proofs.recorders.stage import ensure_own_namespaces, ensure_programs
from csirtlab.proofs.tshark import Frame, see

_SITE, _PROVIDER, _AUTHORITY = "127.0.0.11", "127.0.0.12", "127.0.0.13"
_OWN, _WORLD = "oficina.test", "mundo.example"
_ZONE = """\
$TTL 900
@ IN SOA ns1.{zone}. hostmaster.{zone}. 2026010101 7200 3600 1209600 900
@ IN NS ns1.{zone}.
@ IN MX 10 correo.{zone}.
ns1 IN A 198.51.100.53
www IN A 198.51.100.80
portal IN CNAME www.{zone}.
nota IN TXT "v=1 palta con sal"
bruto IN TYPE10 \\# 4 7A6F727A
"""
_SETTINGS = """\
options {{
  directory "{folder}"; pid-file none; session-keyfile none; listen-on port 53 {{ {address}; }};
  listen-on-v6 {{ none; }}; query-source address {address}; allow-query {{ any; }};
  dnssec-validation no; empty-zones-enable no; {more}
}};
controls {{ }};
"""
_BY_LIBRARY = (f"www.{_WORLD}", f"nadie.{_WORLD}", f"www.{_OWN}", f"nadie.{_OWN}")
_BY_DIG = (
    (f"www.{_WORLD}", "AAAA"), (f"www.{_OWN}", "AAAA"), (f"nota.{_WORLD}", "TXT"), (_WORLD, "MX"),
    (f"portal.{_WORLD}", "CNAME"), (f"bruto.{_WORLD}", "TYPE10"),
)  # fmt: skip
_FIELDS = ("ip.src", "ip.dst", "dns.id", "dns.qry.name", "dns.qry.type", "dns.flags.response", "udp.payload")


def record() -> dict[str, dict[str, object]]:
    """Return the recordings by name. To be run as root in a network and mount namespace of its own.

    Raises:
        SetupError: A program is missing; the message names its package.
    """
    ensure_own_namespaces("dns")
    ensure_programs(("named", "dig", "getent", "dumpcap"), "bind9, bind9-dnsutils and tshark")
    with tempfile.TemporaryDirectory() as aside, ExitStack() as running:
        folder = Path(aside)
        for address, more, zone in (
            (_AUTHORITY, "recursion no;", _WORLD),
            (_PROVIDER, f"forward only; forwarders {{ {_AUTHORITY}; }};", ""),
            (_SITE, f"forward only; forwarders {{ {_PROVIDER}; }};", _OWN),
        ):
            subprocess.run(["ip", "address", "add", f"{address}/8", "dev", "lo"], check=True)
            running.enter_context(_named(folder / address, address, more, zone))
        settings = folder / "resolv.conf"
        settings.write_text(f"nameserver {_SITE}\n")
        subprocess.run(["mount", "--bind", str(settings), "/etc/resolv.conf"], check=True)
        with _watched(folder / "seen.pcap"):
            for name in _BY_LIBRARY:
                subprocess.run(["getent", "ahosts", name], stdout=subprocess.DEVNULL, check=False)
            for name, kind in _BY_DIG:
                plain = ["+noedns", "+nocookie", "+noadflag", f"@{_SITE}", name, kind]
                subprocess.run(["dig", *plain], stdout=subprocess.DEVNULL, check=True)
        exchanges = list(_exchanges(see(folder / "seen.pcap", _FIELDS, "dns && !icmp")))
    version = subprocess.run(["named", "-v"], capture_output=True, text=True, check=True).stdout.split()[1]
    software = f"the C library and dig to BIND {version}, BIND to BIND"
    return {"dns-messages": {"protocol": "DNS", "software": software, "exchanges": exchanges}}


@contextmanager
def _named(folder: Path, address: str, more: str, zone: str) -> Iterator[None]:
    folder.mkdir()
    text = _SETTINGS.format(folder=folder, address=address, more=more)
    if zone:
        (folder / "zone").write_text(_ZONE.format(zone=zone))
        text += f'zone "{zone}" {{ type primary; file "{folder}/zone"; }};\n'
    (folder / "named.conf").write_text(text)
    server = subprocess.Popen(["named", "-f", "-g", "-c", str(folder / "named.conf")], stderr=subprocess.DEVNULL)
    try:
        time.sleep(1)  # it has read its zone
        yield
    finally:
        server.terminate()
        server.wait()


@contextmanager
def _watched(capture: Path) -> Iterator[None]:
    words = ["dumpcap", "-q", "-P", "-i", "lo", "-w", str(capture)]
    dumpcap = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    assert dumpcap.stderr
    next(line for line in dumpcap.stderr if line.startswith("File:"))
    try:
        yield
        time.sleep(2)  # it writes what it has seen
    finally:
        dumpcap.terminate()
        dumpcap.wait()


def _exchanges(frames: list[Frame]) -> Iterator[dict[str, object]]:
    """Yield each question to the site's or the provider's server, with its answer."""
    open_questions: dict[tuple[str, ...], Frame] = {}
    for frame in frames:
        about = (frame["dns.id"], frame["dns.qry.name"], frame["dns.qry.type"])
        if frame["dns.flags.response"] not in ("1", "True"):
            open_questions[frame["ip.src"], frame["ip.dst"], *about] = frame
            continue
        asked = open_questions.pop((frame["ip.dst"], frame["ip.src"], *about))
        if frame["ip.src"] == _AUTHORITY:
            continue
        yield {
            "asks": "BIND" if frame["ip.dst"] == _SITE else "the C library or dig",
            "own": frame["dns.qry.name"].endswith(_OWN),
            "name": frame["dns.qry.name"],
            "kind": int(frame["dns.qry.type"]),
            "question": asked["udp.payload"].replace(":", ""),
            "answer": frame["udp.payload"].replace(":", ""),
        }
