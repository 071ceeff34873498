//! Priors against finite differences, and what they refuse.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::config::{AttackConfig, ModelOptions, PRIORS, Priors};
use crate::model;
use crate::seed::{Seed, normal};

const RANGE: [(f64, f64); 3] = [(-1.5, 1.2), (-2.0, 2.0), (-0.4, 0.9)];

#[test]
fn every_gradient_is_the_slope() {
    for shape in [[2, 3, 4, 5], [1, 3, 1, 6], [1, 3, 2, 1]] {
        let mut x = normal(&mut Seed(3).stream("x", &[]), shape.iter().product());
        for facts in &PRIORS {
            let Prior::OfCandidate(function) = function(facts.kind) else { continue };
            let weight = 0.7;
            let value = |x: &[f64]| {
                let candidate = Candidate { x, shape, range: &RANGE, epochs: 1 };
                add(&Priors::one(facts.kind, weight), candidate, &mut vec![0.0; x.len()])
            };
            let mut gradient = vec![1.0; x.len()];
            function(Candidate { x: &x, shape, range: &RANGE, epochs: 1 }, weight, &mut gradient);
            for i in 0..x.len() {
                let kept = x[i];
                let mut at = |step: f64| {
                    x[i] = kept + step;
                    let value = value(&x);
                    x[i] = kept;
                    value
                };
                let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
                let found = gradient[i] - 1.0;
                assert!((found - slope).abs() < 1e-7, "{} {shape:?} {i}: {found} {slope}", facts.key);
            }
        }
    }
}

#[test]
fn a_weighted_sum_is_that_of_its_parts() {
    let x = normal(&mut Seed(3).stream("x", &[]), 48);
    let candidate = Candidate { x: &x, shape: [1, 3, 4, 4], range: &RANGE, epochs: 1 };
    let of = |priors: &Priors| {
        let mut to = vec![0.0; x.len()];
        (add(priors, candidate, &mut to), to)
    };
    let (tv, of_tv) = of(&Priors::one(PriorKind::Tv, 0.5));
    let (square, of_square) = of(&Priors::one(PriorKind::L2norm, 2.0));
    let both: Priors = toml::from_str("tv = 0.5\nl2norm = 2.0\nclip-box = 0.0").unwrap();
    let (value, of_both) = of(&both);
    assert!(tv > 0.0 && square > 0.0 && (value - tv - square).abs() < 1e-12);
    assert!(
        of_both.iter().zip(of_tv.iter().zip(&of_square)).all(|(both, (a, b))| (both - a - b).abs() < 1e-12)
    );
    assert_eq!(of(&Priors::default()), (0.0, vec![0.0; x.len()]));
}

/// A model for samples of this shape, with BatchNorm or without.
fn net(model: &str, shape: [usize; 3]) -> Net {
    model::architecture(model).unwrap().net(&ModelOptions::default(), shape, 10).unwrap()
}

fn search(kind: PriorKind, weight: f64) -> Search {
    let text = "kind = \"inverting-gradients\"";
    let config: AttackConfig = toml::from_str(text).unwrap();
    Search { prior: Priors::one(kind, weight), ..config.search().unwrap().clone() }
}

#[test]
fn what_does_not_fit_the_candidate_is_refused_by_name() {
    let refused = |kind, shape| check(&search(kind, 0.1), &net("mlp", shape), &Labels::Given);
    for kind in [PriorKind::Tv, PriorKind::TvL2, PriorKind::TvSq, PriorKind::TvColor] {
        let error = refused(kind, [1, 1, 30]).unwrap_err();
        let key = kind.facts().key;
        assert!(error.starts_with(key) && error.contains("rows of a table"), "{error}");
        assert!(error.ends_with(&format!("--set {key}=0")), "{error}");
        assert_eq!(refused(kind, [3, 8, 8]), Ok(()));
        assert_eq!(check(&search(kind, 0.0), &net("mlp", [1, 1, 30]), &Labels::Given), Ok(()));
    }
    let error = refused(PriorKind::TvColor, [1, 28, 28]).unwrap_err();
    assert!(error.contains("the samples have 1 channel(s)"), "{error}");
    for kind in [PriorKind::L2norm, PriorKind::ClipBox, PriorKind::Loss] {
        assert_eq!(refused(kind, [1, 1, 30]), Ok(()));
    }
}

#[test]
fn what_a_prior_needs_besides_is_refused_by_name() {
    let plain = net("mlp", [3, 32, 32]);
    let of = |kind, labels| check(&search(kind, 0.1), &plain, &labels).unwrap_err();
    let error = of(PriorKind::Bn, Labels::Given);
    assert!(
        error.starts_with("attack.prior.bn matches BatchNorm statistics, but the model has no"),
        "{error}"
    );
    assert_eq!(check(&search(PriorKind::Bn, 0.1), &net("convnet64", [3, 32, 32]), &Labels::Given), Ok(()));
    let error = of(PriorKind::Group, Labels::Given);
    assert!(error.contains("but attack.members = 1"), "{error}");
    for kind in [PriorKind::Loss, PriorKind::Feat] {
        let error = of(kind, Labels::Optimise);
        assert!(error.contains("but attack.labels = \"optimise\""), "{error}");
        assert_eq!(check(&search(kind, 0.1), &plain, &Labels::Given), Ok(()));
    }
}
