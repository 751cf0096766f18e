//! OpenAI-compatible HTTP, keys, budgets, receipts.
