//! Where a permission is held, and the proof that a row lies there.

use std::sync::Arc;

use rolecall_kernel::id::{OrganizationId, SubjectId};

/// Where a caller holds a permission: the widest place of its grants.
///
/// Queries on tenant data compile it into their WHERE through [`as_organization_filter`](Self::as_organization_filter),
/// so that foreign rows are simply not found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// On every row of the instance.
    All,
    /// On the rows of these organizations.
    Organizations(Arc<[OrganizationId]>),
    /// On the rows that are about this subject itself.
    SelfOnly(SubjectId),
    /// On the rows to which this subject stands in the relation that the permission's name states, such as the
    /// datasets that it registered: whoever knows the relation compiles it itself, for everybody else it is nowhere.
    Related(SubjectId),
    /// Nowhere.
    Nothing,
}

/// A scope as the condition of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter<'a> {
    /// No condition.
    All,
    /// The row's organization is one of these; never empty.
    Organizations(&'a [OrganizationId]),
    /// The row is about this subject.
    Subject(SubjectId),
    /// No row; the query need not run.
    Nothing,
}

/// What decides whether a row lies in a scope. They come from the row itself, never from the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowFacts {
    /// The organization that the row belongs to; `None` for a row of the instance.
    pub organization_id: Option<OrganizationId>,
    /// The subject that the row is about, if it is about one.
    pub subject_id: Option<SubjectId>,
}

/// The proof that a row was read and lies in a scope; store functions that change a row demand it.
///
/// Only [`Scope::permit`] makes one, and it cannot be copied to another row.
#[derive(Debug, PartialEq, Eq)]
pub struct Permit(RowFacts);

impl Permit {
    /// Returns the facts of the row that the permit is for, to be repeated in the WHERE of the change.
    pub const fn facts(&self) -> &RowFacts {
        &self.0
    }
}

impl RowFacts {
    /// Returns the facts of a row that belongs to an organization and is about no subject.
    pub const fn of_organization(organization: OrganizationId) -> Self {
        Self { organization_id: Some(organization), subject_id: None }
    }

    /// Returns the facts of a row that is about a subject of an organization, or of the instance.
    pub const fn of_subject(organization: Option<OrganizationId>, subject: SubjectId) -> Self {
        Self { organization_id: organization, subject_id: Some(subject) }
    }
}

impl Scope {
    /// Returns the scope of one organization.
    pub fn organization(id: OrganizationId) -> Self {
        Self::Organizations(Arc::new([id]))
    }

    /// Gives the permit for a change of the row, unless the row lies outside of the scope.
    pub fn permit(&self, row: RowFacts) -> Option<Permit> {
        let inside = match self {
            Self::All => true,
            Self::Organizations(ids) => row.organization_id.is_some_and(|id| ids.contains(&id)),
            Self::SelfOnly(subject) => row.subject_id == Some(*subject),
            Self::Related(_) | Self::Nothing => false,
        };
        inside.then_some(Permit(row))
    }

    /// Tells whether every row of this organization lies in the scope.
    pub fn includes_organization(&self, id: OrganizationId) -> bool {
        match self {
            Self::All => true,
            Self::Organizations(ids) => ids.contains(&id),
            Self::SelfOnly(_) | Self::Related(_) | Self::Nothing => false,
        }
    }

    /// Returns the subject whose relation to a row counts, if the permission is held on one.
    pub const fn related(&self) -> Option<SubjectId> {
        match self {
            Self::Related(subject) => Some(*subject),
            Self::All | Self::Organizations(_) | Self::SelfOnly(_) | Self::Nothing => None,
        }
    }

    /// Returns the condition that a query on tenant data carries.
    pub fn as_organization_filter(&self) -> Filter<'_> {
        match self {
            Self::All => Filter::All,
            Self::Organizations(ids) if ids.is_empty() => Filter::Nothing,
            Self::Organizations(ids) => Filter::Organizations(ids),
            Self::SelfOnly(subject) => Filter::Subject(*subject),
            Self::Related(_) | Self::Nothing => Filter::Nothing,
        }
    }

    /// Returns the part of the scope that lies in one organization, for lists that name one.
    #[must_use]
    pub fn within(&self, id: OrganizationId) -> Self {
        match self {
            Self::All => Self::organization(id),
            Self::Organizations(ids) if ids.contains(&id) => Self::organization(id),
            Self::SelfOnly(subject) => Self::SelfOnly(*subject),
            Self::Organizations(_) | Self::Related(_) | Self::Nothing => Self::Nothing,
        }
    }

    /// Tells whether the permission is held nowhere.
    pub fn is_nothing(&self) -> bool {
        match self {
            Self::Organizations(ids) => ids.is_empty(),
            Self::Nothing => true,
            Self::All | Self::SelfOnly(_) | Self::Related(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const fn organization(n: u128) -> OrganizationId {
        OrganizationId::from_uuid(Uuid::from_u128(n))
    }

    const fn subject(n: u128) -> SubjectId {
        SubjectId::from_uuid(Uuid::from_u128(n))
    }

    #[test]
    fn a_permit_is_given_for_exactly_the_rows_that_the_filter_finds() {
        let rows = [
            RowFacts::of_organization(organization(1)),
            RowFacts::of_organization(organization(2)),
            RowFacts::of_subject(Some(organization(1)), subject(1)),
            RowFacts::of_subject(Some(organization(2)), subject(2)),
            RowFacts::of_subject(None, subject(1)),
            RowFacts { organization_id: None, subject_id: None },
        ];
        let scopes = [
            Scope::All,
            Scope::organization(organization(1)),
            Scope::Organizations(Arc::new([organization(1), organization(2)])),
            Scope::Organizations(Arc::new([])),
            Scope::SelfOnly(subject(1)),
            Scope::Related(subject(1)),
            Scope::Nothing,
        ];
        for scope in &scopes {
            for row in rows {
                let found = match scope.as_organization_filter() {
                    Filter::All => true,
                    Filter::Organizations(ids) => ids.iter().any(|id| row.organization_id == Some(*id)),
                    Filter::Subject(id) => row.subject_id == Some(id),
                    Filter::Nothing => false,
                };
                assert_eq!(scope.permit(row).is_some(), found, "{scope:?} {row:?}");
                if found {
                    assert_eq!(scope.permit(row).map(|permit| *permit.facts()), Some(row));
                }
            }
        }
    }

    #[test]
    fn the_part_of_a_scope_in_an_organization_is_never_wider_than_the_scope() {
        assert_eq!(Scope::All.within(organization(1)), Scope::organization(organization(1)));
        assert_eq!(Scope::organization(organization(1)).within(organization(1)), Scope::organization(organization(1)));
        assert_eq!(Scope::organization(organization(1)).within(organization(2)), Scope::Nothing);
        assert_eq!(Scope::SelfOnly(subject(1)).within(organization(2)), Scope::SelfOnly(subject(1)));
        assert_eq!(Scope::Related(subject(1)).within(organization(1)), Scope::Nothing);
        assert_eq!(Scope::Nothing.within(organization(1)), Scope::Nothing);
    }

    #[test]
    fn a_scope_includes_an_organization_only_with_all_of_its_rows() {
        assert!(Scope::All.includes_organization(organization(1)));
        assert!(Scope::organization(organization(1)).includes_organization(organization(1)));
        assert!(!Scope::organization(organization(1)).includes_organization(organization(2)));
        assert!(!Scope::SelfOnly(subject(1)).includes_organization(organization(1)));
        assert!(Scope::Organizations(Arc::new([])).is_nothing());
        assert!(Scope::Nothing.is_nothing() && !Scope::SelfOnly(subject(1)).is_nothing());
        let related = Scope::Related(subject(1));
        assert!(!related.is_nothing() && !related.includes_organization(organization(1)));
        assert_eq!((related.related(), Scope::All.related()), (Some(subject(1)), None));
    }
}
