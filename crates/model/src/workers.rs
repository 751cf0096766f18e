//! Threads that take part in one computation at a time.
//!
//! Rule: [`Workers::each`] returns only after every part is done, so parts may borrow. Which thread
//! computes which part never changes a result. Threads are joined when the value is dropped.
//! Absent: work stealing, priorities, more than one computation at a time.

#![expect(unsafe_code, reason = "a job that borrows is lent to threads that outlive the borrow; see `share`")]

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

/// Most threads of one computation.
pub const THREADS_MAX: usize = 64;

/// Turns that a thread spins before it yields, and yields before it sleeps. A forward pass hands out a
/// part every few microseconds; between passes the threads sleep.
const SPINS: u32 = 4_000;
const YIELDS: u32 = 200;

type Job = dyn Fn() + Sync;

/// A fixed set of threads; the caller's own thread is one of them.
pub(crate) struct Workers {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    /// Number of the current job; a thread waits until it changes.
    generation: AtomicUsize,
    /// Threads that have not finished the current job.
    running: AtomicUsize,
    stop: AtomicBool,
    failed: AtomicBool,
    job: Mutex<Option<&'static Job>>,
    sleepers: Condvar,
}

impl Workers {
    /// Starts `threads - 1` threads (1 to 64 with the caller's).
    pub(crate) fn start(threads: usize) -> std::io::Result<Workers> {
        let threads = threads.clamp(1, THREADS_MAX);
        let shared = Arc::new(Shared {
            generation: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            job: Mutex::new(None),
            sleepers: Condvar::new(),
        });
        let mut workers = Workers { shared: Arc::clone(&shared), threads: Vec::new() };
        for index in 1..threads {
            let shared = Arc::clone(&shared);
            let thread =
                std::thread::Builder::new().name(format!("model-{index}")).spawn(move || shared.serve())?;
            workers.threads.push(thread);
        }
        Ok(workers)
    }

    /// Threads that take part, the caller's included.
    pub(crate) fn threads(&self) -> usize {
        self.threads.len() + 1
    }

    /// Runs `work` once on every part, on all threads, and returns when all parts are done.
    pub(crate) fn each<T: Send>(&mut self, parts: Vec<T>, work: impl Fn(T) + Sync) {
        if self.threads.is_empty() || parts.len() == 1 {
            parts.into_iter().for_each(work);
            return;
        }
        let parts: Vec<Mutex<Option<T>>> = parts.into_iter().map(|part| Mutex::new(Some(part))).collect();
        let next = AtomicUsize::new(0);
        self.share(&|| {
            while let Some(slot) = parts.get(next.fetch_add(1, Ordering::Relaxed)) {
                let part = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
                if let Some(part) = part {
                    work(part);
                }
            }
        });
    }

    /// Runs `job` on every thread and waits for all of them, also when one of them panics.
    fn share(&mut self, job: &(dyn Fn() + Sync)) {
        // SAFETY: only the lifetime changes. The reference is used by threads between the increase of
        // `generation` below and their decrease of `running`; this function waits until `running` is
        // zero and takes the reference back before it returns or unwinds, so `job` is alive meanwhile.
        let lent: &'static Job = unsafe { std::mem::transmute::<&(dyn Fn() + Sync), &'static Job>(job) };
        self.shared.running.store(self.threads.len(), Ordering::Release);
        {
            let mut slot = self.shared.job.lock().unwrap_or_else(PoisonError::into_inner);
            *slot = Some(lent);
            self.shared.generation.fetch_add(1, Ordering::Release);
        }
        self.shared.sleepers.notify_all();
        let own = catch_unwind(AssertUnwindSafe(job));
        let mut turns = 0_u32;
        while self.shared.running.load(Ordering::Acquire) > 0 {
            wait(&mut turns);
        }
        *self.shared.job.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let failed = self.shared.failed.swap(false, Ordering::AcqRel);
        match own {
            Err(panic) => resume_unwind(panic),
            Ok(()) if failed => resume_unwind(Box::new("a worker thread of the model panicked")),
            Ok(()) => {}
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        {
            let _slot = self.shared.job.lock().unwrap_or_else(PoisonError::into_inner);
            self.shared.stop.store(true, Ordering::Release);
            self.shared.generation.fetch_add(1, Ordering::Release);
        }
        self.shared.sleepers.notify_all();
        for thread in self.threads.drain(..) {
            // A worker catches the panics of its jobs, so it ends normally.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn serve(&self) {
        let mut seen = 0;
        loop {
            let job = self.next_job(&mut seen);
            if self.stop.load(Ordering::Acquire) {
                return;
            }
            if let Some(job) = job {
                if catch_unwind(AssertUnwindSafe(job)).is_err() {
                    self.failed.store(true, Ordering::Release);
                }
                self.running.fetch_sub(1, Ordering::AcqRel);
            }
        }
    }

    /// Waits for a generation other than `seen`: first awake, then asleep.
    fn next_job(&self, seen: &mut usize) -> Option<&'static Job> {
        let mut turns = 0;
        while self.generation.load(Ordering::Acquire) == *seen && turns < SPINS + YIELDS {
            wait(&mut turns);
        }
        let mut slot = self.job.lock().unwrap_or_else(PoisonError::into_inner);
        while self.generation.load(Ordering::Acquire) == *seen {
            slot = self.sleepers.wait(slot).unwrap_or_else(PoisonError::into_inner);
        }
        *seen = self.generation.load(Ordering::Acquire);
        *slot
    }
}

fn wait(turns: &mut u32) {
    *turns = turns.saturating_add(1);
    if *turns < SPINS { std::hint::spin_loop() } else { std::thread::yield_now() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_done_once_before_each_returns() {
        for threads in [1, 2, 5] {
            let mut workers = Workers::start(threads).expect("threads start");
            for round in 0..500_u64 {
                let mut numbers = vec![round; 37];
                workers.each(numbers.chunks_mut(3).collect(), |part| {
                    part.iter_mut().for_each(|number| *number += 1);
                });
                assert!(numbers.iter().all(|number| *number == round + 1));
            }
        }
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_threads_live_on() {
        let mut workers = Workers::start(3).expect("threads start");
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            workers.each((0..30).collect(), |part: i32| assert_ne!(part, 17, "planted"));
        }));
        assert!(outcome.is_err());
        let sum = AtomicUsize::new(0);
        workers.each((0..30_usize).collect(), |part| {
            sum.fetch_add(part, Ordering::Relaxed);
        });
        assert_eq!(sum.into_inner(), 435);
    }
}
