"""What the batches' variants ask for."""

from facedance.config.batches import any_takes_proportions
from facedance.config.render_settings import RenderSettings


def test_a_variant_or_the_settings_ask_for_the_persons_proportions():
    plain, persons = RenderSettings(), RenderSettings(proportions="person")
    assert not any_takes_proportions(["default", "seed~1", "head_joints~none", "no variant~"], plain)
    assert any_takes_proportions(["default", "proportions~person_head_joints~weak"], plain)
    assert any_takes_proportions(["seed~1"], persons)
    assert not any_takes_proportions(["proportions~dancer"], persons)
