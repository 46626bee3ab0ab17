"""Driver of the judge: hold every claim of one study against its results, and write the captions of its figures."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from driver import logged
from pesin.claims.captions import captions
from pesin.claims.judge import judge_folder, to_tree
from pesin.config.models import Study
from pesin.steps.files import publish
from pesin.steps.record import result_digests
from pesin.steps.run import files_digest

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if __name__ == "__main__":
    with logged(snakemake):
        name = snakemake.wildcards.study
        study = Study.model_validate(snakemake.params.study)
        folder = Path(snakemake.output.claims).parent
        rows, parts = judge_folder(name, study, folder)
        publish(
            to_tree(rows, parts),
            Path(snakemake.output.claims),
            {
                "study": name,
                "step": "judge",
                "scale": snakemake.params.scale,
                "code_digest": files_digest(list(snakemake.input.code)),
                "parameters": json.dumps(snakemake.params.study, sort_keys=True),
                "inputs": json.dumps(result_digests(folder, list(snakemake.input.results)), sort_keys=True),
            },
        )
        text = captions(name, study, rows, folder, Path(snakemake.input.template))
        Path(snakemake.output.captions).write_text(text, encoding="utf-8")
