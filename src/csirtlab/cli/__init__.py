"""``csirtlab NOUN VERB``: the command line; each noun is a module of this package."""

from csirtlab.cli.app import main

__all__ = ["main"]
