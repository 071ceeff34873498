//! Trained victims that are part of the program. `assets/victims/README.md` has the commands that made them.

/// Names that `victim.weights` takes, with their files.
pub const SHIPPED: [(&str, &[u8]); 3] = [
    ("fashion-lenet5", include_bytes!("../../assets/victims/fashion-lenet5.safetensors")),
    ("fashion-resnet20", include_bytes!("../../assets/victims/fashion-resnet20.safetensors")),
    ("digits-lenet5", include_bytes!("../../assets/victims/digits-lenet5.safetensors")),
];

/// Names that `knowledge.generator` takes, with their files. `assets/generators/README.md` has the commands that made them.
pub const GENERATORS: [(&str, &[u8]); 2] = [
    ("fashion28-vae", include_bytes!("../../assets/generators/fashion28-vae.safetensors")),
    ("fashion28-autoencoder", include_bytes!("../../assets/generators/fashion28-autoencoder.safetensors")),
];

/// The shipped file of this name. `./fashion-lenet5` is always a path.
pub fn shipped(name: &str) -> Option<&'static [u8]> {
    SHIPPED.iter().find(|(shipped, _)| *shipped == name).map(|(_, file)| *file)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::{RunConfig, preset};
    use crate::fl::{Server, Setup};
    use crate::weights::WeightFile;

    /// Classifies what it was trained for, on samples that it was not trained on (the digits: that it was).
    #[test]
    fn shipped_victims_classify_the_built_in_sets() {
        for (weights, data, model, options, least) in [
            ("fashion-lenet5", "fashion28", "lenet5", "", 0.85),
            ("fashion-resnet20", "fashion28", "resnet20", "0.5", 0.85),
            ("digits-lenet5", "digits28", "lenet5", "", 0.85),
        ] {
            let changes = [
                format!("victim.data={data}"),
                "victim.size=".into(),
                format!("victim.model={model}"),
                format!("victim.options.width={options}"),
                format!("victim.weights={weights}"),
                "federation.rounds=1".into(),
                "federation.learning_rate=0.1".into(),
            ];
            let config: RunConfig =
                preset::load("ig-lenet", &changes, std::path::Path::new("/nonexistent")).unwrap().config;
            let setup = Setup::new(&config).unwrap();
            let compute = crate::backend::Compute::select("flex", crate::backend::Precision::F32).unwrap();
            let standing = Server::new(&setup, &config, compute).standing().unwrap().unwrap();
            assert!(standing.accuracy > least, "{weights}: {standing:?}");
        }
    }

    #[test]
    fn shipped_generators_make_pictures_of_their_classes() {
        // Of an autoencoder's features nobody tells the class.
        for (name, file) in GENERATORS.iter().filter(|(name, _)| !name.ends_with("autoencoder")) {
            assert!(file.len() < 3 << 20, "{name}");
            let made = WeightFile::parse(file).unwrap().generator().unwrap();
            let compute = crate::backend::Compute::select("flex", crate::backend::Precision::F32).unwrap();
            let generator = made.on(&compute);
            let (net, labels) = (&generator.net, (0..10).collect::<Vec<usize>>());
            let codes = generator.labelled(&vec![0.0; 10 * net.latent()], &labels);
            let pictures = generator.through(&compute, net.whole(), 10, &codes);
            // A victim that saw the true ones tells what they are.
            let set = crate::data::open("fashion28").unwrap();
            // Its classes take turns.
            let mean = |label: usize| -> Vec<f64> {
                let of: Vec<usize> = (0..set.len()).filter(|at| at % 10 == label).collect();
                let images = set.batch(&of, None).unwrap().images;
                (0..784)
                    .map(|p| (0..of.len()).map(|at| images.sample(at)[p]).sum::<f64>() / of.len() as f64)
                    .collect()
            };
            let apart = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
            let means: Vec<Vec<f64>> = labels.iter().map(|label| mean(*label)).collect();
            let right = labels.iter().filter(|label| {
                let made = &pictures[**label * 784..(**label + 1) * 784];
                let nearest = labels
                    .iter()
                    .min_by(|a, b| apart(made, &means[**a]).total_cmp(&apart(made, &means[**b])));
                nearest == Some(label)
            });
            let right = right.count();
            assert!(right >= 7, "{name}: {right}");
        }
    }

    #[test]
    fn every_shipped_file_is_readable() {
        for (name, file) in SHIPPED {
            assert!(WeightFile::parse(file).unwrap().count() > 10_000, "{name}");
            assert!(file.len() < 3 << 20, "{name}");
        }
        assert!(shipped("fashion").is_none());
    }
}
