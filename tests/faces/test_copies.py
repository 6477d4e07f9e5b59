"""Copies of one photo are told from photos of a burst and from others."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from facedance.faces.copies import Look, copies
from facedance.faces.face import Face
from tests.faces.people import lit, mirrored, portrait, scaled

FACE = np.array([119, 72, 209, 162], np.float32)  # of the portrait, 90 px wide


def look(image, factor=1.0, file_bytes=1000):
    return Look.at(image, Face(FACE * np.float32(factor), 1.0, np.zeros((5, 2), np.float32)), file_bytes)


def as_jpeg(image, quality):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def moved(image, share, degrees=0.0):
    """The next picture of a burst: the face has moved by a share of its width, and the noise is another."""
    matrix = cv2.getRotationMatrix2D((164, 117), degrees, 1)
    matrix[0, 2] += share * 90 * image.shape[1] / 320
    there = cv2.warpAffine(image, matrix, image.shape[1::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return (there + np.random.default_rng(0).normal(0, 3, there.shape)).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("factor", [1.0, 3.0])
def test_photos_that_were_saved_again_or_made_smaller_are_copies(factor):
    original = scaled(portrait(), factor)
    looks = {
        "original": look(original, factor, 9000),
        "saved again": look(as_jpeg(original, 60), factor, 900),
        "screen": look(scaled(original, 0.78), factor * 0.78),
        "messenger": look(as_jpeg(scaled(original, 0.5), 75), factor * 0.5),
    }
    assert copies(looks) == {"saved again": "original", "screen": "original", "messenger": "original"}


@pytest.mark.parametrize("factor", [1.0, 3.0])
def test_photos_of_a_burst_are_no_copies(factor):
    first = scaled(portrait(), factor)
    burst = [first, moved(first, 1 / 200), moved(first, 1 / 60), moved(first, 0.0, 0.7), mirrored(first), lit(first, 0.8)]
    assert copies({str(i): look(image, factor) for i, image in enumerate(burst)}) == {}


def test_other_shapes_and_other_places_are_no_copies():
    assert copies({"a": look(portrait()), "b": look(portrait()[:280]), "c": look(np.roll(portrait(), 60, axis=1))}) == {}


def test_of_equal_photos_the_first_name_counts():
    assert copies({"b": look(portrait()), "a": look(portrait()), "c": look(portrait(), file_bytes=2000)}) == {"a": "c", "b": "c"}
    assert copies({"b": look(portrait()), "a": look(portrait())}) == {"b": "a"}
