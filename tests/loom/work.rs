//! Jobs come to a worker that works, rests, or is about to rest.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use loom::sync::Mutex;
use loom::thread;
use punctual::pool::{Handle, Outcome};
use punctual::scheduler::Job;

use super::{check, pool};

#[test]
fn a_worker_gets_one_job_after_another() {
    check(|| {
        let pool = pool();
        for number in 0..2 {
            let ticket = pool.submit(Job::new(move |_| number)).expect("there is room");
            assert_eq!(ticket.wait().done(), Some(number));
        }
    });
}

#[test]
fn two_submit_at_the_same_time() {
    check(|| {
        let pool = pool();
        let handle = Handle::clone(&pool);
        let other = thread::spawn(move || {
            let ticket = handle.submit(Job::new(|_| 1)).expect("there is room");
            ticket.wait().done()
        });
        let ticket = pool.submit(Job::new(|_| 2)).expect("there is room");
        assert_eq!(ticket.wait().done(), Some(2));
        assert_eq!(other.join().expect("it submits"), Some(1));
    });
}

#[test]
fn a_job_is_cancelled_or_run() {
    check(|| {
        let pool = pool();
        let ticket = pool.submit(Job::new(|_| 1)).expect("there is room");
        let is_cancelled = ticket.cancel();
        match ticket.wait() {
            Outcome::Done(1) => assert!(!is_cancelled),
            Outcome::Cancelled => assert!(is_cancelled),
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn a_future_is_woken_while_it_is_polled_or_waits() {
    check(|| {
        let pool = pool();
        let signal = Signal::default();
        let waiting = signal.clone();
        let ticket = pool.spawn(Job::new(move |_| waiting)).expect("there is room");
        let giver = thread::spawn(move || signal.give());
        assert!(matches!(ticket.wait(), Outcome::Done(())));
        giver.join().expect("it gives");
    });
}

/// Something that a future waits for, and that somebody gives once.
#[derive(Clone)]
struct Signal(Arc<Mutex<(bool, Option<Waker>)>>);

impl Default for Signal {
    fn default() -> Self {
        Self(Arc::new(Mutex::new((false, None))))
    }
}

impl Signal {
    fn give(&self) {
        let mut state = self.0.lock().expect("nobody panics with it");
        state.0 = true;
        let waker = state.1.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Future for Signal {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.lock().expect("nobody panics with it");
        if state.0 {
            return Poll::Ready(());
        }
        state.1 = Some(context.waker().clone());
        Poll::Pending
    }
}
