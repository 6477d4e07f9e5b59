"""Who judges the renders that several seeds were tried for, and what they say: of a cast the means over those who are somebody.

The recogniser that decides is the one that the person's embedding is from. Beside it stand those who have no part in it: the
landmark judge, and another recogniser where its weights are here. They compare with the picture of the person's best photo.
"""

from dataclasses import asdict
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facedance.config.cast import NO_PERSON
from facedance.config.rendering import Blend
from facedance.evaluate import pose
from facedance.evaluate.asked import built_as
from facedance.evaluate.distances import People
from facedance.evaluate.each import look_at_each, mean_of
from facedance.evaluate.further import further_distance
from facedance.evaluate.judge import Shape, open_landmark_judge
from facedance.evaluate.likeness import Judges, Likeness, face_in_photo, likeness
from facedance.evaluate.shown import LookedFor, shown_in
from facedance.faces.backend import open_backend
from facedance.faces.embedding import load_embeddings
from facedance.faces.face import FaceBackend, Image
from facedance.faces.photos import read_picture
from facedance.render.driving import factors_of
from facedance.render.inputs import JudgeFiles, RenderInputs, RenderJob
from facedance.render.roles import roles_of
from facedance.video.frames import Footage

Said = dict[str, float | None]
"""The figures of `Likeness`, and `<recogniser>_distance` of the other one, with four digits; None is what cannot be measured."""

_DIGITS = 4


class Jury:
    """The judges of all renders of one person, blend or cast."""

    def __init__(self, inputs: RenderInputs, files: JudgeFiles) -> None:
        """Open them.

        Raises:
            InputError: weights of a judge are missing or damaged.
        """
        self._inputs, self.decides = inputs, files.backend
        backend = open_backend(files.backend, files.recogniser)
        self._judges = Judges(backend, open_landmark_judge(), files.pose_model)
        self._embeddings = {
            name: load_embeddings(person.embedding)["embedding"] for name, person in sorted(inputs.people.items())
        }
        pictures = {name: read_picture(path) for name, path in files.references.items()}
        self._shapes = {name: self._judges.shape(picture) for name, picture in pictures.items()}
        self._further = {name: open_backend(name, folder) for name, folder in files.further.items()}
        self._known = {
            name: {person: _seen_by(other, picture) for person, picture in pictures.items()}
            for name, other in self._further.items()
        }

    def look(self, job: RenderJob, video: Path) -> Said:
        """What they say of a finished render, in the size of its clip."""
        wan, files = self._inputs.wan, self._inputs.landmarks
        frames = Footage(video, Fraction(wan.clip_scale, job.settings.enlarge))
        driving = None if files is None else pose.read_dancers([files], [job.clip]).get(job.clip)
        if files is not None and driving is not None and job.settings.proportions == "person":
            factors = factors_of(self._inputs, roles_of(self._inputs), job.clip, job.settings)
            driving = built_as(driving, factors, job.clip, [files])
        shown = shown_in(job.identity, driving)
        said = asdict(self._likeness(job, frames, shown, wan.fps))
        places = shown.driving if shown.several else None
        for name, other in self._further.items():
            people = [self._known[name].get(who) for who in shown.who.values()]
            said[f"{name}_distance"] = further_distance(frames, other, people, places)
        return {name: None if value is None else round(value, _DIGITS) for name, value in said.items()}

    def _likeness(self, job: RenderJob, frames: Footage, shown: LookedFor, fps: int) -> Likeness:
        """The recogniser's and the landmark judge's."""
        people, poses = self._people(job), [None] * len(shown.who) if shown.driving is None else list(shown.driving)
        if shown.several:
            assert shown.driving is not None, "several dancers are known by their driving poses"
            seen = look_at_each(self._judges, frames, shown.driving, fps)
        else:
            seen = [self._judges.look(frames, fps)]
        return mean_of(
            likeness(one, people.target(who, one.scored.tolist(), len(one.people)), self._shape(who), driving)
            for one, who, driving in zip(seen, shown.who.values(), poses, strict=True)
            if who not in NO_PERSON and len(one.scored)
        )

    def _people(self, job: RenderJob) -> People:
        inputs = self._inputs
        blends: dict[str, Blend] = {job.identity: inputs.blend} if inputs.blend else {}
        return People(self._embeddings, blends | dict(inputs.cast.blends if inputs.cast else {}), ())

    def _shape(self, who: str) -> list[Shape]:
        """The second judge's of a person; none of a blend, or where no face is found in the reference."""
        shape = self._shapes.get(who)
        return [] if shape is None else [shape]


def _seen_by(backend: FaceBackend, picture: Image) -> NDArray[np.float32] | None:
    """A recogniser's output (D,) for the face in a picture (H, W, 3); None where it finds none."""
    face = face_in_photo(picture, backend)
    return None if face is None else backend.embed(picture, face).raw
