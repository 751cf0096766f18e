//! The pages, one module per part of the site, in the order of the navigation. Each turns views into a template's
//! fields; the templates hold the layout.

pub(crate) mod overview;

pub(crate) mod answers;

pub(crate) mod datanets;

pub(crate) mod market;

pub(crate) mod accounts;

pub(crate) mod chain;

pub(crate) mod search;

pub(crate) mod assets;
