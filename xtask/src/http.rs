//! HTTP as comparisons need it: one request on a connection of its own, to a server on this machine.
//!
//! Rule: a reply has a limit in bytes, and a server that says nothing for long is given up. Events are handed over as they arrive.
//! Absent: TLS, redirects, connections that are kept, other machines.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// How long a server may say nothing: a long prompt behind many others is computed before its first byte.
const SILENCE_MAX: Duration = Duration::from_secs(300);
/// Largest reply, and longest line of its head.
const REPLY_BYTES_MAX: u64 = 256 << 20;
const LINE_BYTES_MAX: u64 = 64 << 10;
/// Most lines of a head.
const HEAD_LINES_MAX: usize = 256;

/// A server on this machine.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    pub(crate) port: u16,
    /// What it wants to see as the bearer's token, if anything.
    pub(crate) key: Option<String>,
}

impl Address {
    /// The status of a page; none while nobody answers.
    pub(crate) fn status(&self, path: &str) -> Option<u16> {
        self.send(&format!("GET {path}"), "").ok().map(|reply| reply.status)
    }

    /// What the server answers to a JSON value, which must be another.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let reply = self.posted(path, body)?;
        serde_json::from_reader(reply.body.take(REPLY_BYTES_MAX))
            .with_context(|| format!("{path} did not answer with JSON"))
    }

    /// Hands over the server's events to a JSON value as they come, up to the one that says that there are no more.
    pub(crate) fn events(&self, path: &str, body: &Value, mut each: impl FnMut(&Value)) -> Result<()> {
        let reply = self.posted(path, body)?;
        for line in BufReader::new(reply.body.take(REPLY_BYTES_MAX)).lines() {
            let line = line.with_context(|| format!("the events of {path} broke off"))?;
            match line.strip_prefix("data: ") {
                Some("[DONE]") => return Ok(()),
                Some(data) => {
                    each(&serde_json::from_str(data).with_context(|| format!("{data:?} is not JSON"))?)
                }
                None => {}
            }
        }
        bail!("the events of {path} ended without their end")
    }

    fn posted(&self, path: &str, body: &Value) -> Result<Reply> {
        let reply = self.send(&format!("POST {path}"), &body.to_string())?;
        if reply.status != 200 {
            let (status, mut said) = (reply.status, String::new());
            reply.body.take(LINE_BYTES_MAX).read_to_string(&mut said)?;
            bail!("{path} answered {status}: {said}");
        }
        Ok(reply)
    }

    fn send(&self, line: &str, body: &str) -> Result<Reply> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))
            .with_context(|| format!("nobody answers at {address}"))?;
        stream.set_read_timeout(Some(SILENCE_MAX))?;
        stream.set_nodelay(true)?;
        let mut request = format!(
            "{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
            body.len()
        );
        if let Some(key) = &self.key {
            request.push_str(&format!("Authorization: Bearer {key}\r\n"));
        }
        stream.write_all(format!("{request}\r\n{body}").as_bytes())?;
        Reply::read(stream).with_context(|| format!("the answer to {line} cannot be read"))
    }
}

struct Reply {
    status: u16,
    body: Body,
}

impl Reply {
    fn read(stream: TcpStream) -> Result<Self> {
        let mut stream = BufReader::new(stream);
        let first = line(&mut stream)?;
        let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.with_context(|| format!("{first:?} is no status of HTTP"))?;
        let mut is_chunked = false;
        for _ in 0..HEAD_LINES_MAX {
            let header = line(&mut stream)?.to_ascii_lowercase();
            if header.is_empty() {
                let left = is_chunked.then_some(0);
                return Ok(Self { status, body: Body { stream, left, is_over: false } });
            }
            is_chunked |= header.starts_with("transfer-encoding:") && header.contains("chunked");
        }
        bail!("the head has more than {HEAD_LINES_MAX} lines")
    }
}

fn line(stream: &mut BufReader<TcpStream>) -> Result<String> {
    let mut line = String::new();
    stream.take(LINE_BYTES_MAX).read_line(&mut line)?;
    ensure!(line.ends_with('\n'), "the head breaks off at {line:?}");
    Ok(line.trim_end().to_owned())
}

/// The bytes of a reply, up to where the server closes, or in chunks (RFC 9112, section 7.1).
struct Body {
    stream: BufReader<TcpStream>,
    /// What is left of the chunk, where there are chunks.
    left: Option<u64>,
    is_over: bool,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(left) = self.left else { return self.stream.read(buffer) };
        let left = if left > 0 { left } else { self.chunk()? };
        if left == 0 || buffer.is_empty() {
            return Ok(0);
        }
        let count = (&mut self.stream).take(left).read(buffer)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left = Some(left - count as u64);
        Ok(count)
    }
}

impl Body {
    /// The size of the next chunk; 0 behind the last one.
    fn chunk(&mut self) -> io::Result<u64> {
        if self.is_over {
            return Ok(0);
        }
        let mut size = String::new();
        // Behind the bytes of a chunk its line ends, before that of the next one begins.
        for _ in 0..2 {
            if size.trim().is_empty() {
                size.clear();
                (&mut self.stream).take(LINE_BYTES_MAX).read_line(&mut size)?;
            }
        }
        let digits = size.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(digits, 16).map_err(|_| io::ErrorKind::InvalidData)?;
        self.is_over = size == 0;
        self.left = Some(size);
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// A server that says this once.
    fn saying(text: &'static str) -> Address {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("somebody asks");
            let mut asked = [0; 1_024];
            let _ = stream.read(&mut asked);
            stream.write_all(text.as_bytes()).expect("the asker listens");
        });
        Address { port, key: None }
    }

    #[test]
    fn events_come_in_chunks_that_cut_them_anywhere() {
        let address = saying(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: {\"a\r\n8;x=y\r\n\": 1}\n\nd\r\n\
             13\r\nata: {\"a\": 2}\n\n: no\r\n10\r\n\ndata: [DONE]\n\n\n\r\n0\r\n\r\n",
        );
        let mut seen = Vec::new();
        address.events("/x", &Value::Null, |event| seen.push(event["a"].as_u64())).expect("it has its end");
        assert_eq!(seen, [Some(1), Some(2)]);
    }

    #[test]
    fn what_breaks_off_is_an_error() {
        let cut = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\ndata: {\"a\": 1}\n\n";
        let mut count = 0;
        let ended = saying(cut).events("/x", &Value::Null, |_| count += 1);
        assert!(ended.is_err() && count == 1, "{ended:?} {count}");
        let unfinished = "HTTP/1.1 200 OK\r\n\r\ndata: {\"a\": 1}\n\n";
        assert!(saying(unfinished).events("/x", &Value::Null, |_| ()).is_err());
        assert!(saying("HTTP/1.1 200 OK\r\n\r\n{\"a\": ").post("/x", &Value::Null).is_err());
    }

    #[test]
    fn a_refusal_says_what_the_server_said() {
        let error = saying("HTTP/1.1 429 No\r\n\r\nslower").post("/x", &Value::Null).expect_err("refused");
        assert!(error.to_string().contains("429: slower"), "{error:#}");
        let value = saying("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]").post("/x", &Value::Null);
        assert_eq!(value.expect("JSON"), Value::Array(Vec::new()));
    }
}
