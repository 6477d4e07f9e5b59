"""Names of clips and their shards, safe as file names whatever the videos are called."""

import hashlib
import re
from pathlib import PurePath

CONTROL_PREFIX = "control-"
CONTROL_SHARD = "control"

SAFE = r"[A-Za-z0-9][A-Za-z0-9_-]*"
"""What the names of videos and clips look like."""


def video_id(path: PurePath | str) -> str:
    """A safe name for a video: its stem when that is safe already, else a readable form of it with a hash.

    AIST names stay as they are. The hash keeps `a b.mp4` and `a_b.mp4` apart.
    """
    stem = PurePath(path).stem
    if re.fullmatch(SAFE, stem) and len(stem) <= 80 and not stem.startswith(CONTROL_PREFIX):
        return stem
    readable = re.sub(r"[^A-Za-z0-9]+", "-", stem).strip("-")[:60] or "video"
    if readable.startswith(CONTROL_PREFIX):
        readable = f"video-{readable}"
    return f"{readable}-{hashlib.sha256(stem.encode()).hexdigest()[:8]}"


def clip_id(video: str, index: int) -> str:
    """Name of the `index`-th clip (from 0) of a video."""
    return f"{video}_{index:03d}"


def video_of_clip(clip: str) -> str:
    """The video that a clip was cut from; a ready-made control video goes by its own name."""
    return clip if clip.startswith(CONTROL_PREFIX) else clip.rsplit("_", 1)[0]


def control_id(path: PurePath | str) -> str:
    """Name under which a ready-made control video is rendered."""
    return CONTROL_PREFIX + video_id(path)


def shard_of(video: str, shards: int) -> str:
    """The shard of a video: a hash of its name, so that a new video changes one shard only."""
    return f"{int(hashlib.sha256(video.encode()).hexdigest()[:8], 16) % shards:04d}"


def shard_of_clip(clip: str, shards: int) -> str:
    """The shard that a clip belongs to."""
    return CONTROL_SHARD if clip.startswith(CONTROL_PREFIX) else shard_of(video_of_clip(clip), shards)
