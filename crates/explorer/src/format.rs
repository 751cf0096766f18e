//! How values are written: amounts to the unit, times in UTC, hashes shortened with the whole in a title.
//! Absent: locales; digits are grouped by commas.

use std::borrow::Borrow;

use openledger_query::views::{AccountRef, EarningsView, Paid, SourceView};
use openledger_types::record::{Pool, Role};
use openledger_types::{Amount, Asset, Name, UNITS_PER_WHOLE};

/// Groups digits by thousands.
pub(crate) fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count.
pub(crate) fn count(number: impl Borrow<u64>) -> String {
    grouped(u128::from(*number.borrow()))
}

/// A count with its noun.
pub(crate) fn counted(number: impl Borrow<u64>, one: &str, many: &str) -> String {
    let number = *number.borrow();
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// Microcredits: `10,257 uC`.
pub(crate) fn units(amount: impl Borrow<Amount>) -> String {
    format!("{} uC", grouped(u128::from(amount.borrow().0)))
}

/// Whole units without trailing zeros: `1.989743 C`.
fn whole(amount: Amount, asset: Asset) -> String {
    let (whole, rest) = (amount.0 / UNITS_PER_WHOLE, amount.0 % UNITS_PER_WHOLE);
    let mut text = grouped(u128::from(whole));
    if rest > 0 {
        text.push_str(format!(".{rest:06}").trim_end_matches('0'));
    }
    format!("{text} {}", asset.symbol())
}

/// Credits as whole units.
pub(crate) fn credits(amount: impl Borrow<Amount>) -> String {
    whole(*amount.borrow(), Asset::Credit)
}

/// OPEN as whole units.
pub(crate) fn open(amount: impl Borrow<Amount>) -> String {
    whole(*amount.borrow(), Asset::Open)
}

/// Everything of a payment, liquid or not.
pub(crate) fn gross(paid: &Paid) -> Amount {
    Amount(paid.liquid.0.saturating_add(paid.escrowed.0))
}

/// What a role earned in all.
pub(crate) fn earned(earned: &EarningsView) -> Amount {
    Amount(earned.liquid.0.saturating_add(earned.escrowed.0))
}

/// A small count as a count.
pub(crate) fn wide(number: &u32) -> u64 {
    u64::from(*number)
}

/// A length as a count.
pub(crate) fn size(length: usize) -> u64 {
    length as u64
}

/// What is left of an amount.
pub(crate) fn rest(amount: &Amount, taken: &Amount) -> Amount {
    Amount(amount.0.saturating_sub(taken.0))
}

/// A signed change of credits with its sign: `+4,503 uC`; empty for none.
pub(crate) fn change(change: impl Borrow<i128>) -> String {
    signed(*change.borrow(), |size| format!("{} uC", grouped(size)))
}

/// A signed change of OPEN with its sign; empty for none.
pub(crate) fn open_change(change: impl Borrow<i128>) -> String {
    signed(*change.borrow(), |size| open(Amount(u64::try_from(size).unwrap_or(u64::MAX))))
}

/// A change of a rounding carry with its sign.
pub(crate) fn carry(carry: &i64) -> String {
    change(i128::from(*carry))
}

fn signed(change: i128, size: impl Fn(u128) -> String) -> String {
    match change {
        0 => String::new(),
        ..0 => format!("−{}", size(change.unsigned_abs())),
        1.. => format!("+{}", size(change.unsigned_abs())),
    }
}

/// Basis points as per cent: `83.33 %`.
pub(crate) fn percent(basis_points: impl Borrow<u64>) -> String {
    let basis_points = *basis_points.borrow();
    let (whole, rest) = (basis_points / 100, basis_points % 100);
    if rest == 0 { format!("{whole} %") } else { format!("{whole}.{rest:02} %") }
}

/// A ratio as per cent.
pub(crate) fn ratio(ratio: &openledger_types::BasisPoints) -> String {
    percent(u64::from(ratio.0))
}

/// Thousandths as a number with one decimal.
pub(crate) fn thousandths(number: &u64) -> String {
    format!("{}.{}", grouped(u128::from(number / 1_000)), number % 1_000 / 100)
}

/// Year, month and day of a day count since 1970 (proleptic Gregorian calendar).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// A time as machines read it: `2026-11-21T05:33:08Z`.
pub(crate) fn machine_time(timestamp_ms: &u64) -> String {
    let seconds = i64::try_from(timestamp_ms / 1_000).unwrap_or(0).min(253_402_300_799);
    let (year, month, day) = civil(seconds.div_euclid(86_400));
    let second = seconds.rem_euclid(86_400);
    let (hours, minutes, seconds) = (second / 3_600, second % 3_600 / 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}Z")
}

/// A time as people read it: `21 Nov 2026, 05:33:08`.
pub(crate) fn time(timestamp_ms: &u64) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let machine = machine_time(timestamp_ms);
    let month = machine.get(5..7).and_then(|month| month.parse::<usize>().ok()).unwrap_or(1);
    let name = MONTHS.get(month.saturating_sub(1)).copied().unwrap_or("");
    let piece = |range| machine.get(range).unwrap_or_default();
    let day = piece(8..10).trim_start_matches('0');
    format!("{day} {name} {}, {}", piece(0..4), piece(11..19))
}

/// The beginning and end of a long identifier.
pub(crate) fn short(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    if characters.len() <= 18 {
        return text.to_owned();
    }
    let first: String = characters.iter().take(8).collect();
    let last: String = characters.iter().skip(characters.len() - 6).collect();
    format!("{first}…{last}")
}

/// An identifier, shortened.
pub(crate) fn short_id(id: &impl std::fmt::Display) -> String {
    short(&id.to_string())
}

/// What an account is called: its name, or its shortened address.
pub(crate) fn called(account: &AccountRef) -> String {
    account.name.clone().unwrap_or_else(|| short_id(&account.id))
}

/// Names as a list in a sentence, the first two of many.
pub(crate) fn listed(names: &[Name]) -> String {
    match names {
        [] => "nobody".to_owned(),
        [only] => only.to_string(),
        [first, second] => format!("{first} and {second}"),
        [first, second, rest @ ..] => format!("{first}, {second} and {} more", rest.len()),
    }
}

/// A role in plain words.
pub(crate) fn role(role: &Role) -> &'static str {
    role.name()
}

/// A pool in plain words.
pub(crate) fn pool(pool: &Pool) -> String {
    match pool {
        Pool::Verification => "Verification fund".to_owned(),
        Pool::Maintenance => "Maintenance fund".to_owned(),
        Pool::Insurance => "Insurance fund".to_owned(),
        Pool::Capacity => "Capacity fund".to_owned(),
        Pool::Uplift(model) => format!("Uplift pool of {model}"),
        Pool::Slashed => "Slashed OPEN".to_owned(),
        Pool::Treasury => "Treasury".to_owned(),
        Pool::Carry(_, model) => format!("Rounding carry of {model}"),
        Pool::Unproven(datanet) => format!("Uplift pool of {datanet}"),
    }
}

/// What a pool is for, in one sentence.
pub(crate) fn pool_purpose(pool: &Pool) -> &'static str {
    match pool {
        Pool::Verification => "pays audits, gold tasks and canaries",
        Pool::Maintenance => "pays maintainers of what the network depends on",
        Pool::Insurance => "pays consumers who were harmed",
        Pool::Capacity => "pays for new capacity",
        Pool::Uplift(_) => "pays contributors by measured uplift; takes in what nobody explains",
        Pool::Slashed => "OPEN from slashes, held for whoever was harmed",
        Pool::Treasury => "pays what both houses grant",
        Pool::Carry(..) => "what rounding left; paid with the next answer",
        Pool::Unproven(_) => "what never matured; pays contributors of the datanet by measured uplift",
    }
}

/// What a payment was earned by, in plain words.
pub(crate) fn source(source: &SourceView) -> String {
    match source {
        SourceView::Contribution { label: Some(label), .. } if !label.is_empty() => label.clone(),
        SourceView::Contribution { id, .. } => short_id(id),
        SourceView::Model { name } => name.to_string(),
    }
}

/// Where a source is shown.
pub(crate) fn source_path(source: &SourceView) -> Option<String> {
    match source {
        SourceView::Contribution { datanet, id, .. } => {
            datanet.as_ref().map(|datanet| format!("/datanets/{datanet}/contributions/{id}"))
        }
        SourceView::Model { name } => Some(format!("/models/{name}")),
    }
}

/// A text as one segment of a path.
pub(crate) fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte))
            }
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_exactly() {
        for (said, expected) in [
            (units(Amount(10_257)), "10,257 uC"),
            (units(Amount(7)), "7 uC"),
            (units(Amount(1_000_000)), "1,000,000 uC"),
            (credits(Amount(1_989_740)), "1.98974 C"),
            (open(Amount(5_000_000_000)), "5,000 OPEN"),
            (change(-3), "−3 uC"),
            (open_change(1_000_000), "+1 OPEN"),
            (open_change(0), ""),
            (percent(8_333), "83.33 %"),
            (percent(10_000), "100 %"),
            (percent(5), "0.05 %"),
            (thousandths(&4_250), "4.2"),
            (machine_time(&0), "1970-01-01T00:00:00Z"),
            (machine_time(&951_782_400_000), "2000-02-29T00:00:00Z"),
            (machine_time(&1_795_239_188_000), "2026-11-21T05:33:08Z"),
            (time(&1_795_239_188_000), "21 Nov 2026, 05:33:08"),
            (machine_time(&u64::MAX), "9999-12-31T23:59:59Z"),
            (short("0x0123456789abcdef0123"), "0x012345…ef0123"),
            (short("é"), "é"),
            (segment("a/b?c d%"), "a%2Fb%3Fc%20d%25"),
        ] {
            assert_eq!(said, expected);
        }
    }
}
