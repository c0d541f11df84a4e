"""What cameras and their recorders do all day, and who looks after them."""

from collections.abc import Callable, Iterator, Mapping

from csirtlab.evidence.applications.devices import WGET, Download, jpeg
from csirtlab.evidence.intents import ActionContext, Connect, Intent, Output
from csirtlab.evidence.protocols.dialogues import Closing, Ending
from csirtlab.evidence.protocols.telnet import PORTS, TelnetSession
from csirtlab.evidence.sampling import between, bits, bounded_pareto, nanoseconds, noise, pick, whole
from csirtlab.evidence.seeds import stream

_HTTP = 80


def _watch_cameras(context: ActionContext) -> Iterator[Intent]:
    rng, topology = context.rng, context.topology
    agent = pick(rng, ("libcurl-agent/1.0", "NVR-Client/4.30", "Lavf/60.3.100"))
    for camera in context.servers:
        interval = context.draw("interval_s")
        at_ns = topology.begin_ns + nanoseconds(interval * rng.random())
        while at_ns < topology.end_ns:
            picture = jpeg(noise(rng, context.draw_pareto("picture_bytes")))
            think, closing = (
                nanoseconds(bounded_pareto(rng, 0.02, 0.3)),
                Closing(Ending.SERVER_FIN, nanoseconds(0.0005)),
            )
            shot = Download(
                camera.address, f"/snapshot.jpg?ch=1&t={bits(rng, 30)}", agent, camera, "lighttpd/1.4.35", "image/jpeg",
                picture, think, closing,
            )  # fmt: skip
            yield Connect(at_ns, context.host, camera, _HTTP, shot, context.action.id, by_name=False)
            at_ns += nanoseconds(interval * between(rng, 0.97, 1.03))


def _fetch_firmware(context: ActionContext) -> Iterator[Intent]:
    rng, topology = context.rng, context.topology
    server = pick(rng, context.servers)
    length = topology.end_ns - topology.begin_ns
    software = pick(stream(server.name.encode(), "http server"), ("nginx", "Apache", "nginx/1.22.1"))
    for _ in range(context.draw_whole("times")):
        content = noise(rng, context.draw_pareto("file_bytes"))
        think, closing = nanoseconds(bounded_pareto(rng, 0.002, 0.1)), Closing(Ending.SERVER_FIN, nanoseconds(0.0005))
        path = f"/fw/{pick(rng, ('ipc', 'nvr', 'dome'))}-{whole(rng, 1000, 9999)}/{pick(rng, _PARTS)}"
        kind = "application/octet-stream"
        file = Download(server.name, path, WGET, server, software, kind, content, think, closing)
        at_ns = topology.begin_ns + int(length * rng.random())
        yield Connect(at_ns, context.host, server, _HTTP, file, context.action.id)


_PARTS = ("latest.txt", "version.bin", "delta.img", "checksums", "patch.bin")


def _maintain(context: ActionContext) -> Iterator[Intent]:
    rng = context.rng
    account = pick(rng, context.action.lists["accounts"])
    password = f"{pick(rng, context.action.lists['passwords'])}{whole(rng, 10, 9999)}"
    length = (context.topology.end_ns - context.topology.begin_ns) * 0.9
    for _ in range(context.draw_whole("times")):
        device = pick(rng, context.servers)
        closing = Closing(Ending.SERVER_FIN, nanoseconds(bounded_pareto(rng, 0.001, 0.03)))
        session = TelnetSession("telnet-session", device.name.lower(), account, password, (0.9, 14), closing)
        at_ns = context.topology.begin_ns + int(length * rng.random())
        yield Connect(at_ns, context.host, device, PORTS[0], session, context.action.id, by_name=False)


ACTIONS: Mapping[str, Callable[[ActionContext], Iterator[Intent | Output]]] = {
    "fetch-firmware": _fetch_firmware,
    "maintain": _maintain,
    "watch-cameras": _watch_cameras,
}
