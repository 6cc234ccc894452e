//! The `Message` derive: one Rust struct gives Kafka's defaults, bounded decode and encode for every version, and a
//! static description of itself (`Schema` in lab-core) that annotation, tests and the compare with Kafka read.
//!
//! A struct with `#[message(...)]` is a whole message and gets `wire::message::Message`; one without is nested, and is
//! flexible where the message around it is. Attributes are Kafka's own words and version notation (`"3+"`, `"0-12"`):
//!
//! - `#[message(api_key, versions, flexible)]`
//! - `#[wire(versions, nullable, default, tag, tagged, flexible, ignorable)]`: `tagged` only where it differs from
//!   `versions`; `flexible = "none"` for a field that stays rigid in flexible versions.
//!
//! The generated code names `crate::wire`, so the derive serves lab-core alone.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{
    Data, DeriveInput, Error, Expr, Field, Fields, GenericArgument, LitInt, LitStr, PathArguments, Result, Type,
};

#[proc_macro_derive(Message, attributes(message, wire))]
pub fn derive_message(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = syn::parse_macro_input!(input as DeriveInput);
    expand(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}

/// A closed range of versions; `to` is `i16::MAX` for `"3+"`.
#[derive(Clone, Copy)]
struct Versions {
    from: i16,
    to: i16,
}

impl Versions {
    /// Kafka's notation: `"none"`, `"3"`, `"3+"`, `"0-12"`.
    fn parse(text: &LitStr) -> Result<Self> {
        let value = text.value();
        let number = |digits: &str| digits.parse::<i16>().map_err(|_| Error::new(text.span(), "not a version range"));
        if value == "none" {
            return Ok(Self::NONE);
        }
        if let Some(from) = value.strip_suffix('+') {
            return Ok(Self { from: number(from)?, to: i16::MAX });
        }
        match value.split_once('-') {
            Some((from, to)) => Ok(Self { from: number(from)?, to: number(to)? }),
            None => Ok(Self { from: number(&value)?, to: number(&value)? }),
        }
    }

    const NONE: Self = Self { from: 1, to: 0 };

    /// An expression for "the version is in the range", as short as it can be: most are one comparison or none.
    fn contains(self) -> TokenStream {
        let (from, to) = (self.from, self.to);
        if from > to {
            quote!(false)
        } else if from <= 0 && to == i16::MAX {
            quote!(true)
        } else if to == i16::MAX {
            quote!((format.version >= #from))
        } else if from <= 0 {
            quote!((format.version <= #to))
        } else {
            quote!((#from..=#to).contains(&format.version))
        }
    }

    fn tokens(self) -> TokenStream {
        let (from, to) = (self.from, self.to);
        quote!(crate::wire::schema::Versions { from: #from, to: #to })
    }
}

struct MessageAttributes {
    api_key: Option<i16>,
    versions: Versions,
    flexible: Versions,
}

struct FieldAttributes {
    ident: syn::Ident,
    /// Without the `Option` of a nullable field.
    ty: Type,
    optional: bool,
    versions: Versions,
    nullable: Versions,
    tag: Option<u32>,
    tagged: Versions,
    flexible: Option<Versions>,
    default: Option<LitStr>,
    ignorable: bool,
}

fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let Data::Struct(data) = &input.data else {
        return Err(Error::new_spanned(input, "a Kafka message is a struct"));
    };
    let named = match &data.fields {
        Fields::Named(named) => named.named.iter().map(parse_field).collect::<Result<Vec<_>>>()?,
        Fields::Unit => Vec::new(),
        Fields::Unnamed(_) => return Err(Error::new_spanned(input, "the fields of a Kafka message have names")),
    };
    let message = parse_message(input)?;
    let name = &input.ident;
    let schema = schema(name, message.as_ref(), &named);
    let (default, min_size, read, write) = (defaults(&named), min_size(&named), read(&named), write(&named));

    let message = message.map(|message| {
        let MessageAttributes { versions: Versions { from, to }, flexible, .. } = message;
        let flexible = flexible.contains();
        quote! {
            impl crate::wire::message::Message for #name {
                const SCHEMA: &'static crate::wire::schema::Schema = #name::SCHEMA;

                fn versions() -> ::core::ops::RangeInclusive<i16> {
                    #from..=#to
                }

                fn format(version: i16) -> crate::wire::primitive::Format {
                    let format = crate::wire::primitive::Format { version, flexible: false };
                    crate::wire::primitive::Format { flexible: #flexible, ..format }
                }
            }
        }
    });

    Ok(quote! {
        impl ::core::default::Default for #name {
            fn default() -> Self {
                Self { #(#default),* }
            }
        }

        impl #name {
            /// What the attributes say, as data.
            pub const SCHEMA: &'static crate::wire::schema::Schema = #schema;
        }

        impl crate::wire::primitive::Value for #name {
            const KIND: &'static crate::wire::schema::Kind = &crate::wire::schema::Kind::Struct(Self::SCHEMA);

            #[allow(unused_variables)]
            fn min_size(format: crate::wire::primitive::Format) -> usize {
                #min_size
            }

            fn read(
                reader: &mut crate::wire::primitive::Reader<'_>,
                format: crate::wire::primitive::Format,
            ) -> ::core::result::Result<Self, crate::wire::primitive::DecodeError> {
                #read
            }

            fn write(
                &self,
                writer: &mut crate::wire::primitive::Writer,
                format: crate::wire::primitive::Format,
            ) -> ::core::result::Result<(), crate::wire::primitive::EncodeError> {
                #write
            }
        }

        impl crate::wire::primitive::Nullable for #name {
            fn read_nullable(
                reader: &mut crate::wire::primitive::Reader<'_>,
                format: crate::wire::primitive::Format,
            ) -> ::core::result::Result<::core::option::Option<Self>, crate::wire::primitive::DecodeError> {
                crate::wire::primitive::read_nullable_struct(reader, format)
            }

            fn write_nullable(
                value: ::core::option::Option<&Self>,
                writer: &mut crate::wire::primitive::Writer,
                format: crate::wire::primitive::Format,
            ) -> ::core::result::Result<(), crate::wire::primitive::EncodeError> {
                crate::wire::primitive::write_nullable_struct(value, writer, format)
            }
        }

        #message
    })
}

fn parse_message(input: &DeriveInput) -> Result<Option<MessageAttributes>> {
    let Some(attribute) = input.attrs.iter().find(|attribute| attribute.path().is_ident("message")) else {
        return Ok(None);
    };
    let (mut api_key, mut versions, mut flexible) = (None, None, Versions::NONE);
    attribute.parse_nested_meta(|meta| {
        if meta.path.is_ident("api_key") {
            api_key = Some(meta.value()?.parse::<LitInt>()?.base10_parse()?);
        } else if meta.path.is_ident("versions") {
            versions = Some(Versions::parse(&meta.value()?.parse()?)?);
        } else if meta.path.is_ident("flexible") {
            flexible = Versions::parse(&meta.value()?.parse()?)?;
        } else {
            return Err(meta.error("expected api_key, versions or flexible"));
        }
        Ok(())
    })?;
    let versions = versions.ok_or_else(|| Error::new_spanned(attribute, "versions is missing"))?;
    Ok(Some(MessageAttributes { api_key, versions, flexible }))
}

fn parse_field(field: &Field) -> Result<FieldAttributes> {
    let attribute = field.attrs.iter().find(|attribute| attribute.path().is_ident("wire"));
    let attribute = attribute.ok_or_else(|| Error::new_spanned(field, "#[wire(versions = ..)] is missing"))?;
    let (mut versions, mut nullable, mut tag, mut tagged) = (None, Versions::NONE, None, None);
    let (mut flexible, mut default, mut ignorable) = (None, None, false);
    attribute.parse_nested_meta(|meta| {
        if meta.path.is_ident("ignorable") {
            ignorable = true;
        } else if meta.path.is_ident("tag") {
            tag = Some(meta.value()?.parse::<LitInt>()?.base10_parse()?);
        } else if meta.path.is_ident("default") {
            default = Some(meta.value()?.parse::<LitStr>()?);
        } else {
            let range = Versions::parse(&meta.value()?.parse()?)?;
            match () {
                () if meta.path.is_ident("versions") => versions = Some(range),
                () if meta.path.is_ident("nullable") => nullable = range,
                () if meta.path.is_ident("tagged") => tagged = Some(range),
                () if meta.path.is_ident("flexible") => flexible = Some(range),
                () => return Err(meta.error("unknown word")),
            }
        }
        Ok(())
    })?;
    let versions = versions.ok_or_else(|| Error::new_spanned(attribute, "versions is missing"))?;
    let tagged = if tag.is_some() { tagged.unwrap_or(versions) } else { Versions::NONE };
    let (ty, optional) = match inner_of_option(&field.ty) {
        Some(inner) => (inner.clone(), true),
        None => (field.ty.clone(), false),
    };
    let ident = field.ident.clone().expect("named");
    Ok(FieldAttributes { ident, ty, optional, versions, nullable, tag, tagged, flexible, default, ignorable })
}

fn inner_of_option(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    match &last.arguments {
        PathArguments::AngleBracketed(arguments) if last.ident == "Option" => match arguments.args.first()? {
            GenericArgument::Type(inner) => Some(inner),
            _ => None,
        },
        _ => None,
    }
}

impl FieldAttributes {
    /// Kafka's default: what the schema says, else zero, empty or false. Null only where the schema says so.
    fn default_value(&self) -> TokenStream {
        let explicit = self.default.as_ref().map(LitStr::value);
        match explicit.as_deref() {
            Some("null") => quote!(::core::option::Option::None),
            None | Some("") if self.optional => {
                quote!(::core::option::Option::Some(::core::default::Default::default()))
            }
            None | Some("") => quote!(::core::default::Default::default()),
            Some(text) => match syn::parse_str::<Expr>(text) {
                Ok(literal) => quote!(#literal),
                Err(error) => error.to_compile_error(),
            },
        }
    }

    /// How this field is laid out, given `format` of the struct.
    fn format(&self) -> TokenStream {
        match self.flexible {
            None => quote!(format),
            Some(range) => {
                let contains = range.contains();
                quote!(crate::wire::primitive::Format { flexible: format.flexible && #contains, ..format })
            }
        }
    }

    /// The value as it stands on the wire, null or not.
    fn read(&self) -> TokenStream {
        let (ty, format, nullable) = (&self.ty, self.format(), self.nullable.contains());
        if self.optional {
            quote! {
                if #nullable {
                    <#ty as crate::wire::primitive::Nullable>::read_nullable(reader, #format)?
                } else {
                    ::core::option::Option::Some(<#ty as crate::wire::primitive::Value>::read(reader, #format)?)
                }
            }
        } else {
            quote!(<#ty as crate::wire::primitive::Value>::read(reader, #format)?)
        }
    }

    fn write(&self) -> TokenStream {
        let (ident, ty, format, nullable) = (&self.ident, &self.ty, self.format(), self.nullable.contains());
        let name = ident.to_string();
        if self.optional {
            quote! {
                match &self.#ident {
                    value if #nullable => {
                        <#ty as crate::wire::primitive::Nullable>::write_nullable(value.as_ref(), writer, #format)?;
                    }
                    ::core::option::Option::Some(value) => {
                        crate::wire::primitive::Value::write(value, writer, #format)?;
                    }
                    ::core::option::Option::None if writer.is_lenient() => {
                        crate::wire::primitive::Value::write(&<#ty>::default(), writer, #format)?;
                    }
                    ::core::option::Option::None => {
                        return Err(crate::wire::primitive::EncodeError::null(#name, format.version));
                    }
                }
            }
        } else {
            quote!(crate::wire::primitive::Value::write(&self.#ident, writer, #format)?;)
        }
    }

    /// In the body proper, as opposed to among the tagged fields.
    fn plain(&self) -> TokenStream {
        let (versions, tagged) = (self.versions.contains(), self.tagged.contains());
        match self.tag {
            None => versions,
            Some(_) => quote!((#versions && !#tagged)),
        }
    }

    fn never_plain(&self) -> bool {
        self.tag.is_some() && self.tagged.from <= self.versions.from && self.tagged.to >= self.versions.to
    }
}

fn defaults(fields: &[FieldAttributes]) -> Vec<TokenStream> {
    fields
        .iter()
        .map(|field| {
            let (ident, value) = (&field.ident, field.default_value());
            quote!(#ident: #value)
        })
        .collect()
}

fn min_size(fields: &[FieldAttributes]) -> TokenStream {
    let sizes = fields.iter().filter(|field| !field.never_plain()).map(|field| {
        let (ty, plain, format, nullable) = (&field.ty, field.plain(), field.format(), field.nullable.contains());
        let size = quote!(<#ty as crate::wire::primitive::Value>::min_size(#format));
        // A null struct is one byte; a null anything else is as long as an empty one.
        let size = if field.optional { quote!(if #nullable { #size.min(1) } else { #size }) } else { size };
        quote!(if #plain { size += #size; })
    });
    quote! {
        let mut size = usize::from(format.flexible);
        #(#sizes)*
        size
    }
}

fn read(fields: &[FieldAttributes]) -> TokenStream {
    let idents: Vec<_> = fields.iter().map(|field| &field.ident).collect();
    let plain = fields.iter().map(|field| {
        let (ident, default) = (&field.ident, field.default_value());
        let (plain, read) = (field.plain(), field.read());
        let full = full_type(field);
        if field.never_plain() {
            quote!(let mut #ident: #full = #default;)
        } else if field.tag.is_some() {
            quote!(let mut #ident: #full = if #plain { #read } else { #default };)
        } else {
            quote!(let #ident: #full = if #plain { #read } else { #default };)
        }
    });
    let tags = fields.iter().filter_map(|field| {
        let (tag, tagged, read, ident) = (field.tag?, field.tagged.contains(), field.read(), &field.ident);
        Some(quote!(#tag if #tagged => #ident = #read,))
    });
    quote! {
        #(#plain)*
        if format.flexible {
            let mut tags = reader.uvarint()?;
            while tags > 0 {
                tags -= 1;
                let (tag, outer) = reader.begin_tag()?;
                match tag {
                    #(#tags)*
                    // Kafka: an unknown tagged field is skipped (KIP-482).
                    _ => reader.skip_tag(),
                }
                reader.end_tag(outer)?;
            }
        }
        Ok(Self { #(#idents),* })
    }
}

fn write(fields: &[FieldAttributes]) -> TokenStream {
    let plain = fields.iter().map(|field| {
        let (ident, name, default) = (&field.ident, field.ident.to_string(), field.default_value());
        let (versions, plain, write) = (field.versions.contains(), field.plain(), field.write());
        let full = full_type(field);
        let write = if field.never_plain() { quote!() } else { quote!(if #plain { #write }) };
        // As Kafka's generated code does: what the version cannot carry is dropped if ignorable, refused if it is not
        // (unless the writer is lenient).
        let refuse = if field.ignorable || versions.to_string() == "true" {
            quote!()
        } else {
            quote! {
                if !#versions && !writer.is_lenient() {
                    let default: #full = #default;
                    if self.#ident != default {
                        return Err(crate::wire::primitive::EncodeError::unsupported(#name, format.version));
                    }
                }
            }
        };
        quote!(#write #refuse)
    });
    let mut tagged: Vec<_> = fields.iter().filter(|field| field.tag.is_some()).collect();
    tagged.sort_by_key(|field| field.tag);
    let present = tagged.iter().map(|field| {
        let (ident, flag) = (&field.ident, format_ident!("has_{}", field.ident));
        let (tagged, default, full) = (field.tagged.contains(), field.default_value(), full_type(field));
        quote! {
            let #flag = #tagged && {
                let default: #full = #default;
                self.#ident != default
            };
        }
    });
    let flags: Vec<_> = tagged.iter().map(|field| format_ident!("has_{}", field.ident)).collect();
    let writes = tagged.iter().zip(&flags).map(|(field, flag)| {
        let (tag, write) = (field.tag, field.write());
        quote! {
            if #flag {
                let mark = writer.begin_tag(#tag);
                #write
                writer.end_tag(mark);
            }
        }
    });
    quote! {
        #(#plain)*
        if format.flexible {
            #(#present)*
            writer.uvarint(0 #(+ u32::from(#flags))*);
            #(#writes)*
        }
        Ok(())
    }
}

fn full_type(field: &FieldAttributes) -> TokenStream {
    let ty = &field.ty;
    if field.optional { quote!(::core::option::Option<#ty>) } else { quote!(#ty) }
}

fn schema(name: &syn::Ident, message: Option<&MessageAttributes>, fields: &[FieldAttributes]) -> TokenStream {
    let name = name.to_string();
    let option = |value: Option<TokenStream>| match value {
        Some(value) => quote!(::core::option::Option::Some(#value)),
        None => quote!(::core::option::Option::None),
    };
    let api_key = option(message.and_then(|message| message.api_key).map(|key| quote!(#key)));
    let versions = message.map_or(Versions { from: 0, to: i16::MAX }, |message| message.versions).tokens();
    let flexible = message.map_or(Versions::NONE, |message| message.flexible).tokens();
    let fields = fields.iter().map(|field| {
        let (name, ty) = (field.ident.to_string(), &field.ty);
        let (versions, nullable, tagged) = (field.versions.tokens(), field.nullable.tokens(), field.tagged.tokens());
        let tag = option(field.tag.map(|tag| quote!(#tag)));
        let flexible = option(field.flexible.map(Versions::tokens));
        let default = option(field.default.as_ref().map(|default| quote!(#default)));
        let ignorable = field.ignorable;
        quote! {
            crate::wire::schema::Field {
                name: #name,
                kind: <#ty as crate::wire::primitive::Value>::KIND,
                versions: #versions,
                nullable: #nullable,
                tag: #tag,
                tagged: #tagged,
                flexible: #flexible,
                default: #default,
                ignorable: #ignorable,
            }
        }
    });
    quote! {
        &crate::wire::schema::Schema {
            name: #name,
            api_key: #api_key,
            versions: #versions,
            flexible: #flexible,
            fields: &[#(#fields),*],
        }
    }
}
