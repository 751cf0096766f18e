//! The gateway: OpenAI's HTTP on one side, the network on the other.
//!
//! The way of a request: `routes` receives it, `request` makes it valid, `auth` finds the API key, `ground` searches the
//! snapshots and builds the prompt, `admit` finds who can pay and who serves, `complete` runs and streams (`embed` makes vectors), `context` values the passages
//! where a datanet asks for it, `seal` makes the receipt, `certify` makes the proof of its paid spans, and `settle` puts
//! receipts on the ledger in batches, both off the hot path. For auditors `evidence` keeps what an answer is replayed from, and
//! `asked` reads its request again.
//!
//! Rules: a consumer is charged what a voucher of its key says and never more than was reserved; a receipt is on disk
//! before the consumer sees its end; a receipt is settled once.
//! Absent: consensus (the chain is a handle), inference arithmetic, and the rules of money, which are the ledger's.

mod access;
mod admit;
mod asked;
mod auth;
mod budget;
mod certify;
mod complete;
mod context;
mod cover;
mod embed;
mod error;
mod evidence;
mod facts;
mod gateway;
mod ground;
mod ground_messages;
mod lookup;
mod metrics;
mod reply;
mod request;
mod routes;
mod seal;
mod settle;
mod stream;
mod told;
mod trust;

pub use access::{Reader, SIGNED_MS_MAX, closed};
pub use asked::{Asked, PromptFollows};
pub use auth::ApiKey;
pub use context::{ContextFailure, Explained, context_values, scorer, served_prompt_length};
pub use embed::{Recomputed, embed_again};
pub use error::ApiError;
pub use gateway::{Gateway, GatewayConfig, Library, Owns, ReceiptSink, Services};
pub use lookup::{Found, LOOKUP_BYTES_MAX, LOOKUP_WORDS_MAX, LookupLimits, TextOf};
pub use routes::router;
pub use seal::receipt_file;
