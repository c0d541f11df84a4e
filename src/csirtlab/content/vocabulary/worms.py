"""Words for a worm among small devices, which guesses passwords over telnet."""

from collections.abc import Mapping

from csirtlab.content.labs import Form
from csirtlab.content.vocabulary.words import ACCOUNT, TYPED, Parameter, Texts, Verb

VERBS: Mapping[str, Verb] = {
    "telnet-worm": Verb(
        "from outside, then from device to device: knock at telnet, guess a default password, let the device fetch a "
        "file, go on from there (T1078.001, T1105)",
        {
            "knocks": Parameter(2, 60, "hosts that are knocked at from outside before the first device"),
            "gap_s": Parameter(0.2, 120, "seconds from one of these knocks to the next"),
            "tries": Parameter(1, 6, "wrong passwords on a device before the right one"),
            "rest_s": Parameter(1, 900, "seconds from the file's arrival until the device looks for others"),
            "scan_gap_s": Parameter(0.2, 60, "seconds from one address of the network to the next"),
            "file_bytes": Parameter(500, 400_000, "bytes of the file, which does nothing"),
        },
        target=("group",),
        source=("service",),
        lists={
            "accounts": Texts("accounts that makers give their devices", ACCOUNT),
            "passwords": Texts("beginnings of passwords", TYPED),
            "files": Texts("beginnings of the file's name", TYPED),
        },
        others={"first": ("host",), "loader": ("service",)},
        facts={"devices": Form.SET, "pair": Form.TEXT, "first_fetch": Form.TIME},
    ),
}  # fmt: skip

WITNESSES: Mapping[str, str] = {
    "worm.devices": "the hosts that were told over telnet to fetch a file, and fetched it",
    "worm.pair": "account and password, with a colon between, typed in those sessions",
    "worm.loader": "the server from which they fetched it",
    "worm.first_device": "the first host that was told so",
    "worm.first_fetch": "when it asked for the file",
    "worm.source": "who told it so",
}

GUESSES: Mapping[str, str] = {
    "first-login.pair": "the first account and password typed over telnet",
    "first-telnet.server": "the first host that somebody opens a telnet connection to",
    "first-telnet.client": "who opens it",
}
