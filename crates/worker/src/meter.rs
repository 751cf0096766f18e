//! What a worker has shown that it can do: tokens that passed, and the time in which anything ran, over a window that moves.
//!
//! Rule: capacity is measured and never configured: what came in the time in which somebody waited for it. An idle worker has shown
//! nothing, and a worker that was asked by one at a time has shown what it does for one.
//! Absent: clocks; times are given as they passed since the worker began.

use std::collections::VecDeque;
use std::time::Duration;

/// How long a part of the window is.
const PART: Duration = Duration::from_secs(10);
/// Parts of the window: ten minutes.
const PARTS: u64 = 60;

/// What was measured over the window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Measured {
    /// How much of the window has passed since the worker began.
    pub window: Duration,
    /// How long anything ran.
    pub busy: Duration,
    /// Tokens read.
    pub prompt_tokens: u64,
    /// Tokens written.
    pub completion_tokens: u64,
}

impl Measured {
    /// Tokens written for each second in which anything ran, in thousandths; 0 when nothing ran.
    pub fn tokens_per_second_millis(&self) -> u64 {
        let micros = u64::try_from(self.busy.as_micros()).unwrap_or(u64::MAX);
        let rate = u128::from(self.completion_tokens) * 1_000_000_000 / u128::from(micros.max(1));
        if micros == 0 { 0 } else { u64::try_from(rate).unwrap_or(u64::MAX) }
    }
}

/// What came in one part of the window.
#[derive(Debug, Clone, Copy, Default)]
struct Part {
    number: u64,
    busy: Duration,
    prompt_tokens: u64,
    completion_tokens: u64,
}

/// Counts what passes.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// The parts in which anything happened, oldest first.
    parts: VecDeque<Part>,
    running: u32,
    /// Until when busy time is counted.
    counted: Duration,
}

impl Meter {
    /// A job begins.
    pub(crate) fn begin(&mut self, now: Duration) {
        self.advance(now);
        self.running = self.running.saturating_add(1);
    }

    /// Tokens passed.
    pub(crate) fn add(&mut self, now: Duration, prompt_tokens: u32, completion_tokens: u32) {
        self.advance(now);
        let part = self.part(number(now));
        part.prompt_tokens += u64::from(prompt_tokens);
        part.completion_tokens += u64::from(completion_tokens);
    }

    /// A job ended, whoever ended it.
    pub(crate) fn end(&mut self, now: Duration) {
        self.advance(now);
        self.running = self.running.saturating_sub(1);
    }

    /// What was measured up to now.
    pub(crate) fn measured(&mut self, now: Duration) -> Measured {
        self.advance(now);
        let oldest = number(now).saturating_sub(PARTS - 1);
        self.parts.retain(|part| part.number >= oldest);
        let begun = PART * u32::try_from(oldest).unwrap_or(u32::MAX);
        let mut measured = Measured { window: now.saturating_sub(begun), ..Measured::default() };
        for part in &self.parts {
            measured.busy += part.busy;
            measured.prompt_tokens += part.prompt_tokens;
            measured.completion_tokens += part.completion_tokens;
        }
        measured
    }

    /// Counts the time since the last change as busy if anything ran, each part of the window its own.
    fn advance(&mut self, now: Duration) {
        let mut from = self.counted;
        self.counted = now.max(from);
        if self.running == 0 {
            return;
        }
        // What is older than the window is not looked at again.
        let oldest = PART * u32::try_from(number(now).saturating_sub(PARTS - 1)).unwrap_or(u32::MAX);
        from = from.max(oldest);
        while from < now {
            let end = (PART * u32::try_from(number(from) + 1).unwrap_or(u32::MAX)).min(now);
            self.part(number(from)).busy += end.saturating_sub(from);
            if end <= from {
                return;
            }
            from = end;
        }
    }

    /// The part with this number, which is the last or a new one.
    fn part(&mut self, number: u64) -> &mut Part {
        if self.parts.back().is_none_or(|part| part.number < number) {
            self.parts.push_back(Part { number, ..Part::default() });
        }
        let kept = usize::try_from(PARTS).unwrap_or(usize::MAX);
        while self.parts.len() > kept {
            self.parts.pop_front();
        }
        let last = self.parts.len() - 1;
        &mut self.parts[last]
    }
}

/// In which part a time is.
fn number(time: Duration) -> u64 {
    time.as_secs() / PART.as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn time_in_which_anything_runs_is_counted_once() {
        let mut meter = Meter::default();
        meter.begin(seconds(5));
        meter.begin(seconds(7));
        meter.add(seconds(9), 30, 4);
        meter.end(seconds(12));
        meter.add(seconds(14), 0, 6);
        meter.end(seconds(25));
        let measured = meter.measured(seconds(40));
        let expected =
            Measured { window: seconds(40), busy: seconds(20), prompt_tokens: 30, completion_tokens: 10 };
        assert_eq!(measured, expected);
        assert_eq!(measured.tokens_per_second_millis(), 500);
        assert_eq!(Measured::default().tokens_per_second_millis(), 0);
    }

    #[test]
    fn a_job_that_runs_is_busy_before_it_ends_and_the_window_moves() {
        let mut meter = Meter::default();
        meter.begin(seconds(3));
        assert_eq!(meter.measured(seconds(13)).busy, seconds(10));
        meter.add(seconds(13), 1, 8);
        meter.end(seconds(23));
        assert_eq!(meter.measured(seconds(599)).completion_tokens, 8);
        // The first part has left the window, and with it seven seconds.
        let later = meter.measured(seconds(605));
        assert_eq!((later.busy, later.window, later.completion_tokens), (seconds(13), seconds(595), 8));
        let quiet = meter.measured(seconds(9_000));
        assert_eq!((quiet.busy, quiet.completion_tokens), (seconds(0), 0));
        assert!(quiet.window >= seconds(590) && quiet.window <= seconds(600), "{quiet:?}");
    }

    #[test]
    fn a_job_of_days_and_a_clock_that_stands_cost_nothing() {
        let mut meter = Meter::default();
        meter.begin(seconds(0));
        let measured = meter.measured(seconds(10_000_000));
        assert!(measured.busy <= seconds(600) && measured.busy >= seconds(590), "{measured:?}");
        assert!(meter.parts.len() <= 60);
        meter.end(seconds(10_000_000));
        meter.end(seconds(1));
        assert_eq!(meter.measured(seconds(10_000_001)).busy, measured.busy);
    }
}
