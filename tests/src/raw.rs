//! Calls of any method by its path, with any bytes.

use bytes::{Buf as _, BufMut as _, Bytes};
use prost_reflect::{DescriptorPool, MethodDescriptor};
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::Channel;
use tonic::{Request, Status};

/// Sends and receives messages as the bytes they are.
#[derive(Debug, Clone, Copy, Default)]
pub struct RawCodec;

impl Codec for RawCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}

/// Every method of our own services, as the descriptor lists them.
pub fn methods() -> Vec<MethodDescriptor> {
    let pool = DescriptorPool::decode(rolecall_api::DESCRIPTOR_SET).expect("the descriptor set decodes");
    pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()).collect()
}

/// The path of a method on the wire.
pub fn path(method: &MethodDescriptor) -> String {
    format!("/{}/{}", method.parent_service().full_name(), method.name())
}

/// Calls a method with these bytes and this bearer token; of a stream only the first message is read.
pub async fn call(channel: &Channel, path: &str, body: Bytes, token: Option<&str>) -> Result<Bytes, Status> {
    let mut client = tonic::client::Grpc::new(channel.clone());
    client.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
    let mut request = Request::new(body);
    if let Some(token) = token {
        let value = format!("Bearer {token}").parse().map_err(|_| Status::internal("not a header value"))?;
        request.metadata_mut().insert("authorization", value);
    }
    let path = path.parse().map_err(|_| Status::internal("not a path"))?;
    let mut stream = client.server_streaming(request, path, RawCodec).await?.into_inner();
    Ok(stream.message().await?.unwrap_or_default())
}

/// Calls a unary method with these bytes and this bearer token.
pub async fn call_unary(
    channel: &Channel,
    path: &'static str,
    body: Bytes,
    token: Option<&str>,
) -> Result<Bytes, Status> {
    let mut client = tonic::client::Grpc::new(channel.clone());
    client.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
    let mut request = Request::new(body);
    if let Some(token) = token {
        let value = format!("Bearer {token}").parse().map_err(|_| Status::internal("not a header value"))?;
        request.metadata_mut().insert("authorization", value);
    }
    Ok(client.unary(request, http::uri::PathAndQuery::from_static(path), RawCodec).await?.into_inner())
}
