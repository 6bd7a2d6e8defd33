//! Keeps a member out.

use rolecall_db::fault;
use rolecall_kernel::text::Reason;
use rolecall_kernel::time::Timestamp;

use super::App;
use super::change_member::{self, Case, Changed, Error, Target};
use crate::domain::event::What;
use crate::domain::member::{Block, Member, MemberState};
use rolecall_db::once::{Answer, Repeat, once};

const PERMISSION: &str = "organization.members.block";

/// Whom to keep out, why and how long.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) target: Target,
    pub(crate) reason: Reason,
    /// When the block ends by itself.
    pub(crate) until: Option<Timestamp>,
    pub(crate) repeat: Option<Repeat<Changed>>,
}

/// Blocks, and makes this process obey before it answers.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Answer<Changed>, Error> {
    let answer = once(&app.database, command.repeat.as_ref(), app.now(), |tx| async move {
        let changed =
            change_member::apply(app, &tx, &command.target, PERMISSION, &[], |case| decide(command, case)).await?;
        fault::point("block.before_commit");
        Ok::<_, Error>(changed)
    })
    .await?;
    fault::point("block.after_commit");
    change_member::obey(app, &command.target, &answer).await?;
    Ok(answer)
}

fn decide(command: &Command, case: &Case<'_>) -> Result<Option<(Member, What)>, Error> {
    let Case { member, actor, now, .. } = *case;
    if member.state != MemberState::Active {
        return Err(Error::NotActive);
    }
    let (reason, until) = (command.reason.clone(), command.until);
    let block = Block { reason: reason.clone(), until, since: now, actor: actor.subject_id() };
    let after = Member { block: Some(block), ..member.clone() }.changed(now);
    Ok(Some((after, What::MemberBlocked { user_id: member.user_id, reason, until })))
}
