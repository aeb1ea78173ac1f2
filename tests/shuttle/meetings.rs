//! Jobs that block until another one has done something: nobody may rest while work is there, and
//! every 'no' comes although all workers are busy. Whoever is forgotten here makes a deadlock.

use std::sync::Arc;
use std::time::Duration;

use punctual::pool::{Ordering, Outcome};
use punctual::scheduler::{Admission, Job};
use punctual::time::Time;
use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::{Barrier, Condvar, Mutex};
use shuttle::thread;

use super::check;
use super::world::{END, World};

/// Something that threads block on.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn open(&self) {
        *self.0.0.lock().expect("nobody panics with it") = true;
        self.0.1.notify_all();
    }

    fn pass(&self) {
        let is_open = self.0.0.lock().expect("nobody panics with it");
        drop(self.0.1.wait_while(is_open, |is_open| !*is_open).expect("nobody panics with it"));
    }
}

/// Some ordering for two workers.
fn ordering() -> Ordering {
    match thread_rng().gen_range(0..2) {
        0 => Ordering::Strict,
        _ => Ordering::Striped { groups: 2 },
    }
}

#[test]
fn two_jobs_meet_on_two_workers() {
    check(|| {
        let (pool, world) = World::new(|builder| builder.workers(2).ordering(ordering()));
        let barrier = Arc::new(Barrier::new(2));
        let submitters: Vec<_> = (0..2)
            .map(|_| {
                let (handle, barrier) = (world.pool.clone(), Arc::clone(&barrier));
                let meet = move |_| _ = barrier.wait();
                thread::spawn(move || handle.submit(Job::new(meet)).expect("there is room"))
            })
            .collect();
        for submitter in submitters {
            let ticket = submitter.join().expect("it submits");
            assert!(matches!(ticket.wait(), Outcome::Done(())));
        }
        drop(pool);
    });
}

#[test]
fn a_job_meets_a_future_that_it_woke() {
    check(|| {
        let (pool, world) = World::new(|builder| builder.workers(2).ordering(ordering()));
        let gate = Gate::default();
        let (signal, opened) = (world.signal.clone(), gate.clone());
        let wait = move |_| async move {
            signal.await;
            opened.open();
        };
        let future = pool.spawn(Job::new(wait)).expect("there is room");
        let signal = world.signal.clone();
        let wake = move |_| {
            signal.give();
            gate.pass();
        };
        let job = pool.submit(Job::new(wake)).expect("there is room");
        assert!(matches!(job.wait(), Outcome::Done(())));
        assert!(matches!(future.wait(), Outcome::Done(())));
        drop(pool);
    });
}

#[test]
fn a_no_comes_while_the_worker_is_busy() {
    check(|| {
        let (pool, world) = World::new(|builder| builder.admission(Admission::All));
        let (busy, gate) = (Gate::default(), Gate::default());
        let time = world.start_time();
        let blocker = {
            let (handle, busy, gate) = (world.pool.clone(), busy.clone(), gate.clone());
            let block = move |_| {
                busy.open();
                gate.pass();
            };
            let block = Job::new(block).budget(far());
            thread::spawn(move || handle.submit(block).expect("there is room"))
        };
        let others: Vec<_> = (0..2)
            .map(|_| {
                let handle = world.pool.clone();
                let job = Job::new(|_| ()).deadline(END).cost(Duration::from_millis(1));
                thread::spawn(move || handle.submit(job).expect("there is room"))
            })
            .collect();
        for other in others {
            let outcome = other.join().expect("it submits").wait();
            assert!(matches!(outcome, Outcome::Done(()) | Outcome::Shed(..)), "{outcome:?}");
        }
        busy.pass();
        gate.open();
        let blocker = blocker.join().expect("it submits");
        assert!(matches!(blocker.wait(), Outcome::Done(())));
        time.join().expect("time passes");
        drop(pool);
    });
}

/// Longer than the models' time lasts.
const fn far() -> Duration {
    Duration::from_secs(1)
}

#[test]
fn a_worker_waits_for_a_future_that_waits_for_a_job() {
    check(|| {
        let (pool, world) = World::new(|builder| builder);
        let outer = world.pool.clone();
        let wait = move |_| {
            let inner = outer.clone();
            let future = move |_| async move {
                let job = inner.submit(Job::new(|_| 7)).expect("there is room");
                job.await.done()
            };
            let ticket = outer.spawn(Job::new(future)).expect("there is room");
            ticket.wait().done().flatten()
        };
        let ticket = pool.submit(Job::new(wait)).expect("there is room");
        assert_eq!(ticket.wait().done(), Some(Some(7)));
        drop(pool);
    });
}

#[test]
fn all_workers_wait_for_what_is_released_later() {
    check(|| {
        let (pool, world) = World::new(|builder| builder.workers(2).ordering(ordering()));
        let time = world.start_time();
        let tickets: Vec<_> = (0..2)
            .map(|_| {
                let handle = world.pool.clone();
                let release = Time::from_nanos(thread_rng().gen_range(0..END.as_nanos()));
                let wait = move |_| {
                    let later = Job::new(|_| 7).release(release);
                    handle.submit(later).expect("there is room").wait().done()
                };
                pool.submit(Job::new(wait)).expect("there is room")
            })
            .collect();
        for ticket in tickets {
            assert_eq!(ticket.wait().done(), Some(Some(7)));
        }
        time.join().expect("time passes");
        drop(pool);
    });
}

#[test]
fn a_scope_waits_for_what_borrows_from_it() {
    check(|| {
        let (pool, world) = World::new(|builder| builder.workers(2).ordering(ordering()));
        let other = {
            let handle = world.pool.clone();
            let ends = thread_rng().gen_range(0..2) == 0;
            thread::spawn(move || {
                if ends {
                    _ = handle.shutdown_now();
                }
            })
        };
        let on_a_worker = world.pool.clone();
        let scoped = |handle: &punctual::pool::Handle| {
            let mut counts = [0; 2];
            handle.scope(|scope| {
                for (number, count) in counts.iter_mut().enumerate() {
                    // A pool that has ended says no.
                    if let Ok(ticket) = scope.submit(Job::new(move |_| *count += 1)) {
                        if number == 0 { ticket.detach() } else { drop(ticket) }
                    }
                }
            });
            assert!(counts.iter().all(|&count| count <= 1), "{counts:?}");
        };
        if let Ok(ticket) = pool.submit(Job::new(move |_| scoped(&on_a_worker))) {
            assert!(!matches!(ticket.wait(), Outcome::Failed(_)));
        }
        scoped(&world.pool);
        other.join().expect("it shuts down");
        drop(pool);
    });
}
