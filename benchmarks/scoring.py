"""What `facedance score` takes beside the work itself.

usage: python -m benchmarks.scoring PROJECT [--person eileen] [--count 50]

PROJECT is a folder in which the sample has run to its end. Copies of the person's short renders, no two of the same bytes,
are judged twice on one core: in a loop over the judges' own functions, with all models opened before the clock starts, and by the
command, as a process of its own from its start to its end. Seconds of the processor, which other programs do not change much.
"""

import argparse
import itertools
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av

from facedance.config.params import load
from facedance.evaluate.agreement import Wanted
from facedance.evaluate.drift import drift
from facedance.evaluate.figures import figures
from facedance.evaluate.observe import observe
from facedance.evaluate.seconds import by_second
from facedance.video.times import inspect
from facedance.yardstick.driving import of_clip
from facedance.yardstick.folder import people_of, sitter_of
from facedance.yardstick.judges import Witness, open_judges

ROOT = Path(__file__).parents[1]
SHORT = 33  # frames: longer videos are more work, and what is beside it weighs less


def copied(source: Path, copy: Path, number: int) -> None:
    """The same pictures and sound in a file of other bytes."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(source)) as given, av.open(str(copy), "w") as made:
        made.metadata["comment"] = f"copy {number}"
        streams = {stream.index: made.add_stream_from_template(stream) for stream in given.streams}
        for packet in given.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                made.mux(packet)


def work_alone(project: Path, person: str, videos: list[Path]) -> float:
    """Seconds of the processor that the judges need for the videos."""
    params = load(project / "params.yaml", otherwise=ROOT)
    judges = open_judges(project, params)
    people, sitter = people_of(project, person, params), sitter_of(project, person, params, judges)
    joints = {video.parent.name: of_clip(project, video.parent.name, params) for video in videos}
    started = time.process_time()
    for video in videos:
        witness = Witness(judges, sitter)
        seen = observe(video, witness, judges.pose_model, params.evaluate, params.wan)
        target = people.target(person, seen.scored.tolist(), len(seen.people))
        dance = joints[video.parent.name]
        driving = dance.joints if dance is not None and len(dance.joints) == len(seen.people) else None
        wanted = Wanted(target, people.others(person), judges.backend.recognised_distance, driving)
        figures(seen, wanted)
        drift(seen, by_second(seen, wanted, params.wan.fps), [], params.wan.fps)
        witness.said()
    return time.process_time() - started


def by_command(project: Path, person: str, folder: Path, out: Path) -> float:
    """Seconds of the processor that `facedance score` needs for them."""
    command = [sys.executable, "-m", "facedance", "score", str(folder), "--person", person, "--out", str(out)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=project, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print both and how many times the one the other is."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("project", type=Path)
    arguments.add_argument("--person", default="eileen")
    arguments.add_argument("--count", type=int, default=50)
    given = arguments.parse_args()
    project = given.project.resolve()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    renders = sorted((project / "results/render" / given.person).glob("*/*.mp4"))
    renders = [render for render in renders if len(inspect(render).timestamps) <= SHORT]
    with tempfile.TemporaryDirectory() as name:
        videos = []
        for number, source in enumerate(itertools.islice(itertools.cycle(renders), given.count)):
            videos.append(Path(name) / "videos" / source.parent.name / f"{number:03}.mp4")
            copied(source, videos[-1], number)
        alone = work_alone(project, given.person, videos)
        whole = by_command(project, given.person, Path(name) / "videos", Path(name) / "out")
    print(f"{len(videos)} videos: {alone:.1f} s alone, {whole:.1f} s by the command: {whole / alone:.3f} times")


if __name__ == "__main__":
    main()
