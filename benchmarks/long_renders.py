"""What a long dance costs, whether its sound stays in step, and whether a killed render ends with the same bytes.

usage: python -m benchmarks.long_renders FOLDER [--seconds 10 60] [--killed 30] [--kills 3] [--seed 0]

Makes a project of its own in FOLDER, which must not exist, with one person of the sample and a drawn dance of each length, and
runs it by Snakemake on one core. Prints a row for each render: its seconds a second of video and its largest memory, by
Snakemake's own record of the job, and how far the render's sound is off the dance's in its last seconds. Then a render of
`--killed` seconds is killed at random moments and goes on; its bytes are compared with those of a render at one go.
"""

import argparse
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from facedance import layout
from facedance.config import params
from facedance.sample.videos import make_video
from facedance.video.frames import Footage
from facedance.video.sound import AUDIO_RATE, read_sound

ROOT = Path(__file__).parents[1]
WHO, DANCE = "eileen", "gHO_sBM_c01_d04_mHO1_ch01"
COMPARED_S = 4  # of the sound, at the end of a dance


def main() -> None:
    """Print the table; ends with status 1 where the bytes differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=int, nargs="+", default=[10, 60])
    parser.add_argument("--killed", type=int, default=30)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    make_project(given.folder, sorted({*given.seconds, given.killed}))
    print("| seconds | frames | windows | s of a core a second | peak, MB | sound off by, ms |\n|---|---|---|---|---|---|")
    for seconds in given.seconds:
        run(given.folder, render(seconds))
        print(row(given.folder, seconds), flush=True)
    whole = given.folder / render(given.killed)
    run(given.folder, render(given.killed))
    expected, took = digest(whole), timing(given.folder, given.killed)["s"]
    shutil.rmtree(whole.parent)
    moments = sorted(random.Random(given.seed).uniform(0.1, 0.9) * took for _ in range(given.kills))
    for moment in np.diff([0.0, *moments]):
        kill_after(given.folder, given.killed, float(moment))
    run(given.folder, render(given.killed))
    again = timing(given.folder, given.killed)["s"]
    same = digest(whole) == expected
    print(
        f"\nkilled {given.kills} times in {took:.0f} s: {again:.0f} s were left, the bytes are {'the same' if same else 'OTHER'}"
    )
    sys.exit(not same)


def make_project(folder: Path, lengths: list[int]) -> None:
    """A project with one person and a dance of each length, up to where it can be rendered."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    if (ROOT / "models").is_dir():
        shutil.copytree(ROOT / "models", folder / "models")
    project = yaml.safe_load((ROOT / "params.yaml").read_text())
    project["identities"] = {WHO: project["identities"][WHO]}
    project["sample"]["identities"] = [WHO]
    project["render"] |= {"blends": {}, "batches": [{"who": [WHO], "videos": ["dance*"]}]}
    (folder / "params.yaml").write_text(yaml.safe_dump(project, sort_keys=False))
    sample = params.load(folder / "params.yaml").sample
    for seconds in lengths:
        longer = sample.model_copy(update={"seconds": float(seconds)})
        make_video(DANCE, longer, folder / f"data/videos/dance{seconds}.mp4", folder / f"drawn/dance{seconds}.parquet")


def named(template: str, seconds: int) -> str:
    """A path of the layout for the render of a dance."""
    return template.format(who=WHO, clip=f"dance{seconds}_000", variant="default")


def render(seconds: int) -> str:
    """Path of the render of a dance."""
    return named(layout.RENDER, seconds)


def command(target: str) -> list[str]:
    """Which makes a file, on one core."""
    return [sys.executable, "-m", "snakemake", "--cores", "1", "--quiet", "all", "--rerun-incomplete", "--", target]


def run(folder: Path, *targets: str) -> None:
    """Make files of a project."""
    for target in targets:
        subprocess.run(command(target), cwd=folder, check=True, env=alone())


def alone() -> dict[str, str]:
    """The environment without what stands for another checkout."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"OMP_NUM_THREADS": "1"}


def kill_after(folder: Path, dance: int, seconds: float) -> None:
    """Let the render of a dance be made for so many seconds, counted from its job's first word on, and kill it."""
    process = subprocess.Popen(command(render(dance)), cwd=folder, env=alone(), start_new_session=True)
    log, begun = folder / named(layout.log("render_clip"), dance), time.time()
    while process.poll() is None and not (log.is_file() and log.stat().st_mtime >= begun):
        time.sleep(0.1)
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    subprocess.run([sys.executable, "-m", "snakemake", "--unlock", "--quiet", "all"], cwd=folder, check=True, env=alone())


def row(folder: Path, seconds: int) -> str:
    """A row of the table."""
    frames, told = len(Footage(folder / render(seconds))), timing(folder, seconds)
    windows = (folder / named(layout.log("render_clip"), seconds)).read_text().count("window ")
    off = sound_off(folder / render(seconds), folder / f"data/videos/dance{seconds}.mp4", seconds)
    return f"| {seconds} | {frames} | {windows} | {told['s'] / seconds:.2f} | {told['max_rss']:.0f} | {off:+.1f} |"


def timing(folder: Path, seconds: int) -> pd.Series:
    """Snakemake's record of a render: `s` and `max_rss` in MB."""
    return pd.read_csv(folder / named(layout.timing("render_clip"), seconds), sep="\t").iloc[-1]


def sound_off(made: Path, danced: Path, seconds: int) -> float:
    """Milliseconds by which the sound at the end of a render is later than the dance's."""
    heard = [read_sound(path, seconds - COMPARED_S - 1, COMPARED_S).samples for path in (made, danced)]
    late, early = (samples.mean(0) for samples in heard)
    size = 2 * len(late)
    product = np.fft.irfft(np.fft.rfft(late, size) * np.conj(np.fft.rfft(early, size)))
    shift = int(product.argmax())
    return (shift - size if shift > size // 2 else shift) / AUDIO_RATE * 1000


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
