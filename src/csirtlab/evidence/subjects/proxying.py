"""Reading the web by way of the site's proxy."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from csirtlab.evidence.applications.proxy import SQUID, ProxiedSession, ProxiedVisits, Visit
from csirtlab.evidence.intents import ActionContext, Connect, Intent, Output
from csirtlab.evidence.model import Host
from csirtlab.evidence.protocols.dialogues import Closing, Ending
from csirtlab.evidence.protocols.http import Fetch, body_of, browser_of
from csirtlab.evidence.protocols.tls import Request, TlsSession, browser_closing
from csirtlab.evidence.sampling import (
    between,
    bounded_pareto,
    chance,
    nanoseconds,
    noise,
    normal,
    pick,
    shuffled,
    whole,
)
from csirtlab.evidence.seeds import stream
from csirtlab.evidence.topology import make_name

_SOFTWARE = ("nginx", "nginx/1.22.1", "Apache", "nginx/1.26.3", "LiteSpeed")
_CHECKER = "LinkCheck/3.1"
_SECTIONS = ("noticias", "agenda", "blog", "archivo", "clima", "deportes", "economia", "guia")
_FILES = (
    ("pdf", "application/pdf"), ("zip", "application/zip"), ("xlsx", "application/vnd.ms-excel"),
    ("docx", "application/msword"),
)  # fmt: skip


def proxied_visits(
    context: ActionContext, host: Host, site: str, visits: Sequence[Visit], at_ns: int, agent: str = ""
) -> Connect:
    """Return the intent of ``host`` to ask for ``visits`` at the site with address ``site``."""
    rng, (proxy,) = context.rng, context.others("proxy")
    agent = agent or browser_of(host)
    software = pick(stream(site.encode(), "http server"), _SOFTWARE)
    ending = pick(rng, (Ending.CLIENT_FIN, Ending.CLIENT_FIN, Ending.SERVER_FIN, Ending.CLIENT_RESET))
    closing = Closing(ending, nanoseconds(bounded_pareto(rng, 0.3, 60)))
    dialogue = ProxiedVisits(proxy, host.address, agent, software, site, tuple(visits), closing)
    return Connect(at_ns, host, proxy, SQUID, dialogue, context.action.id)


def check_link(context: ActionContext, url: str, site: str, arrived_ns: int) -> Connect:
    """Return what the link checker does with a link of a message: it asks whether something is there, and no more."""
    rng, (checker,) = context.rng, context.others("checker")
    think = nanoseconds(bounded_pareto(rng, 0.03, 0.6))
    visit = Visit("HEAD", url, 200, b"x" * whole(rng, 400, 9000), "text/html; charset=utf-8", think, 0)
    at_ns = arrived_ns + nanoseconds(between(rng, 2.6, 12))
    return proxied_visits(context, checker, site, [visit], at_ns, _CHECKER)


def _unwelcome(context: ActionContext, patterns: tuple[str, ...]) -> str:
    """Return one of the few servers of a kind that this site's proxy refuses, by name."""
    (proxy,) = context.others("proxy")
    refused = stream(proxy.mac, "refused sites", patterns[0])
    return pick(context.rng, [make_name(refused, patterns, ()) for _ in range(4)])


def _refused(context: ActionContext, method: str, url: str, at_ns: int) -> Connect:
    """Return a request that the proxy refuses, as it does on any day."""
    think = nanoseconds(bounded_pareto(context.rng, 0.0004, 0.01))
    visit = Visit(method, url, 403, b"", "text/html", think, 0, is_denied=True)
    return proxied_visits(context, context.host, "", [visit], at_ns)


_ADVERTISING = (
    "ads.{noun}{word}.{tld}", "pixel.{word}{noun}.{tld}", "track.{noun}{noun}.{tld}", "metrics.{word}-{noun}.{tld}",
)  # fmt: skip
_STREAMING = ("tv.{word}{noun}.{tld}", "live.{noun}{word}.{tld}", "player.{word}{noun}.{tld}")
_PLACED = ("show.js", "pixel.gif", "banner/728x90", "sync", "collect", "b/impression")
_ADVERTISED, _ADVERTISED_BY_TUNNEL, _STREAMED = 0.35, 0.12, 0.1  # share of the pages, and of the sittings


def _browse(context: ActionContext) -> Iterator[Intent | Output]:
    """Read pages over TLS, in tunnels through the proxy."""
    rng = context.rng
    favourites = [*context.servers[:8], *shuffled(rng, context.servers)[:12]]
    seen: set[str] = set()
    for sitting in context.times(context.draw("sessions_per_hour")):
        at_ns = sitting
        for _ in range(context.draw_whole("pages")):
            sites = [
                pick(rng, favourites),
                *(pick(rng, context.servers) for _ in range(context.draw_whole("third_parties"))),
            ]
            for number, site in enumerate(sites):
                later = at_ns + (nanoseconds(bounded_pareto(rng, 0.12, 2.5)) if number else 0)
                yield _tunnel(context, site, later, resumed=site.name in seen)
                seen.add(site.name)
            if chance(rng, _ADVERTISED_BY_TUNNEL):
                later = at_ns + nanoseconds(bounded_pareto(rng, 0.2, 4))
                yield _refused(context, "CONNECT", f"{_unwelcome(context, _ADVERTISING)}:443", later)
            at_ns += nanoseconds(bounded_pareto(rng, 5, 140))
        if chance(rng, _STREAMED):
            wanted = f"{_unwelcome(context, _STREAMING)}:443"
            for _ in range(whole(rng, 1, 3)):  # once more, in case it was a mistake
                yield _refused(context, "CONNECT", wanted, at_ns)
                at_ns += nanoseconds(bounded_pareto(rng, 0.8, 30))


def _tunnel(context: ActionContext, site: Host, at_ns: int, *, resumed: bool) -> Connect:
    rng, (proxy,) = context.rng, context.others("proxy")
    requests = tuple(
        Request(
            int(normal(rng, 60, 900)), context.draw_pareto("response_bytes"),
            nanoseconds(bounded_pareto(rng, 0.002, 0.4)),
            nanoseconds(bounded_pareto(rng, 0.02, 4)),
        )
        for _ in range(whole(rng, 1, 4))
    )  # fmt: skip
    session = TlsSession(site.name, context.tls_client, resumed and chance(rng, 0.7), requests, browser_closing(rng))
    dialogue = ProxiedSession(
        proxy, context.host.address, browser_of(context.host), site.address, site.link.rtt_ns, session
    )
    return Connect(at_ns, context.host, proxy, SQUID, dialogue, context.action.id)


def _read(context: ActionContext) -> Iterator[Intent | Output]:
    """Read pages that are not encrypted, and now and then fetch a file."""
    rng = context.rng
    for at_ns in context.times(context.draw("pages_per_hour")):
        site = pick(rng, context.servers)
        think = site.link.rtt_ns + nanoseconds(bounded_pareto(rng, 0.004, 0.4))
        url = f"http://{site.name}"
        page = body_of(rng, Fetch("", context.draw_pareto("response_bytes"), "text/html", 0, 0))
        page = page.replace(b"Intranet", site.name.encode())
        visits = [
            Visit("GET", f"{url}/{pick(rng, _SECTIONS)}/{whole(rng, 10, 9999)}", 200, page, "text/html", think, 0)
        ]
        for _ in range(whole(rng, 0, 3)):
            pause, body = (
                nanoseconds(bounded_pareto(rng, 0.004, 0.2)),
                noise(rng, context.draw_pareto("response_bytes")),
            )
            visits.append(Visit("GET", f"{url}/img/{noise(rng, 4).hex()}.webp", 200, body, "image/webp", think, pause))
        if chance(rng, context.draw("files")):
            suffix, kind = pick(rng, _FILES)
            body = noise(rng, int(context.draw("file_bytes")))
            path = f"{url}/descargas/{noise(rng, 4).hex()}.{suffix}"
            visits.append(Visit("GET", path, 200, body, kind, think, nanoseconds(bounded_pareto(rng, 2, 20))))
        yield proxied_visits(context, context.host, site.address, visits, at_ns)
        if chance(rng, _ADVERTISED):
            url = f"http://{_unwelcome(context, _ADVERTISING)}/{pick(rng, _PLACED)}?z={whole(rng, 100, 9999)}"
            yield _refused(context, "GET", url, at_ns + nanoseconds(bounded_pareto(rng, 0.15, 3)))


ACTIONS: Mapping[str, Callable[[ActionContext], Iterator[Intent | Output]]] = {
    "browse-by-proxy": _browse,
    "read-by-proxy": _read,
}
