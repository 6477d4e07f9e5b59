"""How like their people a render is in which each of several dancers is somebody: what is seen of each, and the mean."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from facedance.evaluate.likeness import EVERY, Judges, Likeness, Seen
from facedance.evaluate.sights import watch_each
from facedance.video.pictures import Frame


def look_at_each(judges: Judges, frames: Sequence[Frame], driving: NDArray[np.floating], fps: int) -> list[Seen]:
    """What is seen of each of P dancers in the frames (H, W, 3) of a render in the size of its clip.

    Args:
        driving: (P, T, 17, 3) x, y in pixels of the frames and visibility of those who are looked for.
    """
    return judges.seen_in(watch_each(frames, driving, judges.backend, judges.pose_model, fps, EVERY))


def mean_of(each: Iterable[Likeness]) -> Likeness:
    """The means over dancers, of each figure over those of whom it is known."""
    said = list(each)
    return Likeness(
        face_detected_rate=float(np.mean([one.face_detected_rate for one in said])) if said else 0.0,
        identity_distance=_mean([one.identity_distance for one in said]),
        pose_pck=_mean([one.pose_pck for one in said]),
        landmark_distance=_mean([one.landmark_distance for one in said]),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
