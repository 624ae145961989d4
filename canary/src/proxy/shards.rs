//! The threads of a proxy. A client's connection stays on one of them, with its connections to the
//! versions: no thread waits for another one to be woken.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio::net::TcpStream;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::downstream::serve_client;
use super::shard::{n_shards, set_current};
use super::shared::Shared;

/// The threads end when this is dropped.
#[derive(Debug)]
pub(super) struct Shards {
    handles: Vec<Handle>,
    next: AtomicUsize,
    _stop: DropGuard,
}

impl Shards {
    pub(super) fn start() -> io::Result<Self> {
        let stop = CancellationToken::new();
        let handles = (0..n_shards())
            .map(|shard| start(shard, stop.clone()))
            .collect::<io::Result<_>>()?;
        Ok(Self {
            handles,
            next: AtomicUsize::new(0),
            _stop: stop.drop_guard(),
        })
    }

    /// Serves a client on the next thread in turn; the result ends with the connection.
    pub(super) fn serve(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        shared: &Arc<Shared>,
        shutdown: &CancellationToken,
    ) -> impl Future<Output = ()> + Send + 'static {
        let shard = self.next.fetch_add(1, Ordering::Relaxed) % self.handles.len();
        let (shared, shutdown) = (shared.clone(), shutdown.clone());
        let served = self.handles[shard].spawn(async move {
            // The stream belongs to the thread that waits for it.
            if let Ok(stream) = stream.into_std().and_then(TcpStream::from_std) {
                serve_client(shared, stream, peer, shutdown).await;
            }
        });
        async move {
            // A connection that panicked is closed; the next ones are served.
            let _ = served.await;
        }
    }
}

fn start(shard: usize, stop: CancellationToken) -> io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new()
        .name(format!("proxy-{shard}"))
        .spawn(move || run(&runtime, shard, &stop))?;
    Ok(handle)
}

fn run(runtime: &Runtime, shard: usize, stop: &CancellationToken) {
    set_current(shard);
    runtime.block_on(stop.cancelled());
}
