"""What slowly changes in a long render, and what jumps where its windows meet."""

from collections.abc import Sequence

import numpy as np

from facedance.evaluate.observe import Observation
from facedance.evaluate.seconds import Second

DRIFTS = ("background_drift", "clothes_hue_drift", "seam_change", "identity_drift")

_SHORTEST_S = 2  # of what has a first and another second


def drift(seen: Observation, seconds: Sequence[Second], seams: Sequence[int], fps: int) -> dict[str, float | None]:
    """The scores `DRIFTS` of a render with these seconds; None where it is too short, or there is nothing to measure.

    `background_drift` is in grey levels: the standard deviation of the background's mean colour, in the channel where it is
    largest. `clothes_hue_drift` is in degrees: the largest of the seconds' shifts. `identity_drift` is the distance to the
    person in the last second minus the first's. `seam_change` is the mean change from the frame before to the frames `seams`
    over the median change elsewhere, and needs no length.
    """
    if len(seen.people) < _SHORTEST_S * fps:
        return {**dict.fromkeys(DRIFTS), "seam_change": _seam_change(seen, seams)}
    background = seen.background[~np.isnan(seen.background).any(axis=1)]
    shifts = [second.clothes_hue_shift for second in seconds[1:] if second.clothes_hue_shift is not None]
    first, last = seconds[0].identity_distance, seconds[-1].identity_distance
    return {
        "background_drift": float(background.std(axis=0).max()) if len(background) else None,
        "clothes_hue_drift": max(shifts, default=None),
        "seam_change": _seam_change(seen, seams),
        "identity_drift": None if first is None or last is None else last - first,
    }


def _seam_change(seen: Observation, seams: Sequence[int]) -> float | None:
    here = np.zeros(len(seen.changes), np.bool_)
    here[list(seams)] = True
    elsewhere = seen.changes[1:][~here[1:]]
    usual = float(np.median(elsewhere)) if len(elsewhere) else 0.0
    return float(seen.changes[here].mean()) / usual if here.any() and usual > 0 else None
