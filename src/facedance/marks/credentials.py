"""Signed C2PA metadata (spec.c2pa.org): that a video is made by AI, by which model and program, and from what, by digests.

Names, photos and prompts are not in it: whoever gets the video gets this too.
"""

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import c2pa

import facedance
from facedance.files import sha256
from facedance.job import InputError
from facedance.marks.keys import Signer
from facedance.marks.settled import Notary, settle

MADE_BY_AI = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""IPTC's term for media that a model made."""

RENDER = "facedance.render"
"""The assertion that tells what a render was made from."""

_SETTINGS = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},  # nothing leaves the machine
    "builder": {"thumbnail": {"enabled": False}},
}


@dataclass(frozen=True)
class Claim:
    """What is said of a video.

    `inputs` are the digests (hex SHA-256) of what went in, by what it is; `record` is that of the sidecar; `marked` are
    videos that went in and have such metadata themselves.
    """

    model: str
    inputs: Mapping[str, str]
    record: str
    people: int  # who agreed, each of them
    watermark: bool
    marked: tuple[Path, ...] = ()


def context() -> c2pa.Context:
    """How c2pa reads and writes here."""
    return c2pa.Context(c2pa.Settings.from_dict(_SETTINGS))


def sign(video: Path, out: Path, claim: Claim, signer: Signer) -> None:
    """Write the mp4 `video` to `out` with the signed claim in it; equal files, claims and certificates give equal bytes.

    Raises:
        InputError: c2pa refuses the certificate, or a video that went in.
    """
    definition = _definition(claim)
    digests = [sha256(path) for path in (video, *claim.marked)]
    name = _identifier(*digests, json.dumps(definition, sort_keys=True), signer.fingerprint)
    definition |= {"label": f"urn:c2pa:{name}", "instance_id": f"xmp:iid:{name}"}
    notary = Notary(signer.sign)
    kind = c2pa.C2paSigningAlg[signer.algorithm.upper()]
    out.unlink(missing_ok=True)  # c2pa writes over no file
    try:
        with (
            context() as reading,
            c2pa.Signer.from_callback(notary, kind, signer.chain.decode(), None) as signing,
            c2pa.Builder(definition, reading) as builder,
        ):
            for number, path in enumerate(claim.marked):
                _add_marked(builder, path, _identifier(name, str(number)))
            builder.sign_file(video, out, signing)
    except c2pa.C2paError as error:
        raise InputError(f"c2pa does not sign with the certificate {signer.fingerprint[:16]}: {error}") from None
    settle(out, notary)


def _definition(claim: Claim) -> dict[str, Any]:
    program = {"name": "facedance", "version": facedance.__version__}
    actions = [
        {"action": "c2pa.created", "digitalSourceType": MADE_BY_AI, "softwareAgent": {"name": f"facedance, {claim.model}"}}
    ]
    if claim.watermark:
        actions.append({"action": "c2pa.watermarked.unbound"})
    made_from = {
        "model": claim.model,
        "inputs": [{"what": what, "alg": "sha256", "hash": value} for what, value in sorted(claim.inputs.items())],
        "record": {"alg": "sha256", "hash": claim.record},
        "people": claim.people,
        "consent": True,
    }
    return {
        "claim_generator_info": [program],
        "title": "AI-generated video",
        "format": "video/mp4",
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": actions}},
            {"label": RENDER, "data": made_from},
        ],
    }


def _add_marked(builder: c2pa.Builder, path: Path, name: str) -> None:
    """Take the metadata of a video that went in along, so that it is not lost."""
    said = {"title": "driving video", "relationship": "inputTo", "instance_id": f"xmp:iid:{name}"}
    with open(path, "rb") as file:
        kind = "mp4" if file.read(8)[4:] == b"ftyp" else path.suffix.removeprefix(".").lower()  # whatever it is called
        file.seek(0)
        builder.add_ingredient(json.dumps(said), kind, file)


def _identifier(*parts: str) -> str:
    """A UUID that only these decide; c2pa takes none but those that look drawn by chance (RFC 9562, version 4)."""
    drawn = bytearray(hashlib.sha256("\0".join(parts).encode()).digest()[:16])
    drawn[6], drawn[8] = drawn[6] & 0x0F | 0x40, drawn[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(drawn)))
