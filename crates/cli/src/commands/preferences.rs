//! What you want to be told, how and when.

use clap::{Args, Subcommand, ValueEnum};
use prost_types::FieldMask;
use rolecall_api::notification::v1::preference_service_client::PreferenceServiceClient;
use rolecall_api::notification::v1::{
    Category, CategoryPreference, Digest, GetPreferencesRequest, Preferences as Wanted, QuietHours,
    UpdatePreferencesRequest,
};

use crate::connection::{Connection, RemoteArgs};
use crate::failure::Failure;
use crate::output::{Answer, Column, View};

const PREFERENCES: &[Column] = &[
    Column("enabled", "enabled", ""),
    Column("language", "locale", ""),
    Column("digest", "digest", "DIGEST_"),
    Column("time zone", "timeZone", ""),
    Column("quiet from", "quietHours.start", ""),
    Column("quiet until", "quietHours.end", ""),
    Column("etag", "etag", ""),
];

const CATEGORIES: &[Column] = &[
    Column("CATEGORY", "category", "CATEGORY_"),
    Column("MAIL", "mail", ""),
    Column("INBOX", "inbox", ""),
    Column("MANDATORY", "mandatory", ""),
];

/// See and change what you are told by mail
#[derive(Debug, Args)]
pub struct Preferences {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// What can be switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Steps of the data workflow.
    Workflow,
    /// Messages of programs or people.
    Message,
    /// News that concern everybody.
    Announcement,
}

impl From<Kind> for Category {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Workflow => Self::Workflow,
            Kind::Message => Self::Message,
            Kind::Announcement => Self::Announcement,
        }
    }
}

/// Whether mails are gathered into one.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Gathering {
    /// Each comes by itself.
    Off,
    /// One mail a day.
    Daily,
    /// One mail a week.
    Weekly,
}

impl From<Gathering> for Digest {
    fn from(gathering: Gathering) -> Self {
        match gathering {
            Gathering::Off => Self::Off,
            Gathering::Daily => Self::Daily,
            Gathering::Weekly => Self::Weekly,
        }
    }
}

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what you are told
    #[command(after_help = "Examples:
  rolecall preferences show")]
    Show,
    /// Change what you are told; only what you name changes
    #[command(after_help = "Examples:
  rolecall preferences set --enabled false
  rolecall preferences set --mute workflow --unmute announcement
  rolecall preferences set --digest daily --time-zone Europe/Berlin --quiet 22:00-07:00
  rolecall preferences set --quiet \"\"")]
    Set(SetArgs),
}

/// What changes; an empty text takes a value away.
#[derive(Debug, Args)]
pub(crate) struct SetArgs {
    /// Whether anything comes that is not mandatory
    #[arg(long, action = clap::ArgAction::Set)]
    enabled: Option<bool>,
    /// No mail of this kind; may be repeated
    #[arg(long, value_enum)]
    mute: Vec<Kind>,
    /// Mail of this kind again; may be repeated
    #[arg(long, value_enum)]
    unmute: Vec<Kind>,
    /// Language of texts, such as pt-BR
    #[arg(long)]
    language: Option<String>,
    /// Whether mails are gathered into one
    #[arg(long, value_enum)]
    digest: Option<Gathering>,
    /// Where the hours count, such as Europe/Berlin
    #[arg(long)]
    time_zone: Option<String>,
    /// Hours without mail, such as 22:00-07:00
    #[arg(long, value_parser = parse_hours)]
    quiet: Option<Hours>,
    /// Change nothing unless this still is the version
    #[arg(long, default_value = "", hide_default_value = true)]
    etag: String,
}

/// Hours, or that there are none.
#[derive(Debug, Clone)]
pub(crate) struct Hours(Option<QuietHours>);

fn parse_hours(text: &str) -> Result<Hours, String> {
    if text.is_empty() {
        return Ok(Hours(None));
    }
    let (start, end) = text.split_once('-').ok_or("write it like 22:00-07:00")?;
    Ok(Hours(Some(QuietHours { start: start.to_owned(), end: end.to_owned() })))
}

impl Command {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        let view = View::Nested("preferences", PREFERENCES, "categories", CATEGORIES);
        let mut client = PreferenceServiceClient::new(connection.signed_in().await?);
        match self {
            Self::Show => {
                let answer = client.get_preferences(GetPreferencesRequest {}).await?.into_inner();
                Answer::message("rolecall.notification.v1.GetPreferencesResponse", &answer, view)
            }
            Self::Set(args) => {
                let read = client.get_preferences(GetPreferencesRequest {}).await?.into_inner();
                let request = args.into_request(&read.preferences.unwrap_or_default());
                let answer = client.update_preferences(request).await?.into_inner();
                Answer::message("rolecall.notification.v1.UpdatePreferencesResponse", &answer, view)
            }
        }
    }
}

impl SetArgs {
    /// A category is set as a whole, so what is not named stays as it was read.
    fn into_request(self, read: &Wanted) -> UpdatePreferencesRequest {
        let mut paths = Vec::new();
        let mut names = |path: &str, is_named: bool| {
            if is_named {
                paths.push(path.to_owned());
            }
        };
        names("enabled", self.enabled.is_some());
        names("categories", !self.mute.is_empty() || !self.unmute.is_empty());
        names("locale", self.language.is_some());
        names("digest", self.digest.is_some());
        names("time_zone", self.time_zone.is_some());
        names("quiet_hours", self.quiet.is_some());
        let switched = |kinds: &[Kind], mail: bool| {
            let switch = |kind: &Kind| {
                let category = Category::from(*kind).into();
                let inbox = read.categories.iter().find(|one| one.category == category).is_none_or(|one| one.inbox);
                CategoryPreference { category, mail, inbox, ..Default::default() }
            };
            kinds.iter().map(switch).collect::<Vec<_>>()
        };
        let preferences = Wanted {
            enabled: self.enabled.unwrap_or_default(),
            categories: [switched(&self.mute, false), switched(&self.unmute, true)].concat(),
            locale: self.language.unwrap_or_default(),
            digest: self.digest.map_or(Digest::Unspecified, Digest::from).into(),
            time_zone: self.time_zone.unwrap_or_default(),
            quiet_hours: self.quiet.and_then(|hours| hours.0),
            etag: self.etag,
            ..Default::default()
        };
        let update_mask = Some(FieldMask { paths });
        UpdatePreferencesRequest { preferences: Some(preferences), update_mask, ..Default::default() }
    }
}
