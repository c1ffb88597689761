from scripts.lib.job import job
from scripts.lib.members_table import members_table
from scripts.lib.storage import load_json, save_table

with job(snakemake):
    save_table(snakemake.output[0], members_table([load_json(path) for path in snakemake.input.records]))
