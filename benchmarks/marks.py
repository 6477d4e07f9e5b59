"""What the watermark survives, how rarely it is seen where it is not, and what it costs.

    python -m benchmarks.marks                  # clips of 832x480 that are made here, and 200 clips without a mark
    python -m benchmarks.marks --renders /tmp/unmarked/results --who nora eileen half

The second takes renders without marks (marks: {credentials: false, watermark: false}), marks them, and looks at them and at the
faces in them again. Numbers are the decimal logarithms of the chance that an unmarked video looks so: -6 counts as found.
"""

import argparse
import itertools
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.marks_clips import KINDS, photographed
from facedance.evaluate.sight import surest_face
from facedance.faces.backend import open_backend
from facedance.faces.embedding import load_embeddings
from facedance.faces.face import FaceBackend
from facedance.marks.credentials import Claim, sign
from facedance.marks.detect import best_sign, look, residual
from facedance.marks.keys import KEYS as KEYS_FOLDER
from facedance.marks.keys import PUBLIC_WATERMARK, signer
from facedance.marks.watermark import Watermark
from facedance.video.frames import Footage, read_frames
from facedance.video.pictures import Frame
from facedance.video.writing import write_video

KEYS = {"everybody's": PUBLIC_WATERMARK}
FPS, FRAMES = 16, 24
SIGNED = 20  # how often a video is signed to measure that
CLAIM = Claim(model="tiny", inputs={f"input {n}": "ab" * 32 for n in range(8)}, record="cd" * 32, people=1, watermark=True)
WORK = 46e15  # operations for a video, as counted by benchmarks/full_size.py
PEAK = 989e12  # operations a second on the data sheet of an H100, without sparsity
Change = Callable[[list[Frame]], list[Frame]]


def each(change: Callable[[Frame], Frame]) -> Change:
    """A change of single frames."""
    return lambda frames: [np.ascontiguousarray(change(frame)) for frame in frames]


def even(frame: Frame) -> Frame:
    """The frame without a last odd row or column, which H.264 does not take."""
    return frame[: frame.shape[0] // 2 * 2, : frame.shape[1] // 2 * 2]


def cropped(frame: Frame) -> Frame:
    """Nine tenths of the width and height."""
    down, across = (round(side * 0.05) for side in frame.shape[:2])
    return even(frame[down:-down, across:-across])


def scaled(by: float) -> Change:
    """Frames of another size."""
    how = cv2.INTER_AREA if by < 1 else cv2.INTER_CUBIC
    return each(lambda frame: even(cv2.resize(frame, None, fx=by, fy=by, interpolation=how)))


# What is done to the frames of the file as written, and the crf and rate of the file that they are written to then.
CHANGES: dict[str, tuple[Change | None, int, int]] = {
    "as written": (None, 0, 0),
    "H.264 crf 23": (list, 23, FPS),
    "H.264 crf 28": (list, 28, FPS),
    "scaled by 0.75, crf 23": (scaled(0.75), 23, FPS),
    "scaled by 1.5, crf 23": (scaled(1.5), 23, FPS),
    "cropped by 10 %, crf 23": (each(cropped), 23, FPS),
    "24 frames a second, crf 23": (lambda f: [f[i * FPS // 24] for i in range(len(f) * 24 // FPS)], 23, 24),
    "brighter, crf 23": (each(lambda frame: cv2.convertScaleAbs(frame, alpha=1.1, beta=10)), 23, FPS),
    "mirrored, crf 23": (each(lambda frame: frame[:, ::-1]), 23, FPS),
    "scaled by 0.75, cropped, crf 28": (lambda f: each(cropped)(scaled(0.75)(f)), 28, FPS),
}


def survived(frames: Sequence[Frame], folder: Path) -> tuple[float, list[float]]:
    """PSNR in dB of the mark in these frames, and after each change the logarithm of the chance."""
    watermark = Watermark(PUBLIC_WATERMARK)
    marked = [watermark.mark(frame) for frame in frames]
    error = np.mean([np.mean((a.astype(float) - b) ** 2) for a, b in zip(marked, frames, strict=True)])
    write_video(folder / "written.mp4", marked, FPS)
    written, found = list(read_frames(folder / "written.mp4")), []
    for change, crf, fps in CHANGES.values():
        if change is None:
            found.append(look(folder / "written.mp4", KEYS).log_chance)
        else:
            write_video(folder / "changed.mp4", change(written), fps, crf=crf)
            found.append(look(folder / "changed.mp4", KEYS).log_chance)
        print(f"{found[-1]:.1f}", end=" ", file=sys.stderr, flush=True)
    return 10 * np.log10(255**2 / error), found


def table(rows: dict[str, tuple[float, list[float]]]) -> None:
    """A row for each change and a column for each clip."""
    print("| | " + " | ".join(rows) + " |\n|---|" + "---:|" * len(rows))
    print("| PSNR, dB | " + " | ".join(f"{psnr:.1f}" for psnr, _ in rows.values()) + " |")
    for number, change in enumerate(CHANGES):
        print(f"| {change} | " + " | ".join(f"{found[number]:.0f}" for _, found in rows.values()) + " |")
    print(flush=True)


def false_alarms(clips: int) -> None:
    """The best sign in clips without a mark."""
    best = []
    for seed in range(clips):
        frames = photographed(*((128, 128), (224, 128), (128, 224), (160, 160))[seed % 4], 5, seed)
        gray = (cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames)
        best.append(best_sign(residual(gray), KEYS).log_chance)
    print(f"{clips} clips without a mark: the surest sign has a chance of 10^{min(best):.1f}, and -6 would count as found.\n")


def costs(width: int, height: int, count: int, folder: Path) -> float:
    """What marking and signing a video take, beside encoding it; seconds of a processor of the marks."""
    frames, watermark = list(photographed(width, height, FRAMES, 0)), Watermark(PUBLIC_WATERMARK)
    watermark.mark(frames[0])
    started = time.process_time()
    for frame in frames:
        watermark.mark(frame)
    marking = (time.process_time() - started) / FRAMES
    started = time.process_time()
    write_video(folder / "unsigned.mp4", frames, FPS)
    encoding, who = (time.process_time() - started) / FRAMES, signer()
    started = time.process_time()
    for _ in range(SIGNED):
        sign(folder / "unsigned.mp4", folder / "signed.mp4", CLAIM, who)
    signing = (time.process_time() - started) / SIGNED
    print(
        f"{width}x{height}: {1000 * marking:.2f} ms of a processor for a frame ({1000 * encoding:.1f} ms for encoding it), "
        f"{1000 * signing:.0f} ms for signing a video; {count * marking + signing:.2f} s for one of {count} frames"
    )
    return count * marking + signing


def share_of_full_size(folder: Path) -> None:
    """The same as a share of what a card needs for a full-size video that does all that its data sheet says."""
    took = costs(832, 480, 81, folder)
    print(f"of a video of 50 steps of Wan2.1-VACE 1.3B at {PEAK / 1e12:.0f} TFLOP/s: {took * PEAK / WORK:.1%}\n")


def in_renders(results: Path, who: Sequence[str], folder: Path) -> None:
    """The same for renders, and how far the distance of a person's faces to that person moves."""
    rows: dict[str, tuple[float, list[float]]] = {}
    backend, moved = open_backend("dlib", results.parent / "models" / "faces" / "dlib"), []
    for name in who:
        known = results / "faces" / name / "embedding.safetensors"  # of people, and not of blends or casts
        for number, video in enumerate(sorted((results / "render" / name).glob("*/default.mp4"))):
            frames = list(read_frames(video))
            rows[f"{name} {number} ({len(frames)})"] = survived(frames, folder)
            if not known.is_file():
                continue
            write_video(folder / "plain.mp4", frames, FPS)
            target = load_embeddings(known)["embedding"].raw
            plain, marked = (mean_distance(folder / file, backend, target) for file in ("plain.mp4", "written.mp4"))
            moved.append(marked - plain)
    table(rows)
    print("distances of faces, marked less unmarked: " + ", ".join(f"{change:+.4f}" for change in moved))


def mean_distance(video: Path, backend: FaceBackend, target: NDArray[np.float32]) -> float:
    """Mean distance of the faces in each fourth frame of a render, in the size of its clip, to a person's."""
    seen = [(frame, surest_face(frame, backend)) for frame in itertools.islice(Footage(video, 2), 0, None, 4)]
    return statistics.fmean(np.linalg.norm(backend.embed(frame, face).raw - target) for frame, face in seen if face)


def main() -> None:
    """Print the tables."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--renders", type=Path, help="the folder results of a project whose renders have no marks")
    arguments.add_argument("--who", nargs="+", default=["nora"], help="whose renders: people, blends, casts")
    arguments.add_argument("--clips", type=int, default=200, help="how many clips without a mark")
    arguments.add_argument("--frames", type=int, default=FRAMES, help="of the clips that are made here")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.renders:
            in_renders(given.renders, given.who, folder)
            return
        table({kind: survived(list(make(832, 480, given.frames)), folder) for kind, make in KINDS.items()})
        os.environ.setdefault(KEYS_FOLDER, str(folder / "keys"))
        share_of_full_size(folder)
        costs(128, 128, 17, folder)
        false_alarms(given.clips)


if __name__ == "__main__":
    main()
