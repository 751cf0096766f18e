//! Files that say they are an adapter. Properties: nothing panics or asks for memory without a bound; what is read fits the
//! base model, is written as PEFT writes it, and that reads back as the same adapter.

use std::sync::OnceLock;

use openledger_model::{Adapter, AdapterBase, Model, Module};

use crate::checkpoint::tiny;
use crate::edit::edited;
use crate::peft;

/// What an adapter is made of, honestly.
struct Honest {
    base: AdapterBase,
    config: Vec<u8>,
    header: Vec<u8>,
    data: Vec<u8>,
}

impl Honest {
    fn new() -> Honest {
        let model = Model::from_bytes(&tiny().bytes()).expect("an honest model");
        let rank = |layer, module| (layer == 0 && module != Module::Gate).then_some(1);
        let parts = peft::parts(model.shape(), 3, rank);
        let file = peft::Tensors::of(model.shape(), &parts, "BF16").bytes();
        let (length, rest) = file.split_first_chunk::<8>().expect("a length");
        let length = usize::try_from(u64::from_le_bytes(*length)).expect("a small header");
        Honest {
            base: peft::base(&model),
            config: peft::config(1, 2.0, "{}").into_bytes(),
            header: rest[..length].to_vec(),
            data: rest[length..].to_vec(),
        }
    }

    /// The file of tensors with another header.
    fn tensors(&self, header: &[u8]) -> Vec<u8> {
        [&(header.len() as u64).to_le_bytes(), header, &self.data].concat()
    }
}

/// Reads the data as each of the files, and as edits of honest ones and of an honest header.
pub(crate) fn run(data: &[u8]) {
    static HONEST: OnceLock<Honest> = OnceLock::new();
    let honest = HONEST.get_or_init(Honest::new);
    let tensors = honest.tensors(&honest.header);
    for (config, tensors) in [
        (honest.config.clone(), tensors.clone()),
        (data.to_vec(), tensors.clone()),
        (honest.config.clone(), data.to_vec()),
        (edited(&honest.config, data), tensors.clone()),
        (honest.config.clone(), edited(&tensors, data)),
        (honest.config.clone(), honest.tensors(data)),
        (honest.config.clone(), honest.tensors(&edited(&honest.header, data))),
    ] {
        let Ok(adapter) = Adapter::from_bytes(&config, &tensors, &honest.base) else { continue };
        assert!(adapter.fits(&honest.base.shape), "an adapter of another shape");
        assert!(adapter.bytes() <= 2 * tensors.len() as u64, "more numbers than the file has");
        let (config, tensors) = adapter.to_bytes("").expect("it is small");
        let back = Adapter::from_bytes(&config, &tensors, &honest.base).expect("what was written is good");
        assert_eq!(back.id(), adapter.id(), "what came back");
    }
}
