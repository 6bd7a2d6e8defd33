//! Finds and reads accounts.

use rolecall_api::identity::v1 as wire;
use rolecall_authz::caller;
use rolecall_kernel::id::UserId;
use rolecall_kernel::time::Timestamp;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::app::read_users;
use crate::domain::user_list::{Position, UserKey, UserOrder, Value};
use crate::grpc::convert::Fields;
use crate::grpc::{Grpc, render};

const GET: &str = "identity.users.get";
const LIST: &str = "identity.users.list";

pub(super) async fn get_user(
    grpc: &Grpc,
    request: Request<wire::GetUserRequest>,
) -> Result<Response<wire::GetUserResponse>, Status> {
    let (caller, request) = (caller(&request)?, request.into_inner());
    let mut fields = Fields::default();
    let user_id = fields.id("user_id", &request.user_id, UserId::parse);
    let user_id = fields.finish(user_id)?;
    let user = read_users::get(&grpc.resources, user_id, &caller.scope(GET)).await?;
    Ok(Response::new(wire::GetUserResponse { user: Some(render::user(&user)) }))
}

pub(super) async fn batch_get_users(
    grpc: &Grpc,
    request: Request<wire::BatchGetUsersRequest>,
) -> Result<Response<wire::BatchGetUsersResponse>, Status> {
    let (caller, request) = (caller(&request)?, request.into_inner());
    let mut fields = Fields::default();
    let ids = fields.ids("user_ids", &request.user_ids, read_users::MAX_BATCH, UserId::parse);
    let ids = fields.finish(Some(ids))?;
    let users = read_users::batch_get(&grpc.resources, &ids, &caller.scope(GET)).await?;
    Ok(Response::new(wire::BatchGetUsersResponse { users: users.iter().map(render::user).collect() }))
}

pub(super) async fn list_users(
    grpc: &Grpc,
    request: Request<wire::ListUsersRequest>,
) -> Result<Response<wire::ListUsersResponse>, Status> {
    let (caller, request) = (caller(&request)?, request.into_inner());
    let (subject, mut fields) = (caller.subject().to_string(), Fields::default());
    let organization = fields.listed_organization(&caller, &request.organization_id);
    let size = fields.page_size(request.page_size);
    let order = fields.user_order(&request.order_by);
    let filter = fields.user_filter(&request.filter);
    let binding = ["UserService/ListUsers", &subject, &request.organization_id, &request.filter, &request.order_by];
    let decode = |bytes: &[u8]| decode(order?, bytes);
    let after = grpc.place(&mut fields, &binding, &request.page_token, decode);
    let filter = match filter {
        Ok(filter) => filter,
        // Told only when nothing else is wrong, since it is an error of its own.
        Err(unserved) => {
            fields.finish(size.zip(order))?;
            return Err(unserved);
        }
    };
    let ((size, order), filter) = fields.finish(size.zip(order).zip(filter))?;
    let command = read_users::List { scope: caller.scope(LIST), organization, filter, order, after, size };
    let page = read_users::list(&grpc.resources, &command).await?;
    let next_page_token = grpc.next_place(&binding, &page, |last| encode(&order.position(&last.user)));
    Ok(Response::new(wire::ListUsersResponse { users: page.items.iter().map(render::user).collect(), next_page_token }))
}

/// A place as a page token holds it: the identifier, then the value.
fn encode(position: &Position) -> Vec<u8> {
    let id = position.user_id.as_uuid();
    match &position.value {
        Value::Time(time) => [&id.as_bytes()[..], &time.as_micros().to_be_bytes()].concat(),
        Value::Text(text) => [&id.as_bytes()[..], text.as_bytes()].concat(),
    }
}

fn decode(order: UserOrder, bytes: &[u8]) -> Option<Position> {
    let (id, value) = bytes.split_first_chunk::<16>()?;
    let value = match order.key {
        UserKey::Created => Value::Time(Timestamp::from_micros(i64::from_be_bytes(value.try_into().ok()?))),
        UserKey::Email | UserKey::Name => Value::Text(String::from_utf8(value.to_vec()).ok()?),
    };
    Some(Position { value, user_id: UserId::from_uuid(Uuid::from_bytes(*id)) })
}
