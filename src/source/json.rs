//! Reading answers leniently.
//!
//! PVE and PBS send numbers as strings in places, leave keys out, put `null` for what they do not
//! know, and add keys with every release. A value of an unexpected form is an unknown value, never
//! a reason to lose the whole answer; only a body that is not JSON of the expected outer form is.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Why a body could not be read, in words for the operator.
#[derive(Debug, thiserror::Error)]
#[error("the answer is not what this call answers with: {0}")]
pub struct Unreadable(pub String);

/// Reads `{"data": T}`, the envelope of every answer of both products.
pub fn envelope<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Unreadable> {
    #[derive(Deserialize)]
    struct Envelope<T> {
        data: T,
    }
    serde_json::from_str::<Envelope<T>>(text)
        .map(|envelope| envelope.data)
        .map_err(|error| Unreadable(error.to_string()))
}

/// Reads `{"data": …}` with a seed, for lists that are read row by row.
pub fn envelope_into<'a, S>(text: &'a str, seed: S) -> Result<S::Value, Unreadable>
where
    S: DeserializeSeed<'a>,
{
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Nested(seed)
        .deserialize(&mut deserializer)
        .map_err(|error| Unreadable(error.to_string()))?;
    deserializer
        .end()
        .map_err(|error| Unreadable(error.to_string()))?;
    Ok(value)
}

/// Reads `{"data": …}` and hands what is in it to the seed.
pub struct Nested<S>(pub S);

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Nested<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for Nested<S> {
    type Value = S::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `data`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<S::Value, A::Error> {
        let mut seed = Some(self.0);
        let mut value = None;
        while let Some(Text(key)) = map.next_key::<Text<'de>>()? {
            match seed.take_if(|_| key == "data") {
                Some(seed) => value = Some(map.next_value_seed(seed)?),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        value.ok_or_else(|| serde::de::Error::missing_field("data"))
    }
}

/// A text that may come as a number, a boolean or `null`; what is not known is empty.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Text<'a>(pub Cow<'a, str>);

impl Text<'_> {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, or `None` where the answer had none.
    pub fn known(&self) -> Option<&str> {
        (!self.0.is_empty()).then_some(&*self.0)
    }

    pub fn to_boxed(&self) -> Box<str> {
        Box::from(&*self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor<'a>(PhantomData<&'a ()>);

        impl<'de: 'a, 'a> Visitor<'de> for TextVisitor<'a> {
            type Value = Text<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(value)))
            }
            fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(value.to_owned())))
            }
            fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(if value { "1" } else { "0" })))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(value.to_string())))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(value.to_string())))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(value.to_string())))
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Text::default())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Text::default())
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Text::default())
            }
        }

        deserializer.deserialize_any(TextVisitor(PhantomData))
    }
}

/// A number that may come as a string or a boolean; `None` where it is not known.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub struct Number(pub Option<f64>);

impl Number {
    /// The number as a flag: known and not zero.
    pub fn flag(self) -> Option<bool> {
        self.0.map(|value| value != 0.0)
    }

    /// A quantity that cannot be negative: bytes, seconds, counts. Anything else is not known.
    pub fn quantity(self) -> Option<f64> {
        self.0.filter(|value| value.is_finite() && *value >= 0.0)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberVisitor;

        impl<'de> Visitor<'de> for NumberVisitor {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }
            fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
                let number = value.trim().parse::<f64>().ok();
                Ok(Number(number.filter(|number| number.is_finite())))
            }
            fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
                Ok(Number(Some(f64::from(u8::from(value)))))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
                Ok(Number(Some(value as f64)))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
                Ok(Number(Some(value as f64)))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
                Ok(Number(Some(value).filter(|value| value.is_finite())))
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Number(None))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Number(None))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Number(None))
            }
        }

        deserializer.deserialize_any(NumberVisitor)
    }
}

/// An object, or whatever else stood in its place, read as the default of `T`.
#[derive(Debug, Default)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for ObjectVisitor<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
            fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
                Ok(Object::default())
            }
            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Object::default())
            }
            fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
                Ok(Object::default())
            }
            fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
                Ok(Object::default())
            }
            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Object::default())
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Object::default())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Object::default())
            }
        }

        deserializer.deserialize_any(ObjectVisitor(PhantomData))
    }
}

/// A place in a row for the value of one of its fields.
pub enum Field<'r, 'de> {
    Text(&'r mut Text<'de>),
    Number(&'r mut Number),
    /// Of no interest.
    Other,
}

impl<'r, 'de> From<&'r mut Text<'de>> for Field<'r, 'de> {
    fn from(text: &'r mut Text<'de>) -> Self {
        Self::Text(text)
    }
}

impl<'r> From<&'r mut Number> for Field<'r, '_> {
    fn from(number: &'r mut Number) -> Self {
        Self::Number(number)
    }
}

/// A row of a list that may have tens of thousands. It is read into one place, field by field: a
/// derived `Deserialize` moves the whole of a wide row several times, which costs more than parsing
/// its text.
pub trait Fields<'de>: Default {
    /// Where the value of the field belongs.
    fn field(&mut self, name: &str) -> Field<'_, 'de>;
}

/// Calls `each` with every row of a list as it is read, so that a large answer is never held as a
/// whole. `null` is an empty list; what is no object is an empty row.
pub fn each_row<'de, T, D, F>(deserializer: D, each: F) -> Result<(), D::Error>
where
    T: Fields<'de>,
    D: Deserializer<'de>,
    F: FnMut(&T),
{
    struct RowsVisitor<T, F>(F, PhantomData<T>);

    impl<'de, T: Fields<'de>, F: FnMut(&T)> Visitor<'de> for RowsVisitor<T, F> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }
        fn visit_unit<E>(self) -> Result<(), E> {
            Ok(())
        }
        fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
            let mut row = T::default();
            while seq.next_element_seed(RowSeed(&mut row))?.is_some() {
                (self.0)(&row);
                row = T::default();
            }
            Ok(())
        }
    }

    deserializer.deserialize_any(RowsVisitor(each, PhantomData))
}

/// Reads an object into a row.
struct RowSeed<'r, T>(&'r mut T);

impl<'de, T: Fields<'de>> DeserializeSeed<'de> for RowSeed<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Fields<'de>> Visitor<'de> for RowSeed<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<Text<'de>>()? {
            match self.0.field(name.as_str()) {
                Field::Text(text) => *text = map.next_value()?,
                Field::Number(number) => *number = map.next_value()?,
                Field::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

/// A list of objects; `null` is an empty one.
#[derive(Debug)]
pub struct Rows<T>(pub Vec<T>);

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Rows<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rows = Option::<Vec<Object<T>>>::deserialize(deserializer)?;
        let rows = rows.unwrap_or_default().into_iter();
        Ok(Self(rows.map(|Object(row)| row).collect()))
    }
}

/// A list of anything; whatever is not a list is an empty one.
#[derive(Debug, Default)]
pub struct List<T>(pub Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum ListOrNot<T> {
            List(Vec<T>),
            Not(IgnoredAny),
        }
        Ok(match ListOrNot::deserialize(deserializer)? {
            ListOrNot::List(list) => Self(list),
            ListOrNot::Not(IgnoredAny) => Self(Vec::new()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, Deserialize)]
    struct Row<'a> {
        #[serde(borrow, default)]
        name: Text<'a>,
        #[serde(default)]
        size: Number,
    }

    #[test]
    fn a_fraction_is_read_to_its_last_digit() {
        for number in [0.120_539_396_987_453_53, 0.122_285_212_147_577_77_f64] {
            let text = format!("{{\"data\":[{{\"size\":{number:?}}}]}}");
            let rows: Rows<Row<'_>> = envelope(&text).unwrap();
            assert_eq!(rows.0[0].size.0, Some(number));
        }
    }

    #[test]
    fn numbers_come_in_every_form() {
        let text = r#"{"data":[{"size":1},{"size":"2.5"},{"size":true},{"size":null},{"size":[1]},
            {"size":{"a":1}},{"size":"N/A"},{"size":"NaN"},{}]}"#;
        let rows: Rows<Row<'_>> = envelope(text).unwrap();
        let sizes: Vec<_> = rows.0.iter().map(|row| row.size.0).collect();
        assert_eq!(
            sizes,
            [
                Some(1.0),
                Some(2.5),
                Some(1.0),
                None,
                None,
                None,
                None,
                None,
                None
            ]
        );
    }

    #[test]
    fn texts_come_in_every_form() {
        let text = r#"{"data":[{"name":"a"},{"name":7},{"name":null},{"name":["x"]},5,"row",null,
            {"name":"line\nbreak"}]}"#;
        let rows: Rows<Row<'_>> = envelope(text).unwrap();
        let names: Vec<_> = rows.0.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["a", "7", "", "", "", "", "", "line\nbreak"]);
    }

    #[test]
    fn null_is_an_empty_list_and_a_text_is_not_a_list() {
        assert!(
            envelope::<Rows<Row<'_>>>(r#"{"data":null}"#)
                .unwrap()
                .0
                .is_empty()
        );
        assert!(envelope::<Rows<Row<'_>>>(r#"{"data":"x"}"#).is_err());
        assert!(envelope::<Rows<Row<'_>>>("<html>").is_err());
    }
}
