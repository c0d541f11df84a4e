"""Words for data that leaves in DNS questions, and for harmless names that look like it."""

from collections.abc import Mapping

from csirtlab.content.labs import Form
from csirtlab.content.vocabulary.words import QUERIES, RECORD_TYPE, Parameter, Texts, Verb

VERBS: Mapping[str, Verb] = {
    "tunnel": Verb(
        "an implant sends a file out in the labels of DNS questions (T1071.004, T1048.003)",
        {
            "file_bytes": Parameter(500, 200_000, "bytes of the file"),
            "label_bytes": Parameter(8, 60, "characters of a label that carries data, before the last one"),
            "labels": Parameter(1, 3, "labels that carry data in one name"),
            "gap_s": Parameter(0.02, 60, "seconds from one question to the next while the file goes out"),
            "poll_s": Parameter(1, 600, "seconds from one question for orders to the next"),
            "again": Parameter(0, 0.2, "share of the parts that are sent twice"),
        },
        lists={"kinds": Texts("record types of which one to three are used: A, CNAME, MX, NULL, TXT", RECORD_TYPE)},
        connects=False,
        facts={
            "kinds": Form.SET, "encoding": Form.TEXT, "file_bytes": Form.BYTES, "file_hash": Form.HASH,
            "first_query": Form.TIME, "queries": Form.COUNT,
        },
    ),
    "reputation-checks": Verb(
        "antivirus software asks for the fingerprints of files as names under its maker's domain",
        {
            "times_per_hour": Parameter(0.5, 3000, "files that one host asks about"),
            "hash_bytes": Parameter(8, 32, "bytes of a fingerprint, written as hexadecimal digits"),
        },
        connects=False,
    ),
    "long-names": Verb(
        "a cloud service whose names carry long random labels",
        {"times_per_hour": Parameter(0.5, 200, "names that one host asks for")},
        connects=False,
    ),
    "log-queries": Verb(
        "the resolver writes down every question that it gets, as BIND 9 does: queries.log",
        {},
        target=(),
        source=("group",),
        connects=False,
        writes=(QUERIES,),
    ),
}  # fmt: skip

WITNESSES: Mapping[str, str] = {
    "tunnel.client": "the host that alone asks for the most names under one domain",
    "tunnel.domain": "that domain",
    "tunnel.kinds": "the record types that it asks for there",
    "tunnel.encoding": "whether all its data labels are hexadecimal digits",
    "tunnel.file_bytes": "the length of the parts in the order of their numbers, decoded",
    "tunnel.file_hash": "their SHA-256",
    "tunnel.first_query": "the first question under that domain, in the capture",
    "tunnel.queries": "how many questions there are, in the resolver's log",
    "reputation.domain": "the domain under which most hosts ask for names that begin with hexadecimal digits",
}

GUESSES: Mapping[str, str] = {
    "most-asked.domain": "the domain that most questions in the log are under",
    "longest-name.domain": "the domain of the longest name in the log",
    "most-questions.client": "who asks the resolver most",
}

READS: Mapping[str, tuple[str, ...]] = {
    "longest-name": (QUERIES,),
    "most-asked": (QUERIES,),
    "most-questions": (QUERIES,),
    "reputation": (QUERIES,),
    "tunnel": (QUERIES,),
}
