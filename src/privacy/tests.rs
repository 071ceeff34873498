//! The accountant against Google's dp-accounting, quadrature at 30 digits, exact formulas, and itself.

#![allow(clippy::unwrap_used)]

use serde_json::Value;

use super::loss_distribution;
use super::{Account, Mechanism, Refusal, default_orders, mills_ratio, noise_multiplier_for};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/dp_epsilon.json");
const ACCOUNTS: [Account; 3] = [Account::Renyi, Account::ClosedForm, Account::LossDistribution];

fn golden() -> Value {
    serde_json::from_str(&std::fs::read_to_string(GOLDEN).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

/// One row of the golden file.
struct Setting {
    row: Value,
    mechanism: Mechanism,
    steps: u64,
    delta: f64,
}

impl Setting {
    fn all() -> Vec<Setting> {
        let rows = golden()["settings"].as_array().unwrap().clone();
        assert_eq!(rows.len(), 24);
        rows.into_iter()
            .map(|row| {
                let number = |key: &str| row[key].as_f64().unwrap();
                let mechanism = Mechanism::new(number("noise_multiplier"), number("sampling")).unwrap();
                let (steps, delta) = (row["steps"].as_u64().unwrap(), number("delta"));
                Setting { row, mechanism, steps, delta }
            })
            .collect()
    }

    fn number(&self, key: &str) -> Option<f64> {
        self.row[key].as_f64()
    }

    fn epsilon(&self, account: Account) -> f64 {
        self.mechanism.epsilon(account, self.steps, self.delta).unwrap()
    }
}

fn epsilon(account: Account, noise_multiplier: f64, sampling: f64, steps: u64, delta: f64) -> f64 {
    Mechanism::new(noise_multiplier, sampling).unwrap().epsilon(account, steps, delta).unwrap()
}

#[track_caller]
fn assert_close(value: f64, expected: f64, tolerance: f64) {
    let error = (value / expected - 1.0).abs();
    assert!(error <= tolerance, "{value} for {expected}: off by {error:e}");
}

#[test]
fn default_orders_are_those_of_dp_accounting() {
    assert_eq!(default_orders().collect::<Vec<_>>(), numbers(&golden()["rdp_default_orders"]));
}

#[test]
fn one_step_divergences_are_the_true_ones() {
    let orders = numbers(&golden()["orders_one_step"]);
    for setting in Setting::all() {
        for (order, expected) in orders.iter().zip(numbers(&setting.row["rdp_one_step_true"])) {
            assert_close(setting.mechanism.divergence(*order), expected, 1.5e-10);
        }
    }
}

#[test]
fn renyi_epsilons_are_those_of_dp_accounting_with_true_divergences() {
    for setting in Setting::all() {
        assert_close(setting.epsilon(Account::Renyi), setting.number("epsilon_rdp_true").unwrap(), 1e-10);
        let integers = (2..=256).map(f64::from);
        let of_integers = setting.mechanism.renyi_epsilon(integers, setting.steps, setting.delta);
        assert_close(of_integers, setting.number("epsilon_rdp_integer").unwrap(), 1e-10);
    }
}

#[test]
fn the_closed_form_is_exact() {
    let settings = Setting::all();
    let with_closed_form: Vec<_> =
        settings.iter().filter(|s| s.number("epsilon_closed_form").is_some()).collect();
    assert_eq!(with_closed_form.len(), 7);
    for setting in with_closed_form {
        let expected = setting.number("epsilon_closed_form").unwrap();
        assert_close(setting.epsilon(Account::ClosedForm), expected, 1e-14);
    }
}

#[test]
fn loss_distributions_lie_between_the_bounds_of_dp_accounting() {
    for setting in Setting::all() {
        let epsilon = loss_distribution::epsilon(&setting.mechanism, setting.steps, setting.delta);
        let (lower, upper) = (setting.number("epsilon_pld_lower"), setting.number("epsilon_pld"));
        assert!(
            lower.unwrap() <= epsilon && epsilon <= upper.unwrap() * (1.0 + 1e-5),
            "{epsilon}: {lower:?}, {upper:?}"
        );
        if let Some(exact) = setting.number("epsilon_closed_form") {
            assert!(exact <= epsilon && epsilon <= exact * (1.0 + 1e-5), "{epsilon}, exactly {exact}");
        }
    }
}

/// By mpmath at 30 digits: the binomial sum at integer orders, quadrature at others.
#[test]
fn divergences_are_precise_far_from_the_golden_settings() {
    for (z, q, order, expected) in [
        (0.029, 0.001, 1.1, 577.9980450822072),
        (0.031, 0.001, 1.1, 496.3351914109052),
        (0.04, 0.5, 1.5, 466.67055845832016),
        (0.1, 1e-09, 10.9, 522.1834749876044),
        (0.2, 0.999999, 3.3, 41.249998565216664),
        (0.5, 1e-09, 1.1, 2.9478955692451413e-17),
        (1.0, 1e-09, 2.0, 1.7182818284590454e-18),
        (8.0, 0.5, 64.0, 0.16512205784612657),
        (100.0, 0.001, 1.1, 5.5002745143210386e-11),
        (100.0, 0.999999, 10.9, 0.0005449989105399154),
    ] {
        assert_close(Mechanism::new(z, q).unwrap().divergence(order), expected, 1e-12);
    }
}

/// By mpmath at 60 digits. Where mu is small the two terms of delta cancel by as much.
#[test]
fn the_closed_form_is_precise_at_extremes() {
    for (z, delta, expected) in [
        (1.0, 1e-300, 37.44884791213911),
        (0.01, 1e-05, 5425.509846147429),
        (0.001, 0.5, 499999.0000003333),
        (0.1, 0.999, 17.909662857984827),
        (1000.0, 1e-05, 0.00193872496986011),
        (10000.0, 1e-12, 0.000530455486723294),
        (1.0, 0.3829, 8.077684859872475e-05),
        (0.5, 0.6, 0.4953231860788165),
    ] {
        assert_close(epsilon(Account::ClosedForm, z, 1.0, 1, delta), expected, 1e-10);
    }
}

#[test]
fn mills_ratio_is_precise_on_both_sides_of_2() {
    for (x, expected) in [
        (0.0, 1.2533141373155003),
        (0.001, 1.252314763639392),
        (0.5, 0.8763644564536923),
        (1.0, 0.6556795424187984),
        (1.999, 0.42152654426936165),
        (2.0, 0.4213692292880545),
        (2.001, 0.4212120211529036),
        (3.0, 0.3045902987101033),
        (5.0, 0.19280810471531576),
        (10.0, 0.09902859647173193),
        (40.0, 0.02498440420572057),
        (1000000.0, 9.99999999999e-7),
    ] {
        assert_close(mills_ratio(x), expected, 1e-14);
    }
}

/// delta(epsilon) of one step is known: P(L > epsilon) - e^epsilon Q(L > epsilon).
#[test]
fn loss_distribution_of_one_step_is_an_upper_bound_and_tight() {
    let tail = |u: f64| {
        let upper = mills_ratio(u.abs()) * (-u * u / 2.0).exp() / std::f64::consts::TAU.sqrt();
        if u > 0.0 { upper } else { 1.0 - upper }
    };
    for (z, q) in [(0.5, 0.001), (0.7, 0.01), (1.0, 0.1), (2.0, 0.5), (1.0, 0.9)] {
        let mechanism = Mechanism::new(z, q).unwrap();
        let delta_of = |epsilon: f64| {
            let removal = mechanism.position(epsilon);
            let removal = (1.0 - q - epsilon.exp()) * tail(removal / z) + q * tail((removal - 1.0) / z);
            let addition = mechanism.position(-epsilon);
            let (without, with) = (tail(-addition / z), tail((1.0 - addition) / z));
            removal.max(without - epsilon.exp() * ((1.0 - q) * without + q * with))
        };
        for delta in [1e-3, 1e-6, 1e-9] {
            let epsilon = loss_distribution::epsilon(&mechanism, 1, delta);
            if epsilon > 0.0 {
                assert!(delta_of(epsilon) <= delta * (1.0 + 1e-9));
                assert!(delta_of(epsilon * (1.0 - 1e-4)) > delta, "z {z}, q {q}, delta {delta}");
            }
        }
    }
}

#[test]
fn loss_distribution_bounds_the_closed_form_from_above_closely() {
    for z in [0.3, 1.0, 10.0] {
        for steps in [1, 100, 1_000_000] {
            for delta in [1e-20, 1e-9, 0.1] {
                let exact = epsilon(Account::ClosedForm, z, 1.0, steps, delta);
                let bound = loss_distribution::epsilon(&Mechanism::new(z, 1.0).unwrap(), steps, delta);
                assert!(
                    exact <= bound && bound <= exact * (1.0 + 1e-4),
                    "{z} {steps} {delta}: {exact} {bound}"
                );
            }
        }
    }
}

#[test]
fn epsilon_is_monotone_in_every_argument() {
    for account in ACCOUNTS {
        let q = if account == Account::ClosedForm { 1.0 } else { 0.02 };
        // The grid of the loss distribution moves with its arguments, hence its result by up to 1e-4.
        let falls = |epsilons: Vec<f64>| {
            assert!(
                epsilons.windows(2).all(|pair| pair[1] <= pair[0] * (1.0 + 1e-12)),
                "{account:?}: {epsilons:?}"
            );
            assert!(epsilons[0] > epsilons[epsilons.len() - 1]);
        };
        let noises = [0.0, 1e-4, 0.02, 0.0299, 0.0301, 0.1, 0.3, 0.6, 1.0, 1.01, 2.0, 5.0, 20.0, 1e3, 1e6];
        falls(noises.iter().map(|z| epsilon(account, *z, q, 1000, 1e-5)).collect());
        let deltas = [1e-100, 1e-12, 1e-6, 1.01e-6, 1e-5, 1e-3, 0.1, 0.9, 0.999];
        falls(deltas.iter().map(|delta| epsilon(account, 0.8, q, 1000, *delta)).collect());
        let steps = [1_000_000, 30_000, 1001, 1000, 100, 10, 2, 1, 0];
        falls(steps.iter().map(|steps| epsilon(account, 0.8, q, *steps, 1e-5)).collect());
        if account != Account::ClosedForm {
            let rates = [1.0, 0.9999, 0.9, 0.5, 0.1, 0.0101, 0.01, 1e-4, 1e-9, 1e-300, 0.0];
            falls(rates.iter().map(|q| epsilon(account, 0.8, *q, 1000, 1e-5)).collect());
        }
    }
}

#[test]
fn the_order_of_the_accounts_is_that_of_their_tightness() {
    for (z, q, steps) in [(0.6, 0.004, 300), (1.0, 0.01, 5000), (3.0, 0.3, 60), (0.05, 0.01, 3)] {
        let (renyi, loss) = (
            epsilon(Account::Renyi, z, q, steps, 1e-6),
            epsilon(Account::LossDistribution, z, q, steps, 1e-6),
        );
        assert!(loss < renyi && renyi.is_finite(), "{renyi} {loss}");
    }
}

#[test]
fn limits() {
    for account in ACCOUNTS {
        assert_eq!(epsilon(account, 1.0, 1.0, 0, 1e-5), 0.0);
        assert_eq!(epsilon(account, 0.0, 1.0, 0, 1e-5), 0.0);
        assert_eq!(epsilon(account, 0.0, 1.0, 1, 1e-5), f64::INFINITY);
        assert_eq!(epsilon(account, 1e-300, 1.0, 1, 1e-5), f64::INFINITY);
        assert_eq!(epsilon(account, 1e12, 1.0, 1, 1e-5), 0.0);
        let most = epsilon(account, 1.0, 1.0, u64::MAX, 1e-5);
        assert!(most > 1e18 && !most.is_nan(), "{account:?}: {most}");
    }
    for account in [Account::Renyi, Account::LossDistribution] {
        assert_eq!(epsilon(account, 1.0, 0.0, 1000, 1e-5), 0.0);
        assert_eq!(epsilon(account, 0.0, 0.0, 1000, 1e-5), 0.0);
        assert_eq!(epsilon(account, 0.0, 0.1, 1000, 1e-5), f64::INFINITY);
        for tiny in [1e-300, 1e-100, 1e-9] {
            assert!(epsilon(account, tiny, 0.5, 1000, 1e-5) > 1e15);
            assert!(epsilon(account, 1.0, tiny, 1, 1e-5) < 1.0);
        }
    }
}

#[test]
fn what_cannot_be_accounted_for_is_refused_in_a_sentence() {
    for z in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(Mechanism::new(z, 0.5), Err(Refusal::NoiseMultiplier(_))));
    }
    for q in [-0.1, 1.1, f64::NAN] {
        assert!(matches!(Mechanism::new(1.0, q), Err(Refusal::Sampling(_))));
    }
    let mechanism = Mechanism::new(1.0, 0.5).unwrap();
    for delta in [0.0, 1.0, -1.0, 2.0, f64::NAN] {
        assert!(matches!(mechanism.epsilon(Account::Renyi, 0, delta), Err(Refusal::Delta(_))));
    }
    let refused = mechanism.epsilon(Account::ClosedForm, 1, 1e-5).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the closed form holds for sampling rate 1 only, not for 0.5: use the loss distribution"
    );
    for epsilon in [-1.0, f64::NAN, f64::INFINITY] {
        let refused = noise_multiplier_for(Account::Renyi, epsilon, 1e-5, 0.5, 10);
        assert!(matches!(refused, Err(Refusal::Epsilon(_))));
    }
    let refused = noise_multiplier_for(Account::ClosedForm, 0.0, 1e-300, 1.0, 1).unwrap_err();
    assert_eq!(refused.to_string(), "no noise multiplier up to 1e15 gives epsilon 0: ask for a larger one");
}

#[test]
fn noise_multipliers_give_the_epsilon_asked_for() {
    for account in ACCOUNTS {
        let q = if account == Account::ClosedForm { 1.0 } else { 0.02 };
        for target in [0.05, 1.0, 8.0, 300.0] {
            let z = noise_multiplier_for(account, target, 1e-5, q, 500).unwrap();
            let reached = epsilon(account, z, q, 500, 1e-5);
            assert!(reached <= target, "{account:?} {target}: {z} gives {reached}");
            assert!(epsilon(account, z / (1.0 + 2e-6), q, 500, 1e-5) > target, "{account:?} {target}: {z}");
        }
        assert_eq!(noise_multiplier_for(account, 1.0, 1e-5, q, 0), Ok(0.0));
    }
    assert_eq!(noise_multiplier_for(Account::Renyi, 1.0, 1e-5, 0.0, 10), Ok(0.0));
    // More than any noise spends.
    assert!(noise_multiplier_for(Account::Renyi, 1e300, 1e-5, 0.1, 10).unwrap() < 1e-5);
    assert!(noise_multiplier_for(Account::ClosedForm, 0.0, 1e-5, 1.0, 1).unwrap() > 1e4);
}
