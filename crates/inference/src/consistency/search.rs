//! The model's side of following an answer: the likeliest divisions into tokens, each computed on.
//!
//! Rule: all paths have as many tokens as there were draws, so they are compared fairly; of those that are equally far in the text
//! the likeliest is kept. How many there are is bounded, and so is what they are computed from.
//! Absent: which tokens a path may take (`path`).

use std::sync::Arc;

use openledger_model::{
    BATCH_TOKENS_MAX, Chunk, ForwardError, Model, Outputs, PAGE_TOKENS, Runner, RunnerConfig, Sequence,
};

use super::Told;
use super::draws::{Drawing, Draws};
use super::path::Path;
use crate::replay::{ReplayError, feed};

/// Divisions that are followed at a time.
const PATHS_MAX: usize = 4;
/// One that is less likely than another by more than this, as a logarithm, is given up.
const BEHIND_MAX: f64 = 30.0;

/// A path, and what is computed of it.
struct Live<'a> {
    path: Path<'a>,
    sequence: Sequence,
}

pub(super) struct Search<'a> {
    runner: Runner,
    drawing: Drawing,
    lives: Vec<Live<'a>>,
    /// The likeliest path that has come to the end, and the first that no token goes on from.
    ended: Option<Path<'a>>,
    broken: Option<Path<'a>>,
    /// Whether a path had no room to go on.
    is_full: bool,
}

impl<'a> Search<'a> {
    pub(super) fn new(
        model: &Arc<Model>,
        threads: usize,
        told: &Told<'a>,
        draws: Draws,
    ) -> Result<Self, ReplayError> {
        let context = model.context_length();
        // Each path may come to have all pages of its own; those that are left are given back when the next ones are there.
        let cache_tokens_max = context.next_multiple_of(PAGE_TOKENS).saturating_mul(PATHS_MAX);
        let config = RunnerConfig { threads, cache_tokens_max, instruction_set: None };
        let mut runner = Runner::new(Arc::clone(model), config)?;
        if told.prompt.len() >= context {
            return Err(ForwardError::ContextExceeded { tokens: told.prompt.len() + 1, context }.into());
        }
        let mut sequence = runner.cache.start(&[]);
        let (_, before) = told.prompt.split_last().ok_or(ReplayError::Empty)?;
        for piece in before.chunks(BATCH_TOKENS_MAX) {
            reserve(&mut runner, &mut sequence, piece.len())?;
            feed(&mut runner, None, &mut sequence, piece, Outputs::None)?;
        }
        let lives = vec![Live { path: Path::new(told), sequence }];
        Ok(Self { runner, drawing: Drawing::new(draws), lives, ended: None, broken: None, is_full: false })
    }

    /// The likeliest division.
    pub(super) fn run(mut self) -> Result<Path<'a>, ReplayError> {
        while !self.lives.is_empty() {
            self.compute()?;
            let steps = self.steps();
            self.go_on(steps);
        }
        let context = self.runner.model().context_length();
        // What is foreign to one division is foreign to the answer only if none goes on.
        // A division that had no room might have gone on where another did not.
        let broken = self.broken.filter(|_| !self.is_full);
        Ok(self.ended.or(broken).ok_or(ForwardError::ContextExceeded { tokens: context + 1, context })?)
    }

    /// Computes what follows every path.
    fn compute(&mut self) -> Result<(), ReplayError> {
        let mut chunks = Vec::with_capacity(self.lives.len());
        for Live { path, sequence } in &mut self.lives {
            let pending = &path.tokens[sequence.length()..];
            if self.runner.cache.reserve(sequence, pending.len()).is_err() {
                return Err(full(&self.runner));
            }
            chunks.push(Chunk::new(sequence, pending, Outputs::Last));
        }
        self.runner.forward(&mut chunks)?;
        Ok(())
    }

    /// The ways on of every path, the likeliest first, each with the place of the path that it leaves.
    fn steps(&mut self) -> Vec<(usize, Path<'a>)> {
        self.drawing.turn();
        let mut steps = Vec::new();
        for (from, live) in self.lives.iter().enumerate() {
            let place = self.drawing.place(self.runner.logits(from));
            let next = live.path.steps(self.runner.model().tokenizer(), &place);
            steps.extend(next.into_iter().map(|path| (from, path)));
        }
        steps.sort_by(|(_, left), (_, right)| right.likely.total_cmp(&left.likely));
        steps
    }

    fn go_on(&mut self, steps: Vec<(usize, Path<'a>)>) {
        let context = self.runner.model().context_length();
        let mut kept: Vec<(usize, Path<'a>)> = Vec::new();
        let mut likeliest = self.ended.as_ref().map_or(f64::NEG_INFINITY, |ended| ended.likely);
        for (from, path) in steps {
            if path.is_foreign {
                self.broken.get_or_insert(path);
                continue;
            }
            likeliest = likeliest.max(path.likely);
            if path.has_ended {
                if self.ended.as_ref().is_none_or(|ended| path.likely > ended.likely) {
                    self.ended = Some(path);
                }
                continue;
            }
            self.is_full |= path.tokens.len() >= context;
            let is_new = kept.iter().all(|(_, other)| other.bytes_left() != path.bytes_left());
            let is_behind = path.likely < likeliest - BEHIND_MAX;
            if is_new && !is_behind && kept.len() < PATHS_MAX && path.tokens.len() < context {
                kept.push((from, path));
            }
        }
        self.lives = self.branched(kept);
    }

    /// Each path with a sequence: of those that go on from one path the last takes its sequence over, and the others begin on its
    /// full pages, which are there until then.
    fn branched(&mut self, kept: Vec<(usize, Path<'a>)>) -> Vec<Live<'a>> {
        let cache = &mut self.runner.cache;
        let mut before: Vec<Option<Sequence>> =
            self.lives.drain(..).map(|live| Some(live.sequence)).collect();
        let froms: Vec<usize> = kept.iter().map(|(from, _)| *from).collect();
        let mut lives: Vec<Live<'a>> = Vec::with_capacity(kept.len());
        for (place, (from, path)) in kept.into_iter().enumerate() {
            let sequence = match froms[place + 1..].contains(&from) {
                true => before[from].as_ref().map(|sequence| cache.start(sequence.full_pages())),
                false => before[from].take(),
            };
            lives.push(Live { path, sequence: sequence.expect("only the last takes it away") });
        }
        before.into_iter().flatten().for_each(|sequence| cache.finish(sequence));
        lives
    }
}

fn reserve(runner: &mut Runner, sequence: &mut Sequence, tokens: usize) -> Result<(), ReplayError> {
    runner.cache.reserve(sequence, tokens).map_err(|_| full(runner))
}

fn full(runner: &Runner) -> ReplayError {
    let limit = runner.cache.pages_max() * PAGE_TOKENS;
    ReplayError::CacheTooSmall { tokens: limit + 1, limit }
}
