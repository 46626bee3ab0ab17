"""Writes the JSON schemas of config, study, ledger from the pydantic models: python -m pesin.config.schema FOLDER."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pydantic import BaseModel

from pesin.params import Model

# Descriptions in the schemas are the fields' docstrings. To find them pydantic reads the source of each class, which
# every start of Snakemake would pay for: so here alone, and before the models are made.
Model.model_config["use_attribute_docstrings"] = True

from pesin.claims.facts import Ledger  # noqa: E402
from pesin.config.models import Config, Study  # noqa: E402


def schemas() -> dict[str, str]:
    """File name -> text of each schema."""
    models: dict[str, type[BaseModel]] = {
        "config.schema.json": Config,
        "study.schema.json": Study,
        "ledger.schema.json": Ledger,
    }
    return {name: json.dumps(model.model_json_schema(), indent=2) + "\n" for name, model in models.items()}


if __name__ == "__main__":
    for name, text in schemas().items():
        (Path(sys.argv[1]) / name).write_text(text, encoding="utf-8")
