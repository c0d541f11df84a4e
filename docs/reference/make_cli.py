"""Makes ``cli.md``, the page of all commands, from the commands themselves.

python docs/reference/make_cli.py           writes it
python docs/reference/make_cli.py --check   exit code 1 when it is not current
"""

import re
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import typer

from csirtlab.cli.app import add_nouns, app

PAGE = Path(__file__).with_name("cli.md")
HEAD = """\
# Commands

<!-- Made by docs/reference/make_cli.py from the commands themselves. Do not edit. -->

For operators, instructors and course authors.
After this page you can call every command with its options.

In a clone of the repository, `./csirtlab` installs what is missing and then is `csirtlab`.
`./csirtlab test` and `./csirtlab test quick` exist there alone: they run what must hold before a change is taken.

Results go to stdout, messages to stderr.
Exit codes: 0 done, 1 the answer is no, 2 something that you can put right, 3 a fault of the program.
`--debug` shows where an error arose; `--help` explains any command.
"""


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Yield each command under ``group`` with its full name, sorted by name."""
    for name, command in sorted(group.commands.items()):
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


def section(name: str, command: Any) -> str:
    """Return one command's part of the page."""
    prose, example = described(command)
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    options = [parameter for parameter in command.params if parameter.param_type_name == "option"]
    usage = " ".join(["csirtlab", name, *map(placed, arguments), *(["[OPTIONS]"] if options else [])])
    parts = [f"## `csirtlab {name}`", prose, f"```text\n{usage}\n```"]
    if arguments or options:
        rows = [f"| {called(each)} | {explained(each)} |" for each in (*arguments, *options)]
        parts.append("\n".join(["| argument or option | meaning |", "|---|---|", *rows]))
    if example:
        parts.append(f"For example:\n\n```console\n$ {example}\n```")
    return "\n\n".join(parts)


def described(command: Any) -> tuple[str, str]:
    """Return what a command does, one sentence a line, and its example."""
    text = f"{command.help or ''}\n\n{command.epilog or ''}"
    prose, _, example = text.partition("Example:")
    paragraphs = [" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", prose) if paragraph.strip()]
    return "\n\n".join(sentences(paragraph) for paragraph in paragraphs), " ".join(example.split())


def sentences(paragraph: str) -> str:
    """Return a paragraph with each sentence on a line of its own."""
    return re.sub(r"(?<=[.:!?]) (?=[A-Z])", "\n", paragraph)


def placed(argument: Any) -> str:
    """Return an argument as the usage line shows it."""
    name = (argument.metavar or argument.name).upper()
    return name if argument.required else f"[{name}]"


def called(parameter: Any) -> str:
    """Return the names of an option, or that of an argument."""
    if parameter.param_type_name == "argument":
        return f"`{placed(parameter)}`"
    return ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))


def explained(parameter: Any) -> str:
    """Return what a parameter means, with its values and its default."""
    parts = [(parameter.help or "").strip().replace("|", "\\|")]
    kind = parameter.type_descriptor.annotation
    if isinstance(kind, type) and issubclass(kind, Enum):
        parts.append("One of " + ", ".join(f"`{member.value}`" for member in kind) + ".")
    if parameter.param_type_name == "option" and parameter.required:
        parts.append("Must be given.")
    default = getattr(parameter.default, "value", parameter.default)
    if not parameter.required and isinstance(default, str | int) and not isinstance(default, bool):
        parts.append(f"Default: `{default}`.")
    elif parameter.secondary_opts:
        shown = parameter.opts[0] if default else parameter.secondary_opts[0]
        parts.append(f"Default: `{shown}`.")
    return " ".join(part for part in parts if part)


def page() -> str:
    """Return the whole page."""
    if not app.registered_groups:
        add_nouns()
    found = commands(typer.main.get_command(app))
    return "\n\n".join([HEAD.strip(), *(section(name, command) for name, command in found)]) + "\n"


def main() -> None:
    """Write the page, or say whether it is current."""
    made = page()
    if sys.argv[1:] == ["--check"]:
        sys.exit(0 if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == made else 1)
    PAGE.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
