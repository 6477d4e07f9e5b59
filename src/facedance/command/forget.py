"""`facedance forget NAME`: what `make forget` does."""

import argparse

from facedance.privacy import forget

HELP = (
    "Remove all that was made of one person: faces, latents, weights, checkpoints, renders, scores, logs, and the same of every "
    "blend and cast that the person is in, and pages that tell of several people, which the next run makes anew. With --photos "
    "the photos go as well. Then it says what is left and how to remove that: lines of params.yaml, DVC's copies, git's history. "
    "docs/privacy.md tells more. `make forget IDENTITY=NAME` does the same."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument("identity", metavar="NAME", help="as in params.yaml or results/faces")
    parser.add_argument("--photos", action="store_true", help="remove data/photos/NAME as well")


def run(given: argparse.Namespace) -> int:
    """Forget the person in the project of the current folder. Ends the process with one sentence if that cannot be done."""
    forget.main([given.identity, *(["--photos"] if given.photos else [])])
    return 0
