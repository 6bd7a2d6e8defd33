//! Mails that identity orders itself, because they carry a secret or go where no event leads.

use std::collections::HashMap;

use prost::Message as _;
use rolecall_api::notification::v1::MailCommand;
use rolecall_db::{Error, Event as Envelope, Tx, outbox};
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::id::EventId;
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;

use super::{MAIL, Publisher, time};
use crate::domain::invitation::{Invitation, InvitationMail};
use crate::domain::user::User;

const MAIL_TOPIC: &str = "notification.mail_requested";

/// A mail to a person.
struct Order<'a> {
    template: &'static str,
    user: &'a User,
    email: &'a EmailAddress,
    variables: &'a [(&'static str, &'a str)],
    /// The secret, and until when it works.
    secret: Option<(&'a OpaqueToken, Timestamp)>,
}

impl Publisher {
    /// Orders the mail of an invitation; its code travels sealed and is in no other event.
    pub(crate) async fn order_invitation_mail(
        &self,
        tx: &Tx,
        user: &User,
        invitation: &Invitation,
        mail: &InvitationMail,
        code: &OpaqueToken,
        now: Timestamp,
    ) -> Result<(), Error> {
        let variables =
            &[("organization_name", mail.organization_name.as_str()), ("inviter_name", mail.inviter_name.as_str())];
        let secret = Some((code, invitation.expires));
        self.order(tx, &Order { template: "invitation", user, email: &user.email, variables, secret }, now).await
    }

    /// Orders the mail that says where a person logs in who has no password.
    pub(crate) async fn order_sign_in_mail(
        &self,
        tx: &Tx,
        user: &User,
        mail: &InvitationMail,
        now: Timestamp,
    ) -> Result<(), Error> {
        let variables =
            &[("organization_name", mail.organization_name.as_str()), ("inviter_name", mail.inviter_name.as_str())];
        let email = &user.email;
        self.order(tx, &Order { template: "sign_in", user, email, variables, secret: None }, now).await
    }

    /// Orders the mail with the code that sets a new password.
    pub(crate) async fn order_password_reset_mail(
        &self,
        tx: &Tx,
        user: &User,
        code: &OpaqueToken,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<(), Error> {
        let (email, secret) = (&user.email, Some((code, expires)));
        self.order(tx, &Order { template: "password_reset", user, email, variables: &[], secret }, now).await
    }

    /// Orders the mail with the code by which a new device logs in.
    pub(crate) async fn order_login_code_mail(
        &self,
        tx: &Tx,
        user: &User,
        code: &OpaqueToken,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<(), Error> {
        let (email, secret) = (&user.email, Some((code, expires)));
        self.order(tx, &Order { template: "login_code", user, email, variables: &[], secret }, now).await
    }

    /// Orders the mail with the code that proves the address of somebody who registered.
    pub(crate) async fn order_email_verification_mail(
        &self,
        tx: &Tx,
        person: &User,
        organization_name: &str,
        code: &OpaqueToken,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<(), Error> {
        let (email, variables) = (&person.email, &[("organization_name", organization_name)]);
        let secret = Some((code, expires));
        self.order(tx, &Order { template: "email_verification", user: person, email, variables, secret }, now).await
    }

    /// Tells the owner of an account that somebody tried to register with its address.
    pub(crate) async fn order_registration_attempted_mail(
        &self,
        tx: &Tx,
        owner: &User,
        now: Timestamp,
    ) -> Result<(), Error> {
        let (template, email) = ("registration_attempted", &owner.email);
        self.order(tx, &Order { template, user: owner, email, variables: &[], secret: None }, now).await
    }

    /// Welcomes a person whose account was made by its registration.
    pub(crate) async fn order_welcome_mail(
        &self,
        tx: &Tx,
        user: &User,
        organization_name: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        let (email, variables) = (&user.email, &[("organization_name", organization_name)]);
        self.order(tx, &Order { template: "welcome", user, email, variables, secret: None }, now).await
    }

    /// Orders the mail with the code that moves an account to the address that it goes to.
    pub(crate) async fn order_email_change_mail(
        &self,
        tx: &Tx,
        user: &User,
        email: &EmailAddress,
        code: &OpaqueToken,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<(), Error> {
        let secret = Some((code, expires));
        self.order(tx, &Order { template: "email_change", user, email, variables: &[], secret }, now).await
    }

    /// Tells the owner of an address that somebody else asked for it.
    pub(crate) async fn order_address_in_use_mail(&self, tx: &Tx, owner: &User, now: Timestamp) -> Result<(), Error> {
        let email = &owner.email;
        self.order(tx, &Order { template: "address_in_use", user: owner, email, variables: &[], secret: None }, now)
            .await
    }

    async fn order(&self, tx: &Tx, order: &Order<'_>, now: Timestamp) -> Result<(), Error> {
        let (event_id, entropy) = (EventId::new(now, self.entropy.as_ref()), self.entropy.as_ref());
        let bound_to = event_id.to_string();
        let seal = |code: &OpaqueToken| self.mail_secrets.seal(bound_to.as_bytes(), code.expose().as_bytes(), entropy);
        let mut variables: HashMap<String, String> =
            order.variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        variables.insert("recipient_name".to_owned(), order.user.profile.name.as_str().to_owned());
        let command = MailCommand {
            template: order.template.to_owned(),
            recipient_id: order.user.user_id.to_string(),
            email: order.email.as_str().to_owned(),
            organization_id: order.user.organization_id.to_string(),
            variables,
            sealed_secret: order.secret.map(|(code, _)| seal(code)).unwrap_or_default(),
            expire_time: order.secret.map(|(_, expires)| time(expires)),
        };
        let envelope = Envelope {
            event_id,
            topic: MAIL_TOPIC.to_owned(),
            subject: order.user.user_id.to_string(),
            organization_id: Some(order.user.organization_id),
            occurred: now,
            payload: command.encode_to_vec(),
            trace: rolecall_telemetry::context::current(),
            number: 0,
        };
        outbox::append_secret(tx, &envelope, &[MAIL]).await
    }
}
