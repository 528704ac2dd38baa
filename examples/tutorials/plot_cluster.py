"""
Convert on a cluster
====================

*Real EEG that ships with the package, on this machine: a scheduler and two workers stand for a
cluster.*

A thousand recordings take hours on a laptop. A cluster has many *workers*, each of which
processes one recording at a time. This page converts with the workers of this machine, then with
those of a Dask scheduler as on a cluster, kills a worker in the middle, and explains a job script
for SLURM. The picture shows what happens meanwhile.

The page runs a scheduler and two workers on one machine. **The script for SLURM was not run under
SLURM**; its other lines were tried with a stand-in for ``srun``. Words such as *store* and *window*
are in the :doc:`/glossary`.
"""

# %%
# On one machine, nothing has to be set up
# ----------------------------------------
# ``bids_dl.convert`` starts workers by itself, one per core, or ``jobs`` of them. They end with the
# conversion. A script needs no ``if __name__ == "__main__"`` for this.
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
from distributed import Client

import bids_dl
from bids_dl.demo import sample_folder

folder = Path(tempfile.mkdtemp(prefix="cluster-"))  # everything that this page writes
request = {
    "hed": {"eyes_open": "Eyes-open", "eyes_closed": "Eyes-closed"},
    "window": 2,
}
local = bids_dl.convert(sample_folder(), folder / "local.zarr", jobs=2, **request)
print(f"{local.n_windows} windows of {local.n_recordings} recordings")

# %%
# .. code-block:: bash
#
#    bids-dl convert bids_dl/sample/ds004362 local.zarr --hed eyes_open=Eyes-open \
#        --hed eyes_closed=Eyes-closed --window 2 --jobs 2
#
# A scheduler and its workers
# ---------------------------
# A cluster has one *scheduler*, which knows the work, and many *workers*, which do it. Both are
# commands of Dask, which is installed with bids_dl. Here they are two workers on this machine; on a
# cluster, the scheduling system starts the same commands on its nodes.
DASK = [sys.executable, "-m", "dask"]  # in a terminal: dask
contact = folder / "scheduler.json"  # the scheduler writes its address into this file


def start(*arguments):
    """Start a command of Dask in the background."""
    return subprocess.Popen([*DASK, *arguments], stderr=subprocess.DEVNULL)


scheduler = start(
    *("scheduler", "--host", "127.0.0.1", "--port", "0"),
    *("--no-dashboard", "--scheduler-file", str(contact)),
)
while not contact.exists():
    time.sleep(0.1)
address = json.loads(contact.read_text(encoding="utf-8"))["address"]
workers = [
    start(
        *("worker", address, "--nthreads", "1", "--memory-limit", "1GB"),
        *("--no-nanny", "--no-dashboard", "--local-directory", str(folder / f"worker-{number}")),
    )
    for number in range(2)
]
with Client(address) as client:
    client.wait_for_workers(len(workers), timeout=60)
print(f"a scheduler and {len(workers)} workers are running")

# %%
# - ``--nthreads 1``: a worker processes one recording at a time, with one thread. Filters are not
#   faster with more, and memory is divided.
# - ``--memory-limit``: what the node lends to this worker. A recording that needs more by estimate
#   is not started there; it is listed as failed, with the bytes that it needs.
# - ``--no-nanny`` is for this page only: the nanny of a worker would start it again, and we want to
#   see one die.
#
# The same plan, by the address of the scheduler
# ----------------------------------------------
# One option is different. We kill a worker when the first recording is done, as a node that runs
# out of memory would.
history = []


def watch(progress):
    """Note the progress, and kill the first worker when a recording is done."""
    if progress.stage == "stage":
        history.append((progress.elapsed, progress.done))
        if progress.done == 1 and workers[0].poll() is None:
            os.kill(workers[0].pid, signal.SIGKILL)
            workers[0].wait()


outcome = bids_dl.convert(
    sample_folder(),
    folder / "cluster.zarr",
    scheduler=address,
    on_progress=watch,
    **request,
)
print(f"{outcome.n_windows} windows of {outcome.n_recordings} recordings")
print(f"failed: {len(outcome.failures)}; worker 1 ended by signal {-workers[0].returncode}")

# %%
# .. code-block:: bash
#
#    bids-dl convert bids_dl/sample/ds004362 cluster.zarr --hed eyes_open=Eyes-open \
#        --hed eyes_closed=Eyes-closed --window 2 --scheduler tcp://HOST:8786
#
# The recording of the killed worker was given to the other one. Nothing is missing, and the store
# is the same, byte for byte, as that of the workers of this machine:
contents = [bids_dl.info(folder / name)["content"] for name in ("local.zarr", "cluster.zarr")]
assert contents[0] == contents[1]
print(f"both stores have the content bids-dl:{contents[0][:16]}")

# %%
elapsed, done = zip(*history, strict=True)
killed = next(seconds for seconds, count in history if count == 1)
figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
axes.step(elapsed, done, where="post", color="#0072B2", linewidth=2)
axes.axvline(killed, color="#D55E00", linestyle="--")
axes.annotate("a worker is killed", (killed, 6), (-6, 0), textcoords="offset points", ha="right")
axes.set(xlabel="time since the start (s)", ylabel="recordings done", ylim=(0, 8.4))
plt.show()

# %%
# The flat part at the beginning is the import of libraries in each worker. On a cluster with a slow
# shared disk it may take a minute.
#
# If the whole job is killed
# --------------------------
# Every finished recording is kept in a *staging* folder until the store is written, by default
# ``DEST.staging``. A job that reaches its time limit loses the recordings in progress only. Submit
# the same job again. Here the "time limit" comes after three recordings:


class TimeLimitError(Exception):
    """The job is over."""


def stop_after_three(progress):
    if progress.stage == "stage" and progress.done == 3:
        raise TimeLimitError


again = folder / "again.zarr"
try:
    bids_dl.convert(
        sample_folder(), again, scheduler=address, on_progress=stop_after_three, **request
    )
except TimeLimitError:
    print("the job was ended")
second = bids_dl.convert(sample_folder(), again, scheduler=address, **request)
print(f"second job: {second.reused} of {second.n_recordings} recordings were done already")
assert second.reused >= 3
assert bids_dl.info(again)["content"] == contents[0]

for process in (*workers, scheduler):
    process.terminate()
    process.wait()

# %%
# A job script for SLURM
# ----------------------
# Save this as ``convert.sbatch``, change the four lines under "yours", and submit it with
# ``sbatch convert.sbatch``. One job holds scheduler, workers and the conversion.
#
# .. code-block:: bash
#
#    #!/bin/bash
#    #SBATCH --job-name=convert
#    #SBATCH --ntasks=40            # workers, on any number of nodes
#    #SBATCH --cpus-per-task=1
#    #SBATCH --mem-per-cpu=4G
#    #SBATCH --time=08:00:00
#    #SBATCH --signal=B:TERM@120    # ends this script two minutes early
#    set -euo pipefail
#
#    # yours: the environment, the data, the store and a private folder, on disks of all nodes
#    source /shared/venv/bin/activate
#    SOURCE=/shared/data/ds004362
#    STORE=/shared/stores/eyes.zarr
#    WORK=$HOME/convert-work
#
#    export OMP_NUM_THREADS=1
#    mkdir -p "$WORK"; chmod 700 "$WORK"
#    trap 'kill $(jobs -p) 2>/dev/null' EXIT
#    trap 'exit 143' TERM
#
#    # keys of this job: nobody else on the cluster can reach your scheduler and run code as you
#    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=convert \
#        -keyout "$WORK/key.pem" -out "$WORK/cert.pem" 2>/dev/null
#    export DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION=True
#    export DASK_DISTRIBUTED__COMM__TLS__CA_FILE=$WORK/cert.pem
#    for role in SCHEDULER WORKER CLIENT; do
#        export DASK_DISTRIBUTED__COMM__TLS__${role}__CERT=$WORK/cert.pem
#        export DASK_DISTRIBUTED__COMM__TLS__${role}__KEY=$WORK/key.pem
#    done
#
#    rm -f "$WORK/scheduler.json"
#    dask scheduler --protocol tls --port 0 --no-dashboard \
#        --scheduler-file "$WORK/scheduler.json" &
#    until [ -s "$WORK/scheduler.json" ]; do sleep 1; done
#
#    srun dask worker --protocol tls --scheduler-file "$WORK/scheduler.json" --nthreads 1 \
#        --memory-limit 3.5GB --no-dashboard --local-directory "${TMPDIR:-/tmp}" &
#
#    ADDRESS=$(python -c "import json; print(json.load(open('$WORK/scheduler.json'))['address'])")
#    bids-dl convert "$SOURCE" "$STORE" --scheduler "$ADDRESS" --window 2 \
#        --hed eyes_open=Eyes-open --hed eyes_closed=Eyes-closed &
#    wait $!
#
# - ``srun`` starts ``--ntasks`` copies of ``dask worker``. They join while the conversion runs, so
#   it need not wait for all of them.
# - ``--memory-limit`` is below ``--mem-per-cpu``, so that Dask stops a worker before SLURM kills
#   the job, and leaves room for the scheduler and the conversion. Long recordings at high rates
#   need more: ask for fewer tasks with more memory each.
# - All workers need the same versions of bids_dl, MNE and the others. If one differs, the
#   conversion is refused, because other versions write other bytes.
# - With ``dask-jobqueue``, ``SLURMCluster(...)`` starts the workers as jobs of their own, and its
#   ``scheduler_address`` is the value of ``scheduler=``.
#
# A shared disk or a bucket
# -------------------------
# Workers read the source and write the staging, so both must have the same path on all nodes. The
# command itself packs the staged recordings into the store.
#
# - **Shared disk**: source, store and staging on it. This is all that the script above assumes.
# - **Bucket as destination**: ``bids-dl convert ... s3://bucket/eyes.zarr --staging
#   /shared/scratch/eyes.staging``. Without ``--staging``, the staging would be in the cache folder
#   of one node.
# - **A dataset of OpenNeuro or NEMAR as source**: its files are fetched into a cache, which all
#   workers must see, ``--cache /shared/cache``.
#
# What this does not show
# -----------------------
# Speed: two workers on one machine say nothing about forty on ten nodes. There, the disk is usually
# the limit; watch it before you ask for more workers.
#
# Go on with :doc:`plot_bucket`, and the options in :doc:`/cli`.
