//! Follows the node's events, through lost connections, with no gap and no repeat.

use std::time::Duration;

use anyhow::{Context, anyhow};
use futures_util::StreamExt;
use reqwest::header::AUTHORIZATION;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{self, Message, client::IntoClientRequest};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::client::wire::Event;
use crate::client::{Client, problem};

/// The pauses before each try to connect again; after the last, the node is gone. A node that is
/// started again is back within a second or two.
const PAUSES_MS: [u64; 6] = [100, 200, 500, 1000, 2000, 4000];

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The events after one that is known, and then those that happen.
#[derive(Debug)]
pub struct EventStream<'a> {
    client: &'a Client,
    filter: Vec<(&'static str, String)>,
    /// The last event that was handed out.
    after: i64,
    socket: Option<Socket>,
    /// How often in a row the connection was lost or not to be had.
    losses: usize,
    /// What the node said to the last try, if anything.
    refusal: Option<anyhow::Error>,
}

/// An event, and how it came.
#[derive(Debug, Clone)]
pub struct Received {
    /// The event.
    pub event: Event,
    /// The node's own object.
    pub text: String,
}

impl Client {
    /// Follows the events after `after` that fit the filter; connects with the first call to
    /// [`EventStream::next`].
    pub fn events(&self, after: i64, filter: Vec<(&'static str, String)>) -> EventStream<'_> {
        EventStream {
            client: self,
            filter,
            after,
            socket: None,
            losses: 0,
            refusal: None,
        }
    }
}

impl EventStream<'_> {
    /// Waits for the next event.
    ///
    /// # Errors
    /// The node refuses, or is gone and does not come back.
    pub async fn next(&mut self) -> anyhow::Result<Received> {
        loop {
            let Some(socket) = &mut self.socket else {
                self.socket = self.connect().await?;
                if self.socket.is_none() {
                    self.pause().await?;
                }
                continue;
            };
            match socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    self.losses = 0;
                    let event: Event = serde_json::from_str(&text)
                        .context("the node sent something that is no event")?;
                    if event.seq > self.after {
                        self.after = event.seq;
                        let text = text.to_string();
                        return Ok(Received { event, text });
                    }
                }
                Some(Ok(Message::Ping(_))) => self.losses = 0,
                Some(Ok(Message::Close(_)) | Err(_)) | None => {
                    self.socket = None;
                    self.pause().await?;
                }
                Some(Ok(_)) => (),
            }
        }
    }

    /// Waits before the next try to connect, or gives up.
    async fn pause(&mut self) -> anyhow::Result<()> {
        let Some(pause) = PAUSES_MS.get(self.losses) else {
            let refusal = self.refusal.take();
            return Err(
                refusal.unwrap_or_else(|| anyhow!("the node at {} is gone", self.client.shown()))
            );
        };
        self.losses += 1;
        tokio::time::sleep(Duration::from_millis(*pause)).await;
        Ok(())
    }

    /// Connects; nothing means that it may work a little later.
    async fn connect(&mut self) -> anyhow::Result<Option<Socket>> {
        let mut url = self.client.url(&["events", "stream"]);
        url.query_pairs_mut()
            .append_pair("after", &self.after.to_string())
            .extend_pairs(&self.filter);
        url.set_scheme("ws")
            .map_err(|()| anyhow!("{url} cannot be followed"))?;
        let mut request = url.as_str().into_client_request()?;
        request
            .headers_mut()
            .insert(AUTHORIZATION, self.client.authorization());
        match tokio_tungstenite::connect_async(request).await {
            Ok((socket, _)) => Ok(Some(socket)),
            Err(tungstenite::Error::Http(answer)) => {
                let body = answer.body().as_deref().unwrap_or_default();
                let refusal = problem::error(answer.status(), body);
                if answer.status().is_client_error() {
                    return Err(refusal);
                }
                self.refusal = Some(refusal);
                Ok(None)
            }
            Err(_) => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests;
