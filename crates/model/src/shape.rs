//! The numbers that fix the shape of a model, read from a checkpoint and checked.
//!
//! Rule: nothing downstream checks a shape again; whatever passes here can be computed.
//! Absent: architectures other than llama.

use crate::gguf::{Gguf, GgufError};

/// Largest accepted context, in tokens.
pub(crate) const CONTEXT_TOKENS_MAX: usize = 131_072;

/// The shape of a llama-architecture model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// Transformer layers.
    pub layers: usize,
    /// Width of the hidden state.
    pub width: usize,
    /// Width of the feed-forward layer.
    pub feed_forward: usize,
    /// Query heads.
    pub heads: usize,
    /// Key-value heads; a divisor of `heads`.
    pub kv_heads: usize,
    /// Width of one head, 64 or 128.
    pub head_width: usize,
    /// Tokens in the vocabulary.
    pub vocabulary: usize,
    /// Longest sequence, in tokens.
    pub context: usize,
    /// Base of the rotary frequencies.
    pub rope_base: f32,
    /// Added to the mean square in normalisation.
    pub epsilon: f32,
}

/// Why a checkpoint's shape was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// A metadata entry is absent or has another type.
    #[error(transparent)]
    Metadata(#[from] GgufError),
    /// Another architecture.
    #[error("the model has architecture {found}; only llama is supported")]
    Architecture {
        /// What the file states.
        found: String,
    },
    /// A number is out of its range.
    #[error("{name} is {value}, expected {expected}")]
    Range {
        /// Which number.
        name: &'static str,
        /// Its value.
        value: String,
        /// What would be accepted.
        expected: &'static str,
    },
    /// The checkpoint needs arithmetic that this engine does not have.
    #[error("the model uses {feature}, which is not supported")]
    Feature {
        /// Which one.
        feature: &'static str,
    },
}

impl Shape {
    /// Reads and checks the shape.
    pub(crate) fn read(file: &Gguf<'_>) -> Result<Shape, ShapeError> {
        let architecture = file.text("general.architecture")?;
        if architecture != "llama" {
            return Err(ShapeError::Architecture { found: architecture.to_owned() });
        }
        refuse_features(file)?;
        let heads = bounded("llama.attention.head_count", file, 1, 1_024, "1 to 1024")?;
        let width = bounded("llama.embedding_length", file, 32, 65_536, "a multiple of 32 up to 65536")?;
        let kv_heads = match file.value("llama.attention.head_count_kv") {
            Some(_) => bounded("llama.attention.head_count_kv", file, 1, heads, "1 to the number of heads")?,
            None => heads,
        };
        let shape = Shape {
            layers: bounded("llama.block_count", file, 1, 512, "1 to 512")?,
            width,
            feed_forward: bounded("llama.feed_forward_length", file, 32, 262_144, "a multiple of 32")?,
            heads,
            kv_heads,
            head_width: width / heads,
            vocabulary: file.texts("tokenizer.ggml.tokens")?.len(),
            context: bounded("llama.context_length", file, 32, CONTEXT_TOKENS_MAX, "32 to 131072")?,
            rope_base: match file.value("llama.rope.freq_base") {
                Some(_) => file.number("llama.rope.freq_base")?,
                None => 10_000.0,
            },
            epsilon: file.number("llama.attention.layer_norm_rms_epsilon")?,
        };
        shape.check(file)?;
        Ok(shape)
    }

    fn check(&self, file: &Gguf<'_>) -> Result<(), ShapeError> {
        let require = |holds: bool, name, value: String, expected| {
            if holds { Ok(()) } else { Err(ShapeError::Range { name, value, expected }) }
        };
        require(
            self.width.is_multiple_of(self.heads) && matches!(self.head_width, 64 | 128),
            "llama.embedding_length / llama.attention.head_count",
            format!("{} / {}", self.width, self.heads),
            "a head width of 64 or 128",
        )?;
        require(
            self.heads.is_multiple_of(self.kv_heads),
            "llama.attention.head_count_kv",
            self.kv_heads.to_string(),
            "a divisor of the number of heads",
        )?;
        require(
            self.feed_forward.is_multiple_of(32),
            "llama.feed_forward_length",
            self.feed_forward.to_string(),
            "a multiple of 32",
        )?;
        require(
            (1.0..=1e12).contains(&self.rope_base),
            "llama.rope.freq_base",
            self.rope_base.to_string(),
            "1 to 1e12",
        )?;
        require(
            (1e-12..=1.0).contains(&self.epsilon),
            "llama.attention.layer_norm_rms_epsilon",
            self.epsilon.to_string(),
            "1e-12 to 1",
        )?;
        if file.value("llama.rope.dimension_count").is_some() {
            let rotated = file.count("llama.rope.dimension_count")?;
            require(
                rotated == self.head_width,
                "llama.rope.dimension_count",
                rotated.to_string(),
                "the width of a head",
            )?;
        }
        Ok(())
    }
}

fn bounded(
    name: &'static str,
    file: &Gguf<'_>,
    least: usize,
    most: usize,
    expected: &'static str,
) -> Result<usize, ShapeError> {
    let value = file.count(name)?;
    if (least..=most).contains(&value) {
        Ok(value)
    } else {
        Err(ShapeError::Range { name, value: value.to_string(), expected })
    }
}

fn refuse_features(file: &Gguf<'_>) -> Result<(), ShapeError> {
    if let Some(scaling) = file.value("llama.rope.scaling.type").and_then(|value| value.as_str())
        && scaling != "none"
    {
        return Err(ShapeError::Feature { feature: "scaled rotary positions" });
    }
    if file.tensor("rope_freqs.weight").is_some() {
        return Err(ShapeError::Feature { feature: "per-frequency rotary factors" });
    }
    if file.count("llama.expert_count").is_ok_and(|experts| experts > 0) {
        return Err(ShapeError::Feature { feature: "mixtures of experts" });
    }
    if file.tensors().any(|(name, _)| name.ends_with(".bias")) {
        return Err(ShapeError::Feature { feature: "bias vectors" });
    }
    Ok(())
}
