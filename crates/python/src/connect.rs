//! Connections: opened, closed, looked after.

use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};
use virtus::constants::{VIR_CONNECT_NO_ALIASES, VIR_CONNECT_RO};
use virtus::{
    Connection, Credential, CredentialKind, Domain, DomainRef, Error, ErrorCode, ErrorDomain, OpenOptions,
    Result, TypedParam, Uuid,
};

use crate::answer::Answer;
use crate::error;
use crate::functions::{Arguments, Registry};
use crate::site::Site;

const fn site(function: &'static str, errors: ErrorDomain) -> Site {
    Site { function, errors }
}

pub(crate) fn add(registry: &Registry<'_, '_>) -> PyResult<()> {
    let none = |function| site(function, ErrorDomain::NONE);
    let domain = |function| site(function, ErrorDomain::DOMAIN);
    registry.add(none("virConnectOpen"), |arguments| open(arguments, false))?;
    registry.add(none("virConnectOpenReadOnly"), |arguments| open(arguments, true))?;
    registry.add(none("virConnectOpenAuth"), open_auth)?;
    registry.add(none("virConnectClose"), |mut arguments| {
        let handle = arguments.object::<Connection>()?;
        // the handle itself is one of those that have it; the others are objects that it brought
        let shared = handle.get().0.holders() > 1;
        arguments.run(|| Ok(()))?;
        i32::from(shared).into_py_any(arguments.py())
    })?;
    registry.add(domain("virConnectGetURI"), |mut arguments| {
        let handle = arguments.object::<Connection>()?;
        let connection = &handle.get().0;
        arguments.answer(|| Ok(connection.uri().to_owned()))
    })?;
    registry.add(domain("virConnectIsAlive"), |mut arguments| {
        let handle = arguments.object::<Connection>()?;
        let connection = &handle.get().0;
        arguments.answer(|| Ok(connection.is_alive()))
    })?;
    registry.add(domain("virConnectIsSecure"), |mut arguments| {
        let handle = arguments.object::<Connection>()?;
        let connection = &handle.get().0;
        arguments.answer(|| connection.is_secure())
    })?;
    registry.add(domain("virConnectIsEncrypted"), |mut arguments| {
        let handle = arguments.object::<Connection>()?;
        let connection = &handle.get().0;
        arguments.answer(|| connection.is_encrypted())
    })?;
    registry.add(domain("virConnectSetKeepAlive"), keepalive)?;
    registry.add(domain("domain"), domain_handle)?;
    registry.add(none("connection"), |mut arguments| {
        let handle = arguments.object::<Domain>()?;
        handle.get().0.connection().clone().answer(arguments.py())
    })?;
    registry.add(none("answers_here"), |mut arguments| {
        let handle = arguments.object::<Domain>()?;
        handle.get().0.connection().uri().starts_with("test:///").into_py_any(arguments.py())
    })?;
    registry.add(none("is_read_only"), |mut arguments| {
        let handle = arguments.object::<Domain>()?;
        handle.get().0.connection().is_read_only().into_py_any(arguments.py())
    })?;
    registry.add(none("is_local"), |mut arguments| {
        let handle = arguments.object::<Connection>()?;
        handle.get().0.is_local().into_py_any(arguments.py())
    })?;
    registry.add(domain("virConnectSupportsFeature"), |mut arguments| {
        let handle = arguments.object::<Connection>()?;
        let feature = arguments.take::<i32>("feature")?;
        arguments.end()?;
        let connection = &handle.get().0;
        arguments.answer(|| connection.supports_feature(feature))
    })?;
    registry.add(domain("without_id"), |mut arguments| {
        let handle = arguments.object::<Domain>()?;
        let domain = &handle.get().0;
        let reference = DomainRef { id: -1, ..domain.reference().clone() };
        Domain::new(domain.connection().clone(), reference).answer(arguments.py())
    })?;
    registry.add(domain("looked_up_again"), |mut arguments| {
        let handle = arguments.object::<Domain>()?;
        let domain = &handle.get().0;
        arguments.answer(|| domain.connection().lookup_domain_by_uuid(domain.uuid()))
    })?;
    registry.add(domain("virDomainMigrate3"), |mut arguments| {
        let handle = arguments.object::<Domain>()?;
        let there = arguments.object::<Connection>()?;
        let params = arguments.take::<&[TypedParam]>("params")?;
        let flags = arguments.take::<u32>("flags")?;
        arguments.end()?;
        let (domain, there) = (&handle.get().0, &there.get().0);
        arguments.answer(|| domain.migrate_to(there, params, flags))
    })?;
    registry.add(domain("virDomainMigrateToURI3"), |mut arguments| {
        let handle = arguments.object::<Domain>()?;
        let destination = arguments.take::<Option<&str>>("dconnuri")?;
        let params = arguments.take::<&[TypedParam]>("params")?;
        let flags = arguments.take::<u32>("flags")?;
        arguments.end()?;
        let domain = &handle.get().0;
        arguments.answer(|| domain.migrate_by_daemon(destination.as_deref(), &params, flags))
    })?;
    registry.add(none("uuid"), uuid)?;
    registry.add(none("invalid"), invalid)?;
    registry.add(none("refuse"), refuse)?;
    registry.add(none("fail"), fail)?;
    registry.add(none("fileno"), |mut arguments| {
        let handle = arguments.object::<Connection>()?;
        handle.get().0.as_fd().as_raw_fd().into_py_any(arguments.py())
    })?;
    registry.add(none("run_events"), |mut arguments| {
        let handle = arguments.object::<Connection>()?;
        let connection = handle.get().0.clone();
        // that it has ended is told by the callbacks for that
        let lives = arguments.py().detach(move || connection.run_events(Some(Duration::ZERO)).is_ok());
        lives.into_py_any(arguments.py())
    })?;
    registry.add(none("due"), |mut arguments| {
        let handle = arguments.object::<Connection>()?;
        let connection = &handle.get().0;
        let due = arguments.py().detach(|| connection.due());
        let left = due.map(|due| due.saturating_duration_since(Instant::now()).as_millis());
        left.map(|left| i32::try_from(left).unwrap_or(i32::MAX)).into_py_any(arguments.py())
    })
}

fn open(mut arguments: Arguments<'_>, read_only: bool) -> PyResult<Py<PyAny>> {
    let name = arguments.take::<Option<&str>>("name")?;
    arguments.end()?;
    let options = OpenOptions::new().read_only(read_only);
    arguments.answer(|| options.open(name.as_deref()))
}

/// Opens a connection, and has the program asked for names and passwords.
fn open_auth(mut arguments: Arguments<'_>) -> PyResult<Py<PyAny>> {
    let name = arguments.take::<Option<&str>>("uri")?;
    let auth = arguments.any()?;
    let flags = arguments.take::<u32>("flags")?;
    arguments.end()?;
    let wrong = || PyTypeError::new_err("auth must be a list of credential types, a function, and its data");
    let auth = auth.cast::<PyList>().map_err(|_| wrong())?;
    let (kinds, ask, opaque) = match auth.len() {
        3 => (auth.get_item(0)?, auth.get_item(1)?, auth.get_item(2)?),
        _ => return Err(wrong()),
    };
    let kinds: Vec<i32> = kinds.extract()?;
    if !ask.is_callable() {
        return Err(wrong());
    }
    let (ask, opaque) = (ask.unbind(), opaque.unbind());
    let options = OpenOptions::new()
        .read_only(flags & VIR_CONNECT_RO != 0)
        .no_aliases(flags & VIR_CONNECT_NO_ALIASES != 0)
        .auth(move |questions| {
            if let Some(unknown) = questions.iter().find(|question| !kinds.contains(&(question.kind as i32)))
            {
                return Err(unasked(unknown.kind));
            }
            Python::attach(|py| answer(py, &ask, &opaque, questions))
        });
    arguments.answer(|| options.open(name.as_deref()))
}

fn unasked(kind: CredentialKind) -> Error {
    let text = format!("no way to ask for credential {}", kind as i32);
    Error::new(ErrorDomain::AUTH, ErrorCode::AUTH_FAILED, text)
}

/// Has the program answer questions: each is a list whose last element is the place for the answer.
fn answer(py: Python<'_>, ask: &Py<PyAny>, opaque: &Py<PyAny>, questions: &mut [Credential]) -> Result<()> {
    let failed = |text: String| Error::new(ErrorDomain::AUTH, ErrorCode::AUTH_FAILED, text);
    let asked = || -> PyResult<(i64, Vec<Option<String>>)> {
        let lists = PyList::empty(py);
        for question in &*questions {
            let parts = PyTuple::new(
                py,
                [
                    (question.kind as i32).into_py_any(py)?,
                    question.prompt.as_str().into_py_any(py)?,
                    question.challenge.as_deref().into_py_any(py)?,
                    question.default.as_deref().into_py_any(py)?,
                    py.None(),
                ],
            )?;
            lists.append(parts.to_list())?;
        }
        let outcome: i64 = ask.call1(py, (&lists, opaque))?.extract(py)?;
        let answers = lists.iter().map(|list| list.get_item(4)?.extract());
        Ok((outcome, answers.collect::<PyResult<_>>()?))
    };
    match asked() {
        Ok((outcome, answers)) if outcome >= 0 => {
            for (question, answer) in questions.iter_mut().zip(answers) {
                question.answer = answer.or_else(|| question.default.clone());
            }
            Ok(())
        }
        Ok(_) => Err(failed("Failed to collect auth credentials".to_owned())),
        Err(error) => {
            error.print(py);
            Err(failed("Failed to collect auth credentials".to_owned()))
        }
    }
}

/// Only a program that has its connections looked after can keep them alive.
fn keepalive(mut arguments: Arguments<'_>) -> PyResult<Py<PyAny>> {
    let handle = arguments.object::<Connection>()?;
    let interval = arguments.take::<i32>("interval")?;
    let count = arguments.take::<u32>("count")?;
    let served = arguments.any()?.is_truthy()?;
    arguments.end()?;
    let connection = &handle.get().0;
    arguments.answer(|| {
        if connection.is_local() {
            let text = "virConnectSetKeepAlive";
            return Err(Error::new(ErrorDomain::DOMAIN, ErrorCode::NO_SUPPORT, text));
        }
        if !served {
            let text = "the caller doesn't support keepalive protocol; perhaps it's missing event loop implementation";
            return Err(Error::internal(ErrorDomain::REMOTE, text));
        }
        let interval = u64::try_from(interval).unwrap_or(0);
        connection.set_keepalive(Duration::from_secs(interval), count);
        Ok(())
    })
}

/// The domain that a connection names so.
fn domain_handle(mut arguments: Arguments<'_>) -> PyResult<Py<PyAny>> {
    let handle = arguments.object::<Connection>()?;
    let name = arguments.take::<&str>("name")?;
    let uuid = arguments.take::<Uuid>("uuid")?;
    let id = arguments.take::<i32>("id")?;
    arguments.end()?;
    let domain = Domain::new(handle.get().0.clone(), DomainRef { name, uuid, id });
    arguments.answer(|| Ok(domain))
}

/// The bytes of a UUID as people write it; `None` for what is none.
fn uuid(mut arguments: Arguments<'_>) -> PyResult<Py<PyAny>> {
    let text = arguments.take::<&str>("uuidstr")?;
    arguments.end()?;
    match Uuid::parse(&text) {
        Some(uuid) => uuid.0.to_vec().answer(arguments.py()),
        None => Ok(arguments.py().None()),
    }
}

/// Raises the error about an argument: `invalid(function, domain, argument, text)`.
fn invalid(mut arguments: Arguments<'_>) -> PyResult<Py<PyAny>> {
    let function = arguments.take::<&str>("function")?;
    let domain = arguments.take::<i32>("domain")?;
    let argument = arguments.take::<&str>("argument")?;
    let text = arguments.take::<&str>("text")?;
    error::reset();
    let error = Error::invalid_arg(ErrorDomain(domain), &function, &argument, text);
    Err(error::raise(arguments.py(), &function, error))
}

/// Raises the error about an object that is not there: `refuse(type, function)`.
fn refuse(mut arguments: Arguments<'_>) -> PyResult<Py<PyAny>> {
    let handle = arguments.any()?;
    let function = arguments.take::<&str>("function")?;
    let name = handle.getattr("__name__")?.extract::<String>()?;
    error::reset();
    let error = Error::new(ErrorDomain::DOMAIN, crate::handle::invalid(&name), function.as_str());
    Err(error::raise(arguments.py(), &function, error))
}

/// Raises an error: `fail(function, code, domain, detail)`.
fn fail(mut arguments: Arguments<'_>) -> PyResult<Py<PyAny>> {
    let function = arguments.take::<&str>("function")?;
    let code = arguments.take::<i32>("code")?;
    let domain = arguments.take::<i32>("domain")?;
    let detail = arguments.take::<&str>("detail")?;
    error::reset();
    let error = Error::new(ErrorDomain(domain), ErrorCode(code), detail);
    Err(error::raise(arguments.py(), &function, error))
}
