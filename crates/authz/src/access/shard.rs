//! A part of the access cache under one lock: entries, and the floors that keep old answers out.
//!
//! A *floor* is the revision of the latest change that is known of a subject: an answer that was
//! read before it never lands, however long it was on its way. Floors outlive their slots: when a
//! slot is evicted, its floor becomes that of the whole shard, which refuses too much, never too little.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use futures::future::{BoxFuture, Shared};
use rolecall_kernel::id::SubjectId;
use tokio::time::{Duration, Instant};

use super::{AccessError, SubjectAccess};

/// What the source answered.
pub(super) type Answer = Result<Option<Arc<SubjectAccess>>, AccessError>;

/// A question to the source that several callers may wait for.
#[derive(Clone)]
pub(super) struct Fill {
    pub(super) answer: Shared<BoxFuture<'static, Answer>>,
    /// What had happened in the shard when the question was asked.
    epoch: u64,
    begun: Instant,
}

#[derive(Default)]
struct Slot {
    floor: i64,
    /// When the subject was invalidated last, in the shard's count of events.
    epoch: u64,
    entry: Option<Entry>,
    fill: Option<Fill>,
    used: u64,
}

impl Slot {
    fn forget(&mut self, fill: &Fill) {
        if self.fill.as_ref().is_some_and(|current| current.answer.ptr_eq(&fill.answer)) {
            self.fill = None;
        }
    }
}

struct Entry {
    access: Arc<SubjectAccess>,
    expires: Instant,
}

/// What became of an answer.
#[derive(Debug)]
pub(super) enum Landing {
    /// It is current, or there is an even newer one.
    Current(Arc<SubjectAccess>),
    /// There is no such subject.
    Unknown,
    /// Something changed while it was on its way.
    Outdated,
}

pub(super) struct Shard {
    slots: HashMap<SubjectId, Slot>,
    capacity: usize,
    /// No smaller revision lands for subjects whose own floor was given up, nor for any subject after a change of all.
    floor: i64,
    /// The same for answers that carry no revision, because there is no such subject.
    epoch: u64,
    /// When everything was invalidated last.
    cleared: u64,
    events: u64,
    ticks: u64,
}

impl Shard {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            slots: HashMap::new(),
            capacity: capacity.max(1),
            floor: i64::MIN,
            epoch: 0,
            cleared: 0,
            events: 0,
            ticks: 0,
        }
    }

    /// Returns the entry of a subject unless it has lived its time.
    pub(super) fn entry(&mut self, subject: SubjectId, now: Instant) -> Option<Arc<SubjectAccess>> {
        self.ticks += 1;
        let slot = self.slots.get_mut(&subject)?;
        slot.used = self.ticks;
        let entry = slot.entry.as_ref().filter(|entry| now < entry.expires)?;
        Some(Arc::clone(&entry.access))
    }

    /// Returns the question that is under way for a subject, or asks a new one; tells whether it is new.
    ///
    /// One that is older than `window`, or than the latest change, is left to those who wait for it.
    pub(super) fn fill(
        &mut self,
        subject: SubjectId,
        now: Instant,
        window: Duration,
        ask: impl FnOnce() -> BoxFuture<'static, Answer>,
    ) -> (Fill, bool) {
        let (cleared, events) = (self.cleared, self.events);
        let slot = self.slot(subject);
        if let Some(fill) = &slot.fill
            && fill.epoch >= slot.epoch.max(cleared)
            && now.duration_since(fill.begun) < window
        {
            return (fill.clone(), false);
        }
        let fill = Fill { answer: futures::FutureExt::shared(ask()), epoch: events, begun: now };
        slot.fill = Some(fill.clone());
        (fill, true)
    }

    /// Gives up a question that was not answered; the next caller asks anew.
    pub(super) fn abandon(&mut self, subject: SubjectId, fill: &Fill) {
        if let Some(slot) = self.slots.get_mut(&subject) {
            slot.forget(fill);
        }
    }

    /// Puts an answer in its place, unless something changed while it was on its way.
    pub(super) fn land(
        &mut self,
        subject: SubjectId,
        fill: &Fill,
        answer: Option<Arc<SubjectAccess>>,
        life: Range<Instant>,
    ) -> Landing {
        let (cleared, epoch, floor) = (self.cleared, self.epoch, self.floor);
        let slot = self.slot(subject);
        slot.forget(fill);
        if fill.epoch < cleared {
            return Landing::Outdated;
        }
        let Some(access) = answer else {
            if fill.epoch < slot.epoch.max(epoch) {
                return Landing::Outdated;
            }
            slot.entry = None;
            return Landing::Unknown;
        };
        if access.revision < slot.floor.max(floor) {
            return Landing::Outdated;
        }
        match &slot.entry {
            // Of two answers that crossed, the newer one counts.
            Some(entry) if entry.access.revision > access.revision && life.start < entry.expires => {
                Landing::Current(Arc::clone(&entry.access))
            }
            _ => {
                slot.entry = Some(Entry { access: Arc::clone(&access), expires: life.end });
                Landing::Current(access)
            }
        }
    }

    /// Forgets what was read of a subject before the revision, and keeps such answers out.
    pub(super) fn invalidate(&mut self, subject: SubjectId, revision: i64) {
        self.events += 1;
        let Some(slot) = self.slots.get_mut(&subject) else {
            // A subject that nobody asks for gets no slot, or an import would evict those who are here.
            self.floor = self.floor.max(revision);
            self.epoch = self.events;
            return;
        };
        slot.floor = slot.floor.max(revision);
        slot.epoch = self.events;
        if slot.entry.as_ref().is_some_and(|entry| entry.access.revision < revision) {
            slot.entry = None;
        }
    }

    /// Forgets what was read of anybody before the revision, and keeps such answers out.
    pub(super) fn invalidate_before(&mut self, revision: i64) {
        self.events += 1;
        self.epoch = self.events;
        self.floor = self.floor.max(revision);
        for slot in self.slots.values_mut() {
            if slot.entry.as_ref().is_some_and(|entry| entry.access.revision < revision) {
                slot.entry = None;
            }
        }
    }

    /// Forgets everything, and keeps out every answer to a question that was asked before.
    pub(super) fn clear(&mut self) {
        self.events += 1;
        self.cleared = self.events;
        for slot in self.slots.values_mut() {
            slot.entry = None;
        }
    }

    /// Forgets everything, floors included, and begins anew at the revision.
    ///
    /// Floors keep out answers that were on their way; those are all kept out by the time of their question.
    pub(super) fn restart(&mut self, revision: i64) {
        self.clear();
        self.floor = revision;
        for slot in self.slots.values_mut() {
            slot.floor = revision;
        }
    }

    fn slot(&mut self, subject: SubjectId) -> &mut Slot {
        if self.slots.len() >= self.capacity && !self.slots.contains_key(&subject) {
            self.evict();
        }
        let floor = i64::MIN;
        let used = self.ticks;
        self.slots.entry(subject).or_insert_with(|| Slot { floor, used, ..Slot::default() })
    }

    /// Gives up the eighth of the slots that was used least recently.
    fn evict(&mut self) {
        let mut by_use: Vec<_> = self.slots.iter().map(|(subject, slot)| (slot.used, *subject)).collect();
        let count = by_use.len().div_ceil(8);
        by_use.select_nth_unstable(count - 1);
        for (_, subject) in &by_use[..count] {
            if let Some(slot) = self.slots.remove(subject) {
                self.floor = self.floor.max(slot.floor);
                self.epoch = self.epoch.max(slot.epoch);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }
}
