//! Server reflection, version 1 and the alpha version that older tools still speak.
//!
//! The messages of `google.rpc` are registered too, so that tools print the details of an error readably. The
//! descriptors are registered encoded: decoded ones would have lost the options that say who may call a method.

use tonic::service::RoutesBuilder;
use tonic_reflection::server::{Builder, Error};

/// Adds both versions of the service; `descriptor` is the encoded descriptor set of all that is served.
pub fn add(routes: &mut RoutesBuilder, descriptor: &'static [u8]) -> Result<(), Error> {
    let describe = || {
        Builder::configure()
            .register_encoded_file_descriptor_set(descriptor)
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    routes.add_service(describe().build_v1()?);
    routes.add_service(describe().build_v1alpha()?);
    Ok(())
}
