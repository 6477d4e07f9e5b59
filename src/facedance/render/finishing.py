"""Renders that are to be made, and the files in which they end: the video, and what it says of itself."""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facedance.files import atomic, write_json
from facedance.marks.finished import Marking, write_finished
from facedance.names import CHOICE
from facedance.render.choosing import Choice, choices_of
from facedance.render.inputs import RenderInputs, RenderJob
from facedance.render.provenance import claim_of, marked_inputs, metadata_tags
from facedance.render.windows import WindowFiles
from facedance.rerun.item_cache import record
from facedance.video.pictures import Frame


@dataclass(frozen=True)
class Finishing:
    """What renders of one identity need to be finished; where several seeds are tried, each is a take of its render."""

    inputs: RenderInputs
    folder: Path
    marking: Marking
    keys: Mapping[RenderJob, str]  # of the renders that are to be made
    records: Mapping[RenderJob, Mapping[str, Any]]  # what the takes are made from
    job_of: Mapping[RenderJob, RenderJob]  # the render of each take
    choices: Mapping[RenderJob, Choice]  # of the renders with several takes
    missing: tuple[RenderJob, ...]  # the takes that are to be made

    def finish_judged(self) -> None:
        """Finish those renders of which all takes are judged: the run before was killed just then."""
        begun = {self.job_of[take] for take in self.missing}
        for job in self.choices:
            if job not in begun:
                self._finish(job)

    def files(self, take: RenderJob) -> WindowFiles:
        """Where the windows of a take are kept while it is made."""
        job = self.job_of[take]
        return self._files(job).of_take(take.settings.seed) if job in self.choices else self._files(job)

    def write(self, take: RenderJob, frames: Iterable[Frame]) -> None:
        """Write the video of a take and, where it is the last one, finish its render."""
        job = self.job_of[take]
        choice, record_ = self.choices.get(job), self.records[take]
        write_finished(
            choice.video(take) if choice else self._video(job),
            frames,
            self.inputs.wan.fps,
            self.marking,
            claim_of(record_, marked_inputs(self.inputs, take.clip)),
            audio_from=self.inputs.music(take.clip),
            metadata=metadata_tags(record_),
        )
        if choice:
            choice.judge(take)
        if not (choice and choice.pending):
            self._finish(job)

    def _finish(self, job: RenderJob) -> None:
        video, said = self._video(job), dict(self.records[job.takes[0]])
        if choice := self.choices.get(job):
            kept = choice.kept
            said = {**self.records[kept], CHOICE: choice.facts()}
            with atomic(video) as temporary:
                shutil.copyfile(choice.video(kept), temporary)
        write_json(sidecar := video.with_suffix(".json"), said)
        record(self.folder, job.name, self.keys[job], [video, sidecar], {})
        self._files(job).clear()

    def _files(self, job: RenderJob) -> WindowFiles:
        return _files_in(self.folder, job, self.keys[job])

    def _video(self, job: RenderJob) -> Path:
        return self.folder / f"{job.name}.mp4"


def finishing(
    pending: Sequence[RenderJob],
    inputs: RenderInputs,
    folder: Path,
    marking: Marking,
    keys: Mapping[RenderJob, str],
    records: Mapping[RenderJob, Mapping[str, Any]],
) -> Finishing:
    """Make ready to finish the renders that are pending. Raises InputError where weights of a judge are missing or damaged."""
    several = {job: _files_in(folder, job, keys[job]) for job in pending if len(job.takes) > 1}
    choices = choices_of(several, inputs)
    return Finishing(
        inputs=inputs,
        folder=folder,
        marking=marking,
        keys={job: keys[job] for job in pending},
        records=records,
        job_of={take: job for job in pending for take in job.takes},
        choices=choices,
        missing=tuple(take for job in pending for take in (choices[job].pending if job in choices else job.takes)),
    )


def _files_in(folder: Path, job: RenderJob, key: str) -> WindowFiles:
    return WindowFiles(folder / ".windows" / job.name, key)
