"""Words for evidence that is taken, copied and handed on."""

from collections.abc import Mapping

from csirtlab.content.labs import Form
from csirtlab.content.vocabulary.words import ACCESS, CUSTODY, EXHIBITS, LINE, Parameter, Texts, Verb

VERBS: Mapping[str, Verb] = {
    "seize": Verb(
        "the capture is copied three times, once truly, and handed on with a custody log: exhibits/, custody.csv",
        {
            "lost": Parameter(1, 2000, "packets that one copy has lost"),
            "altered": Parameter(1, 2000, "bytes that are altered in another copy"),
            "entries": Parameter(6, 30, "entries of the custody log"),
        },
        target=(),
        lists={"people": Texts("who hands the evidence on", LINE, fewest=2)},
        facts={
            "original_hash": Form.HASH, "true_copy": Form.TEXT, "lost": Form.COUNT, "altered": Form.COUNT,
            "broken_entry": Form.COUNT,
        },
        connects=False,
        is_afterwards=True,
        writes=(CUSTODY, EXHIBITS),
    ),
    "export": Verb(
        "somebody takes reports out of an application of the site, one after the other (T1213)",
        {
            "times": Parameter(1, 60, "reports"),
            "gap_s": Parameter(1, 600, "seconds from one to the next"),
            "response_bytes": Parameter(1000, 400_000, "bytes of one report"),
        },
        target=("host",),
        facts={"first_export": Form.TIME},
        people=("from",),
        writes=(ACCESS,),
    ),
    "read-reports": Verb(
        "somebody reads reports of the same application on the screen, as their work wants it",
        {
            "times": Parameter(1, 200, "reports"),
            "gap_s": Parameter(1, 600, "seconds from one to the next"),
            "response_bytes": Parameter(1000, 400_000, "bytes of one report"),
        },
        target=("host",),
        people=("from",),
        writes=(ACCESS,),
    ),
}  # fmt: skip

WITNESSES: Mapping[str, str] = {
    "custody.original_hash": "the SHA-256 of the capture",
    "custody.true_copy": "the exhibit that has it",
    "custody.lost": "how many packets fewer the shorter exhibit has",
    "custody.altered": "how many bytes differ in the exhibit of the same length",
    "custody.broken_entry": "the entry whose giver is not who received the evidence in the one above",
    "clock.offset": "by how many seconds the web server's log is ahead of the capture",
    "clock.error": "the same without its sign: by how many seconds the log is off, ahead or behind",
    "export.host": "the host that fetched reports for export",
    "export.first": "when the first of them was answered, in the capture",
}

GUESSES: Mapping[str, str] = {
    "logged-export.time": "the time that the web server's log has for the first export",
    "most-reports.host": "the host that asks for the most reports, exported or read",
}

READS: Mapping[str, tuple[str, ...]] = {
    "custody.altered": (EXHIBITS,),
    "custody.broken_entry": (CUSTODY,),
    "custody.lost": (EXHIBITS,),
    "custody.true_copy": (EXHIBITS,),
    "logged-export": (ACCESS,),
}
