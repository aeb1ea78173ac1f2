//! What one trial shows, of the requests that came after the warm-up.

use std::ops::Range;
use std::time::Duration;

use punctual::time::Time;

use super::BUDGET;
use super::client::Report;
use super::server::Book;
use crate::overload::arrivals::Arrivals;
use crate::quantiles::quantiles;

/// Clients that send later than this with one request in a hundred were held up by others.
pub(super) const MOST_LAG_MS: f64 = 5.0;

/// Where the capacity changed by more than this share during a trial, others used the machine.
pub(super) const MOST_DRIFT: f64 = 0.05;

/// Where it was so far from what the load was drawn for, the load was another.
pub(super) const MOST_OFFSET: f64 = 0.15;

/// What came, when it is counted, and what both sides saw of it.
pub(super) struct Trial {
    pub(super) arrivals: Arrivals,
    pub(super) counted: Range<Time>,
    pub(super) report: Report,
    pub(super) book: Book,
}

/// Answers a second, without a layer: when the load was drawn, before the trial, and after it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Capacity {
    pub(super) drawn: f64,
    pub(super) before: f64,
    pub(super) after: f64,
}

impl Capacity {
    fn mean(self) -> f64 {
        self.before.midpoint(self.after)
    }

    /// By which share it changed during the trial.
    pub(super) fn drift(self) -> f64 {
        (self.after / self.before - 1.0).abs()
    }

    /// How far it was from the one that the load was drawn for, as a share of that.
    fn offset(self) -> f64 {
        (self.mean() / self.drawn - 1.0).abs()
    }
}

/// The figures of one contender under one load. Shares are of all requests that came, unless
/// something else is said.
#[derive(Clone, Debug)]
pub(super) struct Figures {
    pub(super) capacity: Capacity,
    /// Answers in time, as a share of what the server can answer without a layer and without
    /// overload.
    pub(super) goodput: f64,
    pub(super) on_time: f64,
    /// Answers that came too late, as a share of all answers: as clients and server saw it.
    pub(super) late: Option<f64>,
    pub(super) late_at_server: Option<f64>,
    /// 503: told that there is too much to do.
    pub(super) refused: f64,
    /// 504: given up.
    pub(super) given_up: f64,
    /// There was no connection to ask on: those that there are waited for the server.
    pub(super) unsent: f64,
    /// From the scheduled arrival to the answer, in ms: median and 99 of 100, and at the server.
    pub(super) answer_ms: Option<[f64; 2]>,
    pub(super) answer_at_server_ms: Option<[f64; 2]>,
    /// From the scheduled arrival to the 'no'.
    pub(super) no_ms: Option<[f64; 2]>,
    /// How late clients sent: 99 of 100.
    pub(super) lag_ms: f64,
    /// CPU time in microseconds a request, of the clients and of the server's own thread.
    pub(super) client_us: f64,
    pub(super) server_us: f64,
}

impl Figures {
    /// Adds a trial up.
    ///
    /// # Errors
    ///
    /// If the books don't balance: an outcome is missing or nobody knows what it means.
    pub(super) fn new(trial: &Trial, capacity: Capacity) -> Result<Self, String> {
        let Trial { arrivals, counted, report, book } = trial;
        let served = &book.served;
        if report.heard.len() + report.unsent.len() != arrivals.len() {
            return Err("a request has no outcome".to_owned());
        }
        let (mut on_time, mut in_time, mut refused, mut given_up) = (0, 0, 0, 0);
        let (mut answers_ms, mut noes_ms, mut lags_ms) = (Vec::new(), Vec::new(), Vec::new());
        for heard in &report.heard {
            let at = arrivals.at(heard.id);
            let took = heard.ended.saturating_since(at);
            let is_answer = heard.status == 200;
            in_time += u32::from(is_answer && took <= BUDGET && counted.contains(&heard.ended));
            if !counted.contains(&at) {
                continue;
            }
            lags_ms.push(ms(heard.sent.saturating_since(at)));
            match heard.status {
                200 => answers_ms.push(ms(took)),
                503 | 504 => noes_ms.push(ms(took)),
                other => return Err(format!("nobody answers {other}")),
            }
            match heard.status {
                503 => refused += 1,
                504 => given_up += 1,
                _ => on_time += u32::from(took <= BUDGET),
            }
        }
        let unsent = report.unsent.iter().filter(|&&id| counted.contains(&arrivals.at(id))).count();
        let came = (lags_ms.len() + unsent) as f64;
        let counted_s = counted.end.saturating_since(counted.start).as_secs_f64();
        let answers = answers_ms.len() as f64;
        let late_at_server = served.iter().filter(|it| it.took > it.budget).count() as f64;
        let each_us = |cpu: Duration| 1e6 * cpu.as_secs_f64() / arrivals.len() as f64;
        let [lag_ms] = quantiles(lags_ms, [0.99]).ok_or("nothing came")?;
        let at_server_ms = served.iter().map(|it| ms(it.took));
        Ok(Self {
            goodput: f64::from(in_time) / counted_s / capacity.mean(),
            capacity,
            on_time: f64::from(on_time) / came,
            late: (answers > 0.0).then(|| 1.0 - f64::from(on_time) / answers),
            late_at_server: (!served.is_empty()).then(|| late_at_server / served.len() as f64),
            refused: f64::from(refused) / came,
            given_up: f64::from(given_up) / came,
            unsent: unsent as f64 / came,
            answer_ms: quantiles(answers_ms, [0.5, 0.99]),
            answer_at_server_ms: quantiles(at_server_ms, [0.5, 0.99]),
            no_ms: quantiles(noes_ms, [0.5, 0.99]),
            lag_ms,
            client_us: each_us(report.cpu),
            server_us: each_us(book.cpu),
        })
    }

    /// Whether others used the machine so much that the trial doesn't count.
    pub(super) fn is_disturbed(&self) -> bool {
        self.lag_ms > MOST_LAG_MS
            || self.capacity.drift() > MOST_DRIFT
            || self.capacity.offset() > MOST_OFFSET
    }
}

fn ms(duration: Duration) -> f64 {
    1e3 * duration.as_secs_f64()
}
