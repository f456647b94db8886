import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from core.evaluate.calibration import FEW, LIMIT, MANY, RULES, Calibration, Quality, counted, fit, unchanged


def answers(n: int, *, scale: float, offset: float = 0.0, share: float = 0.4, labels: int = 1, seed: int = 0):
    """Logits that should have been z / scale - offset: what is true follows those. Shapes: → (N, K), (N, K)."""
    draw = np.random.default_rng(seed)
    honest = draw.normal(np.log(share / (1 - share)), 1.5, size=(n, labels))
    return honest * scale + offset, draw.random((n, labels)) < expit(honest)


def test_a_temperature_is_found_and_the_error_falls_on_new_texts():
    z, y = answers(4000, scale=3.0)
    found = fit("temperature", z, y)
    assert found.methods == ("temperature",)
    assert found.scale[0] == pytest.approx(1 / 3, rel=0.1)
    assert found.offset[0] == 0
    new_z, new_y = answers(4000, scale=3.0, seed=1)
    before, after = (Quality.of(expit(each), new_y) for each in (new_z, found(new_z)))
    assert after.ece < 0.03 < 0.1 < before.ece
    assert after.brier < before.brier


def test_an_offset_is_found_where_logits_were_moved():
    z, y = answers(4000, scale=2.0, offset=3.0)
    found = fit("platt", z, y)
    assert found.methods == ("platt",)
    assert found.scale[0] == pytest.approx(1 / 2, rel=0.1)
    assert found.offset[0] == pytest.approx(-1.5, abs=0.2)
    new_z, new_y = answers(4000, scale=2.0, offset=3.0, seed=1)
    errors = {rule: Quality.of(expit(fit(rule, z, y)(new_z)), new_y).ece for rule in RULES}
    assert errors["platt"] < 0.03
    assert errors["isotonic"] < 0.03
    assert errors["auto"] < 0.03
    assert errors["temperature"] > 0.1, "a temperature alone cannot undo what moved them"


def test_a_curve_that_is_no_straight_line_is_met_by_the_isotonic_map_alone():
    draw = np.random.default_rng(0)
    z = draw.uniform(-4, 4, size=(6000, 1))
    truth = np.where(z > 1, 0.5, 0.1)  # two levels
    y = draw.random(z.shape) < truth
    at = np.linspace(-3.5, 3.5, 200)[:, None]
    expected = np.where(at > 1, 0.5, 0.1)
    error = {rule: np.abs(expit(fit(rule, z, y)(at)) - expected).mean() for rule in ("platt", "isotonic")}
    assert error["isotonic"] < 0.03 < 0.06 < error["platt"]


def with_positives(*counts: int, n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    z = np.random.default_rng(3).normal(size=(n, len(counts)))
    y = np.zeros((n, len(counts)), dtype=bool)
    for k, count in enumerate(counts):
        y[np.argsort(-z[:, k] + np.random.default_rng(k).normal(size=n))[:count], k] = True
    return z, y


@pytest.mark.parametrize(
    ("rule", "methods"),
    [
        ("none", ("none",) * 6),
        ("temperature", ("shared", "shared", "temperature", "temperature", "temperature", "shared")),
        ("platt", ("shared", "shared", "platt", "platt", "platt", "shared")),
        ("isotonic", ("shared", "shared", "temperature", "isotonic", "isotonic", "shared")),
        ("auto", ("shared", "shared", "platt", "isotonic", "isotonic", "shared")),
    ],
)
def test_what_a_label_gets_is_decided_by_how_many_texts_speak_of_it(rule: str, methods: tuple[str, ...]):
    z, y = with_positives(0, FEW - 1, FEW, MANY, 200 - MANY, 200 - FEW + 1)
    found = fit(rule, z, y)
    assert found.methods == methods
    assert set(found.curves) == {k for k, method in enumerate(methods) if method == "isotonic"}
    shared = {float(found.scale[k]) for k, method in enumerate(methods) if method == "shared"}
    assert len(shared) <= 1
    assert sum(counted(found.methods).values()) == 6


def test_a_label_of_few_positives_is_not_fitted_to_them():
    """The few lie far above: a map of its own would say 1 to whatever is like them."""
    z, y = answers(400, scale=1.0, labels=3, seed=5)
    rare_z, rare_y = np.full((400, 1), -3.0), np.zeros((400, 1), dtype=bool)
    rare_z[:3], rare_y[:3] = 2.0, True
    found = fit("auto", np.hstack([z, rare_z]), np.hstack([y, rare_y]))
    assert found.methods[3] == "shared"
    assert expit(found(np.full((1, 4), 2.0))[0, 3]) < 0.97


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**16), st.sampled_from(RULES), st.integers(0, 120), st.floats(0.01, 0.99), st.floats(0.01, 50),
    st.booleans(),
)  # fmt: skip
def test_whatever_is_fitted_it_rises_strictly_and_is_a_probability(seed, rule, n, share, scale, told_apart):
    z, y = answers(n, scale=scale, share=share, labels=2, seed=seed)
    if told_apart and n:
        y = z > np.quantile(z, 0.5)
    found = fit(rule, z, y)
    met = np.abs(z).max() if n else 5.0
    at = np.linspace(-1.5 * met, 1.5 * met, 300)[:, None].repeat(2, axis=1)
    out = found(at)
    inside = (np.abs(out) < LIMIT) & (np.abs(at * found.scale + found.offset) < LIMIT)
    assert (np.diff(out, axis=0)[inside[1:] & inside[:-1]] > 0).all()
    far = found(np.linspace(-1000, 1000, 300)[:, None].repeat(2, axis=1))
    assert (np.diff(far, axis=0) >= -1e-9).all()
    for p in (expit(out), expit(far)):
        assert ((p > 0) & (p < 1)).all()
    again = Calibration.from_json(json.loads(json.dumps(found.to_json())))
    assert np.array_equal(again(at), out)
    assert again.methods == found.methods


def test_a_rounding_error_of_a_logit_stays_one():
    z, y = answers(600, scale=1.0, seed=2)
    found = fit("isotonic", z, y)
    assert found.methods == ("isotonic",)
    at = np.linspace(-6, 6, 5000)[:, None]
    assert np.abs(expit(found(at + 1e-6)) - expit(found(at))).max() < 1.2e-5


def test_nothing_to_fit_on_changes_nothing():
    z = np.array([[2.0, -1.0]])
    for rule in RULES:
        found = fit(rule, np.zeros((0, 2)), np.zeros((0, 2)))
        assert np.array_equal(found(z), z)
    assert np.array_equal(unchanged(2)(z), z)
    assert Quality.of(np.zeros((0, 2)), np.zeros((0, 2))) == Quality(None, None)


@pytest.mark.parametrize(
    ("rule", "z", "y"),
    [
        ("beta", np.zeros((3, 1)), np.zeros((3, 1))),
        ("auto", np.zeros((3, 2)), np.zeros((3, 1))),
        ("auto", np.array([[np.nan]]), np.zeros((1, 1))),
    ],
)
def test_what_cannot_be_fitted_is_refused(rule: str, z: np.ndarray, y: np.ndarray):
    with pytest.raises(ValueError):
        fit(rule, z, y)


def test_figures_by_hand():
    y = np.array([[1, 0], [0, 0], [1, 1], [0, 1]])
    p = np.array([[0.75, 0.25], [0.25, 0.25], [0.75, 0.75], [0.25, 0.75]])
    assert Quality.of(p, y) == Quality(ece=0.25, brier=0.0625)
    with pytest.raises(ValueError):
        Calibration.from_json({"scale": [1.0], "offset": [0.0, 0.0], "curves": {}, "methods": ["none"]})
