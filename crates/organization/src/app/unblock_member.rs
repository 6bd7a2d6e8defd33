//! Lifts a block.

use super::App;
use super::change_member::{self, Case, Changed, Error, Target};
use crate::domain::event::What;
use crate::domain::member::{Member, MemberState};
use rolecall_db::once::{Answer, Repeat, once};

const PERMISSION: &str = "organization.members.block";

/// Whom to let in again.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) target: Target,
    pub(crate) repeat: Option<Repeat<Changed>>,
}

/// Lifts the block, and makes this process obey before it answers.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Answer<Changed>, Error> {
    let answer = once(&app.database, command.repeat.as_ref(), app.now(), |tx| async move {
        change_member::apply(app, &tx, &command.target, PERMISSION, &[], decide).await
    })
    .await?;
    change_member::obey(app, &command.target, &answer).await?;
    Ok(answer)
}

fn decide(case: &Case<'_>) -> Result<Option<(Member, What)>, Error> {
    let Case { member, now, .. } = *case;
    if member.state != MemberState::Active {
        return Err(Error::NotActive);
    }
    if member.block_in_force(now).is_none() {
        return Err(Error::NotBlocked);
    }
    let after = Member { block: None, ..member.clone() }.changed(now);
    Ok(Some((after, What::MemberUnblocked { user_id: member.user_id })))
}
