"""Rosters: names of people, which pages of the hub, the workshop and the formgrader show."""

from csirtlab.bench.attacks.hub.sessions import SERVER, open_cohorts_server
from csirtlab.bench.attacks.siege.attacks import attack, slow_attack
from csirtlab.bench.attacks.siege.ground import Siege, shown
from csirtlab.cohorts.roster import parse_roster
from csirtlab.errors import RosterError
from csirtlab.languages import Language


@slow_attack
def names_that_are_programs(siege: Siege) -> list[str]:
    """Put programs and templates into people's names, and look at all pages that greet them.

    They are shown as they are written: none runs, none is computed.
    """
    found = []
    for name in ("sol", "mar", "nur", "eva"):
        with siege.aside(siege.person(name)) as tab:
            for place in ("/services/workshop/", "/services/workshop/nothing"):
                html = siege.visit(tab, siege.url + place)
                found += [f"{name}'s name acts at {place}"] * tab.evaluate("Boolean(window.pwned)")
                found += [f"{name}'s name is computed at {place}"] * ("1337" in html)
    return found


@slow_attack
def names_in_the_formgrader(siege: Siege) -> list[str]:
    """Look at people whose names are programs in every table of the formgrader.

    None runs.
    """
    sol = siege.person("sol")
    open_cohorts_server(sol)
    found, seen = [], ""
    with siege.aside(sol) as tab:
        for place in (
            "manage_students",
            "manage_students/eva",
            "manage_assignments",
            "gradebook",
            "manage_submissions/c2-beacon",
            "gradebook/c2-beacon",
            "gradebook/c2-beacon/c2-beacon",
        ):
            siege.visit(tab, f"{siege.url}{SERVER}/formgrader/{place}")
            tab.wait_for_function("!window.jQuery || !jQuery.active")
            seen += shown(tab)
            found += [f"a name acts in {place}"] * tab.evaluate("Boolean(window.pwned)")
    return found + ["the formgrader does not show eva at all"] * ("eva" not in seen)


@attack
def rosters_that_are_no_rosters(siege: Siege) -> list[str]:  # noqa: ARG001  # as every attack
    """Write user names that are paths, cohorts' accounts, others' in capitals, or hold control characters into a roster.

    Each is refused with its line, before anything is made.
    """
    names = (
        "../x",
        "grade-demo",
        "grade-",
        "a/b",
        "a b",
        "a\tb",
        "a%2fb",
        "..",
        ".",
        "a" * 40,
        "1a",
        "ana\x00",
        "ａｎａ",
        "-rf",
        "a;b",
        "a\u202eb",
        "",
        "*",
        "a@b",
    )
    found = []
    for name in names:
        try:
            parse_roster(
                f'username,name,role\n"{name}",X,trainee\n'.encode(), source="roster.csv", default_language=Language.EN
            )
            found.append(f"{name!r} is taken")
        except RosterError as error:
            found += [f"{name!r} is refused without its line"] * ("roster.csv:2" not in str(error))
    for row in (
        "a,X,root",
        "a,X,trainee,more",
        'a,"X\x00",trainee',
        'a,"X\x1b[2J",trainee',
        "a,X,instructor\na,Y,trainee",
        f"a,{'X' * 200},trainee",
    ):
        try:
            parse_roster(f"username,name,role\n{row}\n".encode(), source="roster.csv", default_language=Language.EN)
            found.append(f"{row!r} is taken")
        except RosterError:
            continue
    return found
