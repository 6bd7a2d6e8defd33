//! Field masks, as every request reads them.

use prost_types::FieldMask;

use super::convert::Fields;

pub(super) use rolecall_rpc::mask::{Field, Mask};

impl Fields {
    /// Reads which of the fields of a resource are meant; without a mask all that hold a value.
    pub(super) fn mask(&mut self, mask: Option<&FieldMask>, resource: &[(&'static str, Field)]) -> Mask {
        Mask::read(self.violations(), mask, resource)
    }
}
