"""``python -I rule_runner.py MATERIAL``: one rule on material without labels, within limits, in a box of its own.

Imports the rule engines and nothing of csirtlab, which is not there. Reads {"language", "text"} from standard
input and the pieces of each hidden case from the file, and writes {"hits": [[numbers of pieces], ...]}, or
{"problem": text}.
"""

import base64
import json
import re
import resource
import sqlite3
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_CPU_S = 20
_DATA_B = 1 << 30  # written memory; a limit of address space would stop YARA's compiler
_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION}


def main() -> None:
    """Answer the one request."""
    _limit()
    request = json.loads(sys.stdin.buffer.read())
    with open(sys.argv[1], "rb") as file:  # noqa: PTH123  # one import less
        materials = json.loads(file.read())
    run = {"sigma": _run_sigma, "yara": _run_yara}[request["language"]]
    try:
        said: dict[str, Any] = {"hits": run(request["text"], materials)}
    except MemoryError:
        sys.exit(1)
    except Exception as error:  # whatever a rule makes its engine stumble over
        said = {"problem": f"{type(error).__name__}: {error}"[:500]}
    sys.stdout.write(json.dumps(said))


def _limit() -> None:
    for what, most in (
        (resource.RLIMIT_CPU, _CPU_S),
        (resource.RLIMIT_DATA, _DATA_B),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def _run_sigma(text: str, materials: Sequence[Mapping[str, Any]]) -> list[list[int]]:
    from sigma.backends.sqlite import sqliteBackend
    from sigma.collection import SigmaCollection

    backend: Any = sqliteBackend
    queries = backend(fulltext_field="raw").convert(SigmaCollection.from_yaml(text))
    return [_found(queries, material["columns"], material["rows"]) for material in materials]


def _found(queries: Sequence[str], columns: Sequence[str], rows: Sequence[Sequence[object]]) -> list[int]:
    database = sqlite3.connect(":memory:")
    # Values in Sigma are compared without case (Sigma specification, "Value modifiers and case").
    declared = ", ".join(f'"{column}" COLLATE NOCASE' for column in columns)
    database.execute(f"CREATE TABLE logs (number INTEGER PRIMARY KEY, {declared})")
    marks = ", ".join("?" for _ in range(len(columns) + 1))
    database.executemany(f"INSERT INTO logs VALUES ({marks})", ([n, *row] for n, row in enumerate(rows)))  # noqa: S608
    database.create_function("REGEXP", 2, _matcher(), deterministic=True)
    database.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY)
    return sorted({int(row[0]) for query in queries for row in database.execute(query)})


def _matcher() -> Callable[[str, object], bool]:
    return lambda pattern, value: value is not None and re.search(pattern, str(value)) is not None


def _run_yara(text: str, materials: Sequence[Mapping[str, Any]]) -> list[list[int]]:
    import yara_x

    compiler = yara_x.Compiler()
    compiler.enable_includes(False)
    compiler.add_source(text)
    scanner = yara_x.Scanner(compiler.build())
    scanner.set_timeout(_CPU_S)
    return [
        [number for number, file in enumerate(material["files"]) if scanner.scan(base64.b64decode(file)).matching_rules]
        for material in materials
    ]


if __name__ == "__main__":
    main()
