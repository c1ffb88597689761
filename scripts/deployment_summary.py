from scripts.lib.ensembles.recommendation import summary
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import load_json, load_table, save_json

with job(snakemake):
    files, datasets = snakemake.input, snakemake.params.datasets
    tables = [dict(zip(datasets, map(load_table, paths), strict=True)) for paths in (files.chosen, files.contributions)]
    save_json(snakemake.output[0], summary(load_json(files.study), *tables))
