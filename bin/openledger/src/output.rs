//! What the terminal shows: colour where it is wanted, amounts, tables. Absent: what the numbers mean.

use std::io::IsTerminal;

use openledger_types::{Amount, UNITS_PER_WHOLE};

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// When standard output is a terminal and NO_COLOR is not set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Foreground colours for contributors, chosen to be told apart on dark and light terminals; the footnote number
/// says the same without colour.
const PALETTE: [u8; 6] = [36, 33, 35, 32, 34, 31];

/// Paints, or does not.
#[derive(Clone, Copy)]
pub struct Paint {
    on: bool,
}

impl Paint {
    /// Decides once.
    pub fn new(choice: ColorChoice) -> Self {
        let on = match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
        };
        Self { on }
    }

    /// In a style that [`Paint::reuse`] or [`Paint::note`] gave; none is empty.
    pub fn code(self, code: &str, text: &str) -> String {
        if self.on && !code.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Strong.
    pub fn bold(self, text: &str) -> String {
        self.code("1", text)
    }

    /// In the background.
    pub fn dim(self, text: &str) -> String {
        self.code("2", text)
    }

    /// Good news.
    pub fn green(self, text: &str) -> String {
        self.code("32", text)
    }

    /// Bad news.
    pub fn red(self, text: &str) -> String {
        self.code("31", text)
    }

    /// The style of a span that is reused from the contributor with this number, with an underline of this strength,
    /// from 1 to 4; in italics when it is nearly word for word.
    pub fn reuse(contributor: usize, strength: usize, is_near: bool) -> String {
        let color = PALETTE[contributor.saturating_sub(1) % PALETTE.len()];
        let line = ["2;4", "4", "1;4", "1;21"][strength.clamp(1, 4) - 1];
        let near = if is_near { "3;" } else { "" };
        format!("{near}{line};{color}")
    }

    /// Whether it paints at all.
    pub fn is_on(self) -> bool {
        self.on
    }

    /// The colour of a footnote for plain text.
    pub fn footnote(self, footnote: usize, text: &str) -> String {
        self.code(&Self::note(footnote), text)
    }

    /// That style.
    pub fn note(footnote: usize) -> String {
        format!("1;{}", PALETTE[footnote.saturating_sub(1) % PALETTE.len()])
    }
}

/// Superscript digits of a footnote number.
pub fn superscript(number: usize) -> String {
    number
        .to_string()
        .chars()
        .map(|digit| match digit {
            '1' => '¹',
            '2' => '²',
            '3' => '³',
            '0' => '⁰',
            other => char::from_u32(u32::from('⁴') + u32::from(other) - u32::from('4')).unwrap_or(other),
        })
        .collect()
}

/// A count of units with separators: `1 234 567`.
pub fn units(amount: u64) -> String {
    let digits = amount.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// Reads credits such as `1.5` into microcredits; at most six decimals.
pub fn parse_credits(text: &str) -> anyhow::Result<Amount> {
    let wrong = || {
        anyhow::anyhow!("{text:?} is not an amount: write credits with at most six decimals, for example 1.5")
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 6
        || whole.is_empty()
        || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit())
    {
        return Err(wrong());
    }
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let fraction: u64 = format!("{fraction:0<6}").parse().map_err(|_| wrong())?;
    let units =
        whole.checked_mul(UNITS_PER_WHOLE).and_then(|units| units.checked_add(fraction)).ok_or_else(wrong)?;
    Ok(Amount(units))
}

/// A text from elsewhere without the control characters that would command the terminal.
pub fn printable(text: &str) -> String {
    text.chars().filter(|character| *character == '\n' || !character.is_control()).collect()
}

/// Columns that texts are broken to: those of the terminal, within what reads well. What is piped is not broken.
pub fn columns() -> usize {
    let terminal = console::Term::stdout().size_checked();
    terminal.map_or(usize::MAX, |(_, columns)| usize::from(columns).clamp(40, 110))
}

/// The text with every line indented.
pub fn indent(text: &str, indent: &str) -> String {
    text.lines().map(|line| format!("{indent}{line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_and_written() {
        assert_eq!(parse_credits("1.5").unwrap(), Amount(1_500_000));
        assert_eq!(parse_credits("0.000001").unwrap(), Amount(1));
        for wrong in ["", ".", "-1", "1.0000001", "1e3", "99999999999999999999"] {
            assert!(parse_credits(wrong).is_err(), "{wrong}");
        }
        assert_eq!(units(1_234_567), "1 234 567");
        assert_eq!(units(999), "999");
        assert_eq!(superscript(14), "¹⁴");
    }
}
