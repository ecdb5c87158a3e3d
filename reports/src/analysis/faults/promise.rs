//! What a profile promises, and what a loss under a fault means to it.

use schedbench_contract::{AckMode, ConfirmMode, DurabilityClass};

use super::deed::{Deed, Hurt, deeds};
use crate::outcome::Claims;

/// When a worker acknowledges a task, in words.
#[must_use]
pub const fn ack_in_words(ack: AckMode) -> &'static str {
    match ack {
        AckMode::Early => "acknowledged before the handler",
        AckMode::Late => "acknowledged after the handler",
        AckMode::Unlocked => "acknowledged after the handler, which others may run meanwhile",
        AckMode::None => "no broker",
        AckMode::Locked => "each instance has every task and locks it while it runs",
    }
}

/// Whether each task is vouched for, in words.
#[must_use]
pub const fn confirms_in_words(confirms: ConfirmMode) -> &'static str {
    match confirms {
        ConfirmMode::Confirmed => "confirmed",
        ConfirmMode::Unconfirmed => "unconfirmed",
    }
}

/// What a loss under a fault means to a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnLoss {
    /// It breaks the promise.
    Broken,
    /// The promise leaves room for it, and why.
    Allowed(&'static str),
    /// Nothing was confirmed: what is missing cannot be called lost.
    Unconfirmed,
}

/// What a profile promises under a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promise {
    /// `at least once: survives a process crash, acknowledged after the
    /// handler, confirmed`.
    pub text: String,
    /// What a loss means to it.
    pub on_loss: OnLoss,
    /// Whether it keeps an order.
    pub ordered: bool,
}

impl Promise {
    /// `rests`: whether no worker ran while it was done, as in a backlog.
    pub(super) fn of(claims: &Claims, fault: &str, rests: bool) -> Self {
        let times = match (claims.ack, claims.confirms) {
            (_, ConfirmMode::Unconfirmed) | (AckMode::None | AckMode::Locked, _) => "",
            (AckMode::Early, _) => "at most once: ",
            (AckMode::Late | AckMode::Unlocked, _) => "at least once: ",
        };
        let mut text = format!("{times}{}", claims.durability.describe());
        for words in [ack_in_words(claims.ack), confirms_in_words(claims.confirms)] {
            text.push_str(", ");
            text.push_str(words);
        }
        let ordered = !claims.order.trim().is_empty() && claims.order != "none";
        if ordered {
            text.push_str(", order ");
            text.push_str(&claims.order);
        }
        Self { text, on_loss: on_loss(claims, fault, rests), ordered }
    }
}

fn on_loss(claims: &Claims, fault: &str, rests: bool) -> OnLoss {
    if claims.confirms == ConfirmMode::Unconfirmed {
        return OnLoss::Unconfirmed;
    }
    let allows = deeds(fault).iter().find_map(|deed| room_for(claims, deed, rests));
    allows.map_or(OnLoss::Broken, OnLoss::Allowed)
}

/// Why a fault may cost tasks under these claims.
fn room_for(claims: &Claims, deed: &Deed<'_>, rests: bool) -> Option<&'static str> {
    // A delivery under way when its worker, link or broker fails is gone; of
    // tasks at rest none is under way.
    if claims.ack == AckMode::Early && deed.kind != "delay" && !rests {
        return Some("acknowledged before the handler");
    }
    // Who leads and says nothing is replaced like one that is dead.
    let is_replaced = deed.kind == "pause" && deed.on == "leader";
    if !deed.may_end() && !is_replaced {
        return None;
    }
    match (claims.durability, deed.hurt()) {
        (DurabilityClass::InProcess, _) => Some("tasks live in the process"),
        (DurabilityClass::BrokerMemory, Hurt::Broker) => Some("tasks live in the broker's memory"),
        (DurabilityClass::BoundedWindow, Hurt::Broker) => {
            Some("what was taken in the last moments may go")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(durability: DurabilityClass, ack: AckMode, confirms: ConfirmMode) -> Claims {
        Claims {
            durability,
            ack,
            confirms,
            delay: "native".into(),
            order: "none".into(),
            cancel: true,
            retries: "native".into(),
            not_comparable: None,
        }
    }

    #[test]
    fn a_loss_breaks_what_was_promised_and_nothing_else() {
        use AckMode::{Early, Late};
        use ConfirmMode::{Confirmed, Unconfirmed};
        use DurabilityClass::{BoundedWindow, BrokerMemory, InProcess, ProcessCrash, Replicated};

        let of = |class, ack, confirms, fault| on_loss(&claims(class, ack, confirms), fault, false);
        let allowed = |on| matches!(on, OnLoss::Allowed(_));
        let kill = "kill broker at 1 s for 1 s";
        assert_eq!(of(ProcessCrash, Late, Confirmed, kill), OnLoss::Broken);
        assert_eq!(of(ProcessCrash, Late, Unconfirmed, kill), OnLoss::Unconfirmed);
        assert!(allowed(of(ProcessCrash, Early, Confirmed, "kill worker:1 at 1 s for 1 s")));
        assert!(allowed(of(BrokerMemory, Late, Confirmed, kill)));
        assert!(allowed(of(BoundedWindow, Late, Confirmed, kill)));
        // A process that is asked to end takes its memory along as a killed one.
        let terminate = "terminate broker at 1 s for 1 s";
        assert!(allowed(of(BrokerMemory, Late, Confirmed, terminate)));
        assert!(allowed(of(BoundedWindow, Late, Confirmed, terminate)));
        assert_eq!(of(ProcessCrash, Late, Confirmed, terminate), OnLoss::Broken);
        let of_workers = "terminate worker:1 at 1 s for 1 s";
        assert!(allowed(of(InProcess, Late, Confirmed, of_workers)));
        assert!(allowed(of(ProcessCrash, Early, Confirmed, of_workers)));
        // A broker may end itself of a full disk, and of what a command does.
        for fault in ["disk-full broker at 1 s for 1 s", "command broker at 1 s for 1 s"] {
            assert!(allowed(of(BoundedWindow, Late, Confirmed, fault)), "{fault}");
            assert_eq!(of(ProcessCrash, Late, Confirmed, fault), OnLoss::Broken, "{fault}");
        }
        // A broker in memory that goes on running has no excuse.
        for fault in [
            "pause broker at 1 s for 1 s",
            "kill workers at 1 s for 1 s",
            "terminate workers at 1 s for 1 s",
            "reset links",
        ] {
            assert_eq!(of(BrokerMemory, Late, Confirmed, fault), OnLoss::Broken, "{fault}");
        }
        // Its followers elect another leader, who may lack the last moments.
        for fault in ["kill leader at 1 s for 1 s", "pause leader at 1 s for 1 s"] {
            assert!(allowed(of(BoundedWindow, Late, Confirmed, fault)), "{fault}");
            assert_eq!(of(Replicated, Late, Confirmed, fault), OnLoss::Broken, "{fault}");
        }
        assert_eq!(
            of(BoundedWindow, Late, Confirmed, "pause broker at 1 s for 1 s"),
            OnLoss::Broken
        );
        let at_rest = |class| on_loss(&claims(class, Early, Confirmed), kill, true);
        assert_eq!(at_rest(ProcessCrash), OnLoss::Broken, "nothing was under way");
        assert!(allowed(at_rest(BrokerMemory)));
        let both = "reset links at 1 s, kill broker at 9 s for 1 s";
        assert!(allowed(of(BrokerMemory, Late, Confirmed, both)));
    }

    #[test]
    fn a_promise_reads_as_the_list_says_it() {
        let mut claims =
            claims(DurabilityClass::ProcessCrash, AckMode::Late, ConfirmMode::Confirmed);
        claims.order = "of each key".into();
        let promise = Promise::of(&claims, "kill broker at 1 s for 1 s", false);
        assert_eq!(
            promise.text,
            "at least once: survives a process crash, acknowledged after the handler, confirmed, \
             order of each key"
        );
        assert!(promise.ordered);
    }
}
