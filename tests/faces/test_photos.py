"""Photos in every form that people have them."""

import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms

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
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100), "damaged image: "),
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


SKIN = (200, 130, 100)


def wide_profile(swapped=False):
    """An ICC profile with green and red further out than sRGB's; `swapped` takes red for blue too."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    at = {profile[i : i + 4].decode(): struct.unpack(">II", profile[i + 4 : i + 12]) for i in range(132, 132 + 12 * 12, 12)}
    red, blue = (profile[at[tag][0] : sum(at[tag])] for tag in ("rXYZ", "bXYZ"))
    green = at["gXYZ"][0]
    profile[green + 8 : green + 20] = struct.pack(">3i", *(round(v * 65536) for v in (0.205, 0.65, 0.063)))
    if swapped:
        profile[at["rXYZ"][0] : sum(at["rXYZ"])], profile[at["bXYZ"][0] : sum(at["bXYZ"])] = blue, red
    return bytes(profile)


def skin_in(profile, size=(32, 32)):
    """A patch whose numbers mean SKIN in a profile."""
    wide = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    return ImageCms.profileToProfile(Image.new("RGB", size, SKIN), ImageCms.createProfile("sRGB"), wide, outputMode="RGB")


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("name", ["photo.png", "photo.jpg", "photo.tif", "photo.webp", "photo.heic"])
def test_colours_are_those_that_the_profile_means(tmp_path, name, swapped):
    profile = wide_profile(swapped)
    patch = skin_in(profile)
    assert np.abs(np.array(patch.getpixel((5, 5))) - SKIN).max() > 12
    if name.endswith("heic"):
        pillow_heif.from_pillow(patch).save(tmp_path / name, quality=95, icc_profile=profile)
    else:
        save(patch, tmp_path / name, icc_profile=profile)
    assert np.abs(load_photo(tmp_path / name)[16, 16].astype(int) - SKIN).max() <= 3


def test_profiles_count_below_transparency_and_in_palettes(tmp_path):
    profile = wide_profile(swapped=True)
    clear = skin_in(profile).convert("RGBA")
    clear.paste((0, 0, 0, 0), (0, 0, 16, 32))
    photo = load_photo(save(clear, tmp_path / "clear.png", icc_profile=profile)).astype(int)
    assert photo[5, 5].tolist() == [255, 255, 255]
    assert np.abs(photo[5, 25] - SKIN).max() <= 2
    photo = load_photo(save(skin_in(profile).quantize(4), tmp_path / "palette.png", icc_profile=profile)).astype(int)
    assert np.abs(photo[5, 5] - SKIN).max() <= 2


@pytest.mark.parametrize("profile", [b"no profile", wide_profile()[:200], bytes(500)])
def test_a_damaged_profile_is_left_aside(tmp_path, profile):
    photo = load_photo(save(Image.new("RGB", (32, 32), SKIN), tmp_path / "photo.png", icc_profile=profile))
    assert photo[5, 5].tolist() == list(SKIN)
    grey = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()  # of colours, in a picture without
    assert load_photo(save(Image.new("L", (32, 32), 90), tmp_path / "grey.png", icc_profile=grey))[5, 5].tolist() == [90, 90, 90]


def test_heic_photos_are_read_upright(tmp_path):
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    turned = corners().transpose(Image.Transpose.ROTATE_90)
    pillow_heif.from_pillow(turned).save(tmp_path / "IMG_1.HEIC", quality=-1, exif=exif.tobytes())
    photo = load_photo(tmp_path / "IMG_1.HEIC").astype(int)
    assert photo.shape == (48, 64, 3)
    assert np.abs(photo - np.asarray(corners()).astype(int))[[4, 4, 44, 44], [4, 60, 60, 4]].max() < 12


def test_heic_with_light_beyond_white_is_refused_with_the_advice(tmp_path):
    kinds = {"PQ": 16, "HLG": 18}
    for name, code in kinds.items():
        pillow_heif.from_pillow(corners()).save(
            tmp_path / "a.hif", transfer_characteristics=code, color_primaries=9, matrix_coefficients=9, full_range_flag=1
        )
        with pytest.raises(UnusablePhoto, match=rf"HDR photo: save it as JPEG, light that is coded as {name}"):
            load_photo(tmp_path / "a.hif")


def test_a_gain_map_is_no_part_of_the_photo(tmp_path):
    save(corners(), tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[Image.new("RGB", (64, 48), "white")])
    assert load_photo(tmp_path / "a.jpg")[4, 4].tolist()[0] > 250


@pytest.mark.parametrize(
    "start", [b"FUJIFILMCCD-RAW 0201", b"IIRO\x08\0\0\0", b"II*\0\x10\0\0\0CR\2\0", b"\0\0\0\x18ftypcrx \0\0\0\1"]
)
def test_camera_raw_is_told_by_its_first_bytes(tmp_path, start):
    (tmp_path / "photo").write_bytes(start + bytes(400))
    with pytest.raises(UnusablePhoto, match="camera raw file: save it as JPEG"):
        load_photo(tmp_path / "photo")


def test_a_raw_files_thumbnail_is_not_taken_for_the_photo(tmp_path):
    large = corners().resize((640, 480))
    save(corners(), tmp_path / "DSC_1.NEF", format="TIFF", save_all=True, append_images=[large])
    save(corners(), tmp_path / "renamed.tif", format="TIFF", tiffinfo={50706: b"\1\4\0\0"})
    for name in ("DSC_1.NEF", "renamed.tif"):
        with pytest.raises(UnusablePhoto, match="camera raw file: "):
            load_photo(tmp_path / name)
    assert load_photo(save(large, tmp_path / "a jpeg.dng", format="JPEG")).shape == (480, 640, 3)


@pytest.mark.parametrize("white", [1, 255, 65535])
def test_floating_point_has_its_white_at_1_or_255_or_65535(tmp_path, white):
    ramp = np.linspace(0, white, 64).astype(np.float32).reshape(1, 64).repeat(8, 0)
    expected = np.linspace(0, 255, 64)
    photo = load_photo(save(Image.fromarray(ramp), tmp_path / "grey.tif"))
    np.testing.assert_allclose(photo[0, :, 0], expected, atol=1)
    cv2.imwrite(str(tmp_path / "colours.tif"), np.stack([0 * ramp, ramp / 2, ramp], -1))  # blue first
    photo = load_photo(tmp_path / "colours.tif")
    np.testing.assert_allclose(photo[0], np.stack([expected, expected / 2, 0 * expected], -1), atol=1)


def test_sixteen_bit_colours_keep_their_tones(tmp_path):
    pixels = np.full((8, 8, 3), SKIN[::-1], np.uint16) * 257
    for name in ("a.png", "a.tif"):
        cv2.imwrite(str(tmp_path / name), pixels)
        assert load_photo(tmp_path / name)[3, 3].tolist() == list(SKIN)


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_that_lacks_no_pixel_is_a_photo(tmp_path, progressive):
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)
    whole = save(Image.fromarray(noise), tmp_path / "whole.jpg", progressive=progressive)
    content = whole.read_bytes()
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(content[:-2])
    np.testing.assert_array_equal(load_photo(cut), load_photo(whole))
    cut.write_bytes(content + bytes(4096))
    np.testing.assert_array_equal(load_photo(cut), load_photo(whole))
    for kept in (len(content) - 64, len(content) * 9 // 10, len(content) // 2):
        cut.write_bytes(content[:kept])
        with pytest.raises(UnusablePhoto, match=r"damaged image: cut off, the picture ends in row \d+"):
            load_photo(cut)


def test_what_runs_other_programs_is_no_photo(tmp_path):
    save(corners(), tmp_path / "a.eps")
    with pytest.raises(UnusablePhoto, match="not an image: "):
        load_photo(tmp_path / "a.eps")
