"""Every Python that starts in a cohort's server reads this first: it stands on their PYTHONPATH.

nbgrader, Jupyter, IPython and pytest read settings and plug-ins, which are programs, from the folder in which they
are started. None of them is started in what was handed in.
"""

import os
import sys

FOLDERS = ("submitted", "autograded", "feedback")
READ_THEIR_FOLDER = ("nbgrader", "jupyter", "ipython", "ipykernel", "pytest", "py.test", "alembic", "jupytext")
WITH_A_VALUE = ("-W", "-X", "--check-hash-based-pycs")


def program(line):
    """Return the name of the program in a Python's command line; nothing for what is typed or piped in."""
    arguments = iter(line[1:])
    for argument in arguments:
        if argument == "-m":
            return next(arguments, "")
        if argument.startswith("-m"):
            return argument[2:]
        if argument in WITH_A_VALUE:
            next(arguments, None)
        elif argument.startswith("-"):
            if argument == "-c":
                return ""
        else:
            return os.path.basename(argument)
    return ""


def is_handed_in(folder, home):
    """Return whether a folder lies in what was handed in to the cohort."""
    places = [os.path.realpath(os.path.join(home, name)) for name in FOLDERS]
    return any(
        os.path.realpath(folder) == place or os.path.realpath(folder).startswith(place + os.sep) for place in places
    )


def refuse_where_others_write(line=sys.orig_argv):
    """End this Python, if its program would read what somebody handed in as its own settings."""
    name = program(line)
    if not name.lower().startswith(READ_THEIR_FOLDER):
        return
    try:
        here = os.getcwd()
    except OSError:
        return
    if is_handed_in(here, os.path.expanduser("~")):
        sys.stderr.write(
            f"csirtlab: {name} reads settings, which are programs, from the folder it is started in, and this one "
            "holds what somebody handed in. Start it in the cohort's folder: cd ~\n"
        )
        sys.stderr.flush()
        os._exit(2)


refuse_where_others_write()
