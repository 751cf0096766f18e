//! Damaged and hostile checkpoint files are refused by name, and never with a panic or a large allocation.

mod common;

use common::{Writer, text, tiny};
use openledger_model::gguf::{Gguf, GgufError, TensorType, Value};
use openledger_model::{Model, ModelError};
use proptest::prelude::*;

fn refused(edit: impl Fn(&mut Writer)) -> GgufError {
    let mut writer = tiny();
    edit(&mut writer);
    let bytes = writer.bytes();
    Gguf::parse(&bytes).expect_err("the file is damaged")
}

#[test]
fn a_good_file_reads_back() {
    let bytes = tiny().bytes();
    let file = Gguf::parse(&bytes).expect("the file is good");
    assert_eq!(file.text("general.name"), Ok("tiny"));
    assert_eq!(file.count("llama.block_count"), Ok(2));
    assert_eq!(file.number("llama.rope.freq_base"), Ok(10_000.0));
    assert!(matches!(file.value("tokenizer.ggml.merges"), Some(Value::Array(items)) if items.len() == 8));
    let tensor = file.tensor("blk.1.attn_k.weight").expect("it is there");
    assert_eq!((tensor.kind, tensor.dimensions.as_slice()), (TensorType::Q4_0, &[128, 64][..]));
    assert_eq!(tensor.to_f32().len(), 128 * 64);
    assert_eq!(file.tensors().count(), 20);
}

#[test]
fn damage_is_named() {
    let bytes = tiny().bytes();
    assert_eq!(Gguf::parse(b"GGML....").err(), Some(GgufError::NotGguf));
    assert!(matches!(Gguf::parse(&[]).err(), Some(GgufError::Truncated { .. })));
    let mut old = bytes.clone();
    old[4] = 2;
    assert_eq!(Gguf::parse(&old).err(), Some(GgufError::Version { version: 2 }));
    let mut many = bytes.clone();
    many[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(matches!(Gguf::parse(&many).err(), Some(GgufError::TooMany { what: "tensors", .. })));
    let cut = &bytes[..bytes.len() - 400];
    assert!(matches!(Gguf::parse(cut).err(), Some(GgufError::TensorPlace { .. })));

    let twice = refused(|writer| writer.text("general.name", "again"));
    assert!(matches!(twice, GgufError::Duplicate { what: "metadata entry", .. }), "{twice}");
    let twice = refused(|writer| writer.tensors.push(writer.tensors[3].clone()));
    assert!(matches!(twice, GgufError::Duplicate { what: "tensor", .. }), "{twice}");
    let kind = refused(|writer| writer.tensors[2].2 = 12);
    assert_eq!(kind, GgufError::TensorType { name: "blk.0.attn_q.weight".to_owned(), kind: 12 });
    let huge = refused(|writer| writer.tensors[2].1 = vec![1 << 40, 1 << 40]);
    assert!(matches!(huge, GgufError::TensorShape { reason: "its size overflows", .. }), "{huge}");
    let zero = refused(|writer| writer.tensors[2].1 = vec![128, 0]);
    assert!(matches!(zero, GgufError::TensorShape { reason: "a dimension is zero", .. }), "{zero}");
    let long = refused(|writer| writer.tensors[2].0 = "x".repeat(257));
    assert_eq!(long, GgufError::NameLength { what: "tensor name", bytes: 257 });
    let alignment = refused(|writer| writer.count("general.alignment", 48));
    assert_eq!(alignment, GgufError::Alignment { alignment: 48 });
}

#[test]
fn false_lengths_do_not_reserve_memory() {
    // An array that announces four million elements in a file of a few bytes.
    let mut bytes = b"GGUF".to_vec();
    bytes.extend(3_u32.to_le_bytes());
    bytes.extend(0_u64.to_le_bytes());
    bytes.extend(1_u64.to_le_bytes());
    bytes.extend(text("list"));
    bytes.extend([9_u32.to_le_bytes(), 8_u32.to_le_bytes()].concat());
    bytes.extend(4_000_000_u64.to_le_bytes());
    assert!(matches!(Gguf::parse(&bytes).err(), Some(GgufError::Truncated { .. })));
    // Arrays of arrays of arrays.
    let start = bytes.len() - 16;
    bytes.truncate(start);
    bytes.extend(9_u32.to_le_bytes());
    for _ in 0..200 {
        bytes.extend(9_u32.to_le_bytes());
        bytes.extend(1_u64.to_le_bytes());
    }
    assert_eq!(Gguf::parse(&bytes).err(), Some(GgufError::ArrayDepth { name: "list".to_owned() }));
}

/// Each is within the limit, and together they are beyond it: a value takes many times what its byte does.
#[test]
fn many_arrays_of_bytes_do_not_take_many_times_their_size() {
    let mut bytes = b"GGUF".to_vec();
    bytes.extend(3_u32.to_le_bytes());
    bytes.extend([0_u64.to_le_bytes(), 3_u64.to_le_bytes()].concat());
    for name in ["a", "b", "c"] {
        bytes.extend(1_u64.to_le_bytes());
        bytes.extend(name.as_bytes());
        bytes.extend([9_u32.to_le_bytes(), 0_u32.to_le_bytes()].concat());
        bytes.extend(2_000_000_u64.to_le_bytes());
        bytes.resize(bytes.len() + 2_000_000, 0);
    }
    let refused = Gguf::parse(&bytes).expect_err("6,000,000 elements");
    assert!(matches!(refused, GgufError::TooMany { count: 6_000_000, .. }), "{refused}");
}

#[test]
fn models_that_do_not_fit_together_are_refused() {
    let open = |edit: &dyn Fn(&mut Writer)| {
        let mut writer = tiny();
        edit(&mut writer);
        Model::from_bytes(&writer.bytes()).err().expect("the model is damaged").to_string()
    };
    let set = |writer: &mut Writer, name: &str, value: u32| {
        writer.metadata.retain(|(other, _)| other != name);
        writer.count(name, value);
    };
    let rows: [(&dyn Fn(&mut Writer), &str); 8] = [
        (&|writer| writer.tensors.truncate(5), "tensor blk.0.attn_output.weight is missing"),
        (
            &|writer| writer.tensors[2].1 = vec![64, 256],
            "tensor blk.0.attn_q.weight has dimensions [64, 256]",
        ),
        (&|writer| set(writer, "llama.attention.head_count", 4), "expected a head width of 64 or 128"),
        (&|writer| set(writer, "llama.attention.head_count_kv", 0), "llama.attention.head_count_kv is 0"),
        (&|writer| set(writer, "llama.context_length", u32::MAX), "llama.context_length is 4294967295"),
        (&|writer| set(writer, "llama.expert_count", 8), "mixtures of experts"),
        (&|writer| writer.metadata.retain(|(name, _)| name != "tokenizer.ggml.merges"), "merges is missing"),
        (&|writer| writer.tensors[2].3[1] = 0x7c, "blk.0.attn_q.weight holds values that are not finite"),
    ];
    for (edit, expected) in rows {
        let message = open(edit);
        assert!(message.contains(expected), "{message:?} should contain {expected:?}");
    }
    let missing = Model::open(std::path::Path::new("/nonexistent/model.gguf")).err();
    assert!(matches!(missing, Some(ModelError::File { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn changed_headers_never_panic(at in 0_usize..9_000, values in prop::collection::vec(any::<u8>(), 1..9)) {
        let mut bytes = tiny().bytes();
        for (offset, value) in values.iter().enumerate() {
            bytes[at + offset] = *value;
        }
        if let Ok(file) = Gguf::parse(&bytes) {
            let tensors: usize = file.tensors().map(|(_, tensor)| tensor.bytes.len()).sum();
            prop_assert!(tensors <= bytes.len());
        }
        let _ = Model::from_bytes(&bytes);
    }

    #[test]
    fn cut_files_never_panic(length in 0_usize..12_000) {
        let bytes = tiny().bytes();
        prop_assert!(Gguf::parse(&bytes[..length]).is_err());
    }

    #[test]
    fn any_bytes_never_panic(tail in prop::collection::vec(any::<u8>(), 0..300)) {
        let bytes = [b"GGUF\x03\0\0\0".as_slice(), &tail].concat();
        let _ = Gguf::parse(&bytes);
    }
}
