//! Streams: one is made first, and a call opens it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use virtus::constants::{VIR_STREAM_NONBLOCK, VIR_STREAM_RECV_STOP_AT_HOLE};
use virtus::{Connection, Error, ErrorCode, ErrorDomain, Piece, Result};

use crate::answer::Answer;
use crate::argument::Argument;
use crate::functions::{Arguments, Registry};
use crate::site::{Place, Site};

/// What is received when nothing is there now.
const NOT_NOW: i32 = -2;
/// What is received where a hole is, if holes are to be told.
const HOLE: i32 = -3;

/// Stands for a stream.
#[pyclass(frozen, weakref, name = "virStreamPtr", module = "libvirt._native")]
#[derive(Debug)]
pub(crate) struct StreamHandle {
    /// Kept for as long as the stream.
    _connection: Connection,
    waits: bool,
    open: Mutex<Option<Arc<virtus::Stream>>>,
    /// What was taken and is still to be given; the inner `None` is the end.
    held: Mutex<Option<Option<Piece>>>,
}

/// A call's result: the stream, or the stream with something else.
pub(crate) trait WithStream {
    type Reply;
    fn split(self) -> (Self::Reply, virtus::Stream);
}

impl WithStream for virtus::Stream {
    type Reply = ();
    fn split(self) -> ((), virtus::Stream) {
        ((), self)
    }
}

impl<R> WithStream for (R, virtus::Stream) {
    type Reply = R;
    fn split(self) -> (R, virtus::Stream) {
        self
    }
}

/// A stream that a call opens.
pub(crate) enum Opened {}

impl Argument for Opened {
    type Kept = Py<StreamHandle>;
    type Lent<'a> = ();
    type Given<'a> = ();

    fn keep(value: &Bound<'_, PyAny>, place: &Place<'_>) -> PyResult<Py<StreamHandle>> {
        handle(value, place.site)
    }

    fn lend(_: &Py<StreamHandle>) {}

    fn give((): &()) {}
}

fn handle(value: &Bound<'_, PyAny>, site: Site) -> PyResult<Py<StreamHandle>> {
    if value.is_none() {
        let error = Error::new(ErrorDomain::STREAMS, ErrorCode::INVALID_STREAM, site.function);
        crate::error::reset();
        return Err(crate::error::raise(value.py(), site.function, error));
    }
    match value.cast::<StreamHandle>() {
        Ok(handle) => Ok(handle.clone().unbind()),
        Err(_) => Err(PyTypeError::new_err(format!("{}() needs a stream", site.function))),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What was received.
enum Received {
    Bytes(Vec<u8>),
    Hole,
    NotNow,
}

impl StreamHandle {
    /// Makes a call that opens it.
    pub(crate) fn open<W: WithStream>(&self, call: impl FnOnce() -> Result<W>) -> Result<W::Reply> {
        if lock(&self.open).is_some() {
            return Err(Error::new(
                ErrorDomain::STREAMS,
                ErrorCode::OPERATION_INVALID,
                "stream is already open",
            ));
        }
        let (reply, stream) = call()?.split();
        *lock(&self.open) = Some(Arc::new(stream));
        *lock(&self.held) = None;
        Ok(reply)
    }

    fn stream(&self, function: &str) -> Result<Arc<virtus::Stream>> {
        lock(&self.open)
            .clone()
            .ok_or_else(|| Error::new(ErrorDomain::STREAMS, ErrorCode::NO_SUPPORT, function))
    }

    /// The piece that comes next, put where it is held; `false` when there is none now.
    fn fetch(stream: &virtus::Stream, held: &mut Option<Option<Piece>>, waits: bool) -> Result<bool> {
        if held.is_none() {
            *held = if waits { Some(stream.recv_piece()?) } else { stream.try_recv_piece()? };
        }
        Ok(held.is_some())
    }

    fn receive(&self, function: &str, count: usize, stop_at_hole: bool) -> Result<Received> {
        let stream = self.stream(function)?;
        let mut held = lock(&self.held);
        if !Self::fetch(&stream, &mut held, self.waits)? {
            return Ok(Received::NotNow);
        }
        Ok(match held.take().flatten() {
            None => Received::Bytes(Vec::new()),
            Some(Piece::Hole(length)) if stop_at_hole => {
                *held = Some(Some(Piece::Hole(length)));
                Received::Hole
            }
            Some(Piece::Hole(length)) => {
                let zeros = usize::try_from(length).unwrap_or(usize::MAX).min(count);
                let rest = length - zeros as u64;
                *held = (rest > 0).then_some(Some(Piece::Hole(rest)));
                Received::Bytes(vec![0; zeros])
            }
            Some(Piece::Data(mut bytes)) => {
                let rest = bytes.split_off(count.min(bytes.len()));
                *held = (!rest.is_empty()).then_some(Some(Piece::Data(rest)));
                Received::Bytes(bytes)
            }
        })
    }

    /// The length of the hole that comes next; 0 when there is none.
    fn receive_hole(&self, function: &str) -> Result<u64> {
        let stream = self.stream(function)?;
        let mut held = lock(&self.held);
        Self::fetch(&stream, &mut held, self.waits)?;
        match held.take() {
            Some(Some(Piece::Hole(length))) => Ok(length),
            other => {
                *held = other;
                Ok(0)
            }
        }
    }

    /// Whether there is something to receive: bytes, a hole, the end, or an error.
    fn ready(&self) -> bool {
        let Ok(stream) = self.stream("") else { return false };
        // somebody who receives has it at this moment
        let Ok(mut held) = self.held.try_lock() else { return false };
        Self::fetch(&stream, &mut held, false).unwrap_or(true)
    }

    /// Ends it in one way or the other.
    fn close(&self, function: &str, end: impl FnOnce(&virtus::Stream) -> Result<()>) -> Result<()> {
        let stream = self.stream(function)?;
        let outcome = end(&stream);
        *lock(&self.open) = None;
        outcome
    }
}

/// How many bytes are wanted at most, of which none is asked for in vain.
const MOST: usize = 16 << 20;

fn received(
    arguments: &Arguments<'_>,
    stream: &StreamHandle,
    count: usize,
    flags: u32,
) -> PyResult<Py<PyAny>> {
    let function = arguments.site().function;
    let stop = flags & VIR_STREAM_RECV_STOP_AT_HOLE != 0;
    let py = arguments.py();
    match arguments.run(|| stream.receive(function, count.min(MOST), stop))? {
        Received::Bytes(bytes) => PyBytes::new(py, &bytes).into_py_any(py),
        Received::Hole => HOLE.into_py_any(py),
        Received::NotNow => NOT_NOW.into_py_any(py),
    }
}

pub(crate) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<StreamHandle>()
}

/// The functions of streams, each with the stream as its first argument.
pub(crate) fn functions(registry: &Registry<'_, '_>) -> PyResult<()> {
    let site = |function| Site { function, errors: ErrorDomain::STREAMS };
    registry.add(site("virStreamNew"), |mut arguments| {
        let handle = arguments.object::<Connection>()?;
        let flags = arguments.take::<u32>("flags")?;
        arguments.end()?;
        let connection = handle.get().0.clone();
        arguments.run(|| Ok(()))?;
        let (open, held) = (Mutex::new(None), Mutex::new(None));
        let stream =
            StreamHandle { _connection: connection, waits: flags & VIR_STREAM_NONBLOCK == 0, open, held };
        Py::new(arguments.py(), stream)?.into_py_any(arguments.py())
    })?;
    registry.add(site("virStreamRecv"), |mut arguments| {
        let stream = arguments.take::<Opened>("stream")?;
        let count = arguments.take::<i32>("nbytes")?;
        arguments.end()?;
        received(&arguments, stream.get(), usize::try_from(count).unwrap_or(0), 0)
    })?;
    registry.add(site("virStreamRecvFlags"), |mut arguments| {
        let stream = arguments.take::<Opened>("stream")?;
        let count = arguments.take::<u64>("nbytes")?;
        let flags = arguments.take::<u32>("flags")?;
        arguments.end()?;
        received(&arguments, stream.get(), usize::try_from(count).unwrap_or(MOST), flags)
    })?;
    registry.add(site("virStreamSend"), |mut arguments| {
        let stream = arguments.take::<Opened>("stream")?;
        let data = arguments.take::<&[u8]>("data")?;
        arguments.end()?;
        let (stream, function) = (stream.get(), arguments.site().function);
        arguments.answer(|| {
            stream.stream(function)?.send(&data)?;
            Ok(data.len() as u64)
        })
    })?;
    registry.add(site("virStreamSendHole"), |mut arguments| {
        let stream = arguments.take::<Opened>("stream")?;
        let length = arguments.take::<i64>("length")?;
        let flags = arguments.take::<u32>("flags")?;
        arguments.end()?;
        let (stream, function) = (stream.get(), arguments.site().function);
        arguments.answer(|| {
            let opened = stream.stream(function)?;
            Error::check_flags(ErrorDomain::STREAMS, flags, 0, function)?;
            let length = u64::try_from(length)
                .map_err(|_| Error::new(ErrorDomain::STREAMS, ErrorCode::INVALID_ARG, "length"))?;
            opened.send_hole(length)
        })
    })?;
    registry.add(site("virStreamRecvHole"), |mut arguments| {
        let stream = arguments.take::<Opened>("stream")?;
        let flags = arguments.take::<u32>("flags")?;
        arguments.end()?;
        let (stream, function) = (stream.get(), arguments.site().function);
        arguments.answer(|| {
            drop(stream.stream(function)?);
            Error::check_flags(ErrorDomain::STREAMS, flags, 0, function)?;
            stream.receive_hole(function)
        })
    })?;
    registry.add(site("virStreamFinish"), |mut arguments| {
        let stream = arguments.take::<Opened>("stream")?;
        arguments.end()?;
        let (stream, function) = (stream.get(), arguments.site().function);
        arguments.answer(|| stream.close(function, virtus::Stream::finish))
    })?;
    registry.add(site("virStreamAbort"), |mut arguments| {
        let stream = arguments.take::<Opened>("stream")?;
        arguments.end()?;
        let (stream, function) = (stream.get(), arguments.site().function);
        let open = lock(&stream.open).is_some();
        // what was never opened is as good as aborted
        arguments.answer(|| if open { stream.close(function, virtus::Stream::abort) } else { Ok(()) })
    })?;
    registry.add(site("heed"), |mut arguments| {
        let stream = arguments.take::<Opened>("stream")?;
        let yes = arguments.any()?.is_truthy()?;
        if let Some(stream) = &*lock(&stream.get().open) {
            stream.heed(yes);
        }
        ().answer(arguments.py())
    })?;
    registry.add(site("stream_opened"), |mut arguments| {
        let stream = arguments.take::<Opened>("stream")?;
        lock(&stream.get().open).is_some().into_py_any(arguments.py())
    })?;
    registry.add(site("stream_ready"), |mut arguments| {
        let stream = arguments.take::<Opened>("stream")?;
        let stream = stream.get();
        let ready = arguments.py().detach(|| stream.ready());
        ready.into_py_any(arguments.py())
    })
}
