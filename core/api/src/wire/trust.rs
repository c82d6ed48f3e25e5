//! Whose words something is made of.

use hearth_domain::policy::Labels;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whose words something is made of. Runs that read it, and what they make, are of the same.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trust {
    /// Whether somebody may have written it who does not mean well: a page of the web, a file that
    /// was handed in, an agent from outside.
    #[serde(default)]
    #[schema(required = true)]
    untrusted: bool,
    /// Whether it is nobody's but the owner's, such as a file of a folder that was opened.
    #[serde(default)]
    #[schema(required = true)]
    private: bool,
}

impl From<Labels> for Trust {
    fn from(labels: Labels) -> Self {
        Self {
            untrusted: labels.untrusted,
            private: labels.private,
        }
    }
}

impl From<Trust> for Labels {
    fn from(trust: Trust) -> Self {
        Self {
            untrusted: trust.untrusted,
            private: trust.private,
        }
    }
}
