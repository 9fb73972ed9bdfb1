"""Estimators of the scikit-learn kind: one input as a sample, one prediction as plain data."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import ModelError

__all__ = ["Estimator"]


class Estimator:
    """An object with ``predict``, which takes a list of samples.

    Args:
        estimator: with ``predict`` and perhaps ``predict_proba``, ``feature_names_in_``, ``n_features_in_``.
        features: the order of the input's values; by default the estimator's own, else that of the input.
    """

    is_async = False

    def __init__(self, estimator: Any, features: Sequence[str] = ()) -> None:
        self._estimator = estimator
        self._trained_on = [str(name) for name in getattr(estimator, "feature_names_in_", ())]
        self._features = list(features) or self._trained_on

    def run(self, given: dict[str, Any]) -> Any:
        """The prediction for one sample; with its probability as ``{label, confidence}`` where there is one.

        Raises:
            ModelError: the input lacks a feature.
        """
        samples = self._samples(given)
        with warnings.catch_warnings():
            # Trained with names, asked without pandas: the order is that of the names all the same.
            warnings.filterwarnings("ignore", message="X does not have valid feature names")
            label = _plain(self._estimator.predict(samples)[0])
            confidence = self._confidence(samples, label)
        return label if confidence is None else {"label": label, "confidence": confidence}

    def assumed_order(self, given: Mapping[str, Any]) -> list[str]:
        """The names of several values in the order in which they are taken, where nothing but that order says it."""
        row = _row(given)
        return [] if self._features or len(row) < 2 else list(row)

    def _samples(self, given: dict[str, Any]) -> Any:
        sample = self._sample(given)
        pandas = sys.modules.get("pandas")
        if self._trained_on and pandas is not None and isinstance(sample, list):
            return pandas.DataFrame([sample], columns=self._trained_on)
        return [sample]

    def _sample(self, given: dict[str, Any]) -> Any:
        row = _row(given)
        only = next(iter(row.values())) if len(row) == 1 else None
        if self._features and (len(row) != 1 or set(row) <= set(self._features)):
            return self._ordered(row)
        if len(row) != 1 or only is None:
            return list(row.values())
        if not isinstance(only, list) and hasattr(self._estimator, "n_features_in_"):
            return [only]  # a table of one column; a text classifier takes the text itself
        return only

    def _ordered(self, given: Mapping[str, Any]) -> list[Any]:
        missing = [name for name in self._features if given.get(name) is None]
        if missing:
            names = ", ".join(self._features)
            raise ModelError(f"the input lacks {', '.join(missing)}", hint=f"The features are {names}.")
        return [given[name] for name in self._features]

    def _confidence(self, samples: Any, label: Any) -> float | None:
        """The probability of the label; None where the estimator has none, or has one for each of several outputs."""
        if not hasattr(self._estimator, "predict_proba") or isinstance(label, list):
            return None
        probabilities = _plain(self._estimator.predict_proba(samples)[0], unwrapped=False)
        classes = _plain(getattr(self._estimator, "classes_", []), unwrapped=False)
        return float(probabilities[classes.index(label)] if label in classes else max(probabilities))


def _row(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values by name: the input, or the only thing in it where that is a dict."""
    only = next(iter(given.values())) if len(given) == 1 else None
    return only if isinstance(only, Mapping) else given


def _plain(value: Any, *, unwrapped: bool = True) -> Any:
    """What numpy and its like hold as Python's own, an array of one element as that element."""
    plain = value.tolist() if hasattr(value, "tolist") else value
    while unwrapped and isinstance(plain, list) and len(plain) == 1:
        plain = plain[0]
    return plain
