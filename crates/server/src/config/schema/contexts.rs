//! The sections of the contexts.

use std::path::PathBuf;
use std::time::Duration;

use rolecall_access::AccessConfig;
use rolecall_identity::{HashingConfig, IdentityConfig};
use rolecall_notification::NotificationConfig;
use rolecall_organization::OrganizationConfig;

use super::narrow;
use crate::config::section::section;
use crate::config::setting::{Secret, SmtpEncryption};

section! {
    /// Accounts, login, sessions, tokens.
    Identity {
        /// What the installation is called, before anybody logged in.
        server_name: String = IdentityConfig::default().server_name,
        /// The `iss` of access tokens.
        issuer: String = IdentityConfig::default().issuer,
        /// The `aud` of access tokens for Rolecall itself.
        audience: String = IdentityConfig::default().audience,
        /// Other backends for which `LogIn` issues access tokens, by what they expect as `aud`; Rolecall itself refuses
        /// those tokens.
        audiences: Vec<String> = IdentityConfig::default().audiences,
        /// Whether keys of service accounts may be secrets; without them programs sign assertions with keys of their own
        /// (ASVS 10.4.16), and the secrets that exist open nothing.
        secret_keys: bool = IdentityConfig::default().secret_keys,
        /// Where browsers may be sent after a single sign-on, beside programs on the person's own machine.
        sso_return_urls: Vec<String> = IdentityConfig::default().sso_return_urls,
        /// Life of an access token.
        access_token_lifetime: Duration = IdentityConfig::default().access_token_lifetime,
        /// A session ends when its refresh token is not used for this long.
        session_idle: Duration = IdentityConfig::default().session_idle,
        /// A session ends this long after the login.
        session_absolute: Duration = IdentityConfig::default().session_absolute,
        /// The same as `session_idle`, for a login with a second factor.
        mfa_session_idle: Duration = IdentityConfig::default().mfa_session_idle,
        /// The same as `session_absolute`, for a login with a second factor.
        mfa_session_absolute: Duration = IdentityConfig::default().mfa_session_absolute,
        /// The most sessions of one person; the oldest gives way.
        max_sessions: u32 = u32::try_from(IdentityConfig::default().max_sessions).unwrap_or(u32::MAX),
        /// How long an invitation can be accepted.
        invitation_lifetime: Duration = IdentityConfig::default().invitation_lifetime,
        /// The most registrations from one network (an IPv4 address, an IPv6 /64) within an hour, and five times as many
        /// within a day; 0 means no limit.
        registrations_per_network: u32 = IdentityConfig::default().registrations_per_network,
        /// How many guests one network may begin in an hour, and five times as many in a day.
        guests_per_network: u32 = IdentityConfig::default().guests_per_network,
        /// The most guests of one organization at a time.
        max_guests: u32 = IdentityConfig::default().max_guests,
        /// How long a deleted account is kept, and its address reserved.
        deleted_retention: Duration = IdentityConfig::default().deleted_retention,
        /// How long a new signing key is published before it signs; no verifier may remember keys for longer.
        key_publication: Duration = IdentityConfig::default().key_publication,
        /// How long a signing key signs before a new one is made.
        key_lifetime: Duration = IdentityConfig::default().key_lifetime,
        /// The setup secret of a new installation, 32 characters or more; the first start makes and prints one when none is
        /// given. Of no use once the first administrator exists.
        setup_secret: Secret = Secret::default(),
    }
    sections {
        /// How passwords are hashed (Argon2id, RFC 9106).
        hashing: Hashing,
    }
}

section! {
    /// How passwords are hashed.
    Hashing {
        /// Memory of one hash in KiB.
        memory_kib: u32 = HashingConfig::default().memory_kib,
        /// Passes over the memory.
        iterations: u32 = HashingConfig::default().iterations,
        /// Lanes.
        parallelism: u32 = HashingConfig::default().parallelism,
        /// How many are computed at once; 0 means one a processor.
        workers: u32 = narrow(HashingConfig::default().workers),
        /// How many may wait; more are refused at once.
        queue: u32 = narrow(HashingConfig::default().queue),
    }
}

section! {
    /// Organizations, members, roles, access, audit.
    Organization {
        /// How long changes of access are kept for watchers that come back.
        access_changes_retention: Duration = OrganizationConfig::default().access_changes_retention,
        /// How much memory all facts that decide access may take, in MiB; with more of them the database decides.
        access_snapshot_mib: u32 = AccessConfig::default().snapshot_mib,
    }
}

section! {
    /// Mails.
    Notification {
        /// Who the mails come from, such as "Rolecall <rolecall@example.org>".
        from: String = NotificationConfig::default().from,
        /// Pauses after the first, second, ... failed try; the last one repeats.
        retry: Vec<Duration> = NotificationConfig::default().retry,
        /// How long a mail that does not expire is tried before it is parked.
        give_up_after: Duration = NotificationConfig::default().give_up_after,
        /// How long the mail server rests after it refused the credentials or the sender.
        channel_pause: Duration = NotificationConfig::default().channel_pause,
        /// How long one attempt may take.
        send_timeout: Duration = NotificationConfig::default().send_timeout,
        /// How long a claim holds; the mails of a dead process are taken up after that.
        lease: Duration = NotificationConfig::default().lease,
        /// How often the database is asked for mails that another process accepted.
        poll: Duration = NotificationConfig::default().poll,
        /// How many mails are sent at once.
        concurrency: u16 = NotificationConfig::default().concurrency,
        /// How many mails of one category a person gets in 24 hours, mandatory ones apart; a digest tells the rest.
        mails_per_day: u16 = NotificationConfig::default().mails_per_day,
        /// How often in 24 hours one sender that is not trusted with the whole installation writes to one person.
        messages_per_day: u16 = NotificationConfig::default().messages_per_day,
        /// How long deliveries are kept once they are sent, parked or expired.
        retention: Duration = NotificationConfig::default().retention,
    }
    sections {
        /// The mail server. Absent: mails are written into the folder `mail` of the data folder, see `rolecall mail`.
        smtp: Smtp,
    }
}

section! {
    /// The mail server.
    Smtp {
        /// Name of the mail server, as in its certificate.
        host: Option<String> = None,
        /// Port; 465 for implicit, 587 for starttls, 25 for none when absent.
        port: Option<u16> = None,
        /// How the connection is encrypted: implicit (TLS from the first byte), starttls, or none (this machine only).
        tls: SmtpEncryption = SmtpEncryption::Implicit,
        /// A certificate authority in PEM form beside those of the system.
        ca_file: Option<PathBuf> = None,
        /// User name; absent means without authentication.
        username: Option<String> = None,
        /// The password of the user.
        password: Secret = Secret::default(),
    }
}
