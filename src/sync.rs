//! The only door to atomics, locks, queues and threads: those of parking_lot, crossbeam and std, or
//! those of a model checker (`--cfg punctual_loom`, `--cfg punctual_shuttle`).
//!
//! Clocks count with the processor's atomics under all of them: a reading has no order to check.

#[cfg(target_has_atomic = "64")]
pub(crate) use core::sync::atomic::{AtomicU64, Ordering};

#[cfg(feature = "timer")]
pub(crate) use threads::*;

#[cfg(all(feature = "timer", not(any(punctual_loom, punctual_shuttle))))]
mod threads {
    pub(crate) use core::sync::atomic::AtomicU64 as SharedU64;
    #[cfg(any(feature = "cache", feature = "pool"))]
    pub(crate) use core::sync::atomic::AtomicUsize;
    #[cfg(feature = "pool")]
    pub(crate) use core::sync::atomic::{AtomicBool, fence};
    pub(crate) use parking_lot::Mutex;
    #[cfg(any(feature = "cache", feature = "pool"))]
    pub(crate) use parking_lot::MutexGuard;
    pub(crate) use std::sync::Arc;
    #[cfg(feature = "cache")]
    pub(crate) use std::sync::OnceLock;
    #[cfg(any(feature = "cache", feature = "pool", feature = "tower"))]
    pub(crate) use std::sync::Weak;
    #[cfg(any(test, feature = "cache", feature = "pool"))]
    pub(crate) use std::thread::Thread;
    pub(crate) use std::thread::{JoinHandle, current, park, park_timeout};

    #[cfg(any(feature = "cache", feature = "pool"))]
    pub(crate) use crossbeam_queue::SegQueue;
    #[cfg(any(feature = "cache", feature = "pool"))]
    pub(crate) use crossbeam_utils::CachePadded;
    #[cfg(any(feature = "cache", feature = "pool"))]
    pub(crate) use std::thread_local;

    /// Starts a thread.
    #[expect(clippy::disallowed_methods, reason = "this is the place that starts threads")]
    pub(crate) fn spawn(
        name: String,
        run: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<JoinHandle<()>> {
        std::thread::Builder::new().name(name).spawn(run)
    }
}

#[cfg(all(feature = "timer", any(punctual_loom, punctual_shuttle)))]
mod threads {
    use std::collections::VecDeque;
    use std::sync::{PoisonError, TryLockError};
    use std::time::Duration;

    #[cfg(punctual_loom)]
    use loom as checker;
    #[cfg(punctual_shuttle)]
    use shuttle as checker;

    pub(crate) use checker::sync::MutexGuard;
    pub(crate) use checker::sync::atomic::{
        AtomicBool, AtomicU64 as SharedU64, AtomicUsize, fence,
    };
    #[cfg(punctual_shuttle)]
    pub(crate) use checker::thread::{JoinHandle, Thread, current, park};
    pub(crate) use checker::thread_local;
    pub(crate) use std::sync::{Arc, Weak};

    /// Nothing fires by itself in a model: a wake-up that only a time-out would bring is lost.
    pub(crate) fn park_timeout(_: Duration) {
        park();
    }

    #[cfg(punctual_loom)]
    pub(crate) use super::loom_threads::{JoinHandle, Thread, current, park, spawn};

    /// Starts a thread.
    #[cfg(punctual_shuttle)]
    pub(crate) fn spawn(
        name: String,
        run: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<JoinHandle<()>> {
        checker::thread::Builder::new().name(name).spawn(run)
    }

    /// A lock with the interface of parking_lot's.
    #[derive(Debug)]
    pub(crate) struct Mutex<T>(checker::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(checker::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }

        pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
            match self.0.try_lock() {
                Ok(guard) => Some(guard),
                Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => None,
            }
        }
    }

    /// A queue with the interface of crossbeam's, as one step of the model.
    #[derive(Debug)]
    pub(crate) struct SegQueue<T>(Mutex<VecDeque<T>>);

    impl<T> SegQueue<T> {
        pub(crate) fn new() -> Self {
            Self(Mutex::new(VecDeque::new()))
        }

        pub(crate) fn push(&self, item: T) {
            self.0.lock().push_back(item);
        }

        pub(crate) fn pop(&self) -> Option<T> {
            self.0.lock().pop_front()
        }

        pub(crate) fn is_empty(&self) -> bool {
            self.0.lock().is_empty()
        }

        pub(crate) fn len(&self) -> usize {
            self.0.lock().len()
        }
    }

    /// Models have no cache lines.
    #[derive(Debug, Default)]
    pub(crate) struct CachePadded<T>(T);

    impl<T> CachePadded<T> {
        pub(crate) const fn new(value: T) -> Self {
            Self(value)
        }
    }

    impl<T> core::ops::Deref for CachePadded<T> {
        type Target = T;

        fn deref(&self) -> &T {
            &self.0
        }
    }
}

/// Threads of loom's that park on a condition variable. Loom's own `unpark` also lets a thread run
/// that waits for a lock or for another thread's end, and forgets the token of one that doesn't.
#[cfg(all(feature = "timer", punctual_loom))]
mod loom_threads {
    use std::cell::RefCell;
    use std::sync::Arc;

    use loom::sync::{Condvar, Mutex};

    /// What one needs to unpark a thread.
    #[derive(Clone, Debug)]
    pub(crate) struct Thread(Arc<Parker>);

    #[derive(Debug)]
    struct Parker {
        has_token: Mutex<bool>,
        given: Condvar,
    }

    /// A thread that ends.
    #[derive(Debug)]
    pub(crate) struct JoinHandle<T> {
        thread: Thread,
        handle: loom::thread::JoinHandle<T>,
    }

    loom::thread_local! {
        static CURRENT: RefCell<Option<Thread>> = RefCell::new(None);
    }

    impl Thread {
        fn new() -> Self {
            Self(Arc::new(Parker { has_token: Mutex::new(false), given: Condvar::new() }))
        }

        pub(crate) fn id(&self) -> *const () {
            Arc::as_ptr(&self.0).cast()
        }

        pub(crate) fn unpark(&self) {
            *self.0.has_token.lock().expect("nobody panics with it") = true;
            self.0.given.notify_one();
        }
    }

    impl<T> JoinHandle<T> {
        pub(crate) const fn thread(&self) -> &Thread {
            &self.thread
        }

        pub(crate) fn join(self) -> std::thread::Result<T> {
            self.handle.join()
        }
    }

    /// The thread that asks, also one that a model has started.
    pub(crate) fn current() -> Thread {
        CURRENT.with(|current| current.borrow_mut().get_or_insert_with(Thread::new).clone())
    }

    pub(crate) fn park() {
        let Thread(parker) = current();
        let mut has_token = parker.has_token.lock().expect("nobody panics with it");
        while !*has_token {
            has_token = parker.given.wait(has_token).expect("nobody panics with it");
        }
        *has_token = false;
    }

    /// Starts a thread.
    pub(crate) fn spawn(
        name: String,
        run: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<JoinHandle<()>> {
        let thread = Thread::new();
        let own = thread.clone();
        let run = move || {
            CURRENT.with(|current| *current.borrow_mut() = Some(own));
            run();
        };
        let handle = loom::thread::Builder::new().name(name).spawn(run)?;
        Ok(JoinHandle { thread, handle })
    }
}
