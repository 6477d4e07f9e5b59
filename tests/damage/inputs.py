"""Whole inputs of every kind that users bring, and how the stages that read them take a damaged one.

Each function of READERS gives "" when the input is used, and the reason when it is refused in a sentence. It raises
`Wrong` when the input is used although what came of it is not what the whole one gives.
"""

import pickle
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cache
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
import torch
from PIL import Image
from pillow_heif import from_pillow

from facedance.aist.names import read_ignore_list
from facedance.clips.control import prepare_control
from facedance.clips.cut import cut_video
from facedance.clips.tables import write_manifest
from facedance.config.params import load
from facedance.config.sections import Clips, Faces, WanModel
from facedance.faces.backend import open_backend
from facedance.faces.embed import embed_photos
from facedance.files import write_json
from facedance.poses.keypoints2d import clip_keypoints
from facedance.video.frames import read_frames
from facedance.wan.adapter import attach, save_adapter, trainable
from facedance.wan.lora_files import export_lora, load_foreign_lora
from tests.clips.test_cut import one
from tests.clips.videos import beeps, code_of, make_video
from tests.faces.people import dlib_folder, same_person_photos
from tests.wan.small_transformer import transformer
from tests.wan.test_lora_formats import CONFIG

ROOT = Path(__file__).parents[2]
SAME_FACE = 0.4  # dlib's distance; different people begin at 0.6
FPS = 16


class Wrong(AssertionError):
    """A damaged input was used, and gave something else than the whole one."""


def make_inputs(folder: Path) -> dict[Path, str]:
    """Whole inputs in a folder: the kind of each file."""
    made = {}
    picture, *others = map(Image.fromarray, same_person_photos()[:4])
    (folder / "others").mkdir()
    for n, other in enumerate(others):
        other.save(folder / "others" / f"{n}.png")
    for name in ("a.jpg", "a.png", "a.tif", "a.webp"):
        picture.save(folder / name)
        made[folder / name] = "photo"
    from_pillow(picture).save(folder / "a.heic", quality=90)
    made[folder / "a.heic"] = "photo"
    times = np.arange(60) / 30
    for name, codec in (
        ("v.mp4", "libx264"),
        ("v.mkv", "libx264"),
        ("v.ts", "libx264"),
        ("v.avi", "mpeg4"),
        ("v.webm", "libvpx-vp9"),
    ):
        sound = beeps(2.0, [0.5]) if name != "v.webm" else None
        options = {"g": "12"} if codec != "libx264" else None
        made[make_video(folder / name, times, codec=codec, codec_options=options, tick=Fraction(1, 60), sound=sound)] = "video"
    made[make_video(folder / "c.mp4", times)] = "control video"
    model = transformer()
    branch = attach(model, CONFIG, seed=0)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in trainable(model, branch, {"lora"}).values():
            parameter.normal_(std=0.3, generator=generator)
    save_adapter(folder / "adapter", model, branch, CONFIG, {"identity": "ann"})
    for form in ("kohya", "diffusers"):
        export_lora(folder / "adapter", folder / f"l.{form}.safetensors", form)
        made[folder / f"l.{form}.safetensors"] = "lora"
    (folder / "p.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    made[folder / "p.yaml"] = "params"
    table = np.ones((9, 200, 17, 3))
    (folder / "k.pkl").write_bytes(pickle.dumps({"keypoints2d": table, "timestamps": np.arange(200)}))
    made[folder / "k.pkl"] = "keypoints"
    (folder / "i.txt").write_text("\n".join(f"gBR_sBM_c01_d04_mBR0_ch{n:02d}" for n in range(40)))
    made[folder / "i.txt"] = "ignore list"
    return made


def photo(path: Path, whole: Path, out: Path) -> str:
    """Among three whole photos of the person, which tell whether the damaged one still shows that face."""
    others = [whole.parent / "others" / f"{n}.png" for n in range(3)]
    embed_photos("ann", "public-domain", {each.name: each for each in (path, *others)}, Faces(backend="dlib"), _backend(), out)
    row = pd.read_csv(out / "photos.csv", keep_default_na=False).set_index("photo").loc[path.name]
    if row["status"] == "accepted" and row["distance"] > SAME_FACE:
        raise Wrong(f"the face is {row['distance']} from those of the whole photos")
    return str(row["reason"])


def video(path: Path, whole: Path, out: Path) -> str:
    rows = cut_video("v", path, out / "clips", Clips(max_per_video=1, crop="center"), _wan(), one)
    write_manifest(out / "clips.csv", rows)
    return _judge_clips(out / "clips.csv", out / "clips")


def control_video(path: Path, whole: Path, out: Path) -> str:
    prepare_control({"v": path}, {}, out / "clips", out / "controls.csv", _wan(), _stamp(out), whole=False)
    return _judge_clips(out / "controls.csv", out / "clips")


def lora(path: Path, whole: Path, out: Path) -> str:
    model = transformer()
    load_foreign_lora(model, path)
    for name, parameter in model.named_parameters():
        if not parameter.isfinite().all():
            raise Wrong(f"{name} is not finite")
    if path.stat().st_size < whole.stat().st_size:
        raise Wrong("a LoRA without its end was loaded")
    return ""


def params(path: Path, whole: Path, out: Path) -> str:
    (out / "params.yaml").write_bytes(path.read_bytes())
    (out / "models.yaml").write_bytes((ROOT / "models.yaml").read_bytes())
    load(out / "params.yaml")
    return ""


def keypoints(path: Path, whole: Path, out: Path) -> str:
    full = {"crop": (0, 0, 1920, 1080), "source_size": (1920, 1080), "clip_size": (1920, 1080)}
    joints = clip_keypoints(path, "c01", start_s=0, fps=FPS, frames=17, **full)
    if joints.shape != (17, 17, 3):
        raise Wrong(f"joints of shape {joints.shape}")
    return ""


def ignore_list(path: Path, whole: Path, out: Path) -> str:
    read_ignore_list(path)
    return ""


READERS: Mapping[str, Callable[[Path, Path, Path], str]] = MappingProxyType(
    {
        "photo": photo,
        "video": video,
        "control video": control_video,
        "lora": lora,
        "params": params,
        "keypoints": keypoints,
        "ignore list": ignore_list,
    }
)


def _judge_clips(manifest: Path, folder: Path) -> str:
    """The reason of the one row; a clip that was made must show frames that follow one another as in the whole video."""
    (row,) = pd.read_csv(manifest, keep_default_na=False).to_dict("records")
    if row["status"] == "rejected":
        return str(row["reason"])
    codes = [code_of(frame) for frame in read_frames(folder / f"{row['clip']}.mp4")]
    steps = np.diff(codes)
    if (steps < 0).any() or (steps > 3).any():
        raise Wrong(f"frames in the order {codes}")
    return ""


def _wan() -> WanModel:
    return WanModel(
        repo=None, revision=None, sizes=[(80, 32)], frames=17, fps=FPS,
        clip_scale=2, drawing_side=128, dtype="float32",
    )  # fmt: skip


def _stamp(out: Path) -> Path:
    write_json(out / "stamp", {"params": {}, "code": ""})
    return out / "stamp"


@cache
def _backend():  # type: ignore[no-untyped-def]
    return open_backend("dlib", dlib_folder())
