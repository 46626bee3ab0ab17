"""One training of the teacher-forcing study as its job does it: train_gtf.py FOLDER UPDATES [RATE [GPUS]]."""

import importlib
import sys
from pathlib import Path

from pesin.params import visible
from pesin.steps import checkpoint
from pesin.steps.run import run_step
from project import plan

STUDY = "generalized_teacher_forcing"


def main(folder: Path, updates: int, rate: float, gpus: int = 0) -> None:
    params = plan().study(STUDY).cases["lorenz63"].params
    params["simulate"] |= {"length": 600}
    params["train"] |= {"updates": updates, "learning_rate": [rate, rate / 10], "baselines": [{"model": "var"}]}
    params_type = plan().study(STUDY).params_type("lorenz63")
    for step, inputs in (("simulate", {}), ("train", {"data": folder / "simulate.nc"})):
        spec = {"study": STUDY, "case": "lorenz63", "step": step, "scale": "smoke", "params_type": params_type}
        spec["params"] = visible(params, step)
        code = plan().code(STUDY, step, "lorenz63")
        if not (folder / f"{step}.nc").exists():
            module = importlib.import_module(params_type.__module__.replace(".params", f".{step}"))
            run_step(
                getattr(module, step), spec, inputs, code, folder / f"{step}.nc", gpu=gpus if step == "train" else 0
            )
            print(f"{step} done", flush=True)


if __name__ == "__main__":
    checkpoint.EVERY = 0.1
    main(
        Path(sys.argv[1]),
        int(sys.argv[2]),
        float(sys.argv[3]) if len(sys.argv) > 3 else 1e-2,
        int((sys.argv[4:] or [0])[0]),
    )
