//! Those who wait, and what they are told.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::Arc;

use punctual::cache::{Answer, LoadError, Wait, WaitError, WaitMany};

use super::CacheModel;
use super::ops::Patience;
use super::oracle::{Expected, Fault, Span};
use super::world::Flag;

/// So many wait at most: the cache ends some at each look.
const MOST: usize = 40;

pub(super) type Outcome = Result<Answer<u32>, WaitError>;

/// Somebody who waits, for one answer or for many.
pub(super) struct Waiter {
    waits: Waits,
    flag: Arc<Flag>,
    is_polled: bool,
}

enum Waits {
    One(Wait<u32>, usize),
    /// What each must be told, or by which number it is known.
    Many(WaitMany<u32>, Vec<Result<usize, Expected>>),
}

fn is_fault(error: &LoadError, fault: Fault) -> bool {
    match (error, fault) {
        (LoadError::Failed(error), Fault::Failed(version)) => {
            error.to_string() == format!("error {version}")
        }
        (LoadError::Failed(error), Fault::Nothing) => error.to_string().contains("'unchanged'"),
        (LoadError::Panicked(_), Fault::Panicked)
        | (LoadError::Overdue, Fault::Overdue)
        | (LoadError::Dropped, Fault::Dropped) => true,
        _ => false,
    }
}

/// Whether somebody was told what had to be.
fn is_expected(outcome: &Outcome, expected: Expected) -> bool {
    match (outcome, expected) {
        (Ok(answer), Expected::Answer(expected)) => *answer == expected,
        (Ok(answer), Expected::Value(value)) => answer.value() == Some(value),
        (Err(WaitError::Failed(error)), Expected::Failed(fault)) => is_fault(error, fault),
        (Err(WaitError::BackedOff { error, until }), Expected::BackedOff(fault, span)) => {
            fault.is_none_or(|fault| is_fault(error, fault)) && span.has(until.as_nanos())
        }
        (Err(WaitError::Elapsed), Expected::Elapsed)
        | (Err(WaitError::Full), Expected::Full)
        | (Err(WaitError::Closed), Expected::Closed) => true,
        _ => false,
    }
}

#[track_caller]
fn assert_expected(outcome: &Outcome, expected: Expected) {
    assert!(is_expected(outcome, expected), "{outcome:?}, not {expected:?}");
}

impl CacheModel {
    /// What is there must be there at once; else somebody waits.
    pub(super) fn answered_or_waits(
        &mut self,
        key: u8,
        answer: Answer<u32>,
        patience: Patience,
        wait: Wait<u32>,
    ) {
        if answer.is_missing() {
            return self.wait_for(key, self.deadline(patience), wait);
        }
        let outcome = wait.try_take().expect("what is there needs no wait");
        assert_expected(&outcome, Expected::Answer(answer));
        assert!(self.world.is_silent(), "a hit did more than answer");
    }

    /// Somebody waits for a load of the key.
    pub(super) fn wait_for(&mut self, key: u8, deadline: Option<u64>, wait: Wait<u32>) {
        let taken = wait.try_take();
        if self.oracle.is_unsure(key) {
            if let Ok(Err(WaitError::BackedOff { until, .. })) = &taken {
                let entry = self.oracle.entry(key);
                let Span(_, last) = entry.back_off.expect("it was unsure").until;
                assert!(until.as_nanos() > self.oracle.now && until.as_nanos() <= last);
                self.oracle.learn_back_off(key, until.as_nanos());
                return self.oracle.pump();
            }
            self.oracle.drop_back_off(key);
        }
        let refused = match self.oracle.demand(key, Some(deadline.unwrap_or(u64::MAX))) {
            Ok(flight) => self.oracle.wait(flight, deadline).ok_or(Expected::Elapsed),
            Err(refused) => Err(refused),
        };
        self.oracle.pump();
        match (taken, refused) {
            (Err(wait), Ok(number)) => self.add(Waits::One(wait, number)),
            (Ok(outcome), Err(refused)) => {
                assert_expected(&outcome, refused);
                if let Err(WaitError::BackedOff { until, .. }) = outcome {
                    self.oracle.learn_back_off(key, until.as_nanos());
                }
            }
            // A load that its dispatcher refused is over at once.
            (Ok(outcome), Ok(number)) => self.late.push((outcome, number)),
            (Err(_), Err(refused)) => panic!("{refused:?} is not told at once"),
        }
    }

    pub(super) fn wait_for_many(
        &mut self,
        expected: Vec<Result<usize, Expected>>,
        waits: WaitMany<u32>,
    ) {
        self.add(Waits::Many(waits, expected));
    }

    fn add(&mut self, waits: Waits) {
        if self.waiters.len() >= MOST {
            let oldest = self.waiters.remove(0);
            self.leave(oldest);
        }
        self.waiters.push(Waiter { waits, flag: Arc::default(), is_polled: false });
    }

    fn leave(&mut self, waiter: Waiter) {
        match &waiter.waits {
            Waits::One(_, number) => self.oracle.leave_waiter(*number),
            Waits::Many(_, all) => {
                for &number in all.iter().flatten() {
                    self.oracle.leave_waiter(number);
                }
            }
        }
        drop(waiter);
    }

    fn take_waiter(&mut self, pick: u32) -> Option<Waiter> {
        let newest = self.waiters.len().checked_sub(1)?;
        Some(self.waiters.remove(newest - pick as usize % self.waiters.len()))
    }

    /// What a waiter must be told by now: all of it, or nothing.
    fn expected(&self, waiter: &Waiter) -> Option<Vec<Expected>> {
        match &waiter.waits {
            Waits::One(_, number) => self.oracle.expected(*number).map(|it| vec![it]),
            Waits::Many(_, all) => {
                let each = |it: &Result<usize, Expected>| match it {
                    Ok(number) => self.oracle.expected(*number),
                    Err(expected) => Some(*expected),
                };
                all.iter().map(each).collect()
            }
        }
    }

    pub(super) fn poll_wait(&mut self, pick: u32) {
        let Some(mut waiter) = self.take_waiter(pick) else { return };
        waiter.flag.lower();
        waiter.is_polled = true;
        let waker = waiter.flag.clone().into();
        let mut context = Context::from_waker(&waker);
        let polled = match &mut waiter.waits {
            Waits::One(wait, _) => Pin::new(wait).poll(&mut context).map(|outcome| vec![outcome]),
            Waits::Many(waits, _) => Pin::new(waits).poll(&mut context),
        };
        match (polled, self.expected(&waiter)) {
            (Poll::Ready(outcomes), Some(expected)) => {
                assert_eq!(outcomes.len(), expected.len());
                outcomes.iter().zip(expected).for_each(|(one, it)| assert_expected(one, it));
                self.leave(waiter);
            }
            (Poll::Pending, None) => self.waiters.push(waiter),
            (polled, expected) => panic!("{polled:?}, not {expected:?}"),
        }
    }

    pub(super) fn try_wait(&mut self, pick: u32) {
        let Some(waiter) = self.take_waiter(pick) else { return };
        let expected = self.expected(&waiter);
        let Waiter { waits: Waits::One(wait, number), flag, is_polled } = waiter else {
            return self.waiters.push(waiter);
        };
        match (wait.try_take(), expected) {
            (Ok(outcome), Some(expected)) => {
                assert_expected(&outcome, expected[0]);
                self.oracle.leave_waiter(number);
            }
            (Err(wait), None) => {
                let waits = Waits::One(wait, number);
                self.waiters.push(Waiter { waits, flag, is_polled });
            }
            (taken, expected) => panic!("{taken:?}, not {expected:?}"),
        }
    }

    pub(super) fn drop_wait(&mut self, pick: u32) {
        if let Some(waiter) = self.take_waiter(pick) {
            self.leave(waiter);
        }
    }

    /// A thread can wait for what is known: it is told at once.
    pub(super) fn end_wait(&mut self, waiter: Waiter) {
        let expected = self.expected(&waiter).expect("the cache is gone");
        let outcomes = match waiter.waits {
            Waits::One(wait, _) => vec![wait.wait()],
            Waits::Many(waits, _) => waits.wait(),
        };
        outcomes.iter().zip(expected).for_each(|(one, it)| assert_expected(one, it));
    }

    /// What was known at once is compared once the loads that started are looked at.
    pub(super) fn settle_waits(&mut self) {
        for (outcome, number) in core::mem::take(&mut self.late) {
            let expected = self.oracle.expected(number).expect("it is not known yet");
            assert_expected(&outcome, expected);
            self.oracle.leave_waiter(number);
        }
    }

    /// Whoever is to be told something was woken.
    pub(super) fn check_waits(&self) {
        for waiter in self.waiters.iter().filter(|waiter| waiter.is_polled) {
            if let Some(expected) = self.expected(waiter) {
                assert!(waiter.flag.is_up(), "nobody was woken for {expected:?}");
            }
        }
    }
}
