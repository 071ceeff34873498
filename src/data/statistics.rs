//! A set's own normalisation: mean and standard deviation of each channel over its samples.

use rayon::prelude::*;

use super::{DataError, Dataset, Normalisation, Samples};
use crate::config::Normalise;
use crate::reading::Reading;

/// Stored samples that are looked at, spread evenly over the set.
const MOST_STORED: usize = 4096;
/// Pictures that are decoded for it.
const MOST_PICTURES: usize = 256;

impl Dataset {
    /// Public map between pixels and model input: the published one of a known set, else the set's own, over
    /// 4,096 of its samples (256 of its pictures) at most. Every sample weighs the same; a channel that never
    /// changes is not scaled; pictures that cannot be read are left out.
    pub fn normalisation(&self) -> Normalisation {
        self.known.clone().unwrap_or_else(|| self.own_without(&[]))
    }

    /// The map that a preset asks for. The attacker knows it, so a set's own says nothing of the samples that are
    /// `attacked`: it is that of all others.
    ///
    /// # Errors
    /// [`DataError::Channels`] if it gives constants for another number of channels.
    pub fn normalised_by(&self, choice: &Normalise, attacked: &[usize]) -> Result<Normalisation, DataError> {
        match choice {
            // What the attacker takes it for who is not granted the client's own.
            Normalise::Own(true) | Normalise::Client(_) => {
                Ok(self.known.clone().unwrap_or_else(|| self.own_without(attacked)))
            }
            Normalise::Own(false) => Ok(Normalisation::identity(self.channels)),
            Normalise::By { mean, .. } if mean.len() != self.channels => {
                let (given, channels) = (mean.len(), self.channels);
                Err(DataError::Channels { given, set: self.name.clone(), channels })
            }
            Normalise::By { mean, std } => Ok(Normalisation { mean: mean.clone(), std: std.clone() }),
        }
    }

    /// The map of a client that takes mean and deviation of its own samples, which it does not tell by itself.
    pub fn normalisation_of(&self, samples: &[usize]) -> Normalisation {
        self.over(samples, &[]).unwrap_or_else(|| Normalisation::identity(self.channels))
    }

    /// How that map was found, where it was computed.
    pub fn normalisation_reading(&self, choice: &Normalise, attacked: &[usize]) -> Reading {
        let mut reading = Reading::default();
        if choice.is_clients() {
            reading.note("victim.normalise: mean and deviation of the client's own samples".to_owned());
        }
        if *choice == Normalise::Own(true) && self.known.is_none() {
            let others = (0..self.len()).filter(|at| !attacked.contains(at)).count();
            reading.note(match others {
                0 => {
                    "victim.normalise: a public mean and deviation, since all samples of the set are attacked"
                        .to_owned()
                }
                _ => format!(
                    "victim.normalise: mean and deviation of the {others} samples that are not attacked"
                ),
            });
        }
        reading
    }

    /// The statistics of all samples but these; public constants if there is no other.
    fn own_without(&self, attacked: &[usize]) -> Normalisation {
        let public = match self.channels {
            1 => Normalisation::mnist(),
            3 => Normalisation::cifar10(),
            channels => Normalisation::identity(channels),
        };
        self.statistics(attacked).unwrap_or(public)
    }

    fn statistics(&self, attacked: &[usize]) -> Option<Normalisation> {
        let most = match &self.samples {
            Samples::Pictures(_) => MOST_PICTURES,
            Samples::Stored { .. } | Samples::Rows { .. } => MOST_STORED,
        };
        let count = self.len().min(most);
        // Collected in order, so that the sum is the same with any number of threads.
        let looked_at: Vec<usize> =
            (0..count).map(|i| i * self.len() / count).filter(|at| !attacked.contains(at)).collect();
        // A copy of a private sample says as much as the sample.
        let private: Vec<_> = attacked.iter().filter_map(|at| self.values(*at, None).ok()).collect();
        self.over(&looked_at, &private)
    }

    /// Of these samples, but for those with private values.
    fn over(&self, samples: &[usize], private: &[((usize, usize), Vec<f64>)]) -> Option<Normalisation> {
        let moments: Vec<Vec<(f64, f64)>> = samples
            .par_iter()
            .filter_map(|&at| self.values(at, None).ok())
            .filter(|values| !private.contains(values))
            .map(|((height, width), values)| values.chunks(height * width).map(moments).collect())
            .collect();
        if moments.is_empty() {
            return None;
        }
        let samples = moments.len() as f64;
        let channel = |c: usize| {
            let sum = |f: fn(&(f64, f64)) -> f64| moments.iter().map(|sample| f(&sample[c])).sum::<f64>();
            let mean = sum(|moments| moments.0) / samples;
            let std = (sum(|moments| moments.1) / samples - mean * mean).max(0.0).sqrt();
            // Less than rounding leaves of 8-bit levels.
            (mean, if std < 1e-6 { 1.0 } else { std })
        };
        let (mean, std) = (0..self.channels).map(channel).unzip();
        Some(Normalisation { mean, std })
    }
}

/// Mean of the values and of their squares.
fn moments(values: &[f64]) -> (f64, f64) {
    let count = values.len().max(1) as f64;
    (values.iter().sum::<f64>() / count, values.iter().map(|value| value * value).sum::<f64>() / count)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;
    use std::path::Path;

    use image::{Rgb, RgbImage};

    use super::*;
    use crate::data;

    fn near(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-9, "{found} instead of {expected}");
        }
    }

    fn open(path: &Path) -> Dataset {
        data::open(path.to_str().unwrap()).unwrap()
    }

    #[test]
    fn a_folder_has_its_own_mean_and_deviation() {
        let folder = tempfile::tempdir().unwrap();
        // Pictures of several sizes weigh the same: red is 0 or 255, green 51 or 153, blue always 102.
        for (name, side, pixel) in [("a.png", 8, [0, 51, 102]), ("b.png", 40, [255, 153, 102])] {
            RgbImage::from_pixel(side, side, Rgb(pixel)).save(folder.path().join(name)).unwrap();
        }
        let normalisation = open(folder.path()).normalisation();
        near(&normalisation.mean, &[0.5, 0.4, 0.4]);
        near(&normalisation.std, &[0.5, 0.2, 1.0]);
    }

    #[test]
    fn files_have_their_own_unless_they_are_a_known_set() {
        let folder = tempfile::tempdir().unwrap();
        let digits: &[u8] = include_bytes!("../../assets/digits28/digits500-images-idx3-ubyte");
        let labels: &[u8] = include_bytes!("../../assets/digits28/digits500-labels-idx1-ubyte");
        fs::write(folder.path().join("x-images-idx3-ubyte"), digits).unwrap();
        fs::write(folder.path().join("x-labels-idx1-ubyte"), labels).unwrap();
        let own = open(&folder.path().join("x-images-idx3-ubyte")).normalisation();
        let pixels = &digits[16..];
        let count = pixels.len() as f64;
        let mean = pixels.iter().map(|&byte| f64::from(byte) / 255.0).sum::<f64>() / count;
        let square = pixels.iter().map(|&byte| (f64::from(byte) / 255.0 - mean).powi(2)).sum::<f64>() / count;
        near(&own.mean, &[mean]);
        near(&own.std, &[square.sqrt()]);
        assert!((own.mean[0] - 0.13).abs() < 0.02 && (own.std[0] - 0.31).abs() < 0.02, "{own:?}");
        assert_eq!(data::open("digits28").unwrap().normalisation(), Normalisation::mnist());

        let records: Vec<u8> =
            (0..2 * 3073_usize).map(|i| if i % 3073 == 0 { 1 } else { (i % 3) as u8 }).collect();
        let path = folder.path().join("data.bin");
        fs::write(&path, &records).unwrap();
        assert_eq!(open(&path).normalisation(), Normalisation::cifar10());
        fs::write(folder.path().join("batches.meta.txt"), "yes\nno\n").unwrap();
        assert!((open(&path).normalisation().mean[0] - 1.0 / 255.0).abs() < 1e-3);
    }

    #[test]
    fn large_sets_are_sampled_over_all_of_their_length() {
        // 2 * 4096 samples; the first half is black and the second white.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x-images-idx3-ubyte");
        let mut images = vec![0, 0, 8, 3, 0, 0, 0x20, 0, 0, 0, 0, 8, 0, 0, 0, 8];
        images.extend((0..8192).flat_map(|i| [if i < 4096 { 0 } else { 255 }; 64]));
        fs::write(&path, images).unwrap();
        let mut labels = vec![0, 0, 8, 1, 0, 0, 0x20, 0];
        labels.extend([0; 8192]);
        fs::write(folder.path().join("x-labels-idx1-ubyte"), labels).unwrap();
        let normalisation = open(&path).normalisation();
        near(&normalisation.mean, &[0.5]);
        near(&normalisation.std, &[0.5]);
    }

    #[test]
    fn a_preset_chooses_among_own_none_and_given() {
        let set = data::open("digits28").unwrap();
        let by = |choice| set.normalised_by(&choice, &[0]);
        assert_eq!(by(Normalise::Own(true)).unwrap(), Normalisation::mnist());
        assert_eq!(by(Normalise::Own(false)).unwrap(), Normalisation::identity(1));
        let given = Normalise::By { mean: vec![0.5], std: vec![0.25] };
        assert_eq!(by(given).unwrap(), Normalisation { mean: vec![0.5], std: vec![0.25] });
        let colour = Normalise::By { mean: vec![0.5; 3], std: vec![0.25; 3] };
        assert_eq!(
            by(colour).unwrap_err().to_string(),
            "victim.normalise has 3 means and deviations, but the samples of digits28 have 1 channels: \
             give one for each"
        );
    }

    #[test]
    fn attacked_samples_never_enter_what_the_attacker_knows() {
        let folder = tempfile::tempdir().unwrap();
        let save = |name: &str, pixel| {
            RgbImage::from_pixel(8, 8, Rgb(pixel)).save(folder.path().join(name)).unwrap();
        };
        let own = |attacked: &[usize]| {
            let set = open(folder.path());
            (
                set.normalised_by(&Normalise::Own(true), attacked).unwrap(),
                set.normalisation_reading(&Normalise::Own(true), attacked).notes().join(""),
            )
        };
        save("a.png", [255, 0, 51]);
        save("b.png", [0, 51, 102]);
        save("c.png", [255, 153, 102]);
        let (before, note) = own(&[0]);
        near(&before.mean, &[0.5, 0.4, 0.4]);
        assert!(note.ends_with("of the 2 samples that are not attacked"));
        save("a.png", [7, 200, 90]);
        assert_eq!(own(&[0]).0, before, "another private picture, the same public map");
        assert_ne!(own(&[1]).0, before);
        // A copy of it is as private.
        save("d.png", [7, 200, 90]);
        assert_eq!(own(&[0]).0, before);
        fs::remove_file(folder.path().join("d.png")).unwrap();
        let (all, note) = own(&[0, 1, 2]);
        assert_eq!(all, Normalisation::cifar10());
        assert!(note.contains("all samples of the set are attacked"));
    }

    #[test]
    fn tables_and_single_pictures_keep_what_says_nothing_of_them() {
        assert_eq!(data::open("iris").unwrap().normalisation(), Normalisation::identity(1));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("me.png");
        RgbImage::from_pixel(8, 8, Rgb([9; 3])).save(&path).unwrap();
        assert_eq!(open(&path).normalisation(), Normalisation::cifar10());
    }
}
