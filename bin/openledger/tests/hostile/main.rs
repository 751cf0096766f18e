//! Hostile bytes: what the fuzz targets of `fuzz/` do, over seeded random data, with a count of the memory that is asked for.
//! Runs on a stable compiler in seconds; fuzzing goes further, and is for whoever changes a reader.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of a test fails the test"
)]

mod adapter;
mod audit;
mod certificate;
#[path = "../../../../crates/inference/tests/cheats/mod.rs"]
mod cheats;
#[path = "../../../../crates/model/tests/common/mod.rs"]
mod checkpoint;
mod edit;
#[path = "../../src/files.rs"]
#[allow(dead_code, unreachable_pub, reason = "the binary's own file, of which a test uses a part")]
mod files;
mod gguf;
mod manifest;
#[path = "../../src/commands/index/manifest.rs"]
#[allow(dead_code, unreachable_pub, reason = "the binary's own file, of which a test uses a part")]
mod manifest_file;
#[path = "../../../../crates/model/tests/common/peft.rs"]
mod peft;
mod segment;
mod splitter;
mod table;
mod template;
mod tokenizer;
#[path = "../../../../crates/model/tests/common/tools.rs"]
mod tools;
mod world;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// The most bytes of data in a case.
const DATA_BYTES_MAX: usize = 400;

/// Cases of each target, and of those that make a whole model for each.
const CASES: u32 = 2_000;
const MODEL_CASES: u32 = 200;

/// The system's allocator, which counts what a thread holds.
struct Counting;

thread_local! {
    /// Bytes that are held now, and the most that were.
    static HELD: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
}

fn count(bytes: isize) {
    // A thread that ends has no count any more; nothing is measured there.
    let _ = HELD.try_with(|held| {
        let now = held.get().0 + bytes;
        held.set((now, held.get().1.max(now)));
    });
}

#[expect(unsafe_code, reason = "an allocator is unsafe; this one counts and passes on")]
// SAFETY: every call goes to the system's allocator as it came, and its answer goes back.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promises are those that are asked for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's promises are those that are asked for.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most bytes that `work` holds at once, beside what was held before.
fn peak(work: impl FnOnce()) -> usize {
    let before = HELD.get().0;
    HELD.set((before, before));
    work();
    usize::try_from(HELD.get().1 - before).unwrap_or(0)
}

/// Runs a target over seeded data; none may hold more than `bytes_max`.
fn check(target: fn(&[u8]), bytes_max: usize) {
    check_cases(CASES, target, bytes_max);
}

fn check_cases(cases: u32, target: fn(&[u8]), bytes_max: usize) {
    // What is made once is no case's.
    target(&[]);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]));
    // Few edits reach far; many bytes are refused early.
    let data = prop_oneof![
        3 => prop::collection::vec(any::<u8>(), 0..24),
        1 => prop::collection::vec(any::<u8>(), 0..DATA_BYTES_MAX),
    ];
    let outcome = runner.run(&data, |data| {
        let held = peak(|| target(&data));
        prop_assert!(held <= bytes_max, "{} bytes were held", held);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

#[test]
fn segments_from_strangers_do_no_harm() {
    check(segment::run, 32 << 20);
}

#[test]
fn certificates_from_strangers_show_nothing_new() {
    // Borsh asks for a mebibyte for a list of bytes before it reads so many.
    check(certificate::run, 2 << 20);
}

#[test]
fn any_text_is_split_and_streamed() {
    check(splitter::run, 1 << 20);
}

#[test]
fn manifests_from_strangers_are_refused_or_read() {
    check(manifest::run, 1 << 20);
}

#[test]
fn models_from_strangers_are_refused_or_opened() {
    // The longest context takes 128 MiB of angles for its positions.
    check_cases(MODEL_CASES, gguf::run, 192 << 20);
}

#[test]
fn adapters_from_strangers_are_refused_or_read() {
    // A header may have four mebibytes; these are a few hundred bytes, and the honest adapter some tens of thousands.
    check(adapter::run, 4 << 20);
}

#[test]
fn only_what_a_provider_committed_to_is_found_equal() {
    // A mebibyte for the pages of a cache that is emptied after each; the rest is a few thousand bytes of material.
    check_cases(MODEL_CASES, audit::run, 8 << 20);
}

#[test]
fn tables_from_strangers_are_refused_or_read() {
    check(table::run, 4 << 20);
}

#[test]
fn any_text_becomes_tokens_and_comes_back() {
    check(tokenizer::run, 4 << 20);
}

#[test]
fn templates_from_strangers_end() {
    check(template::run, 16 << 20);
}

#[test]
fn what_is_held_is_counted() {
    assert!(peak(|| drop(Vec::<u8>::with_capacity(5 << 20))) >= 5 << 20);
    assert!(peak(|| ()) < 1 << 20);
}
