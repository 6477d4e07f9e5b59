"""Photos as training pictures: the face, half or all of the person in a size of the model's, encoded as videos of one frame."""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image
import torch
from numpy.typing import NDArray

from facedance.config.captions import Shown
from facedance.config.sections import Faces, Poses, Size, WanModel
from facedance.faces.accepted import accepted_photos
from facedance.faces.embed import LOOK_BELOW
from facedance.faces.face import Face, FaceBackend, Image
from facedance.faces.find import turned
from facedance.faces.photos import UnusablePhoto, load_photo, read_picture
from facedance.faces.select import main_face
from facedance.latents.encode import save_latents
from facedance.latents.references import reference_name
from facedance.poses.draw import draw_pose
from facedance.poses.landmarker import open_landmarker
from facedance.poses.skeleton import MEDIAPIPE, to_openpose
from facedance.wan.device import room_to_encode
from facedance.wan.encoder import LatentEncoder
from facedance.wan.load import choose_device, load_vae

HEADROOM = 1.4  # heights of the face between its middle and the window's top
HALF, WHOLE = 3.2, 7.0  # heights of a face below its middle that reach to the hips, and to the feet
MOST_ENLARGED = 2.0  # a photo that is enlarged more teaches blur
WHITE = 255

_log = logging.getLogger("facedance")


@dataclass(frozen=True)
class PhotoFiles:
    """What the latents of one person's photos are made from, and where they go."""

    table: Path  # csv of the faces stage: photo, status, turn
    photos: Mapping[str, Path]  # by their names
    reference: Path  # picture of the person's head
    pose_model: Path  # MediaPipe's landmarker
    latents: Path  # safetensors to write


@dataclass(frozen=True)
class Portrait:
    """A window of a photo; boxes are x0, y0, x1, y1 and landmarks x, y in pixels of `image`."""

    image: Image  # (height, width, 3)
    face: NDArray[np.float32]  # (4,)
    landmarks: NDArray[np.float32]  # (5, 2)
    photo: NDArray[np.float32]  # (4,) the part that the photo covers; the rest is white

    enlarged: float  # how many times

    @property
    def shows(self) -> Shown:
        """How much of a standing person's body the photo has, in this window."""
        top, bottom = float(self.face[1]), float(self.face[3])
        below = (float(self.photo[3]) - (top + bottom) / 2) / max(bottom - top, 1.0)
        return "whole" if below >= WHOLE else "half" if below >= HALF else "face"


def portraits(photo: Image, found: Face, shares: Sequence[float], sizes: Sequence[Size]) -> dict[Shown, Portrait]:
    """Windows of a photo in which its face has these shares of the height: of those that show as much, the first.

    Of these, windows in which the photo is enlarged too much are left out, unless all are.
    """
    first: dict[Shown, Portrait] = {}
    for share in shares:
        portrait = fitting_portrait(photo, found, share, sizes)
        first.setdefault(portrait.shows, portrait)
    return {shown: portrait for shown, portrait in first.items() if portrait.enlarged <= MOST_ENLARGED} or first


def fitting_portrait(photo: Image, found: Face, share: float, sizes: Sequence[Size]) -> Portrait:
    """The window of a photo for one share, in the size that fits it best.

    That is one in which it is not enlarged too much, if there is any, of these one with the least padding, and of these the one
    whose shape is most like the photo's.
    """
    shape = photo.shape[1] / photo.shape[0]

    def merit(portrait: Portrait) -> tuple[bool, float, float]:
        height, width = portrait.image.shape[:2]
        x0, y0, x1, y1 = portrait.photo
        seen = float((x1 - x0) * (y1 - y0)) / (width * height)
        return portrait.enlarged <= MOST_ENLARGED, round(seen, 3), -round(abs(math.log(width / height / shape)), 6)

    return max((frame_portrait(photo, found, share, *size) for size in sizes), key=merit)


def frame_portrait(photo: Image, found: Face, share: float, width: int, height: int) -> Portrait:
    """The window of a photo (H, W, 3) in which the face found in it is `share` of the height, as width x height pixels.

    The window is moved into the photo where it fits, so that white is added only when the photo is too small for it.
    """
    face = found.box
    window_height = (face[3] - face[1]) / share
    window = np.array([window_height * width / height, window_height])
    size = np.array([photo.shape[1], photo.shape[0]], float)
    middle = np.array([face[0] + face[2], face[1] + face[3]]) / 2
    corner = middle - window * [0.5, HEADROOM * share]
    corner = np.where(window <= size, np.clip(corner, 0, np.maximum(size - window, 0)), corner)

    before = np.ceil(np.maximum(-corner, 0)).astype(int)
    after = np.ceil(np.maximum(corner + window - size, 0)).astype(int)
    padded = np.pad(photo, ((before[1], after[1]), (before[0], after[0]), (0, 0)), constant_values=WHITE)
    x0, y0 = corner + before
    box = (x0, y0, min(x0 + window[0], padded.shape[1]), min(y0 + window[1], padded.shape[0]))
    image = PIL.Image.fromarray(padded).resize((width, height), PIL.Image.Resampling.LANCZOS, box=box)

    scale = height / window_height
    limit = np.array([width, height, width, height])
    move = np.tile(corner, 2)
    seen = np.array([0, 0, *size])
    return Portrait(
        np.asarray(image),
        np.clip((face - move) * scale, 0, limit).astype(np.float32),
        ((found.landmarks - corner) * scale).astype(np.float32),
        np.clip((seen - move) * scale, 0, limit).astype(np.float32),
        float(scale),
    )


def encode_photos(
    identity: str,
    files: PhotoFiles,
    model: Path,
    wan: WanModel,
    backend: FaceBackend,
    faces: Faces,
    poses: Poses,
    shares: Sequence[float],
) -> None:
    """Encode the accepted photos of one person as videos of one frame, in the model's sizes, with faces of these `shares`.

    The latents hold, for each of a photo's portraits, named `<photo>.face`, `<photo>.half` or `<photo>.whole` by what it shows:
    `<portrait>.video` (z, 1, h, w) and `<portrait>.control` (VACE channels, 1, h, w); `<portrait>.size` (2,), width and height
    of the model's frame, and in pixels of it `<portrait>.box` (4,) of the face and `<portrait>.seen` (4,), the part that is not
    padding, both x0, y0, x1, y1, and `<portrait>.landmarks` (5, 2) of the face. `reference.<w>x<h>` (z, 1, h, w) is the picture
    of the head, padded with white, for each shape of latents, that of close-ups too.

    Raises:
        InputError: an accepted photo is gone, or a full GPU.
    """
    accepted = accepted_photos(identity, files.table, files.photos)
    sizes = [wan.clip_size(size) for size in wan.sizes]
    landmarks = open_landmarker(files.pose_model, mode="image", people=1, detection_confidence=poses.detection_confidence)
    with landmarks as landmarker, room_to_encode(files.latents):
        vae, head = load_vae(model, choose_device(wan)), read_picture(files.reference)
        encoders = {size: LatentEncoder(vae, *size) for size in (*wan.all_sizes, wan.square)}
        references = [encoder.reference(head) for encoder in encoders.values()]
        tensors = {reference_name(reference): reference for reference in references}
        for i, (name, turn) in enumerate(accepted.items()):
            _log.info("%s: photo %d of %d, %s", identity, i + 1, len(accepted), name)
            photo = turned(load_photo(files.photos[name]), turn)
            face = _face(photo, backend, faces)
            for shown, portrait in portraits(photo, face, shares, sizes).items():
                height, width = portrait.image.shape[:2]
                control = draw_person(landmarker.detect(portrait.image), (width, height), wan, poses)
                key, size = f"{name}.{shown}", wan.render_size((width, height))
                encoder = encoders[size]
                tensors[f"{key}.size"] = torch.tensor(size)
                tensors[f"{key}.video"] = encoder.video(portrait.image[None])
                tensors[f"{key}.control"] = encoder.control(control[None]).to(getattr(torch, wan.dtype))
                tensors[f"{key}.box"] = torch.from_numpy(portrait.face / wan.clip_scale)
                tensors[f"{key}.landmarks"] = torch.from_numpy(portrait.landmarks / wan.clip_scale)
                tensors[f"{key}.seen"] = torch.from_numpy(portrait.photo / wan.clip_scale)
    save_latents(files.latents, tensors)


def _face(photo: Image, backend: FaceBackend, faces: Faces) -> Face:
    """The face for which a photo was accepted; at the edge of the least size it is seen only by looking for smaller ones."""
    try:
        return main_face(backend.detect(photo, faces.min_face_px), faces.detector_score)
    except UnusablePhoto:
        return main_face(backend.detect(photo, round(LOOK_BELOW * faces.min_face_px)), faces.detector_score)


def draw_person(people: NDArray[np.float32], size: tuple[int, int], wan: WanModel, poses: Poses) -> Image:
    """Control picture of `size` of the first person found (P, 33, 4), black when there is none."""
    width, height = size
    if not len(people):
        return np.zeros((height, width, 3), np.uint8)
    joints = to_openpose(people[0][:, [0, 1, 3]], MEDIAPIPE)  # (18, 3) x, y, visibility
    return draw_pose(joints, width, height, wan.drawing_side, min_confidence=poses.min_visibility)
