"""The command `facedance`: a module for each verb, with HELP, add_arguments(parser) and run(given), which gives the code.

One with PASSES_ON hands what follows from the first option on to Snakemake, as `given.passed_on`.
"""

import argparse
import io
import itertools
import sys
from collections.abc import Sequence

from facedance.command import forget, plan, render, run, score, verify
from facedance.job import InputError

VERBS = {"run": run, "plan": plan, "verify": verify, "score": score, "forget": forget, "render": render}


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what the command line says, and end with its exit code; a user's mistake is one sentence and 2, as argparse has it."""
    parser = argparse.ArgumentParser(prog="facedance", description="Videos of a person dancing: what is to be done is a verb.")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    for name, verb in VERBS.items():
        summary, _, _ = verb.HELP.partition(". ")
        one = verbs.add_parser(name, help=f"{summary.replace('%', '%%')}.", description=verb.HELP.replace("%", "%%"))
        verb.add_arguments(one)
        one.set_defaults(run=verb.run)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files can be bytes that are no text
    own, passed_on = _divided(list(sys.argv[1:] if arguments is None else arguments))
    given = parser.parse_args(own, argparse.Namespace(passed_on=passed_on))
    try:
        sys.exit(given.run(given))
    except InputError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)  # as shells have it


def _divided(arguments: list[str]) -> tuple[list[str], list[str]]:
    """The arguments of the verb, and those that it passes on."""
    if not arguments or not hasattr(VERBS.get(arguments[0]), "PASSES_ON"):
        return arguments, []
    own = list(itertools.takewhile(lambda argument: argument in {"-h", "--help"} or not argument.startswith("-"), arguments))
    return own, arguments[len(own) :]
