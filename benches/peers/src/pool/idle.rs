//! What the process spends while nobody has anything to do: CPU time, in percent of a core.

use std::time::Duration;

use cpu_time::ProcessTime;
use punctual::scheduler::Job;

use super::contest::{Bench, Turn};
use super::executor::Executor;
use super::ours::Evict;

/// An executor that has been idle for a while.
pub(crate) struct Idle;

impl Turn for Idle {
    fn take<E: Executor>(bench: &Bench) -> Vec<f64> {
        let executor = E::start(bench.clock);
        let (sender, receiver) = std::sync::mpsc::channel();
        executor.execute(bench.far(), move || sender.send(()).expect("somebody waits for it"));
        receiver.recv().expect("the job tells");
        percent(bench)
    }
}

/// A pool with a job that isn't released yet.
pub(crate) fn with_a_release(bench: &Bench) -> Vec<f64> {
    let pool = Evict::start(bench.clock);
    let hour = Duration::from_secs(3_600);
    let job = Job::new(|_| ()).release(bench.now() + hour).budget(hour);
    let _ticket = pool.handle().submit(job).expect("nothing else is queued");
    percent(bench)
}

fn percent(bench: &Bench) -> Vec<f64> {
    let length = Duration::from_secs(if bench.quick { 1 } else { 2 });
    // Until everybody has gone to sleep.
    std::thread::sleep(Duration::from_millis(50));
    let (before, start) = (ProcessTime::now(), bench.now());
    std::thread::sleep(length);
    let spent = before.elapsed().as_secs_f64();
    vec![100.0 * spent / bench.now().saturating_since(start).as_secs_f64()]
}
