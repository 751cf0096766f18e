//! All mutants of a file in one text, each behind a question whether it is switched on: compiled once, it is every
//! mutant.
//!
//! `a < b` becomes `(if on(7) { a == b } else { a < b })`, a body `{ … }` becomes `{ if on(8) { return 0; } … }`, an arm
//! `p =>` becomes `p if !on(9) =>`. Inside a mutant's own branch nothing else is woven: one mutant is on at a time.
//!
//! Absent: whether what is woven compiles; the compiler says so, and the place of each mutant is kept to understand it.

use std::ops::Range;

use anyhow::{Result, bail};

use super::list::Mutant;
use super::nodes::{Node, Nodes};

/// What a switch is called in the woven tree.
const ON: &str = "crate::woven::on";

/// A text with its mutants.
pub(crate) struct Woven {
    pub(crate) text: String,
    /// Where in the text a mutant stands, in bytes: an error there means that it does not compile.
    pub(crate) places: Vec<(usize, Range<usize>)>,
    /// Mutants that cannot be switched: an arm that is needed, a chain with `let`, a constant, another `impl Iterator`.
    pub(crate) left_out: Vec<usize>,
}

/// The mutants of one place.
struct Site<'a> {
    whole: Range<usize>,
    node: Node,
    mutants: Vec<&'a Mutant>,
}

pub(crate) fn weave(text: &str, mutants: &[&Mutant]) -> Result<Woven> {
    let nodes = Nodes::of(text)?;
    let mut woven = Woven { text: String::new(), places: Vec::new(), left_out: Vec::new() };
    let mut sites: Vec<Site<'_>> = Vec::new();
    for mutant in mutants {
        let at = nodes.offset(mutant.start);
        let found = nodes.found.iter().find(|((start, genre), _)| *start == at && *genre == mutant.genre);
        match found {
            None => woven.left_out.push(mutant.number),
            // The one type behind an `impl Iterator` is another.
            Some((_, (_, Node::Body))) if mutant.replacement.contains("::std::iter::") => {
                woven.left_out.push(mutant.number);
            }
            Some((_, (whole, node))) => {
                let same = |site: &&mut Site<'_>| {
                    site.mutants[0].genre == mutant.genre && site.mutants[0].start == mutant.start
                };
                match sites.iter_mut().find(same) {
                    Some(site) => site.mutants.push(mutant),
                    None => {
                        sites.push(Site { whole: whole.clone(), node: node.clone(), mutants: vec![mutant] });
                    }
                }
            }
        }
    }
    // Outer places first; of two that are the same, a body and then an arm hold what is inside.
    sites.sort_by_key(|site| {
        (site.whole.start, std::cmp::Reverse(site.whole.end), !matches!(site.node, Node::Body))
    });
    let mut loom = Loom { source: text, sites: &sites, next: 0, woven };
    loom.range(0..text.len());
    if loom.next != sites.len() {
        bail!("{} of {} places are woven", loom.next, sites.len());
    }
    Ok(loom.woven)
}

struct Loom<'a> {
    source: &'a str,
    sites: &'a [Site<'a>],
    next: usize,
    woven: Woven,
}

impl<'a> Loom<'a> {
    /// Writes this part of the source with all that is woven into it.
    fn range(&mut self, range: Range<usize>) {
        let sites = self.sites;
        let mut at = range.start;
        while let Some(site) = sites.get(self.next).filter(|site| site.whole.end <= range.end) {
            self.plain(at..site.whole.start);
            self.next += 1;
            self.site(site);
            at = site.whole.end;
        }
        self.plain(at..range.end);
    }

    fn plain(&mut self, range: Range<usize>) {
        self.woven.text.push_str(&self.source[range]);
    }

    /// The text of a mutant; it stands on one line so that the lines keep their numbers.
    fn mutant(&mut self, mutant: &Mutant, text: &str) {
        let start = self.woven.text.len();
        self.woven.text.push_str(text);
        self.woven.places.push((mutant.number, start..self.woven.text.len()));
    }

    fn push(&mut self, text: &str) {
        self.woven.text.push_str(text);
    }

    fn site(&mut self, site: &'a Site<'a>) {
        let Site { whole, node, mutants } = site;
        match node {
            Node::Body => {
                for mutant in mutants {
                    let Mutant { number, replacement, .. } = mutant;
                    self.mutant(mutant, &format!("if {ON}({number}) {{ return {replacement}; }} "));
                }
                self.range(whole.clone());
            }
            Node::Binary { operator } => {
                let (left, right) = (whole.start..operator.start, operator.end..whole.end);
                self.branches(mutants, whole, |source, mutant| {
                    format!("{}{}{}", &source[left.clone()], mutant.replacement, &source[right.clone()])
                });
            }
            Node::Unary { operand } => {
                self.branches(mutants, whole, |source, _| source[operand.clone()].to_owned());
            }
            Node::Field { name, value, base } => {
                self.push(&format!("{name}: "));
                self.branches(mutants, value, |source, _| format!("({}).{name}", &source[base.clone()]));
            }
            Node::Guard => self.guard(mutants, whole),
            Node::Arm { pattern, guard } => {
                self.plain(pattern.clone());
                self.push(" if ");
                for mutant in mutants {
                    self.mutant(mutant, &format!("!{ON}({})", mutant.number));
                }
                if let Some(guard) = guard {
                    self.push(" && (");
                    self.range(guard.clone());
                    self.push(")");
                }
            }
        }
    }

    fn branches(
        &mut self,
        mutants: &[&Mutant],
        written: &Range<usize>,
        text: impl Fn(&str, &Mutant) -> String,
    ) {
        self.push("(");
        for mutant in mutants {
            let broken = text(self.source, mutant);
            self.mutant(mutant, &format!("if {ON}({}) {{ {broken} }} else ", mutant.number));
        }
        self.push("{ ");
        self.range(written.clone());
        self.push(" })");
    }

    fn guard(&mut self, mutants: &[&Mutant], whole: &Range<usize>) {
        let (always, never): (Vec<&Mutant>, Vec<&Mutant>) =
            mutants.iter().partition(|mutant| mutant.replacement == "true");
        self.push("(");
        for mutant in always {
            self.mutant(mutant, &format!("{ON}({}) || ", mutant.number));
        }
        for mutant in never {
            self.mutant(mutant, &format!("!{ON}({}) && ", mutant.number));
        }
        self.push("(");
        self.range(whole.clone());
        self.push("))");
    }
}
