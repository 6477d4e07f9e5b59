"""`facedance plan [MODEL]`: what the settings will need."""

import argparse

from facedance.command.project import HOME

HELP = (
    "Print what the settings in params.yaml will need before any heavy work is done: memory for training and for rendering, by "
    "parts, disk, and which GPUs have room. MODEL asks the same of another of the models in models.yaml. Nothing is fetched or "
    "computed. `make plan` does the same; what would run, and why, says `facedance run --dry-run`."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument("model", metavar="MODEL", nargs="?", help="instead of the one that params.yaml names")


def run(given: argparse.Namespace) -> int:
    """Print the plan. Ends the process with one sentence if it cannot be made."""
    from facedance.plan.__main__ import main  # noqa: PLC0415  (it is heavy, and --help is not)

    main([given.model] if given.model else [], HOME)
    return 0
