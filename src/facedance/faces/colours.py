"""Pictures of any mode and colour space as plain sRGB."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageCms

_WHITES = (1.0, 255.0, 65535.0)  # what white is in the scales that floating-point pictures are written in
_EIGHT_BITS = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}  # colour space of a profile -> the mode that it describes


def to_srgb(image: Pillow.Image) -> Pillow.Image:
    """A picture in sRGB: its ICC profile is followed, transparency lies on white, deep tones become eight bits.

    A profile that is damaged or belongs to another mode is left aside, as viewers do.
    """
    if image.mode.startswith(("I", "F")):  # 16 bits, or floating point
        white = 65535.0 if image.mode.startswith("I") else None
        return Pillow.fromarray(eight_bits(np.asarray(image, np.float32), white)).convert("RGB")
    profile = image.info.get("icc_profile")
    if image.has_transparency_data:
        over = image.convert("RGBA")
        colours = _converted(image.convert("L" if image.mode == "LA" else "RGB"), profile)
        colours.putalpha(over.getchannel("A"))
        return Pillow.alpha_composite(Pillow.new("RGBA", over.size, "white"), colours).convert("RGB")
    return _converted(image, profile)


def eight_bits(values: NDArray[np.float32], white: float | None = None) -> NDArray[np.uint8]:
    """Values as bytes. Without `white` it is the least of 1, 255 and 65535 that nothing exceeds by half; NaN is black."""
    known = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    most = float(known.max(initial=0.0))
    white = white or next((w for w in _WHITES if most <= 1.5 * w), most)
    return np.asarray(np.rint(np.clip(known / white, 0, 1) * 255), np.uint8)


def _converted(image: Pillow.Image, profile: bytes | None) -> Pillow.Image:
    plain = image.convert("RGB") if image.mode in ("P", "PA", "1", "RGBX", "YCbCr", "HSV") else image
    if not profile:
        return plain.convert("RGB")
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if _EIGHT_BITS.get(source.profile.xcolor_space.strip()) != plain.mode:
            return plain.convert("RGB")
        converted = ImageCms.profileToProfile(
            plain,
            source,
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (OSError, ImageCms.PyCMSError):
        return plain.convert("RGB")
    return plain.convert("RGB") if converted is None else converted
