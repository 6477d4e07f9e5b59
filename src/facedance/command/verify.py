"""`facedance verify FILE...`: what is known of files, in words."""

import argparse
from pathlib import Path

from facedance.names import shown

HELP = (
    "Say in words what is known of videos and pictures, also of those of others. Looked at are the signed metadata (C2PA): who "
    "signed, whether the file is unchanged since, and what it says of AI; the watermark in the pixels, with the chance that a "
    "video without it would look so; the tags; and the sidecar that lies beside a render. Nothing is fetched, and nothing leaves "
    "this machine. The exit code is 0 when all files say that they are made by AI and are signed and unchanged, 1 when some mark "
    "says so without a valid signature, 2 when the command itself is wrong, 3 when no mark is found, and 4 when a file cannot be "
    "read; of several files it is the highest."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path, help="videos or pictures, of this program or not")
    parser.add_argument("--html", metavar="PAGE", type=Path, help="write what is known to a page of one file as well")


def run(given: argparse.Namespace) -> int:
    """Print what is known of each file; the exit code is the worst outcome. Raises InputError for a bad key or page."""
    # These are heavy, and other verbs and --help are not.
    from facedance.marks.page import write_page  # noqa: PLC0415
    from facedance.marks.verdict import judge, known_keys  # noqa: PLC0415
    from facedance.marks.words import printable, sentences  # noqa: PLC0415

    keys, verdicts = known_keys(), []
    for file in given.files:
        verdicts.append(judge(file, keys))
        print(f"{printable(shown(file))}:", *sentences(verdicts[-1]), sep="\n    ", flush=True)
    if given.html is not None:
        write_page(given.html, verdicts)
    return max(verdict.outcome for verdict in verdicts)
