//! The replicated state machine: one folder per step of the flow.
