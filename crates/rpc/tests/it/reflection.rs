//! Both versions of reflection describe what is served, the details of errors included.

use futures::StreamExt as _;
use tonic_reflection::pb::{v1, v1alpha};

use crate::world::Server;

const SERVICES: [&str; 2] = ["test.v1.Probe", "grpc.health.v1.Health"];
const SYMBOLS: [&str; 4] = ["test.v1.Text", "google.rpc.ErrorInfo", "google.rpc.BadRequest", "grpc.health.v1.Health"];

#[tokio::test]
async fn version_1_lists_services_and_error_details() {
    use v1::server_reflection_request::MessageRequest;
    use v1::server_reflection_response::MessageResponse;
    let server = Server::start().await;
    let mut client = v1::server_reflection_client::ServerReflectionClient::new(server.connect());
    let ask = |message| v1::ServerReflectionRequest { host: String::new(), message_request: Some(message) };
    let asked = std::iter::once(MessageRequest::ListServices(String::new()))
        .chain(SYMBOLS.map(|symbol| MessageRequest::FileContainingSymbol(symbol.to_owned())))
        .map(ask);
    let answers = client.server_reflection_info(futures::stream::iter(asked)).await.expect("answers").into_inner();
    let answers: Vec<_> = answers.map(|answer| answer.expect("ok").message_response.expect("set")).collect().await;
    let MessageResponse::ListServicesResponse(list) = &answers[0] else { panic!("{:?}", answers[0]) };
    assert!(SERVICES.iter().all(|name| list.service.iter().any(|one| one.name == *name)), "{list:?}");
    assert_eq!(answers.len(), 1 + SYMBOLS.len());
    assert!(answers[1..].iter().all(|one| matches!(one, MessageResponse::FileDescriptorResponse(_))), "{answers:?}");
}

#[tokio::test]
async fn version_1alpha_lists_services_and_error_details() {
    use v1alpha::server_reflection_request::MessageRequest;
    use v1alpha::server_reflection_response::MessageResponse;
    let server = Server::start().await;
    let mut client = v1alpha::server_reflection_client::ServerReflectionClient::new(server.connect());
    let ask = |message| v1alpha::ServerReflectionRequest { host: String::new(), message_request: Some(message) };
    let asked = std::iter::once(MessageRequest::ListServices(String::new()))
        .chain(SYMBOLS.map(|symbol| MessageRequest::FileContainingSymbol(symbol.to_owned())))
        .map(ask);
    let answers = client.server_reflection_info(futures::stream::iter(asked)).await.expect("answers").into_inner();
    let answers: Vec<_> = answers.map(|answer| answer.expect("ok").message_response.expect("set")).collect().await;
    let MessageResponse::ListServicesResponse(list) = &answers[0] else { panic!("{:?}", answers[0]) };
    assert!(SERVICES.iter().all(|name| list.service.iter().any(|one| one.name == *name)), "{list:?}");
    assert_eq!(answers.len(), 1 + SYMBOLS.len());
    assert!(answers[1..].iter().all(|one| matches!(one, MessageResponse::FileDescriptorResponse(_))), "{answers:?}");
}
