"""Writes the JSON schemas of config, study, ledger from the pydantic models: python -m pesin.config.schema FOLDER."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pydantic import BaseModel

from pesin.claims.facts import Ledger
from pesin.config.models import Config, Study


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
