//! Where an answer is in its grammar: a stack of what is open, moved on byte by byte.
//!
//! Rule: from every state that is reached some end is reached, so that what was written is always the beginning of
//! something that the grammar allows. Blanks stand only between the signs of JSON and only so many in a row.
//! Absent: tokens (`mask`).

use super::calls::{CallAt, CallStep};
use super::text::{Number, Text};
use super::{ANY, Grammar, Node, NodeId, NumberKind, ObjectNode};

/// Blanks in a row. Models that may write any number of them sometimes write nothing else.
const BLANKS_MAX: u8 = 24;
/// What may be open at once; a schema needs at most two frames a level, and has at most 16 levels.
const FRAMES_MAX: usize = 64;

/// Where an answer is; empty once it is whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct State {
    frames: Vec<Frame>,
    blanks: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Frame {
    /// A value is to come.
    Value(NodeId),
    /// In one of the literals `low..high`, after `at` bytes.
    Literal { node: NodeId, low: u16, high: u16, at: u16 },
    /// In a string.
    Text(Text),
    /// In a number.
    Number(Number),
    /// In an object that has the names `used`.
    Object { node: NodeId, used: u64, at: ObjectAt },
    /// In a name, after its opening quote: it may become one of the names `low..high`, of which it has `at` bytes, or
    /// another one.
    Name { node: NodeId, used: u64, low: u16, high: u16, at: u16, other: Option<Text> },
    /// In an array, after its opening bracket or after an item.
    Array { items: NodeId, empty: bool },
    /// Between the arguments of calls.
    Call(CallAt),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum ObjectAt {
    /// After the opening brace.
    Start,
    /// After a comma.
    Comma,
    /// After a name whose value must be this.
    Name(NodeId),
    /// After a value.
    Value,
}

/// What a byte does to the frame on top.
enum Step {
    /// It belongs to it; the frame is now this.
    Stay(Frame),
    /// It ends the frame.
    End,
    /// The frame ended before it.
    EndedBefore,
    /// It belongs to it and opens another one: the frame is now the first, the second stands on it.
    Open(Frame, Frame),
    /// It begins what comes next: the frame is now the first, the second stands on it and takes the byte.
    Begin(Frame, Frame),
    /// A blank between signs.
    Blank,
    /// It cannot stand here.
    Refuse,
}

impl State {
    pub(super) fn new(grammar: &Grammar) -> State {
        let first = match &grammar.calls {
            Some(calls) => Frame::Call(calls.start()),
            None => Frame::Value(grammar.root),
        };
        State { frames: vec![first], blanks: 0 }
    }

    /// Whether the answer may end here.
    pub(super) fn can_end(&self, grammar: &Grammar) -> bool {
        match self.frames.as_slice() {
            [] => true,
            [Frame::Number(number)] => number.can_end(),
            [Frame::Literal { node, low, at, .. }] => is_whole(grammar.node(*node), *low, *at),
            [Frame::Call(at)] => at.can_end(),
            _ => false,
        }
    }

    /// Whether this is a place in a string where no character is cut and nothing depends on which characters come.
    pub(super) fn is_plain_text(&self) -> bool {
        match self.frames.last() {
            Some(Frame::Text(Text::Plain)) => true,
            Some(Frame::Name { low, high, other: Some(Text::Plain), .. }) => low == high,
            _ => false,
        }
    }

    /// Whether this is text beside calls, in which no mark of a call has begun.
    pub(super) fn is_free_text(&self) -> bool {
        matches!(self.frames.last(), Some(Frame::Call(at)) if at.is_free_text())
    }

    /// Moves on by one byte; false when it cannot stand here, and the state is then of no use.
    pub(crate) fn advance(&mut self, grammar: &Grammar, byte: u8) -> bool {
        while let Some(top) = self.frames.last().copied() {
            match step(grammar, top, byte, self.frames.len()) {
                Step::EndedBefore => {
                    self.frames.pop();
                    continue;
                }
                Step::Begin(below, above) => {
                    self.replace(below);
                    self.frames.push(above);
                    continue;
                }
                Step::Blank if self.frames.len() == 1 && matches!(top, Frame::Value(_)) => return false,
                Step::Blank => {
                    self.blanks += 1;
                    return self.blanks <= BLANKS_MAX;
                }
                Step::Refuse => return false,
                Step::Stay(frame) => self.replace(frame),
                Step::Open(below, above) => {
                    self.replace(below);
                    self.frames.push(above);
                }
                Step::End => self.end(grammar, top, byte),
            }
            self.blanks = 0;
            return true;
        }
        false
    }

    fn replace(&mut self, frame: Frame) {
        if let Some(top) = self.frames.last_mut() {
            *top = frame;
        }
    }

    /// Takes the top frame away; after a name its object knows which value follows.
    fn end(&mut self, grammar: &Grammar, top: Frame, byte: u8) {
        self.frames.pop();
        let Frame::Name { node, low, high, at, .. } = top else { return };
        let Some(Frame::Object { used, at: place, .. }) = self.frames.last_mut() else { return };
        let object = grammar.object(node);
        match whole_name(object, low, high, at, byte) {
            Some(index) => {
                *used |= 1 << index;
                *place = ObjectAt::Name(object.names[index].1);
            }
            None => *place = ObjectAt::Name(object.additional.unwrap_or(ANY)),
        }
    }
}

impl Grammar {
    fn node(&self, id: NodeId) -> &Node {
        &self.nodes[usize::from(id)]
    }

    fn object(&self, id: NodeId) -> &ObjectNode {
        self.node(id).object.as_ref().expect("an object frame stands on a node with an object")
    }
}

fn step(grammar: &Grammar, top: Frame, byte: u8, depth: usize) -> Step {
    match top {
        Frame::Value(node) => value(grammar.node(node), node, byte, depth),
        Frame::Literal { node, low, high, at } => literal(grammar.node(node), (node, low, high, at), byte),
        Frame::Text(_) if byte == b'"' && matches!(top, Frame::Text(Text::Plain)) => Step::End,
        Frame::Text(text) => text.advance(byte).map_or(Step::Refuse, |text| Step::Stay(Frame::Text(text))),
        Frame::Number(number) => match number.advance(byte) {
            Some(number) => Step::Stay(Frame::Number(number)),
            None if number.can_end() => Step::EndedBefore,
            None => Step::Refuse,
        },
        Frame::Object { node, used, at } => object(grammar.object(node), (node, used, at), byte),
        Frame::Name { .. } => name(grammar, top, byte),
        Frame::Array { items, empty } => array(items, empty, byte),
        Frame::Call(at) => call(grammar, at, byte),
    }
}

fn call(grammar: &Grammar, at: CallAt, byte: u8) -> Step {
    let calls = grammar.calls.as_ref().expect("a frame of calls stands in a grammar of calls");
    match calls.step(at, byte) {
        Some(CallStep::Stay(at)) => Step::Stay(Frame::Call(at)),
        Some(CallStep::Arguments(at, node)) => Step::Open(Frame::Call(at), Frame::Value(node)),
        Some(CallStep::End) => Step::End,
        None => Step::Refuse,
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// The first byte of a value says of which kind it is.
fn value(node: &Node, id: NodeId, byte: u8, depth: usize) -> Step {
    let open = |frame| if depth < FRAMES_MAX { Step::Stay(frame) } else { Step::Refuse };
    match byte {
        _ if is_blank(byte) => Step::Blank,
        b'{' if node.object.is_some() => open(Frame::Object { node: id, used: 0, at: ObjectAt::Start }),
        b'[' if node.items.is_some() => open(Frame::Array { items: node.items.unwrap_or(ANY), empty: true }),
        b'"' if node.string => Step::Stay(Frame::Text(Text::Plain)),
        _ => {
            let number = node.number.and_then(|kind| Number::start(byte, kind == NumberKind::Integer));
            match number {
                Some(number) => Step::Stay(Frame::Number(number)),
                None => literal(node, (id, 0, count(node.literals.len()), 0), byte),
            }
        }
    }
}

/// The literals `low..high` that go on with `byte` after `at` bytes.
fn literal(node: &Node, (id, low, high, at): (NodeId, u16, u16, u16), byte: u8) -> Step {
    let texts = &node.literals[usize::from(low)..usize::from(high)];
    let (first, after) = narrowed(texts.iter().map(AsRef::as_ref), at, byte);
    let (new_low, new_high) = (low + first, low + after);
    if first == after {
        return if is_whole(node, low, at) { Step::EndedBefore } else { Step::Refuse };
    }
    if after - first == 1 && is_whole(node, new_low, at + 1) {
        return Step::End;
    }
    Step::Stay(Frame::Literal { node: id, low: new_low, high: new_high, at: at + 1 })
}

/// Whether the literal `low`, the shortest of those that are left, has been written.
fn is_whole(node: &Node, low: u16, at: u16) -> bool {
    at > 0 && node.literals.get(usize::from(low)).is_some_and(|text| text.len() == usize::from(at))
}

/// Which of sorted texts that are equal up to `at` have `byte` there: from the first to the one after the last.
pub(super) fn narrowed<'a>(texts: impl Iterator<Item = &'a [u8]> + Clone, at: u16, byte: u8) -> (u16, u16) {
    let at = usize::from(at);
    let first = texts.clone().take_while(|text| text.get(at).is_none_or(|found| *found < byte)).count();
    let after = texts.take_while(|text| text.get(at).is_none_or(|found| *found <= byte)).count();
    (count(first), count(after))
}

pub(super) fn count(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

fn object(object: &ObjectNode, (node, used, at): (NodeId, u64, ObjectAt), byte: u8) -> Step {
    let frame = |at| Frame::Object { node, used, at };
    let complete = object.required & !used == 0;
    let more = object.additional.is_some() || (0..object.names.len()).any(|index| used & (1 << index) == 0);
    match (at, byte) {
        _ if is_blank(byte) => Step::Blank,
        (ObjectAt::Start | ObjectAt::Comma, b'"') if more => {
            let other = object.additional.map(|_| Text::Plain);
            let name = Frame::Name { node, used, low: 0, high: count(object.names.len()), at: 0, other };
            Step::Open(frame(at), name)
        }
        (ObjectAt::Start | ObjectAt::Value, b'}') if complete => Step::End,
        (ObjectAt::Value, b',') if more => Step::Stay(frame(ObjectAt::Comma)),
        (ObjectAt::Name(child), b':') => Step::Open(frame(ObjectAt::Value), Frame::Value(child)),
        _ => Step::Refuse,
    }
}

/// A name may be one that the schema knows and that is not used yet, or, without escapes (which could spell a known one), any
/// other.
fn name(grammar: &Grammar, top: Frame, byte: u8) -> Step {
    let Frame::Name { node, used, low, high, at, other } = top else { return Step::Refuse };
    let object = grammar.object(node);
    if byte == b'"' {
        match whole_name(object, low, high, at, byte) {
            Some(index) if used & (1 << index) == 0 => return Step::End,
            Some(_) => return Step::Refuse,
            None if other == Some(Text::Plain) => return Step::End,
            // A quote that a backslash keeps in a known name.
            None => {}
        }
    }
    let other = other.filter(|_| byte != b'\\' && byte != b'"').and_then(|text| text.advance(byte));
    let known = &object.names[usize::from(low)..usize::from(high)];
    let (first, after) = narrowed(known.iter().map(|(name, _)| name.as_ref()), at, byte);
    let unused = (low + first..low + after).any(|index| used & (1 << index) == 0);
    if !unused && other.is_none() {
        return Step::Refuse;
    }
    let (low, high, at) = if first == after { (0, 0, 0) } else { (low + first, low + after, at + 1) };
    Step::Stay(Frame::Name { node, used, low, high, at, other })
}

/// The known name that `byte`, a quote, completes.
fn whole_name(object: &ObjectNode, low: u16, high: u16, at: u16, byte: u8) -> Option<usize> {
    let length = usize::from(at) + 1;
    (usize::from(low)..usize::from(high)).find(|index| {
        let name = &object.names[*index].0;
        byte == b'"' && name.len() == length && name.last() == Some(&byte)
    })
}

fn array(items: NodeId, empty: bool, byte: u8) -> Step {
    let after = Frame::Array { items, empty: false };
    match byte {
        _ if is_blank(byte) => Step::Blank,
        b']' => Step::End,
        b',' if !empty => Step::Open(after, Frame::Value(items)),
        _ if empty => Step::Begin(after, Frame::Value(items)),
        _ => Step::Refuse,
    }
}
