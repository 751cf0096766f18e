//! The weights of a llama-architecture model, checked against its shape.
//!
//! Rule: every tensor has exactly the dimensions that the shape demands, or the model is refused by the
//! tensor's name.
//! Absent: weights spread over several files.

use crate::gguf::{Gguf, TensorType};
use crate::matrix::{Matrix, PackError};
use crate::memory::{Memory, NoMemory};
use crate::shape::Shape;

/// One transformer layer.
#[derive(Debug)]
pub(crate) struct Layer {
    pub(crate) attention_norm: Vec<f32>,
    pub(crate) query: Matrix,
    pub(crate) key: Matrix,
    pub(crate) value: Matrix,
    pub(crate) attention_output: Matrix,
    pub(crate) feed_forward_norm: Vec<f32>,
    pub(crate) gate: Matrix,
    pub(crate) up: Matrix,
    pub(crate) down: Matrix,
}

/// All weights.
#[derive(Debug)]
pub(crate) struct Weights {
    pub(crate) embedding: Matrix,
    pub(crate) layers: Vec<Layer>,
    pub(crate) output_norm: Vec<f32>,
    /// `None` when the embedding is used for the output too.
    pub(crate) output: Option<Matrix>,
}

/// Why weights were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WeightsError {
    /// A tensor is absent.
    #[error("tensor {name} is missing: the file is no complete llama model")]
    Missing {
        /// The tensor.
        name: String,
    },
    /// A tensor has other dimensions than the shape demands.
    #[error("tensor {name} has dimensions {found:?}, expected {expected:?}")]
    Dimensions {
        /// The tensor.
        name: String,
        /// Its dimensions, innermost first.
        found: Vec<usize>,
        /// What the shape demands.
        expected: Vec<usize>,
    },
    /// A vector is stored quantised.
    #[error("tensor {name} must be stored as F32 or F16")]
    Quantised {
        /// The tensor.
        name: String,
    },
    /// A tensor holds infinite values or values that are no numbers.
    #[error("tensor {name} holds values that are not finite: the file is damaged; fetch it again")]
    NotFinite {
        /// The tensor.
        name: String,
    },
    /// The system has no room for the weights.
    #[error("no memory for {bytes} bytes of tensor {name}: end other programs, or take a smaller model")]
    NoMemory {
        /// The tensor.
        name: String,
        /// Its size.
        bytes: usize,
    },
}

impl Weights {
    /// Reads and repacks all weights.
    pub(crate) fn read(file: &Gguf<'_>, shape: &Shape) -> Result<Weights, WeightsError> {
        let kv_width = shape.kv_heads * shape.head_width;
        let mut memory = Memory::default();
        let mut layers = Vec::with_capacity(shape.layers);
        for index in 0..shape.layers {
            let mut matrix =
                |part: &str, width, rows| matrix(file, &mut memory, &layer_name(index, part), width, rows);
            let vector = |part: &str| vector(file, &layer_name(index, part), shape.width);
            layers.push(Layer {
                attention_norm: vector("attn_norm")?,
                query: matrix("attn_q", shape.width, shape.width)?,
                key: matrix("attn_k", shape.width, kv_width)?,
                value: matrix("attn_v", shape.width, kv_width)?,
                attention_output: matrix("attn_output", shape.width, shape.width)?,
                feed_forward_norm: vector("ffn_norm")?,
                gate: matrix("ffn_gate", shape.width, shape.feed_forward)?,
                up: matrix("ffn_up", shape.width, shape.feed_forward)?,
                down: matrix("ffn_down", shape.feed_forward, shape.width)?,
            });
        }
        let output = match file.tensor("output.weight") {
            Some(_) => Some(matrix(file, &mut memory, "output.weight", shape.width, shape.vocabulary)?),
            None => None,
        };
        Ok(Weights {
            embedding: matrix(file, &mut memory, "token_embd.weight", shape.width, shape.vocabulary)?,
            layers,
            output_norm: vector(file, "output_norm.weight", shape.width)?,
            output,
        })
    }

    /// The matrix that turns hidden states into logits.
    pub(crate) fn output(&self) -> &Matrix {
        self.output.as_ref().unwrap_or(&self.embedding)
    }
}

fn layer_name(index: usize, part: &str) -> String {
    format!("blk.{index}.{part}.weight")
}

fn matrix(
    file: &Gguf<'_>,
    memory: &mut Memory,
    name: &str,
    width: usize,
    rows: usize,
) -> Result<Matrix, WeightsError> {
    let tensor = file.tensor(name).ok_or_else(|| WeightsError::Missing { name: name.to_owned() })?;
    if tensor.dimensions != [width, rows] {
        return Err(WeightsError::Dimensions {
            name: name.to_owned(),
            found: tensor.dimensions.clone(),
            expected: vec![width, rows],
        });
    }
    Matrix::pack(tensor, memory).map_err(|error| match error {
        PackError::NotFinite => WeightsError::NotFinite { name: name.to_owned() },
        PackError::NoMemory(NoMemory { bytes }) => WeightsError::NoMemory { name: name.to_owned(), bytes },
    })
}

fn vector(file: &Gguf<'_>, name: &str, width: usize) -> Result<Vec<f32>, WeightsError> {
    let tensor = file.tensor(name).ok_or_else(|| WeightsError::Missing { name: name.to_owned() })?;
    if tensor.dimensions != [width] {
        return Err(WeightsError::Dimensions {
            name: name.to_owned(),
            found: tensor.dimensions.clone(),
            expected: vec![width],
        });
    }
    if !matches!(tensor.kind, TensorType::F32 | TensorType::F16) {
        return Err(WeightsError::Quantised { name: name.to_owned() });
    }
    let values = tensor.to_f32();
    if values.iter().all(|value| value.is_finite()) {
        Ok(values)
    } else {
        Err(WeightsError::NotFinite { name: name.to_owned() })
    }
}
