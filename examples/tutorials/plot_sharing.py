"""
Share a store, and let others cite it
=====================================

*Real EEG that ships with the package. Nothing is sent anywhere: folders stand for a bucket, for
Hugging Face and for Zenodo.*

You made a *store*, a folder of EEG windows for networks, and others shall use exactly these
bytes, cite you and the people who recorded the EEG, and find it. This page checks the store, looks
at its card and its licence, pushes it, pulls it as a reader, makes one archive for a DOI, and
writes a catalogue page. The picture at the end is what a visitor of the catalogue sees. Words are
explained in the :doc:`/glossary`.
"""

# %%
# The store, with a title and authors
# -----------------------------------
# What a card needs and the dataset cannot know is said when you convert: title, description,
# authors of the store, licence. The authors of the EEG come from the dataset and stay apart.
import hashlib
import shutil
import tempfile
import textwrap
from pathlib import Path

import matplotlib.pyplot as plt
import mne
import numpy as np
from scipy.signal import welch

import bids_dl
from bids_dl.demo import sample_folder
from bids_dl.errors import BidsDlError

folder = Path(tempfile.mkdtemp(prefix="sharing-"))  # everything that this page writes
mine = folder / "eyes.zarr"
outcome = bids_dl.convert(
    sample_folder(),
    mine,
    hed={"eyes_open": "Eyes-open", "eyes_closed": "Eyes-closed"},
    window=2,
    title="Eyes open and closed, four people",
    description="Windows of two seconds for teaching.",
    author=["Ada Lovelace"],
    scheduler="synchronous",  # in this process, which is faster for eight minutes of EEG
)

# %%
# .. code-block:: bash
#
#    bids-dl convert bids_dl/sample/ds004362 eyes.zarr --window 2 \
#        --hed eyes_open=Eyes-open --hed eyes_closed=Eyes-closed \
#        --title "Eyes open and closed, four people" --author "Ada Lovelace"
#
# Verify
# ------
# Each object has a checksum, and each window has its place. ``verify`` reads all of them. The
# *content identifier* stands for the arrays: two stores with the same identifier have the same
# samples and tables, wherever they are. Print it in a paper. (Title, card and other texts are not
# in it; ``verify --json`` has ``root_sha256``, which covers them too.)
checked = bids_dl.verify(mine)
print(f"{checked.objects} objects, {checked.windows} windows, {len(checked.damages)} damages")
print(f"bids-dl:{checked.content[:16]}")

# %%
# Would a changed bit be found? We change one in a copy.
damaged = shutil.copytree(mine, folder / "damaged.zarr")
shard = max((damaged / "signals").rglob("*"), key=lambda file: file.stat().st_size)
content = bytearray(shard.read_bytes())
content[len(content) // 2] ^= 1
shard.write_bytes(content)
damage = bids_dl.verify(damaged).damages
print(damage[0].where, "-", damage[0].problem)
print(f"affected: {len(damage[0].windows)} windows of {len(damage[0].recordings)} recording(s)")
assert damage

# %%
# The card
# --------
# ``README.md`` in the store is a card in the format of Hugging Face: how to stream it, what was
# selected, what was done, where it comes from, who may do what. You wrote none of it.
card = (mine / "README.md").read_text(encoding="utf-8")
print(card.partition("---\n# ")[2].partition("\n## Preprocessing")[0])

# %%
# ``CITATION.cff`` names you as the author of the store, and the people of the dataset as its
# source. GitHub, Zenodo and Zotero read it.
print(*(mine / "CITATION.cff").read_text(encoding="utf-8").splitlines()[:21], "...", sep="\n")

# %%
# The licence
# -----------
# A store may not allow more than its sources do. ``push`` shows the licence of each source with
# what it asks of you. It refuses a source without a licence, and a licence that allows more than
# those of the sources.
outcome = bids_dl.push(mine, folder / "public" / "eyes.zarr", dry_run=True)
print(*outcome.rights.lines(), sep="\n")
print(f"to send: {outcome.n_objects} objects, {outcome.n_bytes / 1e6:.1f} MB")

# %%
# .. code-block:: bash
#
#    bids-dl push eyes.zarr public/eyes.zarr --dry-run
#
# Push
# ----
# The root object goes last, so that nobody can open half a store. An interrupted push goes on by
# the same command. Nothing is ever replaced: pushing again sends nothing, and pushing another store
# to the same place is refused.
public = folder / "public" / "eyes.zarr"
for attempt in ("first", "second"):
    outcome = bids_dl.push(mine, public)
    print(f"{attempt} push: {outcome.state}, {outcome.copied_objects} objects copied")

other = folder / "other.zarr"
bids_dl.convert(
    sample_folder(), other, hed="Eyes-open", subject="001", split=1, scheduler="synchronous"
)
try:
    bids_dl.push(other, public)
except BidsDlError as error:
    print(textwrap.fill(f"refused: {error}".replace(f"{folder}/", ""), 72))

# %%
# A bucket or a repository has another address, all else is the same:
#
# .. code-block:: bash
#
#    bids-dl push eyes.zarr s3://bucket/eyes.zarr
#    bids-dl push eyes.zarr hf://datasets/ORG/NAME
#
# The last line of the output is the address to give to readers. On Hugging Face it ends in a tag
# that is named by the content, so it opens the same bytes forever.
#
# Pull, as a reader
# -----------------
# A reader can stream from the address, or fetch a copy once. Each object is hashed on its way, and
# the identifier is equal on both sides:
bids_dl.pull(public, folder / "copy.zarr")
copy = bids_dl.verify(folder / "copy.zarr", content=f"bids-dl:{checked.content[:16]}")
assert copy.content == checked.content
assert not copy.damages
print(f"mine bids-dl:{checked.content[:16]}, copy bids-dl:{copy.content[:16]}")

# %%
# .. code-block:: bash
#
#    bids-dl pull public/eyes.zarr copy.zarr
#    bids-dl verify copy.zarr --content bids-dl:...
#
# One archive with a DOI
# ----------------------
# Zenodo keeps files and gives DOIs. The whole store becomes one file, which opens without being
# unpacked. Reserve the DOI in a draft first, then export with it, and upload all files of the
# folder.
record = folder / "record"
record.mkdir()
archive = bids_dl.export(mine, record / "eyes.zip", doi="10.5281/zenodo.1234567")
for file in sorted(record.iterdir()):
    print(f"{file.stat().st_size / 1e6:6.2f} MB  {file.name}")
print("SHA-256", hashlib.sha256(archive.read_bytes()).hexdigest()[:32], "...")
stream = bids_dl.StreamingDataset(f"zip://eyes.zarr::{archive}", batch_size=64)
print(f"{sum(len(index) for _, _, index in stream)} windows streamed from the archive")
assert bids_dl.verify(f"zip://eyes.zarr::{archive}").content == checked.content

# %%
# .. code-block:: bash
#
#    bids-dl export eyes.zarr record/eyes.zip --doi 10.5281/zenodo.1234567
#
# The DOI above is an example. ``zenodo.json`` has title, authors, licence and sources for the form.
#
# Be found
# --------
# A *catalogue* is a static site with a card and a page for each store: copy the folder to any web
# server. Stores are a table for programs, too.
site = bids_dl.catalogue(folder / "public", output=folder / "site", site_title="EEG of our lab")
stores = bids_dl.read_catalogue(folder / "site")
print(stores[["title", "n_windows", "n_people", "licence"]].to_string(index=False))

# %%
# .. code-block:: bash
#
#    bids-dl catalogue public --output site --site-title "EEG of our lab"
#
# The page of a store shows, among others, where on the head the power of a band lies for each
# label. Here is the same from the arrays of the copy: alpha, 8 to 13 Hz, is stronger with eyes
# closed, most of all at the back.
opened = bids_dl.open_store(folder / "copy.zarr")
frequency, power = welch(opened.read("signals"), opened.sfreq, nperseg=256, axis=-1)
alpha = 10 * np.log10(power[..., (frequency >= 8) & (frequency < 13)].mean(axis=-1))
info = mne.create_info(list(opened.channels), opened.sfreq, "eeg")
info.set_montage("standard_1005", match_case=False, verbose="error")
means = {
    label: alpha[rows].mean(axis=0) for label, rows in opened.table.groupby("label").indices.items()
}
limits = (min(map(np.min, means.values())), max(map(np.max, means.values())))
figure, all_axes = plt.subplots(1, 2, figsize=(7, 3.4), layout="constrained")
for axes, label in zip(all_axes, ("eyes_open", "eyes_closed"), strict=True):
    image, _ = mne.viz.plot_topomap(
        means[label], info, axes=axes, vlim=limits, cmap="viridis", show=False
    )
    axes.set_title(label)
figure.colorbar(image, ax=all_axes, label="alpha power (dB of µV²/Hz)", shrink=0.8)
plt.show()
assert means["eyes_closed"].mean() > means["eyes_open"].mean()

# %%
# What this does not show
# -----------------------
# - Rights beyond licences. A store of EEG is data of people: consent, ethics and law decide whether
#   it may be public, and no program checks them. The columns of participants.tsv are in the store.
# - Trust. An identifier proves that bytes are the same, not who made them.
#
# Go on with :doc:`/sharing`, which has runs and all places, :doc:`plot_bucket`, and :doc:`/trust`.
