//! `openledger ask`: an ordinary client of the OpenAI-compatible interface that also shows where the answer came from and
//! where the money went.

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use openledger_client::{AnswerEvent, Client, ClientError};
use openledger_receipt::{AttributionFacts, ReceiptFile};
use serde_json::{Value, json};

use super::{Session, trail};
use crate::cli::AskArguments;
use crate::files;
use crate::output::{columns, printable, units};

/// How long a receipt may take to be settled.
const SETTLED_MAX: Duration = Duration::from_secs(60);
/// How long the node's pages may be behind its ledger.
const VIEW_MAX: Duration = Duration::from_secs(10);

/// What was received.
struct Received {
    answer: String,
    receipt: Value,
    usage: Value,
    first_text: Duration,
    total: Duration,
}

pub async fn run(session: &Session, arguments: AskArguments) -> Result<()> {
    let client = session.client(Some(session.api_key(arguments.key.clone())?));
    let model = match &arguments.model {
        Some(model) => model.clone(),
        None => client.network().await?.default_model,
    };
    let received = receive(session, &client, &model, &arguments).await?;
    let id = receipt_id(&received.receipt)?;
    // What was paid for is kept first, settled or not.
    let mut file = client.receipt(&id).await?;
    let path = save(session, &arguments, &id, &file)?;
    if !arguments.no_wait
        && let Some(complete) = settled(&client, &id).await?
    {
        file = complete;
        save(session, &arguments, &id, &file)?;
    }
    let is_settled = has_inclusion(&file)?;
    let statement = super::receipt::statement_json(&file)?;
    let view = view(&client, &id, is_settled).await?;
    if session.json {
        session.print_json(&as_json(&arguments, &received, &id, &path, &statement, &view));
    } else {
        let attribution = ReceiptFile::from_bytes(&file)?.statement()?.predicate().attribution.clone();
        let mut sources = trail::sources(&view);
        read_texts(&client, &mut sources).await;
        print_trail(session, &client, &received, &path, &attribution, &sources, &view);
    }
    if view["adds_up"] != Value::Bool(true) {
        bail!(
            "the payouts of receipt {id} do not add up to its cost; `openledger receipt verify {}` says more",
            path.display()
        );
    }
    if !is_settled && !arguments.no_wait {
        bail!(
            "the receipt {id} is not settled after {} s; it is safe at the gateway: fetch it later with `openledger receipt fetch {id}`",
            SETTLED_MAX.as_secs()
        );
    }
    Ok(())
}

/// The receipt's id, which becomes a file name: a node may not choose any other characters.
fn receipt_id(receipt: &Value) -> Result<String> {
    let id = receipt["id"].as_str().context("the answer came without a receipt")?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if id.is_empty() || id.len() > 64 || !id.bytes().all(allowed) {
        bail!("the node named a receipt {id:?}, which is no id; do not trust it");
    }
    Ok(id.to_owned())
}

fn has_inclusion(file: &[u8]) -> Result<bool> {
    let value: Value = serde_json::from_slice(file).context("the receipt is not JSON")?;
    Ok(value["inclusion"].is_object())
}

/// The node's view of a receipt; of a settled one, as soon as its pages have read the block.
async fn view(client: &Client, id: &str, is_settled: bool) -> Result<Value> {
    let begun = Instant::now();
    loop {
        let view: Value = client.get(&format!("/api/v1/receipts/{id}")).await?;
        if !is_settled || !view["settled"].is_null() || begun.elapsed() > VIEW_MAX {
            return Ok(view);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn receive(
    session: &Session,
    client: &Client,
    model: &str,
    arguments: &AskArguments,
) -> Result<Received> {
    let paint = session.paint;
    if !session.json {
        println!("\n{} {}\n", paint.bold("?"), paint.bold(&arguments.question));
    }
    let mut body = json!({
        "model": model,
        "messages": [{ "role": "user", "content": arguments.question }],
        "max_tokens": arguments.max_tokens,
        "temperature": 0,
        "openledger": { "ground": !arguments.plain },
    });
    if !arguments.datanets.is_empty() {
        body["openledger"]["datanets"] = json!(arguments.datanets);
    }
    let begun = Instant::now();
    let mut stream = client.stream_answer(body).await?;
    let mut received = Received {
        answer: String::new(),
        receipt: Value::Null,
        usage: Value::Null,
        first_text: Duration::ZERO,
        total: Duration::ZERO,
    };
    if !session.json {
        print!("  ");
    }
    while let Some(event) = stream.next().await? {
        match event {
            AnswerEvent::Text(text) => {
                if received.answer.is_empty() {
                    received.first_text = begun.elapsed();
                }
                if !session.json {
                    print!("{}", paint.dim(&printable(&text).replace('\n', "\n  ")));
                    std::io::stdout().flush()?;
                }
                received.answer.push_str(&text);
            }
            AnswerEvent::Finished { receipt, .. } => received.receipt = receipt,
            AnswerEvent::Usage(usage) => received.usage = usage,
        }
    }
    received.total = begun.elapsed();
    if !session.json {
        println!();
    }
    Ok(received)
}

/// The receipt file with its inclusion, as soon as the batch is final; `None` when that takes too long.
async fn settled(client: &Client, id: &str) -> Result<Option<Vec<u8>>> {
    let begun = Instant::now();
    while begun.elapsed() <= SETTLED_MAX {
        let file = client.receipt(id).await?;
        if has_inclusion(&file)? {
            return Ok(Some(file));
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    Ok(None)
}

fn save(session: &Session, arguments: &AskArguments, id: &str, file: &[u8]) -> Result<PathBuf> {
    let path = match &arguments.save {
        Some(path) => path.clone(),
        None => session.dir.join("receipts").join(format!("{id}.json")),
    };
    files::write(&path, file)?;
    Ok(path)
}

fn as_json(
    arguments: &AskArguments,
    received: &Received,
    id: &str,
    path: &std::path::Path,
    statement: &Value,
    view: &Value,
) -> Value {
    json!({
        "question": arguments.question,
        "answer": received.answer,
        "receipt_id": id,
        "receipt_file": path,
        "usage": received.usage,
        "attribution": statement["attribution"],
        "shares": view["shares"],
        "payouts": view["payouts"],
        "pools": view["pools"],
        "burned": view["burned"],
        "carry_change": view["carry_change"],
        "total": view["total"],
        "adds_up": view["adds_up"],
        "settled": view["settled"],
        "first_token_ms": u64::try_from(received.first_text.as_millis()).unwrap_or(u64::MAX),
        "total_ms": u64::try_from(received.total.as_millis()).unwrap_or(u64::MAX),
    })
}

/// Fetches the texts of the sources that are listed; what is not given is said in its place.
async fn read_texts(client: &Client, sources: &mut [trail::Source]) {
    for source in sources.iter_mut().take(trail::SOURCES_MAX) {
        let path = format!("/api/v1/datanets/{}/texts/{}", source.datanet, source.contribution);
        let reply: Result<Value, ClientError> = client.get(&path).await;
        source.text = match reply {
            Ok(contribution) => Ok(contribution["text"].as_str().unwrap_or_default().to_owned()),
            Err(error) => Err(error.to_string()),
        };
    }
}

fn print_trail(
    session: &Session,
    client: &Client,
    received: &Received,
    path: &std::path::Path,
    attribution: &AttributionFacts,
    sources: &[trail::Source],
    view: &Value,
) {
    let (paint, columns) = (session.paint, columns().saturating_sub(2));
    let spans = &attribution.spans;
    println!("\n  {}", paint.bold("Traced"));
    for line in trail::highlighted(paint, &received.answer, spans, sources).lines(paint, columns) {
        println!("  {line}");
    }
    println!("\n  {}", paint.bold("Sources"));
    for line in trail::source_lines(paint, columns, spans, attribution.total, sources) {
        println!("  {line}");
    }
    println!("\n  {}", paint.bold("Money trail"));
    for line in trail::money_lines(paint, view) {
        println!("  {line}");
    }
    let total = view["total"].as_u64().unwrap_or_default();
    println!(
        "\n  {} {} uC for {} prompt and {} completion tokens; first token {:.2} s, whole answer {:.2} s",
        paint.bold("Cost"),
        units(total),
        view["prompt_tokens"],
        view["completion_tokens"],
        received.first_text.as_secs_f64(),
        received.total.as_secs_f64()
    );
    let settled = &view["settled"];
    if settled.is_object() {
        println!(
            "  {} in batch {}, final at height {}",
            paint.bold("Settled"),
            settled["batch"],
            settled["height"]
        );
    }
    println!("  {} {}", paint.bold("Receipt"), path.display());
    let id = received.receipt["id"].as_str().unwrap_or_default();
    let salt = received.receipt["salt"].as_str().unwrap_or_default();
    println!("  {} {}/answers/{id}?salt={salt}", paint.bold("Page"), client.base());
}
