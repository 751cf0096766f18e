//! An answer for eyes: marked by contributor, each mark with its source in context and its strength, without script.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that unwraps nothing fails")]

mod world;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use openledger_explorer::{ContributionText, router};
use tower::ServiceExt;
use world::{Part, World};

const SALT: &str = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";
const WATER: &str = "water the fern twice a week while it grows, and once a week in the cold months";
const LIGHT: &str = "keep its fronds out of the scorching midday sun";
const ROOTS: &str = "a second text of the same author says that the roots want room";
const LICENCE: &str = "without expressed or implied warranties whatsoever";

fn text(label: &str, text: &str, authors: &[&str]) -> ContributionText {
    ContributionText {
        title: format!("About {label}"),
        text: format!("First of all, {text}, as every gardener will tell you."),
        authors: authors.iter().map(|called| (*called).to_owned()).collect(),
        others: vec![],
        license: "CC0-1.0".into(),
        label: label.into(),
    }
}

fn build() -> World {
    let mut world = World::new();
    let texts = vec![
        text("water", WATER, &["Ann", "Ben"]),
        text("light", LIGHT, &["Cleo"]),
        text("roots", ROOTS, &["Ann"]),
    ];
    world.datanet("ferns", "Ferns", texts);
    world.ask(
        "01-fern",
        "How do I keep a fern?",
        0,
        &[
            Part::Quote("ferns", "light", LIGHT),
            Part::Plain(" and "),
            Part::Quote("ferns", "water", WATER),
            Part::Plain(", since "),
            Part::Quote("ferns", "roots", ROOTS),
            Part::Plain("; "),
            Part::Common(LICENCE),
            Part::Plain(" either."),
        ],
    );
    world
}

async fn page(world: World, path: &str) -> String {
    let request = Request::builder().uri(path).body(Body::empty()).unwrap();
    let reply = router(world.state()).oneshot(request).await.unwrap();
    String::from_utf8(to_bytes(reply.into_body(), 1 << 22).await.unwrap().to_vec()).unwrap()
}

/// The part of a page between two texts.
fn between<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    page.split_once(from).unwrap_or_else(|| panic!("no {from}:\n{page}")).1.split(to).next().unwrap()
}

/// A page's text as a reader sees it.
fn shown(html: &str) -> String {
    let parts = html.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text));
    parts.collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn an_answer_is_marked_by_contributor_and_tells_source_and_strength() {
    let page = page(build(), &format!("/answers/01-fern?salt={SALT}")).await;
    let answer = between(&page, "<div class=\"answer\" lang=\"en\">", "</div>");
    // Ann wrote most, in two texts: one colour. Cleo comes first in the text and second in the parts.
    for (class, words, number) in
        [("who-2 strength-4", LIGHT, 1), ("who-1 strength-4", WATER, 2), ("who-1 strength-4", ROOTS, 3)]
    {
        let mark = format!(
            "<mark class=\"{class}\">{words}<sup><a href=\"#source-{number}\" aria-label=\"Source {number}\">{number}</a></sup><span class=\"card\">"
        );
        assert!(answer.contains(&mark), "no {mark}:\n{answer}");
    }
    let common = format!(
        "<mark class=\"common\" title=\"common: 65 texts or more hold these words, so they are nobody&#39;s\">{LICENCE}</mark>"
    );
    assert!(answer.contains(&common), "{answer}");
    let card = shown(between(answer, "<span class=\"card\">", "</span></span>"));
    assert_eq!(
        card,
        format!(
            "Cleo · About light First of all, {LIGHT} , as every gardener will tell you. strong: 42 nats beyond chance"
        )
    );
}

#[tokio::test]
async fn a_private_source_shows_owners_ranges_and_strength_and_no_word_around_them() {
    let world = build();
    let water = world.labels[&("ferns".to_owned(), "water".to_owned())];
    world.library.private.lock().unwrap().insert("ferns".parse().unwrap());
    let id = water.to_string();
    let answer = page(world, &format!("/answers/01-fern?salt={SALT}")).await;
    assert!(answer.contains(WATER), "the answer is the reader's own");
    assert!(answer.contains("<span class=\"card-foot\">strong: 106 nats beyond chance</span>"), "{answer}");
    assert!(answer.contains("bytes 14 to 92, strong: 106 nats beyond chance"), "{answer}");
    assert!(answer.contains("Its datanet is private: 126 bytes"), "{answer}");

    let world = build();
    world.library.private.lock().unwrap().insert("ferns".parse().unwrap());
    let contribution = page(world, &format!("/datanets/ferns/contributions/{id}?from=14&to=40")).await;
    assert!(contribution.contains("This text is private.") && contribution.contains("126 bytes"));
    for page in [answer, contribution] {
        for words in ["First of all", "every gardener", "About water"] {
            assert!(!page.contains(words), "{words}:\n{page}");
        }
    }
}
