//! Token buckets: how often somebody may ask. A bucket holds a minute's requests and fills evenly; each request takes one.
//! Time is a number that the caller gives. Absent: who somebody is, and what is done about it.

use std::collections::BTreeMap;
use std::sync::Mutex;

/// Callers that are remembered. Of more, those who asked longest ago are forgotten: their buckets had the longest time
/// to fill.
const CALLERS_MAX: usize = 10_000;
/// A request in the units of a bucket: one per millisecond of a minute.
const REQUEST: u64 = 60_000;

#[derive(Debug, Clone, Copy)]
struct Bucket {
    units: u64,
    filled_ms: u64,
}

/// Buckets of one size, by caller.
#[derive(Debug)]
pub(crate) struct Throttle<K> {
    per_minute: u64,
    buckets: Mutex<BTreeMap<K, Bucket>>,
}

impl<K: Ord + Clone> Throttle<K> {
    /// So many requests a minute for each caller, and as many at once after a minute of rest. Zero refuses all.
    pub(crate) fn new(per_minute: u32) -> Self {
        Self { per_minute: u64::from(per_minute), buckets: Mutex::new(BTreeMap::new()) }
    }

    /// Takes a request from the caller's bucket at this time, in milliseconds.
    ///
    /// # Errors
    /// Seconds to wait, at least one, when it is empty.
    pub(crate) fn take(&self, caller: &K, now_ms: u64) -> Result<(), u64> {
        let full = self.per_minute.saturating_mul(REQUEST);
        let mut buckets = self.buckets.lock().expect("no holder of the lock panics");
        if !buckets.contains_key(caller) && buckets.len() >= CALLERS_MAX {
            let oldest =
                buckets.iter().min_by_key(|(_, bucket)| bucket.filled_ms).map(|(key, _)| key.clone());
            oldest.map(|key| buckets.remove(&key));
        }
        let bucket = buckets.entry(caller.clone()).or_insert(Bucket { units: full, filled_ms: now_ms });
        // A clock that was set back fills nothing.
        let passed = now_ms.saturating_sub(bucket.filled_ms);
        bucket.units = bucket.units.saturating_add(passed.saturating_mul(self.per_minute)).min(full);
        bucket.filled_ms = bucket.filled_ms.max(now_ms);
        match bucket.units.checked_sub(REQUEST) {
            Some(left) => {
                bucket.units = left;
                Ok(())
            }
            None => Err((REQUEST - bucket.units).div_ceil(self.per_minute.max(1)).div_ceil(1_000).max(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_a_minutes_requests_and_fills_evenly() {
        let throttle = Throttle::new(60);
        let taken = (0..100).filter(|_| throttle.take(&1, 5_000).is_ok()).count();
        assert_eq!(taken, 60);
        assert_eq!(throttle.take(&1, 5_000), Err(1));
        assert_eq!(throttle.take(&2, 5_000), Ok(()), "another caller has a bucket of its own");
        assert_eq!(throttle.take(&1, 5_999), Err(1));
        assert_eq!(throttle.take(&1, 6_000), Ok(()));
        assert_eq!(throttle.take(&1, 4_000), Err(1), "a clock that was set back fills nothing");
        let rested = (0..100).filter(|_| throttle.take(&1, 1_000_000).is_ok()).count();
        assert_eq!(rested, 60, "no more than a minute's requests gather");
        let slow = Throttle::new(2);
        assert!(slow.take(&1, 0).is_ok() && slow.take(&1, 0).is_ok());
        assert_eq!(slow.take(&1, 0), Err(30));
        assert_eq!(Throttle::new(0).take(&1, 0), Err(60));
    }

    #[test]
    fn memory_is_bounded_and_whoever_asked_last_is_remembered() {
        let throttle = Throttle::new(1);
        throttle.take(&0, 0).unwrap();
        for caller in 1..=CALLERS_MAX {
            throttle.take(&caller, 1).unwrap();
        }
        assert_eq!(throttle.buckets.lock().unwrap().len(), CALLERS_MAX);
        assert!(throttle.take(&CALLERS_MAX, 2).is_err());
        assert!(throttle.take(&0, 2).is_ok(), "the oldest was forgotten");
    }
}
