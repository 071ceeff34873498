//! From figures of classes to as many labels as there are samples.

/// Real counts as `samples` labels: what is negative counts as 0, the rest is scaled to the right sum and rounded down,
/// and what is missing goes to the largest remainders, the lower class first. Ours.
pub fn rounded(raw: &[f64], samples: usize) -> Result<Vec<usize>, String> {
    let clipped: Vec<f64> = raw.iter().map(|count| count.max(0.0)).collect();
    let sum: f64 = clipped.iter().sum();
    if !(sum > 0.0 && sum.is_finite()) {
        return Err("the counts that it finds are zero or not finite; use another rule".into());
    }
    let scaled: Vec<f64> = clipped.iter().map(|count| count * samples as f64 / sum).collect();
    let mut counts: Vec<usize> = scaled.iter().map(|count| count.floor() as usize).collect();
    let mut order: Vec<usize> = (0..raw.len()).collect();
    let remainder = |class: usize| scaled[class] - scaled[class].floor();
    order.sort_by(|&a, &b| remainder(b).total_cmp(&remainder(a)));
    let missing = samples.saturating_sub(counts.iter().sum());
    order.iter().take(missing).for_each(|&class| counts[class] += 1);
    Ok(labels(&counts))
}

/// Every class that pulls its score up once, then again and again the one that pulls most, until there are `samples`;
/// each label takes `step`, which is negative, off its class.
pub fn taken(mut pull: Vec<f64>, step: f64, samples: usize) -> Result<Vec<usize>, String> {
    if !(step < 0.0 && step.is_finite()) {
        return Err("no score is pulled up by this update; use another rule".into());
    }
    let mut labels = by_pull(&pull);
    labels.retain(|&class| pull[class] < 0.0);
    labels.truncate(samples);
    labels.iter().for_each(|&class| pull[class] -= step);
    while labels.len() < samples {
        let Some(class) = (0..pull.len()).min_by(|&a, &b| pull[a].total_cmp(&pull[b])) else { break };
        pull[class] -= step;
        labels.push(class);
    }
    Ok(labels)
}

/// Classes by how much they pull their score up, the most first, the lower of equals first.
pub fn by_pull(pull: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..pull.len()).collect();
    order.sort_by(|&a, &b| pull[a].total_cmp(&pull[b]));
    order
}

/// Sum of what is negative.
pub fn negative_sum(pull: &[f64]) -> f64 {
    pull.iter().filter(|pull| **pull < 0.0).sum()
}

fn labels(counts: &[usize]) -> Vec<usize> {
    counts.iter().enumerate().flat_map(|(class, &count)| std::iter::repeat_n(class, count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_rounded_to_the_number_of_samples() {
        assert_eq!(rounded(&[1.9, -0.4, 0.6, 1.9], 4), Ok(vec![0, 0, 3, 3]));
        // Of equal remainders the lower class comes first.
        assert_eq!(rounded(&[0.5, 0.5, 0.5, 0.5], 2), Ok(vec![0, 1]));
        for hopeless in [[0.0, -1.0], [f64::NAN, -1.0], [f64::INFINITY, 1.0]] {
            assert!(rounded(&hopeless, 2).is_err(), "{hopeless:?}");
        }
    }

    #[test]
    fn labels_are_taken_where_the_pull_is_strongest() {
        assert_eq!(taken(vec![-3.0, 0.5, -1.0], -1.0, 4), Ok(vec![0, 2, 0, 0]));
        assert_eq!(taken(vec![-1.0, -2.0, -3.0], -1.0, 2), Ok(vec![2, 1]), "no more than there are samples");
        assert!(taken(vec![0.0, 0.0], 0.0, 1).is_err());
    }
}
