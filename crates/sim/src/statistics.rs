//! A mean over seeds with its 95 % interval.
//!
//! Rule: `mean ± t · s / √n`, with the sample standard deviation `s` (n - 1 in its denominator) and Student's `t` at
//! 97.5 % for n - 1 degrees of freedom. `t` comes from the Cornish-Fisher expansion of Abramowitz and Stegun, 26.7.5,
//! four terms; from four degrees of freedom on it is right to better than one part in two hundred, and the three below
//! are exact values from a table.
//! Absent: any claim about the world outside of the seeds; an interval tells how chance moves the result of this
//! model, not whether the model is right.

use serde::{Deserialize, Serialize};

/// The normal quantile at 97.5 %.
const NORMAL: f64 = 1.959_963_984_540_054;
/// Student's t at 97.5 % for one, two and three degrees of freedom.
const STUDENT_FEW: [f64; 3] = [12.706_204_736, 4.302_652_730, 3.182_446_305];

/// A mean and half the width of its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Mean over the seeds.
    pub mean: f64,
    /// Half the width of the interval.
    pub half_width: f64,
    /// How many seeds.
    pub samples: u32,
}

impl Estimate {
    /// The estimate from one value per seed; with fewer than two there is no interval and its half width is 0.
    pub fn of(values: &[f64]) -> Self {
        let count = values.len() as f64;
        let samples = u32::try_from(values.len()).unwrap_or(u32::MAX);
        if values.is_empty() {
            return Self { mean: 0.0, half_width: 0.0, samples };
        }
        let mean = values.iter().sum::<f64>() / count;
        if values.len() < 2 {
            return Self { mean, half_width: 0.0, samples };
        }
        let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
        let deviation = (squares / (count - 1.0)).sqrt();
        Self { mean, half_width: student(samples - 1) * deviation / count.sqrt(), samples }
    }

    /// The low end of the interval.
    pub fn low(&self) -> f64 {
        self.mean - self.half_width
    }

    /// The high end of the interval.
    pub fn high(&self) -> f64 {
        self.mean + self.half_width
    }
}

/// Student's t at 97.5 %.
fn student(freedom: u32) -> f64 {
    let few = usize::try_from(freedom).ok().and_then(|freedom| STUDENT_FEW.get(freedom.checked_sub(1)?));
    if let Some(exact) = few {
        return *exact;
    }
    let (z, w, v) = (NORMAL, NORMAL * NORMAL, f64::from(freedom));
    z + z * (w + 1.0) / (4.0 * v)
        + z * ((5.0 * w + 16.0) * w + 3.0) / (96.0 * v * v)
        + z * (((3.0 * w + 19.0) * w + 17.0) * w - 15.0) / (384.0 * v * v * v)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn student_is_that_of_the_tables() {
        for (freedom, expected) in
            [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (9, 2.262), (19, 2.093), (120, 1.980)]
        {
            let found = student(freedom);
            assert!((found / expected - 1.0).abs() < 5e-3, "{freedom}: {found} is not {expected}");
        }
    }

    #[test]
    fn a_mean_and_its_interval() {
        let estimate = Estimate::of(&[1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(estimate.mean, 3.0);
        // s = √2.5, t(4) = 2.776: 2.776 · √(2.5 / 5) = 1.963
        assert!((estimate.half_width - 1.963).abs() < 0.01, "{estimate:?}");
        assert!(estimate.low() < 1.1 && estimate.high() > 4.9);
    }

    #[test]
    fn too_few_values_have_no_interval() {
        assert_eq!(Estimate::of(&[]), Estimate { mean: 0.0, half_width: 0.0, samples: 0 });
        assert_eq!(Estimate::of(&[2.0]), Estimate { mean: 2.0, half_width: 0.0, samples: 1 });
        assert_eq!(Estimate::of(&[2.0, 2.0]).half_width, 0.0);
    }
}
