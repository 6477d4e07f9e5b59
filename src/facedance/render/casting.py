"""A cast in one clip: which part of the picture is whose."""

import functools
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facedance.config.cast import become_somebody
from facedance.job import InputError
from facedance.poses.skeleton import to_openpose
from facedance.regions.shares import reaches, shares
from facedance.render.driving import Driving
from facedance.render.inputs import RenderInputs, RenderJob
from facedance.render.windows import Window
from facedance.wan.pipeline import ControlLatents

_NOBODY = "and by the cast nobody there becomes somebody"
_log = logging.getLogger("facedance")


@dataclass(frozen=True)
class Casting:
    """The dancers of a clip who are shown, whoever they become."""

    driving: Driving

    def parts(self, window: Window, control: ControlLatents, owners: Sequence[int]) -> dict[int, Tensor]:
        """How much of each latent pixel of a window is each dancer's: (R + T', h, w), references first.

        Args:
            owners: whose head each of the first references shows, by number; another shows the clip's first frame.
        """
        height, width = control.control.shape[2:]
        dancers = self._parts(window.start, window.end, (control.frames, height, width))
        first = self._parts(0, 1, (1, height, width)) if len(control.references) > len(owners) else {}
        whole = {True: torch.ones(1, height, width), False: torch.zeros(1, height, width)}
        return {
            dancer: torch.cat(
                [*([first[dancer]] if first else []), *(whole[owner == dancer] for owner in reversed(owners)), part]
            )
            for dancer, part in dancers.items()  # the last reference becomes the first frame
        }

    def _parts(self, start: int, stop: int, shape: tuple[int, int, int]) -> dict[int, Tensor]:
        joints, reach = self._bodies
        parts = shares(joints[:, start:stop], reach, self.driving.size, shape)
        return dict(zip(self.driving.dancers.joints, parts, strict=True))

    @functools.cached_property
    def _bodies(self) -> tuple[NDArray[np.float32], NDArray[np.floating]]:
        """OpenPose's joints (P, T, 18, 2), and how far around them a dancer reaches (P,)."""
        flat = np.stack([joints[..., [0, 1, 3]] for joints in self.driving.dancers.joints.values()])
        joints = to_openpose(flat, self.driving.dancers.names)[..., :2]
        return joints, reaches(joints)


@dataclass(frozen=True)
class Alone:
    """A cast in a close-up: all of it is one dancer's."""

    dancer: int

    def parts(self, window: Window, control: ControlLatents, owners: Sequence[int]) -> dict[int, Tensor]:
        """As those of `Casting`."""
        return {self.dancer: torch.ones(len(control.references) + control.frames, *control.control.shape[2:])}


def casting(inputs: RenderInputs, clip: str, driving: Driving) -> Casting | None:
    """The cast in a clip, in which these skeletons are drawn; None where one person is everybody.

    Raises:
        InputError: none of the dancers who become somebody is in the clip.
    """
    if inputs.cast is None:
        return None
    everybody = inputs.dancers(clip).joints
    if not (people := become_somebody(inputs.cast.dancers)) & everybody.keys():
        raise InputError(f"{_there(clip, everybody)} {_NOBODY}: name one in render.batches, or leave the video out")
    if missing := sorted(people - everybody.keys()):
        _log.warning("%s and of the cast it lacks %s", _there(clip, everybody), ", ".join(map(str, missing)))
    return Casting(driving)


def with_somebody(jobs: Sequence[RenderJob], inputs: RenderInputs) -> list[RenderJob]:
    """Those of a batch's renders whose clips have a dancer who becomes somebody; of the others a warning tells."""
    if inputs.cast is None:
        return [*jobs]
    dancers = {clip: inputs.dancers(clip).joints for clip in dict.fromkeys(job.clip for job in jobs)}
    people = become_somebody(inputs.cast.dancers)
    for clip, there in dancers.items():
        if not people & there.keys():
            _log.warning("left out: %s %s", _there(clip, there), _NOBODY)
    return [job for job in jobs if people & dancers[job.clip].keys()]


def _there(clip: str, dancers: Collection[int]) -> str:
    return f"{clip} has {'one dancer' if len(dancers) == 1 else f'dancers 1 to {max(dancers, default=0)}'},"
