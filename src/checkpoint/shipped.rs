//! Trained victims that are part of the program. `assets/victims/README.md` has the commands that made them.

/// Names that `victim.weights` takes, with their files.
pub const SHIPPED: [(&str, &[u8]); 3] = [
    ("fashion-lenet5", include_bytes!("../../assets/victims/fashion-lenet5.safetensors")),
    ("fashion-resnet20", include_bytes!("../../assets/victims/fashion-resnet20.safetensors")),
    ("digits-lenet5", include_bytes!("../../assets/victims/digits-lenet5.safetensors")),
];

/// Names that `knowledge.generator` takes, with their files. `assets/generators/README.md` has the command that made them.
pub const GENERATORS: [(&str, &[u8]); 1] =
    [("fashion28-vae", include_bytes!("../../assets/generators/fashion28-vae.safetensors"))];

/// The shipped file of this name. `./fashion-lenet5` is always a path.
pub fn shipped(name: &str) -> Option<&'static [u8]> {
    SHIPPED.iter().find(|(shipped, _)| *shipped == name).map(|(_, file)| *file)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::checkpoint::Checkpoint;
    use crate::config::{RunConfig, preset};
    use crate::fl::{Server, Setup};

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
    fn every_shipped_file_is_readable() {
        for (name, file) in SHIPPED {
            assert!(Checkpoint::parse(file).unwrap().count() > 10_000, "{name}");
            assert!(file.len() < 3 << 20, "{name}");
        }
        assert!(shipped("fashion").is_none());
    }
}
