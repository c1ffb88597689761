# What a choice on the clean set is worth under shift, and which members and ensembles are robust beyond their accuracy
# on the clean set. A study of one validation set has no shift.

if len(DATASETS) > 1:

    rule held_out:
        input:
            unpack(judged),
        output:
            table="results/{study}/held_out/{dataset}.parquet",
            resampled="results/{study}/held_out/{dataset}.npy",
        log:
            "logs/{study}/held_out/{dataset}.log",
        benchmark:
            "results/{study}/benchmarks/held_out/{dataset}.tsv"
        conda:
            "../envs/study.yaml"
        threads: STUDY["threads"]
        resources:
            **requests(held_out_megabytes, held_out_minutes, GPUS),
        params:
            members=MEMBER_IDS,
            consensus=CONSENSUS,
            share=STUDY["deployment"]["selection_share"],
            seed=STUDY["seed"],
            device=STUDY["device"],
            code=code("held_out", *CONSENSUS_FILES),
        message:
            "Judge the ensembles chosen on clean images on the evaluation split of {wildcards.dataset}"
        script:
            "../scripts/held_out.py"

    rule robustness:
        input:
            accuracies=ACCURACIES,
            halves=HALVES,
            held_out=HELD_OUT_TABLES,
            resampled=expand("results/{{study}}/held_out/{dataset}.npy", dataset=DATASETS),
        output:
            robustness="results/{study}/robustness.parquet",
            lines="results/{study}/robustness_lines.parquet",
            over_sets="results/{study}/robustness_over_sets.parquet",
            by_size="results/{study}/robustness_by_size.parquet",
        log:
            "logs/{study}/robustness.log",
        benchmark:
            "results/{study}/benchmarks/robustness.tsv"
        conda:
            "../envs/study.yaml"
        resources:
            **requests(ensembles_megabytes),
        params:
            members=MEMBER_IDS,
            datasets=DATASETS,
            ensembles=STUDY["ensembles"],
            baseline=STUDY["baseline"],
            seed=STUDY["seed"],
            code=code("robustness"),
        message:
            "Compare members and chosen ensembles under shift with the line of the members"
        script:
            "../scripts/robustness.py"

    rule effects_from_clean:
        input:
            **IN_GROUPS,
            halves=HALVES,
            accuracies=ACCURACIES,
            pairwise=OF_PAIRS,
        output:
            effects="results/{study}/effects_from_clean.parquet",
            predictors="results/{study}/predictors.parquet",
        log:
            "logs/{study}/effects_from_clean.log",
        benchmark:
            "results/{study}/benchmarks/effects_from_clean.tsv"
        conda:
            "../envs/study.yaml"
        resources:
            **requests(ensembles_megabytes, effects_from_clean_minutes),
        params:
            members=MEMBER_IDS,
            compared=COMPARED,
            datasets=DATASETS,
            ensembles=STUDY["ensembles"],
            permutations=STUDY["statistics"]["effect_permutations"],
            seed=STUDY["seed"],
            code=code("effects_from_clean", *MEASURE_FILES),
        message:
            "Estimate what diversity and accuracy on clean images say of ensembles under shift"
        script:
            "../scripts/effects_from_clean.py"
