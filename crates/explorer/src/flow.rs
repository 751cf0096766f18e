//! Where the money of one answer goes, as a drawing: the consumer on the left, the parts of the split in the middle,
//! accounts and pools on the right. Widths are proportional to amounts, with a least width so that nothing vanishes;
//! what is held in escrow is hatched. Two layouts: a wide one with the middle column, a narrow one without.
//!
//! Absent: amounts that are not in the receipt. The same numbers stand in a table beside the drawing.

use std::collections::BTreeMap;

use openledger_query::views::{Paid, ReceiptView};
use openledger_types::record::{Pool, Role};
use openledger_types::{AccountId, Amount};

use crate::format;

/// Recipients of one part that are drawn one by one; the rest is drawn together.
const RECIPIENTS_MAX: usize = 8;
/// Height that the whole price has, in pixels.
const PRICE_HEIGHT: f64 = 300.0;
/// Least height of a band.
const BAND_HEIGHT_MIN: f64 = 1.6;

/// Who gets a part.
struct Recipient {
    name: String,
    amount: u64,
    paid: Option<Paid>,
}

/// A part of the split.
struct Part {
    class: &'static str,
    title: &'static str,
    recipients: Vec<Recipient>,
    /// What the part is by the split; differs from what is paid by the rounding carry.
    amount: i128,
}

impl Part {
    fn drawn(&self) -> u64 {
        self.recipients.iter().map(|recipient| recipient.amount).sum()
    }
}

/// A closed shape.
pub(crate) struct Shape {
    pub(crate) path: String,
    pub(crate) class: String,
    pub(crate) title: String,
}

/// A text.
pub(crate) struct Label {
    pub(crate) x: String,
    pub(crate) y: String,
    pub(crate) class: String,
    pub(crate) text: String,
}

/// The drawing.
pub(crate) struct Drawing {
    pub(crate) id: &'static str,
    pub(crate) width: u32,
    pub(crate) height: String,
    pub(crate) shapes: Vec<Shape>,
    pub(crate) labels: Vec<Label>,
    pub(crate) description: String,
}

fn parts(receipt: &ReceiptView) -> Vec<Part> {
    let mut parts = vec![
        of_role(receipt, Role::Provider, "provider", "Provider"),
        of_role(receipt, Role::Builder, "builder", "Builders"),
        data_part(receipt),
    ];
    for (class, title, pool) in [
        ("pool", "Verification", Pool::Verification),
        ("pool", "Maintenance", Pool::Maintenance),
        ("pool", "Insurance", Pool::Insurance),
        ("pool", "Capacity", Pool::Capacity),
    ] {
        parts.push(part(class, title, pool_recipients(receipt, |paid| *paid == pool)));
    }
    let burned = Recipient { name: "Burned".to_owned(), amount: receipt.burned.0, paid: None };
    parts.push(part("burn", "Burn", vec![burned]));
    parts.push(of_role(receipt, Role::Gateway, "gateway", "Router fee"));
    parts.retain(|part| part.drawn() > 0);
    parts
}

fn part(class: &'static str, title: &'static str, recipients: Vec<Recipient>) -> Part {
    let recipients: Vec<_> = recipients.into_iter().filter(|recipient| recipient.amount > 0).collect();
    let amount = recipients.iter().map(|recipient| i128::from(recipient.amount)).sum();
    Part { class, title, recipients, amount }
}

fn of_role(receipt: &ReceiptView, role: Role, class: &'static str, title: &'static str) -> Part {
    let mut by_account: BTreeMap<AccountId, Recipient> = BTreeMap::new();
    for payout in receipt.payouts.iter().filter(|payout| payout.role == role) {
        let recipient = by_account.entry(payout.account.id).or_insert_with(|| Recipient {
            name: format::called(&payout.account),
            amount: 0,
            paid: payout.paid.map(|_| Paid::default()),
        });
        recipient.amount = recipient.amount.saturating_add(payout.amount.0);
        recipient.paid = recipient.paid.zip(payout.paid).map(|(sum, paid)| plus(sum, paid));
    }
    let mut recipients: Vec<Recipient> = by_account.into_values().collect();
    recipients.sort_by(|a, b| (b.amount, &a.name).cmp(&(a.amount, &b.name)));
    part(class, title, folded(recipients))
}

fn plus(a: Paid, b: Paid) -> Paid {
    let sum = |a: Amount, b: Amount| Amount(a.0.saturating_add(b.0));
    Paid { liquid: sum(a.liquid, b.liquid), escrowed: sum(a.escrowed, b.escrowed) }
}

/// Draws the smallest together when there are too many.
fn folded(mut recipients: Vec<Recipient>) -> Vec<Recipient> {
    if recipients.len() <= RECIPIENTS_MAX {
        return recipients;
    }
    let rest = recipients.split_off(RECIPIENTS_MAX - 1);
    let name = format!("{} more", rest.len());
    let folded = rest.into_iter().reduce(|a, b| Recipient {
        name: String::new(),
        amount: a.amount.saturating_add(b.amount),
        paid: a.paid.zip(b.paid).map(|(a, b)| plus(a, b)),
    });
    recipients.extend(folded.map(|folded| Recipient { name, ..folded }));
    recipients
}

fn pool_recipients(receipt: &ReceiptView, wanted: impl Fn(&Pool) -> bool) -> Vec<Recipient> {
    let pools = receipt.pools.iter().filter(|paid| wanted(&paid.pool));
    pools
        .map(|paid| Recipient { name: format::pool(&paid.pool), amount: paid.amount.0, paid: None })
        .collect()
}

/// Contributors, the uplift pool and the rounding carry share one part.
fn data_part(receipt: &ReceiptView) -> Part {
    let mut part = of_role(receipt, Role::Data, "data", "Data");
    part.recipients.extend(pool_recipients(receipt, |pool| matches!(pool, Pool::Uplift(_))));
    if let Ok(kept) = u64::try_from(receipt.carry_change)
        && kept > 0
    {
        part.recipients.push(Recipient { name: "Rounding carry".to_owned(), amount: kept, paid: None });
    }
    let paid: i128 = part.recipients.iter().map(|recipient| i128::from(recipient.amount)).sum();
    part.amount = paid + i128::from(receipt.carry_change.min(0));
    part
}

/// What stands under a recipient's name.
fn detail(recipient: &Recipient) -> String {
    let whole = format::units(Amount(recipient.amount));
    match recipient.paid {
        Some(paid) if paid.liquid == Amount::ZERO && paid.escrowed > Amount::ZERO => {
            format!("{whole} in escrow")
        }
        Some(paid) if paid.escrowed == Amount::ZERO => format!("{whole} liquid"),
        Some(paid) => format!(
            "{} liquid + {} in escrow",
            format::grouped(u128::from(paid.liquid.0)),
            format::units(paid.escrowed)
        ),
        None => whole,
    }
}

/// Places of the columns.
struct Layout {
    id: &'static str,
    width: u32,
    price_x: f64,
    part_x: Option<f64>,
    recipient_x: f64,
    bar: f64,
    slot: f64,
    top: f64,
}

const WIDE: Layout = Layout {
    id: "flow-wide",
    width: 960,
    price_x: 128.0,
    part_x: Some(390.0),
    recipient_x: 690.0,
    bar: 14.0,
    slot: 42.0,
    top: 8.0,
};

const NARROW: Layout = Layout {
    id: "flow-narrow",
    width: 340,
    price_x: 0.0,
    part_x: None,
    recipient_x: 112.0,
    bar: 12.0,
    slot: 46.0,
    top: 34.0,
};

/// The drawing for a desk and the one for a phone.
pub(crate) fn draw(receipt: &ReceiptView) -> [Drawing; 2] {
    let parts = parts(receipt);
    [Pen::new(&WIDE, receipt, &parts).draw(&parts), Pen::new(&NARROW, receipt, &parts).draw(&parts)]
}

/// A place on a column.
#[derive(Clone, Copy)]
struct Place {
    y: f64,
    height: f64,
}

struct Pen<'a> {
    layout: &'a Layout,
    scale: f64,
    height: f64,
    total: Amount,
    consumer: String,
    shapes: Vec<Shape>,
    labels: Vec<Label>,
}

impl<'a> Pen<'a> {
    fn new(layout: &'a Layout, receipt: &ReceiptView, parts: &[Part]) -> Self {
        let drawn: u64 = parts.iter().map(Part::drawn).sum();
        #[expect(clippy::cast_precision_loss, reason = "a drawing has fewer pixels than a float has digits")]
        let scale = PRICE_HEIGHT / (drawn.max(1) as f64);
        let mut pen = Self {
            layout,
            scale,
            height: 0.0,
            total: receipt.summary.total,
            consumer: format::called(&receipt.consumer),
            shapes: Vec::new(),
            labels: Vec::new(),
        };
        let recipients: f64 =
            parts.iter().flat_map(|part| &part.recipients).map(|to| pen.slot(to.amount)).sum();
        pen.height = recipients.max(PRICE_HEIGHT) + layout.top * 2.0;
        pen
    }

    #[expect(clippy::cast_precision_loss, reason = "a drawing has fewer pixels than a float has digits")]
    fn thickness(&self, amount: u64) -> f64 {
        (amount as f64 * self.scale).max(BAND_HEIGHT_MIN)
    }

    /// Height that a recipient takes with its label.
    fn slot(&self, amount: u64) -> f64 {
        (self.thickness(amount) + 8.0).max(self.layout.slot)
    }

    fn draw(mut self, parts: &[Part]) -> Drawing {
        let inner = self.height - self.layout.top;
        let all: f64 =
            parts.iter().flat_map(|part| &part.recipients).map(|to| self.thickness(to.amount)).sum();
        let price = Place { y: (self.layout.top + inner - all) / 2.0, height: all };
        self.price(price);
        let used: f64 = parts.iter().map(|part| self.part_height(part)).sum();
        let gap = ((inner - self.layout.top - used) / (parts.len().max(2) - 1) as f64).max(0.0);
        let (mut part_y, mut from_y, mut to_y) = (self.layout.top, price.y, self.layout.top);
        for part in parts {
            let height: f64 = part.recipients.iter().map(|to| self.thickness(to.amount)).sum();
            let slot = self.part_height(part);
            let from = Place { y: from_y, height };
            from_y += height;
            let middle = Place { y: part_y + (slot - height) / 2.0, height };
            part_y += slot + gap;
            to_y = self.part(part, from, middle, to_y);
        }
        Drawing {
            id: self.layout.id,
            width: self.layout.width,
            height: format!("{:.0}", self.height),
            description: description(parts, self.total),
            shapes: self.shapes,
            labels: self.labels,
        }
    }

    fn part_height(&self, part: &Part) -> f64 {
        let height: f64 = part.recipients.iter().map(|to| self.thickness(to.amount)).sum();
        if self.layout.part_x.is_some() { height.max(30.0) } else { height }
    }

    fn price(&mut self, place: Place) {
        let x = self.layout.price_x;
        let price = format::units(self.total);
        self.bar(x, place, "flow-price", &format!("{} pays {price}", self.consumer));
        if self.layout.part_x.is_some() {
            let (x, y) = (x - 10.0, place.y + place.height / 2.0);
            let consumer = self.consumer.clone();
            self.label(x, y - 4.0, "flow-name flow-end", &consumer);
            self.label(x, y + 14.0, "flow-amount flow-end", &format!("pays {price}"));
        } else {
            let text = format!("{} pays {price}", self.consumer);
            self.label(0.0, 16.0, "flow-name", &text);
        }
    }

    /// Draws one part and its recipients; returns where the next recipient begins.
    fn part(&mut self, part: &Part, from: Place, middle: Place, mut to_y: f64) -> f64 {
        let layout = self.layout;
        let amount = Amount(u64::try_from(part.amount).unwrap_or(0));
        let mut source = (layout.price_x + layout.bar, from.y);
        if let Some(x) = layout.part_x {
            let title = format!("{}: {}", part.title, format::units(amount));
            self.band(source.0, from, x, middle, &format!("flow-{}", part.class), &title);
            self.bar(x, middle, &format!("flow-{}", part.class), &title);
            source = (x + layout.bar, middle.y);
            let y = middle.y + middle.height / 2.0;
            self.label(x - 10.0, y - 2.0, "flow-part flow-end", part.title);
            self.label(x - 10.0, y + 12.0, "flow-amount flow-end", &format::units(amount));
        }
        for recipient in &part.recipients {
            let (height, slot) = (self.thickness(recipient.amount), self.slot(recipient.amount));
            let to = Place { y: to_y + (slot - height) / 2.0, height };
            self.recipient(part, recipient, (source.0, Place { y: source.1, height }), to);
            source.1 += height;
            to_y += slot;
        }
        to_y
    }

    fn recipient(&mut self, part: &Part, recipient: &Recipient, (x, from): (f64, Place), to: Place) {
        let layout = self.layout;
        let title = format!("{} to {}: {}", part.title, recipient.name, detail(recipient));
        let class = format!("flow-{}", part.class);
        self.band(x, from, layout.recipient_x, to, &class, &title);
        self.bar(layout.recipient_x, to, &class, &title);
        if let Some(paid) = recipient.paid
            && paid.escrowed > Amount::ZERO
        {
            let escrowed = self.escrowed(recipient, paid);
            let tail = |place: Place| Place {
                y: place.y + place.height * (1.0 - escrowed),
                height: place.height * escrowed,
            };
            self.band(x, tail(from), layout.recipient_x, tail(to), "flow-escrow", &title);
            self.bar(layout.recipient_x, tail(to), "flow-escrow", &title);
        }
        let (x, y) = (layout.recipient_x + layout.bar + 9.0, to.y + to.height / 2.0);
        let name = if layout.part_x.is_some() {
            cut(&recipient.name, 32)
        } else if recipient.name == part.title || part.class == "pool" || part.class == "burn" {
            cut(&recipient.name, 27)
        } else {
            format!("{} · {}", cut(&recipient.name, 18), part.title.to_lowercase())
        };
        self.label(x, y - 3.0, "flow-name", &name);
        self.label(x, y + 13.0, "flow-amount", &detail(recipient));
    }

    #[expect(clippy::cast_precision_loss, reason = "a drawing has fewer pixels than a float has digits")]
    fn escrowed(&self, recipient: &Recipient, paid: Paid) -> f64 {
        (paid.escrowed.0 as f64 / recipient.amount.max(1) as f64).clamp(0.0, 1.0)
    }

    fn bar(&mut self, x: f64, place: Place, class: &str, title: &str) {
        let (width, Place { y, height }) = (self.layout.bar, place);
        let path = format!("M{x:.1} {y:.1}h{width:.1}v{height:.1}h-{width:.1}z");
        self.shapes.push(Shape { path, class: format!("{class} flow-bar"), title: title.to_owned() });
    }

    fn band(&mut self, x: f64, from: Place, to_x: f64, to: Place, class: &str, title: &str) {
        let bend = x + (to_x - x) * 0.5;
        let (top, bottom) = (to.y, to.y + to.height);
        let path = format!(
            "M{x:.1} {:.1}C{bend:.1} {:.1} {bend:.1} {top:.1} {to_x:.1} {top:.1}V{bottom:.1}C{bend:.1} {bottom:.1} {bend:.1} {:.1} {x:.1} {:.1}z",
            from.y,
            from.y,
            from.y + from.height,
            from.y + from.height
        );
        self.shapes.push(Shape { path, class: format!("{class} flow-band"), title: title.to_owned() });
    }

    fn label(&mut self, x: f64, y: f64, class: &str, text: &str) {
        let (x, y) = (format!("{x:.1}"), format!("{y:.1}"));
        self.labels.push(Label { x, y, class: class.to_owned(), text: text.to_owned() });
    }
}

fn cut(text: &str, characters: usize) -> String {
    if text.chars().count() <= characters {
        return text.to_owned();
    }
    let kept: String = text.chars().take(characters - 1).collect();
    format!("{}…", kept.trim_end())
}

fn description(parts: &[Part], total: Amount) -> String {
    let listed: Vec<String> = parts
        .iter()
        .map(|part| {
            let recipients: Vec<String> =
                part.recipients.iter().map(|to| format!("{} {}", to.name, detail(to))).collect();
            format!("{}: {}", part.title, recipients.join(", "))
        })
        .collect();
    format!("{} in total. {}.", format::units(total), listed.join("; "))
}
