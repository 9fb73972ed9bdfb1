"""Models: the session's predictors and declared ones, each prediction once."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lua_procedures import ModelError, SchemaError, UsageError, get_session

from .cells import messages, paths


@pytest.fixture
def asked():
    """What a predictor was asked, and the predictor: the length of a text."""
    seen: list[dict] = []

    def length(given):
        seen.append(given)
        if given.get("text") == "boom":
            raise ValueError("too long")
        return {"label": "long" if len(given["text"]) > 3 else "short", "confidence": 0.5}

    return seen, length


def test_a_predictor_is_asked_once(cell, asked):
    """Both spellings give {output=…}, and a second run asks nothing."""
    seen, length = asked
    program = (
        "local m = Model('length') return {m{text = 'a'}.output.label, m.predict{text = 'abcd'}.output.label, m.name}"
    )

    assert cell.twice(program, predictors={"length": length}).value == ["short", "long", "length"]
    assert seen == [{"text": "a"}, {"text": "abcd"}]


def test_a_prediction_is_a_checkpoint(cell, asked):
    """Its kind is model_predict, its name the model's, its value what the predictor gave."""
    ran = cell("return Model('length'){text = 'a'}.output", predictors={"length": asked[1]})
    assert [(each.kind, each.name, each.value["label"]) for each in ran.checkpoints] == [
        ("model_predict", "length", "short")
    ]


def test_a_real_classifier(cell):
    """A scikit-learn classifier gets one sample and gives its label with a confidence."""
    from sklearn.linear_model import LogisticRegression

    classifier = LogisticRegression().fit(
        [[0.0, 0.0], [0.0, 1.0], [5.0, 5.0], [6.0, 5.0]], ["low", "low", "high", "high"]
    )
    program = "local out = Model('size'){x = {6, 6}}.output return {out.label, out.confidence > 0.5}"
    assert cell.twice(program, predictors={"size": classifier}).value == ["high", True]


def test_a_failing_predictor_is_a_model_error(cell, asked):
    """It can be caught and replays."""
    ran = cell.twice("return {pcall(Model('length'), {text = 'boom'})}", predictors={"length": asked[1]})
    assert ran.value == [False, "cell:1: length: ValueError: too long"]
    assert len(asked[0]) == 1
    assert isinstance(
        cell.fails("Model('length'){text = 'boom'}", predictors={"length": asked[1]}, fresh=True), ModelError
    )


def test_an_unknown_model_lists_the_known(cell, asked):
    """At the look-up, with all that the session has."""
    error = cell.fails("\nlocal m = Model('nope')", predictors={"length": asked[1]})

    assert isinstance(error, ModelError)
    assert error.line == 2
    assert "known: length" in error.message


def test_declared_models(cell, asked):
    """python, registry and sklearn are the session's under the declared schemas; mock gives its value."""
    get_session().predictors["length"] = asked[1]
    try:
        ran = cell.twice("""
            Model "length" {
              type = "registry", input = {text = field.string{required = true}}, output = {label = "string"},
            }
            local fixed = Model { name = "fixed", type = "mock", value = {label = "yes"} }
            sure = Model { type = "mock", value = 1 }
            local bad, why = pcall(Model("length"), {})
            return {Model("length"){text = "abcd"}.output, fixed{}.output.label, sure{}.output, bad, why}
        """)
    finally:
        get_session().predictors.clear()
    assert ran.value[:4] == [{"label": "long"}, "yes", 1, False]
    assert "length: the input does not fit: text: a string expected, got nothing" in ran.value[4]


def test_a_wrong_result_is_a_schema_error(cell, asked):
    """The declared output is checked."""
    error = cell.fails(
        'Model "length" { type = "python", output = {label = "integer"} } Model("length"){text = "a"}',
        predictors={"length": asked[1]},
    )
    assert isinstance(error, SchemaError)


@pytest.fixture
def server():
    """A server that answers /ok, where it is, and what it was asked with which token."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            given = json.loads(self.rfile.read(int(self.headers["content-length"])))
            seen.append((given, self.headers.get("x-token")))
            body = json.dumps({"label": "ok"}).encode() if self.path == "/ok" else b"no"
            self.send_response(200 if self.path == "/ok" else 500)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", seen
    server.shutdown()
    server.server_close()


def test_an_http_model(cell, server):
    """The input goes out as JSON, the answer comes back as plain data, and an error names the endpoint and status."""
    at, seen = server
    declared = f'Model "m" {{ type = "http", endpoint = "{at}/%s", timeout = 100 }}'
    assert cell.twice(f"{declared % 'ok'} return Model('m'){{text = 'hi'}}.output.label").value == "ok"
    assert seen == [({"text": "hi"}, None)]
    error = cell.fails(f"{declared % 'bad'} return Model('m'){{text = 'hi'}}")
    assert isinstance(error, ModelError)
    assert "500" in error.message


def test_only_allowed_variables_are_sent(cell, server, monkeypatch):
    """`env_allowed` of run and resume names them; none is allowed by itself, and no other comes with it."""
    at, seen = server
    monkeypatch.setenv("MODEL_TOKEN", "s3cret")
    program = f"""
        local m = Model "m" {{ type = "http", endpoint = "{at}/ok", headers = {{["x-token"] = "{{env.MODEL_TOKEN}}"}} }}
        return {{m{{n = 1}}.output.label, Human.approve("go?"), m{{n = 2}}.output.label}}
    """
    for allowed in ((), ["HOME"]):
        assert "MODEL_TOKEN is not allowed" in cell.fails(program, env_allowed=allowed).message
    assert seen == []
    cell(program, env_allowed=["MODEL_TOKEN"])
    assert cell.resume(answers=[True]).value == ["ok", True, "ok"]
    assert seen == [({"n": 1}, "s3cret"), ({"n": 2}, "s3cret")]
    cell(program, env_allowed=["MODEL_TOKEN"], fresh=True)
    with pytest.raises(ModelError, match="MODEL_TOKEN is not allowed"):
        cell.resume(answers=[True], env_allowed={"HOME"})
    with pytest.raises(UsageError, match="env_allowed: names of environment variables expected, got 'HOME'"):
        cell(program, env_allowed="HOME")


def test_a_mock_stands_in_wherever_it_is_declared(cell):
    """Mocks below a look-up reach it, and nothing real is needed."""
    program = "local m = Model('imdb') Mocks {imdb = {returns = {label = 'pos'}}} return m{text = 'x'}.output.label"
    ran = cell.twice(program)

    assert ran.value == "pos"
    changed = cell(program.replace("'pos'", "'neg'"))
    assert (changed.value, paths(changed, replayed=False)) == ("neg", ["0"])


class Weighted:
    """An estimator that knows no names: its first value counts ten times."""

    def predict(self, samples):
        return [10 * first + second for first, second in samples]


def test_features_are_the_order_of_the_values(cell):
    """Whatever the keys' own order is, an estimator without names gets the values as `features` lists them."""
    declared = "Model 'm' { type = 'sklearn', features = {'b', 'a'} } "
    ran = cell.twice(declared + "return {Model('m'){a = 1, b = 2}.output, Model('m'){b = 3, a = 4}.output}",
                     predictors={"m": Weighted()})  # fmt: skip

    assert (ran.value, ran.notices) == ([21, 34], [])
    error = cell.fails(declared + "return Model('m'){a = 1}", predictors={"m": Weighted()}, fresh=True)
    assert "the input lacks b" in error.message
    wrong = cell.fails("x = Model { type = 'sklearn', features = 'a' }", predictors={"m": Weighted()})
    assert "features: a list of names expected, got a string" in wrong.message


def test_an_order_that_nothing_says_is_a_warning(cell):
    """Once in a run and the same on replay, also from inside a step; none for a single value or for known names."""
    program = """
        local m = Model('m')
        local function both() return {m{b = 2, a = 1}.output, m{row = {a = 3, b = 4}}.output, m{x = {5, 6}}.output} end
        return Step.run('all', both)
    """
    ran = cell.twice(program, predictors={"m": Weighted()})

    assert ran.value == [12, 34, 56]
    (told,) = messages(ran, "warning")
    assert told.startswith("m: the estimator names no features, so the values go to it in the order of their keys (a,")
    assert 'features={"a", "b"}' in told
    assert ran.notices[0].line == 3
    again = cell(program + "\n, m{a = 7, b = 8}.output", predictors={"m": Weighted()})
    assert (again.executed, messages(again, "warning")) == (1, [told])
    flat = cell.twice("return {Model('m'){a = 1, b = 2}, Model('m'){a = 2, b = 2}}", predictors={"m": Weighted()})
    assert messages(flat, "warning") == [told]
