"""Clips for benchmarks.marks: a drawn dancer, a camera that goes over a photo, and one that goes over a picture of chance."""

from collections.abc import Callable, Iterator
from functools import partial

import cv2
import numpy as np
from skimage import data

from facedance.sample.dancer import Camera, dancer, draw, empty_room
from facedance.sample.head import Head
from facedance.sample.motion import choreograph, perform
from facedance.sample.traits import generator
from facedance.video.pictures import Frame

PHOTOS = (data.astronaut, data.coffee, data.chelsea, data.rocket)
"""Those that come with scikit-image."""


def danced(width: int, height: int, frames: int) -> Iterator[Frame]:
    """The sample's dancer, as it is drawn: the room stands still."""
    subject, camera = dancer("d04", 0), Camera(width, height)
    keys = choreograph("gBR", frames // 8 + 2, generator("benchmark", 0))
    skeleton = perform(keys, np.arange(frames) / 16 * 2, subject.body)
    head, room = Head(subject.face, subject.body.head * camera.scale), empty_room(subject, camera)
    for frame in range(frames):
        yield draw(subject, head, skeleton, frame, camera, room)[0]


def photographed(width: int, height: int, frames: int, seed: int = 0) -> Iterator[Frame]:
    """A camera that goes over a photo, another part of it in another size for each seed."""
    rng = np.random.default_rng(seed)
    photo = PHOTOS[seed % len(PHOTOS)]()
    needed = max((width + 2 * frames) / photo.shape[1], (height + frames) / photo.shape[0])
    by = needed * rng.uniform(1, 2)
    large = cv2.resize(photo, None, fx=by, fy=by, interpolation=cv2.INTER_CUBIC)[:, :, :: 1 if seed % 2 else -1]
    down = rng.integers(0, large.shape[0] - height - frames + 1)
    across = rng.integers(0, large.shape[1] - width - 2 * frames + 1)
    for n in range(frames):
        yield np.ascontiguousarray(large[down + n : down + n + height, across + 2 * n : across + 2 * n + width])


def still(width: int, height: int, frames: int) -> Iterator[Frame]:
    """A camera that stands still before a busy picture, with a little noise: what hides a mark best."""
    rng = np.random.default_rng(0)
    photo = cv2.resize(data.brick(), (width, height), interpolation=cv2.INTER_CUBIC)
    for _ in range(frames):
        noisy = photo[..., None] + rng.normal(0, 2, (height, width, 3))
        yield noisy.round().clip(0, 255).astype(np.uint8)


KINDS: dict[str, Callable[[int, int, int], Iterator[Frame]]] = {
    "a drawn dancer": danced,
    "a camera over a photo": photographed,
    "over another": partial(photographed, seed=1),
    "a still of bricks": still,
}
"""Makers of clips by what they show: width, height and number of frames in, frames (H, W, 3) out."""
