"""A clip seen through the window that follows a head: enlarged, with the pose drawn in it, and put back into the picture."""

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from facedance.config.sections import WanModel
from facedance.poses.skeleton import to_openpose
from facedance.poses.table import Dancers
from facedance.render.driving import Driving
from facedance.render.heads import HeadPath, follow_head
from facedance.video.pictures import Frame, Frames

_log = logging.getLogger("facedance")

EDGE = 0.15  # of the shorter side of what is made anew: over so much it passes into what was there


@dataclass(frozen=True)
class View:
    """The clip through the window that follows a head."""

    path: HeadPath
    side: int  # pixels of the enlarged window
    driving: Driving  # all who are drawn, in pixels of the render

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the enlarged window."""
        return self.side, self.side

    def enlarged(self, frames: Frames, at: range) -> Frames:
        """The window (T, side, side, 3) in frames (T, H, W, 3) of this part of the clip."""
        cubic, edge = cv2.INTER_CUBIC, cv2.BORDER_REPLICATE
        boxes = self.path.windows[at.start : at.stop]
        together = zip(frames, boxes, strict=True)
        return np.stack([cv2.warpAffine(f, _scaling(b, self.side), self.size, flags=cubic, borderMode=edge) for f, b in together])

    def poses(self, at: range) -> Frames:
        """The dancers' poses drawn in the window (T, side, side, 3)."""
        boxes = self.path.windows[at.start : at.stop, None]  # (T, 1, 4)
        joints = np.stack([joints[at.start : at.stop] for joints in self.driving.dancers.joints.values()])  # (P, T, J, 4)
        joints[..., :2] = (joints[..., :2] - boxes[..., :2]) * self.side / (boxes[..., 2:] - boxes[..., :2])
        seen = dict(zip(self.driving.dancers.joints, joints, strict=True))
        return replace(self.driving, dancers=Dancers(self.driving.dancers.names, seen), size=self.size).poses(range(len(boxes)))

    def made_anew(self, at: range) -> NDArray[np.bool_]:
        """Which pixels of the window (T, side, side) are made anew."""
        return np.stack([softness(region, self.side) > 0 for region in self._inside(at)])

    def held(self, made: Frames, was: Frames, at: range) -> Frames:
        """What was made in the window, in each frame in the mean colour that was where it passes into what stays.

        Not in that of the whole head: hair of another colour would move that of the wall around it.
        """
        shares = np.stack([softness(region, self.side) for region in self._inside(at)])[..., None]  # (T, side, side, 1)
        weights = shares * (1 - shares)
        off = (weights * (was.astype(np.float32) - made)).sum((1, 2), keepdims=True)
        held: Frames = (made + off / np.maximum(weights.sum((1, 2), keepdims=True), 1e-6)).round().clip(0, 255).astype(np.uint8)
        return held

    def put_back(self, made: Frames, frames: Frames, at: range) -> Frames:
        """Frames (T, H, W, 3) of this part with what was made in the window; outside of the region no pixel changes."""
        places = slice(at.start, at.stop)
        together = zip(frames, made, self.path.windows[places], self.path.regions[places], strict=True)
        return np.stack([_put_back(frame, head, window, region) for frame, head, window, region in together])

    def _inside(self, at: range) -> Iterator[NDArray[np.float64]]:
        """The regions (4,) in pixels of the window."""
        for window, region in zip(self.path.windows[at.start : at.stop], self.path.regions[at.start : at.stop], strict=True):
            yield (region - np.tile(window[:2], 2)) * self.side / (window[2] - window[0])


def views_of(driving: Driving, size: tuple[int, int], wan: WanModel, enlarge: int) -> dict[int, View]:
    """The views of the dancers' heads, by number, without those that are never seen or that the model has made as large.

    Args:
        size: width and height of the render.
        enlarge: how many times as large as the model has made it that is.
    """
    scale, side = np.array([*np.divide(size, driving.size), 1, 1], np.float32), wan.square[0]
    names, joints_of = driving.dancers.names, driving.dancers.joints
    placed = replace(driving, dancers=Dancers(names, {dancer: joints * scale for dancer, joints in joints_of.items()}), size=size)
    views = {}
    for dancer, joints in placed.dancers.joints.items():
        path = follow_head(to_openpose(joints[..., [0, 1, 3]], names)[..., :2], size)
        if path is None or np.median(path.windows[:, 2] - path.windows[:, 0]) >= side * enlarge:
            _log.info("dancer %d: no close-up, as the head is %s", dancer, "large enough" if path else "never seen")
        else:
            views[dancer] = View(path, side, placed)
    return views


def softness(region: NDArray[np.floating], width: int, height: int | None = None) -> NDArray[np.float32]:
    """How much of each pixel (H, W) is made anew: 1 in a region x0, y0, x1, y1, falling to 0 towards its edges and beyond."""
    sides = region[2:] - region[:2]
    edge = max(EDGE * float(sides.min()), 1e-6)
    x, y = (
        np.minimum(places - region[i], region[2 + i] - places)
        for i, places in enumerate((np.arange(width) + 0.5, np.arange(height or width) + 0.5))
    )
    share = np.clip(np.minimum(x, y[:, None]) / edge, 0, 1)
    soft: NDArray[np.float32] = (share**2 * (3 - 2 * share)).astype(np.float32)  # smoothstep
    return soft


def _scaling(box: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """The affine map (2, 3), for centres of pixels at whole numbers, that brings a square to (0, 0) with this side."""
    scale = side / (box[2] - box[0])
    return np.array([[scale, 0, 0.5 * scale - 0.5 - scale * box[0]], [0, scale, 0.5 * scale - 0.5 - scale * box[1]]])


def _put_back(frame: Frame, head: Frame, window: NDArray[np.float64], region: NDArray[np.float64]) -> Frame:
    """A frame (H, W, 3) with a region of what was made in a window (side, side, 3)."""
    weight = softness(region, frame.shape[1], frame.shape[0])
    rows, columns = (np.flatnonzero(weight.any(axis)) for axis in (1, 0))
    if not len(rows):
        return frame
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    # Drawn some pixels to one, and then made smaller by area, so that no detail turns into steps.
    fine = math.ceil(len(head) / (window[2] - window[0]))
    corner = np.array([left, top])
    onto = _scaling((window - np.tile(corner, 2)) * fine, len(head))  # from the part, drawn finely, to the window
    part = cv2.warpAffine(
        head,
        onto,
        (int(right - left) * fine, int(bottom - top) * fine),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    small = cv2.resize(part, (int(right - left), int(bottom - top)), interpolation=cv2.INTER_AREA)
    new = frame.copy()
    place, share = new[top:bottom, left:right], weight[top:bottom, left:right, None]
    place[:] = (place + share * (small.astype(np.float32) - place)).round().astype(np.uint8)
    return new
