"""Photos of one person as people have them: other crops, light, tilt and formats, and some that are of no use."""

import hashlib
import io
import logging
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

from facedance.files import atomic, sha256
from facedance.sample.catalogue import PHOTOS
from facedance.sample.person import Person, person
from facedance.sample.portrait import Image, Points, turned
from facedance.sample.record import record_own, recorded
from facedance.sample.traits import generator, traits_of

STRANGER = "stranger"

_ORIENTATION = 0x0112  # the EXIF tag
_ROTATED_LEFT = 8  # its value for a picture to be shown turned a quarter to the left


@dataclass(frozen=True)
class Shot:
    """How the portrait is photographed: where, how large, at what angle, in what light; and how the file is kept."""

    centre: tuple[float, float] = (226.0, 130.0)  # pixels of the portrait
    width: float = 260.0  # pixels of the portrait in the width of the photo
    size: tuple[int, int] = (512, 512)  # width, height of the photo
    tilt: float = 0.0  # degrees
    yaw: float = 0.0  # degrees
    pitch: float = 0.0  # degrees
    gain: float = 1.0
    warmth: float = 0.0
    side_light: float = 0.0  # how much brighter the left edge is than the middle
    blur: float = 0.0  # standard deviation in pixels of the photo
    kept: str = "plain"  # plain, alpha, grey or rotated
    of: str = "person"  # person, stranger, nobody or broken


_SHOTS = {
    "IMG_2041.jpg": Shot(),
    "IMG_2042.jpg": Shot((228, 112), 190, tilt=5, gain=1.08, warmth=0.03),
    "IMG_2043.png": Shot((226, 205), 300, size=(480, 600), tilt=-4, kept="alpha"),
    "IMG_2047.jpg": Shot((232, 140), 310, size=(640, 480), yaw=7, gain=0.92, kept="rotated"),
    "IMG_2051.jpg": Shot((420, 300), 180, of="nobody"),
    "IMG_2058.jpg": Shot((218, 125), 220, yaw=-8, side_light=0.15, gain=1.05),
    "DSC_0117.jpg": Shot((226, 120), 230, tilt=-5, gain=0.95, kept="grey"),
    "DSC_0121.jpg": Shot((230, 142), 250, tilt=3, warmth=0.02, of="stranger"),
    "DSC_0122.jpg": Shot((256, 212), 400, size=(768, 768), tilt=2, pitch=4, warmth=-0.04),
    "DSC_0130.jpg": Shot((222, 120), 240, of="broken"),
    "Fête 3.jpg": Shot((215, 118), 205, tilt=6, yaw=5, gain=0.85, warmth=0.06, blur=0.8),
    "P1000318.png": Shot((236, 122), 240, pitch=-4, side_light=-0.1, gain=1.05),
}


def make_photos(folder: Path, identity: str, seed: int, record: Path) -> None:
    """Write the sample's photos of one identity into `folder`, under the names in `catalogue.PHOTOS`, and record them.

    "eileen" is the portrait's own person; any other name is a person made from it, the same for equal name and seed.
    A file that is there and is neither in `record` nor what is to be made is the user's, and stays.
    """
    log = logging.getLogger("facedance")
    before, made = recorded(record, identity), []
    own, stranger = person(traits_of(identity, seed)), person(traits_of(STRANGER, seed))
    for number, name in enumerate(PHOTOS, 1):
        shot = _SHOTS[name]
        picture = photograph(stranger if shot.of == "stranger" else own, shot, generator(f"{identity}/{name}", seed))
        content = _encode(picture, shot, Path(name).suffix)
        if shot.of == "broken":
            content = content[: len(content) // 4]  # as an interrupted copy leaves it
        photo = folder / name
        if photo.exists() and sha256(photo) not in {before.get(name), hashlib.sha256(content).hexdigest()}:
            log.warning("%s is not the sample's and stays as it is", photo)
            continue
        with atomic(photo) as temporary:
            temporary.write_bytes(content)
        made.append(photo)
        log.info("photo %d of %d of %s: %s", number, len(PHOTOS), identity, name)
    record_own(record, made, identity)


def photograph(subject: Person, shot: Shot, rng: np.random.Generator) -> Image:
    """The photo (H, W, 3) of a portrait."""
    width, height = shot.size
    to_portrait = _to_portrait(shot)
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    points = np.stack([x, y, np.ones_like(x)], -1) @ to_portrait.T  # (H, W, 2)
    points = turned(points, subject.middle, subject.radius, shot.yaw, shot.pitch).astype(np.float32)
    picture = cv2.remap(subject.image, points[..., 0], points[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    light = shot.gain * (1 + shot.side_light * np.linspace(1, -1, width)[None, :, None])
    tint = np.array([1 + shot.warmth, 1, 1 - shot.warmth])
    seen = picture * light * tint
    if shot.blur:
        seen = cv2.GaussianBlur(seen, (0, 0), shot.blur)
    seen += rng.normal(0, 1.5, seen.shape[:2])[..., None]  # the sensor's noise
    photo: Image = seen.clip(0, 255).astype(np.uint8)
    return photo


def to_photo(shot: Shot, points: Points) -> Points:
    """Where points (N, 2) of the portrait are in the photo (N, 2), for a face that is not turned."""
    inverse = cv2.invertAffineTransform(_to_portrait(shot))
    placed: Points = points @ inverse[:, :2].T + inverse[:, 2]
    return placed


def _to_portrait(shot: Shot) -> NDArray[np.float64]:
    """(2, 3): from pixels of the photo to pixels of the portrait."""
    width, height = shot.size
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), shot.tilt, shot.width / width)
    matrix[:, 2] += np.array(shot.centre) - (width / 2, height / 2)
    return np.asarray(matrix)


def _encode(picture: Image, shot: Shot, suffix: str) -> bytes:
    image = Picture.fromarray(picture)
    exif = Picture.Exif()
    if shot.kept == "alpha":
        image.putalpha(255)
    if shot.kept == "grey":
        image = image.convert("L")
    if shot.kept == "rotated":
        image = image.transpose(Picture.Transpose.ROTATE_270)
        exif[_ORIENTATION] = _ROTATED_LEFT
    file = io.BytesIO()
    if suffix == ".png":
        image.save(file, "PNG")
    else:
        image.save(file, "JPEG", quality=93, exif=exif)
    return file.getvalue()
