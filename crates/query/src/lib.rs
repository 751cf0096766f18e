//! Finalized events to read models.
