"""How good a photo of a face is: size, sharpness and head pose, the limits, and the weight that follows."""

from dataclasses import dataclass
from math import asin, atan2, cos, degrees, radians

import cv2
import numpy as np
from numpy.typing import NDArray

from facedance.config.sections import Faces
from facedance.faces.face import Face, FaceBackend, Image

_CROP = 112  # pixels: all faces are compared for sharpness at this size
_GOOD_DETAIL = 100.0
_CONTRAST = 100.0  # standard deviation of the grey values to which a crop is brought
_LEAST_CONTRAST = 4.0  # less is taken for this: a face that is hardly there has no edges to judge by
_SCALES = (0.7, 1.4)  # pixels: standard deviations of the blur before edges are looked for
_EDGES = 4.5  # how much more edges at the finer scale there are in a sharp face
_GRAIN = 25.0  # and in grain
_DISTANCE = 20.0  # of the imagined camera, in mean distances of the landmarks from their middle: about a metre


@dataclass(frozen=True)
class HeadPose:
    """Where the head points, in degrees. Yaw: to the viewer's right. Pitch: up. Roll: clockwise."""

    yaw: float
    pitch: float
    roll: float


@dataclass(frozen=True)
class Quality:
    """What is measured of a face in a photo."""

    face_px: float
    sharpness: float
    detail: float
    score: float
    pose: HeadPose


def measure(image: Image, face: Face, backend: FaceBackend) -> Quality:
    """Quality of a detected face."""
    crop = backend.align(image, face, _CROP)
    return Quality(face.size, sharpness(crop), detail(crop), face.score, head_pose(face.landmarks, backend.face_model))


def sharpness(crop: Image) -> float:
    """How sharp the edges of a face are, whatever the light and the grain; 0 for a plain surface.

    The variance of the Laplacian at a scale that grain seldom reaches, in a crop of equal contrast. What the grain still adds
    there is told by a finer scale, where there is more of it than of any edge, and taken away.

    It depends on the size at which it is taken, so crops must have equal sizes to be compared.
    """
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.float32)
    soft = [cv2.GaussianBlur(grey, (0, 0), scale) for scale in _SCALES]
    gain = _CONTRAST / max(float(soft[1].std()), _LEAST_CONTRAST)
    fine, coarse = (float(cv2.Laplacian(picture * gain, cv2.CV_32F).var()) for picture in soft)
    grain = max(0.0, fine - _EDGES * coarse) / (_GRAIN - _EDGES)
    return max(0.0, coarse - grain)


def detail(crop: Image) -> float:
    """Variance of the Laplacian of the grey image (Pech-Pacheco et al., ICPR 2000); good light raises it, and grain too."""
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_64F).var())


def head_pose(landmarks: NDArray[np.float32], face_model: NDArray[np.float32]) -> HeadPose:
    """Head pose by which a generic head best explains the landmarks (5, 2).

    The camera is imagined far away and centred on the face, because photos are cropped and say little of their lens.
    Faces differ in how high the nose sits, so pitch is right to some ten degrees only; yaw and roll are surer.
    """
    model = (face_model * [1, -1, -1]).astype(np.float64)  # as cameras see it: y down, z away from the viewer
    model -= model.mean(axis=0)
    size = np.linalg.norm(model, axis=1).mean()
    points = (landmarks - landmarks.mean(axis=0)).astype(np.float64)
    points /= np.linalg.norm(points, axis=1).mean()
    camera = np.diag([_DISTANCE, _DISTANCE, 1.0])
    facing_us, in_front = np.zeros(3), np.array([0, 0, _DISTANCE * size])
    _, rotation, _ = cv2.solvePnP(model, points, camera, None, facing_us, in_front, True, cv2.SOLVEPNP_ITERATIVE)
    turn = cv2.Rodrigues(rotation)[0]  # (3, 3)
    # The head first nods, then turns, then tilts: turn = Rz(roll) Ry(yaw) Rx(-pitch).
    yaw = asin(np.clip(turn[2, 0], -1, 1))
    pitch, roll = -atan2(turn[2, 1], turn[2, 2]), atan2(turn[1, 0], turn[0, 0])
    return HeadPose(degrees(yaw), degrees(pitch), degrees(roll))


def defect(quality: Quality, limits: Faces) -> str | None:
    """Why a face of this quality is not used ("kind: detail"), None when it is good enough."""
    if quality.face_px < limits.min_face_px:
        return f"face too small: {quality.face_px:.0f} px, at least {limits.min_face_px} are needed"
    if quality.sharpness < limits.min_sharpness:
        return f"blurred: sharpness {quality.sharpness:.1f}, at least {limits.min_sharpness:g} is needed"
    if abs(quality.pose.yaw) > limits.max_yaw_degrees:
        return f"turned away: yaw {quality.pose.yaw:.0f} degrees, at most {limits.max_yaw_degrees:g} either way"
    return None


def weight(quality: Quality) -> float:
    """Weight of a photo in the weighted mean: min(1, face_px / 112) * d / (d + 100) * cos(yaw), d being its detail.

    Each factor is near 1 for a good photo, and none lets a single photo outweigh all others.
    """
    size = min(1.0, quality.face_px / _CROP)
    return size * quality.detail / (quality.detail + _GOOD_DETAIL) * max(0.0, cos(radians(quality.pose.yaw)))
