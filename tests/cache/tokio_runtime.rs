//! Loads on tokio: the dispatcher is a closure that spawns.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use punctual::cache::{Answer, LoadError, WaitError, cached};
use punctual::scheduler::Budget;
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;

use crate::support::{Cache, LONG, ms};

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_time().build().expect("there are threads")
}

fn cache(runtime: &Runtime, calls: &Arc<AtomicUsize>) -> Cache {
    let (handle, calls) = (runtime.handle().clone(), calls.clone());
    cached(move |key: u32, _| {
        let calls = calls.clone();
        async move {
            calls.fetch_add(1, Ordering::SeqCst);
            for _ in 0..10 {
                yield_now().await;
            }
            Ok::<_, io::Error>(key * 10)
        }
    })
    .build(move |load| drop(handle.spawn(load)))
    .expect("there are threads")
}

#[test]
fn many_tasks_miss_one_key_and_it_is_loaded_once() {
    let (runtime, calls) = (runtime(), Arc::default());
    let cache = cache(&runtime, &calls);
    let tasks: Vec<_> = (0..64)
        .map(|number| {
            let cache = cache.clone();
            runtime.spawn(async move {
                if number % 8 == 0 {
                    // Some give up.
                    drop(cache.get_or_wait(&7, Budget::UNLIMITED));
                }
                cache.get_or_wait(&7, Budget::of(cache.now(), LONG)).await
            })
        })
        .collect();
    for task in tasks {
        let outcome = runtime.block_on(task).expect("nobody panics");
        assert_eq!(outcome.expect("it was loaded"), Answer::Fresh(70));
    }
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[test]
fn tasks_that_are_aborted_leave_the_load_to_others() {
    let (runtime, calls) = (runtime(), Arc::default());
    let cache = cache(&runtime, &calls);
    for key in 0..50 {
        let (one, other) = (cache.clone(), cache.clone());
        let aborted = runtime.spawn(async move { one.get_or_wait(&key, Budget::UNLIMITED).await });
        let kept = runtime.spawn(async move { other.get_or_wait(&key, Budget::UNLIMITED).await });
        aborted.abort();
        let outcome = runtime.block_on(kept).expect("nobody panics");
        assert_eq!(outcome.expect("it was loaded").value(), Some(key * 10));
    }
    assert_eq!(calls.load(Ordering::SeqCst), 50);
}

#[test]
fn a_runtime_that_goes_tells_all_who_wait() {
    let runtime = runtime();
    let handle = runtime.handle().clone();
    let cache: Cache = cached(|_: u32, _| async {
        std::future::pending::<()>().await;
        Ok::<_, io::Error>(0)
    })
    .back_off(ms(1), ms(1))
    .build(move |load| drop(handle.spawn(load)))
    .expect("there are threads");
    let waits: Vec<_> = (0..10).map(|key| cache.get_or_wait(&key, Budget::UNLIMITED)).collect();
    drop(runtime);
    for wait in waits {
        let outcome = wait.wait();
        assert!(matches!(outcome, Err(WaitError::Failed(LoadError::Dropped))), "{outcome:?}");
    }
    let outcome = cache.get_or_wait(&20, Budget::UNLIMITED).wait();
    assert!(matches!(outcome, Err(WaitError::Failed(LoadError::Dropped))), "{outcome:?}");
}
