//! The same polity under the step `governance`: who registers, how a theft is voted on, and how one leaves.

use openledger_ledger::{GovernanceKey, GovernanceStateRecord, StateKey, StateRecord};
use openledger_types::governance::{Change, Metric, ProposalRecord, Scope, Stage, Target};
use openledger_types::{Action, Amount, Domain, GovernanceAction, Hash, Rejection};

use super::polity::{Polity, TREASURY_WHOLE, Theft};
use crate::SimError;
use crate::metrics::ratio;
use crate::world::Actor;

/// Epochs in which conviction grows before the first theft: it is above nine tenths then.
const SETTLED_EPOCHS: u64 = 30;
const LEAVERS: usize = 10;

fn ask(action: GovernanceAction) -> Action {
    Action::Governance(action)
}

impl Polity {
    /// Everybody locks its OPEN and enrols its work.
    pub(super) fn register(&mut self) -> Result<(), SimError> {
        let scope = Scope::Protocol;
        for voter in self.straws.iter().chain(&self.holders) {
            let amount = self.world.account(voter.account()).open;
            self.world.apply(voter, ask(GovernanceAction::Lock { scope: scope.clone(), amount }))?;
        }
        for raider in &self.raiders {
            let lock = GovernanceAction::Lock { scope: scope.clone(), amount: Amount(1_000_000) };
            self.world.apply(raider, ask(lock))?;
        }
        for voter in self.contributors.iter().chain(&self.moles) {
            let domains = vec![Domain::Serving];
            self.world.apply(voter, ask(GovernanceAction::Enrol { scope: scope.clone(), domains }))?;
        }
        self.world.pass(SETTLED_EPOCHS)
    }

    /// Proposes, votes, counts, waits and executes; returns how many were executed.
    pub(super) fn decide(&mut self, thefts: &[Theft]) -> Result<u64, SimError> {
        let mut proposals = Vec::new();
        for theft in thefts {
            let amount = Amount(TREASURY_WHOLE * 1_000_000).basis_points(theft.strategy.part);
            let raider = self.raiders[theft.raider].clone();
            let grant = Change::Grant { to: raider.account(), amount };
            if let Some(number) = self.propose(&raider, grant)? {
                proposals.push((number, theft));
            }
        }
        let voting = self.world.parameters().governance.money_epochs;
        for late in [false, true] {
            for (number, theft) in proposals.iter().filter(|(_, theft)| theft.strategy.late == late) {
                self.vote(*number, theft)?;
            }
            self.world.pass(if late { 1 } else { voting - 1 })?;
        }
        let mut executed = 0;
        for (number, _) in &proposals {
            let close = GovernanceAction::CloseVote { scope: Scope::Protocol, proposal: *number };
            self.world.apply(&self.treasury, ask(close))?;
        }
        for (number, _) in &proposals {
            self.object(*number)?;
        }
        loop {
            let waiting = proposals.iter().filter_map(|(number, _)| match self.proposal(*number) {
                Ok(ProposalRecord { stage: Stage::Approved { executes_in_epoch, .. }, .. }) => {
                    Some((executes_in_epoch, *number))
                }
                _ => None,
            });
            let Some((epoch, number)) = waiting.min() else { return Ok(executed) };
            self.world.pass(epoch.saturating_sub(self.world.epoch()))?;
            let execute = GovernanceAction::Execute { scope: Scope::Protocol, proposal: number };
            match self.world.apply(&self.treasury, ask(execute)) {
                Ok(_) => executed += 1,
                // What all grants of a window may take is gone; the others are not tried again.
                Err(SimError::Rejected { .. }) => return Ok(executed),
                Err(error) => return Err(error),
            }
        }
    }

    /// The number of a proposal, if the ledger takes it.
    fn propose(&mut self, raider: &Actor, change: Change) -> Result<Option<u64>, SimError> {
        let target = Target { metric: Metric::Bonded, at_least: true, value: 0, review_after_epochs: 30 };
        let propose = GovernanceAction::Propose {
            scope: Scope::Protocol,
            title: "Growth".to_owned(),
            document: Hash([7; 32]),
            changes: vec![change],
            target: Some(target),
        };
        match self.world.apply(raider, ask(propose)) {
            Ok(_) => {}
            Err(SimError::Rejected { .. }) => return Ok(None),
            Err(error) => return Err(error),
        }
        match self.world.record(&StateKey::Governance(GovernanceKey::Scope(Scope::Protocol))) {
            Some(StateRecord::Governance(GovernanceStateRecord::Scope(scope))) => Ok(Some(scope.proposals)),
            _ => Err(SimError::RecordMissing { what: "proposals of the network".to_owned() }),
        }
    }

    fn proposal(&self, number: u64) -> Result<ProposalRecord, SimError> {
        let key = StateKey::Governance(GovernanceKey::Proposal(Scope::Protocol, number));
        match self.world.record(&key) {
            Some(StateRecord::Governance(GovernanceStateRecord::Proposal(record))) => Ok(*record),
            _ => Err(SimError::RecordMissing { what: format!("proposal {number}") }),
        }
    }

    fn cast(&mut self, voter: &Actor, proposal: u64, support: bool) -> Result<(), SimError> {
        let vote = GovernanceAction::Vote { scope: Scope::Protocol, proposal, support };
        match self.world.apply(voter, ask(vote)) {
            // Work that was done long ago counts for nothing any more, on both sides.
            Ok(_) | Err(SimError::Rejected { rejection: Rejection::Weightless, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Raiders for it, whoever else comes mostly against it.
    fn vote(&mut self, number: u64, theft: &Theft) -> Result<(), SimError> {
        for voter in [self.straws.clone(), self.moles.clone()].concat() {
            self.cast(&voter, number, true)?;
        }
        for voter in self.holders.clone() {
            if self.turns_out(theft.strategy) {
                self.cast(&voter, number, false)?;
            }
        }
        for voter in self.contributors.clone() {
            if self.random.happens(3, 10) {
                let fooled = self.random.happens(3, 100);
                self.cast(&voter, number, fooled)?;
            }
        }
        Ok(())
    }

    /// What was approved is objected to by half of the holders and contributors: it waits longer.
    fn object(&mut self, number: u64) -> Result<(), SimError> {
        if !matches!(self.proposal(number)?.stage, Stage::Approved { .. }) {
            return Ok(());
        }
        for voter in [self.holders.clone(), self.contributors.clone()].concat() {
            if self.random.happens(1, 2) {
                self.cast(&voter, number, false)?;
            }
        }
        Ok(())
    }

    /// Both houses approve a constitutional change, and the ten largest holders leave before it is executed. Returns what
    /// part of their locks they lose.
    pub(super) fn leave(&mut self) -> Result<f64, SimError> {
        let proposer = self.raiders[0].clone();
        let value = self.world.parameters().governance.grant_max.0 / 2;
        let change = Change::Parameter { name: "governance.grant_max".to_owned(), value: u64::from(value) };
        let number = self.propose(&proposer, change)?;
        let number =
            number.ok_or(SimError::RecordMissing { what: "a constitutional proposal".to_owned() })?;
        for voter in [self.straws.clone(), self.holders.clone(), self.contributors.clone()].concat() {
            self.cast(&voter, number, true)?;
        }
        self.world.pass(self.world.parameters().governance.constitution_epochs)?;
        let scope = Scope::Protocol;
        let close = GovernanceAction::CloseVote { scope: scope.clone(), proposal: number };
        self.world.apply(&self.treasury, ask(close))?;
        let (mut owed, mut got) = (0u64, 0u64);
        for leaver in self.holders.iter().take(LEAVERS).cloned().collect::<Vec<Actor>>() {
            let before = self.world.account(leaver.account()).open.0;
            owed += self.locked(&leaver);
            let (scopes, tranches, unbonding) = (Vec::new(), Vec::new(), Vec::new());
            let (scope, proposal) = (scope.clone(), number);
            let leave = GovernanceAction::Leave { scope, proposal, scopes, tranches, unbonding };
            self.world.apply(&leaver, ask(leave))?;
            got += self.world.account(leaver.account()).open.0 - before;
        }
        self.world.end_epoch()?;
        Ok(1.0 - ratio(got as f64, owed as f64))
    }

    fn locked(&self, voter: &Actor) -> u64 {
        let key = StateKey::Governance(GovernanceKey::Lock(Scope::Protocol, voter.account()));
        match self.world.record(&key) {
            Some(StateRecord::Governance(GovernanceStateRecord::Lock(lock))) => {
                lock.weights.last().map_or(0, |weight| weight.full)
            }
            _ => 0,
        }
    }
}
