# Members that were trained elsewhere: their weights, or what they predict, become what a trained member's are.

IMPORTED_MEMBERS = members_of_kind("timm", "torchvision")

for row in STUDY["zoo"]:
    if row["member"] is None:
        logger.info(f"Skipped: {row['path']} ({row['reason']})")


# One job for all of a validation set's files, because starting a job takes longer than reading a file.
rule import_predictions:
    input:
        prediction_files,
        lists=lists_of_predictions,
        samples="results/{study}/samples/{dataset}.txt",
        set_record="results/{study}/samples/{dataset}.json",
        classes=classes_of_dataset,
    output:
        listing="results/{study}/imported/{dataset}.json",
        folder=directory("results/{study}/imported/predictions/{dataset}"),
    log:
        "logs/{study}/import_predictions/{dataset}.log",
    benchmark:
        "results/{study}/benchmarks/import_predictions/{dataset}.tsv"
    conda:
        "../envs/study.yaml"
    resources:
        **requests(minutes=lambda wildcards: len(MEMBERS_IN_FILES) * 0.05),
    params:
        members=[MEMBER_ENTRIES[member] for member in MEMBERS_IN_FILES],
        files=fingerprints(
            lambda wildcards: prediction_files(wildcards) + lists_of_predictions(wildcards)
        ),
        code=code("import_predictions"),
    message:
        "Read the predictions of members on file on {wildcards.dataset}"
    script:
        "../scripts/import_predictions.py"


rule import_weights:
    input:
        weights=file_of_member,
        lists=lists_of,
        classes="results/{study}/classes.json",
    output:
        weights="results/{study}/checkpoints/{member}.safetensors",
        record="results/{study}/checkpoints/{member}.json",
    log:
        "logs/{study}/import_weights/{member}.log",
    benchmark:
        "results/{study}/benchmarks/import_weights/{member}.tsv"
    wildcard_constraints:
        member=one_of(IMPORTED_MEMBERS),
    priority: 1
    conda:
        "../envs/study.yaml"
    resources:
        **requests(lambda wildcards: 4000),
    params:
        member=member_settings,
        stored={key: STUDY["datasets"][key] for key in ("image_size", "resize")},
        files=fingerprints(lambda wildcards: file_of_member(wildcards) + lists_of(wildcards)),
        code=code("import_weights"),
    message:
        "Import the weights of {wildcards.member}"
    script:
        "../scripts/import_weights.py"


rule predict_onnx:
    input:
        file=file_of_member,
        lists=lists_of,
        images="results/{study}/images/{dataset}.npy",
        samples="results/{study}/samples/{dataset}.txt",
        set_record="results/{study}/samples/{dataset}.json",
        classes=classes_of_dataset,
    output:
        predictions="results/{study}/predictions/{dataset}/{member}.npy",
        record="results/{study}/predictions/{dataset}/{member}.json",
    log:
        "logs/{study}/predict_onnx/{dataset}/{member}.log",
    benchmark:
        "results/{study}/benchmarks/predict_onnx/{dataset}/{member}.tsv"
    wildcard_constraints:
        member=one_of(members_of_kind("onnx")),
    conda:
        "../envs/study.yaml"
    threads: STUDY["threads"]
    resources:
        **requests(inference_megabytes, inference_minutes),
    params:
        member=member_settings,
        stored={key: STUDY["datasets"][key] for key in ("image_size", "resize")},
        files=fingerprints(lambda wildcards: onnx_files(wildcards) + lists_of(wildcards)),
        code=code("predict_onnx"),
    message:
        "Run {wildcards.member} (ONNX) on {wildcards.dataset}"
    script:
        "../scripts/predict_onnx.py"


rule run_command:
    input:
        program_files,
        lists=lists_of,
        images="results/{study}/images/{dataset}.npy",
        samples="results/{study}/samples/{dataset}.txt",
        set_record="results/{study}/samples/{dataset}.json",
        classes=classes_of_dataset,
    output:
        predictions="results/{study}/predictions/{dataset}/{member}.npy",
        record="results/{study}/predictions/{dataset}/{member}.json",
    log:
        "logs/{study}/run_command/{dataset}/{member}.log",
    benchmark:
        "results/{study}/benchmarks/run_command/{dataset}/{member}.tsv"
    wildcard_constraints:
        member=one_of(members_of_kind("command")),
    conda:
        "../envs/study.yaml"
    threads: STUDY["threads"]
    resources:
        **requests(inference_megabytes, command_minutes),
    params:
        member=member_settings,
        files=fingerprints(lambda wildcards: program_files(wildcards) + lists_of(wildcards)),
        code=code("run_command"),
    message:
        "Run the command of {wildcards.member} on {wildcards.dataset}"
    script:
        "../scripts/run_command.py"
