"""Temporal consistency of a video, without a reference."""

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from facedance.video.pictures import Frame


class WarpingError:
    """Flicker of a video whose frames (H, W, 3) come one by one: how much a frame differs from the one before once motion is
    taken out.

    The next frame is warped back along the optical flow and compared where forward and backward flow agree, so that
    neither a dancer's motion nor what it uncovers counts. This is the warping error of Lai et al. 2018 ("Learning blind
    video temporal consistency"), as a mean absolute difference in grey levels (0-255); a still or smoothly moving picture
    is near 0.
    """

    def __init__(self) -> None:
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        self._last: tuple[Frame, NDArray[np.uint8]] | None = None
        self._errors: list[float] = []

    def add(self, frame: Frame) -> None:
        """Go on with the next frame."""
        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        if self._last is not None:
            last, last_grey = self._last
            forward = self._flow.calc(last_grey, grey, None)  # (H, W, 2)
            backward = self._flow.calc(grey, last_grey, None)
            followed = _agree(forward, _warp(backward, forward))
            if followed.any():
                difference = np.abs(_warp(frame, forward).astype(np.float32) - last)
                self._errors.append(float(difference[followed].mean()))
        self._last = frame, grey

    @property
    def value(self) -> float | None:
        """The mean over the frames so far; None when there are fewer than two or nothing can be followed."""
        return float(np.mean(self._errors)) if self._errors else None


def warping_error(frames: Iterable[Frame]) -> float | None:
    """The same of all frames (H, W, 3) of a video."""
    flicker = WarpingError()
    for frame in frames:
        flicker.add(frame)
    return flicker.value


def embedding_consistency(faces: NDArray[np.float32]) -> float | None:
    """Mean cosine similarity of the faces of successive scored frames, embeddings (S, D) with NaN rows where there is none.

    1 is the same face throughout (the measure that VBench, Huang et al. 2024, calls subject consistency, on the
    recogniser's embeddings). None when no two successive frames have a face.
    """
    unit = faces / np.linalg.norm(faces, axis=1, keepdims=True)  # (S, D)
    similar = (unit[1:] * unit[:-1]).sum(axis=1)
    similar = similar[~np.isnan(similar)]
    return float(similar.mean()) if len(similar) else None


def _warp(image: NDArray, flow: NDArray[np.float32]) -> NDArray:
    height, width = flow.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return cv2.remap(image, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _agree(forward: NDArray[np.float32], backward: NDArray[np.float32]) -> NDArray[np.bool_]:
    # The test and its constants are those of Sundaram et al. 2010, which Lai et al. use too.
    mismatch = ((forward + backward) ** 2).sum(axis=-1)
    agree: NDArray[np.bool_] = mismatch < 0.01 * ((forward**2).sum(axis=-1) + (backward**2).sum(axis=-1)) + 0.5
    return agree
