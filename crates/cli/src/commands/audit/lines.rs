//! The lines of an exported log: events and checkpoints, each as the JSON form of its message under its name.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use rolecall_api::organization::v1::{AuditCheckpoint, AuditEvent};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output::{from_json, to_json};

const EVENT: &str = "rolecall.organization.v1.AuditEvent";
const CHECKPOINT: &str = "rolecall.organization.v1.AuditCheckpoint";

/// What a line holds.
#[derive(Debug)]
pub(super) enum Line {
    Event(Box<AuditEvent>),
    Checkpoint(Box<AuditCheckpoint>),
}

pub(super) fn event(event: &AuditEvent) -> Result<String, Failure> {
    Ok(format!("{}\n", json!({ "event": to_json(EVENT, event)? })))
}

pub(super) fn checkpoint(checkpoint: &AuditCheckpoint) -> Result<String, Failure> {
    Ok(format!("{}\n", json!({ "checkpoint": to_json(CHECKPOINT, checkpoint)? })))
}

fn parse(text: &str) -> Result<Line, Failure> {
    let mut value: Value = serde_json::from_str(text).map_err(|error| Failure::local("a line is no JSON", error))?;
    match (value["event"].take(), value["checkpoint"].take()) {
        (event @ Value::Object(_), _) => Ok(Line::Event(Box::new(from_json(EVENT, event)?))),
        (_, checkpoint @ Value::Object(_)) => Ok(Line::Checkpoint(Box::new(from_json(CHECKPOINT, checkpoint)?))),
        _ => Err(Failure::Local("a line is neither an event nor a checkpoint".to_owned())),
    }
}

/// Reads a file line by line, so that its size does not matter.
pub(super) fn read(path: &Path) -> Result<impl Iterator<Item = Result<Line, Failure>> + use<>, Failure> {
    let cannot = move |error: std::io::Error| Failure::local("the file cannot be read", error);
    let file = File::open(path).map_err(|error| Failure::local(path.display(), error))?;
    let lines = BufReader::new(file).lines();
    Ok(lines.filter(|line| !line.as_ref().is_ok_and(|line| line.trim().is_empty())).map(move |line| {
        let line = line.map_err(cannot)?;
        parse(&line)
    }))
}

/// Reads the checkpoints of a file.
pub(super) fn read_checkpoints(path: &Path) -> Result<Vec<AuditCheckpoint>, Failure> {
    let mut checkpoints = Vec::new();
    for line in read(path)? {
        match line? {
            Line::Checkpoint(checkpoint) => checkpoints.push(*checkpoint),
            Line::Event(_) => {}
        }
    }
    Ok(checkpoints)
}
