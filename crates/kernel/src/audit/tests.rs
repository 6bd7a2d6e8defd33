use super::*;

fn id(byte: u8) -> Uuid {
    Uuid::from_bytes([byte; 16])
}

fn entry() -> Entry<'static> {
    Entry {
        chain: id(1),
        sequence: 7,
        event_id: id(2),
        topic: "organization.member_blocked",
        actor: Some(id(3)),
        on_behalf_of: None,
        target: Some(id(4)),
        request_id: "r-1",
        occurred: Timestamp::from_seconds(1_000),
        source_number: 12,
        sealed_for: Some(id(4)),
        commitment: commit(&BTreeMap::new(), b"salt"),
    }
}

/// ASVS: V11.4.3, T34
#[test]
fn attack_t34_the_hash_of_an_entry_covers_all_that_it_tells_and_its_place() {
    let whole = entry();
    let hash = whole.hash(&GENESIS);
    let changed = [
        Entry { chain: id(9), ..entry() },
        Entry { sequence: 8, ..entry() },
        Entry { event_id: id(9), ..entry() },
        Entry { topic: "organization.member_unblocked", ..entry() },
        Entry { actor: None, ..entry() },
        // The same bytes under another name.
        Entry { actor: None, on_behalf_of: Some(id(3)), ..entry() },
        Entry { target: None, ..entry() },
        Entry { request_id: "r-2", ..entry() },
        Entry { occurred: Timestamp::from_micros(1_000_000_001), ..entry() },
        Entry { source_number: 13, ..entry() },
        Entry { sealed_for: None, ..entry() },
        Entry { commitment: commit(&BTreeMap::new(), b"tlas"), ..entry() },
    ];
    for other in changed {
        assert_ne!(other.hash(&GENESIS), hash, "{other:?}");
    }
    assert_ne!(whole.hash(&hash), hash, "what stands before it counts");
    assert_eq!(entry().hash(&GENESIS), hash);
}

#[test]
fn the_form_that_is_hashed_stays_what_it_is() {
    let expected = [
        0x68, 0x39, 0x99, 0x17, 0xe2, 0x3d, 0xe6, 0xfd, 0x18, 0xb2, 0x84, 0x3b, 0x0d, 0x76, 0x49, 0x26, 0x86, 0xac,
        0xfe, 0x46, 0x8b, 0x60, 0xaf, 0x6a, 0x3d, 0xa9, 0xa0, 0xb7, 0x91, 0x9e, 0x1b, 0xfc,
    ];
    assert_eq!(entry().hash(&GENESIS), expected);
}

#[test]
fn details_are_committed_by_name_value_and_salt() {
    let details = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let commitment = commit(&details(&[("old", "a"), ("new", "b")]), b"salt");
    assert_eq!(commitment, commit(&details(&[("new", "b"), ("old", "a")]), b"salt"));
    for other in [&[("old", "b"), ("new", "a")][..], &[("old", "a")], &[("old", "a"), ("new", "bb")], &[]] {
        assert_ne!(commitment, commit(&details(other), b"salt"));
    }
    assert_ne!(commitment, commit(&details(&[("old", "a"), ("new", "b")]), b""));
}

#[test]
fn a_checkpoint_is_good_only_as_it_was_signed() {
    let signer = CheckpointSigner::from_seed(&[7; 32]);
    let checkpoint = Checkpoint { chain: id(1), sequence: 7, hash: [5; 32], signed: Timestamp::from_seconds(9) };
    let (key, signature) = (signer.public_key(), signer.sign(&checkpoint));
    assert!(checkpoint.is_signed_by(&key, &signature));
    let changed = [
        Checkpoint { chain: id(2), ..checkpoint.clone() },
        Checkpoint { sequence: 6, ..checkpoint.clone() },
        Checkpoint { hash: [6; 32], ..checkpoint.clone() },
        Checkpoint { signed: Timestamp::from_seconds(10), ..checkpoint.clone() },
    ];
    assert!(changed.iter().all(|other| !other.is_signed_by(&key, &signature)));
    assert!(!checkpoint.is_signed_by(&CheckpointSigner::from_seed(&[8; 32]).public_key(), &signature));
    assert!(!checkpoint.is_signed_by(&key[1..], &signature));
    assert!(!checkpoint.is_signed_by(&key, &signature[1..]));
}
