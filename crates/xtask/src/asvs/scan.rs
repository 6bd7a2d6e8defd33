//! What the tests of a file claim to prove.

/// Which ids are claimed by which tests, in the order of the file.
pub(super) fn claims(text: &str) -> Vec<(String, String)> {
    let mut claims = Vec::new();
    let mut noted: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(ids) = line.strip_prefix("/// ASVS:") {
            noted.extend(ids.split(',').map(|id| id.trim().trim_end_matches('.').to_owned()));
        } else if line.is_empty() {
            noted.clear();
        } else if let Some(name) = function(line) {
            let ids = named(name).into_iter().chain(noted.drain(..));
            claims.extend(ids.map(|id| (id, name.to_owned())));
        }
    }
    claims
}

/// The name of the function that a line begins.
fn function(line: &str) -> Option<&str> {
    let rest = ["fn ", "async fn ", "pub(crate) fn ", "pub(crate) async fn "];
    let rest = rest.iter().find_map(|begin| line.strip_prefix(begin))?;
    let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_')?;
    rest.get(..end)
}

/// The row or the attack that a test is named after. A name that begins like one and is none becomes an id that nobody lists.
fn named(name: &str) -> Option<String> {
    if let Some(row) = name.strip_prefix("asvs_") {
        let numbers: Vec<&str> = row.trim_start_matches('v').splitn(4, '_').take(3).collect();
        return Some(format!("V{}", numbers.join(".")));
    }
    let attack = name.strip_prefix("attack_")?;
    Some(attack.split('_').next().unwrap_or_default().to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<String> {
        claims(text).into_iter().map(|(id, test)| format!("{id} {test}")).collect()
    }

    #[test]
    fn a_name_claims_its_row_or_its_attack() {
        assert_eq!(of("fn asvs_v6_2_1_short_ones_are_refused() {"), ["V6.2.1 asvs_v6_2_1_short_ones_are_refused"]);
        assert_eq!(of("    async fn attack_t04_fifty_at_once(database) {"), ["T04 attack_t04_fifty_at_once"]);
        assert_eq!(of("fn asvs_rows_are_read() {"), ["Vrows.are.read asvs_rows_are_read"]);
        assert!(of("fn other(text in \".*\") {").is_empty());
    }

    #[test]
    fn a_line_above_a_test_claims_more_for_that_test_alone() {
        let text = "/// ASVS: V6.2.2, T05\n#[test]\nfn one() {}\n\nfn two() {}\n/// ASVS: V6.2.3.\n\nfn three() {}\n";
        assert_eq!(of(text), ["V6.2.2 one", "T05 one"]);
    }
}
