//! The affine map between pixels and what a model sees; it belongs to the data set and is public.

use super::Images;

/// Per-channel mean and standard deviation: a model sees `(pixel - mean) / std`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Normalisation {
    /// One per channel, in pixels of range [0, 1].
    pub mean: Vec<f64>,
    /// One per channel, positive.
    pub std: Vec<f64>,
}

impl Normalisation {
    /// CIFAR-10's training set; also used for the built-in colour sets and for a single picture.
    pub fn cifar10() -> Normalisation {
        Normalisation { mean: vec![0.4914, 0.4822, 0.4465], std: vec![0.2470, 0.2435, 0.2616] }
    }

    /// CIFAR-100's training set.
    pub fn cifar100() -> Normalisation {
        Normalisation { mean: vec![0.5071, 0.4865, 0.4409], std: vec![0.2673, 0.2564, 0.2762] }
    }

    /// MNIST's training set.
    pub fn mnist() -> Normalisation {
        Normalisation { mean: vec![0.1307], std: vec![0.3081] }
    }

    /// Fashion-MNIST's training set.
    pub fn fashion_mnist() -> Normalisation {
        Normalisation { mean: vec![0.2860], std: vec![0.3530] }
    }

    /// Leaves pixels as they are.
    pub fn identity(channels: usize) -> Normalisation {
        Normalisation { mean: vec![0.0; channels], std: vec![1.0; channels] }
    }

    /// Smallest and largest normalised value of each channel.
    pub fn range(&self) -> Vec<(f64, f64)> {
        self.mean.iter().zip(&self.std).map(|(mean, std)| (-mean / std, (1.0 - mean) / std)).collect()
    }

    /// Normalised values, laid out as the images are.
    ///
    /// # Panics
    /// If the images have more channels than this normalisation.
    pub fn apply(&self, images: &Images) -> Vec<f64> {
        self.map(&images.pixels, images.shape(), |value, mean, std| (value - mean) / std)
    }

    /// Deviation of each channel as a model sees it whose inputs are normalised by this, of data with `data`'s mean
    /// and deviation: 1 if they are the same.
    pub fn deviation_of(&self, data: &Normalisation) -> Vec<f64> {
        data.std.iter().zip(&self.std).map(|(data, own)| data / own).collect()
    }

    /// Images from normalised values of shape `[samples, channels, height, width]`, **not** clamped.
    ///
    /// # Panics
    /// If the shape has more channels than this normalisation.
    pub fn undo(&self, values: &[f64], shape: [usize; 4]) -> Images {
        let [samples, channels, height, width] = shape;
        let pixels = self.map(values, shape, |value, mean, std| value * std + mean);
        Images { samples, channels, height, width, pixels }
    }

    fn map(&self, values: &[f64], shape: [usize; 4], f: impl Fn(f64, f64, f64) -> f64) -> Vec<f64> {
        let [_, channels, height, width] = shape;
        let plane = (height * width).max(1);
        let place = |i: usize| i / plane % channels;
        values.iter().enumerate().map(|(i, &v)| f(v, self.mean[place(i)], self.std[place(i)])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_channel_has_its_own_mean_and_std() {
        let images = Images { samples: 2, channels: 3, height: 1, width: 2, pixels: vec![0.5; 12] };
        let values = Normalisation::cifar10().apply(&images);
        assert_eq!(values[1], (0.5 - 0.4914) / 0.2470);
        assert_eq!(values[4], (0.5 - 0.4465) / 0.2616);
        assert_eq!(values[8], (0.5 - 0.4822) / 0.2435);
    }

    #[test]
    fn data_has_deviation_one_under_its_own_normalisation() {
        let (set, none) = (Normalisation::cifar10(), Normalisation::identity(3));
        assert_eq!(set.deviation_of(&set), [1.0; 3]);
        assert_eq!(none.deviation_of(&set), set.std);
    }

    #[test]
    fn undo_reverses_apply_without_clamping() {
        let pixels: Vec<f64> = (0..24).map(|i| f64::from(i) / 10.0 - 0.5).collect();
        let images = Images { samples: 2, channels: 3, height: 2, width: 2, pixels };
        let normalisation = Normalisation::cifar10();
        let back = normalisation.undo(&normalisation.apply(&images), images.shape());
        assert_eq!(back.shape(), images.shape());
        for (a, b) in back.pixels.iter().zip(&images.pixels) {
            assert!((a - b).abs() < 1e-15);
        }
    }
}
