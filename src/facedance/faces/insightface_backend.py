"""InsightFace: a folder of ONNX files with an SCRFD detector and an ArcFace recogniser.

The packs (buffalo_l, antelopev2, ...) are for research only. `FaceAnalysis` would also load their other networks, one of
which reads a pickle, so the two that are needed are opened here.
"""

import logging
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from insightface.model_zoo.arcface_onnx import ArcFaceONNX
from insightface.model_zoo.onnxruntime_utils import preload_cuda_libraries
from insightface.model_zoo.scrfd import SCRFD
from insightface.utils import face_align
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, InvalidGraph, InvalidProtobuf
from skimage.transform import SimilarityTransform

from facedance.faces.crop import close_up
from facedance.faces.embedding import Embedding
from facedance.faces.face import Face, Image
from facedance.faces.onnx_pack import CHIP, pack_networks, unusable
from facedance.gpus import own_gpu

_LEAST_PICTURE = 128  # pixels: the smallest picture that SCRFD looks at, to which photos are shrunk
_CUDA = "CUDAExecutionProvider"


class InsightFaceBackend:
    """A FaceBackend whose distances are those of unit vectors, sqrt(2 - 2 cos): of strangers they lie around 1.4."""

    name = "insightface"
    outlier_distance = 1.1  # cosine 0.40; docs/method.md says where both come from
    recognised_distance = 1.2  # cosine 0.28
    # Eyes, tip of the nose, corners of the mouth; from MediaPipe's canonical face model (eyes: middle of their corners).
    face_model: NDArray[np.float32] = np.array(
        [
            [-3.151146, 2.624618, 3.465663],
            [3.151146, 2.624618, 3.465663],
            [0.0, -1.126865, 7.475604],
            [-2.456206, -4.342621, 4.283884],
            [2.456206, -4.342621, 4.283884],
        ],
        np.float32,
    )

    def __init__(self, folder: Path) -> None:
        detector, recogniser = pack_networks(folder)
        self._detector = SCRFD(str(detector), _open(detector))
        self._recogniser = ArcFaceONNX(str(recogniser), _open(recogniser))
        self.dimension = int(self._recogniser.output_shape[-1])

    def detect(self, image: Image, min_face_px: int) -> list[Face]:
        """Faces at least `min_face_px` wide, largest first. Scores are from 0.5 to 1."""
        if min(image.shape[:2]) * _LEAST_PICTURE < max(image.shape[:2]):  # nothing would be left of the shorter side
            return []
        boxes, landmarks = self._detector.detect(_bgr(image))  # (N, 5), (N, 5, 2)
        faces = [Face(b[:4], float(b[4]), p.astype(np.float32)) for b, p in zip(boxes, landmarks, strict=True)]
        return sorted((f for f in faces if f.size >= min_face_px), key=lambda face: -face.size)

    def embed(self, image: Image, face: Face) -> Embedding:
        """The direction of ArcFace's output; its length says how sure the network is, not who it sees, so it is left out."""
        chip = self.align(image, face, CHIP)
        return Embedding(Embedding.of(self._recogniser.get_feat(_bgr(chip))[0]).vector, 1.0)

    def align(self, image: Image, face: Face, size: int) -> Image:
        """The face as ArcFace was trained to see it: upright, eyes and mouth at fixed places."""
        cut, landmarks = close_up(image, face, size)
        places = face_align.arcface_dst * (size / CHIP)  # (5, 2)
        matrix = SimilarityTransform.from_estimate(landmarks, places).params[:2]  # (2, 3)
        return np.asarray(cv2.warpAffine(cut, matrix, (size, size)), np.uint8)


def _open(path: Path) -> onnxruntime.InferenceSession:
    """A session on this job's GPU where onnxruntime is built for one and finds CUDA's libraries, else on the CPU."""
    cuda = []
    if _CUDA in onnxruntime.get_available_providers():
        cuda.append((_CUDA, {"device_id": own_gpu() or 0}))  # where all are taken the first, as a model does
    wanted = [*cuda, "CPUExecutionProvider"]
    preload_cuda_libraries(wanted)  # those that were installed with torch lie where the provider does not look by itself
    try:
        session = onnxruntime.InferenceSession(str(path), providers=wanted)
    except (Fail, InvalidArgument, InvalidGraph, InvalidProtobuf) as error:
        raise unusable(path, error) from None
    log, got = logging.getLogger("facedance"), session.get_providers()
    log.info("%s runs on %s", path.name, got[0])
    if cuda and _CUDA not in got:
        log.warning(
            "%s: CUDA could not be used, so it runs on the CPU; the lines of onnxruntime above say what is missing", path.name
        )
    return session


def _bgr(image: Image) -> Image:
    return np.ascontiguousarray(image[..., ::-1])
