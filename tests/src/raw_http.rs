//! The least an HTTP client needs, so that measuring costs the machine little beside the node.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::Context;

/// A connection that is kept.
#[derive(Debug)]
pub struct RawClient {
    stream: BufReader<TcpStream>,
    address: String,
    key: String,
    body: Vec<u8>,
}

impl RawClient {
    /// Connects.
    ///
    /// # Errors
    /// Nobody listens.
    pub fn connect(address: &str, key: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_mins(1)))?;
        Ok(Self {
            stream: BufReader::with_capacity(64 * 1024, stream),
            address: address.to_owned(),
            key: key.to_owned(),
            body: Vec::new(),
        })
    }

    /// Sends a request, with a JSON body where there is one; returns the status and the body.
    ///
    /// # Errors
    /// The connection ended, or what came is no answer.
    pub fn send(&mut self, method: &str, path: &str, body: &str) -> anyhow::Result<(u16, &[u8])> {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.address,
            self.key,
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok())
            .context("no status line")?;
        let mut length = 0;
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let header = line.trim_end();
            if header.is_empty() {
                break;
            }
            if let Some((name, value)) = header.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse()?;
            }
        }
        self.body.resize(length, 0);
        self.stream.read_exact(&mut self.body)?;
        Ok((status, &self.body))
    }
}
