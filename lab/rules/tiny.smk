# The tiny model from nothing: a world is made and trained on, for hours on a CPU.
# The product needs none of it: assets/tiny holds the weights that it gave.

TINY = LAB.tiny
TINY_PIXEL_PARTS = [f"{part:04d}" for part in range(TINY.vae.parts)]
TINY_PARTS = [f"{part:04d}" for part in range(TINY.parts)]
TINY_FOLDER = "lab/results/tiny"

TINY_PIXELS = {
    **TINY.model_dump(mode="json", include={"seed", "side"}),
    **TINY.vae.model_dump(include={"people", "parts"}),
}
TINY_VAE = {
    **TINY.model_dump(mode="json", include={"seed"}),
    **TINY.vae.model_dump(include={"steps", "decoder_steps"}),
}
TINY_WORLD = TINY.model_dump(
    mode="json", include={"seed", "side", "frames", "parts", "people", "dancers"}
)
TINY_TRANSFORMER = TINY.model_dump(
    mode="json", include={"seed", "side", "frames", "transformer"}
)
TINY_DECODER = {
    **TINY.model_dump(mode="json", include={"seed"}),
    **TINY.faces.model_dump(mode="json", include={"decoder"}),
}
TINY_FACES = {**TINY_TRANSFORMER, **TINY.faces.model_dump(include={"parts", "steps"})}
TINY_FACE_PARTS = TINY_PARTS[: TINY.faces.parts]


rule draw_tiny_pixels:
    input:
        face_model="models/faces/dlib/manifest.json",
        stamp=lab_stamp("tiny", "draw_tiny_pixels", TINY_PIXELS),
    output:
        f"{TINY_FOLDER}/pixels/{{part}}.safetensors",
    log:
        "logs/draw_tiny_pixels/{part}.log",
    benchmark:
        "logs/draw_tiny_pixels/{part}.tsv"
    conda:
        "../../environment.yml"
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
        stamp=lab_stamp("tiny", "train_tiny_vae", TINY_VAE),
    output:
        weights=f"{TINY_FOLDER}/vae/diffusion_pytorch_model.safetensors",
        metrics=f"{TINY_FOLDER}/vae.csv",
    log:
        "logs/train_tiny_vae.log",
    benchmark:
        "logs/train_tiny_vae.tsv"
    conda:
        "../../environment.yml"
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
        stamp=lab_stamp("tiny", "encode_tiny_world", TINY_WORLD),
    output:
        f"{TINY_FOLDER}/latents/{{part}}.safetensors",
    log:
        "logs/encode_tiny_world/{part}.log",
    benchmark:
        "logs/encode_tiny_world/{part}.tsv"
    conda:
        "../../environment.yml"
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
        stamp=lab_stamp("tiny", "train_tiny_transformer", TINY_TRANSFORMER),
    output:
        f"{TINY_FOLDER}/learned/meta.json",
    log:
        "logs/train_tiny_transformer.log",
    benchmark:
        "logs/train_tiny_transformer.tsv"
    conda:
        "../../environment.yml"
    threads: 16
    params:
        tiny=TINY_TRANSFORMER,
        compiled=TINY.compiled,
    message:
        "Training the tiny transformer; it goes on from its last checkpoint"
    script:
        "../scripts/train_tiny_transformer.py"


rule train_tiny_decoder:
    input:
        pixels=expand(
            f"{TINY_FOLDER}/pixels/{{part}}.safetensors", part=TINY_PIXEL_PARTS
        ),
        vae=f"{TINY_FOLDER}/vae/diffusion_pytorch_model.safetensors",
        face_model="models/faces/dlib/manifest.json",
        stamp=lab_stamp("tiny", "train_tiny_decoder", TINY_DECODER),
    output:
        weights=f"{TINY_FOLDER}/refined/vae/diffusion_pytorch_model.safetensors",
        metrics=f"{TINY_FOLDER}/decoder.csv",
    log:
        "logs/train_tiny_decoder.log",
    benchmark:
        "logs/train_tiny_decoder.tsv"
    conda:
        "../../environment.yml"
    threads: 16
    params:
        tiny=TINY_DECODER,
    message:
        "Training the tiny VAE's decoder for faces"
    script:
        "../scripts/train_tiny_decoder.py"


rule train_tiny_faces:
    input:
        model=f"{TINY_FOLDER}/learned/meta.json",
        vae=f"{TINY_FOLDER}/refined/vae/diffusion_pytorch_model.safetensors",
        decoder_losses=f"{TINY_FOLDER}/decoder.csv",
        face_model="models/faces/dlib/manifest.json",
        world=expand(
            f"{TINY_FOLDER}/latents/{{part}}.safetensors", part=TINY_FACE_PARTS
        ),
        stamp=lab_stamp("tiny", "train_tiny_faces", TINY_FACES),
    output:
        f"{TINY_FOLDER}/published/meta.json",
    log:
        "logs/train_tiny_faces.log",
    benchmark:
        "logs/train_tiny_faces.tsv"
    conda:
        "../../environment.yml"
    threads: 16
    params:
        tiny=TINY_FACES,
        recipe=TINY.model_dump(mode="json", exclude={"compiled", "masks"}),
        compiled=TINY.compiled,
    message:
        "Training the tiny transformer for faces; it goes on from its last checkpoint"
    script:
        "../scripts/train_tiny_faces.py"


TINY_MASK_WORLD = TINY.masks.world.model_dump(mode="json")
TINY_MASKS = {
    **TINY.model_dump(mode="json", include={"seed", "transformer", "masks"}),
    "recipe": TINY.model_dump(mode="json", exclude={"compiled"}),
}
TINY_MASK_PARTS = [f"{part:04d}" for part in range(TINY.masks.world.parts)]
TINY_SIZE_WORLD = TINY.masks.sizes.model_dump(mode="json")
TINY_SIZE_PARTS = [f"{part:04d}" for part in range(TINY.masks.sizes.parts)]
# It holds the digests of the weights beside it.
TINY_PUBLISHED = f"{TINY_FOLDER}/published/meta.json"


rule encode_tiny_mask_world:
    input:
        model=TINY_PUBLISHED,
        face_model="models/faces/dlib/manifest.json",
        pose_model=POSE_MODEL,
        stamp=lab_stamp("tiny", "encode_tiny_mask_world", TINY_MASK_WORLD),
    output:
        f"{TINY_FOLDER}/masks/{{part}}.safetensors",
    log:
        "logs/encode_tiny_mask_world/{part}.log",
    benchmark:
        "logs/encode_tiny_mask_world/{part}.tsv"
    conda:
        "../../environment.yml"
    params:
        world=TINY_MASK_WORLD,
    message:
        "Encoding the world of masks, part {wildcards.part}"
    script:
        "../scripts/encode_tiny_mask_world.py"


rule encode_tiny_size_world:
    input:
        model=TINY_PUBLISHED,
        face_model="models/faces/dlib/manifest.json",
        pose_model=POSE_MODEL,
        stamp=lab_stamp("tiny", "encode_tiny_size_world", TINY_SIZE_WORLD),
    output:
        f"{TINY_FOLDER}/sizes/{{part}}.safetensors",
    log:
        "logs/encode_tiny_size_world/{part}.log",
    benchmark:
        "logs/encode_tiny_size_world/{part}.tsv"
    conda:
        "../../environment.yml"
    params:
        world=TINY_SIZE_WORLD,
    message:
        "Encoding the world of sizes, part {wildcards.part}"
    script:
        "../scripts/encode_tiny_size_world.py"


rule train_tiny_masks:
    input:
        model=TINY_PUBLISHED,
        face_model="models/faces/dlib/manifest.json",
        pose_model=POSE_MODEL,
        world=expand(f"{TINY_FOLDER}/masks/{{part}}.safetensors", part=TINY_MASK_PARTS)
        + expand(f"{TINY_FOLDER}/sizes/{{part}}.safetensors", part=TINY_SIZE_PARTS),
        stamp=lab_stamp("tiny", "train_tiny_masks", TINY_MASKS),
    output:
        f"{TINY_FOLDER}/masked/meta.json",
    log:
        "logs/train_tiny_masks.log",
    benchmark:
        "logs/train_tiny_masks.tsv"
    conda:
        "../../environment.yml"
    threads: 16
    params:
        tiny=TINY_MASKS,
        compiled=TINY.compiled,
    message:
        "Training the tiny transformer on masks; it goes on from its last checkpoint"
    script:
        "../scripts/train_tiny_masks.py"
