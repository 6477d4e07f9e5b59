"""`facedance run [TARGET...] [options of Snakemake]`: what `snakemake --cores all` does."""

import argparse

from facedance.command.project import snakemake

PASSES_ON = True
HELP = (
    "Bring everything up to date, or the stages and files that are named: faces, clips, poses, check, train, render, evaluate, "
    "report, prune and so on. It is `snakemake --cores all`: what is there and still right is not made again, and what was "
    "interrupted goes on. From the first option on everything is handed to Snakemake, as in `facedance run --dry-run` (what "
    "would run, and why), `facedance run check` or `facedance run --workflow-profile profiles/slurm`. The exit code is "
    "Snakemake's."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument("targets", metavar="TARGET", nargs="*", help="stages or files (default: all)")


def run(given: argparse.Namespace) -> int:
    """Run Snakemake; its exit code."""
    return snakemake(given.targets or ["all"], given.passed_on)
