//! Contributions to sealed snapshots.
