//! What clients asked and were told, and whether what is there afterwards agrees.

use std::collections::{BTreeMap, BTreeSet};

use rolecall_api::identity::v1::{User, UserState};
use rolecall_api::organization::v1::{Member, MemberState};
use rolecall_tests::actor::Actor;
use rolecall_tests::mail::Mail;
use rolecall_tests::refusal;
use rolecall_tests::stack::Stack;
use tonic::Status;

use super::{all_members, all_users, events};
use crate::world::ADMIN;

/// What is asked for a person, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// An administrator makes the account.
    Create,
    /// The person accepts the invitation.
    Accept,
    /// An administrator blocks the person.
    Block,
}

/// How a call ended for its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// There was no such call.
    NotAsked,
    /// The server died first; it was done or not.
    Unknown,
    /// It was said to be done.
    Acknowledged,
}

impl Answer {
    /// Reads the end of a call; nothing that these stories ask for may be refused.
    pub(super) fn of<T>(result: Result<T, Status>) -> Self {
        match result {
            Ok(_) => Self::Acknowledged,
            Err(status) => {
                assert!(!refusal::is_refusal(&status), "refused instead of done: {status:?}");
                Self::Unknown
            }
        }
    }

    const fn allows(self, is_done: bool) -> bool {
        match self {
            Self::NotAsked => !is_done,
            Self::Unknown => true,
            Self::Acknowledged => is_done,
        }
    }
}

/// All calls and how they ended, by address and step.
#[derive(Debug, Default)]
pub(super) struct Ledger(BTreeMap<(String, Step), Answer>);

impl Ledger {
    pub(super) fn note(&mut self, email: &str, step: Step, answer: Answer) {
        let before = self.0.insert((email.to_owned(), step), answer);
        assert_eq!(before, None, "everything is asked once");
    }

    pub(super) fn answer(&self, email: &str, step: Step) -> Answer {
        self.0.get(&(email.to_owned(), step)).copied().unwrap_or(Answer::NotAsked)
    }

    pub(super) fn count(&self, step: Step, answer: Answer) -> usize {
        self.0.iter().filter(|((_, one), end)| *one == step && **end == answer).count()
    }

    /// Compares with what was found; every sentence is something lost, halved, doubled or made up.
    pub(super) fn contradictions(&self, found: &Found) -> Vec<String> {
        let asked: BTreeSet<&str> = self.0.keys().map(|(email, _)| email.as_str()).collect();
        let mut wrong = found.strangers(&asked);
        for email in asked {
            let person = found.person(email);
            for (step, is_done) in
                [(Step::Create, person.exists), (Step::Accept, person.is_active), (Step::Block, person.is_blocked)]
            {
                let answer = self.answer(email, step);
                if !answer.allows(is_done) {
                    wrong.push(format!("{email}: {step:?} is {answer:?}, and done: {is_done}"));
                }
            }
            wrong.extend(person.contradictions().map(|sentence| format!("{email}: {sentence}")));
        }
        wrong
    }
}

/// The topics that tell what happened to a person, and which fact each belongs to.
const TOPICS: [(&str, Step); 5] = [
    ("identity.user_invited", Step::Create),
    ("organization.member_added", Step::Create),
    ("identity.invitation_accepted", Step::Accept),
    ("organization.member_activated", Step::Accept),
    ("organization.member_blocked", Step::Block),
];

/// What is there.
#[derive(Debug, Default)]
pub(super) struct Found {
    users: Vec<User>,
    members: Vec<Member>,
    /// Topic and target of each event of the audit log.
    events: Vec<(&'static str, String)>,
    mails: Vec<Mail>,
}

impl Found {
    /// Reads everything, over the wire and from the mailbox.
    pub(super) async fn read(stack: &Stack, admin: &Actor) -> Self {
        let mut found = Self {
            users: all_users(admin).await.unwrap(),
            members: all_members(admin).await.unwrap(),
            mails: stack.mailbox.mails(),
            ..Self::default()
        };
        for (topic, _) in TOPICS {
            found.events.extend(events(admin, topic).await.into_iter().map(|event| (topic, event.target_id)));
        }
        found
    }

    /// Accounts that nobody asked for, and memberships and events without an account.
    fn strangers(&self, asked: &BTreeSet<&str>) -> Vec<String> {
        let is_known = |id: &str| self.users.iter().any(|user| user.user_id == id);
        let users = self.users.iter().filter(|user| user.email != ADMIN && !asked.contains(user.email.as_str()));
        let users = users.map(|user| format!("nobody asked for {}", user.email));
        let members = self.members.iter().filter(|member| !is_known(&member.user_id));
        let members = members.map(|member| format!("half a user: {member:?}"));
        let events = self.events.iter().filter(|(_, target)| !is_known(target));
        let events = events.map(|(topic, target)| format!("{topic} happened to nobody: {target}"));
        users.chain(members).chain(events).collect()
    }

    fn person(&self, email: &str) -> Person {
        let accounts: Vec<&User> = self.users.iter().filter(|user| user.email == email).collect();
        let id = accounts.first().map_or("", |user| user.user_id.as_str());
        let members: Vec<&Member> = self.members.iter().filter(|member| member.user_id == id).collect();
        let mails = |part: &str| {
            let of_it = self.mails.iter().filter(|mail| mail.to == email && mail.subject.contains(part));
            // A crash between the mail server's answer and its record may repeat a mail, but never as another mail.
            of_it.map(|mail| &mail.message_id).collect::<BTreeSet<_>>().len()
        };
        let happened = |wanted| self.events.iter().filter(|(topic, target)| *topic == wanted && target == id).count();
        let active_members = members.iter().filter(|member| member.state() == MemberState::Active).count();
        let mut traces = vec![
            ("accounts", accounts.len(), Step::Create),
            ("memberships", members.len(), Step::Create),
            ("active memberships", active_members, Step::Accept),
            ("invitation mails", mails("nvit"), Step::Create),
            ("block mails", mails("blocked"), Step::Block),
        ];
        traces.extend(TOPICS.map(|(topic, step)| (topic, happened(topic), step)));
        Person {
            exists: !accounts.is_empty(),
            is_active: accounts.iter().any(|user| user.state() == UserState::Active),
            is_blocked: members.iter().any(|member| member.block.is_some()),
            traces,
        }
    }
}

/// What is there of one person.
#[derive(Debug)]
struct Person {
    exists: bool,
    is_active: bool,
    is_blocked: bool,
    /// What else each fact leaves exactly one of, and nothing without the fact.
    traces: Vec<(&'static str, usize, Step)>,
}

impl Person {
    fn contradictions(&self) -> impl Iterator<Item = String> {
        self.traces.iter().filter_map(|&(what, number, step)| {
            let expected = usize::from(match step {
                Step::Create => self.exists,
                Step::Accept => self.is_active,
                Step::Block => self.is_blocked,
            });
            (number != expected).then(|| format!("{number} {what} instead of {expected}"))
        })
    }
}

#[test]
fn the_ledger_notices_what_is_lost_halved_doubled_or_made_up() {
    let mut ledger = Ledger::default();
    ledger.note("lost@home.example", Step::Create, Answer::Acknowledged);
    ledger.note("half@home.example", Step::Create, Answer::Unknown);
    ledger.note("absent@home.example", Step::Create, Answer::Unknown);
    let user = |id: &str, email: &str| User { user_id: id.to_owned(), email: email.to_owned(), ..User::default() };
    let member = Member { user_id: "3".to_owned(), ..Member::default() };
    let invited = ("identity.user_invited", "1".to_owned());
    let found = Found {
        users: vec![user("1", "half@home.example"), user("2", "made-up@home.example")],
        members: vec![member],
        events: vec![invited.clone(), invited],
        mails: Vec::new(),
    };
    let sentences = ledger.contradictions(&found).join("\n");
    for expected in [
        "nobody asked for made-up@home.example",
        "half a user: Member",
        "lost@home.example: Create is Acknowledged, and done: false",
        "half@home.example: 0 memberships instead of 1",
        "half@home.example: 2 identity.user_invited instead of 1",
        "half@home.example: 0 invitation mails instead of 1",
    ] {
        assert!(sentences.contains(expected), "{expected:?} is not in:\n{sentences}");
    }
    assert!(!sentences.contains("absent"), "what was not acknowledged may be absent:\n{sentences}");
}
