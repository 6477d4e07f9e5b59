"""What a rule asks of a training, put into words of the library."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from facedance.train.dataset import TrainingFiles
from facedance.train.judging import JudgeFiles


def training_files(given: Any, latents: Path) -> TrainingFiles:
    """What a training learns from, of a rule's inputs and the folder of the clips' latents."""
    return TrainingFiles(
        model=Path(given.model).parent,
        recogniser=Path(given.face_model).parent,
        prompts=Path(given.prompts),
        manifests=_paths(given.latents),
        latents=latents,
        boxes=_paths(given.boxes),
        dancers=_paths(given.dancers),
        photos=Path(given.photos),
        embedding=Path(given.embedding),
        faces=Path(given.faces),
        tables=_paths(given.others),
        portraits=_paths(given.other_latents),
    )


def judge_files(given: Any, backend: str) -> JudgeFiles:
    """What a training is judged by, of a rule's inputs and the recogniser's name."""
    return JudgeFiles(backend, Path(given.pose_model), _paths(given.landmarks), Path(given.reference))


def _paths(files: Iterable[str]) -> list[Path]:
    return [Path(file) for file in files]
