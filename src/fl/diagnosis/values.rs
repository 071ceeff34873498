//! What the numbers of an update tell by themselves: how exact they are, and what was done to them.

/// Most distinct values of a tensor that was quantised to levels.
const LEVELS: usize = 256;
/// Smallest tensor whose levels are counted: of few numbers many are equal by chance.
const ENOUGH: usize = 1_000;

/// The relative error of numbers that were sent in 32, 16 or bfloat16 bits, told by what they all can be written in.
pub fn rounding<'a>(values: impl Iterator<Item = &'a f64>) -> f64 {
    let (mut bf16, mut f16) = (true, true);
    for &value in values {
        bf16 &= f64::from(f32::from_bits((value as f32).to_bits() & 0xffff_0000)) == value;
        f16 &= half::f16::from_f64(value).to_f64() == value;
        if !bf16 && !f16 {
            return 2f64.powi(-24);
        }
    }
    // Of numbers that both can write the coarser: few bfloat16 are no half.
    if bf16 { 2f64.powi(-8) } else { 2f64.powi(-11) }
}

/// What was done to the tensors of an update, given with their shapes, if it shows: signs, levels, zeros.
pub fn transformed(tensors: &[(&[usize], &[f64])]) -> Option<String> {
    let (count, zeros) = tensors.iter().fold((0, 0), |(count, zeros), (shape, values)| {
        let (here, empty) = scattered(shape, values);
        (count + here, zeros + empty)
    });
    let tensors: Vec<&[f64]> = tensors.iter().map(|(_, values)| *values).collect();
    let signs = |tensor: &&[f64]| {
        let size = tensor.iter().map(|value| value.abs()).fold(0.0, f64::max);
        tensor.iter().all(|value| *value == 0.0 || value.abs() == size)
    };
    if count >= ENOUGH && tensors.iter().all(signs) {
        return Some("holds signs alone, as signSGD sends them: their sizes are lost".into());
    }
    // Many ReLUs, and rounding to 16 bit, leave half of the numbers zero by themselves.
    if count >= ENOUGH && zeros * 5 > count * 4 {
        let share = 100.0 * zeros as f64 / count as f64;
        return Some(format!("is {share:.0} % zeros, as a sparsified update is"));
    }
    if let Some(least) = threshold(&tensors).filter(|_| zeros * 10 > count) {
        let share = 100.0 * zeros as f64 / count as f64;
        return Some(format!(
            "has {share:.0} % zeros and no other number below {least:.2e}, as a threshold leaves it"
        ));
    }
    let large: Vec<&[f64]> = tensors.iter().copied().filter(|tensor| tensor.len() >= ENOUGH).collect();
    let levels: Option<usize> = large.iter().map(|tensor| levels(tensor)).sum();
    match levels {
        Some(levels) if !large.is_empty() => {
            let each = levels.div_ceil(large.len());
            Some(format!("takes about {each} values in each large tensor, as a quantised update does"))
        }
        _ => None,
    }
}

/// The least size of a number, where several tensors with zeros have the same and many numbers are near it.
fn threshold(tensors: &[&[f64]]) -> Option<f64> {
    const MANY: usize = 10;
    let kept = |tensor: &&[f64]| {
        let mut sizes: Vec<f64> = tensor.iter().map(|value| value.abs()).filter(|size| *size > 0.0).collect();
        sizes.sort_by(f64::total_cmp);
        (sizes.len() < tensor.len() && sizes.len() >= 10 * MANY).then_some(sizes)
    };
    let kept: Vec<Vec<f64>> = tensors.iter().filter_map(kept).collect();
    let least = kept.iter().map(|sizes| sizes[0]).fold(f64::INFINITY, f64::min);
    // What rounding to few bits leaves is a power of two.
    let is_grain = least.log2().fract() == 0.0;
    let crowds = |sizes: &Vec<f64>| {
        let near = &sizes[..sizes.partition_point(|size| *size < 1.5 * least)];
        sizes[0] < 1.1 * least && near.len() >= MANY && near.windows(2).any(|two| two[0] != two[1])
    };
    (kept.len() > 1 && !is_grain && kept.iter().all(crowds)).then_some(least)
}

/// Entries of a tensor that belong to no dead unit, and how many of them are zero: a ReLU that is never positive leaves
/// whole rows of zeros by itself, to its own weights and to those that read it.
pub fn scattered(shape: &[usize], values: &[f64]) -> (usize, usize) {
    let (rows, columns) = match *shape {
        [rows, columns, ..] => (rows, columns),
        [rows] => (rows, 1),
        [] => (1, 1),
    };
    let each = values.len() / (rows * columns).max(1);
    let place = |i: usize| (i / (columns * each), i / each % columns);
    let (mut row, mut column) = (vec![false; rows], vec![false; columns]);
    for (i, _) in values.iter().enumerate().filter(|(_, value)| **value != 0.0) {
        (row[place(i).0], column[place(i).1]) = (true, true);
    }
    let alive = values.iter().enumerate().filter(|(i, _)| row[place(*i).0] && column[place(*i).1]);
    alive.fold((0, 0), |(count, zeros), (_, value)| (count + 1, zeros + usize::from(*value == 0.0)))
}

/// Distinct values, if they are few.
fn levels(tensor: &[f64]) -> Option<usize> {
    let mut seen = std::collections::HashSet::new();
    for value in tensor {
        // 0 and -0 are one.
        seen.insert((value + 0.0).to_bits());
        if seen.len() > LEVELS || seen.len() * 4 > tensor.len() {
            return None;
        }
    }
    Some(seen.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_all_numbers_can_be_written_in_is_their_width() {
        let numbers: Vec<f64> = (1..200).map(|i| f64::from((i as f32).sin())).collect();
        let as_f16: Vec<f64> = numbers.iter().map(|v| half::f16::from_f64(*v).to_f64()).collect();
        let as_bf16: Vec<f64> = numbers.iter().map(|v| half::bf16::from_f64(*v).to_f64()).collect();
        assert_eq!(rounding(numbers.iter()), 2f64.powi(-24));
        assert_eq!(rounding(as_f16.iter()), 2f64.powi(-11));
        assert_eq!(rounding(as_bf16.iter()), 2f64.powi(-8));
    }

    #[test]
    fn signs_zeros_and_levels_are_seen() {
        let numbers: Vec<f64> = (1..2000).map(|i| f64::from(i).sin()).collect();
        let say = |change: fn(f64) -> f64| {
            let changed: Vec<f64> = numbers.iter().map(|v| change(*v)).collect();
            transformed(&[(&[1999], &changed)]).unwrap_or_default()
        };
        assert_eq!(say(|v| v), "");
        assert!(say(f64::signum).contains("signSGD"));
        // Zeros here and there, but not those of dead units.
        let sparse: Vec<f64> = numbers.iter().map(|v| if v.abs() < 0.98 { 0.0 } else { *v }).collect();
        assert!(transformed(&[(&[33, 60], &sparse[..1980])]).unwrap().contains("sparsified"));
        let dead: Vec<f64> =
            numbers.iter().enumerate().map(|(i, v)| if i / 60 % 3 > 0 { 0.0 } else { *v }).collect();
        assert_eq!(transformed(&[(&[33, 60], &dead[..1980])]), None);
        assert!(say(|v| (v * 7.0).round() / 7.0).contains("about 15 values"));
        let cut: Vec<f64> = numbers.iter().map(|v| if v.abs() < 0.3 { 0.0 } else { *v }).collect();
        let both: Vec<(&[usize], &[f64])> = vec![(&[33, 30], &cut[..990]), (&[33, 30], &cut[990..1980])];
        assert!(transformed(&both).unwrap().contains("as a threshold leaves it"));
    }
}
