//! The host's end of the channel to one run, over which the stage inside hands out the listener
//! for the proxy, and the program then calls functions of the host.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;

use tokio::io::Interest;
use tokio::net::UnixStream;

use crate::host::HostCalls;
use crate::network::Proxy;
use crate::pass;

/// One run's channel, and what it is for.
#[derive(Debug)]
pub(crate) struct Channel {
    /// None where it is for nothing.
    stream: Option<UnixStream>,
    proxy: Option<Proxy>,
    host: Option<HostCalls>,
}

impl Channel {
    /// Returns a channel, and the end of it that the stage is given.
    pub(crate) fn open(
        proxy: Option<Proxy>,
        host: Option<HostCalls>,
    ) -> io::Result<(Self, Option<OwnedFd>)> {
        let mut channel = Self {
            stream: None,
            proxy,
            host,
        };
        if channel.proxy.is_none() && channel.host.is_none() {
            return Ok((channel, None));
        }
        let (ours, theirs) = StdUnixStream::pair()?;
        ours.set_nonblocking(true)?;
        channel.stream = Some(UnixStream::from_std(ours)?);
        Ok((channel, Some(theirs.into())))
    }

    /// Serves the run for as long as it is waited for.
    ///
    /// Where the stage does not come so far as to hand out a listener, there is nothing to serve;
    /// why it failed is known from elsewhere.
    pub(crate) async fn attend(self) -> Infallible {
        let Some(stream) = self.stream else {
            return pending().await;
        };
        // The stage hands it out before the program starts: what comes next are calls.
        let listener = match &self.proxy {
            Some(_) => receive_listener(&stream).await.ok(),
            None => None,
        };
        let carry = async {
            match (self.proxy, listener) {
                (Some(proxy), Some(listener)) => proxy.serve(listener).await,
                _ => pending().await,
            }
        };
        let answer = async {
            if let Some(host) = self.host {
                host.serve(stream).await;
            }
            pending().await
        };
        tokio::select! {
            never = carry => never,
            never = answer => never,
        }
    }
}

/// Receives a listener that belongs to the network of the sandbox: whoever connects to it is
/// inside, and nobody on the host can.
async fn receive_listener(stream: &UnixStream) -> io::Result<tokio::net::TcpListener> {
    let receive = || pass::receive(stream);
    let received = stream.async_io(Interest::READABLE, receive).await?;
    let listener = received
        .into_iter()
        .next()
        .ok_or(io::ErrorKind::InvalidData)?;
    let listener = TcpListener::from(listener);
    listener.set_nonblocking(true)?;
    tokio::net::TcpListener::from_std(listener)
}
