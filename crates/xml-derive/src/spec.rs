//! What the `#[xml(…)]` attributes of a type, variant or field say.

use syn::{Attribute, Expr, Field, Lit, LitStr, Path, Result, Type};

/// Where a field stands in the document.
pub(crate) enum Place {
    /// An attribute of the element at `path`.
    Attr { path: Vec<String>, name: String },
    /// The text of the element at `path`.
    Value { path: Vec<String> },
    /// The element (or elements) at `path`, mapped by their own type.
    Child { path: Vec<String> },
    /// Whether the element at `path` is there.
    Flag { path: Vec<String> },
    /// The text of this element.
    Text,
    /// Attributes and children mixed into this element by the field's own type.
    Flatten,
    /// Not in the document.
    Skip,
}

/// How often the field's type stands.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Count {
    One,
    Option,
    Vec,
}

/// Everything a field declares.
pub(crate) struct FieldSpec {
    pub(crate) ident: syn::Ident,
    pub(crate) ty: Type,
    pub(crate) place: Place,
    pub(crate) count: Count,
    pub(crate) only: Option<String>,
    /// As `only`, but written always.
    pub(crate) reads: Option<String>,
    /// Not written in that variant.
    pub(crate) unless: Option<String>,
    pub(crate) default: Option<Expr>,
    pub(crate) omit_default: bool,
    pub(crate) keep_empty: bool,
    /// An empty attribute counts as absent.
    pub(crate) nonempty: bool,
    /// A bad value counts as absent.
    pub(crate) lenient: bool,
    /// A word that counts as absent.
    pub(crate) none: Option<LitStr>,
    pub(crate) base: u32,
    pub(crate) rule: Option<String>,
    pub(crate) format: Option<LitStr>,
    pub(crate) missing: Option<LitStr>,
    pub(crate) invalid: Option<LitStr>,
    pub(crate) code: Option<syn::Ident>,
    pub(crate) invalid_code: Option<syn::Ident>,
    pub(crate) domain: Option<syn::Ident>,
}

/// A step of reading a type.
pub(crate) enum Step {
    Field(syn::Ident),
    /// A function that looks at the element or, if it names any, at fields that were read; and refuses them or not.
    Check(Path, Vec<syn::Ident>),
}

impl syn::parse::Parse for Step {
    fn parse(input: syn::parse::ParseStream<'_>) -> Result<Self> {
        match input.parse::<Option<syn::Token![fn]>>()? {
            Some(_) => {
                let path = Path::parse_mod_style(input)?;
                let mut fields = Vec::new();
                if input.peek(syn::token::Paren) {
                    let names;
                    syn::parenthesized!(names in input);
                    let names = names.parse_terminated(syn::Ident::parse, syn::Token![,])?;
                    fields.extend(names);
                }
                Ok(Step::Check(path, fields))
            }
            None => input.parse().map(Step::Field),
        }
    }
}

/// What a type or a variant declares.
#[derive(Default)]
pub(crate) struct TypeSpec {
    pub(crate) tag: Option<String>,
    /// The element around writes the tag.
    pub(crate) bare: bool,
    pub(crate) default: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) check: Option<Path>,
    /// The order in which the fields are read; those not named come last.
    pub(crate) order: Vec<Step>,
    pub(crate) missing: Option<LitStr>,
    pub(crate) invalid: Option<LitStr>,
    pub(crate) code: Option<syn::Ident>,
    pub(crate) invalid_code: Option<syn::Ident>,
    pub(crate) domain: Option<syn::Ident>,
}

impl TypeSpec {
    pub(crate) fn of(attrs: &[Attribute]) -> Result<Self> {
        let mut spec = TypeSpec::default();
        for attr in attrs.iter().filter(|a| a.path().is_ident("xml")) {
            attr.parse_nested_meta(|meta| {
                let key = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
                match key.as_str() {
                    "tag" => spec.tag = Some(text(&meta)?.value()),
                    "bare" => spec.bare = true,
                    "default" => spec.default = Some(text(&meta)?.value()),
                    "name" => spec.name = Some(text(&meta)?.value()),
                    "check" => spec.check = Some(meta.value()?.parse()?),
                    "order" => {
                        let steps;
                        syn::parenthesized!(steps in meta.input);
                        let steps = steps.parse_terminated(syn::parse::Parse::parse, syn::Token![,])?;
                        spec.order = steps.into_iter().collect();
                    }
                    "missing" => spec.missing = Some(text(&meta)?),
                    "invalid" => spec.invalid = Some(text(&meta)?),
                    "code" => spec.code = Some(meta.value()?.parse()?),
                    "invalid_code" => spec.invalid_code = Some(meta.value()?.parse()?),
                    "domain" => spec.domain = Some(meta.value()?.parse()?),
                    _ => return Err(meta.error("unknown key")),
                }
                Ok(())
            })?;
        }
        Ok(spec)
    }
}

impl FieldSpec {
    pub(crate) fn of(field: &Field) -> Result<Self> {
        let ident =
            field.ident.clone().ok_or_else(|| syn::Error::new_spanned(field, "the fields need names"))?;
        let name = ident.to_string().trim_start_matches("r#").to_owned();
        let count = match &field.ty {
            Type::Path(p) => match p.path.segments.last().map(|s| s.ident.to_string()).as_deref() {
                Some("Option") => Count::Option,
                Some("Vec") => Count::Vec,
                _ => Count::One,
            },
            _ => Count::One,
        };
        let mut spec = FieldSpec {
            ident,
            ty: field.ty.clone(),
            place: Place::Child { path: vec![name.clone()] },
            count,
            only: None,
            reads: None,
            unless: None,
            default: None,
            omit_default: false,
            keep_empty: false,
            nonempty: false,
            lenient: false,
            none: None,
            base: 10,
            rule: None,
            format: None,
            missing: None,
            invalid: None,
            code: None,
            invalid_code: None,
            domain: None,
        };
        for attr in field.attrs.iter().filter(|a| a.path().is_ident("xml")) {
            attr.parse_nested_meta(|meta| {
                let key = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
                let given = meta.input.peek(syn::Token![=]);
                let path = || -> Result<Vec<String>> {
                    Ok(match given {
                        true => text(&meta)?.value().split('/').map(str::to_owned).collect(),
                        false => vec![name.clone()],
                    })
                };
                match key.as_str() {
                    "attr" | "at" => {
                        let mut path = path()?;
                        let last = path.pop().unwrap_or_default();
                        spec.place = Place::Attr { path, name: last.trim_start_matches('@').to_owned() };
                    }
                    "value" => spec.place = Place::Value { path: path()? },
                    "child" => spec.place = Place::Child { path: path()? },
                    "flag" => spec.place = Place::Flag { path: path()? },
                    "text" => spec.place = Place::Text,
                    "flatten" => spec.place = Place::Flatten,
                    "skip" => spec.place = Place::Skip,
                    "only" => spec.only = Some(text(&meta)?.value()),
                    "reads" => spec.reads = Some(text(&meta)?.value()),
                    "unless" => spec.unless = Some(text(&meta)?.value()),
                    "default" if given => spec.default = Some(meta.value()?.parse()?),
                    "default" => spec.default = Some(syn::parse_quote!(Default::default())),
                    "omit_default" => {
                        spec.omit_default = true;
                        spec.default.get_or_insert(syn::parse_quote!(Default::default()));
                    }
                    "keep_empty" => spec.keep_empty = true,
                    "nonempty" => spec.nonempty = true,
                    "lenient" => spec.lenient = true,
                    "none" => spec.none = Some(text(&meta)?),
                    "base" => spec.base = number(&meta)?,
                    "rule" => spec.rule = Some(text(&meta)?.value()),
                    "format" => spec.format = Some(text(&meta)?),
                    "missing" => spec.missing = Some(text(&meta)?),
                    "invalid" => spec.invalid = Some(text(&meta)?),
                    "code" => spec.code = Some(meta.value()?.parse()?),
                    "invalid_code" => spec.invalid_code = Some(meta.value()?.parse()?),
                    "domain" => spec.domain = Some(meta.value()?.parse()?),
                    _ => return Err(meta.error("unknown key")),
                }
                Ok(())
            })?;
        }
        Ok(spec)
    }

    /// The elements above the field's own node.
    pub(crate) fn parents(&self) -> &[String] {
        match &self.place {
            Place::Attr { path, .. } => path,
            Place::Value { path } | Place::Child { path } | Place::Flag { path } => {
                path.split_last().map_or(&[], |(_, above)| above)
            }
            _ => &[],
        }
    }
}

fn text(meta: &syn::meta::ParseNestedMeta<'_>) -> Result<LitStr> {
    meta.value()?.parse()
}

fn number(meta: &syn::meta::ParseNestedMeta<'_>) -> Result<u32> {
    match meta.value()?.parse()? {
        Lit::Int(n) => n.base10_parse(),
        other => Err(syn::Error::new_spanned(other, "expected a number")),
    }
}
