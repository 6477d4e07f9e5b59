# How well renders keep a face, on people, dances and photos that nothing was trained on. The target `identity` asks
# for it; nothing else needs it, and it takes hours.

BENCHMARK = "lab/results/identity"
SITTERS = [cast.folder_name(name) for name in cast.NAMES[: LAB.identity.people]]
BENCHMARK_SEEDS = range(LAB.identity.seeds)
NEXT_SITTER = dict(zip(SITTERS, [*SITTERS[1:], SITTERS[0]]))


wildcard_constraints:
    sitter="|".join(SITTERS),
    seed=r"\d+",


rule photograph_sitter:
    input:
        face_model="models/faces/dlib/manifest.json",
        stamp=lab_stamp("identity", "photograph_sitter", part("faces")),
    output:
        embedding=f"{BENCHMARK}/people/{{sitter}}/embedding.safetensors",
        shape=f"{BENCHMARK}/people/{{sitter}}/shape.safetensors",
        reference=f"{BENCHMARK}/people/{{sitter}}/reference.png",
        photos=f"{BENCHMARK}/people/{{sitter}}/photos.csv",
    log:
        "logs/photograph_sitter/{sitter}.log",
    benchmark:
        "logs/photograph_sitter/{sitter}.tsv"
    conda:
        "../../environment.yml"
    params:
        **part("faces"),
    message:
        "Taking photos of {wildcards.sitter}"
    script:
        "../scripts/photograph_sitter.py"


rule train_sitter:
    input:
        photos=f"{BENCHMARK}/people/{{sitter}}/photos.csv",
        embedding=f"{BENCHMARK}/people/{{sitter}}/embedding.safetensors",
        model=WAN_MODEL,
        face_model="models/faces/dlib/manifest.json",
        pose_model=POSE_MODEL,
        stamp=lab_stamp(
            "identity",
            "train_sitter",
            {
                **part("wan", "faces", "poses", "train"),
                "lora_steps": LAB.identity.lora_steps,
            },
        ),
    output:
        adapter=f"{BENCHMARK}/people/{{sitter}}/lora/adapter.safetensors",
        self_compared=f"{BENCHMARK}/people/{{sitter}}/lora/self_compared.safetensors",
        metrics=f"{BENCHMARK}/people/{{sitter}}/lora/metrics.csv",
    log:
        "logs/train_sitter/{sitter}.log",
    benchmark:
        "logs/train_sitter/{sitter}.tsv"
    conda:
        "../../environment.yml"
    threads: MODEL_THREADS
    resources:
        gpu=MODEL_GPUS,
    params:
        **part("wan", "faces", "poses", "train"),
        lora_steps=LAB.identity.lora_steps,
    message:
        "Training on the photos of {wildcards.sitter}"
    script:
        "../scripts/train_sitter.py"


rule draw_driving_clip:
    input:
        sitter=f"{BENCHMARK}/people/{{sitter}}/embedding.safetensors",
        pose_model=POSE_MODEL,
        stamp=lab_stamp("identity", "draw_driving_clip", part("wan", "poses")),
    output:
        f"{BENCHMARK}/clips/{{sitter}}.{{seed}}.safetensors",
    log:
        "logs/draw_driving_clip/{sitter}.{seed}.log",
    benchmark:
        "logs/draw_driving_clip/{sitter}.{seed}.tsv"
    conda:
        "../../environment.yml"
    params:
        **part("wan", "poses"),
    message:
        "Drawing a dance for {wildcards.sitter}, seed {wildcards.seed}"
    script:
        "../scripts/draw_driving_clip.py"


rule render_driving_clip:
    input:
        clip=f"{BENCHMARK}/clips/{{sitter}}.{{seed}}.safetensors",
        own=f"{BENCHMARK}/people/{{sitter}}/embedding.safetensors",
        other=lambda w: f"{BENCHMARK}/people/{NEXT_SITTER[w.sitter]}/embedding.safetensors",
        adapter=f"{BENCHMARK}/people/{{sitter}}/lora/adapter.safetensors",
        self_compared=f"{BENCHMARK}/people/{{sitter}}/lora/self_compared.safetensors",
        model=WAN_MODEL,
        stamp=lab_stamp(
            "identity",
            "render_driving_clip",
            {
                **part("wan"),
                "render": some("render", "settings", "memory", "speed"),
                "prompts": PARAMS.prompts,
            },
            items=lambda w: [NEXT_SITTER[w.sitter]],
        ),
    output:
        f"{BENCHMARK}/renders/{{sitter}}.{{seed}}.safetensors",
    log:
        "logs/render_driving_clip/{sitter}.{seed}.log",
    benchmark:
        "logs/render_driving_clip/{sitter}.{seed}.tsv"
    conda:
        "../../environment.yml"
    threads: MODEL_THREADS
    resources:
        gpu=MODEL_GPUS,
    params:
        **part("wan"),
        render=some("render", "settings", "memory", "speed"),
        prompts=PARAMS.prompts,
    message:
        "Rendering {wildcards.sitter} in every way, seed {wildcards.seed}"
    script:
        "../scripts/render_driving_clip.py"


rule score_driving_clip:
    input:
        renders=f"{BENCHMARK}/renders/{{sitter}}.{{seed}}.safetensors",
        clip=f"{BENCHMARK}/clips/{{sitter}}.{{seed}}.safetensors",
        wrong=lambda w: f"{BENCHMARK}/clips/{NEXT_SITTER[w.sitter]}.{w.seed}.safetensors",
        people=expand(
            f"{BENCHMARK}/people/{{name}}/embedding.safetensors", name=SITTERS
        ),
        face_model="models/faces/dlib/manifest.json",
        pose_model=POSE_MODEL,
        stamp=lab_stamp(
            "identity",
            "score_driving_clip",
            {**part("wan"), **some("evaluate", "every")},
            items=lambda w: SITTERS,
        ),
    output:
        table=f"{BENCHMARK}/scores/{{sitter}}.{{seed}}.csv",
        pictures=f"{BENCHMARK}/scores/{{sitter}}.{{seed}}.png",
    log:
        "logs/score_driving_clip/{sitter}.{seed}.log",
    benchmark:
        "logs/score_driving_clip/{sitter}.{seed}.tsv"
    conda:
        "../../environment.yml"
    params:
        **part("wan"),
        **some("evaluate", "every"),
        own=lambda w: SITTERS.index(w.sitter),
    message:
        "Looking at the renders of {wildcards.sitter}, seed {wildcards.seed}"
    script:
        "../scripts/score_driving_clip.py"


rule benchmark_identity:
    input:
        scores=[
            f"{BENCHMARK}/scores/{sitter}.{seed}.csv"
            for seed in BENCHMARK_SEEDS
            for sitter in SITTERS
        ],
        pictures=expand(f"{BENCHMARK}/scores/{{sitter}}.0.png", sitter=SITTERS),
        people=expand(f"{BENCHMARK}/people/{{sitter}}/lora/metrics.csv", sitter=SITTERS),
        stamp=lab_stamp(
            "identity",
            "benchmark_identity",
            LAB.identity.model_dump(),
            items=lambda w: SITTERS,
        ),
    output:
        f"{BENCHMARK}/identity.csv",
        f"{BENCHMARK}/identity.md",
        f"{BENCHMARK}/clips.csv",
        f"{BENCHMARK}/grid.png",
    log:
        "logs/benchmark_identity.log",
    benchmark:
        "logs/benchmark_identity.tsv"
    conda:
        "../../environment.yml"
    params:
        **part("evaluate", "wan"),
        render=some("render", "settings"),
    message:
        "Counting whose face is seen in renders of people that nothing was trained on"
    script:
        "../scripts/benchmark_identity.py"
