//! Row 13: from an empty folder to the first healthy answer; idle memory; size of the binary.

use std::time::Duration;

use rolecall_tests::stack::{Stack, binary};
use tokio::time::Instant;

use super::world;
use crate::Settings;
use crate::echo::Child;
use crate::measure::summary;
use crate::process::memory;
use crate::report::Line;

/// Measures the start beside that of a bare tonic server.
pub(crate) async fn run(settings: &Settings) -> anyhow::Result<Vec<Line>> {
    let (mut ours, mut bare, mut resident) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..settings.rounds {
        let mut stack = Stack::prepare(world::ONE_SQLITE).await;
        let begun = Instant::now();
        stack.launch_all(None).await;
        ours.push(millis(begun.elapsed()));
        // Idle means: after the work of the start has settled.
        tokio::time::sleep(Duration::from_secs(1)).await;
        resident.push(memory(stack.pids()[0])?.0);

        let begun = Instant::now();
        let child = Child::start("echo-bare").await?;
        child.call_once().await?;
        bare.push(millis(begun.elapsed()));
    }
    let (ours, bare, resident) = (summary(&ours, |v| *v), summary(&bare, |v| *v), summary(&resident, |v| *v));
    #[expect(clippy::cast_precision_loss, reason = "megabytes")]
    let size = std::fs::metadata(binary())?.len() as f64 / 1e6;
    let line = |work: &str, yardstick: &str, result: String, goal: &str, met| Line {
        row: 13,
        work: work.to_owned(),
        yardstick: yardstick.to_owned(),
        result,
        goal: goal.to_owned(),
        met,
    };
    Ok(vec![
        line(
            "start on an empty folder to the first healthy answer, three services on SQLite",
            "start of a bare tonic server to its first answer",
            format!("{ours} ms against {bare} ms"),
            "under 300 ms",
            ours.median < 300.0,
        ),
        line(
            "idle memory of all three services",
            "-",
            format!("{resident} MiB"),
            "under 50 MiB",
            resident.median < 50.0,
        ),
        line("size of the binary", "-", format!("{size:.1} MB"), "under 40 MB", size < 40.0),
    ])
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
