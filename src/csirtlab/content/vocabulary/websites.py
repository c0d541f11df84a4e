"""Words for a public web site: visitors, robots, and somebody who breaks in."""

from collections.abc import Mapping

from csirtlab.content.labs import Form
from csirtlab.content.vocabulary.words import ACCESS, AGENT, LINE, WORD, Parameter, Texts, Verb

VERBS: Mapping[str, Verb] = {
    "visit-site": Verb(
        "people from outside read the site's pages, with pictures and styles, and search in it",
        {
            "sessions_per_hour": Parameter(0.1, 60, "how often one visitor comes"),
            "pages": Parameter(1, 40, "pages in one visit"),
            "response_bytes": Parameter(300, 400_000, "bytes of one answer"),
        },
        target=("host",),
        source=("service", "group"),
        writes=(ACCESS,),
    ),
    "search-site": Verb(
        "people from outside search the site for names and words, some of them with a quote or a word of SQL in it",
        {
            "times_per_hour": Parameter(0.1, 60, "how often one of them comes"),
            "searches": Parameter(1, 20, "searches in one visit"),
            "response_bytes": Parameter(300, 400_000, "bytes of one answer"),
        },
        target=("host",),
        source=("service", "group"),
        lists={"words": Texts("what they look for, one of these", LINE)},
        writes=(ACCESS,),
    ),
    "crawl": Verb(
        "a search engine's robot reads page after page, by its own name",
        {"gap_s": Parameter(0.5, 600, "seconds from one page to the next")},
        target=("host",),
        source=("service",),
        lists={"agents": Texts("how it calls itself, one of these", AGENT)},
        writes=(ACCESS,),
    ),
    "path-scan": Verb(
        "a scanner asks for hundreds of paths that may be there (T1595.002, T1595.003)",
        {
            "paths": Parameter(20, 5000, "how many paths it asks for"),
            "rate": Parameter(0.5, 100, "paths a second"),
        },
        target=("host",),
        source=("service",),
        lists={"agents": Texts("how it calls itself, one of these", AGENT)},
        facts={"agent": Form.TEXT},
        writes=(ACCESS,),
    ),
    "web-intrusion": Verb(
        "an injection is tried out, dumps tables, puts a web shell on the server and runs commands (T1190, T1505.003)",
        {
            "tries": Parameter(3, 200, "injections that end in an error, before the first that works"),
            "tables": Parameter(1, 20, "tables that are dumped"),
            "rows": Parameter(5, 5000, "rows of one table"),
            "commands": Parameter(2, 30, "commands that are run"),
            "gap_s": Parameter(0.3, 300, "seconds from one request to the next"),
        },
        target=("host",),
        source=("service",),
        lists={
            "parameters": Texts("parameters of the site's pages, of which one can be injected into", WORD),
            "names": Texts("names of tables", WORD),
            "orders": Texts("commands to choose from", LINE),
        },
        facts={
            "parameter": Form.TEXT, "tables": Form.SET, "rows": Form.COUNT, "shell_path": Form.TEXT,
            "commands": Form.LIST, "first_success": Form.TIME,
        },
        writes=(ACCESS,),
    ),
}  # fmt: skip

WITNESSES: Mapping[str, str] = {
    "intrusion.source": "the address whose UNION SELECT was answered with 200",
    "intrusion.first_success": "when the access log has the first of them",
    "intrusion.parameter": "the parameter that carried it",
    "intrusion.tables": "the tables named after FROM in those that were answered with 200",
    "intrusion.rows": "the rows in their answers, counted in the capture",
    "intrusion.shell_path": "the path that took commands",
    "intrusion.commands": "the commands, in their order",
    "path-scan.agent": "how that address called itself when it asked for what is not there",
    "auditor.source": "another address that asked for many paths that are not there",
}

GUESSES: Mapping[str, str] = {
    "most-requests.source": "the address with the most lines in the access log",
    "most-missing.source": "the address with the most answers 404",
    "first-quote.time": "the first line of the access log that carries a quote",
}

READS: Mapping[str, tuple[str, ...]] = {
    "auditor": (ACCESS,),
    "first-quote": (ACCESS,),
    "intrusion": (ACCESS,),
    "most-missing": (ACCESS,),
    "most-requests": (ACCESS,),
    "path-scan": (ACCESS,),
}
