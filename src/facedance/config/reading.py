"""The text of params.yaml and models.yaml as plain values, read more strictly than YAML asks for.

YAML parsers take the last of two equal keys, and take `no`, `null` and `007` for something else than words. Both are
mistakes here, told in one sentence with the line.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

_WORDS = {"tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"}

FILES = ("models.yaml", "params.yaml")
"""Values of a later file win over the same of an earlier one."""


def read_parameters(folder: Path, overrides: Mapping[str, Any] | None = None, otherwise: Path | None = None) -> dict[str, Any]:
    """What models.yaml and params.yaml in `folder` say together, with `overrides` on top of both.

    Args:
        otherwise: folder of those files that are not in `folder`.

    Raises:
        ValueError: a file is missing, is no YAML, gives a key twice or has a key that is not a word.
    """
    values: dict[str, Any] = {}
    places = [otherwise if otherwise and not (folder / name).exists() else folder for name in FILES]
    for content in (*(read_yaml(place / name) for place, name in zip(places, FILES, strict=True)), overrides or {}):
        values = merged(values, content)
    return values


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Two nested mappings as one; values of `above` win. One without lines, which is null to YAML, is empty."""
    out = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping | None) and isinstance(out.get(key), Mapping)
        out[key] = merged(out[key], value or {}) if both else value
    return out


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises:
        ValueError: as `read_parameters` does.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        _check_keys(path.name, node)
        values = yaml.safe_load(text)
    except FileNotFoundError:
        raise ValueError(f"{path} is not there; run in the project's folder") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}): put a file of this name in its place") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name} is not in UTF-8 (byte {error.start}): save it as UTF-8") from None
    except yaml.YAMLError as error:
        raise ValueError(f"{path.name}: {_sentence(error)}") from None
    if not isinstance(values, dict):
        raise ValueError(f"{path.name} holds no `key: value` lines")
    return values


def _check_keys(file: str, node: Node | None, above: str = "") -> None:
    """Refuse keys that come twice or are not words, also below."""
    if isinstance(node, MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            line, word = key.start_mark.line + 1, str(key.value)
            number = above.endswith(".cast.") and key.tag == "tag:yaml.org,2002:int"
            if not isinstance(key, ScalarNode) or not (number or key.tag in _WORDS):
                raise ValueError(f'{file}, line {line}: {above}{word} is no word to YAML; write it in quotes, as "{word}"')
            if first := lines.get(word):
                where = f"in lines {first} and {line}" if line > first else f"in line {line}"
                raise ValueError(f"{file}: {above}{word} is given twice, {where}; keep one")
            lines[word] = line
            _check_keys(file, value, f"{above}{word}.")
    elif isinstance(node, SequenceNode):
        for i, item in enumerate(node.value):
            _check_keys(file, item, f"{above}{i}.")


def _sentence(error: yaml.YAMLError) -> str:
    """What a parser says, with line and column, in one line."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    hint = "; indent with spaces, not tabs" if "\\t" in str(problem) else ""
    return f"{where}not valid YAML, {problem or ' '.join(str(error).split())}{hint}"
