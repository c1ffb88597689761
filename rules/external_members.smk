# External members: their weights or predictions are stored in the same form as those of a trained member.


for row in STUDY["zoo"]:
    if row["member"] is None:
        logger.info(f"Skipped: {row['path']} ({row['reason']})")


# One job for all of a validation set's files, because starting a job takes longer than reading a file.
if MEMBERS_IN_FILES:

    rule import_predictions:
        input:
            prediction_files,
            lists=lists_of_predictions,
            samples="results/{study}/samples/{dataset}.txt",
            set_record="results/{study}/samples/{dataset}.json",
            classes=classes_of_dataset,
        output:
            listing="results/{study}/imported/{dataset}.json",
            folder=directory(IMPORTED),
        log:
            "logs/{study}/import_predictions/{dataset}.log",
        benchmark:
            "results/{study}/benchmarks/import_predictions/{dataset}.tsv"
        conda:
            "../envs/study.yaml"
        resources:
            **requests(minutes=lambda wildcards: len(MEMBERS_IN_FILES) * 0.05),
        params:
            members=[settings_of(member) for member in MEMBERS_IN_FILES],
            files=fingerprints(
                lambda wildcards: prediction_files(wildcards) + lists_of_predictions(wildcards)
            ),
            code=code("import_predictions"),
        message:
            "Read the predictions of members in files on {wildcards.dataset}"
        script:
            "../scripts/import_predictions.py"


if IMPORTED_MEMBERS:

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
            files=fingerprints(all_files_of_member),
            code=code("import_weights", spec_of_member),
        message:
            "Import the weights of {wildcards.member}"
        script:
            "../scripts/import_weights.py"


if MEMBERS_RUN_ON_SETS:

    rule predict:
        input:
            **{kind: files for kind, files in ALL_SETS.items() if kind != "labels"},
            file=file_of_member,
            further=further_files_of_member,
            lists=lists_of,
            classes=CLASSES_OF_ALL_SETS,
        output:
            directory("results/{study}/inferred/{member}"),
        log:
            "logs/{study}/predict/{member}.log",
        benchmark:
            "results/{study}/benchmarks/predict/{member}.tsv"
        wildcard_constraints:
            member=one_of(MEMBERS_RUN_ON_SETS),
        conda:
            "../envs/study.yaml"
        threads: STUDY["threads"]
        resources:
            **requests(inference_megabytes, predict_minutes),
        params:
            datasets=DATASETS,
            member=member_settings,
            stored={key: STUDY["datasets"][key] for key in ("image_size", "resize")},
            files=fingerprints(all_files_of_member),
            finished_parts="results/{study}/finished_parts/{member}",
            code=code("predict", spec_of_member),
        message:
            "Predict all validation sets by {wildcards.member} ({params.member[kind]})"
        script:
            "../scripts/predict.py"
