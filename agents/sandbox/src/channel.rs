//! The host's end of the channel to one run, over which the stage inside hands out what it opened
//! there.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;

use tokio::io::Interest;
use tokio::net::UnixStream;

use crate::network::Proxy;
use crate::pass;

/// One run's channel, before the run.
#[derive(Debug)]
pub(crate) struct Channel {
    stream: UnixStream,
    proxy: Option<Proxy>,
}

impl Channel {
    /// Returns a channel, and the end of it that the stage is given.
    pub(crate) fn open(proxy: Option<Proxy>) -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = StdUnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let stream = UnixStream::from_std(ours)?;
        Ok((Self { stream, proxy }, theirs.into()))
    }

    /// Serves the run for as long as it is waited for.
    ///
    /// Where the stage does not come so far as to hand out a listener, there is nothing to serve;
    /// why it failed is known from elsewhere.
    pub(crate) async fn attend(self) -> Infallible {
        if let Some(proxy) = &self.proxy
            && let Ok(listener) = self.receive_listener().await
        {
            match proxy.serve(listener).await {}
        }
        pending().await
    }

    /// Receives a listener that belongs to the network of the sandbox: whoever connects to it is
    /// inside, and nobody on the host can.
    async fn receive_listener(&self) -> io::Result<tokio::net::TcpListener> {
        let receive = || pass::receive(&self.stream);
        let received = self.stream.async_io(Interest::READABLE, receive).await?;
        let listener = received
            .into_iter()
            .next()
            .ok_or(io::ErrorKind::InvalidData)?;
        let listener = TcpListener::from(listener);
        listener.set_nonblocking(true)?;
        tokio::net::TcpListener::from_std(listener)
    }
}
