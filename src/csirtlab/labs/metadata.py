"""Whether a lab says truly what it is about: its mappings, its scenario and facts, its points, links and images."""

import re
from collections.abc import Iterator
from pathlib import Path

from csirtlab.content.frameworks import Frameworks, read_frameworks
from csirtlab.content.labs import Kind, Lab
from csirtlab.content.scenarios import read_scenario
from csirtlab.errors import ContentError

POINTS = 100
_IMAGE = re.compile(r"!\[(?P<alt>[^\]]*)\]\([^)]*\)|<img\b(?P<tag>[^>]*)>", re.IGNORECASE)
_ALT = re.compile(r"""\balt\s*=\s*(["'])\s*\S.*?\1""", re.IGNORECASE)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(\s*<?([^)\s>]*)[^)]*\)")
_SOUND = re.compile(r"https://[^\s/]+\.[^\s]+|#.+")
_FENCE = re.compile(r"^\s{0,3}(`{3,}|~{3,})")


def metadata_problems(content: Path, lab: Lab) -> list[str]:
    """Return what is wrong, one ``file:line: problem`` each; empty is good."""
    return [*_mappings(lab, read_frameworks()), *_questions(content, lab), *_markdown(lab)]


def _mappings(lab: Lab, known: Frameworks) -> Iterator[str]:
    for name in lab.attack:
        place = _place(lab, name)
        if name in known.revoked:
            successor = known.revoked[name]
            way_out = f"Write {successor}." if successor else "Look up what takes its place at attack.mitre.org."
            yield f"{place}: ATT&CK has revoked {name}. {way_out}"
        elif name not in known.techniques:
            yield (
                f"{place}: {name} is not among the techniques that were checked. Look it up at attack.mitre.org, "
                "then add it with its name to content/frameworks.toml."
            )
    for role in lab.nice:
        if role not in known.roles:
            yield f"{_place(lab, role)}: {role} is no known NICE role. Known: {', '.join(known.roles)}."
    for service in lab.services:
        if service not in known.services:
            yield (
                f'{_place(lab, service)}: "{service}" is not a name in FIRST\'s CSIRT Services Framework v2.1. '
                f"Known: {', '.join(known.services)}."
            )


def _questions(content: Path, lab: Lab) -> Iterator[str]:
    if lab.points != POINTS:
        yield f"{lab.folder}/lab.toml:1: the questions are worth {lab.points:g} points in all. Let them be {POINTS}."
    try:
        scenario = read_scenario(content, lab.scenario)
    except ContentError as error:
        yield f"{_place(lab, lab.scenario)}: {error}"
        return
    forms = {fact.name: str(fact.form) for fact in scenario.facts}
    for question in lab.questions:
        if question.kind not in (Kind.FINDING, Kind.METHOD) or question.fact is None:
            continue
        place = _place(lab, question.id)
        if question.fact not in forms:
            yield (
                f'{place}: question "{question.id}" asks for the fact "{question.fact}", which {lab.scenario} does not '
                f"export. Facts there: {', '.join(forms)}."
            )
        elif forms[question.fact] != str(question.form):
            yield (
                f'{place}: question "{question.id}" wants a {question.form}, but the fact "{question.fact}" is a '
                f"{forms[question.fact]}. Let both agree."
            )


def _markdown(lab: Lab) -> Iterator[str]:
    for name in ("lab.md", "lab.toml"):
        path = lab.folder / name
        is_code = False
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if _FENCE.match(line):
                is_code = not is_code
            if is_code:
                continue
            for image in _IMAGE.finditer(line):
                if not (image["alt"] or "").strip() and not _ALT.search(image["tag"] or ""):
                    yield f"{path}:{number}: an image has no alternative text. Say in words what it shows."
            for link in _LINK.finditer(line):
                if not _SOUND.fullmatch(link[1]):
                    yield (
                        f'{path}:{number}: the link "{link[1]}" leads nowhere for a trainee, who has the notebook and '
                        "the evidence alone. Give an https address, or none."
                    )


def _place(lab: Lab, text: str) -> str:
    """Return the file and the line of ``lab.toml`` on which a text first stands in quotes."""
    path = lab.folder / "lab.toml"
    lines = path.read_text(encoding="utf-8").splitlines()
    line = next((number for number, each in enumerate(lines, 1) if f'"{text}"' in each), 1)
    return f"{path}:{line}"
