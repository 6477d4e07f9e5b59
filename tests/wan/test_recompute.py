"""What there is room to keep for a backward pass."""

from facedance.wan.recompute import Kept, Sizes, attention_bytes, kept_blocks, whole_block_bytes

SIZES = Sizes(blocks=30, dim=1536, ffn=8960, heads=12, number=2)
GIB = 2**30
PHOTO, CLIP = 1560, 34320


def test_a_photo_keeps_whole_blocks():
    room = 30 * whole_block_bytes(SIZES, PHOTO)
    assert kept_blocks(SIZES, 1, PHOTO, 0) == Kept(0, 0)
    assert kept_blocks(SIZES, 1, PHOTO, room) == kept_blocks(SIZES, 1, PHOTO, 2 * room) == Kept(30, 0)
    assert kept_blocks(SIZES, 2, PHOTO, room) == Kept(15, 0)


def test_a_clip_keeps_attention_unless_there_is_room_for_all():
    assert kept_blocks(SIZES, 1, CLIP, 0) == Kept(0, 0)
    assert kept_blocks(SIZES, 1, CLIP, 2 * GIB) == Kept(0, 2 * GIB // attention_bytes(SIZES, CLIP))
    assert kept_blocks(SIZES, 1, CLIP, 4 * GIB) == Kept(0, 30)
    assert kept_blocks(SIZES, 1, CLIP, 100 * GIB) == Kept(30, 0)
