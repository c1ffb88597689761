# How far the probabilities of members and chosen ensembles can be trusted: temperatures are fitted on the selection
# split of the clean set, and forecasts are judged on the evaluation split of every set.


rule temperatures:
    input:
        unpack(predicted_on_clean_set),
        chosen=f"results/{{study}}/deployment/{DATASETS[0]}.parquet" if AVERAGING else [],
    output:
        "results/{study}/temperatures.parquet",
    log:
        "logs/{study}/temperatures.log",
    benchmark:
        "results/{study}/benchmarks/temperatures.tsv"
    conda:
        "../envs/study.yaml"
    threads: STUDY["threads"]
    resources:
        **requests(temperatures_megabytes, temperatures_minutes, GPUS),
    params:
        members=MEMBER_IDS,
        dataset=DATASETS[0],
        consensus=AVERAGING,
        share=STUDY["deployment"]["selection_share"],
        seed=STUDY["seed"],
        device=STUDY["device"],
        code=code("temperatures", *CONSENSUS_FILES),
    message:
        f"Fit temperatures on the selection split of {DATASETS[0]}"
    script:
        "../scripts/temperatures.py"


rule calibration:
    input:
        unpack(predicted),
        temperatures="results/{study}/temperatures.parquet",
    output:
        table="results/{study}/calibration/{dataset}.parquet",
        curves="results/{study}/calibration_curves/{dataset}.parquet",
    log:
        "logs/{study}/calibration/{dataset}.log",
    benchmark:
        "results/{study}/benchmarks/calibration/{dataset}.tsv"
    conda:
        "../envs/study.yaml"
    threads: STUDY["threads"]
    resources:
        **requests(calibration_megabytes, calibration_minutes, GPUS),
    params:
        members=MEMBER_IDS,
        share=STUDY["deployment"]["selection_share"],
        seed=STUDY["seed"],
        device=STUDY["device"],
        code=code("calibration", *CONSENSUS_FILES),
    message:
        "Judge the probabilities of members and chosen ensembles on {wildcards.dataset}"
    script:
        "../scripts/calibration.py"
