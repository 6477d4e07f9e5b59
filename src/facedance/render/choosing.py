"""Several seeds for one render: each is made and judged, and the best is kept."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from facedance.evaluate.choice import best_of
from facedance.evaluate.likeness import Likeness
from facedance.files import read_json, sha256, write_json
from facedance.models.manifest import MANIFEST
from facedance.render.inputs import RenderInputs, RenderJob
from facedance.render.jury import Jury, Said
from facedance.render.provenance import landmarks_digest
from facedance.render.windows import WindowFiles
from facedance.rerun.code import code_digest

_log = logging.getLogger("facedance")
_FIGURES = tuple(field.name for field in fields(Likeness))


@dataclass(frozen=True)
class Choice:
    """One render of which several takes are made, a seed each; those that are judged stay until one of them is kept."""

    takes: tuple[RenderJob, ...]
    files: WindowFiles
    jury: Jury

    @property
    def pending(self) -> list[RenderJob]:
        """The takes that are not judged yet."""
        return [take for take in self.takes if not (self._said(take).exists() and self.video(take).exists())]

    def video(self, take: RenderJob) -> Path:
        """Where the finished video of a take is."""
        return self.files.take(take.settings.seed)

    def judge(self, take: RenderJob) -> None:
        """Let the jury look at a take whose video is finished."""
        said = self.jury.look(take, self.video(take))
        _log.info("%s with seed %d: %s", take.name, take.settings.seed, _in_words(said))
        write_json(self._said(take), said)
        self.files.forget_others()
        self.files.of_take(take.settings.seed).clear()

    @property
    def kept(self) -> RenderJob:
        """The best of all takes, the first of equals; the first one where no face was found in any."""
        said = [read_json(self._said(take)) for take in self.takes]
        best = best_of([Likeness(**{name: one[name] for name in _FIGURES}) for one in said])
        return self.takes[best or 0]

    def facts(self) -> dict[str, Any]:
        """Which seed is kept, by which recogniser, and what was said of each."""
        tried = [{"seed": take.settings.seed, **read_json(self._said(take))} for take in self.takes]
        return {"kept": self.kept.settings.seed, "judge": self.jury.decides, "tried": tried}

    def _said(self, take: RenderJob) -> Path:
        return self.video(take).with_suffix(".json")


def choices_of(renders: Mapping[RenderJob, WindowFiles], inputs: RenderInputs) -> dict[RenderJob, Choice]:
    """A choice for each of these renders, which are made in these files.

    Raises:
        InputError: weights of a judge are missing or damaged.
    """
    if not renders:
        return {}
    assert inputs.judges is not None, "who tries several seeds needs judges"
    jury = Jury(inputs, inputs.judges)
    return {job: Choice(job.takes, files, jury) for job, files in renders.items()}


def judged_by(inputs: RenderInputs, clip: str) -> list[Any]:
    """What a choice depends on besides the takes, its code as well; those who have no part in it do not count."""
    files = inputs.judges
    assert files is not None, "who tries several seeds needs judges"
    places = None if inputs.landmarks is None else landmarks_digest(inputs, clip)
    return [files.backend, sha256(files.recogniser / MANIFEST), sha256(files.pose_model), places, code_digest(__file__)]


def _in_words(said: Said) -> str:
    return ", ".join(f"{name} {'unknown' if value is None else f'{value:.3f}'}" for name, value in said.items())
