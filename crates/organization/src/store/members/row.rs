//! Members as rows.

use rolecall_kernel::id::{OrganizationId, SubjectId, UserId};
use rolecall_kernel::text::Reason;
use rolecall_kernel::time::Timestamp;
use sea_orm::{DbErr, Set};

use crate::domain::custom_role::CustomRoles;
use crate::domain::member::{Block, Member, MemberState};
use crate::domain::role::{Role, RoleSet};
use crate::store::corrupt;
use crate::store::entity::member::{ActiveModel, Model};

pub(super) const HIDDEN: &str = "HIDDEN";
pub(super) const PENDING: &str = "PENDING";
pub(super) const ACTIVE: &str = "ACTIVE";

fn state_name(state: MemberState) -> &'static str {
    match state {
        MemberState::Hidden => HIDDEN,
        MemberState::Pending => PENDING,
        MemberState::Active => ACTIVE,
    }
}

fn parse_roles(text: &str) -> Result<RoleSet, DbErr> {
    let names = text.split(',').filter(|name| !name.is_empty());
    names.map(Role::parse).collect::<Result<_, _>>().map_err(|_| corrupt("role of a member"))
}

pub(super) fn to_row(member: &Member, added_by: Option<SubjectId>) -> ActiveModel {
    let block = member.block.as_ref();
    ActiveModel {
        user_id: Set(member.user_id.as_uuid()),
        organization_id: Set(member.organization_id.as_uuid()),
        state: Set(state_name(member.state).to_owned()),
        roles: Set(member.roles.names().join(",")),
        is_owner: Set(member.roles.contains(Role::Owner)),
        is_admin: Set(member.roles.contains(Role::Admin)),
        block_reason: Set(block.map(|block| block.reason.as_str().to_owned())),
        blocked_since: Set(block.map(|block| block.since.as_micros())),
        blocked_until: Set(block.and_then(|block| block.until).map(Timestamp::as_micros)),
        blocked_by: Set(block.map(|block| block.actor.as_uuid())),
        added_by: Set(added_by.map(SubjectId::as_uuid)),
        version: Set(member.version),
        created: Set(member.created.as_micros()),
        updated: Set(member.updated.as_micros()),
    }
}

fn block(row: &Model) -> Result<Option<Block>, DbErr> {
    let (Some(reason), Some(since), Some(actor)) = (&row.block_reason, row.blocked_since, row.blocked_by) else {
        return Ok(None);
    };
    Ok(Some(Block {
        reason: Reason::parse(reason).map_err(|_| corrupt("reason of a block"))?,
        until: row.blocked_until.map(Timestamp::from_micros),
        since: Timestamp::from_micros(since),
        actor: SubjectId::from_uuid(actor),
    }))
}

pub(super) fn from_row(row: &Model, custom: CustomRoles) -> Result<Member, DbErr> {
    Ok(Member {
        block: block(row)?,
        user_id: UserId::from_uuid(row.user_id),
        organization_id: OrganizationId::from_uuid(row.organization_id),
        state: match row.state.as_str() {
            HIDDEN => MemberState::Hidden,
            PENDING => MemberState::Pending,
            ACTIVE => MemberState::Active,
            _ => return Err(corrupt("state of a member")),
        },
        roles: parse_roles(&row.roles)?,
        custom,
        version: row.version,
        created: Timestamp::from_micros(row.created),
        updated: Timestamp::from_micros(row.updated),
    })
}
