//! Functions for Python from the client crate's lists of methods.

use std::collections::HashMap;
use std::ffi::CString;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyDict, PyTuple};
use virtus::Result;
use virtus_api::{Program, procedures};

use crate::answer::Answer;
use crate::argument::Argument;
use crate::error;
use crate::handle::{self, Held};
use crate::site::{Place, Site};

/// Where functions are put.
pub(crate) struct Registry<'m, 'py> {
    module: &'m Bound<'py, PyModule>,
    sites: HashMap<(&'static str, &'static str), Site>,
}

impl<'m, 'py> Registry<'m, 'py> {
    pub(crate) fn new(module: &'m Bound<'py, PyModule>) -> Self {
        let sites = procedures().map(|procedure| {
            let calls = match procedure.program {
                Program::REMOTE => "Remote",
                Program::QEMU => "Qemu",
                Program::LXC => "Lxc",
                _ => "Administration",
            };
            let site = Site { function: procedure.function, errors: procedure.errors };
            ((calls, procedure.name), site)
        });
        Registry { module, sites: sites.collect() }
    }

    /// Adds the function that makes a call of the protocol.
    pub(crate) fn call(
        &self,
        calls: &'static str,
        call: &'static str,
        body: impl Fn(Arguments<'_>) -> PyResult<Py<PyAny>> + Send + Sync + 'static,
    ) -> PyResult<()> {
        match self.sites.get(&(calls, call)) {
            Some(site) => self.add(*site, body),
            None => Ok(()),
        }
    }

    /// Adds a type.
    pub(crate) fn class<T: pyo3::PyClass>(&self) -> PyResult<()> {
        self.module.add_class::<T>()
    }

    /// Adds a function.
    pub(crate) fn add(
        &self,
        site: Site,
        body: impl Fn(Arguments<'_>) -> PyResult<Py<PyAny>> + Send + Sync + 'static,
    ) -> PyResult<()> {
        // functions live as long as the process, and so do their names
        let name: &'static std::ffi::CStr = Box::leak(CString::new(site.function)?.into_boxed_c_str());
        let run = move |given: &Bound<'_, PyTuple>, _: Option<&Bound<'_, PyDict>>| {
            body(Arguments { given: given.clone(), site, next: 0 })
        };
        let function = PyCFunction::new_closure(self.module.py(), Some(name), None, run)?;
        self.module.add(site.function, function)
    }
}

/// What a function was called with, to be taken one by one.
pub(crate) struct Arguments<'py> {
    given: Bound<'py, PyTuple>,
    site: Site,
    next: usize,
}

impl<'py> Arguments<'py> {
    pub(crate) fn py(&self) -> Python<'py> {
        self.given.py()
    }

    pub(crate) fn site(&self) -> Site {
        self.site
    }

    /// The next one as it is.
    pub(crate) fn any(&mut self) -> PyResult<Bound<'py, PyAny>> {
        let place = self.next;
        self.next += 1;
        self.given.get_item(place).map_err(|_| {
            let text = format!("{}() takes more arguments ({} given)", self.site.function, self.given.len());
            PyTypeError::new_err(text)
        })
    }

    /// The next one: `name` is what it is called in errors.
    pub(crate) fn take<A: Argument>(&mut self, name: &str) -> PyResult<A::Kept> {
        let value = self.any()?;
        A::keep(&value, &Place { site: self.site, number: self.next, name })
    }

    /// The object whose function it is.
    pub(crate) fn object<T: Held>(&mut self) -> PyResult<Bound<'py, T::Handle>> {
        let value = self.any()?;
        handle::of::<T>(&value, self.site)
    }

    /// Makes sure that there are no more.
    pub(crate) fn end(&self) -> PyResult<()> {
        match self.given.len() == self.next {
            true => Ok(()),
            false => {
                let (function, given) = (self.site.function, self.given.len());
                let text = format!("{function}() takes exactly {} arguments ({given} given)", self.next);
                Err(PyTypeError::new_err(text))
            }
        }
    }

    /// Makes a call while other threads may run, and gives its result to Python.
    pub(crate) fn answer<R: Answer + Send>(
        &self,
        call: impl FnOnce() -> Result<R> + Send,
    ) -> PyResult<Py<PyAny>> {
        self.run(call)?.answer(self.py())
    }

    /// Makes a call while other threads may run.
    pub(crate) fn run<R: Send>(&self, call: impl FnOnce() -> Result<R> + Send) -> PyResult<R> {
        error::reset();
        let result = self.py().detach(call);
        result.map_err(|e| error::raise(self.py(), self.site.function, e))
    }
}

/// Declares `add`, which adds a function for each method of a list.
macro_rules! functions {
    ($(
        $object:ident {
            $(
                $(#$mark:ident)?
                fn $name:ident($self:ident $(, $arg:ident: $type:ty)*) $(-> $reply:ty)?
                    = $calls:ident :: $call:ident ($($given:expr),*);
            )*
        }
    )*) => {
        pub(super) fn add(registry: &$crate::functions::Registry<'_, '_>) -> pyo3::PyResult<()> {
            $($(
                function!([$($mark)?] registry $object $name [$($arg: $type),*] $calls $call);
            )*)*
            Ok(())
        }
    };
}

/// One function. Those that open streams have a stream that is already there as their second argument.
macro_rules! function {
    ([] $registry:ident $object:ident $name:ident [$($arg:ident: $type:ty),*] $calls:ident $call:ident) => {
        $registry.call(stringify!($calls), stringify!($call), |mut arguments| {
            let object = arguments.object::<$object>()?;
            $(let $arg = arguments.take::<$type>(stringify!($arg))?;)*
            arguments.end()?;
            let object = &object.get().0;
            $(let $arg = <$type as Argument>::lend(&$arg);)*
            arguments.answer(move || object.$name($(<$type as Argument>::give(&$arg)),*))
        })?
    };
    ([sends] $registry:ident $object:ident $name:ident [$($arg:ident: $type:ty),*] $calls:ident $call:ident) => {
        $registry.call(stringify!($calls), stringify!($call), |mut arguments| {
            let object = arguments.object::<$object>()?;
            $(let $arg = arguments.take::<$type>(stringify!($arg))?;)*
            let files = arguments.take::<$crate::argument::Files>("files")?;
            arguments.end()?;
            let object = &object.get().0;
            $(let $arg = <$type as Argument>::lend(&$arg);)*
            arguments.answer(move || object.$name($(<$type as Argument>::give(&$arg),)* files))
        })?
    };
    ([receives] $($rest:tt)*) => { function!([] $($rest)*) };
    ([files] $registry:ident $object:ident $name:ident [$($arg:ident: $type:ty),*] $calls:ident $call:ident) => {
        function!([sends] $registry $object $name [$($arg: $type),*] $calls $call)
    };
    ([stream] $registry:ident $object:ident $name:ident [$($arg:ident: $type:ty),*] $calls:ident $call:ident) => {
        $registry.call(stringify!($calls), stringify!($call), |mut arguments| {
            let object = arguments.object::<$object>()?;
            let stream = arguments.take::<$crate::stream::Opened>("stream")?;
            $(let $arg = arguments.take::<$type>(stringify!($arg))?;)*
            arguments.end()?;
            let object = &object.get().0;
            $(let $arg = <$type as Argument>::lend(&$arg);)*
            let stream = stream.get();
            arguments.answer(move || stream.open(|| object.$name($(<$type as Argument>::give(&$arg)),*)))
        })?
    };
}
