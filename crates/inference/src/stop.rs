//! Stop strings in a stream.
//!
//! Rule: text is given out as soon as it cannot belong to a stop string any more, and never contains
//! one. What is given out does not depend on how the text was cut into pieces.
//! Absent: stop tokens; those are the model's.

/// Watches a text that arrives in pieces.
#[derive(Debug)]
pub(crate) struct StopMatcher {
    stops: Vec<String>,
    /// Text that could be the start of a stop string.
    held: String,
}

/// What became of one piece.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Passed {
    /// Text that is safe to give out.
    pub(crate) text: String,
    /// Whether a stop string was found; the rest of the text is dropped.
    pub(crate) stopped: bool,
}

impl StopMatcher {
    /// Watches for `stops`, none of which is empty.
    pub(crate) fn new(stops: Vec<String>) -> StopMatcher {
        StopMatcher { stops, held: String::new() }
    }

    /// Adds a piece of text.
    pub(crate) fn push(&mut self, piece: &str) -> Passed {
        self.held.push_str(piece);
        let found = self.stops.iter().filter_map(|stop| self.held.find(stop)).min();
        if let Some(at) = found {
            self.held.truncate(at);
            return Passed { text: std::mem::take(&mut self.held), stopped: true };
        }
        let keep = self.stops.iter().map(|stop| overlap(&self.held, stop)).max().unwrap_or(0);
        let rest = self.held.split_off(self.held.len() - keep);
        Passed { text: std::mem::replace(&mut self.held, rest), stopped: false }
    }

    /// The text ended: gives out what was held back.
    pub(crate) fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

/// Length of the longest end of `text` that is a beginning of `stop`.
fn overlap(text: &str, stop: &str) -> usize {
    let longest = text.len().min(stop.len() - 1);
    let ends = |length: &usize| text.as_bytes().ends_with(&stop.as_bytes()[..*length]);
    // A beginning of `stop` that cuts a character cannot be the end of a text, but could share bytes.
    (1..=longest).rev().filter(|length| stop.is_char_boundary(*length)).find(ends).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(stops: &[&str], pieces: &[&str]) -> (String, bool) {
        let mut matcher = StopMatcher::new(stops.iter().map(|stop| (*stop).to_owned()).collect());
        let mut text = String::new();
        for piece in pieces {
            let passed = matcher.push(piece);
            text.push_str(&passed.text);
            if passed.stopped {
                return (text, true);
            }
        }
        text.push_str(&matcher.finish());
        (text, false)
    }

    #[test]
    fn stops_are_found_across_pieces() {
        let rows: [(&[&str], &[&str], &str, bool); 7] = [
            (&[], &["a", "b"], "ab", false),
            (&["\n\n"], &["one\n", "two\n", "\nthree"], "one\ntwo", true),
            (&["\n\n"], &["one\n"], "one\n", false),
            (&["aab"], &["aa", "ab", "x"], "a", true),
            (&["END", "E"], &["xEND"], "x", true),
            (&["é!"], &["caf", "é", "!"], "caf", true),
            (&["\"\n"], &["say \"hi\"", " there"], "say \"hi\" there", false),
        ];
        for (stops, pieces, text, stopped) in rows {
            assert_eq!(run(stops, pieces), (text.to_owned(), stopped), "{stops:?} {pieces:?}");
        }
    }

    #[test]
    fn text_is_held_back_only_while_it_could_be_a_stop() {
        let mut matcher = StopMatcher::new(vec!["\nQuestion:".to_owned()]);
        assert_eq!(matcher.push("Paris.\nQuest").text, "Paris.");
        assert_eq!(matcher.push("s").text, "\nQuests");
    }
}
