//! Bytes that say they are a segment. Properties: nothing panics or asks for memory without a bound; what verifies answers
//! as the honest segment does. Does not check that what does not verify answers rightly: it need not.

use std::sync::Arc;

use openledger_attribution::{Index, Segment, attribute, certify, with_right_checksums};

use crate::edit::edited;
use crate::world::{OUTPUT, index};

/// Reads the data as they are, and as edits of a segment whose checksums are made right again.
pub(crate) fn run(data: &[u8]) {
    read(data.to_vec(), None);
    let honest = &index().segments()[0];
    if let Some(forged) = with_right_checksums(&edited(honest.as_bytes(), data)) {
        read(forged, Some(honest));
    }
}

fn read(bytes: Vec<u8>, honest: Option<&Segment>) {
    let Ok(segment) = Segment::open(Arc::new(bytes)) else { return };
    let is_honest = segment.verify().is_ok();
    let texts: Vec<_> = (0..segment.document_count()).map(|document| segment.text(document)).collect();
    let index = Index::join(vec![Arc::new(segment.clone())]).expect("one segment");
    let found = attribute(OUTPUT, &index).expect("the output is short");
    let certificate = certify(OUTPUT, &found, &index);
    let Some(honest) = honest.filter(|honest| is_honest && honest.root() == segment.root()) else { return };
    let expected: Vec<_> = (0..honest.document_count()).map(|document| honest.text(document)).collect();
    assert_eq!(texts, expected, "texts of a segment that verifies");
    let index = Index::join(vec![Arc::new(honest.clone())]).expect("one segment");
    assert_eq!(attribute(OUTPUT, &index).as_ref(), Ok(&found), "spans of a segment that verifies");
    assert_eq!(certify(OUTPUT, &found, &index), certificate, "certificate of a segment that verifies");
}
