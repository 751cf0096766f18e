//! Files that say they are a model. Properties: nothing panics or asks for memory without a bound; what a file says lies in
//! it; a model that opens knows its own vocabulary.

use openledger_model::Model;
use openledger_model::gguf::Gguf;

use crate::checkpoint::tiny;
use crate::edit::edited;

/// Reads the data as they are, behind the magic number, and as edits of an honest file's head.
pub(crate) fn run(data: &[u8]) {
    let honest = tiny().bytes();
    let weights: usize = tiny().tensors.iter().map(|(_, _, _, data)| data.len().next_multiple_of(32)).sum();
    let (head, weights) = honest.split_at(honest.len() - weights);
    let files = [data.to_vec(), [b"GGUF\x03\0\0\0", data].concat(), [&edited(head, data), weights].concat()];
    for bytes in files {
        let Ok(file) = Gguf::parse(&bytes) else { continue };
        let said: usize = file.tensors().map(|(_, tensor)| tensor.bytes.len()).sum();
        assert!(said <= bytes.len(), "{said} bytes of weights in {}", bytes.len());
        if let Ok(model) = Model::from_bytes(&bytes) {
            let tokenizer = model.tokenizer();
            if let Ok(tokens) = tokenizer.encode("the end and then") {
                assert!(tokens.iter().all(|token| (*token as usize) < tokenizer.vocabulary()), "{tokens:?}");
            }
        }
    }
}
