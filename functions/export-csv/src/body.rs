//! What an object of S3 holds, in memory or in a file: a CSV has a line for each company and hour, so it is never held in
//! memory, however many there are.
//!
//! The files are in the function's temporary folder, `/tmp`, of which an invocation has 512 MB unless more is configured: ten
//! thousand companies' hours are 10 MB. <https://docs.aws.amazon.com/lambda/latest/dg/configuration-ephemeral-storage.html>

use std::{
    io::{self, BufWriter, Write},
    sync::Arc,
};

use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use base64::{Engine, prelude::BASE64_STANDARD};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

/// The bytes of an object. A copy of it shares them.
#[derive(Debug, Clone)]
pub struct Body {
    bytes: Bytes,
    /// Their SHA-256 in Base64, as S3 writes it. <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html>
    pub sha256: String,
}

#[derive(Debug, Clone)]
enum Bytes {
    Memory(SharedBytes),
    /// It is deleted with the last copy.
    File(Arc<NamedTempFile>),
}

type SharedBytes = Arc<[u8]>;

impl Body {
    /// The bytes as they can be sent, more than once where a call is made again.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn stream(&self) -> io::Result<ByteStream> {
        match &self.bytes {
            Bytes::Memory(bytes) => Ok(ByteStream::new(SdkBody::from(&**bytes))),
            Bytes::File(file) => ByteStream::from_path(file.path()).await.map_err(io::Error::other),
        }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self { sha256: BASE64_STANDARD.encode(Sha256::digest(&bytes)), bytes: Bytes::Memory(bytes.into()) }
    }
}

/// A file that becomes a [`Body`].
#[derive(Debug)]
pub struct BodyFile {
    file: BufWriter<NamedTempFile>,
    sha256: Sha256,
}

impl BodyFile {
    /// An empty file.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn new() -> io::Result<Self> {
        Ok(Self { file: BufWriter::new(NamedTempFile::new()?), sha256: Sha256::new() })
    }

    /// What was written.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn finish(self) -> io::Result<Body> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Body { bytes: Bytes::File(Arc::new(file)), sha256: BASE64_STANDARD.encode(self.sha256.finalize()) })
    }
}

impl Write for BodyFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.sha256.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
impl Body {
    /// All bytes.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        match &self.bytes {
            Bytes::Memory(bytes) => Ok(bytes.to_vec()),
            Bytes::File(file) => std::fs::read(file.path()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_is_sent_as_bytes_in_memory_are() -> Result<(), Box<dyn std::error::Error>> {
        let text = "company_name,symbol\n".repeat(10_000);
        let mut file = BodyFile::new()?;
        file.write_all(text.as_bytes())?;
        let (file, memory) = (file.finish()?, Body::from(text.clone().into_bytes()));
        assert_eq!(file.sha256, memory.sha256);
        for body in [file, memory] {
            for _ in 0..2 {
                assert_eq!(body.stream().await?.collect().await?.into_bytes(), text);
            }
        }
        Ok(())
    }
}
