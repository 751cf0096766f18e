//! Output and index to integer shares.
