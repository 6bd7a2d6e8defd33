//! Row 11: how long an old token still opens doors after its person was blocked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rolecall_api::identity::v1 as identity;
use rolecall_api::notification::v1 as notification;
use rolecall_api::organization::v1 as organization;
use rolecall_tests::actor::{Actor, PASSWORD};
use rolecall_tests::stack::Stack;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::world;
use crate::Settings;
use crate::measure::summary;
use crate::report::Line;

/// The address of a person beside the first administrator.
pub(super) const EMAIL: &str = "busy@home.example";

/// Blocks a person under load, in three processes, and takes the time of the last call that still worked.
pub(crate) async fn run(settings: &Settings) -> anyhow::Result<Vec<Line>> {
    let stack = Stack::start(world::THREE_POSTGRES).await;
    let admin = world::bootstrap(&stack).await?;
    let person = second_owner(&stack, &admin).await?;
    let mut late = Vec::new();
    for _ in 0..settings.blocks {
        late.extend(block_once(&stack, &admin, &person).await?);
    }
    let all = summary(&late, |millis| *millis);
    let mut sorted = late.clone();
    sorted.sort_by(f64::total_cmp);
    let p99 = sorted.get(sorted.len() * 99 / 100).or(sorted.last()).copied().unwrap_or(f64::NAN);
    Ok(vec![Line {
        row: 11,
        work: format!("block a person whose token is used on three services at once, {} blocks", settings.blocks),
        yardstick: "the moment at which the block was answered".to_owned(),
        result: format!(
            "last success after {:.0} ms (median), {p99:.0} ms (p99), {:.0} ms (worst)",
            all.median, all.max
        ),
        goal: "p99 under 1 s, worst 5 s".to_owned(),
        met: p99 < 1_000.0 && all.max < 5_000.0,
    }])
}

/// Makes a person that can log in beside the first administrator.
pub(super) async fn second_owner(stack: &Stack, admin: &Actor) -> anyhow::Result<String> {
    let request = identity::CreateUserRequest {
        email: EMAIL.to_owned(),
        given_name: "Busy".to_owned(),
        family_name: "Person".to_owned(),
        roles: vec!["OWNER".to_owned()],
        ..Default::default()
    };
    let user = admin.users().create_user(request).await?.into_inner().user.unwrap_or_default();
    let code = stack.mailbox.wait_for(EMAIL, "nvit").await.code();
    let request = identity::AcceptInvitationRequest {
        code,
        password: PASSWORD.to_owned(),
        password_confirmation: PASSWORD.to_owned(),
    };
    Actor::anonymous(stack).registration().accept_invitation(request).await?;
    Ok(user.user_id)
}

/// Milliseconds from the answer of the block to the last call that still worked, one value a service.
async fn block_once(stack: &Stack, admin: &Actor, person: &str) -> anyhow::Result<Vec<f64>> {
    let busy = log_in_again(stack).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let hammer = |service| hammer(busy.clone(), service, Arc::clone(&stop));
    let hammers: JoinSet<_> = (0..3).map(hammer).collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let request = organization::BlockMemberRequest {
        user_id: person.to_owned(),
        reason: "bench".to_owned(),
        ..Default::default()
    };
    admin.members().block_member(request).await?;
    let answered = Instant::now();
    tokio::time::sleep(Duration::from_secs(2)).await;
    stop.store(true, Ordering::Relaxed);
    let mut late = Vec::new();
    for last in hammers.join_all().await {
        anyhow::ensure!(last.is_some(), "the token never worked before the block");
        late.push(last.map_or(0.0, |last| last.saturating_duration_since(answered).as_secs_f64() * 1e3));
    }
    let request = organization::UnblockMemberRequest { user_id: person.to_owned(), ..Default::default() };
    admin.members().unblock_member(request).await?;
    Ok(late)
}

/// Another process may learn of the lifted block a moment later.
async fn log_in_again(stack: &Stack) -> anyhow::Result<Actor> {
    for _ in 0..100 {
        if let Ok(actor) = Actor::log_in(stack, EMAIL).await {
            return Ok(actor);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(Actor::log_in(stack, EMAIL).await?)
}

/// Calls one service without pause, and tells when a call last worked.
async fn hammer(actor: Actor, service: usize, stop: Arc<AtomicBool>) -> Option<Instant> {
    let mut last = None;
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        let worked = match service {
            0 => actor.account().get_account(identity::GetAccountRequest {}).await.is_ok(),
            1 => actor.access().get_my_access(organization::GetMyAccessRequest {}).await.is_ok(),
            _ => actor.deliveries().list_deliveries(notification::ListDeliveriesRequest::default()).await.is_ok(),
        };
        if worked {
            last = Some(begun);
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    last
}
