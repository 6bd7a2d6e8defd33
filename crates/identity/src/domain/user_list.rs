//! Which accounts a list holds, in which order.

use rolecall_kernel::id::UserId;
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;

use super::fold;
use super::user::{User, UserState};

/// A text of an account whose beginning is looked for, folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextField {
    /// The address.
    Email,
    /// The full name.
    Name,
    /// The given name.
    GivenName,
    /// The family name.
    FamilyName,
    /// Where the person works.
    Institution,
}

/// A time of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeField {
    /// When it was made.
    Created,
    /// When its person last logged in; never is neither before nor after anything.
    LastLogin,
}

/// One thing that is asked of an account; an index serves each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UserTerm {
    /// It has this address, in whichever spelling.
    Email(EmailAddress),
    /// The folded text begins with this.
    Begins(TextField, String),
    /// It stands here in its life.
    State(UserState),
    /// The time is this one or later.
    From(TimeField, Timestamp),
    /// The time is earlier than this one.
    Before(TimeField, Timestamp),
    /// Names, address or institution have words that begin with each of these.
    Words(Vec<String>),
}

/// What all accounts of a list have: of each group at least one thing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct UserFilter {
    /// The groups.
    pub(crate) all: Vec<Vec<UserTerm>>,
}

/// What a list is ordered by; the identifier decides between equals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum UserKey {
    /// When the account was made.
    #[default]
    Created,
    /// The address, in its canonical form.
    Email,
    /// The full name, folded.
    Name,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct UserOrder {
    /// By what.
    pub(crate) key: UserKey,
    /// Whether from the end.
    pub(crate) descending: bool,
}

/// A value by which accounts are ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// A time.
    Time(Timestamp),
    /// A key.
    Text(String),
}

/// A place in an order: that of an account, be it still there or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Position {
    /// Its value.
    pub(crate) value: Value,
    /// Its identifier.
    pub(crate) user_id: UserId,
}

impl UserOrder {
    /// Reads `create_time`, `email` or `name`, each also with ` desc`; empty means `create_time`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split_whitespace();
        let key = match parts.next() {
            None | Some("create_time") => UserKey::Created,
            Some("email") => UserKey::Email,
            Some("name") => UserKey::Name,
            Some(_) => return None,
        };
        match (parts.next(), parts.next()) {
            (None, None) => Some(Self { key, descending: false }),
            (Some("desc"), None) => Some(Self { key, descending: true }),
            _ => None,
        }
    }

    /// Returns the place of an account.
    pub(crate) fn position(self, user: &User) -> Position {
        let value = match self.key {
            UserKey::Created => Value::Time(user.created),
            UserKey::Email => Value::Text(user.email.key().to_owned()),
            UserKey::Name => Value::Text(fold::key(user.profile.name.as_str())),
        };
        Position { value, user_id: user.user_id }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_one_listed_field_and_a_direction() {
        let order = |key, descending| Some(UserOrder { key, descending });
        assert_eq!(UserOrder::parse(""), order(UserKey::Created, false));
        assert_eq!(UserOrder::parse("create_time desc"), order(UserKey::Created, true));
        assert_eq!(UserOrder::parse(" name  desc "), order(UserKey::Name, true));
        assert_eq!(UserOrder::parse("email"), order(UserKey::Email, false));
        for wrong in ["desc", "name asc desc", "name, email", "NAME", "role", "name DESC"] {
            assert_eq!(UserOrder::parse(wrong), None, "{wrong}");
        }
    }
}
