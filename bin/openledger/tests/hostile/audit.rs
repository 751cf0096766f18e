//! What a provider hands to an auditor: the material of an answer, and openings of its parts. Properties: nothing panics or asks
//! for memory without a bound; what is read is written in the same bytes; only the honest bytes compute to what was committed.

use std::sync::{Arc, Mutex, OnceLock};

use openledger_inference::{Auditor, Hash, Material, Model, Opening, Scope};

use crate::cheats::{Cheat, SALT, answer};
use crate::checkpoint::tiny;
use crate::edit::edited;

/// An honest answer of a tiny model, and who computes it again.
struct Honest {
    auditor: Auditor,
    material: Vec<u8>,
    openings: Vec<(Scope, Vec<u8>)>,
}

impl Honest {
    fn new() -> Mutex<Honest> {
        let model = Arc::new(Model::from_bytes(&tiny().bytes()).expect("an honest model"));
        let prompt: Vec<u32> = (0..40).map(|index| (index * 37 + 11) % 200).collect();
        let made = answer(&model, model.sha256(), &prompt, 8, Cheat::default());
        let mut auditor = Auditor::new(model, 1, None).expect("a thread starts");
        let scopes = [
            Scope::Windows(vec![1]),
            Scope::Layer { layer: 0, windows: vec![0, 1] },
            Scope::Layer { layer: 1, windows: vec![0] },
        ];
        let openings = scopes.map(|scope| {
            let opening = auditor.open(&made.claim(), &scope).expect("its own answer comes again");
            (scope, opening.to_bytes())
        });
        let (prompt, output, evidence) = (made.prompt, made.output, made.evidence);
        let material = Material { salt: Hash(SALT), prompt, output, evidence }.to_bytes();
        Mutex::new(Honest { auditor, material, openings: openings.into() })
    }

    /// Whether an auditor finds everything of a part as it was committed to.
    fn is_equal(&mut self, material: &Material, scope: &Scope, opening: Option<&Opening>) -> bool {
        let report = self.auditor.replay(&material.claim(None), scope, opening);
        report.is_ok_and(|report| report.is_equal())
    }
}

/// Reads the data as each of both, and as edits of honest ones.
pub(crate) fn run(data: &[u8]) {
    static HONEST: OnceLock<Mutex<Honest>> = OnceLock::new();
    let mut honest = HONEST.get_or_init(Honest::new).lock().expect("no case failed before");
    for bytes in [data.to_vec(), edited(&honest.material, data)] {
        let Ok(material) = Material::from_bytes(&bytes) else { continue };
        assert_eq!(material.to_bytes(), bytes, "what came back");
        let is_equal = honest.is_equal(&material, &Scope::All, None);
        assert_eq!(is_equal, bytes == honest.material, "an answer that was not given: {material:?}");
    }
    let material = Material::from_bytes(&honest.material).expect("what was written is read");
    for (scope, own) in honest.openings.clone() {
        for bytes in [data.to_vec(), edited(&own, data)] {
            let Ok(opening) = Opening::from_bytes(&bytes) else { continue };
            assert_eq!(opening.to_bytes(), bytes, "what came back");
            let is_equal = honest.is_equal(&material, &scope, Some(&opening));
            assert_eq!(is_equal, bytes == own, "another opening of {scope:?}");
        }
    }
}
