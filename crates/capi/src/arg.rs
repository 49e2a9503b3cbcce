//! What C gives: taken, or refused with libvirt's error, before a function's body runs.

use std::ffi::{CStr, c_int, c_uint, c_void};
use std::ptr::NonNull;

use virtus::{Result, Uuid};

use crate::call::Call;
use crate::ctype::{CType, Char, UChar, ULong};
use crate::handle::{Object, Of};
use crate::memory;
use crate::object::{Child, Kind};

/// An argument.
pub(crate) trait Arg: Sized {
    /// What C gives.
    type C: CType;

    /// Takes it.
    ///
    /// # Safety
    /// A pointer that is not a handle is null or points to what the C API says, as long as the call lasts.
    ///
    /// # Errors
    /// What is wrong with it.
    unsafe fn take(c: Self::C, call: &mut Call, name: &str) -> Result<Self>;
}

/// Arguments of which nothing is refused.
macro_rules! plain {
    ($($type:ty),*) => {$(
        impl Arg for $type {
            type C = $type;
            // SAFETY: what callers keep to is said where the method is declared
            unsafe fn take(c: $type, _: &mut Call, _: &str) -> Result<Self> {
                Ok(c)
            }
        }
    )*};
}

plain!(c_int, c_uint, i64, u64, usize, f64, ULong, *mut c_void);

/// A handle of this kind.
impl<T: Kind> Arg for Of<T> {
    type C = *mut T::C;

    // SAFETY: what callers keep to is said where the method is declared
    unsafe fn take(c: Self::C, call: &mut Call, _: &str) -> Result<Self> {
        let found = Of::<T>::find(c).ok_or_else(|| {
            let errors = T::ERRORS.unwrap_or(call.errors);
            virtus::Error::new(errors, T::INVALID, call.function)
        })?;
        // the first object is the one that the call is about
        if call.connection.is_none() {
            call.connection = T::connection(&found);
        }
        Ok(found)
    }
}

/// A handle of this kind whose connection can do more than look.
#[derive(Debug)]
pub(crate) struct Rw<T: Object>(pub(crate) Of<T>);

impl<T: Kind> Arg for Rw<T> {
    type C = *mut T::C;

    // SAFETY: what callers keep to is said where the method is declared
    unsafe fn take(c: Self::C, call: &mut Call, name: &str) -> Result<Self> {
        // SAFETY: as the caller promises
        let found = unsafe { Of::<T>::take(c, call, name)? };
        call.check_write()?;
        Ok(Rw(found))
    }
}

impl<T: Object> std::ops::Deref for Rw<T> {
    type Target = Of<T>;

    fn deref(&self) -> &Of<T> {
        &self.0
    }
}

/// A handle whose connection can do more than look, which is said after what is wrong with the other arguments.
#[derive(Debug)]
pub(crate) struct Later<T: Object>(pub(crate) Of<T>);

impl<T: Kind> Arg for Later<T> {
    type C = *mut T::C;

    // SAFETY: what callers keep to is said where the method is declared
    unsafe fn take(c: Self::C, call: &mut Call, name: &str) -> Result<Self> {
        call.write_later = true;
        // SAFETY: as the caller promises
        unsafe { Of::<T>::take(c, call, name).map(Later) }
    }
}

impl<T: Object> std::ops::Deref for Later<T> {
    type Target = Of<T>;

    fn deref(&self) -> &Of<T> {
        &self.0
    }
}

/// What may be missing: a null pointer is `None`.
impl<A: Arg> Arg for Option<A>
where
    A::C: Nullable,
{
    type C = A::C;

    // SAFETY: what callers keep to is said where the method is declared
    unsafe fn take(c: Self::C, call: &mut Call, name: &str) -> Result<Self> {
        match c.is_null() {
            true => Ok(None),
            // SAFETY: as the caller promises
            false => unsafe { A::take(c, call, name).map(Some) },
        }
    }
}

/// Pointers.
pub(crate) trait Nullable {
    fn is_null(&self) -> bool;
}

impl<T> Nullable for *mut T {
    fn is_null(&self) -> bool {
        (*self).is_null()
    }
}

impl<T> Nullable for *const T {
    fn is_null(&self) -> bool {
        (*self).is_null()
    }
}

/// A text that must be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text(pub(crate) String);

impl Arg for Text {
    type C = *const Char;

    // SAFETY: what callers keep to is said where the method is declared
    unsafe fn take(c: Self::C, call: &mut Call, name: &str) -> Result<Self> {
        if c.is_null() {
            return Err(call.wrong(name, "must not be NULL"));
        }
        // SAFETY: not null, hence a text with its end, as the caller promises
        let text = unsafe { CStr::from_ptr(c.cast()) };
        match text.to_str() {
            Ok(text) => Ok(Text(text.to_owned())),
            // names, paths and documents are UTF-8 on the wire's other side too
            Err(_) => Err(call.wrong(name, "must be UTF-8")),
        }
    }
}

impl std::ops::Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// A text that must be there and say something.
#[derive(Clone, Debug)]
pub(crate) struct Said(pub(crate) Text);

impl Arg for Said {
    type C = *const Char;

    // SAFETY: what callers keep to is said where the method is declared
    unsafe fn take(c: Self::C, call: &mut Call, name: &str) -> Result<Self> {
        // SAFETY: as the caller promises
        let text = unsafe { Text::take(c, call, name)? };
        match text.is_empty() {
            true => Err(call.empty(name)),
            false => Ok(Said(text)),
        }
    }
}

impl std::ops::Deref for Said {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// A UUID as its 16 bytes.
impl Arg for Uuid {
    type C = *const UChar;

    // SAFETY: what callers keep to is said where the method is declared
    unsafe fn take(c: Self::C, call: &mut Call, name: &str) -> Result<Self> {
        match NonNull::new(c.cast_mut().cast::<[u8; 16]>()) {
            // SAFETY: not null, hence 16 bytes, as the caller promises
            Some(bytes) => Ok(Uuid(unsafe { bytes.read() })),
            None => Err(call.wrong(name, "must not be NULL")),
        }
    }
}

/// Numbers that some values are refused of.
macro_rules! numbers {
    ($($(#[$docs:meta])* $name:ident: $good:expr, $must:literal;)*) => {$(
        $(#[$docs])*
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct $name<T>(pub(crate) T);

        impl<T: CType + Copy + Default + PartialOrd> Arg for $name<T> {
            type C = T;
            // SAFETY: what callers keep to is said where the method is declared
            unsafe fn take(c: T, call: &mut Call, name: &str) -> Result<Self> {
                let good: fn(&T, &T) -> bool = $good;
                if good(&c, &T::default()) { Ok($name(c)) } else { Err(call.wrong(name, $must)) }
            }
        }
    )*};
}

numbers! {
    /// Not zero.
    NonZero: PartialEq::ne, "must not be zero";
    /// More than zero.
    Positive: PartialOrd::gt, "must be greater than zero";
    /// Zero or more.
    NonNegative: PartialOrd::ge, "must be zero or greater";
}

impl PartialOrd for ULong {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        self.0.partial_cmp(&other.0)
    }
}

/// Room for one value, which must be there.
#[derive(Debug)]
pub(crate) struct Out<T>(NonNull<T>);

impl<T: CType> Arg for Out<T> {
    type C = *mut T;

    // SAFETY: what callers keep to is said where the method is declared
    unsafe fn take(c: Self::C, call: &mut Call, name: &str) -> Result<Self> {
        NonNull::new(c).map(Out).ok_or_else(|| call.wrong(name, "must not be NULL"))
    }
}

impl<T> Out<T> {
    /// Puts a value there.
    pub(crate) fn put(&self, value: T) {
        // SAFETY: it was taken as a pointer with room for a value, for as long as the call lasts
        unsafe { self.0.write(value) }
    }

    /// The first of many, of which another argument says how many they are.
    pub(crate) fn many(&self) -> InMut<T> {
        InMut(self.0.as_ptr())
    }
}

impl<T: Copy> Out<T> {
    /// What the caller has put there.
    pub(crate) fn get(&self) -> T {
        // SAFETY: it was taken as a pointer to a value, for as long as the call lasts
        unsafe { self.0.read() }
    }
}

impl<T: Copy> Out<T> {
    /// Puts as many values as there are and fit in `room`; says how many.
    ///
    /// # Safety
    /// There is room for so many.
    pub(crate) unsafe fn fill(&self, room: usize, values: &[T]) -> usize {
        let count = values.len().min(room);
        // SAFETY: as the caller promises
        unsafe { self.0.copy_from_nonoverlapping(NonNull::from(values).cast(), count) };
        count
    }
}

/// Values that the caller has, of which another argument says how many they are. Null for none.
#[derive(Debug)]
pub(crate) struct In<T>(*const T);

/// The same, which C calls a pointer to values that might be changed.
#[derive(Debug)]
pub(crate) struct InMut<T>(*mut T);

impl<T: CType> Arg for In<T> {
    type C = *const T;

    // SAFETY: what callers keep to is said where the method is declared
    unsafe fn take(c: Self::C, _: &mut Call, _: &str) -> Result<Self> {
        Ok(In(c))
    }
}

impl<T: CType> Arg for InMut<T> {
    type C = *mut T;

    // SAFETY: what callers keep to is said where the method is declared
    unsafe fn take(c: Self::C, _: &mut Call, _: &str) -> Result<Self> {
        Ok(InMut(c))
    }
}

impl<T: CType> In<T> {
    /// The values.
    ///
    /// # Safety
    /// They are so many, unless the pointer is null.
    ///
    /// # Errors
    /// `INVALID_ARG` for a null pointer to some, or a negative number.
    pub(crate) unsafe fn values<N: TryInto<usize>>(&self, count: N, call: &Call, name: &str) -> Result<&[T]> {
        let count = count.try_into().map_err(|_| call.wrong(name, "must not be NULL"))?;
        let sane = count.checked_mul(size_of::<T>()).is_some_and(|size| isize::try_from(size).is_ok());
        match self.0.is_null() {
            _ if count == 0 => Ok(&[]),
            true => Err(call.wrong(name, "must not be NULL")),
            // no memory has so many, nor are they anywhere else
            false if !sane || !self.0.is_aligned() => Err(call.wrong(name, "must be as many as it is said")),
            // SAFETY: as the caller promises
            false => Ok(unsafe { std::slice::from_raw_parts(self.0, count) }),
        }
    }

    /// Whether there are any.
    pub(crate) fn is_null(&self) -> bool {
        self.0.is_null()
    }
}

impl<T: CType> InMut<T> {
    /// As [`In::values`].
    ///
    /// # Safety
    /// As there.
    ///
    /// # Errors
    /// As there.
    pub(crate) unsafe fn values<N: TryInto<usize>>(&self, count: N, call: &Call, name: &str) -> Result<&[T]> {
        // SAFETY: as the caller promises
        let values: *const [T] = unsafe { In(self.0.cast_const()).values(count, call, name)? };
        // SAFETY: it is the same pointer, which lives as long as the call
        Ok(unsafe { &*values })
    }

    /// Whether there are any.
    pub(crate) fn is_null(&self) -> bool {
        self.0.is_null()
    }

    /// Where they are.
    pub(crate) fn as_ptr(&self) -> *mut T {
        self.0
    }
}

impl<T: CType + Copy> InMut<T> {
    /// Puts as many values there as there are and have room; says how many.
    ///
    /// # Safety
    /// There is room for so many, unless the pointer is null.
    ///
    /// # Errors
    /// `INVALID_ARG` for a null pointer as room for some.
    pub(crate) unsafe fn fill(&self, room: c_int, values: &[T], call: &Call, name: &str) -> Result<c_int> {
        let room = usize::try_from(room).unwrap_or_default();
        if self.is_null() && room > 0 {
            return Err(call.wrong(name, "must not be NULL"));
        }
        let count = room.min(values.len());
        if count > 0 {
            // SAFETY: as the caller promises
            unsafe { self.0.copy_from_nonoverlapping(values.as_ptr(), count) };
        }
        Ok(c_int::try_from(count).unwrap_or(c_int::MAX))
    }
}

/// Room for names, of which the caller gives back each.
#[derive(Debug)]
pub(crate) struct Names(*mut *mut Char);

impl Arg for Names {
    type C = *mut *mut Char;

    // SAFETY: what callers keep to is said where the method is declared
    unsafe fn take(c: Self::C, call: &mut Call, name: &str) -> Result<Self> {
        // whether null is refused depends on how many are wanted
        let _ = (call, name);
        Ok(Names(c))
    }
}

impl Names {
    /// Puts the names there, as many as `room` has place for; says how many.
    ///
    /// # Safety
    /// There is room for so many.
    ///
    /// # Errors
    /// `INVALID_ARG` when there is no room at all or a negative one; `NO_MEMORY`.
    pub(crate) unsafe fn fill(&self, room: usize, names: &[String]) -> Result<c_int> {
        let mut count = 0;
        for name in names.iter().take(room) {
            let name = memory::text(name)?.as_ptr();
            // SAFETY: there is room, as the caller promises
            unsafe { self.0.add(count).write(name) };
            count += 1;
        }
        Ok(c_int::try_from(count).unwrap_or(c_int::MAX))
    }

    /// Whether there is no room.
    pub(crate) fn is_null(&self) -> bool {
        self.0.is_null()
    }
}

/// Room for a list of new handles, which the caller frees with each of them; null when only their number is wanted.
#[derive(Debug)]
pub(crate) struct OutList<T: Object>(*mut *mut *mut T::C);

impl<T: Object> Arg for OutList<T> {
    type C = *mut *mut *mut T::C;

    // SAFETY: what callers keep to is said where the method is declared
    unsafe fn take(c: Self::C, _: &mut Call, _: &str) -> Result<Self> {
        // a call that fails leaves no list
        if !c.is_null() {
            // SAFETY: it has room for a list, as the caller promises
            unsafe { c.write(std::ptr::null_mut()) };
        }
        Ok(OutList(c))
    }
}

impl<T: Child> OutList<T> {
    /// Puts the objects there, which hang on `parent`; says how many.
    ///
    /// # Errors
    /// `NO_MEMORY`, or that `parent` was freed meanwhile.
    pub(crate) fn fill(&self, parent: &Of<T::Parent>, values: Vec<T::Value>) -> Result<usize> {
        let count = values.len();
        if self.0.is_null() {
            return Ok(count);
        }
        let handles = values.into_iter().map(|value| parent.adopt::<T>(value)).collect::<Result<Vec<_>>>()?;
        let list = memory::array::<*mut T::C>(count + 1)?;
        for (place, handle) in handles.into_iter().enumerate() {
            // SAFETY: the list has room for `count` and a null at its end
            unsafe { list.add(place).write(handle.into_c()) };
        }
        // SAFETY: it has room for a list, as it was when it was taken
        unsafe { self.0.write(list.as_ptr()) };
        Ok(count)
    }
}
