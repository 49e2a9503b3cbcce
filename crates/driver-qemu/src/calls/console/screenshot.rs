//! `virDomainScreenshot`: QEMU writes the picture into a file, which the client reads as a stream.

use std::io::Read;

use virtus_api::{Call, DomainRef, Piece, StreamPair, StreamReader};
use virtus_base::Result;
use virtus_conf::domain::device::video::VideoType;
use virtus_qmp::command::Screendump;
use virtus_state::gate::{Job, Wanted};

use crate::Driver;
use crate::error::{bad_argument, invalid, system};

/// Takes a picture and opens the stream; the result is its MIME type.
pub(super) async fn take(driver: &Driver, call: &Call, dom: &DomainRef, screen: u32) -> Result<String> {
    let domain = driver.find(dom)?;
    domain.view().require_active()?;
    let job = driver.job(call, &domain, Wanted::Job(Job::Query)).await?;
    let view = domain.view();
    let videos = &view.live()?.model.devices.videos;
    if videos.iter().all(|v| v.model.kind == Some(VideoType::None)) {
        return Err(invalid("no screens to take screenshot from"));
    }
    let mut device = None;
    let mut head = None;
    if screen != 0 {
        let heads = |v: &virtus_conf::domain::device::Video| v.model.heads.unwrap_or(1).max(1);
        let mut left = screen;
        let owner = videos.iter().find(|v| match left.checked_sub(heads(v)) {
            Some(rest) => {
                left = rest;
                false
            }
            None => true,
        });
        let owner = owner.ok_or_else(|| bad_argument("no such screen"))?;
        device = owner.info.alias.clone();
        head = Some(i64::from(left));
    }
    let running = job.running()?;
    let path = running.lib_dir.join(format!("screendump-{screen}"));
    let filename = path.to_string_lossy().into_owned();
    let dumped = job.execute(&Screendump { filename, device, head, format: Some("png".to_owned()) }).await;
    let opened = driver
        .blocking(move || {
            let file = std::fs::File::open(&path).map_err(|e| system("unable to open stream", &e));
            // whoever has it open can still read it
            let _ = std::fs::remove_file(&path);
            file
        })
        .await;
    dumped?;
    let reader = Picture(Some(opened?));
    call.open_stream(StreamPair { reader: Some(Box::new(reader)), writer: None });
    Ok("image/png".to_owned())
}

/// The rest of a file.
struct Picture(Option<std::fs::File>);

#[async_trait::async_trait]
impl StreamReader for Picture {
    async fn read(&mut self) -> Result<Piece> {
        let Some(file) = &mut self.0 else { return Ok(Piece::End) };
        let mut buffer = vec![0; 64 * 1024];
        // a file of QEMU's own directory, just written: it is in memory
        let count = file.read(&mut buffer).map_err(|e| system("cannot read from stream", &e))?;
        if count == 0 {
            self.0 = None;
            return Ok(Piece::End);
        }
        buffer.truncate(count);
        Ok(Piece::Data(buffer))
    }
}
