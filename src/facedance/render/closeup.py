"""Close-ups: the head of a dancer in a finished render is made once more, larger, and put back.

In a whole body a face has few pixels, and the model few tokens for it. So a window around the head is enlarged to a size of the
model's. What is around the head is given (VACE's mask is 0 there), and the head is denoised again from a noise level on, with the
pose drawn in the window. A long dance goes window by window of frames, each going on from the one before, as its render did.
"""

import functools
import logging
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from facedance.config.render_settings import RenderSettings
from facedance.latents.references import read_reference
from facedance.render.going_on import make_windows
from facedance.render.head_view import View, views_of
from facedance.render.inputs import RenderInputs, RenderJob
from facedance.render.scene import Scene
from facedance.render.windows import PartReader, Window, WindowFiles
from facedance.video.pictures import Frame, Frames
from facedance.wan.encoder import LatentEncoder
from facedance.wan.pipeline import ControlLatents, FaceVACEPipeline
from facedance.wan.start import Start

_log = logging.getLogger("facedance")


class Make(Protocol):
    """Gives the frames (T, H, W, 3) of a window."""

    def __call__(self, control: ControlLatents, window: Window, start: Start) -> Frames: ...


class MakeOf(Protocol):
    """Gives those of a scene."""

    def __call__(self, scene: Scene, control: ControlLatents, window: Window, start: Start) -> Frames: ...


def with_close_ups(
    job: RenderJob,
    inputs: RenderInputs,
    pipeline: FaceVACEPipeline,
    scene: Scene,
    make: MakeOf,
    shown: PartReader,
    files: WindowFiles,
) -> PartReader:
    """A render with the heads of all who are somebody made once more, one after the other."""
    driving, frame = scene.driving, shown(range(1))[0]
    assert driving is not None, "a render with close-ups depends on where the dancers are"
    if not driving.dancers.joints:
        _log.warning("%s: nobody knows where its dancers are, so there are no close-ups", job.clip)
    for dancer, view in views_of(driving, _size(frame), inputs.wan, job.settings.enlarge).items():
        if (alone := scene.alone(dancer)) is not None:
            _log.info("close-up of dancer %d", dancer)
            encoder, cells = LatentEncoder(pipeline.vae, *view.size), view.side // pipeline.vae_scale_factor_spatial
            heads = tuple(read_reference(path, torch.empty(1, cells, cells)) for path in alone.photos.values())
            make_head, windows = functools.partial(make, alone), inputs.windows(job)
            shown = close_up(view, shown, windows, files.of_head(dancer), encoder, heads, job.settings, make_head)
    return shown


def close_up(
    view: View,
    shown: PartReader,
    windows: Sequence[Window],
    files: WindowFiles,
    encoder: LatentEncoder,
    references: tuple[Tensor, ...],
    settings: RenderSettings,
    make: Make,
) -> PartReader:
    """The frames of a render with a head made once more; what was made of it lies in the files.

    Args:
        shown: the render.
        windows: those of the clip's frames.
        encoder: for pictures of the view's side.
        references: (z, 1, h, w) each, of this size.
    """

    def conditioned(window: Window, given: Frames) -> Tensor:
        at = range(window.start, window.end)
        was, mask = view.enlarged(shown(at), at), view.made_anew(at)
        was[: len(given)], mask[: len(given)] = given, False
        return encoder.masked(np.where(mask[..., None], view.poses(at), was), mask)

    def remade(control: ControlLatents, window: Window) -> Frames:
        at = range(window.start, window.end)
        was = view.enlarged(shown(at), at)
        latents = encoder.video(was)  # (z, T', h, w)
        given = control.control[2 * len(latents) :].amax((0, 2, 3)) == 0  # frames of which all is given start as they are given
        latents[:, given] = control.control[: len(latents), given]
        return view.held(make(control, window, Start(latents, settings.close_up)), was, at)

    plain = settings.model_copy(update={"anchor": False, "hold_colors": False})  # colours are held to the render's
    make_windows(windows, files, conditioned, references, encoder, plain, remade)
    return lambda at: view.put_back(files.part(windows, at), shown(at), at)


def _size(frame: Frame) -> tuple[int, int]:
    """Width and height."""
    return frame.shape[1], frame.shape[0]
