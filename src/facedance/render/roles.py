"""Who is shown in a render: one person everywhere, or several in the places of the dancers."""

from collections.abc import Mapping
from dataclasses import dataclass

from facedance.config.cast import NO_PERSON
from facedance.config.rendering import Blend
from facedance.render.blend import member_weights
from facedance.render.inputs import RenderInputs


@dataclass(frozen=True)
class Role:
    """Somebody who is shown: everywhere, or in the place of one dancer."""

    dancer: int | None  # None for the whole picture
    weights: Mapping[str, float]  # how much of each person is in the adapters, in sum 1
    blend: Blend | None

    @property
    def heaviest(self) -> str:
        """The person of whom there is most, the first of equals: whose picture goes along."""
        return max(self.weights, key=lambda name: self.weights[name])


def roles_of(inputs: RenderInputs) -> list[Role]:
    """Those of a person or blend, or those of a cast who become somebody, by their numbers."""
    if inputs.cast is None:
        return [Role(None, member_weights(list(inputs.people), inputs.blend), inputs.blend)]
    people = {dancer: who for dancer, who in sorted(inputs.cast.dancers.items()) if who not in NO_PERSON}
    blends = {who: inputs.cast.blends.get(who) for who in people.values()}
    return [Role(dancer, member_weights([who], blends[who]), blends[who]) for dancer, who in people.items()]
