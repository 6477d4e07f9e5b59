"""What is kept of an item, and when it is made again."""

import pytest

from facedance.files import write_json
from facedance.rerun.item_cache import item_key, record, reusable


@pytest.fixture
def item(tmp_path):
    product = tmp_path / "x.mp4"
    product.write_bytes(b"video")
    write_json(tmp_path / "stamp.json", {"params": {"fps": 16}, "code": "c", "items": ["x"]})
    key = item_key(tmp_path / "stamp.json", "sha of the input")
    record(tmp_path, "x", key, [product], {"frames": 3})
    return tmp_path, product, key


def test_an_undamaged_item_is_reused(item):
    folder, _, key = item
    assert reusable(folder, "x", key) == {"frames": 3}


def test_other_key_damage_and_loss_are_made_again(item):
    folder, product, key = item
    assert reusable(folder, "x", "other key") is None
    assert reusable(folder, "y", key) is None
    product.write_bytes(b"vide")
    assert reusable(folder, "x", key) is None
    product.unlink()
    assert reusable(folder, "x", key) is None
    (folder / ".items" / "x.json").write_text('{"key": ')
    assert reusable(folder, "x", key) is None


def test_the_key_follows_parameters_and_code_but_not_the_list_of_items(tmp_path):
    def key(**content):
        write_json(tmp_path / "s.json", {"params": 1, "code": "a", "items": [], **content})
        return item_key(tmp_path / "s.json", "input")

    assert key() == key(items=["one more"])
    assert len({key(), key(params=2), key(code="b")}) == 3
