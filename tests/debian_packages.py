"""Debian's packages that tests need, installed where the tests may: as root, on Debian or Ubuntu."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path


def install(*packages: str) -> None:
    """Install packages; one process after another, since apt itself won't wait for another's lists."""
    if os.geteuid() or not shutil.which("apt-get"):
        return
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    alone = ["flock", str(Path(tempfile.gettempdir()) / "pesin-tests-apt.lock"), "apt-get", "-qq"]
    subprocess.run([*alone, "update"], env=environment, **quiet)
    subprocess.run([*alone, "install", "-y", "--no-install-recommends", *packages], env=environment, **quiet)
