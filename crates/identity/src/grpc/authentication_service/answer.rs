//! What a login still asks for.

use std::sync::Arc;

use rolecall_api::identity::v1 as wire;
use rolecall_api::identity::v1::answer_challenge_request::Answer as Given;
use rolecall_api::identity::v1::answer_challenge_response::Outcome as Led;
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_rpc::{call, detached};
use tonic::{Request, Response, Status};

use crate::app::answer_challenge::{self, Answer, Command};
use crate::app::challenge::Outcome;
use crate::domain::challenge;
use crate::domain::factor::FactorCode;
use crate::grpc::convert::Fields;
use crate::grpc::status::refuse;
use crate::grpc::{Grpc, render, second_factor};

pub(super) async fn answer_challenge(
    grpc: &Grpc,
    request: Request<wire::AnswerChallengeRequest>,
) -> Result<Response<wire::AnswerChallengeResponse>, Status> {
    let (deadline, request) = (call::deadline(), request.into_inner());
    let mut fields = Fields::default();
    let answer = answer(grpc, &mut fields, request.answer);
    let answer = fields.finish(answer)?;
    // What has not the form of a token is as unknown as any other.
    let token = OpaqueToken::parse(challenge::PREFIX, &request.challenge_token)
        .ok_or_else(|| refuse(wire::ErrorReason::ChallengeRefused))?;
    let resources = Arc::clone(&grpc.resources);
    let command = Command { token, answer, deadline };
    let answered = detached::run(async move { Ok(answer_challenge::run(&resources, command).await?) }).await?;
    let outcome = match &answered.outcome {
        Outcome::Tokens(tokens) => Led::Tokens(render::tokens(tokens)),
        Outcome::Challenge(issued) => Led::Challenge(second_factor::challenge(issued)?),
    };
    Ok(Response::new(wire::AnswerChallengeResponse {
        outcome: Some(outcome),
        recovery_codes: second_factor::recovery_codes(&answered.recovery_codes),
    }))
}

fn answer(grpc: &Grpc, fields: &mut Fields, given: Option<Given>) -> Option<Answer> {
    match given {
        None => {
            fields.violate("answer", "REQUIRED", "must hold what the challenge asks for");
            None
        }
        Some(Given::TotpCode(code)) => fields.totp_code("totp_code", &code).map(FactorCode::Totp).map(Answer::Code),
        Some(Given::RecoveryCode(code)) => fields.recovery_code("recovery_code", &code).map(Answer::Code),
        Some(Given::BeginTotp(begin)) => Some(Answer::BeginTotp(fields.factor_name("begin_totp.name", &begin.name))),
        Some(Given::NewPassword(new)) => {
            let policy = grpc.resources.password_policy;
            let field = "new_password.password";
            fields.new_password(field, &new.password, &new.password_confirmation, policy).map(Answer::NewPassword)
        }
    }
}
