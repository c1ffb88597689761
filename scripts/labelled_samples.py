from scripts.lib.datasets.labelled_samples import make_labelled_samples
from scripts.lib.jobs.job import job

with job(snakemake):
    params = snakemake.params
    make_labelled_samples(params.dataset, params.class_names, params.first_member, **dict(snakemake.output.items()))
