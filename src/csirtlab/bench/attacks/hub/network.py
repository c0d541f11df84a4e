"""From inside ana's walls, in her server's own process: whatever else there is to connect to, to look at, or to hold."""

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from csirtlab.bench.attacks.siege import raw
from csirtlab.bench.attacks.siege.attacks import attack, slow_attack
from csirtlab.bench.attacks.siege.ground import LAB, Siege

REACHES = """
def reaches(address, kind=socket.AF_INET, form=socket.SOCK_STREAM):
    try:
        with socket.socket(kind, form) as out:
            out.settimeout(2)
            out.connect(address)
            if form == socket.SOCK_DGRAM:
                out.send(b"\\0\\1\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\1a\\0\\0\\1\\0\\1")
                out.recv(1)
            return kind == socket.AF_UNIX or out.getsockname() != out.getpeername()  # not by chance to oneself
    except OSError:
        return False
"""
RELAYED = ("/hub/api/", "/services/workshop/exchange/")
MOST_HEADER_B = 200_000
SLOW, PATIENCE_S = 300, 10.0


def reached(siege: Siege, code: str) -> list[str]:
    """Run code inside that tells what was reached; return each as a harm."""
    return [f"ana reaches {each}" for each in siege.hostile.runs(REACHES + code)]


@attack
def ports_of_loopback(siege: Siege) -> list[str]:
    """Connect to the hub's public port, to the witness, and to all 65,535 ports of 127.0.0.1 inside.

    There is nothing but what her own server listens at.
    """
    return reached(
        siege,
        f"""
own = {{int(line.split()[1].split(":")[1], 16) for line in open("/proc/net/tcp").readlines()[1:] if line.split()[3] == "0A"}}
named = [("127.0.0.1", {siege.port}), ("127.0.0.1", {siege.witness.port}), ("localhost", {siege.port}), ("127.1.2.3", {siege.port}), ("0.0.0.0", {siege.port})]
tell([str(each) for each in named if each[1] not in own and reaches(each)]
     + [f"port {{port}}" for port in range(1, 65536) if port not in own and reaches(("127.0.0.1", port))])
""",
    )


@attack
def other_networks(siege: Siege) -> list[str]:
    """Connect to the machine's other addresses, name servers, the cloud's metadata, and by IPv6.

    There is no way to any of them.
    """
    addresses = _addresses()
    return reached(
        siege,
        f"""
found = [str(each) for each in {[(address, siege.port) for address in addresses]!r} if reaches(each)]
for host in ("1.1.1.1", "169.254.169.254", "10.0.0.1", "192.168.0.1", "255.255.255.255"):
    found += [host for port in (53, 80, 443) if reaches((host, port))]
    found += [f"{{host}} by UDP" for _ in "1" if reaches((host, 53), form=socket.SOCK_DGRAM)]
for host in ("::1", "::ffff:127.0.0.1", "fe80::1%lo", "2606:4700:4700::1111", "ff02::1"):
    found += [host for port in ({siege.port}, 53, 80) if reaches((host, port), socket.AF_INET6)]
with contextlib.suppress(OSError):
    found.append(socket.getaddrinfo("example.org", 80)[0][4][0])
tell(found + [name for _, name in socket.if_nameindex() if name != "lo"])
""",
    )


def _addresses() -> list[str]:
    """Return the machine's own addresses but loopback's."""
    import socket

    return sorted(
        {str(each[4][0]) for each in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
        - {"127.0.0.1", "127.0.1.1"}
    )


@attack
def sockets_of_others(siege: Siege) -> list[str]:
    """Connect to the sockets of hub, gate, relay, workshop and bia's server, by their paths and round about.

    They do not exist inside.
    """
    sockets = siege.sockets
    paths = [
        sockets.hub,
        sockets.workshop,
        sockets.gate,
        sockets.relay,
        sockets.server("eva"),
        sockets.server("grade-demo"),
        sockets.inner,
    ]
    tried = [str(path) for path in paths]
    tried += [f"/run/csirtlab/../{path.relative_to(sockets.root)}" for path in paths]
    tried += (
        [f"/proc/self/cwd{path}" for path in paths]
        + [f"/proc/1/root{path}" for path in paths]
        + ["/run/docker.sock", "/run/dbus/system_bus_socket"]
    )
    return reached(
        siege,
        f"tell([path for path in {tried!r} if reaches(path, socket.AF_UNIX)] + [n for n in os.listdir('/run/csirtlab') if n != 'hub.sock'])",
    )


@attack
def abstract_sockets(siege: Siege) -> list[str]:
    """Connect to a socket without a path that the machine listens at, and list those that there are.

    None is seen, none is reached.
    """
    import secrets
    import socket

    name = f"csirtlab-siege-{secrets.token_hex(4)}"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("\0" + name)
        listening.listen()
        return reached(
            siege,
            f"""
listed = [line.split()[-1] for line in open("/proc/net/unix").readlines()[1:] if "@" in line]
tell([name for name in listed if {name!r} in name] + [{name!r} for _ in "1" if reaches("\\0" + {name!r}, socket.AF_UNIX)])
""",
        )


@attack
def sockets_of_other_families(siege: Siege) -> list[str]:
    """Open packet, raw, vsock, Bluetooth, CAN, key and every other family of sockets; ask the kernel by netlink.

    What could listen to others or leave the machine cannot be opened, and netlink changes nothing.
    """
    return reached(
        siege,
        """
opened = []
for family in range(3, 46):
    for form in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
        with contextlib.suppress(OSError):
            socket.socket(family, form).close()
            opened.append(f"family {family}")
for family in (socket.AF_INET, socket.AF_INET6):
    for protocol in (1, 6, 17, 58, 255):
        with contextlib.suppress(OSError):
            socket.socket(family, socket.SOCK_RAW, protocol).close()
            opened.append(f"raw {family} {protocol}")
with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as netlink:  # RTM_NEWLINK: a new interface
    netlink.settimeout(2)
    netlink.send(struct.pack("=IHHII BxHiII", 32, 16, 0x605, 1, 0, 0, 1, 0, 1, 1))
    code = struct.unpack_from("=i", netlink.recv(4096), 16)[0]
    opened += ["an interface of her own making"] * (code == 0)
tell(sorted(set(opened) - {"family 10", "family 16"}))  # IPv6 and netlink: Python and tshark use them
""",
    )


@attack
def processes_and_roots(siege: Siege) -> list[str]:
    """Look through /proc for processes of others, for another root, for memory, and kill whatever there is.

    There is her own alone, and no other root.
    """
    marks = [str(siege.root), "jupyterhub", "nginx", "csirtlab.gate", "csirtlab.web"]
    return reached(
        siege,
        f"""
found = []
for pid in filter(str.isdigit, os.listdir("/proc")):
    with contextlib.suppress(OSError):
        line = Path(f"/proc/{{pid}}/cmdline").read_bytes().decode(errors="replace").split("--")[-1]
        found += [f"process {{pid}}: {{line[:60]}}" for mark in {marks!r}[1:] if mark in line]
    with contextlib.suppress(OSError):
        found += [f"/proc/{{pid}}/root" for _ in "1" if os.path.lexists(f"/proc/{{pid}}/root" + {str(siege.root / "homes")!r})]
    with contextlib.suppress(OSError):
        found += [f"memory of {{pid}}" for _ in "1" if int(pid) == 1 and open(f"/proc/{{pid}}/mem", "r+b").read(1)]
for path in ({str(siege.root)!r}, "/root", "/etc/shadow", "/proc/sys/kernel/core_pattern", "/sys/kernel", "/dev/sda", "/dev/mem", "/dev/kvm"):
    with contextlib.suppress(OSError):
        found += [path for _ in "1" if (os.listdir(path) if os.path.isdir(path) else open(path, "r+b"))]
for call in (lambda: os.kill(-1, 0), lambda: os.setns(os.open("/proc/1/ns/net", os.O_RDONLY), 0) if hasattr(os, "setns") else (_ for _ in ()).throw(OSError())):
    with contextlib.suppress(OSError, ProcessLookupError):
        call()
tell(found)
""",
    )


@attack
def inherited_descriptors(siege: Siege) -> list[str]:
    """Read, alter and reopen what her server was handed at its start: standard streams, the listening socket, the rest.

    It is her own log and her own socket, and neither tells or changes anything of others.
    """
    log = siege.home.log / "hub.log"
    before, mark = log.read_bytes(), f"forged-{time.monotonic_ns()}"
    told = siege.hostile.runs(f"""
import fcntl
read = []
for number in sorted(map(int, os.listdir("/proc/self/fd"))):
    with contextlib.suppress(OSError):
        if stat.S_ISREG(os.fstat(number).st_mode):
            read.append(os.readlink(f"/proc/self/fd/{{number}}"))
            with contextlib.suppress(OSError):
                read.append(open(f"/proc/self/fd/{{number}}", errors="replace").read()[:20000])
            with contextlib.suppress(OSError):
                os.write(number, {mark.encode()!r})
            with contextlib.suppress(OSError):
                fcntl.fcntl(number, fcntl.F_SETFL, os.O_WRONLY)
                os.pwrite(number, {mark.encode()!r}, 0)
            with contextlib.suppress(OSError):
                fcntl.fcntl(number, fcntl.F_SETFL, os.O_WRONLY | os.O_APPEND)
                SHARED["cut"] = os.ftruncate(number, 64) if number > 2 or {str(siege.home.log)!r} not in os.readlink(f"/proc/self/fd/{{number}}") else 0
tell(read)
""")
    after = log.read_bytes()
    found = ["the hub's log can be read"] * any("/hub/api/users" in each or "JupyterHub app" in each for each in told)
    found += ["the hub's log can be written to"] * (mark.encode() in after)
    return found + ["the hub's log can be altered"] * (not after.startswith(before))


@attack
def listening_socket_elsewhere(siege: Siege) -> list[str]:
    """Use the listening socket for another end: connect it, bind it once more, ask who stands at its other ends.

    It accepts what comes to ana's server, and leads nowhere else.
    """
    return reached(
        siege,
        f"""
found = []
for path in ({str(siege.sockets.server("eva"))!r}, {str(siege.sockets.gate)!r}, here.getsockname(), "/run/csirtlab/hub.sock", "/run/csirtlab/x"):
    for name in ("connect", "bind"):
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(here.fileno())) as other:
            getattr(other, name)(path)
            found.append(f"{{path}} by {{name}}")
    with contextlib.suppress(OSError):
        found += [path for _ in "1" if reaches(path, socket.AF_UNIX) and path != "/run/csirtlab/hub.sock"]
with contextlib.suppress(OSError):
    found += [f"{{name}} beside the socket" for name in os.listdir(f"/proc/self/fd/{{here.fileno()}}/..")]
tell(found)
""",
    )


@attack
def forwarder_to_other_places(siege: Siege) -> list[str]:
    """Ask at the socket that leads out for sign-in, pages, others' tokens and servers, in every spelling.

    It offers the hub's words about oneself and the exchange, and refuses the rest.
    """
    places = (
        "/", "/hub/login", "/hub/home", "/hub/api/users", "/hub/api/users/bia", "/hub/api/users/ana/tokens", "/hub/api/users/bia/server",
        "/hub/api/shutdown", "/hub/api/proxy", "/hub/api/services", "/hub/api/groups", "/hub/api/info", "/hub/token", "/user/bia/api", "/user/ana/x",
        "/services/workshop/", "/services/workshop/enter", "/services/workshop/exchange", "/services/workshop/exchange/../", "/_gate", "/sessions",
        "/hub/api/users/x/../bia/activity", "/hub/api/users/bia%2ftokens%2factivity", "/hub/api/users/bia/tokens%3f/activity", "/hub/api/user/../users",
        "//hub/api/users", "/hub/api/user%2f..%2fusers", "/hub/api/users/bia/tokens#/activity", "/hub/api/users/bia/tokens;/activity", "/hub/api/oauth2/token/../authorize",
        "/services/workshop/exchange/..;/", "/services/workshop/exchange/%2e%2e/", "/services/workshop/exchange/\\..\\", "/hub/api/users/ana/activity/../tokens",
        f"http://{siege.host}/hub/login", "http://x/hub/api/users", "/HUB/API/users", "/hub/api/users/bia/activity%0a/tokens", "/hub/api/users/ANA/activity",
        "/hub/api/oauth2/authorize", "/hub/oauth_login", "/hub/static/../login", "/hub/api/users/ana/activity?x=/../tokens",
    )  # fmt: skip
    told = siege.hostile.runs(f"""
token, answers = os.environ["JUPYTERHUB_API_TOKEN"], []
for place in {places!r}:
    for method in ("GET", "POST"):
        got = send(f"{{method}} {{place}} HTTP/1.1\\r\\nHost: x\\r\\nAuthorization: token {{token}}\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n".encode())
        answers.append([method, place, got.split(b" ")[1].decode() if got else "", got.partition(b"\\r\\n\\r\\n")[2][:300].decode(errors="replace")])
tell(answers)
""")
    return [
        f"{method} {place} answers {code}: {body[:60]}" for method, place, code, body in told if code.startswith("2")
    ]


@attack
def forwarder_with_made_up_headers(siege: Siege) -> list[str]:
    """Say at the socket that leads out that one is irene: by cookies, addresses, users, the gate's headers, another token.

    The token alone says who asks, and it is ana's.
    """
    irene = siege.person("irene")
    headers = {"Cookie": irene.cookies("/hub/"), "X-Forwarded-User": "irene", "Remote-User": "irene", "X-Gate-Owner": "irene", "X-Gate-Cookie": irene.cookie("csirtlab-gate"),
               "X-Forwarded-For": "127.0.0.1", "Forwarded": "for=irene", "Referer": f"{siege.url}/hub/home", "X-XSRFToken": irene.xsrf()}  # fmt: skip
    told = siege.hostile.runs(f"""
lines = "".join(f"{{name}}: {{value}}\\r\\n" for name, value in {headers!r}.items())
found = []
for token in ("", "Authorization: token x\\r\\n", "Authorization: token " + os.environ["JUPYTERHUB_API_TOKEN"] + "\\r\\n"):
    for place in ("/hub/api/user", "/services/workshop/exchange/labs", "/services/workshop/exchange/cohorts/demo/labs/{LAB}/submissions"):
        got = send(f"GET {{place}} HTTP/1.1\\r\\nHost: x\\r\\n{{lines}}{{token}}Connection: close\\r\\n\\r\\n".encode())
        found.append([place, token[:20], got.partition(b"\\r\\n\\r\\n")[2].decode(errors="replace"), got[:12].decode()])
tell(found)
""")
    return [f"{place} says irene" for place, _, body, _ in told if '"irene"' in body] + [
        f"{place} opens without ana's token"
        for place, token, _, head in told
        if " 200" in head and token != "Authorization: token"[:20]
    ]


@slow_attack
def forwarder_smuggling(siege: Siege) -> list[str]:
    """Hide a request for another place in the body of one that is allowed, at the socket that leads out.

    Hub and service read one request where nginx read one.
    """
    inner = "GET /hub/api/users HTTP/1.1\r\nHost: x\r\nX-Marked: smuggled\r\n\r\n"
    told: Sequence[Any] = siege.hostile.runs(f"""
inner, token, answers = {inner!r}, os.environ["JUPYTERHUB_API_TOKEN"], []
chunked = "0\\r\\n\\r\\n" + inner
for place in ("/hub/api/oauth2/token", "/hub/api/users/ana/activity", "/services/workshop/exchange/cohorts/demo/labs/{LAB}/hints/x"):
    for lengths, body in (("Content-Length: %d\\r\\nTransfer-Encoding: chunked" % len(chunked), chunked), ("Transfer-Encoding: chunked\\r\\nTransfer-Encoding: x", chunked),
                          ("Transfer-Encoding: xchunked", chunked), ("Transfer-Encoding : chunked", chunked), ("Content-Length: 0", inner), ("Content-Length: 0\\r\\nContent-Length: %d" % len(inner), inner),
                          ("Transfer-Encoding: chunked", "5;\\n\\nGET\\r\\nhello\\r\\n0\\r\\n\\r\\n" + inner), ("Transfer-Encoding:\\x0bchunked", chunked), ("Transfer_Encoding: chunked\\r\\nContent-Length: 0", chunked),
                          ("Expect: 100-continue\\r\\nContent-Length: 0", inner), ("Upgrade: h2c\\r\\nContent-Length: 0", inner)):
        got = send(f"POST {{place}} HTTP/1.1\\r\\nHost: x\\r\\nAuthorization: token {{token}}\\r\\n{{lengths}}\\r\\n\\r\\n{{body}}".encode("latin-1"), patience=0.4)
        answers.append([place, lengths, got.count(b"HTTP/1.1 "), b'"kind": "user"' in got or b'"servers"' in got])
tell(answers)
""")
    return [f"{place} with {lengths!r} hands on a second request" for place, lengths, _, is_users in told if is_users]


@attack
def forwarder_with_giant_headers(siege: Siege) -> list[str]:
    """Send headers of hundreds of kilobytes, thousands of headers, and an endless line to the socket that leads out.

    They are refused, and everybody else goes on.
    """
    told = siege.hostile.runs(f"""
big = {MOST_HEADER_B}
tell([send(octets, patience=5)[:20].decode(errors="replace") for octets in (
    b"GET /hub/api/user HTTP/1.1\\r\\nHost: x\\r\\nX: " + b"a" * big + b"\\r\\nConnection: close\\r\\n\\r\\n",
    b"GET /hub/api/user HTTP/1.1\\r\\nHost: x\\r\\n" + b"X: y\\r\\n" * 60000 + b"Connection: close\\r\\n\\r\\n",
    b"GET /hub/api/" + b"a" * big + b" HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n",
    b"a" * big)])
""")
    found = [f"giant headers are answered: {head}" for head in told if head and " 4" not in head]
    began = time.monotonic()
    is_up = raw.status(siege.ask(siege.person("ben"), "/services/workshop/")) == 200
    return found + ["the workshop does not answer"] * (not is_up or time.monotonic() - began > PATIENCE_S)


@attack
def slow_requests_that_starve(siege: Siege) -> list[str]:
    """Hold hundreds of half-sent requests and unread answers open at the socket that leads out.

    Everybody else is answered meanwhile.
    """
    siege.hostile.runs(f"""
SHARED["slow"] = []
for number in range({SLOW}):
    out = socket.socket(socket.AF_UNIX)
    out.connect("/run/csirtlab/hub.sock")
    out.sendall([b"GET /hub/api/user HTTP/1.1\\r\\nHost: x\\r\\nX: ",
                 b"POST /services/workshop/exchange/cohorts/demo/labs/{LAB}/submissions HTTP/1.1\\r\\nHost: x\\r\\nAuthorization: token "
                 + os.environ["JUPYTERHUB_API_TOKEN"].encode() + b"\\r\\nContent-Length: 900000\\r\\n\\r\\nPK"][number % 2])
    SHARED["slow"].append(out)
""")
    try:
        began = time.monotonic()
        answers = [
            raw.status(siege.ask(siege.person("ben"), place))
            for place in ("/services/workshop/", "/hub/home", "/hub/api/user", "/user/ben/api")
        ]
        took = time.monotonic() - began
    finally:
        siege.hostile.runs('for each in SHARED.pop("slow"): each.close()')
    return [f"others wait: {answers} after {took:.0f} s"] * (took > PATIENCE_S or 200 not in answers[:1])


@attack
def links_and_sockets_in_a_home(siege: Siege) -> list[str]:
    """Put links to others' homes, databases and sockets into one's home, and sockets named as others' are.

    Whoever looks at the home from outside, or serves from it, meets nothing of others, and others are served as before.
    """
    home = siege.home.person("ana")
    others = [
        siege.home.person("eva"),
        siege.root / "csirtlab.sqlite",
        siege.home.hub / "cookie_secret",
        siege.sockets.gate,
        siege.sockets.server("eva"),
    ]
    marks = {path: (path.lstat().st_mode, path.lstat().st_uid) for path in others if path.exists()}
    read = siege.hostile.runs(f"""
read = []
for number, target in enumerate({[str(path) for path in others]!r}):
    link = Path.home() / f"link-{{number}}"
    link.unlink(missing_ok=True)
    link.symlink_to(target)
    with contextlib.suppress(OSError):
        read.append(f"{{target}}: {{os.listdir(link) if link.is_dir() else link.read_bytes()[:20]}}")
    with contextlib.suppress(OSError):
        out = socket.socket(socket.AF_UNIX); out.connect(str(link)); read.append(target)
for name in ("bia.sock", "hub.sock", "gate.sock"):
    with contextlib.suppress(OSError):
        listening = socket.socket(socket.AF_UNIX); listening.bind(str(Path.home() / name)); listening.listen()
for name in (b"\\xff\\xfe", b"a\\nb", b"-rf", b"$(id)", b"<b>", b"\\x1b[2J"):
    with contextlib.suppress(OSError):
        open(os.fsencode(Path.home()) + b"/" + name, "w").close()
tell(read)
""")
    siege.person("eva").start_server()
    changed = [
        path
        for path, mark in marks.items()
        if (path.lstat().st_mode, path.lstat().st_uid) != mark and path.suffix != ".sock"
    ]
    answer = siege.ask(siege.person("ana"), "/user/ana/link-0")
    for each in home.iterdir():
        if each.is_symlink() or each.name.endswith(".sock"):
            each.unlink()
    found = [f"ana reads {each}" for each in read] + [f"{path} was changed" for path in changed]
    return found + ["somebody else answers for ana"] * (siege.canary.encode() not in answer)


@slow_attack
def outliving_ones_server(siege: Siege) -> list[str]:
    """Leave processes behind that go on when the server is stopped: detached twice, deaf to signals, holding the socket.

    All end with it, and the next server at that address is not theirs.
    """
    mark = f"left-behind-{time.monotonic_ns()}"
    siege.hostile.runs(f"""
code = '''
import os, signal, time
for number in (1, 2, 15): signal.signal(number, signal.SIG_IGN)
while True: time.sleep(1)
'''
for _ in range(3):
    subprocess.Popen([sys.executable, "-c", code, {mark!r}], start_new_session=True, pass_fds=[here.fileno()], stdin=subprocess.DEVNULL)
""")
    if not _alive(mark):
        return ["nothing was left behind: nothing can be learnt from it"]
    siege.hostile.person.stop_server()
    is_over = raw.wait_until(lambda: not _alive(mark), patience_s=PATIENCE_S)
    siege.hostile.start()
    return ["processes of a server that was stopped go on"] * (not is_over)


def _alive(mark: str) -> bool:
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if mark.encode() in line.read_bytes():
                return True
    return False
