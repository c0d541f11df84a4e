"""A small lab: two findings, a method and a report, in English and Spanish."""

from collections.abc import Callable
from pathlib import Path

import pytest

from csirtlab.content.labs import Lab, read_lab
from csirtlab.labs.catalogue import update_catalogue
from csirtlab.labs.texts import catalogue_path, read_catalogue
from csirtlab.languages import Language

TOML = """
title = "A sample"
summary = "One incident in short."
scenario = "c2-beacon"
minutes = 10
level = "beginner"
objectives = ["Find the host."]

[[question]]
id = "host"
kind = "finding"
points = 10
form = "address"
fact = "infected_host"
prompt = "Which host is it?"
hints = ["Look again.", "Sort the table.", "As code.\\n\\n```python\\nfound = 1\\n```"]
feedback = "Sort by the gaps."

[[question]]
id = "traffic"
kind = "finding"
points = 2.5
form = "choice"
fact = "kind"
prompt = "What kind of traffic is it?"
hints = ["Look again.", "Sort the table.", "As code.\\n\\n```python\\nfound = 1\\n```"]
feedback = "Only a beacon has jitter."
choices = { beacon = "A beacon", update = "An update check" }

[[question]]
id = "finder"
kind = "method"
points = 20
form = "address"
fact = "infected_host"
prompt = "Write a function that finds the host."
hints = ["Look again.", "Sort the table.", "As code.\\n\\n```python\\nfound = 1\\n```"]
feedback = "Score the spread."

[[question]]
id = "note"
kind = "report"
points = 15
prompt = "Write the note."
rubric = ["Says how sure the analyst is."]
"""

MARKDOWN = """---
kernelspec:
  display_name: Python 3
  name: python3
---

# A sample

Read the **capture** with `case.table`.
It has two lines.

```python
listing = "not translated"
```

```{code-cell} ipython3
from csirtlab.kit import open_case

case = open_case()
%time case.title
```

Look at it.

```{code-cell} ipython3
:question: host

# your value in place of None
case.answer("host", None)
```

```{code-cell} ipython3
:question: traffic
:tags: [wide]

case.answer("traffic", ...)
```

```{code-cell} ipython3
:question: finder

def find(case):
    return None


case.method("finder", find)
```

+++ {"question": "note"}

TLP:

+++

The end.
"""

SPANISH = {
    "A sample": "Un ejemplo",
    "One incident in short.": "Un incidente, en breve.",
    "Find the host.": "Encontrar el equipo.",
    "Which host is it?": "¿Qué equipo es?",
    "Look again.": "Vuelva a mirar.",
    "Sort the table.": "Ordene la tabla.",
    "As code.\n\n```python\nfound = 1\n```": "En código.\n\n```python\nfound = 1\n```",
    "Sort by the gaps.": "Ordene por los intervalos.",
    "What kind of traffic is it?": "¿Qué clase de tráfico es?",
    "Only a beacon has jitter.": "Solo una baliza tiene fluctuación.",
    "A beacon": "Una baliza",
    "An update check": "Una búsqueda de actualizaciones",
    "Write a function that finds the host.": "Escriba una función que encuentre el equipo.",
    "Score the spread.": "Mida la dispersión.",
    "Write the note.": "Escriba la nota.",
    "Says how sure the analyst is.": "Dice con qué seguridad se afirma.",
    "# A sample": "# Un ejemplo",
    "Read the **capture** with `case.table`.\nIt has two lines.":
        "Lea la **captura** con `case.table`.\nTiene dos líneas.",
    "Look at it.": "Mírela.",
    "The end.": "Fin.",
}  # fmt: skip


def translate_all(lab: Lab, language: Language, translations: dict[str, str]) -> None:
    """Make the lab's catalogue and fill in what ``translations`` has."""
    update_catalogue(lab, language)
    catalogue = read_catalogue(catalogue_path(lab, language))
    for entry in catalogue:
        entry.msgstr = translations.get(entry.msgid, "")
    catalogue.save()


@pytest.fixture
def make_lab(tmp_path: Path) -> Callable[..., Lab]:
    """Make a lab of a changed Markdown or TOML source: ``make_lab(lab_md=..., lab_toml=...)``."""

    def make(lab_md: str = MARKDOWN, lab_toml: str = TOML) -> Lab:
        folder = tmp_path / "labs" / "sample"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "lab.md").write_text(lab_md, encoding="utf-8")
        (folder / "lab.toml").write_text(lab_toml, encoding="utf-8")
        return read_lab(tmp_path, "sample")

    return make


@pytest.fixture
def markdown() -> str:
    """The Markdown source of the lab, to be changed by a test."""
    return MARKDOWN


@pytest.fixture
def lab(make_lab: Callable[..., Lab]) -> Lab:
    """The lab, fully translated into Spanish."""
    made = make_lab()
    translate_all(made, Language.ES, SPANISH)
    return made
