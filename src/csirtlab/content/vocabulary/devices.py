"""Words for small devices: cameras that are watched, kept up to date, and looked after over telnet."""

from collections.abc import Mapping

from csirtlab.content.vocabulary.words import ACCOUNT, TYPED, Parameter, Texts, Verb

VERBS: Mapping[str, Verb] = {
    "watch-cameras": Verb(
        "a recorder fetches a picture from every camera over plain HTTP, again and again",
        {
            "interval_s": Parameter(5, 3600, "seconds from one picture of a camera to the next"),
            "picture_bytes": Parameter(500, 400_000, "bytes of one picture"),
        },
        target=("group",),
    ),
    "fetch-firmware": Verb(
        "devices ask their maker's server for new firmware, by name, with the program that a worm uses too",
        {
            "times": Parameter(0, 10, "files that one device fetches in the window"),
            "file_bytes": Parameter(200, 2_000_000, "bytes of one file"),
        },
    ),
    "maintain": Verb(
        "a technician who has an account logs in to devices over telnet and reads their settings",
        {"times": Parameter(1, 40, "sessions in the window")},
        target=("group",),
        lists={
            "accounts": Texts("accounts, one of which is the technician's", ACCOUNT),
            "passwords": Texts("beginnings of passwords", TYPED),
        },
    ),
}

GUESSES: Mapping[str, str] = {
    "first-download.server": "the first server outside from which a camera fetches a file",
}
