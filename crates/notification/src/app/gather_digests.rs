//! Makes one mail of many: those that their recipients want gathered, once they are due.

use std::collections::BTreeSet;

use rolecall_db::Error;
use rolecall_kernel::id::{DeliveryId, EventId, SubjectId};
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;

use crate::context::Shared;
use crate::domain::arrival::Variables;
use crate::domain::category::{Category, Medium};
use crate::domain::delivery::Draft;
use crate::domain::template::Template;
use crate::store::deliveries;
use crate::store::digests::{self, Gathered};
use crate::store::{ended, preferences};

/// The most mails that are gathered in one transaction.
const MOST: u64 = 500;

/// The variable that remembers what the mails of a digest are about; no template shows it.
const CATEGORIES: &str = "categories";

/// Makes the digests that are due, and returns how many.
pub(crate) async fn run(shared: &Shared) -> Result<usize, Error> {
    let now = shared.clock.now();
    if !digests::is_any_due(&shared.database.reader(), now).await? {
        return Ok(0);
    }
    shared
        .database
        .write(|tx| async move {
            ended::enter(&tx).await?;
            let gathered = digests::take(&tx, now, MOST).await?;
            let recipients: Vec<SubjectId> = gathered.iter().map(|mail| mail.recipient_id).collect();
            let wishes = preferences::list(&tx, &recipients).await?;
            // What was ended since it was gathered is not told any more.
            let is_wanted = |mail: &Gathered| {
                wishes.get(&mail.recipient_id).is_none_or(|wishes| wishes.wants(mail.category, Medium::Mail))
            };
            let gathered: Vec<Gathered> = gathered.into_iter().filter(is_wanted).collect();
            let of_one = gathered.chunk_by(|one, other| one.recipient_id == other.recipient_id);
            let drafts: Vec<Draft> = of_one.filter_map(|mails| digest(shared, mails, now)).collect();
            let count = drafts.len();
            deliveries::insert(&tx, drafts, now).await?;
            Ok(count)
        })
        .await
}

/// One line for each mail; to the address of the newest, which is asked for anew before it is sent.
fn digest(shared: &Shared, mails: &[Gathered], now: Timestamp) -> Option<Draft> {
    let last = mails.last()?;
    let read = |mail: &Gathered| serde_json::from_str::<Variables>(&mail.variables).unwrap_or_default();
    let titles = mails.iter().filter_map(|mail| read(mail).remove("title"));
    let text = titles.map(|title| format!("- {title}")).collect::<Vec<_>>().join("\n");
    let mut variables = read(last);
    variables.retain(|name, _| name == "recipient_name" || name == "instance_name");
    let categories: BTreeSet<_> = mails.iter().map(|mail| mail.category.as_str()).collect();
    let categories = categories.into_iter().collect::<Vec<_>>().join(",");
    variables.extend([("text".to_owned(), text), ("count".to_owned(), mails.len().to_string())]);
    variables.insert(CATEGORIES.to_owned(), categories);
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

/// Returns what a mail is about: a digest remembers it, any other mail has one category.
pub(crate) fn categories(category: Category, variables: &Variables) -> BTreeSet<Category> {
    match variables.get(CATEGORIES) {
        Some(names) => names.split(',').filter_map(Category::parse).collect(),
        None => BTreeSet::from([category]),
    }
}
