"""What there is room to keep for a backward pass."""

from facedance.wan.recompute import Sizes, floors, whole_block_bytes, worth_keeping

SIZES = Sizes(blocks=30, dim=1536, ffn=8960, heads=12, number=2)
GIB = 2**30
PHOTO, CLIP = 1560, 34320
DOWN, OTHERS = SIZES.ffn, SIZES.dim


def used(batch, length, memory):
    """Bytes that what is chosen takes."""
    kept, whole = worth_keeping(SIZES, batch, length), whole_block_bytes(SIZES, batch * length)
    chosen = [floor for floor in floors(SIZES, batch, length, memory) if floor is not None]
    return sum(sum(size for worth, size in kept.items() if worth >= floor) if floor else whole for floor in chosen)


def test_without_room_all_is_computed_again_and_with_enough_nothing():
    for length in (PHOTO, CLIP):
        assert floors(SIZES, 1, length, 0) == [None] * 30
        assert floors(SIZES, 1, length, 30 * whole_block_bytes(SIZES, length)) == [0] * 30


def test_what_is_worth_most_is_kept_of_all_blocks_first():
    """Of a clip attention; of a photo the second feed-forward layer, attention, and of some blocks the other layers."""
    assert list(worth_keeping(SIZES, 1, CLIP)) == [2 * CLIP, DOWN, OTHERS]
    assert list(worth_keeping(SIZES, 2, PHOTO)) == [DOWN, 2 * PHOTO, OTHERS]
    assert floors(SIZES, 1, CLIP, 2 * GIB) == [2 * CLIP] * 20 + [None] * 10
    assert floors(SIZES, 1, CLIP, 5 * GIB) == [DOWN] * 20 + [2 * CLIP] * 10
    assert floors(SIZES, 2, PHOTO, GIB // 4) == [DOWN] * 28 + [None] * 2
    assert floors(SIZES, 2, PHOTO, 2 * GIB) == [OTHERS] * 13 + [2 * PHOTO] * 17
    assert 0.95 * 2 * GIB < used(2, PHOTO, 2 * GIB) <= 2 * GIB


def test_short_attention_is_not_worth_it():
    assert list(worth_keeping(SIZES, 1, 256)) == [DOWN, OTHERS]
    shorter, same = (worth_keeping(SIZES, 1, length) for length in (SIZES.dim // 2 - 1, SIZES.dim // 2))
    assert list(shorter) == list(same) == [DOWN, OTHERS]
    assert same[OTHERS] - shorter[OTHERS] > SIZES.dim // 2 * SIZES.number * SIZES.dim, "attention is kept with the other layers"


def test_what_is_worth_the_same_is_kept_together():
    apart, same = (worth_keeping(SIZES, 1, DOWN // 2 + more) for more in (1, 0))
    assert list(apart) == [DOWN + 2, DOWN, OTHERS]
    assert list(same) == [DOWN, OTHERS]
    assert same[DOWN] == DOWN // 2 * (2 * SIZES.number * SIZES.dim + 4 * SIZES.heads)
