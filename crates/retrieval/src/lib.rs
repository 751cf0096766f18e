//! Passages over sealed snapshots.
