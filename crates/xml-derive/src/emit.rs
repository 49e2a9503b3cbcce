//! The code of both directions.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{DataEnum, DataStruct, DeriveInput, Fields, Result};

use crate::spec::{Count, FieldSpec, Place, Step, TypeSpec};

/// How the generated code names a field's value: `self.x`, or the binding of a pattern.
type Access<'a> = &'a dyn Fn(&FieldSpec) -> TokenStream;

pub(crate) fn for_struct(input: &DeriveInput, data: &DataStruct) -> Result<TokenStream> {
    let spec = TypeSpec::of(&input.attrs)?;
    let fields = specs(&data.fields)?;
    let (steps, reads) = read_in_order(&fields, &spec.order)?;
    let access: Access<'_> = &|f| {
        let ident = &f.ident;
        quote!(&self.#ident)
    };
    let (attrs, body) = (write_attrs(&fields, access), write_body(&fields, access));
    let check = spec.check.map(|path| quote!(#path(&mut read, e)?;));
    Ok(implement(
        input,
        quote! {
            #steps
            #[allow(unused_mut)]
            let mut read = Self { #reads };
            #check
            Ok(read)
        },
        attrs,
        body,
    ))
}

pub(crate) fn for_enum(input: &DeriveInput, data: &DataEnum) -> Result<TokenStream> {
    let spec = TypeSpec::of(&input.attrs)?;
    let Some(tag) = &spec.tag else {
        return Err(syn::Error::new_spanned(&input.ident, "an enum needs #[xml(tag = \"…\")]"));
    };
    let (mut reads, mut attrs, mut bodies, mut names) = (vec![], vec![], vec![], vec![]);
    for variant in &data.variants {
        let ident = &variant.ident;
        let name = TypeSpec::of(&variant.attrs)?.name.unwrap_or_else(|| ident.to_string().to_lowercase());
        match &variant.fields {
            Fields::Unit => {
                reads.push(quote!(#name => Self::#ident));
                attrs.push(quote!(Self::#ident => {}));
                bodies.push(quote!(Self::#ident => {}));
                names.push(quote!(Self::#ident => #name));
            }
            Fields::Unnamed(_) => {
                reads.push(quote!(#name => Self::#ident(::virtus_xml::Xml::read(e)?)));
                attrs.push(quote!(Self::#ident(v) => ::virtus_xml::Xml::write_attrs(v, w)));
                bodies.push(quote!(Self::#ident(v) => ::virtus_xml::Xml::write_body(v, w)));
                names.push(quote!(Self::#ident(..) => #name));
            }
            fields => {
                let fields = specs(fields)?;
                let read = read_fields(&fields);
                reads.push(quote!(#name => Self::#ident { #read }));
                let access: Access<'_> = &|f| {
                    let ident = &f.ident;
                    quote!(#ident)
                };
                let binds: Vec<_> = fields.iter().map(|f| &f.ident).collect();
                let (a, b) = (write_attrs(&fields, access), write_body(&fields, access));
                attrs.push(quote!(Self::#ident { #(#binds),* } => { #(let _ = #binds;)* #a }));
                bodies.push(quote!(Self::#ident { #(#binds),* } => { #(let _ = #binds;)* #b }));
                names.push(quote!(Self::#ident { .. } => #name));
            }
        }
    }
    let rules = rules(&Says {
        missing: &spec.missing,
        invalid: &spec.invalid,
        code: &spec.code,
        invalid_code: &spec.invalid_code,
        domain: &spec.domain,
        rule: None,
        base: 10,
    });
    let default = match &spec.default {
        Some(text) => quote!(Some(#text)),
        None => quote!(None),
    };
    let check = spec.check.map(|path| quote!(#path(&mut read, e)?;));
    let name = &input.ident;
    let out = implement(
        input,
        quote! {
            let rules = #rules;
            #[allow(unused_mut)]
            let mut read = match ::virtus_xml::field::tag(e, #tag, #default, &rules)? {
                #(#reads,)*
                other => return Err(::virtus_xml::field::invalid(e, #tag, other, "", &rules)),
            };
            #check
            Ok(read)
        },
        match spec.bare {
            true => quote!(match self { #(#attrs,)* }),
            false => quote! {
                w.attr(#tag, self.tag());
                match self { #(#attrs,)* }
            },
        },
        quote!(match self { #(#bodies,)* }),
    );
    let doc = format!("The value of `@{tag}` that chooses this variant.");
    Ok(quote! {
        #out
        #[automatically_derived]
        impl #name {
            #[doc = #doc]
            pub fn tag(&self) -> &'static str {
                match self { #(#names,)* }
            }
        }
    })
}

fn specs(fields: &Fields) -> Result<Vec<FieldSpec>> {
    fields.iter().map(FieldSpec::of).collect()
}

fn implement(input: &DeriveInput, read: TokenStream, attrs: TokenStream, body: TokenStream) -> TokenStream {
    let name = &input.ident;
    let (generics, args, bounds) = input.generics.split_for_impl();
    quote! {
        #[automatically_derived]
        #[allow(unused_variables)]
        impl #generics ::virtus_xml::Xml for #name #args #bounds {
            fn read(e: ::virtus_xml::Element<'_>) -> ::virtus_xml::Result<Self> { #read }
            fn write_attrs(&self, w: &mut ::virtus_xml::Writer) { #attrs }
            fn write_body(&self, w: &mut ::virtus_xml::Writer) { #body }
        }
    }
}

/// What the field or the tag says about errors.
struct Says<'a> {
    missing: &'a Option<syn::LitStr>,
    invalid: &'a Option<syn::LitStr>,
    code: &'a Option<syn::Ident>,
    invalid_code: &'a Option<syn::Ident>,
    domain: &'a Option<syn::Ident>,
    rule: Option<&'a str>,
    base: u32,
}

fn rules(says: &Says<'_>) -> TokenStream {
    let text = |t: &Option<syn::LitStr>| match t {
        Some(t) => quote!(Some(#t)),
        None => quote!(None),
    };
    let (missing, invalid) = (text(says.missing), text(says.invalid));
    let code = says.code.clone().unwrap_or_else(|| format_ident!("XML_ERROR"));
    let invalid_code = says.invalid_code.clone().unwrap_or_else(|| code.clone());
    let domain = says.domain.clone().unwrap_or_else(|| format_ident!("DOMAIN"));
    let rule = match says.rule {
        Some("nonzero") => quote!(NonZero),
        Some("nonnegative") => quote!(NonNegative),
        Some("int") => quote!(Int),
        _ => quote!(Any),
    };
    let base = says.base;
    quote!(::virtus_xml::field::Rules {
        missing: #missing,
        invalid: #invalid,
        code: ::virtus_xml::ErrorCode::#code,
        invalid_code: ::virtus_xml::ErrorCode::#invalid_code,
        domain: ::virtus_xml::ErrorDomain::#domain,
        number: ::virtus_xml::field::NumberRule::#rule,
        base: #base,
    })
}

fn only(condition: Option<&str>) -> Option<TokenStream> {
    let variant = match condition? {
        "live" => "Live",
        "inactive" => "Inactive",
        "secure" => "Secure",
        "migratable" => "Migratable",
        "status" => "Status",
        _ => return Some(quote!(compile_error!("unknown condition"))),
    };
    let variant = format_ident!("{variant}");
    Some(quote!(::virtus_xml::Only::#variant))
}

fn read_fields(fields: &[FieldSpec]) -> TokenStream {
    let reads = fields.iter().map(|f| {
        let ident = &f.ident;
        let read = read_field(f);
        quote!(#ident: #read,)
    });
    quote!(#(#reads)*)
}

/// The statements that read fields whose order matters, and the fields of the value. What is wrong with a document is
/// told by the first field that finds it so.
fn read_in_order(fields: &[FieldSpec], order: &[Step]) -> Result<(TokenStream, TokenStream)> {
    let local = |ident: &syn::Ident| format_ident!("read_{}", ident);
    let mut first = vec![];
    let steps = order
        .iter()
        .map(|step| match step {
            Step::Check(path, fields) if fields.is_empty() => Ok(quote!(#path(e)?;)),
            Step::Check(path, fields) => {
                let read = fields.iter().map(local);
                Ok(quote!(#path(#(&#read),*)?;))
            }
            Step::Field(ident) => {
                let missing = || syn::Error::new_spanned(ident, "no such field");
                let field = fields.iter().find(|f| f.ident == *ident).ok_or_else(missing)?;
                first.push(ident);
                let (name, read, ty) = (local(ident), read_field(field), &field.ty);
                Ok(quote!(let #name: #ty = #read;))
            }
        })
        .collect::<Result<Vec<_>>>()?;
    let reads = fields.iter().map(|f| {
        let ident = &f.ident;
        let read = match first.contains(&ident) {
            true => {
                let name = local(ident);
                quote!(#name)
            }
            false => read_field(f),
        };
        quote!(#ident: #read,)
    });
    Ok((quote!(#(#steps)*), quote!(#(#reads)*)))
}

fn read_field(f: &FieldSpec) -> TokenStream {
    let rules = rules(&Says {
        missing: &f.missing,
        invalid: &f.invalid,
        code: &f.code,
        invalid_code: &f.invalid_code,
        domain: &f.domain,
        rule: f.rule.as_deref(),
        base: f.base,
    });
    let parents = f.parents();
    let default = f.default.as_ref();
    let ty = &f.ty;
    let none = if f.nonempty { Some(quote!("")) } else { f.none.as_ref().map(|none| quote!(#none)) };
    let at = match (&f.place, none) {
        (Place::Attr { name, .. }, Some(none)) => {
            quote!(e.descend(&[#(#parents),*]).filter(|e| e.attr(#name).is_some_and(|t| t != #none)))
        }
        _ => quote!(e.descend(&[#(#parents),*])),
    };
    let read = match &f.place {
        Place::Skip => return default.map_or(quote!(Default::default()), |d| quote!(#d)),
        Place::Flatten => match f.count {
            Count::One => quote!(::virtus_xml::Xml::read(e)?),
            _ => quote!(::virtus_xml::field::flatten_option(e)?),
        },
        Place::Text => match (f.count, default) {
            (Count::Option, _) => quote!(::virtus_xml::field::text(Some(e), &#rules)?),
            (_, Some(d)) => quote!(::virtus_xml::field::text::<#ty>(Some(e), &#rules)?.unwrap_or_else(|| #d)),
            _ => quote!(::virtus_xml::field::required_text(Some(e), e, e.name(), &#rules)?),
        },
        Place::Attr { path, name } => match (f.count, default) {
            (Count::Option, _) if f.lenient => {
                quote!(::virtus_xml::field::attr(#at, #name, &#rules).unwrap_or_default())
            }
            (Count::Option, _) => quote!(::virtus_xml::field::attr(#at, #name, &#rules)?),
            (_, Some(d)) => {
                quote!(::virtus_xml::field::attr::<#ty>(#at, #name, &#rules)?.unwrap_or_else(|| #d))
            }
            _ => {
                let _ = path;
                quote!(::virtus_xml::field::required_attr(#at, e, #name, &#rules)?)
            }
        },
        Place::Value { path } => {
            let last = path.last();
            match (f.count, default) {
                (Count::Vec, _) => quote!(::virtus_xml::field::texts(#at, #last, &#rules)?),
                (Count::Option, _) if f.lenient => quote!(
                    ::virtus_xml::field::text(#at.and_then(|e| e.child(#last)), &#rules).unwrap_or_default()
                ),
                (Count::Option, _) => {
                    quote!(::virtus_xml::field::text(#at.and_then(|e| e.child(#last)), &#rules)?)
                }
                (_, Some(d)) => quote!(
                    ::virtus_xml::field::text::<#ty>(#at.and_then(|e| e.child(#last)), &#rules)?
                        .unwrap_or_else(|| #d)
                ),
                _ => quote!(::virtus_xml::field::required_text(
                    #at.and_then(|e| e.child(#last)), e, #last, &#rules)?),
            }
        }
        Place::Flag { path } => {
            let last = path.last();
            quote!(#at.is_some_and(|e| e.child(#last).is_some()))
        }
        Place::Child { path } => {
            let last = path.last();
            match (f.count, default) {
                (Count::Vec, _) => quote!(::virtus_xml::field::children(#at, #last)?),
                (Count::Option, _) => quote!(::virtus_xml::field::child(#at, #last)?),
                (_, Some(d)) => {
                    quote!(::virtus_xml::field::child::<#ty>(#at, #last)?.unwrap_or_else(|| #d))
                }
                _ => quote!(::virtus_xml::field::required_child(#at, e, #last, &#rules)?),
            }
        }
    };
    match only(f.only.as_deref().or(f.reads.as_deref())) {
        Some(only) => {
            // what is passed over is known all the same
            let known = match &f.place {
                Place::Attr { name, .. } => quote!(let _ = #at.and_then(|e| e.attr(#name));),
                Place::Value { path } | Place::Child { path } | Place::Flag { path } => {
                    let last = path.last();
                    quote!(if let Some(e) = #at { e.children(#last).for_each(|e| { e.accept_all(); }); })
                }
                _ => quote!(),
            };
            quote!(if e.reads(#only) { #read } else { #known Default::default() })
        }
        None => read,
    }
}

/// Writes one attribute of the element that is open.
fn write_one_attr(f: &FieldSpec, name: &str, access: Access<'_>) -> TokenStream {
    let value = access(f);
    let put = |v: TokenStream| match &f.format {
        Some(format) => quote!(w.attr_fmt(#name, format_args!(#format, #v))),
        None => quote!(w.attr_value(#name, #v)),
    };
    let write = match f.count {
        Count::One => put(value.clone()),
        _ => {
            let put = put(quote!(v));
            quote!(if let Some(v) = #value { #put; })
        }
    };
    guard(f, value, quote!(#write;))
}

fn guard(f: &FieldSpec, value: TokenStream, write: TokenStream) -> TokenStream {
    let mut out = write;
    if f.omit_default {
        let d = f.default.as_ref();
        out = quote!(if *#value != #d { #out });
    }
    if let Some(unless) = only(f.unless.as_deref()) {
        out = quote!(if !w.shows(#unless) { #out });
    }
    if let Some(only) = only(f.only.as_deref()) {
        out = quote!(if w.shows(#only) { #out });
    }
    out
}

fn write_attrs(fields: &[FieldSpec], access: Access<'_>) -> TokenStream {
    let writes = fields.iter().map(|f| match &f.place {
        Place::Attr { path, name } if path.is_empty() => write_one_attr(f, name, access),
        Place::Flatten => {
            let value = access(f);
            let write = match f.count {
                Count::One => quote!(::virtus_xml::Xml::write_attrs(#value, w);),
                _ => quote!(if let Some(v) = #value { ::virtus_xml::Xml::write_attrs(v, w); }),
            };
            guard(f, value, write)
        }
        _ => quote!(),
    });
    quote!(#(#writes)*)
}

fn write_body(fields: &[FieldSpec], access: Access<'_>) -> TokenStream {
    let fields: Vec<&FieldSpec> = fields.iter().collect();
    write_level(&fields, 0, access)
}

/// Writes the children of one element: fields whose path goes on below `depth` are gathered under the
/// first of them, so that an element is written once, where the declaration first names it.
fn write_level(fields: &[&FieldSpec], depth: usize, access: Access<'_>) -> TokenStream {
    let mut out = vec![];
    let mut done: Vec<&str> = vec![];
    for f in fields {
        if let Some(head) = f.parents().get(depth) {
            if done.contains(&head.as_str()) {
                continue;
            }
            done.push(head);
            let inner: Vec<&FieldSpec> =
                fields.iter().copied().filter(|g| g.parents().get(depth) == Some(head)).collect();
            let attrs = inner.iter().filter_map(|g| match &g.place {
                Place::Attr { path, name } if path.len() == depth + 1 => {
                    Some(write_one_attr(g, name, access))
                }
                _ => None,
            });
            let body = write_level(&inner, depth + 1, access);
            let end = match inner.iter().any(|g| g.keep_empty) {
                true => quote!(w.end()),
                false => quote!(w.end_unless_empty()),
            };
            out.push(quote!(w.start(#head); #(#attrs)* #body #end;));
            continue;
        }
        let value = access(f);
        let write = match &f.place {
            Place::Attr { .. } | Place::Skip => continue,
            Place::Flatten => match f.count {
                Count::One => quote!(::virtus_xml::Xml::write_body(#value, w);),
                _ => quote!(if let Some(v) = #value { ::virtus_xml::Xml::write_body(v, w); }),
            },
            Place::Text => match f.count {
                Count::One => quote!(w.text_value(#value);),
                _ => quote!(if let Some(v) = #value { w.text_value(v); }),
            },
            Place::Value { path } => {
                let last = path.last();
                let put = |v: TokenStream| match &f.format {
                    Some(format) => quote!(w.element_fmt(#last, format_args!(#format, #v));),
                    None => quote!(w.element_value(#last, #v);),
                };
                match f.count {
                    Count::One => put(value.clone()),
                    Count::Option => {
                        let put = put(quote!(v));
                        quote!(if let Some(v) = #value { #put })
                    }
                    Count::Vec => {
                        let put = put(quote!(v));
                        quote!(for v in #value { #put })
                    }
                }
            }
            Place::Flag { path } => {
                let last = path.last();
                quote!(if *#value { w.empty(#last); })
            }
            Place::Child { path } => {
                let last = path.last();
                match f.count {
                    Count::One => quote!(w.element(#last, #value);),
                    Count::Option => quote!(if let Some(v) = #value { w.element(#last, v); }),
                    Count::Vec => quote!(for v in #value { w.element(#last, v); }),
                }
            }
        };
        out.push(guard(f, value, write));
    }
    quote!(#(#out)*)
}
