"""Photos in every form that people have them."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facedance.faces.photos import LONGEST_SIDE, UnusablePhoto, load_photo

ORIENTATION = 274  # EXIF tag


def corners() -> Image.Image:
    """Red, green, blue and black quarters, clockwise from the upper left; 64 x 48."""
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[:24, :32, 0] = pixels[:24, 32:, 1] = pixels[24:, 32:, 2] = 255
    return Image.fromarray(pixels)


def save(image: Image.Image, path: Path, **options) -> Path:
    image.save(path, **options)
    return path


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_are_turned_as_their_exif_says(tmp_path, orientation):
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # what the camera did to the upright picture, as Pillow's Transpose
    stored = corners().transpose(Image.Transpose(undo[orientation])) if orientation in undo else corners()
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    photo = load_photo(save(stored, tmp_path / "photo.png", exif=exif))
    np.testing.assert_array_equal(photo, np.asarray(corners()))


def test_a_photo_with_damaged_exif_is_still_a_photo(tmp_path):
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    path = save(corners(), tmp_path / "photo.jpg", exif=exif)
    whole = path.read_bytes()
    start = whole.index(b"Exif")
    for i in range(6, 32):
        path.write_bytes(whole[: start + i] + b"\xff" + whole[start + i + 1 :])
        assert sorted(load_photo(path).shape) == [3, 48, 64]


def test_transparent_parts_become_white(tmp_path):
    image = Image.new("RGBA", (8, 8), (255, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, 4, 8))
    photo = load_photo(save(image, tmp_path / "photo.png"))
    assert photo[0, 0].tolist() == [255, 255, 255]
    assert photo[0, 7].tolist() == [255, 0, 0]


def test_transparent_palette_and_transparent_grey(tmp_path):
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([0, 0, 0, 10, 200, 30])
    palette.putpixel((0, 0), 0)
    photo = load_photo(save(palette, tmp_path / "palette.png", transparency=0))
    assert photo[0, 0].tolist() == [255, 255, 255]
    assert photo[3, 3].tolist() == [10, 200, 30]
    photo = load_photo(save(Image.new("LA", (4, 4), (90, 255)), tmp_path / "grey.png"))
    assert photo[2, 2].tolist() == [90, 90, 90]


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "YCbCr"])
def test_every_colour_mode_comes_out_as_rgb(tmp_path, mode):
    suffix = "jpg" if mode in ("CMYK", "YCbCr") else "png"
    photo = load_photo(save(corners().convert(mode), tmp_path / f"photo.{suffix}"))
    assert photo.shape == (48, 64, 3)
    assert photo.dtype == np.uint8
    if mode not in ("1", "L"):
        np.testing.assert_allclose(
            photo[[4, 4, 44, 44], [4, 60, 60, 4]], [[255, 0, 0], [0, 255, 0], [0, 0, 255], [0, 0, 0]], atol=4
        )


def test_sixteen_bits_keep_their_tones(tmp_path):
    ramp = np.linspace(0, 65535, 64).astype(np.uint16).reshape(1, 64).repeat(8, 0)
    photo = load_photo(save(Image.fromarray(ramp), tmp_path / "photo.png"))
    np.testing.assert_allclose(photo[0, :, 0], ramp[0] / 257, atol=1)


def test_large_photos_are_scaled_down(tmp_path):
    for name in ("photo.jpg", "photo.png"):
        photo = load_photo(save(corners().resize((5000, 2500)), tmp_path / name))
        assert photo.shape == (LONGEST_SIDE // 2, LONGEST_SIDE, 3)
        assert photo[900, 1900].tolist()[2] > 250


def test_small_photos_stay_as_they_are(tmp_path):
    np.testing.assert_array_equal(load_photo(save(corners(), tmp_path / "photo.png")), np.asarray(corners()))


def test_an_animation_gives_its_first_frame(tmp_path):
    first, second = Image.new("RGB", (8, 8), "red"), Image.new("RGB", (8, 8), "blue")
    photo = load_photo(save(first, tmp_path / "photo.gif", save_all=True, append_images=[second]))
    assert photo[0, 0].tolist() == [255, 0, 0]


def png_that_claims(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(c) for c in (header, b"IDAT" + bytes(8), b"IEND"))


def chunk(content: bytes) -> bytes:
    return struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty file: it has 0 bytes"),
        (b"these are notes, not a photo", "not an image: "),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100), "HEIC photo: save it as JPEG"),
        (png_that_claims(60000, 60000), "too large: more than 179 megapixels"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "damaged image|not an image"),
    ],
)
def test_what_is_no_photo_is_told_with_its_reason(tmp_path, content, reason):
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(UnusablePhoto, match=reason):
        load_photo(path)


@pytest.mark.parametrize("name", ["photo.jpg", "photo.png", "photo.webp", "photo.tif"])
def test_truncated_files_are_damaged(tmp_path, name):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    path = save(Image.fromarray(noise), tmp_path / name)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UnusablePhoto, match=r"damaged image: |not an image: "):
        load_photo(path)


def test_a_folder_and_a_missing_file_are_unreadable(tmp_path):
    for path in (tmp_path, tmp_path / "missing.jpg"):
        with pytest.raises(UnusablePhoto, match="unreadable file: "):
            load_photo(path)


@pytest.mark.parametrize("kind", ["jpeg", "png", "gif", "tiff", "webp", "bmp"])
def test_damage_anywhere_never_ends_in_another_error(tmp_path, kind):
    rng = np.random.default_rng(1)
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    options = {} if kind in ("gif", "bmp") else {"exif": exif}
    whole = np.frombuffer(save(corners(), tmp_path / f"photo.{kind}", **options).read_bytes(), np.uint8)
    refused = []
    for i in range(150):
        damaged = whole.copy()
        damaged[rng.integers(0, min(len(whole), 400), 4)] = rng.integers(0, 256, 4)
        path = tmp_path / f"{i}"
        path.write_bytes(damaged.tobytes())
        try:
            assert load_photo(path).shape[2] == 3
        except UnusablePhoto as error:
            refused.append(str(error))
    assert refused
    assert all(": " in reason for reason in refused)
