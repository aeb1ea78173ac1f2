//! The clients: an open loop over keep-alive connections, or a closed one to find the capacity.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use cpu_time::ThreadTime;
use punctual::time::{Clock, MonotonicClock, Time};
use punctual::timer::Timer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{LocalSet, spawn_local};

use super::{BUDGET, RESERVE, TIMEOUT_HEADER};
use crate::overload::arrivals::Arrivals;

/// More requests are never under way at once; one that finds no connection is a failure.
const MOST_CONNECTIONS: usize = 2_000;

/// What became of a request: the status, and when it was sent and answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard {
    pub(super) id: u32,
    pub(super) sent: Time,
    pub(super) status: u16,
    pub(super) ended: Time,
}

/// What the clients saw.
pub(super) struct Report {
    pub(super) heard: Vec<Heard>,
    /// Requests for which there was no connection.
    pub(super) unsent: Vec<u32>,
    /// The CPU time of the clients' thread.
    pub(super) cpu: Duration,
}

/// Connections that nobody uses, and those who used them so far.
struct Connections {
    to: SocketAddr,
    idle: RefCell<VecDeque<TcpStream>>,
    opened: RefCell<usize>,
}

impl Connections {
    fn new(to: SocketAddr) -> Rc<Self> {
        Rc::new(Self { to, idle: RefCell::default(), opened: RefCell::new(0) })
    }

    /// A connection; `None` if there are too many.
    async fn take(&self) -> Result<Option<TcpStream>, String> {
        if let Some(idle) = self.idle.borrow_mut().pop_back() {
            return Ok(Some(idle));
        }
        if *self.opened.borrow() == MOST_CONNECTIONS {
            return Ok(None);
        }
        *self.opened.borrow_mut() += 1;
        let stream = TcpStream::connect(self.to).await.map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        Ok(Some(stream))
    }

    fn give_back(&self, stream: TcpStream) {
        self.idle.borrow_mut().push_back(stream);
    }
}

/// Sends each request at its time, and waits for all answers.
pub(super) fn open_loop(
    to: SocketAddr,
    clock: MonotonicClock,
    arrivals: &Arrivals,
) -> Result<Report, String> {
    run(async move {
        let timer = Timer::new(clock).map_err(|error| error.to_string())?;
        let connections = Connections::new(to);
        let mut requests = Vec::with_capacity(arrivals.len());
        for id in arrivals.ids() {
            timer.sleep_until(arrivals.at(id)).await;
            let (connections, deadline) = (Rc::clone(&connections), arrivals.at(id) + BUDGET);
            requests.push(spawn_local(async move {
                let Some(mut stream) = connections.take().await? else { return Ok(None) };
                let sent = clock.now();
                let left = deadline.saturating_since(sent).saturating_sub(RESERVE);
                let status = ask(&mut stream, left).await?;
                let ended = clock.now();
                connections.give_back(stream);
                Ok::<_, String>(Some(Heard { id, sent, status, ended }))
            }));
        }
        let (mut heard, mut unsent) = (Vec::with_capacity(requests.len()), Vec::new());
        for (id, request) in arrivals.ids().zip(requests) {
            match request.await.map_err(|error| error.to_string())?? {
                Some(answer) => heard.push(answer),
                None => unsent.push(id),
            }
        }
        Ok((heard, unsent))
    })
    .map(|((heard, unsent), cpu)| Report { heard, unsent, cpu })
}

/// Asks again and again, so many at a time; returns how many are answered in a second.
pub(super) fn closed_loop(
    to: SocketAddr,
    clock: MonotonicClock,
    clients: usize,
    length: Duration,
) -> Result<f64, String> {
    let ((answers, taken), _) = run(async move {
        let connections = Connections::new(to);
        let start = clock.now();
        let ask_on = |connections: Rc<Connections>| async move {
            let mut answers = 0_u32;
            let Some(mut stream) = connections.take().await? else { return Ok(0) };
            while clock.now().saturating_since(start) < length {
                match ask(&mut stream, BUDGET).await? {
                    200 => answers += 1,
                    other => return Err(format!("{other} without overload")),
                }
            }
            Ok::<_, String>(answers)
        };
        let clients = (0..clients).map(|_| spawn_local(ask_on(Rc::clone(&connections))));
        let (clients, mut answers) = (clients.collect::<Vec<_>>(), 0);
        for client in clients {
            answers += client.await.map_err(|error| error.to_string())??;
        }
        Ok((answers, clock.now().saturating_since(start)))
    })?;
    Ok(f64::from(answers) / taken.as_secs_f64())
}

/// Runs on a runtime of this thread; the output, and the CPU time that the thread took.
fn run<T>(clients: impl Future<Output = Result<T, String>>) -> Result<(T, Duration), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let start = ThreadTime::now();
    let output = LocalSet::new().block_on(&runtime, clients)?;
    Ok((output, start.elapsed()))
}

/// Asks, says how much time there is, and returns the answer's status.
async fn ask(stream: &mut TcpStream, left: Duration) -> Result<u16, String> {
    let (name, ms) = (TIMEOUT_HEADER, left.as_millis());
    let head = format!("GET / HTTP/1.1\r\nhost: bench\r\n{name}: {ms}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.map_err(|error| error.to_string())?;
    let mut answer = Vec::with_capacity(256);
    loop {
        // None of the answers has a body.
        if answer.ends_with(b"\r\n\r\n") {
            break;
        }
        let read = stream.read_buf(&mut answer).await.map_err(|error| error.to_string())?;
        if read == 0 {
            return Err("the server has closed a connection".to_owned());
        }
    }
    let status = answer.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
    status.and_then(|digits| digits.parse().ok()).ok_or_else(|| "no status".to_owned())
}
