//! I24: a pause moves nothing, and stops no exit.

use openledger_types::advances::AdvanceAction;
use openledger_types::agents::AgentAction;
use openledger_types::governance::{CouncilRecord, Pausable, PauseRecord, PausedStep};
use openledger_types::{
    AccountAction, Action, DatanetAction, Event, FundsAction, GovernanceAction, GovernanceEvent,
    MarketAction, Rejection, codec,
};

use super::super::history::{Dice, History, Invariant, Row, Turn, share_of, step};
use super::super::*;
use crate::StateKey;
use crate::governance::GovernanceKey;

/// I24. An order of the council changes its own record, the pause and the nonce, and no other; it takes five members of a
/// council that has not paused yet, and no pause is longer than the rules allow. Beside the history, every third action is
/// also sent to the same network with every step paused: it is refused for that, and then it is not an exit, or it has the
/// same result, events and changes to the byte. So whatever a pause does not refuse pays the same money to the same people.
/// Not checked: whether there was a reason to pause.
#[derive(Default)]
struct Pauses {
    orders: u64,
    pauses: u64,
    stopped: u64,
}

impl Invariant for Pauses {
    fn after(&mut self, turn: &Turn<'_>) {
        self.stopped += u64::from(turn.result == Err(Rejection::StepPaused));
        let Action::Governance(GovernanceAction::OrderPause { duration_ms, .. }) = turn.action else {
            let pause = GovernanceKey::Pause.state();
            assert!(turn.changed.iter().all(|(key, ..)| *key != pause), "only the council pauses");
            return;
        };
        if turn.result.is_err() {
            return;
        }
        assert!(*duration_ms <= 259_200_000);
        let own = [
            StateKey::Account(account(turn.who)),
            GovernanceKey::Council.state(),
            GovernanceKey::Pause.state(),
        ];
        assert!(turn.changed.iter().all(|(key, ..)| own.contains(key)), "{:?}", turn.changed);
        assert!(turn.events.iter().all(|event| matches!(event, Event::Governance(_))));
        let began = |event: &Event| matches!(event, Event::Governance(GovernanceEvent::Paused { .. }));
        if turn.events.iter().any(began) {
            let council: CouncilRecord = turn.world.record(&GovernanceKey::Council.state()).unwrap();
            assert!(council.used && council.seats.iter().filter(|seat| seat.order.is_some()).count() >= 5);
            self.pauses += 1;
        }
        self.orders += 1;
    }

    fn end(&mut self, _: &World) {
        let Self { orders, pauses, stopped } = self;
        let counted = format!("{orders} orders, {pauses} pauses, {stopped} actions stopped");
        assert!(*orders >= share_of(50) && *pauses >= share_of(5) && *stopped >= share_of(5), "{counted}");
    }
}

/// Whoever wants out: takes back what is theirs, ends what they began, or objects.
fn is_exit(action: &Action) -> bool {
    match action {
        Action::ClaimTranches { .. }
        | Action::Withdraw { .. }
        | Action::CompleteWithdrawal { .. }
        | Action::CloseChannel { .. }
        | Action::Unbond { .. }
        | Action::ReleaseBond { .. }
        | Action::RevokeContribution { .. }
        | Action::Settlement(_)
        | Action::Transfer { .. } => true,
        Action::Governance(ask) => !matches!(ask, GovernanceAction::Execute { .. }),
        Action::Advances(ask) => matches!(ask, AdvanceAction::RedeemShares { .. }),
        Action::Agents(ask) => !matches!(ask, AgentAction::TopUpByMandate { .. }),
        Action::Markets(_) => matches!(
            action,
            Action::Markets(
                MarketAction::ClaimNotes { .. }
                    | MarketAction::CollectLease { .. }
                    | MarketAction::WithdrawLease { .. }
                    | MarketAction::ClearNotes { .. }
            )
        ),
        Action::Funds(ask) => {
            matches!(ask, FundsAction::LeaveMeasuring | FundsAction::ClaimInsurance { .. })
        }
        Action::Accounts(ask) => {
            matches!(ask, AccountAction::EndLink { .. } | AccountAction::RevokeSession { .. })
        }
        Action::Datanets(ask) => matches!(ask, DatanetAction::LeavePanel | DatanetAction::Withdraw { .. }),
        _ => false,
    }
}

/// Sends the action to the network as it is and to the same with everything paused.
fn compare(world: &World, who: u8, action: &Action) {
    let bytes = world.signed(who, action.clone());
    let mut free = world.clone();
    free.state.remove(&GovernanceKey::Pause.state().encode());
    let mut paused = world.clone();
    let from_ms = world.context.timestamp_ms;
    let now = |step| PausedStep { step, from_ms, until_ms: u64::MAX };
    let pause = PauseRecord { steps: Pausable::ALL.map(now).to_vec() };
    paused.state.insert(GovernanceKey::Pause.state().encode(), codec::encode(&pause));
    let (free, paused) = (free.outcome(&bytes), paused.outcome(&bytes));
    if paused.result == Err(Rejection::StepPaused) {
        assert!(!is_exit(action), "an exit is paused: {}", action.summary());
        assert!(paused.events.is_empty() && paused.changes.len() == 1, "the nonce alone changes");
    } else {
        let order = matches!(action, Action::Governance(GovernanceAction::OrderPause { .. }));
        assert!(order || free == paused, "{}", action.summary());
    }
}

/// Any step, as often as in a whole history.
fn anything(world: &World, dice: &mut Dice) -> (u8, Action) {
    let (who, action) = super::super::history::any(world, dice);
    if dice.chance(3) {
        compare(world, who, &action);
    }
    (who, action)
}

#[test]
pub(crate) fn i24_a_pause_moves_nothing_and_stops_no_exit() {
    let rows: [Row; 2] = [("anything", 1, anything), step("governance", 1)];
    History::focused(History::beginning(), 24, &rows, &mut [&mut Pauses::default()]);
}
