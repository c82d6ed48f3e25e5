//! Operations on keys, and telling who a caller is.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hearth_domain::field::Name;
use hearth_domain::key::{Grant, Key};
use hearth_domain::{Actor, KeyId, Timestamp};
use hearth_store::keys;
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::authority::must_be_owner;
use crate::error::AppError;

/// What every key begins with, so that one is recognised where it should not be.
const PREFIX: &str = "hearth_";
/// Random bytes in a key.
const KEY_BYTES: usize = 32;
/// Last use is kept to the minute: writing it at every request would double the writes.
const USE_RESOLUTION_MS: i64 = 60_000;

/// A key as it is shown, once.
pub struct Secret(String);

impl Secret {
    /// Returns the key, to be given to its owner and to nobody else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Who a caller is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// In whose name it acts.
    pub actor: Actor,
    /// The key it showed.
    pub key_id: KeyId,
    /// What that key is called.
    pub key_name: Name,
}

/// The valid keys that were used, by their hash, with when they were last.
#[derive(Debug, Default)]
pub(crate) struct KeyRing {
    /// Read with every request, written when a key is first used or revoked.
    used: RwLock<HashMap<[u8; 32], UsedKey>>,
}

#[derive(Debug)]
struct UsedKey {
    caller: Caller,
    last_used_ms: AtomicI64,
    /// What of `last_used_ms` is in the store.
    stored_ms: AtomicI64,
}

impl App {
    /// Tells who shows `key`; `None` means that it is no valid key.
    ///
    /// # Errors
    /// The store failed.
    pub fn authenticate(&self, key: &str) -> Result<Option<Caller>, AppError> {
        let hash = hash(key);
        let now = self.now().as_millis();
        let known = self
            .keys()
            .used
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&hash)
            .map(|used| {
                used.last_used_ms.fetch_max(now, Ordering::Relaxed);
                used.caller.clone()
            });
        if known.is_some() {
            return Ok(known);
        }
        if self.find_valid_key(&hash)?.is_none() {
            return Ok(None);
        }
        // Looked up again under the lock, so that a key revoked meanwhile is not remembered; the
        // first look keeps callers without a valid key from the lock.
        let mut used = self
            .keys()
            .used
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(key) = self.find_valid_key(&hash)? else {
            return Ok(None);
        };
        let caller = Caller {
            actor: key.grant.actor(),
            key_id: key.id,
            key_name: key.name,
        };
        let stored_ms = AtomicI64::new(key.last_used_at.map_or(0, Timestamp::as_millis));
        used.insert(
            hash,
            UsedKey {
                caller: caller.clone(),
                last_used_ms: AtomicI64::new(now),
                stored_ms,
            },
        );
        Ok(Some(caller))
    }

    fn find_valid_key(&self, hash: &[u8; 32]) -> Result<Option<Key>, AppError> {
        let key = self.store().read_now(|tx| keys::find_by_hash(tx, hash))?;
        Ok::<_, AppError>(key.filter(|key| key.revoked_at.is_none()))
    }

    /// Makes a key. It is returned here and never again: only its hash is kept.
    ///
    /// # Errors
    /// The caller is not the owner.
    pub async fn create_key(
        &self,
        actor: &Actor,
        name: Name,
        grant: Grant,
    ) -> Result<(Key, Secret), AppError> {
        must_be_owner(actor, "create a key")?;
        let mut random = [0; KEY_BYTES];
        getrandom::fill(&mut random).map_err(|_| AppError::Unavailable {
            cause: crate::UnavailableCause::Busy,
            detail: "the system has no random numbers to give".into(),
        })?;
        let secret = Secret(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random)));
        let id = KeyId(self.ids().next_uuid());
        let change = Key::create(id, name, grant, hash(&secret.0), self.now());
        let actor = actor.clone();
        let key = self
            .store()
            .write(move |tx| Ok::<_, AppError>(keys::insert(tx, change, &actor)?))
            .await?;
        Ok((key, secret))
    }

    /// Returns every key, without the keys themselves.
    ///
    /// # Errors
    /// The caller is not the owner.
    pub async fn list_keys(&self, actor: &Actor) -> Result<Vec<Key>, AppError> {
        must_be_owner(actor, "list keys")?;
        self.flush_key_use().await?;
        self.store().read(|tx| Ok(keys::list(tx)?)).await
    }

    /// Ends a key's validity, at once.
    ///
    /// # Errors
    /// There is none; the caller is not the owner.
    pub async fn revoke_key(&self, actor: &Actor, id: KeyId) -> Result<(), AppError> {
        must_be_owner(actor, "revoke a key")?;
        let (actor, now) = (actor.clone(), self.now());
        let key = self
            .store()
            .write(move |tx| {
                let key = keys::get(tx, id)?.ok_or_else(|| AppError::not_found("key", id))?;
                match key.clone().revoke(now) {
                    Some(change) => Ok(keys::save(tx, change, &actor, now)?),
                    None => Ok::<_, AppError>(key),
                }
            })
            .await?;
        self.keys()
            .used
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&key.hash);
        Ok(())
    }

    /// Writes down when keys were last used, where that is a minute or more behind.
    ///
    /// # Errors
    /// The store failed; the next call tries again.
    pub async fn flush_key_use(&self) -> Result<(), AppError> {
        let due: Vec<([u8; 32], KeyId, Timestamp)> = {
            let used = self
                .keys()
                .used
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            used.iter()
                .filter_map(|(hash, key)| {
                    let last = key.last_used_ms.load(Ordering::Relaxed);
                    let is_due = last - key.stored_ms.load(Ordering::Relaxed) >= USE_RESOLUTION_MS;
                    is_due.then(|| (*hash, key.caller.key_id, Timestamp::from_millis(last)))
                })
                .collect()
        };
        if due.is_empty() {
            return Ok(());
        }
        let uses: Vec<(KeyId, Timestamp)> = due.iter().map(|(_, id, at)| (*id, *at)).collect();
        self.store()
            .write(move |tx| Ok::<_, AppError>(keys::touch(tx, &uses)?))
            .await?;
        let used = self
            .keys()
            .used
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        for (hash, _, at) in due {
            if let Some(key) = used.get(&hash) {
                key.stored_ms.fetch_max(at.as_millis(), Ordering::Relaxed);
            }
        }
        Ok(())
    }
}

fn hash(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

#[cfg(test)]
mod tests;
