# The tiny model from nothing: `snakemake tiny` makes a world and trains on it, for hours on a CPU.
# No other rule needs it: assets/tiny holds the weights that it gave.

TINY = PARAMS.tiny
TINY_PIXEL_PARTS = [f"{part:03d}" for part in range(TINY.vae.parts)]
TINY_PARTS = [f"{part:03d}" for part in range(TINY.parts)]
TINY_FOLDER = "tiny-training"

TINY_PIXELS = {
    **some("tiny", "seed", "side"),
    **TINY.vae.model_dump(include={"people", "parts"}),
}
TINY_VAE = {
    **some("tiny", "seed"),
    **TINY.vae.model_dump(include={"steps", "decoder_steps"}),
}
TINY_WORLD = some("tiny", "seed", "side", "frames", "parts", "people", "dancers")
TINY_TRANSFORMER = some("tiny", "seed", "side", "frames", "transformer")
TINY_STUDENT = {**some("tiny", "seed"), "steps": TINY.faces.student_steps}
TINY_DECODER = {
    **some("tiny", "seed"),
    **TINY.faces.model_dump(mode="json", include={"decoder"}),
}
TINY_GUESSES = {**TINY_TRANSFORMER, "looks": TINY.faces.looks}
TINY_FACES = {**TINY_TRANSFORMER, "steps": TINY.faces.steps}
TINY_HEAD_PARTS = TINY_PIXEL_PARTS[: TINY.faces.picture_parts]
TINY_FACE_PARTS = TINY_PARTS[: TINY.faces.parts]


rule draw_tiny_pixels:
    input:
        stamp=stamp("tiny", "draw_tiny_pixels", TINY_PIXELS),
    output:
        f"{TINY_FOLDER}/pixels/{{part}}.safetensors",
    log:
        "logs/draw_tiny_pixels/{part}.log",
    benchmark:
        "benchmarks/draw_tiny_pixels/{part}.tsv"
    conda:
        "../environment.yml"
    params:
        tiny=TINY_PIXELS,
    message:
        "Drawing pictures for the tiny VAE, part {wildcards.part}"
    script:
        "../scripts/draw_tiny_pixels.py"


rule train_tiny_vae:
    input:
        pixels=expand(
            f"{TINY_FOLDER}/pixels/{{part}}.safetensors", part=TINY_PIXEL_PARTS
        ),
        stamp=stamp("tiny", "train_tiny_vae", TINY_VAE),
    output:
        weights=f"{TINY_FOLDER}/vae/diffusion_pytorch_model.safetensors",
        metrics=f"{TINY_FOLDER}/vae.csv",
    log:
        "logs/train_tiny_vae.log",
    benchmark:
        "benchmarks/train_tiny_vae.tsv"
    conda:
        "../environment.yml"
    threads: 16
    params:
        tiny=TINY_VAE,
    message:
        "Training the tiny VAE"
    script:
        "../scripts/train_tiny_vae.py"


rule encode_tiny_world:
    input:
        vae=f"{TINY_FOLDER}/vae/diffusion_pytorch_model.safetensors",
        face_model="models/faces/dlib/manifest.json",
        pose_model=POSE_MODEL,
        stamp=stamp("tiny", "encode_tiny_world", TINY_WORLD),
    output:
        f"{TINY_FOLDER}/latents/{{part}}.safetensors",
    log:
        "logs/encode_tiny_world/{part}.log",
    benchmark:
        "benchmarks/encode_tiny_world/{part}.tsv"
    conda:
        "../environment.yml"
    params:
        tiny=TINY_WORLD,
    message:
        "Encoding the tiny world, part {wildcards.part}"
    script:
        "../scripts/encode_tiny_world.py"


rule train_tiny_transformer:
    input:
        vae=f"{TINY_FOLDER}/vae/diffusion_pytorch_model.safetensors",
        vae_losses=f"{TINY_FOLDER}/vae.csv",
        world=expand(f"{TINY_FOLDER}/latents/{{part}}.safetensors", part=TINY_PARTS),
        stamp=stamp("tiny", "train_tiny_transformer", TINY_TRANSFORMER),
    output:
        f"{TINY_FOLDER}/rounds/0/meta.json",
    log:
        "logs/train_tiny_transformer.log",
    benchmark:
        "benchmarks/train_tiny_transformer.tsv"
    conda:
        "../environment.yml"
    threads: 16
    params:
        tiny=TINY_TRANSFORMER,
        recipe=TINY.model_dump(mode="json", exclude={"compiled"}),
        compiled=TINY.compiled,
    message:
        "Training the tiny transformer; it goes on from its last checkpoint"
    script:
        "../scripts/train_tiny_transformer.py"


rule see_tiny_heads:
    input:
        pixels=f"{TINY_FOLDER}/pixels/{{part}}.safetensors",
        vae=f"{TINY_FOLDER}/vae/diffusion_pytorch_model.safetensors",
        face_model="models/faces/dlib/manifest.json",
        stamp=stamp("tiny", "see_tiny_heads", some("tiny", "seed")),
    output:
        f"{TINY_FOLDER}/heads/{{part}}.safetensors",
    log:
        "logs/see_tiny_heads/{part}.log",
    benchmark:
        "benchmarks/see_tiny_heads/{part}.tsv"
    conda:
        "../environment.yml"
    params:
        tiny=some("tiny", "seed"),
    message:
        "Looking at heads before and after the tiny VAE, part {wildcards.part}"
    script:
        "../scripts/see_tiny_heads.py"


rule see_tiny_guesses:
    input:
        model=f"{TINY_FOLDER}/rounds/{{round}}/meta.json",
        world=f"{TINY_FOLDER}/latents/{{part}}.safetensors",
        face_model="models/faces/dlib/manifest.json",
        stamp=stamp("tiny", "see_tiny_guesses", TINY_GUESSES),
    output:
        f"{TINY_FOLDER}/guesses/{{round}}/{{part}}.safetensors",
    log:
        "logs/see_tiny_guesses/{round}/{part}.log",
    benchmark:
        "benchmarks/see_tiny_guesses/{round}/{part}.tsv"
    conda:
        "../environment.yml"
    params:
        tiny=TINY_GUESSES,
    message:
        "Looking at what the tiny transformer of round {wildcards.round} guesses, part {wildcards.part}"
    script:
        "../scripts/see_tiny_guesses.py"


rule train_tiny_student:
    input:
        heads=expand(f"{TINY_FOLDER}/heads/{{part}}.safetensors", part=TINY_HEAD_PARTS),
        guesses=lambda wildcards: expand(
            f"{TINY_FOLDER}/guesses/{{round}}/{{part}}.safetensors",
            round=range(int(wildcards.round)),  # round 0 knows no student
            part=TINY_FACE_PARTS,
        ),
        stamp=stamp("tiny", "train_tiny_student", TINY_STUDENT),
    output:
        weights=f"{TINY_FOLDER}/students/{{round}}.safetensors",
        metrics=f"{TINY_FOLDER}/students/{{round}}.csv",
    log:
        "logs/train_tiny_student/{round}.log",
    benchmark:
        "benchmarks/train_tiny_student/{round}.tsv"
    conda:
        "../environment.yml"
    threads: 16
    params:
        tiny=TINY_STUDENT,
    message:
        "Training a student of the recogniser for round {wildcards.round}"
    script:
        "../scripts/train_tiny_student.py"


rule train_tiny_decoder:
    input:
        pixels=expand(
            f"{TINY_FOLDER}/pixels/{{part}}.safetensors", part=TINY_PIXEL_PARTS
        ),
        vae=f"{TINY_FOLDER}/vae/diffusion_pytorch_model.safetensors",
        student=f"{TINY_FOLDER}/students/1.safetensors",
        stamp=stamp("tiny", "train_tiny_decoder", TINY_DECODER),
    output:
        weights=f"{TINY_FOLDER}/refined/vae/diffusion_pytorch_model.safetensors",
        metrics=f"{TINY_FOLDER}/decoder.csv",
    log:
        "logs/train_tiny_decoder.log",
    benchmark:
        "benchmarks/train_tiny_decoder.tsv"
    conda:
        "../environment.yml"
    threads: 16
    params:
        tiny=TINY_DECODER,
    message:
        "Training the tiny VAE's decoder for faces"
    script:
        "../scripts/train_tiny_decoder.py"


rule train_tiny_faces:
    input:
        model=lambda wildcards: f"{TINY_FOLDER}/rounds/{int(wildcards.round) - 1}/meta.json",
        student=f"{TINY_FOLDER}/students/{{round}}.safetensors",
        world=expand(
            f"{TINY_FOLDER}/latents/{{part}}.safetensors", part=TINY_FACE_PARTS
        ),
        stamp=stamp("tiny", "train_tiny_faces", TINY_FACES),
    output:
        f"{TINY_FOLDER}/rounds/{{round}}/meta.json",
    log:
        "logs/train_tiny_faces/{round}.log",
    benchmark:
        "benchmarks/train_tiny_faces/{round}.tsv"
    wildcard_constraints:
        round="[1-9]",
    conda:
        "../environment.yml"
    threads: 16
    params:
        tiny=TINY_FACES,
        compiled=TINY.compiled,
    message:
        "Training the tiny transformer for faces, round {wildcards.round}"
    script:
        "../scripts/train_tiny_faces.py"


rule publish_tiny:
    input:
        model=f"{TINY_FOLDER}/rounds/{TINY.faces.rounds}/meta.json",
        vae=f"{TINY_FOLDER}/refined/vae/diffusion_pytorch_model.safetensors",
        decoder_losses=f"{TINY_FOLDER}/decoder.csv",
        stamp=stamp("tiny", "publish_tiny", some("tiny", "seed")),
    output:
        f"{TINY_FOLDER}/published/meta.json",
    log:
        "logs/publish_tiny.log",
    benchmark:
        "benchmarks/publish_tiny.tsv"
    conda:
        "../environment.yml"
    params:
        tiny=some("tiny", "seed"),
    message:
        "Putting the tiny model together"
    script:
        "../scripts/publish_tiny.py"
