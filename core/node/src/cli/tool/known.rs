//! Which tools a plan may name, as far as it is known before the plan is handed in.

use hearth_domain::field::Word;
use hearth_domain::tool::{Grants, ToolHead, ToolStatus};
use hearth_domain::{JsonObject, ToolId};
use hearth_runtime::tools::Registry;

use crate::client::Client;
use crate::client::wire::{Page, Tool};

/// Returns the built-in tools and those that the node has. What one of these takes is not known here, so
/// that the node alone looks at it.
pub(crate) async fn registry(client: &Client) -> anyhow::Result<Registry> {
    let tools: Page<Tool> = client.get(&["tools"], &[]).await?.read()?;
    let mut heads = Vec::new();
    for tool in tools.items {
        let Ok(name) = Word::parse("tool", &tool.name) else {
            continue;
        };
        for version in 1..=tool.version {
            heads.push(ToolHead {
                id: ToolId(uuid::Uuid::nil()),
                name: name.clone(),
                version,
                description: String::new(),
                parameters: JsonObject::from_iter([("type".to_owned(), "object".into())]),
                grants: Grants::default(),
                status: ToolStatus::Enabled,
                is_current: version == tool.version,
            });
        }
    }
    Ok(Registry::with(heads))
}
