# Everything -> one page that a person looks at.


rule build_report:
    input:
        metrics="results/evaluate/metrics.csv",
        accuracy="results/evaluate/pose_accuracy.csv",
        clips="results/clips/clips.csv",
        poses=expand("results/poses/shards/{shard}.csv", shard=all_shards()),
        photos=expand("results/faces/{identity}/photos.csv", identity=IDENTITIES),
        training=expand("results/train/{identity}/metrics.csv", identity=IDENTITIES),
        renders=render_manifests(),
        weights=[POSE_MODEL],
        model=WAN_MODEL,
        stamp=stamp("report", "build_report", PARAMS.model_dump(mode="json")),
    output:
        report(
            "results/report/index.html",
            caption="captions/page.rst",
            category="report",
            labels={"shows": "the page"},
        ),
    log:
        "logs/build_report.log",
    benchmark:
        "logs/build_report.tsv"
    localrule: True  # seconds
    conda:
        "../environment.yml"
    params:
        all=PARAMS.model_dump(mode="json"),
    message:
        "Building the page"
    script:
        "../scripts/build_report.py"
