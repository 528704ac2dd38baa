"""Metrics of each kind of target. A new metric is one entry here."""

from __future__ import annotations

from bids_dl.config.training_options import TargetKind
from bids_dl.models.target import TargetSpec
from bids_dl.training.metrics import classes, labels, number, shares
from bids_dl.training.metrics.spec import MetricSpec

CLASS_METRICS = (
    MetricSpec(
        "accuracy",
        "accuracy",
        classes.class_sums,
        classes.accuracy,
        "fraction of correct predictions",
        interval=classes.accuracy_interval,
        interval_method="Wilson 1927, doi:10.2307/2276774",
    ),
    MetricSpec(
        "balanced_accuracy",
        "balanced accuracy",
        classes.class_sums,
        classes.balanced_accuracy,
        "mean over the true classes of the fraction of correct predictions; chance is 1 / number "
        "of classes",
        interval=classes.balanced_accuracy_interval,
        interval_method="Wilson intervals of the classes, combined by MOVER, Zou and Donner 2008, "
        "doi:10.1002/sim.3095",
    ),
    MetricSpec(
        "kappa",
        "Cohen's kappa",
        classes.class_sums,
        classes.kappa,
        "agreement beyond chance, Cohen 1960, doi:10.1177/001316446002000104; 0 is chance; "
        "undefined with one true class",
    ),
    MetricSpec(
        "macro_f1",
        "macro F1",
        classes.class_sums,
        classes.macro_f1,
        "mean over classes of the harmonic mean of precision and recall; a class that is neither "
        "true nor predicted is left out",
    ),
    MetricSpec(
        "mcc",
        "Matthews correlation",
        classes.class_sums,
        classes.matthews,
        "correlation of true and predicted classes, Matthews 1975, "
        "doi:10.1016/0005-2795(75)90109-9; several classes as in Gorodkin 2004, "
        "doi:10.1016/j.compbiolchem.2004.09.006; 0 is chance and a constant prediction; undefined "
        "with one true class",
    ),
    MetricSpec(
        "auroc",
        "AUROC",
        classes.score_pairs,
        classes.auroc,
        "area under the ROC curve of the probabilities, Hanley and McNeil 1982, "
        "doi:10.1148/radiology.143.1.7063747; 0.5 is chance; undefined with one true class",
        n_outputs=2,
    ),
)
NUMBER_METRICS = (
    MetricSpec(
        "mae",
        "mean absolute error",
        number.error_sums,
        number.mean_absolute_error,
        "mean absolute error, in the unit of the target",
        higher_is_better=False,
    ),
    MetricSpec(
        "rmse",
        "root mean squared error",
        number.error_sums,
        number.root_mean_squared_error,
        "root of the mean squared error, in the unit of the target",
        higher_is_better=False,
    ),
    MetricSpec(
        "r",
        "Pearson's r",
        number.error_sums,
        number.pearson,
        "Pearson's correlation of true and predicted numbers; undefined if either are all equal",
    ),
    MetricSpec(
        "r2",
        "R2",
        number.error_sums,
        number.determination,
        "coefficient of determination: 1 minus squared errors over squared deviations from the "
        "mean of the tested numbers; undefined if these are all equal",
    ),
)
SHARE_METRICS = (
    MetricSpec(
        "kl",
        "KL divergence",
        shares.share_sums,
        shares.divergence,
        "mean Kullback-Leibler divergence of the predicted from the true shares in nats, Kullback "
        "and Leibler 1951, doi:10.1214/aoms/1177729694: cross-entropy minus entropy of the true "
        "shares",
        higher_is_better=False,
    ),
    MetricSpec(
        "cross_entropy",
        "cross-entropy",
        shares.share_sums,
        shares.cross_entropy,
        "mean cross-entropy of true and predicted shares in nats",
        higher_is_better=False,
    ),
    MetricSpec(
        "accuracy",
        "accuracy of the largest share",
        shares.share_sums,
        shares.largest_share_accuracy,
        "fraction whose largest predicted share is a largest true share",
    ),
)
LABEL_METRICS = (
    MetricSpec(
        "accuracy",
        "accuracy",
        labels.label_confusions,
        labels.mean_accuracy,
        "mean over labels of the fraction of correct predictions; missing labels are left out",
    ),
    MetricSpec(
        "balanced_accuracy",
        "balanced accuracy",
        labels.label_confusions,
        labels.mean_balanced_accuracy,
        "mean over labels of the mean of sensitivity and specificity; 0.5 is chance",
    ),
    MetricSpec(
        "macro_f1",
        "macro F1",
        labels.label_confusions,
        labels.mean_f1,
        "mean over labels of the harmonic mean of precision and recall; a label that is neither "
        "true nor predicted is left out",
    ),
    MetricSpec(
        "auroc",
        "AUROC",
        labels.label_pairs,
        classes.auroc,
        "mean over labels of the area under the ROC curve, Hanley and McNeil 1982, "
        "doi:10.1148/radiology.143.1.7063747; 0.5 is chance; a label that is always 0 or always 1 "
        "is left out",
    ),
)
METRICS: dict[TargetKind, tuple[MetricSpec, ...]] = {
    "classes": CLASS_METRICS,
    "number": NUMBER_METRICS,
    "shares": SHARE_METRICS,
    "labels": LABEL_METRICS,
}
"""Metrics by kind of target. The first one is the main metric."""


def metrics_of(spec: TargetSpec) -> tuple[MetricSpec, ...]:
    """Return the metrics that a target has, the main metric first.

    Examples
    --------
    >>> spec = TargetSpec("age", "number", ("age",), ("age",))
    >>> [metric.name for metric in metrics_of(spec)]
    ['mae', 'rmse', 'r', 'r2']
    """
    return tuple(m for m in METRICS[spec.kind] if m.n_outputs in (None, spec.n_outputs))
