"""The text of params.yaml: mistakes that YAML lets through, and how those that it does not are told."""

import pytest

from facedance.config.reading import merged, read_yaml


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\nb: 2\na: 3\n", "params.yaml: a is given twice, in lines 1 and 3; keep one"),
        ("x:\n  b: {c: 1}\n  d: [{e: 1, e: 2}]\n", "params.yaml: x.d.0.e is given twice, in line 3; keep one"),
        ("x:\n  no: 1\n", 'params.yaml, line 2: x.no is no word to YAML; write it in quotes, as "no"'),
        ("null: 1\n", 'params.yaml, line 1: null is no word to YAML; write it in quotes, as "null"'),
        ("007: 1\n", 'params.yaml, line 1: 007 is no word to YAML; write it in quotes, as "007"'),
        ("a: [1,\nb: 2\n", "params.yaml: line 3, column 1: not valid YAML, expected ',' or ']', but got '<stream end>'"),
        ("a:\n\tb: 2\n", "params.yaml: line 2, column 1: not valid YAML, found character '\\t' .*spaces, not tabs"),
        ("a: *b\n", "params.yaml: line 1, column 4: not valid YAML, found undefined alias 'b'"),
        ("a: !!python/name:os.system x\n", "params.yaml: line 1, column 4: not valid YAML, could not determine a constructor .*"),
        ("- 1\n", "params.yaml holds no `key: value` lines"),
        ("", "params.yaml holds no `key: value` lines"),
    ],
)
def test_a_mistake_is_told_in_one_sentence_with_its_line(tmp_path, text, told):
    file = tmp_path / "params.yaml"
    file.write_text(text)
    with pytest.raises(ValueError, match="params") as error:
        read_yaml(file)
    assert "\n" not in str(error.value)
    if ".*" in told:
        before, after = told.split(".*")
        assert str(error.value).startswith(before)
        assert str(error.value).endswith(after)
    else:
        assert str(error.value) == told


def test_a_file_that_is_not_utf_8_or_not_there_is_told(tmp_path):
    file = tmp_path / "params.yaml"
    with pytest.raises(ValueError, match=r"params.yaml is not there"):
        read_yaml(file)
    file.write_bytes("a: M\xfcller".encode("latin-1"))
    with pytest.raises(ValueError, match=r"params.yaml is not in UTF-8 \(byte 4\)"):
        read_yaml(file)


def test_a_byte_order_mark_and_quoted_names_are_read(tmp_path):
    file = tmp_path / "params.yaml"
    file.write_bytes(b'\xef\xbb\xbf"no": 1\n"007": 2\n')
    assert read_yaml(file) == {"no": 1, "007": 2}


def test_mappings_are_merged_and_other_values_replaced():
    below = {"a": {"b": 1, "c": [1, 2]}, "d": {"e": 1}, "f": 1}
    assert merged(below, {"a": {"c": [3]}, "d": None, "g": None}) == {"a": {"b": 1, "c": [3]}, "d": {"e": 1}, "f": 1, "g": None}
