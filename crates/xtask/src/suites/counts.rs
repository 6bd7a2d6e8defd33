//! How many tests passed and failed, as each runner says at its end.

use std::fmt;
use std::ops::Add;

/// Passed and failed tests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Passed.
    pub(super) passed: usize,
    /// Failed.
    pub(super) failed: usize,
}

impl Counts {
    /// A check that is one thing, and passed.
    pub(super) const ONE: Self = Self { passed: 1, failed: 0 };

    /// Adds what a line of `cargo test` says.
    pub(super) fn read_cargo(&mut self, line: &str) {
        let Some(rest) = line.strip_prefix("test result: ") else { return };
        self.passed += number_before(rest, " passed");
        self.failed += number_before(rest, " failed");
    }

    /// Adds what a line of `go test -v` says; subtests belong to their test.
    pub(super) fn read_go(&mut self, line: &str) {
        self.passed += usize::from(line.starts_with("--- PASS"));
        self.failed += usize::from(line.starts_with("--- FAIL"));
    }

    /// Adds what a line of Node's test runner says in its TAP form.
    pub(super) fn read_tap(&mut self, line: &str) {
        let number = |word| line.strip_prefix(word).and_then(|rest| rest.trim().parse().ok()).unwrap_or(0);
        let (passed, failed): (usize, usize) = (number("# pass "), number("# fail "));
        self.passed += passed;
        self.failed += failed;
    }

    /// A runner that fails without a failed test, or runs none, failed all the same.
    pub(super) fn settle(mut self, succeeded: bool) -> Self {
        if (!succeeded || self.passed == 0) && self.failed == 0 {
            self.failed = 1;
        }
        self
    }
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { passed: self.passed + other.passed, failed: self.failed + other.failed }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

fn number_before(text: &str, word: &str) -> usize {
    let before = text.split(word).next().unwrap_or_default();
    before.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_lines_of_each_runner_are_read() {
        let mut counts = Counts::default();
        counts.read_cargo("test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out");
        counts.read_cargo("test a_test ... ok");
        counts.read_go("--- PASS: TestOne (0.00s)");
        counts.read_go("    --- PASS: TestOne/part (0.00s)");
        counts.read_go("--- FAIL: TestTwo (0.00s)");
        counts.read_tap("# pass 7");
        counts.read_tap("# fail 1");
        assert_eq!(counts, Counts { passed: 20, failed: 5 });
        assert_eq!(counts.to_string(), "20 passed, 5 failed");
    }

    #[test]
    fn a_runner_that_ran_nothing_or_broke_counts_as_failed() {
        assert_eq!(Counts::default().settle(true).failed, 1);
        assert_eq!(Counts::ONE.settle(false).failed, 1);
        assert_eq!(Counts::ONE.settle(true).failed, 0);
    }
}
