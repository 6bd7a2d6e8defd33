//! Which methods there are, which of them stream, and how large their requests may be.

use std::collections::HashMap;
use std::sync::Arc;

use prost::Message as _;
use prost_types::{FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto};

/// The largest request of a method for which no rule says otherwise, in bytes.
pub const DEFAULT_MAX_REQUEST: usize = 64 * 1024;

/// Calls of this service are admitted even when the server is full: a full server is alive.
const HEALTH: &str = "/grpc.health.v1.Health/";

/// What the stack knows of a method.
#[derive(Debug, Clone)]
pub struct Method {
    /// The path, `/package.Service/Method`.
    pub path: Arc<str>,
    /// Whether the request may be several messages.
    pub client_streaming: bool,
    /// Whether the answer may be several messages.
    pub server_streaming: bool,
    /// The largest message of the request, in bytes.
    pub max_request_bytes: usize,
}

impl Method {
    /// Tells whether either side streams, so that the call may be long.
    pub const fn is_streaming(&self) -> bool {
        self.client_streaming || self.server_streaming
    }

    /// Tells whether the call is admitted even when the server is full.
    pub(crate) fn is_health(&self) -> bool {
        self.path.starts_with(HEALTH)
    }
}

/// All methods by path; the standard services are always among them.
#[derive(Debug, Clone)]
pub struct Methods {
    known: HashMap<Arc<str>, Method>,
    services: Vec<String>,
    unknown: Method,
}

impl Methods {
    /// Reads the methods from encoded descriptor sets; `limit` tells the largest request of a path where it is not
    /// [`DEFAULT_MAX_REQUEST`].
    pub fn from_descriptors(
        descriptors: &[&[u8]],
        limit: impl Fn(&str) -> Option<usize>,
    ) -> Result<Self, prost::DecodeError> {
        let standard = [
            tonic_health::pb::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
        ];
        let mut methods = Self { known: HashMap::new(), services: Vec::new(), unknown: unknown() };
        for bytes in descriptors {
            let services = methods.add(bytes, &limit)?;
            methods.services.extend(services);
        }
        for bytes in standard {
            methods.add(bytes, &limit)?;
        }
        Ok(methods)
    }

    /// Adds the methods of a descriptor set and returns its services.
    fn add(&mut self, bytes: &[u8], limit: &impl Fn(&str) -> Option<usize>) -> Result<Vec<String>, prost::DecodeError> {
        let mut services = Vec::new();
        for file in FileDescriptorSet::decode(bytes)?.file {
            for service in &file.service {
                let name = service_name(&file, service.name());
                self.known.extend(service.method.iter().map(|method| describe(&name, method, limit)));
                services.push(name);
            }
        }
        Ok(services)
    }

    /// Returns the method at this path; a path that is none is treated like the most guarded of methods.
    pub fn get(&self, path: &str) -> &Method {
        self.known.get(path).unwrap_or(&self.unknown)
    }

    /// Returns the paths of all methods.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.known.keys().map(AsRef::as_ref)
    }

    /// Returns the names of the services of the given descriptors, the standard ones not among them.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        self.services.iter().map(String::as_str)
    }
}

fn service_name(file: &FileDescriptorProto, service: &str) -> String {
    if file.package().is_empty() { service.to_owned() } else { format!("{}.{service}", file.package()) }
}

fn describe(
    service: &str,
    method: &MethodDescriptorProto,
    limit: &impl Fn(&str) -> Option<usize>,
) -> (Arc<str>, Method) {
    let path: Arc<str> = format!("/{service}/{}", method.name()).into();
    let method = Method {
        path: Arc::clone(&path),
        client_streaming: method.client_streaming(),
        server_streaming: method.server_streaming(),
        max_request_bytes: limit(&path).unwrap_or(DEFAULT_MAX_REQUEST),
    };
    (path, method)
}

fn unknown() -> Method {
    let path = rolecall_telemetry::red::OTHER.into();
    Method { path, client_streaming: false, server_streaming: false, max_request_bytes: DEFAULT_MAX_REQUEST }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_known_with_their_kind_and_limit() {
        let limit = |path: &str| path.ends_with("/Check").then_some(16);
        let methods = Methods::from_descriptors(&[tonic_health::pb::FILE_DESCRIPTOR_SET], limit).expect("decodes");
        let check = methods.get("/grpc.health.v1.Health/Check");
        assert!(!check.is_streaming() && check.is_health() && check.max_request_bytes == 16);
        let watch = methods.get("/grpc.health.v1.Health/Watch");
        assert!(watch.server_streaming && !watch.client_streaming && watch.max_request_bytes == DEFAULT_MAX_REQUEST);
        assert_eq!(methods.services().collect::<Vec<_>>(), ["grpc.health.v1.Health"]);
        let none = methods.get("/grpc.health.v1.Health/Nothing");
        assert!(!none.is_streaming() && !none.is_health());
        assert!(methods.get("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo").is_streaming());
    }
}
