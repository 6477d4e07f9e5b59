"""How long a training step takes here and in DiffSynth-Studio: Wan2.1-VACE-1.3B with random weights, one clip with a reference.

usage: python benchmarks/training_step.py --peer PYTHON [--width 128] [--height 128] [--frames 9] [--rank 16] [--steps 3]

PYTHON is the interpreter of another environment: python -m venv peer && peer/bin/pip install diffsynth torch. Here latents
and text are read from a file, as a training does; there text and video are encoded in every step, which is its default, or
were before. Here the LoRA comes with the face branch. It needs 20 GB of memory, or a GPU.
"""

import argparse
import itertools
import tempfile
from pathlib import Path

from random_model import EMBEDDING, MODEL, ROOT, ask, clip_shape, random_dataset, random_transformer
from steps import fastest, peak_memory

from facedance.config import params
from facedance.config.sections import Phase
from facedance.train.learner import Learner
from facedance.wan.adapter import adapter_config, attach
from facedance.wan.load import choose_device

ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")  # what the other one puts its LoRA on


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", required=True, type=Path)
    for name, default in {"width": 128, "height": 128, "frames": 9, "rank": 16, "steps": 3}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    sizes = [f"--{name}={getattr(given, name)}" for name in ("width", "height", "frames", "rank", "steps")]
    rows = []
    for name, more in {"DiffSynth, as it is by default": [], "DiffSynth, encoded before": ["--encoded"]}.items():
        rows.append((name, *ask(given.peer, "diffsynth_step.py", [*sizes, *more])))
    with tempfile.TemporaryDirectory() as folder:  # last, because this process keeps its memory
        rows.append(("facedance, encoded before", *ours(given, Path(folder))))
    print(f"{MODEL} on {choose_device()}, {given.width}x{given.height}, {given.frames} frames, rank {given.rank}")
    for name, seconds, peak in rows:
        print(f"{name:32} {seconds:8.2f} s {seconds / rows[-1][1]:6.2f} times {peak:6.2f} GiB at most")


def ours(given: argparse.Namespace, folder: Path) -> tuple[float, float]:
    """Seconds of the fastest of some steps, after one that is not counted, and peak memory in GiB."""
    chosen, device = params.load(ROOT / "params.yaml"), choose_device()
    changes = {
        "phases": (Phase(steps=100, trains=("face", "lora")),), "batch_size": 1, "lora_rank": given.rank, "photo_share": 0.0,
        "text_dropout": 0.0, "face_dropout": 0.0, "reference_dropout": 0.0, "gradient_checkpointing": True, "ema_decay": 0.0,
        "lora_targets": ATTENTION, "identity_weight": 0.0,
    }  # fmt: skip
    train = chosen.train.model_copy(update=changes)
    wan = chosen.models[MODEL].model_copy(update={"sizes": ((given.width, given.height),), "frames": given.frames})
    transformer = random_transformer(MODEL, device)
    transformer.enable_gradient_checkpointing()
    learner = Learner(transformer, attach(transformer, adapter_config(train, transformer, EMBEDDING), train.seed), train)
    dataset = random_dataset(folder, wan, clip_shape(MODEL, wan, wan.frames))
    numbers = itertools.count(1)
    return fastest(lambda: learner.step(dataset, next(numbers), train.phases[0]), given.steps), peak_memory()


if __name__ == "__main__":
    main()
