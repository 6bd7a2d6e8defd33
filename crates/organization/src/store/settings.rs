//! How organizations want to be run: columns of their rows.

use std::time::Duration;

use rolecall_authz::{Permit, Scope};
use rolecall_db::{Error, LockRows as _, Tx};
use rolecall_kernel::id::{OrganizationId, UserId};
use rolecall_kernel::text::EmailDomain;
use rolecall_kernel::time::Timestamp;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    Select, Set,
};

use super::corrupt;
use super::entity::organization::{ActiveModel, Column, Entity, Model};
use super::organizations::{self, ACTIVE};
use crate::domain::organization::{MfaPolicy, Organization};
use crate::domain::page::Position;
use crate::domain::settings::{LoginPolicy, PasswordPolicy, RegistrationMode, SessionLimits, Settings, StoredSettings};

/// Reads the settings of those of the organizations that exist.
pub(crate) async fn list_by_id<C: ConnectionTrait>(
    connection: &C,
    ids: &[OrganizationId],
) -> Result<Vec<StoredSettings>, Error> {
    Ok(list_with_organizations(connection, ids).await?.into_iter().map(|(_, settings)| settings).collect())
}

/// Reads those of the organizations that exist, and their settings.
pub(crate) async fn list_with_organizations<C: ConnectionTrait>(
    connection: &C,
    ids: &[OrganizationId],
) -> Result<Vec<(Organization, StoredSettings)>, Error> {
    let query = Entity::find()
        .filter(Column::OrganizationId.is_in(ids.iter().map(|id| id.as_uuid())))
        .filter(Column::State.eq(ACTIVE));
    let rows = query.all(connection).await?;
    Ok(rows.iter().map(both).collect::<Result<_, _>>()?)
}

fn both(row: &Model) -> Result<(Organization, StoredSettings), DbErr> {
    Ok((organizations::from_row(row)?, from_row(row)?))
}

/// Reads the settings of an organization within the scope.
pub(crate) async fn find<C: ConnectionTrait>(
    connection: &C,
    scope: &Scope,
    id: OrganizationId,
) -> Result<Option<StoredSettings>, Error> {
    let Some(query) = within(scope, id) else { return Ok(None) };
    let row = query.one(connection).await?;
    Ok(row.as_ref().map(from_row).transpose()?)
}

/// The same, and keeps the organization as it is until the transaction ends.
pub(crate) async fn find_locked(tx: &Tx, scope: &Scope, id: OrganizationId) -> Result<Option<StoredSettings>, Error> {
    let Some(query) = within(scope, id) else { return Ok(None) };
    let row = query.lock_for_update().one(tx).await?;
    Ok(row.as_ref().map(from_row).transpose()?)
}

fn within(scope: &Scope, id: OrganizationId) -> Option<Select<Entity>> {
    let query = Entity::find_by_id(id.as_uuid()).filter(Column::State.eq(ACTIVE));
    scope.includes_organization(id).then_some(query)
}

/// Lists organizations that take registrations, in order of creation.
pub(crate) async fn list_discoverable<C: ConnectionTrait>(
    connection: &C,
    after: Option<Position>,
    limit: u64,
) -> Result<Vec<(Organization, StoredSettings)>, Error> {
    // Spelled as in the condition of its index.
    let mut query = Entity::find()
        .filter(Column::RegistrationMode.eq(RegistrationMode::SelfService.name()))
        .filter(Column::State.eq(ACTIVE))
        .filter(Column::SuspendedSince.is_null());
    if let Some(after) = after {
        query = query.filter(organizations::beyond(after));
    }
    let query = query.order_by_asc(Column::Created).order_by_asc(Column::OrganizationId).limit(limit);
    let rows = query.all(connection).await?;
    Ok(rows.iter().map(both).collect::<Result<_, _>>()?)
}

/// Writes changed settings, unless somebody was faster.
pub(crate) async fn update(tx: &Tx, permit: &Permit, stored: &StoredSettings) -> Result<(), Error> {
    let settings = &stored.settings;
    let domains: Vec<&str> = settings.allowed_email_domains.iter().map(EmailDomain::as_str).collect();
    let row = ActiveModel {
        registration_mode: Set(settings.registration_mode.name().to_owned()),
        allowed_email_domains: Set(domains.join(",")),
        mfa_policy: Set(settings.mfa_policy.name().to_owned()),
        password_min_characters: Set(settings.password.min_characters.and_then(|fewest| i16::try_from(fewest).ok())),
        password_three_classes: Set(settings.password.require_three_classes),
        invitation_lifetime: Set(settings.invitation_lifetime.map(micros)),
        session_idle: Set(settings.session.idle.map(micros)),
        session_absolute: Set(settings.session.absolute.map(micros)),
        guest_sessions: Set(settings.guest_sessions),
        owner_impersonation: Set(settings.owner_impersonation),
        login_policy: Set(settings.login_policy.name().to_owned()),
        break_glass_user_id: Set(settings.break_glass.map(UserId::as_uuid)),
        settings_version: Set(stored.version),
        settings_updated: Set(stored.updated.map(Timestamp::as_micros)),
        ..ActiveModel::default()
    };
    let inside = permit.facts().organization_id.map(OrganizationId::as_uuid);
    let query = Entity::update_many()
        .set(row)
        .filter(Column::OrganizationId.eq(stored.organization_id.as_uuid()))
        .filter(Column::OrganizationId.eq(inside))
        .filter(Column::SettingsVersion.eq(stored.version - 1));
    if query.exec(tx).await?.rows_affected == 1 { Ok(()) } else { Err(Error::Conflict) }
}

/// Finds who alone has a password in an organization; none where everybody may have one.
pub(super) async fn find_break_glass(tx: &Tx, organization: OrganizationId) -> Result<Option<UserId>, Error> {
    let row = Entity::find_by_id(organization.as_uuid()).one(tx).await?;
    Ok(row.and_then(|row| row.break_glass_user_id).map(UserId::from_uuid))
}

/// None is longer than what fits.
fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

fn from_row(row: &Model) -> Result<StoredSettings, DbErr> {
    let wrong = || corrupt("setting of an organization");
    let min_characters = row.password_min_characters.map(u16::try_from).transpose().map_err(|_| wrong())?;
    Ok(StoredSettings {
        organization_id: OrganizationId::from_uuid(row.organization_id),
        settings: Settings {
            registration_mode: RegistrationMode::parse(&row.registration_mode).ok_or_else(wrong)?,
            allowed_email_domains: domains(&row.allowed_email_domains)?,
            mfa_policy: MfaPolicy::parse(&row.mfa_policy).ok_or_else(wrong)?,
            password: PasswordPolicy { min_characters, require_three_classes: row.password_three_classes },
            invitation_lifetime: duration(row.invitation_lifetime)?,
            session: SessionLimits { idle: duration(row.session_idle)?, absolute: duration(row.session_absolute)? },
            guest_sessions: row.guest_sessions,
            owner_impersonation: row.owner_impersonation,
            login_policy: LoginPolicy::parse(&row.login_policy).ok_or_else(wrong)?,
            break_glass: row.break_glass_user_id.map(UserId::from_uuid),
        },
        version: row.settings_version,
        updated: row.settings_updated.map(Timestamp::from_micros),
    })
}

fn domains(text: &str) -> Result<Vec<EmailDomain>, DbErr> {
    let names = text.split(',').filter(|name| !name.is_empty());
    names.map(EmailDomain::parse).collect::<Result<_, _>>().map_err(|_| corrupt("mail domain of an organization"))
}

fn duration(micros: Option<i64>) -> Result<Option<Duration>, DbErr> {
    let micros = micros.map(u64::try_from).transpose().map_err(|_| corrupt("duration of an organization"))?;
    Ok(micros.map(Duration::from_micros))
}
