"""Words for programs that call home: implants and harmless software."""

from collections.abc import Mapping

from csirtlab.content.vocabulary.words import Parameter, Verb

_EXCHANGE = {
    "interval_s": Parameter(5, 3600, "seconds from one connection to the next"),
    "jitter": Parameter(0, 0.9, "how far an interval strays from its length, as a share of it"),
    "request_bytes": Parameter(40, 60_000, "bytes that the client sends, before encryption"),
    "response_bytes": Parameter(40, 400_000, "bytes that the server answers, before encryption"),
}

VERBS: Mapping[str, Verb] = {
    "beacon": Verb(
        "an implant calls home over HTTPS and now and then gets a task",
        {
            **_EXCHANGE,
            "tasks": Parameter(0, 50, "calls in the window that get a task and send a result"),
            "task_bytes": Parameter(100, 400_000, "bytes of a task, before encryption"),
            "result_bytes": Parameter(100, 400_000, "bytes of a result, before encryption"),
        },
        needs_client=True,
    ),
    "check-in": Verb(
        "harmless software reports to its maker over HTTPS, like clockwork",
        _EXCHANGE,
        needs_client=True,
    ),
}

WITNESSES: Mapping[str, str] = {
    "beacon.client": "the host whose calls to one server are regular without being exact",
    "beacon.server": "the address that it calls",
    "beacon.name": "the name in the ClientHellos of those calls",
    "beacon.first_lookup": "the first DNS question for that name",
    "beacon.first_start": "the SYN of the first of those calls",
    "beacon.median_gap": "the median of the seconds between their SYNs",
    "beacon.count": "how many calls there are",
    "beacon.bytes_out": "payload that the host sent in them, each byte once",
    "timer.client": "the host whose calls to one server are the most exact",
    "timer.name": "the name in the ClientHellos of those calls",
}
