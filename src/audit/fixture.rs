//! Reports for tests.

use super::{Attempt, Bounds, Protection, Report, Round, SCHEMA, Subject, Untried};
use crate::fl::self_test::{Nearest, SelfTest};

/// An attack that brought so many of four pictures back.
pub fn attempt(letter: &str, title: &str, recovered: usize, psnr: f64) -> Attempt {
    let round = Round {
        round: 0,
        recovered: Some(recovered),
        psnr: Some([psnr, psnr + 2.5, psnr - 2.5]),
        without_update: Some(10.4),
        labels: None,
        verdict: None,
        figures: [("brr".to_owned(), recovered as f64 / 4.0)].into(),
        evaluations: 100,
        seconds: 3.0,
    };
    Attempt {
        run: format!("{letter}-attack_pair-00"),
        attack: "attack".into(),
        title: title.into(),
        source: "Somebody, 2020".into(),
        threat_model: letter.into(),
        knows: vec!["the labels".into()],
        seed: 0,
        backend: "flex".into(),
        threads: Some(1),
        command: None,
        config: String::new(),
        result_sha256: String::new(),
        rounds: vec![round],
        failed: None,
    }
}

/// A report with one attack that works, a control and a protection.
pub fn report() -> Report {
    Report {
        schema: SCHEMA,
        gialab: "0.1.0".into(),
        burn: "0.21.0".into(),
        made: 0.0,
        command: "gialab audit ig-lenet --budget 5min".into(),
        budget: "5min for all searches, 30.0s for each attack".into(),
        subject: Subject {
            name: "ig-lenet".into(),
            captured: false,
            conditions: vec!["model lenet, untrained".into(), "FedSGD".into()],
            samples: 4,
            rows: false,
            has_truth: true,
            post: None,
            privacy: None,
            reading: Vec::new(),
            files: Vec::new(),
            config: String::new(),
        },
        self_test: None,
        taken: Vec::new(),
        bounds: Bounds { dimension: "P_eff = 15047 >= B*d = 12288: no verdict".into(), ..Bounds::default() },
        attempts: vec![
            attempt("A", "Improved Deep Leakage", 0, 12.1),
            attempt("B", "Inverting Gradients", 1, 22.3),
        ],
        control: Some(attempt("B", "Inverting Gradients", 0, 9.1)),
        clients: vec![Attempt {
            run: "client-2_B-attack_pair-00".into(),
            ..attempt("B", "Inverting Gradients", 2, 24.0)
        }],
        not_tried: vec![Untried {
            title: "GGL".into(),
            threat_model: "D".into(),
            why: "no generator is given".into(),
        }],
        elsewhere: 78,
        limit: 0.0,
        protections: vec![Protection {
            steps: vec!["90 % zeros".into()],
            setting: "post=[{ kind = \"sparsify\", share = 0.9 }]".into(),
            attempt: attempt("B", "Inverting Gradients", 0, 11.2),
            holds: true,
            cost: Some("0.4 (0.2 to 0.6) points of 77.0 % accuracy, 3 seeds, 20 rounds".into()),
            unmeasured: None,
            lost: Some(0.4),
            bytes: Some((10_000, 60_000)),
        }],
        unfit: Vec::new(),
        unprotected: None,
        thresholds: Vec::new(),
        seal: String::new(),
    }
}

/// A self-test that made the update or came within 0.3 of it, by these changes.
pub fn test(makes_it: bool, words: &[&str]) -> SelfTest {
    let words = words.iter().map(|word| (*word).to_owned()).collect();
    let nearest = Nearest { words, changes: Vec::new(), left: 0.3, makes_it };
    SelfTest {
        left: Some(0.3),
        refused: None,
        nearest: Some(nearest),
        simulations: 9,
        told: None,
        noise: None,
    }
}
