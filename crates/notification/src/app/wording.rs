//! What is told to whom: a text as it is, or what a template makes of data in the language of each reader.

use std::collections::{BTreeMap, HashMap, HashSet};

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::{NotificationId, TemplateId};
use rolecall_templates::render::{self, Said, UnusableError};
use rolecall_templates::{Content, Data, Locale, Text};

use crate::domain::arrival::Variables;
use crate::domain::delivery::Due;
use crate::domain::notification::InlineText;
use crate::domain::own_template::OwnTemplate;
use crate::domain::schedule::Outcome;
use crate::domain::template::Template;
use crate::store::notifications::{self, Sending};
use crate::store::templates;

/// What is told, in every language that it can be told in.
pub(super) enum Spoken<'a> {
    Inline(&'a InlineText),
    Template { template: OwnTemplate, data: Data, said: BTreeMap<Locale, Said> },
}

impl Spoken<'_> {
    /// Takes data that fits a template, and sees that it makes a mail in every language.
    pub(super) fn of(template: OwnTemplate, data: Data) -> Result<Self, UnusableError> {
        let say = |text: &Text| Ok((text.locale.clone(), render::render(text, &data)?));
        let said = template.content.texts.iter().map(say).collect::<Result<_, UnusableError>>()?;
        Ok(Self::Template { template, data, said })
    }

    /// Returns title and text for a reader of a language.
    pub(super) fn to(&self, locale: Option<&Locale>) -> (&str, &str) {
        match self {
            Self::Inline(text) => (text.title.as_str(), text.text.as_str()),
            Self::Template { template, said, .. } => {
                let said = template.content.text_for(locale).and_then(|text| said.get(&text.locale));
                said.map(|said| (said.subject.as_str(), said.text.as_str())).unwrap_or_default()
            }
        }
    }
}

/// Returns what a template says to a reader of a language, and in which language that is.
pub(super) fn say(content: &Content, locale: Option<&Locale>, data: &Data) -> Result<(Locale, Said), UnusableError> {
    let text = content.text_for(locale).ok_or(UnusableError::Empty)?;
    Ok((text.locale.clone(), render::render(text, data)?))
}

/// What the built-in template around it shows.
pub(super) fn variables(said: Said) -> Variables {
    let html = Some(said.html).filter(|html| !html.is_empty());
    let shown = [("title", Some(said.subject)), ("text", Some(said.text)), ("html", html)];
    shown.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?))).collect()
}

/// What claimed mails say that were accepted with a template: its version of then, and the data.
#[derive(Default)]
pub(super) struct Wordings {
    sendings: HashMap<NotificationId, Sending>,
    contents: HashMap<(TemplateId, i32), Content>,
}

impl Wordings {
    /// Reads what claimed mails say.
    pub(super) async fn read(tx: &Tx, claimed: &[Due]) -> Result<Self, Error> {
        let messages = claimed.iter().filter(|due| due.template == Template::Message.as_str());
        let ids: Vec<NotificationId> = messages.map(notification).collect();
        let sendings = notifications::list_sendings(tx, &ids).await?;
        let versions: HashSet<_> = sendings.values().map(|sending| (sending.template_id, sending.version)).collect();
        let contents = templates::list_contents(tx, &versions).await?;
        Ok(Self { sendings, contents })
    }

    /// Tells whether only members of its organization may get a mail.
    pub(super) fn is_for_members(&self, due: &Due) -> bool {
        self.sendings.get(&notification(due)).is_some_and(|sending| sending.is_for_members)
    }

    /// Adds what a mail says to a reader of a language.
    pub(super) fn add(&self, due: &Due, locale: Option<&Locale>, variables: &mut Variables) -> Result<(), Outcome> {
        if due.template != Template::Message.as_str() || variables.contains_key("text") {
            return Ok(());
        }
        let refused = |reason: &str| Outcome::Refused(reason.to_owned());
        let sending = self.sendings.get(&notification(due)).ok_or_else(|| refused("what it says is gone"))?;
        let content = self.contents.get(&(sending.template_id, sending.version));
        let content = content.ok_or_else(|| refused("its template is gone"))?;
        let said = say(content, locale, &sending.data);
        let (_, said) = said.map_err(|error| refused(&format!("its template cannot be used: {error}")))?;
        variables.extend(self::variables(said));
        Ok(())
    }
}

/// The event of a message is the notification that it belongs to.
fn notification(due: &Due) -> NotificationId {
    NotificationId::from_uuid(due.event_id.as_uuid())
}
