//! The pool reuses what is idle, last in first out, and bounds what waits.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

use bytes::Bytes;
use tokio::task::LocalSet;

use super::super::connection::Connection;
use super::super::outcome::{Failure, Stage};
use super::super::pool::{Lease, Pool};
use super::super::target::Target;
use super::server::{BID, Reply, Server};

async fn pool(target: &Target, connections: usize, queue: usize, up_front: usize) -> Pool {
    Pool::open(target.resolve().await.unwrap(), connections, queue, up_front).await.unwrap()
}

async fn lease(pool: &Pool) -> Lease<'_> {
    pool.lease(&Cell::new(Stage::Queued)).await.unwrap()
}

async fn post(lease: Lease<'_>) -> Result<u16, Failure> {
    lease.post(Bytes::from_static(b"{}")).await.map(|answer| answer.status.as_u16())
}

fn connections(server: &Server) -> Vec<usize> {
    server.seen().iter().map(|seen| seen.connection).collect()
}

#[tokio::test]
async fn the_connection_given_back_last_is_lent_first() {
    let server = Server::start(&[BID]).await;
    let used = async {
        let pool = pool(&server.target, 8, 0, 3).await;
        let (first, second) = (lease(&pool).await, lease(&pool).await);
        assert_eq!(post(first).await, Ok(200));
        assert_eq!(post(second).await, Ok(200));
        for _ in 0..3 {
            assert_eq!(post(lease(&pool).await).await, Ok(200));
        }
        connections(&server)
    };
    let used = LocalSet::new().run_until(used).await;
    assert_ne!(used[0], used[1]);
    assert_eq!(used[2..], [used[1]; 3]);
}

#[tokio::test]
async fn a_broken_connection_is_replaced() {
    let server = Server::start(&[BID, Reply::Close]).await;
    let test = async {
        let pool = pool(&server.target, 1, 0, 1).await;
        assert_eq!(post(lease(&pool).await).await, Ok(200));
        assert_eq!(post(lease(&pool).await).await, Err(Failure::Closed));
        assert_eq!(post(lease(&pool).await).await, Ok(200));
        assert_eq!(connections(&server), [0, 0, 1]);
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test]
async fn a_connection_that_was_not_read_to_the_end_is_not_lent_again() {
    let server = Server::start(&[Reply::Silence, BID]).await;
    let test = async {
        let pool = pool(&server.target, 1, 0, 1).await;
        {
            let mut unanswered = pin!(post(lease(&pool).await));
            while server.seen().is_empty() {
                assert!(poll(&mut unanswered).is_none());
                tokio::task::yield_now().await;
            }
        }
        assert_eq!(post(lease(&pool).await).await, Ok(200));
        assert_eq!(connections(&server), [0, 1]);
    };
    LocalSet::new().run_until(test).await;
}

/// A stall of 100 ms used to give latencies of a second: requests waited for connections whose
/// first packets were dropped, while others came back.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_request_that_cannot_connect_takes_a_connection_that_is_given_back() {
    let server = Server::start_deaf(&[BID]).await;
    let test = async {
        let pool = pool(&server.target, 8, 0, 1).await;
        assert_eq!(post(lease(&pool).await).await, Ok(200));
        let endpoint = server.target.resolve().await.unwrap();
        let _fills_the_queue = Connection::open(&endpoint).await.unwrap();
        let busy = lease(&pool).await;
        let stage = Cell::new(Stage::Queued);
        let mut waiting = pin!(pool.lease(&stage));
        assert!(poll(&mut waiting).is_none());
        assert_eq!(stage.get(), Stage::Connecting);
        assert_eq!(post(busy).await, Ok(200));
        assert_eq!(post(waiting.await.unwrap()).await, Ok(200));
        assert_eq!(connections(&server), [0; 3]);
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test]
async fn a_connection_opened_for_a_request_that_gave_up_goes_to_the_pool() {
    let server = Server::start(&[BID]).await;
    let test = async {
        let pool = pool(&server.target, 2, 0, 1).await;
        let _busy = lease(&pool).await;
        assert!(poll(&mut pin!(pool.lease(&Cell::new(Stage::Queued)))).is_none());
        assert_eq!(post(lease(&pool).await).await, Ok(200));
        assert_eq!(connections(&server), [1]);
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test]
async fn the_queue_is_served_in_order_and_refuses_beyond_its_bound() {
    let server = Server::start(&[BID]).await;
    let test = async {
        let pool = pool(&server.target, 1, 2, 1).await;
        let stage = Cell::new(Stage::Queued);
        let busy = lease(&pool).await;
        let mut first = pin!(pool.lease(&stage));
        let mut second = pin!(pool.lease(&stage));
        assert!(poll(&mut first).is_none() && poll(&mut second).is_none());
        assert!(matches!(poll(&mut pin!(pool.lease(&stage))), Some(Err(Failure::Unsent))));
        drop(busy);
        assert!(poll(&mut second).is_none());
        drop(first.await.unwrap());
        drop(second.await.unwrap());
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test]
async fn a_request_that_gives_up_leaves_its_place_in_the_queue() {
    let server = Server::start(&[BID]).await;
    let test = async {
        let pool = pool(&server.target, 1, 1, 1).await;
        let stage = Cell::new(Stage::Queued);
        let busy = lease(&pool).await;
        for _ in 0..3 {
            assert!(poll(&mut pin!(pool.lease(&stage))).is_none());
        }
        drop(busy);
        lease(&pool).await;
    };
    LocalSet::new().run_until(test).await;
}

fn poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}
