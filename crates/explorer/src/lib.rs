//! Server-rendered pages over query.
