"""The texts that a model reads: prompts, with a person's word in the place of `{person}`."""

from typing import get_args

from facedance.config.captions import Shown, TrainingTexts
from facedance.config.cast import NO_PERSON, cast_of
from facedance.config.params import Params

PERSON = "{person}"
"""In a prompt: whoever is shown."""

ANYBODY = "a person"
"""What stands there for somebody without a word of their own."""


def training_texts(params: Params, identity: str) -> TrainingTexts:
    """The texts of one person's training. Clips and others' faces have none for the person, whom they do not show."""
    train = params.train
    word = _word(params, identity)
    names: dict[Shown, str] = {shown: getattr(train.captions, shown) or train.prompt for shown in get_args(Shown)}
    photos = {shown: _said(params.prompts[name], word) for shown, name in names.items()}
    dance = params.prompts[train.prompt]
    return TrainingTexts(_said(dance, ANYBODY), _said(dance, word), photos, others=_said(params.prompts[names["face"]], ANYBODY))


def render_texts(params: Params, who: str) -> dict[str, str]:
    """Every prompt by its name, as it is said of a person, a blend or a cast."""
    return {name: _said(prompt, _word(params, who)) for name, prompt in params.prompts.items()}


def all_texts(params: Params) -> list[str]:
    """Every text that a training or a render may read, each once. Somebody without a word of their own adds none."""
    everybody = (*params.identities, *params.render.blends, *params.render.casts)
    words = [ANYBODY, *(_word(params, who) for who in everybody)]
    return list(dict.fromkeys(_said(prompt, word) for word in words for prompt in params.prompts.values()))


def _said(prompt: str, word: str) -> str:
    return prompt.replace(PERSON, word)


def _word(params: Params, who: str) -> str:
    """A person's `trigger`, those of a blend's members one after the other, or those of a cast's people joined by "and"."""
    if cast := cast_of(who):
        words = (_triggers(params, name) for name in cast.values() if name not in NO_PERSON)
        return " and ".join(word for word in words if word) or ANYBODY
    return _triggers(params, who) or ANYBODY


def _triggers(params: Params, who: str) -> str:
    blend = params.render.blends.get(who)
    triggers = [params.identities[member].trigger for member in (blend.members if blend else (who,))]
    return " ".join(trigger for trigger in triggers if trigger)
