"""What the pages name exists, and what exists is named."""

import importlib
import importlib.util
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest
import typer
from jupyterhub.auth import Authenticator
from pages import PAGES, ROOT, name_of, parse  # type: ignore[import-not-found]
from starlette.routing import Route
from traitlets import Unicode
from traitlets.config import Config

from csirtlab.bench.attacks.siege.attacks import find_attacks
from csirtlab.cli.app import app
from csirtlab.content import courses, labs
from csirtlab.exchange import look, places
from csirtlab.exchange.app import exchange_app
from csirtlab.exchange.entries import Entry
from csirtlab.exchange.limits import FEEDBACK_LIMIT, MIB, RELEASE_LIMIT, SUBMISSION_LIMIT, SUBMISSIONS_LIMIT
from csirtlab.exchange.receipts import Receipt
from csirtlab.grading.runs import Limits
from csirtlab.hub import walls
from csirtlab.hub.authenticator import RosterAuthenticator
from csirtlab.hub.configure import configure
from csirtlab.hub.spawner import BoxSpawner

DOCS = ROOT / "docs"
SOURCES = [path for folder in ("src", "grader", "hub_config") for path in (ROOT / folder).rglob("*.py")]
TEXTS: dict[str, str] = {name_of(page): page.read_text(encoding="utf-8") for page in PAGES}
LAUNCHER_ALONE = {"test"}


def text(page: str) -> str:
    return TEXTS[page]


def table_rows(page: str) -> list[list[str]]:
    """Return the cells of all table rows of a page."""
    rows = [line.text for line in parse(ROOT / page)[0] if line.text.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]


def coded(cells: list[str]) -> set[str]:
    """Return what stands in backquotes in some cells."""
    return {word for cell in cells for word in re.findall(r"`([^`]+)`", cell)}


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    """The script that makes the page of commands."""
    spec = importlib.util.spec_from_file_location("make_cli", DOCS / "reference" / "make_cli.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_commands_is_current(maker: ModuleType) -> None:
    made = maker.page()

    assert made == text("docs/reference/cli.md"), "Make it anew: python docs/reference/make_cli.py"


def test_the_page_of_courses_and_labs_is_current() -> None:
    script = ROOT / "docs" / "reference" / "make_catalogue.py"

    made = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)

    assert made.returncode == 0, made.stderr


def test_every_command_has_an_example(maker: ModuleType) -> None:
    bare = [part.split("`")[1] for part in maker.page().split("\n## ")[1:] if "For example:" not in part]

    assert bare == []


def named_commands() -> list[tuple[str, str]]:
    """Return every command line that a page names, in text or in a block, with its page."""
    found = []
    for page in PAGES:
        lines, blocks = parse(page)
        inline = [word for line in lines for word in re.findall(r"`([^`]+)`", line.text)]
        shown = [line.removeprefix("$ ") for block in blocks for line in block.text.splitlines() if line[:2] == "$ "]
        found += [(name_of(page), said) for said in (*inline, *shown) if re.match(r"(\./)?csirtlab \S", said)]
    return found


def test_commands_that_are_named_exist_with_their_options(maker: ModuleType) -> None:
    maker.page()  # gathers the nouns
    commands = dict(maker.commands(typer.main.get_command(app)))
    nouns = {name.split()[0] for name in commands}
    wrong = []
    for page, said in named_commands():
        words = re.sub(r"\s[>|<].*", "", said).split()[1:]
        if words[0] in LAUNCHER_ALONE or words[0].isupper() or words[0].startswith("--"):
            continue  # `csirtlab NOUN VERB`, `csirtlab --help`
        if len(words) == 1 and words[0] in nouns:
            continue  # `csirtlab cohort`: the noun alone
        name = " ".join(words[:2]) if " ".join(words[:2]) in commands else words[0]
        parameters = commands[name].params if name in commands else ()
        known = {option for each in parameters for option in (*each.opts, *each.secondary_opts)}
        options = {word.split("=")[0] for word in words if word.startswith("--")}
        if name not in commands or not options <= known | {"--help"}:
            wrong.append(f"{page}: {said}")

    assert wrong == []


def test_every_environment_variable_is_documented_and_no_other() -> None:
    sources = [*SOURCES, ROOT / "csirtlab"]
    used = {name for path in sources for name in re.findall(r"CSIRTLAB_[A-Z_]+", path.read_text(encoding="utf-8"))}
    listed = {name for row in table_rows("docs/reference/configuration.md") for name in coded(row[:1])}
    named = {name for page in TEXTS.values() for name in re.findall(r"CSIRTLAB_[A-Z_]+", page)}

    assert {name for name in listed if name.startswith("CSIRTLAB_")} == used
    assert named <= used


def test_the_hubs_settings_are_those_that_are_documented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSIRTLAB_HOME", str(tmp_path))
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub" / "run.json").write_text('{"origin": "https://labs.example.org"}')
    for owner, name in ((RosterAuthenticator, "store"), (BoxSpawner, "store"), (BoxSpawner, "home"),
                        (BoxSpawner, "content"), (BoxSpawner, "sockets")):  # fmt: skip
        monkeypatch.setattr(owner, name, None, raising=False)
    config = Config()

    configure(config)

    RosterAuthenticator.store.close()
    settings = {f"{section}.{name}" for section, values in config.items() for name in values}
    assert {name for row in table_rows("docs/reference/configuration.md") for name in coded(row[:1])} >= settings
    documented = {name for row in table_rows("docs/reference/configuration.md") for name in coded(row[:1])
                  if re.fullmatch(r"(JupyterHub|Spawner|Authenticator)\.\w+", name)}  # fmt: skip
    assert documented == settings


def test_the_limits_are_those_that_are_documented() -> None:
    configuration, exchange = text("docs/reference/configuration.md"), text("docs/reference/exchange.md")
    grade = text("docs/how-to/grade-a-cohort.md")
    limits = Limits()

    assert (
        f"{walls.MOST_MEMORY_B >> 30} GiB of address space, {walls.MOST_FILE_B >> 30} GiB in a file, "
        f"{walls.MOST_OPEN_FILES} open files"
    ) in configuration
    assert f"| {walls.MOST_PROCESSES} |" in configuration
    assert f"| {limits.cell_s} s |" in configuration
    assert (
        f"{limits.total_s} s, {limits.memory_mib >> 10} GiB of memory, {limits.processes} processes, "
        f"{limits.file_mib} MiB in a file, {limits.output_mib} MiB of output"
    ) in configuration
    assert (
        f"{limits.cell_s} seconds, a whole notebook {limits.total_s} seconds and {limits.memory_mib >> 10} GiB" in grade
    )
    for what, most in (("release", RELEASE_LIMIT), ("feedback for one trainee", FEEDBACK_LIMIT)):
        assert re.search(rf"\| (a )?{what} \| {most // MIB} MiB \|", exchange)
    assert f"| a submission | {SUBMISSION_LIMIT // MIB} MiB packed" in exchange
    assert f"to one lab | {SUBMISSIONS_LIMIT} |" in exchange
    assert f"at the same time | {places.MOST_AT_ONCE}, of which one" in exchange
    assert f"within {places.WITHIN_S / 60:.0f} minutes | {places.MOST_REFUSED} |" in exchange
    assert (
        f"{look.MOST_CPU_S} s of processor time, {look.MOST_WALL_S:.0f} s in all, "
        f"{look.MOST_MEMORY_B / 2**30:g} GiB of address space"
    ) in exchange


def test_every_endpoint_of_the_exchange_is_documented_and_no_other() -> None:
    nothing = cast(Any, None)  # the routes alone are looked at
    served = set()
    for route in exchange_app(nothing, nothing, nothing, nothing).routes:
        assert isinstance(route, Route)
        path = re.sub(
            r"\{([a-z]+)[^}]*\}", lambda found: {"cohort": "C", "lab": "L"}.get(found[1], found[1].upper()), route.path
        )
        served |= {f"{method} {path}" for method in (route.methods or ()) if method != "HEAD"}

    assert {row[0].strip("`") for row in table_rows("docs/reference/exchange.md") if " /" in row[0]} == served


def test_receipts_and_log_entries_have_the_documented_keys() -> None:
    named = {name for row in table_rows("docs/reference/exchange.md") for name in coded(row[:1])}

    assert {field.name for field in fields(Receipt)} | {field.name for field in fields(Entry)} <= named


def test_every_key_kind_and_form_of_a_lab_is_documented() -> None:
    named = {name for row in table_rows("docs/reference/lab-format.md") for name in coded(row[:1])}

    assert {*labs._LAB_KEYS, *labs._QUESTION_KEYS, *labs.Kind, *labs.Form} <= named


def test_a_notebooks_calls_exist() -> None:
    from csirtlab import kit

    calls = {
        name.split("(")[0]
        for row in table_rows("docs/reference/lab-format.md")
        for name in coded(row[:1])
        if "(" in name
    }

    assert {name for name in calls if not name.startswith("case.")} == {name for name in kit.__all__ if name != "Case"}
    assert all(hasattr(kit.Case, name.removeprefix("case.")) for name in calls if name.startswith("case."))


def made_by_pages() -> set[str]:
    """Return the folders of content that pages tell their readers to make."""
    files = [block.mark.removeprefix("file: ") for page in PAGES for block in parse(page)[1] if block.mark]
    return {"/".join(name.split("/")[:2]) for name in files}


def test_labs_courses_and_scenarios_that_are_named_exist_and_are_named() -> None:
    there = {
        *(f"labs/{name}" for name in labs.lab_names(ROOT)),
        *(f"courses/{name}" for name in courses.course_names(ROOT)),
        *(f"datasets/{path.parent.name}" for path in (ROOT / "datasets").glob("*/scenario.toml")),
    }
    named = {
        found[0]
        for page in TEXTS.values()
        for found in re.finditer(r"\b(labs|courses|datasets)/[a-z][a-z0-9-]+\b(?!\.)", page)
    }
    words = {word for page in TEXTS.values() for word in re.findall(r"`([a-z0-9-]+)`", page)}

    assert named - made_by_pages() <= there
    assert {name.split("/")[1] for name in there if name.startswith("labs/")} <= words


def test_files_and_folders_that_are_named_exist() -> None:
    named = {
        path
        for page in TEXTS.values()
        for path in re.findall(r"`((?:src|grader|hub_config|tests|requirements|docs)/[\w./-]*)`", page)
    }

    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_the_walls_tests_exist() -> None:
    claimed = re.findall(r"`(\S+\.py): (test_\w+)`", text("docs/explanation/walls.md"))
    lost = []
    for file, name in claimed:
        tests = (ROOT / "tests" / file).read_text(encoding="utf-8")
        if not re.search(rf"^(async )?def {name}\(", tests, re.MULTILINE):
            lost.append(f"{file}: {name}")

    assert claimed
    assert lost == []


def test_the_attacks_of_the_threat_model_exist() -> None:
    rows = [row for row in table_rows("docs/explanation/threat-model.md") if "such as" not in row]
    claimed = {name for row in rows for name in coded(row[2:])}

    assert len(claimed) > 20
    assert {name for name in claimed if not (ROOT / "tests" / "attacks" / f"{name}.md").is_file()} == set()


def test_each_attack_on_the_hub_has_its_row_in_the_threat_model() -> None:
    rows = {name: row[2] for row in table_rows("docs/explanation/threat-model.md") for name in coded(row[1:2])}

    assert {name: rows.get(name) for name in (each.name for each in find_attacks())} == {
        each.name: each.tries for each in find_attacks()
    }


def other_service(name: str) -> type[Authenticator]:
    """Return a class with the name and the settings of an authenticator that is not installed for tests."""
    return cast("type[Authenticator]", type(name, (Authenticator,), {"username_key": Unicode().tag(config=True)}))


@pytest.mark.parametrize("package", ["oauthenticator", "ltiauthenticator"])
def test_the_settings_for_signing_in_elsewhere_can_be_read(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, blocks = parse(DOCS / "how-to" / "sign-in-elsewhere.md")
    (block,) = [block for block in blocks if block.mark == f"config: needs {package}"]
    module, names = re.findall(rf"^from ({package}[\w.]*) import (\w+)", block.text, re.MULTILINE)[0]
    stand_in = ModuleType(module)
    setattr(stand_in, names, other_service(names))
    for parent in module.split(".")[:-1]:
        monkeypatch.setitem(sys.modules, parent, ModuleType(parent))
    monkeypatch.setitem(sys.modules, module, stand_in)
    monkeypatch.setitem(sys.modules, package, ModuleType(package))
    monkeypatch.setenv("CSIRT_OAUTH_SECRET", "x")
    config = Config()

    exec(compile(block.text, "jupyterhub_config.py", "exec"), {"c": config})

    assert issubclass(config.JupyterHub.authenticator_class, getattr(stand_in, names))
    assert config.JupyterHub.authenticator_class.__name__.startswith("MembersOnly")


def test_nbgraders_settings_that_are_named_exist() -> None:
    from nbgrader.plugins.latesubmission import LateSubmissionPlugin

    block = next(block for block in parse(DOCS / "how-to" / "grade-a-cohort.md")[1] if block.language == "python")
    config = Config()

    exec(block.text, {"c": config})

    plugin: Mapping[str, Any] = config["LateSubmissionPlugin"]
    assert LateSubmissionPlugin(config=config).penalty_method == plugin["penalty_method"]
