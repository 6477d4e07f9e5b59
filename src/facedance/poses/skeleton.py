"""Joints of the skeletons in use and the way from each to OpenPose's 18, which Wan2.1-VACE has learned to follow."""

import numpy as np
from numpy.typing import NDArray

MEDIAPIPE = (
    "nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye", "right_eye_outer",
    "left_ear", "right_ear", "mouth_left", "mouth_right", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow",
    "left_wrist", "right_wrist", "left_pinky", "right_pinky", "left_index", "right_index", "left_thumb", "right_thumb",
    "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle", "left_heel", "right_heel",
    "left_foot_index", "right_foot_index",
)  # fmt: skip
"""BlazePose's 33 landmarks, in the order of MediaPipe's PoseLandmark."""

COCO = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow",
    "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
)  # fmt: skip
"""The 17 keypoints of COCO, as in AIST++."""

COCO_IN_MEDIAPIPE = tuple(MEDIAPIPE.index(name) for name in COCO)
"""Where COCO's keypoints stand among MediaPipe's."""

OPENPOSE = (
    "nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist",
    "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
    "right_eye", "left_eye", "right_ear", "left_ear",
)  # fmt: skip
"""OpenPose's 18 joints."""

LIMBS = (
    ("neck", "right_shoulder"), ("neck", "left_shoulder"),
    ("right_shoulder", "right_elbow"), ("right_elbow", "right_wrist"),
    ("left_shoulder", "left_elbow"), ("left_elbow", "left_wrist"),
    ("neck", "right_hip"), ("right_hip", "right_knee"), ("right_knee", "right_ankle"),
    ("neck", "left_hip"), ("left_hip", "left_knee"), ("left_knee", "left_ankle"),
    ("neck", "nose"), ("nose", "right_eye"), ("right_eye", "right_ear"), ("nose", "left_eye"), ("left_eye", "left_ear"),
)  # fmt: skip
"""OpenPose's limbs in the order in which they are drawn."""

COLOURS = (
    (0, 0, 255), (0, 85, 255), (0, 170, 255), (0, 255, 255), (0, 255, 170), (0, 255, 85), (0, 255, 0), (85, 255, 0),
    (170, 255, 0), (255, 255, 0), (255, 170, 0), (255, 85, 0), (255, 0, 0), (255, 0, 85), (255, 0, 170), (255, 0, 255),
    (170, 0, 255), (85, 0, 255),
)  # fmt: skip
"""RGB of limb i and of joint i as VACE's training videos show them: its annotator saves BGR pictures as if they were RGB."""

FACE = frozenset({*MEDIAPIPE[:11]})
"""Joints that lie on the face."""


def to_openpose(joints: NDArray[np.float32], names: tuple[str, ...]) -> NDArray[np.float32]:
    """Joints (..., len(names), 3) of x, y, confidence as OpenPose's (..., 18, 3).

    Joints go by name. The neck is the mean of the shoulders and as certain as the less certain of them.

    Raises:
        ValueError: the skeleton lacks one of the joints.
    """
    missing = [name for name in OPENPOSE if name != "neck" and name not in names]
    if missing:
        raise ValueError(f"a skeleton without {', '.join(missing)} cannot be mapped to OpenPose's 18 joints")
    shoulders = joints[..., [names.index("left_shoulder"), names.index("right_shoulder")], :]
    neck = shoulders.mean(axis=-2)
    neck[..., 2] = shoulders[..., 2].min(axis=-1)
    return np.stack([neck if name == "neck" else joints[..., names.index(name), :] for name in OPENPOSE], axis=-2)
