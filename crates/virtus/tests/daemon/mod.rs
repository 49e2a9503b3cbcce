//! A daemon of a few procedures that can be taken away in the middle of anything.
#![allow(dead_code)] // not each of the tests needs all of it

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::ops::ControlFlow;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use virtus::{Error, ErrorCode, ErrorDomain};
use virtus_rpc::{Deframer, Header, Kind, Status, encode_error, write_packet};
use virtus_xdr::Encode;

pub(crate) const OPEN: i32 = 1;
pub(crate) const CLOSE: i32 = 2;
pub(crate) const HOSTNAME: i32 = 59;
pub(crate) const FEATURE: i32 = 60;
pub(crate) const AUTHENTICATIONS: i32 = 66;
pub(crate) const SCREENSHOT: i32 = 211;
pub(crate) const REGISTER: i32 = 316;
pub(crate) const LIFECYCLE: i32 = 318;

/// What it answers a procedure with; `None` is not answered at all.
type Handler = Box<dyn Fn(&[u8]) -> Option<Result<Vec<u8>, Error>> + Send + Sync>;

/// What it does, however often it is started.
pub(crate) struct Daemon {
    directory: tempfile::TempDir,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    handlers: Mutex<HashMap<i32, Handler>>,
    /// What it was asked for, in order.
    asked: Mutex<Vec<i32>>,
    clients: Mutex<Vec<UnixStream>>,
}

/// The bytes of a value.
pub(crate) fn xdr(value: impl Encode) -> Vec<u8> {
    let mut out = Vec::new();
    value.encode(&mut out);
    out
}

impl Daemon {
    pub(crate) fn new() -> Self {
        let daemon = Daemon { directory: tempfile::tempdir().unwrap(), shared: Arc::default() };
        daemon.answers(AUTHENTICATIONS, |_| Some(Ok(xdr(0_u32))));
        daemon.answers(OPEN, |_| Some(Ok(Vec::new())));
        daemon.answers(CLOSE, |_| Some(Ok(Vec::new())));
        // callbacks have numbers
        daemon.answers(FEATURE, |feature| Some(Ok(xdr(i32::from(feature == xdr(14_i32))))));
        daemon
    }

    pub(crate) fn answers(
        &self,
        procedure: i32,
        answer: impl Fn(&[u8]) -> Option<Result<Vec<u8>, Error>> + Send + Sync + 'static,
    ) {
        self.shared.handlers.lock().unwrap().insert(procedure, Box::new(answer));
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("sock")
    }

    pub(crate) fn uri(&self) -> String {
        format!("qemu+unix:///system?socket={}", self.socket().display())
    }

    pub(crate) fn start(&self) {
        let listener = UnixListener::bind(self.socket()).unwrap();
        let shared = self.shared.clone();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                shared.clients.lock().unwrap().push(client.try_clone().unwrap());
                let shared = shared.clone();
                std::thread::spawn(move || shared.serve(client));
            }
        });
    }

    /// Serves a port of this host, to connections that `shake` has shaken hands with; says which.
    pub(crate) fn listen<S: Read + Write>(
        &self,
        shake: impl Fn(TcpStream) -> Option<S> + Send + Sync + 'static,
    ) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (shared, shake) = (self.shared.clone(), Arc::new(shake));
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (shared, shake, client) = (shared.clone(), shake.clone(), client.unwrap());
                std::thread::spawn(move || {
                    if let Some(client) = shake(client) {
                        shared.serve(client);
                    }
                });
            }
        });
        port
    }

    /// Nobody can connect any more, and who is connected is left alone no longer.
    pub(crate) fn stop(&self) {
        std::fs::remove_file(self.socket()).unwrap();
        for client in self.shared.clients.lock().unwrap().drain(..) {
            client.shutdown(Shutdown::Both).unwrap();
        }
    }

    /// Says something unasked to everyone.
    pub(crate) fn says(&self, procedure: i32, body: &[u8]) {
        let header = header(procedure, Kind::MESSAGE, 0, Status::OK);
        for client in &mut *self.shared.clients.lock().unwrap() {
            send(client, &header, body);
        }
    }

    /// How often it was asked for this.
    pub(crate) fn asked(&self, procedure: i32) -> usize {
        self.shared.asked.lock().unwrap().iter().filter(|asked| **asked == procedure).count()
    }
}

fn header(procedure: i32, kind: Kind, serial: u32, status: Status) -> Header {
    Header { program: 0x2000_8086, version: 1, procedure, kind, serial, status }
}

fn send(client: &mut impl Write, header: &Header, body: &[u8]) {
    let mut packet = Vec::new();
    write_packet(&mut packet, header, 0, |out| out.extend_from_slice(body));
    // one that has gone hears nothing
    let _ = client.write_all(&packet);
}

impl Shared {
    fn serve(&self, mut client: impl Read + Write) {
        let mut deframer = Deframer::new();
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = client.read(&mut buffer) {
            let mut answers = Vec::new();
            deframer
                .feed(&buffer[..count], |frame| {
                    if frame.header.kind == Kind::CALL {
                        answers.push((frame.header.procedure, frame.header.serial, self.answer(&frame)));
                    }
                    ControlFlow::Continue(())
                })
                .unwrap();
            for (procedure, serial, answer) in answers {
                match answer {
                    None => {}
                    Some(Ok(body)) => {
                        send(&mut client, &header(procedure, Kind::REPLY, serial, Status::OK), &body);
                    }
                    Some(Err(error)) => {
                        let mut body = Vec::new();
                        encode_error(&error, &mut body);
                        send(&mut client, &header(procedure, Kind::REPLY, serial, Status::ERROR), &body);
                    }
                }
            }
        }
    }

    fn answer(&self, frame: &virtus_rpc::Frame<'_>) -> Option<Result<Vec<u8>, Error>> {
        let procedure = frame.header.procedure;
        let answer = match self.handlers.lock().unwrap().get(&procedure) {
            Some(handler) => handler(frame.body),
            None => Some(Err(Error::new(
                ErrorDomain::RPC,
                ErrorCode::RPC,
                format!("unknown procedure: {procedure}"),
            ))),
        };
        self.asked.lock().unwrap().push(procedure);
        answer
    }
}
