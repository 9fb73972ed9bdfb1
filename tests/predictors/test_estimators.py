"""Estimators of scikit-learn as predictors."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

from lua_procedures import ModelError
from lua_procedures.predictors.lookup import Predictors

FRAME = pd.DataFrame({"width": [0.0, 1.0, 0.0, 1.0], "height": [0.0, 0.0, 5.0, 5.0]})
TALL = ["no", "no", "yes", "yes"]


def predicted(estimator: Any, given: dict[str, Any], **declared: Any) -> Any:
    """What an estimator of the session predicts for an input."""
    return Predictors({"m": estimator}).get("m", declared).call(given)


def test_the_only_value_is_the_sample():
    """A list is the sample itself; the label comes with its probability, as Python's own values."""
    model = LogisticRegression(C=1e6).fit(FRAME.to_numpy(), TALL)
    got = predicted(model, {"features": [0.0, 5.0]})
    assert got["label"] == "yes"
    assert 0.9 < got["confidence"] <= 1
    assert (type(got["label"]), type(got["confidence"])) == (str, float)
    assert predicted(model, {"features": [1.0, 0.0]})["label"] == "no"


def test_several_values_are_the_sample():
    """Several values are one sample in their order, or in the declared order of features."""
    model = LinearRegression().fit([[1, 0], [0, 1], [1, 1]], [10, 1, 11])
    assert predicted(model, {"a": 1, "b": 0}) == pytest.approx(10)
    assert predicted(model, {"a": 1, "b": 0}, features=["b", "a"]) == pytest.approx(1)
    assert type(predicted(model, {"a": 1, "b": 0})) is float
    with pytest.raises(ModelError, match="the input lacks c") as error:
        predicted(model, {"a": 1, "b": 0}, features=["a", "c"])
    assert "The features are a, c." in str(error.value)


def test_declared_order():
    """An input that is declared comes in the order of its declaration."""
    model = LinearRegression().fit([[1, 0], [0, 1], [1, 1]], [10, 1, 11])
    found = Predictors({"m": model}).get("m", {"input": {"a": "number", "b": "number"}})
    assert found.call(found.check({"b": 0, "a": 1})) == pytest.approx(10)


@pytest.mark.parametrize("loaded", [True, False])
def test_names_of_features(loaded, monkeypatch):
    """What was trained on a frame gets its columns by name, in any order, without a warning."""
    model = LogisticRegression(C=1e6).fit(FRAME, TALL)
    if not loaded:
        monkeypatch.delitem(sys.modules, "pandas")
    for given in (
        {"height": 5.0, "width": 0.0},
        {"width": 0.0, "height": 5.0, "other": 1},
        {"row": {"height": 5.0, "width": 0.0}},
        {"features": [0.0, 5.0]},
    ):
        assert predicted(model, given)["label"] == "yes"
    for given in ({"height": 5.0}, {"height": 5.0, "weight": 1}, {"row": {"height": 5.0}}):
        with pytest.raises(ModelError, match="the input lacks width"):
            predicted(model, given)


def test_text():
    """A text classifier gets the text."""
    model = make_pipeline(CountVectorizer(), MultinomialNB()).fit(["good great", "bad awful"], [1, 0])
    got = predicted(model, {"text": "great"})
    assert got["label"] == 1
    assert type(got["label"]) is int
    assert got["confidence"] == pytest.approx(0.6, abs=0.1)


def test_one_feature():
    """A number for an estimator of one feature is a sample of one value."""
    model = LinearRegression().fit([[1], [2]], [3, 5])
    assert predicted(model, {"x": 4}) == pytest.approx(9)
    assert predicted(LinearRegression().fit(pd.DataFrame({"x": [1, 2]}), [3, 5]), {"x": 4}) == pytest.approx(9)


def test_several_outputs():
    """Several outputs are a list, an array of one element is that element."""
    both = LinearRegression().fit([[1], [2]], [[1, 10], [2, 20]])
    assert predicted(both, {"x": 3}) == pytest.approx([3, 30])
    assert predicted(LinearRegression().fit([[1], [2]], [[1], [2]]), {"x": 3}) == pytest.approx(3)
    labels = MultiOutputClassifier(DummyClassifier()).fit([[0], [1]], np.array([[1, 0], [1, 0]]))
    assert predicted(labels, {"x": 3}) == [1, 0]


def test_probability_is_that_of_the_label():
    """The confidence belongs to the label that is predicted, also where another one is likelier."""

    class Contrary:
        classes_ = np.array(["a", "b"])

        def predict(self, samples: Any) -> Any:
            return np.array(["b"] * len(samples))

        def predict_proba(self, samples: Any) -> Any:
            return np.array([[0.75, 0.25]] * len(samples))

    assert predicted(Contrary(), {"x": [1]}) == {"label": "b", "confidence": 0.25}


def test_plain_estimators():
    """An object that knows no numpy gets a list of one sample."""

    class Last:
        def predict(self, samples: list[Any]) -> list[Any]:
            assert len(samples) == 1
            return samples

    assert predicted(Last(), {"x": "abc"}) == "abc"
    assert predicted(Last(), {"x": 1, "y": None}) == [1, None]
    assert predicted(Last(), {}) == []


def test_failures():
    """What an estimator refuses is a `ModelError` with its words."""
    model = LinearRegression().fit([[1, 0], [0, 1]], [1, 2])
    with pytest.raises(ModelError, match="ValueError: X has 3 features"):
        predicted(model, {"x": [1, 2, 3]})
