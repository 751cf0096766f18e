//! LoRA adapters: low-rank products that are added to the projections of a base model.
//!
//! Rule: an adapter is immutable and is named by the hash of what is computed with it, so two files with the same numbers
//! are one adapter. Its factors are kept as the kernels read them: binary32, the scaling folded into the second one, the rows
//! of queries and keys in the order of the base model's rotation.
//! Absent: training (`tuning`); which adapters are held in memory (`inference`); merging into the base's weights, which
//! would be other numbers.

mod config;
mod error;
mod files;
mod module;
mod rotation;
mod tensors;

use sha2::{Digest as _, Sha256};

use crate::kernels::GROUP;
use crate::memory::{Floats, Memory, NoMemory};
use crate::record::hash_floats;
use crate::shape::Shape;

pub use error::AdapterError;
pub use files::{ADAPTER_CONFIG_FILE, ADAPTER_TENSORS_FILE};
pub use module::Module;

/// Highest rank of one projection.
pub const ADAPTER_RANK_MAX: usize = 256;
/// Largest accepted file of tensors, in bytes.
pub const ADAPTER_FILE_BYTES_MAX: u64 = 512 << 20;

/// SHA-256 over what an adapter computes.
pub type AdapterId = [u8; 32];

/// What an adapter is for: the shape that its factors must fit, and the names under which its base is known.
#[derive(Debug, Clone)]
pub struct AdapterBase {
    /// The shape of the base model.
    pub shape: Shape,
    /// Names of the base model; without any, an adapter for any name is taken.
    pub names: Vec<String>,
}

/// The factors of one projection, as PEFT orders and scales them: what is added is `scale * up (down x)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Factors {
    /// The width between the factors, 1 to [`ADAPTER_RANK_MAX`].
    pub rank: usize,
    /// What the product is multiplied with.
    pub scale: f32,
    /// PEFT's `lora_A`: `[rank][input]`.
    pub down: Vec<f32>,
    /// PEFT's `lora_B`: `[output][rank]`.
    pub up: Vec<f32>,
}

/// One adapter, ready to be computed.
#[derive(Debug)]
pub struct Adapter {
    id: AdapterId,
    shape: Shape,
    /// `[layer]`, of each the projections that it changes.
    layers: Vec<[Option<LowRank>; Module::COUNT]>,
}

/// The factors of one projection, as the kernels read them.
#[derive(Debug)]
pub(crate) struct LowRank {
    pub(crate) rank: usize,
    /// `[rank][input]`.
    pub(crate) down: Floats,
    /// `[group of 16 outputs][rank][16]`, scaled.
    pub(crate) up: Floats,
}

/// Factors that were checked: `down` is `[rank][input]`, `turned` is `[output][rank]`, scaled and in the base's order.
struct Checked {
    rank: usize,
    down: Vec<f32>,
    turned: Vec<f32>,
}

impl Adapter {
    /// An adapter of factors for projections of a model of this shape, each named once.
    ///
    /// # Errors
    /// A projection is named twice or is none of the shape's; factors have another size than shape and rank demand, or
    /// hold values that are not finite; there are none at all.
    pub fn new(
        shape: &Shape,
        parts: impl IntoIterator<Item = (usize, Module, Factors)>,
    ) -> Result<Adapter, AdapterError> {
        let mut layers: Vec<[Option<Checked>; Module::COUNT]> = Vec::new();
        layers.resize_with(shape.layers, || [const { None }; Module::COUNT]);
        let mut digests = vec![[None; Module::COUNT]; shape.layers];
        for (layer, module, factors) in parts {
            let part = module.path(layer);
            let wrong = |reason: String| AdapterError::Part { part: part.clone(), reason };
            let place = layers.get_mut(layer).map(|modules| &mut modules[module.index()]);
            match place {
                None => return Err(wrong(format!("the base model has {} layers", shape.layers))),
                Some(Some(_)) => return Err(wrong("it is there twice".to_owned())),
                Some(place) => {
                    let (checked, digest) = Checked::new(shape, module, factors).map_err(wrong)?;
                    *place = Some(checked);
                    digests[layer][module.index()] = Some(digest);
                }
            }
        }
        if digests.iter().flatten().all(Option::is_none) {
            return Err(AdapterError::Empty);
        }
        Ok(Adapter { id: identity(&digests), shape: *shape, layers: pack(layers)? })
    }

    /// SHA-256 over what is computed: which projections, their ranks and their numbers.
    pub fn id(&self) -> AdapterId {
        self.id
    }

    /// Whether it can be computed with a model of this shape.
    pub fn fits(&self, shape: &Shape) -> bool {
        Widths::of(&self.shape) == Widths::of(shape)
    }

    /// Bytes that its numbers take; in huge pages up to two megabytes more are held.
    pub fn bytes(&self) -> u64 {
        let floats = |part: &LowRank| part.down.len() + part.up.len();
        let parts = self.layers.iter().flatten().flatten();
        parts.map(|part| floats(part) as u64 * size_of::<f32>() as u64).sum()
    }

    /// The factors of every projection that it changes, in order; their scale is 1.
    pub fn parts(&self) -> impl Iterator<Item = (usize, Module, Factors)> + '_ {
        self.layers.iter().enumerate().flat_map(move |(layer, modules)| {
            Module::ALL.into_iter().filter_map(move |module| {
                let part = modules[module.index()].as_ref()?;
                Some((layer, module, part.factors(&self.shape, module)))
            })
        })
    }

    /// What it adds to one projection.
    pub(crate) fn part(&self, layer: usize, module: Module) -> Option<&LowRank> {
        self.layers[layer][module.index()].as_ref()
    }
}

/// The numbers of a shape that factors depend on.
#[derive(PartialEq)]
struct Widths([usize; 6]);

impl Widths {
    fn of(shape: &Shape) -> Widths {
        let Shape { layers, width, feed_forward, heads, kv_heads, head_width, .. } = *shape;
        Widths([layers, width, feed_forward, heads, kv_heads, head_width])
    }
}

/// Repacks all factors, in the order in which a pass reads them.
fn pack(
    layers: Vec<[Option<Checked>; Module::COUNT]>,
) -> Result<Vec<[Option<LowRank>; Module::COUNT]>, AdapterError> {
    let parts = layers.iter().flatten().flatten();
    let sizes = parts.flat_map(|part| [part.down.len(), part.turned.len()]);
    let mut memory = Memory::of(sizes.map(|count| count * size_of::<f32>()));
    let mut packed = Vec::with_capacity(layers.len());
    for modules in layers {
        let mut own = [const { None }; Module::COUNT];
        for (place, checked) in own.iter_mut().zip(modules) {
            *place = checked.map(|checked| checked.pack(&mut memory)).transpose()?;
        }
        packed.push(own);
    }
    Ok(packed)
}

impl Checked {
    /// Checks and scales factors; also a hash of what they compute.
    fn new(shape: &Shape, module: Module, factors: Factors) -> Result<(Checked, [u8; 32]), String> {
        let Factors { rank, scale, down, up } = factors;
        let (width, rows) = module.sizes(shape);
        if !(1..=ADAPTER_RANK_MAX).contains(&rank) {
            return Err(format!("the rank is {rank}, accepted is 1 to {ADAPTER_RANK_MAX}"));
        }
        if (down.len(), up.len()) != (rank * width, rows * rank) {
            let found = (down.len(), up.len());
            return Err(format!("factors of {found:?} numbers, expected {:?}", (rank * width, rows * rank)));
        }
        let mut turned = rotation::into_base(shape, module, &up, rank);
        turned.iter_mut().for_each(|value| *value *= scale);
        if !down.iter().chain(&turned).all(|value| value.is_finite()) {
            return Err(
                "it holds values that are not finite, or that are not once they are scaled".to_owned()
            );
        }
        let mut hasher = Sha256::new();
        hasher.update(u32::try_from(rank).unwrap_or(u32::MAX).to_le_bytes());
        hash_floats(&mut hasher, &down);
        hash_floats(&mut hasher, &turned);
        Ok((Checked { rank, down, turned }, hasher.finalize().into()))
    }

    fn pack(self, memory: &mut Memory) -> Result<LowRank, AdapterError> {
        let Checked { rank, down: given, turned } = self;
        let refused = |NoMemory { bytes }| AdapterError::NoMemory { bytes };
        let mut down = memory.take_floats(given.len()).map_err(refused)?;
        down.copy_from_slice(&given);
        let mut up = memory.take_floats(turned.len()).map_err(refused)?;
        for (packed, group) in up.chunks_exact_mut(GROUP * rank).zip(turned.chunks_exact(GROUP * rank)) {
            for (index, packed) in packed.chunks_exact_mut(GROUP).enumerate() {
                packed
                    .iter_mut()
                    .zip(group[index..].iter().step_by(rank))
                    .for_each(|(one, value)| *one = *value);
            }
        }
        Ok(LowRank { rank, down, up })
    }
}

impl LowRank {
    /// The factors as PEFT has them, with the scale that they were given folded in.
    fn factors(&self, shape: &Shape, module: Module) -> Factors {
        let rank = self.rank;
        let mut turned = Vec::with_capacity(self.up.len());
        for group in self.up.chunks_exact(GROUP * rank) {
            turned.extend((0..GROUP).flat_map(|row| group.iter().skip(row).step_by(GROUP)));
        }
        let up = rotation::from_base(shape, module, &turned, rank);
        Factors { rank, scale: 1.0, down: self.down.to_vec(), up }
    }
}

/// The hash of all projections' hashes, with their places.
fn identity(digests: &[[Option<[u8; 32]>; Module::COUNT]]) -> AdapterId {
    let mut hasher = Sha256::new();
    hasher.update(b"openledger adapter 1\0");
    for (layer, modules) in digests.iter().enumerate() {
        for (module, digest) in modules.iter().enumerate() {
            let Some(digest) = digest else { continue };
            hasher.update(u32::try_from(layer).unwrap_or(u32::MAX).to_le_bytes());
            hasher.update([u8::try_from(module).unwrap_or(u8::MAX)]);
            hasher.update(digest);
        }
    }
    hasher.finalize().into()
}
