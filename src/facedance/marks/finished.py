"""The one place where finished videos are written: with all their marks, or not at all."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facedance.config.marks import Label, Marks
from facedance.files import atomic, digest
from facedance.marks.credentials import Claim, sign
from facedance.marks.keys import Signer, signer, watermark_key
from facedance.marks.label import labelled
from facedance.marks.watermark import Watermark
from facedance.video.pictures import Frame
from facedance.video.writing import write_video


@dataclass(frozen=True)
class Marking:
    """How videos are marked: a label, the key of the watermark, and who signs; None for what they do not carry."""

    label: Label | None
    key: bytes | None
    signer: Signer | None

    @property
    def facts(self) -> dict[str, Any]:
        """What decides about a video's pixels and metadata, without any secret and whoever signs."""
        key = None if self.key is None else digest(self.key.hex())[:16]
        return {"label": self.label and self.label.model_dump(), "watermark": key, "credentials": self.signer is not None}


def marking(marks: Marks) -> Marking:
    """How videos are marked by these parameters and the user's keys. Raises InputError as they do."""
    return Marking(marks.label, watermark_key() if marks.watermark else None, signer() if marks.credentials else None)


def write_finished(
    path: Path,
    frames: Iterable[Frame],
    fps: float,
    how: Marking,
    claim: Claim,
    *,
    audio_from: Path | None = None,
    metadata: dict[str, str] | None = None,
) -> None:
    """Write frames (H, W, 3), one by one, with label and watermark in them, as an mp4 that `claim` is signed in.

    Sound and `metadata` are as `write_video` has them.
    """
    pictures = marked(frames, fps, how)
    if how.signer is None:
        write_video(path, pictures, fps, audio_from=audio_from, metadata=metadata)
        return
    with atomic(path) as signed:
        unsigned = signed.with_name(signed.name.replace(path.stem, f"{path.stem}.unsigned", 1))  # one that is swept like `signed`
        try:
            write_video(unsigned, pictures, fps, audio_from=audio_from, metadata=metadata)
            sign(unsigned, signed, claim, how.signer)
        finally:
            unsigned.unlink(missing_ok=True)


def marked(frames: Iterable[Frame], fps: float, how: Marking) -> Iterator[Frame]:
    """Frames (H, W, 3) with label and watermark."""
    shown = frames if how.label is None else labelled(frames, how.label, fps)
    if how.key is None:
        yield from shown
        return
    watermark = Watermark(how.key)
    for frame in shown:
        yield watermark.mark(frame)
