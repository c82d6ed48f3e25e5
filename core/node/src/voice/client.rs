//! The client for what is far away: models, and companies that listen or speak.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use reqwest::Client;
use reqwest::redirect::{Attempt, Policy};
use rustls::{ClientConfig, RootCertStore};

const USER_AGENT: &str = concat!("hearth/", env!("CARGO_PKG_VERSION"));
/// A server that has not taken the connection by then is not there.
const CONNECT: Duration = Duration::from_secs(10);
/// A server that has been silent for so long sends nothing more.
const SILENCE: Duration = Duration::from_secs(30);
/// How often a server may send elsewhere. Those of models do once or twice.
const REDIRECTS: usize = 5;

/// Makes the client. It reads the machine's certificates, keeps no cookie and uses no proxy.
///
/// # Errors
/// TLS cannot be had.
pub fn client() -> anyhow::Result<Client> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Client::builder()
        .use_preconfigured_tls(tls)
        .no_proxy()
        .redirect(Policy::custom(follow))
        .referer(false)
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
        .user_agent(USER_AGENT)
        .build()
        .context("no connection can be made")
}

/// Follows a server that sends elsewhere, but not out of TLS.
fn follow(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let was_safe = attempt.previous().iter().any(|url| url.scheme() == "https");
    if attempt.previous().len() > REDIRECTS {
        attempt.error("it sends from one place to another without end")
    } else if was_safe && attempt.url().scheme() != "https" {
        attempt.error("it sends to a place without encryption")
    } else {
        attempt.follow()
    }
}
