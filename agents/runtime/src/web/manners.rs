//! How a guest behaves: asks a host what it wants, remembers that for a day, and takes turns.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hearth_sandbox::network::Refusal;
use reqwest::Url;
use tokio::time::{Instant, sleep_until, timeout};

use super::robots::Robots;
use super::{Fetch, FetchError, Fetched, Web};

/// How long after a visit to a host the next one begins.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a visit waits for its turn at most.
const WAIT_MAX: Duration = Duration::from_secs(20);
/// At how many hosts turns are kept in mind. The one whose turn is over longest is forgotten.
const TURNS_MAX: usize = 1000;

/// How much is read of what a host asks (RFC 9309 wants 500 KiB), how long that holds, of how many
/// hosts it is kept, and how much memory that may take.
const ROBOTS_BYTES: usize = 512 * 1024;
const ROBOTS_HOLD: Duration = Duration::from_hours(24);
const ROBOTS_HOSTS: usize = 256;
const ROBOTS_MEMORY: usize = 8 * 1024 * 1024;

/// What is remembered of hosts.
#[derive(Debug, Default)]
pub(super) struct Manners {
    /// From when on each host may be visited again. Held for a look and a change.
    turns: Mutex<HashMap<String, Instant>>,
    /// What each host asks, and since when that is known. Held for a look and a change.
    asked: Mutex<HashMap<String, (Instant, Arc<Robots>)>>,
}

impl Manners {
    /// Takes the next turn at a host; returns when that is, or nothing where it is too far away.
    fn turn(&self, host: &str, now: Instant) -> Option<Instant> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = turns.get(host).map_or(now, |next| now.max(*next));
        if turn.duration_since(now) > WAIT_MAX {
            return None;
        }
        if turns.len() >= TURNS_MAX && !turns.contains_key(host) {
            let oldest = turns.iter().min_by_key(|(_, next)| **next);
            if let Some(oldest) = oldest.map(|(host, _)| host.clone()) {
                turns.remove(&oldest);
            }
        }
        turns.insert(host.to_owned(), turn + PAUSE);
        Some(turn)
    }

    fn known(&self, host: &str, now: Instant) -> Option<Arc<Robots>> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, robots) = asked.get(host)?;
        (now.duration_since(*since) < ROBOTS_HOLD).then(|| Arc::clone(robots))
    }

    fn learn(&self, host: &str, robots: Arc<Robots>, now: Instant) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.insert(host.to_owned(), (now, robots));
        loop {
            let size: usize = asked.values().map(|(_, robots)| robots.size()).sum();
            if asked.len() <= ROBOTS_HOSTS && size <= ROBOTS_MEMORY {
                return;
            }
            let others = asked.iter().filter(|(other, _)| *other != host);
            let oldest = others.min_by_key(|(_, (since, _))| *since);
            let Some(oldest) = oldest.map(|(host, _)| host.clone()) else {
                return;
            };
            asked.remove(&oldest);
        }
    }
}

impl Web {
    /// Fetches a page as a guest of its host: not before its turn, one page (with its redirects) a
    /// second, and only what the host lets programs read. `host` is what the allow-list names.
    ///
    /// # Errors
    /// As [`Web::fetch`]; the host asks programs not to read it, or says not whether they may.
    pub(crate) async fn visit(&self, host: &str, fetch: Fetch) -> Result<Fetched, FetchError> {
        let limit = fetch.time_limit;
        let visit = self.visit_in_turn(host, fetch);
        timeout(limit, visit).await.unwrap_or_else(|_| {
            Err(FetchError::TimedOut {
                host: host.to_owned(),
                limit,
            })
        })
    }

    async fn visit_in_turn(&self, host: &str, mut fetch: Fetch) -> Result<Fetched, FetchError> {
        let turn = self.manners.turn(host, Instant::now());
        let turn = turn.ok_or_else(|| FetchError::NoTurn {
            host: host.to_owned(),
        })?;
        sleep_until(turn).await;
        let robots = if let Some(robots) = self.manners.known(host, Instant::now()) {
            robots
        } else {
            let robots = Arc::new(self.ask(host, &fetch).await?);
            let known = Arc::clone(&robots);
            self.manners.learn(host, known, Instant::now());
            robots
        };
        fetch.robots = Some(robots);
        self.fetch(fetch).await
    }

    /// Asks a host what programs may read.
    async fn ask(&self, host: &str, page: &Fetch) -> Result<Robots, FetchError> {
        let Some(url) = Url::parse(&page.url)
            .ok()
            .and_then(|url| url.join("/robots.txt").ok())
        else {
            return Err(Refusal::NoUrl(page.url.chars().take(200).collect()).into());
        };
        let mut fetch = Fetch::new(url.into(), page.allow.clone());
        fetch.byte_limit = ROBOTS_BYTES;
        fetch.time_limit = page.time_limit;
        let fetched = match self.fetch(fetch).await {
            Ok(fetched) => fetched,
            // It leads to another host, in a circle or nowhere: there is none here, which allows
            // everything.
            Err(
                FetchError::Redirects(_)
                | FetchError::BadRedirect { .. }
                | FetchError::Refused(Refusal::NotAllowed { .. }),
            ) => return Ok(Robots::default()),
            Err(error) => return Err(error),
        };
        match fetched.status {
            200..=299 => Ok(Robots::parse(&String::from_utf8_lossy(&fetched.body))),
            status @ (429 | 500..) => Err(FetchError::NoRobots {
                host: host.to_owned(),
                status,
            }),
            _ => Ok(Robots::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visits_to_a_host_are_a_second_apart_and_a_long_line_is_refused() {
        let manners = Manners::default();
        let now = Instant::now();
        let turn = |host: &str, now| manners.turn(host, now);

        assert_eq!(turn("a.org", now), Some(now));
        assert_eq!(turn("a.org", now), Some(now + PAUSE));
        assert_eq!(turn("b.org", now), Some(now));
        let later = now + Duration::from_secs(9);
        assert_eq!(turn("a.org", later), Some(later));
        for place in 1..=20 {
            assert_eq!(turn("a.org", later), Some(later + PAUSE * place));
        }
        assert_eq!(turn("a.org", later), None);
    }

    #[test]
    fn what_is_remembered_has_an_end() {
        let manners = Manners::default();
        let now = Instant::now();
        for number in 0..2 * TURNS_MAX {
            let at = now + Duration::from_millis(number as u64);
            assert!(manners.turn(&format!("{number}.org"), at).is_some());
        }
        assert_eq!(manners.turns.lock().unwrap().len(), TURNS_MAX);

        let file = format!("User-agent: *\n{}", "Disallow: /a\n".repeat(5000));
        let robots = Arc::new(Robots::parse(&file));
        for number in 0..2 * ROBOTS_HOSTS {
            let at = now + Duration::from_secs(number as u64);
            let host = format!("{number}.org");
            manners.learn(&host, Arc::clone(&robots), at);
            assert!(manners.known(&host, at).is_some());
        }
        let asked = manners.asked.lock().unwrap();
        assert!(asked.len() < ROBOTS_HOSTS && asked.len() * robots.size() <= ROBOTS_MEMORY);
        assert!(!asked.contains_key("0.org"));
    }

    #[test]
    fn what_a_host_asked_holds_for_a_day() {
        let manners = Manners::default();
        let now = Instant::now();
        manners.learn("a.org", Arc::default(), now);

        assert!(
            manners
                .known("a.org", now + Duration::from_hours(23))
                .is_some()
        );
        assert!(
            manners
                .known("a.org", now + Duration::from_hours(25))
                .is_none()
        );
        assert!(manners.known("b.org", now).is_none());
    }
}
