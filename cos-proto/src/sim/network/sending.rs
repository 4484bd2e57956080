//! How a request leaves its client, and how a client leaves its requests.

use std::{collections::BTreeSet, time::Duration};

use super::{
    Line, Network,
    answering::broken,
    exchange::{Client, Copy, Exchange, Pending},
    fault::FaultKind,
    touched::{Touched, param},
};
use crate::{CallKind, Failure, FailureKind, Payload, RequestId, Transmit};

impl Network {
    /// A request leaves its client.
    pub fn send(&mut self, line: Line, transmit: Transmit) {
        let Transmit { id, call, .. } = transmit;
        let limits = transmit.time_limits(self.weather.idle_timeout);
        let touched = Touched::of(call, &transmit.request);
        let range = transmit.request.headers().get(http::header::RANGE);
        let from_start = range.is_none_or(|range| range.as_bytes().starts_with(b"bytes=0-"));
        if call == CallKind::GetObject && from_start {
            self.verifying.insert((line, touched.key.clone()));
        }
        self.sent += 1;
        self.counts.requests += 1;
        self.counts.retries += u64::from(transmit.attempt > 1);
        if self.created.contains(&(line, touched.key.clone())) {
            self.created_again.insert(touched.key.clone());
        }
        let target = transmit.request.uri().path_and_query().map_or("", |target| target.as_str());
        let name = (line, format!("{} {target}", transmit.request.method()));
        if transmit.attempt == 1 {
            *self.alike.entry(name).or_default() += 1;
        } else if let Some((attempt, until)) = self.asked_to_wait.remove(&name)
            && transmit.attempt == attempt + 1
            && self.now < until
            // Whose it was cannot be told where two look alike.
            && self.alike.get(&name) == Some(&1)
        {
            let text = format!("{} is sent at {:?}, before {until:?}", name.1, self.now);
            self.impatient.get_or_insert(text);
        }
        self.tell("sends", line, id, call, &touched.key, self.sent);
        let fate = self.weather.fate(call, &mut self.dice);
        if call == CallKind::AbortMultipartUpload && fate.is_some() {
            let upload = param(transmit.request.uri(), "uploadId").unwrap_or_default().to_owned();
            self.keep_from_abort(&touched.key, &upload);
        }
        let (head, payload) = transmit.request.into_parts();
        let exchange = Exchange {
            line,
            id,
            call,
            attempt: transmit.attempt,
            touched,
            reply: transmit.reply,
            limits,
            sent: self.now,
            head,
            body: Payload::from_chunks(payload.chunks().iter().cloned()),
            held: payload,
            fate,
            client: Client::Waits,
            doomed: false,
            opened: None,
            pending: 0,
        };
        self.exchanges.insert(self.sent, exchange);
        self.set_out(self.sent, fate, limits.head);
    }

    /// Decides when a request reaches the service.
    fn set_out(&mut self, exchange: u64, fate: Option<FaultKind>, give_up_after: Duration) {
        let mut after = self.latency();
        match fate {
            Some(FaultKind::Refuse) => {
                let failure = Failure::new(FailureKind::Connect, "connection refused");
                return self.fail(exchange, after, failure, fate);
            }
            Some(FaultKind::ResetBefore) => {
                return self.fail(exchange, after, broken("reset"), fate);
            }
            Some(FaultKind::LateRequest) => {
                // Counted when it comes late.
                if self.dice.happens(500) {
                    self.fail(exchange, after, broken("reset"), None);
                } else {
                    self.give_up(exchange, give_up_after, None);
                    after = give_up_after;
                }
                after += self.lateness();
            }
            Some(FaultKind::Delay) => after += self.stall(),
            _ => {}
        }
        if after > give_up_after && fate != Some(FaultKind::LateRequest) {
            self.give_up(exchange, give_up_after, None);
        }
        self.enqueue(after, Pending::Reach { exchange, copy: Copy::Original });
        if fate == Some(FaultKind::DuplicateRequest) {
            after += self.lateness();
            self.enqueue(after, Pending::Reach { exchange, copy: Copy::Duplicate });
        }
    }

    /// The client has dropped this line: nothing arrives there any more. What it waited for may
    /// still reach the service, or not.
    pub fn hang_up(&mut self, line: Line) {
        let mut recalled = BTreeSet::new();
        let of_line = self.exchanges.iter_mut().filter(|(_, exchange)| exchange.line == line);
        for (&number, exchange) in of_line {
            if exchange.client.is_there() && !exchange.doomed && self.dice.happens(500) {
                recalled.insert(number);
            }
            exchange.client = Client::HungUp;
            exchange.held = Payload::EMPTY;
        }
        let exchanges = &mut self.exchanges;
        self.queue.retain(|_, pending| {
            let number = pending.exchange();
            let Some(exchange) = exchanges.get_mut(&number) else { return false };
            let drop = match pending {
                Pending::Reach { .. } => recalled.contains(&number),
                Pending::Arrive { .. } => exchange.client == Client::HungUp,
            };
            exchange.pending -= u32::from(drop);
            !drop
        });
        exchanges.retain(|_, exchange| exchange.pending > 0);
        self.verifying.retain(|(of, _)| *of != line);
        self.reached.remove(&line);
        self.opened.remove(&line);
        self.one_of_two.remove(&line);
        self.tell("hangs up", line, RequestId::numbered(0), CallKind::HeadBucket, "", 0);
    }
}
