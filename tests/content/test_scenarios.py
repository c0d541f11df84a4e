"""A scenario file becomes values; a wrong one is refused with its line and the way out."""

import re
from pathlib import Path

import pytest

from csirtlab.content.labs import Form
from csirtlab.content.scenarios import Fact, Scenario, read_scenario, scenario_names
from csirtlab.errors import ContentError
from csirtlab.settings import content_root

RIGHT = (content_root() / "datasets" / "c2-beacon" / "scenario.toml").read_text(encoding="utf-8")


@pytest.fixture
def content(tmp_path: Path) -> Path:
    (tmp_path / "datasets" / "c2-beacon").mkdir(parents=True)
    return tmp_path


def written(content: Path, source: str) -> Scenario:
    (content / "datasets" / "c2-beacon" / "scenario.toml").write_text(source, encoding="utf-8")
    return read_scenario(content, "c2-beacon")


def test_every_scenario_of_the_project_is_right() -> None:
    for name in scenario_names(content_root()):
        assert read_scenario(content_root(), name).name == name


def test_a_scenario_holds_its_cast_its_phases_and_its_facts(content: Path) -> None:
    scenario = written(content, RIGHT)

    assert [actor.name for actor in scenario.actors] == ["infected", "reporter", "talker"]
    assert [(phase.name, phase.technique) for phase in scenario.phases] == [("command and control", "T1071.001")]
    assert scenario.incident[0].ranges["jitter"] == (0.16, 0.38)
    assert Fact("first_beacon", Form.TIME, "beacon", "first_start", "beacon.first_start") in scenario.facts


def test_the_incident_has_a_look_alike(content: Path) -> None:
    scenario = written(content, RIGHT)

    assert [look.resembles for look in scenario.look_alikes] == [scenario.incident[0].id]


def test_an_action_may_give_parts_to_others_and_they_must_be_there(content: Path) -> None:
    right = (content_root() / "datasets" / "iot-worm-and-plc" / "scenario.toml").read_text(encoding="utf-8")
    assert dict(written(content, right).incident[0].others) == {"first": "patient-zero", "loader": "loader"}

    with pytest.raises(ContentError, match=r'no service "lodger"\. Known above this line: bot, loader'):
        written(content, right.replace('loader = "loader"', 'loader = "lodger"'))


@pytest.mark.parametrize(
    ("right", "wrong", "line_of", "says"),
    [
        ('do = "beacon"', 'do = "becon"', "becon", 'action "becon" is unknown. Known: announce, beacon, browse'),
        ("jitter = [0.16, 0.38]", "jitter = [0.38, 0.16]", "jitter = [0.38", "must be a range [low, high]"),
        ("jitter = [0.16, 0.38]", "jitter = [0.16, 1.5]", "1.5", '"jitter" must lie within 0 and 0.9'),
        ("jitter = [0.16, 0.38]", "jiter = [0.16, 0.38]", "jiter", 'unknown key "jiter". Known here'),
        ('from = "infected"', 'from = "infcted"', "infcted", 'no group or host "infcted". Known above this line'),
        ('of = "beacon"\n', 'of = "becon"\n', 'of = "becon"', 'no action "becon"'),
        ('of = "c2.name"', 'of = "c2.nme"', "c2.nme", '"c2" has no measure "nme". It has: address, name'),
        ('of = "c2.name"', 'of = "c3.name"', "c3.name", '"c3" is no actor, service or action. Known: infected'),
        ('name = "printer"\n', 'name = "router"\n', 'name = "router"\nrole = "printer"', "Give each its own name"),
        ('systems = ["linux"]', 'systems = ["linus"]', "linus", 'system "linus" is unknown. Known: windows-11'),
        ('client = "system"', 'client = "sistem"', "sistem", "needs client = one of browser, system, library"),
        ('group = "workstation"\nfamily = "windows"', 'group = "printer"\nfamily = "windows"', 'family = "windows"',
         'group "printer" has no windows host'),
        ('"198.18.0.0/15", "100.64.0.0/10"]\nrtt_ms = [18', '"8.8.8.0/24"]\nrtt_ms = [18', "8.8.8.0",
         '"8.8.8.0/24" may belong to somebody. Use a part of'),
        ('"finanzas.example"', '"finanzas.gob"', "finanzas.gob", "must end in .example or .test"),
        ('"{word}-{noun}.{tld}", "{noun}{noun}', '"{word}.com", "{noun}{noun}', "{word}.com", "only those belong to"),
        ("minutes = [62, 86]", "minutes = [62, 8600]", "8600", '"minutes" must lie within 1 and 1440'),
        ("days = [2026-02-02, 2026-11-27]", "days = [2026-12-02, 2026-11-27]", "2026-12-02", "Write the earlier one"),
        ("[[look_alike]]", "[[lookalike]]", "[[lookalike]]", "unknown table [lookalike]. Known here"),
        ('networks = ["10.0.0.0/8",', 'networks = ["10.0.0.0/33",', "/33", "is no IPv4 network"),
    ],
)  # fmt: skip
def test_a_wrong_scenario_is_refused_with_its_line_and_the_way_out(
    content: Path, right: str, wrong: str, line_of: str, says: str
) -> None:
    assert right in RIGHT
    source = RIGHT.replace(right, wrong, 1)
    line = source[: source.index(line_of)].count("\n") + 1

    with pytest.raises(ContentError, match=re.escape(says)) as refusal:
        written(content, source)

    found = re.search(r"scenario\.toml:(\d+): ", str(refusal.value))
    assert found
    assert abs(int(found[1]) - line) <= 1


def test_a_phase_without_an_action_is_refused(content: Path) -> None:
    with pytest.raises(ContentError, match=r"the phase does nothing\. Add a \[\[phase\.action\]\]"):
        written(content, f'{RIGHT}\n[[phase]]\nname = "exfiltration"\ntechnique = "T1041"\n')


def test_an_action_that_may_begin_after_the_capture_is_over_is_refused(content: Path) -> None:
    with pytest.raises(ContentError, match="after 62 minutes, when a capture of 62 is over") as refusal:
        written(content, RIGHT.replace("starts_min = [3, 16]", "starts_min = [3, 62]"))

    assert "raise the minutes of the [window]" in str(refusal.value)


def test_a_phase_that_always_begins_before_the_one_above_it_is_refused(content: Path) -> None:
    incident = RIGHT[RIGHT.index("[[phase.action]]") : RIGHT.index("[[look_alike]]")]
    second = incident.replace('id = "beacon"', 'id = "earlier"').replace("starts_min = [3, 16]", "starts_min = [1, 2]")
    phases = f'[[phase]]\nname = "too early"\ntechnique = "T1041"\n\n{second}'

    with pytest.raises(ContentError, match="begins before minute 2") as refusal:
        written(content, RIGHT.replace("[[look_alike]]", f"{phases}\n[[look_alike]]", 1))

    assert "Tell the phases in the order in which they happen" in str(refusal.value)


def test_a_phase_that_nothing_harmless_resembles_is_refused(content: Path) -> None:
    start, end = RIGHT.index("[[look_alike]]"), RIGHT.index("[[fact]]")

    with pytest.raises(ContentError, match=r'nothing harmless resembles the phase "command and control"') as refusal:
        written(content, RIGHT[:start] + RIGHT[end:])

    line = RIGHT[: RIGHT.index('name = "command and control"')].count("\n") + 1
    assert f"scenario.toml:{line}: " in str(refusal.value)
    assert 'Add a [[look_alike]] with of = "beacon"' in str(refusal.value)


@pytest.mark.parametrize("network", ["127.0.0.0/8", "203.0.113.0/24", "169.254.0.0/16", "8.8.8.0/24", "10.0.0.0/25"])
def test_a_site_lives_in_a_private_network(content: Path, network: str) -> None:
    with pytest.raises(ContentError, match=r"must be a private network of /24 or larger, a part of 10\.0\.0\.0/8"):
        written(content, RIGHT.replace('networks = ["10.0.0.0/8",', f'networks = ["{network}",', 1))


def test_a_missing_scenario_says_which_there_are(content: Path) -> None:
    written(content, RIGHT)

    with pytest.raises(ContentError, match=r'there is no scenario "dns-tunel"\. Scenarios here: c2-beacon'):
        read_scenario(content, "dns-tunel")


@pytest.mark.parametrize("name", ["../c2-beacon", "/etc", "", "C2"])
def test_a_name_that_would_leave_the_folder_is_refused(content: Path, name: str) -> None:
    with pytest.raises(ContentError, match="there is no scenario"):
        read_scenario(content, name)
