//! How organizations want to be run: columns of their rows.

use std::time::Duration;

use rolecall_db::Error;
use rolecall_kernel::id::OrganizationId;
use rolecall_kernel::text::EmailDomain;
use rolecall_kernel::time::Timestamp;
use sea_orm::{ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _};

use super::corrupt;
use super::entity::organization::{Column, Entity, Model};
use super::organizations::ACTIVE;
use crate::domain::organization::MfaPolicy;
use crate::domain::settings::{PasswordPolicy, RegistrationMode, SessionLimits, Settings, StoredSettings};

/// Reads the settings of those of the organizations that exist.
pub(crate) async fn list_by_id<C: ConnectionTrait>(
    connection: &C,
    ids: &[OrganizationId],
) -> Result<Vec<StoredSettings>, Error> {
    let query = Entity::find()
        .filter(Column::OrganizationId.is_in(ids.iter().map(|id| id.as_uuid())))
        .filter(Column::State.eq(ACTIVE));
    let rows = query.all(connection).await?;
    Ok(rows.iter().map(from_row).collect::<Result<_, _>>()?)
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
