//! Requests that wait: one lane for each caller, served in turn.
//!
//! Rule: after a caller's request was taken, every other caller that waits is served before it is its turn again. So a
//! caller with many requests waits for its own, and one with a single request waits for at most one of every other's.
//! A lane and all lanes together have a limit. Requests whose caller has left take no place. A request whose adapter is still
//! being read waits at the head of its lane, keeps its turn, and holds up nobody else's.
//! Absent: priorities; weights by what requests cost.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::adapters::{AdapterStore, Poll};
use crate::request::SubmitError;
use crate::sequence::{Job, JobAdapter};

/// How often it is looked whether callers left while all who wait need an adapter that is being read.
const LOOK: Duration = Duration::from_millis(5);

/// The lanes of one engine, shared by those who submit and the thread that computes.
pub(crate) struct Admission {
    lanes: Mutex<Lanes>,
    /// Told when a request came or the lanes were closed.
    changed: Condvar,
    adapters: Option<Arc<AdapterStore>>,
    waiting_max: usize,
    lane_max: usize,
}

struct Lanes {
    /// Waiting requests by caller, oldest first; no lane is empty.
    jobs: BTreeMap<u64, VecDeque<Job>>,
    /// The callers in the order of their turns; each that has a lane stands here once.
    turns: VecDeque<u64>,
    waiting: usize,
    closed: bool,
}

impl Admission {
    /// Lanes that hold `waiting_max` requests together and `lane_max` of each caller.
    pub(crate) fn new(waiting_max: usize, lane_max: usize, adapters: Option<Arc<AdapterStore>>) -> Admission {
        let lanes = Lanes { jobs: BTreeMap::new(), turns: VecDeque::new(), waiting: 0, closed: false };
        Admission { lanes: Mutex::new(lanes), changed: Condvar::new(), adapters, waiting_max, lane_max }
    }

    /// Puts a request at the end of its caller's lane.
    pub(crate) fn push(&self, job: Job) -> Result<(), SubmitError> {
        let mut lanes = self.lock();
        if lanes.closed {
            return Err(SubmitError::Stopped);
        }
        if lanes.is_full(job.lane, self.waiting_max, self.lane_max).is_some() {
            lanes.drop_cancelled();
        }
        match lanes.is_full(job.lane, self.waiting_max, self.lane_max) {
            Some(refusal) => Err(refusal),
            None => {
                lanes.push(job);
                self.changed.notify_one();
                Ok(())
            }
        }
    }

    /// The next request whose caller still waits and whose adapter is in memory, or cannot be.
    pub(crate) fn take(&self) -> Option<Job> {
        self.lock().take(self.adapters.as_deref())
    }

    /// Everything that still waits, ready or not.
    pub(crate) fn drain(&self) -> Vec<Job> {
        let mut lanes = self.lock();
        lanes.waiting = 0;
        lanes.turns.clear();
        std::mem::take(&mut lanes.jobs).into_values().flatten().collect()
    }

    /// Wakes whoever waits: an adapter may have been read.
    pub(crate) fn wake(&self) {
        // Whoever looked before has the lock until it waits, so it does not miss this.
        drop(self.lock());
        self.changed.notify_all();
    }

    /// Waits until a request came; `None` once the lanes are closed.
    pub(crate) fn wait(&self) -> Option<Job> {
        let mut lanes = self.lock();
        loop {
            if lanes.closed {
                return None;
            }
            if let Some(job) = lanes.take(self.adapters.as_deref()) {
                return Some(job);
            }
            lanes = if lanes.waiting == 0 {
                self.changed.wait(lanes).unwrap_or_else(PoisonError::into_inner)
            } else {
                // Those that wait need an adapter. A caller among them who leaves tells nobody.
                self.changed.wait_timeout(lanes, LOOK).unwrap_or_else(PoisonError::into_inner).0
            };
        }
    }

    /// How many requests wait.
    pub(crate) fn waiting(&self) -> usize {
        self.lock().waiting
    }

    /// Whether no more requests come.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Takes no more requests and wakes whoever waits for one.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lanes {
    fn is_full(&self, lane: u64, waiting_max: usize, lane_max: usize) -> Option<SubmitError> {
        let in_lane = self.jobs.get(&lane).map_or(0, VecDeque::len);
        if self.waiting >= waiting_max {
            Some(SubmitError::QueueFull { limit: waiting_max })
        } else if in_lane >= lane_max {
            Some(SubmitError::LaneFull { limit: lane_max })
        } else {
            None
        }
    }

    fn push(&mut self, job: Job) {
        let lane = job.lane;
        let jobs = self.jobs.entry(lane).or_default();
        if jobs.is_empty() {
            self.turns.push_back(lane);
        }
        jobs.push_back(job);
        self.waiting += 1;
    }

    fn take(&mut self, adapters: Option<&AdapterStore>) -> Option<Job> {
        let mut turn = 0;
        while let Some(lane) = self.turns.get(turn).copied() {
            let taken = self.take_from(lane, adapters);
            let is_left = self.jobs.get(&lane).is_some_and(|jobs| !jobs.is_empty());
            if taken.is_none() && is_left {
                turn += 1;
                continue;
            }
            self.turns.remove(turn);
            if is_left {
                self.turns.push_back(lane);
            } else {
                self.jobs.remove(&lane);
            }
            if taken.is_some() {
                return taken;
            }
        }
        None
    }

    /// The first request of a lane whose caller still waits, unless its adapter is still to be read.
    fn take_from(&mut self, lane: u64, adapters: Option<&AdapterStore>) -> Option<Job> {
        let jobs = self.jobs.get_mut(&lane)?;
        while let Some(job) = jobs.front_mut() {
            let is_wanted = job.is_wanted();
            if is_wanted && !is_ready(job, adapters) {
                return None;
            }
            let job = jobs.pop_front();
            self.waiting -= 1;
            if is_wanted {
                return job;
            }
        }
        None
    }

    fn drop_cancelled(&mut self) {
        for jobs in self.jobs.values_mut() {
            jobs.retain(Job::is_wanted);
        }
        self.jobs.retain(|_, jobs| !jobs.is_empty());
        self.turns.retain(|lane| self.jobs.contains_key(lane));
        self.waiting = self.jobs.values().map(VecDeque::len).sum();
    }
}

/// Whether a request can start, or end: its adapter is in memory, or cannot be read.
fn is_ready(job: &mut Job, adapters: Option<&AdapterStore>) -> bool {
    let JobAdapter::Wanted(name) = &job.adapter else { return true };
    let poll =
        adapters.map_or_else(|| Poll::Failed("there are no adapters".into()), |store| store.poll(name));
    match poll {
        Poll::Waiting => return false,
        Poll::Ready(adapter) => job.adapter = JobAdapter::Ready(adapter),
        Poll::Failed(reason) => job.adapter = JobAdapter::Failed(reason),
    }
    true
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::events::{Cancel, Event};
    use crate::sampler::Sampling;

    fn job(lane: u64, number: u32) -> (Job, mpsc::Receiver<Event>) {
        let (events, receiver) = mpsc::channel(2);
        let job = Job {
            prompt: vec![number],
            adapter: JobAdapter::None,
            max_tokens: 1,
            sampling: Sampling::default(),
            constraint: None,
            logprobs: None,
            lane,
            stop: Vec::new(),
            salt: [0; 32],
            events,
            cancel: Cancel::default(),
        };
        (job, receiver)
    }

    /// Pushes `(lane, number)` in order and returns the numbers as they are taken.
    fn order(pushed: &[(u64, u32)]) -> Vec<u32> {
        let admission = Admission::new(64, 64, None);
        let mut readers = Vec::new();
        for (lane, number) in pushed {
            let (job, reader) = job(*lane, *number);
            admission.push(job).expect("there is room");
            readers.push(reader);
        }
        std::iter::from_fn(|| admission.take()).map(|job| job.prompt[0]).collect()
    }

    #[test]
    fn callers_are_served_in_turn() {
        assert_eq!(order(&[(1, 10), (1, 11), (1, 12)]), [10, 11, 12]);
        assert_eq!(order(&[(1, 10), (1, 11), (1, 12), (2, 20), (3, 30)]), [10, 20, 30, 11, 12]);
        assert_eq!(order(&[(9, 90), (9, 91), (2, 20), (2, 21)]), [90, 20, 91, 21]);
    }

    #[test]
    fn a_caller_that_comes_again_waits_for_the_others() {
        let admission = Admission::new(64, 64, None);
        let mut readers = Vec::new();
        let mut push = |lane, number| {
            let (job, reader) = job(lane, number);
            admission.push(job).expect("there is room");
            readers.push(reader);
        };
        push(1, 10);
        push(2, 20);
        let mut taken = Vec::new();
        for round in 0..3 {
            taken.push(admission.take().expect("one waits").prompt[0]);
            push(1, 11 + round);
        }
        assert_eq!(taken, [10, 20, 11]);
    }

    #[test]
    fn lanes_are_bounded_and_callers_who_left_take_no_place() {
        let admission = Admission::new(3, 2, None);
        let (one, first) = job(1, 0);
        let (two, _second) = job(1, 1);
        admission.push(one).expect("there is room");
        admission.push(two).expect("there is room");
        let (three, _third) = job(1, 2);
        assert!(matches!(admission.push(three), Err(SubmitError::LaneFull { limit: 2 })));
        let (other, _fourth) = job(2, 3);
        admission.push(other).expect("there is room in another lane");
        let (more, _fifth) = job(3, 4);
        assert!(matches!(admission.push(more), Err(SubmitError::QueueFull { limit: 3 })));
        drop(first);
        let (again, _sixth) = job(1, 5);
        admission.push(again).expect("one has left");
        assert_eq!(admission.waiting(), 3);
        admission.close();
        let (late, _seventh) = job(1, 6);
        assert!(matches!(admission.push(late), Err(SubmitError::Stopped)));
        assert!(admission.wait().is_none());
    }
}
