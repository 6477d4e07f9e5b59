"""What the batches' variants ask for."""

from facedance.config.render_settings import RenderSettings
from facedance.config.rendering import Batch, Render


def takes_proportions(variants: list[str], settings: RenderSettings) -> bool:
    render = Render(settings=settings, batches=(Batch(who=("ann",), videos=("*",)),))
    return any(one.proportions == "person" for one in render.settings_of(variants))


def test_a_variant_or_the_settings_ask_for_the_persons_proportions():
    plain, persons = RenderSettings(), RenderSettings(proportions="person")
    assert not takes_proportions(["default", "seed~1", "head_joints~none", "no variant~"], plain)
    assert takes_proportions(["default", "proportions~person_head_joints~weak"], plain)
    assert takes_proportions(["seed~1"], persons)
    assert not takes_proportions(["proportions~dancer"], persons)
