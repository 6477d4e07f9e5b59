"""Prompts, clips and control videos encoded once, so that training needs no VAE and no text encoder."""

import logging
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import WanVACEPipeline
from diffusers.pipelines.wan.pipeline_wan_vace import prompt_clean
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor

from facedance.clips.crop import covered, is_inside
from facedance.config.sections import Size, WanModel
from facedance.faces.photos import read_picture
from facedance.files import atomic, digest, sha256
from facedance.names import of_window, video_of_clip
from facedance.rerun.item_cache import item_key, record, reusable
from facedance.tables import read_rows, write_table
from facedance.video.frames import Footage, read_frames
from facedance.video.window_path import cut_window
from facedance.wan.device import room_to_encode
from facedance.wan.encoder import LatentEncoder
from facedance.wan.load import choose_device, load_text, load_vae
from facedance.wan.text_padding import TEXT_TOKENS

_log = logging.getLogger("facedance")


@dataclass(frozen=True)
class ClipFiles:
    """What the latents of one shard's clips are made from."""

    clips: Path  # csv of the clips stage: where each was cut from its video, and its size
    clips_folder: Path  # their videos, `<clip>.mp4`
    poses: Path  # csv: clip, status
    poses_folder: Path  # control videos, `<clip>.mp4`
    references_folder: Path  # pictures of the dancers' heads, `<clip>.png`, where there are any


@dataclass(frozen=True)
class LatentFiles:
    """Where the latents of one shard go."""

    folder: Path  # for `<clip>.safetensors`
    manifest: Path  # csv to write: clip, status, width, height, file, sha256


@torch.no_grad()
def encode_prompts(model: Path, wan: WanModel, prompts: Mapping[str, str], out: Path) -> None:
    """Write each prompt's text embedding (512, text dim), as WanVACEPipeline.encode_prompt gives it, under its name.

    What a prompt has beyond 512 tokens is not in it, and told.

    Raises:
        InputError: a full GPU.
    """
    with room_to_encode(out):
        tokenizer, encoder = load_text(model, getattr(torch, wan.dtype), choose_device(wan))
        pipeline = WanVACEPipeline(tokenizer=tokenizer, text_encoder=encoder, vae=None, scheduler=None, transformer=None)
        tensors = {}
        for name, prompt in prompts.items():
            _log.info("prompt %r", prompt)
            if (given := len(tokenizer(prompt_clean(prompt), verbose=False).input_ids)) > TEXT_TOKENS:
                line = "prompt %s is too long: of its %d tokens the model reads %d, and nothing of what comes after; shorten it"
                _log.warning(line, textwrap.shorten(name, 60), given, TEXT_TOKENS)
            embeddings, _ = pipeline.encode_prompt(prompt, do_classifier_free_guidance=False, max_sequence_length=TEXT_TOKENS)
            tensors[name] = embeddings[0].cpu().contiguous()
    save_latents(out, tensors)


def encode_shard(
    sources: ClipFiles, latents: LatentFiles, model: Path, wan: WanModel, stamp: Path, learned: Sequence[str] = ()
) -> None:
    """Encode the clips that both tables of `sources` accept.

    Each file holds `video` (z, T', h, w) float32, `control` (VACE channels, T', h, w) in the model's dtype, when there
    is a picture of the dancer's head `reference` (z, 1, h, w) float32, and when a part of the clip lies beyond the picture of
    its video `seen` (4,), x0, y0, x1, y1 of what does not, in pixels of the clip. Of a clip of more than `wan.frames` frames
    they are those of its first ones; of the videos `learned` from, the windows of so many that follow are there too, as
    `video.1`, `control.1` and so on.

    Raises:
        InputError: a full GPU.
    """
    posed = {clip for clip, row in _rows(sources.poses).items() if _accepted(row)}
    items = []
    for clip, row in _rows(sources.clips).items():
        video, control = sources.clips_folder / f"{clip}.mp4", sources.poses_folder / f"{clip}.mp4"
        reference = sources.references_folder / f"{clip}.png"
        paths = [video, control, *([reference] if reference.exists() else [])]
        windows = len(Footage(video)) // wan.frames if _accepted(row) and video_of_clip(clip) in learned else 1
        items.append(_Item(row, paths if _accepted(row) and clip in posed else [], max(windows, 1)))

    def encode(encoder: LatentEncoder, item: _Item) -> dict[str, Tensor]:
        clip, pose, *references = item.sources
        tensors = {}
        for number in range(item.windows):
            frames = _window(clip, number, wan)
            tensors[of_window("video", number)] = encoder.video(read_frames(clip, frames))
            tensors[of_window("control", number)] = encoder.control(read_frames(pose, frames)).to(getattr(torch, wan.dtype))
        if references:
            tensors["reference"] = encoder.reference(read_picture(references[0]))
        if len(seen := item.seen):
            tensors["seen"] = torch.from_numpy(seen)
        return tensors

    _encode_items(items, encode, latents, model, wan, stamp)


def encode_controls(controls: Path, controls_folder: Path, latents: LatentFiles, model: Path, wan: WanModel, stamp: Path) -> None:
    """Encode the ready-made control videos that are accepted; their files hold only `control`.

    The videos are `<controls_folder>/<clip>.mp4`, and `controls` is a csv with the columns of the clips.

    Raises:
        InputError: a full GPU.
    """
    items = [_Item(row, [controls_folder / f"{clip}.mp4"] if _accepted(row) else []) for clip, row in _rows(controls).items()]

    def encode(encoder: LatentEncoder, item: _Item) -> dict[str, Tensor]:
        (pose,) = item.sources
        return {"control": encoder.control(read_frames(pose, _window(pose, 0, wan))).to(getattr(torch, wan.dtype))}

    _encode_items(items, encode, latents, model, wan, stamp)


@dataclass(frozen=True)
class _Item:
    row: Mapping[str, str]  # of the clips' or control videos' table
    sources: list[Path]  # none: rejected
    windows: int = 1

    @property
    def clip(self) -> str:
        return self.row["clip"]

    @property
    def size(self) -> Size:
        """Width and height of the clip."""
        return int(self.row["width"]), int(self.row["height"])

    @property
    def seen(self) -> NDArray[np.float32]:
        """What of the clip lies in its video's picture, x0, y0, x1, y1 (4,) in its pixels; (0,) where all does."""
        window, source_size = cut_window(self.row), (int(self.row["source_width"]), int(self.row["source_height"]))
        return np.zeros(0, np.float32) if is_inside(window, source_size) else covered(window, source_size, self.size)


def _encode_items(
    items: Sequence[_Item],
    encode: Callable[[LatentEncoder, _Item], dict[str, Tensor]],
    latents: LatentFiles,
    model: Path,
    wan: WanModel,
    stamp: Path,
) -> None:
    """Encode the accepted items that are not there yet, and write the manifest of all. The VAE is loaded if needed."""
    weights = digest([sha256(path) for path in sorted((model / "vae").glob("*.safetensors"))])
    vae, encoders = None, dict[Size, LatentEncoder]()
    rows = []
    for i, item in enumerate(items):
        out = latents.folder / f"{item.clip}.safetensors"
        if not item.sources:
            out.unlink(missing_ok=True)  # from a run in which it was accepted
            rows.append((item.clip, "rejected", "", "", "", ""))
            continue
        key = item_key(stamp, weights, [sha256(path) for path in item.sources], item.windows)
        facts = reusable(latents.folder, item.clip, key)
        if facts is None:
            _log.info("latents %d of %d: %s", i + 1, len(items), item.clip)
            with room_to_encode(latents.manifest):
                vae = load_vae(model, choose_device(wan)) if vae is None else vae
                if item.size not in encoders:
                    encoders[item.size] = LatentEncoder(vae, *wan.render_size(item.size))
                save_latents(out, encode(encoders[item.size], item))
            facts = {"sha256": sha256(out)}
            record(latents.folder, item.clip, key, [out], facts)
        rows.append((item.clip, "accepted", *map(str, item.size), out.name, facts["sha256"]))
    write_table(latents.manifest, rows, ["clip", "status", "width", "height", "file", "sha256"])


def _rows(manifest: Path) -> dict[str, dict[str, str]]:
    """The rows of a table by their clips."""
    return {row["clip"]: row for row in read_rows(manifest)}


def _accepted(row: Mapping[str, str]) -> bool:
    return row["status"] == "accepted"


def _window(video: Path, number: int, wan: WanModel) -> range:
    """The frames of one of the windows that follow one another in a video."""
    return range(number * wan.frames, min((number + 1) * wan.frames, len(Footage(video))))


def save_latents(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors under their names, atomically."""
    with atomic(path) as temporary:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, temporary)
