"""What cameras and their recorders do all day, and who looks after them."""

from collections.abc import Callable, Iterator, Mapping

from csirtlab.evidence.applications.devices import WGET, Download, jpeg
from csirtlab.evidence.intents import Connect, Doing, Remark, Wish
from csirtlab.evidence.protocols.dialogues import Closing, Ending
from csirtlab.evidence.protocols.telnet import PORTS, TelnetSession
from csirtlab.evidence.sampling import between, bits, heavy, nanoseconds, noise, pick, whole
from csirtlab.evidence.seeds import stream

_HTTP = 80


def _watch_cameras(doing: Doing) -> Iterator[Wish]:
    rng, cast = doing.rng, doing.cast
    agent = pick(rng, ("libcurl-agent/1.0", "NVR-Client/4.30", "Lavf/60.3.100"))
    for camera in doing.servers:
        interval = doing.draw("interval_s")
        at_ns = cast.begin_ns + nanoseconds(interval * rng.random())
        while at_ns < cast.end_ns:
            picture = jpeg(noise(rng, doing.draw_heavy("picture_bytes")))
            think, closing = nanoseconds(heavy(rng, 0.02, 0.3)), Closing(Ending.SERVER_FIN, nanoseconds(0.0005))
            shot = Download(
                camera.address, f"/snapshot.jpg?ch=1&t={bits(rng, 30)}", agent, camera, "lighttpd/1.4.35", "image/jpeg",
                picture, think, closing,
            )  # fmt: skip
            yield Connect(at_ns, doing.host, camera, _HTTP, shot, doing.action.id, by_name=False)
            at_ns += nanoseconds(interval * between(rng, 0.97, 1.03))


def _fetch_firmware(doing: Doing) -> Iterator[Wish]:
    rng, cast = doing.rng, doing.cast
    server = pick(rng, doing.servers)
    length = cast.end_ns - cast.begin_ns
    software = pick(stream(server.name.encode(), "http server"), ("nginx", "Apache", "nginx/1.22.1"))
    for _ in range(doing.draw_whole("times")):
        content = noise(rng, doing.draw_heavy("file_bytes"))
        think, closing = nanoseconds(heavy(rng, 0.002, 0.1)), Closing(Ending.SERVER_FIN, nanoseconds(0.0005))
        path = f"/fw/{pick(rng, ('ipc', 'nvr', 'dome'))}-{whole(rng, 1000, 9999)}/{pick(rng, _PARTS)}"
        kind = "application/octet-stream"
        file = Download(server.name, path, WGET, server, software, kind, content, think, closing)
        at_ns = cast.begin_ns + int(length * rng.random())
        yield Connect(at_ns, doing.host, server, _HTTP, file, doing.action.id)


_PARTS = ("latest.txt", "version.bin", "delta.img", "checksums", "patch.bin")


def _maintain(doing: Doing) -> Iterator[Wish]:
    rng = doing.rng
    account = pick(rng, doing.action.lists["accounts"])
    password = f"{pick(rng, doing.action.lists['passwords'])}{whole(rng, 10, 9999)}"
    length = (doing.cast.end_ns - doing.cast.begin_ns) * 0.9
    for _ in range(doing.draw_whole("times")):
        device = pick(rng, doing.servers)
        closing = Closing(Ending.SERVER_FIN, nanoseconds(heavy(rng, 0.001, 0.03)))
        session = TelnetSession("telnet-session", device.name.lower(), account, password, (0.9, 14), closing)
        at_ns = doing.cast.begin_ns + int(length * rng.random())
        yield Connect(at_ns, doing.host, device, PORTS[0], session, doing.action.id, by_name=False)


DOERS: Mapping[str, Callable[[Doing], Iterator[Wish | Remark]]] = {
    "fetch-firmware": _fetch_firmware,
    "maintain": _maintain,
    "watch-cameras": _watch_cameras,
}
