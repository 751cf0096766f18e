//! A provider: serves, countersigns.
