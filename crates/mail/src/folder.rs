//! Mails as files, for machines without a mail server.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use rolecall_kernel::id::DeliveryId;

use crate::channel::{ChannelError, detail};
use crate::mail::Answer;

/// A folder of mails, `<delivery_id>.eml` each.
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes the folder, for its owner only: the mails hold codes.
    pub(super) fn open(path: &Path) -> Result<Self, ChannelError> {
        let failed =
            |error: io::Error| ChannelError::Folder { path: path.display().to_string(), reason: error.to_string() };
        make_private(path).map_err(failed)?;
        Ok(Self { path: path.to_owned() })
    }

    /// Writes a mail; a mail that is written again replaces itself, so it is there once.
    pub(super) async fn send(&self, delivery: DeliveryId, bytes: Vec<u8>) -> Answer {
        let path = self.path.clone();
        let written = tokio::task::spawn_blocking(move || write(&path, delivery, &bytes)).await;
        match written.map_err(io::Error::other).flatten() {
            Ok(()) => Answer::Taken("written".to_owned()),
            Err(error) => Answer::Later(detail(&format!("the mail folder: {error}"))),
        }
    }
}

/// Writes beside and renames, so that readers see whole mails only, also after a power loss.
fn write(folder: &Path, delivery: DeliveryId, bytes: &[u8]) -> io::Result<()> {
    make_private(folder)?;
    let (beside, path) = (folder.join(format!(".{delivery}.tmp")), folder.join(format!("{delivery}.eml")));
    let mut file = private().open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, &path)?;
    File::open(folder)?.sync_all()
}

#[cfg(unix)]
fn private() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options
}

#[cfg(not(unix))]
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    options
}

fn make_private(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(test)]
mod tests {
    use rolecall_kernel::entropy::SystemEntropy;
    use rolecall_kernel::time::Timestamp;

    use super::*;

    #[tokio::test]
    async fn a_mail_is_written_whole_and_once_and_for_its_owner_only() {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("data/mail");
        let folder = Folder::open(&path).expect("it opens");
        let delivery = DeliveryId::new(Timestamp::from_seconds(1), &SystemEntropy);
        for text in ["first", "again"] {
            assert_eq!(folder.send(delivery, text.into()).await, Answer::Taken("written".to_owned()));
        }
        let names: Vec<_> = fs::read_dir(&path).expect("a folder").map(|entry| entry.expect("a file").path()).collect();
        assert_eq!(names, [path.join(format!("{delivery}.eml"))]);
        assert_eq!(fs::read_to_string(&names[0]).expect("a mail"), "again");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
            assert_eq!((mode(&path), mode(&names[0])), (0o700, 0o600));
        }
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_written_defers() {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("mail");
        let folder = Folder::open(&path).expect("it opens");
        fs::remove_dir(&path).expect("removed");
        fs::write(&path, "in the way").expect("written");
        let delivery = DeliveryId::new(Timestamp::from_seconds(1), &SystemEntropy);
        assert!(matches!(folder.send(delivery, b"x".to_vec()).await, Answer::Later(_)));
        assert!(matches!(Folder::open(&path), Err(ChannelError::Folder { .. })));
    }
}
