from scripts.lib.job import job
from scripts.lib.labelled_samples import make_labelled_samples

with job(snakemake):
    params = snakemake.params
    make_labelled_samples(params.dataset, params.class_names, params.first_member, **dict(snakemake.output.items()))
