//! The way to the server, and the token that goes along.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use rolecall_api::identity::v1::authentication_service_client::AuthenticationServiceClient;
use rolecall_api::identity::v1::{RefreshTokensRequest, Tokens};
use rolecall_kernel::time::{Clock as _, SystemClock};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Status};
use url::{Host, Url};

use crate::failure::Failure;
use crate::output::Format;
use crate::token_file::{Login, TokenFile};

/// A token that ends within these seconds is exchanged before it is used.
const MARGIN_SECONDS: i64 = 10;

/// Which server, and how to show its answers.
#[derive(Debug, Clone, Args)]
pub(crate) struct RemoteArgs {
    /// Address of the server
    #[arg(long, global = true, env = "ROLECALL_SERVER", default_value = "http://127.0.0.1:50051")]
    #[arg(help_heading = "Connection")]
    pub(crate) server: String,

    /// Certificate authority of the server in PEM form, such as the `ca.pem` that `rolecall certs init` makes
    #[arg(long, global = true, env = "ROLECALL_CA_FILE", value_name = "FILE", help_heading = "Connection")]
    pub(crate) ca_file: Option<PathBuf>,

    /// Allow `http://` to a server beyond this machine: passwords then travel in the clear
    #[arg(long, global = true, help_heading = "Connection")]
    pub(crate) plaintext: bool,

    /// Where the tokens of this user are kept
    #[arg(long, global = true, env = "ROLECALL_TOKEN_FILE", value_name = "FILE", help_heading = "Connection")]
    pub(crate) token_file: Option<PathBuf>,

    /// How the answer is printed
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT", help_heading = "Output")]
    pub(crate) output: Format,

    #[arg(long, global = true, env = "XDG_CONFIG_HOME", hide = true, hide_env = true)]
    xdg_config_home: Option<PathBuf>,

    #[arg(long, global = true, env = "HOME", hide = true, hide_env = true)]
    home: Option<PathBuf>,
}

impl RemoteArgs {
    /// Returns the token file: the one given, or `rolecall/tokens.toml` in the user's configuration folder.
    fn token_file(&self) -> Result<TokenFile, Failure> {
        if let Some(file) = &self.token_file {
            return Ok(TokenFile::new(file.clone()));
        }
        // An empty or relative XDG_CONFIG_HOME counts as unset (XDG Base Directory Specification).
        let folder = self.xdg_config_home.clone().filter(|folder| folder.is_absolute());
        let folder = folder.or_else(|| self.home.clone().map(|home| home.join(".config")));
        let folder = folder.ok_or_else(|| Failure::Usage("there is no HOME; give --token-file".to_owned()))?;
        Ok(TokenFile::new(folder.join("rolecall/tokens.toml")))
    }
}

/// A channel whose calls carry a token, or none.
pub(crate) type Wire = InterceptedService<Channel, Bearer>;

/// Adds the token to each call.
#[derive(Debug, Clone)]
pub(crate) struct Bearer(Option<MetadataValue<Ascii>>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.0 {
            request.metadata_mut().insert("authorization", value.clone());
        }
        Ok(request)
    }
}

/// The connection of one command.
#[derive(Debug)]
pub(crate) struct Connection {
    channel: Channel,
    server: String,
    tokens: TokenFile,
}

impl Connection {
    /// Prepares the connection; it is made at the first call.
    pub(crate) fn new(remote: &RemoteArgs) -> Result<Self, Failure> {
        let server = server_address(&remote.server, remote.plaintext)?;
        let authority = remote.ca_file.as_deref().map(read_authority).transpose()?;
        let endpoint = Endpoint::from_shared(server.clone())
            .map_err(|error| Failure::Usage(format!("--server {server}: {error}")))?
            .user_agent(concat!("rolecall-cli/", env!("CARGO_PKG_VERSION")))
            .and_then(|endpoint| encrypt(endpoint, authority))
            .map_err(|error| Failure::local("the connection cannot be prepared", error))?
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(30));
        Ok(Self { channel: endpoint.connect_lazy(), server, tokens: remote.token_file()? })
    }

    /// Returns the address of the server.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    /// Returns the bare channel.
    pub(crate) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// Returns a channel without a token, for what anyone may call.
    pub(crate) fn public(&self) -> Wire {
        InterceptedService::new(self.channel.clone(), Bearer(None))
    }

    /// Returns a channel with the user's token, exchanged for a new one when it is about to end.
    pub(crate) async fn signed_in(&self) -> Result<Wire, Failure> {
        let token = self.access_token().await?;
        let value = MetadataValue::try_from(format!("Bearer {token}"));
        let mut value = value.map_err(|_| Failure::Local("the token file holds no token; log in again".to_owned()))?;
        value.set_sensitive(true);
        Ok(InterceptedService::new(self.channel.clone(), Bearer(Some(value))))
    }

    /// Returns the user's access token, good for at least a few seconds.
    pub(crate) async fn access_token(&self) -> Result<String, Failure> {
        let login = self.tokens.find(&self.server)?;
        let login = login.ok_or_else(|| Failure::LoggedOut(self.server.clone()))?;
        if SystemClock.now().as_seconds() + MARGIN_SECONDS < login.access_expires {
            return Ok(login.access_token);
        }
        let request = RefreshTokensRequest { refresh_token: login.refresh_token, ..Default::default() };
        let answer = AuthenticationServiceClient::new(self.public()).refresh_tokens(request).await;
        let tokens = match answer {
            Ok(answer) => answer.into_inner().tokens.unwrap_or_default(),
            Err(status) if status.code() == tonic::Code::Unauthenticated => {
                self.tokens.forget(&self.server)?;
                return Err(Failure::LoggedOut(self.server.clone()));
            }
            Err(status) => return Err(status.into()),
        };
        self.keep(&tokens)?;
        Ok(tokens.access_token)
    }

    /// Keeps the tokens of a login.
    pub(crate) fn keep(&self, tokens: &Tokens) -> Result<(), Failure> {
        let login = Login {
            access_token: tokens.access_token.clone(),
            access_expires: tokens.access_token_expire_time.map(|time| time.seconds).unwrap_or_default(),
            refresh_token: tokens.refresh_token.clone(),
        };
        self.tokens.store(&self.server, login)
    }

    /// Returns what this machine shows when somebody logs in who logged in here before; empty when nobody did.
    pub(crate) fn device_token(&self, email: &str) -> Result<String, Failure> {
        Ok(self.tokens.find_device(&self.server, email)?.unwrap_or_default())
    }

    /// Keeps what this machine shows at the next login of the same person.
    pub(crate) fn keep_device(&self, email: &str, tokens: &Tokens) -> Result<(), Failure> {
        if tokens.device_token.is_empty() {
            return Ok(());
        }
        self.tokens.store_device(&self.server, email, &tokens.device_token)
    }

    /// Keeps another access token of the same login.
    pub(crate) fn keep_access(
        &self,
        access_token: String,
        expires: Option<prost_types::Timestamp>,
    ) -> Result<(), Failure> {
        let login = self.tokens.find(&self.server)?.ok_or_else(|| Failure::LoggedOut(self.server.clone()))?;
        let access_expires = expires.map(|time| time.seconds).unwrap_or_default();
        self.tokens.store(&self.server, Login { access_token, access_expires, ..login })
    }

    /// Forgets the tokens of a login.
    pub(crate) fn forget(&self) -> Result<(), Failure> {
        self.tokens.forget(&self.server)
    }
}

/// Checks the address; the result has no trailing slash, so that one server has one entry in the token file.
fn server_address(text: &str, plaintext: bool) -> Result<String, Failure> {
    let usage = |why: &str| Failure::Usage(format!("--server {text}: {why}"));
    let url = Url::parse(text).map_err(|_| usage("write it like https://rolecall.example.org:443"))?;
    match url.scheme() {
        "https" => {}
        "http" if plaintext || is_loopback(&url) => {}
        "http" => {
            return Err(usage("passwords would travel in the clear; use https://, or give --plaintext"));
        }
        _ => return Err(usage("write it like https://rolecall.example.org:443")),
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}

fn read_authority(file: &Path) -> Result<Certificate, Failure> {
    let pem = std::fs::read(file);
    let pem = pem.map_err(|error| Failure::local(format!("--ca-file {} cannot be read", file.display()), error))?;
    Ok(Certificate::from_pem(pem))
}

fn encrypt(endpoint: Endpoint, authority: Option<Certificate>) -> Result<Endpoint, tonic::transport::Error> {
    if endpoint.uri().scheme_str() != Some("https") {
        return Ok(endpoint);
    }
    let tls = ClientTlsConfig::new();
    endpoint.tls_config(match authority {
        Some(authority) => tls.ca_certificate(authority),
        None => tls.with_native_roots(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asvs_v12_2_1_only_loopback_is_reached_without_encryption() {
        for address in ["http://localhost:1", "http://127.0.0.1:50051/", "http://[::1]:1", "https://example.org"] {
            assert!(server_address(address, false).is_ok(), "{address}");
        }
        for address in ["http://example.org", "example.org:1", "ftp://localhost", ""] {
            assert!(server_address(address, false).is_err(), "{address}");
        }
        assert!(server_address("http://example.org", true).is_ok());
    }

    #[test]
    fn one_server_has_one_name() {
        let name = |text| server_address(text, false).ok();
        assert_eq!(name("http://127.0.0.1:50051/"), name("http://127.0.0.1:50051"));
    }
}
