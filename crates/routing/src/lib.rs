//! Request, offers, reputation and prices to a choice with reasons.
