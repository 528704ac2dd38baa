"""
Which split answers which question?
===================================

**Data:** planted EEG, because only there is the best possible result known.

A network is tested on windows that it was not trained on. The **split** decides which windows these
are, and so what the result says. **The rule: keep everything that a new user of the network would
not have on the test side.** For most studies this is the whole person, so split by people.

=============================================  ================================================
question                                       split
=============================================  ================================================
Does it work for people it has never seen?     ``--folds loso`` (leave one person out) up to
                                               about 30 people, ``--folds 5`` above
The same, once, at the end of a study          no ``--folds``: the splits of the store
The same person on another day?                ``--folds session``
The same person, another run or recording?     ``--folds run``, ``--folds recording``
The same person, later in the recording?       ``--folds time``, with a ``--gap``
Another laboratory or amplifier?               one store for each dataset: ``bids-dl train`` on
                                               one, ``bids-dl predict`` on the other
Windows at random                              no question; bids_dl has no such split
=============================================  ================================================

A **window** is one training example, here two seconds of EEG; the :doc:`/glossary` has all terms.
This page shows why the last line of the table is a mistake, and why six people are too few.
"""

# %%
# People whose sex is hidden in their alpha rhythm
# ------------------------------------------------
# In the planted data, the power of 8 to 13 Hz is higher in men than in women, but people differ,
# and so do the windows of a person. It follows that nobody can tell more than 76 % of the windows
# of **new** people. Each person also has another amplitude at each electrode, as in real EEG, which
# has nothing to do with the sex.
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, KFold, LeaveOneGroupOut, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import bids_dl
from bids_dl.models.band_power import BandPower
from bids_dl.testing import PlantedEffect, plant_store

folder = Path(tempfile.mkdtemp(prefix="bids_dl_split_"))
effect = PlantedEffect(d=2, between=1, within=1)
channels = ("F3", "C4", "P3", "O2")
plant_store(folder / "sex.zarr", effect, n_persons=120, n_windows=40, ch_names=channels)

store = bids_dl.open_store(folder / "sex.zarr")
people, sex = store.table["subject"], store.table["sex"]
best = effect.bound_windows()
assert round(best, 2) == 0.76
print(f"{people.nunique()} people, {len(store)} windows; at best {best:.1%} of windows are right")

# %%
# The model is the baseline of every training of bids_dl: logistic regression on the log power of
# each channel in five bands.
n_windows, n_chans, n_times = store.shape
bands = BandPower(n_chans, n_times, n_outputs=1, sfreq=store.sfreq)
power = bands.features(torch.from_numpy(store.read("signals"))).numpy()
model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))

# %%
# Twenty studies of six people
# ----------------------------
# The 120 people make twenty small studies. Each study estimates its accuracy twice, with windows at
# random and by leaving one person out. Then its model is tried on the people of all other studies:
# this is the accuracy that a reader of the study would get.
study = (people.astype(int) - 1) // 6
found = {"windows at random": [], "one person out": [], "the truth: new people": []}
for number in range(20):
    inside = (study == number).to_numpy()
    own_power, own_sex, own_people = power[inside], sex[inside], people[inside]
    random_windows = KFold(5, shuffle=True, random_state=number)
    scores = cross_val_score(model, own_power, own_sex, cv=random_windows)
    found["windows at random"].append(scores.mean())
    scores = cross_val_score(model, own_power, own_sex, groups=own_people, cv=LeaveOneGroupOut())
    found["one person out"].append(scores.mean())
    model.fit(own_power, own_sex)
    found["the truth: new people"].append(model.score(power[~inside], sex[~inside]))

for name, accuracies in found.items():
    low, high = min(accuracies), max(accuracies)
    print(f"{name:22} mean {np.mean(accuracies):.0%}, from {low:.0%} to {high:.0%}")

# %%
# Each dot is a study. The dashed line is the best that is possible on new people.
rng = np.random.default_rng(0)
figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
for x, (accuracies, color) in enumerate(
    zip(found.values(), ("#D55E00", "#0072B2", "#009E73"), strict=True)
):
    axes.scatter(x + rng.uniform(-0.15, 0.15, 20), accuracies, color=color, alpha=0.8)
    axes.hlines(np.mean(accuracies), x - 0.3, x + 0.3, color=color, linewidth=3)
axes.axhline(best, color="black", linestyle="--", label=f"best on new people, {best:.0%}")
axes.axhline(0.5, color="grey", linestyle=":", label="chance, 50 %")
axes.set(ylabel="accuracy on windows", ylim=(0, 1.05))
axes.set_xticks(range(3), [name.replace(": ", ":\n") for name in found])
axes.legend(loc="lower left")
plt.show()

# %%
# - **Windows at random** report far more than is possible. The model has learnt to recognize six
#   people by their amplitudes, and each of them has one sex. The number is high, it can be
#   repeated, and it is wrong. All twenty studies exceed the bound:
assert min(found["windows at random"]) > best

# %%
# - **One person out** is right on average: its mean is near the truth, not far above. But the
#   single numbers are spread so widely that one study says little, because the result of six people
#   is the result of six draws. An interval over people says this; ``bids-dl train`` prints one.
assert np.ptp(found["one person out"]) > 0.5
assert abs(np.mean(found["one person out"]) - np.mean(found["the truth: new people"])) < 0.15

# %%
# - **The truth** is poor, although the effect is there. Six people are too few to learn which part
#   of a person's power is the sex. With all 120 people, the same model comes near the bound:
scores = cross_val_score(model, power, sex, groups=people, cv=GroupKFold(10))
print(f"120 people, split by people: {scores.mean():.0%} of windows; bound {best:.0%}")
assert found["the truth: new people"][0] < scores.mean() < best + 0.03

# %%
# The same with the command line
# ------------------------------
# ``--folds 10`` puts all windows of a person on one side, as do all splits by people.
#
# .. code-block:: bash
#
#    bids-dl train sex.zarr --target sex --model band-power --folds 10
#
# In a store, people are kept apart from the beginning: ``bids-dl convert`` assigns each person to
# train, validation or test (``--split``), and a person never has windows in two of them.
#
# When the rule does not hold
# ---------------------------
# - **The network is made for one person**, such as a seizure predictor that is calibrated to its
#   owner. Then test later in time, ``--folds time`` or ``--folds session``: the result is marked
#   "same person" in all outputs. :doc:`/active-learning` has ``--leave-one-patient-out`` for the
#   case between, some answers about a new patient.
# - **The target cannot differ between people**, for instance whether a window is damaged. Windows
#   of one recording still resemble each other, so leave a gap between both sides.
#   :doc:`plot_window_length` shows how far a split of neighbouring windows can go wrong.
# - **Siblings, sites, sessions with the same electrode cap.** If people belong together, the group
#   has to stay together, not the person. Give ``convert --split`` a column of participants.tsv.
#
# What this does not show: real people differ by more than amplitudes, so a network with more
# freedom than a linear model recognizes them more easily. :doc:`/training` has a published dataset
# on which the two kinds of splits differ a lot.
#
# Go on with :doc:`plot_which_scaling`, or with all options of the split in :doc:`/training`.
