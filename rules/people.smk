# Who is rendered where, from the batches and blends of params.yaml and from what was asked for by name.

import dataclasses

from facedance.config.cast import cast_in_words, cast_of, is_cast
from facedance.config.texts import all_texts, render_texts, training_texts
from facedance.render.named import path_of, renders_among, renders_made_by_name


def members(who):
    """The identities that a render shows: one, or those of a blend or cast.

    A cast that no batch has is refused by the job's stamp, with a sentence.
    """
    if is_cast(who) and who not in PARAMS.render.casts:
        return []
    return list(PARAMS.render.members(who))


def videos_of(shard):
    if shard == names.CONTROL_SHARD:
        return CONTROL_CLIPS
    return VIDEOS_OF_SHARD[shard]


def clips_with_music(shard):
    """The list of a shard's clips; ready-made control videos bring their music themselves."""
    control = shard == names.CONTROL_SHARD
    return (layout.CONTROL_LIST if control else layout.CLIP_LIST).format(shard=shard)


@functools.cache
def of_targets():
    """Renders that this run is asked for by their names."""
    return renders_among(workflow.dag_settings.targets)


@functools.cache
def all_named():
    """Renders asked for by name, now or before, of people and clips that there still are."""
    return [
        render
        for render in dict.fromkeys([*renders_made_by_name(Path()), *of_targets()])
        if checks.is_known(dict(zip(("who", "clip", "variant"), render)), PARAMS, KNOWN)
    ]


def named(wildcards):
    """Those of one person, blend or cast in one shard."""
    return [r for r in all_named() if in_list(r) == (wildcards.who, wildcards.shard)]


def in_list(render):
    """Whose list, and of which shard, a render belongs to."""
    who, clip, _ = render
    return who, names.shard_of_clip(clip, PARAMS.shards)


def training_videos():
    """Whose clips and dancers a training learns from."""
    return sorted(v for v in VIDEOS if matches(v, PARAMS.train.videos))


def learned_in_shard(wildcards):
    """Those of the shard's videos of which a training learns more than photos."""
    more = PARAMS.clips.whole and PARAMS.train.learns_clips
    learned = training_videos() if more else []
    return sorted({*learned} & {*VIDEOS_OF_SHARD[wildcards.shard]})


def training_params():
    """What a training depends on besides its data; which videos it learns from is part of that."""
    values = part("train", "wan")
    for name in ("videos", "prompt", "captions"):  # what they mean counts
        del values["train"][name]
    return values


def said_in_training(wildcards):
    """What a training says of what it sees."""
    return dataclasses.asdict(training_texts(PARAMS, wildcards.identity))


def texts_learned(wildcards):
    """Those of these texts whose change trains anew."""
    return training_texts(PARAMS, wildcards.identity).learned(PARAMS.train.learns_clips)


def training_shards():
    return sorted({names.shard_of(v, PARAMS.shards) for v in training_videos()})


def of_training_clips(template):
    """Of the shards to learn from; else of those to look at the person in a dance of."""
    if shards := training_shards():
        return expand(template, shard=shards)
    looked_at = rendered_shards() if PARAMS.train.validate_every else []
    return ancient(expand(template, shard=looked_at))


def of_judged_clips(template):
    """Of the shards with the dance in which a training looks at the person; what was judged is not judged anew."""
    shards = training_shards() or rendered_shards()
    looked_at = shards if PARAMS.train.validate_every else []
    return ancient(expand(template, shard=looked_at))


@functools.cache
def asked_in_batches():
    """Who is rendered by a batch, and in which shard: pairs."""
    return [
        (who, shard)
        for who in PARAMS.render.rendered
        for shard in all_shards()
        if asked_for(who, videos_of(shard), PARAMS.render.batches)
    ]


def rendered_shards():
    """Shards of which something is rendered, so that they are encoded anyway: any of them may have no clip to look at."""
    asked = {shard for _, shard in asked_in_batches()}
    return [shard for shard in SHARDS if shard in asked] or SHARDS[:1]


def render_lists(template=layout.RENDER_LIST):
    """The template for everybody who is rendered, by a batch or by name, in each shard."""
    lists = dict.fromkeys([*asked_in_batches(), *map(in_list, all_named())])
    return [template.format(who=who, shard=shard) for who, shard in lists]


def of_members(pattern):
    return lambda w: expand(pattern, identity=members(w.who))


@functools.cache
def see_to_the_keys():
    """No files; says before any heavy work that the keys which mark renders cannot be used, or makes those that can be made."""
    if executing() and workflow.is_main_process:
        from facedance.marks.keys import signer, watermark_key  # a tenth of a second

        try:
            if PARAMS.marks.watermark:
                watermark_key()
            if PARAMS.marks.credentials:
                signer()
        except ValueError as error:
            raise SystemExit(str(error))
    return []


def shard_of_renders(wildcards):
    """The shard of whose clips a job makes renders."""
    known = dict(wildcards.items())
    return known.get("shard") or names.shard_of_clip(known["clip"], PARAMS.shards)


@functools.cache
def settings_of(who, variant=None):
    """The settings of the renders of a name: of all that batches ask for, or of one variant."""
    batches = [batch for batch in PARAMS.render.batches if who in batch.rendered]
    variants = [v for batch in batches for v in batch.all_variants()]
    return PARAMS.render.settings_of([variant] if variant else variants)


def settings_asked(wildcards):
    """The settings of the renders that a job makes."""
    return settings_of(wildcards.who, dict(wildcards.items()).get("variant"))


def proportions_of_members(wildcards):
    """How those are built whom a job's renders show, where one of these asks for it."""
    asked = asks_for_proportions(settings_asked(wildcards))
    return of_members(layout.PROPORTIONS)(wildcards) if asked else []


def proportions_asked():
    """How those are built of whom any render asks for it."""
    batches = [(who, None) for who in PARAMS.render.rendered]
    named_ones = [(who, variant) for who, _, variant in all_named()]
    asked = {
        member
        for who, variant in [*batches, *named_ones]
        if asks_for_proportions(settings_of(who, variant))
        for member in members(who)
    }
    return expand(layout.PROPORTIONS, identity=sorted(asked))


def asks_for_proportions(settings):
    return any(one.proportions == "person" for one in settings)


def render_params(wildcards):
    """What a render depends on besides its own settings."""
    blend = PARAMS.render.blends.get(wildcards.who)
    return {
        **part("wan"),
        "model": PARAMS.model,
        **some("render", "settings", "memory", "speed", "loras"),
        "blend": blend.model_dump(mode="json") if blend else None,
        "consent": {i: PARAMS.identities[i].consent for i in members(wildcards.who)},
        **part("marks"),
        "poses": some("poses", "min_visibility", "face_dots"),
        **(cast_params(wildcards.who) if is_cast(wildcards.who) else {}),
        **({"backend": PARAMS.faces.backend} if chooses(wildcards) else {}),
    }


def chooses(wildcards):
    """Whether a job makes a render with several seeds, of which judges keep one."""
    return any(one.seeds.tries > 1 for one in settings_asked(wildcards))


def where_chosen(files):
    """Input function: what the judges of a job read if it has any; `files` may be a function of the wildcards."""

    def read(wildcards):
        if not chooses(wildcards):
            return []
        return files(wildcards) if callable(files) else files

    return read


def chosen_by(wildcards):
    """The code of who chooses, where a job does: an item of its stamp, so that no other render is made anew for it."""
    if not chooses(wildcards):
        return []
    return [code_digest(HOME / "src/facedance/render/choosing.py")]


def cast_params(who):
    """What the render of a cast depends on besides."""
    shown = PARAMS.render.shown(who)
    return {
        "cast": {str(dancer): name for dancer, name in cast_of(who).items()},
        "blends": {n: b.model_dump(mode="json") for n, b in shown.items() if b},
    }


def known_landmarks(shard):
    """Where the dancers of a shard are; in ready-made control videos nobody knows it."""
    known = shard != names.CONTROL_SHARD
    return [layout.LANDMARKS.format(shard=shard)] if known else []


def who_is_who(wildcards):
    """Whom a render shows, for people to read."""
    who = wildcards.who
    return f"{who} ({cast_in_words(cast_of(who))})" if is_cast(who) else who


def said_in_renders(wildcards):
    """The texts that renders read, by the prompts' names."""
    return render_texts(PARAMS, wildcards.who)


def batches_of(wildcards):
    """The batches as they concern one person, blend or cast: who else is in them changes nothing."""
    return [
        {
            **b.model_dump(mode="json"),
            **({} if is_cast(wildcards.who) else {"who": [wildcards.who]}),
        }
        for b in PARAMS.render.batches
        if wildcards.who in b.rendered
    ]
