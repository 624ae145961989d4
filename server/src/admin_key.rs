//! The first admin key: given by the caller, kept in a file, or created once.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tollgate_report::Timestamp;

use crate::auth;
use crate::store::{Begun, NewToken, Store, StoreError};

/// Where the first admin key comes from.
#[derive(Debug, Clone, Default)]
pub enum AdminKey {
    /// Created at the first start of a database, and shown once.
    #[default]
    Fresh,
    /// Given by the caller.
    Given(String),
    /// Read from a file; if there is none, created there, readable by its owner only.
    File(PathBuf),
}

/// The admin key could not be used.
#[derive(Debug, thiserror::Error)]
pub enum AdminKeyError {
    /// It does not have the form of a key.
    #[error(
        "the admin key is not valid: it must be `tg_` and 64 hexadecimal digits\n\nhint: `printf 'tg_%s' $(openssl rand -hex 32)` creates one"
    )]
    Form,
    /// The file could not be read.
    #[error("cannot read the admin key from `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The file could not be written.
    #[error("cannot write the admin key to `{path}`")]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The database failed.
    #[error("cannot store the admin key")]
    Store(#[from] StoreError),
}

/// Makes sure that there is an admin key; returns one that was made and is in no file.
///
/// # Errors
/// When the key does not have the form of one, or the file or the database fails.
pub async fn ensure(
    store: &Store,
    admin_key: AdminKey,
    now: Timestamp,
) -> Result<Option<String>, AdminKeyError> {
    match admin_key {
        AdminKey::Given(key) => {
            keep(store, &key, now).await?;
            Ok(None)
        }
        AdminKey::File(path) => {
            let key = match std::fs::read_to_string(&path) {
                Ok(text) => text.trim().to_owned(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => write_new(&path)?,
                Err(source) => return Err(AdminKeyError::Read { path, source }),
            };
            keep(store, &key, now).await?;
            Ok(None)
        }
        AdminKey::Fresh if store.has_tokens().await? => Ok(None),
        AdminKey::Fresh => {
            let key = auth::new_key();
            keep(store, &key, now).await?;
            Ok(Some(key))
        }
    }
}

async fn keep(store: &Store, key: &str, now: Timestamp) -> Result<(), AdminKeyError> {
    if !auth::is_key(key) {
        return Err(AdminKeyError::Form);
    }
    let digest = auth::digest(key);
    if store.token_by_digest(&digest).await?.is_some() {
        return Ok(());
    }
    if let Begun::New(mut write) = store.begin::<()>(None, now).await? {
        let token = NewToken {
            name: "first admin",
            role: "admin",
            client_type: "cli",
            prefix: auth::shown_prefix(key),
            digest: &digest,
            expires_at: None,
        };
        write.put_token(token).await?;
        write.commit(&()).await?;
    }
    Ok(())
}

/// Makes a key and writes it; the file is never there with another reader or half a key in it.
fn write_new(path: &Path) -> Result<String, AdminKeyError> {
    let key = auth::new_key();
    let written = (|| {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let mut file = options.open(path)?;
        writeln!(file, "{key}")?;
        file.sync_all()
    })();
    match written {
        Ok(()) => Ok(key),
        Err(source) => Err(AdminKeyError::Write {
            path: path.to_owned(),
            source,
        }),
    }
}
