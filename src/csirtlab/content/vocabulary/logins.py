"""Words for logging in over SSH, with and without right."""

from collections.abc import Mapping

from csirtlab.content.labs import Form
from csirtlab.content.vocabulary.words import AUTH, NAME, Parameter, Texts, Verb

_PEOPLE = {
    "first_names": Texts("of account names, their first letters", NAME),
    "surnames": Texts("of account names", NAME),
}

VERBS: Mapping[str, Verb] = {
    "spray": Verb(
        "one password after the other is tried on many accounts, until one falls (T1110.003, T1078)",
        {
            "accounts": Parameter(3, 60, "accounts that are tried"),
            "known": Parameter(0.2, 1, "share of them that exist"),
            "rounds": Parameter(
                2, 12, "passwords that are tried on all; the last but one or the last is right for one"
            ),
            "gap_s": Parameter(0.3, 120, "seconds from one guess to the next"),
        },
        target=("host",),
        source=("service", "host"),
        lists=_PEOPLE,
        facts={"accounts": Form.SET, "fallen": Form.TEXT, "fall_time": Form.TIME},
        writes=(AUTH,),
    ),
    "log-in": Verb(
        "people who have an account log in over SSH, with a key or a password, and sometimes mistype it",
        {
            "times": Parameter(1, 40, "sessions in the window"),
            "mistakes": Parameter(0, 8, "wrong passwords before a session that begins with one"),
            "by_key": Parameter(0, 1, "share of the sessions that begin with a key"),
        },
        target=("host", "group"),
        source=("group", "host", "service"),
        lists=_PEOPLE,
        facts={"account": Form.TEXT},
        writes=(AUTH,),
    ),
}

WITNESSES: Mapping[str, str] = {
    "spray.source": "the address from which the most accounts were tried with wrong passwords",
    "spray.accounts": "those accounts",
    "spray.fallen": "the account that it logged in to",
    "spray.fall_time": "when the log says so",
    "mistyped.source": "the address that logs in after the longest row of wrong passwords for one account",
}

GUESSES: Mapping[str, str] = {
    "most-accepted.account": "the account that logs in most often",
    "first-failed.source": "the address of the first wrong password",
}

READS: Mapping[str, tuple[str, ...]] = {
    "first-failed": (AUTH,),
    "mistyped": (AUTH,),
    "most-accepted": (AUTH,),
    "spray": (AUTH,),
}
