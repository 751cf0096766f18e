//! What is known of an engine's health: a count of failures that decides whether requests go to it, and when it is looked
//! at again.
//!
//! Rule: [`FAILURES_MAX`] failures in a row open the circuit, and requests are refused at once with the last reason. A good
//! look at an engine whose circuit is open forgives one failure: one request at a time tries it, until its answer begins, and one
//! more failure opens the circuit again. Looks forgive nothing else, because an engine may say that it is well and answer nobody.
//! A whole answer forgives all. Absent: clocks and sockets; the times are computed here and waited for elsewhere.

use std::time::Duration;

/// Failures in a row after which nothing is sent.
pub(crate) const FAILURES_MAX: u32 = 3;
/// Failures that are counted, so that the time between looks has an end.
const COUNTED_MAX: u32 = 7;

/// Failures in a row and the reason of the last one.
#[derive(Debug, Default)]
pub(crate) struct Circuit {
    failures: u32,
    reason: String,
    trial: Trial,
    /// Trials so far.
    trials: u64,
}

/// Whether requests are let through one at a time.
#[derive(Debug, Default, PartialEq, Eq)]
enum Trial {
    /// As many as come.
    #[default]
    None,
    /// The next one tries the engine.
    Wanted,
    /// The one with this number is trying it.
    Running(u64),
}

/// How a request was let through.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Passage {
    Ordinary,
    /// Others are refused until [`Circuit::tried`] is called with this number: when its answer begins, or at its end.
    Trial(u64),
}

impl Circuit {
    /// A look or an answer failed.
    pub(crate) fn failed(&mut self, reason: String) {
        self.failures = (self.failures + 1).min(COUNTED_MAX);
        self.reason = reason;
    }

    /// The engine said that it is well.
    pub(crate) fn looked_well(&mut self) {
        if self.failures >= FAILURES_MAX {
            self.failures = FAILURES_MAX - 1;
            if self.trial == Trial::None {
                self.trial = Trial::Wanted;
            }
        }
    }

    /// The engine gave a whole answer.
    pub(crate) fn answered(&mut self) {
        self.failures = 0;
        self.trial = Trial::None;
    }

    /// Lets a request through, or says why nothing is sent now.
    pub(crate) fn pass(&mut self) -> Result<Passage, &str> {
        match self.trial {
            _ if self.failures >= FAILURES_MAX => Err(&self.reason),
            Trial::Running(_) => Err(&self.reason),
            Trial::None => Ok(Passage::Ordinary),
            Trial::Wanted => {
                self.trials += 1;
                self.trial = Trial::Running(self.trials);
                Ok(Passage::Trial(self.trials))
            }
        }
    }

    /// The trial with this number began to be answered, or is over: the next one may try the engine.
    pub(crate) fn tried(&mut self, number: u64) {
        if self.trial == Trial::Running(number) {
            self.trial = Trial::Wanted;
        }
    }

    /// Until the next look: `every` while all is well; after failures a fifth of it, doubling up to twelve times.
    pub(crate) fn wait(&self, every: Duration) -> Duration {
        match self.failures.checked_sub(1) {
            None => every,
            Some(doublings) => (every / 5 * 2_u32.pow(doublings)).min(every * 12),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_failures_open_the_circuit_and_a_whole_answer_forgives_all() {
        let mut circuit = Circuit::default();
        for left in [2, 1, 0] {
            circuit.looked_well();
            assert_eq!(
                circuit.pass(),
                Ok(Passage::Ordinary),
                "{left} to go, and a good look forgives none of them"
            );
            circuit.failed(format!("reason {left}"));
        }
        assert_eq!(circuit.pass(), Err("reason 0"));
        circuit.looked_well();
        assert_eq!(circuit.pass(), Ok(Passage::Trial(1)));
        circuit.answered();
        circuit.tried(1);
        circuit.failed("once".into());
        assert_eq!(circuit.pass(), Ok(Passage::Ordinary), "a whole answer forgave all");
    }

    #[test]
    fn after_a_good_look_one_request_at_a_time_tries_the_engine() {
        let mut circuit = Circuit::default();
        let open = |circuit: &mut Circuit| {
            while circuit.failures < FAILURES_MAX {
                circuit.failed("down".into());
            }
        };
        open(&mut circuit);
        circuit.looked_well();
        assert_eq!(circuit.pass(), Ok(Passage::Trial(1)));
        assert_eq!(circuit.pass(), Err("down"), "the others wait for what it shows");
        // What was sent before fails, and the engine looks well once more: the trial still runs.
        circuit.failed("an older one".into());
        circuit.looked_well();
        assert_eq!(circuit.pass(), Err("an older one"));
        circuit.tried(1);
        assert_eq!(circuit.pass(), Ok(Passage::Trial(2)), "the first one left without an answer");
        circuit.failed("again".into());
        circuit.tried(2);
        assert_eq!(circuit.pass(), Err("again"), "one failure is enough");
        circuit.looked_well();
        assert_eq!(circuit.pass(), Ok(Passage::Trial(3)));
        circuit.answered();
        open(&mut circuit);
        circuit.looked_well();
        assert_eq!(circuit.pass(), Ok(Passage::Trial(4)));
        circuit.tried(3);
        assert_eq!(circuit.pass(), Err("down"), "the end of an earlier trial frees no later one's place");
    }

    #[test]
    fn looks_come_sooner_after_a_failure_and_rarer_after_many() {
        let every = Duration::from_secs(5);
        let mut circuit = Circuit::default();
        let mut waits = vec![circuit.wait(every).as_secs()];
        for _ in 0..9 {
            circuit.failed("down".into());
            waits.push(circuit.wait(every).as_secs());
        }
        assert_eq!(waits, [5, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }
}
