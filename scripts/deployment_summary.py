from scripts.lib.choices.summary import deployable
from scripts.lib.ensembles.recommendation import summary
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import load_json, load_table, save_json

with job(snakemake):
    files, datasets = snakemake.input, snakemake.params.datasets
    tables = [dict(zip(datasets, map(load_table, paths), strict=True)) for paths in (files.chosen, files.contributions)]
    study = load_json(files.study)
    clean, under_shift = tables[0][datasets[0]], list(map(load_table, files.get("held_out", [])))
    choices = map(load_table, files.get("choices", []))
    deployed = deployable(study, load_json(files.classes), clean, *choices, under_shift=under_shift)
    save_json(snakemake.output[0], summary(study, *tables) | deployed)
