"""Making a long clip window by window, each going on from the one before.

Some of the last frames of a window are the first ones of the next, where VACE is given them to keep: its mask is 0 there. What
follows is not quite as the window before has it, so both make some frames more, over which the one fades into the other. Nothing
of this tells a window how the first one looked. So the first frame is made alone before, as a picture, and goes along with all
windows as a further reference; or colours are held to those of the given frames.
"""

import logging
from collections.abc import Callable, Sequence

import numpy as np
from torch import Tensor

from facedance.config.render_settings import RenderSettings
from facedance.render.windows import Window, WindowFiles
from facedance.video.pictures import Frames
from facedance.wan.encoder import LatentEncoder
from facedance.wan.pipeline import ControlLatents

_log = logging.getLogger("facedance")

_LEAST_SPREAD = 4.0  # grey levels: of a channel with less, only the mean is held
_MOST_STRETCH = 1.1  # by which a window's contrast is changed at most
_NOTHING = np.zeros((0, 1, 1, 3), np.uint8)  # what the first window is given

Make = Callable[[ControlLatents, Window], Frames]
"""The frames (T, H, W, 3) of a window."""

Conditioned = Callable[[Window, Frames], Tensor]
"""VACE's channels (2 z + mask, T', h, w) of a window, of whose frames the first ones (G, H, W, 3) are given."""


def on_poses(first: Tensor, poses_of: Callable[[range], Frames], encoder: LatentEncoder) -> Conditioned:
    """Windows of which all is made but what is given.

    Args:
        first: the channels of the first window.
        poses_of: gives frames (T, H, W, 3) of the control video of the whole clip.
    """

    def conditioned(window: Window, given: Frames) -> Tensor:
        if window.start == 0:
            return first
        poses = poses_of(range(window.first_made, window.end))
        return encoder.continued(given, poses) if window.given else encoder.control(poses)

    return conditioned


def make_windows(
    windows: Sequence[Window],
    files: WindowFiles,
    conditioned: Conditioned,
    references: tuple[Tensor, ...],
    encoder: LatentEncoder,
    settings: RenderSettings,
    make: Make,
) -> None:
    """Make those windows of a clip that are not in their files yet.

    Args:
        references: (z, 1, h, w) each, that all windows have.
        encoder: for pictures of the windows' size.
    """

    def picture() -> Tensor:
        """The first frame, which a VAE of Wan's encodes by itself."""
        alone = conditioned(windows[0], _NOTHING)[:, :1]
        return encoder.reference(make(ControlLatents(alone, references), Window(0, 1, 0))[0])

    anchor: tuple[Tensor, ...] | None = None
    last = _NOTHING
    for number, (before, window) in enumerate(zip([windows[0], *windows], windows, strict=False)):
        frames = files.load(number)
        if frames is None:
            if anchor is None:  # one that goes on after a kill makes it again, of the same noise
                anchor = (picture(),) if settings.anchor else ()
            _log.info("window %d of %d", number + 1, len(windows))
            shared = last[window.start - before.start :]
            given, left = shared[: window.given], shared[window.given :]
            frames = make(ControlLatents(conditioned(window, given), (*references, *anchor)), window)
            if settings.hold_colors and window.given:
                frames = held_colors(frames, given)
            if number:
                frames = np.concatenate([given, faded(left, frames[window.given :])])
            files.save(number, frames)
        last = frames


def faded(left: Frames, made: Frames) -> Frames:
    """Frames (T, H, W, 3) that begin as those that are left behind (F, H, W, 3), less so with each of these, and end as made."""
    count = len(left)
    share = (np.arange(1, count + 1, dtype=np.float32) / (count + 1))[:, None, None, None]
    mixed = (left + share * (made[:count].astype(np.float32) - left)).round().astype(np.uint8)
    return np.concatenate([mixed, made[count:]])


def held_colors(frames: Frames, given: Frames) -> Frames:
    """A window's frames (T, H, W, 3) in the colours of the frames (G, H, W, 3) that it was given.

    The model makes the given frames too, in colours that are a little off; each channel gets the mean and spread that undo this,
    as Reinhard et al. 2001 do between pictures, with a bound on the spread.
    """
    had, has = (part.reshape(-1, 3).astype(np.float32) for part in (given, frames[: len(given)]))
    spread = np.where(has.std(0) < _LEAST_SPREAD, 1.0, had.std(0) / np.maximum(has.std(0), _LEAST_SPREAD))
    stretch = np.clip(spread, 1 / _MOST_STRETCH, _MOST_STRETCH)
    held: Frames = ((frames - has.mean(0)) * stretch + had.mean(0)).round().clip(0, 255).astype(np.uint8)
    return held
