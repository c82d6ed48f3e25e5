//! A WebSocket reader of events.

use anyhow::Context;
use futures_util::StreamExt;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// One connection to the stream of events.
#[derive(Debug)]
pub struct Subscriber {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Subscriber {
    /// Connects to `address`, with a query such as `after=0&type=task.*`.
    ///
    /// # Errors
    /// The node refuses.
    pub async fn connect(address: &str, key: &str, query: &str) -> anyhow::Result<Self> {
        let mut request =
            format!("ws://{address}/api/v1/events/stream?{query}").into_client_request()?;
        request
            .headers_mut()
            .insert("authorization", format!("Bearer {key}").parse()?);
        let (socket, _) = tokio_tungstenite::connect_async(request).await?;
        Ok(Self { socket })
    }

    /// Returns the next event.
    ///
    /// # Errors
    /// The connection ended.
    pub async fn next(&mut self) -> anyhow::Result<Value> {
        Ok(serde_json::from_str(&self.next_text().await?)?)
    }

    /// Returns the next event as it came.
    ///
    /// # Errors
    /// The connection ended.
    pub async fn next_text(&mut self) -> anyhow::Result<Utf8Bytes> {
        loop {
            let message = self.socket.next().await.context("the stream ended")??;
            match message {
                Message::Text(text) => return Ok(text),
                Message::Close(frame) => anyhow::bail!("the node closed the stream: {frame:?}"),
                Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_) => (),
            }
        }
    }
}
