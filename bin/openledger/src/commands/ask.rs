//! `openledger ask`: an ordinary client of the OpenAI-compatible interface that also shows where the answer came from and
//! where the money went.

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use openledger_client::{AnswerEvent, Client};
use serde_json::{Value, json};

use super::{Session, trail};
use crate::cli::AskArguments;
use crate::output::{indent, units};

/// How long a receipt may take to be settled.
const SETTLED_MAX: Duration = Duration::from_secs(60);

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
    let id = received.receipt["id"].as_str().context("the answer came without a receipt")?.to_owned();
    let file = if arguments.no_wait { client.receipt(&id).await? } else { settled(&client, &id).await? };
    let path = save(session, &arguments, &id, &file)?;
    let statement = super::receipt::statement_json(&file)?;
    let view: Value = client.get(&format!("/api/v1/receipts/{id}")).await?;
    if session.json {
        session.print_json(&as_json(&arguments, &received, &id, &path, &statement, &view));
    } else {
        print_trail(session, &client, &received, &path, &statement, &view);
    }
    Ok(())
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
                    print!("{}", paint.dim(&text.replace('\n', "\n  ")));
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

/// The receipt file with its inclusion, as soon as the batch is final.
async fn settled(client: &Client, id: &str) -> Result<Vec<u8>> {
    let begun = Instant::now();
    loop {
        let file = client.receipt(id).await?;
        let value: Value = serde_json::from_slice(&file).context("the receipt is not JSON")?;
        if value["inclusion"].is_object() {
            return Ok(file);
        }
        if begun.elapsed() > SETTLED_MAX {
            bail!(
                "the receipt {id} is not settled after {} s; it is safe at the gateway: fetch it later with `openledger receipt fetch {id}`",
                SETTLED_MAX.as_secs()
            );
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
}

fn save(session: &Session, arguments: &AskArguments, id: &str, file: &[u8]) -> Result<PathBuf> {
    let path = match &arguments.save {
        Some(path) => path.clone(),
        None => session.dir.join("receipts").join(format!("{id}.json")),
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be created", folder.display()))?;
    }
    std::fs::write(&path, file).with_context(|| format!("{} cannot be written", path.display()))?;
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

fn print_trail(
    session: &Session,
    client: &Client,
    received: &Received,
    path: &std::path::Path,
    statement: &Value,
    view: &Value,
) {
    let paint = session.paint;
    let sources = trail::sources(view);
    println!("\n  {}", paint.bold("Traced"));
    println!("{}", indent(&trail::highlighted(paint, &received.answer, statement, &sources), "  "));
    println!("\n  {}", paint.bold("Sources"));
    for line in trail::source_lines(paint, view, &sources) {
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
