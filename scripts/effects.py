from scripts.lib.ensembles.image_groups import kept_in_groups
from scripts.lib.ensembles.subsets import subsets
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import save_table
from scripts.lib.measures.tables import positions_compared
from scripts.lib.statistics.effect_differences import differences_of
from scripts.lib.statistics.effects import effects_of, estimates
from scripts.lib.statistics.split_evidence import read_split_evidence
from scripts.lib.statistics.without_images import with_fewer_images

with job(snakemake):
    params, files = snakemake.params, dict(snakemake.input.items())
    settings = params.ensembles
    chosen = subsets(len(params.members), settings["sizes"], settings["per_size"], params.seed)
    compared = positions_compared(params.members, params.compared)
    kept = kept_in_groups(chosen, compared.values(), params.seed)
    evidence = read_split_evidence(files, params.datasets, params.members, params.compared, len(chosen))
    with_groups = with_fewer_images(evidence, files, params.members, params.compared, chosen, kept)
    found = list(estimates(with_groups, chosen, params.permutations, params.seed))
    save_table(snakemake.output.effects, effects_of(found))
    save_table(snakemake.output.differences, differences_of(found))
