"""A public web site: visitors, robots, scanners, and somebody who breaks in. What they send works nowhere."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from urllib.parse import quote, quote_plus

from csirtlab.evidence.actions.doing import Doing
from csirtlab.evidence.dialogues import Closing, Ending
from csirtlab.evidence.dice import between, bits, chance, heavy, nanoseconds, noise, pick, shuffled, whole
from csirtlab.evidence.http import AGENTS, Fetch, body_of
from csirtlab.evidence.websites import Hit, SiteVisit
from csirtlab.evidence.wishes import Connect, Note, Remark, Wish

_HTTP = 80
_SECTIONS = ("noticias", "tramites", "servicios", "transparencia", "contacto", "convocatorias", "agenda", "prensa")
_WORDS = ("licencia", "permiso", "horario", "pago", "turno", "formulario", "becas", "registro", "multa", "certificado")
_MISSING = (
    "admin", "administrator", "backup", "old", "test", "dev", "phpmyadmin", "wp-login.php", "wp-admin", ".git/HEAD",
    ".env", "config.php", "config.bak", "db.sql", "dump.sql", "server-status", "cgi-bin", "api/v1", "login", "console",
    "manager/html", "solr", "actuator", "vendor", "composer.json", "package.json", "web.config", "robots.bak", "tmp",
    "logs", "private", "intranet", "portal", "user", "users", "panel", "cpanel", "webmail", "mail", "shell", "upload",
)  # fmt: skip
_SUFFIXES = ("", "/", ".php", ".bak", ".zip", ".txt", ".old", "~", ".html", ".tar.gz")
_ONE_CONNECTION = 24  # requests on one connection, at most
_FEWEST_COLUMNS, _MOST_COLUMNS = 4, 9


def _page(doing: Doing, size: int) -> bytes:
    return body_of(doing.rng, Fetch("", size, "text/html", 0, 0))


def _hit(doing: Doing, target: str, size: int, pause_s: float, status: int = 200, kind: str = "") -> Hit:
    rng = doing.rng
    is_text = not kind
    body = _page(doing, size) if is_text else noise(rng, size)
    think = nanoseconds(heavy(rng, 0.002, 0.15) if is_text else heavy(rng, 0.0002, 0.004))
    return Hit("GET", target, status, body, think, nanoseconds(pause_s), kind=kind or "text/html; charset=UTF-8")


def _connections(doing: Doing, agent: str, hits: Sequence[Hit], at_ns: int) -> Iterator[Connect]:
    """Yield connections that carry ``hits`` one after the other, their pauses kept."""
    rng, server = doing.rng, doing.servers[0]
    name = "www" if not doing.host.inside else server.name.lower()
    site = f"{name}.{doing.cast.site_domain}"
    for start in range(0, len(hits), _ONE_CONNECTION):
        mine = tuple(hits[start : start + _ONE_CONNECTION])
        ending = pick(rng, (Ending.CLIENT_FIN, Ending.CLIENT_FIN, Ending.SERVER_FIN, Ending.CLIENT_RESET))
        closing = Closing(ending, nanoseconds(heavy(rng, 0.01, 20)))
        visit = SiteVisit(site, server, doing.host.address, agent, mine, closing)
        yield Connect(at_ns, doing.host, server, _HTTP, visit, doing.action.id)
        # The next connection opens when this one has said everything.
        round_trip = doing.host.way.rtt_ns
        at_ns += sum(hit.pause_ns + hit.think_ns + 2 * round_trip for hit in mine) + 3 * round_trip


def _visit_site(doing: Doing) -> Iterator[Wish | Remark]:
    rng = doing.rng
    agent = pick(rng, [agent for agents in AGENTS.values() for agent in agents])
    for at_ns in doing.times(doing.draw("sessions_per_hour")):
        hits = [_hit(doing, "/", doing.draw_heavy("response_bytes"), 0)]
        hits.append(_hit(doing, "/static/site.css", whole(rng, 4000, 9000), heavy(rng, 0.004, 0.1), kind="text/css"))
        for _ in range(doing.draw_whole("pages")):
            section = pick(rng, _SECTIONS)
            number = whole(rng, 1, 400)
            target = pick(rng, (
                f"/{section}", f"/{section}.php?id={number}", f"/{section}.php?id={number}&lang=es",
                f"/buscar.php?q={quote_plus(pick(rng, _WORDS) + ' ' + pick(rng, _WORDS))}",
            ))  # fmt: skip
            hits.append(_hit(doing, target, doing.draw_heavy("response_bytes"), heavy(rng, 2, 50)))
            if chance(rng, 0.4):
                picture = f"/static/{bits(rng, 28):07x}.webp"
                hits.append(_hit(doing, picture, doing.draw_heavy("response_bytes"), 0.02, kind="image/webp"))
        yield from _connections(doing, agent, hits, at_ns)


def _search_site(doing: Doing) -> Iterator[Wish | Remark]:
    rng = doing.rng
    agent = pick(rng, [agent for agents in AGENTS.values() for agent in agents])
    for at_ns in doing.times(doing.draw("times_per_hour")):
        hits = [_hit(doing, "/", doing.draw_heavy("response_bytes"), 0)]
        for _ in range(doing.draw_whole("searches")):
            target = f"/buscar.php?q={quote_plus(pick(rng, doing.action.lists['words']))}"
            hits.append(_hit(doing, target, doing.draw_heavy("response_bytes"), heavy(rng, 3, 60)))
        yield from _connections(doing, agent, hits, at_ns)


def _crawl(doing: Doing) -> Iterator[Wish | Remark]:
    rng, cast = doing.rng, doing.cast
    agent = pick(rng, doing.action.lists["agents"])
    at_ns = cast.begin_ns + nanoseconds(doing.draw("gap_s") * rng.random())
    first = True
    while at_ns < cast.end_ns:
        target = "/robots.txt" if first else f"/{pick(rng, _SECTIONS)}.php?id={whole(rng, 1, 400)}"
        status = 404 if not first and chance(rng, 0.06) else 200
        yield from _connections(doing, agent, [_hit(doing, target, whole(rng, 300, 9000), 0, status)], at_ns)
        first = False
        at_ns += nanoseconds(doing.draw("gap_s"))


def _path_scan(doing: Doing) -> Iterator[Wish | Remark]:
    rng = doing.rng
    agent = pick(rng, doing.action.lists["agents"])
    candidates = shuffled(rng, [f"/{name}{suffix}" for name in _MISSING for suffix in _SUFFIXES])
    there = [f"/{section}" for section in _SECTIONS]
    hits = []
    gap = 1 / doing.draw("rate")
    for number in range(doing.draw_whole("paths")):
        pause = heavy(rng, gap * 0.3, gap * 8)
        if chance(rng, 0.02):
            hits.append(_hit(doing, pick(rng, there), whole(rng, 3000, 9000), pause))
        else:
            status = 403 if chance(rng, 0.02) else 404
            hits.append(_hit(doing, candidates[number % len(candidates)], 162, pause, status))
    yield from _connections(doing, agent, hits, doing.cast.begin_ns + _starts(doing))
    yield Note(doing.action.id, "agent", agent)


def _starts(doing: Doing) -> int:
    return nanoseconds(between(doing.rng, *doing.action.starts_min) * 60)


def _web_intrusion(doing: Doing) -> Iterator[Wish | Remark]:
    rng, lists = doing.rng, doing.action.lists
    parameter = pick(rng, lists["parameters"])
    page = f"/{pick(rng, _SECTIONS)}.php"
    columns = whole(rng, _FEWEST_COLUMNS, _MOST_COLUMNS)
    tables = shuffled(rng, lists["names"])[: doing.draw_whole("tables")]
    rows = {table: doing.draw_whole("rows") for table in tables}
    commands = shuffled(rng, lists["orders"])[: doing.draw_whole("commands")]
    shell = f"/uploads/{pick(rng, ('img', 'doc', 'foto', 'adj', 'tmp'))}-{bits(rng, 24):06x}.php"
    hits = [*_tries(doing, page, parameter, columns)]
    for table in tables:
        asked = f"-1 UNION SELECT {_nulls(columns, 'concat_ws(0x7c,t.*)')} FROM {table} t"  # noqa: S608  # no database
        lines = "".join(f"<tr><td>{bits(rng, 40):010x}|{table}</td></tr>\n" for _ in range(rows[table]))
        body = f"<!doctype html>\n<html><body><table>\n{lines}</table></body></html>\n".encode()
        hits.append(_asked(doing, f"{page}?{parameter}={quote(asked)}", 200, body))
    hits.append(_upload(doing, shell))
    for command in commands:
        output = b"".join(noise(rng, 12).hex().encode() + b"\n" for _ in range(whole(rng, 1, 14)))
        hits.append(_asked(doing, f"{shell}?c={quote_plus(command)}", 200, output))
    agent = pick(rng, AGENTS["windows"])
    yield from _connections(doing, agent, hits, doing.cast.begin_ns + _starts(doing))
    for name, value in (
        ("parameter", parameter), ("tables", frozenset(tables)), ("rows", sum(rows.values())), ("shell_path", shell),
        ("commands", tuple(commands)),
    ):  # fmt: skip
        yield Note(doing.action.id, name, value)


def _tries(doing: Doing, page: str, parameter: str, columns: int) -> Iterator[Hit]:
    """Yield what does not work yet: quotes in every parameter, then UNION SELECT with too few columns."""
    rng = doing.rng
    for name in shuffled(rng, doing.action.lists["parameters"]):
        for probe in ("1'", "1' AND '1'='1", "1 AND 1=2"):
            hurts = name == parameter and "'" in probe
            target = f"{page}?{name}={quote(probe)}"
            remark = f'level=error event=database message="syntax error near quote" page={page} parameter={name}'
            status = 500 if hurts else 200
            yield _asked(doing, target, status, _page(doing, whole(rng, 2000, 6000)), remark if hurts else "")
    counted = shuffled(rng, range(1, columns))
    for number in range(doing.draw_whole("tries")):
        count = counted[number % len(counted)]
        target = f"{page}?{parameter}={quote(f'-1 UNION SELECT {_nulls(count)}')}"
        remark = f'level=error event=database message="different number of columns" page={page} parameter={parameter}'
        yield _asked(doing, target, 500, _page(doing, 1800), remark)


def _nulls(count: int, last: str = "NULL") -> str:
    return ",".join(["NULL"] * (count - 1) + [last])


def _asked(doing: Doing, target: str, status: int, body: bytes, remark: str = "") -> Hit:
    rng = doing.rng
    pause = nanoseconds(doing.draw("gap_s") * between(rng, 0.4, 1.6))
    return Hit("GET", target, status, body, nanoseconds(heavy(rng, 0.004, 0.3)), pause, remark=remark)


def _upload(doing: Doing, shell: str) -> Hit:
    rng = doing.rng
    boundary = f"----WebKitFormBoundary{noise(rng, 8).hex()}"
    name = shell.rsplit("/", 1)[1]
    text = f"GIF89a exercise: this file does nothing {noise(rng, 40).hex()}"
    sent = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="archivo"; filename="{name}"\r\n'
        f"Content-Type: image/gif\r\n\r\n{text}\r\n--{boundary}--\r\n"
    ).encode()
    remark = f"level=info event=upload file={shell} bytes={len(text)}"
    pause = nanoseconds(heavy(rng, 8, 90))
    return Hit(
        "POST", "/contacto.php", 200, _page(doing, 2400), nanoseconds(heavy(rng, 0.01, 0.2)), pause, sent,
        f"multipart/form-data; boundary={boundary}", remark=remark,
    )  # fmt: skip


DOERS: Mapping[str, Callable[[Doing], Iterator[Wish | Remark]]] = {
    "crawl": _crawl,
    "path-scan": _path_scan,
    "search-site": _search_site,
    "visit-site": _visit_site,
    "web-intrusion": _web_intrusion,
}
