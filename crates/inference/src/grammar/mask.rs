//! Which tokens a grammar allows next.
//!
//! Rule: a token is allowed exactly when all of its bytes can stand next in the answer; tokens that end a text are allowed
//! exactly where the answer may end. Where no token is left, because a vocabulary has no token for some byte, those that end
//! the text are allowed.
//! Absent: what was chosen (`choose`).

use openledger_model::Tokenizer;

use super::Grammar;
use super::automaton::State;
use super::calls::MARK_BEGIN;
use super::text::Text;

/// The tokens of one vocabulary in the order of their bytes.
pub(crate) struct TokenTable {
    all: Vec<Entry>,
    /// Those that a string cannot hold between two of its characters, or that cut one.
    awkward: Vec<Entry>,
    /// Those that it can.
    plain: Mask,
    /// Those with a sign that the mark of a call may begin at.
    marking: Vec<Entry>,
    /// The others.
    free: Mask,
    ends: Vec<u32>,
}

/// A token, and how many bytes it begins with that the token before it begins with too.
#[derive(Clone, Copy)]
struct Entry {
    token: u32,
    shared: usize,
}

/// One bit for each token.
#[derive(Clone)]
pub(crate) struct Mask(Vec<u64>);

impl Mask {
    fn none(vocabulary: usize) -> Mask {
        Mask(vec![0; vocabulary.div_ceil(64)])
    }

    fn set(&mut self, token: u32) {
        self.0[token as usize / 64] |= 1 << (token % 64);
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Takes away the logits of all other tokens.
    pub(crate) fn apply(&self, logits: &mut [f32]) {
        for (token, logit) in logits.iter_mut().enumerate() {
            let allowed = self.0.get(token / 64).is_some_and(|word| word >> (token % 64) & 1 == 1);
            if !allowed {
                *logit = f32::NEG_INFINITY;
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn allows(&self, token: u32) -> bool {
        self.0[token as usize / 64] >> (token % 64) & 1 == 1
    }
}

impl TokenTable {
    pub(crate) fn new(tokenizer: &Tokenizer) -> TokenTable {
        let vocabulary = tokenizer.vocabulary();
        let ids = 0..u32::try_from(vocabulary).unwrap_or(u32::MAX);
        // What ends a text, and control tokens, stand for no bytes.
        let mut tokens: Vec<u32> = ids
            .clone()
            .filter(|token| !tokenizer.bytes(*token).is_empty() && !tokenizer.is_end(*token))
            .collect();
        tokens
            .sort_by(|left, right| tokenizer.bytes(*left).cmp(tokenizer.bytes(*right)).then(left.cmp(right)));
        let mut plain = Mask::none(vocabulary);
        let (easy, awkward): (Vec<u32>, Vec<u32>) =
            tokens.iter().partition(|token| is_plain(tokenizer.bytes(**token)));
        easy.into_iter().for_each(|token| plain.set(token));
        let mut free = Mask::none(vocabulary);
        let (marking, others): (Vec<u32>, Vec<u32>) =
            tokens.iter().partition(|token| tokenizer.bytes(**token).contains(&MARK_BEGIN));
        others.into_iter().for_each(|token| free.set(token));
        TokenTable {
            all: entries(&tokens, tokenizer),
            awkward: entries(&awkward, tokenizer),
            plain,
            marking: entries(&marking, tokenizer),
            free,
            ends: ids.filter(|token| tokenizer.is_end(*token)).collect(),
        }
    }

    /// The tokens that may follow.
    pub(crate) fn mask(&self, tokenizer: &Tokenizer, grammar: &Grammar, state: &State) -> Mask {
        let (mut mask, entries) = match state {
            _ if state.is_plain_text() => (self.plain.clone(), &self.awkward),
            _ if state.is_free_text() => (self.free.clone(), &self.marking),
            _ => (Mask::none(tokenizer.vocabulary()), &self.all),
        };
        // States after each byte of the token at hand; the next token goes on after the bytes that it shares.
        let mut states = vec![state.clone()];
        let mut refused_at = usize::MAX;
        for Entry { token, shared } in entries {
            if *shared > refused_at {
                continue;
            }
            states.truncate(shared + 1);
            refused_at = usize::MAX;
            for (at, byte) in tokenizer.bytes(*token).iter().enumerate().skip(states.len() - 1) {
                let mut next = states[at].clone();
                if !next.advance(grammar, *byte) {
                    refused_at = at;
                    break;
                }
                states.push(next);
            }
            if refused_at == usize::MAX {
                mask.set(*token);
            }
        }
        if state.can_end(grammar) || mask.is_empty() {
            self.ends.iter().for_each(|token| mask.set(*token));
        }
        mask
    }
}

fn is_plain(bytes: &[u8]) -> bool {
    let end = bytes.iter().try_fold(Text::Plain, |text, byte| match byte {
        b'\\' => None,
        _ => text.advance(*byte),
    });
    end == Some(Text::Plain)
}

fn entries(tokens: &[u32], tokenizer: &Tokenizer) -> Vec<Entry> {
    let mut before: &[u8] = &[];
    let mut entries = Vec::with_capacity(tokens.len());
    for token in tokens {
        let bytes = tokenizer.bytes(*token);
        let shared = before.iter().zip(bytes).take_while(|(left, right)| left == right).count();
        entries.push(Entry { token: *token, shared });
        before = bytes;
    }
    entries
}
