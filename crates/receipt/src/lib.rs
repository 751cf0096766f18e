//! Build, sign, batch and verify the proof of one completion.
