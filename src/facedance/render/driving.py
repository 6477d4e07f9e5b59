"""The skeletons that a render follows: the dancers' own, or with somebody else's proportions."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from facedance.config.cast import NOBODY
from facedance.config.render_settings import HeadJoints, RenderSettings
from facedance.config.sections import Poses
from facedance.poses.draw import control_frames
from facedance.poses.proportions import factors, full_lengths, load_proportions, mixed
from facedance.poses.retarget import in_view, retargeted
from facedance.poses.table import Dancers
from facedance.render.inputs import RenderInputs
from facedance.render.roles import Role
from facedance.video.frames import Footage
from facedance.video.pictures import Frames

_log = logging.getLogger("facedance")

Factors = dict[int, dict[str, float]]
"""By what the bones of each dancer are multiplied, by their numbers."""


@dataclass(frozen=True)
class Driving:
    """The skeletons of a clip that are drawn."""

    dancers: Dancers  # in pixels of the control video
    size: tuple[int, int]  # width and height of the control video
    drawing: Poses
    drawing_side: int
    head_joints: HeadJoints = "full"
    anew: bool = False  # whether the control video shows others

    def poses(self, frames: range) -> Frames:
        """The control video's frames (T, H, W, 3) with these skeletons, as `facedance.poses` draws them."""
        joints = np.stack([joints[frames.start : frames.stop] for joints in self.dancers.joints.values()])
        names, side = self.dancers.names, self.drawing_side
        return np.stack([*control_frames(joints, names, self.drawing, self.size, side, head=self.head_joints)])


def driving_of(inputs: RenderInputs, roles: Sequence[Role], clip: str, settings: RenderSettings) -> Driving:
    """The skeletons of a clip as a render asks for them, without those of dancers who are not shown."""
    found, size = inputs.dancers(clip), _size(inputs, clip)
    hidden = {dancer for dancer, who in inputs.cast.dancers.items() if who == NOBODY} if inputs.cast else set()
    changed = factors_of(inputs, roles, clip, settings)
    shown = {
        dancer: retargeted(joints, found.names, changed[dancer]) if dancer in changed else joints
        for dancer, joints in found.joints.items()
        if dancer not in hidden
    }
    if not shown and (settings.proportions == "person" or settings.head_joints != "full"):
        _log.warning("%s: nobody knows where its dancers are, so their skeletons stay as they are drawn", clip)
    if changed:
        for name, taken in taken_from(inputs).items():
            _log.info("%s has the proportions of %s: %s", clip, name, taken)
    anew = len(shown) < len(found.joints) or bool(changed) or settings.head_joints != "full"
    return Driving(
        Dancers(found.names, shown),
        size,
        inputs.drawing,
        inputs.wan.drawing_side,
        settings.head_joints,
        anew and bool(shown),
    )


def factors_of(inputs: RenderInputs, roles: Sequence[Role], clip: str, settings: RenderSettings) -> Factors:
    """By what a render multiplies the bones of the dancers who become somebody; of nobody where it keeps their proportions."""
    if settings.proportions == "dancer":
        return {}
    found, size = inputs.dancers(clip), _size(inputs, clip)
    everywhere = {role.dancer: role for role in roles}
    become = {dancer: everywhere.get(dancer, everywhere.get(None)) for dancer in found.joints}
    changed = {}
    for dancer, role in become.items():
        if role is not None:
            joints = found.joints[dancer]
            own = _wanted(inputs, role, full_lengths(joints, found.names))
            fitting = in_view(joints, found.names, own, size)
            changed[dancer] = {name: round(factor, 4) for name, factor in fitting.items()}
    return changed


def taken_from(inputs: RenderInputs) -> dict[str, str]:
    """What of people's proportions was taken from which photos, by their names."""
    files = {name: person.proportions for name, person in sorted(inputs.people.items())}
    return {name: load_proportions(path).in_words() for name, path in files.items() if path}


def _wanted(inputs: RenderInputs, role: Role, dancer: dict[str, float]) -> dict[str, float]:
    """By what the bones of a dancer with these full lengths are multiplied to become those of somebody."""
    parts = {}
    for name, weight in role.weights.items():
        path = inputs.people[name].proportions
        assert path is not None, "a render that asks for a person's proportions has them among its inputs"
        parts[name] = factors(dancer, load_proportions(path).lengths), weight
    return mixed(parts)


def _size(inputs: RenderInputs, clip: str) -> tuple[int, int]:
    height, width = Footage(inputs.control(clip))[0].shape[:2]
    return width, height
