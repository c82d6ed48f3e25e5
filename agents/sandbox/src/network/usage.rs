//! What a job asked of the network: who, whether it was allowed, and how much went over the wire.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep_until};

/// How many destinations are listed; a program that scans would otherwise fill the memory.
const LISTED: usize = 100;

/// What a job asked of the network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetworkUsage {
    /// By destination, in the order of the first request; 100 at most.
    pub uses: Vec<NetworkUse>,
    /// Requests to further destinations, which are not listed.
    pub unlisted: u64,
    /// Bytes to and from all destinations.
    pub bytes: u64,
}

/// What was asked of one destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkUse {
    /// The host, as the URL parser reads it.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Whether the requests were let through.
    pub allowed: bool,
    /// How many there were.
    pub requests: u64,
    /// Bytes in both directions.
    pub bytes: u64,
}

/// The running account of a job, against its quota.
#[derive(Debug)]
pub(crate) struct Account {
    left: AtomicU64,
    quota: u64,
    /// Held for the length of a push; nobody waits inside.
    listed: Mutex<Listed>,
}

#[derive(Debug, Default)]
struct Listed {
    uses: Vec<(NetworkUse, Arc<AtomicU64>)>,
    unlisted: u64,
}

impl Account {
    pub(crate) fn new(quota: u64) -> Arc<Self> {
        Arc::new(Self {
            left: AtomicU64::new(quota),
            quota,
            listed: Mutex::default(),
        })
    }

    /// Returns whether nothing more may go over the wire.
    pub(crate) fn is_used_up(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0
    }

    /// Notes a request; its bytes are to be counted in what is returned.
    pub(crate) fn note(&self, host: &str, port: u16, allowed: bool) -> Arc<AtomicU64> {
        let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        let found = listed.uses.iter_mut().find(|(known, _)| {
            known.host == host && known.port == port && known.allowed == allowed
        });
        if let Some((known, bytes)) = found {
            known.requests += 1;
            return Arc::clone(bytes);
        }
        let bytes = Arc::new(AtomicU64::new(0));
        if listed.uses.len() >= LISTED {
            listed.unlisted += 1;
            return bytes;
        }
        let first = NetworkUse {
            host: host.to_owned(),
            port,
            allowed,
            requests: 1,
            bytes: 0,
        };
        listed.uses.push((first, Arc::clone(&bytes)));
        bytes
    }

    /// Returns what was counted so far.
    pub(crate) fn usage(&self) -> NetworkUsage {
        let listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        let uses = listed.uses.iter().map(|(known, bytes)| NetworkUse {
            bytes: bytes.load(Ordering::Relaxed),
            ..known.clone()
        });
        NetworkUsage {
            uses: uses.collect(),
            unlisted: listed.unlisted,
            bytes: self.quota - self.left.load(Ordering::Relaxed),
        }
    }

    /// Takes up to `wanted` bytes from what is left, and returns how many.
    fn take(&self, wanted: usize) -> usize {
        let wanted = wanted as u64;
        let take = |left: u64| Some(left.saturating_sub(wanted));
        let before = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .unwrap_or_default();
        usize::try_from(before.min(wanted)).unwrap_or_default()
    }

    fn put_back(&self, bytes: usize) {
        self.left.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// A connection to a destination: counted, ended by the quota, and watched for silence.
pub(crate) struct Metered<S> {
    stream: S,
    account: Arc<Account>,
    bytes: Arc<AtomicU64>,
    pulse: Arc<Pulse>,
}

impl<S> Metered<S> {
    pub(crate) fn new(
        stream: S,
        account: Arc<Account>,
        bytes: Arc<AtomicU64>,
        pulse: Arc<Pulse>,
    ) -> Self {
        Self {
            stream,
            account,
            bytes,
            pulse,
        }
    }

    fn count(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.pulse.beat();
    }
}

fn used_up() -> io::Error {
    io::Error::new(io::ErrorKind::QuotaExceeded, "the byte quota is used up")
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Paid for beforehand, so that several connections cannot spend the same bytes.
        let paid = self.account.take(buffer.remaining());
        if paid == 0 && buffer.remaining() > 0 {
            return Poll::Ready(Err(used_up()));
        }
        let mut part = ReadBuf::new(buffer.initialize_unfilled_to(paid));
        let result = Pin::new(&mut self.stream).poll_read(cx, &mut part);
        let read = part.filled().len();
        self.account.put_back(paid - read);
        ready!(result)?;
        buffer.advance(read);
        self.count(read);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let paid = self.account.take(bytes.len());
        if paid == 0 && !bytes.is_empty() {
            return Poll::Ready(Err(used_up()));
        }
        let part = bytes.get(..paid).unwrap_or_default();
        let result = Pin::new(&mut self.stream).poll_write(cx, part);
        let written = match &result {
            Poll::Ready(Ok(written)) => *written,
            Poll::Ready(Err(_)) | Poll::Pending => 0,
        };
        self.account.put_back(paid - written);
        if written > 0 {
            self.count(written);
        }
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// When a connection last carried something.
#[derive(Debug)]
pub(crate) struct Pulse {
    start: Instant,
    last_ms: AtomicU64,
}

impl Pulse {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            start: Instant::now(),
            last_ms: AtomicU64::new(0),
        })
    }

    pub(crate) fn beat(&self) {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_ms.store(now, Ordering::Relaxed);
    }

    /// Ends when nothing has been carried for this long.
    pub(crate) async fn stopped(&self, idle: Duration) {
        loop {
            let last = self.start + Duration::from_millis(self.last_ms.load(Ordering::Relaxed));
            if last.elapsed() >= idle {
                return;
            }
            sleep_until(last + idle).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn the_quota_is_shared_by_directions_and_connections_and_exact() {
        let account = Account::new(10);
        let use_of = |host| account.note(host, 80, true);
        let (one, mut far_one) = tokio::io::duplex(64);
        let (two, mut far_two) = tokio::io::duplex(64);
        let mut one = Metered::new(one, Arc::clone(&account), use_of("a"), Pulse::new());
        let mut two = Metered::new(two, Arc::clone(&account), use_of("b"), Pulse::new());
        far_one.write_all(b"1234").await.unwrap();
        far_two.write_all(b"12345").await.unwrap();

        assert_eq!(one.read(&mut [0; 64]).await.unwrap(), 4);
        assert_eq!(one.write(b"123").await.unwrap(), 3);
        assert_eq!(two.read(&mut [0; 64]).await.unwrap(), 3);
        let over = two.read(&mut [0; 64]).await.unwrap_err();

        assert_eq!(over.kind(), io::ErrorKind::QuotaExceeded);
        assert!(one.write(b"1").await.is_err());
        assert!(account.is_used_up());
        let usage = account.usage();
        let bytes: Vec<u64> = usage.uses.iter().map(|entry| entry.bytes).collect();
        assert_eq!((usage.bytes, bytes), (10, vec![7, 3]));
    }

    #[test]
    fn the_list_of_destinations_has_an_end_and_the_rest_is_counted() {
        let account = Account::new(0);
        for port in 1..=150 {
            account.note("a", port, false);
            account.note("a", port, false);
        }

        let usage = account.usage();

        assert_eq!((usage.uses.len(), usage.unlisted), (LISTED, 100));
        assert!(usage.uses.iter().all(|entry| entry.requests == 2));
    }
}
