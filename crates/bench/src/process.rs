//! What a process costs, from the kernel's own accounting.

use std::fs;
use std::time::Duration;

use anyhow::Context as _;

/// The CPU time, user and system, that a process has used so far.
pub(crate) fn cpu_time(pid: u32) -> anyhow::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The second field is the command's name in parentheses and may hold blanks.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok());
    let total = ticks(11).zip(ticks(12)).map(|(user, system)| user + system).context("an unreadable /proc/pid/stat")?;
    // Linux counts in hundredths of a second on every machine that we run on.
    Ok(Duration::from_millis(total * 10))
}

/// The resident memory of a process, and the most that it ever had, in MiB.
pub(crate) fn memory(pid: u32) -> anyhow::Result<(f64, f64)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name))?;
        let kib: u32 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(f64::from(kib) / 1024.0)
    };
    field("VmRSS:").zip(field("VmHWM:")).context("an unreadable /proc/pid/status")
}
