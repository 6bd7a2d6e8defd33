//! Makes one mail of many: those that their recipients want gathered, once they are due.

use rolecall_db::Error;
use rolecall_kernel::id::{DeliveryId, EventId};
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;

use crate::context::Shared;
use crate::domain::arrival::Variables;
use crate::domain::delivery::Draft;
use crate::domain::template::Template;
use crate::store::deliveries;
use crate::store::digests::{self, Gathered};

/// The most mails that are gathered in one transaction.
const MOST: u64 = 500;

/// Makes the digests that are due, and returns how many.
pub(crate) async fn run(shared: &Shared) -> Result<usize, Error> {
    let now = shared.clock.now();
    if !digests::is_any_due(&shared.database.reader(), now).await? {
        return Ok(0);
    }
    shared
        .database
        .write(|tx| async move {
            let gathered = digests::take(&tx, now, MOST).await?;
            let of_one = gathered.chunk_by(|one, other| one.recipient_id == other.recipient_id);
            let drafts: Vec<Draft> = of_one.filter_map(|mails| digest(shared, mails, now)).collect();
            let count = drafts.len();
            deliveries::insert(&tx, drafts, now).await?;
            Ok(count)
        })
        .await
}

/// One line for each mail; to the address of the newest.
fn digest(shared: &Shared, mails: &[Gathered], now: Timestamp) -> Option<Draft> {
    let last = mails.last()?;
    let read = |mail: &Gathered| serde_json::from_str::<Variables>(&mail.variables).unwrap_or_default();
    let titles = mails.iter().filter_map(|mail| read(mail).remove("title"));
    let text = titles.map(|title| format!("- {title}")).collect::<Vec<_>>().join("\n");
    let mut variables = read(last);
    variables.retain(|name, _| name == "recipient_name" || name == "instance_name");
    variables.extend([("text".to_owned(), text), ("count".to_owned(), mails.len().to_string())]);
    let is_of_one = mails.iter().all(|mail| mail.organization_id == last.organization_id);
    Some(Draft {
        delivery_id: DeliveryId::new(now, &*shared.entropy),
        event_id: EventId::new(now, &*shared.entropy),
        organization_id: last.organization_id.filter(|_| is_of_one),
        recipient_id: last.recipient_id,
        template: Template::Digest,
        email: EmailAddress::parse(&last.email).ok()?,
        variables,
        sealed_secret: None,
        expires: None,
        channel: shared.channel.kind(),
        trace: None,
        category: Template::Digest.category(),
        due: None,
    })
}
