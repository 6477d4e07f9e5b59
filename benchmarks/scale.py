"""How long does it take to plan AIST in full? Empty videos under AIST's names, five people, and nothing is computed.

usage: python benchmarks/scale.py [--videos 13939] [--shards 256]

Prints seconds, seconds of one core and peak memory of Snakemake's dry run: from nothing, when all is there, and with one
more video.
"""

import argparse
import itertools
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
PEOPLE = ("ann", "bob", "cleo", "dan", "eve")
GENRES = ("BR", "PO", "LO", "MH", "LH", "HO", "WA", "KR", "JS", "JB")
PARTS = ("Snakefile", "assets", "rules", "scripts", "src", "profiles", "models.yaml", "environment.yml", "pyproject.toml")


def main() -> None:
    """Print a line for each plan."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--videos", type=int, default=13939)
    parser.add_argument("--shards", type=int, default=256)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        new_project(folder, given.videos, given.shards)
        print(f"{given.videos} videos, {given.shards} shards, {len(PEOPLE)} people")
        print("from nothing:     ", measured(folder))
        make_everything(folder)
        print("all is there:     ", measured(folder))
        (folder / "data/videos/one_more.mp4").touch()
        print("one more video:   ", measured(folder))


def new_project(folder: Path, videos: int, shards: int) -> None:
    """A project without the sample."""
    for part in PARTS:
        (shutil.copytree if (ROOT / part).is_dir() else shutil.copy)(ROOT / part, folder / part)
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    values["sample"] |= {"enabled": False, "identities": []}
    values["identities"] = {who: {"consent": "simulated"} for who in PEOPLE}
    values["render"] |= {"blends": {}, "batches": [{"who": list(PEOPLE), "videos": ["*"], "variants": ["default"]}]}
    values["shards"] = shards
    (folder / "params.yaml").write_text(yaml.safe_dump(values))
    for who in PEOPLE:
        (folder / "data/photos" / who).mkdir(parents=True)
        (folder / "data/photos" / who / "1.jpg").touch()
    (folder / "data/videos").mkdir()
    for video in itertools.islice(aist_names(), videos):
        (folder / "data/videos" / f"{video}.mp4").touch()


def aist_names() -> itertools.chain[str]:
    """Names as AIST has them: genre, situation, camera, dancer, music, choreography."""
    parts = itertools.product(GENRES, range(1, 31), range(6), range(1, 11), range(1, 10))
    return itertools.chain(f"g{g}_sBM_c{c:02d}_d{d:02d}_m{g}{m}_ch{h:02d}" for g, d, m, h, c in parts)


def measured(folder: Path) -> str:
    """Jobs, seconds and peak memory of a dry run."""
    before = time.monotonic()
    done, usage = run(folder, "--dry-run", "--quiet", "rules")
    seconds, core = time.monotonic() - before, usage.ru_utime + usage.ru_stime
    total = re.search(r"^total +(\d+)", done, re.MULTILINE)
    return f"{total[1] if total else 0:>6} jobs, {seconds:5.1f} s, {core:5.1f} s of a core, {usage.ru_maxrss / 1e6:.2f} GB"


def make_everything(folder: Path) -> None:
    """Put an empty file where every job would write one. A run writes all stamps, also when it is to stop after one job."""
    run(folder, "--until", "place_tiny_model", "--", "all")
    summary, _ = run(folder, "--summary")
    for line in summary.splitlines()[1:]:
        file = folder / line.split("\t")[0]
        if "\t" in line and not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
    now = time.time()
    for file in (file for top in ("data", "models", "results", "assets") for file in (folder / top).rglob("*")):
        os.utime(file, (now, now))


def run(folder: Path, *arguments: str) -> tuple[str, resource.struct_rusage]:
    """Output of Snakemake, and what it used."""
    command = [str(Path(sys.executable).with_name("snakemake")), "--cores", "1", "--directory", str(folder), *arguments]
    command[1:1] = ["--snakefile", str(folder / "Snakefile")]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        text = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(text[-3000:])
    return text, usage


if __name__ == "__main__":
    main()
