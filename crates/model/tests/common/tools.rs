//! A chat template that has a place for tools, and model files with another template than they began with.
//!
//! Rule: whatever else the file says stays as it is.
//! Absent: any training on it.

#![allow(dead_code, reason = "each test uses a part")]

/// Tools in the system message, calls between their marks, answers in a user message: the form of Hermes and Qwen, in our words.
pub(crate) const TOOL_TEMPLATE: &str = include_str!("tools.jinja");

/// A good model file with this chat template in the place of its own.
pub(crate) fn with_template(file: &[u8], template: &str) -> Vec<u8> {
    let name = b"tokenizer.chat_template";
    let found = file.windows(name.len()).position(|window| window == name).expect("the file has a template");
    // Behind the name stand the number of its type, and the length of the text.
    let length_at = found + name.len() + 4;
    let old_end = length_at + 8 + number(file, length_at, 8);
    let infos_end = infos_end(file, metadata_end(file));
    let mut written = file[..length_at].to_vec();
    written.extend((template.len() as u64).to_le_bytes());
    written.extend(template.as_bytes());
    written.extend(&file[old_end..infos_end]);
    written.resize(written.len().next_multiple_of(32), 0);
    written.extend(&file[infos_end.next_multiple_of(32)..]);
    written
}

fn number(file: &[u8], at: usize, size: usize) -> usize {
    file[at..at + size].iter().rev().fold(0_usize, |number, byte| (number << 8) | usize::from(*byte))
}

/// Where the metadata ends and the list of tensors begins.
fn metadata_end(file: &[u8]) -> usize {
    let mut at = 24;
    for _ in 0..number(file, 16, 8) {
        at += 8 + number(file, at, 8);
        at = value_end(file, at + 4, number(file, at, 4));
    }
    at
}

fn value_end(file: &[u8], at: usize, kind: usize) -> usize {
    match kind {
        0 | 1 | 7 => at + 1,
        2 | 3 => at + 2,
        4..=6 => at + 4,
        8 => at + 8 + number(file, at, 8),
        9 => {
            let (inner, count) = (number(file, at, 4), number(file, at + 4, 8));
            (0..count).fold(at + 12, |at, _| value_end(file, at, inner))
        }
        _ => at + 8,
    }
}

/// Where the list of tensors ends: a name, sizes, a type and an offset for each.
fn infos_end(file: &[u8], mut at: usize) -> usize {
    for _ in 0..number(file, 8, 8) {
        at += 8 + number(file, at, 8);
        at += 4 + 8 * number(file, at, 4) + 4 + 8;
    }
    at
}
