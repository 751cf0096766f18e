//! The projections of a layer that an adapter may change, and their names in PEFT's files.

use crate::shape::Shape;

/// A projection of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Module {
    /// `self_attn.q_proj`
    Query,
    /// `self_attn.k_proj`
    Key,
    /// `self_attn.v_proj`
    Value,
    /// `self_attn.o_proj`
    Output,
    /// `mlp.gate_proj`
    Gate,
    /// `mlp.up_proj`
    Up,
    /// `mlp.down_proj`
    Down,
}

impl Module {
    /// How many there are.
    pub const COUNT: usize = 7;
    /// All of them, in the order in which they are hashed.
    pub const ALL: [Module; Module::COUNT] =
        [Module::Query, Module::Key, Module::Value, Module::Output, Module::Gate, Module::Up, Module::Down];

    /// The last part of its name, which PEFT's `target_modules` lists.
    pub const fn name(self) -> &'static str {
        match self {
            Module::Query => "q_proj",
            Module::Key => "k_proj",
            Module::Value => "v_proj",
            Module::Output => "o_proj",
            Module::Gate => "gate_proj",
            Module::Up => "up_proj",
            Module::Down => "down_proj",
        }
    }

    /// Its name in the base model, by which PEFT's patterns find it.
    pub fn path(self, layer: usize) -> String {
        let block = match self {
            Module::Query | Module::Key | Module::Value | Module::Output => "self_attn",
            Module::Gate | Module::Up | Module::Down => "mlp",
        };
        format!("model.layers.{layer}.{block}.{}", self.name())
    }

    /// The place in [`Module::ALL`].
    pub(crate) const fn index(self) -> usize {
        self as usize
    }

    /// Widths of what enters and of what leaves; the latter is a multiple of 16 in every shape.
    pub fn sizes(self, shape: &Shape) -> (usize, usize) {
        let kv_width = shape.kv_heads * shape.head_width;
        match self {
            Module::Query | Module::Output => (shape.width, shape.width),
            Module::Key | Module::Value => (shape.width, kv_width),
            Module::Gate | Module::Up => (shape.width, shape.feed_forward),
            Module::Down => (shape.feed_forward, shape.width),
        }
    }
}
