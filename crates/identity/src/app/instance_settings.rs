//! Reads and changes how the installation presents itself.

use std::convert::Infallible;
use std::sync::Arc;

use rolecall_db::{Database, Error as StoreError, Tx};
use rolecall_kernel::entropy::Entropy;
use rolecall_kernel::id::{InstanceId, SubjectId};
use rolecall_kernel::time::Timestamp;
use tokio::sync::watch;

use super::Resources;
use super::fault::{Fault, take_faults};
use super::once::{Answer, Once, take_repeats};
use crate::domain::event::Event;
use crate::domain::instance_settings::{InstanceChange, InstanceSettings};
use crate::events::publish::about;
use crate::store::{instance, instance_settings};

/// The name of the installation as this process last read it, for what must not wait for the database.
#[derive(Debug)]
pub(crate) struct Name(watch::Sender<Arc<str>>);

impl Name {
    /// Takes the name that counts until one is read.
    pub(crate) fn new(name: &str) -> Self {
        Self(watch::Sender::new(name.into()))
    }

    /// Returns the name.
    pub(crate) fn get(&self) -> Arc<str> {
        Arc::clone(&self.0.borrow())
    }

    fn set(&self, name: &str) {
        self.0.send_replace(name.into());
    }
}

/// Draws the identifier of a new installation and stores it; that of the first start counts for ever.
pub(crate) async fn begin(
    db: &Database,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<InstanceSettings, StoreError> {
    let instance_id = InstanceId::new(now, entropy);
    db.write(|tx| async move {
        instance_settings::insert(&tx, instance_id).await?;
        instance_settings::get(&tx).await
    })
    .await
}

/// The settings, and the name that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Presented {
    /// The settings.
    pub(crate) settings: InstanceSettings,
    /// What the installation is called.
    pub(crate) name: String,
}

impl Presented {
    fn new(resources: &Resources, settings: InstanceSettings) -> Self {
        Self { name: settings.name_or(&resources.config.server_name).to_owned(), settings }
    }
}

/// Reads the settings.
pub(crate) async fn get(resources: &Resources) -> Result<Presented, StoreError> {
    let presented = Presented::new(resources, instance_settings::get(&resources.db.reader()).await?);
    resources.instance_name.set(&presented.name);
    Ok(presented)
}

/// Reads the name anew; what was known stays while the database is silent.
pub(crate) async fn refresh_name(resources: &Resources) {
    if let Err(error) = get(resources).await {
        tracing::warn!(%error, "the settings of the instance cannot be read");
    }
}

/// Tells whether strangers may look around in the home organization. What cannot be found out is not allowed.
pub(crate) async fn are_guests_allowed(resources: &Resources) -> Result<bool, StoreError> {
    let Some(home) = instance::find_home(&resources.db.reader()).await? else { return Ok(false) };
    match resources.organization.settings(home).await {
        Ok(settings) => Ok(settings.is_some_and(|settings| settings.guest_sessions)),
        Err(error) => {
            tracing::warn!(%error, "the settings of the home organization cannot be read");
            Ok(false)
        }
    }
}

/// Which settings become what.
#[derive(Debug)]
pub(crate) struct Command {
    /// Who changes them.
    pub(crate) actor: SubjectId,
    /// The new values.
    pub(crate) change: InstanceChange,
    /// The version that the change is based on.
    pub(crate) etag: Option<String>,
    /// Checks everything and changes nothing.
    pub(crate) validate_only: bool,
    /// The name of the change.
    pub(crate) once: Option<Once<Presented>>,
}

/// Why the settings stay.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Somebody else changed them; this is their version now.
    #[error("the settings have changed to {0}")]
    EtagMismatch(String),
    /// The name of the change was used for another.
    #[error("the request id was used with other content")]
    RequestIdReused,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_faults!(Error);
take_repeats!(Error);

/// Changes the settings.
pub(crate) async fn update(resources: &Resources, command: &Command) -> Result<Answer<Presented>, Error> {
    let reader = resources.db.reader();
    if command.validate_only {
        return check(resources, command).await.map(Answer::Fresh);
    }
    if let Some(stored) = Once::find(command.once.as_ref(), &reader).await? {
        return Ok(Answer::Stored(stored));
    }
    let now = resources.now();
    let changed = resources.db.write(|tx| async move {
        let new = Presented::new(resources, apply(resources, &tx, command, now).await?);
        Once::store(command.once.as_ref(), &tx, &new, now).await?;
        Ok(new)
    });
    match changed.await {
        Ok(new) => {
            resources.instance_name.set(&new.name);
            Ok(Answer::Fresh(new))
        }
        Err(error) => {
            let stored = Once::find(command.once.as_ref(), &reader).await?;
            stored.map(Answer::Stored).ok_or(error)
        }
    }
}

/// Checks what [`update`] would check, and returns the settings as they would be; all is rolled back.
async fn check(resources: &Resources, command: &Command) -> Result<Presented, Error> {
    let now = resources.now();
    let checked: Result<Infallible, Checked> = resources
        .db
        .write(|tx| async move {
            match apply(resources, &tx, command, now).await {
                Ok(new) => Err(Checked::Possible(new)),
                Err(error) => Err(Checked::Refused(error)),
            }
        })
        .await;
    match checked {
        Err(Checked::Possible(new)) => Ok(Presented::new(resources, new)),
        Err(Checked::Refused(error)) => Err(error),
        Ok(never) => match never {},
    }
}

/// What a check found out, as an error: whatever it is, the transaction is rolled back.
enum Checked {
    Possible(InstanceSettings),
    Refused(Error),
}

impl From<StoreError> for Checked {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

async fn apply(resources: &Resources, tx: &Tx, command: &Command, now: Timestamp) -> Result<InstanceSettings, Error> {
    let old = instance_settings::lock(tx).await?;
    let current = old.etag();
    if command.etag.as_ref().is_some_and(|etag| *etag != current) {
        return Err(Error::EtagMismatch(current));
    }
    let new = old.changed(&command.change, now);
    if new != old {
        instance_settings::update(tx, &new).await?;
        let (old_settings, new_settings) = old.differences(&new, &resources.config.server_name);
        let event = Event::InstanceSettingsChanged { old_settings, new_settings };
        resources.publisher.append(tx, &about(Some(command.actor), None, None, now, event)).await?;
    }
    Ok(new)
}
