"""DiffSynth-Studio's steps, where it is installed in the same environment."""

import functools
import importlib.util
import sys
from collections.abc import Iterable
from pathlib import Path

from random_model import ask

from gpu.acts import Acts, Measured
from gpu.scene import new_scene

_STEPS = (1, 3)


def parts(small: bool) -> Acts:
    """Training steps with everything encoded before and as they are by default, and a denoising step with guidance."""
    scene = new_scene(small)
    width, height = scene.wan.largest
    size = [f"--width={width}", f"--height={height}", f"--frames={scene.wan.frames}"]
    step = [*size, f"--rank={scene.train.lora_rank}", "--steps=2"]
    video = [*size, "--times=1", f"--guidance={scene.render.guidance_scale}", "--steps", *map(str, _STEPS)]
    work = scene.work(scene.with_reference)
    yield "DiffSynth, a training step, encoded before", functools.partial(_training, small, [*step, "--encoded"], 2 * work)
    yield "DiffSynth, a denoising step with guidance", functools.partial(_denoising, small, video, 2 * work)
    yield "DiffSynth, a training step, as by default", functools.partial(_training, small, step, 2 * work)


def _training(small: bool, arguments: Iterable[str], work: float) -> Measured:
    if why := _missing(small):
        return Measured(note=why)
    took, peak = ask(Path(sys.executable), "diffsynth_step.py", arguments)
    return Measured(took, work, note=f"{peak:.2f} GiB at most")


def _denoising(small: bool, arguments: Iterable[str], work: float) -> Measured:
    if why := _missing(small):
        return Measured(note=why)
    fewer, more, peak = ask(Path(sys.executable), "diffsynth_video.py", arguments)
    took = (more - fewer) / (_STEPS[1] - _STEPS[0])
    return Measured(took, work, note=f"{fewer - _STEPS[0] * took:.1f} s beside the steps, {peak:.2f} GiB at most")


def _missing(small: bool) -> str:
    if importlib.util.find_spec("diffsynth") is None:
        return "not installed"
    return "has no small size" if small else ""
