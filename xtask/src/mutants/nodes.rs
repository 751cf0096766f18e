//! The places of a source file where a mutation can be woven in: what surrounds an operator, a guard, an arm, a field, a
//! body. Places are byte ranges of the text.
//!
//! Absent: which mutations there are; and what stands in macros, which are only tokens.

use std::collections::BTreeMap;
use std::ops::Range;

use anyhow::{Context, Result};
use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::list::Place;

/// What stands at a place.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    /// `left operator right`, found by its operator.
    Binary { operator: Range<usize> },
    /// `operator operand`, found by its operator.
    Unary { operand: Range<usize> },
    /// An arm of a `match`, found by its pattern.
    Arm { pattern: Range<usize>, guard: Option<Range<usize>> },
    /// The guard of an arm.
    Guard,
    /// `name: value` in an expression that takes the other fields from `base`.
    Field { name: String, value: Range<usize>, base: Range<usize> },
    /// The block of a function.
    Body,
}

/// The nodes of a file by where the mutation begins; the range is the whole that is rewritten.
pub(crate) struct Nodes {
    lines: Vec<usize>,
    text: String,
    pub(crate) found: BTreeMap<(usize, &'static str), (Range<usize>, Node)>,
}

impl Nodes {
    pub(crate) fn of(text: &str) -> Result<Self> {
        let file = syn::parse_file(text).context("is no Rust")?;
        let starts = text.match_indices('\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(starts).collect();
        let mut nodes = Self { lines, text: text.to_owned(), found: BTreeMap::new() };
        nodes.visit_file(&file);
        Ok(nodes)
    }

    /// Where a place of cargo-mutants lies in the text.
    pub(crate) fn offset(&self, (line, column): Place) -> usize {
        let start = self.lines[line - 1];
        let skipped = self.text[start..].chars().take(column - 1);
        start + skipped.map(char::len_utf8).sum::<usize>()
    }

    fn range(&self, span: Span) -> Range<usize> {
        let (start, end) = (span.start(), span.end());
        self.offset((start.line, start.column + 1))..self.offset((end.line, end.column + 1))
    }

    fn put(&mut self, at: usize, genre: &'static str, whole: Range<usize>, node: Node) {
        self.found.insert((at, genre), (whole, node));
    }

    fn body(&mut self, block: &syn::Block) {
        if let (Some(first), Some(last)) = (block.stmts.first(), block.stmts.last()) {
            let whole = self.range(first.span()).start..self.range(last.span()).end;
            self.put(whole.start, "FnValue", whole, Node::Body);
        }
    }
}

impl Nodes {
    /// An arm that a `match` cannot do without stands for nothing: it may go where it has a guard or another arm takes all.
    fn arm(&mut self, arm: &syn::Arm, open: bool) {
        let guard = arm.guard.as_ref().map(|(_, guard)| guard.as_ref());
        if guard.is_some_and(has_let) {
            return;
        }
        let (pattern, guard) = (self.range(arm.pat.span()), guard.map(|guard| self.range(guard.span())));
        let end = guard.as_ref().map_or(pattern.end, |guard| guard.end);
        let whole = pattern.start..end;
        if let Some(guard) = guard.clone() {
            self.put(guard.start, "MatchArmGuard", guard, Node::Guard);
        }
        if guard.is_some() || open && !is_open(&arm.pat) {
            self.put(whole.start, "MatchArm", whole, Node::Arm { pattern, guard });
        }
    }
}

impl<'ast> Visit<'ast> for Nodes {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.body(&item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.body(&item.block);
        visit::visit_impl_item_fn(self, item);
    }

    // The compiler computes these: nothing can be switched in them.
    fn visit_item_const(&mut self, _: &'ast syn::ItemConst) {}
    fn visit_item_static(&mut self, _: &'ast syn::ItemStatic) {}
    fn visit_impl_item_const(&mut self, _: &'ast syn::ImplItemConst) {}
    fn visit_type_array(&mut self, _: &'ast syn::TypeArray) {}

    fn visit_expr_binary(&mut self, binary: &'ast syn::ExprBinary) {
        let operator = self.range(binary.op.span());
        // A `let` in a chain cannot stand in parentheses.
        if !has_let(&binary.left) && !has_let(&binary.right) {
            let whole = self.range(binary.span());
            self.put(operator.start, "BinaryOperator", whole, Node::Binary { operator });
        }
        visit::visit_expr_binary(self, binary);
    }

    fn visit_expr_unary(&mut self, unary: &'ast syn::ExprUnary) {
        let (whole, operand) = (self.range(unary.span()), self.range(unary.expr.span()));
        self.put(whole.start, "UnaryOperator", whole, Node::Unary { operand });
        visit::visit_expr_unary(self, unary);
    }

    fn visit_expr_match(&mut self, expression: &'ast syn::ExprMatch) {
        let open = expression.arms.iter().any(|arm| arm.guard.is_none() && is_open(&arm.pat));
        for arm in &expression.arms {
            self.arm(arm, open);
        }
        visit::visit_expr_match(self, expression);
    }

    fn visit_expr_struct(&mut self, expression: &'ast syn::ExprStruct) {
        if let Some(base) = expression.rest.as_deref() {
            let base = self.range(base.span());
            for field in &expression.fields {
                let (whole, value) = (self.range(field.span()), self.range(field.expr.span()));
                let syn::Member::Named(name) = &field.member else { continue };
                let node = Node::Field { name: name.to_string(), value, base: base.clone() };
                self.put(whole.start, "StructField", whole, node);
            }
        }
        visit::visit_expr_struct(self, expression);
    }
}

/// Whether a pattern takes everything.
fn is_open(pattern: &syn::Pat) -> bool {
    match pattern {
        syn::Pat::Wild(_) => true,
        syn::Pat::Ident(name) => {
            let first = name.ident.to_string().chars().next();
            name.subpat.is_none() && first.is_some_and(|first| first.is_lowercase() || first == '_')
        }
        _ => false,
    }
}

/// Whether `let` stands in a chain of conditions, outside of blocks.
fn has_let(expression: &syn::Expr) -> bool {
    match expression {
        syn::Expr::Let(_) => true,
        syn::Expr::Binary(binary) => has_let(&binary.left) || has_let(&binary.right),
        _ => false,
    }
}
