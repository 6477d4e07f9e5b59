"""Latents: equal to what WanVACEPipeline makes, kept while nothing changes, and photos framed around the face."""

import contextlib
from types import SimpleNamespace

import numpy as np
import pandas as pd
import PIL.Image
import pytest
import torch
from diffusers import AutoencoderKLWan, WanVACEPipeline
from safetensors.torch import load_file

from facedance.config.sections import Faces, Poses, WanModel
from facedance.faces.face import Face
from facedance.files import write_json
from facedance.job import InputError
from facedance.latents import encode as latents
from facedance.latents import photos as photo_latents
from facedance.latents.encode import ClipFiles, LatentFiles
from facedance.latents.photos import PhotoFiles, encode_photos, frame_portrait, portraits
from facedance.video.frames import read_frames
from facedance.video.writing import write_video
from facedance.wan.encoder import LatentEncoder
from facedance.wan.load import know_vae, load_vae
from facedance.wan.pipeline import ControlLatents, FaceVACEPipeline
from lab.tiny.model import LATENT_CHANNELS, SPATIAL_FACTOR, TEMPORAL_FACTOR, build_tiny

WAN = WanModel(
    repo=None,
    revision=None,
    sizes=[(32, 48), (64, 32)],
    frames=5,
    fps=8,
    clip_scale=2,
    drawing_side=128,
    dtype="float32",
)
WIDTH, HEIGHT = WAN.sizes[0]
LATENT_SIZE = ((WAN.frames - 1) // TEMPORAL_FACTOR + 1, HEIGHT // SPATIAL_FACTOR, WIDTH // SPATIAL_FACTOR)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "tiny"
    build_tiny(folder, seed=0)
    return folder


@pytest.fixture(scope="module")
def pipeline(model):
    made = WanVACEPipeline.from_pretrained(model, torch_dtype=torch.float32)
    know_vae(made)
    return made


@pytest.fixture(scope="module")
def encoder(model):
    return LatentEncoder(load_vae(model, torch.device("cpu")), WIDTH, HEIGHT)


def moving(frames: int, width: int, height: int, seed: int = 0) -> np.ndarray:
    """(T, H, W, 3) a smooth colourful picture that drifts."""
    picture = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    large = np.asarray(PIL.Image.fromarray(picture).resize((width, height), PIL.Image.Resampling.BICUBIC))
    return np.stack([np.roll(large, i, axis=1) for i in range(frames)])


def pipelines_conditioning(pipeline, frames, reference):
    """What WanVACEPipeline.__call__ hands to the transformer, (C, F, h, w)."""
    video, mask, references = pipeline.preprocess_conditions(
        video=[PIL.Image.fromarray(f) for f in frames],
        reference_images=[PIL.Image.fromarray(reference)] if reference is not None else None,
        height=HEIGHT,
        width=WIDTH,
        num_frames=len(frames),
        dtype=torch.float32,
        device=torch.device("cpu"),
    )
    latents = pipeline.prepare_video_latents(video, mask, references)
    return torch.cat([latents, pipeline.prepare_masks(mask, references)], dim=1)[0]


@pytest.mark.parametrize("length", [1, 5, 9])
@torch.no_grad()
def test_control_equals_the_pipelines(encoder, pipeline, length):
    frames = moving(length, *WAN.clip_size(WAN.sizes[0]))
    assert torch.equal(encoder.control(frames), pipelines_conditioning(pipeline, frames, None))


@pytest.mark.parametrize("size", [(40, 40), (21, 90), (200, 31)])
@torch.no_grad()
def test_reference_equals_the_pipelines(encoder, pipeline, size):
    frames, reference = moving(5, *WAN.clip_size(WAN.sizes[0])), moving(1, *size)[0]
    expected = pipelines_conditioning(pipeline, frames, reference)
    assert torch.equal(encoder.reference(reference), expected[:LATENT_CHANNELS, :1])
    assert not expected[LATENT_CHANNELS:, :1].any()


@torch.no_grad()
def test_video_is_the_normalised_mode(encoder, pipeline):
    frames = moving(5, WIDTH, HEIGHT)
    latents = encoder.video(frames)
    assert latents.shape == (LATENT_CHANNELS, *LATENT_SIZE)
    pixels = torch.from_numpy(frames).permute(3, 0, 1, 2)[None] / 127.5 - 1
    mode = pipeline.vae.encode(pixels).latent_dist.mode()[0]
    mean, std = (torch.tensor(v).view(-1, 1, 1, 1) for v in (pipeline.vae.config.latents_mean, pipeline.vae.config.latents_std))
    torch.testing.assert_close(latents * std + mean, mode, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_prompts_equal_the_pipelines(model, pipeline, tmp_path, caplog):
    prompts = {"dance": "a  dancer &amp; a clear face", "none": "", "long": "dance " * 200, "longer": "a dance " * 400}
    caplog.set_level("WARNING", "facedance")
    latents.encode_prompts(model, WAN, prompts, tmp_path / "prompts.safetensors")
    told = [record.getMessage() for record in caplog.records if record.name == "facedance"]
    assert [line.split()[1] for line in told] == [n for n, p in prompts.items() if len(pipeline.tokenizer(p).input_ids) > 512]
    assert told[-1].startswith("prompt longer is too long: of its ")
    assert "the model reads 512" in told[-1]
    written = load_file(tmp_path / "prompts.safetensors")
    assert set(written) == set(prompts)
    for name, prompt in prompts.items():
        expected, _ = pipeline.encode_prompt(prompt, do_classifier_free_guidance=False, max_sequence_length=512)
        assert torch.equal(written[name], expected[0])
    assert written["dance"].shape == (512, 64)


@pytest.fixture
def shard(tmp_path, model):
    """Three clips: one that all stages accept, with a reference, one without, and one whose pose was rejected."""
    for i, clip in enumerate(["a_000", "b_000", "c_000"]):
        write_video(tmp_path / "clips" / f"{clip}.mp4", moving(5, *WAN.clip_size(WAN.sizes[0]), seed=i), WAN.fps)
        write_video(tmp_path / "poses" / f"{clip}.mp4", moving(5, *WAN.clip_size(WAN.sizes[0]), seed=10 + i), WAN.fps)
    PIL.Image.fromarray(moving(1, 40, 40)[0]).save(tmp_path / "a_000.png")
    width, height = WAN.clip_size(WAN.sizes[0])
    clips = pd.DataFrame({"clip": ["a_000", "b_000", "c_000"], "status": "accepted", "width": width, "height": height})
    crop = {"crop_x": 20, "crop_y": 10, "crop_w": 200, "crop_h": 300, "source_width": 640, "source_height": 360}
    clips = clips.assign(**crop)
    clips.loc[1, ["crop_y", "crop_h"]] = -30, 420  # 30 of 420 lines are beyond the picture at the top, 30 at the bottom
    clips.to_csv(tmp_path / "clips.csv")
    clips.assign(status=["accepted", "accepted", "rejected"]).to_csv(tmp_path / "poses.csv")
    write_json(tmp_path / "stamp.json", {"params": {}, "code": {}})
    return SimpleNamespace(
        sources=ClipFiles(
            clips=tmp_path / "clips.csv",
            clips_folder=tmp_path / "clips",
            poses=tmp_path / "poses.csv",
            poses_folder=tmp_path / "poses",
            references_folder=tmp_path,
        ),
        latents=LatentFiles(folder=tmp_path / "latents", manifest=tmp_path / "latents.csv"),
        model=model,
        stamp=tmp_path / "stamp.json",
    )


def encode(shard, learned=()):
    latents.encode_shard(shard.sources, shard.latents, shard.model, WAN, shard.stamp, learned)


def test_a_shard_is_encoded_and_listed(shard, encoder):
    encode(shard)
    listed = pd.read_csv(shard.latents.manifest, keep_default_na=False)
    assert listed["status"].tolist() == ["accepted", "accepted", "rejected"]
    assert listed["file"].tolist() == ["a_000.safetensors", "b_000.safetensors", ""]
    with_reference, without = (load_file(shard.latents.folder / f"{clip}.safetensors") for clip in ("a_000", "b_000"))
    assert {name: tuple(t.shape) for name, t in with_reference.items()} == {
        "video": (LATENT_CHANNELS, *LATENT_SIZE),
        "control": (2 * LATENT_CHANNELS + SPATIAL_FACTOR**2, *LATENT_SIZE),
        "reference": (LATENT_CHANNELS, 1, *LATENT_SIZE[1:]),
    }
    assert set(without) == {"video", "control", "seen"}
    height = WAN.clip_size(WAN.sizes[0])[1]
    torch.testing.assert_close(without["seen"], torch.tensor([0, height / 14, 64, height * 13 / 14]))
    assert listed.loc[:1, ["width", "height"]].astype(int).to_numpy().tolist() == [[64, 96]] * 2
    assert torch.equal(without["video"], encoder.video(read_frames(shard.sources.clips_folder / "b_000.mp4")))
    assert torch.equal(without["control"], encoder.control(read_frames(shard.sources.poses_folder / "b_000.mp4")))
    assert not (shard.latents.folder / "c_000.safetensors").exists()


def test_of_a_long_clip_the_first_window_is_encoded_and_all_whole_ones_where_it_is_learned_from(shard, encoder):
    for folder in (shard.sources.clips_folder, shard.sources.poses_folder):
        write_video(folder / "a_000.mp4", moving(13, *WAN.clip_size(WAN.sizes[0])), WAN.fps)
    encode(shard)
    first = load_file(shard.latents.folder / "a_000.safetensors")
    assert first["video"].shape[1] == first["control"].shape[1] == LATENT_SIZE[0]
    assert set(first) == {"video", "control", "reference"}
    encode(shard, learned=["a"])
    both = load_file(shard.latents.folder / "a_000.safetensors")
    assert set(both) == {*first, "video.1", "control.1"}
    assert torch.equal(both["video"], first["video"])
    frames = read_frames(shard.sources.clips_folder / "a_000.mp4", range(5, 10))
    assert torch.equal(both["video.1"], encoder.video(frames))


def test_only_what_changed_is_encoded_again_and_to_the_same_bytes(shard, monkeypatch, tmp_path):
    encode(shard)
    first = shard.latents.manifest.read_bytes()
    encoded = []
    original = LatentEncoder.video
    monkeypatch.setattr(LatentEncoder, "video", lambda self, frames: encoded.append(1) or original(self, frames))
    encode(shard)
    assert encoded == []
    (shard.latents.folder / "b_000.safetensors").write_bytes(b"damaged")
    encode(shard)
    assert len(encoded) == 1
    assert shard.latents.manifest.read_bytes() == first
    PIL.Image.fromarray(moving(1, 40, 40, seed=3)[0]).save(tmp_path / "a_000.png")
    encode(shard)
    assert len(encoded) == 2
    assert shard.latents.manifest.read_bytes() != first
    write_json(shard.stamp, {"params": {"changed": True}, "code": {}})
    encode(shard)
    assert len(encoded) == 4


def test_another_vae_encodes_all_again(shard, tmp_path):
    encode(shard)
    first = shard.latents.manifest.read_bytes()
    build_tiny(tmp_path / "other", seed=1)
    shard.model = tmp_path / "other"
    encode(shard)
    assert shard.latents.manifest.read_bytes() != first


def test_control_videos_have_only_control_and_the_models_dtype(shard):
    half = WAN.model_copy(update={"dtype": "bfloat16"})
    sources = shard.sources
    latents.encode_controls(sources.poses, sources.poses_folder, shard.latents, shard.model, half, shard.stamp)
    (control,) = load_file(shard.latents.folder / "a_000.safetensors").values()
    assert control.dtype == torch.bfloat16
    assert pd.read_csv(shard.latents.manifest, keep_default_na=False)["status"].tolist() == ["accepted", "accepted", "rejected"]


def photo(width: int, height: int, box: tuple[int, int, int, int]) -> np.ndarray:
    """A green picture with a red rectangle for a face."""
    picture = np.full((height, width, 3), (0, 160, 0), np.uint8)
    picture[box[1] : box[3], box[0] : box[2]] = 200, 0, 0
    return picture


def found_at(box: tuple[int, int, int, int]) -> Face:
    """A face there, with landmarks in its corners and its middle."""
    x0, y0, x1, y1 = box
    corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1), ((x0 + x1) / 2, (y0 + y1) / 2)]
    return Face(np.array(box, np.float32), 1.0, np.array(corners, np.float32))


@pytest.mark.parametrize("size", [(320, 192), (96, 144), (64, 64)])
@pytest.mark.parametrize("box", [(300, 200, 400, 320), (5, 10, 85, 110), (520, 380, 600, 478)])
def test_a_portrait_shows_the_face_at_its_size_where_its_box_says(size, box):
    portrait = frame_portrait(photo(640, 480, box), found_at(box), 0.3, *size)
    assert portrait.image.shape == (size[1], size[0], 3)
    x0, y0, x1, y1 = portrait.face
    assert y1 - y0 == pytest.approx(0.3 * size[1], rel=0.01)
    assert (x1 - x0) / (y1 - y0) == pytest.approx((box[2] - box[0]) / (box[3] - box[1]), rel=0.01)
    red = (portrait.image[..., 0] > 150) & (portrait.image[..., 1] < 80)
    rows, columns = np.flatnonzero(red.any(axis=1)), np.flatnonzero(red.any(axis=0))
    assert [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1] == pytest.approx([x0, y0, x1, y1], abs=1.5)
    assert portrait.landmarks[[0, 2]] == pytest.approx(np.array([[x0, y0], [x1, y1]]), abs=0.01)


def test_a_portrait_pads_with_white_only_what_the_photo_lacks():
    inside = frame_portrait(photo(1000, 1000, (10, 10, 110, 110)), found_at((10, 10, 110, 110)), 0.3, 96, 96)
    assert inside.photo.tolist() == [0, 0, 96, 96]
    assert not (inside.image == 255).all(axis=-1).any()
    lacking = frame_portrait(photo(200, 400, (50, 150, 150, 250)), found_at((50, 150, 150, 250)), 0.3, 192, 96)
    white = (lacking.image == 255).all(axis=-1)
    x0, y0, x1, y1 = lacking.photo.round().astype(int)
    assert (y0, y1) == (0, 96)
    assert white[:, : x0 - 2].all()
    assert white[:, x1 + 2 :].all()
    assert not white[:, x0 + 2 : x1 - 2].any()


@pytest.mark.parametrize(
    ("size", "face", "shown"),
    [
        ((600, 1200), (260, 80, 360, 200), ["face", "half", "whole"]),  # somebody from head to feet
        ((600, 700), (260, 80, 360, 200), ["face", "half"]),  # to the hips
        ((600, 400), (200, 80, 350, 260), ["face"]),  # head and shoulders
        ((600, 1200), (290, 80, 320, 120), ["half", "whole"]),  # far away: the face alone would be enlarged to four times
        ((60, 60), (20, 10, 40, 34), ["face"]),  # all would be, and one there must be
    ],
)
def test_a_photo_is_shown_as_near_and_as_far_as_it_has_something_to_show(size, face, shown):
    found = portraits(photo(*size, face), found_at(face), [0.3, 0.16, 0.1], [(832, 480)])
    assert list(found) == shown
    shares = [(portrait.face[3] - portrait.face[1]) / 480 for portrait in found.values()]
    assert shares == pytest.approx([{"face": 0.3, "half": 0.16, "whole": 0.1}[name] for name in found], rel=0.01)


class OneFace:
    """A detector that knows where the red rectangle is."""

    def detect(self, image, min_face_px):
        rows, columns = (np.flatnonzero((image[..., 0] > 150).any(axis=axis)) for axis in (1, 0))
        box = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float32)
        return [Face(box, 1.0, np.tile(box[:2], (5, 1)))]


def photo_files(folder, names):
    return PhotoFiles(
        table=folder / "photos.csv",
        photos={name: folder / name for name in names},
        reference=folder / "reference.png",
        pose_model=folder / "pose.task",
        latents=folder / "photos.safetensors",
    )


def test_accepted_photos_are_encoded_with_pose_and_boxes(model, tmp_path, monkeypatch):
    person = np.full((1, 33, 4), 0.9, np.float32)
    person[0, :, :2] = np.linspace([10, 20], [50, 80], 33)

    class Landmarker:
        def detect(self, image):
            return person if image[..., 2].max() == 0 else person[:0]  # nobody where there is white padding

    monkeypatch.setattr(photo_latents, "open_landmarker", lambda *a, **k: contextlib.nullcontext(Landmarker()))
    names = ["with space.png", "b.png", "rejected.png"]
    PIL.Image.fromarray(np.rot90(photo(600, 900, (200, 200, 300, 300)))).save(tmp_path / names[0])  # lies on its side
    PIL.Image.fromarray(photo(120, 120, (10, 10, 110, 110))).save(tmp_path / names[1])
    table = pd.DataFrame({"photo": names, "status": ["accepted", "accepted", "rejected"], "turn": [90, 0, ""]})
    table.to_csv(tmp_path / "photos.csv")
    PIL.Image.fromarray(moving(1, 40, 40)[0]).save(tmp_path / "reference.png")
    faces = Faces.model_construct(min_face_px=20, detector_score=0.0)
    poses = Poses.model_construct(detection_confidence=0.5, min_visibility=0.3)
    encode_photos("ann", photo_files(tmp_path, names), model, WAN, OneFace(), faces, poses, [0.3])
    tensors = load_file(tmp_path / "photos.safetensors")
    keys = {f"{name}.face.{key}" for name in names[:2] for key in ("video", "control", "size", "box", "landmarks", "seen")}
    assert set(tensors) == keys | {
        f"reference.{w // SPATIAL_FACTOR}x{h // SPATIAL_FACTOR}" for w, h in (*WAN.all_sizes, WAN.square)
    }
    assert tensors["with space.png.face.size"].tolist() == [WIDTH, HEIGHT]
    assert tensors["with space.png.face.video"].shape == (LATENT_CHANNELS, 1, *LATENT_SIZE[1:])
    whole, padded = tensors["with space.png.face.seen"], tensors["b.png.face.seen"]
    assert whole.tolist() == [0, 0, WIDTH, HEIGHT]
    assert padded[2] - padded[0] < WIDTH or padded[3] - padded[1] < HEIGHT
    box = tensors["with space.png.face.box"]
    assert (box[3] - box[1]).item() == pytest.approx(0.3 * HEIGHT, rel=0.05)
    torch.testing.assert_close(tensors["with space.png.face.landmarks"], box[:2].expand(5, 2))
    inactive, reactive = tensors["b.png.face.control"][: 2 * LATENT_CHANNELS].chunk(2)
    posed = tensors["with space.png.face.control"]
    assert torch.equal(inactive, posed[:LATENT_CHANNELS])
    assert not torch.equal(reactive, posed[LATENT_CHANNELS : 2 * LATENT_CHANNELS])  # nobody and somebody


def full(*_):
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


def test_a_full_gpu_is_answered_with_what_to_do(shard, tmp_path, monkeypatch):
    monkeypatch.setattr(latents, "load_text", full)
    monkeypatch.setattr(latents, "load_vae", full)
    monkeypatch.setattr(photo_latents, "load_vae", full)
    monkeypatch.setattr(photo_latents, "open_landmarker", lambda *a, **k: contextlib.nullcontext())
    pd.DataFrame({"photo": [], "status": [], "turn": []}).to_csv(tmp_path / "photos.csv")
    photos = photo_files(tmp_path, [])
    prompts = tmp_path / "prompts.safetensors"
    for out, job in (
        (prompts, lambda: latents.encode_prompts(shard.model, WAN, {}, prompts)),
        (shard.latents.manifest, lambda: encode(shard)),
        (photos.latents, lambda: encode_photos("ann", photos, shard.model, WAN, OneFace(), Faces(), Poses(), [0.3])),
    ):
        with pytest.raises(InputError, match=r"the GPU has no room .* on the CPU: CUDA_VISIBLE_DEVICES= FACEDANCE_") as error:
            job()
        assert f"--cores all {out};" in str(error.value)


def test_a_photo_that_is_gone_is_named(model, tmp_path):
    pd.DataFrame({"photo": ["a.png"], "status": ["accepted"], "turn": [0]}).to_csv(tmp_path / "photos.csv")
    with pytest.raises(ValueError, match=r"'a\.png' was accepted but is gone"):
        encode_photos("ann", photo_files(tmp_path, []), model, WAN, OneFace(), Faces(), Poses(), [0.3])


@torch.no_grad()
def test_a_part_that_is_made_anew_equals_the_pipelines(either):
    """The same pictures and masks, as a user of WanVACEPipeline gives them."""
    pipeline, encoder = either, LatentEncoder(either.vae, WIDTH, HEIGHT)
    pictures = moving(5, WIDTH, HEIGHT)
    mask = np.zeros((5, HEIGHT, WIDTH), bool)
    for t in range(1, 5):
        mask[t, 3 + t : 20, 5 : 17 + t] = True
    video, masks, references = pipeline.preprocess_conditions(
        video=[*map(PIL.Image.fromarray, pictures)],
        mask=[PIL.Image.fromarray(255 * one.astype(np.uint8)) for one in mask],
        height=HEIGHT,
        width=WIDTH,
        num_frames=5,
        dtype=torch.float32,
        device=torch.device("cpu"),
    )
    latents = pipeline.prepare_video_latents(video, masks, references)
    expected = torch.cat([latents, pipeline.prepare_masks(masks, references)], dim=1)[0]
    assert torch.equal(encoder.masked(pictures, mask), expected)


@pytest.fixture(scope="module", params=["tiny", "wan2.1"])
def either(request, pipeline):
    """A pipeline with the tiny VAE, and one with Wan2.1's, which has a latent for each four frames, with random weights."""
    if request.param == "tiny":
        return pipeline
    torch.manual_seed(0)
    return WanVACEPipeline(None, None, AutoencoderKLWan().eval(), pipeline.scheduler, pipeline.transformer)


@pytest.mark.parametrize(("length", "given"), [(5, 1), (9, 5), (13, 9), (9, 4)])
@torch.no_grad()
def test_a_window_that_goes_on_equals_the_pipelines(either, length, given):
    """The same unmasked frames and masks, as a user of WanVACEPipeline gives them, and two references."""
    pipeline, encoder = either, LatentEncoder(either.vae, WIDTH, HEIGHT)
    frames, poses = moving(given, WIDTH, HEIGHT), moving(length - given, *WAN.clip_size(WAN.sizes[0]), seed=1)
    small = [PIL.Image.fromarray(frame).resize((WIDTH, HEIGHT), PIL.Image.Resampling.LANCZOS) for frame in poses]
    black, white = (PIL.Image.new("L", (WIDTH, HEIGHT), level) for level in (0, 255))
    video, mask, references = pipeline.preprocess_conditions(
        video=[*map(PIL.Image.fromarray, frames), *small],
        mask=[black] * given + [white] * (length - given),
        reference_images=[PIL.Image.fromarray(moving(1, 40, 40, seed=seed)[0]) for seed in (2, 3)],
        height=HEIGHT,
        width=WIDTH,
        num_frames=length,
        dtype=torch.float32,
        device=torch.device("cpu"),
    )
    latents = pipeline.prepare_video_latents(video, mask, references)
    expected = torch.cat([latents, pipeline.prepare_masks(mask, references)], dim=1)[0]
    assert torch.equal(encoder.continued(frames, poses), expected[:, 2:])
    ours = FaceVACEPipeline(None, None, pipeline.vae, pipeline.scheduler, pipeline.transformer)
    references = tuple(encoder.reference(moving(1, 40, 40, seed=seed)[0]) for seed in (2, 3))
    given_to_it = ControlLatents(encoder.continued(frames, poses), references)
    ours_latents = ours.prepare_video_latents(*ours.preprocess_conditions(given_to_it)[::2])
    assert torch.equal(torch.cat([ours_latents, ours.prepare_masks(given_to_it)], dim=1)[0], expected)
