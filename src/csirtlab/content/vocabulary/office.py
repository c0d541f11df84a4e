"""Words for an ordinary day in an office, and for reading a capture of it."""

from collections.abc import Mapping

from csirtlab.content.vocabulary.words import ACCOUNT, Parameter, Texts, Verb

VERBS: Mapping[str, Verb] = {
    "browse": Verb(
        "people read web pages over TLS: a site, then what its pages fetch from others",
        {
            "sessions_per_hour": Parameter(0.1, 30, "how often a person sits down to read"),
            "pages": Parameter(1, 60, "pages read in one sitting"),
            "third_parties": Parameter(0, 12, "other sites that one page fetches from"),
            "response_bytes": Parameter(100, 2_000_000, "bytes of one answer, before encryption"),
        },
        needs_client=True,
    ),
    "intranet": Verb(
        "people read pages of a server inside the site, over plain HTTP",
        {
            "pages_per_hour": Parameter(0.1, 120, "pages that one host reads"),
            "response_bytes": Parameter(100, 400_000, "bytes of one page"),
        },
        target=("group",),
        people=("from",),
    ),
    "update": Verb(
        "the operating system fetches updates over plain HTTP",
        {
            "times": Parameter(0, 20, "fetches per host in the window"),
            "response_bytes": Parameter(500, 4_000_000, "bytes of one file"),
        },
        people=("from",),
    ),
    "share-files": Verb(
        "people fetch files from a file server and put files there, over SMB with encryption",
        {
            "sessions_per_hour": Parameter(0.05, 30, "how often one host signs in at the server"),
            "files": Parameter(1, 30, "files moved in one session"),
            "stored": Parameter(0, 1, "share of the files that are put there rather than fetched"),
            "file_bytes": Parameter(100, 4_000_000, "bytes of one file"),
        },
        target=("group", "host"),
        lists={"accounts": Texts("with which account a host signs in: one of these", ACCOUNT)},
    ),
    "clock": Verb(
        "a host asks a time server, again and again",
        {"interval_s": Parameter(16, 7200, "seconds from one question to the next")},
        connects=False,
    ),
    "stray-lookups": Verb(
        "names that do not exist: typing mistakes, old servers, suffix searches",
        {"times_per_hour": Parameter(0.1, 60, "names that one host asks for in vain")},
        target=(),
        connects=False,
    ),
    "announce": Verb(
        "hosts say who they are on the local network: mDNS, SSDP, NetBIOS, IPv6; DHCP leases are renewed",
        {"times_per_hour": Parameter(0.1, 60, "announcements of one host")},
        target=(),
        connects=False,
    ),
    "chat": Verb(
        "a web application that asks in bursts, whenever its person is active",
        {
            "connections": Parameter(1, 2000, "connections in the window"),
            "bursts": Parameter(1, 200, "bursts in which they come"),
            "request_bytes": Parameter(40, 60_000, "bytes that the client sends, before encryption"),
            "response_bytes": Parameter(40, 400_000, "bytes that the server answers, before encryption"),
        },
        needs_client=True,
    ),
}

WITNESSES: Mapping[str, str] = {
    "capture.frames": "how many frames there are",
    "capture.length": "seconds from the first frame to the last",
    "capture.top_host": "the name, in the asset list, of the host that sends and receives the most bytes",
    "capture.top_pair": "the two addresses that exchange the most bytes",
    "capture.windows_hosts": "who opens connections with a TTL of 128",
    "router.mac": "the Ethernet address that frames from outside come from",
    "unlisted.address": "the address that speaks and is not in the asset list",
    "unlisted.mac": "its Ethernet address",
    "unlisted.name": "the name that it gives when it renews its lease",
    "kiosk.server_names": "the names in the ClientHellos of the host whose role is kiosk",
}

GUESSES: Mapping[str, str] = {
    "most-connections.client": "who opens the most connections to one server",
    "most-connections.server": "that server",
    "most-bytes.client": "who sends the most payload to one address",
    "most-bytes.server": "that address",
    "first-connection.client": "who opens the first connection of the capture",
    "first-connection.server": "to whom",
    "busiest-host": "who opens the most connections in all",
}
