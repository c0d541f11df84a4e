"""Wrong scenarios that would only fail later, or for some seeds alone, are refused when they are read."""

import re
from pathlib import Path

import pytest

from csirtlab.content.scenario_checks import OTHER_PLACES, SERVER_PLACES
from csirtlab.content.scenarios import Scenario, read_scenario, scenario_names
from csirtlab.content.vocabulary import GUESSES, READ, VERBS, WITNESSES, WRITTEN, read_by
from csirtlab.errors import ContentError
from csirtlab.settings import content_root

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "write-a-scenario.md"


def source_of(name: str) -> str:
    return (content_root() / "datasets" / name / "scenario.toml").read_text(encoding="utf-8")


def written(content: Path, source: str) -> Scenario:
    folder = content / "datasets" / "case"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scenario.toml").write_text(source, encoding="utf-8")
    return read_scenario(content, "case")


HOSTS = (
    '[[host]]\nname = "crowd"\nrole = "{role}"\ncount = [{count}, {count}]\nsystems = ["linux"]\nnames = ["{names}"]\n'
)
SERVICE = (
    '[[service]]\nname = "more"\ncount = [{count}, {count}]\nnames = ["{names}"]\nnetworks = ["{network}"]\n'
    "rtt_ms = [8, 130]\nttl_s = [60, 3600]\n"
)


def service(count: int, names: str, network: str) -> str:
    return f"{SERVICE.format(count=count, names=names, network=network)}[[background]]"


EXTRA = '[[actor]]\nname = "extra{}"\ngroup = "printer"\n'
PHASE = '[[phase]]\nname = "later"\ntechnique = "T1041"\n'
BEACON, SPRAY, PHISH, CUSTODY = "c2-beacon", "scan-and-spray", "phish-to-download", "custody"
TUNNEL, WORM, OFFICE = "dns-tunnel", "iot-worm-and-plc", "first-look"


@pytest.mark.parametrize(
    ("name", "right", "wrong", "line_of", "says"),
    [
        # Numbers
        (BEACON, "jitter = [0.16, 0.38]", "jitter = [nan, nan]", "[nan", "must be a range [low, high] of numbers"),
        (BEACON, "jitter = [0.16, 0.38]", "jitter = [0, inf]", "inf]", "must be a range [low, high] of numbers"),
        (BEACON, "jitter = [0.16, 0.38]", "jitter = [0, 1e999]", "1e999", "must be a range [low, high] of numbers"),
        (BEACON, "jitter = [0.16, 0.38]", f"jitter = [0, 0x{'f' * 5000}]", "jitter = [0, 0x", "must be a range"),
        (BEACON, "version = ", f"version = 0x{'f' * 5000} #", "version", '"version" must be a whole number'),
        (BEACON, "days = [2026-02-02, ", "days = [1970-12-31, ", "days =", "must lie within 1971-01-01 and 2105-12-31"),
        (BEACON, "2026-11-27]", "2106-01-01]", "days =", "must lie within 1971-01-01 and 2105-12-31"),
        # The cast
        (BEACON, 'systems = ["router"]', 'systems = ["linux"]', "[[host]]", 'Add a [[host]] with systems = ["router"]'),
        (BEACON, 'systems = ["router"]', 'systems = ["router"]\ncount = [2, 2]', "count = [2, 2]", "Keep one group"),
        (BEACON, 'systems = ["router"]', 'systems = ["router", "linux"]', '["router", "linux"]', "Keep one group"),
        (BEACON, "[[actor]]",
         '[[host]]\nname = "other"\nrole = "spare"\nsystems = ["router"]\nnames = ["GW2"]\n[[actor]]',
         'systems = ["router"]\nnames = ["GW2"]', "the site has one router, but"),
        (BEACON, "DNS", "names", "[[host]]", 'Give one group a role that says "DNS"'),
        (BEACON, "[[actor]]", f"{HOSTS.format(role='file server', count=60, names='S-{department}-{number}')}[[actor]]",
         "count = [60, 60]", f"a site has {SERVER_PLACES} addresses for servers and controllers"),
        (BEACON, "[[actor]]", f"{HOSTS.format(role='desk', count=200, names='S-{department}-{number}')}[[actor]]",
         "count = [200, 200]", f"a site has {OTHER_PLACES} addresses for others"),
        (BEACON, "[[actor]]", f"{HOSTS.format(role='desk', count=49, names='SPARE-{number}')}[[actor]]",
         'names = ["SPARE-{number}"]', "give 48 names, too few for 49"),
        (OFFICE, 'names = ["GW-{number}"]', 'names = ["G{word"]', "{word", "a bracket without its other half"),
        (BEACON, 'names = ["GW-{number}"]', 'names = ["GW-{figure}"]', "{figure}", "unknown placeholder {figure}"),
        (BEACON, 'names = ["GW-{number}"]', 'names = ["GW-number}"]', "number}", "a bracket without its other half"),
        (BEACON, 'names = ["GW-{number}"]', 'names = ["GW-{number}", " "]', '" "]', "lists an empty text"),
        (BEACON, 'names = ["GW-{number}"]', 'names = ["G\\nW"]', 'G\\nW', "gives no names"),
        (BEACON, 'names = ["GW-{number}"]', 'names = ["-GW"]', '-GW', "gives no names"),
        (BEACON, 'names = ["GW-{number}"]', f'names = ["{"g" * 64}"]', "g" * 64, "DNS allows 63"),
        (BEACON, 'names = ["GW-{number}"]', 'names = ["gw.museum"]', "gw.museum", "Take no dots"),
        (BEACON, 'name = "router"', 'name = "rou\\nter"', '= "rou\\nter', "must be one line without control"),
        (BEACON, 'role = "router"', 'role = "rou\\nter"', '= "rou\\nter', "must be one line without control"),
        (BEACON, '"finanzas.example"', '"museum.{tld}"', "museum.", "must end in .example or .test"),
        (BEACON, '"finanzas.example"', f'"{"a" * 64}.example"', "aaaa", "DNS allows 63"),
        (BEACON, '"finanzas.example"', '"-finanzas.example"', "-finanzas", "gives no names"),
        (BEACON, '[[actor]]\nname = "infected"',
         EXTRA.format(1) + EXTRA.format(2) + '[[actor]]\nname = "infected"', 'name = "extra2"', "no host left"),
        # Servers outside
        (BEACON, "[[background]]", service(1, "a{number}.test", "192.0.2.8/30"),
         "192.0.2.8/30", "too small for servers. Use /29 or larger"),
        (BEACON, "[[background]]", service(7, "a{number}.test", "192.0.2.8/29"),
         "192.0.2.8/29", "have 6 addresses, too few for 7 servers"),
        (BEACON, "[[background]]", service(3, "a.test", "192.0.2.0/24"),
         '"a.test"', "give 1 names, too few for 3"),
        (BEACON, "[[background]]",
         service(1, f"{'b' * 60}{{word}}.test", "192.0.2.0/24"), "bbbb", "DNS allows 63"),
        # Phases
        (BEACON, "[[phase.action]]", "[phase.action]", "[[phase]]", "Write each below its own [[phase.action]]"),
        (BEACON, "[[look_alike]]", f"{PHASE}action = 5\n[[look_alike]]", "action = 5", "its own [[phase.action]]"),
        (BEACON, "[[look_alike]]", f"{PHASE}action = [{{ id = 'x' }}]\n[[look_alike]]", "action = [{", "its own"),
        (SPRAY, "starts_min = [8, 40]\n", "", "[[phase.action]]\nid = \"port-scan\"", "starts_min = [2, ...]"),
        (BEACON, '[[phase]]\nname = "command and control"\ntechnique = "T1071.001"\n', "", "", "Add a [[phase]]"),
        (CUSTODY, 'do = "update"\nfrom = "workstation"', 'do = "update"\nfrom = "printer"', 'from = "printer"',
         '"printer" may be a printer, and people sit at none'),
        (PHISH, 'relay = "', 'relay = "correspondents" # "', 'relay = "corr', "servers: which is meant?"),
        (PHISH, 'do = "colleagues"\nfrom = "workstation"', 'do = "colleagues"\nfrom = "printer"', 'do = "colleagues"',
         '"from" must be the group that "people" names'),
        # Lists of texts
        (SPRAY, '"22", "445"', '"ssh", "445"', '"ssh"', "'ssh', which must be a port from 1 to 65535"),
        (SPRAY, '"22", "445"', '"99999", "445"', '"99999"', "'99999', which must be a port"),
        (SPRAY, '"22", "445"', '"-1", "445"', '"-1"', "'-1', which must be a port"),
        (SPRAY, '"22", "445"', '"445", "445"', '"445", "445"', "lists '445' twice"),
        (CUSTODY, 'people = [', 'people = ["A. Rojas"]', "people = ", '"people" needs at least 2'),
        (CUSTODY, 'people = [', 'people = ["A. Rojas", "A. Rojas"]', "people = ", "lists 'A. Rojas' twice"),
        (TUNNEL, 'kinds = [', 'kinds = ["AXFR"]', "kinds = ", "'AXFR', which must be one of A, CNAME, MX"),
        (WORM, 'reads = [', 'reads = ["inputs"]', "reads = ", "which must be one of coils, setpoints, values"),
        (SPRAY, 'surnames = [', 'surnames = ["", "Soto"]', "surnames = ", '"surnames" lists an empty text'),
        # Facts
        (BEACON, 'of = "c2.name"', 'of = "sites.name"', "sites.name", "servers: which is meant?"),
        (TUNNEL, 'of = "tunnel.queries"\n', 'of = "tunnel.count"\n', "tunnel.count", "opens no TCP connection"),
        (BEACON, 'of = "beacon.first_lookup"', 'of = "browsing.first_lookup"', "browsing.first_lookup",
         "looks up no name of one server outside"),
        (BEACON, 'witness = "beacon.client"', 'witness = "spray.source"', "spray.source",
         '"spray.source" reads auth.log, which no action here writes. These do: log-in, spray'),
        (BEACON, 'guess = "most-connections.client"', 'guess = "most-requests.source"', "most-requests.source",
         "reads access.log, which no action here writes"),
    ],
)  # fmt: skip
def test_what_would_fail_later_is_refused_at_its_line(
    tmp_path: Path, name: str, right: str, wrong: str, line_of: str, says: str
) -> None:
    found = source_of(name)
    assert right in found
    if right.endswith("= ["):  # a list that goes over several lines
        start = found.index(right)
        right = found[start : found.index("]", start) + 1]
    source = found.replace(right, wrong, 1)
    line = source[: source.index(line_of)].count("\n") + 1

    with pytest.raises(ContentError, match=re.escape(says)) as refusal:
        written(tmp_path, source)

    told = re.search(r"scenario\.toml:(\d+): ", str(refusal.value))
    assert told, refusal.value
    assert abs(int(told[1]) - line) <= 1, refusal.value
    assert len(str(refusal.value)) < 900


@pytest.mark.parametrize(
    ("source", "line", "says"),
    [
        (f"\nversion = {'9' * 5000}\n", 2, "a number is too long"),
        (f"\nversion = {'[' * 100_000}\n", 2, "too deep. Close them earlier"),
        ('title = "x"\n\ufeffversion = 1\n', 2, "not valid TOML"),
    ],
)
def test_what_toml_cannot_hold_is_refused_at_its_line(tmp_path: Path, source: str, line: int, says: str) -> None:
    with pytest.raises(ContentError, match=rf"scenario\.toml:{line}: .*{re.escape(says)}"):
        written(tmp_path, source)


def test_a_mark_at_the_begin_of_the_file_is_no_mistake(tmp_path: Path) -> None:
    assert written(tmp_path, f"\ufeff{source_of(BEACON)}").facts


def test_lines_in_a_long_text_are_no_tables(tmp_path: Path) -> None:
    tell = '[[tell]]\nfield = \'ttl\'\ncopies = """\n[[host]]\nname = \\"\\"\\" # ]\n"""\n\n'
    source = source_of(BEACON).replace("[[actor]]", f"{tell}[[actor]]", 1)

    with pytest.raises(ContentError, match="nonsense") as refusal:
        written(tmp_path, source.replace('name = "reporter"', 'nonsense = "reporter"', 1))

    line = source[: source.index('name = "reporter"')].count("\n") + 1
    assert f"scenario.toml:{line}: " in str(refusal.value)


def test_a_folder_in_the_place_of_the_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "datasets" / "case" / "scenario.toml").mkdir(parents=True)

    with pytest.raises(ContentError, match=r"scenario\.toml:1: cannot be read: Is a directory\. Put a file there"):
        read_scenario(tmp_path, "case")


def test_a_folder_whose_name_is_none_for_a_scenario_is_left_out_and_told(tmp_path: Path) -> None:
    written(tmp_path, source_of(BEACON))
    (tmp_path / "datasets" / "Bad Name").mkdir()
    (tmp_path / "datasets" / "Bad Name" / "scenario.toml").write_text(source_of(BEACON))

    assert scenario_names(tmp_path) == ["case"]
    with pytest.raises(ContentError, match="named in lower-case letters, digits and hyphens"):
        read_scenario(tmp_path, "Bad Name")


def test_a_tunnel_whose_names_dns_does_not_carry_is_refused(tmp_path: Path) -> None:
    head, incident = source_of(TUNNEL).split("[[phase.action]]", 1)
    head = head.replace("[[background]]", service(1, f"{'t' * 60}.test", "192.0.2.0/24"), 1)
    incident = re.sub('to = "[a-z0-9-]+"', 'to = "more"', incident, count=1)
    incident = re.sub("label_bytes = .*", "label_bytes = [60, 60]", incident, count=1)
    source = "[[phase.action]]".join([head, re.sub("labels = .*", "labels = [3, 3]", incident, count=1)])

    with pytest.raises(ContentError, match=r"longer than the 253 that DNS allows\. Lower") as refusal:
        written(tmp_path, source)

    assert f"scenario.toml:{source[: source.index('label_bytes')].count(chr(10)) + 1}: " in str(refusal.value)


def test_files_are_known_by_the_words_of_the_vocabulary() -> None:
    made = {file for written in WRITTEN.values() for file in written}
    readers = {name for name in (*WITNESSES, *GUESSES) if read_by(name)}

    assert set(WRITTEN) <= set(VERBS)
    assert {file for name in readers for file in read_by(name)} <= made
    assert {name.split(".")[0] for name in READ} <= {name.split(".")[0] for name in readers}


def test_the_manual_says_who_writes_and_who_reads_a_file() -> None:
    page = PAGE.read_text(encoding="utf-8")
    told: dict[str, tuple[set[str], set[str]]] = {}
    for row in page[page.index("| file | written by |") :].split("\n\n")[0].splitlines()[2:]:
        (file,), *who = (re.findall(r"`([^`]+)`", cell) for cell in row[1:-1].split("|"))
        told[file] = (set(who[0]), {name.removesuffix("*") for name in who[1]})

    assert set(told) == {file for written in WRITTEN.values() for file in written}
    for file, (writers, readers) in told.items():
        assert writers == {verb for verb, made in WRITTEN.items() if file in made}
        for name in (*WITNESSES, *GUESSES):
            is_told = name in readers or f"{name.split('.')[0]}." in readers
            assert is_told == (file in read_by(name)), name
