//! The parameters of the histories: those of a starting network, with a bridge, and with windows in which a history of a
//! few thousand actions gets something done. Every value is within the bounds of its parameter.

use openledger_types::Parameters;

use super::super::*;

pub(super) fn lively(parameters: &mut Parameters) {
    parameters.bridge = Some(account(CURATOR));
    // Some four actions happen in an epoch, and few of them are about one audit or one contribution.
    let audits = &mut parameters.audits;
    (audits.draw_epochs, audits.open_epochs, audits.seed_epochs) = (6, 8, 8);
    (audits.commit_epochs, audits.reveal_epochs) = (8, 8);
    parameters.provider_escrow.cliff_epochs = 15;
    // With the starting penalty of 50 jobs a gateway of these few would be out of business after twenty mistakes.
    audits.job_slash = 10;
    let datanets = &mut parameters.datanets;
    (datanets.reveal_epochs, datanets.appeal_epochs, datanets.vote_epochs) = (6, 8, 8);
    (datanets.label_epochs, datanets.gold_epochs) = (6, 6);
    (parameters.accounts.challenge_epochs, parameters.accounts.committee_epochs) = (40, 100);
    let maturity = &mut parameters.maturity;
    (maturity.evaluations_min, maturity.evaluators_per_round, maturity.window_epochs) = (6, 32, 8);
}
