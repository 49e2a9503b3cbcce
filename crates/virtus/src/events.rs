//! Being told of what happens.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use virtus_api::{DomainRef, Event, Program, Told};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_rpc::client::Message;

use crate::callbacks::{Callback, Entry, Known, News, Subject, Table, Wish};
use crate::connection::Connection;
use crate::peer::CloseReason;

/// A callback that was registered; [`Connection::forget`] takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Registration(u64);

/// The message that tells that a connection which the daemon passes on has ended.
const CONNECTION_CLOSED: i32 = 362;

impl Connection {
    /// Has `callback` called for events of this number (`VIR_DOMAIN_EVENT_ID_…` and the like), whenever somebody is
    /// in [`Connection::run_events`].
    ///
    /// ```no_run
    /// use virtus::{Connection, Event, Subject, constants::VIR_DOMAIN_EVENT_ID_LIFECYCLE};
    ///
    /// # fn main() -> virtus::Result<()> {
    /// let connection = Connection::open("qemu:///system")?;
    /// connection.on_event(Subject::Domain(None), VIR_DOMAIN_EVENT_ID_LIFECYCLE, |_, event| {
    ///     if let Event::Domain(domain, event) = event {
    ///         println!("{}: {event:?}", domain.name);
    ///     }
    /// })?;
    /// loop {
    ///     connection.run_events(None)?;
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// The daemon's, e.g. for a number that no event has.
    pub fn on_event(
        &self,
        subject: Subject,
        event: i32,
        callback: impl FnMut(&Connection, &Event) + Send + 'static,
    ) -> Result<Registration> {
        self.register(Wish::Of(subject, event), callback)
    }

    /// Has `callback` called for a QEMU's own events, those of the name or pattern `event` or all of them; `flags`
    /// are `VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_…`.
    ///
    /// # Errors
    /// The daemon's.
    pub fn on_monitor_event(
        &self,
        domain: Option<DomainRef>,
        event: Option<&str>,
        flags: u32,
        callback: impl FnMut(&Connection, &Event) + Send + 'static,
    ) -> Result<Registration> {
        self.register(Wish::Monitor(domain, event.map(str::to_owned), flags), callback)
    }

    fn register(
        &self,
        wish: Wish,
        callback: impl FnMut(&Connection, &Event) + Send + 'static,
    ) -> Result<Registration> {
        self.living(None)?;
        // while the daemon is asked nobody looks an event up: one that comes at once finds its callback. Nor is the
        // connection made again then, which would need the table
        let mut table = self.callbacks().lock();
        let known = wish.tell(&*self.peer(), &table.entries)?;
        table.last += 1;
        let id = table.last;
        let callback: Callback<_> = Arc::new(Mutex::new(callback));
        table.entries.push(Entry { id, wish, known, known_before: Known::Refused, callback });
        Ok(Registration(id))
    }

    /// Has a callback called no more.
    ///
    /// # Errors
    /// `INVALID_ARG` when it is not registered; the daemon's.
    pub fn forget(&self, registration: Registration) -> Result<()> {
        let entry = {
            let mut table = self.callbacks().lock();
            let Some(place) = table.entries.iter().position(|entry| entry.id == registration.0) else {
                let text = format!("could not find event callback {} for deletion", registration.0);
                return Err(Error::new(ErrorDomain::REMOTE, ErrorCode::INVALID_ARG, text));
            };
            let entry = table.entries.remove(place);
            if table.entries.iter().any(|other| other.shares(&entry)) {
                return Ok(());
            }
            // the connection of this moment knows it by this number, and a later one does not know it at all
            (entry.wish.taken_back(entry.known), self.peer())
        };
        match entry {
            (None, _) => Ok(()),
            (Some(_), peer) if self.lasts() && peer.ended().is_some() => Ok(()),
            (Some(request), peer) => peer.ask(request),
        }
    }

    /// Has `callback` called, from [`Connection::run_events`], when the connection is lost without
    /// [`Connection::close`]: once, or each time it happens to one that is made again.
    ///
    /// # Errors
    /// The daemon's.
    pub fn on_close(&self, callback: impl FnMut(&Connection, CloseReason) + Send + 'static) -> Result<()> {
        self.living(None)?;
        let mut table = self.callbacks().lock();
        if table.close.is_empty() {
            Table::<Connection>::watch_closing(&*self.peer())?;
        }
        table.close.push(Arc::new(Mutex::new(callback)));
        Ok(())
    }

    /// Has `callback` called, from [`Connection::run_events`], when a connection that was lost is there again
    /// ([`OpenOptions::reconnect`](crate::OpenOptions::reconnect)). Nothing was heard meanwhile: it is the moment to
    /// look at everything anew.
    pub fn on_reconnect(&self, callback: impl FnMut(&Connection) + Send + 'static) {
        self.callbacks().lock().again.push(Arc::new(Mutex::new(callback)));
    }

    /// Waits for events, no longer than `timeout`, and calls the callbacks for those that came; says how many did.
    /// Callbacks may make calls, but must not wait for events themselves.
    ///
    /// A connection that is made again when it was lost is so here, too, as long as the timeout and its patience
    /// allow.
    ///
    /// # Errors
    /// Why the connection has ended, after the callbacks for that; why it could not be made again.
    pub fn run_events(&self, timeout: Option<Duration>) -> Result<usize> {
        let mut deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut count = 0;
        loop {
            while let Some(news) = self.next_news() {
                count += usize::from(self.tell_news(news)?);
                deadline = Some(Instant::now());
            }
            let (peer, generation) = self.peer_of_today();
            match peer.next_message(deadline) {
                Ok(None) => return Ok(count),
                Ok(Some(message)) => {
                    count += usize::from(self.tell(generation, &message)?);
                    deadline = Some(Instant::now());
                }
                Err(error) => {
                    self.tell_lost(generation, peer.ended());
                    if !self.lasts() {
                        return Err(error);
                    }
                    match self.living(deadline) {
                        Ok(_) => {}
                        Err(_) if deadline.is_some_and(|deadline| deadline <= Instant::now()) => {
                            return Ok(count);
                        }
                        Err(error) => return Err(error),
                    }
                }
            }
        }
    }

    fn next_news(&self) -> Option<News> {
        let mut table = self.callbacks().lock();
        let news = table.news.pop_front();
        if table.news.is_empty() && news.is_some() {
            self.tell_waiting(false);
        }
        news
    }

    fn tell_news(&self, news: News) -> Result<bool> {
        match news {
            News::Late(generation, message) => return self.tell(generation, &message),
            News::Lost(reason) => self.call_closed(reason),
            News::Again => {
                let callbacks = self.callbacks().lock().again.clone();
                for callback in &callbacks {
                    callback.lock().unwrap_or_else(PoisonError::into_inner)(self);
                }
            }
        }
        Ok(true)
    }

    /// The connection of this number has ended.
    fn tell_lost(&self, generation: u64, ended: Option<CloseReason>) {
        let reason = {
            let mut table = self.callbacks().lock();
            // it may have been told, or wait to be
            if table.generation != generation || std::mem::replace(&mut table.told_lost, true) {
                return;
            }
            table.closed_remotely.or(ended)
        };
        if let Some(reason) = reason.filter(|reason| *reason != CloseReason::Client) {
            self.call_closed(reason);
        }
    }

    fn call_closed(&self, reason: CloseReason) {
        let callbacks = self.callbacks().lock().close.clone();
        for callback in &callbacks {
            callback.lock().unwrap_or_else(PoisonError::into_inner)(self, reason);
        }
    }

    fn tell(&self, generation: u64, message: &Message) -> Result<bool> {
        let program = Program(message.program);
        if program == Program::REMOTE && message.procedure == CONNECTION_CLOSED {
            self.closed_remotely(generation, &message.body);
            return Ok(true);
        }
        let Some(told) = Event::decode(program, message.procedure, &message.body) else { return Ok(false) };
        let Told { callback, event } = told
            .map_err(|_| Error::new(ErrorDomain::RPC, ErrorCode::RPC, "Unable to decode message payload"))?;
        let callbacks: Vec<Callback<_>> = {
            let table = self.callbacks().lock();
            // an earlier one than that before is long gone
            let before = generation < table.generation;
            let wanted = |entry: &&Entry<_>| entry.hears(before, callback, &event);
            table.entries.iter().filter(wanted).map(|entry| entry.callback.clone()).collect()
        };
        for callback in &callbacks {
            let mut callback = callback.lock().unwrap_or_else(PoisonError::into_inner);
            callback(self, &event);
        }
        Ok(!callbacks.is_empty())
    }

    /// The daemon lives, but what it passes our calls on to has gone.
    fn closed_remotely(&self, generation: u64, body: &[u8]) {
        let reason = match virtus_xdr::decode::<i32>(body) {
            Ok(1) => CloseReason::Eof,
            Ok(2) => CloseReason::Keepalive,
            Ok(3) => CloseReason::Client,
            _ => CloseReason::Error,
        };
        self.callbacks().lock().closed_remotely = Some(reason);
        self.tell_lost(generation, Some(reason));
        if self.lasts() {
            self.give_up(generation);
        }
    }
}
