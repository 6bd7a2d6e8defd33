//! `google.rpc.Status` as it travels in `grpc-status-details-bin`.

use prost::Message;
use prost_types::Any;
use tonic::Code;
use tonic_types::pb;

/// A detail message, and the type name under which it travels.
pub(crate) trait Detail: Message + Default {
    /// The name of the message in `google.rpc`.
    const NAME: &'static str;
}

macro_rules! details {
    ($($name:ident),*) => {$(
        impl Detail for pb::$name {
            const NAME: &'static str = stringify!($name);
        }
    )*};
}

details!(ErrorInfo, BadRequest, PreconditionFailure, QuotaFailure, RetryInfo, ResourceInfo, RequestInfo, DebugInfo);

/// The details of one error.
#[derive(Debug, Default)]
pub(crate) struct Details(Vec<Any>);

impl Details {
    /// Starts with the one detail that every error has.
    pub(crate) fn of(info: &pb::ErrorInfo) -> Self {
        let mut details = Self::default();
        details.push(info);
        details
    }

    /// Reads the details of a status; what cannot be read counts as absent.
    pub(crate) fn decode(bytes: &[u8]) -> Self {
        Self(pb::Status::decode(bytes).map(|status| status.details).unwrap_or_default())
    }

    /// Adds a detail unless it is empty.
    pub(crate) fn push<T: Detail + PartialEq>(&mut self, detail: &T) {
        if *detail != T::default() {
            self.0.push(Any { type_url: type_url::<T>(), value: detail.encode_to_vec() });
        }
    }

    /// Adds a detail before all others.
    pub(crate) fn prepend<T: Detail>(&mut self, detail: &T) {
        self.0.insert(0, Any { type_url: type_url::<T>(), value: detail.encode_to_vec() });
    }

    /// Returns the first detail of this type.
    pub(crate) fn find<T: Detail>(&self) -> Option<T> {
        let found = self.0.iter().find(|any| is::<T>(any))?;
        T::decode(found.value.as_slice()).ok()
    }

    /// Drops every detail of this type.
    pub(crate) fn remove<T: Detail>(&mut self) {
        self.0.retain(|any| !is::<T>(any));
    }

    /// Returns the bytes for the trailer.
    pub(crate) fn encode(self, code: Code, message: &str) -> Vec<u8> {
        pb::Status { code: i32::from(code), message: message.to_owned(), details: self.0 }.encode_to_vec()
    }
}

fn type_url<T: Detail>() -> String {
    format!("type.googleapis.com/google.rpc.{}", T::NAME)
}

fn is<T: Detail>(any: &Any) -> bool {
    any.type_url.rsplit('/').next().and_then(|name| name.strip_prefix("google.rpc.")) == Some(T::NAME)
}
