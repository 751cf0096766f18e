//! Server-sent events out of bytes that arrive in any pieces (WHATWG HTML, section 9.2.6).
//!
//! Rule: at most [`LINE_BYTES_MAX`] are kept of a line, and as many of an event; the same events come however the bytes
//! are cut. Lines end in LF or CRLF; a lone CR, which no engine sends, ends none.
//! Absent: event ids and times to reconnect, which an answer that cannot be resumed has no use for.

/// The longest line, and the longest event, in bytes.
pub const LINE_BYTES_MAX: usize = 1 << 20;

/// What cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// A line or an event is longer than [`LINE_BYTES_MAX`].
    TooLong,
    /// A line is not UTF-8.
    NotText,
}

/// Lines as they come, and the event that they make.
#[derive(Debug, Default)]
pub(crate) struct Events {
    line: Vec<u8>,
    data: String,
    has_data: bool,
}

impl Events {
    /// Reads a piece, and gives the data of every event that ends in it to `take`, whose error ends the reading.
    pub(crate) fn push<E: From<Broken>>(
        &mut self,
        mut piece: &[u8],
        mut take: impl FnMut(&str) -> Result<(), E>,
    ) -> Result<(), E> {
        while let Some(end) = piece.iter().position(|byte| *byte == b'\n') {
            self.keep(&piece[..end])?;
            piece = &piece[end + 1..];
            let line = std::mem::take(&mut self.line);
            let text = std::str::from_utf8(&line).map_err(|_| Broken::NotText)?;
            let text = text.strip_suffix('\r').unwrap_or(text);
            if !text.is_empty() {
                self.field(text)?;
            } else if std::mem::take(&mut self.has_data) {
                take(&std::mem::take(&mut self.data))?;
            }
            // The room of the line is used again.
            self.line = line;
            self.line.clear();
        }
        Ok(self.keep(piece)?)
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        if self.line.len() + bytes.len() > LINE_BYTES_MAX {
            return Err(Broken::TooLong);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    /// A line `name: value`; names other than `data` are of no use here. `error:` is how older versions of llama.cpp's server
    /// tell an error: its value is an event's data as well.
    fn field(&mut self, line: &str) -> Result<(), Broken> {
        let Some(value) = line.strip_prefix("data:").or_else(|| line.strip_prefix("error:")) else {
            return Ok(());
        };
        let value = value.strip_prefix(' ').unwrap_or(value);
        if self.data.len() + value.len() >= LINE_BYTES_MAX {
            return Err(Broken::TooLong);
        }
        if std::mem::replace(&mut self.has_data, true) {
            self.data.push('\n');
        }
        self.data.push_str(value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = concat!(
        ": ping\n\n\r\n",
        "data: {\"text\": \"Grüße\"}\r\n\r\n",
        "event: message\nid: 7\ndata:one\ndata: two\n\n",
        "data:\n\n",
        "error: {\"code\":500}\n\n",
        "data: [DONE]\n\ndata: never ended\n",
    );

    fn read(pieces: &[&[u8]]) -> Result<Vec<String>, Broken> {
        let (mut events, mut read) = (Events::default(), Vec::new());
        for piece in pieces {
            events.push(piece, |data| {
                read.push(data.to_owned());
                Ok::<(), Broken>(())
            })?;
        }
        Ok(read)
    }

    #[test]
    fn the_same_events_come_however_the_bytes_are_cut() {
        let expected = ["{\"text\": \"Grüße\"}", "one\ntwo", "", "{\"code\":500}", "[DONE]"];
        assert_eq!(read(&[STREAM.as_bytes()]).unwrap(), expected);
        for cut in 1..STREAM.len() {
            let (one, two) = STREAM.as_bytes().split_at(cut);
            assert_eq!(read(&[one, two]).unwrap(), expected, "cut at {cut}");
        }
        let bytes: Vec<&[u8]> = STREAM.as_bytes().chunks(1).collect();
        assert_eq!(read(&bytes).unwrap(), expected);
    }

    #[test]
    fn lines_and_events_without_an_end_are_refused() {
        let half = vec![b'x'; LINE_BYTES_MAX / 2];
        assert_eq!(read(&[&half, &half]), Ok(vec![]));
        assert_eq!(read(&[&half, &half, b"x"]), Err(Broken::TooLong));
        let line = [b"data:".as_slice(), &half, b"\n"].concat();
        assert_eq!(read(&[&line, &line]), Err(Broken::TooLong), "an event of many lines");
        assert_eq!(read(&[b"data: \xff\n"]), Err(Broken::NotText));
    }
}
