//! A name server that says what a test wants.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use hickory_proto::op::{Message, MessageType, Query, ResponseCode};
use hickory_proto::rr::rdata::{A, TXT};
use hickory_proto::rr::{RData, Record, RecordType};
use tokio::net::UdpSocket;
use tokio_util::sync::{CancellationToken, DropGuard};

/// What the server knows.
#[derive(Debug, Default)]
struct Zone {
    addresses: HashMap<String, Vec<Ipv4Addr>>,
    texts: HashMap<String, Vec<String>>,
    silent: bool,
    asked: u32,
}

/// A name server on loopback; it ends with the value.
#[derive(Debug)]
pub struct DnsServer {
    zone: Arc<Mutex<Zone>>,
    address: SocketAddr,
    _running: DropGuard,
}

impl DnsServer {
    /// Starts a server that knows no name.
    #[expect(clippy::disallowed_methods, reason = "the server ends with the value that the test holds")]
    pub async fn start() -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = socket.local_addr().expect("bound");
        let (zone, running) = (Arc::new(Mutex::new(Zone::default())), CancellationToken::new());
        let (told, ended) = (Arc::clone(&zone), running.clone());
        tokio::spawn(async move { ended.run_until_cancelled(serve(socket, told)).await });
        Self { zone, address, _running: running.drop_guard() }
    }

    /// Returns where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Gives a name these addresses. With several, each question is answered with the next one alone, as a rebinding
    /// name server does.
    pub fn set_addresses(&self, name: &str, addresses: &[Ipv4Addr]) {
        self.zone().addresses.insert(name.to_owned(), addresses.to_vec());
    }

    /// Gives a name these texts; none takes the name away.
    pub fn set_texts(&self, name: &str, texts: &[&str]) {
        self.zone().texts.insert(name.to_owned(), texts.iter().map(|text| (*text).to_owned()).collect());
    }

    /// Makes the server answer nothing, or answer again.
    pub fn set_silent(&self, silent: bool) {
        self.zone().silent = silent;
    }

    fn zone(&self) -> std::sync::MutexGuard<'_, Zone> {
        self.zone.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn serve(socket: UdpSocket, zone: Arc<Mutex<Zone>>) {
    let mut buffer = [0; 4096];
    while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
        let Ok(question) = Message::from_vec(&buffer[..length]) else { continue };
        let answer = answer(question, &mut zone.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(bytes) = answer.and_then(|answer| answer.to_vec().ok()) {
            drop(socket.send_to(&bytes, from).await);
        }
    }
}

fn answer(question: Message, zone: &mut Zone) -> Option<Message> {
    if zone.silent {
        return None;
    }
    let query = question.queries.first()?.clone();
    let records = records(&query, zone);
    let mut answer = question;
    answer.metadata.message_type = MessageType::Response;
    answer.metadata.recursion_available = true;
    answer.edns = None;
    answer.additionals = Vec::new();
    if records.is_empty() {
        answer.metadata.response_code = ResponseCode::NXDomain;
    }
    answer.answers = records;
    Some(answer)
}

fn records(query: &Query, zone: &mut Zone) -> Vec<Record> {
    let name = query.name().to_ascii().trim_end_matches('.').to_lowercase();
    let record = |data| Record::from_rdata(query.name().clone(), 0, data);
    let asked = query.query_type();
    if asked == RecordType::A {
        let known = zone.addresses.get(&name).cloned().unwrap_or_default();
        let turn = usize::try_from(zone.asked).unwrap_or_default();
        zone.asked += 1;
        let next = known.get(turn % known.len().max(1));
        return next.map(|address| record(RData::A(A(*address)))).into_iter().collect();
    }
    if asked == RecordType::TXT {
        let known = zone.texts.get(&name).cloned().unwrap_or_default();
        return known.into_iter().map(|text| record(RData::TXT(TXT::new(vec![text])))).collect();
    }
    Vec::new()
}
