"""How long a training step takes here and in DiffSynth-Studio: Wan2.1-VACE-1.3B with random weights, one clip with a reference.

usage: python benchmarks/training_step.py --peer PYTHON [--width 128] [--height 128] [--frames 9] [--rank 16] [--steps 3]
           [--words 64] [--kept 0.3]

PYTHON is the interpreter of another environment: python -m venv peer && peer/bin/pip install diffsynth torch. Here latents
and text are read from a file, as a training does; there text and video are encoded in every step, which is its default, or
were before. Here the LoRA comes with the face branch, except in the last row. The prompt has --words tokens of its own; there
it counts with its padding to 512, whatever its length. --kept is train.kept_memory. It needs 20 GB of memory, or a GPU.
"""

import argparse
import itertools
import multiprocessing
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import torch
from random_model import EMBEDDING, MODEL, ROOT, ask, clip_shape, random_dataset, random_transformer
from steps import fastest, peak_memory

from facedance.config import params
from facedance.config.sections import Phase, Train
from facedance.plan.peaks import GIB
from facedance.train.dataset import Dataset
from facedance.train.learner import Learner
from facedance.wan.adapter import adapter_config, attach
from facedance.wan.load import choose_device
from facedance.wan.recompute import compute_again

ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")  # what the other one puts its LoRA on


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", required=True, type=Path)
    for name, default in {"width": 128, "height": 128, "frames": 9, "rank": 16, "steps": 3, "words": 64}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--kept", type=float, default=0.3)
    given = parser.parse_args()
    sizes = [f"--{name}={getattr(given, name)}" for name in ("width", "height", "frames", "rank", "steps")]
    print(f"{MODEL} on {choose_device()}, {given.width}x{given.height}, {given.frames} frames, rank {given.rank}", flush=True)
    for name, more in {"DiffSynth, as it is by default": [], "DiffSynth, encoded before": ["--encoded"]}.items():
        tell(name, *ask(given.peer, "diffsynth_step.py", [*sizes, *more]))
    kept = f"facedance, {given.kept:g} GiB kept"
    for name, memory, trains in (
        ("facedance", 0.0, ("face", "lora")), (kept, given.kept, ("face", "lora")), (f"{kept}, no face", given.kept, ("lora",)),
    ):  # fmt: skip
        # A process for each row, because it keeps its memory.
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as alone:
            tell(name, *alone.submit(ours, given, memory, trains).result())


def tell(name: str, seconds: float, peak: float) -> None:
    """Print a row."""
    print(f"{name:34} {seconds:8.2f} s {peak:6.2f} GiB at most", flush=True)


def ours(given: argparse.Namespace, kept: float, trains: tuple[str, ...]) -> tuple[float, float]:
    """Seconds of the fastest of some steps, after one that is not counted, and peak memory in GiB."""
    chosen, device = params.load(ROOT / "params.yaml"), choose_device()
    train = trained(chosen.train, given.rank, trains)
    wan = chosen.models[MODEL].model_copy(update={"sizes": ((given.width, given.height),), "frames": given.frames})
    transformer = random_transformer(MODEL, device)
    compute_again(transformer, round(kept * GIB))
    learner = Learner(transformer, attach(transformer, adapter_config(train, transformer, EMBEDDING), train.seed), train)
    with tempfile.TemporaryDirectory() as folder:
        dataset = random_dataset(Path(folder), wan, clip_shape(MODEL, wan, wan.frames))
        dataset = with_prompt(dataset, given.words) if "face" in trains else without_face(with_prompt(dataset, given.words))
        numbers = itertools.count(1)
        return fastest(lambda: learner.step(dataset, next(numbers), train.phases[0]), given.steps), peak_memory()


def trained(train: Train, rank: int, trains: tuple[str, ...]) -> Train:
    """One clip a step and nothing left out, as the other one has it."""
    changes = {
        "phases": (Phase(steps=100, trains=trains),), "batch_size": 1, "lora_rank": rank, "photo_share": 0.0,
        "text_dropout": 0.0, "face_dropout": 0.0, "reference_dropout": 0.0, "ema_decay": 0.0, "lora_targets": ATTENTION,
        "identity_weight": 0.0,
    }  # fmt: skip
    return train.model_copy(update=changes)


def with_prompt(dataset: Dataset, words: int) -> Dataset:
    """The same with a prompt of so many tokens."""
    text = torch.cat([dataset.text[:words], torch.zeros_like(dataset.text[words:])])
    return replace(dataset, text=text)


def without_face(dataset: Dataset) -> Dataset:
    """The same with nobody's face known."""
    return replace(dataset, clips=tuple(replace(clip, embedding=None) for clip in dataset.clips))


if __name__ == "__main__":
    main()
