//! Serves the explorer over a small network made by hand: the demo's real texts and authors on the real ledger, a few
//! answers quoted from them. To look at the pages: `cargo run -p openledger-explorer --example preview -- 8090`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    reason = "a program to look at pages with"
)]

#[path = "../tests/world/mod.rs"]
mod world;

use std::path::Path;

use openledger_explorer::ContributionText;
use world::{Part, World};

fn texts(file: &str, license: &str) -> Vec<ContributionText> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data").join(file);
    let lines = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    lines.lines().map(|line| text(&serde_json::from_str(line).unwrap(), license)).collect()
}

fn text(value: &serde_json::Value, license: &str) -> ContributionText {
    let string = |key: &str| value[key].as_str().map(str::to_owned);
    let list = |key: &str| -> Vec<String> {
        value[key]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect()
    };
    ContributionText {
        title: string("title").or(string("id")).unwrap(),
        text: string("text").unwrap(),
        authors: list("authors"),
        others: list("others"),
        license: string("license").unwrap_or(license.to_owned()),
        label: string("id").unwrap(),
    }
}

const HOW: &str = "gnome/C/gnome-help/backup-how.page";
const OFTEN: &str = "gnome/C/gnome-help/backup-frequency.page";
const WHAT: &str = "gnome/C/gnome-help/backup-what.page";
const KEYS: &str = "gnome/C/gnome-help/a11y-bouncekeys.page";

fn answers(world: &mut World) {
    use Part::{Common, Plain, Quote};
    world.ask("0198f2c1-7a10-7c3e-9f64-5b0a2f1c0d11", "How do I ignore key presses that repeat too fast?", 0, &[
        Quote("gnome-help", KEYS, "Turn on bounce keys to ignore key presses that are rapidly repeated."),
        Plain(" To do so, "),
        Quote("gnome-help", KEYS, "Press Typing Assist (AccessX) in the Typing section.\n\nSwitch the Bounce Keys switch to on."),
    ]);
    world.ask(
        "0198f2c1-8b22-7d4f-8a10-6c1b3e2d1e22",
        "What is abasement?",
        0,
        &[Quote(
            "devils-dictionary",
            "devil/abasement",
            "A decent and customary mental attitude in the presence of wealth of power.",
        )],
    );
    world.settle();
    world.network.block();
    world.network.block();
    world.ask(
        "0198f2c1-9c33-7e50-b3a2-7d2c4f3e2f33",
        "Which program is an address book for mutt?",
        0,
        &[
            Plain("You could use abook: "),
            Quote("debian-tools", "abook", "abook is a text-based ncurses address book application."),
            Plain(" It "),
            Quote("debian-tools", "abook", "is designed for use with mutt, but\ncan be used independently."),
        ],
    );
    world.ask("0198f2c1-ad44-7f61-a4b3-8e3d504f3044", "What is the easiest way to back up my files, and how often should I do it?", 240, &[
        Quote("gnome-help", HOW, "The easiest way of backing up your files and settings is to let a backup application manage the backup process for you."),
        Plain(" If you would rather do it by hand, you can "),
        Quote("gnome-help", HOW, "copy your files to a safe location, such as an external hard drive, an online storage service, or a USB drive."),
        Plain("\n\nBegin with what nobody can give back to you: "),
        Quote("gnome-help", WHAT, "Your priority should be to back up your most important files as well as those that are difficult to recreate."),
        Plain(" How often depends on you. "),
        Quote("gnome-help", OFTEN, "As a general rule, the amount of time in between backups should be no more than the amount of time you are willing to spend re-doing any lost work."),
        Plain(" "),
        Common("There is no warranty, to the extent permitted by applicable law."),
        Plain(" In short: pick a safe place, let a program do the copying, and do it at least as often as you could bear to repeat the work."),
    ]);
    world.settle();
    world.network.block();
    world.ask(
        "0198f2c1-be55-7072-95c4-9f4e61504155",
        "What is seven times eight?",
        0,
        &[Plain("Seven times eight is fifty-six.")],
    );
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let port: u16 = std::env::args().nth(1).map_or(Ok(8090), |port| port.parse())?;
    let mut world = World::new();
    world.name_roles();
    world.datanet("gnome-help", "GNOME Help", texts("gnome-help.jsonl", "CC-BY-SA-3.0"));
    world.datanet("debian-tools", "Debian tools", texts("debian-tools.jsonl", "GPL-2.0-or-later"));
    world.datanet(
        "devils-dictionary",
        "The Devil's Dictionary",
        texts("devils-dictionary.jsonl", "public-domain"),
    );
    answers(&mut world);
    let salt: String = world::SALT.iter().map(|byte| format!("{byte:02x}")).collect();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("http://{}/ (salt of every answer: {salt})", listener.local_addr()?);
    axum::serve(listener, openledger_explorer::router(world.state())).await?;
    Ok(())
}
