//! The tokens of links that end mails of a kind. They prove that somebody read a mail of ours to that person, and
//! open nothing else, so they never expire (RFC 8058 wants them to work without a login).

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rolecall_kernel::id::SubjectId;
use rolecall_kernel::key::KeyedHash;
use rolecall_kernel::text::EmailAddress;
use uuid::Uuid;

use super::category::Category;

/// The bytes of an id, a category and a keyed hash.
const PARTS: (usize, usize, usize) = (16, 1, 16);

/// Set in every byte that holds categories by their bits; a smaller one is the position of a category alone.
const BITS: u8 = 0x80;

/// Stands for everything that is not mandatory.
const EVERYTHING: u8 = u8::MAX;

/// Makes and reads tokens.
#[derive(Debug, Clone)]
pub(crate) struct Tokens(KeyedHash);

impl Tokens {
    pub(crate) const fn new(hash: KeyedHash) -> Self {
        Self(hash)
    }

    /// Makes the token by which a person ends mails of these categories.
    pub(crate) fn issue(&self, subject: SubjectId, categories: &BTreeSet<Category>) -> String {
        let mut bytes = subject.as_uuid().as_bytes().to_vec();
        bytes.push(categories.iter().fold(BITS, |bits, category| bits | bit(*category)));
        let proof = self.prove(&bytes);
        bytes.extend(proof);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a token; nothing when it was not made here.
    pub(crate) fn read(&self, token: &str) -> Option<(SubjectId, BTreeSet<Category>)> {
        let length = PARTS.0 + PARTS.1 + PARTS.2;
        let bytes = URL_SAFE_NO_PAD.decode(token).ok().filter(|bytes| bytes.len() == length)?;
        let (said, proof) = bytes.split_at_checked(PARTS.0 + PARTS.1)?;
        // Hashed once more, so that the time of the comparison tells nothing of the proof.
        if self.0.hash(&[proof]) != self.0.hash(&[&self.prove(said)]) {
            return None;
        }
        let (subject, kind) = said.split_at_checked(PARTS.0)?;
        let subject = SubjectId::from_uuid(Uuid::from_slice(subject).ok()?);
        let all = Category::ALL.into_iter();
        let categories = match kind {
            [EVERYTHING] => all.filter(|category| !category.is_mandatory()).collect(),
            [bits] if bits & BITS != 0 => all.filter(|category| bits & bit(*category) != 0).collect(),
            [position] => BTreeSet::from([*Category::ALL.get(usize::from(*position))?]),
            _ => return None,
        };
        Some((subject, categories))
    }

    fn prove(&self, said: &[u8]) -> Vec<u8> {
        self.0.hash(&[b"link", said]).into_iter().take(PARTS.2).collect()
    }

    /// Returns the id that stands for an address without an account; the same whenever it is asked for.
    pub(crate) fn subject_of(&self, address: &EmailAddress) -> SubjectId {
        let hash = self.0.hash(&[b"address", address.key().as_bytes()]);
        let mut bytes = [0; PARTS.0];
        bytes.copy_from_slice(&hash[..PARTS.0]);
        SubjectId::from_uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

fn bit(category: Category) -> u8 {
    Category::ALL.iter().position(|known| *known == category).map_or(0, |position| 1 << position)
}

#[cfg(test)]
mod tests {
    use rolecall_kernel::entropy::SystemEntropy;
    use rolecall_kernel::key::{MasterKey, Purpose};
    use rolecall_kernel::time::Timestamp;

    use super::*;

    fn tokens() -> Tokens {
        Tokens::new(MasterKey::new(&SystemEntropy).keyed_hash(Purpose::Unsubscribe))
    }

    #[test]
    fn a_token_is_read_by_whoever_made_it_and_by_nobody_else() {
        let (ours, theirs) = (tokens(), tokens());
        let subject = SubjectId::new(Timestamp::from_seconds(1), &SystemEntropy);
        for categories in [vec![Category::Workflow], vec![Category::Message, Category::Announcement]] {
            let categories = BTreeSet::from_iter(categories);
            let token = ours.issue(subject, &categories);
            assert_eq!(ours.read(&token), Some((subject, categories)));
            assert_eq!(theirs.read(&token), None);
        }
        let token = ours.issue(subject, &BTreeSet::from([Category::Workflow]));
        for position in 0..token.len() {
            let mut changed: Vec<char> = token.chars().collect();
            changed[position] = if changed[position] == 'A' { 'B' } else { 'A' };
            assert_eq!(ours.read(&changed.into_iter().collect::<String>()), None, "{position}");
        }
        assert_eq!((ours.read(""), ours.read("\u{e9}"), ours.read(&format!("{token}A"))), (None, None, None));
    }

    #[test]
    fn a_link_that_was_mailed_before_there_were_several_categories_still_ends_what_it_said() {
        let tokens = tokens();
        let subject = SubjectId::new(Timestamp::from_seconds(1), &SystemEntropy);
        let old = |kind: u8| {
            let mut bytes = subject.as_uuid().as_bytes().to_vec();
            bytes.push(kind);
            bytes.extend(tokens.prove(&bytes));
            tokens.read(&URL_SAFE_NO_PAD.encode(bytes)).map(|(_, categories)| categories)
        };
        assert_eq!(old(2), Some(BTreeSet::from([Category::Workflow])));
        let optional = [Category::Workflow, Category::Message, Category::Announcement];
        assert_eq!(old(EVERYTHING), Some(BTreeSet::from(optional)));
        assert_eq!(old(5), None);
    }

    #[test]
    fn an_address_is_one_person_however_it_is_written() {
        let tokens = tokens();
        let [one, two, other] = ["Ada@Example.org", "ada@example.org", "bob@example.org"]
            .map(|text| tokens.subject_of(&EmailAddress::parse(text).expect("an address")));
        assert!(one == two && one != other);
    }
}
