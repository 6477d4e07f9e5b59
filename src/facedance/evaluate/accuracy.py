"""How well the poses that drive the renders were extracted: landmarks against ground truth where there is some."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facedance.clips.timing import frame_indices
from facedance.evaluate import pose
from facedance.names import video_of_clip
from facedance.tables import write_table
from facedance.video.times import inspect
from facedance.video.window_path import cut_window, windows_of

COLUMNS = ("clip", "origin", "pck", "error_px", "torso_px", "frames")


def pose_accuracy(
    ground_truth: Sequence[Path], clips_csv: Path, landmarks: Sequence[Path], poses_manifests: Sequence[Path], out: Path
) -> None:
    """Compare the landmarks of every clip whose video has ground truth, and write a row per clip to `out`.

    Ground truth holds joints in pixels of the source video at its own frame rate; it is taken at the frames that were cut
    (from the video's own timestamps) and mapped through the clip's crop. Of a group, all dancers count, and each is
    compared with the one of the same number, so one who is not followed is wrong. `pck` is PCK@0.2 of the torso, `error_px` and
    `torso_px` are pixels of the clip; joints that the ground truth calls hidden do not count. Videos that are not there
    (the user's own have no ground truth) are left out; without any ground truth the table is empty. The clips lie beside
    their table.
    """
    truth = pd.concat([pd.read_parquet(path) for path in sorted(ground_truth)]) if ground_truth else pd.DataFrame({"video": []})
    by_video = {str(name): rows for name, rows in truth.groupby("video")}
    clips = pd.read_csv(clips_csv, dtype={"clip": str, "source": str})
    clips["video"] = clips["clip"].map(video_of_clip)
    tables = [pd.read_csv(path, dtype={"clip": str}) for path in poses_manifests]
    poses = pd.concat(tables) if tables else pd.DataFrame({"clip": [], "status": [], "origin": []}, dtype=str)
    used = clips[(clips["status"] == "accepted") & clips["video"].isin(list(by_video))]
    used = used.merge(poses.loc[poses["status"] == "accepted", ["clip", "origin"]], on="clip").sort_values("clip")
    found = pose.read_dancers(landmarks, used["clip"].tolist())
    rows = []
    for clip in used.to_dict("records"):
        joints = _in_clip(pose.joint_array(by_video[clip["video"]], "visible"), clip, clips_csv.parent)
        seen, wanted, counts = _pairs(found[clip["clip"]], joints)
        score = pose.compare(np.concatenate(seen), np.concatenate(wanted), np.concatenate(counts))
        rows.append({**clip, "pck": score.pck, "error_px": score.error_px, "torso_px": score.torso_px, "frames": joints.shape[1]})
    write_table(out, rows, COLUMNS, digits=4)
    logging.getLogger("facedance").info("pose extraction compared with the ground truth of %d clips", len(rows))


def _pairs(
    found: NDArray[np.float32], wanted: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    """Joints found and wanted (P, T, 17, 2) of the same dancers, of those wanted, and which count (P, T, 17)."""
    same = np.full(wanted[..., :2].shape, np.nan, np.float32)
    count = min(len(found), len(wanted))
    same[:count] = found[:count, ..., :2]
    return same, wanted[..., :2], wanted[..., 2] > 0.5


def _in_clip(joints: NDArray[np.float32], clip: dict, folder: Path) -> NDArray[np.float32]:
    """Ground truth (P, N, 17, 3) of a whole video at the frames and in the pixels of its clip in a folder: (P, T, 17, 3)."""
    times = inspect(clip["source"]).timestamps
    frames = int(clip["frames"])
    shown = joints[:, frame_indices(times, clip["start_s"], clip["fps"], frames)]
    window = cut_window(clip)
    windows = np.array(windows_of(folder / f"{clip['clip']}.mp4", window, frames))[:, None]  # (T, 1, 4)
    moved = shown.copy()
    moved[..., :2] = (shown[..., :2] - windows[..., :2]) * [clip["width"] / window[2], clip["height"] / window[3]]
    return moved
