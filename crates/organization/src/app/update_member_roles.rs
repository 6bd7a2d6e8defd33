//! Replaces the roles of a member.

use std::convert::Infallible;

use super::App;
use super::change_member::{self, Case, Changed, Error, Target};
use crate::domain::custom_role::{NamedRoles, Roles};
use crate::domain::event::What;
use crate::domain::member::Member;
use rolecall_db::once::{Answer, Repeat, once};

const PERMISSION: &str = "organization.members.assign_roles";

/// Whose roles become which.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) target: Target,
    /// Organizational roles; `ADMIN` stays as it is.
    pub(crate) roles: NamedRoles,
    /// The version that the change is based on.
    pub(crate) etag: Option<String>,
    pub(crate) repeat: Option<Repeat<Changed>>,
}

/// Replaces the roles, and makes this process obey before it answers.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Answer<Changed>, Error> {
    let answer = once(&app.database, command.repeat.as_ref(), app.now(), |tx| async move {
        let names = command.roles.custom_names();
        change_member::apply(app, &tx, &command.target, PERMISSION, &names, |case| decide(command, case)).await
    })
    .await?;
    change_member::obey(app, &command.target, &answer).await?;
    Ok(answer)
}

/// Replaces the roles for a caller that repeats by itself.
pub(crate) async fn change(app: &App, command: &Command) -> Result<Member, Error> {
    let changed = app
        .database
        .write(|tx| async move {
            let (names, decide) = (command.roles.custom_names(), |case: &Case<'_>| decide(command, case));
            change_member::apply(app, &tx, &command.target, PERMISSION, &names, decide).await
        })
        .await?;
    app.announce(command.target.user_id.into(), changed.revision);
    Ok(changed.member)
}

/// Checks what [`run`] would check, and returns the member as it would be.
pub(crate) async fn check(app: &App, command: &Command) -> Result<Member, Error> {
    let checked: Result<Infallible, Checked> = app
        .database
        .write(|tx| async move {
            let (names, decide) = (command.roles.custom_names(), |case: &Case<'_>| decide(command, case));
            match change_member::apply(app, &tx, &command.target, PERMISSION, &names, decide).await {
                Ok(changed) => Err(Checked::Possible(changed.member)),
                Err(error) => Err(Checked::Refused(error)),
            }
        })
        .await;
    match checked {
        Err(Checked::Possible(member)) => Ok(member),
        Err(Checked::Refused(error)) => Err(error),
        Ok(never) => match never {},
    }
}

/// What a check found out, as an error: whatever it is, the transaction is rolled back.
enum Checked {
    Possible(Member),
    Refused(Error),
}

impl From<rolecall_db::Error> for Checked {
    fn from(error: rolecall_db::Error) -> Self {
        Self::Refused(error.into())
    }
}

fn decide(command: &Command, case: &Case<'_>) -> Result<Option<(Member, What)>, Error> {
    let Case { member, actor, now, .. } = *case;
    let current = member.etag();
    if command.etag.as_ref().is_some_and(|etag| *etag != current) {
        return Err(Error::EtagMismatch { current });
    }
    let given = command.roles.resolve(&case.named).map_err(Error::RolesUnknown)?;
    let old = member.all_roles();
    let new = Roles { built_in: member.roles.replaced_by(given.built_in), ..given };
    // What is taken counts like what is given: who may not make an owner may not unmake one.
    let beyond = actor.ungrantable(&old.difference(&new), member.organization_id, now);
    if !beyond.is_empty() {
        return Err(Error::NotGrantable(beyond));
    }
    if old == new {
        return Ok(None);
    }
    let (user_id, before, then) = (member.user_id, old.names(), new.names());
    let after: Member = member.clone().with_roles(new).changed(now);
    Ok(Some((after, What::MemberRolesChanged { user_id, old: before, new: then })))
}
