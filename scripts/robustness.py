from scripts.lib.ensembles.subsets import subsets
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import save_table
from scripts.lib.statistics.robustness_study import StudyFiles, robustness_of_study

with job(snakemake):
    params, inputs = snakemake.params, dict(snakemake.input.items())
    settings = params.ensembles
    chosen = subsets(len(params.members), settings["sizes"], settings["per_size"], params.seed)
    files = StudyFiles(params.datasets, **{name: list(inputs[name]) for name in StudyFiles.names()})
    baseline = params.members.index(params.baseline) if params.baseline else None
    for name, table in robustness_of_study(files, chosen.sum(1), baseline).items():
        save_table(snakemake.output[name], table)
