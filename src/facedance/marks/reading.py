"""What the signed metadata of a file says, and whether it still fits."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import c2pa

from facedance.marks.credentials import MADE_BY_AI, RENDER, context
from facedance.marks.keys import SELF_MADE, own_serial

_AI = (MADE_BY_AI, "compositeWithTrainedAlgorithmicMedia")  # IPTC's terms, the second for a part made so
_NOT_VOUCHED = "signingCredential.untrusted"  # no list of those who are trusted comes with this program


@dataclass(frozen=True)
class Credentials:
    """What a file's newest manifest says: who signed it, with which certificate, by which program and model it was made.

    `failures` are C2PA's codes for what does not fit; `render` is what facedance says of a render, empty in files of others;
    `inputs` are the titles of those that went in and had such metadata.
    """

    signer: str
    serial: str
    failures: tuple[str, ...]
    made_by_ai: bool
    program: str
    agent: str
    render: dict[str, Any]
    inputs: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """Whether the file is another than the one that was signed."""
        return any("mismatch" in code.lower() for code in self.failures)

    @property
    def self_made(self) -> bool:
        """Whether its certificate was made on the spot."""
        return self.signer == SELF_MADE

    @property
    def own(self) -> bool:
        """Whether it is signed with this user's certificate."""
        return self.serial == own_serial()


class DamagedCredentials(ValueError):
    """Whether there are manifests, or what they say, cannot be read; the message is one line."""


def has_credentials(path: Path) -> bool:
    """Whether a file has manifests that can be read, whatever they say."""
    try:
        return read_credentials(path) is not None
    except DamagedCredentials:
        return False


def read_credentials(path: Path) -> Credentials | None:
    """What the metadata of a file says, None where it has none or is of a kind that can have none.

    Raises:
        DamagedCredentials: they cannot be read.
    """
    try:
        with context() as settings, open(path, "rb") as file:
            reader = c2pa.Reader.try_create(file, context=settings)  # by what it holds, whatever it is called
            if reader is None:
                return None
            with reader:
                said = json.loads(reader.json())
    except c2pa.C2paError.NotSupported:
        return None
    except (c2pa.C2paError, ValueError) as error:
        raise DamagedCredentials(" ".join(str(error).split())[:200]) from None
    return _credentials(said)


def _credentials(said: dict[str, Any]) -> Credentials | None:
    manifest = said.get("manifests", {}).get(said.get("active_manifest"))
    if manifest is None:
        return None
    signature = manifest.get("signature_info") or {}
    assertions = {one["label"]: one.get("data") for one in manifest.get("assertions", [])}
    actions = [action for label, data in assertions.items() if label.startswith("c2pa.actions") for action in _actions(data)]
    generators = manifest.get("claim_generator_info") or [{"name": manifest.get("claim_generator", "")}]
    failures = (said.get("validation_results") or {}).get("activeManifest", {}).get("failure", [])
    render = assertions.get(RENDER)
    return Credentials(
        signer=str(signature.get("issuer") or signature.get("common_name") or ""),
        serial=str(signature.get("cert_serial_number") or ""),
        failures=tuple(failure["code"] for failure in failures if failure["code"] != _NOT_VOUCHED),
        made_by_ai=any(str(action.get("digitalSourceType", "")).endswith(_AI) for action in actions),
        program=" ".join(str(generators[0].get(key, "")) for key in ("name", "version")).strip(),
        agent=next((agent for action in actions if (agent := _agent(action))), ""),
        render=render if isinstance(render, dict) else {},
        inputs=tuple(str(one.get("title", "")) for one in manifest.get("ingredients", []) if one.get("active_manifest")),
    )


def _actions(data: Any) -> list[dict[str, Any]]:
    """What an assertion of actions lists, in whatever form others wrote it."""
    listed = data.get("actions") if isinstance(data, dict) else None
    return [action for action in listed if isinstance(action, dict)] if isinstance(listed, list) else []


def _agent(action: dict[str, Any]) -> str:
    """What did an action: a text in the first version of C2PA, a name with a version in the second."""
    agent = action.get("softwareAgent") or ""
    return str(agent.get("name", "")) if isinstance(agent, dict) else str(agent)
