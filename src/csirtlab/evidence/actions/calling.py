"""Programs that call home: implants, and harmless software that reports to its maker."""

from collections.abc import Callable, Iterator, Mapping
from random import Random

from csirtlab.evidence.actions.closings import short_closing, tls_of
from csirtlab.evidence.actions.doing import Doing
from csirtlab.evidence.intents import Connect, Remark, Wish
from csirtlab.evidence.protocols.tls import Request, TlsSession
from csirtlab.evidence.sampling import SECOND, between, chance, heavy, nanoseconds, shuffled, whole


def _check_in(doing: Doing) -> Iterator[Wish]:
    yield from _periodic(doing, 0)


def _beacon(doing: Doing) -> Iterator[Wish]:
    yield from _periodic(doing, doing.draw_whole("tasks"))


def _periodic(doing: Doing, tasks: int) -> Iterator[Wish]:
    rng, action, server = doing.rng, doing.action, doing.servers[0]
    low, high = action.ranges["interval_s"]
    # Uniform in the rate, so that the number of calls differs from case to case as much as it can.
    interval = 1 / between(rng, 1 / high, 1 / low)
    jitter = doing.draw("jitter")
    asked, answered = int(doing.draw("request_bytes")), int(doing.draw("response_bytes"))
    server_closes = chance(rng, 0.4)
    starts: list[int] = []
    was_there = action.starts_min == (0, 0)
    offset = interval * rng.random() if was_there else between(rng, *action.starts_min) * 60
    at_ns = doing.cast.begin_ns + nanoseconds(offset)
    # The last call is over, answer and all, before the recording ends.
    while at_ns < doing.cast.end_ns - 25 * SECOND:
        starts.append(at_ns)
        at_ns += nanoseconds(interval * between(rng, 1 - jitter, 1 + jitter))
    busy = set(shuffled(rng, range(2, len(starts) - 1))[:tasks]) if tasks else set()
    for number, start in enumerate(starts):
        requests = [Request(asked + whole(rng, 0, 40), answered + whole(rng, 0, 60), _server_think(rng), 0)]
        if number in busy:
            requests = [*_tasking(doing, requests[0])]
        resumed = number > 0 and chance(rng, 0.8)
        closing = short_closing(rng, server_closes=server_closes)
        session = TlsSession(server.name, tls_of(doing), resumed, tuple(requests), closing)
        yield Connect(start, doing.host, server, 443, session, action.id)


def _tasking(doing: Doing, first: Request) -> Iterator[Request]:
    """Yield a call that gets a task, and the calls that send its result in the same connection."""
    rng = doing.rng
    yield Request(first.request_bytes, doing.draw_heavy("task_bytes"), first.think_ns, 0)
    left = int(doing.draw("result_bytes"))
    while left > 0:
        part = min(left, whole(rng, 1500, 9000))
        pause = nanoseconds(heavy(rng, 0.15, 2.2))
        yield Request(part + 180, whole(rng, 120, 260), _server_think(rng), pause)
        left -= part


def _server_think(rng: Random) -> int:
    return nanoseconds(heavy(rng, 0.003, 0.25))


DOERS: Mapping[str, Callable[[Doing], Iterator[Wish | Remark]]] = {"beacon": _beacon, "check-in": _check_in}
