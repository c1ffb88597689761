# Super-networks (BootstrapNAS): trained, searched, and cut into sub-networks, which are ordinary members.
# Only the first two jobs load NNCF.


if SUPERNET_IDS:

    rule train_supernet:
        input:
            unpack(base_of_supernet),
            **INDEXED_TRAINING_IMAGES,
        output:
            weights="results/{study}/supernets/{supernet}.safetensors",
            record="results/{study}/supernets/{supernet}.json",
            stages="results/{study}/supernets/{supernet}.stages.parquet",
        log:
            "logs/{study}/train_supernet/{supernet}.log",
        benchmark:
            "results/{study}/benchmarks/train_supernet/{supernet}.tsv"
        # Before the other trainings, because sub-networks wait for it.
        priority: 2
        conda:
            "../envs/bootstrapnas.yaml"
        threads: STUDY["threads"]
        resources:
            **requests(supernet_megabytes, supernet_minutes, GPUS),
        params:
            supernet=supernet_settings,
            datasets=TRAINING | {key: STUDY["datasets"][key] for key in ("image_size", "resize")},
            device=STUDY["device"],
            workers=STUDY["workers"],
            resume="results/{study}/supernets/unfinished/{supernet}.pt",
            files=fingerprints(files_of_base),
            code=code("train_supernet", DATASET_KIND_FILE),
        message:
            "Train super-network {wildcards.supernet}"
        script:
            "../scripts/train_supernet.py"


if SEARCHED_SUPERNET_IDS:

    rule search_supernet:
        input:
            **INDEXED_TRAINING_IMAGES,
            weights="results/{study}/supernets/{supernet}.safetensors",
            record="results/{study}/supernets/{supernet}.json",
        output:
            "results/{study}/supernets/{supernet}.search.parquet",
        log:
            "logs/{study}/search_supernet/{supernet}.log",
        benchmark:
            "results/{study}/benchmarks/search_supernet/{supernet}.tsv"
        priority: 1
        conda:
            "../envs/bootstrapnas.yaml"
        threads: STUDY["threads"]
        resources:
            **requests(supernet_megabytes, search_minutes, GPUS),
        params:
            datasets=TRAINING | {key: STUDY["datasets"][key] for key in ("image_size", "resize")},
            device=STUDY["device"],
            resume="results/{study}/supernets/unfinished/{supernet}.search.json",
            code=code("search_supernet", DATASET_KIND_FILE),
        message:
            "Search super-network {wildcards.supernet}"
        script:
            "../scripts/search_supernet.py"


if members_of_kind("subnet"):

    rule extract_subnet:
        input:
            unpack(supernet_of_member),
            **INDEXED_TRAINING_IMAGES,
        output:
            weights="results/{study}/checkpoints/{member}.safetensors",
            record="results/{study}/checkpoints/{member}.json",
        log:
            "logs/{study}/extract_subnet/{member}.log",
        benchmark:
            "results/{study}/benchmarks/extract_subnet/{member}.tsv"
        wildcard_constraints:
            member=one_of(members_of_kind("subnet")),
        priority: 1
        conda:
            "../envs/study.yaml"
        threads: STUDY["threads"]
        resources:
            **requests(subnet_megabytes, gpu=GPUS),
        params:
            member=member_settings,
            datasets=TRAINING,
            device=STUDY["device"],
            code=code("extract_subnet", DATASET_KIND_FILE),
        message:
            "Cut {wildcards.member} out of its super-network"
        script:
            "../scripts/extract_subnet.py"


if BASE_MEMBERS:

    # The members that super-networks start from are trained before the others: a chain of jobs waits for them.
    use rule train as train_base with:
        wildcard_constraints:
            member=one_of(BASE_MEMBERS),
        priority: 3

    ruleorder: train_base > train
