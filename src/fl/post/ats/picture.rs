//! Pictures in 8 bit, and what is done to their values as the Python Imaging Library does it, rounding included.

/// Channel by channel, row by row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Picture {
    pub width: usize,
    pub height: usize,
    pub channels: Vec<Vec<u8>>,
}

impl Picture {
    /// Of pixels in [0, 1], channel by channel.
    pub fn of(pixels: &[f64], width: usize, height: usize) -> Picture {
        let eight = |value: &f64| (255.0 * value).round().clamp(0.0, 255.0) as u8;
        let channels = pixels.chunks(width * height).map(|channel| channel.iter().map(eight).collect());
        Picture { width, height, channels: channels.collect() }
    }

    /// Into pixels in [0, 1].
    pub fn write(&self, pixels: &mut [f64]) {
        let values = self.channels.iter().flatten();
        pixels.iter_mut().zip(values).for_each(|(pixel, value)| *pixel = f64::from(*value) / 255.0);
    }

    /// Every channel changed.
    pub fn with(&self, change: impl Fn(&[u8]) -> Vec<u8>) -> Picture {
        Picture { channels: self.channels.iter().map(|channel| change(channel)).collect(), ..*self }
    }

    /// Every value changed.
    pub fn mapped(&self, change: impl Fn(u8) -> u8) -> Picture {
        self.with(|channel| channel.iter().map(|value| change(*value)).collect())
    }

    /// `factor` of this and the rest of another: beyond 1 away from it.
    pub fn blended(&self, other: &Picture, factor: f64) -> Picture {
        let factor = factor as f32;
        let one = |own: &u8, other: &u8| {
            let (own, other) = (f32::from(*own), f32::from(*other));
            (other + factor * (own - other)).clamp(0.0, 255.0) as u8
        };
        let channels = self.channels.iter().zip(&other.channels);
        let channels = channels.map(|(own, other)| own.iter().zip(other).map(|(a, b)| one(a, b)).collect());
        Picture { channels: channels.collect(), ..*self }
    }

    /// Its luma (ITU-R 601-2) in every channel.
    pub fn grey(&self) -> Picture {
        let [red, green, blue] = self.channels.as_slice() else { return self.clone() };
        let luma = |((r, g), b): ((&u8, &u8), &u8)| {
            ((u32::from(*r) * 19595 + u32::from(*g) * 38470 + u32::from(*b) * 7471 + 0x8000) >> 16) as u8
        };
        let grey: Vec<u8> = red.iter().zip(green).zip(blue).map(luma).collect();
        Picture { channels: vec![grey; 3], ..*self }
    }

    /// The mean of its luma everywhere.
    pub fn flat(&self) -> Picture {
        let grey = &self.grey().channels[0];
        let sum: u64 = grey.iter().map(|value| u64::from(*value)).sum();
        let mean = (sum as f64 / grey.len() as f64 + 0.5) as u8;
        self.mapped(|_| mean)
    }

    /// Each value mixed with its neighbours, 5 to 1 each; those at the border stay.
    pub fn smooth(&self) -> Picture {
        let (width, height) = (self.width, self.height);
        self.with(|channel| {
            let mut out = channel.to_vec();
            for y in 1..height.saturating_sub(1) {
                for x in 1..width.saturating_sub(1) {
                    let around = (y - 1..=y + 1).flat_map(|y| (x - 1..=x + 1).map(move |x| y * width + x));
                    let sum: u32 = around.map(|at| u32::from(channel[at])).sum();
                    let sum = sum + 4 * u32::from(channel[y * width + x]);
                    out[y * width + x] = (f64::from(sum) / 13.0 + 0.5) as u8;
                }
            }
            out
        })
    }

    /// Every channel from its least value to its largest made 0 to 255.
    pub fn stretched(&self) -> Picture {
        self.with(|channel| {
            let (least, most) = (channel.iter().min().copied(), channel.iter().max().copied());
            let (least, most) = (f64::from(least.unwrap_or(0)), f64::from(most.unwrap_or(0)));
            if most <= least {
                return channel.to_vec();
            }
            let scale = 255.0 / (most - least);
            let offset = -least * scale;
            channel.iter().map(|value| (f64::from(*value) * scale + offset).clamp(0.0, 255.0) as u8).collect()
        })
    }

    /// The histogram of every channel made flat.
    pub fn equalised(&self) -> Picture {
        self.with(|channel| {
            let mut histogram = [0_usize; 256];
            channel.iter().for_each(|value| histogram[usize::from(*value)] += 1);
            let last = histogram.iter().rev().find(|count| **count > 0).copied().unwrap_or(0);
            let step = (channel.len() - last) / 255;
            if step == 0 {
                return channel.to_vec();
            }
            let mut below = step / 2;
            let table = histogram.map(|count| {
                let level = (below / step).min(255) as u8;
                below += count;
                level
            });
            channel.iter().map(|value| table[usize::from(*value)]).collect()
        })
    }
}
