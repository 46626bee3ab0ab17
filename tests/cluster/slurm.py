"""A real SLURM on this machine for tests: accounting, two partitions, a pretend GPU. Needs root and Debian's packages.

    with Slurm(Path("/tmp/slurm")) as cluster: subprocess.run(["sinfo"], env=os.environ | cluster.environment)

Everything stays below the given folder and every daemon is stopped at the end; but SLURM asks that this host's name
resolves (a line in /etc/hosts, if need be), and Snakemake's jobs forget SLURM_CONF, so /etc/slurm/slurm.conf is a link
to ours meanwhile.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from debian_packages import install

PACKAGES = ("slurmctld", "slurmd", "slurm-client", "slurmdbd", "munge", "mariadb-server")
PROGRAMS = ("slurmctld", "slurmd", "sbatch", "slurmdbd", "munged", "mariadbd")
DEFAULT_CONF = Path("/etc/slurm/slurm.conf")
CPUS, MEMORY_MB = 8, 16_000  # what SLURM believes; the tests' jobs mostly wait

CONF = """\
ClusterName=test
SlurmctldHost={host}
SlurmctldPort={ctld}
SlurmdPort={slurmd}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/ctld
SlurmdSpoolDir={folder}/slurmd
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SlurmdTimeout={slurmd_timeout}
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=2,bf_interval=5
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=2
JobAcctGatherParams=OverMemoryKill
KillWait=2
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost={host}
AccountingStoragePort={dbd}
AccountingStoragePass={folder}/munge.socket
AccountingStorageTRES=gres/gpu
AccountingStoreFlags=job_comment
GresTypes=gpu
NodeName={host} CPUs={cpus} RealMemory={memory} Gres=gpu:1 State=UNKNOWN
PartitionName=cpu Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes=ALL MaxTime=INFINITE State=UP
"""

DBD = """\
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
DbdHost={host}
DbdPort={dbd}
SlurmUser=root
StorageType=accounting_storage/mysql
StorageHost=localhost
StoragePort={mysql}
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm_acct_db
LogFile={folder}/slurmdbd.log
PidFile={folder}/slurmdbd.pid
"""


def why_not() -> str:
    """Why no SLURM can be started here, in a sentence; empty if it can. Installs Debian's packages where it may."""
    if os.geteuid():
        return "a real SLURM needs root, and this is an ordinary user"
    if DEFAULT_CONF.exists():
        return f"there is a SLURM on this machine already ({DEFAULT_CONF})"
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        install(*PACKAGES)
        missing = [program for program in PROGRAMS if shutil.which(program) is None]
    return f"a real SLURM needs {', '.join(missing)}: apt-get install {' '.join(PACKAGES)}" if missing else ""


class Slurm:
    """Daemons of a one-node cluster, as a context manager.

    Attributes
    ----------
    environment
        What a client (sbatch, sacct, snakemake) needs in its environment.
    """

    def __init__(self, folder: Path, slurmd_timeout: int = 10) -> None:
        self.folder, self.host = folder, socket.gethostname()
        names = ("ctld", "slurmd", "dbd", "mysql")
        self._ports = dict(zip(names, _free_ports(len(names)), strict=True))
        self._daemons: dict[str, subprocess.Popen] = {}
        self._timeout = slurmd_timeout
        self.environment = {"SLURM_CONF": str(folder / "slurm.conf")}

    def __enter__(self) -> Slurm:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def run(self, *command: str, check: bool = True) -> str:
        """Run a client of SLURM; its output."""
        done = subprocess.run(
            command, env=os.environ | self.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)} ended with {done.returncode}: {done.stdout}")
        return done.stdout

    def accounts(self, *fields: str, name: str | None = None) -> list[dict[str, str]]:
        """What sacct knows of all jobs, one dict for each; steps of jobs left out."""
        which = ["--name", name] if name else []
        form = f"--format={','.join(fields)}"
        table = self.run("sacct", "-a", "-X", "--parsable2", "--noheader", "--starttime=now-1days", *which, form)
        return [dict(zip(fields, line.split("|"), strict=True)) for line in table.splitlines()]

    def kill_slurmd(self) -> None:
        """The node dies: slurmd and all that its jobs run are gone at once."""
        slurmd = self._daemons.pop("slurmd")
        of_jobs = _descendants(slurmd.pid) + _of_environment(self.environment["SLURM_CONF"], "SLURM_JOB_ID")
        for pid in [slurmd.pid, *of_jobs]:
            _kill(pid)
        slurmd.wait()

    def start_slurmd(self) -> None:
        self._spawn("slurmd", "slurmd", "-D", "-N", self.host)
        self._until(lambda: "idle" in (state := self.run("sinfo", "-h", "-o", "%T")) or "mix" in state, "slurmd")

    def stop(self) -> None:
        """Stop every daemon, jobs first. Nothing may outlive the tests."""
        for name in ("slurmd", "slurmctld", "slurmdbd", "mariadbd", "munged"):
            daemon = self._daemons.pop(name, None)
            if daemon is None:
                continue
            if name == "slurmd":
                for pid in _descendants(daemon.pid):
                    _kill(pid)
            daemon.terminate()
            try:
                daemon.wait(60)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        for pid in _of_environment(self.environment["SLURM_CONF"], "SLURM_JOB_ID"):
            _kill(pid)
        if DEFAULT_CONF.is_symlink():
            DEFAULT_CONF.unlink()

    def _start(self) -> None:
        for name in ("", "ctld", "slurmd", "mysql"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        _resolve(self.host)
        values = self._ports | {"folder": self.folder, "host": self.host, "cpus": CPUS, "memory": MEMORY_MB}
        values["slurmd_timeout"] = self._timeout
        for name, text in {
            "slurm.conf": CONF,
            "slurmdbd.conf": DBD,
            "gres.conf": "Name=gpu File=/dev/null\n",
        }.items():
            (self.folder / name).write_text(text.format(**values))
        (self.folder / "slurmdbd.conf").chmod(0o600)
        DEFAULT_CONF.parent.mkdir(exist_ok=True)
        DEFAULT_CONF.unlink(missing_ok=True)  # a link that leads nowhere, left by a killed test
        DEFAULT_CONF.symlink_to(self.folder / "slurm.conf")
        self._start_munge()
        self._start_database()
        self._spawn("slurmdbd", "slurmdbd", "-D")
        self._until(lambda: "Cluster" in self.run("sacctmgr", "show", "cluster", check=False), "slurmdbd")
        for words in (
            ("cluster", "test"),
            ("account", "default", "cluster=test"),
            ("user", "root", "account=default", "cluster=test"),
        ):
            self.run("sacctmgr", "-i", "add", *words)
        self._spawn("slurmctld", "slurmctld", "-D", "-i")
        self._until(lambda: "UP" in self.run("scontrol", "ping", check=False), "slurmctld")
        self.start_slurmd()

    def _start_munge(self) -> None:
        folder = self.folder
        key = folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        self._spawn(
            "munged",
            *("munged", "--foreground", "--force", f"--key-file={key}", f"--socket={folder}/munge.socket"),
            *(f"--pid-file={folder}/munged.pid", f"--log-file={folder}/munged.log", f"--seed-file={folder}/munge.seed"),
        )
        self._until(lambda: (folder / "munge.socket").exists(), "munged")

    def _start_database(self) -> None:
        data, files = self.folder / "mysql", self.folder / "mariadb.cnf"
        files.write_text(
            f"[mysqld]\nuser=root\ndatadir={data}\nsocket={data}/socket\nport={self._ports['mysql']}\n"
            f"bind-address=127.0.0.1\npid-file={data}/pid\ninnodb_flush_log_at_trx_commit=0\n"
            "innodb_buffer_pool_size=32M\ninnodb_log_file_size=16M\nplugin_load_add=\n"
        )
        log = open(self.folder / "mariadb-install.log", "w")
        subprocess.run(
            ["mariadb-install-db", f"--defaults-file={files}", "--auth-root-authentication-method=normal"],
            stdout=log,
            stderr=log,
            check=True,
        )
        self._spawn("mariadbd", "mariadbd", f"--defaults-file={files}")
        self._until(lambda: (data / "socket").exists(), "mariadbd")
        sql = "".join(
            f"CREATE USER 'slurm'@'{host}' IDENTIFIED BY 'slurm'; GRANT ALL ON slurm_acct_db.* TO 'slurm'@'{host}';"
            for host in ("localhost", "127.0.0.1", self.host)
        )
        self.run("mariadb", f"--socket={data}/socket", "-u", "root", "-e", f"{sql} FLUSH PRIVILEGES;")
        self.environment.setdefault("MYSQL_UNIX_PORT", f"{data}/socket")

    def _spawn(self, name: str, *command: str) -> None:
        log = open(self.folder / f"{name}.out", "a")
        self._daemons[name] = subprocess.Popen(
            command, env=os.environ | self.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )

    def _until(self, ready, name: str, seconds: float = 600) -> None:
        end = time.monotonic() + seconds
        while not ready():
            daemon = self._daemons[name]
            if daemon.poll() is not None or time.monotonic() > end:
                logs = "".join(path.read_text()[-2000:] for path in self.folder.glob(f"{name}.*") if path.is_file())
                raise RuntimeError(f"{name} did not start: {logs}")
            time.sleep(0.2)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def _resolve(host: str) -> None:
    try:
        socket.gethostbyname(host)
    except OSError:
        with open("/etc/hosts", "a") as hosts:
            hosts.write(f"127.0.0.1 {host}\n")


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _descendants(pid: int) -> list[int]:
    """Process ids of all children, theirs included."""
    import psutil

    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _of_environment(conf: str, name: str) -> list[int]:
    """Processes of this cluster's jobs: those whose environment names its configuration and the variable."""
    import psutil

    found = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except psutil.Error:
            continue
        if environment.get("SLURM_CONF") == conf and name in environment:
            found.append(process.pid)
    return found


if __name__ == "__main__":  # a cluster by hand: python tests/cluster/slurm.py FOLDER
    sys.exit(why_not()) if why_not() else None
    with Slurm(Path(sys.argv[1]).resolve()) as cluster:
        print(f"export SLURM_CONF={cluster.environment['SLURM_CONF']}   # Ctrl-C stops it", flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
