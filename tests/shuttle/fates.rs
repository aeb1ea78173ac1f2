//! What became of each job: how often it was run, dropped, and heard of.
//!
//! The counts are the processor's atomics: they are no part of the model.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use punctual::pool::Outcome;

/// One job's fate.
#[derive(Debug, Default)]
pub(crate) struct Fate {
    begun: AtomicU32,
    finished: AtomicU32,
    panicked: AtomicU32,
    dropped: AtomicU32,
    heard: AtomicU32,
}

/// Part of a job: it is dropped with it.
pub(crate) struct Body(Arc<Fate>);

/// All jobs of one model.
#[derive(Clone, Default)]
pub(crate) struct Fates(Arc<std::sync::Mutex<Vec<Arc<Fate>>>>);

impl Fates {
    /// A new job: its fate, and what it takes with it.
    pub(crate) fn job(&self) -> (Arc<Fate>, Body) {
        let fate = Arc::<Fate>::default();
        self.0.lock().expect("nobody panics with it").push(Arc::clone(&fate));
        (Arc::clone(&fate), Body(fate))
    }

    /// Waits until all jobs have gone: how many have finished, and how many have panicked. A pool
    /// that has ended may still have the timer's thread tell somebody of a job that was shed.
    pub(crate) fn settle(&self) -> (u64, u64) {
        let fates = self.0.lock().expect("nobody panics with it").clone();
        while fates.iter().any(|fate| read(&fate.dropped) == 0) {
            shuttle::thread::yield_now();
        }
        for fate in &fates {
            assert_eq!(read(&fate.dropped), 1, "dropped once: {fate:?}");
            assert!(read(&fate.begun) <= 1, "run once: {fate:?}");
            assert!(read(&fate.heard) <= 1, "heard of once: {fate:?}");
            assert!(read(&fate.finished) + read(&fate.panicked) <= read(&fate.begun), "{fate:?}");
        }
        let sum = |count: fn(&Fate) -> &AtomicU32| {
            fates.iter().map(|fate| u64::from(read(count(fate)))).sum()
        };
        (sum(|fate| &fate.finished), sum(|fate| &fate.panicked))
    }
}

impl Fate {
    /// A ticket says what became of the job.
    pub(crate) fn hear<W>(&self, outcome: &Outcome<(), W>) {
        count(&self.heard);
        let counts = [&self.begun, &self.finished, &self.panicked].map(read);
        match outcome {
            Outcome::Done(()) => assert_eq!(counts, [1, 1, 0], "done"),
            Outcome::Failed(_) => assert_eq!(counts, [1, 0, 1], "failed"),
            Outcome::Shed(..) => assert_eq!(counts, [0, 0, 0], "shed"),
            Outcome::Cancelled => assert_eq!(counts[1..], [0, 0], "cancelled"),
        }
    }
}

impl Body {
    pub(crate) fn begin(&self) {
        count(&self.0.begun);
    }

    pub(crate) fn finish(self) {
        count(&self.0.finished);
    }

    /// Panics without a word: a panic's message is the sign of a model that has failed.
    pub(crate) fn panic(self) -> ! {
        count(&self.0.panicked);
        std::panic::resume_unwind(Box::new("as planned"))
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        count(&self.0.dropped);
    }
}

fn count(counter: &AtomicU32) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn read(counter: &AtomicU32) -> u32 {
    counter.load(Ordering::Relaxed)
}
