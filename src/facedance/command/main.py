"""The command `facedance`: a module for each verb, with HELP, add_arguments(parser) and run(given), which gives the code."""

import argparse
import sys
from collections.abc import Sequence

from facedance.command import verify
from facedance.job import InputError

VERBS = {"verify": verify}


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what the command line says, and end with its exit code; a user's mistake is one sentence and 2, as argparse has it."""
    parser = argparse.ArgumentParser(prog="facedance", description="Videos of a person dancing: what is to be done is a verb.")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    for name, verb in VERBS.items():
        summary, _, _ = verb.HELP.partition(".")
        one = verbs.add_parser(name, help=f"{summary}.", description=verb.HELP)
        verb.add_arguments(one)
        one.set_defaults(run=verb.run)
    given = parser.parse_args(arguments)
    try:
        sys.exit(given.run(given))
    except InputError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
