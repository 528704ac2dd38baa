"""
Convert to a bucket, and stream from it
=======================================

*Real EEG that ships with the package, and an S3 server on this machine, so that nothing needs an
account. For this page:* ``pip install ".[s3]" "moto[server]"``.

A *bucket* is a folder on the internet, of Amazon's S3 or of many compatible services. If a store
is in a bucket, a network can be trained on any machine without copying the data first, and
others can use it too. How much is transferred, and what does it cost? This page converts into a
bucket, streams from it, and counts the bytes. Words such as *store* and *window* are in the
:doc:`/glossary`.
"""

# %%
# A bucket to play with
# ---------------------
# ``moto`` imitates S3. With your own bucket, this part is not needed: you have an address, and your
# provider gave you a key and a secret.
import logging
import os
import tempfile
from pathlib import Path

import fsspec
import matplotlib.pyplot as plt
from moto.server import ThreadedMotoServer

import bids_dl
from bids_dl.demo import sample_folder

logging.getLogger("werkzeug").setLevel(logging.ERROR)  # no line for each request
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
folder = Path(tempfile.mkdtemp(prefix="bucket-"))  # everything that this page writes

# %%
# Credentials come from the environment
# -------------------------------------
# Key and secret are never options, because others see the command line of a running program.
# They are read from the variables that all programs for S3 read, or from the profiles of
# ``~/.aws/credentials``; bids_dl neither stores nor logs them. In a terminal:
#
# .. code-block:: bash
#
#    export AWS_ACCESS_KEY_ID=...           # or: export AWS_PROFILE=lab
#    export AWS_SECRET_ACCESS_KEY=...
#    export AWS_ENDPOINT_URL=https://...    # for other services than Amazon's
before = dict(os.environ)
os.environ.update(
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    AWS_ENDPOINT_URL=f"http://{host}:{port}",
    AWS_DEFAULT_REGION="us-east-1",
)
s3 = fsspec.filesystem("s3", skip_instance_cache=True)
s3.mkdir("eeg-lab")

# %%
# Convert into the bucket
# -----------------------
# The destination is an address; all else is as for a folder. What only the service needs is a
# *storage option*: here, that everybody may read the objects. The recordings are staged on this
# machine first, so an interrupted conversion does not begin again. ``int16`` makes a third of the
# bytes (:doc:`/decisions/plot_int16_or_float32`).
url = "s3://eeg-lab/eyes.zarr"
outcome = bids_dl.convert(
    sample_folder(),
    url,
    hed={"eyes_open": "Eyes-open", "eyes_closed": "Eyes-closed"},
    window=2,
    dtype="int16",
    staging=folder / "staging",
    storage_options={"s3_additional_kwargs": {"ACL": "public-read"}},
    scheduler="synchronous",  # in this process, which is faster for eight minutes of EEG
)
sizes = {name.partition("eyes.zarr/")[2]: s3.size(name) for name in s3.find("eeg-lab/eyes.zarr")}
total = sum(sizes.values())
print(f"{outcome.n_windows} windows, {len(sizes)} objects, {total / 1e6:.2f} MB")
for name in sorted(sizes, key=sizes.get, reverse=True)[:3]:
    print(f"{sizes[name] / total:4.0%} {name}")

# %%
# .. code-block:: bash
#
#    bids-dl convert bids_dl/sample/ds004362 s3://eeg-lab/eyes.zarr --dtype int16 --window 2 \
#        --hed eyes_open=Eyes-open --hed eyes_closed=Eyes-closed
#    bids-dl verify s3://eeg-lab/eyes.zarr
#
# Almost all bytes are one object, the signals. It is a *shard*: many *chunks* in one object, of
# which any can be read alone. So a store of a million windows has hundreds of objects, not
# millions, and reading one person does not read the others. ``verify`` reads all objects and
# compares each with its checksum:
assert not bids_dl.verify(url).damages

# %%
# Stream, and count the traffic
# -----------------------------
# ``stream.traffic`` has the bytes that were read, those that were used, and those that came from a
# cache. An *epoch* is one pass over the windows.


def read_epoch(name, address=url, **options):
    """Stream one epoch, and return its name with the bytes from the server and from the cache."""
    stream = bids_dl.StreamingDataset(address, batch_size=32, seed=0, **options)
    n_windows = sum(len(index) for _, _, index in stream)
    traffic = stream.traffic
    server_bytes = max(traffic.bytes_read - traffic.bytes_cached, 0)
    print(f"{name:26} {n_windows} windows, {server_bytes / 1e6:.2f} MB from the bucket")
    return name, server_bytes, traffic.bytes_cached


cache = folder / "cache"
rows = [
    read_epoch("all people"),
    read_epoch("one person", where={"subject": ["001"]}),
    read_epoch("cached, first epoch", cache=cache),
    read_epoch("cached, second epoch", cache=cache),
]

# %%
figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
names, from_server, from_cache = zip(*rows, strict=True)
axes.barh(names, [size / 1e6 for size in from_server], color="#0072B2", label="from the bucket")
axes.barh(
    names,
    [size / 1e6 for size in from_cache],
    left=[size / 1e6 for size in from_server],
    color="#E69F00",
    label="from the cache on disk",
)
axes.invert_yaxis()
axes.set(xlabel="read in one epoch (MB)")
axes.legend(loc="upper right", bbox_to_anchor=(1, 0.78))
plt.show()

# %%
# - **One person** costs the chunks of this person. At their edges are windows of others, so it is
#   somewhat more than a quarter.
# - **With a cache**, a second epoch, and the next training, read no signals from the bucket.
#   ``cache=True`` uses your cache folder, with 50 GB at most; a path uses that folder.
assert from_server[1] < from_server[0] / 2
assert from_server[3] == 0

# %%
# .. code-block:: bash
#
#    bids-dl train s3://eeg-lab/eyes.zarr --folds loso
#
# What it costs
# -------------
# Services charge for bytes that leave the bucket, for requests, and for storage. The prices below
# are examples; put in those of your provider. A machine in the same region as the bucket usually
# pays nothing for the bytes.
DOLLARS_PER_GB = 0.09
DOLLARS_PER_1000_REQUESTS = 0.0004
REQUEST_BYTES = 0.3e6  # about one chunk of int16

store_gb, epochs = 100, 30
for name, passes in (("without a cache", epochs), ("with a cache", 1)):
    gigabytes = store_gb * passes
    requests = gigabytes * 1e9 / REQUEST_BYTES
    dollars = gigabytes * DOLLARS_PER_GB + requests / 1000 * DOLLARS_PER_1000_REQUESTS
    print(f"{store_gb} GB, {epochs} epochs {name}: {gigabytes} GB, about {dollars:,.0f} dollars")

# %%
# Public reading
# --------------
# A public object has an ``https://`` address. Readers need no account, no credentials and no S3
# client. (The server of this page speaks http; a real one https.)
https = f"http://{host}:{port}/eeg-lab/eyes.zarr"
for name in list(os.environ):
    if name.startswith("AWS_"):
        del os.environ[name]
rows.append(read_epoch("over http, no credentials", https))

# %%
# - Readers with an S3 client add ``storage_options={"anon": True}``, on the command line
#   ``--storage-option anon=true``, to an ``s3://`` address.
# - Let the world read (``GetObject``), and only yourself write. ``bids-dl push`` copies a finished
#   store into a bucket, and never replaces one (:doc:`plot_sharing`).
# - If readers should pay for their traffic, make the bucket "requester pays"; they add
#   ``requester_pays=true``.
# - Give the bucket a rule that removes unfinished uploads (``AbortIncompleteMultipartUpload``),
#   because services charge for what a killed program left behind.
server.stop()
os.environ.update({name: value for name, value in before.items() if name.startswith("AWS_")})

# %%
# What this does not show
# -----------------------
# Latency. A server on this machine answers at once; a bucket takes 30 ms or more. The stream asks
# for many byte ranges at a time to hide this; :doc:`/benchmarks` has measurements. And the imitated
# server accepts any key, so rights are not tested here.
#
# Go on with :doc:`/streaming` and :doc:`plot_sharing`. :doc:`/trust` says who is trusted with what.
