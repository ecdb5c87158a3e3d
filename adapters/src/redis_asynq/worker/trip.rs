//! One round trip of a worker: fates out, tasks in.

use redis::{Cmd, Value};
use schedbench_contract::Report;
use tokio::time::Instant;

use super::super::connect::{self, Line};
use super::super::keys::Keys;
use super::super::scripts::{self, TASKS_PER_CALL};
use super::closing::{self, Closing};
use super::hands::Taken;
use super::leases::LEASE_S;
use super::{AFTER_REFUSAL, Worker, upkeep};
use crate::clock;

impl<R: Report> Worker<'_, R> {
    /// One round trip: tells Redis the fate of tasks and takes up to `ask` new
    /// ones, in that order. How many it took.
    pub(super) async fn trip(&mut self, line: Line, ask: usize) -> usize {
        let now_s = clock::wall() / 1_000_000_000;
        let lease_until_s = now_s + LEASE_S;
        let mut closings = std::mem::take(&mut self.closings);
        closings.retain(|closing| closing.lease_until_s > now_s);
        let calls = closing::calls(&self.keys, closings, now_s);
        let (mut commands, mut told): (Vec<Cmd>, Vec<Vec<Closing>>) =
            calls.into_iter().map(|call| (call.command, call.closings)).unzip();
        let mut left = ask;
        while left > 0 {
            let some = left.min(TASKS_PER_CALL);
            commands.push(dequeue(&self.keys, lease_until_s, some));
            left -= some;
        }
        let Ok(replies) = self.meanwhile(async move { line.send(commands).await }).await else {
            // What was dequeued and never arrived is the recoverer's. A fate
            // told twice changes nothing the second time.
            self.line = None;
            self.closings.extend(told.into_iter().flatten());
            return 0;
        };
        let mut tasks = Vec::with_capacity(ask);
        for (place, reply) in replies.into_iter().enumerate() {
            if connect::is_elsewhere(&reply) {
                self.line = None;
            }
            match reply {
                Value::ServerError(_) => {
                    self.quiet_until = Instant::now() + AFTER_REFUSAL;
                    if let Some(closings) = told.get_mut(place) {
                        self.closings.append(closings);
                    }
                }
                Value::Array(messages) if place >= told.len() => {
                    let messages = messages.iter().filter_map(upkeep::decode);
                    tasks.extend(messages.map(|message| Taken { message, lease_until_s }));
                }
                _ => {}
            }
        }
        let taken = tasks.len();
        self.begin(tasks);
        taken
    }
}

fn dequeue(keys: &Keys, lease_until_s: u64, most: usize) -> Cmd {
    let names = [&*keys.pending, &*keys.paused, &*keys.active, &*keys.lease];
    let mut call = scripts::call(&scripts::DEQUEUE, &names, 0);
    call.arg(&keys.task).arg(lease_until_s).arg(most);
    call
}
