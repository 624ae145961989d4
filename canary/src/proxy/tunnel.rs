//! The two directions of a tunnel after a switch of protocols. What passes is reported, so that a
//! tunnel that the service ended is told apart from one that its client left.

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};

use crate::ledger::{Side, Tunnel};

type Half = (ReadHalf<TokioIo<Upgraded>>, WriteHalf<TokioIo<Upgraded>>);

const BUFFER_BYTES: usize = 16 * 1024;

/// Copies bytes both ways until both directions have ended or a side broke off. A broken tunnel is
/// closed on both sides by dropping it.
pub(super) async fn copy(client: Upgraded, service: Upgraded, tunnel: &mut Tunnel) {
    let mut client: Half = split(TokioIo::new(client));
    let mut service: Half = split(TokioIo::new(service));
    let (mut up, mut down) = (vec![0; BUFFER_BYTES], vec![0; BUFFER_BYTES]);
    let (mut is_client_open, mut is_service_open) = (true, true);
    while is_client_open || is_service_open {
        // A lost read has taken no bytes: `read` is cancel safe.
        let (side, read) = tokio::select! {
            read = service.0.read(&mut down), if is_service_open => (Side::Service, read),
            read = client.0.read(&mut up), if is_client_open => (Side::Client, read),
        };
        let (bytes, out, is_open) = match side {
            Side::Client => (&up, &mut service.1, &mut is_client_open),
            Side::Service => (&down, &mut client.1, &mut is_service_open),
        };
        let Ok(n) = read else {
            return tunnel.closed(side);
        };
        if n == 0 {
            tunnel.closed(side);
            *is_open = false;
            // The other side may still send; when it is gone, its own read ends.
            let _ = out.shutdown().await;
            continue;
        }
        tunnel.data(side, &bytes[..n]);
        if out.write_all(&bytes[..n]).await.is_err() {
            return tunnel.closed(side.other());
        }
    }
}
