"""`facedance render WHO CLIP [VARIANT] [options of Snakemake]`: one video."""

import argparse
import re

from facedance import layout
from facedance.command.project import snakemake
from facedance.job import InputError

PASSES_ON = True
HELP = (
    "Render one video, and whatever it needs that is not there yet. WHO is a person, a blend or a cast like 1~ann_2~ben; CLIP "
    "is a name from results/clips/clips.csv; VARIANT says what differs from render.settings in params.yaml, as in "
    "face_scale~1.2_seed~7. The video is results/render/WHO/CLIP/VARIANT.mp4 and is on the page after the next `facedance run`. "
    "From the first option on everything is handed to Snakemake. The exit code is Snakemake's."
)


_KINDS = {
    "who": "a person, blend or cast: params.yaml has their names",
    "clip": "a clip: results/clips/clips.csv has their names",
    "variant": "a variant, which looks like face_scale~1.2_seed~7",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument("who", metavar="WHO", help="a person, blend or cast")
    parser.add_argument("clip", metavar="CLIP", help="the dance")
    parser.add_argument("variant", metavar="VARIANT", nargs="?", default="default", help="what is different (default: nothing)")


def run(given: argparse.Namespace) -> int:
    """Run Snakemake for the video; its exit code. Raises InputError for what nobody and nothing can be called."""
    names = {"who": given.who, "clip": given.clip, "variant": given.variant}
    for kind, name in names.items():
        if not re.fullmatch(layout.WILDCARDS[kind], name):
            raise InputError(f"{name!r} cannot be {_KINDS[kind]}")
    return snakemake([layout.RENDER.format(**names)], given.passed_on)
