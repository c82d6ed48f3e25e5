//! Tells what there is to tell, once.

use serde_json::json;

use crate::client::Client;
use crate::client::wire::{Notice, Page};
use crate::output::text::one_line;

/// The name under which this channel takes notices.
const CHANNEL: &str = "chat";

/// Takes what waits, hands each to `print`, and reports it as told. A notice that could not be
/// printed is not reported, and waits again.
///
/// # Errors
/// The node cannot be reached, or `print` fails. Whoever is not the owner has no notices.
pub(super) async fn tell(
    client: &Client,
    mut print: impl FnMut(&str) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let channel = json!({ "channel": CHANNEL });
    // Whoever has opened a conversation is there, whatever the hour.
    let take = json!({ "channel": CHANNEL, "person_is_there": true });
    let Ok(answer) = client.post(&["notices", "take"], &take).await else {
        // An agent's or a viewer's key: the notices are the owner's. Whatever else is the matter,
        // the message itself will find.
        return Ok(());
    };
    let page: Page<Notice> = answer.read()?;
    for notice in &page.items {
        print(&format!("* {}", one_line(&notice.text)))?;
        // It may be told by now, and answered at once, over another channel: that is no failure here.
        client
            .post_unless_conflict(&["notices", &notice.id, "deliver"], &channel)
            .await?;
    }
    Ok(())
}
