//! Publishes what a run has exported, so that its CSV and its report are never found beside those of another run.
//!
//! A run writes its own files first. Then one conditional write of the day's manifest publishes both at once, unless a run
//! that collected later is published already. The copies at the day's own address follow, with whatever run the manifest
//! names by then.
//!
//! Any call may be the last that this process makes, and another run's may come in between. Each copy is therefore replaced
//! only if it is still the one that was read before the manifest was: a process that stood still meanwhile cannot put files
//! back that the manifest has left behind. Hence, once an export has ended that saw the last manifest, the copies are as it
//! says.

use std::time::Duration;

use aws_sdk_s3::Client;
use shared::{ExportFiles, Manifest, PublishedDay, S3Uri};

use crate::{
    Error,
    objects::{self, Condition, Content, Download, Object, Written},
};

/// How often one write is tried whose condition other exports of the day keep breaking.
const MAX_ATTEMPTS: u32 = 10;
/// The pause before the second attempt, and the longest one. Each is twice as long as the one before.
const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(1600)];

/// An export that is to be published.
pub struct Publication<'a> {
    pub s3: &'a Client,
    pub bucket: &'a str,
    /// Where it is published besides; none where the run's own files are all.
    pub day: Option<PublishedDay>,
    /// Names the run and its own files.
    pub manifest: Manifest,
    /// What its files hold, in the order of [`ExportFiles::in_order`].
    pub contents: [Content; 2],
}

impl Publication<'_> {
    /// Writes the run's files, publishes them unless a newer run is published, and makes the day's copies agree with what is.
    /// Returns the manifest that is in place in the end; none where the run publishes nothing but its own files.
    ///
    /// # Errors
    /// [`Error::Service`], [`Error::Contended`] or [`Error::InvalidManifest`]. What the manifest names is complete then, too,
    /// whether of this run or of another; the copies may not agree with it until the day is exported again.
    pub async fn publish(&self) -> Result<Option<Manifest>, Error> {
        for (uri, content) in self.manifest.files.in_order().into_iter().zip(&self.contents) {
            objects::put(self.s3, uri, content).await?;
        }
        let Some(day) = &self.day else { return Ok(None) };
        let published = self.replace_manifest(day).await?;
        self.update_copies(day, published).await.map(Some)
    }

    /// Publishes this run, unless one that collected later is; returns the manifest that is in place.
    ///
    /// Creating comes before reading: the role may not list the bucket, so that a missing manifest could not be told from one
    /// that it may not read.
    async fn replace_manifest(&self, day: &PublishedDay) -> Result<Manifest, Error> {
        let (uri, content) = (Manifest::uri(self.bucket, day), self.manifest_content(day)?);
        let mut etag = None;
        for attempt in 0..MAX_ATTEMPTS {
            let written = objects::put_if(self.s3, &uri, &content, condition(etag.as_deref())).await?;
            if written == Written::Yes {
                return Ok(self.manifest.clone());
            }
            pause(attempt).await;
            let object = if written == Written::No { objects::get(self.s3, &uri).await? } else { None };
            let Some(object) = object else {
                etag = None;
                continue;
            };
            let published = read(&uri, &object)?;
            if published == self.manifest || !self.manifest.replaces(&published) {
                return Ok(published);
            }
            etag = Some(object.etag);
        }
        Err(Error::Contended(uri))
    }

    /// Makes the day's copies those of the run that the manifest names, until that is so; returns that manifest.
    async fn update_copies(&self, day: &PublishedDay, mut manifest: Manifest) -> Result<Manifest, Error> {
        let copies = ExportFiles::of_day(self.bucket, day);
        let [report, csv] = copies.in_order();
        // At first they are taken to be missing, for the same reason for which the manifest is.
        let mut found: [Option<Download>; 2] = [None, None];
        for attempt in 0..MAX_ATTEMPTS {
            let mut written = [None, None];
            for (place, (uri, copy)) in [report, csv].into_iter().zip(&found).enumerate() {
                let content = self.content_of(day, &manifest, place).await?;
                if copy.as_ref().is_none_or(|copy| copy.body.sha256 != content.body.sha256) {
                    let etag = copy.as_ref().map(|copy| &*copy.etag);
                    written[place] = Some(objects::put_if(self.s3, uri, &content, condition(etag)).await?);
                }
            }
            if written == [None, None] {
                return Ok(manifest);
            }
            if written.iter().flatten().any(|written| *written != Written::Yes) {
                pause(attempt).await;
            }
            // The copies before the manifest, so that each is replaced by what was published after it was read.
            for (place, uri) in [report, csv].into_iter().enumerate() {
                let is_there = written[place] != Some(Written::Unknown);
                found[place] = if is_there { objects::download(self.s3, uri).await? } else { None };
            }
            manifest = self.read_manifest(day).await?;
        }
        Err(Error::Contended(copies.csv))
    }

    async fn read_manifest(&self, day: &PublishedDay) -> Result<Manifest, Error> {
        let uri = Manifest::uri(self.bucket, day);
        match objects::get(self.s3, &uri).await? {
            Some(object) => read(&uri, &object),
            None => Err(Error::Contended(uri)),
        }
    }

    /// What a file of the manifest's run holds; the files are numbered as in [`ExportFiles::in_order`].
    async fn content_of(&self, day: &PublishedDay, manifest: &Manifest, place: usize) -> Result<Content, Error> {
        let own = self.contents[place].clone();
        if manifest.run_id == self.manifest.run_id {
            return Ok(own);
        }
        let uri = manifest.files.in_order()[place];
        let Download { body, simulated, .. } = objects::download(self.s3, uri).await?.ok_or_else(|| {
            let manifest = Manifest::uri(self.bucket, day);
            Error::InvalidManifest { uri: manifest, problem: format!("names {uri}, which does not exist") }
        })?;
        Ok(Content { body, simulated, ..own })
    }

    fn manifest_content(&self, day: &PublishedDay) -> Result<Content, Error> {
        let bytes = serde_json::to_vec(&self.manifest).map_err(|error| Error::InvalidManifest {
            uri: Manifest::uri(self.bucket, day),
            problem: format!("cannot be written out: {error}"),
        })?;
        let simulated = self.contents.iter().any(|content| content.simulated);
        Ok(Content { content_type: "application/json", body: bytes.into(), simulated })
    }
}

fn condition(etag: Option<&str>) -> Condition<'_> {
    etag.map_or(Condition::Absent, Condition::Unchanged)
}

fn read(uri: &S3Uri, object: &Object) -> Result<Manifest, Error> {
    serde_json::from_slice(&object.bytes).map_err(|error| Error::InvalidManifest {
        uri: uri.clone(),
        problem: format!("is not a manifest of this version: {error}"),
    })
}

/// Waits before the next attempt, with jitter, so that several exports of a day do not return at once.
async fn pause(attempt: u32) {
    let [first, longest] = PAUSES;
    let pause = first.saturating_mul(2_u32.saturating_pow(attempt)).min(longest);
    tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..=1.0))).await;
}
