# From tables to figures. One job draws all figures of a kind, because starting a job takes longer than drawing.

# The clean set is the one whose images and attributions are shown.
SHOWN = DATASETS[0]

# In the order in which the report shows them.
FIGURES = [
    "member_accuracies",
    "best_ensembles",
    "deployment",
    "correlations",
    *expand(
        "improvement_{improvement}_{consensus}",
        improvement=IMPROVEMENTS,
        consensus=CONSENSUS,
    ),
    *expand("pairwise_{measure}", measure=STUDY_MEASURES),
    *(["attributions"] if WEIGHTED else []),
    *(["learning_curves"] if TRAINED_HERE else []),
    *(["supernets"] if SUPERNETS else []),
    *(["searches"] if SEARCHED_SUPERNETS else []),
]


rule plot_member_accuracies:
    input:
        accuracies=expand("results/{{study}}/accuracies/{dataset}.parquet", dataset=DATASETS),
    output:
        report(
            "results/{study}/figures/member_accuracies.png",
            caption="../report/member_accuracies.rst",
            category="Figures",
        ),
        "results/{study}/figures/member_accuracies.pdf",
    log:
        "logs/{study}/plot_member_accuracies.log",
    benchmark:
        "results/{study}/benchmarks/plot_member_accuracies.tsv"
    conda:
        "../envs/study.yaml"
    threads: 1
    resources:
        **requests(),
    params:
        code=code("plot_member_accuracies"),
    message:
        "Figure: accuracy of every member"
    script:
        "../scripts/plot_member_accuracies.py"


rule plot_best_ensembles:
    input:
        best=expand("results/{{study}}/best_ensembles/{dataset}.parquet", dataset=DATASETS),
        ensembles=expand("results/{{study}}/ensembles/{dataset}.parquet", dataset=DATASETS),
    output:
        report(
            "results/{study}/figures/best_ensembles.png",
            caption="../report/best_ensembles.rst",
            category="Figures",
        ),
        "results/{study}/figures/best_ensembles.pdf",
    log:
        "logs/{study}/plot_best_ensembles.log",
    benchmark:
        "results/{study}/benchmarks/plot_best_ensembles.tsv"
    conda:
        "../envs/study.yaml"
    threads: 1
    resources:
        **requests(),
    params:
        code=code("plot_best_ensembles", *CONSENSUS_FILES),
    message:
        "Figure: the best ensemble of every size"
    script:
        "../scripts/plot_best_ensembles.py"


rule plot_deployment:
    input:
        expand("results/{{study}}/deployment/{dataset}.parquet", dataset=DATASETS),
    output:
        report(
            "results/{study}/figures/deployment.png",
            caption="../report/deployment.rst",
            category="Figures",
        ),
        "results/{study}/figures/deployment.pdf",
    log:
        "logs/{study}/plot_deployment.log",
    benchmark:
        "results/{study}/benchmarks/plot_deployment.tsv"
    conda:
        "../envs/study.yaml"
    threads: 1
    resources:
        **requests(),
    params:
        code=code("plot_deployment", *CONSENSUS_FILES),
    message:
        "Figure: what accuracy an ensemble costs"
    script:
        "../scripts/plot_deployment.py"


rule plot_improvement:
    input:
        ensembles=expand("results/{{study}}/ensembles/{dataset}.parquet", dataset=DATASETS),
        correlations="results/{study}/correlations.parquet",
    output:
        report(
            expand(
                "results/{{study}}/figures/improvement_{improvement}_{consensus}.png",
                improvement=IMPROVEMENTS,
                consensus=CONSENSUS,
            ),
            caption="../report/improvement.rst",
            category="Figures",
        ),
        expand(
            "results/{{study}}/figures/improvement_{improvement}_{consensus}.pdf",
            improvement=IMPROVEMENTS,
            consensus=CONSENSUS,
        ),
    log:
        "logs/{study}/plot_improvement.log",
    benchmark:
        "results/{study}/benchmarks/plot_improvement.tsv"
    conda:
        "../envs/study.yaml"
    threads: 1
    resources:
        **requests(),
    params:
        improvements=IMPROVEMENTS,
        consensus=CONSENSUS,
        code=code("plot_improvement", *MEASURE_FILES, *CONSENSUS_FILES),
    message:
        "Figure: improvement against every measure"
    script:
        "../scripts/plot_improvement.py"


rule plot_pairwise:
    input:
        pairwise=expand(
            "results/{{study}}/pairwise/{dataset}/{measure}.parquet",
            measure=STUDY_MEASURES,
            dataset=DATASETS,
        ),
    output:
        report(
            expand("results/{{study}}/figures/pairwise_{measure}.png", measure=STUDY_MEASURES),
            caption="../report/pairwise.rst",
            category="Figures",
        ),
        expand("results/{{study}}/figures/pairwise_{measure}.pdf", measure=STUDY_MEASURES),
    log:
        "logs/{study}/plot_pairwise.log",
    benchmark:
        "results/{study}/benchmarks/plot_pairwise.tsv"
    conda:
        "../envs/study.yaml"
    threads: 1
    resources:
        **requests(),
    params:
        code=code("plot_pairwise", *MEASURE_FILES),
    message:
        "Figure: heat maps of every pairwise measure"
    script:
        "../scripts/plot_pairwise.py"


rule plot_learning_curves:
    input:
        checkpoints=expand("results/{{study}}/checkpoints/{member}.json", member=TRAINED_HERE),
    output:
        report(
            "results/{study}/figures/learning_curves.png",
            caption="../report/learning_curves.rst",
            category="Figures",
        ),
        "results/{study}/figures/learning_curves.pdf",
    log:
        "logs/{study}/plot_learning_curves.log",
    benchmark:
        "results/{study}/benchmarks/plot_learning_curves.tsv"
    conda:
        "../envs/study.yaml"
    threads: 1
    resources:
        **requests(),
    params:
        code=code("plot_learning_curves"),
    message:
        "Figure: learning curves"
    script:
        "../scripts/plot_learning_curves.py"


rule plot_supernets:
    input:
        stages=expand("results/{{study}}/supernets/{supernet}.stages.parquet", supernet=SUPERNETS),
    output:
        report(
            "results/{study}/figures/supernets.png",
            caption="../report/supernets.rst",
            category="Figures",
        ),
        "results/{study}/figures/supernets.pdf",
    log:
        "logs/{study}/plot_supernets.log",
    benchmark:
        "results/{study}/benchmarks/plot_supernets.tsv"
    conda:
        "../envs/study.yaml"
    threads: 1
    resources:
        **requests(),
    params:
        code=code("plot_supernets"),
    message:
        "Figure: training of super-networks"
    script:
        "../scripts/plot_supernets.py"


rule plot_searches:
    input:
        searches=expand(
            "results/{{study}}/supernets/{supernet}.search.parquet", supernet=SEARCHED_SUPERNETS
        ),
    output:
        report(
            "results/{study}/figures/searches.png",
            caption="../report/searches.rst",
            category="Figures",
        ),
        "results/{study}/figures/searches.pdf",
    log:
        "logs/{study}/plot_searches.log",
    benchmark:
        "results/{study}/benchmarks/plot_searches.tsv"
    conda:
        "../envs/study.yaml"
    threads: 1
    resources:
        **requests(),
    params:
        code=code("plot_searches"),
    message:
        "Figure: searches of super-networks"
    script:
        "../scripts/plot_searches.py"


rule plot_attributions:
    input:
        images=f"results/{{study}}/images/{SHOWN}.npy",
        labels=f"results/{{study}}/labels/{SHOWN}.npy",
        classes="results/{study}/classes.json",
        predictions=expand(
            "results/{{study}}/predictions/{dataset}/{member}.npy",
            dataset=SHOWN,
            member=WEIGHTED,
        ),
        attributions=expand(
            "results/{{study}}/attributions/{dataset}/{member}.npy",
            dataset=SHOWN,
            member=WEIGHTED,
        ),
    output:
        report(
            "results/{study}/figures/attributions.png",
            caption="../report/attributions.rst",
            category="Figures",
        ),
        "results/{study}/figures/attributions.pdf",
    log:
        "logs/{study}/plot_attributions.log",
    benchmark:
        "results/{study}/benchmarks/plot_attributions.tsv"
    conda:
        "../envs/study.yaml"
    threads: 1
    resources:
        **requests(),
    params:
        code=code("plot_attributions"),
    message:
        "Figure: where each member looks"
    script:
        "../scripts/plot_attributions.py"


rule plot_correlations:
    input:
        correlations="results/{study}/correlations.parquet",
    output:
        report(
            "results/{study}/figures/correlations.png",
            caption="../report/correlations.rst",
            category="Figures",
        ),
        "results/{study}/figures/correlations.pdf",
    log:
        "logs/{study}/plot_correlations.log",
    benchmark:
        "results/{study}/benchmarks/plot_correlations.tsv"
    conda:
        "../envs/study.yaml"
    threads: 1
    resources:
        **requests(),
    params:
        improvement="over_mean",
        consensus=CONSENSUS[0],
        code=code("plot_correlations", *MEASURE_FILES, *CONSENSUS_FILES),
    message:
        "Figure: which diversity goes with improvement"
    script:
        "../scripts/plot_correlations.py"
