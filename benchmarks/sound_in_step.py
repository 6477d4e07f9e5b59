"""How far apart picture and sound are in clips of videos in many containers and codecs.

    python -m benchmarks.sound_in_step [--seconds 30] [--whole]

Makes videos with a white picture and a click at every whole second, cuts them into clips as the pipeline does, and prints how
far apart the two begin in each clip at most, which should be less than half a frame of a clip: 31 ms. With --whole each video is
one clip, which shows whether the two drift.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

from facedance.clips.cut import cut_video
from facedance.config.sections import Clips, WanModel
from tests.clips.in_step import KINDS, apart, make_clicking_video
from tests.clips.test_cut import one

WAN = WanModel(
    repo=None, revision=None, sizes=[(80, 32)], frames=81, fps=16,
    clip_scale=2, drawing_side=128, dtype="float32",
)  # fmt: skip


def main() -> None:
    """Print the table; ends with status 1 when a clip is out of step."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seconds", type=float, default=30)
    arguments.add_argument("--whole", action="store_true")
    arguments.add_argument("--kinds", default="", help="only those with this in their names")
    given = arguments.parse_args()
    worst = 0.0
    print("| container, codecs | clips | marks | apart at most, ms | on average, ms |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for kind in (kind for kind in KINDS if given.kinds in kind.name):
            video = make_clicking_video(Path(folder), kind, given.seconds)
            clips = Clips(crop="center", max_per_video=100, whole=given.whole)
            rows = cut_video(video.stem, video, Path(folder) / "clips", clips, WAN, one)
            cut = [Path(folder) / "clips" / f"{row['clip']}.mp4" for row in rows if row["status"] == "accepted"]
            found = [apart(clip) for clip in cut]
            all_marks = np.concatenate(found) * 1000
            worst = max(worst, float(np.abs(all_marks).max()))
            print(
                f"| {kind.name} | {len(cut)} | {len(all_marks)} | {np.abs(all_marks).max():.0f} | {all_marks.mean():+.0f} |",
                flush=True,
            )
    sys.exit(worst > 1000 / WAN.fps / 2)


if __name__ == "__main__":
    main()
