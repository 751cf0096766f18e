//! Attackers who try what pays: a bandit over strategies, and imitation of whoever does best.
//!
//! Rule: each member of a crowd plays one strategy in an epoch and remembers the mean of what every strategy brought it. Then,
//! with a probability of 1/8, it tries any strategy; with 1/4 it imitates the member that earned most in the last epoch;
//! otherwise it plays what brought it most so far; what it never tried counts as having brought nothing. All
//! integers, one stream of chance: the crowd is part of what is done and not of what is measured.
//! Absent: knowledge of formulas, foresight, agreement beyond imitation. A strategy that needs a plan over many epochs is one
//! strategy here, and the scenario plays it.

use std::collections::BTreeMap;

use crate::random::SplitMix64;

/// What one strategy brought a member.
#[derive(Debug, Clone, Copy, Default)]
struct Record {
    sum: i128,
    times: i128,
}

impl Record {
    fn mean(self) -> i128 {
        self.sum.checked_div(self.times).unwrap_or(0)
    }
}

#[derive(Debug, Clone, Default)]
struct Member {
    plays: usize,
    earned: i128,
    records: BTreeMap<usize, Record>,
}

/// Members who learn beside each other.
#[derive(Debug, Clone)]
pub struct Crowd {
    random: SplitMix64,
    strategies: usize,
    members: Vec<Member>,
}

impl Crowd {
    /// A crowd whose members begin with any strategy below `strategies`.
    pub fn new(mut random: SplitMix64, members: usize, strategies: usize) -> Self {
        let members = (0..members).map(|_| Member { plays: random.place(strategies), ..Member::default() });
        let members = members.collect();
        Self { random, strategies, members }
    }

    /// What each member plays now.
    pub fn plays(&self) -> Vec<usize> {
        self.members.iter().map(|member| member.plays).collect()
    }

    /// How many members play a strategy.
    pub fn playing(&self, strategy: usize) -> usize {
        self.members.iter().filter(|member| member.plays == strategy).count()
    }

    /// Tells each member what it earned in this epoch; all choose again.
    pub fn learn(&mut self, earned: &[i128]) {
        for (member, earned) in self.members.iter_mut().zip(earned) {
            let record = member.records.entry(member.plays).or_default();
            record.sum += earned;
            record.times += 1;
            member.earned = *earned;
        }
        let best = self.members.iter().max_by_key(|member| member.earned).map_or(0, |member| member.plays);
        for place in 0..self.members.len() {
            self.members[place].plays = match self.random.below(8) {
                0 => self.random.place(self.strategies),
                1 | 2 => best,
                _ => self.favourite(place),
            };
        }
    }

    fn favourite(&self, place: usize) -> usize {
        let member = &self.members[place];
        let mean = |strategy: usize| member.records.get(&strategy).map_or(0, |record| record.mean());
        // Of equals the first, so that standing aside comes before an attack that brings nothing.
        let by_mean = |one: &usize, other: &usize| mean(*one).cmp(&mean(*other)).then(other.cmp(one));
        (0..self.strategies).max_by(by_mean).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Strategies pay 0, 5, -5, in this order.
    fn played(seed: u64) -> Crowd {
        let mut crowd = Crowd::new(SplitMix64::stream(seed, "crowd"), 16, 3);
        for _ in 0..40 {
            let earned: Vec<i128> = crowd.plays().iter().map(|play| [0, 5, -5][*play]).collect();
            crowd.learn(&earned);
        }
        crowd
    }

    #[test]
    fn a_crowd_finds_what_pays_and_leaves_what_does_not() {
        for seed in 0..8 {
            let crowd = played(seed);
            assert!(crowd.playing(1) >= 12 && crowd.playing(2) <= 3, "{seed}: {:?}", crowd.plays());
        }
    }

    #[test]
    fn one_seed_gives_one_crowd() {
        assert_eq!(played(3).plays(), played(3).plays());
    }
}
