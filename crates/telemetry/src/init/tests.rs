//! What the subscriber writes and, above all, what it does not.

use std::io;
use std::sync::{Arc, Mutex};

use secrecy::SecretString;

use super::*;
use crate::Redacted;

/// Takes the lines of a subscriber.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("not poisoned").clone()).expect("UTF-8")
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("not poisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn logged(format: Format, filter: &str, run: impl FnOnce()) -> String {
    let lines = Lines::default();
    let config = Config { format, filter: filter.to_owned(), otlp: None };
    let writer = lines.clone();
    let subscriber = subscriber(&config, None, move || writer.clone()).expect("valid");
    tracing::subscriber::with_default(subscriber, run);
    lines.text()
}

/// A command as the contexts derive them.
#[derive(Debug)]
#[expect(dead_code, reason = "the fields are read by Debug, which is what is tested")]
struct LogIn {
    email: Redacted<&'static str>,
    password: SecretString,
}

/// ASVS: T35, V10.1.1
#[test]
fn asvs_v16_2_5_no_level_and_no_format_shows_a_secret() {
    for format in [Format::Text, Format::Json] {
        let text = logged(format, "trace", || {
            let password = SecretString::from("correct horse battery staple");
            let command = LogIn { email: Redacted("ada@example.org"), password: password.clone() };
            let span = tracing::trace_span!("log_in", ?command, ?password);
            let _entered = span.enter();
            tracing::trace!(?command, email = %command.email, "arrived");
            tracing::error!(?password, "refused {command:?}");
        });
        assert!(text.contains("arrived") && text.contains("refused"), "{text}");
        assert!(!text.contains("correct horse") && !text.contains("ada@"), "{text}");
    }
}

#[test]
fn libraries_are_quiet_unless_the_filter_names_them() {
    let speak = || {
        tracing::info!(target: "sqlx::query", "SELECT a secret");
        tracing::debug!(target: "h2::codec", "frame");
        tracing::info!(target: "rolecall_identity", "ours");
    };
    let usual = logged(Format::Text, "debug", speak);
    assert!(usual.contains("ours") && !usual.contains("SELECT") && !usual.contains("frame"), "{usual}");
    let asked = logged(Format::Text, "info,sqlx=info", speak);
    assert!(asked.contains("SELECT"), "{asked}");
}

/// ASVS: V16.4.1
#[test]
fn asvs_v16_2_4_a_json_line_is_one_object_with_the_fields_of_its_span() {
    let text = logged(Format::Json, "info", || {
        let span = tracing::info_span!("rpc", request_id = "r1");
        let _entered = span.enter();
        tracing::info!(count = 3, "two\nlines");
    });
    let line: serde_json::Value = serde_json::from_str(text.trim_end()).expect("one object");
    assert_eq!(line["message"], "two\nlines");
    assert_eq!(line["count"], 3);
    assert_eq!(line["span"]["request_id"], "r1");
}

#[test]
fn a_wrong_setting_is_an_error_that_names_it() {
    let filter = Config { filter: "info,=,".to_owned(), ..Config::default() };
    assert!(init(&filter).expect_err("refused").to_string().contains("telemetry.filter"));
    let otlp = OtlpConfig {
        endpoint: "http://localhost:4317".to_owned(),
        ca_file: None,
        sample_ratio: 1.5,
        metrics_interval: Duration::from_secs(1),
        service_name: "rolecall".to_owned(),
    };
    let config = Config { otlp: Some(otlp), ..Config::default() };
    assert!(init(&config).expect_err("refused").to_string().contains("sample_ratio"));
}

#[tokio::test(flavor = "multi_thread")]
async fn setting_up_twice_is_no_error_and_an_absent_collector_does_not_hold_the_end() {
    let otlp = OtlpConfig {
        endpoint: "http://127.0.0.1:1".to_owned(),
        ca_file: None,
        sample_ratio: 1.0,
        metrics_interval: Duration::from_mins(1),
        service_name: "rolecall".to_owned(),
    };
    let config = Config { otlp: Some(otlp), ..Config::default() };
    let first = init(&config).expect("set up");
    let second = init(&config).expect("no error");
    tracing::info_span!("rpc").in_scope(|| tracing::info!("one span to send"));
    let end = async { tokio::join!(first.shutdown(), second.shutdown()) };
    tokio::time::timeout(Duration::from_secs(30), end).await.expect("ends");
}
