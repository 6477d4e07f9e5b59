"""What is wrong with params.yaml or models.yaml, a sentence for each wrong value: the key, what was given and what is allowed."""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from facedance.config.base import NAME

_FILLED = {("train",): 1, ("render",): 2}
"""Where, and how deep, the chosen model's values come to lie beside those of params.yaml."""


def complaints(errors: Sequence[Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """Pydantic's errors as sentences, without those that only follow from another.

    Args:
        schema: the JSON schema of what was checked, for what else a key may be.
    """
    # A wrong value spoils what holds it, and a model's value also what it fills in.
    inner = {error["loc"][:i] for error in errors for i in range(len(error["loc"]))}
    of_models = {(error["type"], *error["loc"][3:]) for error in errors if error["loc"][:1] == ("models",)}
    places: dict[tuple[Any, ...], list[Any]] = {}
    for error in errors:
        depth = _FILLED.get(error["loc"][:1], 0)
        if error["loc"] not in inner and not (depth and (error["type"], *error["loc"][depth:]) in of_models):
            location = [part for part in error["loc"] if part != "[key]"]
            options = _node_at(location[:-1], schema).get("anyOf", ())
            if len([option for option in options if option.get("type") != "null"]) > 1:  # then the last part names one of them
                location.pop()
            places.setdefault(tuple(location), []).append(error)
    for place, alternatives in places.items():
        files = "models.yaml or params.yaml" if place[:1] == ("models",) else "params.yaml"
        yield f"{files}: {_sentence(place, alternatives, schema)}"


def _sentence(location: tuple[Any, ...], alternatives: Sequence[Any], schema: Mapping[str, Any]) -> str:
    key, error = ".".join(str(part) for part in location), alternatives[0]
    given, message = error["input"], " or ".join(e["msg"].removeprefix("Value error, ") for e in alternatives)
    sentence = f"{key}: {message} (given: {given!r})" if key else message
    match error["type"]:
        case "extra_forbidden":
            allowed = sorted(_node_at(location[:-1], schema)["properties"])
            sentence = f"unknown key {key}{_meant(location[-1], allowed)}; allowed here are {', '.join(allowed)}"
        case "missing":
            sentence = f"key {key} is missing"
        case _ if given is None:
            sentence = f"{key}: null is no value; leave the line out for what the model wants, or for the default"
        case "too_short":
            sentence = f"{key}: give at least {error['ctx']['min_length']}"
        case "string_type" if isinstance(given, bool | int | float | date):
            sentence = f"{key}: YAML does not take this for a word (given: {given}); write it in quotes"
        case "string_pattern_mismatch" if error["ctx"]["pattern"] == f"^{NAME}$":
            sentence = f"{key}: {_not_a_name(str(given))}"
    return sentence


def _not_a_name(given: str) -> str:
    """Why a name cannot be used, and one that could."""
    plain = unicodedata.normalize("NFKD", given).encode("ascii", "ignore").decode()
    other = re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-._")
    advice = "use letters a to z, digits, '.', '_' and '-'" + (f", as in {other!r}" if other else "")
    return f"{given!r} cannot be the name of a folder here: {advice}"


def _meant(given: Any, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(str(given), list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _node_at(location: Sequence[Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the schema says of the value there."""
    node = schema
    for part in location:
        by_pattern = next(iter(node.get("patternProperties", {}).values()), None) or node.get("additionalProperties")
        node = node.get("properties", {}).get(part) or by_pattern or node.get("items") or {}
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rsplit("/", 1)[-1]]
    return node
