//! Bytes that say they are a certificate. Properties: nothing panics or asks for memory without a bound; what is accepted
//! shows nothing but what the honest certificate shows.

use std::sync::OnceLock;

use openledger_attribution::{Certificate, CertifiedSpan, SealedIndex, attribute, certify};

use crate::edit::edited;
use crate::world::{OUTPUT, index};

/// Checks the data as they are, and as edits of the certificate of the output.
pub(crate) fn run(data: &[u8]) {
    static HONEST: OnceLock<(Vec<u8>, Vec<CertifiedSpan>)> = OnceLock::new();
    let (honest, shown) = HONEST.get_or_init(|| {
        let attribution = attribute(OUTPUT, index()).expect("the output is short");
        let bytes = certify(OUTPUT, &attribution, index()).expect("it can be certified").to_bytes();
        let shown = check(&bytes).expect("it is honest");
        assert!(shown.len() > 1, "several spans are paid");
        (bytes, shown)
    });
    for bytes in [data.to_vec(), edited(honest, data)] {
        let Some(found) = check(&bytes) else { continue };
        assert!(bytes == *honest || found.len() < shown.len(), "two forms of one certificate");
        assert!(
            found.iter().all(|span| shown.contains(span)),
            "a span that is not there is shown: {found:?}"
        );
    }
}

fn check(bytes: &[u8]) -> Option<Vec<CertifiedSpan>> {
    let segments = index().segments().iter();
    let sealed: Vec<SealedIndex<'_>> =
        segments.map(|segment| SealedIndex { datanet: segment.datanet(), root: segment.root() }).collect();
    Certificate::from_bytes(bytes).ok()?.check(&sealed, OUTPUT).ok()
}
