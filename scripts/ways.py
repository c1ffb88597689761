from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import load_json, load_table, save_table
from scripts.lib.statistics.ways import ways_table

with job(snakemake):
    files = snakemake.input
    results, records = [load_table(path) for path in files.results], [load_json(path) for path in files.records]
    save_table(snakemake.output[0], ways_table(results, records, snakemake.params.clean))
