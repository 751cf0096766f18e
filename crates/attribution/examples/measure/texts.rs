//! The texts that are measured with, drawn by fixed seeds. Absent: where a corpus comes from.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};

use openledger_datanet::limits::TEXT_BYTES_MAX;
use serde_json::{Value, json};

/// Bytes of an output: 200 tokens of a common tokenizer, and some hundred words.
const OUTPUT_BYTES: usize = 710;
const OUTPUTS: usize = 1000;
pub(crate) const KINDS: [&str; 3] = ["held out", "copied", "mixed"];

/// The texts of a file of JSON lines.
pub(crate) fn lines(path: &str) -> impl Iterator<Item = String> {
    let file = File::open(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    BufReader::with_capacity(1 << 20, file).lines().map(|line| {
        match serde_json::from_str(&line.unwrap()).unwrap() {
            Value::Object(mut object) => match object.remove("text") {
                Some(Value::String(text)) => text,
                _ => panic!("a line without a text"),
            },
            _ => panic!("a line that is no object"),
        }
    })
}

/// Draws texts until they have so many bytes: a sample holds the smaller ones, and all kinds of texts.
pub(crate) fn write_sample(corpus: &str, bytes_max: usize, out: &str) -> Value {
    let mut drawn: Vec<(u64, usize, usize)> =
        lines(corpus).enumerate().map(|(place, text)| (hash(text.as_bytes()), place, text.len())).collect();
    drawn.sort_unstable();
    let mut bytes = 0;
    drawn.retain(|(_, _, length)| {
        bytes += length;
        bytes <= bytes_max
    });
    let mut places: Vec<usize> = drawn.iter().map(|(_, place, _)| *place).collect();
    places.sort_unstable();
    let mut file = BufWriter::new(File::create(out).unwrap());
    let (mut places, mut documents, mut text_bytes) = (places.into_iter().peekable(), 0, 0);
    for (_, text) in lines(corpus).enumerate().filter(|(place, _)| places.next_if_eq(place).is_some()) {
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (part, after) = rest.split_at(rest.floor_char_boundary(TEXT_BYTES_MAX));
            writeln!(file, "{}", json!({ "text": part })).unwrap();
            (documents, text_bytes) = (documents + 1, text_bytes + part.len());
            rest = after;
        }
    }
    file.flush().unwrap();
    json!({ "documents": documents, "text_bytes": text_bytes })
}

pub(crate) fn write_outputs(sample: &str, heldout: &str, out: &str) -> Value {
    let (sample, heldout): (Vec<String>, Vec<String>) = (lines(sample).collect(), lines(heldout).collect());
    let mut random = Random(1);
    let mut outputs = |make: &mut dyn FnMut(&mut Random) -> String| -> Vec<String> {
        (0..OUTPUTS).map(|_| make(&mut random)).collect()
    };
    let held = outputs(&mut |random| piece(&heldout, OUTPUT_BYTES, random));
    let copied = outputs(&mut |random| piece(&sample, OUTPUT_BYTES, random));
    let mixed = outputs(&mut |random| {
        (0..4).map(|_| piece(&sample, 105, random) + &piece(&heldout, 74, random)).collect()
    });
    let kinds = KINDS.into_iter().zip([held, copied, mixed]);
    let written: serde_json::Map<_, _> =
        kinds.map(|(kind, outputs)| (kind.to_owned(), outputs.into())).collect();
    std::fs::write(out, Value::Object(written).to_string()).unwrap();
    json!({ "outputs_of_a_kind": OUTPUTS, "bytes": OUTPUT_BYTES })
}

/// The outputs of each kind.
pub(crate) fn read_outputs(path: &str) -> Vec<(&'static str, Vec<String>)> {
    let mut read: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    KINDS.map(|kind| (kind, serde_json::from_value(read[kind].take()).unwrap())).into()
}

/// A run of whole words somewhere in a text that is long enough.
pub(crate) fn piece(texts: &[String], bytes: usize, random: &mut Random) -> String {
    loop {
        let text = &texts[random.below(texts.len())];
        if text.len() > 2 * bytes {
            let start = text.ceil_char_boundary(random.below(text.len() - bytes));
            let rest = text[start..].find(' ').map_or("", |at| &text[start + at..]);
            let taken = &rest[..rest.floor_char_boundary(bytes)];
            return taken[..taken.rfind(' ').unwrap_or(0)].to_owned();
        }
    }
}

/// Knuth's linear congruential generator (MMIX).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % count
    }
}

/// FNV-1a, 64 bits.
fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}
