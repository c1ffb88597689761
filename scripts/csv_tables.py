from scripts.lib.jobs.csv_tables import save_csv
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import load_table

with job(snakemake):
    for table, output in zip(snakemake.input, snakemake.output, strict=True):
        save_csv(output, load_table(table))
