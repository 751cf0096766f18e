//! Texts that say they are the manifest of a folder with an index. Properties: nothing panics or asks for memory without a
//! bound; what is written is read as it was; of what does not fit its own hash, nothing is accepted.

use crate::edit::edited;
use crate::manifest_file::{InputLine, Manifest, Position, SegmentLine};

/// Reads the data as they are, and as edits of a manifest, with the hash of the honest one and with their own.
pub(crate) fn run(data: &[u8]) {
    let mut honest = honest();
    let written = honest.signed_text().expect("a manifest can be written");
    assert_eq!(Manifest::parse(&written).ok(), Some(honest.clone()), "what was written");
    for bytes in [data.to_vec(), edited(written.as_bytes(), data)] {
        let text = String::from_utf8_lossy(&bytes);
        if let Ok(read) = Manifest::parse(&text) {
            assert_eq!(read, honest, "another manifest with the hash of the honest one");
        }
        let Ok(mut forged) = serde_json::from_str::<Manifest>(&text) else { continue };
        let signed = forged.signed_text().expect("a manifest can be written");
        // Its format, or the names of its segments, may be none.
        if let Ok(read) = Manifest::parse(&signed) {
            assert_eq!(read, forged, "what was signed");
        }
    }
}

fn honest() -> Manifest {
    let mut manifest = Manifest::new();
    manifest.next_sequence = 7;
    for name in ["ferns", "ferns.2"] {
        let root = format!("0x{}", "5".repeat(64));
        let line = SegmentLine { name: name.into(), texts: 3, documents: 2, words: 40, bytes: 4000, root };
        manifest.segments.push(line);
    }
    let read = Position { bytes: 10, items: 2 };
    let input = InputLine { bytes: 20, modified_us: 5, read, is_done: false };
    manifest.inputs.insert("/in/ferns.jsonl".into(), input);
    manifest
}
