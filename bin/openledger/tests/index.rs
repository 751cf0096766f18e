//! `openledger index` through the built binary: what it reads, what it answers, what it refuses, and that a build which is
//! killed goes on where it was. No network runs here.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]

mod support;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde_json::{Value, json};
use support::{command, demo_data, output};

/// A passage that no other text of these tests has.
const PASSAGE: &str =
    "nineteen crooked lanterns swung above the harbour while the pilot counted herons aloud";

fn index(arguments: &[&str]) -> Output {
    output(command().arg("index").args(arguments))
}

fn build(out: &Path, inputs: &[&Path], extra: &[&str]) -> Output {
    let mut command = command();
    command.args(["index", "build", "--out"]).arg(out).args(extra).arg("--input").args(inputs);
    output(&mut command)
}

fn succeeded(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn refused(output: &Output, says: &[&str]) {
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    for part in says {
        assert!(message.contains(part), "{message:?} does not say {part:?}");
    }
    assert!(!message.contains("panicked"), "{message}");
}

/// `index attribute` with a text on standard input.
fn attribute(folder: &Path, text: &str, extra: &[&str]) -> Output {
    let mut command = command();
    command.args(["index", "attribute", "--index"]).arg(folder).args(extra);
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that refuses its index does not read its text.
    let _ = stdin.write_all(text.as_bytes());
    drop(stdin);
    child.wait_with_output().unwrap()
}

fn answer(folder: &Path, text: &str) -> Value {
    serde_json::from_str(&succeeded(&attribute(folder, text, &["--json"]))).unwrap()
}

fn line(id: &str, text: &str, authors: &[&str]) -> String {
    json!({ "id": id, "text": text, "authors": authors }).to_string() + "\n"
}

fn write(path: PathBuf, text: impl AsRef<[u8]>) -> PathBuf {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    path
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

#[test]
fn an_answer_names_sources_and_its_masses_sum() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("Once, {PASSAGE}. Then it rained.");
    // Long enough to be a text of its own, and no near-copy.
    let other: String = (0..100).map(|n| format!("word{n} ")).collect();
    let first =
        line("one", &text, &["Ann", "Ben", "Cid"]) + &line("two", &format!("{other}: {PASSAGE}!"), &["Dora"]);
    let lines = write(folder.path().join("tales.jsonl"), first);
    let out = folder.path().join("index");
    succeeded(&build(&out, &[&lines], &["--license", "CC0-1.0"]));

    let asked = format!("They say that {} and more.", PASSAGE.to_uppercase());
    let found = answer(&out, &asked);
    let [span] = found["spans"].as_array().unwrap().as_slice() else { panic!("{found}") };
    let place = number(&span["bytes"]["start"]) as usize..number(&span["bytes"]["end"]) as usize;
    assert_eq!(asked[place], PASSAGE.to_uppercase());
    assert_eq!(span["text"], PASSAGE.to_uppercase());
    assert_eq!((&span["words"]["start"], &span["words"]["end"]), (&json!(3), &json!(16)));
    assert_eq!((&span["count"], &span["documents"], &span["clusters"]), (&json!(2), &json!(2), &json!(2)));
    assert_eq!(span["common"], false);
    let ids: Vec<&Value> =
        span["sources"].as_array().unwrap().iter().map(|source| &source["external_id"]).collect();
    assert_eq!(ids, ["one", "two"], "the earlier line is named first");
    let source = &span["sources"][0];
    let place = number(&source["bytes"]["start"]) as usize..number(&source["bytes"]["end"]) as usize;
    assert_eq!(text[place], *PASSAGE);
    assert_eq!((&source["datanet"], &source["license"]), (&json!("tales"), &json!("CC0-1.0")));
    assert_eq!(source["contributors"][1]["name"], "Ben");

    let [share] = found["shares"].as_array().unwrap().as_slice() else { panic!("{found}") };
    assert_eq!((&share["external_id"], &share["mass"]), (&json!("one"), &span["mass"]));
    let total = number(&found["total"]);
    let (common, unattributed) = (number(&found["common"]), number(&found["unattributed"]));
    assert_eq!(number(&share["mass"]) + common + unattributed, total);
    assert_eq!(number(&share["basis_points"]), number(&share["mass"]) * 10_000 / total);
    let contributors = found["contributors"].as_array().unwrap();
    let names: Vec<&Value> = contributors.iter().map(|line| &line["name"]).collect();
    assert_eq!(names, ["Ann", "Ben", "Cid"], "those who are paid, and no others");
    let sum: u64 = contributors.iter().map(|line| number(&line["mass"])).sum();
    assert_eq!(sum, number(&share["mass"]));
    assert!(found["timings"]["attribute_us"].is_u64() && found["timings"]["total_us"].is_u64());
    let status: Value =
        serde_json::from_str(&succeeded(&index(&["--json", "status", "--index", out.to_str().unwrap()])))
            .unwrap();
    assert_eq!(found["index_root"], status["root"]);
    assert_eq!(found["segment_roots"]["tales"], status["segments"][0]["root"]);

    let nothing = answer(&out, "Entirely different words about something else.");
    assert_eq!(nothing["spans"], json!([]));
    assert_eq!(
        (&nothing["unattributed"], &nothing["unattributed_basis_points"]),
        (&nothing["total"], &json!(10_000))
    );
}

#[test]
fn people_see_marks_and_footnotes_and_pipes_no_colours() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("Before it all, {PASSAGE}, and behind it the sea.");
    let lines = write(folder.path().join("tales.jsonl"), line("one", &text, &["Ann", "Ben"]));
    let out = folder.path().join("index");
    succeeded(&build(&out, &[&lines], &[]));
    let plain = succeeded(&attribute(&out, &format!("Hear: {PASSAGE}."), &[]));
    assert!(plain.starts_with(&format!("Hear: [{PASSAGE}]¹.\n\n  1 ")), "{plain}");
    for part in [
        "tales · one · Ann",
        &format!("Before it all, «{PASSAGE}», and behind it the sea"),
        "▮▮▮▮ 13 words",
        "unattributed",
    ] {
        assert!(plain.contains(part), "{plain} does not say {part:?}");
    }
    assert!(!plain.contains('\x1b'), "{plain:?}");
    let painted = succeeded(&attribute(&out, PASSAGE, &["--color", "always"]));
    assert!(painted.starts_with(&format!("\x1b[1;21;36m{PASSAGE}\x1b[0m")), "{painted:?}");
}

/// The same three texts in three forms give the same words, sources and shares.
/// What differs from its source by an edit says so, in both forms.
#[test]
fn nearly_word_for_word_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("index");
    let input = write(folder.path().join("a.jsonl"), line("a", PASSAGE, &["Ann"]));
    succeeded(&build(&out, &[&input], &[]));
    let text = "Indeed, the harbour while a pilot counted herons.";
    let found = answer(&out, text);
    let near: Vec<&Value> =
        found["spans"].as_array().unwrap().iter().filter(|span| number(&span["edits"]) > 0).collect();
    assert_eq!(near.len(), 1, "{found:#}");
    assert_eq!((number(&near[0]["edits"]), number(&near[0]["documents"])), (1, 1));
    let matched = near[0]["matched"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| &text[number(&run["bytes"]["start"]) as usize..number(&run["bytes"]["end"]) as usize]);
    assert_eq!(matched.collect::<Vec<_>>(), ["the harbour while", "pilot counted herons"]);
    let shown = succeeded(&attribute(&out, text, &[]));
    assert!(shown.contains("[~the harbour while~]¹ a "), "{shown}");
    let shown = succeeded(&attribute(&out, "It swung above the lake while the pilot slept.", &[]));
    assert!(shown.contains("[~swung above the~]¹ lake [~while the pilot~]¹"), "{shown}");
    assert!(shown.contains("nearly word for word: 1 word differs"), "{shown}");
    // What stands there word for word says nothing of the kind.
    let exact = answer(&out, PASSAGE);
    assert_eq!(number(&exact["spans"][0]["edits"]), 0);
    assert!(exact["spans"][0].get("matched").is_none(), "{exact:#}");
}

#[test]
fn lines_plain_texts_and_tables_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let texts = ["The first of them is short.", PASSAGE, "The third\nhas two lines, ends with é."];
    let lines: String =
        texts.iter().enumerate().map(|(i, text)| line(&format!("{i}.md"), text, &["Ann"])).collect();
    let lines = write(folder.path().join("a/all.jsonl"), lines);
    let plain = folder.path().join("b/All");
    for (i, text) in texts.iter().enumerate() {
        write(plain.join(format!("{i}.md")), text.replace('\n', "\r\n"));
    }
    write(plain.join("picture.png"), [0xff, 0xd8]);
    write(plain.join("empty.txt"), " \n");
    let table = folder.path().join("c/all.parquet");
    write_table(&table, &texts, 2);

    let mut answers = Vec::new();
    for (name, input) in [("lines", &lines), ("plain", &plain), ("table", &table)] {
        let out = folder.path().join(name);
        succeeded(&build(&out, &[input], &["--author", "Ann"]));
        let mut found = answer(&out, &format!("{PASSAGE} {}", texts[2]));
        let source = &found["spans"][0]["sources"][0];
        assert_eq!((&source["external_id"], &source["datanet"]), (&json!("1.md"), &json!("all")), "{name}");
        assert_eq!(source["contributors"][0]["name"], "Ann");
        for field in ["index_root", "segment_roots", "timings"] {
            found.as_object_mut().unwrap().remove(field);
        }
        for of in ["spans", "shares"] {
            strip(&mut found[of]);
        }
        answers.push(found);
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
}

/// Without the ids and titles, which forms give in their own ways.
fn strip(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(strip),
        Value::Object(fields) => {
            for field in ["contribution", "title", "external_id"] {
                fields.remove(field);
            }
            fields.values_mut().for_each(strip);
        }
        _ => {}
    }
}

/// A table of texts with lists of authors and a column that nobody reads, some rows a group.
fn write_table(path: &Path, texts: &[&str], rows: usize) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let schema = "message table { required binary text (UTF8); optional binary id (UTF8); \
                  optional group authors (LIST) { repeated group list { optional binary element (UTF8); } } \
                  optional binary other (UTF8); }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = WriterProperties::builder().set_compression(parquet::basic::Compression::SNAPPY).build();
    let file = fs::File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties)).unwrap();
    for (group, texts) in texts.chunks(rows).enumerate() {
        let ids: Vec<String> = (0..texts.len()).map(|row| format!("{}.md", group * rows + row)).collect();
        let bytes = |texts: &[&str]| texts.iter().map(|text| ByteArray::from(*text)).collect::<Vec<_>>();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let mut group = writer.next_row_group().unwrap();
        let one = vec![1i16; texts.len()];
        let columns: [(Vec<ByteArray>, Option<Vec<i16>>, Option<Vec<i16>>); 4] = [
            (bytes(texts), None, None),
            (bytes(&ids), Some(one.clone()), None),
            (bytes(&vec!["Ann"; texts.len()]), Some(vec![3; texts.len()]), Some(vec![0; texts.len()])),
            (bytes(&vec!["unread"; texts.len()]), Some(one), None),
        ];
        for (values, defined, repeated) in columns {
            let mut column = group.next_column().unwrap().unwrap();
            let typed = column.typed::<ByteArrayType>();
            typed.write_batch(&values, defined.as_deref(), repeated.as_deref()).unwrap();
            column.close().unwrap();
        }
        group.close().unwrap();
    }
    writer.close().unwrap();
}

#[test]
fn an_index_grows_and_knows_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("index");
    let b = write(folder.path().join("b.jsonl"), line("one", PASSAGE, &["Ann"]));
    succeeded(&build(&out, &[&b], &[]));
    let again = succeeded(&build(&out, &[&b], &["--json"]));
    let again: Value = serde_json::from_str(&again).unwrap();
    assert_eq!(
        (&again["added"], &again["known_files"], &again["segments"]),
        (&json!(0), &json!(1), &json!(1))
    );

    // The same text comes later in another file, whose name comes first: the earlier run's is the original.
    let a = write(
        folder.path().join("a.jsonl"),
        line("thief", PASSAGE, &["Eve"]) + &line("two", "Her own words.", &["Eve"]),
    );
    succeeded(&build(&out, &[&a, &b], &[]));
    assert_eq!(answer(&out, PASSAGE)["shares"][0]["external_id"], "one");
    let shown = succeeded(&index(&["status", "--index", out.to_str().unwrap()]));
    assert!(shown.contains("2 segments of 2 files"), "{shown}");
    let verified = succeeded(&index(&["verify", "--index", out.to_str().unwrap()]));
    assert!(verified.contains("2 segments are what their texts give"), "{verified}");

    write(a.clone(), line("two", "Changed.", &["Eve"]));
    refused(&build(&out, &[&a], &[]), &["a.jsonl was changed", "--fresh"]);
    succeeded(&build(&out, &[&a], &["--fresh"]));
    assert_eq!(answer(&out, PASSAGE)["spans"], json!([]));
}

/// What is revoked is found no more, by whoever searches next; an equal text in another segment takes its place.
#[test]
fn revoked_texts_are_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("index");
    let a = write(
        folder.path().join("a.jsonl"),
        line("one", PASSAGE, &["Ann"]) + &line("two", "Her own.", &["Ann"]),
    );
    let b = write(folder.path().join("b.jsonl"), line("copy", PASSAGE, &["Eve"]));
    succeeded(&build(&out, &[&a, &b], &[]));
    let id = |found: &Value| found["shares"][0]["contribution"].as_str().unwrap().to_owned();
    let found = answer(&out, PASSAGE);
    let (first, before) = (id(&found), found["index_root"].clone());
    let at = out.to_str().unwrap();
    let nobody = format!("0x{}", "ab".repeat(32));
    refused(&index(&["revoke", "--index", at, &first, &nobody]), &[&nobody, "nothing was revoked"]);
    assert_eq!(answer(&out, PASSAGE)["index_root"], before);

    let said = succeeded(&index(&["revoke", "--index", at, &first]));
    assert!(said.contains("1 documents revoked"), "{said}");
    let found = answer(&out, PASSAGE);
    assert_eq!(
        (&found["shares"][0]["external_id"], &found["spans"][0]["count"]),
        (&json!("copy"), &json!(1))
    );
    assert_ne!(found["index_root"], before);
    succeeded(&index(&["revoke", "--index", at, &id(&found), &first]));
    assert_eq!(answer(&out, PASSAGE)["spans"], json!([]));
    let shown = succeeded(&index(&["status", "--index", at]));
    assert!(shown.contains("1 documents live and 2 revoked"), "{shown}");
    // Texts that are added later are numbered on, and the revoked ones stay away.
    let c = write(folder.path().join("c.jsonl"), line("three", PASSAGE, &["Joe"]));
    succeeded(&build(&out, &[&a, &b, &c], &[]));
    assert_eq!(answer(&out, PASSAGE)["shares"][0]["external_id"], "three");
}

/// Texts of words that a counter makes up, of about this many bytes together.
fn made_up(bytes: usize) -> Vec<String> {
    let (mut state, mut written, mut texts) = (1u64, 0, Vec::new());
    while written < bytes {
        let mut text = String::new();
        for _ in 0..400 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(&format!("w{} ", (state >> 33) % 20_000));
        }
        written += text.len();
        texts.push(text);
    }
    texts
}

fn manifest(out: &Path) -> Value {
    fs::read(out.join("index.json")).map_or(Value::Null, |bytes| serde_json::from_slice(&bytes).unwrap())
}

fn segments(out: &Path) -> Vec<Value> {
    manifest(out)["segments"].as_array().cloned().unwrap_or_default()
}

#[test]
fn a_killed_build_of_lines_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let lines: String = made_up(16 << 20)
        .iter()
        .enumerate()
        .map(|(id, text)| line(&id.to_string(), text, &["Ann"]))
        .collect();
    kill_and_go_on(&folder, &write(folder.path().join("words.jsonl"), lines));
}

#[test]
fn a_killed_build_of_a_table_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let texts = made_up(16 << 20);
    let table = folder.path().join("words.parquet");
    // Segments of a megabyte have more rows than a group.
    write_table(&table, &texts.iter().map(String::as_str).collect::<Vec<_>>(), 300);
    kill_and_go_on(&folder, &table);
}

#[test]
fn a_killed_build_of_plain_texts_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let texts = made_up(12 << 20);
    for (place, texts) in texts.chunks(400).enumerate() {
        // Each is longer than a contribution may be, so that a segment ends inside.
        write(folder.path().join(format!("words/{place:02}.txt")), texts.join("\n"));
    }
    kill_and_go_on(&folder, &folder.path().join("words"));
}

fn kill_and_go_on(folder: &tempfile::TempDir, input: &Path) {
    let whole = folder.path().join("whole");
    let extra = ["--author", "Ann", "--segment-megabytes", "1"];
    succeeded(&build(&whole, &[input], &extra));
    let expected = segments(&whole);
    assert!(expected.len() > 10, "{}", expected.len());

    let out = folder.path().join("killed");
    let mut kills = 0;
    // Killed again and again, each time a little further on, until a run comes to its end by itself.
    loop {
        let before = segments(&out).len();
        let mut running = command();
        running.args(["index", "build", "--out"]).arg(&out).args(extra).arg("--input").arg(input);
        let mut child =
            running.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let begun = Instant::now();
        while kills < 3 && segments(&out).len() < before + 2 && begun.elapsed() < Duration::from_secs(60) {
            assert!(child.try_wait().unwrap().is_none(), "it ended before it could be killed");
            std::thread::sleep(Duration::from_millis(1));
        }
        if kills == 3 {
            assert!(child.wait().unwrap().success());
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
        let durable = segments(&out);
        assert!(durable.len() >= before + 2, "what was said to be done is still done");
        assert_eq!(durable[..], expected[..durable.len()]);
        assert!(manifest(&out)["inputs"].as_object().unwrap().values().any(|line| line["is_done"] == false));
        // What is there can be searched, and says that it is not all.
        assert!(number(&answer(&out, "w1 w2 w3")["total"]) > 0);
        let shown = succeeded(&index(&["status", "--index", out.to_str().unwrap()]));
        assert!(shown.contains("goes on there"), "{shown}");
    }
    assert_eq!(segments(&out), expected, "the segments are those of a build that nobody killed");
    assert_eq!(manifest(&out)["next_sequence"], manifest(&whole)["next_sequence"]);
    for line in &expected {
        let name = format!("{}.segment", line["name"].as_str().unwrap());
        assert_eq!(fs::read(out.join(&name)).unwrap(), fs::read(whole.join(&name)).unwrap(), "{name}");
    }
    let left: Vec<_> = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with(".tmp")), "{left:?}");
}

#[test]
fn a_batch_answers_each_line() {
    let folder = tempfile::tempdir().unwrap();
    let lines = write(folder.path().join("tales.jsonl"), line("one", PASSAGE, &["Ann"]));
    let out = folder.path().join("index");
    succeeded(&build(&out, &[&lines], &[]));
    let asked = format!(
        "{}\n\n{}\nno json\n{}\n",
        json!({ "id": 7, "text": PASSAGE }),
        json!("nothing of it"),
        json!({ "text": PASSAGE })
    );
    let answered = attribute(&out, &asked, &["--batch"]);
    refused(&answered, &["1 of 5 lines of standard input could not be attributed"]);
    let answers: Vec<Value> = String::from_utf8(answered.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), 4);
    assert_eq!((&answers[0]["id"], &answers[0]["shares"][0]["external_id"]), (&json!(7), &json!("one")));
    assert_eq!(answers[1]["spans"], json!([]));
    assert_eq!(answers[2]["line"], 4);
    assert!(answers[2]["error"].as_str().unwrap().contains("\"text\""), "{}", answers[2]);
    assert_eq!(answers[3]["spans"], answers[0]["spans"]);
}

#[test]
fn bad_inputs_name_the_thing_and_the_next_step() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let out = at("index");
    let good = line("one", PASSAGE, &["Ann"]);
    let rows: Vec<(PathBuf, &[&str])> = vec![
        (at("absent.jsonl"), &["absent.jsonl cannot be read"]),
        (write(at("a.pdf"), "x"), &["a.pdf", "must end in .jsonl"]),
        (write(at("empty/.keep"), "").parent().unwrap().to_path_buf(), &["nothing to index"]),
        (
            write(at("broken.jsonl"), format!("{good}{{")),
            &["broken.jsonl line 2", "not a contribution in JSON", "--skip-refused"],
        ),
        (write(at("twice.jsonl"), good.repeat(2)), &["twice.jsonl line 2", "was given before"]),
        (
            write(at("long.jsonl"), format!("{good}{}\n", "x".repeat(1 << 21))),
            &["long.jsonl line 2", "1048576 bytes"],
        ),
        (write(at("nobody.jsonl"), r#"{"id":"a","text":"b"}"#), &["nobody.jsonl line 1", "no author"]),
        (write(at("nobody.txt"), "Some text."), &["nobody.txt", "--author"]),
        (write(at("binary.txt"), [0xff, 0xfe]), &["binary.txt is not UTF-8 at byte 0"]),
        (write(at("noise.parquet"), [7; 4096]), &["noise.parquet cannot be read as Parquet"]),
        (write(at("blank.jsonl"), "\n\n"), &["no text with a word"]),
    ];
    for (input, says) in rows {
        refused(&build(&out, &[&input], &[]), says);
    }
    let lenient = build(
        &out,
        &[&at("broken.jsonl"), &at("twice.jsonl"), &at("long.jsonl"), &at("binary.txt")],
        &["--skip-refused"],
    );
    assert!(lenient.status.success(), "{lenient:?}");
    let said = String::from_utf8_lossy(&lenient.stderr);
    assert!(said.contains("4 texts were refused") && said.contains("broken.jsonl line 2"), "{said}");
    assert_eq!(answer(&out, PASSAGE)["shares"].as_array().unwrap().len(), 1);

    refused(&attribute(&at("nowhere"), "x", &[]), &["nowhere holds no index", "openledger index build"]);
    refused(&attribute(&out, &"x ".repeat(1 << 20), &[]), &["standard input is longer than 1048576 bytes"]);
    refused(&attribute(&out, &"x ".repeat(1 << 15), &[]), &["16384 words"]);
    let absent = at("absent.txt");
    refused(&attribute(&out, "", &["--text", absent.to_str().unwrap()]), &["absent.txt cannot be read"]);
    refused(
        &attribute(&out, "", &["--text", at("binary.txt").to_str().unwrap()]),
        &["binary.txt is not UTF-8"],
    );
}

#[test]
fn damage_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let lines =
        write(folder.path().join("tales.jsonl"), line("one", &format!("{PASSAGE} ").repeat(50), &["Ann"]));
    let out = folder.path().join("index");
    succeeded(&build(&out, &[&lines], &[]));
    let segment = out.join("tales.segment");
    let whole = fs::read(&segment).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    let damages: [Option<&[u8]>; 5] =
        [Some(&flipped), Some(&whole[..whole.len() / 2]), Some(b""), Some(&vec![0; whole.len()]), None];
    for damage in damages {
        match damage {
            Some(bytes) => fs::write(&segment, bytes).unwrap(),
            None => fs::remove_file(&segment).unwrap(),
        }
        for verb in ["status", "verify", "attribute"] {
            let says = ["tales.segment is damaged or missing", "--fresh"];
            refused(&index(&[verb, "--index", out.to_str().unwrap()]), &says);
        }
    }
    fs::write(&segment, &whole).unwrap();
    assert_eq!(answer(&out, PASSAGE)["spans"].as_array().unwrap().len(), 1);

    let manifest = out.join("index.json");
    let text = fs::read_to_string(&manifest).unwrap();
    for damaged in [&text[..text.len() / 2], &text.replacen("\"words\": ", "\"words\": 1", 1), "", "[]"] {
        fs::write(&manifest, damaged).unwrap();
        refused(&attribute(&out, "x", &[]), &["index.json is damaged", "build the index again"]);
        refused(&build(&out, &[&lines], &[]), &["index.json is damaged", "--fresh"]);
    }
    fs::remove_file(&manifest).unwrap();
    refused(&build(&out, &[&lines], &[]), &["tales.segment is of an index without index.json", "--fresh"]);
    succeeded(&build(&out, &[&lines], &["--fresh"]));
    assert_eq!(answer(&out, PASSAGE)["spans"].as_array().unwrap().len(), 1);
}

/// Tables with a changed byte are read or refused; nothing panics.
#[test]
fn damaged_tables_are_read_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("t.parquet");
    write_table(&table, &[PASSAGE, "Another text.", "A third one."], 2);
    let whole = fs::read(&table).unwrap();
    for at in (0..whole.len()).step_by(17) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0xff;
        fs::write(&table, damaged).unwrap();
        let built = build(&folder.path().join("index"), &[&table], &["--fresh"]);
        let said = String::from_utf8_lossy(&built.stderr);
        let is_clear = built.status.success() || said.contains("t.parquet") || said.contains("no text");
        assert!(is_clear && !said.contains("panicked"), "byte {at}: {built:?}");
    }
}

#[test]
fn the_demo_datanets_are_indexed_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("index");
    let (help, tools) = (demo_data().join("gnome-help.jsonl"), demo_data().join("debian-tools.jsonl"));
    let said = succeeded(&build(&out, &[&help, &tools], &[]));
    assert!(said.contains("gnome-help.segment: 287 documents"), "{said}");
    let text = "Switch the Bounce Keys switch to on, then type. Quickly turn bounce keys on and off.";
    let found = answer(&out, text);
    assert_eq!(found["shares"][0]["datanet"], "gnome-help", "{found}");
}
