"""A public web site: visitors, robots, scanners, and somebody who breaks in. What they send works nowhere."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from urllib.parse import quote, quote_plus

from csirtlab.content.scenarios import Action, Scenario
from csirtlab.evidence.applications.shells import output_of
from csirtlab.evidence.applications.site_files import pick_picture, picture, robots_file, style_sheet
from csirtlab.evidence.applications.websites import ACCESS_LOG, Hit, SiteVisit, refusal_page
from csirtlab.evidence.intents import ActionContext, Connect, Intent, Output, RecordedFact
from csirtlab.evidence.measures import instant
from csirtlab.evidence.model import FactValue, Plan, TcpFlow
from csirtlab.evidence.protocols.dialogues import Closing, Ending
from csirtlab.evidence.protocols.http import Fetch, body_of, browser_of
from csirtlab.evidence.protocols.tcp import simulated
from csirtlab.evidence.sampling import (
    SECOND,
    between,
    bits,
    bounded_pareto,
    chance,
    nanoseconds,
    noise,
    pick,
    shuffled,
    whole,
)

_HTTP = 80
_STYLE, _SEARCH, _CONTACT = "/static/site.css", "/buscar.php", "/contacto.php"
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


def _site(context: ActionContext) -> str:
    name = "www" if not context.host.inside else context.servers[0].name.lower()
    return f"{name}.{context.topology.site_domain}"


def _page(context: ActionContext, size: int) -> bytes:
    return body_of(context.rng, Fetch("", size, "text/html", 0, 0), context.topology.site_domain)


def _hit(context: ActionContext, target: str, size: int, pause_s: float, status: int = 200, page: str = "") -> Hit:
    """Return a page that is asked for from ``page``, and that the application has nothing to say of."""
    body = _page(context, size)
    think = nanoseconds(bounded_pareto(context.rng, 0.002, 0.15))
    return Hit("GET", target, status, body, think, nanoseconds(pause_s), referrer=page)


def _read(context: ActionContext, target: str, pause_s: float, page: str) -> Hit:
    """Return a page as people get it: now and then it is slow, finds nothing, or cannot send its mail."""
    rng, path = context.rng, target.split("?", maxsplit=1)[0]
    hit = _hit(context, target, context.draw_pareto("response_bytes"), pause_s, 200, page)
    if target == _CONTACT and chance(rng, 0.6):
        remark = f'level=error event=mail message="connection timed out" page={path}'
        return replace(hit, status=500, think_ns=nanoseconds(between(rng, 5.0, 5.3)), remark=remark)
    if path == _SEARCH and chance(rng, 0.28):
        return replace(hit, remark=f'level=info event=search message="nothing found" page={path} results=0')
    if path.endswith(".php") and chance(rng, 0.04):
        think = nanoseconds(between(rng, 1, 4))
        return replace(hit, think_ns=think, remark=f"level=info event=slow page={path} ms={think // 1_000_000}")
    return hit


def _part(context: ActionContext, target: str, pause_s: float, page: str, *, is_known: bool = False) -> Hit:
    """Return a file of the site as part of ``page``; whoever knows it asks whether it has changed."""
    url = f"http://{_site(context)}{target}"
    if target.endswith(".css"):
        part, file = "part", style_sheet(url)
    else:
        part, file = "picture", picture(url)
    think = nanoseconds(bounded_pareto(context.rng, 0.0002, 0.004))
    return Hit(
        "GET", target, 304 if is_known else 200, b"" if is_known else file.body, think, nanoseconds(pause_s),
        kind=file.kind, referrer=page, part=part, file=file,
    )  # fmt: skip


def _connections(context: ActionContext, agent: str, hits: Sequence[Hit], at_ns: int) -> Iterator[Connect]:
    """Yield connections that carry ``hits`` one after the other, their pauses kept."""
    rng, server = context.rng, context.servers[0]
    for start in range(0, len(hits), _ONE_CONNECTION):
        mine = tuple(hits[start : start + _ONE_CONNECTION])
        ending = pick(rng, (Ending.CLIENT_FIN, Ending.CLIENT_FIN, Ending.SERVER_FIN, Ending.CLIENT_RESET))
        closing = Closing(ending, nanoseconds(bounded_pareto(rng, 0.01, 20)))
        visit = SiteVisit(_site(context), server, context.host.address, agent, mine, closing)
        yield Connect(at_ns, context.host, server, _HTTP, visit, context.action.id)
        # The next connection opens when this one has said everything.
        round_trip = context.host.link.rtt_ns
        at_ns += sum(hit.pause_ns + hit.think_ns + 2 * round_trip for hit in mine) + 3 * round_trip


def _visit_site(context: ActionContext) -> Iterator[Intent | Output]:
    rng = context.rng
    known: set[str] = set()  # files that the browser keeps
    for at_ns in context.times(context.draw("sessions_per_hour")):
        hits = [_read(context, "/", 0, "")]
        hits.append(_part(context, _STYLE, bounded_pareto(rng, 0.004, 0.1), "/", is_known=_STYLE in known))
        known.add(_STYLE)
        page = "/"
        for _ in range(context.draw_whole("pages")):
            section = pick(rng, _SECTIONS)
            number = whole(rng, 1, 400)
            target = pick(rng, (
                f"/{section}", f"/{section}.php?id={number}", f"/{section}.php?id={number}&lang=es",
                f"{_SEARCH}?q={quote_plus(pick(rng, _WORDS) + ' ' + pick(rng, _WORDS))}",
            ))  # fmt: skip
            hits.append(_read(context, target, bounded_pareto(rng, 2, 50), page))
            page = target
            shown = pick_picture(rng, _site(context))
            if chance(rng, 0.4) and shown not in known:
                hits.append(_part(context, shown, 0.02, page))
                known.add(shown)
        hits += _asks_for_help(context, page)
        yield from _connections(context, browser_of(context.host), hits, at_ns)


def _asks_for_help(context: ActionContext, page: str) -> Iterator[Hit]:
    if chance(context.rng, 0.15):
        yield _read(context, _CONTACT, bounded_pareto(context.rng, 3, 40), page)


def _search_site(context: ActionContext) -> Iterator[Intent | Output]:
    rng = context.rng
    for number, at_ns in enumerate(context.times(context.draw("times_per_hour"))):
        hits = [
            _read(context, "/", 0, ""),
            _part(context, _STYLE, bounded_pareto(rng, 0.004, 0.1), "/", is_known=number > 0),
        ]
        page = "/"
        for _ in range(context.draw_whole("searches")):
            target = f"{_SEARCH}?q={quote_plus(pick(rng, context.action.lists['words']))}"
            hits.append(_read(context, target, bounded_pareto(rng, 3, 60), page))
            page = target
        hits += _asks_for_help(context, page)
        yield from _connections(context, browser_of(context.host), hits, at_ns)


def _crawl(context: ActionContext) -> Iterator[Intent | Output]:
    rng, topology = context.rng, context.topology
    agent = pick(rng, context.action.lists["agents"])
    at_ns = topology.begin_ns + nanoseconds(context.draw("gap_s") * rng.random())
    robots = robots_file(f"http://{_site(context)}/robots.txt")
    think = nanoseconds(bounded_pareto(rng, 0.0002, 0.004))
    hit = Hit("GET", "/robots.txt", 200, robots.body, think, 0, kind=robots.kind, file=robots)
    while at_ns < topology.end_ns:
        yield from _connections(context, agent, [hit], at_ns)
        status = 404 if chance(rng, 0.06) else 200
        hit = _hit(context, f"/{pick(rng, _SECTIONS)}.php?id={whole(rng, 1, 400)}", whole(rng, 300, 9000), 0, status)
        at_ns += nanoseconds(context.draw("gap_s"))


def _path_scan(context: ActionContext) -> Iterator[Intent | Output]:
    rng = context.rng
    agent = pick(rng, context.action.lists["agents"])
    candidates = shuffled(rng, [f"/{name}{suffix}" for name in _MISSING for suffix in _SUFFIXES])
    there = [f"/{section}" for section in _SECTIONS]
    hits = []
    gap = 1 / context.draw("rate")
    for number in range(context.draw_whole("paths")):
        pause = bounded_pareto(rng, gap * 0.3, gap * 8)
        if chance(rng, 0.02):
            hits.append(_hit(context, pick(rng, there), whole(rng, 3000, 9000), pause))
        else:
            status = 403 if chance(rng, 0.02) else 404
            think = nanoseconds(bounded_pareto(rng, 0.0002, 0.004))
            target = candidates[number % len(candidates)]
            hits.append(Hit("GET", target, status, refusal_page(status), think, nanoseconds(pause), kind="text/html"))
    yield from _connections(context, agent, hits, context.topology.begin_ns + _starts(context))
    yield RecordedFact(context.action.id, "agent", agent)


def _starts(context: ActionContext) -> int:
    return nanoseconds(between(context.rng, *context.action.starts_min) * 60)


def _web_intrusion(context: ActionContext) -> Iterator[Intent | Output]:
    rng, lists = context.rng, context.action.lists
    parameter = pick(rng, lists["parameters"])
    page = f"/{pick(rng, _SECTIONS)}.php"
    columns = whole(rng, _FEWEST_COLUMNS, _MOST_COLUMNS)
    tables = shuffled(rng, lists["names"])[: context.draw_whole("tables")]
    rows = {table: context.draw_whole("rows") for table in tables}
    commands = shuffled(rng, lists["orders"])[: context.draw_whole("commands")]
    shell = f"/uploads/{pick(rng, ('img', 'doc', 'foto', 'adj', 'tmp'))}-{bits(rng, 24):06x}.php"
    first = f"{page}?{parameter}={whole(rng, 1, 400)}"
    hits = [_asked(context, first, 200, _page(context, whole(rng, 2000, 6000)))]
    hits.append(_part(context, _STYLE, bounded_pareto(rng, 0.004, 0.1), first))
    hits += _tries(context, page, parameter, columns)
    for table in tables:
        asked = f"-1 UNION SELECT {_nulls(columns, 'concat_ws(0x7c,t.*)')} FROM {table} t"  # noqa: S608  # no database
        lines = "".join(f"<tr><td>{bits(rng, 40):010x}|{table}</td></tr>\n" for _ in range(rows[table]))
        body = f"<!doctype html>\n<html><body><table>\n{lines}</table></body></html>\n".encode()
        hits.append(_asked(context, f"{page}?{parameter}={quote(asked)}", 200, body))
    hits.append(_asked(context, _CONTACT, 200, _page(context, whole(rng, 2000, 6000))))
    hits.append(_upload(context, shell))
    for command in commands:
        output = output_of(rng, command, context.servers[0])
        hits.append(_asked(context, f"{shell}?c={quote_plus(command)}", 200, output))
    yield from _connections(context, browser_of(context.host), hits, context.topology.begin_ns + _starts(context))
    for name, value in (
        ("parameter", parameter), ("tables", frozenset(tables)), ("rows", sum(rows.values())), ("shell_path", shell),
        ("commands", tuple(commands)),
    ):  # fmt: skip
        yield RecordedFact(context.action.id, name, value)


def _tries(context: ActionContext, page: str, parameter: str, columns: int) -> Iterator[Hit]:
    """Yield what does not work yet: quotes in every parameter, then UNION SELECT with too few columns."""
    rng = context.rng
    for name in shuffled(rng, context.action.lists["parameters"]):
        for probe in ("1'", "1' AND '1'='1", "1 AND 1=2"):
            hurts = name == parameter and "'" in probe
            target = f"{page}?{name}={quote(probe)}"
            remark = f'level=error event=database message="syntax error near quote" page={page} parameter={name}'
            status = 500 if hurts else 200
            yield _asked(context, target, status, _page(context, whole(rng, 2000, 6000)), remark if hurts else "")
    counted = shuffled(rng, range(1, columns))
    for number in range(context.draw_whole("tries")):
        count = counted[number % len(counted)]
        target = f"{page}?{parameter}={quote(f'-1 UNION SELECT {_nulls(count)}')}"
        remark = f'level=error event=database message="different number of columns" page={page} parameter={parameter}'
        yield _asked(context, target, 500, _page(context, 1800), remark)


def _nulls(count: int, last: str = "NULL") -> str:
    return ",".join(["NULL"] * (count - 1) + [last])


def _asked(context: ActionContext, target: str, status: int, body: bytes, remark: str = "") -> Hit:
    rng = context.rng
    pause = nanoseconds(context.draw("gap_s") * between(rng, 0.4, 1.6))
    return Hit("GET", target, status, body, nanoseconds(bounded_pareto(rng, 0.004, 0.3)), pause, remark=remark)


def _upload(context: ActionContext, shell: str) -> Hit:
    rng = context.rng
    boundary = f"----WebKitFormBoundary{noise(rng, 8).hex()}"
    name = shell.rsplit("/", 1)[1]
    text = f"GIF89a exercise: this file does nothing {noise(rng, 40).hex()}"
    sent = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="archivo"; filename="{name}"\r\n'
        f"Content-Type: image/gif\r\n\r\n{text}\r\n--{boundary}--\r\n"
    ).encode()
    remark = f"level=info event=upload file={shell} bytes={len(text)}"
    pause = nanoseconds(bounded_pareto(rng, 8, 90))
    return Hit(
        "POST", _CONTACT, 200, _page(context, 2400), nanoseconds(bounded_pareto(rng, 0.01, 0.2)), pause, sent,
        f"multipart/form-data; boundary={boundary}", remark=remark, referrer=_CONTACT,
    )  # fmt: skip


def _first_success(plan: Plan, action: Action) -> dt.datetime:
    """Return the second that the access log has for the first UNION SELECT answered with 200."""
    for flow in plan.flows:
        if not isinstance(flow, TcpFlow) or flow.label != action.id:
            continue
        for record in simulated(plan, flow).records:
            if record.file == ACCESS_LOG and "UNION" in record.text and '" 200 ' in record.text:
                return instant(record.at_ns + flow.server.clock_ns).replace(microsecond=0)
    raise LookupError(f"nothing works for {action.id}")


_TO_THE_END = 20 * SECOND


def _over(_: Scenario, plan: Plan, action: Action) -> Iterator[str]:
    mine = [flow for flow in plan.flows if isinstance(flow, TcpFlow) and flow.label == action.id]
    if not mine or max(simulated(plan, mine[-1]).turn_times) > plan.end_ns - _TO_THE_END:
        yield f'"{action.id}" is still going on when the recording ends'


ACTIONS: Mapping[str, Callable[[ActionContext], Iterator[Intent | Output]]] = {
    "crawl": _crawl,
    "path-scan": _path_scan,
    "search-site": _search_site,
    "visit-site": _visit_site,
    "web-intrusion": _web_intrusion,
}
MEASURES: Mapping[tuple[str, str], Callable[[Plan, Action], FactValue]] = {
    ("web-intrusion", "first_success"): _first_success,
}
CHECKS: Mapping[str, Callable[[Scenario, Plan, Action], Iterator[str]]] = {
    "path-scan": _over,
    "web-intrusion": _over,
}
